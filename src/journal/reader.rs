//! The Reader: records from the file, for whoever is behind the journal's memory.
//!
//! The rule: each read is short and over when it returns, since a long one would keep the WAL from being emptied; rows
//! are first fetched, then decoded. A damaged row is said to be one, and never a reason to stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, Row, Rows};

use super::bytes::Damaged;
use super::columns;
use super::place::Place;
use super::record::Unpacker;
use super::store::{corrupt, data_header, event_header, natural};
use super::{clock, dictionary, fault, renewal, schema};
use crate::model::words::journal as words;
use crate::model::{BootId, ClockMark, DataRecord, EventRecord, Group, Seq, Stream, Timestamp, Trouble};

/// A connection that reads. Belongs to one thread.
pub struct Reader {
    pub(super) connection: Connection,
    place: Place,
    pub(super) unpacker: Unpacker,
    groups: HashMap<i64, Arc<Group>>,
}

/// What stands at a position.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<T> {
    /// A record.
    Record(Arc<T>),
    /// A row that is not what was written there.
    Damaged(Seq),
}

impl<T> Found<T> {
    /// The record, if it is one.
    pub fn record(self) -> Option<Arc<T>> {
        match self {
            Found::Record(record) => Some(record),
            Found::Damaged(_) => None,
        }
    }
}

impl Reader {
    /// Opens the journal for reading.
    pub fn open(place: &Place) -> Result<Reader, Trouble> {
        place.check()?;
        let connection = schema::open_reader(&place.file).inspect_err(|trouble| notice(place, trouble))?;
        place.check()?; // it may have been replaced meanwhile
        let unpacker = Unpacker::new().map_err(|e| fault::of_io(&place.file, &e))?;
        Ok(Reader { connection, place: place.clone(), unpacker, groups: HashMap::new() })
    }

    /// The file that it reads.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What SQLite says of the file; the writer hears of damage.
    fn answered<T>(&self, stream: Stream, after: Seq, answer: rusqlite::Result<T>) -> Result<T, Trouble> {
        let trouble = match answer {
            Ok(found) => {
                self.place.granted(stream, after);
                return Ok(found);
            }
            Err(error) => fault::of_sqlite(&self.place.file, &error),
        };
        notice(&self.place, &trouble);
        if trouble.code == words::DISK_FAULT {
            self.place.refused(stream, after, Instant::now());
        }
        Err(trouble)
    }

    /// The next rows of the data stream behind `after`, up to and with `through`, oldest first: at most `max_records`, and no more
    /// once they have `max_samples` samples; at least one if there is any.
    pub fn data_between(
        &mut self,
        after: Seq,
        through: Seq,
        max_records: usize,
        max_samples: usize,
    ) -> Result<Vec<Found<DataRecord>>, Trouble> {
        let found = self.data_found(after, through, max_records, max_samples);
        self.answered(Stream::Data, after, found)
    }

    fn data_found(
        &mut self,
        after: Seq,
        through: Seq,
        max_records: usize,
        max_samples: usize,
    ) -> rusqlite::Result<Vec<Found<DataRecord>>> {
        let InOrder { rows, stray } = self.data_rows(after, through, max_records, max_samples)?;
        if let Some(row) = stray {
            self.data_record(&row)?.map_err(|Damaged| corrupt())?;
        }
        rows.into_iter().map(|row| Ok(found(row.seq, self.data_record(&row)?))).collect()
    }

    /// The next rows of the events stream, likewise.
    pub fn events_between(
        &mut self,
        after: Seq,
        through: Seq,
        max_records: usize,
    ) -> Result<Vec<Found<EventRecord>>, Trouble> {
        let found = self.events_found(after, through, max_records);
        self.answered(Stream::Events, after, found)
    }

    fn events_found(
        &mut self,
        after: Seq,
        through: Seq,
        max_records: usize,
    ) -> rusqlite::Result<Vec<Found<EventRecord>>> {
        let InOrder { rows, stray } = self.event_rows(after, through, max_records)?;
        if let Some(row) = stray {
            self.event_record(&row).map_err(|Damaged| corrupt())?;
        }
        Ok(rows.into_iter().map(|row| found(row.seq, self.event_record(&row))).collect())
    }

    /// Something short that is to be read.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Trouble> {
        look(&self.connection).map_err(|error| fault::of_sqlite(&self.place.file, &error))
    }

    fn data_rows(
        &self,
        after: Seq,
        through: Seq,
        max_records: usize,
        max_samples: usize,
    ) -> rusqlite::Result<InOrder<DataRow>> {
        let _both = self.connection.unchecked_transaction()?; // rows may come in between
        let mut select = self.connection.prepare_cached(
            "SELECT seq, grp, (SELECT boots.boot FROM boots WHERE id = data.boot), at, samples, body, clock,
                    CASE clock WHEN 1 THEN (SELECT offset FROM boots WHERE id = data.boot) END
             FROM data WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = select.query((position(after), limit(max_records)))?;
        let read = |row: &Row<'_>| {
            Ok(DataRow {
                seq: natural(row.get(0)?),
                group: row.get(1)?,
                boot: row.get::<_, Option<i64>>(2)?.map(|boot| BootId(boot as u64)),
                at: Timestamp(row.get(3)?),
                samples: row.get::<_, i64>(4)? as u64,
                body: row.get(5)?,
                clock: ClockMark::from_number(row.get(6)?),
                offset_ms: row.get(7)?,
            })
        };
        let mut samples: u64 = 0;
        let found = in_order(&mut rows, (after, through), max_records, read, |row: &DataRow| {
            samples = samples.saturating_add(row.samples);
            samples >= max_samples as u64
        })?;
        self.check_gap(Stream::Data, after, through, found.rows.first().map(|row| row.seq))?;
        Ok(found)
    }

    fn data_record(&mut self, row: &DataRow) -> rusqlite::Result<Result<DataRecord, Damaged>> {
        let (Some(boot), Some(clock)) = (row.boot, row.clock) else { return Ok(Err(Damaged)) };
        let header = data_header(row.seq, row.group, boot, row.at, clock, row.samples);
        let Ok(payload) = self.unpacker.unpack(&header, &row.body) else { return Ok(Err(Damaged)) };
        let group = match self.group(row.group)? {
            Some(group) => group,
            // The row is whole, and with it all others of its group: the writer may know what it is.
            None if self.place.is_watched() => return Err(corrupt()),
            None => return Ok(Err(Damaged)),
        };
        let decode = || {
            let scans = columns::decode(&payload, group.tags.len(), row.at)?;
            let mut record = DataRecord { seq: row.seq, boot, group: group.clone(), clock, scans };
            row.offset_ms.into_iter().for_each(|offset_ms| record.correct(offset_ms));
            Ok(record)
        };
        Ok(decode())
    }

    /// An entry of the dictionary never changes, so it is read once.
    pub(super) fn group(&mut self, number: i64) -> rusqlite::Result<Option<Arc<Group>>> {
        if let Some(group) = self.groups.get(&number) {
            return Ok(Some(group.clone()));
        }
        let group = dictionary::read(&self.connection, &mut self.unpacker, number)?.map(Arc::new);
        if let Some(group) = &group {
            self.groups.insert(number, group.clone());
        }
        Ok(group)
    }

    fn event_rows(&self, after: Seq, through: Seq, max: usize) -> rusqlite::Result<InOrder<EventRow>> {
        let _both = self.connection.unchecked_transaction()?; // rows may come in between
        let mut select = self.connection.prepare_cached(
            "SELECT seq, (SELECT boots.boot FROM boots WHERE id = events.boot), at, body, clock,
                    CASE clock WHEN 1 THEN (SELECT offset FROM boots WHERE id = events.boot) END
             FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = select.query((position(after), limit(max)))?;
        let read = |row: &Row<'_>| {
            Ok(EventRow {
                seq: natural(row.get(0)?),
                boot: row.get::<_, Option<i64>>(1)?.map(|boot| BootId(boot as u64)),
                at: Timestamp(row.get(2)?),
                body: row.get(3)?,
                clock: ClockMark::from_number(row.get(4)?),
                offset_ms: row.get(5)?,
            })
        };
        let found = in_order(&mut rows, (after, through), max, read, |_: &EventRow| false)?;
        self.check_gap(Stream::Events, after, through, found.rows.first().map(|row| row.seq))?;
        Ok(found)
    }

    /// A read that leaves positions out at its beginning or finds none at all: in the other direction there is nothing there either.
    /// A wrong number in the tree leads past what stands there.
    fn check_gap(&self, stream: Stream, after: Seq, through: Seq, first: Option<Seq>) -> rusqlite::Result<()> {
        let before = first.map_or(through, |first| first - 1);
        if before <= after {
            return Ok(());
        }
        let sql = format!("SELECT seq FROM {stream} WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1");
        let last = self.connection.prepare_cached(&sql)?.query_row([position(before)], |row| row.get::<_, i64>(0));
        match last.optional()? {
            Some(last) if last <= 0 || natural(last) > after => Err(corrupt()),
            _ => Ok(()),
        }
    }

    fn event_record(&mut self, row: &EventRow) -> Result<EventRecord, Damaged> {
        let boot = row.boot.ok_or(Damaged)?;
        let clock = row.clock.ok_or(Damaged)?;
        let json = self.unpacker.unpack(&event_header(row.seq, boot, row.at, clock), &row.body)?;
        let event = serde_json::from_slice(&json).map_err(|_| Damaged)?;
        let mono_ms = if clock == ClockMark::Trusted { None } else { clock::mono_in(&json) };
        let mut record = EventRecord { seq: row.seq, boot, at: row.at, clock, mono_ms, event };
        row.offset_ms.into_iter().for_each(|offset_ms| record.correct(offset_ms));
        Ok(record)
    }
}

/// Rows up to and with a position.
struct InOrder<T> {
    rows: Vec<T>,
    /// A row beyond that position which is the last of all: no other one tells whether its number is right.
    stray: Option<T>,
}

/// SQLite believes the numbers of rows: one that is wrong ends a search, or is found twice. Here they have to rise, also over the first row that is
/// not asked for.
fn in_order<T>(
    rows: &mut Rows<'_>,
    (after, through): (Seq, Seq),
    max: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    mut is_enough: impl FnMut(&T) -> bool,
) -> rusqlite::Result<InOrder<T>> {
    let (mut found, mut last) = (Vec::new(), after);
    while let Some(row) = rows.next()? {
        let seq = natural(row.get(0)?);
        if seq <= last {
            return Err(corrupt());
        }
        last = seq;
        if seq > through {
            let row = read(row)?;
            return match rows.next()? {
                None => Ok(InOrder { rows: found, stray: Some(row) }),
                Some(next) if natural(next.get(0)?) > last => Ok(InOrder { rows: found, stray: None }),
                Some(_) => Err(corrupt()),
            };
        }
        let row = read(row)?;
        let is_last = is_enough(&row);
        found.push(row);
        if is_last || found.len() >= max.max(1) {
            // One that has too high a number is found out by the next.
            return match rows.next()? {
                Some(next) if natural(next.get(0)?) <= last => Err(corrupt()),
                _ => Ok(InOrder { rows: found, stray: None }),
            };
        }
    }
    Ok(InOrder { rows: found, stray: None })
}

fn notice(place: &Place, trouble: &Trouble) {
    if renewal::is_damage(trouble.code) {
        place.raise_alarm();
    }
}

fn found<T>(seq: Seq, record: Result<T, Damaged>) -> Found<T> {
    match record {
        Ok(record) => Found::Record(Arc::new(record)),
        Err(Damaged) => Found::Damaged(seq),
    }
}

/// A row of data as it stands in the file.
struct DataRow {
    seq: Seq,
    group: i64,
    boot: Option<BootId>,
    at: Timestamp,
    samples: u64,
    body: Vec<u8>,
    /// `None`: no mark of ours.
    clock: Option<ClockMark>,
    /// Of its start of the agent, where its clock was not trusted and came to be later.
    offset_ms: Option<i64>,
}

/// A row of events as it stands in the file.
struct EventRow {
    seq: Seq,
    boot: Option<BootId>,
    at: Timestamp,
    body: Vec<u8>,
    clock: Option<ClockMark>,
    offset_ms: Option<i64>,
}

/// SQLite's numbers are signed; a position beyond them comes after everything.
fn position(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// At least one row: a limit of none would look like the end of the stream. And two, to see where it ends.
fn limit(rows: usize) -> i64 {
    i64::try_from(rows.max(1).saturating_add(2)).unwrap_or(i64::MAX)
}
