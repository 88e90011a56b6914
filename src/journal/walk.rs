//! Walk: how to get on behind a place that cannot be read. Pure.

use crate::model::Seq;

/// Behind a place that cannot be read, positions are first tried one by one: a damaged page of the smallest size holds a few rows.
const ONE_BY_ONE: u64 = 64;

/// Then in steps that double, up to this: no more than so many readable positions are stepped over between two damaged places.
const LONGEST_STEP: u64 = 4_096;

/// Looks in vain. A file of which nothing is readable is given up after so many, which take seconds at most.
const MOST_LOOKS: u32 = 50_000;

/// A search for the lowest position behind `after` from which on can be read again. It can be left and gone on with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    after: Seq,
    unreadable: Seq,
    readable: Option<Seq>,
    step: u64,
    looks: u32,
}

impl Walk {
    /// It is known that behind `after` nothing can be read.
    pub fn behind(after: Seq) -> Walk {
        Walk { after, unreadable: after, readable: None, step: 1, looks: 0 }
    }

    /// Where it began.
    pub fn after(&self) -> Seq {
        self.after
    }

    /// The position, `until` at most; `None`: it is late, and to be gone on with. `can_read_behind` tells whether the first row behind
    /// a position is readable, or there is none.
    pub fn go(
        &mut self,
        until: Seq,
        mut can_read_behind: impl FnMut(Seq) -> bool,
        mut is_late: impl FnMut() -> bool,
    ) -> Option<Seq> {
        loop {
            let place = match self.readable {
                Some(readable) if self.unreadable + 1 >= readable => return Some(readable),
                Some(readable) => self.unreadable + (readable - self.unreadable) / 2,
                None if self.looks >= MOST_LOOKS => return Some(until),
                None => self.unreadable.saturating_add(self.step),
            };
            if self.readable.is_none() && place >= until {
                self.readable = Some(until);
                continue;
            }
            if is_late() {
                return None;
            }
            self.looks += 1;
            if can_read_behind(place) {
                self.readable = Some(place);
            } else {
                self.unreadable = place;
                if self.readable.is_none() && u64::from(self.looks) >= ONE_BY_ONE {
                    self.step = (self.step * 2).min(LONGEST_STEP);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next_readable(after: Seq, until: Seq, can_read_behind: impl FnMut(Seq) -> bool) -> Seq {
        Walk::behind(after).go(until, can_read_behind, || false).expect("it is never late")
    }

    #[test]
    fn a_search_that_is_left_goes_on_where_it_was() {
        let (mut walk, mut looks) = (Walk::behind(9), 0);
        let mut calls = 0;
        let found = loop {
            calls += 1;
            let before = looks;
            let look = |place: Seq| {
                looks += 1;
                place >= 5_000
            };
            let mut asked = 0;
            let is_late = || {
                asked += 1;
                asked > 3
            };
            let found = walk.go(100_000, look, is_late);
            assert!(looks - before <= 3);
            if let Some(found) = found {
                break found;
            }
        };
        assert_eq!((found, walk.after()), (5_000, 9));
        assert!(calls > 20 && looks < 200, "{calls} calls, {looks} looks");
    }

    /// Rows at all positions up to 100,000, of which some runs are damaged.
    #[track_caller]
    fn check(after: Seq, damaged: &[std::ops::RangeInclusive<Seq>], expected: Seq) {
        let mut looks = 0;
        let found = next_readable(after, 100_000, |place| {
            looks += 1;
            !damaged.iter().any(|run| run.contains(&(place + 1)))
        });
        assert_eq!(found, expected, "{looks} looks");
        assert!(looks < 200, "{looks} looks");
    }

    #[test]
    fn a_damaged_run_is_left_exactly_behind_its_end() {
        check(9, &[10..=10], 10);
        check(9, &[10..=17], 17);
        check(9, &[10..=5_000], 5_000);
        check(9, &[10..=12, 15..=20], 12);
        check(9, &[10..=99_999], 99_999);
        check(9, &[10..=100_000], 100_000);
    }

    #[test]
    fn a_file_of_which_nothing_is_readable_is_given_up_soon() {
        let mut looks = 0;
        assert_eq!(
            next_readable(0, Seq::MAX / 2, |_| {
                looks += 1;
                false
            }),
            Seq::MAX / 2
        );
        assert!(looks <= 50_000, "{looks}");
    }
}
