//! Which of the register maps that come with cloudward a device follows. Pure.
//!
//! A map is one more way to tell what was seen ([`super::guess`]): it costs the bits that name it, and saves those of every value that
//! stands where it says ([`super::overlay`]). The map that saves most is believed; it is named only where much speaks for it.

use std::sync::{Arc, LazyLock};

use super::guess::{Guess, Known, Reading, Registers, guesses};
use super::overlay::Overlay;
use super::{Area, Unit};
use crate::config::modbus::Table;
use crate::config::{Device, Tag, built_in_device, built_in_profiles};

/// What a unit says.
#[derive(Debug)]
pub struct Understood {
    /// The map that it follows, where that is clear.
    pub profile: Option<Match>,
    /// Values of each table of registers, in the order of the unit's tables.
    pub guesses: Vec<Vec<Guess>>,
}

/// A map that fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Its name; maps that fit as well follow.
    pub names: Vec<String>,
    /// Registers of it that were read as it has them, of those that are not zero.
    pub sensible: usize,
    /// All its registers that are not zero.
    pub values: usize,
}

/// A map that comes with cloudward.
struct Map {
    name: String,
    device: Arc<Device>,
}

/// All of them. Only a person who probes looks through them.
static MAPS: LazyLock<Vec<Map>> = LazyLock::new(|| {
    let named = built_in_profiles().iter().map(|(name, _)| name.clone());
    named.filter_map(|name| Some(Map { device: built_in_device(&name)?, name })).collect()
});

/// The bits that name one map among those that there are, and a device that has none.
const NAME: f64 = 8.0;

/// A map is named where it saves so many bits...
const CLEAR: f64 = 6.0;

/// ...and is used to read the registers where it saves this much.
const LIKELY: f64 = 2.0;

/// Maps that are tried; the others fit worse at first sight. Fewer where there is much to read.
const MOST: usize = 12;

/// Reads the registers of a unit, by a known map if one fits.
pub fn understand(unit: &Unit) -> Understood {
    let areas: Vec<&Area> = unit.tables.iter().filter(|area| !area.table.is_bits()).collect();
    let registers = Registers::of(&areas);
    let nothing = vec![Known::default(); areas.len()];
    let plain = registers.read(&nothing, None);
    let saved = |overlay: &Overlay, reading: &Reading| plain.bits - reading.bits - NAME - overlay.against(reading);
    let mut maps: Vec<(&Map, Overlay)> =
        MAPS.iter().filter_map(|map| Some((map, Overlay::of(&map.device.tags, &areas, 0)?))).collect();
    maps.sort_by(|a, b| b.1.at_sight.total_cmp(&a.1.at_sight));
    maps.truncate(if registers.count() > 2_000 { MOST / 4 } else { MOST });
    let mut tried: Vec<(f64, &Map, Overlay, Reading)> = maps
        .into_iter()
        .map(|(map, overlay)| {
            let reading = registers.read(&overlay.known, Some(&plain));
            (saved(&overlay, &reading), map, overlay, reading)
        })
        .collect();
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    let unknown = || Understood { profile: None, guesses: guesses(&areas, &registers, &plain, &nothing) };
    let Some((most, map, overlay, reading)) = tried.first().filter(|tried| tried.0 > LIKELY) else { return unknown() };
    // A map of numbers that are all alike fits as well where it is not.
    let elsewhere = [-2, -1, 1, 2].into_iter().filter_map(|by| Overlay::of(&map.device.tags, &areas, by));
    let there = elsewhere.map(|moved| saved(&moved, &registers.read(&moved.known, Some(&plain))));
    let clearly = most - there.fold(0.0, f64::max);
    if clearly < LIKELY {
        return unknown();
    }
    let (sensible, values) = overlay.agreement(reading);
    let as_good = tried[1..].iter().take_while(|other| other.0 > most - LIKELY).map(|other| other.1);
    let names = std::iter::once(*map).chain(as_good).map(|map| map.name.clone()).collect();
    let is_clear = clearly >= CLEAR && 10 * sensible >= 8 * values;
    let profile = is_clear.then_some(Match { names, sensible, values });
    Understood { profile, guesses: guesses(&areas, &registers, reading, &overlay.known) }
}

/// Where else to knock: at the values of each map of which a good part answers. `answers` says whether an address does.
pub fn likely_places(answers: &dyn Fn(Table, u16) -> bool) -> Vec<(Table, u16)> {
    /// Values that answer, and one of so many of a map.
    const LEAST: (usize, usize) = (4, 3);
    let mut places = Vec::new();
    for map in MAPS.iter() {
        let registers = map.device.tags.iter().filter_map(Tag::register);
        let all = registers.map(|register| (register.address.table, register.address.offset));
        let (known, unknown): (Vec<_>, Vec<_>) = all.partition(|(table, offset)| answers(*table, *offset));
        if known.len() >= LEAST.0 && LEAST.1 * known.len() >= known.len() + unknown.len() {
            places.extend(unknown);
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// Where each stretch of each map begins: table and offset.
pub(super) fn beginnings() -> impl Iterator<Item = (Table, u16)> {
    /// What is nearer is found by growing.
    const NEAR: u16 = 16;
    MAPS.iter().flat_map(|map| {
        let registers = map.device.tags.iter().filter_map(Tag::register);
        let mut places: Vec<_> = registers.map(|register| (register.address.table, register.address.offset)).collect();
        places.sort_unstable();
        let mut last = None;
        places.retain(|(table, offset)| {
            let before = last.replace((*table, *offset));
            before.is_none_or(|before| before.0 != *table || *offset > before.1.saturating_add(NEAR))
        });
        places
    })
}
