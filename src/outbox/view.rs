//! What the operator sees of a submission.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::config::Lookup;
use crate::connectors::{Failure, FailureKind, RecordRef};
use crate::delivery::{Attempt, State};
use crate::domain::{Fields, Lead, Submission};
use crate::intake::Form;
use crate::intake::map::from_submission;

use super::audit::AuditLine;
use super::core::{Outbox, Result};
use super::days::{maybe_time, time};

/// A submission and where each of its deliveries stands. Times are shown as RFC 3339.
#[derive(Debug, Serialize)]
pub struct SubmissionView {
    /// Its id.
    pub id: String,
    /// The form's name.
    pub form: String,
    /// When it arrived, milliseconds since 1970.
    #[serde(serialize_with = "time")]
    pub received_at: i64,
    /// What the visitor sent.
    pub fields: Fields,
    /// The page with the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The country of the visitor's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The visitor's first language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The names of control fields without effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// How often the visitor sent the same again within a minute.
    #[serde(skip_serializing_if = "is_zero")]
    pub repeats: u32,
    /// Why it is, or was, in quarantine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// One per destination.
    pub deliveries: Vec<DeliveryView>,
    /// As it is mapped now; only where one submission is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Map<String, Json>>,
    /// What operators did to it, oldest first; only where one submission is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Vec<AuditLine>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's predicate")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A delivery as the operator sees it.
#[derive(Debug, Serialize)]
pub struct DeliveryView {
    /// The destination's name.
    pub destination: String,
    /// Where it stands.
    pub state: State,
    /// The record at the vendor, once it is there.
    pub record: Option<RecordRef>,
    /// Why it has not succeeded yet.
    pub failure: Option<FailureView>,
    /// The create that may or may not have happened: a person looks before sending it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<String>,
    /// Attempts used up.
    pub attempts: u32,
    /// When it is tried next, milliseconds since 1970; `None` when it is not.
    #[serde(serialize_with = "maybe_time")]
    pub next_at: Option<i64>,
    /// Its calls, oldest first.
    pub timeline: Vec<AttemptView>,
}

/// A failure as the operator sees it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FailureView {
    /// The class.
    pub kind: FailureKind,
    /// The vendor's own words.
    pub detail: String,
}

impl From<Failure> for FailureView {
    fn from(failure: Failure) -> Self {
        Self { kind: failure.kind, detail: failure.detail }
    }
}

/// A call as the operator sees it.
#[derive(Debug, Serialize)]
pub struct AttemptView {
    /// When it was sent, milliseconds since 1970.
    #[serde(serialize_with = "time")]
    pub at: i64,
    /// How long it took, in milliseconds.
    pub ms: i64,
    /// Which step.
    pub step: String,
    /// The HTTP status, if a response came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What it meant.
    pub outcome: String,
    /// The vendor's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let Attempt { at, ms, step, status, outcome, detail } = attempt;
        Self { at, ms, step, status, outcome, detail }
    }
}

/// A lead as the operator sees it: the values by the names of the lead fields, and the fields that go to the note.
pub fn lead_view(lead: &Lead) -> Map<String, Json> {
    let mut shown: Map<String, Json> =
        lead.values.iter().map(|(field, value)| (field.name().to_owned(), json!(value))).collect();
    let unmapped = lead.unmapped.0.iter().map(|(name, value)| json!([name, value]));
    shown.insert("unmapped".to_owned(), unmapped.collect());
    shown
}

impl Outbox {
    /// One submission with its lead and what operators did to it.
    pub fn whole(&self, id: &str) -> Result<Option<SubmissionView>> {
        let (Some(mut view), Some(submission)) = (self.view(id)?, self.store.submission(id)?) else { return Ok(None) };
        view.lead = Some(lead_view(&self.lead(&submission)));
        view.audit = Some(self.store.audit(id)?);
        Ok(Some(view))
    }

    /// The lead of a submission by the form's settings; by the defaults when the form is not configured.
    pub(super) fn lead(&self, submission: &Submission) -> Lead {
        match self.config.form(&self.form) {
            Lookup::Found(form) => from_submission(submission.clone(), form),
            _ => from_submission(submission.clone(), &Form::plain(&self.form, &[])),
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
            let found = self.config.destination(&delivery.destination);
            let record = delivery.record.map(|record| {
                let url = found.and_then(|found| found.page_of(&record.id)).or(record.url);
                RecordRef { url, ..record }
            });
            deliveries.push(DeliveryView {
                next_at: is_pending.then_some(delivery.next_at),
                destination: delivery.destination,
                state: delivery.state,
                in_doubt: delivery.progress.in_doubt,
                record,
                failure: delivery.failure.map(FailureView::from),
                attempts: delivery.attempts,
                timeline: delivery.timeline.into_iter().map(AttemptView::from).collect(),
            });
        }
        let Submission { id, form, received_at, fields, page, country, locale, ignored } = submission;
        let (repeats, reasons) = (extras.repeats, extras.reasons);
        Ok(Some(SubmissionView {
            id,
            form,
            received_at,
            fields,
            page,
            country,
            locale,
            ignored,
            repeats,
            reasons,
            deliveries,
            lead: None,
            audit: None,
        }))
    }
}
