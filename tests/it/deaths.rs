//! A delivery whose every try ends its whole process, as one does that eats up its time or its memory: it comes to an end,
//! and takes no other with it.
//!
//! The platform here stands still in that try, and the test, as the platform's limit does, kills the process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fakes::Fake;
use fakes::salesmap::Salesmap;
use fakes::webhook::Webhook;
use serde_json::{Value, json};

use crate::storm::{Manner, copies, post};
use crate::world::{ADMIN_TOKEN, PATIENCE, World, at_once, deliveries, delivery, now, quick, with};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// The pauses of the schedule; there is one try more.
const PAUSES: usize = 2;

/// Two deaths in a row cost no try, and from then on each does.
const DEATHS: usize = 2 + PAUSES + 1;

/// What the platform says when it stands still.
const STANDS_STILL: &str = "the platform stands still";

/// A call of a `poisoned@` lead to the hook never gets out: the time is over while it is built.
const BEFORE_THE_CALL: &str = r#"
const Real = globalThis.Request;
globalThis.Request = class extends Real {
  constructor(input, init) {
    super(input, init);
    const isPoisoned = String(input).includes("hooks.example.com") && String(init?.body).includes("poisoned@");
    if (isPoisoned) { console.log("the platform stands still"); for (;;); }
  }
};
"#;

/// The time is over while its answer is read: the vendor has done its work.
const AFTER_THE_CALL: &str = r#"
const send = globalThis.fetch;
globalThis.fetch = async function (request, init) {
  const isPoisoned = request.url.includes("hooks.example.com") && (await request.clone().text()).includes("poisoned@");
  const answer = await send.call(globalThis, request, init);
  if (isPoisoned) { console.log("the platform stands still"); for (;;); }
  return answer;
};
"#;

fn world(prelude: &str) -> World {
    // Nobody here waits for an answer that long, however busy the machine is: no try fails but those that are cut short.
    let patient = |destination| with(quick(destination), &json!({ "timeout": "10s" }));
    let hook = patient(json!({ "crm": "webhook", "url": "https://hooks.example.com/leads" }));
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["hook", "salesmap"] },
        "DESTINATION_HOOK": with(hook, &json!({ "retry": vec!["300ms"; PAUSES] })),
        "DESTINATION_SALESMAP": patient(json!({ "crm": "salesmap" })),
    });
    let mut salesmap = Salesmap::new("t1");
    salesmap.points = 1_000_000;
    let fakes: Vec<Box<dyn Fake>> = vec![Box::new(Webhook::new(SECRET)), Box::new(salesmap)];
    World::with_prelude(&vars, &[("HOOK_SIGNING_SECRET", SECRET), ("SALESMAP_TOKEN", "t1")], fakes, prelude)
}

/// Visitors and the operator of a process that dies now and then: whoever gets no answer asks again.
struct Outside<'a> {
    agent: ureq::Agent,
    address: &'a Mutex<SocketAddr>,
    is_given_up: &'a AtomicBool,
}

impl Outside<'_> {
    fn insist<T>(&self, ask: impl Fn() -> Option<T>) -> T {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(!self.is_given_up.load(Ordering::Relaxed), "no answer came");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn submit(&self, marker: &str, email: &str) -> String {
        let body = format!("name={marker}&email={email}%40example.com");
        self.insist(|| post(&self.agent, self.address, "contact", marker, &body, Manner::RepeatsWithKey))
    }

    fn view(&self, id: &str) -> Value {
        self.insist(|| {
            let to = *self.address.lock().unwrap_or_else(PoisonError::into_inner);
            let request = self.agent.get(format!("http://{to}/api/forms/contact/submissions/{id}"));
            let answer = request.header("authorization", format!("Bearer {ADMIN_TOKEN}")).call().ok();
            let mut answer = answer.filter(|answer| answer.status() == 200)?;
            serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
        })
    }
}

/// One lead is poisoned, and before each death another one comes in; the ids. Returns when the poisoned one is through.
fn visitors(outside: &Outside<'_>, deaths: &AtomicUsize) -> (String, Vec<String>) {
    let poisoned = outside.submit("visitor-contact-poisoned", "poisoned");
    let others = (0..DEATHS).map(|number| {
        outside.insist(|| {
            outside.view(&poisoned);
            (deaths.load(Ordering::Relaxed) >= number).then_some(())
        });
        outside.submit(&format!("visitor-contact-{number}"), &format!("visitor{number}"))
    });
    let others = others.collect();
    outside.insist(|| (delivery(&outside.view(&poisoned), "hook")["state"] != "pending").then_some(()));
    (poisoned, others)
}

/// Kills the process whenever it stands still, as long as the visitors are there.
fn with_deaths(world: &mut World) -> ((String, Vec<String>), usize) {
    let (address, deaths, is_given_up) =
        (Mutex::new(world.worker.address), AtomicUsize::new(0), AtomicBool::new(false));
    let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
    let outside = Outside { agent: agent.into(), address: &address, is_given_up: &is_given_up };
    let came_in = std::thread::scope(|scope| {
        let visitors = scope.spawn(|| visitors(&outside, &deaths));
        let mut progress_at = now();
        while !visitors.is_finished() {
            if world.worker.log().matches(STANDS_STILL).count() > deaths.load(Ordering::Relaxed) {
                world.worker.kill_and_restart();
                *address.lock().unwrap_or_else(PoisonError::into_inner) = world.worker.address;
                progress_at = now();
                // One more than there may be is enough to see.
                let died = deaths.fetch_add(1, Ordering::Relaxed) + 1;
                is_given_up.fetch_or(died > DEATHS, Ordering::Relaxed);
            }
            // Whether the last try came through is looked at half a minute later.
            is_given_up.fetch_or(progress_at.elapsed() > 2 * PATIENCE, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(20));
        }
        visitors.join()
    });
    let died = deaths.into_inner();
    (came_in.unwrap_or_else(|_| panic!("{died} deaths, and no end\n{}", world.worker.log())), died)
}

#[test]
fn a_try_that_always_kills_its_process_comes_to_an_end_and_stops_no_other() {
    at_once(vec![(BEFORE_THE_CALL, false), (AFTER_THE_CALL, true)], |(prelude, is_taken)| {
        let mut world = world(prelude);
        let ((poisoned, others), deaths) = with_deaths(&mut world);

        let view = world.settled("contact", &poisoned);
        let hook = delivery(&view, "hook");
        assert_eq!((&hook["state"], &hook["tries"]), (&json!("exhausted"), &json!(PAUSES + 1)), "{view:#}");
        assert_eq!(delivery(&view, "salesmap")["state"], "delivered", "{view:#}");
        assert_eq!(deaths, DEATHS);
        for id in &others {
            let view = world.settled("contact", id);
            for delivery in deliveries(&view) {
                assert_eq!(delivery["state"], "delivered", "{view:#}");
                // Whoever was cut short beside it three times in a row paid for the third, and was then tried alone.
                assert!(delivery["tries"].as_u64().is_some_and(|tries| tries <= 2), "{view:#}");
            }
        }
        let of_others = (0..DEATHS).map(|number| (format!("visitor-contact-{number}"), 1));
        let poisoned_copy = ("visitor-contact-poisoned".to_owned(), 1);
        let with_poisoned = || of_others.clone().chain([poisoned_copy.clone()]).collect::<BTreeMap<_, _>>();
        let in_hook = |world: &World| copies(world, ("contact", "webhook", "message"));
        assert_eq!(copies(&world, ("contact", "salesmap", "lead")), with_poisoned());
        assert_eq!(in_hook(&world), if is_taken { with_poisoned() } else { of_others.clone().collect() });

        // The poison is gone, and a person sends it again.
        world.on_platform("");
        let token = format!("Bearer {ADMIN_TOKEN}");
        let path = format!("/api/forms/contact/submissions/{poisoned}/release");
        assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
        let view = world.settled("contact", &poisoned);
        assert_eq!(delivery(&view, "hook")["state"], "delivered", "{view:#}");
        assert_eq!(in_hook(&world), with_poisoned());
    });
}
