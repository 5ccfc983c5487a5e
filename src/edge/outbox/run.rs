//! One alarm's work: every due Delivery is tried, several at a time, one call at a time each.
//!
//! Slots are shared among the destinations ([`slots`]), and new work is picked up while slow calls are still out. A run
//! ends when nothing is due, or at its budget; tries that wait for a slow CRM then stay with the object, and the next
//! alarm takes them up again, so that one dead destination holds up no other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, FutureExt, LocalBoxFuture, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use worker::{Delay, Result};

use crate::config::Pace;
use crate::delivery::pace::Pacer;
use crate::delivery::slots::{self, Lane};
use crate::edge::store::lanes::Order;
use crate::edge::{clock, log};

use super::agenda::Agenda;
use super::watchdog::Watchdog;

/// The free plan allows 50 subrequests in one invocation, so a run ends before that, in the middle of a try if need be;
/// the rest is left to the next alarm.
const CALLS_PER_RUN: u32 = 45;

/// An alarm is killed after 15 minutes. No call starts after this long, and a call takes a minute at most.
const RUN_MS: i64 = 10 * 60 * 1000;

/// How often the run looks for new work while calls are out.
const TICK: Duration = Duration::from_millis(200);

/// How long a row is left alone after it failed inside the Outbox itself.
const POISONED_MS: i64 = 10 * 60 * 1000;

/// A delivery that is being tried: submission, destination.
pub(super) type Key = (String, String);

/// A try under way.
type Try = LocalBoxFuture<'static, (Key, Result<()>)>;

/// The half of an Outbox that delivers. It lives as long as its object.
pub struct Runner {
    pub(super) agenda: Agenda,
    tries: RefCell<FuturesUnordered<Try>>,
    busy: RefCell<BTreeSet<Key>>,
    pacers: RefCell<BTreeMap<String, Pacer>>,
    /// The registry is being asked.
    pub(super) is_registering: Cell<bool>,
    calls: Cell<u32>,
    started: Cell<i64>,
    /// A suspect is under way: it is tried alone.
    is_alone: Cell<bool>,
    /// Whose turn it is when there is one slot: the oldest, or the newest.
    is_newest_turn: Cell<bool>,
}

impl Runner {
    /// A runner that has nothing under way.
    pub fn new(agenda: Agenda) -> Self {
        Self {
            agenda,
            tries: RefCell::default(),
            busy: RefCell::default(),
            pacers: RefCell::default(),
            is_registering: Cell::default(),
            calls: Cell::default(),
            started: Cell::default(),
            is_alone: Cell::default(),
            is_newest_turn: Cell::default(),
        }
    }

    /// Tries everything that is due; returns whether tries are left under way, to be taken up by the next alarm.
    pub async fn run(self: &Rc<Self>, watchdog: &Watchdog) -> Result<bool> {
        self.calls.set(0);
        self.started.set(clock::now());
        // No borrow is held over an await: the object answers requests meanwhile.
        let mut tries = self.tries.take();
        let result = self.work(&mut tries, watchdog).await;
        let are_left = !tries.is_empty();
        *self.tries.borrow_mut() = tries;
        result.map(|()| are_left)
    }

    async fn work(self: &Rc<Self>, tries: &mut FuturesUnordered<Try>, watchdog: &Watchdog) -> Result<()> {
        loop {
            for key in self.pick()? {
                self.busy.borrow_mut().insert(key.clone());
                tries.push(Rc::clone(self).try_one(key).boxed_local());
            }
            if tries.is_empty() {
                return Ok(());
            }
            match next_or_tick(tries.next()).await {
                Some(Some((key, outcome))) => self.ended(&key, outcome)?,
                // What is out now is slow; it need not hold up what the next alarm may begin.
                None if self.is_over() => return Ok(()),
                Some(None) | None => {}
            }
            watchdog.pet();
        }
    }

    fn ended(&self, key: &Key, outcome: Result<()>) -> Result<()> {
        self.busy.borrow_mut().remove(key);
        self.is_alone.set(false);
        let Err(error) = outcome else { return Ok(()) };
        // A row that cannot be read or written must not hold up the others: it comes last from here on.
        log::failure("delivery", &format!("{} to {}: {error}", key.0, key.1));
        self.agenda.store.put_off(&key.0, &key.1, clock::now() + POISONED_MS)
    }

    /// Whether no further call may leave in this run.
    pub(super) fn is_over(&self) -> bool {
        self.calls.get() >= CALLS_PER_RUN || clock::now() - self.started.get() >= RUN_MS
    }

    /// A call leaves.
    pub(super) fn count_call(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    /// Waits until a call of this cost fits into the destination's pace.
    pub(super) async fn keep_pace(&self, destination: &str, pace: Option<Pace>, cost: u32) {
        let Some(pace) = pace else { return };
        let wait = self.pacers.borrow_mut().entry(destination.to_owned()).or_default().book(pace, cost, clock::now());
        if wait > 0 {
            Delay::from(Duration::from_millis(wait)).await;
        }
    }

    /// The due deliveries that get a free slot.
    fn pick(&self) -> Result<Vec<Key>> {
        if self.is_over() || self.is_alone.get() {
            return Ok(Vec::new());
        }
        let now = clock::now();
        let (lanes, sharing) = self.agenda.open_lanes()?;
        let busy = self.busy.borrow();
        // A delivery that may have brought down its object or process is tried alone: the others finish first.
        let is_open = |to: &str| lanes.iter().any(|lane| lane.destination == to && lane.ready_at() <= now);
        let suspects = self.agenda.store.suspects(now)?;
        if let Some(suspect) = suspects.into_iter().find(|suspect| is_open(&suspect.destination)) {
            let is_free = busy.is_empty();
            self.is_alone.set(is_free);
            return Ok(if is_free { vec![(suspect.submission_id, suspect.destination)] } else { Vec::new() });
        }
        let under_way = |destination: &str| busy.iter().filter(|(_, to)| to == destination).count();
        let mut picked = Vec::new();
        for (lane, starts) in slots::starts(&lanes, sharing, under_way, now) {
            picked.extend(self.of_lane(lane, starts, &busy, now)?);
        }
        Ok(picked)
    }

    /// The next `starts` deliveries of a destination. A backlog does not hold up who came last: of several slots one is for
    /// the newest, and a single slot goes in turns.
    fn of_lane(&self, lane: &Lane, starts: usize, busy: &BTreeSet<Key>, now: i64) -> Result<Vec<Key>> {
        let store = &self.agenda.store;
        let is_newest = starts > 1 || self.is_newest_turn.replace(!self.is_newest_turn.get());
        let mut keys: Vec<Key> = Vec::new();
        // Those under way are put off already, unless they take longer than their pause: look past them.
        let look = starts + busy.len();
        let mut take = |submissions: Vec<String>, most: usize| {
            for submission in submissions {
                let key = (submission, lane.destination.clone());
                if keys.len() < most && !busy.contains(&key) && !keys.contains(&key) {
                    keys.push(key);
                }
            }
        };
        if is_newest {
            take(store.fresh(&lane.destination, now, look, Order::NewestFirst)?, 1);
        } else if lane.paused_until > 0 {
            // Who asks for all is one that was not turned away before: for that one it would be no news.
            take(store.fresh(&lane.destination, now, look, Order::OldestFirst)?, 1);
        }
        take(store.due(&lane.destination, now, look)?, starts);
        Ok(keys)
    }

    async fn try_one(self: Rc<Self>, key: Key) -> (Key, Result<()>) {
        let outcome = self.marked_try(&key).await;
        (key, outcome)
    }

    /// A try with a mark on it, which tells the next object what became of it should this one die.
    async fn marked_try(self: &Rc<Self>, key: &Key) -> Result<()> {
        self.agenda.store.begin(&key.0, &key.1, &clock::isolate())?;
        let outcome = self.deliver(&key.0, &key.1).await;
        self.agenda.store.end(&key.0, &key.1)?;
        outcome
    }
}

/// Waits for the next result, but not longer than a tick.
async fn next_or_tick<T>(next: impl Future<Output = T>) -> Option<T> {
    match select(pin!(next), pin!(Delay::from(TICK))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
