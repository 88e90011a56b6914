//! The hours that counts are entered into, until they are stored. Slots have their times by the monotonic clock; which hour they
//! belong to is what the wall clock said when they were counted.
//!
//! The rule: where the wall clock is not trusted, counts wait for it, since a gateway that starts in 1970 must not fill its hours.

use std::collections::BTreeMap;

use crate::model::Timestamp;
use crate::model::ledger::{Account, Entry, HOUR_MS, Outcome, Tally, hour_of};

/// What became of one slot of an account: each outcome and how many of its tags had it.
pub(super) type Slot = BTreeMap<Outcome, u64>;

/// A moment by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the start of the agent.
    pub mono_ms: u64,
    /// By the wall clock.
    pub at: Timestamp,
    /// Whether that one is trusted.
    pub is_trusted: bool,
}

/// Between the two clocks, a difference below this is the time between two looks, and no step: slots at the border of two hours
/// do not waver for it.
const JITTER_MS: i64 = 50;

/// Counts that wait for the wall clock are kept by stretches of this length; a stretch goes into one hour as a whole.
const STRETCH_MS: u64 = 300_000;

/// So long is waited. A gateway that never learns the time is counted by the time that it believes in: 12 stretches for each
/// account are kept at most.
const PATIENCE_MS: u64 = 3_600_000;

/// Counts that are not stored yet.
#[derive(Debug, Default)]
pub(super) struct Hours {
    /// Wall clock minus monotonic clock.
    offset_ms: Option<i64>,
    is_trusted: bool,
    /// Since when counts wait.
    waiting_since_ms: Option<u64>,
    by_hour: BTreeMap<(Timestamp, Account), Tally>,
    waiting: BTreeMap<(u64, Account), Tally>,
}

impl Hours {
    /// What both clocks said at one moment.
    pub(super) fn look(&mut self, at: Timestamp, mono_ms: u64) {
        let offset = at.0.saturating_sub(signed(mono_ms));
        if self.offset_ms.is_none_or(|known| known.abs_diff(offset) > JITTER_MS.unsigned_abs()) {
            self.offset_ms = Some(offset);
        }
    }

    /// The same, and whether the wall clock is to be trusted. What waited for that goes into its hours.
    pub(super) fn settle(&mut self, now: Moment) {
        self.look(now.at, now.mono_ms);
        let since = *self.waiting_since_ms.get_or_insert(now.mono_ms);
        self.is_trusted = now.is_trusted || now.mono_ms.saturating_sub(since) >= PATIENCE_MS;
        if !self.is_trusted {
            return;
        }
        for ((stretch, account), tally) in std::mem::take(&mut self.waiting) {
            let hour = hour_of(self.wall(stretch.saturating_add(STRETCH_MS / 2)));
            self.by_hour.entry((hour, account)).or_default().add(&tally);
        }
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// A moment of the monotonic clock by the wall clock.
    pub(super) fn wall(&self, mono_ms: u64) -> Timestamp {
        Timestamp(signed(mono_ms).saturating_add(self.offset_ms.unwrap_or(0)))
    }

    /// Enters so many slots of an account, one period apart, the first of which was due at `first_ms`. All had the same outcomes.
    pub(super) fn enter(&mut self, account: &Account, first_ms: u64, slots: u64, slot: &Slot) {
        let (mut due_ms, mut left) = (first_ms, slots);
        while left > 0 {
            let (room_ms, tally) = if self.is_trusted {
                let wall = self.wall(due_ms);
                let hour = hour_of(wall);
                let room = hour.0.saturating_add(HOUR_MS).saturating_sub(wall.0);
                (room.unsigned_abs(), self.by_hour.entry((hour, account.clone())).or_default())
            } else {
                let stretch = due_ms - due_ms % STRETCH_MS;
                (stretch + STRETCH_MS - due_ms, self.waiting.entry((stretch, account.clone())).or_default())
            };
            let here = room_ms.div_ceil(account.period_ms).clamp(1, left);
            for (outcome, tags) in slot {
                tally.enter(*outcome, tags.saturating_mul(here));
            }
            tally.expected = tally.expected.saturating_add(slot.values().sum::<u64>().saturating_mul(here));
            due_ms = due_ms.saturating_add(account.period_ms.saturating_mul(here));
            left -= here;
        }
    }

    /// Everything that is in its hour.
    pub(super) fn take(&mut self) -> BTreeMap<(Timestamp, Account), Tally> {
        std::mem::take(&mut self.by_hour)
    }
}

/// What lies between the last stored moment of an account and the agent's next start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) account: Account,
    pub(super) tags: u64,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// A gap is counted back so far: longer, and the workshop was out of service rather than the agent.
const LONGEST_GAP_MS: i64 = 31 * 24 * HOUR_MS;

impl Gap {
    pub(super) fn new(account: Account, tags: u64, from: Timestamp, to: Timestamp) -> Gap {
        let period = signed(account.period_ms);
        let earliest = to.0.saturating_sub(LONGEST_GAP_MS);
        let skipped = earliest.saturating_sub(from.0).max(0) / period * period;
        Gap { account, tags, from: Timestamp(from.0.saturating_add(skipped)), to }
    }

    /// Whole periods in it.
    pub(super) fn slots(&self) -> u64 {
        self.to.0.saturating_sub(self.from.0).max(0).unsigned_abs() / self.account.period_ms
    }

    /// Its first hour; the gap begins behind it then.
    pub(super) fn take_hour(&mut self) -> Entry {
        let hour = hour_of(self.from);
        let room = hour.0.saturating_add(HOUR_MS).saturating_sub(self.from.0).unsigned_abs();
        let slots = room.div_ceil(self.account.period_ms).min(self.slots());
        let lost = slots.saturating_mul(self.tags);
        let mut tally = Tally { expected: lost, ..Tally::default() };
        tally.enter(Outcome::Lost(crate::model::ledger::Lost::AgentDown), lost);
        self.from = Timestamp(self.from.0.saturating_add(signed(slots.saturating_mul(self.account.period_ms))));
        Entry { hour, account: self.account.clone(), tags: self.tags, tally, until: Some(self.from) }
    }
}

pub(super) fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
