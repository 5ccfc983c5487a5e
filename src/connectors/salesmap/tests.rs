//! Requests, responses, the order of steps, and the options of a Salesmap destination.

use super::*;
use crate::connectors::testing::{self, account, destination, lead};

const SINCE: &str = "2024-04-16T07:17:17.516Z";

fn salesmap(options: &Json) -> std::rc::Rc<dyn AnyConnector> {
    let mut settings = json!({ "type": "salesmap" });
    settings.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    account("acme-salesmap", settings)
}

fn full_lead() -> Lead {
    lead(&[
        ("name", "홍길동"),
        ("email", "hong@example.com"),
        ("phone", "010-1234-5678"),
        ("company", "Acme & Co"),
        ("message", "<b>안녕</b>\n\n\"R&D\" 문의"),
        ("channel", "검색"),
        ("budget", "300"),
    ])
}

fn all_options() -> Json {
    json!({
        "owner_id": "u1", "pipeline_id": "pl", "pipeline_stage_id": "st",
        "organization_fields": { "업종": "IT" },
        "people_fields": { "유입경로": "{channel}", "부서": "영업" },
        "lead_fields": { "예산": { "number": "{budget}" }, "예산 상세": "오만", "수량": 7 },
    })
}

fn known(id: &str, is_new: bool) -> Json {
    json!({ "id": id, "is_new": is_new })
}

/// Progress with these records; `None` is not there yet.
fn progress(organization: Option<bool>, person: Option<bool>, in_doubt: Option<&str>) -> Progress<Json> {
    let state = json!({
        "organization": organization.map(|is_new| known("o1", is_new)),
        "person": person.map(|is_new| known("p1", is_new)),
    });
    Progress { state, in_doubt: in_doubt.map(str::to_owned), ..Progress::default() }
}

fn next(salesmap: &dyn AnyConnector, lead: &Lead, progress: &Progress<Json>) -> Call {
    testing::call(salesmap.next(lead, progress, &Json::Null))
}

/// The body of the create of a step.
fn body_of(salesmap: &dyn AnyConnector, lead: &Lead, progress: &Progress<Json>, step: &str) -> Json {
    let call = next(salesmap, lead, progress);
    assert_eq!(call.step, step);
    testing::body(&call)
}

fn text(label: &str, value: &str) -> Json {
    json!({ "name": label, "stringValue": value })
}

#[test]
fn requests_for_a_full_and_a_minimal_lead() {
    let (salesmap, full) = (salesmap(&all_options()), full_lead());
    let call = next(&*salesmap, &full, &Progress::default());
    assert_eq!((call.method.name(), call.url.as_str()), ("POST", "https://salesmap.kr/api/v2/organization"));
    assert_eq!(
        testing::headers(&call),
        ["Accept: application/json", "Authorization: Bearer {TOKEN}", "Content-Type: application/json"]
    );
    assert_eq!(testing::body(&call), json!({ "name": "Acme & Co", "fieldList": [text("업종", "IT")] }));

    let owner = json!({ "name": "담당자", "userValueId": "u1" });
    let person = json!({
        "name": "홍길동", "organizationId": "o1",
        "fieldList": [
            text("이메일", "hong@example.com"), text("전화", "010-1234-5678"), owner, text("유입경로", "검색"),
            text("부서", "영업"),
        ],
    });
    assert_eq!(body_of(&*salesmap, &full, &progress(Some(true), None, None), PERSON), person);
    let created = json!({
        "name": "홍길동 (contact)", "peopleId": "p1", "organizationId": "o1", "pipelineId": "pl", "pipelineStageId": "st",
        "memo": "&lt;b&gt;안녕&lt;/b&gt;\n\u{a0}\n&quot;R&amp;D&quot; 문의",
        "fieldList": [
            owner, { "name": "예산", "numberValue": 300 }, text("예산 상세", "오만"), { "name": "수량", "numberValue": 7 },
        ],
    });
    assert_eq!(body_of(&*salesmap, &full, &progress(Some(true), Some(true), None), LEAD), created);

    let minimal = lead(&[("email", "kim@example.com")]);
    let salesmap = self::salesmap(&json!({}));
    let person = json!({ "name": "kim", "fieldList": [text("이메일", "kim@example.com")] });
    assert_eq!(body_of(&*salesmap, &minimal, &Progress::default(), PERSON), person);
    let created = json!({ "name": "kim (contact)", "peopleId": "p1" });
    assert_eq!(body_of(&*salesmap, &minimal, &progress(None, Some(true), None), LEAD), created);
}

#[test]
fn the_memo_has_what_no_record_takes() {
    let (all, full) = (salesmap(&all_options()), full_lead());
    let memo = |salesmap: &dyn AnyConnector, progress: &Progress<Json>| {
        let memo = body_of(salesmap, &full, progress, LEAD)["memo"].as_str().unwrap_or_default().to_owned();
        memo.split_once("문의").expect("the message").1.replace("\n\u{a0}\n", "")
    };
    let known_person = "name: 홍길동\nemail: hong@example.com\nphone: 010-1234-5678\nchannel: 검색";
    assert_eq!(memo(&*all, &progress(Some(true), Some(true), None)), "");
    assert_eq!(memo(&*all, &progress(Some(true), Some(false), None)), known_person);
    assert_eq!(memo(&*all, &progress(Some(false), Some(true), None)), "company: Acme &amp; Co");
    let text = memo(&*salesmap(&json!({ "organization": false })), &progress(None, Some(true), None));
    assert_eq!(text, "company: Acme &amp; Co\nchannel: 검색\nbudget: 300");
    let mut omitted = progress(Some(true), Some(true), None);
    for key in ["organization", "person.전화", "person.유입경로"] {
        omitted.omitted.add(key);
    }
    let text = memo(&*all, &omitted);
    assert_eq!(text, "phone: 010-1234-5678\ncompany: Acme &amp; Co\n유입경로: 검색");
    assert!(body_of(&*all, &full, &omitted, LEAD).get("organizationId").is_none());
}

#[test]
fn a_person_and_a_lead_always_have_a_name() {
    for (fields, template, expected) in [
        (&[("name", "Ann  Lee"), ("email", "a@b.co")][..], "{name} ({form})", Some(("Ann  Lee", "Ann Lee (contact)"))),
        (&[("first_name", "길동"), ("last_name", "홍")], "{name}", Some(("홍길동", "홍길동"))),
        (&[("email", "a@b.co"), ("phone", "02")], "{name} ({form})", Some(("a", "a (contact)"))),
        (&[("phone", "02"), ("company", "Acme")], "{name} ({form})", Some(("02", "02 (contact)"))),
        (&[("company", "Acme")], "{name} ({form})", Some(("Acme", "Acme (contact)"))),
        (&[("email", "a@b.co")], "{name|Anonymous}", Some(("a", "Anonymous"))),
        (&[("email", "a@b.co")], "{subject}", Some(("a", "a"))),
        (&[("name", "Ann"), ("message", "one\ntwo")], "{message}", Some(("Ann", "one two"))),
        (&[("message", "hello")], "{name}", None),
    ] {
        let (salesmap, lead) = (salesmap(&json!({ "lead_name": template, "organization": false })), lead(fields));
        let Some((person, name)) = expected else {
            let why = "Salesmap requires a name; the lead has no name, email, phone or company";
            assert_eq!(salesmap.next(&lead, &Progress::default(), &Json::Null), Ok(Step::incomplete(why)));
            continue;
        };
        assert_eq!(body_of(&*salesmap, &lead, &Progress::default(), PERSON)["name"], person, "{fields:?}");
        assert_eq!(body_of(&*salesmap, &lead, &progress(None, Some(true), None), LEAD)["name"], name, "{fields:?}");
    }
}

/// The look-up of one must not find the other's lead.
#[test]
fn leads_of_a_known_person_have_names_of_their_own() {
    let name = |destination: &str, id: &str, template: &str, is_new: bool| {
        let mut lead = full_lead();
        lead.submission.id = id.into();
        let settings = json!({ "type": "salesmap", "lead_name": template });
        let salesmap = account(destination, settings);
        body_of(&*salesmap, &lead, &progress(Some(true), Some(is_new), None), LEAD)["name"].as_str().unwrap().to_owned()
    };
    for (destination, id, template, is_new, expected) in [
        ("a", "1", "{name} ({form})", true, "홍길동 (contact)"),
        ("a", "1", "{name} ({form})", false, "홍길동 (contact) #87a4ad"),
        ("a", "2", "{name} ({form})", false, "홍길동 (contact) #ea5bcf"),
        ("b", "1", "{name} ({form})", false, "홍길동 (contact) #2c3b67"),
        // The template does it already.
        ("a", "1", "{name} {submission_id}", false, "홍길동 1"),
    ] {
        assert_eq!(name(destination, id, template, is_new), expected);
    }
}

#[test]
fn steps() {
    use crate::connectors::Safety::{Create, Idempotent, Read};
    let (full, phone, name) = (full_lead(), lead(&[("name", "Kim"), ("phone", "02-1")]), lead(&[("name", "Kim")]));
    let mut taken = progress(Some(true), None, None);
    taken.state["email_is_taken"] = json!(true);
    let find = |filters: &[(&str, &str, &str)]| {
        let filter = |(label, operator, value): &(&str, &str, &str)| match *value {
            "" => json!({ "fieldName": label, "operator": operator }),
            value => json!({ "fieldName": label, "operator": operator, "value": value }),
        };
        json!({ "filterGroupList": [{ "filters": filters.iter().map(filter).collect::<Vec<_>>() }] })
    };
    let since = ("생성 날짜", "DATE_ON_OR_AFTER", SINCE);
    let by_name = ("이름", "EQ", "Kim");
    let kims_lead = [("이름", "EQ", "Kim (contact)"), since, ("고객", "EQ", "p1")];
    let other_lead = [("이름", "EQ", "Kim (contact) #ee00e8"), since, ("고객", "EQ", "p1")];
    let doubtful = || progress(None, None, Some(PERSON));
    // lead, progress -> step, safety, body of a search
    for (lead, progress, step, safety, body) in [
        (&full, Progress::default(), ORGANIZATION, Idempotent, None),
        (&full, progress(Some(false), None, None), PERSON, Idempotent, None),
        (&full, progress(Some(true), None, Some(PERSON)), PERSON, Idempotent, None),
        (&full, taken, FIND_EMAIL, Read, Some(find(&[("이메일", "EQ", "hong@example.com")]))),
        (&full, progress(Some(true), Some(true), None), LEAD, Create, None),
        (&phone, Progress::default(), PERSON, Create, None),
        (&phone, doubtful(), FIND_PERSON, Read, Some(find(&[by_name, ("전화", "EQ", "02-1"), since]))),
        (&name, doubtful(), FIND_PERSON, Read, Some(find(&[by_name, ("전화", "NOT_EXISTS", ""), since]))),
        (&name, progress(None, Some(true), None), LEAD, Create, None),
        (&name, progress(None, Some(true), Some(LEAD)), FIND_LEAD, Read, Some(find(&kims_lead))),
        (&name, progress(None, Some(false), Some(LEAD)), FIND_LEAD, Read, Some(find(&other_lead))),
    ] {
        let salesmap = salesmap(&json!({}));
        let call = next(&*salesmap, lead, &progress);
        assert_eq!((call.step, call.safety), (step, safety));
        assert_eq!(salesmap.cost(&call), if safety == Read { 10 } else { 1 }, "{step}");
        if let Some(body) = body {
            assert_eq!(testing::body(&call), body, "{step}");
        }
    }
}

/// What is read from a response to the step's call for a full lead: outcome, state, what is in doubt.
fn read(step: &str, status: u16, body: &str) -> (String, Json, Option<String>) {
    let salesmap = salesmap(&all_options());
    let mut progress = match step {
        ORGANIZATION => Progress::default(),
        PERSON | FIND_EMAIL => progress(Some(true), None, None),
        FIND_LEAD => progress(Some(true), Some(true), Some(LEAD)),
        _ => progress(Some(true), Some(true), None),
    };
    if step == FIND_EMAIL {
        progress.state["email_is_taken"] = json!(true);
    }
    let call = next(&*salesmap, &full_lead(), &progress);
    assert_eq!(call.step, step);
    let outcome = testing::read(&*salesmap, &DESCRIPTOR, &call, status, body, &mut progress, &mut Json::Null);
    (outcome, progress.state, progress.in_doubt)
}

#[test]
fn what_each_response_means() {
    let made = |member: &str| json!({ "success": true, "data": { member: { "id": "x1" } } }).to_string();
    let list = |list: Json| json!({ "success": true, "data": { "objectList": list, "nextCursor": null } }).to_string();
    let no = |reason: &str| json!({ "success": false, "message": "Bad Request", "reason": reason }).to_string();
    let exists = |reason: &str| {
        json!({ "success": false, "message": "Bad Request", "reason": [reason], "data": { "id": "x1", "name": "홍" } })
            .to_string()
    };
    let docs = r#"{"success":false,"message":"에러 메세지"}"#.to_owned();
    let (new, old) = (known("x1", true), known("x1", false));
    // step, status, body -> outcome, the state's organization or person
    for (step, status, body, expected, record) in [
        (ORGANIZATION, 201, made("organization"), "continue", Some(&new)),
        (ORGANIZATION, 400, exists("이미 존재하는 이름입니다"), "continue", Some(&old)),
        (PERSON, 201, made("people"), "continue", Some(&new)),
        (PERSON, 400, exists("이미 존재하는 이메일입니다"), "continue", Some(&old)),
        (PERSON, 201, exists("동일한 이메일을 가진 고객이 존재합니다."), "continue", Some(&old)),
        // Somebody else has the phone.
        (PERSON, 400, exists("이미 존재하는 전화입니다"), "continue omitted person.전화", None),
        (PERSON, 400, docs.clone(), "continue omitted everything optional", None),
        (FIND_EMAIL, 200, list(json!([{ "id": "x1", "name": "홍" }])), "continue", Some(&old)),
        (FIND_EMAIL, 200, list(json!([])), "retry unexpected", None),
        (LEAD, 201, made("lead"), "delivered x1", None),
        (LEAD, 200, made("lead"), "delivered x1", None),
        (LEAD, 201, made("people"), "retry unexpected", None),
        (LEAD, 201, no("[name]: 필수 입력 사항입니다."), "continue omitted everything optional", None),
        (LEAD, 409, docs.clone(), "continue omitted everything optional", None),
        (LEAD, 401, no("유효하지 않은 토큰입니다."), "retry credentials", None),
        (LEAD, 403, docs.clone(), "retry credentials", None),
        (LEAD, 423, docs.clone(), "retry unavailable", None),
        (LEAD, 500, docs, "retry unavailable", None),
        (FIND_LEAD, 200, list(json!([{ "id": "x1", "name": "문의" }])), "delivered x1", None),
        (FIND_LEAD, 200, list(json!([{ "name": "문의" }])), "retry unexpected", None),
        (FIND_LEAD, 200, r#"{"success":true,"data":{}}"#.into(), "retry unexpected", None),
    ] {
        let (outcome, state, _) = read(step, status, &body);
        assert_eq!(outcome, expected, "{step} {status} {body}");
        let member = if step == ORGANIZATION { "organization" } else { "person" };
        if let Some(record) = record {
            assert_eq!(state[member], *record, "{step} {status} {body}");
        } else if step != LEAD && step != FIND_LEAD {
            assert!(state[member].is_null(), "{step} {status} {body}");
        }
    }
    for (step, reason, expected) in [
        (ORGANIZATION, "[name]: 형식에 맞게 입력해주세요.", "continue omitted organization"),
        (ORGANIZATION, "organization 업종에 정의 되지 않은 값을 입력했습니다.", "continue omitted organization.업종"),
        (PERSON, "people 유입경로에 정의 되지 않은 값을 입력했습니다.", "continue omitted person.유입경로"),
        (PERSON, "담당자의 대상을 찾을 수 없습니다.", "continue omitted person.담당자"),
        (PERSON, "organizationId의 대상을 찾을 수 없습니다.", "continue omitted organization"),
        (LEAD, "lead 예산에 numberValue가 없습니다.", "continue omitted lead.예산"),
        (LEAD, "lead 예산 상세에 stringValue가 없습니다.", "continue omitted lead.예산 상세"),
        (LEAD, "[fieldList,numberValue]: 형식에 맞게 입력해주세요.", "continue omitted lead.예산, lead.수량"),
        (LEAD, "pipelineStageId의 대상을 찾을 수 없습니다.", "continue omitted lead.pipelineId"),
        (LEAD, "[memo]: 형식에 맞게 입력해주세요.", "continue omitted the note's markup and length"),
        (LEAD, "허용되지 않은 IP입니다.", "retry credentials"),
        (FIND_LEAD, "Invalid fieldName: 고객", "rejected invalid"),
    ] {
        let (outcome, state, _) = read(step, 400, &no(reason));
        assert_eq!(outcome, expected, "{step} {reason}");
        assert!(step == LEAD || step == FIND_LEAD || state["person"].is_null(), "{step} {reason}");
    }
    // The email's holder is not named, so the next step looks for them.
    assert_eq!(read(PERSON, 400, &no("이미 존재하는 이메일입니다")).1["email_is_taken"], true);
    let (outcome, state, in_doubt) = read(FIND_LEAD, 200, &list(json!([])));
    assert_eq!((outcome.as_str(), &state["person"], in_doubt), ("continue", &known("p1", true), None));
    // A person of another workspace: the delivery starts over.
    let (outcome, state, in_doubt) = read(LEAD, 400, &no("peopleId의 대상을 찾을 수 없습니다."));
    assert_eq!((outcome.as_str(), in_doubt.as_deref()), ("retry not_found", Some(PERSON)));
    assert_eq!(state, serde_json::to_value(State::default()).unwrap());
}

#[test]
fn a_visitors_words_neither_pause_a_destination_nor_say_how_long() {
    let salesmap = salesmap(&json!({}));
    let lead =
        lead(&[("name", "Kim"), ("message", "안녕하세요\n허용되지 않은 IP <9시간>\n99999초 후 재시도해주세요.")]);
    let call = next(&*salesmap, &lead, &progress(None, Some(true), None));
    for (status, reason, expected) in [
        (400, "허용되지 않은 IP 값입니다: 99999초", ("continue", None)),
        (429, "'99999초 후 재시도해주세요.' 2초 후 재시도", ("retry", Some(2_000))),
    ] {
        let body = json!({ "success": false, "reason": reason }).to_string();
        let response = Response::new(DESCRIPTOR.format(), status, Vec::new(), &body, 0);
        let outcome = salesmap.read(&call, &response, &mut Progress::default(), &mut Json::Null).unwrap();
        let wait_ms = if let Outcome::Retry(failure) = &outcome { failure.wait_ms } else { None };
        assert_eq!((outcome.name(), wait_ms), expected, "{reason}");
    }
}

/// Only Salesmap's own word about a create counts: anything else leaves it in doubt, and it is looked up.
#[test]
fn a_create_that_something_else_answers_is_never_sent_again_unseen() {
    let salesmap = salesmap(&json!({}));
    let lead = lead(&[("name", "Kim"), ("message", "hello")]);
    for (step, progress, look_up) in
        [(PERSON, Progress::default(), FIND_PERSON), (LEAD, progress(None, Some(true), None), FIND_LEAD)]
    {
        for (status, body) in [
            (200, "[]"),
            (200, r#"{"message":"ok"}"#),
            (201, r#"{"success":true}"#),
            (307, r#"{"success":false,"message":"Moved"}"#),
            (400, r#"{"error":"Invalid request"}"#),
            (408, r#"{"success":false,"message":"Request Timeout"}"#),
            (500, r#"{"message":"Unexpected Server Error"}"#),
        ] {
            let call = next(&*salesmap, &lead, &progress);
            let mut after = Progress { in_doubt: Some(step.to_owned()), ..progress.clone() };
            let response = Response::new(DESCRIPTOR.format(), status, Vec::new(), body, 0);
            let outcome = salesmap.read(&call, &response, &mut after, &mut Json::Null).unwrap();
            assert!(matches!(outcome, Outcome::Retry(_)), "{step} {status} {body}: {outcome:?}");
            assert!(!response.settles(&call, &outcome), "{step} {status} {body}");
            assert_eq!(next(&*salesmap, &lead, &after).step, look_up, "{step} {status} {body}");
        }
    }
}

#[test]
fn without_an_email_a_unique_phone_tells_who_it_is() {
    let salesmap = salesmap(&json!({}));
    let call = next(&*salesmap, &lead(&[("name", "Kim"), ("phone", "02-1")]), &Progress::default());
    let body = r#"{"success":false,"reason":"이미 존재하는 전화입니다","data":{"id":"x1"}}"#;
    let mut progress = Progress::default();
    let outcome = testing::read(&*salesmap, &DESCRIPTOR, &call, 400, body, &mut progress, &mut Json::Null);
    assert_eq!((outcome.as_str(), &progress.state["person"]), ("continue", &known("x1", false)));
}

#[test]
fn waits_of_the_rate_limit() {
    let call = next(&*salesmap(&json!({})), &full_lead(), &Progress::default());
    for (headers, body, wait_ms) in [
        (&[][..], r#"{"success":false,"message":"Too Many Requests"}"#, Some(10_000)),
        (&[], r#"{"success":false,"message":"Too Many Requests","reason":"2.35초 후 재시도해주세요."}"#, Some(2_350)),
        (&[], r#"{"success":false,"message":"Too Many Requests","reason":"약 7초 후 재시도해주세요."}"#, Some(7_000)),
        (&[("retry-after", "3")], r#"{"success":false,"message":"Too Many Requests"}"#, Some(3_000)),
        (&[], "<html>busy</html>", None),
    ] {
        let headers = headers.iter().map(|(name, value): &(&str, &str)| ((*name).into(), (*value).into())).collect();
        let response = Response::new(DESCRIPTOR.format(), 429, headers, body, 0);
        let outcome = salesmap(&json!({})).read(&call, &response, &mut Progress::default(), &mut Json::Null).unwrap();
        let Outcome::Retry(failure) = outcome else { panic!("{outcome:?}") };
        assert_eq!((failure.kind, failure.wait_ms), (FailureKind::RateLimited, wait_ms), "{body}");
    }
}

#[test]
fn mistakes_in_the_options() {
    for (options, expected) in [
        (r#"{"pipeline_id":"p"}"#, "pipeline_stage_id: is missing; Salesmap takes it together with pipeline_id"),
        (r#"{"pipeline_stage_id":"s"}"#, "pipeline_id: is missing; Salesmap takes it together with pipeline_stage_id"),
        (r#"{"phone_label":"이메일"}"#, "phone_label: is \"이메일\", which is the label of the email too"),
        (
            r#"{"lead_fields":{"파이프라인":{"pipeline":"p"}}}"#,
            "lead_fields.파이프라인: is not one of the fields; use pipeline_id",
        ),
        (r#"{"owner_id":"u","lead_fields":{"담당자":{"user":"v"}}}"#, "lead_fields.담당자: is filled by owner_id"),
        (
            r#"{"email_label":"Mail","people_fields":{"Mail":"{email}"}}"#,
            "people_fields.Mail: holds the email (email_label); map the lead field `email`",
        ),
        (
            r#"{"organization_fields":{"이름":"{company}"}}"#,
            "organization_fields.이름: is the organization's name; map the lead field `company`",
        ),
    ] {
        let mut settings: Json = serde_json::from_str(options).unwrap();
        settings["type"] = json!("salesmap");
        let errors = destination("acme", settings).unwrap_err();
        assert!(errors.ends_with(expected) && errors.lines().count() == 1, "{options}: {errors}");
    }
}
