//! A Wasm instance that dies in the middle of its work: in the object by an exception that flies through it, in the entry
//! Worker by a Rust panic.
//!
//! JavaScript makes the platform misbehave: a clock that throws, and an array that lies about its length.

use fakes::webhook::Webhook;
use fakes::{Gate, Mood, Response};
use serde_json::{Value, json};

use crate::world::{World, deliveries, quick};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// A response with the header `x-trap` kills the instance that reads it, and so does every response to a lead of
/// `poisoned@`. A request with the idempotency key `trap` panics in the entry Worker, if its body is long enough for Rust to
/// read it.
const PRELUDE: &str = r#"
let isTrapped = false;
const { now } = Date;
Date.now = () => {
  if (!isTrapped) return now();
  isTrapped = false;
  throw new Error("a trap");
};
const send = globalThis.fetch;
globalThis.fetch = async (url, init) => {
  const { body, status, headers: received } = await send(url, init);
  const headers = new Headers(received);
  if (String(init?.body).includes("poisoned@")) headers.set("x-trap", "on");
  return new Response(body, { status, headers });
};
// The last that happens to a response before it reaches Rust.
const { stringify } = JSON;
JSON.stringify = (value, ...rest) => {
  if (Array.isArray(value?.[1])) isTrapped ||= value[1].some((header) => header?.[0] === "x-trap");
  return stringify(value, ...rest);
};
let looks = 0;
const typed = Object.getPrototypeOf(Uint8Array.prototype);
const { get } = Object.getOwnPropertyDescriptor(typed, "length");
Object.defineProperty(typed, "length", {
  get() {
    return looks > 0 && --looks === 0 ? 2 ** 31 : get.call(this);
  },
});
const { arrayBuffer } = Request.prototype;
Request.prototype.arrayBuffer = async function () {
  const body = await arrayBuffer.call(this);
  // The first look is JavaScript's.
  if (this.headers.get("idempotency-key") === "trap") looks = 2;
  return body;
};
"#;

fn world(destination: &Value) -> World {
    let vars = json!({ "FORM_CONTACT": { "destinations": ["hook"], "max_body_bytes": 100_000 }, "DESTINATION_HOOK": destination });
    let fakes: Vec<Box<dyn fakes::Fake>> = vec![Box::new(Webhook::new(SECRET))];
    World::with_prelude(&vars, &[("HOOK_SIGNING_SECRET", SECRET)], fakes, PRELUDE)
}

/// An attempt that is cut short is taken up again six seconds later.
fn hook() -> Value {
    let mut hook = quick(json!({ "type": "webhook", "url": "https://hooks.example.com/leads" }));
    hook["timeout"] = json!("1s");
    hook
}

fn trap() -> Mood {
    Mood::WorkThenAnswer(Response::json(200, json!({})).with("x-trap", "on"))
}

/// How often an instance died, by the log.
fn deaths(world: &World) -> usize {
    [r#""what":"watchdog""#, "Rust panic"].iter().map(|text| world.worker.log().matches(text).count()).sum()
}

/// The operator's view once it satisfies `is_ready`. Its requests run beside the panics, so some are answered with a 500.
fn seen(world: &World, id: &str, is_ready: impl Fn(&Value) -> bool) -> Value {
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    let path = format!("/api/forms/contact/submissions/{id}");
    world.wait_for(|| {
        let reply = world.send("GET", &path, &[("authorization", &token)], b"");
        (reply.status == 200).then(|| reply.json()).filter(&is_ready)
    })
}

/// The operator's view once nothing is pending.
fn settled(world: &World, id: &str) -> Value {
    seen(world, id, |view| deliveries(view).iter().all(|delivery| delivery["state"] != "pending"))
}

#[test]
fn a_delivery_that_panics_is_taken_up_again() {
    let world = world(&hook());
    world.fakes.next("webhook", trap());
    let id = world.submit("contact", "email=a@example.com");
    let view = settled(&world, &id);
    let delivery = &deliveries(&view)[0];
    // The first three attempts cut short use up none.
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(1)), "{view:#}");
    assert_eq!(delivery["timeline"].as_array().map(Vec::len), Some(1), "{view:#}");
    assert!(deaths(&world) > 0, "nothing died:\n{}", world.worker.log());
    world.fakes.with(|hook: &mut Webhook| assert_eq!(hook.repeats, 1));
}

#[test]
fn a_retry_that_panics_is_counted_when_it_is_taken_up_again() {
    let world = world(&hook());
    world.fakes.next("webhook", Mood::Answer(Response::json(503, json!({}))));
    world.fakes.always("webhook", Some(trap()));
    let id = world.submit("contact", "email=a@example.com");
    world.wait_for(|| (deaths(&world) > 0).then_some(()));
    // It had no safety net: should the platform lose its alarm, the sweep sets it.
    world.worker.run_cron();
    seen(&world, &id, |view| deliveries(view)[0]["attempts"] == 2);
    world.fakes.always("webhook", None);
    let view = settled(&world, &id);
    let delivery = &deliveries(&view)[0];
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(2)), "{view:#}");
    assert_eq!(delivery["timeline"].as_array().map(Vec::len), Some(2), "{view:#}");
    assert_eq!(world.fakes.records("webhook").len(), 1);
}

/// Posts until it is stored. The entry Worker shares its isolate with the object here, so a panic of the object can answer
/// a post with 500; the visitor sends it again.
fn submit_until_thanked(world: &World, body: &str) -> String {
    let headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")];
    world.wait_for(|| {
        let reply = world.send("POST", "/f/contact", &headers, body.as_bytes());
        (reply.status == 200).then(|| reply.json()["id"].as_str().map(str::to_owned)).flatten()
    })
}

#[test]
fn a_delivery_that_always_panics_stops_no_other_and_goes_when_the_cause_is_gone() {
    let mut world = world(&hook());
    let poisoned = world.submit("contact", "email=poisoned@example.com");
    let mut ids: Vec<_> = (0..5).map(|n| submit_until_thanked(&world, &format!("email=a{n}@example.com"))).collect();
    for id in &ids {
        let view = settled(&world, id);
        assert_eq!(deliveries(&view)[0]["state"], "delivered", "{view:#}");
    }
    world.wait_for(|| (deaths(&world) >= 2).then_some(()));
    world.on_platform("");
    world.delivered("contact", &poisoned);
    ids.push(poisoned);
    let records = world.fakes.records("webhook");
    let copies = ids.iter().map(|id| records.iter().filter(|record| record["data"]["id"] == json!(id)).count());
    assert_eq!(copies.collect::<Vec<_>>(), [1; 6]);
}

#[test]
fn a_panic_in_the_entry_worker_does_not_stop_a_delivery_that_is_under_way() {
    let world = world(&hook());
    let gate = Gate::default();
    world.fakes.next("webhook", Mood::Hold(gate.clone()));
    let id = world.submit("contact", "email=a@example.com");
    world.wait_until("contact", &id, |_| !world.fakes.requests("webhook").is_empty());
    let headers = [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("idempotency-key", "trap"),
    ];
    let body = format!("email=b@example.com&message={}", "x".repeat(70_000));
    let reply = world.send("POST", "/f/contact", &headers, body.as_bytes());
    assert_eq!(reply.status, 500, "{}", reply.body);
    gate.open();
    assert_eq!(deliveries(&settled(&world, &id))[0]["state"], "delivered");
    assert!(world.worker.log().contains(r#""what":"instance""#), "{}", world.worker.log());
    assert_eq!(world.fakes.records("webhook").iter().filter(|record| record["data"]["id"] == json!(id)).count(), 1);
}

#[test]
fn a_rehearsal_that_dies_keeps_no_worker_from_starting() {
    let prelude = "
      const { normalize } = String.prototype;
      let isFirst = true;
      String.prototype.normalize = function (form) {
        if (!isFirst) return normalize.call(this, form);
        isFirst = false;
        throw new Error('a trap');
      };";
    let vars = json!({ "FORM_CONTACT": { "destinations": ["hook"] }, "DESTINATION_HOOK": hook() });
    let fakes: Vec<Box<dyn fakes::Fake>> = vec![Box::new(Webhook::new(SECRET))];
    let mut world = World::with_prelude(&vars, &[("HOOK_SIGNING_SECRET", SECRET)], fakes, prelude);
    world.delivered("contact", &world.submit("contact", "name=Ada"));
    let rehearsals = |world: &World| world.worker.log().matches(r#""what":"rehearsal""#).count();
    assert_eq!(rehearsals(&world), 1, "{}", world.worker.log());
    // Otherwise it comes to its end.
    world.on_platform("");
    world.delivered("contact", &world.submit("contact", "name=Eve"));
    assert_eq!(rehearsals(&world), 1, "{}", world.worker.log());
}
