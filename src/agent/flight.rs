//! What is under way on one connection of a sink: per stream what was fetched and what is in flight, and the greetings.

use std::collections::VecDeque;
use std::time::Instant;

use super::lanes::DataLanes;
use super::receipts::Receipts;
use super::recorder::Progress;
use super::suspect::Named;
use crate::journal::Found;
use crate::model::{Cursor, EventRecord, Losses, Seq, Stream, Usage};
use crate::sink::Window;

/// One stream on one connection.
pub(super) struct Lane<T> {
    pub(super) window: Window,
    /// Fetched, not yet sent.
    pub(super) queue: VecDeque<Found<T>>,
}

impl<T> Lane<T> {
    pub(super) fn new(cursor: Cursor, limit: usize) -> Lane<T> {
        Lane { window: Window::new(cursor, limit), queue: VecDeque::new() }
    }

    /// Nothing is to be had up to and with this position. Where records were lost, the receiver is to see the gap; the rest nobody
    /// misses.
    pub(super) fn pass(&mut self, through: Seq, losses: &Losses) {
        let newest = self.window.newest();
        if let Some(lost) = losses.last_between(newest, through + 1) {
            self.window.gave_up(lost);
        }
        if through > self.window.newest() {
            self.window.skipped(through);
        }
    }
}

/// Everything that is under way on one connection.
pub(super) struct Flight {
    pub(super) data: DataLanes,
    pub(super) events: Lane<EventRecord>,
    /// What became of the data records, until the cursor has passed them.
    pub(super) receipts: Receipts,
    pub(super) greetings: VecDeque<Greeting>,
    /// The last state of a machine of which the value that the broker keeps was told.
    pub(super) stated: Seq,
    /// Of the greetings on the way, whose births they are; `None`: the state.
    pub(super) greeting: VecDeque<Option<usize>>,
    /// When the first of them was sent, or the last acknowledgement of one came.
    pub(super) greeted: Option<Instant>,
    /// Whether anything was acknowledged on this connection.
    pub(super) has_acks: bool,
}

/// What is said first on each connection, and kept by the broker: that we are here, and what each device has.
pub(super) struct Greeting {
    /// The number of its device; `None`: the state of the agent, or what a machine does.
    pub(super) birth: Option<usize>,
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

/// Whether a record is done with on this connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Yes,
    /// It stays the next one; the connection ends.
    NotNow,
}

impl Flight {
    pub(super) fn new(progress: &Progress, window: usize, greetings: VecDeque<Greeting>) -> Flight {
        Flight {
            data: DataLanes::new(progress.data, progress.ahead.clone(), window),
            events: Lane::new(progress.events, window),
            receipts: Receipts::default(),
            greetings,
            stated: 0,
            greeting: VecDeque::new(),
            greeted: None,
            has_acks: false,
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.data.in_flight() + self.events.window.in_flight() + self.greeting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_flight() == 0 && self.greetings.is_empty()
    }

    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let greeted = self.greeted.filter(|_| !self.greeting.is_empty());
        [self.data.waiting_since(), self.events.window.waiting_since(), greeted].into_iter().flatten().min()
    }

    /// What is on the way, by lane, oldest first.
    pub(super) fn waiting(&self) -> [Vec<Named>; 4] {
        let named = |stream, seqs: Vec<Seq>| seqs.into_iter().map(|seq| Named::Record(stream, seq)).collect();
        let [main, live] = self.data.waiting();
        let events = self.events.window.waiting().collect();
        let births = self.greeting.iter().filter_map(|birth| birth.map(Named::Birth)).collect();
        [births, named(Stream::Events, events), named(Stream::Data, main), named(Stream::Data, live)]
    }

    pub(super) fn progress(&self, usage: Usage) -> Progress {
        let (data, ahead) = self.data.progress();
        Progress { data, events: self.events.window.cursor(), ahead, usage }
    }
}
