//! The recorder's thread. It sleeps from turn to turn; at each it takes what the links have heard, keeps what is worth reporting, gives
//! it positions, announces it to the couriers, and commits what has to be on the disk in one transaction.
//!
//! The rule: what was heard is delivered to every sink or on the disk within one commit interval ([`Hold`]). What the disk refuses stays in
//! memory, is delivered from there, and is tried again; beyond a limit the oldest is given up, counted, and told to whoever misses it.

mod books; // the sample ledger
mod figures; // states, cells, indicators
mod glance; // what is told of all that
mod late; // what comes too late for figures ...
mod refusal; // while the disk refuses
mod revise; // ... and what changes by it
mod upkeep; // what can wait: cursors, retention, the ledger
mod uploads; // what became of the records

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
use super::super::fresh::Fresh;
use super::super::hold::Hold;
use super::super::pending::Pending;
use super::super::tail::Tail;
use super::super::timekeeper::{self, Timekeeper};
use super::super::unwritten::Unwritten;
use super::{CHANNEL, Command, Health, Progress};
use crate::config::{Clock, Persist, TrustRule};
use crate::journal::{Committed, Journal, NewEvent, OnChange};
use crate::model::words::{agent as words, journal as journal_words};
use crate::model::{Batch, Code, Event, LossCause, Seq, Stream, Timestamp, Trouble};
use crate::source::Heard;
use books::Books;
use figures::Figures;
use refusal::Tally;
pub use uploads::Audience;
use uploads::Uploads;

/// Samples that make a turn worth its price before its time: at 8 kB of overhead a commit, the overhead is below 1 byte
/// a sample from here on.
pub(super) const COMMIT_SAMPLES: usize = 10_000;

/// With long commit intervals the recorder still turns so often, so that a watchdog can tell it from a hung one.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// While a damaged file is brought over, slices of some milliseconds follow each other at this pace, some ten MB a second, and
/// what the links hear is taken in between.
const SALVAGE_PACE: Duration = Duration::from_millis(20);

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
    /// Likewise.
    fresh: Fresh,
    uploads: Uploads,
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
            fresh: Fresh::default(),
            uploads: Uploads::default(),
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
                Heard::Sign(sign) => {
                    self.fresh.on_sign(&sign);
                    self.books.ledger.on_sign(&sign);
                }
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
        self.fresh.on_batch(&batch);
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
                Command::Audiences(boot, audiences) => self.address(boot, audiences),
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
                Command::Glance { with_machines, answer } => {
                    answer.send(self.glance(with_machines)).ok(); // the asker may have given up
                }
                Command::Damaged(seq) => self.on_damaged(seq),
                Command::Expect(started, accounts) => self.expect(started, &accounts),
                Command::Figures(boot, machines) => self.follow(boot, machines),
                Command::InForce(done) => {
                    done.send(()).ok(); // the asker may have given up
                }
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
        self.publish_figures(figures::REPORTS_A_TURN);
        let (data, events) = self.pending.take();
        let new = self.journal.number(data, events);
        self.count_made(&new.data);
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

    fn publish_dropped(&mut self, samples: u64, cause: LossCause) {
        self.happened(Event::Dropped { samples, cause: cause.as_str().into() });
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
        self.enter_uploads();
        self.move_cursors();
        let round = self.round();
        let health = self.health.clone();
        match self.journal.close(round) {
            // What a moment later is given up is too late for an event; the file's counters have it, and so have the gaps.
            Ok(dropped) => dropped.iter().for_each(|dropped| upkeep::count_dropped(&health, dropped)),
            Err(trouble) => warn!(code = %trouble.code, "{trouble}"),
        }
    }
}

/// What the wall clock says, trusted or not: for dates and names, never for durations.
fn now() -> Timestamp {
    Timestamp::of(SystemTime::now())
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests;
