//! What Salesmap's answers mean. <https://docs.salesmap.kr/developers/api-reference>
//!
//! - The envelope decides, not the status: a refusal was documented under 201, and "not found" is a 400.
//! - `message` only repeats the status; the useful text is `reason`, a text or a list of texts. No machine code exists.
//! - An existing person or organization is a 400 that carries the id in `data.id`: that is the record to use. The vendor's
//!   pages do not all promise the id of a person, who is then looked for by the email.
//! - An unknown path, and some failures, answer with HTML pages.

use serde_json::Value as Json;

use crate::config::destination::salesmap::Options;
use crate::crm::{Answer, Call, Lesson, RecordRef, Safety, Trouble, Verdict, Why, left_out, status};

use super::records::{FOUND, PEOPLE_HOLDS, TAKEN};
use super::refusal;

/// The wait that the vendor's page asks for after "Too Many Requests":
/// <https://docs.salesmap.kr/developers/api-reference/rate-limiting>.
const RATE_LIMIT_WAIT_MS: u64 = 10_000;

/// A record that a call makes: where its id is, and what is kept of it.
#[derive(Debug)]
pub(super) struct Made {
    /// The member of `data` that holds the record.
    pub(super) member: &'static str,
    /// The fact that keeps its id, and the one that says that it was there before; `None` for the lead, which ends the
    /// delivery.
    pub(super) facts: Option<(&'static str, &'static str)>,
}

/// The verdict on a create.
pub(super) fn created(made: &Made, options: &Options, call: &Call, answer: &Answer) -> Verdict {
    if let Some(verdict) = turned_away(answer) {
        return verdict;
    }
    let Some(body) = answer.json().filter(Json::is_object) else { return not_json(call, answer) };
    let (said, data) = (body["success"].as_bool(), &body["data"]);
    if said == Some(true) {
        return match (id_in(&data[made.member]), made.facts) {
            (Some(id), Some((fact, _))) => Verdict::GoOn(vec![Lesson::Fact(fact, id)]),
            (Some(id), None) => Verdict::Delivered(RecordRef { id, note: None }),
            (None, _) => unclear(call, answer, Why::Unexpected, status::excerpt(answer)),
        };
    }
    if said == Some(false)
        && let (Some(id), Some((fact, holds))) = (id_in(data), made.facts)
    {
        let reason = reason(&body).unwrap_or_default();
        let others = refusal::somebody_elses(options, call, &reason);
        if !others.is_empty() {
            return Verdict::GoOn(left_out::lessons(others, &Trouble::new(Why::Conflict, reason)));
        }
        return Verdict::GoOn(vec![Lesson::Fact(fact, id), Lesson::Fact(holds, FOUND.to_owned())]);
    }
    match refused(call, answer, &body) {
        Verdict::Refused(trouble) if refusal::email_is_taken(options, call, &trouble.detail) => {
            Verdict::GoOn(vec![Lesson::Fact(PEOPLE_HOLDS, TAKEN.to_owned())])
        }
        Verdict::Refused(trouble) => refusal::met(options, call, trouble),
        verdict => verdict,
    }
}

/// The verdict on the search for a record that may or may not be there.
pub(super) fn searched(call: &Call, answer: &Answer, found: impl Fn(Option<String>) -> Verdict) -> Verdict {
    if let Some(verdict) = turned_away(answer) {
        return verdict;
    }
    let Some(body) = answer.json().filter(Json::is_object) else { return not_json(call, answer) };
    if body["success"].as_bool() != Some(true) {
        return refused(call, answer, &body);
    }
    let Some(list) = body["data"]["objectList"].as_array() else {
        return unclear(call, answer, Why::Unexpected, status::excerpt(answer));
    };
    match list.first() {
        None => found(None),
        Some(object) => match id_in(object) {
            Some(id) => found(Some(id)),
            None => unclear(call, answer, Why::Unexpected, status::excerpt(answer)),
        },
    }
}

fn id_in(record: &Json) -> Option<String> {
    record["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// What the status alone decides: the call was turned away before it did anything.
fn turned_away(answer: &Answer) -> Option<Verdict> {
    let said = || reason(&answer.json().unwrap_or_default()).unwrap_or_else(|| status::excerpt(answer));
    match answer.status {
        401 | 403 => Some(Verdict::TryLater(Trouble::new(Why::Credentials, said()))),
        429 => {
            let said = said();
            let wait = seconds_in(&said).or_else(|| status::wait_ms(answer)).unwrap_or(RATE_LIMIT_WAIT_MS);
            Some(Verdict::TryLater(Trouble::new(Why::RateLimited, said).wait(Some(wait))))
        }
        // Not followed; the API does not move, so this is a sign-in or maintenance page in front of it.
        300..=399 => Some(Verdict::TryLater(Trouble::new(Why::Unavailable, status::excerpt(answer)))),
        _ => None,
    }
}

/// The API says no, in any of its shapes.
fn refused(call: &Call, answer: &Answer, body: &Json) -> Verdict {
    let said = reason(body).unwrap_or_else(|| status::excerpt(answer));
    let says_no = body["success"].as_bool() == Some(false);
    match answer.status {
        501 => Verdict::Refused(Trouble::new(Why::Invalid, said)),
        408 | 500.. => unclear(call, answer, Why::Unavailable, said),
        // Neither yes nor no under 2xx.
        200..=299 if !says_no => unclear(call, answer, Why::Unexpected, said),
        // The workspace takes calls only from listed addresses. Its owner can change that; the lead is not at fault.
        _ if said.contains("허용되지 않은 IP") => Verdict::TryLater(Trouble::new(Why::Credentials, said)),
        421 | 423 | 425 => Verdict::TryLater(Trouble::new(Why::Unavailable, said).wait(status::wait_ms(answer))),
        409 => Verdict::Refused(Trouble::new(Why::Conflict, said)),
        _ if said.contains("찾을 수 없습니다") => Verdict::Refused(Trouble::new(Why::NotFound, said)),
        _ => Verdict::Refused(Trouble::new(Why::Invalid, said)),
    }
}

/// Not JSON, so not from the API's own code.
fn not_json(call: &Call, answer: &Answer) -> Verdict {
    let said = status::excerpt(answer);
    let html = answer.header("content-type").is_some_and(|kind| kind.contains("text/html"))
        || answer.body.trim_start().starts_with('<');
    match answer.status {
        501 => Verdict::Refused(Trouble::new(Why::Invalid, said)),
        // A failure between us and an answer: the create may have been made.
        408 | 500.. => unclear(call, answer, Why::Unavailable, said),
        // The website's router answers with a page when no API route took the request. No API code ran, so nothing can
        // have been made, and the same request is right again when the vendor's routing is.
        200..=299 if !html => unclear(call, answer, Why::Unexpected, said),
        _ => Verdict::TryLater(Trouble::new(Why::Unavailable, said).wait(status::wait_ms(answer))),
    }
}

/// Neither yes nor no: in doubt where a repeat could leave two records, tried again where it could not.
fn unclear(call: &Call, answer: &Answer, why: Why, said: String) -> Verdict {
    let trouble = Trouble::new(why, said).wait(status::wait_ms(answer));
    match call.safety {
        Safety::Create => Verdict::InDoubt(trouble),
        Safety::Read | Safety::Idempotent => Verdict::TryLater(trouble),
    }
}

/// The vendor's words: `reason`, else `error`, else `message`.
fn reason(body: &Json) -> Option<String> {
    ["reason", "error", "message"].iter().find_map(|key| match &body[*key] {
        Json::String(text) => Some(text.clone()),
        Json::Array(list) => Some(list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    })
}

/// `2.5초 후 재시도해주세요.` in milliseconds.
fn seconds_in(text: &str) -> Option<u64> {
    let before = text.split_once('초')?.0.trim_end();
    let start = before
        .rfind(|c: char| !c.is_ascii_digit() && c != '.')
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let seconds: f64 = before[start..].parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "digits only: not negative; saturates")]
    Some((seconds * 1000.0).ceil() as u64)
}
