//! Fairness and pace: a backlog starves nobody, a dead destination costs the others nothing, and no vendor gets more
//! calls than its pace.

use std::time::Duration;

use fakes::server::ALL;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Request, Response};
use serde_json::{Value, json};

use crate::hooks::{SECRET, SECRETS, copies, fakes, hook, stateset, submit_many, vars, wait_for_records};
use crate::world::{World, delivery, now, quick};

#[test]
fn a_backlog_does_not_starve_who_comes_last() {
    let mut destination = hook();
    destination["pace"] = json!("20/1s");
    let world = World::new(&vars(&[("hook", destination)]), SECRETS, fakes());
    submit_many(&world, "a", 600);
    let behind = world.fakes.records("webhook").len();
    let last = world.submit("contact", "email=last@example.com");
    world.delivered("contact", &last);
    let passed = world.fakes.records("webhook").len() - behind;
    assert!(behind < 400, "there was no backlog: {behind}");
    assert!(passed < 60, "{passed} went before the newest");
}

#[test]
fn a_dead_destination_costs_the_other_nothing() {
    let dead = json!({ "crm": "stateset", "timeout": "60s" });
    let world = World::new(&vars(&[("hook", hook()), ("stateset", dead)]), SECRETS, fakes());
    world.fakes.always("stateset", Some(Mood::Slow(Duration::from_secs(55))));
    let start = now();
    // More than four runs' budget of calls.
    let ids = submit_many(&world, "a", 200);
    wait_for_records(&world, "webhook", 200);
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    assert_eq!(copies(&world, &ids), vec![1; 200]);
    assert_eq!(world.fakes.records("stateset").len(), 0);
    assert!(world.fakes.most_at_once(ALL) <= 6 && world.fakes.most_at_once("stateset") <= 3);
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
fn no_window_holds_more_calls_than_the_pace() {
    let mut destination = hook();
    destination["pace"] = json!("10/1s");
    let clocked: Vec<Box<dyn Fake>> = vec![Box::new(Clocked { hook: Webhook::new(SECRET), came: Vec::new() })];
    let world = World::new(&vars(&[("hook", destination)]), SECRETS, clocked);
    let ids = submit_many(&world, "a", 45);
    wait_for_records(&world, "webhook", 45);
    assert_eq!(copies(&world, &ids), vec![1; 45]);
    let mut came = world.fakes.with(|hook: &mut Clocked| hook.came.clone());
    came.sort_unstable();
    // Eleven in a row take longer than the window, but for what the way to the fake may take of it.
    let shortest = came.windows(11).map(|eleven| eleven[10] - eleven[0]).min().expect("more than eleven");
    assert!(shortest >= 800, "eleven calls in {shortest} ms");
    // And the pace is used, not only kept.
    assert!(came[44] - came[0] < 15_000, "{} ms for 45 calls", came[44] - came[0]);
}

#[test]
fn a_search_costs_ten() {
    let mut salesmap = quick(json!({ "crm": "salesmap", "pace": "11/3s" }));
    salesmap["timeout"] = json!("10s");
    let world = World::new(&vars(&[("salesmap", salesmap), ("stateset", stateset())]), SECRETS, fakes());
    world.fakes.next("salesmap", Mood::Slow(Duration::ZERO));
    world.fakes.next("salesmap", Mood::DropAfterWork);
    let id = world.submit("contact", "name=Kim&email=a@example.com");
    let view = world.settled("contact", &id);
    let lines = delivery(&view, "salesmap")["attempts"].as_array().cloned().unwrap_or_default();
    let steps: Vec<_> = lines.iter().map(|line| line["step"].as_str().unwrap_or_default()).collect();
    assert_eq!(steps, ["people", "lead", "find_lead"], "{view:#}");
    // One of the two points before it has to be out of the window: eleven less ten leaves room for one.
    let at = |line: usize| lines[line]["at"].as_i64().expect("a time");
    assert!(at(2) - at(0) >= 2_900, "{lines:#?}");
    assert_eq!(world.fakes.records("salesmap").iter().filter(|record| record["record"] == "lead").count(), 1);
}
