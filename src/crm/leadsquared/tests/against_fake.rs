//! Whole deliveries, call by call, against the fake account: what it holds in the end.

use fakes::leadsquared::{Disguise, LeadSquared as Account};
use fakes::{Fake, Request};

use super::*;

/// One try of a delivery: calls until there is something to say about the lead. Gives the steps that were sent.
pub(super) fn deliver(crm: &LeadSquared, account: &mut Account, lead: &Lead) -> (Vec<&'static str>, Step) {
    let mut progress = Progress::default();
    let mut steps = Vec::new();
    for now_ms in 0..10 {
        let call = match crm.next(lead, &progress) {
            Step::Call(call) => *call,
            end => return (steps, end),
        };
        steps.push(call.step);
        match crm.read(&call, &send(account, &call, now_ms)) {
            Verdict::GoOn(lessons) => progress.take(&lessons),
            Verdict::Delivered(record) => return (steps, Step::Delivered(record)),
            Verdict::TryLater(trouble) | Verdict::Refused(trouble) | Verdict::InDoubt(trouble) => {
                return (steps, Step::Refused(trouble));
            }
        }
    }
    panic!("no end: {steps:?}");
}

fn send(account: &mut Account, call: &Call, now_ms: i64) -> Answer {
    let secret = |name: &str| match name {
        "ACME_LSQ_ACCESS_KEY" => Some("u$r1".to_owned()),
        "ACME_LSQ_SECRET_KEY" => Some("s1".to_owned()),
        _ => None,
    };
    let rest = call.url.strip_prefix("https://").unwrap();
    let (host, rest) = rest.split_once('/').unwrap();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let headers = call.sealed(now_ms, secret).unwrap();
    let response = account.answer(
        &Request {
            method: call.method.name().into(),
            host: host.into(),
            path: format!("/{path}"),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            body: call.body.clone().unwrap_or_default(),
        },
        now_ms,
    );
    Answer { status: response.status, headers: Vec::new(), body: response.body }
}

pub(super) fn id(number: u8) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

pub(super) fn made(number: u8) -> Step {
    Step::Delivered(RecordRef { id: id(number), note: None })
}

#[test]
fn a_lead_that_comes_twice_is_one() {
    let (crm, mut fake) = (account(json!({})), Account::new("u$r1", "s1"));
    assert_eq!(deliver(&crm, &mut fake, &jane()), (vec!["lead"], made(1)));
    assert_eq!(deliver(&crm, &mut fake, &jane()), (vec!["lead"], made(1)));
    assert_eq!(
        fake.records(),
        [json!({
            "ProspectID": id(1), "FirstName": "Jane", "LastName": "Doe", "EmailAddress": "jane@example.com",
            "Phone": "+91-9845098450", "Company": "Acme", "JobTitle": "CTO", "Website": "https://acme.example",
            "Source": "website", "Notes": "Hello\n\ncity: Pune\nutm_source: google\nbudget: 1500", "record": "lead",
        })]
    );
}

#[test]
fn a_phone_of_somebody_else_goes_to_the_note() {
    let (crm, mut fake) = (account(json!({})), Account::new("u$r1", "s1"));
    let ann = lead_of(&[(F::Email, "ann@example.com")], &[]);
    let bob = lead_of(&[(F::Email, "bob@example.com"), (F::Phone, "1")], &[]);
    let ann_at_home = lead_of(&[(F::Email, "ann@example.com"), (F::Phone, "1")], &[]);
    assert_eq!(deliver(&crm, &mut fake, &ann), (vec!["lead"], made(1)));
    assert_eq!(deliver(&crm, &mut fake, &bob), (vec!["lead"], made(2)));
    assert_eq!(deliver(&crm, &mut fake, &ann_at_home), (vec!["lead", "lead_again"], made(1)));
    assert_eq!(
        fake.records(),
        [
            json!({
                "ProspectID": id(1), "EmailAddress": "ann@example.com", "Source": "website", "Notes": "Phone: 1",
                "record": "lead",
            }),
            json!({
                "ProspectID": id(2), "EmailAddress": "bob@example.com", "Phone": "1", "Source": "website",
                "record": "lead",
            }),
        ]
    );
}

#[test]
fn an_id_that_is_not_said_is_looked_up() {
    let (crm, mut fake) = (account(json!({})), Account::new("u$r1", "s1"));
    fake.terse = true;
    assert_eq!(deliver(&crm, &mut fake, &jane()), (vec!["lead", "find"], made(1)));
    let nameless = lead_of(&[(F::FirstName, "Kim")], &[]);
    let untold = RecordRef { id: String::new(), note: Some("LeadSquared saved it without saying its id".into()) };
    assert_eq!(deliver(&crm, &mut fake, &nameless), (vec!["lead"], Step::Delivered(untold)));
}

#[test]
fn the_wrong_region_and_too_many_calls() {
    let mut fake = Account::new("u$r1", "s1");
    let (_, end) = deliver(&account(json!({ "region": "ireland" })), &mut fake, &jane());
    let detail = "HTTP 401: the account is not on api-ir31.leadsquared.com but on api-in21.leadsquared.com; set region = \"india-mumbai\"";
    assert_eq!(end, Step::Refused(Trouble::new(Why::Credentials, detail)));
    for disguise in [Disguise::Status200, Disguise::Status403, Disguise::Status429] {
        let (crm, mut fake) = (account(json!({})), Account::new("u$r1", "s1"));
        fake.disguise = disguise;
        let ends: Vec<_> = (0..26).map(|_| deliver(&crm, &mut fake, &jane()).1).collect();
        assert_eq!(ends[24], made(1));
        match &ends[25] {
            Step::Refused(trouble) => assert_eq!((trouble.why, trouble.wait_ms), (Why::RateLimited, Some(5_000))),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_user_is_made_once() {
    let crm = account(json!({
        "record": "user", "role": "{role}",
        "parameters": { "Password": "{password}", "TeamId": "{team}", "IsPhoneCallAgent": "{agent}", "UserType": "{type}" },
        "groups": [{ "GroupId": "g1", "AddUsersToGroup": 1 }],
    }));
    let mut fake = Account::new("u$r1", "s1");
    let there = RecordRef { id: String::new(), note: Some("already there".into()) };
    assert_eq!(deliver(&crm, &mut fake, &staff()), (vec!["user"], made(1)));
    assert_eq!(deliver(&crm, &mut fake, &staff()), (vec!["user"], Step::Delivered(there)));
    assert_eq!(
        fake.records(),
        [json!({
            "ID": id(1), "FirstName": "Chris", "LastName": "Harris", "EmailAddress": "charris@example.com",
            "Role": "Sales_User", "IsPhoneCallAgent": true, "UserType": 1, "Password": " s3cret ", "TeamId": "t1",
            "AssociatedGroups": [{
                "GroupId": "g1", "ViewAllLeadsOfGroup": 0, "ModifyAllLeadsOfGroup": 0, "AddUsersToGroup": 1,
                "ViewAllAccountsOfGroup": 0, "ModifyAllAccountsOfGroup": 0,
            }],
            "record": "user",
        })]
    );
}
