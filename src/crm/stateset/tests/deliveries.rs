//! Whole deliveries against the strict fake.

use fakes::stateset::StateSet as Vendor;
use fakes::{Fake, Request};

use super::*;

const NOW: i64 = 1_763_000_010_000;

fn sent(call: &Call, vendor: &mut Vendor) -> Answer {
    let headers = call.sealed(NOW, |name| (name == "ACME_STATESET_API_KEY").then(|| "sk_test_1".to_owned())).unwrap();
    let request = Request {
        method: call.method.name().to_owned(),
        host: "api.stateset.com".to_owned(),
        path: call.url.strip_prefix("https://api.stateset.com").unwrap().to_owned(),
        query: Vec::new(),
        headers: headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect(),
        body: call.body.clone().unwrap_or_default(),
    };
    let response = vendor.answer(&request, NOW);
    let headers = response.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    Answer { status: response.status, headers, body: response.body }
}

/// The verdicts of one delivery, to its end.
fn deliver(crm: &StateSet, lead: &Lead, vendor: &mut Vendor) -> Vec<Verdict> {
    let mut progress = Progress::default();
    let mut verdicts = Vec::new();
    loop {
        let Step::Call(call) = crm.next(lead, &progress) else { panic!("the lead has an email") };
        verdicts.push(crm.read(&call, &sent(&call, vendor)));
        assert!(verdicts.len() < 10, "{verdicts:?}");
        let Some(Verdict::GoOn(lessons)) = verdicts.last() else { return verdicts };
        progress.take(lessons);
    }
}

fn delivered(id: &str) -> Verdict {
    Verdict::Delivered(RecordRef { id: id.into(), note: None })
}

const FIRST_ID: &str = "7c9e6679-7425-40de-944b-000000000001";

#[test]
fn a_lead_and_its_repeat_are_one_record() {
    let mut vendor = Vendor::new("sk_test_1");
    // The answer to the first is lost: the same request again gets the same answer.
    assert_eq!(deliver(&stateset(), &sarah(), &mut vendor), [delivered(FIRST_ID)]);
    assert_eq!(deliver(&stateset(), &sarah(), &mut vendor), [delivered(FIRST_ID)]);
    assert_eq!(vendor.records().len(), 1);
}

#[test]
fn a_second_message_of_one_person_is_already_there() {
    let mut vendor = Vendor::new("sk_test_1");
    deliver(&stateset(), &sarah(), &mut vendor);
    let mut second = sarah();
    second.submission.id = "0190-2".into();
    let note = Some("already there: StateSet has a lead with this email".to_owned());
    let expected = Verdict::Delivered(RecordRef { id: String::new(), note });
    assert_eq!(deliver(&stateset(), &second, &mut vendor), [expected]);
}

#[test]
fn a_refused_value_costs_no_lead() {
    let mut vendor = Vendor::new("sk_test_1");
    let mut crm = stateset();
    // The operator may set a source that StateSet has no word for.
    crm.options.fields = vec![TypedField::new("leadSource", Kind::Text, Template::parse("a fair").unwrap())];
    let verdicts = deliver(&crm, &sarah(), &mut vendor);
    let [Verdict::GoOn(lessons), end] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    let [Lesson::LeftOut { field, .. }] = lessons.as_slice() else { panic!("{lessons:?}") };
    assert_eq!((field.as_str(), end), ("leadSource", &delivered(FIRST_ID)));
    let record = vendor.records().remove(0);
    assert_eq!((&record["leadSource"], &record["description"]), (&Json::Null, &json!("leadSource: a fair")));
}

#[test]
fn one_too_many_waits_as_long_as_the_vendor_says() {
    let mut vendor = Vendor::new("sk_test_1");
    vendor.limit = 0;
    let [Verdict::TryLater(trouble)] = &deliver(&stateset(), &sarah(), &mut vendor)[..] else { panic!("not later") };
    assert_eq!((trouble.why, trouble.wait_ms), (Why::RateLimited, Some(30_000)));
}
