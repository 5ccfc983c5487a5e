//! When a Delivery is tried again: a pure function of schedule, tries used up, hint and jitter.

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The pauses between tries, in milliseconds: the first try is made at once, the last three and a half days later.
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

/// The longest wait that a vendor can ask for.
const LONGEST_HINT: u64 = 24 * HOUR;

/// The shortest: a hint of nothing must not become a loop.
const SHORTEST_HINT: u64 = SECOND;

/// The pause after a try that used up nothing (too many calls, a setting that is missing) when nobody says how long.
const STANDING_PAUSE: u64 = 30 * SECOND;

/// The pause after `attempts` tries, jittered by at most a tenth; `None` when the schedule is used up.
///
/// `jitter` is a random number in `0.0..1.0`. A vendor's hint makes the pause longer, never shorter: a vendor that is down
/// for days and says "in five seconds" each time would else use up the schedule in a minute. The hint itself is only made
/// longer too, by up to a tenth, so that many deliveries do not come back at one moment.
pub fn pause(schedule: &[u64], attempts: u32, hint_ms: Option<u64>, jitter: f64) -> Option<u64> {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
    let planned = *schedule.get(index)?;
    let planned = stretch(planned, 0.9 + 0.2 * jitter);
    Some(hint_ms.map_or(planned, |hint| planned.max(hinted(hint, jitter))))
}

/// The pause after a try that used up no attempt.
pub fn free_pause(hint_ms: Option<u64>, jitter: f64) -> u64 {
    hinted(hint_ms.unwrap_or(STANDING_PAUSE), jitter)
}

fn hinted(hint_ms: u64, jitter: f64) -> u64 {
    stretch(hint_ms.clamp(SHORTEST_HINT, LONGEST_HINT), 1.0 + 0.1 * jitter)
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
    fn the_schedule_is_walked_once_and_then_ends() {
        let pauses: Vec<_> = (1..=12).map(|attempts| pause(SCHEDULE, attempts, None, 0.5)).collect();
        let seconds = [5, 30, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 50_400, 72_000, 86_400];
        let expected: Vec<_> = seconds.map(|pause| Some(pause * 1_000)).into_iter().chain([None]).collect();
        assert_eq!(pauses, expected);
    }

    #[test]
    fn a_vendor_that_is_back_soon_each_time_does_not_use_up_the_days() {
        for hint in [0, 5_000, 120_000] {
            let total: u64 = (1..=11).filter_map(|attempts| pause(SCHEDULE, attempts, Some(hint), 0.0)).sum();
            assert!(total >= 3 * 24 * HOUR, "{hint}: {total}");
        }
    }

    #[test]
    fn jitter_is_a_tenth_either_way() {
        assert_eq!(pause(&[10_000], 1, None, 0.0), Some(9_000));
        assert_eq!(pause(&[10_000], 1, None, 0.999), Some(10_998));
    }

    #[test]
    fn a_hint_wins_is_never_shortened_and_is_clamped() {
        assert_eq!(pause(&[10_000], 1, Some(60_000), 0.0), Some(60_000));
        assert_eq!(pause(&[10_000], 1, Some(60_000), 0.999), Some(65_994));
        assert_eq!(pause(&[10_000], 1, Some(u64::MAX), 0.0), Some(LONGEST_HINT));
        assert_eq!(free_pause(Some(2_000), 0.0), 2_000);
        assert_eq!(free_pause(None, 0.0), STANDING_PAUSE);
        assert_eq!(free_pause(Some(0), 0.0), 1_000);
    }
}
