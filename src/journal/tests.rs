//! The journal as its users see it, on a real file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::words::journal as words;
use crate::model::{
    BootId, ClockMark, Cursor, DataRecord, Deadband, Event, EventRecord, Group, LinkState, LossCause, Previous,
    Reading, ReportRule, Scan, Seq, Stream, TagInfo, Timestamp, Value, ValueKind, Why,
};

const DAY: Duration = Duration::from_secs(86_400);
pub(in crate::journal) const NOW: Timestamp = Timestamp(1_800_000_000_000);
const BOOT: BootId = BootId(0xabcd_ef01_2345);

fn limits(max_size: u64, max_age: Duration) -> Limits {
    Limits { max_size, max_age, ..Limits::default() }
}

fn settings(dir: &Path, limits: Limits) -> Settings {
    Settings { dir: dir.to_owned(), limits }
}

/// A journal in its directory, with limits that nothing here reaches by accident.
pub(in crate::journal) fn open(dir: &Path) -> Journal {
    open_with(dir, 1 << 30, 30 * DAY)
}

fn open_with(dir: &Path, max_size: u64, max_age: Duration) -> Journal {
    open_once_free(|| settings(dir, limits(max_size, max_age)))
}

/// A program that another test starts holds copies of our files until it runs, so a lock that was let go may stand a moment longer.
fn open_once_free(settings: impl Fn() -> Settings) -> Journal {
    for _ in 0..200 {
        match Journal::open(settings(), BOOT, NOW) {
            Err(trouble) if trouble.code == words::IN_USE => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the journal stays in use");
}

fn group(device: &str, tags: usize) -> Arc<Group> {
    let tag = |i| TagInfo {
        name: format!("t{i}").into(),
        unit: Some("kW".into()),
        kind: ValueKind::Int,
        report: ReportRule { deadband: Deadband::Absolute(0.5), max_silence: DAY },
        grade: crate::model::Grade::default(),
    };
    Arc::new(Group::new(device.into(), Duration::from_secs(1), (0..tags).map(tag).collect()))
}

fn scan(at: i64, readings: &[i64]) -> Scan {
    let readings = readings.iter().map(|n| Some(Reading::Good(Value::I64(*n)))).collect();
    Scan { at: Timestamp(at), mono_ms: 5, readings, stamps: None }
}

fn link_down() -> Event {
    Event::Link { link: "plc".into(), state: LinkState::Down, why: Some("timeout".into()) }
}

/// `n` commits of one record with two samples each, a second apart, beginning at `from`.
fn fill(journal: &mut Journal, n: i64, from: Timestamp) {
    let group = group("m", 2);
    for i in 0..n {
        let at = from.0 + 1000 * i;
        commit(journal, vec![NewData::new(group.clone(), vec![scan(at, &[i, -i])])], Vec::new());
    }
}

/// Gives positions and writes.
fn commit(journal: &mut Journal, data: Vec<NewData>, events: Vec<NewEvent>) -> Committed {
    let numbered = journal.number(data, events);
    journal.commit(&numbered.data, &numbered.events).unwrap();
    numbered
}

/// The readable records of data behind `after`.
fn data(reader: &mut Reader, after: Seq, records: usize, samples: usize) -> Vec<Arc<DataRecord>> {
    let found = reader.data_between(after, Seq::MAX, records, samples).unwrap();
    found.into_iter().filter_map(Found::record).collect()
}

fn events(reader: &mut Reader, after: Seq, records: usize) -> Vec<Arc<EventRecord>> {
    let found = reader.events_between(after, Seq::MAX, records).unwrap();
    found.into_iter().filter_map(Found::record).collect()
}

/// Runs of lost positions of the data stream.
fn lost(journal: &Journal) -> Vec<(Seq, Seq, LossCause)> {
    journal.losses()[Stream::Data as usize].iter().map(|loss| (loss.first, loss.last, loss.cause)).collect()
}

fn seqs(journal: &Journal) -> Vec<u64> {
    let mut reader = Reader::open(&journal.reader()).unwrap();
    data(&mut reader, 0, 1_000_000, 1_000_000).iter().map(|record| record.seq).collect()
}

fn at(position: u64) -> Cursor {
    Cursor { position, last_sent: position }
}

/// A row of data that is no longer what was written, for tests of other rooms too.
pub(crate) fn damage(place: &Place, seq: Seq) {
    let connection = rusqlite::Connection::open(place.file()).unwrap();
    assert_eq!(connection.execute("UPDATE data SET body = x'00' WHERE seq = ?1", [seq as i64]), Ok(1));
}

/// What a power cut would leave: the files as they are at this moment, elsewhere.
fn copy_of_the_files(from: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        // SQLite rebuilds the shared memory after a crash.
        if !file.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    copy
}

#[test]
fn what_is_committed_is_read_back_as_it_was_announced() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let new = vec![
        NewData {
            group: group("a", 2),
            clock: ClockMark::Trusted,
            scans: vec![
                scan(1_000, &[1, 2]),
                Scan {
                    at: Timestamp(2_000),
                    mono_ms: 1_005,
                    readings: vec![None, Some(Reading::Uncertain(Value::F32(231.5), Why::DeviceBusy))],
                    stamps: None,
                },
            ],
        },
        NewData::new(group("b", 1), vec![]),
        NewData {
            group: group("c", 1),
            clock: ClockMark::Trusted,
            scans: vec![Scan {
                at: Timestamp(7),
                mono_ms: 0,
                readings: vec![Some(Reading::Bad(Why::Timeout))],
                stamps: None,
            }],
        },
    ];
    let committed = commit(&mut journal, new, vec![NewEvent::new(Timestamp(3_000), link_down())]);
    assert_eq!(
        committed.data.iter().map(|r| (r.seq, r.boot, r.samples())).collect::<Vec<_>>(),
        [(1, BOOT, 3), (2, BOOT, 1)]
    );
    assert_eq!(committed.events[0].seq, 1);

    let mut reader = Reader::open(&journal.reader()).unwrap();
    assert_eq!(data(&mut reader, 0, 10, 1000), committed.data);
    assert_eq!(events(&mut reader, 0, 10), committed.events);
    assert_eq!(data(&mut reader, 1, 10, 1000), committed.data[1..]);
    assert_eq!(data(&mut reader, 0, 1, 1000), committed.data[..1]);
    for (max_samples, records) in [(0, 1), (2, 1), (3, 1), (4, 2)] {
        assert_eq!(data(&mut reader, 0, 10, max_samples), committed.data[..records], "{max_samples}");
    }
    assert_eq!(data(&mut reader, 2, 10, 1000), []);
    assert_eq!(events(&mut reader, u64::MAX, 10), []);
    let between = reader.data_between(0, 1, 10, 1000).unwrap();
    assert_eq!(between.into_iter().filter_map(Found::record).collect::<Vec<_>>(), committed.data[..1]);

    let new = vec![NewData::new(group("a", 1), vec![scan(9_000, &[5])])];
    let later = commit(&mut journal, new, vec![NewEvent::new(Timestamp(9_000), link_down())]);
    assert_eq!((later.data[0].seq, later.events[0].seq), (3, 2));
    assert_eq!(data(&mut reader, 2, 10, 1000), later.data);
    assert_eq!(events(&mut reader, 1, 10), later.events);
}

#[test]
fn a_run_of_scans_too_long_for_one_record_becomes_several() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let scans: Vec<Scan> = (0..150).map(|i| scan(i, &vec![i; 1000])).collect();
    let committed = commit(&mut journal, vec![NewData::new(group("m", 1000), scans.clone())], Vec::new());
    assert_eq!(committed.data.iter().map(|r| (r.seq, r.scans.len())).collect::<Vec<_>>(), [(1, 65), (2, 65), (3, 20)]);
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let read = data(&mut reader, 0, 10, 1_000_000);
    assert_eq!(read, committed.data);
    assert_eq!(read.iter().flat_map(|record| record.scans.clone()).collect::<Vec<_>>(), scans);
    assert_eq!(journal.status().data.samples, 150_000);
}

#[test]
fn everything_committed_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 20, NOW);
    let copy = copy_of_the_files(dir.path());
    let before = seqs(&journal);
    let mut again = open(copy.path());
    assert_eq!(seqs(&again), before);
    let held = again.status().data;
    assert_eq!(Held { last: 20, ..held }, journal.status().data);
    assert_eq!(again.opening(), Opening { previous: Previous::Crash, missing: 0 });
    fill(&mut again, 1, NOW);
    assert!(seqs(&again)[20] > 10_000, "positions may have been given that are not in the file");
    assert_eq!(lost(&again), [], "which is no loss");
}

#[test]
fn records_of_an_earlier_start_keep_its_boot_and_their_groups() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (BootId(1), BootId(2));
    let start = |boot| Journal::open(settings(dir.path(), limits(1 << 30, DAY)), boot, NOW);
    fill(&mut start(first).unwrap(), 1, NOW);
    let mut journal = start(second).unwrap();
    fill(&mut journal, 1, NOW);
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let records: Vec<Arc<DataRecord>> = data(&mut reader, 0, 10, 100);
    assert_eq!(records.iter().map(|r| r.boot).collect::<Vec<_>>(), [first, second]);
    assert!(records.iter().all(|record| *record.group == *group("m", 2)));
    let entries: i64 = journal.connection.query_row("SELECT count(*) FROM groups", [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 1, "the dictionary names a group once");

    journal.cursor("sink", Stream::Data);
    journal.move_cursor("sink", Stream::Data, at(1));
    journal.maintain(NOW).unwrap();
    drop(journal);
    let journal = start(BootId(3)).unwrap();
    let boots: i64 = journal.connection.query_row("SELECT min(boot) FROM boots", [], |row| row.get(0)).unwrap();
    assert_eq!(boots, 2, "a start of which nothing is left is forgotten");
    assert_eq!(data(&mut Reader::open(&journal.reader()).unwrap(), 0, 10, 100).len(), 1);
}

#[test]
fn a_failed_commit_writes_nothing_and_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let size: i64 = journal.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    journal.connection.pragma_update(None, "max_page_count", size).unwrap(); // SQLite's own full disk
    let new = vec![NewData::new(group("m", 1), (0..5_000).map(|i| scan(i, &[i * i * 7919])).collect())];
    let numbered = journal.number(new, vec![NewEvent::new(NOW, link_down())]);
    let trouble = journal.commit(&numbered.data, &numbered.events).unwrap_err();
    assert_eq!(trouble.code, words::DISK_FULL, "{trouble}");
    assert_eq!(journal.status().data, Held { last: 1, ..Held::default() });

    journal.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    journal.commit(&numbered.data, &numbered.events).unwrap();
    let mut reader = Reader::open(&journal.reader()).unwrap();
    assert_eq!(data(&mut reader, 0, 10, 10), numbered.data, "with its entry in the dictionary");
}

#[test]
fn the_slowest_sink_holds_back_the_trim() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 10, NOW);
    assert_eq!(journal.maintain(NOW).unwrap(), []);
    assert_eq!(seqs(&journal).len(), 10, "without sinks nothing is trimmed");

    assert_eq!(journal.cursor("fast", Stream::Data), Cursor::default());
    assert_eq!(journal.cursor("slow", Stream::Data), Cursor::default());
    journal.move_cursor("fast", Stream::Data, at(9));
    journal.maintain(NOW).unwrap();
    assert_eq!(seqs(&journal).len(), 10, "a sink that has only asked for its cursor counts");

    journal.move_cursor("slow", Stream::Data, Cursor { position: 4, last_sent: 6 });
    assert_eq!(journal.maintain(NOW).unwrap(), [], "what everybody has is not a drop");
    assert_eq!(seqs(&journal), [5, 6, 7, 8, 9, 10]);
    assert_eq!((journal.status().data.records, journal.status().data.samples), (6, 12));
    assert_eq!(journal.status().data.oldest, Some((5, Timestamp(NOW.0 + 4000))));

    journal.forget_sinks_except(&["fast"]);
    journal.maintain(NOW).unwrap();
    assert_eq!(seqs(&journal), [10]);
    assert_eq!(
        journal.cursor("new", Stream::Data),
        Cursor { position: 9, last_sent: 0 },
        "before the oldest record kept"
    );
}

#[test]
fn each_stream_is_trimmed_by_its_own_cursors() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 3, NOW);
    commit(&mut journal, Vec::new(), (0..3).map(|_| NewEvent::new(NOW, link_down())).collect());
    journal.cursor("sink", Stream::Data);
    journal.move_cursor("sink", Stream::Events, at(2));
    journal.maintain(NOW).unwrap();
    assert_eq!((journal.status().data.records, journal.status().events.records), (3, 1));
    assert_eq!(events(&mut Reader::open(&journal.reader()).unwrap(), 0, 10)[0].seq, 3);
}

#[test]
fn cursors_are_stored_by_upkeep_and_never_move_back_or_past_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 10, NOW);
    journal.move_cursor("sink", Stream::Data, Cursor { position: 3, last_sent: 5 });
    let copy = copy_of_the_files(dir.path());
    assert_eq!(open(copy.path()).cursor("sink", Stream::Data), Cursor::default(), "only in memory until upkeep");

    journal.maintain(NOW).unwrap();
    let copy = copy_of_the_files(dir.path());
    assert_eq!(open(copy.path()).cursor("sink", Stream::Data), Cursor { position: 3, last_sent: 5 });

    journal.move_cursor("sink", Stream::Data, at(1));
    assert_eq!(journal.cursor("sink", Stream::Data), Cursor { position: 3, last_sent: 5 });
    journal.move_cursor("sink", Stream::Data, at(1000));
    assert_eq!(journal.cursor("sink", Stream::Data), at(10));
}

#[test]
fn positions_are_never_reused_though_every_record_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut journal = open(dir.path());
        assert_eq!(journal.status().data.last, round * 5);
        fill(&mut journal, 5, NOW);
        let last = journal.status().data.last;
        journal.move_cursor("sink", Stream::Data, at(last));
        journal.maintain(NOW).unwrap();
        assert_eq!((seqs(&journal), journal.status().data.records), (vec![], 0));
        journal.forget_sinks_except(&[]); // so that only the high-water mark remembers
        journal.close(NOW).unwrap();
    }
}

#[test]
fn positions_that_were_given_and_never_written_are_not_given_again_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for kill in ["", "journal.high", "journal.sqlite"] {
        let mut journal = open(dir.path());
        assert!(journal.status().data.last >= last, "{kill}");
        for _ in 0..30_000 / 100 {
            let data = (0..100).map(|i| NewData::new(group("m", 1), vec![scan(i, &[i])])).collect();
            last = journal.number(data, Vec::new()).data.last().unwrap().seq;
        }
        journal.move_cursor("sink", Stream::Data, at(last - 10));
        journal.maintain(NOW).unwrap();
        let copy = copy_of_the_files(dir.path());
        if !kill.is_empty() {
            std::fs::remove_file(copy.path().join(kill)).unwrap();
        }
        let again = open(copy.path());
        assert!(again.status().data.last >= last, "{kill}: {} after {last}", again.status().data.last);
        assert_eq!((again.opening().previous, lost(&again)), (Previous::Crash, vec![]), "{kill}");
    }
}

#[test]
fn a_wal_that_was_cut_off_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    assert_eq!(journal.opening(), Opening { previous: Previous::None, missing: 0 });
    journal.cursor("sink", Stream::Data);
    fill(&mut journal, 5, NOW);
    journal.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    fill(&mut journal, 20, NOW);
    (0..6).for_each(|_| drop(journal.maintain(NOW).unwrap())); // the mark is stored now and then
    let copy = copy_of_the_files(dir.path());
    std::fs::remove_file(copy.path().join("journal.sqlite-wal")).unwrap();
    for _ in 0..2 {
        let again = open(copy.path());
        assert_eq!(seqs(&again), [1, 2, 3, 4, 5], "SQLite says nothing of it");
        assert_eq!(lost(&again), [(6, 25, LossCause::Missing)]);
        assert!(again.status().data.last >= 25);
    }
    let again = copy_of_the_files(copy.path());
    assert_eq!(open(again.path()).opening().missing, 0, "it is told once");
}

#[test]
fn after_a_clean_stop_positions_go_on_without_a_jump() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut journal = open(dir.path());
        let previous = if round == 0 { Previous::None } else { Previous::Clean };
        assert_eq!(journal.opening(), Opening { previous, missing: 0 });
        fill(&mut journal, 3, NOW);
        journal.close(NOW).unwrap();
    }
    assert_eq!(seqs(&open(dir.path())), (1..=9).collect::<Vec<_>>());
}

#[test]
fn counters_after_a_kill_are_those_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open_with(dir.path(), 1 << 30, DAY);
    fill(&mut journal, 4, NOW.before(2 * DAY));
    fill(&mut journal, 4, NOW);
    journal.close(NOW).unwrap();
    let mut journal = open_with(dir.path(), 1 << 30, DAY);
    journal.maintain(NOW).unwrap();
    journal.move_cursor("sink", Stream::Data, at(5));
    journal.maintain(NOW).unwrap();
    fill(&mut journal, 2, NOW);
    let copy = copy_of_the_files(dir.path());
    let held = Held { last: 10, ..open(copy.path()).status().data };
    assert_eq!(held, journal.status().data);
    assert_eq!((held.records, held.samples, held.last, held.dropped_records, held.dropped_samples), (5, 10, 10, 4, 8));
}

#[test]
fn records_beyond_the_age_are_given_up_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open_with(dir.path(), 1 << 30, DAY);
    fill(&mut journal, 10, NOW.before(DAY)); // the first is exactly a day old
    journal.cursor("sink", Stream::Data);
    drop(journal);
    let mut journal = open_with(dir.path(), 1 << 30, DAY);
    journal.cursor("sink", Stream::Data);
    assert_eq!(journal.maintain(NOW).unwrap(), []);
    let dropped = journal.maintain(Timestamp(NOW.0 + 3_000)).unwrap();
    assert_eq!(dropped, [Dropped { stream: Stream::Data, cause: LossCause::MaxAge, records: 3, samples: 6 }]);
    assert_eq!(seqs(&journal).first(), Some(&4));
    assert_eq!(lost(&journal), [(1, 3, LossCause::MaxAge)]);
    assert_eq!(journal.maintain(Timestamp(NOW.0 + 3_000)).unwrap(), [], "told once");
}

#[test]
fn what_was_given_up_is_remembered_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open_with(dir.path(), 1 << 30, Duration::from_secs(100));
    fill(&mut journal, 200, NOW);
    drop(journal);
    let mut journal = open_with(dir.path(), 1 << 30, Duration::from_secs(100));
    journal.move_cursor("cloud", Stream::Data, at(10));
    journal.maintain(Timestamp(NOW.0 + 200_000)).unwrap();
    drop(journal);
    let mut journal = open(dir.path());
    assert_eq!(journal.cursor("cloud", Stream::Data), at(10));
    assert_eq!(lost(&journal), [(11, 100, LossCause::MaxAge)], "what the sink had is no loss");
}

#[test]
fn beyond_the_size_the_oldest_data_go_first_and_events_only_when_no_data_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let noise = |i: i64| (i * 2_654_435_761) ^ (i << 40);
    for i in 0..40 {
        let readings: Vec<i64> = (0..500).map(|tag| noise(i * 500 + tag)).collect();
        let new = vec![NewData::new(group("m", 500), vec![scan(NOW.0, &readings)])];
        commit(&mut journal, new, vec![NewEvent::new(NOW, link_down())]);
    }
    journal.cursor("sink", Stream::Data);
    journal.cursor("sink", Stream::Events);
    journal.set_limits(limits(100_000, 30 * DAY));
    let dropped = journal.maintain(NOW).unwrap();
    let [Dropped { stream: Stream::Data, cause: LossCause::MaxSize, records, samples }] = dropped[..] else {
        panic!("{dropped:?}");
    };
    let left = seqs(&journal);
    assert_eq!((records + left.len() as u64, samples), (40, records * 500));
    assert!((5..=35).contains(&left.len()), "not everything, not nothing: {left:?}");
    assert_eq!(left.first(), Some(&(records + 1)));
    assert_eq!(journal.status().events.records, 40);

    journal.set_limits(limits(0, 30 * DAY));
    let dropped = journal.maintain(NOW).unwrap();
    assert_eq!(
        dropped.iter().map(|d| (d.stream, d.records)).collect::<Vec<_>>(),
        [(Stream::Data, left.len() as u64), (Stream::Events, 40)]
    );
    assert_eq!(journal.status().data.dropped_samples, 20_000);
    fill(&mut journal, 1, NOW);
    assert_eq!(seqs(&journal), [41], "and it goes on");
}

#[test]
fn a_large_trim_takes_several_calls_and_gives_its_pages_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let group = group("m", 1);
    for i in 0..20_i64 {
        let scans = |j: i64| {
            (0..15).map(|k| scan(NOW.0 + k, &[((i * 1000 + j) * 0x9e37_79b9).rotate_left(11 * k as u32)])).collect()
        };
        let new = (0..1000).map(|j| NewData::new(group.clone(), scans(j))).collect();
        commit(&mut journal, new, Vec::new());
    }
    let pages = |journal: &Journal| -> i64 {
        journal.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
    };
    let before = pages(&journal);
    assert!(before > 2500, "{before}");
    journal.move_cursor("sink", Stream::Data, at(20_000));
    journal.maintain(NOW).unwrap();
    assert_eq!(journal.status().data.records, 20_000 - 64 * 256);
    for _ in 0..3 {
        journal.maintain(NOW).unwrap();
    }
    assert_eq!((journal.status().data.records, journal.status().data.samples), (0, 0));
    assert!(pages(&journal) < 1100, "{}", pages(&journal));
}

#[test]
fn a_damaged_row_is_said_to_be_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 6, NOW);
    let event = NewEvent::new(NOW, link_down());
    commit(&mut journal, Vec::new(), vec![event.clone(), event]);
    for damage in [
        "UPDATE data SET body = substr(body, 1, length(body) - 1) WHERE seq = 1",
        "UPDATE data SET at = at + 1 WHERE seq = 2",
        "UPDATE data SET samples = 3 WHERE seq = 3",
        "UPDATE data SET grp = 9 WHERE seq = 5",
        "UPDATE data SET boot = 9 WHERE seq = 6",
        "UPDATE events SET body = zeroblob(40) WHERE seq = 1",
    ] {
        assert_eq!(journal.connection.execute(damage, []).unwrap(), 1);
    }
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let found = reader.data_between(0, Seq::MAX, 10, 1000).unwrap();
    let seqs = found.iter().map(|found| match found {
        Found::Record(record) => Ok(record.seq),
        Found::Damaged(seq) => Err(*seq),
    });
    assert_eq!(seqs.collect::<Vec<_>>(), [Err(1), Err(2), Err(3), Ok(4), Err(5), Err(6)]);
    let found = reader.events_between(0, Seq::MAX, 10).unwrap();
    assert!(matches!(found[..], [Found::Damaged(1), Found::Record(_)]), "{found:?}");
}

#[test]
fn numbers_that_no_journal_writes_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 3, NOW);
    journal.maintain(NOW).unwrap();
    for damage in [
        "UPDATE data SET samples = 9223372036854775807 WHERE seq = 1",
        "UPDATE data SET samples = -5, at = -9223372036854775808 WHERE seq = 2",
        "UPDATE data SET seq = -7 WHERE seq = 3",
        "UPDATE streams SET records = -1, samples = 9223372036854775807, high = -1",
        "INSERT INTO cursors (sink, stream, position, last_sent) VALUES ('sink', 'data', -3, -4), ('sink', 'weather', 5, 5)",
    ] {
        journal.connection.execute(damage, []).unwrap();
    }
    drop(journal);
    let mut journal = open(dir.path());
    assert_eq!(journal.cursor("sink", Stream::Data), Cursor::default());
    fill(&mut journal, 3, NOW);
    journal.connection.execute("UPDATE data SET samples = 9223372036854775807", []).unwrap();
    journal.set_limits(limits(0, DAY));
    journal.maintain(NOW).unwrap();
    assert!(seqs(&journal).is_empty());
}

#[test]
fn a_second_agent_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let settings = settings(dir.path(), limits(1, DAY));
    let trouble = Journal::open(settings, BOOT, NOW).err().expect("the first still works");
    assert_eq!(trouble.code, words::IN_USE);
    assert!(trouble.to_string().contains(&dir.path().display().to_string()), "{trouble}");
    drop(first);
    open(dir.path());
}

#[test]
fn the_directory_is_made_for_the_agent_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("var").join("journal");
    open(&inner);
    assert_eq!(std::fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for bad in [file.clone(), file.join("below")] {
        let settings = settings(&bad, limits(1, DAY));
        let trouble = Journal::open(settings, BOOT, NOW).err().expect("a file is no directory");
        assert_eq!(trouble.code, words::NO_ACCESS, "{trouble}");
        assert!(trouble.to_string().contains(&bad.display().to_string()), "{trouble}");
    }
}

#[test]
fn files_that_are_taken_away_under_the_writer_are_missed_and_what_was_in_them_comes_back() {
    let take_away: [fn(&Path); 4] = [
        |dir| std::fs::remove_dir_all(dir).unwrap(),
        |dir| std::fs::remove_file(dir.join("journal.sqlite-wal")).unwrap(),
        |dir| std::fs::remove_file(dir.join("lock")).unwrap(),
        |dir| {
            std::fs::rename(dir.join("journal.sqlite"), dir.join("backup")).unwrap();
            std::fs::copy(dir.join("backup"), dir.join("journal.sqlite")).unwrap();
        },
    ];
    for (nth, take_away) in take_away.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let mut journal = open(&state);
        fill(&mut journal, 3, NOW);
        journal.maintain(NOW).unwrap();
        take_away(&state);
        fill(&mut journal, 2, NOW);
        journal.maintain(NOW).unwrap();
        let codes: Vec<_> = journal.news().iter().map(|trouble| trouble.code).collect();
        let is_only_the_lock = nth == 2;
        assert_eq!(codes, if is_only_the_lock { vec![] } else { vec![words::BEGUN_ANEW] }, "{nth}");
        fill(&mut journal, 2, NOW);
        while journal.is_salvaging() {
            journal.tend(NOW).unwrap();
        }
        journal.maintain(NOW).unwrap();
        let codes: Vec<_> = journal.news().iter().map(|trouble| trouble.code).collect();
        assert_eq!(codes, if is_only_the_lock { vec![] } else { vec![words::SALVAGED] }, "{nth}");
        let trouble = Journal::open(settings(&state, limits(1, DAY)), BOOT, NOW).err().expect("the lock is held");
        assert_eq!(trouble.code, words::IN_USE, "{nth}");
        let copy = copy_of_the_files(&state); // a power cut
        let again = open(copy.path());
        assert_eq!((seqs(&again), lost(&again)), ((1..=7).collect(), vec![]), "{nth}");
        assert!(again.status().data.last > 7, "{nth}");
    }
}

#[test]
fn where_nothing_can_be_begun_anew_the_files_are_missed() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut journal = open(&state);
    fill(&mut journal, 3, NOW);
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::write(&state, "in the way").unwrap();
    let trouble = journal.maintain(NOW).expect_err("the files are gone");
    assert_eq!(trouble.code, words::TAKEN_AWAY, "{trouble}");
}

#[test]
fn a_reader_sees_each_commit_and_does_not_hold_the_wal() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let mut reader = Reader::open(&journal.reader()).unwrap();
    for i in 1..=3 {
        fill(&mut journal, 1, NOW);
        assert_eq!(data(&mut reader, 0, 10, 1000).len(), i);
    }
    let (busy, left): (i64, i64) = journal
        .connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((busy, left), (0, 0), "a reader that were still reading would keep the WAL");
}

mod damage;
mod retention;
mod start;
