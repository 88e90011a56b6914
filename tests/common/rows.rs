//! A look into the agent's journal from outside, as `sqlite3` would do it: which records are committed. What the columns mean is
//! the agent's own affair; positions and numbers of samples are part of the promise.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// Position and samples of each committed data record.
pub fn rows(state: &Path) -> Vec<(u64, u64)> {
    let open = || -> rusqlite::Result<Vec<(u64, u64)>> {
        let reader = Connection::open_with_flags(state.join("journal.sqlite"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut select = reader.prepare("SELECT seq, samples FROM data ORDER BY seq")?;
        let rows = select.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)))?;
        rows.collect()
    };
    open().unwrap_or_default() // the file is not made yet
}
