//! The time inside a submission's id: a `UUIDv7` begins with 48 bits of milliseconds, so its order is the order of time.

/// When the submission of this id came in, milliseconds since 1970; `None` when it is no `UUIDv7`.
pub fn received_at(id: &str) -> Option<i64> {
    let (high, low) = (id.get(..8)?, id.get(9..13)?);
    i64::from_str_radix(&format!("{high}{low}"), 16).ok()
}

/// A text that sorts before every id of this moment and later, and after every earlier one.
pub fn floor(at: i64) -> String {
    let hex = format!("{:012x}", at.clamp(0, (1 << 48) - 1));
    format!("{}-{}", &hex[..8], &hex[8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_times() {
        let id = "01a1fb42-77dd-7bc7-a9a5-8a1361615f93";
        assert_eq!(received_at(id), Some(1_795_216_799_709));
        assert!(floor(1_795_216_799_709).as_str() < id);
        assert!(id < floor(1_795_216_799_710).as_str());
        assert_eq!(floor(-5), "00000000-0000");
        for no_id in ["", "abc", "zzzzzzzz-zzzz", "ééééé-éé"] {
            assert_eq!(received_at(no_id), None);
        }
    }
}
