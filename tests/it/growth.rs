//! How long accepting and delivering take, by how many submissions are stored, and by how many wait. Reports (`make growth`),
//! not tests: `plans` shows that every statement uses an index.

use std::time::Duration;

use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Response};
use serde_json::{Value, json};

use crate::cpu::cpu;
use crate::filled::{backlog, fill, fillable, history};
use crate::scale::resident;
use crate::world::{World, now};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// Submissions posted for each size.
const POSTS: usize = 200;

/// The median and the 95th percentile.
fn middle_and_slow(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 19 / 20])
}

fn vars() -> Value {
    json!({
        "FORM_CONTACT": { "destinations": ["hook"] },
        "DESTINATION_HOOK": { "type": "webhook", "url": "https://hooks.example.com/leads" },
    })
}

/// A world whose Outbox holds this many submissions.
fn filled(stored: usize) -> World {
    let vars = vars();
    let fakes: Vec<Box<dyn Fake>> = vec![Box::new(Webhook::new(SECRET))];
    let mut world = fillable(&vars, &[("HOOK_SIGNING_SECRET", SECRET)], fakes, &history(stored));
    let start = now();
    fill(&mut world);
    println!("growth: {stored} submissions filled in {:.1?}", start.elapsed());
    world
}

#[test]
#[ignore = "a report that takes minutes: `make growth`"]
fn growth() {
    for stored in [100, 10_000, 1_000_000] {
        let world = filled(stored);
        let listed = (0..20).map(|_| {
            let start = now();
            assert_eq!(world.newest("contact")["fields"][0][0], "email");
            start.elapsed()
        });
        let listed = middle_and_slow(listed.collect());
        let before = world.fakes.requests("webhook").len();
        let (mut accepted, mut picked) = (Vec::new(), Vec::new());
        for number in 0..POSTS {
            let start = now();
            world.submit("contact", &format!("email=new{number}%40example.com"));
            accepted.push(start.elapsed());
            while world.fakes.requests("webhook").len() <= before + number {
                std::thread::sleep(Duration::from_micros(500));
            }
            picked.push(start.elapsed());
        }
        let rows = [
            ("accepted", middle_and_slow(accepted)),
            ("at the CRM", middle_and_slow(picked)),
            ("the operator's first page", listed),
        ];
        for (what, (middle, slow)) in rows {
            println!("growth: {stored} stored, {what} after {middle:.1?}, 95 of 100 within {slow:.1?}");
        }
        assert_eq!(world.fakes.requests("webhook").len(), before + POSTS);
    }
}

/// The CPU time of `work` per each of what it counts.
fn cpu_each(world: &World, work: impl FnOnce() -> usize) -> Duration {
    let before = cpu(world);
    let count = u32::try_from(work()).expect("a count");
    cpu(world).saturating_sub(before) / count.max(1)
}

/// Accepting, and delivering where that goes on, while so many are due.
#[test]
#[ignore = "a report that takes minutes: `make growth`"]
fn growth_of_a_backlog() {
    for waiting in [2_000, 100_000] {
        let fakes: Vec<Box<dyn Fake>> = vec![Box::new(Webhook::new(SECRET))];
        let mut world = fillable(&vars(), &[("HOOK_SIGNING_SECRET", SECRET)], fakes, &backlog(waiting));
        let mut limited = Response::json(429, json!({}));
        limited.headers.push(("retry-after".to_owned(), "21600".to_owned()));
        world.fakes.always("webhook", Some(Mood::Answer(limited)));
        fill(&mut world);
        let taken = |world: &World| world.fakes.requests("webhook").len();
        for (index, cause) in ["paused", "without its secret", "well"].into_iter().enumerate() {
            match cause {
                "paused" => {}
                "well" => {
                    world.fakes.always("webhook", None);
                    world.redeploy(&vars(), &[("HOOK_SIGNING_SECRET", SECRET)]);
                }
                _ => world.redeploy(&vars(), &[]),
            }
            // The first few let V8 compile what they need.
            let post = |number: usize| drop(world.submit("contact", &format!("email={number}-{index}%40example.com")));
            (0..50).for_each(post);
            if cause == "well" {
                let until = |count: usize| world.wait_for(|| (taken(&world) >= count).then_some(()));
                until(taken(&world) + 200);
                let each = cpu_each(&world, || {
                    let before = taken(&world);
                    until(before + 1_000);
                    taken(&world) - before
                });
                println!("growth: {waiting} due, {cause}: {each:.1?} of CPU per delivered lead");
                continue;
            }
            let mut accepted = Vec::new();
            let each = cpu_each(&world, || {
                for number in 50..50 + POSTS {
                    let start = now();
                    post(number);
                    accepted.push(start.elapsed());
                }
                POSTS
            });
            let (middle, slow) = middle_and_slow(accepted);
            let memory = resident(world.worker.pid());
            println!(
                "growth: {waiting} due, {cause}: accepted after {middle:.1?}, 95 of 100 within {slow:.1?}, {each:.1?} of CPU, \
                 {memory} MB resident"
            );
        }
    }
}
