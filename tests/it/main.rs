//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, reason = "tests")]
#![allow(clippy::needless_pass_by_value, reason = "the values are built with json! in place")]

mod agencyhandy;
mod answers;
mod destinations;
mod leadsquared;
mod leaks;
mod salesmap;
mod stateset;
mod webhook;
mod world;
