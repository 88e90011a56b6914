//! Puts values that come one by one into scans of their groups. Pure.
//!
//! A server that kept several values of one node between two publishings sends them in one message: the first of each node is
//! one scan, the second the next one, and so on. What a message says nothing of is left out, not repeated.

use std::collections::BTreeMap;

use crate::model::{Reading, Stamp};

/// One scan in the making.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) readings: Vec<Option<Reading>>,
    pub(super) stamps: Vec<Stamp>,
    /// Later scans of the same group that come with it.
    pub(super) behind: u64,
}

/// Scans in the making, by group.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    open: BTreeMap<usize, Vec<Layer>>,
}

/// Scans that are kept open at most: a server's queue is no longer than 1,000 by the configuration, and a server that ignores
/// that must not fill the memory. Beyond it the scans so far are handed on.
const MOST_LAYERS: usize = 1_000;

impl Gatherer {
    /// A value of the tag at `place` of a group of `width` tags. `true`: hand on now.
    pub(super) fn put(&mut self, group: usize, width: usize, place: usize, reading: Reading, stamp: Stamp) -> bool {
        let layers = self.open.entry(group).or_default();
        let taken = layers.iter().rposition(|layer| layer.readings[place].is_some());
        let at = taken.map_or(0, |taken| taken + 1);
        if at == layers.len() {
            layers.push(Layer { readings: vec![None; width], stamps: vec![Stamp::default(); width], behind: 0 });
        }
        layers[at].readings[place] = Some(reading);
        layers[at].stamps[place] = stamp;
        layers.len() >= MOST_LAYERS
    }

    /// Everything so far, by group, the oldest first.
    pub(super) fn take(&mut self) -> Vec<(usize, Layer)> {
        let open = std::mem::take(&mut self.open);
        let of_group = |(group, layers): (usize, Vec<Layer>)| {
            let behind = (0..layers.len() as u64).rev();
            layers.into_iter().zip(behind).map(move |(layer, behind)| (group, Layer { behind, ..layer }))
        };
        open.into_iter().flat_map(of_group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Value, Why};

    fn good(n: i64) -> Reading {
        Reading::Good(Value::I64(n))
    }

    #[test]
    fn queued_values_become_scans_in_their_order_and_nothing_is_repeated() {
        let mut gatherer = Gatherer::default();
        for (place, n) in [(0, 1), (0, 2), (1, 10), (0, 3), (1, 11)] {
            gatherer.put(4, 3, place, good(n), Stamp::default());
        }
        gatherer.put(2, 1, 0, Reading::Bad(Why::NoData), Stamp::default());
        let layers = gatherer.take();
        assert_eq!(layers.iter().map(|(_, layer)| layer.behind).collect::<Vec<_>>(), [0, 2, 1, 0]);
        let scans: Vec<(usize, Vec<Option<Reading>>)> =
            layers.into_iter().map(|(group, layer)| (group, layer.readings)).collect();
        assert_eq!(
            scans,
            [
                (2, vec![Some(Reading::Bad(Why::NoData))]),
                (4, vec![Some(good(1)), Some(good(10)), None]),
                (4, vec![Some(good(2)), Some(good(11)), None]),
                (4, vec![Some(good(3)), None, None]),
            ]
        );
        assert!(gatherer.take().is_empty());
    }

    #[test]
    fn a_server_without_measure_is_handed_on_before_it_fills_the_memory() {
        let mut gatherer = Gatherer::default();
        let full =
            (0..MOST_LAYERS as i64).map(|n| gatherer.put(0, 1, 0, good(n), Stamp::default())).position(|full| full);
        assert_eq!(full, Some(MOST_LAYERS - 1));
    }
}
