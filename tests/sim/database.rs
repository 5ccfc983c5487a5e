//! The production statements on a native SQLite that crashes between two statements and runs full.
//!
//! Everything since the last await is one transaction, as on the platform: a turn begins one with its first statement, and
//! its end commits it. A crash rolls it back.

use std::cell::Cell;
use std::sync::Once;

use formcourier::outbox::database::{Database, Row, StoreError, Value};
use rusqlite::config::DbConfig;
use rusqlite::ffi::{SQLITE_CONFIG_MEMSTATUS, sqlite3_config};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

/// The SQLite of one object.
#[derive(Debug)]
pub struct NativeSql {
    pub connection: Connection,
    /// Statements until the process dies; `None`: it lives.
    pub fuse: Cell<Option<u32>>,
    pub is_dead: Cell<bool>,
    pub is_full: Cell<bool>,
    /// Whether this turn has written.
    pub is_dirty: Cell<bool>,
    in_turn: Cell<bool>,
    depth: Cell<u32>,
}

impl NativeSql {
    pub fn new() -> Self {
        // SQLite counts its memory behind a lock that all threads share.
        static ONCE: Once = Once::new();
        // SAFETY: nothing has opened a database yet.
        ONCE.call_once(|| unsafe { assert_eq!(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0), 0) });
        let connection = Connection::open_in_memory().expect("SQLite");
        connection.set_prepared_statement_cache_capacity(64);
        // Otherwise every new LIMIT makes a new plan.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).expect("a setting");
        Self {
            connection,
            fuse: Cell::default(),
            is_dead: Cell::default(),
            is_full: Cell::default(),
            is_dirty: Cell::default(),
            in_turn: Cell::default(),
            depth: Cell::default(),
        }
    }

    fn batch(&self, sql: &str) {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).expect("a transaction");
    }

    /// Ends a turn. Returns whether it wrote.
    pub fn commit(&self) -> bool {
        if self.in_turn.replace(false) {
            self.batch("COMMIT");
        }
        self.is_dirty.replace(false)
    }

    /// The process died in this turn.
    pub fn roll_back(&self) {
        if self.in_turn.replace(false) {
            self.batch("ROLLBACK");
        }
        self.is_dirty.set(false);
        self.is_dead.set(false);
        self.fuse.set(None);
        self.depth.set(0);
    }

    fn step(&self) -> Result<(), StoreError> {
        match self.fuse.get() {
            Some(0) => self.is_dead.set(true),
            Some(left) => self.fuse.set(Some(left - 1)),
            None => {}
        }
        if self.is_dead.get() {
            return Err(StoreError::Database("the process died".to_owned()));
        }
        if !self.in_turn.replace(true) {
            self.batch("BEGIN");
        }
        Ok(())
    }

    /// Reads for the checks, outside of any fault.
    pub fn rows(&self, sql: &str) -> Vec<Row> {
        read(&self.connection, sql, &[]).expect("a query of a check")
    }

    pub fn has_delivery(&self, submission: &str, destination: &str) -> bool {
        let sql = "SELECT 1 FROM delivery WHERE submission_id = ? AND destination = ?";
        read(&self.connection, sql, &[submission.into(), destination.into()]).is_ok_and(|rows| !rows.is_empty())
    }

    /// Whether the tables exist.
    pub fn is_open(&self) -> bool {
        !self.rows("SELECT name FROM sqlite_master WHERE name = 'submission'").is_empty()
    }
}

impl Database for NativeSql {
    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.step()?;
        let is_read = sql.trim_start().starts_with("SELECT");
        let grows = !is_read && !sql.trim_start().starts_with("DELETE");
        if grows && self.is_full.get() {
            return Err(StoreError::Database("database or disk is full".to_owned()));
        }
        self.is_dirty.set(self.is_dirty.get() || !is_read);
        read(&self.connection, sql, values).map_err(|error| StoreError::Database(error.to_string()))
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.step()?;
        let depth = self.depth.get();
        self.depth.set(depth + 1);
        self.batch(["SAVEPOINT a", "SAVEPOINT b", "SAVEPOINT c"][depth as usize]);
        let result = work();
        self.depth.set(depth);
        if self.is_dead.get() {
            return Err(StoreError::Database("the process died".to_owned()));
        }
        if result.is_err() {
            self.batch(["ROLLBACK TO a", "ROLLBACK TO b", "ROLLBACK TO c"][depth as usize]);
        }
        self.batch(["RELEASE a", "RELEASE b", "RELEASE c"][depth as usize]);
        result
    }
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn read(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values.iter().map(Bound)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let value = |column| match row.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Value::Integer(number),
            Ok(ValueRef::Text(text)) => Value::Text(String::from_utf8_lossy(text).into_owned()),
            _ => Value::Null,
        };
        found.push((0..columns).map(value).collect());
    }
    Ok(found)
}
