//! What an Outbox remembers besides submissions: notes for itself, what the operator knows of, the deployment's key, and, in
//! the registry, the names of the others.

use crate::domain::sorted::Map;
use crate::intake::guard::key::Key;

use super::store::{Columns, Result, Store, count};

/// The note of the deployment's key.
const KEY: &str = "key";

/// What the operator knows of a condition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// How many there were.
    pub count: u32,
    /// Whether the operator dismissed it: its end is not reported.
    pub is_dismissed: bool,
}

/// What the operator was alerted to, by condition.
pub type Alerted = Map<String, Known>;

impl Store {
    /// A note that the Outbox left for itself. They are few, and read once.
    pub fn note(&self, key: &str) -> Result<Option<String>> {
        if let Some(notes) = &*self.notes.borrow() {
            return Ok(notes.get(key).cloned());
        }
        let rows = self.database.query("SELECT key, value FROM note", &[])?;
        let read = |row| {
            let mut columns = Columns::new(row);
            Some((columns.text()?, columns.text()?))
        };
        let notes: Map<String, String> = rows.into_iter().filter_map(read).collect();
        let note = notes.get(key).cloned();
        self.notes.replace(Some(notes));
        Ok(note)
    }

    /// A note that is a time.
    pub fn time_note(&self, key: &str) -> Result<Option<i64>> {
        Ok(self.note(key)?.and_then(|at| at.parse().ok()))
    }

    /// Leaves a note; `None` removes it.
    pub fn set_note(&self, key: &str, value: Option<&str>) -> Result<()> {
        // Read again: this may be part of a transaction that fails.
        self.notes.take();
        match value {
            Some(value) => {
                self.run("INSERT OR REPLACE INTO note (key, value) VALUES (?, ?)", &[key.into(), value.into()])
            }
            None => self.run("DELETE FROM note WHERE key = ?", &[key.into()]),
        }
    }

    /// The conditions that the operator was alerted to.
    pub fn alerted(&self) -> Result<Alerted> {
        let rows = self.database.query("SELECT condition, count, dismissed FROM alert", &[])?;
        let read = |row| {
            let mut columns = Columns::new(row);
            let condition = columns.text().unwrap_or_default();
            let count = u32::try_from(columns.integer()).unwrap_or(u32::MAX);
            (condition, Known { count, is_dismissed: columns.integer() != 0 })
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// The operator knows of these conditions now, and of no others.
    pub fn set_alerted(&self, conditions: &Alerted) -> Result<()> {
        self.transaction(|| {
            self.run("DELETE FROM alert", &[])?;
            conditions.iter().try_for_each(|(condition, known)| {
                self.run(
                    "INSERT INTO alert (condition, count, dismissed) VALUES (?, ?, ?)",
                    &[condition.as_str().into(), known.count.into(), u32::from(known.is_dismissed).into()],
                )
            })
        })
    }

    /// The deployment's key, once it is known.
    pub fn key(&self) -> Result<Option<Key>> {
        Ok(self.note(KEY)?.map(Key::from_text))
    }

    /// Keeps the deployment's key.
    pub fn set_key(&self, key: &Key) -> Result<()> {
        self.set_note(KEY, Some(key.text()))
    }

    /// Replaces the digests of visitors, which were stored before there was a key.
    pub fn map_visitors(&self, key: impl Fn(&str) -> String) -> Result<()> {
        for row in self.database.query("SELECT id, visitor FROM submission WHERE visitor IS NOT NULL", &[])? {
            let mut columns = Columns::new(row);
            let (id, visitor) = (columns.text().unwrap_or_default(), columns.text().unwrap_or_default());
            self.run("UPDATE submission SET visitor = ? WHERE id = ?", &[key(&visitor).into(), id.into()])?;
        }
        Ok(())
    }

    /// Registers an Outbox; in the registry.
    pub fn register(&self, outbox: &str) -> Result<()> {
        self.run("INSERT OR IGNORE INTO outbox (name) VALUES (?)", &[outbox.into()])
    }

    /// The Outboxes that registered, in the order of their names, from behind the name `after` on; in the registry.
    pub fn outboxes(&self, after: &str, limit: usize) -> Result<Vec<String>> {
        self.texts("SELECT name FROM outbox WHERE name > ? ORDER BY name LIMIT ?", &[after.into(), count(limit)])
    }
}
