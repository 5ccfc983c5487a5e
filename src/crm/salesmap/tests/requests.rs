//! What Salesmap is sent, compared whole.

use serde_json::{Value as Json, json};

use super::*;
use crate::config::destination::salesmap::Pipeline;
use crate::intake::form::Form;
use crate::lead::from_submission;

#[test]
fn a_full_lead_in_three_calls() {
    let (crm, lead) = (salesmap(options()), full_lead());
    let people = json!({
        "name": "홍길동",
        "organizationId": "o1",
        "fieldList": [
            { "name": "이메일", "stringValue": "hong@example.com" },
            { "name": "전화", "stringValue": "010-1234-5678" },
        ],
    });
    let body = json!({
        "name": "홍길동 (contact)",
        "peopleId": "p1",
        "organizationId": "o1",
        "memo": "&lt;b&gt;안녕&lt;/b&gt;\n\u{a0}\n&quot;R&amp;D&quot; 문의",
    });
    assert_eq!(
        crm.next(&lead, &progress(&[], None)),
        call("organization", "organization", &json!({ "name": "Acme & Co" }), Safety::Idempotent)
    );
    assert_eq!(
        crm.next(&lead, &progress(&[("organization_id", "o1")], None)),
        call("people", "people", &people, Safety::Idempotent)
    );
    assert_eq!(
        crm.next(&lead, &progress(&[("organization_id", "o1"), ("people_id", "p1")], None)),
        call("lead", "lead", &body, Safety::Create)
    );
}

#[test]
fn a_minimal_lead_is_a_person_and_a_lead() {
    let (crm, lead) = (salesmap(options()), lead(&[(LeadField::Email, "kim@example.com")]));
    let people = json!({ "name": "kim", "fieldList": [{ "name": "이메일", "stringValue": "kim@example.com" }] });
    assert_eq!(crm.next(&lead, &progress(&[], None)), call("people", "people", &people, Safety::Idempotent));
    let body = json!({ "name": "kim (contact)", "peopleId": "p1" });
    assert_eq!(crm.next(&lead, &progress(&[("people_id", "p1")], None)), call("lead", "lead", &body, Safety::Create));
}

#[test]
fn labels_owner_and_pipeline() {
    let crm = salesmap(Options {
        organization: false,
        pipeline: Some(Pipeline { id: "pl".into(), stage_id: "st".into() }),
        email_label: "E-mail".into(),
        phone_label: "Phone".into(),
        owner_id: Some("u1".into()),
        ..options()
    });
    let lead = lead(&[(LeadField::Name, "Kim"), (LeadField::Email, "k@example.com"), (LeadField::Phone, "02-1")]);
    let people = json!({
        "name": "Kim",
        "fieldList": [
            { "name": "E-mail", "stringValue": "k@example.com" },
            { "name": "Phone", "stringValue": "02-1" },
            { "name": "담당자", "userValueId": "u1" },
        ],
    });
    assert_eq!(crm.next(&lead, &progress(&[], None)), call("people", "people", &people, Safety::Idempotent));
    let body = json!({
        "name": "Kim (contact)",
        "peopleId": "p1",
        "pipelineId": "pl",
        "pipelineStageId": "st",
        "fieldList": [{ "name": "담당자", "userValueId": "u1" }],
    });
    assert_eq!(crm.next(&lead, &progress(&[("people_id", "p1")], None)), call("lead", "lead", &body, Safety::Create));
}

/// The memo of the lead, given what the earlier steps found.
fn memo(options: Options, lead: &Lead, facts: &[(&str, &str)]) -> String {
    let Step::Call(call) = salesmap(options).next(lead, &progress(facts, None)) else { panic!("a call") };
    assert_eq!(call.step, "lead");
    let body: Json = serde_json::from_str(call.body.as_deref().unwrap()).unwrap();
    body["memo"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_no_record_holds_is_in_the_memo() {
    let mut full = full_lead();
    full.unmapped.push("예산", "5 < 6");
    let made = [("organization_id", "o1"), ("people_id", "p1")];
    let text = memo(options(), &full, &made);
    assert!(text.contains("예산") && text.contains("5 &lt; 6"), "{text}");
    assert!(!text.contains("hong@example.com") && !text.contains("Acme"), "{text}");

    // No organization is made: the company is in the memo.
    let text = memo(Options { organization: false, ..options() }, &full, &made[1..]);
    assert!(text.contains("Acme &amp; Co") && !text.contains("010-1234-5678"), "{text}");

    // The person was there before: what this visitor wrote was not stored with it.
    let text = memo(options(), &full, &[made[0], made[1], ("people_holds", "found")]);
    assert!(text.contains("010-1234-5678") && !text.contains("Acme"), "{text}");

    // So was the organization.
    let text = memo(options(), &full, &[made[0], made[1], ("organization_holds", "found")]);
    assert!(text.contains("Acme &amp; Co") && !text.contains("010-1234-5678"), "{text}");
}

#[test]
fn a_person_and_a_lead_always_have_a_name() {
    use LeadField::{Company, Email, FirstName, LastName, Message, Name, Phone};
    type Case<'a> = (&'a [(LeadField, &'a str)], &'a str, Option<(&'a str, &'a str)>);
    let cases: &[Case<'_>] = &[
        (&[(Name, "Ann  Lee"), (Email, "a@b.c")], "{name} ({form})", Some(("Ann  Lee", "Ann Lee (contact)"))),
        (&[(FirstName, "Ann"), (LastName, "Lee")], "{name}", Some(("Ann Lee", "Ann Lee"))),
        (&[(FirstName, "길동"), (LastName, "홍")], "{name}", Some(("홍길동", "홍길동"))),
        (&[(LastName, "Lee")], "{name}", Some(("Lee", "Lee"))),
        (&[(Email, "a@b.c"), (Phone, "02")], "{name} ({form})", Some(("a", "a (contact)"))),
        (&[(Phone, "02"), (Company, "Acme")], "{name} ({form})", Some(("02", "02 (contact)"))),
        (&[(Company, "Acme")], "{name} ({form})", Some(("Acme", "Acme (contact)"))),
        (&[(Email, "a@b.c")], "{name|Anonymous}", Some(("a", "Anonymous"))),
        (&[(Email, "a@b.c")], "{subject}", Some(("a", "a"))),
        (&[(Name, "Ann"), (Message, "one\ntwo")], "{message}", Some(("Ann", "one two"))),
        (&[(Message, "hello")], "{name}", None),
    ];
    for (values, template, expected) in cases {
        let options = Options { lead_name: Template::parse(template).unwrap(), ..options() };
        // As the visitor sent it: the parts of a name are put together where a lead is made.
        let mut submission = lead(&[]).submission;
        submission.fields = Fields(values.iter().map(|(field, text)| (field.name().into(), (*text).into())).collect());
        let lead = from_submission(&submission, &Form::plain("contact", &["acme-salesmap"]));
        let records = Records::of("acme-salesmap", &options, &lead, &Progress::default());
        let names = records.map(|records| (records.person_name, records.lead_name));
        assert_eq!(names, expected.map(|(person, lead)| (person.to_owned(), lead.to_owned())), "{values:?} {template}");
    }
}

#[test]
fn nothing_to_name_a_person_by() {
    let step = salesmap(options()).next(&lead(&[(LeadField::Message, "hello")]), &Progress::default());
    let why = "Salesmap needs a name for the person, and the lead has no name, email, phone or company";
    assert_eq!(step, Step::Refused(Trouble::new(Why::Incomplete, why)));
}

#[test]
fn a_lead_in_doubt_is_looked_for_first() {
    let (crm, lead) = (salesmap(options()), full_lead());
    let facts = [("organization_id", "o1"), ("people_id", "p1")];
    let body = json!({ "filterGroupList": [{ "filters": [
        { "fieldName": "이름", "operator": "EQ", "value": "홍길동 (contact)" },
        { "fieldName": "고객", "operator": "EQ", "value": "p1" },
        { "fieldName": "생성 날짜", "operator": "DATE_ON_OR_AFTER", "value": "2024-04-08T05:24:26.020Z" },
    ] }] });
    let mut progress = progress(&facts, Some("lead"));
    assert_eq!(crm.next(&lead, &progress), call("find_lead", "object/lead/search", &body, Safety::Read));

    // Nothing found: the create is repeated.
    progress.take(&[Lesson::NotInDoubt]);
    let Step::Call(again) = crm.next(&lead, &progress) else { panic!("a call") };
    assert_eq!((again.step, again.safety), ("lead", Safety::Create));
}

/// Two messages of one visitor must not be taken for one another when the answer to one of them is lost.
#[test]
fn the_lead_of_a_person_who_was_there_has_a_name_of_its_own() {
    let found = progress(&[("people_id", "p1"), ("people_holds", "found")], None);
    let name = |destination: &str, id: &str, template: &str, progress: &Progress| {
        let mut lead = full_lead();
        lead.submission.id = id.into();
        let options = Options { lead_name: Template::parse(template).unwrap(), ..options() };
        Records::of(destination, &options, &lead, progress).unwrap().lead_name
    };
    let template = "{name} ({form})";
    assert_eq!(name("a", "1", template, &progress(&[("people_id", "p1")], None)), "홍길동 (contact)");
    assert_eq!(name("a", "1", template, &found), "홍길동 (contact) #87a4ad");
    assert_eq!(name("a", "1", template, &found), "홍길동 (contact) #87a4ad");
    let others = [("a", "2"), ("b", "1")].map(|(destination, id)| name(destination, id, template, &found));
    assert_eq!(others, ["홍길동 (contact) #ea5bcf", "홍길동 (contact) #2c3b67"]);
    // The operator's own way of telling them apart is enough.
    assert_eq!(name("a", "1", "{name} {submission_id}", &found), "홍길동 1");
}

#[test]
fn a_person_without_an_email_in_doubt_is_looked_for_first() {
    let crm = salesmap(options());
    let since =
        json!({ "fieldName": "생성 날짜", "operator": "DATE_ON_OR_AFTER", "value": "2024-04-08T05:24:26.020Z" });
    let cases = [
        (
            lead(&[(LeadField::Name, "Kim"), (LeadField::Phone, "02-1")]),
            json!({ "fieldName": "전화", "operator": "EQ", "value": "02-1" }),
        ),
        (lead(&[(LeadField::Name, "Kim")]), json!({ "fieldName": "전화", "operator": "NOT_EXISTS" })),
    ];
    for (lead, phone) in cases {
        let Step::Call(create) = crm.next(&lead, &Progress::default()) else { panic!("a call") };
        assert_eq!((create.step, create.safety), ("people", Safety::Create));
        let name = json!({ "fieldName": "이름", "operator": "EQ", "value": "Kim" });
        let body = json!({ "filterGroupList": [{ "filters": [name, phone, since] }] });
        assert_eq!(
            crm.next(&lead, &progress(&[], Some("people"))),
            call("find_people", "object/people/search", &body, Safety::Read)
        );
    }
    // With an email the repeat itself finds the person.
    let Step::Call(again) = crm.next(&full_lead(), &progress(&[("organization_id", "o1")], Some("people"))) else {
        panic!("a call")
    };
    assert_eq!((again.step, again.safety), ("people", Safety::Idempotent));
}
