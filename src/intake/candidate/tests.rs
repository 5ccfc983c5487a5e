//! What a request is read as, and what is decided about it.

use super::*;
use crate::intake::form::Source;
use crate::intake::guard::key::{KEY_BYTES, Key};
use crate::intake::refusal::{FieldCode, FieldError};
use crate::intake::validate::{Rule, RuleKind};
use crate::intake::{fields, nfc};

const NOW: i64 = 1_763_000_000_000;
const ID: &str = "0192a0d4-0000-7000-8000-000000000000";
const TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn form() -> Form {
    Form::plain("contact", &["crm"])
}

fn requiring(names: &[&str]) -> Form {
    Form { required: names.iter().map(|name| (*name).to_owned()).collect(), ..form() }
}

fn staff() -> Form {
    Form { access: Access::Token { secret: "CONTACT_TOKEN".into() }, ..form() }
}

fn read_with(form: &Form, headers: &[(&str, &str)], token: Option<&str>, body: &str) -> Result<Candidate, Refused> {
    let mut sent = vec![TYPE];
    sent.extend(headers);
    let context = Context { id: ID.to_owned(), now: NOW, token, local: false, nfc };
    read(&Visit::post(&sent), form, body.as_bytes(), context)
}

fn trap() -> Trap {
    Trap::new(Key::new(&[7; KEY_BYTES]))
}

fn post(form: &Form, body: &str) -> Result<Candidate, Refused> {
    read_with(form, &[], None, body)
}

#[test]
fn a_request_becomes_a_submission_to_store() {
    let headers = [
        ("accept-language", " ko-KR ;q=0.9, en"),
        ("referer", "https://www.example.com/contact?utm_source=x#form"),
        ("origin", "https://www.example.com"),
        ("idempotency-key", "  k1 "),
    ];
    let body = "email=ada%40example.com&message=Hello&_cc=x&_subject=s&_error=%2Fx";
    let candidate = read_with(&form(), &headers, None, body).unwrap();
    assert_eq!(candidate.repeat_key(), "k1");
    let Accepted { new, next, input } = judge(candidate, &form(), &Evidence::default()).unwrap();
    let data = fields(&[("email", "ada@example.com"), ("message", "Hello")]);
    let submission = Submission {
        id: ID.into(),
        form: "contact".into(),
        received_at: NOW,
        fields: data.clone(),
        page: Some("https://www.example.com/contact".into()),
        country: None,
        locale: Some("ko-KR".into()),
        ignored: vec!["_cc".into(), "_subject".into(), "_error".into()],
    };
    let expected = NewSubmission {
        submission,
        destinations: vec!["crm".into()],
        key: Some("k1".into()),
        digest: digest(&data),
        visitor: None,
        reasons: Vec::new(),
    };
    assert_eq!((new, next.as_str()), (expected, "/f/contact/thanks"));
    assert_eq!(input, Input { fields: data, control: fields(&[("_cc", "x"), ("_subject", "s"), ("_error", "/x")]) });
}

#[test]
fn a_visitor_goes_where_the_page_or_the_form_says() {
    let own = Form { redirect: Some("https://www.example.com/own".into()), ..form() };
    for (form, control, next, ignored) in [
        (&form(), "", "/f/contact/thanks", &[""; 0][..]),
        (&own, "", "https://www.example.com/own", &[]),
        (&own, "&_next=/thanks", "https://www.example.com/thanks", &[]),
        (&own, "&_next=https://evil.example", "https://www.example.com/own", &["_next"]),
    ] {
        let origin = [("origin", "https://www.example.com")];
        let candidate = read_with(form, &origin, None, &format!("name=Ada{control}")).unwrap();
        assert_eq!(candidate.next, next, "{control}");
        assert_eq!(candidate.lead.submission.ignored, ignored, "{control}");
    }
}

#[test]
fn a_repeat_is_recognized_by_its_key_or_else_by_visitor_and_fields() {
    let of = |headers: &[(&str, &str)], body: &str| {
        let Candidate { key, digest, visitor, .. } = read_with(&form(), headers, None, body).unwrap();
        (key, digest, visitor)
    };
    let ada = of(&[("user-agent", "a")], "name=Ada");
    assert_eq!((&ada.0, ada.2.is_some()), (&None, true));
    assert_eq!(of(&[("user-agent", "a")], "name=Ada&_subject=x"), ada, "control fields do not count");
    assert_eq!(of(&[("user-agent", "a"), ("idempotency-key", " ")], "name=Ada"), ada);
    let other_browser = of(&[("user-agent", "b")], "name=Ada");
    assert_eq!((other_browser.1 == ada.1, other_browser.2 == ada.2), (true, false));
    assert_ne!(of(&[], "name=Ad&a=").1, of(&[], "name=Ada&=").1);
    let (longest, long) = ("k".repeat(KEY_CHARS), "k".repeat(KEY_CHARS + 1));
    for (headers, body, key) in [
        (&[("idempotency-key", "k1")][..], "name=Ada&_id=k2", "k1"),
        (&[], "name=Ada&_id=k2", "k2"),
        (&[("idempotency-key", longest.as_str())], "name=Ada", &longest),
        (&[("idempotency-key", long.as_str())], "name=Ada", &encoded_digest(&long)),
    ] {
        assert_eq!(of(headers, body), (Some(key.to_owned()), ada.1.clone(), None));
    }
}

#[test]
fn a_reply_to_stands_for_a_missing_email_address() {
    let named = |refused: &Refused| {
        refused.refusal.errors.iter().map(|error| (error.code, error.field.clone())).collect::<Vec<_>>()
    };
    for (body, stored, ignored) in [
        ("name=Ada&_replyto=a%40b.co", &[("name", "Ada"), ("email", "a@b.co")][..], &[""; 0][..]),
        ("email=&_replyto=a%40b.co", &[("email", ""), ("email", "a@b.co")], &[]),
        ("email=x%40y.co&_replyto=a%40b.co", &[("email", "x@y.co")], &[]),
        ("name=Ada&_replyto=%25email%25", &[("name", "Ada")], &["_replyto"]),
        ("name=Ada&_replyto=", &[("name", "Ada")], &[]),
    ] {
        let lead = post(&form(), body).unwrap().lead;
        assert_eq!(lead.submission.fields, fields(stored), "{body}");
        assert_eq!(lead.submission.ignored, ignored, "{body}");
        let last = stored.iter().rev().find(|(name, _)| *name == "email");
        assert_eq!(lead.get(LeadField::Email), last.map(|(_, value)| *value), "{body}");
    }
    for (body, code) in
        [("name=Ada&_replyto=nobody", FieldCode::TypeEmail), ("name=Ada&_replyto=", FieldCode::RequiredFieldEmpty)]
    {
        let refused = post(&requiring(&["email"]), body).unwrap_err();
        assert_eq!(named(&refused), [(code, "_replyto".to_owned())], "{body}");
        // It was the visitor who typed it, so the page shows it among the fields.
        assert_eq!((refused.input.fields.0[1].0.as_str(), refused.input.control.0.len()), ("_replyto", 0));
    }
    assert!(post(&requiring(&["Email"]), "name=Ada&_replyto=a%40b.co").is_ok());
}

#[test]
fn required_names_mean_fields_or_lead_fields() {
    let empty = FieldCode::RequiredFieldEmpty;
    for (required, body, error) in [
        ("Email", "your-email=a%40b.co", None),
        ("email", "your-email=&x=y", Some((empty, "your-email"))),
        ("email", "name=Ada", Some((FieldCode::RequiredFieldMissing, "email"))),
        ("budget", "budget=+&x=y", Some((empty, "budget"))),
        ("budget", "budget=5", None),
        ("topics", "topics%5B0%5D=seo&topics%5B1%5D=ads", None),
        ("name", "name=%E3%85%A4&x=y", Some((empty, "name"))),
        ("이름", "%E1%84%8B%E1%85%B5%E1%84%85%E1%85%B3%E1%86%B7=x", None),
        (
            "email",
            "fields%5Bemail%5D%5Bid%5D=email&fields%5Bemail%5D%5Bvalue%5D=a%40b.co&fields%5Bname%5D%5Brequired%5D=1",
            None,
        ),
        ("x", "email=nobody&x=y", Some((FieldCode::TypeEmail, "email"))),
    ] {
        let found = post(&requiring(&[required]), body).err().map(|refused| refused.refusal.errors);
        let expected = error.map(|(code, field)| vec![FieldError { code, field: field.to_owned() }]);
        assert_eq!(found, expected, "{required} {body}");
    }
}

#[test]
fn rules_check_the_value_that_is_delivered() {
    let kind = |field: &str, kind| Rule { field: field.to_owned(), kind: Some(kind), ..Rule::default() };
    let rules = vec![
        kind("email", RuleKind::Email),
        kind("phone", RuleKind::Phone),
        Rule { field: "message".into(), max_length: Some(5), ..Rule::default() },
        Rule { field: "topic".into(), one_of: vec!["a".into()], ..Rule::default() },
    ];
    let own = vec![(LeadField::Message, Source::Fields(vec!["details".into()]))];
    let (plain, mapped) = (Form { rules, ..form() }, |form: &Form| Form { map: own.clone(), ..form.clone() });
    let mapped = mapped(&plain);
    for (form, body, errors) in [
        // What stands before the named field does not take its place.
        (&plain, "e-mail=eve%40evil.example&email=ok%40example.com", &[][..]),
        (&plain, "e-mail=none&email=ok%40example.com", &[]),
        (&plain, "comments=much+too+long&message=short", &[]),
        (&plain, "email=+&e-mail=none", &[(FieldCode::TypeEmail, "e-mail")]),
        (&plain, "comments=much+too+long", &[(FieldCode::MaxLength(5), "comments")]),
        (&plain, "tel=none&email=ok%40example.com", &[(FieldCode::TypePhone, "tel")]),
        (&plain, "email=ok%40example.com&email=none", &[(FieldCode::TypeEmail, "email")]),
        (&mapped, "details=much+too+long&message=short", &[(FieldCode::MaxLength(5), "details")]),
        (&mapped, "details=short&message=much+too+long", &[(FieldCode::MaxLength(5), "message")]),
        // Boxes are joined first.
        (&plain, "email=gildong&email=naver.com&phone=010&phone=1234&phone=5678", &[]),
        (&plain, "userEmail1=gildong&userEmail2=naver.com&userEmail3=-&phone1=010&phone2=1234&phone3=5678", &[]),
        (&plain, "email_id=gildong&email_domain=naver.com", &[]),
        (&plain, "topic=a&topic=b", &[(FieldCode::OneOf, "topic")]),
    ] {
        let found = post(form, body).err().map(|refused| refused.refusal.errors).unwrap_or_default();
        let expected: Vec<_> =
            errors.iter().map(|(code, field)| FieldError { code: *code, field: (*field).into() }).collect();
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn control_fields_alone_are_empty() {
    for body in ["", "name=&email=+%0A", "_gotcha=x&_next=y", "&&&", "=x"] {
        assert_eq!(post(&form(), body).unwrap_err().refusal, RefusalKind::Empty.into(), "{body}");
    }
    assert!(post(&form(), "_replyto=a%40b.co").is_ok());
}

#[test]
fn a_form_for_staff_takes_its_token_as_bearer_or_field() {
    let bearer = [("authorization", "Bearer secret")];
    for (headers, token, body, expected) in [
        (&bearer[..], Some("secret"), "name=Ada", None),
        (&[], Some("secret"), "name=Ada&_token=+secret+", None),
        (&[], Some("secret"), "name=Ada", Some(RefusalKind::Unauthorized)),
        (&[("authorization", "Bearer wrong")], Some("secret"), "name=Ada", Some(RefusalKind::Unauthorized)),
        // Others learn nothing about the body.
        (&[], Some("secret"), "", Some(RefusalKind::Unauthorized)),
        (&bearer, Some("secret"), "", Some(RefusalKind::Empty)),
        (&bearer, None, "name=Ada", Some(RefusalKind::BrokenForm)),
    ] {
        let refused = read_with(&staff(), headers, token, body).err();
        assert_eq!(refused.map(|refused| refused.refusal), expected.map(Refusal::new), "{headers:?} {body}");
    }
    let refused = read_with(&staff(), &[], Some("secret"), "name=Ada&_token=wrong").unwrap_err();
    let at_field = Refusal::because(RefusalKind::Unauthorized, FieldCode::Unauthorized, "_token");
    assert_eq!(refused.refusal, at_field, "the error names the field that was filled");
}

#[test]
fn suspects_are_stored_with_reasons_and_only_the_captcha_and_the_limit_refuse() {
    let fast = trap().start("contact", NOW - 2999);
    let suspect = format!("name=Ada&message=Hi&_gotcha=x&_start={fast}");
    let failed = Some(Captcha::Failed("no token".into()));
    let unverified = Some(Captcha::Unverified("siteverify cannot be reached".into()));
    let evidence = |captcha| Evidence { captcha, trap: Some(trap()), ..Evidence::default() };
    let limited = Evidence { is_over_limit: true, ..evidence(None) };
    let busy = |load, captcha| Evidence { load, ..evidence(captcha) };
    let honest = "name=Ada&message=Hi";
    for (body, evidence, expected) in [
        (honest, evidence(None), Ok(&[""; 0][..])),
        (honest, evidence(Some(Captcha::Passed)), Ok(&[])),
        (honest, evidence(unverified.clone()), Ok(&["unverified"])),
        (&suspect, evidence(Some(Captcha::Passed)), Ok(&["honeypot:_gotcha", "too_fast"])),
        (&suspect, evidence(unverified), Ok(&["honeypot:_gotcha", "too_fast", "unverified"])),
        (honest, evidence(failed.clone()), Err(RefusalKind::Captcha)),
        (&suspect, evidence(failed), Err(RefusalKind::Captcha)),
        (honest, limited, Err(RefusalKind::TooMany)),
        (honest, busy(Load::High, None), Ok(&["over_limit"])),
        (honest, busy(Load::High, Some(Captcha::Passed)), Ok(&["over_limit"])),
        (honest, busy(Load::Flood, None), Err(RefusalKind::TooMany)),
    ] {
        let decision = judge(post(&form(), body).unwrap(), &form(), &evidence);
        match (decision, expected) {
            (Ok(accepted), Ok(reasons)) => assert_eq!(accepted.new.reasons, reasons, "{body}"),
            (Err(refused), Err(kind)) => {
                assert_eq!(refused.refusal, kind.into(), "{body}");
                assert_eq!(refused.input.fields, fields(&[("name", "Ada"), ("message", "Hi")]));
                assert_eq!(refused.input.control.first("_start"), None, "a corrected form may be quick");
            }
            (decision, _) => panic!("{body}: {decision:?}"),
        }
    }
}

#[test]
fn only_a_post_can_require_an_origin() {
    let strict = Form { require_origin: true, ..form() };
    for (origin, open, post) in [("", true, false), ("https://a.example", true, true)] {
        let visit = Visit::post(&[("origin", origin)]);
        assert_eq!((may_open(&visit, &strict, false), may_post(&visit, &strict, false)), (open, post), "{origin}");
    }
}
