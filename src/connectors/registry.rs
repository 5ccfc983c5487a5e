//! Every connector, one line each.

use super::{Descriptor, agencyhandy, stateset};

/// The connectors, in the order of the docs.
pub const REGISTRY: &[&Descriptor] = &[&agencyhandy::DESCRIPTOR, &stateset::DESCRIPTOR];
