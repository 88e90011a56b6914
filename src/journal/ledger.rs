//! The sample ledger on the disk: one row for each account and hour. Counts are staged here and written with the transaction of the
//! upkeep, so that they cost no commit of their own while there is another one to go with.
//!
//! The rule: a row is only ever added to, or a sample of it moved from those that were taken to those that are lost; both in one
//! transaction with what explains it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};

use super::fault;
use super::reader::Reader;
use super::retention::Row;
use super::store::Journal;
use super::{dictionary, store};
use crate::model::ledger::{Account, Entry, HOUR_MS, Lost, Tally, hour_of};
use crate::model::{DataRecord, Reading, Seq, Stream, Timestamp, Trouble};

/// The ledger is kept so long: a year, and a month to look back upon it.
const KEPT_MS: i64 = 400 * 24 * HOUR_MS;

/// Hours that go at once when they are older. One goes by in an hour; a wall clock that is wrong for a while takes little with it.
const HOURS_AT_ONCE: i64 = 48;

/// Calls of the upkeep in which counts wait for a transaction that is written anyway. At 10 s a call, and with the one for which the recorder
/// keeps them back, a crash loses the counts of 40 s at most, which become `agent_down`; a transaction of their own in each call would cost a gateway whose broker answers more
/// than everything else that it writes.
const PATIENCE_ROUNDS: u32 = 3;

/// A sample may be lost before it is counted: its loss waits so long for it.
const LOSS_WAITS_MS: i64 = 2 * HOUR_MS;

/// Lines that are staged while the disk refuses, about 300 bytes each: 100 accounts for 4 days. Beyond it, further hours are counted
/// in the last one of their account.
const MOST_STAGED: usize = 10_000;

/// Damaged records that are remembered, some 300 kB, so that the second sink does not count them again. Beyond it the lowest are forgotten:
/// the ledger is then worse than the truth.
const MOST_DAMAGED: usize = 10_000;

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Staged {
    entries: BTreeMap<(Timestamp, Account), Entry>,
    losses: Losses,
    /// Records that were found damaged and that some sink may still find.
    damaged: BTreeSet<Seq>,
    /// Since which call of the upkeep something waits.
    waits_since: Option<u32>,
    is_urgent: bool,
    /// The hour in which old ones were deleted last.
    swept: Option<Timestamp>,
}

/// Samples that were taken and are lost, by hour, account and cause.
type Losses = BTreeMap<(Timestamp, Account, Lost), u64>;

impl Staged {
    fn enter(&mut self, entry: Entry, round: u32) {
        self.waits_since.get_or_insert(round);
        let mut key = (entry.hour, entry.account.clone());
        if self.entries.len() >= MOST_STAGED && !self.entries.contains_key(&key) {
            let of_account = self.entries.keys().rev().find(|(_, account)| *account == key.1);
            key = of_account.cloned().unwrap_or(key);
        }
        match self.entries.get_mut(&key) {
            Some(staged) => {
                staged.tally.add(&entry.tally);
                (staged.tags, staged.until) = (entry.tags, entry.until);
            }
            None => drop(self.entries.insert(key, entry)),
        }
    }

    fn lose(&mut self, account: Account, at: Timestamp, samples: u64, cause: Lost) {
        if samples > 0 {
            let place = self.losses.entry((hour_of(at), account, cause)).or_default();
            *place = place.saturating_add(samples);
        }
    }

    /// Whether it is worth a transaction of its own.
    pub(super) fn is_due(&self, round: u32) -> bool {
        let has_waited = |since: u32| round.wrapping_sub(since) >= PATIENCE_ROUNDS;
        self.is_urgent || !self.losses.is_empty() || self.waits_since.is_some_and(has_waited)
    }

    /// What is lost so far, for [`Staged::take_back`].
    pub(super) fn losses(&self) -> Losses {
        self.losses.clone()
    }

    /// What was lost since is not.
    pub(super) fn take_back(&mut self, before: Losses) {
        self.losses = before;
    }

    /// Adds everything to its rows. Returns losses of samples that are not counted yet.
    pub(super) fn write(&self, transaction: &Transaction) -> rusqlite::Result<Losses> {
        for entry in self.entries.values() {
            let mut row = read_row(transaction, entry.hour, &entry.account)?.unwrap_or_default();
            row.tally.add(&entry.tally);
            row.until = entry.until.map(|until| until.0);
            write_row(transaction, entry.hour, &entry.account, entry.tags, &row)?;
        }
        let newest = self.entries.keys().map(|(hour, _)| *hour).max().or(self.swept);
        let mut left = Losses::new();
        for ((hour, account, cause), samples) in &self.losses {
            let mut moved = 0;
            if let Some(mut row) = read_row(transaction, *hour, account)? {
                moved = row.tally.lose(*samples, *cause);
                write_row(transaction, *hour, account, row.tags, &row)?;
            }
            if moved < *samples && newest.is_none_or(|newest| newest.0.saturating_sub(hour.0) < LOSS_WAITS_MS) {
                left.insert((*hour, account.clone(), *cause), samples - moved);
            }
        }
        if let Some(newest) = newest.filter(|newest| self.swept != Some(*newest)) {
            sweep(transaction, newest)?;
        }
        Ok(left)
    }

    /// It is on the disk, but for these losses.
    pub(super) fn on_written(&mut self, left: Losses) {
        self.swept = self.entries.keys().map(|(hour, _)| *hour).max().or(self.swept);
        self.entries.clear();
        self.losses = left;
        (self.waits_since, self.is_urgent) = (None, false);
    }
}

impl Journal {
    /// Counts for the ledger. They are stored with the upkeep that comes, or one of the next ones.
    pub fn enter(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.ledger.enter(entry, self.rounds);
        }
    }

    /// The next upkeep stores them.
    pub fn hurry_ledger(&mut self) {
        self.ledger.is_urgent = true;
    }

    /// Whether counts wait to be stored.
    pub fn has_ledger_entries(&self) -> bool {
        !self.ledger.entries.is_empty()
    }

    /// Samples of a record that were taken and are lost.
    pub fn lose_taken(&mut self, record: &DataRecord, cause: Lost) {
        let account = Account { device: record.group.device.clone(), period_ms: record.group.period_ms() };
        for scan in &record.scans {
            let is_taken = |reading: &&Reading| !matches!(reading, Reading::Bad(_));
            let taken = scan.readings.iter().flatten().filter(is_taken).count() as u64;
            self.ledger.lose(account.clone(), scan.at, taken, cause);
        }
    }

    /// Samples of rows that are given up by a limit, as far as somebody still wanted them. How many of them were bad is not known
    /// without their bodies: they count as taken, which makes the ledger worse than the truth, and never better.
    pub(super) fn lose_rows(&mut self, stream: Stream, rows: &[Row]) -> rusqlite::Result<()> {
        if stream != Stream::Data || self.cursors.floor(stream).is_none() {
            return Ok(()); // without a sink the journal is a history, and its end is no loss
        }
        let mut accounts: HashMap<i64, Option<Account>> = HashMap::new();
        for row in rows {
            let account = match accounts.get(&row.group) {
                Some(account) => account.clone(),
                None => {
                    let account = self.account_of(row.group)?;
                    accounts.insert(row.group, account.clone());
                    account
                }
            };
            if let Some(account) = account {
                self.ledger.lose(account, row.at, row.samples, Lost::Dropped);
            }
        }
        Ok(())
    }

    /// Samples of a record that a reader found damaged. Several sinks may find the same one.
    pub fn lose_damaged(&mut self, seq: Seq) -> Result<(), Trouble> {
        if !self.ledger.damaged.insert(seq) {
            return Ok(());
        }
        if self.ledger.damaged.len() > MOST_DAMAGED {
            // What every sink has passed is found by none again.
            let passed = self.cursors.floor(Stream::Data).unwrap_or(0);
            self.ledger.damaged.retain(|damaged| *damaged > passed);
        }
        if self.ledger.damaged.len() > MOST_DAMAGED {
            self.ledger.damaged.pop_first();
        }
        let lose = |journal: &mut Journal| {
            let sql = "SELECT grp, at, samples FROM data WHERE seq = ?1";
            let columns = |row: &rusqlite::Row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?));
            let Some((group, at, samples)) = journal.connection.query_row(sql, [seq as i64], columns).optional()?
            else {
                return Ok(());
            };
            if let Some(account) = journal.account_of(group)? {
                journal.ledger.lose(account, Timestamp(at), store::natural(samples), Lost::Corrupt);
            }
            Ok(())
        };
        lose(self).map_err(|error| fault::of_sqlite(&self.place.file, &error))
    }

    fn account_of(&mut self, group: i64) -> rusqlite::Result<Option<Account>> {
        let group = dictionary::read(&self.connection, &mut self.unpacker, group)?;
        Ok(group.map(|group| Account { period_ms: group.period_ms(), device: group.device }))
    }

    /// Up to where each account was counted when the agent ran last. Looks at the last hours only.
    pub fn ledger_marks(&self, now: Timestamp) -> Result<BTreeMap<Account, Timestamp>, Trouble> {
        marks(&self.connection, now).map_err(|error| fault::of_sqlite(&self.place.file, &error))
    }

    /// The lines of one hour, as they are stored.
    pub fn ledger_hour(&self, hour: Timestamp) -> Result<Vec<Entry>, Trouble> {
        let next = Timestamp(hour.0.saturating_add(HOUR_MS));
        entries(&self.connection, hour, next).map_err(|error| fault::of_sqlite(&self.place.file, &error))
    }
}

impl Reader {
    /// The lines of the ledger from the hour `from` up to the hour `to`, that one not included. Ask for a day at a time: a long read
    /// keeps the WAL from being emptied.
    pub fn ledger(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Entry>, Trouble> {
        self.look(|connection| entries(connection, from, to))
    }

    /// The first and the last hour of the ledger.
    pub fn ledger_span(&self) -> Result<Option<(Timestamp, Timestamp)>, Trouble> {
        self.look(|connection| {
            let ends = |row: &rusqlite::Row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
            let sql = "SELECT (SELECT min(hour) FROM ledger), (SELECT max(hour) FROM ledger)";
            let (first, last) = connection.query_row(sql, [], ends)?;
            Ok(first.zip(last).map(|(first, last)| (Timestamp(first), Timestamp(last))))
        })
    }
}

/// The column `counts`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counts {
    #[serde(flatten)]
    tally: Tally,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    /// The column beside it.
    #[serde(skip)]
    tags: u64,
}

/// A row that says nothing readable is none.
fn read_row(connection: &Connection, hour: Timestamp, account: &Account) -> rusqlite::Result<Option<Counts>> {
    let row: Option<(i64, String)> = connection
        .prepare_cached("SELECT tags, counts FROM ledger WHERE hour = ?1 AND device = ?2 AND period = ?3")?
        .query_row((hour.0, &*account.device, account.period_ms as i64), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.and_then(|(tags, text)| counts(tags, &text)))
}

fn counts(tags: i64, text: &str) -> Option<Counts> {
    let counts: Counts = serde_json::from_str(text).ok()?;
    Some(Counts { tags: store::natural(tags), ..counts })
}

fn write_row(
    transaction: &Transaction,
    hour: Timestamp,
    account: &Account,
    tags: u64,
    counts: &Counts,
) -> rusqlite::Result<()> {
    let text = serde_json::to_string(counts).expect("counts are whole numbers under words");
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO ledger (hour, device, period, tags, counts) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((hour.0, &*account.device, account.period_ms as i64, tags as i64, text))?;
    Ok(())
}

fn sweep(transaction: &Transaction, newest: Timestamp) -> rusqlite::Result<()> {
    let oldest: Option<i64> = transaction.query_row("SELECT min(hour) FROM ledger", [], |row| row.get(0))?;
    let too_old = newest.0.saturating_sub(KEPT_MS);
    if let Some(oldest) = oldest.filter(|oldest| *oldest < too_old) {
        let until = oldest.saturating_add(HOURS_AT_ONCE * HOUR_MS).min(too_old);
        transaction.execute("DELETE FROM ledger WHERE hour < ?1", [until])?;
    }
    Ok(())
}

fn marks(connection: &Connection, now: Timestamp) -> rusqlite::Result<BTreeMap<Account, Timestamp>> {
    let newest = |sql: &str, now: &[i64]| {
        connection.query_row(sql, rusqlite::params_from_iter(now), |row| row.get::<_, Option<i64>>(0))
    };
    // A clock that was wrong may have left hours that are still to come; one that is wrong now knows none that are past.
    let newest = match newest("SELECT max(hour) FROM ledger WHERE hour <= ?1", &[now.0])? {
        None => newest("SELECT max(hour) FROM ledger", &[])?,
        newest => newest,
    };
    let Some(newest) = newest else { return Ok(BTreeMap::new()) };
    let first = newest.saturating_sub(HOUR_MS);
    let mut marks = BTreeMap::new();
    for entry in entries(connection, Timestamp(first), Timestamp(newest.saturating_add(1)))? {
        match entry.until {
            Some(until) => drop(marks.insert(entry.account, until)),
            None => drop(marks.remove(&entry.account)),
        }
    }
    Ok(marks)
}

/// In the order of hours, then devices and periods.
fn entries(connection: &Connection, from: Timestamp, to: Timestamp) -> rusqlite::Result<Vec<Entry>> {
    let mut select = connection.prepare_cached(
        "SELECT hour, device, period, tags, counts FROM ledger WHERE hour >= ?1 AND hour < ?2
         ORDER BY hour, device, period",
    )?;
    let mut rows = select.query((from.0, to.0))?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let (hour, device, period): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let Some(Counts { tally, until, tags }) = counts(row.get(3)?, &row.get::<_, String>(4)?) else { continue };
        let account = Account { device: Arc::from(device), period_ms: store::natural(period).max(1) };
        entries.push(Entry { hour: Timestamp(hour), account, tags, tally, until: until.map(Timestamp) });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
