//! kill -9 at any moment: what was acknowledged is delivered, once.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use fakes::{Gate, Mood};

use crate::storm::{Place, copies, world};
use crate::world::{World, deliveries};

fn body(marker: &str) -> String {
    format!("name={marker}&email={marker}%40example.com")
}

/// Waits until every delivery of a submission is through.
fn all_delivered(world: &World, form: &str, id: &str) {
    let view = world.settled(form, id);
    let states: Vec<_> = deliveries(&view).iter().map(|delivery| delivery["state"].clone()).collect();
    assert!(states.iter().all(|state| state == "delivered"), "{view:#}");
}

fn once(world: &World, place: Place, marker: &str) {
    assert_eq!(copies(world, place), BTreeMap::from([(marker.to_owned(), 1)]), "{place:?}");
}

#[test]
fn killed_right_after_it_was_accepted() {
    let mut world = world();
    let id = world.submit("contact", &body("visitor-contact-1"));
    world.worker.kill_and_restart();
    all_delivered(&world, "contact", &id);
    once(&world, ("contact", "webhook", "message"), "visitor-contact-1");
    once(&world, ("contact", "stateset", "lead"), "visitor-contact-1");
    once(&world, ("contact", "agencyhandy", "lead"), "visitor-contact-1");
}

#[test]
fn killed_before_its_alarm_could_run() {
    let mut world = world();
    // The fakes are deaf: whatever the first alarm did, nothing came of it.
    for fake in ["webhook", "stateset", "agencyhandy"] {
        world.fakes.always(fake, Some(Mood::DropUnread));
    }
    let id = world.submit("contact", &body("visitor-contact-1"));
    world.worker.kill_and_restart();
    world.worker.kill_and_restart();
    for fake in ["webhook", "stateset", "agencyhandy"] {
        world.fakes.always(fake, None);
    }
    all_delivered(&world, "contact", &id);
    once(&world, ("contact", "webhook", "message"), "visitor-contact-1");
    once(&world, ("contact", "stateset", "lead"), "visitor-contact-1");
    once(&world, ("contact", "agencyhandy", "lead"), "visitor-contact-1");
}

/// What the vendor does with a call whose caller is dead: its work, all the same.
#[derive(Clone, Copy)]
enum Works {
    /// It is done before the Worker is there again.
    BeforeTheRestart,
    /// It outlasts the restart.
    Longer,
}

/// Submits to `slow`, kills when Salesmap is at work on the last of `calls` requests, and restarts.
fn killed_during_call(calls: usize, works: Works) -> World {
    let mut world = world();
    for _ in 1..calls {
        world.fakes.next("salesmap", Mood::Slow(Duration::ZERO));
    }
    let gate = Gate::default();
    world.fakes.next(
        "salesmap",
        match works {
            Works::BeforeTheRestart => Mood::Hold(gate.clone()),
            Works::Longer => Mood::Slow(Duration::from_millis(1_300)),
        },
    );
    let id = world.submit("slow", &format!("{}&company=Acme", body("visitor-slow-1")));
    world.wait_for(|| (world.fakes.requests("salesmap").len() == calls).then_some(()));
    let fakes = &world.fakes;
    world.worker.while_down(|_| {
        gate.open();
        while matches!(works, Works::BeforeTheRestart) && fakes.records("salesmap").len() < calls {
            thread::sleep(Duration::from_millis(5));
        }
    });
    all_delivered(&world, "slow", &id);
    once(&world, ("slow", "salesmap", "person"), "visitor-slow-1");
    once(&world, ("slow", "salesmap", "lead"), "visitor-slow-1");
    once(&world, ("slow", "leadsquared", "lead"), "visitor-slow-1");
    assert_eq!(world.fakes.records("salesmap").len(), 3, "an organization, a person, a lead");
    world
}

fn paths(world: &World) -> Vec<String> {
    world.fakes.requests("salesmap").into_iter().map(|request| request.path.replace("/api/v2/", "")).collect()
}

#[test]
fn killed_during_the_first_call_of_three() {
    let world = killed_during_call(1, Works::BeforeTheRestart);
    assert_eq!(paths(&world), ["organization", "organization", "people", "lead"]);
}

#[test]
fn killed_between_two_steps() {
    let world = killed_during_call(2, Works::BeforeTheRestart);
    assert_eq!(paths(&world), ["organization", "people", "people", "lead"], "it goes on where it was");
}

#[test]
fn killed_during_the_create_that_cannot_be_repeated() {
    let world = killed_during_call(3, Works::BeforeTheRestart);
    let paths = paths(&world);
    assert_eq!(
        paths[..4],
        ["organization", "people", "lead", "object/lead/search"],
        "it looks before it makes another"
    );
}

#[test]
fn killed_during_a_create_that_the_vendor_is_still_at_work_on() {
    // A look right after the restart would find nothing, and a second lead would be made.
    let world = killed_during_call(3, Works::Longer);
    assert_eq!(paths(&world), ["organization", "people", "lead", "object/lead/search"]);
}
