//! One alarm's work: every due Delivery is tried, several at a time, one call at a time each.
//!
//! Slots are shared among the destinations ([`pacing`]), and new work is picked up while slow calls are still out. The run
//! ends when nothing is due, or at its budget; the alarm goes on.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use worker::{Delay, Error, Result};

use crate::config::Destination;
use crate::crm::{self, Answer, Call, Step, Trouble, Verdict, Why};
use crate::delivery::{self, Delivery, Outcome, pacing, schedule};
use crate::edge::http::{self, Failure};
use crate::edge::store::{Store, rows::Attempt};
use crate::edge::{clock, log};
use crate::lead;

use super::agenda::Agenda;
use super::watchdog::Watchdog;

/// The free plan allows 50 subrequests in one invocation, so a run ends before that, in the middle of a try if need be;
/// the rest is left to the next alarm.
const CALLS_PER_RUN: u32 = 45;

/// An alarm is killed after 15 minutes. No call starts after this long, and a call takes a minute at most.
const RUN_MS: i64 = 10 * 60 * 1000;

/// How often the run looks for new work while calls are out.
const TICK: Duration = Duration::from_millis(200);

/// More steps than any CRM needs in one try; a CRM that never ends is a bug, and costs one try.
const STEPS_PER_TRY: usize = 12;

/// How long a row is left alone after it failed inside the Outbox itself.
const POISONED_MS: i64 = 10 * 60 * 1000;

/// A delivery that is being tried: submission, destination.
type Key = (String, String);

/// What a run works with.
struct Run<'a> {
    agenda: Agenda<'a>,
    store: &'a Store,
    started: i64,
    calls: Cell<u32>,
}

/// Tries everything that is due.
pub async fn run(agenda: Agenda<'_>, watchdog: &Watchdog) -> Result<()> {
    let run = Run { agenda, store: agenda.store, started: clock::now(), calls: Cell::new(0) };
    let mut busy: BTreeSet<Key> = BTreeSet::new();
    let mut tries = FuturesUnordered::new();
    loop {
        for key in run.pick(&busy)? {
            busy.insert(key.clone());
            tries.push(run.try_one(key));
        }
        if tries.is_empty() {
            return Ok(());
        }
        if let Some(Some((key, outcome))) = next_or_tick(tries.next()).await {
            busy.remove(&key);
            if let Err(error) = outcome {
                // A row that cannot be read or written must not hold up the others: it comes last from here on.
                log::failure("delivery", &error);
                run.store.put_off(&key.0, &key.1, clock::now() + POISONED_MS)?;
            }
        }
        watchdog.pet();
    }
}

/// Waits for the next result, but not longer than a tick.
async fn next_or_tick<T>(next: impl Future<Output = T>) -> Option<T> {
    match select(pin!(next), pin!(Delay::from(TICK))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

impl Run<'_> {
    /// Whether no further call may leave in this run.
    fn is_over(&self) -> bool {
        self.calls.get() >= CALLS_PER_RUN || clock::now() - self.started >= RUN_MS
    }

    /// The due deliveries that get a free slot.
    fn pick(&self, busy: &BTreeSet<Key>) -> Result<Vec<Key>> {
        let mut picked = Vec::new();
        if self.is_over() {
            return Ok(picked);
        }
        let now = clock::now();
        let (lanes, sharing) = self.agenda.open_lanes()?;
        let under_way = |destination: &str| busy.iter().filter(|(_, to)| to == destination).count();
        for (lane, starts) in pacing::starts(&lanes, sharing, under_way, now) {
            // Those under way are put off already, unless they take longer than their pause: look past them.
            let due = self.store.due(&lane.destination, now, starts + under_way(&lane.destination))?;
            let keys = due.into_iter().map(|due| (due.submission_id, lane.destination.clone()));
            picked.extend(keys.filter(|key| !busy.contains(key)).take(starts));
        }
        Ok(picked)
    }

    async fn try_one(&self, key: Key) -> (Key, Result<()>) {
        let outcome = self.deliver(&key.0, &key.1).await;
        (key, outcome)
    }

    /// One try of one delivery: steps, until the CRM has the record or something stands in the way.
    async fn deliver(&self, submission_id: &str, destination: &str) -> Result<()> {
        let missing = |what: &str| Error::RustError(format!("{what} of {submission_id} is gone"));
        let mut delivery = self.store.delivery(submission_id, destination)?.ok_or_else(|| missing("delivery"))?;
        let submission = self.store.submission(submission_id)?.ok_or_else(|| missing("submission"))?;
        let config = self.agenda.config;
        let form = config.forms.get(&submission.form).ok_or_else(|| missing("the form"))?;
        let destination = config.destination(destination).ok_or_else(|| missing("the destination"))?;
        let lead = lead::from_submission(&submission, form);
        let crm = crm::of(destination);

        // Counted and put off before it is made: a try that brings down the object is still a try.
        let pauses = destination.retry.as_deref().unwrap_or(schedule::SCHEDULE);
        let has_try = delivery::start(&mut delivery, pauses, clock::now(), clock::jitter());
        self.store.save(&delivery)?;
        if !has_try {
            return Ok(());
        }
        for _ in 0..STEPS_PER_TRY {
            delivery.progress.learned = self.store.learned(&destination.name)?;
            match crm.next(&lead, &delivery.progress) {
                Step::Delivered(record) => {
                    delivery::deliver(&mut delivery, record);
                    return self.store.save(&delivery);
                }
                Step::Refused(trouble) => {
                    delivery::refuse(&mut delivery, trouble);
                    return self.store.save(&delivery);
                }
                Step::Call(_) if self.is_over() => {
                    delivery::interrupt(&mut delivery, clock::now());
                    return self.store.save(&delivery);
                }
                Step::Call(call) => {
                    if !self.step(&mut delivery, destination, crm.as_ref(), &call).await? {
                        return Ok(());
                    }
                }
            }
        }
        let trouble = Trouble::new(Why::Unexpected, "the steps of this CRM do not come to an end");
        delivery::postpone(&mut delivery, trouble, pauses, clock::now(), clock::jitter());
        self.store.save(&delivery)
    }

    /// Sends one call and stores what came of it; returns whether the try goes on.
    async fn step(
        &self,
        delivery: &mut Delivery,
        destination: &Destination,
        crm: &dyn crm::Crm,
        call: &Call,
    ) -> Result<bool> {
        if delivery::intend(delivery, call) {
            self.store.save(delivery)?;
        }
        self.calls.set(self.calls.get() + 1);
        let sent_at = clock::now();
        let answer = http::send(self.agenda.env, self.agenda.config, destination, call).await;
        let now = clock::now();
        let (outcome, told) = understood(crm, call, answer);
        let lessons = match &outcome {
            Outcome::Answered(Verdict::GoOn(lessons)) => lessons.clone(),
            _ => Vec::new(),
        };
        let is_for_all = delivery::is_for_all(&outcome);
        let pauses = destination.retry.as_deref().unwrap_or(schedule::SCHEDULE);
        let goes_on = delivery::advance(delivery, call, outcome, pauses, now, clock::jitter());
        // No await from here to the end: what the answer said is stored whole or not at all.
        let attempt = Attempt {
            at: sent_at,
            millis: now - sent_at,
            step: call.step.to_owned(),
            status: told.status,
            verdict: told.verdict.to_owned(),
            detail: told.detail,
        };
        self.store.learn(&destination.name, &lessons)?;
        self.store.save(delivery)?;
        self.store.add_attempt(delivery, &attempt)?;
        if is_for_all {
            self.store.pause(&destination.name, delivery.next_at)?;
        } else {
            self.store.resume(&destination.name, now)?;
        }
        log::attempt(delivery, call.step, attempt.status, &attempt.verdict, attempt.millis);
        Ok(goes_on)
    }
}

/// What the timeline says of a call.
struct Told {
    status: Option<u16>,
    verdict: &'static str,
    detail: String,
}

fn understood(crm: &dyn crm::Crm, call: &Call, answer: std::result::Result<Answer, Failure>) -> (Outcome, Told) {
    match answer {
        Ok(answer) => {
            let verdict = crm.read(call, &answer);
            let (name, detail) = match &verdict {
                Verdict::GoOn(lessons) => ("go_on", crm::told(lessons)),
                Verdict::Delivered(record) => ("delivered", record.note.clone().unwrap_or_default()),
                Verdict::TryLater(trouble) => ("try_later", trouble.detail.clone()),
                Verdict::Refused(trouble) => ("refused", trouble.detail.clone()),
                Verdict::InDoubt(trouble) => ("in_doubt", trouble.detail.clone()),
            };
            (Outcome::Answered(verdict), Told { status: Some(answer.status), verdict: name, detail })
        }
        Err(Failure::NotSent(detail)) => {
            let outcome = Outcome::NotSent(Trouble::new(Why::Config, &detail));
            (outcome, Told { status: None, verdict: "not_sent", detail })
        }
        Err(Failure::NoAnswer(detail)) => {
            let outcome = Outcome::NoAnswer(Trouble::new(Why::NoAnswer, &detail));
            (outcome, Told { status: None, verdict: "no_answer", detail })
        }
    }
}
