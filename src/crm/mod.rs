//! The CRMs, sans-I/O: each says which request to send next and what an answer means; `edge/` does the sending.
//!
//! Adding a CRM is one file here, its options in `config/destination/`, its fake, its table of answers, and one line in [`of`].

pub mod agencyhandy;
pub mod already_there;
pub mod call;
pub mod leadsquared;
pub mod left_out;
pub mod salesmap;
pub mod stateset;
pub mod status;
pub mod webhook;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use call::{Answer, Call, HeaderValue, Method, Safety};

use crate::config::{CrmOptions, Destination};
use crate::lead::Lead;

/// A CRM as the Outbox drives it.
pub trait Crm {
    /// What to do next for this lead, given what earlier calls have established.
    fn next(&self, lead: &Lead, progress: &Progress) -> Step;

    /// What the CRM's answer to `call` means. Only called for a whole HTTP answer; a call that got none is the
    /// business of `delivery/`.
    fn read(&self, call: &Call, answer: &Answer) -> Verdict;

    /// What `call` costs of the vendor's limit; an ordinary call is one.
    fn cost(&self, _call: &Call) -> u32 {
        1
    }
}

/// The CRM of a destination.
pub fn of(destination: &Destination) -> Box<dyn Crm> {
    match &destination.crm {
        CrmOptions::AgencyHandy(options) => Box::new(agencyhandy::AgencyHandy::new(&destination.name, options.clone())),
        CrmOptions::StateSet(options) => Box::new(stateset::StateSet::new(&destination.name, options.clone())),
        CrmOptions::Webhook(options) => Box::new(webhook::Webhook::new(&destination.name, options.clone())),
        CrmOptions::Salesmap(options) => Box::new(salesmap::Salesmap::new(&destination.name, options.clone())),
        CrmOptions::LeadSquared(options) => Box::new(leadsquared::LeadSquared::new(&destination.name, options.clone())),
    }
}

/// What to do next for a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this and read the answer.
    Call(Box<Call>),
    /// Nothing more to do: the CRM has the record (every needed fact is in the Progress).
    Delivered(RecordRef),
    /// This lead can never be what the CRM requires (a lead without an email, say); a person has to decide.
    Refused(Trouble),
}

/// The record in the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// Its id in the CRM; empty only when the CRM has the record but does not say its id.
    pub id: String,
    /// Why no new record was made, when none was (`already there`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What earlier calls have established: for this delivery, and for the account.
///
/// `facts` is stored with the delivery after every answer; `learned` belongs to the destination and is kept once in
/// the Outbox. The stored format is pinned by a test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Facts of this delivery (`people_id`).
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// What the CRM refused and goes without from here on: the CRM's or the config's names, never values.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<String>,
    /// The step of a `Create` that left and whose answer never came, or could not be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<String>,
    /// How often a person has sent it again after a refusal: each time it is a new request, and nothing is left out yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sent_again: u32,
    /// Facts of the account, shared by its deliveries (`company_id`); filled in by the Outbox before `next`.
    #[serde(skip)]
    pub learned: BTreeMap<String, String>,
}

/// Whether a count is worth writing down.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's predicate")]
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Progress {
    /// After so many things that were left out one by one, everything optional goes at once. It keeps the steps of one
    /// try, whatever a CRM answers, below what the Outbox allows.
    const MOST_LEFT_OUT: usize = 4;

    /// Whether the CRM goes without this.
    pub fn is_left_out(&self, field: &str) -> bool {
        self.left_out.contains(field)
    }

    /// Whether the CRM gets nothing that it does not insist on.
    pub fn is_bare(&self) -> bool {
        self.is_left_out(left_out::EVERYTHING) || self.left_out.len() >= Self::MOST_LEFT_OUT
    }

    /// A fact of this delivery.
    pub fn fact(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }

    /// A fact of the account.
    pub fn learned(&self, key: &str) -> Option<&str> {
        self.learned.get(key).map(String::as_str)
    }

    /// Takes over what an answer established; account facts change `learned` and are the Outbox's to store.
    pub fn take(&mut self, lessons: &[Lesson]) {
        for lesson in lessons {
            match lesson {
                Lesson::Fact(key, value) => drop(self.facts.insert((*key).to_owned(), value.clone())),
                Lesson::Account(key, value) => drop(self.learned.insert((*key).to_owned(), value.clone())),
                Lesson::ForgetAccount(key) => drop(self.learned.remove(*key)),
                Lesson::NotInDoubt => self.in_doubt = None,
                Lesson::LeftOut { field, .. } => drop(self.left_out.insert(field.clone())),
            }
        }
    }
}

/// One thing that an answer established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lesson {
    /// A fact of this delivery.
    Fact(&'static str, String),
    /// A fact of the account, for all its deliveries.
    Account(&'static str, String),
    /// A fact of the account that no longer holds.
    ForgetAccount(&'static str),
    /// The create that was in doubt did not happen: the look-up found nothing.
    NotInDoubt,
    /// The CRM refuses this value, in words that may repeat it; the delivery goes on without, and its note has it.
    LeftOut {
        /// The CRM's name of it, or the config's.
        field: String,
        /// The vendor's words.
        why: String,
    },
}

/// What the timeline says of an answer after which the delivery goes on: which values are left out from here on, and
/// why. Nothing, when everything was taken.
pub fn told(lessons: &[Lesson]) -> String {
    let mut fields = Vec::new();
    let mut words = "";
    for lesson in lessons {
        if let Lesson::LeftOut { field, why } = lesson {
            fields.push(field.as_str());
            words = why;
        }
    }
    if fields.is_empty() {
        return String::new();
    }
    format!("left out {}: {words}", fields.join(", ")).chars().take(Trouble::DETAIL_CHARS).collect()
}

/// What an Answer means.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The call did its part; ask for the next step.
    GoOn(Vec<Lesson>),
    /// The CRM has the record.
    Delivered(RecordRef),
    /// Not now.
    TryLater(Trouble),
    /// Never, as it stands; a person has to look.
    Refused(Trouble),
    /// Perhaps: a create whose answer says neither yes nor no.
    InDoubt(Trouble),
}

/// Why a delivery is not through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The class, for logs and decisions.
    pub why: Why,
    /// The vendor's own words, at most [`Trouble::DETAIL_CHARS`] characters. May hold personal data: it is stored
    /// with the attempt and never logged.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How long the vendor asks to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl Trouble {
    /// How much of a vendor's words is kept.
    pub const DETAIL_CHARS: usize = 500;

    /// A trouble in the vendor's words.
    pub fn new(why: Why, detail: impl AsRef<str>) -> Self {
        Self { why, detail: detail.as_ref().chars().take(Self::DETAIL_CHARS).collect(), wait_ms: None }
    }

    /// The same, with the wait that the vendor asks for.
    #[must_use]
    pub fn wait(mut self, wait_ms: Option<u64>) -> Self {
        self.wait_ms = wait_ms;
        self
    }
}

/// The class of a [`Trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Too many calls; uses up no attempt.
    RateLimited,
    /// The credentials do not hold (any more).
    Credentials,
    /// The CRM is down, slow, or answers something that is not its API.
    Unavailable,
    /// No answer came: refused connection, reset, timeout.
    NoAnswer,
    /// The answer is of the right kind but makes no sense (a success without a record).
    Unexpected,
    /// The CRM refuses what was sent.
    Invalid,
    /// Another record stands in the way.
    Conflict,
    /// What the call speaks of is not there (a route, a company).
    NotFound,
    /// The lead lacks what the CRM requires.
    Incomplete,
    /// The destination's configuration does not allow it: a missing secret, a deleted destination.
    Config,
    /// Its tries bring down the Worker: a defect of formcourier.
    Crashed,
    /// The CRM answers this lead as if the credentials did not hold, and others get through with them.
    TurnedAway,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeline_says_what_is_left_out() {
        let left_out = |field: &str, why: &str| Lesson::LeftOut { field: field.into(), why: why.into() };
        for (lessons, expected) in [
            (vec![], String::new()),
            (vec![Lesson::Fact("people_id", "p1".into()), Lesson::NotInDoubt], String::new()),
            (vec![left_out("phone", "HTTP 422: no")], "left out phone: HTTP 422: no".to_owned()),
            (
                vec![left_out("phone", "no"), Lesson::NotInDoubt, left_out("title", "no")],
                "left out phone, title: no".to_owned(),
            ),
            (vec![left_out("phone", &"가".repeat(600))], format!("left out phone: {}", "가".repeat(484))),
        ] {
            assert_eq!(told(&lessons), expected);
        }
    }

    #[test]
    fn what_is_left_out_stays_out_and_after_some_of_it_all_goes() {
        let mut progress = Progress::default();
        for (field, is_bare) in [("a", false), ("b", false), ("b", false), ("c", false), ("d", true)] {
            progress.take(&[Lesson::LeftOut { field: field.into(), why: "no".into() }]);
            assert_eq!((progress.is_left_out(field), progress.is_bare()), (true, is_bare), "{field}");
        }
        let mut progress = Progress::default();
        progress.take(&[Lesson::LeftOut { field: left_out::EVERYTHING.into(), why: "no".into() }]);
        assert!(progress.is_bare());
    }
}
