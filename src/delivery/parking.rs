//! Parking: a trouble that is the destination's, not one delivery's. All of its deliveries wait, and none uses up a try.
//!
//! Credentials that do not hold (or a secret that is not set): one delivery at a time asks again, ever more slowly, and
//! all of them go on as soon as one gets through. Too many calls: all wait for as long as the vendor says.

use serde::{Deserialize, Serialize};

use crate::crm::{Trouble, Why};

use super::schedule;

const MINUTE: u64 = 60 * 1000;

/// How long a parked destination waits between two probes, milliseconds; the last one repeats.
const PROBES: &[u64] = &[MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/// Why and since when a destination is parked. The stored format is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parking {
    /// What stands in the way.
    pub trouble: Trouble,
    /// Since when, milliseconds since 1970.
    pub since: i64,
    /// Probes that failed.
    pub probes: u32,
    /// When it is tried again.
    pub until: i64,
}

/// Whether this trouble parks its destination.
pub const fn parks(why: Why) -> bool {
    matches!(why, Why::Credentials | Why::Config | Why::RateLimited)
}

impl Parking {
    /// Parks a destination, or parks it on: `earlier` is where it stood. `retry` is the operator's own schedule, which
    /// then times the probes, too. `jitter` is in `0.0..1.0`.
    pub fn after(trouble: Trouble, earlier: Option<&Self>, retry: Option<&[u64]>, now: i64, jitter: f64) -> Self {
        let same = earlier.filter(|earlier| earlier.trouble.why == trouble.why);
        let probes = same.map_or(0, |earlier| earlier.probes);
        let pause = if trouble.why == Why::RateLimited {
            schedule::free_pause(trouble.wait_ms, jitter)
        } else {
            let pauses = retry.filter(|retry| !retry.is_empty()).unwrap_or(PROBES);
            let index = usize::try_from(probes).unwrap_or(usize::MAX).min(pauses.len() - 1);
            trouble.wait_ms.unwrap_or(pauses[index])
        };
        let since = same.map_or(now, |earlier| earlier.since);
        let until = now.saturating_add(i64::try_from(pause).unwrap_or(i64::MAX));
        Self { trouble, since, probes: probes + 1, until }
    }

    /// Whether only one delivery at a time may ask again; else all may go on when the wait is over.
    pub fn needs_probe(&self) -> bool {
        self.trouble.why != Why::RateLimited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_probed_ever_more_slowly_until_half_an_hour() {
        let mut parking: Option<Parking> = None;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let next = Parking::after(Trouble::new(Why::Credentials, ""), parking.as_ref(), None, 0, 0.5);
            pauses.push(next.until / 60_000);
            parking = Some(next);
        }
        assert_eq!(pauses, [1, 5, 15, 30, 30, 30]);
        assert!(parking.unwrap().needs_probe());
    }

    #[test]
    fn too_many_calls_wait_as_the_vendor_says_and_another_trouble_starts_over() {
        let busy = Trouble::new(Why::RateLimited, "").wait(Some(7_000));
        let parking = Parking::after(busy, None, None, 1_000, 0.0);
        assert_eq!((parking.until, parking.needs_probe()), (8_000, false));
        let next = Parking::after(Trouble::new(Why::Credentials, ""), Some(&parking), None, 9_000, 0.0);
        assert_eq!((next.since, next.probes, next.until), (9_000, 1, 69_000));
    }

    #[test]
    fn stored_format_has_not_drifted() {
        let parking = Parking { trouble: Trouble::new(Why::Credentials, "401"), since: 1, probes: 2, until: 3 };
        let stored = r#"{"trouble":{"why":"credentials","detail":"401"},"since":1,"probes":2,"until":3}"#;
        assert_eq!(serde_json::to_string(&parking).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Parking>(stored).unwrap(), parking);
    }
}
