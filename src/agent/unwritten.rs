//! What has its position and is neither on the disk nor delivered to every sink. Bounded by whoever owns it. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use super::tail::Tail;
use crate::journal::Committed;
use crate::model::{DataRecord, EventRecord, Seq};

/// Records in the order of their positions.
#[derive(Default)]
pub(super) struct Unwritten {
    data: VecDeque<Arc<DataRecord>>,
    events: VecDeque<Arc<EventRecord>>,
    /// What `data` takes in memory: [`DataRecord::places`].
    places: usize,
}

/// Records that were given up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenUp {
    pub first: Seq,
    pub last: Seq,
    pub samples: u64,
}

impl Unwritten {
    pub fn push(&mut self, numbered: &Committed) {
        self.places += numbered.data.iter().map(|record| record.places()).sum::<usize>();
        self.data.extend(numbered.data.iter().cloned());
        self.events.extend(numbered.events.iter().cloned());
    }

    /// Every sink has the data up to here, so nobody needs it on the disk. Returns how many samples that were.
    pub fn delivered(&mut self, through: Seq) -> u64 {
        let records = self.data.partition_point(|record| record.seq <= through);
        let mut samples = 0;
        for record in self.data.drain(..records) {
            self.places -= record.places();
            samples += record.samples() as u64;
        }
        samples
    }

    /// Takes these records as they are in the tail now, which has all of them.
    pub fn follow(&mut self, tail: &Tail) {
        for record in &mut self.data {
            if let Some(newer) = tail.data_at(record.seq) {
                *record = newer.clone();
            }
        }
        for record in &mut self.events {
            if let Some(newer) = tail.event_at(record.seq) {
                *record = newer.clone();
            }
        }
    }

    /// Everything, to be written.
    pub fn all(&mut self) -> (&[Arc<DataRecord>], &[Arc<EventRecord>]) {
        (self.data.make_contiguous(), self.events.make_contiguous())
    }

    /// The data is on the disk. Returns how many samples that were.
    pub fn data_written(&mut self) -> u64 {
        self.places = 0;
        self.data.drain(..).map(|record| record.samples() as u64).sum()
    }

    /// The events are on the disk.
    pub fn events_written(&mut self) {
        self.events.clear();
    }

    /// The oldest positions here, per stream.
    pub fn oldest(&self) -> [Option<Seq>; 2] {
        [self.data.front().map(|record| record.seq), self.events.front().map(|record| record.seq)]
    }

    pub fn records(&self) -> usize {
        self.data.len() + self.events.len()
    }

    pub fn samples(&self) -> u64 {
        self.data.iter().map(|record| record.samples() as u64).sum()
    }

    /// Gives up data, oldest first, until at most so many places are left. `lose` is told of each record.
    pub fn drop_beyond(&mut self, places: usize, mut lose: impl FnMut(&DataRecord)) -> Option<GivenUp> {
        let mut given_up: Option<GivenUp> = None;
        while self.places > places
            && let Some(record) = self.data.pop_front()
        {
            self.places -= record.places();
            lose(&record);
            let seq = record.seq;
            let sum = given_up.get_or_insert(GivenUp { first: seq, last: seq, samples: 0 });
            (sum.last, sum.samples) = (seq, sum.samples + record.samples() as u64);
        }
        given_up
    }

    /// The same for events.
    pub fn drop_events_beyond(&mut self, events: usize) -> Option<GivenUp> {
        let surplus = self.events.len().saturating_sub(events);
        let (first, last) = (self.events.front()?.seq, self.events.get(surplus.checked_sub(1)?)?.seq);
        self.events.drain(..surplus);
        Some(GivenUp { first, last, samples: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BootId, ClockMark, Event, Group, Reading, Scan, Timestamp, Value};
    use std::time::Duration;

    /// Records of 1,000 places each, of which so many are reported.
    fn numbered(seqs: std::ops::RangeInclusive<Seq>, reported: usize, text: &str) -> Committed {
        let group = Arc::new(Group::new("d".into(), Duration::from_secs(1), Vec::new()));
        let mut readings = vec![None; 1_000];
        readings[..reported].fill(Some(Reading::Good(Value::Text(text.into()))));
        let scans = vec![Scan { at: Timestamp(0), mono_ms: 0, readings, stamps: None }];
        let data = |seq| {
            let (group, scans) = (group.clone(), scans.clone());
            Arc::new(DataRecord { seq, boot: BootId(1), group, clock: ClockMark::Trusted, scans })
        };
        let event = Event::Dropped { samples: 0, cause: "filler".into() };
        let events = |seq| {
            let (clock, event) = (ClockMark::Trusted, event.clone());
            Arc::new(EventRecord { seq, boot: BootId(1), at: Timestamp(0), clock, mono_ms: None, event })
        };
        Committed { data: seqs.clone().map(data).collect(), events: seqs.map(events).collect() }
    }

    #[test]
    fn what_every_sink_has_needs_no_disk() {
        let mut unwritten = Unwritten::default();
        unwritten.push(&numbered(5..=9, 2, ""));
        assert_eq!(unwritten.delivered(4), 0);
        assert_eq!(unwritten.delivered(7), 6);
        assert_eq!(unwritten.oldest(), [Some(8), Some(5)]);
        assert_eq!((unwritten.samples(), unwritten.places), (4, 2_000));
        assert_eq!((unwritten.data_written(), unwritten.places, unwritten.records()), (4, 0, 5));
    }

    #[test]
    fn the_oldest_go_first_and_are_named() {
        let mut unwritten = Unwritten::default();
        unwritten.push(&numbered(1..=10, 2, ""));
        assert_eq!(unwritten.drop_beyond(10_000, |_| ()), None);
        let mut told = Vec::new();
        let given_up = unwritten.drop_beyond(6_999, |record| told.push(record.seq));
        assert_eq!(given_up, Some(GivenUp { first: 1, last: 4, samples: 8 }));
        assert_eq!(told, [1, 2, 3, 4]);
        assert_eq!(unwritten.drop_events_beyond(10), None);
        assert_eq!(unwritten.drop_events_beyond(9), Some(GivenUp { first: 1, last: 1, samples: 0 }));
        assert_eq!(unwritten.oldest(), [Some(5), Some(2)]);
    }

    #[test]
    fn long_texts_take_memory_too() {
        let mut unwritten = Unwritten::default();
        unwritten.push(&numbered(1..=10, 1_000, &"x".repeat(250)));
        let given_up = unwritten.drop_beyond(20_000, |_| ()).unwrap();
        assert_eq!(given_up.last, 8, "a record takes 9,000 places");
    }
}
