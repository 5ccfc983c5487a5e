//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, reason = "tests")]

mod agencyhandy;
mod answers;
mod crashes;
mod destinations;
mod leadsquared;
mod leaks;
mod model;
mod outbox;
mod panics;
mod readme;
mod salesmap;
mod stateset;
mod webhook;
mod world;
mod wrangler;
