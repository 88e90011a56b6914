//! From what a server says of a node to a reading and its stamp. Pure.

use opcua::types::{DataValue, DateTime, StatusCode, Variant};

use super::fault::{why_bad, why_uncertain};
use super::structure;
use crate::config::Tag;
use crate::config::opcua::Node;
use crate::model::{Reading, Stamp, Timestamp, Value, ValueKind, Why};
use crate::source::modbus::decode::{float, truth, whole};

/// The reading of a tag. `None` as the tag's own: a value that has no place in the kind that the workshop's file names is `wrong_type`.
pub(super) fn reading(tag: &Tag, node: &Node, data: &DataValue) -> Reading {
    let status = data.status.unwrap_or(StatusCode::Good);
    if status.is_bad() {
        return Reading::Bad(why_bad(status));
    }
    let read = match &data.value {
        None | Some(Variant::Empty) => Reading::Bad(Why::NoData),
        Some(value) => of_kind(tag, node.kind, value),
    };
    match read {
        Reading::Good(value) if status.is_uncertain() => Reading::Uncertain(value, why_uncertain(status)),
        read => read,
    }
}

/// Times and status as the server gave them.
pub(super) fn stamp(data: &DataValue) -> Stamp {
    Stamp {
        source: data.source_timestamp.as_ref().and_then(timestamp),
        server: data.server_timestamp.as_ref().and_then(timestamp),
        status: data.status.map_or(0, |status| status.bits()),
    }
}

/// How long before `now` a message was sent for the first time, both by the server's clock (Part 4, 7.26: a message that is sent again keeps
/// its time); 0 where that cannot be, or is no more than a message takes.
pub(super) fn age_ms(sent: &DateTime, now: &DateTime) -> u64 {
    /// What is sent at once may take so long.
    const AT_ONCE_MS: u64 = 1_000;
    /// No server keeps its messages longer; one that seems to has set its clock.
    const LONGEST_MS: u64 = 86_400_000;
    let age = timestamp(sent).zip(timestamp(now)).and_then(|(sent, now)| u64::try_from(now.0 - sent.0).ok());
    age.filter(|age| (AT_ONCE_MS..=LONGEST_MS).contains(age)).unwrap_or(0)
}

/// Milliseconds since 1970; `None` for the least and the greatest time, which mean that there is none (Part 6, 5.2.2.5).
pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let is_told = !time.is_null() && time.ticks() < DateTime::endtimes_ticks();
    is_told.then(|| Timestamp(time.as_chrono().timestamp_millis()))
}

fn of_kind(tag: &Tag, kind: ValueKind, value: &Variant) -> Reading {
    // A range of one element comes as an array of one.
    if let (Variant::Array(array), false) = (value, kind == ValueKind::Json)
        && let [only] = &array.values[..]
    {
        return of_kind(tag, kind, only);
    }
    match (kind, value) {
        (ValueKind::Json, value) => match json_of(value).map(|json| json.to_string()) {
            Some(text) if text.len() <= Node::MAX_JSON => Reading::Good(Value::Json(text.into())),
            Some(_) => Reading::Bad(Why::TooLong),
            None => Reading::Bad(Why::WrongType),
        },
        (ValueKind::Bool, Variant::Boolean(bit)) => truth(tag, *bit),
        (ValueKind::Int | ValueKind::Float, value) => match (value, whole_number(value)) {
            (_, Some(number)) => whole(tag, number),
            (Variant::Float(x), _) if kind == ValueKind::Float => single(tag, *x),
            (Variant::Double(x), _) if kind == ValueKind::Float => {
                float(tag.scaling.map_or(*x, |scaling| scaling.of_float(*x)))
            }
            _ => Reading::Bad(Why::WrongType),
        },
        (ValueKind::Text, value) => match text(value) {
            Some(text) if text.len() <= Node::MAX_TEXT => Reading::Good(Value::Text(text.into())),
            Some(_) => Reading::Bad(Why::TooLong),
            None => Reading::Bad(Why::WrongType),
        },
        _ => Reading::Bad(Why::WrongType),
    }
}

/// A value as it is, without a tag that says what it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain {
    /// `Double`, `Int32[4]`.
    pub type_name: String,
    /// What a tag would make of it.
    pub kind: ValueKind,
    /// For people; of something long only the beginning.
    pub text: String,
}

/// What a value is; `None` without one, and of a structure that nobody here understands.
pub(super) fn plain(value: &Variant) -> Option<Plain> {
    const LONGEST: usize = 200;
    let number = value.scalar_type_id()? as u32;
    let (name, kind) = (built_in(number)?, kind_of(number)?);
    let (type_name, kind) = match value {
        Variant::Array(array) => {
            let usual = [u32::try_from(array.values.len()).unwrap_or(u32::MAX)];
            let sizes = array.dimensions.as_deref().filter(|sizes| sizes.len() > 1).unwrap_or(&usual);
            let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
            (format!("{name}[{}]", sizes.join(",")), ValueKind::Json)
        }
        _ => (name.to_owned(), kind),
    };
    let told = match value {
        Variant::Float(x) => x.to_string(),
        Variant::Double(x) => x.to_string(),
        value => match text(value) {
            Some(text) => text,
            None => json_of(value)?.to_string(),
        },
    };
    let text = match told.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &told[..end]),
        None => told,
    };
    Some(Plain { type_name, kind, text })
}

/// The name of a built-in type by its number (Part 6, 5.1.2).
pub(super) fn built_in(number: u32) -> Option<&'static str> {
    const NAMES: [&str; 25] = [
        "Boolean",
        "SByte",
        "Byte",
        "Int16",
        "UInt16",
        "Int32",
        "UInt32",
        "Int64",
        "UInt64",
        "Float",
        "Double",
        "String",
        "DateTime",
        "Guid",
        "ByteString",
        "XmlElement",
        "NodeId",
        "ExpandedNodeId",
        "StatusCode",
        "QualifiedName",
        "LocalizedText",
        "Structure",
        "DataValue",
        "BaseDataType",
        "DiagnosticInfo",
    ];
    NAMES.get((number as usize).checked_sub(1)?).copied()
}

/// What a tag would make of a value of a built-in type, or of one of the abstract numbers (Part 3, 8.2.1 and following).
pub(super) fn kind_of(number: u32) -> Option<ValueKind> {
    const NUMBER: u32 = 26;
    const ENUMERATION: u32 = 29;
    const IMAGE: u32 = 30;
    Some(match number {
        1 => ValueKind::Bool,
        2..=9 | 27 | 28 | ENUMERATION => ValueKind::Int,
        10 | 11 | NUMBER => ValueKind::Float,
        12..=21 | IMAGE => ValueKind::Text,
        22 | 23 | 25 => ValueKind::Json,
        _ => return None,
    })
}

fn whole_number(value: &Variant) -> Option<i128> {
    Some(match value {
        Variant::SByte(n) => (*n).into(),
        Variant::Byte(n) => (*n).into(),
        Variant::Int16(n) => (*n).into(),
        Variant::UInt16(n) => (*n).into(),
        Variant::Int32(n) => (*n).into(),
        Variant::UInt32(n) => (*n).into(),
        Variant::Int64(n) => (*n).into(),
        Variant::UInt64(n) => (*n).into(),
        _ => return None,
    })
}

fn single(tag: &Tag, x: f32) -> Reading {
    match tag.scaling {
        Some(scaling) => float(scaling.of_float(x.into())),
        None if x.is_finite() => Reading::Good(Value::F32(x)),
        None => Reading::Bad(Why::NotANumber),
    }
}

/// What people would call a text. Numbers and booleans are none: a wrong `type` should be seen.
fn text(value: &Variant) -> Option<String> {
    Some(match value {
        Variant::String(text) => text.as_ref().to_owned(),
        Variant::LocalizedText(text) => text.text.as_ref().to_owned(),
        Variant::QualifiedName(name) => name.name.as_ref().to_owned(),
        Variant::XmlElement(text) => text.to_string(),
        Variant::DateTime(time) => time.to_rfc3339(),
        Variant::Guid(guid) => guid.to_string(),
        Variant::NodeId(id) => id.to_string(),
        Variant::ExpandedNodeId(id) => id.to_string(),
        Variant::ByteString(bytes) => bytes.as_base64(),
        Variant::StatusCode(status) => status.to_string(),
        _ => return None,
    })
}

/// Arrays, structures and everything else as JSON, in plain words: `[1,2]`, `{"Low":0,"High":100}`. Names of fields are those of
/// the type's definition.
fn json_of(value: &Variant) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        Variant::Empty => Json::Null,
        Variant::Boolean(bit) => (*bit).into(),
        Variant::Float(x) => serde_json::to_value(x).ok()?,
        Variant::Double(x) => serde_json::to_value(x).ok()?,
        Variant::Array(array) => return array_json(array),
        Variant::Variant(inner) => return json_of(inner),
        Variant::DataValue(inner) => return inner.value.as_ref().map_or(Some(Json::Null), json_of),
        Variant::ExtensionObject(object) => return structure::json_of(object),
        value => match (whole_number(value), text(value)) {
            (Some(number), _) => {
                i64::try_from(number).map(Json::from).or(u64::try_from(number).map(Json::from)).ok()?
            }
            (None, Some(text)) => text.into(),
            (None, None) => return None,
        },
    })
}

/// An array of several dimensions as arrays of arrays.
fn array_json(array: &opcua::types::Array) -> Option<serde_json::Value> {
    let flat = array.values.iter().map(json_of).collect::<Option<Vec<_>>>()?;
    const MOST_DIMENSIONS: usize = 16;
    if array.dimensions.as_ref().is_some_and(|dimensions| dimensions.len() > MOST_DIMENSIONS) {
        return None; // deeper than anything that reads it bears
    }
    let dimensions: Vec<usize> = array.dimensions.iter().flatten().map(|size| *size as usize).collect();
    Some(nested(flat, dimensions.get(1..).unwrap_or_default()))
}

fn nested(mut flat: Vec<serde_json::Value>, inner: &[usize]) -> serde_json::Value {
    // From the innermost dimension outward.
    for size in inner.iter().rev().filter(|size| **size > 0) {
        flat = flat.chunks(*size).map(|part| part.to_vec().into()).collect();
    }
    flat.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opcua::types::{Array, ExtensionObject, LocalizedText, Range, VariantScalarTypeId};

    #[track_caller]
    fn check(value: Variant, expected: Option<(&str, ValueKind, &str)>) {
        let found = plain(&value);
        let found = found.as_ref().map(|plain| (&*plain.type_name, plain.kind, &*plain.text));
        assert_eq!(found, expected, "{value:?}");
    }

    #[test]
    fn a_message_that_is_sent_again_is_as_old_as_its_server_says_and_no_clock_that_was_set_makes_it_older() {
        const SECOND_TICKS: i64 = 10_000_000;
        let at = |second: i64| DateTime::from(DateTime::ymd(2026, 3, 2).ticks() + second * SECOND_TICKS);
        assert_eq!(age_ms(&at(0), &at(300)), 300_000);
        for (sent, now) in [(at(300), at(300)), (at(300), at(0)), (at(0), at(86_401)), (DateTime::null(), at(0))] {
            assert_eq!(age_ms(&sent, &now), 0);
        }
    }

    #[test]
    fn a_value_says_itself_what_it_is() {
        check(Variant::Boolean(true), Some(("Boolean", ValueKind::Bool, "true")));
        check(Variant::UInt64(u64::MAX), Some(("UInt64", ValueKind::Int, "18446744073709551615")));
        check(Variant::Float(0.1), Some(("Float", ValueKind::Float, "0.1")));
        check(Variant::Double(f64::NAN), Some(("Double", ValueKind::Float, "NaN")));
        check(Variant::from("料筒"), Some(("String", ValueKind::Text, "料筒")));
        check(LocalizedText::new("zh", "运行").into(), Some(("LocalizedText", ValueKind::Text, "运行")));
        check(Variant::Empty, None);
        let array = |dimensions: Option<Vec<u32>>| Array {
            value_type: VariantScalarTypeId::Int16,
            values: (0..4).map(Variant::Int16).collect(),
            dimensions,
        };
        check(Variant::Array(Box::new(array(None))), Some(("Int16[4]", ValueKind::Json, "[0,1,2,3]")));
        check(
            Variant::Array(Box::new(array(Some(vec![2, 2])))),
            Some(("Int16[2,2]", ValueKind::Json, "[[0,1],[2,3]]")),
        );
        let range = ExtensionObject::from_message(Range { low: 0.0, high: 150.0 });
        check(range.into(), Some(("Structure", ValueKind::Json, r#"{"High":150.0,"Low":0.0}"#)));
        check(ExtensionObject::null().into(), None);
    }

    #[test]
    fn of_a_long_text_people_see_the_beginning() {
        let long = plain(&Variant::from("温".repeat(1_000))).unwrap();
        assert_eq!(long.text.chars().count(), 201);
    }
}
