//! Columns: all that goes in comes out, and nothing else does any harm.

use super::super::bytes::put_varint;
use super::*;
use crate::model::Stamp;
use proptest::prelude::*;

/// Floats are compared by their bits: NaN and -0.0 must come back too.
pub fn same(a: &[Scan], b: &[Scan]) -> bool {
    let cells = |scans: &[Scan]| -> Vec<String> {
        let bits = |value: &Value| match value {
            Value::F32(x) => format!("F32 {:x}", x.to_bits()),
            Value::F64(x) => format!("F64 {:x}", x.to_bits()),
            other => format!("{other:?}"),
        };
        let show = |reading: &Option<Reading>| match reading {
            None => "-".to_owned(),
            Some(Reading::Good(v)) => bits(v),
            Some(Reading::Uncertain(v, why)) => format!("{} {why}", bits(v)),
            Some(Reading::Bad(why)) => format!("bad {why}"),
        };
        scans
            .iter()
            .flat_map(|s| {
                [format!("{} {} {} {:?}", s.at.0, s.mono_ms, s.readings.len(), s.stamps)]
                    .into_iter()
                    .chain(s.readings.iter().map(show))
            })
            .collect()
    };
    cells(a) == cells(b)
}

pub fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        (-100_i64..100).prop_map(Value::I64),
        any::<u64>().prop_map(Value::U64),
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        (-5000_i32..5000).prop_map(|n| Value::F32(n as f32 / 10.0)),
        (-5_000_000_i32..5_000_000).prop_map(|n| Value::F64(f64::from(n) / 1000.0)),
        "[a-z°]{0,12}".prop_map(|text| Value::Text(text.into())),
        "\\[[0-9]{0,12}\\]".prop_map(|json| Value::Json(json.into())),
    ]
}

fn any_reading() -> impl Strategy<Value = Option<Reading>> {
    let why = (0..Why::ALL.len()).prop_map(|i| Why::ALL[i]);
    prop_oneof![
        1 => Just(None),
        6 => any_value().prop_map(|v| Some(Reading::Good(v))),
        1 => (any_value(), why.clone()).prop_map(|(v, why)| Some(Reading::Uncertain(v, why))),
        1 => why.prop_map(|why| Some(Reading::Bad(why))),
    ]
}

/// Times near the scan's, far from it, and any at all.
fn any_stamp(at: i64) -> impl Strategy<Value = Stamp> {
    let near = move |span: i64| (-span..span).prop_map(move |off| Timestamp(at.wrapping_add(off)));
    let time = move || {
        proptest::option::of(prop_oneof![5 => near(20), 1 => near(100_000), 1 => any::<i64>().prop_map(Timestamp)])
    };
    let status = prop_oneof![5 => Just(0), 1 => Just(0x8000_0000), 1 => any::<u32>()];
    (time(), time(), status).prop_map(|(source, server, status)| Stamp { source, server, status })
}

fn any_scan(tags: usize) -> impl Strategy<Value = Scan> {
    let readings = proptest::collection::vec(any_reading(), tags);
    (any::<i64>(), any::<u64>(), readings, any::<bool>()).prop_flat_map(move |(at, mono_ms, readings, is_stamped)| {
        let stamps = proptest::collection::vec(any_stamp(at), if is_stamped { tags } else { 0 });
        stamps.prop_map(move |mut stamps| {
            for (stamp, reading) in stamps.iter_mut().zip(&readings) {
                *stamp = if reading.is_some() { *stamp } else { Stamp::NONE };
            }
            let stamps = is_stamped.then(|| stamps.into_boxed_slice());
            Scan { at: Timestamp(at), mono_ms, readings: readings.clone(), stamps }
        })
    })
}

/// Some scans of a group of some tags.
pub fn any_scans() -> impl Strategy<Value = (usize, Vec<Scan>)> {
    (0_usize..6).prop_flat_map(|tags| (Just(tags), proptest::collection::vec(any_scan(tags), 0..8)))
}

fn encoded(tags: usize, scans: &[Scan]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(scans, tags, &mut bytes);
    bytes
}

fn first_at(scans: &[Scan]) -> Timestamp {
    scans.first().map_or(Timestamp(0), |scan| scan.at)
}

/// One tag, one good reading per scan, a second apart.
fn column(values: &[Value]) -> Vec<Scan> {
    (0_i64..)
        .zip(values)
        .map(|(i, value)| Scan {
            at: Timestamp(1_700_000_000_000 + 1000 * i),
            mono_ms: 5_000 + 1000 * i as u64,
            readings: vec![Some(Reading::Good(value.clone()))],
            stamps: None,
        })
        .collect()
}

proptest! {
    #[test]
    fn what_goes_in_comes_out((tags, scans) in any_scans()) {
        let back = decode(&encoded(tags, &scans), tags, first_at(&scans)).expect("just encoded");
        prop_assert!(same(&back, &scans), "{back:?}\n{scans:?}");
    }

    #[test]
    fn columns_of_one_kind_come_back_too(values in proptest::collection::vec((-9999_i32..9999, 0_u32..8), 1..40), wide in any::<bool>()) {
        let digits = values[0].1;
        let values: Vec<Value> = values
            .iter()
            .map(|(n, _)| match wide {
                true => Value::F64(f64::from(*n) / 10_f64.powi(digits as i32)),
                false => Value::F32(*n as f32 / 10_f32.powi(digits as i32)),
            })
            .collect();
        let scans = column(&values);
        let back = decode(&encoded(1, &scans), 1, first_at(&scans)).expect("just encoded");
        prop_assert!(same(&back, &scans));
    }

    #[test]
    fn any_bytes_at_all_decode_or_are_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..200), tags in 0_usize..2000) {
        decode(&bytes, tags, Timestamp(0)).ok(); // only a panic counts
    }

    #[test]
    fn changed_bytes_decode_or_are_damaged((tags, scans) in any_scans(), place in any::<usize>(), byte in any::<u8>(), cut in any::<usize>()) {
        let mut bytes = encoded(tags, &scans);
        let (place, cut) = (place % bytes.len(), cut % bytes.len());
        bytes[place] = byte;
        decode(&bytes, tags, Timestamp(0)).ok();
        decode(&bytes[..cut], tags, Timestamp(0)).ok();
    }
}

#[track_caller]
fn check(values: &[Value], bytes_per_value_at_most: f64) {
    let scans = column(values);
    let bytes = encoded(1, &scans);
    assert!(same(&decode(&bytes, 1, first_at(&scans)).expect("just encoded"), &scans));
    let times = 2 * scans.len() + 16;
    let per_value = bytes.len().saturating_sub(times) as f64 / scans.len() as f64;
    assert!(per_value <= bytes_per_value_at_most, "{per_value} bytes per value");
}

#[test]
fn each_kind_is_stored_in_the_few_bytes_it_needs() {
    let a_hundred = |f: fn(i64) -> Value| -> Vec<Value> { (0..100).map(f).collect() };
    check(&a_hundred(|i| Value::Bool(i % 3 == 0)), 0.125);
    check(&a_hundred(|i| Value::I64(1_000_000 + 7 * i)), 1.0);
    check(&a_hundred(|i| Value::U64(u64::MAX - 50 + i as u64 % 40)), 1.0);
    check(&a_hundred(|i| Value::F32((2300 + i) as f32 / 10.0)), 1.0);
    check(&a_hundred(|i| Value::F64((231_500 + i) as f64 / 1000.0)), 1.0);
    check(&a_hundred(|i| Value::F64((i as f64).sqrt())), 8.0);
}

#[test]
fn values_at_the_edges_come_back_bit_by_bit() {
    let f64s = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::MIN_POSITIVE,
        f64::MAX,
        0.1,
        0.30000000000000004,
        9_007_199_254_740_993.0,
    ];
    for x in f64s {
        check(&[Value::F64(x)], 9.0);
        check(&[Value::F64(0.1), Value::F64(x), Value::F64(0.2)], 9.0);
        check(&[Value::F32(x as f32), Value::F32(0.1)], 9.0);
    }
    check(&[i64::MIN, i64::MAX, 0, -1].map(Value::I64), 10.0);
    check(&[0, u64::MAX, 1].map(Value::U64), 10.0);
    check(
        &[
            Value::I64(1),
            Value::Text("停机".into()),
            Value::Bool(true),
            Value::F32(1.5),
            Value::U64(7),
            Value::F64(0.1),
        ],
        10.0,
    );
}

#[test]
fn steady_times_cost_two_bytes_a_scan() {
    let bytes = encoded(0, &column(&vec![Value::Bool(true); 1000]));
    assert!(bytes.len() < 2 * 1000 + 20, "{}", bytes.len());
}

#[test]
fn more_scans_than_a_record_may_have_are_not_even_allocated() {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, max_scans(10) as u64 + 1);
    bytes.resize(1_000_000, 0);
    assert_eq!(decode(&bytes, 10, Timestamp(0)).map(|_| ()), Err(Damaged));
    assert_eq!((max_scans(0), max_scans(1_000), max_scans(1_000_000)), (65_536, 65, 1));
}

#[test]
fn bytes_left_over_are_damage() {
    let mut bytes = encoded(1, &column(&[Value::I64(5)]));
    bytes.push(0);
    assert_eq!(decode(&bytes, 1, Timestamp(0)), Err(Damaged));
}
