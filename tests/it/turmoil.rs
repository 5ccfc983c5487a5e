//! `kill -9` at rare moments: while an overflow forwards, while a person releases rejected leads, during a purge, and while
//! the config changes under pending deliveries. Nothing is lost, duplicated, or done again.
//!
//! `ROUNDS` is the number of kills in each test; `SEED` repeats the pauses before them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fakes::salesmap::Salesmap;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Response};
use serde_json::{Value, json};

use crate::hooks::{ON_ACCEPT, SECRET, SECRETS, answer, clock_off_by, list, submit_many, vars};
use crate::storm::{Dice, any_seed, copies, number};
use crate::world::{ADMIN_TOKEN, World, deliveries, delivery, patient};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn fakes() -> Vec<Box<dyn Fake>> {
    let mut salesmap = Salesmap::new("t1");
    salesmap.points = 1_000_000;
    vec![Box::new(Webhook::new(SECRET)), Box::new(salesmap)]
}

fn hook() -> Value {
    patient(json!({ "type": "webhook", "url": "https://hooks.example.com/leads" }))
}

/// A CRM that turns a second create into a second lead.
fn salesmap() -> Value {
    let mut salesmap = patient(json!({ "type": "salesmap" }));
    salesmap["pace"] = json!("10000/1s");
    salesmap
}

fn both() -> Value {
    vars(&[("hook", hook()), ("salesmap", salesmap())])
}

/// Kills at random moments, with `work` done before each.
fn turmoil(world: &mut World, name: &str, within: u64, mut work: impl FnMut(&mut World, u64)) {
    let (rounds, seed) = (number("ROUNDS", 5), number("SEED", any_seed()));
    println!("{name}: ROUNDS={rounds} SEED={seed}");
    let mut dice = Dice::new(seed, 0);
    for round in 0..rounds {
        work(world, round);
        std::thread::sleep(Duration::from_millis(dice.roll(within)));
        world.worker.kill_and_restart();
    }
}

fn slow(world: &World) {
    for fake in ["webhook", "salesmap"] {
        world.fakes.always(fake, Some(Mood::Slow(Duration::from_millis(15))));
    }
}

/// `visitor-contact-0` and so on, each once in both CRMs.
fn each_once(world: &World, count: usize) {
    let once: BTreeMap<String, usize> = (0..count).map(|number| (marker(number), 1)).collect();
    for place in [("contact", "webhook", "message"), ("contact", "salesmap", "person"), ("contact", "salesmap", "lead")]
    {
        assert_eq!(copies(world, place), once, "{place:?}");
    }
}

fn marker(number: usize) -> String {
    format!("visitor-contact-{number}")
}

fn body(number: usize) -> String {
    format!("name={0}&email={0}%40example.com", marker(number))
}

fn all_delivered<'a>(world: &World, ids: impl IntoIterator<Item = &'a String>) {
    for id in ids {
        let view = world.settled("contact", id);
        assert!(deliveries(&view).iter().all(|delivery| delivery["state"] == "delivered"), "{view:#}");
    }
}

fn release(world: &World, id: &str) -> bool {
    let token = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/api/forms/contact/submissions/{id}/release");
    world.send("POST", &path, &[("authorization", &token)], b"").status == 200
}

/// The form's own object fails with every submission, before or after storing it; the overflow stores all of them.
const FAILS: &str = r#"
let isStored = false;
const seen = new Set();
globalThis.onObject = (ctx) => {
  const sql = ctx.storage.sql;
  Object.defineProperty(ctx.storage, "sql", { value: { exec(query, ...values) {
    if (query.startsWith("INSERT INTO arrival")) {
      console.log(`stored by ${ctx.id.name}.`);
      isStored = ctx.id.name === "contact";
    }
    return sql.exec(query, ...values);
  } } });
};
globalThis.onAnswer = (ctx) => {
  if (isStored && ctx.id.name === "contact") { isStored = false; throw new Error("the answer is lost"); }
};
function onAccept({ id }, isFirst, isForwarded, body) {
  if (!isFirst && !isForwarded) return;
  const isEven = /[02468]@/.test(body);
  if (!isEven || seen.has(id)) throw new Error("not now");
  seen.add(id);
}
"#;

/// A hand-over takes a while, there and back.
const SLOW_HAND_OVER: &str = r"
const pause = () => new Promise((done) => setTimeout(done, 20 * Math.random()));
const onAccept = pause;
globalThis.onAnswer = pause;
";

#[test]
fn a_kill_while_the_overflow_forwards_loses_and_duplicates_nothing() {
    let mut world = World::with_prelude(&both(), SECRETS, fakes(), &(FAILS.to_owned() + ON_ACCEPT));
    // Nothing is delivered before the turmoil.
    for fake in ["webhook", "salesmap"] {
        world.fakes.always(fake, Some(Mood::DropUnread));
    }
    let ids: Vec<String> = (0..12).map(|number| world.submit("contact", &body(number))).collect();
    let stored_by = |name: &str| world.worker.log().matches(&format!("stored by {name}.")).count();
    assert_eq!(
        (stored_by("contact~overflow"), stored_by("contact")),
        (12, 6),
        "the form's own object has half of them, too"
    );
    slow(&world);
    world.on_platform(&(SLOW_HAND_OVER.to_owned() + ON_ACCEPT));
    turmoil(&mut world, "hand-over", 150, |_, _| {});
    all_delivered(&world, &ids);
    each_once(&world, ids.len());
    assert_eq!(list(&world).len(), ids.len());
}

#[test]
fn a_kill_while_rejected_leads_are_released_loses_and_duplicates_nothing() {
    let mut world = World::new(&both(), SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    world
        .fakes
        .always("salesmap", Some(Mood::Answer(Response::json(400, json!({ "success": false, "reason": "no" })))));
    let ids: Vec<String> = (0..8).map(|number| world.submit("contact", &body(number))).collect();
    for id in &ids {
        let view = world.settled("contact", id);
        assert!(deliveries(&view).iter().all(|delivery| delivery["state"] == "rejected"), "{view:#}");
    }
    slow(&world);
    // A person who got no response releases it again, even when it is already on its way.
    turmoil(&mut world, "release", 60, |world, _| assert!(ids.iter().all(|id| release(world, id))));
    all_delivered(&world, &ids);
    each_once(&world, ids.len());
}

#[test]
fn a_kill_during_a_purge_keeps_what_waits_for_a_person() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["retention_days"] = json!(30);
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_off_by(-31 * DAY));
    world.fakes.always("webhook", Some(Mood::Answer(answer(200))));
    let old = submit_many(&world, "old", 60);
    all_delivered(&world, &old);
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    let rejected: BTreeSet<String> = submit_many(&world, "rejected", 6).into_iter().collect();
    for id in &rejected {
        assert_eq!(delivery(&world.settled("contact", id), "hook")["state"], "rejected");
    }
    let asked = world.fakes.requests("webhook").len();
    world.on_platform("");
    turmoil(&mut world, "purge", 25, |world, _| world.worker.run_cron());
    world.worker.run_cron();
    let kept = || list(&world).iter().map(|view| view["id"].as_str().expect("an id").to_owned()).collect();
    world.wait_for(|| (rejected == kept()).then_some(()));
    assert_eq!(world.fakes.requests("webhook").len(), asked, "delivered and rejected leads are not sent again");
}

#[test]
fn pending_deliveries_survive_config_changes_and_kills() {
    let (one, two) = (vars(&[("hook", hook())]), both());
    let mut world = World::new(&one, SECRETS, fakes());
    slow(&world);
    // A lead goes where the config said when it came in; it waits while that destination is gone.
    let mut received: Vec<(String, usize)> = Vec::new();
    turmoil(&mut world, "config", 100, |world, round| {
        let (vars, destinations) = if round % 2 == 0 { (&one, 1) } else { (&two, 2) };
        world.redeploy(vars, SECRETS);
        for _ in 0..3 {
            received.push((world.submit("contact", &body(received.len())), destinations));
        }
    });
    world.redeploy(&two, SECRETS);
    world.worker.run_cron();
    all_delivered(&world, received.iter().map(|(id, _)| id));
    let to_both = received.iter().enumerate().filter(|(_, (_, destinations))| *destinations == 2);
    let to_both: BTreeMap<String, usize> = to_both.map(|(number, _)| (marker(number), 1)).collect();
    assert_eq!(copies(&world, ("contact", "salesmap", "lead")), to_both);
    let to_hook: BTreeMap<String, usize> = (0..received.len()).map(|number| (marker(number), 1)).collect();
    assert_eq!(copies(&world, ("contact", "webhook", "message")), to_hook);
}
