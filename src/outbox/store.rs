//! The tables of an Outbox. Nothing outside this file writes a statement.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::delivery::{Delivery, DestinationState, State};
use crate::domain::Submission;

use super::database::{Database, Row, StoreError, Value};

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The schema. Until the first release a change edits it; from then on, changes are added as migrations.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE submission (
        id TEXT PRIMARY KEY,
        received_at INTEGER NOT NULL,
        body TEXT NOT NULL,
        idempotency_key TEXT,
        digest TEXT NOT NULL,
        visitor TEXT,
        reasons TEXT NOT NULL,
        repeats INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID",
    "CREATE INDEX submission_key ON submission (idempotency_key) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX submission_visitor ON submission (visitor, received_at) WHERE visitor IS NOT NULL",
    "CREATE TABLE delivery (
        submission_id TEXT NOT NULL,
        destination TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        cut_short INTEGER NOT NULL,
        progress TEXT NOT NULL,
        record TEXT,
        failure TEXT,
        timeline TEXT NOT NULL,
        PRIMARY KEY (submission_id, destination)
    ) WITHOUT ROWID",
    "CREATE INDEX delivery_due ON delivery (destination, next_at) WHERE state = 'pending'",
    // Leads that were never tried, newest first: a backlog does not hold up who came last.
    "CREATE INDEX delivery_fresh ON delivery (destination, submission_id, next_at)
        WHERE state = 'pending' AND attempts = 0 AND failure IS NULL",
    "CREATE INDEX delivery_oldest ON delivery (submission_id) WHERE state = 'pending'",
    "CREATE INDEX delivery_stuck ON delivery (destination) WHERE state IN ('rejected', 'exhausted')",
    // Every destination that this Outbox ever had a delivery for.
    "CREATE TABLE destination (
        name TEXT PRIMARY KEY,
        pause TEXT,
        account TEXT,
        forbidden TEXT
    ) WITHOUT ROWID",
    // What the operator was alerted to and is not over yet.
    "CREATE TABLE alert (condition TEXT PRIMARY KEY) WITHOUT ROWID",
    // What the Outbox remembers for itself: where the purge is, whether it is registered.
    "CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    // Only in the registry: every Outbox that ever stored something.
    "CREATE TABLE outbox (name TEXT PRIMARY KEY) WITHOUT ROWID",
];

/// The version of [`SCHEMA`].
const VERSION: i64 = 1;

/// What recognises a repeated submission, beside the submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extras {
    /// The visitor's idempotency key.
    pub key: Option<String>,
    /// The digest of the fields.
    pub digest: String,
    /// Who sent it and what, as a digest.
    pub visitor: Option<String>,
    /// Why it is, or was, in quarantine.
    pub reasons: Vec<String>,
    /// How often the visitor sent it again within a minute.
    pub repeats: u32,
}

/// How far a purge came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// Submissions that were deleted.
    pub count: usize,
    /// The last id that was looked at, when there may be more behind it.
    pub next: Option<String>,
}

/// The tables of one Outbox.
#[derive(Debug, Clone)]
pub struct Store {
    database: Rc<dyn Database>,
}

impl Store {
    /// Opens the tables, creating them in an empty database.
    pub fn open(database: Rc<dyn Database>) -> Result<Self> {
        let store = Self { database };
        store.transaction(|| {
            // SQLite's `user_version` is not available in a Durable Object.
            store.run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)", &[])?;
            if !store.database.query("SELECT version FROM schema_version", &[])?.is_empty() {
                return Ok(());
            }
            SCHEMA.iter().try_for_each(|statement| store.run(statement, &[]))?;
            store.run("INSERT INTO schema_version (version) VALUES (?)", &[VERSION.into()])
        })?;
        Ok(store)
    }

    /// Several statements, all of them or none.
    pub fn transaction<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut result = None;
        self.database.transaction(&mut || {
            result = Some(work()?);
            Ok(())
        })?;
        result.ok_or_else(|| StoreError::Database("the transaction did not run".to_owned()))
    }

    fn run(&self, sql: &str, values: &[Value]) -> Result<()> {
        self.database.query(sql, values).map(drop)
    }

    /// The first column of every row, as texts.
    fn texts(&self, sql: &str, values: &[Value]) -> Result<Vec<String>> {
        let rows = self.database.query(sql, values)?;
        Ok(rows.into_iter().filter_map(|row| Columns::new(row).text()).collect())
    }

    /// Whether a submission of this id is stored.
    pub fn has(&self, id: &str) -> Result<bool> {
        Ok(!self.texts("SELECT id FROM submission WHERE id = ?", &[id.into()])?.is_empty())
    }

    /// Id and digest of the submission under this idempotency key.
    pub fn with_key(&self, key: &str) -> Result<Option<(String, String)>> {
        let rows = self
            .database
            .query("SELECT id, digest FROM submission WHERE idempotency_key = ? LIMIT 1", &[key.into()])?;
        Ok(rows.into_iter().next().and_then(|row| {
            let mut columns = Columns::new(row);
            Some((columns.text()?, columns.text()?))
        }))
    }

    /// The id of the submission of the same visitor with the same fields that came in between these moments.
    pub fn same_visitor(&self, visitor: &str, since: i64, until: i64) -> Result<Option<String>> {
        let sql = "SELECT id FROM submission WHERE visitor = ? AND received_at BETWEEN ? AND ?
             ORDER BY received_at DESC LIMIT 1";
        Ok(self.texts(sql, &[visitor.into(), since.into(), until.into()])?.into_iter().next())
    }

    /// Stores a submission. The caller stores its deliveries in the same transaction.
    pub fn add(&self, submission: &Submission, extras: &Extras) -> Result<()> {
        self.run(
            "INSERT INTO submission (id, received_at, body, idempotency_key, digest, visitor, reasons)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                submission.id.as_str().into(),
                submission.received_at.into(),
                to_json(submission)?.into(),
                extras.key.as_deref().into(),
                extras.digest.as_str().into(),
                extras.visitor.as_deref().into(),
                to_json(&extras.reasons)?.into(),
            ],
        )
    }

    /// The visitor sent the same again.
    pub fn count_repeat(&self, id: &str) -> Result<()> {
        self.run("UPDATE submission SET repeats = repeats + 1 WHERE id = ?", &[id.into()])
    }

    /// Why a submission is suspected; empty takes it out of suspicion.
    pub fn set_reasons(&self, id: &str, reasons: &[String]) -> Result<()> {
        self.run("UPDATE submission SET reasons = ? WHERE id = ?", &[to_json(&reasons)?.into(), id.into()])
    }

    /// One submission.
    pub fn submission(&self, id: &str) -> Result<Option<Submission>> {
        let bodies = self.texts("SELECT body FROM submission WHERE id = ?", &[id.into()])?;
        bodies.first().map(|body| from_json(body, || format!("the submission {id}"))).transpose()
    }

    /// What is stored beside a submission.
    pub fn extras(&self, id: &str) -> Result<Option<Extras>> {
        let sql = "SELECT idempotency_key, digest, visitor, reasons, repeats FROM submission WHERE id = ?";
        let Some(row) = self.database.query(sql, &[id.into()])?.into_iter().next() else { return Ok(None) };
        let mut columns = Columns::new(row);
        Ok(Some(Extras {
            key: columns.text(),
            digest: columns.text().unwrap_or_default(),
            visitor: columns.text(),
            reasons: from_json(&columns.text().unwrap_or_default(), || format!("the reasons of {id}"))?,
            repeats: u32::try_from(columns.integer()).unwrap_or(u32::MAX),
        }))
    }

    /// Deletes a submission and all that belongs to it.
    pub fn remove(&self, id: &str) -> Result<()> {
        self.transaction(|| {
            self.run("DELETE FROM delivery WHERE submission_id = ?", &[id.into()])?;
            self.run("DELETE FROM submission WHERE id = ?", &[id.into()])
        })
    }

    /// The ids of the newest submissions, newest first, older than the id `before` when that is given.
    pub fn newest(&self, before: Option<&str>, limit: usize) -> Result<Vec<String>> {
        // Ids are UUIDv7: their order is the order of time. `g` sorts after every hexadecimal digit.
        let sql = "SELECT id FROM submission WHERE id < ? ORDER BY id DESC LIMIT ?";
        self.texts(sql, &[before.unwrap_or("g").into(), count(limit)])
    }

    /// The oldest submissions.
    pub fn oldest(&self, limit: usize) -> Result<Vec<String>> {
        self.texts("SELECT id FROM submission ORDER BY id LIMIT ?", &[count(limit)])
    }

    /// Stores a delivery and, the first time, its destination.
    pub fn add_delivery(&self, delivery: &Delivery) -> Result<()> {
        self.run("INSERT OR IGNORE INTO destination (name) VALUES (?)", &[delivery.destination.as_str().into()])?;
        self.save(delivery)
    }

    /// Stores where a delivery stands.
    pub fn save(&self, delivery: &Delivery) -> Result<()> {
        self.run(
            "INSERT INTO delivery (submission_id, destination, state, attempts, next_at, not_before, cut_short, progress,
               record, failure, timeline)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (submission_id, destination) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
               next_at = excluded.next_at, not_before = excluded.not_before, cut_short = excluded.cut_short,
               progress = excluded.progress, record = excluded.record, failure = excluded.failure,
               timeline = excluded.timeline",
            &[
                delivery.submission_id.as_str().into(),
                delivery.destination.as_str().into(),
                delivery.state.name().into(),
                delivery.attempts.into(),
                delivery.next_at.into(),
                delivery.not_before.into(),
                delivery.cut_short.into(),
                to_json(&delivery.progress)?.into(),
                delivery.record.as_ref().map(to_json).transpose()?.into(),
                delivery.failure.as_ref().map(to_json).transpose()?.into(),
                to_json(&delivery.timeline)?.into(),
            ],
        )
    }

    /// Moves a delivery's next attempt without reading its row, which may be what is damaged.
    pub fn put_off(&self, submission_id: &str, destination: &str, until: i64) -> Result<()> {
        self.run(
            "UPDATE delivery SET next_at = ? WHERE submission_id = ? AND destination = ? AND state = 'pending'",
            &[until.into(), submission_id.into(), destination.into()],
        )
    }

    /// One delivery.
    pub fn delivery(&self, submission_id: &str, destination: &str) -> Result<Option<Delivery>> {
        let sql =
            "SELECT submission_id, destination, state, attempts, next_at, not_before, cut_short, progress, record,
               failure, timeline FROM delivery WHERE submission_id = ? AND destination = ?";
        let rows = self.database.query(sql, &[submission_id.into(), destination.into()])?;
        rows.into_iter().next().map(delivery_of).transpose()
    }

    /// Every delivery of a submission.
    pub fn deliveries(&self, submission_id: &str) -> Result<Vec<Delivery>> {
        let sql =
            "SELECT submission_id, destination, state, attempts, next_at, not_before, cut_short, progress, record,
               failure, timeline FROM delivery WHERE submission_id = ? ORDER BY destination";
        self.database.query(sql, &[submission_id.into()])?.into_iter().map(delivery_of).collect()
    }

    /// The submissions whose deliveries to `destination` are due, the longest due first.
    pub fn due(&self, destination: &str, now: i64, limit: usize) -> Result<Vec<String>> {
        self.texts(
            "SELECT submission_id FROM delivery
             WHERE state = 'pending' AND destination = ? AND next_at <= ? ORDER BY next_at LIMIT ?",
            &[destination.into(), now.into(), count(limit)],
        )
    }

    /// The submissions whose deliveries to `destination` are due and were never tried, newest first.
    pub fn fresh(&self, destination: &str, now: i64, limit: usize) -> Result<Vec<String>> {
        // Left to itself, SQLite takes the index of what is due and sorts the whole backlog.
        self.texts(
            "SELECT submission_id FROM delivery INDEXED BY delivery_fresh
             WHERE state = 'pending' AND attempts = 0 AND failure IS NULL AND destination = ?
               AND next_at <= ? ORDER BY submission_id DESC LIMIT ?",
            &[destination.into(), now.into(), count(limit)],
        )
    }

    /// Every destination with its state, and when its next delivery is due.
    pub fn destinations(&self) -> Result<Vec<(String, DestinationState)>> {
        let rows = self.database.query("SELECT name, pause, account, forbidden FROM destination ORDER BY name", &[])?;
        let read = |row| {
            let mut columns = Columns::new(row);
            let name = columns.text().unwrap_or_default();
            // A state that cannot be read must not cost the form its Outbox: the destination starts over.
            let state = DestinationState {
                pause: columns.text().and_then(|text| serde_json::from_str(&text).ok()),
                account: columns.text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
                forbidden: columns.text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
                ..DestinationState::default()
            };
            (name, state)
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// When the next delivery to a destination is due; `None` when none is pending.
    pub fn next_at(&self, destination: &str) -> Result<Option<i64>> {
        let sql = "SELECT MIN(next_at) FROM delivery WHERE state = 'pending' AND destination = ?";
        let row = self.database.query(sql, &[destination.into()])?.into_iter().next();
        Ok(row.and_then(|row| match row.first() {
            Some(Value::Integer(at)) => Some(*at),
            _ => None,
        }))
    }

    /// Stores what is known of a destination.
    pub fn save_destination(&self, name: &str, state: &DestinationState) -> Result<()> {
        let account = (!state.account.is_null()).then(|| to_json(&state.account)).transpose()?;
        let forbidden = (!state.forbidden.is_empty()).then(|| to_json(&state.forbidden)).transpose()?;
        self.run(
            "UPDATE destination SET pause = ?, account = ?, forbidden = ? WHERE name = ?",
            &[state.pause.as_ref().map(to_json).transpose()?.into(), account.into(), forbidden.into(), name.into()],
        )
    }

    /// The destinations with deliveries that wait for a person. (Quarantine is not among them.)
    pub fn stuck(&self) -> Result<Vec<String>> {
        let sql = "SELECT name FROM destination WHERE EXISTS (SELECT 1 FROM delivery
             WHERE destination = name AND state IN ('rejected', 'exhausted')) ORDER BY name";
        self.texts(sql, &[])
    }

    /// The oldest submission with a pending delivery.
    pub fn oldest_pending(&self) -> Result<Option<String>> {
        let sql = "SELECT submission_id FROM delivery WHERE state = 'pending' ORDER BY submission_id LIMIT 1";
        Ok(self.texts(sql, &[])?.into_iter().next())
    }

    /// Deletes submissions before `before` (a text that sorts among ids) whose deliveries are all delivered, looking at no
    /// more than `limit` of them, from behind `after` on.
    pub fn purge(&self, after: &str, before: &str, limit: usize) -> Result<Purged> {
        let ids = self.texts(
            "SELECT id FROM submission WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            &[after.into(), before.into(), count(limit)],
        )?;
        let mut purged = 0;
        for id in &ids {
            let open = "SELECT state FROM delivery WHERE submission_id = ? AND state <> 'delivered' LIMIT 1";
            if self.texts(open, &[id.as_str().into()])?.is_empty() {
                self.remove(id)?;
                purged += 1;
            }
        }
        let next = if ids.len() == limit { ids.into_iter().next_back() } else { None };
        Ok(Purged { count: purged, next })
    }

    /// A note that the Outbox left for itself.
    pub fn note(&self, key: &str) -> Result<Option<String>> {
        Ok(self.texts("SELECT value FROM note WHERE key = ?", &[key.into()])?.into_iter().next())
    }

    /// A note that is a time.
    pub fn time_note(&self, key: &str) -> Result<Option<i64>> {
        Ok(self.note(key)?.and_then(|at| at.parse().ok()))
    }

    /// Leaves a note; `None` removes it.
    pub fn set_note(&self, key: &str, value: Option<&str>) -> Result<()> {
        match value {
            Some(value) => {
                self.run("INSERT OR REPLACE INTO note (key, value) VALUES (?, ?)", &[key.into(), value.into()])
            }
            None => self.run("DELETE FROM note WHERE key = ?", &[key.into()]),
        }
    }

    /// The conditions that the operator was alerted to.
    pub fn alerted(&self) -> Result<BTreeSet<String>> {
        Ok(self.texts("SELECT condition FROM alert", &[])?.into_iter().collect())
    }

    /// The operator knows of these conditions now, and of no others.
    pub fn set_alerted(&self, conditions: &BTreeSet<String>) -> Result<()> {
        self.transaction(|| {
            self.run("DELETE FROM alert", &[])?;
            conditions.iter().try_for_each(|condition| {
                self.run("INSERT INTO alert (condition) VALUES (?)", &[condition.as_str().into()])
            })
        })
    }

    /// Registers an Outbox; in the registry.
    pub fn register(&self, outbox: &str) -> Result<()> {
        self.run("INSERT OR IGNORE INTO outbox (name) VALUES (?)", &[outbox.into()])
    }

    /// Every Outbox that ever registered; in the registry.
    pub fn outboxes(&self) -> Result<Vec<String>> {
        self.texts("SELECT name FROM outbox ORDER BY name", &[])
    }
}

/// The columns of a row, taken in order.
struct Columns(std::vec::IntoIter<Value>);

impl Columns {
    fn new(row: Row) -> Self {
        Self(row.into_iter())
    }

    fn text(&mut self) -> Option<String> {
        match self.0.next() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn integer(&mut self) -> i64 {
        match self.0.next() {
            Some(Value::Integer(number)) => number,
            _ => 0,
        }
    }
}

fn delivery_of(row: Row) -> Result<Delivery> {
    let mut columns = Columns::new(row);
    let (submission_id, destination) = (columns.text().unwrap_or_default(), columns.text().unwrap_or_default());
    let what = || format!("the delivery of {submission_id} to {destination}");
    let state = columns.text().as_deref().and_then(State::from_name).ok_or_else(|| StoreError::Damaged(what()))?;
    let attempts = u32::try_from(columns.integer()).unwrap_or(u32::MAX);
    let (next_at, not_before) = (columns.integer(), columns.integer());
    let cut_short = u32::try_from(columns.integer()).unwrap_or(u32::MAX);
    Ok(Delivery {
        state,
        attempts,
        next_at,
        not_before,
        cut_short,
        progress: from_json(&columns.text().unwrap_or_default(), what)?,
        record: columns.text().map(|text| from_json(&text, what)).transpose()?,
        failure: columns.text().map(|text| from_json(&text, what)).transpose()?,
        timeline: from_json(&columns.text().unwrap_or_default(), what)?,
        submission_id,
        destination,
    })
}

/// Reads what is stored. The error is logged, so it says which row and nothing of it: serde's words may quote a visitor.
fn from_json<T: DeserializeOwned>(text: &str, what: impl Fn() -> String) -> Result<T> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged(what()))
}

fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(error.to_string()))
}

fn count(limit: usize) -> Value {
    Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX))
}
