//! Address and type of a tag, and the keys that belong to them: what must suit each other is checked here, once.

use super::Areas;
use super::dlt645::DataId;
use super::modbus::{Address, DataType, Half, Order, Part, TextForm};
use super::opcua::NodeAddress;
use super::read::{Section, halfwidth};
use crate::model::encoding::Encoding;
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;

/// Where a tag stands and how it is read; `None` where one of them is unknown, and a mistake is filed. A value must fit
/// one request of `max_registers`.
pub(super) fn tag_type(
    section: &Section<'_>,
    is_scaled: bool,
    max_registers: u16,
    areas: Option<&Areas>,
) -> Option<(Address, DataType)> {
    let place = address(section, areas);
    let data_type = data_type(section, place);
    let (address, data_type) = (place?.0, data_type?);
    if u32::from(address.offset) + u32::from(data_type.width()) > 65_536 {
        section
            .wrong("address", words::ADDRESS_BEYOND_END, |t| t.with("found", address).with("type", data_type.as_str()));
    }
    if !address.table.is_bits() && data_type.width() > max_registers {
        section.wrong("type", words::VALUE_ABOVE_LIMIT, |t| {
            t.with("found", data_type).with("width", data_type.width()).with("max", max_registers)
        });
    }
    if is_scaled && matches!(data_type, DataType::Bool | DataType::Bit(_) | DataType::Text(_)) {
        section.wrong("scale", words::SCALE_ON_BOOL, |t| t.with("found", data_type.as_str()));
    }
    Some((address, data_type))
}

/// The key `order` of a device.
pub(super) fn order(section: &Section<'_>) -> Option<Order> {
    order_among(section, "ABCD, CDAB, BADC, DCBA")
}

/// The key `order` of a tag of this type, if that is known. For a text it says nothing but which byte of a register comes first.
pub(super) fn order_of(section: &Section<'_>, data_type: Option<DataType>) -> Option<Order> {
    const OF_BYTES: &str = "AB, BA";
    if !matches!(data_type, Some(DataType::Text(_))) {
        return order(section);
    }
    let order = order_among(section, OF_BYTES)?;
    if order.low_word_first || section.peek_text("order").is_some_and(|text| text.len() != 2) {
        let found = section.peek_text("order").unwrap_or_default();
        section.wrong("order", words::NOT_ONE_OF, |t| t.with("found", found).with("known", OF_BYTES));
    }
    Some(order)
}

fn order_among(section: &Section<'_>, known: &str) -> Option<Order> {
    let text = section.text("order", "order = \"CDAB\"")?;
    let order = Order::parse(&text);
    if order.is_none() {
        section.wrong("order", words::NOT_ONE_OF, |t| t.with("found", &text).with("known", known));
    }
    order
}

/// `40001` and its kin, or an address of the PLC such as `D100`.
fn address(section: &Section<'_>, areas: Option<&Areas>) -> Option<(Address, Option<Part>)> {
    let mut text = section.text_or_number("address", "address = \"40001\"")?;
    if let (Some(areas), Some(translated)) = (areas, areas.and_then(|areas| areas.translate(&text))) {
        let Ok(modbus) = translated else {
            let (known, areas) = (areas.ranges(), areas.id);
            section.wrong("address", words::NOT_IN_AREAS, |t| {
                t.with("found", &text).with("areas", areas).with("known", known)
            });
            return None;
        };
        text = modbus;
    }
    let parsed = Address::parse_with_part(&text);
    if parsed.is_none() {
        not_an_address(section, areas.is_some(), &text);
    }
    parsed
}

/// What was meant can often be told from what was written.
fn not_an_address(section: &Section<'_>, has_areas: bool, text: &str) {
    let plain = halfwidth(text);
    if plain != text {
        section.wrong("address", words::FULLWIDTH, |t| t.with("found", text).with("plain", plain));
    } else if !has_areas && Areas::is_known_to_any(text) {
        section.wrong("address", words::ADDRESS_OF_A_PLC, |t| t.with("found", text).with("known", Areas::known()));
    } else if text.contains(['-', ' ']) && DataId::parse_with_part(text).is_some() {
        section.wrong("address", words::ADDRESS_OF_A_METER, |t| t.with("found", text));
    } else if NodeAddress::parse(text).is_some() {
        section.wrong("address", opcua_words::ADDRESS_OF_OPCUA, |t| t.with("found", text));
    } else {
        section.wrong("address", words::BAD_ADDRESS, |t| t.with("found", text));
    }
}

/// What is meant by a type in the words of PLCs and of other programs; the manual of the device has the last word.
fn usual_word(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "boolean" | "bit" => "bool",
        "word" | "uint" | "uint16" | "ushort" => "u16",
        "int" | "int16" | "short" => "i16",
        "dword" | "udint" | "uint32" => "u32",
        "dint" | "int32" => "i32",
        "lword" | "qword" | "ulint" | "uint64" => "u64",
        "lint" | "int64" => "i64",
        "real" | "float" | "float32" | "single" => "f32",
        "lreal" | "double" | "float64" => "f64",
        "string" => "text",
        lower => return DataType::WORDS.split(", ").find(|known| *known == lower),
    })
}

/// The type as far as it can be told; where the address is unknown, only the word and its companions are checked.
fn data_type(section: &Section<'_>, place: Option<(Address, Option<Part>)>) -> Option<DataType> {
    let word = section.needed_text("type", "type = \"u16\"");
    let text = text_form(section, word.as_deref());
    let word = word?;
    let plain = DataType::ALL.into_iter().find(|data_type| data_type.as_str() == word);
    if plain.is_none() && !matches!(word.as_str(), "u8" | "i8" | "text") {
        let known = usual_word(&word).unwrap_or(DataType::WORDS);
        section.wrong("type", words::NOT_ONE_OF, |t| t.with("found", &word).with("known", known));
        return None;
    }
    let (address, part) = place?;
    if address.table.is_bits() {
        if word != "bool" {
            section.wrong("type", words::BITS_ARE_BOOL, |t| t.with("address", address).with("found", &word));
        }
        return plain;
    }
    let of_half: fn(Half) -> DataType = if word == "u8" { DataType::U8 } else { DataType::I8 };
    let misplaced = |expected: &str, part: Part| {
        let place = format!("{address}{part}");
        section.wrong("type", words::PART_OF_REGISTER, |t| {
            t.with("found", &word).with("address", place).with("expected", expected).with("whole", address)
        });
    };
    match (word.as_str(), part) {
        ("bool", Some(Part::Bit(bit))) => Some(DataType::Bit(bit)),
        ("bool", None) => {
            section.wrong("type", words::REGISTER_IS_NOT_BOOL, |t| t.with("address", address));
            None
        }
        ("u8" | "i8", Some(Part::Half(half))) => Some(of_half(half)),
        ("u8" | "i8", None) => {
            section.wrong("type", words::HALF_NOT_NAMED, |t| t.with("found", &word).with("address", address));
            None
        }
        (_, Some(part @ Part::Bit(_))) => {
            misplaced("\"bool\"", part);
            None
        }
        (_, Some(part @ Part::Half(_))) => {
            misplaced("\"u8\" / \"i8\"", part);
            None
        }
        ("text", None) => text.map(DataType::Text),
        (_, None) => plain,
    }
}

/// `length` and `encoding`, which belong to texts only.
fn text_form(section: &Section<'_>, word: Option<&str>) -> Option<TextForm> {
    let example = "length = 16";
    if word != Some("text") {
        for key in ["length", "encoding"] {
            let is_given = section.has(key);
            if let Some(found) = word.filter(|_| is_given) {
                section.wrong(key, words::KEY_OF_TEXT, |t| t.with("found", found));
            }
        }
        return None;
    }
    if !section.has("length") {
        section.wrong("length", words::MISSING_KEY, |t| t.with("example", example));
    }
    let length = section.integer("length", 1..=i64::from(TextForm::MAX_LENGTH));
    let encoding = encoding(section);
    Some(TextForm { length: length.and_then(|n| u16::try_from(n).ok())?, encoding: encoding.unwrap_or_default() })
}

fn encoding(section: &Section<'_>) -> Option<Encoding> {
    let word = section.text("encoding", "encoding = \"gbk\"")?;
    let encoding = Encoding::parse(&word);
    if encoding.is_none() {
        let known = Encoding::ALL.map(Encoding::as_str).join(", ");
        section.wrong("encoding", words::NOT_ONE_OF, |t| t.with("found", &word).with("known", known));
    }
    encoding
}
