//! Arrivals: the account of what came out at the far end. Pure: it is given payloads, in whatever order they came.
//!
//! It owns, per device, the `scan` values that arrived, and the identities of all messages. Rule: a message is counted
//! once; the same identity again is a duplicate and changes nothing else. Whether something was lost is not believed of
//! anybody: it is the difference to what the machines say they handed out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::server::HandedOut;

/// The account.
#[derive(Debug, Default)]
pub struct Arrivals {
    devices: BTreeMap<String, Device>,
    /// Positions seen, per boot and stream.
    ids: BTreeMap<String, Runs>,
    /// Positions that messages named as their predecessors, likewise.
    named: BTreeMap<String, Runs>,
    /// Events by their word, such as `link`.
    pub events: BTreeMap<String, u64>,
    /// Messages with an identity that was seen before.
    pub duplicates: u64,
    /// Messages that are neither samples nor events: births, status.
    pub other: u64,
}

/// What arrived of one device.
#[derive(Debug, Default)]
pub struct Device {
    scans: Runs,
    /// Readings with a value.
    pub good: u64,
    /// Readings without one, by their reason.
    pub bad: BTreeMap<String, u64>,
    /// The newest value of each tag, and when it was taken, in milliseconds since 1970.
    pub latest: BTreeMap<String, (i64, Value)>,
}

impl Device {
    /// Different values of `scan` that arrived.
    pub fn scans(&self) -> u64 {
        self.scans.count()
    }
}

/// What a message was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Samples, with so many readings, good or bad.
    Samples(u64),
    /// An event.
    Event,
    /// An identity that was seen before.
    Duplicate,
    /// Anything else.
    Other,
}

/// The shape of both kinds of message; what is not named here is not looked at.
#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    prev: Option<u64>,
    device: Option<String>,
    samples: Option<Vec<Sample>>,
    event: Option<String>,
}

#[derive(Deserialize)]
struct Sample {
    ts: i64,
    #[serde(default)]
    values: BTreeMap<String, Value>,
    #[serde(default)]
    bad: BTreeMap<String, String>,
}

impl Arrivals {
    /// Takes one payload into account.
    pub fn take(&mut self, payload: &[u8]) -> Arrival {
        let Some((message, stream, seq)) = identified(payload) else {
            self.other += 1;
            return Arrival::Other;
        };
        let is_data = message.device.is_some() && message.samples.is_some();
        if !is_data && message.event.is_none() {
            self.other += 1;
            return Arrival::Other;
        }
        if !self.ids.entry(stream.clone()).or_default().insert(seq) {
            self.duplicates += 1;
            return Arrival::Duplicate;
        }
        // 0 names nothing: positions count from 1.
        if let Some(prev) = message.prev.filter(|prev| *prev > 0) {
            self.named.entry(stream).or_default().insert(prev);
        }
        match (message.device, message.samples, message.event) {
            (Some(device), Some(samples), _) => Arrival::Samples(self.devices.entry(device).or_default().take(samples)),
            (_, _, event) => {
                *self.events.entry(event.unwrap_or_default()).or_default() += 1;
                Arrival::Event
            }
        }
    }

    /// What arrived of a device, if anything did.
    pub fn device(&self, id: &str) -> Option<&Device> {
        self.devices.get(id)
    }

    /// All devices of which something arrived.
    pub fn devices(&self) -> impl Iterator<Item = (&str, &Device)> {
        self.devices.iter().map(|(id, device)| (id.as_str(), device))
    }

    /// Readings that arrived, good and bad, duplicates not counted.
    pub fn readings(&self) -> u64 {
        self.devices.values().map(|device| device.good + device.bad.values().sum::<u64>()).sum()
    }

    /// Readings that arrived without a value.
    pub fn bad(&self) -> u64 {
        self.devices.values().flat_map(|device| device.bad.values()).sum()
    }

    /// Events that arrived.
    pub fn event_count(&self) -> u64 {
        self.events.values().sum()
    }

    /// Of the scans that these machines handed out, those that arrived.
    pub fn arrived(&self, handed_out: &[HandedOut]) -> u64 {
        let arrived =
            |out: &HandedOut| self.devices.get(out.machine).map_or(0, |device| device.scans.count_within(1, out.scans));
        handed_out.iter().map(arrived).sum()
    }

    /// Those that never arrived.
    pub fn missing(&self, handed_out: &[HandedOut]) -> u64 {
        handed_out.iter().map(|out| out.scans).sum::<u64>() - self.arrived(handed_out)
    }

    /// Messages that a later one named as its predecessor and that never arrived: the receiver's own proof of a gap,
    /// without asking the machines.
    pub fn gaps(&self) -> u64 {
        let unseen = |(stream, named): (&String, &Runs)| {
            let ids = self.ids.get(stream);
            named.iter().filter(|seq| !ids.is_some_and(|ids| ids.contains(*seq))).count() as u64
        };
        self.named.iter().map(unseen).sum()
    }
}

impl Device {
    fn take(&mut self, samples: Vec<Sample>) -> u64 {
        let mut readings = 0;
        for sample in samples {
            readings += (sample.values.len() + sample.bad.len()) as u64;
            self.good += sample.values.len() as u64;
            for why in sample.bad.into_values() {
                *self.bad.entry(why).or_default() += 1;
            }
            if let Some(scan) = sample.values.get("scan").and_then(Value::as_u64) {
                self.scans.insert(scan);
            }
            for (tag, value) in sample.values {
                let place = self.latest.entry(tag).or_insert((i64::MIN, Value::Null));
                if sample.ts >= place.0 {
                    *place = (sample.ts, value);
                }
            }
        }
        readings
    }
}

/// The message, what stands before the last dash of its identity (`<boot>-<stream>`), and the position behind it.
fn identified(payload: &[u8]) -> Option<(Message, String, u64)> {
    let message: Message = serde_json::from_slice(payload).ok()?;
    let (stream, seq) = message.id.as_deref()?.rsplit_once('-')?;
    let (stream, seq) = (stream.to_owned(), seq.parse().ok()?);
    Some((message, stream, seq))
}

/// A set of numbers, kept as runs (first to last): what arrives without gaps takes one entry, however long it goes on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Runs(BTreeMap<u64, u64>);

impl Runs {
    /// Whether the number was new.
    fn insert(&mut self, number: u64) -> bool {
        let before = self.0.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let last = number.checked_add(1).and_then(|next| self.0.remove(&next)).unwrap_or(number);
        self.0.insert(first, last);
        true
    }

    fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// How many of the numbers from `least` to `most` are in the set.
    fn count_within(&self, least: u64, most: u64) -> u64 {
        let part = |(first, last): (&u64, &u64)| ((*last).min(most) + 1).saturating_sub((*first).max(least));
        self.0.iter().map(part).sum()
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, prev: u64, scans: &[u64]) -> Vec<u8> {
        let samples: Vec<String> =
            scans.iter().map(|n| format!(r#"{{"ts":{},"values":{{"scan":{n},"t":2.5}}}}"#, 1000 + n)).collect();
        let samples = samples.join(",");
        format!(r#"{{"device":"imm-01","id":"00ab-data-{seq}","prev":{prev},"samples":[{samples}]}}"#).into_bytes()
    }

    fn out(scans: u64) -> [HandedOut; 1] {
        [HandedOut { machine: "imm-01", scans }]
    }

    #[test]
    fn everything_once_means_nothing_missing() {
        let mut account = Arrivals::default();
        assert_eq!(account.take(&message(1, 0, &[1, 2])), Arrival::Samples(4));
        assert_eq!(account.take(&message(2, 1, &[3])), Arrival::Samples(2));
        assert_eq!((account.arrived(&out(3)), account.readings(), account.bad()), (3, 6, 0));
        assert_eq!((account.missing(&out(3)), account.gaps(), account.duplicates), (0, 0, 0));
    }

    #[test]
    fn the_same_message_again_is_a_duplicate_and_counts_for_nothing_else() {
        let mut account = Arrivals::default();
        account.take(&message(1, 0, &[1, 2]));
        assert_eq!(account.take(&message(1, 0, &[1, 2])), Arrival::Duplicate);
        assert_eq!((account.arrived(&out(2)), account.readings(), account.duplicates), (2, 4, 1));
    }

    #[test]
    fn a_message_that_never_came_is_seen_from_both_ends() {
        let mut account = Arrivals::default();
        account.take(&message(1, 0, &[1, 2]));
        account.take(&message(5, 4, &[5]));
        account.take(&message(3, 1, &[3])); // late, out of order
        assert_eq!(account.missing(&out(6)), 2, "4 was in a lost message, 6 never arrived");
        assert_eq!(account.gaps(), 1, "4 was named and never came; 2 belongs to somebody else's topic");
        account.take(&message(4, 3, &[4]));
        assert_eq!((account.missing(&out(5)), account.gaps()), (0, 0));
    }

    #[test]
    fn a_device_that_was_never_heard_of_misses_everything() {
        let handed_out = [HandedOut { machine: "imm-01", scans: 2 }, HandedOut { machine: "press-01", scans: 7 }];
        let mut account = Arrivals::default();
        account.take(&message(1, 0, &[1, 2]));
        assert_eq!(account.missing(&handed_out), 7);
    }

    #[test]
    fn a_value_that_nobody_handed_out_makes_up_for_nothing() {
        let mut account = Arrivals::default();
        account.take(&message(1, 0, &[0, 1, 99]));
        assert_eq!((account.arrived(&out(2)), account.missing(&out(2))), (1, 1));
    }

    #[test]
    fn bad_readings_are_counted_by_their_reason_and_hand_out_nothing() {
        let mut account = Arrivals::default();
        let payload = br#"{"device":"imm-01","id":"00ab-data-1","prev":0,"samples":[
            {"ts":5,"values":{},"bad":{"scan":"timeout","t":"timeout"}},{"ts":6,"bad":{"t":"refused"}}]}"#;
        assert_eq!(account.take(payload), Arrival::Samples(3));
        let device = account.device("imm-01").expect("it was named");
        assert_eq!((device.bad["timeout"], device.bad["refused"], device.good, device.scans()), (2, 1, 0, 0));
        assert_eq!(account.bad(), 3);
    }

    #[test]
    fn the_newest_value_wins_whatever_the_order() {
        let mut account = Arrivals::default();
        account.take(&message(2, 1, &[9]));
        account.take(&message(1, 0, &[3]));
        assert_eq!(account.device("imm-01").expect("it was named").latest["scan"], (1009, 9.into()));
    }

    #[test]
    fn events_are_counted_by_their_word_and_the_rest_is_not_mistaken_for_them() {
        let mut account = Arrivals::default();
        let up = br#"{"id":"00ab-events-1","prev":0,"ts":5,"event":"link","link":"imm","state":"up"}"#;
        assert_eq!(account.take(up), Arrival::Event);
        assert_eq!(account.take(up), Arrival::Duplicate);
        for other in [
            &b"online"[..],
            b"",
            b"{}",
            b"[1]",
            br#"{"device":"imm-01","tags":[]}"#,
            br#"{"id":"00ab-data-x"}"#,
            br#"{"id":"00ab-data-7"}"#,
        ] {
            assert_eq!(account.take(other), Arrival::Other, "{}", String::from_utf8_lossy(other));
        }
        assert_eq!((account.events["link"], account.event_count(), account.other), (1, 1, 7));
    }

    #[test]
    fn runs_join_where_the_gap_between_them_is_filled() {
        let mut runs = Runs::default();
        for (number, is_new) in [(5, true), (7, true), (5, false), (6, true), (6, false), (1, true), (u64::MAX, true)] {
            assert_eq!(runs.insert(number), is_new, "{number}");
        }
        assert_eq!(runs.0, BTreeMap::from([(1, 1), (5, 7), (u64::MAX, u64::MAX)]));
        assert_eq!((runs.count_within(1, 6), runs.count_within(2, 4), runs.count_within(1, 0)), (3, 0, 0));
        assert!(runs.contains(6) && !runs.contains(8));
    }
}
