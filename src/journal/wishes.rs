//! Wishes: what a person changes of the figures from the command line. Only one process writes the journal, so that while an agent runs
//! the change is laid into a file beside it, and the agent takes it in at its next upkeep; otherwise it is written at once.
//!
//! The rule: a wish is granted whole or not at all, and either way the audit trail says so. A file is removed once that is on the disk;
//! one that was granted before and not removed is known by its rows, and not granted twice.

use std::fs::{self, DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, TransactionBehavior};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::figures::{self, AuditRow, BaselineRow, FigureRow, IntervalRow};
use super::store::{Journal, lock};
use super::{Place, fault, schema};
use crate::model::words::journal as words;
use crate::model::{Timestamp, Trouble};

/// The folder within the journal's directory.
const FOLDER: &str = "wishes";

/// Bytes of a wish: figures of a site for a baseline are some 10 kB, the cells of a day 50 kB.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Rows of a wish: an interval of a day touches 24 cells, or some more where shifts begin.
const MOST_ROWS: usize = 1_000;

/// Bytes of a name or word.
const LONGEST_WORD: usize = 256;

/// Wishes that may wait; beyond it they are refused where they are made.
const MOST_WAITING: usize = 100;

/// Wishes that are taken in at a time.
const AT_ONCE: usize = 10;

/// What is to be changed, all or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Cells that take the place of stored ones; the revision of each is one higher than that.
    #[serde(default)]
    pub cells: Vec<FigureRow>,
    /// Intervals that take the place of those with the same device and start, or stand between others.
    #[serde(default)]
    pub intervals: Vec<IntervalRow>,
    /// Baselines. One that is there already stays as it was frozen, and the change is refused.
    #[serde(default)]
    pub baselines: Vec<BaselineRow>,
    /// What the audit trail is to say; without an entry there is no change.
    pub audit: Vec<AuditRow>,
}

/// Where a change went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// It is stored.
    Written,
    /// An agent runs, and takes it in within some 10 seconds: the file is gone then, and the audit trail has the answer.
    Handed(PathBuf),
}

/// A wish that was granted: whose figures changed, and from when to when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The device's id.
    pub device: String,
    /// The first moment of a cell that changed.
    pub from: Timestamp,
    /// The first moment behind them.
    pub to: Timestamp,
}

/// Makes a change in the journal in `dir`, or hands it to the agent that runs there.
pub fn submit(dir: &Path, place: &Place, change: &Change, now: Timestamp) -> Result<Submitted, Trouble> {
    check(change).map_err(|why| refusal(&why))?;
    let held = match lock(dir) {
        Ok(held) => held,
        Err(trouble) if trouble.code == words::IN_USE => return hand_over(dir, change, now).map(Submitted::Handed),
        Err(trouble) => return Err(trouble),
    };
    let mut connection = schema::open_writer(&place.file)?;
    let granted = grant(&mut connection, change);
    drop(held);
    match granted {
        Ok(()) => Ok(Submitted::Written),
        Err(Obstacle::Refused(why)) => Err(refusal(&why)),
        Err(Obstacle::Disk(error)) => Err(fault::of_sqlite(&place.file, &error)),
    }
}

/// Freezes a baseline, with its entry of the audit trail.
pub fn put_baseline(dir: &Path, place: &Place, row: BaselineRow, audit: AuditRow) -> Result<Submitted, Trouble> {
    let now = audit.at;
    submit(dir, place, &Change { baselines: vec![row], audit: vec![audit], ..Change::default() }, now)
}

/// An entry of the audit trail alone.
pub fn put_audit(dir: &Path, place: &Place, audit: AuditRow) -> Result<Submitted, Trouble> {
    let now = audit.at;
    submit(dir, place, &Change { audit: vec![audit], ..Change::default() }, now)
}

impl Journal {
    /// Takes in what waits in the folder, some at a time. Tells whose cells changed.
    pub fn take_wishes(&mut self, now: Timestamp) -> Result<Vec<Granted>, Trouble> {
        let dir = self.place.dir();
        let folder = dir.join(FOLDER);
        make_folder(&dir)?;
        let mut granted = Vec::new();
        for path in waiting(&folder).into_iter().take(AT_ONCE) {
            let change = match read(&path) {
                Ok(change) => change,
                Err(why) => {
                    self.refuse_wish(&path, &why, None, now)?;
                    continue;
                }
            };
            match grant(&mut self.connection, &change) {
                Ok(()) => granted.extend(touched(&change)),
                Err(Obstacle::Refused(why)) => {
                    self.refuse_wish(&path, &why, change.audit.first(), now)?;
                    continue;
                }
                Err(Obstacle::Disk(error)) => return Err(fault::of_sqlite(&self.place.file, &error)),
            }
            remove(&path);
        }
        Ok(granted)
    }

    fn refuse_wish(&mut self, path: &Path, why: &str, audit: Option<&AuditRow>, at: Timestamp) -> Result<(), Trouble> {
        let wished = audit.and_then(|row| serde_json::from_str::<serde_json::Value>(&row.body).ok());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let what = audit.map(|row| row.what.as_str());
        let body = serde_json::json!({ "file": name, "why": why, "what": what, "wish": wished }).to_string();
        let row = AuditRow { id: 0, at, what: "refused".into(), body };
        figures::put_audit(&self.connection, &row).map_err(|error| fault::of_sqlite(&self.place.file, &error))?;
        self.news.push(refusal(why));
        remove(path);
        Ok(())
    }
}

/// Why a change is not made.
enum Obstacle {
    Refused(String),
    Disk(rusqlite::Error),
}

impl From<rusqlite::Error> for Obstacle {
    fn from(error: rusqlite::Error) -> Obstacle {
        Obstacle::Disk(error)
    }
}

fn refusal(why: &str) -> Trouble {
    Trouble::new(words::WISH_REFUSED).with("why", why)
}

/// What can be said of a change without the journal.
fn check(change: &Change) -> Result<(), String> {
    let Change { cells, intervals, baselines, audit } = change;
    if audit.is_empty() {
        return Err("no entry for the audit trail".into());
    }
    if cells.len() + intervals.len() + baselines.len() + audit.len() > MOST_ROWS {
        return Err(format!("more than {MOST_ROWS} rows"));
    }
    let spans = cells.iter().map(|row| (&row.device, row.start, row.end));
    let spans = spans.chain(intervals.iter().map(|row| (&row.device, row.start, row.end)));
    for (device, start, end) in spans.clone() {
        if start >= end {
            return Err(format!("{device}: ends before it begins"));
        }
    }
    let words = spans.map(|(device, ..)| device);
    let words = words.chain(intervals.iter().flat_map(|row| [&row.state, &row.cause]));
    let words = words.chain(baselines.iter().map(|row| &row.name)).chain(audit.iter().map(|row| &row.what));
    if let Some(long) = words.clone().find(|word| word.len() > LONGEST_WORD) {
        return Err(format!("a word of {} bytes", long.len()));
    }
    let bodies = cells.iter().map(|row| &row.body).chain(intervals.iter().map(|row| &row.body));
    let mut bodies = bodies.chain(baselines.iter().map(|row| &row.body)).chain(audit.iter().map(|row| &row.body));
    if bodies.any(|body| serde_json::from_str::<IgnoredAny>(body).is_err()) {
        return Err("a body is not JSON".into());
    }
    Ok(())
}

/// All of it in one transaction.
fn grant(connection: &mut Connection, change: &Change) -> Result<(), Obstacle> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_granted(&transaction, change)? {
        return Ok(());
    }
    for row in &change.cells {
        let stored = figures::stored_cell(&transaction, &row.device, row.start)?.map(|(revision, _)| revision);
        if stored.is_none_or(|revision| row.revision != revision + 1) {
            return Err(Obstacle::Refused(format!("{}: the figures have changed meanwhile", row.device)));
        }
        figures::put_cell(&transaction, row)?;
    }
    for row in &change.intervals {
        figures::put_interval(&transaction, row)?;
    }
    for row in &change.intervals {
        if figures::intervals(&transaction, row.start, row.end, Some(&row.device))?.len() != 1 {
            return Err(Obstacle::Refused(format!("{}: the state log has changed meanwhile", row.device)));
        }
    }
    for row in &change.baselines {
        if figures::baseline(&transaction, &row.name)?.is_some() {
            return Err(Obstacle::Refused(format!("the baseline {} is frozen already", row.name)));
        }
        figures::put_baseline(&transaction, row)?;
    }
    for row in &change.audit {
        figures::put_audit(&transaction, row)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether every row stands there already.
fn is_granted(connection: &Connection, change: &Change) -> rusqlite::Result<bool> {
    for row in &change.cells {
        let stored = figures::stored_cell(connection, &row.device, row.start)?;
        if stored.is_none_or(|(revision, body)| revision != row.revision || body != row.body) {
            return Ok(false);
        }
    }
    for row in &change.intervals {
        if !figures::intervals(connection, row.start, row.end, Some(&row.device))?.contains(row) {
            return Ok(false);
        }
    }
    for row in &change.baselines {
        if figures::baseline(connection, &row.name)?.as_ref() != Some(row) {
            return Ok(false);
        }
    }
    Ok(!(change.cells.is_empty() && change.intervals.is_empty() && change.baselines.is_empty()))
}

fn touched(change: &Change) -> Vec<Granted> {
    let mut touched: Vec<Granted> = Vec::new();
    for row in &change.cells {
        match touched.iter_mut().find(|known| known.device == row.device) {
            Some(known) => (known.from, known.to) = (known.from.min(row.start), known.to.max(row.end)),
            None => touched.push(Granted { device: row.device.clone(), from: row.start, to: row.end }),
        }
    }
    touched
}

/// By age, as far as names say it.
fn waiting(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    found.sort();
    found
}

fn read(path: &Path) -> Result<Change, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("more than {MOST_BYTES} bytes"));
    }
    let change: Change = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    check(&change)?;
    Ok(change)
}

fn remove(path: &Path) {
    fs::remove_file(path).ok(); // it is known by its rows, or refused again
}

/// Lays the change into the folder, under its name once it is whole.
fn hand_over(dir: &Path, change: &Change, now: Timestamp) -> Result<PathBuf, Trouble> {
    static NTH: AtomicU32 = AtomicU32::new(0);
    let folder = dir.join(FOLDER);
    make_folder(dir)?;
    if waiting(&folder).len() >= MOST_WAITING {
        return Err(refusal("the agent has not taken in what waits"));
    }
    let nth = NTH.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{:015}-{}-{nth}.json", now.0.max(0), std::process::id()));
    let partial = path.with_extension("tmp");
    let write = || {
        // The folder is the agent's alone; the file may be of another user, who may be root.
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o644).open(&partial)?;
        serde_json::to_writer(&mut file, change)?;
        file.flush()?;
        file.sync_all()?;
        fs::rename(&partial, &path)
    };
    write().map_err(|error| fault::of_io(&path, &error))?;
    Ok(path)
}

/// Makes the folder, as the agent does at its first upkeep: then it is the agent's, which has to remove files from it.
fn make_folder(dir: &Path) -> Result<(), Trouble> {
    let folder = dir.join(FOLDER);
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| fault::of_io(&folder, &error))
}

#[cfg(test)]
mod tests;
