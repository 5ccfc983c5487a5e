//! A form that leads to a webhook and, beside it, to StateSet: what the tests of the Outbox's promises share.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, thread};

use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Fake, Response};
use serde_json::{Value, json};

use crate::world::{World, delivery, quick};

pub const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";
pub const SECRETS: &[(&str, &str)] =
    &[("HOOK_SIGNING_SECRET", SECRET), ("STATESET_API_KEY", "sk_test_1"), ("SALESMAP_TOKEN", "t1")];

pub fn fakes() -> Vec<Box<dyn Fake>> {
    vec![Box::new(Webhook::new(SECRET)), Box::new(StateSet::new("sk_test_1")), Box::new(Salesmap::new("t1"))]
}

/// A webhook with the schedule of the product.
pub fn slow_hook() -> Value {
    json!({ "type": "webhook", "url": "https://hooks.example.com/leads" })
}

/// A webhook with a schedule that tests can wait for.
pub fn hook() -> Value {
    quick(slow_hook())
}

pub fn stateset() -> Value {
    quick(json!({ "type": "stateset" }))
}

/// The form `contact`, which leads to these destinations.
pub fn vars(destinations: &[(&str, Value)]) -> Value {
    let names: Vec<_> = destinations.iter().map(|(name, _)| *name).collect();
    let mut vars = json!({ "FORM_CONTACT": { "destinations": names } });
    for (name, table) in destinations {
        vars[format!("DESTINATION_{}", name.to_uppercase())] = table.clone();
    }
    vars
}

pub fn answer(status: u16) -> Response {
    Response::json(status, json!({ "error": "told to" }))
}

/// Posts so many different submissions, several at a time: their ids.
pub fn submit_many(world: &World, prefix: &str, count: usize) -> Vec<String> {
    thread::scope(|scope| {
        let submit = |thread: usize| {
            scope.spawn(move || {
                let mine = (0..count).filter(|number| number % 3 == thread);
                mine.map(|n| world.submit("contact", &format!("name=Kim&email={prefix}{n}@example.com"))).collect()
            })
        };
        let threads: Vec<_> = (0..3).map(submit).collect();
        threads.into_iter().flat_map(|thread| -> Vec<String> { thread.join().expect("submissions") }).collect()
    })
}

/// The operator's view of one delivery: state, tries and trouble.
pub fn stands(world: &World, id: &str, destination: &str) -> (String, u64, String) {
    let view = world.submission("contact", id);
    let found = delivery(&view, destination);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&found["state"]), found["attempts"].as_u64().expect("tries"), text(&found["failure"]["kind"]))
}

/// How often each of these submissions is among the webhook's messages.
pub fn copies(world: &World, ids: &[String]) -> Vec<usize> {
    let records = world.fakes.records("webhook");
    ids.iter().map(|id| records.iter().filter(|record| record["data"]["id"] == json!(id)).count()).collect()
}

/// Waits until the fake has so many records.
pub fn wait_for_records(world: &World, fake: &str, count: usize) {
    world.wait_for(|| (world.fakes.records(fake).len() >= count).then_some(()));
}

/// Everything that the operator's list has of the form, page by page.
pub fn list(world: &World) -> Vec<Value> {
    pages(world, "form=contact").concat()
}

/// Every part of the list with these parameters.
pub fn pages(world: &World, query: &str) -> Vec<Vec<Value>> {
    let (mut all, mut path) = (Vec::new(), format!("/api/submissions?{query}"));
    loop {
        let part = world.api("GET", &path, "");
        all.push(part["submissions"].as_array().cloned().expect("a list"));
        let Some(next) = part["next"].as_str() else { return all };
        path = format!("/api/submissions?{query}&before={next}");
    }
}

/// JavaScript that sets the Worker's clock this many milliseconds ahead; back, when it is negative. The platform's own
/// clock, by which alarms ring, stays right.
pub fn clock_off_by(millis: i64) -> String {
    format!("const Right = Date; const now = () => Right.now() + {millis};") + CLOCK
}

/// The same with a clock that stands still until the next start: however slow the machine, nothing comes due that was
/// not due at first. Alarms ring all the same, after the pause that they were given.
pub fn clock_stopped_at(millis: i64) -> String {
    // While its modules are loaded the platform has no time: zero.
    format!("const Right = Date; let stopped = 0; const now = () => (stopped ||= Right.now()) + {millis};") + CLOCK
}

/// JavaScript that calls the function `onAccept(submission, isFirst, isForwarded, question)` before an object reads a
/// submission. The form's own object is asked twice (`isFirst`), then the overflow, which forwards what it stored.
pub const ON_ACCEPT: &str = r#"
const asked = {};
globalThis.onAsk = async (question) => {
  if (!question.startsWith('{"accept":')) return;
  const { new: { submission }, is_forwarded } = JSON.parse(question).accept;
  const isFirst = !is_forwarded && (asked[submission.id] = (asked[submission.id] ?? 0) + 1) <= 2;
  await onAccept(submission, isFirst, is_forwarded, question);
};
"#;

/// A platform on which the form's own object takes nothing: everything stays in the overflow.
pub fn first_object_fails() -> String {
    format!(
        "{ON_ACCEPT} function onAccept(_, isFirst, isForwarded) {{ if (isFirst || isForwarded) throw new Error('no'); }}"
    )
}

const CLOCK: &str = r#"
globalThis.Date = class extends Right {
  constructor(...given) { given.length > 0 ? super(...given) : super(now()); }
  static now() { return now(); }
};
const ahead = () => now() - Right.now();
globalThis.onObject = (ctx) => {
  const { setAlarm, getAlarm } = ctx.storage;
  Object.defineProperty(ctx.storage, "setAlarm", { value: (at, ...rest) => setAlarm.call(ctx.storage, +at - ahead(), ...rest) });
  Object.defineProperty(ctx.storage, "getAlarm", { value: async (...rest) => {
    const at = await getAlarm.apply(ctx.storage, rest);
    return at === null ? null : at + ahead();
  } });
};
"#;

/// The time, milliseconds since 1970.
pub fn millis() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "tests run natively")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Every file in a folder and below.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The databases of the objects that workerd stores here.
pub fn objects(storage: &Path) -> Vec<PathBuf> {
    let mut files = files(&storage.join("outbox"));
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".sqlite") && !name.starts_with("metadata")
    });
    files
}

/// Whether a database has this text in it, or in what was written last.
pub fn holds(database: &Path, text: &str) -> bool {
    let log = PathBuf::from(format!("{}-wal", database.display()));
    [database.to_owned(), log].iter().any(|file| {
        let bytes = fs::read(file).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}
