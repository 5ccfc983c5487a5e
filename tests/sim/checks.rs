//! What must hold: after every turn, when the faults are over and everything is at rest, and at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use formcourier::connectors::Guarantee;
use formcourier::outbox::database::Value;
use formcourier::outbox::names;
use serde_json::Value as Json;

use crate::visitors::{self, Letter};
use crate::world::{Machine, World};

/// A healthy destination's lead arrives within this time, whatever the others do.
const FAIR_MS: i64 = 120_000;

/// A lead for an idle destination starts within this time.
const PROMPT_MS: i64 = 3_000;

/// How far a destination's checks are apart at most.
const CHECK_MS: i64 = 5 * 60_000;

/// How long an overflow waits after a failed hand-over at most.
const FORWARD_MS: i64 = 30_000;

/// The most leads that a destination gets at once while its pause ends.
const MOST_RAMP: i64 = 4;

/// The longest timeline that is kept.
const TIMELINE: usize = 100;

pub fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Null => String::new(),
    }
}

pub fn integer(value: &Value) -> i64 {
    if let Value::Integer(number) = value { *number } else { 0 }
}

fn json(value: &Value) -> Json {
    serde_json::from_str(&text(value)).unwrap_or_default()
}

/// After a turn that wrote something.
pub fn turn(world: &World, machine: &Machine) {
    if !machine.database.is_open() {
        return;
    }
    world.log_rows(machine);
    if world.one_in(4) {
        half_stored(world, machine);
    }
    note_exhausted(world, machine);
    // What a full disk did not store is known to the object only.
    if machine.is_ringing.get() || machine.lost_alarm.get() || world.plan.full_disk {
        return;
    }
    let now = machine.clock(world);
    let alarm = machine.stored_alarm.get();
    if alarm.is_some() && alarm == machine.safety_net.get() {
        return;
    }
    let Some(due) = due_at(world, machine, now) else { return };
    if alarm.is_none_or(|alarm| alarm > due.max(now)) {
        let late = alarm.map(|alarm| alarm - due.max(now));
        world.violation(format!("{}: work is due at {}, the alarm is late by {late:?} ms", machine.name, due - now));
    }
}

fn half_stored(world: &World, machine: &Machine) {
    let half = "SELECT id FROM submission WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE submission_id = id)
        UNION ALL SELECT submission_id FROM delivery WHERE NOT EXISTS (SELECT 1 FROM submission WHERE id = submission_id)";
    for row in machine.database.rows(half) {
        world.violation(format!("{}: {} is half stored", machine.name, text(&row[0])));
    }
}

/// By when the object must be awake, by its rows alone.
fn due_at(world: &World, machine: &Machine, now: i64) -> Option<i64> {
    let config = world.config();
    let is_found = matches!(config.form(names::form_of(&machine.name)), formcourier::config::Lookup::Found(_));
    // After a clock was set back, what it remembers is in the future.
    let slack = if world.plan.clock_jumps { 4 * 60 * 60_000 } else { 0 };
    if names::is_overflow(&machine.name) {
        let has_any = !machine.database.rows("SELECT id FROM submission LIMIT 1").is_empty();
        return (has_any && is_found).then_some(now + FORWARD_MS + slack);
    }
    let rows = machine.database.rows(
        "SELECT MIN(max(next_at, not_before)), pause FROM delivery JOIN destination ON name = destination WHERE state = 'pending' GROUP BY name",
    );
    let due = rows.iter().filter_map(|row| {
        let (next_at, pause) = (integer(&row[0]), json(&row[1]));
        let until = pause["until"].as_i64().unwrap_or(0);
        match (&pause, pause["failure"]["kind"].as_str()) {
            (Json::Null, _) => Some(next_at),
            (_, Some("config")) => None,
            _ if pause["ramp"] != 0 => Some(next_at.max(until)),
            // Without a probe, a lead that is due is what tests it.
            _ => Some((until.max(now) + CHECK_MS + slack).max(next_at)),
        }
    });
    due.min()
}

fn work(machine: &Machine) -> Vec<String> {
    if !machine.database.is_open() {
        return Vec::new();
    }
    let sql = if names::is_overflow(&machine.name) {
        "SELECT id, '', 0 FROM submission"
    } else {
        "SELECT submission_id, destination, next_at FROM delivery WHERE state = 'pending'"
    };
    let rows = machine.database.rows(sql);
    rows.iter().map(|row| format!("{} to {} at {}", text(&row[0]), text(&row[1]), integer(&row[2]))).collect()
}

pub fn is_at_work(machine: &Machine) -> bool {
    !work(machine).is_empty()
}

pub fn work_of(world: &World, machine: &Machine) -> String {
    let alarm = machine.stored_alarm.get().map(|at| at - machine.clock(world));
    let pauses = machine.database.rows("SELECT name, pause FROM destination WHERE pause IS NOT NULL");
    let pauses: Vec<String> = pauses.iter().map(|row| format!("{} {}", text(&row[0]), text(&row[1]))).collect();
    format!("{}, alarm in {alarm:?}: {:?} {pauses:?}, now {}", machine.name, work(machine), machine.clock(world))
}

/// A delivery as it is stored.
struct Stored {
    machine: String,
    id: String,
    destination: String,
    state: String,
    attempts: i64,
    failure: Json,
    timeline: Vec<Json>,
}

impl Stored {
    fn kind(&self) -> &str {
        self.failure["kind"].as_str().unwrap_or_default()
    }

    /// Whether a call was out at any time between these moments.
    fn is_busy(&self, from: i64, until: i64) -> bool {
        self.timeline.iter().any(|entry| {
            let at = entry["at"].as_i64().unwrap_or(0);
            at <= until && at + entry["ms"].as_i64().unwrap_or(0) >= from
        })
    }
}

/// The deliveries of every letter.
fn stored(world: &World) -> BTreeMap<usize, Vec<Stored>> {
    let sql = "SELECT id, fields, destination, state, attempts, failure, timeline
        FROM submission JOIN delivery ON id = submission_id ORDER BY id, destination";
    let mut all: BTreeMap<usize, Vec<Stored>> = BTreeMap::new();
    for machine in world.machines() {
        if !machine.database.is_open() {
            continue;
        }
        for row in machine.database.rows(sql) {
            let fields = text(&row[1]);
            let letter =
                fields.find("qm").and_then(|at| fields.get(at + 2..at + 7)?.parse().ok()).unwrap_or(usize::MAX);
            all.entry(letter).or_default().push(Stored {
                machine: machine.name.clone(),
                id: text(&row[0]),
                destination: text(&row[2]),
                state: text(&row[3]),
                attempts: integer(&row[4]),
                failure: json(&row[5]),
                timeline: json(&row[6]).as_array().cloned().unwrap_or_default(),
            });
        }
    }
    all
}

/// Everything is at rest: what was acknowledged is delivered, or waits for a person with a reason that the faults explain.
pub fn at_rest(world: &Rc<World>) {
    let stored = stored(world);
    for (index, letter) in world.visitors.letters.borrow().iter().enumerate() {
        let deliveries = stored.get(&index).map(Vec::as_slice).unwrap_or_default();
        if deliveries.is_empty() {
            if !letter.acknowledged.borrow().is_empty() && !letter.was_refused.get() {
                world.violation(format!("letter {index} is lost"));
            }
            continue;
        }
        copies(world, index, deliveries);
        for delivery in deliveries {
            explained(world, index, letter, delivery);
            timeline(world, index, delivery);
        }
        if world.plan.is_about_fairness {
            fair(world, index, letter, &stored);
        }
    }
}

fn copies(world: &World, index: usize, deliveries: &[Stored]) {
    let ids: BTreeSet<(&str, &str)> =
        deliveries.iter().map(|stored| (stored.machine.as_str(), stored.id.as_str())).collect();
    let most = world.visitors.most_copies(world, index);
    if ids.len() > most {
        world.violation(format!("letter {index} is stored as {ids:?}, at most {most} expected"));
    }
}

fn explained(world: &World, index: usize, letter: &Letter, delivery: &Stored) {
    let Stored { id, destination, state, .. } = delivery;
    let is_explained = match state.as_str() {
        "delivered" => true,
        // The visitor was thanked for a clean repeat, which is the same submission.
        "quarantined" if letter.is_clean.get() && !letter.is_marked.get() => {
            world.visitors.most_copies(world, index) > 1
        }
        "quarantined" => letter.is_suspect || letter.is_marked.get(),
        "rejected" => is_incomplete(letter, delivery) || is_rejected_by_fault(world, index, delivery),
        // A person has to look whether the create happened.
        "exhausted" if delivery.kind() == "unknown" => true,
        "exhausted" => has_used_its_time(world, delivery),
        _ => false,
    };
    if !is_explained {
        let failure = &delivery.failure;
        world.violation(format!(
            "letter {index} as {id} to {destination} is {state}: {failure} {:?}",
            delivery.timeline
        ));
    }
}

fn is_incomplete(letter: &Letter, delivery: &Stored) -> bool {
    !letter.has_email && delivery.kind() == "incomplete"
}

/// A webhook receiver has no documented format, and it rejects signatures if the sender's clock is wrong.
fn is_rejected_by_fault(world: &World, index: usize, delivery: &Stored) -> bool {
    let is_webhook = world.plan.destination(&delivery.destination).vendor.name == "webhook";
    let key = (delivery.destination.clone(), index);
    let seen = world.sightings.of.borrow().get(&key).is_some_and(|seen| seen.is_rejected);
    seen || (is_webhook && world.plan.clock_jumps)
}

/// Whether its schedule's own time had passed when it was exhausted, since its first attempt that a person asked for.
fn has_used_its_time(world: &World, delivery: &Stored) -> bool {
    let (noted, key) = (world.exhausted.borrow(), (delivery.id.clone(), delivery.destination.clone()));
    let Some(ended) = noted.at.get(&key) else { return false };
    let accepted_at = formcourier::domain::submission::received_at(&delivery.id).unwrap_or(0);
    let began = noted.revived_at.get(&key).unwrap_or(&accepted_at);
    let at = |entry: &Json| entry["at"].as_i64().unwrap_or(0);
    // Attempts that were cut short are in no timeline; a clock that jumps counts other hours.
    let first = delivery.timeline.iter().map(at).find(|at| *at >= *began).unwrap_or(*began);
    let is_exact = world.crashes.get() == 0 && delivery.timeline.len() < TIMELINE && !world.plan.clock_jumps;
    let first = if is_exact { first } else { *began };
    // Under a shorter schedule, the attempts made under the longer one count.
    let is_other = world.has_other_schedule(&delivery.destination);
    world.plan.clock_jumps || is_other || ended - first >= world.plan.schedule_ms(&delivery.destination) * 85 / 100
}

/// Submission and destination.
type Key = (String, String);

/// When deliveries were exhausted, and when a person sent those on their way again.
#[derive(Default)]
pub struct Exhausted {
    at: BTreeMap<Key, i64>,
    revived_at: BTreeMap<Key, i64>,
}

fn note_exhausted(world: &World, machine: &Machine) {
    let rows = machine
        .database
        .rows("SELECT submission_id, destination, state FROM delivery WHERE state IN ('rejected', 'exhausted')");
    let mut noted = world.exhausted.borrow_mut();
    let (now, Exhausted { at, revived_at }) = (world.now(), &mut *noted);
    let found: BTreeSet<Key> =
        rows.iter().filter(|row| text(&row[2]) == "exhausted").map(|row| (text(&row[0]), text(&row[1]))).collect();
    for key in &found {
        at.entry(key.clone()).or_insert(now);
    }
    // The other objects' are not among its rows.
    let own = |key: &Key| machine.database.has_delivery(&key.0, &key.1);
    let gone: Vec<Key> = at.keys().filter(|key| !found.contains(*key) && own(key)).cloned().collect();
    for key in gone {
        at.remove(&key);
        revived_at.insert(key, now);
    }
}

/// The timeline adds up: as many calls as the network saw, in the order of time.
fn timeline(world: &World, index: usize, delivery: &Stored) {
    if !world.visitors.is_single(index) {
        return;
    }
    let is_call = |entry: &&Json| {
        let outcome = entry["outcome"].as_str().unwrap_or_default();
        !matches!(outcome, "well" | "unwell" | "broken" | "not_sent")
    };
    let told = delivery.timeline.iter().filter(is_call).count();
    let key = (delivery.destination.clone(), index);
    let seen = world.sightings.of.borrow().get(&key).map_or(0, |seen| seen.calls as usize);
    let plan = &world.plan;
    let is_exact = world.crashes.get() == 0 && !plan.full_disk && !plan.poison && delivery.timeline.len() < TIMELINE;
    if told > seen || (is_exact && told != seen) {
        world.violation(format!(
            "letter {index} to {}: the timeline tells of {told} calls, the network saw {seen}: {:?}",
            delivery.destination, delivery.timeline
        ));
    }
    let times: Vec<i64> = delivery.timeline.iter().filter_map(|entry| entry["at"].as_i64()).collect();
    if !plan.clock_jumps && !times.is_sorted() {
        world.violation(format!("letter {index} to {}: the timeline runs backwards", delivery.destination));
    }
    // Rate limits use up no attempt, and neither does a probe.
    let is_limited = |entry: &&Json| entry["status"] == 429;
    let failed = |entry: &&Json| matches!(entry["outcome"].as_str(), Some("retry" | "unknown" | "no_response"));
    let failures = delivery.timeline.iter().filter(is_call).filter(failed).filter(|entry| !is_limited(entry)).count();
    let most = i64::try_from(failures).unwrap_or(i64::MAX) + 1;
    if is_exact && delivery.attempts > most {
        let (to, used) = (&delivery.destination, delivery.attempts);
        world.violation(format!(
            "letter {index} to {to} used {used} attempts for {failures} failures: {:?}",
            delivery.timeline
        ));
    }
}

/// The rows of destinations: a pause ends with its ramp.
fn pauses(world: &World) {
    for machine in world.machines().iter().filter(|machine| machine.database.is_open()) {
        for row in machine.database.rows("SELECT name, pause FROM destination WHERE pause IS NOT NULL") {
            if json(&row[1])["ramp"].as_i64().is_some_and(|ramp| ramp > MOST_RAMP) {
                world.violation(format!(
                    "{}: the pause of {} does not end: {}",
                    machine.name,
                    text(&row[0]),
                    text(&row[1])
                ));
            }
        }
    }
}

/// A destination that was always well gets its leads at once, whatever the others do.
fn fair(world: &World, index: usize, letter: &Letter, all: &BTreeMap<usize, Vec<Stored>>) {
    let deliveries = all.get(&index).map(Vec::as_slice).unwrap_or_default();
    let Some(asked) = letter.acknowledged.borrow().iter().map(|(_, at)| *at).min() else { return };
    if letter.is_suspect || letter.is_marked.get() {
        return;
    }
    for delivery in deliveries.iter().filter(|delivery| delivery.state == "delivered") {
        let account = world.account(&delivery.destination);
        let is_paced = world.plan.destination(&delivery.destination).is_paced();
        let is_well = account.forecast.borrow().0.is_empty() && !account.has_firewall && !is_paced;
        let Some(last) = delivery.timeline.last().filter(|_| is_well) else { continue };
        let waited = last["at"].as_i64().unwrap_or(0) + last["ms"].as_i64().unwrap_or(0) - asked;
        let first = delivery.timeline.first().and_then(|entry| entry["at"].as_i64()).unwrap_or(0);
        // The slot that is kept free serves one destination; who comes third waits for a slow call to end.
        let busy: BTreeSet<&str> = all
            .values()
            .flatten()
            .filter(|other| other.id != delivery.id || other.destination != delivery.destination)
            .filter(|other| other.machine == delivery.machine && other.is_busy(asked, first))
            .map(|other| other.destination.as_str())
            .collect();
        let is_idle = busy.len() < 2 && !busy.contains(delivery.destination.as_str());
        if is_idle && first - asked > PROMPT_MS {
            let (late, to) = (first - asked, &delivery.destination);
            world.violation(format!("letter {index} starts after {late} ms for {to}, which is well and idle"));
        }
        if waited > FAIR_MS {
            world.violation(format!("letter {index} waits {waited} ms for {}, which is well", delivery.destination));
        }
    }
}

/// Everything was released and is at rest again: all of it is at the vendors, once.
pub fn end(world: &Rc<World>) {
    let stored = stored(world);
    pauses(world);
    for (index, letter) in world.visitors.letters.borrow().iter().enumerate() {
        let Some(deliveries) = stored.get(&index) else { continue };
        for delivery in deliveries {
            if delivery.state != "delivered" && !is_incomplete(letter, delivery) {
                world.violation(format!(
                    "letter {index} as {} to {} stays {}: {} {:?}",
                    delivery.id, delivery.destination, delivery.state, delivery.failure, delivery.timeline
                ));
            }
            records(world, index, letter, delivery, deliveries);
        }
    }
    for account in world.plan.destinations.iter().map(|planned| world.account(&planned.name)) {
        for complaint in account.fake.borrow().complaints() {
            world.violation(format!("{:?} complains: {complaint}", account.fake.borrow()));
        }
    }
}

fn records(world: &World, index: usize, letter: &Letter, delivery: &Stored, deliveries: &[Stored]) {
    let destination = &delivery.destination;
    let guarantee = world.plan.destination(destination).record.guarantee;
    let account = world.account(destination);
    let fake = account.fake.borrow();
    let by_type = |text: &str| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for record in fake.holding(text) {
            *counts.entry(record["record"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        counts
    };
    let (of_letter, of_person) = (by_type(&visitors::marker(index)), by_type(&visitors::person(letter.person)));
    if delivery.state == "delivered" && of_letter.is_empty() && of_person.is_empty() {
        world.violation(format!("letter {index} to {destination} is delivered, and the vendor has no record of it"));
    }
    let copies = deliveries.iter().filter(|other| other.destination == *destination).count();
    let seen = world.sightings.of.borrow().get(&(destination.clone(), index)).cloned().unwrap_or_default();
    if seen.has_jumped {
        return;
    }
    let unknown = seen.unknown as usize;
    let too_many = match guarantee {
        Guarantee::ExactlyOnce => of_letter.values().any(|count| *count > copies),
        Guarantee::MayRepeat => of_letter.values().any(|count| *count > copies + unknown),
        // A note is no record of a person; it may repeat.
        Guarantee::Upsert | Guarantee::OncePerPerson => {
            letter.has_email
                && by_type(&visitors::email(letter.person)).iter().any(|(kind, count)| kind != "note" && *count > 1)
        }
    };
    if too_many {
        world.violation(format!(
            "letter {index} to {destination} ({}): the vendor holds {of_letter:?} of it and {of_person:?} of its person; \
             {copies} stored, {unknown} unknown",
            guarantee.name()
        ));
    }
}
