//! Stored before thanked: if a form's Outbox does not respond, the overflow stores the submission and forwards it. Each
//! submission becomes one lead, whether or not the Outbox had stored it.

use std::path::{Path, PathBuf};
use std::{fs, thread};

use fakes::{Fake, Gate, Mood, Request, Response};
use serde_json::{Value, json};

use crate::hooks::{
    ON_ACCEPT, SECRETS, clock_off_by, copies, fakes, first_object_fails, holds, hook, objects, stateset, vars,
    wait_for_records,
};
use crate::world::{ADMIN_TOKEN, Reply, World, at_once};

/// What happens to a submission in its first object, by its email: `slow@` arrives there after its deadline, `late@` is
/// stored there and the response is lost, `lost@` arrives nowhere in time. Of a pair, one arrives there too late: the second
/// (`earlier…@`) or the first (`later…@`). What hangs goes on when the gate opens.
const PRELUDE: &str = r#"
const pause = () => fetch("https://gate.example.com/");
let isLate = false, asks = 0;
const times = {};
const isLost = (who) => {
  times[who] = (times[who] ?? 0) + 1;
  return who.startsWith("earlier") ? times[who] === 2 || times[who] === 3 : times[who] <= 2;
};
globalThis.onAnswer = async () => {
  if (isLate) { isLate = false; await pause(); }
};
async function onAccept(_, isFirst, isForwarded, body) {
  if (body.includes("lost@") && !isForwarded) await pause();
  if (!isFirst) return;
  if (body.includes("slow@")) await pause();
  const who = body.match(/(earlier|later)\w*@/);
  if (who && isLost(who[0])) await pause();
  if (body.includes("late@")) {
    asks += 1;
    if (asks === 1) isLate = true; else await pause();
  }
}
"#;

fn submissions(world: &World) -> Reply {
    let token = format!("Bearer {ADMIN_TOKEN}");
    world.send("GET", "/api/submissions?form=contact", &[("authorization", &token)], b"")
}

fn listed(world: &World) -> Vec<Value> {
    submissions(world).json()["submissions"].as_array().cloned().unwrap_or_default()
}

/// Posts as one visitor's browser, with an idempotency key if there is one: the id.
fn post(world: &World, visitor: &str, key: Option<&str>) -> String {
    let form = "application/x-www-form-urlencoded";
    let mut headers = vec![("accept", "application/json"), ("content-type", form), ("user-agent", visitor)];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let reply = world.send("POST", "/f/contact", &headers, format!("email={visitor}@example.com").as_bytes());
    assert_eq!(reply.status, 200, "{visitor}: {}", reply.body);
    reply.json()["id"].as_str().expect("an id").to_owned()
}

fn forwarded(world: &World) -> usize {
    world.worker.log().matches(r#""event":"forwarded""#).count()
}

/// What the objects hang on.
struct Hanging;

impl Fake for Hanging {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["gate.example.com"]
    }

    fn answer(&mut self, _: &Request, _: i64) -> Response {
        Response::json(200, json!({}))
    }

    fn records(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// A world on [`PRELUDE`], and the gate.
fn gated(vars: &Value) -> (World, Gate) {
    let fakes = [fakes(), vec![Box::new(Hanging)]].into_iter().flatten().collect();
    let world = World::with_prelude(vars, SECRETS, fakes, &(PRELUDE.to_owned() + ON_ACCEPT));
    let gate = Gate::default();
    world.fakes.always("gate", Some(Mood::Hold(gate.clone())));
    (world, gate)
}

/// Damages the database that holds `text`, as a broken disk would. Returns the files as they were.
fn damage(storage: &Path, text: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let found: Vec<_> = objects(storage).into_iter().filter(|file| holds(file, text)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let files = ["", "-wal", "-shm"].map(|suffix| PathBuf::from(format!("{}{suffix}", found[0].display())));
    let kept = files.iter().filter_map(|file| Some((file.clone(), fs::read(file).ok()?))).collect();
    fs::write(&files[0], "no database ".repeat(1000)).expect("a damaged file");
    for file in &files[1..] {
        let _ = fs::remove_file(file);
    }
    kept
}

#[test]
fn submissions_to_a_damaged_outbox_wait_in_the_overflow_until_it_works_again() {
    let mut world = World::new(&vars(&[("stateset", stateset())]), SECRETS, fakes());
    let first = world.submit("contact", "name=Kim&email=first@example.com");
    world.delivered("contact", &first);
    let mut files = Vec::new();
    world.worker.while_down(|storage| files = damage(storage, "first@example.com"));
    let submit = |n| world.submit("contact", &format!("name=Kim&email=a{n}@example.com"));
    let ids: Vec<_> = (0..3).map(submit).collect();
    // The operator sees them, and that a part of the list cannot be read.
    let list = submissions(&world);
    assert_eq!(list.status, 200, "{}", list.body);
    let listed: Vec<Value> = listed(&world).iter().map(|view| view["id"].clone()).collect();
    assert_eq!(listed, [&ids[2], &ids[1], &ids[0]].map(|id| json!(id)));
    assert_eq!(list.json()["unreachable"], json!(["contact"]));
    let token = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/api/forms/contact/submissions/{first}");
    assert_eq!(world.send("GET", &path, &[("authorization", &token)], b"").status, 503);

    // The overflow keeps trying, and delivers nothing by itself.
    let failures = || world.worker.log().matches(r#""what":"forward""#).count();
    let before = failures();
    world.wait_for(|| (failures() > before).then_some(()));
    assert_eq!((world.fakes.records("stateset").len(), forwarded(&world)), (1, 0));
    world.worker.while_down(|_| {
        for (file, bytes) in &files {
            fs::write(file, bytes).expect("the file as it was");
        }
    });
    world.wait_for(|| (forwarded(&world) == ids.len()).then_some(()));
    for id in ids.iter().chain([&first]) {
        world.delivered("contact", id);
    }
    assert_eq!(world.fakes.requests("stateset").len(), 4);
}

#[test]
fn a_repeat_is_one_lead_whichever_object_took_the_original() {
    let (world, gate) = gated(&vars(&[("hook", hook()), ("stateset", stateset())]));
    // The same message twice from the same browser: one to the form's own object, one to the overflow.
    let rows = [("earlier", None), ("earlierkey", Some("k1")), ("later", None), ("laterkey", Some("k2"))];
    thread::scope(|scope| {
        for (who, key) in rows {
            let world = &world;
            scope.spawn(move || (0..2).for_each(|_| drop(post(world, who, key))));
        }
    });
    gate.open();
    world.wait_for(|| (forwarded(&world) == rows.len()).then_some(()));
    wait_for_records(&world, "webhook", rows.len());
    let listed = listed(&world);
    assert_eq!(listed.len(), rows.len());
    for view in &listed {
        world.settled("contact", view["id"].as_str().expect("an id"));
        // A key recognizes its own submission; only the others count as repeats.
        let has_key = view["fields"][0][1].as_str().is_some_and(|email| email.contains("key"));
        assert_eq!(view["repeats"].as_u64().unwrap_or_default() > 0, !has_key, "{view:#}");
    }
    assert_eq!([world.fakes.requests("webhook").len(), world.fakes.records("stateset").len()], [rows.len(); 2]);
}

#[test]
fn a_repeat_is_one_lead_although_clocks_differ() {
    const HOUR: i64 = 60 * 60 * 1000;
    let rows = [(-3 * HOUR, Some("k")), (3 * HOUR, Some("k")), (-5_000, Some("k")), (-5_000, None), (5_000, None)];
    at_once(rows.into(), |(offset, key)| {
        let vars = vars(&[("stateset", stateset())]);
        let mut world = World::with_prelude(&vars, SECRETS, fakes(), &first_object_fails());
        post(&world, "kim", key);
        // The form's own object works again, and its clock is off; the overflow has not reached it yet.
        let unreached = "function onAccept(_, isFirst, isForwarded) { if (isForwarded) throw new Error('no'); }";
        world.on_platform(&(clock_off_by(offset) + ON_ACCEPT + unreached));
        let id = post(&world, "kim", key);
        world.delivered("contact", &id);
        world.on_platform("");
        world.wait_for(|| (forwarded(&world) == 1).then_some(()));
        let ids: Vec<Value> = listed(&world).iter().map(|view| view["id"].clone()).collect();
        assert_eq!((ids, world.fakes.requests("stateset").len()), (vec![json!(id)], 1), "{offset} {key:?}");
    });
}

#[test]
fn a_release_reaches_every_copy() {
    let (world, gate) = gated(&vars(&[("hook", hook())]));
    let id = world.submit("contact", "email=late@example.com&_gotcha=x");
    gate.open();
    let token = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/api/forms/contact/submissions/{id}/release");
    assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
    world.delivered("contact", &id);
    world.wait_for(|| (forwarded(&world) == 1).then_some(()));
    assert_eq!((world.fakes.requests("webhook").len(), listed(&world).len()), (1, 1));
}

#[test]
fn erasing_a_person_and_marking_spam_reach_a_copy_that_is_being_handed_over() {
    let vars = vars(&[("hook", hook())]);
    let fakes = [fakes(), vec![Box::new(Hanging) as Box<dyn Fake>]].into_iter().flatten().collect();
    let hanging = r#"
async function onAccept(_, isFirst, isForwarded) {
  if (isFirst) throw new Error("no");
  if (isForwarded) { console.log("on its way"); await fetch("https://gate.example.com/"); }
}
"#;
    let world = World::with_prelude(&vars, SECRETS, fakes, &(ON_ACCEPT.to_owned() + hanging));
    let gate = Gate::default();
    world.fakes.always("gate", Some(Mood::Hold(gate.clone())));
    let [erased, spam] = ["erased", "spam"].map(|who| world.submit("contact", &format!("email={who}@example.com")));
    world.wait_for(|| (world.worker.log().matches("on its way").count() >= 2).then_some(()));
    let person = r#"{"email":"erased@example.com"}"#;
    assert_eq!(world.api("POST", "/api/erase", person)["erased"], 1);
    assert_eq!(world.api("POST", &format!("/api/forms/contact/submissions/{spam}/spam"), "")["quarantined"], 1);
    gate.open();
    world.wait_for(|| (forwarded(&world) >= 2).then_some(()));
    let left = listed(&world);
    assert_eq!((left.len(), &left[0]["id"], &left[0]["reasons"]), (1, &json!(spam), &json!(["marked"])), "{left:#?}");
    assert_eq!(left[0]["deliveries"][0]["state"], "quarantined");
    assert_eq!(world.operator("GET", &format!("/api/forms/contact/submissions/{erased}"), "").status, 404);
    assert_eq!(world.fakes.requests("webhook").len(), 0);
}

#[test]
fn tables_that_cannot_be_opened_are_opened_at_the_next_request() {
    let prelude = r#"
globalThis.onObject = (ctx) => {
  const sql = ctx.storage.sql;
  let failures = ctx.id.name === "contact" ? 1 : 0;
  Object.defineProperty(ctx.storage, "sql", { value: { exec(query, ...values) {
    if (query.startsWith("SELECT version") && failures-- > 0) throw new Error("not now");
    if (query.startsWith("INSERT INTO arrival")) console.log("stored by " + ctx.id.name);
    return sql.exec(query, ...values);
  } } });
};
"#;
    let world = World::with_prelude(&vars(&[("hook", hook())]), SECRETS, fakes(), prelude);
    let ids = [1, 2].map(|n| world.submit("contact", &format!("email=a{n}@example.com")));
    for id in &ids {
        world.delivered("contact", id);
    }
    let log = world.worker.log();
    assert_eq!((log.matches("stored by").count(), log.matches("stored by contact~").count()), (2, 0), "{log}");
}

#[test]
fn slow_objects_delay_no_visitor_and_everything_is_delivered_once() {
    let (world, gate) = gated(&vars(&[("hook", hook())]));
    // All are answered while the objects still hang.
    let mut ids = thread::scope(|scope| {
        let kept = ["slow", "late"].map(|name| scope.spawn(|| post(&world, name, None)));
        let lost = world.post_html("contact", "email=lost@example.com&message=a long story");
        assert_eq!(lost.status, 503, "{}", lost.body);
        assert!(lost.body.contains("a long story") && lost.body.contains("lost@example.com"), "{}", lost.body);
        kept.map(|kept| kept.join().expect("an id")).to_vec()
    });
    gate.open();
    // What arrives after its visitor was answered 503 is stored all the same.
    let late = world.wait_for(|| listed(&world).into_iter().find(|view| view["fields"][0][1] == "lost@example.com"));
    ids.push(late["id"].as_str().expect("an id").to_owned());
    for id in &ids {
        world.delivered("contact", id);
    }
    world.wait_for(|| (forwarded(&world) == 3).then_some(()));
    assert_eq!((copies(&world, &ids), listed(&world).len()), (vec![1; 3], 3));
    assert_eq!(world.fakes.requests("webhook").len(), 3);
}
