//! What a response means: the record, or why there is none yet.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The record at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// Its id; empty when the vendor has the record and does not say which.
    pub id: String,
    /// Why no new record was created (`already there: ...`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl RecordRef {
    /// A new record.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), note: None }
    }

    /// A record that was there before.
    pub fn already_there(id: impl Into<String>, why: impl fmt::Display) -> Self {
        Self { id: id.into(), note: Some(format!("already there: {why}")) }
    }
}

/// What a response means.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The call did its part, or the next one omits what was rejected. The text is for the timeline, mostly empty.
    Continue(String),
    /// The vendor has the record.
    Delivered(RecordRef),
    /// Try again later.
    Retry(Failure),
    /// The vendor rejects the lead; a person decides.
    Rejected(Failure),
}

impl Outcome {
    /// The call did its part.
    pub const CONTINUE: Self = Self::Continue(String::new());

    /// The word in timelines and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Continue(_) => "continue",
            Self::Delivered(_) => "delivered",
            Self::Retry(_) => "retry",
            Self::Rejected(_) => "rejected",
        }
    }
}

/// Why a delivery has not succeeded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class, for decisions and logs.
    pub kind: FailureKind,
    /// The vendor's own words, at most [`Failure::DETAIL_CHARS`] characters. May hold personal data; never logged.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How long the vendor asks to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl Failure {
    /// How much of a vendor's words is kept.
    pub const DETAIL_CHARS: usize = 500;

    /// A failure in the vendor's words.
    pub fn new(kind: FailureKind, detail: impl AsRef<str>) -> Self {
        Self { kind, detail: detail.as_ref().chars().take(Self::DETAIL_CHARS).collect(), wait_ms: None }
    }

    /// The same, with the wait that the vendor asks for.
    #[must_use]
    pub fn wait(mut self, wait_ms: Option<u64>) -> Self {
        self.wait_ms = wait_ms;
        self
    }
}

/// The class of a [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Too many calls. Uses up no attempt.
    RateLimited,
    /// 401 or 403: the credentials, or this request. A probe tells which.
    Credentials,
    /// 403 or 401 for this lead alone: the probe passed.
    Forbidden,
    /// The vendor is down, or something in front of it answered.
    Unavailable,
    /// No complete response arrived: refused connection, reset, timeout.
    NoResponse,
    /// The response makes no sense (a success without a record).
    Unexpected,
    /// The vendor rejects a value.
    Invalid,
    /// Another record is in the way.
    Conflict,
    /// What the call refers to does not exist (a route, a pipeline).
    NotFound,
    /// The lead lacks what the vendor requires.
    Incomplete,
    /// A secret is missing, or the destination is no longer configured.
    Config,
    /// A create may or may not have happened, and the vendor offers no look-up. Sending it again may repeat it.
    Unknown,
}

/// Whether an account is well, by its probe.
#[derive(Debug, Clone, PartialEq)]
pub enum Health {
    /// A success in the API's own format.
    Well,
    /// The vendor is down or rejects the credentials.
    Unwell(Failure),
    /// The probe itself does not work; the destination is treated as one without a probe.
    Broken(String),
}
