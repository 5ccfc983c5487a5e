//! How an Outbox finds out that a paused destination is well again.

use crate::connectors::Health;
use crate::delivery::driver::health_of;
use crate::delivery::{DestinationState, Event};

use super::core::{Effect, Outbox, Result};
use super::flights::Flying;
use super::store::{Due, Task};

/// Leads that test a paused destination without a probe at each check.
pub(super) const TRIALS_WITHOUT_PROBE: usize = 3;

impl Outbox {
    /// Checks a paused destination: its probe, and one lead that was never tried, the newest first. Without a probe,
    /// several leads, and those that were tried when there are no others. `leads`: how many have a slot.
    pub(super) fn check(&self, destination: &str, has_probe: bool, leads: usize, now: i64) -> Result<Vec<Task>> {
        if leads == 0 && !has_probe {
            return Ok(Vec::new());
        }
        if let Some(state) = self.run.borrow_mut().destinations.get_mut(destination) {
            state.begin_check(now);
        }
        let mut fresh = self.store.fresh(destination, now, leads)?;
        let trials = if fresh.is_empty() && !has_probe {
            let Due { tasks, next_at } = self.due(destination, now, (leads, 0))?;
            if let Some(state) = self.run.borrow_mut().destinations.get_mut(destination).filter(|_| tasks.is_empty()) {
                state.next_at = next_at;
            }
            tasks
        } else {
            fresh.retain(|id| !self.run.borrow().is_flying(id, destination));
            if fresh.is_empty() { Vec::new() } else { self.store.tasks(destination, &fresh)? }
        };
        let mut run = self.run.borrow_mut();
        if has_probe && !run.is_probing(destination) {
            run.fly(Flying::Probe { destination: destination.to_owned(), is_out: false });
        }
        Ok(trials)
    }

    /// When a paused destination for which something waits is checked next. Without a probe that takes a lead that is due.
    pub(super) fn check_at(&self, destination: &str, state: &DestinationState) -> Option<i64> {
        let (check_at, next_at) = (state.check_at()?, state.next_at?);
        Some(if self.has_probe(destination, state) { check_at } else { check_at.max(next_at) })
    }

    pub(super) fn has_probe(&self, destination: &str, state: &DestinationState) -> bool {
        let found = self.config.destination(destination);
        found.is_some_and(|found| found.connector.probe().is_some()) && !state.is_probe_broken
    }

    /// The probes that leave now.
    pub(super) fn probes(&self, effects: &mut Vec<Effect>) {
        let mut run = self.run.borrow_mut();
        let (mut calls, mut gone) = (0, Vec::new());
        for (id, flying) in &mut run.flights {
            let Flying::Probe { destination, is_out: is_out @ false } = flying else { continue };
            *is_out = true;
            match self.config.destination(destination).and_then(|found| found.connector.probe()) {
                Some(call) => {
                    calls += 1;
                    effects.push(Effect::Send { flight: *id, destination: destination.clone(), call: Box::new(call) });
                }
                None => gone.push(*id),
            }
        }
        run.calls += calls;
        run.flights.retain(|id, _| !gone.contains(id));
    }

    pub(super) fn probe_ended(&self, destination: &str, event: Event) -> Result<()> {
        let (health, _) = health_of(event);
        let mut run = self.run.borrow_mut();
        let Some(state) = run.destinations.get_mut(destination) else { return Ok(()) };
        match health {
            Health::Well => state.probe_passed(),
            // Nothing changed, so nothing is written.
            Health::Unwell(_) => return Ok(()),
            // The vendor's words may repeat what a visitor wrote, so they are not logged.
            Health::Broken(_) => {
                state.is_probe_broken = true;
                self.log_failure("probe", None, &format!("the probe of {destination} does not work"));
                return Ok(());
            }
        }
        Ok(self.store.save_destination(destination, state)?)
    }
}
