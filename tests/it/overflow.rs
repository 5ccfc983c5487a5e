//! Stored before thanked: when a form's own Outbox does not take a submission, its overflow does, and it is delivered once
//! whatever the first one turns out to have done.

use std::fs;
use std::path::Path;
use std::thread;

use fakes::{Fake, Gate, Mood, Request, Response};
use serde_json::{Value, json};

use crate::hooks::{SECRETS, clock_off_by, copies, fakes, holds, hook, objects, stateset, vars, wait_for_records};
use crate::world::{ADMIN_TOKEN, Reply, World};

/// What happens to a submission in its first object, by its email: `slow@` arrives there when its deadline is over,
/// `late@` is stored and the answer is lost, `lost@` arrives nowhere in time. What is sent twice arrives there only the
/// first time (`earlier…@`) or only the second (`later…@`). What hangs goes on when the gate is open.
const PRELUDE: &str = r#"
const pause = () => fetch("https://gate.example.com/");
const text = Request.prototype.text;
let isLate = false, asked = 0;
const times = {};
const isLost = (who) => {
  times[who] = (times[who] ?? 0) + 1;
  return who.startsWith("earlier") ? times[who] === 2 || times[who] === 3 : times[who] <= 2;
};
globalThis.onObject = (ctx) => {
  const set = ctx.storage.setAlarm;
  Object.defineProperty(ctx.storage, "setAlarm", { value: async function (...args) {
    await set.apply(ctx.storage, args);
    if (isLate) { isLate = false; await pause(); }
  } });
  const sql = ctx.storage.sql;
  Object.defineProperty(ctx.storage, "sql", { value: { exec(query, ...values) {
    if (query.startsWith("DELETE FROM submission")) console.log("let go of " + values[0]);
    return sql.exec(query, ...values);
  } } });
};
Request.prototype.text = async function () {
  const body = await text.call(this);
  if (!this.url.endsWith("/accept")) return body;
  const isFirst = JSON.parse(body).asked_first === null;
  if (body.includes("lost@") || (isFirst && body.includes("slow@"))) await pause();
  const who = body.match(/(earlier|later)\w*@/);
  if (isFirst && who && isLost(who[0])) await pause();
  if (isFirst && body.includes("late@")) {
    asked += 1;
    if (asked === 1) isLate = true; else await pause();
  }
  return body;
};
"#;

fn submissions(world: &World) -> Reply {
    let token = format!("Bearer {ADMIN_TOKEN}");
    world.send("GET", "/api/forms/contact/submissions", &[("authorization", &token)], b"")
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

/// Damages the database that holds `text`, as a broken disk would.
fn damage(storage: &Path, text: &str) {
    let found: Vec<_> = objects(storage).into_iter().filter(|file| holds(file, text)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    fs::write(&found[0], "no database ".repeat(1000)).expect("a damaged file");
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", found[0].display()));
    }
}

#[test]
fn a_submission_to_a_damaged_outbox_is_delivered_from_the_overflow() {
    // The Worker's clock begins in the past, so that the time in which the first Outbox may answer is over when it is right.
    let minutes_ago = |minutes: i64| clock_off_by(-minutes * 60 * 1000);
    let vars = vars(&[("stateset", stateset())]);
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &minutes_ago(40));
    let first = world.submit("contact", "name=Kim&email=first@example.com");
    world.delivered("contact", &first);
    world.worker.while_down(|storage| damage(storage, "first@example.com"));
    let submit = |n| world.submit("contact", &format!("name=Kim&email=a{n}@example.com"));
    let ids: Vec<_> = (0..3).map(submit).collect();
    // The operator sees them, and that there is more that cannot be read.
    let list = submissions(&world);
    assert_eq!(list.status, 200, "{}", list.body);
    let listed: Vec<Value> = list.json()["submissions"].as_array().into_iter().flatten().cloned().collect();
    assert_eq!(
        listed.iter().map(|view| view["id"].clone()).collect::<Vec<_>>(),
        [&ids[2], &ids[1], &ids[0]].map(|id| json!(id))
    );
    assert_eq!(list.json()["unreachable"], json!(["contact"]));
    let token = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/api/forms/contact/submissions/{first}");
    assert_eq!(world.send("GET", &path, &[("authorization", &token)], b"").status, 503);

    // Whether the first one has them cannot be known. That nobody could ask it for twenty minutes says nothing of it; only
    // after ten minutes without an answer it is taken for lost.
    world.on_platform(&minutes_ago(20));
    world.worker.run_cron();
    let asked = || world.worker.log().matches("the outbox that was asked first").count();
    world.wait_for(|| (asked() >= ids.len()).then_some(()));
    assert_eq!(world.fakes.records("stateset").len(), 1);
    world.on_platform("");
    world.worker.run_cron();
    for id in &ids {
        world.delivered("contact", id);
    }
    assert_eq!(world.fakes.requests("stateset").len(), 4);
}

#[test]
fn a_repeat_is_one_lead_whichever_object_took_the_other() {
    let fakes = [fakes(), vec![Box::new(Hanging)]].into_iter().flatten().collect();
    let world = World::with_prelude(&vars(&[("hook", hook()), ("stateset", stateset())]), SECRETS, fakes, PRELUDE);
    let gate = Gate::default();
    world.fakes.always("gate", Some(Mood::Hold(gate.clone())));
    // The same message twice from the same browser: once to the form's own object, once to the overflow, one after the other.
    let rows = [("earlier", None), ("earlierkey", Some("k1")), ("later", None), ("laterkey", Some("k2"))];
    thread::scope(|scope| {
        for (who, key) in rows {
            let world = &world;
            scope.spawn(move || {
                let form = "application/x-www-form-urlencoded";
                let mut headers = vec![("accept", "application/json"), ("content-type", form), ("user-agent", who)];
                headers.extend(key.map(|key| ("idempotency-key", key)));
                let body = format!("email={who}@example.com");
                for _ in 0..2 {
                    let reply = world.send("POST", "/f/contact", &headers, body.as_bytes());
                    assert_eq!(reply.status, 200, "{who}: {}", reply.body);
                }
            });
        }
    });
    gate.open();
    // Each was in the overflow once, which gives it to the form's own object and does not deliver it itself.
    world.wait_for(|| (world.worker.log().matches("let go of").count() == rows.len()).then_some(()));
    wait_for_records(&world, "webhook", rows.len());
    let listed = submissions(&world).json()["submissions"].as_array().cloned().unwrap_or_default();
    assert_eq!(listed.len(), rows.len());
    for view in &listed {
        world.delivered("contact", view["id"].as_str().expect("an id"));
    }
    // What has a key is known by it, and is no repeat. The overflow asks for each delivery, and it is one repeat.
    let repeats: Vec<u64> = listed.iter().map(|view| view["repeats"].as_u64().unwrap_or_default()).collect();
    assert_eq!((repeats.iter().max(), repeats.iter().sum()), (Some(&1), 2), "{listed:#?}");
    assert_eq!([world.fakes.requests("webhook").len(), world.fakes.records("stateset").len()], [rows.len(); 2]);
}

#[test]
fn a_release_reaches_every_object_that_has_the_submission() {
    let fakes = [fakes(), vec![Box::new(Hanging)]].into_iter().flatten().collect();
    let world = World::with_prelude(&vars(&[("hook", hook())]), SECRETS, fakes, PRELUDE);
    let gate = Gate::default();
    world.fakes.always("gate", Some(Mood::Hold(gate.clone())));
    let id = world.submit("contact", "email=late@example.com&_gotcha=x");
    gate.open();
    // Both objects have it in quarantine. One that kept it would show it again when the other has let go of it.
    let token = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/api/forms/contact/submissions/{id}/release");
    assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
    world.delivered("contact", &id);
    let let_go = format!("let go of {id}");
    world.wait_for(|| world.worker.log().contains(&let_go).then_some(()));
    assert_eq!(world.fakes.requests("webhook").len(), 1);
}

#[test]
fn an_object_that_could_not_open_its_tables_opens_them_the_next_time() {
    let prelude = r#"
globalThis.onObject = (ctx) => {
  const sql = ctx.storage.sql;
  let failures = ctx.id.name === "contact" ? 2 : 0;
  Object.defineProperty(ctx.storage, "sql", { value: { exec(query, ...values) {
    if (query.startsWith("SELECT version") && failures-- > 0) throw new Error("not now");
    if (query.startsWith("INSERT INTO submission")) console.log("stored by " + ctx.id.name);
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
fn slow_objects_are_not_waited_for_and_everything_is_delivered_once() {
    let fakes = [fakes(), vec![Box::new(Hanging)]].into_iter().flatten().collect();
    let world = World::with_prelude(&vars(&[("hook", hook())]), SECRETS, fakes, PRELUDE);
    let gate = Gate::default();
    world.fakes.always("gate", Some(Mood::Hold(gate.clone())));
    // All are answered while the objects still hang.
    let ids = thread::scope(|scope| {
        let kept = ["slow", "late"].map(|name| {
            let world = &world;
            scope.spawn(move || world.submit("contact", &format!("email={name}@example.com")))
        });
        let lost = world.post_html("contact", "email=lost@example.com&message=a long story");
        assert_eq!(lost.status, 503, "{}", lost.body);
        assert!(lost.body.contains("a long story") && lost.body.contains("lost@example.com"), "{}", lost.body);
        kept.map(|kept| kept.join().expect("an id"))
    });
    gate.open();
    for id in &ids {
        world.delivered("contact", id);
    }
    // Both were in the overflow, which asks after ten seconds, and lets go of what the first object has.
    let late = format!("let go of {}", ids[1]);
    world.wait_for(|| world.worker.log().contains(&late).then_some(()));
    wait_for_records(&world, "webhook", 2);
    assert_eq!(copies(&world, &ids), [1; 2]);
    assert_eq!(world.fakes.requests("webhook").len(), 2);
    let listed = submissions(&world).json()["submissions"].as_array().map_or(0, Vec::len);
    assert_eq!(listed, 2, "what came too late is stored nowhere");
}
