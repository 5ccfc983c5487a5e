//! How an Outbox delivers: it begins what is due, says what to send, and takes in how each call ended.

use std::collections::BTreeSet;

use serde_json::json;

use crate::config::Lookup;
use crate::connectors::{Call, Health};
use crate::delivery::driver::{Context, health_of};
use crate::delivery::queue::{self, Lane};
use crate::delivery::{Delivery, Event, Flight, Next, State};
use crate::intake::map::from_submission;

use super::alerts::Incident;
use super::core::{Effect, Outbox, OutboxError, Result};
use super::flights::{Flying, Phase};

/// How long a delivery is left alone after it failed inside the Outbox itself.
const DAMAGED_MS: i64 = 10 * 60 * 1000;

/// Leads that test a paused destination without a probe at each check.
const TRIALS_WITHOUT_PROBE: usize = 3;

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

    /// Whether anything is under way.
    pub fn is_busy(&self) -> bool {
        !self.run.borrow().flights.is_empty()
    }

    /// Begins the attempts that are due, and stores each. The caller waits until they are on disk before it asks for
    /// [`Outbox::effects`]: only there something is made of the leads. Returns whether any began.
    pub fn begin(&self) -> Result<bool> {
        if self.is_overflow() || self.is_over() {
            return Ok(false);
        }
        let mut has_begun = false;
        for (submission_id, destination) in self.pick()? {
            match self.begin_one(&submission_id, &destination) {
                Ok(begun) => has_begun |= begun,
                Err(error) => self.set_aside(&submission_id, &destination, &error)?,
            }
        }
        Ok(has_begun)
    }

    fn begin_one(&self, submission_id: &str, destination: &str) -> Result<bool> {
        let Some(delivery) = self.store.delivery(submission_id, destination)? else { return Ok(false) };
        if delivery.state != State::Pending {
            return Ok(false);
        }
        let ((delivery, begins), _) = self.with_context(destination, |context| Ok(Flight::begin(delivery, context)))?;
        self.store.save(&delivery)?;
        if begins {
            let flight = Box::new(Flight::new(delivery));
            self.run.borrow_mut().fly(Flying::Attempt { flight, phase: Phase::Begun });
        }
        Ok(begins)
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
                // Its row is leased. The calls before it are out by their rows, so they must leave.
                Err(error) => self.log_failure("delivery", None, &error),
            }
        }
        Ok(effects)
    }

    /// Moves an attempt on: asks the connector, waits for its turn in the pace, sends.
    fn advance(&self, id: u64) -> Result<Option<Effect>> {
        let Some(Flying::Attempt { mut flight, phase }) = self.run.borrow_mut().flights.remove(&id) else {
            return Ok(None);
        };
        let (submission_id, destination) = (flight.delivery.submission_id.clone(), flight.delivery.destination.clone());
        match self.advance_one(id, &mut flight, phase) {
            Ok((phase, effect)) => {
                if let Some(phase) = phase {
                    self.run.borrow_mut().flights.insert(id, Flying::Attempt { flight, phase });
                }
                Ok(effect)
            }
            Err(error) => self.set_aside(&submission_id, &destination, &error).map(|()| None),
        }
    }

    /// The phase that the attempt is in now (`None`: it is over), and its call if that leaves.
    fn advance_one(&self, id: u64, flight: &mut Flight, phase: Phase) -> Result<(Option<Phase>, Option<Effect>)> {
        let now = self.host.now();
        let destination = flight.delivery.destination.clone();
        let mut phase = phase;
        if phase == Phase::Begun {
            let submission = self.store.submission(&flight.delivery.submission_id)?;
            let submission = submission.ok_or(OutboxError::Missing("submission"))?;
            let Lookup::Found(form) = self.config.form(&self.form) else { return Err(OutboxError::Missing("form")) };
            let lead = from_submission(&submission, form);
            let (next, is_changed) = self.with_context(&destination, |context| Ok(flight.start(lead, context)?))?;
            match self.taken_in(flight, next, is_changed)? {
                Some(at) => phase = Phase::Ready(at),
                None => return Ok((None, None)),
            }
        }
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
            self.store.save(&flight.delivery)?;
            return Ok((None, None));
        }
        if let Phase::Ready(at) = phase
            && at > now
        {
            return Ok((Some(phase), None));
        }
        let Some(call) = flight.call().cloned() else { return Ok((None, None)) };
        self.with_context(&destination, |context| {
            flight.leave(context);
            Ok(())
        })?;
        self.store.save(&flight.delivery)?;
        self.run.borrow_mut().calls += 1;
        Ok((Some(Phase::Out), Some(Effect::Send { flight: id, destination, call: Box::new(call) })))
    }

    /// Stores what an event made of an attempt, and of its destination when that changed; when its next call may leave, or
    /// `None` when it is over.
    fn taken_in(&self, flight: &Flight, next: Next, is_changed: bool) -> Result<Option<i64>> {
        let destination = &flight.delivery.destination;
        self.store.transaction(|| {
            self.store.save(&flight.delivery)?;
            self.strip_delivered(&flight.delivery)?;
            if is_changed {
                let run = self.run.borrow();
                run.destinations
                    .get(destination)
                    .map_or(Ok(()), |state| self.store.save_destination(destination, state))?;
            }
            Ok(())
        })?;
        Ok(match next {
            Next::Done => None,
            Next::Send(call) => Some(self.book(destination, &call)),
        })
    }

    /// Books a call behind all that were booked before; when it may leave.
    fn book(&self, destination: &str, call: &Call) -> i64 {
        let now = self.host.now();
        let Some((found, pace)) = self.config.destination(destination).and_then(|found| Some((found, found.pace?)))
        else {
            return now;
        };
        let mut run = self.run.borrow_mut();
        let pacer = run.pacers.entry(destination.to_owned()).or_default();
        now.saturating_add(i64::try_from(pacer.book(pace, found.connector.cost(call), now)).unwrap_or(i64::MAX))
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
        let taken_in = self
            .with_context(&destination, |context| Ok(flight.ended(event, context)?))
            .and_then(|(next, is_changed)| self.taken_in(&flight, next, is_changed));
        self.log_attempt(&flight.delivery);
        match taken_in {
            Ok(Some(at)) => {
                let flying = Flying::Attempt { flight, phase: Phase::Ready(at) };
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
        Ok(self.store.put_off(submission_id, destination, self.host.now() + DAMAGED_MS)?)
    }

    /// Runs `work` with a destination's settings and state; returns also whether the stored part of the state changed.
    fn with_context<T>(
        &self,
        destination: &str,
        work: impl FnOnce(&mut Context<'_>) -> Result<T>,
    ) -> Result<(T, bool)> {
        let found = self.config.destination(destination).ok_or(OutboxError::Missing("destination"))?;
        let (now, jitter) = (self.host.now(), self.host.random());
        let mut run = self.run.borrow_mut();
        let state = run.destinations.entry(destination.to_owned()).or_default();
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
    fn pick(&self) -> Result<Vec<(String, String)>> {
        let now = self.host.now();
        let mut lanes = Vec::new();
        let mut checks: Vec<(String, bool)> = Vec::new();
        {
            let mut run = self.run.borrow_mut();
            let names: Vec<String> = run.destinations.keys().cloned().collect();
            for name in names {
                let running = run.running(&name);
                let next_at = self.store.next_at(&name)?;
                let state = run.destinations.entry(name.clone()).or_default();
                let allowance = state.allowance(running, now);
                if next_at.is_some() && allowance == Some(0) && state.check_at().is_some_and(|at| at <= now) {
                    let found = self.config.destination(&name);
                    let has_probe =
                        found.is_some_and(|found| found.connector.probe().is_some()) && !state.is_probe_broken;
                    state.begin_check(now);
                    checks.push((name.clone(), has_probe));
                }
                lanes.push(Lane { destination: name, next_at, running, allowance });
            }
        }
        let mut picked = Vec::new();
        for (destination, has_probe) in checks {
            picked.extend(self.check(destination, has_probe, now)?);
        }
        for (lane, starts) in queue::starts(&lanes, now) {
            picked.extend(self.of_lane(lane, starts, now)?);
        }
        Ok(picked)
    }

    /// Checks a paused destination: its probe, and one lead that was never tried, the newest first. Without a probe,
    /// several leads, and those that were tried when there are no others.
    fn check(&self, destination: String, has_probe: bool, now: i64) -> Result<Vec<(String, String)>> {
        let leads = if has_probe { 1 } else { TRIALS_WITHOUT_PROBE };
        let mut ids = self.store.fresh(&destination, now, leads)?;
        if ids.is_empty() && !has_probe {
            ids = self.store.due(&destination, now, leads)?;
        }
        let trials = ids.into_iter().map(|id| (id, destination.clone())).filter(|key| !self.is_flying(key)).collect();
        let mut run = self.run.borrow_mut();
        if has_probe && !run.is_probing(&destination) {
            run.fly(Flying::Probe { destination, is_out: false });
        }
        Ok(trials)
    }

    fn is_flying(&self, (submission_id, destination): &(String, String)) -> bool {
        self.run.borrow().is_flying(submission_id, destination)
    }

    /// The next `starts` deliveries of a destination. A backlog does not hold up who came last: of several slots one is for
    /// the newest, and a single slot takes turns.
    fn of_lane(&self, lane: &Lane, starts: usize, now: i64) -> Result<Vec<(String, String)>> {
        let is_newest = {
            let mut run = self.run.borrow_mut();
            run.is_newest_turn = !run.is_newest_turn;
            starts > 1 || run.is_newest_turn
        };
        // Those under way are put off, unless they take longer than their lease: look past them.
        let look = starts + lane.running;
        let newest = if is_newest { self.store.fresh(&lane.destination, now, look)? } else { Vec::new() };
        let oldest = self.store.due(&lane.destination, now, look)?;
        let mut seen = BTreeSet::new();
        let mut keys: Vec<(String, String)> = Vec::new();
        for (ids, most) in [(newest, 1), (oldest, starts)] {
            for id in ids {
                let key = (id, lane.destination.clone());
                if keys.len() < most && !self.is_flying(&key) && seen.insert(key.0.clone()) {
                    keys.push(key);
                }
            }
        }
        Ok(keys)
    }

    /// The probes that leave now.
    fn probes(&self, effects: &mut Vec<Effect>) {
        let mut run = self.run.borrow_mut();
        let (mut calls, mut gone) = (0, Vec::new());
        for (id, flying) in &mut run.flights {
            let Flying::Probe { destination, is_out: is_out @ false } = flying else { continue };
            *is_out = true;
            match self.config.destination(destination).and_then(|found| found.connector.probe()) {
                Some(call) => {
                    calls += 1;
                    effects.push(Effect::Send { flight: *id, destination: destination.clone(), call: Box::new(call) });
                }
                None => gone.push(*id),
            }
        }
        run.calls += calls;
        run.flights.retain(|id, _| !gone.contains(id));
    }

    fn probe_ended(&self, destination: &str, event: Event) -> Result<()> {
        let (health, _) = health_of(event);
        let mut run = self.run.borrow_mut();
        let Some(state) = run.destinations.get_mut(destination) else { return Ok(()) };
        match health {
            Health::Well => state.probe_passed(),
            // Nothing changed, so nothing is written.
            Health::Unwell(_) => return Ok(()),
            // The vendor's words may repeat what a visitor wrote, so they are not logged.
            Health::Broken(_) => {
                state.is_probe_broken = true;
                self.log_failure("probe", None, &format!("the probe of {destination} does not work"));
                return Ok(());
            }
        }
        Ok(self.store.save_destination(destination, state)?)
    }

    /// When something is due, milliseconds since 1970; `None` when nothing is. What is under way reports by itself.
    pub fn next_wake(&self) -> Result<Option<i64>> {
        let mut wakes = vec![self.upkeep_at()?];
        if self.is_overflow() {
            let has_any = !self.store.oldest(1)?.is_empty();
            let is_known = matches!(self.config.form(&self.form), Lookup::Found(_));
            wakes.push((has_any && is_known).then_some(self.run.borrow().forward_at));
            return Ok(wakes.into_iter().flatten().min());
        }
        let run = self.run.borrow();
        let ready = |flying: &Flying| match flying {
            Flying::Attempt { phase: Phase::Ready(at), .. } => Some(*at),
            _ => None,
        };
        wakes.extend(run.flights.values().map(ready));
        for (name, state) in &run.destinations {
            let Some(next_at) = self.store.next_at(name)? else { continue };
            wakes.push(match &state.pause {
                None => Some(next_at),
                Some(pause) if pause.ramp > 0 => Some(next_at.max(pause.until)),
                Some(_) => state.check_at(),
            });
        }
        Ok(wakes.into_iter().flatten().min())
    }
}
