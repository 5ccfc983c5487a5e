//! Whole deliveries against the fake Salesmap, with answers that get lost on the way.

use fakes::salesmap::{PIPELINE_ID, RELATED_ID, STAGE_ID, USER_ID};
use fakes::{Fake, Request};
use serde_json::{Value as Json, json};

use super::*;
use crate::config::destination::salesmap::{KINDS, Pipeline};
use crate::domain::{Kind, TypedField};
use crate::lead::typed::Value;

const NOW: i64 = 1_712_553_926_520;

/// Sends a call to the fake and gives back what it answered.
pub(super) fn send(fake: &mut fakes::salesmap::Salesmap, call: &Call) -> Answer {
    let headers = call.sealed(NOW, |name| (name == "ACME_SALESMAP_TOKEN").then(|| "t".to_owned())).unwrap();
    let request = Request {
        method: call.method.name().into(),
        host: "salesmap.kr".into(),
        path: call.url.strip_prefix("https://salesmap.kr").unwrap().into(),
        query: Vec::new(),
        headers: headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect(),
        body: call.body.clone().unwrap_or_default(),
    };
    let response = fake.answer(&request, NOW);
    let headers = response.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    Answer { status: response.status, headers, body: response.body }
}

/// Delivers one lead; the answer to the first call of the step `lost` never comes. Returns the record and the steps.
pub(super) fn deliver(
    fake: &mut fakes::salesmap::Salesmap,
    crm: &Salesmap,
    lead: &Lead,
    mut lost: Option<&str>,
) -> (RecordRef, Vec<&'static str>) {
    let (mut progress, mut steps) = (Progress::default(), Vec::new());
    while steps.len() < 10 {
        let Step::Call(call) = crm.next(lead, &progress) else { panic!("a call") };
        steps.push(call.step);
        let answer = send(fake, &call);
        if lost == Some(call.step) {
            lost = None;
            progress.in_doubt = (call.safety == Safety::Create).then(|| call.step.to_owned());
            continue;
        }
        match crm.read(&call, &answer) {
            Verdict::GoOn(lessons) => progress.take(&lessons),
            Verdict::Delivered(record) => return (record, steps),
            verdict => panic!("{}: {verdict:?}", call.step),
        }
    }
    panic!("no end: {steps:?}");
}

fn names(fake: &fakes::salesmap::Salesmap) -> Vec<String> {
    let name = |record: &Json| format!("{} {}", record["record"].as_str().unwrap(), record["name"].as_str().unwrap());
    fake.records().iter().map(name).collect()
}

#[test]
fn a_lead_becomes_three_records() {
    let mut fake = fakes::salesmap::Salesmap::new("t");
    let crm = salesmap(Options {
        owner_id: Some(USER_ID.into()),
        pipeline: Some(Pipeline { id: PIPELINE_ID.into(), stage_id: STAGE_ID.into() }),
        ..options()
    });
    let (record, steps) = deliver(&mut fake, &crm, &full_lead(), None);
    assert_eq!(steps, ["organization", "people", "lead"]);
    let records = fake.records();
    let (organization, person) = (&records[0]["id"], &records[1]["id"]);
    let created_at = "2024-04-08T05:25:26.520Z";
    let expected = [
        json!({ "record": "organization", "id": organization, "name": "Acme & Co", "createdAt": created_at, "fields": {} }),
        json!({
            "record": "person",
            "id": person,
            "name": "홍길동",
            "createdAt": created_at,
            "organizationId": organization,
            "fields": { "이메일": "hong@example.com", "전화": "010-1234-5678", "담당자": USER_ID },
        }),
        json!({
            "record": "lead",
            "id": record.id,
            "name": "홍길동 (contact)",
            "createdAt": created_at,
            "peopleId": person,
            "organizationId": organization,
            "memo": "&lt;b&gt;안녕&lt;/b&gt;\n\u{a0}\n&quot;R&amp;D&quot; 문의",
            "pipelineId": PIPELINE_ID,
            "pipelineStageId": STAGE_ID,
            "fields": { "담당자": USER_ID },
        }),
    ];
    assert_eq!(records, expected);
    assert_eq!(fake.complaints(), <[String; 0]>::default());
}

#[test]
fn a_returning_visitor_gets_a_lead_and_no_second_person() {
    let (mut fake, crm) = (fakes::salesmap::Salesmap::new("t"), salesmap(options()));
    deliver(&mut fake, &crm, &full_lead(), None);
    deliver(&mut fake, &crm, &full_lead(), None);
    let leads = ["lead 홍길동 (contact)", "lead 홍길동 (contact) #bcffd6"];
    assert_eq!(names(&fake), ["organization Acme & Co", "person 홍길동", leads[0], leads[1]]);
    let records = fake.records();
    assert_eq!(records[3]["peopleId"], records[1]["id"]);
    assert_eq!(records[3]["organizationId"], records[0]["id"]);
    assert_eq!(fake.complaints(), <[String; 0]>::default());
}

#[test]
fn a_person_whose_id_is_not_told_is_found_by_the_email() {
    let (mut fake, crm) = (fakes::salesmap::Salesmap::new("t"), salesmap(options()));
    let lead = lead(&[(LeadField::Name, "Kim"), (LeadField::Email, "k+1@example.com"), (LeadField::Phone, "02-1")]);
    deliver(&mut fake, &crm, &lead, None);
    fake.be_terse(true);
    let (_, steps) = deliver(&mut fake, &crm, &lead, None);
    assert_eq!(steps, ["people", "find_email", "lead"]);
    assert_eq!(names(&fake), ["person Kim", "lead Kim (contact)", "lead Kim (contact) #bcffd6"]);
    let records = fake.records();
    assert_eq!(records[2]["peopleId"], records[0]["id"]);
    // Nothing was written to the person, so the memo has what the visitor gave.
    let memo = records[2]["memo"].as_str().unwrap();
    assert!(memo.contains("phone: 02-1"), "{memo}");
    assert_eq!(fake.complaints(), <[String; 0]>::default());
}

#[test]
fn an_answer_lost_anywhere_doubles_nothing() {
    type Case<'a> = (&'a Lead, &'a str, &'a [&'a str], &'a [&'a str]);
    let full = ["organization Acme & Co", "person 홍길동", "lead 홍길동 (contact)"];
    // Whether it was this delivery that made the person is not known any more: the lead gets a name of its own.
    let coded = [full[0], full[1], "lead 홍길동 (contact) #bcffd6"];
    let by_phone = lead(&[(LeadField::Name, "Kim"), (LeadField::Phone, "02-1")]);
    let name_only = lead(&[(LeadField::Name, "Kim")]);
    let kim = ["person Kim", "lead Kim (contact)"];
    let coded_kim = ["person Kim", "lead Kim (contact) #bcffd6"];
    let cases: [Case<'_>; 6] = [
        (&full_lead(), "organization", &["organization", "organization", "people", "lead"], &full),
        (&full_lead(), "people", &["organization", "people", "people", "lead"], &coded),
        (&full_lead(), "lead", &["organization", "people", "lead", "find_lead"], &full),
        (&by_phone, "people", &["people", "find_people", "lead"], &coded_kim),
        (&by_phone, "lead", &["people", "lead", "find_lead"], &kim),
        (&name_only, "people", &["people", "find_people", "lead"], &coded_kim),
    ];
    for (lead, lost, steps, held) in cases {
        let (mut fake, crm) = (fakes::salesmap::Salesmap::new("t"), salesmap(options()));
        let (record, taken) = deliver(&mut fake, &crm, lead, Some(lost));
        assert_eq!(taken, steps, "{lost}");
        assert_eq!(names(&fake), held, "{lost}");
        assert_eq!(record.id, fake.records().last().unwrap()["id"].as_str().unwrap());
        assert_eq!(fake.complaints(), <[String; 0]>::default());
    }
}

#[test]
fn a_create_that_never_arrived_is_made() {
    let (mut fake, crm) = (fakes::salesmap::Salesmap::new("t"), salesmap(options()));
    let lead = lead(&[(LeadField::Name, "Kim"), (LeadField::Email, "k@example.com")]);
    let Step::Call(people) = crm.next(&lead, &Progress::default()) else { panic!("a call") };
    let answer = send(&mut fake, &people);
    let Verdict::GoOn(lessons) = crm.read(&people, &answer) else { panic!("a person") };
    let mut progress = Progress { in_doubt: Some("lead".into()), ..Progress::default() };
    progress.take(&lessons);
    let Step::Call(find) = crm.next(&lead, &progress) else { panic!("a call") };
    let answer = send(&mut fake, &find);
    assert_eq!(crm.read(&find, &answer), Verdict::GoOn(vec![Lesson::NotInDoubt]));
}

#[test]
fn every_kind_of_field_is_taken() {
    let (mut fake, crm) = (fakes::salesmap::Salesmap::new("t"), salesmap(options()));
    let (first, _) = deliver(&mut fake, &crm, &full_lead(), None);
    let ids: Vec<_> = fake.records().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect();
    let [organization, person, _] = ids.as_slice() else { panic!("three records") };
    let id = |id: &str| Value::Text(id.to_owned());
    let ids = |id: &str| Value::List(vec![id.to_owned()]);
    let cases = [
        ("유입 페이지", "text", Value::Text("/가격".into())),
        ("예산", "number", Value::Number(12000.into())),
        ("마케팅 동의", "bool", Value::Bool(false)),
        ("방문 희망일", "date", Value::Date("2024-04-16".into())),
        ("상담 일시", "datetime", Value::DateTime("2024-04-16T07:18:17.516Z".into())),
        ("관심 제품", "list", ids("고급형")),
        ("담당자", "user", id(USER_ID)),
        ("팔로워", "users", ids(USER_ID)),
        ("추천인", "person", id(person)),
        ("참석자", "people", ids(person)),
        ("대리점", "organization", id(organization)),
        ("협력사", "organizations", ids(organization)),
        ("이전 파이프라인", "pipeline", id(PIPELINE_ID)),
        ("이전 단계", "pipeline_stage", id(STAGE_ID)),
        ("웹 폼", "web_form", id(RELATED_ID)),
        ("웹 폼 목록", "web_forms", ids(RELATED_ID)),
        ("시퀀스", "sequence", id(RELATED_ID)),
        ("시퀀스 목록", "sequences", ids(RELATED_ID)),
        ("이전 딜", "deal", id(RELATED_ID)),
        ("관련 딜", "deals", ids(RELATED_ID)),
        ("관련 리드", "leads", ids(&first.id)),
        ("관련 오브젝트", "custom_objects", ids(RELATED_ID)),
        ("담당 팀", "teams", ids(RELATED_ID)),
        ("관심 상품", "products", ids(RELATED_ID)),
    ];
    assert_eq!(
        cases.iter().map(|(_, word, _)| *word).collect::<Vec<_>>(),
        KINDS.iter().map(|(word, _)| *word).collect::<Vec<_>>()
    );
    let list: Vec<_> = cases
        .iter()
        .map(|(name, word, value)| {
            let field = TypedField { word, ..TypedField::new(name, Kind::Text, Template { parts: Vec::new() }) };
            fields::item(&field, value)
        })
        .collect();
    let body = json!({ "name": "x", "peopleId": person, "fieldList": list });
    let Step::Call(call) = call("lead", "lead", &body, Safety::Create) else { panic!("a call") };
    let answer = send(&mut fake, &call);
    assert!(matches!(crm.read(&call, &answer), Verdict::Delivered(_)), "{answer:?}");
    assert_eq!(fake.complaints(), <[String; 0]>::default());
}
