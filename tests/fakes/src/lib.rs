//! Fake vendors, as strict as the vendors' documentation. A library for tests and simulator, a binary for `make dev`.
//!
//! Each vendor is a [`Fake`]: a request and the time in, a response out, and the records that it holds. It does no I/O and
//! is deterministic, so a simulator holds fakes in memory. [`VENDORS`] has one per connector. Around them, [`Desk`] finds
//! the fake of a request, [`Server`] puts it behind a loopback port, and [`Workerd`] starts the real runtime that calls it.

pub mod access;
pub mod agencyhandy;
pub mod alerts;
pub mod desk;
pub mod hubspot;
pub mod leadsquared;
pub mod message;
pub mod salesmap;
#[cfg(not(target_arch = "wasm32"))]
pub mod server;
pub mod stateset;
pub mod turnstile;
pub mod vendors;
pub mod webhook;
#[cfg(not(target_arch = "wasm32"))]
pub mod workerd;

pub use desk::{Desk, Gate, Mood};
pub use message::{Request, Response};
#[cfg(not(target_arch = "wasm32"))]
pub use server::Server;
pub use vendors::{VENDORS, Vendor};
#[cfg(not(target_arch = "wasm32"))]
pub use workerd::{Environment, Workerd};

use std::any::Any;
use std::fmt;

use serde_json::Value;

/// The value of every secret in `development.vars` that is not a signing secret.
pub const DEVELOPMENT: &str = "development";

/// The signing secret in `development.vars`: `whsec_` and the base64 of "formcourier in development".
pub const SIGNING_SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// A fake vendor: strict about what it is sent, and honest about what it holds.
pub trait Fake: Any + Send {
    /// The connector's name, the word of the config key `type`.
    fn name(&self) -> &'static str;

    /// The hosts that the real vendor answers on (`api.stateset.com`); a webhook takes every other host.
    fn hosts(&self) -> &'static [&'static str];

    /// Answers one request; `now_ms` is milliseconds since 1970, for rate limits and times in records.
    fn answer(&mut self, request: &Request, now_ms: i64) -> Response;

    /// The records that it holds, oldest first, each with the member `record` saying what it is (`lead`, `person`, …).
    /// A record keeps every text as it was sent, so that `holding` finds it.
    fn records(&self) -> Vec<Value>;

    /// What the real vendor would have accepted silently and a careful client must not send; shown and tested.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}

impl dyn Fake {
    /// The records that hold `text` in any value, without regard to case: this is how a simulator counts duplicates.
    ///
    /// A word of letters and digits in a submission's message marks its delivery, because a message is stored once per
    /// delivery: in the lead, in the person when no lead is created, in a `note`, in the webhook's `message`.
    /// LeadSquared's `user` and AgencyHandy without a `note_field` hold no message; their email marks them. To count records
    /// per person, search for the email and filter by the member `record`.
    pub fn holding(&self, text: &str) -> Vec<Value> {
        let text = text.to_lowercase();
        self.records().into_iter().filter(|record| holds(record, &text)).collect()
    }
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.to_lowercase().contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(members) => members.values().any(|member| holds(member, text)),
        _ => false,
    }
}

impl fmt::Debug for dyn Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
