//! What was told once and is told again: cells and state log are compared with what is stored, what people said of them stays, and what changed
//! gets a higher revision and is published anew.

use tracing::warn;

use super::super::figures;
use super::super::quarters::Told;
use super::Room;
use super::figures::{cell_of, json, row_of};
use crate::indicator::{Cell, Flags, Interval, News, replan, replan_log};
use crate::journal::IntervalRow;
use crate::model::Timestamp;

impl Room {
    /// An engine has told these anew, in the order of time, because of late data. How many cells changed.
    pub(super) fn revise(&mut self, nth: usize, intervals: Vec<Interval>, cells: Vec<Cell>) -> usize {
        let Some(running) = self.figures.machines.get(nth) else { return 0 };
        let (plan, open) = (running.machine.plan.clone(), running.engine.open_interval());
        let starts = intervals.iter().map(|it| it.start).chain(cells.iter().map(|cell| cell.start));
        let ends = intervals.iter().map(|it| it.end).chain(cells.iter().map(|cell| cell.end));
        let (Some(from), Some(to)) = (starts.min(), ends.max()) else { return 0 };
        let to = open.as_ref().map_or(to, |open| to.max(open.end));
        let stored = self.log(&plan.device, from, to);
        let planned: Vec<Interval> = stored.iter().filter_map(reclassified).collect();
        if let Some(first) = intervals.first() {
            self.journal.take_back_intervals(first.start, &plan.device);
        }
        let mut log = replan_log(intervals.clone(), &planned);
        // What is in progress stands in the log only where it takes the place of what was told.
        let covers = |open: &Interval| stored.iter().any(|row| row.start > open.start && row.start < open.end);
        log.extend(open.filter(covers));
        for row in log.iter().map(log_row).filter(|row| !stored.contains(row)) {
            self.journal.put_interval(row);
        }
        let mut changed = 0;
        for cell in cells.iter().map(|cell| replan(cell, &planned, &intervals, &plan.calendar)) {
            if self.stored_cell(&plan.device, cell.start).is_some() {
                changed += usize::from(self.put_cell(nth, cell, true));
            } else {
                self.on_figure_news(nth, vec![News::Cell(Box::new(cell))]); // told for the first time, it may end a period
            }
        }
        changed
    }

    /// An engine tells a cell. Whether it is new, or another one than was told; if it is another one, its periods are told anew.
    pub(super) fn put_cell(&mut self, nth: usize, cell: Cell, is_late: bool) -> bool {
        let device = cell.device.clone();
        let Some(stored) = self.stored_cell(&device, cell.start) else {
            let cell = self.take_missing(nth, cell);
            self.journal.put_cell(row_of(&cell));
            return true;
        };
        let Some(running) = self.figures.machines.get(nth) else { return false };
        let mut newer = cell;
        if !is_late && stored.sums.flags.has(Flags::RECLASSIFIED) {
            let calendar = running.machine.plan.calendar.clone();
            let planned: Vec<Interval> =
                self.log(&device, stored.start, stored.end).iter().filter_map(reclassified).collect();
            newer = replan(&newer, &planned, &[], &calendar);
        }
        let Some(revised) = stored.told_again(newer, is_late) else { return false };
        self.journal.put_cell(row_of(&revised));
        self.tell_again(nth, &revised);
        true
    }

    /// Late scans that are in no figure.
    pub(super) fn note_in(&mut self, nth: usize, cell: &Cell, uncounted: u32, after_freeze: u32) {
        let mut noted = cell.clone();
        if after_freeze > 0 {
            noted = noted.frozen_before(after_freeze);
            self.journal.note_in_cell(row_of(&noted));
        }
        if uncounted > 0 {
            noted = noted.without_late(uncounted);
            self.journal.put_cell(row_of(&noted));
            self.tell_again(nth, &noted);
        }
    }

    /// The periods of a cell that changed, as far as they are over.
    fn tell_again(&mut self, nth: usize, cell: &Cell) {
        let running = &self.figures.machines[nth];
        let (plan, settled_to) = (running.machine.plan.clone(), running.settled_to());
        if let Some(told) = Told::of(cell, &plan) {
            self.figures.tell_quarters(nth, told);
        }
        let is_over = |over: &figures::Over| over.known <= settled_to;
        for over in figures::periods_of(cell, &plan.calendar).into_iter().filter(is_over) {
            self.figures.report(nth, over);
        }
    }

    /// The cell of a device that starts here, be it not on the disk yet.
    pub(super) fn stored_cell(&self, device: &str, start: Timestamp) -> Option<Cell> {
        match self.journal.cells(start, Timestamp(start.0.saturating_add(1)), Some(device)) {
            Ok(rows) => rows.iter().filter(|row| row.start == start).find_map(cell_of),
            Err(trouble) => {
                warn!(code = %trouble.code, "{trouble}");
                None
            }
        }
    }

    fn log(&self, device: &str, from: Timestamp, to: Timestamp) -> Vec<IntervalRow> {
        self.journal.stored_intervals(from, to, device).unwrap_or_else(|trouble| {
            warn!(code = %trouble.code, "{trouble}");
            Vec::new()
        })
    }
}

/// The interval of a row that a person called planned.
fn reclassified(row: &IntervalRow) -> Option<Interval> {
    let interval: Interval = serde_json::from_str(&row.body).ok()?;
    interval.reclassified_by.as_ref()?;
    Some(Interval { start: row.start, end: row.end, ..interval })
}

/// The row of an interval.
pub(super) fn log_row(interval: &Interval) -> IntervalRow {
    IntervalRow {
        device: interval.device.clone(),
        start: interval.start,
        end: interval.end,
        state: interval.state.as_str().into(),
        cause: interval.cause.clone(),
        event_id: interval.event_id,
        body: json(interval),
    }
}
