//! Whole requests for leads and users, and one row for each answer of LeadSquared.

use serde_json::{Value, json};

use super::*;
use crate::config::destination::leadsquared as config;
use crate::crm::{Lesson, RecordRef, Trouble, Why};
use crate::domain::settings::Reader;
use crate::domain::{LeadField, LeadField as F};
use crate::form::{Fields, Submission};

fn account(table: Value) -> LeadSquared {
    let mut table = table;
    table.as_object_mut().unwrap().entry("region").or_insert(json!("india-mumbai"));
    let mut errors = Vec::new();
    let options = config::read(&mut Reader::new("DESTINATION_LSQ", table.as_object().unwrap(), &mut errors));
    assert_eq!(errors, []);
    LeadSquared::new("acme-lsq", options.unwrap())
}

fn lead_of(values: &[(LeadField, &str)], unmapped: &[(&str, &str)]) -> Lead {
    let fields = Fields(unmapped.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect());
    let submission = Submission {
        id: "0192".into(),
        form: "contact".into(),
        received_at: 0,
        fields: fields.clone(),
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    };
    let values = values.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
    Lead::new(submission, values, fields)
}

fn jane() -> Lead {
    lead_of(
        &[
            (F::FirstName, "Jane"),
            (F::LastName, "Doe"),
            (F::Email, "jane@example.com"),
            (F::Phone, "+91-9845098450"),
            (F::Company, "Acme"),
            (F::JobTitle, "CTO"),
            (F::Website, "https://acme.example"),
            (F::Message, "Hello"),
            (F::City, "Pune"),
            (F::UtmSource, "google"),
        ],
        &[("budget", "1500")],
    )
}

fn call_of(step: Step) -> Call {
    match step {
        Step::Call(call) => *call,
        other => panic!("{other:?}"),
    }
}

fn json_body(call: &Call) -> Value {
    serde_json::from_str(call.body.as_deref().unwrap()).unwrap()
}

fn pairs(list: &[(&str, &str)]) -> Value {
    list.iter().map(|(name, text)| json!({ "Attribute": name, "Value": text })).collect()
}

fn facts(list: &[(&str, &str)]) -> Progress {
    let facts = list.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    Progress { facts, ..Progress::default() }
}

fn headers(body: bool) -> Vec<(&'static str, HeaderValue)> {
    let secret = |name: &str| HeaderValue::Secret { prefix: "", name: name.into() };
    let json = HeaderValue::Text("application/json".into());
    let mut list = vec![
        ("x-LSQ-AccessKey", secret("ACME_LSQ_ACCESS_KEY")),
        ("x-LSQ-SecretKey", secret("ACME_LSQ_SECRET_KEY")),
        ("Content-Type", json.clone()),
        ("Accept", json),
    ];
    if !body {
        list.remove(2);
    }
    list
}

#[test]
fn a_lead_is_captured() {
    let call = call_of(account(json!({})).next(&jane(), &Progress::default()));
    let expected = pairs(&[
        ("FirstName", "Jane"),
        ("LastName", "Doe"),
        ("EmailAddress", "jane@example.com"),
        ("Phone", "+91-9845098450"),
        ("Company", "Acme"),
        ("JobTitle", "CTO"),
        ("Website", "https://acme.example"),
        ("Source", "website"),
        ("Notes", "Hello\n\ncity: Pune\nutm_source: google\nbudget: 1500"),
    ]);
    assert_eq!(
        call,
        Call {
            step: "lead",
            method: Method::Post,
            url: "https://api-in21.leadsquared.com/v2/LeadManagement.svc/Lead.Capture".into(),
            headers: headers(true),
            body: Some(expected.to_string()),
            safety: Safety::Idempotent,
        }
    );
}

#[test]
fn a_lead_with_every_option() {
    let account = account(json!({
        "region": "us", "search_by": "Phone", "update_behavior": "DoNotUpdateUniqueFields",
        "source": "{utm_source|direct}", "note_attribute": "mx_Message",
    }));
    let call = call_of(account.next(&jane(), &Progress::default()));
    assert_eq!(
        call.url,
        "https://api-us11.leadsquared.com/v2/LeadManagement.svc/Lead.Capture?LeadUpdateBehavior=DoNotUpdateUniqueFields"
    );
    assert_eq!(
        json_body(&call),
        pairs(&[
            ("FirstName", "Jane"),
            ("LastName", "Doe"),
            ("EmailAddress", "jane@example.com"),
            ("Phone", "+91-9845098450"),
            ("Company", "Acme"),
            ("JobTitle", "CTO"),
            ("Website", "https://acme.example"),
            ("Source", "google"),
            ("mx_Message", "Hello\n\ncity: Pune\nbudget: 1500"),
            ("SearchBy", "Phone"),
        ])
    );
}

/// What the lead lacks is left out: no "-" for a name, no `SearchBy` for a value that is not there.
#[test]
fn a_lead_with_little() {
    type Row = (Value, &'static [(F, &'static str)], &'static [(&'static str, &'static str)], Safety);
    let table: [Row; 5] = [
        (json!({}), &[(F::Email, "a@b.c")], &[("EmailAddress", "a@b.c"), ("Source", "website")], Safety::Idempotent),
        (
            json!({ "search_by": "EmailAddress" }),
            &[(F::Phone, "010")],
            &[("Phone", "010"), ("Source", "website")],
            Safety::Idempotent,
        ),
        (
            json!({}),
            &[(F::FirstName, "Jane"), (F::Source, "fair")],
            &[("FirstName", "Jane"), ("Source", "fair")],
            Safety::Create,
        ),
        (json!({ "source": "{campaign}" }), &[(F::LastName, "Doe")], &[("LastName", "Doe")], Safety::Create),
        // A first name of the operator's own does not stand for the whole name.
        (
            json!({ "fields": { "FirstName": "Friend" } }),
            &[(F::Name, "Ann Lee")],
            &[("LastName", "Lee"), ("FirstName", "Friend"), ("Source", "website"), ("Notes", "name: Ann Lee")],
            Safety::Create,
        ),
    ];
    for (options, values, expected, safety) in table {
        let call = call_of(account(options).next(&lead_of(values, &[]), &Progress::default()));
        assert_eq!((json_body(&call), call.safety), (pairs(expected), safety));
    }
}

#[test]
fn a_lead_without_name_email_and_phone_is_refused() {
    let step =
        account(json!({})).next(&lead_of(&[(F::Message, "Hi"), (F::Company, "Acme")], &[]), &Progress::default());
    let trouble = Trouble::new(Why::Incomplete, "LeadSquared requires a name, an email or a phone");
    assert_eq!(step, Step::Refused(trouble));
}

#[test]
fn a_create_in_doubt_is_not_repeated() {
    let progress = Progress { in_doubt: Some("lead".into()), ..Progress::default() };
    let step = account(json!({})).next(&lead_of(&[(F::FirstName, "Jane")], &[]), &progress);
    let detail = "the lead may be in LeadSquared already, and has no email or phone to look it up by";
    assert_eq!(step, Step::Refused(Trouble::new(Why::NoAnswer, detail)));
}

/// After a duplicate: the value that another lead owns goes to the note, and the other one finds the lead.
#[test]
fn a_conflict_is_captured_again() {
    type Row<'a> = (Value, &'a Lead, &'a str, &'a [(&'a str, &'a str)]);
    let lead = lead_of(&[(F::Email, "a@b.c"), (F::Phone, "010")], &[]);
    let only_email = lead_of(&[(F::Email, "a@b.c")], &[]);
    let table: [Row<'_>; 4] = [
        (
            json!({}),
            &lead,
            "Phone",
            &[("EmailAddress", "a@b.c"), ("Source", "website"), ("Notes", "Phone: 010"), ("SearchBy", "EmailAddress")],
        ),
        (
            json!({ "search_by": "Phone" }),
            &lead,
            "EmailAddress",
            &[("Phone", "010"), ("Source", "website"), ("Notes", "EmailAddress: a@b.c"), ("SearchBy", "Phone")],
        ),
        (
            json!({}),
            &only_email,
            "EmailAddress",
            &[("EmailAddress", "a@b.c"), ("Source", "website"), ("SearchBy", "EmailAddress")],
        ),
        (
            json!({ "search_by": "EmailAddress" }),
            &lead,
            "mx_Card",
            &[("EmailAddress", "a@b.c"), ("Phone", "010"), ("Source", "website"), ("SearchBy", "EmailAddress")],
        ),
    ];
    for (options, lead, conflict, expected) in table {
        let call = call_of(account(options).next(lead, &facts(&[("conflict", conflict)])));
        assert_eq!((call.step, json_body(&call)), ("lead_again", pairs(expected)), "{conflict}");
    }
}

#[test]
fn the_id_of_a_saved_lead_is_looked_up_by_email_then_by_phone() {
    let lead = lead_of(&[(F::Email, "a+b@b.c"), (F::Phone, "+91 98")], &[]);
    let find = |query: &str| {
        Step::Call(Box::new(Call {
            step: "find",
            method: Method::Get,
            url: format!("https://api-in21.leadsquared.com/v2/LeadManagement.svc/{query}"),
            headers: headers(false),
            body: None,
            safety: Safety::Read,
        }))
    };
    let by_email = find("Leads.GetByEmailaddress?emailaddress=a%2Bb%40b.c");
    let by_phone = find("RetrieveLeadByPhoneNumber?phone=9198");
    let given_up = Step::Delivered(RecordRef {
        id: String::new(),
        note: Some("LeadSquared saved it without saying its id".into()),
    });
    let default = account(json!({}));
    let phone_first = account(json!({ "search_by": "Phone" }));
    let table = [
        (&default, facts(&[("saved", "true")]), &by_email),
        (&phone_first, facts(&[("saved", "true")]), &by_phone),
        (&default, facts(&[("saved", "true"), ("not_by_email", "true")]), &by_phone),
        (&default, facts(&[("saved", "true"), ("conflict", "Phone"), ("not_by_email", "true")]), &given_up),
        (&default, facts(&[("saved", "true"), ("not_by_email", "true"), ("not_by_phone", "true")]), &given_up),
    ];
    for (account, progress, expected) in table {
        assert_eq!(&account.next(&lead, &progress), expected, "{progress:?}");
    }
    let no_number = lead_of(&[(F::Phone, "please ask")], &[]);
    assert_eq!(default.next(&no_number, &facts(&[("saved", "true")])), given_up);
}

fn staff() -> Lead {
    lead_of(
        &[(F::FirstName, "Chris"), (F::LastName, "Harris"), (F::Email, "charris@example.com")],
        &[("role", "Sales_User"), ("password", " s3cret "), ("team", "t1"), ("agent", "on"), ("type", "1")],
    )
}

/// The body of the vendor's page, key by key, with the group of its first paragraph.
#[test]
fn a_user_as_on_the_page() {
    let account = account(json!({
        "record": "user", "role": "Sales_User",
        "parameters": {
            "AssociatedPhoneNumbers": "+91-8888888888", "IsPhoneCallAgent": false, "UserType": 0,
            "ManagerUserId": "0cd3c94b-acb5-11eb-9ad7-06f221480cd8", "PhoneMobile": "{mobile}", "TimeZone": "{zone}",
            "DateFormat": "{format}", "Password": "{no_password}", "TeamId": "{no_team}",
            "WorkDayTemplateId": "{work_day}", "HolidayCalendarId": "{holidays}",
        },
        "groups": [{ "GroupId": "022bc5d4-0fba-11e8-871e-02bf1924461c", "ViewAllLeadsOfGroup": 1 }, { "GroupId": "{group}" }],
    }));
    let body = json!({
        "FirstName": "Chris", "LastName": "Harris", "EmailAddress": "charris@example.com", "Role": "Sales_User",
        "AssociatedPhoneNumbers": "+91-8888888888", "IsPhoneCallAgent": false, "UserType": 0,
        "ManagerUserId": "0cd3c94b-acb5-11eb-9ad7-06f221480cd8",
        "AssociatedGroups": [{
            "GroupId": "022bc5d4-0fba-11e8-871e-02bf1924461c", "ViewAllLeadsOfGroup": 1, "ModifyAllLeadsOfGroup": 0,
            "AddUsersToGroup": 0, "ViewAllAccountsOfGroup": 0, "ModifyAllAccountsOfGroup": 0,
        }],
    });
    assert_eq!(
        call_of(account.next(&staff(), &Progress::default())),
        Call {
            step: "user",
            method: Method::Post,
            url: "https://api-in21.leadsquared.com/v2/UserManagement.svc/User/Create".into(),
            headers: headers(true),
            body: Some(body.to_string()),
            safety: Safety::Idempotent,
        }
    );
}

#[test]
fn a_user_from_the_fields_of_the_form() {
    let account = account(json!({
        "record": "user", "role": "{role}",
        "parameters": { "Password": "{password}", "TeamId": "{team}", "IsPhoneCallAgent": "{agent}", "UserType": "{type}" },
    }));
    assert_eq!(
        json_body(&call_of(account.next(&staff(), &Progress::default()))),
        json!({
            "FirstName": "Chris", "LastName": "Harris", "EmailAddress": "charris@example.com", "Role": "Sales_User",
            "IsPhoneCallAgent": true, "UserType": 1, "Password": " s3cret ", "TeamId": "t1",
        })
    );
}

#[test]
fn what_makes_no_user() {
    let user = |more: Value| {
        let mut table = json!({ "record": "user", "role": "Sales_User" });
        table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        account(table)
    };
    let refused = |why, detail: &str| Step::Refused(Trouble::new(why, detail));
    let admin = lead_of(&[(F::FirstName, "A"), (F::Email, "a@b.c")], &[("role", "Administrator"), ("zone", "Mars")]);
    let table = [
        (
            json!({}),
            lead_of(&[(F::Email, "a@b.c")], &[]),
            refused(Why::Incomplete, "LeadSquared requires a first name of a user"),
        ),
        (
            json!({}),
            lead_of(&[(F::FirstName, "A")], &[]),
            refused(Why::Incomplete, "LeadSquared requires an email of a user"),
        ),
        (
            json!({ "role": "{missing}" }),
            admin.clone(),
            refused(Why::Incomplete, "LeadSquared requires a role of a user"),
        ),
        (
            json!({ "role": "{role}" }),
            admin.clone(),
            refused(Why::Invalid, "the role \"Administrator\" is not allowed here; allowed_roles has: Sales_User"),
        ),
        (
            json!({ "role": "{role}", "allowed_roles": ["Sales_Manager", "Sales_User"] }),
            admin.clone(),
            refused(
                Why::Invalid,
                "the role \"Administrator\" is not allowed here; allowed_roles has: Sales_Manager, Sales_User",
            ),
        ),
        (
            json!({ "parameters": { "TimeZone": "{zone}" } }),
            admin.clone(),
            refused(
                Why::Invalid,
                "TimeZone takes a time zone of LeadSquared's list, as in \"Asia/Kolkata\", and the form gave \"Mars\"",
            ),
        ),
    ];
    for (options, lead, expected) in table {
        assert_eq!(user(options).next(&lead, &Progress::default()), expected);
    }
    let allowed = user(json!({ "role": "{role}", "allowed_roles": "Administrator" }));
    assert_eq!(json_body(&call_of(allowed.next(&admin, &Progress::default())))["Role"], "Administrator");
}

mod against_fake;
mod answers;
mod refusals;
