//! The Outbox's SQL. Nothing outside this folder writes a statement.
//!
//! `SqlCursor::one` and stepping a cursor by hand are never used: their JavaScript exceptions fly through Wasm and hang
//! the object. `exec` is caught, and a whole result is taken with `to_array`.

pub mod rows;
pub mod schema;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

use crate::crm::Lesson;
use crate::delivery::Delivery;
use crate::form::Submission;

use rows::{Attempt, DeliveryRow, Due, Earlier, ReasonsRow, SubmissionRow};

/// The tables of one Outbox.
#[derive(Debug)]
pub struct Store {
    sql: SqlStorage,
}

impl Store {
    /// Opens the tables, bringing them to the newest version.
    pub fn open(sql: SqlStorage) -> Result<Self> {
        schema::migrate(&sql)?;
        Ok(Self { sql })
    }

    fn rows<T: DeserializeOwned>(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<Vec<T>> {
        self.sql.exec(query, Some(values))?.to_array()
    }

    fn run(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.sql.exec(query, Some(values)).map(drop)
    }

    /// The submission that an earlier request stored under this idempotency key.
    pub fn earlier(&self, key: &str) -> Result<Option<Earlier>> {
        let query = "SELECT id, digest FROM submission WHERE idempotency_key = ?";
        Ok(self.rows(query, vec![key.into()])?.into_iter().next())
    }

    /// Stores a submission and a delivery for each destination. No await in it: one transaction.
    pub fn add(
        &self,
        submission: &Submission,
        deliveries: &[Delivery],
        key: Option<&str>,
        digest: &str,
        reasons: &[String],
    ) -> Result<()> {
        let body = to_json(submission)?;
        self.run(
            "INSERT INTO submission (id, received_at, body, idempotency_key, digest, reasons) VALUES (?, ?, ?, ?, ?, ?)",
            vec![
                submission.id.as_str().into(),
                submission.received_at.into(),
                body.into(),
                key.map_or(SqlStorageValue::Null, Into::into),
                digest.into(),
                to_json(&reasons)?.into(),
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
                delivery.record.as_ref().map(to_json).transpose()?.map_or(SqlStorageValue::Null, Into::into),
                delivery.trouble.as_ref().map(to_json).transpose()?.map_or(SqlStorageValue::Null, Into::into),
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

    /// Every destination that this outbox ever had a delivery for.
    pub fn destinations(&self) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Name {
            name: String,
        }
        let rows: Vec<Name> = self.rows("SELECT name FROM destination ORDER BY name", vec![])?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }

    /// The deliveries to `destination` that are due, the longest due first.
    pub fn due(&self, destination: &str, now: i64, limit: usize) -> Result<Vec<Due>> {
        self.rows(
            "SELECT submission_id FROM delivery
             WHERE state = 'pending' AND destination = ? AND next_at <= ? ORDER BY next_at LIMIT ?",
            vec![destination.into(), now.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
        )
    }

    /// When the next delivery is due.
    pub fn next_due(&self) -> Result<Option<i64>> {
        #[derive(serde::Deserialize)]
        struct Next {
            next_at: Option<i64>,
        }
        let query = "SELECT MIN(next_at) AS next_at FROM delivery WHERE state = 'pending'";
        let rows: Vec<Next> = self.rows(query, vec![])?;
        Ok(rows.first().and_then(|row| row.next_at))
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
        let rows: Vec<SubmissionRow> = self.rows("SELECT body FROM submission WHERE id = ?", vec![id.into()])?;
        rows.into_iter().next().map(SubmissionRow::into_submission).transpose()
    }

    /// Why a submission is, or was, in quarantine; empty when it never was.
    pub fn reasons(&self, id: &str) -> Result<Vec<String>> {
        let rows: Vec<ReasonsRow> = self.rows("SELECT reasons FROM submission WHERE id = ?", vec![id.into()])?;
        rows.into_iter().next().map_or_else(|| Ok(Vec::new()), ReasonsRow::into_reasons)
    }

    /// Puts every delivery of a submission that waits for a person on its way again: out of quarantine, or once more
    /// after it was refused or gave up. Returns how many there were.
    pub fn release(&self, id: &str, now: i64) -> Result<usize> {
        let waiting: Vec<Due> = self.rows(
            "SELECT submission_id FROM delivery
             WHERE submission_id = ? AND state IN ('quarantined', 'refused', 'exhausted')",
            vec![id.into()],
        )?;
        self.run(
            // A refusal is final, so a person who sends it again has settled the doubt; after giving up, the CRM is still
            // asked first.
            "UPDATE delivery SET state = 'pending', attempts = 0, next_at = ?,
               progress = CASE state WHEN 'refused' THEN json_remove(progress, '$.in_doubt') ELSE progress END
             WHERE submission_id = ? AND state IN ('quarantined', 'refused', 'exhausted')",
            vec![now.into(), id.into()],
        )?;
        Ok(waiting.len())
    }

    /// The newest submissions, newest first, older than the one of the id `before` when that is given.
    pub fn submissions(&self, before: Option<&str>, limit: usize) -> Result<Vec<Submission>> {
        // Ids are UUIDv7: their order is the order of time. `g` sorts after every hexadecimal digit.
        let rows: Vec<SubmissionRow> = self.rows(
            "SELECT body FROM submission WHERE id < ? ORDER BY id DESC LIMIT ?",
            vec![before.unwrap_or("g").into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
        )?;
        rows.into_iter().map(SubmissionRow::into_submission).collect()
    }

    /// Writes one line of a delivery's timeline.
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
                attempt.status.map_or(SqlStorageValue::Null, |status| i64::from(status).into()),
                attempt.verdict.as_str().into(),
                attempt.detail.as_str().into(),
            ],
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

    /// What the account of a destination taught.
    pub fn learned(&self, destination: &str) -> Result<BTreeMap<String, String>> {
        #[derive(serde::Deserialize)]
        struct Learned {
            key: String,
            value: String,
        }
        let query = "SELECT key, value FROM learned WHERE destination = ?";
        let rows: Vec<Learned> = self.rows(query, vec![destination.into()])?;
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }

    /// Keeps what an answer taught about the account, and forgets what no longer holds.
    pub fn learn(&self, destination: &str, lessons: &[Lesson]) -> Result<()> {
        for lesson in lessons {
            match lesson {
                Lesson::Account(key, value) => self.run(
                    "INSERT OR REPLACE INTO learned (destination, key, value) VALUES (?, ?, ?)",
                    vec![destination.into(), (*key).into(), value.as_str().into()],
                )?,
                Lesson::ForgetAccount(key) => self.run(
                    "DELETE FROM learned WHERE destination = ? AND key = ?",
                    vec![destination.into(), (*key).into()],
                )?,
                Lesson::Fact(..) | Lesson::NotInDoubt => {}
            }
        }
        Ok(())
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::RustError(error.to_string()))
}
