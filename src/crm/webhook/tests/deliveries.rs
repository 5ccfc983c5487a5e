//! Whole deliveries against a receiver that checks what Standard Webhooks asks of one.

use fakes::webhook::Webhook as Receiver;
use fakes::{Fake, Request};

use super::*;

fn sent(call: &Call, secret: &str, receiver: &mut Receiver, now_ms: i64) -> Answer {
    let headers = call.sealed(now_ms, |_| Some(secret.to_owned())).unwrap();
    let request = Request {
        method: call.method.name().to_owned(),
        host: "hooks.example.com".to_owned(),
        path: "/catch/1".to_owned(),
        query: vec![("a".to_owned(), "b".to_owned())],
        headers: headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect(),
        body: call.body.clone().unwrap_or_default(),
    };
    let response = receiver.answer(&request, now_ms);
    Answer { status: response.status, headers: Vec::new(), body: response.body }
}

#[test]
fn a_repeat_hours_later_is_verified_and_dropped() {
    let mut receiver = Receiver::new(SECRET);
    let delivered = Verdict::Delivered(RecordRef { id: "0190-1-acme-hook".into(), note: None });
    for hours in [0, 5] {
        let answer = sent(&call(), SECRET, &mut receiver, 1_763_000_000_000 + hours * 3_600_000);
        assert_eq!(webhook().read(&call(), &answer), delivered, "{hours}");
    }
    assert_eq!(receiver.repeats, 1);
    let mut expected: Json = serde_json::from_str(call().body.as_deref().unwrap()).unwrap();
    expected["record"] = json!("message");
    expected["webhook_id"] = json!("0190-1-acme-hook");
    assert_eq!(receiver.records(), [expected]);
}

#[test]
fn another_secret_is_a_matter_of_credentials() {
    let mut receiver = Receiver::new(SECRET);
    let answer = sent(&call(), "whsec_b3RoZXI=", &mut receiver, 1_763_000_000_000);
    let detail = r#"HTTP 401: {"error":"the signature does not match"}"#;
    let expected = Verdict::TryLater(Trouble::new(Why::Credentials, detail));
    assert_eq!(webhook().read(&call(), &answer), expected);
    assert_eq!(receiver.records(), [] as [Json; 0]);
}
