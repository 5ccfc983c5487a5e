//! SQLite behind a trait that the platform's and a native one implement: the simulator runs the very statements that
//! production runs.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A value of a statement or a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// TEXT.
    Text(String),
}

impl<'de> Deserialize<'de> for Value {
    // The derived implementation tries each variant in turn and formats an error for each that fails.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("null, an integer or a text")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Integer(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
                i64::try_from(number).map(Value::Integer).map_err(E::custom)
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row, in the order of the statement's columns.
pub type Row = Vec<Value>;

/// SQLite, as far as an Outbox needs it.
pub trait Database: fmt::Debug {
    /// Runs a statement with its values and reads every row.
    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Runs `work`, whose statements count only when it succeeds: all of them or none.
    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError>;
}

/// Why the store cannot do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// SQLite's own error.
    Database(String),
    /// A row cannot be read; what it is. Never its content, which may be a visitor's.
    Damaged(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(message) => write!(f, "the database failed: {message}"),
            Self::Damaged(row) => write!(f, "{row} cannot be read"),
        }
    }
}

impl std::error::Error for StoreError {}
