//! The Outbox's SQL. Nothing outside this folder writes a statement.
//!
//! Rows are read by [`sql::rows`] alone: what other ways of reading throw flies through Wasm and hangs the object.

pub mod crashes;
pub mod lanes;
pub mod rows;
pub mod schema;
mod sql;
pub mod upkeep;

use serde::de::DeserializeOwned;
use worker::{Result, SqlStorage, SqlStorageValue, Storage};

use crate::delivery::Delivery;
use crate::form::Submission;

use rows::{Attempt, DeliveryRow, Earlier, Extras, from_json, to_json};

/// How many lines of a delivery's timeline are kept.
const TIMELINE: i64 = 200;

/// A submission that is to be stored.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// What came in.
    pub submission: &'a Submission,
    /// One for each destination.
    pub deliveries: &'a [Delivery],
    /// The visitor's idempotency key.
    pub key: Option<&'a str>,
    /// The digest of the fields.
    pub digest: &'a str,
    /// Who sent it and what, as a digest: the same visitor with the same fields.
    pub visitor: Option<&'a str>,
    /// Why it is suspected to be spam.
    pub reasons: &'a [String],
    /// In an overflow: the Outbox that may have stored it after all and has to be asked before it is delivered.
    pub asked_first: Option<&'a str>,
    /// How often it was repeated before it came here.
    pub repeats: u32,
}

/// The tables of one Outbox.
#[derive(Debug)]
pub struct Store {
    sql: SqlStorage,
    storage: Storage,
}

impl Store {
    /// Opens the tables, bringing them to the newest version.
    pub fn open(storage: Storage) -> Result<Self> {
        let sql = storage.sql();
        sql::whole(&storage, || schema::migrate(&sql))?;
        Ok(Self { sql, storage })
    }

    /// Waits until what was written is stored. Up to an await that really waits it is one transaction, which goes with the
    /// process if that dies before.
    pub async fn sync(&self) -> Result<()> {
        self.storage.sync().await
    }

    fn rows<T: DeserializeOwned>(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<Vec<T>> {
        sql::rows(&self.sql, query, values)
    }

    /// The rows of a query for one column, which it calls `text`.
    fn texts(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Row {
            text: String,
        }
        Ok(self.rows(query, values)?.into_iter().map(|row: Row| row.text).collect())
    }

    fn run(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.sql.exec(query, Some(values)).map(drop)
    }

    /// Whether a submission of this id is stored.
    pub fn has(&self, id: &str) -> Result<bool> {
        Ok(!self.texts("SELECT id AS text FROM submission WHERE id = ?", vec![id.into()])?.is_empty())
    }

    /// The submission that came in between these moments under this idempotency key.
    pub fn earlier(&self, key: &str, since: i64, until: i64) -> Result<Option<Earlier>> {
        let query = "SELECT id, digest FROM submission WHERE idempotency_key = ? AND received_at BETWEEN ? AND ?
             ORDER BY received_at DESC LIMIT 1";
        Ok(self.rows(query, vec![key.into(), since.into(), until.into()])?.into_iter().next())
    }

    /// The id of the submission of the same visitor with the same fields that came in between these moments.
    pub fn sent_before(&self, visitor: &str, since: i64, until: i64) -> Result<Option<String>> {
        let query = "SELECT id AS text FROM submission WHERE visitor = ? AND received_at BETWEEN ? AND ?
             ORDER BY received_at DESC LIMIT 1";
        Ok(self.texts(query, vec![visitor.into(), since.into(), until.into()])?.into_iter().next())
    }

    /// Several statements, all of them or none.
    fn whole(&self, work: impl FnMut() -> Result<()>) -> Result<()> {
        sql::whole(&self.storage, work)
    }

    /// Stores a submission and a delivery for each destination: all of it or nothing.
    pub fn add(&self, new: &New<'_>) -> Result<()> {
        self.whole(|| self.insert(new))
    }

    fn insert(&self, new: &New<'_>) -> Result<()> {
        let New { submission, deliveries, key, digest, visitor, reasons, asked_first, repeats } = *new;
        let body = to_json(submission)?;
        self.run(
            "INSERT INTO submission (id, received_at, body, idempotency_key, digest, visitor, reasons, asked_first, repeats)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vec![
                submission.id.as_str().into(),
                submission.received_at.into(),
                body.into(),
                key.into(),
                digest.into(),
                visitor.into(),
                to_json(&reasons)?.into(),
                asked_first.into(),
                i64::from(repeats).into(),
            ],
        )?;
        for delivery in deliveries {
            let name: SqlStorageValue = delivery.destination.as_str().into();
            self.run("INSERT OR IGNORE INTO destination (name) VALUES (?)", vec![name])?;
            self.save(delivery)?;
        }
        Ok(())
    }

    /// Stores where a delivery stands.
    pub fn save(&self, delivery: &Delivery) -> Result<()> {
        self.run(
            "INSERT INTO delivery (submission_id, destination, state, attempts, next_at, progress, record, trouble)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (submission_id, destination) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
               next_at = excluded.next_at, progress = excluded.progress, record = excluded.record, trouble = excluded.trouble",
            vec![
                delivery.submission_id.as_str().into(),
                delivery.destination.as_str().into(),
                delivery.state.name().into(),
                i64::from(delivery.attempts).into(),
                delivery.next_at.into(),
                to_json(&delivery.progress)?.into(),
                delivery.record.as_ref().map(to_json).transpose()?.into(),
                delivery.trouble.as_ref().map(to_json).transpose()?.into(),
            ],
        )
    }

    /// Moves a delivery's next try without reading the row, which may be what is broken.
    pub fn put_off(&self, submission_id: &str, destination: &str, until: i64) -> Result<()> {
        self.run(
            "UPDATE delivery SET next_at = ? WHERE submission_id = ? AND destination = ? AND state = 'pending'",
            vec![until.into(), submission_id.into(), destination.into()],
        )
    }

    /// One delivery.
    pub fn delivery(&self, submission_id: &str, destination: &str) -> Result<Option<Delivery>> {
        let query = "SELECT * FROM delivery WHERE submission_id = ? AND destination = ?";
        let rows: Vec<DeliveryRow> = self.rows(query, vec![submission_id.into(), destination.into()])?;
        rows.into_iter().next().map(DeliveryRow::into_delivery).transpose()
    }

    /// Every delivery of a submission.
    pub fn deliveries(&self, submission_id: &str) -> Result<Vec<Delivery>> {
        let query = "SELECT * FROM delivery WHERE submission_id = ? ORDER BY destination";
        let rows: Vec<DeliveryRow> = self.rows(query, vec![submission_id.into()])?;
        rows.into_iter().map(DeliveryRow::into_delivery).collect()
    }

    /// One submission.
    pub fn submission(&self, id: &str) -> Result<Option<Submission>> {
        let bodies = self.texts("SELECT body AS text FROM submission WHERE id = ?", vec![id.into()])?;
        bodies.first().map(|body| from_json(body, &format!("the submission {id}"))).transpose()
    }

    /// What is stored beside a submission: the Outbox that has to be asked first, and what its repeats are known by.
    pub fn extras(&self, id: &str) -> Result<Option<Extras>> {
        let query = "SELECT asked_first, repeats, idempotency_key, digest, visitor FROM submission WHERE id = ?";
        Ok(self.rows(query, vec![id.into()])?.into_iter().next())
    }

    /// The other Outbox does not have it, and does not take it.
    pub fn claim(&self, id: &str) -> Result<()> {
        self.forget_silence(id)?;
        self.run("UPDATE submission SET asked_first = NULL WHERE id = ?", vec![id.into()])
    }

    /// Lets go of a submission and all that belongs to it.
    pub fn remove(&self, id: &str) -> Result<()> {
        self.whole(|| {
            self.forget_silence(id)?;
            self.forget_repeat(id)?;
            for table in ["attempt WHERE submission_id", "delivery WHERE submission_id", "submission WHERE id"] {
                self.run(&format!("DELETE FROM {table} = ?"), vec![id.into()])?;
            }
            Ok(())
        })
    }

    /// Why a submission is, or was, in quarantine; empty when it never was.
    pub fn reasons(&self, id: &str) -> Result<Vec<String>> {
        let reasons = self.texts("SELECT reasons AS text FROM submission WHERE id = ?", vec![id.into()])?;
        reasons.first().map_or_else(|| Ok(Vec::new()), |reasons| from_json(reasons, &format!("the reasons of {id}")))
    }

    /// Lets go of what is in quarantine, and of nothing else that waits for a person; returns how many deliveries there were.
    pub fn acquit(&self, id: &str, now: i64) -> Result<usize> {
        let query = "UPDATE delivery SET state = 'pending', next_at = ?
             WHERE submission_id = ? AND state = 'quarantined' RETURNING destination AS text";
        Ok(self.texts(query, vec![now.into(), id.into()])?.len())
    }

    /// Puts every delivery of a submission that waits for a person on its way again: out of quarantine, or once more
    /// after it was refused or gave up. Returns how many there were.
    pub fn release(&self, id: &str, now: i64) -> Result<usize> {
        let released = self.texts(
            // A refusal is final, so a person who sends it again has settled the doubt and mended what was in the way: no
            // value is left out beforehand. When something was not there, it may be what an earlier step has found: in
            // another workspace, before the secret was changed, or since deleted. So that is looked for again. After
            // giving up, the CRM is still asked first.
            "UPDATE delivery SET state = 'pending', attempts = 0, crashes = 0, deaths = 0, next_at = ?,
               progress = CASE state
                 WHEN 'refused' THEN json_set(json_remove(progress, '$.in_doubt', '$.left_out',
                     iif(json_extract(trouble, '$.why') = 'not_found', '$.facts', '$.in_doubt')), '$.sent_again',
                   1 + COALESCE(json_extract(progress, '$.sent_again'), 0))
                 ELSE progress END
             WHERE submission_id = ? AND state IN ('quarantined', 'refused', 'exhausted', 'parked')
             RETURNING destination AS text",
            vec![now.into(), id.into()],
        )?;
        Ok(released.len())
    }

    /// The ids of the newest submissions, newest first, older than the id `before` when that is given.
    pub fn newest(&self, before: Option<&str>, limit: usize) -> Result<Vec<String>> {
        // Ids are UUIDv7: their order is the order of time. `g` sorts after every hexadecimal digit.
        self.texts(
            "SELECT id AS text FROM submission WHERE id < ? ORDER BY id DESC LIMIT ?",
            vec![before.unwrap_or("g").into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
        )
    }

    /// Writes one line of a delivery's timeline. Tries that use up no attempt have no end, so the oldest lines make room.
    pub fn add_attempt(&self, delivery: &Delivery, attempt: &Attempt) -> Result<()> {
        self.run(
            "INSERT INTO attempt (submission_id, destination, number, at, millis, step, status, verdict, detail)
             VALUES (?1, ?2, (SELECT 1 + COALESCE(MAX(number), 0) FROM attempt WHERE submission_id = ?1 AND destination = ?2),
               ?3, ?4, ?5, ?6, ?7, ?8)",
            vec![
                delivery.submission_id.as_str().into(),
                delivery.destination.as_str().into(),
                attempt.at.into(),
                attempt.millis.into(),
                attempt.step.as_str().into(),
                attempt.status.map(i64::from).into(),
                attempt.verdict.as_str().into(),
                attempt.detail.as_str().into(),
            ],
        )?;
        self.run(
            "DELETE FROM attempt WHERE submission_id = ?1 AND destination = ?2 AND number <= (SELECT MAX(number) FROM attempt
               WHERE submission_id = ?1 AND destination = ?2) - ?3",
            vec![delivery.submission_id.as_str().into(), delivery.destination.as_str().into(), TIMELINE.into()],
        )
    }

    /// The timeline of a delivery, oldest first.
    pub fn attempts(&self, submission_id: &str, destination: &str) -> Result<Vec<Attempt>> {
        self.rows(
            "SELECT at, millis, step, status, verdict, detail FROM attempt
             WHERE submission_id = ? AND destination = ? ORDER BY number",
            vec![submission_id.into(), destination.into()],
        )
    }
}
