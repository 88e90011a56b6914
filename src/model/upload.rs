//! Uploads: what became of the records of one device on their way to one sink, by the hour in which they were taken. Counts, and a
//! histogram of the delays, so that hours, devices and sinks can be added up. Pure.
//!
//! The rule: what was handed over was due, be it that nobody saw it made; so no share is ever above one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Upper bounds of the first ten buckets, ms: the R10 series, each about a quarter above the one before. Those behind them are ten times, a hundred
/// times as long, and so on.
const SERIES: [u64; 10] = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800];

/// Decades of buckets: from 0.1 s to 92 days. What took longer is in the last one.
const DECADES: u32 = 8;

/// How long records took from the machine to the acknowledgement: how many in which bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delays(BTreeMap<u8, u64>);

/// What became of the records of a device on their way to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upload {
    /// Made while the sink was to get some of the device's tags.
    pub made: u64,
    /// Acknowledged.
    pub acked: u64,
    /// Passed over, since nothing in them is for this sink.
    pub passed: u64,
    /// Given up: too large, or in quarantine.
    pub given_up: u64,
    /// Of those that were acknowledged, as far as both clocks could be trusted.
    pub delays: Delays,
}

/// Of which device, to which sink, taken in which hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// First moment of the hour.
    pub hour: Timestamp,
    /// The device's id.
    pub device: String,
    /// The sink's name.
    pub sink: String,
}

/// The longest delay in a bucket, ms.
fn bound(bucket: u8) -> u64 {
    let (decade, step) = (u32::from(bucket) / 10, usize::from(bucket) % 10);
    SERIES[step].saturating_mul(10_u64.saturating_pow(decade))
}

impl Delays {
    /// One more.
    pub fn note(&mut self, ms: u64) {
        let last = (DECADES * 10 - 1) as u8;
        let bucket = (0..last).find(|bucket| ms <= bound(*bucket)).unwrap_or(last);
        *self.0.entry(bucket).or_default() += 1;
    }

    /// All of another one.
    pub fn add(&mut self, other: &Delays) {
        for (bucket, count) in &other.0 {
            let place = self.0.entry(*bucket).or_default();
            *place = place.saturating_add(*count);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// So many percent took no longer than this, ms: the upper bound of the bucket in which that one lies, at most a quarter above the true
    /// value from 0.1 s on. `None`: there is none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (u128::from(self.count()) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        self.0.iter().find_map(|(bucket, count)| {
            seen += u128::from(*count);
            (seen >= wanted).then(|| bound((*bucket).min((DECADES * 10 - 1) as u8)))
        })
    }
}

impl Upload {
    /// Adds what another one counted.
    pub fn add(&mut self, other: &Upload) {
        for (sum, more) in [
            (&mut self.made, other.made),
            (&mut self.acked, other.acked),
            (&mut self.passed, other.passed),
            (&mut self.given_up, other.given_up),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.delays.add(&other.delays);
    }

    /// Records that the sink was to get. What it got or refused was due also where nobody counted that it was made: before the sink was configured,
    /// or in the last minute before a crash. To be asked of one route; sums are sums of what this says of each.
    pub fn due(&self) -> u64 {
        self.made.max(self.acked.saturating_add(self.passed).saturating_add(self.given_up)).saturating_sub(self.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(ms: &[u64]) -> Delays {
        let mut delays = Delays::default();
        ms.iter().for_each(|ms| delays.note(*ms));
        delays
    }

    #[test]
    fn a_percentile_is_never_below_the_truth_and_at_most_a_quarter_above_it() {
        let mut all: Vec<u64> = (0..2_000_u64).map(|n| 100 + n * n * 7).collect();
        let found = delays(&all);
        all.sort_unstable();
        for percent in [1, 50, 95, 99, 100] {
            let truth = all[(all.len() * percent as usize).div_ceil(100) - 1];
            let shown = found.percentile(percent).unwrap();
            assert!(shown >= truth && shown * 100 <= truth * 128, "{percent} %: {shown}, in truth {truth}");
        }
    }

    #[test]
    fn what_is_shorter_than_a_tenth_of_a_second_and_longer_than_three_months_has_a_place_too() {
        assert_eq!(delays(&[0]).percentile(50), Some(100));
        assert_eq!(delays(&[u64::MAX]).percentile(50), Some(8_000_000_000));
        assert_eq!(delays(&[]).percentile(95), None);
    }

    #[test]
    fn hours_add_up_to_the_day_in_any_order() {
        let (a, b) = (delays(&[100, 5_000, 90_000]), delays(&[120, 5_001]));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.add(&b);
        ba.add(&a);
        assert_eq!((ab.clone(), ab.count()), (ba, 5));
        assert_eq!(ab, delays(&[90_000, 5_001, 120, 100, 5_000]));
    }

    #[test]
    fn what_was_handed_over_was_due_and_what_is_not_for_the_sink_was_not() {
        let due = |made, acked, passed, given_up| Upload { made, acked, passed, given_up, ..Upload::default() }.due();
        assert_eq!(due(100, 60, 0, 0), 100, "40 still wait, or are lost");
        assert_eq!(due(100, 60, 40, 0), 60);
        assert_eq!(due(0, 60, 0, 1), 61, "made before the sink was configured");
        assert_eq!(due(90, 100, 0, 0), 100, "a crash took the last counts of what was made");
    }

    #[test]
    fn a_histogram_comes_back_from_the_disk_as_it_was() {
        let before = delays(&[1, 1, 7_777]);
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(text, r#"{"0":2,"19":1}"#);
        assert_eq!(serde_json::from_str::<Delays>(&text).unwrap(), before);
    }
}
