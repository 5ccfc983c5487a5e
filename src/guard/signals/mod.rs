//! Content signals.

use crate::lead::Lead;

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {}

impl Signal {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {}
    }
}

/// What was found.
pub fn found(_lead: &Lead) -> Vec<Signal> {
    Vec::new()
}
