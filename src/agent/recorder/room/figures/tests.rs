//! The recorder with one machine: what it publishes, keeps, and goes on from.

use std::sync::mpsc;

use tokio::sync::{oneshot, watch};

use super::super::super::super::tail::Tail;
use super::*;
use crate::config::Config;
use crate::indicator::{Amount, Plan};
use crate::journal::{AuditRow, Change, Limits, Look, Settings, Submitted, submit};
use crate::model::{Group, IndicatorReport, Reading, Value};

const HOUR_MS: i64 = 3_600_000;

fn open(dir: &std::path::Path) -> Room {
    let settings = Settings { dir: dir.to_owned(), limits: Limits::default() };
    let journal = Journal::open(settings, BootId(1), now()).unwrap();
    let (_, heard) = tokio::sync::mpsc::channel(1);
    let (_, orders) = mpsc::channel();
    let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
    let mut room = Room::new(journal, heard, orders, announce, oneshot::channel().0);
    room.follow(BootId(1), vec![machine()]);
    room
}

fn config() -> Config {
    let text = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
                [[shift]]\nname = \"a\"\nstart = \"08:00\"\nend = \"20:00\"\n\
                [[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\n\
                tags = [{ name = \"run\", address = \"coil:0\", type = \"bool\", role = \"state.run\" },\n\
                { name = \"total\", address = \"40001\", type = \"u32\", role = \"count.total\" }]\n";
    Config::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn machine() -> Machine {
    Machine {
        plan: Arc::new(Plan::all(&config()).remove(0)),
        hides_causes: false,
        causes: Default::default(),
        may_come_late: true,
    }
}

#[test]
fn a_device_without_roles_tells_no_state_and_seldom_costs_a_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut room = open(dir.path());
    let mut plain = Plan::clone(&machine().plan);
    plain.inputs.clear();
    plain.flags.raise(Flags::NO_STATE);
    room.follow(BootId(1), vec![Machine { plan: Arc::new(plain), ..machine() }]);
    room.turn(false); // which stores the place of the machine that is gone
    hear(&mut room, now().0, true, 10);
    room.figures.machines[0].kept = Instant::now().checked_sub(SNAPSHOT_AT_LEAST).unwrap();
    room.keep_figures(true);
    assert_eq!(states(&room), []);
    assert!(!room.journal.has_figures());
}

fn batch(at: i64, mono_ms: u64, run: bool, total: i64) -> Batch {
    let device = &config().devices[0];
    let infos = device.tags.iter().map(|tag| tag.info()).collect();
    let group = Arc::new(Group::new("m".into(), Duration::from_secs(1), infos));
    let readings = vec![Some(Reading::Good(Value::Bool(run))), Some(Reading::Good(Value::I64(total)))];
    Batch { group, at: Timestamp(at), mono_ms, due_ms: None, readings, stamps: None }
}

fn hear(room: &mut Room, at: i64, run: bool, total: i64) {
    room.step_figures(&batch(at, (at - now().0 + 100 * HOUR_MS) as u64, run, total), Timestamp(at), ClockMark::Trusted);
}

fn states(room: &Room) -> Vec<(State, i64)> {
    let events = room.pending.events.iter();
    events
        .filter_map(|new| match &new.event {
            Event::State(report) => Some((report.state, report.since)),
            _ => None,
        })
        .collect()
}

fn look(room: &Room) -> Look {
    let place = room.journal.reader();
    Look::open(&place.dir(), &place).unwrap()
}

#[test]
fn scans_of_an_untrusted_clock_wait_until_their_time_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let mut room = open(dir.path());
    for second in 0..5 {
        let batch = batch(second * 1_000, second as u64 * 1_000, second > 2, 0);
        room.step_figures(&batch, batch.at, ClockMark::Untrusted);
    }
    assert_eq!(states(&room), []);
    let begun = now().0 - 5_000;
    room.release_figures(begun);
    assert_eq!(states(&room), [(State::Idle, begun), (State::Run, begun + 3_000)]);
    assert!(room.figures.waiting.is_empty() && room.figures.waiting_samples == 0);
}

#[test]
fn the_shift_so_far_is_what_is_settled_and_what_is_not_together() {
    const NOON: i64 = 1_772_510_400_000; // 2026-03-03 12:00 in Shanghai
    let dir = tempfile::tempdir().unwrap();
    let mut room = open(dir.path());
    let machine = machine();
    let mut engine = Engine::new(machine.plan.clone());
    engine.boot(BootId(1));
    for step in 0..1_801 {
        let at = NOON + step * 5_000;
        for news in engine.step(&batch(at, step as u64 * 5_000, true, step), Timestamp(at)) {
            if let News::Cell(cell) = news {
                room.journal.put_cell(row_of(&cell));
            }
        }
    }
    let now = Timestamp(NOON + 9_000_000);
    let settled = room.journal.cells(Timestamp(NOON), now, Some("m")).unwrap().len();
    assert!(settled > 0 && engine.open_cells().count() > 0, "{settled} settled");
    let glance = room.shift_so_far(&machine, &engine, now);
    assert_eq!(glance.shift, Some(("a".into(), "2026-03-03".into())));
    assert_eq!((glance.pieces, glance.availability, glance.oee), (Some(1_800.0), Some(1.0), None));
    let after = room.shift_so_far(&machine, &engine, Timestamp(NOON + 9 * HOUR_MS));
    assert_eq!((after.shift, after.pieces), (None, None), "no shift is running");
}

#[test]
fn what_waits_for_a_clock_is_bounded() {
    let mut figures = Figures::default();
    let large = Batch { readings: vec![None; MOST_WAITING / 4], ..batch(0, 0, true, 0) };
    (0..10).for_each(|_| figures.keep_back(large.clone()));
    assert_eq!((figures.waiting.len(), figures.waiting_samples), (4, MOST_WAITING));
}

#[test]
fn an_engine_goes_on_from_the_snapshot_that_went_with_what_it_told() {
    let dir = tempfile::tempdir().unwrap();
    let begun = now().0 - 20_000;
    let mut room = open(dir.path());
    for (second, run, total) in [(0, true, 10), (1, true, 12), (2, false, 14), (3, false, 14)] {
        hear(&mut room, begun + second * 1_000, run, total);
    }
    assert!(look(&room).snapshot("m").unwrap().is_none(), "not before the turn");
    room.turn(false);
    let bytes = look(&room).snapshot("m").unwrap().unwrap().body.len();
    assert!(bytes < 8_000, "{bytes} bytes of a snapshot");
    let log = |room: &Room| look(room).intervals(Timestamp(0), Timestamp(i64::MAX), None).unwrap();
    assert_eq!(log(&room).len(), 1);
    drop(room); // as a kill would

    let mut room = open(dir.path());
    let told: Vec<_> = states(&room);
    assert_eq!(told, [], "what it does is known already");
    for (second, run, total) in [(5, false, 15), (6, true, 16), (7, false, 17)] {
        hear(&mut room, begun + second * 1_000, run, total);
    }
    room.turn(false);
    let log = log(&room);
    assert!(log.windows(2).all(|pair| pair[0].end == pair[1].start), "{log:#?}");
    let pieces: i64 = room.figures.machines[0].engine.open_cells().map(|cell| cell.sums.pieces().0 / 1_000_000).sum();
    assert_eq!(pieces, 7);
}

#[test]
fn a_device_that_leaves_the_configuration_keeps_its_place_for_its_return() {
    let dir = tempfile::tempdir().unwrap();
    let mut room = open(dir.path());
    hear(&mut room, now().0, true, 10);
    let before = room.figures.machines[0].engine.snapshot();
    room.follow(BootId(1), Vec::new());
    room.turn(false);
    room.follow(BootId(1), vec![machine()]);
    assert_eq!(room.figures.machines[0].engine.snapshot(), before);
}

#[test]
fn quarters_of_an_hour_are_told_to_those_who_asked_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut room = open(dir.path());
    let plain = machine();
    let slot = plain.plan.calendar.slot(Timestamp(now().0 - 5 * HOUR_MS));
    let mut cell = Cell::new("m", slot.hour, slot.end, slot.date, slot.shift);
    cell.quarters = [crate::indicator::Quarter { wh: Amount::whole(5), full: None }; 4];
    let mut tell = |tells_quarters: bool, is_metered: bool| {
        let plan = Plan { tells_quarters, ..Plan::clone(&plain.plan) };
        room.follow(BootId(1), vec![Machine { plan: Arc::new(plan), ..machine() }]);
        cell.sums.energy.is_metered = is_metered;
        room.on_figure_news(0, vec![News::Cell(Box::new(cell.clone()))]);
        room.publish_figures(usize::MAX);
        let events = std::mem::take(&mut room.pending.events);
        let is_quarter = |new: &&crate::journal::NewEvent| matches!(&new.event, Event::Indicator(report) if report.period.kind == "quarter");
        events.iter().filter(is_quarter).count()
    };
    assert_eq!([tell(true, true), tell(false, true), tell(true, false)], [4, 0, 0]);
}

#[test]
fn periods_that_are_over_are_told_once_and_again_when_a_person_changes_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut room = open(dir.path());
    let begun = now().0 - 50 * HOUR_MS;
    hear(&mut room, begun, true, 10);
    hear(&mut room, now().0, true, 110);
    room.publish_figures(usize::MAX);
    let reports = |room: &mut Room| -> Vec<IndicatorReport> {
        let events = std::mem::take(&mut room.pending.events);
        let report = |event| match event {
            Event::Indicator(report) => Some(*report),
            _ => None,
        };
        events.into_iter().filter_map(|new| report(new.event)).collect()
    };
    let told = reports(&mut room);
    let kinds = |kind: &str| told.iter().filter(|report| report.period.kind == kind).count();
    assert!((2..=3).contains(&kinds("day")) && (1..=3).contains(&kinds("shift")), "{told:#?}");
    let are_over = |told: &[IndicatorReport]| told.iter().all(|report| report.period.end <= now().0);
    assert!(are_over(&told) && told.iter().all(|report| report.revision == 0), "{told:#?}");
    room.turn(false);
    assert_eq!(reports(&mut room), [], "once");

    let shift = told.iter().rfind(|report| report.period.kind == "shift").unwrap();
    let (from, to) = (Timestamp(shift.period.start), Timestamp(shift.period.start + 1));
    let row = look(&room).cells(from, to, Some("m")).unwrap().remove(0);
    let changed = FigureRow { revision: row.revision + 1, ..row };
    let audit = AuditRow { id: 0, at: now(), what: "reclassify".into(), body: "{}".into() };
    let change = Change { cells: vec![changed], audit: vec![audit], ..Change::default() };
    let place = room.journal.reader();
    let submitted = submit(&place.dir(), &place, &change, now()).unwrap();
    assert!(matches!(submitted, Submitted::Handed(_)));
    room.take_wishes().unwrap();
    room.publish_figures(usize::MAX);
    let told = reports(&mut room);
    let again = told.iter().find(|report| report.period == shift.period).unwrap();
    assert_eq!(again.revision, 1);
    assert!(
        are_over(&told) && told.iter().all(|report| report.revision == 1),
        "what it does not touch is not told: {told:#?}"
    );
}
