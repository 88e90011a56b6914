//! Whatever comes late and in whatever order: heard again from the tape, the figures are those of scans that came in time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::indicator::bench::{Bench, EIGHT_PM, MINUTE, batch};
use crate::indicator::properties::{batches, bench, close, event, result, straight};
use crate::indicator::{Cell, Interval, News};
use crate::model::{Reading, Timestamp, Value};

/// A machine with its tape, as the recorder has it, and what came late of it.
struct Deck {
    bench: Bench,
    tape: Tape,
    squeezer: Squeezer,
    late: Vec<Batch>,
    intervals: BTreeMap<i64, Interval>,
    cells: BTreeMap<i64, Cell>,
    missing: usize,
}

impl Deck {
    fn new(bench: Bench) -> Deck {
        let (tape, squeezer) = (Tape::default(), Squeezer::new().unwrap());
        let (late, intervals, cells, missing) = Default::default();
        Deck { bench, tape, squeezer, late, intervals, cells, missing }
    }

    fn hear(&mut self, batch: &Batch) {
        let Some(essence) = self.bench.engine.essence(batch) else { return };
        self.tape.wind(&self.bench.engine, batch.mono_ms);
        let news = self.bench.engine.step(batch, batch.at);
        if news.iter().any(|news| matches!(news, News::Late { .. })) {
            return self.late.push(essence);
        }
        self.tape.put(essence, &mut self.squeezer);
        self.keep(news);
    }

    fn tick(&mut self, at: i64) {
        let news = self.bench.engine.tick(Timestamp(at));
        self.keep(news);
    }

    fn keep(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Interval(new) => {
                    self.intervals.retain(|_, known| known.end <= new.start);
                    self.intervals.insert(new.start.0, new);
                }
                News::Cell(cell) => _ = self.cells.insert(cell.start.0, *cell),
                News::Late { .. } => self.missing += 1,
                _ => {}
            }
        }
    }

    fn hear_again(&mut self) {
        let mut from = None;
        for late in std::mem::take(&mut self.late) {
            match self.tape.insert(late, &mut self.squeezer) {
                Some(reel) => from = Some(from.map_or(reel, |known: u64| known.min(reel))),
                None => self.missing += 1,
            }
        }
        let Some(mut reel) = from else { return };
        let plan = self.bench.engine.plan().clone();
        self.bench.engine = Engine::restore(plan, self.tape.snapshot(reel).unwrap()).unwrap();
        loop {
            for batch in self.tape.batches(reel, &mut self.squeezer).unwrap() {
                let news = self.bench.engine.step(&batch, batch.at);
                self.keep(news);
            }
            let Some(next) = self.tape.behind(reel) else { return };
            self.tape.amend(next, &self.bench.engine);
            reel = next;
        }
    }

    /// What the tape takes, reel by reel.
    fn taken(&self) -> usize {
        self.tape.reels.iter().map(Reel::bytes).sum()
    }

    fn result(&self) -> (Vec<Interval>, Vec<Cell>) {
        (self.intervals.values().cloned().collect(), self.cells.values().cloned().collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn late_scans_in_any_order_give_the_figures_of_scans_in_time(
        events in prop::collection::vec(event(), 1..120),
        delays in prop::collection::vec(prop_oneof![6 => Just(0_usize), 1 => 1..4_usize, 1 => 4..60_usize], 1..40),
        disturbed in prop::collection::vec(0..16_u8, 1..20),
    ) {
        let batches = batches(&bench(), &events);
        let expected = result(&straight(&batches));
        let mut order: Vec<(usize, &Batch)> =
            batches.iter().enumerate().map(|(n, batch)| (n + delays[n % delays.len()], batch)).collect();
        order.sort_by_key(|(place, _)| *place);
        let mut deck = Deck::new(bench());
        let mut newest = EIGHT_PM;
        for (n, (_, batch)) in order.into_iter().enumerate() {
            newest = newest.max(batch.at.0);
            deck.hear(batch);
            let how = disturbed[n % disturbed.len()];
            if how & 1 == 1 {
                deck.tick(newest);
            }
            if how == 2 {
                deck.tick(newest + 100_000); // nothing more is waited for
            }
            if how & 12 == 12 {
                deck.hear_again();
            }
        }
        deck.hear_again();
        close(&mut deck.bench, &batches);
        deck.intervals.retain(|start, _| deck.bench.intervals.first().is_none_or(|first| *start < first.start.0));
        let mut found = deck.result();
        let (last, told) = result(&deck.bench);
        found.0.extend(last);
        for cell in told {
            found.1.retain(|known| known.start != cell.start);
            found.1.push(cell);
        }
        found.1.sort_by_key(|cell| cell.start);
        prop_assert_eq!(deck.missing, 0);
        prop_assert_eq!(deck.tape.bytes(), deck.taken());
        prop_assert_eq!(&found.0, &expected.0);
        prop_assert_eq!(&found.1, &expected.1);
    }
}

#[test]
fn a_tape_reaches_back_a_day_and_no_further_and_not_behind_what_its_first_snapshot_knew() {
    let mut deck = Deck::new(bench());
    let group = deck.bench.groups().remove(0);
    let scan =
        |at: i64| batch(&group, at, &[("run", Some(Value::Bool(true))), ("total", Some(Value::I64(at / 1_000)))]);
    for minute in 0..30 * 60 {
        deck.hear(&scan(EIGHT_PM + minute * MINUTE));
    }
    let reaches = |deck: &Deck, minute: i64| deck.tape.reaches(&scan(EIGHT_PM + minute * MINUTE + 1));
    assert!(reaches(&deck, 30 * 60 - 2) && reaches(&deck, 6 * 60));
    assert!(!reaches(&deck, 5 * 60 - 2), "more than a day before");
    let mut other = Deck::new(bench());
    other.bench.engine = deck.bench.engine.clone();
    other.hear(&scan(EIGHT_PM + 30 * 60 * MINUTE));
    assert!(!reaches(&other, 30 * 60 - 2), "a new tape knows nothing of before");
}

#[test]
fn letting_reels_go_gives_back_what_they_took() {
    let mut deck = Deck::new(bench());
    let group = deck.bench.groups().remove(0);
    for second in 0..4 * 3_600 {
        let at = EIGHT_PM + second * 1_000;
        deck.hear(&batch(&group, at, &[("run", Some(Value::Bool(true))), ("total", Some(Value::I64(second / 3)))]));
    }
    let all = deck.tape.bytes();
    assert!(all < 4 * 3_600 * 20, "{all} bytes for four hours of two readings a second");
    while deck.tape.oldest_ms().is_some() {
        let before = deck.tape.bytes();
        deck.tape.drop_oldest();
        assert!(deck.tape.bytes() < before);
    }
    deck.tape.drop_oldest();
    assert_eq!(deck.tape.bytes(), 0);
}

#[test]
fn what_is_heard_again_is_reckoned_as_what_it_takes() {
    let mut deck = Deck::new(bench());
    let group = deck.bench.groups().remove(0);
    let scan = |second: i64| {
        let run = Some(Value::Bool(second / 100 % 2 == 0));
        batch(&group, EIGHT_PM + second * 1_000, &[("run", run), ("total", Some(Value::I64(second)))])
    };
    (0..2_000).chain(3_400..9_000).for_each(|second| deck.hear(&scan(second)));
    assert_eq!(deck.tape.bytes(), deck.taken());
    let before: Vec<usize> = deck.tape.reels.iter().map(|reel| reel.snapshot.len()).collect();
    (2_000..3_400).for_each(|second| deck.hear(&scan(second)));
    assert_eq!(deck.late.len(), 1_400);
    deck.hear_again();
    assert_ne!(deck.tape.reels.iter().map(|reel| reel.snapshot.len()).collect::<Vec<_>>(), before);
    assert_eq!(deck.tape.bytes(), deck.taken());
}

#[test]
fn what_comes_late_packs_nothing_anew_and_is_heard_again_in_its_order() {
    let mut deck = Deck::new(bench());
    let group = deck.bench.groups().remove(0);
    let scan = |second: i64| {
        batch(
            &group,
            EIGHT_PM + second * 1_000,
            &[("run", Some(Value::Bool(second % 7 < 3))), ("total", Some(Value::I64(second)))],
        )
    };
    let is_late = |second: &i64| second / 1_200 == 1 || second / 1_200 == 4;
    (0..9_000).filter(|second| !is_late(second)).for_each(|second| deck.hear(&scan(second)));
    (0..9_000).filter(is_late).rev().for_each(|second| deck.hear(&scan(second)));
    assert_eq!(deck.late.len(), 2_400);
    let packed = |deck: &Deck| -> Vec<Vec<usize>> {
        let of_strand = |strand: &Strand| strand.packed.iter().map(Bundle::bytes).collect();
        deck.tape.reels.iter().map(|reel| of_strand(&reel.strands[0])).collect()
    };
    let before = packed(&deck);
    for late in std::mem::take(&mut deck.late) {
        assert!(deck.tape.insert(late, &mut deck.squeezer).is_some());
    }
    let after = packed(&deck);
    assert!(before.iter().zip(&after).all(|(before, after)| after.starts_with(before)), "{before:?} {after:?}");
    let ids: Vec<u64> = deck.tape.reels.iter().map(|reel| reel.id).collect();
    let heard = ids.iter().flat_map(|id| deck.tape.batches(*id, &mut deck.squeezer).unwrap());
    let heard: Vec<(i64, Vec<Option<Reading>>)> = heard.map(|batch| (batch.at.0, batch.readings)).collect();
    let all = (0..9_000).map(|second| deck.bench.engine.essence(&scan(second)).unwrap());
    assert_eq!(heard, all.map(|batch| (batch.at.0, batch.readings)).collect::<Vec<_>>());
}
