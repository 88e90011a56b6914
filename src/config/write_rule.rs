//! `write = true`: the tag may be written with `cloudward write`, and within which limits. What can never be written in one
//! indivisible request is a mistake here already.

use super::Origin;
use super::modbus::{DataType, Register, Table};
use super::read::Section;
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;

/// That a tag may be written, and the limits of its value as people see it, scaled.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WriteRule {
    /// `write_min`; `None`: what its type can hold.
    pub min: Option<f64>,
    /// `write_max`.
    pub max: Option<f64>,
}

/// Registers in one request of function code 16 (Modbus Application Protocol V1.1b3, 6.12).
pub const MAX_WRITTEN_REGISTERS: u16 = 123;

/// The keys `write`, `write_min` and `write_max` of a tag at this place, if that is known.
pub(super) fn write_rule(section: &Section<'_>, placed: Option<&Origin>, has_names: bool) -> Option<WriteRule> {
    let is_writable = section.flag("write");
    let min = section.number("write_min", "write_min = 0");
    let max = section.number("write_max", "write_max = 250");
    if matches!(placed, Some(Origin::OpcUa(_))) {
        let is_asked_for = |key: &&'static str| section.has(key) && (*key != "write" || is_writable == Some(true));
        for key in ["write", "write_min", "write_max"].into_iter().filter(is_asked_for) {
            section.wrong(key, opcua_words::ONLY_READ, |t| t);
        }
        return None;
    }
    let register = placed.and_then(|origin| match origin {
        Origin::Modbus(register) => Some(*register),
        Origin::Dlt645(_) | Origin::OpcUa(_) => None,
    });
    let is_number = register.is_none_or(|register| is_number(register.data_type)) && !has_names;
    if is_writable != Some(true) || !is_number {
        for key in ["write_min", "write_max"].into_iter().filter(|key| section.has(key)) {
            section.wrong(key, words::WRITE_LIMIT_ELSEWHERE, |t| t);
        }
    }
    if is_writable != Some(true) {
        return None;
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        section.wrong("write_min", words::WRITE_LIMITS_CROSSED, |t| t.with("min", min).with("max", max));
    }
    if matches!(placed, Some(Origin::Dlt645(_))) {
        section.wrong("write", words::WRITE_OF_METER, |t| t);
    }
    let Register { address, data_type, .. } = register?;
    if !matches!(address.table, Table::Coil | Table::Holding) {
        section.wrong("write", words::WRITE_OF_INPUT, |t| t.with("found", address));
    } else if data_type.part().is_some() || is_odd_text(data_type) {
        section.wrong("write", words::WRITE_OF_PART, |t| t.with("found", data_type).with("address", address));
    } else if data_type.width() > MAX_WRITTEN_REGISTERS {
        section.wrong("write", words::WRITE_TOO_LONG, |t| {
            t.with("found", data_type).with("max", u32::from(MAX_WRITTEN_REGISTERS) * 2)
        });
    }
    Some(WriteRule { min, max })
}

fn is_number(data_type: DataType) -> bool {
    !matches!(data_type, DataType::Bool | DataType::Bit(_) | DataType::Text(_))
}

/// Its last register belongs to it by half.
fn is_odd_text(data_type: DataType) -> bool {
    matches!(data_type, DataType::Text(form) if form.length % 2 == 1)
}
