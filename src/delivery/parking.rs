//! Parking: a trouble that is the destination's, not one delivery's. All of its deliveries wait, and none uses up a try.
//!
//! Credentials that do not hold (or a secret that is not set): one delivery at a time asks again, ever more slowly, and
//! all of them go on as soon as one gets through. Too many calls: all wait for as long as the vendor says.
//!
//! It has nothing to do with the state [`Parked`](super::State::Parked) of a single delivery.

use serde::{Deserialize, Serialize};

use crate::crm::{Trouble, Why};

use super::schedule;

const MINUTE: u64 = 60 * 1000;

/// How long a parked destination waits between two probes, milliseconds; the last one repeats.
const PROBES: &[u64] = &[MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/// The shortest pause between two probes, whatever the operator's own schedule says: one of `"0s"` would become a loop.
const SHORTEST_PROBE: u64 = 100;

/// Why and since when a destination is parked. The stored format is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parking {
    /// What stands in the way.
    pub trouble: Trouble,
    /// Since when, milliseconds since 1970.
    pub since: i64,
    /// Probes that failed: the first, and those that asked a lead again.
    pub probes: u32,
    /// When it is tried again.
    pub until: i64,
    /// A mark of the credentials that were turned away: with others, there is no reason to wait.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credentials: String,
}

/// Whether this trouble parks its destination.
pub const fn parks(why: Why) -> bool {
    matches!(why, Why::Credentials | Why::Config | Why::RateLimited)
}

impl Parking {
    /// Parks a destination, or parks it on: `earlier` is where it stood. `retry` is the operator's own schedule, which
    /// then times the probes, too. `jitter` is in `0.0..1.0`.
    ///
    /// A lead that is asked for the first time (`is_first`) may be one that a firewall does not like, so it makes no later
    /// probe slower: twenty of those would hold up an honest one for a day.
    ///
    /// Several calls may be under way when the first is turned away. Those that come back while the destination is parked
    /// already are no probes, and make no later probe slower.
    pub fn after(
        trouble: Trouble,
        is_first: bool,
        earlier: Option<&Self>,
        retry: Option<&[u64]>,
        now: i64,
        jitter: f64,
    ) -> Self {
        let parked_until = earlier.map_or(i64::MIN, |earlier| earlier.until);
        let until = |pause: u64| now.saturating_add(i64::try_from(pause).unwrap_or(i64::MAX)).max(parked_until);
        // (1) Too many calls: all wait for as long as the vendor says. That says nothing about the credentials: when these
        // did not hold, they still have to be shown to.
        if trouble.why == Why::RateLimited {
            let until = until(schedule::free_pause(trouble.wait_ms, jitter));
            if let Some(earlier) = earlier.filter(|earlier| earlier.needs_person()) {
                return Self { until, ..earlier.clone() };
            }
            let since = earlier.map_or(now, |earlier| earlier.since);
            return Self { trouble, since, probes: 0, until, credentials: String::new() };
        }
        // (2) Parked for the same already: a call that was under way, and no probe.
        let same = earlier.filter(|earlier| earlier.trouble.why == trouble.why);
        if let Some(parked) = same.filter(|same| same.until > now) {
            return parked.clone();
        }
        // (3) A probe that failed, or the first call.
        let failed = same.map_or(0, |same| same.probes);
        let pauses = retry.filter(|retry| !retry.is_empty()).unwrap_or(PROBES);
        let slower = if is_first { 0 } else { usize::try_from(failed).unwrap_or(usize::MAX) };
        let pause = pauses[slower.min(pauses.len() - 1)];
        let vendors = trouble.wait_ms.map_or(0, |wait| schedule::free_pause(Some(wait), jitter));
        let until = until(pause.max(vendors).max(SHORTEST_PROBE));
        let probes = if is_first { failed.max(1) } else { failed + 1 };
        Self { trouble, since: same.map_or(now, |same| same.since), probes, until, credentials: String::new() }
    }

    /// Whether it was parked with other credentials than these: they may be better.
    pub fn is_outdated(&self, credentials: &str) -> bool {
        self.needs_person() && self.credentials != credentials
    }

    /// Whether it ends only when a person does something; else the vendor's wait ends it.
    pub fn needs_person(&self) -> bool {
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
        let mut now = 0;
        for _ in 0..6 {
            let next = Parking::after(Trouble::new(Why::Credentials, ""), false, parking.as_ref(), None, now, 0.5);
            pauses.push((next.until - now) / 60_000);
            now = next.until;
            parking = Some(next);
        }
        assert_eq!(pauses, [1, 5, 15, 30, 30, 30]);
        let of_its_own =
            |retry| Parking::after(Trouble::new(Why::Credentials, ""), false, None, Some(retry), 0, 0.5).until;
        assert_eq!((of_its_own(&[5_000]), of_its_own(&[])), (5_000, 60_000));
        assert!(parking.unwrap().needs_person());
    }

    #[test]
    fn a_lead_that_is_asked_for_the_first_time_makes_no_later_probe_slower() {
        let mut parking: Option<Parking> = None;
        let mut pauses = Vec::new();
        for is_first in [true, true, true, false, true, false, false, true] {
            let now = parking.as_ref().map_or(0, |parking| parking.until);
            let next = Parking::after(Trouble::new(Why::Credentials, ""), is_first, parking.as_ref(), None, now, 0.5);
            pauses.push((next.until - now) / 60_000);
            parking = Some(next);
        }
        assert_eq!(pauses, [1, 1, 1, 5, 1, 15, 30, 1]);
    }

    #[test]
    fn a_schedule_of_no_pauses_is_no_loop() {
        let turned_away = Trouble::new(Why::Credentials, "");
        assert_eq!(Parking::after(turned_away, false, None, Some(&[0]), 5, 0.0).until, 5 + 100);
    }

    #[test]
    fn calls_that_were_under_way_together_are_one_probe() {
        let turned_away = || Trouble::new(Why::Credentials, "");
        let first = Parking::after(turned_away(), false, None, None, 1_000, 0.5);
        let mut parking = first.clone();
        for now in 1_001..1_006 {
            parking = Parking::after(turned_away(), false, Some(&parking), None, now, 0.5);
        }
        assert_eq!(parking, first);
    }

    #[test]
    fn too_many_calls_do_not_make_bad_credentials_good() {
        let parking = Parking::after(Trouble::new(Why::Credentials, "401"), false, None, None, 0, 0.0);
        let busy = Trouble::new(Why::RateLimited, "").wait(Some(90_000));
        assert_eq!(Parking::after(busy, false, Some(&parking), None, 1, 0.0), Parking { until: 90_001, ..parking });
    }

    #[test]
    fn a_vendors_wait_is_clamped_and_never_shortens_the_one_before() {
        let wait = |ms| Trouble::new(Why::Credentials, "").wait(Some(ms));
        assert_eq!(Parking::after(wait(0), false, None, None, 0, 0.0).until, 60_000, "it is asked slowly all the same");
        assert_eq!(Parking::after(wait(u64::MAX), false, None, None, 0, 0.0).until, 24 * 60 * 60 * 1000);
        let busy = |ms| Trouble::new(Why::RateLimited, "").wait(Some(ms));
        let long = Parking::after(busy(50_000), false, None, None, 0, 0.0);
        assert_eq!(Parking::after(busy(2_000), false, Some(&long), None, 10, 0.0).until, 50_000);
        assert_eq!(Parking::after(busy(2_000), false, Some(&long), None, 50_000, 0.0).until, 52_000);
    }

    #[test]
    fn too_many_calls_wait_as_the_vendor_says_and_another_trouble_starts_over() {
        let busy = Trouble::new(Why::RateLimited, "").wait(Some(7_000));
        let parking = Parking::after(busy, false, None, None, 1_000, 0.0);
        assert_eq!((parking.until, parking.needs_person()), (8_000, false));
        let next = Parking::after(Trouble::new(Why::Credentials, ""), false, Some(&parking), None, 9_000, 0.0);
        assert_eq!((next.since, next.probes, next.until), (9_000, 1, 69_000));
    }

    #[test]
    fn stored_format_has_not_drifted() {
        let trouble = Trouble::new(Why::Credentials, "401");
        let parking = Parking { trouble, since: 1, probes: 2, until: 3, credentials: "1a2b".into() };
        let stored =
            r#"{"trouble":{"why":"credentials","detail":"401"},"since":1,"probes":2,"until":3,"credentials":"1a2b"}"#;
        assert_eq!(serde_json::to_string(&parking).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Parking>(stored).unwrap(), parking);
    }
}
