//! What LeadSquared's answers mean, whichever call they belong to: <https://apidocs.leadsquared.com/error-handling/>.
//!
//! - The body goes before the status. `{"Status":"Error","ExceptionType":"MX…Exception",…}` is LeadSquared's own no,
//!   mostly under HTTP 500, and sending the same again gets the same: the vendor's own queue does not repeat it either.
//! - Too many calls come as 200, 403 or 429, with a type, with the message alone, or as plain text; there is no
//!   `Retry-After`, but the message says how long its window is.
//! - A capture may answer with two ids. Clients in the field update the lead under `RelatedId`, so that one is the
//!   lead's; `Id` is the record's where it stands alone.
//! - A call to another region's host is answered 401, and the right host stands in the body.

use serde_json::Value;

use crate::config::destination::leadsquared::REGIONS;
use crate::crm::{Answer, Call, Trouble, Verdict, Why, status};

/// The shortest wait after too many calls: every limit that the vendor published counts over five seconds.
const SHORTEST_WAIT_MS: u64 = 5_000;
/// The longest: a limit by the day ends at a moment that the answer does not tell.
const LONGEST_WAIT_MS: u64 = 3_600_000;

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// `"Status":"Success"`, with the record's id when it is there, and how many rows were changed. Without an id it names
    /// no record: unless a lead was changed, its status decides.
    Success { id: Option<String>, rows: u64 },
    /// Another record owns a unique value; the vendor's message.
    Duplicate(String),
    /// Anything else.
    Failed(Verdict),
}

/// Reads an answer to `call`, which went to `host`.
pub(super) fn said(call: &Call, answer: &Answer, host: &str) -> Said {
    let body = answer.json().unwrap_or(Value::Null);
    let kind = text(&body, "ExceptionType");
    let message = text(&body, "ExceptionMessage");
    let trouble = |why, detail: &str| Trouble::new(why, format!("HTTP {}: {detail}", answer.status));
    match kind {
        "MXAPIRateLimitExceededException" => return Said::Failed(rate_limited(answer)),
        "MXDuplicateEntryException" => return Said::Duplicate(message.to_owned()),
        // A 401 is about the keys or the host, of whatever type: the lead is not at fault.
        kind if kind.starts_with("MX") && answer.status != 401 => {
            return Said::Failed(Verdict::Refused(trouble(Why::Invalid, &format!("{kind}: {message}"))));
        }
        _ => {}
    }
    if answer.is_success() && text(&body, "Status") == "Success" {
        let message = &body["Message"];
        let id = ["RelatedId", "Id"].into_iter().map(|key| text(message, key)).find(|id| !id.is_empty());
        let rows = message["AffectedRows"].as_u64().unwrap_or(0);
        return Said::Success { id: id.map(str::to_owned), rows };
    }
    if answer.status == 429 || answer.body.to_ascii_lowercase().contains("api calls exceeded the limit") {
        return Said::Failed(rate_limited(answer));
    }
    Said::Failed(match (answer.status, other_host(&answer.body, host)) {
        (401, Some(other)) => {
            let setting = match REGIONS.iter().find(|(_, host)| *host == other) {
                Some((region, _)) => format!("region = \"{region}\""),
                None => format!("host = \"{other}\""),
            };
            let detail = format!("the account is not on {host} but on {other}; set {setting}");
            Verdict::TryLater(trouble(Why::Credentials, &detail))
        }
        _ => status::verdict(call, answer),
    })
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body[key].as_str().unwrap_or_default().trim()
}

fn rate_limited(answer: &Answer) -> Verdict {
    let asked = window_ms(&answer.body).max(status::wait_ms(answer)).unwrap_or(0);
    let wait = asked.clamp(SHORTEST_WAIT_MS, LONGEST_WAIT_MS);
    Verdict::TryLater(Trouble::new(Why::RateLimited, status::excerpt(answer)).wait(Some(wait)))
}

/// The window of "exceeded the limit of 25 in 5 second(s)".
fn window_ms(body: &str) -> Option<u64> {
    let (_, rest) = body.split_once("exceeded the limit of ")?;
    let (_, rest) = rest.split_once(" in ")?;
    let mut words = rest.split_whitespace();
    let count: u64 = words.next()?.parse().ok()?;
    let unit = words.next()?;
    let seconds = match unit {
        unit if unit.starts_with("minute") => 60,
        unit if unit.starts_with("hour") => 3_600,
        unit if unit.starts_with("day") => 86_400,
        _ => 1,
    };
    Some(count.saturating_mul(seconds).saturating_mul(1_000))
}

/// An API host in `body` that is not `host`. The hosts of the asynchronous API and of the pages are not meant.
fn other_host<'a>(body: &'a str, host: &str) -> Option<&'a str> {
    body.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'))
        .map(|word| word.trim_matches('.'))
        .find(|word| word.starts_with("api") && word.ends_with(".leadsquared.com") && *word != host)
}
