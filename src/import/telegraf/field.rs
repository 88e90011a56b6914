//! One field of a Telegraf section: what goes over the wire, and the tag that it becomes.

use toml::de::DeValue;

use super::super::gather::{Entry, put_scaling, shown};
use super::super::{Place, Tag};
use super::document::{Node, integer};
use crate::config::modbus::{Address, Half, Order, Part, Table};
use crate::model::Trouble;
use crate::model::words::import as words;

/// What goes over the wire for a field.
pub(super) struct Wire<'a> {
    pub(super) table: Table,
    pub(super) first: i64,
    /// As listed, where registers are listed.
    pub(super) registers: Option<i64>,
    pub(super) kind: &'a str,
    pub(super) order: Option<&'a str>,
}

/// A field as a tag.
pub(super) fn field_tag(field: &Node<'_>, entry: Entry<'_>, wire: Wire<'_>) -> Result<Tag, Trouble> {
    let bad_address = || entry.trouble(words::ADDRESS_LEFT_OUT).with("found", wire.first);
    let offset = u16::try_from(wire.first).map_err(|_| bad_address())?;
    let address = Address { table: wire.table, offset };
    let bad_type = || entry.trouble(words::TYPE_LEFT_OUT).with("found", shown(wire.kind)).with("address", address);
    let whole = Place { address, part: None, counts_from_one: false };
    if wire.table.is_bits() {
        return Ok(Tag::new(entry.name, entry.line, whole, "bool"));
    }
    let half = |half| Some(Part::Half(half));
    let (word, part, registers) = match wire.kind {
        "BIT" => {
            let bit =
                u8::try_from(field.integer("bit").unwrap_or(0)).ok().filter(|bit| *bit < 16).ok_or_else(bad_type)?;
            ("bool", Some(Part::Bit(bit)), 1)
        }
        "INT8L" => ("i8", half(Half::Low), 1),
        "INT8H" => ("i8", half(Half::High), 1),
        "UINT8L" => ("u8", half(Half::Low), 1),
        "UINT8H" => ("u8", half(Half::High), 1),
        "INT16" => ("i16", None, 1),
        "UINT16" => ("u16", None, 1),
        "INT32" => ("i32", None, 2),
        "UINT32" => ("u32", None, 2),
        "INT64" => ("i64", None, 4),
        "UINT64" => ("u64", None, 4),
        "FLOAT16" => ("f16", None, 1),
        "FLOAT32" => ("f32", None, 2),
        "FLOAT64" => ("f64", None, 4),
        "STRING" => ("text", None, field.integer("length").or(wire.registers).unwrap_or(0)),
        _ => return Err(bad_type()),
    };
    if wire.registers.is_some_and(|listed| listed != registers) {
        return Err(bad_type());
    }
    let mut tag = Tag::new(entry.name, entry.line, Place { part, ..whole }, word);
    if let Some(order) = wire.order {
        let order =
            Order::parse(order).ok_or_else(|| entry.trouble(words::ADDRESS_LEFT_OUT).with("found", shown(order)))?;
        tag.order = Some(order).filter(|order| *order != Order::default());
    }
    if word == "text" {
        let bytes =
            u32::try_from(registers).ok().and_then(|registers| registers.checked_mul(2)).ok_or_else(bad_type)?;
        tag.text = Some((bytes, "utf8"));
    }
    let scale = field.float("scale").filter(|scale| *scale != 0.0).unwrap_or(1.0);
    if !put_scaling(&mut tag, scale, 0.0) {
        return Err(entry.trouble(words::SCALING_LEFT_OUT).with("found", scale));
    }
    Ok(tag)
}

/// A field of the style by register.
pub(super) fn of_register(field: &Node<'_>, entry: Entry<'_>, table: Table) -> Result<Tag, Trouble> {
    let listed = field.get("address").and_then(|value| match value.get_ref() {
        DeValue::Array(array) => array.iter().map(|item| integer(item.get_ref())).collect::<Option<Vec<i64>>>(),
        _ => None,
    });
    let shown_list = format!("{:?}", listed.as_deref().unwrap_or_default());
    let bad_address = || entry.trouble(words::ADDRESS_LEFT_OUT).with("found", shown(&shown_list));
    let listed = listed
        .filter(|list| list.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])))
        .ok_or_else(bad_address)?;
    let first = listed.first().copied().ok_or_else(bad_address)?;
    let kind = field.text("data_type").map_or("", |(_, kind)| kind);
    let kind = match (kind, listed.len()) {
        ("FIXED", 1) => "INT16",
        ("FIXED", 2) => "INT32",
        ("FIXED", 4) => "INT64",
        ("UFIXED" | "FLOAT32", 1) => "UINT16",
        ("UFIXED" | "FLOAT32", 2) => "UINT32",
        ("UFIXED" | "FLOAT32", 4) => "UINT64",
        ("FIXED" | "UFIXED" | "FLOAT32", _) => return Err(bad_address()),
        ("FLOAT16-IEEE", _) => "FLOAT16",
        ("FLOAT32-IEEE", _) => "FLOAT32",
        ("FLOAT64-IEEE", _) => "FLOAT64",
        (other, _) => other,
    };
    let order = field.text("byte_order").map(|(_, order)| order);
    let registers = i64::try_from(listed.len()).unwrap_or(i64::MAX);
    field_tag(field, entry, Wire { table, first, registers: Some(registers), kind, order })
}
