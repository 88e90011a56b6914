//! Receipts: what became of the records that one connection of a sink has come to, until its cursor has passed them; then they are counted. Pure.
//!
//! The rule: a record is counted when the cursor, or what is kept beyond it, says that it is done. What the next connection sends again is
//! counted there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::recorder::Progress;
use crate::model::ledger::hour_of;
use crate::model::{BootId, ClockMark, DataRecord, Seq, Timestamp, Upload};

/// Records that are done and stand behind one that is not, about 100 bytes each. A window holds far fewer; only what is passed over can be more, while one
/// acknowledgement is missing: beyond it records are not noted as passed over, and count as due.
const MOST_WAITING: usize = 10_000;

/// Hours times devices that the recorder has not taken yet: it takes them every 10 s. A backlog of a month of fifty machines has more only if
/// all of it is delivered in these 10 s; what is beyond is not counted.
const MOST_TALLIES: usize = 10_000;

const MINUTE_MS: u64 = 60_000;

/// When a record was taken, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taken {
    /// In the hour that begins then.
    Hour(Timestamp),
    /// In this minute of this start of the agent: the hour is known once the clock is trusted.
    Minute(u64),
}

/// Counts by time and device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies(BTreeMap<(Taken, Arc<str>), Upload>);

/// The present, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// This start of the agent.
    pub boot: BootId,
    /// Milliseconds since it began.
    pub mono_ms: u64,
    /// The wall clock, trusted or not.
    pub wall: Timestamp,
}

/// Of one connection.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    waiting: BTreeMap<Seq, Receipt>,
}

#[derive(Debug)]
struct Receipt {
    taken: Taken,
    device: Arc<str>,
    /// Its oldest scan.
    at: Timestamp,
    mono_ms: u64,
    boot: BootId,
    end: End,
}

#[derive(Debug, Clone, Copy)]
enum End {
    /// On the way.
    Open,
    /// After so long, ms, if both clocks can be compared.
    Acked(Option<u64>),
    Passed,
    GivenUp,
}

impl Taken {
    /// `None`: nobody will ever know, since the clock of an earlier start was never trusted.
    pub fn of(record: &DataRecord, boot: BootId) -> Option<Taken> {
        let first = record.scans.first()?;
        match record.clock {
            ClockMark::Untrusted if record.boot == boot => Some(Taken::Minute(first.mono_ms / MINUTE_MS)),
            ClockMark::Untrusted => None,
            ClockMark::Trusted | ClockMark::Corrected => Some(Taken::Hour(hour_of(first.at))),
        }
    }

    /// The hour. `offset_ms`: trusted wall clock minus monotonic time, once it is known.
    pub fn hour(self, offset_ms: Option<i64>) -> Option<Timestamp> {
        match self {
            Taken::Hour(hour) => Some(hour),
            Taken::Minute(minute) => {
                let mono_ms = i64::try_from(minute.saturating_mul(MINUTE_MS)).ok()?;
                Some(hour_of(Timestamp(offset_ms?.saturating_add(mono_ms))))
            }
        }
    }
}

impl Tallies {
    /// Adds one count.
    pub fn add(&mut self, taken: Taken, device: &Arc<str>, upload: &Upload) {
        let key = (taken, device.clone());
        if self.0.len() < MOST_TALLIES || self.0.contains_key(&key) {
            self.0.entry(key).or_default().add(upload);
        }
    }

    /// Adds all of another one.
    pub fn add_all(&mut self, other: &Tallies) {
        other.0.iter().for_each(|((taken, device), upload)| self.add(*taken, device, upload));
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn rows(self) -> impl Iterator<Item = ((Taken, Arc<str>), Upload)> {
        self.0.into_iter()
    }
}

impl Receipts {
    /// A record is on the way.
    pub fn sent(&mut self, record: &DataRecord, boot: BootId) {
        self.note(record, boot, End::Open);
    }

    /// Nothing in it is for this sink.
    pub fn passed(&mut self, record: &DataRecord, boot: BootId) {
        if self.waiting.len() < MOST_WAITING {
            self.note(record, boot, End::Passed);
        }
    }

    /// It will never be sent.
    pub fn given_up(&mut self, record: &DataRecord, boot: BootId) {
        self.note(record, boot, End::GivenUp);
    }

    /// The broker has it.
    pub fn acked(&mut self, seq: Seq, now: Now) {
        let Some(receipt) = self.waiting.get_mut(&seq) else { return };
        // By the monotonic clock where it is the same one (R7). The wall clock of this start may not be trusted yet: one that lags shows by a delay below zero.
        let delay = match receipt.boot == now.boot {
            true => now.mono_ms.checked_sub(receipt.mono_ms),
            false => u64::try_from(now.wall.0.saturating_sub(receipt.at.0)).ok(),
        };
        receipt.end = End::Acked(delay);
    }

    /// Counts what the sink has come past.
    pub fn settle(&mut self, progress: &Progress) -> Tallies {
        let mut tallies = Tallies::default();
        while let Some(first) = self.waiting.first_entry().filter(|it| *it.key() <= progress.data.position) {
            count(&mut tallies, &first.remove());
        }
        for run in progress.ahead.runs() {
            let done: Vec<Seq> = self.waiting.range(run.first..=run.last).map(|(seq, _)| *seq).collect();
            for receipt in done.iter().filter_map(|seq| self.waiting.remove(seq)) {
                count(&mut tallies, &receipt);
            }
        }
        tallies
    }

    fn note(&mut self, record: &DataRecord, boot: BootId, end: End) {
        let (Some(taken), Some(first)) = (Taken::of(record, boot), record.scans.first()) else { return };
        let (device, at, mono_ms) = (record.group.device.clone(), first.at, first.mono_ms);
        self.waiting.insert(record.seq, Receipt { taken, device, at, mono_ms, boot: record.boot, end });
    }
}

fn count(tallies: &mut Tallies, receipt: &Receipt) {
    let mut upload = Upload::default();
    match receipt.end {
        End::Open => return, // the cursor passes nothing that is on the way
        End::Acked(delay) => {
            upload.acked = 1;
            delay.into_iter().for_each(|ms| upload.delays.note(ms));
        }
        End::Passed => upload.passed = 1,
        End::GivenUp => upload.given_up = 1,
    }
    tallies.add(receipt.taken, &receipt.device, &upload);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Ahead, Cursor, Group, Run, Scan};

    const BOOT: BootId = BootId(2);

    const NOW: Now = Now { boot: BOOT, mono_ms: 9_000, wall: Timestamp(7_200_000) };

    fn record(seq: Seq, boot: BootId, clock: ClockMark) -> DataRecord {
        let group = Arc::new(Group::new("m".into(), Duration::from_secs(1), Vec::new()));
        let scans = vec![Scan { at: Timestamp(3_600_000), mono_ms: 4_000, readings: Vec::new(), stamps: None }];
        DataRecord { seq, boot, group, clock, scans }
    }

    fn progress(position: Seq, run: Option<(Seq, Seq)>) -> Progress {
        let mut ahead = Ahead::default();
        run.into_iter().for_each(|(first, last)| ahead.enter(Run { first, last, first_sent: first, last_sent: last }));
        Progress { data: Cursor { position, last_sent: position }, ahead, ..Progress::default() }
    }

    #[track_caller]
    fn check(tallies: Tallies, made_acked_passed_given_up: [u64; 4]) {
        let mut sum = Upload::default();
        tallies.rows().for_each(|(_, upload)| sum.add(&upload));
        assert_eq!([sum.made, sum.acked, sum.passed, sum.given_up], made_acked_passed_given_up);
    }

    #[test]
    fn a_record_is_counted_once_the_cursor_has_passed_it_and_not_at_its_acknowledgement() {
        let mut receipts = Receipts::default();
        (1..=4).for_each(|seq| receipts.sent(&record(seq, BOOT, ClockMark::Trusted), BOOT));
        receipts.passed(&record(5, BOOT, ClockMark::Trusted), BOOT);
        receipts.given_up(&record(6, BOOT, ClockMark::Trusted), BOOT);
        [2, 3, 4].into_iter().for_each(|seq| receipts.acked(seq, NOW));
        check(receipts.settle(&progress(0, None)), [0, 0, 0, 0]);
        receipts.acked(1, NOW);
        check(receipts.settle(&progress(4, None)), [0, 4, 0, 0]);
        check(receipts.settle(&progress(6, None)), [0, 0, 1, 1]);
        check(receipts.settle(&progress(6, None)), [0, 0, 0, 0]);
    }

    #[test]
    fn what_is_done_beyond_the_cursor_counts_and_what_is_still_on_the_way_does_not() {
        let mut receipts = Receipts::default();
        [1, 8, 9, 12].into_iter().for_each(|seq| receipts.sent(&record(seq, BOOT, ClockMark::Trusted), BOOT));
        [8, 9, 12].into_iter().for_each(|seq| receipts.acked(seq, NOW));
        check(receipts.settle(&progress(0, Some((7, 9)))), [0, 2, 0, 0]);
        check(receipts.settle(&progress(0, Some((7, 9)))), [0, 0, 0, 0]);
        check(receipts.settle(&progress(12, None)), [0, 1, 0, 0]);
    }

    #[test]
    fn the_delay_is_that_of_the_monotonic_clock_and_across_starts_that_of_the_wall_clock() {
        for (boot, wall, expected) in [
            (BOOT, Timestamp(0), Some(5_000)),
            (BootId(1), Timestamp(3_600_000 + 70_000), Some(80_000)),
            (BootId(1), Timestamp(0), None),
        ] {
            let mut receipts = Receipts::default();
            receipts.sent(&record(1, boot, ClockMark::Trusted), BOOT);
            receipts.acked(1, Now { wall, ..NOW });
            let (_, upload) = receipts.settle(&progress(1, None)).rows().next().unwrap();
            assert_eq!((upload.acked, upload.delays.percentile(50)), (1, expected));
        }
    }

    #[test]
    fn the_hour_of_an_untrusted_clock_is_known_when_it_is_trusted_and_that_of_an_earlier_start_never() {
        let taken = Taken::of(&record(1, BOOT, ClockMark::Untrusted), BOOT).unwrap();
        assert_eq!((taken, taken.hour(None)), (Taken::Minute(0), None));
        assert_eq!(taken.hour(Some(7_200_001)), Some(Timestamp(7_200_000)));
        assert_eq!(Taken::of(&record(1, BootId(1), ClockMark::Untrusted), BOOT), None);
        let corrected = Taken::of(&record(1, BootId(1), ClockMark::Corrected), BOOT);
        assert_eq!(corrected, Some(Taken::Hour(Timestamp(3_600_000))));
    }
}
