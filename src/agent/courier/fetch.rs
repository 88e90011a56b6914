//! The next record of a lane: from the tail in memory, or from the disk when behind. What lies before it and is not to be had is
//! passed; what was lost of that, the receiver is to see.

use std::sync::Arc;

use tracing::error;

use super::super::flight::Lane;
use super::super::recorder::Command;
use super::super::tail::{Next, Tail};
use super::Courier;
use crate::journal::{Found, Reader};
use crate::model::words::journal as journal_words;
use crate::model::{DataRecord, EventRecord, Seq, Stream, Trouble};

/// Read from disk at a time when behind: a few messages' worth, so that a backlog of gigabytes never fills the memory.
const READ_RECORDS: usize = 16;
const READ_SAMPLES: usize = 20_000;

/// A record of one of the streams.
pub(super) trait Fetched: Sized + Send + Sync + 'static {
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

impl Courier {
    /// The next record to send up to and with position `last`, if there is one.
    pub(super) async fn next<T: Fetched>(&mut self, lane: &mut Lane<T>, last: Seq) -> Result<Option<Arc<T>>, Trouble> {
        loop {
            let tail = self.desk.tail.borrow_and_update().clone();
            let losses = &tail.losses[T::STREAM as usize];
            match lane.queue.pop_front() {
                Some(Found::Record(record)) => {
                    lane.pass(record.seq() - 1, losses);
                    return Ok(Some(record));
                }
                Some(Found::Damaged(seq)) => {
                    lane.pass(seq - 1, losses);
                    lane.window.gave_up(seq); // the receiver is to see the gap
                    if T::STREAM == Stream::Data {
                        self.desk.recorder.tell(Command::Damaged(seq));
                    }
                }
                None => {
                    let after = lane.window.newest();
                    if after >= last {
                        return Ok(None);
                    }
                    match T::after(&tail, after) {
                        Next::Memory([]) => return Ok(None),
                        Next::Memory(records) => {
                            let records = &records[..records.partition_point(|record| record.seq() <= last)];
                            if records.is_empty() {
                                lane.pass(last, losses);
                            }
                            lane.queue.extend(records.iter().cloned().map(Found::Record));
                        }
                        Next::Disk { through } => {
                            let through = through.min(last);
                            let found = self.read(move |reader| T::read(reader, after, through)).await?;
                            if found.is_empty() {
                                lane.pass(through, losses);
                            }
                            lane.queue.extend(found);
                        }
                    }
                }
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
