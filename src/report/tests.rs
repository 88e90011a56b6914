//! Reports of the golden night shift, to the last digit, and of a workshop in which machines are missing.

use std::collections::BTreeMap;

use jiff::civil::date;
use serde_json::{Value as Json, json};

use super::build::{Given, Report, build};
use super::period::{Asked, NotAPeriod};
use super::{Num, csv_line, explain, html};
use crate::config::Config;
use crate::indicator::golden::night;
use crate::indicator::{Amount, Cell, Interval, Period, Ratio};
use crate::model::{Lang, Timestamp};

/// The morning after.
const NOON: Timestamp = Timestamp(1_772_510_400_000);

fn report_of(config: &Config, cells: Vec<Cell>, intervals: Vec<Interval>, typed: &str) -> Report {
    let asked = Asked::parse(typed, config, NOON).unwrap_or_else(|why| panic!("{typed}: {why:?}"));
    let given = Given {
        config,
        config_sha256: "0",
        asked: &asked,
        cells: &BTreeMap::from([("m".to_owned(), cells)]),
        intervals: &BTreeMap::from([("m".to_owned(), intervals)]),
        good_days: &BTreeMap::new(),
        cloud_days: None,
        uploads: &BTreeMap::new(),
        baseline: None,
        revenue_wan: None,
        now: NOON,
    };
    build(&given)
}

fn of_night(typed: &str) -> Report {
    let bench = night();
    report_of(&bench.config, bench.cells, bench.intervals, typed)
}

#[test]
fn the_report_of_the_night_shift_is_right_to_the_last_digit() {
    let report = of_night("2026-03-02/night");
    let json = serde_json::to_value(&report.devices[0]).unwrap();
    let expected = json!({"scheduled": 720, "pbt": 660, "run": 540, "idle": 30, "setup": 20, "fault": 30,
                          "planned_stop": 60, "off": 0, "unknown": 40});
    assert_eq!(json["time_min"], expected);
    for (name, value) in [
        ("availability", 0.818182),
        ("availability_known", 0.870968),
        ("effectiveness", 0.962963),
        ("quality", 0.974359),
        ("oee", 0.767677),
        ("nee", 0.796109),
        ("technical_efficiency", 0.947368),
        ("setup_rate", 0.035714),
    ] {
        assert_eq!(json["oee"][name], json!(value), "{name}");
    }
    assert_eq!(json["oee"]["flags"], json!(["gap_parts"]));
    let reliability = json!({"failures": 2, "ttr_min": 30, "uptime_min": 560, "mttr_min": 15, "mtbf_min": 280});
    assert_eq!(json["reliability"], reliability);
    let counts = &json["counts"];
    assert_eq!(
        (&counts["pq"], &counts["gq"], &counts["bad"], &counts["gap_parts"]),
        (&json!(780), &json!(760), &json!(20), &json!(60))
    );
    assert_eq!((&counts["rework"], &json["energy"]["kwh"]), (&Json::Null, &json!(431.6)));
    assert_eq!((&json["energy"]["kwh_per_good"], &json["energy"]["kgce"]), (&json!(0.567895), &json!(53.04364)));
    assert_eq!(
        (&json["coverage"], &json["coverage_pbt"], &json["quality"]),
        (&json!(0.944444), &json!(0.939394), &json!("ok"))
    );
    assert_eq!(json["period"]["start"], "2026-03-02T20:00:00+08:00");
    assert_eq!(json["period"]["end"], "2026-03-03T08:00:00+08:00");
    assert_eq!(json["stops"][0]["min"], json!(30), "the longest first");
    let oee = json["figures"].as_array().unwrap().iter().find(|figure| figure["name"] == "oee").unwrap();
    assert_eq!(
        (&oee["numerator"], &oee["denominator"]),
        (&json!(30_400_000), &json!(39_600_000)),
        "to compute again by hand"
    );
}

#[test]
fn the_workshop_is_added_up_and_names_what_is_left_out() {
    let bench = night();
    let mut config = bench.config;
    let press =
        crate::config::Device { id: "press".into(), link: None, tags: Vec::new(), ..(*config.devices[0]).clone() };
    config.devices.push(press.into());
    let site = serde_json::to_value(report_of(&config, bench.cells, bench.intervals, "2026-03").site).unwrap();
    assert_eq!((&site["oee"]["value"], &site["oee"]["pbt_h"]), (&json!(0.767677), &json!(11)));
    assert_eq!(site["oee"]["excluded"], json!(["press: not connected"]));
    assert_eq!(site["rates"]["digital_rate"]["den"], json!(2), "machines without a link are in the ledger too");
    assert_eq!(site["quality"]["pass_rate_month"], json!(0.974359));
    assert_eq!((&site["energy"]["electricity_kwh"], &site["ledger"]["clouded"]), (&json!(431.6), &Json::Null));
    assert_eq!(site["auto_collection"]["能耗管理"], json!(true));
}

#[test]
fn a_day_is_cut_at_midnight_and_a_month_holds_the_shifts_of_its_dates() {
    let monday = of_night("2026-03-02");
    assert_eq!(monday.devices[0].time_min.run.get(), 205.0);
    let tuesday = of_night("2026-03-03");
    assert_eq!(tuesday.devices[0].time_min.run.get(), 335.0);
    assert_eq!(of_night("2026-03").devices[0].oee.oee.map(Num::get), Some(0.767677));
    assert!(of_night("2026-03-04").devices.is_empty());
}

#[test]
fn periods_are_read_as_people_type_them_and_nothing_looser() {
    let config = night().config;
    let parse = |text: &str| Asked::parse(text, &config, NOON);
    let shift = parse("shift").unwrap();
    assert_eq!(shift.period, Period::Shift { name: "night".into(), date: date(2026, 3, 2) });
    assert_eq!(parse("2026-03-02/night").unwrap(), shift);
    assert_eq!(parse("today").unwrap().typed(), "2026-03-03");
    assert_eq!(parse("2026-02").unwrap().end, parse("2026-03").unwrap().start);
    for wrong in ["", "night", "2026-13", "2026-3-2", "03.2026", "2026-03-02T08:00", "2026-02-30"] {
        assert_eq!(parse(wrong), Err(NotAPeriod::Unreadable), "{wrong}");
    }
    assert_eq!(parse("2026-03-02/early"), Err(NotAPeriod::NoSuchShift("night".into())));
}

#[test]
fn the_page_needs_no_network_and_speaks_both_languages() {
    let report = of_night("2026-03-02/night");
    for (lang, words) in [(Lang::En, ["Equipment report", "availability"]), (Lang::Zh, ["设备运行报告", "时间开动率"])]
    {
        let page = html(&report, lang);
        assert!(words.iter().all(|word| page.contains(word)), "{words:?}");
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("http") && !outside.contains("<script") && !outside.contains("src="));
        assert_eq!(page.matches("<svg").count(), 4, "waterfall, timeline, stops, energy");
        assert!(page.contains("76.77 %") && page.contains("gap parts") | page.contains("含断线期间产量"));
    }
}

#[test]
fn what_a_machine_says_cannot_become_markup_or_a_formula() {
    let bench = night();
    let mut cells = bench.cells;
    cells[1].sums.stop_of(crate::model::State::Fault, "<script>alert(1)</script>").ms = 600_000;
    let report = report_of(&bench.config, cells, bench.intervals, "2026-03-02/night");
    assert!(!html(&report, Lang::En).contains("<script"));
    assert_eq!(csv_line(["=1+1", "-5", "a,b", "say \"x\""]), "'=1+1,-5,\"a,b\",\"say \"\"x\"\"\"\r\n");
}

#[test]
fn an_explanation_shows_what_adds_up_to_the_figure() {
    let bench = night();
    let asked = Asked::parse("2026-03-02/night", &bench.config, NOON).unwrap();
    let zone = crate::model::zone("Asia/Shanghai").unwrap();
    let question = explain::Question {
        indicator: "o6",
        device: "m",
        asked: &asked,
        cells: &bench.cells,
        intervals: &bench.intervals,
        uploads: &[],
        zone: &zone,
        equipment: &bench.config.devices[0].equipment,
    };
    let text = explain::explain(&question, Lang::En).unwrap();
    for words in [
        "Σ(PRI·GQ) / PBT",
        "numerator: 30400000 ms",
        "denominator: 39600000 ms",
        "oee = 0.767677",
        "E-102",
        "2026-03-03 07:00:00",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let hours = |text: &str| text.lines().filter(|line| line.starts_with("  2026-") && !line.contains(" min ")).count();
    assert_eq!(hours(&text), 12);
    // A piece every 10 s, looked at every 10 s: how long one took cannot be told.
    let cycles = explain::explain(&explain::Question { indicator: "O13", ..question }, Lang::En).unwrap();
    assert!(cycles.contains("cycle_p50 = null") && cycles.contains("coarse_cycle"), "{cycles}");
    // 300 and 420 counts, of each of which the first cycle begins unseen, and 60 over a gap.
    assert!(cycles.contains("shorter than five scans  718"), "{cycles}");
    let monday = Asked::parse("2026-03-02", &bench.config, NOON).unwrap();
    let text = explain::explain(&explain::Question { asked: &monday, ..question }, Lang::Zh).unwrap();
    assert_eq!(hours(&text), 4, "none but those that are added up");
}

#[test]
fn numbers_are_written_as_they_are_published() {
    let written = |num: Num| serde_json::to_string(&num).unwrap();
    assert_eq!(written(Num::of(Ratio::new(2, 3).unwrap())), "0.666667");
    assert_eq!(written(Num::of(Ratio::whole(720))), "720");
    assert_eq!(written(Num::from(Amount::of(431.6).unwrap())), "431.6");
}
