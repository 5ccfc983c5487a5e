//! The Outbox itself: accepts submissions, releases them, and pauses destinations that cannot be sent to.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::config::{Config, Lookup};
use crate::connectors::{Call, Failure, FailureKind, SealError, StateError};
use crate::delivery::{Delivery, Flight, Pause, State, queue};
use crate::intake::NewSubmission;
use crate::intake::guard::key::KEY_BYTES;

use super::alerts::{self, Incident};
use super::database::{Database, StoreError};
use super::flights::{Flying, Phase, Run};
use super::names;
use super::notes::Alerted;
use super::packed::bytes_of;
use super::schema::ERASE;
use super::store::{Extras, Store, Visitor};
use super::visitors::{REPEAT_MS, Visitors};

/// The reason of a submission whose captcha could not be verified.
pub(super) const UNVERIFIED: &str = "unverified";

/// How many bytes of submissions may be in quarantine. Beyond that, new suspects are refused; nothing that was accepted is
/// evicted.
const QUARANTINE_BYTES: usize = 200 * 1024 * 1024;

/// The reason of a submission that an operator quarantined.
pub const MARKED: &str = "marked";

/// Whether an operator quarantined it.
pub(super) fn is_marked(reasons: &[String]) -> bool {
    reasons.iter().any(|reason| reason == MARKED)
}

/// The Worker's address, as the last requests came in.
pub(super) const BASE: &str = "base";

/// What an Outbox needs from the outside.
pub trait Host: fmt::Debug {
    /// Now, milliseconds since 1970.
    fn now(&self) -> i64;

    /// A random number in `0.0..1.0`, for jitter.
    fn random(&self) -> f64;

    /// Cryptographically random bytes.
    fn random_key(&self) -> [u8; KEY_BYTES];

    /// Whether a secret of this name is set.
    fn has_secret(&self, name: &str) -> bool;

    /// Writes a log event: ids, kinds and counts only.
    fn log(&self, event: Json);
}

/// The log event of a failure: `what` names the place, `error` comes from the platform.
pub fn failure(what: &str, form: Option<&str>, submission: Option<&str>, error: &dyn fmt::Display) -> Json {
    let mut event = json!({ "event": "failure", "what": what });
    let error = error.to_string();
    for (name, value) in [("form", form), ("error", Some(&*error)), ("submission", submission)] {
        if let Some(value) = value {
            event[name] = json!(value);
        }
    }
    event
}

/// What became of a [`NewSubmission`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// Stored under this id, now or by an earlier request that it repeats.
    Stored(String),
    /// The key was used for something else.
    KeyReused,
    /// It is suspected, and the quarantine is full.
    QuarantineFull,
}

/// What the caller carries out, and reports the end of.
#[derive(Debug)]
pub enum Effect {
    /// Send a call; report it with [`Outbox::ended`].
    Send {
        /// The flight that waits for it.
        flight: u64,
        /// The destination whose secrets it takes.
        destination: String,
        /// The call.
        call: Box<Call>,
    },
    /// Hand a submission to another Outbox; report it with [`Outbox::forwarded`].
    Forward {
        /// The flight that waits for it.
        flight: u64,
        /// The Outbox's name.
        to: String,
        /// The submission.
        new: Box<NewSubmission>,
    },
}

/// What upkeep asks the caller for; nothing else waits for it.
#[derive(Debug)]
pub enum Chore {
    /// Send a message to the operator; report it with [`Outbox::alert_sent`].
    Alert {
        /// The JSON body.
        message: Json,
        /// What the operator knows of once it is sent.
        known: Alerted,
    },
    /// Enter this Outbox in the registry; report it with [`Outbox::registered`].
    Register,
    /// In the registry: make sure that the alarms of these Outboxes are set.
    Wake(Vec<String>),
}

/// Why an Outbox cannot do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxError {
    /// The store.
    Store(StoreError),
    /// The stored state of a connector.
    State(StateError),
    /// Something that must be there is gone.
    Missing(&'static str),
    /// The platform: an alarm that cannot be set, another Outbox that does not answer.
    Platform(String),
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
            Self::Missing(what) => write!(f, "the {what} is gone"),
            Self::Platform(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for OutboxError {}

impl From<StoreError> for OutboxError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<StateError> for OutboxError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

pub(super) type Result<T, E = OutboxError> = std::result::Result<T, E>;

/// One Outbox.
#[derive(Debug)]
pub struct Outbox {
    /// Its name; see [`names`].
    pub name: String,
    pub(super) form: String,
    pub(super) config: Rc<Config>,
    pub(super) host: Rc<dyn Host>,
    pub(super) store: Store,
    /// Whether alerts have a receiver. Cached: changing a secret restarts the object.
    pub(super) has_receiver: bool,
    pub(super) run: RefCell<Run>,
}

impl Outbox {
    /// Opens an Outbox of this name on its database.
    pub fn open(name: &str, config: Rc<Config>, host: Rc<dyn Host>, database: Rc<dyn Database>) -> Result<Self> {
        let store = Store::open(database)?;
        let form = names::form_of(name).to_owned();
        let run = RefCell::new(Run::new(store.destinations()?, store.key()?, Visitors::read(&store)?));
        let has_receiver = host.has_secret(alerts::URL_SECRET);
        let outbox = Self { name: name.to_owned(), form, config, host, store, has_receiver, run };
        outbox.check_config()?;
        Ok(outbox)
    }

    /// Stores a submission, or finds the one that it repeats. What an overflow hands over (`is_forwarded`) is not refused:
    /// its visitor was thanked.
    pub fn accept(&self, new: &NewSubmission, is_forwarded: bool) -> Result<Accepted> {
        let id = &new.submission.id;
        // (1) The same key: the same content is a repeat. Forwarding never refuses, so there the key goes.
        let mut key = new.key.as_deref();
        if let Some((earlier, digest)) = key.map(|key| self.store.with_key(key)).transpose()?.flatten() {
            if digest == new.digest {
                return self.repeated(new, &earlier);
            }
            if !is_forwarded {
                return Ok(Accepted::KeyReused);
            }
            key = None;
        }
        // (2) The same visitor with the same fields within a minute.
        let at = new.submission.received_at;
        let visitor = new.visitor.as_deref().map(|visitor| self.keyed(visitor));
        let same = |visitor: &String| self.same_visitor(visitor, at, is_forwarded);
        if let Some(earlier) = visitor.as_ref().map(same).transpose()?.flatten() {
            if earlier != *id {
                self.store.count_repeat(&earlier)?;
            }
            return self.repeated(new, &earlier);
        }
        // (3) New.
        let is_suspect = !new.reasons.is_empty();
        if is_suspect && !is_forwarded && self.quarantined_bytes()? >= QUARANTINE_BYTES {
            self.happened(Incident::Full)?;
            return Ok(Accepted::QuarantineFull);
        }
        let extras = Extras {
            key: key.map(str::to_owned),
            digest: new.digest.clone(),
            visitor,
            reasons: new.reasons.clone(),
            repeats: 0,
        };
        let (deliveries, begun) = self.new_deliveries(new, is_suspect)?;
        if let Err(error) = self.store.add(&new.submission, &extras, &deliveries) {
            // (4) The same submission: the first response was lost, or an overflow hands it over again.
            if self.store.has(id)? {
                return self.repeated(new, id);
            }
            // (5) An operator erased it, or marked it as spam, before this copy arrived.
            match self.store.barred(id)?.as_deref() {
                Some(ERASE) => return Ok(Accepted::Stored(id.clone())),
                Some(_) if !is_marked(&new.reasons) => {
                    let mut marked = new.clone();
                    marked.reasons.push(MARKED.to_owned());
                    // As forwarded: the quarantine limit must not refuse it.
                    return self.accept(&marked, true);
                }
                _ => {}
            }
            // Should it be written after all, its deliveries are looked for.
            self.run.borrow_mut().expect(&deliveries);
            return Err(error.into());
        }
        self.remember(new, extras.visitor, deliveries, begun);
        if new.reasons.iter().any(|reason| reason == UNVERIFIED) {
            self.happened(Incident::Unverified)?;
        }
        Ok(Accepted::Stored(id.clone()))
    }

    /// The submission of the same visitor with the same fields at about this time.
    fn same_visitor(&self, visitor: &str, at: i64, is_forwarded: bool) -> Result<Option<String>> {
        if !is_forwarded {
            return Ok(self.run.borrow().visitors.find(visitor, at));
        }
        // It came in some time ago.
        let rows = self.store.visitors(at - REPEAT_MS, at + REPEAT_MS)?;
        Ok(rows.into_iter().rev().find(|row| row.visitor == visitor).map(|row| row.id))
    }

    /// The deliveries of a new submission, and which of them begin at once: their first attempt is stored together with the
    /// submission, as long as there are slots.
    fn new_deliveries(&self, new: &NewSubmission, is_suspect: bool) -> Result<(Vec<Delivery>, Vec<bool>)> {
        let now = self.host.now();
        self.know(&new.destinations)?;
        let starts = {
            let run = self.run.borrow();
            let lanes = run.lanes(now, |name, _| new.destinations.iter().any(|new| new == name).then_some(now));
            let starts = if is_suspect || self.is_overflow() { Vec::new() } else { queue::starts(&lanes, now) };
            starts.into_iter().map(|(lane, _)| lane.destination.clone()).collect::<Vec<_>>()
        };
        let begin = |destination: &String| {
            let mut delivery = Delivery::new(&new.submission.id, destination, now);
            if is_suspect {
                delivery.state = State::Quarantined;
            } else if starts.contains(destination) {
                let begun = self.with_context(destination, |context| Ok(Flight::begin(delivery.clone(), context)));
                if let Ok((begun, _)) = begun {
                    return begun;
                }
            }
            (delivery, false)
        };
        Ok(new.destinations.iter().map(begin).unzip())
    }

    /// Stores destinations that get their first delivery. They may lack a secret.
    fn know(&self, destinations: &[String]) -> Result<()> {
        let is_new = |name: &&String| !self.run.borrow().destinations.contains_key(*name);
        let new: Vec<&String> = destinations.iter().filter(is_new).collect();
        for name in &new {
            self.store.add_destination(name)?;
            self.run.borrow_mut().destinations.or_default((*name).clone());
        }
        if new.is_empty() { Ok(()) } else { self.check_config() }
    }

    /// Keeps in memory what was stored.
    fn remember(&self, new: &NewSubmission, visitor: Option<String>, deliveries: Vec<Delivery>, begun: Vec<bool>) {
        let submission = &new.submission;
        let mut run = self.run.borrow_mut();
        if let Some(visitor) = visitor {
            run.visitors.add(Visitor { visitor, id: submission.id.clone(), at: submission.received_at });
        }
        run.added(&submission.id);
        if !new.reasons.is_empty() {
            run.is_news = true;
            run.quarantined_bytes = run.quarantined_bytes.map(|bytes| bytes + bytes_of(submission));
        }
        let (begun, waiting): (Vec<_>, Vec<_>) = deliveries.into_iter().zip(begun).partition(|(_, begins)| *begins);
        if !begun.is_empty() {
            let submission = Rc::new(submission.clone());
            for (delivery, _) in begun {
                let flight = Box::new(Flight::new(delivery.clone(), delivery));
                run.fly(Flying::Attempt { flight, phase: Phase::Begun, submission: Some(Rc::clone(&submission)) });
            }
        }
        run.is_news |= !waiting.is_empty();
        run.expect(waiting.iter().map(|(delivery, _)| delivery));
    }

    /// It is stored already, under this id. A clean repeat releases its quarantined original: the visitor was thanked for
    /// both. What an operator marked as spam waits for an operator.
    fn repeated(&self, new: &NewSubmission, id: &str) -> Result<Accepted> {
        if new.reasons.is_empty() && !self.store.extras(id)?.is_some_and(|extras| is_marked(&extras.reasons)) {
            self.release_where(id, |delivery| delivery.state == State::Quarantined)?;
        }
        Ok(Accepted::Stored(id.to_owned()))
    }

    /// Sends again what waits for a person (quarantined, rejected, exhausted), and ends the pauses that its deliveries wait
    /// for. Returns how many deliveries go now.
    pub fn release(&self, id: &str) -> Result<usize> {
        let before = self.store.deliveries(id)?;
        let mut count = self.release_where(id, |_| true)?;
        for delivery in before.iter().filter(|delivery| delivery.state != State::Delivered) {
            let has_resumed = self.resume(&delivery.destination)?;
            count += usize::from(has_resumed && delivery.state == State::Pending);
        }
        Ok(count)
    }

    pub(super) fn release_where(&self, id: &str, is_meant: impl Fn(&Delivery) -> bool) -> Result<usize> {
        let now = self.host.now();
        let mut released = Vec::new();
        for stored in self.store.deliveries(id)? {
            let mut delivery = stored.clone();
            if is_meant(&delivery) && delivery.release(now) {
                released.push((delivery, stored));
            }
        }
        if released.is_empty() {
            return Ok(0);
        }
        self.store.transaction(|| {
            // What an overflow hands over is then no suspect any more.
            if self.is_overflow() {
                self.store.set_reasons(id, &[])?;
            }
            released.iter().try_for_each(|(delivery, stored)| self.store.save(delivery, stored))
        })?;
        let mut run = self.run.borrow_mut();
        (run.quarantined_bytes, run.is_news) = (None, true);
        for (delivery, _) in &released {
            run.stands(delivery);
        }
        run.expect(released.iter().map(|(delivery, _)| delivery));
        Ok(released.len())
    }

    /// Ends the pause of a destination, for a person; a missing secret or setting stays missing. Returns whether there was
    /// one.
    pub fn resume(&self, destination: &str) -> Result<bool> {
        let mut run = self.run.borrow_mut();
        let Some(state) = run.destinations.get_mut(destination) else { return Ok(false) };
        let is_config = |pause: &Pause| pause.failure.kind == FailureKind::Config;
        if state.pause.as_ref().map_or(!state.rejects_every_write(), is_config) {
            return Ok(false);
        }
        let now = self.host.now();
        state.resume();
        self.store.transaction(|| {
            self.store.save_destination(destination, state)?;
            self.store.hurry(destination, now)
        })?;
        state.expect(now);
        run.is_news = true;
        Ok(true)
    }

    /// Deletes a submission, for a person. Returns whether it was here, and whether a call for it is out: its record may
    /// exist at the vendor, or, of a hand-over, its copy in the form's Outbox.
    pub fn erase(&self, id: &str) -> Result<Option<bool>> {
        let was_here = self.store.has(id)?;
        self.store.erase(id, was_here)?;
        if !was_here {
            return Ok(None);
        }
        self.run.borrow_mut().removed(id);
        let is_out = self.drop_flights(id, |_| true) || self.is_handing_over(id);
        self.host.log(json!({ "event": "erased", "form": self.form, "submission": id, "in_flight": is_out }));
        Ok(Some(is_out))
    }

    pub(super) fn is_overflow(&self) -> bool {
        names::is_overflow(&self.name)
    }

    /// Pauses destinations to which nothing can be sent as the Worker is configured now, and resumes those that can be sent
    /// to again. A deploy or a new secret restarts the object, so an instance checks once, and for each new destination.
    pub(super) fn check_config(&self) -> Result<()> {
        let now = self.host.now();
        let mut run = self.run.borrow_mut();
        let mut changed = Vec::new();
        for (name, state) in &mut run.destinations {
            let is_config = |pause: &Pause| pause.failure.kind == FailureKind::Config;
            let paused = state.pause.as_ref().filter(|pause| is_config(pause));
            match self.config_failure(name) {
                Some(failure) if paused.is_none_or(|pause| pause.failure != failure) => {
                    state.pause_for_config(failure, now);
                    changed.push((name.clone(), state.clone()));
                }
                None if paused.is_some() => {
                    state.resume();
                    changed.push((name.clone(), state.clone()));
                }
                _ => {}
            }
        }
        changed.iter().try_for_each(|(name, state)| Ok(self.store.save_destination(name, state)?))
    }

    /// Why nothing can be sent to `destination` as the Worker is configured now.
    pub(super) fn config_failure(&self, destination: &str) -> Option<Failure> {
        let failure = |text: String| Some(Failure::new(FailureKind::Config, text));
        match self.config.form(&self.form) {
            Lookup::Found(_) => {}
            Lookup::Broken => return failure(format!("the configuration of the form {} has errors", self.form)),
            Lookup::Unknown => return failure(format!("the form {} is not configured", self.form)),
        }
        let Some(found) = self.config.destination(destination) else {
            return failure(format!("the destination {destination} is not configured"));
        };
        let missing = found.secrets().find(|name| !self.host.has_secret(name));
        missing.and_then(|name| failure(SealError::Missing(name).to_string()))
    }

    /// The bytes in quarantine. They are summed up once and then kept, until something leaves it.
    fn quarantined_bytes(&self) -> Result<usize> {
        if let Some(bytes) = self.run.borrow().quarantined_bytes {
            return Ok(bytes);
        }
        let bytes = self.store.quarantined_bytes()?;
        self.run.borrow_mut().quarantined_bytes = Some(bytes);
        Ok(bytes)
    }

    pub(super) fn log_failure(&self, what: &str, submission: Option<&str>, error: &dyn fmt::Display) {
        self.host.log(failure(what, Some(&self.form), submission, error));
    }
}
