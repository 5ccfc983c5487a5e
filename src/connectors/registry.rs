//! Every connector, one line each.

use super::{Descriptor, stateset};

/// The connectors, in the order of the docs.
pub const REGISTRY: &[&Descriptor] = &[&stateset::DESCRIPTOR];
