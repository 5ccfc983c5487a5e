//! The guard that a panic cannot disarm: real Rust panics of the shipped build, in the object and in the entry Worker.
//!
//! The build has no switch for this. The platform is made to fail instead, by JavaScript that runs before it: headers that
//! throw when they are listed, and a timer that cannot be set, are errors that the crate `worker` unwraps.

use fakes::webhook::Webhook;
use fakes::{Gate, Mood, Response};
use serde_json::{Value, json};

use crate::world::{World, deliveries, quick};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// An answer with the header `x-trap` panics in the delivery that reads it, after the vendor did its work, and so does
/// every answer to a lead of `poisoned@`. A request with the idempotency key `trap` panics in the entry Worker, while it waits for the object.
const PRELUDE: &str = r#"
const entries = Headers.prototype.entries;
Headers.prototype.entries = function () {
  if (!this.has("x-trap")) return entries.call(this);
  return { [Symbol.iterator]() { return this; }, next() { throw new Error("a trap"); } };
};
const send = globalThis.fetch;
globalThis.fetch = async function (request, init) {
  const poisoned = (await request.clone().text()).includes("poisoned@");
  const answer = await send.call(globalThis, request, init);
  if (!poisoned) return answer;
  return new Response(answer.body, { status: answer.status, headers: { "x-trap": "on" } });
};
let trapped = false;
const get = Headers.prototype.get;
Headers.prototype.get = function (name) {
  const value = get.call(this, name);
  if (name === "idempotency-key" && value === "trap") trapped = true;
  return value;
};
const set = globalThis.setTimeout;
globalThis.setTimeout = function (work, pause, ...rest) {
  if (trapped && pause === 3000) { trapped = false; throw new Error("a trap"); }
  return set.call(globalThis, work, pause, ...rest);
};
"#;

fn world(destination: &Value) -> World {
    let vars = json!({ "FORM_CONTACT": { "destinations": ["hook"] }, "DESTINATION_HOOK": destination });
    let fakes: Vec<Box<dyn fakes::Fake>> = vec![Box::new(Webhook::new(SECRET))];
    World::with_prelude(&vars, &[("HOOK_SIGNING_SECRET", SECRET)], fakes, PRELUDE)
}

fn hook() -> Value {
    json!({ "type": "webhook", "url": "https://hooks.example.com/leads" })
}

fn trap() -> Mood {
    Mood::WorkThenAnswer(Response::json(200, json!({})).with("x-trap", "on"))
}

/// How often the shipped build panicked: its report goes to the log.
fn panics(world: &World) -> usize {
    world.worker.log().matches("Rust panic").count()
}

/// The operator's view once nothing is pending. It is asked for where the panics are (see [`submit_until_thanked`]), so a
/// question can be answered with a 500 as well.
fn settled(world: &World, id: &str) -> Value {
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    let path = format!("/api/forms/contact/submissions/{id}");
    world.wait_for(|| {
        let reply = world.send("GET", &path, &[("authorization", &token)], b"");
        let view = (reply.status == 200).then(|| reply.json())?;
        deliveries(&view).iter().all(|delivery| delivery["state"] != "pending").then_some(view)
    })
}

#[test]
fn a_panic_in_a_delivery_costs_one_try_and_the_object_lives_on() {
    let world = world(&quick(hook()));
    world.fakes.next("webhook", trap());
    let id = world.submit("contact", "email=a@example.com");
    let view = settled(&world, &id);
    let delivery = &deliveries(&view)[0];
    // The try that panicked left no line in the timeline, but it is counted.
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(2)), "{view:#}");
    assert_eq!(delivery["timeline"].as_array().map(Vec::len), Some(1), "{view:#}");
    assert!(panics(&world) > 0, "nothing panicked:\n{}", world.worker.log());
    world.fakes.with(|hook: &mut Webhook| assert_eq!(hook.repeats, 1));
}

/// Posts until it is stored. Here the entry Worker shares its isolate with the object, so a panic of the one can cost the
/// other its request: it is answered with a 500, nobody is thanked, and the visitor sends it again.
fn submit_until_thanked(world: &World, body: &str) -> String {
    let headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")];
    world.wait_for(|| {
        let reply = world.send("POST", "/f/contact", &headers, body.as_bytes());
        (reply.status == 200).then(|| reply.json()["id"].as_str().map(str::to_owned)).flatten()
    })
}

#[test]
fn a_delivery_that_always_panics_stops_no_other() {
    let world = world(&quick(hook()));
    let poisoned = world.submit("contact", "email=poisoned@example.com");
    let others: Vec<_> = (0..5).map(|n| submit_until_thanked(&world, &format!("email=a{n}@example.com"))).collect();
    for id in &others {
        let view = settled(&world, id);
        assert_eq!(deliveries(&view)[0]["state"], "delivered", "{view:#}");
    }
    // Whatever was under way beside it was a suspect as well, was tried alone, and is acquitted.
    let view = settled(&world, &poisoned);
    let delivery = &deliveries(&view)[0];
    assert_eq!((&delivery["state"], &delivery["failure"]["kind"]), (&json!("parked"), &json!("crashed")), "{view:#}");
    assert!(panics(&world) >= 3, "it did not panic three times:\n{}", world.worker.log());
    let copies = |id: &String| {
        let records = world.fakes.records("webhook");
        records.iter().filter(|record| record["data"]["id"] == json!(id)).count()
    };
    assert_eq!(others.iter().map(copies).collect::<Vec<_>>(), [1; 5]);
}

#[test]
fn a_panic_in_the_entry_worker_does_not_stop_a_delivery_that_is_under_way() {
    let world = world(&quick(hook()));
    let gate = Gate::default();
    world.fakes.next("webhook", Mood::Hold(gate.clone()));
    let id = world.submit("contact", "email=a@example.com");
    world.wait_until("contact", &id, |_| !world.fakes.requests("webhook").is_empty());
    let headers = [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("idempotency-key", "trap"),
    ];
    let reply = world.send("POST", "/f/contact", &headers, b"email=b@example.com");
    assert_eq!(reply.status, 500, "{}", reply.body);
    gate.open();
    world.delivered("contact", &id);
    assert!(panics(&world) > 0, "nothing panicked:\n{}", world.worker.log());
    assert_eq!(world.fakes.records("webhook").iter().filter(|record| record["data"]["id"] == json!(id)).count(), 1);
}

#[test]
fn a_parked_delivery_is_released_and_delivered_when_the_poison_is_gone() {
    let mut world = world(&quick(hook()));
    let id = world.submit("contact", "email=poisoned@example.com");
    assert_eq!(deliveries(&settled(&world, &id))[0]["state"], "parked");
    world.on_platform("");
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    let path = format!("/api/forms/contact/submissions/{id}/release");
    assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
    world.delivered("contact", &id);
    // The receiver knows a message by its id: what it got in the tries that panicked is the same one.
    assert_eq!(world.fakes.records("webhook").len(), 1);
}
