//! `next` as whole requests: both records, both contracts, configured and learned ids.

use super::*;
use crate::lead::note::Note;
use crate::lead::typed::Value;

#[test]
fn the_next_request_of_each_record_and_contract() {
    use Api::{Auto, Company, Members};
    use Record::{Client, Lead};
    let company: &[_] = &[("company_id", COMPANY)];
    let both: &[_] = &[("company_id", COMPANY), ("role_id", ROLE)];
    let moved: &[_] = &[("api", "members")];
    let moved_with_ids: &[_] = &[("api", "members"), ("company_id", COMPANY), ("role_id", ROLE)];
    for (record, api, learned, facts, expected) in [
        (Lead, Company, &[][..], &[][..], companies()),
        (Lead, Company, company, &[], roles("roles")),
        (Lead, Company, both, &[], documented_lead("lead")),
        (Lead, Company, moved_with_ids, &[], documented_lead("lead")),
        (Lead, Company, company, &[LOOKED_UP_AGAIN][..], roles("roles_again")),
        (Lead, Company, both, &[LOOKED_UP_AGAIN], documented_lead("lead_again")),
        (Lead, Auto, &[], &[], companies()),
        (Lead, Auto, both, &[], documented_lead("lead")),
        (Lead, Auto, moved, &[], members_lead("members_lead", None)),
        (Lead, Auto, moved_with_ids, &[], members_lead("members_lead", Some("companyid"))),
        (Lead, Auto, moved, &[SWITCHED], members_lead("members_lead_again", None)),
        (Lead, Members, &[], &[], members_lead("members_lead", None)),
        (Client, Company, &[], &[], companies()),
        (Client, Company, company, &[], documented_client("client")),
        (Client, Company, company, &[LOOKED_UP_AGAIN], documented_client("client_again")),
        (Client, Auto, &[], &[], companies()),
        (Client, Auto, company, &[], documented_client("client")),
        (Client, Auto, moved, &[], members_client("members_client")),
        (Client, Auto, moved, &[SWITCHED], members_client("members_client_again")),
        (Client, Members, &[], &[], members_client("members_client")),
    ] {
        let step = crm(record, api).next(&john(), &progress(learned, facts));
        assert_eq!(step, Step::Call(Box::new(expected)), "{record:?} {api:?} {learned:?} {facts:?}");
    }
}

#[test]
fn configured_ids_skip_the_look_ups_and_go_before_learned_ones() {
    let with = |record, company: bool, role: bool| {
        let mut options = options(record, Api::Auto);
        options.company_id = company.then(|| COMPANY.to_owned());
        options.role_id = role.then(|| ROLE.to_owned());
        AgencyHandy::new("acme-ah", options)
    };
    let other: &[_] = &[("company_id", "other"), ("role_id", "other")];
    for (crm, learned, expected) in [
        (with(Record::Lead, true, true), &[][..], documented_lead("lead")),
        (with(Record::Lead, true, true), other, documented_lead("lead")),
        (with(Record::Lead, true, false), &[], roles("roles")),
        (with(Record::Lead, false, true), &[], companies()),
        (with(Record::Lead, false, true), &[("company_id", COMPANY)], documented_lead("lead")),
        (with(Record::Lead, true, false), &[("api", "members")], members_lead("members_lead", Some("companyid"))),
        (with(Record::Client, true, false), &[], documented_client("client")),
    ] {
        assert_eq!(crm.next(&john(), &progress(learned, &[])), Step::Call(Box::new(expected)), "{crm:?}");
    }
}

#[test]
fn the_current_contract_takes_all_that_a_lead_has() {
    let full = lead(&[
        (LeadField::FirstName, "A"),
        (LeadField::LastName, "B"),
        (LeadField::Email, "a@example.com"),
        (LeadField::Phone, "123"),
        (LeadField::Company, "Acme"),
        (LeadField::Website, "https://acme.test"),
        (LeadField::Message, "Hello"),
        (LeadField::Street, "1 Main St"),
        (LeadField::City, "Seoul"),
        (LeadField::State, "Seoul"),
        (LeadField::PostalCode, "04524"),
        (LeadField::Country, "KR"),
        (LeadField::Source, &"가".repeat(60)),
    ]);
    let mut options = options(Record::Lead, Api::Members);
    options.status = "Contacted".into();
    options.lead_type = LeadType::CompanyMember;
    options.lead_value = Some(Template::parse(" 2500 ").unwrap());
    options.category = vec!["c1".into()];
    options.agent = Some("m1".into());
    options.note_field = Some("f1".into());
    let mut note = Note::new(&full);
    // Everything has a field but the message and the source, which was cut.
    note.placed(
        LeadField::ALL
            .iter()
            .copied()
            .filter(|f| !matches!(f, LeadField::Message | LeadField::Source))
            .collect::<Vec<_>>()
            .as_slice(),
    );
    let body = json!([{
        "type": "leadCompanyMember", "email": "a@example.com", "status": "Contacted", "firstName": "A", "lastName": "B",
        "contactNo": "123", "companyName": "Acme", "website": "https://acme.test", "country": "KR", "city": "Seoul",
        "state": "Seoul", "zipCode": "04524", "address": "1 Main St", "source": "가".repeat(50), "leadValue": "2500",
        "sendInvitationEmail": false, "category": ["c1"], "agent": "m1",
        "customFields": [{ "_id": "f1", "stringValue": note.text() }],
    }]);
    assert!(note.text().contains("Hello"), "the note holds the message: {}", note.text());
    let expected = request("members_lead", "/members/bulk-lead", None, Some(&body));
    let step = AgencyHandy::new("acme-ah", options).next(&full, &Progress::default());
    assert_eq!(step, Step::Call(Box::new(expected)));
}

#[test]
fn a_bare_email_is_enough_and_no_email_is_refused() {
    let crm = crm(Record::Lead, Api::Company);
    let bare = lead(&[(LeadField::Email, "a@example.com")]);
    let name = bare.name_parts();
    let body = json!({ "members": [{
        "firstName": name.first, "lastName": name.last, "email": "a@example.com", "role": ROLE,
        "isConvertedClient": false, "status": "New", "contactNo": "", "source": "website", "positionInBoard": 1,
    }] });
    let url = format!("/company/{COMPANY}/members/bulk-client");
    let ids = progress(&[("company_id", COMPANY), ("role_id", ROLE)], &[]);
    let expected = request("lead", &url, Some("companyid"), Some(&body));
    assert_eq!(crm.next(&bare, &ids), Step::Call(Box::new(expected)));

    let refused = Step::Refused(Trouble::new(Why::Incomplete, "AgencyHandy requires an email"));
    assert_eq!(crm.next(&lead(&[(LeadField::Phone, "1")]), &ids), refused);
}

#[test]
fn a_custom_field_goes_under_the_key_of_its_type() {
    for (value, expected) in [
        (Value::Text("x".into()), json!({ "_id": "f", "stringValue": "x" })),
        (Value::Number(2500.into()), json!({ "_id": "f", "numberValue": 2500 })),
        (Value::Bool(true), json!({ "_id": "f", "booleanValue": true })),
        (Value::Date("2026-07-19".into()), json!({ "_id": "f", "dateValue": "2026-07-19T00:00:00.000Z" })),
        (
            Value::DateTime("2026-07-19T10:00:00.000Z".into()),
            json!({ "_id": "f", "dateValue": "2026-07-19T10:00:00.000Z" }),
        ),
        (
            Value::List(vec!["a".into(), "b".into()]),
            json!({ "_id": "f", "arrayValue": [{ "value": "a", "label": "a" }, { "value": "b", "label": "b" }] }),
        ),
    ] {
        assert_eq!(members::custom_field("f", value), expected);
    }
}
