//! Replies of the operator API.

use serde_json::{Value, json};

use crate::domain::text;
use crate::intake::Reply;

/// What went wrong, and what to do.
pub fn error(status: u16, message: &str) -> Reply {
    json_reply(status, &json!({ "ok": false, "error": message }))
}

/// A part of the storage does not answer, and without it the reply would be wrong.
pub fn unreachable() -> Reply {
    error(503, "a part of the storage does not answer: send the same again in a minute")
}

/// A reply in JSON.
pub fn json_reply(status: u16, value: &Value) -> Reply {
    let body = text::escape_controls(&format!("{value}\n")).into_owned();
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

/// Adds another part of the same: numbers are added, lists joined, members merged. Of anything else, what is there stays.
pub fn add(sum: &mut Value, part: Value) {
    match (&mut *sum, part) {
        (Value::Null, part) => *sum = part,
        (Value::Number(number), Value::Number(more)) => {
            *sum = json!(number.as_i64().unwrap_or(0) + more.as_i64().unwrap_or(0));
        }
        (Value::Array(list), Value::Array(more)) => list.extend(more),
        (Value::Object(members), Value::Object(more)) => {
            for (name, part) in more {
                add(members.entry(name).or_insert(Value::Null), part);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added() {
        let mut sum = json!({ "a": 1, "list": [1], "b": { "c": 2 }, "text": "x", "none": null });
        add(
            &mut sum,
            json!({ "a": 2, "list": [2], "b": { "c": 3, "d": 4 }, "text": "y", "none": "z", "new": { "e": 1 } }),
        );
        let expected = json!({
            "a": 3, "list": [1, 2], "b": { "c": 5, "d": 4 }, "text": "x", "none": "z", "new": { "e": 1 },
        });
        assert_eq!(sum, expected);
    }
}
