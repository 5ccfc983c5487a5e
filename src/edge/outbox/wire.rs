//! What the entry Worker and an Outbox say to each other: JSON over the object's `fetch`.

use serde::{Deserialize, Serialize};

use crate::crm::{self, RecordRef, Trouble};
use crate::delivery::State;
use crate::edge::store::rows::Attempt;
use crate::form::Submission;

/// `POST /accept`: store this and deliver it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Accept {
    /// What came in.
    pub submission: Submission,
    /// Where it goes.
    pub destinations: Vec<String>,
    /// The visitor's idempotency key, if there is one.
    pub key: Option<String>,
    /// A digest of the fields: the same key with another digest is a mistake of the page.
    pub digest: String,
    /// The same visitor with the same fields, as a digest; `None` when the request has a key of its own.
    #[serde(default)]
    pub visitor: Option<String>,
    /// The object must not store it after this moment: whoever asked has gone elsewhere with it.
    #[serde(default)]
    pub not_after: Option<i64>,
    /// For an overflow: the Outbox that was asked first, and may have stored it after all.
    #[serde(default)]
    pub asked_first: Option<String>,
    /// Why it is suspected to be spam, machine-readable; empty when it is not. Suspects wait in quarantine.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// An overflow gives it away when it would deliver it: whatever the reasons, it was let go.
    #[serde(default)]
    pub is_moved: bool,
    /// How often it was repeated where it comes from.
    #[serde(default)]
    pub repeats: u32,
}

impl Accept {
    /// Whether it waits for a person.
    pub fn is_suspected(&self) -> bool {
        !self.reasons.is_empty() && !self.is_moved
    }
}

/// The answer to [`Accept`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// Stored under this id, now or by an earlier request with the same key.
    Stored(String),
    /// The key was used for something else.
    KeyReused,
    /// It came too late to be stored here.
    TooLate,
    /// The object's own tables cannot be opened: it stored nothing.
    Broken,
}

/// `GET /submissions`: a part of the list, newest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// Those that it holds.
    pub submissions: Vec<SubmissionView>,
    /// It ends before its time, because they are long: others follow that may be newer than those of another Outbox.
    pub is_cut: bool,
}

/// `GET /submissions/{id}`: a submission and where each of its deliveries stands.
#[derive(Debug, Serialize, Deserialize)]
pub struct SubmissionView {
    /// As it was stored.
    #[serde(flatten)]
    pub submission: Submission,
    /// How often the visitor sent the same again within a minute.
    #[serde(default, skip_serializing_if = "crm::is_zero")]
    pub repeats: u32,
    /// Why it is, or was, in quarantine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// One per destination.
    pub deliveries: Vec<DeliveryView>,
}

/// A delivery as the operator sees it.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeliveryView {
    /// To which destination.
    pub destination: String,
    /// Where it stands.
    pub state: State,
    /// The record in the CRM, once it is there.
    pub record: Option<RecordRef>,
    /// Why it is not through.
    pub trouble: Option<Trouble>,
    /// The create that may or may not have been made: its answer never came. A person looks before sending it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<String>,
    /// Tries used up.
    pub tries: u32,
    /// When it is tried next, milliseconds since 1970; `None` when it is not.
    pub next_at: Option<i64>,
    /// The timeline, oldest first.
    pub attempts: Vec<Attempt>,
}
