//! How far a time of ours can be trusted: gateways start in 1970, or with yesterday's clock, and somebody sets it later. Pure.
//!
//! The rule: a time that the wall clock gave before it was trusted never travels without its mark.

use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use super::*;

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
