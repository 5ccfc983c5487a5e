//! A config with errors: the wrong form answers 503 and logs why, the others work. Also where calls go.

use fakes::webhook::Webhook;
use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, SIGNING_SECRET, contact, refusal, vars, world};
use crate::page::{fields_of, main_of};
use crate::world::{World, quick};

#[test]
fn a_wrong_form_answers_503_and_the_others_work() {
    // The unit tests of the config hold the text of every mistake; here is one of each kind: form, var, what the log says.
    let mistakes = [
        (
            "wrong-key",
            "FORM_WRONG_KEY",
            json!({ "destinations": "hook", "requred": "email" }),
            "FORM_WRONG_KEY: unknown key \"requred\"; did you mean \"required\"?",
        ),
        ("text", "FORM_TEXT", json!("s3cret"), "FORM_TEXT: is not a table; write [vars.FORM_TEXT] with its keys below"),
        (
            "logins",
            "FORM_LOGINS",
            json!({ "destinations": ["logins"] }),
            "FORM_LOGINS: destinations: \"logins\" creates a login; its form needs access = \"token\"",
        ),
        (
            "admin",
            "FORM_ADMIN",
            json!({ "destinations": "hook", "access": "token" }),
            "FORM_ADMIN: access: its secret would be ADMIN_TOKEN, which formcourier itself uses; choose another name",
        ),
        (
            "led-astray",
            "DESTINATION_BROKEN",
            json!({ "type": "webhook", "url": "https://hooks.example.com", "timeout": 20 }),
            "DESTINATION_BROKEN: timeout: found 20; it takes a time from \"1s\" to \"60s\"; units: ms, s, min, h, d; write \
             \"20s\"",
        ),
    ];
    let mut vars = vars(&json!({ "FORM_CONTACT": {} }));
    vars["DESTINATION_LOGINS"] =
        json!({ "type": "leadsquared", "record": "user", "region": "us", "role": "Sales_User" });
    vars["FORM_LED_ASTRAY"] = json!({ "destinations": ["hook", "broken"] });
    for (_, var, value, _) in &mistakes {
        vars[var] = value.clone();
    }
    let world =
        World::new(&vars, &[("HOOK_SIGNING_SECRET", SIGNING_SECRET)], vec![Box::new(Webhook::new(SIGNING_SECRET))]);

    let message = "This form is out of order at the moment. Please try again later.";
    for (form, ..) in &mistakes {
        let reply = world.post_json(form, FORM, "name=Ada");
        assert_eq!((reply.status, reply.json()), (503, refusal("INACTIVE", message, &[])), "{form}");
        let page = world.post_page(form, FORM, "name=Ada");
        assert_eq!((page.status, page.header("content-type")), (503, Some("text/html; charset=utf-8")), "{form}");
        assert!(main_of(&page).contains(&format!("<p>{message}</p>")), "{form}: {}", page.body);
        assert_eq!(world.stored(form), [Value::Null; 0], "{form}");
    }
    let id = world.submit("contact", "name=Ada");
    world.delivered("contact", &id);
    let mut expected = mistakes.map(|(.., message)| message.to_owned());
    expected.sort_unstable();
    assert_eq!(logged_errors(&world), expected);
    assert!(!world.worker.log().contains("s3cret"), "a var that is not a table may be a secret");
}

/// The different config errors in the log, which come after a reply.
fn logged_errors(world: &World) -> Vec<String> {
    let log = world.wait_for(|| Some(world.worker.log()).filter(|log| log.contains("config_error")));
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors = lines.filter(|line| line["event"] == "config_error");
    let errors: std::collections::BTreeSet<String> =
        errors.filter_map(|line| Some(line["error"].as_str()?.to_owned())).collect();
    errors.into_iter().collect()
}

#[test]
fn every_error_is_logged_and_a_fixed_form_works_again() {
    let forms = |form: Value| vars(&json!({ "FORM_CONTACT": form }));
    let secrets = [("HOOK_SIGNING_SECRET", SIGNING_SECRET)];
    let wrong = forms(json!({ "redirect": "javascript:alert(1)", "max_fields": 5000, "requierd": ["email"] }));
    let mut world = World::new(&wrong, &secrets, vec![Box::new(Webhook::new(SIGNING_SECRET))]);
    assert_eq!(world.post_json("contact", FORM, "name=Ada").status, 503);
    let logged = logged_errors(&world);
    let starts = ["max_fields: ", "redirect: ", "unknown key \"requierd\""];
    let found = starts.map(|start| logged.iter().any(|line| line.starts_with(&format!("FORM_CONTACT: {start}"))));
    assert_eq!((found, logged.len()), ([true; 3], 3), "{logged:?}");

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
    let failure = json!({ "kind": "config", "detail": detail });
    // It uses up no attempt.
    let found = [&delivery["state"], &delivery["failure"], &delivery["attempts"], &delivery["timeline"]];
    assert_eq!(found, [&json!("pending"), &failure, &json!(0), &json!([])]);
    assert_eq!(world.fakes.requests("webhook"), []);
}

#[test]
fn errors_outside_forms_are_logged_and_stop_no_form() {
    let world = world(&json!({ "FORM_CONTACT": {}, "FORM_Contact": {}, "DEMO": "yes" }));
    let id = world.submit("contact", "name=Ada");
    world.delivered("contact", &id);
    assert_eq!(
        logged_errors(&world),
        ["DEMO: found \"yes\"; it takes \"on\" or \"off\"", "FORM_Contact: is not read; did you mean FORM_CONTACT?",]
    );
    let page = world.send("GET", "/", &[("accept", BROWSER)], b"");
    assert!(page.body.contains("/f/contact") && !page.body.contains("<form"), "no demo: {}", page.body);
}

#[test]
fn crm_origin_sends_every_call_to_this_machine() {
    let mut config = vars(&json!({ "FORM_CONTACT": {}, "CRM_ORIGIN": "http://127.0.0.1:8788", "DEMO": "on" }));
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
    // The fakes' server removes `/{type}` from the paths of a loopback host.
    let host = "127.0.0.1:8788".to_owned();
    assert_eq!(calls("webhook"), [(host.clone(), "/catch/1".to_owned(), vec![("key".to_owned(), "2".to_owned())])]);
    let sales = calls("salesmap");
    assert!(
        !sales.is_empty() && sales.iter().all(|(to, path, _)| *to == host && path.starts_with("/api/v2/")),
        "{sales:?}"
    );

    let thanks = world.send("GET", "/f/contact/thanks", &[("accept", BROWSER)], b"").body;
    assert!(thanks.contains("href=\"http://127.0.0.1:8788/#webhook\""), "{thanks}");

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
fn crm_origin_elsewhere_is_rejected_and_never_called() {
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
fn the_demo_is_served_only_when_it_is_on() {
    let world = world(&json!({ "FORM_CONTACT": {}, "DEMO": "on" }));
    let page = world.send("GET", "/", &[("accept", BROWSER)], b"");
    assert_eq!(page.status, 200);
    let (_, form) = main_of(&page).split_once("action=\"/f/contact\"").expect("a real form");
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields_of(form));
    let reply = world.post_html("contact", &body.finish());
    assert_eq!((reply.status, reply.header("location")), (303, Some("/f/contact/thanks")));
    assert_eq!(world.stored("contact").len(), 1);
    // Sent again from a page that is opened again, the same text is another message.
    let again = world.send("GET", "/", &[("accept", BROWSER)], b"");
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields_of(main_of(&again)));
    world.post_html("contact", &body.finish());
    assert_eq!(world.stored("contact").len(), 2);
    let without = contact().send("GET", "/", &[("accept", BROWSER)], b"");
    assert!(without.status == 200 && !without.body.contains("<form"), "{}", without.body);
}

#[test]
fn the_page_at_the_root_says_what_is_missing_and_shows_no_value() {
    let mut config = vars(&json!({ "FORM_CONTACT": {}, "FORM_BROKEN": { "required": { "zz-found": 1 } } }));
    config["DESTINATION_SALES"] = quick(json!({ "type": "salesmap" }));
    config["FORM_CONTACT"]["destinations"] = json!(["hook", "sales"]);
    let secrets = [("HOOK_SIGNING_SECRET", SIGNING_SECRET)];
    let world = World::new(&config, &secrets, vec![Box::new(Webhook::new(SIGNING_SECRET))]);
    let ask = |world: &World, host: &str| world.send("GET", "/", &[("accept", BROWSER), ("host", host)], b"");
    let deployed = ask(&world, "forms.example.com").body;
    for part in [
        "npx wrangler secret put SALES_TOKEN",
        "npx wrangler secret put ALERT_WEBHOOK_URL",
        "<li>FORM_BROKEN required</li>",
    ] {
        assert!(deployed.contains(part), "{part}: {deployed}");
    }
    assert!(!deployed.contains("zz-found") && !deployed.contains("secret put HOOK_SIGNING_SECRET"), "{deployed}");
    let local = ask(&world, "localhost").body;
    assert!(local.contains("SALES_TOKEN=") && local.contains("zz-found") && !local.contains("secret put"), "{local}");

    config["HOME"] = json!("off");
    let world = World::new(&config, &secrets, vec![Box::new(Webhook::new(SIGNING_SECRET))]);
    assert_eq!(ask(&world, "localhost").status, 404);
}
