//! Suspect: finds the one record, or birth message, at which a broker hangs up again and again, so that it does not block all others. Pure.
//!
//! How: when the same unacknowledged record was on the way at three losses in a row, records go out one at a time. A record that is alone on the
//! way at three losses more, while the broker took our greetings on each of these connections, is condemned: it goes to the quarantine.
//!
//! The rule: the record is suspected, not the line. A connection on which nothing was acknowledged at all proves nothing against a record, and a broker that
//! refuses everything (rights on a topic, say) does not fill the quarantine: after a few in a row it is slowed down.

use std::time::{Duration, Instant};

use crate::model::{Seq, Stream};

/// Losses with the same oldest record after which records go one at a time. Two may be a broker that restarts.
const LOSSES: u32 = 3;

/// Losses with the same record alone on the way after which it is condemned.
const LOSSES_ALONE: u32 = 3;

/// Records condemned without one that was acknowledged between, after which it is probably not the records.
const IN_A_ROW: u32 = 3;

/// Then the next one is condemned only so long after the last: some hundred in a weekend, none of them lost.
const SLOWED_DOWN: Duration = Duration::from_secs(600);

/// A message, told from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// A record of the journal.
    Record(Stream, Seq),
    /// What the nth device has, sent at each new connection.
    Birth(usize),
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Suspect {
    /// Of each lane, what was the oldest on the way at each of the last losses.
    oldest: Vec<Named>,
    losses: u32,
    /// On the way when it was decided to go one at a time; empty: all may go.
    among: Vec<Named>,
    /// Acknowledged since the last loss.
    calm: usize,
    alone: Option<Named>,
    losses_alone: u32,
    condemned: Option<Named>,
    in_a_row: u32,
    condemned_at: Option<Instant>,
}

impl Suspect {
    /// The broker hung up, or did not answer. `lanes`: what was on the way, per lane, oldest first. `took_greetings`: it had acknowledged
    /// something on this connection.
    pub fn lost(&mut self, lanes: &[Vec<Named>], took_greetings: bool, now: Instant) {
        self.calm = 0;
        let all: Vec<Named> = lanes.iter().flatten().copied().collect();
        if all.is_empty() {
            return; // nothing can be said
        }
        if self.is_careful() {
            if let ([only], true) = (&all[..], took_greetings) {
                self.lost_alone(*only, now);
            }
            return;
        }
        let oldest: Vec<Named> = lanes.iter().filter_map(|lane| lane.first().copied()).collect();
        let again: Vec<Named> = oldest.iter().copied().filter(|named| self.oldest.contains(named)).collect();
        if again.is_empty() {
            (self.oldest, self.losses) = (oldest, 1);
        } else {
            self.oldest = again;
            self.losses += 1;
        }
        if self.losses >= LOSSES {
            self.among = all;
        }
    }

    fn lost_alone(&mut self, only: Named, now: Instant) {
        self.losses_alone = if self.alone == Some(only) { self.losses_alone + 1 } else { 1 };
        self.alone = Some(only);
        let is_held = self.in_a_row >= IN_A_ROW
            && self.condemned_at.is_some_and(|at| now.saturating_duration_since(at) < SLOWED_DOWN);
        if self.losses_alone >= LOSSES_ALONE && !is_held {
            self.condemned = Some(only);
        }
    }

    /// The broker has this record.
    pub fn acked(&mut self, named: Named) {
        self.calm += 1;
        self.in_a_row = 0;
        self.done_with(named);
    }

    /// The condemned record is in the quarantine. Returns how many there are in a row, once they are so many that it is probably not the
    /// records.
    pub fn quarantined(&mut self, named: Named, now: Instant) -> Option<u32> {
        self.in_a_row += 1;
        self.condemned_at = Some(now);
        self.done_with(named);
        (self.in_a_row >= IN_A_ROW).then_some(self.in_a_row)
    }

    fn done_with(&mut self, named: Named) {
        self.oldest.retain(|other| *other != named);
        if self.oldest.is_empty() {
            self.losses = 0;
        }
        if self.alone == Some(named) {
            (self.alone, self.losses_alone) = (None, 0);
        }
        self.condemned = self.condemned.filter(|condemned| *condemned != named);
        if self.is_careful() {
            let among = self.among.len();
            self.among.retain(|other| *other != named);
            // Some of them may be far off by now, in a backlog; it is not waited for them.
            if self.calm > 2 * among {
                self.among.clear();
            }
            if self.among.is_empty() {
                (self.oldest, self.losses) = (Vec::new(), 0);
            }
        }
    }

    /// Whether records are to go one at a time, and the first of them only when nothing else is on the way.
    pub fn is_careful(&self) -> bool {
        !self.among.is_empty()
    }

    /// Whether this record is to go to the quarantine.
    pub fn is_condemned(&self, named: Named) -> bool {
        self.condemned == Some(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: Seq = 5;

    fn data(seq: Seq) -> Named {
        Named::Record(Stream::Data, seq)
    }

    fn lost(suspect: &mut Suspect, seqs: &[Seq], took_greetings: bool, now: Instant) {
        suspect.lost(&[Vec::new(), seqs.iter().copied().map(data).collect()], took_greetings, now);
    }

    /// A broker that hangs up at X, with a window of four; `acks`: whether it gets to acknowledge what came before. Returns the connections until X is
    /// condemned.
    fn connections_until_condemned(acks: bool) -> u32 {
        let (mut suspect, now, mut next) = (Suspect::default(), Instant::now(), 1);
        for connection in 1..100 {
            let window = if suspect.is_careful() { 1 } else { 4 };
            let mut flight: Vec<Seq> = (next..).take(window).collect();
            loop {
                let arrives = flight[0];
                if arrives == X || (flight.contains(&X) && !acks) {
                    break;
                }
                suspect.acked(data(arrives));
                next = arrives + 1;
                flight = (next..).take(if suspect.is_careful() { 1 } else { window }).collect();
            }
            lost(&mut suspect, &flight, true, now);
            if suspect.is_condemned(data(X)) {
                assert_eq!(suspect.quarantined(data(X), now), None);
                assert!(!suspect.is_condemned(data(X)));
                return connection;
            }
        }
        panic!("never");
    }

    #[test]
    fn the_record_at_which_the_broker_hangs_up_is_found_be_those_before_it_acknowledged_or_not() {
        assert_eq!(connections_until_condemned(true), 6);
        assert_eq!(connections_until_condemned(false), 6);
    }

    #[test]
    fn a_line_that_breaks_again_and_again_but_moves_on_is_no_suspicion() {
        let (mut suspect, now) = (Suspect::default(), Instant::now());
        for first in 1..50 {
            lost(&mut suspect, &[first, first + 1, first + 2], true, now);
            suspect.acked(data(first));
            assert!(!suspect.is_careful());
        }
    }

    #[test]
    fn a_broker_that_takes_not_even_greetings_condemns_nothing() {
        let (mut suspect, now) = (Suspect::default(), Instant::now());
        for _ in 0..100 {
            let on_the_way: &[Seq] = if suspect.is_careful() { &[1] } else { &[1, 2] };
            lost(&mut suspect, on_the_way, false, now);
        }
        assert!(suspect.is_careful() && !suspect.is_condemned(data(1)));
        (0..LOSSES_ALONE).for_each(|_| lost(&mut suspect, &[1], true, now));
        assert!(suspect.is_condemned(data(1)));
    }

    #[test]
    fn losses_with_nothing_on_the_way_say_nothing() {
        let mut suspect = Suspect::default();
        (0..100).for_each(|_| lost(&mut suspect, &[], true, Instant::now()));
        assert!(!suspect.is_careful());
    }

    #[test]
    fn when_those_that_were_on_the_way_are_through_all_may_go_again() {
        let (mut suspect, now) = (Suspect::default(), Instant::now());
        (0..LOSSES).for_each(|_| lost(&mut suspect, &[1, 2, 3], true, now));
        for seq in 1..=3 {
            assert!(suspect.is_careful());
            suspect.acked(data(seq));
        }
        assert!(!suspect.is_careful());
        (0..LOSSES).for_each(|_| lost(&mut suspect, &[11, 12], true, now));
        assert!(suspect.is_careful());
        (100..105).for_each(|seq| suspect.acked(data(seq)));
        assert!(!suspect.is_careful(), "11 and 12 are somewhere in a backlog");
    }

    #[test]
    fn a_broker_that_refuses_every_record_fills_the_quarantine_slowly() {
        let (mut suspect, start) = (Suspect::default(), Instant::now());
        let (mut next, mut condemned) = (1, Vec::new());
        for minute in 0..100 {
            let now = start + Duration::from_secs(60 * minute);
            for _ in 0..10 {
                let on_the_way: Vec<Seq> = (next..).take(if suspect.is_careful() { 1 } else { 4 }).collect();
                lost(&mut suspect, &on_the_way, true, now);
                if suspect.is_condemned(data(next)) {
                    let in_a_row = suspect.quarantined(data(next), now);
                    assert_eq!(in_a_row, (condemned.len() >= 2).then_some(condemned.len() as u32 + 1));
                    condemned.push(minute);
                    next += 1;
                }
            }
        }
        assert!(condemned[2] < 3 && condemned[3] >= condemned[2] + 10, "{condemned:?}");
        assert!(condemned.len() <= 3 + 10, "{condemned:?}");
        suspect.acked(data(next));
        assert_eq!(suspect.in_a_row, 0);
    }
}
