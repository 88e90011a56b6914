//! Cycles: how long each took, as a histogram that can be added (O13). A cycle is the time from one accepted count to the next while the
//! machine runs without a break; where several were counted at once, each took its part.
//!
//! The rule: percentiles of a shift, a day or a month come from added buckets, never from other percentiles. A bucket is 1 % wide, so a
//! percentile is right to half of that. What is shorter than five scans cannot be measured by looking so seldom: it is
//! counted, as shorter than all others, and a percentile that falls there has no value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::exact::Ratio;

/// Scans in a cycle, at least: a count is seen up to one scan late, which is then at most 20 % of a cycle.
pub(super) const SCANS: i64 = 5;

/// Buckets: from 1 ms to 7 days, as long as a standard cycle may be.
const BUCKETS: usize = 2_038;

/// Where buckets begin, in µs; the last edge ends the last one. Whole numbers, so that a stranger gets the same:
/// `edge += edge // 100`, from 1000 on.
static EDGES: [u64; BUCKETS + 1] = edges();

const fn edges() -> [u64; BUCKETS + 1] {
    let mut edges = [1_000; BUCKETS + 1];
    let mut n = 1;
    while n <= BUCKETS {
        edges[n] = edges[n - 1] + edges[n - 1] / 100;
        n += 1;
    }
    edges
}

/// How many cycles took how long.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cycles {
    /// Shorter than five scans.
    #[serde(default)]
    pub coarse: u64,
    /// By bucket.
    #[serde(default)]
    pub buckets: BTreeMap<u16, u64>,
}

/// A percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentile {
    /// There was no cycle.
    None,
    /// It was too short for the scans.
    Coarse,
    /// The middle of its bucket, in seconds.
    Seconds(Ratio),
}

impl Cycles {
    /// So many cycles took so many ms together.
    pub(super) fn put(&mut self, ms: i64, count: u64, coarse_ms: i64) {
        let (us, each) = (u128::try_from(ms).unwrap_or(0) * 1_000, u128::from(count));
        let is_coarse = i128::from(ms) < i128::from(coarse_ms) * i128::from(count);
        if is_coarse || us < u128::from(EDGES[0]) * each {
            self.coarse += count;
            return;
        }
        let above = EDGES.partition_point(|edge| u128::from(*edge) * each <= us);
        let bucket = above.saturating_sub(1).min(BUCKETS - 1);
        *self.buckets.entry(u16::try_from(bucket).unwrap_or(u16::MAX)).or_default() += count;
    }

    /// Adds another.
    pub(super) fn add(&mut self, other: &Cycles) {
        self.coarse += other.coarse;
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.coarse == 0 && self.buckets.is_empty()
    }

    /// All of them.
    pub fn count(&self) -> u64 {
        self.coarse + self.buckets.values().sum::<u64>()
    }

    /// The shortest time that so many percent of the cycles do not exceed (nearest rank).
    pub fn percentile(&self, percent: u64) -> Percentile {
        let count = self.count();
        if count == 0 {
            return Percentile::None;
        }
        let rank = (count * percent).div_ceil(100).max(1);
        let mut below = self.coarse;
        if rank <= below {
            return Percentile::Coarse;
        }
        for (bucket, count) in &self.buckets {
            below += count;
            if rank <= below {
                return middle(*bucket).map_or(Percentile::None, Percentile::Seconds);
            }
        }
        Percentile::None
    }

    /// From, up to and without, in µs, and how many: what a person adds up.
    pub fn rows(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        let row = |(bucket, count): (&u16, &u64)| {
            let at = usize::from(*bucket);
            Some((*EDGES.get(at)?, *EDGES.get(at + 1)?, *count))
        };
        self.buckets.iter().filter_map(row)
    }
}

/// The middle of a bucket in seconds.
fn middle(bucket: u16) -> Option<Ratio> {
    let (from, to) = (EDGES.get(usize::from(bucket))?, EDGES.get(usize::from(bucket) + 1)?);
    Ratio::new(i128::from(from + to), 2_000_000)
}

/// Finds cycles among the counts of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    /// The last count; it has run ever since.
    since: Option<i64>,
    /// Counted at this moment, by several counters perhaps.
    counted: Option<Counted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    at: i64,
    count: u64,
    /// When they were counted is not known.
    is_lost: bool,
}

/// Cycles that ended together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) at: i64,
    pub(super) ms: i64,
    pub(super) count: u64,
}

impl Watch {
    /// So many were counted; `None`: nobody knows when.
    pub(super) fn count(&mut self, at: i64, count: Option<u64>) {
        if count == Some(0) {
            return;
        }
        let counted = self.counted.get_or_insert(Counted { at, count: 0, is_lost: false });
        counted.count += count.unwrap_or(0);
        counted.is_lost |= count.is_none();
    }

    /// The clock has stepped: the next cycle begins with the next count.
    pub(super) fn cut(&mut self) {
        self.since = None;
    }

    /// Time goes on from here, in run or not: all that was counted up to here is known.
    pub(super) fn go_on(&mut self, is_run: bool) -> Option<Ended> {
        let mut ended = None;
        if let Some(Counted { at, count, is_lost }) = self.counted.take() {
            ended = self.since.filter(|_| !is_lost).map(|since| Ended { at, ms: at - since, count });
            self.since = (!is_lost).then_some(at);
        }
        if !is_run {
            self.since = None;
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many of so many ms each.
    fn of(cycles: &[(i64, u64)], coarse_ms: i64) -> Cycles {
        let mut all = Cycles::default();
        cycles.iter().for_each(|(ms, count)| all.put(ms * *count as i64, *count, coarse_ms));
        all
    }

    fn shown(percentile: Percentile) -> String {
        match percentile {
            Percentile::None => "none".to_owned(),
            Percentile::Coarse => "coarse".to_owned(),
            Percentile::Seconds(it) => it.rounded().map(|it| it.to_string()).unwrap_or_default(),
        }
    }

    #[test]
    fn buckets_are_one_percent_wide_and_reach_from_a_millisecond_to_a_week() {
        assert_eq!(EDGES[..3], [1_000, 1_010, 1_020]);
        assert!(EDGES.windows(2).all(|pair| pair[1] - pair[0] == pair[0] / 100));
        assert!(EDGES[BUCKETS] > 7 * 86_400_000_000 && EDGES[BUCKETS - 1] < 7 * 86_400_000_000);
    }

    /// By hand: 40 s lies in the bucket from 39 617 751 to 40 013 928 µs, 80 s in that from 79 503 400 to 80 298 434.
    #[test]
    fn a_percentile_is_the_middle_of_the_bucket_of_the_nearest_rank() {
        let cycles = of(&[(40_000, 19), (80_000, 1)], 0);
        let rows: Vec<_> = cycles.rows().collect();
        assert_eq!(rows, [(39_617_751, 40_013_928, 19), (79_503_400, 80_298_434, 1)]);
        assert_eq!([50, 95, 96].map(|n| shown(cycles.percentile(n))), ["39.81584", "39.81584", "79.900917"]);
    }

    #[test]
    fn several_at_once_share_their_time_and_added_parts_give_the_percentile_of_the_whole() {
        let mut at_once = Cycles::default();
        at_once.put(120_000, 3, 0);
        assert_eq!(at_once, of(&[(40_000, 1), (40_000, 1), (40_000, 1)], 0));
        let (mut a, b) = (of(&[(1_000, 9), (5_000, 1)], 0), of(&[(9_000, 30)], 0));
        a.add(&b);
        assert_eq!(a, of(&[(9_000, 30), (5_000, 1), (1_000, 9)], 0));
        assert_eq!(shown(a.percentile(25)), shown(of(&[(5_000, 1)], 0).percentile(50)));
    }

    #[test]
    fn what_is_shorter_than_five_scans_has_a_rank_and_no_value() {
        let cycles = of(&[(5_000, 1), (4_999, 6), (9_000, 3)], 5_000);
        assert_eq!(cycles.coarse, 6);
        let mut twice = cycles.clone();
        twice.add(&cycles);
        assert_eq!((twice.coarse, twice.count()), (12, 20));
        assert_eq!([60, 61].map(|n| shown(cycles.percentile(n)) == "coarse"), [true, false]);
        assert_eq!(shown(Cycles::default().percentile(50)), "none");
    }

    #[test]
    fn a_cycle_is_one_only_if_it_ran_from_count_to_count() {
        let mut watch = Watch::default();
        let mut step = |at: i64, count: Option<u64>, is_run: bool| {
            watch.count(at, count);
            watch.go_on(is_run).map(|ended| (ended.ms, ended.count))
        };
        assert_eq!(step(10, Some(1), true), None);
        assert_eq!(step(30, Some(0), true), None, "a scan that counts nothing");
        assert_eq!(step(50, Some(2), false), Some((40, 2)), "it stops with the second");
        assert_eq!(step(70, Some(1), true), None, "it stood in between");
        assert_eq!(step(75, None, true), None);
        assert_eq!(step(90, Some(1), true), None, "nobody knows when the one before was");
        assert_eq!(step(95, Some(1), true), Some((5, 1)));
        watch.cut();
        watch.count(97, Some(1));
        assert_eq!(watch.go_on(true), None, "the clock has stepped");
        watch.count(99, Some(1));
        watch.count(99, Some(1));
        assert_eq!(watch.go_on(true), Some(Ended { at: 99, ms: 2, count: 2 }), "good and bad of one moment");
    }
}
