//! The state machine of a Delivery against a model CRM: whatever is answered, lost, killed or put on a wrong clock, it ends,
//! and the CRM has at most one record; exactly one when the delivery says so.
//!
//! The model of the Outbox here does what `edge/outbox/attempt` and `edge/store/crashes` do with the rows: a try is counted
//! and stored before it is made, a create is stored as in doubt before it leaves, and what a dead object leaves behind is
//! recovered by whose fault it was: that of a process that died, unless it dies with this delivery every time.

use proptest::prelude::*;

use super::*;
use crate::crm::{Call, Lesson, Method, Safety, Step, Trouble, Verdict, Why};

/// How a model CRM keeps a repeated create from making a second record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// It does not: its create is looked for first (Salesmap).
    LooksFirst,
    /// A repeat finds the record that is there (a unique email, an idempotency key).
    Repeatable,
}

/// A CRM of two calls: a person, whose repeat finds the one that is there, then the lead.
#[derive(Debug)]
struct ModelCrm {
    kind: Kind,
    persons: u32,
    leads: u32,
    /// A create that was taken and is made only later: when.
    late: Vec<i64>,
}

/// What the world does to one call.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Works,
    /// The work is done and the answer does not arrive.
    AnswerLost,
    /// The work is done and the answer says neither yes nor no.
    AnswerUnclear,
    /// The connection was refused.
    NeverArrived,
    TooMany(Option<u64>),
    Unauthorized,
    /// A failure before any work, and the vendor says so.
    Down,
    Refuses,
    /// The Worker lacks a secret.
    NotSent,
    /// The process dies before the call leaves.
    KilledBefore,
    /// The process dies after the vendor has got the call, which it works on for so long.
    KilledAfter(u16),
    /// The object is reset (a panic) after the vendor has answered.
    Panics,
    /// The run has no call left.
    Interrupted,
    /// The clock jumps, then the call works.
    ClockJumps(i32),
}

const TIMEOUT: i64 = 20_000;

/// How long a dead object's create may stay unlooked-for, as `edge/store/crashes` has it.
const LONGEST_CALL: i64 = 60_000;

/// From this death in a row on, a try that died with its process counts, as `edge/store/crashes` has it.
const SUSPECT_AFTER: u32 = 3;

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Works),
        3 => Just(Fate::AnswerLost),
        2 => Just(Fate::AnswerUnclear),
        1 => Just(Fate::NeverArrived),
        1 => prop::option::of(0_u64..100_000_000).prop_map(Fate::TooMany),
        1 => Just(Fate::Unauthorized),
        1 => Just(Fate::Down),
        1 => Just(Fate::NotSent),
        2 => Just(Fate::KilledBefore),
        3 => (0_u16..19_999).prop_map(Fate::KilledAfter),
        1 => Just(Fate::Panics),
        1 => Just(Fate::Interrupted),
        1 => any::<i32>().prop_map(Fate::ClockJumps),
    ]
}

impl ModelCrm {
    fn next(&self, progress: &Progress) -> Step {
        let call = |step, safety| {
            let (method, url, headers, body) = (Method::Post, String::new(), vec![], None);
            Step::Call(Box::new(Call { step, method, url, headers, body, safety }))
        };
        match self.kind {
            Kind::LooksFirst if progress.in_doubt.as_deref() == Some("lead") => call("find_lead", Safety::Read),
            _ if progress.fact("person").is_none() => call("person", Safety::Idempotent),
            Kind::LooksFirst => call("lead", Safety::Create),
            Kind::Repeatable => call("lead", Safety::Idempotent),
        }
    }

    /// Does what the call asks; what the answer says.
    fn work(&mut self, call: &Call, now: i64) -> Verdict {
        self.settle(now);
        let record = || RecordRef { id: "lead-1".into(), note: None };
        match call.step {
            "person" => {
                self.persons = 1;
                Verdict::GoOn(vec![Lesson::Fact("person", "person-1".into())])
            }
            "find_lead" if self.leads > 0 => Verdict::Delivered(record()),
            "find_lead" => Verdict::GoOn(vec![Lesson::NotInDoubt]),
            _ => {
                let is_there = self.kind == Kind::Repeatable && self.leads > 0;
                self.leads += u32::from(!is_there);
                Verdict::Delivered(record())
            }
        }
    }

    /// What was taken before is made by now.
    fn settle(&mut self, now: i64) {
        let kind = self.kind;
        let made = self.late.extract_if(.., |at| *at <= now).count();
        for _ in 0..made {
            self.leads += u32::from(!(kind == Kind::Repeatable && self.leads > 0));
        }
    }
}

/// How a try ended.
#[derive(Debug, PartialEq)]
enum Ended {
    Whole,
    ProcessDied,
    ObjectReset,
}

/// The Outbox with one delivery.
struct Model {
    stored: Delivery,
    crashes: u32,
    deaths: u32,
    crm: ModelCrm,
    now: i64,
    schedule: Vec<u64>,
}

impl Model {
    fn new(kind: Kind, schedule: Vec<u64>) -> Self {
        let crm = ModelCrm { kind, persons: 0, leads: 0, late: Vec::new() };
        Self { stored: Delivery::new("s", "d", 0), crashes: 0, deaths: 0, crm, now: 0, schedule }
    }

    /// One try, as `edge/outbox/attempt` makes it.
    fn try_once(&mut self, fates: &mut impl Iterator<Item = Fate>) -> Ended {
        let mut delivery = self.stored.clone();
        let has_try = start(&mut delivery, &self.schedule, self.now, 0.5);
        self.stored = delivery.clone();
        if !has_try {
            return Ended::Whole;
        }
        for _ in 0..12 {
            let Step::Call(call) = self.crm.next(&delivery.progress) else { unreachable!("the model always calls") };
            let fate = fates.next().unwrap_or(Fate::Works);
            if matches!(fate, Fate::Interrupted) {
                interrupt(&mut delivery, self.now);
                self.stored = delivery;
                return Ended::Whole;
            }
            if intend(&mut delivery, &call, self.now + TIMEOUT) {
                self.stored = delivery.clone();
            }
            let outcome = match self.meet(fate, &call) {
                Ok(outcome) => outcome,
                Err(ended) => return ended,
            };
            let goes_on = advance(&mut delivery, &call, outcome, &self.schedule, self.now, 0.5);
            self.stored = delivery.clone();
            if !goes_on {
                return Ended::Whole;
            }
        }
        unreachable!("the steps of the model come to an end")
    }

    fn meet(&mut self, fate: Fate, call: &Call) -> Result<Outcome, Ended> {
        let trouble = |why| Trouble::new(why, "");
        let no_answer = || Ok(Outcome::NoAnswer(trouble(Why::NoAnswer)));
        let said = |verdict| Ok(Outcome::Answered(verdict));
        match fate {
            Fate::Works | Fate::Interrupted => said(self.crm.work(call, self.now)),
            Fate::ClockJumps(by) => {
                let outcome = self.crm.work(call, self.now);
                self.now = self.now.saturating_add(i64::from(by)).max(0);
                said(outcome)
            }
            Fate::AnswerLost => {
                self.crm.work(call, self.now);
                no_answer()
            }
            Fate::AnswerUnclear => {
                self.crm.work(call, self.now);
                let trouble = trouble(Why::Unexpected);
                said(if call.safety == Safety::Create { Verdict::InDoubt(trouble) } else { Verdict::TryLater(trouble) })
            }
            Fate::NeverArrived => no_answer(),
            Fate::TooMany(wait) => said(Verdict::TryLater(trouble(Why::RateLimited).wait(wait))),
            Fate::Unauthorized => said(Verdict::TryLater(trouble(Why::Credentials))),
            Fate::Down => said(Verdict::TryLater(trouble(Why::Unavailable))),
            Fate::Refuses => said(Verdict::Refused(trouble(Why::Invalid))),
            Fate::NotSent => Ok(Outcome::NotSent(trouble(Why::Config))),
            Fate::KilledBefore => Err(Ended::ProcessDied),
            Fate::KilledAfter(work) => {
                if call.step == "lead" {
                    self.crm.late.push(self.now + i64::from(work));
                } else {
                    self.crm.work(call, self.now);
                }
                Err(Ended::ProcessDied)
            }
            Fate::Panics => {
                self.crm.work(call, self.now);
                Err(Ended::ObjectReset)
            }
        }
    }

    /// What the next object makes of a try that was cut short, as `edge/store/crashes` does.
    fn recover(&mut self, ended: &Ended) {
        let longest = self.now.saturating_add(LONGEST_CALL);
        let until = |otherwise: i64, delivery: &Delivery| match delivery.progress.in_doubt {
            Some(_) => delivery.next_at.min(longest),
            None => otherwise,
        };
        let delivery = &mut self.stored;
        match ended {
            Ended::Whole => (self.crashes, self.deaths) = (0, 0),
            Ended::ProcessDied => {
                self.deaths += 1;
                if self.deaths < SUSPECT_AFTER {
                    delivery.attempts = delivery.attempts.saturating_sub(1);
                    delivery.next_at = until(self.now, delivery);
                } else {
                    delivery.next_at = delivery.next_at.max(self.now + 500);
                }
            }
            Ended::ObjectReset => {
                self.crashes += 1;
                delivery.next_at = until(delivery.next_at.min(self.now + 500), delivery);
                if self.crashes >= 3 {
                    delivery.state = State::Parked;
                }
            }
        }
    }

    /// Tries it whenever it is due until it ends; after the fates are used up, all is well. Returns how many tries it took.
    fn run(&mut self, fates: Vec<Fate>) -> usize {
        let count = fates.len();
        let mut fates = fates.into_iter();
        for tries in 0..count + 50 {
            if self.stored.state != State::Pending {
                return tries;
            }
            self.now = self.now.max(self.stored.next_at);
            let ended = self.try_once(&mut fates);
            self.recover(&ended);
        }
        panic!("it does not come to an end: {:?}", self.stored)
    }
}

/// What must be true of an end.
fn check(model: &mut Model) -> Result<(), TestCaseError> {
    model.crm.settle(i64::MAX);
    let (leads, state) = (model.crm.leads, model.stored.state);
    prop_assert!(leads <= 1, "{leads} records");
    prop_assert!(state != State::Pending && state != State::Quarantined);
    if state == State::Delivered {
        prop_assert_eq!(leads, 1);
        prop_assert!(model.stored.record.is_some() && model.stored.trouble.is_none());
    } else {
        prop_assert!(model.stored.trouble.is_some() || state == State::Parked);
    }
    Ok(())
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::LooksFirst), Just(Kind::Repeatable)]
}

/// The fates of a try that dies with its process: at its first call, or at its second with this probability.
fn death(second: f64) -> impl Strategy<Value = Vec<Fate>> {
    let kill = prop_oneof![Just(Fate::KilledBefore), (0_u16..19_999).prop_map(Fate::KilledAfter)];
    (prop::bool::weighted(second), kill)
        .prop_map(|(is_second, kill)| if is_second { vec![Fate::Works, kill] } else { vec![kill] })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_ends_and_makes_at_most_one_record(
        kind in kind(),
        schedule in prop::collection::vec(100_u64..90_000_000, 0..12),
        fates in prop::collection::vec(fate(), 0..40),
        refuses_at in prop::option::of(0_usize..40),
    ) {
        let mut fates = fates;
        if let Some(at) = refuses_at.filter(|at| *at < fates.len()) {
            fates[at] = Fate::Refuses;
        }
        let mut model = Model::new(kind, schedule);
        model.run(fates);
        check(&mut model)?;
    }

    /// A process that dies twice in a row, and so again and again, costs no try: on the shortest of schedules it still comes
    /// through.
    #[test]
    fn killing_the_process_up_to_twice_in_a_row_costs_no_try(
        kind in kind(),
        rounds in prop::collection::vec(prop::collection::vec(death(0.3), 0..SUSPECT_AFTER as usize), 0..20),
    ) {
        let mut model = Model::new(kind, vec![]);
        // Between them, a try that comes to an end.
        model.run(rounds.into_iter().flat_map(|deaths| [deaths.concat(), vec![Fate::Interrupted]].concat()).collect());
        check(&mut model)?;
        prop_assert_eq!((model.stored.state, model.stored.attempts), (State::Delivered, 1));
    }

    /// One that dies with it every time uses up its schedule like any other, after the two tries that it had for nothing.
    #[test]
    fn a_try_that_always_dies_with_its_process_comes_to_an_end(
        kind in kind(),
        schedule in prop::collection::vec(100_u64..90_000_000, 0..12),
        deaths in prop::sample::select(&[0.0, 0.3]).prop_flat_map(|second| prop::collection::vec(death(second), 15)),
    ) {
        let pauses = schedule.len();
        let mut model = Model::new(kind, schedule);
        // A try that gets through a call may find what one before it has made.
        let may_get_through = deaths.iter().any(|death| death.len() > 1);
        let tries = model.run(deaths.concat());
        check(&mut model)?;
        if !may_get_through || model.stored.state != State::Delivered {
            // The last look at it is no try any more.
            let found = (model.stored.state, model.stored.attempts as usize, tries);
            prop_assert_eq!(found, (State::Exhausted, pauses + 1, pauses + 4));
        }
    }

    /// What is the account's trouble costs no try either, however often it is asked.
    #[test]
    fn the_accounts_trouble_costs_no_try(
        kind in kind(),
        troubles in prop::collection::vec(
            prop_oneof![Just(Fate::Unauthorized), Just(Fate::NotSent), Just(Fate::TooMany(None)), Just(Fate::Interrupted)], 0..60),
    ) {
        let mut model = Model::new(kind, vec![]);
        model.run(troubles);
        check(&mut model)?;
        prop_assert_eq!((model.stored.state, model.stored.attempts), (State::Delivered, 1));
    }

    /// Released by a person after it gave up or was parked, it still makes no second record.
    #[test]
    fn a_release_after_giving_up_makes_no_second_record(
        kind in kind(),
        first in prop::collection::vec(fate(), 0..20),
        second in prop::collection::vec(fate(), 0..20),
    ) {
        let mut model = Model::new(kind, vec![1_000, 1_000]);
        model.run(first);
        if matches!(model.stored.state, State::Exhausted | State::Parked) {
            (model.stored.state, model.stored.attempts) = (State::Pending, 0);
            (model.crashes, model.deaths) = (0, 0);
            model.run(second);
        }
        check(&mut model)?;
    }
}

/// The model can tell: with an Outbox that looks again at once, a vendor that is slow ends with two records.
#[test]
fn a_look_before_the_answer_was_due_would_double() {
    let mut model = Model::new(Kind::LooksFirst, vec![1_000]);
    let ended = model.try_once(&mut [Fate::Works, Fate::KilledAfter(10_000)].into_iter());
    assert_eq!(ended, Ended::ProcessDied);
    model.recover(&ended);
    assert_eq!(model.stored.next_at, TIMEOUT, "it waits until the vendor must have answered");
    model.stored.next_at = model.now;
    model.run(vec![]);
    model.crm.settle(i64::MAX);
    assert_eq!(model.crm.leads, 2);
}
