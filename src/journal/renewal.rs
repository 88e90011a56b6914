//! Renewal: a journal that is damaged is set aside and a new one begun in its place, which goes on where the old one was.
//!
//! The rule: the new file is whole, with cursors, counters and what is to be brought over from the old one, before it takes the place of
//! the old one; positions go on behind all that may have been given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::cursors::Cursors;
use super::high_water::Marks;
use super::open::{Opened, load_cursors, load_held, load_losses, load_reserved};
use super::salvage::{Job, Lane};
use super::store::{Held, Journal, Stored, natural};
use super::{aside, fault, schema};
use crate::model::words::journal as words;
use crate::model::{BootId, Code, Losses, Seq, Stream, Timestamp, Trouble, TrustedBy};

/// Tables that others keep in the journal and that are carried over row by row as they are.
const CARRIED: [&str; 5] = ["audit", "baselines", "snapshots", "ledger", "usage"];

/// Tables that are too long for that: they go from file to file, the newest rows first.
const COPIED: [&str; 3] = ["cells", "intervals", "uploads"];

/// Rows of such a table at most, some seconds: three years of seven machines.
const COPIED_ROWS: usize = 200_000;

/// A table's name and its rows.
type Carried = (&'static str, Vec<Vec<Value>>);

/// Rows of such a table at most: a month of hours of seventy devices, in some MB of memory for a moment.
const CARRIED_ROWS: usize = 50_000;

/// The number of a new file's first start, if that of the old one's last start cannot be read: higher than any that it may have.
const STARTS_IN_DOUBT: i64 = 1 << 32;

/// Refusals of the disk in a row after which the file is opened anew, at each further one so many.
pub(super) const REOPEN_AFTER: u32 = 3;

/// Refusals in a row after which the file itself is taken for the cause, if another one can be made beside it: 15 seconds at least.
pub(super) const RENEW_AFTER: u32 = 15;

/// What a disk may refuse for good while it does the other: one bad place is met by the upkeep and by no commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Commit,
    Upkeep,
}

/// Whether this trouble is of the file and not of the disk, so that another file helps.
pub(super) fn is_damage(code: Code) -> bool {
    [words::CORRUPT, words::NOT_A_DATABASE, words::FOREIGN_FILE].contains(&code)
}

/// What can still be read of a damaged file without looking at its records.
#[derive(Default)]
pub(super) struct Remains {
    cursors: Option<Cursors>,
    pub losses: [Losses; 2],
    reserved: [Seq; 2],
    /// Counters, and whether they are those of the last commit or only of the last upkeep.
    held: [Option<(Held, bool)>; 2],
    /// The last position in each stream.
    last: [Option<Seq>; 2],
    /// The number of the last start of the agent.
    pub last_start: Option<i64>,
    jobs: Vec<Job>,
    carried: Vec<Carried>,
}

impl Remains {
    /// Each question by itself: where one fails, others may not.
    pub fn of(file: &Path) -> Remains {
        schema::open_damaged(file).map(Remains::read).unwrap_or_default()
    }

    /// The same on a disk that has no room even for what SQLite needs to read.
    pub fn of_a_full_disk(file: &Path) -> Remains {
        schema::open_alone(file).map(Remains::read).unwrap_or_default()
    }

    fn read(connection: Connection) -> Remains {
        let losses = |stream| load_losses(&connection, stream).unwrap_or_default();
        let last = |stream: Stream| -> Option<Seq> {
            let sql = format!("SELECT coalesce(max(seq), 0) FROM {stream}");
            connection.query_row(&sql, [], |row| row.get(0).map(natural)).ok()
        };
        Remains {
            cursors: load_cursors(&connection).ok(),
            losses: Stream::ALL.map(losses),
            reserved: load_reserved(&connection).unwrap_or_default(),
            held: Stream::ALL.map(|stream| {
                let of_the_last_commit = load_held(&connection, stream).map(|(held, _)| (held, true));
                of_the_last_commit.or_else(|_| counters(&connection, stream).map(|held| (held, false))).ok()
            }),
            last: Stream::ALL.map(last),
            last_start: connection.query_row("SELECT max(id) FROM boots", [], |row| row.get(0)).ok(),
            jobs: super::salvage::load_jobs(&connection).unwrap_or_default(),
            carried: CARRIED.map(|table| (table, rows_of(&connection, table))).into(),
        }
    }

    /// Without what it says beyond all positions that were ever given: a cursor that does is where all sinks had come, and the rest unknown.
    fn within(mut self, marks: Marks) -> Remains {
        for stream in Stream::ALL {
            let (nth, bound) = (stream as usize, marks.bound(stream));
            if let Some(cursors) = &mut self.cursors {
                cursors.doubt(stream, bound, marks.passed[nth]);
            }
            if self.losses[nth].highest() > bound {
                let mut sound = Losses::default();
                self.losses[nth].iter().filter(|loss| loss.last <= bound).for_each(|loss| sound.enter(*loss, 0));
                self.losses[nth] = sound;
            }
            if self.reserved[nth] > bound {
                self.reserved[nth] = 0;
            }
            self.last[nth] = self.last[nth].filter(|seq| *seq <= bound);
            self.held[nth] = self.held[nth].filter(|(held, _)| held.written.max(held.last) <= bound);
        }
        self
    }

    /// Whether all is known that the journal needs to go on without the file.
    pub fn is_complete(&self) -> bool {
        self.cursors.is_some() && self.last_start.is_some() && self.held.iter().all(Option::is_some)
    }

    /// As if the file had been opened.
    pub fn into_opened(self, connection: Connection) -> Opened {
        let held = Stream::ALL.map(|stream| {
            let (held, last) =
                (self.held[stream as usize].unwrap_or_default().0, self.last[stream as usize].unwrap_or(0));
            Held { written: held.written.max(last), last: held.last.max(last), ..held }
        });
        Opened {
            connection,
            cursors: self.cursors.unwrap_or_default(),
            losses: self.losses,
            held,
            reserved: self.reserved,
            known: None,
            boot_row: self.last_start.unwrap_or(0) + 1,
            jobs: self.jobs,
        }
    }

    /// What is to be brought over from a file with these remains.
    pub fn job(&self, marks: Marks, file: &Path) -> Job {
        let lane = |stream: Stream| {
            let nth = stream as usize;
            let (counted, is_exact) = self.held[nth].unwrap_or_default();
            let known = counted.written.max(marks.written[nth]);
            let until = match self.last[nth] {
                Some(last) => last.max(known),
                // Records may stand there up to the last position that may have been given.
                None => known.max(marks.reserved[nth]).max(self.reserved[nth]),
            };
            let floor = self.cursors.as_ref().and_then(|cursors| cursors.floor(stream));
            let since = if is_exact { 0 } else { until.saturating_sub(counted.written) };
            let records = counted.records.saturating_add(since);
            Lane::new(until, floor.unwrap_or(marks.passed[nth]), records, counted.samples)
        };
        Job::new(file, Stream::ALL.map(lane))
    }
}

fn counters(connection: &Connection, stream: Stream) -> rusqlite::Result<Held> {
    let sql = "SELECT high, records, samples, dropped_records, dropped_samples FROM streams WHERE stream = ?1";
    connection.query_row(sql, [stream.as_str()], |row| {
        let [high, records, samples, dropped_records, dropped_samples] =
            [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?].map(natural);
        Ok(Held { written: high, last: high, records, samples, dropped_records, dropped_samples, oldest: None })
    })
}

/// Rows up to the first that cannot be read.
fn rows_of(connection: &Connection, table: &str) -> Vec<Vec<Value>> {
    let Ok(mut select) = connection.prepare(&format!("SELECT * FROM {table} LIMIT {CARRIED_ROWS}")) else {
        return Vec::new();
    };
    let columns = select.column_count();
    let Ok(rows) = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()) else {
        return Vec::new();
    };
    rows.map_while(Result::ok).collect()
}

/// Copies rows as far as they can be read. What is damaged ends it; the rest of the new file does not depend on them.
fn copy_rows(from: &Connection, to: &Connection, table: &str) {
    let select = format!("SELECT * FROM {table} ORDER BY rowid DESC LIMIT {COPIED_ROWS}");
    let Ok(mut select) = from.prepare(&select) else { return };
    let columns = select.column_count();
    let places = vec!["?"; columns].join(", ");
    let Ok(mut insert) = to.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({places})")) else { return };
    let Ok(mut rows) = select.query([]) else { return };
    while let Ok(Some(row)) = rows.next() {
        let Ok(row) = (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>() else {
            return;
        };
        insert.execute(params_from_iter(row)).ok(); // damaged
    }
}

/// What a new file begins with.
pub(super) struct Seed {
    pub held: [Held; 2],
    pub reserved: [Seq; 2],
    pub cursors: Cursors,
    pub losses: [Losses; 2],
    pub jobs: Vec<Job>,
    /// The start of the agent that makes it, with its number.
    pub start: (i64, BootId, Timestamp),
    /// The offset of its clock, once it was trusted.
    pub offset: Option<(i64, TrustedBy)>,
    pub carried: Vec<Carried>,
}

impl Seed {
    /// For a file that is found damaged at the start of the agent: from what can be read of it and the high-water mark.
    pub fn found(remains: Remains, marks: Marks, aside: &Path, start: (BootId, Timestamp)) -> Seed {
        let remains = remains.within(marks);
        let job = remains.job(marks, aside);
        let held = Stream::ALL.map(|stream| {
            let (counted, until) =
                (remains.held[stream as usize].unwrap_or_default().0, job.lanes[stream as usize].until);
            Held { written: until, last: until, records: 0, samples: 0, oldest: None, ..counted }
        });
        let mut jobs = remains.jobs;
        jobs.push(job);
        Seed {
            held,
            reserved: remains.reserved,
            cursors: remains.cursors.unwrap_or_default(),
            losses: remains.losses,
            jobs,
            start: (remains.last_start.map_or(STARTS_IN_DOUBT, |last| last + 1), start.0, start.1),
            offset: None,
            carried: remains.carried,
        }
    }

    fn write(&self, connection: &mut Connection, old: Option<&Connection>) -> rusqlite::Result<()> {
        let first = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        super::upkeep::store_cursors(&first, &self.cursors)?;
        for stream in Stream::ALL {
            let held = &self.held[stream as usize];
            let [high, reserved, records, samples] =
                [held.written, self.reserved[stream as usize], held.dropped_records, held.dropped_samples];
            first.execute(
                "UPDATE streams SET high = ?2, reserved = ?3, dropped_records = ?4, dropped_samples = ?5 WHERE stream = ?1",
                (stream.as_str(), high as i64, reserved as i64, records as i64, samples as i64),
            )?;
            super::upkeep::store_losses(&first, stream, &self.losses[stream as usize])?;
        }
        for job in &self.jobs {
            job.store(&first)?;
        }
        let (number, boot, started) = self.start;
        let (offset, trust) = kept(self.offset);
        let start = "INSERT INTO boots (id, boot, started, trust, offset) VALUES (?1, ?2, ?3, ?4, ?5)";
        first.execute(start, (number, boot.0 as i64, started.0, trust, offset))?;
        for (table, rows) in &self.carried {
            for row in rows {
                let places = vec!["?"; row.len()].join(", ");
                let insert = format!("INSERT OR IGNORE INTO {table} VALUES ({places})");
                first.prepare_cached(&insert)?.execute(params_from_iter(row)).ok(); // of an older version, or damaged
            }
        }
        if let Some(old) = old {
            COPIED.iter().for_each(|table| copy_rows(old, &first, table));
        }
        first.commit()?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

/// As the table of starts has it.
fn kept(offset: Option<(i64, TrustedBy)>) -> (Option<i64>, Option<&'static str>) {
    (offset.map(|(offset_ms, _)| offset_ms), offset.map(|(_, by)| by.as_str()))
}

/// Makes the new file and puts it in the place of the old one, which may be open.
pub(super) fn replace(file: &Path, aside: &Path, seed: &Seed, open: Option<&Connection>) -> Result<(), Trouble> {
    let new = file.with_extension("new.sqlite");
    aside::clear(&new);
    let mut connection = schema::open_writer(&new)?;
    let damaged = open.is_none().then(|| schema::open_damaged(file).ok()).flatten();
    seed.write(&mut connection, open.or(damaged.as_ref())).map_err(|error| fault::of_sqlite(&new, &error))?;
    connection.close().map_err(|(_, error)| fault::of_sqlite(&new, &error))?;
    aside::exchange(file, aside, &new)
}

/// A renewal that was cut off between its renames is brought to its end: the old file is aside, and the new one not in its place yet.
/// That the file is there from which it is to bring over tells a whole new one from half of one. Gives what is to be told.
pub(super) fn finish(file: &Path) -> Option<Trouble> {
    let new = file.with_extension("new.sqlite");
    if std::fs::symlink_metadata(file).is_ok() || !new.is_file() {
        return None;
    }
    let connection = schema::open_damaged(&new).ok()?;
    let starts: i64 = connection.query_row("SELECT count(*) FROM boots", [], |row| row.get(0)).ok()?;
    let job = super::salvage::load_jobs(&connection).ok()?.pop()?;
    let aside = job.path(file.parent()?);
    if starts == 0 || !aside.exists() {
        return None;
    }
    drop(connection);
    aside::put(&new, file).ok()?;
    let told = Trouble::new(words::SET_ASIDE).with("path", file.display()).with("aside", aside.display());
    Some(told.with("records", job.in_doubt()).with("error", words::CORRUPT.0))
}

/// What is said of it.
pub(super) fn set_aside(file: &Path, aside: &Path, seed: &Seed, why: &Trouble) -> Trouble {
    let in_doubt = seed.jobs.last().map_or(0, Job::in_doubt);
    let error = why.args.iter().find(|(name, _)| *name == "error").map_or(why.code.0, |(_, error)| error);
    Trouble::new(words::SET_ASIDE)
        .with("path", file.display())
        .with("aside", aside.display())
        .with("records", in_doubt)
        .with("error", error)
}

impl Journal {
    /// What to do about trouble. True: what failed may be tried again at once.
    pub(super) fn mend(&mut self, trouble: &Trouble, work: Work) -> bool {
        if is_damage(trouble.code) {
            return self.renew(trouble).is_ok();
        }
        if trouble.code != words::DISK_FAULT {
            return false;
        }
        let faults = &mut self.faults[work as usize];
        *faults = faults.saturating_add(1);
        let faults = *faults;
        if !faults.is_multiple_of(REOPEN_AFTER) {
            return false;
        }
        if faults >= RENEW_AFTER && self.renew(trouble).is_ok() {
            return true;
        }
        match self.reopen() {
            Ok(()) => true,
            Err(trouble) if is_damage(trouble.code) => self.renew(&trouble).is_ok(),
            Err(_) => false, // the caller tells of the trouble that it had
        }
    }

    /// Opens the file if it is not: it refused at the start, or when it was to be opened anew.
    pub(super) fn come_ashore(&mut self) -> Result<(), Trouble> {
        if !self.is_adrift {
            return Ok(());
        }
        self.reopen()?;
        self.prune();
        Ok(())
    }

    /// Sets the file aside and begins a new one. On an error nothing has changed, or the new one stands there and could not be opened:
    /// [`Journal::come_ashore`] tries that again.
    pub(super) fn renew(&mut self, why: &Trouble) -> Result<(), Trouble> {
        let file = self.place.file.clone();
        let dir = self.place.dir();
        let aside = aside::name(&dir, self.now);
        let seed = self.seed(Remains::of(&file).carried, &aside);
        replace(&file, &aside, &seed, None)?;
        let told = set_aside(&file, &aside, &seed, why);
        self.news.push(told);
        self.let_go();
        self.take_over(seed);
        self.come_ashore()
    }

    /// The files were taken away or replaced under the agent. What is in them is still open here: a new file is begun, and it is brought
    /// over from there. On an error nothing has changed, and what is stored goes into files that no start will find.
    pub(super) fn begin_anew(&mut self) -> Result<(), Trouble> {
        let (file, dir) = (self.place.file.clone(), self.place.dir());
        self.take_the_directory()?;
        if self.is_file_in_place() {
            return self.find_in_place(); // it was only the lock
        }
        let aside = aside::name(&dir, self.now);
        let seed = self.seed(CARRIED.map(|table| (table, rows_of(&self.connection, table))).into(), &aside);
        replace(&file, &aside, &seed, Some(&self.connection))?;
        let in_doubt = seed.jobs.last().map_or(0, Job::in_doubt);
        self.news.push(Trouble::new(words::BEGUN_ANEW).with("path", file.display()).with("records", in_doubt));
        let nothing = Connection::open_in_memory().map_err(|error| fault::of_sqlite(&file, &error))?;
        let old = std::mem::replace(&mut self.connection, nothing);
        schema::leave_as_it_is(&old); // nor does it remove the new file's WAL, whose name it has
        self.is_adrift = true;
        self.take_over(seed);
        self.salvage.read_from(old);
        self.come_ashore()
    }

    fn take_over(&mut self, seed: Seed) {
        self.place.replaced();
        self.held = seed.held;
        self.faults = [0; 2];
        self.no_normal_through = 0;
        let Seed { cursors, losses, reserved, held, jobs, .. } = seed;
        self.stored = Stored { cursors, held, losses: Arc::new(losses), reserved };
        self.salvage.begin(jobs, self.dictionary.entries(), (self.boot_row, self.boot));
        self.dictionary.forget();
    }

    /// What is known of a file that becomes damaged while the agent runs is in memory.
    fn seed(&self, carried: Vec<Carried>, aside: &Path) -> Seed {
        let lanes = Stream::ALL.map(|stream| {
            let held = &self.held[stream as usize];
            Lane::new(held.written, self.cursors.floor(stream).unwrap_or(0), held.records, held.samples)
        });
        let mut jobs = self.salvage.jobs.clone();
        jobs.push(Job::new(aside, lanes));
        Seed {
            held: self.held.map(|held| Held { records: 0, samples: 0, oldest: None, ..held }),
            reserved: self.high.marks().reserved,
            cursors: self.cursors.clone(),
            losses: (*self.losses).clone(),
            jobs,
            start: (self.boot_row, self.boot, self.started),
            offset: self.offset,
            carried,
        }
    }

    /// Files that were set aside too long ago are removed. What was not yet brought over from them is lost.
    pub(super) fn prune(&mut self) {
        for path in aside::prune(&self.place.dir(), &self.salvage.files_with_records()) {
            self.news.removed(&path);
            self.abandon(&path);
        }
    }

    /// Leaves the file that is open, without a last checkpoint: it is damaged, or gone.
    fn let_go(&mut self) {
        if let Ok(nothing) = Connection::open_in_memory() {
            let old = std::mem::replace(&mut self.connection, nothing);
            schema::leave_as_it_is(&old);
            drop(old);
            self.is_adrift = true;
        }
    }

    /// Opens the file anew.
    pub(super) fn reopen(&mut self) -> Result<(), Trouble> {
        let file = self.place.file.clone();
        self.let_go();
        let connection = schema::open_writer(&file)?;
        let (offset, trust) = kept(self.offset);
        let start = "INSERT OR IGNORE INTO boots (id, boot, started, trust, offset) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection
            .execute(start, (self.boot_row, self.boot.0 as i64, self.started.0, trust, offset))
            .map_err(|error| fault::of_sqlite(&file, &error))?;
        self.connection = connection;
        self.dictionary.forget();
        self.find_in_place()?;
        self.is_adrift = false;
        Ok(())
    }
}

/// A file of a version of its own, beside the one that a newer version wrote. Positions and starts go on behind those of the newer one,
/// as far as they can be read.
pub(super) fn make_beside(
    newer: &Path,
    beside: &Path,
    marks: Marks,
    start: (BootId, Timestamp),
) -> Result<(), Trouble> {
    if beside.exists() {
        return Ok(());
    }
    let remains = Remains::of(newer);
    let mut seed = Seed::found(remains, marks, newer, start);
    seed.jobs.clear();
    (seed.cursors, seed.losses, seed.carried) = Default::default();
    for held in &mut seed.held {
        (held.dropped_records, held.dropped_samples) = (0, 0);
    }
    let new: PathBuf = beside.with_extension("new.sqlite");
    aside::clear(&new);
    let mut connection = schema::open_writer(&new)?;
    seed.write(&mut connection, None).map_err(|error| fault::of_sqlite(&new, &error))?;
    connection.close().map_err(|(_, error)| fault::of_sqlite(&new, &error))?;
    std::fs::rename(&new, beside).map_err(|error| fault::of_io(beside, &error))
}
