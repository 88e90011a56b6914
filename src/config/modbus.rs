//! Modbus words of the configuration: tables, addresses, data types, byte orders.

mod data_type;

pub use data_type::{DataType, Half, Part, TextForm};

use std::fmt;

/// One of the four tables of a Modbus device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Coils, function code 1.
    Coil,
    /// Discrete inputs, function code 2.
    Discrete,
    /// Holding registers, function code 3.
    Holding,
    /// Input registers, function code 4.
    Input,
}

impl Table {
    /// All tables, in the order of their function codes.
    pub const ALL: [Table; 4] = [Table::Coil, Table::Discrete, Table::Holding, Table::Input];

    /// The function code that reads it.
    pub fn function_code(self) -> u8 {
        match self {
            Table::Coil => 1,
            Table::Discrete => 2,
            Table::Holding => 3,
            Table::Input => 4,
        }
    }

    /// Whether its items are single bits.
    pub fn is_bits(self) -> bool {
        matches!(self, Table::Coil | Table::Discrete)
    }

    /// The word before the colon in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Table::Coil => "coil",
            Table::Discrete => "discrete",
            Table::Holding => "holding",
            Table::Input => "input",
        }
    }

    /// The leading digit of the numbering from 1 (`4` in `40001`).
    fn reference_digit(self) -> u32 {
        match self {
            Table::Coil => 0,
            Table::Discrete => 1,
            Table::Input => 3,
            Table::Holding => 4,
        }
    }

    fn from_reference_digit(digit: u32) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.reference_digit() == digit)
    }
}

/// A place in a device: a table and an address counted from 0, as it travels on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The table.
    pub table: Table,
    /// Counted from 0.
    pub offset: u16,
}

impl Address {
    /// Understands `40001`, `400001`, `0x0010` (holding, from 0) and `holding:16` or `input:0x10` (from 0).
    /// `None` where the text is none of these.
    pub fn parse(text: &str) -> Option<Address> {
        let text = text.trim();
        if let Some((word, number)) = text.split_once(':') {
            let table = Table::ALL.into_iter().find(|table| table.as_str().eq_ignore_ascii_case(word.trim()))?;
            return Some(Address { table, offset: zero_based(number.trim())? });
        }
        if text.starts_with("0x") || text.starts_with("0X") {
            return Some(Address { table: Table::Holding, offset: zero_based(text)? });
        }
        if !matches!(text.len(), 5 | 6) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let table = Table::from_reference_digit(u32::from(text.as_bytes()[0] - b'0'))?;
        let number: u32 = text[1..].parse().ok()?;
        Some(Address { table, offset: u16::try_from(number.checked_sub(1)?).ok()? })
    }

    /// The same with what it names within a register behind a dot: `40010.3` (bit 3), `holding:9.hi` (high byte).
    pub fn parse_with_part(text: &str) -> Option<(Address, Option<Part>)> {
        let Some((register, part)) = text.trim().rsplit_once('.') else { return Some((Address::parse(text)?, None)) };
        let address = Address::parse(register).filter(|address| !address.table.is_bits())?;
        Some((address, Some(Part::parse(part)?)))
    }

    /// The form that counts from 1: `40001` up to 9999, `410000` beyond.
    pub fn reference(self) -> String {
        let number = u32::from(self.offset) + 1;
        let digit = self.table.reference_digit();
        if number <= 9_999 { format!("{digit}{number:04}") } else { format!("{digit}{number:05}") }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.table.as_str(), self.offset)
    }
}

fn zero_based(text: &str) -> Option<u16> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u16::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+')),
        None => text.parse().ok().filter(|_| !text.starts_with('+')),
    }
}

/// A value in a device: where it stands, and how its bits and bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// Where it stands.
    pub address: Address,
    /// How its bits are read.
    pub data_type: DataType,
    /// How its bytes are arranged.
    pub order: Order,
}

/// How the bytes of a value of several registers are arranged. Modbus itself only settles the order within a register
/// (high byte first, Modbus Application Protocol V1.1b3, 4.2); devices differ in the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Order {
    /// The low register comes first (`CDAB`, `DCBA`).
    pub low_word_first: bool,
    /// The low byte comes first within a register (`BADC`, `DCBA`).
    pub low_byte_first: bool,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.low_word_first, self.low_byte_first) {
            (false, false) => "ABCD",
            (true, false) => "CDAB",
            (false, true) => "BADC",
            (true, true) => "DCBA",
        })
    }
}

impl Order {
    /// Understands `ABCD`, `CDAB`, `BADC`, `DCBA` and their eight-letter forms.
    pub fn parse(text: &str) -> Option<Order> {
        let (low_word_first, low_byte_first) = match text.to_ascii_uppercase().as_str() {
            "AB" | "ABCD" | "ABCDEFGH" => (false, false),
            "CDAB" | "GHEFCDAB" => (true, false),
            "BA" | "BADC" | "BADCFEHG" => (false, true),
            "DCBA" | "HGFEDCBA" => (true, true),
            _ => return None,
        };
        Some(Order { low_word_first, low_byte_first })
    }
}

/// `value = raw * scale + offset`, kept as exact decimals where they are such: 3 * 0.1 is 0.3, not 0.30000000000000004.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// `(raw * mul + add) / div` with whole numbers: one rounding, at the division.
    Exact {
        /// Numerator of the scale.
        mul: i64,
        /// Offset times `div`.
        add: i64,
        /// A power of ten.
        div: i64,
    },
    /// `raw * scale + offset` in doubles, where the decimals are too long.
    Float {
        /// Scale.
        scale: f64,
        /// Offset.
        offset: f64,
    },
}

impl Scaling {
    /// `None` for scale 1 and offset 0: the value stays what it is.
    pub fn new(scale: f64, offset: f64) -> Option<Scaling> {
        if scale == 1.0 && offset == 0.0 {
            return None;
        }
        for digits in 0..=9 {
            let div = 10_i64.pow(digits);
            if let (Some(mul), Some(add)) = (whole(scale, div), whole(offset, div)) {
                return Some(Scaling::Exact { mul, add, div });
            }
        }
        Some(Scaling::Float { scale, offset })
    }

    /// A whole raw number scaled.
    pub fn of_int(self, raw: i128) -> f64 {
        match self {
            Scaling::Exact { mul, add, div } => (raw * i128::from(mul) + i128::from(add)) as f64 / div as f64,
            Scaling::Float { scale, offset } => raw as f64 * scale + offset,
        }
    }

    /// Digits scaled of which so many stand behind the point.
    pub fn of_decimal(self, digits: i128, decimals: u8) -> f64 {
        let power = 10_i128.pow(u32::from(decimals));
        match self {
            Scaling::Exact { mul, add, div } => {
                (digits * i128::from(mul) + i128::from(add) * power) as f64 / (i128::from(div) * power) as f64
            }
            Scaling::Float { scale, offset } => digits as f64 / power as f64 * scale + offset,
        }
    }

    /// A raw float scaled.
    pub fn of_float(self, raw: f64) -> f64 {
        match self {
            Scaling::Exact { mul, add, div } => (raw * mul as f64 + add as f64) / div as f64,
            Scaling::Float { scale, offset } => raw * scale + offset,
        }
    }
}

/// `x * div` where that is a whole number of moderate size that gives `x` back.
fn whole(x: f64, div: i64) -> Option<i64> {
    let product = (x * div as f64).round();
    let fits = product.abs() < 9.0e15 && product / div as f64 == x;
    fits.then_some(product as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Table, u16)>) {
        let found = Address::parse(text).map(|a| (a.table, a.offset));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn addresses_are_understood_as_manuals_write_them() {
        check("40001", Some((Table::Holding, 0)));
        check("49999", Some((Table::Holding, 9_998)));
        check("400001", Some((Table::Holding, 0)));
        check("465536", Some((Table::Holding, 65_535)));
        check("30007", Some((Table::Input, 6)));
        check("10001", Some((Table::Discrete, 0)));
        check("00001", Some((Table::Coil, 0)));
        check("000017", Some((Table::Coil, 16)));
        check("0x0010", Some((Table::Holding, 16)));
        check("0XFFFF", Some((Table::Holding, 65_535)));
        check("holding:16", Some((Table::Holding, 16)));
        check("Input:0x10", Some((Table::Input, 16)));
        check("coil:0", Some((Table::Coil, 0)));
        check("discrete: 65535", Some((Table::Discrete, 65_535)));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "40000",
            "400000",
            "465537",
            "20001",
            "50001",
            "16",
            "4001",
            "4000001",
            "0x",
            "0x10000",
            "holding:65536",
            "holding:-1",
            "holding:+1",
            "hold:1",
            "4０００1",
            "40001.3",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_bit_or_a_half_of_a_register_stands_behind_a_dot() {
        for (text, expected) in [
            ("40010.3", Some(("holding:9", ".3"))),
            ("holding:9.3", Some(("holding:9", ".3"))),
            ("0x0009.15", Some(("holding:9", ".15"))),
            ("input:0x10.HI", Some(("input:16", ".hi"))),
            ("30001.lo", Some(("input:0", ".lo"))),
            ("40010", Some(("holding:9", ""))),
            ("40010.16", None),
            ("40010.", None),
            ("40010.3.3", None),
            (".3", None),
            ("coil:0.3", None),
            ("00001.0", None),
        ] {
            let found = Address::parse_with_part(text);
            let shown = found.map(|(a, part)| (a.to_string(), part.map(|part| part.to_string()).unwrap_or_default()));
            assert_eq!(shown.as_ref().map(|(a, part)| (a.as_str(), part.as_str())), expected, "{text}");
        }
    }

    #[test]
    fn the_form_from_one_is_shown_short_where_it_fits() {
        for (text, reference) in [
            ("holding:0", "40001"),
            ("holding:9998", "49999"),
            ("holding:9999", "410000"),
            ("coil:0", "00001"),
            ("input:65535", "365536"),
        ] {
            let address = Address::parse(text).expect("the text is an address");
            assert_eq!(address.reference(), reference);
            assert_eq!(Address::parse(reference), Some(address));
        }
    }

    #[test]
    fn decimal_scaling_leaves_no_float_dust() {
        let tenth = Scaling::new(0.1, 0.0).expect("not the identity");
        assert_eq!(tenth.of_int(3), 0.3);
        assert_eq!(tenth.of_int(2_315), 231.5);
        let kelvin = Scaling::new(0.01, -273.15).expect("not the identity");
        assert_eq!(kelvin.of_int(29_315), 20.0);
        assert_eq!(Scaling::new(1.0, 0.0), None);
        let third = Scaling::new(1.0 / 3.0, 0.0).expect("not the identity");
        assert_eq!(third, Scaling::Float { scale: 1.0 / 3.0, offset: 0.0 });
        assert_eq!(
            Scaling::new(1000.0, 0.0).expect("not the identity").of_int(i128::from(u64::MAX)),
            u64::MAX as f64 * 1000.0
        );
    }
}
