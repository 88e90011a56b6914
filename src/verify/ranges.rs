//! Positions that are covered, as ranges: an unbroken stream is one range, however long it is.
//!
//! The rule: there are never more than [`MAX`] ranges. Beyond that the lowest hole is given up as final: what comes for it later
//! is taken for a duplicate.

use crate::model::Seq;

/// Ranges kept. A stream with so many holes is not made whole by counting further; 16 bytes each.
const MAX: usize = 10_000;

/// Positions from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// The first one.
    pub first: Seq,
    /// The last one.
    pub last: Seq,
}

/// Covered positions.
#[derive(Debug, Clone, Default)]
pub struct Ranges {
    /// In order, apart from each other by at least one position.
    ranges: Vec<Span>,
    /// Holes given up as final.
    final_holes: u64,
    final_positions: u64,
}

impl Ranges {
    /// Everything behind `after` up to `through`. Nothing if that is nothing.
    pub fn cover(&mut self, after: Seq, through: Seq) {
        let Some(first) = after.checked_add(1).filter(|first| *first <= through) else { return };
        // Those that touch the new one become one with it.
        let from = self.ranges.partition_point(|range| range.last < after);
        let to = self.ranges.partition_point(|range| range.first <= through.saturating_add(1));
        let mut whole = Span { first, last: through };
        for range in &self.ranges[from..to] {
            whole = Span { first: whole.first.min(range.first), last: whole.last.max(range.last) };
        }
        self.ranges.splice(from..to, [whole]);
        if self.ranges.len() > MAX {
            self.final_holes += 1;
            self.final_positions += self.ranges[1].first - self.ranges[0].last - 1;
            self.ranges[1].first = self.ranges[0].first;
            self.ranges.remove(0);
        }
    }

    /// Whether this position is covered.
    pub fn contains(&self, seq: Seq) -> bool {
        let place = self.ranges.partition_point(|range| range.last < seq);
        self.ranges.get(place).is_some_and(|range| range.first <= seq)
    }

    /// The hole around a position; `None` where it is covered, or before the first or behind the last range.
    pub fn hole_at(&self, seq: Seq) -> Option<Span> {
        let place = self.ranges.partition_point(|range| range.last < seq);
        let (before, behind) = (self.ranges.get(place.checked_sub(1)?)?, self.ranges.get(place)?);
        (behind.first > seq).then(|| Span { first: before.last + 1, last: behind.first - 1 })
    }

    /// Where it begins: the lowest covered position.
    pub fn first(&self) -> Option<Seq> {
        self.ranges.first().map(|range| range.first)
    }

    /// All holes between the first and the last range.
    pub fn holes(&self) -> impl Iterator<Item = Span> + '_ {
        self.ranges.windows(2).map(|pair| Span { first: pair[0].last + 1, last: pair[1].first - 1 })
    }

    /// Holes given up as final, and the positions in them.
    pub fn final_holes(&self) -> (u64, u64) {
        (self.final_holes, self.final_positions)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_unbroken_chain_is_one_range_however_it_skips() {
        let mut ranges = Ranges::default();
        for (after, through) in [(0, 1), (1, 5), (5, 6), (6, 1_000)] {
            ranges.cover(after, through);
        }
        assert_eq!(ranges.ranges, [Span { first: 1, last: 1_000 }]);
    }

    #[test]
    fn the_ends_of_what_numbers_can_say_are_no_trouble() {
        let mut ranges = Ranges::default();
        ranges.cover(u64::MAX, u64::MAX);
        ranges.cover(7, 7);
        assert_eq!(ranges.first(), None);
        ranges.cover(u64::MAX - 1, u64::MAX);
        ranges.cover(0, u64::MAX);
        assert_eq!(ranges.ranges, [Span { first: 1, last: u64::MAX }]);
    }

    #[test]
    fn a_stream_with_more_holes_than_anybody_needs_does_not_fill_the_memory() {
        let mut ranges = Ranges::default();
        for n in 0..2 * MAX as u64 {
            ranges.cover(3 * n, 3 * n + 1);
        }
        assert_eq!(ranges.ranges.len(), MAX);
        assert_eq!(ranges.final_holes().0 + ranges.holes().count() as u64, 2 * MAX as u64 - 1);
        assert_eq!(ranges.final_holes().1, 2 * ranges.final_holes().0);
    }

    proptest! {
        #[test]
        fn ranges_say_what_a_set_says(spans in prop::collection::vec((0_u64..60, 0_u64..12), 0..40)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (after, len) in spans {
                ranges.cover(after, after + len);
                set.extend(after + 1..=after + len);
                prop_assert!(ranges.ranges.windows(2).all(|pair| pair[0].last + 1 < pair[1].first));
            }
            let holes: BTreeSet<u64> = ranges.holes().flat_map(|hole| hole.first..=hole.last).collect();
            let (first, last) = (set.first().copied().unwrap_or(0), set.last().copied().unwrap_or(0));
            prop_assert_eq!(ranges.first().unwrap_or(0), first);
            for seq in 0..80 {
                prop_assert_eq!(ranges.contains(seq), set.contains(&seq));
                let missing = seq > first && seq < last && !set.contains(&seq);
                prop_assert_eq!(holes.contains(&seq), missing);
                prop_assert_eq!(ranges.hole_at(seq).is_some_and(|hole| hole.first <= seq && seq <= hole.last), missing);
            }
        }
    }
}
