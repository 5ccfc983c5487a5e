//! What a vendor needs and offers, as data.

use serde_json::Value as Json;

use crate::domain::settings::millis;

use super::response::Format;
use super::{AnyConnector, Opt, Options, Record, Secret};

/// What a vendor needs and offers, as data.
#[derive(Debug)]
pub struct Descriptor {
    /// The config's word for it: `type = "stateset"`.
    pub name: &'static str,
    /// The vendor's name as people write it.
    pub title: &'static str,
    /// The records it can create; the first is the default of the key `record`.
    pub records: &'static [Record],
    /// Secrets that a destination reads, without the destination's name in front.
    pub secrets: &'static [Secret],
    /// The documented limit of calls; `None` when the vendor documents none.
    pub pace: Option<Pace>,
    /// The keys of a destination's table besides the common ones.
    pub options: &'static [Opt],
    /// Whether a JSON body is in the API's own format. A proxy's `{"error":"forbidden"}` must not pass.
    pub is_own_format: fn(&Json) -> bool,
    /// The vendor's message in such a body, for the operator.
    pub message: fn(&Json) -> Option<String>,
    /// Reads the options of a destination of this name; `None` when they have errors.
    pub build: fn(&str, &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>>,
}

impl Descriptor {
    /// How to tell the API's own responses.
    pub const fn format(&self) -> Format {
        Format { is_own: self.is_own_format, message: self.message }
    }
}

/// How many calls a destination may get in a window of time: at most `points`; an ordinary call costs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The points in a window.
    pub points: u32,
    /// The window's length, in milliseconds.
    pub window_ms: u64,
}

impl Pace {
    const MOST_POINTS: u32 = 10_000;

    /// Parses `"100/10s"`; `None` when it is malformed or out of range.
    pub fn parse(text: &str) -> Option<Self> {
        let (points, window) = text.split_once('/')?;
        let points = points.trim().parse().ok().filter(|points| (1..=Self::MOST_POINTS).contains(points))?;
        let window_ms = millis(window).filter(|ms| (1..=3_600_000).contains(ms))?;
        Some(Self { points, window_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_is_calls_and_a_window() {
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
