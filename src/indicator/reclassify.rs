//! An operator says afterwards that a stop was planned (R18, A27). Only idle time becomes planned maintenance, only within a day, and
//! only the planned busy time changes by it; whoever calls this writes the audit entry.

use super::calendar::Calendar;
use super::cell::{Cell, Duty};
use super::flags::Flags;
use super::interval::Interval;
use crate::model::{State, Timestamp};

/// What becomes of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reclassified {
    /// The interval as it is now.
    pub interval: Interval,
    /// The cells that changed, with their new revisions.
    pub cells: Vec<Cell>,
}

/// Why it cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It was not idle.
    NotIdle(State),
    /// It began more than a day ago.
    TooLate,
    /// It is planned already.
    Already,
    /// The cells do not hold so much idle time there.
    OtherCells,
}

/// From the start of a stop on.
const WITHIN_MS: i64 = 24 * 3_600_000;

/// Calls an interval of a device planned, for this reason, by this person. `cells` are those of the device that it touches.
pub fn reclassify(
    interval: &Interval,
    cells: &[Cell],
    calendar: &Calendar,
    (reason, by): (&str, &str),
    now: Timestamp,
) -> Result<Reclassified, Refusal> {
    match interval.state {
        State::Idle => {}
        State::Maint if interval.reclassified_by.is_some() => return Err(Refusal::Already),
        other => return Err(Refusal::NotIdle(other)),
    }
    if now.0 - interval.start.0 > WITHIN_MS {
        return Err(Refusal::TooLate);
    }
    let mut changed = Vec::new();
    let mut is_counted = false;
    let mut at = interval.start;
    while at < interval.end {
        let slot = calendar.slot(at);
        let cell = cells.iter().find(|cell| cell.start == slot.start && cell.end == slot.end);
        let mut cell = cell.ok_or(Refusal::OtherCells)?.clone();
        for (from, to, duty) in &slot.duties {
            let Some(part) = interval.within(*from, *to) else { continue };
            let idle = &mut cell.sums.time.0[State::Idle as usize][*duty as usize];
            *idle = idle.checked_sub(part.ms()).ok_or(Refusal::OtherCells)?;
            cell.sums.time.put(State::Maint, *duty, part.ms());
            if *duty == Duty::Work {
                let stop = cell.sums.stop_of(State::Idle, &interval.cause);
                stop.ms = stop.ms.checked_sub(part.ms()).ok_or(Refusal::OtherCells)?;
                // It was counted where its working time began.
                stop.count -= u32::from(!std::mem::replace(&mut is_counted, true) && stop.count > 0);
            }
        }
        cell.sums.stops.retain(|stop| stop.count > 0 || stop.ms > 0);
        cell.sums.flags.raise(Flags::RECLASSIFIED);
        cell.revision += 1;
        changed.push(cell);
        at = slot.end;
    }
    let interval = Interval {
        state: State::Maint,
        cause: reason.to_owned(),
        reclassified_by: Some(by.to_owned()),
        ..interval.clone()
    };
    Ok(Reclassified { interval, cells: changed })
}
