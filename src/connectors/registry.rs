//! Every connector, one line each.

use super::{Descriptor, hubspot, stateset};

/// The connectors, in the order of the docs.
pub const REGISTRY: &[&Descriptor] = &[&stateset::DESCRIPTOR, &hubspot::DESCRIPTOR];
