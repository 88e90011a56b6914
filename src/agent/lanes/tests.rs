//! The lanes step by step, and any steps at all: whatever happens, nothing is lost and the receiver can prove it.

use super::super::receiver::Receiver;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// It is sent.
    Meant,
    /// `send` leaves it out.
    Skipped,
    /// No broker ever takes it.
    TooLarge,
}

/// A sink, its broker and its receiver.
struct World {
    /// By position, from 1.
    kinds: Vec<Kind>,
    lanes: DataLanes,
    receiver: Receiver,
    acked: BTreeSet<Seq>,
    /// Sent on this connection and not acknowledged; and whether the receiver has it.
    wire: Vec<(Seq, Sequel, bool)>,
    /// What the journal would find after a crash.
    stored: (Cursor, Ahead),
    window: usize,
}

impl World {
    fn new(window: usize) -> World {
        World {
            kinds: Vec::new(),
            lanes: DataLanes::new(Cursor::default(), Ahead::default(), window),
            receiver: Receiver::default(),
            acked: BTreeSet::new(),
            wire: Vec::new(),
            stored: Default::default(),
            window,
        }
    }

    fn last(&self) -> Seq {
        self.kinds.len() as Seq
    }

    fn announce(&mut self, kinds: &[Kind]) {
        self.kinds.extend(kinds);
    }

    /// Whether something was done.
    fn send(&mut self, which: Which) -> bool {
        let has_moved = self.lanes.settle();
        if which == Which::Live && !self.lanes.has_live() {
            return has_moved;
        }
        let last = self.lanes.last_of(which).min(self.last());
        let lane = self.lanes.lane(which);
        let seq = lane.window.newest() + 1;
        if seq > last || !lane.window.has_room() {
            return has_moved;
        }
        match self.kinds[seq as usize - 1] {
            Kind::Meant => {
                let sequel = self.lanes.sequel(which);
                self.lanes.sent(which, seq, &sequel, Instant::now());
                self.wire.push((seq, sequel, false));
            }
            Kind::Skipped => lane.window.skipped(seq),
            Kind::TooLarge => lane.window.gave_up(seq),
        }
        true
    }

    /// The broker has all up to the nth on the wire, and acknowledges that one.
    fn ack(&mut self, nth: usize) {
        if nth < self.wire.len() {
            self.arrive(nth + 1);
            let (seq, ..) = self.wire.remove(nth);
            self.acked.insert(seq);
            self.lanes.acked(seq, Instant::now());
        }
    }

    fn arrive(&mut self, messages: usize) {
        for (seq, sequel, has_come) in self.wire.iter_mut().take(messages) {
            if !std::mem::replace(has_come, true) {
                self.receiver.take(*seq, sequel);
            }
        }
    }

    /// The line breaks; the broker has got so many of those on the wire. With a crash what was not stored is forgotten.
    fn reconnect(&mut self, arrived: usize, is_crash: bool) {
        self.arrive(arrived);
        self.wire.clear();
        let (cursor, ahead) = if is_crash { self.stored.clone() } else { self.lanes.progress() };
        self.lanes = DataLanes::new(cursor, ahead, self.window);
    }

    fn go_live(&mut self, back: Seq) {
        if self.lanes.can_go_live() {
            let start = self.last().saturating_sub(back).max(self.lanes.front() + 1);
            self.lanes.go_live(start);
        }
    }

    /// Everything is sent and acknowledged.
    fn drain(&mut self) {
        let mut rounds = 0;
        loop {
            let did = self.send(Which::Live) | self.send(Which::Main);
            while !self.wire.is_empty() {
                self.ack(0);
            }
            rounds += 1;
            assert!(rounds < 100_000, "it never ends");
            if !did && !self.lanes.settle() {
                return;
            }
        }
    }

    #[track_caller]
    fn check(&self) {
        let (cursor, ahead) = self.lanes.progress();
        let runs = ahead.runs().iter().flat_map(|run| run.first..=run.last);
        for seq in (1..=cursor.position).chain(runs) {
            let is_done = self.kinds[seq as usize - 1] != Kind::Meant || self.acked.contains(&seq);
            assert!(is_done, "{seq} was passed and nobody has it: {cursor:?} {ahead:?}");
        }
    }

    /// At the end the receiver knows of everything, and misses what was given up and nothing else.
    #[track_caller]
    fn check_end(&mut self) {
        self.drain();
        for _ in 0..20 {
            self.announce(&[Kind::Meant]);
            self.drain();
        }
        let of = |wanted| {
            let kinds = (1..).zip(&self.kinds);
            kinds.filter(|(_, kind)| **kind == wanted).map(|(seq, _)| seq).collect::<Vec<Seq>>()
        };
        assert_eq!(self.receiver.got.iter().copied().collect::<Vec<_>>(), of(Kind::Meant), "not everything came");
        // What `send` left out right before a record that was given up is within the gap that the receiver sees.
        let (mut may_be_missing, mut left_out) = (Vec::new(), Vec::new());
        for (seq, kind) in (1..).zip(&self.kinds) {
            match kind {
                Kind::Skipped => left_out.push(seq),
                Kind::Meant => left_out.clear(),
                Kind::TooLarge => may_be_missing.extend(left_out.drain(..).chain([seq])),
            }
        }
        let missing: Vec<Seq> = self.receiver.missing(self.last());
        assert!(missing.iter().all(|seq| may_be_missing.contains(seq)), "{missing:?}, at most {may_be_missing:?}");
        assert!(of(Kind::TooLarge).iter().all(|seq| missing.contains(seq)), "{missing:?}: a gap is not seen");
        assert!(!self.lanes.has_live());
        assert_eq!(self.lanes.progress(), (Cursor { position: self.last(), last_sent: self.last() }, Ahead::default()));
    }
}

/// A message: its position, `prev`, whether it is history, `filled`.
type Said = (Seq, Option<Seq>, bool, Option<(Seq, Seq)>);

fn said(world: &World) -> Vec<Said> {
    let filled = |sequel: &Sequel| sequel.filled.map(|seam| (seam.before, seam.after));
    world.wire.iter().map(|(seq, sequel, _)| (*seq, sequel.prev, sequel.is_history, filled(sequel))).collect()
}

#[test]
fn current_data_goes_ahead_and_when_history_has_met_it_the_next_message_says_so() {
    let mut world = World::new(100);
    world.announce(&[Kind::Meant; 10]);
    world.go_live(1);
    world.send(Which::Live);
    world.send(Which::Live);
    world.send(Which::Main);
    world.send(Which::Main);
    let expected =
        [(9, None, false, None), (10, Some(9), false, None), (1, Some(0), true, None), (2, Some(1), true, None)];
    assert_eq!(said(&world), expected);
    while world.send(Which::Main) {}
    world.announce(&[Kind::Meant; 3]);
    world.send(Which::Live);
    assert_eq!(said(&world).last(), Some(&(11, Some(10), false, None)), "8 is not acknowledged yet");
    while !world.wire.is_empty() {
        world.ack(0);
    }
    world.send(Which::Main);
    assert!(!world.lanes.has_live());
    world.send(Which::Main);
    assert_eq!(said(&world), [(12, Some(11), false, Some((8, 9))), (13, Some(12), false, None)]);
    let (_, ahead) = world.lanes.progress();
    assert_eq!(ahead.seams().len(), 1, "it is owed until that message is acknowledged");
    world.check_end();
}

#[test]
fn what_went_ahead_before_the_line_broke_is_not_sent_again_and_goes_on_where_it_was() {
    let mut world = World::new(100);
    world.announce(&[Kind::Meant; 100]);
    world.go_live(9);
    while world.send(Which::Live) {}
    world.send(Which::Main);
    while !world.wire.is_empty() {
        world.ack(0);
    }
    world.reconnect(0, false);
    assert!(world.lanes.was_ahead());
    world.announce(&[Kind::Meant; 5]);
    world.lanes.go_live(world.lanes.front() + 1);
    world.send(Which::Live);
    world.send(Which::Main);
    assert_eq!(said(&world), [(101, Some(100), false, None), (2, Some(1), true, None)]);
    world.check_end();
    assert_eq!(world.receiver.duplicates, 0);
}

#[test]
fn a_second_live_part_leaves_a_hole_before_it_that_history_fills_too() {
    let mut world = World::new(100);
    world.announce(&[Kind::Meant; 50]);
    world.go_live(0);
    world.send(Which::Live);
    world.ack(0);
    world.reconnect(0, false);
    world.announce(&[Kind::Meant; 50]);
    world.go_live(0);
    world.send(Which::Live);
    assert_eq!(said(&world), [(100, None, false, None)]);
    world.check_end();
    assert_eq!(world.receiver.duplicates, 0);
}

#[test]
fn in_order_a_run_from_before_is_passed_over() {
    let run = Run { first: 3, last: 6, first_sent: 4, last_sent: 5 };
    let mut ahead = Ahead::default();
    ahead.enter(run);
    let mut lanes = DataLanes::new(Cursor { position: 1, last_sent: 1 }, ahead, 10);
    assert_eq!(lanes.last_of(Which::Main), 2);
    assert!(!lanes.settle());
    let sequel = lanes.sequel(Which::Main);
    lanes.sent(Which::Main, 2, &sequel, Instant::now());
    assert!(lanes.settle());
    assert_eq!(lanes.progress().1.runs(), [run], "the cursor has not passed it");
    assert_eq!(lanes.sequel(Which::Main), Sequel::from(5));
    lanes.acked(2, Instant::now());
    lanes.settle();
    let filled = Some(Seam { before: 2, after: 4 });
    assert_eq!(lanes.sequel(Which::Main), Sequel { filled, ..Sequel::from(5) });
    assert_eq!(lanes.progress().0, Cursor { position: 6, last_sent: 5 });
}

#[derive(Debug, Clone)]
enum Step {
    Announce(Vec<Kind>),
    Send(bool),
    Ack(usize),
    GoLive(Seq),
    Reconnect(usize, bool),
    Store,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![6 => Just(Kind::Meant), 2 => Just(Kind::Skipped), 1 => Just(Kind::TooLarge)];
    prop_oneof![
        4 => prop::collection::vec(kind, 1..6).prop_map(Step::Announce),
        12 => any::<bool>().prop_map(Step::Send),
        8 => (0usize..6).prop_map(Step::Ack),
        2 => (0u64..4).prop_map(Step::GoLive),
        1 => (0usize..8, any::<bool>()).prop_map(|(arrived, is_crash)| Step::Reconnect(arrived, is_crash)),
        1 => Just(Step::Store),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_all_arrives_the_cursor_passes_nothing_and_the_receiver_can_prove_it(
        steps in prop::collection::vec(step(), 0..400), window in 1usize..12,
    ) {
        let mut world = World::new(window);
        for step in steps {
            match step {
                Step::Announce(kinds) => world.announce(&kinds),
                Step::Send(is_live) => drop(world.send(if is_live { Which::Live } else { Which::Main })),
                Step::Ack(nth) => world.ack(nth),
                Step::GoLive(back) => world.go_live(back),
                Step::Reconnect(arrived, is_crash) => world.reconnect(arrived, is_crash),
                Step::Store => world.stored = world.lanes.progress(),
            }
            world.check();
        }
        world.check_end();
    }
}

#[test]
fn a_run_whose_seam_has_no_room_is_sent_again() {
    let mut ahead = Ahead::default();
    (0..MAX_SEAMS as u64).for_each(|n| ahead.owe(Seam { before: n, after: n + 2 }));
    ahead.enter(Run { first: 101, last: 109, first_sent: 101, last_sent: 109 });
    let mut lanes = DataLanes::new(Cursor { position: 100, last_sent: 100 }, ahead, 16);
    assert!(lanes.settle());
    assert_eq!((lanes.lane(Which::Main).window.newest(), lanes.last_of(Which::Main)), (100, Seq::MAX));
}
