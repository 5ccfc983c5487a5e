//! What an Outbox has in memory: attempts, probes and hand-overs under way, and what it remembers of its rows. A crash loses
//! all of it; the rows say what is due again.

use std::rc::Rc;

use crate::delivery::pace::Pacer;
use crate::delivery::queue::{Lane, SLOW_MS, Speed};
use crate::delivery::{Delivery, DestinationState, Flight, State};
use crate::domain::Submission;
use crate::domain::sorted::{Map, Set};
use crate::intake::guard::key::Key;

use super::silence::Known;
use super::turned_away::Tally;
use super::visitors::Visitors;

/// The free plan allows 50 subrequests in one invocation, so a run ends before that; the rest waits for the next alarm.
const CALLS_PER_RUN: u32 = 45;

/// An alarm is killed after 15 minutes. No call starts after this long, and a call takes a minute at most.
const RUN_MS: i64 = 10 * 60 * 1000;

/// How long an overflow waits after a hand-over failed: at first, and at most.
pub(super) const FORWARD_MS: (i64, i64) = (2_000, 30_000);

/// What an instance has in memory.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "four facts that have nothing to do with each other")]
pub(super) struct Run {
    /// Every destination that has or had a delivery here.
    pub(super) destinations: Map<String, DestinationState>,
    pub(super) flights: Map<u64, Flying>,
    pub(super) pacers: Map<String, Pacer>,
    pub(super) next_flight: u64,
    pub(super) calls: u32,
    pub(super) started_at: i64,
    /// Whose turn a single slot is: the oldest delivery's, or the newest's.
    pub(super) is_newest_turn: bool,
    /// In an overflow: when the next hand-over may be tried, and how long to wait after another failure.
    pub(super) forward_at: i64,
    pub(super) forward_wait: i64,
    /// Submissions whose hand-over failed: the others have their turn first.
    pub(super) deferred: Set<String>,
    pub(super) is_registering: bool,
    /// The deployment's key; the registry gives it when this Outbox registers.
    pub(super) key: Option<Key>,
    /// The bytes in quarantine, once they were summed up.
    pub(super) quarantined_bytes: Option<usize>,
    /// The Worker's address, as the last request came in.
    pub(super) base: Option<String>,
    /// Who posted in the last minutes.
    pub(super) visitors: Visitors,
    /// No submission is older than this one; `None` when that is unknown, or nothing is stored.
    pub(super) oldest: Option<String>,
    /// The oldest pending submission, or an older one, and when it was looked for.
    pub(super) oldest_pending: Option<(i64, String)>,
    /// Something failed: when deliveries are due is read again.
    pub(super) is_stale: bool,
    /// Something changed that the operator may have to know.
    pub(super) is_news: bool,
    /// When a condition may begin or end by itself.
    pub(super) condition_at: Option<i64>,
    /// In the registry: when the next part of the sweep may go.
    pub(super) sweep_at: i64,
    /// What was turned away, once it was looked up.
    pub(super) turned_away: Option<Tally>,
    /// When leads come, once it was looked up.
    pub(super) arrivals: Option<Known>,
}

/// Something under way.
#[derive(Debug)]
pub(super) enum Flying {
    /// An attempt of a delivery.
    Attempt {
        flight: Box<Flight>,
        phase: Phase,
        /// What it delivers, until the connector has been asked.
        submission: Option<Rc<Submission>>,
    },
    /// A paused destination's probe; its call leaves with the next effects.
    Probe { destination: String, is_out: bool },
    /// An overflow's hand-over of a submission with these reasons for suspicion.
    Forward { submission_id: String, reasons: Vec<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Counted; the connector was not asked yet.
    Begun,
    /// Its call leaves when the destination's pace allows it.
    Ready(i64),
    /// Its call is out.
    Out,
}

impl Run {
    pub(super) fn new(destinations: Vec<(String, DestinationState)>, key: Option<Key>, visitors: Visitors) -> Self {
        let destinations = destinations.into_iter().collect();
        Self { destinations, forward_wait: FORWARD_MS.0, key, visitors, is_news: true, ..Self::default() }
    }

    /// These deliveries are pending from now on.
    pub(super) fn expect<'a>(&mut self, deliveries: impl IntoIterator<Item = &'a Delivery>) {
        for delivery in deliveries {
            self.put_back(delivery);
            if let Some(state) = self.destinations.get_mut(&delivery.destination) {
                state.is_hurried |= delivery.state == State::Pending;
            }
        }
    }

    /// If the delivery is pending and not under way, it is due again.
    pub(super) fn put_back(&mut self, delivery: &Delivery) {
        if delivery.state == State::Pending {
            self.destinations.or_default(delivery.destination.clone()).expect(delivery.next_at);
            if self.oldest_pending.as_ref().is_some_and(|(_, oldest)| delivery.submission_id < *oldest) {
                self.oldest_pending = None;
            }
        }
    }

    /// An operator changed where a delivery stands; its call may be out.
    pub(super) fn stands(&mut self, delivery: &Delivery) {
        for flying in self.flights.values_mut() {
            if let Flying::Attempt { flight, .. } = flying
                && flight.delivery.submission_id == delivery.submission_id
                && flight.delivery.destination == delivery.destination
            {
                flight.delivery.state = delivery.state;
                flight.stored = delivery.clone();
            }
        }
    }

    /// A submission was stored.
    pub(super) fn added(&mut self, id: &str) {
        if self.oldest.as_deref().is_some_and(|oldest| id < oldest) {
            self.oldest = None;
        }
    }

    /// A submission was deleted.
    pub(super) fn removed(&mut self, id: &str) {
        self.visitors.forget(id);
        (self.quarantined_bytes, self.is_news) = (None, true);
        if self.oldest.as_deref() == Some(id) {
            self.oldest = None;
        }
    }

    /// Every destination as the queue sees it; `next_at` says when something of it is due.
    pub(super) fn lanes(&self, now: i64, next_at: impl Fn(&str, &DestinationState) -> Option<i64>) -> Vec<Lane> {
        let lane = |(name, state): (&String, &DestinationState)| {
            let running = self.running(name);
            Lane {
                destination: name.clone(),
                next_at: next_at(name, state),
                running,
                // More would only hold slots while they wait for their turn in the pace.
                allowance: if self.is_paced(name, now) { Some(0) } else { state.allowance(running, now) },
                speed: self.speed(name, state, now),
                is_resting: state.rests_until > now,
            }
        };
        self.destinations.iter().map(lane).collect()
    }

    /// Whether a call to this destination waits for its turn in the pace.
    fn is_paced(&self, destination: &str, now: i64) -> bool {
        self.flights.values().any(|flying| {
            matches!(flying, Flying::Attempt { flight, phase: Phase::Ready(at), .. }
                if *at > now && flight.delivery.destination == destination)
        })
    }

    fn speed(&self, destination: &str, state: &DestinationState, now: i64) -> Speed {
        let out = self.flights.values().filter_map(|flying| match flying {
            Flying::Attempt { flight, phase: Phase::Out, .. } if flight.delivery.destination == destination => {
                flight.out_since()
            }
            _ => None,
        });
        // A call that is out for a short time says nothing yet.
        match out.map(|since| now - since).max().max(state.last_call_ms) {
            Some(ms) if ms > SLOW_MS => Speed::Slow,
            _ if state.last_call_ms.is_some() => Speed::Quick,
            _ => Speed::Unknown,
        }
    }

    /// Whether anything is pending.
    pub(super) fn has_pending(&self) -> bool {
        self.attempts().next().is_some() || self.destinations.values().any(|state| state.next_at.is_some())
    }

    /// A hand-over failed: wait, longer each time, and let the others go first.
    pub(super) fn defer(&mut self, submission_id: String, now: i64) {
        self.deferred.insert(submission_id);
        self.forward_at = now + self.forward_wait;
        self.forward_wait = (self.forward_wait * 2).min(FORWARD_MS.1);
    }

    pub(super) fn fly(&mut self, flying: Flying) -> u64 {
        self.next_flight += 1;
        self.flights.insert(self.next_flight, flying);
        self.next_flight
    }

    pub(super) fn attempts(&self) -> impl Iterator<Item = &Delivery> {
        self.flights.values().filter_map(|flying| match flying {
            Flying::Attempt { flight, .. } => Some(&flight.delivery),
            _ => None,
        })
    }

    pub(super) fn running(&self, destination: &str) -> usize {
        self.attempts().filter(|delivery| delivery.destination == destination).count()
    }

    pub(super) fn is_flying(&self, submission_id: &str, destination: &str) -> bool {
        self.attempts().any(|delivery| delivery.submission_id == submission_id && delivery.destination == destination)
    }

    pub(super) fn is_probing(&self, destination: &str) -> bool {
        self.flights
            .values()
            .any(|flying| matches!(flying, Flying::Probe { destination: probed, .. } if probed == destination))
    }

    pub(super) fn is_over(&self, now: i64) -> bool {
        self.calls >= CALLS_PER_RUN || now - self.started_at >= RUN_MS
    }
}
