//! What the recorder tells of itself when it is asked: a copy, made between two turns.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::fresh::{DeviceGlance, TagGlance};
use crate::config::Persist;
use crate::journal;
use crate::model::ledger::Tally;
use crate::model::{Losses, State, Timestamp, Trouble, TrustedBy};

/// How things are with the recorder.
#[derive(Debug, Clone)]
pub struct Glance {
    /// What time it is, by the clock as far as it is trusted.
    pub at: Timestamp,
    /// Why the wall clock is trusted, if it is.
    pub trusted_by: Option<TrustedBy>,
    /// What is written at all.
    pub persist: Persist,
    /// Sinks keep up, so that nothing is written.
    pub is_held: bool,
    /// Why the disk takes nothing.
    pub refused: Option<Trouble>,
    /// What the file holds.
    pub held: journal::Status,
    /// Records and samples that are neither written nor delivered everywhere.
    pub in_memory: (u64, u64),
    /// What is lost of both streams.
    pub losses: Arc<[Losses; 2]>,
    /// What became of the samples since the start of the agent.
    pub tally: Tally,
    /// Devices that were heard of.
    pub devices: HashMap<Arc<str>, DeviceGlance>,
    /// Tags that are not good, in no order.
    pub odd_tags: Vec<TagGlance>,
    /// What machines do, where that was asked for.
    pub machines: Vec<MachineGlance>,
}

/// What a machine does, and the figures of its shift so far.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineGlance {
    /// Its id.
    pub device: Arc<str>,
    /// What it does.
    pub state: State,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What is known of the cause, unless it must not leave.
    pub cause: String,
    /// Name and date of the shift that is running.
    pub shift: Option<(String, String)>,
    /// Known share of the planned busy time.
    pub coverage: Option<f64>,
    /// O3.
    pub availability: Option<f64>,
    /// O6.
    pub oee: Option<f64>,
    /// Pieces.
    pub pieces: Option<f64>,
    /// Electricity.
    pub energy_kwh: Option<f64>,
}
