//! The platform's SQLite as a [`Database`]: what executing and reading throws is caught, and transactions roll back.
//!
//! With the crate's own `to_array` and `one`, an exception flies through Wasm and leaves the object hanging.

use js_sys::{Array, JsString};
use wasm_bindgen::closure::ScopedClosure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, Storage};

use crate::outbox::database::{Database, Row, StoreError, Value};

#[wasm_bindgen]
extern "C" {
    type JsStorage;
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(this: &JsStorage, work: &JsValue) -> Result<JsValue, JsValue>;

    type JsSql;
    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &JsSql, query: &str, values: Array) -> Result<JsCursor, JsValue>;

    type JsCursor;
    #[wasm_bindgen(method, catch)]
    fn raw(this: &JsCursor) -> Result<JsRows, JsValue>;

    type JsRows;
    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &JsRows) -> Result<Array, JsValue>;
}

/// The SQLite of a Durable Object.
#[derive(Debug)]
pub struct DurableSql {
    storage: Storage,
    sql: SqlStorage,
}

impl DurableSql {
    /// The SQLite of this storage.
    pub fn new(storage: Storage) -> Self {
        let sql = storage.sql();
        Self { storage, sql }
    }
}

impl Database for DurableSql {
    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let database: &JsSql = self.sql.as_ref().unchecked_ref();
        let values: Array = values.iter().map(to_js).collect();
        let cursor = database.exec(sql, values).map_err(failed)?;
        let rows = cursor.raw().and_then(|rows| rows.to_array()).map_err(failed)?;
        Ok(rows.iter().map(|row| row.unchecked_into::<Array>().iter().map(|value| from_js(&value)).collect()).collect())
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut result = Ok(());
        let mut once = || -> Result<(), JsValue> {
            result = work();
            // What is thrown rolls back; the error itself need not cross into JavaScript.
            if result.is_ok() { Ok(()) } else { Err("rolled back".into()) }
        };
        let storage: &JsStorage = self.storage.as_raw().unchecked_ref();
        let ended = storage.transaction_sync(ScopedClosure::borrow_mut_aborting(&mut once).as_js_value());
        result.and_then(|()| ended.map(drop).map_err(failed))
    }
}

fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        // Times and counts are far below 2^53.
        #[allow(clippy::cast_precision_loss, reason = "below 2^53")]
        Value::Integer(number) => JsValue::from_f64(*number as f64),
        Value::Text(text) => JsValue::from_str(text),
    }
}

fn from_js(value: &JsValue) -> Value {
    if let Some(text) = value.dyn_ref::<JsString>() {
        return Value::Text(text.into());
    }
    #[allow(clippy::cast_possible_truncation, reason = "integers below 2^53")]
    value.as_f64().map_or(Value::Null, |number| Value::Integer(number as i64))
}

/// SQLite's message; it names tables and columns, never values.
fn failed(error: JsValue) -> StoreError {
    StoreError::Database(worker::Error::from(error).to_string())
}
