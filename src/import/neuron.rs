//! Neuron: groups and tags of one south device, as EMQX Neuron (NeuronEX) exports them (xlsx; also saved as CSV).
//!
//! Source: Neuron documentation, "Modbus TCP" (address format, byte orders) and "Import and export tags". The settings of
//! the device (IP, byte order of the node) are not in the file.

use super::gather::{Entry, Gathered, put_scaling, shown};
use super::sheet::{Sheet, number};
use super::{Device, Link, Place, Tag};
use crate::config::modbus::{Address, Order, Part};
use crate::model::Trouble;
use crate::model::words::import as words;

const GROUP: &[&str] = &["group", "group name", "组", "组名称"];
const INTERVAL: &[&str] = &["interval", "间隔", "采集间隔"];
const NAME: &[&str] = &["name", "tag", "名称"];
const ADDRESS: &[&str] = &["address", "地址"];
const ATTRIBUTE: &[&str] = &["attribute", "属性"];
const TYPE: &[&str] = &["type", "类型", "数据类型"];
const DESCRIPTION: &[&str] = &["description", "描述"];
const DECIMAL: &[&str] = &["decimal", "乘系数"];
const PRECISION: &[&str] = &["precision", "精度"];
const BIAS: &[&str] = &["bias", "偏移量"];
const UNIT: &[&str] = &["unit", "单位"];

fn is_head(cells: &[String]) -> bool {
    let has = |names: &[&str]| cells.iter().any(|cell| names.contains(&cell.as_str()));
    [GROUP, NAME, ADDRESS, TYPE].into_iter().all(has)
}

/// Whether this looks like such a file.
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    Sheet::read(bytes, is_head).is_ok()
}

/// Reads such a file.
pub(super) fn read(bytes: &[u8]) -> Result<Gathered, String> {
    let sheet = Sheet::read(bytes, is_head)?;
    let mut gathered = Gathered::default();
    let known = [GROUP, INTERVAL, NAME, ADDRESS, ATTRIBUTE, TYPE, DESCRIPTION, DECIMAL, PRECISION, BIAS, UNIT].concat();
    for (column, row, found) in sheet.unknown(&known) {
        gathered.lose_setting(row.number, column, found);
    }
    let mut devices: Vec<Device> = Vec::new();
    for row in &sheet.rows {
        let cell = |names: &'static [&'static str]| sheet.cell(row, names);
        let entry = Entry { line: row.number, name: cell(NAME) };
        if entry.name.is_empty() {
            gathered
                .lose(Trouble::new(words::NO_TAG).with("line", row.number).with("found", shown(&row.cells.join(","))));
            continue;
        }
        match tag(entry, &cell, &mut gathered) {
            Ok((unit, tag)) => {
                let at = devices.iter().position(|device| device.unit == Some(unit)).unwrap_or(devices.len());
                if at == devices.len() {
                    let id = format!("unit-{unit}");
                    devices.push(Device {
                        id,
                        label: None,
                        link: 0,
                        unit: Some(unit),
                        assumed_order: None,
                        tags: Vec::new(),
                    });
                }
                devices[at].tags.push(tag);
            }
            Err(trouble) => gathered.lose(trouble),
        }
    }
    gathered.ask(Trouble::new(words::LINK_UNKNOWN));
    let silent = |tag: &Tag| tag.is_wide() && tag.order.is_none();
    if devices.iter().flat_map(|device| &device.tags).any(silent) {
        gathered.ask(Trouble::new(words::ORDER_ASSUMED).with("order", "ABCD"));
        let is_concerned = |device: &&mut Device| device.tags.iter().any(silent);
        devices.iter_mut().filter(is_concerned).for_each(|device| device.assumed_order = Some(Order::default()));
    }
    gathered.imported.links.push(Link { name: "neuron".into(), transport: None, settings: Vec::new() });
    gathered.imported.devices = devices;
    Ok(gathered)
}

type Cells<'c, 'a> = &'c dyn Fn(&'static [&'static str]) -> &'a str;

fn tag<'a>(entry: Entry<'a>, cell: Cells<'_, 'a>, gathered: &mut Gathered) -> Result<(u8, Tag), Trouble> {
    let attribute = cell(ATTRIBUTE).to_lowercase();
    let says = |word: &str, bit: u8| match attribute.parse::<u8>() {
        Ok(bits) => bits & bit != 0,
        Err(_) => attribute.contains(word),
    };
    let (is_read, is_write, is_subscribed) =
        (says("read", 1) || says("读", 1), says("write", 2) || says("写", 2), says("subscribe", 4) || says("订阅", 4));
    if says("static", 8) || says("静态", 8) {
        return Err(entry.trouble(words::TYPE_LEFT_OUT).with("found", "static").with("address", "-"));
    }
    if is_write && !is_read && !is_subscribed {
        return Err(entry.trouble(words::WRITE_ONLY));
    }
    let (unit, mut tag) = typed(entry, cell(ADDRESS), cell(TYPE), gathered)?;
    let of = |names| Some(cell(names)).filter(|text: &&str| !text.is_empty());
    let figure = |names, default: f64| match of(names) {
        None => Ok(default),
        Some(text) => number(text).ok_or_else(|| entry.trouble(words::SCALING_LEFT_OUT).with("found", shown(text))),
    };
    // Nothing and 0 both mean that there is no factor.
    let factor = Some(figure(DECIMAL, 1.0)?).filter(|factor| *factor != 0.0).unwrap_or(1.0);
    let bias = figure(BIAS, 0.0)?;
    if !put_scaling(&mut tag, factor, bias) {
        return Err(entry
            .trouble(words::SCALING_LEFT_OUT)
            .with("found", format_args!("{factor} / {bias}, {}", tag.data_type)));
    }
    if let Some(digits) = of(PRECISION).filter(|text| *text != "0") {
        gathered
            .lose(entry.trouble(words::ROUNDING_LEFT_OUT).with("found", format_args!("precision {}", shown(digits))));
    }
    if is_write {
        gathered.was_writable(entry);
    }
    match of(INTERVAL).map(str::parse) {
        None => {}
        Some(Ok(ms)) => tag.every_ms = Some(gathered.period(entry, ms)),
        Some(Err(_)) => gathered.lose_setting(entry.line, "interval", cell(INTERVAL)),
    }
    tag.is_on_change = is_subscribed;
    tag.unit = of(UNIT).map(str::to_owned);
    let words: Vec<&str> = [of(GROUP), of(DESCRIPTION)].into_iter().flatten().collect();
    tag.label = Some(words.join(" / ")).filter(|label| !label.is_empty());
    Ok((unit, tag))
}

/// `SLAVE!ADDRESS[.BIT][#ENDIAN][.LEN[H][L][D][E]]`
fn typed(entry: Entry<'_>, address: &str, kind: &str, gathered: &mut Gathered) -> Result<(u8, Tag), Trouble> {
    let bad_address = || entry.trouble(words::ADDRESS_LEFT_OUT).with("found", shown(address));
    let bad_type = || entry.trouble(words::TYPE_LEFT_OUT).with("found", shown(kind)).with("address", shown(address));
    let (slave, rest) = address.split_once('!').ok_or_else(bad_address)?;
    let unit: u8 = slave.trim().parse().map_err(|_| bad_address())?;
    let (rest, tail) = rest.split_once('.').map_or((rest, None), |(rest, tail)| (rest, Some(tail.trim())));
    let (digits, endian) = rest.split_once('#').map_or((rest, None), |(digits, endian)| (digits, Some(endian)));
    // The order may stand behind the bit too.
    let (tail, endian) = match tail.and_then(|tail| tail.split_once('#')) {
        Some((tail, endian)) => (Some(tail), Some(endian)),
        None => (tail, endian),
    };
    let is_number = digits.trim().len() == 6 && digits.trim().bytes().all(|b| b.is_ascii_digit());
    let at = Address::parse(digits).filter(|_| is_number).ok_or_else(bad_address)?;
    let place = Place { address: at, part: None, counts_from_one: true };
    let word = match kind.trim().to_ascii_uppercase().as_str() {
        "BIT" | "BOOL" => "bool",
        "INT16" => "i16",
        "UINT16" | "WORD" => "u16",
        "INT32" => "i32",
        "UINT32" | "DWORD" => "u32",
        "INT64" => "i64",
        "UINT64" => "u64",
        "FLOAT" => "f32",
        "DOUBLE" => "f64",
        "STRING" => "text",
        _ => return Err(bad_type()),
    };
    let mut tag = Tag::new(entry.name, entry.line, place, word);
    match (word, tail) {
        ("text", Some(tail)) => text(entry, &mut tag, tail, gathered)?,
        ("text", None) => return Err(bad_address()),
        ("bool", None) => {
            if !at.table.is_bits() {
                return Err(bad_type());
            }
        }
        ("bool", Some(bit)) if !at.table.is_bits() => {
            tag.place.part =
                Some(Part::parse(bit).filter(|part| matches!(part, Part::Bit(_))).ok_or_else(bad_address)?);
        }
        (_, None) if !at.table.is_bits() => {}
        _ => return Err(bad_type()),
    }
    tag.order = match endian.map(|endian| endian.trim().to_ascii_uppercase()) {
        _ if word == "text" => tag.order,
        None => None,
        Some(endian) => Some(order(word, &endian).ok_or_else(bad_address)?),
    };
    Ok((unit, tag))
}

/// The order behind `#`, as the documentation has it: `#LL` is 1, 2, 3, 4.
fn order(word: &str, endian: &str) -> Option<Order> {
    let is_16 = matches!(word, "i16" | "u16" | "bool");
    let is_32 = matches!(word, "i32" | "u32" | "f32");
    let (low_word_first, low_byte_first) = match endian {
        "L" if is_16 => (false, false),
        "B" if is_16 => (false, true),
        "LL" if is_32 => (false, false),
        "LB" if is_32 => (false, true),
        "BL" if is_32 => (true, false),
        "BB" if is_32 => (true, true),
        _ => return None,
    };
    Some(Order { low_word_first, low_byte_first })
}

fn text(entry: Entry<'_>, tag: &mut Tag, tail: &str, gathered: &mut Gathered) -> Result<(), Trouble> {
    let bad = || entry.trouble(words::ADDRESS_LEFT_OUT).with("found", format_args!(".{}", shown(tail)));
    let digits = tail.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let length: u32 = digits.parse().map_err(|_| bad())?;
    let low_byte_first = match tail[digits.len()..].to_ascii_uppercase().as_str() {
        "H" => false,
        "L" => true,
        "D" | "E" => return Err(entry.trouble(words::ONE_BYTE_TEXT).with("found", shown(tail))),
        "" => {
            gathered.ask(entry.trouble(words::TEXT_ORDER_ASSUMED).with("order", "AB"));
            false
        }
        _ => return Err(bad()),
    };
    tag.order = Some(Order { low_word_first: false, low_byte_first });
    tag.text = Some((length, "utf8"));
    Ok(())
}
