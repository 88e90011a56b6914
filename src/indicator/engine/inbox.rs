//! Inbox: samples in the order of their times, until they are decided on. Of one moment, what a piece is made of comes before the
//! piece is counted; and what a clock that was set back brings of it once more comes behind all that was there.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::indicator::counter::Mark;
use crate::indicator::exact::Amount;
use crate::indicator::flags::Flags;

/// What a sample says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    Flag(Flags),
    /// The clock has stepped: what lies over this has no length.
    Cut,
    Code(String),
    Reason(String),
    Product(String),
    Cavities(Amount),
    /// Of pieces or of energy.
    Count(Mark),
    Power(Amount),
    Scan,
}

impl What {
    fn rank(&self) -> u8 {
        match self {
            What::Flag(_) | What::Cut | What::Code(_) | What::Reason(_) | What::Product(_) | What::Cavities(_) => 0,
            What::Count(_) | What::Power(_) | What::Scan => 1,
        }
    }
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: i64,
    /// How often the clock had been read anew.
    #[serde(default)]
    pass: u32,
    pub(super) input: usize,
    pub(super) what: What,
}

impl Entry {
    fn key(&self) -> (i64, u32, u8, usize) {
        (self.at, self.pass, self.what.rank(), self.input)
    }
}

/// Samples by time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Inbox {
    entries: VecDeque<Entry>,
    #[serde(default)]
    pass: u32,
}

impl Inbox {
    /// The clock is read anew: a moment that waits here may come again, and what was counted in it keeps the cavities and the product
    /// that were said with it.
    pub(super) fn pass(&mut self) {
        self.pass = self.pass.saturating_add(1);
    }

    /// Adds a sample.
    pub(super) fn put(&mut self, at: i64, what: What, input: usize) {
        let entry = Entry { at, pass: self.pass, input, what };
        let place = self.entries.partition_point(|known| known.key() <= entry.key());
        self.entries.insert(place, entry);
    }

    /// The next sample up to `at`.
    pub(super) fn take(&mut self, at: i64) -> Option<Entry> {
        self.entries.front().filter(|entry| entry.at <= at)?;
        self.entries.pop_front()
    }

    /// When the next one was taken.
    pub(super) fn next(&self) -> Option<i64> {
        self.entries.front().map(|entry| entry.at)
    }
}
