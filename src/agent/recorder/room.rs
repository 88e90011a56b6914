//! The recorder's thread. It sleeps from turn to turn; at each it takes what the links have heard, keeps what is worth reporting, gives
//! it positions, announces it to the couriers, and commits what has to be on the disk in one transaction.
//!
//! The rule: what was heard is delivered to every sink or on the disk within one commit interval ([`Hold`]). What the disk refuses stays in
//! memory, is delivered from there, and is tried again; beyond a limit the oldest is given up, counted, and told to whoever misses it.

mod books; // the sample ledger
mod figures; // states, cells, indicators
mod late; // what comes too late for them ...
mod revise; // ... and what changes by it

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};

use super::super::clock::ClockNews;
use super::super::egress::Book;
use super::super::hold::Hold;
use super::super::pending::Pending;
use super::super::space::free_bytes;
use super::super::tail::Tail;
use super::super::timekeeper::{self, Timekeeper};
use super::super::unwritten::{GivenUp, Unwritten};
use super::{CHANNEL, Command, Health, Progress};
use crate::config::{Clock, Persist, TrustRule};
use crate::journal::{Committed, Dropped, Evicted, Journal, NewEvent, OnChange, Round};
use crate::model::ledger::Lost;
use crate::model::words::{agent as words, journal as journal_words, sink as sink_words};
use crate::model::{Batch, Code, DataRecord, Event, Loss, LossCause, Seq, Stream, Timestamp, Trouble};
use crate::source::Heard;
use books::Books;
use figures::Figures;

/// Samples that make a turn worth its price before its time: at 8 kB of overhead a commit, the overhead is below 1 byte
/// a sample from here on.
pub(super) const COMMIT_SAMPLES: usize = 10_000;

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

/// While a damaged file is brought over, slices of some milliseconds follow each other at this pace, some ten MB a second, and
/// what the links hear is taken in between.
const SALVAGE_PACE: Duration = Duration::from_millis(20);

/// A turn that wrote no more than this leaves time for what can wait.
const IDLE_SAMPLES: u64 = 2_000;

/// What the thread owns.
pub(super) struct Room {
    journal: Journal,
    heard: tokio::sync::mpsc::Receiver<Heard>,
    orders: mpsc::Receiver<Command>,
    pub(super) waiting_samples: Arc<AtomicUsize>,
    announce: watch::Sender<Arc<Tail>>,
    pub(super) health: Arc<Health>,
    commit_interval: Duration,
    persist: Persist,
    message_bytes: usize,
    /// Before report on change: what is held back was taken all the same.
    books: Books,
    /// Likewise.
    figures: Figures,
    pub(super) clock: Timekeeper,
    on_change: OnChange,
    /// Without positions yet.
    pending: Pending,
    hold: Hold,
    /// With positions, announced, not on the disk.
    unwritten: Unwritten,
    sinks: HashMap<String, watch::Receiver<Progress>>,
    /// Where sinks begin that asked for it and are not among the others yet.
    coming: HashMap<String, Seq>,
    commits_since_maintenance: u32,
    maintained: Instant,
    /// The storage trouble that is being waited out.
    refused: Option<Trouble>,
    given_up: Tally,
    /// More is to be brought over from a file that was set aside, and the disk takes it.
    is_bringing_over: bool,
    /// Samples written at the last commit.
    written: u64,
    started: Instant,
    /// Why the last maintenance failed: told when it changes, not every time.
    unmaintained: Option<Code>,
    egress: Option<Box<Book>>,
    /// Dropped with the thread, however it ends.
    _alive: oneshot::Sender<()>,
}

/// Samples given up since the disk began to refuse.
#[derive(Default)]
struct Tally {
    unlogged: u64,
    unpublished: u64,
    logged: Option<Instant>,
}

impl Room {
    /// A room in which nothing has happened yet, with the default settings.
    pub(super) fn new(
        journal: Journal,
        heard: tokio::sync::mpsc::Receiver<Heard>,
        orders: mpsc::Receiver<Command>,
        announce: watch::Sender<Arc<Tail>>,
        alive: oneshot::Sender<()>,
    ) -> Room {
        let hold = Hold::new(announce.borrow().last_data);
        Room {
            journal,
            heard,
            orders,
            waiting_samples: Arc::default(),
            announce,
            health: Arc::default(),
            commit_interval: Duration::from_secs(1),
            persist: Persist::Undelivered,
            message_bytes: 128_000,
            books: Books::default(),
            figures: Figures::default(),
            clock: Timekeeper::new(Clock { trust: TrustRule::Always, ..Clock::DEFAULT }, None, Instant::now()),
            on_change: OnChange::new(),
            pending: Pending::default(),
            hold,
            unwritten: Unwritten::default(),
            sinks: HashMap::new(),
            coming: HashMap::new(),
            commits_since_maintenance: 0,
            maintained: Instant::now(),
            refused: None,
            given_up: Tally::default(),
            is_bringing_over: false,
            written: 0,
            started: Instant::now(),
            unmaintained: None,
            egress: None,
            _alive: alive,
        }
    }

    /// Other settings.
    pub(super) fn settle(&mut self, commit_interval: Duration, persist: Persist, message_bytes: usize) {
        (self.commit_interval, self.persist, self.message_bytes) = (commit_interval, persist, message_bytes);
    }

    pub(super) fn run(mut self) {
        let news = self.clock.first_look();
        self.on_clock(news);
        self.keep_offset();
        self.say_how_the_journal_was_found();
        let mut turned = Instant::now();
        loop {
            let turn_every = self.hold.turn_every(self.commit_interval);
            let pace = if self.is_bringing_over { SALVAGE_PACE } else { HEARTBEAT };
            let wait = turn_every.saturating_sub(turned.elapsed()).min(pace);
            if !wait.is_zero() {
                thread::park_timeout(wait);
            }
            self.health.turns.fetch_add(1, Ordering::Relaxed);
            self.take_heard();
            let (flushes, is_stop) = self.take_orders();
            let is_flush = is_stop || !flushes.is_empty();
            if is_flush || turned.elapsed() >= turn_every || self.pending.samples >= COMMIT_SAMPLES {
                turned = Instant::now();
                self.turn(is_flush);
                self.maintain_if_due();
            }
            self.tend();
            self.egress.iter_mut().for_each(|book| book.turn(now()));
            for done in flushes {
                done.send(()).ok(); // the asker may have given up; the flush happened anyway
            }
            if is_stop {
                self.egress.iter_mut().for_each(|book| book.close(now()));
                return self.close();
            }
        }
    }

    fn say_how_the_journal_was_found(&mut self) {
        let opening = self.journal.opening();
        if opening.missing > 0 {
            let trouble = Trouble::new(journal_words::MISSING_RECORDS).with("records", opening.missing);
            let trouble = trouble.with("path", self.journal.reader().file().display());
            error!(code = %trouble.code, "{trouble}");
        }
        let event = Event::Started { previous: opening.previous, missing: opening.missing };
        self.happened(event);
    }

    /// Something that happens now.
    fn happened(&mut self, event: Event) {
        let (at, clock, mono_ms) = self.clock.time();
        self.pending.events.push(NewEvent { at, clock, mono_ms, event });
    }

    /// A file that is found damaged is set aside, and what is readable in it brought over, some at a time.
    fn tend(&mut self) {
        let tended = self.journal.tend(now());
        // A disk that refuses is asked again at the next turn; of what it says the next commit tells.
        self.is_bringing_over = tended.is_ok() && self.journal.is_salvaging();
        for trouble in self.journal.news() {
            match trouble.code {
                journal_words::SALVAGED => info!(code = %trouble.code, "{trouble}"),
                journal_words::HISTORY_SHED | journal_words::BESIDE_NEWER | journal_words::ASIDE_REMOVED => {
                    warn!(code = %trouble.code, "{trouble}");
                }
                _ => error!(code = %trouble.code, "{trouble}"),
            }
        }
        self.announce_if_new(Committed::default());
    }

    /// Tells the couriers of records, and of what is new about the journal's file.
    fn announce_if_new(&mut self, new: Committed) {
        let view = self.journal.view();
        if new.data.is_empty() && new.events.is_empty() && self.announce.borrow().is_of(&view) {
            return;
        }
        let tail = self.announce.borrow().followed_by(new, self.unwritten.oldest(), view);
        self.announce.send_replace(Arc::new(tail));
    }

    fn take_heard(&mut self) {
        // Then the look: it is about what was heard before it.
        // As much as waited when it began: the links go on filling the channel.
        let all: Vec<Heard> = std::iter::from_fn(|| self.heard.try_recv().ok()).take(CHANNEL).collect();
        let news = self.clock.look();
        self.on_clock(news);
        self.figures.on_look();
        let mut samples = 0;
        for heard in all {
            match heard {
                Heard::Batch(batch) => {
                    samples += batch.len();
                    self.remember(batch);
                }
                Heard::Kept(batch, ages) => {
                    samples += batch.len();
                    self.remember_taken(batch, &ages);
                }
                Heard::Sign(sign) => self.books.ledger.on_sign(&sign),
                Heard::Event(at, event) => {
                    let (at, clock, mono_ms) = self.clock.time_of_event(at);
                    self.pending.events.push(NewEvent { at, clock, mono_ms, event });
                }
            }
        }
        self.waiting_samples.fetch_sub(samples, Ordering::Relaxed);
    }

    fn remember(&mut self, batch: Batch) {
        self.remember_taken(batch, &[]);
    }

    /// `ages`: so many ms ago each reading was taken, which is when figures want to know it.
    fn remember_taken(&mut self, batch: Batch, ages: &[u64]) {
        self.books.ledger.on_batch(&batch);
        let (at, clock) = self.clock.time_of(batch.at, batch.mono_ms);
        self.step_figures_taken(&batch, at, clock, ages);
        let group = batch.group.clone();
        let Some(scan) = self.on_change.filter(Batch { at, ..batch }) else { return };
        self.pending.push(group, clock, scan, self.message_bytes);
    }

    /// A look at the clock found something: told, published, and what waits gets its true time.
    fn on_clock(&mut self, news: Option<ClockNews>) {
        if let Some(news) = news {
            timekeeper::tell(&news);
            let event = self.clock.event(&news);
            if let Some(offset_ms) = self.clock.offset_ms().filter(|_| news.has_come) {
                self.pending.correct(offset_ms);
                let tail = self.announce.borrow().corrected(offset_ms);
                self.unwritten.follow(&tail);
                self.announce.send_replace(Arc::new(tail));
                self.release_figures(offset_ms);
            }
            self.happened(event);
            self.keep_offset();
        }
    }

    /// Where the clock stood is written when trust came, and tried again while the disk refuses.
    fn keep_offset(&mut self) {
        let Some((offset_ms, by)) = self.clock.to_keep() else { return };
        let told = self.journal.keep_offset(offset_ms, by);
        self.clock.on_told(by, told);
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
                    self.coming.clear();
                }
                Command::ProgressOf(sink, answer) => {
                    let data = self.journal.cursor(&sink, Stream::Data);
                    let events = self.journal.cursor(&sink, Stream::Events);
                    self.coming.insert(sink.clone(), data.position);
                    let (ahead, usage) = (self.journal.ahead(&sink), self.journal.usage(&sink));
                    answer.send(Progress { data, events, ahead, usage }).ok(); // the asker may have given up
                }
                Command::Quarantine { sink, record, cause, done } => {
                    let stored = self.journal.quarantine(&sink, &record, cause, now());
                    done.send(stored.map(|evicted| self.on_evicted(evicted))).ok(); // likewise
                }
                Command::Clock(rule) => self.clock.set_rule(rule),
                Command::Limits { limits, commit_interval, persist, message_bytes } => {
                    self.journal.set_limits(limits);
                    self.settle(commit_interval, persist, message_bytes);
                }
                Command::EgressLog(book) => self.egress = Some(book),
                Command::Egress(settings, zone) => {
                    self.egress.iter_mut().for_each(|book| book.set(settings.clone(), zone.clone(), now()));
                }
                Command::Damaged(seq) => self.on_damaged(seq),
                Command::Expect(started, accounts) => self.expect(started, &accounts),
                Command::Figures(boot, machines) => self.follow(boot, machines),
                Command::Stop => is_stop = true,
            }
        }
        if !flushes.is_empty() || is_stop {
            self.take_heard(); // what was put before the order
        }
        (flushes, is_stop)
    }

    /// Announces what is new, and writes what has to be on the disk by now; at a flush all of it.
    fn turn(&mut self, is_flush: bool) {
        if let Some(floor) = self.floor() {
            let samples = self.unwritten.delivered(floor);
            self.health.committed.fetch_add(samples, Ordering::Relaxed);
        }
        self.tick_figures();
        self.tend_late(late::SCANS_A_TURN, false);
        self.publish_figures();
        let (data, events) = self.pending.take();
        let new = self.journal.number(data, events);
        self.unwritten.push(&new);
        self.announce_if_new(new);
        let newest = self.announce.borrow().last_data;
        let is_due = self.hold.turn(self.floor(), newest);
        self.commit(is_due || is_flush || self.refused.is_some());
        let records = self.journal.status_records() + self.unwritten.records() as u64;
        self.health.records.store(records, Ordering::Relaxed);
    }

    /// What every sink has of the data; `None`: everything is to be written.
    fn floor(&self) -> Option<Seq> {
        match self.persist {
            Persist::Always => None,
            Persist::Undelivered => {
                let floor = self.sinks.values().map(|progress| progress.borrow().data.position).min()?;
                Some(self.coming.values().fold(floor, |floor, position| floor.min(*position)))
            }
        }
    }

    /// Writes the events that are not on the disk, and the data likewise if that is due.
    fn commit(&mut self, with_data: bool) {
        let (data, events) = self.unwritten.all();
        let data = if with_data { data } else { &[] };
        let has_records = !data.is_empty() || !events.is_empty();
        self.keep_figures(has_records);
        let (data, events) = self.unwritten.all();
        let data = if with_data { data } else { &[] };
        if !has_records && !self.journal.has_figures() {
            self.written = 0;
            return;
        }
        match self.journal.commit(data, events) {
            Ok(()) => {
                self.unwritten.events_written();
                self.written = 0;
                if with_data {
                    let samples = self.unwritten.data_written();
                    self.written = samples;
                    self.health.committed.fetch_add(samples, Ordering::Relaxed);
                }
                if self.refused.take().is_some() {
                    self.on_writable_again();
                }
                self.commits_since_maintenance += 1;
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
        let lose = |record: &DataRecord| self.journal.lose_taken(record, Lost::Memory);
        if let Some(given_up) = self.unwritten.drop_beyond(MEMORY_PLACES, lose) {
            self.give_up(Stream::Data, &given_up);
            self.health.dropped.fetch_add(given_up.samples, Ordering::Relaxed);
            self.given_up.unlogged += given_up.samples;
            self.given_up.unpublished += given_up.samples;
        }
        if let Some(given_up) = self.unwritten.drop_events_beyond(MEMORY_EVENTS) {
            self.give_up(Stream::Events, &given_up);
        }
        if self.given_up.logged.is_none_or(|logged| logged.elapsed() >= TELL_EVERY) {
            self.log_given_up();
        }
    }

    fn give_up(&mut self, stream: Stream, GivenUp { first, last, samples }: &GivenUp) {
        let loss =
            Loss { first: *first, last: *last, samples: *samples, cause: LossCause::Memory, at: self.clock.time().0 };
        self.journal.lose(stream, loss);
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
        let Tally { unpublished, .. } = std::mem::take(&mut self.given_up);
        if unpublished > 0 {
            self.publish_dropped(unpublished, LossCause::Memory);
        }
    }

    fn publish_dropped(&mut self, samples: u64, cause: LossCause) {
        self.happened(Event::Dropped { samples, cause: cause.as_str().into() });
    }

    fn move_cursors(&mut self) {
        for (sink, progress) in &self.sinks {
            let progress = progress.borrow().clone();
            self.journal.move_cursor(sink, Stream::Data, progress.data);
            self.journal.move_cursor(sink, Stream::Events, progress.events);
            self.journal.set_ahead(sink, progress.ahead);
            self.journal.set_usage(sink, progress.usage);
        }
    }

    fn maintain_if_due(&mut self) {
        if self.commits_since_maintenance >= MAINTAIN_COMMITS || self.maintained.elapsed() >= MAINTAIN_EVERY {
            self.maintain();
        }
    }

    fn maintain(&mut self) {
        self.commits_since_maintenance = 0;
        self.maintained = Instant::now();
        self.move_cursors();
        self.keep_offset();
        self.enter_in_ledger();
        match self.journal.maintain(self.round()) {
            Ok(dropped) => {
                self.unmaintained = None;
                dropped.into_iter().for_each(|dropped| self.on_dropped(dropped));
                self.report_hour();
                if let Err(trouble) = self.take_wishes() {
                    warn!(code = %trouble.code, "{trouble}");
                }
            }
            Err(trouble) => {
                if self.unmaintained.replace(trouble.code) != Some(trouble.code) {
                    warn!(code = %trouble.code, "{trouble}");
                }
            }
        }
        self.health.bytes.store(self.journal.status().bytes_on_disk, Ordering::Relaxed);
    }

    fn round(&self) -> Round {
        Round {
            now: now(),
            is_trusted: self.clock.is_trusted(),
            steady: self.clock.steady().unwrap_or_else(now),
            mono: self.started.elapsed(),
            free_bytes: free_bytes(&self.journal.reader().dir()),
            is_idle: self.written <= IDLE_SAMPLES && self.refused.is_none(),
        }
    }

    /// The journal gave samples up by policy: counted, logged, published.
    fn on_dropped(&mut self, dropped: Dropped) {
        count_dropped(&self.health, &dropped);
        self.publish_dropped(dropped.samples, dropped.cause);
    }

    /// The quarantine gave records up to make room.
    fn on_evicted(&mut self, Evicted { records, samples }: Evicted) {
        if records > 0 {
            self.health.dropped.fetch_add(samples, Ordering::Relaxed);
            let trouble = Trouble::new(sink_words::QUARANTINE_FULL).with("records", records).with("samples", samples);
            error!(code = %trouble.code, "{trouble}");
        }
    }

    /// The agent ends. Nothing goes uncounted, be it that the disk still refuses.
    fn close(mut self) {
        self.maintain(); // what it gives up is an event, which the next start delivers
        self.close_figures();
        self.turn(true);
        self.log_given_up();
        let samples = self.unwritten.samples();
        if samples > 0 {
            let total = self.health.dropped.fetch_add(samples, Ordering::Relaxed) + samples;
            let trouble = Trouble::new(words::LOST_AT_STOP).with("samples", samples).with("total", total);
            error!(code = %trouble.code, "{trouble}");
        }
        self.keep_offset();
        self.close_ledger();
        let round = self.round();
        let health = self.health.clone();
        match self.journal.close(round) {
            // What a moment later is given up is too late for an event; the file's counters have it, and so have the gaps.
            Ok(dropped) => dropped.iter().for_each(|dropped| count_dropped(&health, dropped)),
            Err(trouble) => warn!(code = %trouble.code, "{trouble}"),
        }
    }
}

/// Samples that were given up by policy are counted and told.
fn count_dropped(health: &Health, dropped: &Dropped) {
    health.dropped.fetch_add(dropped.samples, Ordering::Relaxed);
    let trouble = Trouble::new(words::JOURNAL_DROPPED)
        .with("samples", dropped.samples)
        .with("records", dropped.records)
        .with("cause", dropped.cause.as_str());
    error!(code = %trouble.code, "{trouble}");
}

/// What the wall clock says, trusted or not: for dates and names, never for durations.
fn now() -> Timestamp {
    Timestamp::of(SystemTime::now())
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BootId, Deadband, Group, Reading, ReportRule, TagInfo, Timestamp, Value, ValueKind};

    fn group(device: &str, tags: usize) -> Arc<Group> {
        let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
        let tag = |n| TagInfo {
            name: format!("t{n}").into(),
            unit: None,
            kind: ValueKind::Int,
            report,
            grade: Default::default(),
        };
        Arc::new(Group::new(device.into(), Duration::from_secs(1), (0..tags).map(tag).collect()))
    }

    /// A room on a journal whose table is gone until [`heal`].
    fn on_a_refusing_disk(dir: &std::path::Path) -> Room {
        let settings = crate::journal::Settings { dir: dir.to_owned(), limits: crate::journal::Limits::default() };
        let journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
        alter(dir, "ALTER TABLE events RENAME TO away");
        std::fs::create_dir_all(dir.join("journal.new.sqlite/in the way of another file")).unwrap();
        let (_, heard) = tokio::sync::mpsc::channel(1);
        let (_, orders) = mpsc::channel();
        let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
        Room::new(journal, heard, orders, announce, oneshot::channel().0)
    }

    fn heal(dir: &std::path::Path) {
        alter(dir, "ALTER TABLE away RENAME TO events");
    }

    fn alter(dir: &std::path::Path, sql: &str) {
        rusqlite::Connection::open(dir.join("journal.sqlite")).unwrap().execute_batch(sql).unwrap();
    }

    fn destroy_the_data(dir: &std::path::Path) {
        use std::os::unix::fs::FileExt;
        let path = dir.join("journal.sqlite");
        let connection = rusqlite::Connection::open(&path).unwrap();
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'data'";
        let root: i64 = connection.query_row(root, [], |row| row.get(0)).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.write_all_at(&[0x55; 1024], (root as u64 - 1) * 1024).unwrap();
    }

    fn hear(room: &mut Room, at: i64) {
        let readings = vec![Some(Reading::Good(Value::I64(at))); 4_000];
        let (group, at_ms, due_ms) = (group("a", 4_000), Timestamp(at), Some(0));
        room.remember(Batch { group, at: at_ms, mono_ms: 0, due_ms, readings, stamps: None });
        hear_nothing_but_an_event(room, at);
    }

    fn hear_nothing_but_an_event(room: &mut Room, at: i64) {
        let event = Event::Dropped { samples: 0, cause: "filler".into() };
        room.pending.events.push(NewEvent::new(Timestamp(at), event));
    }

    #[test]
    fn a_disk_that_refuses_for_long_fills_no_memory_and_what_was_given_up_is_published_in_one_sum() {
        let dir = tempfile::tempdir().unwrap();
        let mut room = on_a_refusing_disk(dir.path());
        for at in 0..60 {
            hear(&mut room, at);
            room.turn(false);
        }
        assert!(room.refused.is_some());
        assert_eq!(room.unwritten.samples(), MEMORY_PLACES as u64);
        assert_eq!(room.unwritten.records(), 50 + 60, "no event for each refusal");
        (0..2_000).for_each(|at| hear_nothing_but_an_event(&mut room, at));
        room.turn(false);
        assert_eq!(room.unwritten.records(), 50 + MEMORY_EVENTS);
        let lost = |stream: Stream| {
            room.journal.losses()[stream as usize].iter().map(|l| (l.first, l.last)).collect::<Vec<_>>()
        };
        assert_eq!((lost(Stream::Data), lost(Stream::Events)), (vec![(1, 10)], vec![(1, 1_060)]));
        heal(dir.path());
        room.turn(false);
        assert_eq!((room.unwritten.records(), room.pending.events.len()), (0, 1));
        let event = Event::Dropped { samples: 40_000, cause: "memory".into() };
        assert_eq!(room.pending.events[0].event, event);
        assert_eq!(room.health.dropped.load(Ordering::Relaxed), 40_000);
        assert_eq!(room.health.committed.load(Ordering::Relaxed), 200_000);
    }

    #[test]
    fn a_damaged_file_is_replaced_under_the_running_agent_and_couriers_hear_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            crate::journal::Settings { dir: dir.path().to_owned(), limits: crate::journal::Limits::default() };
        let journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
        let (_, heard) = tokio::sync::mpsc::channel(1);
        let (_, orders) = mpsc::channel();
        let (announce, tail) = watch::channel(Arc::new(Tail::new(&journal)));
        let mut room = Room::new(journal, heard, orders, announce, oneshot::channel().0);
        let begun = now().0;
        for at in 0..20 {
            hear(&mut room, begun + at);
            room.turn(false);
        }
        let before = tail.borrow().place.clone();
        destroy_the_data(dir.path());
        let asked = crate::journal::Reader::open(&before).and_then(|mut reader| reader.data_between(0, 9, 10, 10));
        assert!(asked.is_err(), "a courier meets the damage");
        for at in 20..24 {
            room.tend();
            hear(&mut room, begun + at);
            room.turn(false);
        }
        assert!(room.refused.is_none() && tail.borrow().place != before);
        for _ in 0..20 {
            room.tend();
        }
        assert!(!room.journal.is_salvaging());
        room.maintained = Instant::now().checked_sub(MAINTAIN_EVERY).unwrap();
        room.maintain_if_due();
        let event = &room.pending.events[0].event;
        assert!(matches!(event, Event::Dropped { samples: 80_000.., cause } if cause == "corrupt"), "{event:?}");
        let place = tail.borrow().place.clone();
        let mut reader = crate::journal::Reader::open(&place).unwrap();
        let found = reader.data_between(0, u64::MAX, 100, 1_000_000).unwrap();
        let seqs: Vec<Seq> =
            found.into_iter().filter_map(crate::journal::Found::record).map(|record| record.seq).collect();
        assert_eq!(seqs, [21, 22, 23, 24]);
    }

    /// A room on a journal of its own, and the way to tell it something.
    fn on_a_disk(dir: &std::path::Path) -> (Room, mpsc::Sender<Command>) {
        let settings = crate::journal::Settings { dir: dir.to_owned(), limits: crate::journal::Limits::default() };
        let journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
        let (_, heard) = tokio::sync::mpsc::channel(1);
        let (sender, orders) = mpsc::channel();
        let (announce, _) = watch::channel(Arc::new(Tail::new(&journal)));
        (Room::new(journal, heard, orders, announce, oneshot::channel().0), sender)
    }

    #[test]
    fn what_the_last_upkeep_gives_up_is_counted_too() {
        let dir = tempfile::tempdir().unwrap();
        let (mut room, orders) = on_a_disk(dir.path());
        for at in 0..20 {
            hear(&mut room, at);
            room.turn(false);
        }
        room.journal.set_limits(crate::journal::Limits { max_size: 20_000, ..Default::default() });
        let health = room.health.clone();
        orders.send(Command::Stop).unwrap();
        room.run();
        assert!(health.dropped.load(Ordering::Relaxed) >= 4_000, "{health:?}");
    }

    #[test]
    fn what_a_sink_has_not_that_is_about_to_come_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (mut room, orders) = on_a_disk(dir.path());
        let (old, seen) = watch::channel(Progress::default());
        orders.send(Command::Sinks([("old".to_owned(), seen.clone())].into())).unwrap();
        room.take_orders();
        (0..20).for_each(|_| room.turn(false)); // it keeps up
        let (answer, _answered) = oneshot::channel();
        orders.send(Command::ProgressOf("new".into(), answer)).unwrap();
        room.take_orders();
        hear(&mut room, 0);
        room.turn(false);
        assert_eq!(room.journal.status().data.records, 0, "it is held");
        old.send_modify(|progress| progress.data.position = 1);
        for _ in 0..4 {
            room.turn(false);
        }
        assert_eq!(room.journal.status().data.records, 1, "the new one has nothing yet");
        let (_new, of_new) = watch::channel(Progress {
            data: crate::model::Cursor { position: 1, last_sent: 1 },
            ..Progress::default()
        });
        orders.send(Command::Sinks([("old".to_owned(), seen), ("new".to_owned(), of_new)].into())).unwrap();
        room.take_orders();
        assert_eq!(room.floor(), Some(1));
    }

    #[test]
    fn a_turn_takes_what_the_channel_holds_and_not_what_comes_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let (mut room, _orders) = on_a_disk(dir.path());
        let (sender, heard) = tokio::sync::mpsc::channel(2 * CHANNEL);
        room.heard = heard;
        for _ in 0..CHANNEL + 1 {
            sender.try_send(Heard::Event(Timestamp(0), Event::Dropped { samples: 0, cause: "filler".into() })).unwrap();
        }
        room.take_heard();
        assert_eq!((room.pending.events.len(), room.heard.len()), (CHANNEL, 1));
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
