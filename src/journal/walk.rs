//! Walk: how to get on behind a place that cannot be read. Pure.

use crate::model::Seq;

/// Behind a place that cannot be read, positions are first tried one by one: a damaged page of the smallest size holds a few rows.
const ONE_BY_ONE: u64 = 64;

/// Then in steps that double, up to this: no more than so many readable positions are stepped over between two damaged places.
const LONGEST_STEP: u64 = 4_096;

/// Looks in vain. A file of which nothing is readable is given up after so many, which take seconds at most.
const MOST_LOOKS: u32 = 50_000;

/// The lowest position behind `after` from which on can be read again, `until` at most. `can_read_behind` tells whether the first row
/// behind a position is readable, or there is none; it is known not to be so behind `after`.
pub(super) fn next_readable(after: Seq, until: Seq, mut can_read_behind: impl FnMut(Seq) -> bool) -> Seq {
    let (mut unreadable, mut step) = (after, 1);
    for look in 1..=MOST_LOOKS {
        let place = unreadable.saturating_add(step);
        if place >= until {
            return lowest(unreadable, until, can_read_behind);
        }
        if can_read_behind(place) {
            return lowest(unreadable, place, can_read_behind);
        }
        unreadable = place;
        if u64::from(look) >= ONE_BY_ONE {
            step = (step * 2).min(LONGEST_STEP);
        }
    }
    until
}

/// Between a place that cannot be read and one that can.
fn lowest(mut unreadable: Seq, mut readable: Seq, mut can_read_behind: impl FnMut(Seq) -> bool) -> Seq {
    while unreadable + 1 < readable {
        let middle = unreadable + (readable - unreadable) / 2;
        if can_read_behind(middle) {
            readable = middle;
        } else {
            unreadable = middle;
        }
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

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
