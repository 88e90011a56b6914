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
        let zone = crate::model::zone(timezone).unwrap_or(TimeZone::UTC); // `check` refuses zones that it does not know
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
    JiffTimestamp::from_millisecond(at.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::bench::{EIGHT_PM, MINUTE, config};
    use jiff::civil::date;

    const MORE: &str = r#"
[calendar]
day_start = "07:30"
holidays = ["2026-03-04/2026-03-05"]
extra_days = ["2026-03-08"]
[[shift]]
name = "early"
start = "06:10"
end = "14:10"
days = ["mon-sat"]
breaks = ["10:00-10:15"]
planned_stops = ["10:10-10:30"]
[[planned_stop]]
from = "2026-03-03 13:50"
to = "2026-03-03 15:00"
[[tariff]]
name = "peak"
times = ["08:00-22:00"]
[[tariff]]
name = "valley"
times = ["22:00-08:00"]
"#;

    fn calendar() -> Calendar {
        let config = config("", MORE);
        Calendar::new(&config.schedule, &config.workshop.timezone, "m")
    }

    /// A time of 2026-03-03.
    fn at(hour: i64, minute: i64) -> Timestamp {
        Timestamp(EIGHT_PM + (4 + hour) * 60 * MINUTE + minute * MINUTE)
    }

    #[test]
    fn hours_are_cut_at_shift_borders_and_a_sample_belongs_to_the_slot_that_it_ends() {
        let calendar = calendar();
        let slot = calendar.slot(at(6, 30));
        assert_eq!((slot.start, slot.end, slot.hour), (at(6, 10), at(7, 0), at(6, 0)));
        let shift = slot.shift.expect("it is the early shift");
        assert_eq!((shift.date, shift.production_day), (date(2026, 3, 3), date(2026, 3, 2)), "before the day starts");
        let before = calendar.slot_of_sample(at(6, 10));
        assert_eq!((before.start, before.end, before.shift), (at(6, 0), at(6, 10), None));
        assert_eq!(calendar.slot(at(0, 0)).date, date(2026, 3, 3));
        assert_eq!(calendar.slot_of_sample(at(0, 0)).date, date(2026, 3, 2));
        assert_eq!(calendar.midnight(date(2026, 3, 3)), at(0, 0));
    }

    #[test]
    fn a_break_comes_before_a_planned_stop_and_both_end_with_the_shift() {
        let calendar = calendar();
        let ten = calendar.slot(at(10, 0)).duties;
        let expected = [
            (at(10, 0), at(10, 15), Duty::Break),
            (at(10, 15), at(10, 30), Duty::PlannedStop),
            (at(10, 30), at(11, 0), Duty::Work),
        ];
        assert_eq!(ten, expected);
        assert_eq!(calendar.slot(at(14, 0)).duties, [(at(14, 0), at(14, 10), Duty::PlannedStop)]);
        assert_eq!(calendar.slot(at(14, 10)).duties, [(at(14, 10), at(15, 0), Duty::Free)]);
    }

    #[test]
    fn holidays_have_no_shifts_and_extra_days_have_all() {
        let days = calendar().working_days_before(date(2026, 3, 10), 6);
        let expected = [9, 8, 7, 6, 3, 2].map(|day| date(2026, 3, day));
        assert_eq!(days, expected, "the 4th and 5th are holidays, the 8th is a Sunday that is worked");
    }

    #[test]
    fn energy_is_of_the_tariff_before_its_later_sample() {
        let calendar = calendar();
        assert_eq!(
            [calendar.tariff(at(8, 0)), calendar.tariff(at(8, 1)), calendar.tariff(at(22, 0))],
            ["valley", "peak", "peak"]
        );
    }

    #[test]
    fn twenty_of_thirty_scheduled_days_are_enough_and_two_thirds_of_a_newer_machine() {
        use crate::indicator::ledger::has_enough_days;
        let calendar = calendar();
        let last = date(2026, 7, 31);
        let days = calendar.working_days_before(date(2026, 8, 1), 30);
        let is_good = |count: usize| {
            let good = days[30 - count..].to_vec();
            move |day: Date| good.contains(&day)
        };
        assert!(
            has_enough_days(&calendar, None, last, is_good(20)) && !has_enough_days(&calendar, None, last, is_good(19))
        );
        let newer = Some(days[6]); // seven days: five of them
        let of_newer = |count: usize| {
            let good = days[..count].to_vec();
            move |day: Date| good.contains(&day)
        };
        assert!(has_enough_days(&calendar, newer, last, of_newer(5)));
        assert!(!has_enough_days(&calendar, newer, last, of_newer(4)));
        assert!(!has_enough_days(&calendar, Some(date(2026, 8, 1)), last, |_| true), "not in the ledger yet");
    }
}
