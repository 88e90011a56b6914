//! Calendar: from shifts by the clock on the wall to moments. It cuts time into slots (clock hours, cut at shift borders: the
//! extent of a cell) and says of each moment whether the machine was to work.
//!
//! A shift belongs to the date on which it starts (R9); times of day are local, moments are UTC (R8).

use jiff::Timestamp as JiffTimestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::cell::{Duty, ShiftRef};
use crate::config::{Schedule, Shift, Span, Tariff, is_meant};
use crate::model::Timestamp;

/// Shifts, breaks, production days, tariffs of one device.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    day_start: Time,
    holidays: Vec<Date>,
    extra_days: Vec<Date>,
    shifts: Vec<Shift>,
    /// On certain days.
    planned_stops: Vec<(i64, i64)>,
    tariffs: Vec<Tariff>,
}

/// A shift of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Which.
    pub shift: ShiftRef,
    /// First moment.
    pub start: Timestamp,
    /// First moment behind it.
    pub end: Timestamp,
    /// Breaks and planned stops within it, by their start; a break outranks a planned stop.
    pub stops: Vec<(Timestamp, Timestamp, Duty)>,
}

/// The extent of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// First moment.
    pub start: Timestamp,
    /// First moment behind it.
    pub end: Timestamp,
    /// Start of the clock hour in which it lies.
    pub hour: Timestamp,
    /// Local date.
    pub date: Date,
    /// The shift, if any.
    pub shift: Option<ShiftRef>,
    /// What the plan says, tiling the slot.
    pub duties: Vec<(Timestamp, Timestamp, Duty)>,
}

const HOUR_MS: i64 = 3_600_000;

impl Calendar {
    /// What the schedule says of a device.
    pub fn new(schedule: &Schedule, timezone: &str, device: &str) -> Calendar {
        let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC); // `check` refuses zones that it does not know
        let moment = |at: DateTime| moment(&zone, at);
        let stops = schedule.planned_stops.iter().filter(|stop| is_meant(&stop.devices, device));
        Calendar {
            day_start: schedule.day_start,
            holidays: schedule.holidays.clone(),
            extra_days: schedule.extra_days.clone(),
            shifts: schedule.shifts.iter().filter(|shift| is_meant(&shift.devices, device)).cloned().collect(),
            planned_stops: stops.map(|stop| (moment(stop.from), moment(stop.to))).collect(),
            tariffs: schedule.tariffs.clone(),
            zone,
        }
    }

    /// The shifts that touch `[from, to)`, in their order.
    pub fn turns(&self, from: Timestamp, to: Timestamp) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut date = self.date_of(from).yesterday().unwrap_or(Date::MIN); // a shift may have begun the day before
        let last = self.date_of(to);
        while date <= last {
            let of_date = self.shifts.iter().filter(|shift| self.takes_place(shift, date));
            turns.extend(of_date.map(|shift| self.turn(shift, date)).filter(|turn| turn.start < to && turn.end > from));
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        turns.sort_by_key(|turn| turn.start);
        turns
    }

    /// The slot with `start <= at < end`.
    pub fn slot(&self, at: Timestamp) -> Slot {
        let offset_ms = i64::from(self.zone.to_offset(instant(at)).seconds()) * 1_000;
        let hour = Timestamp((at.0 + offset_ms).div_euclid(HOUR_MS) * HOUR_MS - offset_ms);
        let (mut start, mut end) = (hour, Timestamp(hour.0 + HOUR_MS));
        let turns = self.turns(start, end);
        for border in turns.iter().flat_map(|turn| [turn.start, turn.end]) {
            if border <= at {
                start = start.max(border);
            } else {
                end = end.min(border);
            }
        }
        let turn = turns.iter().find(|turn| turn.start <= at && at < turn.end);
        let duties = match turn {
            None => vec![(start, end, Duty::Free)],
            Some(turn) => duties(&turn.stops, start, end),
        };
        Slot { start, end, hour, date: self.date_of(start), shift: turn.map(|turn| turn.shift.clone()), duties }
    }

    /// The slot that a sample belongs to: `start < at <= end` (A28).
    pub fn slot_of_sample(&self, at: Timestamp) -> Slot {
        self.slot(Timestamp(at.0 - 1))
    }

    /// The local date of a moment.
    pub fn date_of(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(instant(at)).date()
    }

    /// First moment of a local date.
    pub fn midnight(&self, date: Date) -> Timestamp {
        Timestamp(moment(&self.zone, date.to_datetime(Time::midnight())))
    }

    /// The tariff of energy whose later sample is at `at`: that of the moment before. Empty where there is none.
    pub fn tariff(&self, at: Timestamp) -> &str {
        let local = self.zone.to_datetime(instant(Timestamp(at.0 - 1)));
        let of_month = |tariff: &&Tariff| tariff.months.is_empty() || tariff.months.contains(&local.month());
        let holds = |tariff: &&Tariff| tariff.times.iter().any(|span| span.holds(local.time()));
        self.tariffs.iter().filter(of_month).find(holds).map_or("", |tariff| tariff.name.as_str())
    }

    /// The last `count` local dates before `until`, the newest first, on which a shift starts (A10).
    pub fn working_days_before(&self, until: Date, count: usize) -> Vec<Date> {
        /// Ten years without a shift: there will be none.
        const FARTHEST: usize = 3_660;
        let days = std::iter::successors(until.yesterday().ok(), |date| date.yesterday().ok()).take(FARTHEST);
        days.filter(|date| self.shifts.iter().any(|shift| self.takes_place(shift, *date))).take(count).collect()
    }

    fn takes_place(&self, shift: &Shift, date: Date) -> bool {
        let is_usual = shift.days.contains(&date.weekday()) && !self.holidays.contains(&date);
        is_usual || self.extra_days.contains(&date)
    }

    fn turn(&self, shift: &Shift, date: Date) -> Turn {
        let next = date.tomorrow().unwrap_or(date);
        let end_date = if shift.end > shift.start { date } else { next };
        let at = |date: Date, time: Time| moment(&self.zone, date.to_datetime(time));
        let (start, end) = (at(date, shift.start), at(end_date, shift.end));
        let span = |span: &Span| {
            let from_date = if span.from >= shift.start { date } else { next };
            let to_date = if span.to > span.from { from_date } else { from_date.tomorrow().unwrap_or(from_date) };
            (at(from_date, span.from), at(to_date, span.to))
        };
        let breaks = shift.breaks.iter().map(|it| (span(it), Duty::Break));
        let daily = shift.planned_stops.iter().map(|it| (span(it), Duty::PlannedStop));
        let dated = self.planned_stops.iter().map(|it| (*it, Duty::PlannedStop));
        let mut stops: Vec<_> = breaks
            .chain(daily)
            .chain(dated)
            .map(|((from, to), duty)| (Timestamp(from.max(start)), Timestamp(to.min(end)), duty))
            .filter(|(from, to, _)| from < to)
            .collect();
        stops.sort();
        let shift = ShiftRef { name: shift.name.clone(), date, production_day: self.production_day(date, shift.start) };
        Turn { shift, start: Timestamp(start), end: Timestamp(end), stops }
    }

    fn production_day(&self, date: Date, time: Time) -> Date {
        if time < self.day_start { date.yesterday().unwrap_or(date) } else { date }
    }
}

impl Span {
    /// Whether a time of day lies in it.
    pub fn holds(&self, time: Time) -> bool {
        if self.from < self.to { self.from <= time && time < self.to } else { time >= self.from || time < self.to }
    }
}

/// Tiles `[start, end)` with work and the stops in it.
fn duties(
    stops: &[(Timestamp, Timestamp, Duty)],
    start: Timestamp,
    end: Timestamp,
) -> Vec<(Timestamp, Timestamp, Duty)> {
    let mut borders: Vec<Timestamp> = stops.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    borders.retain(|border| start < *border && *border < end);
    borders.extend([start, end]);
    borders.sort_unstable();
    borders.dedup();
    let mut tiles: Vec<(Timestamp, Timestamp, Duty)> = Vec::new();
    for (from, to) in borders.iter().zip(borders.iter().skip(1)) {
        let here = stops.iter().filter(|(a, b, _)| a <= from && to <= b).map(|stop| stop.2);
        let duty = here.min().unwrap_or(Duty::Work); // a break comes before a planned stop
        match tiles.last_mut() {
            Some(last) if last.2 == duty => last.1 = *to,
            _ => tiles.push((*from, *to, duty)),
        }
    }
    tiles
}

fn moment(zone: &TimeZone, at: DateTime) -> i64 {
    // A time that a change of the clocks leaves out is the one after it, as people mean it.
    at.to_zoned(zone.clone()).map_or(0, |zoned| zoned.timestamp().as_millisecond())
}

fn instant(at: Timestamp) -> JiffTimestamp {
    JiffTimestamp::from_millisecond(at.0).unwrap_or(JiffTimestamp::UNIX_EPOCH)
}
