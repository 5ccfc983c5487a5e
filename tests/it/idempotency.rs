//! Idempotency: the same key gets the same response and is stored once.

use std::collections::BTreeSet;
use std::thread;

use serde_json::json;

use crate::intake::{FORM, JSON, THANKS, accepted, contact, refusal, world};
use crate::page::form_of;
use crate::world::{Reply, World};

const REUSED: &str =
    "An earlier message from this page has already arrived. Please send this one again as a new message.";

fn with_key(world: &World, form: &str, key: &str, body: &str) -> Reply {
    let headers = [("accept", JSON), ("content-type", FORM), ("idempotency-key", key)];
    world.send("POST", &format!("/f/{form}"), &headers, body.as_bytes())
}

#[test]
fn the_same_key_is_the_same_submission() {
    let world = contact();
    let next = format!("http://{}/f/contact/thanks", world.worker.address);
    let first = accepted(&with_key(&world, "contact", "k1", "name=Ada"), THANKS, &next);
    // In the header or in a field, in another encoding, with spaces around it.
    let again = [
        with_key(&world, "contact", "k1", "name=Ada"),
        with_key(&world, "contact", "  k1  ", "name=Ada&_id=other&_subject=x"),
        world.post_json("contact", FORM, "name=Ada&_id=k1"),
        world.post_json("contact", JSON, r#"{"_id":"k1","name":"Ada"}"#),
    ];
    for reply in again {
        assert_eq!(accepted(&reply, THANKS, &next), first);
    }
    let page = world.post_html("contact", "name=Ada&_id=k1");
    assert_eq!((page.status, page.header("location")), (303, Some("/f/contact/thanks")));
    world.delivered("contact", &first);
    // Without a key, or with a blank one, the same text twice is two messages.
    let [one, other] = ["a", "b"].map(|end| format!("{}{end}", "k".repeat(400)));
    let ids = [&one, &one, &other].map(|key| accepted(&with_key(&world, "contact", key, "name=Grace"), THANKS, &next));
    assert_eq!((ids[0] == ids[1], ids[0] == ids[2]), (true, false), "long keys differ in every character");
    for id in [&ids[0], &ids[2]] {
        world.delivered("contact", id);
    }
    for key in ["", " "] {
        let ids: BTreeSet<_> =
            (0..2).map(|_| accepted(&with_key(&world, "contact", key, "name=Ada"), THANKS, &next)).collect();
        assert_eq!(ids.len(), 2);
        for id in &ids {
            world.delivered("contact", id);
        }
    }
    assert_eq!(world.stored("contact").len(), 7);
    assert_eq!(world.fakes.records("webhook").len(), 7);
}

#[test]
fn twenty_at_once_are_one() {
    let world = contact();
    let ids: BTreeSet<String> = thread::scope(|scope| {
        let sender = |number: usize| {
            let world = &world;
            scope.spawn(move || {
                let reply = match number % 2 {
                    0 => with_key(world, "contact", "click", "name=Ada&message=hello"),
                    _ => world.post_json("contact", FORM, "name=Ada&message=hello&_id=click"),
                };
                assert_eq!(reply.status, 200, "{}", reply.body);
                reply.json()["id"].as_str().expect("an id").to_owned()
            })
        };
        let senders: Vec<_> = (0..20).map(sender).collect();
        senders.into_iter().map(|sender| sender.join().expect("an answer")).collect()
    });
    assert_eq!(ids.len(), 1);
    assert_eq!(world.stored("contact").len(), 1);
    world.delivered("contact", ids.first().expect("one id"));
    assert_eq!(world.fakes.requests("webhook").len(), 1);
}

#[test]
fn the_same_key_with_another_message_is_rejected_and_its_page_sends_it_as_a_new_one() {
    let world = contact();
    let next = format!("http://{}/f/contact/thanks", world.worker.address);
    let first = accepted(&with_key(&world, "contact", "k1", "name=Ada"), THANKS, &next);
    for body in ["name=Bob", "name=Ada&message=more", "name=Ada&name=Ada"] {
        let reply = with_key(&world, "contact", "k1", body);
        assert_eq!((reply.status, reply.json()), (422, refusal("KEY_REUSED", REUSED, &[])), "{body}");
    }
    assert_eq!(world.stored("contact").len(), 1);
    assert_eq!(world.submission("contact", &first)["fields"], json!([["name", "Ada"]]));

    let page = world.post_page("contact", FORM, "name=Bob&_id=k1&_subject=s");
    let form = form_of(&page).expect("a form to send again");
    let fields = [("name", "Bob"), ("_subject", "s")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((page.status, &form.fields), (422, &fields.to_vec()));
    assert_eq!(form.send(&world).status, 303);
    let names: Vec<_> = world.stored("contact").iter().map(|view| view["fields"][0][1].clone()).collect();
    assert_eq!(names, ["Bob", "Ada"]);
}

#[test]
fn a_rejected_submission_does_not_use_up_the_key() {
    let world = world(&json!({ "FORM_CONTACT": { "required": ["email"] } }));
    assert_eq!(with_key(&world, "contact", "k1", "name=Ada").status, 422);
    assert_eq!(with_key(&world, "contact", "k1", "name=Ada&email=nobody").status, 422);
    assert_eq!(with_key(&world, "contact", "k1", "name=Ada&email=ada@example.com").status, 200);
    assert_eq!(world.stored("contact").len(), 1);
}

#[test]
fn keys_belong_to_one_form_and_survive_a_restart() {
    let mut world = world(&json!({ "FORM_CONTACT": {}, "FORM_OTHER": {} }));
    let id = |reply: Reply| reply.json()["id"].as_str().expect("an id").to_owned();
    let first = id(with_key(&world, "contact", "k1", "name=Ada"));
    let other = id(with_key(&world, "other", "k1", "name=Bob"));
    assert_ne!(first, other);
    world.worker.kill_and_restart();
    assert_eq!(id(with_key(&world, "contact", "k1", "name=Ada")), first);
    assert_eq!(with_key(&world, "other", "k1", "name=Ada").status, 422);
    assert_eq!((world.stored("contact").len(), world.stored("other").len()), (1, 1));
}
