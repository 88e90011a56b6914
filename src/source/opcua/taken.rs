//! When values were taken that a server hands over later than at once: after a line was cut it sends its queue, several values of each tag
//! that changed meanwhile. Pure.
//!
//! The rule: only the server's own clock is asked, for the time of sampling and for the present alike, so that no difference of clocks makes
//! anything old; and what it says is believed only if it fits what was heard before. What is in doubt was taken now.

use std::collections::BTreeMap;

use super::gather::Layer;
use crate::model::Timestamp;

/// What is known of the moment in which values are handed over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Handover {
    /// The present by the server's clock; `None`: it did not say.
    pub(super) server_now: Option<Timestamp>,
    /// Nothing of it is older than this, ms: what came before was heard.
    pub(super) since_ms: u64,
    /// The message is sent for the second time: nobody heard it the first time, which was so long ago, ms; 0: nobody knows when.
    pub(super) again: Option<u64>,
}

/// What is younger was taken now.
const AT_ONCE_MS: u64 = 1_000;

/// A publishing interval, and the work of both sides.
const SLACK_MS: u64 = 10_000;

/// What of the values is old.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ages {
    /// Of each layer, reading by reading, ms; `None`: all of it was taken now.
    pub(super) layers: Vec<Option<Box<[u64]>>>,
    /// All of it is that old, as far as can be known. If not, what is newer may come with a later time.
    pub(super) is_sure: bool,
}

/// The ages of values. Of a tag of which one value comes alone it is none: it holds now, though it may have changed long ago.
pub(super) fn ages(layers: &[(usize, Layer)], handover: Handover) -> Ages {
    let Handover { since_ms, again, .. } = handover;
    let mut count: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for (group, layer) in layers {
        let there = layer.readings.iter().enumerate().filter(|(_, reading)| reading.is_some());
        there.for_each(|(place, _)| *count.entry((*group, place)).or_default() += 1);
    }
    let is_kept = |group, place| again.is_some() || count.get(&(group, place)).is_some_and(|count| *count > 1);
    let by_server = |layer: &Layer, place: usize| {
        let taken = layer.stamps.get(place)?.server?;
        u64::try_from(handover.server_now?.0.saturating_sub(taken.0)).ok()
    };
    let kept = layers.iter().flat_map(|(group, layer)| {
        let places = (0..layer.readings.len()).filter(|place| layer.readings[*place].is_some());
        places.filter(|place| is_kept(*group, *place)).map(|place| by_server(layer, place))
    });
    // Nothing of it can be older than what was heard before, and the newest that comes for the first time is of the present.
    let told: Option<Vec<u64>> = kept.collect();
    let is_plausible = told.is_some_and(|told| {
        let newest = told.iter().min().is_none_or(|newest| again.is_some() || *newest <= SLACK_MS);
        newest && told.iter().all(|age| *age <= since_ms.saturating_add(SLACK_MS))
    });
    let age = |group: usize, layer: &Layer, place: usize| {
        let told = by_server(layer, place).filter(|_| is_plausible && is_kept(group, place));
        let age = told.or(again).unwrap_or(0);
        if age < AT_ONCE_MS { 0 } else { age }
    };
    let of_layer = |(group, layer): &(usize, Layer)| {
        let ages: Box<[u64]> = (0..layer.readings.len()).map(|place| age(*group, layer, place)).collect();
        let is_old = |(age, reading): (&u64, &Option<_>)| *age > 0 && reading.is_some();
        ages.iter().zip(&layer.readings).any(is_old).then_some(ages)
    };
    let is_sure = is_plausible || again.is_none_or(|again| again > 0);
    Ages { layers: layers.iter().map(of_layer).collect(), is_sure }
}

#[cfg(test)]
mod tests {
    use super::super::gather::Gatherer;
    use super::*;
    use crate::model::{Reading, Stamp, Value};

    const NOW: i64 = 1_772_452_800_000;

    /// Values of one group: place, and the time of sampling by the server in seconds before now.
    #[track_caller]
    fn check(values: &[(usize, Option<i64>)], handover: Handover, expected: &[Option<Vec<u64>>]) -> bool {
        let mut gatherer = Gatherer::default();
        for (place, before) in values {
            let server = before.map(|before| Timestamp(NOW - before * 1_000));
            gatherer.put(0, 2, *place, Reading::Good(Value::I64(1)), Stamp { server, ..Stamp::default() });
        }
        let found = ages(&gatherer.take(), handover);
        assert_eq!(found.layers.into_iter().map(|it| it.map(Vec::from)).collect::<Vec<_>>(), expected);
        found.is_sure
    }

    #[test]
    fn the_values_of_a_queue_are_as_old_as_the_server_says_if_that_can_be() {
        let after = |since_ms| Handover { server_now: Some(Timestamp(NOW)), since_ms, again: None };
        let queue = [(0, Some(240)), (0, Some(60)), (0, Some(2)), (1, Some(5_000))];
        check(&queue, after(300_000), &[Some(vec![240_000, 0]), Some(vec![60_000, 0]), Some(vec![2_000, 0])]);
        check(&queue, after(100_000), &[None, None, None]); // older than what was heard before
        check(&[(0, Some(240)), (0, Some(60))], after(300_000), &[None, None]); // what it was since, nobody says
        check(&[(0, Some(240)), (0, None)], after(300_000), &[None, None]);
        check(&[(0, Some(-3)), (0, Some(0))], after(300_000), &[None, None]);
        check(&[(0, Some(8 * 3_600 + 1)), (0, Some(8 * 3_600))], after(500), &[None, None]); // another time zone
        check(&[(0, Some(0)), (0, Some(0))], after(500), &[None, None]);
        assert!(check(&queue, Handover { server_now: None, ..after(300_000) }, &[None, None, None]));
    }

    #[test]
    fn what_is_sent_again_is_as_old_as_its_values_or_else_as_the_message() {
        let again = |since_ms, again| Handover { server_now: Some(Timestamp(NOW)), since_ms, again: Some(again) };
        let values = [(0, Some(91)), (1, Some(88))];
        assert!(check(&values, again(100_000, 90_000), &[Some(vec![91_000, 88_000])]));
        assert!(check(&values, again(100_000, 0), &[Some(vec![91_000, 88_000])]));
        assert!(check(&values, again(50_000, 45_000), &[Some(vec![45_000, 45_000])]));
        assert!(!check(&values, again(50_000, 0), &[None]), "nobody knows when it was");
    }
}
