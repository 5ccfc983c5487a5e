//! The Outbox: one Durable Object per form, which stores its Submissions and drives their Deliveries.
//!
//! - `accept` stores the submission and its deliveries and sets the alarm in one go; nothing is answered before.
//! - The alarm first sets the next alarm (a safety net), then works, then sets the alarm to what is due next. It owns its
//!   schedule: it returns `Ok` and never leans on the runtime's own retries, which end after six.
//! - Every handler runs under the [`watchdog`].

#![allow(missing_docs, reason = "the platform's macro adds items without docs; what is written here has them")]

pub mod agenda;
pub mod client;
pub mod run;
pub mod watchdog;
pub mod wire;

use std::cell::Cell;

use serde::Serialize;
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use crate::delivery::{Delivery, State as DeliveryState};
use crate::form::Submission;

use super::store::{New, Store};
use super::{clock, environment, log};
use agenda::Agenda;
use watchdog::Watchdog;
use wire::{Accept, Accepted, DeliveryView, SubmissionView};

/// The binding of the Durable Object namespace in `wrangler.toml`.
pub const BINDING: &str = "OUTBOX";

/// While an alarm works, the next one stands this far ahead: it takes over should the object die. An alarm that works
/// longer is not disturbed: the runtime runs one at a time.
const SAFETY_NET_MS: i64 = 10_000;

/// Submissions on one page of the operator's list.
const PAGE: usize = 50;

/// The Durable Object. The name of the class is bound in `wrangler.toml`.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct Outbox {
    state: State,
    env: Env,
    store: Result<Store>,
    /// Whether this instance has made sure that its alarm stands.
    is_armed: Cell<bool>,
}

impl DurableObject for Outbox {
    fn new(state: State, env: Env) -> Self {
        let store = Store::open(state.storage().sql());
        Self { state, env, store, is_armed: Cell::new(false) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let _watchdog = Watchdog::arm(&self.state)?;
        if !self.is_armed.replace(true) {
            // It must not cost a submission.
            if let Err(error) = self.wake_up().await {
                log::failure("wake up", &error);
            }
        }
        self.answer(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        let watchdog = Watchdog::arm(&self.state)?;
        self.is_armed.set(true);
        let storage = self.state.storage();
        // (1) The safety net: should this object die from here on, the work is taken up again.
        storage.set_alarm(SAFETY_NET_MS).await?;
        // (2) The work.
        let (form, config) = (self.form()?, environment::config(&self.env));
        let agenda = Agenda { form: &form, env: &self.env, config: &config, store: self.store()? };
        if let Err(error) = run::run(agenda, &watchdog).await {
            log::failure("outbox run", &error);
            return Response::ok("");
        }
        // (3) The next alarm: when something is due. Nothing can come in between the question and the setting.
        match agenda.next_alarm()? {
            Some(at) => storage.set_alarm((at - clock::now()).max(0)).await?,
            None => storage.delete_alarm().await?,
        }
        Response::ok("")
    }
}

impl Outbox {
    fn store(&self) -> Result<&Store> {
        self.store.as_ref().map_err(|error| worker::Error::RustError(error.to_string()))
    }

    /// The form whose Outbox this is.
    fn form(&self) -> Result<String> {
        self.state.id().name().ok_or_else(|| worker::Error::RustError("an outbox has the name of its form".into()))
    }

    /// The first request to an instance makes sure that the alarm stands: it heals a lost one, and after a deploy it lets
    /// go at once what waited for the new config.
    async fn wake_up(&self) -> Result<()> {
        let (form, config) = (self.form()?, environment::config(&self.env));
        let agenda = Agenda { form: &form, env: &self.env, config: &config, store: self.store()? };
        let Some(at) = agenda.next_alarm()? else { return Ok(()) };
        self.state.storage().set_alarm((at - clock::now()).max(0)).await
    }

    async fn answer(&self, mut request: Request) -> Result<Response> {
        let url = request.url()?;
        let path: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        match (request.method(), path.as_slice()) {
            (Method::Post, ["accept"]) => {
                let accept: Accept = parse(&request.text().await?)?;
                reply(&self.accept(&accept).await?)
            }
            (Method::Get, ["submissions"]) => {
                let before = url.query_pairs().find(|(key, _)| key == "before").map(|(_, value)| value.into_owned());
                let submissions = self.store()?.submissions(before.as_deref(), PAGE)?.into_iter();
                let views = submissions.map(|submission| submission.and_then(|submission| self.view(submission)));
                let unreadable = |error: &worker::Error| log::failure("submissions", error);
                reply(&views.filter_map(|view| view.inspect_err(unreadable).ok()).collect::<Vec<_>>())
            }
            (Method::Get, ["submissions", id]) => match self.store()?.submission(id)? {
                Some(submission) => reply(&self.view(submission)?),
                None => Ok(Response::empty()?.with_status(404)),
            },
            (Method::Post, ["submissions", id, "release"]) => self.release(id).await,
            _ => Ok(Response::empty()?.with_status(404)),
        }
    }

    /// Sends what waits for a person on its way; 404 when there is no such submission.
    async fn release(&self, id: &str) -> Result<Response> {
        let store = self.store()?;
        let Some(submission) = store.submission(id)? else { return Ok(Response::empty()?.with_status(404)) };
        if store.release(id, clock::now())? > 0 {
            self.state.storage().set_alarm(0).await?;
        }
        reply(&self.view(submission)?)
    }

    /// Stores a submission, or finds the one that the same key stored before.
    async fn accept(&self, accept: &Accept) -> Result<Accepted> {
        let store = self.store()?;
        let submission = &accept.submission;
        // Asked a second time because the first answer did not get through.
        if store.has(&submission.id)? {
            return Ok(Accepted::Stored(submission.id.clone()));
        }
        let earlier = accept.key.as_deref().map(|key| store.earlier(key)).transpose()?.flatten();
        if let Some(earlier) = earlier {
            let same = earlier.digest == accept.digest;
            return Ok(if same { Accepted::Stored(earlier.id) } else { Accepted::KeyReused });
        }
        let now = clock::now();
        let deliver = |destination| Delivery::new(&submission.id, destination, now);
        let mut deliveries: Vec<Delivery> = accept.destinations.iter().map(deliver).collect();
        if !accept.reasons.is_empty() {
            for delivery in &mut deliveries {
                delivery.state = DeliveryState::Quarantined;
            }
        }
        // The rows and the alarm are written without an await between them: one transaction. The answer leaves only
        // when both are on disk (the runtime's output gate).
        store.add(&New {
            submission,
            deliveries: &deliveries,
            key: accept.key.as_deref(),
            digest: &accept.digest,
            reasons: &accept.reasons,
        })?;
        self.state.storage().set_alarm(0).await?;
        log::accepted(&submission.form, &submission.id, deliveries.len());
        Ok(Accepted::Stored(submission.id.clone()))
    }

    fn view(&self, submission: Submission) -> Result<SubmissionView> {
        let store = self.store()?;
        let mut deliveries = Vec::new();
        for delivery in store.deliveries(&submission.id)? {
            deliveries.push(DeliveryView {
                attempts: store.attempts(&submission.id, &delivery.destination)?,
                next_at: (delivery.state == DeliveryState::Pending).then_some(delivery.next_at),
                destination: delivery.destination,
                state: delivery.state,
                in_doubt: delivery.progress.in_doubt,
                record: delivery.record,
                trouble: delivery.trouble,
                tries: delivery.attempts,
            });
        }
        let reasons = store.reasons(&submission.id)?;
        Ok(SubmissionView { submission, reasons, deliveries })
    }
}

fn parse<T: for<'a> serde::Deserialize<'a>>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| worker::Error::RustError(error.to_string()))
}

fn reply<T: Serialize>(value: &T) -> Result<Response> {
    let text = serde_json::to_string(value).map_err(|error| worker::Error::RustError(error.to_string()))?;
    Response::ok(text)
}
