//! Machine: from the state moment by moment to events: intervals with their causes, micro-stops (A7), failures (A8).
//!
//! What is fed here is final and comes in the order of time, in pieces of any size.

use serde::{Deserialize, Serialize};

use super::cell::{Duty, Stop};
use super::interval::{Interval, MICROSTOP};
use super::shelf::Shelf;
use crate::model::{State, Timestamp};

/// Causes of one hour that are told apart; the time of further ones has none. A text with a time in it is no cause.
const MOST_CAUSES: usize = 200;

/// A while in one state under one duty, within one cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) state: State,
    pub(super) duty: Duty,
    /// Start of the cell.
    pub(super) cell: i64,
}

/// What the machine and its operator say of causes, at the start of a piece.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Causes {
    pub(super) code: String,
    pub(super) reason: String,
}

/// What is to be known of the device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) device: &'a str,
    pub(super) microstop_ms: i64,
    pub(super) min_failure_ms: i64,
    pub(super) is_inferred: bool,
}

/// The events in progress.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    open: Option<Open>,
    /// What it did before.
    before: Option<State>,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    state: State,
    start: i64,
    end: i64,
    event_id: i64,
    cause: String,
    /// Whether the stop was counted in some cell.
    is_counted: bool,
    /// Working milliseconds that are not charged to a cause yet, by cell.
    uncharged: Vec<(i64, u64)>,
}

/// One fault, be it interrupted by gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fault {
    id: i64,
    cell: i64,
    cause: String,
    total_ms: i64,
    is_failure: bool,
    is_counted_as_stop: bool,
    /// Until it is a failure: its milliseconds in working time, by cell.
    uncharged: Vec<(i64, u64)>,
}

/// What a piece, or a settled cell, brings.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) ended: Option<Interval>,
    /// Whether the fault that cells were held for is judged.
    pub(super) is_judged: bool,
}

impl Machine {
    /// The interval in progress.
    pub(super) fn open(&self, limits: &Limits<'_>) -> Option<Interval> {
        self.open.as_ref().map(|open| open.interval(limits))
    }

    /// Goes on by a piece.
    pub(super) fn advance(&mut self, piece: Piece, causes: &Causes, limits: &Limits<'_>, shelf: &mut Shelf) -> Outcome {
        let mut outcome = Outcome::default();
        if self.open.as_ref().is_some_and(|open| open.state != piece.state) {
            outcome.ended = self.end(Some(piece.state), limits, shelf);
        }
        if !matches!(piece.state, State::Fault | State::Unknown) {
            outcome.is_judged = self.fault.take().is_some();
        }
        if self.open.is_none() {
            self.open = Some(self.begin(&piece));
        }
        let ms = piece.end - piece.start;
        let working = u64::try_from(ms).ok().filter(|_| piece.duty == Duty::Work);
        if let Some(open) = &mut self.open {
            open.end = piece.end;
            if open.cause.is_empty() {
                open.cause = causes.of(piece.state).to_owned();
            }
            if let Some(ms) = working.filter(|_| is_stop(piece.state)) {
                charge(&mut open.uncharged, piece.cell, ms);
            }
        }
        if let (State::Fault, Some(fault)) = (piece.state, &mut self.fault) {
            fault.total_ms += ms;
            if let Some(ms) = working {
                charge(&mut fault.uncharged, piece.cell, ms);
            }
            if !fault.is_failure && fault.total_ms >= limits.min_failure_ms {
                fault.is_failure = true;
                if let Some(cell) = shelf.cell(fault.cell) {
                    cell.sums.failures += 1;
                }
                outcome.is_judged = true;
            }
            if fault.is_failure {
                for (cell, ms) in fault.uncharged.drain(..) {
                    if let Some(cell) = shelf.cell(cell) {
                        cell.sums.ttr += ms;
                    }
                }
            }
        }
        outcome
    }

    /// A cell is settled: what is known of its stops by now is what will be said. `true`: a fault in it is not judged yet.
    pub(super) fn settle(&mut self, cell: i64, shelf: &mut Shelf) -> bool {
        if let Some(open) = &mut self.open
            && open.uncharged.iter().any(|(of, _)| *of == cell)
        {
            open.charge_all(shelf);
            if let Some(fault) = self.fault.as_mut().filter(|_| open.state == State::Fault) {
                fault.is_counted_as_stop |= open.is_counted;
            }
        }
        let touches = |fault: &&Fault| fault.cell == cell || fault.uncharged.iter().any(|(of, _)| *of == cell);
        self.fault.as_ref().filter(touches).is_some_and(|fault| !fault.is_failure)
    }

    /// Nothing follows: ends the interval in progress.
    pub(super) fn finish(&mut self, limits: &Limits<'_>, shelf: &mut Shelf) -> Option<Interval> {
        self.end(None, limits, shelf)
    }

    fn begin(&mut self, piece: &Piece) -> Open {
        let (mut event_id, mut cause, mut is_counted) = (piece.start, String::new(), false);
        if piece.state == State::Fault {
            let fault = self.fault.get_or_insert_with(|| Fault {
                id: piece.start,
                cell: piece.cell,
                cause: String::new(),
                total_ms: 0,
                is_failure: false,
                is_counted_as_stop: false,
                uncharged: Vec::new(),
            });
            (event_id, cause, is_counted) = (fault.id, fault.cause.clone(), fault.is_counted_as_stop);
        }
        let (state, start, end) = (piece.state, piece.start, piece.end);
        Open { state, start, end, event_id, cause, is_counted, uncharged: Vec::new() }
    }

    /// Ends the interval in progress.
    fn end(&mut self, next: Option<State>, limits: &Limits<'_>, shelf: &mut Shelf) -> Option<Interval> {
        let mut open = self.open.take()?;
        let is_between_runs = self.before == Some(State::Run) && next == Some(State::Run);
        if open.state == State::Idle && is_between_runs && open.end - open.start < limits.microstop_ms {
            open.cause = MICROSTOP.to_owned();
        }
        open.charge_all(shelf);
        if let Some(fault) = self.fault.as_mut().filter(|_| open.state == State::Fault) {
            fault.cause.clone_from(&open.cause);
            fault.is_counted_as_stop |= open.is_counted;
        }
        self.before = Some(open.state);
        Some(open.interval(limits))
    }
}

impl Open {
    fn interval(&self, limits: &Limits<'_>) -> Interval {
        Interval {
            device: limits.device.to_owned(),
            state: self.state,
            cause: self.cause.clone(),
            start: Timestamp(self.start),
            end: Timestamp(self.end),
            event_id: self.event_id,
            is_inferred: limits.is_inferred,
            reclassified_by: None,
            cause_before: None,
        }
    }

    /// Charges the stop so far to its cause, and counts it where its working time began.
    fn charge_all(&mut self, shelf: &mut Shelf) {
        for (start, ms) in self.uncharged.drain(..) {
            if let Some(cell) = shelf.cell(start) {
                let is_known = |stop: &Stop| stop.state == self.state && stop.cause == self.cause;
                let has_room = cell.sums.stops.len() < MOST_CAUSES || cell.sums.stops.iter().any(is_known);
                let stop = cell.sums.stop_of(self.state, if has_room { &self.cause } else { "" });
                stop.ms += ms;
                stop.count += u32::from(!self.is_counted);
            }
            self.is_counted = true;
        }
    }
}

impl Causes {
    /// The cause of a stop of this kind: of a fault the machine's code before the operator's reason.
    pub(super) fn of(&self, state: State) -> &str {
        match state {
            State::Fault if self.code.is_empty() => &self.reason,
            State::Fault => &self.code,
            State::Idle | State::Setup | State::Maint => &self.reason,
            State::Run | State::Off | State::Unknown => "",
        }
    }
}

fn is_stop(state: State) -> bool {
    matches!(state, State::Idle | State::Fault)
}

fn charge(by_cell: &mut Vec<(i64, u64)>, cell: i64, ms: u64) {
    match by_cell.last_mut() {
        Some((of, sum)) if *of == cell => *sum += ms,
        _ => by_cell.push((cell, ms)),
    }
}
