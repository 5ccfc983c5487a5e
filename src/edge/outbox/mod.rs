//! The Durable Object around an [`Outbox`](crate::outbox::Outbox): it carries out effects and decides nothing.
//!
//! - The alarm first sets the next alarm (a safety net), then works, then sets the alarm to what is due next. It owns its
//!   schedule: it returns `Ok` and never relies on the runtime's own retries, which end after six.
//! - Every handler runs under the [`watchdog`].

#![allow(missing_docs, reason = "the platform's macro adds items without docs; what is written here has them")]

pub mod client;
pub mod watchdog;

use std::cell::{Cell, OnceCell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, FutureExt, LocalBoxFuture, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use worker::{Delay, DurableObject, Env, Error, Method, Request, Response, Result, State, durable_object};

use crate::config::Config;
use crate::delivery::Event;
use crate::outbox::{self, Accepted, Chore, Effect, Host, OutboxError, names};

use super::sql::DurableSql;
use super::{clock, environment, http, log};
use client::{Ask, Client};
use watchdog::Watchdog;

/// While an alarm works, the next one is set this far ahead: it takes over should the object die. An alarm that works
/// longer is not disturbed: the runtime runs one at a time.
const SAFETY_NET_MS: i64 = 10_000;

/// How soon calls that are left under way are taken up again.
const LEFT_MS: i64 = 50;

/// How often a run looks for new work while calls are out.
const TICK: Duration = Duration::from_millis(200);

/// How long an alert may take.
const ALERT_TIMEOUT: Duration = Duration::from_secs(8);

/// Submissions on one page of the operator's list.
pub const PAGE: usize = 50;

/// About how many bytes of JSON such a page may have: fifty of the longest were more than the 128 MB of a Worker.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The Durable Object. The name of the class is bound in `wrangler.toml`.
#[durable_object(alarm)]
pub struct Outbox {
    state: State,
    env: Env,
    /// Open once its tables are.
    outbox: OnceCell<Rc<outbox::Outbox>>,
    /// Effects under way.
    running: RefCell<FuturesUnordered<LocalBoxFuture<'static, Done>>>,
    /// Whether this instance has made sure that its alarm is set.
    is_armed: Cell<bool>,
}

/// The end of an effect.
enum Done {
    Call(u64, Event),
    Forward(u64, Option<Accepted>),
}

impl DurableObject for Outbox {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, outbox: OnceCell::new(), running: RefCell::default(), is_armed: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let _watchdog = Watchdog::arm(&self.state)?;
        if request.method() != Method::Post {
            return Ok(Response::empty()?.with_status(404));
        }
        if !self.is_armed.replace(true) {
            // It must not cost a submission.
            if let Err(error) = self.wake_up().await {
                log::failure("wake up", &error);
            }
        }
        let ask: Ask = serde_json::from_str(&request.text().await?)?;
        // Something may be stored whose alarm could not be set. Whoever asks again finds it stored, and the alarm is checked.
        self.answer(ask).await.inspect_err(|_| self.is_armed.set(false))
    }

    async fn alarm(&self) -> Result<Response> {
        let watchdog = Watchdog::arm(&self.state)?;
        self.is_armed.set(true);
        let storage = self.state.storage();
        // (1) The safety net: should this object die from here on, the work is taken up again.
        storage.set_alarm(SAFETY_NET_MS).await?;
        // (2) The work.
        let outbox = self.open()?;
        if let Err(error) = self.run(outbox, &watchdog).await {
            log::failure("outbox run", &error);
            return Response::ok("");
        }
        match outbox.upkeep() {
            Ok(chores) => chores.into_iter().for_each(|chore| self.beside(outbox, chore)),
            Err(error) => log::failure("upkeep", &error),
        }
        // (3) The next alarm: when something is due. Nothing can come in between the question and the setting.
        let left_at = outbox.is_busy().then(|| clock::now() + LEFT_MS);
        match [outbox.next_wake().map_err(failed)?, left_at].into_iter().flatten().min() {
            Some(at) => storage.set_alarm((at - clock::now()).max(0)).await?,
            None => storage.delete_alarm().await?,
        }
        Response::ok("")
    }
}

impl Outbox {
    /// Opens the tables with the first question. When they cannot be opened, the next question tries again: an object that
    /// is asked all the time is never made anew.
    fn open(&self) -> Result<&Rc<outbox::Outbox>> {
        if let Some(outbox) = self.outbox.get() {
            return Ok(outbox);
        }
        let name = self.state.id().name().ok_or_else(|| Error::RustError("an outbox has a name".into()))?;
        let host = Rc::new(Platform { env: self.env.clone() });
        let database = Rc::new(DurableSql::new(self.state.storage()));
        let opened = outbox::Outbox::open(&name, self.config(), host, database).map_err(failed)?;
        Ok(self.outbox.get_or_init(|| Rc::new(opened)))
    }

    fn config(&self) -> Rc<Config> {
        environment::config(&self.env)
    }

    /// Everything that is due, several calls at a time. Calls that are still out when the run is over stay with the object,
    /// and the next alarm takes them up: a vendor that hangs holds up no other.
    async fn run(&self, outbox: &Rc<outbox::Outbox>, watchdog: &Watchdog) -> Result<()> {
        outbox.begin_run();
        // No borrow is held over an await: the object answers requests meanwhile.
        let mut running = self.running.take();
        let result = self.work(outbox, &mut running, watchdog).await;
        *self.running.borrow_mut() = running;
        result
    }

    async fn work(
        &self,
        outbox: &Rc<outbox::Outbox>,
        running: &mut FuturesUnordered<LocalBoxFuture<'static, Done>>,
        watchdog: &Watchdog,
    ) -> Result<()> {
        loop {
            if outbox.begin().map_err(failed)? {
                self.state.storage().sync().await?;
            }
            for effect in outbox.effects().map_err(failed)? {
                running.push(self.carry_out(effect));
            }
            if !outbox.is_busy() {
                return Ok(());
            }
            match select(pin!(running.next()), pin!(Delay::from(TICK))).await {
                Either::Left((Some(done), _)) => match done {
                    Done::Call(flight, event) => outbox.ended(flight, event).map_err(failed)?,
                    Done::Forward(flight, accepted) => outbox.forwarded(flight, accepted).map_err(failed)?,
                },
                // Nothing is out: what waits for its turn in the pace needs a tick.
                Either::Left((None, tick)) => tick.await,
                // What is out now is slow; it need not hold up what the next alarm may begin.
                Either::Right(_) if outbox.is_over() => return Ok(()),
                Either::Right(_) => {}
            }
            watchdog.pet();
        }
    }

    fn carry_out(&self, effect: Effect) -> LocalBoxFuture<'static, Done> {
        let (env, config) = (self.env.clone(), self.config());
        async move {
            match effect {
                Effect::Send { flight, destination, call } => {
                    Done::Call(flight, http::send(&env, &config, &destination, &call).await)
                }
                Effect::Forward { flight, to, new } => {
                    let accepted = Client::new(&env, &to).hand_over(new).await;
                    let accepted = accepted.inspect_err(|error| log::failure("forward", error));
                    Done::Forward(flight, accepted.ok())
                }
            }
        }
        .boxed_local()
    }

    /// What needs no answer for deliveries goes on beside the alarm: a silent receiver of alerts holds up no lead.
    fn beside(&self, outbox: &Rc<outbox::Outbox>, chore: Chore) {
        let (outbox, env, config, storage) = (Rc::clone(outbox), self.env.clone(), self.config(), self.state.storage());
        self.state.wait_until(async move {
            let ended = match chore {
                Chore::Alert { message, conditions } => {
                    let is_sent = send_alert(&env, &config, &message.to_string()).await;
                    // What has changed meanwhile is sent at once.
                    let ended = outbox.alert_sent(is_sent.then_some(&conditions));
                    if is_sent && let Err(error) = storage.set_alarm(0).await {
                        log::failure("alert", &error);
                    }
                    ended
                }
                Chore::Register => {
                    let asked = Client::new(&env, names::REGISTRY).register(&outbox.name).await;
                    let asked = asked.inspect_err(|error| log::failure("register", error));
                    outbox.registered(asked.is_ok())
                }
            };
            if let Err(error) = ended {
                log::failure("upkeep", &error);
            }
        });
    }

    /// The first request to an instance makes sure that the alarm is set: it heals a lost one, and after a deploy it frees
    /// what waited for the new config.
    async fn wake_up(&self) -> Result<()> {
        let Some(at) = self.open()?.next_wake().map_err(failed)? else { return Ok(()) };
        let storage = self.state.storage();
        // An earlier alarm stays. One that is overdue was lost, even when the object still knows of it: the platform keeps
        // alarms twice, and only one of the two rings.
        let (now, set_to) = (clock::now(), storage.get_alarm().await?);
        let is_lost = set_to.is_none_or(|set_to| set_to < now);
        if is_lost || set_to.is_some_and(|set_to| set_to > at) {
            storage.set_alarm(if is_lost { 0 } else { (at - now).max(0) }).await?;
        }
        Ok(())
    }

    async fn answer(&self, ask: Ask) -> Result<Response> {
        let outbox = self.open()?;
        match ask {
            Ask::Accept { new, is_forwarded } => {
                // The rows and the alarm are written without an await between them: one transaction. The response leaves
                // only when both are on disk (the runtime's output gate).
                let accepted = outbox.accept(&new, is_forwarded).map_err(failed)?;
                self.state.storage().set_alarm(0).await?;
                reply(&accepted)
            }
            Ask::Page { before, bytes } => reply(&outbox.page(before.as_deref(), PAGE, bytes).map_err(failed)?),
            Ask::View(id) => reply(&outbox.view(&id).map_err(failed)?),
            Ask::Release(id) => {
                if outbox.release(&id).map_err(failed)? > 0 {
                    self.state.storage().set_alarm(0).await?;
                }
                reply(&outbox.view(&id).map_err(failed)?)
            }
            Ask::Wake => {
                self.wake_up().await?;
                reply(&())
            }
            Ask::Register(name) => reply(&outbox.register(&name).map_err(failed)?),
            Ask::Outboxes => reply(&outbox.outboxes().map_err(failed)?),
        }
    }
}

/// The platform, as an Outbox sees it.
#[derive(Debug)]
struct Platform {
    env: Env,
}

impl Host for Platform {
    fn now(&self) -> i64 {
        clock::now()
    }

    fn random(&self) -> f64 {
        clock::random()
    }

    fn has_secret(&self, name: &str) -> bool {
        environment::secret(&self.env, name).is_some()
    }

    fn log(&self, event: serde_json::Value) {
        log::event(&event);
    }
}

/// Whether the receiver of alerts took the message.
async fn send_alert(env: &Env, config: &Config, message: &str) -> bool {
    let Some(url) = environment::secret(env, outbox::alerts::URL_SECRET) else { return false };
    let posted = http::post(config, "alerts", &url, "application/json", message, ALERT_TIMEOUT).await;
    posted.is_ok_and(|reply| (200..300).contains(&reply.status))
}

fn failed(error: OutboxError) -> Error {
    Error::RustError(error.to_string())
}

fn reply<T: Serialize>(value: &T) -> Result<Response> {
    Response::ok(serde_json::to_string(value)?)
}
