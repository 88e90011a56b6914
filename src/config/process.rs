//! Machines without pieces (R19): what their counters count in, how much an hour they are rated for, and the band of a temperature within
//! which they produce.

use super::read::Section;
use super::{Counted, Role, Tag};
use crate::model::words::config as words;
use crate::model::words::indicator_config as own;

/// What counters count in where nothing else is said.
pub const PIECES: &str = "pcs";

/// Units of what is made without pieces, as people write them, and as reports show them. A counter in any other unit counts pieces.
const WITHOUT_PIECES: [(&str, &[&str]); 7] = [
    ("kg", &["kg", "千克", "公斤"]),
    ("t", &["t", "吨"]),
    ("g", &["g", "克"]),
    ("m²", &["m²", "m2", "平方米"]),
    ("m", &["m", "米"]),
    ("m³", &["m³", "m3", "立方米"]),
    ("L", &["L", "升"]),
];

/// A temperature within which a kiln or furnace works, both ends with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// From.
    pub low: f64,
    /// To.
    pub high: f64,
}

impl Band {
    /// Whether it lies within.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// `band = [780, 820]`, in the unit of the tag.
pub(super) fn band(section: &Section<'_>) -> Option<Band> {
    let pair = section.pair("band");
    let band = pair.map(|(low, high)| Band { low, high }).filter(|band| band.low < band.high);
    if band.is_none() {
        let found = if section.has("band") { section.shown("band") } else { "-".to_owned() };
        section.wrong("band", own::BAD_BAND, |t| t.with("found", found));
    }
    band
}

/// What the counters of a device count in; all of them the same.
pub(super) fn counted_in(device: &Section<'_>, tags: &[Tag]) -> &'static str {
    let counters = tags
        .iter()
        .filter(|tag| matches!(tag.role.as_deref(), Some(Role::Count(counted, _)) if *counted != Counted::Batch));
    let mut first: Option<(&Tag, &'static str)> = None;
    for tag in counters {
        let unit = unit_of(tag);
        match first {
            Some((of, known)) if known != unit => {
                let key = ["roles", "tags", "profile"].into_iter().find(|key| device.has(key)).unwrap_or("id");
                device.wrong(key, own::COUNTED_IN_TWO, |t| {
                    t.with("first", &of.name).with("unit", known).with("second", &tag.name).with("found", unit)
                });
                break;
            }
            _ => first = first.or(Some((tag, unit))),
        }
    }
    first.map_or(PIECES, |(_, unit)| unit)
}

fn unit_of(tag: &Tag) -> &'static str {
    let written = tag.unit.as_deref().unwrap_or_default().trim();
    let known = WITHOUT_PIECES.iter().find(|(_, spellings)| spellings.contains(&written));
    known.map_or(PIECES, |(unit, _)| unit)
}

/// `rated_per_hour = 850`: in the unit of the counters; it takes the place of the standard time.
pub(super) fn rated(device: &Section<'_>, tags: &[Tag]) -> Option<f64> {
    /// A thousandth is the finest that is kept; a rolling mill does not make a million tonnes an hour.
    const RANGE: std::ops::RangeInclusive<f64> = 0.001..=1e6;
    let rated = device.number("rated_per_hour", "rated_per_hour = 850")?;
    if !RANGE.contains(&rated) {
        let (found, min, max) = (device.shown("rated_per_hour"), RANGE.start(), RANGE.end());
        device
            .wrong("rated_per_hour", words::OUT_OF_RANGE, |t| t.with("found", found).with("min", min).with("max", max));
        return None;
    }
    if device.has("pri") {
        device.wrong("rated_per_hour", own::RATED_TWICE, |t| t);
    }
    let counts = |tag: &Tag| matches!(tag.role.as_deref(), Some(Role::Count(counted, _)) if *counted != Counted::Batch);
    if !tags.iter().any(counts) {
        device.wrong("rated_per_hour", own::RATED_UNCOUNTED, |t| t);
    }
    Some(rated)
}
