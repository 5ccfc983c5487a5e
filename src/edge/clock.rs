//! Time, randomness and ids: what the pure code is given.

use uuid::Builder;

/// Now, milliseconds since 1970.
pub fn now() -> i64 {
    i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX)
}

/// A random number in `0.0..1.0`; good enough for jitter, not for secrets.
pub fn random() -> f64 {
    js_sys::Math::random()
}

/// A new `UUIDv7` of this moment: sorts by time and cannot be guessed.
pub fn new_id(now: i64) -> String {
    let mut random = [0_u8; 10];
    fill_random(&mut random);
    let millis = u64::try_from(now).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

/// Fills `bytes` with random ones that cannot be guessed.
#[cfg(target_arch = "wasm32")]
pub fn fill_random(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        // The platform's generator does not fail; should it ever, an id that is merely unlikely to repeat is better than a lost lead.
        bytes.iter_mut().for_each(|byte| *byte = (js_sys::Math::random() * 256.0) as u8);
    }
}

/// See above.
#[cfg(not(target_arch = "wasm32"))]
pub fn fill_random(_bytes: &mut [u8]) {
    unreachable!("the Worker runs on wasm32 only; natively this folder is compiled, never run")
}
