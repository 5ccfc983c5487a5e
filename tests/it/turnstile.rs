//! Turnstile under the real Worker, with a siteverify that follows the documentation.

use std::time::Duration;

use fakes::server::now_ms;
use fakes::stateset::StateSet;
use fakes::turnstile::{self, Turnstile};
use fakes::{Mood, Response};
use serde_json::{Value, json};

use crate::world::{Reply, World, deliveries, quick};

const SECRET: &str = "0x4AAA-secret";
const HOST: &str = "www.example.com";

fn vars() -> Value {
    json!({
        "FORM_CONTACT": {
            "destinations": "crm",
            "required": ["email"],
            "turnstile": { "action": "contact", "hostnames": [HOST, "example.com"] },
        },
        "DESTINATION_CRM": quick(json!({ "type": "stateset" })),
    })
}

fn world_with(secret: Option<&str>) -> World {
    let mut secrets = vec![("CRM_API_KEY", "sk_test_1")];
    secrets.extend(secret.map(|secret| ("TURNSTILE_SECRET", secret)));
    World::new(&vars(), &secrets, vec![Box::new(StateSet::new("sk_test_1")), Box::new(Turnstile::new(SECRET))])
}

fn world() -> World {
    world_with(Some(SECRET))
}

fn token(world: &World) -> String {
    world.fakes.with::<Turnstile, _>(|fake| fake.issue(HOST, "contact", now_ms()))
}

fn is_spent(world: &World, token: &str) -> bool {
    world.fakes.with::<Turnstile, _>(|fake| fake.is_spent(token))
}

fn post_as(world: &World, accept: &str, extra: &[(&str, &str)], body: &str) -> Reply {
    let mut headers = vec![
        ("accept", accept),
        ("content-type", "application/x-www-form-urlencoded"),
        ("cf-connecting-ip", "203.0.113.7"),
        ("referer", "https://www.example.com/contact"),
    ];
    headers.extend(extra);
    world.send("POST", "/f/contact", &headers, body.as_bytes())
}

fn post(world: &World, token: &str) -> Reply {
    let body = format!("email=a%40b.co&message=Hello&cf-turnstile-response={token}");
    post_as(world, "application/json", &[], &body)
}

fn id_of(reply: &Reply) -> String {
    reply.json()["id"].as_str().unwrap_or_else(|| panic!("{}", reply.body)).to_owned()
}

/// Stored, thanked as usual, and quarantined as `unverified`.
fn assert_kept(world: &World, reply: &Reply) {
    let view = world.submission("contact", &id_of(reply));
    assert_eq!(view["reasons"], json!(["unverified"]), "{view:#}");
    assert_eq!(deliveries(&view)[0]["state"], "quarantined");
    assert!(world.worker.log().contains("\"unverified\""), "the operator is not told: {}", world.worker.log());
}

fn assert_refused(reply: &Reply) {
    assert_eq!(reply.status, 403, "{}", reply.body);
    assert_eq!(reply.json()["error"], "CAPTCHA_FAILED");
}

#[test]
fn a_person_passes_and_the_token_goes_nowhere() {
    let world = world();
    let token = token(&world);
    let reply = post(&world, &token);
    let id = id_of(&reply);
    world.delivered("contact", &id);
    let view = world.submission("contact", &id);
    assert_eq!(view["fields"], json!([["email", "a@b.co"], ["message", "Hello"]]));
    let asked = world.fakes.requests("turnstile");
    let fields: Vec<(String, String)> = form_urlencoded::parse(asked[0].body.as_bytes()).into_owned().collect();
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((asked.len(), names.as_slice()), (1, &["secret", "response", "remoteip", "idempotency_key"][..]));
    assert_eq!(fields[2].1, "203.0.113.7");
    let leaks = |text: &str| text.contains(&token) || text.contains(SECRET);
    assert!(!leaks(&view.to_string()) && !leaks(&reply.body) && !leaks(&world.worker.log()));
    assert!(world.fakes.requests("stateset").iter().all(|request| !leaks(&request.body)));
}

#[test]
fn what_is_the_visitors_fault_is_told_to_the_visitor() {
    let world = world();
    let issue = |host: &str, action: &str| world.fakes.with::<Turnstile, _>(|fake| fake.issue(host, action, now_ms()));
    let spent = token(&world);
    assert_eq!(
        post_as(&world, "application/json", &[], &format!("email=x%40y.co&cf-turnstile-response={spent}")).status,
        200
    );
    let expired = world.fakes.with::<Turnstile, _>(|fake| fake.issue(HOST, "contact", 0));
    let asked = world.fakes.requests("turnstile").len();
    for token in ["", " ", &"t".repeat(2049)] {
        assert_refused(&post(&world, token));
    }
    assert_refused(&post_as(&world, "application/json", &[], "email=a%40b.co&message=Hello"));
    assert_eq!(world.fakes.requests("turnstile").len(), asked, "no question is needed for these");
    let tokens = ["invented".to_owned(), spent, expired];
    for token in &tokens {
        assert_refused(&post(&world, token));
    }
    assert_eq!(world.newest("contact")["fields"], json!([["email", "x@y.co"]]), "one of them was stored");
    // Another listed host works too.
    assert_eq!(post(&world, &issue("example.com", "contact")).status, 200);
    // A fresh token and it goes through.
    assert_eq!(post(&world, &token(&world)).status, 200);
}

#[test]
fn a_captcha_passed_on_an_unlisted_host_is_quarantined() {
    for (host, action) in [("shop.example.com", "contact"), (HOST, "login")] {
        let world = world();
        let token = world.fakes.with::<Turnstile, _>(|fake| fake.issue(host, action, now_ms()));
        assert_kept(&world, &post(&world, &token));
        assert!(world.worker.log().contains("the token is for the"), "{}", world.worker.log());
        assert!(world.fakes.requests("stateset").is_empty());
    }
}

#[test]
fn the_page_keeps_the_text_and_leads_back_to_the_widget() {
    let world = world();
    let reply = post_as(&world, "text/html", &[], "email=a%40b.co&message=A+long+story&cf-turnstile-response=invented");
    assert_eq!(reply.status, 403);
    for part in [">\nA long story</textarea>", "<a href=\"https://www.example.com/contact\" rel=\"noreferrer\">"] {
        assert!(reply.body.contains(part), "{part} is missing: {}", reply.body);
    }
    // It cannot be sent from there: the page has no widget, and the token is used up.
    assert!(!reply.body.contains("<form") && !reply.body.contains("invented"), "{}", reply.body);
}

#[test]
fn a_mistake_in_the_form_does_not_burn_the_token() {
    let world = world();
    let token = token(&world);
    let body = |email: &str| format!("email={email}&message=Hello&cf-turnstile-response={token}");
    let page = post_as(&world, "text/html", &[], &body("nobody"));
    assert_eq!((page.status, is_spent(&world, &token)), (422, false));
    // The page carries it, so that the corrected form passes.
    assert!(page.body.contains(&format!("name=\"cf-turnstile-response\" value=\"{token}\"")), "{}", page.body);
    assert_eq!(post_as(&world, "text/html", &[], &body("a%40b.co")).status, 303);
    assert!(is_spent(&world, &token));
}

#[test]
fn a_token_is_good_for_one_submission_however_often_that_is_sent() {
    let world = world();
    let token = token(&world);
    let send = |key: &str, message: &str| {
        let body = format!("email=a%40b.co&message={message}&cf-turnstile-response={token}");
        post_as(&world, "application/json", &[("idempotency-key", key)], &body)
    };
    let first = send("k1", "Hello");
    // The answer was lost on its way, and the page sends the same again.
    assert_eq!(id_of(&send("k1", "Hello")), id_of(&first));
    assert_refused(&send("k2", "Hello"));
    // Without a key, the same visitor with the same text is the same: a double click shows no error.
    let token = self::token(&world);
    let plain = |agent: &str, message: &str| {
        let body = format!("email=a%40b.co&message={message}&cf-turnstile-response={token}");
        post_as(&world, "application/json", &[("user-agent", agent)], &body)
    };
    let first = plain("Firefox", "Hello");
    assert_eq!(id_of(&plain("Firefox", "Hello")), id_of(&first));
    assert_refused(&plain("Firefox", "Other"));
    assert_refused(&plain("curl", "Hello"));
}

#[test]
fn without_siteverify_visitors_are_quarantined() {
    let world = world();
    let internal = json!({ "success": false, "error-codes": ["internal-error"] });
    let moods = [
        Mood::Answer(Response::json(200, internal)),
        Mood::Answer(Response::html(503, "Service Unavailable")),
        Mood::Answer(Response::html(200, "<!doctype html><title>Sign in</title>")),
        Mood::Answer(Response::html(301, "").with("Location", "https://elsewhere.example/")),
        Mood::DropUnread,
    ];
    for mood in moods {
        let asked = world.fakes.requests("turnstile").len();
        world.fakes.always("turnstile", Some(mood.clone()));
        assert_kept(&world, &post(&world, &token(&world)));
        assert_eq!(world.fakes.requests("turnstile").len(), asked + 2, "asked twice: {mood:?}");
        // Once is made good by asking again.
        world.fakes.always("turnstile", None);
        world.fakes.next("turnstile", mood.clone());
        world.delivered("contact", &id_of(&post(&world, &token(&world))));
    }
    // An answer that was lost: the token is spent, and the same key finds that out.
    world.fakes.next("turnstile", Mood::DropAfterWork);
    world.delivered("contact", &id_of(&post(&world, &token(&world))));
    let asked = world.fakes.requests("turnstile");
    let key = |at: usize| asked[at].body.rsplit_once("idempotency_key=").map(|(_, key)| key.to_owned());
    assert_eq!(key(asked.len() - 1), key(asked.len() - 2));
}

#[test]
fn a_siteverify_that_hangs_is_given_up() {
    let world = world();
    world.fakes.next("turnstile", Mood::Slow(Duration::from_secs(30)));
    world.fakes.next("turnstile", Mood::Answer(Response::html(503, "")));
    assert_kept(&world, &post(&world, &token(&world)));
}

#[test]
fn our_own_mistake_keeps_everyone() {
    for secret in
        [None, Some("0x4AAA-rotated"), Some(turnstile::PASSES), Some(turnstile::FAILS), Some(turnstile::SPENT)]
    {
        let world = world_with(secret);
        assert_kept(&world, &post(&world, &token(&world)));
        let asked = world.fakes.requests("turnstile").len();
        assert_eq!(asked, usize::from(secret == Some("0x4AAA-rotated")), "{secret:?}");
    }
}

#[test]
fn the_test_secrets_work_in_local_development() {
    for (secret, status) in [(turnstile::PASSES, 200), (turnstile::FAILS, 403), (turnstile::SPENT, 403)] {
        let mut world = world_with(None);
        let mut vars = vars();
        vars["CRM_ORIGIN"] = json!(format!("http://{}", world.fakes.address));
        world.redeploy(&vars, &[("CRM_API_KEY", "sk_test_1"), ("TURNSTILE_SECRET", secret)]);
        let reply = post(&world, "XXXX.DUMMY.TOKEN.XXXX");
        assert_eq!(reply.status, status, "{secret}: {}", reply.body);
        if status == 200 {
            world.delivered("contact", &id_of(&reply));
        }
    }
}
