//! Pauses: when a destination fails, its leads wait and use no attempts; when one lead fails, the others go on.

use fakes::alerts::Alerts;
use fakes::hubspot::HubSpot;
use fakes::leadsquared::LeadSquared;
use fakes::{Fake, Gate, Mood, Response};
use formcourier::delivery::queue::SLOTS;
use serde_json::{Value, json};

use crate::hooks::{SECRETS, answer, copies, fakes, hook, stands, stateset, submit_many, vars, wait_for_records};
use crate::world::{World, at_millis, delivery};

/// A word in a bot's posts that a firewall in front of the vendor rejects.
const ATTACK: &str = "../../etc/passwd";

#[test]
fn a_bot_that_a_firewall_rejects_holds_up_no_lead_and_raises_no_alert() {
    let mut fakes = fakes();
    fakes.push(Box::new(Alerts::default()));
    let secrets = [("SALESMAP_TOKEN", "t1"), ("ALERT_WEBHOOK_URL", "https://alerts.example.com/services/T1")];
    let world = World::new(&vars(&[("salesmap", json!({ "type": "salesmap" }))]), &secrets, fakes);
    world.fakes.always("salesmap", Some(Mood::Firewall(ATTACK)));
    let mut rejected = Vec::new();
    for n in 0..8 {
        rejected.push(world.submit("contact", &format!("name=Bot&email=bot{n}@example.com&message={ATTACK}")));
        let honest = world.submit("contact", &format!("name=Kim&email=kim{n}@example.com&message=hello"));
        world.delivered("contact", &honest);
        assert_eq!(stands(&world, &honest, "salesmap"), ("delivered".into(), 1, String::new()));
    }
    for id in &rejected {
        // The probe passed, so the failure is the lead's own.
        let view = world.wait_until("contact", id, |view| delivery(view, "salesmap")["failure"]["kind"] == "forbidden");
        let timeline = delivery(&view, "salesmap")["timeline"].as_array().cloned().unwrap_or_default();
        let steps: Vec<_> =
            timeline.iter().map(|line| json!([line["step"], line["status"], line["outcome"]])).collect();
        let expected =
            [json!(["person", 201, "continue"]), json!(["lead", 403, "unknown"]), json!(["probe", 200, "well"])];
        assert_eq!(steps, expected);
    }
    world.fakes.with(|alerts: &mut Alerts| assert_eq!(alerts.texts, [] as [String; 0]));
    assert!(!world.worker.log().contains("\"paused\""), "{}", world.worker.log());
}

#[test]
fn an_outage_makes_few_calls_and_ends_quickly() {
    let hubspot: Box<dyn Fake> = Box::new(HubSpot::new("t1"));
    let hubspot_vars = vars(&[("hubspot", json!({ "type": "hubspot" }))]);
    let world = World::new(&hubspot_vars, &[("HUBSPOT_TOKEN", "t1")], vec![hubspot]);
    world.fakes.always("hubspot", Some(Mood::Answer(Response::html(503, "Service Unavailable"))));
    let mut ids = submit_many(&world, "a", 40);
    // The outage outlasts a check, five seconds after the pause began.
    let is_probe = |path: &str| path.ends_with("/contacts");
    let probes = || world.fakes.requests("hubspot").iter().filter(|request| is_probe(&request.path)).count();
    world.wait_for(|| world.worker.log().contains("\"paused\"").then_some(()));
    let during_pause = probes();
    world.wait_for(|| (probes() > during_pause).then_some(()));
    let asked = world.fakes.requests("hubspot").len();
    assert!(asked <= 20, "{asked} calls during the outage");

    world.fakes.always("hubspot", None);
    // A new lead brings the next check forward.
    ids.push(world.submit("contact", "name=Kim&email=new@example.com"));
    wait_for_records(&world, "hubspot", ids.len());
    let attempts: Vec<u64> = ids
        .iter()
        .map(|id| {
            world.delivered("contact", id);
            stands(&world, id, "hubspot").1
        })
        .collect();
    // Only the leads whose failures led to the probe used one up.
    let used: Vec<_> = attempts.iter().filter(|attempts| **attempts > 1).collect();
    assert!(used.len() <= SLOTS && used.iter().all(|attempts| **attempts == 2), "{attempts:?}");
}

#[test]
fn rejected_credentials_pause_a_destination_without_a_probe() {
    let world = World::new(&vars(&[("hook", hook()), ("stateset", stateset())]), SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(401))));
    let ids = submit_many(&world, "a", 30);
    // The other destination of the form gets all of them meanwhile.
    wait_for_records(&world, "stateset", 30);
    let asked = world.fakes.requests("webhook").len();
    assert!(asked <= 20, "{asked} calls with rejected credentials");
    for id in &ids {
        let (state, attempts, _) = stands(&world, id, "hook");
        assert!(state == "pending" && attempts <= 2, "{}", world.submission("contact", id));
    }
    world.fakes.always("webhook", None);
    wait_for_records(&world, "webhook", 30);
    assert_eq!(copies(&world, &ids), vec![1; 30]);
}

#[test]
fn without_a_probe_a_lead_rejected_alone_ends_by_its_schedule() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Firewall(ATTACK)));
    let first = world.submit("contact", "email=first@example.com");
    world.delivered("contact", &first);
    let rejected = world.submit("contact", &format!("email=bot@example.com&message={ATTACK}"));
    let mut ids = submit_many(&world, "a", 5);
    ids.push(first);
    for id in &ids {
        world.delivered("contact", id);
    }
    world.settled("contact", &rejected);
    assert_eq!(stands(&world, &rejected, "hook"), ("exhausted".into(), 6, "forbidden".into()));
    assert_eq!(copies(&world, &ids), vec![1; 6]);
}

#[test]
fn a_corrected_region_is_tried_at_once() {
    let account = |region: &str| vars(&[("account", json!({ "type": "leadsquared", "region": region }))]);
    let keys = [("ACCOUNT_ACCESS_KEY", "u$r"), ("ACCOUNT_SECRET_KEY", "key")];
    let mut world = World::new(&account("us"), &keys, vec![Box::new(LeadSquared::new("u$r", "key"))]);
    let id = world.submit("contact", "name=Kim&email=kim@example.com");
    world.wait_until("contact", &id, |view| delivery(view, "account")["failure"]["kind"] == "credentials");
    world.redeploy(&account("india-mumbai"), &keys);
    world.delivered("contact", &id);
}

#[test]
fn a_rate_limit_pauses_a_delivery_between_two_of_its_steps() {
    let salesmap = json!({ "type": "salesmap", "timeout": "60s" });
    let world = World::new(&vars(&[("salesmap", salesmap), ("stateset", stateset())]), SECRETS, fakes());
    // The vendor is slow with the first step of the first lead; meanwhile it tells the second one to wait.
    let gate = Gate::default();
    world.fakes.next("salesmap", Mood::Hold(gate.clone()));
    let too_many = Response::json(429, json!({ "success": false, "message": "Too Many Requests" }));
    world.fakes.next("salesmap", Mood::Answer(too_many.with("Retry-After", "3")));
    let slow = world.submit("contact", "name=Kim&email=slow@example.com");
    world.wait_for(|| (!world.fakes.requests("salesmap").is_empty()).then_some(()));
    let busy = world.submit("contact", "name=Lee&email=busy@example.com");
    world.wait_until("contact", &busy, |view| delivery(view, "salesmap")["failure"]["kind"] == "rate_limited");
    // The other destination does not wait for the slow one.
    for id in [&slow, &busy] {
        world.wait_until("contact", id, |view| delivery(view, "stateset")["state"] == "delivered");
    }
    gate.open();
    let view = world.submission("contact", &busy);
    let line = &delivery(&view, "salesmap")["timeline"][0];
    let number = |value: &Value| value.as_i64().expect("a number");
    let limited_at = at_millis(&line["at"]) + number(&line["ms"]);
    for id in [&slow, &busy] {
        let view = world.settled("contact", id);
        let found = delivery(&view, "salesmap");
        assert_eq!((&found["state"], &found["attempts"]), (&json!("delivered"), &json!(1)), "{view:#}");
        for line in found["timeline"].as_array().into_iter().flatten() {
            let at = at_millis(&line["at"]);
            assert!(at <= limited_at || at >= limited_at + 3_000, "a call left during the pause: {view:#}");
        }
    }
}
