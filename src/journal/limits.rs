//! Limits: what the journal may hold and for how long, and what the upkeep is told of its surroundings. Pure.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Priority, Timestamp};

/// What the journal may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in the file beyond which records are given up: those of low priority first, of each the oldest. The WAL beside it,
    /// normally 1 to 2 MB, comes on top, and so do files that were set aside.
    pub max_size: u64,
    /// Records older than this are given up.
    pub max_age: Duration,
    /// Bytes of the file system that are left to others: with less free space records are given up, as beyond `max_size`.
    pub reserve: u64,
    /// How long records stay that every sink has. `None`: they go at once.
    pub history: Option<Duration>,
    /// Devices whose priority is not the normal one.
    pub priorities: HashMap<Arc<str>, Priority>,
}

/// As in a configuration that says nothing, on a large disk.
impl Default for Limits {
    fn default() -> Limits {
        const MONTH: Duration = Duration::from_secs(30 * 86_400);
        Limits { max_size: 2_000_000_000, max_age: MONTH, reserve: 0, history: None, priorities: HashMap::new() }
    }
}

impl Limits {
    /// The priority of this device's records.
    pub(super) fn priority_of(&self, device: &str) -> Priority {
        self.priorities.get(device).copied().unwrap_or_default()
    }
}

/// One call of the upkeep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// What the wall clock says.
    pub now: Timestamp,
    /// Whether it is to be believed. If not, no record is too old by it.
    pub is_trusted: bool,
    /// What it would say if nobody had set it since it was first trusted. No record is older than by this: a clock that is set forward
    /// for a minute makes nothing old.
    pub steady: Timestamp,
    /// Time since any fixed moment of this start of the agent, by a clock that nobody sets.
    pub mono: Duration,
    /// Free bytes of the file system, if they are known.
    pub free_bytes: Option<u64>,
    /// There is time for what can wait.
    pub is_idle: bool,
}

/// A quiet moment on a large disk, by a clock that is right.
impl From<Timestamp> for Round {
    fn from(now: Timestamp) -> Round {
        Round { now, is_trusted: true, steady: now, mono: Duration::ZERO, free_bytes: None, is_idle: true }
    }
}
