//! A register map laid over what was read: what it explains, and what speaks against it. Pure.

use std::collections::BTreeSet;

use super::guess::{Known, Reading};
use super::{Area, Cells};
use crate::config::Tag;
use crate::config::modbus::{DataType, Order};
use crate::model::{self, Value};
use crate::source::modbus::decode::{Answer, decode};

/// A map, as far as its registers were read.
pub(super) struct Overlay {
    /// For each table of registers.
    pub known: Vec<Known>,
    /// How well its numbers suit their units.
    pub at_sight: f64,
    /// Where values of it are not zero: area and offset.
    filled: BTreeSet<(usize, u16)>,
    /// Values that are zero.
    empty: usize,
    /// Values, one behind the other, that cannot be read.
    holes: usize,
    /// Stretches that answer and begin where a value of it does.
    begins: usize,
}

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

impl Overlay {
    /// These tags, so many registers further on. `None` where it cannot be: most of it does not answer, or nothing stands there.
    pub fn of(tags: &[Tag], areas: &[&Area], moved: i32) -> Option<Overlay> {
        let mut overlay = Overlay {
            known: vec![Known::default(); areas.len()],
            at_sight: 0.0,
            filled: BTreeSet::new(),
            empty: 0,
            holes: 0,
            begins: 0,
        };
        let (mut all, mut missing, mut is_hole) = (0, 0, false);
        for tag in tags {
            let Some(register) = tag.register().filter(|register| !register.address.table.is_bits()) else { continue };
            all += 1;
            let area = areas.iter().position(|area| area.table == register.address.table);
            let offset = u16::try_from(i32::from(register.address.offset) + moved).ok();
            let read = area.zip(offset).and_then(|(n, at)| Some((n, at, looks(at, register.data_type, areas[n])?)));
            let Some((n, offset, looks)) = read else {
                missing += 1;
                overlay.holes += usize::from(!std::mem::replace(&mut is_hole, true));
                continue;
            };
            is_hole = false;
            if looks[0].iter().all(|word| *word == 0) {
                overlay.empty += 1;
                overlay.known[n].add(offset, register.data_type, register.order, 0.0);
                continue;
            }
            let reading = decode(tag, register, &Answer::Registers(looks[0].clone()), 0);
            let more = suits(tag, &reading) - allowance(register.data_type, register.order, &looks);
            overlay.known[n].add(offset, register.data_type, register.order, more);
            if overlay.filled.insert((n, offset)) {
                overlay.at_sight += 1.0 - more;
            }
        }
        let begins = |(n, area): (usize, &&Area)| {
            // In an endless table a stretch begins where somebody knocked.
            let is_begin = |(first, _): &&(u16, u16)| *first > 1 && !area.is_endless && overlay.known[n].has(*first);
            area.spans().iter().filter(is_begin).count()
        };
        overlay.begins = areas.iter().enumerate().map(begins).sum();
        let is_there = 10 * missing <= 7 * all && overlay.filled.len() >= 4;
        (is_there && overlay.at_sight > 0.0).then_some(overlay)
    }

    /// The bits of what it does not explain: values that cannot be read, and values that it does not have.
    pub fn against(&self, reading: &Reading) -> f64 {
        let is_new = |known: &Known, (first, last): &(u16, u16)| !known.covers(*first, last - first + 1);
        let new = |(n, known): (usize, &Known)| reading.places(n).filter(|place| is_new(known, place)).count();
        let new: usize = self.known.iter().enumerate().map(new).sum();
        MISSING * self.holes as f64 + NOTHING * self.empty as f64 + NEW * new as f64 - BEGINS * self.begins as f64
    }

    /// How many values were read as it has them, of those that are not zero.
    pub fn agreement(&self, reading: &Reading) -> (usize, usize) {
        let is_read = |(n, offset): &&(usize, u16)| reading.agrees(*n, &self.known[*n], *offset);
        (self.filled.iter().filter(is_read).count(), self.filled.len())
    }
}

/// The registers of a value at each look, if all of them answer.
fn looks(from: u16, data_type: DataType, area: &Area) -> Option<Vec<Vec<u16>>> {
    let last = from.checked_add(data_type.width() - 1)?;
    let at_look = |look: &Cells| -> Option<Vec<u16>> {
        (from..=last).map(|at| look.get(&at).or(area.cells.get(&at)).copied()).collect()
    };
    let looks: Vec<Vec<u16>> = area.looks.iter().map(at_look).collect::<Option<_>>()?;
    if looks.is_empty() { Some(vec![at_look(&area.cells)?]) } else { Some(looks) }
}

/// What a value is cheaper for that the map gives its type: without the map it would be unlikely.
fn allowance(data_type: DataType, order: Order, looks: &[Vec<u16>]) -> f64 {
    let stands = looks.len() > 1 && looks.iter().all(|look| *look == looks[0]);
    match data_type {
        DataType::U32 | DataType::I32 | DataType::U64 | DataType::I64 if is_small(&looks[0], order) => SMALL,
        DataType::F32 | DataType::F64 if stands => STANDS,
        _ => 0.0,
    }
}

/// One register would have been enough.
fn is_small(words: &[u16], order: Order) -> bool {
    let upper = if order.low_word_first { &words[1..] } else { &words[..words.len() - 1] };
    upper.iter().all(|word| *word == 0)
}

/// More bits for a number that does not suit its unit, less for one that does.
fn suits(tag: &Tag, reading: &model::Reading) -> f64 {
    const ABSURD: f64 = 5.0;
    let x = match reading {
        model::Reading::Good(Value::Text(_) | Value::Json(_) | Value::Bool(_)) => return 0.0,
        model::Reading::Good(value) => value.as_f64(),
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
