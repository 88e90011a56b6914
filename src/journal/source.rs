//! Source: a file that was set aside, read row by row around what cannot be read.
//!
//! The rule: nothing that stands there is believed unless its checksum is right, and no answer of SQLite ends the reading.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::record::{Unpacker, moved};
use super::store::{Desk, data_header, event_header, natural};
use super::walk::Walk;
use super::{dictionary, schema};
use crate::model::{BootId, ClockMark, Group, Seq, Stream, Timestamp};

/// Rows in one slice: some hundred kB, a few milliseconds.
const SLICE_ROWS: usize = 256;

/// Bytes in one slice, one row more at most: rows may be of several MB.
const SLICE_BYTES: usize = 1_000_000;

/// The search for what can be read again takes so long at a time: a medium may try each place for seconds, and the recorder waits.
const LONGEST_SEARCH: Duration = Duration::from_millis(200);

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

/// A row of the quarantine.
pub(super) struct Kept {
    sink: String,
    pub stream: Stream,
    put_at: i64,
    cause: String,
    old: Old,
    placed: Option<Placed>,
}

impl Kept {
    pub fn samples(&self) -> u64 {
        self.old.samples
    }
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
    /// A search that was left.
    walk: Option<(Stream, Walk)>,
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
            walk: None,
            groups: HashMap::new(),
            starts: HashMap::new(),
        }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The next rows of a stream behind `after`. Numbers have to rise: where they do not, the checksum says which of two is wrong.
    pub fn slice(&mut self, stream: Stream, after: Seq, until: Seq, known: &Known) -> Slice {
        if self.connection.is_none() {
            return Slice { rows: Vec::new(), unreadable: Some((after + 1, until)), through: until };
        }
        let (found, mut end) = self.rows(stream, after, until, SLICE_ROWS);
        let (mut rows, mut last, mut has_strays): (Vec<Old>, _, _) = (Vec::new(), after, false);
        for row in found {
            let mut has_gap = false;
            if row.seq <= last || row.seq > until {
                if self.place(&row, known).is_none() {
                    has_strays = true; // it belongs somewhere here
                    continue;
                }
                if row.seq > until {
                    end = End::Over;
                    break;
                }
                if row.seq <= after {
                    continue; // a wrong number has led to before it
                }
                while let Some(before) = rows.pop_if(|before| before.seq >= row.seq) {
                    has_strays |= self.place(&before, known).is_some();
                    has_gap = true;
                }
                last = rows.last().map_or(after, |row| row.seq);
            }
            let is_hidden = || rows.is_empty() && self.hides_rows(stream, after, row.seq);
            if row.seq > last + 1 && (has_gap || has_strays || is_hidden()) {
                return Slice { rows, unreadable: Some((last + 1, row.seq - 1)), through: row.seq - 1 };
            }
            last = row.seq;
            rows.push(row);
        }
        match end {
            End::Over => {
                let unreadable = (has_strays && last < until).then_some((last + 1, until));
                Slice { rows, unreadable, through: until }
            }
            _ if !rows.is_empty() => Slice { rows, unreadable: None, through: last },
            _ => {
                let left = self.walk.take().filter(|(of, walk)| (*of, walk.after()) == (stream, after));
                let mut walk = left.map_or(Walk::behind(after), |(_, walk)| walk);
                let can_read_behind = |place| self.rows(stream, place, until, 1).1 != End::Unreadable;
                let begun = Instant::now();
                match walk.go(until, can_read_behind, || begun.elapsed() >= LONGEST_SEARCH) {
                    Some(through) => Slice { rows, unreadable: Some((after + 1, through)), through },
                    None => {
                        self.walk = Some((stream, walk));
                        Slice { rows, unreadable: None, through: after }
                    }
                }
            }
        }
    }

    /// Rows as far as they can be read, as they come, and why there are no more.
    fn rows(&self, stream: Stream, after: Seq, until: Seq, limit: usize) -> (Vec<Old>, End) {
        let clock = if self.has_marks { "clock" } else { "0" };
        let columns = match (stream, self.has_marks) {
            (Stream::Data, true) => "grp, samples, prio",
            (Stream::Data, false) => "grp, samples, 1",
            (Stream::Events, _) => "0, 0, 1",
        };
        let sql = format!(
            "SELECT seq, boot, at, {clock}, {columns}, body FROM {stream} WHERE seq > ?1 ORDER BY seq LIMIT {limit}"
        );
        let mut old: Vec<Old> = Vec::new();
        let Some(Ok(mut select)) = self.connection.as_ref().map(|connection| connection.prepare_cached(&sql)) else {
            return (old, End::Unreadable);
        };
        let Ok(mut rows) = select.query([after.min(MOST) as i64]) else { return (old, End::Unreadable) };
        let (mut bytes, mut beyond) = (0, 0);
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => read(row),
                Ok(None) => {
                    let end = if old.len() < limit { End::Over } else { End::More };
                    return (old, end);
                }
                Err(_) => return (old, End::Unreadable),
            };
            let Ok(row) = row else { return (old, End::Unreadable) };
            // One row beyond the end may have a wrong number, two in a row do not.
            beyond = if row.seq > until { beyond + 1 } else { 0 };
            bytes += row.body.len().max(1);
            old.push(row);
            if beyond == 2 {
                return (old, End::Over);
            }
            if bytes >= SLICE_BYTES {
                return (old, End::More);
            }
        }
    }

    /// Whether there are rows behind `after` before the first one that a search finds there. What cannot be asked is not so.
    fn hides_rows(&self, stream: Stream, after: Seq, first: Seq) -> bool {
        let sql = format!("SELECT seq FROM {stream} WHERE seq < ?1 ORDER BY seq DESC LIMIT 1");
        let before = self.connection.as_ref().map(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            select.query_row([first.min(MOST) as i64], |row| row.get::<_, i64>(0)).optional()
        });
        matches!(before, Some(Ok(Some(before))) if before <= 0 || natural(before) > after)
    }

    /// What a row means, if it is what was once written.
    pub fn place(&mut self, old: &Old, known: &Known) -> Option<Placed> {
        let start = self.start(old.start, known)?;
        let group = if old.group == 0 { None } else { Some(self.group(old.group, known)?) };
        let placed = Placed { boot: start.boot, start, group };
        moved(&old.body, &header(old, old.group, placed.boot), &header(old, old.group, placed.boot))?;
        Some(placed)
    }

    /// The quarantine, as far as it can be read.
    pub fn quarantine(&mut self, known: &Known) -> Vec<Kept> {
        let Some(connection) = &self.connection else { return Vec::new() };
        let sql = "SELECT sink, stream, seq, at, samples, cause, grp, boot, body FROM quarantine ORDER BY at, rowid";
        let Ok(mut select) = connection.prepare(sql) else { return Vec::new() }; // of an older version
        let Ok(rows) = select.query_map([], kept) else { return Vec::new() };
        let mut rows: Vec<Kept> = rows.map_while(Result::ok).collect();
        drop(select);
        for row in &mut rows {
            row.placed = self.place(&row.old, known);
        }
        rows
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

/// The time that the checksum covers stands before the body.
fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let stream: String = row.get(1)?;
    let body: Vec<u8> = row.get(8)?;
    let (at, body) = body.split_first_chunk::<8>().unwrap_or((&[0; 8], &[])); // no body is whole
    let old = Old {
        seq: natural(row.get(2)?),
        group: row.get::<_, Option<i64>>(6)?.unwrap_or(0),
        start: row.get(7)?,
        at: Timestamp(i64::from_le_bytes(*at)),
        samples: natural(row.get(4)?),
        clock: ClockMark::Trusted.number().into(),
        prio: 1,
        body: body.to_vec(),
    };
    let stream = if stream == Stream::Events.as_str() { Stream::Events } else { Stream::Data };
    Ok(Kept { sink: row.get(0)?, stream, put_at: row.get(3)?, cause: row.get(5)?, old, placed: None })
}

/// Writes a row into the quarantine, unless it is there already. False: it is not what was once written.
pub(super) fn keep(transaction: &Transaction<'_>, desk: &mut Desk<'_>, kept: &Kept) -> rusqlite::Result<bool> {
    let Kept { sink, stream, put_at, cause, old, placed } = kept;
    let Some(placed) = placed else { return Ok(false) };
    if !has_start(transaction, old.start, &placed.start)? {
        return Ok(false);
    }
    let number = match &placed.group {
        Some(group) => Some(desk.dictionary.number_of(transaction, desk.packer, desk.unpacker, group)?),
        None => None,
    };
    let (before, after) = (header(old, old.group, placed.boot), header(old, number.unwrap_or(0), placed.boot));
    let Some(body) = moved(&old.body, &before, &after) else { return Ok(false) };
    let body = [&old.at.0.to_le_bytes()[..], &body].concat();
    let sql = "INSERT OR IGNORE INTO quarantine (sink, stream, seq, at, samples, cause, grp, boot, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (seq, samples) = (old.seq as i64, old.samples as i64);
    transaction.prepare_cached(sql)?.execute((
        sink,
        stream.as_str(),
        seq,
        put_at,
        samples,
        cause,
        number,
        old.start,
        body,
    ))?;
    Ok(true)
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
