//! Tries that did not come to their end, and whose fault that was.
//!
//! A try is marked with its isolate before it starts and the mark is taken off when it ends. A mark that is found later
//! tells a story. Of another isolate: the process died (a kill, an eviction, a deploy), and the delivery is not to blame,
//! unless that happens to it again and again: from the third death in a row on, its tries count, wait by the schedule, and
//! it is a suspect. Of the same isolate: the object was reset under it, as after a panic, and it is a suspect at once.
//!
//! Suspects are tried alone, so that they cut short no other and the guilty one is found. Who resets the object three times
//! is parked. Who dies with the process is not, for a deploy may have done it: it ends when its schedule is used up.

use std::collections::BTreeSet;

use worker::Result;

use crate::crm::{Trouble, Why};

use super::Store;
use super::rows::to_json;

/// Crashes after which a delivery is parked.
const PARKED_AFTER: i64 = 3;

/// From this death in a row on, a delivery that was under way when its process died is a suspect.
const SUSPECT_AFTER: i64 = 3;

/// The longest that a call may take by its config: whatever was under way is answered by then.
const LONGEST_CALL_MS: i64 = 60_000;

/// A suspect waits this long for its next try; when it died with its process, at least this long: the others go first.
const SUSPECT_PAUSE_MS: i64 = 500;

/// A delivery that may have brought down its object, or its whole process.
#[derive(Debug, serde::Deserialize)]
pub struct Suspect {
    /// Which submission.
    pub submission_id: String,
    /// To which destination.
    pub destination: String,
}

impl Store {
    /// A try starts in this isolate.
    pub fn begin(&self, submission_id: &str, destination: &str, isolate: &str) -> Result<()> {
        self.run(
            "UPDATE delivery SET trying = ? WHERE submission_id = ? AND destination = ?",
            vec![isolate.into(), submission_id.into(), destination.into()],
        )
    }

    /// A try came to its end, whatever that was.
    pub fn end(&self, submission_id: &str, destination: &str) -> Result<()> {
        self.run(
            "UPDATE delivery SET trying = NULL, crashes = 0, deaths = 0 WHERE submission_id = ? AND destination = ?",
            vec![submission_id.into(), destination.into()],
        )
    }

    /// Called when an object starts: judges the tries that were cut short. Nothing of them is under way any more.
    pub fn recover(&self, isolate: &str, now: i64) -> Result<()> {
        // It is called again when it fails, and must not count a death twice.
        self.whole(|| self.judge(isolate, now))
    }

    fn judge(&self, isolate: &str, now: i64) -> Result<()> {
        let cut_short = self.texts("SELECT trying AS text FROM delivery WHERE trying IS NOT NULL LIMIT 1", vec![])?;
        if cut_short.is_empty() {
            return Ok(());
        }
        // A create that is in doubt was put off until it would have been answered: the vendor may still be at work on it,
        // and a look before that finds nothing. (A damaged row must not stop the others from being recovered.)
        let until = |otherwise: &str| {
            format!(
                "CASE WHEN NOT json_valid(progress) THEN {otherwise}
                      WHEN json_extract(progress, '$.in_doubt') IS NULL THEN {otherwise} ELSE MIN(next_at, ?1) END"
            )
        };
        let longest = now + LONGEST_CALL_MS;
        // The process died. Once or twice, the try does not count, and is made again at once.
        self.run(
            "UPDATE delivery SET deaths = deaths + 1 WHERE trying IS NOT NULL AND trying <> ? AND state = 'pending'",
            vec![isolate.into()],
        )?;
        self.run(
            &format!(
                "UPDATE delivery SET trying = NULL, attempts = MAX(attempts - 1, 0), next_at = {}
                 WHERE trying IS NOT NULL AND trying <> ?3 AND state = 'pending' AND deaths < ?4",
                until("?2")
            ),
            vec![longest.into(), now.into(), isolate.into(), SUSPECT_AFTER.into()],
        )?;
        // Again and again, it counts, and stays put off by the schedule: each further try may end the process as well.
        self.run(
            "UPDATE delivery SET trying = NULL, next_at = MAX(next_at, ?1)
             WHERE trying IS NOT NULL AND trying <> ?2 AND state = 'pending'",
            vec![(now + SUSPECT_PAUSE_MS).into(), isolate.into()],
        )?;
        // The object was reset: suspects. They have been counted and put off by the schedule; alone, they need not wait.
        let trouble = Trouble::new(Why::Crashed, "three tries brought down the Worker; please report it");
        self.run(
            &format!(
                "UPDATE delivery SET trying = NULL, crashes = crashes + 1, next_at = {},
                   state = CASE WHEN crashes + 1 >= ?3 THEN 'parked' ELSE state END,
                   trouble = CASE WHEN crashes + 1 >= ?3 THEN ?4 ELSE trouble END
                 WHERE trying IS NOT NULL AND state = 'pending'",
                until("MIN(next_at, ?2)")
            ),
            vec![longest.into(), (now + SUSPECT_PAUSE_MS).into(), PARKED_AFTER.into(), to_json(&trouble)?.into()],
        )?;
        self.run("UPDATE delivery SET trying = NULL WHERE trying IS NOT NULL", vec![])
    }

    /// The suspects that are due, the longest due of each destination: one whose destination is parked hides no other.
    pub fn suspects(&self, now: i64) -> Result<Vec<Suspect>> {
        let mut suspects: Vec<Suspect> = self.rows(
            // The words of the index, or SQLite does not take it.
            "SELECT submission_id, destination FROM delivery
             WHERE state = 'pending' AND (crashes > 0 OR deaths >= 3) AND next_at <= ? ORDER BY next_at LIMIT 100",
            vec![now.into()],
        )?;
        let mut seen = BTreeSet::new();
        suspects.retain(|suspect| seen.insert(suspect.destination.clone()));
        Ok(suspects)
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::MIGRATIONS;
    use super::*;

    #[test]
    fn the_index_of_the_suspects_has_the_same_number() {
        let mut statements = MIGRATIONS.iter().copied().flatten();
        let index = statements.rfind(|statement| statement.starts_with("CREATE INDEX delivery_suspect"));
        let suspects = format!("(crashes > 0 OR deaths >= {SUSPECT_AFTER})");
        assert!(index.is_some_and(|index| index.ends_with(&suspects)), "{index:?}");
    }
}
