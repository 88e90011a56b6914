//! The journal's memory tail: the records committed last, so that a sink that keeps up never reads the disk.

use std::sync::Arc;

use crate::journal::Journal;
use crate::model::{DataRecord, EventRecord, Seq};

/// Places for samples that are kept beyond the last commit. About 32 bytes each: 0.3 MB.
const TAIL_PLACES: usize = 10_000;

/// Events kept. An event is rare; a few commits' worth is plenty.
const TAIL_EVENTS: usize = 64;

/// The newest records of both streams, without gaps up to the last position.
#[derive(Debug, Default)]
pub struct Tail {
    /// Oldest first.
    pub data: Vec<Arc<DataRecord>>,
    /// Oldest first.
    pub events: Vec<Arc<EventRecord>>,
    /// The last committed position of the data stream.
    pub last_data: Seq,
    /// The last committed position of the events stream.
    pub last_events: Seq,
}

impl Tail {
    /// Nothing in memory yet; the positions are those of the journal as it was found.
    pub fn new(journal: &Journal) -> Tail {
        let status = journal.status();
        Tail { last_data: status.data.last, last_events: status.events.last, ..Tail::default() }
    }

    /// The tail after one more commit.
    pub fn followed_by(&self, data: Vec<Arc<DataRecord>>, events: Vec<Arc<EventRecord>>) -> Tail {
        let last_data = data.last().map_or(self.last_data, |record| record.seq);
        let last_events = events.last().map_or(self.last_events, |record| record.seq);
        let mut room = TAIL_PLACES;
        let kept = self.data.iter().rev().take_while(|record| {
            let places = record.places();
            let fits = places <= room;
            room = room.saturating_sub(places);
            fits
        });
        let kept = kept.count();
        let data = self.data[self.data.len() - kept..].iter().cloned().chain(data).collect();
        let kept = self.events.len().min(TAIL_EVENTS);
        let events = self.events[self.events.len() - kept..].iter().cloned().chain(events).collect();
        Tail { data, events, last_data, last_events }
    }

    /// The data records after a position, if memory still reaches back so far; `None`: the disk must be asked.
    pub fn data_after(&self, after: Seq) -> Option<&[Arc<DataRecord>]> {
        since(&self.data, after, self.last_data, |record| record.seq)
    }

    /// The same for events.
    pub fn events_after(&self, after: Seq) -> Option<&[Arc<EventRecord>]> {
        since(&self.events, after, self.last_events, |record| record.seq)
    }
}

fn since<T>(records: &[T], after: Seq, last: Seq, seq: impl Fn(&T) -> Seq) -> Option<&[T]> {
    if after >= last {
        return Some(&[]);
    }
    let first = records.first().map(&seq)?;
    (first <= after + 1).then(|| &records[records.partition_point(|record| seq(record) <= after)..])
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
        seqs.map(|seq| Arc::new(DataRecord { seq, boot: BootId(1), group: group.clone(), scans: vec![scan.clone()] }))
            .collect()
    }

    fn seqs(found: Option<&[Arc<DataRecord>]>) -> Option<Vec<Seq>> {
        found.map(|records| records.iter().map(|record| record.seq).collect())
    }

    #[test]
    fn a_sink_that_keeps_up_is_served_from_memory_and_one_that_is_behind_is_sent_to_the_disk() {
        let tail = Tail { last_data: 10, ..Tail::default() }.followed_by(records(11..=13, 1), Vec::new());
        assert_eq!(seqs(tail.data_after(10)), Some(vec![11, 12, 13]));
        assert_eq!(seqs(tail.data_after(12)), Some(vec![13]));
        assert_eq!(seqs(tail.data_after(13)), Some(vec![]));
        assert_eq!(seqs(tail.data_after(9)), None);
    }

    #[test]
    fn after_a_start_everything_is_on_disk() {
        let tail = Tail { last_data: 10, ..Tail::default() };
        assert_eq!(seqs(tail.data_after(10)), Some(vec![]));
        assert_eq!(seqs(tail.data_after(3)), None);
    }

    #[test]
    fn what_report_on_change_held_back_takes_room_too() {
        let mut sparse = records(1..=200, 1_000);
        for record in &mut sparse {
            let record = Arc::get_mut(record).unwrap();
            record.scans[0].readings[1..].fill(None);
        }
        let tail = Tail::default().followed_by(sparse, Vec::new()).followed_by(records(201..=201, 1), Vec::new());
        assert_eq!(tail.data.len(), 11, "200 samples, but 200,000 places for them");
    }

    #[test]
    fn the_tail_is_bounded_but_always_holds_the_last_commit() {
        let tail = Tail::default().followed_by(records(1..=20, 1_000), Vec::new());
        assert_eq!(tail.data.len(), 20);
        let tail = tail.followed_by(records(21..=22, 1_000), Vec::new());
        assert_eq!(tail.data.first().map(|record| record.seq), Some(11));
        assert_eq!(tail.last_data, 22);
    }
}
