//! The recorder on disks that refuse, break and come back.

use super::refusal::{MEMORY_EVENTS, MEMORY_PLACES};
use super::upkeep::MAINTAIN_EVERY;
use super::*;
use crate::model::{BootId, Deadband, Group, Reading, ReportRule, TagInfo, Timestamp, Value, ValueKind};

fn group(device: &str, tags: usize) -> Arc<Group> {
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let tag = |n| TagInfo {
        name: format!("t{n}").into(),
        unit: None,
        kind: ValueKind::Int,
        report,
        grade: Default::default(),
    };
    Arc::new(Group::new(device.into(), Duration::from_secs(1), (0..tags).map(tag).collect()))
}

/// A room on a journal whose table is gone until [`heal`].
fn on_a_refusing_disk(dir: &std::path::Path) -> Room {
    let settings = crate::journal::Settings { dir: dir.to_owned(), limits: crate::journal::Limits::default() };
    let journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
    alter(dir, "ALTER TABLE events RENAME TO away");
    std::fs::create_dir_all(dir.join("journal.new.sqlite/in the way of another file")).unwrap();
    let (_, heard) = tokio::sync::mpsc::channel(1);
    let (_, orders) = mpsc::channel();
    let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
    Room::new(journal, heard, orders, announce, oneshot::channel().0)
}

fn heal(dir: &std::path::Path) {
    alter(dir, "ALTER TABLE away RENAME TO events");
}

fn alter(dir: &std::path::Path, sql: &str) {
    rusqlite::Connection::open(dir.join("journal.sqlite")).unwrap().execute_batch(sql).unwrap();
}

fn destroy_the_data(dir: &std::path::Path) {
    use std::os::unix::fs::FileExt;
    let path = dir.join("journal.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'data'";
    let root: i64 = connection.query_row(root, [], |row| row.get(0)).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&[0x55; 1024], (root as u64 - 1) * 1024).unwrap();
}

fn hear(room: &mut Room, at: i64) {
    let readings = vec![Some(Reading::Good(Value::I64(at))); 4_000];
    let (group, at_ms, due_ms) = (group("a", 4_000), Timestamp(at), Some(0));
    room.remember(Batch { group, at: at_ms, mono_ms: 0, due_ms, readings, stamps: None });
    hear_nothing_but_an_event(room, at);
}

fn hear_nothing_but_an_event(room: &mut Room, at: i64) {
    let event = Event::Dropped { samples: 0, cause: "filler".into() };
    room.pending.events.push(NewEvent::new(Timestamp(at), event));
}

#[test]
fn a_disk_that_refuses_for_long_fills_no_memory_and_what_was_given_up_is_published_in_one_sum() {
    let dir = tempfile::tempdir().unwrap();
    let mut room = on_a_refusing_disk(dir.path());
    for at in 0..60 {
        hear(&mut room, at);
        room.turn(false);
    }
    assert!(room.refused.is_some());
    assert_eq!(room.unwritten.samples(), MEMORY_PLACES as u64);
    assert_eq!(room.unwritten.records(), 50 + 60, "no event for each refusal");
    (0..2_000).for_each(|at| hear_nothing_but_an_event(&mut room, at));
    room.turn(false);
    assert_eq!(room.unwritten.records(), 50 + MEMORY_EVENTS);
    let lost =
        |stream: Stream| room.journal.losses()[stream as usize].iter().map(|l| (l.first, l.last)).collect::<Vec<_>>();
    assert_eq!((lost(Stream::Data), lost(Stream::Events)), (vec![(1, 10)], vec![(1, 1_060)]));
    heal(dir.path());
    room.turn(false);
    assert_eq!((room.unwritten.records(), room.pending.events.len()), (0, 1));
    let event = Event::Dropped { samples: 40_000, cause: "memory".into() };
    assert_eq!(room.pending.events[0].event, event);
    assert_eq!(room.health.dropped.load(Ordering::Relaxed), 40_000);
    assert_eq!(room.health.committed.load(Ordering::Relaxed), 200_000);
}

#[test]
fn a_damaged_file_is_replaced_under_the_running_agent_and_couriers_hear_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let settings = crate::journal::Settings { dir: dir.path().to_owned(), limits: crate::journal::Limits::default() };
    let journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
    let (_, heard) = tokio::sync::mpsc::channel(1);
    let (_, orders) = mpsc::channel();
    let (announce, tail) = watch::channel(Arc::new(Tail::new(&journal)));
    let mut room = Room::new(journal, heard, orders, announce, oneshot::channel().0);
    let begun = now().0;
    for at in 0..20 {
        hear(&mut room, begun + at);
        room.turn(false);
    }
    let before = tail.borrow().place.clone();
    destroy_the_data(dir.path());
    let asked = crate::journal::Reader::open(&before).and_then(|mut reader| reader.data_between(0, 9, 10, 10));
    assert!(asked.is_err(), "a courier meets the damage");
    for at in 20..24 {
        room.tend();
        hear(&mut room, begun + at);
        room.turn(false);
    }
    assert!(room.refused.is_none() && tail.borrow().place != before);
    for _ in 0..20 {
        room.tend();
    }
    assert!(!room.journal.is_salvaging());
    room.maintained = Instant::now().checked_sub(MAINTAIN_EVERY).unwrap();
    room.maintain_if_due();
    let event = &room.pending.events[0].event;
    assert!(matches!(event, Event::Dropped { samples: 80_000.., cause } if cause == "corrupt"), "{event:?}");
    let place = tail.borrow().place.clone();
    let mut reader = crate::journal::Reader::open(&place).unwrap();
    let found = reader.data_between(0, u64::MAX, 100, 1_000_000).unwrap();
    let seqs: Vec<Seq> = found.into_iter().filter_map(crate::journal::Found::record).map(|record| record.seq).collect();
    assert_eq!(seqs, [21, 22, 23, 24]);
}

/// A room on a journal of its own, and the way to tell it something.
fn on_a_disk(dir: &std::path::Path) -> (Room, mpsc::Sender<Command>) {
    let settings = crate::journal::Settings { dir: dir.to_owned(), limits: crate::journal::Limits::default() };
    let journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
    let (_, heard) = tokio::sync::mpsc::channel(1);
    let (sender, orders) = mpsc::channel();
    let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
    (Room::new(journal, heard, orders, announce, oneshot::channel().0), sender)
}

#[test]
fn what_the_last_upkeep_gives_up_is_counted_too() {
    let dir = tempfile::tempdir().unwrap();
    let (mut room, orders) = on_a_disk(dir.path());
    for at in 0..20 {
        hear(&mut room, at);
        room.turn(false);
    }
    room.journal.set_limits(crate::journal::Limits { max_size: 20_000, ..Default::default() });
    let health = room.health.clone();
    orders.send(Command::Stop).unwrap();
    room.run();
    assert!(health.dropped.load(Ordering::Relaxed) >= 4_000, "{health:?}");
}

#[test]
fn what_a_sink_has_not_that_is_about_to_come_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (mut room, orders) = on_a_disk(dir.path());
    let (old, seen) = watch::channel(Progress::default());
    orders.send(Command::Sinks([("old".to_owned(), seen.clone())].into())).unwrap();
    room.take_orders();
    (0..20).for_each(|_| room.turn(false)); // it keeps up
    let (answer, _answered) = oneshot::channel();
    orders.send(Command::ProgressOf("new".into(), answer)).unwrap();
    room.take_orders();
    hear(&mut room, 0);
    room.turn(false);
    assert_eq!(room.journal.status().data.records, 0, "it is held");
    old.send_modify(|progress| progress.data.position = 1);
    for _ in 0..4 {
        room.turn(false);
    }
    assert_eq!(room.journal.status().data.records, 1, "the new one has nothing yet");
    let (_new, of_new) =
        watch::channel(Progress { data: crate::model::Cursor { position: 1, last_sent: 1 }, ..Progress::default() });
    orders.send(Command::Sinks([("old".to_owned(), seen), ("new".to_owned(), of_new)].into())).unwrap();
    room.take_orders();
    assert_eq!(room.floor(), Some(1));
}

#[test]
fn a_turn_takes_what_the_channel_holds_and_not_what_comes_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (mut room, _orders) = on_a_disk(dir.path());
    let (sender, heard) = tokio::sync::mpsc::channel(2 * CHANNEL);
    room.heard = heard;
    for _ in 0..CHANNEL + 1 {
        sender.try_send(Heard::Event(Timestamp(0), Event::Dropped { samples: 0, cause: "filler".into() })).unwrap();
    }
    room.take_heard();
    assert_eq!((room.pending.events.len(), room.heard.len()), (CHANNEL, 1));
}

#[test]
fn what_the_disk_refuses_to_the_end_is_counted_at_the_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mut room = on_a_refusing_disk(dir.path());
    hear(&mut room, 1);
    let (orders, received) = mpsc::channel();
    room.orders = received;
    let health = room.health.clone();
    orders.send(Command::Stop).unwrap();
    room.run();
    assert_eq!(health.dropped.load(Ordering::Relaxed), 4_000);
}
