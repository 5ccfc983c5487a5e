//! Every connector, one line each.

use super::{Descriptor, agencyhandy, hubspot, leadsquared, salesmap, stateset, webhook};

/// The connectors, in the order of the docs.
pub const REGISTRY: &[&Descriptor] = &[
    &agencyhandy::DESCRIPTOR,
    &salesmap::DESCRIPTOR,
    &leadsquared::DESCRIPTOR,
    &stateset::DESCRIPTOR,
    &hubspot::DESCRIPTOR,
    &webhook::DESCRIPTOR,
];

#[cfg(test)]
mod tests {
    use fakes::{Fake, Request, Vendor};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::connectors::testing::{account, destination, lead};
    use crate::connectors::{AnyConnector, Call, Guarantee, Health, Outcome, Progress, Record, Response, Safety, Step};
    use crate::domain::Lead;

    const NOW: i64 = 1_763_000_000_000;

    /// More steps than any delivery needs.
    const MOST_STEPS: usize = 12;

    fn send(descriptor: &Descriptor, call: &Call, fake: &mut dyn Fake) -> Response {
        let secret = |name: &str| {
            let suffix =
                descriptor.secrets.iter().find(|secret| name.ends_with(secret.suffix)).expect("a secret").suffix;
            Some(Vendor::secret(suffix).to_owned())
        };
        let headers = call.seal(descriptor.name, NOW, secret).expect("secrets");
        let (host, rest) = call.url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).expect("an address");
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let request = Request {
            method: call.method.name().into(),
            host: host.into(),
            path: format!("/{path}"),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            body: call.body.clone().unwrap_or_default(),
        };
        let response = fake.answer(&request, NOW);
        Response::new(descriptor.format(), response.status, response.headers, &response.body, NOW)
    }

    /// The steps of a delivery and how it ends, when every response arrives but that to the call of this number.
    fn deliver(
        descriptor: &Descriptor,
        connector: &dyn AnyConnector,
        lead: &Lead,
        fake: &mut dyn Fake,
        lost: Option<usize>,
    ) -> (Vec<&'static str>, Outcome) {
        let (mut progress, mut account, mut steps) = (Progress::default(), Json::Null, Vec::new());
        while steps.len() < MOST_STEPS {
            let call = match connector.next(lead, &progress, &account).expect("a state") {
                Step::Call(call) => *call,
                Step::Delivered(record) => return (steps, Outcome::Delivered(record)),
                Step::Rejected(failure) => return (steps, Outcome::Rejected(failure)),
            };
            let response = send(descriptor, &call, fake);
            steps.push(call.step);
            if lost == Some(steps.len()) {
                progress.in_doubt = (call.safety == Safety::Create).then(|| call.step.to_owned());
                continue;
            }
            match connector.read(&call, &response, &mut progress, &mut account).expect("a state") {
                Outcome::Continue(_) => {}
                outcome => return (steps, outcome),
            }
        }
        panic!("{}: no end: {steps:?}", descriptor.name);
    }

    #[test]
    fn every_record_of_every_connector_is_delivered_to_its_fake() {
        for descriptor in REGISTRY {
            let vendor = Vendor::named(descriptor.name).expect("every connector has a fake");
            let suffixes: Vec<&str> = descriptor.secrets.iter().map(|secret| secret.suffix).collect();
            assert_eq!(suffixes, vendor.secrets, "{}", descriptor.name);
            assert_eq!(descriptor.records.len(), vendor.options.len(), "{}", descriptor.name);
            for (record, options) in descriptor.records.iter().zip(vendor.options) {
                let mut settings: Json = serde_json::from_str(options).expect("an object");
                settings["type"] = json!(descriptor.name);
                settings["record"] = json!(record.name);
                let (connector, mut fake) = (account(descriptor.name, settings), vendor.fake());
                let which = format!("{} {}", descriptor.name, record.name);
                if let Some(probe) = connector.probe() {
                    let health = send(descriptor, &probe, &mut *fake).health();
                    assert_eq!(health, Health::Well, "{which}");
                }
                let fields = [
                    ("name", "Ada Lovelace"),
                    ("email", "ada@example.com"),
                    ("phone", "+1 555 0100"),
                    ("message", "Marker0192 <b>"),
                    ("budget", "5000"),
                ];
                let lead = lead(&fields);
                for round in 1..=2 {
                    let (steps, outcome) = deliver(descriptor, &*connector, &lead, &mut *fake, None);
                    assert!(matches!(outcome, Outcome::Delivered(_)), "{which}, {round}: {steps:?} {outcome:?}");
                    // A note is no record of a person.
                    let found = fake.holding("ada@example.com");
                    let of_person = found.iter().filter(|record| record["record"] != "note").count();
                    let is_one = matches!(record.guarantee, Guarantee::Upsert | Guarantee::OncePerPerson);
                    assert!(of_person == 1 || (!is_one && of_person > 0), "{which}, {round}: {of_person}");
                }
                assert_eq!(fake.complaints(), [] as [String; 0], "{which}");
            }
        }
    }

    #[test]
    fn a_lost_response_leaves_no_second_record_where_exactly_once_is_promised() {
        let fields = [("name", "Ada Lovelace"), ("company", "Engines"), ("phone", "1"), ("email", "ada@example.com")];
        let records = REGISTRY.iter().flat_map(|descriptor| descriptor.records.iter().map(move |r| (descriptor, r)));
        for (descriptor, record) in records.filter(|(_, record)| record.guarantee == Guarantee::ExactlyOnce) {
            let vendor = Vendor::named(descriptor.name).expect("every connector has a fake");
            let settings = json!({ "type": descriptor.name, "record": record.name });
            let connector = account(descriptor.name, settings);
            for lead in (1..=fields.len()).map(|count| lead(&fields[..count])) {
                let mut fake = vendor.fake();
                let (steps, _) = deliver(descriptor, &*connector, &lead, &mut *fake, None);
                let expected = fake.records().len();
                for lost in 1..=steps.len() {
                    let mut fake = vendor.fake();
                    let (steps, outcome) = deliver(descriptor, &*connector, &lead, &mut *fake, Some(lost));
                    assert!(matches!(outcome, Outcome::Delivered(_)), "{lost}: {steps:?} {outcome:?}");
                    assert_eq!(fake.records().len(), expected, "{lost}: {steps:?}");
                    assert_eq!(fake.complaints(), [] as [String; 0]);
                }
            }
        }
    }

    /// What a sign-in page, a firewall, a proxy or a broken connection puts in place of the vendor's response.
    const FOREIGN: &[(u16, &str)] = &[
        (200, ""),
        (200, "<!doctype html><title>Sign in</title>"),
        (200, r#"{"id":"#),
        (201, "OK"),
        (204, ""),
        (302, ""),
        (400, "<h1>Bad Request</h1>"),
        (401, ""),
        (403, "<h1>Forbidden</h1>"),
        (403, r#"{"error":"forbidden"}"#),
        (404, "<h1>Not Found</h1>"),
        (409, ""),
        (429, "<h1>Too Many Requests</h1>"),
        (500, ""),
        (503, "<h1>Service Unavailable</h1>"),
    ];

    /// Every record of every connector with the options of its fake, and with the defaults where those are valid.
    fn destinations() -> Vec<(&'static Descriptor, &'static Record, Json)> {
        let mut found = Vec::new();
        for descriptor in REGISTRY {
            let vendor = Vendor::named(descriptor.name).expect("every connector has a fake");
            assert_eq!(descriptor.records.len(), vendor.options.len(), "{}", descriptor.name);
            for (record, options) in descriptor.records.iter().zip(vendor.options) {
                for options in [*options, "{}"] {
                    let mut settings: Json = serde_json::from_str(options).expect("an object");
                    settings["type"] = json!(descriptor.name);
                    settings["record"] = json!(record.name);
                    if destination(descriptor.name, settings.clone()).is_ok() {
                        found.push((*descriptor, record, settings));
                    }
                }
            }
        }
        found
    }

    /// A webhook has no format: its 2xx is the success.
    #[test]
    fn a_response_that_is_not_the_vendors_own_proves_nothing() {
        for (descriptor, record, settings) in destinations() {
            if descriptor.name == "webhook" {
                continue;
            }
            let mut fake = Vendor::named(descriptor.name).expect("a fake").fake();
            let connector = account(descriptor.name, settings.clone());
            let lead = lead(&[("name", "Ada Lovelace"), ("email", "ada@example.com"), ("message", "Hello")]);
            let (mut progress, mut account) = (Progress::default(), Json::Null);
            let mut is_delivered = false;
            while let Step::Call(call) = connector.next(&lead, &progress, &account).expect("a state") {
                for (status, body) in FOREIGN {
                    let response = Response::new(descriptor.format(), *status, Vec::new(), body, NOW);
                    let (mut progress, mut account) = (progress.clone(), account.clone());
                    let outcome = connector.read(&call, &response, &mut progress, &mut account).expect("a state");
                    let which = format!("{} {settings} {}: {status} {body}", record.name, call.step);
                    assert!(matches!(outcome, Outcome::Retry(_)), "{which}: {outcome:?}");
                    assert!(call.safety != Safety::Create || !response.settles(&call, &outcome), "{which}");
                }
                let response = send(descriptor, &call, &mut *fake);
                match connector.read(&call, &response, &mut progress, &mut account).expect("a state") {
                    Outcome::Continue(_) => {}
                    outcome => {
                        is_delivered = matches!(outcome, Outcome::Delivered(_));
                        break;
                    }
                }
            }
            assert!(is_delivered, "{settings} does not reach its create");
        }
    }
}
