//! A walk through the journal's file in the order of positions, with the `prev` that each record would have had on its way to a
//! sink. Short reads, so that the agent goes on beside it.
//!
//! The rule: what is lost, damaged or left out by a person's wish is named as `prev` by what comes next, so that receivers see the
//! gap; what a scope keeps back is not.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Ended;
use crate::journal::{Found, Look, Place, Reader};
use crate::model::{Cursor, DataRecord, EventRecord, Losses, Seq, Stream, Trouble};
use crate::sink::{Mask, Scope};

/// Read at a time: some messages' worth.
const RECORDS: usize = 64;
const SAMPLES: usize = 100_000;

/// A record, and the position that the receiver is to have seen before.
pub(super) struct Seen<'a, T> {
    pub(super) record: &'a T,
    pub(super) prev: Seq,
}

pub(super) struct Walk {
    reader: Reader,
    scope: Scope,
    losses: [Losses; 2],
    /// Up to here: what is written while it walks is not looked at.
    through: [Seq; 2],
    masks: HashMap<u64, Arc<Mask>>,
    /// Rows that could not be read.
    pub(super) damaged: u64,
}

/// Why a walk ended too early.
pub(super) enum Fault {
    Journal(Trouble),
    Output(io::Error),
}

impl Fault {
    pub(super) fn ended(self, output: &Path) -> Ended {
        match self {
            Fault::Journal(trouble) => Ended::cannot(trouble),
            Fault::Output(error) => Ended::file(output, error),
        }
    }
}

impl Walk {
    pub(super) fn new(place: &Place, look: &Look, scope: Scope) -> Result<Walk, Trouble> {
        let (losses, through) = (look.losses()?, look.newest()?);
        Ok(Walk { reader: Reader::open(place)?, scope, losses, through, masks: HashMap::new(), damaged: 0 })
    }

    /// Shows each record behind `from` whose tags may leave, with the mask that says which. `each` says whether there is anything for
    /// the receiver in it: that is missing if it was not taken.
    pub(super) fn data(
        &mut self,
        from: Cursor,
        mut each: impl FnMut(Seen<'_, DataRecord>, &Mask) -> io::Result<bool>,
    ) -> Result<(), Fault> {
        let (mut at, mut prev) = (from.position, from.last_sent);
        loop {
            let through = self.through[Stream::Data as usize];
            let rows = self.reader.data_between(at, through, RECORDS, SAMPLES).map_err(Fault::Journal)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let seq = match &row {
                    Found::Record(record) => record.seq,
                    Found::Damaged(seq) => *seq,
                };
                prev = self.losses[Stream::Data as usize].last_between(at, seq).unwrap_or(prev);
                at = seq;
                match row {
                    Found::Record(record) => {
                        let group = &record.group;
                        let mask = || Arc::new(self.scope.mask(&group.device, &group.tags));
                        let mask = self.masks.entry(group.id).or_insert_with(mask);
                        if mask.is_empty() || !each(Seen { record: &record, prev }, mask).map_err(Fault::Output)? {
                            continue;
                        }
                    }
                    Found::Damaged(_) => self.damaged += 1,
                }
                prev = seq;
            }
        }
    }

    /// The same for events, all of which may leave or none.
    pub(super) fn events(
        &mut self,
        from: Cursor,
        mut each: impl FnMut(Seen<'_, EventRecord>) -> io::Result<bool>,
    ) -> Result<(), Fault> {
        if !self.scope.events() {
            return Ok(());
        }
        let (mut at, mut prev) = (from.position, from.last_sent);
        loop {
            let through = self.through[Stream::Events as usize];
            let rows = self.reader.events_between(at, through, RECORDS).map_err(Fault::Journal)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let seq = match &row {
                    Found::Record(record) => record.seq,
                    Found::Damaged(seq) => *seq,
                };
                prev = self.losses[Stream::Events as usize].last_between(at, seq).unwrap_or(prev);
                at = seq;
                match row {
                    Found::Record(record) => {
                        if !each(Seen { record: &record, prev }).map_err(Fault::Output)? {
                            continue;
                        }
                    }
                    Found::Damaged(_) => self.damaged += 1,
                }
                prev = seq;
            }
        }
    }
}
