//! Probe: finds out what a device says that nobody has a manual of. Pure: [`ranges`] (which addresses answer), [`guess`]
//! (what their registers may mean), [`profiles`] (whether a known map fits), [`report`] (a configuration to start from).
//! Door: [`walk`] asks, within a time and a number of requests, and only ever reads. `nodes` has what is known of OPC UA servers,
//! which say themselves what they have.

pub mod guess;
mod looks;
#[cfg(feature = "opcua")]
pub mod nodes;
mod overlay;
pub mod profiles;
pub mod ranges;
pub mod report;
mod seeds;
mod sweep;
pub mod walk;

use std::collections::BTreeMap;

use crate::config::modbus::Table;

/// Registers or bits by address.
pub type Cells = BTreeMap<u16, u16>;

/// What was found at one endpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// The lines of a `[[link]]` that reach it, but its name.
    pub link: String,
    /// Units that answer.
    pub units: Vec<Unit>,
    /// The endpoint gives the same answers whatever the unit id.
    pub ignores_unit: bool,
    /// How many requests it took.
    pub requests: u32,
    /// The walk was ended before it was through.
    pub is_partial: bool,
}

/// One unit that answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unit {
    /// Its id.
    pub id: u8,
    /// Its tables, those that answer.
    pub tables: Vec<Area>,
}

/// What one table of a unit holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// Which table.
    pub table: Table,
    /// What answers, and what was read first.
    pub cells: Cells,
    /// What was read at each look, over some seconds; only where something stands.
    pub looks: Vec<Cells>,
    /// The longest request that it answers, where it refused a longer one.
    pub longest: Option<u16>,
    /// It answers zeros (or another constant) on and on, so that not every address was asked.
    pub is_endless: bool,
}

impl Area {
    /// First and last address of each stretch that answers.
    pub fn spans(&self) -> Vec<(u16, u16)> {
        spans(&self.cells)
    }
}

/// First and last address of each stretch without a hole.
pub fn spans(cells: &Cells) -> Vec<(u16, u16)> {
    let mut spans: Vec<(u16, u16)> = Vec::new();
    for address in cells.keys() {
        match spans.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*address) => *last = *address,
            _ => spans.push((*address, *address)),
        }
    }
    spans
}

/// Stretches with something in them, and a little around: the rest of an endless table says nothing.
pub fn filled(cells: &Cells) -> Vec<(u16, u16)> {
    const AROUND: u16 = 4;
    let mut wanted = Cells::new();
    for (address, _) in cells.iter().filter(|(_, word)| **word != 0) {
        let around = address.saturating_sub(AROUND)..=address.saturating_add(AROUND);
        wanted.extend(around.filter_map(|near| cells.get(&near).map(|word| (near, *word))));
    }
    spans(&wanted)
}
