//! Which deliveries start next: the slots of an Outbox, shared among the destinations that have work.
//!
//! No slot is idle while something is due, with one exception: the last slot goes only to a vendor that answers quickly, so
//! that a lead for another does not wait while a slow one has them all. A slow one gets one slot, and after each call it rests
//! while others need the slots.

/// Cloudflare opens six connections at a time for one object; a seventh would wait unseen.
pub const SLOTS: usize = 6;

/// A call that takes longer than this is slow, in milliseconds.
pub const SLOW_MS: i64 = 1_000;

/// How a destination answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// It was not called yet.
    Unknown,
    /// Its last call took less than [`SLOW_MS`].
    Quick,
    /// Its last call took longer, or one is out for longer.
    Slow,
}

/// A destination of the Outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub destination: String,
    /// When its next delivery is due, milliseconds since 1970; `None` when none is pending.
    pub next_at: Option<i64>,
    /// How many of its deliveries are under way.
    pub running: usize,
    /// How many more may start while it is paused; `None`: no pause.
    pub allowance: Option<usize>,
    /// How it answers.
    pub speed: Speed,
    /// It gets only a slot that no other needs.
    pub is_resting: bool,
}

impl Lane {
    fn is_due(&self, now: i64) -> bool {
        self.next_at.is_some_and(|at| at <= now) && self.allowance != Some(0)
    }
}

/// How many deliveries each lane may start now; lanes without a start are left out. A free slot goes to the lane with the
/// fewest under way, then to the one whose delivery is due longest.
pub fn starts(lanes: &[Lane], now: i64) -> Vec<(&Lane, usize)> {
    let mut free = SLOTS.saturating_sub(lanes.iter().map(|lane| lane.running).sum());
    let mut waiting: Vec<(&Lane, usize)> = lanes.iter().filter(|lane| lane.is_due(now)).map(|lane| (lane, 0)).collect();
    let mut is_others_turn = true;
    while free > 0 {
        let open = waiting.iter_mut().filter(|(lane, starts)| {
            let may = lane.allowance.is_none_or(|allowance| *starts < allowance);
            may && !(lane.is_resting && is_others_turn)
                && match lane.speed {
                    Speed::Quick => true,
                    Speed::Unknown => free > 1 || lane.running + *starts == 0,
                    Speed::Slow => lane.running + *starts == 0,
                }
        });
        match open.min_by_key(|(lane, starts)| (lane.running + *starts, lane.next_at)) {
            Some((_, starts)) => (*starts, free) = (*starts + 1, free - 1),
            None if is_others_turn => is_others_turn = false,
            None => break,
        }
    }
    waiting.retain(|(_, starts)| *starts > 0);
    waiting
}

#[cfg(test)]
mod tests {
    use super::Speed::{Quick, Slow, Unknown};
    use super::*;

    /// `(destination, under way, due at, allowance, speed)` of each lane -> what starts at 1000.
    type Row<'a> = (&'a str, usize, Option<i64>, Option<usize>, Speed);
    type Case<'a> = (&'a [Row<'a>], &'a [(&'a str, usize)]);

    #[test]
    fn slots_are_shared_among_destinations_with_work() {
        let rows: [Case<'_>; 12] = [
            (&[("a", 0, Some(0), None, Quick)], &[("a", 6)]),
            (&[("a", 0, Some(0), None, Unknown)], &[("a", 5)]),
            (&[("a", 5, Some(0), None, Unknown)], &[]),
            (&[("a", 5, Some(0), None, Unknown), ("b", 0, Some(0), None, Unknown)], &[("b", 1)]),
            (&[("a", 0, Some(0), None, Slow), ("b", 0, None, None, Unknown)], &[("a", 1)]),
            (&[("a", 0, Some(0), None, Quick), ("b", 0, Some(0), None, Quick)], &[("a", 3), ("b", 3)]),
            // Destinations without work hold no slot.
            (&[("a", 0, Some(0), None, Quick), ("b", 0, Some(2_000), None, Quick)], &[("a", 6)]),
            (&[("a", 1, Some(0), None, Slow), ("b", 0, Some(0), None, Quick)], &[("b", 5)]),
            (&[("a", 3, Some(0), None, Quick), ("b", 0, Some(0), None, Quick)], &[("b", 3)]),
            // The only free slot is for the lane with fewer under way, though the other waits longer.
            (
                &[("a", 1, Some(0), None, Quick), ("b", 0, Some(5), None, Quick), ("c", 4, Some(0), None, Quick)],
                &[("b", 1)],
            ),
            (&[("a", 0, Some(0), Some(0), Quick)], &[]),
            (&[("a", 0, Some(0), Some(2), Quick), ("b", 0, Some(0), None, Quick)], &[("a", 2), ("b", 4)]),
        ];
        for (lanes, expected) in rows {
            let lanes: Vec<Lane> = lanes
                .iter()
                .map(|(name, running, next_at, allowance, speed)| Lane {
                    destination: (*name).to_owned(),
                    next_at: *next_at,
                    running: *running,
                    allowance: *allowance,
                    speed: *speed,
                    is_resting: false,
                })
                .collect();
            let found: Vec<_> =
                starts(&lanes, 1_000).into_iter().map(|(lane, count)| (lane.destination.as_str(), count)).collect();
            assert_eq!(found, expected, "{lanes:?}");
        }
    }

    #[test]
    fn one_that_rests_gets_only_a_slot_that_no_other_needs() {
        let lane = |destination: &str, next_at, speed, is_resting| Lane {
            destination: destination.to_owned(),
            next_at: Some(next_at),
            running: 0,
            allowance: None,
            speed,
            is_resting,
        };
        for (is_resting, quick_at, expected) in
            [(true, 0, &[("quick", 6)][..]), (true, 2_000, &[("slow", 1)]), (false, 0, &[("slow", 1), ("quick", 5)])]
        {
            let lanes = [lane("slow", 0, Slow, is_resting), lane("quick", quick_at, Quick, false)];
            let found = starts(&lanes, 1_000);
            let found: Vec<_> = found.iter().map(|(lane, count)| (lane.destination.as_str(), *count)).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn more_destinations_than_slots_take_turns_by_how_long_they_wait() {
        let lane = |name: usize| Lane {
            destination: name.to_string(),
            next_at: Some(i64::try_from(10 - name).unwrap()),
            running: 0,
            allowance: None,
            speed: Unknown,
            is_resting: false,
        };
        let lanes: Vec<Lane> = (0..7).map(lane).collect();
        let started: Vec<_> = starts(&lanes, 1_000).iter().map(|(lane, _)| lane.destination.clone()).collect();
        assert_eq!(started, ["1", "2", "3", "4", "5", "6"]);
    }
}
