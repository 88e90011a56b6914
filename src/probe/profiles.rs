//! Which of the register maps that come with cloudward a device follows. Pure.
//!
//! A map is one more way to tell what was seen ([`super::guess`]): it costs the bits that name it, and saves those of every value that
//! stands where it says. The map that saves most is believed; it is named only where much speaks for it.

use super::guess::{Guess, Known, Told, guess};
use super::{Area, Cells, Unit};
use crate::config::modbus::{DataType, Order, Table};
use crate::config::{Config, Tag, built_in_profiles};
use crate::model::{Reading, Value};
use crate::source::modbus::decode::{Answer, decode};

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
    /// Tags that were read as the map has them, of those that are not zero.
    pub sensible: usize,
    /// All its tags that are not zero.
    pub tags: usize,
    /// So many bits cheaper than without a map.
    pub saved: f64,
}

/// The bits that name one map among those that there are, and a device that has none.
const NAME: f64 = 8.0;

/// For values of the map, one behind the other, that cannot be read.
const MISSING: f64 = 1.0;

/// For a value of the map that is zero.
const NOTHING: f64 = 0.15;

/// A stretch that answers from where a value of the map stands: few others begin there.
const BEGINS: f64 = 3.0;

/// For a value that the map does not have.
const NEW: f64 = 0.3;

/// A long number that is small is dear, unless the map says that it is long.
const SMALL: f64 = 3.5;

/// A float that stands still is dear, unless the map says that it is one.
const STANDS: f64 = 4.0;

/// A map is named where it saves so many bits...
const CLEAR: f64 = 6.0;

/// ...and is used to read the registers where it saves this much.
const LIKELY: f64 = 2.0;

/// Maps that are tried; the others fit worse at first sight.
const MOST: usize = 12;

/// Reads the registers of a unit, by a known map if one fits.
pub fn understand(unit: &Unit) -> Understood {
    let areas: Vec<&Area> = unit.tables.iter().filter(|area| !area.table.is_bits()).collect();
    let plain = guess(&areas, &vec![Known::default(); areas.len()]);
    let mut maps: Vec<Map> = built_in_profiles().iter().filter_map(|(name, _)| Map::of(name, &areas, 0)).collect();
    maps.sort_by(|a, b| b.at_sight.total_cmp(&a.at_sight));
    let read = |map: Map| {
        let told = guess(&areas, &map.known);
        (plain.bits - told.bits - NAME - map.against(&areas, &told.guesses), map, told)
    };
    let mut told: Vec<(f64, Map, Told)> = maps.into_iter().take(MOST).map(read).collect();
    told.sort_by(|a, b| b.0.total_cmp(&a.0));
    let unknown = || Understood { profile: None, guesses: plain.guesses.clone() };
    let Some((saved, map, best)) = told.first().filter(|told| told.0 > LIKELY) else { return unknown() };
    // A map of numbers that are all alike fits as well where it is not.
    let elsewhere = [-2, -1, 1, 2].into_iter().filter_map(|by| Map::of(&map.name, &areas, by));
    let by_chance = elsewhere.map(|map| read(map).0).fold(0.0, f64::max);
    let saved_there = saved - by_chance;
    if saved_there < LIKELY {
        return unknown();
    }
    let (sensible, tags) = map.agreement(&areas, &best.guesses);
    let as_good = told[1..].iter().take_while(|other| other.0 > saved - LIKELY).map(|other| other.1.name.clone());
    let names: Vec<String> = std::iter::once(map.name.clone()).chain(as_good).collect();
    let is_clear = saved_there >= CLEAR && 10 * sensible >= 8 * tags;
    let profile = is_clear.then_some(Match { names, sensible, tags, saved: saved_there });
    Understood { profile, guesses: best.guesses.clone() }
}

/// Where else to knock: at the values of each map of which a good part answers. `answers` says whether an address does.
pub fn likely_places(answers: &dyn Fn(Table, u16) -> bool) -> Vec<(Table, u16)> {
    /// Values that answer, and one of so many of a map.
    const LEAST: (usize, usize) = (4, 3);
    let mut places = Vec::new();
    for (name, _) in built_in_profiles() {
        let tags = tags_of(&name).unwrap_or_default();
        let all = tags.iter().filter_map(|tag| Some((tag.register()?.address.table, tag.register()?.address.offset)));
        let (known, unknown): (Vec<_>, Vec<_>) = all.partition(|(table, offset)| answers(*table, *offset));
        if known.len() >= LEAST.0 && LEAST.1 * known.len() >= known.len() + unknown.len() {
            places.extend(unknown);
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// A map laid over what was read.
struct Map {
    name: String,
    /// For each table of registers.
    known: Vec<Known>,
    /// Values at each address of it that are not zero: table, offset.
    filled: Vec<(Table, u16)>,
    /// Values that cannot be read.
    missing: usize,
    /// Values that are zero.
    empty: usize,
    /// Stretches of such values.
    holes: usize,
    /// Stretches that answer and begin where a value of it does.
    begins: usize,
    /// How well its numbers suit their units.
    at_sight: f64,
}

impl Map {
    /// `None` where it cannot be: most of it does not answer, or nothing stands there.
    fn of(name: &str, areas: &[&Area], moved: i32) -> Option<Map> {
        let tags = tags_of(name)?;
        let mut map = Map {
            name: name.to_owned(),
            known: vec![Known::default(); areas.len()],
            filled: Vec::new(),
            missing: 0,
            empty: 0,
            holes: 0,
            begins: 0,
            at_sight: 0.0,
        };
        let (mut all, mut is_hole) = (0, false);
        for tag in &tags {
            let Some(register) = tag.register().filter(|register| !register.address.table.is_bits()) else { continue };
            all += 1;
            let table = register.address.table;
            let place = areas.iter().position(|area| area.table == table);
            let offset = u16::try_from(i32::from(register.address.offset) + moved).ok();
            let read = place
                .zip(offset)
                .and_then(|(n, from)| Some((n, from, words(from, register.data_type, &areas[n].cells)?)));
            let Some((n, offset, now)) = read else {
                map.missing += 1;
                map.holes += usize::from(!std::mem::replace(&mut is_hole, true));
                continue;
            };
            is_hole = false;
            let is_filled = now.iter().any(|word| *word != 0);
            let is_small = match register.data_type {
                _ if !is_filled => false,
                DataType::U32 | DataType::I32 | DataType::U64 | DataType::I64 => is_small(&now, register.order),
                _ => false,
            };
            let suits =
                if is_filled { suits(tag, &decode(tag, register, &Answer::Registers(now.clone()), 0)) } else { 0.0 };
            let stands = areas[n]
                .looks
                .iter()
                .all(|look| words(offset, register.data_type, look).is_none_or(|then| then == now));
            let is_fine = matches!(register.data_type, DataType::F32 | DataType::F64) && is_filled;
            let suits = suits - if is_small { SMALL } else { 0.0 } - if is_fine && stands { STANDS } else { 0.0 };
            map.known[n].add(offset, register.data_type, register.order, suits);
            map.empty += usize::from(!is_filled);
            if is_filled {
                map.filled.push((table, offset));
                map.at_sight += 1.0 - suits;
            }
        }
        map.filled.dedup();
        let begins = |(n, area): (usize, &&Area)| {
            let is_begin = |(first, _): &&(u16, u16)| *first > 1 && map.known[n].data_type(*first).is_some();
            area.spans().iter().filter(is_begin).count()
        };
        map.begins = areas.iter().enumerate().map(begins).sum();
        let is_there = 10 * map.missing <= 7 * all && map.filled.len() >= 4;
        (is_there && map.at_sight > 0.0).then_some(map)
    }

    /// The bits of what it does not explain: values that cannot be read, and values that it does not have.
    fn against(&self, areas: &[&Area], guesses: &[Vec<Guess>]) -> f64 {
        let is_new = |n: usize, guess: &&Guess| !self.known[n].covers(guess.offset, guess.data_type.width());
        let new: usize = (0..areas.len()).map(|n| guesses[n].iter().filter(|guess| is_new(n, guess)).count()).sum();
        MISSING * self.holes as f64 + NOTHING * self.empty as f64 + NEW * new as f64 - BEGINS * self.begins as f64
    }

    /// How many values were read as it has them, of those that are not zero.
    fn agreement(&self, areas: &[&Area], guesses: &[Vec<Guess>]) -> (usize, usize) {
        let is_read = |(table, offset): &&(Table, u16)| {
            let n = areas.iter().position(|area| area.table == *table);
            let guess = n.and_then(|n| guesses[n].iter().find(|guess| guess.offset == *offset));
            let known = n.and_then(|n| self.known[n].data_type(*offset));
            guess.zip(known).is_some_and(|(guess, known)| guess.data_type.width() == known.width())
        };
        (self.filled.iter().filter(is_read).count(), self.filled.len())
    }
}

/// The tags of a map.
fn tags_of(name: &str) -> Option<Vec<Tag>> {
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"d\"\nlink = \"l\"\nprofile = \"{name}\"\n"
    );
    let config = Config::parse(&text).ok()?;
    config.devices.first().map(|device| device.tags.clone())
}

/// The registers of a value, if all of them answer.
fn words(from: u16, data_type: DataType, cells: &Cells) -> Option<Vec<u16>> {
    (from..from.checked_add(data_type.width())?).map(|at| cells.get(&at).copied()).collect()
}

/// One register would have been enough.
fn is_small(words: &[u16], order: Order) -> bool {
    let upper = if order.low_word_first { &words[1..] } else { &words[..words.len() - 1] };
    upper.iter().all(|word| *word == 0)
}

/// More bits for a number that does not suit its unit, less for one that does.
fn suits(tag: &Tag, reading: &Reading) -> f64 {
    const ABSURD: f64 = 5.0;
    let x = match reading {
        Reading::Good(Value::Text(_) | Value::Json(_) | Value::Bool(_)) => return 0.0,
        Reading::Good(value) => value.as_f64(),
        _ => None,
    };
    let Some(x) = x else { return ABSURD };
    let size = x.abs();
    let or = |is_usual: bool, usual: f64, is_possible: bool, possible: f64| match () {
        () if is_usual => usual,
        () if is_possible => possible,
        () => ABSURD,
    };
    match tag.unit.as_deref() {
        _ if x == 0.0 => 0.0,
        Some("V") if is_of_net(&tag.name) => or(is_mains(x), -4.0, (0.5..1_500.0).contains(&size), 2.5),
        Some("V") => or(is_mains(x), -2.0, (0.0..2_000.0).contains(&size), 0.0),
        Some("Hz") if &*tag.name == "freq" => or(is_net(x), -4.0, (0.0..=600.0).contains(&x), 2.5),
        Some("Hz") => or(is_net(x), -2.0, (0.0..=4_000.0).contains(&x), 0.0),
        Some("°C") => or((-30.0..=300.0).contains(&x), -0.3, (-1_000.0..=16_000.0).contains(&x), 0.5),
        Some("%") => or((0.0..=100.0).contains(&x), -0.3, (-200.0..=200.0).contains(&x), 0.5),
        Some("A") => or((0.01..=2_000.0).contains(&size), -0.3, (1e-4..=10_000.0).contains(&size), 0.5),
        Some("kW" | "kvar" | "kVA") => or((0.001..=3_000.0).contains(&size), -0.3, (1e-5..=1e5).contains(&size), 0.5),
        Some("kWh" | "kvarh" | "kVAh") => or((0.1..=1e7).contains(&x), -0.3, (1e-4..=1e9).contains(&size), 0.5),
        None if tag.name.starts_with("pf") => or(size <= 1.0, -0.8, false, 0.0),
        _ => or((1e-6..=1e10).contains(&size), 0.0, false, 0.0),
    }
}

/// The voltage of a phase or between two, which are what they are everywhere; others may be anything.
fn is_of_net(name: &str) -> bool {
    let of = ["u", "u_a", "u_b", "u_c", "u_ab", "u_bc", "u_ca", "u_ln_avg", "u_ll_avg", "u_avg"];
    of.contains(&name)
}

/// Volts of a phase, or between two.
fn is_mains(x: f64) -> bool {
    (195.0..265.0).contains(&x) || (340.0..460.0).contains(&x)
}

/// Hertz of the net.
fn is_net(x: f64) -> bool {
    (49.0..51.0).contains(&x) || (59.0..61.0).contains(&x)
}
