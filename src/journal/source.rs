//! Source: a file that was set aside, read row by row around what cannot be read.
//!
//! The rule: nothing that stands there is believed unless its checksum is right, and no answer of SQLite ends the reading.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::record::{Unpacker, moved};
use super::store::{Desk, data_header, event_header, natural};
use super::walk::next_readable;
use super::{dictionary, schema};
use crate::model::{BootId, ClockMark, Group, Seq, Stream, Timestamp};

/// Rows in one slice: some hundred kB, a few milliseconds.
const SLICE_ROWS: usize = 256;

/// Bytes in one slice, one row more at most: rows may be of several MB.
const SLICE_BYTES: usize = 1_000_000;

/// What the writer knew of a file.
#[derive(Default)]
pub(super) struct Known {
    pub file: PathBuf,
    pub groups: HashMap<i64, Arc<Group>>,
    /// Number and id of its last start.
    pub start: Option<(i64, BootId)>,
}

/// A row as it stands in the old file.
pub(super) struct Old {
    pub seq: Seq,
    /// None in events.
    group: i64,
    start: i64,
    pub at: Timestamp,
    pub samples: u64,
    clock: i64,
    prio: i64,
    body: Vec<u8>,
}

/// What it means.
pub(super) struct Placed {
    boot: BootId,
    /// The old file's row of its start, and when that was.
    start: Start,
    group: Option<Arc<Group>>,
}

/// A start of the agent.
#[derive(Debug, Clone, PartialEq)]
struct Start {
    boot: BootId,
    started: i64,
    trust: Option<String>,
    offset: Option<i64>,
}

/// What one look gave.
pub(super) struct Slice {
    pub rows: Vec<Old>,
    /// Positions that could not be read.
    pub unreadable: Option<(Seq, Seq)>,
    /// Everything up to here is in `rows`, in `unreadable`, or not there.
    pub through: Seq,
}

/// The old file.
pub(super) struct Source {
    file: PathBuf,
    /// `None`: not even that.
    connection: Option<Connection>,
    /// The columns of version 2 are there.
    has_marks: bool,
    unpacker: Option<Unpacker>,
    groups: HashMap<i64, Option<Arc<Group>>>,
    starts: HashMap<i64, Option<Start>>,
}

impl Source {
    pub fn open(file: &Path) -> Source {
        Source::of(schema::open_damaged(file).ok(), file)
    }

    pub fn of(connection: Option<Connection>, file: &Path) -> Source {
        let has_marks =
            connection.as_ref().is_some_and(|connection| connection.prepare("SELECT clock FROM events").is_ok());
        let unpacker = Unpacker::new().ok();
        Source {
            file: file.to_owned(),
            connection,
            has_marks,
            unpacker,
            groups: HashMap::new(),
            starts: HashMap::new(),
        }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The next rows of a stream behind `after`.
    pub fn slice(&self, stream: Stream, after: Seq, until: Seq) -> Slice {
        let Some(connection) = &self.connection else {
            return Slice { rows: Vec::new(), unreadable: Some((after + 1, until)), through: until };
        };
        let look = |after, limit| self.rows(connection, stream, after, until, limit);
        let (rows, end) = look(after, SLICE_ROWS);
        match (rows.last().map(|row| row.seq), end) {
            (Some(through), End::More | End::Unreadable) => Slice { rows, unreadable: None, through },
            (_, End::Over) | (None, End::More) => Slice { rows, unreadable: None, through: until },
            (None, End::Unreadable) => {
                let through = next_readable(after, until, |place| look(place, 1).1 != End::Unreadable);
                Slice { rows, unreadable: Some((after + 1, through)), through }
            }
        }
    }

    /// Rows as far as they can be read, and why there are no more.
    fn rows(&self, connection: &Connection, stream: Stream, after: Seq, until: Seq, limit: usize) -> (Vec<Old>, End) {
        let clock = if self.has_marks { "clock" } else { "0" };
        let columns = match (stream, self.has_marks) {
            (Stream::Data, true) => "grp, samples, prio",
            (Stream::Data, false) => "grp, samples, 1",
            (Stream::Events, _) => "0, 0, 1",
        };
        let sql = format!(
            "SELECT seq, boot, at, {clock}, {columns}, body FROM {stream} WHERE seq > ?1 ORDER BY seq LIMIT {}",
            limit + 1
        );
        let mut old: Vec<Old> = Vec::new();
        let Ok(mut select) = connection.prepare_cached(&sql) else { return (old, End::Unreadable) };
        let Ok(mut rows) = select.query([after.min(MOST) as i64]) else { return (old, End::Unreadable) };
        let (mut last, mut bytes) = (after, 0);
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => read(row),
                Ok(None) => return (old, End::Over),
                Err(_) => return (old, End::Unreadable),
            };
            // Pages in a wrong order give positions in a wrong order.
            let Some(row) = row.ok().filter(|row| row.seq > last) else { return (old, End::Unreadable) };
            if old.is_empty() && row.seq > after + 1 && hides_rows(connection, stream, after, row.seq) {
                return (old, End::Unreadable);
            }
            if row.seq > until {
                // Nothing is asked for from here on, unless it is this row alone that has a wrong number.
                let next = rows.next().map(|next| next.map(|next| next.get(0).map_or(0, natural)));
                let is_over = next.is_ok_and(|next| next.is_none_or(|next| next > row.seq));
                return (old, if is_over { End::Over } else { End::Unreadable });
            }
            last = row.seq;
            bytes += row.body.len().max(1);
            old.push(row);
            if bytes >= SLICE_BYTES || old.len() >= limit {
                return (old, End::More);
            }
        }
    }

    /// What a row means, if it is what was once written.
    pub fn place(&mut self, old: &Old, known: &Known) -> Option<Placed> {
        let start = self.start(old.start, known)?;
        let group = if old.group == 0 { None } else { Some(self.group(old.group, known)?) };
        let placed = Placed { boot: start.boot, start, group };
        moved(&old.body, &header(old, old.group, placed.boot), &header(old, old.group, placed.boot))?;
        Some(placed)
    }

    fn start(&mut self, number: i64, known: &Known) -> Option<Start> {
        let Source { connection, starts, has_marks, .. } = self;
        let found = starts.entry(number).or_insert_with(|| {
            let marks = if *has_marks { "trust, offset" } else { "NULL, NULL" };
            let sql = format!("SELECT boot, started, {marks} FROM boots WHERE id = ?1");
            connection
                .as_ref()?
                .query_row(&sql, [number], |row| {
                    let boot = BootId(row.get::<_, i64>(0)? as u64);
                    Ok(Start { boot, started: row.get(1)?, trust: row.get(2)?, offset: row.get(3)? })
                })
                .ok()
        });
        if found.is_none() && known.file == self.file && known.start.is_some_and(|(last, _)| last == number) {
            *found = known.start.map(|(_, boot)| Start { boot, started: 0, trust: None, offset: None });
        }
        found.clone()
    }

    fn group(&mut self, number: i64, known: &Known) -> Option<Arc<Group>> {
        let Source { connection, groups, unpacker, file, .. } = self;
        let found = groups.entry(number).or_insert_with(|| {
            let (connection, unpacker) = (connection.as_ref()?, unpacker.as_mut()?);
            dictionary::read(connection, unpacker, number).ok().flatten().map(Arc::new)
        });
        if found.is_none() && known.file == *file {
            *found = known.groups.get(&number).cloned();
        }
        found.clone()
    }
}

/// The largest position that SQLite can hold.
const MOST: Seq = i64::MAX as Seq;

/// Why there are no more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// There are none.
    Over,
    /// Enough for one look.
    More,
    Unreadable,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Old> {
    Ok(Old {
        seq: natural(row.get(0)?),
        start: row.get(1)?,
        at: Timestamp(row.get(2)?),
        clock: row.get(3)?,
        group: row.get(4)?,
        samples: natural(row.get(5)?),
        prio: row.get(6)?,
        body: row.get(7)?,
    })
}

/// Whether there are rows behind `after` before the first one that a search finds there. What cannot be asked is not so.
fn hides_rows(connection: &Connection, stream: Stream, after: Seq, first: Seq) -> bool {
    let sql = format!("SELECT seq FROM {stream} WHERE seq < ?1 ORDER BY seq DESC LIMIT 1");
    let before = connection.prepare_cached(&sql).and_then(|mut select| {
        select.query_row([first.min(MOST) as i64], |row| row.get::<_, i64>(0)).optional()
    });
    matches!(before, Ok(Some(before)) if before <= 0 || natural(before) > after)
}

/// What the checksum of the row covers beside the body.
fn header(old: &Old, group: i64, boot: BootId) -> Vec<i64> {
    let mut header = match old.group {
        0 => event_header(old.seq, boot, old.at, ClockMark::Trusted).to_vec(),
        _ => data_header(old.seq, group, boot, old.at, ClockMark::Trusted, old.samples).to_vec(),
    };
    header[0] += 256 * old.clock; // whatever stands there: the checksum says whether it is right
    header
}

/// Writes a row into the journal, unless there is one at its position.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    desk: &mut Desk<'_>,
    stream: Stream,
    old: &Old,
    placed: &Placed,
) -> rusqlite::Result<bool> {
    if !has_start(transaction, old.start, &placed.start)? {
        return Ok(false);
    }
    let Old { seq, start, at, samples, clock, prio, body, .. } = old;
    let rows = match (stream, &placed.group) {
        (Stream::Data, Some(group)) => {
            let number = desk.dictionary.number_of(transaction, desk.packer, desk.unpacker, group)?;
            let (before, after) = (header(old, old.group, placed.boot), header(old, number, placed.boot));
            let Some(body) = moved(body, &before, &after) else { return Ok(false) };
            let sql = "INSERT OR IGNORE INTO data (seq, grp, boot, at, samples, clock, prio, body)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let samples = *samples as i64;
            transaction.prepare_cached(sql)?.execute((*seq as i64, number, start, at.0, samples, clock, prio, body))?
        }
        _ => {
            let sql = "INSERT OR IGNORE INTO events (seq, boot, at, clock, body) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction.prepare_cached(sql)?.execute((*seq as i64, start, at.0, clock, body))?
        }
    };
    Ok(rows == 1)
}

/// Whether the journal knows this start of the agent by its number; it does from now on, if the number was free.
fn has_start(transaction: &Transaction<'_>, number: i64, start: &Start) -> rusqlite::Result<bool> {
    let sql = "SELECT boot FROM boots WHERE id = ?1";
    let boot: Option<i64> = transaction.prepare_cached(sql)?.query_row([number], |row| row.get(0)).optional()?;
    if let Some(boot) = boot {
        let is_it = boot as u64 == start.boot.0;
        if is_it && (start.trust.is_some() || start.offset.is_some()) {
            let sql = "UPDATE boots SET trust = coalesce(trust, ?2), offset = coalesce(offset, ?3)
                       WHERE id = ?1 AND (trust IS NULL OR offset IS NULL)";
            transaction.prepare_cached(sql)?.execute((number, &start.trust, start.offset))?;
        }
        return Ok(is_it);
    }
    let sql = "INSERT INTO boots (id, boot, started, trust, offset) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.prepare_cached(sql)?.execute((
        number,
        start.boot.0 as i64,
        start.started,
        &start.trust,
        start.offset,
    ))?;
    Ok(true)
}
