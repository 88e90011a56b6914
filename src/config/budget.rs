//! `budget` and `backlog` of a sink: how much may go over its line, when, and what goes first.

use super::Security;
use super::read::Section;
use super::server::one_of;
use crate::model::Trouble;
use crate::model::words::config as words;
use crate::model::words::delivery_config as delivery_words;

/// `budget` of a sink: what it may use of its line. What is `None` has no limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// Messages in a thousand seconds.
    pub messages_per_1000_s: Option<u64>,
    /// Bits a second.
    pub bits_per_s: Option<u64>,
    /// Bytes a month of the workshop's calendar.
    pub bytes_per_month: Option<u64>,
    /// When it may send, by the workshop's clock; empty: always.
    pub hours: Vec<Hours>,
}

/// A part of each day, in minutes since midnight. One that ends before it begins goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first minute.
    pub from: u16,
    /// The first minute after it, up to 1440.
    pub to: u16,
}

/// What a sink sends first when it has fallen behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backlog {
    /// Everything in order: the gap of an outage is filled before new data goes out.
    #[default]
    InOrder,
    /// Current data at once, and history behind it.
    LiveFirst,
}

impl Backlog {
    /// All of them.
    pub const ALL: [Backlog; 2] = [Backlog::InOrder, Backlog::LiveFirst];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Backlog::InOrder => "in_order",
            Backlog::LiveFirst => "live_first",
        }
    }

    /// The one with this word.
    pub fn parse(word: &str) -> Option<Backlog> {
        Backlog::ALL.into_iter().find(|backlog| backlog.as_str() == word)
    }
}

impl Budget {
    /// Whether there is no limit at all.
    pub fn is_none(&self) -> bool {
        *self == Budget::default()
    }

    /// Minutes of a day in which it may send.
    pub fn open_minutes(&self) -> u16 {
        if self.hours.is_empty() {
            return DAY;
        }
        (0..DAY).filter(|minute| self.hours.iter().any(|hours| hours.contain(*minute))).count() as u16
    }
}

impl Hours {
    /// Whether this minute of the day is in it.
    pub fn contain(&self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }

    /// `22:00-06:00`
    fn parse(text: &str) -> Option<Hours> {
        let (from, to) = text.split_once('-')?;
        let hours = Hours { from: minute(from)?, to: minute(to)? };
        (hours.from != hours.to && hours.from < DAY).then_some(hours)
    }
}

/// Bytes that a message takes on the line, both ways, beside its topic and payload. It is meant to be too much rather than too little:
/// small messages often share a segment.
///
/// PUBLISH: 5 bytes of fixed header at most, 2 of topic length, 2 of packet id. Each segment of 1,400 bytes: 52 of IP and TCP with
/// timestamps, and 52 for the other side's TCP acknowledgement of every second one. PUBACK: 4, in a segment of its own. TLS: 22 per
/// record of 16 kB, and for the PUBACK.
pub fn wire_bytes(topic: usize, payload: usize, security: &Security) -> u64 {
    const SEGMENT: usize = 1_400;
    const IP_TCP: usize = 52;
    const TLS_RECORD: usize = 22;
    const TLS_RECORD_HOLDS: usize = 16_384;
    let publish = 5 + 2 + topic + 2 + payload;
    let records = match security {
        Security::Plaintext => 0,
        Security::Tls { .. } => publish.div_ceil(TLS_RECORD_HOLDS) + 1,
    };
    let segments = publish.div_ceil(SEGMENT);
    let overhead = IP_TCP * (segments + segments.div_ceil(2)) + 4 + IP_TCP + TLS_RECORD * records;
    (publish + overhead) as u64
}

/// Bytes of a connection from its first packet to the broker's acceptance: TCP, and TLS with two certificate chains.
pub fn connection_bytes(security: &Security) -> u64 {
    match security {
        Security::Plaintext => 600,
        Security::Tls { .. } => 8_000,
    }
}

/// Bytes of a keep-alive ping and its answer, with what TCP and TLS add.
pub fn ping_bytes(security: &Security) -> u64 {
    match security {
        Security::Plaintext => 160,
        Security::Tls { .. } => 204,
    }
}

pub(super) fn backlog(section: &Section<'_>) -> Backlog {
    one_of(section, "backlog", &Backlog::ALL.map(Backlog::as_str), Backlog::parse).unwrap_or_default()
}

pub(super) fn budget(sink: &Section<'_>) -> Budget {
    let Some(section) = sink.section("budget") else { return Budget::default() };
    let thousandths = |x: f64| (x * 1_000.0).round() as u64;
    let budget = Budget {
        messages_per_1000_s: rate(&section, "messages_per_s", 0.001, 100_000.0, 20.0).map(thousandths),
        bits_per_s: rate(&section, "kbit_per_s", 0.1, 1_000_000.0, 64.0).map(thousandths),
        bytes_per_month: rate(&section, "mb_per_month", 1.0, 1_000_000.0, 200.0).map(|mb| (mb * 1e6).round() as u64),
        hours: hours(&section),
    };
    section.finish();
    if !["messages_per_s", "kbit_per_s", "mb_per_month", "hours"].into_iter().any(|key| section.has(key)) {
        sink.wrong("budget", delivery_words::BUDGET_EMPTY, |t| t);
    }
    budget
}

fn rate(section: &Section<'_>, key: &'static str, min: f64, max: f64, example: f64) -> Option<f64> {
    let number = section.number(key, &format!("{key} = {example}"))?;
    if !(min..=max).contains(&number) {
        let found = section.shown(key);
        section.wrong(key, words::OUT_OF_RANGE, |t| t.with("found", found).with("min", min).with("max", max));
        return None;
    }
    Some(number)
}

fn hours(section: &Section<'_>) -> Vec<Hours> {
    let mut hours = Vec::new();
    for (text, at) in section.texts("hours", "hours = [\"22:00-06:00\"]").unwrap_or_default() {
        match Hours::parse(&text) {
            Some(found) => hours.push(found),
            None => {
                let trouble = Trouble::new(delivery_words::BAD_HOURS).with("key", section.path_of("hours"));
                section.doc.mistake(at, trouble.with("found", text));
            }
        }
    }
    hours
}

/// Minutes since midnight in `06:00`; 24:00 is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two_digits = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY).then_some(total)
}

/// Minutes of a day.
const DAY: u16 = 1_440;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_understood_as_people_write_them() {
        for (text, expected) in [
            ("22:00-06:00", Some((1_320, 360))),
            ("0:00-24:00", Some((0, 1_440))),
            (" 08:30 - 12:00 ", Some((510, 720))),
            ("08:00-08:00", None),
            ("24:00-06:00", None),
            ("25:00-26:00", None),
            ("08:60-09:00", None),
            ("8-12", None),
            ("", None),
            ("08:00", None),
            ("+8:00-9:00", None),
            ("123:00-9:00", None),
        ] {
            assert_eq!(Hours::parse(text).map(|hours| (hours.from, hours.to)), expected, "{text:?}");
        }
    }

    #[test]
    fn hours_over_midnight_and_several_add_up() {
        let hours = |texts: &[&str]| texts.iter().map(|text| Hours::parse(text).unwrap()).collect();
        let minutes = |texts: &[&str]| Budget { hours: hours(texts), ..Budget::default() }.open_minutes();
        assert_eq!(minutes(&[]), 1_440);
        assert_eq!(minutes(&["22:00-06:00"]), 480);
        assert_eq!(minutes(&["22:00-06:00", "05:00-07:00", "12:00-13:00"]), 600);
        assert_eq!(minutes(&["00:00-24:00"]), 1_440);
        let night = Hours::parse("22:00-06:00").unwrap();
        assert!(night.contain(1_320) && night.contain(0) && night.contain(359));
        assert!(!night.contain(360) && !night.contain(1_319));
    }

    #[test]
    fn the_allowance_grows_with_segments_and_tls() {
        let tls = Security::Tls { ca_file: None, client: None };
        let plain = |payload| wire_bytes(30, payload, &Security::Plaintext);
        assert_eq!(plain(300), 339 + 52 + 52 + 4 + 52);
        assert_eq!(plain(3_000), 3_039 + 3 * 52 + 2 * 52 + 4 + 52);
        assert_eq!(wire_bytes(30, 300, &tls), plain(300) + 44);
        assert_eq!(wire_bytes(30, 30_000, &tls), plain(30_000) + 66);
    }
}
