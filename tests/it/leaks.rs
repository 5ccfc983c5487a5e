//! Nothing leaks: a visitor's values and the secrets are seeded with words that appear nowhere else, and everything that
//! leaves the Worker is searched for them.

use fakes::{Mood, Response};
use serde_json::json;

use crate::destinations::{DESTINATIONS, SECRETS, everywhere, fakes};
use crate::world::{ADMIN_TOKEN, World, quick};

const STAFF_TOKEN: &str = "seeded-secret-of-the-staff-form";

/// In every secret, or what a secret is kept as, in the spellings of [`echo`].
const SECRET_WORDS: &[&str] =
    &["seeded-secret", "SEEDED-SECRET", "seeded%2Dsecret", "c2VlZGVkLXNlY3JldC", "C2VLZGVKLXNLY3JLDC", ADMIN_TOKEN];

/// In every value that the visitor sends, and in the name of an unknown field.
const PERSONAL: &str = "seeded-person";

const VISITOR: &[(&str, &str)] = &[
    ("name", "seeded-person Lovelace"),
    ("email", "seeded-person@example.com"),
    ("phone", "seeded-person 555 0100"),
    ("company", "seeded-person Ltd"),
    ("message", "seeded-person: please call"),
    ("seeded-person hobby", "seeded-person chess"),
    ("_id", "seeded-person-key"),
];

/// What a careless vendor says: it repeats what it was sent, the account's keys included.
fn echo(fake: &str, status: u16) -> Response {
    let owner = if fake == "webhook" { "HOOK" } else { &fake.to_uppercase() };
    let keys: Vec<_> = SECRETS.iter().filter(|(name, _)| name.starts_with(owner)).map(|(_, secret)| *secret).collect();
    assert!(!keys.is_empty(), "{fake} has a secret");
    let keys = keys.join(", ");
    let spelled = [keys.clone(), keys.to_uppercase(), keys.replace('-', "%2D"), keys.replace('_', "&#95;")].join("; ");
    let said = format!("seeded-person@example.com may not do this with the key {spelled}");
    // In every vendor's own format: of other bodies, no words are kept.
    let body = json!({
        "message": said, "reason": said, "success": false, "Status": "Error", "ExceptionType": "MXException",
        "ExceptionMessage": said, "error": { "code": "X", "message": said }, "type": "ValidationError", "category": "X",
    });
    Response::json(status, body).with("X-Echo", keys)
}

fn world() -> World {
    let mut vars = everywhere(quick);
    vars["FORM_STAFF"] = json!({ "destinations": ["stateset"], "access": "token" });
    vars["FORM_STRICT"] = json!({ "destinations": ["stateset"], "required": ["email"], "max_body_bytes": 1000 });
    vars["FORM_BROKEN"] = json!({ "destinations": ["nowhere"] });
    let secrets = [SECRETS, &[("STAFF_TOKEN", STAFF_TOKEN)]].concat();
    World::new(&vars, &secrets, fakes())
}

/// Waits until the log tells of this, so that what comes before it is in the log as well.
fn logged(world: &World, event: &str, count: usize) -> String {
    world.wait_for(|| {
        let log = world.worker.log();
        (log.matches(event).count() >= count).then_some(log)
    })
}

#[test]
fn the_log_holds_no_secret_and_nothing_of_a_person() {
    let world = world();
    let answers = [400, 401, 403, 404, 409, 422, 500, 302, 200];
    for status in answers {
        for (_, fake) in DESTINATIONS {
            world.fakes.next(fake, Mood::Answer(echo(fake, status)));
        }
        let submission = world.visit("all", &VISITOR[..VISITOR.len() - 1]);
        // Wait until it settles; otherwise a trial of a paused destination takes the answer queued for the next lead.
        world.settled("all", &submission);
    }
    for mood in [Mood::DropAfterWork, Mood::DropBeforeBody, Mood::Truncate] {
        for (_, fake) in DESTINATIONS {
            world.fakes.next(fake, mood.clone());
        }
        let submission = world.visit("all", &VISITOR[..VISITOR.len() - 1]);
        world.settled("all", &submission);
    }
    // Every kind of refused post.
    let accept = ("accept", "application/json");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("name=seeded-person&email=seeded-person&seeded-person={}", "x".repeat(2000));
    let bearer = format!("Bearer {STAFF_TOKEN}x");
    let mut replies = Vec::new();
    for (path, kind, authorization, status) in [
        ("/f/strict", kind, "", 413),
        ("/f/staff", kind, bearer.as_str(), 401),
        ("/f/broken", kind, "", 503),
        ("/f/nowhere", kind, "", 404),
        ("/f/all", ("content-type", "application/json"), "", 400),
        ("/f/all", ("content-type", "text/seeded-person"), "", 415),
    ] {
        let reply = world.send("POST", path, &[accept, kind, ("authorization", authorization)], body.as_bytes());
        assert_eq!(reply.status, status, "{path}");
        replies.push(reply);
    }
    let reply = world.send("POST", "/f/strict", &[accept, kind], b"name=seeded-person&email=seeded-person");
    assert_eq!(reply.status, 422);
    replies.push(reply);
    for reply in replies {
        let said = format!("{:?} {}", reply.headers, reply.body);
        assert!(!SECRET_WORDS.iter().any(|word| said.contains(word)), "{said}");
    }

    let log = logged(&world, r#""event":"attempt""#, answers.len());
    for word in [&[PERSONAL], SECRET_WORDS].concat() {
        let leak = log.lines().find(|line| line.contains(word));
        assert_eq!(leak, None, "{word}");
    }
}

#[test]
fn what_is_kept_holds_no_secret() {
    let world = world();
    for status in [400, 401, 404, 409, 500, 200] {
        for (_, fake) in DESTINATIONS {
            world.fakes.next(fake, Mood::Answer(echo(fake, status)));
        }
        let submission = world.visit("all", &VISITOR[..VISITOR.len() - 1]);
        let view = world.settled("all", &submission).to_string();
        for word in SECRET_WORDS {
            assert!(!view.contains(word), "{status} {word}: {view}");
        }
        // The vendor's own words are there: the search would have found something.
        assert!(view.contains("may not do this with the key"), "{status}: {view}");
    }
}
