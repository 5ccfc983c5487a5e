//! The Outbox: one Durable Object per form, which stores its Submissions and drives their Deliveries.
//!
//! - `accept` stores the submission and its deliveries and sets the alarm in one go; nothing is answered before.
//! - The alarm first sets the next alarm (a safety net), then works, then sets the alarm to what is due next. It owns its
//!   schedule: it returns `Ok` and never leans on the runtime's own retries, which end after six.
//! - Every handler runs under the [`watchdog`].

#![allow(missing_docs, reason = "the platform's macro adds items without docs; what is written here has them")]

pub mod agenda;
mod attempt;
pub mod client;
pub mod run;
pub mod upkeep;
pub mod watchdog;
pub mod wire;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use serde::Serialize;
use worker::{DurableObject, Env, Error, Method, Request, Response, Result, State, durable_object};

use crate::delivery::{Delivery, State as DeliveryState, outboxes};
use crate::form::Submission;
use crate::intake::guard::turnstile::UNVERIFIED;

use super::store::rows::{from_json, to_json};
use super::store::{New, Store};
use super::{clock, environment, log};
use agenda::Agenda;
use run::Runner;
use watchdog::Watchdog;
use wire::{Accept, Accepted, DeliveryView, Page, SubmissionView};

/// The binding of the Durable Object namespace in `wrangler.toml`.
pub const BINDING: &str = "OUTBOX";

/// While an alarm works, the next one stands this far ahead: it takes over should the object die. An alarm that works
/// longer is not disturbed: the runtime runs one at a time.
const SAFETY_NET_MS: i64 = 10_000;

/// How soon tries that are left under way are taken up again.
const LEFT_MS: i64 = 50;

/// How long an idempotency key stands for what it stored.
const KEY_MS: i64 = 24 * 60 * 60 * 1000;

/// Within this time the same visitor with the same fields has clicked twice, or reloaded.
const REPEAT_MS: i64 = 60 * 1000;

/// How long an overflow waits before it asks: longer than any deadline that the first object was given, and than clocks
/// may differ.
const OVERFLOW_WAITS_MS: i64 = 10_000;

/// Submissions on one page of the operator's list.
pub const PAGE: usize = 50;

/// About how many bytes of JSON a page of it may have. Strangers write them, and fifty of the longest, copied from here to the
/// answer, were more than the 128 MB that a Worker may use.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The Durable Object. The name of the class is bound in `wrangler.toml`.
#[durable_object(alarm)]
pub struct Outbox {
    state: State,
    env: Env,
    /// There when its tables could be opened.
    runner: OnceCell<Rc<Runner>>,
    /// Whether this instance has made sure that its alarm stands.
    is_armed: Cell<bool>,
}

impl DurableObject for Outbox {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, runner: OnceCell::new(), is_armed: Cell::new(false) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let _watchdog = Watchdog::arm(&self.state)?;
        if !self.is_armed.replace(true) {
            // It must not cost a submission.
            if let Err(error) = self.wake_up().await {
                log::failure("wake up", &error);
            }
        }
        // Something may be stored whose alarm could not be set. Who asks again finds it stored, and the alarm is looked at.
        self.answer(request).await.inspect_err(|_| self.is_armed.set(false))
    }

    async fn alarm(&self) -> Result<Response> {
        let watchdog = Watchdog::arm(&self.state)?;
        self.is_armed.set(true);
        let storage = self.state.storage();
        // (1) The safety net: should this object die from here on, the work is taken up again.
        storage.set_alarm(SAFETY_NET_MS).await?;
        // (2) The work.
        let runner = self.runner()?;
        let are_left = match runner.run(&watchdog).await {
            Ok(are_left) => are_left,
            Err(error) => {
                log::failure("outbox run", &error);
                return Response::ok("");
            }
        };
        let upkeep_at = upkeep::upkeep(runner, &self.state).unwrap_or_else(|error| {
            log::failure("upkeep", &error);
            None
        });
        // (3) The next alarm: when something is due. Nothing can come in between the question and the setting.
        let left_at = are_left.then(|| clock::now() + LEFT_MS);
        match [runner.agenda.next_alarm()?, upkeep_at, left_at].into_iter().flatten().min() {
            Some(at) => storage.set_alarm((at - clock::now()).max(0)).await?,
            None => storage.delete_alarm().await?,
        }
        Response::ok("")
    }
}

/// Opens the tables of an object and judges what its last life left behind.
fn open(state: &State, env: Env) -> Result<Agenda> {
    let outbox = state.id().name().ok_or_else(|| Error::RustError("an outbox has a name".into()))?;
    let store = Store::open(state.storage())?;
    store.recover(&clock::isolate(), clock::now())?;
    let form = outboxes::form_of(&outbox).to_owned();
    let agenda = Agenda { outbox, form, config: environment::config(&env), env, store };
    // A parking that cannot be read must not cost the form its Outbox.
    if let Err(error) = agenda.unpark() {
        log::failure("unpark", &error);
    }
    Ok(agenda)
}

impl Outbox {
    /// Opens the tables with the first question. When they cannot be opened, the next question tries again: an object
    /// that is asked all the time is never made anew.
    fn runner(&self) -> Result<&Rc<Runner>> {
        if let Some(runner) = self.runner.get() {
            return Ok(runner);
        }
        let agenda = open(&self.state, self.env.clone())?;
        Ok(self.runner.get_or_init(|| Rc::new(Runner::new(agenda))))
    }

    fn store(&self) -> Result<&Store> {
        self.runner().map(|runner| &runner.agenda.store)
    }

    /// The first request to an instance makes sure that the alarm stands: it heals a lost one, and after a deploy it lets
    /// go at once what waited for the new config.
    async fn wake_up(&self) -> Result<()> {
        let agenda = &self.runner()?.agenda;
        // With nothing to deliver there still is something to let go of one day.
        let due = [agenda.next_alarm()?, upkeep::due(agenda)?].into_iter().flatten().min();
        let Some(at) = due else { return Ok(()) };
        let storage = self.state.storage();
        // An alarm that stands earlier is about something else (the upkeep) and stays. One that is overdue was lost, even
        // when the object still knows of it: the platform keeps alarms twice, and only one of the two rings.
        let (now, stands_at) = (clock::now(), storage.get_alarm().await?);
        let is_lost = stands_at.is_none_or(|stands_at| stands_at < now);
        if is_lost || stands_at.is_some_and(|stands_at| stands_at > at) {
            let pause = if is_lost { 0 } else { (at - now).max(0) };
            storage.set_alarm(pause).await?;
        }
        Ok(())
    }

    async fn answer(&self, mut request: Request) -> Result<Response> {
        let url = request.url()?;
        let path: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        match (request.method(), path.as_slice()) {
            (Method::Post, ["accept"]) if self.runner().is_err() => reply(&Accepted::Broken),
            (Method::Post, ["accept"]) => {
                let accept: Accept = from_json(&request.text().await?, "what was sent to `accept`")?;
                reply(&self.accept(&accept).await?)
            }
            (Method::Get, ["submissions"]) => {
                let asked = |name| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
                let bytes = asked("bytes").and_then(|bytes| bytes.parse().ok()).unwrap_or(PAGE_BYTES);
                reply(&self.page(asked("before").as_deref(), bytes)?)
            }
            (Method::Get, ["submissions", id]) => match self.store()?.submission(id)? {
                Some(submission) => reply(&self.view(submission)?),
                None => Ok(Response::empty()?.with_status(404)),
            },
            (Method::Post, ["submissions", id, "release"]) => self.release(id).await,
            (Method::Post, ["wake"]) => {
                self.wake_up().await?;
                reply(&())
            }
            (Method::Post, ["outboxes", name]) => {
                self.store()?.register(name)?;
                reply(&())
            }
            (Method::Get, ["outboxes"]) => reply(&self.store()?.outboxes()?),
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

    /// Stores a submission, or finds the one that it repeats.
    async fn accept(&self, accept: &Accept) -> Result<Accepted> {
        let store = self.store()?;
        let submission = &accept.submission;
        let now = clock::now();
        // Asked a second time because the first answer did not get through.
        if store.has(&submission.id)? {
            return self.repeated(accept, &submission.id).await;
        }
        if accept.not_after.is_some_and(|deadline| now > deadline) {
            return Ok(Accepted::TooLate);
        }
        // By when it came in: what an overflow gives away comes later, and so may what it is a repeat of.
        let at = submission.received_at;
        if let Some(key) = &accept.key
            && let Some(earlier) = store.earlier(key, at - KEY_MS, at + KEY_MS)?
        {
            if earlier.digest != accept.digest {
                return Ok(Accepted::KeyReused);
            }
            return self.repeated(accept, &earlier.id).await;
        }
        if let Some(visitor) = &accept.visitor
            && let Some(earlier) = store.sent_before(visitor, at - REPEAT_MS, at + REPEAT_MS)?
        {
            store.count_repeats(&earlier, &submission.id, accept.repeats + 1)?;
            return self.repeated(accept, &earlier).await;
        }
        // An overflow begins when the deadline of the object that was asked first is over for certain.
        let due = if accept.asked_first.is_some() { now + OVERFLOW_WAITS_MS } else { now };
        let deliver = |destination| Delivery::new(&submission.id, destination, due);
        let mut deliveries: Vec<Delivery> = accept.destinations.iter().map(deliver).collect();
        if accept.is_suspected() {
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
            visitor: accept.visitor.as_deref(),
            reasons: &accept.reasons,
            asked_first: accept.asked_first.as_deref(),
            repeats: accept.repeats,
        })?;
        if accept.is_suspected() && accept.reasons.iter().any(|reason| reason == UNVERIFIED) {
            upkeep::left_unverified(store, now)?;
        }
        self.state.storage().set_alarm(0).await?;
        log::accepted(&submission.form, &submission.id, deliveries.len(), &accept.reasons);
        Ok(Accepted::Stored(submission.id.clone()))
    }

    /// It is stored already, under this id. When that one is suspected and its repeat is not, it is let go: the visitor was
    /// thanked for both.
    async fn repeated(&self, accept: &Accept, id: &str) -> Result<Accepted> {
        if !accept.is_suspected() && self.store()?.acquit(id, clock::now())? > 0 {
            self.state.storage().set_alarm(0).await?;
        }
        Ok(Accepted::Stored(id.to_owned()))
    }

    /// A page of the list. Each submission is read by itself: one that cannot be read hides no other, and no more are
    /// held than fit.
    fn page(&self, before: Option<&str>, bytes: usize) -> Result<Page> {
        let store = self.store()?;
        let mut page = Page::default();
        let mut size = 0;
        for id in store.newest(before, PAGE)? {
            if size >= bytes {
                page.is_cut = true;
                break;
            }
            let submission = store.submission(&id);
            match submission.and_then(|submission| submission.map(|submission| self.view(submission)).transpose()) {
                Ok(view) => {
                    size += serde_json::to_string(&view).map_or(0, |text| text.len());
                    page.submissions.extend(view);
                }
                Err(error) => log::failure("submissions", &error),
            }
        }
        Ok(page)
    }

    fn view(&self, submission: Submission) -> Result<SubmissionView> {
        let store = self.store()?;
        let mut deliveries = Vec::new();
        for mut delivery in store.deliveries(&submission.id)? {
            let is_pending = delivery.state == DeliveryState::Pending;
            // What the whole destination waits for, each of its deliveries waits for.
            if let Some(parking) = store.parking(&delivery.destination)?.filter(|_| is_pending) {
                delivery.next_at = delivery.next_at.max(parking.until);
                delivery.trouble = Some(parking.trouble);
            }
            deliveries.push(DeliveryView {
                attempts: store.attempts(&submission.id, &delivery.destination)?,
                next_at: is_pending.then_some(delivery.next_at),
                destination: delivery.destination,
                state: delivery.state,
                in_doubt: delivery.progress.in_doubt,
                record: delivery.record,
                trouble: delivery.trouble,
                tries: delivery.attempts,
            });
        }
        let reasons = store.reasons(&submission.id)?;
        let repeats = store.extras(&submission.id)?.map_or(0, |extras| extras.repeats);
        Ok(SubmissionView { submission, repeats, reasons, deliveries })
    }
}

fn reply<T: Serialize>(value: &T) -> Result<Response> {
    Response::ok(to_json(value)?)
}
