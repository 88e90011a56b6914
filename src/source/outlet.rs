//! The way out of a source: a bounded channel to the recorder. The recorder sleeps from commit to commit; it is woken
//! early only when enough has come together, so that a thousand samples cost one wake-up rather than a hundred.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;

use tokio::sync::mpsc;

use crate::model::{Batch, Event, Sign, Timestamp};

/// What a source hands on.
#[derive(Debug)]
pub enum Heard {
    /// One scan of one group.
    Batch(Batch),
    /// A scan that a server kept, since nobody heard it: each reading was taken so many ms before.
    Kept(Batch, Box<[u64]>),
    /// A subscription lives, or did not. Only the ledger wants to know.
    Sign(Sign),
    /// A link came up or went down.
    Event(Timestamp, Event),
}

/// The sending end. A full channel delays the poll, and the schedule counts what was missed.
#[derive(Clone)]
pub struct Outlet {
    sender: mpsc::Sender<Heard>,
    waiting_samples: Arc<AtomicUsize>,
    recorder: Thread,
    wake_at_samples: usize,
}

impl Outlet {
    /// `waiting_samples` is raised here and lowered by the recorder, which is woken when it reaches `wake_at_samples`.
    pub fn new(
        sender: mpsc::Sender<Heard>,
        waiting_samples: Arc<AtomicUsize>,
        recorder: Thread,
        wake_at_samples: usize,
    ) -> Outlet {
        Outlet { sender, waiting_samples, recorder, wake_at_samples }
    }

    /// Waits for room. `false`: the recorder is gone, the agent is ending.
    pub async fn put(&self, heard: Heard) -> bool {
        let samples = match &heard {
            Heard::Batch(batch) | Heard::Kept(batch, _) => batch.len(),
            Heard::Sign(_) | Heard::Event(..) => 0,
        };
        let waiting = self.waiting_samples.fetch_add(samples, Ordering::Relaxed) + samples;
        if waiting >= self.wake_at_samples || self.sender.capacity() <= self.sender.max_capacity() / 2 {
            self.recorder.unpark();
        }
        self.sender.send(heard).await.is_ok()
    }
}
