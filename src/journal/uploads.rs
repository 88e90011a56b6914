//! Uploads on the disk: one row for each hour, device and sink. Counts are staged here and written with a transaction of the upkeep that
//! is written anyway.
//!
//! The rule: a row is only ever added to; and what is acknowledged is counted with the cursor that passed it, or after, so that a record that
//! is sent again after a crash is counted once.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::look::Look;
use super::store::{Journal, natural};
use crate::model::ledger::HOUR_MS;
use crate::model::{Delays, Route, Timestamp, Trouble, Upload};

/// As the sample ledger: a year, and a month to look back upon it.
const KEPT_MS: i64 = 400 * 24 * HOUR_MS;

/// Rows at most, about 90 bytes each: two sinks of fifty devices for 400 days. Beyond it the oldest go.
const MOST_ROWS: i64 = 1_000_000;

/// Rows that go in one transaction, so that none takes long.
const ROWS_AT_ONCE: i64 = 2_000;

/// Calls of the upkeep, 10 s each, for which counts are gathered before they are written: what a crash takes from them at most. The rows of fifty
/// machines are some pages, which are then written once a minute and not six times.
const PATIENCE_ROUNDS: u32 = 6;

/// Rows that are staged while the disk refuses: fifty devices, two sinks, four days. Beyond it nothing more is counted: shares are then
/// lower than they were.
const MOST_STAGED: usize = 10_000;

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct StagedUploads {
    rows: BTreeMap<Route, Upload>,
    /// Since which call of the upkeep something waits.
    waits_since: Option<u32>,
    is_urgent: bool,
    /// The hour in which old ones were deleted last.
    swept: Option<Timestamp>,
}

impl StagedUploads {
    fn add(&mut self, route: Route, upload: &Upload, round: u32) {
        if self.rows.len() >= MOST_STAGED && !self.rows.contains_key(&route) {
            return;
        }
        self.waits_since.get_or_insert(round);
        self.rows.entry(route).or_default().add(upload);
    }

    /// The next transaction takes them, however short they have waited.
    pub(super) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// Whether they go with the transaction that comes.
    pub(super) fn is_due(&self, round: u32) -> bool {
        self.is_urgent || self.waits_since.is_some_and(|since| round.wrapping_sub(since) >= PATIENCE_ROUNDS)
    }

    /// Adds all of it to its rows.
    pub(super) fn write(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        for (route, upload) in &self.rows {
            let mut sum = row(transaction, route)?.unwrap_or_default();
            sum.add(upload);
            put(transaction, route, &sum)?;
        }
        match self.newest().filter(|newest| self.swept != Some(*newest)) {
            Some(newest) => sweep(transaction, newest.0),
            None => Ok(()),
        }
    }

    /// It is on the disk.
    pub(super) fn on_written(&mut self) {
        self.swept = self.newest().or(self.swept);
        self.rows.clear();
        (self.waits_since, self.is_urgent) = (None, false);
    }

    fn newest(&self) -> Option<Timestamp> {
        self.rows.keys().next_back().map(|route| route.hour)
    }
}

impl Journal {
    /// Counts of uploads. They are stored with an upkeep within a minute that stores something else, and at the end.
    pub fn count_upload(&mut self, route: Route, upload: &Upload) {
        self.uploads.add(route, upload, self.rounds);
    }
}

impl Look {
    /// Uploads of the hours that begin in `[from, to)`, in their order. None from a file that an older version wrote.
    pub fn uploads(
        &self,
        from: Timestamp,
        to: Timestamp,
        device: Option<&str>,
    ) -> Result<Vec<(Route, Upload)>, Trouble> {
        self.of_table("uploads", |connection| {
            let mut select = connection.prepare_cached(
                "SELECT hour, device, sink, made, acked, passed, given_up, delays FROM uploads
                 WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR device = ?3) ORDER BY hour, device, sink",
            )?;
            let found = select.query_map(params![from.0, to.0, device], |row| {
                let route = Route { hour: Timestamp(row.get(0)?), device: row.get(1)?, sink: row.get(2)? };
                Ok((route, upload(row, 3)?))
            })?;
            found.collect()
        })
    }

    /// Of which devices something was acknowledged that was taken in which hours of `[from, to)`, by any sink; `None`: no upload was ever counted.
    pub fn acked_hours(&self, from: Timestamp, to: Timestamp) -> Result<Option<Vec<(String, Timestamp)>>, Trouble> {
        self.of_table("uploads", |connection| {
            let has_any = connection.query_row("SELECT EXISTS (SELECT 1 FROM uploads)", [], |row| row.get(0))?;
            let mut select = connection.prepare_cached(
                "SELECT DISTINCT device, hour FROM uploads WHERE hour >= ?1 AND hour < ?2 AND acked > 0 ORDER BY device, hour",
            )?;
            let found = select.query_map((from.0, to.0), |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
            let found: Vec<_> = found.collect::<rusqlite::Result<_>>()?;
            Ok(Some(found).filter(|_| has_any))
        })
    }
}

fn row(connection: &Connection, Route { hour, device, sink }: &Route) -> rusqlite::Result<Option<Upload>> {
    connection
        .prepare_cached(
            "SELECT made, acked, passed, given_up, delays FROM uploads WHERE hour = ?1 AND device = ?2 AND sink = ?3",
        )?
        .query_row(params![hour.0, device, sink], |row| upload(row, 0))
        .optional()
}

/// Delays that cannot be read are none: the counts beside them stand.
fn upload(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Upload> {
    let count = |nth: usize| row.get(first + nth).map(natural);
    let delays: String = row.get(first + 4)?;
    let delays = serde_json::from_str::<Delays>(&delays).unwrap_or_default();
    Ok(Upload { made: count(0)?, acked: count(1)?, passed: count(2)?, given_up: count(3)?, delays })
}

fn put(connection: &Connection, Route { hour, device, sink }: &Route, upload: &Upload) -> rusqlite::Result<()> {
    let Upload { made, acked, passed, given_up, delays } = upload;
    let [made, acked, passed, given_up] =
        [made, acked, passed, given_up].map(|count| i64::try_from(*count).unwrap_or(i64::MAX));
    let delays = serde_json::to_string(delays).unwrap_or_else(|_| "{}".to_owned());
    connection
        .prepare_cached("INSERT OR REPLACE INTO uploads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![hour.0, device, sink, made, acked, passed, given_up, delays])?;
    Ok(())
}

/// Old rows go, and the oldest of those that are too many; the rest of them in another hour.
fn sweep(connection: &Connection, newest: i64) -> rusqlite::Result<()> {
    let rows: i64 = connection.query_row("SELECT count(*) FROM uploads", [], |row| row.get(0))?;
    let oldest = |limit: i64, until: i64| {
        let sql =
            "DELETE FROM uploads WHERE rowid IN (SELECT rowid FROM uploads WHERE hour < ?2 ORDER BY hour LIMIT ?1)";
        connection.execute(sql, [limit, until])
    };
    oldest(ROWS_AT_ONCE, newest.saturating_sub(KEPT_MS))?;
    oldest((rows - MOST_ROWS).clamp(0, ROWS_AT_ONCE), i64::MAX)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, open};
    use super::*;
    use crate::model::Stream;

    fn route(hour: i64, device: &str) -> Route {
        Route { hour: Timestamp(hour * HOUR_MS), device: device.into(), sink: "s".into() }
    }

    fn upload(made: u64, acked: u64) -> Upload {
        let mut upload = Upload { made, acked, ..Upload::default() };
        (0..acked).for_each(|_| upload.delays.note(250));
        upload
    }

    fn look(journal: &Journal) -> Look {
        let place = journal.reader();
        Look::open(&place.dir(), &place).unwrap()
    }

    fn all(journal: &Journal) -> Vec<(Route, Upload)> {
        look(journal).uploads(Timestamp(0), Timestamp(i64::MAX), None).unwrap()
    }

    #[test]
    fn counts_wait_for_a_transaction_that_is_written_anyway_and_are_added_up() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path());
        for _ in 0..20 {
            journal.count_upload(route(1, "m"), &upload(3, 2));
            journal.maintain(NOW).unwrap();
        }
        assert_eq!(all(&journal), [], "they ask for no commit of their own");
        journal.cursor("s", Stream::Data);
        journal.maintain(NOW).unwrap();
        assert_eq!(all(&journal), [(route(1, "m"), upload(60, 40))]);
        journal.count_upload(route(1, "m"), &upload(1, 1));
        journal.cursor("t", Stream::Data);
        journal.maintain(NOW).unwrap();
        assert_eq!(all(&journal), [(route(1, "m"), upload(60, 40))], "gathered for a minute");
        journal.close(NOW).unwrap();
        let journal = open(dir.path());
        assert_eq!(all(&journal), [(route(1, "m"), upload(61, 41))], "and at the end");
    }

    #[test]
    fn a_damaged_journal_takes_its_uploads_over() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path());
        journal.count_upload(route(1, "m"), &upload(3, 2));
        journal.uploads.hurry();
        journal.store().unwrap();
        journal.renew(&Trouble::new(crate::model::words::journal::CORRUPT)).unwrap();
        assert_eq!(all(&journal), [(route(1, "m"), upload(3, 2))]);
        journal.count_upload(route(1, "m"), &upload(1, 0));
        journal.uploads.hurry();
        journal.store().unwrap();
        assert_eq!(all(&journal), [(route(1, "m"), upload(4, 2))], "and goes on with them");
    }

    #[test]
    fn what_was_acknowledged_is_found_by_device_and_hour_and_nothing_is_not_zero() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path());
        let hours = |journal: &Journal| look(journal).acked_hours(Timestamp(0), Timestamp(i64::MAX)).unwrap();
        assert_eq!(hours(&journal), None);
        journal.count_upload(route(1, "m"), &upload(3, 0));
        journal.count_upload(route(2, "m"), &upload(3, 1));
        journal.uploads.hurry();
        journal.store().unwrap();
        assert_eq!(hours(&journal), Some(vec![("m".to_owned(), Timestamp(2 * HOUR_MS))]));
    }

    #[test]
    fn uploads_go_after_thirteen_months() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path());
        let today = NOW.0 / HOUR_MS;
        for days in [402, 399, 0] {
            journal.count_upload(route(today - days * 24, "m"), &upload(1, 1));
            journal.uploads.hurry();
            journal.store().unwrap();
        }
        let ages: Vec<i64> = all(&journal).iter().map(|(route, _)| today / 24 - route.hour.0 / HOUR_MS / 24).collect();
        assert_eq!(ages, [399, 0]);
    }
}
