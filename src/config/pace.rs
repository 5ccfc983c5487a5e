//! How many calls a destination may get in a stretch of time, as the config writes it: `"100/10s"`.

use crate::domain::settings::duration;

/// At most `points` in `window_ms`; an ordinary call costs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Points in a window; at least one.
    pub points: u32,
    /// The window's length, milliseconds.
    pub window_ms: u64,
}

impl Pace {
    /// The most points that a pace may have.
    const MOST: u32 = 10_000;

    /// The pace that `text` writes; `None` when it is not a number of calls and a time up to an hour.
    pub fn parse(text: &str) -> Option<Self> {
        let (points, window) = text.split_once('/')?;
        let points = points.trim().parse().ok().filter(|points| (1..=Self::MOST).contains(points))?;
        let window_ms = duration::millis(window).filter(|ms| (1..=3_600_000).contains(ms))?;
        Some(Self { points, window_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_a_time() {
        for (text, expected) in [
            ("100/10s", Some((100, 10_000))),
            (" 25 / 5s", Some((25, 5_000))),
            ("0/5s", None),
            ("20000/5s", None),
            ("5/0s", None),
            ("5/2h", None),
            ("5", None),
            ("5s/5", None),
        ] {
            assert_eq!(Pace::parse(text).map(|pace| (pace.points, pace.window_ms)), expected, "{text}");
        }
    }
}
