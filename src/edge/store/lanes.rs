//! What an Outbox knows of each of its destinations: what is due there, until when nothing may be sent, and what its CRM has
//! told for all leads.

use std::collections::BTreeMap;

use worker::Result;

use crate::crm::{Lesson, Trouble};
use crate::delivery::parking::Parking;

use super::Store;
use super::rows::{LaneRow, from_json, to_json};

/// How a trouble with the credentials is stored, as a pattern.
const TURNED_AWAY: &str = r#"{"why":"credentials"%"#;

/// Which end of a queue comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Who came last.
    NewestFirst,
    /// Who waits longest.
    OldestFirst,
}

impl Store {
    /// Every destination that this outbox ever had a delivery for.
    pub fn lanes(&self) -> Result<Vec<LaneRow>> {
        self.rows(
            "SELECT name, paused_until, (SELECT MIN(next_at) FROM delivery
               WHERE state = 'pending' AND destination = name) AS next_at FROM destination ORDER BY name",
            vec![],
        )
    }

    /// Nothing is sent to a destination until its parking is over.
    pub fn park(&self, destination: &str, parking: &Parking) -> Result<()> {
        let query = "UPDATE destination SET paused_until = ?1, parking = ?2 WHERE name = ?3";
        self.run(query, vec![parking.until.into(), to_json(parking)?.into(), destination.into()])
    }

    /// Where a destination is parked, if it is.
    pub fn parking(&self, destination: &str) -> Result<Option<Parking>> {
        let query = "SELECT parking AS text FROM destination WHERE name = ? AND parking IS NOT NULL";
        let parkings = self.texts(query, vec![destination.into()])?;
        parkings.first().map(|parking| from_json(parking, &format!("the parking of {destination}"))).transpose()
    }

    /// Whether nothing may be sent to a destination now.
    pub fn is_paused(&self, destination: &str, now: i64) -> Result<bool> {
        let query = "SELECT name AS text FROM destination WHERE name = ? AND paused_until > ?";
        Ok(!self.texts(query, vec![destination.into(), now.into()])?.is_empty())
    }

    /// The next probe of a parked destination is due now.
    pub fn probe_at_once(&self, destination: &str, now: i64) -> Result<()> {
        let query = "UPDATE destination SET paused_until = MIN(paused_until, ?1) WHERE name = ?2";
        self.run(query, vec![now.into(), destination.into()])
    }

    /// A destination whose pause is over is well again: all of its deliveries go on.
    pub fn resume(&self, destination: &str, now: i64) -> Result<()> {
        let query = "UPDATE destination SET paused_until = 0, parking = NULL
             WHERE name = ? AND paused_until BETWEEN 1 AND ?";
        self.run(query, vec![destination.into(), now.into()])
    }

    /// Says of each waiting delivery to a destination why nothing can be sent there. They keep their times, and are due
    /// when it can.
    pub fn strand(&self, destination: &str, trouble: &Trouble) -> Result<()> {
        self.run(
            "UPDATE delivery SET trouble = ?1 WHERE state = 'pending' AND destination = ?2 AND trouble IS NOT ?1",
            vec![to_json(trouble)?.into(), destination.into()],
        )
    }

    /// The submissions whose deliveries to `destination` are due, the longest due first.
    pub fn due(&self, destination: &str, now: i64, limit: usize) -> Result<Vec<String>> {
        self.texts(
            "SELECT submission_id AS text FROM delivery
             WHERE state = 'pending' AND destination = ? AND next_at <= ? ORDER BY next_at LIMIT ?",
            vec![destination.into(), now.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
        )
    }

    /// The submissions whose deliveries to `destination` were never tried. One that was turned away got its try back and is
    /// passed over: the next probe is for another one.
    pub fn fresh(&self, destination: &str, now: i64, limit: usize, order: Order) -> Result<Vec<String>> {
        // Left to itself, SQLite takes the index of what is due and sorts the whole backlog.
        let query = match order {
            Order::NewestFirst => {
                "SELECT submission_id AS text FROM delivery INDEXED BY delivery_fresh
                 WHERE state = 'pending' AND attempts = 0 AND destination = ? AND next_at <= ?
                 AND (trouble IS NULL OR trouble NOT LIKE ?) ORDER BY submission_id DESC LIMIT ?"
            }
            Order::OldestFirst => {
                "SELECT submission_id AS text FROM delivery INDEXED BY delivery_fresh
                 WHERE state = 'pending' AND attempts = 0 AND destination = ? AND next_at <= ?
                 AND (trouble IS NULL OR trouble NOT LIKE ?) ORDER BY submission_id LIMIT ?"
            }
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.texts(query, vec![destination.into(), now.into(), TURNED_AWAY.into(), limit.into()])
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
                Lesson::Fact(..) | Lesson::NotInDoubt | Lesson::LeftOut { .. } => {}
            }
        }
        Ok(())
    }
}
