//! The outcome of a response: the record, or the reason that there is no record yet.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::domain::text::bounded;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// The record at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// Its id; empty when the vendor does not say it.
    pub id: String,
    /// Its page, if the vendor's response names one. The destination's `record_url` takes precedence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Why no new record was created (`already there: ...`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The vendor has a record of this person and takes no second message: the operator reads it here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub message_missing: bool,
}

impl RecordRef {
    /// How much of an id is kept. Vendors use 36 characters at most.
    const ID_CHARS: usize = 200;

    /// A new record.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), url: None, note: None, message_missing: false }
    }

    /// A record that was there before.
    pub fn already_there(id: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::new(id).with_note(Some(&format!("already there: {why}")))
    }

    /// The same, at a vendor that takes nothing more of a known person.
    #[must_use]
    pub fn without_message(mut self) -> Self {
        self.message_missing = true;
        self
    }

    /// The same with a note for the operator, which may hold a vendor's words.
    #[must_use]
    pub fn with_note(mut self, note: Option<&str>) -> Self {
        self.note = note.map(|note| bounded(note, Failure::DETAIL_CHARS));
        self
    }

    /// The id of a record in a vendor's JSON, bounded and without control characters; `None` when it says none.
    pub fn id_in(value: &Json) -> Option<String> {
        let text = value.as_str()?.chars().filter(|c| !c.is_control()).take(Self::ID_CHARS);
        Some(text.collect::<String>().trim().to_owned()).filter(|id| !id.is_empty())
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

    /// The longest wait that a vendor can ask for.
    pub const LONGEST_WAIT_MS: u64 = 6 * HOUR_MS;

    /// A failure in the vendor's words.
    pub fn new(kind: FailureKind, detail: impl AsRef<str>) -> Self {
        Self { kind, detail: bounded(detail.as_ref(), Self::DETAIL_CHARS), wait_ms: None }
    }

    /// The same, with the wait that the vendor asks for. A wait beyond the longest is cut, and the detail says so.
    #[must_use]
    pub fn wait(mut self, wait_ms: Option<u64>) -> Self {
        self.wait_ms = wait_ms.map(|wait| wait.min(Self::LONGEST_WAIT_MS));
        if let Some(wait) = wait_ms.filter(|wait| *wait > Self::LONGEST_WAIT_MS) {
            let (asked, longest) = (wait.div_ceil(HOUR_MS), Self::LONGEST_WAIT_MS / HOUR_MS);
            let detail = format!("the vendor asks to wait {asked} hours, cut to {longest}; {}", self.detail);
            self.detail = bounded(&detail, Self::DETAIL_CHARS);
        }
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
    /// The response contradicts the contract (a success without a record).
    Unexpected,
    /// The vendor rejects a value.
    Invalid,
    /// Another record conflicts.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_vendor_says_is_kept_bounded_and_without_control_characters() {
        let long = "가".repeat(100_000);
        for (id, expected) in [
            (json!(" 7c9e\n"), Some("7c9e")),
            (json!("7\0c\u{1b}[31m\u{9b}9\u{7f}e"), Some("7c[31m9e")),
            (json!(long), Some(&long[..3 * 200])),
            (json!(" \0 "), None),
            (json!(""), None),
            (json!(7), None),
            (json!(null), None),
        ] {
            assert_eq!(RecordRef::id_in(&id).as_deref(), expected);
        }
        let note = RecordRef::already_there("", &long).note.unwrap();
        let detail = Failure::new(FailureKind::Invalid, format!("\u{9b}31m{long}")).detail;
        assert_eq!((note.chars().count(), detail.chars().count()), (500, 500));
        assert!(detail.starts_with("\u{FFFD}31m가"));
    }

    #[test]
    fn a_wait_is_cut_to_six_hours_and_named() {
        let longest = Some(21_600_000);
        for (asked, wait_ms, detail) in [
            (None, None, "slow down"),
            (Some(60_000), Some(60_000), "slow down"),
            (longest, longest, "slow down"),
            (Some(99_999_999_000), longest, "the vendor asks to wait 27778 hours, cut to 6; slow down"),
            (Some(u64::MAX), longest, "the vendor asks to wait 5124095576031 hours, cut to 6; slow down"),
        ] {
            let failure = Failure::new(FailureKind::RateLimited, "slow down").wait(asked);
            assert_eq!((failure.wait_ms, failure.detail.as_str()), (wait_ms, detail));
        }
    }
}
