//! The quarantine: records that a broker can never take. They stand here, each as it was, for people to see; delivery goes on without
//! them.
//!
//! The rule: it is small. Beyond its limits the oldest go, and whoever puts one in is told how much that was.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior};

use super::columns;
use super::fault;
use super::reader::Reader;
use super::record::Unpacker;
use super::store::{Journal, data_header, event_header, natural};
use crate::model::{BootId, ClockMark, Code, DataRecord, EventRecord, Group, Seq, Stream, Timestamp, Trouble};

/// Records in the quarantine. Whoever has more has a broker that refuses a kind of message, not a few bad ones.
const MAX_RECORDS: u64 = 1_000;

/// Bytes of their bodies.
const MAX_BYTES: u64 = 10_000_000;

/// A record that is put into quarantine.
#[derive(Debug, Clone, PartialEq)]
pub enum Poisoned {
    /// Samples.
    Data(Arc<DataRecord>),
    /// Something that happened.
    Event(Arc<EventRecord>),
}

/// What was given up to make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evicted {
    /// Records.
    pub records: u64,
    /// Samples in them.
    pub samples: u64,
}

/// What stands in the quarantine.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined {
    /// Whose broker did not take it.
    pub sink: String,
    /// Its stream.
    pub stream: Stream,
    /// Its position.
    pub seq: Seq,
    /// When it was put here.
    pub at: Timestamp,
    /// Samples in it.
    pub samples: u64,
    /// Why: a code of ours.
    pub cause: String,
    /// The record; `None`: damaged.
    pub record: Option<Poisoned>,
}

impl Poisoned {
    /// Its stream and position.
    pub fn place(&self) -> (Stream, Seq) {
        match self {
            Poisoned::Data(record) => (Stream::Data, record.seq),
            Poisoned::Event(record) => (Stream::Events, record.seq),
        }
    }

    /// The start of the agent in which it was written.
    pub fn boot(&self) -> BootId {
        match self {
            Poisoned::Data(record) => record.boot,
            Poisoned::Event(record) => record.boot,
        }
    }

    /// Samples in it.
    pub fn samples(&self) -> u64 {
        match self {
            Poisoned::Data(record) => record.samples() as u64,
            Poisoned::Event(_) => 0,
        }
    }
}

impl Journal {
    /// Puts a record into the quarantine of a sink; it is on the disk when this returns.
    pub fn quarantine(
        &mut self,
        sink: &str,
        poisoned: &Poisoned,
        cause: Code,
        now: Timestamp,
    ) -> Result<Evicted, Trouble> {
        self.put(sink, poisoned, cause, now).map_err(|error| {
            self.dictionary.forget(); // an entry of the transaction is gone with it
            fault::of_sqlite(&self.place.file, &error)
        })
    }

    fn put(&mut self, sink: &str, poisoned: &Poisoned, cause: Code, now: Timestamp) -> rusqlite::Result<Evicted> {
        let ((stream, seq), boot, samples) = (poisoned.place(), poisoned.boot(), poisoned.samples());
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (group, body) = match poisoned {
            Poisoned::Data(record) => {
                let DataRecord { group, scans, .. } = &**record;
                let number = self.dictionary.number_of(&transaction, &mut self.packer, &mut self.unpacker, group)?;
                let at = scans.first().map_or(Timestamp(0), |scan| scan.at);
                let mut payload = Vec::new();
                columns::encode(scans, group.tags.len(), &mut payload);
                (
                    Some(number),
                    self.packer.pack(&data_header(seq, number, boot, at, ClockMark::Trusted, samples), &payload),
                )
            }
            Poisoned::Event(record) => {
                let json = serde_json::to_vec(&record.event).expect("an event has only strings and whole numbers");
                (None, self.packer.pack(&event_header(seq, boot, record.at, ClockMark::Trusted), &json))
            }
        };
        // The header under the checksum has the time of the record, which has no column here: it stands before the body.
        let at = match poisoned {
            Poisoned::Data(record) => record.scans.first().map_or(0, |scan| scan.at.0),
            Poisoned::Event(record) => record.at.0,
        };
        let body = [&at.to_le_bytes()[..], &body].concat();
        let row: Option<i64> = transaction
            .query_row("SELECT max(id) FROM boots WHERE boot = ?1", [boot.0 as i64], |row| row.get(0))
            .optional()?
            .flatten();
        let row = row.unwrap_or(self.boot_row); // a start that is forgotten: the row then reads as damaged
        transaction.execute(
            "INSERT OR REPLACE INTO quarantine VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            (sink, stream.as_str(), seq as i64, now.0, samples as i64, cause.0, group, row, body),
        )?;
        let evicted = evict(&transaction)?;
        transaction.commit()?;
        Ok(evicted)
    }
}

/// Deletes the oldest as long as there is too much, and never the last.
pub(super) fn evict(transaction: &Transaction<'_>) -> rusqlite::Result<Evicted> {
    let mut evicted = Evicted::default();
    loop {
        let (records, bytes) = count(transaction)?;
        if records <= 1 || (records <= MAX_RECORDS && bytes <= MAX_BYTES) {
            return Ok(evicted);
        }
        let samples: i64 = transaction.query_row(
            "DELETE FROM quarantine WHERE rowid = (SELECT rowid FROM quarantine ORDER BY at, rowid LIMIT 1)
             RETURNING samples",
            [],
            |row| row.get(0),
        )?;
        evicted = Evicted { records: evicted.records + 1, samples: evicted.samples.saturating_add(natural(samples)) };
    }
}

/// Records and bytes. There are never many.
fn count(connection: &rusqlite::Connection) -> rusqlite::Result<(u64, u64)> {
    connection.query_row("SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine", [], |row| {
        Ok((natural(row.get(0)?), natural(row.get(1)?)))
    })
}

impl Reader {
    /// Records and bytes in the quarantine.
    pub fn quarantine_size(&self) -> Result<(u64, u64), Trouble> {
        count(&self.connection).map_err(|error| fault::of_sqlite(&self.place().file, &error))
    }

    /// The quarantine, oldest first.
    pub fn quarantined(&mut self) -> Result<Vec<Quarantined>, Trouble> {
        let rows = self.quarantine_rows().map_err(|error| fault::of_sqlite(&self.place().file, &error))?;
        let mut found = Vec::new();
        for (mut entry, group, boot, body) in rows {
            let group = match group {
                Some(number) => {
                    let group = self.group(number).map_err(|error| fault::of_sqlite(&self.place().file, &error))?;
                    group.map(|group| (number, group))
                }
                None => None,
            };
            let place = (entry.stream, entry.seq);
            entry.record = boot.and_then(|boot| poisoned(&mut self.unpacker, place, boot, entry.samples, group, &body));
            found.push(entry);
        }
        Ok(found)
    }

    #[allow(clippy::type_complexity)] // used once, next to its reader
    fn quarantine_rows(&self) -> rusqlite::Result<Vec<(Quarantined, Option<i64>, Option<BootId>, Vec<u8>)>> {
        let mut select = self.connection.prepare(
            "SELECT sink, stream, seq, at, samples, cause, grp, (SELECT boots.boot FROM boots WHERE id = quarantine.boot), body
             FROM quarantine ORDER BY at, rowid",
        )?;
        let rows = select.query_map([], |row| {
            let stream: String = row.get(1)?;
            let stream = if stream == Stream::Events.as_str() { Stream::Events } else { Stream::Data };
            let entry = Quarantined {
                sink: row.get(0)?,
                stream,
                seq: natural(row.get(2)?),
                at: Timestamp(row.get(3)?),
                samples: natural(row.get(4)?),
                cause: row.get(5)?,
                record: None,
            };
            let boot = row.get::<_, Option<i64>>(7)?.map(|boot| BootId(boot as u64));
            Ok((entry, row.get(6)?, boot, row.get(8)?))
        })?;
        rows.collect()
    }
}

/// A record of the quarantine; `None`: it is not what was put in. The time that the checksum covers stands before the body, since it has no
/// column.
pub(super) fn poisoned(
    unpacker: &mut Unpacker,
    (stream, seq): (Stream, Seq),
    boot: BootId,
    samples: u64,
    group: Option<(i64, Arc<Group>)>,
    body: &[u8],
) -> Option<Poisoned> {
    const CLOCK: ClockMark = ClockMark::Trusted;
    let (at, body) = body.split_first_chunk::<8>()?;
    let at = Timestamp(i64::from_le_bytes(*at));
    match (stream, group) {
        (Stream::Events, _) => {
            let json = unpacker.unpack(&event_header(seq, boot, at, CLOCK), body).ok()?;
            let event = serde_json::from_slice(&json).ok()?;
            Some(Poisoned::Event(Arc::new(EventRecord { seq, boot, at, clock: CLOCK, mono_ms: None, event })))
        }
        (Stream::Data, Some((number, group))) => {
            let payload = unpacker.unpack(&data_header(seq, number, boot, at, CLOCK, samples), body).ok()?;
            let scans = columns::decode(&payload, group.tags.len(), at).ok()?;
            Some(Poisoned::Data(Arc::new(DataRecord { seq, boot, group, clock: CLOCK, scans })))
        }
        (Stream::Data, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NewData, NewEvent, Settings};
    use super::*;
    use crate::model::words::sink as words;
    use crate::model::{Event, Reading, Scan, Value, ValueKind};
    use std::time::Duration;

    fn open(dir: &std::path::Path, boot: u64) -> Journal {
        let settings = Settings { dir: dir.to_owned(), limits: crate::journal::Limits::default() };
        Journal::open(settings, BootId(boot), Timestamp(0)).unwrap()
    }

    /// A journal with `n` records whose text cannot be squeezed to less than `bytes`.
    fn records(journal: &mut Journal, n: u64, bytes: usize) -> Vec<Arc<DataRecord>> {
        let tag = crate::model::TagInfo {
            name: "t".into(),
            unit: None,
            grade: Default::default(),
            kind: ValueKind::Text,
            report: crate::model::ReportRule {
                deadband: crate::model::Deadband::None,
                max_silence: Duration::from_secs(60),
            },
        };
        let group = Arc::new(Group::new("m".into(), Duration::from_secs(1), vec![tag]));
        let noise = |n: u64| {
            let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                char::from(33 + (state % 90) as u8)
            };
            (0..bytes).map(|_| next()).collect::<String>()
        };
        let data = |n| {
            let readings = vec![Some(Reading::Good(Value::Text(noise(n).into())))];
            let scans = vec![Scan { at: Timestamp(1_000 + n as i64), mono_ms: 7, readings, stamps: None }];
            NewData::new(group.clone(), scans)
        };
        let numbered = journal.number((1..=n).map(data).collect(), Vec::new());
        journal.commit(&numbered.data, &[]).unwrap();
        numbered.data
    }

    fn list(journal: &Journal) -> Vec<Quarantined> {
        Reader::open(&journal.reader()).unwrap().quarantined().unwrap()
    }

    #[test]
    fn what_is_put_in_is_found_as_it_was_also_when_the_start_that_wrote_it_is_long_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path(), 1);
        let data = Poisoned::Data(records(&mut journal, 1, 50)[0].clone());
        let event = Event::Dropped { samples: 3, cause: "max_age".into() };
        let event = journal.number(Vec::new(), vec![NewEvent::new(Timestamp(5), event)]).events[0].clone();
        let event = Poisoned::Event(event);
        for (at, poisoned) in [(10, &data), (11, &event)] {
            let evicted = journal.quarantine("cloud", poisoned, words::QUARANTINED, Timestamp(at)).unwrap();
            assert_eq!(evicted, Evicted::default());
        }
        for boot in 2..5 {
            journal.cursor("cloud", Stream::Data);
            journal.move_cursor("cloud", Stream::Data, crate::model::Cursor { position: 1, last_sent: 1 });
            journal.close(Timestamp(20)).unwrap();
            journal = open(dir.path(), boot);
        }
        let found = list(&journal);
        assert_eq!(found.iter().map(|entry| entry.record.clone()).collect::<Vec<_>>(), [Some(data), Some(event)]);
        let first = Quarantined { record: None, ..found[0].clone() };
        let expected = Quarantined {
            sink: "cloud".into(),
            stream: Stream::Data,
            seq: 1,
            at: Timestamp(10),
            samples: 1,
            cause: "CW467".into(),
            record: None,
        };
        assert_eq!(first, expected);
    }

    #[test]
    fn the_oldest_go_when_it_is_full_and_their_samples_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path(), 1);
        let all = records(&mut journal, MAX_RECORDS + 3, 1);
        let mut evicted = Evicted::default();
        for (at, record) in all.into_iter().enumerate() {
            let one = journal.quarantine("cloud", &Poisoned::Data(record), words::QUARANTINED, Timestamp(at as i64));
            let one = one.unwrap();
            evicted = Evicted { records: evicted.records + one.records, samples: evicted.samples + one.samples };
        }
        assert_eq!(evicted, Evicted { records: 3, samples: 3 });
        let found = list(&journal);
        assert_eq!((found.len() as u64, found[0].seq), (MAX_RECORDS, 4));
        let mut put = |record: &Arc<DataRecord>| {
            journal.quarantine("cloud", &Poisoned::Data(record.clone()), words::QUARANTINED, Timestamp(10_000)).unwrap()
        };
        let dir = tempfile::tempdir().unwrap();
        let large = records(&mut open(dir.path(), 2), 4, 4_000_000);
        assert_eq!(put(&large[0]).records, 1);
        assert_eq!(put(&large[0]).records, 0, "it takes its own place");
        assert_eq!(put(&large[1]).records + put(&large[2]).records, 2);
        assert!(put(&large[3]).records > 990, "by bytes");
    }

    #[test]
    fn a_damaged_row_is_listed_without_its_record() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path(), 1);
        let record = records(&mut journal, 1, 50)[0].clone();
        journal.quarantine("cloud", &Poisoned::Data(record), words::QUARANTINED, Timestamp(1)).unwrap();
        let damage = rusqlite::Connection::open(journal.reader().file()).unwrap();
        damage.execute("UPDATE quarantine SET body = x'0102'", []).unwrap();
        assert_eq!(list(&journal)[0].record, None);
        let reader = Reader::open(&journal.reader()).unwrap();
        assert_eq!(reader.quarantine_size().unwrap(), (1, 2));
    }
}
