//! How much came in each day, and how much of it is gone: erased by an operator, or deleted for its age.
//!
//! `day` has a row per day and destination, and one per day without a destination for the submissions. It counts what came
//! in up to a moment; what came in since is counted on request. Whatever is deleted is counted at once.

use serde::{Serialize, Serializer};

use crate::delivery::State;
use crate::domain::lead::rfc3339;
use crate::domain::sorted::Map;
use crate::domain::submission::{floor, received_at};

use super::database::Value;
use super::schema::ERASE;
use super::store::{Columns, Result, Store, count};

/// The note of the moment up to which `day` counts.
const FOLDED: &str = "folded_at";

/// A submission may be stored this long after it came in. `day` stays this far behind.
pub const LATE_MS: i64 = 10 * 60 * 1000;

/// A day in milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The place of the submissions among the destinations of a day.
pub const SUBMISSIONS: &str = "";

/// Before when a submission must have come in to be deleted, milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// When every delivery is delivered.
    pub delivered: i64,
    /// When it waits for a person; then the last attempt counts.
    pub waiting: i64,
}

/// How far a purge came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// Submissions that were deleted.
    pub count: usize,
    /// The last id that was looked at, when there may be more behind it.
    pub next: Option<String>,
}

/// A row of `day`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row {
    /// Came in.
    pub received: u64,
    /// Erased by an operator.
    pub erased: u64,
    /// Deleted for their age.
    pub purged: u64,
    /// Of the purged, how many had been delivered.
    pub delivered: u64,
}

/// Rows of `day` by day and destination.
pub type Rows = Map<(String, String), Row>;

/// Why submissions are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// An operator erased them.
    Erased,
    /// Their age.
    Purged,
}

/// The day of a moment, `2026-11-28`.
pub fn day_of(at: i64) -> String {
    rfc3339(at).chars().take(10).collect()
}

/// A moment as RFC 3339.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's function")]
pub fn time<S: Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

/// A moment as RFC 3339, or null.
#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the shape of serde's function")]
pub fn maybe_time<S: Serializer>(at: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(serializer)
}

impl Store {
    /// The newest ids, newest first.
    pub fn latest(&self, limit: usize) -> Result<Vec<String>> {
        self.texts("SELECT id FROM submission ORDER BY id DESC LIMIT ?", &[count(limit)])
    }

    /// The oldest submissions.
    pub fn oldest(&self, limit: usize) -> Result<Vec<String>> {
        self.texts("SELECT id FROM submission ORDER BY id LIMIT ?", &[count(limit)])
    }

    /// Up to when `day` counts, milliseconds since 1970.
    pub fn folded(&self) -> Result<Option<i64>> {
        self.time_note(FOLDED)
    }

    /// Takes what came in between these moments into `day`.
    pub fn fold(&self, from: i64, until: i64) -> Result<()> {
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

    /// Counts a submission that came in when its day was counted.
    pub fn count_late(&self, id: &str) -> Result<()> {
        let day = day_of(received_at(id).unwrap_or_default());
        let names = self.states_of(id)?.into_iter().map(|(name, _)| name).chain([SUBMISSIONS.to_owned()]);
        self.add_to_days(names.map(|name| ((day.clone(), name), Row { received: 1, ..Row::default() })))
    }

    /// Counts submissions that are about to be deleted.
    fn count_gone<'a>(&self, ids: impl IntoIterator<Item = &'a String>, gone: Gone) -> Result<()> {
        let folded = self.folded()?.unwrap_or(0);
        let mut rows = Rows::new();
        for id in ids {
            let at = received_at(id).unwrap_or_default();
            let submission = (SUBMISSIONS.to_owned(), None);
            let deliveries = self.states_of(id)?.into_iter();
            for (name, state) in deliveries.chain([submission]) {
                let row = rows.or_default((day_of(at), name));
                // Once its row is gone, a later fold cannot count it.
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

    fn add_to_days(&self, rows: impl IntoIterator<Item = ((String, String), Row)>) -> Result<()> {
        let number = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
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

    /// The days from `since` on; `""`: every day. What came in from `unfolded` on is not in `day` yet, and is counted.
    pub fn days_since(&self, since: &str, unfolded: Option<i64>) -> Result<Rows> {
        let sql = "SELECT day, destination, received, erased, purged, delivered FROM day WHERE day >= ?";
        let read = |row| {
            let mut columns = Columns::new(row);
            let key = (columns.text().unwrap_or_default(), columns.text().unwrap_or_default());
            let mut number = || u64::try_from(columns.integer()).unwrap_or(0);
            (key, Row { received: number(), erased: number(), purged: number(), delivered: number() })
        };
        let mut rows: Rows = self.database.query(sql, &[since.into()])?.into_iter().map(read).collect();
        let newest = self.latest(1)?.first().and_then(|id| received_at(id));
        if let (Some(mut at), Some(newest)) = (unfolded, newest) {
            while at <= newest {
                let end = at - at.rem_euclid(DAY_MS) + DAY_MS;
                let day = day_of(at);
                if *day >= *since {
                    for (destination, received) in self.received_between(at, end)? {
                        rows.or_default((day.clone(), destination)).received += received;
                    }
                }
                at = end;
            }
        }
        Ok(rows)
    }

    /// What came in between these moments and is still here: submissions, and deliveries by destination.
    pub fn received_between(&self, from: i64, until: i64) -> Result<Map<String, u64>> {
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

    /// Deletes submissions that are old enough, looking at no more than `limit` of them, from behind the id `after` on. What
    /// is pending stays, and so does what cannot be read.
    pub fn purge(&self, after: &str, until: Until, limit: usize) -> Result<Purged> {
        let before = floor(until.delivered.max(until.waiting));
        let ids = self.texts(
            "SELECT id FROM submission WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            &[after.into(), before.into(), count(limit)],
        )?;
        let mut over = Vec::new();
        for id in &ids {
            if self.is_over(id, until)? {
                over.push(id.clone());
            }
        }
        self.transaction(|| {
            self.count_gone(&over, Gone::Purged)?;
            over.iter().try_for_each(|id| self.remove_rows(id))
        })?;
        let purged = over.len();
        let next = if ids.len() == limit { ids.into_iter().next_back() } else { None };
        Ok(Purged { count: purged, next })
    }

    fn is_over(&self, id: &str, until: Until) -> Result<bool> {
        let mut at = received_at(id).unwrap_or(i64::MAX);
        let open = "SELECT state FROM delivery WHERE submission_id = ? AND state <> 'delivered'";
        let open = self.texts(open, &[id.into()])?;
        if open.is_empty() {
            return Ok(at < until.delivered);
        }
        if open.iter().any(|state| State::from_name(state).is_none_or(|state| state == State::Pending)) {
            return Ok(false);
        }
        // It has waited for a person since its last attempt.
        let Ok(deliveries) = self.deliveries(id) else { return Ok(false) };
        let attempts = deliveries.iter().flat_map(|delivery| &delivery.timeline);
        at = attempts.map(|attempt| attempt.at).chain([at]).max().unwrap_or(at);
        Ok(at < until.waiting)
    }

    /// Deletes a submission for the operator, and remembers its id.
    pub fn erase(&self, id: &str, is_here: bool) -> Result<()> {
        self.transaction(|| {
            if is_here {
                self.count_gone([&id.to_owned()], Gone::Erased)?;
            }
            self.bar(id, ERASE)?;
            self.remove_rows(id)
        })
    }

    /// The destinations of a submission's deliveries, and where each stands; a state that cannot be read is `None`.
    fn states_of(&self, id: &str) -> Result<Vec<(String, Option<State>)>> {
        let sql = "SELECT destination, state FROM delivery WHERE submission_id = ?";
        let read = |row| {
            let mut columns = Columns::new(row);
            let destination = columns.text().unwrap_or_default();
            (destination, columns.text().as_deref().and_then(State::from_name))
        };
        Ok(self.database.query(sql, &[id.into()])?.into_iter().map(read).collect())
    }
}
