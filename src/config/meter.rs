//! Meters of DL/T 645 in the configuration: `meter = "000000000001"` of a device, `address` and `type` of its tags.

use super::dlt645::{DataId, Format, IdPart, Item, Known, MeterAddress};
use super::names::Numbers;
use super::opcua::NodeAddress;
use super::read::Section;
use super::{Link, Station, Transport};
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;

/// Keys of Modbus devices that would have no effect.
const OF_MODBUS_DEVICES: [&str; 5] = ["order", "addresses", "max_registers", "max_bits", "max_gap"];
const OF_MODBUS_TAGS: [&str; 3] = ["order", "length", "encoding"];

/// Whom to ask: the meter, or the Modbus unit.
pub(super) fn station(device: &Section<'_>, link: Option<&Link>) -> Station {
    let unit = device.integer("unit", 0..=255).and_then(|n| u8::try_from(n).ok());
    let of_modbus = Station::Unit(unit.unwrap_or(1));
    if !device.has("meter") {
        return of_modbus;
    }
    if device.has("unit") {
        device.wrong("unit", words::METER_AND_UNIT, |t| t);
    }
    refuse(device, &OF_MODBUS_DEVICES);
    if let Some(link) = link.filter(|link| !link.transport.carries_meters()) {
        device.wrong("meter", words::NO_METERS_ON_LINK, |t| t.with("link", &link.name));
    }
    let Some(text) = device.text("meter", "meter = \"000000000001\"") else { return of_modbus };
    match MeterAddress::parse(&text) {
        Some(address) => Station::Meter(address),
        None => {
            device.wrong("meter", words::BAD_METER, |t| t.with("found", &text));
            of_modbus
        }
    }
}

/// A value of a meter; `None` where something about it is unknown, and a mistake is filed.
pub(super) struct MeterTag {
    pub(super) item: Item,
    /// What the standard counts it in.
    pub(super) unit: Option<&'static str>,
    pub(super) numbers: Numbers,
}

pub(super) fn tag(section: &Section<'_>, is_scaled: bool) -> Option<MeterTag> {
    refuse(section, &OF_MODBUS_TAGS);
    let address = section.text_or_number("address", "address = \"00-01-00-00\"");
    let word = section.text("type", "type = \"bcd4.2\"");
    let own = word.as_deref().map(Format::parse);
    if let (Some(None), Some(word)) = (&own, &word) {
        section.wrong("type", words::BAD_METER_TYPE, |t| t.with("found", word).with("known", Format::WORDS));
    }
    let address = address?;
    let Some((id, part)) = DataId::parse_with_part(&address) else {
        let is_node = NodeAddress::parse(&address).is_some();
        let code = if is_node { opcua_words::ADDRESS_OF_OPCUA } else { words::BAD_DATA_ID };
        section.wrong("address", code, |t| t.with("found", &address));
        return None;
    };
    let known = Known::of(id);
    let item = match (own, &known) {
        (Some(own), _) => of_own_format(id, own?, part),
        (None, Some(known)) => known.item(part),
        (None, None) if section.has("type") => return None, // no text; that is told
        (None, None) => {
            section.wrong("type", words::UNKNOWN_DATA_ID, |t| t.with("id", id).with("known", Format::WORDS));
            return None;
        }
    };
    let Some(item) = item else {
        section.wrong("address", words::NO_SUCH_PART, |t| t.with("found", &address).with("id", id));
        return None;
    };
    if is_scaled && !matches!(item.format, Format::Number { .. } | Format::Bits { .. }) {
        section.wrong("scale", words::SCALE_ON_BOOL, |t| t.with("found", item.format));
    }
    let unit = known.and_then(|known| known.unit()).filter(|_| item.format.text_length().is_none());
    let numbers = Numbers { word: item.format.to_string(), range: item.format.range() };
    Some(MeterTag { item, unit, numbers })
}

fn of_own_format(id: DataId, format: Format, part: Option<IdPart>) -> Option<Item> {
    match (part, format) {
        (None, format) => Some(Item::of(id, format)),
        (Some(IdPart::Bit(bit)), Format::Bits { bytes }) if u32::from(bit) < 8 * u32::from(bytes) => {
            Some(Item::of(id, Format::Bit { bytes, bit }))
        }
        _ => None,
    }
}

impl Transport {
    /// Meters speak serial frames of 8 bits; whoever passes these on unseen serves too.
    pub fn carries_meters(&self) -> bool {
        match self {
            Transport::Serial(line) => !line.is_ascii,
            Transport::RtuOverTcp { .. } | Transport::RtuListen { .. } => true,
            Transport::ModbusTcp { host, .. } => host.is_empty(), // a link with a mistake, which is told
            Transport::OpcUa(_) => false,
        }
    }
}

fn refuse(section: &Section<'_>, keys: &[&'static str]) {
    for key in keys.iter().filter(|key| section.has(key)) {
        section.wrong(key, words::KEY_OF_MODBUS, |t| t);
    }
}
