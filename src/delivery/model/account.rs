//! Every interleaving of two deliveries to one account, call by call: both may be under way, and whatever one learns about
//! the account holds for the other. Walked through until no new state is found.
//!
//! Out of reach of this model: a lead that was turned away itself (`turned_away`) keeps that name. Alone with credentials
//! that go bad later it ends by its schedule, and nobody is there to show that it was the account.

use std::collections::{HashSet, VecDeque};

use super::*;

/// The schedule's only pause: as long as a probe's and as a vendor's wait, so that there are few different times.
const SCHEDULE: &[u64] = &[PROBE];

/// What a lead was promised before it may be given up.
const PROMISED: i64 = 63_000;

/// What a vendor, and a firewall in front of it, may make of any call.
const ANSWERS: &[Fate] = &[
    Fate::Works,
    Fate::AnswerLost,
    Fate::Down,
    Fate::Unauthorized,
    Fate::TooMany(Some(60_000)),
    Fate::Refuses,
    Fate::Interrupted,
];

/// What may cut a call short, and both tries with it.
const DEATHS: &[Fate] = &[Fate::Works, Fate::KilledBefore, Fate::KilledAfter(10_000), Fate::Panics];

/// A delivery, and the try of it that is under way.
#[derive(Debug, Clone)]
struct Lead {
    stored: Delivery,
    out: Option<(Delivery, Call)>,
    crm: ModelCrm,
    crashes: u32,
    deaths: u32,
    /// What it waited for until now, of what it was promised, and of what it was let off: a reset of its object costs a try
    /// and no pause.
    since: Option<i64>,
    let_off: i64,
}

/// The Outbox with two deliveries to one destination.
#[derive(Debug, Clone)]
struct Account {
    now: i64,
    leads: [Lead; 2],
    parking: Option<Parking>,
}

impl Lead {
    fn new() -> Self {
        let (stored, crm) = (Delivery::new("s", "d", 0), ModelCrm::new(Kind::LooksFirst));
        Self { stored, out: None, crm, crashes: 0, deaths: 0, since: None, let_off: 0 }
    }

    fn is_suspect(&self) -> bool {
        self.crashes > 0 || self.deaths >= SUSPECT_AFTER
    }

    /// The same whenever it happens.
    fn key(&self, now: i64) -> String {
        let of = |delivery: &Delivery| {
            let why = delivery.trouble.as_ref().map(|trouble| trouble.why);
            let next_at = if delivery.state == State::Pending { (delivery.next_at - now).max(0) } else { 0 };
            let person = delivery.progress.fact("person").is_some();
            (delivery.state, delivery.attempts, next_at, person, delivery.progress.in_doubt.clone(), why)
        };
        let waited = self.since.map(|since| (now - since + self.let_off).min(PROMISED));
        let late: Vec<i64> = self.crm.late.iter().map(|at| (at - now).max(0)).collect();
        let crm = (self.crm.leads, late);
        let out = self.out.as_ref().map(|(delivery, call)| (of(delivery), call.step));
        format!("{:?}{out:?}{crm:?}{}{}{waited:?}", of(&self.stored), self.crashes, self.deaths)
    }
}

impl Account {
    fn new() -> Self {
        Self { now: 0, leads: [Lead::new(), Lead::new()], parking: None }
    }

    fn key(&self) -> String {
        let parking = self.parking.as_ref().map(|parking| (parking.trouble.why, (parking.until - self.now).max(0)));
        // Which of the two is which does not matter.
        let mut leads = self.leads.each_ref().map(|lead| lead.key(self.now));
        leads.sort();
        format!("{parking:?}{leads:?}")
    }

    fn ready_at(&self, lead: &Lead) -> Option<i64> {
        let is_waiting = lead.stored.state == State::Pending && lead.out.is_none();
        is_waiting.then(|| lead.stored.next_at.max(self.parking.as_ref().map_or(0, |parking| parking.until)))
    }

    /// Who may start now, as `edge/outbox/run` picks.
    fn may_start(&self, index: usize) -> bool {
        let is_ready = |lead: &Lead| self.ready_at(lead).is_some_and(|at| at <= self.now);
        let under_way = || self.leads.iter().filter(|lead| lead.out.is_some());
        let most = if self.parking.is_some() { 1 } else { 2 };
        is_ready(&self.leads[index])
            && under_way().count() < most
            && !under_way().any(Lead::is_suspect)
            && (under_way().count() == 0 || !self.leads[index].is_suspect())
            && (self.leads[index].is_suspect() || !self.leads.iter().any(|lead| is_ready(lead) && lead.is_suspect()))
    }

    fn start(&mut self, index: usize) {
        let lead = &mut self.leads[index];
        let has_try = start(&mut lead.stored, SCHEDULE, self.now, 0.5);
        if has_try {
            lead.since.get_or_insert(self.now);
            let delivery = lead.stored.clone();
            self.prepare(index, delivery);
        }
    }

    /// The next call of a try leaves, unless nothing may be sent there for now.
    fn prepare(&mut self, index: usize, mut delivery: Delivery) {
        let is_paused = self.parking.as_ref().is_some_and(|parking| parking.until > self.now);
        let lead = &mut self.leads[index];
        let Step::Call(call) = lead.crm.next(&delivery.progress) else { unreachable!("the model always calls") };
        if is_paused {
            interrupt(&mut delivery, self.now);
        } else {
            intend(&mut delivery, &call, self.now + TIMEOUT);
            lead.out = Some((delivery.clone(), *call));
        }
        lead.stored = delivery;
    }

    /// What becomes of the call that is out; a process that dies takes both with it.
    fn meet(&mut self, index: usize, fate: Fate) {
        let mut now = self.now;
        let lead = &mut self.leads[index];
        let Some((mut delivery, call)) = lead.out.take() else { return };
        if matches!(fate, Fate::Interrupted) {
            interrupt(&mut delivery, now);
            lead.stored = delivery;
            recover(&mut lead.stored, (&mut lead.crashes, &mut lead.deaths), &Ended::Whole, now);
            return;
        }
        match lead.crm.meet(fate, &call, &mut now) {
            Ok(outcome) => {
                let outcome = of_its_own(&delivery, outcome, self.parking.is_some());
                self.parking = parked(self.parking.as_ref(), &delivery, &outcome, now);
                let goes_on = advance(&mut delivery, &call, outcome, SCHEDULE, now, 0.5);
                lead.stored = delivery.clone();
                if goes_on {
                    self.prepare(index, delivery);
                } else {
                    recover(&mut lead.stored, (&mut lead.crashes, &mut lead.deaths), &Ended::Whole, now);
                }
            }
            Err(ended) => {
                lead.out = Some((delivery, call));
                for lead in self.leads.iter_mut().filter(|lead| lead.out.is_some()) {
                    lead.out = None;
                    if ended == Ended::ObjectReset {
                        let pause = SCHEDULE.get(lead.stored.attempts as usize - 1).copied().unwrap_or_default();
                        lead.let_off += i64::try_from(pause).unwrap_or_default();
                    }
                    recover(&mut lead.stored, (&mut lead.crashes, &mut lead.deaths), &ended, now);
                }
            }
        }
    }

    /// Every state that can come next, when calls may meet these fates.
    fn next(&self, fates: impl Fn(&Call) -> &'static [Fate]) -> Vec<Self> {
        let mut all = Vec::new();
        for index in 0..self.leads.len() {
            if self.may_start(index) {
                all.push(self.after(|next| next.start(index)));
            }
            if let Some((_, call)) = &self.leads[index].out {
                all.extend(fates(call).iter().map(|fate| self.after(|next| next.meet(index, *fate))));
            }
        }
        // A call is answered, or given up, before anything else comes due: the pauses are longer than it may take.
        if self.leads.iter().any(|lead| lead.out.is_some()) {
            return all;
        }
        let times = self.leads.iter().filter_map(|lead| self.ready_at(lead)).filter(|at| *at > self.now);
        all.extend(times.min().map(|at| self.after(|next| next.now = at)));
        all
    }

    fn after(&self, step: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        step(&mut next);
        next
    }

    /// All is well from here on.
    fn finish(&self) -> Self {
        let mut account = self.clone();
        for _ in 0..60 {
            let next = account.next(|_| &[Fate::Works]);
            let Some(next) = next.into_iter().next() else { return account };
            account = next;
        }
        panic!("it does not come to an end: {account:#?}")
    }
}

/// Walks through every state, and looks at each with what led to it; how many there are.
fn walk(fates: impl Fn(&Call) -> &'static [Fate], look: impl Fn(&Account, &Account)) -> usize {
    let first = Account::new();
    let (mut seen, mut open) = (HashSet::from([first.key()]), VecDeque::from([first]));
    while let Some(account) = open.pop_front() {
        for next in account.next(&fates) {
            if seen.insert(next.key()) {
                look(&account, &next);
                open.push_back(next);
            }
        }
    }
    seen.len()
}

#[test]
fn whatever_is_answered_none_is_lost_doubled_or_given_up_too_early() {
    none_is_lost_doubled_or_given_up_too_early(ANSWERS);
}

#[test]
fn whatever_dies_none_is_lost_doubled_or_given_up_too_early() {
    none_is_lost_doubled_or_given_up_too_early(DEATHS);
}

fn none_is_lost_doubled_or_given_up_too_early(fates: &'static [Fate]) {
    let states = walk(
        |_| fates,
        |before, after| {
            for (was, is) in before.leads.iter().zip(&after.leads) {
                let waited = after.now - is.since.unwrap_or(after.now) + is.let_off;
                let gave_up = was.stored.state == State::Pending && is.stored.state == State::Exhausted;
                assert!(!gave_up || waited >= PROMISED, "after {waited}: {before:#?}");
                // It waits for a time that is not far; and not for this very moment when its try has come to an end, or the
                // alarm would ring again and again.
                let ready_at = after.ready_at(is).unwrap_or(i64::MAX);
                assert!(ready_at == i64::MAX || ready_at <= after.now + 2 * PROMISED, "{after:#?}");
                let has_ended = was.out.is_some() && is.out.is_none() && is.stored.trouble.is_some();
                let goes_on =
                    is.stored.attempts < was.stored.attempts && after.parking == before.parking || is.deaths > 0;
                assert!(!has_ended || goes_on || ready_at > after.now, "{before:#?} {after:#?}");
            }
            for lead in after.finish().leads {
                let mut crm = lead.crm;
                crm.settle(i64::MAX);
                assert!(crm.leads <= 1, "{} records: {after:#?}", crm.leads);
                assert!(lead.stored.state != State::Pending, "{after:#?}");
                assert!(lead.stored.state != State::Delivered || crm.leads == 1, "{after:#?}");
            }
        },
    );
    println!("{states} states");
}

/// An account that is no good, whatever its first calls may do, from the beginning to the end.
#[test]
fn the_account_alone_ends_no_lead_however_long_it_lasts() {
    const NOTHING: &[Fate] = &[Fate::Unauthorized, Fate::TooMany(Some(60_000)), Fate::NotSent, Fate::Interrupted];
    const MAY_READ: &[Fate] =
        &[Fate::Works, Fate::Unauthorized, Fate::TooMany(Some(60_000)), Fate::NotSent, Fate::Interrupted];
    let fates = |call: &Call| if call.step == "lead" { NOTHING } else { MAY_READ };
    let states = walk(fates, |_, after| {
        for lead in &after.leads {
            assert_eq!((lead.stored.state, lead.stored.attempts <= 1), (State::Pending, true), "{after:#?}");
        }
    });
    println!("{states} states");
}
