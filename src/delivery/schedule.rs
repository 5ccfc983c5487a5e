//! When a Delivery is tried again: a pure function of schedule, attempts used up, hint and jitter.

use crate::connectors::Failure;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The pauses between attempts, in milliseconds: the first is made at once, the last three and a half days later.
pub const SCHEDULE: &[u64] = &[
    5 * SECOND,
    30 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

/// The shortest: a hint of nothing must not become a loop.
const SHORTEST_HINT: u64 = SECOND;

/// The wait after too many calls when the vendor does not say how long.
const DEFAULT_WAIT: u64 = 30 * SECOND;

/// The pause after `attempts` attempts, in milliseconds, jittered by at most a tenth; `None` when the schedule is used up.
///
/// `jitter` is a random number in `0.0..1.0`. A vendor's hint makes the pause longer, never shorter: a vendor that is down
/// for days and says "in five seconds" each time would otherwise use up the schedule in a minute.
pub fn pause(schedule: &[u64], attempts: u32, hint_ms: Option<u64>, jitter: f64) -> Option<i64> {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
    let planned = signed(stretch(*schedule.get(index)?, 0.9 + 0.2 * jitter));
    Some(hint_ms.map_or(planned, |hint| planned.max(hinted_ms(Some(hint), jitter))))
}

/// How long to wait when a vendor asks for `hint_ms`, in milliseconds: at most six hours. It is only made longer, by up to
/// a tenth, so that many deliveries do not come back at one moment.
pub fn hinted_ms(hint_ms: Option<u64>, jitter: f64) -> i64 {
    let hint = hint_ms.unwrap_or(DEFAULT_WAIT).clamp(SHORTEST_HINT, Failure::LONGEST_WAIT_MS);
    signed(stretch(hint, 1.0 + 0.1 * jitter))
}

fn signed(pause: u64) -> i64 {
    i64::try_from(pause).unwrap_or(i64::MAX)
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pauses are below 2^53 ms, factors between 0.9 and 1.1"
)]
fn stretch(pause: u64, factor: f64) -> u64 {
    (pause as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_takes_days_and_then_ends() {
        let pauses: Vec<_> = (1..=12).map(|attempts| pause(SCHEDULE, attempts, None, 0.5)).collect();
        let seconds = [5, 30, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 50_400, 72_000, 86_400];
        let expected: Vec<_> = seconds.map(|pause| Some(pause * 1_000)).into_iter().chain([None]).collect();
        assert_eq!(pauses, expected);
        // A vendor that says "in five seconds" each time does not use up the days.
        for hint in [0, 5_000, 120_000] {
            let total: i64 = (1..=11).filter_map(|attempts| pause(SCHEDULE, attempts, Some(hint), 0.0)).sum();
            assert!(total >= 3 * 24 * 3_600_000, "{hint}: {total}");
        }
    }

    #[test]
    fn jitter_and_hints() {
        for (hint, jitter, expected) in [
            (None, 0.0, 9_000),
            (None, 0.999, 10_998),
            (Some(60_000), 0.0, 60_000),
            (Some(60_000), 0.999, 65_994),
            (Some(1_000), 0.5, 10_000),
            (Some(u64::MAX), 0.0, 21_600_000),
        ] {
            assert_eq!(pause(&[10_000], 1, hint, jitter), Some(expected), "{hint:?} {jitter}");
        }
        assert_eq!([Some(2_000), None, Some(0)].map(|hint| hinted_ms(hint, 0.0)), [2_000, 30_000, 1_000]);
    }
}
