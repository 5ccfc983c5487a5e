//! A form's settings: what is read of them, and one row for every mistake.

#![allow(clippy::too_many_lines, reason = "these are tables")]

use serde_json::json;

use super::*;
use crate::intake::brand::Color;
use crate::intake::validate::{Pattern, RuleKind};

/// The destinations that these forms may name.
struct Accounts;

impl Known for Accounts {
    fn names(&self) -> Vec<&str> {
        vec!["crm", "staff"]
    }

    fn needs_token(&self, name: &str) -> bool {
        name == "staff"
    }
}

fn read(keys: &Value) -> (Form, Vec<String>) {
    let mut errors = Vec::new();
    let reader = Reader::new("FORM_CONTACT", keys.as_object().unwrap(), &mut errors);
    let form = Form::read("contact", "CONTACT_TOKEN".into(), reader, &Accounts);
    (form, errors.iter().map(ToString::to_string).collect())
}

fn errors(keys: &Value) -> Vec<String> {
    read(keys).1
}

fn with(key: &str, value: Value) -> Vec<String> {
    let mut keys = json!({ "destinations": ["crm"] });
    keys[key] = value;
    errors(&keys)
}

#[test]
fn every_key_is_read() {
    let (form, errors) = read(&json!({
        "destinations": ["crm", "staff"],
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
        "expect": "5/week",
        "shards": 4,
        "retention_days": 30,
        "quarantine_days": 60,
        "erase_delivered": true,
        "max_value_bytes": 100,
        "honeypot": "website2",
        "spam": "off",
        "turnstile": { "action": "contact_us-2", "hostnames": ["www.Example.com", "localhost"] },
        "brand": { "name": "Acme", "color": "#0b57d0", "logo": "https://www.example.com/logo.svg" },
    }));
    let expected = Form {
        name: "contact".into(),
        destinations: vec!["crm".into(), "staff".into()],
        allowed_origins: vec![
            OriginRule { scheme: "https".into(), host: "www.example.com".into(), port: None, subdomains: false },
            OriginRule { scheme: "https".into(), host: "example.org".into(), port: Some(8443), subdomains: true },
        ],
        require_origin: true,
        dialect: Some(Dialect::Web3Forms),
        redirect: Some("https://www.example.com/감사".into()),
        required: vec!["email".into(), "성함".into()],
        rules: vec![
            Rule {
                field: "code".into(),
                max_length: Some(9),
                pattern: Some(Pattern::parse("[A-Z]+").unwrap()),
                ..Rule::default()
            },
            Rule { field: "age".into(), kind: Some(RuleKind::Number), min: Some(18), ..Rule::default() },
        ],
        map: vec![
            (LeadField::Phone, Source::Fields(vec!["tel".into(), "mobile".into()])),
            (LeadField::Company, Source::Fields(vec!["org".into()])),
            (LeadField::Source, Source::Value("website".into())),
            (LeadField::Message, Source::Template(Template::parse("{subject}: {body}").unwrap())),
        ],
        access: Access::Token { secret: "CONTACT_TOKEN".into() },
        limits: Limits { body_bytes: 1000, fields: 10, value_bytes: 100 },
        honeypot: Some("website2".into()),
        spam_filter: false,
        turnstile: Some(Turnstile {
            action: Some("contact_us-2".into()),
            hostnames: vec!["www.example.com".into(), "localhost".into()],
        }),
        brand: Brand {
            name: Some("Acme".into()),
            color: Color::parse("#0b57d0"),
            logo: Some("https://www.example.com/logo.svg".into()),
        },
        expect: Some(Expected { leads: 5, days: 7 }),
        shards: 4,
        retention_days: 30,
        quarantine_days: 60,
        erase_delivered: true,
    };
    assert_eq!((errors, &form), (Vec::new(), &expected));
    assert_eq!(form.data(), ["tel", "mobile", "org", "subject", "body", "email", "성함", "code", "age"]);
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let (form, errors) = read(&json!({ "destinations": "crm", "redirect": "/thanks?a=1" }));
    let expected = Form {
        redirect: Some("/thanks?a=1".into()),
        limits: Limits { body_bytes: 65_536, fields: 200, value_bytes: 65_536 },
        shards: 1,
        retention_days: 90,
        quarantine_days: 90,
        erase_delivered: false,
        ..Form::plain("contact", &["crm"])
    };
    assert_eq!((form, errors), (expected, Vec::new()));
}

/// A required field `"email "` would be one that no page has, and every visitor would be refused.
#[test]
fn white_space_around_a_text_is_dropped() {
    let (form, errors) = read(&json!({
        "destinations": [" crm\n"],
        "required": ["email ", "\u{a0}name"],
        "redirect": " /thanks ",
        "honeypot": "website2 ",
        "allowed_origins": " https://www.example.com",
        "map": { "phone": ["tel "], "source": { "value": " website " }, "message": { "template": "{body} " } },
        "rules": { "size": { "one_of": ["S ", " M"] }, "code": { "pattern": " ?[0-9]+ ?" } },
    }));
    let expected = Form {
        required: vec!["email".into(), "name".into()],
        redirect: Some("/thanks".into()),
        honeypot: Some("website2".into()),
        allowed_origins: vec![OriginRule::parse("https://www.example.com").unwrap()],
        map: vec![
            (LeadField::Phone, Source::Fields(vec!["tel".into()])),
            (LeadField::Source, Source::Value("website".into())),
            (LeadField::Message, Source::Template(Template::parse("{body}").unwrap())),
        ],
        rules: vec![
            Rule { field: "size".into(), one_of: vec!["S".into(), "M".into()], ..Rule::default() },
            // A pattern is left as it is.
            Rule { field: "code".into(), pattern: Some(Pattern::parse(" ?[0-9]+ ?").unwrap()), ..Rule::default() },
        ],
        ..Form::plain("contact", &["crm"])
    };
    assert_eq!((form, errors), (expected, Vec::new()));
}

#[test]
fn every_mistake_is_named() {
    const MAP: &str =
        "a form field, a list of them, { value = \"a constant\" } or { template = \"{utm_source|direct}\" }";
    const REDIRECT: &str = "write the full address: \"https://www.example.com/thanks\"";
    const SEVERAL: &str = "it takes a list when a comma is in it, as in [\"name\", \"email\"]";
    let names = LeadField::ALL.iter().map(|field| field.name()).filter(|name| *name != "consent_at");
    let names = names.collect::<Vec<_>>().join(", ");
    let rows = [
        (
            with("brand", json!({ "name": "Acme", "color": "red" })),
            "brand.color: found \"red\"; it takes a color such as \"#0b57d0\"".into(),
        ),
        (
            with("brand", json!({ "logo": "http://www.example.com/logo.png" })),
            "brand.logo: found \"http://www.example.com/logo.png\"; it takes the address of an image that begins with https://".into(),
        ),
        (errors(&json!({})), "destinations: is missing; it takes the names of destinations: crm, staff".to_owned()),
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
            "destinations: \"CRM\" is not a destination; known here: crm, staff; did you mean \"crm\"?".into(),
        ),
        (
            with("destinations", json!(["hubspot"])),
            "destinations: \"hubspot\" is not a destination; known here: crm, staff".into(),
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
            format!("map.e_mail: cannot be mapped; lead fields that can: {names}; did you mean \"email\"?"),
        ),
        (
            with("map", json!({ "budget": "budget" })),
            format!("map.budget: cannot be mapped; lead fields that can: {names}"),
        ),
        (
            with("map", json!({ "consent_at": "date" })),
            format!("map.consent_at: cannot be mapped; lead fields that can: {names}"),
        ),
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
            errors(&json!({ "destinations": "crm", "required": "email", "honeypot": "email" })),
            "honeypot: \"email\" is also in required, rules or map; a field that people fill in cannot be a honeypot"
                .into(),
        ),
        (
            errors(&json!({ "destinations": "crm", "map": { "phone": ["tel"] }, "honeypot": "tel" })),
            "honeypot: \"tel\" is also in required, rules or map; a field that people fill in cannot be a honeypot"
                .into(),
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
            "turnstile.action: found \"contact us\"; a widget's action has up to 32 of A-Z, a-z, 0-9, _ and -".into(),
        ),
        (
            with("turnstile", json!({ "hostnames": "a.example", "secret": "s" })),
            "turnstile: unknown key \"secret\"; known here: action, hostnames".into(),
        ),
        (
            with("expect", json!(5)),
            "expect: found 5; it takes a number and a day, a week or a month, as in \"5/week\"".into(),
        ),
        (
            with("colour", json!("red")),
            "unknown key \"colour\"; known here: access, allowed_origins, brand, destinations, dialect, \
             erase_delivered, expect, honeypot, map, max_body_bytes, max_fields, max_value_bytes, quarantine_days, redirect, \
             require_origin, required, \
             retention_days, rules, shards, spam, turnstile"
                .into(),
        ),
        (
            with("require_origin", json!("yes")),
            "require_origin: found \"yes\"; it takes true or false; write true".into(),
        ),
        (
            with("dialect", json!("jotform")),
            "dialect: found \"jotform\"; it takes one of \"formspree\", \"web3forms\", \"netlify\", \"formspark\", \
             \"formsubmit\", \"formcarry\", \"webtolead\""
                .into(),
        ),
        (
            errors(&json!({ "destinations": "crm", "rules": { "age": { "type": "number" } }, "honeypot": "age" })),
            "honeypot: \"age\" is also in required, rules or map; a field that people fill in cannot be a honeypot"
                .into(),
        ),
        (with("required", json!("name, email")), format!("required: found \"name, email\"; {SEVERAL}")),
        (with("map", json!({ "phone": "tel,mobile" })), format!("map.phone: found \"tel,mobile\"; {SEVERAL}")),
        (with("rules", json!({ "size": { "one_of": "S,M" } })), format!("rules.size.one_of: found \"S,M\"; {SEVERAL}")),
        (
            with("map", json!({ "source": "{utm_source}" })),
            "map.source: \"{utm_source}\" is a template; write { template = \"{utm_source}\" }".to_owned(),
        ),
    ];
    for (found, message) in rows {
        assert_eq!(found, [format!("FORM_CONTACT: {message}")]);
    }
    // A name with a comma in it is one.
    let one = json!({ "destinations": "crm", "required": ["Name, Vorname"], "map": { "name": ["Name, Vorname"] } });
    assert_eq!(errors(&one), [""; 0]);
}

#[test]
fn every_mistake_in_rules_is_named() {
    const EMPTY: &str = "it takes a table with at least one rule, as in { max_length = 2000 }";
    const TEXTS: &str = "it takes a text or a list of texts, none of them empty";
    const NUMBERS: &str = "is for numbers; add type = \"number\", or say min_length and max_length";
    for (rules, message) in [
        (json!([]), "rules: found []; it takes a table".to_owned()),
        (json!({ "_next": { "min_length": 1 } }), "rules._next: is a control field; those are never data".into()),
        (json!({ "message": 5 }), format!("rules.message: found 5; {EMPTY}")),
        (json!({ "message": {} }), format!("rules.message: found {{}}; {EMPTY}")),
        (
            json!({ "message": { "minlength": 1 } }),
            "rules.message: unknown key \"minlength\"; did you mean \"min_length\"?"
                .into(),
        ),
        (
            json!({ "message": { "type": "date" } }),
            "rules.message.type: found \"date\"; it takes one of \"email\", \"phone\", \"url\", \"number\"".into(),
        ),
        (
            json!({ "message": { "min_length": 0 } }),
            "rules.message.min_length: found 0; it takes a whole number from 1 to 100000".into(),
        ),
        (
            json!({ "message": { "max_length": 100_001 } }),
            "rules.message.max_length: found 100001; it takes a whole number from 1 to 100000".into(),
        ),
        (
            json!({ "message": { "min_length": 9, "max_length": 8 } }),
            "rules.message.min_length: 9 is more than max_length, 8: no text is both".into(),
        ),
        (json!({ "age": { "min": 18 } }), format!("rules.age.min: {NUMBERS}")),
        (json!({ "age": { "max": 5, "type": "phone" } }), format!("rules.age.max: {NUMBERS}")),
        (
            json!({ "age": { "type": "number", "min": 1.5 } }),
            "rules.age.min: found 1.5; it takes a whole number from -9007199254740991 to 9007199254740991".into(),
        ),
        (
            json!({ "age": { "type": "number", "min": 3, "max": 2 } }),
            "rules.age.min: 3 is more than max, 2: no number is both".into(),
        ),
        (json!({ "size": { "one_of": [] } }), format!("rules.size.one_of: found []; {TEXTS}")),
        (json!({ "size": { "one_of": ["S", ""] } }), format!("rules.size.one_of: found [\"S\",\"\"]; {TEXTS}")),
        (
            json!({ "code": { "pattern": "" } }),
            "rules.code.pattern: found \"\"; it takes a text that is not empty".into(),
        ),
        (
            json!({ "code": { "pattern": "/^[0-9]{3}$/" } }),
            "rules.code.pattern: found \"/^[0-9]{3}$/\"; it takes the pattern without the slashes around it: with them, no value matches"
                .into(),
        ),
        (
            json!({ "code": { "pattern": "/[0-9]+$/gi" } }),
            "rules.code.pattern: found \"/[0-9]+$/gi\"; it takes the pattern without the slashes around it: with them, no value matches"
                .into(),
        ),
        (json!({ "code": { "pattern": "a".repeat(501) } }), "rules.code.pattern: has more than 500 characters".into()),
        (
            json!({ "code": { "pattern": "[A-Z" } }),
            "rules.code.pattern: not a valid regular expression: found unclosed character class".into(),
        ),
    ] {
        assert_eq!(with("rules", rules), [format!("FORM_CONTACT: {message}")]);
    }
    // Every mistake of every field, not only the first.
    assert_eq!(with("rules", json!({ "a": { "min": 1, "zz": 1 }, "b": 5 })).len(), 3);
    // A path contains slashes, and a dollar sign can be literal.
    for pattern in ["/[a-z]+/", "[0-9]+\\$/kg", "/[0-9]+\\$/kg", "^/"] {
        assert_eq!(with("rules", json!({ "code": { "pattern": pattern } })), [""; 0]);
    }
    let one_length = json!({ "min_length": 3, "max_length": 3, "pattern": "a".repeat(500) });
    let one_number = json!({ "type": "number", "min": 2, "max": 2 });
    assert_eq!(with("rules", json!({ "a": one_length, "b": one_number })), [""; 0]);
}

#[test]
fn a_destination_that_makes_logins_needs_a_form_with_a_token() {
    let message = "FORM_CONTACT: destinations: \"staff\" creates a login; its form needs access = \"token\"";
    assert_eq!(errors(&json!({ "destinations": ["crm", "staff"] })), [message]);
    assert_eq!(errors(&json!({ "destinations": ["staff"], "access": "public" })), [message]);
    assert_eq!(errors(&json!({ "destinations": ["crm", "staff"], "access": "token" })), [""; 0]);
}

#[test]
fn a_number_and_a_period() {
    for (text, expected) in [
        ("5/week", Some((5, 7))),
        ("20/day", Some((20, 1))),
        (" 3 / month", Some((3, 30))),
        ("0/week", None),
        ("-1/week", None),
        ("1.5/day", None),
        ("5/year", None),
        ("5", None),
        ("", None),
    ] {
        let found = Expected::parse(text).map(|expected| (expected.leads, expected.days));
        assert_eq!(found, expected, "{text}");
    }
}
