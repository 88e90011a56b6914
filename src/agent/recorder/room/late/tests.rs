//! Late scans in a recorder with a journal: what is stored, what is told, what people said stays.

use tokio::sync::{oneshot, watch};

use super::super::super::super::tail::Tail;
use super::super::super::Machine;
use super::super::figures::cell_of;
use super::super::now;
use super::*;
use crate::config::Config;
use crate::indicator::{Calendar, Flags, Plan, reclassify};
use crate::journal::{AuditRow, Change, FigureRow, Journal, Limits, Look, Settings, Submitted, submit};
use crate::model::{BootId, ClockMark, Event, Group, IndicatorReport, Reading, State, Value};

const HOUR_MS: i64 = 3_600_000;

const MINUTE_MS: i64 = 60_000;

fn config() -> Config {
    let text = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
                [[shift]]\nname = \"a\"\nstart = \"00:00\"\nend = \"00:00\"\n\
                [[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\nevery = \"10s\"\nstale_after = \"30s\"\n\
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

fn calendar() -> Calendar {
    Calendar::new(&config().schedule, "Asia/Shanghai", "m")
}

/// A recorder of one machine that heard it from `begun` on, by a monotonic clock that began two hours before.
struct Site {
    dir: tempfile::TempDir,
    room: Room,
    begun: i64,
    told: Vec<IndicatorReport>,
}

impl Site {
    fn new(begun: i64) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { dir: dir.path().to_owned(), limits: Limits::default() };
        let journal = Journal::open(settings, BootId(1), now()).unwrap();
        let (_, heard) = tokio::sync::mpsc::channel(1);
        let (_, orders) = std::sync::mpsc::channel();
        let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
        let mut room = Room::new(journal, heard, orders, announce, oneshot::channel().0);
        room.follow(BootId(1), vec![machine()]);
        Site { dir, room, begun, told: Vec::new() }
    }

    fn hear(&mut self, at: i64, run: bool, total: i64) {
        self.hear_marked(at, run, total, ClockMark::Trusted);
    }

    fn hear_marked(&mut self, at: i64, run: bool, total: i64, clock: ClockMark) {
        let batch = self.batch(at, run, total);
        self.room.step_figures(&batch, Timestamp(at), clock);
    }

    fn batch(&self, at: i64, run: bool, total: i64) -> Batch {
        let infos = config().devices[0].tags.iter().map(|tag| tag.info()).collect();
        let group = Arc::new(Group::new("m".into(), Duration::from_secs(10), infos));
        let readings = vec![Some(Reading::Good(Value::Bool(run))), Some(Reading::Good(Value::I64(total)))];
        let mono_ms = (at - self.begun + 2 * HOUR_MS) as u64;
        Batch { group, at: Timestamp(at), mono_ms, due_ms: None, readings, stamps: None }
    }

    /// Every ten seconds of `[from, to)`, in minutes: it runs, but idles between the tenth and the fortieth minute of each hour.
    fn live(&mut self, minutes: std::ops::Range<i64>) {
        for at in (minutes.start * MINUTE_MS..minutes.end * MINUTE_MS).step_by(10_000) {
            self.hear(self.begun + at, !(10..40).contains(&(at / MINUTE_MS % 60)), at / 10_000);
        }
    }

    /// What came late is in the figures, and on the disk.
    fn settle(&mut self) {
        self.room.tick_figures();
        self.room.tend_late(1_000_000, true);
        self.room.publish_figures(usize::MAX);
        let reports = self.room.pending.events.iter().filter_map(|new| match &new.event {
            Event::Indicator(report) => Some((**report).clone()),
            _ => None,
        });
        self.told.extend(reports);
        self.room.turn(true);
    }

    fn look(&self) -> Look {
        let place = self.room.journal.reader();
        Look::open(&place.dir(), &place).unwrap()
    }

    fn cells(&self) -> Vec<Cell> {
        self.look().cells(Timestamp(0), Timestamp(i64::MAX / 2), None).unwrap().iter().filter_map(cell_of).collect()
    }

    fn cell(&self, minute: i64) -> Cell {
        let at = Timestamp(self.begun + minute * MINUTE_MS);
        self.cells().into_iter().find(|cell| cell.start <= at && at < cell.end).unwrap()
    }

    fn log(&self) -> Vec<(State, i64, i64)> {
        let rows = self.look().intervals(Timestamp(0), Timestamp(i64::MAX / 2), None).unwrap();
        let minutes = |at: Timestamp| (at.0 - self.begun) / MINUTE_MS;
        rows.iter()
            .filter_map(|row| {
                serde_json::from_str(&row.body)
                    .ok()
                    .map(|it: Interval| (it.state, minutes(row.start), minutes(row.end)))
            })
            .collect()
    }

    fn reports(&mut self) -> Vec<IndicatorReport> {
        std::mem::take(&mut self.told)
    }
}

/// The start of an hour of the workshop some hours ago.
fn hours_ago(hours: i64) -> i64 {
    (now().0 - hours * HOUR_MS).div_euclid(HOUR_MS) * HOUR_MS
}

/// The same hour of the day some days ago, at midnight in the workshop.
fn midnight(days: i64) -> i64 {
    let date = calendar().date_of(now());
    let date = date.checked_sub(jiff::Span::new().days(days)).unwrap();
    calendar().midnight(date).0
}

#[test]
fn a_scan_that_comes_late_changes_its_hour_and_its_day_and_nothing_else() {
    let mut site = Site::new(midnight(2));
    site.live(0..70);
    site.live(75..200); // a hole from 0:70 to 0:75
    site.live(1_440..1_500); // the day after, so that the first one is over
    site.settle();
    let told = site.reports();
    assert!(told.iter().any(|report| report.period.kind == "day" && report.revision == 0), "{told:#?}");
    let before = site.cells();
    assert_eq!(site.cell(61).sums.time.lived(State::Unknown), 310_000);

    site.live(70..75);
    site.settle();
    let again = site.cell(61);
    assert_eq!((again.revision, again.sums.time.lived(State::Unknown)), (1, 0));
    assert!(again.sums.flags.has(Flags::LATE) && again.sums.late_uncounted == 0);
    let changed: Vec<Timestamp> =
        site.cells().iter().zip(&before).filter(|(a, b)| a != b).map(|(cell, _)| cell.start).collect();
    assert_eq!(changed, [again.start], "nothing else changed");
    assert!(site.log().contains(&(State::Idle, 70, 100)), "{:?}", site.log());
    assert!(site.log().windows(2).all(|pair| pair[0].2 == pair[1].1), "{:?}", site.log());
    let told = site.reports();
    let kinds: Vec<_> = told.iter().map(|report| (&*report.period.kind, report.revision)).collect();
    assert_eq!(kinds, [("shift", 1), ("day", 1)], "{told:#?}");
    assert!(told[0].flags.iter().any(|flag| flag == "late"), "{:?}", told[0].flags);

    // And as if all had come in time.
    let mut other = Site::new(site.begun);
    other.live(0..200);
    other.live(1_440..1_500);
    other.settle();
    let plain = |cell: &Cell| {
        let flags = cell.sums.flags.without(Flags::LATE);
        Cell { revision: 0, sums: crate::indicator::Sums { flags, ..cell.sums.clone() }, ..cell.clone() }
    };
    assert_eq!(site.cells().iter().map(plain).collect::<Vec<_>>(), other.cells());
    assert_eq!(site.log(), other.log());
    site.live(72..74); // the same once more
    site.settle();
    assert_eq!((site.cell(61).revision, site.reports().len()), (1, 0), "nothing changed by it");
}

#[test]
fn what_a_server_sends_once_more_is_in_the_figures_when_it_was_taken() {
    let mut site = Site::new(hours_ago(6));
    site.live(0..70);
    site.live(80..90);
    // All of it comes at once, when the line is back: what was said in the meantime, with its age.
    for at in (70 * MINUTE_MS..80 * MINUTE_MS).step_by(10_000) {
        let kept = site.batch(site.begun + 90 * MINUTE_MS, !(73..76).contains(&(at / MINUTE_MS)), at / 10_000);
        let age = (90 * MINUTE_MS - at) as u64;
        site.room.remember_taken(kept, &[age, age]);
    }
    site.live(90..200);
    site.settle();
    let log = site.log();
    for state in [(State::Run, 40, 73), (State::Idle, 73, 76), (State::Run, 76, 80), (State::Idle, 80, 100)] {
        let known = |it: &(State, i64, i64)| it.0 == state.0 && it.1 == state.1;
        assert!(log.iter().any(known), "{state:?} in {log:?}");
    }
    assert!(!log.iter().any(|it| it.0 == State::Unknown && it.1 < 199), "{log:?}");
    let written = site.room.journal.status().data.records;
    assert!(written > 0 && site.cell(61).sums.gap_pieces().0 == 0, "and delivered as ever: {written}");
}

#[test]
fn hearing_again_goes_on_turn_by_turn_while_the_machine_is_heard() {
    let mut site = Site::new(hours_ago(6));
    site.live(0..70);
    site.live(75..200);
    site.live(70..75);
    site.room.figures.machines[0].lateness.since = Instant::now().checked_sub(QUIET);
    let mut minute = 200;
    site.room.tend_late(100, false);
    assert!(site.room.figures.late.job.is_some(), "it is not done in one turn");
    while site.room.figures.late.job.is_some() {
        site.live(minute..minute + 1);
        minute += 1;
        site.room.tend_late(100, false);
    }
    assert!(minute < 230, "{minute}: it catches up");
    site.live(minute..300);
    site.settle();
    let mut other = Site::new(site.begun);
    other.live(0..300);
    other.settle();
    assert_eq!(site.log(), other.log());
    let sums = |site: &Site| crate::indicator::Sums::of(site.cells().iter().map(|cell| &cell.sums).collect::<Vec<_>>());
    assert_eq!(sums(&site).time, sums(&other).time);
    assert_eq!(sums(&site).pieces(), sums(&other).pieces());
}

#[test]
fn putting_late_scans_into_the_tape_is_work_of_a_turn_too() {
    let mut site = Site::new(hours_ago(6));
    site.live(0..70);
    site.live(75..130);
    site.live(135..200);
    site.live(130..135);
    site.live(70..75);
    site.room.figures.machines[0].lateness.since = Instant::now().checked_sub(QUIET);
    let look = |site: &Site| {
        let waiting = site.room.figures.machines[0].lateness.waiting.len();
        (waiting, site.room.figures.late.job.is_some())
    };
    assert_eq!(look(&site), (60, false));
    site.room.tend_late(40, false);
    assert_eq!(look(&site), (20, false));
    site.room.tend_late(40, false);
    assert_eq!(look(&site), (0, true));
    site.settle();
    let mut other = Site::new(site.begun);
    other.live(0..200);
    other.settle();
    assert_eq!(site.log(), other.log());
}

#[test]
fn an_hour_that_is_first_told_when_late_data_are_in_it_ends_its_day() {
    let mut site = Site::new(midnight(2));
    site.live(0..1_400);
    site.live(1_405..1_440);
    site.live(1_400..1_405);
    let ends = |site: &mut Site| {
        site.room.publish_figures(usize::MAX);
        site.settle();
        let reports = site.reports().into_iter().filter(|report| report.period.end == site.begun + 24 * HOUR_MS);
        reports.map(|report| (report.period.kind.to_string(), report.revision)).collect::<Vec<_>>()
    };
    assert!(site.cells().iter().all(|cell| cell.end.0 < site.begun + 24 * HOUR_MS), "the last hour is not told yet");
    site.room.tend_late(1_000_000, true);
    assert_eq!(ends(&mut site), [("shift".to_owned(), 0), ("day".to_owned(), 0)]);
    assert_eq!(site.cell(1_402).sums.time.lived(State::Unknown), 10_000, "behind the last scan");
}

#[test]
fn what_is_kept_no_more_is_counted_where_it_is_missing() {
    let mut site = Site::new(hours_ago(6));
    site.live(0..70);
    site.live(75..200);
    site.settle();
    let mut other = Plan::clone(&machine().plan);
    other.microstop_ms += 1;
    let other = Machine { plan: Arc::new(other), hides_causes: false, causes: Default::default(), may_come_late: true };
    site.room.follow(BootId(1), vec![other.clone()]);
    site.live(200..201);
    let before = site.cell(61);
    site.live(72..73);
    site.settle();
    let cell = site.cell(61);
    assert_eq!((cell.revision, cell.sums.late_uncounted, cell.sums.late_after_freeze), (1, 6, 0));
    assert!(cell.sums.flags.has(Flags::LATE) && cell.sums.time == before.sums.time);
}

#[test]
fn a_machine_that_answers_when_it_is_asked_costs_no_memory_for_what_might_come_late() {
    let mut site = Site::new(hours_ago(6));
    site.room.follow(BootId(1), vec![Machine { may_come_late: false, ..machine() }]);
    site.live(0..70);
    site.live(75..200);
    site.settle();
    assert_eq!(site.room.figures.machines[0].lateness.tape.bytes(), 0);
    site.live(72..73);
    site.settle();
    assert_eq!(site.cell(61).sums.late_uncounted, 6, "and if it should happen all the same, it is counted");
}

#[test]
fn a_reload_that_changes_nothing_of_the_machine_keeps_what_was_heard() {
    let mut site = Site::new(hours_ago(6));
    site.live(0..60);
    site.live(70..90);
    site.room.follow(BootId(1), vec![machine()]);
    site.live(90..200);
    site.live(60..70);
    site.settle();
    assert_eq!(site.cell(61).sums.late_uncounted, 0);
    assert!(
        site.log().contains(&(State::Run, 40, 70)) && site.log().contains(&(State::Idle, 70, 100)),
        "{:?}",
        site.log()
    );
}

#[test]
fn what_cannot_be_heard_again_in_the_end_is_counted_as_missing() {
    let late = |site: &mut Site| {
        site.live(0..70);
        site.live(75..200);
        site.settle();
        site.live(70..75);
    };
    let mut site = Site::new(hours_ago(6));
    late(&mut site);
    site.room.tend_late(100, true); // the agent ends in the middle of it
    site.room.turn(true);
    assert_eq!(site.cell(61).sums.late_uncounted, 30);

    let mut site = Site::new(hours_ago(6));
    late(&mut site);
    site.room.figures.machines[0].lateness.since = Instant::now().checked_sub(QUIET);
    site.room.tend_late(100, false);
    assert_eq!(site.cell(61).sums.late_uncounted, 0);
    let mut other = Plan::clone(&machine().plan);
    other.microstop_ms += 1;
    site.room.follow(
        BootId(1),
        vec![Machine { plan: Arc::new(other), hides_causes: false, causes: Default::default(), may_come_late: true }],
    );
    site.settle();
    assert_eq!(site.cell(61).sums.late_uncounted, 30, "other tags, in the middle of it");
}

#[test]
fn of_a_frozen_month_late_scans_are_counted_beside_the_figures() {
    let mut site = Site::new(midnight(40));
    site.live(0..70);
    site.live(75..200);
    site.hear(hours_ago(1), true, 1_000_000);
    site.settle();
    site.reports();
    let before = site.cell(61);
    site.live(72..73);
    site.settle();
    let mut cell = site.cell(61);
    assert_eq!(cell.sums.late_after_freeze, 6);
    cell.sums.late_after_freeze = 0;
    assert_eq!(cell, before, "neither a figure nor the revision changed");
    assert_eq!(site.reports().len(), 0);
    site.live(73..74);
    site.settle();
    assert_eq!((site.cell(61).sums.late_after_freeze, site.cell(61).revision), (12, 0));
}

/// What `cloudward reclassify` hands to a running agent.
fn call_planned(site: &mut Site, minute: i64) -> Interval {
    let rows = site.look().intervals(Timestamp(0), Timestamp(i64::MAX / 2), None).unwrap();
    let log: Vec<Interval> = rows.iter().filter_map(|row| serde_json::from_str(&row.body).ok()).collect();
    let at = site.begun + minute * MINUTE_MS;
    let idle = log.iter().find(|it| it.start.0 <= at && at < it.end.0).unwrap();
    let done = reclassify(idle, &site.cells(), &calendar(), ("mould change", "wang"), now()).unwrap();
    let row = |cell: &Cell| {
        let body = serde_json::to_string(cell).unwrap();
        FigureRow { device: "m".into(), start: cell.start, end: cell.end, revision: cell.revision, body }
    };
    let interval = super::super::revise::log_row(&done.interval);
    let audit = AuditRow { id: 0, at: now(), what: "reclassify".into(), body: "{}".into() };
    let cells = done.cells.iter().map(row).collect();
    let change = Change { cells, intervals: vec![interval], audit: vec![audit], ..Change::default() };
    let place = site.room.journal.reader();
    assert!(matches!(submit(site.dir.path(), &place, &change, now()).unwrap(), Submitted::Handed(_)));
    site.room.take_wishes().unwrap();
    done.interval
}

#[test]
fn a_stop_that_was_called_planned_stays_planned_whatever_comes_late() {
    let mut site = Site::new(hours_ago(6));
    site.live(0..110);
    site.live(115..200); // it was idle from 70 to 100
    site.settle();
    let planned = call_planned(&mut site, 80);
    let is_planned = |site: &Site| {
        let cell = site.cell(80);
        let minutes = |state| cell.sums.time.lived(state) / 60_000;
        (minutes(State::Idle), minutes(State::Maint), cell.sums.flags.has(Flags::RECLASSIFIED), cell.sums.stops.len())
    };
    assert_eq!(is_planned(&site), (0, 30, true, 0));
    let revision = site.cell(80).revision;

    site.live(110..115);
    site.settle();
    assert_eq!((is_planned(&site), site.cell(80).revision), ((0, 30, true, 0), revision + 1));
    assert_eq!(site.cell(80).sums.time.lived(State::Unknown), 0, "what came late is counted");
    assert!(site.log().contains(&(State::Maint, 70, 100)), "{:?}", site.log());
    assert_eq!(site.look().audit().unwrap().len(), 1, "the audit entry stays");

    // Late data that show that it ran in the middle of it.
    for second in (0..300).step_by(10) {
        site.hear(planned.start.0 + 10 * MINUTE_MS + second * 1_000 + 1, true, 480 + second / 10);
    }
    site.settle();
    let cell = site.cell(80);
    let planned_ms = cell.sums.time.lived(State::Maint);
    assert!((1..30 * 60_000).contains(&planned_ms), "{planned_ms}: what it ran is not planned");
    assert!(cell.sums.time.lived(State::Run) > 30 * 60_000 && cell.sums.time.calendar() == 3_600_000);
    assert_eq!(cell.sums.time.lived(State::Idle), 0, "the idle rest of it still is: {:?}", site.log());
}

#[test]
fn a_cell_that_the_engine_tells_once_more_keeps_what_people_said() {
    let mut site = Site::new(hours_ago(6));
    site.live(0..200);
    site.settle();
    let told = site.cell(80);
    call_planned(&mut site, 80);
    let revision = site.cell(80).revision;
    // As it does when a fault that began there turns out to be a failure.
    let mut again = told.clone();
    (again.revision, again.sums.failures) = (1, 1);
    site.room.on_figure_news(0, vec![News::Cell(Box::new(again))]);
    site.settle();
    let cell = site.cell(80);
    assert_eq!((cell.sums.failures, cell.revision), (1, revision + 1));
    assert_eq!((cell.sums.time.lived(State::Maint), cell.sums.time.lived(State::Idle)), (30 * 60_000, 0));
    assert!(cell.sums.stops.is_empty() && cell.sums.flags.has(Flags::RECLASSIFIED));
}

#[test]
fn scans_that_waited_an_hour_for_a_trusted_clock_are_all_in_the_figures() {
    let mut site = Site::new(hours_ago(6));
    for at in (0..60 * MINUTE_MS).step_by(10_000) {
        site.hear_marked(site.begun + at, true, at / 10_000, ClockMark::Untrusted);
    }
    site.room.release_figures(site.begun - 2 * HOUR_MS);
    site.live(60..200);
    site.settle();
    assert_eq!(site.cell(1).sums.time.lived(State::Unknown), 0, "{:?}", site.log());
    assert_eq!(site.cell(1).sums.time.lived(State::Run), 60 * 60_000);
    let waiting = &site.room.figures.machines[0].lateness;
    assert!(waiting.missing.is_empty() && site.cells().iter().all(|cell| cell.revision == 0), "nothing was late");
}

#[test]
fn what_a_hung_disk_kept_waiting_is_heard_before_silence_is_believed() {
    let mut site = Site::new(hours_ago(1));
    site.live(0..5);
    site.room.figures.on_look();
    assert!(site.room.may_tick_figures());
    site.room.figures.set_looked(Instant::now().checked_sub(Duration::from_secs(120)).unwrap());
    site.room.figures.on_look();
    assert!(!site.room.may_tick_figures(), "the links hand over what they kept");
}
