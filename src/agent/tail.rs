//! The tail: the records that have their positions last, so that a sink that keeps up never reads the disk, and may be done with
//! a record before it would be written.
//!
//! The rule: what is not on the disk is here.

use std::collections::HashSet;
use std::sync::Arc;

use crate::journal::{Committed, Journal, Place, Stretch, View};
use crate::model::{ClockMark, DataRecord, EventRecord, Losses, Seq, Stream};

/// Places for samples that are kept although they are on the disk. About 32 bytes each: 0.3 MB.
const TAIL_PLACES: usize = 10_000;

/// Events kept likewise. An event is rare; a few commits' worth is plenty.
const TAIL_EVENTS: usize = 64;

/// A sink that is slow for a few rounds is slow; then it is behind.
const BEHIND_ROUNDS: u64 = 10;

/// The newest records of both streams.
#[derive(Debug, Default)]
pub struct Tail {
    /// Oldest first.
    data: Vec<Arc<DataRecord>>,
    /// Oldest first.
    events: Vec<Arc<EventRecord>>,
    /// The last position given in the data stream.
    pub last_data: Seq,
    /// The last position given in the events stream.
    pub last_events: Seq,
    /// Positions that nobody will read any more, per stream, when this was announced; [`Place::losses`] knows those of now.
    losses: Arc<[Losses; 2]>,
    /// The file that the disk is to be asked in.
    pub place: Place,
    /// Positions that nobody may pass yet, per stream.
    salvage: [Option<Stretch>; 2],
}

/// Where the records after a position are.
#[derive(Debug, PartialEq)]
pub enum Next<'a, T> {
    /// Here: these are all there are.
    Memory(&'a [Arc<T>]),
    /// On the disk, as far as there are any up to this position; behind it, here.
    Disk {
        /// The last position to ask the disk for.
        through: Seq,
    },
}

impl Tail {
    /// Nothing in memory yet; the positions are those of the journal as it was found.
    pub fn new(journal: &Journal) -> Tail {
        let status = journal.status();
        let (last_data, last_events) = (status.data.last, status.events.last);
        let View { place, losses, salvage } = journal.view();
        Tail { last_data, last_events, losses, place, salvage, ..Tail::default() }
    }

    /// The tail with more records. What is not on the disk, from these positions on, stays.
    pub fn followed_by(&self, new: Committed, unwritten: [Option<Seq>; 2], view: View) -> Tail {
        let View { place, losses, salvage } = view;
        let last_data = new.data.last().map_or(self.last_data, |record| record.seq);
        let last_events = new.events.last().map_or(self.last_events, |record| record.seq);
        let [data_from, events_from] = unwritten.map(|from| from.unwrap_or(Seq::MAX));
        let mut room = TAIL_PLACES;
        let kept = self.data.iter().rev().take_while(|record| {
            let places = record.places();
            let stays = places <= room || record.seq >= data_from;
            room = room.saturating_sub(places);
            stays
        });
        let kept = kept.count();
        let data = self.data[self.data.len() - kept..].iter().cloned().chain(new.data).collect();
        let mut room = TAIL_EVENTS;
        let kept = self.events.iter().rev().take_while(|record| {
            let stays = room > 0 || record.seq >= events_from;
            room = room.saturating_sub(1);
            stays
        });
        let kept = kept.count();
        let events = self.events[self.events.len() - kept..].iter().cloned().chain(new.events).collect();
        Tail { data, events, last_data, last_events, losses, place, salvage }
    }

    /// Whether it says of the journal what there is to say now.
    pub fn is_of(&self, view: &View) -> bool {
        (&self.place, &self.losses, &self.salvage) == (&view.place, &view.losses, &view.salvage)
    }

    /// The same with the true times of what an untrusted clock said.
    pub fn corrected(&self, offset_ms: i64) -> Tail {
        let mut tail = Tail {
            data: self.data.clone(),
            events: self.events.clone(),
            losses: self.losses.clone(),
            place: self.place.clone(),
            salvage: self.salvage,
            ..*self
        };
        for record in tail.data.iter_mut().filter(|record| record.clock == ClockMark::Untrusted) {
            Arc::make_mut(record).correct(offset_ms);
        }
        for record in tail.events.iter_mut().filter(|record| record.clock == ClockMark::Untrusted) {
            Arc::make_mut(record).correct(offset_ms);
        }
        tail
    }

    /// The record at this position, if it is here.
    pub fn data_at(&self, seq: Seq) -> Option<&Arc<DataRecord>> {
        self.data.binary_search_by_key(&seq, |record| record.seq).ok().map(|place| &self.data[place])
    }

    /// The same for events.
    pub fn event_at(&self, seq: Seq) -> Option<&Arc<EventRecord>> {
        self.events.binary_search_by_key(&seq, |record| record.seq).ok().map(|place| &self.events[place])
    }

    /// The data records after a position.
    pub fn data_after(&self, after: Seq) -> Next<'_, DataRecord> {
        let stretch = self.salvage[Stream::Data as usize];
        since(&self.data, after, self.last_data, stretch, |record| record.seq)
    }

    /// Where the newest records begin: of each group one at most, so that they are what is the case now.
    pub fn newest_round(&self) -> Seq {
        let mut groups = HashSet::new();
        let newest = self.data.iter().rev().take_while(|record| groups.insert(record.group.id));
        newest.last().map_or(self.last_data + 1, |record| record.seq)
    }

    /// Whether a sink that has come to this position is behind: by more records than may be on the way, and by several rounds.
    pub fn is_behind(&self, position: Seq, window: usize) -> bool {
        let round = self.last_data + 1 - self.newest_round();
        self.last_data.saturating_sub(position) > (window as u64).max(BEHIND_ROUNDS * round)
    }

    /// The same for events.
    pub fn events_after(&self, after: Seq) -> Next<'_, EventRecord> {
        let stretch = self.salvage[Stream::Events as usize];
        since(&self.events, after, self.last_events, stretch, |record| record.seq)
    }
}

fn since<T>(
    records: &[Arc<T>],
    after: Seq,
    last: Seq,
    stretch: Option<Stretch>,
    seq: impl Fn(&T) -> Seq,
) -> Next<'_, T> {
    if after >= last {
        return Next::Memory(&[]);
    }
    match records.first().map(|record| seq(record)) {
        Some(first) if first <= after + 1 => {
            Next::Memory(&records[records.partition_point(|record| seq(record) <= after)..])
        }
        first => {
            let through = first.map_or(last, |first| first - 1);
            match stretch {
                Some(stretch) if after < stretch.through => Next::Disk { through: through.min(stretch.through) },
                Some(stretch) if after < stretch.until => Next::Memory(&[]), // what comes next is being looked for
                _ => Next::Disk { through },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BootId, Group, Reading, Scan, Timestamp, Value};
    use std::time::Duration;

    fn records(seqs: std::ops::RangeInclusive<Seq>, samples: usize) -> Vec<Arc<DataRecord>> {
        let group = Arc::new(Group::new("d".into(), Duration::from_secs(1), Vec::new()));
        let readings = vec![Some(Reading::Good(Value::I64(1))); samples];
        let scan = Scan { at: Timestamp(0), mono_ms: 0, readings, stamps: None };
        seqs.map(|seq| Arc::new(record(seq, &group, &scan))).collect()
    }

    fn record(seq: Seq, group: &Arc<Group>, scan: &Scan) -> DataRecord {
        let (group, scans) = (group.clone(), vec![scan.clone()]);
        DataRecord { seq, boot: BootId(1), group, clock: ClockMark::Trusted, scans }
    }

    fn numbered(seqs: std::ops::RangeInclusive<Seq>, samples: usize) -> Committed {
        Committed { data: records(seqs, samples), events: Vec::new() }
    }

    fn followed(tail: &Tail, new: Committed, unwritten: Option<Seq>) -> Tail {
        tail.followed_by(new, [unwritten, None], View::default())
    }

    #[track_caller]
    fn check(tail: &Tail, after: Seq, expected: Result<&[Seq], Seq>) {
        match (tail.data_after(after), expected) {
            (Next::Memory(records), Ok(seqs)) => assert!(records.iter().map(|record| record.seq).eq(seqs.to_vec())),
            (Next::Disk { through }, Err(last)) => assert_eq!(through, last),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_sink_that_keeps_up_is_served_from_memory_and_one_that_is_behind_is_sent_to_the_disk() {
        let tail = followed(&Tail { last_data: 10, ..Tail::default() }, numbered(11..=13, 1), None);
        check(&tail, 10, Ok(&[11, 12, 13]));
        check(&tail, 12, Ok(&[13]));
        check(&tail, 13, Ok(&[]));
        check(&tail, 9, Err(10));
    }

    #[test]
    fn the_newest_round_has_each_group_once_and_who_is_ten_of_them_back_is_behind() {
        let group = |name: &str| Arc::new(Group::new(name.into(), Duration::from_secs(1), Vec::new()));
        let groups = [group("a"), group("b"), group("c")];
        let record = |seq: Seq| {
            let group = groups[seq as usize % 3].clone();
            Arc::new(DataRecord { seq, boot: BootId(1), group, clock: ClockMark::Trusted, scans: Vec::new() })
        };
        let new = Committed { data: (1..=100).map(record).collect(), events: Vec::new() };
        let tail = followed(&Tail::default(), new, None);
        assert_eq!(tail.newest_round(), 98);
        assert!(!tail.is_behind(70, 5) && tail.is_behind(69, 5));
        assert!(!tail.is_behind(36, 64) && tail.is_behind(35, 64));
        let empty = Tail { last_data: 10, ..Tail::default() };
        assert_eq!(empty.newest_round(), 11);
        assert!(empty.is_behind(3, 6) && !empty.is_behind(4, 6) && !empty.is_behind(10, 6));
    }

    #[test]
    fn after_a_start_everything_is_on_disk() {
        let tail = Tail { last_data: 10, ..Tail::default() };
        check(&tail, 10, Ok(&[]));
        check(&tail, 3, Err(10));
    }

    #[test]
    fn nobody_passes_what_is_still_being_looked_for_unless_it_is_in_memory() {
        let stretch = |through, until| Some(Stretch { through, until });
        let salvage = [stretch(4, 12), None];
        let tail = Tail { last_data: 10, ..Tail::default() };
        let tail = tail.followed_by(numbered(11..=13, 1), [None; 2], View { salvage, ..View::default() });
        check(&tail, 2, Err(4));
        check(&tail, 4, Ok(&[]));
        check(&tail, 9, Ok(&[]));
        check(&tail, 10, Ok(&[11, 12, 13]));
        check(&tail, 11, Ok(&[12, 13]));
        let salvage = [stretch(10, 12), None];
        let tail = tail.followed_by(numbered(14..=14, 1), [None; 2], View { salvage, ..View::default() });
        check(&tail, 4, Err(10));
        let tail = tail.followed_by(numbered(15..=15, 1), [None; 2], View::default());
        check(&tail, 4, Err(10));
    }

    #[test]
    fn what_report_on_change_held_back_takes_room_too() {
        let mut sparse = numbered(1..=200, 1_000);
        for record in &mut sparse.data {
            let record = Arc::get_mut(record).unwrap();
            record.scans[0].readings[1..].fill(None);
        }
        let tail = followed(&followed(&Tail::default(), sparse, None), numbered(201..=201, 1), None);
        assert_eq!(tail.data.len(), 11, "200 samples, but 200,000 places for them");
    }

    #[test]
    fn the_tail_is_bounded_but_always_holds_the_newest_and_what_is_not_on_the_disk() {
        let tail = followed(&Tail::default(), numbered(1..=20, 1_000), None);
        assert_eq!(tail.data.len(), 20);
        let tail = followed(&tail, numbered(21..=22, 1_000), Some(5));
        assert_eq!(tail.data.first().map(|record| record.seq), Some(5));
        let tail = followed(&tail, numbered(23..=23, 1_000), None);
        assert_eq!(tail.data.first().map(|record| record.seq), Some(13));
        assert_eq!(tail.last_data, 23);
    }
}
