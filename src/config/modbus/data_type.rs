//! DataType: how the bits of one value are to be read. What stands within a register (a bit, a half) belongs to the
//! address in the file, `40010.3` or `40010.hi`, and becomes a part of the type here, so that no type lacks its place.

use std::fmt;

use super::Order;
use crate::model::encoding::Encoding;

/// How the bits of one value are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// One bit of a coil or discrete input table.
    Bool,
    /// One bit of a register, 0 to 15; 0 is the least significant.
    Bit(u8),
    /// Half a register, unsigned.
    U8(Half),
    /// Half a register, two's complement.
    I8(Half),
    /// 16 bits, unsigned.
    U16,
    /// 16 bits, two's complement.
    I16,
    /// 32 bits, unsigned.
    U32,
    /// 32 bits, two's complement.
    I32,
    /// 64 bits, unsigned.
    U64,
    /// 64 bits, two's complement.
    I64,
    /// IEEE 754 half precision.
    F16,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
    /// Four decimal digits, one per four bits.
    Bcd16,
    /// Eight decimal digits, one per four bits.
    Bcd32,
    /// Text of a fixed length.
    Text(TextForm),
}

/// One of the two bytes of a register, after its byte order was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// Bits 8 to 15.
    High,
    /// Bits 0 to 7.
    Low,
}

/// What is to be known of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextForm {
    /// Bytes, 1 to [`TextForm::MAX_LENGTH`].
    pub length: u16,
    /// How they are written.
    pub encoding: Encoding,
}

impl TextForm {
    /// What one request can fetch: 125 registers (Modbus Application Protocol V1.1b3, 6.3).
    pub const MAX_LENGTH: u16 = 250;

    /// The bytes of these registers as the device counts its characters: the first one of a register stands in its high
    /// byte unless the order says otherwise. Which register comes first is no matter of the order: texts run forwards.
    pub fn bytes(self, registers: &[u16], order: Order) -> Vec<u8> {
        let pair = |word: &u16| if order.low_byte_first { word.to_le_bytes() } else { word.to_be_bytes() };
        let mut bytes: Vec<u8> = registers.iter().flat_map(pair).collect();
        bytes.truncate(usize::from(self.length));
        bytes
    }
}

/// What an address names within a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// `.0` to `.15`.
    Bit(u8),
    /// `.hi` and `.lo`.
    Half(Half),
}

impl Part {
    /// Understands what follows the dot.
    pub fn parse(text: &str) -> Option<Part> {
        match text.to_ascii_lowercase().as_str() {
            "hi" => Some(Part::Half(Half::High)),
            "lo" => Some(Part::Half(Half::Low)),
            digits if digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() <= 2 => {
                digits.parse().ok().filter(|bit| *bit < 16).map(Part::Bit)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Bit(bit) => write!(f, ".{bit}"),
            Part::Half(Half::High) => f.write_str(".hi"),
            Part::Half(Half::Low) => f.write_str(".lo"),
        }
    }
}

impl DataType {
    /// All types that need nothing but their word.
    pub const ALL: [DataType; 12] = [
        DataType::Bool,
        DataType::U16,
        DataType::I16,
        DataType::U32,
        DataType::I32,
        DataType::U64,
        DataType::I64,
        DataType::F16,
        DataType::F32,
        DataType::F64,
        DataType::Bcd16,
        DataType::Bcd32,
    ];

    /// All words of the configuration, for people.
    pub const WORDS: &str = "bool, u8, i8, u16, i16, u32, i32, u64, i64, f16, f32, f64, bcd16, bcd32, text";

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            DataType::Bool | DataType::Bit(_) => "bool",
            DataType::U8(_) => "u8",
            DataType::I8(_) => "i8",
            DataType::U16 => "u16",
            DataType::I16 => "i16",
            DataType::U32 => "u32",
            DataType::I32 => "i32",
            DataType::U64 => "u64",
            DataType::I64 => "i64",
            DataType::F16 => "f16",
            DataType::F32 => "f32",
            DataType::F64 => "f64",
            DataType::Bcd16 => "bcd16",
            DataType::Bcd32 => "bcd32",
            DataType::Text(_) => "text",
        }
    }

    /// How many addresses it takes: registers, or 1 for a bit.
    pub fn width(self) -> u16 {
        match self {
            DataType::Bool | DataType::Bit(_) | DataType::U8(_) | DataType::I8(_) => 1,
            DataType::U16 | DataType::I16 | DataType::F16 | DataType::Bcd16 => 1,
            DataType::U32 | DataType::I32 | DataType::F32 | DataType::Bcd32 => 2,
            DataType::U64 | DataType::I64 | DataType::F64 => 4,
            DataType::Text(form) => form.length.div_ceil(2),
        }
    }

    /// What it takes of its register, if not all.
    pub fn part(self) -> Option<Part> {
        match self {
            DataType::Bit(bit) => Some(Part::Bit(bit)),
            DataType::U8(half) | DataType::I8(half) => Some(Part::Half(half)),
            _ => None,
        }
    }

    /// The whole numbers that it can be; `None` for floats and texts.
    pub fn range(self) -> Option<std::ops::RangeInclusive<i128>> {
        Some(match self {
            DataType::Bool | DataType::Bit(_) => 0..=1,
            DataType::U8(_) => 0..=i128::from(u8::MAX),
            DataType::I8(_) => i128::from(i8::MIN)..=i128::from(i8::MAX),
            DataType::U16 => 0..=i128::from(u16::MAX),
            DataType::I16 => i128::from(i16::MIN)..=i128::from(i16::MAX),
            DataType::U32 => 0..=i128::from(u32::MAX),
            DataType::I32 => i128::from(i32::MIN)..=i128::from(i32::MAX),
            DataType::U64 => 0..=i128::from(u64::MAX),
            DataType::I64 => i128::from(i64::MIN)..=i128::from(i64::MAX),
            DataType::Bcd16 => 0..=9_999,
            DataType::Bcd32 => 0..=99_999_999,
            DataType::F16 | DataType::F32 | DataType::F64 | DataType::Text(_) => return None,
        })
    }
}

/// `text(16, gbk)`, otherwise the word.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataType::Text(form) => write!(f, "text({}, {})", form.length, form.encoding.as_str()),
            other => f.write_str(other.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_dot_is_a_bit_or_a_half() {
        for (text, part) in [
            ("0", Some(Part::Bit(0))),
            ("15", Some(Part::Bit(15))),
            ("03", Some(Part::Bit(3))),
            ("hi", Some(Part::Half(Half::High))),
            ("LO", Some(Part::Half(Half::Low))),
            ("16", None),
            ("003", None),
            ("+3", None),
            ("-1", None),
            ("F", None),
            ("", None),
            ("high", None),
        ] {
            assert_eq!(Part::parse(text), part, "{text}");
        }
        for part in [Part::Bit(0), Part::Bit(15), Part::Half(Half::High), Part::Half(Half::Low)] {
            assert_eq!(Part::parse(&part.to_string()[1..]), Some(part));
        }
    }

    #[test]
    fn a_text_of_odd_length_takes_a_register_more_and_no_byte_more() {
        let form = |length| TextForm { length, encoding: Encoding::Ascii };
        assert_eq!([1, 2, 3, 250].map(|length| DataType::Text(form(length)).width()), [1, 1, 2, 125]);
        let (ab, ba) = (Order::parse("AB").expect("an order"), Order::parse("BA").expect("an order"));
        assert_eq!(form(3).bytes(&[0x4142, 0x4344], ab), b"ABC");
        assert_eq!(form(3).bytes(&[0x4241, 0x4443], ba), b"ABC");
        assert_eq!(form(4).bytes(&[0x4142, 0x4344], Order::parse("CDAB").expect("an order")), b"ABCD");
    }

    #[test]
    fn every_word_is_listed_for_people() {
        let form = TextForm { length: 4, encoding: Encoding::Gbk };
        let with_parts = [DataType::U8(Half::High), DataType::I8(Half::Low), DataType::Bit(3), DataType::Text(form)];
        for data_type in DataType::ALL.into_iter().chain(with_parts) {
            assert!(DataType::WORDS.split(", ").any(|word| word == data_type.as_str()), "{data_type}");
        }
        assert_eq!(DataType::WORDS.split(", ").count(), DataType::ALL.len() + 3);
    }
}
