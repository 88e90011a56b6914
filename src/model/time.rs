//! Moments and spans as the wire and the journal carry them.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00 UTC, as the gateway's wall clock said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// What the system's clock says, in milliseconds; 1970 where it says something earlier.
    pub fn of(clock: SystemTime) -> Timestamp {
        let since = clock.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// This moment moved into the past by `span`; the smallest moment where that leaves the range.
    pub fn before(self, span: Duration) -> Timestamp {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_sub(ms))
    }
}

/// `90` seconds as `1m30s`: how spans are written in the configuration and shown to people.
pub fn show_span(span: Duration) -> String {
    let ms = span.as_millis();
    if ms == 0 {
        return "0s".into();
    }
    let parts = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = ms;
    let mut text = String::new();
    for (unit, size) in parts {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    text
}

/// `2_000_000_000` bytes as `2.0 GB` (powers of ten, as disks and data plans are sold).
pub fn show_bytes(bytes: f64) -> String {
    for (unit, size) in [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] {
        if bytes >= size {
            return format!("{:.1} {unit}", bytes / size);
        }
    }
    format!("{bytes:.0} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_shown_as_they_are_written() {
        for (ms, text) in
            [(0, "0s"), (1_000, "1s"), (90_000, "1m30s"), (250, "250ms"), (86_400_000, "1d"), (3_661_001, "1h1m1s1ms")]
        {
            assert_eq!(show_span(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn bytes_are_shown_with_one_decimal() {
        for (bytes, text) in [(12.0, "12 B"), (1_500.0, "1.5 kB"), (2e9, "2.0 GB")] {
            assert_eq!(show_bytes(bytes), text);
        }
    }
}
