//! The Outbox's tables, as forward migrations: an object that slept through ten releases walks through all of them.
//!
//! Never change a migration that was released; add one. SQLite's `user_version` is not available in a Durable Object,
//! so the version stands in a table.

use worker::{Result, SqlStorage};

use super::sql::rows;

/// Every migration, oldest first; its index + 1 is the version that it leads to.
pub const MIGRATIONS: &[&[&str]] = &[FIRST, DEATHS];

const FIRST: &[&str] = &[
    "CREATE TABLE submission (
        id TEXT PRIMARY KEY,
        received_at INTEGER NOT NULL,
        body TEXT NOT NULL,
        idempotency_key TEXT,
        digest TEXT NOT NULL,
        visitor TEXT,
        repeats INTEGER NOT NULL DEFAULT 0,
        reasons TEXT NOT NULL,
        asked_first TEXT
    ) WITHOUT ROWID",
    "CREATE INDEX submission_key ON submission (idempotency_key, received_at) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX submission_visitor ON submission (visitor, received_at) WHERE visitor IS NOT NULL",
    "CREATE TABLE delivery (
        submission_id TEXT NOT NULL,
        destination TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        progress TEXT NOT NULL,
        record TEXT,
        trouble TEXT,
        trying TEXT,
        crashes INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (submission_id, destination)
    ) WITHOUT ROWID",
    "CREATE INDEX delivery_due ON delivery (destination, next_at) WHERE state = 'pending'",
    // What was never tried, the newest first: a backlog does not hold up who came last.
    "CREATE INDEX delivery_fresh ON delivery (destination, submission_id) WHERE state = 'pending' AND attempts = 0",
    "CREATE INDEX delivery_oldest ON delivery (submission_id) WHERE state = 'pending'",
    "CREATE INDEX delivery_stuck ON delivery (destination) WHERE state IN ('refused', 'exhausted', 'parked')",
    "CREATE INDEX delivery_trying ON delivery (trying) WHERE trying IS NOT NULL",
    "CREATE INDEX delivery_suspect ON delivery (next_at) WHERE state = 'pending' AND crashes > 0",
    // Every destination that this outbox ever had a delivery for (a loose index scan that SQLite does not do by itself),
    // until when nothing is sent to it, and why.
    "CREATE TABLE destination (
        name TEXT PRIMARY KEY,
        paused_until INTEGER NOT NULL DEFAULT 0,
        parking TEXT
    ) WITHOUT ROWID",
    "CREATE TABLE attempt (
        submission_id TEXT NOT NULL,
        destination TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        millis INTEGER NOT NULL,
        step TEXT NOT NULL,
        status INTEGER,
        verdict TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (submission_id, destination, number)
    ) WITHOUT ROWID",
    // What an account taught: company ids, role ids, the contract that works.
    "CREATE TABLE learned (
        destination TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (destination, key)
    ) WITHOUT ROWID",
    // What the operator was told and not yet told to be over.
    "CREATE TABLE alert (condition TEXT PRIMARY KEY) WITHOUT ROWID",
    // What the Outbox remembers for itself: where the purge stands, whether it is registered.
    "CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    // Only in the registry: every Outbox that ever stored something.
    "CREATE TABLE outbox (name TEXT PRIMARY KEY) WITHOUT ROWID",
];

/// How often in a row a delivery's process died with it: from the third time on it is tried alone, like one that crashes.
const DEATHS: &[&str] = &[
    "ALTER TABLE delivery ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX delivery_suspect",
    "CREATE INDEX delivery_suspect ON delivery (next_at) WHERE state = 'pending' AND (crashes > 0 OR deaths >= 3)",
];

/// Brings the tables to the newest version, in a transaction of its caller's: from a half-made schema no way leads on.
pub fn migrate(sql: &SqlStorage) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: usize,
    }
    sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)", None)?;
    let rows: Vec<Version> = rows(sql, "SELECT version FROM schema_version", vec![])?;
    let from = rows.first().map_or(0, |row| row.version);
    for statement in steps(MIGRATIONS, from) {
        sql.exec(statement, None)?;
    }
    // Never downwards: after a roll-back of the Worker the tables are still the newer ones, and saying otherwise would
    // make the next release migrate them again, and fail.
    if from < MIGRATIONS.len() {
        sql.exec("DELETE FROM schema_version", None)?;
        let version = i64::try_from(MIGRATIONS.len()).unwrap_or_default();
        sql.exec("INSERT INTO schema_version (version) VALUES (?)", Some(vec![version.into()]))?;
    }
    Ok(())
}

/// The statements that lead from a version to the newest.
fn steps<'a>(migrations: &'a [&'a [&'a str]], from: usize) -> impl Iterator<Item = &'a str> {
    migrations.iter().skip(from).flat_map(|statements| statements.iter().copied())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// One digest per released migration: objects in the field have walked through exactly these statements, and will not
    /// walk through them again. A new migration gets a new line; a line that is here never changes.
    const RELEASED: &[&str] = &[
        "e35217dfbe48fb3bdc78fa1b726026e7a6e2b4f22650f893d6655f3c8835bad1",
        "f319f92faf52b2942bb6dd20b1ab7af8c3984d2e38afd871437ccb5a4122d975",
    ];

    #[test]
    fn a_released_migration_never_changes() {
        let digests: Vec<String> = MIGRATIONS
            .iter()
            .map(|statements| {
                let digest = Sha256::digest(statements.join(";"));
                digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
            })
            .collect();
        assert_eq!(digests, RELEASED);
    }

    #[test]
    fn an_object_walks_through_what_it_has_missed_and_nothing_else() {
        let all: &[&[&str]] = &[&["a", "b"], &["c"], &["d", "e"]];
        let walked = |from| steps(all, from).collect::<Vec<_>>().join("");
        assert_eq!((0..=4).map(walked).collect::<Vec<_>>(), ["abcde", "cde", "de", "", ""]);
    }
}
