//! How the entry Worker speaks to an Outbox.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use worker::{Delay, Env, Error, Method, Request, RequestInit, Result};

use crate::edge::log;

use super::BINDING;
use super::wire::{Accept, Accepted, SubmissionView};

/// How long a visitor waits for the store before being told that it failed.
const PATIENCE: Duration = Duration::from_secs(8);

/// The Outbox of one form.
#[derive(Debug)]
pub struct Client<'a> {
    env: &'a Env,
    form: &'a str,
}

impl<'a> Client<'a> {
    /// The Outbox of `form`.
    pub fn new(env: &'a Env, form: &'a str) -> Self {
        Self { env, form }
    }

    /// Stores a submission. `Err` means that it may not be stored.
    pub async fn accept(&self, accept: &Accept) -> Result<Accepted> {
        let body = serde_json::to_string(accept).map_err(|error| Error::RustError(error.to_string()))?;
        in_time(self.ask(Method::Post, "/accept", Some(&body)))
            .await?
            .ok_or_else(|| Error::RustError("the outbox does not know `accept`".into()))
    }

    /// A page of submissions, newest first.
    pub async fn submissions(&self, before: Option<&str>) -> Result<Vec<SubmissionView>> {
        let query = before.map(|id| format!("?before={id}")).unwrap_or_default();
        Ok(in_time(self.ask(Method::Get, &format!("/submissions{query}"), None)).await?.unwrap_or_default())
    }

    /// One submission.
    pub async fn submission(&self, id: &str) -> Result<Option<SubmissionView>> {
        in_time(self.ask(Method::Get, &format!("/submissions/{id}"), None)).await
    }

    /// Puts what waits for a person (quarantined, refused, exhausted) on its way again.
    pub async fn release(&self, id: &str) -> Result<Option<SubmissionView>> {
        in_time(self.ask(Method::Post, &format!("/submissions/{id}/release"), None)).await
    }

    /// Asks twice: an object that was reset under the first question (a deploy, the watchdog) is there again for the
    /// second, on a new stub. Both questions may be asked twice; a submission of the same id is stored once.
    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&str>) -> Result<Option<T>> {
        match self.ask_once(method.clone(), path, body).await {
            Err(error) => {
                log::failure("outbox client", &error);
                self.ask_once(method, path, body).await
            }
            answer => answer,
        }
    }

    /// `None` when the object answers that there is no such thing.
    async fn ask_once<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&str>) -> Result<Option<T>> {
        let stub = self.env.durable_object(BINDING)?.get_by_name(self.form)?;
        let mut init = RequestInit::new();
        init.with_method(method);
        init.with_body(body.map(Into::into));
        let mut response =
            stub.fetch_with_request(Request::new_with_init(&format!("https://outbox{path}"), &init)?).await?;
        match response.status_code() {
            200 => {
                let text = response.text().await?;
                serde_json::from_str(&text).map(Some).map_err(|error| Error::RustError(error.to_string()))
            }
            404 => Ok(None),
            status => Err(Error::RustError(format!("the outbox answered {status}"))),
        }
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T>>) -> Result<T> {
    match select(pin!(asked), pin!(Delay::from(PATIENCE))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError("the outbox did not answer in time".into())),
    }
}
