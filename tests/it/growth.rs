//! How long accepting and delivering take, by how many submissions are stored. A report (`make growth`), not a test:
//! `plans` shows that every statement uses an index.

use std::time::Duration;

use fakes::Fake;
use fakes::webhook::Webhook;
use serde_json::json;

use crate::filled::{fill, fillable, history};
use crate::world::{World, now};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// Submissions posted for each size.
const POSTS: usize = 200;

/// The median and the 95th percentile.
fn middle_and_slow(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 19 / 20])
}

/// A world whose Outbox holds this many submissions.
fn filled(stored: usize) -> World {
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["hook"] },
        "DESTINATION_HOOK": { "type": "webhook", "url": "https://hooks.example.com/leads" },
    });
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
