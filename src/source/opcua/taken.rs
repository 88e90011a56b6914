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
    /// The message was sent so long ago, and nobody heard it, ms.
    pub(super) message_ms: u64,
    /// So long ago the server handed something over that was not sent for the second time, ms.
    pub(super) since_ms: u64,
}

/// What is younger was taken now.
const AT_ONCE_MS: u64 = 1_000;

/// A publishing interval, and the work of both sides.
const SLACK_MS: u64 = 10_000;

/// The ages of the readings of each layer, ms; `None`: all of it was taken now. Of a tag of which one value comes alone that is the time at which
/// the message was sent: it holds, though it may have changed long ago.
pub(super) fn ages(layers: &[(usize, Layer)], handover: Handover) -> Vec<Option<Box<[u64]>>> {
    let Handover { message_ms, since_ms, .. } = handover;
    let mut several: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for (group, layer) in layers {
        let there = layer.readings.iter().enumerate().filter(|(_, reading)| reading.is_some());
        there.for_each(|(place, _)| *several.entry((*group, place)).or_default() += 1);
    }
    let is_of_several = |group: usize, place: usize| several.get(&(group, place)).is_some_and(|count| *count > 1);
    let by_server = |layer: &Layer, place: usize| {
        let taken = layer.stamps.get(place)?.server?;
        u64::try_from(handover.server_now?.0.saturating_sub(taken.0)).ok()
    };
    let of_several = layers.iter().flat_map(|(group, layer)| {
        let places = (0..layer.readings.len()).filter(|place| layer.readings[*place].is_some());
        places.filter(|place| is_of_several(*group, *place)).map(|place| by_server(layer, place))
    });
    // Nothing of it can be older than what was handed over before, and the newest of it is of the present.
    let told: Option<Vec<u64>> = of_several.collect();
    let is_plausible = told.is_some_and(|told| {
        let newest = told.iter().min().is_some_and(|newest| *newest <= message_ms + SLACK_MS);
        newest && told.iter().all(|age| *age <= message_ms.max(since_ms) + SLACK_MS)
    });
    let age = |group: usize, layer: &Layer, place: usize| {
        let told = by_server(layer, place).filter(|_| is_plausible && is_of_several(group, place));
        let age = told.unwrap_or(message_ms);
        if age < AT_ONCE_MS { 0 } else { age }
    };
    let of_layer = |(group, layer): &(usize, Layer)| {
        let ages: Box<[u64]> = (0..layer.readings.len()).map(|place| age(*group, layer, place)).collect();
        let is_there = |(age, reading): (&u64, &Option<_>)| *age > 0 && reading.is_some();
        ages.iter().zip(&layer.readings).any(is_there).then_some(ages)
    };
    layers.iter().map(of_layer).collect()
}

#[cfg(test)]
mod tests {
    use super::super::gather::Gatherer;
    use super::*;
    use crate::model::{Reading, Stamp, Value};

    const NOW: i64 = 1_772_452_800_000;

    /// Values of one group: place, and the time of sampling by the server in seconds before now.
    #[track_caller]
    fn check(values: &[(usize, Option<i64>)], handover: Handover, expected: &[Option<Vec<u64>>]) {
        let mut gatherer = Gatherer::default();
        for (place, before) in values {
            let server = before.map(|before| Timestamp(NOW - before * 1_000));
            gatherer.put(0, 2, *place, Reading::Good(Value::I64(1)), Stamp { server, ..Stamp::default() });
        }
        let found = ages(&gatherer.take(), handover);
        assert_eq!(found.into_iter().map(|it| it.map(Vec::from)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_values_of_a_queue_are_as_old_as_the_server_says_if_that_can_be() {
        let after = |since_ms| Handover { server_now: Some(Timestamp(NOW)), message_ms: 0, since_ms };
        let queue = [(0, Some(240)), (0, Some(60)), (0, Some(2)), (1, Some(5_000))];
        let ages = [Some(vec![240_000, 0]), Some(vec![60_000, 0]), Some(vec![2_000, 0])];
        check(&queue, after(300_000), &ages);
        check(&queue, after(100_000), &[None, None, None]); // older than what was heard before
        check(&[(0, Some(240)), (0, Some(60))], after(300_000), &[None, None]); // what it was since, nobody says
        check(&[(0, Some(240)), (0, None)], after(300_000), &[None, None]);
        check(&[(0, Some(-3)), (0, Some(0))], after(300_000), &[None, None]);
        check(&[(0, Some(8 * 3_600 + 1)), (0, Some(8 * 3_600))], after(500), &[None, None]); // another time zone
        check(&[(0, Some(0)), (0, Some(0))], after(500), &[None, None]);
        check(&queue, Handover { server_now: None, ..after(300_000) }, &[None, None, None]);
    }

    #[test]
    fn a_message_that_is_sent_again_makes_all_of_it_as_old_as_it_is() {
        let again = Handover { server_now: Some(Timestamp(NOW)), message_ms: 90_000, since_ms: 0 };
        check(&[(0, Some(91)), (1, Some(3_000))], again, &[Some(vec![90_000, 90_000])]);
        let queue = [(0, Some(95)), (0, Some(91))];
        check(&queue, again, &[Some(vec![95_000, 90_000]), Some(vec![91_000, 90_000])]);
    }
}
