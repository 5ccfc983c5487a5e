//! Repeats: a double click and a reload are one submission; two people, or two messages, are two.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};

use crate::hooks::{SECRETS, fakes, hook, list, vars, wait_for_records};
use crate::world::World;

fn world() -> World {
    World::new(&vars(&[("hook", hook())]), SECRETS, fakes())
}

/// The id that this visitor is answered with, and perhaps a key.
fn post(world: &World, visitor: &str, key: Option<&str>, body: &str) -> String {
    let mut headers = vec![
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", visitor),
    ];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let reply = world.send("POST", "/f/contact", &headers, body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["id"].as_str().expect("an id").to_owned()
}

fn repeats(world: &World, id: &str) -> Value {
    world.submission("contact", id)["repeats"].clone()
}

#[test]
fn a_double_click_and_a_reload_are_one() {
    let world = world();
    let body = "name=Kim&email=kim@example.com&message=hello";
    let ids: BTreeSet<String> = thread::scope(|scope| {
        let clicks: Vec<_> = (0..8).map(|_| scope.spawn(|| post(&world, "a browser", None, body))).collect();
        clicks.into_iter().map(|click| click.join().expect("an answer")).collect()
    });
    let id = ids.first().expect("an id").clone();
    assert_eq!(ids.len(), 1);
    world.delivered("contact", &id);
    // The reload comes when it is delivered already.
    assert_eq!(post(&world, "a browser", None, body), id);
    assert_eq!(repeats(&world, &id), json!(8));
    assert_eq!(list(&world).len(), 1);
    assert_eq!(world.fakes.requests("webhook").len(), 1);
}

#[test]
fn another_person_another_message_and_another_browser_are_another_lead() {
    let world = world();
    let ids = [
        post(&world, "a browser", None, "name=Kim&email=kim@example.com&message=hello"),
        post(&world, "a browser", None, "name=Kim&email=lee@example.com&message=hello"),
        post(&world, "a browser", None, "name=Kim&email=kim@example.com&message=hello again"),
        post(&world, "another browser", None, "name=Kim&email=kim@example.com&message=hello"),
        // A key makes it a separate submission.
        post(&world, "a browser", Some("k1"), "name=Kim&email=kim@example.com&message=hello"),
        post(&world, "a browser", Some("k2"), "name=Kim&email=kim@example.com&message=hello"),
    ];
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 6);
    wait_for_records(&world, "webhook", 6);
    for id in &ids {
        world.delivered("contact", id);
        assert_eq!(repeats(&world, id), Value::Null);
    }
}

#[test]
fn a_repeat_is_recognized_after_a_restart_too() {
    let mut world = world();
    let id = post(&world, "a browser", None, "email=kim@example.com");
    world.worker.kill_and_restart();
    assert_eq!(post(&world, "a browser", None, "email=kim@example.com"), id);
    assert_eq!(repeats(&world, &id), json!(1));
    // The same a minute later is a new submission.
    world.on_platform(&crate::hooks::clock_off_by(61_000));
    assert_ne!(post(&world, "a browser", None, "email=kim@example.com"), id);
    assert_eq!(list(&world).len(), 2);
}

#[test]
fn a_key_stands_as_long_as_its_submission_is_stored() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["retention_days"] = json!(30);
    let mut world = World::new(&vars, SECRETS, fakes());
    let day = 24 * 60 * 60 * 1000;
    let id = post(&world, "a browser", Some("k"), "email=kim@example.com");
    world.delivered("contact", &id);
    world.on_platform(&crate::hooks::clock_off_by(29 * day));
    assert_eq!(post(&world, "a browser", Some("k"), "email=kim@example.com"), id);
    world.on_platform(&crate::hooks::clock_off_by(31 * day));
    world.worker.run_cron();
    world.wait_for(|| list(&world).is_empty().then_some(()));
    assert_ne!(post(&world, "a browser", Some("k"), "email=kim@example.com"), id);
}

#[test]
fn a_clean_repeat_releases_its_quarantined_original() {
    let world = world();
    for key in [None, Some("k")] {
        // Sent by a browser that fills in everything, and once more by the person.
        let id = post(&world, "a browser", key, "email=kim@example.com&_gotcha=x");
        assert_eq!(world.submission("contact", &id)["deliveries"][0]["state"], "quarantined");
        assert_eq!(post(&world, "a browser", key, "email=kim@example.com&_gotcha=x"), id);
        assert_eq!(world.submission("contact", &id)["deliveries"][0]["state"], "quarantined");
        assert_eq!(post(&world, "a browser", key, "email=kim@example.com"), id);
        world.delivered("contact", &id);
        assert_eq!(world.submission("contact", &id)["reasons"], json!(["honeypot:_gotcha"]));
        // A suspected repeat does not quarantine it again.
        assert_eq!(post(&world, "a browser", key, "email=kim@example.com&_gotcha=x"), id);
        world.delivered("contact", &id);
    }
    assert_eq!(world.fakes.requests("webhook").len(), 2);
}
