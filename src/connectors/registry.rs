//! Every connector, one line each.

use super::{Descriptor, leadsquared, stateset};

/// The connectors, in the order of the docs.
pub const REGISTRY: &[&Descriptor] = &[&leadsquared::DESCRIPTOR, &stateset::DESCRIPTOR];
