//! Salvage: what is readable in a file that was set aside is brought over into the journal, under the positions that it had, some at a
//! time, oldest first.
//!
//! The rule: until a stretch has been gone through, no sink passes it ([`Journal::view`]), so that order is kept and nothing is sent
//! twice. A record whose checksum is right is brought over unless every sink has it; where nothing can be read, the positions are lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction};

use super::renewal::Work;
use super::source::{Old, Source};
use super::store::{Held, Journal, natural};
use super::{aside, fault, quarantine, renewal, source};
use crate::model::words::journal as words;
use crate::model::{BootId, Group, Loss, LossCause, Seq, Stream, Timestamp, Trouble};

/// Positions of a stream of which it is not known yet whether there is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Up to here everything is known.
    pub through: Seq,
    /// Behind this, too.
    pub until: Seq,
}

/// One stream of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lane {
    /// Gone through up to here.
    pub through: Seq,
    /// The last position that may stand there.
    pub until: Seq,
    /// Up to here every sink had come.
    pub floor: Seq,
    /// Records that are there by its counters and were not yet seen.
    records: u64,
    /// Samples in them.
    samples: u64,
    saved_records: u64,
    saved_samples: u64,
    /// Positions behind `floor` that could not be read.
    unread: u64,
    /// Whether any could not be read before it.
    has_passed_unread: bool,
}

impl Lane {
    pub fn new(until: Seq, floor: Seq, records: u64, samples: u64) -> Lane {
        Lane { until, floor, records, samples, ..Lane::default() }
    }

    fn is_done(&self) -> bool {
        self.through >= self.until
    }

    /// Records, and samples in them, that are lost: at most, where that cannot be known.
    fn lost(&self) -> (u64, u64) {
        let records = match self.unread {
            // Rows may have vanished though every page could be read.
            0 if !self.has_passed_unread => self.records,
            unread if self.records > 0 => self.records.min(unread),
            unread => unread,
        };
        (records, if records > 0 { self.samples } else { 0 })
    }
}

/// One file that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// Its name within the directory.
    file: String,
    pub lanes: [Lane; 2],
}

impl Job {
    pub fn new(file: &Path, lanes: [Lane; 2]) -> Job {
        Job { file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(), lanes }
    }

    /// Its file.
    pub fn path(&self, dir: &Path) -> PathBuf {
        dir.join(&self.file)
    }

    /// Records at most that are neither delivered everywhere nor known to be readable.
    pub fn in_doubt(&self) -> u64 {
        let in_doubt = |lane: &Lane| match lane.until.saturating_sub(lane.floor.max(lane.through)) {
            positions if lane.records > 0 => positions.min(lane.records),
            positions => positions,
        };
        self.lanes.iter().map(in_doubt).sum()
    }

    /// Notes in the journal how far it is.
    pub fn store(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO salvage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let mut insert = transaction.prepare_cached(sql)?;
        for (stream, lane) in Stream::ALL.into_iter().zip(&self.lanes) {
            let Lane { through, until, floor, records, samples, saved_records, saved_samples, unread, .. } = *lane;
            let n = [through, until, floor, records, samples, saved_records, saved_samples, unread];
            let [through, until, floor, records, samples, saved_records, saved_samples, unread] = n.map(|n| n as i64);
            insert.execute(rusqlite::params![
                self.file,
                stream.as_str(),
                through,
                until,
                floor,
                records,
                samples,
                saved_records,
                saved_samples,
                unread,
                lane.has_passed_unread
            ])?;
        }
        Ok(())
    }
}

/// What is still to be brought over, as the journal's file has it.
pub(super) fn load_jobs(connection: &Connection) -> rusqlite::Result<Vec<Job>> {
    let mut select = connection.prepare("SELECT * FROM salvage ORDER BY until")?;
    let mut rows = select.query([])?;
    let mut jobs: Vec<Job> = Vec::new();
    while let Some(row) = rows.next()? {
        let (file, stream): (String, String) = (row.get(0)?, row.get(1)?);
        let Some(stream) = Stream::ALL.into_iter().find(|known| known.as_str() == stream) else { continue };
        let n = |column: usize| row.get(column).map(natural);
        let lane = Lane {
            through: n(2)?,
            until: n(3)?,
            floor: n(4)?,
            records: n(5)?,
            samples: n(6)?,
            saved_records: n(7)?,
            saved_samples: n(8)?,
            unread: n(9)?,
            has_passed_unread: row.get(10)?,
        };
        let is_a_name = Path::new(&file).file_name().is_some_and(|name| *name == *file);
        match jobs.iter_mut().find(|job| job.file == file) {
            Some(job) => job.lanes[stream as usize] = lane,
            None if is_a_name => {
                let mut lanes = [Lane::default(); 2];
                lanes[stream as usize] = lane;
                jobs.push(Job { file, lanes });
            }
            None => {} // nothing outside the directory is read, whatever a damaged file says
        }
    }
    Ok(jobs)
}

/// All that is to be brought over.
#[derive(Default)]
pub(super) struct Salvage {
    dir: PathBuf,
    /// Oldest first.
    pub jobs: Vec<Job>,
    /// The first job's file, once it was opened.
    source: Option<Source>,
    /// A file that is still open here though it may no longer have a name.
    kept: Option<Source>,
    /// What the writer knew when it set a file aside, should it not be readable there.
    known: source::Known,
}

impl Salvage {
    pub fn new(dir: PathBuf, jobs: Vec<Job>) -> Salvage {
        Salvage { dir, jobs, ..Salvage::default() }
    }

    /// Other jobs; `groups` and `start` are those of the file that was set aside just now.
    pub fn begin(&mut self, jobs: Vec<Job>, groups: Vec<(i64, Arc<Group>)>, start: (i64, BootId)) {
        let file = jobs.last().map(|job| self.dir.join(&job.file)).unwrap_or_default();
        self.known = source::Known { file, groups: groups.into_iter().collect(), start: Some(start) };
        self.jobs = jobs;
    }

    /// What is to be brought over last is read through this connection.
    pub fn read_from(&mut self, connection: Connection) {
        self.kept = self.files().last().map(|path| Source::of(Some(connection), path));
    }

    pub fn is_over(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Files that are still read.
    pub fn files(&self) -> Vec<PathBuf> {
        self.jobs.iter().map(|job| self.dir.join(&job.file)).collect()
    }

    /// Those of them in which, by their counters, there are records.
    pub fn files_with_records(&self) -> Vec<PathBuf> {
        let has_records = |job: &&Job| job.lanes.iter().any(|lane| !lane.is_done() && lane.records > 0);
        self.jobs.iter().filter(has_records).map(|job| self.dir.join(&job.file)).collect()
    }

    /// What no sink may pass, of one stream.
    pub fn stretch(&self, stream: Stream) -> Option<Stretch> {
        let lanes = || self.jobs.iter().map(|job| job.lanes[stream as usize]).filter(|lane| !lane.is_done());
        Some(Stretch { through: lanes().map(|lane| lane.through).min()?, until: lanes().map(|lane| lane.until).max()? })
    }

    fn source(&mut self) -> Option<(&mut Source, &source::Known)> {
        let path = self.dir.join(&self.jobs.first()?.file);
        if self.source.as_ref().is_none_or(|source| source.file() != path) {
            let kept = self.kept.take_if(|kept| kept.file() == path);
            self.source = Some(kept.unwrap_or_else(|| Source::open(&path)));
        }
        self.source.as_mut().map(|source| (source, &self.known))
    }
}

impl Journal {
    /// What cannot wait for the upkeep: a file that a reader found damaged is set aside, and some of what is to be brought over is. Call
    /// it often while [`Journal::is_salvaging`].
    pub fn tend(&mut self, now: Timestamp) -> Result<(), Trouble> {
        self.now = now;
        if self.is_adrift {
            return Ok(()); // the next commit opens the file
        }
        if let Some(trouble) = self.place.alarm() {
            self.renew(&trouble)?;
        }
        if self.salvage.is_over() {
            return Ok(());
        }
        self.bring_over(now).map_err(|error| {
            let trouble = fault::of_sqlite(&self.place.file, &error);
            self.mend(&trouble, Work::Upkeep);
            trouble
        })
    }

    /// Whether there is more to be brought over from files that were set aside.
    pub fn is_salvaging(&self) -> bool {
        !self.salvage.is_over()
    }

    /// One slice of the oldest job, in one transaction.
    fn bring_over(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let Some(mut job) = self.salvage.jobs.first().cloned() else { return Ok(()) };
        // Events first: they are few, and urgent.
        let stream = if job.lanes[1].is_done() { Stream::Data } else { Stream::Events };
        let lane = &mut job.lanes[stream as usize];
        if lane.is_done() {
            return self.end_job(job, now);
        }
        let floor = self.cursors.floor(stream).unwrap_or(0).max(lane.floor);
        let keeps_history = self.limits.history.is_some();
        let Some((source, known)) = self.salvage.source() else { return Ok(()) };
        let slice = source.slice(stream, lane.through, lane.until, known);
        let is_wanted = |old: &Old| old.seq > floor || keeps_history;
        let (mut rows, mut lost) = (Vec::new(), Vec::new());
        for old in slice.rows {
            lane.records = lane.records.saturating_sub(1);
            let samples = old.samples;
            match is_wanted(&old).then(|| source.place(&old, known)) {
                None => lane.samples = lane.samples.saturating_sub(samples),
                Some(Some(placed)) => {
                    lane.samples = lane.samples.saturating_sub(samples);
                    rows.push((old, placed));
                }
                // Its samples stay among those that were not seen.
                Some(None) => lost.push((old.seq, old.seq)),
            }
        }
        lost.extend(slice.unreadable);
        // By the old file's counters there were more: a page that was cut off is read as zeros, of which SQLite does not complain.
        let last = rows.last().map_or(lane.through, |(old, _)| old.seq);
        if slice.through == lane.until && slice.unreadable.is_none() && lane.records > 0 && last < lane.until {
            lost.push((last + 1, lane.until));
        }
        let before = self.losses.clone();
        for (first, last) in lost {
            lane.has_passed_unread |= first <= floor;
            let first = first.max(floor + 1);
            if first <= last {
                lane.unread = lane.unread.saturating_add(last + 1 - first);
                self.lose(stream, Loss { first, last, samples: 0, cause: LossCause::Corrupt, at: now });
            }
        }
        lane.through = slice.through;
        let saved = self.step_with(self.held, |transaction, held, desk| {
            let mut saved = (0, 0);
            for (old, placed) in &rows {
                if source::insert(transaction, desk, stream, old, placed)? {
                    saved = (saved.0 + 1, saved.1 + old.samples);
                    held[stream as usize].bring(old.seq, old.at, old.samples);
                }
            }
            let lane = &mut job.lanes[stream as usize];
            (lane.saved_records, lane.saved_samples) = (lane.saved_records + saved.0, lane.saved_samples + saved.1);
            job.store(transaction)
        });
        if let Err(error) = saved {
            self.losses = before;
            self.place.tell(&self.losses);
            return Err(error);
        }
        self.no_normal_through = 0; // rows came in below it
        self.salvage.jobs[0] = job;
        Ok(())
    }

    /// A file was gone through: what came of it is told, and what was missing in it counted.
    fn end_job(&mut self, job: Job, now: Timestamp) -> rusqlite::Result<()> {
        let path = self.salvage.dir.join(&job.file);
        self.bring_quarantine()?;
        self.count_lost(&job, now)?;
        let saved: u64 = job.lanes.iter().map(|lane| lane.saved_records).sum();
        let lost: u64 = job.lanes.iter().map(|lane| lane.lost().0).sum();
        let samples: u64 = job.lanes.iter().map(|lane| lane.lost().1).sum();
        let told = Trouble::new(if lost > 0 { words::SALVAGED_IN_PART } else { words::SALVAGED });
        self.news
            .push(told.with("path", path.display()).with("records", saved).with("lost", lost).with("samples", samples));
        if aside::left_by_older(&self.salvage.dir).contains(&path) {
            aside::remove(&path); // it was not damaged; everything of it is here
        }
        Ok(())
    }

    /// The cursors have passed what is in quarantine, since it stands there: it comes over too, as far as it is whole, and what does
    /// not is counted.
    fn bring_quarantine(&mut self) -> rusqlite::Result<()> {
        let Some((source, known)) = self.salvage.source() else { return Ok(()) };
        let kept = source.quarantine(known);
        if kept.is_empty() {
            return Ok(());
        }
        let mut lost = [(0, 0); 2];
        self.step_with(self.held, |transaction, held, desk| {
            for row in &kept {
                if !source::keep(transaction, desk, row)? {
                    let (records, samples): &mut (u64, u64) = &mut lost[row.stream as usize];
                    (*records, *samples) = (*records + 1, samples.saturating_add(row.samples()));
                }
            }
            let evicted = quarantine::evict(transaction)?;
            let (records, samples) = &mut lost[Stream::Data as usize];
            (*records, *samples) = (*records + evicted.records, samples.saturating_add(evicted.samples));
            for (held, (records, samples)) in held.iter_mut().zip(lost) {
                held.dropped_records = held.dropped_records.saturating_add(records);
                held.dropped_samples = held.dropped_samples.saturating_add(samples);
            }
            Ok(())
        })?;
        for (stream, (records, samples)) in Stream::ALL.into_iter().zip(lost) {
            if records > 0 {
                self.note(super::Dropped { stream, cause: LossCause::Corrupt, records, samples });
            }
        }
        Ok(())
    }

    /// The first job is over, however far it came.
    fn count_lost(&mut self, job: &Job, now: Timestamp) -> rusqlite::Result<()> {
        let mut held = self.held;
        for (held, lane) in held.iter_mut().zip(&job.lanes) {
            let (records, samples) = lane.lost();
            held.dropped_records = held.dropped_records.saturating_add(records);
            held.dropped_samples = held.dropped_samples.saturating_add(samples);
        }
        let name = job.file.clone();
        self.step_with(held, |transaction, _, _| {
            transaction.execute("DELETE FROM salvage WHERE file = ?1", [&name]).map(drop)
        })?;
        self.salvage.jobs.retain(|other| other.file != job.file);
        self.salvage.source = None;
        for (stream, lane) in Stream::ALL.into_iter().zip(&job.lanes) {
            let (records, samples) = lane.lost();
            if records > 0 {
                self.note(super::Dropped { stream, cause: LossCause::Corrupt, records, samples });
            }
        }
        let _ = now;
        Ok(())
    }

    /// A file is no longer there: what was not yet brought over from it is lost.
    pub(super) fn abandon(&mut self, path: &Path) {
        let Some(place) = self.salvage.files().iter().position(|file| file == path) else { return };
        let mut job = self.salvage.jobs[place].clone();
        for stream in Stream::ALL {
            let lane = &mut job.lanes[stream as usize];
            let first = lane.through.max(lane.floor) + 1;
            if first <= lane.until {
                lane.unread = lane.unread.saturating_add(lane.until + 1 - first);
                let loss =
                    Loss { first, last: lane.until, samples: lane.samples, cause: LossCause::Corrupt, at: self.now };
                self.lose(stream, loss);
            }
            let lane = &mut job.lanes[stream as usize];
            lane.through = lane.until;
        }
        if let Err(error) = self.count_lost(&job, self.now) {
            // It is gone through again at the next start, found missing, and then counted.
            let trouble = fault::of_sqlite(&self.place.file, &error);
            self.news.push(trouble);
        }
    }

    /// Files in which an older version worked while the journal was too new for it: they are brought over, and then they go.
    pub(super) fn take_in_what_older_versions_left(&mut self) {
        for path in aside::left_by_older(&self.salvage.dir) {
            if path == self.place.file || self.salvage.files().contains(&path) {
                continue;
            }
            let remains = renewal::Remains::of(&path);
            let job = remains.job(self.high.marks(), &path);
            for stream in Stream::ALL {
                let held: &mut Held = &mut self.held[stream as usize];
                held.written = held.written.max(job.lanes[stream as usize].until);
                held.last = held.last.max(held.written);
                remains.losses[stream as usize].iter().for_each(|loss| self.lose(stream, *loss));
            }
            self.salvage.jobs.push(job);
        }
    }
}
