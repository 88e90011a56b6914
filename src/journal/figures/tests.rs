//! Figures: stored with a commit or not at all, revised, cut, carried over, and given up when they are old.

use super::super::tests::{NOW, open};
use super::*;
use crate::journal::NewEvent;
use crate::model::Event;

fn cell(device: &str, hour: i64, revision: u32, body: &str) -> FigureRow {
    let (start, end) = (Timestamp(hour * HOUR_MS), Timestamp((hour + 1) * HOUR_MS));
    FigureRow { device: device.into(), start, end, revision, body: body.into() }
}

fn interval(start: i64, end: i64, state: &str) -> IntervalRow {
    IntervalRow {
        device: "m".into(),
        start: Timestamp(start),
        end: Timestamp(end),
        state: state.into(),
        cause: String::new(),
        event_id: start,
        body: "{}".into(),
    }
}

fn look(journal: &Journal) -> Look {
    let place = journal.reader();
    Look::open(&place.dir(), &place).unwrap()
}

fn all(journal: &Journal) -> Vec<FigureRow> {
    look(journal).cells(Timestamp(0), Timestamp(i64::MAX), None).unwrap()
}

fn log(journal: &Journal) -> Vec<(i64, i64, String)> {
    let rows = look(journal).intervals(Timestamp(0), Timestamp(i64::MAX), Some("m")).unwrap();
    rows.into_iter().map(|row| (row.start.0, row.end.0, row.state)).collect()
}

#[test]
fn figures_are_stored_with_the_commit_that_comes_and_a_refused_one_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal.put_cell(cell("m", 1, 0, "1"));
    journal.put_interval(interval(0, 10, "run"));
    journal.put_snapshot(SnapshotRow { device: "m".into(), at: NOW, body: vec![7] });
    assert!(journal.has_figures() && all(&journal).is_empty());
    assert_eq!(journal.cells(Timestamp(0), Timestamp(i64::MAX), None).unwrap().len(), 1, "also what waits");
    journal.connection.execute_batch("ALTER TABLE snapshots RENAME TO away").unwrap();
    let event = NewEvent::new(NOW, Event::Dropped { samples: 1, cause: "max_age".into() });
    let numbered = journal.number(Vec::new(), vec![event]);
    assert!(journal.try_commit(&numbered.data, &numbered.events).is_err());
    assert!(journal.has_figures() && all(&journal).is_empty() && journal.status_records() == 0, "all or nothing");
    journal.connection.execute_batch("ALTER TABLE away RENAME TO snapshots").unwrap();
    journal.commit(&numbered.data, &numbered.events).unwrap();
    assert!(!journal.has_figures());
    assert_eq!(all(&journal), [cell("m", 1, 0, "1")]);
    assert_eq!(look(&journal).snapshot("m").unwrap().unwrap().body, [7]);
    assert_eq!(journal.snapshot("m").unwrap().unwrap().body, [7]);
    assert_eq!(journal.snapshot("n").unwrap(), None);
}

#[test]
fn a_cell_that_is_told_again_is_replaced_and_its_revision_never_falls() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for (revision, body, expected) in [(0, "1", 0), (0, "1", 0), (0, "2", 1), (5, "3", 5), (1, "4", 6)] {
        journal.put_cell(cell("m", 1, revision, body));
        journal.commit(&[], &[]).unwrap();
        assert_eq!(all(&journal), [cell("m", 1, expected, body)]);
    }
}

#[test]
fn no_moment_stands_twice_in_the_state_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for (start, end, state) in [(0, 10, "run"), (10, 20, "idle"), (20, 30, "run"), (15, 25, "fault")] {
        journal.put_interval(interval(start, end, state));
        journal.commit(&[], &[]).unwrap();
    }
    let of = |(start, end, state): (i64, i64, &str)| (start, end, state.to_owned());
    assert_eq!(log(&journal), [(0, 10, "run"), (10, 15, "idle"), (15, 25, "fault")].map(of));
}

#[test]
fn cells_are_found_by_any_part_of_their_hour() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for (device, hour) in [("a", 1), ("a", 2), ("a", 3), ("b", 2)] {
        journal.put_cell(cell(device, hour, 0, "0"));
    }
    journal.commit(&[], &[]).unwrap();
    let found = |from: i64, to: i64, device| {
        let rows = look(&journal).cells(Timestamp(from), Timestamp(to), device).unwrap();
        rows.into_iter().map(|row| format!("{}{}", row.device, row.start.0 / HOUR_MS)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(2 * HOUR_MS, 3 * HOUR_MS, None), "a2 b2");
    assert_eq!(found(2 * HOUR_MS - 1, 3 * HOUR_MS + 1, Some("a")), "a1 a2 a3");
    assert_eq!(found(9 * HOUR_MS, 10 * HOUR_MS, None), "");
}

#[test]
fn cells_go_after_three_years_and_the_state_log_after_thirteen_months() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let today = NOW.0 / HOUR_MS;
    for days in [4 * 366, 3 * 366 - 2, 401, 1] {
        journal.put_cell(cell("m", today - days * 24, 0, "0"));
        let start = (today - days * 24) * HOUR_MS;
        journal.put_interval(interval(start, start + 1, "run"));
        journal.commit(&[], &[]).unwrap();
    }
    journal.put_cell(cell("m", today + 24, 0, "0"));
    journal.commit(&[], &[]).unwrap();
    let ages: Vec<i64> = all(&journal).iter().map(|row| (NOW.0 - row.start.0) / DAY_MS).collect();
    assert_eq!(ages, [3 * 366 - 2, 401, 1, -1]);
    assert_eq!(log(&journal).len(), 1);
}

#[test]
fn a_damaged_journal_takes_its_figures_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    (0..500).for_each(|hour| journal.put_cell(cell("m", hour, 0, "0")));
    journal.put_interval(interval(0, 10, "run"));
    journal.put_snapshot(SnapshotRow { device: "m".into(), at: NOW, body: vec![7] });
    journal.commit(&[], &[]).unwrap();
    put_baseline(&journal.connection, &BaselineRow { name: "before".into(), at: NOW, body: "{}".into() }).unwrap();
    put_audit(&journal.connection, &AuditRow { id: 0, at: NOW, what: "baseline".into(), body: "{}".into() }).unwrap();
    let why = Trouble::new(crate::model::words::journal::CORRUPT);
    journal.renew(&why).unwrap();
    let look = look(&journal);
    assert_eq!((all(&journal).len(), log(&journal).len()), (500, 1));
    assert_eq!(look.snapshot("m").unwrap().unwrap().body, [7]);
    assert!(look.baseline("before").unwrap().is_some() && look.baselines().unwrap().len() == 1);
    assert_eq!(look.audit().unwrap().len(), 1);
}
