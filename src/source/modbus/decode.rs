//! From registers and bits to readings. Pure.

use crate::config::modbus::{DataType, Half, Register, Scaling};
use crate::config::{Names, Tag};
use crate::model::{Reading, Value, Why};

/// The answer to one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Coils or discrete inputs.
    Bits(Vec<bool>),
    /// Holding or input registers, high byte first as they travel.
    Registers(Vec<u16>),
}

/// The reading of `tag`, which comes from `register`, at `offset` in its block's answer. An answer that does not reach so far is malformed.
pub fn decode(tag: &Tag, register: &Register, answer: &Answer, offset: u16) -> Reading {
    let offset = usize::from(offset);
    match answer {
        Answer::Bits(bits) => match bits.get(offset) {
            Some(bit) => truth(tag, *bit),
            None => Reading::Bad(Why::Malformed),
        },
        Answer::Registers(registers) => {
            let width = usize::from(register.data_type.width());
            match registers.get(offset..offset + width) {
                Some(words) => value(tag, register, words),
                None => Reading::Bad(Why::Malformed),
            }
        }
    }
}

fn value(tag: &Tag, register: &Register, words: &[u16]) -> Reading {
    let Register { data_type, order, .. } = *register;
    let bits = joined(words, order.low_word_first, order.low_byte_first);
    match data_type {
        DataType::Bool => truth(tag, bits & 1 == 1),
        DataType::Bit(bit) => truth(tag, (bits >> bit) & 1 == 1),
        DataType::U8(half) => whole(tag, i128::from(byte(bits, half))),
        DataType::I8(half) => whole(tag, i128::from(byte(bits, half) as i8)),
        DataType::U16 | DataType::U32 | DataType::U64 => whole(tag, i128::from(bits)),
        DataType::I16 => whole(tag, i128::from(bits as u16 as i16)),
        DataType::I32 => whole(tag, i128::from(bits as u32 as i32)),
        DataType::I64 => whole(tag, i128::from(bits as i64)),
        DataType::Bcd16 => decimal(bits, 4).map_or(Reading::Bad(Why::BadEncoding), |n| whole(tag, n)),
        DataType::Bcd32 => decimal(bits, 8).map_or(Reading::Bad(Why::BadEncoding), |n| whole(tag, n)),
        DataType::F16 => single(tag, half_precision(bits as u16)),
        DataType::F32 => single(tag, f32::from_bits(bits as u32)),
        DataType::F64 => {
            let x = f64::from_bits(bits);
            float(tag.scaling.map_or(x, |scaling| scaling.of_float(x)))
        }
        DataType::Text(form) => match form.encoding.decode_field(&form.bytes(words, order)) {
            Some(text) => Reading::Good(Value::Text(text.into())),
            None => Reading::Bad(Why::BadEncoding),
        },
    }
}

fn byte(bits: u64, half: Half) -> u8 {
    match half {
        Half::High => (bits >> 8) as u8,
        Half::Low => bits as u8,
    }
}

/// Binary-coded decimal: one digit per four bits. `None` where four bits are no digit.
fn decimal(bits: u64, digits: u32) -> Option<i128> {
    (0..digits)
        .rev()
        .map(|place| (bits >> (4 * place)) & 0xf)
        .try_fold(0, |number, digit| (digit <= 9).then(|| number * 10 + i128::from(digit)))
}

/// IEEE 754-2019, 3.6, binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. Every value is one of binary32 too.
fn half_precision(bits: u16) -> f32 {
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    let magnitude = match exponent {
        0 => fraction * 2_f32.powi(-14),
        0x1f if bits & 0x3ff == 0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1.0 + fraction) * 2_f32.powi(exponent - 15),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

/// Registers put together in the device's order; the first is the highest unless the order says otherwise.
fn joined(words: &[u16], low_word_first: bool, low_byte_first: bool) -> u64 {
    let push = |bits: u64, word: &u16| {
        let word = if low_byte_first { word.swap_bytes() } else { *word };
        (bits << 16) | u64::from(word)
    };
    if low_word_first { words.iter().rev().fold(0, push) } else { words.iter().fold(0, push) }
}

pub(in crate::source) fn truth(tag: &Tag, bit: bool) -> Reading {
    match &tag.values {
        Some(names) => named(names, i128::from(bit)),
        None => Reading::Good(Value::Bool(bit)),
    }
}

pub(in crate::source) fn whole(tag: &Tag, raw: i128) -> Reading {
    match (&tag.values, tag.scaling) {
        (Some(names), _) => named(names, raw),
        (None, Some(scaling)) => float(scaling.of_int(raw)),
        (None, None) => Reading::Good(match i64::try_from(raw) {
            Ok(raw) => Value::I64(raw),
            Err(_) => Value::U64(u64::try_from(raw).expect("raw comes from at most 64 bits")),
        }),
    }
}

/// A number without a name is still what the device said: it is told as it is, with the reason for doubt.
fn named(names: &Names, raw: i128) -> Reading {
    match names.get(raw) {
        Some(name) => Reading::Good(Value::Text(name.into())),
        None => Reading::Uncertain(Value::Text(raw.to_string().into()), Why::Unmapped),
    }
}

fn single(tag: &Tag, x: f32) -> Reading {
    match tag.scaling {
        None if x.is_finite() => Reading::Good(Value::F32(x)),
        None => Reading::Bad(Why::NotANumber),
        Some(scaling) => float(scaled_single(x, scaling)),
    }
}

/// A single-precision float scaled as people read it from the device: 17043.307 and not 17043.306640625, times 0.001. It
/// carries at most nine significant digits, and so does what comes out.
fn scaled_single(x: f32, scaling: Scaling) -> f64 {
    let shortest = x.to_string().parse().unwrap_or(f64::NAN);
    format!("{:.8e}", scaling.of_float(shortest)).parse().unwrap_or(f64::NAN)
}

pub(in crate::source) fn float(x: f64) -> Reading {
    if x.is_finite() { Reading::Good(Value::F64(x)) } else { Reading::Bad(Why::NotANumber) }
}

#[cfg(test)]
mod tests;
