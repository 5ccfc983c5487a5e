//! How a fake misbehaves, and the gate that holds up requests until a test opens it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::Response;

/// How a fake misbehaves, for one request.
#[derive(Debug, Clone)]
pub enum Mood {
    /// Responds with this and does nothing.
    Answer(Response),
    /// Does its work and responds with this: a record is created and the response does not say so.
    WorkThenAnswer(Response),
    /// A firewall in front of the vendor: responds with 403 when the body contains this text; else it works as always.
    Firewall(&'static str),
    /// Works as always, after a pause.
    Slow(Duration),
    /// Works as always, once the gate is open.
    Hold(Gate),
    /// Does its work, sends the head and half of the body, and stays silent for this long.
    Stall(Duration),
    /// Closes the connection after the headers, before the body.
    DropBeforeBody,
    /// Reads the request, closes the connection, does nothing.
    DropUnread,
    /// Does its work and closes the connection: the response is lost.
    DropAfterWork,
    /// Does its work and sends half of the body, with a length that fits.
    Truncate,
}

impl Mood {
    /// The moods that the page for people offers, and what each does. The first is good behavior.
    pub const NAMES: &[(&str, &str)] = &[
        ("well", "responds as the vendor would"),
        ("slow", "responds after 10 seconds"),
        ("down", "responds with 503 and does nothing"),
        ("busy", "responds with 429 and Retry-After: 10, and does nothing"),
        ("html", "responds with 200 and a sign-in page, and does nothing"),
        ("refusing", "responds with 400 and does nothing"),
        ("hung-up", "closes the connection without a response and does nothing"),
        ("answer-lost", "creates the record, then closes the connection without a response"),
        ("truncated", "creates the record and sends half of the response"),
    ];

    /// The mood of this name; `None` for good behavior.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "slow" => Self::Slow(Duration::from_secs(10)),
            "down" => Self::Answer(Response::html(503, "Service Unavailable")),
            "busy" => Self::Answer(Response::html(429, "Too Many Requests").with("Retry-After", "10")),
            "html" => Self::Answer(Response::html(200, "<!doctype html><title>Sign in</title>")),
            "refusing" => Self::Answer(rejection("rejected by the fake")),
            "hung-up" => Self::DropUnread,
            "answer-lost" => Self::DropAfterWork,
            "truncated" => Self::Truncate,
            _ => return None,
        })
    }
}

/// Holds up requests until a test opens it, so that the test needs no clock. Its clones are the same gate, closed at first.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets every request through, now and later.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open.
    pub fn pass(&self) {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_while(open, |open| !*open).unwrap_or_else(PoisonError::into_inner));
    }
}

/// A 400 that every vendor's connector reads as its own.
fn rejection(message: &str) -> Response {
    let body = json!({
        "message": message, "reason": message, "success": false, "Status": "Error", "ExceptionType": "MXException",
        "ExceptionMessage": message, "error": { "code": "X", "message": message }, "type": "ValidationError",
        "category": "VALIDATION_ERROR",
    });
    Response::json(400, body)
}
