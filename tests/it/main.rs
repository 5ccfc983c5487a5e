//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, reason = "tests")]

mod readme;
mod world;
mod wrangler;
