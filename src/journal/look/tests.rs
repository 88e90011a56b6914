//! What a person sees of a journal, against what was put into it.

use super::*;
use crate::journal::{Journal, NewData, NewEvent, Settings, forget_sink};
use crate::model::words::journal as words;
use crate::model::{
    BootId, Deadband, Event, Group, LinkState, Loss, LossCause, Reading, ReportRule, Scan, TagInfo, Value, ValueKind,
};
use std::sync::Arc;
use std::time::Duration;

const NOW: i64 = 1_767_225_600_000;

fn open(dir: &Path) -> Journal {
    let settings = Settings {
        dir: dir.to_owned(),
        limits: crate::journal::Limits { max_age: Duration::from_secs(86_400 * 365), ..Default::default() },
    };
    Journal::open(settings, BootId(7), Timestamp(NOW)).unwrap()
}

/// `records` records of one sample each, a second apart, the last one now; and one event.
fn fill(journal: &mut Journal, records: i64) {
    let group = Arc::new(Group::new("m".into(), Duration::from_secs(1), vec![tag("a")]));
    let data = (0..records).map(|n| {
        let at = Timestamp(NOW - 1_000 * (records - 1 - n));
        let readings = vec![Some(Reading::Good(Value::I64(n)))];
        NewData::new(group.clone(), vec![Scan { at, mono_ms: 0, readings, stamps: None }])
    });
    let event = Event::Link { link: "l".into(), state: LinkState::Up, why: None };
    let numbered = journal.number(data.collect(), vec![NewEvent::new(Timestamp(NOW), event)]);
    journal.commit(&numbered.data, &numbered.events).unwrap();
}

fn tag(name: &str) -> TagInfo {
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    TagInfo { name: name.into(), unit: None, kind: ValueKind::Int, report, grade: Default::default() }
}

fn look(dir: &Path) -> Look {
    Look::open(dir, &Place::in_dir(dir).unwrap()).unwrap()
}

#[test]
fn what_the_journal_holds_is_seen_while_the_agent_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 100);
    journal.cursor("cloud", Stream::Data);
    journal.cursor("cloud", Stream::Events);
    journal.move_cursor("cloud", Stream::Data, Cursor { position: 60, last_sent: 60 });
    journal.lose(Stream::Data, Loss { first: 200, last: 209, samples: 10, cause: LossCause::Memory, at: Timestamp(5) });
    journal.maintain(Timestamp(NOW)).unwrap();
    std::fs::write(dir.path().join("journal.corrupt-20260101T000000.sqlite"), "x").unwrap();

    let seen = look(dir.path()).overview(Timestamp(NOW), 10_000_000).unwrap();
    assert_eq!(seen.agent_pid, Some(std::process::id()));
    let data = &seen.streams[0];
    assert_eq!((data.records, data.samples), (40, 40), "what everybody has is gone");
    assert_eq!(data.oldest, Some(RowView { seq: 61, at_ms: NOW - 39_000 }));
    assert_eq!(data.newest, Some(RowView { seq: 100, at_ms: NOW }));
    let sink = seen.sinks.iter().find(|sink| sink.stream == "data").unwrap();
    assert_eq!((sink.position, sink.records, sink.samples, sink.is_estimate), (60, 40, 40, false));
    assert_eq!(sink.waiting_since_ms, Some(NOW - 39_000));
    assert_eq!(seen.sinks.iter().find(|sink| sink.stream == "events").unwrap().records, 1);
    assert_eq!((seen.losses.len(), seen.losses[0].cause, seen.losses[0].samples), (1, "memory", 10));
    assert_eq!(seen.set_aside.len(), 1);
    assert!(seen.high_water.unwrap().reserved[0] >= 100);
    let bytes = seen.bytes;
    assert_eq!(bytes.data + bytes.events + bytes.quarantine + bytes.other, bytes.used);
    assert!(bytes.data > 40 * ROW_BYTES && bytes.used + bytes.free == bytes.file, "{bytes:?}");

    journal.close(Timestamp(NOW)).unwrap();
    let seen = look(dir.path()).overview(Timestamp(NOW), 10_000_000).unwrap();
    assert_eq!((seen.agent_pid, seen.high_water.unwrap().is_closed), (None, true));
}

#[test]
fn the_hours_left_follow_from_the_last_hour_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 2 * 3_600);
    let look = look(dir.path());
    let hours = |now: i64| look.overview(Timestamp(now), 100_000_000).unwrap().hours_left;
    let bytes = look.row_bytes(Stream::Data).unwrap();
    let expected = 100_000_000.0 / (3_600.0 * bytes as f64);
    let found = hours(NOW).unwrap();
    assert!((0.8..1.2).contains(&(found / expected)), "{found} h found, {expected} h expected");
    assert_eq!(hours(NOW + 2 * 3_600_000), None, "an hour without data does not fill the disk");
}

#[test]
fn a_large_backlog_is_estimated_and_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 5_000);
    journal.cursor("cloud", Stream::Data);
    journal.move_cursor("cloud", Stream::Data, Cursor { position: 1_000, last_sent: 1_000 });
    // A second sink that is behind keeps the records in the file.
    journal.cursor("other", Stream::Data);
    journal.maintain(Timestamp(NOW)).unwrap();
    let seen = look(dir.path()).overview(Timestamp(NOW), 1).unwrap();
    let of = |name: &str| seen.sinks.iter().find(|sink| sink.sink == name && sink.stream == "data").unwrap().clone();
    assert_eq!((of("cloud").records, of("cloud").is_estimate), (4_000, true));
    assert_eq!((of("other").records, of("other").position), (5_000, 0));
}

#[test]
fn a_sink_is_forgotten_only_while_no_agent_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 3);
    journal.cursor("old", Stream::Data);
    journal.cursor("new", Stream::Data);
    journal.maintain(Timestamp(NOW)).unwrap();
    let place = Place::in_dir(dir.path()).unwrap();
    let refused = forget_sink(dir.path(), &place, "old").unwrap_err();
    assert_eq!(refused.code, words::IN_USE);
    journal.close(Timestamp(NOW)).unwrap();
    assert_eq!(look(dir.path()).sinks().unwrap(), ["new", "old"]);
    assert_eq!(forget_sink(dir.path(), &place, "old"), Ok(true));
    assert_eq!(forget_sink(dir.path(), &place, "old"), Ok(false));
    assert_eq!(look(dir.path()).sinks().unwrap(), ["new"]);
    assert_eq!(look(dir.path()).cursors("old").unwrap(), [None, None]);
}

#[test]
fn the_holder_of_a_lock_is_read_from_the_kernels_list() {
    let locks =
        "1: POSIX  ADVISORY  WRITE 11 fe:00:131073 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 fe:00:131073 0 EOF\nodd\n";
    assert_eq!(holder_of("131073", locks), Some(4711));
    assert_eq!(holder_of("31073", locks), None);
}

/// As the writing side does it: the record's own time stands before its body.
#[test]
fn what_is_in_quarantine_is_listed_and_shown_and_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 2);
    journal.close(Timestamp(NOW)).unwrap();
    let place = Place::in_dir(dir.path()).unwrap();
    let connection = Connection::open(place.file()).unwrap();
    for stream in ["data", "events"] {
        let (grp, samples, seq) = if stream == "data" { ("grp", "samples", 2) } else { ("NULL", "0", 1) };
        let sql = format!("SELECT at, {grp}, {samples}, boot, body FROM {stream} WHERE seq = {seq}");
        let (at, grp, samples, boot, body): (i64, Option<i64>, i64, i64, Vec<u8>) = connection
            .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .unwrap();
        let body = [&at.to_le_bytes()[..], &body].concat();
        let row = ("cloud", stream, seq, NOW, samples, "CW463", grp, boot, body);
        connection.execute("INSERT INTO quarantine VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", row).unwrap();
    }
    drop(connection);
    let look = look(dir.path());
    let listed = look.quarantined().unwrap();
    let places: Vec<_> = listed.iter().map(|row| (row.stream, row.seq, row.samples)).collect();
    assert_eq!(places, [(Stream::Data, 2, 1), (Stream::Events, 1, 0)]);
    let Some(Poisoned::Data(record)) = look.quarantined_record("cloud", Stream::Data, 2).unwrap() else {
        panic!("no data record");
    };
    assert_eq!((record.seq, record.samples(), &*record.group.device), (2, 1, "m"));
    assert!(matches!(look.quarantined_record("cloud", Stream::Events, 1), Ok(Some(Poisoned::Event(_)))));
    assert_eq!(look.quarantined_record("cloud", Stream::Data, 9), Ok(None));
    assert_eq!(look.overview(Timestamp(NOW), 1).unwrap().quarantine[0].records, 2);
    drop(look);
    assert_eq!(crate::journal::drop_quarantined(dir.path(), &place, "cloud", Some((Stream::Data, 2))), Ok(1));
    assert_eq!(crate::journal::drop_quarantined(dir.path(), &place, "cloud", None), Ok(1));
}
