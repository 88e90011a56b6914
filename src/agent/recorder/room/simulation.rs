//! A whole life in virtual time: polls, turns of the recorder, several sinks with brokers that acknowledge in any order, late, twice or
//! never, connections that break, a disk that refuses, an agent that is stopped or killed, in any order that a seed makes. The journal, the
//! recorder's room, the lanes and windows are the real ones; poller, network and broker are played.
//!
//!     cargo test --lib simulation                                            a few dozen seeds
//!     CLOUDWARD_SEEDS=5000 cargo test --lib simulation                       many
//!     CLOUDWARD_SEED=17 cargo test --lib simulation                          one, told step by step
//!
//! What must hold is in [`World::judge`]. That it would see it fail is shown with mutations: mistakes that a hand could make in the code
//! around these parts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::super::courier::fetch::{Fetched, Step};
use super::super::super::flight::Flight;
use super::super::super::lanes::Which;
use super::super::super::receiver::Receiver;
use super::*;
use crate::journal::{Reader, Settings};
use crate::model::{BootId, DataRecord, Deadband, Group, Reading, ReportRule, TagInfo, Usage, Value, ValueKind};
use crate::sink::Sequel;

const STEPS: usize = 400;
const WINDOW: usize = 8;

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mutation {
    /// An acknowledgement counts for all messages before it.
    AckJump,
    /// What was sent counts as acknowledged.
    CursorBeforeAck,
    /// What the disk refuses is thrown away.
    DeleteBeforeCommit,
    /// A crash forgets which positions were given.
    ReuseOfAPosition,
    /// The fastest sink trims for all.
    TrimByTheFastest,
}

/// One played sink.
struct Sink {
    name: String,
    progress: watch::Sender<Progress>,
    flight: Option<Flight>,
    reader: Option<Reader>,
    /// On the way: the stream and position, and whether the receiver has it already.
    wire: Vec<(Stream, Seq)>,
    receiver: Receiver,
    /// Values that arrived.
    values: BTreeSet<i64>,
    highest: Seq,
    is_dead: bool,
    is_live_first: bool,
    /// The line is cut, which nobody has noticed yet.
    is_cut: bool,
}

struct World {
    dice: Dice,
    dir: tempfile::TempDir,
    room: Room,
    boot: u64,
    group: Arc<Group>,
    sinks: Vec<Sink>,
    /// Values polled so far: 0, 1, 2, ... each with the number of turns when it was heard.
    polled: Vec<u64>,
    turns: u64,
    /// Values that may be gone: the memory was lost with them, in time.
    excused: BTreeSet<i64>,
    /// By position: boot and value. A position belongs to one record for ever.
    records: HashMap<Seq, (u64, i64)>,
    mutation: Option<Mutation>,
    is_told: bool,
    is_refusing: bool,
    crashes: u32,
    refusals: u32,
    /// Turns at which something was neither written nor refused.
    held: u32,
    /// The agent ends in good order.
    is_closed: bool,
    found: Option<String>,
}

/// A small generator, so that a seed gives the same life on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn group() -> Arc<Group> {
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let tag = TagInfo { name: "n".into(), unit: None, kind: ValueKind::Int, report, grade: Default::default() };
    Arc::new(Group::new("m".into(), Duration::from_secs(1), vec![tag]))
}

fn room(dir: &std::path::Path, boot: u64, sinks: &[Sink]) -> Room {
    let settings = Settings { dir: dir.to_owned(), limits: crate::journal::Limits::default() };
    let journal =
        Journal::open(settings, BootId(boot), now()).expect("the directory is there and nobody else works in it");
    let (_, heard) = tokio::sync::mpsc::channel(1);
    let (_, orders) = mpsc::channel();
    let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
    let mut room = Room::new(journal, heard, orders, announce, oneshot::channel().0);
    room.sinks = sinks.iter().map(|sink| (sink.name.clone(), sink.progress.subscribe())).collect();
    for sink in sinks {
        let (data, events) =
            (room.journal.cursor(&sink.name, Stream::Data), room.journal.cursor(&sink.name, Stream::Events));
        let (ahead, usage) = (room.journal.ahead(&sink.name), Usage::default());
        sink.progress.send_replace(Progress { data, events, ahead, usage });
    }
    room.say_how_the_journal_was_found();
    room
}

impl World {
    fn new(seed: u64, mutation: Option<Mutation>) -> World {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let shm = std::path::Path::new("/dev/shm"); // memory, where there is such a thing: a sync costs nothing there
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let sinks: Vec<Sink> = (0..1 + dice.roll(3))
            .map(|n| Sink {
                name: format!("s{n}"),
                progress: watch::channel(Progress::default()).0,
                flight: None,
                reader: None,
                wire: Vec::new(),
                receiver: Receiver::default(),
                values: BTreeSet::new(),
                highest: 0,
                is_dead: n > 0 && dice.roll(4) == 0,
                is_live_first: dice.roll(3) == 0,
                is_cut: false,
            })
            .collect();
        World {
            room: room(dir.path(), 1, &sinks),
            dice,
            dir,
            boot: 1,
            group: group(),
            sinks,
            polled: Vec::new(),
            turns: 0,
            excused: BTreeSet::new(),
            records: HashMap::new(),
            mutation,
            is_told: false,
            is_refusing: false,
            crashes: 0,
            refusals: 0,
            held: 0,
            is_closed: false,
            found: None,
        }
    }

    fn live(&mut self) {
        for _ in 0..STEPS {
            if self.found.is_some() {
                return;
            }
            self.step();
        }
        self.end();
    }

    fn step(&mut self) {
        let sink = self.dice.roll(self.sinks.len() as u64) as usize;
        match self.dice.roll(100) {
            0..25 => self.poll(),
            25..45 => self.turn(),
            45..65 => self.send(sink),
            65..85 => self.ack(sink),
            85..88 => self.lose_the_line(sink),
            88..93 => self.connect(sink),
            93..96 => self.maintain(),
            96 => self.refuse(),
            97 => self.heal(),
            98 if self.dice.roll(3) == 0 => self.calm(),
            98 => self.crash(),
            _ => self.stop(),
        }
    }

    /// For a while everybody keeps up, so that nothing need be written; then anything may happen.
    fn calm(&mut self) {
        for _ in 0..15 + self.dice.roll(15) {
            self.poll();
            self.turn();
            for sink in 0..self.sinks.len() {
                self.connect(sink);
                for _ in 0..6 {
                    self.send(sink);
                    self.ack(sink);
                }
            }
        }
        if self.dice.roll(2) == 0 {
            self.crash();
        }
    }

    fn tell(&self, what: impl std::fmt::Display) {
        if self.is_told {
            eprintln!("turn {}: {what}", self.turns);
        }
    }

    fn wrong(&mut self, what: String) {
        self.tell(&what);
        self.found.get_or_insert(what);
    }

    fn poll(&mut self) {
        let n = self.polled.len() as i64;
        self.polled.push(self.turns);
        let readings = vec![Some(Reading::Good(Value::I64(n)))];
        let mono_ms = n as u64 * 1_000;
        let batch =
            Batch { group: self.group.clone(), at: now(), mono_ms, due_ms: Some(mono_ms), readings, stamps: None };
        self.room.remember(batch);
    }

    fn turn(&mut self) {
        self.turns += 1;
        if self.mutation == Some(Mutation::DeleteBeforeCommit) && self.is_refusing {
            self.room.turn(false);
            self.room.unwritten.data_written();
            return;
        }
        self.room.turn(false);
        let is_held = self.room.unwritten.oldest()[0].is_some() && self.room.refused.is_none();
        self.held += u32::from(is_held);
    }

    fn maintain(&mut self) {
        if self.mutation == Some(Mutation::TrimByTheFastest) {
            let position = |sink: &&Sink| sink.progress.borrow().data.position;
            let fastest = self.sinks.iter().max_by_key(position).map(|sink| sink.name.clone()).unwrap_or_default();
            self.room.move_cursors();
            self.room.journal.forget_sinks_except(&[&fastest]);
            self.room.journal.maintain(self.room.round()).ok();
            return;
        }
        self.room.maintain();
        self.room.tend();
    }

    fn connect(&mut self, sink: usize) {
        let sink = &mut self.sinks[sink];
        if sink.flight.is_none() && !sink.is_dead {
            let progress = sink.progress.borrow().clone();
            sink.flight = Some(Flight::new(&progress, WINDOW, Default::default()));
            sink.is_cut = false;
        }
    }

    fn send(&mut self, sink: usize) {
        let tail = self.room.announce.borrow().clone();
        let (is_live_first, mutation) = (self.sinks[sink].is_live_first, self.mutation);
        let Sink { flight: Some(flight), reader, wire, .. } = &mut self.sinks[sink] else { return };
        let mut sent: Vec<(Arc<DataRecord>, Sequel)> = Vec::new();
        for _ in 0..1 + self.dice.roll(4) {
            if flight.events.window.has_room()
                && let Some(event) = next(&mut flight.events, &tail, Seq::MAX, reader)
            {
                flight.events.window.sent(event.seq, Instant::now());
                wire.push((Stream::Events, event.seq));
                continue;
            }
            flight.data.settle();
            let front = flight.data.front();
            if is_live_first && flight.data.can_go_live() && tail.is_behind(front, WINDOW) && !flight.data.has_live() {
                flight.data.go_live(tail.newest_round().max(front + 1));
            }
            let which = if flight.data.has_live() && self.dice.roll(2) == 0 { Which::Live } else { Which::Main };
            let last = flight.data.last_of(which);
            if !flight.data.lane(which).window.has_room() {
                continue;
            }
            let Some(record) = next(flight.data.lane(which), &tail, last, reader) else { continue };
            let sequel = flight.data.sequel(which);
            flight.data.sent(which, record.seq, &sequel, Instant::now());
            wire.push((Stream::Data, record.seq));
            sent.push((record, sequel));
        }
        for (record, sequel) in sent {
            self.arrive(sink, &record, &sequel);
            if mutation == Some(Mutation::CursorBeforeAck) {
                let progress = &self.sinks[sink].progress;
                let cursor = crate::model::Cursor { position: record.seq, last_sent: record.seq };
                progress.send_modify(|before| before.data = cursor);
            }
        }
        self.publish(sink);
    }

    /// The broker has it; whether its acknowledgement ever comes is another matter. Sometimes the line breaks before.
    fn arrive(&mut self, sink: usize, record: &DataRecord, sequel: &Sequel) {
        let values = record.scans.iter().flat_map(|scan| scan.readings.iter().flatten());
        let values = values.filter_map(|reading| match reading {
            Reading::Good(Value::I64(n)) => Some(*n),
            _ => None,
        });
        let values: Vec<i64> = values.collect();
        let identity = (record.boot.0, values.first().copied().unwrap_or(-1));
        let known = *self.records.entry(record.seq).or_insert(identity);
        if known != identity {
            self.wrong(format!("position {} is {known:?} and {identity:?}", record.seq));
        }
        self.sinks[sink].is_cut |= self.dice.roll(40) == 0;
        if self.sinks[sink].is_cut {
            // From here on nothing comes through: no receiver saw it, and no acknowledgement comes.
            self.sinks[sink].wire.retain(|sent| *sent != (Stream::Data, record.seq));
            return;
        }
        let is_live_first = self.sinks[sink].is_live_first;
        let sink = &mut self.sinks[sink];
        let is_new = !sink.receiver.got.contains(&record.seq);
        sink.receiver.take(record.seq, sequel);
        sink.values.extend(values);
        let (name, highest) = (sink.name.clone(), sink.highest);
        sink.highest = highest.max(record.seq);
        if is_new && record.seq < highest && !is_live_first {
            self.wrong(format!("{name}: {} came for the first time after {highest}", record.seq));
        }
    }

    fn ack(&mut self, sink: usize) {
        let mutation = self.mutation;
        let Sink { flight: Some(flight), wire, .. } = &mut self.sinks[sink] else { return };
        for _ in 0..1 + self.dice.roll(4) {
            if wire.is_empty() {
                break;
            }
            let nth = self.dice.roll(wire.len() as u64) as usize;
            let (stream, seq) = wire.remove(nth);
            let acked = match mutation {
                Some(Mutation::AckJump) => (1..=seq).rev().take(2 * WINDOW).collect(),
                _ => vec![seq],
            };
            for seq in acked {
                match stream {
                    Stream::Data => flight.data.acked(seq, Instant::now()),
                    Stream::Events => drop(flight.events.window.acked(seq, Instant::now())),
                }
            }
        }
        self.publish(sink);
    }

    fn publish(&mut self, sink: usize) {
        let mutation = self.mutation;
        let sink = &mut self.sinks[sink];
        let Some(flight) = &sink.flight else { return };
        let mut progress = flight.progress(Usage::default());
        if mutation == Some(Mutation::CursorBeforeAck) {
            progress.data = sink.progress.borrow().data;
        }
        sink.progress.send_replace(progress);
    }

    fn lose_the_line(&mut self, sink: usize) {
        self.publish(sink);
        let sink = &mut self.sinks[sink];
        sink.flight = None;
        sink.wire.clear();
    }

    fn refuse(&mut self) {
        if !self.is_refusing {
            (self.is_refusing, self.refusals) = (true, self.refusals + 1);
            self.room.journal.refuse_to_write(true);
        }
    }

    fn heal(&mut self) {
        if self.is_refusing {
            self.is_refusing = false;
            self.room.journal.refuse_to_write(false);
        }
    }

    /// The process is gone at once. What it had heard within the last turns is excused, and nothing else.
    fn crash(&mut self) {
        if self.is_refusing || self.room.refused.is_some() {
            return; // what a disk that refuses and a crash cost together was never promised
        }
        self.crashes += 1;
        let pending = self.room.pending.data.iter().flat_map(|data| data.scans.iter());
        let (unwritten, _) = self.room.unwritten.all();
        let held: Vec<i64> = pending
            .chain(unwritten.iter().flat_map(|record| record.scans.iter()))
            .flat_map(|scan| scan.readings.iter().flatten())
            .filter_map(|reading| match reading {
                Reading::Good(Value::I64(n)) => Some(*n),
                _ => None,
            })
            .collect();
        for n in held {
            let age = self.turns - self.polled[n as usize];
            if age >= 2 {
                self.wrong(format!("sample {n} was in memory alone for {age} turns"));
            }
            self.excused.insert(n);
        }
        self.begin_anew();
    }

    fn stop(&mut self) {
        if self.is_refusing {
            return;
        }
        self.room.move_cursors();
        self.turns += 1;
        self.room.turn(true);
        self.is_closed = true;
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        for sink in &mut self.sinks {
            (sink.flight, sink.reader) = (None, None);
            sink.wire.clear();
        }
        // The old journal is dropped first: its lock is what keeps a second agent out.
        let other = tempfile::tempdir().unwrap();
        let stand_in = room(other.path(), 0, &[]);
        let old = std::mem::replace(&mut self.room, stand_in);
        match std::mem::take(&mut self.is_closed) {
            true => old.close(),
            false => drop(old),
        }
        if self.mutation == Some(Mutation::ReuseOfAPosition) {
            std::fs::remove_file(self.dir.path().join("journal.high")).unwrap();
            let connection = rusqlite::Connection::open(self.dir.path().join("journal.sqlite")).unwrap();
            connection.execute_batch("UPDATE streams SET reserved = 0").unwrap();
        }
        self.boot += 1;
        self.room = room(self.dir.path(), self.boot, &self.sinks);
    }

    /// Everything heals, and everybody who lives gets what is left.
    fn end(&mut self) {
        self.heal();
        // Several times, since only a message that follows tells where history has met current data.
        for _ in 0..3 {
            self.poll();
            self.turn();
            self.deliver();
        }
        self.judge();
    }

    fn deliver(&mut self) {
        for _ in 0..4_000 {
            let mut is_done = true;
            for sink in 0..self.sinks.len() {
                self.connect(sink);
                self.send(sink);
                self.ack(sink);
                if self.dice.roll(8) == 0 {
                    self.lose_the_line(sink); // so that what got lost on the line is sent again
                }
                let sink = &self.sinks[sink];
                let progress = sink.progress.borrow();
                let last = self.room.announce.borrow().last_data;
                is_done &= sink.is_dead || progress.ahead.reach(progress.data.position) >= last;
            }
            if self.dice.roll(10) == 0 {
                self.turn();
                self.maintain();
            }
            if is_done || self.found.is_some() {
                break;
            }
        }
    }

    fn judge(&mut self) {
        let polled: BTreeSet<i64> = (0..self.polled.len() as i64).collect();
        let mut told = Vec::new();
        for sink in self.sinks.iter().filter(|sink| !sink.is_dead) {
            let missing: Vec<&i64> = polled.difference(&sink.values).filter(|n| !self.excused.contains(n)).collect();
            if !missing.is_empty() {
                told.push(format!("{}: samples that never arrived: {missing:?}", sink.name));
            }
            let gaps = sink.receiver.missing(sink.highest);
            if !gaps.is_empty() {
                told.push(format!("{}: gaps told though nothing was lost: {gaps:?}", sink.name));
            }
        }
        told.into_iter().for_each(|what| self.wrong(what));
    }
}

fn next<T: Fetched>(
    lane: &mut super::super::super::flight::Lane<T>,
    tail: &Tail,
    last: Seq,
    reader: &mut Option<Reader>,
) -> Option<Arc<T>> {
    loop {
        match lane.step(tail, last) {
            Step::Record(record) => return Some(record),
            Step::Damaged(seq) => panic!("position {seq} is damaged, and nobody did that"),
            Step::Nothing => return None,
            Step::Read { after, through } => {
                let open = reader.take().filter(|reader| *reader.place() == tail.place);
                let mut open = open.unwrap_or_else(|| Reader::open(&tail.place).unwrap());
                lane.arrived(T::read(&mut open, after, through).unwrap(), through, tail);
                *reader = Some(open);
            }
        }
    }
}

fn lived(seed: u64, mutation: Option<Mutation>) -> World {
    let mut world = World::new(seed, mutation);
    world.is_told = std::env::var_os("CLOUDWARD_SEED").is_some();
    world.live();
    world
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn whatever_happens_every_sample_arrives_in_order_or_was_in_memory_for_less_than_a_commit_interval() {
    if let Some(seed) = number("CLOUDWARD_SEED") {
        return assert_eq!(lived(seed, None).found, None, "seed {seed}");
    }
    let (mut seen, seeds) = (BTreeMap::new(), number("CLOUDWARD_SEEDS").unwrap_or(60));
    for seed in 0..seeds {
        let world = lived(seed, None);
        assert_eq!(world.found, None, "CLOUDWARD_SEED={seed} tells it step by step");
        *seen.entry("crashes").or_insert(0) += world.crashes;
        *seen.entry("turns without writing").or_insert(0) += world.held;
        *seen.entry("refusals").or_insert(0) += world.refusals;
        *seen.entry("duplicates").or_insert(0) += world.sinks.iter().map(|s| s.receiver.duplicates as u32).sum::<u32>();
        *seen.entry("excused").or_insert(0) += world.excused.len() as u32;
        *seen.entry("samples").or_insert(0) += world.polled.len() as u32;
    }
    eprintln!("{seeds} lives: {seen:?}");
    assert!(seen.values().all(|count| *count > 0), "each of it really happened: {seen:?}");
}

#[test]
fn the_simulation_sees_mistakes_that_a_hand_could_make() {
    for mutation in [
        Mutation::AckJump,
        Mutation::CursorBeforeAck,
        Mutation::DeleteBeforeCommit,
        Mutation::ReuseOfAPosition,
        Mutation::TrimByTheFastest,
    ] {
        let found = (0..200).find_map(|seed| Some((seed, lived(seed, Some(mutation)).found?)));
        let (seed, what) = found.unwrap_or_else(|| panic!("{mutation:?} goes unseen"));
        eprintln!("{mutation:?}: seed {seed}: {what}");
    }
}
