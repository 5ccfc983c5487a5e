//! Replies of the operator API.

use serde_json::{Value, json};

use crate::intake::Reply;

pub use crate::edge::answer::{error, headers, json_reply};

/// A part of the storage does not answer, and without it the reply would be wrong.
pub fn unreachable() -> Reply {
    error(503, "a part of the storage does not answer: send the same again in a minute")
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
