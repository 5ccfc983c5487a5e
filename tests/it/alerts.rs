//! Alerts: one message when a problem begins, one when it ends, none per lead.

use fakes::alerts::Alerts;
use fakes::webhook::Webhook;
use fakes::{Fake, Gate, Mood};
use serde_json::{Value, json};

use crate::hooks::{SECRET, answer, clock_off_by, copies, fakes, hook, slow_hook, submit_many, vars, wait_for_records};
use crate::world::{World, delivery};

const URL: &str = "https://alerts.example.com/services/T1/B1/a-secret-part";
const SECRETS: &[(&str, &str)] =
    &[("HOOK_SIGNING_SECRET", SECRET), ("STATESET_API_KEY", "sk_test_1"), ("ALERT_WEBHOOK_URL", URL)];

const PAUSED: &str = "formcourier, form `contact`:\n⚠️ nothing can be sent to `hook`: it rejects the \
    credentials or lacks a right, or a secret or setting is missing; its leads are kept and wait\nWhich and why: GET /api/forms/contact/submissions";
const RESUMED: &str = "formcourier, form `contact`:\n✅ `hook` accepts leads again; what waited is on its way";
const STUCK: &str = "formcourier, form `contact`:\n⚠️ leads for `hook` were rejected or ran out of attempts; they are kept and wait for you\n\
     Which and why: GET /api/forms/contact/submissions";
const NOT_STUCK: &str = "formcourier, form `contact`:\n✅ no lead for `hook` waits for you any more";
const BACKLOG: &str = "formcourier, form `contact`:\n⚠️ a lead has been pending for more than an hour; it is kept and retried\n\
     Which and why: GET /api/forms/contact/submissions";

fn with_alerts() -> Vec<Box<dyn Fake>> {
    let mut fakes = fakes();
    fakes.push(Box::new(Alerts::default()));
    fakes
}

/// Waits until these messages were sent, and no others.
fn sent(world: &World, texts: &[&str]) {
    world.wait_for(|| {
        let sent = world.fakes.with(|alerts: &mut Alerts| alerts.texts.clone());
        assert!(sent.len() <= texts.len() && sent == texts[..sent.len()], "{sent:#?}");
        (sent.len() == texts.len()).then_some(())
    });
}

#[test]
fn bad_credentials_are_one_message_and_one_when_they_work_again() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, with_alerts());
    world.fakes.always("webhook", Some(Mood::Answer(answer(401))));
    let ids = submit_many(&world, "a", 20);
    sent(&world, &[PAUSED]);
    let asked = world.fakes.requests("webhook").len();
    world.wait_for(|| (world.fakes.requests("webhook").len() >= asked + 4).then_some(()));
    sent(&world, &[PAUSED]);
    world.fakes.always("webhook", None);
    wait_for_records(&world, "webhook", 20);
    assert_eq!(copies(&world, &ids), vec![1; 20]);
    sent(&world, &[PAUSED, RESUMED]);
    // The address is a secret: it is in no log line.
    assert!(!world.worker.log().contains("a-secret-part"));
}

#[test]
fn rejected_leads_are_one_message_and_one_when_they_are_delivered() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, with_alerts());
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    let ids = submit_many(&world, "a", 5);
    for id in &ids {
        assert_eq!(delivery(&world.settled("contact", id), "hook")["state"], "rejected");
    }
    sent(&world, &[STUCK]);
    world.fakes.always("webhook", None);
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    for id in &ids {
        let path = format!("/api/forms/contact/submissions/{id}/release");
        assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
        world.delivered("contact", id);
    }
    sent(&world, &[STUCK, NOT_STUCK]);
}

#[test]
fn a_lead_pending_for_an_hour_is_a_message() {
    let mut world = World::with_prelude(
        &vars(&[("hook", slow_hook())]),
        SECRETS,
        with_alerts(),
        &clock_off_by(-2 * 60 * 60 * 1000),
    );
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let id = world.submit("contact", "email=a@example.com");
    world.wait_until("contact", &id, |view| delivery(view, "hook")["failure"]["kind"] == "unavailable");
    assert_eq!(world.fakes.with(|alerts: &mut Alerts| alerts.texts.len()), 0);
    world.on_platform("");
    world.submission("contact", &id);
    sent(&world, &[BACKLOG]);
}

#[test]
fn a_receiver_that_hangs_or_fails_delays_no_lead_and_gets_the_message_later() {
    let mut world = World::new(&vars(&[("hook", hook())]), SECRETS, with_alerts());
    let gate = Gate::default();
    world.fakes.next("alerts", Mood::Hold(gate.clone()));
    world.fakes.next("webhook", Mood::Answer(answer(400)));
    let refused = world.submit("contact", "email=a@example.com");
    world.settled("contact", &refused);
    world.wait_for(|| (!world.fakes.requests("alerts").is_empty()).then_some(()));
    for number in 0..5 {
        let id = world.submit("contact", &format!("email=b{number}@example.com"));
        world.delivered("contact", &id);
    }
    assert_eq!(world.fakes.records("alerts"), [] as [Value; 0], "the receiver hung all the while");
    gate.open();
    sent(&world, &[STUCK]);

    // One that fails is tried again after five minutes: the clock is moved, not the test.
    world.fakes.next("alerts", Mood::Answer(answer(500)));
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    let path = format!("/api/forms/contact/submissions/{refused}/release");
    assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
    world.delivered("contact", &refused);
    world.wait_for(|| world.worker.log().contains("ALERT_WEBHOOK_URL did not take the message").then_some(()));
    sent(&world, &[STUCK]);
    world.on_platform(&clock_off_by(6 * 60 * 1000));
    world.fakes.with(|hook: &mut Webhook| assert_eq!(hook.records().len(), 6));
    world.worker.run_cron();
    sent(&world, &[STUCK, NOT_STUCK]);
}

#[test]
fn a_message_holds_nothing_of_a_visitor_and_no_secret() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, with_alerts());
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    let body = "name=Kim Minji&email=kim.minji@example.com&phone=010-1234-5678&message=please call";
    let id = world.submit("contact", body);
    world.settled("contact", &id);
    sent(&world, &[STUCK]);
    let request = world.requests("alerts")[0].clone();
    let expected: Value = json!({ "text": STUCK });
    assert_eq!((&request["method"], &request["body"]), (&json!("POST"), &expected));
    assert_eq!(request["headers"]["content-type"], "application/json");
}

#[test]
fn submissions_that_could_not_be_verified_are_one_message() {
    const UNVERIFIED: &str = "formcourier, form `contact`:\n⚠️ Turnstile does not answer, rejects \
        TURNSTILE_SECRET, or was passed on a website or for an action that the form does not list; submissions are quarantined as `unverified` and wait for you to release them\nWhich and why: GET /api/forms/contact/submissions";
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["turnstile"] = json!({ "hostnames": ["www.example.com"] });
    // TURNSTILE_SECRET is not set: no visitor is lost, and the operator gets an alert.
    let world = World::new(&vars, SECRETS, with_alerts());
    for number in 0..3 {
        let id = world.submit("contact", &format!("email=a{number}@example.com&cf-turnstile-response=t{number}"));
        assert_eq!(delivery(&world.submission("contact", &id), "hook")["state"], "quarantined");
    }
    sent(&world, &[UNVERIFIED]);
    assert_eq!(world.fakes.requests("webhook"), []);
}
