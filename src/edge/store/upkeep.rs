//! What an Outbox keeps about itself: what the operator was told, what is old enough to go, and, in the registry, which
//! Outboxes there are.

use std::collections::BTreeSet;

use worker::Result;

use crate::delivery::alerts::Condition;

use super::Store;

/// How far a purge came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// Submissions that went.
    pub count: usize,
    /// The last id that was looked at, when there may be more behind it.
    pub next: Option<String>,
}

impl Store {
    /// A note that the Outbox left for itself.
    pub fn note(&self, key: &str) -> Result<Option<String>> {
        Ok(self.texts("SELECT value AS text FROM note WHERE key = ?", vec![key.into()])?.into_iter().next())
    }

    /// Leaves a note; `None` takes it away.
    pub fn set_note(&self, key: &str, value: Option<&str>) -> Result<()> {
        match value {
            Some(value) => {
                self.run("INSERT OR REPLACE INTO note (key, value) VALUES (?, ?)", vec![key.into(), value.into()])
            }
            None => self.run("DELETE FROM note WHERE key = ?", vec![key.into()]),
        }
    }

    /// Since when the other Outbox was asked about this submission and did not answer: since now, when it is the first time.
    pub fn silent_since(&self, id: &str, now: i64) -> Result<i64> {
        if let Some(since) = self.note(&silence(id))?.and_then(|since| since.parse().ok()) {
            return Ok(since);
        }
        self.set_note(&silence(id), Some(&now.to_string())).map(|()| now)
    }

    /// The other Outbox has answered, or is not asked any more.
    pub(super) fn forget_silence(&self, id: &str) -> Result<()> {
        self.set_note(&silence(id), None)
    }

    /// Counts what `repeat` repeats, which it may say again: the answer may be lost, and an overflow asks once for each of its
    /// deliveries.
    pub fn count_repeats(&self, id: &str, repeat: &str, count: u32) -> Result<()> {
        if self.note(&last_repeat(id))?.as_deref() == Some(repeat) {
            return Ok(());
        }
        self.whole(|| {
            self.set_note(&last_repeat(id), Some(repeat))?;
            self.run(
                "UPDATE submission SET repeats = repeats + ? WHERE id = ?",
                vec![i64::from(count).into(), id.into()],
            )
        })
    }

    pub(super) fn forget_repeat(&self, id: &str) -> Result<()> {
        self.set_note(&last_repeat(id), None)
    }

    /// The destinations with deliveries that wait for a person. (Quarantine is no trouble: nobody is told of spam.)
    pub fn stuck(&self) -> Result<Vec<String>> {
        let query = "SELECT name AS text FROM destination WHERE EXISTS (SELECT 1 FROM delivery
             WHERE destination = name AND state IN ('refused', 'exhausted', 'parked')) ORDER BY name";
        self.texts(query, vec![])
    }

    /// The oldest submission with a delivery on its way.
    pub fn oldest_pending(&self) -> Result<Option<String>> {
        let query = "SELECT submission_id AS text FROM delivery WHERE state = 'pending' ORDER BY submission_id LIMIT 1";
        Ok(self.texts(query, vec![])?.into_iter().next())
    }

    /// The oldest submission.
    pub fn oldest(&self) -> Result<Option<String>> {
        Ok(self.texts("SELECT id AS text FROM submission ORDER BY id LIMIT 1", vec![])?.into_iter().next())
    }

    /// What the operator was told and was not yet told to be over.
    pub fn told(&self) -> Result<BTreeSet<Condition>> {
        let keys = self.texts("SELECT condition AS text FROM alert", vec![])?;
        Ok(keys.iter().filter_map(|key| Condition::from_key(key)).collect())
    }

    /// The operator knows this now, and nothing else.
    pub fn set_told(&self, conditions: &BTreeSet<Condition>) -> Result<()> {
        self.whole(|| {
            self.run("DELETE FROM alert", vec![])?;
            conditions.iter().try_for_each(|condition| {
                self.run("INSERT INTO alert (condition) VALUES (?)", vec![condition.key().into()])
            })
        })
    }

    /// Deletes submissions before `before` (a text that sorts among ids) whose deliveries are all through, looking at no
    /// more than `limit` of them, from behind `after` on.
    pub fn purge(&self, after: &str, before: &str, limit: usize) -> Result<Purged> {
        let limit_value = i64::try_from(limit).unwrap_or(i64::MAX);
        let ids = self.texts(
            "SELECT id AS text FROM submission WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            vec![after.into(), before.into(), limit_value.into()],
        )?;
        let mut count = 0;
        for id in &ids {
            let open = "SELECT state AS text FROM delivery WHERE submission_id = ? AND state <> 'delivered' LIMIT 1";
            if !self.texts(open, vec![id.as_str().into()])?.is_empty() {
                continue;
            }
            self.remove(id)?;
            count += 1;
        }
        let next = if ids.len() == limit { ids.into_iter().next_back() } else { None };
        Ok(Purged { count, next })
    }

    /// Registers an Outbox. Only the registry's own object is asked to.
    pub fn register(&self, outbox: &str) -> Result<()> {
        self.run("INSERT OR IGNORE INTO outbox (name) VALUES (?)", vec![outbox.into()])
    }

    /// Every Outbox that ever registered.
    pub fn outboxes(&self) -> Result<Vec<String>> {
        self.texts("SELECT name AS text FROM outbox ORDER BY name", vec![])
    }
}

/// The note of how long the other Outbox has been silent about a submission.
fn silence(id: &str) -> String {
    format!("silent:{id}")
}

/// The note of who repeated this submission last.
fn last_repeat(id: &str) -> String {
    format!("repeat:{id}")
}
