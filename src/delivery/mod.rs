//! The state machine of a Delivery: one Submission on its way to one Destination.
//!
//! Pure: time and randomness come in as arguments. `edge/outbox` loads a Delivery, asks its CRM for the next step, calls
//! [`intend`] before a request leaves and [`advance`] when its outcome is known, and stores what these return.

pub mod advance;
pub mod alerts;
#[cfg(test)]
mod model;
pub mod obstacle;
pub mod outboxes;
pub mod pace;
pub mod parking;
pub mod schedule;
pub mod slots;

use serde::{Deserialize, Serialize};

use crate::crm::{Progress, RecordRef, Trouble};

pub use advance::{
    Outcome, advance, deliver, intend, interrupt, is_for_all, is_well, of_its_own, postpone, refuse, start,
    was_turned_away,
};

/// Where a Delivery stands. The names are stored and pinned by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// On its way; `next_at` says when it is tried again.
    Pending,
    /// The CRM has the record.
    Delivered,
    /// The CRM will not have it as it stands; a person has to look.
    Refused,
    /// Every try of the schedule was used up; a person has to look.
    Exhausted,
    /// It brought down its object three times; a person has to look.
    Parked,
    /// Suspected spam: it waits for a person, with the submission's reasons.
    Quarantined,
}

impl State {
    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Exhausted => "exhausted",
            Self::Parked => "parked",
            Self::Quarantined => "quarantined",
        }
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
    /// Tries used up, each counted and stored before it is made.
    pub attempts: u32,
    /// When it is due, milliseconds since 1970.
    pub next_at: i64,
    /// What earlier calls have established.
    pub progress: Progress,
    /// The record in the CRM, once it is there.
    pub record: Option<RecordRef>,
    /// Why it is not through yet, or never will be.
    pub trouble: Option<Trouble>,
}

impl Delivery {
    /// A delivery that is due at once.
    pub fn new(submission_id: impl Into<String>, destination: impl Into<String>, now: i64) -> Self {
        Self {
            submission_id: submission_id.into(),
            destination: destination.into(),
            state: State::Pending,
            attempts: 0,
            next_at: now,
            progress: Progress::default(),
            record: None,
            trouble: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::Why;

    #[test]
    fn stored_formats_have_not_drifted() {
        for (state, name) in [
            (State::Pending, "pending"),
            (State::Delivered, "delivered"),
            (State::Refused, "refused"),
            (State::Exhausted, "exhausted"),
            (State::Parked, "parked"),
            (State::Quarantined, "quarantined"),
        ] {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{name}\""));
            assert_eq!(state.name(), name);
        }
        let mut progress = Progress::default();
        assert_eq!(serde_json::to_string(&progress).unwrap(), r#"{"facts":{}}"#);
        progress.facts.insert("people_id".into(), "p1".into());
        progress.in_doubt = Some("lead".into());
        progress.left_out.insert("phone".into());
        progress.sent_again = 1;
        progress.learned.insert("company_id".into(), "c1".into());
        let stored = r#"{"facts":{"people_id":"p1"},"left_out":["phone"],"in_doubt":"lead","sent_again":1}"#;
        assert_eq!(serde_json::to_string(&progress).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Progress>("{}").unwrap(), Progress::default());

        let record = RecordRef { id: "r1".into(), note: Some("already there".into()) };
        assert_eq!(serde_json::to_string(&record).unwrap(), r#"{"id":"r1","note":"already there"}"#);
        let trouble = Trouble::new(Why::RateLimited, "slow down").wait(Some(1500));
        let stored = r#"{"why":"rate_limited","detail":"slow down","wait_ms":1500}"#;
        assert_eq!(serde_json::to_string(&trouble).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Trouble>(stored).unwrap(), trouble);
    }

    #[test]
    fn the_stored_words_for_trouble_have_not_drifted() {
        let words: Vec<String> = [
            Why::RateLimited,
            Why::Credentials,
            Why::Unavailable,
            Why::NoAnswer,
            Why::Unexpected,
            Why::Invalid,
            Why::Conflict,
            Why::NotFound,
            Why::Incomplete,
            Why::Config,
            Why::Crashed,
            Why::TurnedAway,
        ]
        .iter()
        .map(|why| serde_json::to_value(why).unwrap().as_str().unwrap().to_owned())
        .collect();
        assert_eq!(
            words.join(" "),
            "rate_limited credentials unavailable no_answer unexpected invalid conflict not_found incomplete config crashed \
             turned_away"
        );
    }
}
