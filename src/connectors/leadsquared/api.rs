//! What LeadSquared's leads and users share: the host, the keys, and how responses are read.

use serde_json::Value as Json;

use crate::connectors::{Call, Failure, FailureKind, Outcome, RecordRef, Response};
use crate::domain::typed::Value;

/// The words of the key `region`, and the API host of each.
pub(super) const REGIONS: &[&str] = &["singapore", "us", "india-mumbai", "india-hyderabad", "ireland", "canada"];
pub(super) const HOSTS: &[&str] = &[
    "api.leadsquared.com",
    "api-us11.leadsquared.com",
    "api-in21.leadsquared.com",
    "api-in22.leadsquared.com",
    "api-ir31.leadsquared.com",
    "api-ca12.leadsquared.com",
];

/// Where an account is called.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) host: String,
}

impl Api {
    /// The address of a path below the version.
    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}/v2/{path}", self.host)
    }

    /// A look-up of an address that no lead has. It needs a valid key and the right region.
    pub(super) fn probe(&self) -> Call {
        with_keys(Call::get(
            "probe",
            self.url("LeadManagement.svc/Leads.GetByEmailaddress?emailaddress=probe%40example.com"),
        ))
    }

    /// Reads the envelope that all responses share.
    pub(super) fn said<'r>(&self, response: &'r Response, phrases: &str) -> Said<'r> {
        let kind = response.json().and_then(|body| body["ExceptionType"].as_str()).unwrap_or_default();
        let is_limit = kind == "MXAPIRateLimitExceededException" || (kind.is_empty() && phrases.contains(TOO_MANY));
        let outcome = match response.status {
            _ if is_limit => Outcome::Retry(limited(response, phrases)),
            429 => Outcome::Retry(limited(response, phrases)),
            401 => Outcome::Retry(self.unauthorized(response)),
            403 => response.by_status(),
            _ if kind == "MXDuplicateEntryException" => {
                return Said::Duplicate(response.failure(FailureKind::Conflict));
            }
            _ if kind == "MXMandatoryAttributeMissingException" => {
                Outcome::Rejected(response.failure(FailureKind::Incomplete))
            }
            _ if kind.starts_with("MX") => Outcome::Rejected(response.failure(FailureKind::Invalid)),
            _ => match response.json().map(|body| &body["Message"]) {
                Some(message) if response.is_success() && message.is_object() => return Said::Success(message),
                _ => response.by_status(),
            },
        };
        match outcome {
            Outcome::Rejected(failure) if failure.kind == FailureKind::Invalid => Said::Invalid(failure),
            other => Said::Other(other),
        }
    }

    /// A wrong key, or the wrong region: then the body names the account's host, in a format that is not documented.
    pub(super) fn unauthorized(&self, response: &Response) -> Failure {
        let failure = response.failure(FailureKind::Credentials);
        let words = response.text().split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'));
        // The hosts of the asynchronous API and of the pages do not start with `api`.
        let is_other =
            |word: &&str| word.starts_with("api") && word.ends_with(".leadsquared.com") && *word != self.host;
        let Some(other) = words.map(|word| word.trim_matches('.')).find(is_other) else { return failure };
        let region = HOSTS.iter().zip(REGIONS).find(|(host, _)| **host == other).map(|(_, region)| region);
        let setting = region.map_or_else(|| format!("host = \"{other}\""), |region| format!("region = \"{region}\""));
        let detail = format!("HTTP 401: the account is not on {} but on {other}; set {setting}", self.host);
        Failure { detail, ..failure }
    }
}

/// The words for too many calls, when no `ExceptionType` says so.
pub(super) const TOO_MANY: &str = "api calls exceeded the limit";

/// What a response says.
#[derive(Debug)]
pub(super) enum Said<'r> {
    /// `"Status":"Success"`, with this message.
    Success(&'r Json),
    /// Another record has a unique value.
    Duplicate(Failure),
    /// A value is wrong.
    Invalid(Failure),
    /// Anything else.
    Other(Outcome),
}

pub(super) fn with_keys(call: Call) -> Call {
    call.secret("x-LSQ-AccessKey", "ACCESS_KEY").secret("x-LSQ-SecretKey", "SECRET_KEY")
}

/// The record in a success. Clients in the field update the lead under `RelatedId`; `Id` is its id where it stands alone.
pub(super) fn record(message: &Json, known: &str) -> Option<RecordRef> {
    let id = ["RelatedId", "Id"].into_iter().find_map(|key| RecordRef::id_in(&message[key]))?;
    Some(if message["IsCreated"] == false { RecordRef::already_there(id, known) } else { RecordRef::new(id) })
}

/// Every published limit counts over five seconds at least; one by the day ends at a moment that no response tells.
pub(super) fn limited(response: &Response, phrases: &str) -> Failure {
    let asked = window_ms(phrases).max(response.wait_ms()).unwrap_or(0);
    response.failure(FailureKind::RateLimited).wait(Some(asked.clamp(5_000, 3_600_000)))
}

/// The window of "exceeded the limit of 25 in 5 second(s)".
pub(super) fn window_ms(phrases: &str) -> Option<u64> {
    let (_, rest) = phrases.split_once("exceeded the limit of ")?.1.split_once(" in ")?;
    let (count, unit) = rest.split_once(' ')?;
    let units = [("minute", 60_000), ("hour", 3_600_000), ("day", 86_400_000)];
    let unit_ms = units.iter().find(|(word, _)| unit.starts_with(word)).map_or(1_000, |(_, ms)| *ms);
    count.parse::<u64>().ok()?.checked_mul(unit_ms)
}

/// A value as LeadSquared takes it: a text, moments in UTC, `true` and `false`.
pub(super) fn text_of(value: Value) -> String {
    match value {
        Value::Text(text) | Value::Date(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::DateTime(moment) => moment.get(..19).unwrap_or(&moment).replace('T', " "),
        // As LeadSquared itself joins the options of a multi-select field.
        Value::List(items) => items.join(";"),
    }
}
