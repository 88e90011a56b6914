//! Lanes: the data stream on one connection. One lane, in order from the cursor on; or two, while current data goes
//! ahead of a backlog (`backlog = "live_first"`): the main lane then fills the gap from the cursor on, as history, up
//! to where the live lane began. Pure.
//!
//! The rule: what was done ahead of the cursor is kept in [`Ahead`] and not sent again; when the main lane has come to
//! it, the receiver is told that nothing is missing there, and the cursor goes on behind it.

use std::collections::VecDeque;
use std::time::Instant;

use super::flight::Lane;
use crate::journal::Found;
use crate::model::ahead::MAX_SEAMS;
use crate::model::{Ahead, Cursor, DataRecord, Run, Seam, Seq};
use crate::sink::Sequel;

/// History has a part of the window only: a live message never waits behind more of it.
const PART_OF_HISTORY: usize = 4;

/// The data stream on one connection.
pub(super) struct DataLanes {
    main: Lane<DataRecord>,
    live: Option<Live>,
    /// Done on earlier connections and not reached by the main lane yet; and what the receiver is still to be told.
    ahead: Ahead,
    /// Runs that the main lane has passed, each with the position that was meant for the receiver before it. Its cursor
    /// may still be on the way.
    passed: VecDeque<(Run, Seq)>,
    /// Seams on the way, with the position of the message that tells them.
    carried: Vec<(Seq, Seam)>,
    window: usize,
}

/// Current data that goes ahead.
struct Live {
    lane: Lane<DataRecord>,
    /// The first position of it, maybe on an earlier connection.
    start: Seq,
    /// What was meant for the receiver first, if that was on an earlier connection.
    first_sent: Option<Seq>,
}

/// One of the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Main,
    Live,
}

impl DataLanes {
    pub fn new(cursor: Cursor, mut ahead: Ahead, window: usize) -> DataLanes {
        ahead.pass(cursor.position);
        let (passed, carried) = (VecDeque::new(), Vec::new());
        DataLanes { main: Lane::new(cursor, window), live: None, ahead, passed, carried, window }
    }

    pub fn lane(&mut self, which: Which) -> &mut Lane<DataRecord> {
        match (which, &mut self.live) {
            (Which::Live, Some(live)) => &mut live.lane,
            _ => &mut self.main,
        }
    }

    pub fn has_live(&self) -> bool {
        self.live.is_some()
    }

    /// The last position that this lane may take; what lies behind it is another lane's, or done.
    pub fn last_of(&self, which: Which) -> Seq {
        let run = self.ahead.runs().first().map(|run| run.first);
        let live = self.live.as_ref().map(|live| live.start);
        match which {
            Which::Live => Seq::MAX,
            Which::Main => run.into_iter().chain(live).min().map_or(Seq::MAX, |first| first - 1),
        }
    }

    /// The newest position that current data has come to.
    pub fn front(&self) -> Seq {
        let live = self.live.as_ref().map(|live| live.lane.window.newest());
        live.unwrap_or(self.main.window.newest().max(self.ahead.highest()))
    }

    /// Whether current data was ahead of the main lane when the last connection ended.
    pub fn was_ahead(&self) -> bool {
        self.live.is_none() && !self.ahead.runs().is_empty()
    }

    /// Whether a live part can begin, or begin anew: nothing of the one before is on the way.
    pub fn can_go_live(&self) -> bool {
        self.live.as_ref().is_none_or(|live| live.lane.window.in_flight() == 0)
    }

    /// Current data from this position on goes ahead of the rest. Where it follows what went ahead before, it goes on
    /// with that.
    pub fn go_live(&mut self, start: Seq) {
        if let Some(run) = self.live.take().and_then(|live| live.run()) {
            self.ahead.enter(run);
        }
        let last = self.ahead.take_last();
        let (cursor, start, first_sent) = match last {
            Some(run) if start <= run.last + 1 => {
                let cursor = Cursor { position: run.last, last_sent: run.last_sent };
                (cursor, run.first, Some(run.first_sent))
            }
            other => {
                other.into_iter().for_each(|run| self.ahead.enter(run));
                (Cursor { position: start - 1, last_sent: 0 }, start, None)
            }
        };
        self.main.queue.retain(|found| found.seq() < start);
        self.main.window.set_limit(self.window / PART_OF_HISTORY);
        self.live = Some(Live { lane: Lane::new(cursor, self.window), start, first_sent });
    }

    /// Passes what was done before and lies right ahead of the main lane, and makes one lane of two that have met. To
    /// be called before a record is taken from the main lane. Whether the main lane has come to something new.
    pub fn settle(&mut self) -> bool {
        let mut has_moved = false;
        while let Some(run) = self.ahead.runs().first().copied()
            && run.first <= self.main.window.newest() + 1
        {
            self.ahead.take_first();
            has_moved = true;
            // Without room for its seam it is sent again: a gap of which nobody tells would stay one. One place is left for the live lane.
            let has_room = self.ahead.seams().len() + self.passed.len() + 1 < MAX_SEAMS;
            if run.last > self.main.window.newest() && has_room {
                self.passed.push_back((run, self.main.window.last_sent()));
                self.main.window.was_done(run.last, run.last_sent);
                self.main.queue.retain(|found| found.seq() > run.last);
            }
        }
        self.note_seams();
        let has_room = self.ahead.seams().len() < MAX_SEAMS; // else some message tells one of them first
        let is_met =
            |live: &Live| has_room && self.main.window.newest() + 1 == live.start && self.main.window.in_flight() == 0;
        if self.live.as_ref().is_some_and(is_met)
            && let Some(mut live) = self.live.take()
        {
            let before = self.main.window.last_sent();
            if let Some(after) = live.first_sent() {
                self.ahead.owe(Seam { before, after });
            }
            live.lane.window.continue_from(before);
            self.main = live.lane;
            has_moved = true;
        }
        has_moved
    }

    /// What the next message of this lane says of those before it.
    pub fn sequel(&self, which: Which) -> Sequel {
        let is_told = |seam: &&Seam| !self.carried.iter().any(|(_, carried)| carried == *seam);
        let filled = self.ahead.seams().iter().find(is_told).copied();
        match (&self.live, which) {
            (Some(live), Which::Live) => {
                let prev = live.lane.window.last_sent();
                Sequel { prev: (prev > 0).then_some(prev), is_history: false, filled }
            }
            (live, _) => Sequel { prev: Some(self.main.window.last_sent()), is_history: live.is_some(), filled },
        }
    }

    /// A message was sent, with this said.
    pub fn sent(&mut self, which: Which, seq: Seq, sequel: &Sequel, now: Instant) {
        self.lane(which).window.sent(seq, now);
        self.carried.extend(sequel.filled.map(|seam| (seq, seam)));
    }

    pub fn acked(&mut self, seq: Seq, now: Instant) {
        match &mut self.live {
            Some(live) if seq >= live.start => live.lane.window.acked(seq, now),
            _ => self.main.window.acked(seq, now),
        };
        if let Some(place) = self.carried.iter().position(|(carrier, _)| *carrier == seq) {
            let (_, seam) = self.carried.swap_remove(place);
            self.ahead.told(seam);
        }
        self.note_seams();
    }

    /// Where the cursor has come over a run that went ahead, the receiver is to be told.
    fn note_seams(&mut self) {
        while let Some((run, before)) = self.passed.front().copied()
            && run.last <= self.main.window.cursor().position
        {
            self.passed.pop_front();
            self.ahead.owe(Seam { before, after: run.first_sent });
        }
    }

    /// How far everything is done, and what is done beyond.
    pub fn progress(&self) -> (Cursor, Ahead) {
        let cursor = self.main.window.cursor();
        if self.live.is_none() && self.passed.is_empty() && self.ahead.is_empty() {
            return (cursor, Ahead::default());
        }
        let mut ahead = Ahead::default();
        let passed = self.passed.iter().map(|(run, _)| *run).filter(|run| run.last > cursor.position);
        passed.chain(self.ahead.runs().iter().copied()).for_each(|run| ahead.enter(run));
        self.live.as_ref().and_then(Live::run).into_iter().for_each(|run| ahead.enter(run));
        self.ahead.seams().iter().for_each(|seam| ahead.owe(*seam));
        (cursor, ahead)
    }

    pub fn in_flight(&self) -> usize {
        self.main.window.in_flight() + self.live.as_ref().map_or(0, |live| live.lane.window.in_flight())
    }

    pub fn waiting_since(&self) -> Option<Instant> {
        let live = self.live.as_ref().and_then(|live| live.lane.window.waiting_since());
        [self.main.window.waiting_since(), live].into_iter().flatten().min()
    }

    /// Positions on the way, by lane, oldest first.
    pub fn waiting(&self) -> [Vec<Seq>; 2] {
        let live = self.live.as_ref().map(|live| live.lane.window.waiting().collect());
        [self.main.window.waiting().collect(), live.unwrap_or_default()]
    }
}

impl Live {
    fn first_sent(&self) -> Option<Seq> {
        self.first_sent.or(self.lane.window.first_sent())
    }

    /// What of it is done; `None`: nothing that is worth to be kept.
    fn run(&self) -> Option<Run> {
        let Cursor { position: last, last_sent } = self.lane.window.cursor();
        let first_sent = self.first_sent()?;
        (last_sent >= first_sent).then_some(Run { first: self.start, last, first_sent, last_sent })
    }
}

impl Found<DataRecord> {
    fn seq(&self) -> Seq {
        match self {
            Found::Record(record) => record.seq,
            Found::Damaged(seq) => *seq,
        }
    }
}

#[cfg(test)]
mod tests;
