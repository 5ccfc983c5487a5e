//! The driver: what happens to a delivery, event by event. No I/O.
//!
//! A [`Flight`] is one attempt. It begins (counted and leased before anything is made of the lead; see [`needs_lease`]),
//! asks its connector for the next call, and takes in how each call ended. What a call brought is stored together with the next
//! call, which leaves in the same turn, or when the attempt ends, in one transaction with the destination's state if that
//! changed. A crash between two events leaves a stored delivery that is due again by itself.
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

/// A retry that is taken up later than this, in milliseconds, may follow an attempt that was cut short.
const LATE_MS: i64 = 1_000;

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

/// Whether an attempt of this delivery is stored before it is made. A retry on time is not, which saves a row: if the process
/// dies in it, the next attempt is late, and stored.
pub fn needs_lease(delivery: &Delivery, now: i64) -> bool {
    delivery.attempts == 0 || delivery.cut_short > 0 || now - delivery.next_at > LATE_MS
}

/// One attempt of a delivery, under way.
#[derive(Debug)]
pub struct Flight {
    /// The delivery as it stands now.
    pub delivery: Delivery,
    /// As it is stored.
    pub stored: Delivery,
    /// The lead, once it is mapped.
    lead: Option<Rc<Lead>>,
    /// The call that is out, or about to leave, and when it left.
    call: Option<(Box<Call>, i64)>,
    /// The failure whose cause the probe that is out tells.
    suspect: Option<Failure>,
    steps: u32,
    /// Whether the attempt was stored before it was made.
    pub is_leased: bool,
    /// Until when nobody else takes the delivery up, should this process die.
    leased_until: i64,
    /// Until when the outcome of a create cannot be looked up.
    unknown_until: i64,
}

impl Flight {
    /// Begins an attempt, to be stored before it is made if it [`needs_lease`]: it is counted, and leased, so that a lead that
    /// kills its process waits like any other. The lease is not part of the index, where it would cost another row. Returns
    /// whether it begins; when every attempt is used up, the delivery is exhausted.
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
        delivery.not_before = context.now.saturating_add(pause);
        (delivery, true)
    }

    /// The flight of a delivery whose attempt has begun, and which is stored like this.
    pub fn new(delivery: Delivery, stored: Delivery) -> Self {
        let (is_leased, leased_until) = (delivery == stored, delivery.not_before);
        let (lead, call, suspect) = (None, None, None);
        Self { delivery, stored, lead, call, suspect, steps: 0, is_leased, leased_until, unknown_until: 0 }
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

    /// When the call that is out left.
    pub fn out_since(&self) -> Option<i64> {
        self.call.as_ref().map(|(_, sent_at)| *sent_at)
    }

    /// Whether the call is the probe.
    pub fn is_probing(&self) -> bool {
        self.suspect.is_some()
    }

    /// The call leaves now. Returns whether the delivery is stored before it is sent: a crash leaves a create visibly in doubt,
    /// and what earlier calls established is kept. Only the first call of an attempt without a lease brings nothing to store.
    pub fn leave(&mut self, context: &Context<'_>) -> bool {
        let Some((call, sent_at)) = self.call.as_mut() else { return false };
        *sent_at = context.now;
        let is_create = call.safety == Safety::Create;
        if is_create {
            self.delivery.progress.repeated = self.delivery.progress.in_doubt.as_deref() == Some(call.step);
            self.delivery.progress.in_doubt = Some(call.step.to_owned());
            self.unknown_until = context.now.saturating_add(context.timeout()).saturating_add(LOOKUP_DELAY_MS);
        }
        self.extend_lease(context);
        is_create || self.is_leased || self.delivery.timeline != self.stored.timeline
    }

    /// The attempt cannot go on now (the run is over, or the destination paused meanwhile). It does not count.
    pub fn interrupt(&mut self, now: i64) {
        self.delivery.attempts = self.delivery.attempts.saturating_sub(1);
        self.end();
        self.delivery.put_off(now);
    }

    /// Takes in how the call ended. Should an operator have quarantined the delivery meanwhile, what the call brought is kept,
    /// and nothing follows it.
    pub fn ended(&mut self, event: Event, context: &mut Context<'_>) -> Result<Next, StateError> {
        let is_quarantined = self.delivery.state == State::Quarantined;
        let next = self.take_in(event, context)?;
        if is_quarantined && self.delivery.state != State::Delivered {
            self.delivery.state = State::Quarantined;
            return Ok(self.end());
        }
        Ok(next)
    }

    fn take_in(&mut self, event: Event, context: &mut Context<'_>) -> Result<Next, StateError> {
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
            self.unknown_until = 0;
        }
        // A rejection counts only when it settles the create.
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
            _ if context.is_paused() && has_probe(context) => self.give_back(failure, context.now),
            _ => self.probe(failure, context),
        }
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
        let next = self.end();
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
        next
    }

    /// The failure is the destination's: the attempt does not count, and the delivery is due when the pause ends.
    fn give_back(&mut self, failure: Failure, next_at: i64) -> Next {
        self.delivery.failure = Some(failure);
        self.interrupt(next_at);
        Next::Done
    }

    /// The attempt is over, and so is its lease.
    fn end(&mut self) -> Next {
        (self.delivery.cut_short, self.delivery.not_before) = (0, self.unknown_until);
        Next::Done
    }

    fn extend_lease(&mut self, context: &Context<'_>) {
        let ends_at = context.now.saturating_add(context.timeout());
        if self.delivery.cut_short <= FREE_CUTS && self.leased_until < ends_at {
            self.leased_until = ends_at.saturating_add(LEASE_MS);
        }
        self.delivery.not_before = self.leased_until.max(self.unknown_until);
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

fn has_probe(context: &Context<'_>) -> bool {
    !context.state.is_probe_broken && context.destination.connector.probe().is_some()
}

/// What the end of a probe says about the account, and its status.
pub fn health_of(event: Event) -> (Health, Option<u16>) {
    match event {
        Event::Response(response) => (response.health(), Some(response.status)),
        Event::NoResponse(detail) => (Health::Unwell(Failure::new(FailureKind::NoResponse, detail)), None),
        Event::NotSent(detail) => (Health::Unwell(Failure::new(FailureKind::Config, detail)), None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connectors::testing::{destination, lead};
    use crate::delivery::Pause;

    const NOW: i64 = 1_000_000;

    /// How a call ended, in a few words.
    #[derive(Debug, Clone, Copy)]
    enum Said {
        /// A status and the API's own JSON.
        Own(u16, &'static str),
        /// A status and a page.
        Html(u16),
        Silence,
        NotSent,
    }

    fn event(destination: &Destination, said: Said) -> Event {
        let response = |status, body: &str| {
            let headers = vec![("retry-after".to_owned(), "7".to_owned())].into_iter().filter(|_| status == 429);
            let response = Response::new(destination.descriptor.format(), status, headers.collect(), body, NOW);
            Event::Response(Box::new(response))
        };
        match said {
            Said::Own(status, body) => response(status, body),
            Said::Html(status) => response(status, "<h1>Hello</h1>"),
            Said::Silence => Event::NoResponse("timeout".into()),
            Said::NotSent => Event::NotSent("the secret is not set".into()),
        }
    }

    /// One attempt whose calls end so; what is left is asked for and not answered.
    fn attempt(destination: &Destination, state: &mut DestinationState, delivery: Delivery, said: &[Said]) -> Delivery {
        let mut context = Context { destination, state, now: NOW, jitter: 0.5 };
        let (delivery, begins) = Flight::begin(delivery, &context);
        assert!(begins);
        let mut flight = Flight::new(delivery.clone(), delivery);
        let mut next = flight.start(lead(&[("name", "Ada"), ("email", "a@example.com")]), &mut context).unwrap();
        for said in said {
            assert!(matches!(next, Next::Send(_)), "{said:?}: {:?}", flight.delivery);
            flight.leave(&context);
            next = flight.ended(event(destination, *said), &mut context).unwrap();
        }
        flight.delivery
    }

    fn salesmap() -> Destination {
        destination("crm", json!({ "type": "salesmap", "timeout": "20s", "retry": ["10s", "60s"] })).unwrap()
    }

    const PERSON: Said = Said::Own(201, r#"{"success":true,"data":{"people":{"id":"p1"}}}"#);
    const LEAD: Said = Said::Own(201, r#"{"success":true,"data":{"lead":{"id":"l1"}}}"#);
    const REJECTED: Said = Said::Own(400, r#"{"success":false,"reason":"no"}"#);
    const WELL: Said = Said::Own(200, r#"{"success":true,"data":{}}"#);

    #[test]
    fn each_end_of_a_create_and_where_it_leads() {
        use Said::{Html, NotSent, Own, Silence};
        // the lead's create ends so -> state, attempts, due in ms, in doubt
        for (said, state, attempts, due, in_doubt) in [
            (LEAD, State::Delivered, 1, None, false),
            (REJECTED, State::Rejected, 1, None, false),
            (Own(429, r#"{"success":false,"reason":"slow down"}"#), State::Pending, 0, Some(7_350), false),
            (NotSent, State::Pending, 0, Some(0), false),
            // Nothing but the API's own word settles it: it waits for its deadline and the vendor's search.
            (Html(200), State::Pending, 1, Some(50_000), true),
            (Html(302), State::Pending, 1, Some(50_000), true),
            (Html(404), State::Pending, 1, Some(50_000), true),
            (Html(429), State::Pending, 0, Some(50_000), true),
            (Own(500, r#"{"success":false,"reason":"no"}"#), State::Pending, 1, Some(50_000), true),
            (Silence, State::Pending, 1, Some(50_000), true),
        ] {
            let mut state_of = DestinationState::default();
            let delivery = attempt(&salesmap(), &mut state_of, Delivery::new("s", "crm", NOW), &[PERSON, said]);
            let found = (delivery.state, delivery.attempts, delivery.progress.in_doubt.is_some());
            assert_eq!(found, (state, attempts, in_doubt), "{said:?} {delivery:?}");
            if let Some(due) = due {
                assert_eq!(delivery.next_at - NOW, due, "{said:?}");
            }
        }
    }

    #[test]
    fn the_probe_decides_whose_failure_a_403_is() {
        use Said::{Html, Own, Silence};
        let forbidden = Html(403);
        // the probe ends so -> kind, attempts, paused
        for (probe, kind, attempts, is_paused) in [
            (WELL, FailureKind::Forbidden, 1, false),
            (Own(401, r#"{"success":false,"reason":"bad token"}"#), FailureKind::Credentials, 0, true),
            (Html(503), FailureKind::Credentials, 0, true),
            (Silence, FailureKind::Credentials, 0, true),
            // A broken probe: without one, the destination pauses, and the attempt counts.
            (Html(200), FailureKind::Credentials, 1, true),
        ] {
            let mut state = DestinationState::default();
            let delivery = attempt(&salesmap(), &mut state, Delivery::new("s", "crm", NOW), &[forbidden, probe]);
            let failure = delivery.failure.as_ref().map(|failure| failure.kind);
            let found = (failure, delivery.attempts, state.pause.is_some());
            assert_eq!(found, (Some(kind), attempts, is_paused), "{probe:?} {delivery:?}");
        }
        // Three submissions whose writes are forbidden while the probe passes: they wait an hour, without attempts.
        let mut state = DestinationState::default();
        for id in ["a", "b", "c"] {
            let delivery = attempt(&salesmap(), &mut state, Delivery::new(id, "crm", NOW), &[forbidden, WELL]);
            if id == "c" {
                assert_eq!((delivery.attempts, delivery.next_at - NOW), (0, FORBIDDEN_MS));
            }
        }
    }

    #[test]
    fn several_failures_in_a_row_are_an_outage_when_the_probe_fails() {
        let (destination, mut state) = (salesmap(), DestinationState::default());
        let mut new = |id: &str, said: &[Said]| attempt(&destination, &mut state, Delivery::new(id, "crm", NOW), said);
        for id in ["a", "b"] {
            assert_eq!(new(id, &[Said::Silence]).attempts, 1, "one failure proves nothing");
        }
        assert_eq!(new("c", &[Said::Silence, Said::Silence]).attempts, 0);
        // A trial during the pause costs nothing either, and needs no probe.
        assert_eq!(new("d", &[Said::Silence]).attempts, 0);
        let pause: Option<Pause> = state.pause;
        assert_eq!(pause.map(|pause| (pause.failure.kind, pause.ramp)), Some((FailureKind::NoResponse, 0)));
    }

    #[test]
    fn without_a_probe_recent_deliveries_tell() {
        let hook = destination("hook", json!({ "type": "webhook", "url": "https://example.org/" })).unwrap();
        for (delivered_at, is_paused, kind) in
            [(0, true, FailureKind::Credentials), (NOW - 1_000, false, FailureKind::Forbidden)]
        {
            let mut state = DestinationState { delivered_at, ..DestinationState::default() };
            let delivery = attempt(&hook, &mut state, Delivery::new("s", "hook", NOW), &[Said::Html(403)]);
            let failure = delivery.failure.map(|failure| failure.kind);
            assert_eq!((state.pause.is_some(), failure, delivery.attempts), (is_paused, Some(kind), 1));
        }
    }

    #[test]
    fn a_create_without_a_look_up_is_repeated_once() {
        let hubspot = destination("hub", json!({ "type": "hubspot" })).unwrap();
        let contact = r#"{"id":"51","properties":{"email":"a@example.com","firstname":"Ada","lastname":"King"}}"#;
        let mut delivery = Delivery::new("s", "hub", NOW);
        let calls: [&[Said]; 3] = [&[Said::Own(200, contact), Said::Silence], &[Said::Silence], &[]];
        let states = calls.map(|said| {
            delivery = attempt(&hubspot, &mut DestinationState::default(), delivery.clone(), said);
            (delivery.state, delivery.failure.as_ref().map(|failure| failure.kind))
        });
        let silent = Some(FailureKind::NoResponse);
        let given_up = (State::Exhausted, Some(FailureKind::Unknown));
        assert_eq!(states, [(State::Pending, silent), (State::Pending, silent), given_up]);
        // A person decides that it may repeat.
        assert!(delivery.release(NOW));
        delivery = attempt(
            &hubspot,
            &mut DestinationState::default(),
            delivery,
            &[Said::Own(201, r#"{"id":"n1","properties":{}}"#)],
        );
        assert_eq!(delivery.state, State::Delivered);
    }

    #[test]
    fn only_a_retry_on_time_needs_no_lease() {
        for (attempts, cut_short, late_by, expected) in
            [(1, 0, 0, false), (1, 0, LATE_MS, false), (1, 0, LATE_MS + 1, true), (1, 1, 0, true), (0, 0, 0, true)]
        {
            let delivery = Delivery { attempts, cut_short, ..Delivery::new("s", "crm", NOW - late_by) };
            assert_eq!(needs_lease(&delivery, NOW), expected, "{attempts} {cut_short} {late_by}");
        }
    }

    #[test]
    fn attempts_that_are_cut_short_are_free_three_times_then_wait_by_the_schedule_and_end() {
        let (destination, mut state) = (salesmap(), DestinationState::default());
        let mut delivery = Delivery::new("s", "crm", NOW);
        let mut found = Vec::new();
        loop {
            let context = Context { destination: &destination, state: &mut state, now: NOW, jitter: 0.5 };
            let (next, begins) = Flight::begin(delivery, &context);
            delivery = next;
            if !begins {
                break;
            }
            found.push((delivery.attempts, (delivery.not_before - NOW) / 1_000));
        }
        // Timeout and lease; from the fourth on, the schedule's pauses where they are longer.
        assert_eq!(found, [(1, 25), (1, 25), (1, 25), (1, 25), (2, 60), (3, 25)]);
        assert_eq!(
            (delivery.state, delivery.failure.map(|failure| failure.kind)),
            (State::Exhausted, Some(FailureKind::NoResponse))
        );
    }
}
