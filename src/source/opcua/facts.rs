//! What is known of the values that a walk has found: attributes, units, ranges, and what their numbers mean.

use std::collections::HashMap;

use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, DataTypeId, DataValue, EUInformation, EnumValueType,
    NodeClassMask, NodeId, Range, ReadValueId, ReferenceTypeId, StatusCode, Variant,
};

use super::convert::{built_in, kind_of, plain};
use super::fault::{Fault, status_name};
use super::found::Variable;
use super::node_id::local;
use super::session::value_of;
use super::visit::Visit;
use super::walk::{EVERYTHING, Walk, attribute_of};
use crate::model::ValueKind;

/// Properties that say something of a value, rather than being one (Part 8, 5.3 and 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Facet {
    Range,
    Unit,
    EnumStrings,
    EnumValues,
    TrueState,
    FalseState,
    /// Of no use for a tag.
    Other,
}

impl Facet {
    pub(super) fn named(name: &str) -> Option<Facet> {
        Some(match name {
            "EURange" => Facet::Range,
            "EngineeringUnits" => Facet::Unit,
            "EnumStrings" => Facet::EnumStrings,
            "EnumValues" => Facet::EnumValues,
            "TrueState" => Facet::TrueState,
            "FalseState" => Facet::FalseState,
            "InstrumentRange" | "ValuePrecision" | "Definition" | "ValueAsText" => Facet::Other,
            _ => return None,
        })
    }

    pub(super) fn is_read(self) -> bool {
        self != Facet::Other
    }

    fn put(self, into: &mut Variable, value: &Variant) {
        match (self, value) {
            (Facet::Range, Variant::ExtensionObject(object)) => {
                into.range = object.inner_as::<Range>().map(|range| (range.low, range.high));
            }
            (Facet::Unit, Variant::ExtensionObject(object)) => {
                let name = object.inner_as::<EUInformation>().map(|unit| unit.display_name.text.as_ref().to_owned());
                into.unit = name.filter(|name| !name.is_empty());
            }
            (Facet::EnumStrings | Facet::EnumValues, value) => into.names = names(value),
            (Facet::TrueState, Variant::LocalizedText(text)) => into.names.push((1, text.text.as_ref().to_owned())),
            (Facet::FalseState, Variant::LocalizedText(text)) => into.names.push((0, text.text.as_ref().to_owned())),
            _ => {}
        }
    }
}

/// Names of an enumeration that are kept: more are a table of its own.
const MOST_NAMES: usize = 1_000;

/// EnumStrings count from 0; EnumValues have their numbers (Part 3, 5.8.3).
fn names(value: &Variant) -> Vec<(i64, String)> {
    let Variant::Array(array) = value else { return Vec::new() };
    let name = |(at, value): (usize, &Variant)| match value {
        Variant::LocalizedText(text) => Some((i64::try_from(at).ok()?, text.text.as_ref().to_owned())),
        Variant::ExtensionObject(object) => {
            let entry = object.inner_as::<EnumValueType>()?;
            Some((entry.value, entry.display_name.text.as_ref().to_owned()))
        }
        _ => None,
    };
    array.values.iter().take(MOST_NAMES).enumerate().filter_map(name).filter(|(_, name)| !name.is_empty()).collect()
}

/// What is known of data types, by id.
#[derive(Debug, Default)]
pub(super) struct Types {
    known: HashMap<NodeId, DataType>,
}

#[derive(Debug, Clone, Default)]
struct DataType {
    name: String,
    above: Option<NodeId>,
    names: Vec<(i64, String)>,
}

/// Steps from a data type up to a built-in one, at most: the standard itself has four.
const HIGHEST: usize = 12;

impl Types {
    /// Number of the built-in or abstract type that stands above this one.
    fn built_in(&self, id: &NodeId) -> Option<u32> {
        let lines = std::iter::successors(Some(id), |id| self.known.get(id).and_then(|known| known.above.as_ref()));
        lines.take(HIGHEST).find_map(number)
    }

    fn name(&self, id: &NodeId) -> Option<&str> {
        let own = self.known.get(id).map(|known| known.name.as_str()).filter(|name| !name.is_empty());
        own.or_else(|| number(id).and_then(built_in))
    }

    /// Asks for what is not known of these and of the types above them.
    async fn learn(&mut self, visit: &mut Visit, wanted: impl Iterator<Item = NodeId>) -> Result<(), Fault> {
        let mut wanted: Vec<NodeId> = wanted.collect();
        for _ in 0..HIGHEST {
            let mut unknown: Vec<NodeId> = Vec::new();
            for id in wanted {
                if !id.is_null() && number(&id).is_none() && !self.known.contains_key(&id) && !unknown.contains(&id) {
                    unknown.push(id);
                }
            }
            if unknown.is_empty() {
                return Ok(());
            }
            let asked: Vec<ReadValueId> = unknown.iter().map(|id| attribute_of(id, AttributeId::BrowseName)).collect();
            let read = visit.read_all(&asked).await?;
            let asked: Vec<BrowseDescription> = unknown.iter().flat_map(around).collect();
            let browsed = visit.browse(&asked, MOST_AROUND).await?;
            let mut properties = Vec::new();
            for (at, id) in unknown.iter().enumerate() {
                let name = match read.get(at).and_then(|data| data.value.as_ref()) {
                    Some(Variant::QualifiedName(name)) => name.name.as_ref().to_owned(),
                    _ => String::new(),
                };
                let place = |reference: &opcua::types::ReferenceDescription| {
                    local(&reference.node_id, &visit.session.namespaces)
                };
                let above = browsed.get(2 * at).and_then(|above| above.references.iter().find_map(place));
                for property in browsed.get(2 * at + 1).into_iter().flat_map(|below| &below.references) {
                    let facet = Facet::named(property.browse_name.name.as_ref());
                    let is_names = matches!(facet, Some(Facet::EnumStrings | Facet::EnumValues));
                    properties.extend(place(property).filter(|_| is_names).map(|property| (id.clone(), property)));
                }
                self.known.insert(id.clone(), DataType { name, above, names: Vec::new() });
            }
            let asked: Vec<ReadValueId> = properties.iter().map(|(_, property)| value_of(property.clone())).collect();
            for ((id, _), data) in properties.iter().zip(visit.read_all(&asked).await?) {
                if let (Some(known), Some(value)) = (self.known.get_mut(id), &data.value) {
                    known.names = names(value);
                }
            }
            wanted = unknown.iter().filter_map(|id| self.known.get(id)?.above.clone()).collect();
        }
        Ok(())
    }
}

/// Properties of a data type that are looked at.
const MOST_AROUND: usize = 20;

/// The type above a data type, and its properties.
fn around(id: &NodeId) -> [BrowseDescription; 2] {
    let one = |direction, reference: ReferenceTypeId, classes: NodeClassMask| BrowseDescription {
        node_id: id.clone(),
        browse_direction: direction,
        reference_type_id: reference.into(),
        include_subtypes: false,
        node_class_mask: classes.bits(),
        result_mask: EVERYTHING,
    };
    [
        one(BrowseDirection::Inverse, ReferenceTypeId::HasSubtype, NodeClassMask::DATA_TYPE),
        one(BrowseDirection::Forward, ReferenceTypeId::HasProperty, NodeClassMask::VARIABLE),
    ]
}

/// The number of a type that needs no asking: built in, or one of the abstract numbers above them.
fn number(id: &NodeId) -> Option<u32> {
    match id.identifier {
        opcua::types::Identifier::Numeric(number) if id.namespace == 0 && (1..=30).contains(&number) => Some(number),
        _ => None,
    }
}

/// What is asked of each variable.
const ATTRIBUTES: [AttributeId; 5] = [
    AttributeId::DataType,
    AttributeId::ValueRank,
    AttributeId::AccessLevel,
    AttributeId::UserAccessLevel,
    AttributeId::Value,
];

impl Walk<'_> {
    /// Reads these variables.
    pub(super) async fn read(&mut self, some: &[usize]) -> Result<(), Fault> {
        let of = |at: &usize| ATTRIBUTES.map(|attribute| attribute_of(&self.ids[*at], attribute));
        let asked: Vec<ReadValueId> = some.iter().flat_map(of).collect();
        let values = self.visit.read_all(&asked).await?;
        let data_type = |values: &[DataValue]| match values.first().and_then(|data| data.value.as_ref()) {
            Some(Variant::NodeId(id)) => Some((**id).clone()),
            _ => None,
        };
        let parts: Vec<&[DataValue]> = values.chunks(ATTRIBUTES.len()).collect();
        let data_types: Vec<Option<NodeId>> = parts.iter().map(|part| data_type(part)).collect();
        self.types.learn(self.visit, data_types.iter().flatten().cloned()).await?;
        for ((at, part), data_type) in some.iter().zip(parts).zip(data_types) {
            let Some(variable) = &mut self.found.nodes[*at].variable else { continue };
            put(variable, &self.types, data_type.as_ref(), part);
            if self.visit.costly.contains(&self.ids[*at]) {
                variable.kind = None; // a tag of it would break the connection again and again
            }
        }
        Ok(())
    }

    /// Reads what is said of variables.
    pub(super) async fn read_facets(&mut self, some: &[(usize, Facet, NodeId)]) -> Result<(), Fault> {
        let asked: Vec<ReadValueId> = some.iter().map(|(_, _, id)| value_of(id.clone())).collect();
        let values = self.visit.read_all(&asked).await?;
        for ((of, facet, _), data) in some.iter().zip(values) {
            if let (Some(variable), Some(value)) = (&mut self.found.nodes[*of].variable, &data.value) {
                facet.put(variable, value);
            }
        }
        Ok(())
    }
}

/// What the attributes say. Pure.
fn put(variable: &mut Variable, types: &Types, data_type: Option<&NodeId>, attributes: &[DataValue]) {
    let attribute = |wanted: AttributeId| {
        let at = ATTRIBUTES.iter().position(|attribute| *attribute == wanted)?;
        attributes.get(at)
    };
    let Some(data) = attribute(AttributeId::Value) else { return }; // the time was over
    let told = data.value.as_ref().and_then(plain);
    let is_array = match attribute(AttributeId::ValueRank).and_then(|data| data.value.as_ref()) {
        Some(Variant::Int32(rank)) => *rank >= 0, // Part 3, 5.6.2: below 0 a scalar, or either
        _ => false,
    };
    let by_type = data_type.and_then(|id| types.built_in(id)).and_then(kind_of);
    let name = data_type.and_then(|id| types.name(id)).filter(|name| *name != "BaseDataType");
    // A number whose type has a name of its own, an enumeration or a Duration, is called by that.
    let is_own = data_type.is_some_and(|id| number(id).is_none() || *id == DataTypeId::Enumeration);
    variable.type_name = match (&told, name) {
        (Some(plain), Some(name)) if is_own => {
            format!("{name}{}", plain.type_name.find('[').map_or("", |at| &plain.type_name[at..]))
        }
        (Some(plain), _) => plain.type_name.clone(),
        (None, Some(name)) => format!("{name}{}", if is_array { "[]" } else { "" }),
        (None, None) => String::new(),
    };
    let is_there = data.value.as_ref().is_some_and(|value| !value.is_empty());
    variable.kind = match &told {
        Some(plain) => Some(plain.kind),
        None if is_there => None, // a structure that no tag could take
        None if is_array => Some(ValueKind::Json),
        None => by_type,
    };
    if variable.names.is_empty() && variable.kind == Some(ValueKind::Int) {
        variable.names =
            data_type.and_then(|id| types.known.get(id)).map(|known| known.names.clone()).unwrap_or_default();
    }
    if data_type.is_some_and(|id| *id == DataTypeId::Duration) {
        variable.unit.get_or_insert_with(|| "ms".into()); // Part 3, 8.13
    }
    let status = data.status.unwrap_or(StatusCode::Good);
    variable.value = Some(match told {
        Some(plain) if !status.is_bad() => Ok(plain.text),
        _ if status.is_bad() => Err(status_name(status)),
        _ if is_there => Err("?".into()),
        _ => Err("null".into()),
    });
    variable.is_readable = is_readable(attribute(AttributeId::UserAccessLevel), attribute(AttributeId::AccessLevel))
        && !matches!(status, StatusCode::BadNotReadable | StatusCode::BadUserAccessDenied);
}

/// What this user may read; of servers that do not tell, what anybody may.
fn is_readable(of_user: Option<&DataValue>, of_anybody: Option<&DataValue>) -> bool {
    const CURRENT_READ: u8 = 1; // Part 3, 8.57
    let level = |data: Option<&DataValue>| match data.and_then(|data| data.value.as_ref()) {
        Some(Variant::Byte(level)) => Some(*level),
        _ => None,
    };
    level(of_user).or(level(of_anybody)).is_none_or(|level| level & CURRENT_READ != 0)
}
