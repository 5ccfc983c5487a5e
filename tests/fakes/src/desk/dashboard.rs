//! The page of `make dev`: what the fakes hold, the latest requests, and buttons that make a vendor misbehave.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Mood, Moods};
use crate::{Fake, Request, Response};

/// How many of the latest requests are shown.
const LATEST: usize = 20;

/// How many of a record's values its row shows, and how much of each.
const VALUES: usize = 6;
const VALUE_CHARS: usize = 60;

const STYLE: &str = concat!(
    include_str!("../../../../src/pages/look.css"),
    "main{max-width:60rem;margin:0 auto;padding:var(--s5) var(--s3)}.card{margin:0 0 var(--s3)}.card>:last-child{margin:0}
form{display:flex;flex-wrap:wrap;gap:var(--s2);margin:0 0 var(--s2)}
form button{padding:.2rem .7rem;background:none;color:inherit;border-color:var(--line);font-weight:400}
[aria-pressed=true]{background:var(--go);color:var(--on-go);border-color:var(--go);font-weight:600}
td:first-child{white-space:nowrap;font-weight:600}td b{font-weight:400;color:var(--quiet);font-size:var(--small)}"
);

const HEAD: &str = "<h1>Fake CRMs</h1>
<p>What the vendors would hold. Submit a form and its record appears here within seconds. They are as strict as the vendors' \
documentation, and keep their records over a restart, as the Worker keeps its submissions: delete the folder \
<code>.wrangler</code> to start afresh.</p>
<details class=\"card\"><summary>The buttons make a vendor misbehave, until you press “well”</summary><table>";

/// Refreshes the page by parts: a reload would take away the keyboard's focus and fold what is open.
const REFRESH: &str = r#"<script>
const refresh = async () => {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (now && now.textContent !== part.textContent) part.innerHTML = now.innerHTML;
  }
  for (const list of document.querySelectorAll("[data-list]")) {
    const items = [...(page.querySelector(`[data-list="${list.dataset.list}"]`)?.children ?? [])];
    for (const [place, item] of items.entries()) {
      const known = [...list.children].find((child) => child.dataset.key === item.dataset.key);
      if (known?.textContent === item.textContent) continue;
      if (!known) list.insertBefore(item, list.children[place] ?? null);
      else {
        if (known.querySelector("details")?.open) item.querySelector("details").open = true;
        known.replaceWith(item);
      }
    }
    while (list.children.length > items.length) list.lastElementChild.remove();
  }
  for (const button of document.querySelectorAll("[aria-pressed]")) {
    const now = page.querySelector(`[formaction="${button.getAttribute("formaction")}"]`);
    button.setAttribute("aria-pressed", now.getAttribute("aria-pressed"));
  }
};
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch(event.submitter.formAction, { method: "POST" });
  await refresh();
});
setInterval(() => document.hidden || refresh().catch(() => {}), 2000);
</script>"#;

/// The page: records and moods by vendor, complaints, the latest requests.
pub(super) fn page(fakes: &[Box<dyn Fake>], seen: &[(String, Request)], moods: &Moods) -> Response {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <link rel=\"icon\" href=\"data:,\"><title>Fake CRMs</title><style>{STYLE}</style><main>{HEAD}"
    );
    for (mood, effect) in Mood::NAMES {
        let _ = write!(html, "<tr><td>{mood}<td>It {effect}.");
    }
    html.push_str("</table></details>");
    for fake in fakes {
        vendor(&mut html, fake.as_ref(), moods.get(fake.name()).map_or("well", |(mood, _)| mood));
    }
    html.push_str("<section class=\"card\"><h2>Latest requests</h2><div data-list=\"requests\">");
    for (place, (name, request)) in seen.iter().enumerate().rev().take(LATEST) {
        let body = request.json().map_or_else(|| request.body.clone(), |json| pretty(&json));
        let _ = write!(
            html,
            "<details data-key=\"{place}\"><summary>{}</summary><pre>{}</pre></details>",
            escape(&format!("{name}: {} {}", request.method, request.path)),
            escape(&body)
        );
    }
    html.push_str("</div></section></main>");
    html.push_str(REFRESH);
    Response::html(200, html)
}

/// A vendor: its moods, its complaints, its records, the newest first.
fn vendor(html: &mut String, fake: &dyn Fake, mood: &str) {
    let name = fake.name();
    let records = fake.records();
    let _ = write!(html, "<section class=\"card\" id=\"{name}\"><h2>{name}</h2><form method=\"post\">");
    for (other, effect) in Mood::NAMES {
        let pressed = *other == mood;
        let _ = write!(
            html,
            "<button formaction=\"/mood/{name}/{other}\" title=\"{effect}\" aria-pressed=\"{pressed}\">{other}</button>"
        );
    }
    let effect = Mood::NAMES.iter().find(|(other, _)| *other == mood).map_or("misbehaves for a test", |(_, it)| it);
    let _ = write!(
        html,
        "</form><p data-live=\"{name}-state\" role=\"status\">Now it {effect}. Records: {}</p><div data-live=\"{name}-complaints\">",
        records.len()
    );
    for complaint in fake.complaints() {
        let _ = write!(html, "<p class=\"bad\">Complaint: {}</p>", escape(&complaint));
    }
    let _ = write!(html, "</div><table><tbody data-list=\"{name}\">");
    for (place, record) in records.iter().enumerate().rev() {
        let _ =
            write!(html, "<tr data-key=\"{place}\"><td>{}<td>", escape(record["record"].as_str().unwrap_or("record")));
        let mut values = Vec::new();
        collect(record, "", &mut values);
        for (key, value) in values.into_iter().take(VALUES) {
            let value: String = value.chars().take(VALUE_CHARS).collect();
            let _ = write!(html, "<b>{}</b> {} ", escape(key), escape(&value));
        }
        let _ = write!(html, "<details><summary>JSON</summary><pre>{}</pre></details>", escape(&pretty(record)));
    }
    html.push_str("</tbody></table></section>");
}

/// The texts of a record that a person looks for, each once, with the name of its member: no ids, no times.
fn collect<'a>(value: &'a Value, key: &'a str, texts: &mut Vec<(&'a str, &'a str)>) {
    let is_id = |text: &str| {
        key.to_lowercase().ends_with("id")
            || text.len() > 18 && text.chars().all(|c| c.is_ascii_hexdigit() || "-:.TZ ".contains(c))
    };
    match value {
        Value::String(text) if text.trim().is_empty() || is_id(text) || ["record", "type"].contains(&key) => {}
        Value::String(text) if texts.iter().all(|(_, known)| known != text) => texts.push((key, text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, texts)),
        Value::Object(members) => members.iter().for_each(|(key, member)| collect(member, key, texts)),
        _ => {}
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
