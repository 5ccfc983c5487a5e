//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, reason = "tests")]

mod crashes;
mod outbox;
mod panics;
mod world;
mod wrangler;
