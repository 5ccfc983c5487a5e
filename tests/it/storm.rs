//! The crash storm: `kill -9` at random moments while visitors submit over HTTP and every CRM is slow or loses responses. At
//! the end every acknowledged submission is in every CRM of its form exactly once, and nothing is there twice.
//!
//! `ROUNDS` is the number of kills; `SEED` repeats the plan of a run (moods, pauses, submissions), not its timing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fakes::agencyhandy::AgencyHandy;
use fakes::leadsquared::LeadSquared;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Response};
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

/// Where a form's leads arrive: the form, the fake, the kind of record.
pub type Place = (&'static str, &'static str, &'static str);

/// The forms of [`world`] and the records that a submission to each must leave exactly once.
pub const PLACES: &[Place] = &[
    ("contact", "webhook", "message"),
    ("contact", "stateset", "lead"),
    ("contact", "agencyhandy", "lead"),
    ("slow", "salesmap", "person"),
    ("slow", "salesmap", "lead"),
    ("slow", "leadsquared", "lead"),
    ("hot", "webhook", "message"),
    ("hot", "salesmap", "person"),
    ("hot", "salesmap", "lead"),
];

/// The forms of [`PLACES`].
const FORMS: &[&str] = &["contact", "slow", "hot"];

const FAKES: &[&str] = &["webhook", "stateset", "agencyhandy", "salesmap", "leadsquared"];

/// Fakes whose rate limits are never reached.
fn fakes() -> Vec<Box<dyn Fake>> {
    let mut stateset = StateSet::new("sk_test_1");
    stateset.limit = 1_000_000;
    let mut salesmap = Salesmap::new("t1");
    salesmap.points = 1_000_000;
    let mut leadsquared = LeadSquared::new("u1", "s1");
    leadsquared.limit = (1_000_000, 1);
    vec![
        Box::new(Webhook::new(SECRET)),
        Box::new(stateset),
        Box::new(salesmap),
        Box::new(AgencyHandy::new("k1")),
        Box::new(leadsquared),
    ]
}

/// Every CRM; the form `hot` has several shards.
pub fn world() -> World {
    let mut vars = json!({
        "FORM_CONTACT": { "destinations": ["hook", "stateset", "agencyhandy"] },
        "FORM_SLOW": { "destinations": ["salesmap", "leadsquared"] },
        "FORM_HOT": { "destinations": ["hook", "salesmap"], "shards": 3 },
        "DESTINATION_HOOK": { "type": "webhook", "url": "https://hooks.example.com/leads" },
        "DESTINATION_STATESET": { "type": "stateset" },
        "DESTINATION_AGENCYHANDY": { "type": "agencyhandy" },
        "DESTINATION_SALESMAP": { "type": "salesmap" },
        "DESTINATION_LEADSQUARED": { "type": "leadsquared", "region": "india-mumbai" },
    });
    for name in ["HOOK", "STATESET", "AGENCYHANDY", "SALESMAP", "LEADSQUARED"] {
        let key = format!("DESTINATION_{name}");
        vars[&key] = quick(vars[&key].take());
        vars[&key]["pace"] = json!("10000/1s");
        // Each lost response uses up an attempt, and many are lost here.
        vars[&key]["retry"] = json!(vec!["300ms"; 50]);
    }
    World::new(&vars, SECRETS, fakes())
}

/// How many records of this kind `fake` has for each submission to `form`, by its marker.
pub fn copies(world: &World, (form, fake, kind): Place) -> BTreeMap<String, usize> {
    let mut copies = copies_in(world, fake, kind);
    copies.retain(|marker, _| marker.starts_with(&format!("visitor-{form}-")));
    copies
}

/// The same for all forms.
pub fn copies_in(world: &World, fake: &str, kind: &str) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    let records = world.fakes.records(fake);
    for record in records.iter().filter(|record| record["record"] == kind) {
        *copies.entry(marker(&record.to_string())).or_insert(0) += 1;
    }
    copies
}

/// `visitor-hot-0-1` in a text.
fn marker(text: &str) -> String {
    let start = text.find("visitor").unwrap_or_else(|| panic!("no marker in {text}"));
    text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

/// A small generator of random numbers (`SplitMix64`): the same seed, the same plan.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A separate generator for each `stream` of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xA24B_AED4_963E_E407));
        dice.roll(1);
        dice
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn millis(&mut self, below: u64) -> Duration {
        Duration::from_millis(self.roll(below))
    }
}

/// One visitor's submission and its outcome.
struct Posted {
    form: &'static str,
    marker: String,
    /// The id, if it was acknowledged.
    id: Option<String>,
}

/// What a visitor does without a response.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    /// Gives up.
    Leaves,
    /// Posts again with the same idempotency key, as the page's script does.
    RepeatsWithKey,
    /// Posts the same again, as a reload does.
    Reloads,
}

/// The storm's progress.
#[derive(Default)]
struct SoFar {
    acknowledged: AtomicUsize,
    is_over: AtomicBool,
}

/// Visitors, one after another, until the storm is over.
fn visitors(thread: u64, seed: u64, address: &Mutex<SocketAddr>, so_far: &SoFar) -> Vec<Posted> {
    let mut dice = Dice::new(seed, 1000 + thread);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(12)))
        .build()
        .into();
    let mut all = Vec::new();
    while !so_far.is_over.load(Ordering::Relaxed) {
        let form = FORMS[usize::try_from(dice.roll(3)).unwrap_or_default()];
        let marker = format!("visitor-{form}-{thread}-{}", all.len());
        let manner = [Manner::Leaves, Manner::RepeatsWithKey, Manner::Reloads][all.len() % 3];
        let body = body(&marker, form, dice.roll(6));
        let tries = if manner == Manner::Leaves { 1 } else { 5 };
        let mut id = None;
        for _ in 0..tries {
            id = post(&agent, address, form, &marker, &body, manner);
            if id.is_some() {
                so_far.acknowledged.fetch_add(1, Ordering::Relaxed);
                break;
            }
            std::thread::sleep(Duration::from_millis(60));
        }
        all.push(Posted { form, marker, id });
        std::thread::sleep(dice.millis(250));
    }
    all
}

/// With an email or, where the CRMs do not need one, a phone; some with a company that others share.
fn body(marker: &str, form: &str, kind: u64) -> String {
    let phone = format!("555 {}", marker.rsplit('-').take(2).collect::<Vec<_>>().join(" "));
    let email = format!("{marker}@example.com");
    let company = format!("Acme {kind}");
    let reach = if form == "hot" && kind.is_multiple_of(3) { ("phone", &phone) } else { ("email", &email) };
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("name", marker).append_pair(reach.0, reach.1);
    if kind >= 3 {
        body.append_pair("company", &company);
    }
    body.finish()
}

/// One request of a visitor: the id, if it was acknowledged.
pub fn post(
    agent: &ureq::Agent,
    address: &Mutex<SocketAddr>,
    form: &str,
    marker: &str,
    body: &str,
    manner: Manner,
) -> Option<String> {
    let to = *address.lock().unwrap_or_else(PoisonError::into_inner);
    let mut request = agent
        .post(format!("http://{to}/f/{form}"))
        .header("user-agent", marker)
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded");
    if manner == Manner::RepeatsWithKey {
        request = request.header("idempotency-key", marker);
    }
    // A refused connection, a reset or half a response is not an acknowledgement.
    let mut answer = request.send(body).ok().filter(|answer| answer.status() == 200)?;
    let text = answer.body_mut().read_to_string().ok()?;
    serde_json::from_str::<Value>(&text).ok()?["id"].as_str().map(str::to_owned)
}

/// Sets how each fake behaves until the next kill, and sometimes what it does to its next request.
fn change_moods(world: &World, dice: &mut Dice) {
    for fake in FAKES {
        let slow = [30, 120, 400][usize::try_from(dice.roll(3)).unwrap_or_default()];
        world.fakes.always(fake, Some(Mood::Slow(dice.millis(slow))));
        // A webhook receiver that answers 2xx has taken the message, whatever the body is.
        let is_taken = |mood: &Mood| *fake == "webhook" && matches!(mood, Mood::Answer(answer) if answer.status == 200);
        if let Some(mood) = mishap(dice).filter(|mood| !is_taken(mood)) {
            world.fakes.next(fake, mood);
        }
    }
}

fn mishap(dice: &mut Dice) -> Option<Mood> {
    let gone = || Response::html(502, "<h1>Bad Gateway</h1>");
    Some(match dice.roll(30) {
        0 => Mood::DropAfterWork,
        1 => Mood::Truncate,
        2 => Mood::Stall(dice.millis(200)),
        3 => Mood::WorkThenAnswer(gone()),
        4 => Mood::DropUnread,
        5 => Mood::DropBeforeBody,
        6 => Mood::Answer(gone()),
        7 => Mood::Answer(Response::html(200, "<!doctype html><title>Sign in</title>")),
        8 => Mood::Answer(Response::html(401, "Unauthorized")),
        9 => Mood::Answer(Response::html(429, "Too Many Requests").with("Retry-After", "1")),
        _ => return None,
    })
}

/// Kills and restarts this often while visitors post; afterward the CRMs work normally.
fn storm(rounds: u64, seed: u64) -> (World, Vec<Posted>) {
    let mut world = world();
    let mut dice = Dice::new(seed, 0);
    let address = Mutex::new(world.worker.address);
    let so_far = SoFar::default();
    let posted = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|thread| {
                scope.spawn({
                    let (address, so_far) = (&address, &so_far);
                    move || visitors(thread, seed, address, so_far)
                })
            })
            .collect();
        for round in 0..rounds {
            change_moods(&world, &mut dice);
            // Mostly in the middle of the work, sometimes right after the last restart.
            let pause = if dice.roll(5) == 0 { 40 } else { 700 };
            if pause == 700 {
                let enough = so_far.acknowledged.load(Ordering::Relaxed) + 3;
                world.wait_for(|| (so_far.acknowledged.load(Ordering::Relaxed) >= enough).then_some(()));
            }
            std::thread::sleep(dice.millis(pause));
            world.worker.kill_and_restart();
            *address.lock().unwrap_or_else(PoisonError::into_inner) = world.worker.address;
            if (round + 1) % 50 == 0 {
                println!("storm: {} rounds", round + 1);
            }
        }
        so_far.is_over.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().expect("visitors")).collect()
    });
    for fake in FAKES {
        world.fakes.always(fake, None);
    }
    (world, posted)
}

/// A number of the environment.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A random seed.
pub fn any_seed() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "tests run natively")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()))
}

/// The longest time without progress once the CRMs work again.
const STANDSTILL: Duration = Duration::from_secs(90);

/// Waits until every acknowledged submission is delivered.
fn drain(world: &World, posted: &[Posted]) {
    let mut open: BTreeSet<(&str, &str)> =
        posted.iter().filter_map(|posted| Some((posted.form, posted.id.as_deref()?))).collect();
    let (mut progress_at, mut left) = (now(), open.len());
    while !open.is_empty() {
        open.retain(|(form, id)| {
            let view = world.submission(form, id);
            let states: Vec<_> = deliveries(&view).iter().map(|delivery| &delivery["state"]).collect();
            assert!(states.iter().all(|state| *state == "delivered" || *state == "pending"), "{view:#}");
            states.contains(&&json!("pending"))
        });
        if open.len() < left {
            (progress_at, left) = (now(), open.len());
        }
        if let Some((form, id)) = open.first() {
            let stuck = progress_at.elapsed() > STANDSTILL;
            assert!(!stuck, "{left} are stuck, such as {:#}\n{}", world.submission(form, id), world.worker.log());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn killed_at_random_moments_nothing_is_lost_or_duplicated() {
    let (rounds, seed) = (number("ROUNDS", 20), number("SEED", any_seed()));
    println!("storm: ROUNDS={rounds} SEED={seed}");
    let (world, posted) = storm(rounds, seed);
    drain(&world, &posted);

    let acknowledged: Vec<_> = posted.iter().filter(|posted| posted.id.is_some()).collect();
    let (mut lost, mut doubled, mut delivered) = (Vec::new(), Vec::new(), 0);
    for place in PLACES {
        let copies = copies(&world, *place);
        delivered += copies.len();
        doubled
            .extend(copies.iter().filter(|(_, count)| **count > 1).map(|(marker, _)| format!("{marker} in {place:?}")));
        let of_form = acknowledged.iter().filter(|posted| posted.form == place.0);
        lost.extend(
            of_form
                .filter(|posted| !copies.contains_key(&posted.marker))
                .map(|posted| format!("{} in {place:?}", posted.marker)),
        );
    }
    let organizations =
        world.fakes.records("salesmap").into_iter().filter(|record| record["record"] == "organization").count();
    let requests = world.fakes.requests("salesmap");
    let lookups = requests.iter().filter(|request| request.path.ends_with("/search")).count();
    println!(
        "storm: {rounds} rounds, {} posted, {} acknowledged, {delivered} records, {lookups} in-doubt lookups, {} lost, {} duplicated",
        posted.len(),
        acknowledged.len(),
        lost.len(),
        doubled.len(),
    );
    assert!(doubled.is_empty() && lost.is_empty(), "SEED={seed}: duplicated {doubled:#?}, lost {lost:#?}");
    assert!(organizations <= 3, "{organizations} organizations of three companies");
    let enough = usize::try_from(rounds).unwrap_or_default();
    assert!(acknowledged.len() >= enough, "only {} were acknowledged: the storm shows nothing", acknowledged.len());
}
