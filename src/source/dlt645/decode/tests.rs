//! Readings from the bytes of meters.

use super::*;
use crate::config::Config;
use proptest::prelude::*;

/// A tag of a meter as the configuration has it.
fn tag(keys: &str) -> Tag {
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\n\
         modbus_rtu = \"/dev/ttyS1\"\n[[device]]\nid = \"m\"\nlink = \"l\"\nmeter = \"1\"\n\
         tags = [{{ name = \"t\", {keys} }}]\n"
    );
    Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}")).devices[0].tags[0].clone()
}

fn read(keys: &str, bytes: &[u8]) -> Reading {
    let tag = tag(keys);
    decode(&tag, tag.item().unwrap(), bytes)
}

#[track_caller]
fn check(keys: &str, bytes: &[u8], expected: Value) {
    assert_eq!(read(keys, bytes), Reading::Good(expected), "{keys} {bytes:02x?}");
}

fn said(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn digits_stand_low_byte_first_with_a_point_and_a_sign() {
    check("address = \"00-01-00-00\"", &[0x78, 0x56, 0x34, 0x12], Value::F64(123_456.78));
    check("address = \"00-01-00-00\"", &[0x99, 0x99, 0x99, 0x99], Value::F64(999_999.99));
    check("address = \"00-00-00-00\"", &[0x01, 0x00, 0x00, 0x80], Value::F64(-0.01));
    check("address = \"02-01-01-00\"", &[0x01, 0x22], Value::F64(220.1));
    check("address = \"02-02-01-00\"", &[0x50, 0x12, 0x80], Value::F64(-1.25));
    check("address = \"02-03-00-00\"", &[0x99, 0x99, 0xF9], Value::F64(-79.9999));
    check("address = \"02-06-00-00\"", &[0x00, 0x10], Value::F64(1.0));
    check("address = \"02-80-00-02\"", &[0x98, 0x49], Value::F64(49.98));
    check("address = \"02-80-00-0A\"", &[0x01, 0, 0, 0], Value::I64(1));
    check("address = \"05-00-01-01\", type = \"bcd1\"", &[0x42], Value::I64(42));
}

#[test]
fn a_transformer_ratio_leaves_no_float_dust() {
    check("address = \"02-03-00-00\", scale = 80", &[0x03, 0x00, 0x00], Value::F64(0.024));
    check("address = \"00-01-00-00\", scale = 0.1, offset = 0.7", &[0x03, 0, 0, 0], Value::F64(0.703));
    check("address = \"00-01-00-00\", scale = 0.1", &[0x07, 0, 0, 0], Value::F64(0.007));
    check("address = \"04-00-01-03\", scale = 60", &[0x15], Value::F64(900.0));
    check("address = \"02-03-00-00\", scale = 0.3333333333333333", &[0x00, 0x00, 0x03], Value::F64(1.0));
}

#[test]
fn status_words_are_whole_numbers_or_bits_and_may_have_names() {
    check("address = \"04-00-05-03\"", &[0x10, 0x80], Value::I64(0x8010));
    check("address = \"04-00-05-03.4\"", &[0x10, 0x00], Value::Bool(true));
    check("address = \"04-00-05-03.15\"", &[0x10, 0x00], Value::Bool(false));
    let names = "address = \"04-00-05-03.4\", values = { 0 = \"on\", 1 = \"cut off\" }";
    check(names, &[0x10, 0x00], said("cut off"));
    check("address = \"05-00-01-01\", type = \"bits8\"", &[0xFF; 8], Value::U64(u64::MAX));
}

#[test]
fn dates_times_and_names_are_texts() {
    check("address = \"04-00-01-01\"", &[0x00, 0x22, 0x11, 0x26], said("2026-11-22"));
    check("address = \"04-00-01-02\"", &[0x59, 0x07, 0x18], said("18:07:59"));
    check("address = \"01-01-00-00.time\"", &[0x30, 0x09, 0x01, 0x11, 0x26], said("2026-11-01T09:30"));
    check("address = \"04-00-04-02\"", &[0x12, 0x90, 0x78, 0x56, 0x34, 0x02], said("023456789012"));
    check("address = \"04-00-04-04\"", b"\0V022 ", said("220V"));
    check("address = \"04-00-04-04\"", b"V022\0\0", said("220V"));
}

#[test]
fn what_is_no_digit_is_no_reading() {
    for (address, bytes) in [
        ("00-01-00-00", &[0xFF; 4][..]),
        ("00-01-00-00", &[0x0A, 0, 0, 0]),
        ("00-01-00-00", &[0, 0, 0, 0xA0]),
        ("04-00-01-01", &[0, 0x32, 0x11, 0x26]),
        ("04-00-01-01", &[0, 0x22, 0x13, 0x26]),
        ("04-00-01-02", &[0, 0, 0x24]),
        ("01-01-00-00.time", &[0; 5]),
        ("04-00-04-02", &[0xFF; 6]),
        ("04-00-04-04", &[0x80; 6]),
    ] {
        assert_eq!(read(&format!("address = \"{address}\""), bytes), Reading::Bad(Why::BadEncoding), "{address}");
    }
    assert_eq!(read("address = \"00-01-00-00\"", &[1, 2, 3]), Reading::Bad(Why::Malformed));
}

/// The bytes of a number, as a meter makes them.
fn encode(number: i64, bytes: usize) -> Vec<u8> {
    let digits = format!("{:0width$}", number.unsigned_abs(), width = 2 * bytes);
    let pair = |n: usize| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap();
    let mut encoded: Vec<u8> = (0..bytes).rev().map(pair).collect();
    *encoded.last_mut().unwrap() |= if number < 0 { 0x80 } else { 0 };
    encoded
}

proptest! {
    #[test]
    fn what_a_meter_writes_is_what_is_read(bytes in 1_usize..=8, number in any::<i64>()) {
        let limit = 8 * 10_i64.pow(2 * bytes as u32 - 1);
        let signed = number % limit;
        prop_assert_eq!(super::number(&encode(signed, bytes), true), Some(i128::from(signed)));
        let unsigned = signed.abs();
        prop_assert_eq!(super::number(&encode(unsigned, bytes), false), Some(i128::from(unsigned)));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        for word in ["bcd8.16", "sbcd1", "bits8", "digits6", "text10", "date", "time", "datetime"] {
            let tag = tag("address = \"00-01-00-00\"");
            let item = Item::of(tag.item().unwrap().id, Format::parse(word).unwrap());
            decode(&tag, &item, &bytes);
        }
    }
}
