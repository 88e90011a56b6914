//! Starting: with files of other versions, and without looking at what is in them.

use rusqlite::Connection;

use super::*;

/// The tables of version 1, as they were written then.
const VERSION_1: &str = "
PRAGMA page_size = 1024;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE boots (id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, started INTEGER NOT NULL) STRICT;
CREATE TABLE groups (id INTEGER PRIMARY KEY, fingerprint INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX groups_by_fingerprint ON groups (fingerprint);
CREATE TABLE data (
    seq INTEGER PRIMARY KEY, grp INTEGER NOT NULL, boot INTEGER NOT NULL, at INTEGER NOT NULL, samples INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE events (seq INTEGER PRIMARY KEY, boot INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE cursors (
    sink TEXT NOT NULL, stream TEXT NOT NULL, position INTEGER NOT NULL, last_sent INTEGER NOT NULL,
    PRIMARY KEY (sink, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE streams (
    stream TEXT NOT NULL PRIMARY KEY, high INTEGER NOT NULL, records INTEGER NOT NULL, samples INTEGER NOT NULL,
    dropped_records INTEGER NOT NULL, dropped_samples INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1129794097;
PRAGMA user_version = 1;
";

/// A directory as version 1 left it: 50 records of which a sink has 20, two events, something dropped before. What stands in the rows is
/// the same in both versions.
fn of_version_1() -> (tempfile::TempDir, Vec<Arc<DataRecord>>, Vec<Arc<EventRecord>>) {
    let (now, then) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut journal = open(now.path());
    fill(&mut journal, 50, NOW);
    commit(&mut journal, Vec::new(), vec![NewEvent::new(NOW, link_down()); 2]);
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let (data, events) = (data(&mut reader, 0, 100, 1_000), events(&mut reader, 0, 10));
    let old = Connection::open(then.path().join("journal.sqlite")).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    old.execute("ATTACH ?1 AS new", [now.path().join("journal.sqlite").display().to_string()]).unwrap();
    old.execute_batch(
        "INSERT INTO boots SELECT id, boot, started FROM new.boots;
         INSERT INTO groups SELECT * FROM new.groups;
         INSERT INTO data SELECT seq, grp, boot, at, samples, body FROM new.data;
         INSERT INTO events SELECT seq, boot, at, body FROM new.events;
         INSERT INTO cursors VALUES ('cloud', 'data', 20, 19), ('cloud', 'events', 1, 1);
         INSERT INTO streams VALUES ('data', 48, 48, 96, 7, 14), ('events', 2, 2, 0, 0, 0);",
    )
    .unwrap();
    (then, data, events)
}

fn version(dir: &Path, file: &str) -> i64 {
    Connection::open(dir.join(file)).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[track_caller]
fn check(journal: &mut Journal, expected: (&[Arc<DataRecord>], &[Arc<EventRecord>])) {
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let found = (data(&mut reader, 0, 100, 1_000), events(&mut reader, 0, 10));
    assert_eq!((&found.0[..], &found.1[..]), expected);
    assert_eq!(journal.cursor("cloud", Stream::Data), Cursor { position: 20, last_sent: 19 });
    assert_eq!(journal.cursor("cloud", Stream::Events), at(1));
    let held = journal.status().data;
    assert_eq!((held.records, held.samples, held.written), (50, 100, 50));
    assert_eq!((held.dropped_records, held.dropped_samples), (7, 14));
}

#[test]
fn a_file_of_version_1_is_brought_forward_with_all_that_is_in_it() {
    let (dir, data, events) = of_version_1();
    for _ in 0..2 {
        let mut journal = open(dir.path());
        check(&mut journal, (&data, &events));
        assert_eq!((lost(&journal), journal.news()), (vec![], vec![]));
    }
    assert_eq!(version(dir.path(), "journal.sqlite"), schema::VERSION);
    let mut journal = open(dir.path());
    fill(&mut journal, 1, NOW);
    assert!(seqs(&journal)[50] > 50);
    let columns = |connection: &Connection| -> Vec<String> {
        let sql = "SELECT m.name || '.' || p.name || ' ' || p.type || ' ' || p.\"notnull\" || ' ' || coalesce(p.dflt_value, '-')
                   FROM sqlite_schema m, pragma_table_info(m.name) p ORDER BY 1";
        connection.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let new = tempfile::tempdir().unwrap();
    assert_eq!(columns(&journal.connection), columns(&open(new.path()).connection), "as in a new file");
}

/// A package that is about to put an older program in its place looks there, while the newer one still runs.
#[test]
fn the_number_of_a_file_that_was_brought_forward_stands_in_its_header_at_once() {
    let (dir, ..) = of_version_1();
    let _journal = open(dir.path());
    let header = std::fs::read(dir.path().join("journal.sqlite")).unwrap();
    assert_eq!(header[60..64], (super::schema::VERSION as u32).to_be_bytes());
}

#[test]
fn a_power_cut_in_the_middle_of_a_migration_leaves_the_version_before() {
    let (dir, data, events) = of_version_1();
    let mut connection = Connection::open(dir.path().join("journal.sqlite")).unwrap();
    let mut cuts = 0;
    super::super::migrate::forward_with(&mut connection, 1, |to| {
        let copy = copy_of_the_files(dir.path());
        assert_eq!(version(copy.path(), "journal.sqlite"), to - 1);
        check(&mut open(copy.path()), (&data, &events));
        cuts += 1;
    })
    .unwrap();
    assert_eq!(cuts, schema::VERSION - 1, "between the changes and their commit");
    drop(connection);
    assert_eq!(version(dir.path(), "journal.sqlite"), schema::VERSION);
}

#[test]
fn a_newer_file_is_left_alone_and_taken_up_again_after_the_upgrade_with_what_was_stored_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.sqlite");
    let mut journal = open(dir.path());
    for stream in Stream::ALL {
        journal.cursor("cloud", stream);
    }
    fill(&mut journal, 10, NOW);
    journal.close(NOW).unwrap();
    let set = |version: i64| format!("PRAGMA user_version = {version}; PRAGMA wal_checkpoint(TRUNCATE)");
    Connection::open(&file).unwrap().execute_batch(&set(schema::VERSION + 1)).unwrap();
    let newer = std::fs::read(&file).unwrap();
    let beside = format!("journal.v{}.sqlite", schema::VERSION);

    let mut last = 10;
    for start in 0..2 {
        let mut journal = Journal::open(settings(dir.path(), Limits::default()), BootId(start), NOW).unwrap();
        let news = journal.news();
        assert_eq!(news.iter().map(|news| news.code).collect::<Vec<_>>(), [words::BESIDE_NEWER]);
        assert!(news[0].to_string().contains(&beside), "{}", news[0]);
        assert_eq!(journal.cursor("cloud", Stream::Data).position, if start == 0 { 10 } else { 12 });
        fill(&mut journal, 5, NOW);
        let there = seqs(&journal);
        assert!(there[there.len() - 5] > last, "{there:?} behind {last}");
        last = *there.last().unwrap();
        let two = Cursor { position: 12, last_sent: 12 };
        journal.move_cursor("cloud", Stream::Data, two); // two of them are delivered
        journal.close(NOW).unwrap();
        assert!(std::fs::read(&file).unwrap() == newer, "it was touched");
    }
    Connection::open(&file).unwrap().execute_batch(&set(schema::VERSION)).unwrap(); // the upgrade
    let mut journal = open(dir.path());
    assert_eq!((journal.opening().missing, journal.news()), (0, vec![]));
    assert!(journal.view().salvage[Stream::Data as usize].is_some(), "nobody passes what is still to come");
    while journal.is_salvaging() {
        journal.tend(NOW).unwrap();
    }
    assert_eq!(journal.news().iter().map(|news| news.code).collect::<Vec<_>>(), [words::SALVAGED]);
    assert_eq!(journal.cursor("cloud", Stream::Data), Cursor::default(), "as the newer one knows it");
    assert_eq!(seqs(&journal), (1..=10).chain(13..=20).collect::<Vec<_>>());
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let boots: Vec<_> = data(&mut reader, 0, 100, 1_000).iter().map(|record| record.boot).collect();
    assert_eq!((boots[0], boots[10], boots[17]), (BOOT, BootId(0), BootId(1)));
    assert_eq!(lost(&journal), []);
    assert!(!dir.path().join(beside).exists());
    fill(&mut journal, 1, NOW);
    assert!(seqs(&journal)[18] > 20);
}

/// What this thread reads from files while it does this.
fn bytes_read(work: impl FnOnce()) -> u64 {
    let read = || -> u64 {
        let io = std::fs::read_to_string("/proc/thread-self/io").unwrap();
        io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
    };
    let before = read();
    work();
    read() - before
}

#[test]
fn opening_reads_as_little_of_a_large_journal_as_of_a_small_one() {
    let read_at_start = |rows: i64| {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).close(NOW).unwrap();
        let connection = Connection::open(dir.path().join("journal.sqlite")).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA synchronous = OFF;
                 BEGIN;
                 INSERT INTO data (seq, grp, boot, at, samples, prio, body)
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 SELECT i, 1, 1, {now}, 2, i % 3, randomblob(300) FROM n;
                 UPDATE streams SET high = {rows}, records = {rows}, samples = 2 * {rows}, reserved = {rows} WHERE stream = 'data';
                 COMMIT;
                 PRAGMA wal_checkpoint(TRUNCATE);",
                now = NOW.0
            ))
            .unwrap();
        drop(connection);
        let size = std::fs::metadata(dir.path().join("journal.sqlite")).unwrap().len();
        let read = bytes_read(|| {
            let mut journal = open(dir.path());
            assert_eq!(journal.status().data.records, rows as u64);
            journal.cursor("cloud", Stream::Data);
            journal.maintain(NOW).unwrap();
            drop(journal);
        });
        (size, read)
    };
    let ((small, read_of_small), (large, read_of_large)) = (read_at_start(2_000), read_at_start(200_000));
    println!("{read_of_small} bytes of {small}, {read_of_large} bytes of {large}");
    assert!(large > 60_000_000 && small < 1_000_000);
    assert!(read_of_large < read_of_small + 100_000, "{read_of_small} and {read_of_large}");
}
