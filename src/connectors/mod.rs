//! The connectors: each says which request a vendor needs next and what a response means. No I/O.
//!
//! Everything about a vendor is in its file: options, secrets, pace, guarantee, requests, and how to read responses.
//! [`registry`] has one line per connector; config, `make check`, the docs' tables, the fakes and the test matrices
//! iterate over it. A vendor adds a file, that line, a fake and a docs section.

pub mod agencyhandy;
pub mod call;
pub mod destination;
pub mod draft;
pub mod note;
pub mod options;
pub mod registry;
pub mod response;
pub mod stateset;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use call::{Call, HeaderValue, Method, Safety, SealError};
pub use destination::{Destination, Pace};
pub use draft::{Draft, Omitted};
pub use options::{Opt, Options};
pub use registry::REGISTRY;
pub use response::Response;

use crate::domain::Lead;

/// What a vendor needs and offers, as data.
#[derive(Debug)]
pub struct Descriptor {
    /// The config's word for it: `type = "stateset"`.
    pub name: &'static str,
    /// The vendor's name as people write it.
    pub title: &'static str,
    /// The records it can create; the first is the default of the key `record`.
    pub records: &'static [Record],
    /// Secrets that a destination reads, without the destination's name in front.
    pub secrets: &'static [Secret],
    /// The documented limit of calls; `None` when the vendor documents none.
    pub pace: Option<Pace>,
    /// The keys of a destination's table besides the common ones.
    pub options: &'static [Opt],
    /// Whether a JSON body is in the API's own format. A proxy's `{"error":"forbidden"}` must not pass.
    pub is_own_format: fn(&Json) -> bool,
    /// The vendor's message in such a body, for the operator.
    pub message: fn(&Json) -> Option<String>,
    /// Reads the options of a destination of this name; `None` when they have errors.
    pub build: fn(&str, &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>>,
}

/// One kind of record that a connector creates.
#[derive(Debug)]
pub struct Record {
    /// The value of the key `record`.
    pub name: &'static str,
    /// What a delivery leaves behind at the vendor, for the docs ("a person and a lead").
    pub creates: &'static str,
    /// What repeats leave behind.
    pub guarantee: Guarantee,
    /// Creating one costs money or opens a login, so a form without a token must not lead here.
    pub needs_token: bool,
}

/// What a destination can promise about repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// One record per submission, whatever happens.
    ExactlyOnce,
    /// One record per person, updated by each submission.
    Upsert,
    /// One record per person; the vendor rejects a known email.
    OncePerPerson,
    /// A repeat after a lost response can leave a second record.
    MayRepeat,
}

impl Guarantee {
    /// As docs and console write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly once",
            Self::Upsert => "upsert",
            Self::OncePerPerson => "once per person",
            Self::MayRepeat => "may repeat",
        }
    }
}

/// A secret of a destination: `{DESTINATION}_{suffix}` in the environment.
#[derive(Debug)]
pub struct Secret {
    /// Its name without the destination's.
    pub suffix: &'static str,
    /// What it is and where to find it.
    pub hint: &'static str,
}

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
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's predicate")]
fn is_zero(number: &u32) -> bool {
    *number == 0
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
        let Progress { state, omitted, in_doubt, resends } = known;
        let state = serde_json::to_value(state).map_err(|_| StateError("state"))?;
        *progress = Progress { state, omitted, in_doubt, resends };
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
    })
}

/// A delivery without state yet has `null`.
fn parsed<T: DeserializeOwned + Default>(json: &Json, what: &'static str) -> Result<T, StateError> {
    if json.is_null() { Ok(T::default()) } else { T::deserialize(json).map_err(|_| StateError(what)) }
}
