//! The slots of one account: each period is one slot for each tag, and each slot has one outcome.
//!
//! A tag that is polled has the outcome of its scan; a slot without a scan is an overrun. A tag that is watched (OPC UA: only
//! changes come) has in each slot the reading that stood at its end, as far as there are signs that the subscription lived;
//! where it did not, the slot has the cause of that.

use super::hours::{Hours, Slot};
use crate::model::ledger::{Account, Lost, Outcome};
use crate::model::{Batch, Reading, Why};

/// A slot that nobody accounts for is given up after so long, or after three periods where those are longer: then it is an overrun,
/// whatever comes later. Far more than a scan takes on the slowest bus.
pub(super) const PATIENCE_MS: u64 = 300_000;

/// How a tag is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// Not at all yet.
    New,
    /// In scans.
    Polled,
    /// By its changes; this is what stands.
    Watched(Outcome),
}

/// What of an account is counted, and up to where.
#[derive(Debug)]
pub(super) struct Slots {
    /// Stable as long as the tags stay the same: [`crate::model::Group::fingerprint`].
    pub(super) id: u64,
    account: Account,
    tags: Vec<Tag>,
    polled: u64,
    /// The slot of the next scan.
    scan_due_ms: u64,
    /// How far behind the grid the last scan with a value came.
    beat_ms: Option<u64>,
    /// Slots from here on were given up.
    given_up_ms: Option<u64>,
    /// The first slot of what is not polled that is not counted.
    watch_due_ms: u64,
}

impl Slots {
    /// Nothing heard yet.
    pub(super) fn new(account: Account, id: u64, tags: usize, now_ms: u64) -> Slots {
        let tags = vec![Tag::New; tags];
        let (scan_due_ms, watch_due_ms) = (now_ms, now_ms);
        Slots { id, account, tags, polled: 0, scan_due_ms, beat_ms: None, given_up_ms: None, watch_due_ms }
    }

    pub(super) fn tags(&self) -> u64 {
        self.tags.len() as u64
    }

    /// Up to here everything is counted.
    pub(super) fn counted_ms(&self) -> u64 {
        if self.is_all_polled() {
            self.scan_due_ms
        } else if self.polled == 0 {
            self.watch_due_ms
        } else {
            self.scan_due_ms.min(self.watch_due_ms)
        }
    }

    /// What a source heard, be it a scan or values that came by themselves.
    pub(super) fn on_batch(&mut self, batch: &Batch, hours: &mut Hours) {
        if batch.readings.len() != self.tags.len() {
            return; // of a configuration that is no longer in force
        }
        match batch.due_ms {
            Some(due_ms) => self.on_scan(due_ms, batch, hours),
            None => self.on_values(batch, hours),
        }
    }

    fn on_scan(&mut self, due_ms: u64, batch: &Batch, hours: &mut Hours) {
        let is_late = self.is_late(batch.mono_ms.saturating_sub(due_ms), batch);
        let joins = |(tag, reading): (&Tag, &Option<Reading>)| *tag != Tag::Polled && reading.is_some();
        if self.tags.iter().zip(&batch.readings).any(joins) {
            self.settle_watched(due_ms, hours);
        }
        if self.polled > 0 {
            if due_ms < self.scan_due_ms && self.given_up_ms.is_some_and(|given_up| due_ms >= given_up) {
                return; // that slot was given up long ago
            }
            let behind_ms = due_ms.saturating_sub(self.scan_due_ms);
            // A poller that was made anew has a grid of its own.
            let is_same_grid = behind_ms.is_multiple_of(self.account.period_ms);
            let cause = if is_same_grid { Lost::Overrun } else { Lost::Starting };
            let slot = Slot::from([(Outcome::Lost(cause), self.polled)]);
            hours.enter(&self.account, self.scan_due_ms, behind_ms / self.account.period_ms, &slot);
        }
        let mut slot = Slot::new();
        let mut run = (Outcome::Good, 0);
        for (tag, reading) in self.tags.iter_mut().zip(&batch.readings) {
            if reading.is_some() && *tag != Tag::Polled {
                *tag = Tag::Polled;
                self.polled += 1;
            }
            let outcome = match reading {
                _ if *tag != Tag::Polled => continue,
                Some(Reading::Bad(why)) => Outcome::Bad(*why),
                Some(_) if is_late => Outcome::Late,
                Some(reading) => outcome_of(reading),
                None => Outcome::Lost(Lost::Overrun),
            };
            // Neighbours mostly share their fate: one look-up for all of them.
            if run.0 != outcome {
                put(&mut slot, run);
                run = (outcome, 0);
            }
            run.1 += 1;
        }
        put(&mut slot, run);
        hours.enter(&self.account, due_ms, 1, &slot);
        self.scan_due_ms = due_ms.saturating_add(self.account.period_ms);
        self.given_up_ms = None;
    }

    /// A value that comes when its period is over, or out of its rhythm by more than half a period. On a line that many share each has its
    /// place in the round: who is asked last is behind the grid by the same time in each period, and not late.
    fn is_late(&mut self, behind_ms: u64, batch: &Batch) -> bool {
        let has_value = |reading: &Reading| !matches!(reading, Reading::Bad(_));
        if !batch.readings.iter().flatten().any(has_value) {
            return false;
        }
        let beat_ms = self.beat_ms.replace(behind_ms);
        let half_ms = self.account.period_ms / 2;
        behind_ms > self.account.period_ms || beat_ms.is_some_and(|beat_ms| behind_ms > beat_ms.saturating_add(half_ms))
    }

    fn on_values(&mut self, batch: &Batch, hours: &mut Hours) {
        // Without a word of the server the link itself says that nothing can be known, and has not been for a while.
        let is_lapse = batch.stamps.is_none();
        if !is_lapse {
            self.settle_watched(batch.mono_ms, hours);
        }
        for (tag, reading) in self.tags.iter_mut().zip(&batch.readings) {
            if let Some(reading) = reading
                && *tag != Tag::Polled
            {
                *tag = Tag::Watched(outcome_of(reading));
            }
        }
        if is_lapse {
            self.settle_watched(batch.mono_ms, hours);
        }
    }

    /// The subscription lives: what stood stands. Or it does not, and nothing is known since its last sign.
    pub(super) fn on_sign(&mut self, now_ms: u64, lapse: Option<Why>, hours: &mut Hours) {
        if let Some(why) = lapse {
            for tag in &mut self.tags {
                if matches!(tag, Tag::Watched(Outcome::Good | Outcome::Uncertain)) {
                    *tag = Tag::Watched(Outcome::Bad(why));
                }
            }
        }
        self.settle_watched(now_ms, hours);
    }

    /// What needs no word of anybody: what has no value has none until told otherwise, and what nobody accounts for is given up.
    pub(super) fn on_time(&mut self, now_ms: u64, hours: &mut Hours) {
        let patience_ms = PATIENCE_MS.max(self.account.period_ms.saturating_mul(3));
        if !self.is_all_polled() {
            let stands = |tag: &Tag| matches!(tag, Tag::Watched(Outcome::Good | Outcome::Uncertain));
            if !self.tags.iter().any(stands) {
                self.settle_watched(now_ms, hours);
            } else if now_ms.saturating_sub(self.watch_due_ms) >= patience_ms {
                self.on_sign(now_ms, Some(Why::Timeout), hours);
            }
        }
        if self.polled > 0 && now_ms.saturating_sub(self.scan_due_ms) >= patience_ms {
            self.give_up(now_ms - patience_ms, hours);
        }
    }

    /// The account is closed: what was due and is over is not coming any more.
    pub(super) fn close(&mut self, now_ms: u64, hours: &mut Hours) {
        if self.polled > 0 {
            self.give_up(now_ms, hours);
        }
    }

    /// Slots that are over by then, and have had no scan.
    fn give_up(&mut self, until_ms: u64, hours: &mut Hours) {
        let slots = until_ms.saturating_sub(self.scan_due_ms) / self.account.period_ms;
        if slots > 0 {
            let slot = Slot::from([(Outcome::Lost(Lost::Overrun), self.polled)]);
            hours.enter(&self.account, self.scan_due_ms, slots, &slot);
            self.given_up_ms.get_or_insert(self.scan_due_ms);
            self.scan_due_ms = self.scan_due_ms.saturating_add(slots * self.account.period_ms);
        }
    }

    /// Slots that were over by then, of tags that are not polled: as they stood.
    fn settle_watched(&mut self, now_ms: u64, hours: &mut Hours) {
        let slots = now_ms.saturating_sub(self.watch_due_ms) / self.account.period_ms;
        if slots == 0 {
            return;
        }
        let mut slot = Slot::new();
        for tag in &self.tags {
            match tag {
                Tag::New => put(&mut slot, (Outcome::Lost(Lost::Starting), 1)),
                Tag::Polled => {}
                Tag::Watched(outcome) => put(&mut slot, (*outcome, 1)),
            }
        }
        hours.enter(&self.account, self.watch_due_ms, slots, &slot);
        self.watch_due_ms = self.watch_due_ms.saturating_add(slots * self.account.period_ms);
    }

    fn is_all_polled(&self) -> bool {
        self.polled == self.tags()
    }
}

fn outcome_of(reading: &Reading) -> Outcome {
    match reading {
        Reading::Good(_) => Outcome::Good,
        Reading::Uncertain(..) => Outcome::Uncertain,
        Reading::Bad(why) => Outcome::Bad(*why),
    }
}

fn put(slot: &mut Slot, (outcome, tags): (Outcome, u64)) {
    if tags > 0 {
        *slot.entry(outcome).or_default() += tags;
    }
}
