//! The rules of a form through the Worker: all errors at once, each at its field, in the visitor's language.

use serde_json::json;

use crate::intake::{BROWSER, FORM, JSON, refusal, world};
use crate::page::{form_of, main_of};
use crate::world::World;

fn order() -> World {
    world(&json!({
        "FORM_ORDER": {
            "required": ["name"],
            "rules": {
                "message": { "min_length": 10, "max_length": 20 },
                "phone": { "type": "phone" },
                "size": { "one_of": ["S", "M", "라지"] },
                "site": { "type": "url" },
                "age": { "type": "number", "min": 18, "max": 120 },
                "code": { "pattern": "^[A-Z]{3}-[0-9]+$" },
                "second": { "type": "email" },
                "email": { "type": "email", "max_length": 20 },
                "initial": { "max_length": 1 },
            },
        },
    }))
}

const ENGLISH: &str = "Please check what is marked and send it again.";
const KOREAN: &str = "표시된 항목을 확인한 뒤 다시 보내 주세요.";

/// (field, value, code, English, Korean)
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const WRONG: &[Row] = &[
    ("message", "too short", "MIN_LENGTH", "Please enter at least 10 characters.", "10자 이상 입력해 주세요."),
    (
        "message",
        "this is more than twenty characters",
        "MAX_LENGTH",
        "Please enter at most 20 characters.",
        "20자 이하로 입력해 주세요.",
    ),
    ("initial", "AL", "MAX_LENGTH", "Please enter at most 1 character.", "1자 이하로 입력해 주세요."),
    (
        "phone",
        "call me",
        "TYPE_PHONE",
        "Please enter a telephone number, such as 010-1234-5678.",
        "전화번호를 정확히 입력해 주세요. 예: 010-1234-5678",
    ),
    (
        "연락처",
        "없음",
        "TYPE_PHONE",
        "Please enter a telephone number, such as 010-1234-5678.",
        "전화번호를 정확히 입력해 주세요. 예: 010-1234-5678",
    ),
    (
        "size",
        "XL",
        "ONE_OF",
        "Please choose one of the answers that the form offers.",
        "양식에 있는 항목 중에서 선택해 주세요.",
    ),
    (
        "site",
        "my site",
        "TYPE_URL",
        "Please enter a web address, such as https://www.example.com.",
        "웹사이트 주소를 정확히 입력해 주세요. 예: https://www.example.com",
    ),
    (
        "site",
        "javascript:alert(1)",
        "TYPE_URL",
        "Please enter a web address, such as https://www.example.com.",
        "웹사이트 주소를 정확히 입력해 주세요. 예: https://www.example.com",
    ),
    ("age", "old", "TYPE_NUMERIC", "Please enter a number.", "숫자로 입력해 주세요."),
    ("age", "17", "MIN", "Please enter a number that is at least 18.", "18 이상의 숫자를 입력해 주세요."),
    ("age", "121", "MAX", "Please enter a number that is at most 120.", "120 이하의 숫자를 입력해 주세요."),
    (
        "code",
        "abc-1",
        "PATTERN",
        "Please write this in the format that the form asks for.",
        "요청된 형식에 맞게 입력해 주세요.",
    ),
    (
        "code",
        "XABC-1",
        "PATTERN",
        "Please write this in the format that the form asks for.",
        "요청된 형식에 맞게 입력해 주세요.",
    ),
    (
        "second",
        "nobody",
        "TYPE_EMAIL",
        "Please enter an email address, such as name@example.com.",
        "이메일 주소를 정확히 입력해 주세요. 예: name@example.com",
    ),
    (
        "email",
        "nobody",
        "TYPE_EMAIL",
        "Please enter an email address, such as name@example.com.",
        "이메일 주소를 정확히 입력해 주세요. 예: name@example.com",
    ),
    (
        "email",
        "somebody.else@example.com",
        "MAX_LENGTH",
        "Please enter at most 20 characters.",
        "20자 이하로 입력해 주세요.",
    ),
];

#[test]
fn each_rule_in_both_languages() {
    let world = order();
    for (field, value, code, english, korean) in WRONG {
        for (language, whole, message) in [("en", ENGLISH, english), ("ko", KOREAN, korean)] {
            let body: String = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("name", "Ada"), (field, value)])
                .finish();
            let headers = [("accept", JSON), ("content-type", FORM), ("accept-language", language)];
            let reply = world.send("POST", "/f/order", &headers, body.as_bytes());
            let expected = refusal("INVALID", whole, &[(code, field, message)]);
            assert_eq!((reply.status, reply.json()), (422, expected), "{field}={value} {language}");
        }
    }
    assert_eq!(world.stored("order"), [serde_json::Value::Null; 0]);
}

#[test]
fn what_is_right_or_blank_passes() {
    let world = order();
    let rows: &[&[(&str, &str)]] = &[
        &[],
        &[("message", ""), ("phone", " "), ("size", ""), ("site", ""), ("age", ""), ("code", "\n"), ("second", "")],
        &[("message", "ten chars."), ("phone", "+82 10-1234-5678"), ("size", "라지"), ("site", "www.example.com")],
        &[("message", "20 characters, twen\r\n"), ("age", "18"), ("code", "ABC-1"), ("second", "josé@example.com")],
        &[("size", "S"), ("size", "M"), ("age", "120"), ("tel", "1588-1234"), ("initial", "홍")],
    ];
    for more in rows {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("name", "Ada")].iter().chain(*more))
            .finish();
        let reply = world.post_json("order", FORM, &body);
        assert_eq!(reply.status, 200, "{more:?} {}", reply.body);
    }
    assert_eq!(world.stored("order").len(), rows.len());
}

#[test]
fn all_mistakes_at_once_and_the_page_keeps_the_text() {
    let world = order();
    let sent = "name=&message=short&phone=x&size=XL&size=S&site=no&age=5&code=1&email=nobody";
    let codes = |reply: &crate::world::Reply| {
        let body = reply.json();
        let errors = body["errors"].as_array().expect("errors").clone();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        errors.iter().map(|error| format!("{} {}", text(&error["field"]), text(&error["code"]))).collect::<Vec<_>>()
    };
    let reply = world.post_json("order", FORM, sent);
    assert_eq!(
        codes(&reply),
        [
            "name REQUIRED_FIELD_EMPTY",
            "email TYPE_EMAIL",
            "message MIN_LENGTH",
            "phone TYPE_PHONE",
            "size ONE_OF",
            "site TYPE_URL",
            "age MIN",
            "code PATTERN",
        ]
    );
    let headers = [("accept", BROWSER), ("content-type", FORM)];
    let page = world.send("POST", "/f/order", &headers, sent.as_bytes());
    assert_eq!(page.status, 422);
    assert_eq!(main_of(&page).matches("aria-invalid=\"true\"").count(), 8, "{}", page.body);
    let repaired = [
        ("name", "Ada"),
        ("message", "long enough"),
        ("phone", "010-1234-5678"),
        ("site", "example.com"),
        ("age", "50"),
        ("code", "ABC-1"),
        ("email", "ada@example.com"),
    ];
    let form = repaired.iter().fold(form_of(&page).expect("a form"), |form, (name, value)| form.typed(name, value));
    assert_eq!(form.typed("size", "M").send(&world).status, 303);
}

/// Patterns run in linear time for any value: a request has ten milliseconds.
#[test]
fn a_hostile_value_costs_a_pattern_nothing() {
    let world = world(&json!({ "FORM_ORDER": { "rules": { "code": { "pattern": "(a+)+(b|aa)*c" } } } }));
    for length in [1000, 60_000] {
        let reply = world.post_json("order", FORM, format!("code={}", "a".repeat(length)));
        assert_eq!((reply.status, &reply.json()["errors"][0]["code"]), (422, &json!("PATTERN")), "{length}");
    }
}
