//! The hard cases of the rules, one by one.

use jiff::civil::date;

use super::bench::{Bench, EIGHT_PM, MINUTE, batch, config};
use super::rollup::Period;
use super::{Amount, Engine, Flags, MICROSTOP, News, Plan, Sums};
use crate::model::{BootId, State, Value};

const SHIFTS: &str = r#"
[[shift]]
name = "night"
start = "20:00"
end = "08:00"
breaks = ["00:00-00:30"]
[[shift]]
name = "day"
start = "08:00"
end = "20:00"
"#;

const DEVICE: &str = r#"
pri = "10s"
every = "1s"
tags = [
    { name = "run", address = "coil:0", type = "bool", role = "state.run" },
    { name = "fault", address = "coil:1", type = "bool", role = "state.fault" },
    { name = "total", address = "40001", type = "u32", role = "count.total" },
    { name = "bad", address = "40003", type = "u32", role = "count.bad" },
]
"#;

/// Every second of `[from, to)`, in seconds since 20:00: what the bits say, and the counter.
fn live(bench: &mut Bench, seconds: std::ops::Range<i64>, run: bool, fault: bool, total: impl Fn(i64) -> i64) {
    let group = bench.groups().remove(0);
    for second in seconds {
        let readings = [
            ("run", Some(Value::Bool(run))),
            ("fault", Some(Value::Bool(fault))),
            ("total", Some(Value::I64(total(second)))),
            ("bad", Some(Value::I64(0))),
        ];
        bench.step(&batch(&group, EIGHT_PM + second * 1_000, &readings));
    }
}

fn machine() -> Bench {
    Bench::new(config(DEVICE, SHIFTS))
}

fn night() -> Period {
    Period::Shift { name: "night".into(), date: date(2026, 3, 2) }
}

fn log(bench: &Bench) -> Vec<(State, String, i64)> {
    bench.intervals.iter().map(|it| (it.state, it.cause.clone(), it.ms() as i64 / 1_000)).collect()
}

#[test]
fn only_idle_strictly_shorter_than_the_limit_and_between_runs_is_a_microstop() {
    let mut bench = machine();
    let mut at = 0;
    let mut go = |seconds: i64, run, fault| {
        live(&mut bench, at..at + seconds, run, fault, |_| 0);
        at += seconds;
    };
    for (seconds, run, fault) in [
        (10, false, false), // not behind a run
        (100, true, false),
        (59, false, false),
        (100, true, false),
        (60, false, false),
        (100, true, false),
        (20, false, true), // a fault stays a fault, and is no failure
        (100, true, false),
        (20, false, false),
        (20, false, true),
        (5, true, false),
    ] {
        go(seconds, run, fault);
    }
    let causes: Vec<_> = log(&bench).into_iter().filter(|it| it.0 == State::Idle).map(|it| (it.1, it.2)).collect();
    let expected = [("", 10), (MICROSTOP, 59), ("", 60), ("", 20)].map(|(cause, s)| (cause.to_owned(), s));
    assert_eq!(causes, expected);
    bench.tick(EIGHT_PM + 600 * MINUTE);
    let sums = Sums::of(bench.cells.iter().map(|cell| &cell.sums));
    assert_eq!((sums.failures, sums.ttr, sums.time.in_shift(State::Fault)), (0, 0, 40_000));
    assert_eq!(sums.stop_count(State::Idle, MICROSTOP), 1);
}

impl Sums {
    fn stop_count(&self, state: State, cause: &str) -> u32 {
        self.stops.iter().filter(|stop| stop.state == state && stop.cause == cause).map(|stop| stop.count).sum()
    }
}

#[test]
fn a_hole_is_unknown_from_its_first_moment_on_and_a_hiccup_is_none() {
    let mut bench = machine();
    live(&mut bench, 0..10, true, false, |_| 0);
    live(&mut bench, 19..30, true, false, |_| 0); // ten seconds apart
    live(&mut bench, 40..50, true, false, |_| 0); // eleven
    live(&mut bench, 50..60, false, false, |_| 0);
    let expected = [(State::Run, 29), (State::Unknown, 11), (State::Run, 10)];
    assert_eq!(log(&bench).into_iter().map(|it| (it.0, it.2)).collect::<Vec<_>>(), expected);
}

#[test]
fn two_pieces_of_a_fault_with_only_a_hole_between_are_one_failure_where_it_began() {
    let mut bench = machine();
    live(&mut bench, 0..60, true, false, |_| 0);
    live(&mut bench, 60..91, false, true, |_| 0); // to second 90: the electrician cuts the power
    live(&mut bench, 7_300..7_340, false, true, |_| 0);
    live(&mut bench, 7_340..7_400, true, false, |_| 0);
    let faults: Vec<_> = bench.intervals.iter().filter(|it| it.state == State::Fault).collect();
    assert_eq!(faults.iter().map(|it| it.ms() / 1_000).collect::<Vec<_>>(), [30, 40]);
    assert_eq!(faults[0].event_id, faults[1].event_id);
    let first = bench.cells.iter().find(|cell| cell.start.0 == EIGHT_PM).expect("it is settled");
    assert_eq!((first.revision, first.sums.failures, first.sums.ttr), (1, 1, 30_000), "told again when it was known");
    bench.tick(EIGHT_PM + 1_000 * MINUTE);
    let sums = night().gather(&bench.cells).by_shift;
    assert_eq!((sums.failures, sums.ttr, sums.stop_count(State::Fault, "")), (1, 70_000, 1));
}

#[test]
fn what_was_made_in_a_gap_over_a_shift_border_is_of_the_later_shift_and_told_in_both() {
    let mut bench = machine();
    let end = 12 * 3_600;
    live(&mut bench, 0..60, true, false, |_| 100);
    live(&mut bench, end - 600..end - 300, true, false, |_| 200);
    live(&mut bench, end + 300..end + 400, true, false, |_| 240);
    bench.tick(EIGHT_PM + 3_000 * MINUTE);
    let night = night().gather(&bench.cells).by_shift;
    let day = Period::Shift { name: "day".into(), date: date(2026, 3, 3) }.gather(&bench.cells).by_shift;
    assert_eq!((night.pieces(), day.pieces()), (Amount::whole(100), Amount::whole(40)));
    assert!(night.flags.has(Flags::GAP_BORDER) && day.flags.has(Flags::GAP_BORDER));
    assert_eq!(day.gap_pieces(), Amount::whole(40));
}

#[test]
fn a_gap_within_a_shift_is_not_told_as_one_over_its_border() {
    let mut bench = machine();
    live(&mut bench, 0..60, true, false, |_| 100);
    live(&mut bench, 1_000..43_260, true, false, |_| 150);
    bench.tick(EIGHT_PM + 900 * MINUTE);
    let night = night().gather(&bench.cells).by_shift;
    assert_eq!(night.flags.words(), ["gap_parts", "break_worked"]);
}

#[test]
fn a_break_counts_only_as_far_as_the_machine_does_not_run_in_it() {
    let mut bench = machine();
    let midnight = 4 * 3_600;
    live(&mut bench, 0..midnight, false, false, |_| 0);
    live(&mut bench, midnight..midnight + 600, true, false, |_| 0);
    live(&mut bench, midnight + 600..midnight + 1_200, false, true, |_| 0);
    live(&mut bench, midnight + 1_200..12 * 3_600 + 200, false, false, |_| 0);
    let sums = night().gather(&bench.cells).by_shift;
    let minutes = |ms: u64| ms / 60_000;
    assert_eq!([sums.time.pbt(), sums.time.run(), sums.time.planned_stop()].map(minutes), [700, 10, 20]);
    assert_eq!((sums.time.in_shift(State::Fault), sums.failures), (0, 1), "a fault in a break is no downtime");
    assert!(sums.flags.has(Flags::BREAK_WORKED));
}

#[test]
fn a_clock_that_steps_doubles_nothing_and_loses_no_pieces() {
    let mut bench = machine();
    let group = bench.groups().remove(0);
    let say = |bench: &mut Bench, second: i64, wall: i64, total: i64| {
        let readings = [
            ("run", Some(Value::Bool(true))),
            ("fault", Some(Value::Bool(false))),
            ("total", Some(Value::I64(total))),
            ("bad", Some(Value::I64(0))),
        ];
        let mut batch = batch(&group, EIGHT_PM + second * 1_000, &readings);
        batch.at.0 += wall * 1_000;
        bench.step(&batch);
    };
    for second in 0..600 {
        say(&mut bench, second, 0, second / 10);
    }
    for second in 600..1_500 {
        say(&mut bench, second, -300, second / 10);
    }
    assert!(matches!(bench.others[..], [News::ClockStep { by_ms: -300_000, .. }]), "{:?}", bench.others);
    bench.tick(EIGHT_PM + 100 * MINUTE);
    let sums = Sums::of(bench.cells.iter().map(|cell| &cell.sums));
    let decided = bench.engine.decided_to().expect("it was heard");
    let open = Sums::of(bench.engine.open_cells().map(|cell| &cell.sums));
    assert_eq!((sums.time.calendar() + open.time.calendar()) as i64, decided.0 - EIGHT_PM);
    assert_eq!(sums.time.lived(State::Run), 1_199_000, "what overlaps is cut");
    assert_eq!((sums.pieces(), sums.counters.implausible), (Amount::whole(149), 0));
    assert!(sums.flags.has(Flags::CLOCK_STEP));
}

#[test]
fn a_clock_that_stood_in_the_future_does_not_make_the_device_deaf() {
    const YEAR: i64 = 400 * 86_400;
    let mut bench = machine();
    live(&mut bench, 0..60, true, false, |_| 0);
    // The agent is started while the clock stands in the future, and once more when it is right again.
    bench.engine.boot(BootId(2));
    live(&mut bench, YEAR..YEAR + 60, true, false, |_| 0);
    bench.engine.boot(BootId(3));
    live(&mut bench, 120..7_400, true, false, |_| 0);
    no_year_that_nobody_saw(&bench);

    // The same while it runs: the monotonic clock knows of nothing.
    let mut bench = machine();
    let group = bench.groups().remove(0);
    for second in 0..7_400 {
        let bits = [("run", Some(Value::Bool(true))), ("fault", Some(Value::Bool(false)))];
        let mut batch = batch(&group, EIGHT_PM + second * 1_000, &bits);
        batch.at.0 += if (60..120).contains(&second) { YEAR * 1_000 } else { 0 };
        bench.step(&batch);
    }
    no_year_that_nobody_saw(&bench);
}

#[track_caller]
fn no_year_that_nobody_saw(bench: &Bench) {
    let sums = Sums::of(bench.cells.iter().filter(|cell| cell.start.0 < EIGHT_PM + 3_600_000).map(|cell| &cell.sums));
    assert!(sums.time.lived(State::Run) > 3_400_000, "{}", sums.time.lived(State::Run));
    assert!(bench.cells.len() < 10, "no cells for a year that nobody saw");
}

#[test]
fn another_start_of_the_agent_goes_on_where_the_last_one_was() {
    let mut bench = machine();
    live(&mut bench, 0..1_000, true, false, |second| second / 10);
    let snapshot = bench.engine.snapshot();
    bench.engine = Engine::restore(bench.engine.plan().clone(), &snapshot).expect("it is ours");
    bench.engine.boot(BootId(2));
    live(&mut bench, 1_005..8_000, true, false, |second| second / 10);
    bench.tick(EIGHT_PM + 1_000 * MINUTE);
    let sums = night().gather(&bench.cells).by_shift;
    assert_eq!((sums.pieces(), sums.time.run()), (Amount::whole(799), 7_999_000));
    assert!(Engine::restore(bench.engine.plan().clone(), b"{\"x\":1").is_none(), "no snapshot");
    assert!(snapshot.len() < 8_000, "a snapshot is written often: {} bytes", snapshot.len());
}

#[test]
fn an_unknown_product_makes_the_oee_unknown_but_not_that_of_the_known_part() {
    let device = r#"
        tags = [
            { name = "run", address = "coil:0", type = "bool", role = "state.run" },
            { name = "total", address = "40001", type = "u32", role = "count.total" },
            { name = "good", address = "40003", type = "u32", role = "count.good" },
            { name = "program", address = "40005", type = "u16", role = "program.no" },
        ]"#;
    let products = "[[product]]\ncode = 7\npri = \"10s\"\n";
    let mut bench = Bench::new(config(device, &format!("{SHIFTS}{products}")));
    let group = bench.groups().remove(0);
    for second in 0..43_300 {
        let program = if second < 36_000 { 7 } else { 8 };
        let made = second.min(36_000) / 20 + (second.max(40_000) - 40_000).min(60) / 20;
        let readings = [
            ("run", Some(Value::Bool(true))),
            ("total", Some(Value::I64(made))),
            ("good", Some(Value::I64(made))),
            ("program", Some(Value::U64(program))),
        ];
        bench.step(&batch(&group, EIGHT_PM + second * 1_000, &readings));
    }
    let value = |name| bench.value(name, &night());
    assert_eq!(
        [value("oee"), value("effectiveness"), value("oee_known_product")],
        ["null", "null", "0.416435"],
        "the last piece is of the later sample's product"
    );
    assert_eq!([value("availability"), value("output"), value("quality")], ["1.0", "1803.0", "1.0"]);
    assert_eq!(bench.value("failures", &night()), "null", "no tag tells of faults");
    assert!(bench.figure("oee", &night()).flags.has(Flags::UNKNOWN_PRODUCT));
}

#[test]
fn a_serial_number_is_no_product_and_a_time_no_cause() {
    let device = r#"
        tags = [
            { name = "run", address = "coil:0", type = "bool", role = "state.run" },
            { name = "total", address = "40001", type = "u32", role = "count.total" },
            { name = "program", address = "40005", type = "u32", role = "program.no" },
            { name = "reason", address = "40007", type = "u32", role = "stop.reason" },
        ]"#;
    let mut bench = Bench::new(config(device, &format!("{SHIFTS}[[product]]\ncode = 7\npri = \"10s\"\n")));
    let group = bench.groups().remove(0);
    for second in 0..3_700_i64 {
        let readings = [
            ("run", Some(Value::Bool(second % 4 < 2))),
            ("total", Some(Value::I64(second))),
            ("program", Some(Value::U64(1_000 + second as u64))),
            ("reason", Some(Value::U64(1_000 + second as u64))),
        ];
        bench.step(&batch(&group, EIGHT_PM + second * 1_000, &readings));
    }
    bench.tick(EIGHT_PM + 200 * MINUTE);
    let sums = &bench.cells[0].sums;
    let pieces = sums.made.iter().map(|made| made.pieces).fold(Amount::default(), |sum, one| sum + one);
    assert_eq!((sums.made.len(), pieces), (101, Amount::whole(3_600)), "the rest is of an unknown product");
    assert!(sums.stops.len() <= 201, "{} causes", sums.stops.len());
    let stopped: u64 = sums.stops.iter().map(|stop| stop.ms).sum();
    assert_eq!(stopped, sums.time.lived(State::Idle), "no time of a stop is lost");
}

#[test]
fn cycles_are_counted_with_the_cavities_that_work_and_measured_by_those_of_the_design() {
    let device = r#"
        pri = "40s"
        cavities = 4
        tags = [
            { name = "run", address = "coil:0", type = "bool", role = "state.run" },
            { name = "cycles", address = "40001", type = "u32", role = "count.total" },
            { name = "bad", address = "40003", type = "u32", role = "count.bad" },
            { name = "cavities", address = "40005", type = "u16", role = "cavities" },
        ]"#;
    let mut bench = Bench::new(config(device, SHIFTS));
    let group = bench.groups().remove(0);
    for second in 0..43_300 {
        let readings = [
            ("run", Some(Value::Bool(true))),
            ("cycles", Some(Value::I64(second / 40))),
            ("bad", Some(Value::I64(second / 400))),
            ("cavities", Some(Value::U64(3))),
        ];
        bench.step(&batch(&group, EIGHT_PM + second * 1_000, &readings));
    }
    let value = |name| bench.value(name, &night());
    assert_eq!([value("output"), value("effectiveness")], ["3240.0", "0.75"], "a blocked cavity is a loss of speed");
    assert_eq!(value("output_bad"), "108.0");
}

const METERED: &str = r#"
[[device]]
id = "meter"
link = "l"
unit = 2
every = "15s"
tags = [
    { name = "p", address = "40001", type = "u16", scale = 0.1, unit = "kW", role = "power.active" },
    { name = "e", address = "40002", type = "u32", scale = 0.01, unit = "kWh", role = "energy.active" },
]
"#;

#[test]
fn a_machine_with_nothing_but_a_meter_has_states_energy_and_demand() {
    let metered = "metered_by = \"meter\"\nrun_kw = 8\noff_kw = 0.3\ndwell = \"30s\"\n";
    let mut bench = Bench::new(config(metered, &format!("{SHIFTS}{METERED}")));
    let meter = &bench.config.devices[0];
    let infos = meter.tags.iter().map(crate::config::Tag::info).collect();
    let group = std::sync::Arc::new(crate::model::Group::new("meter".into(), meter.tags[0].every, infos));
    let mut wh = 0;
    for step in 0..4 * 120 {
        let kw = if step < 2 * 120 { 12.0 } else { 0.0 };
        let readings = [("p", Some(Value::F64(kw))), ("e", Some(Value::F64(wh as f64 / 1_000.0)))];
        bench.step(&batch(&group, EIGHT_PM + step * 15_000, &readings));
        wh += if step < 2 * 120 { 50 } else { 0 };
    }
    bench.tick(EIGHT_PM + 1_000 * MINUTE);
    let sums = night().gather(&bench.cells).by_shift;
    assert_eq!((sums.time.run(), sums.time.in_shift(State::Off)), (3_600_000, 3_585_000));
    assert_eq!(sums.energy.by_state[State::Run as usize], Amount::whole(12_000));
    assert_eq!(bench.value("energy", &night()), "12.0");
    assert_eq!(bench.value("max_demand", &night()), "12.0");
    assert!(sums.flags.has(Flags::INFERRED) && bench.intervals[0].is_inferred);
}

#[test]
fn a_meter_of_two_machines_gives_neither_an_energy_of_its_own() {
    let other = "[[device]]\nid = \"other\"\nmetered_by = \"meter\"\n";
    let device = format!("metered_by = \"meter\"\n{}", DEVICE.trim());
    let config = config(&device, &format!("{METERED}{other}"));
    let plan = Plan::of(&config, &config.devices[2]).expect("it has tags");
    assert!(plan.flags.has(Flags::SHARED_METER) && !plan.is_in_energy_sum && plan.inputs.len() == 4);
    let meter = Plan::of(&config, &config.devices[0]).expect("it has tags");
    assert!(meter.is_in_energy_sum && meter.flags.has(Flags::NO_STATE));
}

#[test]
fn without_coverage_there_is_no_ratio_and_without_good_pieces_no_oee() {
    let mut bench = machine();
    live(&mut bench, 0..18_000, true, false, |second| second / 10);
    bench.tick(EIGHT_PM + 1_000 * MINUTE);
    let value = |name| bench.value(name, &night());
    assert_eq!([value("availability"), value("oee"), value("output")], ["null", "null", "1799.0"]);
    assert_eq!(bench.figure("oee", &night()).quality, super::formula::Quality::None);

    let only_total = DEVICE.replace(r#"{ name = "bad", address = "40003", type = "u32", role = "count.bad" },"#, "");
    let mut bench = Bench::new(config(&only_total, SHIFTS));
    live(&mut bench, 0..43_300, true, false, |second| second / 10);
    let value = |name| bench.value(name, &night());
    assert_eq!([value("quality"), value("oee"), value("ae_only")], ["null", "null", "1.0"]);
    assert_eq!(value("output"), "4320.0");
}

#[test]
fn the_live_view_is_at_once_and_knows_when_nothing_is_heard() {
    let mut bench = machine();
    live(&mut bench, 0..5, true, false, |_| 0);
    assert_eq!(bench.engine.now().map(|now| now.state), Some(State::Run));
    live(&mut bench, 5..6, false, true, |_| 0);
    let now = bench.engine.now().cloned().expect("it was heard");
    assert_eq!((now.state, now.since.0), (State::Fault, EIGHT_PM + 5_000));
    bench.tick(EIGHT_PM + 16_000);
    let now = bench.engine.now().cloned().expect("it was heard");
    assert_eq!((now.state, now.since.0), (State::Unknown, EIGHT_PM + 5_000));
}

#[test]
fn late_data_is_told_and_a_recomputed_cell_has_a_higher_revision_only_if_it_changed() {
    let mut bench = machine();
    live(&mut bench, 0..7_400, true, false, |_| 0);
    assert!(bench.others.is_empty());
    live(&mut bench, 50..51, false, false, |_| 0);
    assert!(matches!(bench.others[..], [News::Late { at }] if at.0 == EIGHT_PM + 50_000), "{:?}", bench.others);
    let old = &bench.cells[0];
    assert_eq!(old.revised(old.clone()), None);
    let mut newer = old.clone();
    newer.sums.made_of(None, None).pieces = Amount::whole(1);
    let revised = old.revised(newer).expect("it changed");
    assert_eq!((revised.revision, revised.sums.pieces()), (1, Amount::whole(1)));
    assert_eq!(revised.revised(revised.clone()), None);
}

#[test]
fn a_controller_that_says_a_number_without_a_meaning_is_unknown_and_that_is_told() {
    let device = r#"tags = [
        { name = "mode", address = "40001", type = "u16", values = { 1 = "auto", 2 = "stop" }, role = "state.word", states = { auto = "run" } },
    ]"#;
    let mut bench = Bench::new(config(device, SHIFTS));
    let group = bench.groups().remove(0);
    for second in 0..4_000 {
        let mode = if second < 1_000 { "auto" } else { "stop" };
        bench.step(&batch(&group, EIGHT_PM + second * 1_000, &[("mode", Some(Value::Text(mode.into())))]));
    }
    let sums = &bench.cells[0].sums;
    assert_eq!((sums.time.run(), sums.time.in_shift(State::Unknown)), (1_000_000, 2_600_000));
    assert!(sums.flags.has(Flags::UNMAPPED_STATE));
}
