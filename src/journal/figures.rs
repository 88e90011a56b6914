//! Figures on the disk: the cells and the state log of each device, the snapshots from which engines go on, frozen baselines, and the
//! audit trail of what people changed. Bodies are JSON of those who ask for them: what they mean is not known here, and where a
//! column says the same as a body, the column counts.
//!
//! The rule: rows are staged here and written with the transaction of the commit that comes, together with the snapshot that
//! they follow from; so that no crash counts anything twice.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::fault;
use super::look::Look;
use super::store::{Journal, natural};
use crate::model::{Timestamp, Trouble};

const HOUR_MS: i64 = 3_600_000;

const DAY_MS: i64 = 24 * HOUR_MS;

/// Cells stay three years: an assessor compares the year before a retrofit with the one behind it, and the months of the work between.
const CELLS_KEPT_MS: i64 = 3 * 366 * DAY_MS;

/// The state log stays a year, and a month to look back upon it, as the sample ledger does.
const INTERVALS_KEPT_MS: i64 = 400 * DAY_MS;

/// Rows of cells at most, about 1 kB each: half of what a journal may hold by default. Fifty machines fill it in a year, twenty keep
/// their three years. Beyond it the oldest go.
const MOST_CELLS: i64 = 1_000_000;

/// The same of the state log, about 300 bytes each.
const MOST_INTERVALS: i64 = 1_000_000;

/// Rows that go in one transaction, so that none takes long.
const ROWS_AT_ONCE: i64 = 2_000;

/// Entries of the audit trail at most: one for each thing that a person did in years.
const MOST_AUDIT: i64 = 10_000;

/// No cell is longer; the search for those that reach into a span begins so much before it.
const LONGEST_CELL_MS: i64 = 2 * HOUR_MS;

/// Rows that are staged while the disk refuses, or after the agent was off for long, some 50 MB: of fifty devices, the cells of forty
/// days. Beyond it the oldest are given up.
const MOST_STAGED: usize = 50_000;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureRow {
    /// The device's id.
    pub device: String,
    /// First moment.
    pub start: Timestamp,
    /// First moment behind it.
    pub end: Timestamp,
    /// How often it was changed since it was first told. It counts, and not what the body says.
    pub revision: u32,
    /// JSON of the cell.
    pub body: String,
}

/// One interval of the state log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntervalRow {
    /// The device's id.
    pub device: String,
    /// First moment.
    pub start: Timestamp,
    /// First moment behind it. It counts, and not what the body says: a later interval may have cut it.
    pub end: Timestamp,
    /// The state's word.
    pub state: String,
    /// The cause; may be empty.
    pub cause: String,
    /// Of a device, no two events have the same.
    pub event_id: i64,
    /// JSON of the interval.
    pub body: String,
}

/// A baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineRow {
    /// Its name.
    pub name: String,
    /// When it was frozen.
    pub at: Timestamp,
    /// JSON of whoever froze it.
    pub body: String,
}

/// An entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its number, given when it is stored.
    #[serde(default)]
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What was done, in a word: `reclassify`, `baseline`; `refused`: a wish that could not be granted.
    pub what: String,
    /// JSON of whoever did it.
    pub body: String,
}

/// The last snapshot of a device's engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// The device's id.
    pub device: String,
    /// When it was taken.
    pub at: Timestamp,
    /// What the engine restores.
    pub body: Vec<u8>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct StagedFigures {
    cells: BTreeMap<(Timestamp, String), FigureRow>,
    intervals: BTreeMap<(Timestamp, String), IntervalRow>,
    snapshots: BTreeMap<String, SnapshotRow>,
    /// Cells that are stored as they are: what is noted in them is no new revision.
    notes: BTreeMap<(Timestamp, String), FigureRow>,
    /// The day in which old rows were deleted last.
    swept: Option<i64>,
}

impl StagedFigures {
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.intervals.is_empty() && self.snapshots.is_empty() && self.notes.is_empty()
    }

    /// Writes all of it.
    pub(super) fn write(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        for row in self.cells.values() {
            let stored = stored_cell(transaction, &row.device, row.start)?;
            let revision = match &stored {
                Some((_, body)) if *body == row.body => continue,
                Some((revision, _)) => row.revision.max(revision + 1),
                None => row.revision,
            };
            put_cell(transaction, &FigureRow { revision, ..row.clone() })?;
        }
        for row in self.notes.values() {
            put_cell(transaction, row)?;
        }
        for row in self.intervals.values() {
            cut(transaction, row)?;
            put_interval(transaction, row)?;
        }
        for SnapshotRow { device, at, body } in self.snapshots.values() {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO snapshots (device, body, at) VALUES (?1, ?2, ?3)")?
                .execute(params![device, body, at.0])?;
        }
        if let Some(day) = self.day_to_sweep() {
            sweep(transaction, day * DAY_MS)?;
        }
        Ok(())
    }

    /// It is on the disk.
    pub(super) fn on_written(&mut self) {
        self.swept = self.day_to_sweep().or(self.swept);
        self.cells.clear();
        self.notes.clear();
        self.intervals.clear();
        self.snapshots.clear();
    }

    /// By the newest cell, since that is settled by a trusted clock.
    fn day_to_sweep(&self) -> Option<i64> {
        let day = self.cells.values().map(|row| row.end.0.div_euclid(DAY_MS)).max();
        day.filter(|day| self.swept.is_none_or(|swept| swept < *day))
    }
}

impl Journal {
    /// A cell, or a changed one. It is stored with the next commit. If another one is stored in its place, its revision becomes higher.
    pub fn put_cell(&mut self, row: FigureRow) {
        self.figures.notes.remove(&(row.start, row.device.clone()));
        self.figures.cells.insert((row.start, row.device.clone()), row);
        drop_beyond(&mut self.figures.cells);
    }

    /// A cell in which something was noted that is no figure: its revision stays as it is.
    pub fn note_in_cell(&mut self, row: FigureRow) {
        let key = (row.start, row.device.clone());
        match self.figures.cells.get_mut(&key) {
            Some(staged) => *staged = row, // which is stored with the revision that it has, or a higher one
            None => _ = self.figures.notes.insert(key, row),
        }
        drop_beyond(&mut self.figures.notes);
    }

    /// The state log of a device that is stored, as far as it reaches into `[from, to)`.
    pub fn stored_intervals(&self, from: Timestamp, to: Timestamp, device: &str) -> Result<Vec<IntervalRow>, Trouble> {
        intervals(&self.connection, from, to, Some(device)).map_err(|error| fault::of_sqlite(&self.place.file, &error))
    }

    /// What waits to be stored of a device's state log from this moment on is taken back: all of it is told anew.
    pub fn take_back_intervals(&mut self, from: Timestamp, device: &str) {
        self.figures.intervals.retain(|(start, of), _| of != device || *start < from);
    }

    /// An interval of the state log. It is stored with the next commit, and cuts what overlaps it.
    pub fn put_interval(&mut self, row: IntervalRow) {
        self.figures.intervals.insert((row.start, row.device.clone()), row);
        drop_beyond(&mut self.figures.intervals);
    }

    /// From where the engine of this device goes on. It is stored with the next commit.
    pub fn put_snapshot(&mut self, row: SnapshotRow) {
        self.figures.snapshots.insert(row.device.clone(), row);
    }

    /// Whether figures wait to be stored.
    pub fn has_figures(&self) -> bool {
        !self.figures.is_empty()
    }

    /// The last snapshot of a device; `None`: there is none.
    pub fn snapshot(&self, device: &str) -> Result<Option<SnapshotRow>, Trouble> {
        if let Some(staged) = self.figures.snapshots.get(device) {
            return Ok(Some(staged.clone()));
        }
        snapshot(&self.connection, device).map_err(|error| fault::of_sqlite(&self.place.file, &error))
    }

    /// Cells that reach into `[from, to)`, of one device or of all, those among them that are not stored yet.
    pub fn cells(&self, from: Timestamp, to: Timestamp, device: Option<&str>) -> Result<Vec<FigureRow>, Trouble> {
        let stored = cells(&self.connection, from, to, device);
        let stored = stored.map_err(|error| fault::of_sqlite(&self.place.file, &error))?;
        let mut rows: BTreeMap<(String, Timestamp), FigureRow> =
            stored.into_iter().map(|row| ((row.device.clone(), row.start), row)).collect();
        let is_asked = |row: &&FigureRow| device.is_none_or(|id| id == row.device) && row.start < to && row.end > from;
        for row in self.figures.notes.values().chain(self.figures.cells.values()).filter(is_asked) {
            rows.insert((row.device.clone(), row.start), row.clone());
        }
        Ok(rows.into_values().collect())
    }
}

impl Look {
    /// Cells that reach into `[from, to)`, of one device or of all, by device and start. None from a file that an older version wrote.
    pub fn cells(&self, from: Timestamp, to: Timestamp, device: Option<&str>) -> Result<Vec<FigureRow>, Trouble> {
        self.of_table("cells", |connection| cells(connection, from, to, device))
    }

    /// From when to when there are cells, of one device or of all; `None`: there are none.
    pub fn span_of_cells(&self, device: Option<&str>) -> Result<Option<(Timestamp, Timestamp)>, Trouble> {
        self.of_table("cells", |connection| {
            let sql = "SELECT min(start), max(end) FROM cells WHERE ?1 IS NULL OR device = ?1";
            connection.query_row(sql, [device], |row| {
                let (first, last): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                Ok(first.zip(last).map(|(first, last)| (Timestamp(first), Timestamp(last))))
            })
        })
    }

    /// The same of the state log.
    pub fn intervals(&self, from: Timestamp, to: Timestamp, device: Option<&str>) -> Result<Vec<IntervalRow>, Trouble> {
        self.of_table("intervals", |connection| intervals(connection, from, to, device))
    }

    /// The same of all devices without bodies, which are most of the bytes.
    pub fn states(&self, from: Timestamp, to: Timestamp) -> Result<Vec<IntervalRow>, Trouble> {
        self.of_table("intervals", |connection| rows_of_intervals(connection, "''", (from, to), None))
    }

    /// The baseline of this name.
    pub fn baseline(&self, name: &str) -> Result<Option<BaselineRow>, Trouble> {
        self.of_table("baselines", |connection| baseline(connection, name))
    }

    /// All baselines, in the order of their names.
    pub fn baselines(&self) -> Result<Vec<BaselineRow>, Trouble> {
        self.of_table("baselines", |connection| {
            let mut select = connection.prepare_cached("SELECT name, at, body FROM baselines ORDER BY name")?;
            select.query_map([], baseline_row)?.collect()
        })
    }

    /// The audit trail, oldest first.
    pub fn audit(&self) -> Result<Vec<AuditRow>, Trouble> {
        self.of_table("audit", |connection| {
            let mut select = connection.prepare_cached("SELECT id, at, what, body FROM audit ORDER BY id")?;
            let row = |row: &rusqlite::Row| {
                Ok(AuditRow { id: row.get(0)?, at: Timestamp(row.get(1)?), what: row.get(2)?, body: row.get(3)? })
            };
            select.query_map([], row)?.collect()
        })
    }

    /// The last snapshot of a device, for what is not settled yet.
    pub fn snapshot(&self, device: &str) -> Result<Option<SnapshotRow>, Trouble> {
        self.of_table("snapshots", |connection| snapshot(connection, device))
    }
}

fn drop_beyond<T>(rows: &mut BTreeMap<(Timestamp, String), T>) {
    while rows.len() > MOST_STAGED {
        rows.pop_first();
    }
}

/// Revision and body.
pub(super) fn stored_cell(
    connection: &Connection,
    device: &str,
    start: Timestamp,
) -> rusqlite::Result<Option<(u32, String)>> {
    connection
        .prepare_cached("SELECT revision, body FROM cells WHERE device = ?1 AND start = ?2")?
        .query_row((device, start.0), |row| Ok((revision(row.get(0)?), row.get(1)?)))
        .optional()
}

pub(super) fn put_cell(connection: &Connection, row: &FigureRow) -> rusqlite::Result<()> {
    let FigureRow { device, start, end, revision, body } = row;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO cells (device, start, end, revision, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![device, start.0, end.0, revision, body])?;
    Ok(())
}

pub(super) fn put_interval(connection: &Connection, row: &IntervalRow) -> rusqlite::Result<()> {
    let IntervalRow { device, start, end, state, cause, event_id, body } = row;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO intervals (device, start, end, state, cause, event_id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![device, start.0, end.0, state, cause, event_id, body])?;
    Ok(())
}

/// No moment stands twice in the log: after a clock that stood in the future, or without a snapshot, an engine begins again earlier
/// than it ended.
fn cut(connection: &Connection, new: &IntervalRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM intervals WHERE device = ?1 AND start >= ?2 AND start < ?3")?
        .execute(params![new.device, new.start.0, new.end.0])?;
    connection
        .prepare_cached("UPDATE intervals SET end = ?2 WHERE device = ?1 AND start < ?2 AND end > ?2")?
        .execute(params![new.device, new.start.0])?;
    Ok(())
}

pub(super) fn put_baseline(connection: &Connection, row: &BaselineRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO baselines (name, body, at) VALUES (?1, ?2, ?3)")?
        .execute(params![row.name, row.body, row.at.0])?;
    Ok(())
}

pub(super) fn put_audit(connection: &Connection, row: &AuditRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO audit (at, what, body) VALUES (?1, ?2, ?3)")?
        .execute(params![row.at.0, row.what, row.body])?;
    connection
        .prepare_cached("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1")?
        .execute([MOST_AUDIT])?;
    Ok(())
}

/// Old rows go, and the oldest of those that are too many; the rest of them on another day.
fn sweep(connection: &Connection, now_ms: i64) -> rusqlite::Result<()> {
    for (table, kept_ms, most) in
        [("cells", CELLS_KEPT_MS, MOST_CELLS), ("intervals", INTERVALS_KEPT_MS, MOST_INTERVALS)]
    {
        let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        let oldest = |limit: i64, until: i64| {
            let sql = format!(
                "DELETE FROM {table} WHERE rowid IN
                 (SELECT rowid FROM {table} WHERE start < ?2 AND end <= ?2 ORDER BY start LIMIT ?1)"
            );
            connection.execute(&sql, [limit, until])
        };
        oldest(ROWS_AT_ONCE, now_ms.saturating_sub(kept_ms))?;
        oldest((rows - most).clamp(0, ROWS_AT_ONCE), i64::MAX)?;
    }
    Ok(())
}

fn cells(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    device: Option<&str>,
) -> rusqlite::Result<Vec<FigureRow>> {
    let mut select = connection.prepare_cached(
        "SELECT device, start, end, revision, body FROM cells
         WHERE start > ?1 AND start < ?2 AND end > ?3 AND (?4 IS NULL OR device = ?4) ORDER BY device, start",
    )?;
    let earliest = from.0.saturating_sub(LONGEST_CELL_MS);
    let rows = select.query_map(params![earliest, to.0, from.0, device], |row| {
        let (start, end) = (Timestamp(row.get(1)?), Timestamp(row.get(2)?));
        Ok(FigureRow { device: row.get(0)?, start, end, revision: revision(row.get(3)?), body: row.get(4)? })
    })?;
    rows.collect()
}

pub(super) fn intervals(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    device: Option<&str>,
) -> rusqlite::Result<Vec<IntervalRow>> {
    rows_of_intervals(connection, "body", (from, to), device)
}

fn rows_of_intervals(
    connection: &Connection,
    body: &str,
    (from, to): (Timestamp, Timestamp),
    device: Option<&str>,
) -> rusqlite::Result<Vec<IntervalRow>> {
    let sql = format!(
        "SELECT device, start, end, state, cause, event_id, {body} FROM intervals
         WHERE end > ?1 AND start < ?2 AND (?3 IS NULL OR device = ?3) ORDER BY device, start"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params![from.0, to.0, device], |row| {
        Ok(IntervalRow {
            device: row.get(0)?,
            start: Timestamp(row.get(1)?),
            end: Timestamp(row.get(2)?),
            state: row.get(3)?,
            cause: row.get(4)?,
            event_id: row.get(5)?,
            body: row.get(6)?,
        })
    })?;
    rows.collect()
}

pub(super) fn baseline(connection: &Connection, name: &str) -> rusqlite::Result<Option<BaselineRow>> {
    let mut select = connection.prepare_cached("SELECT name, at, body FROM baselines WHERE name = ?1")?;
    select.query_row([name], baseline_row).optional()
}

fn baseline_row(row: &rusqlite::Row) -> rusqlite::Result<BaselineRow> {
    Ok(BaselineRow { name: row.get(0)?, at: Timestamp(row.get(1)?), body: row.get(2)? })
}

fn snapshot(connection: &Connection, device: &str) -> rusqlite::Result<Option<SnapshotRow>> {
    let mut select = connection.prepare_cached("SELECT device, at, body FROM snapshots WHERE device = ?1")?;
    let row =
        |row: &rusqlite::Row| Ok(SnapshotRow { device: row.get(0)?, at: Timestamp(row.get(1)?), body: row.get(2)? });
    select.query_row([device], row).optional()
}

fn revision(n: i64) -> u32 {
    u32::try_from(natural(n)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
