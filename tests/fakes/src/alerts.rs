//! A receiver of alerts, as Slack's incoming webhooks are: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.
//!
//! It takes JSON with a `text`, answers `ok` as plain text, and keeps the texts.

use serde_json::{Value, json};

use crate::{Fake, Request, Response};

/// A channel with its messages.
#[derive(Debug, Default)]
pub struct Alerts {
    /// The texts, oldest first.
    pub texts: Vec<String>,
}

impl Fake for Alerts {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["alerts.example.com"]
    }

    fn answer(&mut self, request: &Request, _now_ms: i64) -> Response {
        let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let body = request.json().filter(|_| is_json && request.method == "POST");
        match body.as_ref().and_then(|body| body["text"].as_str()).filter(|text| !text.is_empty()) {
            Some(text) => {
                self.texts.push(text.to_owned());
                Response::html(200, "ok")
            }
            None => Response::html(400, "no_text"),
        }
    }

    fn records(&self) -> Vec<Value> {
        self.texts.iter().map(|text| json!({ "record": "message", "text": text })).collect()
    }
}
