//! Batch and Record: the unit of travel before the journal, and the unit of travel behind it.

use std::fmt;
use std::sync::Arc;

use super::clock::true_time;
use super::{ClockMark, Event, Group, Reading, Stamp, Timestamp, Why};

/// All readings of one group from one scan, before the journal has seen them.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Which tags, of which device.
    pub group: Arc<Group>,
    /// When the scan was taken, by the gateway's wall clock.
    pub at: Timestamp,
    /// The same moment in milliseconds of the monotonic clock, counted from the start of the agent.
    pub mono_ms: u64,
    /// When this scan was due by the same clock; `None`: nobody asked, it came by itself.
    pub due_ms: Option<u64>,
    /// One place per tag of the group, in its order; `None`: nothing new of this tag.
    pub readings: Vec<Option<Reading>>,
    /// One per tag, beside its reading; `None`: the protocol has no such thing.
    pub stamps: Option<Vec<Stamp>>,
}

impl Batch {
    /// Readings in it.
    pub fn len(&self) -> usize {
        self.readings.iter().flatten().count()
    }

    /// Whether there is nothing new of any tag.
    pub fn is_empty(&self) -> bool {
        self.readings.iter().all(Option::is_none)
    }
}

/// Whether a subscription lives that is silent about what does not change.
#[derive(Debug, Clone)]
pub struct Sign {
    /// Tags that it watches.
    pub group: Arc<Group>,
    /// When the sign came, in milliseconds of the monotonic clock.
    pub mono_ms: u64,
    /// `None`: what stood stands. Else nothing is known since the last sign, and this is why.
    pub lapse: Option<Why>,
}

/// A position in a stream of the journal: 1, 2, 3, ... and never reused.
pub type Seq = u64;

/// How far one sink has come in one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Everything up to here is done: acknowledged, out of scope, or given up.
    pub position: Seq,
    /// The `prev` of the next message: the last position up to `position` that was meant for the receiver.
    pub last_sent: Seq,
}

/// The journal's two queues. A small urgent event never waits behind a long backlog of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Samples.
    Data,
    /// Link changes, later states and indicators.
    Events,
}

impl Stream {
    /// Both streams.
    pub const ALL: [Stream; 2] = [Stream::Data, Stream::Events];

    /// The word in message identities and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Stream::Data => "data",
            Stream::Events => "events",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One start of the agent: 48 random bits, printed as 12 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BootId(pub u64);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0 & 0xffff_ffff_ffff)
    }
}

/// What receivers drop duplicates and find gaps by: `<boot>-<stream>-<seq>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The start of the agent in which the record was written.
    pub boot: BootId,
    /// The queue.
    pub stream: Stream,
    /// The position in it.
    pub seq: Seq,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.boot, self.stream, self.seq)
    }
}

/// One moment within a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// When it was taken.
    pub at: Timestamp,
    /// The same on the monotonic clock, milliseconds since the start of the agent.
    pub mono_ms: u64,
    /// One place per tag of the group; `None` where report on change held the reading back.
    pub readings: Vec<Option<Reading>>,
    /// One per tag, beside its reading; `None`: the protocol has no such thing.
    pub stamps: Option<Box<[Stamp]>>,
}

impl Scan {
    /// Readings that are reported.
    pub fn len(&self) -> usize {
        self.readings.iter().flatten().count()
    }

    /// What it takes in memory, in places of about 32 bytes: one per tag, be it held back, the bytes of its texts, and its
    /// stamps.
    pub fn places(&self) -> usize {
        const PLACE_BYTES: usize = 32;
        let text_bytes = |reading: &Reading| match reading {
            Reading::Good(value) | Reading::Uncertain(value, _) => value.text().map_or(0, str::len),
            Reading::Bad(_) => 0,
        };
        let texts = self.readings.iter().flatten().map(text_bytes);
        let stamps = self.stamps.as_deref().map_or(0, size_of_val);
        self.readings.len()
            + texts.map(|bytes| bytes.div_ceil(PLACE_BYTES)).sum::<usize>()
            + stamps.div_ceil(PLACE_BYTES)
    }

    /// Whether report on change held everything back.
    pub fn is_empty(&self) -> bool {
        self.readings.iter().all(Option::is_none)
    }
}

/// What one journal row of the data stream says, and one message carries: the scans of one group within one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct DataRecord {
    /// Position in [`Stream::Data`].
    pub seq: Seq,
    /// The start of the agent in which it was written.
    pub boot: BootId,
    /// The tags.
    pub group: Arc<Group>,
    /// What stands behind the times of its scans.
    pub clock: ClockMark,
    /// The scans, oldest first.
    pub scans: Vec<Scan>,
}

impl DataRecord {
    /// Reported readings in all scans.
    pub fn samples(&self) -> usize {
        self.scans.iter().map(Scan::len).sum()
    }

    /// What it takes in memory: see [`Scan::places`]. With its lists a record of one sample takes as much as 8 of them.
    pub fn places(&self) -> usize {
        const LEAST: usize = 8;
        self.scans.iter().map(Scan::places).sum::<usize>().max(LEAST)
    }

    /// Gives its scans their true times: see [`correct`].
    pub fn correct(&mut self, offset_ms: i64) {
        self.clock = correct(self.clock, &mut self.scans, offset_ms);
    }
}

/// Gives scans of an untrusted clock their true times, now that it is known how far the trusted wall clock is ahead of the
/// monotonic one; gives what stands behind them then.
pub fn correct(clock: ClockMark, scans: &mut [Scan], offset_ms: i64) -> ClockMark {
    if clock != ClockMark::Untrusted {
        return clock;
    }
    let mut mark = ClockMark::Trusted;
    for scan in scans {
        if let Some(at) = true_time(scan.at, scan.mono_ms, offset_ms) {
            (scan.at, mark) = (at, ClockMark::Corrected);
        }
    }
    mark
}

/// One row of the events stream.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Position in [`Stream::Events`].
    pub seq: Seq,
    /// The start of the agent in which it was written.
    pub boot: BootId,
    /// When it happened.
    pub at: Timestamp,
    /// What stands behind that time.
    pub clock: ClockMark,
    /// The same on the monotonic clock, where the wall clock was not trusted.
    pub mono_ms: Option<u64>,
    /// What happened.
    pub event: Event,
}

impl EventRecord {
    /// Gives it its true time: see [`correct`].
    pub fn correct(&mut self, offset_ms: i64) {
        (self.at, self.clock) = correct_event(self.at, self.clock, self.mono_ms, offset_ms);
    }
}

/// [`correct`] for an event.
pub fn correct_event(at: Timestamp, clock: ClockMark, mono_ms: Option<u64>, offset_ms: i64) -> (Timestamp, ClockMark) {
    let Some(mono_ms) = mono_ms.filter(|_| clock == ClockMark::Untrusted) else { return (at, clock) };
    true_time(at, mono_ms, offset_ms).map_or((at, ClockMark::Trusted), |at| (at, ClockMark::Corrected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Value, Why};
    use std::time::Duration;

    #[test]
    fn a_record_of_one_sample_takes_more_than_its_sample() {
        let record = |samples: usize| {
            let readings = vec![Some(Reading::Good(Value::I64(1))); samples];
            let scans = vec![Scan { at: Timestamp(0), mono_ms: 0, readings, stamps: None }];
            let group = Arc::new(Group::new("d".into(), Duration::from_secs(1), Vec::new()));
            DataRecord { seq: 1, boot: BootId(1), group, clock: ClockMark::Trusted, scans }.places()
        };
        assert_eq!((record(1), record(8), record(100)), (8, 8, 100));
    }

    #[track_caller]
    fn check(reading: Reading, stamps: Option<Box<[Stamp]>>, places: usize) {
        let scan = Scan { at: Timestamp(0), mono_ms: 0, readings: vec![Some(reading), None], stamps };
        assert_eq!(scan.places(), places, "{scan:?}");
    }

    #[test]
    fn scans_of_an_untrusted_clock_get_their_true_times_and_those_that_were_right_keep_them() {
        const TRUE: i64 = 1_793_491_200_000;
        let scan = |at, mono_ms| Scan { at: Timestamp(at), mono_ms, readings: Vec::new(), stamps: None };
        let times = |scans: &[Scan]| scans.iter().map(|scan| scan.at.0).collect::<Vec<_>>();
        for (clock, scans, mark, expected) in [
            (
                ClockMark::Untrusted,
                vec![scan(1_000, 500), scan(TRUE + 700, 600)],
                ClockMark::Corrected,
                [TRUE + 500, TRUE + 700],
            ),
            (
                ClockMark::Untrusted,
                vec![scan(TRUE + 1, 0), scan(TRUE + 9, 8)],
                ClockMark::Trusted,
                [TRUE + 1, TRUE + 9],
            ),
            (ClockMark::Trusted, vec![scan(1_000, 500), scan(1, 2)], ClockMark::Trusted, [1_000, 1]),
            (ClockMark::Corrected, vec![scan(1_000, 500), scan(1, 2)], ClockMark::Corrected, [1_000, 1]),
        ] {
            let mut scans = scans;
            assert_eq!(correct(clock, &mut scans, TRUE), mark);
            assert_eq!(times(&scans), expected);
        }
        let event = |clock, mono_ms| correct_event(Timestamp(1_000), clock, mono_ms, TRUE);
        assert_eq!(event(ClockMark::Untrusted, Some(500)), (Timestamp(TRUE + 500), ClockMark::Corrected));
        assert_eq!(event(ClockMark::Trusted, Some(500)), (Timestamp(1_000), ClockMark::Trusted));
        assert_eq!(event(ClockMark::Untrusted, None), (Timestamp(1_000), ClockMark::Untrusted));
    }

    #[test]
    fn a_scan_takes_a_place_per_tag_and_more_for_texts_json_and_stamps() {
        let long = |len: usize| "x".repeat(len).into_boxed_str();
        check(Reading::Good(Value::I64(1)), None, 2);
        check(Reading::Good(Value::Text(long(64))), None, 4);
        check(Reading::Good(Value::Json(long(65))), None, 5);
        check(Reading::Uncertain(Value::Json(long(1)), Why::LastKnown), None, 3);
        assert_eq!(size_of::<Stamp>(), 40);
        check(Reading::Good(Value::I64(1)), Some([Stamp::NONE; 2].into()), 2 + 3);
    }
}
