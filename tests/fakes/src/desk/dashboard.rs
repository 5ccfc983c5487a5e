//! The page of `make dev`: what the fakes hold, the latest requests, and buttons that make a vendor misbehave.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Mood, Moods};
use crate::{Fake, Request, Response};

/// How many of the latest requests are shown.
const LATEST: usize = 20;

/// How much of a record's values its line shows.
const SUMMARY_CHARS: usize = 120;

const HEAD: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Fake vendors</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}
pre{overflow:auto;background:#8881;padding:.7rem;border-radius:.4rem;white-space:pre-wrap}h2{margin-top:2rem}
summary{overflow-wrap:anywhere}[aria-pressed=true]{font-weight:bold;outline:2px solid}</style>
<h1>Fake vendors</h1><p>What the vendors would hold. Submit a form and it appears here within seconds.</p>"#;

/// Replaces the parts that changed. A reload would take away the keyboard's focus and fold what is open.
const REFRESH: &str = r#"<script>setInterval(async () => {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = page.querySelector(`[data-live="${part.dataset.live}"]`)?.innerHTML;
    if (now !== undefined && now !== (part.last ?? part.innerHTML)) part.innerHTML = now;
    part.last = now;
  }
}, 2000)</script>"#;

/// The page: records and moods by vendor, complaints, the latest requests.
pub(super) fn page(fakes: &[Box<dyn Fake>], seen: &[(String, Request)], moods: &Moods) -> Response {
    let mut html = String::from(HEAD);
    for fake in fakes {
        let name = fake.name();
        let _ = write!(html, "<h2>{name}</h2>");
        buttons(&mut html, name, moods.get(name).map_or("well", |(mood, _)| mood));
        let records = fake.records();
        let _ = write!(html, "<div data-live=\"{name}\"><p>{} records</p>", records.len());
        for complaint in fake.complaints() {
            let _ = write!(html, "<p><strong>Complaint:</strong> {}</p>", escape(&complaint));
        }
        for record in records.iter().rev() {
            folded(&mut html, &summary(record), &pretty(record));
        }
        html.push_str("</div>");
    }
    html.push_str("<h2>Latest requests</h2><div data-live=\"requests\">");
    for (name, request) in seen.iter().rev().take(LATEST) {
        let body = request.json().map_or_else(|| request.body.clone(), |json| pretty(&json));
        folded(&mut html, &format!("{name}: {} {}", request.method, request.path), &body);
    }
    html.push_str("</div>");
    html.push_str(REFRESH);
    Response::html(200, html)
}

/// A button for each mood; the active one is pressed, and its effect is spelled out.
fn buttons(html: &mut String, fake: &str, active: &str) {
    html.push_str("<form method=\"post\">");
    for (mood, effect) in Mood::NAMES {
        let pressed = *mood == active;
        let _ = write!(
            html,
            "<button formaction=\"/mood/{fake}/{mood}\" title=\"{effect}\" aria-pressed=\"{pressed}\">{mood}</button> "
        );
    }
    let effect = Mood::NAMES.iter().find(|(mood, _)| *mood == active).map_or("misbehaves for a test", |(_, it)| it);
    let _ = write!(html, "<br>Now it {effect}.</form>");
}

fn folded(html: &mut String, summary: &str, text: &str) {
    let _ = write!(html, "<details><summary>{}</summary><pre>{}</pre></details>", escape(summary), escape(text));
}

/// The texts of a record in one line.
fn summary(record: &Value) -> String {
    fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    collect(record, &mut texts);
    texts.join(" · ").chars().take(SUMMARY_CHARS).collect()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
