//! Moments as a person types and reads them, in the workshop's time zone.

use std::time::SystemTime;

use crate::config::parse_time;
use crate::model::words::transfer as words;
use crate::model::{Timestamp, Trouble};

/// `2026-01-31`, `2026-01-31 08:00`, `2026-01-31T08:00:00+08:00`, or `2h` for two hours ago.
pub(super) fn moment(text: &str, zone: &str) -> Result<Timestamp, Trouble> {
    let now = Timestamp::of(SystemTime::now());
    parse(text, zone, now).ok_or_else(|| Trouble::new(words::BAD_MOMENT).with("found", text.escape_debug()))
}

fn parse(text: &str, zone: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(at.as_millisecond()));
    }
    if let Some(ago) = parse_time(text) {
        return Some(now.before(ago));
    }
    let civil = text.parse::<jiff::civil::DateTime>();
    let civil = civil.or_else(|_| text.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0))).ok()?;
    let zone = crate::model::zone(zone)?;
    Some(Timestamp(civil.to_zoned(zone).ok()?.timestamp().as_millisecond()))
}

/// To the second.
pub(super) fn shown(at_ms: i64, zone: &str) -> String {
    format(at_ms, zone, "%Y-%m-%d %H:%M:%S")
}

/// To the millisecond.
pub(super) fn exact(at_ms: i64, zone: &str) -> String {
    format(at_ms, zone, "%Y-%m-%d %H:%M:%S.%3f")
}

fn format(at_ms: i64, zone: &str, pattern: &str) -> String {
    let zone = crate::model::zone(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let at = jiff::Timestamp::from_millisecond(at_ms).map(|at| at.to_zoned(zone).strftime(pattern).to_string());
    at.unwrap_or_else(|_| at_ms.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_understood_as_people_type_them() {
        const NOW: Timestamp = Timestamp(1_767_225_600_000); // 2026-01-01T00:00:00Z
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse(text, "Asia/Shanghai", NOW).map(|at| at.0), expected, "{text}");
        };
        check("2026-01-01", Some(NOW.0 - 8 * 3_600_000));
        check("2026-01-01 08:00", Some(NOW.0));
        check("2026-01-01T08:00:30", Some(NOW.0 + 30_000));
        check("2026-01-01T08:00:00+08:00", Some(NOW.0));
        check("2026-01-01T00:00:00Z", Some(NOW.0));
        check("2h", Some(NOW.0 - 7_200_000));
        check("yesterday", None);
        check("2026-13-01", None);
        assert_eq!(shown(NOW.0, "Asia/Shanghai"), "2026-01-01 08:00:00");
        assert_eq!(exact(NOW.0 + 7, "Asia/Shanghai"), "2026-01-01 08:00:00.007");
        assert_eq!(shown(i64::MAX, "UTC"), i64::MAX.to_string());
    }
}
