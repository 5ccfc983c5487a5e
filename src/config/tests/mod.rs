//! The whole config: what is right, and that one mistake does not take down the rest.

mod mistakes;
mod rules;

use serde_json::{Value, json};

use super::*;
use crate::config::destination::{CrmOptions, stateset, webhook};

fn read(vars: &Value) -> Config {
    let vars = vars.as_object().unwrap();
    Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)))
}

fn shown(config: &Config) -> Vec<String> {
    config.errors.iter().map(ToString::to_string).collect()
}

#[test]
#[allow(clippy::too_many_lines, reason = "one config with every key, and all that is read of it")]
fn a_form_with_every_key() {
    let config = read(&json!({
        "FORM_CONTACT_US": {
            "destinations": ["hook", "acme-crm"],
            "allowed_origins": ["https://www.example.com", "https://*.example.org:8443"],
            "redirect": "https://www.example.com/감사",
            "required": ["email", "성함"],
            "map": {
                "phone": ["tel", "mobile"],
                "company": "org",
                "source": { "value": "website" },
                "message": { "template": "{subject}: {body}" },
            },
            "access": "token",
            "max_body_bytes": 1000,
            "max_fields": 10,
            "require_origin": true,
            "dialect": "web3forms",
            "rules": { "code": { "pattern": "[A-Z]+", "max_length": 9 }, "age": { "type": "number", "min": 18 } },
            "shards": 4,
            "retention_days": 30,
            "max_value_bytes": 100,
            "honeypot": "website2",
            "spam": "off",
            "turnstile": { "action": "contact_us-2", "hostnames": ["www.Example.com", "localhost"] },
        },
        "DESTINATION_ACME_CRM": {
            "crm": "stateset",
            "record": "lead",
            "environment": "sandbox",
            "retry": ["200ms", "5s"],
            "timeout": "5s",
            "pace": "7/2s",
            "lead_source": "{utm_source|website}",
            "fields": { "department": "{team}", "do_not_call": { "bool": "{no_calls}" } },
        },
        "DESTINATION_HOOK": { "crm": "webhook", "url": "https://hooks.example.com/leads", "fields": {
            "budget": { "number": "{budget}" },
        } },
        "DEMO": "on",
        "CRM_ORIGIN": "http://127.0.0.1:8788",
        "SOMETHING_ELSE": 5,
    }));
    assert_eq!(shown(&config), [""; 0]);
    let template = |text| Template::parse(text).unwrap();
    let form = Form {
        name: "contact-us".into(),
        destinations: vec!["hook".into(), "acme-crm".into()],
        allowed_origins: vec![
            OriginRule { scheme: "https".into(), host: "www.example.com".into(), port: None, subdomains: false },
            OriginRule { scheme: "https".into(), host: "example.org".into(), port: Some(8443), subdomains: true },
        ],
        require_origin: true,
        dialect: Some(Dialect::Web3Forms),
        redirect: Some("https://www.example.com/%EA%B0%90%EC%82%AC".into()),
        required: vec!["email".into(), "성함".into()],
        rules: vec![
            Rule {
                field: "code".into(),
                kind: None,
                min_length: None,
                max_length: Some(9),
                min: None,
                max: None,
                one_of: Vec::new(),
                pattern: Some(Pattern::parse("[A-Z]+").unwrap()),
            },
            Rule {
                field: "age".into(),
                kind: Some(RuleKind::Number),
                min_length: None,
                max_length: None,
                min: Some(18),
                max: None,
                one_of: Vec::new(),
                pattern: None,
            },
        ],
        map: vec![
            (LeadField::Phone, Source::Fields(vec!["tel".into(), "mobile".into()])),
            (LeadField::Company, Source::Fields(vec!["org".into()])),
            (LeadField::Source, Source::Value("website".into())),
            (LeadField::Message, Source::Template(template("{subject}: {body}"))),
        ],
        access: Access::Token { secret: "CONTACT_US_TOKEN".into() },
        limits: Limits { body_bytes: 1000, fields: 10, value_bytes: 100 },
        guard: Guard {
            honeypot: Some("website2".into()),
            signals: false,
            turnstile: Some(Turnstile {
                action: Some("contact_us-2".into()),
                hostnames: vec!["www.example.com".into(), "localhost".into()],
            }),
        },
        shards: 4,
        retention_days: 30,
    };
    assert_eq!(form.data(), ["tel", "mobile", "org", "subject", "body", "email", "성함", "code", "age"]);
    assert!(matches!(config.form("contact-us"), Lookup::Found(found) if *found == form));
    assert!(matches!(config.form("contact"), Lookup::Unknown));
    assert_eq!(
        config.destination("acme-crm"),
        Some(&Destination {
            name: "acme-crm".into(),
            crm: CrmOptions::StateSet(stateset::Options {
                origin: "https://api.sandbox.stateset.com",
                lead_source: template("{utm_source|website}"),
                fields: vec![
                    TypedField::new("department", Kind::Text, template("{team}")),
                    TypedField::new("do_not_call", Kind::Bool, template("{no_calls}")),
                ],
            }),
            retry: Some(vec![200, 5000]),
            timeout_ms: 5000,
            pace: Some(Pace { points: 7, window_ms: 2000 }),
        })
    );
    assert_eq!(
        config.destination("hook"),
        Some(&Destination {
            name: "hook".into(),
            crm: CrmOptions::Webhook(webhook::Options {
                url: "https://hooks.example.com/leads".into(),
                fields: vec![TypedField::new("budget", Kind::Number, template("{budget}"))],
            }),
            retry: None,
            timeout_ms: 20_000,
            pace: None,
        })
    );
    assert_eq!(config.crm_origin.as_deref(), Some("http://127.0.0.1:8788"));
    assert!(config.demo);
    let secrets: Vec<_> = config.expected_secrets().into_iter().map(|secret| (secret.name, secret.owner)).collect();
    let expected = [
        ("ACME_CRM_API_KEY", "DESTINATION_ACME_CRM"),
        ("HOOK_SIGNING_SECRET", "DESTINATION_HOOK"),
        ("CONTACT_US_TOKEN", "FORM_CONTACT_US"),
        ("TURNSTILE_SECRET", "FORM_CONTACT_US"),
    ];
    assert_eq!(secrets, expected.map(|(name, owner)| (name.to_owned(), owner.to_owned())));
}

#[test]
fn the_least_form_and_a_var_of_json_text() {
    let config = read(&json!({
        "FORM_A": r#"{"destinations": "crm", "redirect": "/thanks?a=1"}"#,
        "DESTINATION_CRM": r#"{"crm": "stateset"}"#,
        "DEMO": "off",
    }));
    assert_eq!(shown(&config), [""; 0]);
    let form = Form {
        redirect: Some("/thanks?a=1".into()),
        limits: Limits { body_bytes: 262_144, fields: 200, value_bytes: 65_536 },
        shards: 1,
        retention_days: 90,
        ..Form::plain("a", &["crm"])
    };
    assert_eq!(config.forms["a"], form);
    assert!(!config.demo);
}

/// A required field `"email "` would be one that no page has, and every visitor would be refused.
#[test]
fn white_space_around_a_text_is_no_part_of_it() {
    let config = read(&json!({
        "FORM_A": {
            "destinations": [" crm\n"],
            "required": ["email ", "\u{a0}name"],
            "redirect": " /thanks ",
            "honeypot": "website2 ",
            "allowed_origins": " https://www.example.com",
            "map": { "phone": ["tel "], "source": { "value": " website " }, "message": { "template": "{body} " } },
            "rules": { "size": { "one_of": ["S ", " M"] }, "code": { "pattern": " ?[0-9]+ ?" } },
        },
        "DESTINATION_CRM": { "crm": "salesmap", "email_label": "이메일 ", "owner_id": "u1\n" },
    }));
    assert_eq!(shown(&config), [""; 0]);
    let form = &config.forms["a"];
    assert_eq!(
        (&form.destinations[..], &form.required[..]),
        (&["crm".into()][..], &["email".into(), "name".into()][..])
    );
    assert_eq!((form.redirect.as_deref(), form.guard.honeypot.as_deref()), (Some("/thanks"), Some("website2")));
    assert_eq!(form.allowed_origins[0].host, "www.example.com");
    let body = Template::parse("{body}").unwrap();
    assert_eq!(
        form.map,
        [
            (LeadField::Phone, Source::Fields(vec!["tel".into()])),
            (LeadField::Source, Source::Value("website".into())),
            (LeadField::Message, Source::Template(body)),
        ]
    );
    assert_eq!(form.rules[0].one_of, ["S", "M"]);
    assert!(form.rules[1].pattern.as_ref().is_some_and(|pattern| pattern.fits(" 5")), "a pattern is left as it is");
    let CrmOptions::Salesmap(options) = &config.destinations["crm"].crm else { panic!("a Salesmap") };
    assert_eq!((options.email_label.as_str(), options.owner_id.as_deref()), ("이메일", Some("u1")));
}

#[test]
fn every_mistake_is_told_in_the_order_of_the_vars_and_the_right_forms_work() {
    let config = read(&json!({
        "FORM_TYPO": { "destinations": ["good", "nowhere"], "max_fields": 0, "colour": "red" },
        "DESTINATION_BAD": { "crm": "stateset", "timeout": "2min", "colour": "red" },
        "FORM_GOOD": { "destinations": ["good"] },
        "FORM_LED_ASTRAY": { "destinations": ["good", "bad"] },
        "DEMO": "yes",
        "DESTINATION_GOOD": { "crm": "stateset" },
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
