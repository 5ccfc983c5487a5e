//! The platform's SQLite as a [`Database`]: what it throws is caught, and transactions roll back.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::ScopedClosure;

use crate::outbox::database::{Database, Row, StoreError, Value};

use super::platform::{self, ObjectContext};

/// The SQLite of a Durable Object.
#[derive(Debug)]
pub struct DurableSql(pub Rc<ObjectContext>);

impl Database for DurableSql {
    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let values = serde_json::to_string(values).map_err(|error| StoreError::Database(error.to_string()))?;
        let Some(rows) = platform::exec(&self.0, sql, &values).map_err(|error| failed(&error))? else {
            return Ok(Vec::new());
        };
        serde_json::from_str(&rows).map_err(|_| StoreError::Database("its rows cannot be read".to_owned()))
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut result = Ok(());
        let mut once = || -> Result<(), JsValue> {
            result = work();
            // What is thrown rolls back; the error itself need not cross into JavaScript.
            if result.is_ok() { Ok(()) } else { Err("rolled back".into()) }
        };
        let ended = platform::transaction(&self.0, ScopedClosure::borrow_mut_aborting(&mut once).as_js_value());
        result.and_then(|()| ended.map(drop).map_err(|error| failed(&error)))
    }
}

/// SQLite's message; it names tables and columns, never values.
fn failed(error: &JsValue) -> StoreError {
    StoreError::Database(platform::message(error))
}
