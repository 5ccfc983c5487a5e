//! What holds up requests until a test lets them through: that something does not wait for them is then shown by what
//! happens while the gate is closed, not by a clock.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::server::lock;

/// A gate, closed at first. Its clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets through whoever waits, and whoever comes.
    pub fn open(&self) {
        *lock(&self.0.0) = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        drop(self.0.1.wait_while(lock(&self.0.0), |open| !*open).unwrap_or_else(PoisonError::into_inner));
    }
}
