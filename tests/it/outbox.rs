//! The Outbox over time: retries, pauses, shares, budgets, changed configs and damaged rows.

use std::time::Duration;

use fakes::server::ALL;
use fakes::{Gate, Mood};
use formcourier::delivery::queue::SLOTS;
use serde_json::{Value, json};

use crate::hooks::{SECRETS, answer, copies, fakes, hook, slow_hook, stateset, vars, wait_for_records};
use crate::world::{World, at_millis, deliveries, delivery, patient, quick};

/// Step, status and outcome of each line of a timeline.
fn timeline(found: &Value) -> Vec<Value> {
    let lines = found["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.iter().map(|line| json!([line["step"], line["status"], line["outcome"]])).collect()
}

#[test]
fn the_schedule_is_followed_to_its_end() {
    let mut destination = hook();
    destination["retry"] = json!(["100ms", "300ms", "200ms"]);
    let world = World::new(&vars(&[("hook", destination)]), SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let id = world.submit("contact", "email=a@example.com");
    let view = world.settled("contact", &id);
    let found = delivery(&view, "hook");
    assert_eq!(timeline(found), vec![json!(["post", 503, "retry"]); 4]);
    assert_eq!(
        (&found["state"], &found["attempts"], &found["next_at"]),
        (&json!("exhausted"), &json!(4), &Value::Null)
    );
    assert_eq!(found["failure"]["kind"], "unavailable");
    let at: Vec<i64> =
        (0..4).filter_map(|line| found["timeline"].get(line)).map(|line| at_millis(&line["at"])).collect();
    for (gap, planned) in at.windows(2).map(|pair| pair[1] - pair[0]).zip([100, 300, 200]) {
        assert!(gap >= planned * 9 / 10, "{planned} ms were planned: {at:?}");
    }
}

#[test]
fn an_exhausted_delivery_names_the_create_whose_outcome_is_unknown() {
    let mut destination = quick(json!({ "type": "salesmap" }));
    (destination["retry"], destination["timeout"]) = (json!(["100ms"]), json!("1s"));
    let world = World::new(&vars(&[("salesmap", destination)]), SECRETS, fakes());
    world.fakes.next("salesmap", Mood::Slow(Duration::ZERO));
    world.fakes.next("salesmap", Mood::DropAfterWork);
    world.fakes.always("salesmap", Some(Mood::Answer(answer(500))));
    let id = world.submit("contact", "name=Kim&email=a@example.com");
    let view = world.settled("contact", &id);
    let found = delivery(&view, "salesmap");
    assert_eq!((&found["state"], &found["in_doubt"]), (&json!("exhausted"), &json!("lead")));
    assert_eq!(
        timeline(found),
        [json!(["person", 201, "continue"]), json!(["lead", null, "unknown"]), json!(["find_lead", 500, "retry"])]
    );
}

#[test]
fn the_timeline_is_in_the_order_of_the_calls() {
    let world = World::new(&vars(&[("salesmap", quick(json!({ "type": "salesmap" })))]), SECRETS, fakes());
    let id = world.submit("contact", "name=Kim&email=a@example.com&company=Acme");
    let view = world.settled("contact", &id);
    let found = delivery(&view, "salesmap");
    assert_eq!(
        timeline(found),
        [
            json!(["organization", 201, "continue"]),
            json!(["person", 201, "continue"]),
            json!(["lead", 201, "delivered"])
        ]
    );
    assert_eq!((&found["state"], &found["attempts"]), (&json!("delivered"), &json!(1)));
}

#[test]
fn a_rate_limit_pauses_the_destination_and_uses_up_no_attempt() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, fakes());
    for _ in 0..2 {
        world.fakes.next("webhook", Mood::Answer(answer(429).with("Retry-After", "1")));
    }
    let first = world.submit("contact", "email=a@example.com");
    world.wait_until("contact", &first, |view| !timeline(delivery(view, "hook")).is_empty());
    let others: Vec<_> = (0..5).map(|n| world.submit("contact", &format!("email=b{n}@example.com"))).collect();
    let mut lines = Vec::new();
    for id in others.iter().chain([&first]) {
        let view = world.settled("contact", id);
        let found = delivery(&view, "hook");
        assert_eq!((&found["state"], &found["attempts"]), (&json!("delivered"), &json!(1)), "{found:#}");
        let attempts = found["timeline"].as_array().cloned().unwrap_or_default();
        let number = |line: &Value, key: &str| line[key].as_i64().expect("a number");
        lines.extend(attempts.iter().map(|line| (at_millis(&line["at"]), number(line, "ms"), number(line, "status"))));
    }
    lines.sort_unstable();
    // One lead goes first after each pause.
    let statuses: Vec<_> = lines.iter().map(|(_, _, status)| *status).collect();
    assert_eq!(statuses, [429, 429, 200, 200, 200, 200, 200, 200]);
    assert!(lines[1].0 - lines[0].0 >= 1_000 && lines[2].0 - lines[1].0 >= 1_000, "{lines:?}");
    assert!(lines[3].0 >= lines[2].0 + lines[2].1, "{lines:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, fakes());
    world.fakes.next("webhook", Mood::Answer(answer(302).with("Location", "https://elsewhere.example.com/")));
    let id = world.submit("contact", "email=a@example.com");
    let view = world.settled("contact", &id);
    assert_eq!(timeline(delivery(&view, "hook")), [json!(["post", 302, "retry"]), json!(["post", 200, "delivered"])]);
    let hosts: Vec<_> = world.fakes.requests("webhook").into_iter().map(|request| request.host).collect();
    assert_eq!(hosts, ["hooks.example.com", "hooks.example.com"]);
}

#[test]
fn a_response_that_stops_halfway_times_out() {
    let mut destination = hook();
    destination["timeout"] = json!("1s");
    let world = World::new(&vars(&[("hook", destination)]), SECRETS, fakes());
    world.fakes.next("webhook", Mood::Stall(Duration::from_mins(1)));
    let id = world.submit("contact", "email=a@example.com");
    let view = world.settled("contact", &id);
    let found = delivery(&view, "hook");
    assert_eq!(timeline(found), [json!(["post", null, "no_response"]), json!(["post", 200, "delivered"])]);
    assert_eq!(found["timeline"][0]["detail"], "no complete response within 1000 ms");
}

#[test]
fn a_destination_that_hangs_does_not_hold_up_another() {
    let stateset = json!({ "type": "stateset", "timeout": "60s" });
    let world = World::new(&vars(&[("hook", hook()), ("stateset", stateset)]), SECRETS, fakes());
    world.fakes.always("stateset", Some(Mood::Slow(Duration::from_secs(50))));
    for n in 0..10 {
        let id = world.submit("contact", &format!("name=Kim&email=a{n}@example.com"));
        let view = world.wait_until("contact", &id, |view| delivery(view, "hook")["state"] == "delivered");
        assert_eq!(timeline(delivery(&view, "stateset")), [] as [Value; 0]);
    }
    assert!(world.fakes.most_at_once("stateset") < SLOTS, "one slot stays free");
}

/// A platform that allows as many subrequests in one alarm as the Worker makes.
const METER: &str = r#"
let calls = 0;
globalThis.onAlarm = () => { console.log("calls before: " + calls); calls = 0; };
const send = globalThis.fetch;
globalThis.fetch = function (...args) {
  calls += 1;
  if (calls > 45) { console.log("over the budget"); throw new Error("Too many subrequests"); }
  return send.apply(globalThis, args);
};
"#;

#[test]
fn a_burst_is_delivered_in_several_runs() {
    let (mut hook, mut salesmap) = (hook(), quick(json!({ "type": "salesmap" })));
    (hook["timeout"], salesmap["timeout"]) = (json!("60s"), json!("60s"));
    let world = World::with_prelude(&vars(&[("hook", hook), ("salesmap", salesmap)]), SECRETS, fakes(), METER);
    // Nothing is delivered before all of it is stored.
    let gate = Gate::default();
    for fake in ["webhook", "salesmap"] {
        world.fakes.always(fake, Some(Mood::Hold(gate.clone())));
    }
    let submit = |n| world.submit("contact", &format!("name=Kim&email=a{n}@example.com"));
    // More would wait for Salesmap's rate limit.
    let ids: Vec<String> = (0..45).map(submit).collect();
    gate.open();
    for id in &ids {
        let view = world.settled("contact", id);
        for destination in ["hook", "salesmap"] {
            assert_eq!(
                (&delivery(&view, destination)["state"], &delivery(&view, destination)["attempts"]),
                (&json!("delivered"), &json!(1)),
                "{view:#}"
            );
        }
    }
    assert_eq!(world.fakes.records("webhook").len(), 45);
    assert_eq!(world.fakes.records("salesmap").iter().filter(|record| record["record"] == "lead").count(), 45);
    assert!(world.fakes.most_at_once(ALL) <= SLOTS);
    let log = world.worker.log();
    assert!(log.contains("calls before: 45"), "no run used up its budget:\n{log}");
    assert!(!log.contains("over the budget"), "{log}");
}

#[test]
fn three_hundred_at_once_are_delivered_once_each() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, fakes());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for n in 0..75 {
                    world.submit("contact", &format!("email=a{thread}-{n}@example.com"));
                }
            });
        }
    });
    let last = world.submit("contact", "email=last@example.com");
    world.delivered("contact", &last);
    wait_for_records(&world, "webhook", 301);
    assert_eq!(world.fakes.records("webhook").len(), 301);
    assert_eq!(world.fakes.requests("webhook").len(), 301, "{}", world.worker.log());
    assert!(world.fakes.most_at_once("webhook") <= SLOTS);
}

#[test]
fn a_lead_waits_for_a_deleted_destination_until_it_is_configured_again() {
    let both = vars(&[("hook", hook()), ("stateset", stateset())]);
    let mut world = World::new(&both, SECRETS, fakes());
    world.fakes.next("stateset", Mood::Answer(answer(503)));
    let mut slow = both.clone();
    slow["DESTINATION_STATESET"]["retry"] = json!(["2s"]);
    world.redeploy(&slow, SECRETS);
    let id = world.submit("contact", "name=Kim&email=a@example.com");
    world.wait_until("contact", &id, |view| !timeline(delivery(view, "stateset")).is_empty());

    world.redeploy(&vars(&[("hook", hook())]), SECRETS);
    let says = |view: &Value| delivery(view, "stateset")["failure"]["detail"].clone();
    let view = world.wait_until("contact", &id, |view| says(view) == "the destination stateset is not configured");
    assert_eq!(
        (&delivery(&view, "stateset")["state"], &delivery(&view, "stateset")["attempts"]),
        (&json!("pending"), &json!(1))
    );
    // A new lead is not meant for it.
    let other = world.submit("contact", "name=Lee&email=b@example.com");
    assert_eq!(deliveries(&world.settled("contact", &other)).len(), 1);

    world.redeploy(&both, SECRETS);
    let view = world.settled("contact", &id);
    assert_eq!(
        timeline(delivery(&view, "stateset")),
        [json!(["lead", 503, "retry"]), json!(["lead", 201, "delivered"])]
    );
}

#[test]
fn a_missing_secret_uses_up_no_attempt() {
    let vars = vars(&[("hook", hook())]);
    let mut world = World::new(&vars, &[], fakes());
    let id = world.submit("contact", "email=a@example.com");
    let says = |view: &Value| delivery(view, "hook")["failure"]["detail"].clone();
    let missing = "the secret HOOK_SIGNING_SECRET is not set: run `npx wrangler secret put HOOK_SIGNING_SECRET`";
    let view = world.wait_until("contact", &id, |view| says(view) == missing);
    assert_eq!(
        (&delivery(&view, "hook")["state"], &delivery(&view, "hook")["attempts"]),
        (&json!("pending"), &json!(0))
    );
    world.redeploy(&vars, SECRETS);
    let view = world.settled("contact", &id);
    assert_eq!(timeline(delivery(&view, "hook")), [json!(["post", 200, "delivered"])]);
}

#[test]
fn an_alarm_that_a_kill_ends_rings_again_by_itself() {
    let mut world = World::new(&vars(&[("hook", patient(slow_hook()))]), SECRETS, fakes());
    world.fakes.next("webhook", Mood::Hold(Gate::default()));
    let id = world.submit("contact", "email=a@example.com");
    world.wait_for(|| (!world.fakes.requests("webhook").is_empty()).then_some(()));
    world.worker.kill_and_restart();
    // No request wakes the object.
    wait_for_records(&world, "webhook", 1);
    assert_eq!(copies(&world, &[id]), [1]);
}

#[test]
fn a_changed_map_applies_to_waiting_leads() {
    let mut destination = hook();
    destination["retry"] = json!(["500ms", "500ms", "500ms", "500ms", "500ms", "500ms", "500ms", "500ms"]);
    let mut vars = vars(&[("hook", destination)]);
    let mut world = World::new(&vars, SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let id = world.submit("contact", "email=a@example.com&handy=010-1234-5678");
    world.wait_until("contact", &id, |view| !timeline(delivery(view, "hook")).is_empty());
    vars["FORM_CONTACT"]["map"] = json!({ "phone": "handy" });
    world.redeploy(&vars, SECRETS);
    world.fakes.always("webhook", None);
    world.delivered("contact", &id);
    let lead = &world.fakes.records("webhook")[0]["data"]["lead"];
    assert_eq!(lead, &json!({ "email": "a@example.com", "phone": "010-1234-5678" }));
}

/// Damages rows when the object starts again: the body of the submission that says `damaged@`, the delivery of `torn@`.
const DAMAGE: &str = r#"
globalThis.onObject = ({ storage: { sql } }) => {
  try {
    sql.exec("UPDATE submission SET body = json_set(body, '$.received_at', 'damaged@') WHERE fields LIKE '%damaged@%'");
    sql.exec("UPDATE delivery SET progress = 'torn@' WHERE submission_id IN (SELECT id FROM submission WHERE fields LIKE '%torn@%')");
  } catch {}
};
"#;

#[test]
fn an_unreadable_row_stops_no_other() {
    let mut destination = hook();
    destination["retry"] = json!(["1s", "1s", "1s", "1s"]);
    let mut world = World::with_prelude(&vars(&[("hook", destination)]), SECRETS, fakes(), DAMAGE);
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let [damaged, torn] = ["damaged", "torn"].map(|who| world.submit("contact", &format!("email={who}@example.com")));
    let whole = world.submit("contact", "email=a@example.com");
    world.wait_until("contact", &whole, |view| !timeline(delivery(view, "hook")).is_empty());
    world.worker.kill_and_restart();
    world.fakes.always("webhook", None);
    world.delivered("contact", &whole);
    assert_eq!(world.newest("contact")["id"], json!(whole), "the list shows what is readable");
    assert_eq!(world.fakes.records("webhook").len(), 1);
    // The log names the rows without their content.
    let says = |text: &str| world.wait_for(|| world.worker.log().contains(text).then_some(()));
    says(&format!("the submission {damaged} cannot be read"));
    says(&format!("the delivery of {torn} to hook cannot be read"));
    let log = world.worker.log();
    assert!(!log.contains("damaged@") && !log.contains("torn@"), "{log}");
}

/// A disk that is full when the second delivery of the first submission is stored.
const FULL: &str = r#"
let left = 2;
globalThis.onObject = (ctx) => {
  const sql = ctx.storage.sql;
  const exec = sql.exec;
  Object.defineProperty(ctx.storage, "sql", { value: { exec(query, ...values) {
    if (query.includes("INSERT INTO delivery") && --left === 0) throw new Error("database or disk is full");
    return exec.call(sql, query, ...values);
  } } });
};
"#;

#[test]
fn a_submission_is_stored_with_all_its_deliveries_or_not_at_all() {
    let both = vars(&[("hook", hook()), ("stateset", stateset())]);
    // The second time there is room.
    let world = World::with_prelude(&both, SECRETS, fakes(), FULL);
    let id = world.submit("contact", "name=Kim&email=a@example.com");
    assert_eq!(deliveries(&world.settled("contact", &id)).len(), 2);
    assert_eq!((world.fakes.records("webhook").len(), world.fakes.records("stateset").len()), (1, 1));
    assert!(world.worker.log().contains("database or disk is full"), "{}", world.worker.log());
}
