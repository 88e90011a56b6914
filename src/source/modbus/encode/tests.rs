//! What is typed, what is written, and that reading it back gives what was typed.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::modbus::Address;
use crate::config::{Config, Origin, WriteRule};
use crate::model::{Reading, Value};

fn encode(tag: &Tag, text: &str) -> Result<Answer, Misfit> {
    super::encode(tag, tag.register().unwrap(), text)
}

fn decode(tag: &Tag, answer: &Answer, offset: u16) -> Reading {
    crate::source::modbus::decode::decode(tag, tag.register().unwrap(), answer, offset)
}

/// The tag that a line of the configuration describes, without the word for writing.
#[track_caller]
fn tag(keys: &str) -> Tag {
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\n\
         modbus_tcp = \"h\"\n[[device]]\nid = \"d\"\nlink = \"l\"\ntags = [{{ name = \"a\", write = true, {keys} }}]\n"
    );
    let config = Config::parse(&text).unwrap_or_else(|mistakes| panic!("{keys}: {mistakes:?}"));
    config.devices[0].tags[0].clone()
}

#[track_caller]
fn check(keys: &str, typed: &str, expected: &[u16]) {
    assert_eq!(encode(&tag(keys), typed), Ok(Answer::Registers(expected.to_vec())), "{keys} {typed}");
}

#[track_caller]
fn refused(keys: &str, typed: &str, expected: Misfit) {
    assert_eq!(encode(&tag(keys), typed), Err(expected), "{keys} {typed}");
}

const AT: &str = "address = \"40001\"";

#[test]
fn numbers_stand_in_registers_as_their_order_says() {
    for (kind, typed, words) in [
        ("u16", "65535", &[0xffff][..]),
        ("i16", "-2", &[0xfffe]),
        ("u32", "305419896", &[0x1234, 0x5678]),
        ("i32", "-2", &[0xffff, 0xfffe]),
        ("u64", "18446744073709551615", &[0xffff; 4]),
        ("i64", "-2", &[0xffff, 0xffff, 0xffff, 0xfffe]),
        ("f32", "219.8", &[0x435b, 0xcccd]),
        ("f64", "1", &[0x3ff0, 0, 0, 0]),
        ("f16", "1.5", &[0x3e00]),
        ("f16", "-65504", &[0xfbff]),
        ("bcd16", "1234", &[0x1234]),
        ("bcd32", "98765432", &[0x9876, 0x5432]),
    ] {
        check(&format!("{AT}, type = \"{kind}\""), typed, words);
    }
    for (order, words) in
        [("ABCD", [0x1234, 0x5678]), ("CDAB", [0x5678, 0x1234]), ("BADC", [0x3412, 0x7856]), ("DCBA", [0x7856, 0x3412])]
    {
        check(&format!("{AT}, type = \"u32\", order = \"{order}\""), "305419896", &words);
    }
}

#[test]
fn a_scaled_value_must_come_out_whole_or_the_nearest_are_named() {
    let tenth = format!("{AT}, type = \"i16\", scale = 0.1, offset = -40");
    check(&tenth, "180.5", &[2205]);
    check(&tenth, "-40", &[0]);
    check(&tenth, "180.50", &[2205]);
    refused(&tenth, "180.55", Misfit::Between(vec![180.5, 180.6]));
    refused(&tenth, "-40.05", Misfit::Between(vec![-40.1, -40.0]));
    refused(&tenth, "3236.8", Misfit::OutOfRange(-3316.8, 3236.7));
    refused(&format!("{AT}, type = \"u16\""), "1.5", Misfit::Between(vec![1.0, 2.0]));
    check(&format!("{AT}, type = \"u16\""), "2.0", &[2]);
    check(&format!("{AT}, type = \"i16\", scale = -0.5"), "-1.5", &[3]);
    refused(&format!("{AT}, type = \"i16\", scale = -0.5"), "-1.6", Misfit::Between(vec![-2.0, -1.5]));
    let third = format!("{AT}, type = \"u16\", scale = 0.3333333333333333");
    check(&third, "33.33333333333333", &[100]);
    refused(&third, "33.4", Misfit::Between(vec![33.33333333333333, 33.666666666666664]));
}

#[test]
fn a_float_that_would_show_differently_is_refused() {
    let single = format!("{AT}, type = \"f32\"");
    refused(&single, "16777217", Misfit::Between(vec![16_777_216.0]));
    refused(&single, "0.123456789", Misfit::Between(vec![0.12345679]));
    refused(&single, "1e39", Misfit::OutOfRange(-f64::from(f32::MAX), f64::from(f32::MAX)));
    refused(&single, "nan", Misfit::NotANumber);
    refused(&single, "inf", Misfit::NotANumber);
    refused(&format!("{AT}, type = \"f16\""), "65505", Misfit::OutOfRange(-65_504.0, 65_504.0));
    check(&format!("{AT}, type = \"f32\", scale = 0.001"), "17.5", &[0x4688, 0xb800]);
}

#[test]
fn limits_of_type_and_file_hold() {
    refused(&format!("{AT}, type = \"u16\""), "65536", Misfit::OutOfRange(0.0, 65_535.0));
    refused(&format!("{AT}, type = \"u16\""), "-1", Misfit::OutOfRange(0.0, 65_535.0));
    refused(&format!("{AT}, type = \"bcd16\""), "10000", Misfit::OutOfRange(0.0, 9_999.0));
    let limited = format!("{AT}, type = \"u16\", scale = 0.1, write_min = 50, write_max = 250.5");
    check(&limited, "250.5", &[2505]);
    refused(&limited, "250.6", Misfit::OutOfRange(50.0, 250.5));
    refused(&limited, "49.9", Misfit::OutOfRange(50.0, 250.5));
    refused(&format!("{AT}, type = \"f32\", write_max = 3"), "3.5", Misfit::OutOfRange(-f64::from(f32::MAX), 3.0));
    refused(&format!("{AT}, type = \"u64\""), "18446744073709551616", Misfit::OutOfRange(0.0, u64::MAX as f64));
}

#[test]
fn what_is_no_value_is_refused() {
    for typed in ["", "abc", "1,5", "0x10", "1e3", "--1", "1.", ".5", "1234567890123456789012"] {
        refused(&format!("{AT}, type = \"u16\""), typed, Misfit::NotANumber);
    }
    let coil = "address = \"coil:3\", type = \"bool\"";
    for (typed, bit) in [("true", true), ("ON", true), ("1", true), ("开", true), ("off", false), ("0", false)] {
        assert_eq!(encode(&tag(coil), typed), Ok(Answer::Bits(vec![bit])));
    }
    refused(coil, "2", Misfit::NotABool);
}

#[test]
fn names_are_written_as_their_numbers() {
    let mode = format!("{AT}, type = \"u16\", values = {{ 0 = \"手动\", 2 = \"自动\", 3 = \"x\", 4 = \"x\" }}");
    check(&mode, "自动", &[2]);
    refused(&mode, "2", Misfit::UnknownName);
    refused(&mode, "x", Misfit::UnknownName);
    check(&format!("{AT}, type = \"bcd16\", values = {{ 12 = \"a\" }}"), "a", &[0x12]);
    let door = "address = \"coil:0\", type = \"bool\", values = { 0 = \"open\", 1 = \"closed\" }";
    assert_eq!(encode(&tag(door), "closed"), Ok(Answer::Bits(vec![true])));
}

#[test]
fn a_text_fills_its_field() {
    let order = format!("{AT}, type = \"text\", length = 6");
    check(&order, "PX-1", &[0x5058, 0x2d31, 0]);
    check(&format!("{order}, order = \"BA\""), "PX-1", &[0x5850, 0x312d, 0]);
    check(&format!("{order}, encoding = \"gbk\""), "料筒", &[0xc1cf, 0xcdb2, 0]);
    refused(&order, "PX-1701", Misfit::TooLong(7));
    refused(&order, "料", Misfit::NotInEncoding);
    refused(&order, "a\tb", Misfit::NotInEncoding);
    refused(&format!("{order}, encoding = \"gbk\""), "\u{1f600}", Misfit::NotInEncoding);
}

#[test]
fn every_half_float_comes_back() {
    let half = tag(&format!("{AT}, type = \"f16\""));
    for bits in 0..=u16::MAX {
        if let Reading::Good(Value::F32(x)) = decode(&half, &Answer::Registers(vec![bits]), 0) {
            assert_eq!(half_precision(f64::from(x)), bits, "{x}");
        }
    }
    assert_eq!(half_precision(2049.0), 0x6800, "ties to even");
    assert_eq!(half_precision(2_f64.powi(-14) * 0.9999), 0x0400, "rounds into the normal ones");
}

proptest! {
    #[test]
    fn what_a_device_holds_can_be_typed_as_it_is_shown(
        kind in 0..12_usize, order in 0..4_usize, words in proptest::array::uniform4(any::<u16>()), scale in 0..4_usize,
    ) {
        let data_type = DataType::ALL[kind];
        prop_assume!(data_type != DataType::Bool);
        let scaling = [None, Scaling::new(0.1, 0.0), Scaling::new(0.01, -40.0), Scaling::new(-2.0, 0.5)][scale];
        let is_float = matches!(data_type, DataType::F16 | DataType::F32 | DataType::F64);
        let is_long = data_type.width() == 4; // a scaled value is a double, which has too few digits for these
        prop_assume!(scaling.is_none() || !(is_float || is_long));
        let tag = Tag {
            name: "a".into(),
            label: None,
            unit: None,
            origin: Origin::Modbus(Register {
                address: Address::parse("40001").expect("an address"),
                data_type,
                order: Order::parse(["ABCD", "CDAB", "BADC", "DCBA"][order]).expect("an order"),
            }),
            scaling,
            values: None,
            every: Duration::from_secs(1),
            report: crate::model::ReportRule {
                deadband: crate::model::Deadband::None, max_silence: Duration::from_secs(60),
            },
            write: Some(WriteRule::default()),
            scene: None,
            grade: crate::model::Grade::default(),
            role: None,
        };
        let answer = Answer::Registers(words[..usize::from(data_type.width())].to_vec());
        if let Reading::Good(value) = decode(&tag, &answer, 0) {
            prop_assert_eq!(encode(&tag, &value.to_string()), Ok(answer), "{} {:?}", value, scaling);
        }
    }

    #[test]
    fn no_text_makes_it_panic(typed in ".{0,30}", kind in 0..12_usize) {
        let mut any = tag(&format!("{AT}, type = \"u16\", scale = 0.1"));
        let Origin::Modbus(register) = &mut any.origin else { unreachable!("it was made so") };
        register.data_type = DataType::ALL[kind];
        encode(&any, &typed).ok();
        any.values = Some(Arc::new(Names::new([(1, "a".into())])));
        encode(&any, &typed).ok();
    }
}
