//! From registers and bits to readings. Pure.

use crate::config::Tag;
use crate::config::modbus::{DataType, Scaling};
use crate::model::{Reading, Value, Why};

/// The answer to one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Coils or discrete inputs.
    Bits(Vec<bool>),
    /// Holding or input registers, high byte first as they travel.
    Registers(Vec<u16>),
}

/// The reading of `tag` at `offset` in its block's answer. An answer that does not reach so far is malformed.
pub fn decode(tag: &Tag, answer: &Answer, offset: u16) -> Reading {
    let offset = usize::from(offset);
    match answer {
        Answer::Bits(bits) => match bits.get(offset) {
            Some(bit) => Reading::Good(Value::Bool(*bit)),
            None => Reading::Bad(Why::Malformed),
        },
        Answer::Registers(registers) => {
            let width = usize::from(tag.data_type.width());
            match registers.get(offset..offset + width) {
                Some(words) => number(tag, words),
                None => Reading::Bad(Why::Malformed),
            }
        }
    }
}

fn number(tag: &Tag, words: &[u16]) -> Reading {
    let bits = joined(words, tag.order.low_word_first, tag.order.low_byte_first);
    match tag.data_type {
        DataType::Bool => Reading::Good(Value::Bool(bits & 1 == 1)),
        DataType::U16 | DataType::U32 => whole(tag, i128::from(bits)),
        DataType::I16 => whole(tag, i128::from(bits as u16 as i16)),
        DataType::I32 => whole(tag, i128::from(bits as u32 as i32)),
        DataType::I64 => whole(tag, i128::from(bits as i64)),
        DataType::U64 => whole(tag, i128::from(bits)),
        DataType::F32 => {
            let x = f32::from_bits(bits as u32);
            match tag.scaling {
                None if x.is_finite() => Reading::Good(Value::F32(x)),
                None => Reading::Bad(Why::NotANumber),
                Some(scaling) => float(scaled_single(x, scaling)),
            }
        }
        DataType::F64 => {
            let x = f64::from_bits(bits);
            float(tag.scaling.map_or(x, |scaling| scaling.of_float(x)))
        }
    }
}

/// Registers put together in the device's order; the first is the highest unless the order says otherwise.
fn joined(words: &[u16], low_word_first: bool, low_byte_first: bool) -> u64 {
    let push = |bits: u64, word: &u16| {
        let word = if low_byte_first { word.swap_bytes() } else { *word };
        (bits << 16) | u64::from(word)
    };
    if low_word_first { words.iter().rev().fold(0, push) } else { words.iter().fold(0, push) }
}

/// A single-precision float scaled as people read it from the device: 17043.307 and not 17043.306640625, times 0.001. It
/// carries at most nine significant digits, and so does what comes out.
fn scaled_single(x: f32, scaling: Scaling) -> f64 {
    let shortest = x.to_string().parse().unwrap_or(f64::NAN);
    format!("{:.8e}", scaling.of_float(shortest)).parse().unwrap_or(f64::NAN)
}

fn whole(tag: &Tag, raw: i128) -> Reading {
    match tag.scaling {
        Some(scaling) => float(scaling.of_int(raw)),
        None => Reading::Good(match i64::try_from(raw) {
            Ok(raw) => Value::I64(raw),
            Err(_) => Value::U64(u64::try_from(raw).expect("raw comes from at most 64 bits")),
        }),
    }
}

fn float(x: f64) -> Reading {
    if x.is_finite() { Reading::Good(Value::F64(x)) } else { Reading::Bad(Why::NotANumber) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::{Address, Order, Table};
    use crate::model::{Deadband, ReportRule};
    use std::time::Duration;

    fn tag(data_type: DataType, order: &str, scaling: Option<Scaling>) -> Tag {
        Tag {
            name: "t".into(),
            label: None,
            unit: None,
            address: Address { table: Table::Holding, offset: 0 },
            data_type,
            order: Order::parse(order).expect("the test writes orders"),
            scaling,
            every: Duration::from_secs(1),
            report: ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) },
        }
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
        assert_eq!(scaled(DataType::U16, &[3], 0.1, 0.0), Reading::Good(Value::F64(0.3)));
        let [a, b] = [(17_043.307_f32.to_bits() >> 16) as u16, 17_043.307_f32.to_bits() as u16];
        assert_eq!(scaled(DataType::F32, &[a, b], 0.001, 0.0), Reading::Good(Value::F64(17.043_307)));
        assert_eq!(scaled(DataType::I16, &[0xffff], 0.5, 0.0), Reading::Good(Value::F64(-0.5)));
        assert_eq!(scaled(DataType::U16, &[10], 1.0, -40.0), Reading::Good(Value::F64(-30.0)));
        assert_eq!(
            scaled(DataType::U64, &[0xffff, 0xffff, 0xffff, 0xffff], 0.001, 0.0),
            Reading::Good(Value::F64(u64::MAX as f64 / 1_000.0))
        );
    }

    #[test]
    fn an_answer_that_is_too_short_is_malformed_and_does_not_panic() {
        let short = Answer::Registers(vec![1]);
        assert_eq!(decode(&tag(DataType::F32, "ABCD", None), &short, 0), Reading::Bad(Why::Malformed));
        assert_eq!(decode(&tag(DataType::U16, "ABCD", None), &short, 65_535), Reading::Bad(Why::Malformed));
        assert_eq!(decode(&tag(DataType::Bool, "ABCD", None), &Answer::Bits(vec![]), 0), Reading::Bad(Why::Malformed));
    }
}
