//! The Journal: the one connection that writes, giving positions and committing. What is done from time to time (storing
//! cursors, trimming, limits) is in [`super::upkeep`].
//!
//! The rule: positions are given here, in order, and never twice, also not after a crash: they are reserved ahead, in blocks. A commit
//! is whole or did not happen.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::columns;
use super::cursors::Cursors;
use super::dictionary::Dictionary;
use super::fault;
use super::high_water::{HighWater, Marks};
use super::record::{Packer, Unpacker};
use super::schema;
use super::upkeep::Dropped;
use crate::model::words::journal as words;
use crate::model::{
    BootId, Cursor, DataRecord, Event, EventRecord, Group, Loss, LossCause, Losses, Previous, Scan, Seq, Stream,
    Timestamp, Trouble,
};

/// Where the journal is and what it may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The directory, of the agent alone.
    pub dir: PathBuf,
    /// Bytes in the file beyond which the oldest records are given up. The WAL beside it, normally 1 to 2 MB, comes on top.
    pub max_size: u64,
    /// Records older than this are given up.
    pub max_age: Duration,
}

/// Scans of one group, to be written as one record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewData {
    /// The tags.
    pub group: Arc<Group>,
    /// The scans, oldest first.
    pub scans: Vec<Scan>,
}

/// Something that happened, to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What was given positions, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Committed {
    /// Records of the data stream.
    pub data: Vec<Arc<DataRecord>>,
    /// Records of the events stream.
    pub events: Vec<Arc<EventRecord>>,
}

/// What one stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Records in the file.
    pub records: u64,
    /// Samples in them; none in events.
    pub samples: u64,
    /// The oldest record's position and time.
    pub oldest: Option<(Seq, Timestamp)>,
    /// The last position given; 0: none yet.
    pub last: Seq,
    /// The last position in the file, or that was.
    pub written: Seq,
    /// Records ever given up by a limit.
    pub dropped_records: u64,
    /// Samples ever given up by a limit.
    pub dropped_samples: u64,
}

/// What the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// The data stream.
    pub data: Held,
    /// The events stream.
    pub events: Held,
    /// The file and its WAL.
    pub bytes_on_disk: u64,
}

/// How the journal was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// How the run before ended.
    pub previous: Previous,
    /// Records, at most, that were once written and are no longer there.
    pub missing: u64,
}

/// The way to the journal for readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) file: PathBuf,
}

impl Place {
    /// The journal's file.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// What goes into the file with each step of the upkeep.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub cursors: Cursors,
    pub held: [Held; 2],
    pub losses: Arc<[Losses; 2]>,
    pub reserved: [Seq; 2],
}

/// The journal, opened for writing. Belongs to one thread.
pub struct Journal {
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) max_size: u64,
    pub(super) max_age: Duration,
    boot: BootId,
    boot_row: i64,
    packer: Packer,
    unpacker: Unpacker,
    dictionary: Dictionary,
    pub(super) held: [Held; 2],
    pub(super) cursors: Cursors,
    pub(super) losses: Arc<[Losses; 2]>,
    /// Cursors, counters and losses as the file has them.
    pub(super) stored: Stored,
    pub(super) high: HighWater,
    opening: Opening,
    /// Calls of the upkeep.
    pub(super) rounds: u32,
    /// Given up and not yet told.
    pub(super) dropped: Vec<Dropped>,
    /// Kept open: its lock is what keeps a second agent out, and it goes with the process.
    _lock: File,
    /// The file and its lock as they were opened, to see whether the paths still lead to them.
    inodes: [(PathBuf, u64); 2],
}

impl Journal {
    /// Opens the journal in `settings.dir` for this start of the agent; makes directory (mode 0700) and file if missing.
    /// Refuses a file that is not ours or newer than us, and a directory in which another agent works.
    pub fn open(settings: Settings, boot: BootId, now: Timestamp) -> Result<Journal, Trouble> {
        let Settings { dir, max_size, max_age } = settings;
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|e| fault::of_io(&dir, &e))?;
        let lock = lock(&dir)?;
        let file = dir.join(schema::FILE);
        let mut connection = schema::open_writer(&file)?;
        let tools = || Ok((Packer::new()?, Unpacker::new()?));
        let (packer, unpacker) = tools().map_err(|e| fault::of_io(&file, &e))?;
        let load = |connection: &mut Connection| {
            let cursors = load_cursors(connection)?;
            let losses = [load_losses(connection, Stream::Data)?, load_losses(connection, Stream::Events)?];
            let held = [load_held(connection, Stream::Data)?, load_held(connection, Stream::Events)?];
            Ok((cursors, losses, held, load_reserved(connection)?, start_boot(connection, boot, now)?))
        };
        let (cursors, losses, mut held, reserved, boot_row) =
            load(&mut connection).map_err(|e| fault::of_sqlite(&file, &e))?;
        let is_new = held == [Held::default(); 2];
        for stream in Stream::ALL {
            let (held, losses) = (&mut held[stream as usize], &losses[stream as usize]);
            held.last = held.written.max(cursors.highest(stream)).max(losses.highest());
        }
        let written = held.map(|held| held.written);
        let (high, _) = HighWater::open(&dir, Marks { reserved, written, is_closed: false })?;
        let stored = Stored { cursors: cursors.clone(), held, losses: Arc::new(losses), reserved };
        let previous = match high.marks() {
            Marks { reserved: [0, 0], .. } if is_new => Previous::None,
            Marks { is_closed: true, .. } => Previous::Clean,
            _ => Previous::Crash,
        };
        let inode = |path: PathBuf| match fs::metadata(&path) {
            Ok(meta) => Ok((path, meta.ino())),
            Err(e) => Err(fault::of_io(&path, &e)),
        };
        let inodes = [inode(file.clone())?, inode(dir.join(LOCK))?];
        let mut journal = Journal {
            connection,
            place: Place { file },
            max_size,
            max_age,
            boot,
            boot_row,
            packer,
            unpacker,
            dictionary: Dictionary::default(),
            held,
            cursors,
            losses: stored.losses.clone(),
            stored,
            high,
            opening: Opening { previous, missing: 0 },
            rounds: 0,
            dropped: Vec::new(),
            _lock: lock,
            inodes,
        };
        journal.go_on(now)?;
        Ok(journal)
    }

    /// Positions go on behind all that may have been given, and what was once written and is not there is entered as lost.
    fn go_on(&mut self, now: Timestamp) -> Result<(), Trouble> {
        let Marks { reserved, written, .. } = self.high.marks();
        for stream in Stream::ALL {
            let (held, once) = (&mut self.held[stream as usize], written[stream as usize]);
            let (first, last) = (held.written + 1, once);
            held.written = held.written.max(once);
            held.last = held.last.max(reserved[stream as usize]).max(once);
            if first <= last {
                self.opening.missing += last + 1 - first;
                self.lose(stream, Loss { first, last, samples: 0, cause: LossCause::Missing, at: now });
            }
        }
        if self.opening.missing > 0 {
            self.store().map_err(|error| fault::of_sqlite(&self.place.file, &error))?;
        }
        self.reserve()
    }

    /// How the journal was found.
    pub fn opening(&self) -> Opening {
        self.opening
    }

    /// New limits; they hold from the next [`Journal::maintain`] on.
    pub fn set_limits(&mut self, max_size: u64, max_age: Duration) {
        (self.max_size, self.max_age) = (max_size, max_age);
    }

    /// Gives positions: nothing is written but, now and then, a reservation. Scans too many for one record become several; an
    /// entry without scans becomes none. Each scan has one reading place per tag of its group.
    pub fn number(&mut self, data: Vec<NewData>, events: Vec<NewEvent>) -> Committed {
        let mut numbered = Committed::default();
        for NewData { group, mut scans } in data {
            let most = columns::max_scans(group.tags.len());
            while !scans.is_empty() {
                let rest = scans.split_off(most.min(scans.len()));
                let seq = self.next(Stream::Data);
                let record = DataRecord { seq, boot: self.boot, group: group.clone(), scans };
                numbered.data.push(Arc::new(record));
                scans = rest;
            }
        }
        for NewEvent { at, event } in events {
            let seq = self.next(Stream::Events);
            numbered.events.push(Arc::new(EventRecord { seq, boot: self.boot, at, event }));
        }
        let reserved = self.high.marks().reserved;
        if Stream::ALL.iter().any(|stream| self.held[*stream as usize].last > reserved[*stream as usize]) {
            // A disk that refuses even this says so at the commit. Ids stay unique all the same: the next start is another boot.
            self.reserve().ok();
        }
        numbered
    }

    fn next(&mut self, stream: Stream) -> Seq {
        let held = &mut self.held[stream as usize];
        held.last += 1;
        held.last
    }

    /// Reserves the next block of positions of both streams.
    pub(super) fn reserve(&mut self) -> Result<(), Trouble> {
        let reserved = self.held.map(|held| held.last + RESERVED_AHEAD);
        self.high.store(Marks { reserved, written: self.held.map(|held| held.written), is_closed: false })
    }

    /// Writes these records, which have their positions from [`Journal::number`], in one transaction that is on the disk when
    /// this returns. On an error nothing was written. Records of a stream are written in the order of their positions.
    pub fn commit(&mut self, data: &[Arc<DataRecord>], events: &[Arc<EventRecord>]) -> Result<(), Trouble> {
        self.held = self.write(data, events).map_err(|error| {
            self.dictionary.forget(); // entries of the transaction are gone with it
            fault::of_sqlite(&self.place.file, &error)
        })?;
        Ok(())
    }

    /// These positions will never be read: whoever still wants them is told of a gap. Stored with the next upkeep.
    pub fn lose(&mut self, stream: Stream, loss: Loss) {
        let passed = self.cursors.floor(stream).unwrap_or(0);
        Arc::make_mut(&mut self.losses)[stream as usize].enter(loss, passed);
    }

    /// What is lost, per stream.
    pub fn losses(&self) -> Arc<[Losses; 2]> {
        self.losses.clone()
    }

    /// The transaction of a commit. Gives what the streams hold after it.
    fn write(&mut self, data: &[Arc<DataRecord>], events: &[Arc<EventRecord>]) -> rusqlite::Result<[Held; 2]> {
        let [mut data_held, mut events_held] = self.held;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut payload = Vec::new();
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO data (seq, grp, boot, at, samples, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for record in data {
                let DataRecord { seq, boot, group, scans } = &**record;
                let number = self.dictionary.number_of(&transaction, &mut self.packer, &mut self.unpacker, group)?;
                let (at, samples) = (scans.first().map_or(Timestamp(0), |scan| scan.at), record.samples() as u64);
                data_held.add(*seq, at, samples);
                payload.clear();
                columns::encode(scans, group.tags.len(), &mut payload);
                let body = self.packer.pack(&data_header(*seq, number, *boot, at, samples), &payload);
                insert.execute((*seq as i64, number, self.boot_row, at.0, samples as i64, body))?;
            }
            let mut insert =
                transaction.prepare_cached("INSERT INTO events (seq, boot, at, body) VALUES (?1, ?2, ?3, ?4)")?;
            for record in events {
                let EventRecord { seq, boot, at, event } = &**record;
                events_held.add(*seq, *at, 0);
                let json = serde_json::to_vec(event).expect("an event has only strings and whole numbers");
                let body = self.packer.pack(&event_header(*seq, *boot, *at), &json);
                insert.execute((*seq as i64, self.boot_row, at.0, body))?;
            }
        }
        transaction.commit()?;
        Ok([data_held, events_held])
    }

    /// What the journal holds, from counters in memory; only the size is asked of the file system.
    pub fn status(&self) -> Status {
        let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len()); // no file, no bytes
        let [data, events] = self.held;
        Status { data, events, bytes_on_disk: size(&self.place.file) + size(&self.wal()) }
    }

    /// Records in the file, of both streams.
    pub fn status_records(&self) -> u64 {
        self.held.iter().map(|held| held.records).sum()
    }

    /// Trouble if somebody took the files away or put others in their place. Linux lets the agent go on writing into files
    /// without a name, and no start ever finds them again.
    pub(super) fn check_in_place(&self) -> Result<(), Trouble> {
        let is_there = |(path, inode): &(PathBuf, u64)| fs::metadata(path).is_ok_and(|meta| meta.ino() == *inode);
        if self.inodes.iter().all(is_there) && self.wal().exists() {
            return Ok(());
        }
        Err(Trouble::new(words::TAKEN_AWAY).with("path", self.place.file.display()))
    }

    fn wal(&self) -> PathBuf {
        format!("{}-wal", self.place.file.display()).into()
    }

    /// What a reader needs to open the journal for itself.
    pub fn reader(&self) -> Place {
        self.place.clone()
    }

    /// Where this sink is in this stream. A sink that was not known starts before the oldest record kept, and from then
    /// on holds back the trim.
    pub fn cursor(&mut self, sink: &str, stream: Stream) -> Cursor {
        if let Some(cursor) = self.cursors.get(sink, stream) {
            return cursor;
        }
        let held = &self.held[stream as usize];
        let position = held.oldest.map_or(held.last, |(seq, _)| seq.saturating_sub(1));
        let cursor = Cursor { position, last_sent: 0 };
        self.cursors.set(sink, stream, cursor);
        cursor
    }

    /// Moves a cursor, in memory; [`Journal::maintain`] stores it. Never back, and never past what was written.
    pub fn move_cursor(&mut self, sink: &str, stream: Stream, to: Cursor) {
        let last = self.held[stream as usize].last;
        let to = Cursor { position: to.position.min(last), last_sent: to.last_sent.min(last) };
        self.cursors.set(sink, stream, to);
    }

    /// Closes the journal after a last upkeep: the next start goes on at the next position.
    pub fn close(mut self, now: Timestamp) -> Result<Vec<Dropped>, Trouble> {
        let dropped = self.maintain(now)?;
        self.store().map_err(|error| fault::of_sqlite(&self.place.file, &error))?;
        let marks = Marks {
            reserved: self.held.map(|held| held.last),
            written: self.held.map(|held| held.written),
            is_closed: true,
        };
        self.high.store(marks)?;
        Ok(dropped)
    }

    /// Sinks that are no longer configured give their cursors up and hold nothing back.
    pub fn forget_sinks_except(&mut self, names: &[&str]) {
        self.cursors.forget_except(names);
    }
}

impl Held {
    /// One record more in the file.
    fn add(&mut self, seq: Seq, at: Timestamp, samples: u64) {
        self.written = self.written.max(seq);
        self.records = self.records.saturating_add(1);
        self.samples = self.samples.saturating_add(samples);
        self.oldest.get_or_insert((seq, at));
    }
}

/// What the checksum of a data row covers beside its body. The first number tells the streams apart.
pub(super) fn data_header(seq: Seq, group: i64, boot: BootId, at: Timestamp, samples: u64) -> [i64; 6] {
    [0, seq as i64, group, boot.0 as i64, at.0, samples as i64]
}

/// The same for an event.
pub(super) fn event_header(seq: Seq, boot: BootId, at: Timestamp) -> [i64; 4] {
    [1, seq as i64, boot.0 as i64, at.0]
}

/// Positions that are reserved at a time: a small write for each so many records, and as many numbers passed over by a crash.
pub(super) const RESERVED_AHEAD: u64 = 10_000;

pub(super) const LOCK: &str = "lock";

/// The lock lies in a file of its own: SQLite's are held only for moments.
pub(super) fn lock(dir: &Path) -> Result<File, Trouble> {
    let path = dir.join(LOCK);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| fault::of_io(&path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Trouble::new(words::IN_USE).with("path", dir.display())),
        Err(TryLockError::Error(e)) => Err(fault::of_io(&path, &e)),
    }
}

pub(super) fn load_cursors(connection: &Connection) -> rusqlite::Result<Cursors> {
    let mut cursors = Cursors::default();
    let mut select = connection.prepare("SELECT sink, stream, position, last_sent FROM cursors")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (sink, stream): (String, String) = (row.get(0)?, row.get(1)?);
        let (position, last_sent): (i64, i64) = (row.get(2)?, row.get(3)?);
        if let Some(stream) = Stream::ALL.into_iter().find(|s| s.as_str() == stream) {
            cursors.set(&sink, stream, Cursor { position: natural(position), last_sent: natural(last_sent) });
        }
    }
    Ok(cursors)
}

pub(super) fn load_losses(connection: &Connection, stream: Stream) -> rusqlite::Result<Losses> {
    let mut losses = Losses::default();
    let mut select =
        connection.prepare("SELECT first, last, samples, cause, at FROM losses WHERE stream = ?1 ORDER BY first")?;
    let mut rows = select.query([stream.as_str()])?;
    while let Some(row) = rows.next()? {
        let [first, last, samples] = [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?].map(natural);
        let cause: String = row.get(3)?;
        let cause = LossCause::parse(&cause).unwrap_or(LossCause::Corrupt); // an unknown word is damage
        losses.enter(Loss { first, last, samples, cause, at: Timestamp(row.get(4)?) }, 0);
    }
    Ok(losses)
}

/// Counters as they were stored, and what was committed since: a minute's worth at most, so nothing long is counted.
pub(super) fn load_held(connection: &Connection, stream: Stream) -> rusqlite::Result<Held> {
    let name = stream.as_str();
    let samples = if stream == Stream::Data { "samples" } else { "0" };
    let [high, records, counted_samples, dropped_records, dropped_samples] = connection.query_row(
        "SELECT high, records, samples, dropped_records, dropped_samples FROM streams WHERE stream = ?1",
        [name],
        |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?].map(natural)),
    )?;
    let last: Option<i64> = connection.query_row(&format!("SELECT max(seq) FROM {name}"), [], |row| row.get(0))?;
    let since = format!("SELECT count(*), coalesce(sum({samples}), 0) FROM {name} WHERE seq > ?1");
    let [records_since, samples_since] =
        connection.query_row(&since, [high as i64], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?].map(natural)))?;
    let written = natural(last.unwrap_or(0)).max(high);
    Ok(Held {
        records: records.saturating_add(records_since),
        samples: counted_samples.saturating_add(samples_since),
        oldest: oldest(connection, stream)?,
        last: written,
        written,
        dropped_records,
        dropped_samples,
    })
}

/// How far positions may have been given, per stream, should the high-water mark beside the file be gone.
fn load_reserved(connection: &Connection) -> rusqlite::Result<[Seq; 2]> {
    let mut select = connection.prepare("SELECT reserved FROM streams WHERE stream = ?1")?;
    let mut reserved = |stream: Stream| select.query_row([stream.as_str()], |row| row.get(0).map(natural));
    Ok([reserved(Stream::Data)?, reserved(Stream::Events)?])
}

/// A count or position from the file. A damaged file may say anything; less than nothing is nothing.
pub(super) fn natural(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// The oldest record's position and time.
pub(super) fn oldest(connection: &Connection, stream: Stream) -> rusqlite::Result<Option<(Seq, Timestamp)>> {
    connection
        .prepare_cached(&format!("SELECT seq, at FROM {stream} ORDER BY seq LIMIT 1"))?
        .query_row([], |row| Ok((natural(row.get(0)?), Timestamp(row.get(1)?))))
        .optional()
}

/// Notes this start of the agent, and forgets the starts of which nothing is left.
fn start_boot(connection: &mut Connection, boot: BootId, now: Timestamp) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let row: i64 = transaction.query_row("SELECT coalesce(max(id), 0) + 1 FROM boots", [], |row| row.get(0))?;
    transaction.execute(
        "DELETE FROM boots WHERE id < coalesce(min(
             coalesce((SELECT boot FROM data ORDER BY seq LIMIT 1), ?1),
             coalesce((SELECT boot FROM events ORDER BY seq LIMIT 1), ?1)), ?1)",
        [row],
    )?;
    transaction.execute("INSERT INTO boots (id, boot, started) VALUES (?1, ?2, ?3)", (row, boot.0 as i64, now.0))?;
    transaction.commit()?;
    Ok(row)
}
