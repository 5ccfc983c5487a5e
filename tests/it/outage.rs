//! Three days without the CRM, in compressed time, and what may happen to the config meanwhile.

use fakes::Mood;
use serde_json::{Value, json};

use crate::hooks::{
    SECRETS, answer, clock_off_by, clock_stopped_at, copies, fakes, slow_hook, submit_many, vars, wait_for_records,
};
use crate::world::{World, deliveries, delivery};

const HOUR: i64 = 60 * 60 * 1000;

#[test]
fn three_days_without_the_crm_by_the_products_own_schedule() {
    // The Worker's clock begins in the past and jumps; the receiver, which checks the time, has the right one. When that is
    // reached, the longest pause is over as well.
    let start = -5 * 24 * HOUR;
    let vars = vars(&[("hook", slow_hook())]);
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_stopped_at(start));
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let mut days: Vec<Vec<String>> = Vec::new();
    for (number, after) in [0, 1, 3, 9, 20, 31, 46, 67].into_iter().enumerate() {
        world.on_platform(&clock_stopped_at(start + after * HOUR));
        days.push(submit_many(&world, &format!("day{number}x"), 5));
        // Everything that waits is due by now. Each jump of the clock kills the Worker, and a try that a kill cuts short is
        // taken back: so it jumps when every answer is stored, not when every request was seen.
        for (day, id) in each(&days) {
            world.wait_until("contact", id, |view| lines(view) > number - day);
        }
    }
    // The clock stood still between the jumps, so each was tried once after each of them, neither more nor less.
    for (day, id) in each(&days) {
        let view = world.submission("contact", id);
        let tries = days.len() - day;
        assert_eq!((&delivery(&view, "hook")["attempts"], lines(&view)), (&json!(tries), tries), "{view:#}");
    }
    assert_eq!(world.fakes.requests("webhook").len(), 5 * (1..=days.len()).sum::<usize>());
    world.fakes.always("webhook", None);
    world.on_platform("");
    // A submission, the operator or the sweep: the object need not wait for its alarm.
    world.worker.run_cron();
    for (_, id) in each(&days) {
        world.delivered("contact", id);
    }
    assert_eq!(copies(&world, &days.concat()), vec![1; 40]);
}

/// Each submission, with the number of the day that it came in.
fn each(days: &[Vec<String>]) -> impl Iterator<Item = (usize, &String)> {
    days.iter().enumerate().flat_map(|(day, ids)| ids.iter().map(move |id| (day, id)))
}

/// How long the timeline of the delivery to `hook` is.
fn lines(view: &Value) -> usize {
    delivery(view, "hook")["timeline"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_destination_that_is_deleted_in_an_outage_is_waited_for_visibly() {
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
fn every_line_of_the_log_is_json_with_ids_and_no_words_of_a_visitor() {
    let world =
        World::new(&vars(&[("hook", slow_hook()), ("stateset", json!({ "type": "stateset" }))]), SECRETS, fakes());
    let personal = ["Kim Minji", "kim.minji@", "010-1234-5678", "call me", "told to"];
    let body = "name=Kim Minji&email=kim.minji@example.com&phone=010-1234-5678&message=call me";
    world.fakes.next("webhook", Mood::DropAfterWork);
    world.fakes.next("stateset", Mood::Answer(answer(404)));
    let refused = world.submit("contact", body);
    world.wait_until("contact", &refused, |view| {
        delivery(view, "stateset")["state"] == "rejected" && delivery(view, "hook")["failure"]["kind"] == "no_response"
    });
    let log = world.worker.log();
    let lines: Vec<&str> = log.lines().filter(|line| !is_of_workerd(line)).collect();
    let mut events = Vec::new();
    for line in lines {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(!personal.iter().any(|word| line.contains(word)), "{line}");
        if event["event"] != "failure" {
            assert_eq!(event["submission"], json!(refused), "{line}");
        }
        events.push(event["event"].as_str().unwrap_or_default().to_owned());
    }
    events.sort();
    assert_eq!(events, ["accepted", "attempt", "attempt"], "one line per event:\n{log}");
}

/// workerd's own lines say where in its source they come from.
fn is_of_workerd(line: &str) -> bool {
    line.contains(".c++:") || line.starts_with("stack:")
}
