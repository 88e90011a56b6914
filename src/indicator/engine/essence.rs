//! Essence: what of a batch an engine goes by, and whether it can still take it. Who keeps the essence of all batches, and a snapshot
//! from before them, can let an engine hear them again in their right order.

use super::{Engine, Route, value};
use crate::indicator::plan::Meaning;
use crate::model::{Batch, Group, Reading, Scan, Timestamp, Why};

/// Up to where an engine has come: it takes nothing that is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The newest scan that it heard, by the monotonic clock of this start of the agent.
    pub heard_ms: u64,
    /// Everything before is decided; `None`: it has heard nothing yet.
    pub decided_to: Option<Timestamp>,
}

impl Engine {
    /// Up to where it has come.
    pub fn reached(&self) -> Reached {
        Reached { heard_ms: self.core.placer.newest_ms(), decided_to: self.decided_to() }
    }

    /// The batch without the readings of tags that mean nothing to this engine; `None`: it does not listen to such a group. That something
    /// was heard at all counts too: where nothing else tells it, one of the others stays.
    pub fn essence(&mut self, batch: &Batch) -> Option<Scan> {
        let route = self.route(&batch.group);
        if route.is_deaf() {
            return None;
        }
        let mut readings: Vec<Option<Reading>> = vec![None; batch.readings.len()];
        for (place, _) in &route.inputs {
            if let (Some(kept), Some(reading)) = (readings.get_mut(*place), batch.readings.get(*place)) {
                kept.clone_from(reading);
            }
        }
        let is_good = |reading: &Option<Reading>| reading.as_ref().is_some_and(|reading| value(reading).is_some());
        if !readings.iter().any(is_good)
            && let Some(place) = batch.readings.iter().position(is_good)
        {
            readings[place].clone_from(&batch.readings[place]);
        }
        Some(Scan { at: batch.at, mono_ms: batch.mono_ms, readings, stamps: None })
    }

    /// Whether something in it is older than what is decided, or than what was heard of the same tag.
    pub(super) fn is_refused(&self, route: &Route, batch: &Batch, at: i64) -> bool {
        let core = &self.core;
        if core.begun.is_none() {
            return false;
        }
        let is_known = |reading: &Reading| value(reading).is_some();
        if batch.readings.iter().flatten().any(is_known) {
            let is_behind = |heard: Option<i64>| heard.is_some_and(|heard| at < heard);
            if core.is_late(at) || route.is_online && is_behind(core.online.heard()) {
                return true;
            }
        }
        route.inputs.iter().any(|(place, input)| {
            let (Some(of), Some(heard)) = (self.plan.inputs.get(*input), core.inputs.get(*input)) else { return false };
            let reading = batch.readings.get(*place).and_then(Option::as_ref);
            let counts = |reading: &Reading| is_known(reading) || is_unmapped(&of.meaning, reading);
            if !reading.is_some_and(counts) {
                return false;
            }
            let last = if of.meaning.is_of_state() { heard.signal.heard() } else { Some(heard.last) };
            core.is_late(at) || last.is_some_and(|last| at < last)
        })
    }
}

/// A batch as it was, of what was kept of it.
pub fn batch_of(group: &std::sync::Arc<Group>, scan: Scan) -> Batch {
    let Scan { at, mono_ms, readings, .. } = scan;
    Batch { group: group.clone(), at, mono_ms, due_ms: None, readings, stamps: None }
}

fn is_unmapped(meaning: &Meaning, reading: &Reading) -> bool {
    matches!((meaning, reading), (Meaning::Word(_), Reading::Uncertain(_, Why::Unmapped)))
}
