//! From the bytes of an answer to a reading. Pure.

use crate::config::Tag;
use crate::config::dlt645::{Format, Item};
use crate::model::encoding::Encoding;
use crate::model::{Reading, Value, Why};
use crate::source::modbus::decode::{float, truth, whole};

/// The reading of `tag`, which is `item`, from its bytes: those of the whole answer from `skip` on. Fewer are malformed.
pub fn decode(tag: &Tag, item: &Item, bytes: &[u8]) -> Reading {
    match bytes.get(..usize::from(item.format.bytes())) {
        Some(bytes) => value(tag, item.format, bytes),
        None => Reading::Bad(Why::Malformed),
    }
}

fn value(tag: &Tag, format: Format, bytes: &[u8]) -> Reading {
    match format {
        Format::Number { decimals, is_signed, .. } => match number(bytes, is_signed) {
            Some(digits) => scaled(tag, digits, decimals),
            None => Reading::Bad(Why::BadEncoding),
        },
        Format::Bits { .. } => whole(tag, binary(bytes)),
        Format::Bit { bit, .. } => truth(tag, binary(bytes) >> bit & 1 == 1),
        Format::Text { .. } => {
            let is_padding = |byte: &&u8| matches!(byte, 0 | b' ');
            let characters: Vec<u8> = bytes.iter().rev().skip_while(is_padding).copied().collect();
            text(Encoding::Ascii.decode_field(&characters))
        }
        Format::Digits { .. } => text(digits(bytes)),
        Format::Date => text(date(bytes.get(1..).unwrap_or_default())),
        Format::Time => text(digits(bytes).filter(|d| d.as_str() < "240000").map(|d| parted(&d, &[2, 2, 2], ":"))),
        Format::Moment => text(moment(bytes)),
    }
}

fn text(text: Option<String>) -> Reading {
    text.map_or(Reading::Bad(Why::BadEncoding), |text| Reading::Good(Value::Text(text.into())))
}

/// Digits with a point in them, and what `scale` and `offset` make of them, with one rounding at the end.
fn scaled(tag: &Tag, digits: i128, decimals: u8) -> Reading {
    match tag.scaling {
        _ if decimals == 0 => whole(tag, digits),
        Some(scaling) => float(scaling.of_decimal(digits, decimals)),
        None => float(digits as f64 / 10_f64.powi(i32::from(decimals))),
    }
}

/// Two digits per byte, the low ones first. `None` where four bits are no digit.
fn number(bytes: &[u8], is_signed: bool) -> Option<i128> {
    let is_negative = is_signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut number = 0_i128;
    for (place, byte) in bytes.iter().enumerate().rev() {
        let byte = if is_signed && place + 1 == bytes.len() { byte & 0x7f } else { *byte };
        let (high, low) = (byte >> 4, byte & 0xf);
        if high > 9 || low > 9 {
            return None;
        }
        number = number * 100 + i128::from(10 * high + low);
    }
    Some(if is_negative { -number } else { number })
}

fn binary(bytes: &[u8]) -> i128 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | i128::from(*byte))
}

/// The digits from high to low.
fn digits(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    for nibble in bytes.iter().rev().flat_map(|byte| [byte >> 4, byte & 0xf]) {
        text.push(char::from_digit(u32::from(nibble), 10)?);
    }
    Some(text)
}

/// YYMMDD, low byte first; a meter of this standard was made in this century.
fn date(bytes: &[u8]) -> Option<String> {
    let digits = digits(bytes)?;
    let is_date = ("01".."13").contains(&digits.get(2..4)?) && ("01".."32").contains(&digits.get(4..6)?);
    is_date.then(|| format!("20{}", parted(&digits, &[2, 2, 2], "-")))
}

/// YYMMDDhhmm, low byte first.
fn moment(bytes: &[u8]) -> Option<String> {
    let (time, day) = bytes.split_at_checked(2)?;
    let time = digits(time).filter(|digits| digits.as_str() < "2400")?;
    Some(format!("{}T{}", date(day)?, parted(&time, &[2, 2], ":")))
}

/// Digits in groups.
fn parted(digits: &str, lengths: &[usize], separator: &str) -> String {
    let mut rest = digits;
    let mut groups = Vec::new();
    for length in lengths {
        let (group, behind) = rest.split_at_checked(*length).unwrap_or((rest, ""));
        groups.push(group);
        rest = behind;
    }
    groups.join(separator)
}

#[cfg(test)]
mod tests;
