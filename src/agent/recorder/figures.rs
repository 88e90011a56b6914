//! Figures of a device over a period, as they are published: from its cells to an event. Pure.

use std::borrow::Cow;

use jiff::civil::Date;

use super::Machine;
use crate::indicator::formula::{self, VERSION};
use crate::indicator::{Calendar, Cell, Figure, Gathered, Period, Ratio};
use crate::model::{FigureReport, IndicatorReport, PeriodReport, State, StopReport, Timestamp};

/// Causes that are told, those that took longest: the others stand in reports.
const MOST_STOPS: usize = 20;

/// A period that is over, and its extent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Over {
    pub period: Period,
    pub start: Timestamp,
    pub end: Timestamp,
    /// When all of it is known: the last shift of a month ends in the next one, and counts into the month in which it began (A11).
    pub known: Timestamp,
}

/// The periods in which this cell lies.
pub(super) fn periods_of(cell: &Cell, calendar: &Calendar) -> Vec<Over> {
    let mut periods = Vec::new();
    if let Some(shift) = &cell.shift
        && let Some(turn) = calendar.turns(cell.start, cell.end).into_iter().find(|turn| turn.shift == *shift)
    {
        let period = Period::Shift { name: shift.name.clone(), date: shift.date };
        periods.push(Over { period, start: turn.start, end: turn.end, known: turn.end });
    }
    if let Ok(next) = cell.date.tomorrow() {
        let (start, end) = (calendar.midnight(cell.date), calendar.midnight(next));
        periods.push(Over { period: Period::Day(cell.date), start, end, known: end });
    }
    let by_shift = cell.shift.as_ref().map(|shift| shift.date.first_of_month());
    let by_calendar = cell.date.first_of_month();
    periods.extend(by_shift.filter(|first| *first != by_calendar).and_then(|first| month(first, calendar)));
    periods.extend(month(by_calendar, calendar));
    periods
}

fn month(first: Date, calendar: &Calendar) -> Option<Over> {
    let next = first.last_of_month().tomorrow().ok()?;
    let (start, end) = (calendar.midnight(first), calendar.midnight(next));
    let over_midnight = calendar.turns(Timestamp(end.0 - 1), end).into_iter().filter(|turn| turn.shift.date < next);
    let known = over_midnight.map(|turn| turn.end).max().unwrap_or(end).max(end);
    Some(Over { period: Period::Month(first), start, end, known })
}

/// From where to where the cells of a period lie: the last shift of a month ends in the next one.
pub(super) fn reach(over: &Over) -> (Timestamp, Timestamp) {
    const DAY_MS: i64 = 86_400_000;
    match over.period {
        Period::Month(_) => (over.start, Timestamp(over.end.0 + DAY_MS)),
        _ => (over.start, over.end),
    }
}

/// The event.
pub(super) fn report(machine: &Machine, over: &Over, gathered: &Gathered) -> IndicatorReport {
    let figures = formula::device(gathered);
    let (kind, name, date) = match &over.period {
        Period::Shift { name, date } => ("shift", Some(name.clone()), date),
        Period::ProductionDay(day) => ("production_day", None, day),
        Period::Day(day) => ("day", None, day),
        Period::Month(first) => ("month", None, first),
    };
    let sums = &gathered.by_calendar;
    let mut stops: Vec<StopReport> = Vec::new();
    for stop in gathered.by_shift.stops.iter().filter(|stop| stop.count > 0 || stop.ms > 0) {
        let cause = if machine.hides_causes { "" } else { stop.cause.as_str() };
        match stops.iter_mut().find(|known| known.state == stop.state && known.cause == cause) {
            Some(known) => (known.count, known.ms) = (known.count + stop.count, known.ms + stop.ms),
            None => stops.push(StopReport {
                state: stop.state,
                cause: cause.into(),
                text: machine.causes.get(cause).cloned().unwrap_or_default(),
                count: stop.count,
                ms: stop.ms,
            }),
        }
    }
    stops.sort_by(|a, b| b.ms.cmp(&a.ms).then(b.count.cmp(&a.count)));
    stops.truncate(MOST_STOPS);
    let first = figures.first();
    IndicatorReport {
        device: machine.plan.device.to_string(),
        period: PeriodReport { kind: kind.into(), name, date: date.to_string(), start: over.start.0, end: over.end.0 },
        revision: gathered.revision,
        quality: first.and_then(|it| it.quality.as_str()).map(Cow::Borrowed),
        coverage: first.and_then(|it| it.coverage).map(|known| known.0 as f64 / 1e6),
        flags: first.map(|it| it.flags.words()).unwrap_or_default().into_iter().map(Cow::Borrowed).collect(),
        time_ms: State::ALL.map(|state| (Cow::Borrowed(state.as_str()), sums.time.lived(state))).into(),
        // What cannot be known is not told: a device without a meter has no energy.
        figures: figures
            .iter()
            .filter(|it| it.numerator.is_some())
            .map(|it| figure(it, machine.plan.counted_in))
            .collect(),
        stops,
        formula: VERSION.into(),
    }
}

fn figure(figure: &Figure, counted_in: &str) -> (Cow<'static, str>, FigureReport) {
    let Figure { formula, numerator, denominator, value, .. } = figure;
    let report = FigureReport {
        id: formula.id.into(),
        value: value.map(|value| value.0 as f64 / 1e6),
        num: numerator.map(decimal),
        den: denominator.map(decimal),
        units: formula.units_in(counted_in),
    };
    (formula.name.into(), report)
}

/// With six decimals where there is room for them; a product of many milliseconds and pieces has none, and needs none.
fn decimal(ratio: Ratio) -> f64 {
    ratio.rounded().map_or(ratio.num() as f64 / ratio.den() as f64, |rounded| rounded.0 as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::indicator::{Amount, Duty, Plan};

    fn plan() -> Plan {
        let text = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
                    [[shift]]\nname = \"night\"\nstart = \"20:00\"\nend = \"08:00\"\n\
                    [[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\n\
                    tags = [{ name = \"run\", address = \"coil:0\", type = \"bool\", role = \"state.run\" }]\n";
        let config = Config::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        Plan::all(&config).remove(0)
    }

    /// The cell of 2026-03-31 at 23:00.
    fn last_hour_of_march(plan: &Plan) -> Cell {
        let slot = plan.calendar.slot(Timestamp(1_774_969_200_000));
        Cell::new("m", slot.start, slot.end, slot.date, slot.shift)
    }

    #[test]
    fn a_cell_lies_in_its_shift_its_day_and_its_month() {
        let plan = plan();
        let cell = last_hour_of_march(&plan);
        let periods = periods_of(&cell, &plan.calendar);
        let ends: Vec<_> = periods.iter().map(|over| (over.end.0 - cell.end.0) / 3_600_000).collect();
        assert_eq!(ends, [8, 0, 0], "{periods:?}");
        let known: Vec<_> = periods.iter().map(|over| (over.known.0 - cell.end.0) / 3_600_000).collect();
        assert_eq!(known, [8, 0, 8], "March waits for its last shift: {periods:?}");
        assert_eq!(periods[0].start.0, cell.start.0 - 3 * 3_600_000);
        assert_eq!(reach(&periods[2]).1.0 - cell.end.0, 86_400_000, "a shift of March ends in April");
    }

    #[test]
    fn the_hours_after_midnight_of_a_months_last_shift_count_into_both_months() {
        let plan = plan();
        let slot = plan.calendar.slot(Timestamp(1_774_969_200_000 + 8 * 3_600_000)); // 07:00 on 1 April
        let cell = Cell::new("m", slot.start, slot.end, slot.date, slot.shift);
        let periods = periods_of(&cell, &plan.calendar);
        let march = Period::Month(jiff::civil::date(2026, 3, 1));
        let over = periods.iter().find(|over| over.period == march).unwrap_or_else(|| panic!("{periods:?}"));
        assert_eq!(over.known, cell.end, "and this is the last of March");
        assert!(periods.iter().any(|over| over.period == Period::Month(jiff::civil::date(2026, 4, 1))), "{periods:?}");
    }

    #[test]
    fn a_report_says_what_can_be_known_and_hides_causes_that_must_not_leave() {
        let plan = plan();
        let mut cell = last_hour_of_march(&plan);
        cell.sums.time.put(State::Run, Duty::Work, 2_700_000);
        cell.sums.time.put(State::Fault, Duty::Work, 900_000);
        cell.sums.energy.total = Amount::whole(5);
        for cause in ["E1", "E2"] {
            let stop = cell.sums.stop_of(State::Fault, cause);
            (stop.count, stop.ms) = (1, 450_000);
        }
        cell.sums.flags = plan.flags;
        let over = &periods_of(&cell, &plan.calendar)[0];
        let gathered = over.period.gather([&cell]);
        let mut machine = Machine {
            plan: plan.into(),
            hides_causes: false,
            causes: [("E1".into(), "缺料".into())].into(),
            may_come_late: false,
        };
        let told = report(&machine, over, &gathered);
        assert_eq!(told.figures["availability"].value, Some(0.75));
        assert_eq!((told.figures["availability"].num, told.figures["availability"].den), (Some(2.7e6), Some(3.6e6)));
        assert!(!told.figures.contains_key("energy"), "there is no meter");
        assert_eq!(told.time_ms["fault"], 900_000);
        let texts: Vec<_> = told.stops.iter().map(|stop| (stop.cause.as_str(), stop.text.as_str())).collect();
        assert_eq!(texts, [("E1", "缺料"), ("E2", "")], "the code beside what it means");
        machine.hides_causes = true;
        let hidden = report(&machine, over, &gathered).stops;
        let (cause, text) = (String::new(), String::new());
        assert_eq!(hidden, [StopReport { state: State::Fault, cause, text, count: 2, ms: 900_000 }]);
        let json = serde_json::to_string(&told).expect("a report is JSON");
        assert_eq!(serde_json::from_str::<IndicatorReport>(&json).expect("it reads back"), told);
        assert!(json.len() < 6_000, "{} bytes", json.len());
    }
}
