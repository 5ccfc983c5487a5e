//! Several destinations on one form: none delays another, and each says why it does not deliver.

use std::time::Duration;

use fakes::agencyhandy::AgencyHandy;
use fakes::leadsquared::LeadSquared;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Request, Response};
use serde_json::{Value, json};

use crate::world::{World, at_once, deliveries, delivery, patient, with};

/// The secrets of [`everywhere`], each with a word in it that must never be seen outside of a request to its CRM.
pub const SECRETS: &[(&str, &str)] = &[
    ("AGENCYHANDY_API_KEY", "seeded-secret-agencyhandy"),
    ("SALESMAP_TOKEN", "seeded-secret-salesmap"),
    ("LEADSQUARED_ACCESS_KEY", "seeded-secret-u$r"),
    ("LEADSQUARED_SECRET_KEY", "seeded-secret-leadsquared"),
    ("STATESET_API_KEY", "seeded-secret-stateset"),
    // `whsec_` and the base64 of "seeded-secret-of-the-hook".
    ("HOOK_SIGNING_SECRET", "whsec_c2VlZGVkLXNlY3JldC1vZi10aGUtaG9vaw=="),
];

/// A destination of [`everywhere`] and the fake behind it.
pub const DESTINATIONS: &[(&str, &str)] = &[
    ("agencyhandy", "agencyhandy"),
    ("hook", "webhook"),
    ("leadsquared", "leadsquared"),
    ("salesmap", "salesmap"),
    ("stateset", "stateset"),
];

/// The vars of a form `all` that leads to every CRM, and of a form for each; `how` adds the schedule.
pub fn everywhere(how: impl Fn(Value) -> Value) -> Value {
    let mut vars = json!({
        "DESTINATION_AGENCYHANDY": how(json!({ "type": "agencyhandy", "api": "members" })),
        "DESTINATION_SALESMAP": how(json!({ "type": "salesmap" })),
        "DESTINATION_LEADSQUARED": how(json!({ "type": "leadsquared", "region": "india-mumbai" })),
        "DESTINATION_STATESET": how(json!({ "type": "stateset" })),
        "DESTINATION_HOOK": how(json!({ "type": "webhook", "url": "https://hooks.example.com/catch/1" })),
    });
    let names: Vec<_> = DESTINATIONS.iter().map(|(name, _)| *name).collect();
    for name in &names {
        vars[format!("FORM_{}", name.to_uppercase())] = json!({ "destinations": [name] });
    }
    vars["FORM_ALL"] = json!({ "destinations": names });
    vars
}

/// A fake of every CRM, which takes [`SECRETS`].
pub fn fakes() -> Vec<Box<dyn Fake>> {
    let secret = |name: &str| SECRETS.iter().find(|(key, _)| *key == name).expect("a secret").1;
    vec![
        Box::new(AgencyHandy::new(secret("AGENCYHANDY_API_KEY"))),
        Box::new(Salesmap::new(secret("SALESMAP_TOKEN"))),
        Box::new(LeadSquared::new(secret("LEADSQUARED_ACCESS_KEY"), secret("LEADSQUARED_SECRET_KEY"))),
        Box::new(StateSet::new(secret("STATESET_API_KEY"))),
        Box::new(Webhook::new(secret("HOOK_SIGNING_SECRET"))),
    ]
}

/// The ids of the records that end a delivery, as `fake` holds them.
pub fn ids(world: &World, fake: &str) -> Vec<String> {
    let records = world.fakes.records(fake);
    let is_end = |record: &&Value| !["person", "organization", "note"].iter().any(|kind| record["record"] == *kind);
    let ends = records.iter().filter(is_end);
    let id = |record: &Value| {
        let id = ["id", "_id", "ProspectID", "webhook_id"].iter().find_map(|key| record[*key].as_str());
        id.expect("an id").to_owned()
    };
    ends.map(id).collect()
}

const ADA: &[(&str, &str)] = &[("name", "Ada Lovelace"), ("email", "ada@example.com"), ("shoe size", "38")];

fn state<'a>(view: &'a Value, destination: &str) -> &'a Value {
    &delivery(view, destination)["state"]
}

#[test]
fn every_destination_of_a_form_gets_the_lead() {
    let world = World::new(&everywhere(patient), SECRETS, fakes());
    let submission = world.visit("all", ADA);
    let view = world.settled("all", &submission);
    for (name, fake) in DESTINATIONS {
        let delivery = delivery(&view, name);
        let held = ids(&world, fake);
        assert_eq!(delivery["state"], "delivered", "{name}: {view:#}");
        assert_eq!(held, [delivery["record"]["id"].as_str().unwrap()], "{name}");
        assert_eq!(world.fakes.complaints(fake), [] as [String; 0], "{name}");
    }
    assert_eq!(deliveries(&view).len(), DESTINATIONS.len());
}

#[test]
fn white_space_around_a_pasted_secret_is_ignored() {
    let pasted: Vec<_> = SECRETS.iter().map(|(name, secret)| (*name, format!(" {secret}\n"))).collect();
    let pasted: Vec<_> = pasted.iter().map(|(name, secret)| (*name, secret.as_str())).collect();
    let world = World::new(&everywhere(patient), &pasted, fakes());
    let view = world.settled("all", &world.visit("all", ADA));
    for (name, _) in DESTINATIONS {
        assert_eq!(state(&view, name), "delivered", "{name}: {view:#}");
    }
}

#[test]
fn a_failing_destination_does_not_hold_up_another() {
    let refusal =
        json!({ "success": false, "message": "Bad Request", "reason": ["[name]: 형식에 맞게 입력해주세요."] });
    let moods = vec![
        ("down", Mood::Answer(Response::html(502, "<h1>Bad Gateway</h1>")), "pending"),
        ("hanging", Mood::Slow(Duration::from_mins(1)), "pending"),
        ("closing", Mood::DropUnread, "pending"),
        ("refusing", Mood::Answer(Response::json(400, refusal)), "rejected"),
    ];
    at_once(moods, |(word, mood, expected)| {
        let mut vars = everywhere(|destination| with(patient(destination), &json!({ "timeout": "3s" })));
        vars["FORM_BOTH"] = json!({ "destinations": ["salesmap", "stateset"] });
        let world = World::new(&vars, SECRETS, fakes());
        world.fakes.always("salesmap", Some(mood));
        // More than the Outbox sends at a time.
        let submissions: Vec<String> = (0..8)
            .map(|number| {
                let email = format!("visitor-{number}@example.com");
                world.visit("both", &[("name", "Visitor"), ("email", &email)])
            })
            .collect();
        for id in &submissions {
            let view = world.wait_until("both", id, |view| state(view, "stateset") == "delivered");
            assert_ne!(state(&view, "salesmap"), "delivered", "{word}");
        }
        assert_eq!((ids(&world, "stateset").len(), world.fakes.records("salesmap").len()), (8, 0), "{word}");

        world.fakes.always("salesmap", None);
        for id in &submissions {
            let end = if expected == "pending" { "delivered" } else { expected };
            let view = world.settled("both", id);
            assert_eq!(
                (state(&view, "salesmap"), state(&view, "stateset")),
                (&json!(end), &json!("delivered")),
                "{word}"
            );
        }
        let held = if expected == "pending" { 8 } else { 0 };
        assert_eq!((ids(&world, "stateset").len(), ids(&world, "salesmap").len()), (8, held), "{word}");
    });
}

/// Two workspaces of one vendor, told apart by their tokens as the vendor does.
struct Workspaces(Vec<(String, Salesmap)>);

impl Fake for Workspaces {
    fn name(&self) -> &'static str {
        "salesmap"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["salesmap.kr"]
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        match self.0.iter_mut().find(|(of, _)| of == token) {
            Some((_, workspace)) => workspace.answer(request, now_ms),
            None => Response::json(401, json!({ "success": false, "reason": "유효하지 않은 토큰입니다." })),
        }
    }

    fn records(&self) -> Vec<Value> {
        let all = |(of, workspace): &(String, Salesmap)| {
            let of = of.clone();
            workspace.records().into_iter().map(move |record| json!([of, record["record"], record["name"]]))
        };
        self.0.iter().flat_map(all).collect()
    }

    fn complaints(&self) -> Vec<String> {
        self.0.iter().flat_map(|(_, workspace)| workspace.complaints()).collect()
    }
}

#[test]
fn two_accounts_of_one_crm_have_their_own_options_and_secrets() {
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["acme-salesmap", "seoul-salesmap"] },
        "DESTINATION_ACME_SALESMAP": patient(json!({ "type": "salesmap", "lead_name": "Acme: {name}" })),
        "DESTINATION_SEOUL_SALESMAP": patient(json!({ "type": "salesmap", "lead_name": "서울: {name}" })),
    });
    let secrets = [("ACME_SALESMAP_TOKEN", "token-acme"), ("SEOUL_SALESMAP_TOKEN", "token-seoul")];
    let workspaces = secrets.iter().map(|(_, token)| ((*token).to_owned(), Salesmap::new(token))).collect();
    let world = World::new(&vars, &secrets, vec![Box::new(Workspaces(workspaces))]);
    let submission = world.visit("contact", ADA);
    let view = world.settled("contact", &submission);
    assert!(deliveries(&view).iter().all(|delivery| delivery["state"] == "delivered"), "{view:#}");
    assert_eq!(
        world.fakes.records("salesmap"),
        [
            json!(["token-acme", "person", "Ada Lovelace"]),
            json!(["token-acme", "lead", "Acme: Ada Lovelace"]),
            json!(["token-seoul", "person", "Ada Lovelace"]),
            json!(["token-seoul", "lead", "서울: Ada Lovelace"]),
        ]
    );
    assert_eq!(world.fakes.complaints("salesmap"), [] as [String; 0]);
}

#[test]
fn wrong_credentials_wait_and_say_so() {
    let wrong: Vec<(&str, &str)> = SECRETS
        .iter()
        .map(|(name, _)| (*name, if name.starts_with("HOOK") { "whsec_d3Jvbmc=" } else { "an-old-key" }))
        .collect();
    let mut world = World::new(&everywhere(patient), &wrong, fakes());
    let submission = world.visit("all", ADA);
    let told = |view: &Value| deliveries(view).iter().all(|delivery| !delivery["failure"].is_null());
    let view = world.wait_until("all", &submission, told);
    for (name, fake) in DESTINATIONS {
        let delivery = delivery(&view, name);
        let found = (&delivery["state"], &delivery["failure"]["kind"]);
        assert_eq!(found, (&json!("pending"), &json!("credentials")), "{name}");
        assert_eq!(world.fakes.records(fake), [] as [Value; 0], "{name}");
    }
    // Once the right ones are set, everything is delivered.
    world.redeploy(&everywhere(patient), SECRETS);
    let view = world.settled("all", &submission);
    for (name, fake) in DESTINATIONS {
        assert_eq!((state(&view, name), ids(&world, fake).len()), (&json!("delivered"), 1), "{name}");
    }
}

#[test]
fn a_missing_secret_waits_and_is_named() {
    let world = World::new(&everywhere(patient), &[("LEADSQUARED_ACCESS_KEY", "set")], fakes());
    let submission = world.visit("all", ADA);
    let told = |view: &Value| deliveries(view).iter().all(|delivery| !delivery["failure"].is_null());
    let view = world.wait_until("all", &submission, told);
    for (name, missing) in [
        ("agencyhandy", "AGENCYHANDY_API_KEY"),
        ("hook", "HOOK_SIGNING_SECRET"),
        ("leadsquared", "LEADSQUARED_SECRET_KEY"),
        ("salesmap", "SALESMAP_TOKEN"),
        ("stateset", "STATESET_API_KEY"),
    ] {
        let delivery = delivery(&view, name);
        let detail = format!("the secret {missing} is not set: run `npx wrangler secret put {missing}`");
        let found = (&delivery["state"], &delivery["attempts"], &delivery["failure"]);
        assert_eq!(found, (&json!("pending"), &json!(0), &json!({ "kind": "config", "detail": detail })), "{name}");
    }
    for (name, fake) in DESTINATIONS {
        assert_eq!(world.requests(fake), [] as [Value; 0], "{name}");
    }
}
