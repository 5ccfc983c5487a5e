//! The tables of an Outbox, and the statements that accept and deliver. A file with another purpose (lists, totals, alerts,
//! notes) has its own statements, as an `impl Store`.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::delivery::{Delivery, DestinationState, State};
use crate::domain::Submission;
use crate::domain::sorted::Map;
use crate::domain::submission::floor;

use super::database::{Database, Row, StoreError, Value};
use super::packed::{bytes_of, packed, unpacked, without_fields};
use super::schema::{SCHEMA, SPAM, VERSION};

pub(super) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What recognizes a repeated submission, beside the submission.
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

/// Who sent a submission, as a digest, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The digest.
    pub visitor: String,
    /// The submission.
    pub id: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// The tables of one Outbox.
#[derive(Debug)]
pub struct Store {
    pub(super) database: Rc<dyn Database>,
    /// The notes, once they are read.
    pub(super) notes: RefCell<Option<Map<String, String>>>,
}

impl Store {
    /// Opens the tables, creating them in an empty database.
    pub fn open(database: Rc<dyn Database>) -> Result<Self> {
        let store = Self { database, notes: RefCell::default() };
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

    pub(super) fn run(&self, sql: &str, values: &[Value]) -> Result<()> {
        self.database.query(sql, values).map(drop)
    }

    /// The first column of every row, as texts.
    pub(super) fn texts(&self, sql: &str, values: &[Value]) -> Result<Vec<String>> {
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

    /// The visitors of the submissions that came in between these moments, the oldest first.
    pub fn visitors(&self, since: i64, until: i64) -> Result<Vec<Visitor>> {
        // By the ids, whose order is that of time.
        let rows = self.database.query(
            "SELECT visitor, id, received_at FROM submission WHERE id >= ? AND id < ? AND visitor IS NOT NULL ORDER BY id",
            &[floor(since).into(), floor(until.saturating_add(1)).into()],
        )?;
        let read = |row| {
            let mut columns = Columns::new(row);
            Some(Visitor { visitor: columns.text()?, id: columns.text()?, at: columns.integer() })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Stores a submission with its deliveries. It fails when the id is known.
    pub fn add(&self, submission: &Submission, extras: &Extras, deliveries: &[Delivery]) -> Result<()> {
        let deliveries: Vec<_> = deliveries
            .iter()
            .map(|new| (&new.destination, new.state.name(), new.attempts, new.next_at, new.not_before, new.cut_short))
            .collect();
        let fields = packed(&submission.fields);
        self.run(
            "INSERT INTO arrival (id, received_at, bytes, idempotency_key, digest, visitor, reasons, body, fields, deliveries)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                submission.id.as_str().into(),
                submission.received_at.into(),
                count(bytes_of(submission)),
                extras.key.as_deref().into(),
                extras.digest.as_str().into(),
                extras.visitor.as_deref().into(),
                to_json(&extras.reasons)?.into(),
                to_json(&without_fields(submission))?.into(),
                fields.into(),
                to_json(&deliveries)?.into(),
            ],
        )
    }

    /// Stores that there is a destination of this name.
    pub fn add_destination(&self, name: &str) -> Result<()> {
        self.run("INSERT OR IGNORE INTO destination (name) VALUES (?)", &[name.into()])
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
        let rows = self.database.query("SELECT body, fields FROM submission WHERE id = ?", &[id.into()])?;
        rows.into_iter().next().map(|row| submission_of(&mut Columns::new(row), id)).transpose()
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
        self.transaction(|| self.remove_rows(id))
    }

    pub(super) fn remove_rows(&self, id: &str) -> Result<()> {
        self.run("DELETE FROM delivery WHERE submission_id = ?", &[id.into()])?;
        self.run("DELETE FROM submission WHERE id = ?", &[id.into()])
    }

    /// Stores where a delivery stands: only the columns that differ from what is stored, because an indexed one costs a second
    /// row.
    pub fn save(&self, delivery: &Delivery, stored: &Delivery) -> Result<()> {
        let (new, old) = (columns(delivery)?, columns(stored)?);
        let changed: Vec<(&str, Value)> = COLUMNS
            .into_iter()
            .zip(new.into_iter().zip(old))
            .filter(|(_, (new, old))| new != old)
            .map(|(name, (new, _))| (name, new))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let columns: Vec<String> = changed.iter().map(|(name, _)| format!("{name} = ?")).collect();
        let mut values: Vec<Value> = changed.into_iter().map(|(_, value)| value).collect();
        values.extend([delivery.submission_id.as_str().into(), delivery.destination.as_str().into()]);
        let columns = columns.join(", ");
        self.run(&format!("UPDATE delivery SET {columns} WHERE submission_id = ? AND destination = ?"), &values)
    }

    /// Puts a delivery off without reading its row, which may be what is damaged. What waits longer already stays so. Its attempt
    /// was cut short, so the next one is stored before it is made: what fails each time runs out of attempts.
    pub fn put_off(&self, submission_id: &str, destination: &str, until: i64) -> Result<()> {
        self.run(
            "UPDATE delivery SET next_at = max(next_at, ?), cut_short = max(cut_short, 1)
                WHERE submission_id = ? AND destination = ? AND state = 'pending'",
            &[until.into(), submission_id.into(), destination.into()],
        )
    }

    /// Every delivery of a submission.
    pub fn deliveries(&self, submission_id: &str) -> Result<Vec<Delivery>> {
        let sql =
            "SELECT submission_id, destination, state, attempts, next_at, not_before, cut_short, progress, record,
               failure, timeline FROM delivery WHERE submission_id = ? ORDER BY destination";
        let rows = self.database.query(sql, &[submission_id.into()])?;
        rows.into_iter().map(|row| delivery_of(&mut Columns::new(row))).collect()
    }

    /// What is due to `destination`, each with its submission: the `oldest` that are due longest and the `newest` that became
    /// due last, and when the first that is not due yet will be. Those in `but` are left out.
    pub fn due(&self, destination: &str, now: i64, (oldest, newest): (usize, usize), but: &[&str]) -> Result<Due> {
        let rows = self.database.query(
            "SELECT d.submission_id, d.destination, state, attempts, next_at, not_before, cut_short, progress, record, failure,
               timeline, body, fields,
               (SELECT MIN(next_at) FROM delivery WHERE state = 'pending' AND destination = ?1 AND next_at > ?2)
             FROM delivery AS d LEFT JOIN submission ON id = d.submission_id
             WHERE d.destination = ?1 AND d.submission_id IN (
               SELECT submission_id FROM (SELECT submission_id FROM delivery
                 WHERE state = 'pending' AND destination = ?1 AND next_at <= ?2
                   AND submission_id NOT IN (SELECT value FROM json_each(?3)) ORDER BY next_at LIMIT ?4)
               UNION ALL SELECT submission_id FROM (SELECT submission_id FROM delivery
                 WHERE state = 'pending' AND destination = ?1 AND next_at <= ?2
                   AND submission_id NOT IN (SELECT value FROM json_each(?3)) ORDER BY next_at DESC LIMIT ?5))",
            &[destination.into(), now.into(), to_json(&but)?.into(), count(oldest), count(newest)],
        )?;
        let next_at = match rows.first() {
            Some(row) => Columns::new(row.last().cloned().into_iter().collect()).number(),
            None => self.next_at(destination, but)?,
        };
        Ok(Due { tasks: rows.into_iter().map(task_of).collect(), next_at })
    }

    /// When the next pending delivery to `destination` is due, those in `but` left out.
    fn next_at(&self, destination: &str, but: &[&str]) -> Result<Option<i64>> {
        let rows = self.database.query(
            "SELECT next_at FROM delivery WHERE state = 'pending' AND destination = ?
               AND submission_id NOT IN (SELECT value FROM json_each(?)) ORDER BY next_at LIMIT 1",
            &[destination.into(), to_json(&but)?.into()],
        )?;
        Ok(rows.into_iter().next().and_then(|row| Columns::new(row).number()))
    }

    /// The pending deliveries of these submissions to `destination`.
    pub fn tasks(&self, destination: &str, ids: &[String]) -> Result<Vec<Task>> {
        let rows = self.database.query(
            "SELECT submission_id, destination, state, attempts, next_at, not_before, cut_short, progress, record, failure,
               timeline, body, fields FROM delivery LEFT JOIN submission ON id = submission_id
             WHERE destination = ? AND submission_id IN (SELECT value FROM json_each(?)) AND state = 'pending'",
            &[destination.into(), to_json(&ids)?.into()],
        )?;
        Ok(rows.into_iter().map(task_of).collect())
    }

    /// The submissions whose deliveries to `destination` are due and were never tried, the newest first.
    pub fn fresh(&self, destination: &str, now: i64, limit: usize) -> Result<Vec<String>> {
        // What was tried lies in between, one for each check: the look stays short.
        self.texts(
            "SELECT submission_id FROM (SELECT submission_id, attempts, failure FROM delivery
                WHERE state = 'pending' AND destination = ?1 AND next_at <= ?2 ORDER BY next_at DESC LIMIT 1000)
             WHERE attempts = 0 AND failure IS NULL LIMIT ?3",
            &[destination.into(), now.into(), count(limit)],
        )
    }

    /// Every destination with its state, and when its next delivery is due.
    pub fn destinations(&self) -> Result<Vec<(String, DestinationState)>> {
        let rows = self.database.query(
            "SELECT name, pause, account, forbidden,
               (SELECT MIN(next_at) FROM delivery WHERE state = 'pending' AND destination = name) FROM destination",
            &[],
        )?;
        let read = |row| {
            let mut columns = Columns::new(row);
            let name = columns.text().unwrap_or_default();
            // A state that cannot be read must not cost the form its Outbox: the destination starts over.
            let state = DestinationState {
                pause: columns.text().and_then(|text| serde_json::from_str(&text).ok()),
                account: columns.text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
                forbidden: columns.text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
                next_at: columns.number(),
                ..DestinationState::default()
            };
            (name, state)
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Makes deliveries due that wait because of their destination. The attempt that this brings forward uses up none.
    pub fn hurry(&self, destination: &str, now: i64) -> Result<()> {
        self.run(
            "UPDATE delivery SET next_at = max(not_before, ?), attempts = max(attempts - 1, 0)
             WHERE state = 'pending' AND destination = ? AND next_at > ?
               AND json_extract(failure, '$.kind') IN ('rate_limited', 'forbidden')",
            &[now.into(), destination.into(), now.into()],
        )
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

    /// The submissions with a rejected or exhausted delivery to this destination, oldest first.
    pub fn stuck(&self, destination: &str, limit: usize) -> Result<Vec<String>> {
        let sql = "SELECT submission_id FROM delivery WHERE destination = ? AND state IN ('rejected', 'exhausted')
             ORDER BY submission_id LIMIT ?";
        self.texts(sql, &[destination.into(), count(limit)])
    }

    /// The submissions in quarantine, oldest first.
    pub fn quarantined(&self, limit: usize) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT submission_id FROM delivery WHERE state = 'quarantined'
             ORDER BY submission_id LIMIT ?";
        self.texts(sql, &[count(limit)])
    }

    /// About how many bytes the submissions in quarantine take.
    pub fn quarantined_bytes(&self) -> Result<usize> {
        let sql = "SELECT SUM(bytes) FROM submission
             WHERE id IN (SELECT submission_id FROM delivery WHERE state = 'quarantined')";
        let row = self.database.query(sql, &[])?.into_iter().next();
        Ok(row.map_or(0, |row| usize::try_from(Columns::new(row).integer()).unwrap_or(0)))
    }

    /// The oldest submission with a pending delivery. It reads all that is pending.
    pub fn oldest_pending(&self) -> Result<Option<String>> {
        let sql = "SELECT MIN(submission_id) FROM delivery INDEXED BY delivery_due WHERE state = 'pending'";
        Ok(self.texts(sql, &[])?.into_iter().next())
    }

    /// Keeps a copy of a submission that comes later from being delivered.
    pub(super) fn bar(&self, id: &str, action: &str) -> Result<()> {
        // What was erased stays so.
        self.run(
            "INSERT INTO barred (id, action) VALUES (?, ?)
             ON CONFLICT (id) DO UPDATE SET action = excluded.action WHERE action = ?",
            &[id.into(), action.into(), SPAM.into()],
        )
    }

    /// A copy that comes later is no spam after all.
    pub(super) fn unbar(&self, id: &str) -> Result<()> {
        self.run("DELETE FROM barred WHERE id = ? AND action = ?", &[id.into(), SPAM.into()])
    }

    /// What the operator did to a submission before this copy came.
    pub(super) fn barred(&self, id: &str) -> Result<Option<String>> {
        Ok(self.texts("SELECT action FROM barred WHERE id = ?", &[id.into()])?.pop())
    }
}

/// The columns of a row, taken in order.
pub(super) struct Columns(std::vec::IntoIter<Value>);

impl Columns {
    pub(super) fn new(row: Row) -> Self {
        Self(row.into_iter())
    }

    pub(super) fn text(&mut self) -> Option<String> {
        match self.0.next() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&mut self) -> Option<i64> {
        match self.0.next() {
            Some(Value::Integer(number)) => Some(number),
            _ => None,
        }
    }

    pub(super) fn integer(&mut self) -> i64 {
        self.number().unwrap_or(0)
    }
}

/// What changes of a delivery.
const COLUMNS: [&str; 9] =
    ["state", "attempts", "next_at", "not_before", "cut_short", "progress", "record", "failure", "timeline"];

fn columns(delivery: &Delivery) -> Result<[Value; 9]> {
    Ok([
        delivery.state.name().into(),
        delivery.attempts.into(),
        delivery.next_at.into(),
        delivery.not_before.into(),
        delivery.cut_short.into(),
        to_json(&delivery.progress)?.into(),
        delivery.record.as_ref().map(to_json).transpose()?.into(),
        delivery.failure.as_ref().map(to_json).transpose()?.into(),
        to_json(&delivery.timeline)?.into(),
    ])
}

/// A pending delivery and what it delivers, or the id of the submission and what is wrong with the rows.
pub type Task = (String, Result<(Delivery, Submission)>);

/// What is due to a destination, and when the next is that is not due yet.
#[derive(Debug)]
pub struct Due {
    /// In no order.
    pub tasks: Vec<Task>,
    /// Milliseconds since 1970; `None` when nothing more is pending.
    pub next_at: Option<i64>,
}

fn task_of(row: Row) -> Task {
    let id = Columns::new(row.first().cloned().into_iter().collect()).text().unwrap_or_default();
    let mut columns = Columns::new(row);
    let read = delivery_of(&mut columns).and_then(|delivery| Ok((delivery, submission_of(&mut columns, &id)?)));
    (id, read)
}

fn submission_of(columns: &mut Columns, id: &str) -> Result<Submission> {
    let what = || format!("the submission {id}");
    let mut submission: Submission = from_json(&columns.text().unwrap_or_default(), what)?;
    submission.fields = columns.text().as_deref().and_then(unpacked).ok_or_else(|| StoreError::Damaged(what()))?;
    Ok(submission)
}

fn delivery_of(columns: &mut Columns) -> Result<Delivery> {
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

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(error.to_string()))
}

pub(super) fn count(limit: usize) -> Value {
    Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX))
}
