//! Stamps: kept exactly, in few bytes, and records without them as they always were. That all that goes in comes out is
//! asked of whole records, with and without stamps, by the tests of the columns.

use super::super::super::record::Packer;
use super::super::{decode, encode};
use super::*;
use crate::model::{Reading, Value, Why};

const AT: i64 = 1_700_000_000_000;

fn good(value: Value) -> Option<Reading> {
    Some(Reading::Good(value))
}

fn scan(at: i64, readings: Vec<Option<Reading>>, stamps: Option<Vec<Stamp>>) -> Scan {
    Scan { at: Timestamp(AT + at), mono_ms: (5_000 + at) as u64, readings, stamps: stamps.map(Vec::into_boxed_slice) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// As written before there were stamps.
const OLD: &str = concat!(
    "0300d00f06efd1aafef962000001042001000101054001000101020302090102011101010106010701000105d00f0e11962402",
    "0372756e06e5819ce69cba0137059a9999999999b93f03ffffffffffffffffff01",
);

/// What that record says.
fn old() -> Vec<Scan> {
    let text = |text: &str| Value::Text(text.into());
    let doubtful = |value, why| Some(Reading::Uncertain(value, why));
    let bad = |why| Some(Reading::Bad(why));
    let i64s = [1_000, 1_007, 998].map(|n| good(Value::I64(n)));
    let f32s = [good(Value::F32(231.5)), doubtful(Value::F32(231.6), Why::DeviceBusy), None];
    let bools = [true, false, true].map(|b| good(Value::Bool(b)));
    let texts = [good(text("run")), good(text("停机")), doubtful(text("7"), Why::Unmapped)];
    let mixed = [None, good(Value::F64(0.1)), good(Value::U64(u64::MAX))];
    let bads = [Why::Timeout, Why::Timeout, Why::Closed].map(bad);
    let columns = [i64s, f32s, bools, texts, mixed, bads];
    let readings = |i: usize| columns.iter().map(|column| column[i].clone()).collect();
    [0, 1_000, 2_003].into_iter().enumerate().map(|(i, at)| scan(at, readings(i), None)).collect()
}

#[test]
fn a_record_without_stamps_is_written_and_read_as_before_there_were_any() {
    let mut bytes = Vec::new();
    encode(&old(), 6, &mut bytes);
    assert_eq!(hex(&bytes), OLD);
    assert_eq!(decode(&unhex(OLD), 6, Timestamp(AT)), Ok(old()));
}

/// A record of scans with and without stamps; what stands beside a reading that is not there is not kept.
fn stamped() -> Vec<Scan> {
    let time = |ms| Some(Timestamp(AT + ms));
    let stamps = vec![
        Stamp { source: time(-20), server: time(-20), status: 0 },
        Stamp { source: time(-17), server: None, status: 0x4090_0000 },
        Stamp { source: None, server: time(3), status: u32::MAX },
    ];
    let value = || good(Value::Bool(true));
    vec![
        scan(0, vec![value(), value(), value()], Some(stamps.clone())),
        scan(1_000, vec![value(), None, value()], None),
        scan(2_000, vec![value(), None, value()], Some(vec![stamps[0], Stamp::NONE, Stamp::NONE])),
    ]
}

#[test]
fn stamps_stand_behind_the_values_in_this_very_form() {
    let (with, mut without) = (stamped(), stamped());
    without.iter_mut().for_each(|scan| scan.stamps = None);
    let [mut bytes, mut values] = [Vec::new(), Vec::new()];
    encode(&with, 3, &mut bytes);
    encode(&without, 3, &mut values);
    let section = bytes.strip_prefix(&values[..]).expect("the values come first");
    assert_eq!(hex(section), SECTION);
    assert_eq!(decode(&bytes, 3, Timestamp(AT)), Ok(with));
}

/// Scans 1, 0, 1; times 3, 3, 1, 2, 0; statuses; then the source times beside each other and the server's near the source's.
const SECTION: &str = concat!(
    "010100010101",
    "0302010102010001",
    "00028080c0840401ffffffff0f010001",
    "0227c71f06", // 20 and 2,020 ms before the scan, 3 ms after the tag before
    "00000006",   // twice the source's; 3 ms after the scan
);

#[test]
fn what_no_record_has_is_damage() {
    let scans = [0, 1_000].map(|at| scan(at, vec![good(Value::Bool(true))], None));
    let mut values = Vec::new();
    encode(&scans, 1, &mut values);
    let section = |bytes: &[u8]| decode(&[&values[..], bytes].concat(), 1, Timestamp(AT)).map(|_| ());
    let sound = [1, 2, 3, 2, 7, 2, 0, 9, 9, 0, 9, 9];
    assert_eq!(section(&sound), Ok(()));
    for end in 1..sound.len() {
        assert_eq!(section(&sound[..end]), Err(Damaged), "cut at {end}");
    }
    let damaged: [(&str, &[u8]); 8] = [
        ("a section without stamps", &[0, 2, 0, 0]),
        ("a scan with half its stamps", &[1, 1, 2, 1, 3, 1, 7, 1, 0, 9, 0, 9]),
        ("a third clock", &[1, 2, 4, 2, 7, 2, 0, 0]),
        ("a status of 33 bits", &[1, 2, 3, 2, 0x80, 0x80, 0x80, 0x80, 0x10, 2, 0, 9, 9, 0, 9, 9]),
        ("a fourth way for the source", &[1, 2, 3, 2, 7, 2, 3, 9, 9, 0, 9, 9]),
        ("a fourth way for the server", &[1, 2, 3, 2, 7, 2, 0, 9, 9, 3, 9, 9]),
        ("more scans than there are", &[1, 3, 3, 3, 7, 3, 0, 9, 9, 9, 0, 9, 9, 9]),
        ("a byte too many", &[1, 2, 3, 2, 7, 2, 0, 9, 9, 0, 9, 9, 0]),
    ];
    for (name, bytes) in damaged {
        assert_eq!(section(bytes), Err(Damaged), "{name}");
    }
}

/// Random numbers, the same in each run.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % (most + 1)
    }
}

/// 1,000 tags, once a second; `source` and `server` give milliseconds before the scan. Answers bytes per sample in the row.
fn bytes_per_sample(scans: i64, mut stamp: impl FnMut(&mut Dice, i64, i64) -> (i64, i64)) -> f64 {
    const TAGS: usize = 1_000;
    const RECORDS: i64 = 20;
    let (mut dice, mut packer, mut stored) = (Dice(7), Packer::new().unwrap(), [0, 0]);
    for record in 0..RECORDS {
        let mut scan = |i: i64, dice: &mut Dice| {
            // The scan is taken when the server's message comes, 20 to 40 ms behind its cycle.
            let (cycle, late) = (1_000 * (record * scans + i), 20 + dice.up_to(20));
            let stamps = (0..TAGS as i64).map(|tag| {
                let (source, server) = stamp(dice, tag, cycle);
                let time = |ms| Some(Timestamp(AT + ms));
                Stamp { source: time(source), server: time(server), status: 0 }
            });
            let stamps = stamps.collect();
            let readings = (0..TAGS as i64).map(|tag| good(Value::I64(100 * tag + dice.up_to(20)))).collect();
            self::scan(cycle + late, readings, Some(stamps))
        };
        let mut scans: Vec<Scan> = (0..scans).map(|i| scan(i, &mut dice)).collect();
        for stored in &mut stored {
            let mut bytes = Vec::new();
            encode(&scans, TAGS, &mut bytes);
            *stored += packer.pack(&[1], &bytes).len();
            scans.iter_mut().for_each(|scan| scan.stamps = None);
        }
    }
    (stored[0] - stored[1]) as f64 / (TAGS as i64 * scans * RECORDS) as f64
}

#[test]
fn stamps_cost_about_as_many_bits_as_their_clocks_jitter() {
    let mut report = String::new();
    let mut check = |name: &str, most: f64, stamp: fn(&mut Dice, i64, i64) -> (i64, i64)| {
        for scans in [1, 2, 10] {
            let bytes = bytes_per_sample(scans, stamp);
            report += &format!("{name}, {scans} scans per record: {bytes:.2} bytes per sample\n");
            assert!(bytes <= most, "{report}at most {most}");
        }
    };
    check("all at once", 0.05, |_, _, cycle| (cycle, cycle));
    check("each within 10 ms", 0.85, |dice, _, cycle| {
        let source = cycle - 5 + dice.up_to(10);
        (source, source)
    });
    check("each within 10 ms, the server's clock a little behind", 1.35, |dice, _, cycle| {
        let source = cycle - 5 + dice.up_to(10);
        (source, source + 1 + dice.up_to(2))
    });
    check("each in its own phase, within 10 ms", 1.75, |dice, tag, cycle| {
        let source = cycle - (tag * tag * 7_919 + tag * 104_729) % 1_009 - 5 + dice.up_to(10);
        (source, source)
    });
    check("events at any moment of the second", 1.75, |dice, _, cycle| {
        let source = cycle - dice.up_to(999);
        (source, source)
    });
    println!("{report}");
}
