//! What waits for the next turn of the recorder: the scans of each group put together into records, and events. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{ENVELOPE_BYTES, LONGEST_VALUE, SCAN_BYTES, TEXT_FRAME, escaped_len};
use crate::journal::{NewData, NewEvent};
use crate::model::batch::{correct, correct_event};
use crate::model::{ClockMark, Group, Reading, Scan, TagInfo, Value};
use crate::sink::payload::stamps;

/// Samples of one record: what one message carries.
const RECORD_SAMPLES: usize = 2_000;

/// What has no position yet.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) data: Vec<NewData>,
    pub(super) events: Vec<NewEvent>,
    /// The open record of each group, by the group's id.
    open: HashMap<u64, Open>,
    pub(super) samples: usize,
}

/// A record that takes further scans.
struct Open {
    /// Its place in `data`.
    index: usize,
    samples: usize,
    /// Of its message, at most.
    bytes: usize,
}

impl Pending {
    /// Adds a scan to the open record of its group; a record that has become large, or whose times mean something else, is
    /// closed.
    pub(super) fn push(&mut self, group: Arc<Group>, clock: ClockMark, scan: Scan, message_bytes: usize) {
        let (samples, bytes) = (scan.len(), most_bytes(&group, &scan));
        self.samples += samples;
        if let Some(open) = self.open.get_mut(&group.id)
            && open.samples + samples <= RECORD_SAMPLES
            && open.bytes + bytes <= message_bytes
            && self.data[open.index].clock == clock
        {
            (open.samples, open.bytes) = (open.samples + samples, open.bytes + bytes);
            self.data[open.index].scans.push(scan);
            return;
        }
        self.open.insert(group.id, Open { index: self.data.len(), samples, bytes: ENVELOPE_BYTES + bytes });
        self.data.push(NewData { group, clock, scans: vec![scan] });
    }

    /// Gives what an untrusted clock said its true time.
    pub(super) fn correct(&mut self, offset_ms: i64) {
        for record in &mut self.data {
            record.clock = correct(record.clock, &mut record.scans, offset_ms);
        }
        for event in &mut self.events {
            (event.at, event.clock) = correct_event(event.at, event.clock, event.mono_ms, offset_ms);
        }
    }

    /// All of it.
    pub(super) fn take(&mut self) -> (Vec<NewData>, Vec<NewEvent>) {
        let Pending { data, events, .. } = std::mem::take(self);
        (data, events)
    }
}

/// What a scan takes in a JSON message, however long its values.
fn most_bytes(group: &Group, scan: &Scan) -> usize {
    let bytes = |(tag, reading): (&TagInfo, &Option<Reading>)| match reading {
        None => 0,
        Some(Reading::Bad(_)) => tag.name.len() + LONGEST_VALUE,
        Some(Reading::Good(value)) => tag.name.len() + longest(value),
        // The value, and the reason for doubt.
        Some(Reading::Uncertain(value, _)) => 2 * tag.name.len() + longest(value) + LONGEST_VALUE,
    };
    let reported = group.tags.iter().zip(&scan.readings);
    let stamped = scan.stamps.as_deref().map_or(0, |stamps| {
        let there = reported.clone().zip(stamps).filter(|((_, reading), _)| reading.is_some());
        stamps::longest(there.map(|((tag, _), stamp)| (tag, stamp)))
    });
    SCAN_BYTES + stamped + reported.map(bytes).sum::<usize>()
}

/// A value in JSON beside its tag's name, at most.
fn longest(value: &Value) -> usize {
    match value {
        Value::Text(text) => LONGEST_VALUE.max(TEXT_FRAME + escaped_len(text)),
        Value::Json(json) => LONGEST_VALUE.max(TEXT_FRAME + json.len()),
        _ => LONGEST_VALUE,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{BootId, DataRecord, Deadband, ReportRule, Stamp, Timestamp, Value, ValueKind, Why};

    fn group(device: &str, tags: usize) -> Arc<Group> {
        let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
        let tag = |n| TagInfo {
            name: format!("t{n}").into(),
            unit: None,
            kind: ValueKind::Int,
            report,
            grade: Default::default(),
        };
        Arc::new(Group::new(device.into(), Duration::from_secs(1), (0..tags).map(tag).collect()))
    }

    fn scan(tags: usize, at: i64) -> Scan {
        let readings = vec![Some(Reading::Good(Value::I64(1))); tags];
        Scan { at: Timestamp(at), mono_ms: 0, readings, stamps: None }
    }

    #[test]
    fn scans_of_one_group_share_a_record_until_it_is_large() {
        let mut pending = Pending::default();
        let (a, b) = (group("a", 1_000), group("b", 10));
        for at in 0..3 {
            pending.push(a.clone(), ClockMark::Trusted, scan(1_000, at), 1_000_000);
            pending.push(b.clone(), ClockMark::Trusted, scan(10, at), 1_000_000);
        }
        let shape: Vec<_> = pending.data.iter().map(|r| (r.group.device.to_string(), r.scans.len())).collect();
        assert_eq!(shape, [("a".into(), 2), ("b".into(), 3), ("a".into(), 1)]);
        assert_eq!(pending.samples, 3_030);
    }

    #[test]
    fn scans_share_a_record_only_where_their_times_mean_the_same_and_wait_for_their_true_ones() {
        let (mut pending, a) = (Pending::default(), group("a", 1));
        for (at, clock) in [(0, ClockMark::Untrusted), (1, ClockMark::Untrusted), (5_000_000, ClockMark::Trusted)] {
            pending.push(a.clone(), clock, scan(1, at), 1_000_000);
        }
        let shape = |pending: &Pending| {
            pending.data.iter().map(|r| (r.scans[0].at.0, r.scans.len(), r.clock)).collect::<Vec<_>>()
        };
        assert_eq!(shape(&pending), [(0, 2, ClockMark::Untrusted), (5_000_000, 1, ClockMark::Trusted)]);
        pending.correct(1_000_000);
        assert_eq!(shape(&pending), [(1_000_000, 2, ClockMark::Corrected), (5_000_000, 1, ClockMark::Trusted)]);
    }

    #[test]
    fn a_record_stays_below_the_size_of_a_message() {
        let mut pending = Pending::default();
        for at in 0..4 {
            pending.push(
                group("a", 10),
                ClockMark::Trusted,
                scan(10, at),
                ENVELOPE_BYTES + 2 * (SCAN_BYTES + 10 * (2 + LONGEST_VALUE)),
            );
        }
        assert_eq!(pending.data.len(), 2, "two scans of 10 samples each");
    }

    /// As the courier encodes it for a sink that may have everything.
    fn message(mut record: NewData) -> Vec<u8> {
        record.scans.iter_mut().for_each(|scan| scan.mono_ms = u64::MAX);
        let mask = crate::sink::Scope::new(&["*".into()]).mask(&record.group.device, &record.group.tags);
        let record = DataRecord {
            seq: u64::MAX,
            boot: BootId(0),
            group: record.group,
            clock: ClockMark::Untrusted, // the longest
            scans: record.scans,
        };
        crate::sink::payload::data(&record, &mask, u64::MAX).unwrap()
    }

    #[test]
    fn no_message_is_larger_than_a_sink_allows_however_long_the_values() {
        for (tags, longest) in [(1, 4_096), (10, 4_096), (100, 4_096), (100, 64_000), (1_000, 256_000)] {
            for sparse in [false, true] {
                let mut pending = Pending::default();
                for at in 0..500 {
                    let mut scan = scan(tags, 1_700_000_000_000 + at);
                    scan.readings.fill(Some(Reading::Good(Value::F64(-1.234_567_890_123_456_7e-100))));
                    if sparse {
                        scan.readings[1..].fill(None);
                    }
                    pending.push(group("a", tags), ClockMark::Trusted, scan, longest);
                }
                for record in pending.data {
                    let size = message(record).len();
                    assert!(size <= longest, "{size} bytes of at most {longest}, {tags} tags, sparse: {sparse}");
                }
            }
        }
    }

    #[test]
    fn no_message_is_larger_than_a_sink_allows_however_texts_are_escaped() {
        let texts = ["\u{1}".repeat(250), "\"\\".repeat(125), "料".repeat(83), "a".repeat(250), String::new()];
        for text in texts {
            for is_doubtful in [false, true] {
                let mut pending = Pending::default();
                for at in 0..50 {
                    let mut scan = scan(2, 1_700_000_000_000 + at);
                    let value = Value::Text(text.as_str().into());
                    scan.readings[1] = Some(match is_doubtful {
                        true => Reading::Uncertain(value, Why::UnknownException),
                        false => Reading::Good(value),
                    });
                    pending.push(group("a", 2), ClockMark::Trusted, scan, 4_096);
                }
                let longest = pending.data.into_iter().map(|record| message(record).len()).max().unwrap();
                assert!((1_000..=4_096).contains(&longest), "{longest} bytes, {text:?}");
            }
        }
    }

    #[test]
    fn no_message_is_larger_than_a_sink_allows_whatever_the_stamps_and_however_long_the_json() {
        const TAGS: usize = 20;
        let json = format!("[{}]", vec!["0.125"; 40].join(",")).into_boxed_str();
        let time = |at: i64, tag: usize, apart: bool| Some(Timestamp(at - if apart { tag as i64 } else { 0 }));
        for (are_apart, has_server, status) in
            [(false, false, 0), (false, true, 0x8000_0000), (true, false, 0), (true, true, 0), (true, true, u32::MAX)]
        {
            let mut pending = Pending::default();
            for at in (0..50).map(|at| i64::MIN + 1_000_000 + 1_000 * at) {
                let mut scan = scan(TAGS, at);
                scan.readings.fill(Some(Reading::Good(Value::F64(-1.234_567_890_123_456_7e-100))));
                scan.readings[1] = Some(Reading::Good(Value::Json(json.clone())));
                scan.readings[2] = Some(Reading::Uncertain(Value::Json(json.clone()), Why::UncertainStatus));
                scan.readings[3] = None;
                let stamp = |tag| Stamp {
                    source: time(at, tag, are_apart),
                    server: time(at + i64::from(has_server), tag, are_apart),
                    status,
                };
                scan.stamps = Some((0..TAGS).map(stamp).collect());
                pending.push(group("a", TAGS), ClockMark::Trusted, scan, 8_192);
            }
            let longest = pending.data.into_iter().map(|record| message(record).len()).max().unwrap();
            assert!((5_000..=8_192).contains(&longest), "{longest} bytes, {are_apart} {has_server} {status}");
        }
    }
}
