//! What the journal's file says of the wall clock: how far it was ahead of the monotonic one in each start of the agent, once it was
//! trusted, and the last time that is known to have been.
//!
//! The rule: a row stays as it was written. Its true time is found when it is read, from its own monotonic time and the offset of
//! its start, which is one small write whenever trust comes.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::fault;
use super::store::Journal;
use crate::model::{Event, Stream, Timestamp, Trouble, TrustedBy};

impl Journal {
    /// Keeps where the trusted wall clock stood against the monotonic one in this start of the agent.
    pub fn keep_offset(&mut self, offset_ms: i64, by: TrustedBy) -> Result<(), Trouble> {
        let update = "UPDATE boots SET offset = coalesce(offset, ?2), trust = ?3 WHERE id = ?1";
        let kept = self.connection.execute(update, (self.boot_row, offset_ms, by.as_str()));
        kept.map_err(|error| fault::of_sqlite(&self.place.file, &error))?;
        let offset_ms = self.offset.map_or(offset_ms, |(first, _)| first);
        self.offset = Some((offset_ms, by));
        Ok(())
    }

    /// The last time that is known to have been, when the journal was opened: no true time is before it.
    pub fn known_time(&self) -> Option<Timestamp> {
        self.known
    }
}

/// When the files were written last, by the wall clock of then. To be asked before they are opened.
pub(super) fn touched(file: &Path) -> Option<Timestamp> {
    let wal = format!("{}-wal", file.display());
    let written = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok().map(Timestamp::of);
    written(file).max(written(Path::new(&wal)))
}

/// The last time known. When the files were written counts only if the clock was trusted then.
pub(super) fn known(connection: &Connection, touched: Option<Timestamp>) -> rusqlite::Result<Option<Timestamp>> {
    let last_boot = "SELECT trust IS NOT NULL FROM boots ORDER BY id DESC LIMIT 1";
    let was_trusted = connection.query_row(last_boot, [], |row| row.get(0)).optional()?.unwrap_or(false);
    let mut known = touched.filter(|_| was_trusted);
    for stream in ["data", "events"] {
        let newest = format!("SELECT at, clock FROM {stream} ORDER BY seq DESC LIMIT 1");
        let newest = connection.query_row(&newest, [], |row| Ok((Timestamp(row.get(0)?), row.get::<_, i64>(1)?)));
        known = known.max(newest.optional()?.filter(|(_, clock)| *clock != 1).map(|(at, _)| at));
    }
    Ok(known)
}

/// The columns behind [`judged_at`] of a row: mark, and of a start whose clock was not trusted what it said then and what was true.
pub(super) fn dating(stream: Stream) -> String {
    let of_start = |column| format!("CASE clock WHEN 1 THEN (SELECT {column} FROM boots WHERE id = {stream}.boot) END");
    format!("clock, {}, {}", of_start("offset"), of_start("started"))
}

/// The time by which a row is judged to be old; of one that nobody can date, the latest there is.
pub(super) fn judged_at(at: Timestamp, clock: i64, offset: Option<i64>, started: Option<i64>) -> Timestamp {
    match (clock, offset, started) {
        // Not before its start: the clock was set by then, and only not trusted yet.
        (1, Some(offset), _) if at.0 >= offset => at,
        (1, Some(offset), Some(started)) => Timestamp(at.0.saturating_add(offset.saturating_sub(started))),
        (1, ..) => Timestamp(i64::MAX),
        _ => at,
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    mono: Option<u64>,
}

#[derive(Deserialize)]
struct Mono {
    mono: Option<u64>,
}

/// The body of an event's row.
pub(super) fn event_body(event: &Event, mono_ms: Option<u64>) -> Vec<u8> {
    serde_json::to_vec(&Body { event, mono: mono_ms }).expect("an event has only strings and whole numbers")
}

/// The monotonic time in it.
pub(super) fn mono_in(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Mono>(body).ok()?.mono
}

#[cfg(test)]
mod tests;
