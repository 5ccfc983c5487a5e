//! How Node talks to the Wasm of `check` and the fakes: one buffer, with a text in it that is replaced by its answer.
//!
//! Node calls `reserve(bytes)` and writes the question there, then `answer()`, and reads that many bytes at `buffer()`.

use std::sync::{Mutex, MutexGuard, PoisonError};

static BUFFER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn lock() -> MutexGuard<'static, Vec<u8>> {
    BUFFER.lock().unwrap_or_else(PoisonError::into_inner)
}

#[unsafe(no_mangle)]
extern "C" fn reserve(bytes: usize) -> *mut u8 {
    let mut buffer = lock();
    buffer.clear();
    buffer.resize(bytes, 0);
    buffer.as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn buffer() -> *const u8 {
    lock().as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn answer() -> usize {
    let question = serde_json::from_slice(&lock()).unwrap_or_default();
    let text = super::answer(&question).to_string();
    let mut buffer = lock();
    *buffer = text.into_bytes();
    buffer.len()
}
