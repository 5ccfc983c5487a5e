//! `make worst`: how much CPU the worst accepted bodies cost the Worker, against the 10 ms that a request has on Cloudflare.
//!
//! Measured on the whole `workerd` process (Linux only), three ways: refused after it was decoded and mapped, with the page
//! that keeps all of it (the request alone); stored for a destination whose secret is missing (the request, and the object's write); delivered to the webhook
//! (those, and the alarm with its call). Cloudflare counts request and object apart, so each has less than is shown. Times
//! depend on the machine, so this is a report that runs on demand: it names what is over the limits and fails nothing.

#[path = "../../benches/worst.rs"]
mod worst;

use std::fs;
use std::time::Duration;

use fakes::webhook::Webhook;
use serde_json::json;

use crate::intake::{BROWSER, JSON, SIGNING_SECRET, vars};
use crate::world::World;
use worst::Worst;

/// How often each body is sent.
const TIMES: u32 = 20;

/// What a request may use on the Free plan.
const LIMIT: Duration = Duration::from_millis(10);

/// The CPU time of the process so far: the scheduler's count of each of its threads, in nanoseconds.
pub fn cpu(world: &World) -> Duration {
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
        let accept = if form == "strict" { BROWSER } else { JSON };
        let headers = [("accept", accept), ("content-type", worst.content_type)];
        let accepted = world.fakes.records("webhook").len();
        let replies = (0..times).map(|_| world.send("POST", &format!("/f/{form}"), &headers, &worst.body));
        let count = replies.filter(|reply| reply.status == 200).count();
        // Asking the Worker how far it is would cost it more than what is measured.
        let due = if form == "contact" { count } else { 0 };
        world.wait_for(|| (world.fakes.records("webhook").len() == accepted + due).then_some(()));
    };
    // The first few let V8 compile what this body needs.
    send(5);
    let before = cpu(world);
    send(TIMES);
    cpu(world).saturating_sub(before) / TIMES
}

#[test]
#[ignore = "measures: make worst"]
fn the_worst_bodies_against_the_limit() {
    // Suspects are not delivered, so no lead here is one: `benches/intake.rs` times the spam filter.
    let open = json!({ "spam": "off" });
    let strict = json!({ "required": ["nothing of this name"] });
    let mut vars = vars(&json!({ "FORM_CONTACT": open, "FORM_STORED": open, "FORM_STRICT": strict }));
    vars["FORM_STORED"]["destinations"] = json!(["keyless"]);
    vars["DESTINATION_KEYLESS"] = vars["DESTINATION_HOOK"].clone();
    let secrets = [("HOOK_SIGNING_SECRET", SIGNING_SECRET)];
    let world = World::new(&vars, &secrets, vec![Box::new(Webhook::new(SIGNING_SECRET))]);
    println!("{:<36} {:>8} {:>10} {:>10} {:>10}", "milliseconds of CPU", "bytes", "rejected", "stored", "delivered");
    let mut over = Vec::new();
    for worst in worst::bodies() {
        let costs = ["strict", "stored", "contact"].map(|form| cost(&world, form, &worst));
        let [refused, stored, delivered] = costs.map(|time| time.as_secs_f64() * 1000.0);
        println!("{:<36} {:>8} {refused:>10.2} {stored:>10.2} {delivered:>10.2}", worst.what, worst.body.len());
        // The request and the object's write together have twice the limit, and the alarm has its own.
        if costs.into_iter().zip([LIMIT, LIMIT * 2, LIMIT * 3]).any(|(cost, limit)| cost > limit) {
            over.push(worst.what);
        }
    }
    println!(
        "over 10 ms refused, 20 stored or 30 delivered: {}",
        if over.is_empty() { "none".into() } else { over.join(", ") }
    );
}
