//! Fairness and pace: a backlog does not delay new leads, a dead destination does not delay the others, and no vendor gets
//! more calls than its pace allows.

use std::time::Duration;

use fakes::server::ALL;
use fakes::webhook::Webhook;
use fakes::{Fake, Gate, Mood, Request, Response};
use formcourier::delivery::queue::SLOTS;
use serde_json::{Value, json};

use crate::filled::{backlog, fill, fillable};
use crate::hooks::{SECRET, SECRETS, copies, fakes, hook, millis, slow_hook, submit_many, vars, wait_for_records};
use crate::world::{World, at_millis, at_once, delivery, quick, with};

/// Three leads come in while ten thousand wait and every slot is taken: how many of the ten thousand go before them?
fn ahead_of_the_newest(destination: Value) -> usize {
    let mut world = fillable(&vars(&[("hook", destination)]), SECRETS, fakes(), &backlog(10_000));
    let gate = Gate::default();
    world.fakes.always("webhook", Some(Mood::Hold(gate.clone())));
    let before = world.fakes.requests("webhook").len();
    fill(&mut world);
    world.wait_for(|| (world.fakes.requests("webhook").len() >= before + SLOTS).then_some(()));
    let newest: Vec<_> = (0..3).map(|n| world.submit("contact", &format!("email=newest{n}@example.com"))).collect();
    let asked = world.fakes.requests("webhook").len();
    gate.open();
    let places = || -> Vec<usize> {
        let requests = world.fakes.requests("webhook");
        let place = |id: &String| requests.iter().position(|request| request.body.contains(id.as_str()));
        newest.iter().filter_map(place).collect()
    };
    let places = world.wait_for(|| Some(places()).filter(|places| places.len() == newest.len()));
    let last = places.into_iter().max().unwrap_or_default();
    last + 1 - asked - newest.len()
}

#[test]
fn a_backlog_of_ten_thousand_does_not_starve_new_leads() {
    let paces = vec![json!({ "timeout": "60s" }), json!({ "timeout": "60s", "pace": "20/1s" })];
    at_once(paces, |pace| {
        let ahead = ahead_of_the_newest(with(slow_hook(), &pace));
        // Of several free slots one is for the newest, and a single one takes turns.
        assert!(ahead <= 3 * SLOTS, "{ahead} of the backlog went before the newest, {pace}");
    });
}

#[test]
fn a_dead_destination_costs_the_other_nothing() {
    let dead = json!({ "type": "stateset", "timeout": "60s" });
    let world = World::new(&vars(&[("hook", hook()), ("stateset", dead)]), SECRETS, fakes());
    world.fakes.always("stateset", Some(Mood::Hold(Gate::default())));
    // More than four runs may send.
    let ids = submit_many(&world, "a", 200);
    wait_for_records(&world, "webhook", 200);
    assert_eq!(copies(&world, &ids), vec![1; 200]);
    // The dead one holds the slots that it got while the other had nothing due; one always stays free.
    let held = world.fakes.requests("stateset");
    assert!(held.len() < SLOTS, "{held:#?}\n{}", world.worker.log());
    assert!(world.fakes.most_at_once(ALL) <= SLOTS);
}

/// A webhook that knows when each call came.
struct Clocked {
    hook: Webhook,
    came: Vec<i64>,
}

impl Fake for Clocked {
    fn name(&self) -> &'static str {
        self.hook.name()
    }

    fn hosts(&self) -> &'static [&'static str] {
        self.hook.hosts()
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        self.came.push(now_ms);
        self.hook.answer(request, now_ms)
    }

    fn records(&self) -> Vec<Value> {
        self.hook.records()
    }
}

#[test]
fn no_window_holds_more_calls_than_the_pace_allows() {
    let mut destination = hook();
    destination["pace"] = json!("10/1s");
    let clocked: Vec<Box<dyn Fake>> = vec![Box::new(Clocked { hook: Webhook::new(SECRET), came: Vec::new() })];
    let world = World::new(&vars(&[("hook", destination)]), SECRETS, clocked);
    let start = millis();
    let ids = submit_many(&world, "a", 45);
    wait_for_records(&world, "webhook", 45);
    assert_eq!(copies(&world, &ids), vec![1; 45]);
    let mut came = world.fakes.with(|hook: &mut Clocked| hook.came.clone());
    came.sort_unstable();
    // Each ten calls have their own window.
    for (windows, tenth) in (0..).zip(came.iter().step_by(10)) {
        let since = tenth - start;
        assert!(since >= windows * 990, "ten calls too many after {since} ms: {came:?}");
    }
    // The pace is also used: most calls leave together with others.
    let together = came.windows(2).filter(|two| two[1] - two[0] < 500).count();
    assert!(together >= 30, "{together} calls came with others: {came:?}");
}

#[test]
fn shards_share_the_pace_and_wait_for_their_turns() {
    let mut destination = hook();
    (destination["pace"], destination["timeout"]) = (json!("8/8s"), json!("60s"));
    let mut vars = vars(&[("hook", destination)]);
    vars["FORM_CONTACT"]["shards"] = json!(4);
    let clocked: Vec<Box<dyn Fake>> = vec![Box::new(Clocked { hook: Webhook::new(SECRET), came: Vec::new() })];
    let world = World::new(&vars, SECRETS, clocked);
    let start = millis();
    let ids = submit_many(&world, "a", 24);
    wait_for_records(&world, "webhook", 24);
    assert_eq!(copies(&world, &ids), vec![1; 24]);
    let mut came = world.fakes.with(|hook: &mut Clocked| hook.came.clone());
    came.sort_unstable();
    for (windows, eighth) in (0..).zip(came.iter().step_by(8)) {
        let since = eighth - start;
        assert!(since >= windows * 7_980, "eight calls too many after {since} ms: {came:?}");
    }
    // A watchdog that takes the wait for a hang resets the object, whose calls then wait for more than a minute.
    let took = came[23] - start;
    assert!((12_000..60_000).contains(&took), "{took} ms: {came:?}");
}

#[test]
fn a_search_costs_ten_calls_of_the_pace() {
    let mut salesmap = quick(json!({ "type": "salesmap", "pace": "11/36s" }));
    salesmap["timeout"] = json!("1s");
    let world = World::new(&vars(&[("salesmap", salesmap)]), SECRETS, fakes());
    world.fakes.next("salesmap", Mood::Slow(Duration::ZERO));
    world.fakes.next("salesmap", Mood::DropAfterWork);
    let id = world.submit("contact", "name=Kim&email=a@example.com");
    let view = world.settled("contact", &id);
    let lines = delivery(&view, "salesmap")["timeline"].as_array().cloned().unwrap_or_default();
    let steps: Vec<_> = lines.iter().map(|line| line["step"].as_str().unwrap_or_default()).collect();
    assert_eq!(steps, ["person", "lead", "find_lead"], "{view:#}");
    // The look-up is due after 31 seconds; then it waits until one of the two calls before it is out of the window.
    let at = |line: usize| at_millis(&lines[line]["at"]);
    assert!(at(2) - at(0) >= 34_000, "{lines:#?}");
    assert_eq!(world.fakes.records("salesmap").iter().filter(|record| record["record"] == "lead").count(), 1);
}
