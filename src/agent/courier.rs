//! The courier of one sink: takes what is after its cursor, passes it through the scope, publishes it, and moves the
//! cursor when the broker acknowledges. Any trouble ends the connection; the next one starts again from the cursor, so
//! that nothing is lost and what is sent twice carries the same identity.

pub(super) mod fetch; // the next record: from memory, or from the disk

mod fill; // what goes next, and in which bytes

mod meter; // whether the budget allows it

mod report; // what others are told

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep_until;

use super::flight::Flight;
use super::receipts::{Now, Tallies};
use super::recorder::{Orders, Progress};
use super::suspect::{Named, Suspect};
use super::tail::Tail;
use crate::config::{Config, Sink, connection_bytes};
use crate::journal::Reader;
use crate::model::words::sink as words;
use crate::model::{Backoff, BootId, Code, Stream, Trouble};
use crate::sink::{Budget, Mask, Note, Scope, Shut, Token, Topics, Uplink, Witness, cause, payload};

pub use report::SinkStatus;

/// First pause between attempts to reach the broker; `retry_max` is the longest.
const RETRY: Duration = Duration::from_secs(1);

/// No way to the broker: to look again costs one packet.
const UNREACHABLE: [Code; 4] =
    [words::HOST_NOT_FOUND, words::CONNECTION_REFUSED, words::NO_ROUTE, words::CONNECT_TIMEOUT];

/// A connection that lasted so long was a good one: the pauses start small again.
const PROVEN: Duration = Duration::from_secs(30);

/// What the supervisor tells a courier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Go on.
    #[default]
    Work,
    /// Deliver what is committed, then end.
    Drain,
}

/// What a courier shares with others, and what outlives a restart of its task.
#[derive(Clone)]
pub struct Desk {
    /// For the recorder: how far it has come.
    pub progress: watch::Sender<Progress>,
    /// For the status line.
    pub status: watch::Sender<SinkStatus>,
    /// From the supervisor.
    pub order: watch::Receiver<Order>,
    /// What was committed last.
    pub tail: watch::Receiver<Arc<Tail>>,
    /// To the recorder, for what goes to the quarantine.
    pub recorder: Orders,
    /// This start of the agent.
    pub boot: BootId,
    /// When it began: monotonic times count from then.
    pub started: Instant,
    /// For the recorder: what became of records.
    pub tallies: watch::Sender<Tallies>,
    /// Samples given up by all sinks of the agent; a counter that outlives each of them.
    pub given_up: Arc<AtomicU64>,
    /// Sees what leaves, for the egress log.
    pub witness: Witness,
}

/// The task of one sink.
pub struct Courier {
    sink: Arc<Sink>,
    config: Arc<Config>,
    desk: Desk,
    topics: Topics,
    scope: Scope,
    backoff: Backoff,
    /// Since when there has been no way to the broker.
    unreachable_since: Option<Instant>,
    budget: Budget,
    /// Why the budget lets nothing through, if so.
    shut: Option<Shut>,
    suspect: Suspect,
    /// How the last connection ended at which a record was suspected.
    suspicion: Code,
    /// Devices whose births the broker never takes, by number.
    refused_births: HashSet<usize>,
    /// How many times in a row the broker closed the connection soon after the login.
    thrown_out: u32,
    reader: Option<Reader>,
    /// When the file is to be read again that could not be read just now.
    read_again: Option<Instant>,
    /// By group id: what may leave of it. Its size is that of the configuration, past ones included until a restart.
    masks: HashMap<u64, Arc<Mask>>,
}

/// How a connection ended.
enum Ending {
    /// Everything that was committed is acknowledged.
    Drained,
    Lost(Trouble),
}

impl Courier {
    /// A courier that starts from `desk.progress`.
    pub fn new(config: Arc<Config>, sink: Arc<Sink>, desk: Desk) -> Courier {
        let zone = crate::model::zone(&config.workshop.timezone);
        let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC); // it was there when the configuration was read
        let usage = desk.progress.borrow().usage;
        Courier {
            topics: Topics::new(&sink.prefix, &config.workshop),
            scope: Scope::of(&sink, &config.devices),
            backoff: Backoff::new(RETRY, sink.retry_max),
            unreachable_since: None,
            budget: Budget::new(&sink.budget, zone, usage),
            shut: None,
            suspect: Suspect::default(),
            suspicion: words::LOST_CLOSED,
            refused_births: HashSet::new(),
            thrown_out: 0,
            reader: None,
            read_again: None,
            masks: HashMap::new(),
            sink,
            config,
            desk,
        }
    }

    /// Delivers until told to drain and nothing is left.
    pub async fn run(mut self) {
        loop {
            let begun = Instant::now();
            let trouble = match self.connect().await {
                Some(Ok(uplink)) => match self.serve(uplink).await {
                    Ending::Drained => return,
                    Ending::Lost(trouble) => trouble,
                },
                Some(Err(trouble)) => trouble,
                None => return,
            };
            let trouble = self.judged(trouble, begun.elapsed());
            let pause = self.pause(&trouble);
            self.on_down(trouble, pause);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = told_to_drain(&mut self.desk.order), if !self.is_draining() => {}
            }
        }
    }

    /// How long to wait before the next attempt.
    fn pause(&mut self, trouble: &Trouble) -> Duration {
        if !UNREACHABLE.contains(&trouble.code) {
            self.unreachable_since = None;
            return self.backoff.next(random());
        }
        let since = *self.unreachable_since.get_or_insert_with(Instant::now);
        self.backoff.in_proportion(since.elapsed(), random())
    }

    /// A new connection; `None` when there is nothing to deliver and the agent is ending.
    async fn connect(&mut self) -> Option<Result<Uplink, Trouble>> {
        if self.is_draining() && (self.is_done(&self.desk.progress.borrow()) || self.is_shut()) {
            return None;
        }
        let will = (self.topics.state(), payload::offline(self.desk.boot));
        let uplink = Uplink::connect(&self.sink, will.clone()).await;
        Some(uplink.map(|uplink| uplink.seen_by(self.desk.witness.clone(), &will)))
    }

    /// One connection from CONNACK to its end.
    async fn serve(&mut self, mut uplink: Uplink) -> Ending {
        self.on_up();
        self.budget.carry(connection_bytes(&self.sink.security), wall());
        let progress = self.desk.progress.borrow().clone();
        let mut flight = Flight::new(&progress, self.sink.window, self.greetings());
        let mut pinged = Instant::now();
        loop {
            let wake = match self.fill(&mut flight, &mut uplink).await {
                Ok(wake) => wake,
                Err(trouble) => return self.lost(&mut flight, trouble),
            };
            self.count_pings(&mut pinged);
            self.publish_progress(&mut flight);
            if self.is_draining() && self.has_drained(&flight) {
                self.say_goodbye(uplink).await;
                return Ending::Drained;
            }
            let deadline = flight.waiting_since().map(|since| since + self.sink.ack_timeout);
            let has_room = uplink.has_room();
            tokio::select! {
                mut note = uplink.note() => loop {
                    match note {
                        Note::Acked(token) => self.on_acked(&mut flight, token),
                        Note::Lost(trouble) => return self.lost(&mut flight, trouble),
                    }
                    match uplink.ready_note() {
                        Some(next) => note = next,
                        None => break,
                    }
                },
                changed = self.desk.tail.changed(), if has_room => {
                    if changed.is_err() && !self.is_draining() {
                        return Ending::Drained; // the recorder is gone; there will never be more
                    }
                }
                () = told_to_drain(&mut self.desk.order), if !self.is_draining() => {}
                () = sleep_until(wake.unwrap_or_else(Instant::now).into()), if wake.is_some() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => {
                    return self.lost(&mut flight, cause::ack_timeout(&self.sink));
                }
            }
        }
    }

    /// The connection is gone. Perhaps one of the records that were on the way is to blame.
    fn lost(&mut self, flight: &mut Flight, trouble: Trouble) -> Ending {
        self.publish_progress(flight);
        if [words::LOST_CLOSED, words::ACK_TIMEOUT].contains(&trouble.code) {
            self.suspicion = trouble.code;
            self.suspect.lost(&flight.waiting(), flight.has_acks, Instant::now());
        }
        Ending::Lost(trouble)
    }

    fn on_acked(&mut self, flight: &mut Flight, token: Token) {
        let now = Instant::now();
        match token {
            Token::Record(Stream::Data, seq) => {
                flight.data.acked(seq, now);
                flight.receipts.acked(seq, self.now());
            }
            Token::Record(Stream::Events, seq) => drop(flight.events.window.acked(seq, now)),
            Token::Other => {
                // In the order in which they were sent, as brokers acknowledge.
                if let Some(birth) = flight.greeting.pop_front().flatten() {
                    self.suspect.acked(Named::Birth(birth));
                }
                flight.greeted = Some(now);
            }
        }
        flight.has_acks = true;
        if let Token::Record(stream, seq) = token {
            self.suspect.acked(Named::Record(stream, seq));
            self.desk.status.send_modify(|status| status.acked += 1);
        }
    }

    /// What is done is told first, and counted after.
    fn publish_progress(&self, flight: &mut Flight) {
        let progress = flight.progress(self.budget.usage());
        self.desk.progress.send_if_modified(|before| {
            let has_moved = *before != progress;
            *before = progress;
            has_moved
        });
        let tallies = flight.receipts.settle(&self.desk.progress.borrow());
        if !tallies.is_empty() {
            self.desk.tallies.send_if_modified(|all| {
                all.add_all(&tallies);
                false // the recorder looks when it turns anyway
            });
        }
    }

    fn now(&self) -> Now {
        let mono_ms = u64::try_from(self.desk.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { boot: self.desk.boot, mono_ms, wall: wall() }
    }

    /// Whether everything committed has been acknowledged.
    fn is_done(&self, progress: &Progress) -> bool {
        let tail = self.desk.tail.borrow();
        progress.ahead.reach(progress.data.position) >= tail.last_data && progress.events.position >= tail.last_events
    }

    /// Whether nothing is left that could still go.
    fn has_drained(&mut self, flight: &Flight) -> bool {
        let is_done = flight.is_empty() && self.is_done(&flight.progress(self.budget.usage()));
        is_done || (flight.in_flight() == 0 && self.is_shut())
    }

    fn is_draining(&self) -> bool {
        *self.desk.order.borrow() == Order::Drain
    }

    /// A clean DISCONNECT discards the will, so the state is said by ourselves.
    async fn say_goodbye(&mut self, mut uplink: Uplink) {
        let state = self.topics.state();
        if uplink.publish(Token::Other, &state, payload::offline(self.desk.boot), true).is_ok() {
            let acked = tokio::time::timeout(Duration::from_secs(1), uplink.note());
            acked.await.ok(); // unacknowledged: the retained state stays "online" until the next start
        }
        uplink.close().await;
    }
}

async fn told_to_drain(order: &mut watch::Receiver<Order>) {
    order.wait_for(|order| *order == Order::Drain).await.ok(); // a dropped sender means the same
}

/// What the wall clock says: the budget's months and hours are people's.
fn wall() -> crate::model::Timestamp {
    crate::model::Timestamp::of(std::time::SystemTime::now())
}

/// From 0 to 1; without the system's random numbers the jitter is missing, nothing else.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests;
