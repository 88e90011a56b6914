//! The recorder answers how things are. It looks at what it has in hand, and at the cells of the running shift in the journal; nothing
//! is changed by it, and nothing is done where nobody asks.

use tracing::debug;

use super::super::MachineGlance;
use super::super::figures;
use super::super::glance::Glance;
use super::Room;
use super::figures::cell_of;
use crate::indicator::{Cell, Flags, Period};
use crate::model::{State, Timestamp};

/// Tags that are named.
const MOST_TAGS: usize = crate::status::wire::MOST_TAGS;

impl Room {
    /// How things are now. `with_machines`: also what machines do, which takes a look into the journal for each of them.
    pub(super) fn glance(&self, with_machines: bool) -> Glance {
        let now_ms = self.clock.mono_ms();
        let (odd_tags, odd_tags_total) = self.fresh.odd_tags(now_ms, MOST_TAGS);
        let (at, _, _) = self.clock.time();
        Glance {
            at,
            trusted_by: self.clock.trusted_by(),
            persist: self.persist,
            is_held: self.hold.is_on(),
            refused: self.refused.clone(),
            held: self.journal.status(),
            in_memory: (self.unwritten.records() as u64, self.unwritten.samples()),
            losses: self.journal.losses(),
            tally: self.books.total.clone(),
            devices: self.fresh.devices(now_ms),
            odd_tags,
            odd_tags_total,
            machines: if with_machines { self.machines(at) } else { Vec::new() },
        }
    }

    fn machines(&self, at: Timestamp) -> Vec<MachineGlance> {
        let known = self.figures.running().take(crate::status::wire::MOST_DEVICES);
        known.filter_map(|(machine, engine)| self.machine(machine, engine, at)).collect()
    }

    /// A device whose tags say nothing about its state is no machine that anybody watches.
    fn machine(
        &self,
        machine: &super::super::Machine,
        engine: &crate::indicator::Engine,
        at: Timestamp,
    ) -> Option<MachineGlance> {
        let plan = &machine.plan;
        if plan.inputs.is_empty() {
            return None;
        }
        let now = engine.now().filter(|_| !plan.flags.has(Flags::NO_STATE));
        let cause = now.filter(|_| !machine.hides_causes).map(|now| now.cause.clone()).unwrap_or_default();
        let mut glance = MachineGlance {
            device: plan.device.clone(),
            state: now.map_or(State::Unknown, |now| now.state),
            since: now.map(|now| now.since),
            cause,
            shift: None,
            coverage: None,
            availability: None,
            oee: None,
            pieces: None,
            energy_kwh: None,
        };
        let Some(shift) = plan.calendar.slot(at).shift else { return Some(glance) };
        let turns = plan.calendar.turns(at, Timestamp(at.0.saturating_add(1)));
        let Some(turn) = turns.into_iter().find(|turn| turn.shift == shift) else { return Some(glance) };
        let mut cells: Vec<Cell> = match self.journal.cells(turn.start, turn.end, Some(&plan.device)) {
            Ok(rows) => rows.iter().filter_map(cell_of).collect(),
            Err(trouble) => {
                debug!(code = %trouble.code, "{trouble}"); // whoever writes tells it
                Vec::new()
            }
        };
        // A cell that is not settled yet has its newest part in the engine.
        cells.retain(|cell| !engine.open_cells().any(|open| open.start == cell.start));
        cells.extend(engine.open_cells().filter(|cell| cell.end > turn.start && cell.start < turn.end).cloned());
        let period = Period::Shift { name: shift.name.clone(), date: shift.date };
        let over = figures::Over { period, start: turn.start, end: turn.end };
        let report = figures::report(&plan.device, &over, &over.period.gather(&cells), true);
        let value = |name: &str| report.figures.get(name).and_then(|figure| figure.value);
        let amount = |name: &str| report.figures.get(name).and_then(|figure| figure.value.or(figure.num));
        glance.shift = Some((shift.name.clone(), shift.date.to_string()));
        glance.coverage = report.coverage;
        glance.availability = value("availability");
        glance.oee = value("oee");
        glance.pieces = amount("output");
        glance.energy_kwh = amount("energy");
        Some(glance)
    }
}
