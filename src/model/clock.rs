//! How far a time of ours can be trusted: gateways start in 1970, or with yesterday's clock, and somebody sets it later. Pure.
//!
//! The rule: a time that the wall clock gave before it was trusted never travels without its mark.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What stands behind the times that the gateway itself gave to a record. Times of others (OPC UA source and server times)
/// come from their clocks and are not meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ClockMark {
    /// The wall clock, which was trusted.
    #[default]
    Trusted,
    /// The wall clock, which was not; the monotonic time beside it is right.
    Untrusted,
    /// The monotonic time, and where the wall clock stood once it was trusted.
    Corrected,
}

impl ClockMark {
    /// The word in messages; none where nothing needs to be said.
    pub fn word(self) -> Option<&'static str> {
        match self {
            ClockMark::Trusted => None,
            ClockMark::Untrusted => Some("untrusted"),
            ClockMark::Corrected => Some("corrected"),
        }
    }

    /// The number in the journal.
    pub fn number(self) -> u8 {
        match self {
            ClockMark::Trusted => 0,
            ClockMark::Untrusted => 1,
            ClockMark::Corrected => 2,
        }
    }

    /// The mark behind a number; `None`: no mark of ours.
    pub fn from_number(number: i64) -> Option<ClockMark> {
        [ClockMark::Trusted, ClockMark::Untrusted, ClockMark::Corrected]
            .into_iter()
            .find(|mark| i64::from(mark.number()) == number)
    }
}

/// Why the wall clock is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustedBy {
    /// The system says that its clock is synchronized.
    Ntp,
    /// It says a time that can be.
    Plausible,
    /// The configuration says so.
    Always,
}

impl TrustedBy {
    /// The word in events, logs and the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            TrustedBy::Ntp => "ntp",
            TrustedBy::Plausible => "plausible",
            TrustedBy::Always => "always",
        }
    }
}

/// Whether the wall clock is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// Times are marked.
    Untrusted,
    /// Times are what they say.
    Trusted,
}

/// A change of wall clock against monotonic clock by more than this is a step. Slewing moves it by less than a millisecond a
/// second; a leap second is a step.
pub const STEP_MS: i64 = 500;

/// Wall clock minus monotonic clock.
pub fn difference(wall: Timestamp, mono_ms: u64) -> i64 {
    wall.0.saturating_sub(i64::try_from(mono_ms).unwrap_or(i64::MAX))
}

/// The true time of something that happened in a start of the agent whose trusted wall clock was `offset_ms` ahead of the
/// monotonic one; `None`: the wall clock said so already.
pub fn true_time(at: Timestamp, mono_ms: u64, offset_ms: i64) -> Option<Timestamp> {
    let is_off = difference(at, mono_ms).abs_diff(offset_ms) > STEP_MS as u64;
    is_off.then(|| Timestamp(offset_ms.saturating_add(i64::try_from(mono_ms).unwrap_or(i64::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_was_right_stays_and_one_that_was_not_is_counted_from_the_monotonic_clock() {
        for (at, mono, offset, expected) in [
            (5_000, 4_000, 1_000, None),
            (5_500, 4_000, 1_000, None),
            (5_501, 4_000, 1_000, Some(5_000)),
            (5_000, 4_000, 1_767_225_600_000, Some(1_767_225_604_000)),
            (1_767_225_604_000, 4_000, 0, Some(4_000)),
            (i64::MIN, u64::MAX, i64::MAX, Some(i64::MAX)),
        ] {
            assert_eq!(true_time(Timestamp(at), mono, offset), expected.map(Timestamp), "{at}");
        }
    }

    #[test]
    fn a_mark_is_read_back_from_its_number_and_no_other_number_is_a_mark() {
        for mark in [ClockMark::Trusted, ClockMark::Untrusted, ClockMark::Corrected] {
            assert_eq!(ClockMark::from_number(i64::from(mark.number())), Some(mark));
        }
        for number in [-1, 3, i64::MAX] {
            assert_eq!(ClockMark::from_number(number), None);
        }
    }
}
