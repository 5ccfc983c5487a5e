//! The state machine of a Delivery: one Submission on its way to one Destination.
//!
//! Pure: time and randomness come in as arguments. [`driver`] takes events and says what to send next; `outbox` keeps the
//! rows and `edge` sends. The simulator drives the same code.

pub mod driver;
pub mod pace;
pub mod pause;
pub mod queue;
pub mod schedule;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::connectors::{Failure, Progress, RecordRef};

pub use driver::{Event, Flight, Next};
pub use pause::{DestinationState, Pause};

/// Where a Delivery stands. The names are stored and pinned by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// On its way; `next_at` says when it is tried next.
    Pending,
    /// The vendor has the record.
    Delivered,
    /// The vendor rejects it; a person decides.
    Rejected,
    /// Every attempt of the schedule is used up; a person decides.
    Exhausted,
    /// Suspected spam; it waits for a person, with the submission's reasons.
    Quarantined,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Delivered, Self::Rejected, Self::Exhausted, Self::Quarantined];

    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Exhausted => "exhausted",
            Self::Quarantined => "quarantined",
        }
    }

    /// From what is stored.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One Submission on its way to one Destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Which submission.
    pub submission_id: String,
    /// To which destination.
    pub destination: String,
    /// Where it stands.
    pub state: State,
    /// Attempts used up.
    pub attempts: u32,
    /// When it is due, milliseconds since 1970.
    pub next_at: i64,
    /// It is not taken up before this, however due it is: an attempt is under way, or was when its process died, or the vendor
    /// may still be at work on a create whose outcome is unknown.
    pub not_before: i64,
    /// Attempts in a row that began and did not end: the process or the object died.
    pub cut_short: u32,
    /// What earlier calls established.
    pub progress: Progress<Json>,
    /// The record at the vendor, once it is there.
    pub record: Option<RecordRef>,
    /// Why it has not succeeded yet.
    pub failure: Option<Failure>,
    /// Its calls, oldest first.
    pub timeline: Vec<Attempt>,
}

/// One Call and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was sent, milliseconds since 1970.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub ms: i64,
    /// Which step.
    pub step: String,
    /// The HTTP status, if a response came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What it meant (`delivered`, `retry`, `no_response`).
    pub outcome: String,
    /// The vendor's words. May hold personal data: shown to the operator, never logged.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Delivery {
    /// The longest timeline that is kept; older calls make room.
    const TIMELINE: usize = 100;

    /// A delivery that is due at once.
    pub fn new(submission_id: impl Into<String>, destination: impl Into<String>, now: i64) -> Self {
        Self {
            submission_id: submission_id.into(),
            destination: destination.into(),
            state: State::Pending,
            attempts: 0,
            next_at: now,
            not_before: 0,
            cut_short: 0,
            progress: Progress::default(),
            record: None,
            failure: None,
            timeline: Vec::new(),
        }
    }

    /// It is due at `at`, but not before the outcome of a create in doubt can be looked up.
    pub fn put_off(&mut self, at: i64) {
        self.next_at = at.max(self.not_before);
    }

    /// Writes one line of the timeline.
    pub fn record_attempt(&mut self, attempt: Attempt) {
        if self.timeline.len() >= Self::TIMELINE {
            self.timeline.remove(0);
        }
        self.timeline.push(attempt);
    }

    /// Sends it again, for a person. A rejection is a new request, and what it omitted is tried again. What the connector
    /// knows stays (a create in doubt is still looked up first), unless something was not found: then it may be what an
    /// earlier step found, in another account or since deleted. Returns whether there is anything to send.
    pub fn release(&mut self, now: i64) -> bool {
        if matches!(self.state, State::Pending | State::Delivered) {
            return false;
        }
        if self.state == State::Rejected {
            self.progress.resends += 1;
            self.progress.omitted = crate::connectors::Omitted::default();
            if self.failure.as_ref().is_some_and(|failure| failure.kind == crate::connectors::FailureKind::NotFound) {
                self.progress.state = Json::Null;
            }
        }
        self.progress.repeated = false;
        (self.state, self.attempts, self.cut_short, self.failure) = (State::Pending, 0, 0, None);
        self.put_off(now);
        true
    }
}
