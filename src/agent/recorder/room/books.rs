//! The recorder keeps the sample ledger: it tells the [`Ledger`] what was heard, the journal what was counted, and receivers, hour by
//! hour, what became of the samples of each device.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tracing::warn;

use super::upkeep::MAINTAIN_COMMITS;
use super::{Room, now};
use crate::ledger::{Down, Expected, Ledger, Moment};
use crate::model::ledger::{Entry, HourReport, Lost, Tally};
use crate::model::words::ledger as words;
use crate::model::{Event, Seq, Timestamp, Trouble};

/// Lines that one stop writes: those of the time without the agent come before those of the run.
const CLOSING_ROUNDS: usize = 100;

/// The ledger and its clock.
#[derive(Default)]
pub(super) struct Books {
    pub(super) ledger: Ledger,
    /// The zero of the monotonic clock; `None` until a configuration is in force.
    started: Option<Instant>,
    /// Since the start of the agent, as far as it was counted; the time before is not in it.
    pub(super) total: Tally,
    /// Since the upkeep before.
    counted: Vec<Entry>,
    /// An hour that is over; its last counts are in `counted`.
    over: Option<Timestamp>,
    /// One whose counts are all in the journal's hands.
    reporting: Option<Timestamp>,
}

impl Books {
    fn moment(&self, is_trusted: bool) -> Option<Moment> {
        let elapsed = self.started?.elapsed();
        let mono_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        Some(Moment { mono_ms, at: now(), is_trusted })
    }

    fn add_up(&mut self, entries: &[Entry]) {
        for entry in entries {
            let mut tally = entry.tally.clone();
            let before = tally.lost.remove(Lost::AgentDown.as_str()).unwrap_or(0);
            tally.expected = tally.expected.saturating_sub(before);
            self.total.add(&tally);
        }
    }
}

impl Room {
    /// A configuration is in force. The first one takes the ledger up where it ended before.
    pub(super) fn expect(&mut self, started: Instant, accounts: &[Expected]) {
        self.take_heard(); // by what was in force until now
        if self.books.started.replace(started).is_none() {
            match self.journal.ledger_marks(now()) {
                Ok(marks) => self.books.ledger = Ledger::after(marks),
                Err(trouble) => warn!(code = %trouble.code, "{trouble}"),
            }
        }
        if let Some(moment) = self.books.moment(self.clock.is_trusted()) {
            self.fresh.keep(accounts.iter().map(|account| account.id));
            self.books.ledger.expect(accounts, moment);
            // Where each account begins is stored with the next turn, so that a crash in the first seconds is counted as well.
            let began = self.books.ledger.take(moment);
            self.books.add_up(&began);
            self.journal.enter(began);
            self.journal.hurry_ledger();
            self.commits_since_maintenance = MAINTAIN_COMMITS;
        }
    }

    /// A sink found a damaged record.
    pub(super) fn on_damaged(&mut self, seq: Seq) {
        if let Err(trouble) = self.journal.lose_damaged(seq) {
            warn!(code = %trouble.code, "{trouble}");
        }
    }

    /// What was counted until the upkeep before this one goes to the journal, which stores it with this one or soon. By now those samples
    /// are on the disk or delivered: a sample that a crash takes out of the memory is never counted as good.
    pub(super) fn enter_in_ledger(&mut self) {
        let Some(moment) = self.books.moment(self.clock.is_trusted()) else { return };
        let counted = self.books.ledger.take(moment);
        self.books.add_up(&counted);
        let safe = std::mem::replace(&mut self.books.counted, counted);
        self.journal.enter(safe);
        self.tell_down();
        self.books.reporting = std::mem::replace(&mut self.books.over, self.books.ledger.complete_hour(moment));
        if self.books.reporting.is_some() {
            self.journal.hurry_ledger();
        }
    }

    /// The same at the end: everything is on the disk, or lost.
    pub(super) fn close_ledger(&mut self) {
        let Some(moment) = self.books.moment(self.clock.is_trusted()) else { return };
        let mut entries = std::mem::take(&mut self.books.counted);
        for _ in 0..CLOSING_ROUNDS {
            self.journal.enter(entries);
            entries = self.books.ledger.take(moment);
            if entries.is_empty() {
                break;
            }
        }
        self.journal.hurry_ledger();
    }

    fn tell_down(&mut self) {
        if let Some(Down { from, to, samples }) = self.books.ledger.take_down() {
            let trouble = Trouble::new(words::AGENT_WAS_DOWN).with("samples", samples);
            let trouble = trouble.with("from", utc(from)).with("to", utc(to));
            warn!(code = %trouble.code, "{trouble}");
        }
    }

    /// An hour that is over, an event for each device. Only what is stored is reported.
    pub(super) fn report_hour(&mut self) {
        let Some(hour) = self.books.reporting.take_if(|_| !self.journal.has_ledger_entries()) else { return };
        let entries = match self.journal.ledger_hour(hour) {
            Ok(entries) => entries,
            Err(trouble) => return warn!(code = %trouble.code, "{trouble}"),
        };
        let mut devices: BTreeMap<Arc<str>, Tally> = BTreeMap::new();
        for entry in entries {
            devices.entry(entry.account.device).or_default().add(&entry.tally);
        }
        for (device, tally) in devices.into_iter().filter(|(_, tally)| !tally.is_empty()) {
            let report = HourReport { hour: hour.0, device: device.to_string(), tally };
            self.happened(Event::Ledger(report));
        }
        self.books.ledger.on_reported(hour);
        self.books.over = None;
    }
}

fn utc(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| format!("{at:.0}"))
}
