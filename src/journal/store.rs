//! The Journal: the one connection that writes, giving positions and committing. What is done from time to time (storing
//! cursors, trimming, limits) is in [`super::upkeep`].
//!
//! The rule: positions are given here, in order, and never twice, also not after a crash: they are reserved ahead, in blocks. A commit
//! is whole or did not happen.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::ages::Ages;
use super::clock;
use super::columns;
use super::cursors::Cursors;
use super::dictionary::Dictionary;
use super::fault;
use super::figures::StagedFigures;
use super::high_water::{HighWater, Marks};
use super::ledger::Staged;
use super::limits::{Limits, Round};
use super::news::News;
use super::open::{Opened, can_wait, find, without_the_file};
use super::place::{Place, View};
use super::record::{Packer, Unpacker};
use super::renewal::Work;
use super::salvage::Salvage;
use super::upkeep::Dropped;
use super::uploads::StagedUploads;
use crate::model::words::journal as words;
use crate::model::{
    Ahead, BootId, ClockMark, Cursor, DataRecord, Event, EventRecord, Group, Loss, LossCause, Losses, Previous, Scan,
    Seq, Stream, Timestamp, Trouble, TrustedBy, Usage,
};

/// Where the journal is and what it may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The directory, of the agent alone.
    pub dir: PathBuf,
    /// What it may hold.
    pub limits: Limits,
}

/// Scans of one group, to be written as one record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewData {
    /// The tags.
    pub group: Arc<Group>,
    /// What stands behind the times of the scans.
    pub clock: ClockMark,
    /// The scans, oldest first.
    pub scans: Vec<Scan>,
}

impl NewData {
    /// Scans whose times are those of a trusted clock.
    pub fn new(group: Arc<Group>, scans: Vec<Scan>) -> NewData {
        NewData { group, clock: ClockMark::Trusted, scans }
    }
}

/// Something that happened, to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What stands behind that time.
    pub clock: ClockMark,
    /// The same on the monotonic clock, where the wall clock was not trusted.
    pub mono_ms: Option<u64>,
    /// What happened.
    pub event: Event,
}

impl NewEvent {
    /// Something that happened on a clock that is trusted.
    pub fn new(at: Timestamp, event: Event) -> NewEvent {
        NewEvent { at, clock: ClockMark::Trusted, mono_ms: None, event }
    }
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

/// What goes into the file with each step of the upkeep.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub cursors: Cursors,
    pub held: [Held; 2],
    pub losses: Arc<[Losses; 2]>,
    pub reserved: [Seq; 2],
}

/// What a transaction needs beside the connection.
pub(super) struct Desk<'a> {
    pub packer: &'a mut Packer,
    pub unpacker: &'a mut Unpacker,
    pub dictionary: &'a mut Dictionary,
}

/// The journal, opened for writing. Belongs to one thread.
pub struct Journal {
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) limits: Limits,
    pub(super) boot: BootId,
    pub(super) boot_row: i64,
    /// When this start was, by the wall clock of that moment.
    pub(super) started: Timestamp,
    /// What the wall clock said when it was asked last: for names and dates alone.
    pub(super) now: Timestamp,
    /// The last time that is known to have been, when the journal was opened.
    pub(super) known: Option<Timestamp>,
    /// How far its wall clock was ahead of the monotonic one, once it was trusted: for a file that takes this one's place.
    pub(super) offset: Option<(i64, TrustedBy)>,
    pub(super) packer: Packer,
    pub(super) unpacker: Unpacker,
    pub(super) dictionary: Dictionary,
    pub(super) held: [Held; 2],
    pub(super) cursors: Cursors,
    pub(super) losses: Arc<[Losses; 2]>,
    /// Cursors, counters and losses as the file has them.
    pub(super) stored: Stored,
    pub(super) high: HighWater,
    opening: Opening,
    /// Calls of the upkeep.
    pub(super) rounds: u32,
    /// Counts for the ledger, until they are stored.
    pub(super) ledger: Staged,
    /// Figures, until they are stored.
    pub(super) figures: StagedFigures,
    /// Counts of uploads, to be stored likewise.
    pub(super) uploads: StagedUploads,
    /// Given up and not yet told.
    pub(super) dropped: Vec<Dropped>,
    pub(super) news: News,
    pub(super) ages: Ages,
    /// Up to here no data of normal priority is left.
    pub(super) no_normal_through: Seq,
    pub(super) salvage: Salvage,
    /// Refusals of the disk in a row, per kind of work.
    pub(super) faults: [u32; 2],
    /// The file is not open: the disk refused.
    pub(super) is_adrift: bool,
    /// Kept open: its lock is what keeps a second agent out, and it goes with the process.
    lock: File,
    /// The file and its lock as they were opened, to see whether the paths still lead to them.
    inodes: [(PathBuf, u64); 2],
}

impl Journal {
    /// Opens the journal in `settings.dir` for this start of the agent; makes directory (mode 0700) and file if missing. A damaged file,
    /// or one of another program, is set aside, and a new one begun; beside one that a newer version wrote, this version works in a
    /// file of its own. Refuses a directory in which another agent works.
    pub fn open(settings: Settings, boot: BootId, now: Timestamp) -> Result<Journal, Trouble> {
        let Settings { dir, limits } = settings;
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|e| fault::of_io(&dir, &e))?;
        let lock = lock(&dir)?;
        let (mut high, has_marks) = HighWater::open(&dir, Marks::default())?;
        let (file, opened, news, is_adrift) = match find(&dir, high.marks(), (boot, now)) {
            Ok((file, opened, news)) => (file, opened, news, false),
            Err(trouble) => without_the_file(&dir, trouble)?,
        };
        let Opened { connection, cursors, losses, mut held, reserved, known, boot_row, jobs } = opened;
        let tools = || Ok((Packer::new()?, Unpacker::new()?));
        let (packer, unpacker) = tools().map_err(|e| fault::of_io(&file, &e))?;
        let is_new = held == [Held::default(); 2] && jobs.is_empty();
        for stream in Stream::ALL {
            let (held, losses) = (&mut held[stream as usize], &losses[stream as usize]);
            held.last = held.written.max(cursors.highest(stream)).max(losses.highest());
        }
        let written = held.map(|held| held.written);
        if !has_marks {
            high.assume(Marks { reserved, written, ..Marks::default() });
        }
        let stored = Stored { cursors: cursors.clone(), held, losses: Arc::new(losses), reserved };
        let previous = match high.marks() {
            Marks { reserved: [0, 0], .. } if is_new => Previous::None,
            Marks { is_closed: true, .. } => Previous::Clean,
            _ => Previous::Crash,
        };
        let mut journal = Journal {
            connection,
            place: Place::of(file).watched(),
            limits,
            boot,
            boot_row,
            started: now,
            now,
            known,
            offset: None,
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
            ledger: Staged::default(),
            figures: StagedFigures::default(),
            uploads: StagedUploads::default(),
            dropped: Vec::new(),
            news,
            ages: Ages::default(),
            no_normal_through: 0,
            salvage: Salvage::new(dir, jobs),
            faults: [0; 2],
            is_adrift,
            lock,
            inodes: Default::default(),
        };
        if !is_adrift {
            journal.find_in_place()?;
            journal.take_in_what_older_versions_left();
            journal.prune();
        }
        match journal.go_on(now) {
            // Until there is room positions are not reserved; ids stay unique all the same, since each start is another boot.
            Err(trouble) if is_adrift || can_wait(trouble.code) => journal.news.push(trouble),
            went_on => went_on?,
        }
        Ok(journal)
    }

    /// The directory, the lock and the high-water mark are there again, if somebody took them away.
    pub(super) fn take_the_directory(&mut self) -> Result<(), Trouble> {
        let dir = self.place.dir();
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|e| fault::of_io(&dir, &e))?;
        let (path, inode) = &self.inodes[1];
        if !fs::metadata(path).is_ok_and(|meta| meta.ino() == *inode) {
            self.lock = lock(&dir)?;
        }
        let marks = self.high.marks();
        self.high = HighWater::open(&dir, marks)?.0;
        self.high.assume(marks);
        self.reserve()
    }

    /// Notes which files are in their places now.
    pub(super) fn find_in_place(&mut self) -> Result<(), Trouble> {
        let inode = |path: PathBuf| match fs::metadata(&path) {
            Ok(meta) => Ok((path, meta.ino())),
            Err(e) => Err(fault::of_io(&path, &e)),
        };
        self.place = self.place.renewed()?;
        self.inodes = [inode(self.place.file.clone())?, inode(self.place.dir().join(LOCK))?];
        Ok(())
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
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Gives positions: nothing is written but, now and then, a reservation. Scans too many for one record become several; an
    /// entry without scans becomes none. Each scan has one reading place per tag of its group.
    pub fn number(&mut self, data: Vec<NewData>, events: Vec<NewEvent>) -> Committed {
        let mut numbered = Committed::default();
        for NewData { group, clock, mut scans } in data {
            let most = columns::max_scans(group.tags.len());
            while !scans.is_empty() {
                let rest = scans.split_off(most.min(scans.len()));
                let seq = self.next(Stream::Data);
                let record = DataRecord { seq, boot: self.boot, group: group.clone(), clock, scans };
                numbered.data.push(Arc::new(record));
                scans = rest;
            }
        }
        for NewEvent { at, clock, mono_ms, event } in events {
            let seq = self.next(Stream::Events);
            numbered.events.push(Arc::new(EventRecord { seq, boot: self.boot, at, clock, mono_ms, event }));
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
        self.high.store(self.marks(reserved, false))
    }

    fn marks(&self, reserved: [Seq; 2], is_closed: bool) -> Marks {
        Marks { reserved, written: self.held.map(|held| held.written), passed: self.passed(), is_closed }
    }

    /// How far every sink has come, per stream; nowhere without sinks.
    pub(super) fn passed(&self) -> [Seq; 2] {
        Stream::ALL.map(|stream| self.cursors.floor(stream).unwrap_or(0))
    }

    /// Writes these records, which have their positions from [`Journal::number`], in one transaction that is on the disk when
    /// this returns, together with the figures that wait. On an error nothing was written. Records of a stream are written in the order of their positions.
    pub fn commit(&mut self, data: &[Arc<DataRecord>], events: &[Arc<EventRecord>]) -> Result<(), Trouble> {
        self.come_ashore()?;
        let Err(trouble) = self.try_commit(data, events) else {
            self.faults[Work::Commit as usize] = 0;
            return Ok(());
        };
        if !self.mend(&trouble, Work::Commit) {
            return Err(trouble);
        }
        self.try_commit(data, events)?;
        self.faults[Work::Commit as usize] = 0;
        Ok(())
    }

    pub(super) fn try_commit(&mut self, data: &[Arc<DataRecord>], events: &[Arc<EventRecord>]) -> Result<(), Trouble> {
        self.held = self.write(data, events).map_err(|error| {
            self.dictionary.forget(); // entries of the transaction are gone with it
            fault::of_sqlite(&self.place.file, &error)
        })?;
        self.high.note(self.held.map(|held| held.written));
        Ok(())
    }

    /// These positions will never be read: whoever still wants them is told of a gap. Stored with the next upkeep; readers see it at once.
    pub fn lose(&mut self, stream: Stream, loss: Loss) {
        let passed = self.cursors.floor(stream).unwrap_or(0);
        Arc::make_mut(&mut self.losses)[stream as usize].enter(loss, passed);
        self.place.tell(&self.losses);
    }

    /// What is lost, per stream.
    pub fn losses(&self) -> Arc<[Losses; 2]> {
        self.losses.clone()
    }

    /// What readers have to know.
    pub fn view(&self) -> View {
        let salvage = Stream::ALL.map(|stream| self.salvage.stretch(stream));
        self.place.tell(&self.losses);
        View { place: self.place.clone(), losses: self.losses.clone(), salvage }
    }

    /// What there is to tell people since the last call: files set aside, what came of them.
    pub fn news(&mut self) -> Vec<Trouble> {
        self.news.take()
    }

    /// The transaction of a commit. Gives what the streams hold after it.
    fn write(&mut self, data: &[Arc<DataRecord>], events: &[Arc<EventRecord>]) -> rusqlite::Result<[Held; 2]> {
        let [mut data_held, mut events_held] = self.held;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut payload = Vec::new();
        {
            // A transaction that failed at its sync may be found whole in the WAL once the file is opened anew: then it is written again.
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO data (seq, grp, boot, at, samples, clock, prio, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for record in data {
                let DataRecord { seq, boot, group, clock, scans } = &**record;
                let number = self.dictionary.number_of(&transaction, &mut self.packer, &mut self.unpacker, group)?;
                let (at, samples) = (scans.first().map_or(Timestamp(0), |scan| scan.at), record.samples() as u64);
                data_held.add(*seq, at, samples);
                payload.clear();
                columns::encode(scans, group.tags.len(), &mut payload);
                let body = self.packer.pack(&data_header(*seq, number, *boot, at, *clock, samples), &payload);
                let prio = self.limits.priority_of(&group.device) as i64;
                let (seq, samples) = (*seq as i64, samples as i64);
                insert.execute((seq, number, self.boot_row, at.0, samples, clock.number(), prio, body))?;
            }
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO events (seq, boot, at, clock, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for record in events {
                let EventRecord { seq, boot, at, clock, mono_ms, event } = &**record;
                events_held.add(*seq, *at, 0);
                let json = clock::event_body(event, *mono_ms);
                let body = self.packer.pack(&event_header(*seq, *boot, *at, *clock), &json);
                insert.execute((*seq as i64, self.boot_row, at.0, clock.number(), body))?;
            }
        }
        self.figures.write(&transaction)?;
        transaction.commit()?;
        self.figures.on_written();
        Ok([data_held, events_held])
    }

    /// What the journal holds, from counters in memory; only the size is asked of the file system.
    pub fn status(&self) -> Status {
        let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len()); // no file, no bytes
        let [data, events] = self.held;
        Status { data, events, bytes_on_disk: size(&self.place.file) + size(&self.wal()) }
    }

    /// For tests: a disk that refuses, or takes again.
    #[cfg(test)]
    pub(crate) fn refuse_to_write(&self, refuses: bool) {
        self.connection.pragma_update(None, "query_only", refuses).expect("a pragma is no write");
    }

    /// Records in the file, of both streams.
    pub fn status_records(&self) -> u64 {
        self.held.iter().map(|held| held.records).sum()
    }

    /// Trouble if somebody took the files away or put others in their place. Linux lets the agent go on writing into files
    /// without a name, and no start ever finds them again.
    pub(super) fn check_in_place(&self) -> Result<(), Trouble> {
        let [_, (lock, inode)] = &self.inodes;
        if self.is_file_in_place() && fs::metadata(lock).is_ok_and(|meta| meta.ino() == *inode) {
            return Ok(());
        }
        Err(Trouble::new(words::TAKEN_AWAY).with("path", self.place.file.display()))
    }

    /// Whether the path leads to the file that is open here, and there is a WAL beside it.
    pub(super) fn is_file_in_place(&self) -> bool {
        let [(file, inode), _] = &self.inodes;
        fs::metadata(file).is_ok_and(|meta| meta.ino() == *inode) && self.wal().exists()
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
        let oldest = held.oldest.map_or(held.last, |(seq, _)| seq.saturating_sub(1));
        let position = self.salvage.stretch(stream).map_or(oldest, |stretch| oldest.min(stretch.through));
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

    /// What this sink has of the data stream beyond its cursor.
    pub fn ahead(&self, sink: &str) -> Ahead {
        self.cursors.ahead(sink)
    }

    /// Notes what this sink has beyond its cursor, in memory; [`Journal::maintain`] stores it with the cursor.
    pub fn set_ahead(&mut self, sink: &str, ahead: Ahead) {
        if ahead.highest() <= self.held[Stream::Data as usize].last {
            self.cursors.set_ahead(sink, ahead);
        }
    }

    /// What this sink has used up of its line in the latest month that is known.
    pub fn usage(&self, sink: &str) -> Usage {
        self.cursors.usage(sink)
    }

    /// Notes what this sink has used up, in memory; [`Journal::maintain`] stores it with the cursors.
    pub fn set_usage(&mut self, sink: &str, usage: Usage) {
        self.cursors.set_usage(sink, usage);
    }

    /// Closes the journal after a last upkeep: the next start goes on at the next position.
    pub fn close(mut self, round: impl Into<Round>) -> Result<Vec<Dropped>, Trouble> {
        let dropped = self.maintain(round)?;
        self.uploads.hurry();
        self.store().map_err(|error| fault::of_sqlite(&self.place.file, &error))?;
        self.high.store(self.marks(self.held.map(|held| held.last), true))?;
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

    /// One record more that belongs before others.
    pub(super) fn bring(&mut self, seq: Seq, at: Timestamp, samples: u64) {
        self.add(seq, at, samples);
        self.oldest = self.oldest.min(Some((seq, at)));
    }
}

/// What the checksum of a data row covers beside its body. The first number tells the streams and the marks of the clock apart.
pub(super) fn data_header(
    seq: Seq,
    group: i64,
    boot: BootId,
    at: Timestamp,
    clock: ClockMark,
    samples: u64,
) -> [i64; 6] {
    [256 * i64::from(clock.number()), seq as i64, group, boot.0 as i64, at.0, samples as i64]
}

/// The same for an event.
pub(super) fn event_header(seq: Seq, boot: BootId, at: Timestamp, clock: ClockMark) -> [i64; 4] {
    [256 * i64::from(clock.number()) + 1, seq as i64, boot.0 as i64, at.0]
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

/// What is found cannot be what was written.
pub(super) fn corrupt() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None)
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
