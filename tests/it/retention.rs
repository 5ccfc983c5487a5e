//! Retention: old delivered submissions are deleted in parts; what waits for a person stays.

use std::collections::BTreeSet;

use fakes::Mood;
use serde_json::{Value, json};

use crate::hooks::{SECRETS, answer, clock_off_by, fakes, hook, list, stateset, submit_many, vars};
use crate::world::{World, deliveries, delivery};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn ids(world: &World) -> BTreeSet<String> {
    list(world).iter().map(|view| view["id"].as_str().expect("an id").to_owned()).collect()
}

fn kept_for(days: u32, destinations: &[(&str, Value)]) -> Value {
    let mut vars = vars(destinations);
    vars["FORM_CONTACT"]["retention_days"] = json!(days);
    vars
}

#[test]
fn old_delivered_submissions_are_deleted_and_waiting_ones_stay() {
    // The receiver would refuse what was signed a month ago.
    let vars = kept_for(30, &[("hook", hook())]);
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_off_by(-31 * DAY));
    world.fakes.always("webhook", Some(Mood::Answer(answer(200))));
    // More than one alarm deletes, with a rejected and a waiting one among them.
    let mut old = submit_many(&world, "a", 120);
    for id in &old {
        world.delivered("contact", id);
    }
    world.fakes.next("webhook", Mood::Answer(answer(400)));
    let refused = world.submit("contact", "name=Kim&email=refused@example.com");
    world.settled("contact", &refused);
    old.extend(submit_many(&world, "b", 120));
    for id in &old {
        world.delivered("contact", id);
    }
    world.fakes.next("webhook", Mood::Answer(answer(429).with("Retry-After", "80000")));
    let waiting = world.submit("contact", "name=Kim&email=waiting@example.com");
    world.wait_until("contact", &waiting, |view| view["deliveries"][0]["failure"]["kind"] == "rate_limited");
    assert_eq!(ids(&world).len(), 242);
    // The vendor's wait is over by now; another one uses up no attempt.
    world.fakes.always("webhook", Some(Mood::Answer(answer(429).with("Retry-After", "1"))));
    world.on_platform("");
    let young = world.submit("contact", "name=Kim&email=young@example.com");
    let kept = BTreeSet::from([refused.clone(), waiting.clone(), young.clone()]);
    world.wait_for(|| (ids(&world) == kept).then_some(()));
    let log = world.worker.log();
    let purged: Vec<u64> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["event"] == "purged")
        .filter_map(|line| line["submissions"].as_u64())
        .collect();
    assert!(purged.iter().all(|count| *count <= 200) && purged.iter().sum::<u64>() == 240, "{purged:?}");
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    let gone =
        world.send("GET", &format!("/api/forms/contact/submissions/{}", old[0]), &[("authorization", &token)], b"");
    assert_eq!(gone.status, 404);
    // What stayed is delivered when it can be.
    world.fakes.always("webhook", None);
    world.delivered("contact", &waiting);
}

#[test]
fn nothing_is_deleted_before_its_time() {
    let vars = kept_for(30, &[("hook", hook())]);
    let mut world = World::new(&vars, SECRETS, fakes());
    let sent: BTreeSet<String> = submit_many(&world, "a", 5).into_iter().collect();
    for id in &sent {
        world.delivered("contact", id);
    }
    world.on_platform(&clock_off_by(29 * DAY));
    let young = world.submit("contact", "email=young@example.com");
    // The receiver refuses a message that is signed a month ahead; an alarm has come and gone then.
    world.wait_until("contact", &young, |view| {
        view["deliveries"][0]["timeline"].as_array().is_some_and(|a| !a.is_empty())
    });
    assert_eq!(ids(&world).len(), 6);
    assert!(sent.is_subset(&ids(&world)));
    world.on_platform(&clock_off_by(31 * DAY));
    // A form without new submissions is purged as well: the sweep wakes it.
    world.worker.run_cron();
    world.wait_for(|| (ids(&world) == BTreeSet::from([young.clone()])).then_some(()));
}

#[test]
fn a_form_with_a_mistake_in_its_config_deletes_nothing() {
    let mut vars = kept_for(365, &[("hook", hook())]);
    vars["FORM_OTHER"] = json!({ "destinations": ["hook"] });
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_off_by(-100 * DAY));
    world.fakes.always("webhook", Some(Mood::Answer(answer(200))));
    let sent: BTreeSet<String> = submit_many(&world, "a", 3).into_iter().collect();
    for id in &sent {
        world.delivered("contact", id);
    }
    let other = world.submit("other", "email=other@example.com");
    world.delivered("other", &other);
    // Its retention cannot be read now.
    vars["FORM_CONTACT"]["typo"] = json!(1);
    world.redeploy(&vars, SECRETS);
    world.on_platform("");
    world.worker.run_cron();
    world.wait_for(|| world.stored("other").is_empty().then_some(()));
    world.worker.run_cron();
    assert_eq!(ids(&world), sent);
}

#[test]
fn what_every_destination_has_is_erased_where_the_form_wants_it() {
    let mut vars = vars(&[("hook", hook()), ("stateset", stateset())]);
    vars["FORM_CONTACT"]["erase_delivered"] = json!(true);
    let world = World::new(&vars, SECRETS, fakes());
    let fields = [("name", "Kim"), ("email", "kim@example.com"), ("message", "a private matter")];
    let id = world.visit("contact", &fields);
    let stripped = world.wait_until("contact", &id, |view| view["fields"] == json!([]));
    assert!(deliveries(&stripped).iter().all(|delivery| delivery["state"] == "delivered"), "{stripped:#}");
    assert_eq!((&stripped["page"], &stripped["locale"]), (&Value::Null, &Value::Null));
    assert_eq!(delivery(&stripped, "stateset")["record"]["id"].as_str().map(str::is_empty), Some(false));
    assert_eq!(delivery(&stripped, "hook")["timeline"][0]["status"], 200);
    assert_eq!(world.fakes.records("webhook")[0]["data"]["lead"]["email"], "kim@example.com");

    // One destination rejects it: the text stays until it has it.
    world.fakes.next("webhook", Mood::Answer(answer(400)));
    let fields = [("name", "Lee"), ("email", "lee@example.com"), ("message", "another one")];
    let kept = world.visit("contact", &fields);
    let view = world.settled("contact", &kept);
    assert_eq!(view["fields"], json!(fields), "{view:#}");
    world.api("POST", &format!("/api/forms/contact/submissions/{kept}/release"), "");
    world.wait_until("contact", &kept, |view| view["fields"] == json!([]));
    // StateSet knows the person and took nothing of this message: a person reads it here.
    let unread = world.submit("contact", "email=lee@example.com&message=once more");
    assert_eq!(delivery(&world.settled("contact", &unread), "stateset")["record"]["message_missing"], true);
    assert_eq!(world.submission("contact", &unread)["fields"][1][1], "once more");

    // A key still tells a repeat from a mistake.
    let post = |message: &str| {
        let headers = [
            ("accept", "application/json"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("idempotency-key", "k1"),
        ];
        let reply =
            world.send("POST", "/f/contact", &headers, format!("email=a@example.com&message={message}").as_bytes());
        (reply.status, reply.json()["id"].as_str().map(str::to_owned))
    };
    let first = post("one");
    world.wait_until("contact", first.1.as_deref().expect("an id"), |view| view["fields"] == json!([]));
    assert_eq!(post("one"), first);
    assert_eq!(post("two").0, 422);
    assert_eq!(world.fakes.records("webhook").len(), 4);
}
