//! Window: what is in flight of one stream on one connection, and how far it is acknowledged. Pure.
//!
//! The rule: the cursor never passes a position that was sent and not acknowledged, in whatever order
//! acknowledgements come. A window lives as long as its connection; the next one starts from [`Window::cursor`].

use std::collections::VecDeque;
use std::time::Instant;

use crate::model::{Cursor, Seq};

/// Positions in flight, in the order they were sent.
#[derive(Debug, Clone)]
pub struct Window {
    cursor: Cursor,
    /// Behind the cursor: what waits for an acknowledgement, and what is done but stands behind such a one. The first
    /// is always waiting.
    queue: VecDeque<Entry>,
    /// `Sent` and `Acked` entries in `queue`.
    messages: usize,
    limit: usize,
    /// The newest position of any kind.
    newest: Seq,
    last_sent: Seq,
    /// The first position here that was meant for the receiver.
    first_sent: Option<Seq>,
    /// When the cursor moved last.
    moved: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    seq: Seq,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Sent(Instant),
    Acked,
    /// Never sent: a run of records, however long, up to this one; and the last of them that the receiver is to miss.
    Passed {
        missed: Option<Seq>,
    },
}

impl Window {
    /// A window for at most `limit` messages behind `cursor`.
    pub fn new(cursor: Cursor, limit: usize) -> Window {
        Window {
            cursor,
            queue: VecDeque::new(),
            messages: 0,
            limit: limit.max(1),
            newest: cursor.position,
            last_sent: cursor.last_sent,
            first_sent: None,
            moved: None,
        }
    }

    /// How far everything is done.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The newest position that this window knows of; the next record to send is the first one after it.
    pub fn newest(&self) -> Seq {
        self.newest
    }

    /// The `prev` of the next message.
    pub fn last_sent(&self) -> Seq {
        self.last_sent
    }

    /// The first position of this window that was sent, or that the receiver is to miss.
    pub fn first_sent(&self) -> Option<Seq> {
        self.first_sent
    }

    /// Positions on the way, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = Seq> {
        self.queue.iter().filter(|entry| matches!(entry.kind, Kind::Sent(_))).map(|entry| entry.seq)
    }

    /// Another limit. What is in flight stays.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(1);
    }

    /// Messages from the oldest unacknowledged to the newest, without those that `send` left out.
    pub fn in_flight(&self) -> usize {
        self.messages
    }

    /// Whether one message more may be sent. Acknowledged ones behind a missing acknowledgement still count, so that a
    /// broker that forgets one message stops the window instead of filling the memory.
    pub fn has_room(&self) -> bool {
        self.messages < self.limit
    }

    /// A message was sent.
    pub fn sent(&mut self, seq: Seq, now: Instant) {
        self.advance(seq);
        self.meant(seq);
        self.messages += 1;
        self.queue.push_back(Entry { seq, kind: Kind::Sent(now) });
    }

    /// Nothing of this record is in scope. Counts as acknowledged at once; the receiver does not miss it.
    pub fn skipped(&mut self, seq: Seq) {
        self.pass(seq, None);
    }

    /// This record was in scope and will never be sent (too large, dropped by the journal). Counts as acknowledged at
    /// once, and the next message names it as `prev`, so that the receiver finds the gap.
    pub fn gave_up(&mut self, seq: Seq) {
        self.meant(seq);
        self.pass(seq, Some(seq));
    }

    /// Everything up to here was done on an earlier connection; `last_sent` was the last of it that was meant for the receiver.
    pub fn was_done(&mut self, through: Seq, last_sent: Seq) {
        self.meant(last_sent);
        self.pass(through, Some(last_sent));
    }

    /// What lies before this window, which began without a `prev`, is done now, and this was meant for the receiver last in it.
    pub fn continue_from(&mut self, last_sent: Seq) {
        if self.cursor.last_sent == 0 {
            self.cursor.last_sent = last_sent;
        }
        if self.first_sent.is_none() && self.last_sent == 0 {
            self.last_sent = last_sent;
        }
    }

    /// The broker acknowledged this message. The new cursor when it moved. A position that is not in flight is ignored:
    /// nothing of ours waits for it.
    pub fn acked(&mut self, seq: Seq, now: Instant) -> Option<Cursor> {
        let place = self.queue.binary_search_by_key(&seq, |entry| entry.seq).ok()?;
        let Kind::Sent(_) = self.queue[place].kind else { return None };
        self.queue[place].kind = Kind::Acked;
        let before = self.cursor;
        self.settle();
        if self.cursor == before {
            return None;
        }
        self.moved = Some(now);
        Some(self.cursor)
    }

    /// Since when the oldest message has been waiting for its acknowledgement, counted from the last progress: with a
    /// full window on a slow line the newest message rightly waits for all before it. `None`: nothing is in flight.
    pub fn waiting_since(&self) -> Option<Instant> {
        match self.queue.front()?.kind {
            Kind::Sent(at) => Some(self.moved.map_or(at, |moved| moved.max(at))),
            _ => None,
        }
    }

    fn pass(&mut self, seq: Seq, missed: Option<Seq>) {
        self.advance(seq);
        match self.queue.back_mut() {
            Some(Entry { seq: last, kind: Kind::Passed { missed: before } }) => {
                *last = seq;
                *before = missed.or(*before);
            }
            _ => self.queue.push_back(Entry { seq, kind: Kind::Passed { missed } }),
        }
        self.settle();
    }

    fn meant(&mut self, seq: Seq) {
        self.first_sent.get_or_insert(seq);
        self.last_sent = seq;
    }

    fn advance(&mut self, seq: Seq) {
        assert!(seq > self.newest, "positions of a stream rise: {seq} after {}", self.newest);
        self.newest = seq;
    }

    /// Moves the cursor over what is done at the front.
    fn settle(&mut self) {
        while let Some(entry) = self.queue.front() {
            match entry.kind {
                Kind::Sent(_) => break,
                Kind::Acked => {
                    self.messages -= 1;
                    self.cursor = Cursor { position: entry.seq, last_sent: entry.seq };
                }
                Kind::Passed { missed } => {
                    self.cursor = Cursor { position: entry.seq, last_sent: missed.unwrap_or(self.cursor.last_sent) };
                }
            }
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn cursor(position: Seq, last_sent: Seq) -> Cursor {
        Cursor { position, last_sent }
    }

    #[test]
    fn acks_out_of_order_wait_for_the_oldest() {
        let now = Instant::now();
        let mut window = Window::new(cursor(10, 8), 4);
        assert_eq!(window.last_sent(), 8);
        for seq in [11, 12, 15] {
            window.sent(seq, now);
        }
        assert_eq!(window.acked(15, now), None);
        assert_eq!(window.acked(12, now), None);
        assert_eq!(window.cursor(), cursor(10, 8));
        assert_eq!(window.acked(11, now), Some(cursor(15, 15)));
        assert_eq!(window.in_flight(), 0);
    }

    #[test]
    fn a_second_or_foreign_ack_changes_nothing() {
        let now = Instant::now();
        let mut window = Window::new(Cursor::default(), 4);
        window.sent(1, now);
        window.sent(2, now);
        window.skipped(3);
        for seq in [0, 3, 4, 99] {
            assert_eq!(window.acked(seq, now), None, "{seq}");
        }
        assert_eq!(window.acked(2, now), None);
        assert_eq!(window.acked(2, now), None);
        assert_eq!(window.in_flight(), 2);
        assert_eq!(window.acked(1, now), Some(cursor(3, 2)));
        assert_eq!(window.acked(1, now), None);
        assert_eq!(window.in_flight(), 0);
    }

    #[test]
    fn what_is_out_of_scope_moves_the_cursor_but_is_not_missed_by_the_receiver() {
        let now = Instant::now();
        let mut window = Window::new(cursor(4, 4), 4);
        window.skipped(5);
        assert_eq!(window.cursor(), cursor(5, 4));
        window.sent(6, now);
        window.skipped(7);
        window.skipped(9);
        assert_eq!((window.cursor(), window.newest(), window.last_sent()), (cursor(5, 4), 9, 6));
        assert_eq!(window.acked(6, now), Some(cursor(9, 6)));
    }

    #[test]
    fn what_was_given_up_is_the_prev_of_the_next_message() {
        let now = Instant::now();
        let mut window = Window::new(cursor(4, 4), 4);
        window.sent(5, now);
        window.skipped(6);
        window.gave_up(7);
        window.skipped(8);
        assert_eq!(window.last_sent(), 7);
        assert_eq!(window.acked(5, now), Some(cursor(8, 7)));
    }

    #[test]
    fn what_was_done_before_is_passed_and_the_chain_goes_on_from_its_end() {
        let now = Instant::now();
        let mut window = Window::new(cursor(4, 4), 4);
        assert_eq!(window.first_sent(), None);
        window.sent(5, now);
        window.was_done(20, 18);
        window.sent(21, now);
        assert_eq!((window.cursor(), window.last_sent()), (cursor(4, 4), 21));
        assert_eq!(window.waiting().collect::<Vec<_>>(), [5, 21]);
        assert_eq!(window.acked(5, now), Some(cursor(20, 18)));
        assert_eq!(window.first_sent(), Some(5));
    }

    #[test]
    fn a_chain_is_continued_only_where_none_has_begun() {
        let mut window = Window::new(cursor(9, 0), 4);
        window.skipped(10);
        window.continue_from(7);
        assert_eq!((window.last_sent(), window.cursor()), (7, cursor(10, 7)));
        window.sent(11, Instant::now());
        window.continue_from(3);
        assert_eq!((window.last_sent(), window.cursor()), (11, cursor(10, 7)));
        let mut window = Window::new(cursor(9, 0), 4);
        window.sent(10, Instant::now());
        window.continue_from(7);
        assert_eq!((window.last_sent(), window.cursor()), (10, cursor(9, 7)), "10 may have to be sent again");
    }

    #[test]
    fn a_forgotten_message_stops_the_window_at_its_limit() {
        let now = Instant::now();
        let mut window = Window::new(Cursor::default(), 3);
        for seq in 1..=3 {
            assert!(window.has_room());
            window.sent(seq, now);
        }
        window.acked(2, now);
        window.acked(3, now);
        assert!(!window.has_room(), "one message is missing, and three stand behind the cursor");
        window.acked(1, now);
        assert!(window.has_room());
    }

    #[test]
    fn waiting_is_counted_from_the_last_progress() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut window = Window::new(Cursor::default(), 4);
        assert_eq!(window.waiting_since(), None);
        window.skipped(1);
        assert_eq!(window.waiting_since(), None);
        for seq in [2, 3, 4] {
            window.sent(seq, at(0));
        }
        assert_eq!(window.waiting_since(), Some(at(0)));
        window.acked(4, at(5));
        assert_eq!(window.waiting_since(), Some(at(0)), "an ack that does not move the cursor is no progress");
        window.acked(2, at(20));
        assert_eq!(window.waiting_since(), Some(at(20)));
        window.acked(3, at(21));
        assert_eq!(window.waiting_since(), None);
        window.sent(5, at(90));
        assert_eq!(window.waiting_since(), Some(at(90)));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Sent,
        Skipped,
        GaveUp,
        Acked(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Sent),
            2 => Just(Step::Skipped),
            1 => Just(Step::GaveUp),
            4 => (0usize..12).prop_map(Step::Acked),
        ]
    }

    proptest! {
        #[test]
        fn the_cursor_never_passes_an_unacked_position(
            steps in prop::collection::vec((step(), 1u64..4), 0..200), limit in 1usize..8,
        ) {
            let now = Instant::now();
            let mut window = Window::new(Cursor::default(), limit);
            let (mut newest, mut waiting, mut meant, mut all) = (0, BTreeSet::new(), BTreeSet::from([0]), vec![0]);
            for (step, stride) in steps {
                let next = newest + stride;
                match step {
                    Step::Sent if !window.has_room() => continue,
                    Step::Sent => {
                        window.sent(next, now);
                        waiting.insert(next);
                        meant.insert(next);
                    }
                    Step::Skipped => window.skipped(next),
                    Step::GaveUp => {
                        window.gave_up(next);
                        meant.insert(next);
                    }
                    Step::Acked(nth) => {
                        let Some(&seq) = waiting.iter().nth(nth) else { continue };
                        let before = window.cursor();
                        let moved = window.acked(seq, now);
                        waiting.remove(&seq);
                        prop_assert_eq!(moved, (window.cursor() != before).then(|| window.cursor()));
                    }
                }
                if !matches!(step, Step::Acked(_)) {
                    newest = next;
                    all.push(next);
                }
                // The whole truth: the cursor is the last position before the oldest one that waits.
                let oldest = waiting.first().copied().unwrap_or(u64::MAX);
                let position = all.iter().copied().filter(|&seq| seq < oldest).max().unwrap_or(0);
                let last_sent = meant.range(..=position).next_back().copied().unwrap_or(0);
                prop_assert_eq!(window.cursor(), cursor(position, last_sent));
                prop_assert_eq!(window.last_sent(), meant.last().copied().unwrap_or(0));
                prop_assert!(window.in_flight() <= limit);
                prop_assert!(window.queue.len() <= 2 * limit, "runs of skipped records are merged");
                prop_assert_eq!(window.waiting_since().is_some(), !waiting.is_empty());
            }
        }
    }
}
