//! Migration: a file of an older version is brought forward, one version a step, each step in one transaction.
//!
//! The rule: a step that did not end did not begin.

use rusqlite::{Connection, TransactionBehavior};

/// The step from version 1 to 2, from 2 to 3, and so on.
const STEPS: [&str; 3] = [VERSION_2, VERSION_3, VERSION_4];

const VERSION_2: &str = "
ALTER TABLE boots ADD COLUMN trust TEXT;
ALTER TABLE boots ADD COLUMN offset INTEGER;
ALTER TABLE data ADD COLUMN clock INTEGER NOT NULL DEFAULT 0;
ALTER TABLE data ADD COLUMN prio INTEGER NOT NULL DEFAULT 1;
CREATE INDEX data_low ON data (seq) WHERE prio = 0;
CREATE INDEX data_high ON data (seq) WHERE prio = 2;
ALTER TABLE events ADD COLUMN clock INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cursors ADD COLUMN ahead BLOB;
ALTER TABLE streams ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;
CREATE TABLE losses (
    stream TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, samples INTEGER NOT NULL, cause TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (stream, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE salvage (
    file TEXT NOT NULL, stream TEXT NOT NULL, through INTEGER NOT NULL, until INTEGER NOT NULL, floor INTEGER NOT NULL,
    records INTEGER NOT NULL, samples INTEGER NOT NULL, saved_records INTEGER NOT NULL, saved_samples INTEGER NOT NULL,
    unread INTEGER NOT NULL, passed_unread INTEGER NOT NULL, PRIMARY KEY (file, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
    sink TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, samples INTEGER NOT NULL,
    cause TEXT NOT NULL, grp INTEGER, boot INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (sink, stream, seq)
) STRICT;
CREATE TABLE ledger (
    hour INTEGER NOT NULL, device TEXT NOT NULL, period INTEGER NOT NULL, tags INTEGER NOT NULL, counts TEXT NOT NULL,
    PRIMARY KEY (hour, device, period)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage (
    sink TEXT NOT NULL, month TEXT NOT NULL, bytes INTEGER NOT NULL, messages INTEGER NOT NULL, PRIMARY KEY (sink, month)
) STRICT, WITHOUT ROWID;
";

const VERSION_3: &str = "
CREATE TABLE cells (
    device TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (device, start)
) STRICT;
CREATE INDEX cells_by_start ON cells (start);
CREATE TABLE intervals (
    device TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL,
    event_id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (device, start)
) STRICT;
CREATE INDEX intervals_by_end ON intervals (end);
CREATE TABLE snapshots (device TEXT NOT NULL PRIMARY KEY, body BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE baselines (name TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, body TEXT NOT NULL) STRICT;
";

const VERSION_4: &str = "
CREATE TABLE uploads (
    hour INTEGER NOT NULL, device TEXT NOT NULL, sink TEXT NOT NULL, made INTEGER NOT NULL, acked INTEGER NOT NULL,
    passed INTEGER NOT NULL, given_up INTEGER NOT NULL, delays TEXT NOT NULL, PRIMARY KEY (hour, device, sink)
) STRICT;
";

/// Brings the file from `version` to the newest one.
pub(super) fn forward(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    forward_with(connection, version, |_| {})
}

/// The same; `before_commit` is told of each version when everything is done but the commit.
pub(super) fn forward_with(
    connection: &mut Connection,
    version: i64,
    mut before_commit: impl FnMut(i64),
) -> rusqlite::Result<()> {
    for (from, step) in (1..).zip(STEPS).filter(|(from, _)| *from >= version) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", from + 1)?;
        before_commit(from + 1);
        transaction.commit()?;
    }
    if version <= STEPS.len() as i64 {
        // Installers look at the number in the file itself; what is still in the WAL they do not see.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).ok(); // else the next one does it
    }
    Ok(())
}
