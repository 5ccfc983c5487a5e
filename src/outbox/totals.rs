//! What an Outbox has received and what became of it, without reading every row.
//!
//! - What came in and what is gone is in the rows of [`days`](super::days).
//! - Deliveries that are not delivered are counted in their partial indexes. All others are delivered, so the numbers always
//!   add up: received = delivered + pending + rejected + exhausted + quarantined + erased + purged.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::connectors::FailureKind;
use crate::delivery::{Delivery, State};
use crate::domain::sorted;
use crate::domain::submission::{floor, received_at};

use super::core::{Outbox, OutboxError, Result};
use super::database::Value;
use super::days::{DAY_MS, LATE_MS, Row, SUBMISSIONS, day_of, maybe_time, time};
use super::store::{self, Columns, Store};
use super::turned_away::Code;

/// Up to this many submissions are counted on request; when there are more, `day` takes them in.
const UNFOLDED: u64 = 2000;

/// The newest submissions whose delivery times are measured, and whose fields are shown.
const MEASURED: usize = 200;
const SHOWN: usize = 50;

/// About how many bytes of submissions are read to show their fields.
const SHOWN_BYTES: usize = 256 * 1024;

/// Numbers of submissions or deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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

    fn add_states(&mut self, other: &Self) {
        let mut other = *other;
        for state in State::ALL {
            *self.of(state) += *other.of(state);
        }
    }

    /// Everything neither deleted nor waiting was delivered.
    fn settle(&mut self) {
        let others = self.erased + self.purged + self.pending + self.rejected + self.exhausted + self.quarantined;
        self.delivered = self.received.saturating_sub(others);
    }
}

/// How an Outbox stands.
#[derive(Debug, Default, Serialize)]
pub struct Overview {
    /// Submissions where they were received, erased and purged; deliveries by their state.
    pub counts: Counts,
    /// Every destination that ever had a delivery here.
    pub destinations: sorted::Map<String, DestinationView>,
    /// When the newest submission came in, milliseconds since 1970.
    #[serde(serialize_with = "maybe_time")]
    pub last_received_at: Option<i64>,
    /// When the oldest pending submission came in.
    #[serde(serialize_with = "maybe_time")]
    pub oldest_pending_at: Option<i64>,
    /// The fields of the newest submissions, in order, and where each goes: lead fields, or `note`. An object of objects, so
    /// that parts are merged by name.
    pub fields: Map<String, Json>,
}

/// How a destination stands.
#[derive(Debug, Default, Serialize)]
pub struct DestinationView {
    /// Its deliveries.
    pub counts: Counts,
    /// Its pause.
    pub pause: Option<PauseView>,
}

/// A pause, for the operator.
#[derive(Debug, Serialize)]
pub struct PauseView {
    /// What is wrong.
    pub kind: FailureKind,
    /// In the vendor's words.
    pub detail: String,
    /// Since when, milliseconds since 1970.
    #[serde(serialize_with = "time")]
    pub since: i64,
    /// Nothing at all is sent before this.
    #[serde(serialize_with = "maybe_time")]
    pub until: Option<i64>,
    /// When the destination is checked next.
    #[serde(serialize_with = "maybe_time")]
    pub next_check_at: Option<i64>,
    /// Whether it ends only when a person does something.
    pub needs_person: bool,
}

/// One day's submissions (received) and their deliveries (everything else).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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
    /// Posts that were turned away, by reason; at least.
    pub refused: sorted::Map<&'static str, u32>,
}

/// An Outbox's days.
#[derive(Debug, Default, Serialize)]
pub struct Stats {
    /// By day, `2026-11-28`.
    pub days: sorted::Map<String, DayCounts>,
    /// How long the newest deliveries took, from the submission to the record, in milliseconds.
    pub delivery_ms: Vec<i64>,
}

impl Outbox {
    /// How this Outbox stands.
    pub fn overview(&self) -> Result<Overview> {
        self.fold_much()?;
        let mut overview = Overview::default();
        for ((_, destination), row) in self.store.days_since("", self.unfolded()?)? {
            let counts = if destination == SUBMISSIONS {
                &mut overview.counts
            } else {
                &mut overview.destinations.or_default(destination).counts
            };
            counts.received += row.received;
            counts.erased += row.erased;
            counts.purged += row.purged;
        }
        let names: Vec<String> = self.run.borrow().destinations.keys().cloned().collect();
        for name in names {
            let counts = &mut overview.destinations.or_default(name.clone()).counts;
            for (state, number) in self.store.waiting_for(&name)? {
                *counts.of(state) += number;
            }
        }
        let now = self.host.now();
        let run = self.run.borrow();
        for (name, view) in &mut overview.destinations {
            view.counts.settle();
            overview.counts.add_states(&view.counts);
            let state = run.destinations.get(name);
            view.pause = state.and_then(|state| {
                let pause = state.pause.as_ref()?;
                Some(PauseView {
                    kind: pause.failure.kind,
                    detail: pause.failure.detail.clone(),
                    since: pause.since,
                    until: Some(pause.until).filter(|until| *until > now),
                    next_check_at: state.check_at().map(|at| at.max(now)),
                    needs_person: pause.needs_person(),
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
    fn fields(&self) -> Result<Map<String, Json>> {
        let mut fields = Map::new();
        let mut size = 0;
        for id in self.store.latest(SHOWN)? {
            // One that cannot be read hides no other.
            let Ok(Some(submission)) = self.store.submission(&id) else { continue };
            size += submission.fields.0.iter().map(|(_, value)| value.len()).sum::<usize>();
            for (name, goes_to) in self.lead(&submission).uses() {
                let all = fields.entry(name).or_insert_with(|| json!({}));
                for place in goes_to {
                    all[place] = json!(true);
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
        let mut days: sorted::Map<String, (Row, Row)> = sorted::Map::new();
        for ((day, destination), row) in self.store.days_since(&day_of(since), self.unfolded()?)? {
            let (submissions, deliveries) = days.or_default(day);
            let sum = if destination == SUBMISSIONS { submissions } else { deliveries };
            sum.received += row.received;
            sum.erased += row.erased;
            sum.purged += row.purged;
            sum.delivered += row.delivered;
        }
        let mut from = since - since.rem_euclid(DAY_MS);
        // No index has them by time, so all are read at once and not for each day.
        let mut pending: sorted::Map<String, u64> = sorted::Map::new();
        for at in self.store.pending_since(&floor(from))?.iter().filter_map(|id| received_at(id)) {
            *pending.or_default(day_of(at)) += 1;
        }
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
            counts.pending = pending.get(&day_of(from)).copied().unwrap_or_default();
            counts.settle();
            let Counts { delivered, quarantined, rejected, exhausted, .. } = counts;
            let delivered = delivered + deliveries.delivered;
            let received = submissions.received;
            let day = DayCounts { received, delivered, quarantined, rejected, exhausted, ..DayCounts::default() };
            stats.days.insert(day_of(from), day);
            from += DAY_MS;
        }
        for (day, counts) in self.store.refused_since(&day_of(since))? {
            let refused = Code::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0);
            stats.days.or_default(day).refused = refused.map(|(code, count)| (code.name(), count)).collect();
        }
        stats.delivery_ms = self.delivery_ms(since)?;
        Ok(stats)
    }

    fn waiting_between(&self, from: i64, until: i64) -> Result<Vec<(State, u64)>> {
        let (low, high) = (floor(from), floor(until));
        let mut found = self.store.quarantined_between(&low, &high)?;
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

    /// The time from which submissions are not yet counted. Called on every alarm, so it uses the cached oldest id.
    fn unfolded(&self) -> Result<Option<i64>> {
        match self.store.folded()? {
            None => Ok(self.oldest()?.as_deref().and_then(received_at)),
            at => Ok(at),
        }
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
                let count = || Ok::<_, OutboxError>(self.store.received_between(from, until)?.remove(SUBMISSIONS));
                let many = until - from > DAY_MS || count()?.is_some_and(|count| count > UNFOLDED);
                if many { Ok(self.store.fold(from, until)?) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Whether a submission of this id is new here and so late that its day may be counted already.
    pub(super) fn is_late(&self, id: &str) -> Result<bool> {
        let at = received_at(id).unwrap_or_default();
        let may_be = at < self.host.now() - LATE_MS && !self.is_overflow();
        Ok(may_be && self.store.folded()?.is_some_and(|folded| at < folded) && !self.store.has(id)?)
    }

    /// A late submission was stored.
    pub(super) fn count_late(&self, id: &str) -> Result<()> {
        Ok(self.store.count_late(id)?)
    }
}

impl Store {
    /// The deliveries to a destination that are not delivered.
    fn waiting_for(&self, destination: &str) -> store::Result<Vec<(State, u64)>> {
        self.states_in(
            &[
                "SELECT 'pending', COUNT(*) FROM delivery WHERE state = 'pending' AND destination = ?",
                "SELECT 'quarantined', COUNT(*) FROM delivery WHERE state = 'quarantined' AND destination = ?",
                "SELECT 'rejected', SUM(state = 'rejected') FROM delivery
                 WHERE state IN ('rejected', 'exhausted') AND destination = ?",
                "SELECT 'exhausted', SUM(state = 'exhausted') FROM delivery
                 WHERE state IN ('rejected', 'exhausted') AND destination = ?",
            ],
            &[destination.into()],
        )
    }

    /// The submissions of the pending deliveries from this id on, one for each.
    fn pending_since(&self, low: &str) -> store::Result<Vec<String>> {
        self.texts(
            "SELECT submission_id FROM delivery INDEXED BY delivery_due WHERE state = 'pending' AND submission_id >= ?
             LIMIT 200000",
            &[low.into()],
        )
    }

    /// The deliveries of the submissions between two ids that are in quarantine.
    fn quarantined_between(&self, low: &str, high: &str) -> store::Result<Vec<(State, u64)>> {
        self.states_in(
            &["SELECT 'quarantined', COUNT(*) FROM delivery WHERE state = 'quarantined'
               AND submission_id >= ? AND submission_id < ?"],
            &[low.into(), high.into()],
        )
    }

    /// The rejected and exhausted deliveries to a destination of the submissions between two ids.
    fn stuck_between(&self, destination: &str, low: &str, high: &str) -> store::Result<Vec<(State, u64)>> {
        self.states_in(
            &["SELECT state, COUNT(*) FROM delivery WHERE destination = ? AND state IN ('rejected', 'exhausted')
               AND submission_id >= ? AND submission_id < ? GROUP BY state"],
            &[destination.into(), low.into(), high.into()],
        )
    }

    fn states_in(&self, statements: &[&str], values: &[Value]) -> store::Result<Vec<(State, u64)>> {
        let read = |row| {
            let mut columns = Columns::new(row);
            let state = State::from_name(&columns.text()?)?;
            Some((state, u64::try_from(columns.integer()).unwrap_or(0)))
        };
        let mut found = Vec::new();
        for statement in statements {
            found.extend(self.database.query(statement, values)?.into_iter().filter_map(read));
        }
        Ok(found)
    }
}
