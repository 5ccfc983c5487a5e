//! A lead: `POST LeadManagement.svc/Lead.Capture`, <https://apidocs.leadsquared.com/capture-lead/>.
//!
//! 1. Capture: finds a lead by `ProspectID`, then email, then phone, updates it or makes a new one.
//! 2. When another lead owns the other unique value (LeadSquared says so with a duplicate error): capture again,
//!    once, by the value that is not in conflict; the other one goes to the note.
//! 3. When LeadSquared refuses a value: capture without it, see [`refusal`](super::refusal).
//! 4. When LeadSquared says that it saved the lead but not its id: ask for the id, by email, then by phone.

use form_urlencoded::byte_serialize;
use serde_json::Value;

use crate::config::destination::leadsquared::LeadOptions;
use crate::crm::{Answer, Call, Lesson, Progress, RecordRef, Safety, Step, Trouble, Verdict, Why, left_out, status};
use crate::lead::Lead;

use super::LeadSquared;
use super::answers::{self, Said};
use super::attributes::{Attributes, CONFLICT, UNIQUE};
use super::refusal::{self, Sent};

const CAPTURE: &str = "lead";
const CAPTURE_AGAIN: &str = "lead_again";
const FIND: &str = "find";

/// LeadSquared saved the lead and did not say its id.
const SAVED: &str = "saved";
/// The look-up by this attribute found nothing.
const NOT_BY_EMAIL: &str = "not_by_email";
const NOT_BY_PHONE: &str = "not_by_phone";

/// What to do next for `lead`.
pub(super) fn next(account: &LeadSquared, options: &LeadOptions, lead: &Lead, progress: &Progress) -> Step {
    let conflict = progress.fact(CONFLICT);
    let attributes = Attributes::of(options, lead, progress);
    if progress.fact(SAVED).is_some() {
        return find(account, &attributes, progress);
    }
    if !attributes.is_complete() {
        return Step::Refused(Trouble::new(Why::Incomplete, "LeadSquared requires a name, an email or a phone"));
    }
    // With nothing to find the lead by, each capture makes another one, and there is no look-up to ask first. A name
    // without an email and without a phone can wait for a person; a doubled lead cannot be told from a real one.
    let safety = if attributes.is_findable() { Safety::Idempotent } else { Safety::Create };
    if safety == Safety::Create && progress.in_doubt.is_some() {
        let detail = "the lead may be in LeadSquared already, and has no email or phone to look it up by";
        return Step::Refused(Trouble::new(Why::NoAnswer, detail));
    }
    let step = if conflict.is_some() { CAPTURE_AGAIN } else { CAPTURE };
    let query = options.update_behavior.map(|word| format!("?LeadUpdateBehavior={word}")).unwrap_or_default();
    let path = format!("LeadManagement.svc/Lead.Capture{query}");
    Step::Call(Box::new(account.call(step, safety, &path, Some(attributes.body()))))
}

/// The id of a lead that LeadSquared has saved: <https://apidocs.leadsquared.com/get-a-lead-by-email-id/>,
/// <https://apidocs.leadsquared.com/get-lead-by-phone/>. A phone goes into the look-up without "spaces, hyphens or any other
/// character", however the lead has it.
fn find(account: &LeadSquared, attributes: &Attributes, progress: &Progress) -> Step {
    for name in attributes.unique() {
        let text = attributes.get(name).unwrap_or_default();
        let (not_found, path, text) = match name {
            "EmailAddress" => (NOT_BY_EMAIL, "Leads.GetByEmailaddress?emailaddress=", text.to_owned()),
            _ => {
                (NOT_BY_PHONE, "RetrieveLeadByPhoneNumber?phone=", text.chars().filter(char::is_ascii_digit).collect())
            }
        };
        if progress.fact(not_found).is_none() && !text.is_empty() {
            let text: String = byte_serialize(text.as_bytes()).collect();
            let path = format!("LeadManagement.svc/{path}{text}");
            return Step::Call(Box::new(account.call(FIND, Safety::Read, &path, None)));
        }
    }
    Step::Delivered(RecordRef { id: String::new(), note: Some("LeadSquared saved it without saying its id".into()) })
}

/// What the answer to one of the calls of [`next`] means.
pub(super) fn read(options: &LeadOptions, call: &Call, answer: &Answer, host: &str) -> Verdict {
    if call.step == FIND {
        return read_find(call, answer, host);
    }
    match answers::said(call, answer, host) {
        Said::Success { id: Some(id), .. } => Verdict::Delivered(RecordRef { id, note: None }),
        Said::Success { id: None, rows } if rows > 0 => Verdict::GoOn(vec![Lesson::Fact(SAVED, "true".into())]),
        Said::Success { .. } => status::verdict(call, answer),
        Said::Duplicate(message) => {
            let trouble = Trouble::new(Why::Conflict, format!("HTTP {}: {message}", answer.status));
            duplicate(call, &message, trouble)
        }
        Said::Failed(Verdict::Refused(trouble)) => refusal::met(options, call, trouble),
        Said::Failed(verdict) => verdict,
    }
}

/// Another lead owns a unique value. The first time, the lead is captured by its other unique value; after that, only a
/// value that it can do without is left out.
fn duplicate(call: &Call, message: &str, trouble: Trouble) -> Verdict {
    let sent = Sent::of(call);
    let Some(name) = conflict(message, &sent) else { return Verdict::Refused(trouble) };
    let other = UNIQUE.iter().any(|other| *other != name && sent.has(other));
    let is_unique = UNIQUE.contains(&name.as_str());
    let left_out = if is_unique { other } else { sent.can_spare(&name) && !sent.is_found_by(&name) };
    let mut lessons = left_out::lessons(left_out.then_some(name.as_str()), &trouble);
    if call.step == CAPTURE {
        lessons.insert(0, Lesson::Fact(CONFLICT, name));
    } else if is_unique || lessons.is_empty() {
        return Verdict::Refused(trouble);
    }
    Verdict::GoOn(lessons)
}

/// The lead is there in any case: only trouble that passes is worth another look.
fn read_find(call: &Call, answer: &Answer, host: &str) -> Verdict {
    let found = answer.json().filter(|_| answer.is_success());
    if let Some(list) = found.as_ref().and_then(Value::as_array) {
        let id = list.first().and_then(|lead| lead["ProspectID"].as_str()).filter(|id| !id.is_empty());
        return match id {
            Some(id) => Verdict::Delivered(RecordRef { id: id.to_owned(), note: None }),
            None => not_found(call),
        };
    }
    match answers::said(call, answer, host) {
        Said::Failed(Verdict::TryLater(trouble)) => Verdict::TryLater(trouble),
        Said::Success { .. } => status::verdict(call, answer),
        _ => not_found(call),
    }
}

fn not_found(call: &Call) -> Verdict {
    let fact = if call.url.contains("/Leads.GetByEmailaddress?") { NOT_BY_EMAIL } else { NOT_BY_PHONE };
    Verdict::GoOn(vec![Lesson::Fact(fact, "true".into())])
}

/// The attribute that a duplicate error speaks of: "Duplicate entry '…' for key `UQ_Prospect_Base_EmailAddress`" or
/// "A Lead with same Email already exists.". The entry itself is the visitor's text and decides nothing. When the
/// message names none, it is the phone: a lead is looked for by email first.
fn conflict(message: &str, sent: &Sent) -> Option<String> {
    let key = message.rsplit_once("for key").or_else(|| message.rsplit_once("with same")).map(|(_, key)| key);
    let named = key.and_then(|key| {
        let name = sent.names().filter(|name| key.contains(name)).max_by_key(|name| name.len());
        name.or_else(|| key.contains("Email").then_some(UNIQUE[0]))
    });
    named.or_else(|| UNIQUE.into_iter().rev().find(|name| sent.has(name))).map(str::to_owned)
}
