//! Fake CRMs, as strict as the vendors' documentation. A library for the tests, a binary for `make dev`.
//!
//! Each vendor is a [`Fake`]: it gets a parsed request and gives a response, and holds the records that it made.
//! [`Server`] puts all of them behind one loopback port and records every request, so that a test can compare them whole.

pub mod agencyhandy;
pub mod alerts;
mod dashboard;
mod gate;
pub mod leadsquared;
pub mod message;
pub mod salesmap;
pub mod server;
pub mod stateset;
pub mod turnstile;
pub mod webhook;
pub mod workerd;

pub use gate::Gate;
pub use message::{Request, Response};
pub use server::{Mood, Server};
pub use workerd::{Environment, Workerd};

use std::any::Any;

use serde_json::Value;

/// A fake vendor: strict about what it is sent, and honest about what it holds.
pub trait Fake: Any + Send {
    /// The word of the config key `crm`.
    fn name(&self) -> &'static str;

    /// The hosts that the real vendor answers on (`api.stateset.com`); a webhook takes every other host.
    fn hosts(&self) -> &'static [&'static str];

    /// Answers one request; `now_ms` is milliseconds since 1970, for rate limits and times in records.
    fn answer(&mut self, request: &Request, now_ms: i64) -> Response;

    /// The records that it holds, oldest first, each with the member `record` saying what it is (`lead`, `person`, …).
    fn records(&self) -> Vec<Value>;

    /// What the real vendor would have swallowed in silence and a careful client must not send; shown and tested.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}
