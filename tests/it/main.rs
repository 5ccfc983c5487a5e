//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, reason = "tests")]
#![allow(clippy::needless_pass_by_value, reason = "the values are built with json! in place")]

mod agencyhandy;
mod answers;
mod crashes;
mod destinations;
mod leadsquared;
mod leaks;
mod outbox;
mod panics;
mod readme;
mod salesmap;
mod stateset;
mod webhook;
mod access;
mod architecture;
mod bad_input;
mod bodies;
mod config;
mod cors;
mod idempotency;
mod intake;
mod limits;
mod operator;
mod page;
mod raw;
mod replies;
mod world;
mod wrangler;
