//! Pacing: how many calls a destination may get in a stretch of time, as its vendor documents.
//!
//! It lives in memory and starts empty with its object: after a restart a vendor may see more than its limit, says so,
//! and is believed. Several outboxes that share one account do not know of each other; there, too, the vendor's "too
//! many" and its wait keep the peace.

use std::collections::VecDeque;

use crate::config::Pace;

/// What was spent lately.
#[derive(Debug, Default)]
pub struct Pacer {
    /// When, and how much; oldest first.
    spent: VecDeque<(i64, u32)>,
}

impl Pacer {
    /// How long to wait before a call of this cost may leave, milliseconds; 0: now.
    pub fn wait(&mut self, pace: Pace, cost: u32, now: i64) -> u64 {
        let window = i64::try_from(pace.window_ms).unwrap_or(i64::MAX);
        // A clock that was set back must not hold up calls for longer than a window.
        self.spent.retain(|(at, _)| *at <= now && *at > now.saturating_sub(window));
        let cost = cost.min(pace.points);
        let mut held: u32 = self.spent.iter().map(|(_, cost)| *cost).sum();
        for (at, cost_then) in &self.spent {
            if held + cost <= pace.points {
                return 0;
            }
            held -= cost_then;
            if held + cost <= pace.points {
                return u64::try_from(at + window - now).unwrap_or(0).max(1);
            }
        }
        0
    }

    /// A call of this cost leaves now.
    pub fn spend(&mut self, cost: u32, now: i64) {
        self.spent.push_back((now, cost));
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
            assert_eq!(pacer.wait(PACE, 1, at), 0);
            pacer.spend(1, at);
        }
        // Five more fit; a search has to wait until the fifth oldest call is out of the window.
        assert_eq!(pacer.wait(PACE, 5, 95), 0);
        assert_eq!(pacer.wait(PACE, 10, 95), 10_000 + 4 - 95);
        assert_eq!(pacer.wait(PACE, 10, 10_004), 0);
    }

    #[test]
    fn a_call_dearer_than_the_whole_pace_waits_for_an_empty_window() {
        let mut pacer = Pacer::default();
        let pace = Pace { points: 5, window_ms: 1_000 };
        assert_eq!(pacer.wait(pace, 10, 0), 0);
        pacer.spend(10, 0);
        assert_eq!(pacer.wait(pace, 10, 400), 600);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_up_nothing() {
        let mut pacer = Pacer::default();
        pacer.spend(100, 1_000_000);
        assert_eq!(pacer.wait(PACE, 1, 5), 0);
    }

    proptest! {
        /// Whoever waits as told never has more than the pace in any window.
        #[test]
        fn no_window_holds_more_than_the_pace(costs in prop::collection::vec((1_u32..20, 0_i64..3_000), 1..200)) {
            let pace = Pace { points: 25, window_ms: 5_000 };
            let (mut pacer, mut now, mut sent) = (Pacer::default(), 0_i64, Vec::new());
            for (cost, pause) in costs {
                now += pause;
                while let wait @ 1.. = pacer.wait(pace, cost, now) {
                    now += i64::try_from(wait).unwrap();
                }
                pacer.spend(cost, now);
                sent.push((now, cost));
                let window: u32 = sent.iter().filter(|(at, _)| *at > now - 5_000).map(|(_, cost)| *cost).sum();
                prop_assert!(window <= 25, "{window} points at {now}");
            }
        }
    }
}
