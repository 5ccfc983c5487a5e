//! The whole config: what is right, and that one mistake does not take down the rest.

mod mistakes;

use serde_json::{Value, json};

use super::*;
use crate::connectors::Pace;

fn read(vars: &Value) -> Config {
    let vars = vars.as_object().unwrap();
    Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)))
}

fn shown(config: &Config) -> Vec<String> {
    config.errors.iter().map(ToString::to_string).collect()
}

#[test]
#[allow(clippy::too_many_lines, reason = "one config with every key, and all that is read of it")]
fn destinations_and_secrets_are_read() {
    let config = read(&json!({
        "FORM_CONTACT_US": {
            "destinations": ["hook", "acme-crm"], "access": "token", "turnstile": { "hostnames": "www.example.com" },
        },
        "DESTINATION_ACME_CRM": {
            "type": "stateset",
            "record": "lead",
            "environment": "sandbox",
            "retry": ["200ms", "5s"],
            "timeout": "5s",
            "pace": "7/2s",
            "lead_source": "{utm_source|website}",
            "fields": { "department": "{team}", "do_not_call": { "bool": "{no_calls}" } },
        },
        "DESTINATION_HOOK": { "type": "hubspot" },
        "DEMO": "on",
        "CRM_ORIGIN": "http://127.0.0.1:8788",
        "SOMETHING_ELSE": 5,
    }));
    assert_eq!(shown(&config), [""; 0]);
    assert!(matches!(config.form("contact-us"), Lookup::Found(form) if form.destinations == ["hook", "acme-crm"]));
    assert!(matches!(config.form("contact"), Lookup::Unknown));
    let read = |name: &str| {
        let destination = config.destination(name).unwrap();
        (destination.descriptor.name, destination.retry.clone(), destination.timeout_ms, destination.pace)
    };
    let pace = Pace { points: 7, window_ms: 2000 };
    assert_eq!(read("acme-crm"), ("stateset", Some(vec![200, 5000]), 5000, Some(pace)));
    let hook = read("hook");
    assert_eq!((hook.0, hook.1, hook.2), ("hubspot", None, 20_000));
    assert_eq!(config.crm_origin.as_deref(), Some("http://127.0.0.1:8788"));
    assert!(config.demo);
    let secrets: Vec<_> = config.expected_secrets().into_iter().map(|secret| (secret.name, secret.owner)).collect();
    let expected = [
        ("ACME_CRM_API_KEY", "DESTINATION_ACME_CRM"),
        ("HOOK_TOKEN", "DESTINATION_HOOK"),
        ("CONTACT_US_TOKEN", "FORM_CONTACT_US"),
        ("TURNSTILE_SECRET", "FORM_CONTACT_US"),
    ];
    assert_eq!(secrets, expected.map(|(name, owner)| (name.to_owned(), owner.to_owned())));
}

#[test]
fn a_var_may_hold_json_text() {
    let config = read(&json!({
        "FORM_A": r#"{"destinations": "crm", "redirect": "/thanks?a=1"}"#,
        "DESTINATION_CRM": r#"{"type": "stateset"}"#,
        "DEMO": "off",
    }));
    assert_eq!(shown(&config), [""; 0]);
    assert_eq!(config.forms["a"], Form { redirect: Some("/thanks?a=1".into()), ..Form::plain("a", &["crm"]) });
    assert!(!config.demo);
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
