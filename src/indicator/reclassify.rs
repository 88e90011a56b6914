//! An operator says afterwards that a stop was planned (R18, A27). Only idle time becomes planned maintenance, only within a day, and
//! only the planned busy time changes by it; whoever calls this writes the audit entry.

use super::calendar::{Calendar, Slot};
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
    let counted = working_from(interval, calendar);
    let mut at = interval.start;
    while at < interval.end {
        let slot = calendar.slot(at);
        let cell = cells.iter().find(|cell| cell.start == slot.start && cell.end == slot.end);
        let mut cell = cell.ok_or(Refusal::OtherCells)?.clone();
        move_part(&mut cell, &slot, interval, &interval.cause, counted).ok_or(Refusal::OtherCells)?;
        cell.revision += 1;
        changed.push(cell);
        at = slot.end;
    }
    let interval = Interval {
        state: State::Maint,
        cause: reason.to_owned(),
        reclassified_by: Some(by.to_owned()),
        cause_before: Some(interval.cause.clone()),
        ..interval.clone()
    };
    Ok(Reclassified { interval, cells: changed })
}

/// What an engine tells knows nothing of what people said afterwards. Here it is said again: of the log, idle time within a stop that was
/// called planned is planned; what sticks out of it on either side is not.
pub fn replan_log(log: Vec<Interval>, planned: &[Interval]) -> Vec<Interval> {
    let mut out = Vec::with_capacity(log.len());
    for interval in log {
        let mut rest = interval;
        let of_it = planned.iter().filter(|it| it.reclassified_by.is_some());
        for (by, part) in of_it.filter_map(|it| Some((it, rest_within(&rest, it)?))).collect::<Vec<_>>() {
            out.extend(rest.within(rest.start, part.start));
            out.push(part.as_planned(by));
            let Some(behind) = rest.within(part.end, rest.end) else {
                rest.end = rest.start; // all of it is told
                break;
            };
            rest = behind;
        }
        if rest.start < rest.end {
            out.push(rest);
        }
    }
    out
}

/// The same of a cell. `log`: the state log as the engine told it, as far as it was told anew; stops before it are as they were.
pub fn replan(cell: &Cell, planned: &[Interval], log: &[Interval], calendar: &Calendar) -> Cell {
    let anew_from = log.first().map_or(Timestamp(i64::MAX), |first| first.start);
    let before = planned.iter().filter(|it| it.reclassified_by.is_some() && it.end <= anew_from);
    let before = before.map(|it| (it.as_idle(), it.clone()));
    let anew = log.iter().flat_map(|idle| planned.iter().filter_map(|it| Some((idle.clone(), rest_within(idle, it)?))));
    let slot = calendar.slot(cell.start);
    let mut replanned = cell.clone();
    for (whole, part) in before.chain(anew).filter(|(_, part)| part.within(cell.start, cell.end).is_some()) {
        let counted = working_from(&whole, calendar);
        let mut changed = replanned.clone();
        // A cell that holds no such idle time is left as it is.
        if move_part(&mut changed, &slot, &part, &whole.cause, counted).is_some() {
            replanned = changed;
        }
    }
    replanned
}

fn rest_within(idle: &Interval, planned: &Interval) -> Option<Interval> {
    let is_meant = idle.state == State::Idle && planned.reclassified_by.is_some();
    idle.within(planned.start, planned.end).filter(|_| is_meant)
}

/// The moment at which the working time of a stop begins: there it was counted.
fn working_from(stop: &Interval, calendar: &Calendar) -> Option<Timestamp> {
    let mut at = stop.start;
    while at < stop.end {
        let slot = calendar.slot(at);
        let mut work = slot.duties.iter().filter(|(_, _, duty)| *duty == Duty::Work);
        if let Some(part) = work.find_map(|(from, to, _)| stop.within(*from, *to)) {
            return Some(part.start);
        }
        at = slot.end;
    }
    None
}

/// What of a part of a stop lies in this cell becomes planned; `None`: the cell holds no such idle time.
fn move_part(cell: &mut Cell, slot: &Slot, part: &Interval, cause: &str, counted: Option<Timestamp>) -> Option<()> {
    for (from, to, duty) in &slot.duties {
        let Some(part) = part.within(*from, *to) else { continue };
        let idle = &mut cell.sums.time.0[State::Idle as usize][*duty as usize];
        *idle = idle.checked_sub(part.ms())?;
        cell.sums.time.put(State::Maint, *duty, part.ms());
        if *duty == Duty::Work {
            let stop = cell.sums.stop_of(State::Idle, cause);
            stop.ms = stop.ms.checked_sub(part.ms())?;
            let is_counted = counted.is_some_and(|at| part.start <= at && at < part.end);
            stop.count -= u32::from(is_counted && stop.count > 0);
        }
    }
    cell.sums.stops.retain(|stop| stop.count > 0 || stop.ms > 0);
    cell.sums.flags.raise(Flags::RECLASSIFIED);
    Some(())
}
