//! One try of one Delivery: the CRM's steps, until it has the record or something stands in the way.

use std::fmt::Display;

use worker::{Error, Result};

use crate::config::Destination;
use crate::crm::{self, Answer, Call, Step, Trouble, Verdict, Why};
use crate::delivery::parking::Parking;
use crate::delivery::{self, Delivery, Outcome, schedule};
use crate::edge::http::{self, Failure};
use crate::edge::store::rows::Attempt;
use crate::edge::{clock, log};
use crate::lead;

use super::client::Client;
use super::run::Runner;
use super::wire::{Accept, Accepted};

/// More steps than any CRM needs in one try; a CRM that never ends is a bug, and costs one try.
const STEPS_PER_TRY: usize = 12;

/// How soon an Outbox that has to be asked first, and did not answer, is asked again.
const ASK_AGAIN_MS: i64 = 30_000;

/// An Outbox that has been asked for this long and gave no answer is taken for lost, with whatever it had. Should it come
/// back after all, the lead is there twice; but one that nobody delivers would be worse.
const SILENT_MS: i64 = 10 * 60 * 1000;

impl Runner {
    /// One try.
    pub(super) async fn deliver(&self, submission_id: &str, destination: &str) -> Result<()> {
        let (store, config) = (&self.agenda.store, &self.agenda.config);
        let missing = |what: &str| Error::RustError(format!("the {what} of the delivery of {submission_id} is gone"));
        if !self.offer_back(submission_id, destination).await? {
            return Ok(());
        }
        // In an overflow, another delivery of the submission may just have learned that it is not ours.
        let Some(mut delivery) = store.delivery(submission_id, destination)? else { return Ok(()) };
        let submission = store.submission(submission_id)?.ok_or_else(|| missing("submission"))?;
        let form = config.forms.get(&submission.form).ok_or_else(|| missing("form"))?;
        let destination = config.destination(destination).ok_or_else(|| missing("destination"))?;

        // Counted and put off before it is made, and stored before anything is made of the lead: a try that brings down
        // the object, or the whole process, is still a try.
        let pauses = destination.retry.as_deref().unwrap_or(schedule::SCHEDULE);
        let has_try = delivery::start(&mut delivery, pauses, clock::now(), clock::jitter());
        store.save(&delivery)?;
        if !has_try {
            return Ok(());
        }
        store.sync().await?;
        let (lead, crm) = (lead::from_submission(&submission, form), crm::of(destination));
        for _ in 0..STEPS_PER_TRY {
            delivery.progress.learned = store.learned(&destination.name)?;
            match crm.next(&lead, &delivery.progress) {
                Step::Delivered(record) => {
                    delivery::deliver(&mut delivery, record);
                    return store.save(&delivery);
                }
                Step::Refused(trouble) => {
                    delivery::refuse(&mut delivery, trouble);
                    return store.save(&delivery);
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
        store.save(&delivery)
    }

    /// In an overflow: offers the submission to the Outbox that was asked first; returns whether it is left to us to deliver.
    /// That Outbox takes it now, or has it after all (it was told not to store it after a deadline that is long over), or
    /// has one that it repeats: there a repeat is recognised, whichever of the two came here. Ours is what it does not take.
    async fn offer_back(&self, submission_id: &str, destination: &str) -> Result<bool> {
        let store = &self.agenda.store;
        let asked_first = || store.extras(submission_id).map(|extras| extras.and_then(|extras| extras.asked_first));
        let Some(first) = asked_first()? else { return Ok(true) };
        if self.is_over() {
            return Ok(false);
        }
        let Some(accept) = self.moved(submission_id)? else { return Ok(false) };
        // A question is a subrequest like any call.
        self.count_call();
        let answer = Client::new(&self.agenda.env, &first).take_over(accept).await;
        if asked_first()?.is_none() {
            // Meanwhile another delivery of the submission had the answer. When it is still there, it is ours.
            return store.has(submission_id);
        }
        match answer {
            Ok(Accepted::Stored(_)) => store.remove(submission_id).map(|()| false),
            // Something else came under its key there, and its visitor was thanked for this one, too.
            Ok(Accepted::KeyReused) => store.claim(submission_id).map(|()| true),
            Ok(Accepted::Broken | Accepted::TooLate) => self.unanswered(submission_id, destination, &"it is broken"),
            Err(error) => self.unanswered(submission_id, destination, &error),
        }
    }

    /// The Outbox that was asked first has not answered. It is asked again later; when that has lasted too long it is taken
    /// for lost, and the submission is ours.
    fn unanswered(&self, submission_id: &str, destination: &str, error: &dyn Display) -> Result<bool> {
        log::failure("the outbox that was asked first", error);
        let (store, now) = (&self.agenda.store, clock::now());
        if now - store.silent_since(submission_id, now)? >= SILENT_MS {
            return store.claim(submission_id).map(|()| true);
        }
        store.put_off(submission_id, destination, now + ASK_AGAIN_MS).map(|()| false)
    }

    /// A submission as another Outbox takes it over.
    fn moved(&self, submission_id: &str) -> Result<Option<Accept>> {
        let store = &self.agenda.store;
        let (Some(submission), Some(extras)) = (store.submission(submission_id)?, store.extras(submission_id)?) else {
            return Ok(None);
        };
        let destinations = store.deliveries(submission_id)?.into_iter().map(|delivery| delivery.destination).collect();
        Ok(Some(Accept {
            submission,
            destinations,
            key: extras.idempotency_key,
            digest: extras.digest,
            visitor: extras.visitor,
            not_after: None,
            asked_first: None,
            reasons: store.reasons(submission_id)?,
            is_moved: true,
            repeats: extras.repeats,
        }))
    }

    /// Sends one call and stores what came of it; returns whether the try goes on.
    async fn step(
        &self,
        delivery: &mut Delivery,
        destination: &Destination,
        crm: &dyn crm::Crm,
        call: &Call,
    ) -> Result<bool> {
        let store = &self.agenda.store;
        self.keep_pace(&destination.name, destination.pace, crm.cost(call)).await;
        // While it waited, or while the call before was out, the run may have come to its end, or another delivery may
        // have learned that nothing is to be sent there for now.
        if self.is_over() || store.is_paused(&destination.name, clock::now())? {
            delivery::interrupt(delivery, clock::now());
            return store.save(delivery).map(|()| false);
        }
        let timeout = i64::try_from(destination.timeout_ms).unwrap_or_default();
        if delivery::intend(delivery, call, clock::now().saturating_add(timeout)) {
            store.save(delivery)?;
        }
        self.count_call();
        let sent_at = clock::now();
        let answer = http::send(&self.agenda.env, &self.agenda.config, destination, call).await;
        let now = clock::now();
        let (outcome, told) = understood(crm, call, answer);
        let earlier = store.parking(&destination.name)?;
        let outcome = delivery::of_its_own(delivery, outcome, earlier.is_some());
        let lessons = match &outcome {
            Outcome::Answered(Verdict::GoOn(lessons)) => lessons.clone(),
            _ => Vec::new(),
        };
        let for_all = delivery::is_for_all(&outcome).cloned();
        let is_well = delivery::is_well(&outcome);
        let is_first = !delivery::was_turned_away(delivery);
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
        store.learn(&destination.name, &lessons)?;
        store.save(delivery)?;
        store.add_attempt(delivery, &attempt)?;
        if let Some(trouble) = for_all {
            let retry = destination.retry.as_deref();
            let parking = Parking::after(trouble, is_first, earlier.as_ref(), retry, now, clock::jitter());
            let credentials = self.agenda.credentials(&destination.name);
            store.park(&destination.name, &Parking { credentials, ..parking })?;
        } else if is_well {
            store.resume(&destination.name, now)?;
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
