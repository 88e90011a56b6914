//! Look: what the journal holds and how far each sink has come, for a person at the gateway. A connection that cannot write, while the
//! agent runs or not.
//!
//! The rule: every answer costs the same however long the backlog is: counters, ends of tables, and samples of [`SAMPLE`] rows. What
//! is estimated says so.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::open::{load_cursors, load_held, load_losses};
use super::quarantine::{Poisoned, poisoned};
use super::record::Unpacker;
use super::store::{Held, LOCK, natural};
use super::{Place, dictionary, fault, high_water, schema};
use crate::model::{BootId, Cursor, Losses, Seq, Stream, Timestamp, Trouble};

/// Rows that are looked at where an average or a count is wanted: a page each, 1 MB at most.
const SAMPLE: i64 = 1_000;

/// What a row takes beside its body.
const ROW_BYTES: u64 = 40;

/// A journal opened for looking.
pub struct Look {
    connection: Connection,
    dir: PathBuf,
    file: PathBuf,
}

/// What it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// The file.
    pub path: String,
    /// The process that holds the journal, where one does and the system tells.
    pub agent_pid: Option<u32>,
    /// `data` and `events`.
    pub streams: Vec<StreamView>,
    /// Where the bytes are.
    pub bytes: BytesView,
    /// The limit.
    pub max_size: u64,
    /// Until the limit is reached, at the rate of the last hour; `None`: it does not grow.
    pub hours_left: Option<f64>,
    /// By name.
    pub sinks: Vec<SinkView>,
    /// Positions that were given up, by stream.
    pub losses: Vec<LossView>,
    /// By sink.
    pub quarantine: Vec<QuarantineView>,
    /// Files that were damaged or too new, and put aside.
    pub set_aside: Vec<AsideView>,
    /// The high-water mark beside the file; `None`: there is none that stands.
    pub high_water: Option<HighWaterView>,
}

/// What one stream holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamView {
    /// `data` or `events`.
    pub stream: &'static str,
    /// Records in the file.
    pub records: u64,
    /// Samples in them.
    pub samples: u64,
    /// The oldest record.
    pub oldest: Option<RowView>,
    /// The newest record.
    pub newest: Option<RowView>,
    /// The last position that was ever written.
    pub written: Seq,
    /// Records ever given up by a limit.
    pub dropped_records: u64,
    /// Samples ever given up by a limit.
    pub dropped_samples: u64,
}

/// Position and time of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowView {
    /// Position.
    pub seq: Seq,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

/// Bytes by what they hold. `data` and `events` are estimated from some rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BytesView {
    /// The file.
    pub file: u64,
    /// Its WAL.
    pub wal: u64,
    /// Pages of the file that are in use.
    pub used: u64,
    /// Pages of the file that are free, to be used again.
    pub free: u64,
    /// Samples, about.
    pub data: u64,
    /// Events, about.
    pub events: u64,
    /// Quarantine.
    pub quarantine: u64,
    /// The sample ledger, dictionary, cursors: the rest.
    pub other: u64,
}

/// How far one sink has come in one stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SinkView {
    /// Its name.
    pub sink: String,
    /// `data` or `events`.
    pub stream: &'static str,
    /// Everything up to here is done.
    pub position: Seq,
    /// Records in the file that it has not got.
    pub records: u64,
    /// Samples in them.
    pub samples: u64,
    /// Whether these two are estimated: there are very many.
    pub is_estimate: bool,
    /// When the oldest of them was taken, milliseconds since 1970.
    pub waiting_since_ms: Option<i64>,
}

/// Positions that were given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LossView {
    /// `data` or `events`.
    pub stream: &'static str,
    /// The first position.
    pub first: Seq,
    /// The last one.
    pub last: Seq,
    /// Samples, as far as they were known.
    pub samples: u64,
    /// Why.
    pub cause: &'static str,
    /// When it was found out, milliseconds since 1970.
    pub at_ms: i64,
}

/// What is in quarantine for one sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineView {
    /// Its name.
    pub sink: String,
    /// Records.
    pub records: u64,
    /// Samples in them.
    pub samples: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Whose broker cannot take it.
    pub sink: String,
    /// Of which stream.
    pub stream: Stream,
    /// Its position.
    pub seq: Seq,
    /// When it was put there.
    pub at: Timestamp,
    /// Samples in it.
    pub samples: u64,
    /// Why.
    pub cause: String,
}

/// A file that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AsideView {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// When it was last written, milliseconds since 1970.
    pub written_ms: i64,
}

/// The high-water mark: positions of `data` and `events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HighWaterView {
    /// Up to here positions may have been given.
    pub reserved: [Seq; 2],
    /// Up to here records were once written.
    pub written: [Seq; 2],
    /// The journal was closed properly.
    pub is_closed: bool,
}

impl Place {
    /// The journal in this directory; `None`: there is none.
    pub fn in_dir(dir: &Path) -> Option<Place> {
        let file = dir.join(schema::FILE);
        file.exists().then(|| Place::of(file))
    }
}

impl Look {
    /// Opens the journal in `dir`.
    pub fn open(dir: &Path, place: &Place) -> Result<Look, Trouble> {
        let connection = schema::open_reader(&place.file)?;
        Ok(Look { connection, dir: dir.to_owned(), file: place.file.clone() })
    }

    /// What it holds. `max_size`: the limit that the configuration sets.
    pub fn overview(&self, now: Timestamp, max_size: u64) -> Result<Overview, Trouble> {
        self.in_one_view(|look| look.read(now, max_size))
    }

    /// Where this sink is in both streams; `None`: it has no cursor.
    pub fn cursors(&self, sink: &str) -> Result<[Option<Cursor>; 2], Trouble> {
        self.in_one_view(|look| {
            let cursors = load_cursors(&look.connection)?;
            Ok(Stream::ALL.map(|stream| cursors.get(sink, stream)))
        })
    }

    /// Names of all sinks that have a cursor.
    pub fn sinks(&self) -> Result<Vec<String>, Trouble> {
        self.in_one_view(|look| {
            let mut names: Vec<String> =
                load_cursors(&look.connection)?.names().map(|(name, _)| name.clone()).collect();
            names.dedup();
            Ok(names)
        })
    }

    /// What is lost of both streams.
    pub fn losses(&self) -> Result<[Losses; 2], Trouble> {
        self.in_one_view(|look| {
            if !look.has("losses")? {
                return Ok(<[Losses; 2]>::default()); // of a version that knew none
            }
            Ok([load_losses(&look.connection, Stream::Data)?, load_losses(&look.connection, Stream::Events)?])
        })
    }

    /// The last position of both streams that is in the file.
    pub fn newest(&self) -> Result<[Seq; 2], Trouble> {
        self.in_one_view(|look| {
            let newest = |stream| look.end(stream, "DESC").map(|row| row.map_or(0, |row| row.seq));
            Ok([newest(Stream::Data)?, newest(Stream::Events)?])
        })
    }

    /// The first position of both streams that is in the file; behind everything where there is none.
    pub fn oldest(&self) -> Result<[Seq; 2], Trouble> {
        self.in_one_view(|look| {
            let oldest = |stream| match look.end(stream, "ASC")? {
                Some(row) => Ok(row.seq),
                None => load_held(&look.connection, stream).map(|(held, _)| held.written + 1),
            };
            Ok([oldest(Stream::Data)?, oldest(Stream::Events)?])
        })
    }

    /// What is in quarantine, by sink, stream and position.
    pub fn quarantined(&self) -> Result<Vec<QuarantineRow>, Trouble> {
        self.in_one_view(|look| {
            if !look.has("quarantine")? {
                return Ok(Vec::new());
            }
            let mut select = look
                .connection
                .prepare("SELECT sink, stream, seq, at, samples, cause FROM quarantine ORDER BY sink, stream, seq")?;
            let mut rows = select.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let stream: String = row.get(1)?;
                let Some(stream) = Stream::ALL.into_iter().find(|known| known.as_str() == stream) else { continue };
                let (seq, samples) = (natural(row.get(2)?), natural(row.get(4)?));
                let (at, cause) = (Timestamp(row.get(3)?), row.get(5)?);
                found.push(QuarantineRow { sink: row.get(0)?, stream, seq, at, samples, cause });
            }
            Ok(found)
        })
    }

    /// The record of a row of the quarantine; `None`: there is no such row, or what it holds is damaged.
    pub fn quarantined_record(&self, sink: &str, stream: Stream, seq: Seq) -> Result<Option<Poisoned>, Trouble> {
        let row = self.in_one_view(|look| {
            if !look.has("quarantine")? {
                return Ok(None);
            }
            let sql =
                "SELECT grp, (SELECT boots.boot FROM boots WHERE id = quarantine.boot), samples, body FROM quarantine
                       WHERE sink = ?1 AND stream = ?2 AND seq = ?3";
            let found = look.connection.query_row(sql, (sink, stream.as_str(), signed(seq)), |row| {
                Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?, natural(row.get(2)?), row.get(3)?))
            });
            found.optional()
        })?;
        let Some((group, Some(boot), samples, body)): Option<(Option<i64>, _, u64, Vec<u8>)> = row else {
            return Ok(None);
        };
        let mut unpacker = Unpacker::new().map_err(|error| fault::of_io(&self.file, &error))?;
        let group = group.map(|number| {
            dictionary::read(&self.connection, &mut unpacker, number).map(|group| Some((number, Arc::new(group?))))
        });
        let group = group.transpose().map_err(|error| fault::of_sqlite(&self.file, &error))?.flatten();
        Ok(poisoned(&mut unpacker, (stream, seq), BootId(boot as u64), samples, group, &body))
    }

    /// All of it as it stands at one moment, and the file let go afterwards.
    fn in_one_view<T>(&self, read: impl FnOnce(&Look) -> rusqlite::Result<T>) -> Result<T, Trouble> {
        let view = || {
            let transaction = self.connection.unchecked_transaction()?;
            let read = read(self)?;
            transaction.finish()?;
            Ok(read)
        };
        view().map_err(|error| fault::of_sqlite(&self.file, &error))
    }

    /// Something of a table; nothing where an older version made the file.
    pub(super) fn of_table<T: Default>(
        &self,
        table: &str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Trouble> {
        self.in_one_view(|look| if look.has(table)? { read(&look.connection) } else { Ok(T::default()) })
    }

    fn read(&self, now: Timestamp, max_size: u64) -> rusqlite::Result<Overview> {
        let cursors = load_cursors(&self.connection)?;
        let held = [load_held(&self.connection, Stream::Data)?, load_held(&self.connection, Stream::Events)?];
        let ends = [
            (self.end(Stream::Data, "ASC")?, self.end(Stream::Data, "DESC")?),
            (self.end(Stream::Events, "ASC")?, self.end(Stream::Events, "DESC")?),
        ];
        let streams = Stream::ALL.map(|stream| {
            let ((Held { records, samples, written, dropped_records, dropped_samples, .. }, _), (oldest, newest)) =
                (held[stream as usize], ends[stream as usize]);
            let stream = stream.as_str();
            StreamView { stream, records, samples, oldest, newest, written, dropped_records, dropped_samples }
        });
        let mut sinks = Vec::new();
        for (name, stream, cursor) in cursors.iter() {
            let (of_stream, ends) = (&streams[stream as usize], ends[stream as usize]);
            sinks.push(self.sink(name, stream, cursor.position, of_stream, ends)?);
        }
        let quarantine = self.quarantine()?;
        let bytes = self.bytes(&streams, &quarantine)?;
        Ok(Overview {
            path: self.file.display().to_string(),
            agent_pid: holder(&self.dir.join(LOCK)),
            hours_left: self.hours_left(now, bytes.used, max_size, ends[0])?,
            streams: streams.into(),
            bytes,
            max_size,
            sinks,
            losses: self.loss_views()?,
            quarantine,
            set_aside: set_aside(&self.dir),
            high_water: high_water::look(&self.dir).map(|marks| HighWaterView {
                reserved: marks.reserved,
                written: marks.written,
                is_closed: marks.is_closed,
            }),
        })
    }

    fn sink(
        &self,
        name: &str,
        stream: Stream,
        position: Seq,
        held: &StreamView,
        ends: (Option<RowView>, Option<RowView>),
    ) -> rusqlite::Result<SinkView> {
        let samples = if stream == Stream::Data { "samples" } else { "0" };
        let sql = format!(
            "SELECT count(*), coalesce(sum(s), 0), min(at) FROM
             (SELECT {samples} AS s, at FROM {stream} WHERE seq > ?1 ORDER BY seq LIMIT ?2)"
        );
        let (mut records, mut samples, at_ms): (u64, u64, Option<i64>) =
            self.connection.query_row(&sql, (signed(position), SAMPLE + 1), |row| {
                Ok((natural(row.get(0)?), natural(row.get(1)?), row.get(2)?))
            })?;
        let is_estimate = records > SAMPLE as u64;
        if let (true, (Some(oldest), Some(newest))) = (is_estimate, ends) {
            let share = (newest.seq - position.max(oldest.seq - 1)) as f64 / (newest.seq + 1 - oldest.seq) as f64;
            let part = |all: u64, least: u64| ((all as f64 * share) as u64).max(least);
            (records, samples) = (part(held.records, records), part(held.samples, samples));
        }
        let stream = stream.as_str();
        Ok(SinkView { sink: name.to_owned(), stream, position, records, samples, is_estimate, waiting_since_ms: at_ms })
    }

    fn bytes(&self, streams: &[StreamView; 2], quarantine: &[QuarantineView]) -> rusqlite::Result<BytesView> {
        let pragma = |name: &str| self.connection.pragma_query_value(None, name, |row| row.get(0).map(natural));
        let page = pragma("page_size")?;
        let (file, free) = (pragma("page_count")? * page, pragma("freelist_count")? * page);
        let used = file.saturating_sub(free);
        let wal = fs::metadata(format!("{}-wal", self.file.display())).map_or(0, |meta| meta.len());
        let mut left = used;
        let mut part = |bytes: u64| {
            let bytes = bytes.min(left);
            left -= bytes;
            bytes
        };
        let quarantined = part(quarantine.iter().map(|of_sink| of_sink.bytes).sum());
        let events = part(streams[1].records.saturating_mul(self.row_bytes(Stream::Events)?));
        let data = part(streams[0].records.saturating_mul(self.row_bytes(Stream::Data)?));
        Ok(BytesView { file, wal, used, free, data, events, quarantine: quarantined, other: left })
    }

    /// What a row takes on average, by the oldest and the newest ones.
    fn row_bytes(&self, stream: Stream) -> rusqlite::Result<u64> {
        let sql = format!(
            "SELECT coalesce(avg(bytes), 0) FROM
             (SELECT * FROM (SELECT length(body) AS bytes FROM {stream} ORDER BY seq LIMIT ?1)
              UNION ALL SELECT * FROM (SELECT length(body) FROM {stream} ORDER BY seq DESC LIMIT ?1))"
        );
        let average: f64 = self.connection.query_row(&sql, [SAMPLE / 4], |row| row.get(0))?;
        Ok(if average > 0.0 { average as u64 + ROW_BYTES } else { 0 })
    }

    /// At the rate at which data came in the last hour.
    fn hours_left(
        &self,
        now: Timestamp,
        used: u64,
        max_size: u64,
        ends: (Option<RowView>, Option<RowView>),
    ) -> rusqlite::Result<Option<f64>> {
        const HOUR_MS: i64 = 3_600_000;
        const SHORTEST_MS: i64 = 60_000;
        let (Some(oldest), Some(newest)) = ends else { return Ok(None) };
        let since = now.0.saturating_sub(HOUR_MS);
        if newest.at_ms < since {
            return Ok(None);
        }
        // Times rise with positions but for jumps of the clock, which cost this estimate some accuracy.
        let (mut low, mut high) = (oldest, newest.seq);
        while low.at_ms < since && low.seq < high {
            let middle = low.seq + (high - low.seq) / 2;
            match self.row_from(middle)?.filter(|row| row.seq <= high) {
                Some(row) if row.at_ms < since && row.seq > low.seq => low = row,
                _ if middle == low.seq => break,
                _ => high = middle,
            }
        }
        let first = self.row_from(if low.at_ms < since { low.seq + 1 } else { low.seq })?.unwrap_or(newest);
        let lived = newest.at_ms.saturating_sub(first.at_ms);
        if lived < SHORTEST_MS {
            return Ok(None);
        }
        let (rows, bytes): (f64, f64) = self.connection.query_row(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM
             (SELECT length(body) + ?1 AS bytes FROM data WHERE seq >= ?2 ORDER BY seq LIMIT ?3)",
            (ROW_BYTES as i64, signed(first.seq), SAMPLE),
            |row| Ok((row.get::<_, i64>(0)? as f64, row.get::<_, i64>(1)? as f64)),
        )?;
        let all_rows = if rows < SAMPLE as f64 { rows } else { (newest.seq + 1 - first.seq) as f64 };
        let per_hour = bytes / rows.max(1.0) * all_rows * HOUR_MS as f64 / lived as f64;
        Ok((per_hour > 0.0).then(|| max_size.saturating_sub(used) as f64 / per_hour))
    }

    /// The first row at or behind a position.
    fn row_from(&self, seq: Seq) -> rusqlite::Result<Option<RowView>> {
        let mut select =
            self.connection.prepare_cached("SELECT seq, at FROM data WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
        select.query_row([signed(seq)], row_view).optional()
    }

    fn end(&self, stream: Stream, order: &str) -> rusqlite::Result<Option<RowView>> {
        let sql = format!("SELECT seq, at FROM {stream} ORDER BY seq {order} LIMIT 1");
        self.connection.query_row(&sql, [], row_view).optional()
    }

    fn loss_views(&self) -> rusqlite::Result<Vec<LossView>> {
        if !self.has("losses")? {
            return Ok(Vec::new());
        }
        let mut views = Vec::new();
        for stream in Stream::ALL {
            views.extend(load_losses(&self.connection, stream)?.iter().map(|loss| LossView {
                stream: stream.as_str(),
                first: loss.first,
                last: loss.last,
                samples: loss.samples,
                cause: loss.cause.as_str(),
                at_ms: loss.at.0,
            }));
        }
        Ok(views)
    }

    /// The quarantine is small by its own limit.
    fn quarantine(&self) -> rusqlite::Result<Vec<QuarantineView>> {
        if !self.has("quarantine")? {
            return Ok(Vec::new());
        }
        let mut select = self.connection.prepare(
            "SELECT sink, count(*), coalesce(sum(samples), 0), coalesce(sum(length(body)), 0) FROM quarantine GROUP BY sink",
        )?;
        let views = select.query_map([], |row| {
            let [records, samples, bytes] = [row.get(1)?, row.get(2)?, row.get(3)?].map(natural);
            Ok(QuarantineView { sink: row.get(0)?, records, samples, bytes: bytes + records * ROW_BYTES })
        })?;
        views.collect()
    }

    /// Tables of later versions are missing until the agent has run once.
    fn has(&self, table: &str) -> rusqlite::Result<bool> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        self.connection.query_row(sql, [table], |row| row.get::<_, i64>(0).map(|count| count > 0))
    }
}

fn row_view(row: &rusqlite::Row<'_>) -> rusqlite::Result<RowView> {
    Ok(RowView { seq: natural(row.get(0)?), at_ms: row.get(1)? })
}

/// SQLite's numbers are signed.
fn signed(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The process that holds this lock, as the kernel lists it (proc(5), /proc/locks): asked in this way it is not taken, not even for a
/// moment, so that a starting agent never finds it taken.
fn holder(lock: &Path) -> Option<u32> {
    let inode = fs::metadata(lock).ok()?.ino().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    holder_of(&inode, &locks)
}

/// `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131073 0 EOF`
fn holder_of(inode: &str, locks: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (kind, pid) = (words.next()?, words.nth(2)?);
        let is_it = kind == "FLOCK" && words.next()?.rsplit(':').next() == Some(inode);
        is_it.then(|| pid.parse().ok())?
    })
}

/// At most two of them are kept by the agent; whatever a person put beside them is not listed without end.
fn set_aside(dir: &Path) -> Vec<AsideView> {
    const LISTED: usize = 20;
    let is_aside = |name: &str| {
        name.ends_with(".sqlite")
            && name != schema::FILE
            && (name.starts_with("journal.corrupt-") || name.starts_with("journal.v"))
    };
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| is_aside(name))?;
            let meta = entry.metadata().ok()?;
            let written_ms = meta.modified().map_or(0, |at| Timestamp::of(at).0);
            Some(AsideView { name, bytes: meta.len(), written_ms })
        })
        .take(LISTED)
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

#[cfg(test)]
mod tests;
