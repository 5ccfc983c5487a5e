//! How the entry Worker, and one Outbox, ask another Outbox.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::{Delay, Env, Error, Method, Request, RequestInit, Result};

use crate::edge::log;
use crate::intake::{Form, NewSubmission};
use crate::outbox::{Accepted, Page, SubmissionView, names};

/// The binding of the Durable Object namespace in `wrangler.toml`.
pub const BINDING: &str = "OUTBOX";

/// What an entry Worker asks of an Outbox.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Store this; an overflow may be handing it over.
    Accept { new: Box<NewSubmission>, is_forwarded: bool },
    /// A page of submissions older than the id, of about so many bytes.
    Page { before: Option<String>, bytes: usize },
    /// One submission.
    View(String),
    /// Send again what waits for a person.
    Release(String),
    /// Make sure that the alarm is set.
    Wake,
    /// Enter an Outbox in the registry.
    Register(String),
    /// Every Outbox in the registry.
    Outboxes,
}

/// How long the form's Outbox may take to store a submission, asked twice, and then its overflow, in milliseconds. Together
/// less than the ten seconds that a visitor waits at most.
const STORE_TIMEOUTS: [u64; 2] = [3_000, 2_500];
const OVERFLOW_TIMEOUT: u64 = 3_000;
const _: () = assert!(STORE_TIMEOUTS[0] + STORE_TIMEOUTS[1] + OVERFLOW_TIMEOUT < 10_000);

/// How long anything else may take, in milliseconds.
const TIMEOUT: u64 = 8_000;

/// Stores a submission: in its Outbox; there again, on a fresh stub; in the overflow of its form. `Err` means that nobody
/// may count on it. A late store in the first object and one in the overflow have the same id, so they become one.
pub async fn store(env: &Env, form: &Form, new: NewSubmission) -> Result<Accepted> {
    let text = new.key.as_ref().or(new.visitor.as_ref()).unwrap_or(&new.submission.id);
    let (outbox, overflow) = (names::for_text(&form.name, form.shards, text), names::overflow(&form.name));
    let (id, ask) = (new.submission.id.clone(), Ask::Accept { new: Box::new(new), is_forwarded: false });
    let mut result = Err(Error::RustError("no outbox was asked".into()));
    let asks = STORE_TIMEOUTS.map(|timeout| (&outbox, timeout)).into_iter().chain([(&overflow, OVERFLOW_TIMEOUT)]);
    for (name, timeout) in asks {
        result = in_time(timeout, Client::new(env, name).ask_once(&ask)).await;
        match &result {
            Ok(_) => return result,
            Err(error) => log::form_failure("accept", &form.name, Some(&id), error),
        }
    }
    result
}

/// One Outbox.
#[derive(Debug)]
pub struct Client<'a> {
    env: &'a Env,
    outbox: &'a str,
}

impl<'a> Client<'a> {
    /// The Outbox of this name.
    pub fn new(env: &'a Env, outbox: &'a str) -> Self {
        Self { env, outbox }
    }

    /// Hands a submission over to it.
    pub async fn hand_over(&self, new: Box<NewSubmission>) -> Result<Accepted> {
        self.ask(&Ask::Accept { new, is_forwarded: true }).await
    }

    /// A page of submissions, newest first, of about so many bytes.
    pub async fn submissions(&self, before: Option<&str>, bytes: usize) -> Result<Page> {
        self.ask(&Ask::Page { before: before.map(str::to_owned), bytes }).await
    }

    /// One submission.
    pub async fn submission(&self, id: &str) -> Result<Option<SubmissionView>> {
        self.ask(&Ask::View(id.to_owned())).await
    }

    /// Sends again what waits for a person.
    pub async fn release(&self, id: &str) -> Result<Option<SubmissionView>> {
        self.ask(&Ask::Release(id.to_owned())).await
    }

    /// Makes sure that its alarm is set.
    pub async fn wake(&self) -> Result<()> {
        self.ask(&Ask::Wake).await
    }

    /// Enters an Outbox in the registry.
    pub async fn register(&self, outbox: &str) -> Result<()> {
        self.ask(&Ask::Register(outbox.to_owned())).await
    }

    /// Every Outbox in the registry.
    pub async fn outboxes(&self) -> Result<Vec<String>> {
        self.ask(&Ask::Outboxes).await
    }

    /// Asks twice: an object that was reset under the first question (a deploy, the watchdog) is there again for the
    /// second, on a new stub. Every question may be asked twice.
    async fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T> {
        let twice = async {
            match self.ask_once(ask).await {
                Err(error) => {
                    log::failure("outbox client", &error);
                    self.ask_once(ask).await
                }
                answer => answer,
            }
        };
        in_time(TIMEOUT, twice).await
    }

    async fn ask_once<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T> {
        let stub = self.env.durable_object(BINDING)?.get_by_name(self.outbox)?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(serde_json::to_string(ask)?.into()));
        let mut response = stub.fetch_with_request(Request::new_with_init("https://outbox/", &init)?).await?;
        match response.status_code() {
            // The error would quote what is stored.
            200 => serde_json::from_str(&response.text().await?)
                .map_err(|_| Error::RustError("the outbox's response cannot be read".into())),
            status => Err(Error::RustError(format!("the outbox answered {status}"))),
        }
    }
}

async fn in_time<T>(timeout: u64, asked: impl Future<Output = Result<T>>) -> Result<T> {
    match select(pin!(asked), pin!(Delay::from(Duration::from_millis(timeout)))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError("the outbox did not answer in time".into())),
    }
}
