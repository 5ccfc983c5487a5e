//! The whole config. The mistakes in a form's keys are in `intake`, those in a connector's options in its file.

use serde_json::{Value, json};

use super::*;
use crate::connectors::{Pace, REGISTRY};
use crate::operator::access::Application;

fn read(vars: &Value) -> Config {
    let vars = vars.as_object().unwrap();
    Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)))
}

fn errors(config: &Config) -> Vec<String> {
    config.errors.iter().map(ToString::to_string).collect()
}

#[test]
fn forms_destinations_and_secrets_are_read() {
    let config = read(&json!({
        "FORM_CONTACT_US": {
            "destinations": ["acme-crm", "second"], "access": "token", "turnstile": { "hostnames": "www.example.com" },
        },
        // Both ways to set a var exist: a table, and its JSON text.
        "FORM_NEWS": r#"{"destinations": "second", "redirect": "/thanks?a=1"}"#,
        "DESTINATION_ACME_CRM": {
            "type": "stateset", "record": "lead", "retry": ["200ms", "5s"], "timeout": "5s", "pace": "7/2s",
            "record_url": "https://crm.example.com/leads?id={id}#{id}",
        },
        "DESTINATION_SECOND": r#"{"type": "stateset"}"#,
        "DEMO": "on",
        "HOME": "off",
        "CRM_ORIGIN": "http://127.0.0.1:8788",
        "SOMETHING_ELSE": 5,
    }));
    assert_eq!(errors(&config), [""; 0]);
    assert!(matches!(config.form("contact-us"), Lookup::Found(form) if form.destinations == ["acme-crm", "second"]));
    assert!(matches!(config.form("contact"), Lookup::Unknown));
    let news = Form { redirect: Some("/thanks?a=1".into()), ..Form::plain("news", &["second"]) };
    assert_eq!(config.forms.get("news"), Some(&news));

    let shared = |name: &str| {
        let found = config.destination(name).unwrap();
        assert_eq!((found.name.as_str(), found.descriptor.name, found.record.name), (name, "stateset", "lead"));
        (found.retry.clone(), found.timeout_ms, found.pace)
    };
    assert_eq!(shared("acme-crm"), (Some(vec![200, 5000]), 5000, Some(Pace { points: 7, window_ms: 2000 })));
    assert_eq!(shared("second"), (None, 20_000, Some(Pace { points: 100, window_ms: 60_000 })));
    let page = |name: &str, id: &str| config.destination(name).unwrap().page_of(id);
    let found = [page("acme-crm", "a 1/ü"), page("acme-crm", ""), page("second", "1")];
    assert_eq!(found, [Some("https://crm.example.com/leads?id=a%201%2F%C3%BC#a%201%2F%C3%BC".to_owned()), None, None]);
    assert_eq!((config.crm_origin.as_deref(), config.demo, config.home), (Some("http://127.0.0.1:8788"), true, false));

    let secrets: Vec<_> = config.expected_secrets().into_iter().map(|secret| (secret.name, secret.owner)).collect();
    let expected = [
        ("ACME_CRM_API_KEY", "DESTINATION_ACME_CRM"),
        ("SECOND_API_KEY", "DESTINATION_SECOND"),
        ("CONTACT_US_TOKEN", "FORM_CONTACT_US"),
        ("TURNSTILE_SECRET", "FORM_CONTACT_US"),
    ];
    assert_eq!(secrets, expected.map(|(name, owner)| (name.to_owned(), owner.to_owned())));
}

#[test]
fn every_mistake_is_reported_in_the_order_of_the_vars_and_valid_forms_work() {
    let config = read(&json!({
        "FORM_TYPO": { "destinations": ["good", "nowhere"], "max_fields": 0, "colour": "red" },
        "DESTINATION_BAD": { "type": "stateset", "timeout": "2min", "colour": "red" },
        "FORM_GOOD": { "destinations": ["good"] },
        "FORM_LED_ASTRAY": { "destinations": ["good", "bad"] },
        "DEMO": "yes",
        "DESTINATION_GOOD": { "type": "stateset" },
    }));
    let places: Vec<_> = config.errors.iter().map(|error| (error.var.as_str(), error.key.as_str())).collect();
    assert_eq!(
        places,
        [
            ("FORM_TYPO", "destinations"),
            ("FORM_TYPO", "max_fields"),
            ("FORM_TYPO", "colour"),
            ("DESTINATION_BAD", "timeout"),
            ("DESTINATION_BAD", "colour"),
            ("DEMO", ""),
        ]
    );
    assert!(matches!(config.form("good"), Lookup::Found(form) if form.name == "good"));
    for name in ["typo", "led-astray"] {
        assert!(matches!(config.form(name), Lookup::Broken), "{name}");
    }
    assert!(config.destination("bad").is_none());
}

#[test]
fn mistakes_in_a_destination() {
    let types = REGISTRY.iter().map(|entry| format!("\"{}\"", entry.name)).collect::<Vec<_>>().join(", ");
    let no_page = |found: &str| {
        let takes = "an https address with {id} in its path, as in \"https://crm.example.com/leads/{id}\"";
        format!("record_url: found \"{found}\"; it takes {takes}")
    };
    for (table, message) in [
        (json!({ "url": "x" }), format!("type: is missing; it takes one of {types}")),
        // Without a type the other keys say nothing.
        (json!({ "type": "pipedrive", "token": "x" }), format!("type: found \"pipedrive\"; it takes one of {types}")),
        (
            json!({ "type": "statset" }),
            format!("type: found \"statset\"; it takes one of {types}; did you mean \"stateset\"?"),
        ),
        (json!({ "type": "stateset", "record_url": "https://{id}.example.com/" }), no_page("https://{id}.example.com/")),
        (json!({ "type": "stateset", "record_url": "https://example.com/1" }), no_page("https://example.com/1")),
        (json!({ "type": "stateset", "record_url": "javascript:{id}" }), no_page("javascript:{id}")),
        (
            json!({ "type": "stateset", "pace": "fast" }),
            "pace: found \"fast\"; it takes a number of calls and a time up to 1h, as in \"100/10s\"".into(),
        ),
        (
            json!({ "type": "stateset", "token": "s3cret" }),
            "unknown key \"token\"; known here: environment, fields, lead_source, pace, record, record_url, retry, timeout, type"
                .into(),
        ),
        (json!({ "type": "stateset", "record": "user" }), "record: found \"user\"; it takes one of \"lead\"".into()),
    ] {
        let config = read(&json!({ "FORM_CONTACT": { "destinations": "crm" }, "DESTINATION_CRM": table }));
        assert_eq!(errors(&config), [format!("DESTINATION_CRM: {message}")]);
        assert!(config.destinations.is_empty() && config.broken.contains("contact"), "{message}");
    }
}

#[test]
fn mistakes_in_other_vars() {
    const LOOPBACK: &str =
        "it takes the origin of this machine, as in \"http://127.0.0.1:8788\", and is for local development only";
    let table = |var: &str| format!("is not a table; write [vars.{var}] with its keys below");
    let name = || "is not read; a name has only A-Z, 0-9 and _, as in FORM_CONTACT".to_owned();
    let meant = |var: &str| format!("is not read; did you mean {var}?");
    for (var, value, message) in [
        ("FORM_CONTACT", json!("s3cret"), table("FORM_CONTACT")),
        ("FORM_CONTACT", json!([1]), table("FORM_CONTACT")),
        ("DESTINATION_CRM", json!("[]"), table("DESTINATION_CRM")),
        ("FORM_A", json!(" {\"a\": [\"s3cret\"],}"), "is not JSON: trailing comma at line 1 column 19".into()),
        ("FORM_", json!({}), name()),
        ("FORM_A B", json!({}), name()),
        ("Form_CONTACT", json!({}), meant("FORM_CONTACT")),
        ("FORM_CONTACT-US", json!({}), meant("FORM_CONTACT_US")),
        ("destination_crm", json!({}), meant("DESTINATION_CRM")),
        ("DEMO", json!(true), "found true; it takes \"on\" or \"off\"".into()),
        ("HOME", json!("no"), "found \"no\"; it takes \"on\" or \"off\"".into()),
        ("CRM_ORIGIN", json!(8788), format!("found 8788; {LOOPBACK}")),
        ("CRM_ORIGIN", json!("https://127.0.0.1:8788"), format!("found \"https://127.0.0.1:8788\"; {LOOPBACK}")),
        ("CRM_ORIGIN", json!("http://evil.example"), format!("found \"http://evil.example\"; {LOOPBACK}")),
        ("CRM_ORIGIN", json!("http://localhost.evil.net"), format!("found \"http://localhost.evil.net\"; {LOOPBACK}")),
        ("CRM_ORIGIN", json!("http://127.0.0.1:8788/x"), format!("found \"http://127.0.0.1:8788/x\"; {LOOPBACK}")),
        ("CRM_ORIGIN", json!("http://127.0.0.1@evil.net"), format!("found \"http://127.0.0.1@evil.net\"; {LOOPBACK}")),
    ] {
        let config = read(&json!({ var: value }));
        assert_eq!(errors(&config), [format!("{var}: {message}")]);
        assert_eq!((config.crm_origin, config.demo, config.home), (None, false, true));
    }
    for origin in ["http://localhost", "http://localhost:80", "http://[::1]:8788"] {
        assert_eq!(read(&json!({ "CRM_ORIGIN": origin })).crm_origin.as_deref(), Some(origin));
    }
}

#[test]
fn a_secret_belongs_to_one_owner() {
    let config = read(&json!({
        "FORM_ADMIN": { "destinations": ["acme"], "access": "token" },
        "DESTINATION_ACME": { "type": "stateset" },
        "DESTINATION_FORM": { "type": "stateset" },
    }));
    let expected = [
        "FORM_ADMIN: access: its secret would be ADMIN_TOKEN, which formcourier itself uses; choose another name",
        "DESTINATION_FORM: its secret would be FORM_API_KEY, which would be read as a form or a destination; choose \
         another name",
    ];
    assert_eq!(errors(&config), expected);
    assert_eq!(config.destinations.keys().collect::<Vec<_>>(), ["acme"]);

    let taken = "its secret would be ACME_TOKEN, which DESTINATION_ACME already uses; choose another name";
    assert_eq!(secrets::clash("ACME_TOKEN", Some("DESTINATION_ACME")).as_deref(), Some(taken));
    assert_eq!(secrets::clash("ACME_TOKEN", None), None);
}

#[test]
fn only_a_form_with_a_token_may_send_to_a_record_that_costs_money() {
    for (entry, record) in REGISTRY.iter().flat_map(|entry| entry.records.iter().map(move |record| (entry, record))) {
        // Also while the destination has an error: fixing that must not bring up the next one.
        let config = read(&json!({
            "FORM_PUBLIC": { "destinations": ["x"] },
            "FORM_STAFF": { "destinations": ["x"], "access": "token" },
            "DESTINATION_X": { "type": entry.name, "record": record.name, "timeout": 5 },
        }));
        let is_rejected = |form: &str| config.errors.iter().any(|error| error.var == form);
        let found = (is_rejected("FORM_PUBLIC"), is_rejected("FORM_STAFF"));
        assert_eq!(found, (record.needs_token, false), "{} {}", entry.name, record.name);
    }
}

#[test]
fn a_short_admin_token_opens_nothing_but_on_this_machine() {
    for (token, is_local, refused) in [
        (None, true, true),
        (None, false, true),
        (Some("development"), true, false),
        (Some("development"), false, true),
        (Some("x"), false, true),
        (Some("한국어로된열두글자입니다한국어로된열"), false, true),
        (Some("12345678901234567890123"), false, true),
        (Some("123456789012345678901234"), false, false),
    ] {
        assert_eq!(secrets::admin_token_error(token, is_local).is_some(), refused, "{token:?} {is_local}");
    }
}

#[test]
fn the_settings_of_cloudflare_access_come_together() {
    let audience = "0123456789abcdef".repeat(4);
    let takes = "64 digits and letters a to f";
    for (team, tag, message) in [
        (json!("acme"), json!(audience), ""),
        (json!(""), json!(" "), ""),
        (json!("acme"), json!(""), "ACCESS_TEAM: needs ACCESS_AUD too"),
        (json!(null), json!(audience), "it takes the name of your team"),
        (json!("Acme"), json!(audience), "it takes the name of your team"),
        (json!("acme"), json!("x"), takes),
        (json!("acme"), json!(["x"]), takes),
    ] {
        let config = read(&json!({ "ACCESS_TEAM": team, "ACCESS_AUD": tag }));
        let errors = errors(&config);
        assert!(errors.len() == usize::from(!message.is_empty()), "{team} {tag}: {errors:?}");
        assert!(errors.iter().all(|error| error.contains(message)), "{team} {tag}: {errors:?}");
        let application = Application::new("acme", &audience).unwrap();
        let expected = match message {
            "" if team == "" => Operators::Session,
            "" => Operators::Access(application),
            _ => Operators::Broken,
        };
        assert_eq!(config.operators, expected, "{team} {tag}");
    }
}
