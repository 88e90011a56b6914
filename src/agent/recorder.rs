//! The recorder: one OS thread, the only writer of the journal. This is what others see of it; what the thread does is in [`room`].

mod figures; // a period's figures as an event
mod glance; // what it tells of itself
mod quarters; // energy of 15 minutes as an event
mod room;
mod tape; // what an engine was told, for late data

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::mpsc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use tokio::sync::{oneshot, watch};

use super::egress::Book;
use super::tail::Tail;
use super::timekeeper::Timekeeper;
use crate::config::{Causes, Clock, Egress, Persist};
use crate::indicator::Plan;
use crate::journal::{Journal, Limits, Poisoned};
use crate::ledger::Expected;
use crate::model::words::agent as words;
use crate::model::{Ahead, BootId, Code, Cursor, Seq, Trouble, Usage};
use crate::source::Outlet;
pub use glance::{Glance, MachineGlance};
pub use room::Audience;
use room::{COMMIT_SAMPLES, Room};

/// So long links wait with their beginning for a recorder that is held up by its disk.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(2);

/// Scans and events that may wait in the channel. The recorder is woken at half of it.
const CHANNEL: usize = 1_024;

/// How far a sink has come, by stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// In [`Stream::Data`].
    pub data: Cursor,
    /// In [`Stream::Events`].
    pub events: Cursor,
    /// What it has of the data beyond its cursor.
    pub ahead: Ahead,
    /// What it has used up of its line this month.
    pub usage: Usage,
}

impl Progress {
    /// Records that it has not got, at most, if these are the last positions of data and events.
    pub fn waiting(&self, last: (Seq, Seq)) -> u64 {
        let data = last.0.saturating_sub(self.data.position).saturating_sub(self.ahead.positions());
        data + last.1.saturating_sub(self.events.position)
    }
}

/// A machine of which figures are made.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What is listened to, and what it means.
    pub plan: Arc<Plan>,
    /// Causes come from tags that must not leave: they stay out of what is published.
    pub hides_causes: bool,
    /// What they mean.
    pub causes: Causes,
    /// What is heard of it may come late: an OPC UA server keeps values over an outage, and delivers them then. Whoever is asked by us
    /// answers at once or not at all.
    pub may_come_late: bool,
}

/// What others may ask of the recorder.
pub enum Command {
    /// Write now, then answer: everything that was put into the outlet before is on disk, or delivered.
    Flush(oneshot::Sender<()>),
    /// The sinks whose cursors count from now on.
    Sinks(HashMap<String, watch::Receiver<Progress>>),
    /// What each sink is to get, and where its courier counts what became of it, in this start of the agent.
    Audiences(BootId, HashMap<String, Audience>),
    /// How far this sink had come when it was last heard of.
    ProgressOf(String, oneshot::Sender<Progress>),
    /// Puts a record into the quarantine of a sink, then answers: it is on the disk, or why not.
    Quarantine {
        /// Whose broker cannot take it.
        sink: String,
        /// The record.
        record: Poisoned,
        /// Why.
        cause: Code,
        /// The answer.
        done: oneshot::Sender<Result<(), Trouble>>,
    },
    /// When the wall clock is trusted.
    Clock(Clock),
    /// New limits of the journal.
    Limits {
        /// What it may hold.
        limits: Limits,
        /// Time between two commits.
        commit_interval: Duration,
        /// What is written at all.
        persist: Persist,
        /// Bytes of a record's message at most.
        message_bytes: usize,
    },
    /// The egress log, which is this thread's to write.
    EgressLog(Box<Book>),
    /// New settings of the egress log, and the workshop's time zone.
    Egress(Egress, TimeZone),
    /// How things are.
    Glance {
        /// Also with machines.
        with_machines: bool,
        /// The answer.
        answer: oneshot::Sender<Glance>,
    },
    /// The data record of this position is damaged.
    Damaged(Seq),
    /// What the ledger is to expect from now on, by the agent's monotonic clock, which began then.
    Expect(Instant, Vec<Expected>),
    /// The machines of which figures are made from now on, in this start of the agent.
    Figures(BootId, Vec<Machine>),
    /// Answered when all that was told before is in force.
    InForce(oneshot::Sender<()>),
    /// Commit, write the cursors, close.
    Stop,
}

/// The way to tell the recorder something.
#[derive(Clone)]
pub struct Orders {
    commands: mpsc::Sender<Command>,
    thread: Thread,
}

impl Orders {
    /// Commands for this thread, which sleeps until it is told.
    pub fn new(commands: mpsc::Sender<Command>, thread: Thread) -> Orders {
        Orders { commands, thread }
    }

    /// Sends a command and wakes the thread.
    pub fn tell(&self, command: Command) {
        self.commands.send(command).ok(); // a recorder that is gone has been reported by the supervisor
        self.thread.unpark();
    }

    /// How things are, once the thread has time to say so; `None`: it is gone.
    pub async fn glance(&self, with_machines: bool) -> Option<Glance> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Glance { with_machines, answer });
        answered.await.ok()
    }

    /// Puts a record into quarantine; it is on the disk when this returns.
    pub async fn quarantine(&self, sink: &str, record: Poisoned, cause: Code) -> Result<(), Trouble> {
        let (done, stored) = oneshot::channel();
        self.tell(Command::Quarantine { sink: sink.to_owned(), record, cause, done });
        // A recorder that is gone stores nothing more, and the record stays where it is.
        stored.await.unwrap_or_else(|_| Err(Trouble::new(words::CRASHED).with("task", "recorder").with("count", 1)))
    }
}

/// The handle of the recorder's thread.
pub struct Recorder {
    orders: Orders,
    outlet: Outlet,
    tail: watch::Receiver<Arc<Tail>>,
    health: Arc<Health>,
    gone: oneshot::Receiver<()>,
}

/// What the watchdog and the status line look at.
#[derive(Debug, Default)]
pub struct Health {
    /// Grows with each turn of the recorder.
    pub turns: AtomicU64,
    /// Samples given up since the start.
    pub dropped: AtomicU64,
    /// Samples since the start that are on the disk, or delivered to every sink without ever having been there.
    pub committed: AtomicU64,
    /// Records that are on the disk, or on the way there.
    pub records: AtomicU64,
    /// Bytes of the journal on disk, at the last maintenance.
    pub bytes: AtomicU64,
}

impl Recorder {
    /// Starts the thread. A record's message has at most `message_bytes`; monotonic times count from `started`.
    pub fn start(
        journal: Journal,
        commit_interval: Duration,
        persist: Persist,
        message_bytes: usize,
        clock: Clock,
        started: Instant,
    ) -> Recorder {
        let (sender, heard) = tokio::sync::mpsc::channel(CHANNEL);
        let (commands, orders) = mpsc::channel();
        let waiting_samples = Arc::new(AtomicUsize::new(0));
        let health = Arc::new(Health::default());
        let (alive, gone) = oneshot::channel();
        let (announce, tail) = watch::channel(Arc::new(Tail::new(&journal)));
        let clock = Timekeeper::new(clock, journal.known_time(), started);
        let mut room = Room::new(journal, heard, orders, announce, alive);
        room.clock = clock;
        room.waiting_samples = waiting_samples.clone();
        room.health = health.clone();
        room.settle(commit_interval, persist, message_bytes);
        let join = thread::Builder::new()
            .name("recorder".into())
            .spawn(move || room.run())
            .expect("a thread can be made at the start of the process");
        let thread = join.thread().clone(); // the thread is not joined: `gone` tells its end without blocking
        let outlet = Outlet::new(sender, waiting_samples, thread.clone(), COMMIT_SAMPLES);
        Recorder { orders: Orders::new(commands, thread), outlet, tail, health, gone }
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

    /// Whom to wake.
    pub fn thread(&self) -> Thread {
        self.orders.thread.clone()
    }

    /// Sends a command and wakes the thread.
    pub fn tell(&self, command: Command) {
        self.orders.tell(command);
    }

    /// For those who tell it something by themselves.
    pub fn orders(&self) -> Orders {
        self.orders.clone()
    }

    /// Everything put into the outlet before this call is committed when it returns.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.tell(Command::Flush(done));
        flushed.await.ok(); // gone: nothing more can be done for it
    }

    /// What was told before this call is in force when it returns: a link that begins now is heard by what it was told. A disk that hangs
    /// keeps nobody from collecting.
    pub async fn in_force(&self) {
        let (done, taken) = oneshot::channel();
        self.tell(Command::InForce(done));
        tokio::time::timeout(IN_FORCE_WITHIN, taken).await.ok(); // late: the first scans are in the journal, and not in the ledger
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
