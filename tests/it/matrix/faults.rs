//! The table: each misbehaviour, in each vendor's own words where it has some, and what is made of it.

use std::time::Duration;

use fakes::{Mood, Response};
use serde_json::{Value, json};

/// A misbehaviour.
pub struct Fault {
    pub name: &'static str,
    /// What a destination's fake does; `None`: it is well.
    pub mood: fn(&str) -> Option<Mood>,
    /// What becomes of the delivery: its state, or `verdict, whether the try counts and how long it waits, what is in doubt`.
    pub expected: fn(&str) -> &'static str,
    /// Where LeadSquared's account is, when not where the config says.
    pub home: Option<&'static str>,
}

impl Fault {
    /// Whether it is that the vendor takes longer than three seconds.
    pub fn is_slow(&self) -> bool {
        matches!((self.mood)("hook"), Some(Mood::Slow(_) | Mood::Stall(_)))
    }
}

const AGAIN: &str = "retry, counts";
const UNANSWERED: &str = "no_response, counts";
const PARKED: &str = "retry, parked";

fn page(status: u16) -> Mood {
    Mood::Answer(Response::html(status, format!("<!doctype html><title>{status}</title>")))
}

fn says(status: u16, body: Value) -> Mood {
    Mood::Answer(Response::json(status, body))
}

/// No answer at all: Salesmap's lead is in doubt, everything else can be repeated.
fn unanswered(to: &str) -> &'static str {
    if to == "salesmap" { "no_response, counts, lead in doubt" } else { UNANSWERED }
}

/// An answer that says neither yes nor no.
fn unclear(to: &str) -> &'static str {
    if to == "salesmap" { "in_doubt, counts, lead in doubt" } else { AGAIN }
}

/// The same, and a receiver of webhooks has taken the message with any 2xx.
fn unclear_success(to: &str) -> &'static str {
    if to == "hook" { "delivered" } else { unclear(to) }
}

fn fault(name: &'static str, mood: fn(&str) -> Option<Mood>, expected: fn(&str) -> &'static str) -> Fault {
    Fault { name, mood, expected, home: None }
}

pub fn faults() -> Vec<Fault> {
    let mut all = silence();
    all.extend(too_many());
    all.extend(nonsense());
    all.extend(statuses());
    all
}

fn silence() -> Vec<Fault> {
    vec![
        fault("closed before the body was read", |_| Some(Mood::DropBeforeBody), unanswered),
        fault("closed after the body was read", |_| Some(Mood::DropUnread), unanswered),
        fault("closed after the work", |_| Some(Mood::DropAfterWork), unanswered),
        fault("slower than the timeout", |_| Some(Mood::Slow(Duration::from_millis(3_400))), unanswered),
        fault("silent in the middle of the answer", |_| Some(Mood::Stall(Duration::from_millis(3_400))), unanswered),
    ]
}

fn too_many() -> Vec<Fault> {
    const KIND: &str = "MXAPIRateLimitExceededException";
    fn of_leadsquared(status: u16) -> Mood {
        let message = "API calls exceeded the limit of 25 in 5 second(s)";
        says(status, json!({ "Status": "Error", "ExceptionType": KIND, "ExceptionMessage": message }))
    }
    vec![
        fault(
            "429 with seconds",
            |_| Some(Mood::Answer(Response::html(429, "").with("Retry-After", "1"))),
            |to| if to == "leadsquared" { "retry, waits 5000" } else { "retry, waits 1000" },
        ),
        fault(
            "429 with a date",
            |_| {
                let answer = Response::html(429, "").with("Date", "Fri, 21 Nov 2025 10:00:00 GMT");
                Some(Mood::Answer(answer.with("Retry-After", "Fri, 21 Nov 2025 10:00:03 GMT")))
            },
            |to| if to == "leadsquared" { "retry, waits 5000" } else { "retry, waits 3000" },
        ),
        fault(
            "429 in the vendor's words",
            |to| match to {
                "agencyhandy" => {
                    let body = json!({ "type": "RateLimitError", "status": 429, "message": "Too many requests" });
                    Some(Mood::Answer(Response::json(200, body).with("Retry-After", "1")))
                }
                "leadsquared" => Some(of_leadsquared(200)),
                "salesmap" => {
                    let reason = "1.2초 후 재시도해주세요.";
                    Some(says(429, json!({ "success": false, "message": "Too Many Requests", "reason": reason })))
                }
                "stateset" => {
                    let body = json!({ "error": { "code": "RATE_LIMIT_EXCEEDED", "message": "Rate limit exceeded" } });
                    Some(Mood::Answer(Response::json(429, body).with("X-RateLimit-Retry-After", "1")))
                }
                _ => None,
            },
            |to| match to {
                "hook" => "delivered",
                "leadsquared" => "retry, waits 5000",
                "salesmap" => "retry, waits 1200",
                _ => "retry, waits 1000",
            },
        ),
        fault(
            "429 in another disguise",
            |to| match to {
                "leadsquared" => Some(of_leadsquared(403)),
                "stateset" => {
                    let answer = Response::json(429, json!({})).with("Date", "Fri, 21 Nov 2025 10:00:00 GMT");
                    Some(Mood::Answer(answer.with("X-RateLimit-Reset", "1763719202")))
                }
                _ => None,
            },
            |to| match to {
                "leadsquared" => "retry, waits 5000",
                "stateset" => "retry, waits 2000",
                _ => "delivered",
            },
        ),
    ]
}

fn nonsense() -> Vec<Fault> {
    vec![
        fault("500 with nothing", |_| Some(Mood::Answer(Response::html(500, ""))), unclear),
        fault(
            "500 with the vendor's error",
            |to| {
                let body = match to {
                    "agencyhandy" => json!({ "type": "ServerError", "status": 500, "message": "Something went wrong" }),
                    "leadsquared" => json!({ "Status": "Error", "ExceptionMessage": "Object reference not set" }),
                    "salesmap" => json!({ "message": "Unexpected Server Error" }),
                    "stateset" => json!({ "error": { "code": "INTERNAL_ERROR", "message": "Internal error" } }),
                    _ => json!({ "error": "internal" }),
                };
                Some(says(500, body))
            },
            unclear,
        ),
        fault(
            "500 that is LeadSquared's no",
            |to| {
                let kind = "MXInvalidEntityException";
                let body = json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": "No such field" });
                (to == "leadsquared").then(|| says(500, body))
            },
            |to| if to == "leadsquared" { "rejected" } else { "delivered" },
        ),
        // The website's own page: no API code ran, so nothing is in doubt.
        // (A receiver of webhooks that answers 2xx has taken the message, whatever else it says.)
        fault(
            "HTML under 200",
            |to| (to != "hook").then(|| page(200)),
            |to| if to == "hook" { "delivered" } else { AGAIN },
        ),
        fault(
            "a success without a record",
            |to| {
                let body = match to {
                    "agencyhandy" => json!({ "success": true, "data": { "addedLeads": [] } }),
                    "leadsquared" => json!({ "Status": "Success", "Message": { "AffectedRows": 0 } }),
                    "salesmap" => json!({ "success": true, "data": { "lead": {} } }),
                    "stateset" => json!({ "object": "lead" }),
                    _ => return None,
                };
                Some(says(201, body))
            },
            unclear_success,
        ),
        fault("an answer cut in half", |_| Some(Mood::Truncate), unclear_success),
        fault(
            "a redirect",
            |_| Some(Mood::Answer(Response::html(302, "").with("Location", "https://elsewhere.example.com/"))),
            |_| AGAIN,
        ),
        Fault {
            home: Some("api.leadsquared.com"),
            ..fault("the wrong region", |_| None, |to| if to == "leadsquared" { PARKED } else { "delivered" })
        },
    ]
}

fn statuses() -> Vec<Fault> {
    vec![
        fault("401", |_| Some(page(401)), |_| PARKED),
        fault("403", |_| Some(page(403)), |_| PARKED),
        fault("404", |_| Some(page(404)), |to| if matches!(to, "hook" | "salesmap") { AGAIN } else { "rejected" }),
        fault("408", |_| Some(page(408)), unclear),
        fault("423", |_| Some(page(423)), |_| AGAIN),
        fault("501", |_| Some(page(501)), |_| "rejected"),
        fault("502", |_| Some(page(502)), unclear),
        fault(
            "503 with a wait",
            |_| Some(Mood::Answer(Response::html(503, "").with("Retry-After", "3"))),
            |to| match to {
                "salesmap" => "in_doubt, counts, waits 3000, lead in doubt",
                _ => "retry, counts, waits 3000",
            },
        ),
    ]
}
