//! What goes when there is no room: in the right order, counted, and told; whatever the order of events.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::Priority;

const DEVICES: [(&str, Priority); 3] = [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High)];

fn priorities() -> std::collections::HashMap<Arc<str>, Priority> {
    DEVICES.into_iter().map(|(device, priority)| (device.into(), priority)).collect()
}

fn with_priorities(max_size: u64) -> Limits {
    Limits { max_size, priorities: priorities(), ..Limits::default() }
}

/// A journal whose commits cost nothing: what is tried here is not what survives a power cut.
fn quick(dir: &Path, limits: Limits) -> Journal {
    let journal = open_once_free(|| settings(dir, limits.clone()));
    journal.connection.pragma_update(None, "synchronous", "OFF").unwrap();
    journal
}

/// A record of some 1.7 kB.
fn noisy(device: &str, at: i64, seed: i64) -> NewData {
    let readings: Vec<i64> =
        (0..200).map(|n| (seed * 1_000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64)).collect();
    NewData::new(group(device, 200), vec![scan(at, &readings)])
}

fn round(now: i64) -> Round {
    Round { mono: Duration::from_millis((now - NOW.0).max(0) as u64), ..Round::from(Timestamp(now)) }
}

/// Positions in the file by device.
fn there(journal: &Journal) -> BTreeMap<Seq, String> {
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let records = data(&mut reader, 0, 1_000_000, 1_000_000_000);
    records.iter().map(|record| (record.seq, record.group.device.to_string())).collect()
}

fn of(there: &BTreeMap<Seq, String>, device: &str) -> Vec<Seq> {
    there.iter().filter(|(_, of)| *of == device).map(|(seq, _)| *seq).collect()
}

#[test]
fn low_goes_before_normal_and_normal_before_high_each_the_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = quick(dir.path(), with_priorities(1 << 30));
    journal.cursor("cloud", Stream::Data);
    for i in 0..60 {
        let new = DEVICES.iter().map(|(device, _)| noisy(device, NOW.0, i * 3)).collect();
        commit(&mut journal, new, Vec::new());
    }
    let all = there(&journal);
    let mut gone: Vec<(Seq, String)> = Vec::new();
    for max_size in (0..20).rev().map(|step| step * 20_000) {
        let before = there(&journal);
        journal.set_limits(with_priorities(max_size));
        let dropped = journal.maintain(NOW).unwrap();
        let after = there(&journal);
        let went: Vec<_> = before.into_iter().filter(|(seq, _)| !after.contains_key(seq)).collect();
        assert_eq!(dropped.iter().map(|dropped| dropped.records).sum::<u64>(), went.len() as u64);
        let rank = |device: &str| DEVICES.iter().position(|(known, _)| *known == device).unwrap();
        let mut went = went;
        went.sort_by_key(|(seq, device)| (rank(device), *seq));
        gone.extend(went);
    }
    let expected: Vec<_> = ["low", "normal", "high"].iter().flat_map(|device| of(&all, device)).collect();
    assert_eq!(gone.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), expected);
    assert_eq!(lost(&journal), [(1, 180, LossCause::MaxSize)]);
    let held = journal.status().data;
    assert_eq!((held.records, held.dropped_records, held.dropped_samples), (0, 180, 180 * 200));
}

#[test]
fn a_drop_in_the_middle_of_the_queue_leaves_a_gap_that_is_told_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = quick(dir.path(), with_priorities(1 << 30));
    journal.cursor("cloud", Stream::Data);
    for i in 0..30 {
        let device = if (10..20).contains(&i) { "low" } else { "normal" };
        commit(&mut journal, vec![noisy(device, NOW.0, i)], Vec::new());
    }
    journal.set_limits(with_priorities(84_000));
    journal.maintain(NOW).unwrap();
    let (first, last) = match lost(&journal)[..] {
        [(first, last, LossCause::MaxSize)] => (first, last),
        ref other => panic!("{other:?}"),
    };
    assert!(first == 11 && last <= 20, "{first} to {last}");
    let left: Vec<Seq> = there(&journal).into_keys().collect();
    assert_eq!(left, (1..first).chain(last + 1..=30).collect::<Vec<_>>());
    drop(journal);
    let journal = quick(dir.path(), with_priorities(1 << 30));
    assert_eq!(lost(&journal), [(first, last, LossCause::MaxSize)], "and is remembered");
}

#[test]
fn too_little_free_space_costs_as_much_as_is_missing_and_gives_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { reserve: 1_000_000, ..with_priorities(1_200_000) };
    let mut journal = quick(dir.path(), limits);
    journal.cursor("cloud", Stream::Data);
    for i in 0..300 {
        commit(&mut journal, vec![noisy("normal", NOW.0, i)], Vec::new());
    }
    let free = |free| Round { free_bytes: Some(free), is_idle: false, ..Round::from(NOW) };
    assert_eq!(journal.maintain(free(1_000_000)).unwrap(), []);
    let pages = |journal: &Journal| -> i64 {
        journal.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
    };
    let before = pages(&journal);
    let dropped = journal.maintain(free(800_000)).unwrap();
    let [Dropped { cause: LossCause::Reserve, records, .. }] = dropped[..] else { panic!("{dropped:?}") };
    assert!((100..=130).contains(&records), "{records} records of 1.7 kB for 200 kB");
    let given_back = (before - pages(&journal)) * 1024;
    assert!((190_000..=260_000).contains(&given_back), "{given_back} bytes, though there is no idle time");
    journal.maintain(free(0)).unwrap();
    let left = pages(&journal) * 1024;
    assert!((280_000..=330_000).contains(&left), "{left} bytes: a quarter of what it may hold stays");
}

#[test]
fn a_local_history_stays_as_long_as_it_may_and_makes_room_first_without_being_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3_600);
    let limits = |max_size| Limits { history: Some(hour), ..with_priorities(max_size) };
    let mut journal = quick(dir.path(), limits(1 << 30));
    journal.cursor("cloud", Stream::Data);
    for i in 0..100 {
        commit(&mut journal, vec![noisy("normal", NOW.0 + i * 60_000, i)], Vec::new());
    }
    drop(journal);
    let mut journal = quick(dir.path(), limits(1 << 30));
    journal.move_cursor("cloud", Stream::Data, at(80));
    assert_eq!(journal.maintain(round(NOW.0 + 100 * 60_000)).unwrap(), []);
    assert_eq!(there(&journal).into_keys().collect::<Vec<_>>(), (41..=100).collect::<Vec<_>>());
    assert_eq!(journal.news(), [], "as it was to be");

    journal.set_limits(limits(84_000));
    assert_eq!(journal.maintain(round(NOW.0 + 100 * 60_000)).unwrap(), []);
    let left = there(&journal);
    assert!((20..60).contains(&left.len()), "{}", left.len());
    assert_eq!(left.keys().last(), Some(&100));
    let news = journal.news();
    assert_eq!(news.iter().map(|trouble| trouble.code).collect::<Vec<_>>(), [words::HISTORY_SHED]);
    assert_eq!(news[0].args, [("records", (60 - left.len()).to_string())]);
    assert_eq!((lost(&journal), journal.status().data.dropped_records), (vec![], 0));
}

#[test]
fn no_record_is_too_old_by_a_clock_that_is_not_to_be_believed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = quick(dir.path(), limits(1 << 30, DAY));
    journal.cursor("cloud", Stream::Data);
    fill(&mut journal, 5, NOW);
    let in_2050 = Round { is_trusted: false, ..Round::from(Timestamp(2_524_608_000_000)) };
    assert_eq!(journal.maintain(in_2050).unwrap(), []);
    fill(&mut journal, 5, Timestamp(0)); // the clock is back in 1970
    let later = |mono| Round { is_trusted: false, mono, ..Round::from(Timestamp(9_000)) };
    assert_eq!(journal.maintain(later(Duration::from_secs(400))).unwrap(), []);
    fill(&mut journal, 5, Timestamp(1_000));
    assert_eq!(journal.maintain(later(DAY - Duration::from_secs(1))).unwrap(), []);
    let dropped = journal.maintain(later(DAY + Duration::from_secs(400))).unwrap();
    assert_eq!(dropped, [Dropped { stream: Stream::Data, cause: LossCause::MaxAge, records: 10, samples: 20 }]);
    assert_eq!(seqs(&journal), [11, 12, 13, 14, 15], "younger than a day by the clock that nobody sets");
}

#[test]
fn a_trusted_clock_that_is_set_makes_nothing_old() {
    const DAY_MS: i64 = 86_400_000;
    let dir = tempfile::tempdir().unwrap();
    let mut journal = quick(dir.path(), limits(1 << 30, DAY));
    journal.cursor("cloud", Stream::Data);
    fill(&mut journal, 5, NOW);
    drop(journal); // five of an earlier start, and five of this one
    let mut journal = quick(dir.path(), limits(1 << 30, DAY));
    journal.cursor("cloud", Stream::Data);
    fill(&mut journal, 5, NOW.before(40 * DAY)); // read while the clock was set back
    let after = |days: u32, wall_days: i64| {
        let steady = Timestamp(NOW.0 + i64::from(days) * DAY_MS + 10_000);
        Round { mono: DAY * days, steady, ..Round::from(Timestamp(NOW.0 + wall_days * DAY_MS)) }
    };
    assert_eq!(journal.maintain(after(0, 400)).unwrap(), []);
    assert_eq!(seqs(&journal).len(), 10);
    assert_eq!(journal.maintain(after(1, -400)).unwrap()[0].records, 10, "a day later they are a day old");
    assert!(seqs(&journal).is_empty());
    fill(&mut journal, 5, NOW.before(40 * DAY));
    assert_eq!(journal.maintain(after(1, 1)).unwrap(), [], "it was set right again");
    assert_eq!(journal.maintain(after(2, 2)).unwrap(), [], "from here on they are known to be written");
    assert_eq!(journal.maintain(after(3, 3)).unwrap()[0].records, 5);
}

#[test]
fn records_without_a_time_to_be_believed_are_as_old_as_those_behind_them_and_otherwise_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = quick(dir.path(), limits(1 << 30, DAY));
    journal.cursor("cloud", Stream::Data);
    let group = group("m", 2);
    let new = |at: i64| NewData::new(group.clone(), vec![scan(at, &[1, 2])]);
    commit(&mut journal, (0..600).map(new).collect(), Vec::new()); // in 1970
    commit(&mut journal, (0..600).map(|i| new(NOW.0 + i)).collect(), Vec::new());
    commit(&mut journal, (0..600).map(new).collect(), Vec::new());
    journal.connection.execute("UPDATE data SET clock = 1 WHERE seq <= 600 OR seq > 1200", []).unwrap();
    drop(journal);
    let mut journal = quick(dir.path(), limits(1 << 30, DAY));
    journal.cursor("cloud", Stream::Data);
    assert_eq!(journal.maintain(Timestamp(NOW.0 + 86_400_000)).unwrap(), [], "the first with a time is a day old");
    let dropped = journal.maintain(Timestamp(NOW.0 + 86_400_100)).unwrap();
    assert_eq!(dropped[0].records, 700);
    let dropped = journal.maintain(Timestamp(NOW.0 + 10 * 86_400_000)).unwrap();
    assert_eq!(dropped[0].records, 500);
    assert_eq!(journal.status().data.records, 600, "of those nobody knows");
}

#[derive(Debug, Clone)]
enum Step {
    Commit { device: usize, records: i64 },
    Event,
    Ack { sink: usize, records: u64 },
    Size(u64),
    Free(u64),
    Later(i64),
    Kill,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize, 1..12_i64).prop_map(|(device, records)| Step::Commit { device, records }),
        1 => Just(Step::Event),
        2 => (0..2_usize, 0..20_u64).prop_map(|(sink, records)| Step::Ack { sink, records }),
        2 => (0..150_000_u64).prop_map(Step::Size),
        1 => (0..100_000_u64).prop_map(Step::Free),
        1 => (0..40_000_i64).prop_map(Step::Later),
        1 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Counters are the truth; nothing that a sink still wants vanishes uncounted or untold; nothing that is there is told to be lost.
    #[test]
    fn whatever_happens_every_record_is_there_or_delivered_or_counted_and_told(
        steps in prop::collection::vec(any_step(), 1..40), has_history: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let history = has_history.then_some(Duration::from_secs(20));
        let max_age = Duration::from_secs(60);
        let limits = |max_size| Limits { history, max_age, reserve: 100_000, ..with_priorities(max_size) };
        let mut journal = quick(dir.path(), limits(400_000));
        let sinks = ["cloud", "mes"];
        for sink in sinks {
            for stream in Stream::ALL {
                journal.cursor(sink, stream);
            }
        }
        let mut now = NOW.0;
        // Of each record: its device.
        let mut all: BTreeMap<Seq, usize> = BTreeMap::new();
        let mut acked = [0_u64; 2];
        let mut lost_before: BTreeSet<Seq> = BTreeSet::new();
        let mut told = 0;
        for (nth, step) in steps.into_iter().enumerate() {
            let mut round = round(now);
            let mut is_short = false;
            match step {
                Step::Commit { device, records } => {
                    let new = (0..records).map(|i| noisy(DEVICES[device].0, now + i, nth as i64 * 20 + i)).collect();
                    let committed = commit(&mut journal, new, Vec::new());
                    all.extend(committed.data.iter().map(|record| (record.seq, device)));
                    now += 1_000;
                    continue;
                }
                Step::Event => drop(commit(&mut journal, vec![], vec![NewEvent::new(Timestamp(now), link_down())])),
                Step::Ack { sink, records } => {
                    let ahead = all.range(acked[sink] + 1..).map(|(seq, _)| *seq).nth(records as usize);
                    acked[sink] = ahead.or(all.keys().last().copied()).unwrap_or(0);
                    journal.move_cursor(sinks[sink], Stream::Data, at(acked[sink]));
                }
                Step::Size(max_size) => {
                    journal.set_limits(limits(max_size));
                    is_short = true;
                }
                Step::Free(free) => {
                    round.free_bytes = Some(free);
                    is_short = true;
                }
                Step::Later(ms) => {
                    now += ms;
                    round = self::round(now);
                }
                Step::Kill => {
                    let cursors = acked;
                    drop(journal);
                    journal = quick(dir.path(), limits(400_000));
                    for (sink, position) in sinks.iter().zip(cursors) {
                        journal.move_cursor(sink, Stream::Data, at(position));
                    }
                }
            }
            let dropped = journal.maintain(round).unwrap();
            told += dropped.iter().filter(|d| d.stream == Stream::Data).map(|d| d.records).sum::<u64>();
            let floor = acked[0].min(acked[1]);
            let left = there(&journal);
            let lost: BTreeSet<Seq> = lost(&journal).iter().flat_map(|(first, last, _)| *first..=*last).collect();
            for (seq, device) in &all {
                let (is_there, is_lost) = (left.contains_key(seq), lost.contains(seq));
                prop_assert!(!(is_there && is_lost), "{seq} is there and told to be lost");
                prop_assert!(is_there || is_lost || *seq <= floor, "{seq} of {device} vanished");
            }
            let newly: Vec<Seq> = lost.difference(&lost_before).filter(|seq| all.contains_key(seq)).copied().collect();
            // Age asks for no priority.
            if is_short && dropped.iter().all(|dropped| dropped.cause != LossCause::MaxAge) {
                let gone = |device| newly.iter().any(|seq| all[seq] == device);
                let stays = |device: &str| of(&left, device).iter().any(|seq| *seq > floor);
                prop_assert!(!(gone(1) && stays("low")), "normal went before low");
                prop_assert!(!(gone(2) && (stays("low") || stays("normal"))), "high went before others");
                let by_size = dropped.iter().any(|d| matches!(d.cause, LossCause::MaxSize | LossCause::Reserve));
                prop_assert!(!(by_size && left.keys().any(|seq| *seq <= floor)), "what is delivered stayed");
            }
            lost_before.extend(lost);
            let held = journal.status().data;
            prop_assert_eq!((held.records, held.samples), (left.len() as u64, 200 * left.len() as u64));
            prop_assert_eq!(held.dropped_records, told);
            prop_assert_eq!(held.dropped_samples, 200 * told);
            prop_assert_eq!(held.oldest.map(|(seq, _)| seq), left.keys().next().copied());
        }
    }
}
