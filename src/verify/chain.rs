//! One stream of one workshop, message by message: what is covered, what came twice, whether the order was kept.
//!
//! A message covers the positions behind its `prev` up to its own: its sender says that nothing else was meant for this receiver
//! there. What no message covers is missing. A live part (`backlog = "live_first"`) begins with a message without `prev`; the
//! hole before it is open until `filled` closes it, or history has covered it.
//!
//! The rule: a position is compared by content as long as it is remembered; what came later than that is counted, and said to be
//! uncompared.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::message::{Heard, Told};
use super::ranges::{Ranges, Span};
use crate::model::{BootId, MessageId, Seq};

/// Contents remembered. What comes twice comes soon: a window of at most 1,000 messages, or what a crash repeats, the last ten
/// seconds. About 100 bytes each.
const REMEMBERED: usize = 16_384;

/// Things of one kind that are listed one by one; more are only counted.
const LISTED: usize = 1_000;

/// Starts of the agent that are told apart. A gateway that starts oftener has other troubles.
const BOOTS: usize = 10_000;

/// Live parts that may be open at once. Each is a connection that ended before its gap was filled.
const LIVE_PARTS: usize = 1_000;

/// Messages that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Conflict {
    /// The same identity twice, with different content.
    DifferentContent {
        /// The identity.
        id: String,
    },
    /// One position has two identities: the journal began anew, or was copied.
    TwoIdentities {
        /// The first.
        first: String,
        /// The second.
        id: String,
    },
    /// A position that an earlier message had passed over as not meant for this receiver.
    PassedOver {
        /// The identity.
        id: String,
    },
    /// A message names itself or a later one as sent before it.
    NoOrder {
        /// The identity.
        id: String,
    },
}

/// A message that came for the first time after a later one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Disorder {
    /// Its identity.
    pub id: String,
    /// The position that had come before it.
    pub after: Seq,
}

/// What is remembered of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    boot: BootId,
    content: u64,
    timeless: u64,
    clock: Option<String>,
}

/// The account of one stream.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// Messages, each counted once.
    pub messages: u64,
    /// Readings in them.
    pub samples: u64,
    /// The lowest and the highest position that came.
    pub span: Option<Span>,
    /// The earliest and the latest time.
    pub times: Option<(i64, i64)>,
    /// Messages that came again with the same content.
    pub duplicates: u64,
    /// Of them: times were put right meanwhile.
    pub corrected: u64,
    /// Of them: too old to be compared.
    pub uncompared: u64,
    /// Contradictions, the first of them one by one.
    pub conflicts: Vec<Conflict>,
    /// How many there are.
    pub conflict_count: u64,
    /// Messages out of order, the first of them one by one.
    pub disorder: Vec<Disorder>,
    /// How many there are.
    pub disorder_count: u64,
    /// Starts of the agent, with the position that came first of each.
    pub boots: Vec<(BootId, Seq)>,
    /// How the runs before those starts ended, as the agent says: `clean`, `crash`, `none`.
    pub starts: BTreeMap<String, u64>,
    /// Records that the agent knows to have lost.
    pub missing_told: u64,
    /// Samples that the agent says to have given up.
    pub dropped_told: u64,
    covered: Ranges,
    /// The position of the message that came first of all.
    origin: Option<Seq>,
    /// The newest position of current data, and of history.
    newest: [Option<Seq>; 2],
    live_parts: BTreeSet<Seq>,
    known: BTreeMap<Seq, Known>,
    remembered: VecDeque<Seq>,
    /// The highest position that was forgotten.
    forgotten_to: Seq,
}

impl Chain {
    /// One message more.
    pub fn take(&mut self, heard: &Heard) {
        let id = MessageId { boot: heard.boot, stream: heard.stream, seq: heard.seq };
        if heard.prev.is_some_and(|prev| prev >= heard.seq) || heard.filled.is_some_and(|(a, b)| a >= b) {
            self.conflict(Conflict::NoOrder { id: id.to_string() });
            return;
        }
        if self.is_again(heard, id) {
            // As history it may come with another `prev` than as current data, and what that one says counts too.
            if let Some(prev) = heard.prev.filter(|prev| *prev > 0) {
                self.covered.cover(prev, heard.seq);
            }
            self.fill(heard);
            return;
        }
        self.count(heard);
        let begins = self.newest[usize::from(heard.is_history)].is_none();
        self.order(heard, id);
        self.cover(heard, begins);
        self.fill(heard);
        self.remember(heard);
    }

    /// Holes that nobody will fill: positions that are missing.
    pub fn gaps(&self) -> Vec<Span> {
        self.covered.holes().filter(|hole| !self.is_open(hole)).collect()
    }

    /// Holes before a live part, which history may still fill.
    pub fn open(&self) -> Vec<Span> {
        self.covered.holes().filter(|hole| self.is_open(hole)).collect()
    }

    /// Holes that were too many to be kept, and the positions in them.
    pub fn final_gaps(&self) -> (u64, u64) {
        self.covered.final_holes()
    }

    /// The position from which on all is accounted for.
    pub fn begin(&self) -> Option<Seq> {
        self.covered.first()
    }

    /// Whether it is a message that came before. A position that was passed over and comes after all is a contradiction.
    fn is_again(&mut self, heard: &Heard, id: MessageId) -> bool {
        if let Some(known) = self.known.get(&heard.seq) {
            let first = MessageId { boot: known.boot, ..id };
            let is_corrected = known.clock != heard.clock && known.timeless == heard.timeless;
            let is_same = known.content == heard.content;
            if first != id {
                self.conflict(Conflict::TwoIdentities { first: first.to_string(), id: id.to_string() });
            } else if is_same || is_corrected {
                self.duplicates += 1;
                self.corrected += u64::from(!is_same);
            } else {
                self.conflict(Conflict::DifferentContent { id: id.to_string() });
            }
            return true;
        }
        if !self.covered.contains(heard.seq) {
            return false;
        }
        if heard.seq > self.forgotten_to {
            self.conflict(Conflict::PassedOver { id: id.to_string() });
        } else {
            self.duplicates += 1;
            self.uncompared += 1;
        }
        true
    }

    fn count(&mut self, heard: &Heard) {
        self.messages += 1;
        self.samples = self.samples.saturating_add(heard.samples);
        let span = self.span.get_or_insert(Span { first: heard.seq, last: heard.seq });
        *span = Span { first: span.first.min(heard.seq), last: span.last.max(heard.seq) };
        if let Some((from, to)) = heard.times {
            let (first, last) = self.times.unwrap_or((from, to));
            self.times = Some((first.min(from), last.max(to)));
        }
        if self.boots.len() < BOOTS && !self.boots.iter().rev().any(|(boot, _)| *boot == heard.boot) {
            self.boots.push((heard.boot, heard.seq));
        }
        match &heard.told {
            // No more kinds than the agent has words for, whatever a message says.
            Some(Told::Started { previous, missing }) => {
                if self.starts.len() < 8 || self.starts.contains_key(previous) {
                    *self.starts.entry(previous.clone()).or_default() += 1;
                }
                self.missing_told = self.missing_told.saturating_add(*missing);
            }
            Some(Told::Dropped { samples }) => self.dropped_told = self.dropped_told.saturating_add(*samples),
            None => {}
        }
    }

    /// Current data rises, and so does history. What was sent before the first message that came here is no disorder when it
    /// comes again, nor is what fills an open hole.
    fn order(&mut self, heard: &Heard, id: MessageId) {
        let origin = *self.origin.get_or_insert(heard.seq);
        let is_filling = self.covered.hole_at(heard.seq).is_some_and(|hole| self.is_open(&hole));
        let newest = &mut self.newest[usize::from(heard.is_history)];
        let before = newest.filter(|newest| heard.seq < *newest);
        *newest = Some(newest.map_or(heard.seq, |newest| newest.max(heard.seq)));
        let Some(after) = before else { return };
        if is_filling || heard.seq < origin {
            return;
        }
        self.disorder_count += 1;
        if self.disorder.len() < LISTED {
            self.disorder.push(Disorder { id: id.to_string(), after });
        }
    }

    /// `begins`: it is the first of current data, or the first of history.
    fn cover(&mut self, heard: &Heard, begins: bool) {
        match heard.prev {
            None => {
                if !self.covered.contains(heard.seq - 1) && self.live_parts.len() < LIVE_PARTS {
                    self.live_parts.insert(heard.seq);
                }
                self.covered.cover(heard.seq - 1, heard.seq);
            }
            // "Nothing was sent before" is no proof to one who has something from before: a new chain begins here.
            Some(0) if !begins => self.covered.cover(heard.seq - 1, heard.seq),
            Some(prev) => self.covered.cover(prev, heard.seq),
        }
    }

    fn fill(&mut self, heard: &Heard) {
        let Some((last_of_history, first_of_live)) = heard.filled else { return };
        // "There was no history" is no proof to one who has something from before either.
        if last_of_history > 0 || self.begin().is_none_or(|begin| begin >= first_of_live) {
            self.covered.cover(last_of_history, first_of_live - 1);
        }
        self.live_parts.remove(&first_of_live);
    }

    fn remember(&mut self, heard: &Heard) {
        let Heard { boot, content, timeless, ref clock, .. } = *heard;
        self.known.insert(heard.seq, Known { boot, content, timeless, clock: clock.clone() });
        self.remembered.push_back(heard.seq);
        if self.remembered.len() > REMEMBERED
            && let Some(oldest) = self.remembered.pop_front()
        {
            self.known.remove(&oldest);
            self.forgotten_to = self.forgotten_to.max(oldest);
        }
    }

    fn is_open(&self, hole: &Span) -> bool {
        self.live_parts.contains(&(hole.last + 1))
    }

    fn conflict(&mut self, conflict: Conflict) {
        self.conflict_count += 1;
        if self.conflicts.len() < LISTED {
            self.conflicts.push(conflict);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stream;
    use proptest::prelude::*;

    fn heard(seq: Seq, prev: impl Into<Option<Seq>>) -> Heard {
        Heard {
            workshop: String::new(),
            stream: Stream::Data,
            boot: BootId(1),
            seq,
            prev: prev.into(),
            is_history: false,
            filled: None,
            samples: 2,
            times: Some((seq as i64, seq as i64)),
            content: seq,
            timeless: seq,
            clock: None,
            told: None,
        }
    }

    fn history(seq: Seq, prev: Seq) -> Heard {
        Heard { is_history: true, ..heard(seq, prev) }
    }

    fn filled(seq: Seq, prev: Seq, pair: (Seq, Seq)) -> Heard {
        Heard { filled: Some(pair), ..heard(seq, prev) }
    }

    fn chain(messages: &[Heard]) -> Chain {
        let mut chain = Chain::default();
        messages.iter().for_each(|message| chain.take(message));
        chain
    }

    /// Gaps, open holes, duplicates, disorder, conflicts.
    type Found<'a> = (&'a [(Seq, Seq)], &'a [(Seq, Seq)], u64, u64, u64);

    #[track_caller]
    fn check(messages: &[Heard], (gaps, open, duplicates, disorder, conflicts): Found<'_>) {
        let chain = chain(messages);
        let pairs = |spans: Vec<Span>| spans.iter().map(|span| (span.first, span.last)).collect::<Vec<_>>();
        assert_eq!(pairs(chain.gaps()), gaps, "gaps");
        assert_eq!(pairs(chain.open()), open, "open");
        let counts = (chain.duplicates, chain.disorder_count, chain.conflict_count);
        assert_eq!(counts, (duplicates, disorder, conflicts), "duplicates, disorder, conflicts: {chain:?}");
    }

    #[test]
    fn an_unbroken_chain_has_no_gap_whatever_it_skips_and_wherever_it_begins() {
        check(&[heard(3, 0), heard(4, 3), heard(9, 4), heard(10_001, 9)], (&[], &[], 0, 0, 0));
        check(&[heard(100, 99), heard(101, 100)], (&[], &[], 0, 0, 0));
    }

    #[test]
    fn a_position_that_is_named_and_never_came_is_a_gap() {
        check(&[heard(1, 0), heard(5, 3), heard(6, 5)], (&[(2, 3)], &[], 0, 0, 0));
        check(&[heard(1, 0), heard(3, 2), heard(5, 4)], (&[(2, 2), (4, 4)], &[], 0, 0, 0));
    }

    #[test]
    fn what_comes_late_closes_the_gap_but_breaks_the_order() {
        check(&[heard(1, 0), heard(3, 2), heard(2, 1)], (&[], &[], 0, 1, 0));
    }

    #[test]
    fn a_repeated_tail_is_duplicates_and_no_disorder() {
        let tail = [heard(2, 1), heard(3, 2)];
        check(&[&[heard(1, 0)], &tail[..], &tail, &[heard(4, 3)]].concat(), (&[], &[], 2, 0, 0));
        // From before the first message that came: the receiver began in the middle of a window.
        check(&[heard(9, 8), heard(7, 6), heard(8, 7), heard(9, 8), heard(10, 9)], (&[], &[], 1, 0, 0));
        check(&[heard(9, 8), heard(6, 5), heard(8, 7), heard(10, 9)], (&[(7, 7)], &[], 0, 0, 0));
    }

    #[test]
    fn contradictions_are_found() {
        let other_content = Heard { content: 99, timeless: 99, ..heard(2, 1) };
        check(&[heard(1, 0), heard(2, 1), other_content.clone()], (&[], &[], 0, 0, 1));
        let other_boot = Heard { boot: BootId(2), ..heard(1, 0) };
        check(&[heard(1, 0), heard(2, 1), other_boot], (&[], &[], 0, 0, 1));
        check(&[heard(1, 0), heard(5, 1), heard(3, 1)], (&[], &[], 0, 0, 1));
        check(&[heard(1, 0), heard(2, 2), heard(3, 1)], (&[], &[], 0, 0, 1));
        check(&[heard(1, 0), filled(2, 1, (5, 5))], (&[], &[], 0, 0, 1));
    }

    #[test]
    fn times_that_were_put_right_are_the_same_message() {
        let untrusted = Heard { clock: Some("untrusted".into()), ..heard(2, 1) };
        let corrected = Heard { clock: Some("corrected".into()), content: 99, ..heard(2, 1) };
        let chain = chain(&[heard(1, 0), untrusted, corrected]);
        assert_eq!((chain.duplicates, chain.corrected, chain.conflict_count), (1, 1, 0));
    }

    #[test]
    fn a_restart_that_goes_back_to_its_cursor_is_whole() {
        // 98 to 100 came, the cursor stood at 97, and the agent lost them in a crash: it names 97, which was seen.
        let before: Vec<_> = (1..=100).map(|seq| heard(seq, seq - 1)).collect();
        let behind = Heard { boot: BootId(2), ..heard(10_001, 97) };
        let chain = chain(&[before, vec![behind]].concat());
        assert!(chain.gaps().is_empty() && chain.conflict_count == 0 && chain.disorder_count == 0);
        assert_eq!(chain.boots, [(BootId(1), 1), (BootId(2), 10_001)]);
    }

    #[test]
    fn a_chain_that_begins_anew_proves_nothing_about_what_was_between() {
        check(&[heard(1, 0), heard(2, 1), heard(7, 0)], (&[(3, 6)], &[], 0, 0, 0));
    }

    #[test]
    fn a_live_part_is_open_until_history_has_reached_it() {
        let outage = [heard(1, 0), heard(2, 1), heard(8, None), heard(9, 8)];
        check(&outage, (&[], &[(3, 7)], 0, 0, 0));
        let history = [history(4, 2), heard(10, 9), history(7, 4)];
        let part = [&outage[..], &history[..2]].concat();
        check(&part, (&[], &[(5, 7)], 0, 0, 0));
        check(&[&outage[..], &history].concat(), (&[], &[], 0, 0, 0));
        // The last ones of the outage are out of scope, so only `filled` says that it is over.
        check(&[&part[..], &[filled(11, 10, (4, 8))]].concat(), (&[], &[], 0, 0, 0));
    }

    #[test]
    fn what_was_sent_as_current_data_and_again_as_history_closes_the_hole_before_it() {
        check(&[heard(1, 0), heard(5, None), history(3, 1), history(5, 3), heard(6, 5)], (&[], &[], 1, 0, 0));
    }

    #[test]
    fn that_there_was_no_history_is_no_proof_to_one_who_has_some() {
        check(&[heard(5, None), filled(6, 5, (0, 5))], (&[], &[], 0, 0, 0));
        check(&[heard(1, 0), heard(5, None), filled(6, 5, (0, 5))], (&[(2, 4)], &[], 0, 0, 0));
    }

    #[test]
    fn a_gap_in_history_stays_one() {
        let outage = [heard(1, 0), heard(9, None), history(3, 2), history(4, 3), filled(10, 9, (4, 9))];
        check(&outage, (&[(2, 2)], &[], 0, 0, 0));
        check(&[&outage[..], &[history(2, 1)]].concat(), (&[], &[], 0, 1, 0));
    }

    #[test]
    fn history_goes_on_behind_a_live_part_that_was_acknowledged_before_a_second_outage() {
        let messages = [
            heard(1, 0),
            heard(5, None),
            heard(6, 5),
            heard(9, None),
            history(2, 1),
            history(4, 2),
            history(7, 4),
            filled(10, 9, (7, 9)),
        ];
        check(&messages[..6], (&[], &[(7, 8)], 0, 0, 0));
        check(&messages, (&[], &[], 0, 0, 0));
    }

    #[test]
    fn a_sink_that_was_live_first_and_sends_in_order_again_fills_the_hole_in_order() {
        check(&[heard(1, 0), heard(9, None), heard(4, 1), heard(8, 4), heard(10, 9)], (&[], &[], 0, 0, 0));
    }

    #[test]
    fn what_is_too_old_to_be_compared_is_said_to_be() {
        let mut messages: Vec<_> = (1..=REMEMBERED as u64 + 10).map(|seq| heard(seq, seq - 1)).collect();
        messages.push(heard(1, 0));
        let chain = chain(&messages);
        assert_eq!((chain.duplicates, chain.uncompared, chain.conflict_count), (1, 1, 0));
        assert_eq!((chain.known.len(), chain.remembered.len()), (REMEMBERED, REMEMBERED));
    }

    proptest! {
        /// The whole truth, by sets: what was meant for the receiver and did not come, up to the last message, is in a gap; and
        /// a gap is told only where something of the kind is in it.
        #[test]
        fn gaps_are_told_exactly_where_something_meant_for_the_receiver_is_missing(
            fate in prop::collection::vec(0_u8..10, 1..80), repeats in prop::collection::vec((0_usize..80, 0_usize..6), 0..5),
        ) {
            // 0, 1: out of scope; 2: lost, and the sender knows; 3: lost on the way; else it comes.
            let (mut prev, mut sent, mut lost) = (0, Vec::new(), BTreeSet::new());
            for (fate, seq) in fate.iter().zip(1_u64..) {
                match fate {
                    0 | 1 => continue,
                    2 => drop(lost.insert(seq)),
                    3 => { lost.insert(seq); }
                    _ => sent.push(heard(seq, prev)),
                }
                prev = seq;
            }
            prop_assume!(!sent.is_empty());
            let mut arrived = Vec::new();
            for (n, message) in sent.iter().enumerate() {
                arrived.push(message.clone());
                if let Some((_, back)) = repeats.iter().find(|(at, _)| *at == n) {
                    arrived.extend_from_slice(&sent[n.saturating_sub(*back)..=n]);
                }
            }
            let chain = chain(&arrived);
            let (begin, end) = (chain.begin().unwrap(), chain.span.unwrap().last);
            for gap in chain.gaps() {
                prop_assert!(lost.range(gap.first..=gap.last).next().is_some(), "{gap:?} is none");
            }
            for seq in lost.range(begin..=end) {
                prop_assert!(chain.gaps().iter().any(|gap| gap.first <= *seq && *seq <= gap.last), "{seq} is not told");
            }
            prop_assert_eq!((chain.messages, chain.duplicates), (sent.len() as u64, (arrived.len() - sent.len()) as u64));
            prop_assert_eq!((chain.disorder_count, chain.conflict_count), (0, 0));
        }
    }
}
