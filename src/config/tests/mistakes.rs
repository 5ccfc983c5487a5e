//! One row for every mistake that the config tells, compared whole.
//!
//! Mistakes in the keys of a form or of one connector are in the files of their settings.

#![allow(clippy::too_many_lines, reason = "these are tables")]

use serde_json::{Value, json};

use super::{read, shown};
use crate::connectors::REGISTRY;
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
        let mut keys = json!({ "type": "stateset" });
        keys[key] = value;
        destination_errors(&keys)
    };
    let types: Vec<_> = REGISTRY.iter().map(|descriptor| format!("\"{}\"", descriptor.name)).collect();
    let types = types.join(", ");
    let rows: [(Vec<String>, &str); 10] = [
        (destination_errors(&json!({ "url": "x" })), &format!("type: is missing; it takes one of {types}")),
        (
            destination_errors(&json!({ "type": "nothing", "token": "x" })),
            &format!("type: found \"nothing\"; it takes one of {types}"),
        ),
        (stateset("retry", json!([])), &format!("retry: found []; {RETRY}")),
        (stateset("retry", json!("5s")), &format!("retry: found \"5s\"; {RETRY}")),
        (stateset("retry", json!(["5s", "31d"])), &format!("retry: found [\"5s\",\"31d\"]; {RETRY}")),
        (stateset("timeout", json!("61s")), &format!("timeout: found \"61s\"; {TIMEOUT}")),
        (stateset("pace", json!("fast")), &format!("pace: found \"fast\"; {PACE}")),
        (stateset("timeout", json!(20)), &format!("timeout: found 20; {TIMEOUT}")),
        (
            stateset("token", json!("s3cret")),
            "token: is not a key; known here: environment, fields, lead_source, pace, record, retry, timeout, type",
        ),
        (stateset("record", json!("user")), "record: found \"user\"; it takes one of \"lead\""),
    ];
    for (found, message) in rows {
        assert_eq!(found, [format!("DESTINATION_CRM: {message}")]);
    }
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
        "DESTINATION_ACME": { "type": "hubspot" },
        "DESTINATION_FORM": { "type": "hubspot" },
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
        "DESTINATION_STAFF": { "type": "leadsquared", "record": "user", "region": "us", "role": "Boss" },
    }));
    let found: Vec<_> = config.errors.iter().map(|error| (error.var.as_str(), error.key.as_str())).collect();
    assert_eq!(found, [("FORM_TEAM", "destinations"), ("DESTINATION_STAFF", "role")]);
}
