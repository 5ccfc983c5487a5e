//! kill -9 at any moment: what was acknowledged is delivered, once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fakes::agencyhandy::AgencyHandy;
use fakes::leadsquared::LeadSquared;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood};
use serde_json::{Value, json};

use crate::world::{World, deliveries, now, quick};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";
const SECRETS: &[(&str, &str)] = &[
    ("HOOK_SIGNING_SECRET", SECRET),
    ("STATESET_API_KEY", "sk_test_1"),
    ("SALESMAP_TOKEN", "t1"),
    ("AGENCYHANDY_API_KEY", "k1"),
    ("LEADSQUARED_ACCESS_KEY", "u1"),
    ("LEADSQUARED_SECRET_KEY", "s1"),
];

fn fakes() -> Vec<Box<dyn Fake>> {
    let mut stateset = StateSet::new("sk_test_1");
    stateset.limit = 10_000;
    vec![
        Box::new(Webhook::new(SECRET)),
        Box::new(stateset),
        Box::new(Salesmap::new("t1")),
        Box::new(AgencyHandy::new("k1")),
        Box::new(LeadSquared::new("u1", "s1")),
    ]
}

/// Every CRM; `contact` leads to those without a rate limit, `slow` to the others.
fn world() -> World {
    let mut vars = json!({
        "FORM_CONTACT": { "destinations": ["hook", "stateset", "agencyhandy"] },
        "FORM_SLOW": { "destinations": ["salesmap", "leadsquared"] },
        "DESTINATION_HOOK": { "crm": "webhook", "url": "https://hooks.example.com/leads" },
        "DESTINATION_STATESET": { "crm": "stateset", "pace": "1000/1s" },
        "DESTINATION_AGENCYHANDY": { "crm": "agencyhandy" },
        "DESTINATION_SALESMAP": { "crm": "salesmap" },
        "DESTINATION_LEADSQUARED": { "crm": "leadsquared", "region": "india-mumbai" },
    });
    for name in ["HOOK", "STATESET", "AGENCYHANDY", "SALESMAP", "LEADSQUARED"] {
        let key = format!("DESTINATION_{name}");
        vars[&key] = quick(vars[&key].take());
        // A kill costs each try that it cuts short, and this many are killed here.
        vars[&key]["retry"] = json!(vec!["200ms"; 20]);
    }
    World::new(&vars, SECRETS, fakes())
}

/// How often the marker of each submission is in the records of `fake` that are of this kind.
fn copies(world: &World, fake: &str, kind: &str) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    for record in world.fakes.records(fake).iter().filter(|record| record["record"] == kind) {
        *copies.entry(marker(&record.to_string())).or_insert(0) += 1;
    }
    copies
}

/// `visitor0-1` in a text.
fn marker(text: &str) -> String {
    let start = text.find("visitor").unwrap_or_else(|| panic!("no marker in {text}"));
    text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

fn body(marker: &str) -> String {
    format!("name={marker}&email={marker}%40example.com")
}

/// Waits until every delivery of a submission is through.
fn all_delivered(world: &World, form: &str, id: &str) {
    let view = world.settled(form, id);
    let states: Vec<_> = deliveries(&view).iter().map(|delivery| delivery["state"].clone()).collect();
    assert!(states.iter().all(|state| state == "delivered"), "{view:#}");
}

fn once(world: &World, fake: &str, kind: &str, marker: &str) {
    assert_eq!(copies(world, fake, kind), BTreeMap::from([(marker.to_owned(), 1)]), "{fake}");
}

#[test]
fn killed_right_after_it_was_accepted() {
    let mut world = world();
    let id = world.submit("contact", &body("visitor1"));
    world.worker.kill_and_restart();
    all_delivered(&world, "contact", &id);
    once(&world, "webhook", "message", "visitor1");
    once(&world, "stateset", "lead", "visitor1");
    once(&world, "agencyhandy", "lead", "visitor1");
}

#[test]
fn killed_before_its_alarm_could_run() {
    let mut world = world();
    // The fakes are deaf: whatever the first alarm did, nothing came of it.
    for fake in ["webhook", "stateset", "agencyhandy"] {
        world.fakes.always(fake, Some(Mood::DropUnread));
    }
    let id = world.submit("contact", &body("visitor1"));
    world.worker.kill_and_restart();
    world.worker.kill_and_restart();
    for fake in ["webhook", "stateset", "agencyhandy"] {
        world.fakes.always(fake, None);
    }
    all_delivered(&world, "contact", &id);
    once(&world, "webhook", "message", "visitor1");
    once(&world, "stateset", "lead", "visitor1");
    once(&world, "agencyhandy", "lead", "visitor1");
}

/// Submits to `slow`, kills when Salesmap has got `calls` requests, the last of which is answered late, and restarts.
fn killed_during_call(calls: usize) -> World {
    let mut world = world();
    for _ in 1..calls {
        world.fakes.next("salesmap", Mood::Slow(Duration::ZERO));
    }
    // The vendor does its work all the same, after the kill.
    world.fakes.next("salesmap", Mood::Slow(Duration::from_millis(300)));
    let id = world.submit("slow", &format!("{}&company=Acme", body("visitor1")));
    let start = now();
    while world.fakes.requests("salesmap").len() < calls {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", world.worker.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    world.worker.kill_and_restart();
    all_delivered(&world, "slow", &id);
    once(&world, "salesmap", "person", "visitor1");
    once(&world, "salesmap", "lead", "visitor1");
    once(&world, "leadsquared", "lead", "visitor1");
    assert_eq!(world.fakes.records("salesmap").len(), 3, "an organization, a person, a lead");
    world
}

fn paths(world: &World) -> Vec<String> {
    world.fakes.requests("salesmap").into_iter().map(|request| request.path.replace("/api/v2/", "")).collect()
}

#[test]
fn killed_during_the_first_call_of_three() {
    let world = killed_during_call(1);
    assert_eq!(paths(&world), ["organization", "organization", "people", "lead"]);
}

#[test]
fn killed_between_two_steps() {
    let world = killed_during_call(2);
    assert_eq!(paths(&world), ["organization", "people", "people", "lead"], "it goes on where it was");
}

#[test]
fn killed_during_the_create_that_cannot_be_repeated() {
    let world = killed_during_call(3);
    let paths = paths(&world);
    assert_eq!(
        paths[..4],
        ["organization", "people", "lead", "object/lead/search"],
        "it looks before it makes another"
    );
}

/// Posts all of them, two in a hundred milliseconds; the ids that were acknowledged, by marker.
fn post_all(address: &Mutex<SocketAddr>, form: &str, markers: &[String]) -> Vec<(String, String)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(5)))
        .build()
        .into();
    let mut acknowledged = Vec::new();
    for marker in markers {
        let to = *address.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = agent
            .post(format!("http://{to}/f/{form}"))
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .send(body(marker));
        // A refused connection, a reset, an answer cut in half: not acknowledged, so nothing is promised.
        let text = answer.ok().filter(|answer| answer.status() == 200);
        let id = text.and_then(|mut answer| answer.body_mut().read_to_string().ok());
        let id = id.and_then(|text| serde_json::from_str::<Value>(&text).ok()?["id"].as_str().map(str::to_owned));
        acknowledged.extend(id.map(|id| (marker.clone(), id)));
        std::thread::sleep(Duration::from_millis(50));
    }
    acknowledged
}

#[test]
fn killed_five_times_under_load() {
    let mut world = world();
    let address = Mutex::new(world.worker.address);
    // Six threads to the CRMs without a limit, two to those that take some two leads a second.
    let plan: Vec<(&str, Vec<String>)> = (0..8)
        .map(|thread| {
            let (form, count) = if thread < 6 { ("contact", 33) } else { ("slow", 10) };
            (form, (0..count).map(|n| format!("visitor{thread}-{n}")).collect())
        })
        .collect();
    let acknowledged: Vec<(&str, Vec<(String, String)>)> = std::thread::scope(|scope| {
        let posts: Vec<_> = plan
            .iter()
            .map(|(form, markers)| {
                let address = &address;
                (*form, scope.spawn(move || post_all(address, form, markers)))
            })
            .collect();
        for _ in 0..5 {
            // Far enough apart for something to be under way each time.
            std::thread::sleep(Duration::from_millis(150));
            world.worker.kill_and_restart();
            *address.lock().unwrap_or_else(PoisonError::into_inner) = world.worker.address;
        }
        posts.into_iter().map(|(form, post)| (form, post.join().expect("a thread"))).collect()
    });
    for (form, least) in [("contact", 60), ("slow", 5)] {
        let count: usize = acknowledged.iter().filter(|(to, _)| *to == form).map(|(_, ids)| ids.len()).sum();
        assert!(count >= least, "only {count} were acknowledged by {form}: the test shows nothing");
    }
    for (form, ids) in &acknowledged {
        for (_, id) in ids {
            all_delivered(&world, form, id);
        }
    }
    for (form, fake, kind) in [
        ("contact", "webhook", "message"),
        ("contact", "stateset", "lead"),
        ("contact", "agencyhandy", "lead"),
        ("slow", "salesmap", "person"),
        ("slow", "salesmap", "lead"),
        ("slow", "leadsquared", "lead"),
    ] {
        let copies = copies(&world, fake, kind);
        assert!(copies.values().all(|count| *count == 1), "doubled in {fake}: {copies:?}");
        let lost = acknowledged.iter().filter(|(to, _)| *to == form).flat_map(|(_, ids)| ids);
        let lost: Vec<_> = lost.filter(|(marker, _)| !copies.contains_key(marker)).collect();
        assert!(lost.is_empty(), "lost on the way to {fake}: {lost:?}");
    }
}
