//! From what a person types to registers and coils: the inverse of [`decode`](super::decode). Pure.
//!
//! The rule: what goes to a machine is exactly what was typed. A value that the tag cannot hold is refused, with the
//! nearest ones that it can, and never rounded, cut or wrapped.

use super::decode::Answer;
use crate::config::modbus::{DataType, Order, Register, Scaling, TextForm};
use crate::config::{Names, Tag};

/// Why a text is no value of a tag.
#[derive(Debug, Clone, PartialEq)]
pub enum Misfit {
    /// Neither true nor false.
    NotABool,
    /// No number, or one with more digits than any device has.
    NotANumber,
    /// Between two values that the tag can hold; these.
    Between(Vec<f64>),
    /// Outside what type and file allow: from, to.
    OutOfRange(f64, f64),
    /// No name of the tag's `values`, or one of several numbers.
    UnknownName,
    /// More bytes than the text has room for.
    TooLong(usize),
    /// A character that the encoding does not have, or a control character.
    NotInEncoding,
}

/// The bits or registers that hold `text` as a value of `tag`, which stands in `register`, scaled as the tag says.
pub fn encode(tag: &Tag, register: &Register, text: &str) -> Result<Answer, Misfit> {
    let text = text.trim();
    let Register { address, data_type, order } = *register;
    let width = usize::from(data_type.width());
    let whole = |raw: i128| registers(raw as u64, width, order);
    if let Some(names) = &tag.values {
        let raw = named(names, text, data_type)?;
        return Ok(if address.table.is_bits() { Answer::Bits(vec![raw == 1]) } else { whole(raw) });
    }
    match data_type {
        DataType::Bool | DataType::Bit(_) => truth(text).map(|bit| Answer::Bits(vec![bit])),
        DataType::Text(form) => textual(text, form, order),
        DataType::F16 | DataType::F32 | DataType::F64 => {
            float(tag, data_type, text).map(|bits| registers(bits, width, order))
        }
        DataType::Bcd16 | DataType::Bcd32 => integer(tag, data_type, text).map(|raw| whole(decimal(raw))),
        _ => integer(tag, data_type, text).map(whole),
    }
}

/// Words for on and off as people type them.
fn truth(text: &str) -> Result<bool, Misfit> {
    match text.to_lowercase().as_str() {
        "true" | "on" | "1" | "开" | "是" => Ok(true),
        "false" | "off" | "0" | "关" | "否" => Ok(false),
        _ => Err(Misfit::NotABool),
    }
}

fn named(names: &Names, text: &str, data_type: DataType) -> Result<i128, Misfit> {
    let raw = names.number_of(text).ok_or(Misfit::UnknownName)?;
    Ok(if matches!(data_type, DataType::Bcd16 | DataType::Bcd32) { decimal(raw) } else { raw })
}

/// The raw number behind a scaled one. It must come out whole.
fn integer(tag: &Tag, data_type: DataType, text: &str) -> Result<i128, Misfit> {
    let typed = Decimal::parse(text).ok_or(Misfit::NotANumber)?;
    let range = data_type.range().ok_or(Misfit::NotANumber)?;
    let shown = |raw: i128| tag.scaling.map_or(raw as f64, |scaling| scaling.of_int(raw));
    let (first, last) = (shown(*range.start()), shown(*range.end()));
    let (least, most) = limits(tag, first.min(last), first.max(last));
    let outside = Misfit::OutOfRange(least, most);
    if !(least..=most).contains(&typed.as_f64()) {
        return Err(outside);
    }
    let (below, is_exact) = typed.raw(tag.scaling).ok_or(Misfit::NotANumber)?;
    if is_exact {
        return if range.contains(&below) { Ok(below) } else { Err(outside) };
    }
    let candidates = [below, below + 1].into_iter().filter(|raw| range.contains(raw)).map(shown);
    let mut nearest: Vec<f64> = candidates.filter(|value| (least..=most).contains(value)).collect();
    nearest.sort_by(f64::total_cmp);
    Err(Misfit::Between(nearest))
}

/// The bits of a float. What a single-precision float would show differently is refused; a half float takes the nearest,
/// since nearly nothing that people type is one, and so does anything scaled.
fn float(tag: &Tag, data_type: DataType, text: &str) -> Result<u64, Misfit> {
    let typed: f64 = text.parse().ok().filter(|x: &f64| x.is_finite()).ok_or(Misfit::NotANumber)?;
    let largest = match data_type {
        DataType::F16 => LARGEST_HALF,
        DataType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    let ends = [-largest, largest].map(|x| tag.scaling.map_or(x, |scaling| scaling.of_float(x)));
    let (least, most) = limits(tag, ends[0].min(ends[1]), ends[0].max(ends[1]));
    let outside = Misfit::OutOfRange(least, most);
    let raw = match tag.scaling {
        None => typed,
        Some(Scaling::Exact { mul, add, div }) => (typed * div as f64 - add as f64) / mul as f64,
        Some(Scaling::Float { scale, offset }) => (typed - offset) / scale,
    };
    if !(least..=most).contains(&typed) || raw.abs() > largest {
        return Err(outside);
    }
    match data_type {
        DataType::F16 => Ok(u64::from(half_precision(raw))),
        DataType::F32 => {
            let single = raw as f32;
            let shown: f64 = single.to_string().parse().unwrap_or(f64::NAN);
            if tag.scaling.is_none() && shown != typed {
                return Err(Misfit::Between(vec![shown]));
            }
            Ok(u64::from(single.to_bits()))
        }
        _ => Ok(raw.to_bits()),
    }
}

/// What type and file allow together.
fn limits(tag: &Tag, least: f64, most: f64) -> (f64, f64) {
    let rule = tag.write.unwrap_or_default();
    (rule.min.map_or(least, |min| min.max(least)), rule.max.map_or(most, |max| max.min(most)))
}

/// The largest finite binary16.
const LARGEST_HALF: f64 = 65_504.0;

/// IEEE 754-2019, 3.6, binary16, ties to even. `x` is at most [`LARGEST_HALF`].
fn half_precision(x: f64) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let x = x.abs();
    if x < 2_f64.powi(-14) {
        return sign | (x * 2_f64.powi(24)).round_ties_even() as u16; // up to 1024, which is the smallest normal one
    }
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let fraction = ((x / 2_f64.powi(exponent) - 1.0) * 1024.0).round_ties_even() as u16;
    // A fraction of 1024 carries into the exponent, as it should.
    sign | ((((exponent + 15) as u16) << 10) + fraction)
}

/// Binary-coded decimal: one digit per four bits. `raw` is in the range of its type.
fn decimal(raw: i128) -> i128 {
    (0..8).map(|place| ((raw / 10_i128.pow(place)) % 10) << (4 * place)).sum()
}

/// Registers of a number in the device's order; the first is the highest unless the order says otherwise.
fn registers(bits: u64, width: usize, order: Order) -> Answer {
    let word = |place: usize| (bits >> (16 * place)) as u16;
    let mut words: Vec<u16> = (0..width).map(word).collect();
    if !order.low_word_first {
        words.reverse();
    }
    if order.low_byte_first {
        words.iter_mut().for_each(|word| *word = word.swap_bytes());
    }
    Answer::Registers(words)
}

/// The rest of the field is NUL.
fn textual(text: &str, form: TextForm, order: Order) -> Result<Answer, Misfit> {
    let length = usize::from(form.length);
    let mut bytes = form.encoding.encode(text).ok_or(Misfit::NotInEncoding)?;
    if text.contains(char::is_control) {
        return Err(Misfit::NotInEncoding);
    }
    if bytes.len() > length {
        return Err(Misfit::TooLong(bytes.len()));
    }
    bytes.resize(length + length % 2, 0);
    let word =
        |pair: &[u8; 2]| if order.low_byte_first { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    Ok(Answer::Registers(bytes.as_chunks::<2>().0.iter().map(word).collect()))
}

/// `digits / 10^places`, exactly.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    digits: i128,
    places: u32,
}

impl Decimal {
    /// `-12.50`; neither exponents nor separators.
    fn parse(text: &str) -> Option<Decimal> {
        /// More than any 64-bit number has, and few enough for all products below.
        const MOST: usize = 21;
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        let is_number = !whole.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() <= MOST;
        if !is_number || (fraction.is_empty() && unsigned.contains('.')) {
            return None;
        }
        let number: i128 = digits.parse().ok()?;
        let digits = if text.starts_with('-') { -number } else { number };
        Some(Decimal { digits, places: u32::try_from(fraction.len()).ok()? })
    }

    fn as_f64(self) -> f64 {
        self.digits as f64 / 10_f64.powi(self.places as i32)
    }

    /// The raw number at or below, and whether it is exactly that. `None`: too large to say.
    fn raw(self, scaling: Option<Scaling>) -> Option<(i128, bool)> {
        let tens = 10_i128.checked_pow(self.places)?;
        let (top, bottom) = match scaling {
            None => (self.digits, tens),
            Some(Scaling::Exact { mul, add, div }) => {
                let shifted = i128::from(add).checked_mul(tens)?;
                let top = self.digits.checked_mul(i128::from(div))?.checked_sub(shifted)?;
                (top, i128::from(mul).checked_mul(tens)?)
            }
            Some(Scaling::Float { scale, offset }) => {
                /// Doubles divided and subtracted are off by a few units in the last place.
                const DUST: f64 = 1e-9;
                let raw = (self.as_f64() - offset) / scale;
                let near = raw.round();
                let is_exact = (raw - near).abs() <= DUST * near.abs().max(1.0);
                return (raw.abs() < 1e30).then_some((if is_exact { near } else { raw.floor() } as i128, is_exact));
            }
        };
        let (top, bottom) = if bottom < 0 { (top.checked_neg()?, -bottom) } else { (top, bottom) };
        Some((top.checked_div_euclid(bottom)?, top.checked_rem_euclid(bottom)? == 0))
    }
}

#[cfg(test)]
mod tests;
