//! Cursors: how far each sink is in each stream, what it has beyond that, and what it has used up of its line. Pure;
//! [`super::store`] reads and [`super::upkeep`] writes them.
//!
//! The rule: a cursor never moves back, and what the slowest one has not passed is not trimmed.

use std::collections::BTreeMap;

use crate::model::{Ahead, Cursor, Seq, Stream, Usage};

/// All cursors, in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cursors {
    places: BTreeMap<(String, Stream), Cursor>,
    /// In the data stream; a sink without an entry has nothing beyond its cursor.
    ahead: BTreeMap<String, Ahead>,
    /// Also of sinks that are gone: who comes back in the same month has used up what it has.
    usages: BTreeMap<String, Usage>,
}

impl Cursors {
    pub fn get(&self, sink: &str, stream: Stream) -> Option<Cursor> {
        self.places.get(&(sink.to_owned(), stream)).copied()
    }

    /// Moves a cursor, or starts one.
    pub fn set(&mut self, sink: &str, stream: Stream, to: Cursor) {
        let cursor = self.places.entry((sink.to_owned(), stream)).or_default();
        let (position, last_sent) = (cursor.position.max(to.position), cursor.last_sent.max(to.last_sent));
        *cursor = Cursor { position, last_sent };
    }

    /// What a sink has of the data stream beyond its cursor.
    pub fn ahead(&self, sink: &str) -> Ahead {
        self.ahead.get(sink).cloned().unwrap_or_default()
    }

    pub fn set_ahead(&mut self, sink: &str, ahead: Ahead) {
        if ahead.is_empty() {
            self.ahead.remove(sink);
        } else {
            self.ahead.insert(sink.to_owned(), ahead);
        }
    }

    /// What a sink has used up of its line in the latest month that is known.
    pub fn usage(&self, sink: &str) -> Usage {
        self.usages.get(sink).copied().unwrap_or_default()
    }

    pub fn set_usage(&mut self, sink: &str, usage: Usage) {
        if usage != Usage::default() {
            self.usages.insert(sink.to_owned(), usage);
        }
    }

    pub fn usages(&self) -> impl Iterator<Item = (&str, Usage)> {
        self.usages.iter().map(|(sink, usage)| (sink.as_str(), *usage))
    }

    pub fn forget_except(&mut self, names: &[&str]) {
        self.places.retain(|(sink, _), _| names.contains(&sink.as_str()));
        self.ahead.retain(|sink, _| names.contains(&sink.as_str()));
    }

    /// Whoever is said to be beyond `bound`, where no position is, is where all had come: it may be sent something again.
    pub fn doubt(&mut self, stream: Stream, bound: Seq, all_passed: Seq) {
        let passed = Cursor { position: all_passed, last_sent: all_passed };
        let of_stream = self.places.iter_mut().filter(|((_, of), _)| *of == stream);
        let is_wrong = |cursor: &Cursor| cursor.position.max(cursor.last_sent) > bound;
        of_stream.filter(|(_, cursor)| is_wrong(cursor)).for_each(|(_, cursor)| *cursor = passed);
        if stream == Stream::Data {
            self.ahead.retain(|_, ahead| ahead.highest() <= bound);
        }
    }

    /// What all sinks have passed; `None` without sinks.
    pub fn floor(&self, stream: Stream) -> Option<Seq> {
        self.iter().filter(|(_, of, _)| *of == stream).map(|(_, _, cursor)| cursor.position).min()
    }

    /// The highest position that any cursor of this stream names.
    pub fn highest(&self, stream: Stream) -> Seq {
        let of_stream = self.iter().filter(|(_, of, _)| *of == stream);
        let cursors = of_stream.map(|(_, _, cursor)| cursor.position.max(cursor.last_sent));
        let ahead = self.ahead.values().map(Ahead::highest).filter(|_| stream == Stream::Data);
        cursors.chain(ahead).max().unwrap_or(0)
    }

    /// Whose cursors these are.
    pub fn names(&self) -> impl Iterator<Item = &(String, Stream)> {
        self.places.keys()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, Stream, Cursor)> {
        self.places.iter().map(|((sink, stream), cursor)| (sink.as_str(), *stream, *cursor))
    }
}
