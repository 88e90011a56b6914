//! The recorder keeps the figures: it steps the engine of each machine with every scan, before report on change, publishes what the
//! machines do and what a period came to, and hands cells, state log and snapshots to the journal, which stores them in the
//! transaction that stores the events of that turn.
//!
//! The rule: engines hear times that are trusted or corrected, and nothing else; scans of an untrusted clock wait here until
//! it is trusted.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::super::figures::{self, Over};
use super::super::quarters::{self, Told};
use super::super::{Machine, MachineGlance};
use super::late::{LateWork, Lateness, SCANS_AT_THE_END};
use super::revise::log_row;
use super::{Room, now};
use crate::indicator::{Cell, Engine, Flags, News};
use crate::journal::{FigureRow, Journal, SnapshotRow};
use crate::model::words::evidence as words;
use crate::model::{Batch, BootId, ClockMark, Event, State, StateReport, Timestamp, Trouble};

/// A snapshot goes with a commit that is written anyway if the one before is so old.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(10);

/// And for its own sake if it is so old. A crash takes at most so much from what an engine has heard since its last state: counters
/// go on behind it, and states are unknown as far as `stale_after` does not bridge it.
const SNAPSHOT_AT_LEAST: Duration = Duration::from_secs(30);

/// The same of a device without roles, of which only the link is watched.
const SNAPSHOT_SELDOM: Duration = Duration::from_secs(600);

/// Places for samples of an untrusted clock, about 32 bytes each: an hour of fifty machines of ten tags each second, in 60 MB at
/// worst. Beyond it the oldest are given up, and are a gap in the figures; the samples themselves are in the journal.
const MOST_WAITING: usize = 2_000_000;

/// Reports of periods that wait to be published, at some 100 bytes each: fifty machines whose agent was off for half a year. Beyond it they are
/// counted and told; the figures themselves are in the journal.
const MOST_REPORTS: usize = 20_000;

/// Reports in one turn: each reads the cells of its period, a month at worst.
pub(super) const REPORTS_A_TURN: usize = 100;

/// A recorder that looked into its channel no sooner was hung up by its disk: links wait with what they heard meanwhile ...
const HUNG: Duration = Duration::from_secs(10);

/// ... and have so long to hand it over, until silence is taken for silence again.
const CATCHING_UP: Duration = Duration::from_secs(10);

/// The engines.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) machines: Vec<Running>,
    pub(super) late: LateWork,
    /// Which of them listen to the scans of a device.
    listeners: HashMap<Arc<str>, Vec<usize>>,
    /// Scans whose time nobody knows yet.
    waiting: VecDeque<Batch>,
    waiting_samples: usize,
    /// What was told of shifts that run, when somebody asked last.
    pub(super) glanced: Option<(Instant, Vec<MachineGlance>)>,
    /// What is to be published.
    reports: Vec<(usize, Over)>,
    /// Cells whose quarters of an hour are to be published.
    quarters: Vec<(usize, Told)>,
    /// Reports for which there was no room.
    untold: u64,
    /// The last look into the channel.
    looked: Option<Instant>,
    catching_up: Option<Instant>,
}

/// An engine at work.
pub(super) struct Running {
    pub(super) machine: Machine,
    pub(super) engine: Engine,
    pub(super) lateness: Lateness,
    /// When its last snapshot was handed over.
    kept: Instant,
    /// Something was told that must not be told again after a crash.
    pub(super) has_told: bool,
    /// It has heard something since its last snapshot.
    pub(super) has_heard: bool,
    /// The end of the last cell that was settled.
    settled_to: Timestamp,
}

impl Room {
    /// A configuration is in force: engines go on from where they are, or from their last snapshots.
    pub(super) fn follow(&mut self, boot: BootId, machines: Vec<Machine>) {
        self.take_heard(); // by what was in force until now
        self.publish_figures(usize::MAX);
        let mut before: HashMap<Arc<str>, Running> = std::mem::take(&mut self.figures.machines)
            .into_iter()
            .map(|running| (running.machine.plan.device.clone(), running))
            .collect();
        self.figures.late.forget_job();
        let mut running = Vec::new();
        for machine in machines {
            let device = machine.plan.device.clone();
            let old = before.remove(&device);
            let snapshot = match &old {
                Some(old) => Some(old.engine.snapshot()),
                None => match self.journal.snapshot(&device) {
                    Ok(row) => row.map(|row| row.body),
                    Err(trouble) => {
                        warn!(code = %trouble.code, "{trouble}");
                        None
                    }
                },
            };
            let restored = snapshot.and_then(|bytes| Engine::restore(machine.plan.clone(), &bytes));
            let mut engine = restored.unwrap_or_else(|| Engine::new(machine.plan.clone()));
            engine.boot(boot);
            let settled_to = old.as_ref().map_or(Timestamp(i64::MIN), |old| old.settled_to);
            let lateness = old.map(|old| old.lateness_under(&machine)).unwrap_or_default();
            let (has_told, has_heard) = (false, false);
            running.push(Running { machine, engine, lateness, kept: Instant::now(), has_told, has_heard, settled_to });
        }
        // Those that are gone keep their place, should they come back.
        for (device, gone) in before {
            self.journal.put_snapshot(SnapshotRow {
                device: device.to_string(),
                at: now(),
                body: gone.engine.snapshot(),
            });
        }
        let mut listeners: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (nth, running) in running.iter().enumerate() {
            let plan = &running.machine.plan;
            let inputs = plan.inputs.iter().map(|input| &input.device).chain(&plan.online_by);
            for device in inputs.chain(plan.scans.iter().map(|(device, _)| device)) {
                let of_device = listeners.entry(device.clone()).or_default();
                if !of_device.contains(&nth) {
                    of_device.push(nth);
                }
            }
        }
        (self.figures.machines, self.figures.listeners) = (running, listeners);
        self.figures.glanced = None;
    }

    /// A scan of which readings were taken some time before they were heard, by both clocks: the oldest first, and those of one age together.
    /// Nothing was taken before the agent began.
    pub(super) fn step_figures_taken(&mut self, batch: &Batch, at: Timestamp, clock: ClockMark, ages: &[u64]) {
        if ages.is_empty() {
            return self.step_figures(batch, at, clock);
        }
        let there = ages.iter().zip(&batch.readings).filter(|(_, reading)| reading.is_some());
        let different: BTreeSet<u64> = there.map(|(age, _)| *age).collect();
        for age in different.into_iter().rev() {
            let of_age = batch.readings.iter().zip(ages).map(|(reading, of)| reading.clone().filter(|_| *of == age));
            let age_ms = age.min(batch.mono_ms);
            let taken = Batch { mono_ms: batch.mono_ms - age_ms, readings: of_age.collect(), ..batch.clone() };
            self.step_figures(&taken, Timestamp(at.0 - i64::try_from(age_ms).unwrap_or(0)), clock);
        }
    }

    /// A scan, with the time that the clock gives it.
    pub(super) fn step_figures(&mut self, batch: &Batch, at: Timestamp, clock: ClockMark) {
        if !self.figures.listeners.contains_key(&batch.group.device) {
            return;
        }
        if clock == ClockMark::Untrusted {
            return self.figures.keep_back(batch.clone());
        }
        self.step_at(batch, at);
    }

    fn step_at(&mut self, batch: &Batch, at: Timestamp) {
        let batch = Batch { at, ..batch.clone() };
        let of_device = self.figures.listeners.get(&batch.group.device).cloned().unwrap_or_default();
        of_device.into_iter().for_each(|nth| self.hear_figures(nth, &batch));
    }

    /// The wall clock has come to be trusted.
    pub(super) fn release_figures(&mut self, offset_ms: i64) {
        let waiting = std::mem::take(&mut self.figures.waiting);
        self.figures.waiting_samples = 0;
        for batch in waiting {
            let mono = i64::try_from(batch.mono_ms).unwrap_or(i64::MAX);
            self.step_at(&batch, Timestamp(mono.saturating_add(offset_ms)));
        }
    }

    /// Time passes, also without scans.
    pub(super) fn tick_figures(&mut self) {
        if !self.may_tick_figures() {
            return;
        }
        let at = self.clock.time().0;
        for nth in 0..self.figures.machines.len() {
            let news = self.figures.machines[nth].engine.tick(at);
            self.on_figure_news(nth, news);
        }
    }

    /// Whether who is silent by now has nothing to say: not while the clock is not trusted, and not while links hand over what a hung
    /// disk kept waiting.
    pub(super) fn may_tick_figures(&self) -> bool {
        let figures = &self.figures;
        let is_catching_up = figures.catching_up.is_some_and(|since| since.elapsed() < CATCHING_UP);
        self.clock.time().1 != ClockMark::Untrusted && figures.waiting.is_empty() && !is_catching_up
    }

    pub(super) fn on_figure_news(&mut self, nth: usize, news: Vec<News>) {
        for news in news {
            let running = &mut self.figures.machines[nth];
            match news {
                // Of a device whose tags say nothing about its state there is nothing to tell.
                News::State(_) if running.machine.plan.flags.has(Flags::NO_STATE) => {}
                News::State(state) => {
                    running.has_told = true;
                    let is_stop = matches!(state.state, State::Idle | State::Fault | State::Setup | State::Maint);
                    let cause = if running.machine.hides_causes || !is_stop { String::new() } else { state.cause };
                    let text = running.machine.causes.get(&cause).cloned().unwrap_or_default();
                    let (device, since) = (state.device, state.since.0);
                    let report = StateReport { device, state: state.state, cause, text, since };
                    self.happened(Event::State(report));
                }
                News::Interval(interval) => {
                    running.has_told = true;
                    self.journal.put_interval(log_row(&interval));
                }
                News::Cell(cell) => {
                    running.has_told = true;
                    let before = running.settled_to;
                    let settled_to = before.max(cell.end);
                    running.settled_to = settled_to;
                    if !self.put_cell(nth, (*cell).clone(), false) {
                        continue; // it is known as it is
                    }
                    let plan = self.figures.machines[nth].machine.plan.clone();
                    if let Some(told) = Told::of(&cell, &plan) {
                        self.figures.tell_quarters(nth, told);
                    }
                    let is_over =
                        |over: &Over| over.known == cell.end || (cell.end <= before && over.known <= settled_to);
                    for over in figures::periods_of(&cell, &plan.calendar).into_iter().filter(is_over) {
                        self.figures.report(nth, over);
                    }
                }
                News::Counter { device, tag, what, at } => {
                    debug!(%device, %tag, what, at = at.0, "a counter did not go on as counters do");
                }
                News::ClockStep { at, by_ms } => debug!(at = at.0, by_ms, "the figures follow a step of the clock"),
                News::Late { at } => debug!(at = at.0, "late again"), // is counted where it is heard
            }
        }
    }

    /// Periods that are over become events. All their cells are in the journal's hands.
    pub(super) fn publish_figures(&mut self, most: usize) {
        if self.figures.untold > 0 {
            let trouble = Trouble::new(words::REPORTS_UNTOLD).with("reports", std::mem::take(&mut self.figures.untold));
            warn!(code = %trouble.code, "{trouble}");
        }
        let now = self.figures.reports.len().min(most);
        let reports: Vec<(usize, Over)> = self.figures.reports.drain(..now).collect();
        for (nth, over) in reports {
            let Some(running) = self.figures.machines.get(nth) else { continue };
            let machine = running.machine.clone();
            let (from, to) = figures::reach(&over);
            match self.journal.cells(from, to, Some(&machine.plan.device)) {
                Ok(rows) => {
                    let cells: Vec<Cell> = rows.iter().filter_map(cell_of).collect();
                    let gathered = over.period.gather(&cells);
                    let report = figures::report(&machine, &over, &gathered);
                    self.happened(Event::Indicator(Box::new(report)));
                }
                Err(trouble) => warn!(code = %trouble.code, "{trouble}"),
            }
        }
        let now = self.figures.quarters.len().min(most);
        let quarters: Vec<(usize, Told)> = self.figures.quarters.drain(..now).collect();
        for (nth, told) in quarters {
            let Some(running) = self.figures.machines.get(nth) else { continue };
            let device = running.machine.plan.device.clone();
            match self.journal.cells(told.hour, told.end, Some(&device)) {
                Ok(rows) => {
                    let cells: Vec<Cell> = rows.iter().filter_map(cell_of).collect();
                    for report in quarters::reports(&device, told, &cells) {
                        self.happened(Event::Indicator(Box::new(report)));
                    }
                }
                Err(trouble) => warn!(code = %trouble.code, "{trouble}"),
            }
        }
    }

    /// Snapshots of engines that told something since the last one, and of those whose last one is old. `is_written`: there is a commit
    /// that they can go with.
    pub(super) fn keep_figures(&mut self, is_written: bool) {
        let limit = if is_written { SNAPSHOT_EVERY } else { SNAPSHOT_AT_LEAST };
        let at = now();
        for running in &mut self.figures.machines {
            let limit = if running.machine.plan.inputs.is_empty() { SNAPSHOT_SELDOM } else { limit };
            if running.has_told || running.has_heard && running.kept.elapsed() >= limit {
                running.keep(at, &mut self.journal);
            }
        }
    }

    /// The same at the end, of all of them.
    pub(super) fn close_figures(&mut self) {
        self.tend_late(SCANS_AT_THE_END, true);
        self.publish_figures(usize::MAX);
        let at = now();
        for running in self.figures.machines.iter_mut().filter(|running| running.has_heard || running.has_told) {
            running.keep(at, &mut self.journal);
        }
    }

    /// What a person changed of the figures is taken in, and told anew where it had been told.
    pub(super) fn take_wishes(&mut self) -> Result<(), Trouble> {
        for granted in self.journal.take_wishes(now())? {
            let Some(nth) = self.figures.machines.iter().position(|it| *it.machine.plan.device == *granted.device)
            else {
                continue; // a machine that is configured no more has nobody to tell
            };
            let running = &self.figures.machines[nth];
            let (plan, decided) = (running.machine.plan.clone(), running.engine.decided_to());
            let rows = self.journal.cells(granted.from, granted.to, Some(&granted.device))?;
            for cell in rows.iter().filter_map(cell_of) {
                let is_over = |over: &Over| decided.is_some_and(|decided| over.known <= decided);
                for over in figures::periods_of(&cell, &plan.calendar).into_iter().filter(is_over) {
                    self.figures.report(nth, over);
                }
            }
        }
        Ok(())
    }
}

impl Figures {
    /// The machines, and their engines.
    pub(super) fn running(&self) -> impl Iterator<Item = (&Machine, &Engine)> {
        self.machines.iter().map(|running| (&running.machine, &running.engine))
    }

    fn keep_back(&mut self, batch: Batch) {
        self.waiting_samples += batch.readings.len();
        self.waiting.push_back(batch);
        while self.waiting_samples > MOST_WAITING {
            let Some(oldest) = self.waiting.pop_front() else { return };
            self.waiting_samples -= oldest.readings.len();
        }
    }

    /// After a long outage of the disk there are more than anybody wants to have told.
    pub(super) fn tell_quarters(&mut self, nth: usize, told: Told) {
        if self.quarters.contains(&(nth, told)) {
            return;
        }
        if self.quarters.len() < MOST_REPORTS {
            self.quarters.push((nth, told));
        } else {
            self.untold += 1;
        }
    }

    /// The recorder looks into its channel.
    pub(super) fn on_look(&mut self) {
        if self.looked.replace(Instant::now()).is_some_and(|looked| looked.elapsed() > HUNG) {
            self.catching_up = Some(Instant::now());
        }
    }

    #[cfg(test)]
    pub(super) fn set_looked(&mut self, at: Instant) {
        self.looked = Some(at);
    }

    /// Once in a turn, however many of its cells were told.
    pub(super) fn report(&mut self, nth: usize, over: Over) {
        let is_known = self.reports.iter().any(|(of, known)| *of == nth && known.period == over.period);
        if is_known {
            return;
        }
        if self.reports.len() < MOST_REPORTS {
            self.reports.push((nth, over));
        } else {
            self.untold += 1;
        }
    }
}

impl Running {
    /// The end of the last cell that was settled.
    pub(super) fn settled_to(&self) -> Timestamp {
        self.settled_to
    }

    /// What can be kept of its tape under a new configuration: all, if the same is meant by it.
    fn lateness_under(self, machine: &Machine) -> Lateness {
        if format!("{:?}", self.machine.plan) == format!("{:?}", machine.plan) {
            return self.lateness;
        }
        let calendar = self.machine.plan.calendar.clone();
        self.lateness.without_tape(|at| calendar.slot(at).start)
    }

    fn keep(&mut self, at: Timestamp, journal: &mut Journal) {
        let device = self.machine.plan.device.to_string();
        journal.put_snapshot(SnapshotRow { device, at, body: self.engine.snapshot() });
        (self.kept, self.has_told, self.has_heard) = (Instant::now(), false, false);
    }
}

pub(super) fn row_of(cell: &Cell) -> FigureRow {
    let (device, body) = (cell.device.clone(), json(cell));
    FigureRow { device, start: cell.start, end: cell.end, revision: cell.revision, body }
}

/// The column counts where body and column differ.
pub(super) fn cell_of(row: &FigureRow) -> Option<Cell> {
    let cell: Cell = serde_json::from_str(&row.body).ok()?;
    Some(Cell { revision: row.revision, ..cell })
}

pub(super) fn json(of: &impl serde::Serialize) -> String {
    serde_json::to_string(of).expect("figures have text keys and whole numbers only")
}

#[cfg(test)]
mod tests;
