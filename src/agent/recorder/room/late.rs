//! Late scans (R11, A26): they wait until no more of them come, are put into the tape of their machine, and a copy of its engine hears the
//! tape again from before them on, some thousand scans a turn, until it has caught up and takes the place of the engine. What it tells
//! otherwise than was told is stored and published anew.
//!
//! The rule: a late scan ends in the figures, or is counted where it is missing: in its cell with the flag `late`, or, if its month is frozen,
//! beside the figures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::super::tape::Tape;
use super::Room;
use crate::indicator::{Cell, Engine, Interval, News, is_frozen};
use crate::journal::Squeezer;
use crate::model::words::figures as words;
use crate::model::{Batch, Timestamp, Trouble};

/// So long is waited for the rest of what comes together: a server hands over its queue within a second or two.
const QUIET: Duration = Duration::from_secs(5);

/// Late scans of a machine that wait: a server's queue has at most 1,000 values a tag. Beyond it they are counted as missing.
const MOST_WAITING: usize = 10_000;

/// Scans that are put into a tape or heard again in one turn: more than an hour of a machine that is asked every second. The links' channel holds what comes
/// meanwhile.
pub(super) const SCANS_A_TURN: usize = 5_000;

/// The same when the agent ends: what is not done by then is counted as missing.
pub(super) const SCANS_AT_THE_END: usize = 50_000;

/// All tapes together. About two bytes a reading with a role: half a day of fifty machines with six of them every second, a day of
/// twenty.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Cells of a machine with scans that are to be noted.
const MOST_NOTED: usize = 1_000;

/// What is missing of a machine is told so often at most.
const TELL_EVERY: Duration = Duration::from_secs(600);

/// What all machines share.
#[derive(Default)]
pub(super) struct LateWork {
    squeezer: Option<Squeezer>,
    job: Option<Job>,
}

/// What is kept of one machine.
#[derive(Default)]
pub(super) struct Lateness {
    tape: Tape,
    waiting: Vec<Batch>,
    /// When the first of them came.
    since: Option<Instant>,
    /// What is in the tape and not in the figures: from this reel on all is to be heard again.
    redo: Option<u64>,
    /// Cells of the scans that are in the tape and not in the figures, one for each.
    heard_again: Vec<Timestamp>,
    /// Scans that are in no figure, by the start of their cell.
    missing: BTreeMap<Timestamp, Missing>,
    told: Option<Instant>,
}

/// Of one cell.
#[derive(Debug, Default, Clone, Copy)]
struct Missing {
    uncounted: u32,
    after_freeze: u32,
}

/// An engine that hears everything again.
struct Job {
    nth: usize,
    engine: Engine,
    reel: u64,
    batches: std::vec::IntoIter<Batch>,
    /// It hears the last reel; what comes now is kept for it.
    is_at_end: bool,
    tail: Vec<Batch>,
    intervals: Vec<Interval>,
    cells: BTreeMap<Timestamp, Cell>,
}

impl Room {
    /// A scan with its true time goes to an engine, and onto its tape.
    pub(super) fn hear_figures(&mut self, nth: usize, batch: &Batch) {
        let Some(running) = self.figures.machines.get_mut(nth) else { return };
        let Some(essence) = running.engine.essence(batch) else { return };
        running.has_heard = true;
        let work = &mut self.figures.late;
        let ends = work.job.as_mut().filter(|job| job.nth == nth && job.is_at_end);
        let is_taped = running.machine.may_come_late;
        if is_taped && ends.is_none() {
            running.lateness.tape.wind(&running.engine, batch.mono_ms);
        }
        // All that is older than this was handed over before it, but perhaps not long before: a disk that hangs, or a clock that is not
        // trusted, keeps everything waiting.
        let news = running.engine.step(batch, batch.at);
        if news.iter().any(|news| matches!(news, News::Late { .. })) {
            self.on_late(nth, essence);
            return;
        }
        if let Some(job) = ends {
            job.tail.push(essence.clone());
        }
        if is_taped && let Some(squeezer) = work.squeezer() {
            running.lateness.tape.put(essence, squeezer);
        }
        self.on_figure_news(nth, news);
    }

    fn on_late(&mut self, nth: usize, late: Batch) {
        let now = self.clock.time().0;
        let running = &mut self.figures.machines[nth];
        let (plan, lateness) = (&running.machine.plan, &mut running.lateness);
        let slot = plan.calendar.slot(late.at);
        if is_frozen(slot.date, slot.shift.as_ref(), &plan.calendar, now) {
            lateness.miss(slot.start, Missing { after_freeze: 1, uncounted: 0 });
        } else if lateness.waiting.len() >= MOST_WAITING || !lateness.tape.reaches(&late) {
            lateness.miss(slot.start, Missing { uncounted: 1, after_freeze: 0 });
        } else {
            lateness.waiting.push(late);
            lateness.since.get_or_insert_with(Instant::now);
        }
    }

    /// Goes on with what came late, so many scans far. `is_last`: nothing is waited for.
    pub(super) fn tend_late(&mut self, mut budget: usize, is_last: bool) {
        self.figures.trim_tapes();
        while budget > 0 && (self.figures.late.job.is_some() || self.begin_job(&mut budget, is_last)) {
            budget = self.go_on_with_job(budget);
        }
        for nth in 0..self.figures.machines.len() {
            if is_last {
                self.figures.machines[nth].give_up_waiting();
            }
            self.note_missing(nth);
        }
    }

    /// The next machine that has something to be heard again; that all of it is in the tape may take some turns.
    fn begin_job(&mut self, budget: &mut usize, is_last: bool) -> bool {
        let machines = &mut self.figures.machines;
        let is_due = |lateness: &Lateness| {
            let is_quiet = is_last || lateness.since.is_some_and(|since| since.elapsed() >= QUIET);
            lateness.redo.is_some() || is_quiet && !lateness.waiting.is_empty()
        };
        let Some(nth) = machines.iter().position(|running| is_due(&running.lateness)) else { return false };
        let running = &mut machines[nth];
        let plan = running.machine.plan.clone();
        let lateness = &mut running.lateness;
        let Some(squeezer) = self.figures.late.squeezer() else { return false };
        let scans = lateness.waiting.len().min(*budget);
        *budget -= scans;
        for late in lateness.waiting.drain(..scans).collect::<Vec<_>>() {
            let cell = plan.calendar.slot(late.at).start;
            match lateness.tape.insert(late, squeezer) {
                Some(reel) => {
                    lateness.redo = Some(lateness.redo.map_or(reel, |redo| redo.min(reel)));
                    lateness.heard_again.push(cell);
                }
                None => lateness.miss(cell, Missing { uncounted: 1, after_freeze: 0 }),
            }
        }
        if !lateness.waiting.is_empty() {
            return true;
        }
        lateness.since = None;
        let Some(reel) = lateness.redo else { return true }; // none of this one; the next may have some
        let engine = lateness.tape.snapshot(reel).and_then(|snapshot| Engine::restore(plan, snapshot));
        let batches = lateness.tape.batches(reel, squeezer);
        let (Some(engine), Some(batches)) = (engine, batches) else {
            lateness.give_up(); // the memory is damaged, or the reel was the oldest and had to go
            return true;
        };
        let is_at_end = lateness.tape.behind(reel).is_none();
        let (tail, intervals, cells) = Default::default();
        let batches = batches.into_iter();
        self.figures.late.job = Some(Job { nth, engine, reel, batches, is_at_end, tail, intervals, cells });
        true
    }

    /// What is left of the budget.
    fn go_on_with_job(&mut self, mut budget: usize) -> usize {
        let work = &mut self.figures.late;
        let (Some(job), Some(squeezer)) = (work.job.as_mut(), work.squeezer.as_mut()) else { return budget };
        let Some(running) = self.figures.machines.get_mut(job.nth) else { return budget };
        let lateness = &mut running.lateness;
        while budget > 0 {
            if let Some(batch) = job.batches.next() {
                budget -= 1;
                let news = job.engine.step(&batch, batch.at);
                if job.keep(news) {
                    let cell = running.machine.plan.calendar.slot(batch.at).start;
                    lateness.miss(cell, Missing { uncounted: 1, after_freeze: 0 });
                }
                continue;
            }
            if job.is_at_end && job.tail.is_empty() {
                self.end_job();
                return budget;
            }
            if job.is_at_end {
                job.batches = std::mem::take(&mut job.tail).into_iter();
                continue;
            }
            let next = lateness.tape.behind(job.reel);
            let batches = next.and_then(|next| lateness.tape.batches(next, squeezer));
            let (Some(next), Some(batches)) = (next, batches) else {
                lateness.give_up();
                work.job = None;
                return budget;
            };
            lateness.tape.amend(next, &job.engine);
            (job.reel, job.batches) = (next, batches.into_iter());
            job.is_at_end = lateness.tape.behind(next).is_none();
        }
        budget
    }

    /// It has caught up: it is the engine from now on, and what it told takes the place of what was told.
    fn end_job(&mut self) {
        let Some(mut job) = self.figures.late.job.take() else { return };
        let (nth, now) = (job.nth, self.clock.time().0);
        if self.may_tick_figures() {
            let news = job.engine.tick(now);
            job.keep(news);
        }
        let Job { engine, intervals, cells, .. } = job;
        let running = &mut self.figures.machines[nth];
        running.lateness.redo = None;
        running.lateness.heard_again.clear();
        let before = std::mem::replace(&mut running.engine, engine);
        running.has_told = true; // what it knows goes to the disk with what it told
        let (was, is) = (before.now().map(|now| now.state), running.engine.now().cloned());
        if let Some(is) = is.filter(|is| was != Some(is.state)) {
            self.on_figure_news(nth, vec![News::State(is)]);
        }
        let changed = self.revise(nth, intervals, cells.into_values().collect());
        let device: &Arc<str> = &self.figures.machines[nth].machine.plan.device;
        info!(%device, hours = changed, "late data are in the figures");
    }

    /// Scans that are in no figure are noted in their cells, as far as those are stored.
    fn note_missing(&mut self, nth: usize) {
        let Some(running) = self.figures.machines.get_mut(nth) else { return };
        if running.lateness.missing.is_empty() {
            return;
        }
        let device = running.machine.plan.device.clone();
        let (mut uncounted, mut after_freeze, mut first) = (0_u32, 0_u32, None);
        for (start, missing) in std::mem::take(&mut running.lateness.missing) {
            first = first.or(Some(start));
            match self.stored_cell(&device, start) {
                Some(cell) => self.note_in(nth, &cell, missing.uncounted, missing.after_freeze),
                // It is not told yet: then it is noted when it is.
                None => {
                    let running = &mut self.figures.machines[nth];
                    if running.engine.open_cells().any(|cell| cell.start == start) {
                        running.lateness.missing.insert(start, missing);
                        continue;
                    }
                }
            }
            uncounted = uncounted.saturating_add(missing.uncounted);
            after_freeze = after_freeze.saturating_add(missing.after_freeze);
        }
        let lateness = &mut self.figures.machines[nth].lateness;
        let Some(first) = first.filter(|_| uncounted > 0 || after_freeze > 0) else { return };
        if lateness.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        lateness.told = Some(Instant::now());
        for (scans, code) in [(uncounted, words::LATE_UNCOUNTED), (after_freeze, words::LATE_AFTER_FREEZE)] {
            if scans > 0 {
                let trouble = Trouble::new(code).with("device", &device).with("scans", scans);
                let trouble = trouble.with("hour", jiff::Timestamp::from_millisecond(first.0).unwrap_or_default());
                warn!(code = %trouble.code, "{trouble}");
            }
        }
    }

    /// A cell that is told for the first time: what was missing of it until then.
    pub(super) fn take_missing(&mut self, nth: usize, cell: Cell) -> Cell {
        let running = self.figures.machines.get_mut(nth);
        match running.and_then(|running| running.lateness.missing.remove(&cell.start)) {
            Some(missing) => Cell { revision: cell.revision, ..cell.without_late(missing.uncounted) },
            None => cell,
        }
    }
}

impl LateWork {
    /// A configuration is in force: places of machines have moved. What was begun is begun again.
    pub(super) fn forget_job(&mut self) {
        self.job = None;
    }

    /// Without memory for it there are no tapes, and late scans are counted as missing.
    fn squeezer(&mut self) -> Option<&mut Squeezer> {
        if self.squeezer.is_none() {
            self.squeezer = Squeezer::new().ok();
        }
        self.squeezer.as_mut()
    }

    fn is_at_work_on(&self, nth: usize) -> bool {
        self.job.as_ref().is_some_and(|job| job.nth == nth)
    }
}

impl Lateness {
    /// The machine means something else now: nothing can be heard again as it was. What waits is missing.
    pub(super) fn without_tape(mut self, cell_of: impl Fn(Timestamp) -> Timestamp) -> Lateness {
        for batch in std::mem::take(&mut self.waiting) {
            self.miss(cell_of(batch.at), Missing { uncounted: 1, after_freeze: 0 });
        }
        self.give_up();
        Lateness { missing: self.missing, told: self.told, ..Lateness::default() }
    }

    /// What was to be heard again cannot be.
    fn give_up(&mut self) {
        self.redo = None;
        for cell in std::mem::take(&mut self.heard_again) {
            self.miss(cell, Missing { uncounted: 1, after_freeze: 0 });
        }
    }

    fn miss(&mut self, cell: Timestamp, more: Missing) {
        let missing = self.missing.entry(cell).or_default();
        missing.uncounted = missing.uncounted.saturating_add(more.uncounted);
        missing.after_freeze = missing.after_freeze.saturating_add(more.after_freeze);
        while self.missing.len() > MOST_NOTED {
            self.missing.pop_first();
        }
    }
}

impl super::figures::Running {
    fn give_up_waiting(&mut self) {
        let calendar = self.machine.plan.calendar.clone();
        for batch in std::mem::take(&mut self.lateness.waiting) {
            self.lateness.miss(calendar.slot(batch.at).start, Missing { uncounted: 1, after_freeze: 0 });
        }
        self.lateness.give_up();
    }
}

impl super::figures::Figures {
    /// Of all tapes the oldest hours go, so that all together stay within the limit.
    fn trim_tapes(&mut self) {
        let mut bytes: usize = self.machines.iter().map(|running| running.lateness.tape.bytes()).sum();
        while bytes > MOST_BYTES {
            let work = &self.late;
            let of = self.machines.iter().enumerate().filter(|(nth, _)| !work.is_at_work_on(*nth));
            let oldest = of.filter_map(|(nth, running)| Some((running.lateness.tape.oldest_ms()?, nth))).min();
            let Some((_, nth)) = oldest else { return };
            let tape = &mut self.machines[nth].lateness.tape;
            bytes -= tape.bytes();
            tape.drop_oldest();
            bytes += tape.bytes();
        }
    }
}

impl Job {
    /// Keeps what is told; whether something came too late even so.
    fn keep(&mut self, news: Vec<News>) -> bool {
        let mut is_late = false;
        for news in news {
            match news {
                News::Interval(interval) => self.intervals.push(interval),
                News::Cell(cell) => _ = self.cells.insert(cell.start, *cell),
                News::Late { .. } => is_late = true,
                News::State(_) | News::Counter { .. } | News::ClockStep { .. } => {}
            }
        }
        is_late
    }
}

#[cfg(test)]
mod tests;
