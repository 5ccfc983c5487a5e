//! Whole deliveries against the strict fake: each way to a record, with the steps that it takes.

use fakes::agencyhandy::{AgencyHandy as Vendor, COMPANY_ID, ROLE_ID};
use fakes::{Fake, Request};

use super::*;

/// Drives one delivery to its end and takes what it learned over into `learned`.
fn deliver(crm: &AgencyHandy, vendor: &mut Vendor, learned: &mut Progress) -> (Vec<&'static str>, Verdict) {
    let mut progress = Progress { learned: learned.learned.clone(), ..Progress::default() };
    let mut steps = Vec::new();
    loop {
        let Step::Call(call) = crm.next(&john(), &progress) else { panic!("john has an email") };
        steps.push(call.step);
        assert!(steps.len() < 10, "{steps:?}");
        let verdict = crm.read(&call, &sent(&call, vendor));
        let Verdict::GoOn(lessons) = verdict else {
            learned.learned = progress.learned;
            return (steps, verdict);
        };
        progress.take(&lessons);
    }
}

fn sent(call: &Call, vendor: &mut Vendor) -> Answer {
    let headers = call.sealed(0, |name| (name == "ACME_AH_API_KEY").then(|| "key".to_owned())).unwrap();
    let path = call.url.strip_prefix("https://api.agencyhandy.com").unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let request = Request {
        method: call.method.name().to_owned(),
        host: "api.agencyhandy.com".to_owned(),
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect(),
        body: call.body.clone().unwrap_or_default(),
    };
    let response = vendor.answer(&request, 0);
    Answer { status: response.status, headers: Vec::new(), body: response.body }
}

const FIRST_ID: &str = "000000000000000000000001";

#[test]
fn each_way_to_a_record_with_its_steps() {
    use Api::{Auto, Company, Members};
    use Record::{Client, Lead};
    for (record, api, retired, expected) in [
        (Lead, Company, false, &["companies", "roles", "lead"][..]),
        (Lead, Auto, false, &["companies", "roles", "lead"]),
        (Lead, Auto, true, &["companies", "roles", "members_lead_again"]),
        (Lead, Members, false, &["members_lead"]),
        (Lead, Members, true, &["members_lead"]),
        (Client, Company, false, &["companies", "client"]),
        (Client, Auto, false, &["companies", "client"]),
        (Client, Auto, true, &["companies", "client", "members_client_again"]),
        (Client, Members, false, &["members_client"]),
        (Client, Members, true, &["members_client"]),
    ] {
        let mut vendor = Vendor::new("key");
        if retired {
            vendor.retire_company_contract();
        }
        let outcome = deliver(&crm(record, api), &mut vendor, &mut Progress::default());
        assert_eq!(outcome, (expected.to_vec(), delivered(FIRST_ID)), "{record:?} {api:?} {retired}");
        let word = if record == Lead { "lead" } else { "client" };
        let made: Vec<_> = vendor.records().iter().map(|made| made["record"].clone()).collect();
        assert_eq!((made, vendor.complaints()), (vec![json!(word)], Vec::new()), "{record:?} {api:?} {retired}");
    }
}

#[test]
fn what_one_delivery_learns_the_next_one_uses() {
    let crm = crm(Record::Lead, Api::Auto);
    let mut vendor = Vendor::new("key");
    let mut learned = Progress::default();
    deliver(&crm, &mut vendor, &mut learned);
    assert_eq!(learned, progress(&[("company_id", COMPANY_ID), ("role_id", ROLE_ID)], &[]));

    // The same email again, without a look-up: the record is there, and no second one is made.
    let taken = RecordRef { id: String::new(), note: Some("already there: Email already exists".into()) };
    assert_eq!(deliver(&crm, &mut vendor, &mut learned), (vec!["lead"], Verdict::Delivered(taken)));
    assert_eq!(vendor.records().len(), 1);

    // The contract goes; the delivery that finds out moves over, the next one begins there.
    let mut vendor = Vendor::new("key");
    vendor.retire_company_contract();
    let outcome = deliver(&crm, &mut vendor, &mut learned);
    assert_eq!(outcome, (vec!["lead", "members_lead_again"], delivered(FIRST_ID)));
    let known = RecordRef { id: FIRST_ID.into(), note: Some("already there: Lead already exists".into()) };
    assert_eq!(deliver(&crm, &mut vendor, &mut learned), (vec!["members_lead"], Verdict::Delivered(known)));
}

#[test]
fn a_key_of_another_workspace_is_looked_up_again() {
    let mut learned = progress(&[("company_id", COMPANY_ID), ("role_id", ROLE_ID)], &[]);
    let mut vendor = Vendor::new("key");
    vendor.move_to("c2", "r2");
    let outcome = deliver(&crm(Record::Lead, Api::Auto), &mut vendor, &mut learned);
    assert_eq!(outcome, (vec!["lead", "companies", "roles_again", "lead_again"], delivered(FIRST_ID)));
    assert_eq!(learned, progress(&[("company_id", "c2"), ("role_id", "r2")], &[]));
}

fn delivered(id: &str) -> Verdict {
    Verdict::Delivered(RecordRef { id: id.into(), note: None })
}
