//! One row for every mistake that the config tells, compared whole.
//!
//! Mistakes inside the keys of AgencyHandy, Salesmap and LeadSquared are in the files of their options.

#![allow(clippy::too_many_lines, reason = "these are tables")]

use serde_json::{Value, json};

use super::{read, shown};
use crate::domain::settings::ConfigError;

/// `DESTINATION_CRM` with these keys, and a form that leads there.
fn destination_errors(keys: &Value) -> Vec<String> {
    let config = read(&json!({ "FORM_CONTACT": { "destinations": ["crm"] }, "DESTINATION_CRM": keys }));
    assert_eq!(config.destination("crm").is_some(), config.errors.is_empty());
    assert_eq!(config.broken.contains("contact"), !config.errors.is_empty());
    shown(&config)
}

#[test]
fn mistakes_in_a_destination() {
    const RETRY: &str =
        "it takes a list of 1 to 50 times, as in [\"5s\"], each at most \"30d\"; units: ms, s, min, h, d";
    const TIMEOUT: &str = "it takes a time from \"1s\" to \"60s\"; units: ms, s, min, h, d";
    const PACE: &str = "it takes a number of calls and a time up to 1h, as in \"100/10s\"";
    let stateset = |key: &str, value: Value| {
        let mut keys = json!({ "crm": "stateset" });
        keys[key] = value;
        destination_errors(&keys)
    };
    let webhook = |url: Value| destination_errors(&json!({ "crm": "webhook", "url": url }));
    let kinds = "one type and a template, as in { text = \"{budget}\" }; types:";
    let rows = [
        (
            destination_errors(&json!({ "url": "x" })),
            "crm: is missing; it takes one of \"agencyhandy\", \"salesmap\", \"leadsquared\", \"stateset\", \"webhook\"",
        ),
        (
            destination_errors(&json!({ "crm": "hubspot", "token": "x" })),
            "crm: found \"hubspot\"; it takes one of \"agencyhandy\", \"salesmap\", \"leadsquared\", \"stateset\", \
             \"webhook\"",
        ),
        (stateset("retry", json!([])), &format!("retry: found []; {RETRY}")),
        (stateset("retry", json!("5s")), &format!("retry: found \"5s\"; {RETRY}")),
        (stateset("retry", json!(["5s", "31d"])), &format!("retry: found [\"5s\",\"31d\"]; {RETRY}")),
        (stateset("timeout", json!("61s")), &format!("timeout: found \"61s\"; {TIMEOUT}")),
        (stateset("pace", json!("fast")), &format!("pace: found \"fast\"; {PACE}")),
        (stateset("timeout", json!(20)), &format!("timeout: found 20; {TIMEOUT}")),
        (
            stateset("token", json!("s3cret")),
            "token: is not a key; known here: crm, environment, fields, lead_source, pace, record, retry, timeout",
        ),
        (stateset("record", json!("user")), "record: found \"user\"; it takes one of \"lead\""),
        (
            stateset("environment", json!("test")),
            "environment: found \"test\"; it takes one of \"production\", \"sandbox\"",
        ),
        (stateset("lead_source", json!("{_x}")), "lead_source: `{_x}` names a control field; those are never data"),
        (stateset("fields", json!([])), "fields: found []; it takes a table of the CRM's fields"),
        (
            stateset("fields", json!({ "nickname": "{x}" })),
            "fields.nickname: StateSet has no such writable field; it has: firstName, lastName, email, phone, title, \
             department, leadSource, description, mailingStreet, mailingCity, mailingState, mailingCountry, do_not_call, \
             email_opt_out",
        ),
        (
            stateset("fields", json!({ "do_not_call": "{x}" })),
            "fields.do_not_call: StateSet takes this field as bool, not as text",
        ),
        (
            stateset("fields", json!({ "title": { "bool": "{x}" } })),
            "fields.title: StateSet takes this field as text, not as bool",
        ),
        (
            stateset("fields", json!({ "title": { "number": "{x}" } })),
            &format!("fields.title: found {{\"number\":\"{{x}}\"}}; it takes {kinds} text, bool"),
        ),
        (
            stateset("fields", json!({ "title": { "text": "{x}", "bool": "{y}" } })),
            &format!("fields.title: found {{\"text\":\"{{x}}\",\"bool\":\"{{y}}\"}}; it takes {kinds} text, bool"),
        ),
        (
            stateset("fields", json!({ "title": "{_x}" })),
            "fields.title: `{_x}` names a control field; those are never data",
        ),
        (destination_errors(&json!({ "crm": "webhook" })), "url: is missing; it takes the https address to post to"),
        (webhook(json!(5)), "url: found 5; it takes a text that is not empty"),
        (
            webhook(json!("http://hooks.example.com/secret-path")),
            "url: the address is http; it takes https (http only for this machine)",
        ),
        (
            webhook(json!("https://user:password@hooks.example.com/")),
            "url: the address has a user name in it; it takes one as in \"https://hooks.example.com/leads\"",
        ),
        (webhook(json!("https://hooks.example.com/#a")), "url: the address has a # part, which is never sent"),
        (
            destination_errors(
                &json!({ "crm": "webhook", "url": "https://hooks.example.com", "fields": { "a": { "user": "{x}" } } }),
            ),
            &format!(
                "fields.a: found {{\"user\":\"{{x}}\"}}; it takes {kinds} text, number, bool, date, datetime, list"
            ),
        ),
    ];
    for (found, message) in rows {
        assert_eq!(found, [format!("DESTINATION_CRM: {message}")]);
    }
    assert_eq!(webhook(json!("http://localhost:9000/x")), [""; 0]);
}

#[test]
fn mistakes_in_other_vars() {
    const LOOPBACK: &str =
        "it takes the origin of this machine, as in \"http://127.0.0.1:8788\", and is for local development only";
    const DASHES: &str = "is misspelt; it takes FORM_ and a name of A-Z, 0-9 and _, as in FORM_CONTACT";
    let rows = [
        ("FORM_CONTACT", json!("s3cret"), "is not a table; write [vars.FORM_CONTACT] with its keys below".to_owned()),
        ("FORM_CONTACT", json!([1]), "is not a table; write [vars.FORM_CONTACT] with its keys below".into()),
        ("DESTINATION_CRM", json!("[]"), "is not a table; write [vars.DESTINATION_CRM] with its keys below".into()),
        (
            "FORM_CONTACT",
            json!(" {\"destinations\": [\"s3cret\"],}"),
            "is not JSON: trailing comma at line 1 column 30".into(),
        ),
        ("FORM_Contact", json!({}), DASHES.into()),
        ("FORM_", json!({}), DASHES.into()),
        ("Form_CONTACT", json!({}), DASHES.into()),
        ("FORM_CONTACT-US", json!({}), DASHES.into()),
        (
            "destination_crm",
            json!({}),
            "is misspelt; it takes DESTINATION_ and a name of A-Z, 0-9 and _, as in DESTINATION_CONTACT".into(),
        ),
        ("DEMO", json!(true), "found true; it takes \"on\" or \"off\"".into()),
        ("CRM_ORIGIN", json!(8788), format!("found 8788; {LOOPBACK}")),
        ("CRM_ORIGIN", json!("https://127.0.0.1:8788"), format!("found \"https://127.0.0.1:8788\"; {LOOPBACK}")),
        ("CRM_ORIGIN", json!("http://evil.example"), format!("found \"http://evil.example\"; {LOOPBACK}")),
        (
            "CRM_ORIGIN",
            json!("http://localhost.evil.example"),
            format!("found \"http://localhost.evil.example\"; {LOOPBACK}"),
        ),
        ("CRM_ORIGIN", json!("http://127.0.0.1:8788/x"), format!("found \"http://127.0.0.1:8788/x\"; {LOOPBACK}")),
        (
            "CRM_ORIGIN",
            json!("http://127.0.0.1@evil.example"),
            format!("found \"http://127.0.0.1@evil.example\"; {LOOPBACK}"),
        ),
    ];
    for (var, value, message) in rows {
        let config = read(&json!({ var: value }));
        let error = ConfigError { var: var.into(), key: String::new(), message };
        assert_eq!((config.errors, config.crm_origin, config.demo), (vec![error], None, false));
    }
    for origin in ["http://localhost", "http://localhost:80", "http://[::1]:8788"] {
        assert_eq!(read(&json!({ "CRM_ORIGIN": origin })).crm_origin.as_deref(), Some(origin));
    }
}

#[test]
fn a_secret_belongs_to_one_owner() {
    let config = read(&json!({
        "FORM_ACME": { "destinations": ["acme"], "access": "token" },
        "FORM_ADMIN": { "destinations": ["acme"], "access": "token" },
        "FORM_FORM": { "destinations": ["acme"], "access": "token" },
        "DESTINATION_ACME": { "crm": "salesmap" },
        "DESTINATION_FORM": { "crm": "salesmap" },
    }));
    assert_eq!(
        shown(&config),
        [
            "FORM_ACME: access: its secret would be ACME_TOKEN, which is the secret of DESTINATION_ACME too; choose another \
             name",
            "FORM_ADMIN: access: its secret would be ADMIN_TOKEN, which is the service's own; choose another name",
            "FORM_FORM: access: its secret would be FORM_TOKEN, which is the secret of DESTINATION_FORM too; choose \
             another name",
            "DESTINATION_FORM: its secret would be FORM_TOKEN, which reads as a form or a destination; choose another name",
        ]
    );
    assert!(config.forms.is_empty());
    assert_eq!(config.destinations.keys().collect::<Vec<_>>(), ["acme"]);
}

#[test]
fn a_wrong_destination_that_makes_logins_is_known_as_one() {
    let config = read(&json!({
        "FORM_TEAM": { "destinations": ["staff"] },
        "DESTINATION_STAFF": { "crm": "leadsquared", "record": "user", "region": "us", "role": "Boss" },
    }));
    let found: Vec<_> = config.errors.iter().map(|error| (error.var.as_str(), error.key.as_str())).collect();
    assert_eq!(found, [("FORM_TEAM", "destinations"), ("DESTINATION_STAFF", "role")]);
}
