//! Whole deliveries against the fake Salesmap, with answers that get lost on the way.

use fakes::salesmap::{PIPELINE_ID, STAGE_ID, USER_ID};
use fakes::{Fake, Request};
use serde_json::{Value as Json, json};

use super::*;
use crate::config::destination::salesmap::Pipeline;

const NOW: i64 = 1_712_553_926_520;

/// Sends a call to the fake and gives back what it answered.
fn send(fake: &mut fakes::salesmap::Salesmap, call: &Call) -> Answer {
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
fn deliver(
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
    let lead = "lead 홍길동 (contact)";
    assert_eq!(names(&fake), ["organization Acme & Co", "person 홍길동", lead, lead]);
    let records = fake.records();
    assert_eq!(records[3]["peopleId"], records[1]["id"]);
    assert_eq!(records[3]["organizationId"], records[0]["id"]);
    assert_eq!(fake.complaints(), <[String; 0]>::default());
}

#[test]
fn an_answer_lost_anywhere_doubles_nothing() {
    type Case<'a> = (&'a Lead, &'a str, &'a [&'a str], &'a [&'a str]);
    let full = ["organization Acme & Co", "person 홍길동", "lead 홍길동 (contact)"];
    let by_phone = lead(&[(LeadField::Name, "Kim"), (LeadField::Phone, "02-1")]);
    let name_only = lead(&[(LeadField::Name, "Kim")]);
    let kim = ["person Kim", "lead Kim (contact)"];
    let cases: [Case<'_>; 6] = [
        (&full_lead(), "organization", &["organization", "organization", "people", "lead"], &full),
        (&full_lead(), "people", &["organization", "people", "people", "lead"], &full),
        (&full_lead(), "lead", &["organization", "people", "lead", "find_lead"], &full),
        (&by_phone, "people", &["people", "find_people", "lead"], &kim),
        (&by_phone, "lead", &["people", "lead", "find_lead"], &kim),
        (&name_only, "people", &["people", "find_people", "lead"], &kim),
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
