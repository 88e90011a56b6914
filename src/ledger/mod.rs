//! The ledger counts: of all samples that should have been taken, what became of each. It hears every batch before report on change
//! has looked at it, knows by the configuration what is due, and gives out what the journal is to store.
//!
//! It owns the counts since the last store. Pure: time comes by both clocks as an argument. The rule: every period of every account
//! is counted once for each tag, and has one outcome; durations are monotonic, hours are the wall clock's. docs/LEDGER.md has the
//! definitions.

mod slots; // one account: which slot a scan fills, what stands in a slot without one

mod hours; // which hour a slot belongs to

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::ledger::{Account, Entry, HOUR_MS, hour_of};
use crate::model::{Batch, Sign, Timestamp};
pub use hours::Moment;
use hours::{Gap, Hours};
use slots::Slots;

/// Entries given out at once for the time without the agent, about 2 MB; the rest follows with the next store.
const GAP_ENTRIES: usize = 10_000;

/// An hour is reported when everything in it is counted, at the latest so long after its end.
const REPORT_PATIENCE_MS: i64 = 300_000;

/// Hours that are still reported after a stop or a step of the clock. Of older ones the ledger itself has the counts.
const MOST_REPORTS: i64 = 24;

/// An account that the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Device and period.
    pub account: Account,
    /// Another one where the tags are others: [`crate::model::Group::fingerprint`].
    pub id: u64,
    /// How many.
    pub tags: usize,
}

/// How long the agent was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Down {
    /// The last stored moment of any account.
    pub from: Timestamp,
    /// The start.
    pub to: Timestamp,
    /// Samples that were due in between.
    pub samples: u64,
}

/// All accounts, and what was counted since the last store.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: HashMap<Account, Slots>,
    /// Accounts that are no more, until that is stored.
    closed: Vec<(Account, u64)>,
    hours: Hours,
    /// Where the ledger ended before this start, until the configuration is known.
    marks: BTreeMap<Account, Timestamp>,
    /// Accounts of before that go on, with that mark and the moment of their opening; until the wall clock is trusted.
    reopened: Vec<(Account, Timestamp, u64)>,
    gaps: Vec<Gap>,
    down: Option<Down>,
    /// The hour that was begun last in the store, by account.
    begun: HashMap<Account, Timestamp>,
    /// The next hour to be reported.
    unreported: Option<Timestamp>,
}

impl Ledger {
    /// A ledger that goes on behind these marks: up to where each account was counted before this start.
    pub fn after(marks: BTreeMap<Account, Timestamp>) -> Ledger {
        let unreported = marks.values().min().map(|mark| hour_of(*mark));
        Ledger { marks, unreported, ..Ledger::default() }
    }

    /// The accounts of the configuration from now on. What it no longer names is closed; what is the same goes on.
    pub fn expect(&mut self, wanted: &[Expected], now: Moment) {
        self.hours.settle(now);
        let wanted: BTreeMap<&Account, &Expected> =
            wanted.iter().map(|expected| (&expected.account, expected)).collect();
        let is_same = |account: &Account, slots: &Slots| {
            wanted.get(account).is_some_and(|expected| (expected.id, expected.tags as u64) == (slots.id, slots.tags()))
        };
        let gone: Vec<Account> =
            self.accounts.iter().filter(|(account, slots)| !is_same(account, slots)).map(|(a, _)| a.clone()).collect();
        for account in gone {
            if let Some(mut slots) = self.accounts.remove(&account) {
                slots.close(now.mono_ms, &mut self.hours);
                self.closed.push((account, slots.tags()));
            }
        }
        for (account, expected) in wanted {
            if self.accounts.contains_key(account) {
                continue;
            }
            let slots = Slots::new(account.clone(), expected.id, expected.tags, now.mono_ms);
            self.accounts.insert(account.clone(), slots);
            self.closed.retain(|(closed, _)| closed != account);
            self.reopened.extend(self.marks.remove(account).map(|mark| (account.clone(), mark, now.mono_ms)));
        }
        self.marks.clear();
    }

    /// What a source heard.
    pub fn on_batch(&mut self, batch: &Batch) {
        self.hours.look(batch.at, batch.mono_ms);
        let account = Account { device: batch.group.device.clone(), period_ms: batch.group.period_ms() };
        if let Some(slots) = self.accounts.get_mut(&account) {
            slots.on_batch(batch, &mut self.hours);
        }
    }

    /// Whether a subscription lives.
    pub fn on_sign(&mut self, sign: &Sign) {
        let account = Account { device: sign.group.device.clone(), period_ms: sign.group.period_ms() };
        if let Some(slots) = self.accounts.get_mut(&account) {
            slots.on_sign(sign.mono_ms, sign.lapse, &mut self.hours);
        }
    }

    /// What is to be stored now. The time without the agent comes first: what was counted since waits until that is complete, so
    /// that a crash in the middle leaves a mark behind which everything is counted again.
    pub fn take(&mut self, now: Moment) -> Vec<Entry> {
        self.hours.settle(now);
        for slots in self.accounts.values_mut() {
            slots.on_time(now.mono_ms, &mut self.hours);
        }
        if !self.hours.is_trusted() {
            return Vec::new();
        }
        self.find_gaps();
        let down = self.take_gaps();
        if down.is_empty() { self.take_counts(now) } else { down }
    }

    /// The time without the agent, told once.
    pub fn take_down(&mut self) -> Option<Down> {
        self.down.take()
    }

    /// An hour that is over and counted, and not reported. Ask after [`Ledger::take`], and tell [`Ledger::on_reported`].
    pub fn complete_hour(&mut self, now: Moment) -> Option<Timestamp> {
        if !self.hours.is_trusted() || !self.gaps.is_empty() {
            return None;
        }
        let current = hour_of(now.at);
        let earliest = Timestamp(current.0.saturating_sub(MOST_REPORTS * HOUR_MS));
        let next = self.unreported.map_or(current, |hour| hour.max(earliest));
        self.unreported = Some(next);
        let counted = self.accounts.values().map(|slots| self.hours.wall(slots.counted_ms())).min().unwrap_or(now.at);
        let end = Timestamp(next.0.saturating_add(HOUR_MS));
        let is_counted = counted >= end || now.at.0 >= end.0.saturating_add(REPORT_PATIENCE_MS);
        (next < current && is_counted).then_some(next)
    }

    /// That hour was reported.
    pub fn on_reported(&mut self, hour: Timestamp) {
        self.unreported = Some(Timestamp(hour.0.saturating_add(HOUR_MS)));
    }

    fn find_gaps(&mut self) {
        for (account, mark, opened_ms) in std::mem::take(&mut self.reopened) {
            let Some(slots) = self.accounts.get(&account) else { continue };
            let gap = Gap::new(account, slots.tags(), mark, self.hours.wall(opened_ms));
            if gap.slots() == 0 {
                continue;
            }
            let down = self.down.get_or_insert(Down { from: gap.from, to: gap.to, samples: 0 });
            (down.from, down.to) = (down.from.min(gap.from), down.to.max(gap.to));
            down.samples = down.samples.saturating_add(gap.slots().saturating_mul(gap.tags));
            self.gaps.push(gap);
        }
    }

    /// Hour by hour, all accounts of one hour before the next.
    fn take_gaps(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        while entries.len() < GAP_ENTRIES {
            let Some(hour) = self.gaps.iter().map(|gap| hour_of(gap.from)).min() else { break };
            entries.extend(self.gaps.iter_mut().filter(|gap| hour_of(gap.from) == hour).map(Gap::take_hour));
            self.gaps.retain(|gap| gap.slots() > 0);
        }
        entries
    }

    fn take_counts(&mut self, now: Moment) -> Vec<Entry> {
        let hour = hour_of(now.at);
        let mut counts = self.hours.take();
        // An account has a line in each hour, if only to say where it stands: a start looks no further back.
        let counted: HashSet<Account> = counts.keys().map(|(_, account)| account.clone()).collect();
        for account in self.accounts.keys().chain(self.closed.iter().map(|(account, _)| account)) {
            let is_new = self.begun.insert(account.clone(), hour) != Some(hour);
            if is_new || counted.contains(account) {
                counts.entry((hour, account.clone())).or_default();
            }
        }
        let closed: HashMap<Account, u64> = std::mem::take(&mut self.closed).into_iter().collect();
        let entry = |((counted, account), tally): ((Timestamp, Account), _)| {
            let open = self.accounts.get(&account);
            let tags = open.map(Slots::tags).or_else(|| closed.get(&account).copied()).unwrap_or(0);
            let until = open.filter(|_| counted == hour).map(|slots| self.hours.wall(slots.counted_ms()));
            Entry { hour: counted, account, tags, tally, until }
        };
        let entries = counts.into_iter().map(entry).collect();
        self.begun.retain(|account, _| self.accounts.contains_key(account));
        entries
    }
}
