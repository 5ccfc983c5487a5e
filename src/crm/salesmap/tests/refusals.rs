//! What a lead goes without, reason by reason; and what the fake workspace holds in the end.

use fakes::Fake;
use fakes::salesmap::Object;
use serde_json::{Value as Json, json};

use super::conversation::{deliver, send};
use super::*;
use crate::config::destination::salesmap::Pipeline;
use crate::domain::{Kind, TypedField};

fn field(name: &str, kind: Kind, template: &str) -> TypedField {
    TypedField::new(name, kind, Template::parse(template).unwrap())
}

fn with_fields() -> Options {
    Options {
        owner_id: Some("u1".into()),
        pipeline: Some(Pipeline { id: "pl".into(), stage_id: "st".into() }),
        organization_fields: vec![field("업종", Kind::Text, "IT")],
        people_fields: vec![field("유입경로", Kind::Text, "{channel|검색}"), field("부서", Kind::Text, "영업")],
        lead_fields: vec![
            field("예산", Kind::Number, "5"),
            field("예산 상세", Kind::Text, "오만"),
            field("수량", Kind::Number, "7"),
        ],
        ..options()
    }
}

fn left_out(fields: &[&str], why: &str) -> Verdict {
    let lesson = |field: &&str| Lesson::LeftOut { field: (*field).to_owned(), why: why.to_owned() };
    Verdict::GoOn(fields.iter().map(lesson).collect())
}

/// The call of a step, with everything that these options make of a full lead.
fn call_of(crm: &Salesmap, step: &str, without: &[&str]) -> Call {
    let facts: &[_] = match step {
        "organization" => &[],
        "people" => &[("organization_id", "o1")],
        _ => &[("organization_id", "o1"), ("people_id", "p1")],
    };
    let mut progress = progress(facts, None);
    progress.left_out = without.iter().map(|field| (*field).to_owned()).collect();
    match crm.next(&full_lead(), &progress) {
        Step::Call(call) if call.step == step => *call,
        other => panic!("{step}: {other:?}"),
    }
}

#[test]
fn what_each_reason_costs() {
    let undefined = "people 유입경로에 정의 되지 않은 값을 입력했습니다.";
    let absent = "담당자의 대상을 찾을 수 없습니다.";
    let all_of_people = &["people_fields"][..];
    let all_of_lead = &["lead_fields"][..];
    let bare_lead = &["lead_fields", "owner_id", "pipeline_id"][..];
    // step, left out before, reason -> left out now; nothing: refused
    let rows = [
        ("people", &[][..], undefined, &["people_fields.유입경로"][..]),
        ("people", all_of_people, undefined, &["phone", "owner_id"]),
        ("people", &["people_fields", "phone", "owner_id"], undefined, &[]),
        ("people", &[], absent, &["owner_id"]),
        ("people", &[], "people 전화에 정의 되지 않은 값을 입력했습니다.", &["phone"]),
        ("people", &[], "organizationId의 대상을 찾을 수 없습니다.", &["company"]),
        ("people", &[], "people에 정의되있지 않은 데이터 필드를 입력했습니다", all_of_people),
        ("people", &["people_fields.유입경로"], "잘못된 값입니다.", all_of_people),
        ("lead", &[], "lead 예산에 numberValue가 없습니다.", &["lead_fields.예산"]),
        ("lead", &[], "lead 예산 상세에 stringValue가 없습니다.", &["lead_fields.예산 상세"]),
        ("lead", &[], "[fieldList,numberValue]: 형식에 맞게 입력해주세요.", &["lead_fields.예산", "lead_fields.수량"]),
        ("lead", &[], "pipelineStageId의 대상을 찾을 수 없습니다.", &["pipeline_id"]),
        ("lead", &[], "잘못된 값입니다.", all_of_lead),
        ("lead", all_of_lead, "잘못된 값입니다.", &["owner_id", "pipeline_id"]),
        ("lead", bare_lead, "잘못된 값입니다.", &[]),
        ("organization", &[], "[name]: 형식에 맞게 입력해주세요.", &["organization_fields"]),
        ("organization", &["organization_fields"], "[name]: 형식에 맞게 입력해주세요.", &["company"]),
    ];
    let crm = salesmap(with_fields());
    for (step, before, reason, now) in rows {
        let body = json!({ "success": false, "message": "Bad Request", "reason": [reason] });
        let answer = Answer { status: 400, headers: Vec::new(), body: body.to_string() };
        let why = if reason.contains("찾을 수 없습니다") { Why::NotFound } else { Why::Invalid };
        let refused = Verdict::Refused(Trouble::new(why, reason));
        let expected = if now.is_empty() { refused } else { left_out(now, reason) };
        assert_eq!(crm.read(&call_of(&crm, step, before), &answer), expected, "{step} {before:?} {reason}");
    }
}

#[test]
fn a_long_memo_is_cut_before_the_lead_is_refused() {
    let crm = salesmap(options());
    let long = lead(&[(LeadField::Name, "Kim"), (LeadField::Message, &"<".repeat(1500))]);
    let mut progress = progress(&[("people_id", "p1")], None);
    let body = json!({ "success": false, "message": "Bad Request", "reason": "잘못된 값입니다." }).to_string();
    let answer = Answer { status: 400, headers: Vec::new(), body };
    let Step::Call(call) = crm.next(&long, &progress) else { panic!("a call") };
    let Verdict::GoOn(lessons) = crm.read(&call, &answer) else { panic!("cut") };
    progress.take(&lessons);
    let Step::Call(call) = crm.next(&long, &progress) else { panic!("a call") };
    let sent: Json = serde_json::from_str(call.body.as_deref().unwrap()).unwrap();
    assert_eq!(sent["memo"], format!("{}\n[…]", "&lt;".repeat(996)));
    assert_eq!(crm.read(&call, &answer), Verdict::Refused(Trouble::new(Why::Invalid, "잘못된 값입니다.")));
}

#[test]
fn a_refused_value_is_in_the_memo_and_the_others_are_in_their_fields() {
    let (mut fake, options) = (fakes::salesmap::Salesmap::new("t"), {
        Options {
            people_fields: vec![field("유입경로", Kind::Text, "{channel}")],
            lead_fields: vec![
                field("문의 유형", Kind::Text, "{kind}"),
                field("예산", Kind::Number, "{budget}"),
                field("없는 필드", Kind::Text, "x"),
            ],
            ..options()
        }
    });
    let mut lead = full_lead();
    for (name, value) in [("channel", "친구"), ("kind", "환불"), ("budget", "300")] {
        lead.submission.fields.push(name, value);
        lead.unmapped.push(name, value);
    }
    let (_, steps) = deliver(&mut fake, &salesmap(options), &lead, None);
    assert_eq!(steps, ["organization", "people", "people", "lead", "lead", "lead"]);
    let records = fake.records();
    assert_eq!(records[1]["fields"], json!({ "이메일": "hong@example.com", "전화": "010-1234-5678" }));
    // The workspace says only that it lacks a field, so all of the record's own go.
    assert_eq!(records[2]["fields"], json!({}));
    let message = "&lt;b&gt;안녕&lt;/b&gt;\n\u{a0}\n&quot;R&amp;D&quot; 문의";
    assert_eq!(records[2]["memo"], format!("{message}\n\u{a0}\nkind: 환불\nbudget: 300\n유입경로: 친구"));
    assert_eq!(fake.complaints(), <[String; 0]>::default());
}

#[test]
fn a_phone_of_somebody_else_is_left_out_and_without_an_email_it_is_the_same_person() {
    let mut fake = fakes::salesmap::Salesmap::new("t");
    fake.prevent_duplicates(Object::People, "전화");
    let crm = salesmap(options());
    let person = |email: Option<&str>| {
        let values = [(LeadField::Name, Some("Kim")), (LeadField::Phone, Some("02-1")), (LeadField::Email, email)];
        lead(&values.iter().filter_map(|(field, value)| Some((*field, (*value)?))).collect::<Vec<_>>())
    };
    let steps = |fake: &mut _, email| deliver(fake, &crm, &person(email), None).1;
    assert_eq!(steps(&mut fake, Some("a@example.com")), ["people", "lead"]);
    assert_eq!(steps(&mut fake, Some("b@example.com")), ["people", "people", "lead"]);
    assert_eq!(steps(&mut fake, None), ["people", "lead"]);
    let records = fake.records();
    let kinds: Vec<_> = records.iter().map(|record| record["record"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["person", "lead", "person", "lead", "lead"]);
    assert_eq!(records[2]["fields"], json!({ "이메일": "b@example.com" }));
    assert_eq!((&records[3]["memo"], &records[3]["peopleId"]), (&json!("phone: 02-1"), &records[2]["id"]));
    assert_eq!(records[4]["peopleId"], records[0]["id"]);
}

/// The outage of the issue: both creates of one visitor are in doubt, and one of them was made.
#[test]
fn two_messages_of_one_visitor_are_two_leads_whatever_gets_lost() {
    for lost in ["first", "second", "none"] {
        let (mut fake, crm) = (fakes::salesmap::Salesmap::new("t"), salesmap(options()));
        let message = |id: &str, text: &str| {
            let mut lead =
                lead(&[(LeadField::Name, "Kim"), (LeadField::Email, "k@example.com"), (LeadField::Message, text)]);
            lead.submission.id = id.into();
            lead
        };
        let leads = [message("1", "hello"), message("2", "are you there?")];
        let mut all = [Progress::default(), Progress::default()];
        for (lead, progress) in leads.iter().zip(&mut all) {
            let Step::Call(call) = crm.next(lead, progress) else { panic!("a call") };
            let Verdict::GoOn(lessons) = crm.read(&call, &send(&mut fake, &call)) else { panic!("a person") };
            progress.take(&lessons);
        }
        for (which, (lead, progress)) in ["first", "second"].iter().zip(leads.iter().zip(&mut all)) {
            let Step::Call(call) = crm.next(lead, progress) else { panic!("a call") };
            if *which != lost {
                send(&mut fake, &call);
            }
            progress.in_doubt = Some(call.step.to_owned());
        }
        for (lead, progress) in leads.iter().zip(&mut all) {
            while let Step::Call(call) = crm.next(lead, progress) {
                match crm.read(&call, &send(&mut fake, &call)) {
                    Verdict::GoOn(lessons) => progress.take(&lessons),
                    Verdict::Delivered(_) => break,
                    other => panic!("{other:?}"),
                }
            }
        }
        let mut memos: Vec<_> = fake.records().iter().filter_map(|r| Some(r["memo"].as_str()?.to_owned())).collect();
        memos.sort();
        assert_eq!(memos.len(), 2, "{lost}: {memos:?}");
        assert!(memos[0].starts_with("are you there?") && memos[1].starts_with("hello"), "{lost}: {memos:?}");
    }
}
