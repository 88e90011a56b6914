//! The memory areas of PLCs that answer Modbus: `D100`, `M10`, `X17` as they stand in the PLC's program, and the Modbus
//! addresses that their makers document for them. `holding:0` and its kin stay possible beside them.

use super::modbus::{Order, Table};

/// How one family of PLCs maps its memory to Modbus.
#[derive(Debug, PartialEq, Eq)]
pub struct Areas {
    /// The word in the configuration.
    pub id: &'static str,
    /// How 32-bit values lie in their registers unless the device says otherwise.
    pub order: Order,
    rows: &'static [Area],
}

/// One area: letters, table, first Modbus address, how many, how its numbers are written.
#[derive(Debug, PartialEq, Eq)]
struct Area(&'static str, Table, u16, u32, Numbers);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// `D100`.
    Decimal,
    /// `X17` is the sixteenth input: inputs and outputs are counted in octal.
    Octal,
    /// `X10000` and on in octal: the first expansion module.
    OctalFrom(u32),
    /// `QX3.5`: byte and bit.
    ByteAndBit,
}

impl Areas {
    /// The family with this word.
    pub fn find(id: &str) -> Option<&'static Areas> {
        ALL.iter().find(|areas| areas.id == id)
    }

    /// All words, for people.
    pub fn known() -> String {
        ALL.iter().map(|areas| areas.id).collect::<Vec<_>>().join(", ")
    }

    /// The Modbus form of `D100`: `holding:100`; what follows a dot (a bit of a register) is kept. `None` where the text
    /// is not letters and a number: it may be a Modbus address. An error where it is, but names nothing that exists.
    pub fn translate(&self, text: &str) -> Option<Result<String, ()>> {
        let text = text.trim();
        let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, number) = text.split_at(letters);
        if word.is_empty() || !number.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut rows = self.rows.iter().filter(|area| area.0.eq_ignore_ascii_case(word));
        Some(rows.find_map(|area| area.modbus(number)).ok_or(()))
    }

    /// Whether this is an address of some family: `D100`.
    pub fn is_known_to_any(text: &str) -> bool {
        ALL.iter().any(|areas| areas.translate(text).is_some_and(|found| found.is_ok()))
    }

    /// What exists, for people: `M0-M7999, X0-X1777`.
    pub fn ranges(&self) -> String {
        self.rows.iter().map(Area::range).collect::<Vec<_>>().join(", ")
    }
}

impl Area {
    fn modbus(&self, number: &str) -> Option<String> {
        let Area(_, table, first, count, numbers) = *self;
        let (head, tail) = match number.split_once('.') {
            Some((head, tail)) => (head, Some(tail)),
            None => (number, None),
        };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.to_owned());
        let (index, bit) = match numbers {
            Numbers::ByteAndBit => {
                let bit: u32 = digits(tail?)?.parse().ok().filter(|bit| *bit < 8)?;
                (digits(head)?.parse::<u32>().ok()?.checked_mul(8)? + bit, None)
            }
            Numbers::Octal => (u32::from_str_radix(&digits(head)?, 8).ok()?, tail),
            Numbers::OctalFrom(start) => (u32::from_str_radix(&digits(head)?, 8).ok()?.checked_sub(start)?, tail),
            Numbers::Decimal => (digits(head)?.parse().ok()?, tail),
        };
        let offset = u32::from(first) + Some(index).filter(|index| *index < count)?;
        let bit = bit.map(|bit| format!(".{bit}")).unwrap_or_default();
        Some(format!("{}:{offset}{bit}", table.as_str()))
    }

    fn range(&self) -> String {
        let Area(word, _, _, count, numbers) = *self;
        let last = count - 1;
        match numbers {
            Numbers::Decimal => format!("{word}0-{word}{last}"),
            Numbers::Octal => format!("{word}0-{word}{last:o}"),
            Numbers::OctalFrom(start) => format!("{word}{start:o}-{word}{:o}", start + last),
            Numbers::ByteAndBit => format!("{word}0.0-{word}{}.{}", last / 8, last % 8),
        }
    }
}

/// The second of a pair of registers is the high word, unless the communication settings of the PLC say otherwise.
const LOW_WORD_FIRST: Order = Order { low_word_first: true, low_byte_first: false };

use Numbers::{ByteAndBit, Decimal, Octal, OctalFrom};
use Table::{Coil, Discrete, Holding};

/// Where a manual gives no end, an area ends before the next one begins.
const ALL: [Areas; 4] = [
    // Inovance H5U and Easy series programming manuals, chapter on Modbus: soft element addresses.
    Areas {
        id: "inovance-h5u",
        order: LOW_WORD_FIRST,
        rows: &[
            Area("M", Coil, 0x0000, 8_000, Decimal),
            Area("B", Coil, 0x3000, 32_768, Decimal),
            Area("S", Coil, 0xE000, 4_096, Decimal),
            Area("X", Coil, 0xF800, 1_024, Octal),
            Area("Y", Coil, 0xFC00, 1_024, Octal),
            Area("D", Holding, 0x0000, 8_000, Decimal),
            Area("R", Holding, 0x3000, 32_768, Decimal),
        ],
    },
    // Inovance AM and AC (CODESYS): %MW, %QX, %IX.
    Areas {
        id: "inovance-am",
        order: LOW_WORD_FIRST,
        rows: &[
            Area("MW", Holding, 0, 65_536, Decimal),
            Area("QX", Coil, 0, 65_536, ByteAndBit),
            Area("IX", Discrete, 0, 65_536, ByteAndBit),
        ],
    },
    // Xinje XD and XL series PLC user manual, basic instructions: Modbus addresses and soft elements.
    Areas {
        id: "xinje-xd",
        order: LOW_WORD_FIRST,
        rows: &[
            Area("M", Coil, 0x0000, 20_480, Decimal),
            Area("X", Coil, 0x5000, 64, Octal),
            Area("X", Coil, 0x5100, 640, OctalFrom(0o10000)),
            Area("Y", Coil, 0x6000, 64, Octal),
            Area("Y", Coil, 0x6100, 640, OctalFrom(0o10000)),
            Area("S", Coil, 0x7000, 8_000, Decimal),
            Area("SM", Coil, 0x9000, 4_096, Decimal),
            Area("T", Coil, 0xA000, 4_096, Decimal),
            Area("C", Coil, 0xB000, 4_096, Decimal),
            Area("HM", Coil, 0xC100, 6_144, Decimal),
            Area("D", Holding, 0x0000, 20_480, Decimal),
            Area("SD", Holding, 0x7000, 4_096, Decimal),
            Area("TD", Holding, 0x8000, 4_096, Decimal),
            Area("CD", Holding, 0x9000, 4_096, Decimal),
            Area("HD", Holding, 0xA080, 6_144, Decimal),
        ],
    },
    // Xinje XC series PLC user manual, likewise.
    Areas {
        id: "xinje-xc",
        order: LOW_WORD_FIRST,
        rows: &[
            Area("M", Coil, 0x0000, 8_000, Decimal),
            Area("X", Coil, 0x4000, 1_024, Octal),
            Area("Y", Coil, 0x4800, 1_024, Octal),
            Area("D", Holding, 0x0000, 8_000, Decimal),
            Area("CD", Holding, 0x3800, 1_024, Decimal),
            Area("FD", Holding, 0x4800, 5_000, Decimal),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(areas: &str, text: &str, expected: &str) {
        let areas = Areas::find(areas).expect("the family exists");
        let found = match areas.translate(text) {
            None => "modbus".to_owned(),
            Some(Err(())) => "nothing".to_owned(),
            Some(Ok(modbus)) => modbus,
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_address_of_the_program_becomes_the_documented_modbus_address() {
        for (text, modbus) in [
            ("D100", "holding:100"),
            ("d7999", "holding:7999"),
            ("R5", "holding:12293"),
            ("R32767", "holding:45055"),
            ("M10", "coil:10"),
            ("B0", "coil:12288"),
            ("S4095", "coil:61439"),
            ("X17", "coil:63503"),
            ("Y3", "coil:64515"),
            ("Y1777", "coil:65535"),
            ("D100.3", "holding:100.3"),
        ] {
            check("inovance-h5u", text, modbus);
        }
        check("inovance-am", "MW100", "holding:100");
        check("inovance-am", "QX3.5", "coil:29");
        check("inovance-am", "ix0.7", "discrete:7");
        check("xinje-xd", "X77", "coil:20543");
        check("xinje-xd", "X10000", "coil:20736");
        check("xinje-xd", "Y11177", "coil:25471");
        check("xinje-xd", "HD0", "holding:41088");
        check("xinje-xd", "SM2", "coil:36866");
        check("xinje-xc", "Y10", "coil:18440");
        check("xinje-xc", "FD1", "holding:18433");
    }

    #[test]
    fn an_address_that_the_plc_does_not_have_is_nothing() {
        for text in ["D8000", "X8", "Y19", "Q0", "M99999999999999999999", "D1a", "X2000", "DD5"] {
            check("inovance-h5u", text, "nothing");
        }
        for text in ["QX3", "QX3.8", "QX99999.0", "QX4294967295.7"] {
            check("inovance-am", text, "nothing");
        }
        check("xinje-xd", "X100", "nothing");
        check("xinje-xd", "X11200", "nothing");
    }

    #[test]
    fn modbus_addresses_pass_as_they_are() {
        for text in ["40001", "0x10", "holding:5", "coil:0", "", "D", "一"] {
            check("inovance-h5u", text, "modbus");
        }
    }

    #[test]
    fn no_two_areas_of_a_family_share_an_address_and_none_ends_behind_the_last() {
        for areas in &ALL {
            for (index, Area(word, table, first, count, _)) in areas.rows.iter().enumerate() {
                let end = u32::from(*first) + count;
                assert!(end <= 65_536, "{} {word}", areas.id);
                let shares = areas.rows[index + 1..].iter().find(|Area(_, other, start, count, _)| {
                    other == table && u32::from(*start) < end && u32::from(*first) < u32::from(*start) + count
                });
                assert_eq!(shares, None, "{} {word}", areas.id);
            }
        }
    }
}
