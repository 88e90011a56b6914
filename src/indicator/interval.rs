//! Interval: one row of the state log. A device's intervals follow each other without holes; one that lies over the border of
//! a period is cut there by whoever reports, and both halves keep the event's id (R10).

use serde::{Deserialize, Serialize};

use crate::model::{State, Timestamp};

/// A machine in one state for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The device's id.
    pub device: String,
    /// What it did.
    pub state: State,
    /// Of a stop: the machine's code, the operator's reason, or `microstop`; empty where nobody said.
    pub cause: String,
    /// First moment.
    pub start: Timestamp,
    /// First moment behind it.
    pub end: Timestamp,
    /// The moment at which the event began that this belongs to, in milliseconds: of a device, no two events have the
    /// same. Fault pieces with only unknown between them are one event (A8).
    pub event_id: i64,
    /// Taken from the power (A18).
    pub is_inferred: bool,
    /// Called planned afterwards, by whom (R18).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reclassified_by: Option<String>,
    /// Of such a one: the cause that it had before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause_before: Option<String>,
}

/// The cause of an idle stop between two runs that was strictly shorter than the limit (A7).
pub const MICROSTOP: &str = "microstop";

impl Interval {
    /// Milliseconds.
    pub fn ms(&self) -> u64 {
        u64::try_from(self.end.0 - self.start.0).unwrap_or(0)
    }

    /// A stop that was called planned, as it was before.
    pub(super) fn as_idle(&self) -> Interval {
        let cause = self.cause_before.clone().unwrap_or_default();
        Interval { state: State::Idle, cause, reclassified_by: None, cause_before: None, ..self.clone() }
    }

    /// The same stop, called planned by whoever called `planned` so.
    pub(super) fn as_planned(&self, planned: &Interval) -> Interval {
        let (cause, reclassified_by) = (planned.cause.clone(), planned.reclassified_by.clone());
        Interval { state: State::Maint, cause, reclassified_by, cause_before: Some(self.cause.clone()), ..self.clone() }
    }

    /// What of it lies in `[from, to)`; `None`: nothing.
    pub fn within(&self, from: Timestamp, to: Timestamp) -> Option<Interval> {
        let (start, end) = (self.start.max(from), self.end.min(to));
        (start < end).then(|| Interval { start, end, ..self.clone() })
    }
}
