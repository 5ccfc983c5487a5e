//! How an overflow hands over what it stores: until the form's Outbox accepts, and without ever delivering.

use serde_json::json;

use crate::config::Lookup;
use crate::delivery::queue::SLOTS;
use crate::intake::NewSubmission;

use super::core::{Accepted, Effect, Outbox, OutboxError, Result};
use super::flights::{FORWARD_MS, Flying, Run};
use super::names;

impl Outbox {
    /// In an overflow: hands over what is stored, oldest first, by the form's current shards and destinations.
    pub(super) fn forwards(&self, effects: &mut Vec<Effect>) -> Result<()> {
        let now = self.host.now();
        let Lookup::Found(form) = self.config.form(&self.form) else { return Ok(()) };
        let mut run = self.run.borrow_mut();
        if run.forward_at > now || run.is_over(now) {
            return Ok(());
        }
        let is_out = |run: &Run, id: &str| {
            run.flights
                .values()
                .any(|flying| matches!(flying, Flying::Forward { submission_id, .. } if submission_id == id))
        };
        let ids = self.store.oldest(SLOTS + run.deferred.len())?;
        if ids.iter().all(|id| run.deferred.contains(id)) {
            run.deferred.clear();
        }
        for id in ids {
            if run.flights.len() >= SLOTS || run.deferred.contains(&id) || is_out(&run, &id) {
                continue;
            }
            let new = match self.stored(&id, &form.destinations) {
                Ok(new) => new,
                // It stays, for the operator.
                Err(error) => {
                    self.log_failure("forward", Some(&id), &error);
                    run.defer(id, now);
                    continue;
                }
            };
            let to = names::for_submission(form, &new);
            run.calls += 1;
            let flight = run.fly(Flying::Forward { submission_id: id, reasons: new.reasons.clone() });
            effects.push(Effect::Forward { flight, to, new: Box::new(new) });
        }
        Ok(())
    }

    /// Whether this submission is on its way to another Outbox.
    pub(super) fn is_handing_over(&self, id: &str) -> bool {
        let is_it = |flying: &Flying| matches!(flying, Flying::Forward { submission_id, .. } if submission_id == id);
        self.run.borrow().flights.values().any(is_it)
    }

    fn stored(&self, id: &str, destinations: &[String]) -> Result<NewSubmission> {
        let submission = self.store.submission(id)?.ok_or(OutboxError::Missing("submission"))?;
        let extras = self.store.extras(id)?.ok_or(OutboxError::Missing("submission"))?;
        Ok(NewSubmission {
            submission,
            destinations: destinations.to_vec(),
            key: extras.key,
            digest: extras.digest,
            visitor: extras.visitor,
            reasons: extras.reasons,
        })
    }

    /// Takes in how a hand-over ended; `None`: the other Outbox did not answer.
    pub fn forwarded(&self, flight: u64, accepted: Option<&Accepted>) -> Result<()> {
        let now = self.host.now();
        let mut run = self.run.borrow_mut();
        let Some(Flying::Forward { submission_id, reasons }) = run.flights.remove(&flight) else { return Ok(()) };
        // Forwarding is never refused.
        let Some(Accepted::Stored(_)) = accepted else {
            run.defer(submission_id, now);
            return Ok(());
        };
        (run.forward_at, run.forward_wait) = (0, FORWARD_MS.0);
        // Released meanwhile: it is handed over once more, as no suspect.
        if self.store.extras(&submission_id)?.is_some_and(|extras| extras.reasons != reasons) {
            return Ok(());
        }
        self.host.log(json!({ "event": "forwarded", "form": self.form, "submission": submission_id }));
        self.store.remove(&submission_id)?;
        run.removed(&submission_id);
        Ok(())
    }
}
