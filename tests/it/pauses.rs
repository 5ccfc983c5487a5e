//! Parking: what is the destination's trouble costs no delivery a try, and one delivery asks for all.

use fakes::leadsquared::LeadSquared;
use fakes::webhook::Webhook;
use fakes::{Gate, Mood};
use formcourier::delivery::queue::SLOTS;
use serde_json::json;

use crate::hooks::{
    SECRET, SECRETS, answer, copies, fakes, hook, millis, slow_hook, stands, stateset, submit_many, vars,
    wait_for_records,
};
use crate::world::{World, delivery, quick};

/// A secret that the receiver does not share.
const OLD: &[(&str, &str)] =
    &[("HOOK_SIGNING_SECRET", "whsec_b2xkIHNlY3JldCBvZiB0aGUgd2ViaG9vayE="), ("STATESET_API_KEY", "sk_test_1")];

#[test]
fn credentials_that_do_not_hold_are_asked_about_slowly_by_one_for_all() {
    for status in [401, 403] {
        let world = World::new(&vars(&[("hook", slow_hook()), ("stateset", stateset())]), SECRETS, fakes());
        world.fakes.always("webhook", Some(Mood::Answer(answer(status))));
        let before = millis();
        let first = world.submit("contact", "name=Kim&email=first@example.com");
        world.wait_until("contact", &first, |view| delivery(view, "hook")["failure"]["kind"] == "credentials");
        let mut ids = submit_many(&world, "a", 30);
        ids.push(first);
        // The other destination of the form has all of them meanwhile.
        wait_for_records(&world, "stateset", 31);
        assert_eq!(world.fakes.requests("webhook").len(), 1, "one probe, and the next in a minute");
        for id in &ids {
            assert_eq!(stands(&world, id, "hook"), ("pending".into(), 0, "credentials".into()));
            let next = delivery(&world.submission("contact", id), "hook")["next_at"].as_i64().expect("a time");
            assert!(next >= before + 60_000, "it says when it is asked again");
        }
    }
}

/// A firewall in front of the receiver does not like what `blocked@` writes; the receiver never sees it.
const FIREWALL: &str = r#"
const send = globalThis.fetch;
globalThis.fetch = async function (request, init) {
  const isBlocked = (await request.clone().text()).includes("blocked@");
  return isBlocked ? new Response("Forbidden", { status: 403 }) : send.call(globalThis, request, init);
};
"#;

#[test]
fn leads_that_are_turned_away_for_the_first_time_make_no_later_probe_slower() {
    let mut slow = hook();
    slow["retry"] = json!(["500ms", "10min"]);
    let world = World::with_prelude(&vars(&[("hook", slow)]), SECRETS, fakes(), FIREWALL);
    let blocked = |number: usize| world.submit("contact", &format!("email=blocked@example.com&number={number}"));
    let mut ids: Vec<String> = (0..4).map(blocked).collect();
    let honest = world.submit("contact", "email=kim@example.com");
    ids.extend((4..8).map(blocked));
    // A lead that is asked again waits for ten minutes, and so would all.
    world.delivered("contact", &honest);
    world.wait_for(|| {
        let turned_away = |id: &String| {
            !delivery(&world.submission("contact", id), "hook")["timeline"].as_array().unwrap().is_empty()
        };
        ids.iter().all(turned_away).then_some(())
    });
}

#[test]
fn a_lead_that_is_turned_away_while_others_get_through_comes_to_an_end() {
    let world = World::with_prelude(&vars(&[("hook", hook())]), SECRETS, fakes(), FIREWALL);
    let blocked = world.submit("contact", "email=blocked@example.com");
    let mut ids = submit_many(&world, "a", 5);
    for id in &ids {
        world.delivered("contact", id);
    }
    // By its schedule, like any other that does not get through.
    let view = world.settled("contact", &blocked);
    let found = delivery(&view, "hook");
    assert_eq!((&found["state"], &found["attempts"]), (&json!("exhausted"), &json!(6)), "{view:#}");
    assert_eq!(found["failure"]["kind"], "turned_away", "{view:#}");
    // And what comes after it finds its way open.
    ids.push(world.submit("contact", "email=last@example.com"));
    world.delivered("contact", &ids[5]);
    assert_eq!(copies(&world, &ids), vec![1; 6]);
}

/// A key that may make persons and no leads. The vendor takes its time to say so of a lead that it has not seen before.
const MAY_NOT_ALL: &str = r#"
const send = globalThis.fetch;
const seen = new Set();
globalThis.fetch = async function (request, init) {
  if (!request.url.endsWith("/lead")) return send.call(globalThis, request, init);
  const body = await request.text();
  if (!seen.has(body)) {
    seen.add(body);
    await new Promise((done) => setTimeout(done, 900));
  }
  return new Response("Forbidden", { status: 403 });
};
"#;

#[test]
fn who_gets_as_far_as_the_others_has_not_got_through() {
    let mut salesmap = quick(json!({ "type": "salesmap" }));
    salesmap["retry"] = json!(["100ms"]);
    let mut world = World::with_prelude(&vars(&[("salesmap", salesmap)]), SECRETS, fakes(), MAY_NOT_ALL);
    let ids = ["Kim", "Lee"].map(|name| {
        let id = world.submit("contact", &format!("name={name}&email={name}@example.com"));
        // The person is made; the lead is turned away.
        world.wait_until("contact", &id, |view| {
            delivery(view, "salesmap")["timeline"].as_array().is_some_and(|lines| lines.len() > 1)
        });
        id
    });
    // Whoever waited was not let go by the second one's person, to use up two tries before its lead is turned away.
    world.on_platform("");
    for id in &ids {
        world.delivered("contact", id);
    }
}

#[test]
fn one_success_lets_all_go() {
    let mut destination = hook();
    destination["retry"] = json!(["150ms"]);
    let world = World::new(&vars(&[("hook", destination)]), SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(401))));
    let first = world.submit("contact", "email=first@example.com");
    world.wait_until("contact", &first, |view| delivery(view, "hook")["failure"]["kind"] == "credentials");
    let mut ids = submit_many(&world, "a", 20);
    ids.push(first);
    // Far more probes than the schedule has tries.
    world.wait_for(|| (world.fakes.requests("webhook").len() >= 6).then_some(()));
    assert_eq!(world.fakes.most_at_once("webhook"), 1, "one probe at a time");
    world.fakes.always("webhook", None);
    for id in &ids {
        world.delivered("contact", id);
        assert_eq!(stands(&world, id, "hook"), ("delivered".into(), 1, String::new()));
    }
    assert_eq!(copies(&world, &ids), vec![1; 21]);
}

#[test]
fn a_burst_that_is_turned_away_together_is_one_probe() {
    let world = World::new(&vars(&[("hook", slow_hook())]), SECRETS, fakes());
    // Six are under way before the first answer.
    let gate = Gate::default();
    world.fakes.always("webhook", Some(Mood::Hold(gate.clone())));
    world.fakes.with(|hook: &mut Webhook| *hook = Webhook::new(OLD[0].1));
    let before = millis();
    let ids = submit_many(&world, "a", 8);
    world.wait_for(|| (world.fakes.requests("webhook").len() == SLOTS).then_some(()));
    gate.open();
    for id in &ids {
        let view = world.wait_until("contact", id, |view| delivery(view, "hook")["failure"]["kind"] == "credentials");
        let next = delivery(&view, "hook")["next_at"].as_i64().expect("a time");
        assert!((60_000..300_000).contains(&(next - before)), "the first pause, not the second: {}", next - before);
    }
    assert_eq!(world.fakes.requests("webhook").len(), SLOTS, "the others did not leave");
}

#[test]
fn a_rotated_secret_is_tried_at_once_and_all_go() {
    let both = vars(&[("hook", slow_hook())]);
    let mut world = World::new(&both, OLD, fakes());
    let ids = submit_many(&world, "a", 10);
    for id in &ids {
        world.wait_until("contact", id, |view| delivery(view, "hook")["failure"]["kind"] == "credentials");
    }
    let asked = world.fakes.requests("webhook").len();
    // A new start with the same secret is no reason to ask again.
    world.worker.kill_and_restart();
    assert_eq!(stands(&world, &ids[0], "hook"), ("pending".into(), 0, "credentials".into()));
    assert_eq!(world.fakes.requests("webhook").len(), asked);
    // The probe would come in a minute, which is longer than this test has patience.
    world.redeploy(&both, &[("HOOK_SIGNING_SECRET", SECRET)]);
    for id in &ids {
        world.delivered("contact", id);
    }
    assert_eq!(copies(&world, &ids), vec![1; 10]);
}

#[test]
fn a_region_that_is_put_right_is_tried_at_once() {
    let account = |region: &str| vars(&[("account", json!({ "type": "leadsquared", "region": region }))]);
    let keys = [("ACCOUNT_ACCESS_KEY", "u$r"), ("ACCOUNT_SECRET_KEY", "key")];
    let mut world = World::new(&account("us"), &keys, vec![Box::new(LeadSquared::new("u$r", "key"))]);
    let id = world.submit("contact", "name=Kim&email=kim@example.com");
    world.wait_until("contact", &id, |view| delivery(view, "account")["failure"]["kind"] == "credentials");
    // The keys are the same, and their probe would come in a minute, which is longer than this test has patience.
    world.redeploy(&account("india-mumbai"), &keys);
    world.delivered("contact", &id);
}

#[test]
fn too_many_calls_pause_a_delivery_in_the_middle_of_its_steps() {
    let salesmap = json!({ "type": "salesmap", "timeout": "60s" });
    let world = World::new(&vars(&[("salesmap", salesmap), ("stateset", stateset())]), SECRETS, fakes());
    // The vendor is slow with the first step of the first; meanwhile the second is told to wait.
    let gate = Gate::default();
    world.fakes.next("salesmap", Mood::Hold(gate.clone()));
    world.fakes.next("salesmap", Mood::Answer(answer(429).with("Retry-After", "3")));
    let slow = world.submit("contact", "name=Kim&email=slow@example.com");
    world.wait_for(|| (!world.fakes.requests("salesmap").is_empty()).then_some(()));
    let busy = world.submit("contact", "name=Lee&email=busy@example.com");
    world.wait_until("contact", &busy, |view| delivery(view, "salesmap")["failure"]["kind"] == "rate_limited");
    // The other destination does not wait for the slow one.
    for id in [&slow, &busy] {
        world.wait_until("contact", id, |view| delivery(view, "stateset")["state"] == "delivered");
    }
    gate.open();
    let told = told_at(&world, &busy);
    for id in [&slow, &busy] {
        let view = world.settled("contact", id);
        let found = delivery(&view, "salesmap");
        assert_eq!((&found["state"], &found["attempts"]), (&json!("delivered"), &json!(1)), "{view:#}");
        for line in found["timeline"].as_array().into_iter().flatten() {
            let at = line["at"].as_i64().expect("a time");
            assert!(at <= told || at >= told + 3_000, "a call left in the pause, told at {told}: {view:#}");
        }
    }
}

/// When the delivery was told to wait.
fn told_at(world: &World, id: &str) -> i64 {
    let view = world.submission("contact", id);
    let line = &delivery(&view, "salesmap")["timeline"][0];
    line["at"].as_i64().expect("a time") + line["ms"].as_i64().expect("a time")
}
