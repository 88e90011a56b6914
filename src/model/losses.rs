//! Losses: positions of a stream that were given and whose records are gone for good. Pure.
//!
//! A position that is missing in the journal's file means nothing by itself: the record may have been delivered to everybody before
//! it was ever written, or the position was reserved and never used. Only what stands here is a gap, and receivers are told of it.
//!
//! The rule: what was lost stays told. When the list is full, an entry that every sink has passed goes first; otherwise two
//! neighbours become one, which may name too much, but never too little.

use super::{Seq, Timestamp};

/// Entries of one stream. Losses come in runs, which are one entry each: so many runs are a disk that fails for months.
const MAX_ENTRIES: usize = 256;

/// Why records are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// The journal was larger than it may be.
    MaxSize,
    /// The records were older than they may be.
    MaxAge,
    /// The file system had less free space than is to be left to others.
    Reserve,
    /// The disk refused for so long that the memory was full.
    Memory,
    /// The journal's file was damaged.
    Corrupt,
    /// The file does not reach as far as was once written: its WAL was cut off, or an older file was put in its place.
    Missing,
}

impl LossCause {
    /// All causes.
    pub const ALL: [LossCause; 6] = [
        LossCause::MaxSize,
        LossCause::MaxAge,
        LossCause::Reserve,
        LossCause::Memory,
        LossCause::Corrupt,
        LossCause::Missing,
    ];

    /// The word in events, logs and the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            LossCause::MaxSize => "max_size",
            LossCause::MaxAge => "max_age",
            LossCause::Reserve => "reserve",
            LossCause::Memory => "memory",
            LossCause::Corrupt => "corrupt",
            LossCause::Missing => "missing",
        }
    }

    /// The cause with this word.
    pub fn parse(word: &str) -> Option<LossCause> {
        LossCause::ALL.into_iter().find(|cause| cause.as_str() == word)
    }
}

/// One run of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The first position that is lost.
    pub first: Seq,
    /// The last one.
    pub last: Seq,
    /// Samples in it, as far as they were known; none in events.
    pub samples: u64,
    /// Why.
    pub cause: LossCause,
    /// When it was found out.
    pub at: Timestamp,
}

/// What is lost of one stream, in the order of positions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Adds a run. `passed`: up to here every sink has come.
    pub fn enter(&mut self, loss: Loss, passed: Seq) {
        let place = self.0.partition_point(|before| before.first <= loss.first);
        self.0.insert(place, loss);
        let mut merged: Vec<Loss> = Vec::with_capacity(self.0.len());
        for loss in self.0.drain(..) {
            match merged.last_mut() {
                Some(before) if is_one(before, &loss) => join(before, &loss),
                _ => merged.push(loss),
            }
        }
        self.0 = merged;
        while self.0.len() > MAX_ENTRIES {
            match self.0.iter().position(|loss| loss.last <= passed) {
                Some(place) => drop(self.0.remove(place)),
                None => self.join_nearest(),
            }
        }
    }

    /// The last lost position between these two, both excluded.
    pub fn last_between(&self, after: Seq, before: Seq) -> Option<Seq> {
        let loss = self.0.iter().rev().find(|loss| loss.first < before)?;
        let last = loss.last.min(before - 1);
        (last > after).then_some(last)
    }

    /// A record at this position was found again, with so many samples.
    pub fn found(&mut self, seq: Seq, samples: u64) {
        let Some(place) = self.0.iter().position(|loss| (loss.first..=loss.last).contains(&seq)) else { return };
        let loss = self.0.remove(place);
        let rest = loss.samples.saturating_sub(samples);
        // The samples of the rest stand with its newer part; together they are what is still lost.
        let newer = Loss { first: seq + 1, samples: rest, ..loss };
        let older =
            Loss { last: seq.saturating_sub(1), samples: if newer.first <= newer.last { 0 } else { rest }, ..loss };
        for part in [newer, older] {
            if part.first <= part.last {
                self.0.insert(place, part);
            }
        }
    }

    /// All runs.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter()
    }

    /// The highest position that is lost.
    pub fn highest(&self) -> Seq {
        self.0.iter().map(|loss| loss.last).max().unwrap_or(0)
    }

    /// Makes one of the two neighbours with the fewest positions between them.
    fn join_nearest(&mut self) {
        let gap = |place: &usize| self.0[place + 1].first - self.0[*place].last;
        let Some(place) = (0..self.0.len() - 1).min_by_key(gap) else { return };
        let newer = self.0.remove(place + 1);
        join(&mut self.0[place], &newer);
    }
}

/// Whether a run and the next one are one: they touch for the same cause, or overlap.
fn is_one(before: &Loss, after: &Loss) -> bool {
    after.first <= before.last || (after.first == before.last + 1 && after.cause == before.cause)
}

fn join(before: &mut Loss, after: &Loss) {
    before.last = before.last.max(after.last);
    before.samples = before.samples.saturating_add(after.samples);
    before.at = before.at.max(after.at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn loss(first: Seq, last: Seq, cause: LossCause) -> Loss {
        Loss { first, last, samples: last + 1 - first, cause, at: Timestamp(0) }
    }

    fn losses(runs: &[(Seq, Seq)]) -> Losses {
        let mut losses = Losses::default();
        for (first, last) in runs {
            losses.enter(loss(*first, *last, LossCause::MaxSize), 0);
        }
        losses
    }

    fn runs(losses: &Losses) -> Vec<(Seq, Seq, u64)> {
        losses.iter().map(|loss| (loss.first, loss.last, loss.samples)).collect()
    }

    #[test]
    fn runs_that_touch_are_one_unless_they_have_another_cause() {
        let mut losses = losses(&[(10, 19), (30, 39), (20, 25)]);
        assert_eq!(runs(&losses), [(10, 25, 16), (30, 39, 10)]);
        losses.enter(loss(40, 41, LossCause::Memory), 0);
        assert_eq!(runs(&losses), [(10, 25, 16), (30, 39, 10), (40, 41, 2)]);
    }

    #[test]
    fn the_last_lost_position_of_a_jump_is_found_and_none_outside_it() {
        let losses = losses(&[(10, 19), (30, 39)]);
        for (after, before, expected) in [
            (0, 10, None),
            (0, 11, Some(10)),
            (5, 25, Some(19)),
            (15, 18, Some(17)),
            (19, 30, None),
            (18, 20, Some(19)),
            (0, 100, Some(39)),
            (39, 100, None),
        ] {
            assert_eq!(losses.last_between(after, before), expected, "{after} .. {before}");
        }
    }

    #[test]
    fn what_is_found_again_is_no_longer_lost_and_the_samples_close() {
        let mut losses = losses(&[(10, 13)]);
        losses.found(11, 1);
        assert_eq!(runs(&losses), [(10, 10, 0), (12, 13, 3)]);
        losses.found(13, 1);
        losses.found(12, 1);
        losses.found(99, 1);
        assert_eq!(runs(&losses), [(10, 10, 0)]);
        losses.found(10, 1);
        assert_eq!(runs(&losses), []);
    }

    #[test]
    fn every_cause_is_read_back_from_its_word() {
        for cause in LossCause::ALL {
            assert_eq!(LossCause::parse(cause.as_str()), Some(cause));
        }
        assert_eq!(LossCause::parse("else"), None);
    }

    proptest! {
        #[test]
        fn a_full_list_names_too_much_rather_than_too_little(
            firsts in prop::collection::vec(1u64..100_000, 1..600), passed in 0u64..50_000,
        ) {
            let mut losses = Losses::default();
            for first in &firsts {
                losses.enter(loss(*first, first + 1, LossCause::MaxSize), passed);
            }
            prop_assert!(losses.0.len() <= MAX_ENTRIES);
            prop_assert!(losses.0.windows(2).all(|pair| pair[0].last < pair[1].first));
            for first in firsts.into_iter().filter(|first| *first > passed) {
                prop_assert_eq!(losses.last_between(first - 1, first + 1), Some(first));
            }
        }
    }
}
