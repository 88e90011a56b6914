//! Forget: taking a sink that is no longer wanted out of a journal that no agent uses.
//!
//! The rule: whoever changes the file holds its lock.

use std::path::Path;

use super::store::lock;
use super::{Place, fault, schema};
use crate::model::{Seq, Stream, Trouble};

/// Takes a sink's cursors, its quarantine and what it used up of its budget out of the journal in `dir`. Whether it had a cursor.
/// Refused with [`crate::model::words::journal::IN_USE`] while an agent runs.
pub fn forget_sink(dir: &Path, place: &Place, sink: &str) -> Result<bool, Trouble> {
    let _lock = lock(dir)?;
    let mut connection = schema::open_writer(&place.file)?;
    let mut forget = || {
        let transaction = connection.transaction()?;
        let cursors = transaction.execute("DELETE FROM cursors WHERE sink = ?1", [sink])?;
        transaction.execute("DELETE FROM quarantine WHERE sink = ?1", [sink])?;
        transaction.execute("DELETE FROM usage WHERE sink = ?1", [sink])?;
        transaction.commit()?;
        Ok(cursors > 0)
    };
    forget().map_err(|error| fault::of_sqlite(&place.file, &error))
}

/// Takes records out of quarantine for good: those of a sink, or one of them. How many there were. Refused while an agent runs.
pub fn drop_quarantined(dir: &Path, place: &Place, sink: &str, one: Option<(Stream, Seq)>) -> Result<usize, Trouble> {
    let _lock = lock(dir)?;
    let connection = schema::open_writer(&place.file)?;
    let dropped = match one {
        None => connection.execute("DELETE FROM quarantine WHERE sink = ?1", [sink]),
        Some((stream, seq)) => connection.execute(
            "DELETE FROM quarantine WHERE sink = ?1 AND stream = ?2 AND seq = ?3",
            (sink, stream.as_str(), i64::try_from(seq).unwrap_or(i64::MAX)),
        ),
    };
    dropped.map_err(|error| fault::of_sqlite(&place.file, &error))
}
