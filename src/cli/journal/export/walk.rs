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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::journal::{Journal, NewData, Settings};
    use crate::model::{
        BootId, Deadband, Group, Loss, LossCause, Reading, ReportRule, Scan, TagInfo, Timestamp, Value, ValueKind,
    };

    /// A record of `device` with one sample.
    fn new(device: &str) -> NewData {
        let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
        let tag = TagInfo { name: "a".into(), unit: None, kind: ValueKind::Int, report, grade: Default::default() };
        let group = Arc::new(Group::new(device.into(), Duration::from_secs(1), vec![tag]));
        let readings = vec![Some(Reading::Good(Value::I64(1)))];
        NewData::new(group, vec![Scan { at: Timestamp(0), mono_ms: 0, readings, stamps: None }])
    }

    #[test]
    fn what_is_lost_or_damaged_or_unwanted_is_named_as_sent_before_and_what_is_out_of_scope_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            dir: dir.path().to_owned(),
            limits: crate::journal::Limits { max_age: Duration::from_secs(86_400 * 365), ..Default::default() },
        };
        let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
        // 1; 2 out of scope; 3 lost; 4; 5 damaged; 6; 7 delivered before it was ever written; 8 not wanted; 9
        let devices = ["m", "other", "m", "m", "m", "m", "m", "m", "m"];
        let numbered = journal.number(devices.map(new).into(), Vec::new());
        let written = |seq: u64| seq != 3 && seq != 7;
        let written: Vec<_> = numbered.data.into_iter().filter(|record| written(record.seq)).collect();
        journal.commit(&written, &[]).unwrap();
        journal.lose(Stream::Data, Loss { first: 3, last: 3, samples: 1, cause: LossCause::Memory, at: Timestamp(0) });
        journal.maintain(Timestamp(0)).unwrap();
        let place = journal.reader();
        let file = rusqlite::Connection::open(place.file()).unwrap();
        file.execute("UPDATE data SET body = x'00' WHERE seq = 5", []).unwrap();

        let look = Look::open(dir.path(), &place).unwrap();
        let mut walk = Walk::new(&place, &look, Scope::new(&["m".into()])).unwrap();
        let mut seen = Vec::new();
        let all = walk.data(Cursor { position: 0, last_sent: 0 }, |record, _| {
            if record.record.seq != 8 {
                seen.push((record.record.seq, record.prev));
            }
            Ok(true)
        });
        assert!(all.is_ok());
        assert_eq!(seen, [(1, 0), (4, 3), (6, 5), (9, 8)]);
        assert_eq!(walk.damaged, 1);
        let mut behind = Vec::new();
        let rest = walk.data(Cursor { position: 4, last_sent: 4 }, |record, _| {
            behind.push((record.record.seq, record.prev));
            Ok(record.record.seq != 6) // nothing in it for the receiver
        });
        assert!(rest.is_ok());
        assert_eq!(behind, [(6, 5), (8, 5), (9, 8)]);
    }
}
