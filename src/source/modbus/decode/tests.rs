//! Decode: all types in all orders come back, and nothing that a device sends makes it panic.

use super::*;
use crate::config::Origin;
use crate::config::modbus::{Address, Order, Scaling, Table, TextForm};
use crate::model::encoding::Encoding;
use crate::model::{Deadband, ReportRule};
use proptest::prelude::*;
use std::time::Duration;

fn tag(data_type: DataType, order: &str, scaling: Option<Scaling>) -> Tag {
    Tag {
        name: "t".into(),
        label: None,
        unit: None,
        origin: Origin::Modbus(Register {
            address: Address { table: Table::Holding, offset: 0 },
            data_type,
            order: Order::parse(order).expect("the test writes orders"),
        }),
        scaling,
        values: None,
        every: Duration::from_secs(1),
        report: ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) },
        write: None,
        grade: crate::model::Grade::default(),
        role: None,
        scene: None,
    }
}

fn decode(tag: &Tag, answer: &Answer, offset: u16) -> Reading {
    super::decode(tag, tag.register().unwrap(), answer, offset)
}

#[track_caller]
fn check(data_type: DataType, order: &str, words: &[u16], expected: Value) {
    let found = decode(&tag(data_type, order, None), &Answer::Registers(words.to_vec()), 0);
    assert_eq!(found, Reading::Good(expected));
}

#[test]
fn whole_numbers_of_all_widths() {
    check(DataType::U16, "ABCD", &[0xfffe], Value::I64(65_534));
    check(DataType::I16, "ABCD", &[0xfffe], Value::I64(-2));
    check(DataType::U32, "ABCD", &[0x0001, 0x0002], Value::I64(65_538));
    check(DataType::I32, "ABCD", &[0xffff, 0xfffd], Value::I64(-3));
    check(DataType::I64, "ABCD", &[0xffff, 0xffff, 0xffff, 0xfffc], Value::I64(-4));
    check(DataType::U64, "ABCD", &[0x8000, 0, 0, 1], Value::U64(0x8000_0000_0000_0001));
    check(DataType::U64, "ABCD", &[0, 0, 0, 7], Value::I64(7));
}

/// 0x12345678 and 0x0123456789abcdef in the four orders.
#[test]
fn the_four_byte_orders() {
    let value = Value::I64(0x1234_5678);
    check(DataType::U32, "ABCD", &[0x1234, 0x5678], value.clone());
    check(DataType::U32, "CDAB", &[0x5678, 0x1234], value.clone());
    check(DataType::U32, "BADC", &[0x3412, 0x7856], value.clone());
    check(DataType::U32, "DCBA", &[0x7856, 0x3412], value);
    let value = Value::I64(0x0123_4567_89ab_cdef);
    check(DataType::U64, "ABCDEFGH", &[0x0123, 0x4567, 0x89ab, 0xcdef], value.clone());
    check(DataType::U64, "GHEFCDAB", &[0xcdef, 0x89ab, 0x4567, 0x0123], value.clone());
    check(DataType::U64, "BADCFEHG", &[0x2301, 0x6745, 0xab89, 0xefcd], value.clone());
    check(DataType::U64, "HGFEDCBA", &[0xefcd, 0xab89, 0x6745, 0x2301], value);
    check(DataType::U16, "BA", &[0x3412], Value::I64(0x1234));
}

#[test]
fn floats_of_both_widths() {
    let [a, b] = [(219.8_f32.to_bits() >> 16) as u16, 219.8_f32.to_bits() as u16];
    check(DataType::F32, "ABCD", &[a, b], Value::F32(219.8));
    check(DataType::F32, "CDAB", &[b, a], Value::F32(219.8));
    let bits = 1.5e-300_f64.to_bits();
    let words: Vec<u16> = (0..4).map(|n| (bits >> (48 - 16 * n)) as u16).collect();
    check(DataType::F64, "ABCD", &words, Value::F64(1.5e-300));
}

#[test]
fn what_is_no_number_is_bad_and_not_a_value() {
    for bits in [f32::NAN.to_bits(), f32::INFINITY.to_bits(), f32::NEG_INFINITY.to_bits()] {
        let words = vec![(bits >> 16) as u16, bits as u16];
        for scaling in [None, Scaling::new(0.1, 0.0)] {
            let found = decode(&tag(DataType::F32, "ABCD", scaling), &Answer::Registers(words.clone()), 0);
            assert_eq!(found, Reading::Bad(Why::NotANumber));
        }
    }
}

#[test]
fn scaling_yields_a_float_and_truncates_nothing() {
    let scaled = |data_type, words: &[u16], scale, offset| {
        decode(&tag(data_type, "ABCD", Scaling::new(scale, offset)), &Answer::Registers(words.to_vec()), 0)
    };
    let [a, b] = [(17_043.307_f32.to_bits() >> 16) as u16, 17_043.307_f32.to_bits() as u16];
    assert_eq!(scaled(DataType::F32, &[a, b], 0.001, 0.0), Reading::Good(Value::F64(17.043_307)));
    assert_eq!(scaled(DataType::U16, &[3], 0.1, 0.0), Reading::Good(Value::F64(0.3)));
    assert_eq!(scaled(DataType::I16, &[0xffff], 0.5, 0.0), Reading::Good(Value::F64(-0.5)));
    assert_eq!(scaled(DataType::U16, &[10], 1.0, -40.0), Reading::Good(Value::F64(-30.0)));
    assert_eq!(
        scaled(DataType::U64, &[0xffff, 0xffff, 0xffff, 0xffff], 0.001, 0.0),
        Reading::Good(Value::F64(u64::MAX as f64 / 1_000.0))
    );
}

#[test]
fn bits_and_halves_of_a_register() {
    let words = [0x8c05];
    for bit in 0..16 {
        check(DataType::Bit(bit), "AB", &words, Value::Bool([0, 2, 10, 11, 15].contains(&bit)));
    }
    check(DataType::U8(Half::High), "AB", &words, Value::I64(0x8c));
    check(DataType::U8(Half::Low), "AB", &words, Value::I64(0x05));
    check(DataType::I8(Half::High), "AB", &words, Value::I64(0x8c - 0x100));
    check(DataType::I8(Half::Low), "AB", &words, Value::I64(5));
    // The order is applied first: the halves of what a u16 would read.
    check(DataType::U8(Half::Low), "BA", &words, Value::I64(0x8c));
    check(DataType::Bit(0), "BA", &words, Value::Bool(false));
}

#[test]
fn half_precision_as_the_standard_has_it() {
    for (bits, x) in [
        (0x0000, 0.0),
        (0x8000, -0.0),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65_504.0),
        (0x0001, 5.960_464_5e-8),
        (0x03ff, 6.097_555e-5),
        (0x0400, 6.103_515_6e-5),
        (0x3555, 0.333_251_95),
    ] {
        check(DataType::F16, "AB", &[bits], Value::F32(x));
        assert_eq!(half_precision(bits).to_bits(), x.to_bits(), "{bits:04x}: the sign of zero too");
    }
    for bits in [0x7c00, 0xfc00, 0x7e00, 0xffff] {
        let found = decode(&tag(DataType::F16, "AB", None), &Answer::Registers(vec![bits]), 0);
        assert_eq!(found, Reading::Bad(Why::NotANumber), "{bits:04x}");
    }
}

#[test]
fn decimal_digits_are_read_and_what_is_none_is_bad() {
    check(DataType::Bcd16, "AB", &[0x1234], Value::I64(1_234));
    check(DataType::Bcd16, "BA", &[0x1234], Value::I64(3_412));
    check(DataType::Bcd32, "ABCD", &[0x9876, 0x5432], Value::I64(98_765_432));
    check(DataType::Bcd32, "CDAB", &[0x5432, 0x9876], Value::I64(98_765_432));
    for place in 0..4 {
        let words = vec![0x1234 | (0xa << (4 * place))];
        let found = decode(&tag(DataType::Bcd16, "AB", None), &Answer::Registers(words), 0);
        assert_eq!(found, Reading::Bad(Why::BadEncoding), "digit {place}");
    }
    let scaled = tag(DataType::Bcd16, "AB", Scaling::new(0.01, 0.0));
    assert_eq!(decode(&scaled, &Answer::Registers(vec![0x1234]), 0), Reading::Good(Value::F64(12.34)));
}

#[test]
fn texts_in_both_byte_layouts() {
    let form = |length, encoding| DataType::Text(TextForm { length, encoding });
    check(form(5, Encoding::Ascii), "AB", &[0x4142, 0x4344, 0x4546], Value::Text("ABCDE".into()));
    check(form(6, Encoding::Ascii), "BA", &[0x4241, 0x4443, 0x0045], Value::Text("ABCDE".into()));
    check(form(4, Encoding::Gbk), "AB", &[0xc1cf, 0xcdb2], Value::Text("料筒".into()));
    check(form(8, Encoding::Gbk), "BA", &[0xcfc1, 0xb2cd, 0x2020, 0x2020], Value::Text("料筒".into()));
    check(form(3, Encoding::Utf8), "AB", &[0xe696, 0x9941], Value::Text("料".into()));
    let found = decode(&tag(form(4, Encoding::Utf8), "AB", None), &Answer::Registers(vec![0xc1cf, 0xcdb2]), 0);
    assert_eq!(found, Reading::Bad(Why::BadEncoding));
}

#[test]
fn a_number_is_told_by_its_name_and_one_without_a_name_as_it_is() {
    let names = Names::new([(0, "stopped".into()), (1, "running".into()), (-1, "fault".into())]);
    let named = |data_type| Tag { values: Some(names.clone().into()), ..tag(data_type, "AB", None) };
    let check = |data_type, word, expected: Reading| {
        assert_eq!(decode(&named(data_type), &Answer::Registers(vec![word]), 0), expected);
    };
    let text = |text: &str| Value::Text(text.into());
    check(DataType::U16, 1, Reading::Good(text("running")));
    check(DataType::I16, 0xffff, Reading::Good(text("fault")));
    check(DataType::U16, 7, Reading::Uncertain(text("7"), Why::Unmapped));
    check(DataType::U16, 0xffff, Reading::Uncertain(text("65535"), Why::Unmapped));
    check(DataType::Bit(3), 0b1000, Reading::Good(text("running")));
    check(DataType::Bcd16, 0x000a, Reading::Bad(Why::BadEncoding));
    let coil = decode(&named(DataType::Bool), &Answer::Bits(vec![false]), 0);
    assert_eq!(coil, Reading::Good(text("stopped")));
}

const ORDERS: [&str; 4] = ["ABCD", "CDAB", "BADC", "DCBA"];

/// The registers of a device that keeps these bytes, the highest first, in one of the four orders. Written from the
/// letters alone: byte by byte, without the arithmetic of the decoder.
fn encoded(bytes: &[u8], order: &str) -> Vec<u16> {
    let mut pairs: Vec<[u8; 2]> = bytes.chunks(2).map(|pair| [pair[0], pair[1]]).collect();
    if order.starts_with('C') || order.starts_with('D') {
        pairs.reverse();
    }
    if order.starts_with('B') || order.starts_with('D') {
        pairs.iter_mut().for_each(|pair| pair.reverse());
    }
    pairs.into_iter().map(u16::from_be_bytes).collect()
}

/// A type and the bytes of a value of it, with that value.
fn any_encoded() -> impl Strategy<Value = (DataType, Vec<u8>, Value)> {
    let int = |n: i64| Value::I64(n);
    prop_oneof![
        any::<u16>().prop_map(move |n| (DataType::U16, n.to_be_bytes().to_vec(), int(n.into()))),
        any::<i16>().prop_map(move |n| (DataType::I16, n.to_be_bytes().to_vec(), int(n.into()))),
        any::<u32>().prop_map(move |n| (DataType::U32, n.to_be_bytes().to_vec(), int(n.into()))),
        any::<i32>().prop_map(move |n| (DataType::I32, n.to_be_bytes().to_vec(), int(n.into()))),
        any::<u64>().prop_map(|n| {
            let value = i64::try_from(n).map_or(Value::U64(n), Value::I64);
            (DataType::U64, n.to_be_bytes().to_vec(), value)
        }),
        any::<i64>().prop_map(move |n| (DataType::I64, n.to_be_bytes().to_vec(), int(n))),
        proptest::num::f32::NORMAL.prop_map(|x| (DataType::F32, x.to_be_bytes().to_vec(), Value::F32(x))),
        proptest::num::f64::NORMAL.prop_map(|x| (DataType::F64, x.to_be_bytes().to_vec(), Value::F64(x))),
        // Whole numbers up to 2048 and their 32nds are halves exactly: sign, exponent of the highest bit, the rest.
        (1_u16..2_048, any::<bool>()).prop_map(|(n, is_negative)| {
            let top = 15 - n.leading_zeros() as u16;
            let bits = ((top + 15 - 5) << 10) | ((n << (10 - top.min(10))) & 0x3ff) | (u16::from(is_negative) << 15);
            let x = f32::from(n) / 32.0;
            let x = if is_negative { -x } else { x };
            (DataType::F16, bits.to_be_bytes().to_vec(), Value::F32(x))
        }),
        (0_i64..10_000).prop_map(move |n| {
            let digits = u16::from_str_radix(&n.to_string(), 16).expect("digits are hexadecimal too");
            (DataType::Bcd16, digits.to_be_bytes().to_vec(), int(n))
        }),
        (0_i64..100_000_000).prop_map(move |n| {
            let digits = u32::from_str_radix(&n.to_string(), 16).expect("digits are hexadecimal too");
            (DataType::Bcd32, digits.to_be_bytes().to_vec(), int(n))
        }),
        (0_u8..16, any::<u16>()).prop_map(|(bit, n)| {
            let is_set = format!("{n:016b}").as_bytes()[usize::from(15 - bit)] == b'1';
            (DataType::Bit(bit), n.to_be_bytes().to_vec(), Value::Bool(is_set))
        }),
        any::<[u8; 2]>().prop_map(move |b| (DataType::U8(Half::High), b.to_vec(), int(b[0].into()))),
        any::<[u8; 2]>().prop_map(move |b| (DataType::U8(Half::Low), b.to_vec(), int(b[1].into()))),
        any::<[i8; 2]>().prop_map(move |b| (DataType::I8(Half::High), b.map(|b| b as u8).to_vec(), int(b[0].into()))),
        any::<[i8; 2]>().prop_map(move |b| (DataType::I8(Half::Low), b.map(|b| b as u8).to_vec(), int(b[1].into()))),
    ]
}

fn any_type() -> impl Strategy<Value = DataType> {
    let half = || prop_oneof![Just(Half::High), Just(Half::Low)];
    prop_oneof![
        4 => (0..DataType::ALL.len()).prop_map(|n| DataType::ALL[n]),
        1 => (0_u8..16).prop_map(DataType::Bit),
        1 => half().prop_map(DataType::U8),
        1 => half().prop_map(DataType::I8),
        2 => (1..=TextForm::MAX_LENGTH, 0_usize..3)
            .prop_map(|(length, n)| DataType::Text(TextForm { length, encoding: Encoding::ALL[n] })),
    ]
}

proptest! {
    #[test]
    fn all_types_come_back_in_all_orders(
        (data_type, bytes, value) in any_encoded(),
        order in 0_usize..4,
        before in proptest::collection::vec(any::<u16>(), 0..5),
    ) {
        let mut words = before.clone();
        words.extend(encoded(&bytes, ORDERS[order]));
        words.push(0xffff);
        let found = decode(&tag(data_type, ORDERS[order], None), &Answer::Registers(words), before.len() as u16);
        prop_assert_eq!(found, Reading::Good(value));
    }

    #[test]
    fn all_texts_come_back_in_both_layouts(
        text in "[ -~]{0,20}[!-~]|[!-~]|([ -~]|[一-龥]){0,20}[一-龥]",
        spare in 0_usize..8,
        low_byte_first in any::<bool>(),
        padding in prop_oneof![Just(0_u8), Just(b' ')],
    ) {
        let encodings =
            [(Encoding::Utf8, text.clone().into_bytes()), (Encoding::Gbk, crate::model::encoding::gbk(&text))];
        for (encoding, mut bytes) in encodings {
            bytes.extend(std::iter::repeat_n(padding, spare));
            let form = TextForm { length: bytes.len() as u16, encoding };
            bytes.resize(bytes.len().next_multiple_of(2), 0xff);
            let words = encoded(&bytes, if low_byte_first { "BADC" } else { "ABCD" });
            let tag = tag(DataType::Text(form), if low_byte_first { "BA" } else { "AB" }, None);
            let found = decode(&tag, &Answer::Registers(words), 0);
            prop_assert_eq!(found, Reading::Good(Value::Text(text.as_str().into())));
        }
    }

    #[test]
    fn no_answer_makes_it_panic(
        data_type in any_type(),
        order in 0_usize..4,
        words in proptest::collection::vec(any::<u16>(), 0..130),
        bits in proptest::collection::vec(any::<bool>(), 0..20),
        offset in prop_oneof![0_u16..130, any::<u16>()],
        scale in prop_oneof![Just(1.0), Just(0.1), any::<f64>()],
        is_named in any::<bool>(),
    ) {
        let names = is_named.then(|| Names::new([(0, "off".into()), (-1, "fault".into())]).into());
        let tag = Tag { values: names, ..tag(data_type, ORDERS[order], Scaling::new(scale, 0.0)) };
        let reaches = usize::from(offset) + usize::from(data_type.width()) <= words.len();
        let found = decode(&tag, &Answer::Registers(words), offset);
        prop_assert_eq!(found == Reading::Bad(Why::Malformed), !reaches);
        let reaches = usize::from(offset) < bits.len();
        prop_assert_eq!(decode(&tag, &Answer::Bits(bits), offset) == Reading::Bad(Why::Malformed), !reaches);
    }
}

#[test]
fn an_answer_that_is_too_short_is_malformed_and_does_not_panic() {
    let short = Answer::Registers(vec![1]);
    assert_eq!(decode(&tag(DataType::F32, "ABCD", None), &short, 0), Reading::Bad(Why::Malformed));
    assert_eq!(decode(&tag(DataType::U16, "ABCD", None), &short, 65_535), Reading::Bad(Why::Malformed));
    assert_eq!(decode(&tag(DataType::Bool, "ABCD", None), &Answer::Bits(vec![]), 0), Reading::Bad(Why::Malformed));
}
