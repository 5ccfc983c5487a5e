//! When leads come, by the hour, and whether their absence is an alert. [`silence`](super::silence) decides; here is what is
//! stored. Nothing is written when a lead is accepted: upkeep counts an hour once it is over.

use serde_json::json;

use crate::config::Lookup;
use crate::domain::submission::floor;
use crate::intake::form::Expected;

use super::alerts::Condition;
use super::core::{Outbox, Result};
use super::silence::{self, Arrivals, HOUR_MS, Known, WINDOW_HOURS, hour_of};
use super::store::{Columns, Result as Stored, Store, count};

/// The note of what is [`Known`].
const ARRIVALS: &str = "arrivals";

/// Leads that are counted in one hour; there may be more.
const MOST: usize = 5000;

impl Outbox {
    /// Counts the leads of the hours that are over, and works out when silence is an alert.
    pub(super) fn count_arrivals(&self) -> Result<()> {
        self.refresh_arrivals(false).map(drop)
    }

    /// For how many days no lead has come, when that is an alert.
    pub(super) fn silent_days(&self) -> Result<Option<i64>> {
        let now = self.host.now();
        let is_due = |known: Known| known.due_at.is_some_and(|due_at| due_at <= now);
        if self.refresh_arrivals(false)?.is_none_or(|known| !is_due(known)) {
            return Ok(None);
        }
        let known = self.refresh_arrivals(true)?.filter(|known| is_due(*known));
        Ok(known.map(|known| (now - known.last) / (24 * HOUR_MS)))
    }

    /// When silence may be an alert, until it is one; never without a receiver. Nothing else wakes a silent form: an alarm that
    /// was lost is set again by the sweep.
    pub(super) fn silence_wakes_at(&self) -> Result<Option<i64>> {
        if !self.has_receiver {
            return Ok(None);
        }
        let now = self.host.now();
        let due_at = self.refresh_arrivals(false)?.and_then(|known| known.due_at);
        if due_at.is_some_and(|at| at <= now) {
            let is_told = self.store.alerted()?.contains_key(&Condition::Silent(0).key());
            return Ok((!is_told).then_some(now + 1));
        }
        Ok(due_at)
    }

    /// What is known of the leads; `None` for a form without silence. It is worked out once an hour, or `at_once`.
    fn refresh_arrivals(&self, at_once: bool) -> Result<Option<Known>> {
        // One shard is enough to tell: each gets its part of the leads.
        let Lookup::Found(form) = self.config.form(&self.name) else { return Ok(None) };
        let expected = form.expect.map(|all| Expected { leads: all.leads, days: all.days * form.shards });
        let hour = hour_of(self.host.now());
        let stored = self.run.borrow().arrivals;
        let stored = if let Some(known) = stored {
            known
        } else {
            let note = self.store.note(ARRIVALS)?;
            note.and_then(|json| serde_json::from_str(&json).ok()).map(Known::read).unwrap_or_default()
        };
        let pair = expected.map(|expected| (expected.leads, expected.days));
        let is_current = stored.hour == hour && stored.expected == pair;
        let known = if is_current && !at_once { stored } else { self.learn(stored, hour, expected, at_once)? };
        let known = Known { hour, expected: pair, ..known };
        // Until a lead comes, silence lasts.
        let is_silent = known.due_at.is_some_and(|at| at <= self.host.now());
        let mut run = self.run.borrow_mut();
        run.is_news |= is_silent || known.due_at != stored.due_at;
        run.arrivals = Some(known);
        Ok(Some(known))
    }

    fn learn(&self, stored: Known, hour: i64, expected: Option<Expected>, at_once: bool) -> Result<Known> {
        let times = self.store.arrived_since(stored.hour)?;
        let (over, current) = times.split_at(times.partition_point(|at| hour_of(*at) < hour));
        let pair = expected.map(|expected| (expected.leads, expected.days));
        let is_same = stored.expected == pair;
        // Until the hour is over, what was due stays due: it is checked again before it is an alert.
        if over.is_empty() && !at_once && stored.due_at.is_some() && is_same {
            return Ok(stored);
        }
        let last = times.last().copied().unwrap_or(stored.last);
        if times.is_empty() && (is_same || last == 0) {
            return Ok(stored);
        }
        let mut arrivals = self.store.arrivals(hour - WINDOW_HOURS)?;
        let over = by_hour(over);
        arrivals.extend(&over);
        arrivals.extend(by_hour(current));
        let due_at = silence::due_at(&arrivals, last, expected);
        let known = Known { hour, last, due_at, expected: pair };
        if !over.is_empty() || (stored.due_at.is_none() && due_at.is_some()) {
            let json = json!(known.stored()).to_string();
            self.store.transaction(|| {
                self.store.count_hours(&over, hour - WINDOW_HOURS)?;
                self.store.set_note(ARRIVALS, Some(&json))
            })?;
        }
        Ok(known)
    }
}

/// These times, in order, as hours and counts.
fn by_hour(times: &[i64]) -> Vec<Arrivals> {
    let hours = times.chunk_by(|a, b| hour_of(*a) == hour_of(*b));
    hours.map(|hour| (hour_of(hour[0]), u32::try_from(hour.len()).unwrap_or(u32::MAX))).collect()
}

impl Store {
    /// When leads came since an hour. Suspects are no leads.
    fn arrived_since(&self, hour: i64) -> Stored<Vec<i64>> {
        let sql = "SELECT received_at FROM submission WHERE id >= ? AND reasons = '[]' ORDER BY id LIMIT ?";
        let rows = self.database.query(sql, &[floor(hour * HOUR_MS).into(), count(MOST)])?;
        Ok(rows.into_iter().map(|row| Columns::new(row).integer()).collect())
    }

    /// The hours with leads since an hour.
    fn arrivals(&self, since: i64) -> Stored<Vec<Arrivals>> {
        let rows =
            self.database.query("SELECT hour, leads FROM lead_hour WHERE hour >= ? ORDER BY hour", &[since.into()])?;
        let read = |row| {
            let mut columns = Columns::new(row);
            (columns.integer(), u32::try_from(columns.integer()).unwrap_or(u32::MAX))
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Stores the leads of hours, and forgets those before an hour.
    fn count_hours(&self, hours: &[Arrivals], before: i64) -> Stored<()> {
        for (hour, leads) in hours {
            let values = [(*hour).into(), (*leads).into()];
            self.run("INSERT OR REPLACE INTO lead_hour (hour, leads) VALUES (?, ?)", &values)?;
        }
        self.run("DELETE FROM lead_hour WHERE hour < ?", &[before.into()])
    }
}
