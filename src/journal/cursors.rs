//! Cursors: how far each sink is in each stream. Pure; [`super::store`] reads and writes them.
//!
//! The rule: a cursor never moves back, and what the slowest one has not passed is not trimmed.

use std::collections::BTreeMap;

use crate::model::{Cursor, Seq, Stream};

/// All cursors, in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cursors(BTreeMap<(String, Stream), Cursor>);

impl Cursors {
    pub fn get(&self, sink: &str, stream: Stream) -> Option<Cursor> {
        self.0.get(&(sink.to_owned(), stream)).copied()
    }

    /// Moves a cursor, or starts one.
    pub fn set(&mut self, sink: &str, stream: Stream, to: Cursor) {
        let cursor = self.0.entry((sink.to_owned(), stream)).or_default();
        let (position, last_sent) = (cursor.position.max(to.position), cursor.last_sent.max(to.last_sent));
        *cursor = Cursor { position, last_sent };
    }

    pub fn forget_except(&mut self, names: &[&str]) {
        self.0.retain(|(sink, _), _| names.contains(&sink.as_str()));
    }

    /// What all sinks have passed; `None` without sinks.
    pub fn floor(&self, stream: Stream) -> Option<Seq> {
        self.iter().filter(|(_, of, _)| *of == stream).map(|(_, _, cursor)| cursor.position).min()
    }

    /// The highest position that any cursor of this stream names.
    pub fn highest(&self, stream: Stream) -> Seq {
        let of_stream = self.iter().filter(|(_, of, _)| *of == stream);
        of_stream.map(|(_, _, cursor)| cursor.position.max(cursor.last_sent)).max().unwrap_or(0)
    }

    /// Whose cursors these are.
    pub fn names(&self) -> impl Iterator<Item = &(String, Stream)> {
        self.0.keys()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, Stream, Cursor)> {
        self.0.iter().map(|((sink, stream), cursor)| (sink.as_str(), *stream, *cursor))
    }
}
