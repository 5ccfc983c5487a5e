//! What the operator sees of a submission.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Lookup;
use crate::connectors::{Failure, RecordRef};
use crate::delivery::{Attempt, State};
use crate::domain::{Fields, Lead, Submission};
use crate::intake::Form;
use crate::intake::map::from_submission;

use super::audit::AuditLine;
use super::core::{Outbox, Result};

/// A submission and where each of its deliveries stands.
#[derive(Debug, Serialize, Deserialize)]
pub struct SubmissionView {
    /// As it is stored.
    #[serde(flatten)]
    pub submission: Submission,
    /// How often the visitor sent the same again within a minute.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeats: u32,
    /// Why it is, or was, in quarantine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// One per destination.
    pub deliveries: Vec<DeliveryView>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's predicate")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A delivery as the operator sees it.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeliveryView {
    /// The destination's name.
    pub destination: String,
    /// Where it stands.
    pub state: State,
    /// The record at the vendor, once it is there.
    pub record: Option<RecordRef>,
    /// Why it has not succeeded yet.
    pub failure: Option<Failure>,
    /// The create that may or may not have happened: a person looks before sending it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<String>,
    /// Attempts used up.
    pub attempts: u32,
    /// When it is tried next, milliseconds since 1970; `None` when it is not.
    pub next_at: Option<i64>,
    /// Its calls, oldest first.
    pub timeline: Vec<Attempt>,
}

/// A submission with its lead and what operators did to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct WholeView {
    /// The submission.
    #[serde(flatten)]
    pub view: SubmissionView,
    /// As it is mapped now.
    pub lead: LeadView,
    /// Oldest first.
    pub audit: Vec<AuditLine>,
}

/// A lead as the operator sees it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LeadView {
    /// The values by the names of the lead fields.
    #[serde(flatten)]
    pub values: BTreeMap<String, String>,
    /// The fields that go to the note.
    pub unmapped: Fields,
}

impl LeadView {
    /// The view of a lead.
    pub fn of(lead: Lead) -> Self {
        let values = lead.values.into_iter().map(|(field, value)| (field.name().to_owned(), value));
        Self { values: values.collect(), unmapped: lead.unmapped }
    }
}

impl Outbox {
    /// One submission with its lead and what operators did to it.
    pub fn whole(&self, id: &str) -> Result<Option<WholeView>> {
        let Some(view) = self.view(id)? else { return Ok(None) };
        let lead = LeadView::of(self.lead(&view.submission));
        Ok(Some(WholeView { view, lead, audit: self.store.audit(id)? }))
    }

    /// The lead of a submission by the form's settings; by the defaults when the form is not configured.
    pub(super) fn lead(&self, submission: &Submission) -> Lead {
        match self.config.form(&self.form) {
            Lookup::Found(form) => from_submission(submission, form),
            _ => from_submission(submission, &Form::plain(&self.form, &[])),
        }
    }

    /// One submission.
    pub fn view(&self, id: &str) -> Result<Option<SubmissionView>> {
        let (Some(submission), Some(extras)) = (self.store.submission(id)?, self.store.extras(id)?) else {
            return Ok(None);
        };
        let run = self.run.borrow();
        let mut deliveries = Vec::new();
        for mut delivery in self.store.deliveries(id)? {
            let is_pending = delivery.state == State::Pending;
            // What the whole destination waits for, each of its deliveries waits for.
            let state = run.destinations.get(&delivery.destination).filter(|_| is_pending);
            if let Some((state, pause)) = state.and_then(|state| Some((state, state.pause.as_ref()?))) {
                delivery.next_at = delivery.next_at.max(state.check_at().unwrap_or(pause.until));
                delivery.failure = Some(pause.failure.clone());
            }
            deliveries.push(DeliveryView {
                next_at: is_pending.then_some(delivery.next_at),
                destination: delivery.destination,
                state: delivery.state,
                in_doubt: delivery.progress.in_doubt,
                record: delivery.record,
                failure: delivery.failure,
                attempts: delivery.attempts,
                timeline: delivery.timeline,
            });
        }
        Ok(Some(SubmissionView { submission, repeats: extras.repeats, reasons: extras.reasons, deliveries }))
    }
}
