//! What an Outbox has under way: attempts, probes and hand-overs, in memory only. A crash loses all of it; the rows say what
//! is due again.

use std::collections::{BTreeMap, BTreeSet};

use crate::delivery::pace::Pacer;
use crate::delivery::{Delivery, DestinationState, Flight};
use crate::intake::guard::key::Key;

use super::silence::Known;
use super::turned_away::Tally;

/// The free plan allows 50 subrequests in one invocation, so a run ends before that; the rest waits for the next alarm.
const CALLS_PER_RUN: u32 = 45;

/// An alarm is killed after 15 minutes. No call starts after this long, and a call takes a minute at most.
const RUN_MS: i64 = 10 * 60 * 1000;

/// How long an overflow waits after a hand-over failed: at first, and at most.
pub(super) const FORWARD_MS: (i64, i64) = (2_000, 30_000);

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Every destination that has or had a delivery here.
    pub(super) destinations: BTreeMap<String, DestinationState>,
    pub(super) flights: BTreeMap<u64, Flying>,
    pub(super) pacers: BTreeMap<String, Pacer>,
    pub(super) next_flight: u64,
    pub(super) calls: u32,
    pub(super) started_at: i64,
    /// Whose turn a single slot is: the oldest delivery's, or the newest's.
    pub(super) is_newest_turn: bool,
    /// In an overflow: when the next hand-over may be tried, and how long to wait after another failure.
    pub(super) forward_at: i64,
    pub(super) forward_wait: i64,
    /// Submissions whose hand-over failed: the others have their turn first.
    pub(super) deferred: BTreeSet<String>,
    pub(super) is_registering: bool,
    /// The deployment's key; the registry gives it when this Outbox registers.
    pub(super) key: Option<Key>,
    /// The bytes in quarantine, once they were summed up.
    pub(super) quarantined_bytes: Option<usize>,
    /// The Worker's address, as the last request came in.
    pub(super) base: Option<String>,
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
    Attempt { flight: Box<Flight>, phase: Phase },
    /// A paused destination's probe; its call leaves with the next effects.
    Probe { destination: String, is_out: bool },
    /// An overflow's hand-over of a submission with these reasons for suspicion.
    Forward { submission_id: String, reasons: Vec<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Counted and stored; the connector was not asked yet.
    Begun,
    /// Its call leaves when the destination's pace allows it.
    Ready(i64),
    /// Its call is out.
    Out,
}

impl Run {
    pub(super) fn new(destinations: Vec<(String, DestinationState)>, key: Option<Key>) -> Self {
        Self { destinations: destinations.into_iter().collect(), forward_wait: FORWARD_MS.0, key, ..Self::default() }
    }

    /// New leads are on their way to these destinations.
    pub(super) fn expect<'a>(&mut self, destinations: impl IntoIterator<Item = &'a String>) {
        for destination in destinations {
            self.destinations.entry(destination.clone()).or_default().is_hurried = true;
        }
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
