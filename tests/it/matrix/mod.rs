//! Every CRM under every misbehaviour: what the timeline says, when the next try is and whether this one counted, and the
//! end when the CRM behaves again. However it goes, no lead is lost and none is made twice.

mod faults;

use fakes::Mood;
use fakes::leadsquared::LeadSquared;
use serde_json::{Value, json};

use crate::destinations::{DESTINATIONS, SECRETS, everywhere, fakes, ids};
use crate::world::{ADMIN_TOKEN, PATIENCE, World, delivery, few_at_once, now};
use faults::{Fault, faults};

/// The pause between two tries, and what jitter makes of it.
const PAUSE_MS: i64 = 2_000;
const PAUSES: std::ops::RangeInclusive<i64> = 1_800..=2_200;

fn steady(mut destination: Value, timeout: &str) -> Value {
    destination["retry"] = json!(vec![format!("{PAUSE_MS}ms"); 20]);
    destination["timeout"] = json!(timeout);
    destination
}

/// Where a delivery stands between two tries, in the words of [`faults`]; `None` while a try is under way.
fn standing(delivery: &Value) -> Option<String> {
    let (attempts, tries, trouble) =
        (delivery["timeline"].as_array()?, delivery["attempts"].as_i64()?, &delivery["failure"]);
    let last = attempts.iter().rfind(|attempt| attempt["outcome"] != "continue");
    let state = delivery["state"].as_str()?;
    if state != "pending" {
        return Some(state.to_owned());
    }
    let last = last?;
    let pause = delivery["next_at"].as_i64()? - last["at"].as_i64()? - last["ms"].as_i64()?;
    let (why, wait, verdict) = (trouble["kind"].as_str()?, trouble["wait_ms"].as_i64(), last["outcome"].as_str()?);
    let is_asked = wait.is_some_and(|wait| (wait..=wait + wait / 10).contains(&pause));
    // Counted tries follow the schedule, or the vendor's wait; the account's troubles count none.
    let class = match (why, tries) {
        ("rate_limited", 0) if is_asked => format!("waits {}", wait?),
        ("credentials", 0) if pause >= 0 => "parked".to_owned(),
        ("rate_limited" | "credentials", _) | (_, 0) => return None,
        _ if is_asked => format!("counts, waits {}", wait?),
        _ if PAUSES.contains(&pause) => "counts".to_owned(),
        _ => return None,
    };
    let doubt = delivery["in_doubt"].as_str().map(|step| format!(", {step} in doubt")).unwrap_or_default();
    Some(format!("{verdict}, {class}{doubt}"))
}

/// What every destination makes of it, one line each.
fn standings(view: &Value) -> Option<Vec<String>> {
    DESTINATIONS.iter().map(|(name, _)| Some(format!("{name}: {}", standing(delivery(view, name))?))).collect()
}

/// Posts to every CRM and waits until it is clear what each has made of what it met.
fn stands(world: &World, fault: &str) -> (String, Vec<String>) {
    let email = "ada@example.com";
    let id = world.visit("all", &[("name", "Ada Lovelace"), ("email", email), ("shoe size", "38")]);
    let start = now();
    loop {
        let view = world.submission("all", &id);
        if let Some(standings) = standings(&view) {
            return (id, standings);
        }
        assert!(start.elapsed() < PATIENCE, "{fault}: {view:#}");
        std::thread::sleep(std::time::Duration::from_millis(15));
    }
}

/// The CRMs are well again: everything ends with one record, at the time that was said.
fn ends_well(world: &World, fault: &str, id: &str, standings: &[String]) {
    for (_, fake) in DESTINATIONS {
        world.fakes.always(fake, None);
    }
    world.fakes.with(|fake: &mut LeadSquared| HOME.clone_into(&mut fake.home));
    let view = world.settled("all", id);
    if standings.iter().any(|standing| standing.ends_with(": refused")) {
        for ((name, fake), standing) in DESTINATIONS.iter().zip(standings) {
            let is_refused = standing.ends_with(": refused");
            let found = (&delivery(&view, name)["state"], ids(world, fake).len());
            let expected = if is_refused { ("rejected", 0) } else { ("delivered", 1) };
            assert_eq!((found.0.as_str().unwrap_or_default(), found.1), expected, "{fault}, {name}: {view:#}");
        }
        // A refusal waits for a person, who sends it again.
        let token = format!("Bearer {ADMIN_TOKEN}");
        let path = format!("/api/forms/all/submissions/{id}/release");
        assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200, "{fault}");
    }
    let view = world.settled("all", id);
    for (name, fake) in DESTINATIONS {
        let delivery = delivery(&view, name);
        assert_eq!(delivery["state"], "delivered", "{fault}, {name}: {view:#}");
        let made = ids(world, fake);
        assert_eq!(made, [delivery["record"]["id"].as_str().unwrap_or_default()], "{fault}, {name}: {view:#}");
        assert_eq!(world.fakes.complaints(fake), [] as [String; 0], "{fault}, {name}");
        keeps_its_time(fault, name, &delivery["timeline"], standings);
    }
    let people = world.fakes.records("salesmap").len();
    assert_eq!(people, 2, "{fault}: a person and a lead");
}

/// The try after the one that failed came no sooner than was said.
fn keeps_its_time(fault: &str, name: &str, attempts: &Value, standings: &[String]) {
    let standing = standings.iter().find(|standing| standing.starts_with(name)).expect("a standing");
    let attempts = attempts.as_array().expect("a timeline");
    let Some(at) = attempts.iter().position(|attempt| !is_good(attempt)) else { return };
    let number = |attempt: &Value, key: &str| attempt[key].as_i64().expect("a number");
    let failed_at = number(&attempts[at], "at") + number(&attempts[at], "ms");
    let pause = number(&attempts[at + 1], "at") - failed_at;
    let asked = standing.split_once("waits ").map(|(_, rest)| rest.split(',').next().unwrap_or_default());
    let least = match asked {
        Some(asked) => asked.parse().expect("a number"),
        // A person's release asks nobody.
        None if standing.ends_with(": refused") => 0,
        // The probes of a parked destination follow the schedule without jitter.
        None => *PAUSES.start(),
    };
    assert!(pause >= least, "{fault}, {name}: tried again after {pause} ms instead of {least}: {attempts:#?}");
}

fn is_good(attempt: &Value) -> bool {
    attempt["outcome"] == "continue" || attempt["outcome"] == "delivered"
}

/// Where the fake LeadSquared's account is.
const HOME: &str = "api-in21.leadsquared.com";

fn meet(fault: &Fault) {
    // Only the slow faults are to run into the timeout, and no answer because the machine is slow.
    let timeout = if fault.is_slow() { "3s" } else { "60s" };
    let world = World::new(&everywhere(|destination| steady(destination, timeout)), SECRETS, fakes());
    // Salesmap makes the person first; what it does to the lead is the matter here, which it would make twice.
    world.fakes.next("salesmap", Mood::Slow(std::time::Duration::ZERO));
    for (name, fake) in DESTINATIONS {
        world.fakes.always(fake, (fault.mood)(name));
    }
    if let Some(home) = fault.home {
        world.fakes.with(|fake: &mut LeadSquared| home.clone_into(&mut fake.home));
    }
    let (id, standings) = stands(&world, fault.name);
    let expected: Vec<_> = DESTINATIONS.iter().map(|(name, _)| format!("{name}: {}", (fault.expected)(name))).collect();
    assert_eq!(standings, expected, "{}: {:#}", fault.name, world.submission("all", &id));
    ends_well(&world, fault.name, &id, &standings);
}

#[test]
fn every_fault_at_every_crm() {
    few_at_once(8, faults(), |fault| meet(&fault));
}

#[test]
fn a_connection_that_is_refused() {
    let mut world = World::new(&everywhere(|destination| steady(destination, "60s")), SECRETS, fakes());
    world.cut_off();
    let (id, standings) = stands(&world, "rejected");
    let expected: Vec<_> = DESTINATIONS.iter().map(|(name, _)| format!("{name}: no_response, counts")).collect();
    assert_eq!(standings, expected);
    world.reconnect();
    ends_well(&world, "rejected", &id, &standings);
}
