//! How an Outbox delivers: it begins what is due, says what to send, and takes in how each call ended.

use std::rc::Rc;

use serde_json::json;

use crate::config::Lookup;
use crate::connectors::{Call, Pace};
use crate::delivery::driver::{Context, needs_lease};
use crate::delivery::queue::{self, Lane, Speed};
use crate::delivery::{Delivery, Event, Flight, Next, State};
use crate::domain::Submission;
use crate::intake::map::from_submission;

use super::alerts::Incident;
use super::core::{Effect, Outbox, OutboxError, Result};
use super::flights::{Flying, Phase};
use super::probes::TRIALS_WITHOUT_PROBE;
use super::store::{Due, Task};

/// How long a delivery is left alone after it failed inside the Outbox itself.
const DAMAGED_MS: i64 = 10 * 60 * 1000;

impl Outbox {
    /// An alarm begins: its calls are counted from zero.
    pub fn begin_run(&self) {
        let mut run = self.run.borrow_mut();
        (run.calls, run.started_at) = (0, self.host.now());
    }

    /// Whether no further call may leave in this run.
    pub fn is_over(&self) -> bool {
        self.run.borrow().is_over(self.host.now())
    }

    /// Something failed, or may have: what memory says of the rows is not relied on.
    pub fn doubt(&self) {
        let mut run = self.run.borrow_mut();
        (run.is_stale, run.oldest, run.oldest_pending) = (true, None, None);
    }

    /// Reads again when deliveries are due, if there is a doubt.
    fn look_again(&self) -> Result<()> {
        if !self.run.borrow().is_stale {
            return Ok(());
        }
        let stored = self.store.destinations()?;
        let mut run = self.run.borrow_mut();
        for (name, state) in stored {
            run.destinations.or_default(name).next_at = state.next_at;
        }
        run.is_stale = false;
        Ok(())
    }

    /// Whether anything is under way.
    pub fn is_busy(&self) -> bool {
        !self.run.borrow().flights.is_empty()
    }

    /// Begins the attempts that are due. Returns whether any was stored: the caller waits until it is on disk before it asks for
    /// [`Outbox::effects`], because only there something is made of the leads.
    pub fn begin(&self) -> Result<bool> {
        if self.is_overflow() || self.is_over() {
            return Ok(false);
        }
        let mut is_stored = false;
        for (destination, (submission_id, read)) in self.pick()? {
            let begun = read.map_err(Into::into).and_then(|(stored, submission)| self.begin_one(&stored, submission));
            match begun {
                Ok(stored) => is_stored |= stored,
                Err(error) => self.set_aside(&submission_id, &destination, &error)?,
            }
        }
        Ok(is_stored)
    }

    fn begin_one(&self, stored: &Delivery, submission: Submission) -> Result<bool> {
        let now = self.host.now();
        let mut delivery = stored.clone();
        let mut begins = false;
        if delivery.not_before > now {
            // An earlier attempt may still be under way.
            delivery.put_off(now);
        } else {
            ((delivery, begins), _) =
                self.with_context(&stored.destination, |context| Ok(Flight::begin(delivery, context)))?;
        }
        let is_stored = !begins || needs_lease(stored, now);
        if is_stored {
            self.store.save(&delivery, stored)?;
        }
        let mut run = self.run.borrow_mut();
        if begins {
            let stored = if is_stored { delivery.clone() } else { stored.clone() };
            let flight = Box::new(Flight::new(delivery, stored));
            run.fly(Flying::Attempt { flight, phase: Phase::Begun, submission: Some(Rc::new(submission)) });
        } else {
            run.is_news |= delivery.state != State::Pending;
            run.put_back(&delivery);
        }
        Ok(begins && is_stored)
    }

    /// Whether an alarm is set while this run works: not for probes, nor for retries that are on time.
    pub fn needs_safety_net(&self) -> bool {
        let is_leased = |flying: &Flying| matches!(flying, Flying::Attempt { flight, .. } if flight.is_leased);
        self.is_overflow() || self.run.borrow().flights.values().any(is_leased)
    }

    /// What to carry out now.
    pub fn effects(&self) -> Result<Vec<Effect>> {
        let mut effects = Vec::new();
        if self.is_overflow() {
            self.forwards(&mut effects)?;
            return Ok(effects);
        }
        self.probes(&mut effects);
        let waiting: Vec<u64> = {
            let run = self.run.borrow();
            let is_waiting =
                |(_, flying): &(&u64, &Flying)| matches!(flying, Flying::Attempt { phase, .. } if *phase != Phase::Out);
            run.flights.iter().filter(is_waiting).map(|(id, _)| *id).collect()
        };
        for id in waiting {
            match self.advance(id) {
                Ok(effect) => effects.extend(effect),
                // Its row is due again by itself. The calls before it are out by their rows, so they must leave.
                Err(error) => self.log_failure("delivery", None, &error),
            }
        }
        Ok(effects)
    }

    /// Moves an attempt on: asks the connector, waits for its turn in the pace, sends.
    fn advance(&self, id: u64) -> Result<Option<Effect>> {
        let Some(Flying::Attempt { mut flight, phase, submission }) = self.run.borrow_mut().flights.remove(&id) else {
            return Ok(None);
        };
        let (submission_id, destination) = (flight.delivery.submission_id.clone(), flight.delivery.destination.clone());
        match self.advance_one(id, &mut flight, phase, submission.as_deref()) {
            Ok((phase, effect)) => {
                if let Some(phase) = phase {
                    let submission = submission.filter(|_| phase == Phase::Begun);
                    self.run.borrow_mut().flights.insert(id, Flying::Attempt { flight, phase, submission });
                }
                Ok(effect)
            }
            Err(error) => self.set_aside(&submission_id, &destination, &error).map(|()| None),
        }
    }

    /// The phase that the attempt is in now (`None`: it is over), and its call if that leaves.
    fn advance_one(
        &self,
        id: u64,
        flight: &mut Flight,
        phase: Phase,
        submission: Option<&Submission>,
    ) -> Result<(Option<Phase>, Option<Effect>)> {
        let now = self.host.now();
        let destination = flight.delivery.destination.clone();
        let at = match phase {
            Phase::Begun => match self.start(flight, submission)? {
                Some(at) => at,
                None => return Ok((None, None)),
            },
            Phase::Ready(at) => at,
            Phase::Out => return Ok((Some(phase), None)),
        };
        // While it waited, the run may have come to its end, or the destination may be paused: probes go all the same.
        let must_stop = {
            let run = self.run.borrow();
            let is_paused = run
                .destinations
                .get(&destination)
                .is_some_and(|state| state.pause.as_ref().is_some_and(|pause| pause.until > now));
            run.is_over(now) || is_paused
        };
        if must_stop {
            flight.interrupt(now);
            self.save(flight)?;
            self.run.borrow_mut().put_back(&flight.delivery);
            return Ok((None, None));
        }
        if at > now {
            return Ok((Some(Phase::Ready(at)), None));
        }
        let Some(call) = flight.call().cloned() else { return Ok((None, None)) };
        if self.with_context(&destination, |context| Ok(flight.leave(context)))?.0 {
            self.save(flight)?;
        }
        self.run.borrow_mut().calls += 1;
        Ok((Some(Phase::Out), Some(Effect::Send { flight: id, destination, call: Box::new(call) })))
    }

    /// Asks the connector for the first call of an attempt; when it may leave.
    fn start(&self, flight: &mut Flight, submission: Option<&Submission>) -> Result<Option<i64>> {
        let Lookup::Found(form) = self.config.form(&self.form) else { return Err(OutboxError::Missing("form")) };
        let lead = from_submission(submission.ok_or(OutboxError::Missing("submission"))?.clone(), form);
        let destination = flight.delivery.destination.clone();
        let (next, is_changed) = self.with_context(&destination, |context| Ok(flight.start(lead, context)?))?;
        match next {
            // Nothing of it is new before the call leaves.
            Next::Send(call) => Ok(Some(self.book(&destination, &call))),
            Next::Done => self.taken_in(flight, &Next::Done, is_changed),
        }
    }

    /// Stores what is new of a delivery under way.
    fn save(&self, flight: &mut Flight) -> Result<()> {
        self.store.save(&flight.delivery, &flight.stored)?;
        flight.stored = flight.delivery.clone();
        Ok(())
    }

    /// Stores what an event made of an attempt, and of its destination when that changed; when its next call may leave, or
    /// `None` when it is over. Before a call that leaves at once the attempt is stored anyway.
    fn taken_in(&self, flight: &mut Flight, next: &Next, is_changed: bool) -> Result<Option<i64>> {
        let destination = flight.delivery.destination.clone();
        let leaves_at = if let Next::Send(call) = next { Some(self.book(&destination, call)) } else { None };
        let is_stored_later = leaves_at.is_some_and(|at| at <= self.host.now());
        if is_changed || self.strips(&flight.delivery) {
            self.store.transaction(|| {
                self.store.save(&flight.delivery, &flight.stored)?;
                self.strip_delivered(&flight.delivery)?;
                let run = self.run.borrow();
                let state = run.destinations.get(&destination);
                state.map_or(Ok(()), |state| self.store.save_destination(&destination, state))
            })?;
            flight.stored = flight.delivery.clone();
        } else if !is_stored_later {
            self.save(flight)?;
        }
        let mut run = self.run.borrow_mut();
        run.is_news |= is_changed || (leaves_at.is_none() && flight.delivery.state != State::Delivered);
        if leaves_at.is_none() {
            run.put_back(&flight.delivery);
        }
        Ok(leaves_at)
    }

    /// Books a call behind all that were booked before; when it may leave.
    fn book(&self, destination: &str, call: &Call) -> i64 {
        let now = self.host.now();
        let Some((found, pace)) = self.config.destination(destination).and_then(|found| Some((found, found.pace?)))
        else {
            return now;
        };
        let pace = self.share(Some(pace)).unwrap_or(pace);
        let mut run = self.run.borrow_mut();
        let pacer = run.pacers.or_default(destination.to_owned());
        now.saturating_add(i64::try_from(pacer.book(pace, found.connector.cost(call), now)).unwrap_or(i64::MAX))
    }

    /// This Outbox's share of a destination's pace.
    fn share(&self, pace: Option<Pace>) -> Option<Pace> {
        match self.config.form(&self.form) {
            Lookup::Found(form) => pace.map(|pace| pace.divided(form.shards)),
            _ => pace,
        }
    }

    /// Takes in how a call ended.
    pub fn ended(&self, flight: u64, event: Event) -> Result<()> {
        let flying = self.run.borrow_mut().flights.remove(&flight);
        match flying {
            Some(Flying::Attempt { flight: attempt, .. }) => self.attempt_ended(flight, attempt, event),
            Some(Flying::Probe { destination, .. }) => self.probe_ended(&destination, event),
            Some(Flying::Forward { .. }) | None => Ok(()),
        }
    }

    fn attempt_ended(&self, id: u64, mut flight: Box<Flight>, event: Event) -> Result<()> {
        let (submission_id, destination) = (flight.delivery.submission_id.clone(), flight.delivery.destination.clone());
        let sent_at = flight.out_since();
        let taken_in = self
            .with_context(&destination, |context| {
                if let Some(sent_at) = sent_at {
                    context.state.call_took(context.now - sent_at, context.now);
                }
                Ok(flight.ended(event, context)?)
            })
            .and_then(|(next, is_changed)| self.taken_in(&mut flight, &next, is_changed));
        self.log_attempt(&flight.delivery);
        match taken_in {
            Ok(Some(at)) => {
                let flying = Flying::Attempt { flight, phase: Phase::Ready(at), submission: None };
                self.run.borrow_mut().flights.insert(id, flying);
                Ok(())
            }
            Ok(None) if flight.delivery.record.as_ref().is_some_and(|record| record.message_missing) => {
                self.happened(Incident::Unread)
            }
            Ok(None) => Ok(()),
            Err(error) => self.set_aside(&submission_id, &destination, &error),
        }
    }

    fn log_attempt(&self, delivery: &Delivery) {
        let Some(attempt) = delivery.timeline.last() else { return };
        self.host.log(json!({
            "event": "attempt", "form": self.form, "submission": delivery.submission_id,
            "destination": delivery.destination, "step": attempt.step, "status": attempt.status,
            "outcome": attempt.outcome, "ms": attempt.ms, "state": delivery.state.name(),
            "attempts": delivery.attempts, "failure": delivery.failure.as_ref().map(|failure| failure.kind),
        }));
    }

    /// A row that cannot be read or written must not hold up the others.
    fn set_aside(&self, submission_id: &str, destination: &str, error: &OutboxError) -> Result<()> {
        self.log_failure("delivery", Some(submission_id), error);
        let until = self.host.now() + DAMAGED_MS;
        self.store.put_off(submission_id, destination, until)?;
        if let Some(state) = self.run.borrow_mut().destinations.get_mut(destination) {
            state.expect(until);
        }
        Ok(())
    }

    /// Runs `work` with a destination's settings and state; returns also whether the stored part of the state changed.
    pub(super) fn with_context<T>(
        &self,
        destination: &str,
        work: impl FnOnce(&mut Context<'_>) -> Result<T>,
    ) -> Result<(T, bool)> {
        let found = self.config.destination(destination).ok_or(OutboxError::Missing("destination"))?;
        let (now, jitter) = (self.host.now(), self.host.random());
        let mut run = self.run.borrow_mut();
        let state = run.destinations.or_default(destination.to_owned());
        let before = state.clone();
        let result = work(&mut Context { destination: found, state, now, jitter })?;
        let is_changed = state.is_stored_differently(&before);
        if before.pause.is_some() != state.pause.is_some() {
            let failure = state.pause.as_ref().map(|pause| pause.failure.kind);
            let event = if failure.is_some() { "paused" } else { "resumed" };
            self.host.log(json!({
                "event": event, "form": self.form, "destination": destination, "failure": failure,
            }));
        }
        Ok((result, is_changed))
    }

    /// The deliveries that get a free slot.
    fn pick(&self) -> Result<Vec<(String, Task)>> {
        self.look_again()?;
        let now = self.host.now();
        let mut lanes = self.run.borrow().lanes(now, |_, state| state.next_at);
        // A destination whose pace allows fewer calls than there are slots would hold them all while it waits. As Unknown, it
        // leaves the last slot to others.
        for lane in lanes.iter_mut().filter(|lane| lane.speed == Speed::Quick) {
            let pace = self.config.destination(&lane.destination).and_then(|found| found.pace);
            if self.share(pace).is_some_and(|pace| (pace.points as usize) < queue::SLOTS) {
                lane.speed = Speed::Unknown;
            }
        }
        let checks = self.checks(&mut lanes, now);
        let starts: Vec<(&Lane, usize)> = queue::starts(&lanes, now);
        let mut picked = Vec::new();
        for (destination, has_probe) in &checks {
            let leads =
                starts.iter().find(|(lane, _)| lane.destination == *destination).map_or(0, |(_, starts)| *starts);
            let trials = self.check(destination, *has_probe, leads, now)?;
            picked.extend(trials.into_iter().map(|task| (destination.clone(), task)));
        }
        for (lane, starts) in starts {
            if checks.iter().any(|(destination, _)| lane.destination == *destination) {
                continue;
            }
            let due = self.of_lane(lane, starts, now)?;
            picked.extend(due.into_iter().map(|task| (lane.destination.clone(), task)));
        }
        Ok(picked)
    }

    /// The paused destinations that are due for a check, and whether they have a probe. Their lanes may start a check's leads.
    fn checks(&self, lanes: &mut [Lane], now: i64) -> Vec<(String, bool)> {
        let run = self.run.borrow();
        let mut checks = Vec::new();
        for lane in lanes {
            let Some(state) = run.destinations.get(&lane.destination) else { continue };
            if lane.allowance == Some(0) && self.check_at(&lane.destination, state).is_some_and(|at| at <= now) {
                let has_probe = self.has_probe(&lane.destination, state);
                lane.allowance = Some(if has_probe { 1 } else { TRIALS_WITHOUT_PROBE });
                checks.push((lane.destination.clone(), has_probe));
            }
        }
        checks
    }

    /// The deliveries that are due to a destination and not in flight: the oldest and the newest, so many of each.
    pub(super) fn due(&self, destination: &str, now: i64, some: (usize, usize)) -> Result<Due> {
        let run = self.run.borrow();
        let to_destination = run.attempts().filter(|delivery| delivery.destination == destination);
        let flying: Vec<&str> = to_destination.map(|delivery| delivery.submission_id.as_str()).collect();
        Ok(self.store.due(destination, now, some, &flying)?)
    }

    /// The next `starts` deliveries of a destination. A backlog does not hold up who came last: of several slots one is for
    /// the newest, and a single slot takes turns.
    fn of_lane(&self, lane: &Lane, starts: usize, now: i64) -> Result<Vec<Task>> {
        let newest = if starts > 1 {
            1
        } else {
            let mut run = self.run.borrow_mut();
            run.is_newest_turn = !run.is_newest_turn;
            usize::from(run.is_newest_turn)
        };
        let Due { tasks, next_at } = self.due(&lane.destination, now, (starts - newest, newest))?;
        if let Some(state) = self.run.borrow_mut().destinations.get_mut(&lane.destination) {
            // More may be due than was asked for.
            state.next_at = if tasks.len() < starts { next_at } else { lane.next_at };
        }
        Ok(tasks)
    }

    /// When something is due, milliseconds since 1970; `None` when nothing is. What is under way reports by itself.
    pub fn next_wake(&self) -> Result<Option<i64>> {
        self.look_again()?;
        let mut wakes = vec![self.upkeep_at()?];
        if self.is_overflow() {
            let has_any = self.oldest()?.is_some();
            let is_known = matches!(self.config.form(&self.form), Lookup::Found(_));
            wakes.push((has_any && is_known).then_some(self.run.borrow().forward_at));
            return Ok(wakes.into_iter().flatten().min());
        }
        let run = self.run.borrow();
        let ready = |flying: &Flying| match flying {
            Flying::Attempt { phase: Phase::Begun, .. } => Some(0),
            Flying::Attempt { phase: Phase::Ready(at), .. } => Some(*at),
            _ => None,
        };
        wakes.extend(run.flights.values().map(ready));
        for (name, state) in run.destinations.iter() {
            wakes.push(match &state.pause {
                None => state.next_at,
                Some(pause) if pause.ramp > 0 => state.next_at.map(|next_at| next_at.max(pause.until)),
                Some(_) => self.check_at(name, state),
            });
        }
        Ok(wakes.into_iter().flatten().min())
    }
}
