//! One alarm's work: every due Delivery is tried, several at a time, one call at a time each.
//!
//! Slots are shared among the destinations, so that one whose CRM hangs leaves room for the others, and new work is
//! picked up while slow calls are still out. The run ends when nothing is due, or at its budget; the alarm goes on.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use worker::{Delay, Env, Error, Result};

use crate::config::{Config, Destination};
use crate::crm::{self, Answer, Call, Step, Trouble, Verdict, Why};
use crate::delivery::{self, Delivery, Outcome, schedule};
use crate::edge::http::{self, Failure};
use crate::edge::store::{Store, rows::Attempt};
use crate::edge::{clock, log};
use crate::lead;

use super::watchdog::Watchdog;

/// Cloudflare opens six connections at a time for one object; a seventh would wait unseen.
const SLOTS: usize = 6;

/// The free plan allows 50 subrequests in one invocation; the rest is left to the next alarm.
const CALLS_PER_RUN: u32 = 40;

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
    env: &'a Env,
    config: &'a Config,
    store: &'a Store,
    calls: Cell<u32>,
}

/// Tries everything that is due.
pub async fn run(env: &Env, config: &Config, store: &Store, watchdog: &Watchdog) -> Result<()> {
    let run = Run { env, config, store, calls: Cell::new(0) };
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
                store.put_off(&key.0, &key.1, clock::now() + POISONED_MS)?;
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
    /// The due deliveries that get a free slot: each destination has its share, so that none can hold them all.
    fn pick(&self, busy: &BTreeSet<Key>) -> Result<Vec<Key>> {
        let mut picked = Vec::new();
        if self.calls.get() >= CALLS_PER_RUN {
            return Ok(picked);
        }
        let now = clock::now();
        let destinations = self.store.destinations()?;
        let share = (SLOTS / destinations.len().max(1)).max(1);
        for destination in destinations {
            let mut taken = busy.iter().filter(|(_, to)| *to == destination).count();
            for due in self.store.due(&destination, now, share + taken)? {
                let key = (due.submission_id, destination.clone());
                if taken < share && busy.len() + picked.len() < SLOTS && !busy.contains(&key) {
                    taken += 1;
                    picked.push(key);
                }
            }
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
        let (Some(form), Some(destination)) =
            (self.config.forms.get(&submission.form), self.config.destinations.get(destination))
        else {
            return self.wait_for_config(&mut delivery, &submission.form);
        };
        let lead = lead::from_submission(&submission, form);
        let crm = crm::of(destination);

        // Counted and stored before it is made: a try that brings down the object is still a try.
        delivery::start(&mut delivery);
        self.store.save(&delivery)?;
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
                Step::Call(call) => {
                    if !self.step(&mut delivery, destination, crm.as_ref(), &call).await? {
                        return Ok(());
                    }
                }
            }
        }
        let trouble = Trouble::new(Why::Unexpected, "the steps of this CRM do not come to an end");
        delivery::refuse(&mut delivery, trouble);
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
        let answer = http::send(self.env, self.config, destination, call).await;
        let now = clock::now();
        let (outcome, told) = understood(crm, call, answer);
        let lessons = match &outcome {
            Outcome::Answered(Verdict::GoOn(lessons)) => lessons.clone(),
            _ => Vec::new(),
        };
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
        log::attempt(delivery, call.step, attempt.status, &attempt.verdict, attempt.millis);
        Ok(goes_on)
    }

    /// The form or the destination is not in the config (any more): the delivery waits, visibly.
    fn wait_for_config(&self, delivery: &mut Delivery, form: &str) -> Result<()> {
        let missing = if self.config.forms.contains_key(form) {
            format!("the destination {} is not configured", delivery.destination)
        } else {
            format!("the form {form} is not configured")
        };
        delivery::start(delivery);
        let trouble = Trouble::new(Why::Config, missing).wait(Some(WAIT_FOR_CONFIG_MS));
        delivery::postpone(delivery, trouble, schedule::SCHEDULE, clock::now(), clock::jitter());
        self.store.save(delivery)
    }
}

/// A deleted destination comes back with a deploy; this often a waiting delivery looks for it.
const WAIT_FOR_CONFIG_MS: u64 = 10 * 60 * 1000;

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
                Verdict::GoOn(_) => ("go_on", String::new()),
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
