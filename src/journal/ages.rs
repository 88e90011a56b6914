//! Ages: what was written how long ago, by a clock that nobody sets. Pure.
//!
//! The rule: it knows only of this start of the agent, and errs towards too young: by at most a 256th of the age asked for.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Seq;

/// Marks in the span that is looked back upon.
const MARKS: u32 = 256;

/// Since when what was written.
#[derive(Debug, Default)]
pub(super) struct Ages(VecDeque<(Duration, [Seq; 2])>);

impl Ages {
    /// Up to these positions everything is written by now. `longest`: no longer age is asked for.
    pub fn note(&mut self, mono: Duration, written: [Seq; 2], longest: Duration) {
        let spacing = longest / MARKS;
        if self.0.back().is_none_or(|(last, _)| mono.saturating_sub(*last) >= spacing) {
            self.0.push_back((mono, written));
        }
        // The newest of those that are old enough says all that the older ones say.
        while self.0.get(1).is_some_and(|(second, _)| mono.saturating_sub(*second) >= longest)
            || self.0.len() > 4 * MARKS as usize
        {
            self.0.pop_front();
        }
    }

    /// Up to these positions everything is at least so old.
    pub fn older_than(&self, age: Duration, mono: Duration) -> [Seq; 2] {
        let old = self.0.iter().rev().find(|(at, _)| mono.saturating_sub(*at) >= age && mono >= *at);
        old.map_or([0, 0], |(_, written)| *written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_long_ago_is_known_without_any_wall_clock() {
        let mut ages = Ages::default();
        let second = Duration::from_secs(1);
        for n in 0..=10_000 {
            ages.note(second * n, [u64::from(n), u64::from(n) * 2], second * 2_560);
        }
        assert_eq!(ages.older_than(second * 20_000, second * 10_000), [0, 0], "longer than anything is remembered");
        let [data, events] = ages.older_than(second * 2_560, second * 10_000);
        assert!((7_430..=7_440).contains(&data) && events == 2 * data, "{data}");
        assert!(ages.0.len() <= 258, "{}", ages.0.len());
    }

    #[test]
    fn a_limit_that_was_made_shorter_does_not_fill_the_memory() {
        let mut ages = Ages::default();
        for n in 0..100_000 {
            ages.note(Duration::from_millis(n), [n, n], Duration::from_secs(100_000 / (1 + n / 10)));
        }
        assert!(ages.0.len() <= 1_024, "{}", ages.0.len());
    }
}
