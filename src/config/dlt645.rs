//! DL/T 645-2007 words of the configuration: meter addresses, data identifiers, and how the bytes behind them are read.

mod catalogue;

pub use catalogue::Known;

use std::fmt;

use crate::model::ValueKind;

/// Whom: the communication address of a meter, twelve decimal digits (DL/T 645-2007, 5.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterAddress([u8; 6]);

impl MeterAddress {
    /// A byte that stands for any two digits: `AA` in the high bytes shortens the address.
    const ANY: u8 = 0xAA;

    /// Understands the digits as they are printed on the meter, with or without leading zeros, and twelve characters of which
    /// the first pairs are `AA`. `None` for anything else, and for the broadcast address, which nobody answers.
    pub fn parse(text: &str) -> Option<MeterAddress> {
        const BROADCAST: [u8; 6] = [0x99; 6];
        let text = text.trim();
        if text.is_empty() || text.len() > 12 || !text.is_ascii() {
            return None;
        }
        let digits = format!("{text:0>12}").to_ascii_uppercase();
        let mut bytes = [0; 6];
        for (byte, pair) in bytes.iter_mut().rev().zip(digits.as_bytes().as_chunks::<2>().0) {
            *byte = match pair {
                b"AA" => MeterAddress::ANY,
                [high, low] if high.is_ascii_digit() && low.is_ascii_digit() => (high - b'0') << 4 | (low - b'0'),
                _ => return None,
            };
        }
        let known = bytes.iter().take_while(|byte| **byte != MeterAddress::ANY).count();
        let is_shortened_above = bytes[known..].iter().all(|byte| *byte == MeterAddress::ANY);
        (is_shortened_above && bytes != BROADCAST).then_some(MeterAddress(bytes))
    }

    /// As it travels: the last digits first.
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Whether a meter of this address, as it travels, is meant.
    pub fn is_meant(self, bytes: &[u8]) -> bool {
        bytes.len() == 6
            && self.0.iter().zip(bytes).all(|(wanted, byte)| *wanted == MeterAddress::ANY || wanted == byte)
    }
}

impl fmt::Display for MeterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// What: DI3, DI2, DI1, DI0, in the order in which the standard writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataId(pub [u8; 4]);

impl DataId {
    /// Understands `00-01-00-00`, `00010000` and `00 01 00 00`.
    pub fn parse(text: &str) -> Option<DataId> {
        let text = text.trim();
        let pairs: Vec<&str> = match text.len() {
            8 if text.is_ascii() => (0..4).map(|n| &text[2 * n..2 * n + 2]).collect(),
            11 if text.contains('-') => text.split('-').collect(),
            11 => text.split(' ').collect(),
            _ => return None,
        };
        let byte = |pair: &&str| {
            let is_hex = pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| is_hex)
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes?.try_into().ok().map(DataId)
    }

    /// The same with what it names within the answer behind a dot: `04-00-05-03.4` (bit 4), `01-01-00-00.time`.
    pub fn parse_with_part(text: &str) -> Option<(DataId, Option<IdPart>)> {
        let Some((id, part)) = text.split_once('.') else { return Some((DataId::parse(text)?, None)) };
        let part = match part.trim() {
            "time" => IdPart::Time,
            bit if bit.len() <= 2 && bit.bytes().all(|b| b.is_ascii_digit()) => IdPart::Bit(bit.parse().ok()?),
            _ => return None,
        };
        Some((DataId::parse(id)?, Some(part)))
    }

    /// As it travels: DI0 first.
    pub fn bytes(self) -> [u8; 4] {
        let DataId([di3, di2, di1, di0]) = self;
        [di0, di1, di2, di3]
    }
}

impl fmt::Display for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DataId([di3, di2, di1, di0]) = self;
        write!(f, "{di3:02X}-{di2:02X}-{di1:02X}-{di0:02X}")
    }
}

/// What an address names within an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdPart {
    /// A bit of a status word.
    Bit(u8),
    /// When a maximum demand was.
    Time,
}

impl fmt::Display for IdPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdPart::Bit(bit) => write!(f, ".{bit}"),
            IdPart::Time => f.write_str(".time"),
        }
    }
}

/// How the bytes of one value are read. All of them travel with the low byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `bcd4.2`, `sbcd3.4`: decimal digits, two per byte.
    Number {
        /// 1 to 8.
        bytes: u8,
        /// How many of the digits stand behind the point.
        decimals: u8,
        /// The highest bit is the sign.
        is_signed: bool,
    },
    /// `bits2`: a status word, as a whole number.
    Bits {
        /// 1 to 8.
        bytes: u8,
    },
    /// One bit of a status word; 0 is the least significant.
    Bit {
        /// Of the whole word, 1 to 8.
        bytes: u8,
        /// Below 8 times as many.
        bit: u8,
    },
    /// `digits6`: digits that are a name, leading zeros included.
    Digits {
        /// 1 to [`Format::MAX_BYTES`].
        bytes: u8,
    },
    /// `text10`: ASCII.
    Text {
        /// 1 to [`Format::MAX_BYTES`].
        bytes: u8,
    },
    /// `date`: YYMMDDWW.
    Date,
    /// `time`: hhmmss.
    Time,
    /// `datetime`: YYMMDDhhmm.
    Moment,
}

impl Format {
    /// An answer carries 200 bytes, four of them the identifier (DL/T 645-2007, 5.2.5).
    pub const MAX_BYTES: u8 = 196;

    /// For people: the words of `type`.
    pub const WORDS: &'static str = "bcd4.2, sbcd3.4, bits2, digits6, text10, date, time, datetime";

    /// Understands the words of `type`: the number of bytes stands in the word, that of the decimals behind a point.
    pub fn parse(word: &str) -> Option<Format> {
        let number = |text: &str, max: u8| {
            let is_plain = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u8>().ok().filter(|n| is_plain && *n <= max)
        };
        let bytes = |text: &str, max: u8| number(text, max).filter(|bytes| *bytes > 0);
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (kind, size) = word.split_at(letters);
        Some(match kind {
            "bcd" | "sbcd" => {
                let (whole, decimals) = size.split_once('.').unwrap_or((size, "0"));
                let bytes = bytes(whole, 8)?;
                Format::Number { bytes, decimals: number(decimals, 2 * bytes)?, is_signed: kind == "sbcd" }
            }
            "bits" => Format::Bits { bytes: bytes(size, 8)? },
            "digits" => Format::Digits { bytes: bytes(size, Format::MAX_BYTES)? },
            "text" => Format::Text { bytes: bytes(size, Format::MAX_BYTES)? },
            "date" if size.is_empty() => Format::Date,
            "time" if size.is_empty() => Format::Time,
            "datetime" if size.is_empty() => Format::Moment,
            _ => return None,
        })
    }

    /// Bytes in the answer.
    pub fn bytes(self) -> u8 {
        match self {
            Format::Number { bytes, .. }
            | Format::Bits { bytes }
            | Format::Bit { bytes, .. }
            | Format::Digits { bytes }
            | Format::Text { bytes } => bytes,
            Format::Date => 4,
            Format::Time => 3,
            Format::Moment => 5,
        }
    }

    /// The kind of the value before `scale` and `values`.
    pub fn kind(self) -> ValueKind {
        match self {
            Format::Number { decimals: 0, .. } | Format::Bits { .. } => ValueKind::Int,
            Format::Number { .. } => ValueKind::Float,
            Format::Bit { .. } => ValueKind::Bool,
            Format::Digits { .. } | Format::Text { .. } | Format::Date | Format::Time | Format::Moment => {
                ValueKind::Text
            }
        }
    }

    /// The numbers that may have names; `None` where it is no whole number.
    pub fn range(self) -> Option<std::ops::RangeInclusive<i128>> {
        match self {
            Format::Number { bytes, decimals: 0, is_signed } => {
                let digits = 10_i128.pow(2 * u32::from(bytes));
                Some(if is_signed { 1 - digits * 8 / 10..=digits * 8 / 10 - 1 } else { 0..=digits - 1 })
            }
            Format::Bits { bytes } => Some(0..=(1_i128 << (8 * u32::from(bytes))) - 1),
            Format::Bit { .. } => Some(0..=1),
            _ => None,
        }
    }

    /// Characters of its text, if it is one.
    pub fn text_length(self) -> Option<usize> {
        match self {
            Format::Digits { bytes } => Some(2 * usize::from(bytes)),
            Format::Text { bytes } => Some(usize::from(bytes)),
            Format::Date => Some("2026-11-22".len()),
            Format::Time => Some("12:00:00".len()),
            Format::Moment => Some("2026-11-22T12:00".len()),
            Format::Number { .. } | Format::Bits { .. } | Format::Bit { .. } => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Format::Number { bytes, decimals, is_signed } => {
                let sign = if *is_signed { "s" } else { "" };
                write!(f, "{sign}bcd{bytes}")?;
                if *decimals > 0 { write!(f, ".{decimals}") } else { Ok(()) }
            }
            Format::Bits { bytes } => write!(f, "bits{bytes}"),
            Format::Bit { .. } => f.write_str("bool"),
            Format::Digits { bytes } => write!(f, "digits{bytes}"),
            Format::Text { bytes } => write!(f, "text{bytes}"),
            Format::Date => f.write_str("date"),
            Format::Time => f.write_str("time"),
            Format::Moment => f.write_str("datetime"),
        }
    }
}

/// A value of a meter: what to ask for, and where in the answer it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// What to ask for.
    pub id: DataId,
    /// How its bytes are read.
    pub format: Format,
    /// Bytes of the answer before it.
    pub skip: u8,
    /// Bytes of the whole answer behind the identifier.
    pub whole: u8,
}

impl Item {
    /// An answer that is nothing but this value.
    pub fn of(id: DataId, format: Format) -> Item {
        Item { id, format, skip: 0, whole: format.bytes() }
    }

    /// As it stands in the configuration: `04-00-05-03.4`.
    pub fn address(&self) -> String {
        let part = match self.format {
            Format::Bit { bit, .. } => Some(IdPart::Bit(bit)),
            Format::Moment if self.skip > 0 => Some(IdPart::Time),
            _ => None,
        };
        format!("{}{}", self.id, part.map(|part| part.to_string()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_is_named_as_it_is_printed_on_its_front() {
        for (text, shown) in [
            ("000000000001", "000000000001"),
            ("1", "000000000001"),
            (" 210100161 ", "000210100161"),
            ("123456789012", "123456789012"),
            ("AAAAAAAAAAAA", "AAAAAAAAAAAA"),
            ("aaaaaaaa1234", "AAAAAAAA1234"),
        ] {
            assert_eq!(MeterAddress::parse(text).map(|a| a.to_string()).as_deref(), Some(shown), "{text}");
        }
        for text in
            ["", "1234567890123", "12345678901A", "AA", "A12345678901", "12AA56789012", "999999999999", "１２", "-1"]
        {
            // "AA" is the end of a shortened address, of which nothing is known but two wild digits at the wrong end.
            assert_eq!(MeterAddress::parse(text), None, "{text}");
        }
        assert_eq!(MeterAddress::parse("123456789012").unwrap().bytes(), [0x12, 0x90, 0x78, 0x56, 0x34, 0x12]);
    }

    #[test]
    fn a_shortened_address_means_every_meter_that_ends_so() {
        let short = MeterAddress::parse("AAAAAAAA1234").unwrap();
        assert!(short.is_meant(&[0x34, 0x12, 0x78, 0x56, 0x34, 0x12]));
        assert!(!short.is_meant(&[0x35, 0x12, 0x78, 0x56, 0x34, 0x12]));
        assert!(!short.is_meant(&[0x34, 0x12]));
    }

    #[test]
    fn identifiers_are_understood_as_manuals_write_them() {
        for text in ["02-80-00-0A", "0280000a", "02 80 00 0A", " 02-80-00-0a "] {
            assert_eq!(DataId::parse(text).map(|id| id.to_string()).as_deref(), Some("02-80-00-0A"), "{text}");
        }
        for text in
            ["", "0280000", "02-80-00", "02-80-00-0", "02-80-00-0G", "02-80 00-0A", "+2-80-00-0A", "028０000", "B611"]
        {
            assert_eq!(DataId::parse(text), None, "{text}");
        }
        assert_eq!(DataId::parse("00-01-02-03").unwrap().bytes(), [3, 2, 1, 0]);
        let part = |text| DataId::parse_with_part(text).map(|(id, part)| format!("{id}{}", part.unwrap()));
        assert_eq!(part("04000503.4").as_deref(), Some("04-00-05-03.4"));
        assert_eq!(part("01-01-00-00.time").as_deref(), Some("01-01-00-00.time"));
        for text in ["04000503.", "04000503.x", "04000503.4.5", "04000503.-1", ".4"] {
            assert_eq!(DataId::parse_with_part(text), None, "{text}");
        }
    }

    #[test]
    fn the_words_of_formats_say_what_they_say_back() {
        for word in ["bcd4.2", "sbcd3.4", "bcd1", "bcd8.16", "bits2", "digits6", "text196", "date", "time", "datetime"]
        {
            assert_eq!(Format::parse(word).map(|format| format.to_string()).as_deref(), Some(word));
        }
        for word in [
            "bcd", "bcd0", "bcd9", "bcd1.3", "bcd4.", "bcd.2", "bcd+4", "bits9", "text0", "text197", "date4", "u16",
            "bool", "",
        ] {
            assert_eq!(Format::parse(word), None, "{word}");
        }
    }
}
