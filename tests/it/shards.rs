//! Shards: a busy form spreads over several Outboxes, whose number may change while deliveries wait.

use std::collections::BTreeSet;

use fakes::Mood;
use serde_json::{Value, json};

use crate::hooks::{SECRETS, answer, copies, fakes, holds, hook, list, objects, submit_many, vars, wait_for_records};
use crate::world::{World, patient};

fn sharded(shards: u32, destination: Value) -> Value {
    let mut vars = vars(&[("hook", destination)]);
    vars["FORM_CONTACT"]["shards"] = json!(shards);
    vars
}

fn ids(submissions: &[Value]) -> BTreeSet<String> {
    submissions.iter().map(|submission| submission["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn submissions_spread_over_all_shards() {
    let world = World::new(&sharded(4, hook()), SECRETS, fakes());
    let sent = submit_many(&world, "a", 200);
    wait_for_records(&world, "webhook", 200);
    assert_eq!(copies(&world, &sent), vec![1; 200]);
    assert_eq!(ids(&list(&world)), sent.iter().cloned().collect());
    let page = list(&world);
    assert_eq!(page.len(), 200);
    assert!(page.windows(2).all(|pair| pair[0]["id"].as_str() > pair[1]["id"].as_str()), "newest first");
    let holding = objects(&world.worker.storage()).iter().filter(|file| holds(file, "@example.com")).count();
    assert_eq!(holding, 4, "each shard has some");
}

#[test]
fn the_number_of_shards_may_grow_and_shrink_while_deliveries_wait() {
    let destination = || {
        let mut destination = patient(hook());
        destination["retry"] = json!(vec!["500ms"; 50]);
        destination
    };
    let mut world = World::new(&sharded(2, destination()), SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let mut sent = submit_many(&world, "a", 10);
    for shards in [5, 1] {
        world.redeploy(&sharded(shards, destination()), SECRETS);
        sent.extend(submit_many(&world, &format!("s{shards}"), 15));
        let expected: BTreeSet<String> = sent.iter().cloned().collect();
        assert_eq!(ids(&list(&world)), expected, "{shards} shards: the list has all");
        for id in &sent {
            assert_eq!(world.submission("contact", id)["id"], json!(id));
        }
    }
    world.fakes.always("webhook", None);
    for id in &sent {
        world.delivered("contact", id);
    }
    assert_eq!(copies(&world, &sent), vec![1; 40]);
}

#[test]
fn an_idempotency_key_always_finds_its_shard() {
    let world = World::new(&sharded(4, hook()), SECRETS, fakes());
    let post = |key: &str, body: &str| {
        let headers = [
            ("accept", "application/json"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("idempotency-key", key),
        ];
        world.send("POST", "/f/contact", &headers, body.as_bytes())
    };
    for number in 0..12 {
        let (key, body) = (format!("key {number}"), format!("email=a{number}@example.com"));
        let first = post(&key, &body);
        let again = post(&key, &body);
        assert_eq!((first.status, &first.json()["id"]), (200, &again.json()["id"]));
        assert_eq!(post(&key, "email=other@example.com").status, 422);
    }
    wait_for_records(&world, "webhook", 12);
    assert_eq!(list(&world).len(), 12);
}
