//! Alarms of a machine: how many, how long until they were acknowledged and until they went (A1).
//!
//! The rule: a time is measured only where both of its ends were seen and nothing was unknown in between. What was not seen is counted
//! by itself, never guessed. An alarm counts where it begins, a time where it ends.

use serde::{Deserialize, Serialize};

use super::signal::Said;

/// What became of alarms; it can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AlarmTimes {
    /// Whether a tag tells of alarms.
    pub is_told: bool,
    /// Whether a tag tells of acknowledgements.
    pub has_ack: bool,
    /// Alarms that went while everything was known.
    pub cleared: u32,
    /// ms from their beginnings to their ends.
    pub clear_ms: u64,
    /// Alarms that went, and of which the beginning, the end or something in between was not seen.
    pub clear_unknown: u32,
    /// Alarms that were acknowledged while everything was known.
    pub acked: u32,
    /// ms from their beginnings to that.
    pub ack_ms: u64,
    /// Alarms of which that was not seen for want of data.
    pub ack_unknown: u32,
    /// Alarms that nobody acknowledged until the next one began.
    pub unacked: u32,
}

impl AlarmTimes {
    pub(super) fn add(&mut self, other: &AlarmTimes) {
        self.is_told |= other.is_told;
        self.has_ack |= other.has_ack;
        self.cleared += other.cleared;
        self.clear_ms += other.clear_ms;
        self.clear_unknown += other.clear_unknown;
        self.acked += other.acked;
        self.ack_ms += other.ack_ms;
        self.ack_unknown += other.ack_unknown;
        self.unacked += other.unacked;
    }

    /// For cells that have none.
    pub(super) fn is_nothing(&self) -> bool {
        *self == AlarmTimes::default()
    }
}

/// Follows one alarm of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    /// What the alarm tag said last; `None`: nothing.
    was: Option<bool>,
    /// The same of the acknowledgement.
    was_acked: Option<bool>,
    /// The alarm that has not gone yet.
    standing: Option<Begun>,
    /// The alarm that is not acknowledged yet, be it gone.
    waiting: Option<Begun>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    at: i64,
    /// Something of it was not seen.
    is_broken: bool,
}

impl Watch {
    /// For inputs that are no alarms.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Watch::default()
    }

    /// From `at` on, the tags say this; `has_ack`: there is a tag for acknowledgements. `true`: an alarm begins.
    pub(super) fn go_on(
        &mut self,
        at: i64,
        (alarm, ack): (Option<Said>, Option<Said>),
        has_ack: bool,
        times: &mut AlarmTimes,
    ) -> bool {
        let (alarm, ack) = (alarm.map(|said| said == Said::Yes), ack.map(|said| said == Said::Yes));
        let mut begins = false;
        match (alarm, &mut self.standing) {
            (None, Some(standing)) => standing.is_broken = true,
            (Some(false), standing) => {
                if let Some(gone) = standing.take() {
                    times.clear_unknown += u32::from(gone.is_broken);
                    times.cleared += u32::from(!gone.is_broken);
                    times.clear_ms += gone.ms_to(at).filter(|_| !gone.is_broken).unwrap_or(0);
                }
            }
            (Some(true), standing @ None) => {
                begins = true;
                *standing = Some(Begun { at, is_broken: self.was != Some(false) });
            }
            _ => {}
        }
        if has_ack {
            self.follow_ack(begins.then_some(self.standing).flatten(), (alarm, ack), at, times);
        }
        (self.was, self.was_acked) = (alarm, ack);
        begins
    }

    /// An acknowledgement is a change to true after the alarm began: a bit that stood before is of another alarm.
    fn follow_ack(
        &mut self,
        begun: Option<Begun>,
        (alarm, ack): (Option<bool>, Option<bool>),
        at: i64,
        times: &mut AlarmTimes,
    ) {
        if let Some(waiting) = &mut self.waiting {
            waiting.is_broken |= alarm.is_none() || ack.is_none();
        }
        let is_acked = ack == Some(true) && self.was_acked != Some(true);
        if is_acked
            && begun.is_none()
            && let Some(done) = self.waiting.take()
        {
            let is_known = !done.is_broken && self.was_acked == Some(false);
            times.ack_unknown += u32::from(!is_known);
            times.acked += u32::from(is_known);
            times.ack_ms += done.ms_to(at).filter(|_| is_known).unwrap_or(0);
        }
        if let Some(begun) = begun {
            if let Some(before) = self.waiting.replace(begun) {
                times.ack_unknown += u32::from(before.is_broken);
                times.unacked += u32::from(!before.is_broken);
            }
            if ack.is_none()
                && let Some(waiting) = &mut self.waiting
            {
                waiting.is_broken = true;
            }
        }
    }
}

impl Begun {
    fn ms_to(self, at: i64) -> Option<u64> {
        u64::try_from(at - self.at).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a letter a second says of alarm and acknowledgement: `-` nothing, `.` no, `x` yes.
    #[track_caller]
    fn check(alarm: &str, ack: &str, begun: u32, expected: AlarmTimes) {
        let said = |letter: u8| match letter {
            b'x' => Some(Said::Yes),
            b'.' => Some(Said::No),
            _ => None,
        };
        let (mut watch, mut times, mut count) = (Watch::default(), AlarmTimes::default(), 0);
        let both = alarm.bytes().zip(ack.bytes().chain(std::iter::repeat(b'-')));
        for (second, (alarm, other)) in (0..).zip(both) {
            for _ in 0..2 {
                // Cut anywhere, it is the same.
                let begins = watch.go_on(second * 1_000, (said(alarm), said(other)), !ack.is_empty(), &mut times);
                count += u32::from(begins);
            }
        }
        assert_eq!((count, times), (begun, expected), "{alarm} {ack}");
    }

    #[test]
    fn a_time_is_measured_only_where_both_ends_were_seen() {
        let none = AlarmTimes::default();
        check("..xxx..", "", 1, AlarmTimes { cleared: 1, clear_ms: 3_000, ..none });
        check("xx..x.", "", 2, AlarmTimes { cleared: 1, clear_ms: 1_000, clear_unknown: 1, ..none });
        check(".x-x..", "", 1, AlarmTimes { clear_unknown: 1, ..none });
        check(".x--..", "", 1, AlarmTimes { clear_unknown: 1, ..none });
        check("--xx.", "", 1, AlarmTimes { clear_unknown: 1, ..none });
        check(".xxx", "", 1, none);
    }

    #[test]
    fn an_acknowledgement_is_a_change_after_the_alarm_began_and_may_come_when_it_is_gone() {
        let none = AlarmTimes { cleared: 1, ..AlarmTimes::default() };
        check(".xxxx.", "...xx.", 1, AlarmTimes { clear_ms: 4_000, acked: 1, ack_ms: 2_000, ..none });
        check(".xx...", "....x.", 1, AlarmTimes { clear_ms: 2_000, acked: 1, ack_ms: 3_000, ..none });
        check(".xx...", "xxxxxx", 1, AlarmTimes { clear_ms: 2_000, ..none });
        check(".xx...", "xx..x.", 1, AlarmTimes { clear_ms: 2_000, acked: 1, ack_ms: 3_000, ..none });
        check(".xx...", ".-.x..", 1, AlarmTimes { clear_ms: 2_000, ack_unknown: 1, ..none });
        check(".xx...", "...-x.", 1, AlarmTimes { clear_ms: 2_000, ack_unknown: 1, ..none });
        check(
            ".x.x..",
            "....x.",
            2,
            AlarmTimes { cleared: 2, clear_ms: 2_000, acked: 1, ack_ms: 1_000, unacked: 1, ..none },
        );
        let broken = AlarmTimes { cleared: 0, clear_unknown: 1, ack_unknown: 1, ..none };
        check(".x-x..", "....x.", 1, broken);
    }
}
