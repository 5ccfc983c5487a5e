//! What an Outbox has received and what became of it, without reading every row.
//!
//! - `day` has a row per day and destination (and one per day, without a destination, for the submissions): how many came
//!   in, and how many of them were erased or deleted for their age. It counts up to [`FOLDED`]; what came in since is counted
//!   when somebody asks.
//! - Deliveries that are not delivered are counted in their partial indexes. All others are delivered, so the numbers always
//!   add up: received = delivered + pending + rejected + exhausted + quarantined + erased + purged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::delivery::{Delivery, Pause, State};
use crate::domain::lead::rfc3339;
use crate::domain::submission::{floor, received_at};

use super::core::{Outbox, Result};
use super::store::{self, Columns, Store};

/// Up to when `day` counts, milliseconds since 1970.
const FOLDED: &str = "folded_at";

/// A submission may be stored this long after it came in. `day` stays this far behind.
const LATE_MS: i64 = 10 * 60 * 1000;

/// So many submissions are counted when somebody asks; then `day` takes them in.
const UNFOLDED: u64 = 2000;

/// The newest submissions whose delivery times are measured, and whose fields are shown.
const MEASURED: usize = 200;
const SHOWN: usize = 50;

/// About how many bytes of submissions are read to show their fields.
const SHOWN_BYTES: usize = 256 * 1024;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The place of the submissions among the destinations of a day.
const SUBMISSIONS: &str = "";

/// Numbers of submissions or deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All that ever came in.
    pub received: u64,
    /// Delivered.
    pub delivered: u64,
    /// On their way.
    pub pending: u64,
    /// Rejected by the CRM.
    pub rejected: u64,
    /// Out of attempts.
    pub exhausted: u64,
    /// In quarantine.
    pub quarantined: u64,
    /// Erased by an operator.
    pub erased: u64,
    /// Deleted for their age.
    pub purged: u64,
}

impl Counts {
    fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Pending => &mut self.pending,
            State::Delivered => &mut self.delivered,
            State::Rejected => &mut self.rejected,
            State::Exhausted => &mut self.exhausted,
            State::Quarantined => &mut self.quarantined,
        }
    }

    /// Adds the numbers of another part.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.erased += other.erased;
        self.purged += other.purged;
        self.add_states(other);
    }

    fn add_states(&mut self, other: &Self) {
        let mut other = *other;
        for state in State::ALL {
            *self.of(state) += *other.of(state);
        }
    }

    /// What is neither gone nor waiting is delivered.
    fn settle(&mut self) {
        let others = self.erased + self.purged + self.pending + self.rejected + self.exhausted + self.quarantined;
        self.delivered = self.received.saturating_sub(others);
    }
}

/// How an Outbox stands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Overview {
    /// Submissions where they were received, erased and purged; deliveries by their state.
    pub counts: Counts,
    /// Every destination that ever had a delivery here.
    pub destinations: BTreeMap<String, DestinationView>,
    /// When the newest submission came in, milliseconds since 1970.
    pub last_received_at: Option<i64>,
    /// When the oldest pending submission came in.
    pub oldest_pending_at: Option<i64>,
    /// The fields of the newest submissions, in order, and where each goes: lead fields, or `note`.
    pub fields: Vec<(String, BTreeSet<String>)>,
}

/// How a destination stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DestinationView {
    /// Its deliveries.
    pub counts: Counts,
    /// Its pause.
    pub pause: Option<PauseView>,
}

/// A pause, for the operator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PauseView {
    /// The pause.
    #[serde(flatten)]
    pub pause: Pause,
    /// When the destination is checked next.
    pub next_check_at: Option<i64>,
    /// Whether it ends only when a person does something.
    pub needs_person: bool,
}

/// One day's submissions (received) and their deliveries (everything else).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCounts {
    /// Submissions.
    pub received: u64,
    /// Deliveries that are or were delivered, unless they were erased.
    pub delivered: u64,
    /// In quarantine.
    pub quarantined: u64,
    /// Rejected by the CRM.
    pub rejected: u64,
    /// Out of attempts.
    pub exhausted: u64,
}

impl DayCounts {
    /// Adds the numbers of another part.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.delivered += other.delivered;
        self.quarantined += other.quarantined;
        self.rejected += other.rejected;
        self.exhausted += other.exhausted;
    }
}

/// An Outbox's days.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Stats {
    /// By day, `2026-11-28`.
    pub days: BTreeMap<String, DayCounts>,
    /// How long the newest deliveries took, from the submission to the record, in milliseconds.
    pub delivery_ms: Vec<i64>,
}

/// A row of `day`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Row {
    received: u64,
    erased: u64,
    purged: u64,
    /// Of the purged, how many had been delivered.
    delivered: u64,
}

/// Rows of `day` by day and destination.
type Rows = BTreeMap<(String, String), Row>;

/// Why submissions are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// An operator erased them.
    Erased,
    /// Their age.
    Purged,
}

/// The day of a moment, `2026-11-28`.
pub fn day_of(at: i64) -> String {
    rfc3339(at).chars().take(10).collect()
}

impl Outbox {
    /// How this Outbox stands.
    pub fn overview(&self) -> Result<Overview> {
        self.fold_much()?;
        let mut overview = Overview::default();
        for ((_, destination), row) in self.store.all_days()? {
            let counts = if destination == SUBMISSIONS {
                &mut overview.counts
            } else {
                &mut overview.destinations.entry(destination).or_default().counts
            };
            counts.received += row.received;
            counts.erased += row.erased;
            counts.purged += row.purged;
        }
        for (destination, state, number) in self.store.waiting_counts()? {
            *overview.destinations.entry(destination).or_default().counts.of(state) += number;
        }
        let now = self.host.now();
        let run = self.run.borrow();
        for (name, view) in &mut overview.destinations {
            view.counts.settle();
            overview.counts.add_states(&view.counts);
            let state = run.destinations.get(name);
            view.pause = state.and_then(|state| {
                Some(PauseView {
                    pause: state.pause.clone()?,
                    next_check_at: state.check_at().map(|at| at.max(now)),
                    needs_person: state.pause.as_ref().is_some_and(Pause::needs_person),
                })
            });
        }
        drop(run);
        overview.last_received_at = self.store.latest(1)?.first().and_then(|id| received_at(id));
        overview.oldest_pending_at = self.store.oldest_pending()?.and_then(|id| received_at(&id));
        overview.fields = self.fields()?;
        Ok(overview)
    }

    /// The fields of the newest submissions, and where each goes.
    fn fields(&self) -> Result<Vec<(String, BTreeSet<String>)>> {
        let mut fields: Vec<(String, BTreeSet<String>)> = Vec::new();
        let mut size = 0;
        for id in self.store.latest(SHOWN)? {
            // One that cannot be read hides no other.
            let Ok(Some(submission)) = self.store.submission(&id) else { continue };
            size += submission.fields.0.iter().map(|(_, value)| value.len()).sum::<usize>();
            for (name, goes_to) in self.lead(&submission).uses() {
                match fields.iter_mut().find(|(known, _)| known == name) {
                    Some((_, all)) => all.extend(goes_to),
                    None => fields.push((name.to_owned(), goes_to.into_iter().collect())),
                }
            }
            if size >= SHOWN_BYTES {
                break;
            }
        }
        Ok(fields)
    }

    /// The days since `since`, milliseconds since 1970.
    pub fn stats(&self, since: i64) -> Result<Stats> {
        self.fold_much()?;
        let mut stats = Stats::default();
        let mut days: BTreeMap<String, (Row, Row)> = BTreeMap::new();
        for ((day, destination), row) in self.store.all_days_since(&day_of(since))? {
            let (submissions, deliveries) = days.entry(day).or_default();
            let sum = if destination == SUBMISSIONS { submissions } else { deliveries };
            sum.received += row.received;
            sum.erased += row.erased;
            sum.purged += row.purged;
            sum.delivered += row.delivered;
        }
        let mut from = since - since.rem_euclid(DAY_MS);
        while from <= self.host.now() {
            let Some((submissions, deliveries)) = days.get(&day_of(from)) else {
                from += DAY_MS;
                continue;
            };
            let mut counts = Counts {
                received: deliveries.received,
                erased: deliveries.erased,
                purged: deliveries.purged,
                ..Counts::default()
            };
            for (state, number) in self.waiting_between(from, from + DAY_MS)? {
                *counts.of(state) += number;
            }
            counts.settle();
            let Counts { delivered, quarantined, rejected, exhausted, .. } = counts;
            let delivered = delivered + deliveries.delivered;
            let day = DayCounts { received: submissions.received, delivered, quarantined, rejected, exhausted };
            stats.days.insert(day_of(from), day);
            from += DAY_MS;
        }
        stats.delivery_ms = self.delivery_ms(since)?;
        Ok(stats)
    }

    fn waiting_between(&self, from: i64, until: i64) -> Result<Vec<(State, u64)>> {
        let (low, high) = (floor(from), floor(until));
        let mut found = self.store.plain_waiting_between(&low, &high)?;
        for name in self.run.borrow().destinations.keys() {
            found.extend(self.store.stuck_between(name, &low, &high)?);
        }
        Ok(found)
    }

    fn delivery_ms(&self, since: i64) -> Result<Vec<i64>> {
        let mut all = Vec::new();
        for id in self.store.latest(MEASURED)? {
            let Some(at) = received_at(&id).filter(|at| *at >= since) else { break };
            let Ok(deliveries) = self.store.deliveries(&id) else { continue };
            let is_delivered = |delivery: &&Delivery| delivery.state == State::Delivered;
            let last = deliveries.iter().filter(is_delivered).filter_map(|delivery| delivery.timeline.last());
            all.extend(last.map(|attempt| attempt.at + attempt.ms - at));
        }
        Ok(all)
    }

    /// Counts finished days, one at a time. An overflow only lends room, and counts nothing.
    pub(super) fn fold(&self) -> Result<()> {
        let now = self.host.now() - LATE_MS;
        let today = now - now.rem_euclid(DAY_MS);
        match self.unfolded()? {
            Some(from) if from < today && !self.is_overflow() => Ok(self.store.fold(from, today.min(from + DAY_MS))?),
            _ => Ok(()),
        }
    }

    /// Counts all but the newest when they have become many.
    fn fold_much(&self) -> Result<()> {
        let until = self.host.now() - LATE_MS;
        match self.unfolded()? {
            Some(from) if from < until && !self.is_overflow() => {
                let many = self.store.received_between(from, until)?.get(SUBMISSIONS).is_some_and(|n| *n > UNFOLDED);
                if many { Ok(self.store.fold(from, until)?) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Since when submissions are not counted yet; `None` when there are none.
    fn unfolded(&self) -> Result<Option<i64>> {
        Ok(match self.store.time_note(FOLDED)? {
            Some(at) => Some(at),
            None => self.store.oldest(1)?.first().and_then(|id| received_at(id)),
        })
    }

    /// Whether a submission of this id is new here and so late that its day may be counted already.
    pub(super) fn is_late(&self, id: &str) -> Result<bool> {
        let at = received_at(id).unwrap_or_default();
        let may_be = at < self.host.now() - LATE_MS && !self.is_overflow();
        Ok(may_be && self.store.time_note(FOLDED)?.is_some_and(|folded| at < folded) && !self.store.has(id)?)
    }

    /// A late submission was stored.
    pub(super) fn count_late(&self, id: &str) -> Result<()> {
        Ok(self.store.count_late(id)?)
    }
}

impl Store {
    /// The newest ids, newest first.
    fn latest(&self, limit: usize) -> store::Result<Vec<String>> {
        self.texts("SELECT id FROM submission ORDER BY id DESC LIMIT ?", &[store::count(limit)])
    }

    /// Takes what came in between these moments into `day`.
    fn fold(&self, from: i64, until: i64) -> store::Result<()> {
        self.transaction(|| {
            let mut at = from;
            while at < until {
                let end = until.min(at - at.rem_euclid(DAY_MS) + DAY_MS);
                let received = self.received_between(at, end)?;
                let row = |(destination, received)| ((day_of(at), destination), Row { received, ..Row::default() });
                self.add_to_days(received.into_iter().map(row))?;
                at = end;
            }
            self.set_note(FOLDED, Some(&until.to_string()))
        })
    }

    fn count_late(&self, id: &str) -> store::Result<()> {
        let day = day_of(received_at(id).unwrap_or_default());
        let names = self.states_of(id)?.into_iter().map(|(name, _)| name).chain([SUBMISSIONS.to_owned()]);
        self.add_to_days(names.map(|name| ((day.clone(), name), Row { received: 1, ..Row::default() })))
    }

    /// Counts submissions that are about to be deleted.
    pub(super) fn count_gone<'a>(&self, ids: impl IntoIterator<Item = &'a String>, gone: Gone) -> store::Result<()> {
        let folded = self.time_note(FOLDED)?.unwrap_or(0);
        let mut rows = Rows::new();
        for id in ids {
            let at = received_at(id).unwrap_or_default();
            let submission = (SUBMISSIONS.to_owned(), None);
            let deliveries = self.states_of(id)?.into_iter().map(|(name, state)| (name, state));
            for (name, state) in deliveries.chain([submission]) {
                let row = rows.entry((day_of(at), name)).or_default();
                // What is not counted yet is never counted once it is gone.
                row.received += u64::from(at >= folded);
                match gone {
                    Gone::Erased => row.erased += 1,
                    Gone::Purged => row.purged += 1,
                }
                row.delivered += u64::from(gone == Gone::Purged && state == Some(State::Delivered));
            }
        }
        self.add_to_days(rows)
    }

    fn add_to_days(&self, rows: impl IntoIterator<Item = ((String, String), Row)>) -> store::Result<()> {
        let number = |count: u64| super::database::Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        rows.into_iter().try_for_each(|((day, destination), row)| {
            self.run(
                "INSERT INTO day (day, destination, received, erased, purged, delivered) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (day, destination) DO UPDATE SET received = received + excluded.received,
                   erased = erased + excluded.erased, purged = purged + excluded.purged,
                   delivered = delivered + excluded.delivered",
                &[
                    day.into(),
                    destination.into(),
                    number(row.received),
                    number(row.erased),
                    number(row.purged),
                    number(row.delivered),
                ],
            )
        })
    }

    /// Every day, with what is not in `day` yet.
    fn all_days(&self) -> store::Result<Rows> {
        self.all_days_since("")
    }

    fn all_days_since(&self, since: &str) -> store::Result<Rows> {
        let sql = "SELECT day, destination, received, erased, purged, delivered FROM day WHERE day >= ?";
        let read = |row| {
            let mut columns = Columns::new(row);
            let key = (columns.text().unwrap_or_default(), columns.text().unwrap_or_default());
            let mut number = || u64::try_from(columns.integer()).unwrap_or(0);
            (key, Row { received: number(), erased: number(), purged: number(), delivered: number() })
        };
        let mut rows: Rows = self.database.query(sql, &[since.into()])?.into_iter().map(read).collect();
        let folded = match self.time_note(FOLDED)? {
            Some(at) => Some(at),
            None => self.oldest(1)?.first().and_then(|id| received_at(id)),
        };
        let newest = self.latest(1)?.first().and_then(|id| received_at(id));
        if let (Some(mut at), Some(newest)) = (folded, newest) {
            while at <= newest {
                let end = at - at.rem_euclid(DAY_MS) + DAY_MS;
                let day = day_of(at);
                if *day >= *since {
                    for (destination, received) in self.received_between(at, end)? {
                        rows.entry((day.clone(), destination)).or_default().received += received;
                    }
                }
                at = end;
            }
        }
        Ok(rows)
    }

    /// What came in between these moments and is still here: submissions, and deliveries by destination.
    fn received_between(&self, from: i64, until: i64) -> store::Result<BTreeMap<String, u64>> {
        let range = [floor(from).into(), floor(until).into()];
        let of_submissions = "SELECT '', COUNT(*) FROM submission WHERE id >= ? AND id < ?";
        let of_deliveries = "SELECT destination, COUNT(*) FROM delivery WHERE submission_id >= ? AND submission_id < ?
             GROUP BY destination";
        let mut rows = self.database.query(of_submissions, &range)?;
        rows.extend(self.database.query(of_deliveries, &range)?);
        let read = |row| {
            let mut columns = Columns::new(row);
            (columns.text().unwrap_or_default(), u64::try_from(columns.integer()).unwrap_or(0))
        };
        Ok(rows.into_iter().map(read).filter(|(_, number)| *number > 0).collect())
    }

    /// The deliveries that are not delivered, by destination and state.
    fn waiting_counts(&self) -> store::Result<Vec<(String, State, u64)>> {
        let statements = [
            "SELECT destination, state, COUNT(*) FROM delivery WHERE state = 'pending' GROUP BY destination",
            "SELECT destination, state, COUNT(*) FROM delivery WHERE state = 'quarantined' GROUP BY destination",
            "SELECT destination, state, COUNT(*) FROM delivery WHERE state IN ('rejected', 'exhausted')
             GROUP BY destination, state",
        ];
        let mut found = Vec::new();
        for statement in statements {
            for row in self.database.query(statement, &[])? {
                let mut columns = Columns::new(row);
                let destination = columns.text().unwrap_or_default();
                let state = columns.text().as_deref().and_then(State::from_name);
                let number = u64::try_from(columns.integer()).unwrap_or(0);
                found.extend(state.map(|state| (destination, state, number)));
            }
        }
        Ok(found)
    }

    /// The pending and the quarantined deliveries of the submissions between two ids.
    fn plain_waiting_between(&self, low: &str, high: &str) -> store::Result<Vec<(State, u64)>> {
        let statements = [
            "SELECT state, COUNT(*) FROM delivery WHERE state = 'pending' AND submission_id >= ? AND submission_id < ?",
            "SELECT state, COUNT(*) FROM delivery WHERE state = 'quarantined' AND submission_id >= ? AND submission_id < ?",
        ];
        let mut found = Vec::new();
        for statement in statements {
            found.extend(self.counts_by_state(statement, &[low.into(), high.into()])?);
        }
        Ok(found)
    }

    /// The rejected and exhausted deliveries to a destination of the submissions between two ids.
    fn stuck_between(&self, destination: &str, low: &str, high: &str) -> store::Result<Vec<(State, u64)>> {
        let sql = "SELECT state, COUNT(*) FROM delivery WHERE destination = ? AND state IN ('rejected', 'exhausted')
             AND submission_id >= ? AND submission_id < ? GROUP BY state";
        self.counts_by_state(sql, &[destination.into(), low.into(), high.into()])
    }

    fn counts_by_state(&self, sql: &str, values: &[super::database::Value]) -> store::Result<Vec<(State, u64)>> {
        let read = |row| {
            let mut columns = Columns::new(row);
            let state = State::from_name(&columns.text()?)?;
            Some((state, u64::try_from(columns.integer()).unwrap_or(0)))
        };
        Ok(self.database.query(sql, values)?.into_iter().filter_map(read).collect())
    }

    /// The destinations of a submission's deliveries, and where each stands; a state that cannot be read is `None`.
    fn states_of(&self, id: &str) -> store::Result<Vec<(String, Option<State>)>> {
        let sql = "SELECT destination, state FROM delivery WHERE submission_id = ?";
        let read = |row| {
            let mut columns = Columns::new(row);
            let destination = columns.text().unwrap_or_default();
            (destination, columns.text().as_deref().and_then(State::from_name))
        };
        Ok(self.database.query(sql, &[id.into()])?.into_iter().map(read).collect())
    }
}
