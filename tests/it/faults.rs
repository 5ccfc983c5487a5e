//! The store fails: in each flow, each call to an object's storage fails once, or from then on for a while. Nothing is lost,
//! duplicated or stuck, and no personal data is logged.
//!
//! Each form is one place of the fault: for the form `f{n}`, the n-th call to the storage of its objects fails. A few places
//! run with the other tests; `FAULTS=all` runs them all.

use std::collections::BTreeMap;
use std::time::Duration;

use fakes::alerts::Alerts;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Request, Response};
use serde_json::{Value, json};

use crate::hooks::{ON_ACCEPT, SECRET, SECRETS, answer, fakes, hook, vars};
use crate::storm::copies_in;
use crate::world::{ADMIN_TOKEN, PATIENCE, World, deliveries, few_at_once, now, patient};

/// What the platform does. `KIND` is the fault; a submission to the form `control` moves the clock. In the flow of the
/// overflow, the form's own object takes nothing from visitors.
const PRELUDE: &str = r#"
const errors = {
  full: () => new Error("database or disk is full: SQLITE_FULL"),
  busy: () => new Error("database is locked: SQLITE_BUSY"),
  late: () => new TypeError("the answer is lost"),
  torn: () => new Error("disk I/O error: SQLITE_IOERR"),
  reset: () => new Error("Durable Object storage operation exceeded timeout which caused object to be reset."),
  outage: () => new Error("internal error; reference = 1"),
};
const Right = Date;
let ahead = 0;
globalThis.Date = class extends Right {
  constructor(...given) { given.length > 0 ? super(...given) : super(Right.now() + ahead); }
  static now() { return Right.now() + ahead; }
};
const calls = {}, downSince = {};
// Before the call; or after it, when only the response is lost.
const fault = (ctx, what, isAfter) => {
  const form = ctx.id.name?.split("~")[0], at = Number(form?.slice(1));
  if (!(at > 0) || isAfter !== (KIND === "late")) return;
  const call = calls[form] = (calls[form] ?? 0) + 1;
  if (call === at) console.log(`fault ${ctx.id.name} ${what}`);
  if (KIND === "outage") {
    if (call >= at) downSince[form] ??= Right.now();
    if (!(form in downSince) || Right.now() - downSince[form] > DOWN) return;
  } else if (call !== at) return;
  // After this turn, as the platform does it: within one it would end the Worker's whole instance.
  if (KIND === "reset") setTimeout(() => ctx.abort("reset"), 0);
  throw errors[KIND]();
};
globalThis.onObject = (ctx) => {
  const { storage } = ctx;
  const { sql, setAlarm, getAlarm, deleteAlarm, sync, transactionSync } = storage;
  const value = (value) => ({ value });
  Object.defineProperty(storage, "sql", value({ exec(query, ...values) {
    if (ctx.id.name === "control" && query.startsWith("INSERT INTO arrival")) {
      ahead += Number(values.at(-2).match(/ahead (\d+)/)?.[1] ?? 0);
    }
    const what = query.replace(/\s+/g, " ").slice(0, 60);
    if (KIND === "torn") {
      // The statement is executed, and its rows cannot be read.
      const rows = sql.exec(query, ...values).raw();
      return { raw: () => ({ toArray() { fault(ctx, what, false); return rows.toArray(); } }) };
    }
    fault(ctx, what, false);
    const cursor = sql.exec(query, ...values);
    fault(ctx, what, true);
    return cursor;
  } }));
  Object.defineProperty(storage, "transactionSync", value((work) => {
    fault(ctx, "transaction", false);
    transactionSync.call(storage, work);
    fault(ctx, "transaction", true);
  }));
  const asynchronous = (name, call) => Object.defineProperty(storage, name, value(async (...given) => {
    fault(ctx, name, false);
    const answer = await call(...given);
    fault(ctx, name, true);
    return answer;
  }));
  asynchronous("setAlarm", (at, ...rest) => setAlarm.call(storage, +at - ahead, ...rest));
  asynchronous("getAlarm", async () => { const at = await getAlarm.call(storage); return at === null ? null : at + ahead; });
  asynchronous("deleteAlarm", () => deleteAlarm.call(storage));
  asynchronous("sync", () => sync.call(storage));
};
function onAccept({ form }, isFirst) {
  if (IS_CUT_OFF && form !== "control" && isFirst) throw new Error("not now");
}
"#;

/// A webhook with the sender's clock: the clock jumps here, and old signatures would be rejected.
struct Receiver(Webhook);

impl Fake for Receiver {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn hosts(&self) -> &'static [&'static str] {
        self.0.hosts()
    }

    fn answer(&mut self, request: &Request, now: i64) -> Response {
        let signed_at = request.header("webhook-timestamp").and_then(|seconds| seconds.parse::<i64>().ok());
        self.0.answer(request, signed_at.map_or(now, |seconds| seconds * 1000))
    }

    fn records(&self) -> Vec<Value> {
        self.0.records()
    }
}

const MINUTE: i64 = 60 * 1000;
const DAY: i64 = 24 * 60 * MINUTE;

/// What happens to a submission beside the fault.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Flow {
    Plain,
    /// Salesmap creates records and its responses are lost: they are looked up.
    InDoubt,
    Credentials,
    RateLimited,
    /// It is rejected; the operator gets an alert and releases it.
    Rejected,
    Quarantine,
    Overflow,
    Purge,
    /// `kill -9` in the middle.
    Restart,
}

const FLOWS: &[Flow] = &[
    Flow::Plain,
    Flow::InDoubt,
    Flow::Credentials,
    Flow::RateLimited,
    Flow::Rejected,
    Flow::Quarantine,
    Flow::Overflow,
    Flow::Purge,
    Flow::Restart,
];

const KINDS: &[&str] = &["full", "busy", "late", "torn", "reset", "outage"];

const URL: &str = "https://alerts.example.com/services/T1";

fn world(flow: Flow, kind: &str, places: &[usize]) -> World {
    let mut salesmap = Salesmap::new("t1");
    salesmap.points = 1_000_000;
    let mut stateset = StateSet::new("sk_test_1");
    stateset.limit = 1_000_000;
    let fakes: Vec<Box<dyn Fake>> = vec![
        Box::new(Receiver(Webhook::new(SECRET))),
        Box::new(stateset),
        Box::new(salesmap),
        Box::new(Alerts::default()),
    ];
    let mut vars = json!({
        "FORM_CONTROL": { "destinations": ["hook"] },
        "DESTINATION_HOOK": patient(json!({ "type": "webhook", "url": "https://hooks.example.com/leads" })),
        "DESTINATION_STATESET": patient(json!({ "type": "stateset" })),
        "DESTINATION_SALESMAP": patient(json!({ "type": "salesmap", "pace": "10000/1s" })),
    });
    for place in places {
        vars[format!("FORM_F{place}")] = json!({ "destinations": ["hook", "stateset", "salesmap"] });
    }
    let secrets = [SECRETS, &[("ALERT_WEBHOOK_URL", URL)]].concat();
    let down = if is_all() { 3_000 } else { 1_000 };
    let is_cut_off = flow == Flow::Overflow;
    let prelude = format!("const KIND = '{kind}', DOWN = {down}, IS_CUT_OFF = {is_cut_off};") + PRELUDE + ON_ACCEPT;
    World::with_prelude(&vars, &secrets, fakes, &prelude)
}

fn is_all() -> bool {
    std::env::var("FAULTS").is_ok_and(|faults| faults == "all")
}

fn marker(place: usize) -> String {
    format!("visitor-f{place}-0")
}

/// Posts until it is stored: the same visitor, the same fields, and a key in every other form.
fn submit(world: &World, flow: Flow, place: usize) -> String {
    let trap = if flow == Flow::Quarantine { "&_gotcha=x" } else { "" };
    let body = format!("name={0}&email={0}%40example.com&company={0}{trap}", marker(place));
    let key = marker(place);
    let form = "application/x-www-form-urlencoded";
    let mut headers = vec![("accept", "application/json"), ("content-type", form), ("user-agent", key.as_str())];
    if place.is_multiple_of(2) {
        headers.push(("idempotency-key", &key));
    }
    let start = now();
    loop {
        let reply = world.send("POST", &format!("/f/f{place}"), &headers, body.as_bytes());
        if reply.status == 200 {
            return reply.json()["id"].as_str().expect("an id").to_owned();
        }
        assert_eq!(reply.status, 503, "{}", reply.body);
        assert!(start.elapsed() < PATIENCE, "f{place} is never stored\n{}", world.worker.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn ask(world: &World, method: &str, path: &str) -> crate::world::Reply {
    let token = format!("Bearer {ADMIN_TOKEN}");
    world.send(method, &format!("/api/forms/{path}"), &[("authorization", &token)], b"")
}

fn control(world: &World, text: &str) {
    world.submit("control", &format!("email=control@example.com&_gotcha=x&message={text}"));
}

/// Time passes, and the sweep runs.
fn later(world: &World, millis: i64) {
    control(world, &format!("ahead {millis}"));
    world.worker.run_cron();
    std::thread::sleep(Duration::from_millis(200));
}

/// Lets time pass until nothing is left.
fn wait<T: std::fmt::Debug>(world: &World, what: &str, left: impl Fn() -> Vec<T>) {
    let start = now();
    loop {
        let left = left();
        if left.is_empty() {
            return;
        }
        assert!(start.elapsed() < 2 * PATIENCE, "{what}: {left:#?}\n{}", world.worker.log());
        later(world, 5 * MINUTE);
    }
}

/// What the operator sees of it; `None` when it is not there.
fn view(world: &World, (place, id): &(usize, String)) -> Option<Value> {
    let reply = ask(world, "GET", &format!("f{place}/submissions/{id}"));
    (reply.status == 200).then(|| reply.json())
}

fn misbehave(world: &World, flow: Flow) {
    let all = |mood: &Mood| {
        for fake in ["webhook", "stateset", "salesmap"] {
            world.fakes.always(fake, Some(mood.clone()));
        }
    };
    match flow {
        Flow::InDoubt => world.fakes.always("salesmap", Some(Mood::DropAfterWork)),
        Flow::Credentials => all(&Mood::Answer(answer(401))),
        Flow::RateLimited => all(&Mood::Answer(answer(429).with("Retry-After", "1"))),
        Flow::Rejected => {
            all(&Mood::Answer(Response::json(400, json!({ "success": false, "reason": "no" }))));
            // Only a rejection in the API's own format is one.
            let error = json!({ "type": "invalid_request_error", "code": "request_invalid", "message": "no" });
            world.fakes.always("stateset", Some(Mood::Answer(Response::json(400, json!({ "error": error })))));
        }
        _ => {}
    }
}

/// Releases, again when a part of the storage cannot be reached.
fn release(world: &World, ids: &[(usize, String)]) {
    wait(world, "released", || {
        let release =
            |(place, id): &&(usize, String)| ask(world, "POST", &format!("f{place}/submissions/{id}/release"));
        ids.iter().filter(|found| release(found).status != 200).collect()
    });
}

/// Waits for this alert of each form.
fn wait_told(world: &World, places: &[usize], what: &str) {
    wait(world, what, || {
        let texts = world.fakes.with(|alerts: &mut Alerts| alerts.texts.concat());
        let is_told = |form: &str| texts.split("formcourier, ").any(|text| text.contains(form) && text.contains(what));
        places.iter().filter(|place| !is_told(&format!("`f{place}`"))).copied().collect()
    });
}

fn run(flow: Flow, kind: &str, places: &[usize]) {
    let mut world = world(flow, kind, places);
    misbehave(&world, flow);
    let ids: Vec<(usize, String)> = std::thread::scope(|scope| {
        let world = &world;
        // All at once, or the first would use up their attempts while the last are not stored yet.
        let begun: Vec<_> =
            places.iter().map(|place| scope.spawn(move || (*place, submit(world, flow, *place)))).collect();
        begun.into_iter().map(|one| one.join().expect("a submission")).collect()
    });
    let states = |state: &str| {
        let is_there = |view: &Value| deliveries(view).iter().all(|delivery| delivery["state"] == state);
        let left = |found: &&(usize, String)| !view(&world, found).as_ref().is_some_and(is_there);
        ids.iter().filter(left).collect::<Vec<_>>()
    };
    match flow {
        Flow::Quarantine => release(&world, &ids),
        Flow::Rejected => {
            wait(&world, "rejected", || states("rejected"));
            // Released before, it needs no alert.
            wait_told(&world, places, "for `stateset`, rejected or out of attempts");
            for fake in ["webhook", "stateset", "salesmap"] {
                world.fakes.always(fake, None);
            }
            release(&world, &ids);
        }
        Flow::InDoubt | Flow::Credentials | Flow::RateLimited => {
            for _ in 0..3 {
                later(&world, 30 * 1000);
            }
        }
        Flow::Restart => world.worker.kill_and_restart(),
        _ => {}
    }
    for fake in ["webhook", "stateset", "salesmap"] {
        world.fakes.always(fake, None);
    }
    wait(&world, "delivered", || {
        let is_delivered = |view: &Value| deliveries(view).iter().all(|delivery| delivery["state"] == "delivered");
        let left = |found: &&(usize, String)| !view(&world, found).as_ref().is_some_and(is_delivered);
        ids.iter().filter(left).collect()
    });
    let once: BTreeMap<String, usize> = places.iter().map(|place| (marker(*place), 1)).collect();
    let kinds = [("webhook", "message"), ("stateset", "lead"), ("salesmap", "person"), ("salesmap", "lead")];
    for (fake, record) in kinds {
        assert_eq!(copies_in(&world, fake, record), once, "{flow:?} {kind} {fake}\n{}", world.worker.log());
    }
    if flow == Flow::Rejected {
        wait_told(&world, places, "no lead for `stateset` waits for you any more");
    }
    if flow == Flow::Purge {
        later(&world, 91 * DAY);
        wait(&world, "purged", || ids.iter().filter(|found| view(&world, found).is_some()).collect());
    }
    for place in places {
        let reply = world.operator("GET", &format!("/api/submissions?form=f{place}"), "");
        assert!(reply.status == 200 && reply.json()["unreachable"] == Value::Null, "f{place}: {}", reply.body);
    }
    let log = world.worker.log();
    let fired = log.matches("fault f").count();
    println!("{flow:?} {kind}: {fired} faults at {} places, the last at {:?}", places.len(), places.last());
    // The last places of `FAULTS=all` may lie beyond the last call.
    assert!((fired > 0 || is_all()) && !log.contains("visitor-"), "{log}");
}

#[test]
fn a_failing_store_loses_and_duplicates_nothing() {
    let pick = |name: &str| std::env::var(name).ok();
    let mut rows = Vec::new();
    for (number, flow) in FLOWS.iter().enumerate() {
        for (other, kind) in KINDS.iter().enumerate() {
            let is_asked =
                |name: &str, own: &str| pick(name).is_none_or(|asked| asked.split(',').any(|one| one == own));
            if !is_asked("FLOW", &format!("{flow:?}")) || !is_asked("KIND", kind) {
                continue;
            }
            if is_all() {
                rows.extend((0..4).map(|part| (*flow, *kind, (part * 40 + 1..=part * 40 + 40).collect::<Vec<_>>())));
            } else if number % KINDS.len() == other || pick("KIND").is_some() {
                rows.push((*flow, *kind, (1..160).skip(number).step_by(19).collect()));
            }
        }
    }
    few_at_once(if is_all() { 2 } else { 5 }, rows, |(flow, kind, places)| run(flow, kind, &places));
}

#[test]
fn an_alarm_that_could_not_be_set_is_set_at_the_next_request() {
    let prelude = r#"
let failures = 1;
globalThis.onObject = (ctx) => {
  const { setAlarm } = ctx.storage;
  Object.defineProperty(ctx.storage, "setAlarm", { value: async (...given) => {
    if (ctx.id.name === "contact" && failures-- > 0) {
      console.log("not now");
      throw new Error("no");
    }
    return setAlarm.apply(ctx.storage, given);
  } });
};
"#;
    let world = World::with_prelude(&vars(&[("hook", hook())]), SECRETS, fakes(), prelude);
    let id = world.submit("contact", "email=a@example.com");
    // No sweep runs, which would set it.
    world.delivered("contact", &id);
    let log = world.worker.log();
    assert_eq!(log.matches("not now").count(), 1, "{log}");
}
