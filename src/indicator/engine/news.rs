//! News: what an engine tells. Interval and cell are the log, final once told; the state now is for who watches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::indicator::cell::Cell;
use crate::indicator::interval::Interval;
use crate::model::{State, Timestamp};

/// What comes out of an engine.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// What the machine does now, at once; not final, the log has the last word.
    State(Now),
    /// A finished interval of the state log.
    Interval(Interval),
    /// A settled cell, or a settled one that changed (its revision is higher then). It replaces the one with the same device and start.
    Cell(Box<Cell>),
    /// Something happened to a counter.
    Counter {
        /// Whose tag it is.
        device: Arc<str>,
        /// The counter.
        tag: Arc<str>,
        /// `wrap`, `reset`, `job_reset`, `implausible`, `rebased`.
        what: &'static str,
        /// When.
        at: Timestamp,
    },
    /// The wall clock stepped (R7).
    ClockStep {
        /// To this time.
        at: Timestamp,
        /// By so much.
        by_ms: i64,
    },
    /// A scan came too late, and nothing of it was counted. Who kept what was heard since before it can compute again, and replace
    /// what [`Cell::told_again`] finds changed (R11).
    Late {
        /// Its time.
        at: Timestamp,
    },
}

/// What a machine does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// The device's id.
    pub device: String,
    /// What it does.
    pub state: State,
    /// What it or its operator says of the cause.
    pub cause: String,
    /// Since.
    pub since: Timestamp,
}
