//! Pacing: how many calls a destination may get in a stretch of time, as its vendor documents.
//!
//! It lives in memory and starts empty with its object: after a restart a vendor may see more than its limit, says so,
//! and is believed. The shards of a form share a pace evenly. Forms that share one account do not know of each other; there, too,
//! the vendor's "too many" and its wait keep the peace.

use std::collections::VecDeque;

use crate::connectors::Pace;

use super::queue::SLOTS;

impl Pace {
    /// The share of one of so many Outboxes, which do not know of each other.
    #[must_use]
    pub fn divided(self, shards: u32) -> Self {
        let shards = shards.max(1);
        match self.points / shards {
            0 => Self { points: 1, window_ms: self.window_ms * u64::from(shards) / u64::from(self.points.max(1)) },
            points => Self { points, ..self },
        }
    }
}

/// The calls of the last window, and those that wait for their turn.
#[derive(Debug, Default)]
pub struct Pacer {
    /// When each leaves or left, and its cost; in the order of time.
    booked: VecDeque<(i64, u32)>,
}

impl Pacer {
    /// Books a call of this cost behind all that were booked before, and returns how long it has to wait, milliseconds. So an
    /// expensive call waits for its turn only: cheap ones cannot overtake it.
    pub fn book(&mut self, pace: Pace, cost: u32, now: i64) -> u64 {
        let window = i64::try_from(pace.window_ms).unwrap_or(i64::MAX);
        // Nobody books further ahead than everyone under way together. What stands there comes from before the clock was
        // set back, and holds up nothing.
        let farthest = now.saturating_add(window.saturating_mul(i64::try_from(SLOTS).unwrap_or(i64::MAX)));
        self.booked.retain(|(at, _)| *at > now.saturating_sub(window) && *at <= farthest);
        let cost = cost.min(pace.points);
        let mut at = self.booked.back().map_or(now, |(last, _)| now.max(*last));
        let mut held: u32 = self.booked.iter().map(|(_, cost)| *cost).sum();
        for (earlier, points) in &self.booked {
            if earlier + window > at {
                if held + cost <= pace.points {
                    break;
                }
                at = earlier + window;
            }
            held -= points;
        }
        self.booked.push_back((at, cost));
        u64::try_from(at - now).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACE: Pace = Pace { points: 100, window_ms: 10_000 };

    #[test]
    fn a_search_of_ten_points_waits_for_ten_points() {
        let mut pacer = Pacer::default();
        for at in 0..95 {
            assert_eq!(pacer.book(PACE, 1, at), 0);
        }
        // Five points are free; a search has to wait until the fifth oldest call is out of the window.
        assert_eq!(pacer.book(PACE, 10, 95), 10_000 + 4 - 95);
        // A later call leaves after it.
        assert_eq!(pacer.book(PACE, 1, 95), 10_000 + 5 - 95);
    }

    #[test]
    fn a_call_that_costs_more_than_the_whole_pace_waits_for_an_empty_window() {
        let mut pacer = Pacer::default();
        let pace = Pace { points: 5, window_ms: 1_000 };
        assert_eq!(pacer.book(pace, 10, 0), 0);
        assert_eq!(pacer.book(pace, 10, 400), 600);
        assert_eq!(pacer.book(pace, 1, 400), 1_600);
    }

    #[test]
    fn shards_share_a_pace() {
        for (points, window_ms, shards, share) in [
            (25, 5_000, 1, (25, 5_000)),
            (25, 5_000, 4, (6, 5_000)),
            (1, 1_000, 4, (1, 4_000)),
            (3, 1_000, 4, (1, 1_333)),
        ] {
            let found = Pace { points, window_ms }.divided(shards);
            assert_eq!((found.points, found.window_ms), share);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_holds_up_nothing() {
        let mut pacer = Pacer::default();
        pacer.book(PACE, 100, 1_000_000);
        assert_eq!(pacer.book(PACE, 1, 5), 0);
    }

    proptest! {
        /// Calls that wait as booked stay within the pace in any window, and leave in the order of booking.
        #[test]
        fn no_window_holds_more_than_the_pace(costs in prop::collection::vec((1_u32..20, 0_i64..3_000), 1..200)) {
            let pace = Pace { points: 25, window_ms: 5_000 };
            let (mut pacer, mut now, mut sent) = (Pacer::default(), 0_i64, Vec::<(i64, u32)>::new());
            for (cost, pause) in costs {
                // No more are under way at a time than there are slots.
                let oldest_under_way = sent.len().checked_sub(SLOTS).map_or(0, |at| sent[at].0);
                now = (now + pause).max(oldest_under_way);
                let at = now + i64::try_from(pacer.book(pace, cost, now)).unwrap();
                prop_assert!(sent.last().is_none_or(|(last, _)| *last <= at));
                sent.push((at, cost));
                let window: u32 = sent.iter().filter(|(earlier, _)| *earlier > at - 5_000).map(|(_, cost)| *cost).sum();
                prop_assert!(window <= 25, "{window} points at {at}");
            }
        }
    }
}
