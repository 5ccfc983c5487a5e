//! Time, randomness and ids: what the pure code is given.

use uuid::{Builder, Uuid};

use super::platform;

/// Now, milliseconds since 1970.
#[allow(clippy::cast_possible_truncation, reason = "far below 2^53")]
pub fn now() -> i64 {
    platform::now() as i64
}

/// A random number in `0.0..1.0`; good enough for jitter, not for secrets.
pub fn random() -> f64 {
    js_sys::Math::random()
}

/// A new `UUIDv7` of this moment: sorts by time and cannot be guessed.
pub fn new_id(now: i64) -> String {
    let random = Uuid::parse_str(&platform::random_uuid()).unwrap_or_default().into_bytes();
    let mut bytes = [0; 10];
    // Bytes 6 and 8 hold the version and the variant.
    bytes[..6].copy_from_slice(&random[..6]);
    bytes[6..].copy_from_slice(&random[12..]);
    Builder::from_unix_timestamp_millis(u64::try_from(now).unwrap_or_default(), &bytes).into_uuid().to_string()
}
