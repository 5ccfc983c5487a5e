//! Who posted in the last minutes: a cache of rows, read when the Outbox opens. It takes the place of an index, which would
//! cost a row for each submission.

use std::collections::{HashMap, VecDeque};

use crate::domain::submission::received_at;

use super::store::{Result, Store, Visitor};

/// Within this time the same visitor with the same fields has clicked twice, or reloaded.
pub(super) const REPEAT_MS: i64 = 60 * 1000;

/// How long a visitor is remembered: the clocks of two machines differ.
const KEPT_MS: i64 = 2 * REPEAT_MS;

/// Visitors and their last submission.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    last: HashMap<String, (i64, String)>,
    /// In the order in which they came.
    order: VecDeque<(i64, String)>,
}

impl Visitors {
    /// Those of the last minutes before the newest submission: by the clock that ids are made by, which may not be ours.
    pub(super) fn read(store: &Store) -> Result<Self> {
        let newest = store.latest(1)?.first().and_then(|id| received_at(id));
        newest.map_or(Ok(Self::default()), |newest| Ok(Self::new(store.visitors(newest - KEPT_MS, i64::MAX)?)))
    }

    fn new(rows: Vec<Visitor>) -> Self {
        let mut visitors = Self::default();
        for row in rows {
            visitors.add(row);
        }
        visitors
    }

    pub(super) fn add(&mut self, Visitor { visitor, id, at }: Visitor) {
        while let Some((earlier, name)) = self.order.front().filter(|(earlier, _)| *earlier < at - KEPT_MS) {
            if self.last.get(name).is_some_and(|(last, _)| last == earlier) {
                self.last.remove(name);
            }
            self.order.pop_front();
        }
        // What an overflow hands over came in earlier.
        if self.last.get(&visitor).is_some_and(|(last, _)| *last > at) {
            return;
        }
        self.order.push_back((at, visitor.clone()));
        self.last.insert(visitor, (at, id));
    }

    /// The submission that one at this time repeats.
    pub(super) fn find(&self, visitor: &str, at: i64) -> Option<String> {
        let (last, id) = self.last.get(visitor)?;
        ((at - last).abs() <= REPEAT_MS).then(|| id.clone())
    }

    /// The submission is gone.
    pub(super) fn forget(&mut self, id: &str) {
        self.last.retain(|_, (_, last)| last != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_known_for_a_minute_and_forgotten_with_the_submission() {
        let row = |visitor: &str, id: &str, at| Visitor { visitor: visitor.into(), id: id.into(), at };
        let mut visitors = Visitors::new(vec![row("ada", "1", 1_000), row("bob", "2", 2_000), row("ada", "3", 30_000)]);
        for (visitor, at, found) in [
            ("ada", 30_000, Some("3")),
            ("ada", 30_000 + REPEAT_MS, Some("3")),
            ("ada", 30_001 + REPEAT_MS, None),
            ("bob", 1_000, Some("2")),
            ("eve", 1_000, None),
        ] {
            assert_eq!(visitors.find(visitor, at).as_deref(), found, "{visitor} {at}");
        }
        // What is too old makes room; who came again meanwhile stays.
        visitors.add(row("eve", "4", 2_001 + KEPT_MS));
        assert_eq!((visitors.last.len(), visitors.order.len()), (2, 2));
        // An earlier one, handed over late, does not hide it.
        visitors.add(row("ada", "0", 30_000 - REPEAT_MS - 1));
        assert_eq!(visitors.find("ada", 30_000 + REPEAT_MS).as_deref(), Some("3"));
        visitors.forget("3");
        assert_eq!(visitors.find("ada", 30_000), None);
    }
}
