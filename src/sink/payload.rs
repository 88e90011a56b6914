//! Payloads: the bytes of each message, as JSON. Pure; every time in them is an argument. Data messages are written by
//! hand, since they are the hot path; the rest goes through serde.
//!
//! `id` is `<boot>-<stream>-<seq>`: receivers drop duplicates by it. `prev` is the position of the record of this stream
//! that was sent to this sink before (0: none), so a receiver that has not seen `prev` knows of a gap, although `send`
//! may leave records out in between.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Mask, Scope};
use crate::config::Device;
use crate::model::{
    BootId, DataRecord, Event, EventRecord, MessageId, Reading, Scan, Seq, Stream, TagInfo, Timestamp, Value, Why,
};

/// The samples of `record` that `mask` lets through, or `None` when that is none.
///
/// `{"device":"imm-01","id":"0123456789ab-data-7","prev":6,"samples":[{"ts":1700000000000,"values":{"temp":231.5},
/// "uncertain":{"temp":"device_busy"},"bad":{"level":"timeout"}}]}`; `ts` in milliseconds UTC. `values`, `uncertain`
/// and `bad` are left out when empty. An uncertain value stands in `values`, its reason in `uncertain`.
pub fn data(record: &DataRecord, mask: &Mask, prev: Seq) -> Option<Vec<u8>> {
    if mask.is_empty() {
        return None;
    }
    let tags = &record.group.tags;
    let mut out = String::with_capacity(64 + record.scans.len() * (24 + tags.len() * 16));
    out.push_str("{\"device\":");
    text(&mut out, &record.group.device);
    let id = MessageId { boot: record.boot, stream: Stream::Data, seq: record.seq };
    write!(out, ",\"id\":\"{id}\",\"prev\":{prev},\"samples\":[").expect("writing to a String cannot fail");
    let head = out.len();
    for scan in &record.scans {
        let before = out.len();
        if before > head {
            out.push(',');
        }
        if !sample(&mut out, scan, tags, mask) {
            out.truncate(before);
        }
    }
    if out.len() == head {
        return None;
    }
    out.push_str("]}");
    Some(out.into_bytes())
}

/// One record of the events stream: `{"id":"...","prev":3,"ts":...,"event":"link",...}`.
pub fn event(record: &EventRecord, prev: Seq) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        id: String,
        prev: Seq,
        ts: i64,
        #[serde(flatten)]
        event: &'a Event,
    }
    let id = MessageId { boot: record.boot, stream: Stream::Events, seq: record.seq };
    json(&Message { id: id.to_string(), prev, ts: record.at.0, event: &record.event })
}

/// What `device` has, for receivers that see it for the first time; `None` when none of its tags is in scope.
/// `{"device":"imm-01","name":"...","boot":"...","ts":...,"tags":[{"name":"temp","unit":"°C","type":"float"}]}`;
/// `name` and `unit` are left out where there is none.
pub fn birth(device: &Device, scope: &Scope, boot: BootId, at: Timestamp) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct Message<'a> {
        device: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        boot: String,
        ts: i64,
        tags: Vec<Tag<'a>>,
    }
    #[derive(Serialize)]
    struct Tag<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<&'a str>,
        r#type: &'static str,
    }
    let infos: Vec<TagInfo> = device.tags.iter().map(|tag| tag.info()).collect();
    let mask = scope.mask(&device.id, &infos);
    if mask.is_empty() {
        return None;
    }
    let in_scope = infos.iter().enumerate().filter(|(place, _)| mask.allows(*place));
    let tags = in_scope
        .map(|(_, tag)| Tag { name: &tag.name, unit: tag.unit.as_deref(), r#type: tag.kind.as_str() })
        .collect();
    let name = device.name.as_deref();
    Some(json(&Message { device: &device.id, name, boot: boot.to_string(), ts: at.0, tags }))
}

/// The agent is there: `{"online":true,"boot":"...","ts":...}`.
pub fn online(boot: BootId, at: Timestamp) -> Vec<u8> {
    format!("{{\"online\":true,\"boot\":\"{boot}\",\"ts\":{}}}", at.0).into_bytes()
}

/// The agent is gone: the last will, and the farewell. Without a time, since the broker sends the will at a moment that
/// nobody knew when it was written.
pub fn offline(boot: BootId) -> Vec<u8> {
    format!("{{\"online\":false,\"boot\":\"{boot}\"}}").into_bytes()
}

/// One scan; `false` when nothing of it is in scope (`out` is then longer than before, the caller cuts it).
fn sample(out: &mut String, scan: &Scan, tags: &[TagInfo], mask: &Mask) -> bool {
    write!(out, "{{\"ts\":{}", scan.at.0).expect("writing to a String cannot fail");
    let readings = || {
        let reported = scan.readings.iter().zip(tags).enumerate();
        reported
            .filter(|(place, _)| mask.allows(*place))
            .filter_map(|(_, (reading, tag))| Some((reading.as_ref()?, tag)))
    };
    let mut any = false;
    any |= object(out, "values", readings(), |reading| match reading {
        Reading::Good(value) | Reading::Uncertain(value, _) => is_finite(value).then_some(Cell::Value(value)),
        Reading::Bad(_) => None,
    });
    any |= object(out, "uncertain", readings(), |reading| match reading {
        Reading::Uncertain(value, why) => is_finite(value).then_some(Cell::Why(*why)),
        _ => None,
    });
    any |= object(out, "bad", readings(), |reading| match reading {
        Reading::Bad(why) => Some(Cell::Why(*why)),
        // The decoders let no such float through. JSON has no word for it, so it must not pass here either.
        Reading::Good(value) | Reading::Uncertain(value, _) => {
            (!is_finite(value)).then_some(Cell::Why(Why::NotANumber))
        }
    });
    out.push('}');
    any
}

/// What stands behind a tag's name.
enum Cell<'a> {
    Value(&'a Value),
    Why(Why),
}

/// `,"<name>":{"<tag>":<cell>,...}` of the readings for which `pick` has a cell; nothing at all when there is none.
fn object<'a>(
    out: &mut String,
    name: &str,
    readings: impl Iterator<Item = (&'a Reading, &'a TagInfo)>,
    pick: impl Fn(&'a Reading) -> Option<Cell<'a>>,
) -> bool {
    let mut open = false;
    for (reading, tag) in readings {
        let Some(cell) = pick(reading) else { continue };
        if open {
            out.push(',');
        } else {
            write!(out, ",\"{name}\":{{").expect("writing to a String cannot fail");
            open = true;
        }
        text(out, &tag.name);
        out.push(':');
        match cell {
            Cell::Value(value) => put(out, value),
            Cell::Why(why) => text(out, why.as_str()),
        }
    }
    if open {
        out.push('}');
    }
    open
}

/// A value as JSON writes it. Floats as the shortest text that reads back as the same float: `231.5`, and `0.1` for the
/// single-precision `0.1` too.
fn put(out: &mut String, value: &Value) {
    match value {
        Value::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
        Value::I64(v) => write!(out, "{v}").expect("writing to a String cannot fail"),
        Value::U64(v) => write!(out, "{v}").expect("writing to a String cannot fail"),
        Value::F32(v) => out.push_str(&serde_json::to_string(v).expect("a float is always JSON")),
        Value::F64(v) => out.push_str(&serde_json::to_string(v).expect("a float is always JSON")),
        Value::Text(v) => text(out, v),
        Value::Json(v) => out.push_str(v),
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::F32(v) => v.is_finite(),
        Value::F64(v) => v.is_finite(),
        _ => true,
    }
}

/// A JSON string. Names rarely hold anything that needs escaping; where they do, serde_json knows how.
fn text(out: &mut String, s: &str) {
    if s.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&serde_json::to_string(s).expect("a string is always JSON"));
    } else {
        out.push('"');
        out.push_str(s);
        out.push('"');
    }
}

fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("the messages are maps with string keys, which JSON always has")
}

#[cfg(test)]
pub(in crate::sink) mod tests {
    use super::*;
    use crate::config::Tag;
    use crate::config::modbus::{Address, DataType, Order, Register};
    use crate::config::{Manners, Origin, Station};
    use crate::model::{Deadband, Group, LinkState, ReportRule, ValueKind};
    use proptest::prelude::*;
    use std::time::Duration;

    const BOOT: BootId = BootId(0x0123_4567_89ab);
    const REPORT: ReportRule = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };

    pub(in crate::sink) fn tag(name: &str) -> TagInfo {
        TagInfo { name: name.into(), unit: None, kind: ValueKind::Float, report: REPORT }
    }

    fn record(names: &[&str], scans: Vec<Vec<Option<Reading>>>) -> DataRecord {
        let tags = names.iter().map(|name| tag(name)).collect();
        let group = Group::new("imm-01".into(), Duration::from_secs(1), tags).into();
        let at = |i: usize| Timestamp(1_700_000_000_000 + i as i64 * 1000);
        let scans = scans
            .into_iter()
            .enumerate()
            .map(|(i, readings)| Scan { at: at(i), mono_ms: 0, readings, stamps: None })
            .collect();
        DataRecord { seq: 7, boot: BOOT, group, scans }
    }

    fn all(record: &DataRecord) -> Mask {
        Scope::new(&["*".into()]).mask(&record.group.device, &record.group.tags)
    }

    fn only(record: &DataRecord, entry: &str) -> Mask {
        Scope::new(&[entry.into()]).mask(&record.group.device, &record.group.tags)
    }

    fn good(value: Value) -> Option<Reading> {
        Some(Reading::Good(value))
    }

    #[track_caller]
    fn check(got: Vec<u8>, golden: &str) {
        let got = String::from_utf8(got).expect("payloads are UTF-8");
        assert_eq!(got, golden.trim_end_matches('\n'));
        serde_json::from_str::<serde_json::Value>(&got).expect("payloads are JSON");
    }

    #[test]
    fn a_data_message_holds_good_uncertain_and_bad_readings_to_the_byte() {
        let record = record(
            &["temp", "level", "running", "count", "text"],
            vec![
                vec![
                    good(Value::F32(231.5)),
                    Some(Reading::Bad(Why::Timeout)),
                    good(Value::Bool(true)),
                    good(Value::U64(u64::MAX)),
                    good(Value::Text("料筒 \"A\"\\\n\u{1}".into())),
                ],
                vec![None, Some(Reading::Uncertain(Value::F64(1e21), Why::DeviceBusy)), None, None, None],
                vec![None; 5],
                vec![
                    good(Value::F32(0.1)),
                    good(Value::F64(-0.0)),
                    good(Value::Bool(false)),
                    good(Value::I64(i64::MIN)),
                    None,
                ],
            ],
        );
        check(data(&record, &all(&record), 5).expect("all is in scope"), include_str!("golden/data.json"));
    }

    #[test]
    fn scans_without_a_tag_in_scope_are_left_out_and_a_record_without_any_is_none() {
        let one = good(Value::I64(1));
        let record =
            record(&["a", "b"], vec![vec![None, one.clone()], vec![one.clone(), one.clone()], vec![None, one]]);
        check(
            data(&record, &only(&record, "*.a"), 0).expect("a is in scope"),
            include_str!("golden/data_one_tag.json"),
        );
        assert_eq!(data(&record, &only(&record, "*.c"), 0), None);
        let record = super::tests::record(&["a", "b"], vec![vec![None, good(Value::I64(1))]]);
        assert_eq!(data(&record, &only(&record, "*.a"), 0), None);
        let record = super::tests::record(&["a"], vec![]);
        assert_eq!(data(&record, &all(&record), 0), None);
    }

    #[test]
    fn a_float_that_is_not_a_number_is_bad_and_never_a_value() {
        let record = record(
            &["a", "b", "c"],
            vec![vec![
                good(Value::F32(f32::NAN)),
                Some(Reading::Uncertain(Value::F64(f64::INFINITY), Why::DeviceBusy)),
                good(Value::F64(2.0)),
            ]],
        );
        check(data(&record, &all(&record), 0).expect("all is in scope"), include_str!("golden/data_not_a_number.json"));
    }

    #[test]
    fn an_event_is_flat_behind_its_identity() {
        let at = Timestamp(1_700_000_000_000);
        let link = Event::Link { link: "press-plc".into(), state: LinkState::Down, why: Some("timeout".into()) };
        check(event(&EventRecord { seq: 4, boot: BOOT, at, event: link }, 3), include_str!("golden/event_link.json"));
        let dropped = Event::Dropped { samples: 120, cause: "max_age".into() };
        check(
            event(&EventRecord { seq: 9, boot: BOOT, at, event: dropped }, 4),
            include_str!("golden/event_dropped.json"),
        );
    }

    #[test]
    fn a_birth_names_the_tags_in_scope_only() {
        let tag = |name: &str, unit: Option<&str>, data_type| Tag {
            name: name.into(),
            label: Some("not for the wire".into()),
            unit: unit.map(Into::into),
            origin: Origin::Modbus(Register {
                address: Address::parse("40001").expect("an address"),
                data_type,
                order: Order::parse("ABCD").expect("an order"),
            }),
            scaling: None,
            values: None,
            every: Duration::from_secs(1),
            write: None,
            report: REPORT,
        };
        let device = Device {
            id: "imm-01".into(),
            name: Some("1号注塑机".into()),
            link: None,
            station: Station::Unit(1),
            manners: Manners::DEFAULT,
            profile: None,
            tags: vec![
                tag("temp", Some("°C"), DataType::F32),
                tag("secret", None, DataType::F32),
                tag("cycles", None, DataType::U32),
            ],
        };
        let at = Timestamp(1_700_000_000_000);
        let scope = |entries: &[&str]| Scope::new(&entries.iter().map(|&e| e.to_owned()).collect::<Vec<_>>());
        let some = birth(&device, &scope(&["imm-01.temp", "*.cycles"]), BOOT, at);
        check(some.expect("two tags are in scope"), include_str!("golden/birth.json"));
        assert_eq!(birth(&device, &scope(&["imm-02"]), BOOT, at), None);
        let without_name = Device { name: None, tags: vec![tag("temp", None, DataType::Bool)], ..device };
        check(
            birth(&without_name, &scope(&["*"]), BOOT, at).expect("all is in scope"),
            include_str!("golden/birth_without_name.json"),
        );
    }

    #[test]
    fn the_state_says_whether_the_agent_is_there() {
        check(online(BOOT, Timestamp(1_700_000_000_000)), include_str!("golden/online.json"));
        check(offline(BOOT), include_str!("golden/offline.json"));
    }

    #[test]
    fn every_byte_that_json_escapes_is_escaped() {
        for c in '\0'..='\u{ff}' {
            let mut out = String::new();
            text(&mut out, &format!("a{c}b"));
            assert_eq!(out, serde_json::to_string(&format!("a{c}b")).expect("a string is always JSON"));
        }
    }

    proptest! {
        #[test]
        fn a_text_is_escaped_as_serde_json_does(s in any::<String>()) {
            let mut out = String::new();
            text(&mut out, &s);
            prop_assert_eq!(out, serde_json::to_string(&s).expect("a string is always JSON"));
        }

        #[test]
        fn a_float_reads_back_as_the_same_float(single in any::<f32>(), double in any::<f64>()) {
            let mut out = String::new();
            if single.is_finite() {
                put(&mut out, &Value::F32(single));
                prop_assert_eq!(out.parse::<f32>().expect("a number").to_bits(), single.to_bits());
                out.clear();
            }
            if double.is_finite() {
                put(&mut out, &Value::F64(double));
                prop_assert_eq!(out.parse::<f64>().expect("a number").to_bits(), double.to_bits());
            }
        }
    }
}
