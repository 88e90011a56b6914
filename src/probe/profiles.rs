//! Whether a register map that comes with cloudward fits what a device says. Pure. A map is only named where much speaks for
//! it and nothing of weight against it.

use super::Unit;
use crate::config::{BUILT_IN_PROFILES, Config, Tag};
use crate::model::{Reading, Value};
use crate::source::modbus::decode::{Answer, decode};

/// A map that fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Its name; maps with the same registers follow in the order of the folder.
    pub names: Vec<&'static str>,
    /// Tags that make sense, of those that it has.
    pub sensible: usize,
    /// All its tags.
    pub tags: usize,
}

/// The map that fits clearly better than all others.
pub fn best(unit: &Unit) -> Option<Match> {
    let mut scores: Vec<(f64, Match)> = BUILT_IN_PROFILES
        .iter()
        .filter_map(|(name, _)| {
            let tags = tags_of(name)?;
            let (score, sensible) = score(unit, &tags)?;
            Some((score, Match { names: vec![name], sensible, tags: tags.len() }))
        })
        .collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut scores = scores.into_iter();
    let (top, mut best) = scores.next()?;
    let (equals, others): (Vec<_>, Vec<_>) = scores.partition(|(score, _)| *score == top);
    best.names.extend(equals.into_iter().flat_map(|(_, equal)| equal.names));
    others.first().is_none_or(|(second, _)| *second < 0.8 * top).then_some(best)
}

/// The tags of a map.
fn tags_of(name: &str) -> Option<Vec<Tag>> {
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"d\"\nlink = \"l\"\nprofile = \"{name}\"\n"
    );
    let config = Config::parse(&text).ok()?;
    config.devices.first().map(|device| device.tags.clone())
}

/// Points of a map, and how many of its tags make sense; `None` where it does not fit.
fn score(unit: &Unit, tags: &[Tag]) -> Option<(f64, usize)> {
    let (mut points, mut sensible, mut strong, mut read) = (0.0, 0, 0, 0);
    for tag in tags {
        let Some(reading) = reading(unit, tag) else {
            points -= 1.0;
            continue;
        };
        read += 1;
        match (plausible(tag, &reading), is_strong(tag)) {
            (Some(true), true) => {
                (sensible, strong, points) = (sensible + 1, strong + 1, points + 3.0);
            }
            (Some(true), false) => (sensible, points) = (sensible + 1, points + 1.0),
            (Some(false), is_strong) => points -= if is_strong { 4.0 } else { 1.0 },
            (None, _) => {}
        }
    }
    // Volts and hertz where the map has them: without these anything could be anything.
    (strong >= 3 && points > 0.0 && 10 * read >= 7 * tags.len() && 10 * sensible >= 7 * read)
        .then_some((points, sensible))
}

fn reading(unit: &Unit, tag: &Tag) -> Option<Reading> {
    let register = tag.register()?;
    let area = unit.tables.iter().find(|area| area.table == register.address.table)?;
    let from = register.address.offset;
    let words = (from..from.checked_add(register.data_type.width())?).map(|at| area.cells.get(&at).copied());
    let words: Vec<u16> = words.collect::<Option<_>>()?;
    let answer = if register.address.table.is_bits() {
        Answer::Bits(words.iter().map(|word| *word != 0).collect())
    } else {
        Answer::Registers(words)
    };
    Some(decode(tag, register, &answer, 0))
}

/// Few numbers are volts or hertz by chance.
fn is_strong(tag: &Tag) -> bool {
    matches!(tag.unit.as_deref(), Some("V" | "Hz"))
}

/// Whether the reading suits its unit; `None` where that says nothing.
fn plausible(tag: &Tag, reading: &Reading) -> Option<bool> {
    let Reading::Good(value) = reading else { return Some(false) };
    let x = match value {
        Value::Text(_) | Value::Json(_) | Value::Bool(_) => return None,
        value => value.as_f64()?,
    };
    let size = x.abs();
    let is_sized = x == 0.0 || (1e-4..1e9).contains(&size);
    match tag.unit.as_deref() {
        Some("V") => Some((90.0..=500.0).contains(&x)),
        Some("Hz") => Some((45.0..=65.0).contains(&x)),
        Some("A") => Some(is_sized && (0.0..=6_000.0).contains(&x)),
        Some("kW" | "kvar" | "kVA") => Some(is_sized && size <= 10_000.0),
        Some("kWh") => Some(is_sized && x >= 0.0),
        None if &*tag.name == "pf" => Some(size <= 1.0),
        _ => None,
    }
}
