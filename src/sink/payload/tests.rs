//! Payloads to the byte: the golden files are what receivers see.

use super::*;
use crate::config::Tag;
use crate::config::modbus::{Address, DataType, Order, Register};
use crate::config::{Manners, Origin, Station};
use crate::model::{ClockState, Deadband, Grade, Group, LinkState, ReportRule, Stamp, TrustedBy, ValueKind};
use proptest::prelude::*;
use std::time::Duration;

const BOOT: BootId = BootId(0x0123_4567_89ab);
const REPORT: ReportRule = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };

pub(in crate::sink) fn tag(name: &str) -> TagInfo {
    TagInfo { name: name.into(), unit: None, kind: ValueKind::Float, report: REPORT, grade: Grade::default() }
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
    DataRecord { seq: 7, boot: BOOT, group, clock: ClockMark::Trusted, scans }
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
    check(data(&record, &all(&record), 5).expect("all is in scope"), include_str!("../golden/data.json"));
}

/// A record with a second scan whose stamps are all alike.
fn stamped() -> DataRecord {
    let good = |n| good(Value::I64(n));
    let readings = vec![good(1), Some(Reading::Bad(Why::NodeUnknown)), None, good(2)];
    let mut record = record(&["a", "b", "c", "d"], vec![readings, vec![good(3), None, None, good(4)], vec![None; 4]]);
    let stamp = |ms: i64, status| {
        let time = Some(Timestamp(1_699_999_999_900 + ms));
        Stamp { source: time, server: time, status }
    };
    let bad = Stamp { source: None, ..stamp(7, 0x8034_0000) };
    let stamps = [vec![stamp(0, 0), bad, stamp(99, 99), stamp(5, 0)], vec![stamp(1_000, 0); 4], vec![stamp(0, 1); 4]];
    for (scan, stamps) in record.scans.iter_mut().zip(stamps) {
        scan.stamps = Some(stamps.into());
    }
    record
}

#[test]
fn stamps_stand_behind_the_readings_and_leave_with_their_tags_alone() {
    let record = stamped();
    check(data(&record, &all(&record), 0).expect("all is in scope"), include_str!("../golden/data_stamps.json"));
    check(
        data(&record, &only(&record, "*.d"), 0).expect("d is in scope"),
        include_str!("../golden/data_stamps_one_tag.json"),
    );
    assert_eq!(data(&record, &only(&record, "*.c"), 0), None, "stamps alone are no sample");
}

#[test]
fn json_stands_there_as_json() {
    let json = |text: &str| Value::Json(text.into());
    let doubtful = Some(Reading::Uncertain(json("[1,null]"), Why::LastKnown));
    let record = record(&["a", "b"], vec![vec![good(json(r#"{"x":[1,2.5],"名":"料"}"#)), doubtful]]);
    check(data(&record, &all(&record), 0).expect("all is in scope"), include_str!("../golden/data_json.json"));
}

#[test]
fn scans_without_a_tag_in_scope_are_left_out_and_a_record_without_any_is_none() {
    let one = good(Value::I64(1));
    let record = record(&["a", "b"], vec![vec![None, one.clone()], vec![one.clone(), one.clone()], vec![None, one]]);
    check(data(&record, &only(&record, "*.a"), 0).expect("a is in scope"), include_str!("../golden/data_one_tag.json"));
    assert_eq!(data(&record, &only(&record, "*.c"), 0), None);
    let record = self::record(&["a", "b"], vec![vec![None, good(Value::I64(1))]]);
    assert_eq!(data(&record, &only(&record, "*.a"), 0), None);
    let record = self::record(&["a"], vec![]);
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
    check(data(&record, &all(&record), 0).expect("all is in scope"), include_str!("../golden/data_not_a_number.json"));
}

fn event_at(seq: Seq, clock: ClockMark, mono_ms: Option<u64>, event: Event) -> EventRecord {
    EventRecord { seq, boot: BOOT, at: Timestamp(1_700_000_000_000), clock, mono_ms, event }
}

#[test]
fn an_event_is_flat_behind_its_identity() {
    let link = Event::Link { link: "press-plc".into(), state: LinkState::Down, why: Some("timeout".into()) };
    check(event(&event_at(4, ClockMark::Trusted, None, link), 3), include_str!("../golden/event_link.json"));
    let dropped = Event::Dropped { samples: 120, cause: "max_age".into() };
    check(event(&event_at(9, ClockMark::Trusted, None, dropped), 4), include_str!("../golden/event_dropped.json"));
}

#[test]
fn what_an_untrusted_clock_said_is_marked_and_carries_the_monotonic_time() {
    let two = || record(&["a"], vec![vec![good(Value::I64(1))], vec![good(Value::I64(2))]]);
    let mut untrusted = two();
    untrusted.clock = ClockMark::Untrusted;
    for (scan, mono) in untrusted.scans.iter_mut().zip([250, 1_250]) {
        (scan.at, scan.mono_ms) = (Timestamp(7_000 + mono as i64), mono);
    }
    check(
        data(&untrusted, &all(&untrusted), 5).expect("it is in scope"),
        include_str!("../golden/data_untrusted.json"),
    );
    let corrected = DataRecord { clock: ClockMark::Corrected, ..two() };
    check(
        data(&corrected, &all(&corrected), 5).expect("it is in scope"),
        include_str!("../golden/data_corrected.json"),
    );
    let link = || Event::Link { link: "press-plc".into(), state: LinkState::Up, why: None };
    let untrusted = event_at(4, ClockMark::Untrusted, Some(250), link());
    check(event(&untrusted, 3), include_str!("../golden/event_untrusted.json"));
    let corrected = event_at(4, ClockMark::Corrected, Some(250), link());
    check(event(&corrected, 3), include_str!("../golden/event_corrected.json"));
    let came = Event::Clock {
        state: ClockState::Trusted,
        by: Some(TrustedBy::Ntp),
        step_ms: Some(1_699_999_993_000),
        offset_ms: Some(1_700_000_000_000),
    };
    check(event(&event_at(5, ClockMark::Trusted, None, came), 4), include_str!("../golden/event_clock.json"));
    let doubted = Event::Clock { state: ClockState::Untrusted, by: None, step_ms: None, offset_ms: None };
    check(
        event(&event_at(1, ClockMark::Untrusted, Some(0), doubted), 0),
        include_str!("../golden/event_clock_untrusted.json"),
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
        role: None,
        scene: None,
        report: REPORT,
        grade: Grade::default(),
    };
    let device = Device {
        id: "imm-01".into(),
        name: Some("1号注塑机".into()),
        link: None,
        station: Station::Unit(1),
        manners: Manners::DEFAULT,
        profile: None,
        priority: Default::default(),
        equipment: Default::default(),
        tags: vec![
            tag("temp", Some("°C"), DataType::F32),
            tag("secret", None, DataType::F32),
            tag("cycles", None, DataType::U32),
        ],
    };
    let at = Timestamp(1_700_000_000_000);
    let scope = |entries: &[&str]| Scope::new(&entries.iter().map(|&e| e.to_owned()).collect::<Vec<_>>());
    let some = birth(&device, &scope(&["imm-01.temp", "*.cycles"]), BOOT, at);
    check(some.expect("two tags are in scope"), include_str!("../golden/birth.json"));
    assert_eq!(birth(&device, &scope(&["imm-02"]), BOOT, at), None);
    let without_name = Device { name: None, tags: vec![tag("temp", None, DataType::Bool)], ..device };
    check(
        birth(&without_name, &scope(&["*"]), BOOT, at).expect("all is in scope"),
        include_str!("../golden/birth_without_name.json"),
    );
}

#[test]
fn the_state_says_whether_the_agent_is_there() {
    check(online(BOOT, Timestamp(1_700_000_000_000)), include_str!("../golden/online.json"));
    check(offline(BOOT), include_str!("../golden/offline.json"));
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
