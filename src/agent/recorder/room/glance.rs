//! The recorder answers how things are. It looks at what it has in hand, and at the cells of the running shift in the journal; nothing
//! is changed by it, and nothing is done where nobody asks.

use std::time::{Duration, Instant};

use tracing::debug;

use super::super::figures;
use super::super::glance::Glance;
use super::super::{Machine, MachineGlance};
use super::Room;
use super::figures::cell_of;
use crate::indicator::{Cell, Engine, Flags, Period};
use crate::model::{State, Timestamp};
use crate::status::wire::MOST_DEVICES;

/// Figures of a shift serve so long: they cost a look into the journal for each machine, in the thread that writes.
const FIGURES_SERVE: Duration = Duration::from_secs(5);

impl Room {
    /// How things are now. `with_machines`: also what machines do, which takes a look into the journal for each of them.
    pub(super) fn glance(&mut self, with_machines: bool) -> Glance {
        let now_ms = self.clock.mono_ms();
        let (at, _, _) = self.clock.time();
        let machines = if with_machines { self.machines(at) } else { Vec::new() };
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
            odd_tags: self.fresh.odd_tags(now_ms),
            machines,
        }
    }

    /// A device whose tags mean nothing is no machine that anybody watches.
    fn machines(&mut self, at: Timestamp) -> Vec<MachineGlance> {
        let figures = match self.figures.glanced.take() {
            Some((made, figures)) if made.elapsed() < FIGURES_SERVE => (made, figures),
            _ => {
                let machines = self.figures.running().take(MOST_DEVICES).filter(|(it, _)| !it.plan.inputs.is_empty());
                (Instant::now(), machines.map(|(machine, engine)| self.shift_so_far(machine, engine, at)).collect())
            }
        };
        let mut machines = figures.1.clone();
        self.figures.glanced = Some(figures);
        for glance in &mut machines {
            // What a machine does is told as of now.
            let Some((machine, engine)) = self.figures.running().find(|(it, _)| it.plan.device == glance.device) else {
                continue;
            };
            let now = engine.now().filter(|_| !machine.plan.flags.has(Flags::NO_STATE));
            glance.state = now.map_or(State::Unknown, |now| now.state);
            glance.since = now.map(|now| now.since);
            glance.cause = now.filter(|_| !machine.hides_causes).map(|now| now.cause.clone()).unwrap_or_default();
        }
        machines
    }

    /// What a machine has done in the shift that is running: settled cells of the journal, and what the engine has not settled.
    pub(super) fn shift_so_far(&self, machine: &Machine, engine: &Engine, at: Timestamp) -> MachineGlance {
        let plan = &machine.plan;
        let mut glance = MachineGlance {
            device: plan.device.clone(),
            state: State::Unknown,
            since: None,
            cause: String::new(),
            shift: None,
            coverage: None,
            availability: None,
            oee: None,
            pieces: None,
            energy_kwh: None,
        };
        let Some(shift) = plan.calendar.slot(at).shift else { return glance };
        let turns = plan.calendar.turns(at, Timestamp(at.0.saturating_add(1)));
        let Some(turn) = turns.into_iter().find(|turn| turn.shift == shift) else { return glance };
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
        let over = figures::Over { period, start: turn.start, end: turn.end, known: turn.end };
        let report = figures::report(machine, &over, &over.period.gather(&cells));
        let value = |name: &str| report.figures.get(name).and_then(|figure| figure.value);
        let amount = |name: &str| report.figures.get(name).and_then(|figure| figure.value.or(figure.num));
        glance.shift = Some((shift.name.clone(), shift.date.to_string()));
        glance.coverage = report.coverage;
        glance.availability = value("availability");
        glance.oee = value("oee");
        glance.pieces = amount("output");
        glance.energy_kwh = amount("energy");
        glance
    }
}
