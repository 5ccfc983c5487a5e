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

/// The alerts of the form `contact`, with the Worker's address as `https://worker`.
const PAUSED: &str = "⚠️ nothing can be sent to `hook`: it rejects the \
    credentials or lacks a right, or a secret or setting is missing; its leads are kept and wait\n\
    Which and why: curl -H \"Authorization: Bearer $ADMIN_TOKEN\" \"https://worker/api/submissions?form=contact\"";
const RESUMED: &str = "✅ `hook` accepts leads again; what waited is on its way";
const STUCK: &str = "⚠️ a lead for `hook`, rejected or out of attempts, kept until you decide\n\
    Which and why: curl -H \"Authorization: Bearer $ADMIN_TOKEN\" \"https://worker/api/submissions?form=contact\"\n\
    Dismiss: curl -H \"Authorization: Bearer $ADMIN_TOKEN\" -X POST https://worker/api/alerts/contact:stuck:hook/dismiss";
const NOT_STUCK: &str = "✅ no lead for `hook` waits for you any more";
const BACKLOG: &str = "⚠️ a lead has been pending for more than an hour; it is kept and retried\n\
    Which and why: curl -H \"Authorization: Bearer $ADMIN_TOKEN\" \"https://worker/api/submissions?form=contact\"";

fn with_alerts() -> Vec<Box<dyn Fake>> {
    let mut fakes = fakes();
    fakes.push(Box::new(Alerts::default()));
    fakes
}

/// The messages that were sent.
fn texts(world: &World) -> Vec<String> {
    const FORM: &str = "formcourier, form `contact`:\n";
    let texts = world.fakes.with(|alerts: &mut Alerts| alerts.texts.clone());
    let shown = |text: &String| {
        let text = text.strip_prefix(FORM).unwrap_or_else(|| panic!("{text}"));
        let mut parts = text.split("http://127.0.0.1:");
        let first = parts.next().unwrap_or_default().to_owned();
        // The port.
        parts.fold(first, |text, part| text + "https://worker" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    texts.iter().map(shown).collect()
}

/// Waits until these messages were sent, and no others.
fn sent(world: &World, expected: &[&str]) {
    world.wait_for(|| {
        let sent = texts(world);
        assert!(sent.len() <= expected.len() && sent == expected[..sent.len()], "{sent:#?}");
        (sent.len() == expected.len()).then_some(())
    });
}

/// Asks the operator API.
fn api(world: &World, method: &str, path: &str) -> Value {
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    let reply = world.send(method, path, &[("authorization", &token)], b"");
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.json()
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
fn rejected_leads_are_told_again_as_they_grow_until_dismissed_and_when_they_are_delivered() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, with_alerts());
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    let mut ids = submit_many(&world, "a", 1);
    sent(&world, &[STUCK]);
    ids.extend(submit_many(&world, "b", 1));
    let twice = STUCK.replace("a lead for", "at least 2 leads for");
    sent(&world, &[STUCK, &twice]);
    api(&world, "POST", "/api/alerts/contact:stuck:hook/dismiss");
    ids.extend(submit_many(&world, "c", 1));
    for id in &ids {
        assert_eq!(delivery(&world.settled("contact", id), "hook")["state"], "rejected");
    }
    world.fakes.always("webhook", None);
    for id in &ids {
        let path = format!("/api/forms/contact/submissions/{id}/release");
        assert_eq!(api(&world, "POST", &path)["released"], 1);
        world.delivered("contact", id);
        let again = api(&world, "POST", &path);
        assert!(again["released"] == 0 && again["note"].as_str().is_some_and(|note| note.contains("nothing to send")));
    }
    // What was dismissed ends silently; another one is news.
    world.fakes.next("webhook", Mood::Answer(answer(400)));
    let other = world.submit("contact", "email=other@example.com");
    world.settled("contact", &other);
    sent(&world, &[STUCK, &twice, STUCK]);
    assert_eq!(api(&world, "DELETE", &format!("/api/forms/contact/submissions/{other}"))["erased"], 1);
    world.submit("contact", "email=next@example.com");
    sent(&world, &[STUCK, &twice, STUCK, NOT_STUCK]);
}

#[test]
fn a_long_wait_is_told_and_a_command_ends_it() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, with_alerts());
    world.fakes.next("webhook", Mood::Answer(answer(429).with("Retry-After", "99999999")));
    let ids = submit_many(&world, "a", 1);
    world.wait_for(|| texts(&world).iter().any(|text| text.contains("/api/destinations/hook/resume")).then_some(()));
    assert_eq!(api(&world, "POST", "/api/destinations/hook/resume"), json!({ "resumed": true }));
    world.delivered("contact", &ids[0]);
    assert_eq!(api(&world, "POST", "/api/destinations/hook/resume")["resumed"], false);
}

#[test]
fn refused_websites_and_503_are_told() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["allowed_origins"] = json!(["https://www.example.com"]);
    let world = World::new(&vars, SECRETS, with_alerts());
    let post = |world: &World, origin: &str| {
        world.send("POST", "/f/contact", &[("origin", origin)], b"email=a@example.com").status
    };
    for _ in 0..3 {
        assert_eq!(post(&world, "https://new.example.com"), 403);
    }
    let told =
        "⚠️ posts are turned away: https://new.example.com is not in `allowed_origins`; add it if it is your website";
    world.wait_for(|| (texts(&world).len() == 1).then_some(()));
    assert!(texts(&world)[0].starts_with(told), "{:#?}", texts(&world));
    // As many posts that are accepted end it.
    let ids: Vec<String> = (0..3)
        .map(|number| {
            let (accept, origin) = (("accept", "application/json"), ("origin", "https://www.example.com"));
            let headers = [accept, origin, ("content-type", "application/x-www-form-urlencoded")];
            let reply = world.send("POST", "/f/contact", &headers, format!("email=a{number}@example.com").as_bytes());
            reply.json()["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    for id in &ids {
        world.delivered("contact", id);
    }
    world.wait_for(|| (texts(&world).len() == 2).then_some(()));
    assert_eq!(texts(&world)[1], "✅ most posts are accepted again");
    vars["FORM_CONTACT"]["typo"] = json!(1);
    let broken = World::new(&vars, SECRETS, with_alerts());
    assert_eq!(post(&broken, "https://www.example.com"), 503);
    broken.wait_for(|| (texts(&broken).len() == 1).then_some(()));
    assert!(texts(&broken)[0].contains("visitors got 503"), "{:#?}", texts(&broken));
}

#[test]
fn posts_that_nobody_can_get_right_are_told() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["required"] = json!(["email", "no-such-field"]);
    let world = World::new(&vars, SECRETS, with_alerts());
    for number in 0..12 {
        let body = format!("email=a{number}@example.com");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(world.send("POST", "/f/contact", &headers, body.as_bytes()).status, 422);
    }
    world.wait_for(|| (texts(&world).len() == 1).then_some(()));
    let told = "⚠️ more than half of the recent posts are turned away: most were not valid; compare `required` and `rules` \
                with the fields of the page; the log has the codes";
    assert!(texts(&world)[0].starts_with(told), "{:#?}", texts(&world));
}

#[test]
fn a_form_that_gets_no_leads_any_more_is_a_message() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["expect"] = json!("1/day");
    let mut world = World::new(&vars, SECRETS, with_alerts());
    let id = world.submit("contact", "email=a@example.com");
    world.delivered("contact", &id);
    let day = 24 * 60 * 60 * 1000;
    for (days, is_told) in [(5, false), (7, true)] {
        world.on_platform(&clock_off_by(days * day));
        world.worker.run_cron();
        if is_told {
            world.wait_for(|| (!texts(&world).is_empty()).then_some(()));
        }
        let told = "⚠️ no lead has come for 7 days, which is unusual for this form: open its page and send a test";
        assert_eq!(texts(&world).iter().filter(|text| text.starts_with(told)).count(), usize::from(is_told), "{days}");
    }
    world.submit("contact", "email=b@example.com");
    world.wait_for(|| texts(&world).iter().any(|text| text.contains("✅ the silence is over")).then_some(()));
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
    api(&world, "POST", &format!("/api/forms/contact/submissions/{refused}/release"));
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
    assert_eq!((&request["method"], texts(&world)[0].as_str()), (&json!("POST"), STUCK));
    assert_eq!(request["headers"]["content-type"], "application/json");
}

#[test]
fn submissions_that_could_not_be_verified_are_told_with_the_quarantine() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["turnstile"] = json!({ "hostnames": ["www.example.com"] });
    // TURNSTILE_SECRET is not set: no visitor is lost, and the operator gets an alert.
    let world = World::new(&vars, SECRETS, with_alerts());
    for number in 0..3 {
        let id = world.submit("contact", &format!("email=a{number}@example.com&cf-turnstile-response=t{number}"));
        assert_eq!(delivery(&world.submission("contact", &id), "hook")["state"], "quarantined");
    }
    let told = |words: &str| texts(&world).iter().filter(|text| text.contains(words)).count();
    world.wait_for(|| (told("in quarantine, suspected") > 0 && told("Turnstile does not answer") > 0).then_some(()));
    assert_eq!(told("Turnstile does not answer"), 1, "{:#?}", texts(&world));
    assert_eq!(world.fakes.requests("webhook"), []);
}
