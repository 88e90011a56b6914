//! The Reader: records from the file, for whoever is behind the journal's memory.
//!
//! The rule: each read is short and over when it returns, since a long one would keep the WAL from being emptied; rows
//! are first fetched, then decoded. A damaged row is said to be one, and never a reason to stop.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::bytes::Damaged;
use super::columns;
use super::place::Place;
use super::record::Unpacker;
use super::store::{data_header, event_header};
use super::{clock, dictionary, fault, renewal, schema};
use crate::model::{BootId, ClockMark, DataRecord, EventRecord, Group, Seq, Timestamp, Trouble};

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
    fn trouble(&self, error: &rusqlite::Error) -> Trouble {
        let trouble = fault::of_sqlite(&self.place.file, error);
        notice(&self.place, &trouble);
        trouble
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
        let found = self.data_rows(after, through, max_records, max_samples).and_then(|rows| {
            rows.into_iter()
                .map(|row| Ok(found(row.seq, self.data_record(&row)?)))
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        found.map_err(|error| self.trouble(&error))
    }

    /// The next rows of the events stream, likewise.
    pub fn events_between(
        &mut self,
        after: Seq,
        through: Seq,
        max_records: usize,
    ) -> Result<Vec<Found<EventRecord>>, Trouble> {
        let rows = self.event_rows(after, through, max_records);
        let rows = rows.map_err(|error| self.trouble(&error))?;
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
    ) -> rusqlite::Result<Vec<DataRow>> {
        let mut select = self.connection.prepare_cached(
            "SELECT seq, grp, (SELECT boots.boot FROM boots WHERE id = data.boot), at, samples, body, clock,
                    CASE clock WHEN 1 THEN (SELECT offset FROM boots WHERE id = data.boot) END
             FROM data WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
        )?;
        let mut rows = select.query((position(after), position(through), limit(max_records)))?;
        let (mut fetched, mut samples) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let row = DataRow {
                seq: row.get::<_, i64>(0)? as Seq,
                group: row.get(1)?,
                boot: row.get::<_, Option<i64>>(2)?.map(|boot| BootId(boot as u64)),
                at: Timestamp(row.get(3)?),
                samples: row.get::<_, i64>(4)? as u64,
                body: row.get(5)?,
                clock: ClockMark::from_number(row.get(6)?),
                offset_ms: row.get(7)?,
            };
            samples = row.samples.saturating_add(samples);
            fetched.push(row);
            if samples >= max_samples as u64 {
                break;
            }
        }
        Ok(fetched)
    }

    fn data_record(&mut self, row: &DataRow) -> rusqlite::Result<Result<DataRecord, Damaged>> {
        let Some(group) = self.group(row.group)? else { return Ok(Err(Damaged)) };
        let mut decode = || {
            let boot = row.boot.ok_or(Damaged)?;
            let clock = row.clock.ok_or(Damaged)?;
            let header = data_header(row.seq, row.group, boot, row.at, clock, row.samples);
            let payload = self.unpacker.unpack(&header, &row.body)?;
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

    fn event_rows(&self, after: Seq, through: Seq, max: usize) -> rusqlite::Result<Vec<EventRow>> {
        let mut select = self.connection.prepare_cached(
            "SELECT seq, (SELECT boots.boot FROM boots WHERE id = events.boot), at, body, clock,
                    CASE clock WHEN 1 THEN (SELECT offset FROM boots WHERE id = events.boot) END
             FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
        )?;
        let rows = select.query_map((position(after), position(through), limit(max)), |row| {
            Ok(EventRow {
                seq: row.get::<_, i64>(0)? as Seq,
                boot: row.get::<_, Option<i64>>(1)?.map(|boot| BootId(boot as u64)),
                at: Timestamp(row.get(2)?),
                body: row.get(3)?,
                clock: ClockMark::from_number(row.get(4)?),
                offset_ms: row.get(5)?,
            })
        })?;
        rows.collect()
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

/// At least one row: a limit of none would look like the end of the stream.
fn limit(rows: usize) -> i64 {
    i64::try_from(rows.max(1)).unwrap_or(i64::MAX)
}
