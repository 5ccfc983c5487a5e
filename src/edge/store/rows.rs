//! Rows of the Outbox's tables, and how they become the types of the pure rooms.

use serde::{Deserialize, Serialize};
use worker::{Error, Result};

use crate::delivery::Delivery;

/// A destination of this outbox.
#[derive(Debug, Deserialize)]
pub struct LaneRow {
    /// Its name.
    pub name: String,
    /// Until when nothing is sent to it.
    pub paused_until: i64,
    /// When its next delivery is due; `None` when none is waiting.
    pub next_at: Option<i64>,
}

/// A submission that came in earlier under the same idempotency key.
#[derive(Debug, Deserialize)]
pub struct Earlier {
    /// Its id.
    pub id: String,
    /// The digest of its fields.
    pub digest: String,
}

/// One line of a delivery's timeline: one Call and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was sent, milliseconds since 1970.
    pub at: i64,
    /// How long it took, milliseconds.
    pub millis: i64,
    /// Which step.
    pub step: String,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// What it meant (`delivered`, `try_later`).
    pub verdict: String,
    /// The vendor's own words. May hold personal data: shown to the operator, never logged.
    pub detail: String,
}

/// What a row of `submission` says of its history.
#[derive(Debug, Deserialize)]
pub struct Extras {
    /// In an overflow: the Outbox that has to be asked first.
    pub asked_first: Option<String>,
    /// How often the visitor sent the same again.
    pub repeats: u32,
    /// The visitor's idempotency key.
    pub idempotency_key: Option<String>,
    /// The digest of the fields.
    pub digest: String,
    /// Who sent it and what, as a digest.
    pub visitor: Option<String>,
}

/// A row of `delivery`.
#[derive(Debug, Deserialize)]
pub struct DeliveryRow {
    submission_id: String,
    destination: String,
    state: String,
    attempts: u32,
    next_at: i64,
    progress: String,
    record: Option<String>,
    trouble: Option<String>,
}

impl DeliveryRow {
    pub(super) fn into_delivery(self) -> Result<Delivery> {
        let row = format!("the delivery of {} to {}", self.submission_id, self.destination);
        Ok(Delivery {
            state: from_json(&format!("\"{}\"", self.state), &row)?,
            progress: from_json(&self.progress, &row)?,
            record: self.record.as_deref().map(|text| from_json(text, &row)).transpose()?,
            trouble: self.trouble.as_deref().map(|text| from_json(text, &row)).transpose()?,
            submission_id: self.submission_id,
            destination: self.destination,
            attempts: self.attempts,
            next_at: self.next_at,
        })
    }
}

/// Reads what is stored, or was sent by an object of ours. The error is logged, so it says where and what kind of mistake
/// it is; serde's own words may quote what a visitor wrote.
pub fn from_json<T: for<'a> Deserialize<'a>>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::RustError(format!("{what} cannot be read: {:?}", error.classify())))
}

/// Writes what is stored, or sent to an object of ours.
pub fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::RustError(error.to_string()))
}
