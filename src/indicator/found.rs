//! What the recomputation of a month (tests/month.rs) has found, one by one.

use super::bench::{Bench, EIGHT_PM, MINUTE, batch, config};
use super::{Amount, Sums};
use crate::model::Value;

const NIGHT: &str = r#"
[[shift]]
name = "night"
start = "20:00"
end = "08:00"
[[device]]
id = "meter"
link = "l"
unit = 2
every = "1m"
tags = [{ name = "kwh", address = "40001", type = "u32", scale = 0.01, unit = "kWh", role = "energy.active" }]
"#;

const DEVICE: &str = r#"
pri = "5s"
every = "10s"
metered_by = "meter"
tags = [
    { name = "run", address = "coil:0", type = "bool", role = "state.run" },
    { name = "total", address = "40001", type = "u32", role = "count.total" },
    { name = "good", address = "40003", type = "u32", role = "count.good", every = "30s" },
]
"#;

/// A scan every ten seconds, a slower one every thirty, and the meter every minute; the wall clock is ahead by `ahead`.
fn live(bench: &mut Bench, seconds: std::ops::Range<i64>, ahead: i64) {
    let groups = bench.groups();
    let meter = &bench.config.devices[0];
    let tags = meter.tags.iter().map(crate::config::Tag::info).collect();
    let meter = std::sync::Arc::new(crate::model::Group::new(meter.id.clone(), meter.tags[0].every, tags));
    for second in seconds.step_by(10) {
        let at = EIGHT_PM + second * 1_000;
        let mut step = |mut batch: crate::model::Batch| {
            batch.at.0 += ahead;
            bench.step(&batch);
        };
        let total = Value::I64(100_000 + second / 5);
        step(batch(&groups[0], at, &[("run", Some(Value::Bool(true))), ("total", Some(total.clone()))]));
        if second % 30 == 0 {
            step(batch(&groups[1], at, &[("good", Some(total))]));
        }
        if second % 60 == 0 {
            step(batch(&meter, at, &[("kwh", Some(Value::F64(5_000.0 + second as f64 / 100.0)))]));
        }
    }
}

fn sums(bench: &mut Bench, until: i64) -> Sums {
    bench.tick(EIGHT_PM + until + 600 * MINUTE);
    Sums::of(bench.cells.iter().map(|cell| &cell.sums))
}

#[test]
fn a_clock_that_is_set_back_makes_no_counter_begin_anew() {
    for back in [20_000, 35_000, 61_000, 600_000] {
        let mut bench = Bench::new(config(DEVICE, NIGHT));
        live(&mut bench, 0..3_630, 0);
        live(&mut bench, 3_630..7_210, -back);
        let sums = sums(&mut bench, 7_200_000);
        assert_eq!(sums.counters, super::CounterEvents::default(), "set back by {back} ms");
        assert_eq!(sums.pieces(), Amount::whole(1_440), "set back by {back} ms");
        assert_eq!(sums.energy.total, Amount::whole(72_000), "set back by {back} ms");
    }
}

#[test]
fn a_counter_is_counted_though_its_scan_comes_in_pieces() {
    let alone = DEVICE.replace(r#", every = "30s""#, "").replace(r#"metered_by = "meter""#, "");
    let mut bench = Bench::new(config(&alone, NIGHT));
    let group = bench.groups().remove(0);
    for second in (0..=3_600).step_by(10) {
        let at = EIGHT_PM + second * 1_000;
        bench.step(&batch(&group, at, &[("run", Some(Value::Bool(true))), ("good", Some(Value::I64(second / 5)))]));
        bench.tick(at);
        bench.step(&batch(&group, at, &[("total", Some(Value::I64(second / 5)))]));
    }
    assert_eq!(bench.others.len(), 0, "nothing came late");
    sums(&mut bench, 3_600_000);
    assert_eq!(bench.cells[0].sums.pieces(), Amount::whole(720), "what ends with the hour is of the hour");
}

#[test]
fn no_more_scans_are_good_than_were_expected() {
    let mut bench = Bench::new(config(DEVICE, NIGHT));
    live(&mut bench, 0..7_210, 0);
    sums(&mut bench, 7_200_000);
    let scans = |n: usize| (bench.cells[n].sums.scans_good, bench.cells[n].sums.scans_expected);
    assert_eq!([scans(0), scans(1)], [(360, 360), (360, 360)]);
}

#[test]
fn a_clock_that_is_set_back_and_forth_makes_no_late_data() {
    let mut bench = Bench::new(config(DEVICE, NIGHT));
    live(&mut bench, 0..3_630, 0);
    live(&mut bench, 3_630..4_230, -600_000);
    live(&mut bench, 4_230..7_210, 0);
    // The agent is started anew while the clock is behind once more.
    bench.engine.boot(crate::model::BootId(2));
    live(&mut bench, 7_210..7_810, -600_000);
    live(&mut bench, 7_810..9_010, 0);
    let is_late = |news: &super::News| matches!(news, super::News::Late { .. });
    assert_eq!(bench.others.iter().filter(|news| is_late(news)).count(), 0, "{:?}", bench.others);
    let sums = sums(&mut bench, 9_000_000);
    assert_eq!((sums.pieces(), sums.counters.resets), (Amount::whole(1_800), 0));
}

#[test]
fn of_a_scan_that_comes_too_late_nothing_is_taken() {
    let mut bench = Bench::new(config(DEVICE, NIGHT));
    live(&mut bench, 0..600, 0);
    bench.tick(EIGHT_PM + 900_000);
    let before = bench.engine.snapshot();
    live(&mut bench, 605..606, 0); // while the meter alone is behind
    assert!(matches!(bench.others[..], [super::News::Late { .. }]), "{:?}", bench.others);
    let of = |snapshot: &[u8]| serde_json::from_slice::<serde_json::Value>(snapshot).expect("it is ours");
    let (before, mut after) = (of(&before), of(&bench.engine.snapshot()));
    after["placer"] = before["placer"].clone();
    assert_eq!(after, before);
}

/// A machine that says its cavities, and something slower that everything waits for.
const MOULD: &str = r#"
pri = "40s"
every = "30s"
cavities = 4
tags = [
    { name = "run", address = "coil:0", type = "bool", role = "state.run" },
    { name = "total", address = "40001", type = "u32", role = "count.total" },
    { name = "cav", address = "40003", type = "u16", role = "cavities" },
    { name = "setup", address = "coil:1", type = "bool", role = "state.setup", every = "2m" },
]
"#;

#[test]
fn a_clock_set_back_to_the_very_moment_of_a_scan_leaves_each_count_the_cavities_it_came_with() {
    // Either the moment is decided when it comes again, or it waits for the slow tag: that must make no difference.
    for is_waiting in [false, true] {
        let mut bench = Bench::new(config(MOULD, NIGHT));
        let groups = bench.groups();
        let run = || ("run", Some(Value::Bool(true)));
        let said = |at, total, cavities| {
            let [total, cavities] = [total, cavities].map(|n| Some(Value::I64(n)));
            batch(&groups[0], EIGHT_PM + at, &[run(), ("total", total), ("cav", cavities)])
        };
        let slow = |at| batch(&groups[1], EIGHT_PM + at, &[("setup", Some(Value::Bool(false)))]);
        bench.step(&said(0, 1_000, 4));
        bench.step(&slow(0));
        bench.step(&said(30_000, 1_001, 4));
        bench.step(&said(60_000, 1_003, 4));
        if !is_waiting {
            bench.step(&slow(60_000));
        }
        let back = |mut batch: crate::model::Batch| {
            batch.mono_ms += 60_000;
            batch
        };
        bench.step(&back(said(30_000, 1_004, 2)));
        bench.step(&back(said(60_000, 1_006, 2)));
        let waits = if is_waiting { 0 } else { 60_000 };
        assert_eq!(bench.engine.decided_to().map(|at| at.0 - EIGHT_PM), Some(waits));
        let sums = sums(&mut bench, 600_000);
        assert_eq!(sums.pieces(), Amount::whole(3 * 4 + 3 * 2), "waiting: {is_waiting}");
    }
}
