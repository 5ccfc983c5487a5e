//! The Outbox's tables, as forward migrations: an object that slept through ten releases walks through all of them.
//!
//! Never change a migration that was released; add one. SQLite's `user_version` is not available in a Durable Object,
//! so the version stands in a table.

use worker::{Result, SqlStorage};

/// Every migration, oldest first; its index + 1 is the version that it leads to.
pub const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE submission (
        id TEXT PRIMARY KEY,
        received_at INTEGER NOT NULL,
        body TEXT NOT NULL,
        idempotency_key TEXT UNIQUE,
        digest TEXT NOT NULL,
        reasons TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE delivery (
        submission_id TEXT NOT NULL,
        destination TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        progress TEXT NOT NULL,
        record TEXT,
        trouble TEXT,
        PRIMARY KEY (submission_id, destination)
    ) WITHOUT ROWID",
    "CREATE INDEX delivery_due ON delivery (destination, next_at) WHERE state = 'pending'",
    // Every destination that this outbox ever had a delivery for (a loose index scan that SQLite does not do by itself),
    // and until when nothing is sent to it.
    "CREATE TABLE destination (name TEXT PRIMARY KEY, paused_until INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
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
]];

/// Brings the tables to the newest version. Everything between two awaits is one transaction, so a half-made schema
/// cannot be seen.
pub fn migrate(sql: &SqlStorage) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: usize,
    }
    sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)", None)?;
    let rows: Vec<Version> = sql.exec("SELECT version FROM schema_version", None)?.to_array()?;
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
    const RELEASED: &[&str] = &["06896a2cd75cb279c1515c47cc0c55c979625c2ca429af79d900bddcdab59147"];

    #[test]
    fn a_released_migration_never_changes() {
        let digests: Vec<String> = MIGRATIONS
            .iter()
            .map(|statements| Sha256::digest(statements.join(";")).iter().map(|byte| format!("{byte:02x}")).collect())
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
