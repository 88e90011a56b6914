//! Figures of the cells, in the words that the recomputation uses too: for each period of each device, and of the workshop.

use std::collections::{BTreeMap, BTreeSet};

use cloudward::config::Config;
use cloudward::indicator::ledger::{Listed, Rates, has_enough_days, is_listed};
use cloudward::indicator::{Calendar, Cell, Duty, Period, Plan, Ratio, Site, Sums, formula};
use cloudward::model::{Delays, Route, State, Upload};
use jiff::civil::{Date, date};
use serde_json::{Map, Value, json};

use crate::plant::{DAY, MARCH};

/// Figures that the recomputation does not do: nothing in the month could tell them.
const LEFT_OUT: [&str; 3] = ["utilization", "first_pass_yield", "output_batches"];

/// Periods by their names in the comparison.
pub fn periods(cells: &[Cell], days: i64) -> BTreeMap<String, Period> {
    let first = date(2026, 3, 1);
    let is_in = |day: Date| first <= day && day < first.saturating_add(jiff::Span::new().days(days));
    let shifts: BTreeSet<_> = cells.iter().filter_map(|cell| cell.shift.clone()).filter(|it| is_in(it.date)).collect();
    let dates: BTreeSet<Date> = cells.iter().map(|cell| cell.date).filter(|date| is_in(*date)).collect();
    let mut periods = BTreeMap::new();
    for shift in shifts {
        let key = format!("shift {} {}", shift.date, shift.name);
        periods.insert(key, Period::Shift { name: shift.name, date: shift.date });
        periods.insert(format!("production {}", shift.production_day), Period::ProductionDay(shift.production_day));
    }
    periods.retain(|_, period| !matches!(period, Period::ProductionDay(day) if !is_in(*day)));
    periods.extend(dates.into_iter().map(|date| (format!("day {date}"), Period::Day(date))));
    if days == 31 {
        periods.insert("month 2026-03".to_owned(), Period::Month(first));
    }
    periods
}

/// Of one device.
pub fn device(cells: &[Cell], days: i64) -> Value {
    let mut of_periods = Map::new();
    for (key, period) in periods(cells, days) {
        let gathered = period.gather(cells);
        let mut figures = Map::new();
        for figure in formula::device(&gathered) {
            if LEFT_OUT.contains(&figure.formula.name) {
                continue;
            }
            let shown = figure.value.map(|value| value.to_string());
            figures.insert(figure.formula.name.to_owned(), json!(shown));
        }
        let (by_shift, by_calendar) = (&gathered.by_shift, &gathered.by_calendar);
        let coverage = formula::Coverage::of(by_shift);
        figures.insert("quality_label".to_owned(), json!(coverage.quality.as_str()));
        figures.insert(
            "coverage_pbt".to_owned(),
            json!(coverage.of_pbt.and_then(|it| it.rounded()).map(|it| it.to_string())),
        );
        times(&mut figures, by_shift, by_calendar);
        of_periods.insert(key, Value::Object(figures));
    }
    Value::Object(of_periods)
}

fn times(figures: &mut Map<String, Value>, by_shift: &Sums, by_calendar: &Sums) {
    let mut put = |key: &str, value: Value| figures.insert(key.to_owned(), value);
    let time = &by_shift.time;
    put("ms.pbt", json!(time.pbt()));
    put("ms.scheduled", json!(time.scheduled()));
    put("ms.planned_stop", json!(time.planned_stop()));
    put("ms.ttr", json!(by_shift.ttr));
    for state in [State::Run, State::Idle, State::Setup, State::Fault, State::Off, State::Unknown] {
        put(&format!("ms.in_shift.{}", state.as_str()), json!(time.in_shift(state)));
    }
    for state in [State::Run, State::Idle, State::Setup, State::Fault, State::Maint, State::Off, State::Unknown] {
        put(&format!("ms.lived.{}", state.as_str()), json!(by_calendar.time.lived(state)));
        let energy = &by_calendar.energy;
        let kwh = energy.by_state[state as usize].ratio().over(Ratio::whole(1_000)).and_then(Ratio::rounded);
        let kwh = kwh.filter(|_| energy.is_metered).map(|it| it.to_string());
        put(&format!("kwh.{}", state.as_str()), json!(kwh));
    }
    put("ms.online", json!(by_calendar.online.iter().sum::<u64>()));
    put("ms.online_in_shift", json!(by_shift.online[Duty::Work as usize..].iter().sum::<u64>()));
    put("parts.gap", json!(by_shift.gap_pieces().0));
    put("counter.wraps", json!(by_shift.counters.wraps));
    put("counter.resets", json!(by_shift.counters.resets));
    put("counter.job_resets", json!(by_shift.counters.job_resets));
    let stops = by_shift.stops.iter().filter(|stop| stop.cause == "microstop");
    let (count, ms) = stops.fold((0, 0), |(count, ms), stop| (count + stop.count, ms + stop.ms));
    put("microstop.count", json!(count));
    put("microstop.ms", json!(ms));
    for stop in &by_shift.stops {
        let key = format!("stop.{}.{}", stop.state.as_str(), stop.cause);
        put(&format!("{key}.count"), json!(stop.count));
        put(&format!("{key}.ms"), json!(stop.ms));
    }
    for (name, wh) in &by_calendar.energy.by_tariff {
        let kwh = wh.ratio().over(Ratio::whole(1_000)).and_then(Ratio::rounded);
        put(&format!("kwh.tariff.{name}"), json!(kwh.map(|it| it.to_string())));
    }
    let water = by_calendar.media.get(&cloudward::config::Medium::Water).map_or(0, |amount| amount.0);
    put("water", json!(water));
    put("cycles.coarse", json!(by_shift.cycles.coarse));
    let cycles: BTreeMap<String, u64> =
        by_shift.cycles.rows().map(|(from, _, count)| (from.to_string(), count)).collect();
    put("cycles", json!(cycles));
    let times = &by_calendar.alarm_times;
    put("alarm.ms", json!(by_calendar.alarm_ms));
    for (key, count) in [
        ("cleared", times.cleared),
        ("clear_unknown", times.clear_unknown),
        ("acked", times.acked),
        ("ack_unknown", times.ack_unknown),
        ("unacked", times.unacked),
    ] {
        put(&format!("alarm.{key}"), json!(count));
    }
    put("alarm.clear_ms", json!(times.clear_ms));
    put("alarm.ack_ms", json!(times.ack_ms));
}

/// C4 and C5 of a device by day, of hours that begin in it.
pub fn uploads(rows: &BTreeMap<Route, Upload>, days: i64) -> Value {
    let of_day = |day: i64| {
        let (from, to) = (MARCH + day * DAY, MARCH + (day + 1) * DAY);
        let (mut due, mut acked, mut delays) = (0, 0, Delays::default());
        for (_, upload) in rows.iter().filter(|(route, _)| (from..to).contains(&route.hour.0)) {
            due += upload.due();
            acked += upload.acked;
            delays.add(&upload.delays);
        }
        let figures = json!({ "due": due, "acked": acked, "p50": delays.percentile(50), "p95": delays.percentile(95) });
        (format!("day {day}"), figures)
    };
    Value::Object((0..days).map(of_day).collect())
}

/// Of the workshop: machines by name, with their plans and cells.
pub fn site(machines: &[(std::sync::Arc<Plan>, Vec<Cell>)], days: i64) -> Value {
    let all: Vec<Cell> = machines.iter().flat_map(|(_, cells)| cells.iter().cloned()).collect();
    let mut of_periods = Map::new();
    for (key, period) in periods(&all, days) {
        let gathered: Vec<_> =
            machines.iter().map(|(plan, cells)| (&*plan.device, period.gather(cells).by_shift)).collect();
        let site = Site::of(gathered.iter().map(|(name, sums)| (*name, sums)));
        let figures = json!({
            "oee": site.oee.map(|it| it.to_string()),
            "ms.pbt": site.pbt,
            "coverage": site.coverage.of_pbt.and_then(|it| it.rounded()).map(|it| it.to_string()),
            "quality_label": site.coverage.quality.as_str(),
            "excluded": site.excluded.keys().collect::<Vec<_>>(),
        });
        of_periods.insert(key, figures);
    }
    Value::Object(of_periods)
}

/// The rates of the ledger on the last day. `good_days`: of each device, the local dates on which anything good was heard.
pub fn rates(
    config: &Config,
    good_days: &BTreeMap<String, BTreeSet<Date>>,
    cloud_days: &BTreeMap<String, BTreeSet<Date>>,
    days: i64,
) -> Value {
    let last = date(2026, 3, u8::try_from(days).unwrap().cast_signed());
    let listed = config.devices.iter().filter(|device| is_listed(&device.equipment, last));
    let listed: Vec<Listed> = listed
        .map(|device| {
            let equipment = &device.equipment;
            let calendar = Calendar::new(&config.schedule, &config.workshop.timezone, &device.id);
            let is_in = |days: &BTreeMap<String, BTreeSet<Date>>, day| {
                days.get(&*device.id).is_some_and(|days| days.contains(&day))
            };
            let has_enough = |of: &BTreeMap<String, BTreeSet<Date>>| {
                has_enough_days(&calendar, equipment.valid_from, last, |day| is_in(of, day))
            };
            Listed {
                is_digital: equipment.is_digital,
                is_networked: has_enough(good_days),
                is_clouded: has_enough(cloud_days),
                is_key_process: equipment.is_key_process,
                is_nc: equipment.is_nc,
            }
        })
        .collect();
    let rates = Rates::of(&listed);
    let shown = |rate: cloudward::indicator::ledger::Rate| {
        let value = rate.value().map(|it| it.to_string());
        json!({ "num": rate.num, "den": rate.den, "value": value, "band": rate.band().map(|it| it.letter().to_string()) })
    };
    json!({
        "L1": rates.total,
        "L2": shown(rates.digital),
        "L3": shown(rates.networked),
        "L3b": shown(rates.networked_of_digital),
        "L4": shown(rates.nc),
        "L5": shown(rates.clouded),
    })
}
