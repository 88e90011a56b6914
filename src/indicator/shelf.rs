//! Shelf: the cells of a device that may change yet. A cell is settled some time after its end: then what began in it
//! is long enough to be judged.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cell::Cell;

/// Cells by their start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shelf {
    open: VecDeque<Cell>,
    /// Settled, but a fault that began in them and that a gap interrupted may still turn out a failure.
    held: Vec<Cell>,
    /// Held ones that changed since they were told.
    changed: Vec<usize>,
}

/// Hours with pieces of one fault that all together are shorter than a failure, with nothing but gaps between them: a link that
/// is lost for longer hides the fault's end anyway.
const MOST_HELD: usize = 16;

impl Shelf {
    /// The newest cell.
    pub(super) fn last(&mut self) -> Option<&mut Cell> {
        self.open.back_mut()
    }

    /// Adds a cell behind the others.
    pub(super) fn push(&mut self, cell: Cell) {
        self.open.push_back(cell);
    }

    /// The oldest cell, if it is to be settled by `at`.
    pub(super) fn due(&self, at: i64, settle_ms: i64) -> Option<&Cell> {
        self.open.front().filter(|cell| cell.end.0 + settle_ms <= at)
    }

    /// When the oldest cell is to be settled.
    pub(super) fn next_due(&self, settle_ms: i64) -> Option<i64> {
        self.open.front().map(|cell| cell.end.0 + settle_ms)
    }

    /// Takes the oldest cell away.
    pub(super) fn settle(&mut self, is_held: bool) -> Option<Cell> {
        let cell = self.open.pop_front()?;
        if is_held {
            if self.held.len() == MOST_HELD {
                self.held.remove(0);
                self.changed.clear(); // a fault of so many hours below a minute: told changes are all that is known of it
            }
            self.held.push(cell.clone());
        }
        Some(cell)
    }

    /// The cell that starts here, open or held; what is held is marked as changed.
    pub(super) fn cell(&mut self, start: i64) -> Option<&mut Cell> {
        if let Some(at) = self.open.iter().position(|cell| cell.start.0 == start) {
            return self.open.get_mut(at);
        }
        let at = self.held.iter().position(|cell| cell.start.0 == start)?;
        if !self.changed.contains(&at) {
            self.changed.push(at);
        }
        self.held.get_mut(at)
    }

    /// The open cell that a sample belongs to (A28).
    pub(super) fn of_sample(&mut self, at: i64) -> Option<&mut Cell> {
        self.open.iter_mut().find(|cell| cell.start.0 < at && at <= cell.end.0)
    }

    /// Lets go of what is held; gives what changed, with its new revision.
    pub(super) fn release(&mut self) -> Vec<Cell> {
        let changed = std::mem::take(&mut self.changed);
        let mut held = std::mem::take(&mut self.held);
        let told = changed.into_iter().filter_map(|at| {
            let cell = held.get_mut(at)?;
            cell.revision += 1;
            Some(cell.clone())
        });
        told.collect()
    }

    /// All open cells, the oldest first.
    pub(super) fn open(&self) -> impl Iterator<Item = &Cell> {
        self.open.iter()
    }
}
