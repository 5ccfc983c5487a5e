//! What StateSet's answers mean.
//!
//! Two shapes of error are documented, <https://docs.stateset.com/api-reference/errors> (`RESOURCE_ALREADY_EXISTS`,
//! with `details`) and the commerce API's (`parameter_invalid`, with `param`); which one the leads route speaks is not
//! said, so both are read.

use serde_json::Value as Json;

use crate::config::destination::stateset::WRITABLE;
use crate::crm::{Answer, Call, Lesson, RecordRef, Trouble, Verdict, Why, status};

use super::REFUSED;

/// Fields that a lead cannot do without: the required ones, and the one that holds the visitor's message.
const NEEDED: &[&str] = &["firstName", "lastName", "email", "description"];

pub(super) fn verdict(call: &Call, answer: &Answer) -> Verdict {
    let body = answer.json().unwrap_or_default();
    if let Some(id) = body["id"].as_str().filter(|id| answer.is_success() && !id.is_empty()) {
        return Verdict::Delivered(RecordRef { id: id.to_owned(), note: None });
    }
    let error = ApiError::of(&body);
    let trouble = |why| Trouble::new(why, status::excerpt(answer)).wait(wait_ms(answer));
    match answer.status {
        429 => Verdict::TryLater(trouble(Why::RateLimited)),
        // The same request is being handled right now, or was; a later repeat gets its answer.
        _ if error.code == "idempotency_key_in_use" => Verdict::TryLater(trouble(Why::Unavailable)),
        // The person is in StateSet already, and StateSet does not say under which id. It takes no second lead for an
        // email, so this is as delivered as it can be; the console shows the note, and the submission is kept.
        400 | 409 | 422 if error.says_email_is_taken() => {
            let note = "already there: StateSet has a lead with this email".to_owned();
            Verdict::Delivered(RecordRef { id: String::new(), note: Some(note) })
        }
        400 | 409 | 422 if status::is_cut_short(answer) => status::unclear(call, trouble(Why::Unexpected)),
        400 | 422 => match error.refused(call) {
            refused if refused.is_empty() => Verdict::Refused(trouble(Why::Invalid)),
            refused => Verdict::GoOn(refused.into_iter().map(|key| Lesson::Fact(key, REFUSED.to_owned())).collect()),
        },
        _ => status::verdict(call, answer),
    }
}

/// An error of either shape; empty where it says nothing.
#[derive(Debug)]
struct ApiError {
    /// In lower case.
    code: String,
    /// In lower case.
    message: String,
    /// The fields that it speaks of.
    fields: Vec<String>,
}

impl ApiError {
    fn of(body: &Json) -> Self {
        let error = &body["error"];
        let text = |value: &Json| value.as_str().unwrap_or_default().to_lowercase();
        let details = &error["details"];
        let named = [&error["param"], &error["field"], &details["field"], &details["param"]];
        let keys = details.as_object().into_iter().flat_map(|details| details.keys().cloned());
        let fields = named.into_iter().filter_map(|name| name.as_str().map(str::to_owned)).chain(keys).collect();
        // An error that is a mere text, or a message beside it.
        let message = [&error["message"], error, &body["message"]].into_iter().find(|value| value.is_string());
        Self { code: text(&error["code"]), message: message.map(text).unwrap_or_default(), fields }
    }

    fn says_email_is_taken(&self) -> bool {
        let says = |words: &[&str]| words.iter().any(|word| self.code.contains(word) || self.message.contains(word));
        let of_email = says(&["email"]) || self.fields.iter().any(|field| field == "email");
        of_email && says(&["already", "exist", "duplicate", "taken", "unique", "conflict"])
    }

    /// The fields of `call` that StateSet names as wrong and that the lead can do without.
    fn refused(&self, call: &Call) -> Vec<&'static str> {
        let sent: Json = call.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let named = |key: &str| self.fields.iter().any(|field| field == key);
        let wrong: Vec<_> = WRITABLE.iter().copied().filter(|key| named(key) && sent.get(key).is_some()).collect();
        // When a needed one is wrong too, another try without the others changes nothing.
        if wrong.iter().any(|key| NEEDED.contains(key)) { Vec::new() } else { wrong }
    }
}

/// How long StateSet asks to wait. `X-RateLimit-Reset` is a Unix time: the answer's own `Date` says how far that is.
fn wait_ms(answer: &Answer) -> Option<u64> {
    let seconds = |name: &str| answer.header(name)?.trim().parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
    let millis = |seconds: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
        let millis = (seconds * 1000.0).ceil() as u64;
        millis
    };
    if let Some(wait) = seconds("x-ratelimit-retry-after") {
        return Some(millis(wait));
    }
    if let Some(wait) = status::retry_after_ms(answer) {
        return Some(wait);
    }
    let until = |at: i64| status::until_ms(answer, at);
    match answer.header("x-ratelimit-reset")?.trim().parse::<i64>().ok()? {
        // Four months at most are a wait and no time of day; beyond the year 5000 it is milliseconds.
        wait @ 0..10_000_000 => u64::try_from(wait).ok().map(|seconds| seconds * 1000),
        at @ 10_000_000..100_000_000_000 => until(at),
        at => until(at / 1000),
    }
}
