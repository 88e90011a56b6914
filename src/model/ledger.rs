//! The words of the sample ledger: what became of each sample that should have been taken. Pure.
//!
//! The rule: a [`Tally`] closes. What was expected is counted from the periods of the configuration, what became of it from
//! what was heard, and both are the same number, always.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Timestamp, Why};

/// Why there is no sample at all. The words are part of the ledger and of its events: they are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lost {
    /// Its time passed without a scan: others on the line took too long.
    Overrun,
    /// The link or the subscription was still being made, after a start or a reload.
    Starting,
    /// The agent was not running, or what it had counted last was lost with it.
    AgentDown,
    /// It was taken, and given up by a limit of the journal before every sink had it.
    Dropped,
    /// It was taken, and its record was found damaged.
    Corrupt,
    /// It was taken, and given up while the disk refused everything and memory was full.
    Memory,
}

impl Lost {
    /// All causes.
    pub const ALL: [Lost; 6] =
        [Lost::Overrun, Lost::Starting, Lost::AgentDown, Lost::Dropped, Lost::Corrupt, Lost::Memory];

    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Lost::Overrun => "overrun",
            Lost::Starting => "starting",
            Lost::AgentDown => "agent_down",
            Lost::Dropped => "dropped",
            Lost::Corrupt => "corrupt",
            Lost::Memory => "memory",
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of an expected sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A value in time.
    Good,
    /// A value in time, with a reason for doubt.
    Uncertain,
    /// A value, but when its period was over, or out of its rhythm by more than half a period.
    Late,
    /// Asked for, and no value.
    Bad(Why),
    /// No sample at all.
    Lost(Lost),
}

/// Counts by cause. The words of a newer version are kept as they are.
pub type Causes = BTreeMap<Cow<'static, str>, u64>;

/// What was expected, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Samples that should have been taken: one per tag and period.
    pub expected: u64,
    /// [`Outcome::Good`].
    #[serde(default)]
    pub good: u64,
    /// [`Outcome::Uncertain`].
    #[serde(default, skip_serializing_if = "is_none")]
    pub uncertain: u64,
    /// [`Outcome::Late`].
    #[serde(default, skip_serializing_if = "is_none")]
    pub late: u64,
    /// [`Outcome::Bad`], by the words of [`Why`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bad: Causes,
    /// [`Outcome::Lost`], by the words of [`Lost`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: Causes,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Tally {
    /// Enters what became of so many. That they were expected is entered by whoever knows the periods.
    pub fn enter(&mut self, outcome: Outcome, count: u64) {
        if count == 0 {
            return;
        }
        let place = match outcome {
            Outcome::Good => &mut self.good,
            Outcome::Uncertain => &mut self.uncertain,
            Outcome::Late => &mut self.late,
            Outcome::Bad(why) => self.bad.entry(why.as_str().into()).or_default(),
            Outcome::Lost(cause) => self.lost.entry(cause.as_str().into()).or_default(),
        };
        *place = place.saturating_add(count);
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Tally) {
        for (place, more) in [
            (&mut self.expected, other.expected),
            (&mut self.good, other.good),
            (&mut self.uncertain, other.uncertain),
            (&mut self.late, other.late),
        ] {
            *place = place.saturating_add(more);
        }
        for (causes, others) in [(&mut self.bad, &other.bad), (&mut self.lost, &other.lost)] {
            for (cause, more) in others {
                let place = causes.entry(cause.clone()).or_default();
                *place = place.saturating_add(*more);
            }
        }
    }

    /// Values that were taken and are lost now: they leave the good ones first, then the uncertain and the late ones. What had no
    /// value cannot be lost once more. Returns how many were moved.
    pub fn lose(&mut self, count: u64, cause: Lost) -> u64 {
        let mut left = count;
        for place in [&mut self.good, &mut self.uncertain, &mut self.late] {
            let moved = left.min(*place);
            *place -= moved;
            left -= moved;
        }
        self.enter(Outcome::Lost(cause), count - left);
        count - left
    }

    /// Expected and without a value.
    pub fn bad(&self) -> u64 {
        sum(&self.bad)
    }

    /// Expected and not there at all.
    pub fn lost(&self) -> u64 {
        sum(&self.lost)
    }

    /// Everything that became of what was expected.
    pub fn accounted(&self) -> u64 {
        [self.uncertain, self.late, self.bad(), self.lost()].into_iter().fold(self.good, u64::saturating_add)
    }

    /// Whether it adds up.
    pub fn closes(&self) -> bool {
        self.expected == self.accounted()
    }

    /// Whether nothing was entered.
    pub fn is_empty(&self) -> bool {
        *self == Tally::default()
    }
}

fn sum(causes: &Causes) -> u64 {
    causes.values().fold(0, |sum: u64, count| sum.saturating_add(*count))
}

/// The tags of one device with one period: what the ledger counts together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// The device's id.
    pub device: Arc<str>,
    /// Its period.
    pub period_ms: u64,
}

/// One line of the ledger: an account in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// Whose samples.
    pub account: Account,
    /// How many tags it had last.
    pub tags: u64,
    /// The counts.
    pub tally: Tally,
    /// Up to here everything is counted. Where the ledger goes on after a stop, a crash or a power cut: what lies between is
    /// [`Lost::AgentDown`]. `None`: the account was closed.
    pub until: Option<Timestamp>,
}

/// An hour of the ledger in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// The beginning of the hour of this moment.
pub fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(HOUR_MS).saturating_mul(HOUR_MS))
}

/// What one device had in one hour: the event that is published when the hour is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourReport {
    /// The beginning of the hour, milliseconds since 1970 UTC.
    pub hour: i64,
    /// The device's id.
    pub device: String,
    /// All its tags together.
    #[serde(flatten)]
    pub tally: Tally,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_adds_up_and_what_is_lost_later_was_good_before() {
        let mut tally = Tally { expected: 10, ..Tally::default() };
        tally.enter(Outcome::Good, 3);
        tally.enter(Outcome::Uncertain, 1);
        tally.enter(Outcome::Late, 1);
        tally.enter(Outcome::Bad(Why::Timeout), 4);
        assert!(!tally.closes(), "one is missing");
        tally.enter(Outcome::Lost(Lost::Overrun), 1);
        assert!(tally.closes());
        assert_eq!(tally.lose(2, Lost::Dropped), 2);
        assert_eq!((tally.good, tally.lost()), (1, 3));
        assert_eq!(tally.lose(9, Lost::Memory), 3, "what was bad cannot be lost as well");
        assert_eq!((tally.good, tally.uncertain, tally.late, tally.bad(), tally.lost()), (0, 0, 0, 4, 6));
        assert!(tally.closes());
    }

    #[test]
    fn a_tally_travels_as_json_and_keeps_the_words_of_a_newer_version() {
        let json = r#"{"expected":7,"good":2,"bad":{"timeout":1,"unheard_of":3},"lost":{"overrun":1}}"#;
        let tally: Tally = serde_json::from_str(json).unwrap();
        assert!(tally.closes());
        assert_eq!(serde_json::to_string(&tally).unwrap(), json);
    }

    #[test]
    fn hours_begin_on_the_hour_also_before_1970() {
        for (at, hour) in [(0, 0), (3_599_999, 0), (3_600_000, 3_600_000), (-1, -3_600_000)] {
            assert_eq!(hour_of(Timestamp(at)), Timestamp(hour), "{at}");
        }
    }
}
