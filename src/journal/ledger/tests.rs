//! The ledger on a real file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::journal::{Limits, NewData, Place, Settings};
use crate::model::ledger::{Causes, Outcome};
use crate::model::{BootId, Cursor, Deadband, Group, ReportRule, Scan, TagInfo, Value, ValueKind, Why};

const DAY: Duration = Duration::from_secs(86_400);
/// On the hour.
const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn open(dir: &Path) -> Journal {
    Journal::open(Settings { dir: dir.to_owned(), limits: Limits::default() }, BootId(1), NOW).unwrap()
}

fn hour(n: i64) -> Timestamp {
    Timestamp(NOW.0 + n * HOUR_MS)
}

fn account(device: &str) -> Account {
    Account { device: device.into(), period_ms: 1_000 }
}

fn entry(n: i64, device: &str, good: u64, bad: u64) -> Entry {
    let mut tally = Tally { expected: good + bad, ..Tally::default() };
    tally.enter(Outcome::Good, good);
    tally.enter(Outcome::Bad(Why::Timeout), bad);
    Entry { hour: hour(n), account: account(device), tags: 2, tally, until: Some(Timestamp(hour(n).0 + 5)) }
}

fn store(journal: &mut Journal, entries: Vec<Entry>) {
    journal.enter(entries);
    journal.hurry_ledger();
    journal.maintain(NOW).unwrap();
    assert!(!journal.has_ledger_entries());
}

fn all(dir: &Path) -> Vec<(i64, String, Tally)> {
    let reader = Reader::open(&Place::within(dir)).unwrap();
    let entries = reader.ledger(Timestamp(0), Timestamp(i64::MAX)).unwrap();
    let short = |e: Entry| ((e.hour.0 - NOW.0) / HOUR_MS, e.account.device.to_string(), e.tally);
    entries.into_iter().map(short).collect()
}

#[test]
fn counts_of_one_hour_are_added_up_and_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    store(&mut journal, vec![entry(0, "a", 5, 1), entry(0, "b", 1, 0)]);
    store(&mut journal, vec![entry(0, "a", 4, 0), entry(1, "a", 2, 0)]);
    assert_eq!(journal.ledger_hour(hour(0)).unwrap().len(), 2);
    drop(journal);
    let expected = [(0, "a", 9, 1), (0, "b", 1, 0), (1, "a", 2, 0)];
    let expected = expected.map(|(n, device, good, bad)| (n, device.to_owned(), entry(n, device, good, bad).tally));
    assert_eq!(all(dir.path()), expected);
    let marks = open(dir.path()).ledger_marks(Timestamp(hour(1).0 + 60_000)).unwrap();
    let expected = [(account("a"), Timestamp(hour(1).0 + 5)), (account("b"), Timestamp(hour(0).0 + 5))];
    assert_eq!(marks, BTreeMap::from(expected));
}

#[test]
fn an_account_that_was_closed_leaves_no_mark_and_neither_does_one_that_is_long_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    store(&mut journal, vec![entry(-3, "gone", 1, 0), entry(-1, "closed", 1, 0), entry(-1, "a", 1, 0)]);
    store(&mut journal, vec![Entry { until: None, ..entry(0, "closed", 1, 0) }, entry(0, "a", 1, 0)]);
    let of = |now| journal.ledger_marks(now).unwrap().into_keys().map(|a| a.device.to_string()).collect::<Vec<_>>();
    assert_eq!(of(hour(0)), ["a"]);
    // An hour that the clock was wrong about does not hide those that were lived; a clock in 1970 finds the last ones.
    store(&mut journal, vec![entry(5_000, "a", 1, 0)]);
    let of = |now| journal.ledger_marks(now).unwrap().into_values().collect::<Vec<_>>();
    assert_eq!(of(hour(0)), [Timestamp(hour(0).0 + 5)]);
    assert_eq!(of(Timestamp(0)), [Timestamp(hour(5_000).0 + 5)]);
}

#[test]
fn counts_wait_for_a_transaction_that_is_written_anyway_but_not_for_long() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal.maintain(NOW).unwrap();
    let rounds = (0..6).map(|_| {
        journal.enter(vec![entry(0, "a", 1, 0)]);
        journal.maintain(NOW).unwrap();
        journal.has_ledger_entries()
    });
    assert_eq!(rounds.collect::<Vec<_>>(), [true, true, false, true, true, false]);
    assert_eq!(all(dir.path())[0].2.good, 6);
}

#[test]
fn what_cannot_be_written_is_written_later_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal.connection.pragma_update(None, "query_only", true).unwrap();
    for n in 0..3 {
        journal.enter(vec![entry(n, "a", 1, 0)]);
        journal.hurry_ledger();
        assert!(journal.maintain(NOW).is_err());
    }
    journal.connection.pragma_update(None, "query_only", false).unwrap();
    store(&mut journal, Vec::new());
    journal.maintain(NOW).unwrap();
    assert_eq!(
        all(dir.path()).iter().map(|(n, _, tally)| (*n, tally.good)).collect::<Vec<_>>(),
        [(0, 1), (1, 1), (2, 1)]
    );
}

#[test]
fn what_is_staged_while_the_disk_refuses_is_bounded_and_nothing_of_it_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for n in 0..MOST_STAGED as i64 + 500 {
        journal.enter(vec![entry(n, "a", 1, 0)]);
    }
    assert_eq!(journal.ledger.entries.len(), MOST_STAGED);
    let sum: u64 = journal.ledger.entries.values().map(|entry| entry.tally.good).sum();
    assert_eq!(sum, MOST_STAGED as u64 + 500);
}

fn group(tags: usize) -> Arc<Group> {
    let report = ReportRule { deadband: Deadband::None, max_silence: DAY };
    let tag = |i| TagInfo {
        name: format!("t{i}").into(),
        unit: None,
        kind: ValueKind::Int,
        report,
        grade: Default::default(),
    };
    Arc::new(Group::new("a".into(), Duration::from_secs(1), (0..tags).map(tag).collect()))
}

/// Ten records of a good and a bad sample, in hour 0, counted and written.
fn with_records(dir: &Path) -> (Journal, Vec<Arc<DataRecord>>) {
    let mut journal = open(dir);
    store(&mut journal, vec![entry(0, "a", 10, 10)]);
    let readings = vec![Some(Reading::Good(Value::I64(1))), Some(Reading::Bad(Why::Timeout))];
    let scan = |n| Scan { at: Timestamp(NOW.0 + n), mono_ms: 0, readings: readings.clone(), stamps: None };
    let data = (0..10).map(|n| NewData::new(group(2), vec![scan(n)])).collect();
    let numbered = journal.number(data, Vec::new());
    journal.commit(&numbered.data, &[]).unwrap();
    (journal, numbered.data)
}

#[test]
fn samples_that_were_taken_and_are_given_up_move_to_the_lost_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, records) = with_records(dir.path());
    journal.lose_taken(&records[0], Lost::Memory);
    journal.maintain(NOW).unwrap();
    let tally = &all(dir.path())[0].2;
    assert_eq!((tally.good, tally.bad(), &tally.lost), (9, 10, &Causes::from([("memory".into(), 1)])));
    // A sink that has seen five of them, and a limit that takes all.
    journal.cursor("s", Stream::Data);
    journal.move_cursor("s", Stream::Data, Cursor { position: 5, last_sent: 5 });
    journal.maintain(NOW).unwrap();
    journal.set_limits(Limits { max_age: Duration::ZERO, ..Limits::default() });
    let dropped = journal.maintain(Timestamp(NOW.0 + 60_000)).unwrap();
    assert_eq!(dropped.iter().map(|dropped| dropped.samples).sum::<u64>(), 10);
    let tally = &all(dir.path())[0].2;
    assert!(tally.closes());
    assert_eq!(
        (tally.good, tally.bad(), tally.lost()),
        (0, 10, 10),
        "bad ones count as taken: never better than the truth"
    );
}

#[test]
fn a_damaged_record_is_lost_once_however_many_sinks_find_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, records) = with_records(dir.path());
    for seq in [records[0].seq, records[0].seq, records[3].seq, 999] {
        journal.lose_damaged(seq).unwrap();
    }
    journal.maintain(NOW).unwrap();
    let tally = &all(dir.path())[0].2;
    assert_eq!((tally.good, &tally.lost), (6, &Causes::from([("corrupt".into(), 4)])));
}

#[test]
fn a_sink_that_is_far_behind_counts_no_damaged_record_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, records) = with_records(dir.path());
    let first = records[0].seq;
    journal.lose_damaged(first).unwrap();
    (1_000..3_000).for_each(|seq| journal.lose_damaged(seq).unwrap());
    journal.lose_damaged(first).unwrap();
    journal.maintain(NOW).unwrap();
    assert_eq!(all(dir.path())[0].2.lost, Causes::from([("corrupt".into(), 2)]));
    // What all have passed is forgotten first.
    let behind = first + 1;
    journal.cursor("s", Stream::Data);
    journal.move_cursor("s", Stream::Data, Cursor { position: first, last_sent: first });
    journal.lose_damaged(behind).unwrap();
    (3_000..20_000).for_each(|seq| journal.lose_damaged(seq).unwrap());
    assert_eq!(journal.ledger.damaged.len(), MOST_DAMAGED);
    assert!(!journal.ledger.damaged.contains(&first));
}

#[test]
fn without_a_sink_the_end_of_a_record_is_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = with_records(dir.path());
    journal.set_limits(Limits { max_age: Duration::ZERO, ..Limits::default() });
    assert!(!journal.maintain(Timestamp(NOW.0 + 60_000)).unwrap().is_empty());
    assert_eq!(all(dir.path())[0].2, entry(0, "a", 10, 10).tally);
}

#[test]
fn a_sample_may_be_lost_before_it_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, records) = with_records(dir.path());
    store(&mut journal, vec![entry(1, "a", 1, 0)]);
    let at = |n: i64| {
        let mut record = (*records[0]).clone();
        record.scans[0].at = hour(n);
        record
    };
    journal.lose_taken(&at(2), Lost::Memory);
    journal.lose_taken(&at(-9), Lost::Memory);
    journal.maintain(NOW).unwrap();
    store(&mut journal, vec![entry(2, "a", 1, 0)]);
    journal.maintain(NOW).unwrap();
    let told: Vec<_> = all(dir.path()).into_iter().map(|(n, _, tally)| (n, tally.good, tally.lost())).collect();
    assert_eq!(told, [(0, 10, 0), (1, 1, 0), (2, 0, 1)]);
    assert!(journal.ledger.losses.is_empty(), "what never was counted is not waited for");
}

#[test]
fn hours_older_than_the_ledger_is_kept_go_two_days_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    store(&mut journal, (0..100).map(|n| entry(n, "a", 1, 0)).collect());
    store(&mut journal, vec![entry(401 * 24, "a", 1, 0)]);
    assert_eq!(all(dir.path())[0].0, 24, "400 days before");
    store(&mut journal, vec![entry(4_000 * 24, "a", 1, 0)]);
    assert_eq!(all(dir.path())[0].0, 72, "a wrong clock takes two days");
    store(&mut journal, vec![entry(4_000 * 24, "a", 1, 0)]);
    assert_eq!(all(dir.path())[0].0, 72, "once an hour");
}
