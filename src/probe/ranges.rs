//! Which addresses of one table answer. Pure: [`Survey::next_block`] says what to ask, [`Survey::heard`] takes what came.
//!
//! It knocks at likely places and grows from each that answers: up with long requests, and down. Where a request is
//! refused, halving finds the edge; where the halves alone are fine, the request was too long for the device. A table that
//! answers the same number on and on is read by long requests when all else is done. [`Survey::sweep`] goes on with the less
//! likely places.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::sweep::Sweep;
use super::{Cells, seeds, spans};
use crate::config::modbus::Table;
use crate::model::Why;
use crate::source::modbus::plan::Block;

/// What a device said to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Registers; bits as 0 and 1.
    Values(Vec<u16>),
    /// An exception.
    Refused(Why),
    /// Nothing.
    Silent,
}

/// The survey of one table.
#[derive(Debug)]
pub struct Survey {
    table: Table,
    cells: Cells,
    /// Single addresses that were refused.
    refused: BTreeSet<u16>,
    tasks: Vec<Task>,
    seeds: VecDeque<u16>,
    /// What comes behind the seeds.
    sweep: Option<Sweep>,
    asked: Option<(Task, Block)>,
    /// No longer request is made.
    longest: u16,
    /// A longer one was refused for its length.
    is_limited: bool,
    is_endless: bool,
    silences: u32,
    total: usize,
    /// The table is not there, or nobody answers any more.
    is_given_up: bool,
}

#[derive(Debug, Clone, Copy)]
enum Task {
    /// One address.
    Knock(u16),
    /// Onwards from `at`, so many at once. `bad`: so many from `at` were refused. `best`: so many were not, since then.
    Up {
        at: u32,
        count: u16,
        bad: Option<u16>,
        best: u16,
    },
    /// So many at once, where the table is endless.
    Part {
        at: u16,
        count: u16,
    },
    /// Of so many that were refused together the last tells whether they end within the table...
    Last {
        at: u16,
        count: u16,
    },
    First {
        at: u16,
        count: u16,
    },
    /// The same as [`Task::Up`] backwards: `at` is the first address that is known.
    Down {
        at: u32,
        count: u16,
        bad: Option<u16>,
    },
    /// How long a request may be: `low` may, `high` may not.
    Limit {
        at: u16,
        low: u16,
        high: u16,
    },
}

/// Equal registers in a row after which a table counts as endless.
const FLAT: u32 = 2_000;

/// Requests without an answer after which only the likeliest places are still asked: each costs a whole timeout.
const PATIENCE: u32 = 10;

/// The same for what is less likely anyway.
const SWEEP_PATIENCE: u32 = 3;

impl Survey {
    /// Nothing is known yet.
    pub fn new(table: Table) -> Survey {
        let longest = if table.is_bits() { 2_000 } else { 125 };
        let seeds: VecDeque<u16> = seeds::seeds(table).into();
        let first = Task::Up { at: 0, count: longest, bad: None, best: 0 };
        Survey {
            table,
            cells: BTreeMap::new(),
            refused: BTreeSet::new(),
            tasks: vec![first],
            total: seeds.len(),
            seeds,
            sweep: None,
            asked: None,
            longest,
            is_limited: false,
            is_endless: false,
            silences: 0,
            is_given_up: false,
        }
    }

    /// Go on with what is less likely, all of it or the likeliest part. Whether there is anything to go on with: not in a table
    /// that is absent, or whose silence was dear already.
    pub fn sweep(&mut self, is_thorough: bool) -> bool {
        if self.is_given_up || self.silences >= SWEEP_PATIENCE {
            return false;
        }
        self.silences = 0;
        self.sweep = Some(match self.is_endless {
            true => Sweep::of_all(self.longest),
            false => Sweep::new(self.table, &spans(&self.cells), is_thorough),
        });
        true
    }

    /// Ask at this address too.
    pub fn knock(&mut self, at: u16) {
        if !self.is_given_up {
            self.seeds.push_front(at);
            self.total = self.total.max(self.seeds.len());
        }
    }

    /// What was silent so far was silent where something was likely.
    pub fn is_silent(&self) -> bool {
        self.silences >= SWEEP_PATIENCE
    }

    /// Whether this address answered.
    pub fn has(&self, at: u16) -> bool {
        self.cells.contains_key(&at)
    }

    /// It answers the same on and on.
    pub fn is_endless(&self) -> bool {
        self.is_endless
    }

    /// Which table it is about.
    pub fn table(&self) -> Table {
        self.table
    }

    /// The likely places are done.
    pub fn is_sweeping(&self) -> bool {
        self.sweep.is_some()
    }

    /// How many addresses answer, and in how many stretches.
    pub fn extent(&self) -> (usize, usize) {
        (self.cells.len(), spans(&self.cells).len())
    }

    /// The longest request, as far as is known.
    pub fn longest(&self) -> u16 {
        self.longest
    }

    /// What to ask next; `None` when there is nothing more to find out.
    pub fn next_block(&mut self) -> Option<Block> {
        loop {
            let task = match self.tasks.pop() {
                Some(task) => task,
                None => match self.seeds.pop_front() {
                    Some(seed) => Task::Knock(seed),
                    None => match self.sweep.as_mut()?.next()? {
                        // Where anything is answered a long request costs no more than a short one.
                        at if self.is_endless => Task::Part { at, count: clip(at, self.longest) },
                        at => Task::Knock(at),
                    },
                },
            };
            if let Some((start, count)) = self.place(task) {
                let block = Block { table: self.table, start, count };
                self.asked = Some((task, block));
                return Some(block);
            }
        }
    }

    /// What was said to the block that [`Survey::next_block`] gave last.
    pub fn heard(&mut self, heard: Heard) {
        let Some((task, block)) = self.asked.take() else { return };
        match heard {
            Heard::Values(values) => {
                let addresses = block.start..=block.start.saturating_add(block.count - 1);
                self.cells.extend(addresses.zip(values));
                self.answered(task, block);
            }
            Heard::Refused(Why::IllegalFunction) if self.cells.is_empty() => self.give_up(),
            Heard::Refused(_) => self.no(task, block),
            Heard::Silent => {
                self.silences += 1;
                if self.sweep.is_some() && self.silences >= SWEEP_PATIENCE {
                    self.give_up();
                }
                if self.silences >= PATIENCE {
                    self.seeds.truncate(20);
                    self.tasks.retain(|task| !matches!(task, Task::Knock(_)));
                }
                if self.silences >= 4 * PATIENCE {
                    self.give_up();
                }
                if !self.is_given_up {
                    self.no(task, block);
                }
            }
        }
    }

    /// How much of the likely places is done, or of the sweep behind them, 0 to 1.
    pub fn progress(&self) -> f64 {
        if let Some(sweep) = &self.sweep {
            return sweep.progress();
        }
        1.0 - self.seeds.len() as f64 / self.total.max(1) as f64
    }

    /// What is known: the cells, the longest request where there is a limit, whether the table is endless.
    pub fn result(self) -> (Cells, Option<u16>, bool) {
        (self.cells, self.is_limited.then_some(self.longest), self.is_endless)
    }

    fn give_up(&mut self) {
        self.tasks.clear();
        self.seeds.clear();
        self.sweep = None;
        self.is_given_up = true;
    }

    /// Where a task would ask; `None` where there is nothing to ask any more.
    fn place(&self, task: Task) -> Option<(u16, u16)> {
        let is_new = |address: u16| !self.cells.contains_key(&address) && !self.refused.contains(&address);
        match task {
            Task::Knock(at) => is_new(at).then_some((at, 1)),
            Task::Part { at, count } => {
                let skip = (0..count).find(|n| is_new(at + n))?;
                Some((at + skip, count - skip))
            }
            Task::Last { at, count } => is_new(at + (count - 1)).then_some((at + (count - 1), 1)),
            Task::First { at, .. } => is_new(at).then_some((at, 1)),
            Task::Up { at, count, bad, .. } => {
                let at = u16::try_from(at).ok()?;
                let count = bad.map_or(count, |bad| (bad / 2).max(1)).min(self.longest);
                is_new(at).then(|| (at, clip(at, count)))
            }
            Task::Down { at, count, bad } => {
                let count = bad.map_or(count, |bad| (bad / 2).max(1)).min(self.longest);
                let count = u16::try_from(at.min(u32::from(count))).ok().filter(|count| *count > 0)?;
                let start = u16::try_from(at).ok()? - count;
                is_new(start + count - 1).then_some((start, count))
            }
            Task::Limit { at, low, high } => (low + 1 < high).then(|| (at, low + (high - low) / 2)),
        }
    }

    fn answered(&mut self, task: Task, block: Block) {
        let (start, end) = (u32::from(block.start), u32::from(block.start) + u32::from(block.count));
        let grows = !self.is_flat(block);
        match task {
            Task::Knock(at) => {
                if let Some(sweep) = self.sweep.as_mut().filter(|_| !self.is_endless) {
                    sweep.found(at);
                }
                if self.is_endless {
                    self.tasks.push(Task::Up { at: end, count: self.longest, bad: None, best: 0 });
                } else if grows {
                    self.tasks.push(Task::Down { at: start, count: 1, bad: None });
                    self.tasks.push(Task::Up { at: end, count: self.longest.min(32), bad: None, best: 0 });
                }
            }
            Task::Part { .. } => {}
            Task::Last { at, count } => self.halves(at, count),
            Task::First { at, count } => self.tasks.push(Task::Part { at: at + 1, count: count - 1 }),
            Task::Up { bad, best, .. } => {
                let best = best.max(block.count);
                match bad.map(|bad| bad.saturating_sub(block.count)) {
                    // Not refused any more what was refused as part of a longer request: the length was the matter.
                    Some(0) => {
                        self.longest = best.max(1);
                        self.is_limited = true;
                        self.tasks.push(Task::Up { at: end, count: self.longest, bad: None, best: 0 });
                        self.find_limit(end, best);
                    }
                    Some(bad) => self.tasks.push(Task::Up { at: end, count: 0, bad: Some(bad), best }),
                    None if grows => {
                        self.tasks.push(Task::Up { at: end, count: self.longest, bad: None, best: 0 });
                    }
                    None => {}
                }
            }
            Task::Down { count, bad, .. } => match bad.map(|bad| bad.saturating_sub(block.count)) {
                Some(0) => {}
                Some(bad) => self.tasks.push(Task::Down { at: start, count: 0, bad: Some(bad) }),
                None if grows => {
                    let count = count.saturating_mul(2).min(self.longest);
                    self.tasks.push(Task::Down { at: start, count, bad: None });
                }
                None => {}
            },
            Task::Limit { at, high, .. } => {
                self.longest = self.longest.max(block.count);
                self.tasks.push(Task::Limit { at, low: block.count, high });
            }
        }
    }

    fn no(&mut self, task: Task, block: Block) {
        if block.count == 1 {
            self.refused.insert(block.start);
        }
        match task {
            Task::Part { .. } if block.count > 1 => self.refused_part(block.start, block.count),
            Task::Last { at, count } => self.tasks.push(Task::First { at, count }),
            Task::First { .. } => {}
            Task::Knock(_) | Task::Part { .. } => {}
            Task::Up { at, best, .. } if block.count > 1 => {
                self.tasks.push(Task::Up { at, count: 0, bad: Some(block.count), best });
            }
            Task::Up { at, .. } => self.look_beyond(at),
            Task::Down { at, .. } if block.count > 1 => {
                self.tasks.push(Task::Down { at, count: 0, bad: Some(block.count) });
            }
            Task::Down { at, .. } => {
                if !self.table.is_bits() {
                    let near =
                        [2_u16, 4, 8, 16].into_iter().filter_map(|step| u16::try_from(at).ok()?.checked_sub(step + 1));
                    self.tasks.extend(near.map(Task::Knock));
                }
            }
            Task::Limit { at, low, .. } => self.tasks.push(Task::Limit { at, low, high: block.count }),
        }
    }

    /// A part of an endless table was refused: it has an edge in it, or nothing of it answers.
    fn refused_part(&mut self, at: u16, count: u16) {
        let last = at + (count - 1);
        if self.cells.contains_key(&last) {
            self.halves(at, count);
        } else if self.refused.contains(&last) {
            self.tasks.push(Task::First { at, count });
        } else {
            self.tasks.push(Task::Last { at, count });
        }
    }

    /// The edge is somewhere before the last.
    fn halves(&mut self, at: u16, count: u16) {
        let half = count / 2;
        if half > 0 {
            self.tasks.push(Task::Part { at, count: half });
            self.tasks.push(Task::Part { at: at + half, count: count - half });
        }
    }

    /// Beyond the end of a stretch: a hole is often small. Nothing to look for where nothing was found before it.
    fn look_beyond(&mut self, at: u32) {
        const HOLES: [u32; 14] = [1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64];
        if self.is_endless {
            return; // what is beyond is asked anyway
        }
        let follows_something = at.checked_sub(1).and_then(|before| u16::try_from(before).ok());
        if !follows_something.is_some_and(|before| self.cells.contains_key(&before)) {
            return;
        }
        let near = HOLES.into_iter().rev().filter_map(|step| u16::try_from(at + step).ok());
        self.tasks.extend(near.map(Task::Knock));
    }

    /// `best` registers at once are fine: how many more? Asked for where all are known to answer.
    fn find_limit(&mut self, end: u32, best: u16) {
        let known =
            (0..end).rev().take_while(|at| u16::try_from(*at).is_ok_and(|at| self.cells.contains_key(&at))).count();
        let high = u16::try_from(known).unwrap_or(u16::MAX).min(best.saturating_mul(2).saturating_add(1));
        if let Ok(at) = u16::try_from(end.saturating_sub(u32::from(high))) {
            self.tasks.push(Task::Limit { at, low: best, high: high.saturating_add(1) });
        }
    }

    /// Whether this block is a part of a long stretch of the same number.
    fn is_flat(&mut self, block: Block) -> bool {
        let end = u32::from(block.start) + u32::from(block.count);
        let Some(last) = u16::try_from(end - 1).ok().and_then(|last| self.cells.get(&last)) else { return false };
        let far = if self.is_endless { u32::from(block.count) } else { FLAT };
        let from = end.saturating_sub(far);
        if end - from < far {
            return false;
        }
        let is_flat = (from..end).all(|at| u16::try_from(at).ok().and_then(|at| self.cells.get(&at)) == Some(last));
        if is_flat && !std::mem::replace(&mut self.is_endless, true) && self.sweep.is_some() {
            self.sweep = Some(Sweep::of_all(self.longest));
        }
        is_flat
    }
}

/// So many that they end within the table.
fn clip(at: u16, count: u16) -> u16 {
    count.min((u16::MAX - at).saturating_add(1).max(1))
}

#[cfg(test)]
mod tests;
