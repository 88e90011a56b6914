//! Energy: what a meter counted, split by state and by quarters of the hour. The parts of a split are whole millionths and add up
//! to what was split.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::exact::Amount;
use crate::model::State;

/// The states of the last while, so far as they are final.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lived {
    /// From each of these moments on.
    changes: VecDeque<(i64, State)>,
}

impl Lived {
    /// In this state from here on.
    pub(super) fn put(&mut self, at: i64, state: State) {
        if self.changes.back().is_none_or(|(_, last)| *last != state) {
            self.changes.push_back((at, state));
        }
    }

    /// Nobody asks for what lies before.
    pub(super) fn forget_before(&mut self, at: i64) {
        while self.changes.get(1).is_some_and(|(since, _)| *since <= at) {
            self.changes.pop_front();
        }
    }

    /// Splits an amount by the time in each state of `[from, to)`; what lies before the first state is unknown.
    pub(super) fn split(&self, amount: Amount, from: i64, to: i64) -> [Amount; 7] {
        let mut parts = [Amount::default(); 7];
        let span = to - from;
        if span <= 0 {
            parts[self.at(to) as usize] += amount;
            return parts;
        }
        let mut done = Amount::default();
        let (mut at, mut state) = (from, self.at(from));
        let inside = self.changes.iter().filter(|(since, _)| from < *since && *since < to);
        for (since, next) in inside.map(|(since, next)| (*since, *next)).chain([(to, State::Unknown)]) {
            let through = amount.times(since - from, span);
            parts[state as usize] += through - done;
            (done, at, state) = (through, since, next);
        }
        debug_assert_eq!(at, to);
        parts
    }

    fn at(&self, at: i64) -> State {
        self.changes.iter().take_while(|(since, _)| *since <= at).last().map_or(State::Unknown, |(_, state)| *state)
    }
}

/// The 15 minutes in progress (E4, A30): clock-aligned, and only if they were metered from their first to their last moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    start: i64,
    wh: Amount,
    /// Metered without a gap from `start` up to here; `None`: not from its start.
    through: Option<i64>,
}

/// Milliseconds of a window.
pub(super) const WINDOW_MS: i64 = 900_000;

impl Window {
    /// Energy between two readings. Gives the full windows that end with it: their last moment, and Wh. `anchor` is the
    /// start of some clock hour: windows are counted from it.
    pub(super) fn put(&mut self, amount: Amount, from: i64, to: i64, is_gap: bool, anchor: i64) -> Vec<(i64, Amount)> {
        let mut full = Vec::new();
        let start_of = |at: i64| (at - anchor).div_euclid(WINDOW_MS) * WINDOW_MS + anchor;
        if is_gap || to <= from {
            if to > from {
                *self =
                    Window { start: start_of(to), wh: Amount::default(), through: (start_of(to) == to).then_some(to) };
            }
            return full;
        }
        let mut done = Amount::default();
        let mut at = from;
        while at < to {
            let start = start_of(at);
            let end = (start + WINDOW_MS).min(to);
            let through = amount.times(end - from, to - from);
            if start != self.start || self.through != Some(at) {
                *self = Window { start, wh: Amount::default(), through: (start == at).then_some(at) };
            }
            self.wh += through - done;
            if self.through.is_some() {
                self.through = Some(end);
                if end == start + WINDOW_MS {
                    full.push((end, self.wh));
                }
            }
            (done, at) = (through, end);
        }
        full
    }
}

/// Integrates power to energy where there is no counter: what a sample says holds until the next one. What is smaller than a
/// millionth of a Wh is carried on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Integral {
    last: Option<(i64, Amount)>,
    /// In millionths of W × ms, below one millionth of a Wh.
    carry: i64,
}

impl Integral {
    /// A sample of the power in W. Gives Wh since the last one, and when that was; nothing over a gap.
    pub(super) fn take(&mut self, at: i64, watts: Amount, stale_ms: i64) -> Option<(Amount, i64)> {
        const MS_PER_HOUR: i128 = 3_600_000;
        let (from, before) = self.last.replace((at, watts))?;
        if at - from > stale_ms {
            return None;
        }
        let work = i128::from(before.0) * i128::from(at - from) + i128::from(self.carry);
        self.carry = i64::try_from(work.rem_euclid(MS_PER_HOUR)).unwrap_or(0);
        Some((Amount(i64::try_from(work.div_euclid(MS_PER_HOUR)).ok()?), from))
    }

    /// When it was last heard of.
    pub(super) fn last_at(&self) -> Option<i64> {
        self.last.map(|last| last.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_split_add_up_to_the_whole_however_odd_the_times() {
        let mut lived = Lived::default();
        for (at, state) in [(0, State::Run), (7, State::Idle), (10, State::Idle), (11, State::Fault), (13, State::Run)]
        {
            lived.put(at, state);
        }
        let parts = lived.split(Amount(100), 1, 14);
        assert_eq!(parts.iter().map(|part| part.0).sum::<i64>(), 100);
        assert_eq!([State::Run, State::Idle, State::Fault].map(|s| parts[s as usize].0), [46 + 8, 30, 16]);
        assert_eq!(lived.split(Amount(9), 13, 13)[State::Run as usize], Amount(9));
        lived.forget_before(12);
        assert_eq!(lived.split(Amount(4), 10, 14)[State::Unknown as usize], Amount(1), "forgotten");
    }

    #[test]
    fn only_windows_metered_from_their_first_to_their_last_moment_count() {
        let mut window = Window::default();
        let minute = 60_000;
        let wh = Amount::whole;
        let mut put =
            |amount, from: i64, to: i64, is_gap| window.put(wh(amount), from * minute, to * minute, is_gap, 0);
        assert_eq!(put(10, 5, 16, false), [], "begun in the middle");
        assert_eq!(
            put(14, 16, 30, false),
            [(30 * minute, Amount(14_909_091))],
            "1/11 of 10 and 14, the part rounded once"
        );
        assert_eq!(put(30, 30, 60, false), [(45 * minute, wh(15)), (60 * minute, wh(15))]);
        assert_eq!(put(9, 60, 75, true), []);
        assert_eq!(
            put(15, 75, 90, false),
            [(90 * minute, wh(15))],
            "a gap that ends with a window spoils only that one"
        );
        assert_eq!(put(9, 90, 91, true), []);
        assert_eq!(put(15, 91, 106, false), []);
    }

    #[test]
    fn power_is_integrated_to_the_last_millionth_and_never_over_a_gap() {
        let mut integral = Integral::default();
        assert_eq!(integral.take(0, Amount::whole(1), 10_000), None);
        let sum: i64 =
            (1..=3_600).map(|s| integral.take(s * 1_000, Amount::whole(1), 10_000).map_or(0, |it| it.0.0)).sum();
        assert_eq!(sum, Amount::ONE, "one watt for an hour");
        assert_eq!(integral.take(4_000_000, Amount::whole(1), 10_000), None);
    }
}
