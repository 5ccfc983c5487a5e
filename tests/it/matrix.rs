//! Every vendor under every kind of network fault: once the vendors work again, each holds exactly one record.

use std::time::Duration;

use fakes::{Fake, Mood, Response, VENDORS, Vendor};
use serde_json::{Value, json};

use crate::world::{World, at_once, deliveries, delivery, with};

/// A webhook receiver has taken a message with any 2xx.
const HOOK: &str = "webhook";

/// A word in the message, which each vendor stores once per delivery.
const MARK: &str = "samovar";

fn page(status: u16) -> Response {
    Response::html(status, format!("<!doctype html><title>{status}</title>"))
}

/// What every vendor does; `None`: it cannot be reached.
fn faults() -> Vec<(&'static str, Option<Mood>)> {
    vec![
        ("connection refused", None),
        ("response lost", Some(Mood::DropAfterWork)),
        ("response cut in half", Some(Mood::Truncate)),
        ("a page instead of the API", Some(Mood::Answer(page(200)))),
        ("rate limit", Some(Mood::Answer(page(429).with("Retry-After", "1")))),
        ("rejected credentials", Some(Mood::Answer(page(401)))),
    ]
}

/// A form that leads to every vendor, with their secrets.
fn everywhere() -> (Value, Vec<(String, String)>) {
    let names: Vec<_> = VENDORS.iter().map(|vendor| vendor.name).collect();
    let mut vars = json!({ "FORM_ALL": { "destinations": names } });
    let mut secrets = Vec::new();
    for vendor in VENDORS {
        let name = vendor.name.to_uppercase();
        let options: Value = serde_json::from_str(vendor.options[0]).expect("options");
        let table = json!({ "type": vendor.name, "retry": vec!["1s"; 20], "timeout": "2s" });
        vars[format!("DESTINATION_{name}")] = with(table, &options);
        let secret = |suffix: &&'static str| (format!("{name}_{suffix}"), Vendor::secret(suffix).to_owned());
        secrets.extend(vendor.secrets.iter().map(secret));
    }
    (vars, secrets)
}

fn meet((fault, mood): (&str, Option<Mood>)) {
    let (vars, secrets) = everywhere();
    let secrets: Vec<_> = secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut world = World::new(&vars, &secrets, VENDORS.iter().map(Vendor::fake).collect::<Vec<Box<dyn Fake>>>());
    // The first call of these two precedes their create.
    for vendor in ["salesmap", "hubspot"] {
        world.fakes.next(vendor, Mood::Slow(Duration::ZERO));
    }
    match &mood {
        None => world.cut_off(),
        Some(mood) => VENDORS.iter().for_each(|vendor| world.fakes.always(vendor.name, Some(mood.clone()))),
    }
    let id = world.visit("all", &[("name", "Ada Lovelace"), ("email", "ada@example.com"), ("message", MARK)]);
    let is_met =
        |found: &Value| !found["failure"].is_null() || (found["destination"] == HOOK && found["state"] == "delivered");
    world.wait_until("all", &id, |view| deliveries(view).iter().all(is_met));
    match mood {
        None => world.reconnect(),
        Some(_) => VENDORS.iter().for_each(|vendor| world.fakes.always(vendor.name, None)),
    }
    let view = world.settled("all", &id);
    for Vendor { name, .. } in VENDORS {
        let found = delivery(&view, name);
        assert_eq!(found["state"], "delivered", "{fault}, {name}: {view:#}");
        // A webhook receiver that answered 2xx did what it liked with the message.
        if *name != HOOK || found["timeline"][0]["outcome"] != "delivered" {
            let records = world.fakes.records(name);
            let copies = records.iter().filter(|record| record.to_string().contains(MARK)).count();
            assert_eq!(copies, 1, "{fault}, {name}: {records:#?} {view:#}");
        }
        assert_eq!(world.fakes.complaints(name), [] as [String; 0], "{fault}, {name}");
    }
}

#[test]
fn every_vendor_holds_one_record_after_every_fault() {
    at_once(faults(), meet);
}
