//! The recorder: one OS thread, the only writer of the journal. It sleeps from commit to commit; each time it takes what
//! the links have heard, keeps what is worth reporting, commits all of it in one transaction and announces the new
//! positions. What cannot be written stays in memory, up to a limit, and is tried again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{oneshot, watch};
use tracing::{debug, error, info, warn};

use super::pending::Pending;
use super::tail::Tail;
use crate::journal::{Dropped, Journal, NewEvent, OnChange};
use crate::model::words::agent as words;
use crate::model::{Batch, Code, Cursor, Event, Stream, Timestamp, Trouble};
use crate::source::{Heard, Outlet};

/// Scans and events that may wait in the channel. The recorder is woken at half of it.
const CHANNEL: usize = 1_024;

/// Samples that make a commit worth its price before its time: at 8 kB of overhead a commit, the overhead is below 1 byte
/// a sample from here on.
const COMMIT_SAMPLES: usize = 10_000;

/// Places for samples that wait in memory while the disk refuses them, about 32 bytes each; beyond it the oldest are given
/// up.
const MEMORY_PLACES: usize = 200_000;

/// Events that wait in memory while the disk refuses them; beyond it the oldest are given up. Far more than a day of a
/// flapping link, in some 100 kB.
const MEMORY_EVENTS: usize = 1_000;

/// While the disk refuses, what was given up is told so often: to know that it goes on, a line a minute is enough.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Cursors and range deletes are written after so many commits or so much time: a crash sends at most that much again.
const MAINTAIN_COMMITS: u32 = 60;
const MAINTAIN_EVERY: Duration = Duration::from_secs(10);

/// With long commit intervals the recorder still turns so often, so that a watchdog can tell it from a hung one.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How far a sink has come, by stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// In [`Stream::Data`].
    pub data: Cursor,
    /// In [`Stream::Events`].
    pub events: Cursor,
}

/// What others may ask of the recorder.
pub enum Command {
    /// Commit now, then answer: everything that was put into the outlet before is on disk.
    Flush(oneshot::Sender<()>),
    /// The sinks whose cursors count from now on.
    Sinks(HashMap<String, watch::Receiver<Progress>>),
    /// How far this sink had come when it was last heard of.
    ProgressOf(String, oneshot::Sender<Progress>),
    /// New limits of the journal.
    Limits {
        /// Bytes on disk.
        max_size: u64,
        /// Age of the oldest sample.
        max_age: Duration,
        /// Time between two commits.
        commit_interval: Duration,
        /// Bytes of a record's message at most.
        message_bytes: usize,
    },
    /// Commit, write the cursors, close.
    Stop,
}

/// The handle of the recorder's thread.
pub struct Recorder {
    commands: mpsc::Sender<Command>,
    outlet: Outlet,
    tail: watch::Receiver<Arc<Tail>>,
    health: Arc<Health>,
    thread: Thread,
    gone: oneshot::Receiver<()>,
}

/// What the watchdog and the status line look at.
#[derive(Debug, Default)]
pub struct Health {
    /// Grows with each turn of the recorder.
    pub turns: AtomicU64,
    /// Samples given up since the start.
    pub dropped: AtomicU64,
    /// Samples committed since the start.
    pub committed: AtomicU64,
    /// Bytes of the journal on disk, at the last maintenance.
    pub bytes: AtomicU64,
}

impl Recorder {
    /// Starts the thread. A record's message has at most `message_bytes`.
    pub fn start(journal: Journal, commit_interval: Duration, message_bytes: usize) -> Recorder {
        let (sender, heard) = tokio::sync::mpsc::channel(CHANNEL);
        let (commands, orders) = mpsc::channel();
        let waiting_samples = Arc::new(AtomicUsize::new(0));
        let health = Arc::new(Health::default());
        let (alive, gone) = oneshot::channel();
        let (announce, tail) = watch::channel(Arc::new(Tail::new(&journal)));
        let room = Room {
            waiting_samples: waiting_samples.clone(),
            health: health.clone(),
            commit_interval,
            message_bytes,
            _alive: alive,
            ..Room::new(journal, heard, orders, announce)
        };
        let join = thread::Builder::new()
            .name("recorder".into())
            .spawn(move || room.run())
            .expect("a thread can be made at the start of the process");
        let thread = join.thread().clone(); // the thread is not joined: `gone` tells its end without blocking
        let outlet = Outlet::new(sender, waiting_samples, thread.clone(), COMMIT_SAMPLES);
        Recorder { commands, outlet, tail, health, thread, gone }
    }

    /// Where links put what they hear.
    pub fn outlet(&self) -> Outlet {
        self.outlet.clone()
    }

    /// What was committed last.
    pub fn tail(&self) -> watch::Receiver<Arc<Tail>> {
        self.tail.clone()
    }

    /// For watchdog and status.
    pub fn health(&self) -> Arc<Health> {
        self.health.clone()
    }

    /// Sends a command and wakes the thread.
    pub fn tell(&self, command: Command) {
        self.commands.send(command).ok(); // a recorder that is gone has been reported by the supervisor
        self.thread.unpark();
    }

    /// Everything put into the outlet before this call is committed when it returns.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.tell(Command::Flush(done));
        flushed.await.ok(); // gone: nothing more can be done for it
    }

    /// How far a sink had come: from the journal, or its beginning.
    pub async fn progress_of(&self, sink: &str) -> Progress {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::ProgressOf(sink.to_owned(), answer));
        answered.await.unwrap_or_default() // gone: nothing will be delivered anyway
    }

    /// Waits until the thread has ended, by a panic or by `Stop`.
    pub async fn gone(&mut self) {
        (&mut self.gone).await.ok(); // nothing is ever sent: the end is what is waited for
    }

    /// Commits what is left, writes the cursors, closes the journal. `false`: it has not ended within the grace, since
    /// the disk hangs; what it holds is in doubt.
    pub async fn stop(mut self, grace: Duration) -> bool {
        self.tell(Command::Stop);
        tokio::time::timeout(grace, self.gone()).await.is_ok()
    }
}

/// What the thread owns.
struct Room {
    journal: Journal,
    heard: tokio::sync::mpsc::Receiver<Heard>,
    orders: mpsc::Receiver<Command>,
    waiting_samples: Arc<AtomicUsize>,
    announce: watch::Sender<Arc<Tail>>,
    health: Arc<Health>,
    on_change: OnChange,
    pending: Pending,
    commit_interval: Duration,
    message_bytes: usize,
    sinks: HashMap<String, watch::Receiver<Progress>>,
    commits_since_maintenance: u32,
    maintained: Instant,
    /// The storage trouble that is being waited out.
    refused: Option<Trouble>,
    given_up: GivenUp,
    /// Why the last maintenance failed: told when it changes, not every time.
    unmaintained: Option<Code>,
    /// Dropped with the thread, however it ends.
    _alive: oneshot::Sender<()>,
}

/// Samples given up since the disk began to refuse.
#[derive(Default)]
struct GivenUp {
    unlogged: u64,
    unpublished: u64,
    logged: Option<Instant>,
}

impl Room {
    /// A room in which nothing has happened yet, with the default settings.
    fn new(
        journal: Journal,
        heard: tokio::sync::mpsc::Receiver<Heard>,
        orders: mpsc::Receiver<Command>,
        announce: watch::Sender<Arc<Tail>>,
    ) -> Room {
        Room {
            journal,
            heard,
            orders,
            waiting_samples: Arc::default(),
            announce,
            health: Arc::default(),
            on_change: OnChange::new(),
            pending: Pending::default(),
            commit_interval: Duration::from_secs(1),
            message_bytes: 128_000,
            sinks: HashMap::new(),
            commits_since_maintenance: 0,
            maintained: Instant::now(),
            refused: None,
            given_up: GivenUp::default(),
            unmaintained: None,
            _alive: oneshot::channel().0,
        }
    }

    fn run(mut self) {
        let mut committed = Instant::now();
        loop {
            let wait = self.commit_interval.saturating_sub(committed.elapsed()).min(HEARTBEAT);
            if !wait.is_zero() {
                thread::park_timeout(wait);
            }
            self.health.turns.fetch_add(1, Ordering::Relaxed);
            self.take_heard();
            let (flushes, is_stop) = self.take_orders();
            let is_due = committed.elapsed() >= self.commit_interval || self.pending.samples >= COMMIT_SAMPLES;
            if is_due || is_stop || !flushes.is_empty() {
                committed = Instant::now();
                self.commit();
                self.maintain_if_due(is_stop);
            }
            for done in flushes {
                done.send(()).ok(); // the asker may have given up; the flush happened anyway
            }
            if is_stop {
                self.commit(); // what the maintenance gave up is an event
                self.give_up_the_rest();
                return;
            }
        }
    }

    fn take_heard(&mut self) {
        let mut samples = 0;
        while let Ok(heard) = self.heard.try_recv() {
            match heard {
                Heard::Batch(batch) => {
                    samples += batch.len();
                    self.remember(batch);
                }
                Heard::Event(at, event) => self.pending.events.push(NewEvent { at, event }),
            }
        }
        self.waiting_samples.fetch_sub(samples, Ordering::Relaxed);
    }

    fn remember(&mut self, batch: Batch) {
        let group = batch.group.clone();
        let Some(scan) = self.on_change.filter(batch) else { return };
        self.pending.push(group, scan, self.message_bytes);
    }

    fn take_orders(&mut self) -> (Vec<oneshot::Sender<()>>, bool) {
        let mut flushes = Vec::new();
        let mut is_stop = false;
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Command::Flush(done) => flushes.push(done),
                Command::Sinks(sinks) => {
                    let names: Vec<&str> = sinks.keys().map(String::as_str).collect();
                    self.journal.forget_sinks_except(&names);
                    self.sinks = sinks;
                }
                Command::ProgressOf(sink, answer) => {
                    let data = self.journal.cursor(&sink, Stream::Data);
                    let events = self.journal.cursor(&sink, Stream::Events);
                    answer.send(Progress { data, events }).ok(); // the asker may have given up
                }
                Command::Limits { max_size, max_age, commit_interval, message_bytes } => {
                    self.journal.set_limits(max_size, max_age);
                    self.commit_interval = commit_interval;
                    self.message_bytes = message_bytes;
                }
                Command::Stop => is_stop = true,
            }
        }
        if !flushes.is_empty() || is_stop {
            self.take_heard(); // what was put before the order
        }
        (flushes, is_stop)
    }

    fn commit(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        match self.journal.commit(&mut self.pending.data, &mut self.pending.events) {
            Ok(committed) => {
                self.health.committed.fetch_add(self.pending.samples as u64, Ordering::Relaxed);
                self.pending.clear();
                if self.refused.take().is_some() {
                    self.on_writable_again();
                }
                self.commits_since_maintenance += 1;
                let tail = self.announce.borrow().followed_by(committed.data, committed.events);
                self.announce.send_replace(Arc::new(tail));
            }
            Err(trouble) => self.wait_out(trouble),
        }
    }

    /// The disk refused: keep collecting in memory and say so once.
    fn wait_out(&mut self, trouble: Trouble) {
        if self.refused.as_ref().map(|before| before.code) != Some(trouble.code) {
            error!(code = %trouble.code, "{trouble}");
        }
        self.refused = Some(trouble);
        let dropped = self.pending.drop_oldest_beyond(MEMORY_PLACES);
        let events = self.pending.drop_oldest_events_beyond(MEMORY_EVENTS);
        if events > 0 {
            debug!(events, "events given up: the disk takes nothing");
        }
        self.health.dropped.fetch_add(dropped, Ordering::Relaxed);
        self.given_up.unlogged += dropped;
        self.given_up.unpublished += dropped;
        if self.given_up.logged.is_none_or(|logged| logged.elapsed() >= TELL_EVERY) {
            self.log_given_up();
        }
    }

    fn log_given_up(&mut self) {
        let samples = std::mem::take(&mut self.given_up.unlogged);
        if samples > 0 {
            self.given_up.logged = Some(Instant::now());
            let total = self.health.dropped.load(Ordering::Relaxed);
            let trouble = Trouble::new(words::MEMORY_FULL).with("samples", samples).with("total", total);
            error!(code = %trouble.code, "{trouble}");
        }
    }

    fn on_writable_again(&mut self) {
        self.log_given_up();
        info!("the journal can be written again");
        let GivenUp { unpublished, .. } = std::mem::take(&mut self.given_up);
        if unpublished > 0 {
            let event = Event::Dropped { samples: unpublished, cause: "memory".into() };
            self.pending.events.push(NewEvent { at: now(), event });
        }
    }

    /// The agent ends and the disk still refuses: nothing goes uncounted.
    fn give_up_the_rest(&mut self) {
        self.log_given_up();
        let samples = self.pending.samples as u64;
        if samples > 0 {
            let total = self.health.dropped.fetch_add(samples, Ordering::Relaxed) + samples;
            let trouble = Trouble::new(words::LOST_AT_STOP).with("samples", samples).with("total", total);
            error!(code = %trouble.code, "{trouble}");
        }
    }

    fn maintain_if_due(&mut self, is_stop: bool) {
        let is_due = self.commits_since_maintenance >= MAINTAIN_COMMITS || self.maintained.elapsed() >= MAINTAIN_EVERY;
        if !is_due && !is_stop {
            return;
        }
        self.commits_since_maintenance = 0;
        self.maintained = Instant::now();
        for (sink, progress) in &self.sinks {
            let progress = *progress.borrow();
            self.journal.move_cursor(sink, Stream::Data, progress.data);
            self.journal.move_cursor(sink, Stream::Events, progress.events);
        }
        match self.journal.maintain(now()) {
            Ok(dropped) => {
                self.unmaintained = None;
                dropped.into_iter().for_each(|dropped| self.on_dropped(dropped));
            }
            Err(trouble) => {
                if self.unmaintained.replace(trouble.code) != Some(trouble.code) {
                    warn!(code = %trouble.code, "{trouble}");
                }
            }
        }
        self.health.bytes.store(self.journal.status().bytes_on_disk, Ordering::Relaxed);
    }

    /// The journal gave samples up by policy: counted, logged, published.
    fn on_dropped(&mut self, dropped: Dropped) {
        self.health.dropped.fetch_add(dropped.samples, Ordering::Relaxed);
        let trouble = Trouble::new(words::JOURNAL_DROPPED)
            .with("samples", dropped.samples)
            .with("records", dropped.records)
            .with("cause", dropped.cause.as_str());
        error!(code = %trouble.code, "{trouble}");
        let event = Event::Dropped { samples: dropped.samples, cause: dropped.cause.as_str().into() };
        self.pending.events.push(NewEvent { at: now(), event });
    }
}

fn now() -> Timestamp {
    Timestamp::of(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BootId, Deadband, Group, Reading, ReportRule, TagInfo, Value, ValueKind};

    fn group(device: &str, tags: usize) -> Arc<Group> {
        let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
        let tag = |n| TagInfo { name: format!("t{n}").into(), unit: None, kind: ValueKind::Int, report };
        Arc::new(Group::new(device.into(), Duration::from_secs(1), (0..tags).map(tag).collect()))
    }

    /// A room on a journal whose table is gone until [`heal`].
    fn on_a_refusing_disk(dir: &std::path::Path) -> Room {
        let settings =
            crate::journal::Settings { dir: dir.to_owned(), max_size: 1 << 30, max_age: Duration::from_secs(86_400) };
        let journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
        alter(dir, "ALTER TABLE events RENAME TO away");
        let (_, heard) = tokio::sync::mpsc::channel(1);
        let (_, orders) = mpsc::channel();
        let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
        Room::new(journal, heard, orders, announce)
    }

    fn heal(dir: &std::path::Path) {
        alter(dir, "ALTER TABLE away RENAME TO events");
    }

    fn alter(dir: &std::path::Path, sql: &str) {
        rusqlite::Connection::open(dir.join("journal.sqlite")).unwrap().execute_batch(sql).unwrap();
    }

    fn hear(room: &mut Room, at: i64) {
        let readings = vec![Some(Reading::Good(Value::I64(at))); 4_000];
        room.remember(Batch { group: group("a", 4_000), at: Timestamp(at), mono_ms: 0, readings, stamps: None });
        hear_nothing_but_an_event(room, at);
    }

    fn hear_nothing_but_an_event(room: &mut Room, at: i64) {
        let event = Event::Dropped { samples: 0, cause: "filler".into() };
        room.pending.events.push(NewEvent { at: Timestamp(at), event });
    }

    #[test]
    fn a_disk_that_refuses_for_long_fills_no_memory_and_what_was_given_up_is_published_in_one_sum() {
        let dir = tempfile::tempdir().unwrap();
        let mut room = on_a_refusing_disk(dir.path());
        for at in 0..60 {
            hear(&mut room, at);
            room.commit();
        }
        assert!(room.refused.is_some());
        assert_eq!((room.pending.samples, room.pending.events.len()), (MEMORY_PLACES, 60), "no event for each refusal");
        (0..2_000).for_each(|at| hear_nothing_but_an_event(&mut room, at));
        room.commit();
        assert_eq!(room.pending.events.len(), MEMORY_EVENTS);
        heal(dir.path());
        room.commit();
        assert_eq!((room.pending.samples, room.pending.events.len()), (0, 1));
        let event = Event::Dropped { samples: 40_000, cause: "memory".into() };
        assert_eq!(room.pending.events[0].event, event);
        assert_eq!(room.health.dropped.load(Ordering::Relaxed), 40_000);
        assert_eq!(room.health.committed.load(Ordering::Relaxed), 200_000);
    }

    #[test]
    fn what_the_disk_refuses_to_the_end_is_counted_at_the_stop() {
        let dir = tempfile::tempdir().unwrap();
        let mut room = on_a_refusing_disk(dir.path());
        hear(&mut room, 1);
        let (orders, received) = mpsc::channel();
        room.orders = received;
        let health = room.health.clone();
        orders.send(Command::Stop).unwrap();
        room.run();
        assert_eq!(health.dropped.load(Ordering::Relaxed), 4_000);
    }
}
