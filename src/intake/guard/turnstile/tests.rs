//! Questions and answers of siteverify, compared whole.

use super::*;

fn expected() -> Turnstile {
    Turnstile { action: Some("contact".into()), hostnames: vec!["www.example.com".into(), "example.com".into()] }
}

fn asking(expected: &Turnstile) -> Asking<'_> {
    Asking {
        expected,
        form: "contact",
        repeat_key: "k1",
        token: Some("0.token+/="),
        secret: Some("0x4AAA_secret"),
        address: Some("2001:db8::1"),
        local: false,
    }
}

fn key(asking: Asking<'_>) -> String {
    let body = asking.question().unwrap().body;
    form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "idempotency_key").unwrap().1.into_owned()
}

#[test]
fn a_question_names_the_token_and_the_visitor() {
    let expected = expected();
    let asking = asking(&expected);
    for (asking, address) in [(asking, "&remoteip=2001%3Adb8%3A%3A1"), (Asking { address: None, ..asking }, "")] {
        let asked = format!("secret=0x4AAA_secret&response=0.token%2B%2F%3D{address}&idempotency_key={}", key(asking));
        assert_eq!(asking.question().unwrap().body, asked);
    }
}

#[test]
fn the_same_submission_has_the_same_key_and_no_other_has() {
    let expected = expected();
    let asking = Asking { token: Some("t1"), ..asking(&expected) };
    assert_eq!(key(asking), "95a1a43d-e6ad-8fb6-9417-6ef1c75a5514");
    for other in [
        Asking { token: Some("t2"), ..asking },
        Asking { repeat_key: "k2", ..asking },
        Asking { form: "contac", repeat_key: "tk1", ..asking },
        Asking { repeat_key: "k1t", token: Some("1"), ..asking },
    ] {
        assert_ne!(key(other), key(asking));
    }
}

#[test]
fn some_questions_need_no_asking() {
    let expected = expected();
    let asking = asking(&expected);
    let (longest, too_long) = ("t".repeat(2048), "t".repeat(2049));
    assert!(Asking { token: Some(&longest), ..asking }.question().is_ok());
    let visitor = |why: &str| Captcha::Failed(why.into());
    let unverified = |why: &str| Captcha::Unverified(why.into());
    for (asking, captcha) in [
        (Asking { token: None, ..asking }, visitor("no token")),
        (Asking { token: Some(" "), ..asking }, visitor("no token")),
        (Asking { token: Some(&too_long), ..asking }, visitor("a token that is too long")),
        (Asking { secret: None, ..asking }, unverified("the secret TURNSTILE_SECRET is not set")),
        // Without a token the captcha was not even tried.
        (Asking { secret: None, token: None, ..asking }, visitor("no token")),
    ] {
        assert_eq!(asking.question(), Err(captcha));
    }
}

#[test]
fn test_secrets_are_for_local_development() {
    let expected = expected();
    let elsewhere = r#"{"success":true,"hostname":"localhost","action":"test"}"#;
    for secret in TEST_SECRETS {
        let asking = Asking { secret: Some(secret), ..asking(&expected) };
        let captcha =
            Captcha::Unverified("TURNSTILE_SECRET is a test secret; it works in local development only".into());
        assert_eq!(asking.question(), Err(captcha), "{secret}");
        let question = Asking { local: true, ..asking }.question().unwrap();
        assert_eq!(question.read(200, elsewhere), Reading::Final(Captcha::Passed), "{secret}");
    }
}

#[test]
fn every_answer_has_a_meaning() {
    let expected = expected();
    let question = asking(&expected).question().unwrap();
    let visitor = |why: &str| Reading::Final(Captcha::Failed(why.into()));
    let unverified = |why: &str| Reading::Final(Captcha::Unverified(why.into()));
    let again = |why: &str| Reading::AskAgain(why.into());
    let rows = [
        (
            200,
            r#"{"success":true,"challenge_ts":"2026-11-01T00:00:00.000Z","hostname":"www.example.com","error-codes":[],"action":"contact","cdata":"","metadata":{"interactive":false}}"#,
            Reading::Final(Captcha::Passed),
        ),
        (200, r#"{"success":true,"hostname":"Example.com","action":"contact"}"#, Reading::Final(Captcha::Passed)),
        (
            200,
            r#"{"success":true,"hostname":"evil.example","action":"contact"}"#,
            unverified("the token is for the host \"evil.example\", which is not in hostnames"),
        ),
        (
            200,
            r#"{"success":true,"hostname":"www.example.com.evil.example","action":"contact"}"#,
            unverified("the token is for the host \"www.example.com.evil.example\", which is not in hostnames"),
        ),
        (
            200,
            r#"{"success":true,"action":"contact"}"#,
            unverified("the token is for the host \"\", which is not in hostnames"),
        ),
        (
            200,
            r#"{"success":true,"hostname":"example.com","action":"login"}"#,
            unverified("the token is for the action \"login\", which is not the form's"),
        ),
        (
            200,
            r#"{"success":true,"hostname":"example.com"}"#,
            unverified("the token is for the action \"\", which is not the form's"),
        ),
        (200, r#"{"success":false,"error-codes":["missing-input-response"]}"#, visitor("missing-input-response")),
        (200, r#"{"success":false,"error-codes":["invalid-input-response"]}"#, visitor("invalid-input-response")),
        (200, r#"{"success":false,"error-codes":["timeout-or-duplicate"]}"#, visitor("timeout-or-duplicate")),
        (
            400,
            r#"{"success":false,"error-codes":["missing-input-secret"]}"#,
            unverified("siteverify says missing-input-secret"),
        ),
        (
            200,
            r#"{"success":false,"error-codes":["invalid-input-secret"]}"#,
            unverified("siteverify says invalid-input-secret"),
        ),
        (
            200,
            r#"{"success":false,"error-codes":["invalid-input-response","invalid-input-secret"]}"#,
            unverified("siteverify says invalid-input-response, invalid-input-secret"),
        ),
        (400, r#"{"success":false,"error-codes":["bad-request"]}"#, unverified("siteverify says bad-request")),
        (200, r#"{"success":false,"error-codes":["new-code"]}"#, unverified("siteverify says new-code")),
        (200, r#"{"success":false,"error-codes":[]}"#, unverified("siteverify refuses the token and does not say why")),
        (200, r#"{"success":false,"error-codes":["internal-error"]}"#, again("siteverify says internal-error")),
        (500, r#"{"success":true}"#, again("siteverify answered 500")),
        (503, "<html>", again("siteverify answered 503")),
        (200, "<!doctype html>", again("siteverify answered 200 and no JSON of its kind")),
        (200, "", again("siteverify answered 200 and no JSON of its kind")),
        (200, r#"{"success":"true"}"#, again("siteverify answered 200 and no JSON of its kind")),
        (429, "slow down", again("siteverify answered 429 and no JSON of its kind")),
    ];
    for (status, body, reading) in rows {
        assert_eq!(question.read(status, body), reading, "{body}");
    }
}

#[test]
fn a_form_without_an_action_takes_any() {
    let any = Turnstile { action: None, ..expected() };
    let question = asking(&any).question().unwrap();
    for answer in
        [r#"{"success":true,"hostname":"example.com","action":"x"}"#, r#"{"success":true,"hostname":"example.com"}"#]
    {
        assert_eq!(question.read(200, answer), Reading::Final(Captcha::Passed), "{answer}");
    }
}
