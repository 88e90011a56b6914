//! Hold: whether records are written at once, or held in memory for a while because every sink is likely to have them before they
//! would be written (`persist = "undelivered"`). Pure.
//!
//! The rule: what is heard is delivered everywhere or on the disk within one commit interval. While held, the recorder turns twice in an
//! interval: a record gets its position at one turn, and at the next one it is delivered or written.

use std::time::Duration;

use crate::model::Seq;

/// Turns in a row after which sinks that kept up are trusted to go on so. A line that is as slow as a turn would otherwise change sides
/// all the time, and pay for both.
const KEPT_UP_TURNS: u32 = 10;

/// Decided anew at each turn of the recorder.
#[derive(Debug)]
pub(super) struct Hold {
    is_on: bool,
    kept_up: u32,
    /// The newest position of the turn before.
    announced: Seq,
}

impl Hold {
    /// Everything is written at first. `newest`: the last position given before.
    pub fn new(newest: Seq) -> Hold {
        Hold { is_on: false, kept_up: 0, announced: newest }
    }

    /// Whether everything that is not on the disk is to be written at this turn. `floor`: what every sink has; `None`: nobody waits for
    /// anything, or everything is to be kept. `newest`: the last position given.
    pub fn turn(&mut self, floor: Option<Seq>, newest: Seq) -> bool {
        let before = std::mem::replace(&mut self.announced, newest);
        let has_kept_up = floor.is_some_and(|floor| floor >= before);
        self.kept_up = if has_kept_up { self.kept_up.saturating_add(1) } else { 0 };
        let was_on = self.is_on && has_kept_up;
        self.is_on = self.kept_up >= KEPT_UP_TURNS;
        !was_on
    }

    /// Time between two turns.
    pub fn turn_every(&self, commit_interval: Duration) -> Duration {
        if self.is_on { commit_interval / 2 } else { commit_interval }
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
        assert!(hold.turn(Some(50), newest));
        for _ in 0..KEPT_UP_TURNS {
            assert_eq!(hold.turn_every(interval), interval);
            assert!(turn(&mut hold, &mut newest, 0), "not yet proven");
        }
        for _ in 0..50 {
            assert_eq!(hold.turn_every(interval), interval / 2);
            assert!(!turn(&mut hold, &mut newest, 0));
        }
        assert!(turn(&mut hold, &mut newest, 1), "one record was not acknowledged for a whole turn");
        assert_eq!(hold.turn_every(interval), interval);
        assert!(turn(&mut hold, &mut newest, 0));
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
