//! The egress log on the disk: which messages left, for those who want to prove it. It owns the folder `egress` below the
//! state directory; the recorder's thread writes it.
//!
//! The rules: what is written is never changed, only deleted when it is too old or too much; one write a minute at most, or
//! per 64 kB, since flash wears; whatever is missing from the log, the log itself says so; nothing of it ever leaves.

pub mod files;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use crate::config::Egress;
use crate::model::words::egress as words;
use crate::model::{BootId, Timestamp, Trouble};
use crate::sink::egress::{Note, Read, Remark, Total, Totals, clock, day};
use crate::sink::witness::Inbox;
use files::{DayFile, FOLDER, TODAY, TOTALS};

/// Lines wait so long for the disk: what a crash can cost.
const FLUSH_EVERY: Duration = Duration::from_secs(60);

/// Or until they are so many bytes: a frame of 64 kB compresses nearly as well as a larger one.
const FLUSH_BYTES: usize = 64_000;

/// While the disk refuses, it is tried again so often; lines wait up to so many bytes, the newest beyond them are counted
/// as missing. 4,000 messages or more.
const RETRY: Duration = Duration::from_secs(10);
const MAX_WAITING: usize = 1_000_000;

/// A file takes so much of the allowed size at most: what is too old goes in pieces of this.
const FILES: u64 = 8;

/// Days whose sums wait for a disk that refuses.
const MAX_OPEN_TOTALS: usize = 400;

/// The log.
pub struct Book {
    folder: PathBuf,
    zone: TimeZone,
    settings: Egress,
    inbox: Inbox,
    /// Lines that are not on the disk yet, and since when.
    waiting: Vec<u8>,
    waiting_since: Option<Instant>,
    /// The day of the first of them: that of the file where they belong.
    waiting_day: String,
    file: Option<Open>,
    totals: Totals,
    /// When the disk refused last.
    refused: Option<Instant>,
    /// Messages without a line, since they were last written down.
    not_logged: u64,
    is_on: bool,
    /// The disk does not know yet that the log is open, and a crash now would go unsaid.
    is_fresh: bool,
}

struct Open {
    day_file: DayFile,
    file: File,
    length: u64,
}

/// `today.json`: what must survive a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Today {
    /// The file that was written last, and its bytes then.
    file: String,
    length: u64,
    /// When that was.
    at: String,
    /// Whether the agent closed the log.
    is_closed: bool,
    totals: Totals,
}

impl Book {
    /// Goes on with the log in the state directory, or begins it. Trouble with the disk holds nothing up: it is tried again.
    pub fn open(
        state_dir: &Path,
        settings: Egress,
        zone: TimeZone,
        boot: BootId,
        inbox: Inbox,
        now: Timestamp,
    ) -> Book {
        let mut book = Book {
            folder: state_dir.join(FOLDER),
            zone,
            settings,
            inbox,
            waiting: Vec::new(),
            waiting_since: None,
            waiting_day: String::new(),
            file: None,
            totals: Totals::default(),
            refused: None,
            not_logged: 0,
            is_on: false,
            is_fresh: false,
        };
        book.take_up(now);
        book.is_on = book.settings.log;
        book.inbox.switch(book.is_on);
        book.is_fresh = book.is_on;
        if book.is_on {
            book.remark(now, Note::Started { boot: boot.to_string() });
        }
        book
    }

    /// New settings.
    pub fn set(&mut self, settings: Egress, zone: TimeZone, now: Timestamp) {
        self.take_in(now);
        if self.is_on && !settings.log {
            self.remark(now, Note::SwitchedOff);
        }
        self.is_on = settings.log;
        self.inbox.switch(settings.log);
        (self.settings, self.zone) = (settings, zone);
    }

    /// One turn of the recorder: takes in what left, and writes it when it is time.
    pub fn turn(&mut self, now: Timestamp) {
        self.take_in(now);
        let is_due = self.is_fresh
            || self.waiting.len() >= FLUSH_BYTES
            || self.waiting_since.is_some_and(|since| since.elapsed() >= FLUSH_EVERY)
            || !self.totals.over(&self.today(now)).is_empty();
        if is_due && !self.is_resting() {
            self.flush(now, false);
        }
    }

    /// The agent ends: everything is written down.
    pub fn close(&mut self, now: Timestamp) {
        self.take_in(now);
        if self.is_on {
            self.remark(now, Note::Stopped);
        }
        self.flush(now, true);
    }

    /// Whether the disk refused a moment ago.
    fn is_resting(&self) -> bool {
        self.refused.is_some_and(|refused| refused.elapsed() < RETRY)
    }

    fn today(&self, now: Timestamp) -> String {
        day(&clock(now, &self.zone)).to_owned()
    }

    fn take_in(&mut self, now: Timestamp) {
        while let Some(entry) = self.inbox.take() {
            let line = entry.line(&self.zone);
            self.totals.add(&line);
            let json = serde_json::to_vec(&line).expect("a line has only strings and numbers");
            if self.waiting.len() + json.len() >= MAX_WAITING {
                self.not_logged += 1;
                continue;
            }
            if !self.waiting.is_empty() && self.waiting_day != day(&line.time) && !self.is_resting() {
                self.flush(now, false); // each day into its file
            }
            self.put(&line.time, &json);
        }
        self.not_logged += self.inbox.take_missed();
        if self.not_logged > 0 && self.waiting.len() < FLUSH_BYTES {
            let messages = std::mem::take(&mut self.not_logged);
            let trouble = Trouble::new(words::NOT_LOGGED).with("count", messages);
            let trouble = trouble.with("path", self.folder.display());
            warn!(code = %trouble.code, "{trouble}");
            self.totals.not_logged(&self.today(now), messages);
            self.remark(now, Note::NotLogged { messages });
        }
    }

    fn remark(&mut self, now: Timestamp, note: Note) {
        let remark = Remark { time: clock(now, &self.zone), note };
        let json = serde_json::to_vec(&remark).expect("a remark has only strings and numbers");
        self.put(&remark.time, &json);
    }

    fn put(&mut self, time: &str, line: &[u8]) {
        if self.waiting.is_empty() {
            day(time).clone_into(&mut self.waiting_day);
        }
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    /// What an earlier start left behind.
    fn take_up(&mut self, now: Timestamp) {
        let path = self.folder.join(TODAY);
        let left: Option<Today> = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let has_files = files::all(&self.folder).is_ok_and(|files| !files.is_empty());
        let Some(left) = left else {
            if has_files {
                self.on_not_closed(now, String::new());
            }
            return;
        };
        self.totals = left.totals;
        let file = DayFile::of(&self.folder.join(&left.file));
        let length = file.as_ref().and_then(|file| fs::metadata(&file.path).ok()).map_or(0, |found| found.len());
        let mut is_whole = length == left.length;
        if let Some(file) = file.as_ref().filter(|_| length > left.length) {
            // A frame was written, and then the power went before its sums were.
            let totals = &mut self.totals;
            let counted = files::read_lines(&file.path, left.length, |line| {
                if let Some(Read::Message(line)) = Read::parse(line) {
                    totals.add(&line);
                }
            });
            is_whole = counted.unwrap_or(false);
        }
        if let Some(file) = file.filter(|file| is_whole && file.day == self.today(now)) {
            self.file = Open::new(file).ok(); // else another file is begun, and its trouble told
        }
        if !left.is_closed || (!is_whole && !left.file.is_empty()) {
            self.on_not_closed(now, left.at);
        }
    }

    fn on_not_closed(&mut self, now: Timestamp, after: String) {
        let trouble = Trouble::new(words::LOG_NOT_CLOSED).with("path", self.folder.display());
        let trouble = trouble.with("after", if after.is_empty() { "?" } else { &after });
        warn!(code = %trouble.code, "{trouble}");
        self.remark(now, Note::NotClosed { after, seconds: FLUSH_EVERY.as_secs() });
    }

    fn flush(&mut self, now: Timestamp, is_last: bool) {
        match self.write(now, is_last) {
            Ok(()) => (self.refused, self.is_fresh) = (None, false),
            Err((path, error)) => {
                if self.refused.is_none() {
                    let trouble = Trouble::new(words::LOG_UNWRITABLE).with("path", path.display());
                    let trouble = trouble.with("error", error);
                    error!(code = %trouble.code, "{trouble}");
                }
                self.refused = Some(Instant::now());
            }
        }
    }

    fn write(&mut self, now: Timestamp, is_last: bool) -> Result<(), (PathBuf, io::Error)> {
        let folder = self.folder.clone();
        let here = |error| (folder.clone(), error);
        if self.waiting.is_empty() && self.file.is_none() && self.totals.0.is_empty() {
            return Ok(()); // switched off, and nothing was ever written
        }
        fs::create_dir_all(&self.folder).map_err(here)?;
        if !self.waiting.is_empty() {
            let room = self.settings.max_size / FILES;
            if self.file.as_ref().is_none_or(|open| open.day_file.day != self.waiting_day || open.length >= room) {
                self.file = Some(self.begin(&self.waiting_day).map_err(here)?);
                self.clear_up(now).map_err(here)?;
            }
            let frame = zstd::bulk::compress(&self.waiting, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(here)?;
            let open = self.file.as_mut().expect("it was opened above");
            if let Err(error) = open.append(&frame) {
                let path = open.day_file.path.clone();
                if open.take_back().is_err() {
                    self.file = None; // what is torn stays as it is; the next file begins clean
                }
                return Err((path, error));
            }
            self.waiting.clear();
            self.waiting_since = None;
        }
        self.close_days(now).map_err(here)?;
        self.save(now, is_last).map_err(here)
    }

    /// The next file of this day that is not there yet, or the last one if nothing stands in it.
    fn begin(&self, today: &str) -> io::Result<Open> {
        let files = files::all(&self.folder).map_err(|trouble| io::Error::other(trouble.to_string()))?;
        let last = files.into_iter().filter(|file| file.day == today).max_by_key(|file| file.number);
        let next = last.as_ref().map_or(0, |last| last.number.saturating_add(1));
        let empty = last.filter(|last| fs::metadata(&last.path).is_ok_and(|meta| meta.len() == 0));
        Open::new(empty.unwrap_or_else(|| DayFile::new(&self.folder, today, next)))
    }

    /// Deletes what is too old or too much, and says so in the log.
    fn clear_up(&mut self, now: Timestamp) -> io::Result<()> {
        let files = files::all(&self.folder).map_err(|trouble| io::Error::other(trouble.to_string()))?;
        let sized = files.into_iter().map(|file| {
            let size = fs::metadata(&file.path).map_or(0, |found| found.len());
            (file, size)
        });
        let sized: Vec<_> = sized.collect();
        let keep_days = (self.settings.keep.as_secs() / 86_400).max(1) as usize;
        let max_size = self.settings.max_size - self.settings.max_size / FILES; // the newest file grows yet
        let open = self.file.as_ref().map(|open| open.day_file.path.clone());
        for file in files::too_many(&sized, keep_days, max_size) {
            if Some(&file.path) != open.as_ref() {
                fs::remove_file(&file.path)?;
                self.remark(now, Note::Deleted { file: file.name() });
            }
        }
        Ok(())
    }

    /// Days that are over go into the file of sums; once, whatever happens in between.
    fn close_days(&mut self, now: Timestamp) -> io::Result<()> {
        let today = self.today(now);
        let over = self.totals.over(&today);
        if over.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(TOTALS);
        let before = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let known: Vec<Total> = totals_of(&before);
        let mut text = Vec::new();
        if before.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n'); // a line was torn by a power cut
        }
        for total in over.iter().filter(|total| !known.contains(total)) {
            text.extend(serde_json::to_vec(total).expect("sums are JSON"));
            text.push(b'\n');
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(&text)?;
        file.sync_data()?;
        self.totals.0.retain(|total| total.day == today);
        Ok(())
    }

    fn save(&mut self, now: Timestamp, is_closed: bool) -> io::Result<()> {
        let excess = self.totals.0.len().saturating_sub(MAX_OPEN_TOTALS);
        self.totals.0.drain(..excess);
        let (file, length) = self.file.as_ref().map_or((String::new(), 0), |open| (open.day_file.name(), open.length));
        let today = Today { file, length, at: clock(now, &self.zone), is_closed, totals: self.totals.clone() };
        let (path, fresh) = (self.folder.join(TODAY), self.folder.join("today.json.new"));
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(&today).expect("sums are JSON"))?;
        file.sync_data()?;
        fs::rename(fresh, path)
    }
}

impl Open {
    fn new(day_file: DayFile) -> io::Result<Open> {
        let file = OpenOptions::new().create(true).append(true).open(&day_file.path)?;
        let length = file.metadata()?.len();
        Ok(Open { day_file, file, length })
    }

    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        self.file.write_all(frame)?;
        self.file.sync_data()?;
        self.length += frame.len() as u64;
        Ok(())
    }

    /// What came of an append that failed is cut off, so that the file can be gone on with.
    fn take_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)
    }
}

/// The sums in a file of sums; lines that are none are passed over.
fn totals_of(bytes: &[u8]) -> Vec<Total> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The sums of all days, the running one included, each day and sink once.
pub fn totals(state_dir: &Path) -> Result<Vec<Total>, Trouble> {
    let folder = state_dir.join(FOLDER);
    let read = |name: &str| match fs::read(folder.join(name)) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(files::unreadable(&folder.join(name), error)),
    };
    let closed = totals_of(&read(TOTALS)?);
    let running: Today = serde_json::from_slice(&read(TODAY)?).unwrap_or_default();
    let open = running.totals.0.into_iter().filter(|total| !closed.contains(total));
    let mut all: Vec<Total> = Vec::new();
    for total in closed.iter().cloned().chain(open) {
        match all.iter_mut().find(|known| (&known.day, &known.sink) == (&total.day, &total.sink)) {
            Some(known) => known.merge(&total),
            None => all.push(total),
        }
    }
    all.sort_by(|a, b| (&a.day, &a.sink).cmp(&(&b.day, &b.sink)));
    Ok(all)
}

#[cfg(test)]
mod tests;
