//! An Outbox on a native SQLite, without a network.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rusqlite::Connection;
use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Value as Json, json};

use super::alerts::{Condition, Incident, URL_SECRET};
use super::core::{Chore, Effect};
use super::database::{Database, Row, StoreError, Value};
use super::operate::Action;
use super::turned_away::{Code, Note};
use super::*;
use crate::config::Config;
use crate::connectors::Response;
use crate::delivery::{Event, State};
use crate::domain::Submission;
use crate::domain::submission::floor;
use crate::intake::guard::key::{KEY_BYTES, Key};
use crate::intake::{NewSubmission, fields};

mod throughput;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const START: i64 = 1_763_000_000_000;

#[derive(Debug)]
struct Native(Connection);

impl Database for Native {
    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let failed = |error: rusqlite::Error| StoreError::Database(error.to_string());
        let values = values.iter().map(|value| match value {
            Value::Null => Sql::Null,
            Value::Integer(number) => Sql::Integer(*number),
            Value::Text(text) => Sql::Text(text.clone()),
        });
        let mut statement = self.0.prepare(sql).map_err(failed)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let value = |column| match row.get_ref(column) {
                Ok(ValueRef::Integer(number)) => Value::Integer(number),
                Ok(ValueRef::Text(text)) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                _ => Value::Null,
            };
            found.push((0..columns).map(value).collect());
        }
        Ok(found)
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        work()
    }
}

#[derive(Debug, Default)]
struct Clock {
    now: Cell<i64>,
    logged: RefCell<Vec<Json>>,
    /// Whether alerts have no receiver.
    has_no_receiver: Cell<bool>,
}

impl Host for Clock {
    fn now(&self) -> i64 {
        self.now.get()
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn random_key(&self) -> [u8; KEY_BYTES] {
        [3; KEY_BYTES]
    }

    fn has_secret(&self, name: &str) -> bool {
        !(self.has_no_receiver.get() && name == URL_SECRET)
    }

    fn log(&self, event: Json) {
        self.logged.borrow_mut().push(event);
    }
}

struct World {
    clock: Rc<Clock>,
    database: Rc<Native>,
    outbox: Outbox,
    count: Cell<i64>,
}

impl World {
    fn new(name: &str) -> Self {
        let clock = Rc::new(Clock { now: Cell::new(START), ..Clock::default() });
        let database = Rc::new(Native(Connection::open_in_memory().unwrap()));
        let outbox = open(name, &clock, &database);
        Self { clock, database, outbox, count: Cell::new(0) }
    }

    fn pass(&self, ms: i64) {
        self.clock.now.set(self.clock.now.get() + ms);
    }

    fn new_submission(&self, text: &str, reasons: &[&str]) -> NewSubmission {
        self.count.set(self.count.get() + 1);
        let now = self.clock.now.get();
        let submission = Submission {
            id: format!("{}-7000-8000-{:012}", floor(now), self.count.get()),
            form: "contact".into(),
            received_at: now,
            fields: fields(&[("email", "ada@example.com"), ("message", text)]),
            page: None,
            country: None,
            locale: None,
            ignored: Vec::new(),
        };
        NewSubmission {
            submission,
            destinations: vec!["crm".into()],
            key: None,
            digest: text.into(),
            visitor: Some(format!("visitor-{text}")),
            reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        }
    }

    fn accept(&self, text: &str, reasons: &[&str]) -> String {
        match self.outbox.accept(&self.new_submission(text, reasons), false) {
            Ok(Accepted::Stored(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Runs what is due; every call is answered so.
    fn run(&self, status: u16, headers: &[(&str, &str)]) -> usize {
        let mut calls = 0;
        self.outbox.begin_run();
        for _ in 0..20 {
            self.outbox.begin().unwrap();
            for effect in self.outbox.effects().unwrap() {
                let Effect::Send { flight, .. } = effect else { continue };
                calls += 1;
                self.answer(flight, status, headers);
            }
        }
        calls
    }

    fn answer(&self, flight: u64, status: u16, headers: &[(&str, &str)]) {
        let format = self.outbox.config.destination("crm").unwrap().descriptor.format();
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let response = Response::new(format, status, headers, "{}", self.clock.now.get());
        self.outbox.ended(flight, Event::Response(Box::new(response))).unwrap();
    }

    /// The text of the alert that is due; it is sent.
    fn alert(&self) -> Option<String> {
        let mut text = None;
        for chore in self.outbox.upkeep().unwrap() {
            if let Chore::Alert { message, known } = chore {
                text = message["text"].as_str().map(str::to_owned);
                self.outbox.alert_sent(Some(&known)).unwrap();
            }
        }
        text
    }

    fn states(&self, id: &str) -> Vec<State> {
        let view = self.outbox.view(id).unwrap();
        view.map(|view| view.deliveries.iter().map(|delivery| delivery.state).collect()).unwrap_or_default()
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.database.query(sql, &[]).unwrap();
        rows.into_iter()
            .flatten()
            .filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None })
            .collect()
    }
}

fn config() -> Config {
    let vars = json!({
        "FORM_CONTACT": { "destinations": "crm", "retention_days": 30, "quarantine_days": 60 },
        "FORM_BUSY": { "destinations": "crm", "expect": "1/day" },
        "DESTINATION_CRM": { "type": "webhook", "url": "https://example.org/" },
        "DESTINATION_SHOP": { "type": "stateset" },
    });
    let config = Config::from_vars(vars.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value)));
    assert_eq!(config.errors, []);
    config
}

fn open(name: &str, clock: &Rc<Clock>, database: &Rc<Native>) -> Outbox {
    let (host, database): (Rc<dyn Host>, Rc<dyn Database>) = (Rc::clone(clock) as _, Rc::clone(database) as _);
    Outbox::open(name, Rc::new(config()), host, database).unwrap()
}

#[test]
fn a_rejected_lead_is_an_alert_again_as_their_number_grows_until_it_is_dismissed() {
    let world = World::new("contact");
    world.outbox.came_in_at("https://forms.example.com").unwrap();
    let mut told = Vec::new();
    for number in 1..=13 {
        world.accept(&number.to_string(), &[]);
        assert_eq!(world.run(400, &[]), 1);
        if let Some(text) = world.alert() {
            assert!(text.contains("https://forms.example.com/api/alerts/contact:stuck:crm/dismiss"), "{text}");
            told.push(number);
        }
    }
    assert_eq!(told, [1, 2, 4, 8]);
    assert!(world.outbox.dismiss("stuck:crm").unwrap() && !world.outbox.dismiss("stuck:other").unwrap());
    for number in 14..=26 {
        world.accept(&number.to_string(), &[]);
        world.run(400, &[]);
        assert_eq!(world.alert().is_some(), number == 26, "{number}");
    }
}

#[test]
fn a_failed_alert_that_is_no_longer_needed_leaves_no_alarm() {
    for (has_no_receiver, is_known) in [(false, false), (true, false), (true, true)] {
        let mut world = World::new("contact");
        if is_known {
            world.accept("known", &[]);
            world.run(400, &[]);
            assert!(world.alert().is_some());
        }
        let ids = ["a", "b"].map(|text| world.accept(text, &[]));
        world.run(400, &[]);
        world.outbox.upkeep().unwrap();
        world.outbox.alert_sent(None).unwrap();
        if has_no_receiver {
            world.clock.has_no_receiver.set(true);
            world.outbox = open("contact", &world.clock, &world.database);
        } else {
            assert!(ids.iter().all(|id| world.outbox.erase(id).unwrap().is_some()));
        }
        // Past the retry time, then one more alarm.
        for _ in 0..2 {
            world.pass(6 * MINUTE);
            world.outbox.upkeep().unwrap();
        }
        let wake = world.outbox.next_wake().unwrap();
        assert!(wake.is_none_or(|at| at > world.clock.now.get()), "{has_no_receiver} {is_known} {wake:?}");
    }
}

#[test]
fn a_message_that_is_out_keeps_the_next_one_back() {
    let world = World::new("contact");
    let id = world.accept("a", &[]);
    world.run(400, &[]);
    let messages = |chores: Vec<Chore>| chores.iter().filter(|chore| matches!(chore, Chore::Alert { .. })).count();
    assert_eq!(messages(world.outbox.upkeep().unwrap()), 1);
    // What it tells is over, and something else begins, before the receiver has answered.
    world.outbox.erase(&id).unwrap();
    assert_eq!(messages(world.outbox.upkeep().unwrap()), 0);
    world.accept("b", &["honeypot"]);
    assert_eq!(messages(world.outbox.upkeep().unwrap()), 0);
}

#[test]
fn without_a_receiver_nothing_keeps_the_alarm_ringing() {
    for is_silent in [true, false] {
        let mut world = World::new("busy");
        world.clock.has_no_receiver.set(true);
        world.outbox = open("busy", &world.clock, &world.database);
        let id = world.accept("a", &[]);
        world.run(400, &[]);
        assert!(world.outbox.dismiss("stuck:crm").unwrap());
        if is_silent {
            world.outbox.upkeep().unwrap();
            world.pass(7 * DAY);
        } else {
            // It is over while another lead waits for long enough to be a backlog.
            world.outbox.erase(&id).unwrap();
            world.accept("b", &[]);
            world.run(429, &[("retry-after", "20000")]);
            world.outbox.upkeep().unwrap();
            world.pass(HOUR + MINUTE);
        }
        for _ in 0..2 {
            world.pass(1000);
            world.outbox.upkeep().unwrap();
        }
        let wake = world.outbox.next_wake().unwrap();
        assert!(wake.is_none_or(|at| at > world.clock.now.get() + MINUTE), "{is_silent} {wake:?}");
    }
}

#[test]
fn an_alert_dismissed_while_its_message_is_on_its_way_stays_dismissed() {
    let world = World::new("contact");
    let mut messages = 0;
    for number in 1..=2 {
        world.accept(&number.to_string(), &[]);
        world.run(400, &[]);
        for chore in world.outbox.upkeep().unwrap() {
            let Chore::Alert { known, .. } = chore else { continue };
            messages += 1;
            assert!(world.outbox.dismiss("stuck:crm").unwrap());
            world.outbox.alert_sent(Some(&known)).unwrap();
        }
    }
    assert_eq!(messages, 2);
    let known = world.outbox.store.alerted().unwrap();
    assert!(known.get("stuck:crm").is_some_and(|known| known.is_dismissed), "{known:?}");
}

#[test]
fn a_long_wait_is_capped_and_named_and_ends_for_a_person() {
    for by_release in [true, false] {
        let world = World::new("contact");
        let id = world.accept("a", &[]);
        assert_eq!(world.run(429, &[("retry-after", "99999999")]), 1);
        let wait = |world: &World| {
            world.outbox.view(&id).unwrap().unwrap().deliveries[0].next_at.unwrap() - world.clock.now.get()
        };
        assert!(wait(&world) <= 7 * HOUR, "{}", wait(&world));
        let text = world.alert().unwrap();
        assert!(text.contains("`crm` asks for a wait") && text.contains("/api/destinations/crm/resume"), "{text}");
        world.accept("b", &[]);
        assert_eq!(world.run(200, &[]), 0);
        if by_release {
            assert_eq!(world.outbox.release(&id).unwrap(), 1);
        } else {
            assert!(world.outbox.resume("crm").unwrap() && !world.outbox.resume("crm").unwrap());
        }
        let delivery = &world.outbox.view(&id).unwrap().unwrap().deliveries[0];
        assert_eq!(delivery.next_at, Some(world.clock.now.get()));
        assert_eq!((world.run(200, &[]), world.states(&id)), (2, vec![State::Delivered]));
        assert_eq!(world.outbox.release(&id).unwrap(), 0, "nothing to send");
        assert!(world.alert().unwrap().contains("✅ the long wait"));
    }
}

#[test]
fn a_released_delivery_shows_no_old_failure() {
    let world = World::new("contact");
    let id = world.accept("a", &[]);
    world.run(400, &[]);
    assert_eq!(world.states(&id), [State::Rejected]);
    assert_eq!(world.outbox.release(&id).unwrap(), 1);
    let delivery = world.outbox.view(&id).unwrap().unwrap().deliveries.remove(0);
    assert_eq!((delivery.state, delivery.failure), (State::Pending, None));
}

#[test]
fn a_retry_that_cannot_start_runs_out_of_attempts() {
    let world = World::new("contact");
    let id = world.accept("a", &[]);
    world.run(503, &[]);
    // Another connector's state: the destination's type was changed.
    let sql = "UPDATE delivery SET progress = ?";
    world.database.query(sql, &[r#"{"state": {"is_absent": true}}"#.into()]).unwrap();
    for _ in 0..40 {
        // Always on time.
        let next_at = world.texts("SELECT CAST(MAX(next_at, not_before) AS TEXT) FROM delivery").remove(0);
        world.clock.now.set(next_at.parse::<i64>().unwrap().max(world.clock.now.get()));
        assert_eq!(world.run(200, &[]), 0);
    }
    assert_eq!(world.states(&id), [State::Exhausted]);
}

#[test]
fn incidents_are_told_once_and_over_after_an_hour() {
    let world = World::new("contact");
    for incident in Incident::ALL {
        for _ in 0..3 {
            world.outbox.happened(incident).unwrap();
        }
        let key = Condition::Incident(incident).key();
        assert!(world.alert().is_some() && world.alert().is_none(), "{key}");
        world.pass(HOUR - 1);
        assert!(world.alert().is_none(), "{key}");
        world.pass(1);
        assert!(world.alert().unwrap().contains("✅"), "{key}");
    }
}

#[test]
fn a_message_that_the_crm_did_not_take_is_an_alert() {
    let world = World::new("contact");
    let mut new = world.new_submission("Hello", &[]);
    new.destinations = vec!["shop".into()];
    assert!(matches!(world.outbox.accept(&new, false), Ok(Accepted::Stored(_))));
    world.outbox.begin_run();
    assert!(!world.outbox.begin().unwrap(), "it began when it was accepted");
    let Some(Effect::Send { flight, .. }) = world.outbox.effects().unwrap().pop() else { panic!("no call") };
    let format = config().destination("shop").unwrap().descriptor.format();
    let body = r#"{"error":{"code":"email_exists","message":"no"}}"#;
    let response = Response::new(format, 409, Vec::new(), body, world.clock.now.get());
    world.outbox.ended(flight, Event::Response(Box::new(response))).unwrap();
    assert_eq!(world.states(&new.submission.id), [State::Delivered]);
    assert!(world.alert().unwrap().contains("`message_missing`"));
}

#[test]
fn quarantine_is_told_bounded_and_purged_after_its_days_with_an_alert_before() {
    let world = World::new("contact");
    let old = world.accept("old", &["links"]);
    assert!(world.alert().unwrap().contains("in quarantine"));
    world.accept("rejected", &[]);
    world.run(400, &[]);
    assert!(world.alert().is_some());
    let pending = world.accept("pending", &[]);
    assert_eq!(world.run(429, &[("retry-after", "21600")]), 1);
    world.alert();
    world.pass(52 * DAY);
    world.alert();
    world.pass(DAY);
    let text = world.alert().unwrap();
    assert!(
        text.contains("in quarantine will be deleted") && text.contains("`crm` that wait for you will be"),
        "{text}"
    );
    world.pass(7 * DAY - 1);
    world.alert();
    assert_eq!(world.texts("SELECT id FROM submission").len(), 3);
    world.pass(DAY + 1);
    world.alert();
    assert_eq!(world.texts("SELECT id FROM submission"), [pending.as_str()]);
    assert_eq!(world.states(&old), []);

    // Full: suspects are refused, and nobody else; what an overflow hands over was thanked.
    let suspect = world.new_submission("suspect", &["links"]);
    world.outbox.run.borrow_mut().quarantined_bytes = Some(200 * 1024 * 1024);
    assert_eq!(world.outbox.accept(&suspect, false), Ok(Accepted::QuarantineFull));
    assert_eq!(world.outbox.accept(&suspect, true), Ok(Accepted::Stored(suspect.submission.id.clone())));
    world.accept("honest", &[]);
    assert!(world.alert().unwrap().contains("the quarantine is full"));
    // A release makes room.
    world.outbox.release(&suspect.submission.id).unwrap();
    world.accept("other suspect", &["links"]);
}

#[test]
fn what_waits_for_a_person_is_kept_from_its_last_attempt_on() {
    let world = World::new("contact");
    let id = world.accept("late", &[]);
    world.run(429, &[("retry-after", "1")]);
    world.pass(70 * DAY);
    world.run(400, &[]);
    assert_eq!(world.states(&id), [State::Rejected]);
    for (days, is_kept) in [(59, true), (2, false)] {
        world.pass(days * DAY);
        world.alert();
        assert_eq!(!world.states(&id).is_empty(), is_kept, "{days}");
    }
}

#[test]
fn a_deleted_submission_does_not_come_back() {
    let world = World::new("contact");
    let new = world.new_submission("a", &[]);
    let id = new.submission.id.clone();
    world.outbox.accept(&new, false).unwrap();
    world.outbox.begin_run();
    world.outbox.begin().unwrap();
    let flight = world.outbox.effects().unwrap().into_iter().find_map(|effect| match effect {
        Effect::Send { flight, .. } => Some(flight),
        Effect::Forward { .. } => None,
    });
    assert_eq!(world.outbox.erase(&id), Ok(Some(true)), "a call is out");
    world.answer(flight.unwrap(), 200, &[]);
    assert_eq!(world.outbox.accept(&new, true), Ok(Accepted::Stored(id.clone())));
    for table in ["submission", "delivery"] {
        assert_eq!(world.texts(&format!("SELECT * FROM {table}")), [""; 0], "{table}");
    }
    assert_eq!((world.outbox.erase(&id), world.outbox.erase("other")), (Ok(None), Ok(None)));
    let again = world.new_submission("b", &[]);
    world.outbox.erase(&again.submission.id).unwrap();
    world.outbox.accept(&again, true).unwrap();
    assert_eq!(world.states(&again.submission.id), [], "an overflow hands it over after it was deleted");
}

#[test]
fn a_repeat_releases_what_is_suspected_and_not_what_an_operator_marked() {
    for (is_marked, state) in [(false, State::Pending), (true, State::Quarantined)] {
        let world = World::new("contact");
        let mut new = world.new_submission("a", if is_marked { &[] } else { &["links"] });
        let id = new.submission.id.clone();
        world.outbox.accept(&new, false).unwrap();
        world.outbox.begin_run();
        if is_marked {
            world.outbox.act(Action::Spam, &id, "token").unwrap();
        }
        new.reasons.clear();
        // The first response was lost, or an overflow hands it over again; then the visitor sends it again.
        for (new, is_forwarded) in [(new.clone(), false), (new, true), (world.new_submission("a", &[]), false)] {
            assert_eq!(world.outbox.accept(&new, is_forwarded), Ok(Accepted::Stored(id.clone())));
            assert_eq!(world.states(&id), [state]);
        }
        assert_eq!(world.outbox.release(&id).unwrap(), usize::from(is_marked));
        // The call that was out when it was marked may still arrive.
        assert_eq!(world.run(200, &[]), usize::from(!is_marked));
        world.clock.now.set(world.clock.now.get() + 30_000);
        assert_eq!((world.run(200, &[]), world.states(&id)), (usize::from(is_marked), vec![State::Delivered]));
    }
}

#[test]
fn what_a_call_under_way_brings_is_kept_when_its_delivery_is_marked_as_spam() {
    for (status, is_released, state, told) in [
        (200, false, State::Delivered, "delivered"),
        (500, false, State::Quarantined, "retry"),
        (400, false, State::Quarantined, "rejected"),
        (200, true, State::Delivered, "delivered"),
        (500, true, State::Pending, "retry"),
    ] {
        let world = World::new("contact");
        let id = world.accept("a", &[]);
        world.outbox.begin_run();
        let Some(Effect::Send { flight, .. }) = world.outbox.effects().unwrap().pop() else { panic!("no call") };
        world.outbox.act(Action::Spam, &id, "token").unwrap();
        assert_eq!((world.run(200, &[]), world.states(&id)), (0, vec![State::Quarantined]));
        if is_released {
            assert_eq!((world.outbox.release(&id), world.run(200, &[])), (Ok(1), 0), "its call is still out");
        }
        world.answer(flight, status, &[]);
        let view = world.outbox.view(&id).unwrap().unwrap();
        let delivery = &view.deliveries[0];
        let outcomes: Vec<&str> = delivery.timeline.iter().map(|attempt| attempt.outcome.as_str()).collect();
        assert_eq!((delivery.state, outcomes), (state, vec![told]), "{status} {is_released}");
        assert_eq!(delivery.record.is_some(), state == State::Delivered);
        // It goes on when a person, or its time, says so.
        world.outbox.release(&id).unwrap();
        world.pass(HOUR);
        world.run(200, &[]);
        assert_eq!(world.states(&id), [State::Delivered]);
    }
}

#[test]
fn a_copy_that_comes_after_it_was_marked_as_spam_is_quarantined() {
    for is_forwarded in [false, true] {
        let world = World::new("contact");
        let new = world.new_submission("a", &[]);
        let id = new.submission.id.clone();
        assert!(world.outbox.act(Action::Spam, &id, "token").unwrap().is_none(), "it is not here");
        assert_eq!(world.outbox.accept(&new, is_forwarded), Ok(Accepted::Stored(id.clone())));
        assert_eq!((world.run(200, &[]), world.states(&id)), (0, vec![State::Quarantined]));
        assert_eq!(world.outbox.view(&id).unwrap().unwrap().reasons, ["marked"]);
        assert_eq!((world.outbox.release(&id), world.run(200, &[])), (Ok(1), 1));
        // Released before the copy arrives, it is not spam.
        let other = world.new_submission("b", &[]);
        for action in [Action::Spam, Action::Release] {
            world.outbox.act(action, &other.submission.id, "token").unwrap();
        }
        world.outbox.accept(&other, is_forwarded).unwrap();
        assert_eq!((world.run(200, &[]), world.states(&other.submission.id)), (1, vec![State::Delivered]));
    }
}

#[test]
fn who_is_erased_while_an_overflow_hands_over_may_still_be_stored() {
    let overflow = World::new("contact~overflow");
    let ids = ["a", "b"].map(|text| overflow.accept(text, &[]));
    assert_eq!(overflow.outbox.erase(&ids[1]), Ok(Some(false)));
    overflow.outbox.begin_run();
    let Some(Effect::Forward { flight, .. }) = overflow.outbox.effects().unwrap().pop() else { panic!("no hand-over") };
    assert_eq!(overflow.outbox.erase(&ids[0]), Ok(Some(true)));
    overflow.outbox.forwarded(flight, None).unwrap();
    assert!(overflow.outbox.effects().unwrap().is_empty() && overflow.texts("SELECT id FROM submission").is_empty());
}

#[test]
fn visitors_are_recognized_by_keyed_digests() {
    let key = Key::new(&[9; KEY_BYTES]);
    let world = World::new("contact");
    let first = world.accept("a", &[]);
    let raw = "SELECT visitor FROM submission WHERE visitor LIKE 'visitor%'";
    assert!(matches!(world.outbox.registration(), Some(Chore::Register)) && world.outbox.registration().is_none());
    world.outbox.registered(Some(key.clone())).unwrap();
    assert_eq!(world.texts(raw), [""; 0]);
    assert_eq!(world.accept("a", &[]), first, "before and after");
    let second = world.accept("b", &[]);
    assert_eq!((world.accept("b", &[]), world.texts(raw)), (second, Vec::new()));
    // Another instance knows the key.
    let again = open("contact", &world.clock, &world.database);
    assert!(again.registration().is_none());
    assert_eq!(again.accept(&world.new_submission("a", &[]), false), Ok(Accepted::Stored(first)));

    // An overflow keeps what the form's Outbox needs, until it is handed over.
    let overflow = World::new("contact~overflow");
    overflow.outbox.registered(Some(key)).unwrap();
    overflow.accept("a", &[]);
    assert_eq!(overflow.texts(raw), ["visitor-a"]);
}

#[test]
fn the_registry_keeps_one_key_and_wakes_every_outbox_in_parts() {
    let registry = World::new(names::REGISTRY);
    assert_eq!(registry.outbox.deployment_key(), registry.outbox.register("form-000"));
    for number in 0..120 {
        registry.outbox.register(&format!("form-{number:03}")).unwrap();
    }
    let woken = |world: &World| -> Vec<String> {
        let chores = world.outbox.upkeep().unwrap();
        chores.into_iter().flat_map(|chore| if let Chore::Wake(names) = chore { names } else { Vec::new() }).collect()
    };
    // Every five minutes for every hundred of them: 120 are swept with every other trigger.
    for expected in [120, 0, 120, 0] {
        registry.outbox.begin_sweep().unwrap();
        let mut all = Vec::new();
        while let Some(at) = registry.outbox.next_wake().unwrap() {
            registry.clock.now.set(at.max(registry.clock.now.get()));
            let part = woken(&registry);
            assert!(part.len() <= 45);
            all.extend(part);
        }
        all.dedup();
        assert_eq!(all.len(), expected);
        registry.pass(5 * MINUTE - 30_000);
    }
    let few = World::new(names::REGISTRY);
    few.outbox.register("contact").unwrap();
    for _ in 0..2 {
        few.outbox.begin_sweep().unwrap();
        few.pass(10_000);
        assert_eq!(woken(&few), ["contact"], "as often as the trigger comes");
    }
    let some = World::new(names::REGISTRY);
    let names: Vec<String> = (0..60).map(|number| format!("form-{number:03}")).collect();
    for name in &names {
        some.outbox.register(name).unwrap();
    }
    let mut all = Vec::new();
    for _ in 0..2 {
        some.outbox.begin_sweep().unwrap();
        some.pass(10_000);
        all.extend(woken(&some));
    }
    assert_eq!(all, names, "a trigger between two parts does not begin again");
}

#[test]
fn a_silence_is_one_alert_and_one_when_it_ends() {
    let world = World::new("contact");
    // Suspects are no leads.
    let lead = |day: i64, reasons: &[&str]| {
        world.accept(&format!("{day} {reasons:?}"), reasons);
        world.run(200, &[]);
        world.alert()
    };
    for day in 0..9 {
        assert_eq!(lead(day, &[]), None);
        world.pass(3 * DAY);
    }
    for _ in 0..60 {
        assert_eq!(world.alert(), None, "nine leads are too few to learn from");
        world.pass(DAY);
    }
    for day in 100..140 {
        assert_eq!(lead(day, &[]), None);
        world.pass(DAY);
    }
    let mut told = Vec::new();
    for day in 1..40 {
        let alert = lead(1000 + day, &["too_fast"]);
        told.extend(alert.filter(|text| text.contains("no lead has come")).map(|text| (day, text)));
        world.pass(DAY);
    }
    let [(day, text)] = told.as_slice() else { panic!("{told:#?}") };
    assert!((5..12).contains(day) && text.contains(&format!("no lead has come for {day} days")), "{day} {text}");
    let over = lead(2000, &[]).unwrap();
    assert!(over.contains("✅ the silence is over"), "{over}");
    assert_eq!(lead(2001, &[]), None);
}

#[test]
fn silence_wakes_the_outbox_and_survives_it() {
    let world = World::new("contact");
    for day in 0..30 {
        world.accept(&day.to_string(), &[]);
        world.run(200, &[]);
        assert_eq!(world.alert(), None);
        world.pass(DAY);
    }
    // The oldest leads are deleted meanwhile: only hours and counts are kept of them.
    let again = World { outbox: open("contact", &world.clock, &world.database), ..world };
    let mut wakes = (0..20).map(|_| {
        // An overdue alarm rings now.
        let at = again.outbox.next_wake().unwrap().unwrap().max(again.clock.now.get());
        again.pass(at - again.clock.now.get());
        again.alert().map(|text| (at, text))
    });
    let (at, text) = wakes.find_map(|told| told).unwrap();
    assert!((START + 33 * DAY..START + 40 * DAY).contains(&at) && text.contains("no lead has come for"), "{at} {text}");
    assert_eq!(again.texts("SELECT CAST(SUM(leads) AS TEXT) FROM lead_hour"), ["30"]);
}

#[test]
fn ten_thousand_refusals_write_a_row_a_minute_and_one_alert_that_names_the_website() {
    let world = World::new("contact");
    let note = |code: Code, count: u32, origin: Option<&str>| Note {
        counts: code.once().map(|one| one * count),
        origin: origin.map(str::to_owned),
        ..Note::default()
    };
    let changes = || world.database.0.total_changes();
    world.accept("a", &[]);
    world.run(200, &[]);
    assert_eq!(world.alert(), None);
    let before = changes();
    for _ in 0..60 {
        world.outbox.turned_away(&note(Code::Origin, 167, Some("https://new.example.com"))).unwrap();
        world.outbox.write_turned_away().unwrap();
        world.pass(10_000);
    }
    assert!(changes() - before <= 10, "{} rows in ten minutes", changes() - before);
    // The alarm writes the rest when it is due.
    assert!(world.outbox.next_wake().unwrap().is_some_and(|at| at <= world.clock.now.get() + MINUTE));
    let text = world.alert().unwrap();
    let told =
        "posts are turned away: https://new.example.com is not in `allowed_origins`; add it if it is your website";
    assert!(text.contains(told), "{text}");
    assert_eq!(world.texts("SELECT counts FROM refusal"), ["[10020,0,0,0,0]"]);

    // The next day's row takes the website over; a day without refusals is the end.
    world.pass(DAY - HOUR);
    world.outbox.turned_away(&note(Code::Validation, 1, None)).unwrap();
    assert_eq!(world.alert(), None);
    let rows = world.texts("SELECT day || ' ' || counts || ' ' || (state IS NULL) FROM refusal ORDER BY day");
    assert_eq!(rows, ["2025-11-13 [10020,0,0,0,0] 1", "2025-11-14 [0,0,1,0,0] 0"]);
    let again = World { outbox: open("contact", &world.clock, &world.database), ..world };
    again.pass(DAY);
    assert!(again.alert().unwrap().contains("✅ most posts are accepted again"));
    again.pass(91 * DAY);
    again.outbox.turned_away(&note(Code::Size, 1, None)).unwrap();
    assert_eq!(again.texts("SELECT counts FROM refusal"), ["[0,0,0,1,0]"]);
}

/// Whatever happens to submissions, and whenever it is counted, the numbers add up.
#[test]
fn totals_add_up_through_days_erasures_purges_and_late_submissions() {
    let world = World::new("contact");
    let mut ids: Vec<String> = Vec::new();
    let (mut received, mut erased) = (0, 0);
    for step in 0_u32..150 {
        let text = step.to_string();
        match step % 10 {
            // A late one: an overflow hands over what came in two days ago.
            3 => {
                let mut new = world.new_submission(&text, &[]);
                new.submission.received_at -= 2 * DAY;
                new.submission.id = format!("{}-7000-8000-9{step:011}", floor(new.submission.received_at));
                let is_late = world.outbox.is_late(&new.submission.id).unwrap();
                world.outbox.accept(&new, true).unwrap();
                if is_late {
                    world.outbox.count_late(&new.submission.id).unwrap();
                }
                assert!(!world.outbox.is_late(&new.submission.id).unwrap(), "it is stored");
                received += 1;
            }
            5 => {
                let id = ids.remove(usize::try_from(step).unwrap() * 7 % ids.len());
                erased += u64::from(world.outbox.erase(&id).unwrap().is_some());
            }
            _ => {
                ids.push(world.accept(&text, if step % 7 == 0 { &["signal:x"] } else { &[] }));
                received += 1;
            }
        }
        world.run(if step % 4 == 0 { 400 } else { 200 }, &[]);
        world.pass(13 * HOUR + 7 * MINUTE);
        world.outbox.upkeep().unwrap();
        let counts = world.outbox.overview().unwrap().counts;
        let sum = counts.delivered + counts.pending + counts.rejected + counts.exhausted + counts.quarantined;
        assert_eq!((counts.received, counts.erased), (received, erased), "{step}: {counts:?}");
        assert_eq!(sum + counts.erased + counts.purged, received, "{step}: {counts:?}");
        let stored = world.texts("SELECT submission_id FROM delivery").len();
        assert_eq!(sum, stored as u64, "{step}: {counts:?}");
        for (state, found) in
            [("delivered", counts.delivered), ("rejected", counts.rejected), ("quarantined", counts.quarantined)]
        {
            let stored = world.texts(&format!("SELECT submission_id FROM delivery WHERE state = '{state}'")).len();
            assert_eq!(found, stored as u64, "{step} {state}: {counts:?}");
        }
    }
    let counts = world.outbox.overview().unwrap().counts;
    assert!(counts.purged > 20 && counts.rejected > 0 && counts.quarantined > 0, "{counts:?}");
    let stats = world.outbox.stats(world.clock.now.get() - 20 * DAY).unwrap();
    assert!(stats.days.len() >= 20 && stats.days.values().all(|day| day.received > 0), "{stats:?}");
}
