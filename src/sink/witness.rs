//! The witness of a sink: it sees each message that its connections hand to the broker, and tells the egress log. The log is
//! written elsewhere, by the one thread that writes the disk; here is only the channel to it.
//!
//! The rule: a log that cannot keep up holds no data back, but what it did not take is counted, and the log will say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Thread;
use std::time::SystemTime;

use super::egress::{Contents, Entry, Kind};
use crate::model::Timestamp;

/// Entries that may wait. The writer is woken at half of it; the rest lasts for as long as a slow disk holds it up: at the
/// 2,000 small messages a second at which a backlog is drained, for a second.
const WAITING: usize = 4_096;

/// What both ends share.
#[derive(Debug, Default)]
struct State {
    is_off: AtomicBool,
    waiting: AtomicUsize,
    missed: AtomicU64,
}

/// The end of those who deliver: gives each sink its witness.
#[derive(Debug, Clone)]
pub struct Post {
    entries: SyncSender<Box<Entry>>,
    state: Arc<State>,
    writer: Thread,
}

/// Sees what leaves through one sink.
#[derive(Debug, Clone)]
pub struct Witness {
    sink: Arc<str>,
    post: Post,
}

/// The end of the one who writes.
#[derive(Debug)]
pub struct Inbox {
    entries: Receiver<Box<Entry>>,
    state: Arc<State>,
}

/// Both ends; `writer` is the thread that empties the inbox.
pub fn channel(writer: Thread) -> (Post, Inbox) {
    let (sender, entries) = sync_channel(WAITING);
    let state = Arc::new(State::default());
    (Post { entries: sender, state: state.clone(), writer }, Inbox { entries, state })
}

impl Post {
    /// The witness of this sink.
    pub fn witness(&self, sink: &Arc<str>) -> Witness {
        Witness { sink: sink.clone(), post: self.clone() }
    }
}

impl Witness {
    /// What the log will say of a message that is about to leave; `None`: it is switched off.
    pub fn look(&self, kind: Kind, topic: &str, payload: &[u8], contents: Contents) -> Option<Box<Entry>> {
        if self.post.state.is_off.load(Ordering::Relaxed) {
            return None;
        }
        let at = Timestamp::of(SystemTime::now());
        Some(Box::new(Entry::of(at, self.sink.clone(), topic, kind, payload, contents)))
    }

    /// It has left.
    pub fn tell(&self, entry: Box<Entry>) {
        let Post { entries, state, writer } = &self.post;
        // Counted before it is sent, since the writer may take it at once.
        let waiting = state.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        if entries.try_send(entry).is_err() {
            state.waiting.fetch_sub(1, Ordering::Relaxed);
            state.missed.fetch_add(1, Ordering::Relaxed);
        } else if waiting == WAITING / 2 {
            writer.unpark();
        }
    }
}

impl Inbox {
    /// The next entry, if there is one.
    pub fn take(&self) -> Option<Box<Entry>> {
        let entry = self.entries.try_recv().ok()?;
        self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(entry)
    }

    /// Messages that left unseen since this was asked last.
    pub fn take_missed(&self) -> u64 {
        self.state.missed.swap(0, Ordering::Relaxed)
    }

    /// Whether messages are seen at all.
    pub fn switch(&self, on: bool) {
        self.state.is_off.store(!on, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(witness: &Witness) {
        let entry = witness.look(Kind::State, "t", b"x", Contents::default());
        entry.into_iter().for_each(|entry| witness.tell(entry));
    }

    #[test]
    fn what_the_log_does_not_take_is_counted_and_holds_nothing_up() {
        let (post, inbox) = channel(std::thread::current());
        let witness = post.witness(&"cloud".into());
        (0..WAITING + 7).for_each(|_| left(&witness));
        assert_eq!((inbox.take_missed(), inbox.take_missed()), (7, 0));
        assert_eq!(std::iter::from_fn(|| inbox.take()).count(), WAITING);
        left(&witness);
        assert!(inbox.take().is_some_and(|entry| *entry.sink == *"cloud"));
        inbox.switch(false);
        left(&witness);
        assert!(inbox.take().is_none() && inbox.take_missed() == 0);
    }

    #[test]
    fn the_writer_is_woken_before_the_channel_is_full() {
        let (post, _inbox) = channel(std::thread::current());
        let witness = post.witness(&"cloud".into());
        std::thread::park_timeout(std::time::Duration::ZERO); // whatever was left over
        (0..WAITING / 2).for_each(|_| left(&witness));
        let began = std::time::Instant::now();
        std::thread::park_timeout(std::time::Duration::from_secs(20));
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "nobody woke it");
    }
}
