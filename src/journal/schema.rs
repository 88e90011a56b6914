//! The file: how it is opened, what is set on it, which tables it has.
//!
//! The rule: a file that is not ours, or that a newer cloudward wrote, is looked at and left as it was.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{fault, migrate};
use crate::model::words::journal as words;
use crate::model::{Stream, Trouble};

/// The file within the journal's directory.
pub(super) const FILE: &str = "journal.sqlite";

/// `CWJ1`: tells our files from those of other programs.
const APPLICATION_ID: i64 = 0x4357_4a31;

/// The version of the tables below. A file of an older version is brought forward by [`migrate`].
pub(super) const VERSION: i64 = 4;

/// Small pages: a commit of 2 kB then costs a third of what it costs with 4 kB pages.
pub(super) const PAGE_SIZE: i64 = 1024;

/// Pages in the WAL at which the writer moves them into the file: about 1 MB.
const WAL_PAGES: i64 = 1000;

/// What the WAL may keep on disk after a checkpoint.
const WAL_KEPT_BYTES: i64 = 2 * 1024 * 1024;

/// Page cache of each connection: a queue reads and writes each page about once.
const CACHE_KIB: i64 = 512;

/// How long one waits for the other's lock; the writer never shares its lock for long.
const BUSY: Duration = Duration::from_secs(5);

/// Rows are found by position alone, so the tables need no index beside the rowid. `seq` is given by us.
const TABLES: &str = "
CREATE TABLE boots (
    id      INTEGER PRIMARY KEY,
    boot    INTEGER NOT NULL,
    started INTEGER NOT NULL,                -- ms since 1970, by the wall clock
    trust   TEXT,                            -- why the wall clock was trusted in the end
    offset  INTEGER                          -- ms: trusted wall clock minus monotonic time
) STRICT;
CREATE TABLE groups (                        -- immutable: a changed group is a new row
    id          INTEGER PRIMARY KEY,
    fingerprint INTEGER NOT NULL,
    body        BLOB NOT NULL
) STRICT;
CREATE INDEX groups_by_fingerprint ON groups (fingerprint);
CREATE TABLE data (
    seq     INTEGER PRIMARY KEY,
    grp     INTEGER NOT NULL,                -- groups.id
    boot    INTEGER NOT NULL,                -- boots.id
    at      INTEGER NOT NULL,                -- first scan, ms since 1970
    samples INTEGER NOT NULL,
    clock   INTEGER NOT NULL DEFAULT 0,      -- 1: the wall clock was not trusted
    prio    INTEGER NOT NULL DEFAULT 1,      -- 0 low, 1 normal, 2 high
    body    BLOB NOT NULL                    -- last: what stands behind it is found only through all its pages
) STRICT;
CREATE INDEX data_low ON data (seq) WHERE prio = 0;
CREATE INDEX data_high ON data (seq) WHERE prio = 2;
CREATE TABLE events (
    seq   INTEGER PRIMARY KEY,
    boot  INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    clock INTEGER NOT NULL DEFAULT 0,
    body  BLOB NOT NULL
) STRICT;
CREATE TABLE cursors (
    sink      TEXT NOT NULL,
    stream    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    last_sent INTEGER NOT NULL,
    ahead     BLOB,                          -- runs of positions beyond `position` that are done
    PRIMARY KEY (sink, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE streams (
    stream          TEXT NOT NULL PRIMARY KEY,
    high            INTEGER NOT NULL,        -- counted up to and with this position
    records         INTEGER NOT NULL,
    samples         INTEGER NOT NULL,
    dropped_records INTEGER NOT NULL,
    dropped_samples INTEGER NOT NULL,
    reserved        INTEGER NOT NULL DEFAULT 0 -- positions up to here may have been given
) STRICT, WITHOUT ROWID;
CREATE TABLE losses (
    stream  TEXT NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    cause   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (stream, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE salvage (                       -- what is still to be brought over from files that were set aside
    file          TEXT NOT NULL,
    stream        TEXT NOT NULL,
    through       INTEGER NOT NULL,          -- gone through up to here
    until         INTEGER NOT NULL,
    floor         INTEGER NOT NULL,          -- up to here every sink had come
    records       INTEGER NOT NULL,          -- not yet seen, by the counters of that file
    samples       INTEGER NOT NULL,
    saved_records INTEGER NOT NULL,
    saved_samples INTEGER NOT NULL,
    unread        INTEGER NOT NULL,          -- positions behind the floor
    passed_unread INTEGER NOT NULL,          -- 1: also before it
    PRIMARY KEY (file, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (                    -- what a broker can never take
    sink    TEXT NOT NULL,
    stream  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,                -- when it was put here
    samples INTEGER NOT NULL,
    cause   TEXT NOT NULL,                   -- a code of ours
    grp     INTEGER,                         -- groups.id; none for an event
    boot    INTEGER NOT NULL,                -- boots.id
    body    BLOB NOT NULL,
    PRIMARY KEY (sink, stream, seq)
) STRICT;
CREATE TABLE ledger (                        -- what became of each sample that was expected
    hour   INTEGER NOT NULL,                 -- ms since 1970
    device TEXT NOT NULL,
    period INTEGER NOT NULL,                 -- ms
    tags   INTEGER NOT NULL,
    counts TEXT NOT NULL,                    -- JSON
    PRIMARY KEY (hour, device, period)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage (                         -- what a sink has used up of its budget
    sink     TEXT NOT NULL,
    month    TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (sink, month)
) STRICT, WITHOUT ROWID;
CREATE TABLE cells (                         -- what can be added of a device in an hour
    device   TEXT NOT NULL,
    start    INTEGER NOT NULL,               -- ms since 1970
    end      INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    body     TEXT NOT NULL,                  -- JSON
    PRIMARY KEY (device, start)
) STRICT;
CREATE INDEX cells_by_start ON cells (start);
CREATE TABLE intervals (                     -- the state log
    device   TEXT NOT NULL,
    start    INTEGER NOT NULL,
    end      INTEGER NOT NULL,
    state    TEXT NOT NULL,
    cause    TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    body     TEXT NOT NULL,                  -- JSON
    PRIMARY KEY (device, start)
) STRICT;
CREATE INDEX intervals_by_end ON intervals (end);
CREATE TABLE snapshots (                     -- from where the engine of a device goes on
    device TEXT NOT NULL PRIMARY KEY,
    body   BLOB NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE TABLE baselines (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,                      -- JSON
    at   INTEGER NOT NULL
) STRICT;
CREATE TABLE audit (                         -- what people changed
    id   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    what TEXT NOT NULL,
    body TEXT NOT NULL                       -- JSON
) STRICT;
CREATE TABLE uploads (                       -- what became of a device's records on their way to a sink
    hour     INTEGER NOT NULL,               -- ms since 1970, in which they were taken
    device   TEXT NOT NULL,
    sink     TEXT NOT NULL,
    made     INTEGER NOT NULL,
    acked    INTEGER NOT NULL,
    passed   INTEGER NOT NULL,               -- nothing in them is for this sink
    given_up INTEGER NOT NULL,
    delays   TEXT NOT NULL,                  -- JSON
    PRIMARY KEY (hour, device, sink)
) STRICT;
";

/// The one connection that writes; makes the file if there is none.
pub(super) fn open_writer(path: &Path) -> Result<Connection, Trouble> {
    let connect = || -> rusqlite::Result<(Connection, Owner)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        // A file that turns out to be damaged is left as it was; a healthy one gets its last checkpoint when it is closed.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let owner = owner(&connection)?;
        Ok((connection, owner))
    };
    let (mut connection, owner) = connect().map_err(|e| fault::of_sqlite(path, &e))?;
    refuse_others(path, owner)?;
    let journal_mode = prepare(&mut connection, owner).map_err(|e| match fault::of_sqlite(path, &e) {
        // Tables that are not as any version made them.
        trouble if fault::is_of_the_schema(&e) => Trouble { code: words::CORRUPT, ..trouble },
        trouble => trouble,
    })?;
    if journal_mode != "wal" {
        let error = format!("journal_mode is {journal_mode}, must be wal");
        return Err(Trouble::new(words::DISK_FAULT).with("path", path.display()).with("error", error));
    }
    let close = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
    close.map_err(|e| fault::of_sqlite(path, &e))?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Trouble> {
    let connect = || -> rusqlite::Result<(Connection, Owner)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        guard(&connection)?;
        let owner = owner(&connection)?;
        Ok((connection, owner))
    };
    let (connection, owner) = connect().map_err(|e| fault::of_sqlite(path, &e))?;
    refuse_others(path, owner)?;
    Ok(connection)
}

/// A connection to a file that may be damaged, whosever it is: reads only what it is asked for.
pub(super) fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // A file that was cut off is read as far as it goes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    guard(&connection)?;
    Ok(connection)
}

/// A connection that needs no file beside the journal and its WAL, and writes nothing; nobody else may have the file open.
pub(super) fn open_alone(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    leave_as_it_is(&connection);
    // The index of the WAL is then kept in memory (SQLite, WAL mode, 8).
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    guard(&connection)?;
    Ok(connection)
}

/// Puts the first bytes of the file right, which are the same in every journal, if the rest says that it is one. True if that helped.
pub(super) fn mend_header(path: &Path) -> bool {
    let mend = || -> std::io::Result<bool> {
        let file = File::options().read(true).write(true).open(path)?;
        let mut header = [0; 100];
        file.read_exact_at(&mut header, 0)?;
        let is_ours = header[APPLICATION_ID_AT..][..4] == (APPLICATION_ID as u32).to_be_bytes();
        if !is_ours || header.starts_with(&HEADER) {
            return Ok(false);
        }
        file.write_all_at(&HEADER, 0)?;
        file.sync_all()?;
        Ok(true)
    };
    mend().unwrap_or(false) // then it is as damaged as it was
}

/// How each journal begins (SQLite file format, 1.3): magic, page size, WAL, no reserved bytes, payload fractions.
const HEADER: [u8; 24] = *b"SQLite format 3\0\x04\x00\x02\x02\x00\x40\x20\x20";

/// The place of the application id in the header.
const APPLICATION_ID_AT: usize = 68;

/// No last checkpoint when it is closed: what is damaged is looked into as it is.
pub(super) fn leave_as_it_is(connection: &Connection) {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok(); // then it is one checkpoint more
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    Us { version: i64 },
    SomebodyElse,
}

fn owner(connection: &Connection) -> rusqlite::Result<Owner> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (id, version, tables) {
        (APPLICATION_ID, version, _) => Owner::Us { version },
        // Also what a power cut in the middle of the first start leaves.
        (0, 0, 0) => Owner::Nobody,
        _ => Owner::SomebodyElse,
    })
}

fn refuse_others(path: &Path, owner: Owner) -> Result<(), Trouble> {
    match owner {
        Owner::SomebodyElse => Err(Trouble::new(words::FOREIGN_FILE).with("path", path.display())),
        Owner::Us { version } if version > VERSION => Err(Trouble::new(words::NEWER_VERSION)
            .with("path", path.display())
            .with("found", version)
            .with("known", VERSION)),
        Owner::Us { .. } | Owner::Nobody => Ok(()),
    }
}

/// Settings for each opening, tables for the first. Gives the journal mode that SQLite agreed to.
fn prepare(connection: &mut Connection, owner: Owner) -> rusqlite::Result<String> {
    if owner == Owner::Nobody {
        connection.pragma_update(None, "page_size", PAGE_SIZE)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    guard(connection)?;
    let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    if owner == Owner::Nobody {
        let first = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        first.execute_batch(TABLES)?;
        for stream in Stream::ALL {
            first.execute("INSERT INTO streams VALUES (?1, 0, 0, 0, 0, 0, 0)", [stream.as_str()])?;
        }
        first.pragma_update(None, "application_id", APPLICATION_ID)?;
        first.pragma_update(None, "user_version", VERSION)?;
        first.commit()?;
    } else if let Owner::Us { version } = owner {
        migrate::forward(connection, version)?;
    }
    Ok(mode)
}

/// Settings of both kinds of connection: little memory, and no belief in what a damaged or doctored file says.
fn guard(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cell_size_check", "ON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn setting(connection: &Connection, name: &str) -> String {
        let value: rusqlite::types::Value = connection.pragma_query_value(None, name, |row| row.get(0)).unwrap();
        match value {
            rusqlite::types::Value::Integer(n) => n.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_settings_are_really_set_at_the_first_and_at_each_later_opening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for _ in 0..2 {
            let connection = open_writer(&path).unwrap();
            for (name, value) in [
                ("page_size", "1024"),
                ("auto_vacuum", "2"),
                ("application_id", "1129794097"),
                ("user_version", "4"),
                ("journal_mode", "wal"),
                ("synchronous", "2"),
                ("wal_autocheckpoint", "1000"),
                ("journal_size_limit", "2097152"),
                ("busy_timeout", "5000"),
                ("cache_size", "-512"),
                ("trusted_schema", "0"),
                ("cell_size_check", "1"),
            ] {
                assert_eq!(setting(&connection, name), value, "{name}");
            }
        }
    }

    #[test]
    fn sqlite_is_new_enough_not_to_corrupt_on_a_reset_of_the_wal() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    #[test]
    fn a_reader_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let _writer = open_writer(&path).unwrap();
        let reader = open_reader(&path).unwrap();
        let error = reader.execute("DELETE FROM data", []).unwrap_err();
        assert_eq!(fault::of_sqlite(&path, &error).code, words::READ_ONLY);
    }

    #[test]
    fn files_of_others_and_of_the_future_are_refused_and_left_as_they_were() {
        type Make = fn(&Path);
        let cases: [(Make, crate::model::Code); 4] = [
            (
                |path| {
                    std::fs::write(path, b"this is a letter and no database, as anyone can see; it goes on a while")
                        .unwrap()
                },
                words::NOT_A_DATABASE,
            ),
            (
                |path| Connection::open(path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap(),
                words::FOREIGN_FILE,
            ),
            (
                |path| Connection::open(path).unwrap().execute_batch("PRAGMA application_id = 77").unwrap(),
                words::FOREIGN_FILE,
            ),
            (
                |path| {
                    drop(open_writer(path).unwrap());
                    Connection::open(path).unwrap().execute_batch("PRAGMA user_version = 5").unwrap();
                },
                words::NEWER_VERSION,
            ),
        ];
        for (make, code) in cases {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(FILE);
            make(&path);
            let before = std::fs::read(&path).unwrap();
            assert_eq!(open_writer(&path).unwrap_err().code, code);
            assert_eq!(open_reader(&path).unwrap_err().code, code);
            assert!(std::fs::read(&path).unwrap() == before, "{code}: the file was changed");
        }
    }
}
