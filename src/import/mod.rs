//! Import: what other products know of a workshop, as a workshop of ours. Bytes in, [`Imported`] out; the disk is
//! somebody else's matter.
//!
//! The rule: what cannot be carried over is said, item by item, and never replaced by something similar.

mod gather;
mod kepware;
mod names;
mod neuron;
mod settle;
mod sheet;
mod telegraf;
mod write;

pub use write::{table, workshop};

use crate::config::modbus::{Address, Order, Part};
use crate::model::words::import as words;
use crate::model::{Lang, Trouble};

/// A product that we read the files of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Tags of one device, exported by KEPServerEX as CSV.
    Kepware,
    /// Groups and tags of one south device, exported by EMQX Neuron as xlsx.
    Neuron,
    /// A configuration of Telegraf with `[[inputs.modbus]]`.
    Telegraf,
}

impl Source {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Source::Kepware => "Kepware",
            Source::Neuron => "Neuron",
            Source::Telegraf => "Telegraf",
        }
    }

    /// The product whose file this is, by its content.
    pub fn detect(bytes: &[u8]) -> Option<Source> {
        if bytes.starts_with(b"PK\x03\x04") {
            return neuron::is_ours(bytes).then_some(Source::Neuron);
        }
        let text = crate::model::encoding::decode_file(bytes)?;
        if telegraf::is_ours(&text) {
            return Some(Source::Telegraf);
        }
        match kepware::is_ours(bytes) {
            true => Some(Source::Kepware),
            false => neuron::is_ours(bytes).then_some(Source::Neuron),
        }
    }
}

/// What the person at the keyboard adds to the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// Id of the device; with several devices the first part of their ids.
    pub device: Option<&'a str>,
    /// Name of the link, likewise.
    pub link: Option<&'a str>,
    /// The language of reasons that stand within others.
    pub lang: Lang,
}

/// What came out of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// Physical connections.
    pub links: Vec<Link>,
    /// Devices with their tags.
    pub devices: Vec<Device>,
    /// What the file does not say and somebody must fill in or compare.
    pub to_check: Vec<Trouble>,
    /// What could not be carried over.
    pub left_out: Vec<Trouble>,
}

impl Imported {
    /// All tags of all devices.
    pub fn tag_count(&self) -> usize {
        self.devices.iter().map(|device| device.tags.len()).sum()
    }
}

/// A link to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Key and value of what carries it; `None` where the file does not say.
    pub transport: Option<(&'static str, String)>,
    /// Further keys, their values already TOML.
    pub settings: Vec<(&'static str, String)>,
}

/// A device to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// What the file calls it, where that is no id.
    pub label: Option<String>,
    /// Index of its link.
    pub link: usize,
    /// Unit id; `None` where the file does not say.
    pub unit: Option<u8>,
    /// A byte order that the file does not say: the product's default.
    pub assumed_order: Option<Order>,
    /// What is read.
    pub tags: Vec<Tag>,
}

/// A tag to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// Line or row of the file.
    pub line: usize,
    /// Where it stands.
    pub place: Place,
    /// The word for its type.
    pub data_type: &'static str,
    /// Of a text: bytes and encoding.
    pub text: Option<(u32, &'static str)>,
    /// As the file says it.
    pub order: Option<Order>,
    /// Unit of the scaled value.
    pub unit: Option<String>,
    /// Factor.
    pub scale: Option<f64>,
    /// Added after the factor.
    pub offset: Option<f64>,
    /// Period in milliseconds.
    pub every_ms: Option<u64>,
    /// Sent when it changes.
    pub is_on_change: bool,
    /// For people.
    pub label: Option<String>,
}

impl Tag {
    fn new(name: &str, line: usize, place: Place, data_type: &'static str) -> Tag {
        Tag {
            name: name.to_owned(),
            line,
            place,
            data_type,
            text: None,
            order: None,
            unit: None,
            scale: None,
            offset: None,
            every_ms: None,
            is_on_change: false,
            label: None,
        }
    }

    /// Whether it takes more than one register, so that the order of registers matters.
    fn is_wide(&self) -> bool {
        matches!(self.data_type, "u32" | "i32" | "f32" | "bcd32" | "u64" | "i64" | "f64")
    }
}

/// Where a tag stands, and how its product counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The address as it travels.
    pub address: Address,
    /// A bit or half of it.
    pub part: Option<Part>,
    /// Written as `40001` rather than `holding:0`.
    pub counts_from_one: bool,
}

/// Reads a file of a product. Trouble tells why it is none.
pub fn import(source: Source, bytes: &[u8], wishes: Wishes<'_>) -> Result<Imported, Trouble> {
    let gathered = match source {
        Source::Kepware => kepware::read(bytes),
        Source::Neuron => neuron::read(bytes),
        Source::Telegraf => telegraf::read(bytes),
    };
    let gathered = gathered
        .map_err(|found| Trouble::new(words::NOT_THIS_SOURCE).with("source", source.name()).with("found", found))?;
    Ok(settle::settle(names::name(gathered, wishes), wishes.lang))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use proptest::prelude::*;

    /// Whatever is carried over must be a workshop of ours.
    fn check(source: Source, bytes: &[u8]) -> Option<Imported> {
        let imported = import(source, bytes, Wishes::default()).ok()?;
        let text = workshop(&imported, source).text;
        if let Err(mistakes) = Config::parse(&text) {
            panic!("{mistakes:?} in\n{text}");
        }
        Some(imported)
    }

    const SOURCES: [Source; 3] = [Source::Kepware, Source::Neuron, Source::Telegraf];

    proptest! {
        #[test]
        fn no_bytes_bring_the_readers_down(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            Source::detect(&bytes);
            for source in SOURCES {
                check(source, &bytes);
            }
        }

        #[test]
        fn whatever_stands_in_a_kepware_row_the_outcome_is_valid_and_no_row_is_lost(
            rows in proptest::collection::vec(
                ("\\PC{0,8}", "[0-9H]{0,7}[.0-9HL]{0,4}( \\[[0-9]{1,2}\\])?", "Word|Float|Boolean|String|Long|LBCD|Date|\\PC{0,4}",
                 "(R/W|RO|)", "[0-9]{0,8}", "(Linear|Square Root|None|)", "-?[0-9]{0,4}(\\.[0-9]{1,3})?"),
                1..12),
        ) {
            let head = "Tag Name,Address,Data Type,Client Access,Scan Rate,Scaling,Raw Low,Raw High,Scaled Low,Scaled High\n";
            let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let mut text = head.to_owned();
            for (name, address, kind, access, rate, scaling, low) in &rows {
                text.push_str(&format!("{},{},{},{access},{rate},{scaling},{low},1000,0,100\n", quote(name), quote(address), quote(kind)));
            }
            let imported = check(Source::Kepware, text.as_bytes()).expect("the head is right");
            let told = |code| imported.left_out.iter().filter(|trouble| trouble.code == code).count();
            let tags_gone: usize = gather::TAG_LOST.iter().map(|code| told(*code)).sum();
            let empty = rows.iter().filter(|row| row.0.trim().is_empty() && row.1.trim().is_empty() && row.2.trim().is_empty()).count();
            prop_assert!(imported.tag_count() + tags_gone + empty >= rows.len(), "{:?}", imported.left_out);
        }

        #[test]
        fn whatever_stands_in_a_neuron_address_the_outcome_is_valid(
            rows in proptest::collection::vec(
                ("\\PC{0,8}", "[0-9]{0,3}!?[0-9]{0,7}(#[BL]{1,2})?[.0-9HLDE]{0,4}", "INT16|FLOAT|BIT|STRING|UINT64|BOOL|\\PC{0,4}",
                 "-?[0-9]{0,3}(\\.[0-9]{1,2})?"),
                1..12),
        ) {
            let mut text = "group\tinterval\tname\taddress\tattribute\ttype\tdecimal\tbias\n".to_owned();
            for (name, address, kind, decimal) in &rows {
                let clean = |text: &str| text.replace(['\t', '"', '\n'], " ");
                text.push_str(&format!("g\t100\t{}\t{address}\tRead\t{}\t{decimal}\t{decimal}\n", clean(name), clean(kind)));
            }
            check(Source::Neuron, text.as_bytes()).expect("the head is right");
        }

        #[test]
        fn whatever_stands_in_a_telegraf_field_the_outcome_is_valid(
            name in "[ -~]{0,12}", controller in "(tcp|file|x)://[ -~]{0,12}", address in 0_i64..70_000, kind in "[A-Z0-9-]{0,7}|INT32|FLOAT32|STRING",
            order in "(AB|ABCD|CDAB|XY)?", slave in -1_i64..300, scale in any::<f64>(), interval in "[0-9a-z]{0,6}",
        ) {
            let q = crate::config::quoted;
            let text = format!(
                "[[inputs.modbus]]\nname = {}\ncontroller = {}\ninterval = {}\n[[inputs.modbus.request]]\nslave_id = {slave}\nbyte_order = {}\nregister = \"holding\"\nfields = [{{ address = {address}, name = {}, type = {}, scale = {scale:?} }}]\n",
                q(&name), q(&controller), q(&interval), q(&order), q(&name), q(&kind)
            ).replace("NaN", "nan");
            check(Source::Telegraf, text.as_bytes()).expect("it is TOML");
        }
    }
}
