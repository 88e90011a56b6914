//! Upkeep: what the journal does from time to time and not at each commit. Cursors are stored, what everybody has is
//! deleted, limits are kept, free pages go back to the file system.
//!
//! The rule: cursors, counters and the deletion that they explain are one transaction; and each call ends soon, however
//! much there is to do.

use rusqlite::{Connection, TransactionBehavior};

use super::schema::PAGE_SIZE;
use super::store::{Held, Journal, RESERVED_AHEAD, Stored, natural, oldest};
use super::{clock, fault};
use crate::model::{Loss, LossCause, Seq, Stream, Timestamp, Trouble};

/// Records in one deleting transaction: some hundred kB, a few milliseconds.
const STEP_RECORDS: usize = 256;

/// Deleting transactions in one call: 16,000 records, well below a second. The next call goes on.
const MAX_STEPS: usize = 64;

/// What can wait is done in every so manieth call: once a minute.
const SELDOM: u32 = 6;

/// Free pages that stay in the file for the next commits: 1 MB.
const FREE_PAGES_KEPT: i64 = 1024;

/// Pages given back in one call, 2 MB: each may have to be moved first.
const FREE_PAGES_AT_ONCE: i64 = 2048;

/// Records that were given up although some sink still wanted them, or because there is no sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Of which stream.
    pub stream: Stream,
    /// Which limit.
    pub cause: LossCause,
    /// How many records.
    pub records: u64,
    /// How many samples in them.
    pub samples: u64,
}

impl Journal {
    /// Stores moved cursors, deletes what all of them have passed, then keeps age and size: oldest first, events by size
    /// only when no data is left. Tells what was given up since the last call that succeeded. Call it every 60 commits,
    /// every 10 seconds and at the end.
    pub fn maintain(&mut self, now: Timestamp) -> Result<Vec<Dropped>, Trouble> {
        self.rounds = self.rounds.wrapping_add(1);
        self.upkeep(now).map_err(|error| fault::of_sqlite(&self.place.file, &error))?;
        self.check_in_place()?;
        let marks = self.high.marks();
        let is_short = Stream::ALL.iter().any(|stream| {
            let last = self.held[*stream as usize].last;
            marks.reserved[*stream as usize] < last + RESERVED_AHEAD / 2
        });
        let has_grown = marks.written != self.held.map(|held| held.written);
        if is_short || (has_grown && self.rounds.is_multiple_of(SELDOM)) {
            self.reserve()?;
        }
        Ok(std::mem::take(&mut self.dropped))
    }

    fn upkeep(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let mut steps = MAX_STEPS;
        for stream in Stream::ALL {
            if let Some(floor) = self.cursors.floor(stream) {
                self.cut(stream, None, now, &mut steps, |row| row.seq <= floor)?;
            }
        }
        let too_old = now.before(self.max_age);
        for stream in Stream::ALL {
            self.cut(stream, Some(LossCause::MaxAge), now, &mut steps, |row| row.at < too_old)?;
        }
        for stream in Stream::ALL {
            while steps > 0 && self.held[stream as usize].records > 0 {
                let mut excess = used_bytes(&self.connection)?.saturating_sub(self.max_size);
                if excess == 0 {
                    break;
                }
                let mut one_step = 1;
                self.cut(stream, Some(LossCause::MaxSize), now, &mut one_step, |row| {
                    let wanted = excess > 0;
                    excess = excess.saturating_sub(row.bytes_on_disk());
                    wanted
                })?;
                steps -= 1;
            }
        }
        if self.is_worth_storing() {
            self.store()?;
        }
        give_back_pages(&self.connection)
    }

    /// A cursor over nothing but delivered records, none of which is in the file, costs a commit and saves nothing: a crash
    /// sends nothing again. It is stored now and then.
    fn is_worth_storing(&self) -> bool {
        let counted = |held: &[Held; 2]| held.map(|held| Held { last: 0, ..held });
        let has_moved = self.stored.cursors != self.cursors;
        let is_empty = self.held.iter().all(|held| held.records == 0);
        counted(&self.stored.held) != counted(&self.held)
            || self.stored.losses != self.losses
            || self.stored.reserved != self.high.marks().reserved
            || self.stored.cursors.names().ne(self.cursors.names())
            || (has_moved && (!is_empty || self.rounds.is_multiple_of(SELDOM)))
    }

    /// Stores cursors, counters and losses.
    pub(super) fn store(&mut self) -> rusqlite::Result<()> {
        self.step(None, self.held)
    }

    /// Deletes from the old end of the stream as long as `wanted` says so, in at most so many steps.
    fn cut(
        &mut self,
        stream: Stream,
        cause: Option<LossCause>,
        now: Timestamp,
        steps: &mut usize,
        mut wanted: impl FnMut(&Row) -> bool,
    ) -> rusqlite::Result<()> {
        while *steps > 0 {
            let mut rows = oldest_rows(&self.connection, stream)?;
            let found = rows.len();
            if let Some(kept) = rows.iter().position(|row| !wanted(row)) {
                rows.truncate(kept);
            }
            let (Some(first), Some(through)) = (rows.first().map(|row| row.seq), rows.last().map(|row| row.seq)) else {
                return Ok(());
            };
            let (records, samples) =
                (rows.len() as u64, rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.samples)));
            let mut held = self.held;
            let left = &mut held[stream as usize];
            left.records = left.records.saturating_sub(records);
            left.samples = left.samples.saturating_sub(samples);
            let before = self.losses.clone();
            if let Some(cause) = cause {
                left.dropped_records = left.dropped_records.saturating_add(records);
                left.dropped_samples = left.dropped_samples.saturating_add(samples);
                self.lose(stream, Loss { first, last: through, samples, cause, at: now });
            }
            if let Err(error) = self.step(Some((stream, through)), held) {
                self.losses = before; // nothing was deleted
                return Err(error);
            }
            if let Some(cause) = cause {
                self.note(Dropped { stream, cause, records, samples });
            }
            *steps -= 1;
            if rows.len() < found || found < STEP_RECORDS {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One transaction: deletes, and stores cursors, losses and counters as they are then.
    fn step(&mut self, delete: Option<(Stream, Seq)>, mut held: [Held; 2]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some((stream, through)) = delete {
            transaction.prepare_cached(&format!("DELETE FROM {stream} WHERE seq <= ?1"))?.execute([through as i64])?;
            held[stream as usize].oldest = oldest(&transaction, stream)?;
        }
        if self.cursors != self.stored.cursors {
            transaction.execute("DELETE FROM cursors", [])?;
            let mut insert = transaction
                .prepare_cached("INSERT INTO cursors (sink, stream, position, last_sent) VALUES (?1, ?2, ?3, ?4)")?;
            for (sink, stream, cursor) in self.cursors.iter() {
                insert.execute((sink, stream.as_str(), cursor.position as i64, cursor.last_sent as i64))?;
            }
        }
        if self.losses != self.stored.losses {
            transaction.execute("DELETE FROM losses", [])?;
            let mut insert = transaction.prepare_cached("INSERT INTO losses VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for (stream, losses) in Stream::ALL.into_iter().zip(self.losses.iter()) {
                for Loss { first, last, samples, cause, at } in losses.iter() {
                    let (first, last, samples) = (*first as i64, *last as i64, *samples as i64);
                    insert.execute((stream.as_str(), first, last, samples, cause.as_str(), at.0))?;
                }
            }
        }
        let reserved = self.high.marks().reserved;
        for (stream, held) in Stream::ALL.into_iter().zip(&held) {
            transaction
                .prepare_cached(
                    "UPDATE streams SET high = ?2, records = ?3, samples = ?4, dropped_records = ?5, dropped_samples = ?6,
                     reserved = ?7 WHERE stream = ?1",
                )?
                .execute((
                    stream.as_str(),
                    held.written as i64,
                    held.records as i64,
                    held.samples as i64,
                    held.dropped_records as i64,
                    held.dropped_samples as i64,
                    reserved[stream as usize] as i64,
                ))?;
        }
        transaction.commit()?;
        self.held = held;
        self.stored = Stored { cursors: self.cursors.clone(), held, losses: self.losses.clone(), reserved };
        Ok(())
    }

    /// Adds to what is to be told, one entry per stream and cause.
    fn note(&mut self, new: Dropped) {
        match self.dropped.iter_mut().find(|old| (old.stream, old.cause) == (new.stream, new.cause)) {
            Some(old) => {
                old.records = old.records.saturating_add(new.records);
                old.samples = old.samples.saturating_add(new.samples);
            }
            None => self.dropped.push(new),
        }
    }
}

/// What has to be known of a row to decide about it.
struct Row {
    seq: Seq,
    at: Timestamp,
    samples: u64,
    body_bytes: u64,
}

impl Row {
    /// About what its deletion frees.
    fn bytes_on_disk(&self) -> u64 {
        self.body_bytes + 40
    }
}

/// The oldest rows of a stream, as many as one step deletes. The length of a body is known without reading the body.
fn oldest_rows(connection: &Connection, stream: Stream) -> rusqlite::Result<Vec<Row>> {
    let samples = if stream == Stream::Data { "samples" } else { "0" };
    let dating = clock::dating(stream);
    let sql =
        format!("SELECT seq, at, {samples}, length(body), {dating} FROM {stream} ORDER BY seq LIMIT {STEP_RECORDS}");
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map([], |row| {
        let [seq, at, samples, body_bytes] = [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        let at = clock::judged_at(Timestamp(at), row.get(4)?, row.get(5)?, row.get(6)?);
        Ok(Row { seq: natural(seq), at, samples: natural(samples), body_bytes: natural(body_bytes) })
    })?;
    rows.collect()
}

/// Bytes of pages in use. Free pages are not counted: the next commits take them before the file grows.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(((pragma("page_count")? - pragma("freelist_count")?).max(0) * PAGE_SIZE) as u64)
}

/// Gives free pages back to the file system, some at a time.
fn give_back_pages(connection: &Connection) -> rusqlite::Result<()> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let pages = (free - FREE_PAGES_KEPT).min(FREE_PAGES_AT_ONCE);
    if pages > 0 {
        // One page per row: a statement that is not stepped to its end frees only the first.
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}
