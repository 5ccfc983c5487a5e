//! A config with mistakes, through the Worker: the wrong form is out of order and says why in the log, the others work;
//! and where the calls go.

use fakes::webhook::Webhook;
use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, SIGNING_SECRET, contact, refusal, vars, world};
use crate::page::{fields_of, main_of};
use crate::world::{World, quick};

/// Var, its value, the form that is out of order for it, and what the log says. Every class of mistake once; every text
/// of every mistake is in the config's own tests.
fn mistakes() -> Vec<(&'static str, Value, &'static str, String)> {
    const MAP: &str =
        "a form field, a list of them, { value = \"a constant\" } or { template = \"{utm_source|direct}\" }";
    const KNOWN: &str = "access, allowed_origins, destinations, dialect, honeypot, map, max_body_bytes, max_fields, max_value_bytes, redirect, require_origin, required, retention_days, rules, shards, spam, turnstile";
    let hook = |key: &str, value: Value| {
        let mut form = json!({ "destinations": ["hook"] });
        form[key] = value;
        form
    };
    let rows = [
        (
            "FORM_NOWHERE",
            json!({}),
            "nowhere",
            "destinations: is missing; it takes the names of destinations: broken, hook, logins",
        ),
        (
            "FORM_STRANGER",
            json!({ "destinations": ["hooks"] }),
            "stranger",
            "destinations: \"hooks\" is not a destination; known here: broken, hook, logins; did you mean \"hook\"?",
        ),
        (
            "FORM_UNKNOWN_KEY",
            hook("colour", json!("red")),
            "unknown-key",
            &format!("colour: is not a key; known here: {KNOWN}"),
        ),
        (
            "FORM_ORIGIN",
            hook("allowed_origins", json!(["www.example.com"])),
            "origin",
            "allowed_origins: \"www.example.com\" does not say https or http; write \"https://www.example.com\"",
        ),
        (
            "FORM_REDIRECT",
            hook("redirect", json!("//evil.example")),
            "redirect",
            "redirect: the address does not begin with https:// or http://; it takes \"https://www.example.com/thanks\" or a path as in \"/thanks\"",
        ),
        (
            "FORM_REQUIRED",
            hook("required", json!("_next")),
            "required",
            "required: \"_next\" is a control field; those are never data",
        ),
        (
            "FORM_TEMPLATE",
            hook("map", json!({ "source": { "template": "{_next}" } })),
            "template",
            "map.source: `{_next}` names a control field; those are never data",
        ),
        ("FORM_MAP", hook("map", json!({ "phone": 5 })), "map", &format!("map.phone: found 5; it takes {MAP}")),
        (
            "FORM_ACCESS",
            hook("access", json!("secret")),
            "access",
            "access: found \"secret\"; it takes one of \"public\", \"token\"",
        ),
        (
            "FORM_LIMIT",
            hook("max_fields", json!(0)),
            "limit",
            "max_fields: found 0; it takes a whole number from 1 to 1000",
        ),
        ("FORM_TEXT", json!("s3cret"), "text", "is not a table; write [vars.FORM_TEXT] with its keys below"),
        (
            "FORM_LOGINS",
            json!({ "destinations": ["logins"] }),
            "logins",
            "destinations: \"logins\" makes a login; a form that leads there takes access = \"token\"",
        ),
        (
            "FORM_ADMIN",
            hook("access", json!("token")),
            "admin",
            "access: its secret would be ADMIN_TOKEN, which is the service's own; choose another name",
        ),
        (
            "DESTINATION_BROKEN",
            json!({ "type": "hubspot" }),
            "led-astray",
            "crm: found \"hubspot\"; it takes one of \"agencyhandy\", \"salesmap\", \"leadsquared\", \"stateset\", \"webhook\"",
        ),
    ];
    rows.into_iter().map(|(var, value, form, message)| (var, value, form, format!("{var}: {message}"))).collect()
}

#[test]
fn a_wrong_form_is_out_of_order_and_the_others_work() {
    let mistakes = mistakes();
    let mut vars = vars(&json!({ "FORM_CONTACT": {} }));
    vars["DESTINATION_LOGINS"] =
        json!({ "type": "leadsquared", "record": "user", "region": "us", "role": "Sales_User" });
    vars["FORM_LED_ASTRAY"] = json!({ "destinations": ["hook", "broken"] });
    for (var, value, ..) in &mistakes {
        vars[var] = value.clone();
    }
    let world =
        World::new(&vars, &[("HOOK_SIGNING_SECRET", SIGNING_SECRET)], vec![Box::new(Webhook::new(SIGNING_SECRET))]);

    let message = "This form is out of order at the moment. Please try again later.";
    for (_, _, form, mistake) in &mistakes {
        let reply = world.post_json(form, FORM, "name=Ada");
        assert_eq!((reply.status, reply.json()), (503, refusal("INACTIVE", message, &[])), "{mistake}");
        let page = world.post_page(form, FORM, "name=Ada");
        assert_eq!((page.status, page.header("content-type")), (503, Some("text/html; charset=utf-8")), "{mistake}");
        assert!(main_of(&page).contains(&format!("<p>{message}</p>")), "{mistake}: {}", page.body);
        assert_eq!(world.stored(form), [Value::Null; 0], "{mistake}");
    }
    let id = world.submit("contact", "name=Ada");
    world.delivered("contact", &id);

    let mut logged = logged_errors(&world);
    logged.sort_unstable();
    logged.dedup();
    let mut expected: Vec<_> = mistakes.into_iter().map(|(.., message)| message).collect();
    expected.sort_unstable();
    assert_eq!(logged, expected);
    assert!(!world.worker.log().contains("s3cret"), "what is no table may be a secret");
}

/// What the log says of the config, a line each.
fn logged_errors(world: &World) -> Vec<String> {
    let log = world.worker.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["event"] == "config_error")
        .filter_map(|line| Some(line["error"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn several_mistakes_are_told_at_once_and_a_mended_form_works_again() {
    let forms = |form: Value| vars(&json!({ "FORM_CONTACT": form }));
    let secrets = [("HOOK_SIGNING_SECRET", SIGNING_SECRET)];
    let wrong = forms(json!({ "redirect": "javascript:alert(1)", "max_fields": 5000, "requierd": ["email"] }));
    let mut world = World::new(&wrong, &secrets, vec![Box::new(Webhook::new(SIGNING_SECRET))]);
    assert_eq!(world.post_json("contact", FORM, "name=Ada").status, 503);
    let keys: Vec<_> =
        logged_errors(&world).iter().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect();
    assert_eq!(keys, ["FORM_CONTACT: redirect", "FORM_CONTACT: max_fields", "FORM_CONTACT: requierd"]);

    world.redeploy(&forms(json!({ "redirect": "/done", "required": ["email"] })), &secrets);
    let reply = world.post_html("contact", "email=ada@example.com");
    assert_eq!((reply.status, reply.header("location")), (303, Some("/done")));
}

#[test]
fn a_message_waits_for_a_missing_secret() {
    let vars = vars(&json!({ "FORM_CONTACT": {} }));
    let world = World::new(&vars, &[], vec![Box::new(Webhook::new(SIGNING_SECRET))]);
    let id = world.submit("contact", "name=Ada");
    let view = world.wait_until("contact", &id, |view| !view["deliveries"][0]["failure"].is_null());
    let delivery = &view["deliveries"][0];
    let detail = "the secret HOOK_SIGNING_SECRET is not set: run `npx wrangler secret put HOOK_SIGNING_SECRET`";
    let trouble = json!({ "kind": "config", "detail": detail });
    // It is no reason to give up, and uses up no try.
    let found = [&delivery["state"], &delivery["failure"], &delivery["attempts"], &delivery["timeline"]];
    assert_eq!(found, [&json!("pending"), &trouble, &json!(0), &json!([])]);
    assert_eq!(world.fakes.requests("webhook"), []);
}

#[test]
fn vars_that_belong_to_no_form_are_told_too_and_stop_none() {
    let world = world(&json!({ "FORM_CONTACT": {}, "FORM_Contact": {}, "DEMO": "yes" }));
    let id = world.submit("contact", "name=Ada");
    world.delivered("contact", &id);
    let mut logged = logged_errors(&world);
    logged.sort_unstable();
    logged.dedup();
    assert_eq!(
        logged,
        [
            "DEMO: found \"yes\"; it takes \"on\" or \"off\"",
            "FORM_Contact: is misspelt; it takes FORM_ and a name of A-Z, 0-9 and _, as in FORM_CONTACT",
        ]
    );
    assert_eq!(world.send("GET", "/", &[("accept", BROWSER)], b"").status, 404);
}

#[test]
fn crm_origin_sends_every_call_to_this_machine() {
    let mut config = vars(&json!({ "FORM_CONTACT": {}, "CRM_ORIGIN": "http://127.0.0.1:8788" }));
    config["DESTINATION_SALES"] = quick(json!({ "type": "salesmap" }));
    config["FORM_CONTACT"]["destinations"] = json!(["hook", "sales"]);
    config["DESTINATION_HOOK"]["url"] = json!("https://hooks.example.com/catch/1?key=2");
    let secrets = [("HOOK_SIGNING_SECRET", SIGNING_SECRET), ("SALES_TOKEN", "salesmap-token")];
    let fakes: Vec<Box<dyn fakes::Fake>> =
        vec![Box::new(Webhook::new(SIGNING_SECRET)), Box::new(fakes::salesmap::Salesmap::new("salesmap-token"))];
    let world = World::new(&config, &secrets, fakes);
    let id = world.submit("contact", "name=Ada&email=ada@example.com");
    world.settled("contact", &id);
    let calls = |fake: &str| -> Vec<_> {
        world.fakes.requests(fake).into_iter().map(|request| (request.host, request.path, request.query)).collect()
    };
    // The fakes' server has taken `/{crm}` off the paths of a loopback host.
    let host = "127.0.0.1:8788".to_owned();
    assert_eq!(calls("webhook"), [(host.clone(), "/catch/1".to_owned(), vec![("key".to_owned(), "2".to_owned())])]);
    let sales = calls("salesmap");
    assert!(
        !sales.is_empty() && sales.iter().all(|(to, path, _)| *to == host && path.starts_with("/api/v2/")),
        "{sales:?}"
    );

    // Pages on this machine may post in local development, whatever the form allows.
    let mut guarded = config;
    guarded["FORM_CONTACT"]["allowed_origins"] = json!(["https://www.example.com"]);
    let world = World::new(&guarded, &secrets, vec![Box::new(Webhook::new(SIGNING_SECRET))]);
    for (origin, status) in [("http://localhost:3000", 200), ("https://evil.example", 403)] {
        let headers = [("accept", JSON), ("content-type", FORM), ("origin", origin)];
        assert_eq!(world.send("POST", "/f/contact", &headers, b"name=Ada").status, status, "{origin}");
    }
}

#[test]
fn crm_origin_elsewhere_is_refused_and_no_call_goes_there() {
    for origin in [
        "http://evil.example",
        "https://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://evil.example:8788/x",
    ] {
        let world = world(&json!({ "FORM_CONTACT": {}, "CRM_ORIGIN": origin }));
        let id = world.submit("contact", "name=Ada");
        world.delivered("contact", &id);
        let hosts: Vec<_> =
            world.fakes.requests("webhook").into_iter().map(|request| (request.host, request.path)).collect();
        assert_eq!(hosts, [("hooks.example.com".to_owned(), "/catch".to_owned())], "{origin}");
        let message = format!(
            "CRM_ORIGIN: found \"{origin}\"; it takes the origin of this machine, as in \"http://127.0.0.1:8788\", and is for \
             local development only"
        );
        assert!(logged_errors(&world).contains(&message), "{}", world.worker.log());
    }
}

#[test]
fn the_demo_is_there_only_when_it_is_on() {
    let world = world(&json!({ "FORM_CONTACT": {}, "DEMO": "on" }));
    let page = world.send("GET", "/", &[("accept", BROWSER)], b"");
    assert_eq!(page.status, 200);
    let (_, form) = main_of(&page).split_once("action=\"/f/contact\"").expect("a real form");
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields_of(form));
    let reply = world.post_html("contact", &body.finish());
    assert_eq!((reply.status, reply.header("location")), (303, Some("/f/contact/thanks")));
    assert_eq!(world.stored("contact").len(), 1);
    let without = contact().send("GET", "/", &[("accept", BROWSER)], b"");
    assert_eq!(without.status, 404);
}
