//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, reason = "tests")]

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
