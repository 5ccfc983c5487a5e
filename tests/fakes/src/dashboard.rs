//! What the fakes hold, as a small page for `make dev`, with buttons that make a vendor misbehave.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::{Fake, Mood, Request, Response};

/// How many of the latest requests are shown.
const LATEST: usize = 20;

/// The page: records by vendor, complaints, the latest requests. It reloads itself.
pub fn page(fakes: &[Box<dyn Fake>], seen: &[(String, Request)], moods: &HashMap<String, Mood>) -> Response {
    let mut html = String::from(concat!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"3\">",
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Fake CRMs</title>",
        "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}pre{overflow:auto;",
        "background:#8881;padding:.7rem;border-radius:.4rem;white-space:pre-wrap}h2{margin-top:2rem}</style>",
        "<h1>Fake CRMs</h1><p>What the vendors would hold. Submit a form and it appears here within seconds.</p>",
    ));
    for fake in fakes {
        let records = fake.records();
        let _ = write!(html, "<h2>{} <small>{} records</small></h2>", fake.name(), records.len());
        buttons(&mut html, fake.name(), moods.contains_key(fake.name()));
        for complaint in fake.complaints() {
            let _ = write!(html, "<p><strong>Complaint:</strong> {}</p>", escape(&complaint));
        }
        for record in records.iter().rev() {
            let _ = write!(html, "<pre>{}</pre>", escape(&pretty(record)));
        }
    }
    html.push_str("<h2>Latest requests</h2>");
    for (name, request) in seen.iter().rev().take(LATEST) {
        let body = request.json().map_or_else(|| request.body.clone(), |json| pretty(&json));
        let line = format!("{name}: {} {}\n{body}", request.method, request.path);
        let _ = write!(html, "<pre>{}</pre>", escape(&line));
    }
    Response::html(200, html)
}

/// A button for each way to behave.
fn buttons(html: &mut String, fake: &str, misbehaves: bool) {
    let state = if misbehaves { "It misbehaves now. " } else { "" };
    let _ = write!(html, "<form method=\"post\">{state}Behave: ");
    for mood in Mood::NAMES {
        let _ = write!(html, "<button formaction=\"/mood/{fake}/{mood}\">{mood}</button> ");
    }
    html.push_str("</form>");
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
