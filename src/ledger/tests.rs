//! The ledger against a store in memory that adds up as the journal does, and against an account that is kept beside it.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::ledger::Tally;
use crate::model::{Deadband, Group, Reading, ReportRule, Stamp, TagInfo, Value, ValueKind, Why};

/// A Thursday, 14:00 UTC.
const EPOCH: i64 = 1_795_701_600_000;

fn group(device: &str, period_ms: u64, tags: usize) -> Arc<Group> {
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let tag = |n| TagInfo {
        name: format!("t{n}").into(),
        unit: None,
        kind: ValueKind::Int,
        report,
        grade: Default::default(),
    };
    Arc::new(Group::new(device.into(), Duration::from_millis(period_ms), (0..tags).map(tag).collect()))
}

fn good() -> Reading {
    Reading::Good(Value::I64(1))
}

/// A run of the agent: its ledger, what it stores, and where the wall clock stands.
struct Run {
    ledger: Ledger,
    group: Arc<Group>,
    /// Wall clock minus monotonic clock.
    offset_ms: i64,
    is_trusted: bool,
    stored: BTreeMap<(Timestamp, Account), (Tally, Option<Timestamp>)>,
}

impl Run {
    fn new(group: Arc<Group>) -> Run {
        Run::with_clock(group, EPOCH, true)
    }

    fn with_clock(group: Arc<Group>, offset_ms: i64, is_trusted: bool) -> Run {
        let mut run = Run { ledger: Ledger::default(), group, offset_ms, is_trusted, stored: BTreeMap::new() };
        run.expect(0);
        run
    }

    fn moment(&self, mono_ms: u64) -> Moment {
        Moment { mono_ms, at: self.wall(mono_ms), is_trusted: self.is_trusted }
    }

    fn wall(&self, mono_ms: u64) -> Timestamp {
        Timestamp(self.offset_ms + mono_ms as i64)
    }

    fn account(&self) -> Account {
        Account { device: self.group.device.clone(), period_ms: self.group.period_ms() }
    }

    fn expect(&mut self, mono_ms: u64) {
        let expected = Expected { account: self.account(), id: self.group.id, tags: self.group.tags.len() };
        self.ledger.expect(&[expected], self.moment(mono_ms));
    }

    /// A scan that was due and handed on then.
    fn scan(&mut self, due_ms: u64, mono_ms: u64, readings: Vec<Option<Reading>>) {
        let (group, at) = (self.group.clone(), self.wall(mono_ms));
        self.ledger.on_batch(&Batch { group, at, mono_ms, due_ms: Some(due_ms), readings, stamps: None });
    }

    /// Values that came by themselves.
    fn values(&mut self, mono_ms: u64, readings: Vec<Option<Reading>>) {
        let (group, at, stamps) = (self.group.clone(), self.wall(mono_ms), Some(vec![Stamp::NONE; readings.len()]));
        self.ledger.on_batch(&Batch { group, at, mono_ms, due_ms: None, readings, stamps });
    }

    fn link_is_down(&mut self, mono_ms: u64, why: Why) {
        let (group, at) = (self.group.clone(), self.wall(mono_ms));
        let readings = vec![Some(Reading::Bad(why)); group.tags.len()];
        self.ledger.on_batch(&Batch { group, at, mono_ms, due_ms: None, readings, stamps: None });
    }

    fn sign(&mut self, mono_ms: u64, lapse: Option<Why>) {
        self.ledger.on_sign(&Sign { group: self.group.clone(), mono_ms, lapse });
    }

    fn store(&mut self, mono_ms: u64) {
        for entry in self.ledger.take(self.moment(mono_ms)) {
            assert!(entry.tally.closes(), "{entry:?}");
            let row = self.stored.entry((entry.hour, entry.account)).or_default();
            row.0.add(&entry.tally);
            row.1 = entry.until;
        }
    }

    /// The next run, which begins `pause_ms` of wall clock after `mono_ms`. What was not stored is lost.
    fn restart(&mut self, mono_ms: u64, pause_ms: u64) {
        let newest = self.stored.keys().map(|(hour, _)| *hour).max();
        let recent = self.stored.iter().filter(|((hour, _), _)| newest.is_some_and(|n| hour.0 >= n.0 - HOUR_MS));
        let mut marks = BTreeMap::new();
        for ((_, account), (_, until)) in recent {
            match until {
                Some(until) => drop(marks.insert(account.clone(), *until)),
                None => drop(marks.remove(account)),
            }
        }
        self.ledger = Ledger::after(marks);
        self.offset_ms += (mono_ms + pause_ms) as i64;
        self.expect(0);
    }

    fn sum(&self) -> Tally {
        let mut sum = Tally::default();
        self.stored.values().for_each(|(tally, _)| sum.add(tally));
        sum
    }

    fn hours(&self) -> Vec<(i64, u64)> {
        let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
        for ((hour, _), (tally, _)) in &self.stored {
            *hours.entry((hour.0 - EPOCH) / HOUR_MS).or_default() += tally.expected;
        }
        hours.into_iter().filter(|(_, expected)| *expected > 0).collect()
    }
}

/// What became of what was expected, in words.
fn told(tally: &Tally) -> String {
    assert!(tally.closes(), "{tally:?}");
    let counts = [("good", tally.good), ("uncertain", tally.uncertain), ("late", tally.late)];
    let counts = counts.iter().map(|(word, count)| (*word, *count));
    let causes = tally.bad.iter().chain(&tally.lost).map(|(word, count)| (word.as_ref(), *count));
    let told = counts.chain(causes).filter(|(_, count)| *count > 0).map(|(word, count)| format!("{word} {count}"));
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn each_period_is_one_slot_for_each_tag_and_a_slot_without_a_scan_is_an_overrun() {
    let mut run = Run::new(group("m", 1_000, 2));
    run.scan(0, 20, vec![Some(good()), Some(good())]);
    run.scan(1_000, 1_020, vec![Some(good()), Some(Reading::Bad(Why::IllegalAddress))]);
    run.scan(4_000, 4_020, vec![Some(Reading::Uncertain(Value::I64(1), Why::DeviceBusy)), Some(good())]);
    run.store(4_500);
    assert_eq!(told(&run.sum()), "good 4, uncertain 1, illegal_address 1, overrun 4");
}

#[test]
fn a_value_is_late_when_its_period_is_over_or_when_it_is_out_of_its_rhythm() {
    #[track_caller]
    fn check(behind_ms: &[u64], expected: &str) {
        let mut run = Run::new(group("m", 1_000, 1));
        for (n, behind_ms) in behind_ms.iter().enumerate() {
            let due_ms = n as u64 * 1_000;
            run.scan(due_ms, due_ms + behind_ms, vec![Some(good())]);
        }
        run.store(behind_ms.len() as u64 * 1_000);
        assert_eq!(told(&run.sum()), expected, "{behind_ms:?}");
    }
    check(&[0, 500, 0, 501, 501], "good 4, late 1");
    check(&[800, 810, 790, 800], "good 4"); // the last one on a long line
    check(&[800, 1_001, 800, 1_000], "good 3, late 1");
}

#[test]
fn what_has_no_value_is_bad_however_late_and_sets_no_rhythm() {
    let mut run = Run::new(group("m", 1_000, 1));
    run.scan(0, 10, vec![Some(good())]);
    run.scan(1_000, 1_990, vec![Some(Reading::Bad(Why::Timeout))]);
    run.scan(2_000, 2_600, vec![Some(good())]);
    run.scan(3_000, 5_500, vec![Some(Reading::Bad(Why::Timeout))]);
    run.scan(5_000, 5_510, vec![Some(good())]);
    run.store(5_600);
    assert_eq!(told(&run.sum()), "good 2, late 1, timeout 2, overrun 1");
}

#[test]
fn what_was_due_before_the_first_scan_was_starting() {
    let mut run = Run::new(group("m", 1_000, 1));
    run.scan(2_300, 2_310, vec![Some(good())]);
    run.scan(3_300, 3_310, vec![Some(good())]);
    // The link's task is made anew.
    run.scan(5_900, 5_910, vec![Some(good())]);
    run.store(6_000);
    assert_eq!(told(&run.sum()), "good 3, starting 3");
}

#[test]
fn a_value_that_stands_is_good_in_each_slot_for_which_the_subscription_gave_a_sign() {
    let mut run = Run::new(group("m", 1_000, 2));
    run.values(300, vec![Some(good()), None]);
    run.values(1_200, vec![None, Some(good())]);
    run.store(5_000);
    assert_eq!(told(&run.sum()), "good 1, starting 1", "without a sign nobody knows");
    run.sign(6_050, None);
    run.store(6_500);
    assert_eq!(told(&run.sum()), "good 11, starting 1");
    run.values(7_500, vec![Some(Reading::Bad(Why::NoData)), None]);
    run.sign(9_000, None);
    run.store(9_100);
    assert_eq!(told(&run.sum()), "good 15, no_data 2, starting 1");
}

#[test]
fn a_loss_is_dated_back_to_the_last_sign() {
    let mut run = Run::new(group("m", 1_000, 1));
    run.values(100, vec![Some(good())]);
    run.sign(3_000, None);
    run.link_is_down(8_200, Why::Unreachable);
    run.store(10_000);
    assert_eq!(told(&run.sum()), "good 3, unreachable 7", "a link that is down needs no further word");
    run.values(11_500, vec![Some(good())]);
    run.sign(13_000, None);
    run.sign(16_000, Some(Why::Closed));
    run.values(16_100, vec![Some(good())]);
    run.sign(17_000, None);
    run.store(17_000);
    assert_eq!(told(&run.sum()), "good 6, closed 3, unreachable 8");
}

#[test]
fn a_subscription_that_says_nothing_for_minutes_is_not_believed() {
    let mut run = Run::new(group("m", 1_000, 1));
    run.values(100, vec![Some(good())]);
    run.store(slots::PATIENCE_MS - 1);
    assert_eq!(told(&run.sum()), "");
    run.store(slots::PATIENCE_MS + 1_000);
    assert_eq!(told(&run.sum()), "timeout 301");
}

#[test]
fn tags_of_one_group_may_be_polled_and_watched_side_by_side() {
    let mut run = Run::new(group("m", 1_000, 3));
    run.values(200, vec![Some(good()), None, None]);
    run.scan(500, 510, vec![None, Some(good()), Some(good())]);
    run.scan(1_500, 1_510, vec![None, Some(good()), Some(good())]);
    run.scan(3_500, 3_510, vec![None, Some(good()), Some(Reading::Bad(Why::AccessDenied))]);
    run.link_is_down(3_600, Why::Closed);
    run.store(3_600);
    assert_eq!(told(&run.sum()), "good 5, access_denied 1, closed 3, overrun 2");
}

#[test]
fn a_poller_that_hangs_is_an_overrun_after_some_minutes_and_what_it_brings_then_is_no_sample() {
    let mut run = Run::new(group("m", 1_000, 1));
    run.scan(0, 10, vec![Some(good())]);
    run.store(slots::PATIENCE_MS + 11_500);
    assert_eq!(told(&run.sum()), "good 1, overrun 10");
    run.scan(5_000, slots::PATIENCE_MS + 12_000, vec![Some(good())]);
    run.scan(slots::PATIENCE_MS + 12_000, slots::PATIENCE_MS + 12_010, vec![Some(good())]);
    run.store(slots::PATIENCE_MS + 12_500);
    assert_eq!(run.sum().expected, 313);
    assert_eq!(run.sum().good, 2);
}

#[test]
fn slots_belong_to_the_hour_of_the_wall_clock_at_their_time() {
    let mut run = Run::new(group("m", 1_000, 1));
    run.scan(0, 10, vec![Some(good())]);
    // Silence over two borders.
    run.scan(2 * 3_600_000, 2 * 3_600_000 + 10, vec![Some(good())]);
    run.store(2 * 3_600_000 + 500);
    assert_eq!(run.hours(), [(0, 3_600), (1, 3_600), (2, 1)]);
    // The clock is put back by half an hour: the hour before has what was lived in it twice.
    run.offset_ms -= 1_800_000;
    run.scan(2 * 3_600_000 + 1_000, 2 * 3_600_000 + 1_010, vec![Some(good())]);
    run.store(2 * 3_600_000 + 1_500);
    assert_eq!(run.hours(), [(0, 3_600), (1, 3_601), (2, 1)]);
    assert!(run.sum().closes());
}

#[test]
fn counts_wait_for_a_clock_that_is_not_trusted() {
    let mut run = Run::with_clock(group("m", 1_000, 1), 0, false);
    for second in 0..400 {
        run.scan(second * 1_000, second * 1_000 + 10, vec![Some(good())]);
        run.store(second * 1_000 + 20);
    }
    assert!(run.stored.is_empty());
    (run.offset_ms, run.is_trusted) = (EPOCH - 100_000, true);
    run.store(400_000);
    assert_eq!(run.hours(), [(0, 400)], "by whole stretches of five minutes");
}

#[test]
fn what_was_not_stored_and_what_was_not_lived_is_agent_down() {
    let mut run = Run::new(group("m", 1_000, 2));
    for second in 0..20 {
        run.scan(second * 1_000, second * 1_000 + 10, vec![Some(good()); 2]);
        if second == 9 {
            run.store(9_500);
        }
    }
    // Killed at 20 s, back after 2 h.
    run.restart(20_000, 7_200_000);
    run.scan(0, 10, vec![Some(good()); 2]);
    run.store(500);
    assert_eq!(told(&run.sum()), "good 20, agent_down 14420", "first that, and what was counted since waits");
    run.store(510);
    assert_eq!(told(&run.sum()), "good 22, agent_down 14420");
    assert_eq!(run.hours(), [(0, 7_200), (1, 7_200), (2, 42)]);
    let down = run.ledger.take_down().expect("it is told");
    assert_eq!((down.from, down.to, down.samples), (Timestamp(EPOCH + 10_000), run.wall(0), 14_420));
    assert_eq!(run.ledger.take_down(), None, "once");
}

#[test]
fn a_device_that_was_taken_out_is_not_missed_and_one_that_comes_begins() {
    let mut run = Run::new(group("a", 1_000, 1));
    run.scan(0, 10, vec![Some(good())]);
    run.store(500);
    run.group = group("b", 1_000, 1);
    run.expect(3_500);
    run.scan(3_500, 3_510, vec![Some(good())]);
    run.store(4_000);
    assert_eq!(told(&run.sum()), "good 2, overrun 2", "the slots of a that were over");
    run.restart(4_500, 10_000);
    run.scan(0, 10, vec![Some(good())]);
    run.store(20);
    run.store(30);
    let account = |device: &str| Account { device: device.into(), period_ms: 1_000 };
    let of = |device: &str| told(&run.stored[&(hour_of(run.wall(0)), account(device))].0);
    assert_eq!(of("a"), "good 1, overrun 2");
    assert_eq!(of("b"), "good 2, agent_down 10");
}

#[test]
fn an_hour_is_reported_once_and_when_everything_in_it_is_counted() {
    let mut run = Run::new(group("m", 60_000, 1));
    let mut reported = Vec::new();
    for minute in 0..130 {
        let now_ms = minute * 60_000 + 1_000;
        if !(59..=60).contains(&minute) {
            run.scan(minute * 60_000, now_ms, vec![Some(good())]);
        }
        run.store(now_ms);
        while let Some(hour) = run.ledger.complete_hour(run.moment(now_ms)) {
            reported.push((minute, (hour.0 - EPOCH) / HOUR_MS));
            run.ledger.on_reported(hour);
        }
    }
    assert_eq!(reported, [(61, 0), (120, 1)], "the last scan of the hour did not come: the next one tells of it");
}

#[test]
fn a_long_time_without_the_agent_is_filled_in_parts_hour_by_hour() {
    let mut run = Run::new(group("m", 10, 1));
    run.scan(0, 1, vec![Some(good())]);
    run.store(5);
    run.restart(5, 60 * 24 * 3_600_000);
    let mut rounds = 0;
    loop {
        let before = run.sum().expected;
        run.store(rounds);
        rounds += 1;
        if run.sum().expected == before {
            break;
        }
    }
    assert_eq!(run.sum().expected - 1, 31 * 24 * 360_000, "a month back, and no further");
    assert_eq!(run.stored.len(), 31 * 24 + 2);
}

/// What may happen in a second.
#[derive(Debug, Clone)]
enum Step {
    Scan { late_ms: u64, bad: bool },
    Skip(u64),
    Value(bool),
    Sign(bool),
    Down,
    Store,
    Reload(u64),
    Crash { pause_ms: u64 },
    SetClock(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_u64..3_000, any::<bool>()).prop_map(|(late_ms, bad)| Step::Scan { late_ms, bad }),
        3 => (1_u64..900).prop_map(Step::Skip),
        3 => any::<bool>().prop_map(Step::Value),
        2 => any::<bool>().prop_map(Step::Sign),
        1 => Just(Step::Down),
        3 => Just(Step::Store),
        1 => (0_u64..2_000).prop_map(Step::Reload),
        1 => (0_u64..20_000_000).prop_map(|pause_ms| Step::Crash { pause_ms }),
        1 => (-5_000_000_i64..5_000_000).prop_map(Step::SetClock),
    ]
}

proptest! {
    #[test]
    fn every_line_adds_up_whatever_happens(steps in proptest::collection::vec(any_step(), 1..200), tags in 1_usize..4) {
        let mut run = Run::new(group("m", 1_000, tags));
        let mut now_ms = 0;
        let mut due_ms = 0;
        for step in steps {
            match step {
                Step::Scan { late_ms, bad } => {
                    let readings = vec![Some(if bad { Reading::Bad(Why::Timeout) } else { good() }); tags];
                    run.scan(due_ms, due_ms + late_ms, readings);
                    now_ms = now_ms.max(due_ms + late_ms);
                    due_ms += 1_000 * (1 + late_ms / 1_000);
                }
                Step::Skip(seconds) => due_ms += seconds * 1_000,
                Step::Value(all) => {
                    let mut readings = vec![Some(good()); tags];
                    readings[0] = readings[0].take().filter(|_| all);
                    run.values(now_ms, readings);
                }
                Step::Sign(lives) => run.sign(now_ms, (!lives).then_some(Why::Closed)),
                Step::Down => run.link_is_down(now_ms, Why::Refused),
                Step::Store => run.store(now_ms),
                Step::Reload(after_ms) => {
                    now_ms += after_ms;
                    run.group = group("m", 1_000, 1 + (run.group.tags.len() + after_ms as usize) % tags.max(2));
                    run.expect(now_ms);
                    run.group = group("m", 1_000, tags);
                    run.expect(now_ms);
                    due_ms = now_ms;
                }
                Step::Crash { pause_ms } => {
                    run.restart(now_ms, pause_ms);
                    (now_ms, due_ms) = (0, 0);
                }
                Step::SetClock(ms) => run.offset_ms += ms,
            }
            now_ms = now_ms.max(due_ms.saturating_sub(1_000));
            prop_assert!(run.sum().closes());
        }
        run.store(now_ms);
        run.store(now_ms);
        prop_assert!(run.sum().closes(), "{:?}", run.sum());
        for ((_, account), (tally, _)) in &run.stored {
            prop_assert_eq!(account.period_ms, 1_000);
            prop_assert!(tally.closes());
        }
    }

    /// Against an account that knows nothing of slots: what was expected is the time that went by, divided by the period.
    #[test]
    fn what_is_expected_is_the_time_that_went_by(
        fates in proptest::collection::vec((0_u64..5, 0_u64..400, any::<bool>()), 1..300),
        crashes in proptest::collection::vec((0_usize..300, 1_u64..10_000), 0..4),
    ) {
        let mut run = Run::new(group("m", 1_000, 1));
        let began = run.wall(0);
        let mut due_ms = 0;
        let mut scans = 0;
        for (n, (missed, late_ms, stores)) in fates.into_iter().enumerate() {
            due_ms += missed * 1_000;
            run.scan(due_ms, due_ms + late_ms, vec![Some(good())]);
            scans += 1;
            due_ms += 1_000;
            if stores {
                run.store(due_ms - 500);
            }
            if let Some((_, pause)) = crashes.iter().find(|(at, _)| *at == n) {
                let is_stored = !run.stored.is_empty();
                run.restart(due_ms, pause * 1_000);
                due_ms = 0;
                if !is_stored {
                    return Ok(()); // nothing is known of before
                }
            }
        }
        (0..4).for_each(|_| run.store(due_ms));
        let lived = (run.wall(due_ms).0 - began.0) as u64 / 1_000;
        let sum = run.sum();
        prop_assert!(sum.closes());
        prop_assert_eq!(sum.expected, lived);
        prop_assert!(sum.good <= scans);
    }
}
