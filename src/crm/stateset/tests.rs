//! Whole requests, and a row for every answer.

mod deliveries;

use super::*;
use crate::crm::{Lesson, RecordRef};
use crate::domain::{Kind, Template, TypedField};
use crate::form::{Fields, Submission};

fn stateset() -> StateSet {
    let options = Options {
        origin: "https://api.stateset.com",
        lead_source: Template::parse("{source|website}").unwrap(),
        fields: Vec::new(),
    };
    StateSet::new("acme-stateset", options)
}

fn lead(values: &[(LeadField, &str)], unmapped: &[(&str, &str)]) -> Lead {
    let pairs = |pairs: &[(&str, &str)]| Fields(pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
    let submission = Submission {
        id: "0190-1".into(),
        form: "contact".into(),
        received_at: 1_763_000_000_000,
        fields: pairs(unmapped),
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    };
    let values = values.iter().map(|(field, value)| (*field, (*value).to_owned())).collect();
    Lead::new(submission, values, pairs(unmapped))
}

fn sarah() -> Lead {
    let values = [
        (LeadField::FirstName, "Sarah"),
        (LeadField::LastName, "Johnson"),
        (LeadField::Email, "sarah@example.com"),
        (LeadField::Phone, "+1-555-0100"),
    ];
    lead(&values, &[])
}

fn call(lead: &Lead, progress: &Progress) -> Call {
    match stateset().next(lead, progress) {
        Step::Call(call) => *call,
        other => panic!("no call: {other:?}"),
    }
}

fn sent(lead: &Lead, progress: &Progress) -> Json {
    serde_json::from_str(call(lead, progress).body.as_deref().unwrap()).unwrap()
}

fn without(keys: &[&str]) -> Progress {
    Progress { left_out: keys.iter().map(|key| (*key).to_owned()).collect(), ..Progress::default() }
}

#[test]
fn the_request() {
    let text = |text: &str| HeaderValue::Text(text.into());
    assert_eq!(
        call(&sarah(), &Progress::default()),
        Call {
            step: "lead",
            method: Method::Post,
            url: "https://api.stateset.com/v1/leads".into(),
            headers: vec![
                (
                    "Authorization",
                    HeaderValue::Secret { prefix: "Bearer ", name: "ACME_STATESET_API_KEY".into() }
                ),
                ("Content-Type", text("application/json")),
                ("Accept", text("application/json")),
                ("Idempotency-Key", text("0190-1-acme-stateset")),
            ],
            body: Some(
                r#"{"firstName":"Sarah","lastName":"Johnson","email":"sarah@example.com","phone":"+1-555-0100","leadSource":"website"}"#
                    .into()
            ),
            safety: Safety::Idempotent,
        }
    );
}

#[test]
fn every_lead_field_that_has_a_place_and_a_note_for_the_rest() {
    let values = [
        (LeadField::FirstName, "Sarah"),
        (LeadField::LastName, "Johnson"),
        (LeadField::Email, "sarah@example.com"),
        (LeadField::JobTitle, "CTO"),
        (LeadField::Street, "1 Main St"),
        (LeadField::City, "Springfield"),
        (LeadField::State, "IL"),
        (LeadField::Country, "US"),
        (LeadField::Source, "Trade Show"),
        (LeadField::Message, "Please call."),
        (LeadField::PostalCode, "62701"),
    ];
    assert_eq!(
        sent(&lead(&values, &[("budget", "5000")]), &Progress::default()),
        json!({
            "firstName": "Sarah",
            "lastName": "Johnson",
            "email": "sarah@example.com",
            "title": "CTO",
            "mailingStreet": "1 Main St",
            "mailingCity": "Springfield",
            "mailingState": "IL",
            "mailingCountry": "US",
            "leadSource": "trade_show",
            "description": "Please call.\n\npostal_code: 62701\nbudget: 5000",
        })
    );
}

#[test]
fn the_operators_own_fields_go_before_the_built_in_ones() {
    let field = |name, kind, template| TypedField::new(name, kind, Template::parse(template).unwrap());
    let mut stateset = stateset();
    stateset.options.fields = vec![
        field("phone", Kind::Text, "{mobile}"),
        field("department", Kind::Text, "{team|Sales}"),
        field("do_not_call", Kind::Bool, "{no_calls}"),
        field("email_opt_out", Kind::Bool, "{opt_out}"),
        field("description", Kind::Text, "Wants {product}"),
    ];
    let unmapped = [("mobile", "010"), ("no_calls", "yes"), ("opt_out", "perhaps"), ("product", "A"), ("size", "L")];
    let lead = lead(&sarah().values.iter().map(|(f, v)| (*f, v.as_str())).collect::<Vec<_>>(), &unmapped);
    assert_eq!(
        Json::Object(stateset.body(&lead, &Progress::default())),
        json!({
            "firstName": "Sarah",
            "lastName": "Johnson",
            "email": "sarah@example.com",
            "phone": "010",
            "department": "Sales",
            "do_not_call": true,
            "leadSource": "website",
            "description": "Wants A\n\nphone: +1-555-0100\nsize: L\nemail_opt_out: perhaps",
        })
    );
    // What StateSet refuses of them moves to the note too, and the built-in value does not take its place.
    let body = stateset.body(&lead, &without(&["department", "phone"]));
    assert_eq!((body.get("phone"), body.get("department")), (None, None));
    assert_eq!(
        body["description"],
        "Wants A\n\nphone: +1-555-0100\nsize: L\nphone: 010\ndepartment: Sales\nemail_opt_out: perhaps"
    );
}

#[test]
fn a_source_without_a_word_of_its_own_is_other_and_stays_in_the_note() {
    let values = [
        (LeadField::FirstName, "S"),
        (LeadField::LastName, "J"),
        (LeadField::Email, "s@example.com"),
        (LeadField::Source, "fair in Seoul"),
    ];
    let body = sent(&lead(&values, &[]), &Progress::default());
    assert_eq!((&body["leadSource"], &body["description"]), (&json!("other"), &json!("source: fair in Seoul")));
}

#[test]
fn refused_values_move_to_the_note_under_another_key() {
    let progress = without(&["phone", "leadSource"]);
    assert_eq!(
        sent(&sarah(), &progress),
        json!({
            "firstName": "Sarah",
            "lastName": "Johnson",
            "email": "sarah@example.com",
            "description": "phone: +1-555-0100",
        })
    );
    let key = call(&sarah(), &progress).headers.pop();
    assert_eq!(key, Some(("Idempotency-Key", HeaderValue::Text("0190-1-acme-stateset-without-2".into()))));
}

#[test]
fn what_a_person_sends_again_has_a_key_of_its_own() {
    for (sent_again, left_out, expected) in [
        (0, &[][..], "0190-1-acme-stateset"),
        (1, &[], "0190-1-acme-stateset-again-1"),
        (2, &["phone"], "0190-1-acme-stateset-again-2-without-1"),
    ] {
        let key = call(&sarah(), &Progress { sent_again, ..without(left_out) }).headers.pop();
        assert_eq!(key, Some(("Idempotency-Key", HeaderValue::Text(expected.into()))));
    }
}

#[test]
fn a_lead_without_an_email_is_not_sent() {
    let nobody = lead(&[(LeadField::Name, "Sarah")], &[]);
    let refused = Step::Refused(Trouble::new(Why::Incomplete, "StateSet requires an email"));
    assert_eq!(stateset().next(&nobody, &Progress::default()), refused);
}

#[test]
fn the_description_is_the_operators_and_the_note() {
    for (own, note, expected) in [
        (None, "", None),
        (None, "note", Some("note")),
        (Some("own"), "", Some("own")),
        (Some("own"), "note", Some("own\n\nnote")),
    ] {
        assert_eq!(description(own, note).as_deref(), expected);
    }
}

#[test]
fn values_of_fields() {
    for (value, expected) in [
        (Value::Text("a".into()), Ok(json!("a"))),
        (Value::Bool(false), Ok(json!(false))),
        (Value::Date("2024-04-16".into()), Ok(json!("2024-04-16"))),
        (Value::Number(5.into()), Err("5".to_owned())),
        (Value::List(vec!["a".into(), "b".into()]), Err("a, b".to_owned())),
    ] {
        assert_eq!(json_of(value), expected);
    }
}

const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

fn verdict(status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = Answer { status, headers, body: body.to_owned() };
    stateset().read(&call(&sarah(), &Progress::default()), &answer)
}

#[test]
fn answers_that_settle_it() {
    let delivered = |id: &str| Verdict::Delivered(RecordRef { id: id.into(), note: None });
    let already = Verdict::Delivered(RecordRef {
        id: String::new(),
        note: Some("already there: StateSet has a lead with this email".into()),
    });
    let rows = [
        (201, r#"{"id":"7c9e","object":"lead","email":"sarah@example.com","status":"new"}"#, delivered("7c9e")),
        (200, r#"{"id":"7c9e"}"#, delivered("7c9e")),
        (
            409,
            r#"{"error":{"code":"RESOURCE_ALREADY_EXISTS","message":"A lead with this email exists","details":{}}}"#,
            already.clone(),
        ),
        (
            409,
            r#"{"error":{"code":"RESOURCE_CONFLICT","message":"Already exists","details":{"field":"email"}}}"#,
            already.clone(),
        ),
        (
            400,
            r#"{"error":{"type":"invalid_request_error","code":"parameter_invalid","message":"must be unique","param":"email"}}"#,
            already,
        ),
    ];
    for (status, body, expected) in rows {
        assert_eq!(verdict(status, &[], body), expected, "{status} {body}");
    }
}

#[test]
fn an_email_that_is_wrong_is_not_there() {
    for message in [
        "the domain of this email does not exist",
        "A unique email is required",
        "email taken@exist.example is invalid: duplicate@",
        "this email has already bounced",
    ] {
        let body =
            json!({ "error": { "code": "parameter_invalid", "message": message, "param": "email" } }).to_string();
        let refused = Verdict::Refused(Trouble::new(Why::Invalid, format!("HTTP 422: {body}")));
        assert_eq!(verdict(422, &[], &body), refused, "{message}");
    }
}

fn left_out(fields: &[&str], why: &str) -> Verdict {
    let lesson = |field: &&str| Lesson::LeftOut { field: (*field).to_owned(), why: why.to_owned() };
    Verdict::GoOn(fields.iter().map(lesson).collect())
}

/// One row a refusal: the body that was sent, and what the lead goes without.
#[test]
fn each_refusal_of_a_value() {
    let mut stateset = stateset();
    let field = |name| TypedField::new(name, Kind::Text, Template::parse("x").unwrap());
    stateset.options.fields = vec![field("department")];
    let required = json!({ "firstName": "S", "lastName": "J", "email": "s@example.com" });
    let with = |more: Json| {
        let mut body = required.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let phone = || with(json!({ "phone": "1", "leadSource": "website" }));
    let own = || with(json!({ "phone": "1", "department": "x" }));
    let long = "x".repeat(1001);
    let by_param = r#"{"error":{"code":"parameter_invalid","message":"too long","param":"phone"}}"#;
    let by_details = r#"{"error":{"code":"X","message":"no","details":{"phone":"format","leadSource":"unknown"}}}"#;
    let by_words = r#"{"error":"leadSource is not one of the known sources"}"#;
    let of_email = r#"{"error":{"code":"X","message":"no","details":{"email":"no","phone":"no"}}}"#;
    let of_text = r#"{"error":{"code":"X","message":"no","param":"description"}}"#;
    let unnamed = r#"{"error":"Bad request"}"#;
    let not_sent = r#"{"error":{"code":"parameter_unknown","message":"no","param":"current_token"}}"#;
    let rows: [(&str, Json, &[&str]); 14] = [
        (by_param, phone(), &["phone"]),
        (by_details, phone(), &["phone", "leadSource"]),
        (by_words, phone(), &["leadSource"]),
        (of_email, phone(), &[]),
        (of_text, with(json!({ "phone": "1", "description": "<b>" })), &["markup"]),
        (of_text, with(json!({ "phone": "1", "description": long })), &["the rest of a long note"]),
        (of_text, with(json!({ "phone": "1", "description": "no" })), &[]),
        // Nothing that was sent is named: the operator's own, then everything else, then the texts.
        (unnamed, own(), &["fields"]),
        (not_sent, own(), &["fields"]),
        (unnamed, phone(), &["everything optional"]),
        (unnamed, with(json!({ "description": "<b>" })), &["markup"]),
        (unnamed, with(json!({ "description": long })), &["the rest of a long note"]),
        (unnamed, with(json!({ "description": "no" })), &[]),
        ("<html>", required.clone(), &[]),
    ];
    for (body, sent, fields) in rows {
        for status in [400, 422] {
            let mut call = call(&sarah(), &Progress::default());
            call.body = Some(sent.to_string());
            let why = format!("HTTP {status}: {body}");
            let refused = Verdict::Refused(Trouble::new(Why::Invalid, &why));
            let expected = if fields.is_empty() { refused } else { left_out(fields, &why) };
            let answer = Answer { status, headers: Vec::new(), body: body.to_owned() };
            assert_eq!(stateset.read(&call, &answer), expected, "{body} {sent}");
        }
    }
}

#[test]
fn answers_that_leave_it_open() {
    type Make = fn(Trouble) -> Verdict;
    let (later, refused): (Make, Make) = (Verdict::TryLater, Verdict::Refused);
    let rows = [
        // A success without a record.
        (200, "", later, Why::Unexpected),
        (201, r#"{"id":"7c9"#, later, Why::Unexpected),
        (201, r#"{"id":""}"#, later, Why::Unexpected),
        (201, r#"{"lead":{"id":"7c9e"}}"#, later, Why::Unexpected),
        (200, "<html><title>Sign in</title></html>", later, Why::Unexpected),
        (204, "", later, Why::Unexpected),
        (
            401,
            r#"{"error":{"code":"INVALID_API_KEY","message":"API key is invalid or revoked"}}"#,
            later,
            Why::Credentials,
        ),
        (403, r#"{"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"no"}}"#, later, Why::Credentials),
        (404, r#"{"error":{"code":"RESOURCE_NOT_FOUND","message":"no"}}"#, refused, Why::NotFound),
        (409, r#"{"error":{"code":"RESOURCE_CONFLICT","message":"handle is taken"}}"#, refused, Why::Conflict),
        (409, r#"{"error":{"code":"idempotency_key_in_use","message":"key in use"}}"#, later, Why::Unavailable),
        (400, r#"{"error":{"code":"idempotency_key_in_use","message":"key in use"}}"#, later, Why::Unavailable),
        (400, r#"{"error":{"code":"RESOURCE_ALRE"#, later, Why::Unexpected),
        (302, "", later, Why::Unavailable),
        (500, r#"{"error":{"code":"INTERNAL_ERROR","message":"no"}}"#, later, Why::Unavailable),
        (502, "<html>Bad gateway</html>", later, Why::Unavailable),
        (503, "", later, Why::Unavailable),
    ];
    for (status, body, make, why) in rows {
        let expected = make(Trouble::new(why, format!("HTTP {status}: {body}")));
        assert_eq!(verdict(status, &[], body), expected, "{status} {body}");
    }
}

#[test]
fn too_many_and_the_wait_that_is_asked_for() {
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<u64>);
    let rows: [Row<'_>; 10] = [
        (&[], None),
        (&[("x-ratelimit-retry-after", "30")], Some(30_000)),
        (&[("retry-after", "1.5")], Some(1500)),
        (&[("x-ratelimit-retry-after", "30"), ("retry-after", "5"), ("x-ratelimit-reset", "60")], Some(30_000)),
        (&[DATE, ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60_000)),
        (&[DATE, ("x-ratelimit-reset", "784111787")], Some(10_000)),
        (&[("x-ratelimit-reset", "45")], Some(45_000)),
        (&[("date", "Thu, 13 Nov 2025 02:13:20 GMT"), ("x-ratelimit-reset", "1763000060")], Some(60_000)),
        (&[("date", "Thu, 13 Nov 2025 02:13:20 GMT"), ("x-ratelimit-reset", "1763000060000")], Some(60_000)),
        // In the past, or without a clock to measure by: the schedule decides.
        (&[("x-ratelimit-reset", "1763000060")], None),
    ];
    for (headers, wait_ms) in rows {
        let expected = Trouble::new(Why::RateLimited, "HTTP 429: {}").wait(wait_ms);
        assert_eq!(verdict(429, headers, "{}"), Verdict::TryLater(expected), "{headers:?}");
    }
    let past = [("date", "Thu, 13 Nov 2025 02:13:20 GMT"), ("x-ratelimit-reset", "1763000000")];
    let expected = Trouble::new(Why::RateLimited, "HTTP 429: ").wait(Some(0));
    assert_eq!(verdict(429, &past, ""), Verdict::TryLater(expected));
}
