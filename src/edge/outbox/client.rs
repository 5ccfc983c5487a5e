//! How the entry Worker, and one Outbox, speak to another Outbox.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use worker::{Delay, Env, Error, Method, Request, RequestInit, Result};

use crate::delivery::outboxes;
use crate::edge::store::rows::{from_json, to_json};
use crate::edge::{clock, log};
use crate::intake::form::Form;

use super::BINDING;
use super::wire::{Accept, Accepted, Page, SubmissionView};

/// How long the first object may take to store a submission, asked twice, and then its overflow. Together less than the
/// ten seconds that a visitor is made to wait at most.
const STORE_PATIENCE_MS: [i64; 2] = [3_000, 2_500];
const OVERFLOW_PATIENCE_MS: i64 = 3_000;
const _: () = assert!(STORE_PATIENCE_MS[0] + STORE_PATIENCE_MS[1] + OVERFLOW_PATIENCE_MS < 10_000);

/// How long anything else may take.
const PATIENCE_MS: i64 = 8_000;

/// Stores a submission, whatever it takes: in its Outbox; there again, on a fresh stub; in the overflow of its form.
/// `Err` means that it is not stored, or at least that nobody may count on it.
pub async fn store(env: &Env, form: &Form, mut accept: Accept) -> Result<Accepted> {
    let text = accept.key.as_ref().or(accept.visitor.as_ref()).unwrap_or(&accept.submission.id);
    let outbox = outboxes::for_text(&form.name, form.shards, text);
    // Whether it is certain that the object did not store it.
    let mut is_certain = true;
    for patience in STORE_PATIENCE_MS {
        // The object refuses what reaches it later than this, so what goes to the overflow is not stored here as well.
        accept.not_after = Some(clock::now() + patience);
        match Client::new(env, &outbox).accept(&accept, patience).await {
            Ok(Accepted::TooLate | Accepted::Broken) => {}
            Ok(accepted) => return Ok(accepted),
            Err(error) => {
                log::failure("accept", &error);
                is_certain = false;
            }
        }
    }
    // The visitor is told that it was not stored when this is over.
    accept.not_after = Some(clock::now() + OVERFLOW_PATIENCE_MS);
    accept.asked_first = (!is_certain).then_some(outbox);
    Client::new(env, &outboxes::overflow(&form.name)).accept(&accept, OVERFLOW_PATIENCE_MS).await
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

    async fn accept(&self, accept: &Accept, patience_ms: i64) -> Result<Accepted> {
        in_time(patience_ms, self.ask_once(Method::Post, "/accept", Some(to_json(accept)?)))
            .await?
            .ok_or_else(|| Error::RustError("the outbox does not know `accept`".into()))
    }

    /// A page of submissions, newest first, of about so many bytes.
    pub async fn submissions(&self, before: Option<&str>, bytes: usize) -> Result<Page> {
        let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
        Ok(self.ask(Method::Get, &format!("/submissions?bytes={bytes}{before}")).await?.unwrap_or_default())
    }

    /// One submission.
    pub async fn submission(&self, id: &str) -> Result<Option<SubmissionView>> {
        self.ask(Method::Get, &format!("/submissions/{id}")).await
    }

    /// Gives it what an overflow has taken in its place. What comes there too late is not stored: the overflow may have
    /// stopped asking.
    pub async fn take_over(&self, mut accept: Accept) -> Result<Accepted> {
        accept.not_after = Some(clock::now() + PATIENCE_MS);
        self.accept(&accept, PATIENCE_MS).await
    }

    /// Puts what waits for a person (quarantined, refused, given up, parked) on its way again.
    pub async fn release(&self, id: &str) -> Result<Option<SubmissionView>> {
        self.ask(Method::Post, &format!("/submissions/{id}/release")).await
    }

    /// Makes sure that its alarm stands.
    pub async fn wake(&self) -> Result<()> {
        self.ask::<()>(Method::Post, "/wake").await.map(drop)
    }

    /// Asks the registry to remember an Outbox.
    pub async fn register(&self, outbox: &str) -> Result<()> {
        self.ask::<()>(Method::Post, &format!("/outboxes/{outbox}")).await.map(drop)
    }

    /// Every Outbox that the registry remembers.
    pub async fn outboxes(&self) -> Result<Vec<String>> {
        Ok(self.ask(Method::Get, "/outboxes").await?.unwrap_or_default())
    }

    /// Asks twice: an object that was reset under the first question (a deploy, the watchdog) is there again for the
    /// second, on a new stub. Every such question may be asked twice.
    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<Option<T>> {
        let twice = async {
            match self.ask_once(method.clone(), path, None).await {
                Err(error) => {
                    log::failure("outbox client", &error);
                    self.ask_once(method, path, None).await
                }
                answer => answer,
            }
        };
        in_time(PATIENCE_MS, twice).await
    }

    /// `None` when the object answers that there is no such thing. The body is let go of once it has been handed over.
    async fn ask_once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Option<T>> {
        let stub = self.env.durable_object(BINDING)?.get_by_name(self.outbox)?;
        let mut init = RequestInit::new();
        init.with_method(method);
        init.with_body(body.map(Into::into));
        let mut response =
            stub.fetch_with_request(Request::new_with_init(&format!("https://outbox{path}"), &init)?).await?;
        match response.status_code() {
            200 => from_json(&response.text().await?, "the outbox's answer").map(Some),
            404 => Ok(None),
            status => Err(Error::RustError(format!("the outbox answered {status}"))),
        }
    }
}

async fn in_time<T>(patience_ms: i64, asked: impl Future<Output = Result<T>>) -> Result<T> {
    let patience = Duration::from_millis(u64::try_from(patience_ms).unwrap_or_default());
    match select(pin!(asked), pin!(Delay::from(patience))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError("the outbox did not answer in time".into())),
    }
}
