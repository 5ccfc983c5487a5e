//! The contract between a connector and the driver.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::domain::Lead;

use super::{Call, Failure, FailureKind, Omitted, Outcome, RecordRef, Response};

/// One vendor. Pure: time, randomness and the network belong to `delivery` and `edge`.
pub trait Connector: fmt::Debug {
    /// What earlier calls of a delivery established; stored after each response.
    type State: Serialize + DeserializeOwned + Default;
    /// What calls established about the account, shared by its deliveries (ids that were looked up).
    type Account: Serialize + DeserializeOwned + Default;

    /// The next step for this lead.
    fn next(&self, lead: &Lead, progress: &Progress<Self::State>, account: &Self::Account) -> Step;

    /// What a complete response to `call` means. A call without one is the business of `delivery`.
    fn read(
        &self,
        call: &Call,
        response: &Response,
        progress: &mut Progress<Self::State>,
        account: &mut Self::Account,
    ) -> Outcome;

    /// A harmless read without visitor data that tells whether the account is well; `None` when the vendor has none.
    fn probe(&self) -> Option<Call> {
        None
    }

    /// What `call` costs of the vendor's limit.
    fn cost(&self, _call: &Call) -> u32 {
        1
    }

    /// Whether the record has a place for the visitor's message. `make check` warns where it has none.
    fn takes_note(&self) -> bool {
        true
    }
}

/// Where a delivery stands with its vendor. The stored format is pinned by a test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress<S> {
    /// The connector's own state.
    #[serde(default)]
    pub state: S,
    /// Values the vendor rejected; the delivery goes on without them.
    #[serde(default, skip_serializing_if = "Omitted::is_empty")]
    pub omitted: Omitted,
    /// The step of a create whose outcome is unknown. A connector clears it when a look-up shows there is no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<String>,
    /// How often a person sent it again after a rejection. Each is a new request with a new idempotency key.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resends: u32,
    /// A create in doubt that has no look-up was sent once more. The driver's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repeated: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's predicate")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's predicate")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What to do next for a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this and read the response.
    Call(Box<Call>),
    /// The vendor has the record.
    Delivered(RecordRef),
    /// The lead lacks what the vendor requires; a person decides.
    Rejected(Failure),
}

impl Step {
    /// A lead that lacks what the vendor requires.
    pub fn incomplete(message: impl AsRef<str>) -> Self {
        Self::Rejected(Failure::new(FailureKind::Incomplete, message))
    }
}

impl From<Call> for Step {
    fn from(call: Call) -> Self {
        Self::Call(Box::new(call))
    }
}

/// The progress or account of a delivery cannot be read: its row is damaged or of another version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateError(pub &'static str);

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stored {} cannot be read", self.0)
    }
}

impl std::error::Error for StateError {}

/// A [`Connector`] with its state as JSON, as the registry and the Outbox hold it.
pub trait AnyConnector: fmt::Debug {
    /// See [`Connector::next`].
    fn next(&self, lead: &Lead, progress: &Progress<Json>, account: &Json) -> Result<Step, StateError>;

    /// See [`Connector::read`].
    fn read(
        &self,
        call: &Call,
        response: &Response,
        progress: &mut Progress<Json>,
        account: &mut Json,
    ) -> Result<Outcome, StateError>;

    /// See [`Connector::probe`].
    fn probe(&self) -> Option<Call>;

    /// See [`Connector::cost`].
    fn cost(&self, call: &Call) -> u32;

    /// See [`Connector::takes_note`].
    fn takes_note(&self) -> bool;
}

impl<C: Connector> AnyConnector for C {
    fn next(&self, lead: &Lead, progress: &Progress<Json>, account: &Json) -> Result<Step, StateError> {
        Ok(Connector::next(self, lead, &typed(progress)?, &parsed(account, "account")?))
    }

    fn read(
        &self,
        call: &Call,
        response: &Response,
        progress: &mut Progress<Json>,
        account: &mut Json,
    ) -> Result<Outcome, StateError> {
        let (mut known, mut shared) = (typed(progress)?, parsed(account, "account")?);
        let outcome = Connector::read(self, call, response, &mut known, &mut shared);
        let Progress { state, omitted, in_doubt, resends, repeated } = known;
        let state = serde_json::to_value(state).map_err(|_| StateError("state"))?;
        *progress = Progress { state, omitted, in_doubt, resends, repeated };
        *account = serde_json::to_value(shared).map_err(|_| StateError("account"))?;
        Ok(outcome)
    }

    fn probe(&self) -> Option<Call> {
        Connector::probe(self)
    }

    fn cost(&self, call: &Call) -> u32 {
        Connector::cost(self, call)
    }

    fn takes_note(&self) -> bool {
        Connector::takes_note(self)
    }
}

fn typed<S: DeserializeOwned + Default>(progress: &Progress<Json>) -> Result<Progress<S>, StateError> {
    Ok(Progress {
        state: parsed(&progress.state, "state")?,
        omitted: progress.omitted.clone(),
        in_doubt: progress.in_doubt.clone(),
        resends: progress.resends,
        repeated: progress.repeated,
    })
}

/// A delivery without state yet has `null`.
fn parsed<T: DeserializeOwned + Default>(json: &Json, what: &'static str) -> Result<T, StateError> {
    if json.is_null() { Ok(T::default()) } else { T::deserialize(json).map_err(|_| StateError(what)) }
}
