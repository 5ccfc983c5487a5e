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
    "CREATE INDEX delivery_next ON delivery (next_at) WHERE state = 'pending'",
    // Every destination that this outbox ever had a delivery for: a loose index scan that SQLite does not do by itself.
    "CREATE TABLE destination (name TEXT PRIMARY KEY) WITHOUT ROWID",
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
    for statements in MIGRATIONS.iter().skip(from) {
        for statement in *statements {
            sql.exec(statement, None)?;
        }
    }
    if from != MIGRATIONS.len() {
        sql.exec("DELETE FROM schema_version", None)?;
        let version = i64::try_from(MIGRATIONS.len()).unwrap_or_default();
        sql.exec("INSERT INTO schema_version (version) VALUES (?)", Some(vec![version.into()]))?;
    }
    Ok(())
}
