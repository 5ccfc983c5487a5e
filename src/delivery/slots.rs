//! Who is tried next: the slots of an Outbox, shared among its Destinations.
//!
//! A destination never gets more than its share, so that one whose CRM hangs leaves room for the others even when nobody
//! else has work at the moment. One that said "too many" comes back with a single delivery, and only its success lets the
//! others through. Pure: time comes in as an argument.

/// Cloudflare opens six connections at a time for one object; a seventh would wait unseen.
pub const SLOTS: usize = 6;

/// A destination with work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The destination's name.
    pub destination: String,
    /// When its next delivery is due, milliseconds since 1970.
    pub next_at: i64,
    /// Until when nothing is sent to it; 0 when it was never asked to wait, or has been well since.
    pub paused_until: i64,
}

impl Lane {
    /// When something can be sent.
    pub fn ready_at(&self) -> i64 {
        self.next_at.max(self.paused_until)
    }

    /// How many of its deliveries may be under way, when `lanes` destinations share the slots.
    pub fn share(&self, lanes: usize) -> usize {
        if self.paused_until == 0 { (SLOTS / lanes.max(1)).max(1) } else { 1 }
    }
}

/// How many deliveries each lane may start now: `busy` gives what it has under way, `lanes` how many share the slots.
/// A free slot goes to whoever has the fewest under way, then to whoever waits longest. Lanes without a start are left out.
pub fn starts(ready: &[Lane], lanes: usize, busy: impl Fn(&str) -> usize, now: i64) -> Vec<(&Lane, usize)> {
    let mut free = SLOTS;
    let mut waiting: Vec<(&Lane, usize, usize)> = Vec::new();
    for lane in ready {
        let under_way = busy(&lane.destination);
        free = free.saturating_sub(under_way);
        if lane.ready_at() <= now {
            waiting.push((lane, under_way, 0));
        }
    }
    while free > 0 {
        let open = waiting.iter_mut().filter(|(lane, under_way, starts)| under_way + starts < lane.share(lanes));
        let Some((_, _, starts)) = open.min_by_key(|(lane, under_way, starts)| (under_way + *starts, lane.next_at))
        else {
            break;
        };
        *starts += 1;
        free -= 1;
    }
    waiting.into_iter().filter(|(_, _, starts)| *starts > 0).map(|(lane, _, starts)| (lane, starts)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(destination: &str, next_at: i64, paused_until: i64) -> Lane {
        Lane { destination: destination.into(), next_at, paused_until }
    }

    /// `(destination, under way, due at, paused until)` of each lane, and what starts at 1000.
    fn started(lanes: &[(&str, usize, i64, i64)]) -> Vec<(String, usize)> {
        let ready: Vec<Lane> = lanes.iter().map(|(name, _, next_at, paused)| lane(name, *next_at, *paused)).collect();
        let busy = |name: &str| lanes.iter().find(|lane| lane.0 == name).map_or(0, |lane| lane.1);
        let starts = starts(&ready, lanes.len(), busy, 1_000);
        starts.into_iter().map(|(lane, count)| (lane.destination.clone(), count)).collect()
    }

    fn expect(lanes: &[(&str, usize, i64, i64)], expected: &[(&str, usize)]) {
        let expected: Vec<_> = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        assert_eq!(started(lanes), expected, "{lanes:?}");
    }

    #[test]
    fn each_destination_has_its_share() {
        expect(&[("a", 0, 0, 0)], &[("a", 6)]);
        expect(&[("a", 0, 0, 0), ("b", 0, 0, 0)], &[("a", 3), ("b", 3)]);
        // One that has nothing to do at the moment keeps its share: work may come while the others hang.
        expect(&[("a", 0, 0, 0), ("b", 0, 2_000, 0)], &[("a", 3)]);
        expect(&[("a", 3, 0, 0), ("b", 0, 0, 0)], &[("b", 3)]);
        expect(&[("a", 2, 0, 0), ("b", 3, 0, 0)], &[("a", 1)]);
        // The only free slot is for the one with fewer under way, though the other waits longer.
        expect(&[("a", 1, 0, 0), ("b", 0, 5, 0), ("c", 4, 0, 0)], &[("b", 1)]);
    }

    #[test]
    fn more_destinations_than_slots_take_turns_by_how_long_they_wait() {
        let lanes = ["a", "b", "c", "d", "e", "f", "g"];
        let all: Vec<_> = lanes.iter().zip(0..).map(|(name, at)| (*name, 0, 10 - at, 0)).collect();
        expect(&all, &[("b", 1), ("c", 1), ("d", 1), ("e", 1), ("f", 1), ("g", 1)]);
        let all: Vec<_> = lanes.iter().map(|name| (*name, usize::from(*name != "g"), 0, 0)).collect();
        expect(&all, &[]);
    }

    #[test]
    fn a_pause_holds_and_ends_with_one() {
        expect(&[("a", 0, 0, 1_001)], &[]);
        expect(&[("a", 0, 0, 1_000)], &[("a", 1)]);
        expect(&[("a", 1, 0, 1_000)], &[]);
        assert_eq!(lane("a", 5, 9).ready_at(), 9);
        assert_eq!(lane("a", 5, 0).ready_at(), 5);
    }
}
