//! Replies of the operator API, and what is shown of submissions. Times are RFC 3339.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::lead::rfc3339;
use crate::domain::text;
use crate::intake::Reply;

/// What went wrong, and what to do.
pub fn error(status: u16, message: &str) -> Reply {
    json_reply(status, &json!({ "ok": false, "error": message }))
}

/// A reply in JSON.
pub fn json_reply<T: Serialize>(status: u16, value: &T) -> Reply {
    let json = serde_json::to_string(value).unwrap_or_default() + "\n";
    let body = text::escape_controls(&json).into_owned();
    Reply { status, headers: headers("application/json; charset=utf-8"), body }
}

/// The headers of every reply.
pub fn headers(content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Content-Type", content_type.to_owned()),
        ("Cache-Control", "no-store".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ]
}

/// A moment, milliseconds since 1970, as RFC 3339; null stays null.
pub fn time(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| json!(rfc3339(at)))
}

/// A submission, or one with its lead and audit trail, as the operator sees it.
pub fn submission<T: Serialize>(view: &T) -> Value {
    let mut shown = serde_json::to_value(view).unwrap_or_default();
    show_time(&mut shown, "received_at");
    for delivery in list(&mut shown, "deliveries") {
        show_time(delivery, "next_at");
        if let Some(failure) = delivery.get_mut("failure").filter(|failure| failure.is_object()) {
            *failure = json!({ "kind": failure["kind"], "detail": failure["detail"].as_str().unwrap_or_default() });
        }
        for attempt in list(delivery, "timeline") {
            show_time(attempt, "at");
        }
    }
    for line in list(&mut shown, "audit") {
        show_time(line, "at");
    }
    shown
}

fn list<'a>(value: &'a mut Value, member: &str) -> &'a mut [Value] {
    value.get_mut(member).and_then(Value::as_array_mut).map(Vec::as_mut_slice).unwrap_or_default()
}

fn show_time(value: &mut Value, member: &str) {
    if let Some(at) = value.get_mut(member).filter(|at| at.is_i64()) {
        *at = time(at.as_i64());
    }
}
