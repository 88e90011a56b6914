//! The golden vector of a night shift, to the last printed digit, from batches to figures.

use jiff::civil::date;

use super::bench::{Bench, EIGHT_PM, MINUTE, batch, config};
use super::rollup::Site;
use super::{Amount, Duty, Flags, Period, Ratio, formula};
use crate::model::{State, Value};

const DEVICE: &str = r#"
pri = "40s"
every = "10s"
tags = [
    { name = "word", address = "40001", type = "u16", role = "state.word", states = { 1 = "idle", 2 = "run", 3 = "setup", 4 = "fault", 5 = "maint" } },
    { name = "code", address = "40002", type = "text", length = 8, role = "alarm.code" },
    { name = "reason", address = "40012", type = "text", length = 16, role = "stop.reason" },
    { name = "total", address = "40030", type = "u32", role = "count.total" },
    { name = "good", address = "40032", type = "u32", role = "count.good" },
    { name = "e", address = "40034", type = "u32", scale = 0.0001, unit = "kWh", role = "energy.active" },
]
"#;

const SHIFTS: &str = r#"
[[shift]]
name = "night"
start = "20:00"
end = "08:00"
breaks = ["00:00-00:30"]
"#;

/// Minutes, what the state word says, the code, the operator's reason.
const NIGHT: [(i64, i64, &str, &str); 12] = [
    (20, 3, "0", ""),
    (170, 2, "0", ""),
    (15, 4, "E-102", ""),
    (35, 2, "0", ""),
    (30, 1, "0", ""),
    (90, 2, "0", ""),
    (40, 0, "", ""), // no data
    (140, 2, "0", ""),
    (30, 5, "0", ""),
    (30, 1, "0", "no_material"),
    (105, 2, "0", ""),
    (15, 4, "E-031", ""),
];

pub(crate) fn night() -> Bench {
    let mut bench = Bench::new(config(DEVICE, SHIFTS));
    let group = bench.groups().remove(0);
    let (mut at, mut total) = (EIGHT_PM, 0);
    let say = |bench: &mut Bench, at: i64, word: i64, code: &str, reason: &str, total: i64| {
        let done = (at - EIGHT_PM).min(720 * MINUTE);
        let readings = [
            ("word", Some(Value::U64(word as u64))),
            ("code", Some(Value::Text(code.into()))),
            ("reason", Some(Value::Text(reason.into()))),
            ("total", Some(Value::I64(5_000 + total))),
            ("good", Some(Value::I64(4_000 + (total - 20).max(0)))),
            ("e", Some(Value::F64(1_000.0 + (4_316_000 * done / (720 * MINUTE)) as f64 / 10_000.0))),
        ];
        bench.step(&batch(&group, at, &readings));
    };
    for (minutes, word, code, reason) in NIGHT {
        let end = at + minutes * MINUTE;
        if word == 0 {
            say(&mut bench, at, 2, "0", "", total); // the last that is heard
            total += 60;
            at = end;
            continue;
        }
        let most = if at < EIGHT_PM + 360 * MINUTE { 300 } else { 780 };
        while at < end {
            say(&mut bench, at, word, code, reason, total);
            total += i64::from(word == 2 && total < most);
            at += 10_000;
        }
    }
    while at < EIGHT_PM + 730 * MINUTE {
        say(&mut bench, at, 1, "0", "", total);
        at += 10_000;
    }
    bench
}

fn shift() -> Period {
    Period::Shift { name: "night".into(), date: date(2026, 3, 2) }
}

#[test]
fn the_figures_of_the_night_shift_are_right_to_the_last_digit() {
    let bench = night();
    for (name, expected) in [
        ("availability", "0.818182"),
        ("availability_known", "0.870968"),
        ("effectiveness", "0.962963"),
        ("quality", "0.974359"),
        ("oee", "0.767677"),
        ("nee", "0.796109"),
        ("technical_efficiency", "0.947368"),
        ("setup_rate", "0.035714"),
        ("coverage", "0.944444"),
        ("failures", "2.0"),
        ("mttr", "15.0"),
        ("mtbf", "280.0"),
        ("output", "780.0"),
        ("output_good", "760.0"),
        ("output_bad", "20.0"),
        ("output_rework", "null"),
        ("energy", "431.6"),
        ("energy_per_good", "0.567895"),
    ] {
        assert_eq!(bench.value(name, &shift()), expected, "{name}");
    }
    let oee = bench.figure("oee", &shift());
    assert_eq!(oee.coverage.map(|coverage| coverage.to_string()).as_deref(), Some("0.939394"), "of the PBT");
    assert_eq!((oee.quality, oee.flags.words()), (formula::Quality::Ok, vec!["gap_parts"]));
    assert_eq!((oee.numerator, oee.denominator), (Some(Ratio::whole(760 * 40_000)), Some(Ratio::whole(660 * 60_000))));
}

#[test]
fn the_sums_of_the_night_shift_are_those_that_a_person_adds_up() {
    let bench = night();
    let sums = shift().gather(&bench.cells).by_shift;
    let minutes = |ms: u64| ms as i64 / MINUTE;
    let time = &sums.time;
    assert_eq!([time.scheduled(), time.pbt(), time.run(), time.planned_stop()].map(minutes), [720, 660, 540, 60]);
    let states = [State::Idle, State::Setup, State::Fault, State::Off, State::Unknown];
    assert_eq!(states.map(|state| minutes(time.in_shift(state))), [30, 20, 30, 0, 40]);
    assert_eq!((sums.gap_pieces(), sums.ttr), (Amount::whole(60), 30 * 60_000));
    let stops: Vec<_> = sums.stops.iter().map(|stop| (stop.cause.as_str(), stop.count, minutes(stop.ms))).collect();
    assert_eq!(stops, [("no_material", 1, 30), ("E-031", 1, 15), ("E-102", 1, 15)]);
    assert_eq!((sums.scans_expected, sums.scans_good), (4_320, 4_320 - 239), "the first scan begins what is expected");
    // With another custom of the trade: over one failure more.
    let mtbf = bench.figure("mtbf", &shift());
    let more = Ratio::whole(3);
    let other = mtbf.numerator.and_then(|up| up.over(more)).and_then(Ratio::rounded);
    assert_eq!(other.map(|value| value.to_string()).as_deref(), Some("186.666667"));
    let coal = formula::coal_equivalent(&sums, &bench.config.schedule.factors).and_then(Ratio::rounded);
    assert_eq!(coal.map(|kgce| kgce.to_string()).as_deref(), Some("53.04364"));
}

#[test]
fn the_night_is_cut_at_midnight_from_the_same_cells() {
    let bench = night();
    let minutes = |day, state, duty| {
        let sums = Period::Day(day).gather(&bench.cells).by_calendar;
        sums.time.of(state, duty) as i64 / MINUTE
    };
    let (monday, tuesday) = (date(2026, 3, 2), date(2026, 3, 3));
    let work = |day, states: &[State]| states.iter().map(|state| minutes(day, *state, Duty::Work)).collect::<Vec<_>>();
    assert_eq!(work(monday, &[State::Run, State::Setup, State::Fault]), [205, 20, 15]);
    let states = [State::Run, State::Unknown, State::Maint, State::Idle, State::Fault];
    assert_eq!(work(tuesday, &states), [335, 40, 30, 30, 15]);
    assert_eq!(minutes(tuesday, State::Idle, Duty::Break), 30);
    assert_eq!(bench.value("oee", &Period::Month(date(2026, 3, 1))), "0.767677");
    assert_eq!(bench.value("oee", &Period::ProductionDay(monday)), "0.767677");
}

#[test]
fn the_log_of_the_night_has_its_intervals_one_behind_the_other() {
    let bench = night();
    let log: Vec<_> = bench.intervals.iter().map(|it| (it.state, it.cause.as_str(), it.ms() as i64 / MINUTE)).collect();
    use State::{Fault, Idle, Maint, Run, Setup, Unknown};
    let expected = [
        (Setup, "", 20),
        (Run, "", 170),
        (Fault, "E-102", 15),
        (Run, "", 35),
        (Idle, "", 30),
        (Run, "", 90),
        (Unknown, "", 40),
        (Run, "", 140),
        (Maint, "", 30),
        (Idle, "no_material", 30),
        (Run, "", 105),
        (Fault, "E-031", 15),
    ];
    assert_eq!(log, expected);
    assert!(bench.intervals.iter().zip(&bench.intervals[1..]).all(|(a, b)| a.end == b.start));
}

#[test]
fn a_workshop_is_added_up_and_leaves_out_by_name_what_can_have_no_oee() {
    let bench = night();
    let sums = shift().gather(&bench.cells).by_shift;
    let mut without_good = sums.clone();
    without_good.flags.raise(Flags::NO_QUALITY);
    let site = Site::of([("a", &sums), ("b", &sums), ("c", &without_good)]);
    assert_eq!(site.oee.map(|oee| oee.to_string()).as_deref(), Some("0.767677"));
    assert_eq!((site.pbt, site.excluded.get("c").copied()), (2 * 660 * 60_000, Some("no good count")));
}

#[test]
fn a_stop_called_planned_afterwards_leaves_the_planned_busy_time() {
    let bench = night();
    let idle = bench.intervals.iter().find(|it| it.cause == "no_material").expect("there was such a stop");
    let at = crate::model::Timestamp(idle.end.0 + 3_600_000);
    let plan = bench.engine.plan();
    let done =
        super::reclassify(idle, &bench.cells, &plan.calendar, ("mould change", "wang"), at).expect("it was idle");
    let mut cells = bench.cells.clone();
    for new in done.cells {
        assert_eq!(new.revision, 1);
        cells.retain(|old| old.start != new.start);
        cells.push(new);
    }
    let sums = shift().gather(&cells).by_shift;
    assert_eq!((sums.time.pbt(), sums.stops.len()), (630 * 60_000, 2));
    assert_eq!((done.interval.state, done.interval.cause.as_str()), (State::Maint, "mould change"));
    let refused = |interval, at| super::reclassify(interval, &cells, &plan.calendar, ("x", "wang"), at).err();
    assert_eq!(refused(&done.interval, at), Some(super::Refusal::Already));
    let too_late = crate::model::Timestamp(idle.start.0 + 24 * 3_600_000 + 1);
    assert_eq!(refused(idle, too_late), Some(super::Refusal::TooLate));
    assert_eq!(refused(&bench.intervals[2], at), Some(super::Refusal::NotIdle(State::Fault)));
}
