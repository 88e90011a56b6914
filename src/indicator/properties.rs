//! For any sequence of events: the seven states add up to the calendar, parts add up to the whole, and neither the chunking of
//! batches nor ticks nor restarts change anything.

use std::sync::Arc;

use proptest::prelude::*;

use super::bench::{Bench, EIGHT_PM, MINUTE, batch, config};
use super::{Amount, Cell, Engine, Interval, Sums};
use crate::model::{Batch, State, Value};

const DEVICE: &str = r#"
every = "1s"
microstop = "60s"
metered_by = "meter"
tags = [
    { name = "run", address = "coil:0", type = "bool", role = "state.run" },
    { name = "fault", address = "coil:1", type = "bool", role = "state.fault" },
    { name = "setup", address = "coil:2", type = "bool", role = "state.setup" },
    { name = "alarm", address = "40001", type = "u16", role = "alarm.word" },
    { name = "ack", address = "40002", type = "u16", role = "alarm.ack" },
    { name = "total", address = "40010", type = "u32", role = "count.total" },
    { name = "bad", address = "40012", type = "u32", role = "count.bad", every = "5s" },
    { name = "code", address = "40014", type = "u16", role = "alarm.code", every = "5s" },
    { name = "product", address = "40015", type = "u16", role = "product.id", every = "5s" },
]
"#;

const MORE: &str = r#"
[[shift]]
name = "day"
start = "08:00"
end = "20:15"
days = ["tue-sat"]
breaks = ["12:00-12:30"]
[[shift]]
name = "night"
start = "20:20"
end = "08:00"
breaks = ["00:00-00:30"]
planned_stops = ["21:05-21:20"]
[[product]]
code = "1"
pri = "40s"
cavities = 3
[[product]]
code = "2"
pri = "11s"
[[tariff]]
name = "peak"
times = ["08:00-22:30"]
[[tariff]]
name = "valley"
times = ["22:30-08:00"]
[[device]]
id = "meter"
link = "l"
unit = 2
every = "5s"
tags = [{ name = "kwh", address = "40001", type = "u32", scale = 0.01, unit = "kWh", role = "energy.active" }]
"#;

/// What happens after a while.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    after_ms: i64,
    bits: u8,
    made: u8,
    bad: u8,
    wh10: u16,
    code: u8,
    /// Which groups are heard, and whether well.
    heard: u8,
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let after = prop_oneof![8 => 200..9_000_i64, 3 => 9_000..70_000_i64, 1 => 70_000..4_000_000_i64];
    let what = (0..16_u8, 0..4_u8, 0..2_u8, 0..500_u16, 0..4_u8, 0..16_u8);
    (after, what).prop_map(|(after_ms, (bits, made, bad, wh10, code, heard))| {
        let bits = if bits > 11 { 1 } else { bits }; // it runs more often than not
        Event { after_ms, bits, made, bad, wh10, code, heard }
    })
}

/// The batches of these events, each of one group.
pub(crate) fn batches(bench: &Bench, events: &[Event]) -> Vec<Batch> {
    let groups = bench.groups();
    let meter = &bench.config.devices[0];
    let meter = Arc::new(crate::model::Group::new(
        meter.id.clone(),
        meter.tags[0].every,
        meter.tags.iter().map(crate::config::Tag::info).collect(),
    ));
    let mut batches = Vec::new();
    let (mut at, mut total, mut bad, mut wh10) = (EIGHT_PM, 10, 3, 700);
    for event in events {
        at += event.after_ms;
        (total, bad, wh10) = (total + i64::from(event.made), bad + i64::from(event.bad), wh10 + i64::from(event.wh10));
        let bit = |n: u8| Value::Bool(event.bits >> n & 1 == 1);
        let well = |value: Value, n: u8| (event.heard >> n & 1 == 0 || event.heard < 4).then_some(value);
        batches.push(batch(
            &groups[0],
            at,
            &[
                ("run", well(bit(0), 0)),
                ("fault", well(bit(1), 0)),
                ("setup", well(bit(2), 1)),
                ("alarm", well(Value::U64(u64::from(event.bits >> 3)), 3)),
                ("ack", well(bit(1), 1)),
                ("total", well(Value::I64(total), 2)),
            ],
        ));
        if event.heard % 3 == 0 {
            batches.push(batch(
                &groups[1],
                at + 150,
                &[
                    ("bad", Some(Value::I64(bad))),
                    ("code", well(Value::U64(u64::from(event.code)), 3)),
                    ("product", Some(Value::U64(u64::from(event.code / 2 + 1)))),
                ],
            ));
        }
        if event.heard % 4 < 3 {
            batches.push(batch(&meter, at + 170, &[("kwh", well(Value::F64(wh10 as f64 / 100.0), 0))]));
        }
    }
    batches
}

pub(crate) fn bench() -> Bench {
    Bench::new(config(DEVICE, MORE))
}

/// Long enough that everything is settled.
pub(crate) fn close(bench: &mut Bench, batches: &[Batch]) {
    let last = batches.last().map_or(EIGHT_PM, |batch| batch.at.0);
    bench.tick(last + 1_500 * MINUTE);
}

pub(crate) fn result(bench: &Bench) -> (Vec<Interval>, Vec<Cell>) {
    let mut cells = bench.cells.clone();
    cells.sort_by_key(|cell| cell.start);
    (bench.intervals.clone(), cells)
}

pub(crate) fn straight(batches: &[Batch]) -> Bench {
    let mut bench = bench();
    batches.iter().for_each(|batch| bench.step(batch));
    close(&mut bench, batches);
    bench
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn states_add_up_to_the_calendar_and_parts_to_the_whole(events in prop::collection::vec(event(), 1..120)) {
        let batches = batches(&bench(), &events);
        let bench = straight(&batches);
        let (intervals, mut cells) = result(&bench);
        cells.extend(bench.engine.open_cells().cloned());
        let begun = intervals.first().map(|it| it.start.0).or(bench.engine.open_interval().map(|it| it.start.0));
        let (Some(begun), Some(decided)) = (begun, bench.engine.decided_to()) else { return Ok(()) };
        let sums = Sums::of(cells.iter().map(|cell| &cell.sums));
        prop_assert_eq!(sums.time.calendar() as i64, decided.0 - begun);
        for cell in &cells[1..cells.len() - 1] {
            prop_assert_eq!(cell.sums.time.calendar() as i64, cell.end.0 - cell.start.0);
        }
        for (a, b) in cells.iter().zip(&cells[1..]) {
            prop_assert_eq!(a.end, b.start);
        }
        let log: Vec<_> = intervals.iter().cloned().chain(bench.engine.open_interval()).collect();
        for (a, b) in log.iter().zip(&log[1..]) {
            prop_assert!(a.end == b.start && a.state != b.state);
        }
        for state in State::ALL {
            let logged: u64 = log.iter().filter(|it| it.state == state).map(Interval::ms).sum();
            prop_assert_eq!(logged, sums.time.lived(state));
        }
        let energy = &sums.energy;
        let sum = |parts: &mut dyn Iterator<Item = Amount>| parts.fold(Amount::default(), |sum, part| sum + part);
        prop_assert_eq!(sum(&mut energy.by_state.iter().copied()), energy.total);
        prop_assert_eq!(sum(&mut energy.by_tariff.values().copied()), energy.total);
        prop_assert_eq!(sum(&mut cells.iter().flat_map(|cell| cell.quarters).map(|quarter| quarter.wh)), energy.total);
        prop_assert_eq!(sums.pieces() - sums.good(), sums.bad());
        let stops: u64 = sums.stops.iter().map(|stop| stop.ms).sum();
        let open = bench.engine.open_interval().map_or(0, |it| it.ms()); // of the last one some is not charged yet
        let stood = sums.time.in_shift(State::Idle) + sums.time.in_shift(State::Fault);
        prop_assert!(stops <= stood && stood - stops <= open);
        prop_assert!(sums.ttr <= sums.time.in_shift(State::Fault));
        let alarms = &sums.alarm_times;
        let standing = sums.alarms - alarms.cleared - alarms.clear_unknown;
        let waiting = sums.alarms - alarms.acked - alarms.ack_unknown - alarms.unacked;
        prop_assert!(standing <= 1 && waiting <= 1 && alarms.clear_ms <= sums.alarm_ms, "{alarms:?}");
        prop_assert!(Amount::whole(sums.cycles.count() as i64) <= sums.pieces());
        for at in [1, cells.len() / 2, cells.len()] {
            let (left, right) = cells.split_at(at);
            let mut parts = Sums::of(right.iter().map(|cell| &cell.sums));
            parts.add(&Sums::of(left.iter().map(|cell| &cell.sums)));
            prop_assert_eq!(&parts, &sums);
        }
    }

    #[test]
    fn what_was_counted_is_what_the_counters_moved(events in prop::collection::vec(event(), 1..120)) {
        let batches = batches(&bench(), &events);
        let bench = straight(&batches);
        let readings = |name: &str| -> Vec<i64> {
            let of = batches.iter().filter_map(|batch| {
                let place = batch.group.tags.iter().position(|tag| &*tag.name == name)?;
                match &batch.readings[place] {
                    Some(crate::model::Reading::Good(Value::I64(n))) => Some(*n),
                    _ => None,
                }
            });
            of.collect()
        };
        let moved = |name| readings(name).last().zip(readings(name).first()).map_or(0, |(last, first)| last - first);
        let sums = Sums::of(bench.cells.iter().map(|cell| &cell.sums));
        if bench.others.is_empty() {
            prop_assert_eq!(sums.bad(), Amount::whole(moved("bad")));
            prop_assert_eq!(sums.pieces(), Amount::whole(moved("total")));
        }
    }

    #[test]
    fn chunking_ticks_and_restarts_change_nothing(
        events in prop::collection::vec(event(), 1..120),
        disturbed in prop::collection::vec(0..16_u8, 1..20),
    ) {
        let batches = batches(&bench(), &events);
        let expected = result(&straight(&batches));
        let mut bench = bench();
        for (n, batch) in batches.iter().enumerate() {
            let how = disturbed[n % disturbed.len()];
            if how & 1 == 1 {
                // In two pieces, the second half of the tags first.
                for parity in [1, 0] {
                    let mut piece = batch.clone();
                    piece.readings.iter_mut().skip(parity).step_by(2).for_each(|reading| *reading = None);
                    bench.step(&piece);
                }
            } else {
                bench.step(batch);
            }
            if how & 2 == 2 {
                let next = batches.get(n + 1).map_or(batch.at.0, |next| next.at.0);
                bench.tick((batch.at.0 + next) / 2);
            }
            if how & 4 == 4 {
                let snapshot = bench.engine.snapshot();
                bench.engine = Engine::restore(bench.engine.plan().clone(), &snapshot).expect("it is ours");
                prop_assert_eq!(bench.engine.snapshot(), snapshot);
            }
        }
        close(&mut bench, &batches);
        let (log, cells) = result(&bench);
        prop_assert_eq!(&log, &expected.0);
        for (found, expected) in cells.iter().zip(&expected.1) {
            prop_assert_eq!(found, expected);
        }
        prop_assert_eq!(cells.len(), expected.1.len());
    }
}
