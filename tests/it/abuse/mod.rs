//! Hostile input through the real Worker: it is refused or made harmless. Afterwards the Worker accepts the next message and
//! has lost none.

mod bodies;
mod values;
mod wire;

use serde_json::{Value, json};

use crate::intake::{FORM, JSON};
use crate::world::{Reply, World};

/// The next visitor's message is stored and delivered.
#[track_caller]
fn lives_on(world: &World, form: &str) {
    let id = world.submit(form, "name=Grace&email=grace%40example.com&message=hello");
    world.delivered(form, &id);
}

/// Posts a body as a script, and returns what was stored of it; every field in it has to be delivered as well.
#[track_caller]
fn accepted(world: &World, what: &str, content_type: &str, body: &[u8]) -> Value {
    let reply = world.post_json("contact", content_type, body);
    assert_eq!(reply.status, 200, "{what}: {}", reply.body);
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    let record = world.delivered("contact", &id);
    let messages = world.fakes.records("webhook");
    let message = messages.iter().find(|message| message["webhook_id"] == record.as_str()).expect(what);
    let stored = world.submission("contact", &id)["fields"].clone();
    for pair in stored.as_array().expect("fields") {
        let (name, value) = (pair[0].as_str().expect("a name"), &pair[1]);
        let sent = &message["data"]["fields"][name];
        let is_there = sent == value || sent.as_array().is_some_and(|values| values.contains(value));
        assert!(is_there, "{what}: {name} did not arrive");
    }
    stored
}

/// The status and the code of a refusal, asked for as JSON.
fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
}

/// Posts with these headers as a script.
fn with_headers(world: &World, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = [&[("Accept", JSON), ("Content-Type", FORM)], headers].concat();
    crate::raw::send(world, "POST /f/contact", &headers, body.as_bytes())
}

fn pairs(pairs: &[(&str, &str)]) -> Value {
    json!(pairs)
}
