//! Every mistake in `rules`, `dialect` and `require_origin`, word by word.

use serde_json::{Value, json};

use super::mistakes::form_errors;

fn with(key: &str, value: Value) -> Vec<String> {
    let mut keys = json!({ "destinations": ["crm"] });
    keys[key] = value;
    form_errors(&keys)
}

#[test]
fn mistakes_in_rules() {
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
            "rules.message.minlength: is not a key; known here: max, max_length, min, min_length, one_of, pattern, type"
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
            "rules.code.pattern: found \"/^[0-9]{3}$/\"; it takes the pattern without the slashes around it: no value fits"
                .into(),
        ),
        (
            json!({ "code": { "pattern": "/[0-9]+$/gi" } }),
            "rules.code.pattern: found \"/[0-9]+$/gi\"; it takes the pattern without the slashes around it: no value fits"
                .into(),
        ),
        (json!({ "code": { "pattern": "a".repeat(501) } }), "rules.code.pattern: has more than 500 characters".into()),
        (
            json!({ "code": { "pattern": "[A-Z" } }),
            "rules.code.pattern: is no pattern: found unclosed character class".into(),
        ),
    ] {
        assert_eq!(with("rules", rules), [format!("FORM_CONTACT: {message}")]);
    }
    // Every mistake of every field, not only the first.
    assert_eq!(with("rules", json!({ "a": { "min": 1, "zz": 1 }, "b": 5 })).len(), 3);
    // A path has slashes of its own, and a dollar sign may be one.
    for pattern in ["/[a-z]+/", "[0-9]+\\$/kg", "/[0-9]+\\$/kg", "^/"] {
        assert_eq!(with("rules", json!({ "code": { "pattern": pattern } })), [""; 0]);
    }
    let one_length = json!({ "min_length": 3, "max_length": 3, "pattern": "a".repeat(500) });
    let one_number = json!({ "type": "number", "min": 2, "max": 2 });
    assert_eq!(with("rules", json!({ "a": one_length, "b": one_number })), [""; 0]);
}

#[test]
fn mistakes_in_the_other_keys() {
    for (found, message) in [
        (with("require_origin", json!("yes")), "require_origin: found \"yes\"; it takes true or false"),
        (
            with("dialect", json!("jotform")),
            "dialect: found \"jotform\"; it takes one of \"formspree\", \"web3forms\", \"netlify\", \"formspark\", \
             \"formsubmit\", \"formcarry\", \"webtolead\"",
        ),
        (
            form_errors(&json!({ "destinations": "crm", "rules": { "age": { "type": "number" } }, "honeypot": "age" })),
            "honeypot: \"age\" is also in required, rules or map; a field that people fill in is no honeypot",
        ),
    ] {
        assert_eq!(found, [format!("FORM_CONTACT: {message}")]);
    }
}

#[test]
fn several_names_stand_in_a_list() {
    const SEVERAL: &str = "it takes a list when a comma is in it, as in [\"name\", \"email\"]";
    for (found, message) in [
        (with("required", json!("name, email")), format!("required: found \"name, email\"; {SEVERAL}")),
        (with("map", json!({ "phone": "tel,mobile" })), format!("map.phone: found \"tel,mobile\"; {SEVERAL}")),
        (with("rules", json!({ "size": { "one_of": "S,M" } })), format!("rules.size.one_of: found \"S,M\"; {SEVERAL}")),
        (
            with("map", json!({ "source": "{utm_source}" })),
            "map.source: \"{utm_source}\" is a template; write { template = \"{utm_source}\" }".to_owned(),
        ),
    ] {
        assert_eq!(found, [format!("FORM_CONTACT: {message}")]);
    }
    // A name with a comma in it is one.
    let one = json!({ "destinations": "crm", "required": ["Name, Vorname"], "map": { "name": ["Name, Vorname"] } });
    assert_eq!(form_errors(&one), [""; 0]);
}
