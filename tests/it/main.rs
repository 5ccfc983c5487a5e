//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, reason = "tests")]

mod guard;
mod rate;
mod turnstile;
mod world;
mod wrangler;
