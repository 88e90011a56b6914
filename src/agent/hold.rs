//! Hold: whether records are written at once, or held in memory for a while because every sink is likely to have them before they
//! would be written (`persist = "undelivered"`). Pure.
//!
//! The rule: what is heard is delivered everywhere or on the disk within one commit interval. While held, the recorder turns twice in an
//! interval: a record gets its position at one turn, and at the next one it is delivered or written.

use std::time::Duration;

use crate::model::Seq;

/// So many turns at which the sinks had kept up make them trusted to go on so.
const TRUSTED_AT: u32 = 10;

/// More trust than this is not saved up.
const MOST_TRUST: u32 = 20;

/// What a turn costs at which they had not: a hiccup is one commit, and no more; a line that is as slow as a turn is soon given up, and
/// does not change sides all the time, which would pay for both.
const COST_OF_A_MISS: u32 = 5;

/// Decided anew at each turn of the recorder.
#[derive(Debug)]
pub(super) struct Hold {
    trust: u32,
    /// The newest position of the turn before.
    announced: Seq,
}

impl Hold {
    /// Everything is written at first. `newest`: the last position given before.
    pub fn new(newest: Seq) -> Hold {
        Hold { trust: 0, announced: newest }
    }

    /// Whether everything that is not on the disk is to be written at this turn. `floor`: what every sink has; `None`:
    /// nobody waits for anything, or everything is to be kept. `newest`: the last position given.
    pub fn turn(&mut self, floor: Option<Seq>, newest: Seq) -> bool {
        let before = std::mem::replace(&mut self.announced, newest);
        let was_on = self.is_on();
        let has_kept_up = floor.is_some_and(|floor| floor >= before);
        self.trust = match (has_kept_up, floor) {
            (true, _) => (self.trust + 1).min(MOST_TRUST),
            (false, Some(_)) => self.trust.saturating_sub(COST_OF_A_MISS),
            (false, None) => 0,
        };
        !(was_on && has_kept_up)
    }

    /// Whether samples are held at the moment.
    pub fn is_on(&self) -> bool {
        self.trust >= TRUSTED_AT
    }

    /// Time between two turns.
    pub fn turn_every(&self, commit_interval: Duration) -> Duration {
        if self.is_on() { commit_interval / 2 } else { commit_interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn at which this much is new, and the sinks have everything up to the turn before, less `behind`.
    fn turn(hold: &mut Hold, newest: &mut Seq, behind: Seq) -> bool {
        let floor = *newest - behind;
        *newest += 3;
        hold.turn(Some(floor), *newest)
    }

    #[test]
    fn sinks_that_keep_up_save_the_writing_until_one_does_not() {
        let (mut hold, mut newest) = (Hold::new(100), 100);
        let interval = Duration::from_secs(1);
        for _ in 0..TRUSTED_AT {
            assert_eq!(hold.turn_every(interval), interval);
            assert!(turn(&mut hold, &mut newest, 0), "not yet proven");
        }
        for _ in 0..50 {
            assert_eq!(hold.turn_every(interval), interval / 2);
            assert!(!turn(&mut hold, &mut newest, 0));
        }
        for _ in 0..2 {
            assert!(turn(&mut hold, &mut newest, 1), "one record was not acknowledged for a whole turn");
            assert_eq!(hold.turn_every(interval), interval / 2, "which is a hiccup");
        }
        assert!(!turn(&mut hold, &mut newest, 0));
        for _ in 0..2 {
            assert!(turn(&mut hold, &mut newest, 1));
        }
        assert_eq!(hold.turn_every(interval), interval, "and this is none");
        for _ in 0..5 {
            assert!(turn(&mut hold, &mut newest, 0), "until they have kept up for long enough");
        }
    }

    #[test]
    fn a_line_as_slow_as_a_turn_is_soon_given_up_and_stays_so() {
        let (mut hold, mut newest) = (Hold::new(100), 100);
        for _ in 0..60 {
            turn(&mut hold, &mut newest, 0);
        }
        let written: Vec<bool> = (0..60).map(|n| turn(&mut hold, &mut newest, n % 2)).collect();
        assert!(written[10..].iter().all(|is_written| *is_written), "{written:?}");
    }

    #[test]
    fn without_sinks_everything_is_written() {
        let mut hold = Hold::new(0);
        assert!((0..50).all(|newest| hold.turn(None, newest)));
        let mut newest = 100;
        for _ in 0..20 {
            turn(&mut hold, &mut newest, 0);
        }
        assert!(hold.turn(None, newest), "the last sink was taken out");
    }
}
