//! The signed webhook, from an HTML form to the message that the receiver verifies.

use fakes::webhook::Webhook;
use fakes::{Mood, Response};
use serde_json::{Value, json};

use crate::world::{World, delivery, patient};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn world() -> World {
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["hook"], "map": { "source": { "value": "website" } } },
        "DESTINATION_HOOK": patient(json!({
            "type": "webhook", "url": "https://hooks.example.com/catch/1?kind=lead",
            "fields": {
                "budget": { "number": "{budget}" }, "start": { "date": "{start}" }, "topics": { "list": "{topic}" },
                "sure": { "bool": "{sure}" }, "plan": { "text": "plan {plan}" }, "call_at": { "datetime": "{call_at}" },
            },
        })),
    });
    World::new(&vars, &[("HOOK_SIGNING_SECRET", SECRET)], vec![Box::new(Webhook::new(SECRET))])
}

#[test]
fn a_signed_message_holds_the_submission_and_the_lead() {
    let world = world();
    // The first attempt fails. The second sends the same message, byte by byte, with its own time and signature.
    world.fakes.next("webhook", Mood::Answer(Response::json(503, json!({ "error": "switched off" }))));
    let submission = world.visit(
        "contact",
        &[
            ("성함", "홍길동"),
            ("이메일", "hong@example.com"),
            ("topic", "견적"),
            ("topic", "상담"),
            ("budget", "1,500,000원"),
            ("start", "as soon as possible"),
            ("sure", "예"),
            ("plan", "\"Gold\" & more"),
            ("call_at", "2026-05-04T10:30:00+09:00"),
            ("문의내용", "안녕하세요\r\n<b>!</b>"),
            ("shoe size", "38"),
        ],
    );
    let message_id = format!("{submission}-hook");
    assert_eq!(world.delivered("contact", &submission), message_id);

    let received_at = world.received_at("contact", &submission);
    let message = json!({
        "type": "submission",
        "timestamp": received_at,
        "data": {
            "id": submission, "form": "contact", "submitted_at": received_at,
            "page": "https://www.example.com/contact", "country": null, "locale": "ko-KR",
            "fields": {
                "성함": "홍길동", "이메일": "hong@example.com", "topic": ["견적", "상담"], "budget": "1,500,000원",
                "start": "as soon as possible", "sure": "예", "plan": "\"Gold\" & more",
                "call_at": "2026-05-04T10:30:00+09:00", "문의내용": "안녕하세요\r\n<b>!</b>", "shoe size": "38",
            },
            "lead": {
                "name": "홍길동", "first_name": "길동", "last_name": "홍", "email": "hong@example.com",
                "message": "안녕하세요\n<b>!</b>", "source": "website", "locale": "ko-KR",
            },
            "unmapped": {
                "topic": ["견적", "상담"], "budget": "1,500,000원", "start": "as soon as possible", "sure": "예",
                "plan": "\"Gold\" & more", "call_at": "2026-05-04T10:30:00+09:00", "shoe size": "38",
            },
            "custom": {
                "budget": 1_500_000, "topics": ["견적", "상담"], "sure": true, "plan": "plan \"Gold\" & more",
                "call_at": "2026-05-04T01:30:00.000Z",
            },
            "unfit": { "start": "as soon as possible" },
        },
    });
    let requests = world.fakes.requests("webhook");
    let sent: Vec<Value> = world.requests("webhook").into_iter().map(without_moment).collect();
    let expected = json!({
        "method": "POST", "host": "hooks.example.com", "path": "/catch/1", "query": { "kind": "lead" },
        "headers": { "accept": "application/json", "content-type": "application/json", "webhook-id": message_id },
        "body": message,
    });
    assert_eq!(sent, [expected.clone(), expected]);
    assert_eq!(requests[0].body, requests[1].body);

    // The receiver stores only what it has verified.
    let mut held = message;
    held["record"] = json!("message");
    held["webhook_id"] = json!(message_id);
    assert_eq!(world.fakes.records("webhook"), [held]);
    assert_eq!(world.fakes.complaints("webhook"), [] as [String; 0]);
}

/// Without the two headers that differ in each attempt; both have to be there.
fn without_moment(mut request: Value) -> Value {
    let headers = request["headers"].as_object_mut().expect("headers");
    let timestamp = headers.remove("webhook-timestamp").expect("a time");
    assert!(timestamp.as_str().is_some_and(|seconds| seconds.parse::<u64>().is_ok()), "{timestamp}");
    let signature = headers.remove("webhook-signature").expect("a signature");
    assert!(signature.as_str().is_some_and(|signature| signature.starts_with("v1,")), "{signature}");
    request
}

#[test]
fn a_message_signed_with_another_secret_is_delivered_once_the_secrets_match() {
    let world = world();
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    world.fakes.with(|fake: &mut Webhook| *fake = Webhook::new(other));
    let submission = world.visit("contact", &[("name", "Ada"), ("email", "ada@example.com")]);
    let view = world.wait_until("contact", &submission, |view| !delivery(view, "hook")["failure"].is_null());
    assert_eq!(delivery(&view, "hook")["failure"]["kind"], "credentials");
    assert_eq!(world.fakes.records("webhook"), [] as [Value; 0]);
    // The receiver gets the right secret.
    world.fakes.with(|fake: &mut Webhook| *fake = Webhook::new(SECRET));
    assert_eq!(world.delivered("contact", &submission), format!("{submission}-hook"));
}
