//! The questions to an Outbox, by the entry Worker or by another Outbox.

use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::connectors::Call;
use crate::delivery::Event;
use crate::intake::guard::key::Key;
use crate::intake::{Form, NewSubmission};

use super::core::{Accepted, Host, OutboxError, Result, failure};
use super::names;
use super::operate::Action;
use super::query::Filter;
use super::turned_away::Note;

/// How long the form's Outbox may take to store a submission, asked twice, and then its overflow, in milliseconds. Together
/// less than the ten seconds that a visitor waits at most.
const STORE_TIMEOUTS: [u32; 2] = [3_000, 2_500];
const OVERFLOW_TIMEOUT: u32 = 3_000;
const _: () = assert!(STORE_TIMEOUTS[0] + STORE_TIMEOUTS[1] + OVERFLOW_TIMEOUT < 10_000);

/// How long anything else may take, in milliseconds; it is asked twice.
const TIMEOUT: u32 = 4_000;

/// What an Outbox is asked, by the entry Worker or by another Outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Store this.
    Accept {
        /// The submission.
        new: Box<NewSubmission>,
        /// An overflow hands it over.
        is_forwarded: bool,
        /// The Worker's address that it came in at.
        base: Option<String>,
    },
    /// A part of the list.
    List {
        /// What is meant.
        filter: Filter,
        /// It begins below this id.
        before: Option<String>,
        /// The most submissions.
        limit: usize,
        /// About the most bytes.
        bytes: usize,
    },
    /// One submission.
    View(String),
    /// Do this to a submission.
    Act {
        /// What.
        action: Action,
        /// The submission.
        id: String,
        /// The operator.
        actor: String,
    },
    /// Do this to every submission that is meant; a part at a time.
    ActOnAll {
        /// What.
        action: Action,
        /// Which.
        filter: Filter,
        /// It begins below this id.
        before: Option<String>,
        /// The operator.
        actor: String,
    },
    /// How it stands.
    Overview,
    /// Its days since this moment.
    Stats(i64),
    /// What a person should know of.
    Alerts,
    /// In the registry: why the Outboxes are not well.
    Health,
    /// End the pause of a destination.
    Resume(String),
    /// Say no more about a condition until there are twice as many.
    Dismiss(String),
    /// An isolate turned posts away.
    TurnedAway(Note),
    /// Make sure that the alarm is set.
    Wake,
    /// The cron trigger came.
    Sweep,
    /// Enter an Outbox in the registry.
    Register(String),
    /// The deployment's key.
    Key,
    /// What checks a console session, and whether a client may try `ADMIN_TOKEN`.
    Session {
        /// The client's network, of an attempt with the token.
        client: Option<String>,
        /// Whether the attempt was wrong; then it is counted.
        is_wrong: bool,
    },
    /// Every console session ends.
    Logout,
    /// Every Outbox in the registry.
    Outboxes,
}

/// What the registry knows of console sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// The deployment's key, which signs them.
    pub key: String,
    /// Their epoch: those of an earlier one have ended.
    pub epoch: i64,
    /// Until when the client's attempts are refused.
    pub refused_until: Option<i64>,
}

/// What an Outbox and its clients reach over the network.
pub trait Network: Host {
    /// Asks an Outbox once; the JSON of its response, or an error when none comes in time.
    fn ask(&self, outbox: &str, ask: &Ask, timeout_ms: u32) -> LocalBoxFuture<'static, Result<String>>;

    /// Sends a call to a destination and reads the whole response, within the destination's timeout.
    fn send(&self, destination: String, call: Box<Call>) -> LocalBoxFuture<'static, Event>;

    /// Sends a message to the operator; whether it was taken.
    fn alert(&self, message: String) -> LocalBoxFuture<'static, bool>;

    /// Waits this long.
    fn sleep(&self, ms: u32) -> LocalBoxFuture<'static, ()>;
}

/// Stores a submission: in its Outbox; there again, on a fresh stub; in the overflow of its form. `Err` means that
/// it may not be stored. A late store in the first object and one in the overflow have the same id, so they become one.
pub async fn store(network: &dyn Network, form: &Form, new: NewSubmission, base: String) -> Result<Accepted> {
    let outbox = names::for_submission(form, &new);
    let overflow = names::overflow(&form.name);
    let (id, ask) =
        (new.submission.id.clone(), Ask::Accept { new: Box::new(new), is_forwarded: false, base: Some(base) });
    let mut result = Err(OutboxError::Platform("no Outbox was asked".to_owned()));
    let asks = STORE_TIMEOUTS.map(|timeout| (&outbox, timeout)).into_iter().chain([(&overflow, OVERFLOW_TIMEOUT)]);
    for (name, timeout) in asks {
        result = ask_once(network, name, &ask, timeout).await;
        match &result {
            Ok(_) => return result,
            Err(error) => network.log(failure("accept", Some(&form.name), Some(&id), error)),
        }
    }
    result
}

/// One Outbox.
#[derive(Debug)]
pub struct Client<'a> {
    network: &'a dyn Network,
    outbox: &'a str,
}

impl<'a> Client<'a> {
    /// The Outbox of this name.
    pub fn new(network: &'a dyn Network, outbox: &'a str) -> Self {
        Self { network, outbox }
    }

    /// Hands a submission over to it.
    pub async fn hand_over(&self, new: Box<NewSubmission>) -> Result<Accepted> {
        self.ask(&Ask::Accept { new, is_forwarded: true, base: None }).await
    }

    /// Asks anything that is safe to ask twice; its answer as JSON.
    pub async fn ask_json(&self, ask: &Ask) -> Result<Json> {
        self.ask(ask).await
    }

    /// Says that posts were turned away.
    pub async fn turned_away(&self, note: Note) -> Result<()> {
        self.ask(&Ask::TurnedAway(note)).await
    }

    /// Makes sure that its alarm is set; why it is not well.
    pub async fn wake(&self) -> Result<Json> {
        self.ask(&Ask::Wake).await
    }

    /// Begins a sweep; in the registry.
    pub async fn sweep(&self) -> Result<()> {
        self.ask(&Ask::Sweep).await
    }

    /// Enters an Outbox in the registry; the deployment's key for it.
    pub async fn register(&self, outbox: &str) -> Result<Key> {
        Ok(Key::from_text(self.ask(&Ask::Register(outbox.to_owned())).await?))
    }

    /// The deployment's key; from the registry.
    pub async fn key(&self) -> Result<Key> {
        Ok(Key::from_text(self.ask(&Ask::Key).await?))
    }

    /// What checks a console session; from the registry. See [`Ask::Session`].
    pub async fn session(&self, client: Option<&str>, is_wrong: bool) -> Result<Session> {
        self.ask(&Ask::Session { client: client.map(str::to_owned), is_wrong }).await
    }

    /// Ends every console session; in the registry.
    pub async fn logout(&self) -> Result<()> {
        self.ask(&Ask::Logout).await
    }

    /// Every Outbox in the registry.
    pub async fn outboxes(&self) -> Result<Vec<String>> {
        self.ask(&Ask::Outboxes).await
    }

    /// Asks twice: an object that was reset under the first question (a deploy, the watchdog) is there again for the
    /// second, on a new stub. Every question may be asked twice.
    async fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T> {
        match ask_once(self.network, self.outbox, ask, TIMEOUT).await {
            Err(error) => {
                self.network.log(failure("outbox client", None, None, &error));
                ask_once(self.network, self.outbox, ask, TIMEOUT).await
            }
            answer => answer,
        }
    }
}

async fn ask_once<T: DeserializeOwned>(network: &dyn Network, outbox: &str, ask: &Ask, timeout: u32) -> Result<T> {
    let response = network.ask(outbox, ask, timeout).await?;
    // The error would quote what is stored.
    serde_json::from_str(&response).map_err(|_| OutboxError::Platform("its response cannot be read".to_owned()))
}
