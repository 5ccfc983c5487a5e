//! `make cpu`: how much CPU the worst accepted bodies cost the Worker, against the 10 ms that a request has on Cloudflare.
//!
//! Measured on the whole `workerd` process (Linux only): reading, checking, storing, and delivering to the webhook, so
//! it is more than Cloudflare would count for the request, which is one of three events here. Times are the machine's
//! own, so this runs when it is asked for and not with the other tests.

#[path = "../../benches/worst.rs"]
mod worst;

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::intake::{JSON, world};
use crate::world::World;
use worst::Worst;

/// How often each body is sent.
const TIMES: u32 = 20;

/// What a request may use on the Free plan.
const LIMIT: Duration = Duration::from_millis(10);

/// The CPU time of the process so far: the scheduler's count of each of its threads, in nanoseconds.
fn cpu(world: &World) -> Duration {
    let threads = fs::read_dir(format!("/proc/{}/task", world.worker.pid())).expect("a process of Linux");
    let times = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    });
    times.sum()
}

/// CPU of a request, with all that it sets going.
fn cost(world: &World, form: &str, worst: &Worst) -> Duration {
    let send = |times: u32| {
        let headers = [("accept", JSON), ("content-type", worst.content_type)];
        let accepted = world.fakes.records("webhook").len();
        let replies = (0..times).map(|_| world.send("POST", &format!("/f/{form}"), &headers, &worst.body));
        let count = replies.filter(|reply| reply.status == 200).count();
        // Asking the Worker how far it is would cost it more than what is measured.
        world.wait_for(|| (world.fakes.records("webhook").len() == accepted + count).then_some(()));
    };
    // The first few let V8 compile what this body needs.
    send(5);
    let before = cpu(world);
    send(TIMES);
    cpu(world).saturating_sub(before) / TIMES
}

#[test]
#[ignore = "measures: make cpu"]
fn the_worst_bodies_against_the_limit() {
    // What is suspected is not delivered, so nothing is: `make bench` times the suspicion.
    let world =
        world(&json!({ "FORM_CONTACT": { "spam": "off" }, "FORM_STRICT": { "required": ["nothing of this name"] } }));
    println!("{:<36} {:>8} {:>12} {:>12}", "milliseconds of CPU", "bytes", "refused", "accepted");
    let mut over = Vec::new();
    for worst in worst::bodies() {
        // Refused after it was decoded and mapped: the way in without storing and delivering.
        let (refused, accepted) = (cost(&world, "strict", &worst), cost(&world, "contact", &worst));
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        println!("{:<36} {:>8} {:>12.2} {:>12.2}", worst.what, worst.body.len(), millis(refused), millis(accepted));
        if refused > LIMIT || accepted > LIMIT * 3 {
            over.push(worst.what);
        }
    }
    assert_eq!(over, [""; 0]);
}
