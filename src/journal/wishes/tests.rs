//! Wishes: written at once where no agent runs, handed over where one does; whole or refused, and answered.

use super::super::tests::{NOW, open};
use super::*;
use crate::journal::Look;

const HOUR_MS: i64 = 3_600_000;

fn cell(revision: u32) -> FigureRow {
    let body = format!("{{\"revision\":{revision}}}");
    FigureRow { device: "m".into(), start: Timestamp(0), end: Timestamp(HOUR_MS), revision, body }
}

fn interval(start: i64, end: i64, state: &str) -> IntervalRow {
    let (start, end) = (Timestamp(start), Timestamp(end));
    let (cause, body) = (String::new(), "{}".into());
    IntervalRow { device: "m".into(), start, end, state: state.into(), cause, event_id: start.0, body }
}

fn audit(what: &str) -> AuditRow {
    AuditRow { id: 0, at: NOW, what: what.into(), body: "{\"by\":\"Li\"}".into() }
}

fn reclassified(revision: u32) -> Change {
    let intervals = vec![interval(10, 20, "maint")];
    Change { cells: vec![cell(revision)], intervals, audit: vec![audit("reclassify")], ..Change::default() }
}

/// A journal with one hour of figures.
fn journal(dir: &Path) -> Journal {
    let mut journal = open(dir);
    journal.put_cell(cell(0));
    [(0, 10, "run"), (10, 20, "idle"), (20, 30, "run")]
        .into_iter()
        .for_each(|(start, end, state)| journal.put_interval(interval(start, end, state)));
    journal.commit(&[], &[]).unwrap();
    journal
}

fn look(dir: &Path) -> Look {
    Look::open(dir, &Place::in_dir(dir).unwrap()).unwrap()
}

/// Revision of the cell, state of the stop, words of the audit trail.
fn found(dir: &Path) -> (u32, String, Vec<String>) {
    let look = look(dir);
    let revision = look.cells(Timestamp(0), Timestamp(1), None).unwrap()[0].revision;
    let state = look.intervals(Timestamp(10), Timestamp(11), None).unwrap()[0].state.clone();
    (revision, state, look.audit().unwrap().into_iter().map(|row| row.what).collect())
}

fn expected(revision: u32, state: &str, audit: &[&str]) -> (u32, String, Vec<String>) {
    (revision, state.into(), audit.iter().map(|&what| what.to_owned()).collect())
}

fn hand_in(dir: &Path, change: &Change) -> PathBuf {
    match submit(dir, &Place::in_dir(dir).unwrap(), change, NOW).unwrap() {
        Submitted::Handed(path) => path,
        Submitted::Written => panic!("the agent runs"),
    }
}

#[test]
fn where_no_agent_runs_it_is_written_at_once() {
    let dir = tempfile::tempdir().unwrap();
    drop(journal(dir.path()));
    let place = Place::in_dir(dir.path()).unwrap();
    assert_eq!(submit(dir.path(), &place, &reclassified(1), NOW).unwrap(), Submitted::Written);
    assert_eq!(found(dir.path()), expected(1, "maint", &["reclassify"]));
    let refused = submit(dir.path(), &place, &Change { intervals: Vec::new(), ..reclassified(3) }, NOW).unwrap_err();
    assert_eq!(refused.code, words::WISH_REFUSED);
    assert_eq!(found(dir.path()), expected(1, "maint", &["reclassify"]), "nothing of it");
}

#[test]
fn a_running_agent_takes_it_in_and_answers_in_the_audit_trail() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    let path = hand_in(dir.path(), &reclassified(1));
    assert_eq!(found(dir.path()), expected(0, "idle", &[]));
    let granted = journal.take_wishes(NOW).unwrap();
    assert_eq!(granted, [Granted { device: "m".into(), from: Timestamp(0), to: Timestamp(HOUR_MS) }]);
    assert!(!path.exists());
    assert_eq!(found(dir.path()), expected(1, "maint", &["reclassify"]));
    assert_eq!(journal.take_wishes(NOW).unwrap(), []);

    // A crash between the commit and the removal of the file.
    fs::write(&path, serde_json::to_vec(&reclassified(1)).unwrap()).unwrap();
    journal.take_wishes(NOW).unwrap();
    assert_eq!(found(dir.path()), expected(1, "maint", &["reclassify"]), "not twice");

    // The figures changed between command and agent.
    hand_in(dir.path(), &Change { intervals: vec![interval(10, 20, "idle")], ..reclassified(1) });
    journal.take_wishes(NOW).unwrap();
    assert_eq!(found(dir.path()), expected(1, "maint", &["reclassify", "refused"]));
    assert_eq!(journal.news().pop().unwrap().code, words::WISH_REFUSED);
    let answer: serde_json::Value = serde_json::from_str(&look(dir.path()).audit().unwrap()[1].body).unwrap();
    assert_eq!((&answer["what"], &answer["wish"]["by"]), (&"reclassify".into(), &"Li".into()));
}

#[test]
fn what_is_no_wish_is_refused_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    let folder = dir.path().join(FOLDER);
    make_folder(dir.path()).unwrap();
    let bad_body = Change { audit: vec![AuditRow { body: "{".into(), ..audit("x") }], ..Change::default() };
    let backwards = Change { intervals: vec![interval(20, 10, "idle")], ..reclassified(1) };
    let long = Change { audit: vec![audit(&"x".repeat(300))], ..Change::default() };
    let silent = Change { audit: Vec::new(), ..reclassified(1) };
    for (nth, change) in [bad_body, backwards, long, silent].iter().enumerate() {
        assert!(submit(dir.path(), &journal.reader(), change, NOW).is_err(), "said where it is made");
        fs::write(folder.join(format!("{nth}.json")), serde_json::to_vec(change).unwrap()).unwrap();
    }
    fs::write(folder.join("4.json"), b"\xff no JSON").unwrap();
    fs::write(folder.join("5.json"), vec![b' '; MOST_BYTES as usize + 2]).unwrap();
    fs::write(folder.join("half.tmp"), b"").unwrap();
    assert_eq!(journal.take_wishes(NOW).unwrap(), []);
    assert_eq!(found(dir.path()), expected(0, "idle", &["refused"; 6]));
    assert_eq!(waiting(&folder), Vec::<PathBuf>::new());
}

#[test]
fn a_wish_that_makes_the_state_log_overlap_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    hand_in(dir.path(), &Change { cells: Vec::new(), intervals: vec![interval(10, 25, "maint")], ..reclassified(1) });
    journal.take_wishes(NOW).unwrap();
    assert_eq!(found(dir.path()), expected(0, "idle", &["refused"]));
    // One stop in three.
    let parts = [(10, 12, "idle"), (12, 15, "maint"), (15, 20, "idle")];
    let intervals = parts.map(|(start, end, state)| interval(start, end, state)).into();
    hand_in(dir.path(), &Change { cells: Vec::new(), intervals, ..reclassified(1) });
    journal.take_wishes(NOW).unwrap();
    assert_eq!(found(dir.path()).2, ["refused", "reclassify"]);
}

#[test]
fn a_baseline_is_frozen_once() {
    let dir = tempfile::tempdir().unwrap();
    drop(journal(dir.path()));
    let place = Place::in_dir(dir.path()).unwrap();
    let frozen = |body: &str| {
        let row = BaselineRow { name: "before".into(), at: NOW, body: body.into() };
        put_baseline(dir.path(), &place, row, audit("baseline"))
    };
    assert_eq!(frozen("{\"oee\":0.5}").unwrap(), Submitted::Written);
    assert_eq!(frozen("{\"oee\":0.1}").unwrap_err().code, words::WISH_REFUSED);
    assert_eq!(look(dir.path()).baseline("before").unwrap().unwrap().body, "{\"oee\":0.5}");
}

#[test]
fn the_folder_fills_up_to_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    let change = Change { audit: vec![audit("note")], ..Change::default() };
    (0..MOST_WAITING).for_each(|_| drop(hand_in(dir.path(), &change)));
    assert!(submit(dir.path(), &journal.reader(), &change, NOW).is_err());
    journal.take_wishes(NOW).unwrap();
    assert_eq!(waiting(&dir.path().join(FOLDER)).len(), MOST_WAITING - AT_ONCE);
}
