//! The whole request, its signature, and a row for every answer.

mod deliveries;

use super::*;
use crate::crm::call::{SealError, signature};
use crate::domain::{Kind, Template, TypedField};
use crate::form::Submission;

/// The secret and the rest of the test vector that the libraries of Standard Webhooks share.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn webhook() -> Webhook {
    let options = Options { url: "https://hooks.example.com/catch/1?a=b".into(), fields: Vec::new() };
    Webhook::new("acme-hook", options)
}

fn lead() -> Lead {
    let pairs = [("성함", "홍길동"), ("email", "hong@example.com"), ("topic", "a"), ("topic", "b"), ("budget", "")];
    let fields = |names: &[&str]| {
        Fields(pairs.iter().filter(|(n, _)| names.contains(n)).map(|(n, v)| ((*n).into(), (*v).into())).collect())
    };
    let submission = Submission {
        id: "0190-1".into(),
        form: "contact".into(),
        received_at: 1_763_000_000_123,
        fields: fields(&["성함", "email", "topic", "budget"]),
        page: Some("https://www.example.com/contact".into()),
        country: None,
        locale: Some("ko-KR".into()),
        ignored: Vec::new(),
    };
    let values = [(LeadField::Name, "홍길동".to_owned()), (LeadField::Email, "hong@example.com".to_owned())];
    Lead::new(submission, values.into(), fields(&["topic"]))
}

fn call() -> Call {
    match webhook().next(&lead(), &Progress::default()) {
        Step::Call(call) => *call,
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn the_request() {
    let body = r#"{"type":"submission","timestamp":"2025-11-13T02:13:20.123Z","data":{"id":"0190-1","form":"contact","submitted_at":"2025-11-13T02:13:20.123Z","page":"https://www.example.com/contact","country":null,"locale":"ko-KR","fields":{"성함":"홍길동","email":"hong@example.com","topic":["a","b"],"budget":""},"lead":{"name":"홍길동","email":"hong@example.com","first_name":"길동","last_name":"홍"},"unmapped":{"topic":["a","b"]},"custom":{}}}"#;
    assert_eq!(
        call(),
        Call {
            step: "post",
            method: Method::Post,
            url: "https://hooks.example.com/catch/1?a=b".into(),
            headers: vec![
                ("Content-Type", HeaderValue::Text("application/json".into())),
                ("webhook-id", HeaderValue::Text("0190-1-acme-hook".into())),
                ("webhook-timestamp", HeaderValue::Timestamp),
                (
                    "webhook-signature",
                    HeaderValue::Signature { id: "0190-1-acme-hook".into(), name: "ACME_HOOK_SIGNING_SECRET".into() }
                ),
            ],
            body: Some(body.into()),
            safety: Safety::Idempotent,
        }
    );
}

#[test]
fn the_signature_is_the_one_of_standard_webhooks() {
    let sign = |secret| signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(sign(SECRET).as_deref(), Some(expected));
    assert_eq!(sign("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").as_deref(), Some(expected));
    assert_eq!(sign("whsec_not base64"), None);
}

#[test]
fn sealed_headers_sign_the_id_the_time_and_the_body() {
    let call = call();
    let secret = |name: &str| (name == "ACME_HOOK_SIGNING_SECRET").then(|| SECRET.to_owned());
    let body = call.body.as_deref().unwrap();
    assert_eq!(
        call.sealed(1_763_000_099_999, secret),
        Ok(vec![
            ("Content-Type", "application/json".to_owned()),
            ("webhook-id", "0190-1-acme-hook".to_owned()),
            ("webhook-timestamp", "1763000099".to_owned()),
            ("webhook-signature", signature(SECRET, "0190-1-acme-hook", 1_763_000_099, body).unwrap()),
        ])
    );
    let name = "ACME_HOOK_SIGNING_SECRET".to_owned();
    assert_eq!(call.sealed(0, |_| None), Err(SealError::Missing(name.clone())));
    assert_eq!(call.sealed(0, |_| Some("whsec_?".into())), Err(SealError::Malformed(name)));
}

#[test]
fn a_name_comes_in_parts_when_there_is_one() {
    let object = |values: &[(LeadField, &str)]| {
        let values = values.iter().map(|(field, value)| (*field, (*value).to_owned())).collect();
        Json::Object(lead_object(&Lead::new(lead().submission, values, Fields::default())))
    };
    assert_eq!(object(&[(LeadField::Email, "a@example.com")]), json!({ "email": "a@example.com" }));
    // A part that is not known is left out.
    assert_eq!(object(&[(LeadField::Name, "Cher")]), json!({ "name": "Cher", "first_name": "Cher" }));
    assert_eq!(
        object(&[(LeadField::Name, "Ann Lee"), (LeadField::FirstName, "Ann"), (LeadField::LastName, "Lee")]),
        json!({ "name": "Ann Lee", "first_name": "Ann", "last_name": "Lee" })
    );
}

#[test]
fn custom_fields_have_their_types_and_what_does_not_fit_is_told_apart() {
    let field = |name, kind, template| TypedField::new(name, kind, Template::parse(template).unwrap());
    let fields = vec![
        field("예산", Kind::Number, "{예산}"),
        field("topics", Kind::List, "{topic}"),
        field("from", Kind::Text, "{form} form"),
        field("start", Kind::Date, "{start}"),
        field("nothing", Kind::Text, "{nothing}"),
    ];
    let mut sent = lead().submission;
    sent.fields.push("예산", "5,000");
    sent.fields.push("start", "soon");
    let unmapped = sent.fields.clone();
    let lead = Lead::new(sent, lead().values, unmapped);
    let webhook = Webhook::new("hook", Options { url: "https://hooks.example.com".into(), fields });
    let data = &webhook.body(&lead)["data"];
    assert_eq!(data["custom"], json!({ "예산": 5000, "topics": ["a", "b"], "from": "contact form" }));
    assert_eq!(data["unfit"], json!({ "start": "soon" }));
}

#[test]
fn values_of_custom_fields() {
    for (value, expected) in [
        (Value::Text("a".into()), json!("a")),
        (Value::Number(5.into()), json!(5)),
        (Value::Bool(true), json!(true)),
        (Value::Date("2024-04-16".into()), json!("2024-04-16")),
        (Value::DateTime("2024-04-16T07:18:17.516Z".into()), json!("2024-04-16T07:18:17.516Z")),
        (Value::List(vec!["a".into(), "b".into()]), json!(["a", "b"])),
    ] {
        assert_eq!(json_of(value), expected);
    }
}

#[test]
fn answers() {
    let delivered = Verdict::Delivered(RecordRef { id: "0190-1-acme-hook".into(), note: None });
    let trouble = |status: u16, body: &str, why| Trouble::new(why, format!("HTTP {status}: {body}"));
    let later = |status, body, why| Verdict::TryLater(trouble(status, body, why));
    let refused = |status, body, why| Verdict::Refused(trouble(status, body, why));
    let rows = [
        (200, "", delivered.clone()),
        (202, r#"{"status":"success"}"#, delivered.clone()),
        (204, "", delivered.clone()),
        (200, "<html>ok</html>", delivered),
        (301, "", later(301, "", Why::Unavailable)),
        (400, "bad", refused(400, "bad", Why::Invalid)),
        (401, "who?", later(401, "who?", Why::Credentials)),
        (403, "", later(403, "", Why::Credentials)),
        (404, "<html>", later(404, "<html>", Why::NotFound)),
        (405, "", later(405, "", Why::NotFound)),
        (408, "", later(408, "", Why::Unavailable)),
        (409, "", later(409, "", Why::Conflict)),
        (410, "gone", refused(410, "gone", Why::NotFound)),
        (413, "", refused(413, "", Why::Invalid)),
        (422, r#"{"error":"no"}"#, refused(422, r#"{"error":"no"}"#, Why::Invalid)),
        (500, "oops", later(500, "oops", Why::Unavailable)),
        (503, "", later(503, "", Why::Unavailable)),
    ];
    for (status, body, expected) in rows {
        let answer = Answer { status, headers: Vec::new(), body: body.to_owned() };
        assert_eq!(webhook().read(&call(), &answer), expected, "{status}");
    }
    let headers = vec![("retry-after".to_owned(), "7".to_owned())];
    let answer = Answer { status: 429, headers, body: String::new() };
    let expected = Trouble::new(Why::RateLimited, "HTTP 429: ").wait(Some(7000));
    assert_eq!(webhook().read(&call(), &answer), Verdict::TryLater(expected));
}
