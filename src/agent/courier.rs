//! The courier of one sink: takes what is after its cursor, passes it through the scope, publishes it, and moves the
//! cursor when the broker acknowledges. Any trouble ends the connection; the next one starts again from the cursor, so
//! that nothing is lost and what is sent twice carries the same identity.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::time::sleep_until;
use tracing::{error, info, warn};

use super::flight::{Flight, Lane, Sent};
use super::recorder::Progress;
use super::tail::{Next, Tail};
use crate::config::{Config, Sink};
use crate::journal::{Found, Place, Reader};
use crate::model::time::show_span;
use crate::model::words::journal as journal_words;
use crate::model::words::sink as words;
use crate::model::{Backoff, BootId, Code, DataRecord, EventRecord, Lang, Seq, Stream, Timestamp, Trouble};
use crate::sink::{Mask, Note, Refused, Scope, Token, Topics, Uplink, cause, payload};

/// Read from disk at a time when behind: a few messages' worth, so that a backlog of gigabytes never fills the memory.
const READ_RECORDS: usize = 16;
const READ_SAMPLES: usize = 20_000;

/// Pauses between attempts to reach the broker.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(15);

/// A connection that lasted so long was a good one: the pauses start small again.
const PROVEN: Duration = Duration::from_secs(30);

/// Once is a restart of the broker, and twice a restart that took a while.
const TWIN_AFTER: u32 = 3;

/// What others may know of a sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SinkStatus {
    /// Whether the broker has accepted us.
    pub is_connected: bool,
    /// Why not.
    pub trouble: Option<Trouble>,
    /// Messages acknowledged since the start of the agent.
    pub acked: u64,
    /// Connections since the start of the agent.
    pub connects: u64,
    /// Records that could not be sent since the start of the agent, because they are damaged on the disk.
    pub damaged: u64,
    /// Samples given up since the start of the agent, because the broker can never take their message.
    pub given_up: u64,
}

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
    /// The journal's file, for what memory no longer holds.
    pub place: Place,
    /// This start of the agent.
    pub boot: BootId,
}

/// The task of one sink.
pub struct Courier {
    sink: Arc<Sink>,
    config: Arc<Config>,
    desk: Desk,
    topics: Topics,
    scope: Scope,
    backoff: Backoff,
    /// How many times in a row the broker closed the connection soon after the login.
    thrown_out: u32,
    reader: Option<Reader>,
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
        Courier {
            topics: Topics::new(&sink.prefix, &config.workshop),
            scope: Scope::new(&sink.send),
            backoff: Backoff::new(RETRY, RETRY_MAX),
            thrown_out: 0,
            reader: None,
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
            let pause = self.backoff.next(random());
            self.on_down(trouble, pause);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = told_to_drain(&mut self.desk.order), if !self.is_draining() => {}
            }
        }
    }

    /// The trouble in the light of those before it: who is logged out again and again right after the login has a twin.
    fn judged(&mut self, trouble: Trouble, lasted: Duration) -> Trouble {
        if lasted >= PROVEN {
            self.backoff.reset();
        }
        if trouble.code != words::LOST_CLOSED || lasted >= PROVEN {
            self.thrown_out = 0;
            return trouble;
        }
        self.thrown_out += 1;
        if self.thrown_out >= TWIN_AFTER { cause::taken_over(&self.sink) } else { trouble }
    }

    /// A new connection; `None` when there is nothing to deliver and the agent is ending.
    async fn connect(&mut self) -> Option<Result<Uplink, Trouble>> {
        if self.is_draining() && self.is_done(*self.desk.progress.borrow()) {
            return None;
        }
        let will = (self.topics.state(), payload::offline(self.desk.boot));
        Some(Uplink::connect(&self.sink, will).await)
    }

    /// One connection from CONNACK to its end.
    async fn serve(&mut self, mut uplink: Uplink) -> Ending {
        self.on_up();
        let progress = *self.desk.progress.borrow();
        let mut flight = Flight {
            data: Lane::new(progress.data, self.sink.window),
            events: Lane::new(progress.events, self.sink.window),
            greetings: self.greetings(),
            greetings_in_flight: 0,
            greeted: None,
        };
        loop {
            if let Err(trouble) = self.fill(&mut flight, &mut uplink).await {
                return Ending::Lost(trouble);
            }
            self.publish_progress(&flight);
            if self.is_draining() && flight.is_empty() && self.is_done(flight.progress()) {
                self.say_goodbye(uplink).await;
                return Ending::Drained;
            }
            let deadline = flight.waiting_since().map(|since| since + self.sink.ack_timeout);
            let has_room = uplink.has_room();
            tokio::select! {
                mut note = uplink.note() => loop {
                    match note {
                        Note::Acked(token) => self.on_acked(&mut flight, token),
                        Note::Lost(trouble) => {
                            self.publish_progress(&flight);
                            return Ending::Lost(trouble);
                        }
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
                () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => {
                    return Ending::Lost(cause::ack_timeout(&self.sink));
                }
            }
        }
    }

    /// Publishes as long as the window has room and there is something to send: greetings, then events, then samples.
    async fn fill(&mut self, flight: &mut Flight, uplink: &mut Uplink) -> Result<(), Trouble> {
        while uplink.has_room() {
            let sent = if let Some((topic, payload)) = flight.greetings.pop_front() {
                flight.greetings_in_flight += 1;
                flight.greeted.get_or_insert_with(Instant::now);
                match uplink.publish(Token::Other, &topic, payload, true) {
                    Ok(()) => Sent::Yes,
                    Err(refused) => self.give_up_greeting(flight, refused, &topic),
                }
            } else if flight.events.window.has_room()
                && let Some(record) = self.next_event(&mut flight.events).await?
            {
                self.send_event(&record, &mut flight.events, uplink)
            } else if flight.data.window.has_room()
                && let Some(record) = self.next_data(&mut flight.data).await?
            {
                self.send_data(&record, &mut flight.data, uplink)
            } else {
                return Ok(());
            };
            if sent == Sent::NotNow {
                return Ok(()); // the connection is gone, and the next note says why
            }
        }
        Ok(())
    }

    fn give_up_greeting(&self, flight: &mut Flight, refused: Refused, topic: &str) -> Sent {
        flight.greetings_in_flight -= 1;
        let Some(trouble) = refused.trouble(topic) else { return Sent::NotNow };
        error!(code = %trouble.code, sink = %self.sink.name, "{trouble}");
        Sent::Yes
    }

    /// The next event to send, if there is one. What lies before it and is not to be had is passed.
    async fn next_event(&mut self, lane: &mut Lane<EventRecord>) -> Result<Option<Arc<EventRecord>>, Trouble> {
        loop {
            let tail = self.desk.tail.borrow_and_update().clone();
            let losses = &tail.losses[Stream::Events as usize];
            match lane.queue.pop_front() {
                Some(Found::Record(record)) => {
                    lane.pass(record.seq - 1, losses);
                    return Ok(Some(record));
                }
                Some(Found::Damaged(seq)) => {
                    lane.pass(seq - 1, losses);
                    lane.window.gave_up(seq); // the receiver is to see the gap
                }
                None => match tail.events_after(lane.window.newest()) {
                    Next::Memory([]) => return Ok(None),
                    Next::Memory(records) => lane.queue.extend(records.iter().cloned().map(Found::Record)),
                    Next::Disk { through } => {
                        let after = lane.window.newest();
                        let job = move |reader: &mut Reader| reader.events_between(after, through, READ_RECORDS);
                        let found = self.read(job).await?;
                        if found.is_empty() {
                            lane.pass(through, losses);
                        }
                        lane.queue.extend(found);
                    }
                },
            }
        }
    }

    /// The same for data.
    async fn next_data(&mut self, lane: &mut Lane<DataRecord>) -> Result<Option<Arc<DataRecord>>, Trouble> {
        loop {
            let tail = self.desk.tail.borrow_and_update().clone();
            let losses = &tail.losses[Stream::Data as usize];
            match lane.queue.pop_front() {
                Some(Found::Record(record)) => {
                    lane.pass(record.seq - 1, losses);
                    return Ok(Some(record));
                }
                Some(Found::Damaged(seq)) => {
                    lane.pass(seq - 1, losses);
                    lane.window.gave_up(seq); // the receiver is to see the gap
                }
                None => match tail.data_after(lane.window.newest()) {
                    Next::Memory([]) => return Ok(None),
                    Next::Memory(records) => lane.queue.extend(records.iter().cloned().map(Found::Record)),
                    Next::Disk { through } => {
                        let after = lane.window.newest();
                        let job =
                            move |reader: &mut Reader| reader.data_between(after, through, READ_RECORDS, READ_SAMPLES);
                        let found = self.read(job).await?;
                        if found.is_empty() {
                            lane.pass(through, losses);
                        }
                        lane.queue.extend(found);
                    }
                },
            }
        }
    }

    /// A short read of the journal's file, off the runtime's thread.
    async fn read<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Reader) -> Result<Vec<Found<T>>, Trouble> + Send + 'static,
    ) -> Result<Vec<Found<T>>, Trouble>
    where
        Arc<T>: Send,
    {
        let reader = self.reader.take();
        let place = self.desk.place.clone();
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
        let trouble = trouble.with("path", self.desk.place.file().display());
        error!(code = %trouble.code, sink = %self.sink.name, "{trouble}");
    }

    fn send_data(&mut self, record: &DataRecord, lane: &mut Lane<DataRecord>, uplink: &mut Uplink) -> Sent {
        let mask = self.mask(record);
        let message = if mask.is_empty() { None } else { payload::data(record, &mask, lane.window.last_sent()) };
        let Some(message) = message else {
            lane.window.skipped(record.seq);
            return Sent::Yes;
        };
        let topic = self.topics.data(&record.group.device);
        let taken = uplink.publish(Token::Record(Stream::Data, record.seq), &topic, message, false);
        self.book(lane, record.seq, record.samples(), &topic, taken)
    }

    fn send_event(&mut self, record: &EventRecord, lane: &mut Lane<EventRecord>, uplink: &mut Uplink) -> Sent {
        if !self.scope.events() {
            lane.window.skipped(record.seq);
            return Sent::Yes;
        }
        let message = payload::event(record, lane.window.last_sent());
        let topic = self.topics.events();
        let taken = uplink.publish(Token::Record(Stream::Events, record.seq), &topic, message, false);
        self.book(lane, record.seq, 0, &topic, taken)
    }

    /// Notes in the window what became of a message. One that will never be taken is given up, by name.
    fn book<T>(&self, lane: &mut Lane<T>, seq: Seq, samples: usize, topic: &str, taken: Result<(), Refused>) -> Sent {
        match taken {
            Ok(()) => lane.window.sent(seq, Instant::now()),
            Err(refused) => match refused.trouble(topic) {
                Some(trouble) => {
                    error!(code = %trouble.code, sink = %self.sink.name, samples, "{trouble}");
                    self.desk.status.send_modify(|status| status.given_up += samples as u64);
                    lane.window.gave_up(seq);
                }
                None => return Sent::NotNow,
            },
        }
        Sent::Yes
    }

    fn mask(&mut self, record: &DataRecord) -> Arc<Mask> {
        let group = &record.group;
        let mask = || Arc::new(self.scope.mask(&group.device, &group.tags));
        self.masks.entry(group.id).or_insert_with(mask).clone()
    }

    /// Retained: that we are here, and what each device's tags are.
    fn greetings(&self) -> VecDeque<(String, Vec<u8>)> {
        let (boot, now) = (self.desk.boot, Timestamp::of(SystemTime::now()));
        let state = (self.topics.state(), payload::online(boot, now));
        let births = self.config.devices.iter().filter_map(|device| {
            Some((self.topics.birth(&device.id), payload::birth(device, &self.scope, boot, now)?))
        });
        [state].into_iter().chain(births).collect()
    }

    fn on_acked(&mut self, flight: &mut Flight, token: Token) {
        let now = Instant::now();
        match token {
            Token::Record(Stream::Data, seq) => drop(flight.data.window.acked(seq, now)),
            Token::Record(Stream::Events, seq) => drop(flight.events.window.acked(seq, now)),
            Token::Other => {
                flight.greetings_in_flight = flight.greetings_in_flight.saturating_sub(1);
                flight.greeted = Some(now);
            }
        }
        self.desk.status.send_modify(|status| status.acked += u64::from(token != Token::Other));
    }

    fn publish_progress(&self, flight: &Flight) {
        let progress = flight.progress();
        self.desk.progress.send_if_modified(|before| std::mem::replace(before, progress) != progress);
    }

    /// Whether everything committed has been acknowledged.
    fn is_done(&self, progress: Progress) -> bool {
        let tail = self.desk.tail.borrow();
        progress.data.position >= tail.last_data && progress.events.position >= tail.last_events
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

    fn broker(&self) -> String {
        format!("{}:{}", self.sink.host, self.sink.port)
    }

    fn on_up(&mut self) {
        let mut was_connected = false;
        self.desk.status.send_modify(|status| {
            was_connected = std::mem::replace(&mut status.is_connected, true);
            status.trouble = None;
            status.connects += 1;
        });
        if !was_connected {
            let trouble = Trouble::new(words::CONNECTED).with("sink", &self.sink.name);
            let trouble = trouble.with("broker", self.broker());
            info!(sink = %self.sink.name, "{}", trouble.what(Lang::current()));
        }
    }

    /// Logs a new cause once; the same cause again is the same transition.
    fn on_down(&mut self, trouble: Trouble, retry_in: Duration) {
        let mut is_news = false;
        self.desk.status.send_modify(|status| {
            let before: Option<Code> = status.trouble.as_ref().map(|trouble| trouble.code);
            is_news = status.is_connected || before != Some(trouble.code);
            status.is_connected = false;
            status.trouble = Some(trouble.clone());
        });
        if is_news {
            warn!(code = %trouble.code, sink = %self.sink.name, retry_in = show_span(rounded(retry_in)), "{trouble}");
        }
    }
}

async fn told_to_drain(order: &mut watch::Receiver<Order>) {
    order.wait_for(|order| *order == Order::Drain).await.ok(); // a dropped sender means the same
}

/// To a tenth of a second: nobody reads nanoseconds.
fn rounded(span: Duration) -> Duration {
    Duration::from_millis((span.as_millis() as u64).next_multiple_of(100))
}

/// From 0 to 1; without the system's random numbers the jitter is missing, nothing else.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Journal, NewData, Settings};
    use crate::model::{Group, Scan};

    const WORKSHOP: &str = r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "UTC"
[[device]]
id = "m"
[[sink]]
name = "s"
mqtt = "mqtts://b"
send = ["m"]
"#;

    /// What a courier talks to.
    struct Others {
        journal: Journal,
        status: watch::Receiver<SinkStatus>,
        _tail: watch::Sender<Arc<Tail>>,
        _order: watch::Sender<Order>,
    }

    /// A courier on a journal with this many records.
    fn courier(dir: &std::path::Path, records: usize) -> (Courier, Others) {
        let settings = Settings { dir: dir.to_owned(), max_size: 1 << 30, max_age: Duration::from_secs(86_400) };
        let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
        let group = Arc::new(Group::new("m".into(), Duration::from_secs(1), Vec::new()));
        let scans = vec![Scan { at: Timestamp(0), mono_ms: 0, readings: Vec::new(), stamps: None }];
        let numbered = journal.number(vec![NewData::new(group, scans); records], Vec::new());
        journal.commit(&numbered.data, &numbered.events).unwrap();
        // The memory holds nothing of it, as after a long outage.
        let tail = Tail::new(&journal);
        let (status, seen) = watch::channel(SinkStatus::default());
        let (announce, tail) = watch::channel(Arc::new(tail));
        let (orders, order) = watch::channel(Order::Work);
        let desk = Desk {
            progress: watch::channel(Progress::default()).0,
            status,
            order,
            tail,
            place: journal.reader(),
            boot: BootId(1),
        };
        let config = Arc::new(Config::parse(WORKSHOP).unwrap());
        let sink = config.sinks[0].clone();
        (Courier::new(config, sink, desk), Others { journal, status: seen, _tail: announce, _order: orders })
    }

    /// A broker that accepts a connection and then acknowledges nothing; or hangs up at once, as brokers do that log
    /// another client in under the same id.
    async fn broker(hangs_up: bool) -> u16 {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    assert!(stream.read(&mut bytes).await.unwrap() > 0, "a CONNECT");
                    stream.write_all(&CONNACK).await.unwrap();
                    while !hangs_up && stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
                });
            }
        });
        port
    }

    /// Runs a courier against this broker until its trouble is this one.
    async fn check(hangs_up: bool, expected: Code) {
        let dir = tempfile::tempdir().unwrap();
        let (mut courier, mut others) = courier(dir.path(), 0);
        let mut sink = (*courier.sink).clone();
        (sink.host, sink.port) = ("127.0.0.1".into(), broker(hangs_up).await);
        (sink.security, sink.ack_timeout) = (crate::config::Security::Plaintext, Duration::from_secs(1));
        courier.sink = Arc::new(sink);
        let task = tokio::spawn(courier.run());
        let is_expected = |status: &SinkStatus| status.trouble.as_ref().is_some_and(|trouble| trouble.code == expected);
        let told = tokio::time::timeout(Duration::from_secs(20), others.status.wait_for(is_expected)).await.is_ok();
        task.abort();
        assert!(told, "{expected} is told in time, not {:?}", others.status.borrow().trouble);
    }

    #[tokio::test]
    async fn a_broker_that_does_not_acknowledge_the_birth_is_not_waited_for_for_ever() {
        check(false, words::ACK_TIMEOUT).await;
    }

    #[tokio::test]
    async fn a_twin_that_throws_us_out_again_and_again_is_named() {
        check(true, words::TAKEN_OVER).await;
    }

    #[tokio::test]
    async fn a_damaged_record_is_counted_and_leaves_a_gap_that_the_receiver_sees() {
        let dir = tempfile::tempdir().unwrap();
        let (mut courier, others) = courier(dir.path(), 3);
        let damage = rusqlite::Connection::open(others.journal.reader().file()).unwrap();
        damage.execute("UPDATE data SET body = x'00' WHERE seq = 2", []).unwrap();
        let mut lane = Lane::new(crate::model::Cursor::default(), 10);
        let mut seqs = Vec::new();
        while let Some(record) = courier.next_data(&mut lane).await.unwrap() {
            seqs.push((record.seq, lane.window.last_sent()));
            lane.window.sent(record.seq, Instant::now());
        }
        assert_eq!(seqs, [(1, 0), (3, 2)]);
        assert_eq!(others.status.borrow().damaged, 1);
    }
}
