//! The platform's SQL as far as the crate `worker` leaves something open: what reading rows throws is caught, and several
//! statements can be a transaction.
//!
//! With the crate's own `to_array` and `one`, an exception flies through Wasm and leaves the object hanging.

use js_sys::Array;
use serde::de::DeserializeOwned;
use wasm_bindgen::closure::ScopedClosure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

#[wasm_bindgen]
extern "C" {
    type JsStorage;
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(this: &JsStorage, work: &JsValue) -> std::result::Result<JsValue, JsValue>;

    type JsSql;
    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &JsSql, query: &str, values: Array) -> std::result::Result<JsCursor, JsValue>;

    type JsCursor;
    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &JsCursor) -> std::result::Result<Array, JsValue>;
}

/// The rows of a query.
pub fn rows<T: DeserializeOwned>(sql: &SqlStorage, query: &str, values: Vec<SqlStorageValue>) -> Result<Vec<T>> {
    let sql: &JsSql = sql.as_ref().unchecked_ref();
    let rows = sql.exec(query, values.into_iter().map(JsValue::from).collect())?.to_array()?;
    // The error would quote the value that does not fit, which may be a visitor's.
    let unreadable = |_| Error::RustError(format!("a row cannot be read: {query}"));
    rows.iter().map(|row| serde_wasm_bindgen::from_value(row).map_err(unreadable)).collect()
}

/// Does `work`, whose statements count only when it succeeds: all of them or none.
///
/// What is written between two awaits is one transaction for a process that dies. For a statement that fails it is not:
/// those before it stay, and an object that failed in the middle of its migrations would fail with its first table ever
/// after.
pub fn whole<T>(storage: &Storage, mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let mut done: Option<Result<T>> = None;
    let mut once = || -> std::result::Result<(), JsValue> {
        let result = work();
        let is_done = result.is_ok();
        done = Some(result);
        // What is thrown rolls it back; the error itself need not go through JavaScript and back.
        if is_done { Ok(()) } else { Err("rolled back".into()) }
    };
    let storage: &JsStorage = storage.as_raw().unchecked_ref();
    let ended = storage.transaction_sync(ScopedClosure::borrow_mut_aborting(&mut once).as_js_value());
    match (done, ended) {
        (Some(Err(error)), _) => Err(error),
        (Some(done), Ok(_)) => done,
        (_, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(Error::RustError("the transaction did not begin".into())),
    }
}
