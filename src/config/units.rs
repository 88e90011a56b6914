//! Times (`"1m30s"`) and sizes (`"2GB"`) as people write them.

use std::time::Duration;

/// Understands one or more of `<number><unit>` with units ms, s, m, h, d; the number may have decimals.
pub fn parse_time(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total_ms = 0.0_f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..number_end].parse().ok()?;
        let after = rest[number_end..].trim_start();
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(after.len());
        let unit_ms = match &after[..unit_end] {
            "ms" => 1.0,
            "s" => 1e3,
            "m" | "min" => 60e3,
            "h" => 3_600e3,
            "d" => 86_400e3,
            _ => return None,
        };
        total_ms += number * unit_ms;
        rest = after[unit_end..].trim_start();
    }
    (total_ms <= LONGEST_MS).then(|| Duration::from_millis(total_ms.round() as u64))
}

/// Understands `<number><unit>` with units B, kB, MB, GB, TB (powers of ten, any case) and KiB, MiB, GiB (powers of two).
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..number_end].parse().ok()?;
    let unit = match text[number_end..].trim().to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = (number * unit).round();
    (bytes <= LARGEST_BYTES).then_some(bytes as u64)
}

/// A thousand years: beyond it a time is a typing error.
const LONGEST_MS: f64 = 1000.0 * 365.25 * 86_400e3;

/// An exabyte: beyond it a size is a typing error.
const LARGEST_BYTES: f64 = 1e18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_understood_as_people_write_them() {
        let cases = [
            ("1s", 1_000),
            ("250ms", 250),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("30d", 2_592_000_000),
            ("0s", 0),
            ("1m 30s", 90_000),
            ("1 s", 1_000),
        ];
        for (text, ms) in cases {
            assert_eq!(parse_time(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "1", "s", "-1s", "1sec", "1s30", "1e3s", "9999999d", "1..5s", "一秒"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_understood_as_people_write_them() {
        for (text, bytes) in
            [("2GB", 2_000_000_000), ("64kB", 64_000), ("1.5 MB", 1_500_000), ("1KiB", 1_024), ("12B", 12)]
        {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "2", "GB", "2G", "-2GB", "2 giga", "9999999TB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
