//! One row for every mistake that the config tells, compared whole.
//!
//! Mistakes inside the keys of AgencyHandy, Salesmap and LeadSquared are in the files of their options.

#![allow(clippy::too_many_lines, reason = "these are tables")]

use serde_json::{Value, json};

use super::{read, shown};
use crate::config::reader::Reader;
use crate::config::{ConfigError, Form, LeadField, form};

/// `FORM_CONTACT` with these keys, next to a StateSet destination named `crm`.
pub(super) fn form_errors(keys: &Value) -> Vec<String> {
    let config = read(&json!({ "FORM_CONTACT": keys, "DESTINATION_CRM": { "crm": "stateset" } }));
    assert_eq!(config.forms.contains_key("contact"), config.errors.is_empty());
    assert_eq!(config.broken.contains("contact"), !config.errors.is_empty());
    shown(&config)
}

/// `DESTINATION_CRM` with these keys, and a form that leads there.
fn destination_errors(keys: &Value) -> Vec<String> {
    let config = read(&json!({ "FORM_CONTACT": { "destinations": ["crm"] }, "DESTINATION_CRM": keys }));
    assert_eq!(config.destination("crm").is_some(), config.errors.is_empty());
    assert_eq!(config.broken.contains("contact"), !config.errors.is_empty());
    shown(&config)
}

#[test]
fn mistakes_in_a_form() {
    const MAP: &str =
        "a form field, a list of them, { value = \"a constant\" } or { template = \"{utm_source|direct}\" }";
    const REDIRECT: &str = "it takes \"https://www.example.com/thanks\" or a path as in \"/thanks\"";
    let with = |key: &str, value: Value| {
        let mut keys = json!({ "destinations": ["crm"] });
        keys[key] = value;
        form_errors(&keys)
    };
    let names = LeadField::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
    let rows = [
        (form_errors(&json!({})), "destinations: is missing; it takes the names of destinations: crm".to_owned()),
        (
            with("destinations", json!([])),
            "destinations: found []; it takes a text or a list of texts, none of them empty".into(),
        ),
        (
            with("destinations", json!(["crm", 5])),
            "destinations: found [\"crm\",5]; it takes a text or a list of texts, none of them empty".into(),
        ),
        (with("destinations", json!(["crm", "crm"])), "destinations: \"crm\" is listed twice".into()),
        (
            with("destinations", json!("CRM")),
            "destinations: \"CRM\" is not a destination; known here: crm; did you mean \"crm\"?".into(),
        ),
        (
            with("destinations", json!(["hubspot"])),
            "destinations: \"hubspot\" is not a destination; known here: crm".into(),
        ),
        (
            with("allowed_origins", json!("www.example.com")),
            "allowed_origins: \"www.example.com\" does not say https or http; write \"https://www.example.com\"".into(),
        ),
        (
            with("redirect", json!("//evil.example/x")),
            format!("redirect: the address does not begin with https:// or http://; {REDIRECT}"),
        ),
        (
            with("redirect", json!("/\\evil.example")),
            format!("redirect: the address has a space, a control character or a backslash in it; {REDIRECT}"),
        ),
        (
            with("redirect", json!("/thank you")),
            format!("redirect: the address has a space, a control character or a backslash in it; {REDIRECT}"),
        ),
        (
            with("redirect", json!("/thanks\r\nSet-Cookie: a=b")),
            format!("redirect: the address has a space, a control character or a backslash in it; {REDIRECT}"),
        ),
        (
            with("redirect", json!("javascript:alert(1)")),
            format!("redirect: the address does not begin with https:// or http://; {REDIRECT}"),
        ),
        (
            with("redirect", json!("https://한국.example")),
            format!("redirect: the address has a host in Unicode; write its xn-- form; {REDIRECT}"),
        ),
        (with("redirect", json!(true)), "redirect: found true; it takes a text that is not empty".into()),
        (with("required", json!(["_next"])), "required: \"_next\" is a control field; those are never data".into()),
        (
            with("required", json!({})),
            "required: found {}; it takes a text or a list of texts, none of them empty".into(),
        ),
        (with("map", json!("tel")), "map: found \"tel\"; it takes a table".into()),
        (
            with("map", json!({ "e_mail": "mail" })),
            format!("map.e_mail: is not a lead field; known are: {names}; did you mean \"email\"?"),
        ),
        (with("map", json!({ "budget": "budget" })), format!("map.budget: is not a lead field; known are: {names}")),
        (with("map", json!({ "phone": [] })), format!("map.phone: found []; it takes {MAP}")),
        (with("map", json!({ "phone": 5 })), format!("map.phone: found 5; it takes {MAP}")),
        (
            with("map", json!({ "phone": { "value": "" } })),
            format!("map.phone: found {{\"value\":\"\"}}; it takes {MAP}"),
        ),
        (
            with("map", json!({ "phone": { "field": "tel" } })),
            format!("map.phone: found {{\"field\":\"tel\"}}; it takes {MAP}"),
        ),
        (
            with("map", json!({ "phone": ["tel", "_tel"] })),
            "map.phone: \"_tel\" is a control field; those are never data".into(),
        ),
        (
            with("map", json!({ "phone": { "template": "{_tel}" } })),
            "map.phone: `{_tel}` names a control field; those are never data".into(),
        ),
        (
            with("map", json!({ "phone": { "template": "{tel" } })),
            "map.phone: a `{` is not closed (write `{{` for a literal brace)".into(),
        ),
        (with("access", json!("private")), "access: found \"private\"; it takes one of \"public\", \"token\"".into()),
        (
            with("max_body_bytes", json!(524_289)),
            "max_body_bytes: found 524289; it takes a whole number from 1 to 524288".into(),
        ),
        (with("max_fields", json!(0)), "max_fields: found 0; it takes a whole number from 1 to 1000".into()),
        (
            with("max_value_bytes", json!("1k")),
            "max_value_bytes: found \"1k\"; it takes a whole number from 1 to 524288".into(),
        ),
        (with("honeypot", json!("")), "honeypot: found \"\"; it takes a text that is not empty".into()),
        (
            form_errors(&json!({ "destinations": "crm", "required": "email", "honeypot": "email" })),
            "honeypot: \"email\" is also in required, rules or map; a field that people fill in is no honeypot".into(),
        ),
        (
            form_errors(&json!({ "destinations": "crm", "map": { "phone": ["tel"] }, "honeypot": "tel" })),
            "honeypot: \"tel\" is also in required, rules or map; a field that people fill in is no honeypot".into(),
        ),
        (with("spam", json!(false)), "spam: found false; it takes one of \"on\", \"off\"".into()),
        (with("turnstile", json!(true)), "turnstile: found true; it takes a table".into()),
        (
            with("turnstile", json!({ "action": "contact" })),
            "turnstile.hostnames: is missing; it takes the hosts whose pages show the widget, as in \
             [\"www.example.com\"]"
                .into(),
        ),
        (
            with("turnstile", json!({ "hostnames": [] })),
            "turnstile.hostnames: found []; it takes a text or a list of texts, none of them empty".into(),
        ),
        (
            with("turnstile", json!({ "hostnames": "https://www.example.com/contact" })),
            "turnstile.hostnames: \"https://www.example.com/contact\" is more than a host; write \"www.example.com\""
                .into(),
        ),
        (
            with("turnstile", json!({ "hostnames": ["localhost:8787"] })),
            "turnstile.hostnames: \"localhost:8787\" is more than a host; write \"localhost\"".into(),
        ),
        (
            with("turnstile", json!({ "hostnames": ["*.example.com"] })),
            "turnstile.hostnames: the entry \"*.example.com\" has no valid host; it takes hosts, as in \
             \"www.example.com\""
                .into(),
        ),
        (
            with("turnstile", json!({ "hostnames": "a.example", "action": "contact us" })),
            "turnstile.action: \"contact us\" is no action of a widget: those have up to 32 of A-Z, a-z, 0-9, _ and -"
                .into(),
        ),
        (
            with("turnstile", json!({ "hostnames": "a.example", "secret": "s" })),
            "turnstile.secret: is not a key; known here: action, hostnames".into(),
        ),
        (
            with("destination", json!("crm")),
            "destination: is not a key; known here: access, allowed_origins, destinations, dialect, honeypot, \
             map, max_body_bytes, max_fields, max_value_bytes, redirect, require_origin, required, retention_days, \
             rules, shards, spam, turnstile"
                .into(),
        ),
    ];
    for (found, message) in rows {
        assert_eq!(found, [format!("FORM_CONTACT: {message}")]);
    }
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

/// A form that is read on its own, next to destinations that these tests make up.
struct Accounts;

impl form::Known for Accounts {
    fn names(&self) -> Vec<&str> {
        vec!["crm", "staff"]
    }

    fn needs_token(&self, name: &str) -> bool {
        name == "staff"
    }
}

#[test]
fn a_destination_that_makes_logins_takes_a_form_with_a_token() {
    let errors = |keys: &Value| {
        let mut errors = Vec::new();
        Form::read("team", Reader::new("FORM_TEAM", keys.as_object().unwrap(), &mut errors), &Accounts);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let message = "FORM_TEAM: destinations: \"staff\" makes a login; a form that leads there takes access = \"token\"";
    assert_eq!(errors(&json!({ "destinations": ["crm", "staff"] })), [message]);
    assert_eq!(errors(&json!({ "destinations": ["staff"], "access": "public" })), [message]);
    assert_eq!(errors(&json!({ "destinations": ["crm", "staff"], "access": "token" })), [""; 0]);
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
