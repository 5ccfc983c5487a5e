//! A receiver of webhooks that checks what Standard Webhooks requires:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
//!
//! The signature covers id, time and body; the time is at most five minutes off; a repeated id gets 200 and is dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::{Fake, Request, Response};

const TOLERANCE_S: i64 = 300;

/// A receiver with the messages that it accepted.
#[derive(Debug)]
pub struct Webhook {
    key: Vec<u8>,
    messages: Vec<(String, Value)>,
    /// How many repeats were dropped.
    pub repeats: usize,
}

impl Webhook {
    /// A receiver that shares `secret` (`whsec_` and base64) with the sender.
    ///
    /// # Panics
    /// When the secret is malformed.
    pub fn new(secret: &str) -> Self {
        let key = secret.strip_prefix("whsec_").and_then(|key| BASE64.decode(key).ok());
        Self { key: key.expect("a secret is whsec_ and base64"), messages: Vec::new(), repeats: 0 }
    }

    /// The message's id and content, or what is wrong with it.
    fn verified(&self, request: &Request, now_ms: i64) -> Result<(String, Value), (u16, &'static str)> {
        let header = |name| request.header(name).filter(|value| !value.is_empty());
        if request.method != "POST" {
            return Err((405, "only POST"));
        }
        if header("content-type") != Some("application/json") {
            return Err((415, "not application/json"));
        }
        let id = header("webhook-id").ok_or((400, "no webhook-id"))?;
        let time = header("webhook-timestamp").ok_or((400, "no webhook-timestamp"))?;
        let signatures = header("webhook-signature").ok_or((400, "no webhook-signature"))?;
        let seconds: i64 = time.parse().map_err(|_| (400, "webhook-timestamp is not a number of seconds"))?;
        if (now_ms / 1000 - seconds).abs() > TOLERANCE_S {
            return Err((400, "webhook-timestamp is more than five minutes off"));
        }
        let signed = format!("{id}.{time}.{}", request.body);
        if !signatures.split(' ').any(|signature| self.is_signature(signature, &signed)) {
            return Err((401, "the signature does not match"));
        }
        let body = request.json().filter(Value::is_object).ok_or((400, "the body is not a JSON object"))?;
        for key in ["type", "timestamp", "data"] {
            if body.get(key).is_none() {
                return Err((400, "the body lacks type, timestamp or data"));
            }
        }
        Ok((id.to_owned(), body))
    }

    fn is_signature(&self, signature: &str, signed: &str) -> bool {
        let Some(bytes) = signature.strip_prefix("v1,").and_then(|text| BASE64.decode(text).ok()) else {
            return false;
        };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return false };
        mac.update(signed.as_bytes());
        mac.verify_slice(&bytes).is_ok()
    }
}

impl Fake for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &[]
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        match self.verified(request, now_ms) {
            Err((status, message)) => Response::json(status, json!({ "error": message })),
            Ok((id, _)) if self.messages.iter().any(|(known, _)| *known == id) => {
                self.repeats += 1;
                Response::json(200, json!({ "status": "repeat" }))
            }
            Ok(message) => {
                self.messages.push(message);
                Response::json(200, json!({ "status": "ok" }))
            }
        }
    }

    fn records(&self) -> Vec<Value> {
        let record = |(id, body): &(String, Value)| {
            let mut record =
                Map::from_iter([("record".to_owned(), json!("message")), ("webhook_id".to_owned(), json!(id))]);
            record.extend(body.as_object().cloned().unwrap_or_default());
            Value::Object(record)
        };
        self.messages.iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NOW: i64 = 1_763_000_000_000;
    const BODY: &str = r#"{"type":"submission","timestamp":"2025-11-13T02:13:20.000Z","data":{"id":"1"}}"#;

    fn sign(id: &str, time: &str, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&Webhook::new(SECRET).key).unwrap();
        mac.update(format!("{id}.{time}.{body}").as_bytes());
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }

    fn message(id: &str, seconds: i64, body: &str) -> Request {
        let time = seconds.to_string();
        let signature = sign(id, &time, body);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Request {
            method: "POST".into(),
            host: "hooks.example.com".into(),
            path: "/catch/1".into(),
            query: Vec::new(),
            headers: vec![
                header("content-type", "application/json"),
                header("webhook-id", id),
                header("webhook-timestamp", &time),
                header("webhook-signature", &signature),
            ],
            body: body.into(),
        }
    }

    #[test]
    fn the_published_test_vector() {
        assert_eq!(
            sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_repeated_id_is_stored_once() {
        let mut fake = Webhook::new(SECRET);
        assert_eq!(fake.answer(&message("m1", NOW / 1000, BODY), NOW), Response::json(200, json!({ "status": "ok" })));
        // A later attempt has another time, and so another signature.
        let again = fake.answer(&message("m1", NOW / 1000 + 60, BODY), NOW + 60_000);
        assert_eq!(again, Response::json(200, json!({ "status": "repeat" })));
        assert_eq!(fake.repeats, 1);
        assert_eq!(
            fake.records(),
            [json!({
                "record": "message",
                "webhook_id": "m1",
                "type": "submission",
                "timestamp": "2025-11-13T02:13:20.000Z",
                "data": { "id": "1" },
            })]
        );
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let mut request = message("m1", NOW / 1000, BODY);
        request.headers[3].1 = format!("v1a,abc v1,AAAA {}", request.headers[3].1);
        assert_eq!(Webhook::new(SECRET).answer(&request, NOW).status, 200);
    }

    #[test]
    fn invalid_messages_are_rejected() {
        let without = |at: usize| {
            let mut request = message("m1", NOW / 1000, BODY);
            request.headers.remove(at);
            request
        };
        let with = |at: usize, value: &str| {
            let mut request = message("m1", NOW / 1000, BODY);
            request.headers[at].1 = value.to_owned();
            request
        };
        let rows = [
            (Request { method: "GET".into(), ..message("m1", NOW / 1000, BODY) }, 405, "only POST"),
            (without(0), 415, "not application/json"),
            (without(1), 400, "no webhook-id"),
            (without(2), 400, "no webhook-timestamp"),
            (without(3), 400, "no webhook-signature"),
            (with(2, "soon"), 400, "webhook-timestamp is not a number of seconds"),
            (message("m1", NOW / 1000 - 301, BODY), 400, "webhook-timestamp is more than five minutes off"),
            (message("m1", NOW / 1000 + 301, BODY), 400, "webhook-timestamp is more than five minutes off"),
            (with(1, "m2"), 401, "the signature does not match"),
            (with(3, "v1,AAAA"), 401, "the signature does not match"),
            (
                Request { body: format!("{BODY} "), ..message("m1", NOW / 1000, BODY) },
                401,
                "the signature does not match",
            ),
            (message("m1", NOW / 1000, "[]"), 400, "the body is not a JSON object"),
            (message("m1", NOW / 1000, "{}"), 400, "the body lacks type, timestamp or data"),
        ];
        let mut fake = Webhook::new(SECRET);
        for (request, status, message) in rows {
            assert_eq!(fake.answer(&request, NOW), Response::json(status, json!({ "error": message })));
        }
        assert_eq!(fake.records(), [] as [Value; 0]);
    }
}
