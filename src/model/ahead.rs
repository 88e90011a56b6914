//! Ahead: what one sink has of the data stream beyond its cursor, because current data went out before a backlog
//! (`backlog = "live_first"`). Pure.
//!
//! The rule: a run stands for positions that are all done, and is forgotten rather than made larger than it is. What is forgotten
//! is sent again, under the same identity.

use super::Seq;

/// Runs that are kept. Each is a connection that ended before its backlog was delivered; beyond these the smallest is
/// forgotten.
pub const MAX_RUNS: usize = 16;

/// Seams that are kept. They go out with the next messages, one each, so that more than a few never wait.
pub const MAX_SEAMS: usize = 16;

/// Positions in a row that are done, in which at least one was meant for the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first position.
    pub first: Seq,
    /// The last one.
    pub last: Seq,
    /// The first in it that was meant for the receiver.
    pub first_sent: Seq,
    /// The last in it that was.
    pub last_sent: Seq,
}

/// Between these two nothing else was meant for the receiver: where history has met what was sent ahead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seam {
    /// The last position meant for the receiver before the run; 0: there was none.
    pub before: Seq,
    /// The first one in the run.
    pub after: Seq,
}

/// What is done beyond a cursor, and what the receiver has still to be told about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ahead {
    runs: Vec<Run>,
    seams: Vec<Seam>,
}

impl Ahead {
    /// Adds a run behind all others. One that touches the last of them becomes one with it.
    pub fn enter(&mut self, run: Run) {
        match self.runs.last_mut() {
            // Seams that nobody tells would be gaps for good: what is not entered is sent again.
            Some(last) if run.first == last.last + 1 && self.seams.len() >= MAX_SEAMS => {}
            Some(last) if run.first == last.last + 1 => {
                let seam = Seam { before: last.last_sent, after: run.first_sent };
                (last.last, last.last_sent) = (run.last, run.last_sent);
                self.owe(seam);
            }
            Some(last) if run.first <= last.last => {} // known already
            _ => self.runs.push(run),
        }
        if self.runs.len() > MAX_RUNS
            && let Some(smallest) = (0..self.runs.len()).min_by_key(|place| self.runs[*place].positions())
        {
            self.runs.remove(smallest);
        }
    }

    /// The receiver is to be told of this seam. There has to be room for it.
    pub fn owe(&mut self, seam: Seam) {
        if !self.seams.contains(&seam) && self.seams.len() < MAX_SEAMS {
            self.seams.push(seam);
        }
    }

    /// The receiver has been told.
    pub fn told(&mut self, seam: Seam) {
        self.seams.retain(|owed| *owed != seam);
    }

    /// The cursor has come here: runs that it has passed are no longer ahead.
    pub fn pass(&mut self, position: Seq) {
        self.runs.retain(|run| run.first > position);
    }

    /// Runs, lowest first.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Seams that the receiver has still to be told of.
    pub fn seams(&self) -> &[Seam] {
        &self.seams
    }

    /// Takes the lowest run out.
    pub fn take_first(&mut self) -> Option<Run> {
        (!self.runs.is_empty()).then(|| self.runs.remove(0))
    }

    /// Takes the highest run out.
    pub fn take_last(&mut self) -> Option<Run> {
        self.runs.pop()
    }

    /// Whether there is nothing to be kept.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.seams.is_empty()
    }

    /// Up to where all is done, from `position` on.
    pub fn reach(&self, position: Seq) -> Seq {
        self.runs.iter().fold(position, |reach, run| if run.first <= reach + 1 { reach.max(run.last) } else { reach })
    }

    /// Positions in the runs.
    pub fn positions(&self) -> u64 {
        self.runs.iter().map(Run::positions).sum()
    }

    /// The highest position that is named here.
    pub fn highest(&self) -> Seq {
        self.runs.last().map_or(0, |run| run.last)
    }
}

impl Run {
    /// How many positions it has.
    pub fn positions(&self) -> u64 {
        self.last + 1 - self.first
    }

    /// Whether its figures can be true.
    pub fn is_sound(&self) -> bool {
        0 < self.first
            && self.first <= self.first_sent
            && self.first_sent <= self.last_sent
            && self.last_sent <= self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(first: Seq, last: Seq) -> Run {
        Run { first, last, first_sent: first, last_sent: last }
    }

    fn ahead(runs: &[(Seq, Seq)]) -> Ahead {
        let mut ahead = Ahead::default();
        runs.iter().for_each(|(first, last)| ahead.enter(run(*first, *last)));
        ahead
    }

    #[test]
    fn runs_that_touch_become_one_and_the_seam_between_them_is_owed() {
        let mut ahead = ahead(&[(10, 19), (30, 39)]);
        ahead.enter(Run { first: 40, last: 50, first_sent: 42, last_sent: 48 });
        assert_eq!(ahead.runs(), [run(10, 19), Run { first: 30, last: 50, first_sent: 30, last_sent: 48 }]);
        assert_eq!(ahead.seams(), [Seam { before: 39, after: 42 }]);
        ahead.told(Seam { before: 39, after: 42 });
        assert_eq!(ahead.seams(), []);
    }

    #[test]
    fn a_run_whose_seam_has_no_room_is_not_entered() {
        let mut ahead = ahead(&[(1_000, 1_009)]);
        (0..MAX_SEAMS as u64).for_each(|n| ahead.owe(Seam { before: 10 * n, after: 10 * n + 5 }));
        ahead.enter(run(1_010, 1_019));
        assert_eq!((ahead.runs(), ahead.seams().len()), (&[run(1_000, 1_009)][..], MAX_SEAMS));
        ahead.told(Seam { before: 0, after: 5 });
        ahead.enter(run(1_010, 1_019));
        assert_eq!(ahead.runs(), [run(1_000, 1_019)]);
        assert!(ahead.seams().contains(&Seam { before: 1_009, after: 1_010 }));
    }

    #[test]
    fn a_cursor_reaches_over_the_runs_that_it_touches() {
        let mut ahead = ahead(&[(10, 19), (20, 29), (31, 39)]);
        for (position, reach) in [(0, 0), (8, 8), (9, 29), (15, 29), (29, 29), (30, 39), (50, 50)] {
            assert_eq!(ahead.reach(position), reach, "{position}");
        }
        ahead.pass(29);
        assert_eq!(ahead.runs(), [run(31, 39)]);
        ahead.pass(39);
        assert_eq!((ahead.runs(), ahead.highest()), (&[][..], 0));
    }

    #[test]
    fn beyond_the_limit_the_smallest_run_is_forgotten() {
        let runs: Vec<_> = (1..=17).map(|n: u64| (100 * n, 100 * n + if n == 5 { 3 } else { 10 })).collect();
        let ahead = ahead(&runs);
        assert_eq!(ahead.runs().len(), MAX_RUNS);
        assert!(!ahead.runs().contains(&run(500, 503)));
        assert_eq!(ahead.highest(), 1_710);
    }

    proptest! {
        #[test]
        fn nothing_is_ever_ahead_that_was_not_entered(steps in prop::collection::vec((1u64..4, 0u64..5), 0..60)) {
            let (mut ahead, mut at, mut done) = (Ahead::default(), 0, std::collections::BTreeSet::new());
            for (gap, length) in steps {
                let first = at + gap;
                at = first + length;
                ahead.enter(run(first, at));
                done.extend(first..=at);
            }
            prop_assert!(ahead.runs().len() <= MAX_RUNS && ahead.seams().len() <= MAX_SEAMS);
            prop_assert!(ahead.runs().iter().all(|run| run.is_sound() && (run.first..=run.last).all(|seq| done.contains(&seq))));
            prop_assert!(ahead.runs().windows(2).all(|pair| pair[0].last + 1 < pair[1].first));
        }
    }
}
