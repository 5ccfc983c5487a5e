//! Which deliveries start next: the slots of an Outbox, shared among the destinations that have work.
//!
//! One slot stays free for the next destination that gets work: its lead does not wait while one slow vendor has the others.

/// Cloudflare opens six connections at a time for one object; a seventh would wait unseen.
pub const SLOTS: usize = 6;

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
}

impl Lane {
    fn is_due(&self, now: i64) -> bool {
        self.next_at.is_some_and(|at| at <= now) && self.allowance != Some(0)
    }
}

/// How many deliveries each lane may start now; lanes without a start are left out. A free slot goes to the lane with the
/// fewest under way, then to the one whose delivery is due longest.
pub fn starts(lanes: &[Lane], now: i64) -> Vec<(&Lane, usize)> {
    let working = lanes.iter().filter(|lane| lane.is_due(now) || lane.running > 0).count();
    let kept_free = usize::from(working < lanes.len());
    let share = ((SLOTS - kept_free) / working.max(1)).max(1);
    let mut free = SLOTS.saturating_sub(lanes.iter().map(|lane| lane.running).sum());
    let mut waiting: Vec<(&Lane, usize)> = lanes.iter().filter(|lane| lane.is_due(now)).map(|lane| (lane, 0)).collect();
    while free > 0 {
        let open = waiting.iter_mut().filter(|(lane, starts)| {
            lane.running + *starts < share && lane.allowance.is_none_or(|allowance| *starts < allowance)
        });
        let Some((_, starts)) = open.min_by_key(|(lane, starts)| (lane.running + *starts, lane.next_at)) else { break };
        *starts += 1;
        free -= 1;
    }
    waiting.retain(|(_, starts)| *starts > 0);
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(destination, under way, due at, allowance)` of each lane -> what starts at 1000.
    type Row<'a> = (&'a str, usize, Option<i64>, Option<usize>);
    type Case<'a> = (&'a [Row<'a>], &'a [(&'a str, usize)]);

    #[test]
    fn slots_are_shared_among_destinations_with_work() {
        let rows: [Case<'_>; 9] = [
            (&[("a", 0, Some(0), None)], &[("a", 6)]),
            (&[("a", 0, Some(0), None), ("b", 0, Some(0), None)], &[("a", 3), ("b", 3)]),
            // One slot stays free for the destination without work, however many there are.
            (&[("a", 0, Some(0), None), ("b", 0, Some(2_000), None)], &[("a", 5)]),
            (&[("a", 0, Some(0), None), ("b", 0, None, None), ("c", 0, None, None)], &[("a", 5)]),
            (&[("a", 5, Some(0), None), ("b", 0, Some(0), None)], &[("b", 1)]),
            (&[("a", 3, Some(0), None), ("b", 0, Some(0), None)], &[("b", 3)]),
            // The only free slot is for the lane with fewer under way, though the other waits longer.
            (&[("a", 1, Some(0), None), ("b", 0, Some(5), None), ("c", 4, Some(0), None)], &[("b", 1)]),
            (&[("a", 0, Some(0), Some(0))], &[]),
            (&[("a", 0, Some(0), Some(2)), ("b", 0, Some(0), None)], &[("a", 2), ("b", 3)]),
        ];
        for (lanes, expected) in rows {
            let lanes: Vec<Lane> = lanes
                .iter()
                .map(|(name, running, next_at, allowance)| Lane {
                    destination: (*name).to_owned(),
                    next_at: *next_at,
                    running: *running,
                    allowance: *allowance,
                })
                .collect();
            let found: Vec<_> =
                starts(&lanes, 1_000).into_iter().map(|(lane, count)| (lane.destination.as_str(), count)).collect();
            assert_eq!(found, expected, "{lanes:?}");
        }
    }

    #[test]
    fn more_destinations_than_slots_take_turns_by_how_long_they_wait() {
        let lane = |name: usize| Lane {
            destination: name.to_string(),
            next_at: Some(i64::try_from(10 - name).unwrap()),
            running: 0,
            allowance: None,
        };
        let lanes: Vec<Lane> = (0..7).map(lane).collect();
        let started: Vec<_> = starts(&lanes, 1_000).iter().map(|(lane, _)| lane.destination.clone()).collect();
        assert_eq!(started, ["1", "2", "3", "4", "5", "6"]);
    }
}
