//! Essence: what of a batch an engine goes by, and whether it can still take it. Who keeps the essence of all batches, and a snapshot
//! from before them, can let an engine hear them again in their right order.

use std::sync::Arc;

use super::{Engine, Route, value};
use crate::indicator::plan::Meaning;
use crate::model::{Batch, Group, Reading, Timestamp, Value, Why};

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

    /// The batch without the tags that mean nothing to this engine; `None`: it does not listen to such a group. That something was heard at
    /// all counts too: where nothing else tells it, a sign behind the others does.
    pub fn essence(&mut self, batch: &Batch) -> Option<Batch> {
        let route = self.route(&batch.group);
        let group = route.essence.clone().filter(|_| !route.is_deaf())?;
        let is_good = |reading: &Option<Reading>| reading.as_ref().is_some_and(|reading| value(reading).is_some());
        let kept = route.inputs.iter().map(|(place, _)| batch.readings.get(*place).cloned().flatten());
        let mut readings: Vec<Option<Reading>> = kept.collect();
        if readings.len() < group.tags.len() {
            let is_sign = !readings.iter().any(is_good) && batch.readings.iter().any(is_good);
            readings.push(is_sign.then_some(Reading::Good(Value::Bool(true))));
        }
        Some(Batch { group, at: batch.at, mono_ms: batch.mono_ms, due_ms: None, readings, stamps: None })
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

/// Of a group: the tags that are inputs, and one of the others for all of them.
pub(super) fn of_group(group: &Group, inputs: &[(usize, usize)]) -> Arc<Group> {
    let is_input = |at: usize| inputs.iter().any(|(place, _)| *place == at);
    let other = (0..group.tags.len()).find(|at| !is_input(*at));
    let kept = inputs.iter().map(|(place, _)| *place).chain(other);
    let tags = kept.map(|place| group.tags[place].clone()).collect();
    Arc::new(Group::new(group.device.clone(), group.period, tags))
}

fn is_unmapped(meaning: &Meaning, reading: &Reading) -> bool {
    matches!((meaning, reading), (Meaning::Word(_), Reading::Uncertain(_, Why::Unmapped)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::bench::{Bench, EIGHT_PM, batch, config};

    #[test]
    fn of_a_thousand_tags_those_with_roles_are_kept_and_an_engine_cannot_tell_the_difference() {
        let other = |n: usize| format!("{{ name = \"t{n}\", address = \"{}\", type = \"u16\" }}", 40_001 + n);
        let mut tags: Vec<String> = (0..1_000).map(other).collect();
        tags.insert(3, "{ name = \"run\", address = \"coil:0\", type = \"bool\", role = \"state.run\" }".into());
        tags.insert(700, "{ name = \"total\", address = \"42001\", type = \"u32\", role = \"count.total\" }".into());
        let tags = format!("tags = [{}]\n", tags.join(",\n"));
        let mut whole = Bench::new(config(&tags, ""));
        let mut narrow = Bench::new(config(&tags, ""));
        let group = whole.groups().remove(0);
        for second in 0..600 {
            let run = ("run", (second % 50 > 7).then_some(Value::Bool(second % 90 > 30)));
            let total = ("total", Some(Value::I64(second / 3)));
            let heard = match second {
                100..200 => vec![("t5", Some(Value::I64(1)))], // nothing but a sign of life
                300..400 => vec![run, ("t5", None)],
                400..450 => vec![("t5", None)],
                _ => vec![run, total, ("t6", Some(Value::I64(second)))],
            };
            let batch = batch(&group, EIGHT_PM + second * 1_000, &heard);
            let kept = narrow.engine.essence(&batch).unwrap();
            assert_eq!((kept.readings.len(), kept.group.tags.len()), (3, 3));
            let is_heard = |batch: &Batch| batch.readings.iter().flatten().any(|reading| value(reading).is_some());
            assert_eq!(is_heard(&kept), is_heard(&batch), "{heard:?}");
            whole.step(&batch);
            narrow.step(&kept);
            assert_eq!(narrow.engine.snapshot(), whole.engine.snapshot(), "{heard:?}");
        }
    }
}
