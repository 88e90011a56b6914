//! What each kill cost, judged against what the PLC handed out. Pure.
//!
//! The rule: what a life of the agent lost are its last readings before the kill and nothing in between, since commits keep
//! the order; and how old the oldest of them was is what the kill cost.

use super::account::Handed;

/// One run of the agent, by the clock that the PLC's log uses too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub started: i64,
    /// `None`: it ended in order, so nothing may be missing.
    pub killed: Option<i64>,
}

/// What one kill cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Hole {
    pub killed: i64,
    /// Readings that never arrived, without one that was on the wire when the kill came.
    pub lost: usize,
    /// How long before the kill the oldest of them was handed out.
    pub age_ms: i64,
}

/// The hole of each life that lost something; an `Err` names what no kill explains. Both lists are in order.
pub fn holes(handed: &[Handed], missing: &[Handed], lives: &[Life]) -> Result<Vec<Hole>, String> {
    let mut found = Vec::new();
    let before = lives.first().map_or(i64::MAX, |life| life.started);
    if let Some(stray) = missing.iter().find(|h| h.ms < before) {
        return Err(format!("{stray:?} was handed out before the agent started"));
    }
    for (n, life) in lives.iter().enumerate() {
        let from = if n == 0 { life.started } else { life.started + STARTING_MS };
        let until = lives.get(n + 1).map_or(i64::MAX, |next| next.started + STARTING_MS);
        let of_life = |list: &[Handed]| -> Vec<Handed> {
            list.iter().filter(|h| (from..until).contains(&h.ms)).copied().collect()
        };
        let (mut handed, mut missing) = (of_life(handed), of_life(missing));
        let ended = life.killed.unwrap_or(i64::MAX);
        // The request that was on the wire may have been answered to a dead process.
        if let (Some(last), Some(lost)) = (handed.last(), missing.last())
            && last == lost
            && last.ms + ON_THE_WIRE_MS >= ended
        {
            handed.pop();
            missing.pop();
        }
        let Some(first) = missing.first() else { continue };
        let Some(killed) = life.killed else {
            return Err(format!(
                "{} readings are missing from a run that nobody killed, first {first:?}",
                missing.len()
            ));
        };
        if handed[handed.len() - missing.len()..] != missing {
            let kept = handed.iter().rev().find(|h| !missing.contains(h));
            let last = missing.last();
            return Err(format!(
                "{first:?} to {last:?}, {} in all, are missing although {kept:?} of the same life arrived: {life:?}, number {n}",
                missing.len()
            ));
        }
        found.push(Hole { killed, lost: missing.len(), age_ms: killed - first.ms });
    }
    Ok(found)
}

/// No agent has asked anything so soon after its start; what is handed out by then answers a request of the life before.
const STARTING_MS: i64 = 5;

/// From the PLC's log line to the reading in the recorder's channel, on a busy machine.
const ON_THE_WIRE_MS: i64 = 20;
