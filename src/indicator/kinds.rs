//! Other kinds of machines, and single cycles and alarms, from batches to figures: golden vectors computed by hand.

use jiff::civil::date;

use super::bench::{Bench, EIGHT_PM, MINUTE, batch, config};
use super::{Cycles, Flags, Period, Sums};
use crate::model::{State, Value};

const SHIFTS: &str = r#"
[[shift]]
name = "night"
start = "20:00"
end = "08:00"
"#;

fn night() -> Period {
    Period::Shift { name: "night".into(), date: date(2026, 3, 2) }
}

const KILN: &str = r#"
rated_per_hour = 600
every = "10s"
tags = [
    { name = "t", address = "40001", type = "f32", unit = "°C", role = "process.temperature", band = [780, 820] },
    { name = "heating", address = "coil:0", type = "bool", role = "state.setup" },
    { name = "out", address = "40003", type = "u32", scale = 0.1, unit = "kg", role = "count.total" },
    { name = "good", address = "40005", type = "u32", scale = 0.01, unit = "kg", role = "count.good" },
    { name = "end", address = "coil:1", type = "bool", role = "count.batch" },
    { name = "e", address = "40007", type = "u32", scale = 0.1, unit = "kWh", role = "energy.active" },
]
"#;

/// Minutes, °C, whether its heating is on, whether it puts something out.
const NIGHT: [(i64, f64, bool, bool); 5] = [
    (60, 500.0, true, false),
    (300, 800.0, false, true),
    (30, 760.0, false, false),
    (240, 780.0, false, true),
    (90, 300.0, false, false),
];

/// 1.5 kg every 10 s in 300 + 240 minutes: 4 860 kg, 98 % of it good.
fn kiln() -> Bench {
    let mut bench = Bench::new(config(KILN, SHIFTS));
    let group = bench.groups().remove(0);
    let (mut at, mut scans) = (EIGHT_PM, 0);
    let say = |bench: &mut Bench, at: i64, (celsius, heating): (f64, bool), scans: i64, end: bool| {
        let readings = [
            ("t", Some(Value::F64(celsius))),
            ("heating", Some(Value::Bool(heating))),
            ("out", Some(Value::F64(scans as f64 * 1.5))),
            ("good", Some(Value::F64(scans as f64 * 1.47))),
            ("end", Some(Value::Bool(end))),
            ("e", Some(Value::F64(100.0 + (at - EIGHT_PM) as f64 / MINUTE as f64 * 2.0))),
        ];
        bench.step(&batch(&group, at, &readings));
    };
    for (minutes, celsius, heating, puts_out) in NIGHT {
        let end = at + minutes * MINUTE;
        while at < end {
            // The door opens for a minute at the end of a batch.
            say(&mut bench, at, (celsius, heating), scans, puts_out && end - at <= MINUTE);
            scans += i64::from(puts_out);
            at += 10_000;
        }
    }
    while at < EIGHT_PM + 730 * MINUTE {
        say(&mut bench, at, (300.0, false), scans, false);
        at += 10_000;
    }
    bench
}

/// By hand: PBT 720 min; APT 300 + 240 = 540; A 540 / 720 = 0.75. E = 4 860 kg / (600 kg/h · 9 h) = 0.9.
/// Q = 4 762.8 / 4 860 = 0.98. OEE = 0.75 · 0.9 · 0.98 = 0.6615. Set-up rate 60 / (540 + 60) = 0.1.
/// 1 440 kWh / 4 762.8 kg = 0.302343 kWh/kg. 540 min / 4 860 kg = 6.666667 s/kg.
#[test]
fn a_kiln_is_measured_by_its_temperature_and_its_throughput_with_the_formulas_of_all_others() {
    let bench = kiln();
    for (name, expected) in [
        ("availability", "0.75"),
        ("effectiveness", "0.9"),
        ("quality", "0.98"),
        ("oee", "0.6615"),
        ("setup_rate", "0.1"),
        ("output", "4860.0"),
        ("output_good", "4762.8"),
        ("output_batches", "2.0"),
        ("energy", "1440.0"),
        ("energy_per_good", "0.302343"),
        ("actual_cycle", "6.666667"),
        ("cycle_p50", "null"),
        ("alarms", "null"),
    ] {
        assert_eq!(bench.value(name, &night()), expected, "{name}");
    }
    let oee = bench.figure("oee", &night());
    assert_eq!(oee.flags.words(), ["no_fault_source", "by_temperature"]);
    let sums = night().gather(&bench.cells).by_shift;
    let minutes = [State::Run, State::Idle, State::Setup, State::Off].map(|state| sums.time.in_shift(state) / 60_000);
    assert_eq!((minutes, sums.counters.job_resets), ([540, 120, 60, 0], 0));
    let unit = bench.figure("energy_per_good", &night()).formula.units_in(bench.engine.plan().counted_in)[2].clone();
    assert_eq!(unit, "kWh/kg");
}

const PRESS: &str = r#"
pri = "20s"
tags = [
    { name = "run", address = "coil:0", type = "bool", role = "state.run" },
    { name = "alarm", address = "coil:1", type = "bool", role = "alarm.word" },
    { name = "ack", address = "coil:2", type = "bool", role = "alarm.ack" },
    { name = "total", address = "40001", type = "u32", role = "count.total" },
]
"#;

/// Scans each second; of each: run, alarm, acknowledged, total; `None`: not read.
fn press(says: impl Fn(i64) -> Option<(bool, bool, bool, i64)>, seconds: i64) -> Sums {
    let mut bench = Bench::new(config(PRESS, SHIFTS));
    let group = bench.groups().remove(0);
    for second in 0..seconds {
        let (run, alarm, ack, total) = says(second).map_or((None, None, None, None), |(run, alarm, ack, total)| {
            (Some(Value::Bool(run)), Some(Value::Bool(alarm)), Some(Value::Bool(ack)), Some(Value::I64(total)))
        });
        let readings = [("run", run), ("alarm", alarm), ("ack", ack), ("total", total)];
        bench.step(&batch(&group, EIGHT_PM + second * 1_000, &readings));
    }
    bench.tick(EIGHT_PM + 1_500 * MINUTE);
    Sums::of(bench.cells.iter().map(|cell| &cell.sums))
}

/// 100 cycles of 20 s, then it stands for 300 s, then 100 of 30 s, of which the first begins unseen.
#[test]
fn a_cycle_runs_from_count_to_count_and_a_stop_is_none() {
    let total = |second: i64| second.min(2_000) / 20 + (second.max(2_300) - 2_300).min(3_000) / 30;
    let sums = press(|second| Some((!(2_000..2_300).contains(&second), false, false, total(second))), 5_400);
    let mut expected = Cycles::default();
    expected.put(20_000 * 99, 99, 5_000); // the first count ends a cycle that began unseen
    expected.put(30_000 * 99, 99, 5_000);
    assert_eq!(sums.cycles, expected);
    // Where it is looked at so seldom that a cycle has less than five scans, they are counted, and no more.
    let mut coarse = Cycles::default();
    coarse.put(20_000 * 99, 99, 25_000);
    coarse.put(30_000 * 99, 99, 25_000);
    assert_eq!((coarse.coarse, coarse.count()), (99, 198));
}

/// Of a gap of 20 s nobody knows when its piece was made; the cycle behind the next count is known again.
#[test]
fn over_a_gap_there_is_no_cycle() {
    let sums = press(|second| (!(105..125).contains(&second)).then_some((true, false, false, second / 20)), 201);
    let mut expected = Cycles::default();
    expected.put(20_000 * 7, 7, 5_000); // from 20 to 100, and from 140 to 200
    assert_eq!((sums.pieces().0 / 1_000_000, sums.cycles), (10, expected));
}

/// Two bits, one after the other and over each other: two alarms, 250 s of alarm, 150 + 150 s until they went.
#[test]
fn each_bit_is_an_alarm_of_its_own_and_one_button_is_for_all() {
    let device = r#"
        tags = [
            { name = "run", address = "coil:0", type = "bool", role = "state.run" },
            { name = "guard", address = "coil:1", type = "bool", role = "alarm.word" },
            { name = "oil", address = "coil:2", type = "bool", role = "alarm.word" },
            { name = "ack", address = "coil:3", type = "bool", role = "alarm.ack" },
        ]"#;
    let mut bench = Bench::new(config(device, SHIFTS));
    let group = bench.groups().remove(0);
    for second in 0..600 {
        let bit = |from: i64, to: i64| Some(Value::Bool((from..to).contains(&second)));
        let readings = [("run", bit(0, 600)), ("guard", bit(100, 250)), ("oil", bit(200, 350)), ("ack", bit(230, 240))];
        bench.step(&batch(&group, EIGHT_PM + second * 1_000, &readings));
    }
    bench.tick(EIGHT_PM + 1_500 * MINUTE);
    let sums = Sums::of(bench.cells.iter().map(|cell| &cell.sums));
    let times = sums.alarm_times;
    assert_eq!((sums.alarms, sums.alarm_ms, times.cleared, times.clear_ms), (2, 250_000, 2, 300_000));
    assert_eq!((times.acked, times.ack_ms), (2, 130_000 + 30_000));
}

/// Three alarms: 100 s, acknowledged after 40; 50 s, acknowledged 10 s after it went; one of which the end lies in a gap.
#[test]
fn alarms_have_times_where_both_ends_were_seen() {
    let within = |second: i64, spans: &[(i64, i64)]| spans.iter().any(|(from, to)| (*from..*to).contains(&second));
    let says = |second: i64| {
        let alarm = within(second, &[(100, 200), (300, 350), (500, 700)]);
        let ack = within(second, &[(140, 150), (360, 361), (690, 720)]);
        (!(600..640).contains(&second)).then_some((false, alarm, ack, 0))
    };
    let sums = press(says, 1_000);
    let times = sums.alarm_times;
    assert_eq!((sums.alarms, times.cleared, times.clear_ms, times.clear_unknown), (3, 2, 150_000, 1));
    assert_eq!((times.acked, times.ack_ms, times.ack_unknown, times.unacked), (2, 100_000, 1, 0));
    assert!(sums.flags.has(Flags::NO_QUALITY) && !sums.flags.has(Flags::NO_FAULT_SOURCE));
}
