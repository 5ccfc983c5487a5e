//! Times as the config writes them: `"200ms"`, `"5s"`, `"5min"`, `"2h"`, `"1d"`.

/// The units, each with its milliseconds. `m` alone is left out: it could be months.
const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The units, for error messages.
pub const UNIT_NAMES: &str = "ms, s, min, h, d";

/// The duration in milliseconds; `None` when `text` is not a whole number and a unit.
pub fn millis(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_are_named() {
        let names: Vec<_> = UNITS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.join(", "), UNIT_NAMES);
    }

    #[test]
    fn a_number_and_a_unit() {
        for (text, expected) in [
            ("200ms", Some(200)),
            ("5s", Some(5000)),
            ("5 min", Some(300_000)),
            (" 2h ", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("0s", Some(0)),
            ("5", None),
            ("s", None),
            ("5m", None),
            ("1.5h", None),
            ("-1s", None),
            ("5s5s", None),
            ("99999999999999999999s", None),
            ("99999999999999999d", None),
            ("", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
