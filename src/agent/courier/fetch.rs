//! The next record of a lane: from the tail in memory, or from the disk when behind. What lies before it and is not to be had is
//! passed; what was lost of that, the receiver is to see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::error;

use super::super::flight::Lane;
use super::super::recorder::Command;
use super::super::tail::{Next, Tail};
use super::Courier;
use crate::journal::{Found, Reader};
use crate::model::words::journal as journal_words;
use crate::model::{Code, DataRecord, EventRecord, Seq, Stream, Trouble};

/// Read from disk at a time when behind: a few messages' worth, so that a backlog of gigabytes never fills the memory.
const READ_RECORDS: usize = 16;
const READ_SAMPLES: usize = 20_000;

/// The file was renewed a moment ago, or somebody holds it.
const SOON_OVER: [Code; 2] = [journal_words::REPLACED, journal_words::BUSY];

/// Then it is tried again after so long.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// A record of one of the streams.
pub(in crate::agent) trait Fetched: Sized + Send + Sync + 'static {
    const STREAM: Stream;
    fn seq(&self) -> Seq;
    /// Where those after a position are.
    fn after(tail: &Tail, after: Seq) -> Next<'_, Self>;
    /// The next ones on the disk.
    fn read(reader: &mut Reader, after: Seq, through: Seq) -> Result<Vec<Found<Self>>, Trouble>;
}

impl Fetched for DataRecord {
    const STREAM: Stream = Stream::Data;

    fn seq(&self) -> Seq {
        self.seq
    }

    fn after(tail: &Tail, after: Seq) -> Next<'_, DataRecord> {
        tail.data_after(after)
    }

    fn read(reader: &mut Reader, after: Seq, through: Seq) -> Result<Vec<Found<DataRecord>>, Trouble> {
        reader.data_between(after, through, READ_RECORDS, READ_SAMPLES)
    }
}

impl Fetched for EventRecord {
    const STREAM: Stream = Stream::Events;

    fn seq(&self) -> Seq {
        self.seq
    }

    fn after(tail: &Tail, after: Seq) -> Next<'_, EventRecord> {
        tail.events_after(after)
    }

    fn read(reader: &mut Reader, after: Seq, through: Seq) -> Result<Vec<Found<EventRecord>>, Trouble> {
        reader.events_between(after, through, READ_RECORDS)
    }
}

/// What comes next on a lane.
pub(in crate::agent) enum Step<T> {
    /// This record.
    Record(Arc<T>),
    /// A row that cannot be read. The receiver is to see the gap.
    Damaged(Seq),
    /// The disk is to be asked, and what it says goes to [`Lane::arrived`].
    Read {
        after: Seq,
        through: Seq,
    },
    Nothing,
}

impl<T: Fetched> Lane<T> {
    /// The next step up to and with position `last`. Pure: whoever calls it reads the disk.
    pub(in crate::agent) fn step(&mut self, tail: &Tail, last: Seq) -> Step<T> {
        // Asked now: later than the read that brought what is in the queue.
        let losses = &tail.place.losses()[T::STREAM as usize];
        loop {
            match self.queue.pop_front() {
                Some(Found::Record(record)) => {
                    self.pass(record.seq() - 1, losses);
                    return Step::Record(record);
                }
                Some(Found::Damaged(seq)) => {
                    self.pass(seq - 1, losses);
                    self.window.gave_up(seq);
                    return Step::Damaged(seq);
                }
                None => {}
            }
            let after = self.window.newest();
            if after >= last {
                return Step::Nothing;
            }
            match T::after(tail, after) {
                Next::Memory([]) => return Step::Nothing,
                Next::Memory(records) => {
                    let records = &records[..records.partition_point(|record| record.seq() <= last)];
                    if records.is_empty() {
                        self.pass(last, losses);
                    }
                    self.queue.extend(records.iter().cloned().map(Found::Record));
                }
                Next::Disk { through } => return Step::Read { after, through: through.min(last) },
            }
        }
    }

    /// What the disk had up to and with position `through`. What it no longer had may have been given up since the tail was announced, so
    /// the losses are those of now.
    pub(in crate::agent) fn arrived(&mut self, found: Vec<Found<T>>, through: Seq, tail: &Tail) {
        if found.is_empty() {
            self.pass(through, &tail.place.losses()[T::STREAM as usize]);
        }
        self.queue.extend(found);
    }
}

impl Courier {
    /// The next record to send up to and with position `last`, if there is one.
    pub(super) async fn next<T: Fetched>(&mut self, lane: &mut Lane<T>, last: Seq) -> Result<Option<Arc<T>>, Trouble> {
        loop {
            let tail = self.desk.tail.borrow_and_update().clone();
            match lane.step(&tail, last) {
                Step::Record(record) => return Ok(Some(record)),
                Step::Damaged(seq) if T::STREAM == Stream::Data => self.desk.recorder.tell(Command::Damaged(seq)),
                Step::Damaged(_) => {}
                Step::Read { .. } if self.read_again.is_some() => return Ok(None),
                Step::Read { after, through } => {
                    match self.read(move |reader| T::read(reader, after, through)).await {
                        Ok(found) => lane.arrived(found, through, &tail),
                        // Nothing is wrong with the broker. Of a new file the next tail tells, or a later look.
                        Err(trouble) if SOON_OVER.contains(&trouble.code) => {
                            self.read_again = Some(Instant::now() + READ_AGAIN);
                            return Ok(None);
                        }
                        Err(trouble) => return Err(trouble),
                    }
                }
                Step::Nothing => return Ok(None),
            }
        }
    }

    /// A short read of the journal's file, off the runtime's thread.
    async fn read<T: Send + Sync + 'static>(
        &mut self,
        job: impl FnOnce(&mut Reader) -> Result<Vec<Found<T>>, Trouble> + Send + 'static,
    ) -> Result<Vec<Found<T>>, Trouble> {
        let place = self.desk.tail.borrow().place.clone();
        let reader = self.reader.take().filter(|reader| *reader.place() == place);
        let read = tokio::task::spawn_blocking(move || {
            let mut reader = match reader {
                Some(reader) => reader,
                None => Reader::open(&place)?,
            };
            let found = job(&mut reader)?;
            Ok((reader, found))
        });
        let (reader, found) = read.await.expect("the job does not panic and is not aborted")?;
        self.reader = Some(reader);
        let damaged = found.iter().filter(|found| matches!(found, Found::Damaged(_))).count();
        if damaged > 0 {
            self.on_damage(damaged as u64);
        }
        Ok(found)
    }

    fn on_damage(&self, records: u64) {
        self.desk.status.send_modify(|status| status.damaged += records);
        let trouble = Trouble::new(journal_words::DAMAGED_RECORDS).with("records", records);
        let trouble = trouble.with("path", self.desk.tail.borrow().place.file().display());
        error!(code = %trouble.code, sink = %self.sink.name, "{trouble}");
    }
}
