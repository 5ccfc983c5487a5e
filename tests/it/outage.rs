//! An outage of days in compressed time, a destination that is deleted meanwhile, and what the log says.

use fakes::{Mood, Response};
use serde_json::{Value, json};

use crate::hooks::{
    SECRETS, answer, clock_off_by, clock_stopped_at, copies, fakes, slow_hook, stands, submit_many, vars,
    wait_for_records,
};
use crate::world::{World, deliveries, delivery};

const HOUR: i64 = 60 * 60 * 1000;

#[test]
fn three_days_without_the_vendor_cost_no_lead() {
    // The Worker's clock starts in the past and jumps; the receiver, which checks the time, has the right one.
    let start = -5 * 24 * HOUR;
    let vars = vars(&[("hook", slow_hook())]);
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_stopped_at(start));
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let mut ids = Vec::new();
    for after in [0, 9, 31, 67] {
        world.on_platform(&clock_stopped_at(start + after * HOUR));
        let asked = world.fakes.requests("webhook").len();
        ids.extend(submit_many(&world, &format!("h{after}x"), 5));
        world.wait_for(|| (world.fakes.requests("webhook").len() >= asked + 3).then_some(()));
    }
    for id in &ids {
        assert_eq!(stands(&world, id, "hook").0, "pending");
    }
    world.fakes.always("webhook", None);
    world.on_platform("");
    world.worker.run_cron();
    for id in &ids {
        world.delivered("contact", id);
    }
    assert_eq!(copies(&world, &ids), vec![1; 20]);
}

/// How long the timeline of the delivery to `hook` is.
fn lines(view: &Value) -> usize {
    delivery(view, "hook")["timeline"].as_array().map_or(0, Vec::len)
}

#[test]
fn leads_of_a_destination_that_is_deleted_in_an_outage_wait_and_say_why() {
    let stateset = json!({ "type": "stateset" });
    let both = vars(&[("hook", slow_hook()), ("stateset", stateset)]);
    let only_stateset = vars(&[("stateset", json!({ "type": "stateset" }))]);
    let mut world = World::with_prelude(&both, SECRETS, fakes(), &clock_off_by(-2 * HOUR));
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let ids = submit_many(&world, "a", 5);
    for id in &ids {
        let done = |view: &Value| lines(view) > 0 && delivery(view, "stateset")["state"] == "delivered";
        world.wait_until("contact", id, done);
    }
    world.redeploy(&only_stateset, SECRETS);
    world.on_platform("");
    let asked = world.fakes.requests("webhook").len();
    world.worker.run_cron();
    for id in &ids {
        let view = world.wait_until("contact", id, |view| delivery(view, "hook")["failure"]["kind"] == "config");
        assert_eq!(delivery(&view, "hook")["failure"]["detail"], "the destination hook is not configured");
        assert_eq!(deliveries(&view).len(), 2);
    }
    assert_eq!(world.fakes.requests("webhook").len(), asked);
    world.fakes.always("webhook", None);
    world.redeploy(&both, SECRETS);
    world.worker.run_cron();
    wait_for_records(&world, "webhook", 5);
    for id in &ids {
        assert_eq!(delivery(&world.settled("contact", id), "hook")["state"], "delivered");
    }
    assert_eq!(copies(&world, &ids), vec![1; 5]);
}

#[test]
fn every_line_of_the_log_is_json_with_ids_and_without_a_visitors_words() {
    let world =
        World::new(&vars(&[("hook", slow_hook()), ("stateset", json!({ "type": "stateset" }))]), SECRETS, fakes());
    let personal = ["Kim Minji", "kim.minji@", "010-1234-5678", "call me", "told to"];
    let body = "name=Kim Minji&email=kim.minji@example.com&phone=010-1234-5678&message=call me";
    world.fakes.next("webhook", Mood::DropAfterWork);
    let not_found = json!({ "error": { "code": "RESOURCE_NOT_FOUND", "message": "told to" } });
    world.fakes.next("stateset", Mood::Answer(Response::json(404, not_found)));
    let rejected = world.submit("contact", body);
    world.wait_until("contact", &rejected, |view| {
        delivery(view, "stateset")["state"] == "rejected" && delivery(view, "hook")["failure"]["kind"] == "no_response"
    });
    let log = world.worker.log();
    let lines: Vec<&str> = log.lines().filter(|line| !is_of_workerd(line)).collect();
    let mut events = Vec::new();
    for line in lines {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(!personal.iter().any(|word| line.contains(word)), "{line}");
        if event["event"] != "failure" {
            assert_eq!(event["submission"], json!(rejected), "{line}");
        }
        events.push(event["event"].as_str().unwrap_or_default().to_owned());
    }
    events.sort();
    assert_eq!(events, ["attempt", "attempt"], "one line per event:\n{log}");
}

/// workerd's own lines name its source files.
fn is_of_workerd(line: &str) -> bool {
    line.contains(".c++:") || line.starts_with("stack:")
}
