//! The state machine of a Delivery against a model CRM: whatever is answered, lost, killed or put on a wrong clock, it ends,
//! and the CRM has at most one record; exactly one when the delivery says so. [`account`] walks through every interleaving of
//! two deliveries to one account.
//!
//! The model of the Outbox here does what `edge/outbox/attempt` and `edge/store/crashes` do with the rows: a try is counted
//! and stored before it is made, a create is stored as in doubt before it leaves, and what a dead object leaves behind is
//! recovered by whose fault it was: that of a process that died, unless it dies with this delivery every time.

use proptest::prelude::*;

mod account;
mod world;

use super::parking::Parking;
use super::*;
use crate::crm::{Call, Step};
use world::{Ended, Fate, Kind, ModelCrm};

const TIMEOUT: i64 = 20_000;

/// How long a dead object's create may stay unlooked-for, as `edge/store/crashes` has it.
const LONGEST_CALL: i64 = 60_000;

/// How long a parked destination waits for its next probe.
const PROBE: u64 = 63_000;

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

/// The Outbox with one delivery.
struct Model {
    stored: Delivery,
    crashes: u32,
    deaths: u32,
    crm: ModelCrm,
    now: i64,
    schedule: Vec<u64>,
    parking: Option<Parking>,
}

/// What the outcome of a call for `delivery` does to the parking of its destination, as `edge/outbox/attempt` has it.
fn parked(earlier: Option<&Parking>, delivery: &Delivery, outcome: &Outcome, now: i64) -> Option<Parking> {
    match is_for_all(outcome) {
        Some(trouble) => {
            let is_first = !was_turned_away(delivery);
            Some(Parking::after(trouble.clone(), is_first, earlier, Some(&[PROBE]), now, 0.5))
        }
        None => earlier.filter(|parked| !(is_well(outcome) && parked.until <= now)).cloned(),
    }
}

/// What the next object makes of a try that was cut short, as `edge/store/crashes` does.
fn recover(delivery: &mut Delivery, (crashes, deaths): (&mut u32, &mut u32), ended: &Ended, now: i64) {
    let longest = now.saturating_add(LONGEST_CALL);
    let until = |otherwise: i64, delivery: &Delivery| match delivery.progress.in_doubt {
        Some(_) => delivery.next_at.min(longest),
        None => otherwise,
    };
    match ended {
        Ended::Whole => (*crashes, *deaths) = (0, 0),
        Ended::ProcessDied => {
            *deaths += 1;
            if *deaths < SUSPECT_AFTER {
                delivery.attempts = delivery.attempts.saturating_sub(1);
                delivery.next_at = until(now, delivery);
            } else {
                delivery.next_at = delivery.next_at.max(now + 500);
            }
        }
        Ended::ObjectReset => {
            *crashes += 1;
            delivery.next_at = until(delivery.next_at.min(now + 500), delivery);
            if *crashes >= 3 {
                delivery.state = State::Parked;
            }
        }
    }
}

impl Model {
    fn new(kind: Kind, schedule: Vec<u64>) -> Self {
        let crm = ModelCrm::new(kind);
        Self { stored: Delivery::new("s", "d", 0), crashes: 0, deaths: 0, crm, now: 0, schedule, parking: None }
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
            let outcome = match self.crm.meet(fate, &call, &mut self.now) {
                Ok(outcome) => outcome,
                Err(ended) => return ended,
            };
            let outcome = of_its_own(&delivery, outcome, self.parking.is_some());
            self.parking = parked(self.parking.as_ref(), &delivery, &outcome, self.now);
            let goes_on = advance(&mut delivery, &call, outcome, &self.schedule, self.now, 0.5);
            self.stored = delivery.clone();
            if !goes_on {
                return Ended::Whole;
            }
        }
        unreachable!("the steps of the model come to an end")
    }

    fn recover(&mut self, ended: &Ended) {
        recover(&mut self.stored, (&mut self.crashes, &mut self.deaths), ended, self.now);
    }

    /// Tries it whenever it is due until it ends; after the fates are used up, all is well. Returns how many tries it took.
    fn run(&mut self, fates: Vec<Fate>) -> usize {
        let count = fates.len();
        let mut fates = fates.into_iter();
        for tries in 0..count + 50 {
            if self.stored.state != State::Pending {
                return tries;
            }
            self.now = self.now.max(self.stored.next_at).max(self.parking.as_ref().map_or(0, |parked| parked.until));
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
