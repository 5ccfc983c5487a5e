//! The object around an [`Outbox`]: it answers questions, and its alarm carries out effects. `edge` runs it in a Durable
//! Object, the simulator natively.
//!
//! - The alarm sets the next alarm (a safety net) before it makes leased attempts or hands over, works, then sets the alarm to
//!   what is due next. It owns its schedule: the runtime's own retries end after six. Should a lost alarm have had no safety net, the
//!   next submission or the sweep sets it.
//! - Writes between two awaits are one transaction, and nothing leaves the object before they are on disk.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, FutureExt, LocalBoxFuture, select};
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use serde::Serialize;

use crate::config::Config;
use crate::delivery::Event;
use crate::delivery::queue::SLOTS;
use crate::intake::NewSubmission;

use super::client::{Ask, Client, Network};
use super::core::{Accepted, Chore, Effect, Outbox, OutboxError, Result, failure};
use super::database::Database;
use super::names;

/// While an alarm works, the next one is set this far ahead: it takes over should the object die. An alarm that works
/// longer is not disturbed: the runtime runs one at a time.
pub const SAFETY_NET_MS: i64 = 10_000;

/// How soon calls that are left under way are taken up again.
const LEFT_MS: i64 = 50;

/// How long a set alarm may be overdue before it counts as lost, in milliseconds.
const LATE_MS: i64 = 5_000;

/// How often a run looks for new work while calls are out, in milliseconds.
const TICK_MS: u32 = 200;

/// How long an Outbox waits before it registers, in milliseconds.
const REGISTER_MS: u32 = 100;

/// The storage of one object besides its SQL, and what keeps it alive.
pub trait Storage: fmt::Debug {
    /// When the alarm is set to, milliseconds since 1970; `None` while it runs, unless it was set again.
    fn alarm(&self) -> LocalBoxFuture<'_, Result<Option<i64>>>;

    /// Sets the alarm, or deletes it. It is on disk together with the rows that are written before the next await.
    fn set_alarm(&self, at: Option<i64>) -> Result<()>;

    /// Ends when everything that was written is on disk.
    fn sync(&self) -> LocalBoxFuture<'_, Result<()>>;

    /// Runs beside the current handler and keeps the object alive.
    fn beside(&self, work: LocalBoxFuture<'static, ()>);
}

/// One object.
pub struct Object {
    name: String,
    config: Rc<Config>,
    network: Rc<dyn Network>,
    storage: Rc<dyn Storage>,
    alarm: Rc<Alarm>,
    database: Rc<dyn Database>,
    /// Open once its tables are.
    outbox: OnceCell<Rc<Outbox>>,
    /// Effects under way.
    running: RefCell<FuturesUnordered<LocalBoxFuture<'static, Done>>>,
    /// Whether this instance has made sure that its alarm is set.
    is_armed: Cell<bool>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The alarm, and what this instance knows of it.
struct Alarm {
    storage: Rc<dyn Storage>,
    set_to: Cell<Option<i64>>,
    /// While it rings, what is due is found by the run itself, and at its end the alarm is set to what is left.
    is_ringing: Cell<bool>,
}

impl Alarm {
    fn set(&self, at: Option<i64>) -> Result<()> {
        self.set_to.set(None);
        self.storage.set_alarm(at)?;
        self.set_to.set(at);
        Ok(())
    }

    /// It rings at this time, unless it does so earlier already. Each setting is a row that is billed.
    fn ring(&self, at: i64, now: i64) -> Result<()> {
        if self.is_ringing.get() {
            return self.secure(now);
        }
        let is_due = self.set_to.get().is_some_and(|set_to| (now - LATE_MS..=at).contains(&set_to));
        if is_due { Ok(()) } else { self.set(Some(at)) }
    }

    /// The safety net: should this object die from here on, the work is taken up again. The runtime repeats the alarm of an
    /// object that was reset, but it stores the time of the alarm in two places. After a reset they may disagree, and then the
    /// alarm never rings.
    fn secure(&self, now: i64) -> Result<()> {
        if self.set_to.get().is_some() { Ok(()) } else { self.set(Some(now + SAFETY_NET_MS)) }
    }
}

/// The end of an effect.
enum Done {
    Call(u64, Event),
    Forward(u64, Option<Accepted>),
}

impl Object {
    /// The object of the Outbox of this name. Nothing is opened yet.
    pub fn new(
        name: &str,
        config: Rc<Config>,
        network: Rc<dyn Network>,
        storage: Rc<dyn Storage>,
        database: Rc<dyn Database>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            config,
            network,
            alarm: Rc::new(Alarm {
                storage: Rc::clone(&storage),
                set_to: Cell::default(),
                is_ringing: Cell::default(),
            }),
            storage,
            database,
            outbox: OnceCell::new(),
            running: RefCell::default(),
            is_armed: Cell::new(false),
        }
    }

    /// Answers a question that [`Object::answer_now`] does not, as JSON. The first one to an instance makes sure that the alarm
    /// is set.
    pub async fn answer(&self, ask: &Ask) -> Result<String> {
        if !self.is_armed.replace(true) {
            // It must not cost a submission.
            if let Err(error) = self.wake_up().await {
                self.failed("wake up", &error);
            }
        }
        // The alarm of what was stored may not be set. The next question checks it again.
        self.answer_one(ask).await.inspect_err(|_| {
            self.is_armed.set(false);
            self.doubt();
        })
    }

    /// Accepts a submission, which needs no wait: a handler that awaits nothing cannot hang. `None` for any other question.
    pub fn answer_now(&self, ask: &Ask) -> Option<Result<String>> {
        let answered = matches!(ask, Ask::Accept { .. }).then(|| self.answer_one(ask).now_or_never()).flatten()?;
        Some(answered.inspect_err(|_| self.doubt()))
    }

    /// Stores a submission. Rows and alarm are one transaction: there is no await between them. The answer leaves only when
    /// both are on disk.
    fn accept(&self, new: &NewSubmission, is_forwarded: bool, base: Option<&str>) -> Result<Accepted> {
        let outbox = self.open()?;
        let accepted = outbox.is_late(&new.submission.id).and_then(|is_late| {
            let accepted = outbox.accept(new, is_forwarded)?;
            // It is stored. A failure from here on does not fail the answer.
            let counted = if is_late { outbox.count_late(&new.submission.id) } else { Ok(()) };
            let noted = base.map_or(Ok(()), |base| outbox.came_in_at(base));
            for error in [counted, noted].into_iter().filter_map(Result::err) {
                self.failed("after accept", &error);
            }
            Ok(accepted)
        });
        // Whatever failed, the alarm is set: opening may have resumed what waited for this config.
        let now = self.network.now();
        let wake = outbox.next_wake().unwrap_or_else(|error| {
            self.failed("next wake", &error);
            Some(now)
        });
        let set = wake.map_or(Ok(()), |at| self.alarm.ring(at.max(now), now));
        let accepted = accepted.and_then(|accepted| set.map(|()| accepted))?;
        // Not by the alarm alone: the sweep, which finds lost alarms, knows only what is registered.
        if let Some(chore) = outbox.registration() {
            self.beside(outbox, chore);
        }
        Ok(accepted)
    }

    /// The alarm. `alive` is called while it waits for calls.
    pub async fn alarm(&self, alive: &dyn Fn()) -> Result<()> {
        self.is_armed.set(true);
        self.alarm.set_to.set(None);
        self.alarm.is_ringing.set(true);
        let ended = self.rings(alive).await;
        let ended = ended.or_else(|error| self.alarm.secure(self.network.now()).and(Err(error)));
        self.alarm.is_ringing.set(false);
        ended
    }

    async fn rings(&self, alive: &dyn Fn()) -> Result<()> {
        // (1) The work.
        let outbox = self.open()?;
        if let Err(error) = self.run(outbox, alive).await {
            self.failed("outbox run", &error);
            outbox.doubt();
            return self.alarm.secure(self.network.now());
        }
        let upkeep = outbox.upkeep().inspect_err(|error| self.failed("upkeep", error));
        // An alert that failed here has no other time at which it is due.
        let again_at = upkeep.is_err().then(|| self.network.now() + SAFETY_NET_MS);
        upkeep.into_iter().flatten().for_each(|chore| self.beside(outbox, chore));
        // (2) The next alarm: when something is due. Nothing can come in between the question and the setting.
        let now = self.network.now();
        let left_at = outbox.is_busy().then_some(now + LEFT_MS);
        self.alarm.set([outbox.next_wake()?, left_at, again_at].into_iter().flatten().min().map(|at| at.max(now)))
    }

    /// Opens the tables at the first question, or at the next one when that fails: a busy object is never restarted.
    fn open(&self) -> Result<&Rc<Outbox>> {
        if let Some(outbox) = self.outbox.get() {
            return Ok(outbox);
        }
        let (config, network, database) = (self.config.clone(), self.network.clone(), self.database.clone());
        let opened = Outbox::open(&self.name, config, network, database)?;
        Ok(self.outbox.get_or_init(|| Rc::new(opened)))
    }

    /// Everything that is due, several calls at a time. Calls that are still out when the run is over stay with the object,
    /// and the next alarm takes them up: a vendor that hangs holds up no other.
    async fn run(&self, outbox: &Rc<Outbox>, alive: &dyn Fn()) -> Result<()> {
        outbox.begin_run();
        // No borrow is held over an await: the object answers questions meanwhile.
        let mut running = self.running.take();
        let result = self.work(outbox, &mut running, alive).await;
        *self.running.borrow_mut() = running;
        result
    }

    async fn work(
        &self,
        outbox: &Rc<Outbox>,
        running: &mut FuturesUnordered<LocalBoxFuture<'static, Done>>,
        alive: &dyn Fn(),
    ) -> Result<()> {
        let mut tick = self.network.sleep(TICK_MS);
        loop {
            let is_stored = outbox.begin()?;
            if outbox.needs_safety_net() {
                self.alarm.secure(self.network.now())?;
            }
            if is_stored {
                self.storage.sync().await?;
            }
            running.extend(outbox.effects()?.into_iter().map(|effect| self.carry_out(effect)));
            if !outbox.is_busy() {
                return Ok(());
            }
            match select(pin!(running.next()), &mut tick).await {
                Either::Left((Some(done), _)) => match done {
                    Done::Call(flight, event) => {
                        outbox.ended(flight, event)?;
                        // Its result is stored together with the next call, which leaves in this turn.
                        running.extend(outbox.effects()?.into_iter().map(|effect| self.carry_out(effect)));
                    }
                    Done::Forward(flight, accepted) => outbox.forwarded(flight, accepted.as_ref())?,
                },
                // Nothing is out: what waits for its turn in the pace needs a tick.
                Either::Left((None, _)) => {
                    (&mut tick).await;
                    alive();
                    tick = self.network.sleep(TICK_MS);
                }
                // The calls under way are slow; the next alarm can begin others.
                Either::Right(_) if outbox.is_over() => return Ok(()),
                Either::Right(_) => {
                    alive();
                    tick = self.network.sleep(TICK_MS);
                }
            }
        }
    }

    fn carry_out(&self, effect: Effect) -> LocalBoxFuture<'static, Done> {
        let network = Rc::clone(&self.network);
        match effect {
            Effect::Send { flight, destination, call } => {
                network.send(destination, call).map(move |event| Done::Call(flight, event)).boxed_local()
            }
            Effect::Forward { flight, to, new } => async move {
                let accepted = Client::new(&*network, &to).hand_over(new).await;
                let accepted = accepted.inspect_err(|error| failed(&*network, &to, "forward", error));
                Done::Forward(flight, accepted.ok())
            }
            .boxed_local(),
        }
    }

    /// Runs a chore beside the alarm: a slow receiver of alerts delays no lead.
    fn beside(&self, outbox: &Rc<Outbox>, chore: Chore) {
        let (outbox, network, alarm) = (Rc::clone(outbox), Rc::clone(&self.network), Rc::clone(&self.alarm));
        self.storage.beside(
            async move {
                let ended = match chore {
                    Chore::Alert { message, known } => {
                        let is_sent = network.alert(message.to_string()).await;
                        // A change since then is sent at once.
                        let ended = outbox.alert_sent(is_sent.then_some(&known));
                        if is_sent { ended.and(alarm.ring(network.now(), network.now())) } else { ended }
                    }
                    Chore::Register => {
                        // After the reply to the first visitor: the registry may have to start, too.
                        network.sleep(REGISTER_MS).await;
                        let asked = Client::new(&*network, names::REGISTRY).register(&outbox.name).await;
                        let asked = asked.inspect_err(|error| failed(&*network, &outbox.name, "register", error));
                        outbox.registered(asked.ok())
                    }
                    // Several at a time: one that hangs delays no other for long.
                    Chore::Wake(names) => {
                        let wake = |name: String| {
                            let (network, outbox) = (Rc::clone(&network), Rc::clone(&outbox));
                            async move {
                                let woken = Client::new(&*network, &name).wake().await;
                                let woken = woken.inspect_err(|error| failed(&*network, &name, "sweep", error));
                                let noted = outbox.woken(&name, woken.ok().as_ref());
                                noted.unwrap_or_else(|error| failed(&*network, &name, "health", &error));
                            }
                        };
                        stream::iter(names).map(wake).buffer_unordered(SLOTS).collect::<()>().await;
                        Ok(())
                    }
                };
                if let Err(error) = ended {
                    failed(&*network, &outbox.name, "upkeep", &error);
                }
            }
            .boxed_local(),
        );
    }

    fn doubt(&self) {
        if let Some(outbox) = self.outbox.get() {
            outbox.doubt();
        }
    }

    /// Makes sure that the alarm is set: it heals a lost one, and after a deploy it frees what waited for the new config.
    async fn wake_up(&self) -> Result<()> {
        let set_to = self.storage.alarm().await?;
        // Opening may resume what waited for this config. No await from here on, so that rows and alarm are one transaction.
        let outbox = self.open()?;
        // Each sweep reads the rows again: memory that is wrong heals, too.
        outbox.doubt();
        let Some(at) = outbox.next_wake()? else { return Ok(()) };
        // An earlier alarm stays. One that is overdue was lost, even when the object still knows of it: the platform keeps
        // alarms twice, and only one of the two rings.
        let now = self.network.now();
        if self.alarm.is_ringing.get() {
            return self.alarm.secure(now);
        }
        let is_lost = set_to.is_none_or(|set_to| set_to < now);
        if is_lost || set_to.is_some_and(|set_to| set_to > at) {
            self.alarm.set(Some(if is_lost { now } else { at.max(now) }))?;
        }
        Ok(())
    }

    async fn answer_one(&self, ask: &Ask) -> Result<String> {
        let outbox = self.open()?;
        match ask {
            Ask::Accept { new, is_forwarded, base } => reply(&self.accept(new, *is_forwarded, base.as_deref())?),
            Ask::List { filter, before, limit, bytes } => {
                reply(&outbox.list(filter, before.as_deref(), *limit, *bytes)?)
            }
            Ask::View(id) => reply(&outbox.whole(id)?),
            Ask::Act { action, id, actor } => {
                let acted = outbox.act(*action, id, actor);
                // What failed may have been done in part.
                let is_done = acted.as_ref().map_or(true, |acted| acted.as_ref().is_some_and(|acted| acted.count > 0));
                if is_done {
                    self.ring_now()?;
                }
                reply(&acted?)
            }
            Ask::ActOnAll { action, filter, before, actor } => {
                let progress = outbox.act_on_all(*action, filter, before.as_deref(), actor);
                if progress.as_ref().map_or(true, |progress| progress.count > 0) {
                    self.ring_now()?;
                }
                reply(&progress?)
            }
            Ask::Overview => reply(&outbox.overview()?),
            Ask::Stats(since) => reply(&outbox.stats(*since)?),
            Ask::Alerts => reply(&outbox.alerts()?),
            Ask::Health => reply(&outbox.health()?),
            Ask::Resume(destination) => {
                let is_over = outbox.resume(destination)?;
                if is_over {
                    self.ring_now()?;
                }
                reply(&is_over)
            }
            Ask::Dismiss(condition) => reply(&outbox.dismiss(condition)?),
            Ask::TurnedAway(note) => {
                let is_news = outbox.turned_away(note)?;
                outbox.came_in_at(&note.base)?;
                // What is only counted waits for the next writing.
                if is_news {
                    self.ring_now()?;
                } else {
                    self.wake_up().await?;
                }
                reply(&())
            }
            Ask::Wake => {
                self.wake_up().await?;
                reply(&outbox.reasons()?)
            }
            Ask::Sweep => {
                outbox.begin_sweep()?;
                self.wake_up().await?;
                reply(&())
            }
            Ask::Register(name) => reply(&outbox.register(name)?.text()),
            Ask::Key => reply(&outbox.deployment_key()?.text()),
            Ask::Session { client, is_wrong } => reply(&outbox.session(client.as_deref(), *is_wrong)?),
            Ask::Logout => reply(&outbox.end_sessions()?),
            Ask::Outboxes => reply(&outbox.outboxes()?),
        }
    }

    fn ring_now(&self) -> Result<()> {
        let now = self.network.now();
        self.alarm.ring(now, now)
    }

    fn failed(&self, what: &str, error: &OutboxError) {
        failed(&*self.network, &self.name, what, error);
    }
}

fn failed(network: &dyn Network, outbox: &str, what: &str, error: &OutboxError) {
    network.log(failure(what, Some(names::form_of(outbox)), None, error));
}

fn reply<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| OutboxError::Platform(error.to_string()))
}
