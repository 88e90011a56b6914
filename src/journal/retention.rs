//! Retention: which records go when all have them, when they are too old, when there are too many, or when the file system has too
//! little free space.
//!
//! The rule: where room is short, first goes what every sink has (which is no loss), then data of low, normal and high priority, then
//! events; of each the oldest first. What some sink still wanted is counted and entered as lost, in the transaction that deletes it.

use rusqlite::Connection;

use super::aside;
use super::clock;
use super::limits::Round;
use super::schema::PAGE_SIZE;
use super::store::{Journal, natural};
use super::upkeep::{Dropped, used_bytes};
use crate::model::{Loss, LossCause, Priority, Seq, Stream, Timestamp};

/// Records in one deleting transaction: some hundred kB, a few milliseconds.
pub(super) const STEP_RECORDS: usize = 256;

/// Deleting transactions in one call: 16,000 records, well below a second. The next call goes on.
const MAX_STEPS: usize = 64;

/// What the reserve of free space does not take: an hour of outage or more. So little does not save a file system that others fill.
/// Nor does it take more than three quarters of what the journal may hold.
const KEPT_FROM_THE_RESERVE: u64 = 16_000_000;

/// What is given up together where room is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// What every sink has, of one stream.
    Delivered(Stream),
    /// Data of one priority that some sink still wants.
    Data(Priority),
    /// Events that some sink still wants.
    Events,
}

/// In this order.
const CLASSES: [Class; 6] = [
    Class::Delivered(Stream::Data),
    Class::Delivered(Stream::Events),
    Class::Data(Priority::Low),
    Class::Data(Priority::Normal),
    Class::Data(Priority::High),
    Class::Events,
];

/// What is said of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Goes,
    /// It goes if one behind it goes.
    Unknown,
    Stays,
}

/// What is asked of rows at the old end of a stream.
#[derive(Debug, Clone, Copy)]
struct Question {
    /// No row behind this position goes.
    through: Seq,
    /// Rows up to here are old enough, whatever their time says.
    old_through: Seq,
    /// Rows from before this time are old enough.
    before: Option<Timestamp>,
    /// The start of the agent whose rows have no such time: how old they are is known without a wall clock.
    own: i64,
}

impl Question {
    /// Positions are given in the order of time, so what has no time to be believed is as old as the next that has one, at least.
    fn judge(&self, row: &Row) -> Verdict {
        match (row.seq, self.before) {
            (seq, _) if seq > self.through => Verdict::Stays,
            (seq, _) if seq <= self.old_through => Verdict::Goes,
            (_, None) => Verdict::Stays,
            (_, Some(_)) if row.boot == self.own => Verdict::Stays,
            (_, Some(_)) if row.is_untimed => Verdict::Unknown,
            (_, Some(before)) if row.at < before => Verdict::Goes,
            _ => Verdict::Stays,
        }
    }
}

impl Journal {
    /// Keeps all limits, in at most so many steps as one call may take.
    pub(super) fn retain(&mut self, round: &Round) -> rusqlite::Result<()> {
        let mut steps = MAX_STEPS;
        let longest = self.limits.max_age.max(self.limits.history.unwrap_or_default());
        self.ages.note(round.mono, self.held.map(|held| held.written), longest);
        for stream in Stream::ALL {
            if let Some(floor) = self.cursors.floor(stream) {
                let question = match self.limits.history {
                    None => Question { through: floor, old_through: Seq::MAX, before: None, own: self.boot_row },
                    Some(history) => Question { through: floor, ..self.older_than(history, stream, round) },
                };
                self.cut(stream, None, round.now, &mut steps, question)?;
            }
        }
        for stream in Stream::ALL {
            let question = self.older_than(self.limits.max_age, stream, round);
            self.cut(stream, Some(LossCause::MaxAge), round.now, &mut steps, question)?;
        }
        let max_size = self.limits.max_size;
        let excess = |connection: &Connection| Ok(used_bytes(connection)?.saturating_sub(max_size));
        self.shed(LossCause::MaxSize, round.now, &mut steps, excess)?;
        self.leave_the_reserve(round, &mut steps)
    }

    fn older_than(&self, age: std::time::Duration, stream: Stream, round: &Round) -> Question {
        let now = round.now.min(round.steady);
        Question {
            through: Seq::MAX,
            old_through: self.ages.older_than(age, round.mono)[stream as usize],
            before: round.is_trusted.then(|| now.before(age)),
            own: self.boot_row,
        }
    }

    /// Pages that are free within the file are free space: the next commits take them before the file grows.
    fn leave_the_reserve(&mut self, round: &Round, steps: &mut usize) -> rusqlite::Result<()> {
        let Some(mut short) = round.free_bytes.and_then(|free| self.limits.reserve.checked_sub(free)) else {
            return Ok(());
        };
        if short == 0 {
            return Ok(());
        }
        let reusable: i64 = self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        short = short.saturating_sub(natural(reusable * PAGE_SIZE));
        let kept = KEPT_FROM_THE_RESERVE.min(self.limits.max_size / 4);
        while short > 0
            && let Some((path, bytes)) = aside::remove_oldest(&self.place.dir(), &self.salvage.files())
        {
            self.news.removed(&path);
            short = short.saturating_sub(bytes);
        }
        short = short.min(used_bytes(&self.connection)?.saturating_sub(kept));
        let left = std::cell::Cell::new(short);
        self.shed_counting(
            LossCause::Reserve,
            round.now,
            steps,
            |_| Ok(left.get()),
            |bytes| {
                left.set(left.get().saturating_sub(bytes));
            },
        )
    }

    fn shed(
        &mut self,
        cause: LossCause,
        now: Timestamp,
        steps: &mut usize,
        excess: impl Fn(&Connection) -> rusqlite::Result<u64>,
    ) -> rusqlite::Result<()> {
        self.shed_counting(cause, now, steps, excess, |_| {})
    }

    /// Deletes class by class until nothing is in excess.
    fn shed_counting(
        &mut self,
        cause: LossCause,
        now: Timestamp,
        steps: &mut usize,
        excess: impl Fn(&Connection) -> rusqlite::Result<u64>,
        freed: impl Fn(u64),
    ) -> rusqlite::Result<()> {
        for class in CLASSES {
            while *steps > 0 {
                let mut excess = excess(&self.connection)?;
                if excess == 0 {
                    return Ok(());
                }
                let mut rows = self.oldest_of(class)?;
                let wanted = rows.iter().take_while(|row| {
                    let is_wanted = excess > 0;
                    excess = excess.saturating_sub(row.bytes_on_disk());
                    is_wanted
                });
                let wanted = wanted.count();
                rows.truncate(wanted);
                if rows.is_empty() {
                    break;
                }
                self.remove(class, &rows, Some(cause), now)?;
                freed(rows.iter().map(Row::bytes_on_disk).sum());
                *steps -= 1;
            }
        }
        Ok(())
    }

    /// The oldest rows of a class, as many as one step deletes.
    fn oldest_of(&mut self, class: Class) -> rusqlite::Result<Vec<Row>> {
        let floor = |stream| self.cursors.floor(stream).unwrap_or(0);
        match class {
            Class::Delivered(stream) => {
                let mut rows = oldest_rows(&self.connection, stream, 0, "")?;
                rows.retain(|row| row.seq <= floor(stream));
                Ok(rows)
            }
            Class::Events => oldest_rows(&self.connection, Stream::Events, floor(Stream::Events), ""),
            Class::Data(Priority::Low) => {
                oldest_rows(&self.connection, Stream::Data, floor(Stream::Data), "AND prio = 0")
            }
            Class::Data(Priority::High) => {
                oldest_rows(&self.connection, Stream::Data, floor(Stream::Data), "AND prio = 2")
            }
            Class::Data(Priority::Normal) => {
                // Without an index: what was once found to be of another priority is not looked at again.
                let after = floor(Stream::Data).max(self.no_normal_through);
                let rows = oldest_rows(&self.connection, Stream::Data, after, "AND prio = 1")?;
                let first =
                    rows.first().map_or(self.held[Stream::Data as usize].written, |row| row.seq.saturating_sub(1));
                self.no_normal_through = first.max(self.no_normal_through);
                Ok(rows)
            }
        }
    }

    /// Deletes from the old end of the stream what the question says, in at most so many steps.
    fn cut(
        &mut self,
        stream: Stream,
        cause: Option<LossCause>,
        now: Timestamp,
        steps: &mut usize,
        question: Question,
    ) -> rusqlite::Result<()> {
        while *steps > 0 {
            let mut rows = oldest_rows(&self.connection, stream, 0, "")?;
            let found = rows.len();
            let stays = rows.iter().position(|row| question.judge(row) == Verdict::Stays).unwrap_or(found);
            let goes =
                rows[..stays].iter().rposition(|row| question.judge(row) == Verdict::Goes).map_or(0, |last| last + 1);
            let is_undecided = goes == 0 && stays == found && found == STEP_RECORDS;
            if is_undecided && self.is_followed_by_old_ones(stream, &rows, question)? {
                rows.truncate(found);
            } else {
                rows.truncate(goes);
            }
            if rows.is_empty() {
                return Ok(());
            }
            self.remove(Class::Delivered(stream), &rows, cause, now)?;
            *steps -= 1;
            if rows.len() < found || found < STEP_RECORDS {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether the first row that has a time to be believed, behind rows that have none, is to go. They are of one start of the agent
    /// and stand together, so it is found by halving.
    fn is_followed_by_old_ones(&self, stream: Stream, rows: &[Row], question: Question) -> rusqlite::Result<bool> {
        let Some(last) = rows.last() else { return Ok(false) };
        let (mut untimed, mut end) = (last.seq, self.held[stream as usize].written);
        while untimed < end {
            let middle = untimed + (end - untimed) / 2;
            match first_behind(&self.connection, stream, middle)? {
                Some(row) if row.is_untimed && row.boot == last.boot => untimed = row.seq.max(middle + 1),
                _ => end = middle,
            }
        }
        let next = first_behind(&self.connection, stream, end)?;
        Ok(next.is_some_and(|row| question.judge(&row) == Verdict::Goes))
    }

    /// One step: deletes these rows; what some sink still wanted of them is counted and entered as lost.
    fn remove(&mut self, class: Class, rows: &[Row], cause: Option<LossCause>, now: Timestamp) -> rusqlite::Result<()> {
        let (stream, prio) = match class {
            Class::Delivered(stream) => (stream, None),
            Class::Events => (Stream::Events, None),
            Class::Data(priority) => (Stream::Data, Some(priority as i64)),
        };
        let runs = match class {
            Class::Data(_) => runs(rows, |before, row| row.seq == before + 1),
            _ => runs(rows, |_, _| true), // there is nothing else between them
        };
        let floor = self.cursors.floor(stream).unwrap_or(0);
        let wanted = |row: &&Row| row.seq > floor;
        let sum = |rows: &[Row]| rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.samples));
        let lost_records = rows.iter().filter(wanted).count() as u64;
        let lost_samples = rows.iter().filter(wanted).fold(0, |sum: u64, row| sum.saturating_add(row.samples));
        let mut held = self.held;
        let left = &mut held[stream as usize];
        left.records = left.records.saturating_sub(rows.len() as u64);
        left.samples = left.samples.saturating_sub(sum(rows));
        let (before, staged) = (self.losses.clone(), self.ledger.losses());
        if let Some(cause) = cause {
            left.dropped_records = left.dropped_records.saturating_add(lost_records);
            left.dropped_samples = left.dropped_samples.saturating_add(lost_samples);
            for run in &runs {
                let behind = &run[run.iter().position(|row| row.seq > floor).unwrap_or(run.len())..];
                self.lose_rows(stream, behind)?;
                if let (Some(first), Some(last)) = (behind.first(), behind.last()) {
                    let loss = Loss { first: first.seq, last: last.seq, samples: sum(behind), cause, at: now };
                    self.lose(stream, loss);
                }
            }
        }
        let ranges: Vec<(Seq, Seq)> = runs.iter().filter_map(|run| Some((run.first()?.seq, run.last()?.seq))).collect();
        let deleted = self.step_with(held, |transaction, held, _| {
            let of_class = prio.map_or(String::new(), |prio| format!(" AND prio = {prio}"));
            let sql = format!("DELETE FROM {stream} WHERE seq BETWEEN ?1 AND ?2{of_class}");
            let mut delete = transaction.prepare_cached(&sql)?;
            for (first, last) in &ranges {
                // Below the first position stands only what a damaged file says.
                let first = if *first == 0 { i64::MIN } else { *first as i64 };
                delete.execute((first, *last as i64))?;
            }
            held[stream as usize].oldest = super::store::oldest(transaction, stream)?;
            Ok(())
        });
        if let Err(error) = deleted {
            self.losses = before; // nothing was deleted
            self.place.tell(&self.losses);
            self.ledger.take_back(staged);
            return Err(error);
        }
        if let Some(cause) = cause {
            if lost_records > 0 {
                self.note(Dropped { stream, cause, records: lost_records, samples: lost_samples });
            }
            self.news.shed(rows.len() as u64 - lost_records);
        }
        Ok(())
    }
}

/// What has to be known of a row to decide about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    seq: Seq,
    /// Of the dictionary; 0 in events.
    pub(super) group: i64,
    pub(super) at: Timestamp,
    pub(super) samples: u64,
    body_bytes: u64,
    /// Its time is not to be believed.
    is_untimed: bool,
    boot: i64,
}

impl Row {
    /// About what its deletion frees.
    fn bytes_on_disk(&self) -> u64 {
        self.body_bytes + 40
    }
}

/// Rows in runs of those that belong together.
fn runs(rows: &[Row], is_one: impl Fn(Seq, &Row) -> bool) -> Vec<&[Row]> {
    rows.chunk_by(|before, row| is_one(before.seq, row)).collect()
}

/// The oldest rows of a stream behind a position, as many as one step deletes. The length of a body is known without reading the body.
fn oldest_rows(connection: &Connection, stream: Stream, after: Seq, and: &str) -> rusqlite::Result<Vec<Row>> {
    rows_behind(connection, stream, after, and, STEP_RECORDS)
}

fn first_behind(connection: &Connection, stream: Stream, after: Seq) -> rusqlite::Result<Option<Row>> {
    Ok(rows_behind(connection, stream, after, "", 1)?.first().copied())
}

fn rows_behind(
    connection: &Connection,
    stream: Stream,
    after: Seq,
    and: &str,
    limit: usize,
) -> rusqlite::Result<Vec<Row>> {
    let (samples, group) = if stream == Stream::Data { ("samples", "grp") } else { ("0", "0") };
    // A damaged file may have rows at or below position 0; from the beginning means from there.
    let behind = if after == 0 { "?1 = 0".to_owned() } else { "seq > ?1".to_owned() };
    let dating = clock::dating(stream);
    let sql = format!(
        "SELECT seq, at, {samples}, length(body), boot, {group}, {dating} FROM {stream} WHERE {behind} {and} ORDER BY seq LIMIT {limit}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map([after.min(i64::MAX as u64) as i64], |row| {
        let [seq, at, samples, body_bytes] = [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        let (mark, offset): (i64, Option<i64>) = (row.get(6)?, row.get(7)?);
        let is_untimed = mark == 1 && offset.is_none();
        // One that nobody can date keeps what its clock said: its age is judged otherwise.
        let at = if is_untimed { Timestamp(at) } else { clock::judged_at(Timestamp(at), mark, offset, row.get(8)?) };
        Ok(Row {
            seq: natural(seq),
            at,
            samples: natural(samples),
            body_bytes: natural(body_bytes),
            is_untimed,
            boot: row.get(4)?,
            group: row.get(5)?,
        })
    })?;
    rows.collect()
}
