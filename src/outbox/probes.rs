//! How an Outbox finds out that a paused destination is well again.

use crate::connectors::Health;
use crate::delivery::Event;
use crate::delivery::driver::health_of;

use super::core::{Effect, Outbox, Result};
use super::flights::Flying;
use super::store::Task;

/// Leads that test a paused destination without a probe at each check.
const TRIALS_WITHOUT_PROBE: usize = 3;

impl Outbox {
    /// Checks a paused destination: its probe, and one lead that was never tried, the newest first. Without a probe,
    /// several leads, and those that were tried when there are no others.
    pub(super) fn check(&self, destination: &str, has_probe: bool, now: i64) -> Result<Vec<Task>> {
        let leads = if has_probe { 1 } else { TRIALS_WITHOUT_PROBE };
        let mut fresh = self.store.fresh(destination, now, leads)?;
        let trials = if fresh.is_empty() && !has_probe {
            self.due(destination, now, (leads, 0))?.tasks
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
