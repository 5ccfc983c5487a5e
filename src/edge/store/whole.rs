//! Several statements, all of them or none.
//!
//! What is written between two awaits is one transaction for a process that dies. For a statement that fails it is not:
//! those before it stay, and an object that failed in the middle of its migrations would fail with its first table ever
//! after. The crate `worker` has no binding for `transactionSync`.

use js_sys::{Function, Reflect};
use wasm_bindgen::closure::ScopedClosure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, Storage};

/// Does `work`, whose statements count only when it succeeds.
pub fn whole<T>(storage: &Storage, mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let mut done: Option<Result<T>> = None;
    let mut once = || -> std::result::Result<(), JsValue> {
        let result = work();
        let is_done = result.is_ok();
        done = Some(result);
        // What is thrown rolls it back; the error itself need not go through JavaScript and back.
        if is_done { Ok(()) } else { Err("rolled back".into()) }
    };
    let raw: &JsValue = storage.as_raw().unchecked_ref();
    let transaction: Function = Reflect::get(raw, &"transactionSync".into())?.dyn_into()?;
    let ended = transaction.call1(raw, ScopedClosure::borrow_mut_aborting(&mut once).as_js_value());
    match (done, ended) {
        (Some(Err(error)), _) => Err(error),
        (Some(done), Ok(_)) => done,
        (_, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(Error::RustError("the transaction did not begin".into())),
    }
}
