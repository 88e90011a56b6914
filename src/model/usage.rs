//! Usage: what a sink has used up of its line in a month. Pure.

use std::fmt;

/// A month of the workshop's calendar, printed as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Month {
    /// The year.
    pub year: i16,
    /// From 1 to 12.
    pub month: i8,
}

/// Bytes and messages of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Which month.
    pub month: Month,
    /// Bytes, as a data plan counts them: both ways, with what TCP and TLS add.
    pub bytes: u64,
    /// Messages sent.
    pub messages: u64,
}

impl Month {
    /// The month in `2026-11`.
    pub fn parse(text: &str) -> Option<Month> {
        let (year, month) = text.split_once('-')?;
        let month = Month { year: year.parse().ok()?, month: month.parse().ok()? };
        (1..=12).contains(&month.month).then_some(month)
    }

    /// So many months earlier.
    pub fn before(self, months: u16) -> Month {
        let counted = i32::from(self.year) * 12 + i32::from(self.month) - 1 - i32::from(months);
        let year = i16::try_from(counted.div_euclid(12)).unwrap_or(i16::MIN);
        Month { year, month: counted.rem_euclid(12) as i8 + 1 }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_back_and_counted_back() {
        let month = Month { year: 2026, month: 2 };
        assert_eq!(month.to_string(), "2026-02");
        assert_eq!(Month::parse("2026-02"), Some(month));
        for wrong in ["", "2026", "2026-13", "2026-00", "a-b"] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
        assert_eq!(month.before(1).to_string(), "2026-01");
        assert_eq!(month.before(2).to_string(), "2025-12");
        assert_eq!(month.before(26).to_string(), "2023-12");
    }
}
