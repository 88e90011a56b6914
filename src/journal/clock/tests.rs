//! What the file says of the clock, on a real file.

use std::sync::Arc;
use std::time::Duration;

use super::super::{NewData, NewEvent, Reader, Settings};
use super::*;
use crate::model::{BootId, ClockMark, DataRecord, EventRecord, Group, LinkState, Reading, Scan, Seq, Value};

/// 2026-11-01T00:00:00Z
const TRUE: i64 = 1_793_491_200_000;
const HOUR: i64 = 3_600_000;

fn open(dir: &Path, boot: u64, now: i64) -> Journal {
    let settings = Settings { dir: dir.to_owned(), limits: crate::journal::Limits::default() };
    Journal::open(settings, BootId(boot), Timestamp(now)).unwrap()
}

/// One record of two scans and one event, on a clock that began at `wall` with the monotonic one.
fn write(journal: &mut Journal, clock: ClockMark, wall: i64) {
    let group = Arc::new(Group::new("d".into(), Duration::from_secs(1), Vec::new()));
    let scan = |mono_ms: u64| {
        let readings: Vec<Option<Reading>> = vec![Some(Reading::Good(Value::I64(1))); 0];
        Scan { at: Timestamp(wall + mono_ms as i64), mono_ms, readings, stamps: None }
    };
    let data = NewData { group, clock, scans: vec![scan(1_000), scan(2_000)] };
    let event = Event::Link { link: "l".into(), state: LinkState::Up, why: None };
    let mono_ms = (clock == ClockMark::Untrusted).then_some(1_500);
    let event = NewEvent { at: Timestamp(wall + 1_500), clock, mono_ms, event };
    let new = journal.number(vec![data], vec![event]);
    journal.commit(&new.data, &new.events).unwrap();
}

fn read(journal: &Journal) -> (Vec<Arc<DataRecord>>, Vec<Arc<EventRecord>>) {
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let data = reader.data_between(0, Seq::MAX, 100, 10_000).unwrap();
    let events = reader.events_between(0, Seq::MAX, 100).unwrap();
    let all = |found: Option<_>| found.expect("it is whole");
    (data.into_iter().map(|f| all(f.record())).collect(), events.into_iter().map(|f| f.record().unwrap()).collect())
}

/// Times and marks as they are read: of each record, then of each event.
#[track_caller]
fn check(journal: &Journal, data: &[(i64, ClockMark)], events: &[(i64, ClockMark)]) {
    let (found_data, found_events) = read(journal);
    let times = |record: &Arc<DataRecord>| (record.scans[0].at.0, record.clock);
    assert_eq!(found_data.iter().map(times).collect::<Vec<_>>(), data);
    for record in &found_data {
        assert_eq!(record.scans[1].at.0 - record.scans[0].at.0, 1_000);
    }
    assert_eq!(found_events.iter().map(|event| (event.at.0, event.clock)).collect::<Vec<_>>(), events);
}

#[test]
fn rows_of_an_untrusted_clock_are_corrected_when_the_offset_of_their_start_is_known_and_no_others() {
    use ClockMark::{Corrected, Trusted, Untrusted};
    let dir = tempfile::tempdir().unwrap();
    let mut never = open(dir.path(), 1, 500);
    write(&mut never, Untrusted, 500);
    drop(never);
    let mut journal = open(dir.path(), 2, 700);
    write(&mut journal, Untrusted, 700);
    check(&journal, &[(1_500, Untrusted), (1_700, Untrusted)], &[(2_000, Untrusted), (2_200, Untrusted)]);
    let (_, events) = read(&journal);
    assert_eq!(events[0].mono_ms, Some(1_500));

    journal.keep_offset(TRUE, TrustedBy::Plausible).unwrap();
    journal.keep_offset(TRUE + 99, TrustedBy::Ntp).unwrap(); // the first one stays: an identity has one time
    write(&mut journal, Trusted, TRUE);
    write(&mut journal, Corrected, TRUE);
    let data = [(1_500, Untrusted), (TRUE + 1_000, Corrected), (TRUE + 1_000, Trusted), (TRUE + 1_000, Corrected)];
    let events = [(2_000, Untrusted), (TRUE + 1_500, Corrected), (TRUE + 1_500, Trusted), (TRUE + 1_500, Corrected)];
    check(&journal, &data, &events);
    let kept: (i64, String) = journal
        .connection
        .query_row("SELECT offset, trust FROM boots ORDER BY id DESC", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(kept, (TRUE, "ntp".into()));
    drop(journal);
    check(&open(dir.path(), 3, TRUE + HOUR), &data, &events);
}

#[test]
fn a_mark_that_was_changed_on_the_disk_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path(), 1, 500);
    write(&mut journal, ClockMark::Untrusted, 500);
    for clock in [0, 2, 3, -1] {
        for table in ["data", "events"] {
            journal.connection.execute(&format!("UPDATE {table} SET clock = ?1"), [clock]).unwrap();
        }
        let mut reader = Reader::open(&journal.reader()).unwrap();
        let data = reader.data_between(0, Seq::MAX, 100, 10_000).unwrap();
        let events = reader.events_between(0, Seq::MAX, 100).unwrap();
        assert!(data[0].clone().record().is_none() && events[0].clone().record().is_none(), "{clock}");
    }
}

#[test]
fn rows_of_1970_are_not_old_because_the_clock_was_set() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path(), 1, 500);
    write(&mut journal, ClockMark::Untrusted, 500);
    let records = |journal: &mut Journal, now: i64| {
        journal.maintain(Timestamp(now)).unwrap();
        journal.status().data.records + journal.status().events.records
    };
    assert_eq!(records(&mut journal, TRUE), 2, "nobody knows how old they are");
    journal.keep_offset(TRUE, TrustedBy::Ntp).unwrap();
    drop(journal);
    let mut journal = open(dir.path(), 2, TRUE);
    assert_eq!(records(&mut journal, TRUE + 29 * 24 * HOUR), 2);
    assert_eq!(records(&mut journal, TRUE + 31 * 24 * HOUR), 0, "now they are");
}

#[test]
fn a_row_is_as_old_as_its_true_time_says() {
    const NEVER: i64 = i64::MAX;
    for (at, clock, offset, started, expected) in [
        (5_000, 0, None, Some(1_000), 5_000),
        (5_000, 1, Some(TRUE), Some(1_000), TRUE + 4_000),
        (TRUE + 5_000, 1, Some(TRUE), Some(1_000), TRUE + 5_000),
        (5_000, 1, None, Some(1_000), NEVER),
        (5_000, 1, None, None, NEVER),
        (5_000, 2, Some(TRUE), Some(1_000), 5_000),
        (i64::MIN, 1, Some(i64::MAX), Some(i64::MIN), -1),
    ] {
        assert_eq!(judged_at(Timestamp(at), clock, offset, started), Timestamp(expected), "{at} {clock}");
    }
}

#[test]
fn the_last_time_known_is_that_of_the_newest_record_or_of_the_last_write_under_a_trusted_clock() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path(), 1, 500);
    assert_eq!(journal.known_time(), None, "it is new");
    write(&mut journal, ClockMark::Untrusted, 500);
    drop(journal);
    let mut journal = open(dir.path(), 2, 500);
    assert_eq!(journal.known_time(), None, "what an untrusted clock said is not known");
    write(&mut journal, ClockMark::Trusted, 2_000 * HOUR);
    drop(journal);
    let mut journal = open(dir.path(), 3, 500);
    assert_eq!(journal.known_time(), Some(Timestamp(2_000 * HOUR + 1_500)));
    journal.keep_offset(TRUE, TrustedBy::Ntp).unwrap();
    drop(journal);
    let written = std::fs::metadata(dir.path().join("journal.sqlite")).unwrap().modified().unwrap();
    assert_eq!(open(dir.path(), 4, 500).known_time(), Some(Timestamp::of(written)));
}

#[test]
fn a_file_that_takes_the_place_of_another_knows_the_offset_of_this_start_too() {
    use ClockMark::{Corrected, Untrusted};
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path(), 1, 500);
    write(&mut journal, Untrusted, 500);
    journal.keep_offset(TRUE, TrustedBy::Ntp).unwrap();
    let (data, events) = ([(TRUE + 1_000, Corrected)], [(TRUE + 1_500, Corrected)]);
    check(&journal, &data, &events);
    journal.renew(&Trouble::new(crate::model::words::journal::CORRUPT)).unwrap();
    while journal.is_salvaging() {
        journal.tend(Timestamp(TRUE)).unwrap();
    }
    check(&journal, &data, &events);
    let trust = "SELECT trust FROM boots";
    let trust: Option<String> = journal.connection.query_row(trust, [], |row| row.get(0)).unwrap();
    assert_eq!(trust.as_deref(), Some("ntp"));
}
