//! Killed in the middle of what happens seldom: when an overflow hands over, when a person releases what was refused, when
//! old submissions go, and when the config changes while deliveries wait. Nothing is lost, doubled, or done again.
//!
//! `ROUNDS` says how many kills there are in each, `SEED` repeats the pauses before them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fakes::salesmap::Salesmap;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Response};
use serde_json::{Value, json};

use crate::hooks::{SECRET, SECRETS, answer, clock_off_by, list, submit_many, vars};
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

/// A CRM that makes a second lead of a second create.
fn salesmap() -> Value {
    let mut salesmap = patient(json!({ "type": "salesmap" }));
    salesmap["pace"] = json!("10000/1s");
    salesmap
}

fn both() -> Value {
    vars(&[("hook", hook()), ("salesmap", salesmap())])
}

/// Kills at random moments, and does `work` before each.
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

/// The form's own object fails with every submission, before or after it has stored it; the overflow takes all of them.
const FAILS: &str = r#"
const text = Request.prototype.text;
let isStored = false;
const seen = new Set();
globalThis.onObject = (ctx) => {
  const set = ctx.storage.setAlarm;
  Object.defineProperty(ctx.storage, "setAlarm", { value: async function (...args) {
    await set.apply(ctx.storage, args);
    if (isStored && ctx.id.name === "contact") { isStored = false; throw new Error("the answer is lost"); }
  } });
  const sql = ctx.storage.sql;
  Object.defineProperty(ctx.storage, "sql", { value: { exec(query, ...values) {
    if (query.startsWith("INSERT INTO submission")) console.log(`stored by ${ctx.id.name}.`);
    return sql.exec(query, ...values);
  } } });
};
Request.prototype.text = async function () {
  const body = await text.call(this);
  if (!this.url.endsWith("/accept")) return body;
  const { asked_first, submission } = JSON.parse(body);
  if (asked_first !== null) return body;
  const isEven = /[02468]@/.test(body);
  if (isEven && !seen.has(submission.id)) { seen.add(submission.id); isStored = true; return body; }
  throw new Error("not now");
};
"#;

/// The way from one object to the other takes a while, there and back.
const SLOW_WAY: &str = r#"
const text = Request.prototype.text;
const pause = () => new Promise((done) => setTimeout(done, 20 * Math.random()));
Request.prototype.text = async function () {
  if (this.url.endsWith("/accept")) await pause();
  return text.call(this);
};
const answer = Response.prototype.text;
Response.prototype.text = async function () { await pause(); return answer.call(this); };
"#;

#[test]
fn killed_while_an_overflow_hands_over() {
    let mut world = World::with_prelude(&both(), SECRETS, fakes(), FAILS);
    // Nothing is delivered before the turmoil.
    for fake in ["webhook", "salesmap"] {
        world.fakes.always(fake, Some(Mood::DropUnread));
    }
    let ids: Vec<String> = (0..12).map(|number| world.submit("contact", &body(number))).collect();
    let stored_by = |name: &str| world.worker.log().matches(&format!("stored by {name}.")).count();
    assert_eq!((stored_by("contact~overflow"), stored_by("contact")), (12, 6), "the first has half of them, too");
    slow(&world);
    // It is time for the overflow to ask.
    world.on_platform(&(clock_off_by(11_000) + SLOW_WAY));
    turmoil(&mut world, "hand-over", 150, |_, _| {});
    all_delivered(&world, &ids);
    each_once(&world, ids.len());
    assert_eq!(list(&world).len(), ids.len());
}

#[test]
fn killed_while_a_person_releases_what_was_refused() {
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
    // A person who was not answered releases it once more, and again what is on its way already.
    turmoil(&mut world, "release", 60, |world, _| assert!(ids.iter().all(|id| release(world, id))));
    all_delivered(&world, &ids);
    each_once(&world, ids.len());
}

#[test]
fn killed_while_old_submissions_go() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["retention_days"] = json!(30);
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_off_by(-31 * DAY));
    world.fakes.always("webhook", Some(Mood::Answer(answer(200))));
    let old = submit_many(&world, "old", 60);
    all_delivered(&world, &old);
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    let refused: BTreeSet<String> = submit_many(&world, "rejected", 6).into_iter().collect();
    for id in &refused {
        assert_eq!(delivery(&world.settled("contact", id), "hook")["state"], "rejected");
    }
    let asked = world.fakes.requests("webhook").len();
    world.on_platform("");
    turmoil(&mut world, "purge", 25, |world, _| world.worker.run_cron());
    world.worker.run_cron();
    let kept = || list(&world).iter().map(|view| view["id"].as_str().expect("an id").to_owned()).collect();
    world.wait_for(|| (refused == kept()).then_some(()));
    assert_eq!(world.fakes.requests("webhook").len(), asked, "what was delivered or refused is not sent again");
}

#[test]
fn a_config_that_goes_to_and_fro_while_deliveries_wait() {
    let (one, two) = (vars(&[("hook", hook())]), both());
    let mut world = World::new(&one, SECRETS, fakes());
    slow(&world);
    // What came in goes where the config of that moment says, and a destination that is gone for a while is waited for.
    let mut came_in: Vec<(String, usize)> = Vec::new();
    turmoil(&mut world, "config", 100, |world, round| {
        let (vars, destinations) = if round % 2 == 0 { (&one, 1) } else { (&two, 2) };
        world.redeploy(vars, SECRETS);
        for _ in 0..3 {
            came_in.push((world.submit("contact", &body(came_in.len())), destinations));
        }
    });
    world.redeploy(&two, SECRETS);
    world.worker.run_cron();
    all_delivered(&world, came_in.iter().map(|(id, _)| id));
    let to_both = came_in.iter().enumerate().filter(|(_, (_, destinations))| *destinations == 2);
    let to_both: BTreeMap<String, usize> = to_both.map(|(number, _)| (marker(number), 1)).collect();
    assert_eq!(copies(&world, ("contact", "salesmap", "lead")), to_both);
    let to_hook: BTreeMap<String, usize> = (0..came_in.len()).map(|number| (marker(number), 1)).collect();
    assert_eq!(copies(&world, ("contact", "webhook", "message")), to_hook);
}
