//! The driver: what happens to a delivery, event by event. No I/O.
//!
//! A [`Flight`] is one attempt. It begins (counted, and put off as if it had failed, before anything is made of the lead),
//! asks its connector for the next call, and takes in how each call ended. The caller stores the delivery and the
//! destination's state after every event in one transaction, then sends what [`Next`] says. A crash between two events
//! leaves a stored delivery that is due again by itself.
//!
//! Whether an account is well is never concluded from a request whose content a stranger wrote: a 401 or 403, or several
//! failures in a row, send the connector's probe, and its response decides whose failure it was.

use std::rc::Rc;

use crate::connectors::{Call, Destination, Failure, FailureKind, Health, Outcome, Response, Safety, StateError, Step};
use crate::domain::Lead;

use super::{Attempt, Delivery, DestinationState, State, schedule};

/// More steps than any connector needs in one attempt; a connector that never ends is a defect, and costs one attempt.
const MOST_STEPS: u32 = 12;

/// An attempt that is cut short (its process died) is taken up again this long after its call would have timed out.
const LEASE_MS: i64 = 5_000;

/// From this many attempts cut short in a row on, each counts and waits by the schedule: the lead may be what kills the
/// process.
const FREE_CUTS: u32 = 3;

/// How long after a create with an unknown outcome it is looked up: vendors' searches lag.
const LOOKUP_DELAY_MS: i64 = 30_000;

/// How long deliveries wait whose destination rejects every write, in milliseconds. It uses up no attempt.
const FORBIDDEN_MS: i64 = 60 * 60 * 1000;

/// What happened to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A complete response came.
    Response(Box<Response>),
    /// No complete response came: refused connection, reset, timeout.
    NoResponse(String),
    /// The call never left: a secret is missing or malformed.
    NotSent(String),
}

/// What the caller does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Send this, when the destination's pace allows it; call [`Flight::leave`] first.
    Send(Box<Call>),
    /// Nothing: the attempt is over.
    Done,
}

/// Where an event happens: the destination's settings, its state, the time, and a random number in `0.0..1.0`.
#[derive(Debug)]
pub struct Context<'a> {
    /// The destination.
    pub destination: &'a Destination,
    /// What the Outbox knows of it; stored with the delivery.
    pub state: &'a mut DestinationState,
    /// Now, milliseconds since 1970.
    pub now: i64,
    /// A random number.
    pub jitter: f64,
}

impl Context<'_> {
    fn schedule(&self) -> &[u64] {
        self.destination.retry.as_deref().unwrap_or(schedule::SCHEDULE)
    }

    fn timeout(&self) -> i64 {
        i64::try_from(self.destination.timeout_ms).unwrap_or(i64::MAX)
    }

    fn is_paused(&self) -> bool {
        self.state.pause.as_ref().is_some_and(|pause| pause.ramp == 0)
    }
}

/// One attempt of a delivery, under way.
#[derive(Debug)]
pub struct Flight {
    /// The delivery, to be stored after every event.
    pub delivery: Delivery,
    /// The lead, once it is mapped.
    lead: Option<Rc<Lead>>,
    /// The call that is out, or about to leave, and when it left.
    call: Option<(Box<Call>, i64)>,
    /// The failure whose cause the probe that is out tells.
    suspect: Option<Failure>,
    steps: u32,
}

impl Flight {
    /// An attempt begins. It is counted and put off before it is made: a lead that kills its process waits like any other.
    /// `None` when every attempt is used up; the delivery is then exhausted.
    pub fn begin(mut delivery: Delivery, context: &Context<'_>) -> (Delivery, bool) {
        let schedule = context.schedule();
        let counts = delivery.cut_short == 0 || delivery.cut_short > FREE_CUTS;
        if counts && usize::try_from(delivery.attempts).unwrap_or(usize::MAX) > schedule.len() {
            delivery.state = State::Exhausted;
            let cut_short = || Failure::new(FailureKind::NoResponse, "the last attempt was cut short");
            delivery.failure.get_or_insert_with(cut_short);
            return (delivery, false);
        }
        delivery.attempts += u32::from(counts);
        delivery.cut_short += 1;
        let lease = context.timeout().saturating_add(LEASE_MS);
        let pause = if delivery.cut_short > FREE_CUTS {
            schedule::pause(schedule, delivery.attempts, None, context.jitter).unwrap_or(lease).max(lease)
        } else {
            lease
        };
        delivery.put_off(context.now.saturating_add(pause));
        (delivery, true)
    }

    /// The flight of a delivery whose attempt has begun and is stored.
    pub fn new(delivery: Delivery) -> Self {
        Self { delivery, lead: None, call: None, suspect: None, steps: 0 }
    }

    /// Asks the connector what to send first.
    pub fn start(&mut self, lead: Lead, context: &mut Context<'_>) -> Result<Next, StateError> {
        self.lead = Some(Rc::new(lead));
        self.step(context)
    }

    /// The step of the call that is out, or about to leave.
    pub fn call(&self) -> Option<&Call> {
        self.call.as_ref().map(|(call, _)| &**call)
    }

    /// Whether the call is the probe.
    pub fn is_probing(&self) -> bool {
        self.suspect.is_some()
    }

    /// The call leaves now. Stored before it is sent, so that a crash leaves a create visibly in doubt.
    pub fn leave(&mut self, context: &Context<'_>) {
        let Some((call, sent_at)) = self.call.as_mut() else { return };
        *sent_at = context.now;
        if call.safety == Safety::Create {
            self.delivery.progress.repeated = self.delivery.progress.in_doubt.as_deref() == Some(call.step);
            self.delivery.progress.in_doubt = Some(call.step.to_owned());
            self.delivery.not_before = context.now.saturating_add(context.timeout()).saturating_add(LOOKUP_DELAY_MS);
        }
        self.extend_lease(context);
    }

    /// The attempt cannot go on now (the run is over, or the destination paused meanwhile). It does not count.
    pub fn interrupt(&mut self, now: i64) {
        self.delivery.attempts = self.delivery.attempts.saturating_sub(1);
        self.delivery.cut_short = 0;
        self.delivery.put_off(now);
    }

    /// Takes in how the call ended.
    pub fn ended(&mut self, event: Event, context: &mut Context<'_>) -> Result<Next, StateError> {
        let Some((call, sent_at)) = self.call.take() else { return Ok(Next::Done) };
        if let Some(failure) = self.suspect.take() {
            return Ok(self.probed(&call, failure, event, sent_at, context));
        }
        let (outcome, settles, status) = match event {
            Event::Response(response) => {
                let connector = Rc::clone(&context.destination.connector);
                let outcome =
                    connector.read(&call, &response, &mut self.delivery.progress, &mut context.state.account)?;
                let settles = response.settles(&call, &outcome);
                (outcome, settles, Some(response.status))
            }
            Event::NoResponse(detail) => {
                let settles = call.safety != Safety::Create;
                (Outcome::Retry(Failure::new(FailureKind::NoResponse, detail)), settles, None)
            }
            Event::NotSent(detail) => (Outcome::Retry(Failure::new(FailureKind::Config, detail)), true, None),
        };
        if settles && self.delivery.progress.in_doubt.as_deref() == Some(call.step) {
            self.delivery.progress.in_doubt = None;
            self.delivery.progress.repeated = false;
        }
        if self.delivery.progress.in_doubt.is_none() {
            self.delivery.not_before = 0;
        }
        // A rejection that does not settle a create is no rejection.
        let outcome = match outcome {
            Outcome::Rejected(failure) if !settles => Outcome::Retry(failure),
            outcome => outcome,
        };
        self.record(&call, sent_at, status, &outcome, settles, context.now);
        Ok(match outcome {
            Outcome::Continue(_) => {
                self.extend_lease(context);
                self.step(context)?
            }
            Outcome::Delivered(record) => {
                context.state.delivered(context.now);
                self.deliver(record)
            }
            Outcome::Rejected(failure) => {
                context.state.failures = 0;
                self.reject(failure)
            }
            Outcome::Retry(failure) => self.failed(failure, context),
        })
    }

    /// The connector's next step.
    fn step(&mut self, context: &mut Context<'_>) -> Result<Next, StateError> {
        let Some(lead) = self.lead.clone() else { return Ok(Next::Done) };
        self.steps += 1;
        if self.steps > MOST_STEPS {
            let failure = Failure::new(FailureKind::Unexpected, "the connector's steps do not end");
            return Ok(self.postpone(failure, context));
        }
        let progress = &self.delivery.progress;
        Ok(match context.destination.connector.next(&lead, progress, &context.state.account)? {
            Step::Delivered(record) => self.deliver(record),
            Step::Rejected(failure) => self.reject(failure),
            Step::Call(call) => {
                let is_repeat = call.safety == Safety::Create && progress.in_doubt.as_deref() == Some(call.step);
                if is_repeat && progress.repeated {
                    return Ok(self.give_up(call.step));
                }
                self.call = Some((call.clone(), context.now));
                Next::Send(call)
            }
        })
    }

    /// No look-up tells whether a create happened, and it was repeated once already: a person decides.
    fn give_up(&mut self, step: &str) -> Next {
        let detail = format!("the outcome of the step {step} is unknown; sending it again may repeat it");
        self.delivery.state = State::Exhausted;
        self.delivery.failure = Some(Failure::new(FailureKind::Unknown, detail));
        self.end()
    }

    /// A call failed; whose failure it is decides what happens.
    fn failed(&mut self, failure: Failure, context: &mut Context<'_>) -> Next {
        match failure.kind {
            FailureKind::RateLimited => {
                let until = context.state.pause_for_limit(failure.clone(), context.now, context.jitter);
                self.give_back(failure, until)
            }
            FailureKind::Config => {
                context.state.pause_for_config(failure.clone(), context.now);
                self.give_back(failure, context.now)
            }
            kind if !context.state.is_suspicious(kind) => self.postpone(failure, context),
            // It is known to be the destination's.
            _ if context.is_paused() && self.has_probe(context) => self.give_back(failure, context.now),
            _ => self.probe(failure, context),
        }
    }

    fn has_probe(&self, context: &Context<'_>) -> bool {
        !context.state.is_probe_broken && context.destination.connector.probe().is_some()
    }

    /// Sends the probe, if the connector has one that works.
    fn probe(&mut self, failure: Failure, context: &mut Context<'_>) -> Next {
        let probe = context.destination.connector.probe().filter(|_| !context.state.is_probe_broken);
        let Some(probe) = probe else { return self.without_probe(failure, context) };
        let probe = Box::new(probe);
        self.suspect = Some(failure);
        self.call = Some((probe.clone(), context.now));
        self.extend_lease(context);
        Next::Send(probe)
    }

    /// The probe's response tells whose failure it was.
    fn probed(&mut self, call: &Call, failure: Failure, event: Event, sent_at: i64, context: &mut Context<'_>) -> Next {
        let (health, status) = health_of(event);
        let (name, detail) = match &health {
            Health::Well => ("well", String::new()),
            Health::Unwell(found) => ("unwell", found.detail.clone()),
            Health::Broken(detail) => ("broken", detail.clone()),
        };
        self.delivery.record_attempt(Attempt {
            at: sent_at,
            ms: context.now - sent_at,
            step: call.step.to_owned(),
            status,
            outcome: name.to_owned(),
            detail,
        });
        match health {
            Health::Well => {
                context.state.probe_passed();
                self.forbidden(failure, context)
            }
            Health::Unwell(found) if found.kind == FailureKind::RateLimited => {
                let until = context.state.pause_for_limit(found, context.now, context.jitter);
                self.give_back(failure, until)
            }
            Health::Unwell(_) => {
                context.state.pause(failure.clone(), context.now);
                self.give_back(failure, context.now)
            }
            Health::Broken(_) => {
                context.state.is_probe_broken = true;
                self.without_probe(failure, context)
            }
        }
    }

    /// Without a probe, leads that got through recently tell that the failure is this lead's.
    fn without_probe(&mut self, failure: Failure, context: &mut Context<'_>) -> Next {
        if context.state.got_through_recently(context.now) {
            return self.forbidden(failure, context);
        }
        context.state.pause(failure.clone(), context.now);
        self.postpone(failure, context)
    }

    /// The failure is this lead's own: it alone waits.
    fn forbidden(&mut self, failure: Failure, context: &mut Context<'_>) -> Next {
        if failure.kind != FailureKind::Credentials {
            return self.postpone(failure, context);
        }
        let failure = Failure { kind: FailureKind::Forbidden, ..failure };
        let is_retry = self.delivery.failure.as_ref().is_some_and(|last| last.kind == FailureKind::Forbidden);
        if context.state.forbid(&self.delivery.submission_id, is_retry) {
            return self.give_back(failure, context.now.saturating_add(FORBIDDEN_MS));
        }
        self.postpone(failure, context)
    }

    fn deliver(&mut self, record: crate::connectors::RecordRef) -> Next {
        (self.delivery.state, self.delivery.record, self.delivery.failure) = (State::Delivered, Some(record), None);
        self.end()
    }

    fn reject(&mut self, failure: Failure) -> Next {
        (self.delivery.state, self.delivery.failure) = (State::Rejected, Some(failure));
        self.end()
    }

    /// It is tried again by its schedule, or exhausted.
    fn postpone(&mut self, failure: Failure, context: &Context<'_>) -> Next {
        let attempts = self.delivery.attempts;
        match schedule::pause(context.schedule(), attempts, failure.wait_ms, context.jitter) {
            Some(pause) => self.delivery.put_off(context.now.saturating_add(pause)),
            // The last create may still have happened: it is looked up once more before a person is asked.
            None if self.delivery.progress.in_doubt.is_some() && self.delivery.not_before > context.now => {
                self.delivery.put_off(context.now);
                self.delivery.attempts = self.delivery.attempts.saturating_sub(1);
            }
            None => self.delivery.state = State::Exhausted,
        }
        self.delivery.failure = Some(failure);
        self.end()
    }

    /// The failure is the destination's: the attempt does not count, and the delivery is due when the pause ends.
    fn give_back(&mut self, failure: Failure, next_at: i64) -> Next {
        self.delivery.failure = Some(failure);
        self.interrupt(next_at);
        Next::Done
    }

    fn end(&mut self) -> Next {
        self.delivery.cut_short = 0;
        Next::Done
    }

    fn extend_lease(&mut self, context: &Context<'_>) {
        if self.delivery.cut_short <= FREE_CUTS {
            self.delivery.put_off(context.now.saturating_add(context.timeout()).saturating_add(LEASE_MS));
        }
    }

    fn record(&mut self, call: &Call, sent_at: i64, status: Option<u16>, outcome: &Outcome, settles: bool, now: i64) {
        let (name, detail) = match outcome {
            Outcome::Continue(text) => (outcome.name(), text.clone()),
            Outcome::Delivered(record) => (outcome.name(), record.note.clone().unwrap_or_default()),
            Outcome::Retry(failure) if !settles => ("unknown", failure.detail.clone()),
            Outcome::Retry(Failure { kind: FailureKind::Config, detail, .. }) => ("not_sent", detail.clone()),
            Outcome::Retry(Failure { kind: FailureKind::NoResponse, detail, .. }) => ("no_response", detail.clone()),
            Outcome::Retry(failure) | Outcome::Rejected(failure) => (outcome.name(), failure.detail.clone()),
        };
        self.delivery.record_attempt(Attempt {
            at: sent_at,
            ms: now - sent_at,
            step: call.step.to_owned(),
            status,
            outcome: name.to_owned(),
            detail: detail.chars().take(Failure::DETAIL_CHARS).collect(),
        });
    }
}

/// What the end of a probe says about the account, and its status.
pub fn health_of(event: Event) -> (Health, Option<u16>) {
    match event {
        Event::Response(response) => (response.health(), Some(response.status)),
        Event::NoResponse(detail) => (Health::Unwell(Failure::new(FailureKind::NoResponse, detail)), None),
        Event::NotSent(detail) => (Health::Unwell(Failure::new(FailureKind::Config, detail)), None),
    }
}
