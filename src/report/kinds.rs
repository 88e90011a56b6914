//! Reports of meters that several machines share, of quarters of an hour, of codes with texts, and of what counts as automatic.

use std::collections::BTreeMap;

use super::build::{Given, Report, build};
use super::period::Asked;
use super::{Num, csv_quarters, explain, html};
use crate::config::Config;
use crate::indicator::{Amount, Cell, Duty, Interval, Plan, Quarter};
use crate::model::{Lang, State, Timestamp};

const WORKSHOP: &str = r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "Asia/Shanghai"
[causes]
17 = "缺料"
0x12 = "待检"
[[shift]]
name = "day"
start = "08:00"
end = "20:20"
[[link]]
name = "l"
modbus_tcp = "h"
[[device]]
id = "meter"
link = "l"
tags = [{ name = "e", address = "40001", type = "u32", unit = "kWh", role = "energy.active" }]
[[device]]
id = "a"
link = "l"
unit = 2
metered_by = "meter"
tags = [
    { name = "run", address = "coil:0", type = "bool", role = "state.run" },
    { name = "why", address = "40003", type = "u16", role = "stop.reason", scene = "safety" },
]
[device.causes]
17 = "缺料（颗粒）"
[[device]]
id = "b"
link = "l"
unit = 3
metered_by = "meter"
tags = [
    { name = "run", address = "coil:0", type = "bool", role = "state.run" },
    { name = "gas", address = "40002", type = "u16", unit = "ppm" },
]
"#;

/// 2026-03-02T10:00:00+08:00.
const TEN: i64 = 1_772_416_800_000;

fn cells(config: &Config) -> BTreeMap<String, Vec<Cell>> {
    let cell = |device: &str| {
        let of = config.devices.iter().find(|of| *of.id == *device).unwrap();
        let plan = Plan::of(config, of).unwrap();
        let slot = plan.calendar.slot(Timestamp(TEN));
        let mut cell = Cell::new(device, slot.start, slot.end, slot.date, slot.shift);
        cell.sums.flags = plan.flags;
        cell.sums.online[Duty::Work as usize] = 3_600_000;
        cell
    };
    let (mut meter, mut a, mut b) = (cell("meter"), cell("a"), cell("b"));
    meter.sums.energy.is_metered = true;
    meter.sums.energy.total = Amount::whole(10_000);
    for (at, wh) in [2_500, 2_500, 4_000, 1_000].into_iter().enumerate() {
        meter.quarters[at] = Quarter { wh: Amount::whole(wh), full: (at != 2).then_some(Amount::whole(wh)) };
    }
    a.sums.time.put(State::Run, Duty::Work, 42 * 60_000);
    a.sums.time.put(State::Idle, Duty::Work, 18 * 60_000);
    let stop = a.sums.stop_of(State::Idle, "17");
    (stop.count, stop.ms) = (1, 18 * 60_000);
    b.sums.time.put(State::Run, Duty::Work, 9 * 60_000);
    b.sums.time.put(State::Off, Duty::Work, 51 * 60_000);
    [meter, a, b].map(|cell| (cell.device.clone(), vec![cell])).into()
}

fn given<T>(
    text: &str,
    change: impl FnOnce(&mut BTreeMap<String, Vec<Cell>>),
    then: impl FnOnce(&Given<'_>) -> T,
) -> T {
    given_over("2026-03-02", text, change, then)
}

fn given_over<T>(
    period: &str,
    text: &str,
    change: impl FnOnce(&mut BTreeMap<String, Vec<Cell>>),
    then: impl FnOnce(&Given<'_>) -> T,
) -> T {
    let config = Config::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let now = Timestamp(TEN + 86_400_000);
    let asked = Asked::parse(period, &config, now).unwrap();
    let mut cells = cells(&config);
    change(&mut cells);
    then(&Given {
        config: &config,
        config_sha256: "0",
        asked: &asked,
        cells: &cells,
        intervals: &BTreeMap::new(),
        good_days: &BTreeMap::new(),
        cloud_days: None,
        uploads: &BTreeMap::new(),
        baseline: None,
        revenue_wan: None,
        now,
    })
}

fn report(text: &str, change: impl FnOnce(&mut BTreeMap<String, Vec<Cell>>)) -> Report {
    given(text, change, build)
}

/// 10 kWh; a ran 42 minutes, b 9: 10 · 42 / 51 = 8.235294|12, 10 · 9 / 51 = 1.764705|88; the last millionth goes to b.
#[test]
fn a_shared_meter_is_split_by_run_time_to_the_last_digit_and_counts_for_no_machine() {
    let report = report(WORKSHOP, |_| ());
    let group = &report.site.shared_meters[0];
    let parts: Vec<_> = group.machines.iter().map(|part| (part.device.as_str(), part.kwh.get())).collect();
    assert_eq!((group.meter.as_str(), group.kwh.get()), ("meter", 10.0));
    assert_eq!(parts, [("a", 8.235294), ("b", 1.764706)]);
    let a = report.devices.iter().find(|device| device.device == "a").unwrap();
    assert_eq!((a.energy.kwh, a.energy.source, a.energy.kgce), (None, None, None));
    let allocated = a.energy.allocated.as_ref().unwrap();
    assert_eq!((allocated.run_min.get(), allocated.of_run_min.get()), (42.0, 51.0));
    let figure = a.figures.iter().find(|figure| figure.name == "energy_allocated").unwrap();
    assert_eq!((figure.value.map(Num::get), figure.flags.as_slice()), (Some(8.235294), &["allocated"][..]));
    let by_hand = figure.numerator.unwrap().get() / figure.denominator.unwrap().get();
    assert!((by_hand - 8.235294).abs() < 1e-6, "{by_hand}");
    assert_eq!(report.site.energy.electricity_kwh.map(Num::get), Some(10.0), "of the meter, once");
    assert!(html(&report, Lang::En).contains("allocated by run time, not measured"));
    let meter = report.devices.iter().find(|device| device.device == "meter").unwrap();
    assert!(meter.energy.allocated.is_none());
}

#[test]
fn what_cannot_be_split_stays_with_the_group_and_says_why() {
    let stands = |cells: &mut BTreeMap<String, Vec<Cell>>| {
        for id in ["a", "b"] {
            cells.get_mut(id).unwrap()[0].sums.time = Default::default();
        }
    };
    let group = &report(WORKSHOP, stands).site.shared_meters[0];
    assert_eq!((group.not_allocated.as_deref(), group.machines.len()), (Some("no run time"), 0));
    let silent = |cells: &mut BTreeMap<String, Vec<Cell>>| drop(cells.remove("b"));
    let report = report(WORKSHOP, silent);
    assert_eq!(report.site.shared_meters[0].not_allocated.as_deref(), Some("b: no state"));
    assert!(html(&report, Lang::Zh).contains("没有状态来源"));
}

#[test]
fn quarters_of_an_hour_add_up_to_the_energy_and_only_full_ones_have_a_power() {
    let report = report(WORKSHOP, |_| ());
    let meter = report.devices.iter().find(|device| device.device == "meter").unwrap();
    let shown: Vec<_> = meter
        .quarters
        .iter()
        .map(|it| (&it.start[11..16], it.kwh.unwrap().get(), it.demand_kw.map(Num::get)))
        .collect();
    let expected =
        [("10:00", 2.5, Some(10.0)), ("10:15", 2.5, Some(10.0)), ("10:30", 4.0, None), ("10:45", 1.0, Some(4.0))];
    assert_eq!(shown, expected);
    let csv = given(WORKSHOP, |_| (), |given| csv_quarters(given, None, Lang::Zh));
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "\u{feff}设备编号,设备名称,起始时间,电量 kWh,平均功率 kW");
    assert_eq!((lines.len(), lines[3]), (5, "meter,,2026-03-02T10:30:00+08:00,4,"));
}

/// 20:00 to 20:20 is of the day shift: the cells of that hour share its second quarter.
#[test]
fn a_quarter_that_a_shift_cuts_is_one_row() {
    let cut = |cells: &mut BTreeMap<String, Vec<Cell>>| {
        let first = cells.get_mut("meter").unwrap();
        let hour = TEN + 10 * 3_600_000;
        let (mut early, mut late) = (first[0].clone(), first[0].clone());
        (early.start, early.end) = (Timestamp(hour), Timestamp(hour + 1_200_000));
        (late.start, late.end, late.shift) = (early.end, Timestamp(hour + 3_600_000), None);
        let wh = |wh: i64| Quarter { wh: Amount::whole(wh), full: None };
        early.quarters = [100, 30, 0, 0].map(wh);
        late.quarters = [0, 70, 200, 0].map(wh);
        *first = vec![early, late];
    };
    let report = report(WORKSHOP, cut);
    let kwh = |report: &Report| -> Vec<f64> {
        report.devices[0].quarters.iter().map(|it| it.kwh.map_or(-1.0, Num::get)).collect()
    };
    assert_eq!(kwh(&report), [0.1, 0.1, 0.2, -1.0], "of the last one nothing is known");
    assert_eq!(kwh(&given_over("2026-03-02/day", WORKSHOP, cut, build)), [0.1, 0.03], "of the shift, its part");
}

#[test]
fn a_code_is_shown_with_its_text_and_a_devices_own_comes_first() {
    let report = report(WORKSHOP, |_| ());
    let a = report.devices.iter().find(|device| device.device == "a").unwrap();
    assert_eq!((a.stops[0].cause.as_str(), a.stops[0].text.as_deref()), ("17", Some("缺料（颗粒）")));
    assert!(html(&report, Lang::En).contains("17 缺料（颗粒）"));
    let config = Config::parse(WORKSHOP).unwrap();
    let b = &config.devices[2].equipment.causes;
    let of = |code: &str| b.get(code).map(String::as_str);
    assert_eq!((of("17"), of("18"), b.len()), (Some("缺料"), Some("待检"), 2), "0x12 is 18, as readings are shown");
    let asked = Asked::parse("2026-03-02", &config, Timestamp(TEN)).unwrap();
    let (device, zone) = ("a", crate::model::zone("Asia/Shanghai").unwrap());
    let log = [Interval {
        device: device.into(),
        state: State::Idle,
        cause: "17".into(),
        start: Timestamp(TEN),
        end: Timestamp(TEN + 60_000),
        event_id: TEN,
        is_inferred: false,
        reclassified_by: None,
        cause_before: None,
    }];
    let (cells, equipment) = (&cells(&config)[device], &config.devices[1].equipment);
    let question = explain::Question {
        indicator: "O1",
        device,
        asked: &asked,
        cells,
        intervals: &log,
        uploads: &[],
        zone: &zone,
        equipment,
    };
    assert!(explain::explain(&question, Lang::Zh).unwrap().contains("17 缺料（颗粒）"));
}

/// What an operator enters is 录入, whatever is written beside it (R20); a gas detector with `scene` is automatic.
#[test]
fn safety_is_collected_where_a_tag_says_so_and_never_by_what_people_enter() {
    let of = |text: &str| report(text, |_| ()).site.auto_collection["安全生产"];
    assert!(!of(WORKSHOP));
    let gas = WORKSHOP.replace("unit = \"ppm\" }", "unit = \"ppm\", scene = \"安全生产\" }");
    assert!(of(&gas));
    let silent = |cells: &mut BTreeMap<String, Vec<Cell>>| {
        cells.get_mut("b").unwrap()[0].sums.online = [0; 4];
    };
    assert!(!report(&gas, silent).site.auto_collection["安全生产"], "a tag that was not heard");
}

/// Two machines of pieces and a line of metres: 95 of 100 pieces; 80 of 100 m are not added to them.
#[test]
fn pieces_and_metres_are_not_added_and_each_machine_is_reported_in_its_unit() {
    let line = "[[device]]\nid = \"line\"\nlink = \"l\"\nunit = 4\nrated_per_hour = 1200\ntags = [\n\
        { name = \"run\", address = \"coil:0\", type = \"bool\", role = \"state.run\" },\n\
        { name = \"n\", address = \"40001\", type = \"u16\", unit = \"米\", role = \"count.total\" },\n\
        { name = \"g\", address = \"40002\", type = \"u16\", unit = \"m\", role = \"count.good\" }]\n";
    let counted = "    { name = \"n\", address = \"40004\", type = \"u16\", role = \"count.total\" },\n\
        { name = \"g\", address = \"40005\", type = \"u16\", unit = \"个\", role = \"count.good\" },\n    { name = \"gas\"";
    let text = WORKSHOP.replace("    { name = \"gas\"", counted) + line;
    let make = |cells: &mut BTreeMap<String, Vec<Cell>>| {
        let mut more = cells["b"][0].clone();
        more.device = "line".to_owned();
        cells.insert("line".to_owned(), vec![more]);
        for (id, good) in [("b", 95), ("line", 80)] {
            let sums = &mut cells.get_mut(id).unwrap()[0].sums;
            sums.flags = sums.flags.without(crate::indicator::Flags::NO_QUALITY.and(crate::indicator::Flags::NO_COUNT));
            let made = sums.made_of(None, None);
            (made.pieces, made.good) = (Amount::whole(100), Amount::whole(good));
        }
    };
    let report = report(&text, make);
    let quality = &report.site.quality;
    assert_eq!((quality.pass_rate_month.map(Num::get), quality.unit, quality.pq.get()), (Some(0.95), "pcs", 100.0));
    assert_eq!(quality.excluded, ["meter", "a", "line"]);
    let of = |id: &str| report.devices.iter().find(|device| device.device == id).unwrap();
    let unit = |id: &str| of(id).figures.iter().find(|figure| figure.name == "output").unwrap().unit.clone();
    assert_eq!((unit("b"), unit("line"), of("line").counts.unit), ("pcs".into(), "m".into(), "m"));
    assert!(html(&report, Lang::Zh).contains("80 m") && html(&report, Lang::Zh).contains("95 件"));
}
