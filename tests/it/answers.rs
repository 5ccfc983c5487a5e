//! What CRMs answer when they do not simply say yes: a success that made nothing, too many calls, an answer that is lost.
//! However it goes, `delivered` is said only of a record that is there, and no record is made twice.

use std::time::Duration;

use fakes::webhook::Webhook;
use fakes::{Mood, Response};
use serde_json::{Value, json};

use crate::destinations::{DESTINATIONS, SECRETS, everywhere, fakes, ids};
use crate::world::{World, at_once, delivery, quick};

/// No mood at all, for a request before the one that matters.
const AS_ALWAYS: Mood = Mood::Slow(Duration::ZERO);

/// One of several answers to a destination's call, and the calls that come of it.
struct Row {
    destination: &'static str,
    moods: Vec<Mood>,
    /// `step status verdict` of each call.
    calls: &'static [&'static str],
}

fn row(destination: &'static str, moods: impl Into<Vec<Mood>>, calls: &'static [&'static str]) -> Row {
    Row { destination, moods: moods.into(), calls }
}

fn answer(status: u16, body: Value) -> Mood {
    Mood::Answer(Response::json(status, body))
}

/// An answer as it is written here, not whole.
fn cut(status: u16, body: &str) -> Mood {
    Mood::Answer(Response { body: body.to_owned(), ..Response::json(status, json!({})) })
}

fn sign_in() -> Mood {
    Mood::Answer(Response::html(200, "<!doctype html><title>Sign in</title>"))
}

fn moved() -> Mood {
    Mood::Answer(Response::html(302, "").with("Location", "https://elsewhere.example.com/sign-in"))
}

fn calls(delivery: &Value) -> Vec<String> {
    let attempts = delivery["timeline"].as_array().expect("a timeline");
    let call = |attempt: &Value| {
        let text = |key: &str| attempt[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("step"), attempt["status"], text("outcome"))
    };
    attempts.iter().map(call).collect()
}

/// Posts a visitor of their own for each row and compares what came of it.
fn compare(rows: Vec<Row>) {
    let world = World::new(&everywhere(quick), SECRETS, fakes());
    for (number, Row { destination, moods, calls: expected }) in rows.into_iter().enumerate() {
        let which = format!("row {number}, {destination}");
        let fake = DESTINATIONS.iter().find(|(name, _)| *name == destination).expect("a destination").1;
        let before = ids(&world, fake);
        for mood in moods {
            world.fakes.next(fake, mood);
        }
        let email = format!("visitor-{number}@example.com");
        let submission = world.visit(destination, &[("name", "Ada Lovelace"), ("email", &email), ("shoe size", "38")]);
        let view = world.settled(destination, &submission);
        let delivery = delivery(&view, destination);
        assert_eq!(calls(delivery), expected, "{which}: {view:#}");
        let made = ids(&world, fake).split_off(before.len());
        if expected.last().is_some_and(|call| call.ends_with(" refused")) {
            let found = (&delivery["state"], &delivery["record"], made.len());
            assert_eq!(found, (&json!("rejected"), &Value::Null, 0), "{which}");
        } else {
            assert_eq!(delivery["state"], "delivered", "{which}");
            assert_eq!(made, [delivery["record"]["id"].as_str().expect("an id")], "{which}");
        }
        assert_eq!(world.fakes.complaints(fake), [] as [String; 0], "{which}");
    }
    // Redirects were not followed: whatever is no vendor's host comes to the receiver of webhooks.
    let strangers = world.requests("webhook").into_iter().filter(|request| request["host"] != "hooks.example.com");
    assert_eq!(strangers.collect::<Vec<_>>(), [] as [Value; 0]);
}

#[test]
fn a_success_that_made_nothing_at_agencyhandy() {
    const AGAIN: &[&str] = &["members_lead 200 retry", "members_lead 201 delivered"];
    const REFUSED: &[&str] = &["members_lead 200 continue", "members_lead_again 200 refused"];
    let skipped = |reason: &str| {
        let skipped = json!([{ "email": "visitor-0@example.com", "reason": reason }]);
        answer(200, json!({ "success": true, "data": { "addedLeads": [], "notAddedLeads": skipped } }))
    };
    let expired = json!({ "type": "PermissionError", "status": 403, "message": "Your subscription has expired" });
    compare(vec![
        // Once more without what is optional, and then it is a refusal.
        row("agencyhandy", [skipped("You have reached your limit"), skipped("You have reached your limit")], REFUSED),
        row("agencyhandy", [skipped("One or more category not found"), skipped("No such category")], REFUSED),
        row("agencyhandy", [answer(200, json!({ "success": true, "data": { "addedLeads": [] } }))], AGAIN),
        row("agencyhandy", [answer(200, json!({ "success": true, "data": { "addedLeads": [{}] } }))], AGAIN),
        row("agencyhandy", [answer(200, expired)], AGAIN),
        row("agencyhandy", [cut(200, r#"{"success":true,"data":{"addedLeads":[{"_id":"00000000000"#)], AGAIN),
        row("agencyhandy", [cut(200, "")], AGAIN),
        row("agencyhandy", [sign_in()], AGAIN),
        row("agencyhandy", [moved()], &["members_lead 302 retry", "members_lead 201 delivered"]),
    ]);
}

#[test]
fn a_success_that_made_nothing_at_salesmap() {
    const LOOKED: &[&str] =
        &["people 201 continue", "lead 201 in_doubt", "find_lead 200 continue", "lead 201 delivered"];
    let refusal = || answer(201, json!({ "success": false, "message": "Bad Request", "reason": "[name]: 형식" }));
    compare(vec![
        row("salesmap", [refusal()], &["people 201 refused"]),
        row("salesmap", [AS_ALWAYS, refusal()], &["people 201 continue", "lead 201 refused"]),
        // A page in front of the API: nothing can have been made.
        row("salesmap", [sign_in()], &["people 200 retry", "people 201 continue", "lead 201 delivered"]),
        row("salesmap", [AS_ALWAYS, sign_in()], &["people 201 continue", "lead 200 retry", "lead 201 delivered"]),
        row("salesmap", [AS_ALWAYS, moved()], &["people 201 continue", "lead 302 retry", "lead 201 delivered"]),
        row(
            "salesmap",
            [answer(201, json!({ "success": true, "data": { "people": {} } }))],
            &["people 201 retry", "people 201 continue", "lead 201 delivered"],
        ),
        // The API itself, and it does not say what it did: look before making another.
        row("salesmap", [AS_ALWAYS, answer(201, json!({ "success": true, "data": { "lead": {} } }))], LOOKED),
        row("salesmap", [AS_ALWAYS, cut(201, r#"{"success":true,"data":{"lead":{"id":"0000"#)], LOOKED),
        row("salesmap", [AS_ALWAYS, cut(201, "")], LOOKED),
    ]);
}

#[test]
fn a_success_that_made_nothing_at_leadsquared() {
    const AGAIN: &[&str] = &["lead 200 retry", "lead 200 delivered"];
    let error = |kind: &str| json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": "No" });
    let no = || answer(200, error("MXInvalidEntityException"));
    compare(vec![
        // Once more without what is optional, and then it is a refusal.
        row("leadsquared", [no(), no()], &["lead 200 continue", "lead 200 refused"]),
        row("leadsquared", [answer(200, error(""))], AGAIN),
        row("leadsquared", [answer(200, json!({ "Status": "Success", "Message": { "AffectedRows": 0 } }))], AGAIN),
        row("leadsquared", [answer(200, json!({ "Status": "Success", "Message": { "Id": "" } }))], AGAIN),
        row("leadsquared", [cut(200, r#"{"Status":"Success","Message":{"Id":"0000"#)], AGAIN),
        row("leadsquared", [cut(200, "")], AGAIN),
        row("leadsquared", [sign_in()], AGAIN),
        row("leadsquared", [moved()], &["lead 302 retry", "lead 200 delivered"]),
    ]);
}

#[test]
fn a_success_that_made_nothing_at_stateset() {
    const AGAIN: &[&str] = &["lead 200 retry", "lead 201 delivered"];
    compare(vec![
        row("stateset", [answer(200, json!({}))], AGAIN),
        row("stateset", [answer(200, json!({ "id": "", "object": "lead" }))], AGAIN),
        row("stateset", [answer(200, json!({ "success": 1, "user_group": {} }))], AGAIN),
        row("stateset", [cut(200, r#"{"id":"7c9e6679-7425"#)], AGAIN),
        row("stateset", [cut(200, "")], AGAIN),
        row("stateset", [sign_in()], AGAIN),
        row("stateset", [moved()], &["lead 302 retry", "lead 201 delivered"]),
        // Not a success of a webhook either.
        row("hook", [moved()], &["post 302 retry", "post 200 delivered"]),
    ]);
}

#[test]
fn too_many_calls_wait_as_asked_and_use_up_no_try() {
    let world = World::new(&everywhere(quick), SECRETS, fakes());
    let message = "API calls exceeded the limit of 25 in 5 second(s)";
    let kind = "MXAPIRateLimitExceededException";
    let rate = json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": message });
    let too_many = || Response::json(429, json!({ "message": "Too many requests" }));
    let salesmap = json!({ "success": false, "message": "Too Many Requests", "reason": "1.2초 후 재시도해주세요." });
    let rows = [
        ("agencyhandy", too_many().with("Retry-After", "1"), 1_000),
        ("hook", too_many().with("Retry-After", "1"), 1_000),
        ("leadsquared", Response::json(200, rate), 5_000),
        ("salesmap", Response::json(429, salesmap), 1_200),
        ("stateset", too_many().with("X-RateLimit-Retry-After", "1"), 1_000),
    ];
    for ((name, answer, _), (destination, fake)) in rows.iter().zip(DESTINATIONS) {
        assert_eq!(name, destination);
        world.fakes.next(fake, Mood::Answer(answer.clone()));
    }
    let submission = world.visit("all", &[("name", "Ada Lovelace"), ("email", "ada@example.com")]);
    let view = world.settled("all", &submission);
    for ((name, answer, wait), (_, fake)) in rows.iter().zip(DESTINATIONS) {
        let delivery = delivery(&view, name);
        let attempts = &delivery["timeline"];
        assert_eq!(calls(delivery)[0].split_once(' ').unwrap().1, format!("{} retry", answer.status), "{name}");
        assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(1)), "{name}: {view:#}");
        let waited = attempts[1]["at"].as_i64().unwrap() - attempts[0]["at"].as_i64().unwrap();
        assert!(waited >= *wait, "{name} waited {waited} ms of {wait}");
        assert_eq!(ids(&world, fake).len(), 1, "{name}");
    }
}

/// The ways in which an answer does not arrive, with the record made and without.
fn losses() -> Vec<(&'static str, Mood)> {
    let gone = || Response::html(502, "<h1>Bad Gateway</h1>");
    vec![
        ("closed after the work", Mood::DropAfterWork),
        ("cut short after the work", Mood::Truncate),
        ("a gateway's page after the work", Mood::WorkThenAnswer(gone())),
        ("closed before the work", Mood::DropUnread),
        ("closed before the body", Mood::DropBeforeBody),
        ("a gateway's page before the work", Mood::Answer(gone())),
    ]
}

#[test]
fn a_lost_answer_leaves_one_record() {
    at_once(losses(), |(word, mood)| {
        let world = World::new(&everywhere(quick), SECRETS, fakes());
        for (_, fake) in DESTINATIONS {
            world.fakes.next(fake, mood.clone());
        }
        let visitor = |name: &'static str, email: &'static str| [("name", name), ("email", email), ("company", name)];
        let all = world.visit("all", &visitor("Ada Lovelace", "ada@example.com"));
        let view = world.settled("all", &all);
        for (name, fake) in DESTINATIONS {
            let delivery = delivery(&view, name);
            let id = delivery["record"]["id"].as_str().unwrap_or_default();
            let expected = ids(&world, fake);
            assert_eq!((&delivery["state"], expected.len()), (&json!("delivered"), 1), "{word}, {name}: {view:#}");
            assert_eq!(expected, [id], "{word}, {name}: {view:#}");
        }
        // That was Salesmap's organization; now the person, then the lead, which Salesmap would make twice.
        for (step, name, email) in [(1, "Grace Hopper", "grace@example.com"), (2, "Mary King", "mary@example.com")] {
            (0..step).for_each(|_| world.fakes.next("salesmap", AS_ALWAYS));
            world.fakes.next("salesmap", mood.clone());
            let submission = world.visit("salesmap", &visitor(name, email));
            let id = world.delivered("salesmap", &submission);
            assert_eq!(ids(&world, "salesmap").split_off(step), [id], "{word}, step {step}");
        }
        assert_eq!(world.fakes.records("salesmap").len(), 9, "{word}");
        for (name, fake) in DESTINATIONS {
            assert_eq!(world.fakes.complaints(fake), [] as [String; 0], "{word}, {name}");
        }
    });
}

#[test]
fn a_receiver_that_keeps_the_ids_drops_the_repeat() {
    let world = World::new(&everywhere(quick), SECRETS, fakes());
    world.fakes.next("webhook", Mood::DropAfterWork);
    let submission = world.visit("hook", &[("email", "ada@example.com")]);
    world.delivered("hook", &submission);
    assert_eq!((ids(&world, "webhook").len(), world.fakes.with(|fake: &mut Webhook| fake.repeats)), (1, 1));
}

#[test]
fn a_lost_answer_leaves_one_person_without_an_email() {
    at_once(losses(), |(word, mood)| {
        let world = World::new(&everywhere(quick), SECRETS, fakes());
        world.fakes.next("salesmap", mood);
        let submission = world.visit("salesmap", &[("name", "Ada Lovelace"), ("phone", "555 0100")]);
        let id = world.delivered("salesmap", &submission);
        let records = world.fakes.records("salesmap");
        let kinds: Vec<_> = records.iter().map(|record| record["record"].as_str().unwrap()).collect();
        assert_eq!((kinds, ids(&world, "salesmap")), (vec!["person", "lead"], vec![id]), "{word}");
    });
}

#[test]
fn a_lost_answer_leaves_one_member_and_one_user() {
    let mut vars = json!({
        "FORM_MEMBER": { "destinations": ["agencyhandy"] },
        "FORM_CLIENT": { "destinations": ["clients"] },
        "FORM_STAFF": { "destinations": ["users"], "access": "token" },
        "DESTINATION_AGENCYHANDY": quick(json!({ "type": "agencyhandy", "api": "company" })),
        "DESTINATION_CLIENTS": quick(json!({ "type": "agencyhandy", "api": "members", "record": "client" })),
        "DESTINATION_USERS": quick(json!({
            "type": "leadsquared", "region": "india-mumbai", "record": "user", "role": "Sales_User",
        })),
    });
    vars["DESTINATION_AGENCYHANDY"]["company_id"] = json!(fakes::agencyhandy::COMPANY_ID);
    vars["DESTINATION_AGENCYHANDY"]["role_id"] = json!(fakes::agencyhandy::ROLE_ID);
    let of = |name: &str| SECRETS.iter().find(|(key, _)| *key == name).unwrap().1;
    let secrets = [
        ("AGENCYHANDY_API_KEY", of("AGENCYHANDY_API_KEY")),
        ("CLIENTS_API_KEY", of("AGENCYHANDY_API_KEY")),
        ("USERS_ACCESS_KEY", of("LEADSQUARED_ACCESS_KEY")),
        ("USERS_SECRET_KEY", of("LEADSQUARED_SECRET_KEY")),
        ("STAFF_TOKEN", "token-of-the-staff-form"),
    ];
    let world = World::new(&vars, &secrets, fakes());
    for (form, fake, note) in [
        ("member", "agencyhandy", "already there: Email already exists"),
        ("client", "agencyhandy", "already there: Client already exists"),
        ("staff", "leadsquared", "already there"),
    ] {
        world.fakes.next(fake, Mood::DropAfterWork);
        let email = format!("{form}@example.com");
        let fields = [("name", "Ada Lovelace"), ("email", &email), ("_token", "token-of-the-staff-form")];
        let submission = world.visit(form, &fields);
        world.delivered(form, &submission);
        // None of the three says the id of the record that is there.
        let record = &world.submission(form, &submission)["deliveries"][0]["record"];
        assert_eq!(*record, json!({ "id": "", "note": note }), "{form}");
        let held = world
            .fakes
            .records(fake)
            .into_iter()
            .filter(|record| ["email", "EmailAddress"].iter().any(|key| record[*key] == email.as_str()));
        assert_eq!(held.count(), 1, "{form}");
    }
}
