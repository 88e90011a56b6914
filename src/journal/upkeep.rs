//! Upkeep: what the journal does from time to time and not at each commit. Cursors are stored, limits are kept
//! ([`super::retention`]), free pages go back to the file system.
//!
//! The rule: cursors, counters and the deletion that they explain are one transaction; and each call ends soon, however
//! much there is to do.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::ahead;
use super::cursors::Cursors;
use super::fault;
use super::limits::Round;
use super::renewal::Work;
use super::schema::PAGE_SIZE;
use super::store::{Desk, Held, Journal, RESERVED_AHEAD, Stored};
use crate::model::{Loss, LossCause, Losses, Stream, Trouble, Usage};

/// What can wait is done in every so manieth call: once a minute.
const SELDOM: u32 = 6;

/// Free pages that stay in the file for the next commits: 1 MB.
const FREE_PAGES_KEPT: i64 = 1024;

/// What a sink used up is kept for so many months, for people who compare it with a bill.
const MONTHS_KEPT: u16 = 24;

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
    /// Stores moved cursors, deletes what all of them have passed, then keeps age, size and free space. Tells what was given up since
    /// the last call that succeeded. Call it every 60 commits, every 10 seconds and at the end. A damaged file is set aside; the next
    /// call then finds less to do.
    pub fn maintain(&mut self, round: impl Into<Round>) -> Result<Vec<Dropped>, Trouble> {
        let round = round.into();
        self.now = round.now;
        self.rounds = self.rounds.wrapping_add(1);
        self.come_ashore()?;
        match self.upkeep(&round) {
            Ok(()) => self.faults[Work::Upkeep as usize] = 0,
            Err(error) => {
                let trouble = fault::of_sqlite(&self.place.file, &error);
                if !self.mend(&trouble, Work::Upkeep) {
                    return Err(trouble);
                }
            }
        }
        if let Err(trouble) = self.check_in_place()
            && self.begin_anew().is_err()
        {
            return Err(trouble);
        }
        let marks = self.high.marks();
        let is_short = Stream::ALL.iter().any(|stream| {
            let last = self.held[*stream as usize].last;
            marks.reserved[*stream as usize] < last + RESERVED_AHEAD / 2
        });
        let (written, passed) = (self.held.map(|held| held.written), self.passed());
        let has_grown = marks.written != written;
        // Behind what is written nobody asks who had it.
        let has_moved = Stream::ALL.map(|stream| {
            let nth = stream as usize;
            marks.passed[nth].min(written[nth]) != passed[nth].min(written[nth])
        });
        if is_short || ((has_grown || has_moved.contains(&true)) && self.rounds.is_multiple_of(SELDOM)) {
            self.reserve()?;
        }
        Ok(std::mem::take(&mut self.dropped))
    }

    fn upkeep(&mut self, round: &Round) -> rusqlite::Result<()> {
        let retained = self.retain(round);
        // Where nothing can be deleted, cursors still are where they are.
        if self.is_worth_storing() {
            self.store()?;
        }
        retained?;
        let is_short = round.free_bytes.is_some_and(|free| free < self.limits.reserve);
        match (is_short, round.is_idle) {
            (true, _) => give_back_pages(&self.connection, 0),
            (false, true) => give_back_pages(&self.connection, FREE_PAGES_KEPT),
            (false, false) => Ok(()),
        }
    }

    /// A cursor over nothing but delivered records, none of which is in the file, costs a commit and saves nothing: a crash
    /// sends nothing again. It is stored now and then.
    fn is_worth_storing(&self) -> bool {
        let counted = |held: &[Held; 2]| held.map(|held| Held { last: 0, ..held });
        let has_moved = self.stored.cursors != self.cursors;
        let is_empty = self.held.iter().all(|held| held.records == 0);
        counted(&self.stored.held) != counted(&self.held)
            || self.stored.losses != self.losses
            || self.ledger.is_due(self.rounds)
            || self.stored.reserved != self.high.marks().reserved
            || self.stored.cursors.names().ne(self.cursors.names())
            || (has_moved && (!is_empty || self.rounds.is_multiple_of(SELDOM)))
    }

    /// Stores cursors, counters and losses.
    pub(super) fn store(&mut self) -> rusqlite::Result<()> {
        self.step_with(self.held, |_, _, _| Ok(()))
    }

    /// One transaction: does the work, and stores cursors, losses and counters as they are then.
    pub(super) fn step_with(
        &mut self,
        mut held: [Held; 2],
        work: impl FnOnce(&Transaction<'_>, &mut [Held; 2], &mut Desk<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let Journal { connection, packer, unpacker, dictionary, .. } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut desk = Desk { packer, unpacker, dictionary };
        if let Err(error) = work(&transaction, &mut held, &mut desk) {
            self.dictionary.forget(); // entries of the transaction are gone with it
            return Err(error);
        }
        if self.cursors != self.stored.cursors {
            store_cursors(&transaction, &self.cursors)?;
        }
        if self.losses != self.stored.losses {
            for (stream, losses) in Stream::ALL.into_iter().zip(self.losses.iter()) {
                store_losses(&transaction, stream, losses)?;
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
        let left = self.ledger.write(&transaction)?;
        let has_uploads = self.uploads.is_due(self.rounds);
        if has_uploads {
            self.uploads.write(&transaction)?;
        }
        transaction.commit()?;
        self.ledger.on_written(left);
        if has_uploads {
            self.uploads.on_written();
        }
        self.held = held;
        self.stored = Stored { cursors: self.cursors.clone(), held, losses: Arc::clone(&self.losses), reserved };
        Ok(())
    }

    /// Adds to what is to be told, one entry per stream and cause.
    pub(super) fn note(&mut self, new: Dropped) {
        match self.dropped.iter_mut().find(|old| (old.stream, old.cause) == (new.stream, new.cause)) {
            Some(old) => {
                old.records = old.records.saturating_add(new.records);
                old.samples = old.samples.saturating_add(new.samples);
            }
            None => self.dropped.push(new),
        }
    }
}

/// Puts cursors, and what is with them, in the place of those that were stored.
pub(super) fn store_cursors(transaction: &Transaction<'_>, cursors: &Cursors) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM cursors", [])?;
    let mut insert = transaction
        .prepare_cached("INSERT INTO cursors (sink, stream, position, last_sent, ahead) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (sink, stream, cursor) in cursors.iter() {
        let ahead = if stream == Stream::Data { ahead::encode(&cursors.ahead(sink)) } else { None };
        insert.execute((sink, stream.as_str(), cursor.position as i64, cursor.last_sent as i64, ahead))?;
    }
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO usage VALUES (?1, ?2, ?3, ?4)")?;
    let mut forget = transaction.prepare_cached("DELETE FROM usage WHERE sink = ?1 AND month < ?2")?;
    for (sink, Usage { month, bytes, messages }) in cursors.usages() {
        insert.execute((sink, month.to_string(), bytes as i64, messages as i64))?;
        forget.execute((sink, month.before(MONTHS_KEPT).to_string()))?;
    }
    Ok(())
}

/// Puts the losses of a stream in the place of those that were stored.
pub(super) fn store_losses(transaction: &Transaction<'_>, stream: Stream, losses: &Losses) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM losses WHERE stream = ?1", [stream.as_str()])?;
    let mut insert = transaction.prepare_cached("INSERT INTO losses VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for Loss { first, last, samples, cause, at } in losses.iter() {
        let (first, last, samples) = (*first as i64, *last as i64, *samples as i64);
        insert.execute((stream.as_str(), first, last, samples, cause.as_str(), at.0))?;
    }
    Ok(())
}

/// Bytes of pages in use. Free pages are not counted: the next commits take them before the file grows.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(((pragma("page_count")? - pragma("freelist_count")?).max(0) * PAGE_SIZE) as u64)
}

/// Gives free pages beyond `kept` back to the file system, some at a time.
fn give_back_pages(connection: &Connection, kept: i64) -> rusqlite::Result<()> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let pages = (free - kept).min(FREE_PAGES_AT_ONCE);
    if pages > 0 {
        // One page per row: a statement that is not stepped to its end frees only the first.
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}
