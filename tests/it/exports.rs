//! Exports as CSV and NDJSON: everything that a filter matches, no formula, and no file that only looks complete.

use serde_json::{Value, json};

use crate::hooks::{self, pages};
use crate::intake::world;
use crate::world::{ADMIN_TOKEN, World};

const HOSTILE: &[&str] = &[
    "=HYPERLINK(\"https://evil.example\",\"click\")",
    "+82 10-1234-5678",
    "-1",
    "@SUM(A1:A9)",
    "<script>alert(1)</script>",
    "say \"hi\", she said; 'no'",
    "line one\nline two",
    "\u{202e}gnirts\u{202c} \u{200f}עברית",
    "{\"json\":[1,2]}",
    "상담, \"문의\"",
];

/// The records of RFC 4180.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && record.is_empty(), "the file ends in the middle of a record");
    records
}

#[test]
fn exports_hold_everything_and_no_formula() {
    let world = world(&json!({ "FORM_CONTACT": { "shards": 2 }, "FORM_OTHER": {} }));
    let mut sent = Vec::new();
    for (number, text) in HOSTILE.iter().enumerate() {
        let pairs = [
            ("email", format!("p{number}@example.com")),
            ("message", (*text).to_owned()),
            ("tag", "a".into()),
            ("tag", "b".into()),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let id = world.submit("contact", &body);
        world.delivered("contact", &id);
        sent.push((id, *text));
    }
    world.submit("other", "email=other@example.com");
    sent.reverse();
    let reply = world.operator("GET", "/api/submissions.csv?form=contact", "");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"submissions.csv\""));
    let text = reply.body.strip_prefix('\u{feff}').expect("a byte order mark");
    let records = csv(text);
    let columns = [
        "id",
        "form",
        "received_at",
        "email",
        "message",
        "tag",
        "other_fields",
        "page",
        "country",
        "locale",
        "reasons",
        "deliveries",
        "records",
    ];
    assert_eq!(records[0], columns);
    assert_eq!(records.len(), sent.len() + 1);
    for (record, (id, text)) in records[1..].iter().zip(&sent) {
        assert_eq!((&record[0], record[1].as_str(), record[5].as_str()), (id, "contact", "a\nb"));
        let cell = record[4].as_str();
        assert!(cell == *text || cell == format!("'{text}"), "{cell}");
        assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{record:?}");
        assert_eq!(record[11..], ["hook: delivered".to_owned(), format!("hook: {id}-hook")]);
    }
    let reply = world.operator("GET", "/api/submissions.ndjson?form=contact", "");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")));
    let lines: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines, pages(&world, "form=contact").concat());
    let all = world.operator("GET", "/api/submissions.ndjson", "");
    assert_eq!(all.body.lines().count(), sent.len() + 1);
    let filtered = world.operator("GET", "/api/submissions.csv?q=p3%40example.com", "");
    assert_eq!(csv(filtered.body.trim_start_matches('\u{feff}')).len(), 2);
}

#[test]
fn a_long_export_comes_in_parts_and_breaks_off_when_a_part_is_missing() {
    let mut vars = hooks::vars(&[("hook", hooks::hook())]);
    vars["FORM_CONTACT"]["shards"] = json!(2);
    let mut world = World::new(&vars, hooks::SECRETS, hooks::fakes());
    let long = "x".repeat(40_000);
    let sent: Vec<String> =
        (0..90).map(|number| world.submit("contact", &format!("email=p{number}@example.com&message={long}"))).collect();
    let reply = world.operator("GET", "/api/submissions.ndjson", "");
    let mut found: Vec<String> = reply
        .body
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].as_str().expect("an id").to_owned())
        .collect();
    found.reverse();
    assert_eq!(found, sent);
    // The second part is not answered.
    world.on_platform(
        r#"
globalThis.onAsk = (question) => {
  if (question.startsWith('{"list":') && JSON.parse(question).list.before) throw new Error("no");
};
"#,
    );
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let response = agent
        .get(format!("http://{}/api/submissions.ndjson", world.worker.address))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .call();
    assert!(response.and_then(|mut response| response.body_mut().read_to_string()).is_err(), "the file looks complete");
}
