//! Blocks that repeat: a meter of many circuits, a controller of many channels, holds the same row of values again and again, so
//! many registers further on each time. Pure.
//!
//! The distance is found from the registers alone (where something stands, how large, whether it moves). Then what was read at
//! the same place of the other blocks speaks for the same kind here.

use std::collections::BTreeMap;

use super::kinds::{KINDS, Kind};
use super::stretch::{Piece, Stretch};

/// What the same places of the other blocks hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Repeat {
    votes: BTreeMap<u16, Votes>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Votes {
    of_kind: [f64; KINDS],
    all: f64,
}

impl Repeat {
    /// Of a table that was read so, in blocks of so many registers.
    pub fn of(pieces: &[Piece], block: u16) -> Repeat {
        /// Blocks on each side that vote.
        const BLOCKS: u16 = 16;
        let mut votes: BTreeMap<u16, Votes> = BTreeMap::new();
        for piece in pieces {
            for n in 0..piece.data_type.width() {
                let at = piece.offset + n;
                let far = |k: u16| k.checked_mul(block);
                let behind = (1..=BLOCKS).map_while(|k| at.checked_add(far(k)?));
                let before = (1..=BLOCKS).map_while(|k| at.checked_sub(far(k)?));
                for there in behind.chain(before) {
                    let votes = votes.entry(there).or_default();
                    votes.all += 1.0;
                    // Where only the second half of a value stands, none begins.
                    if n == 0 {
                        votes.of_kind[piece.kind() as usize] += 1.0;
                    }
                }
            }
        }
        Repeat { votes }
    }

    /// More bits for a value of this kind here, or less.
    pub fn cost(&self, offset: u16, kind: Kind) -> f64 {
        /// So many votes weigh as much as none.
        const DOUBT: f64 = 2.5;
        /// Of these, for any one kind.
        const SHARE: f64 = 0.35;
        let Some(votes) = self.votes.get(&offset) else { return 0.0 };
        -((votes.of_kind[kind as usize] + DOUBT * SHARE) / ((votes.all + DOUBT) * SHARE)).log2()
    }
}

/// How many registers a block has, where the same row comes again and again: far more registers than usual are like those so many
/// further on.
pub(super) fn block(stretches: &[Stretch]) -> Option<u16> {
    const LONGEST: u16 = 256;
    /// Registers that agree, of those that are compared.
    const LEAST: f64 = 0.6;
    /// And so much more than at other distances: where everything is alike, nothing repeats.
    const MORE: f64 = 0.4;
    let traits = traits(stretches);
    let (first, last) = (*traits.keys().next()?, *traits.keys().next_back()?);
    let shares: Vec<(f64, u16)> =
        (2..=(last - first).min(LONGEST)).map(|distance| (agreement(&traits, distance), distance)).collect();
    let mut sorted: Vec<f64> = shares.iter().map(|share| share.0).collect();
    sorted.sort_by(f64::total_cmp);
    let (usual, best) = (*sorted.get(sorted.len() / 2)?, *sorted.last()?);
    let is_clear = best >= LEAST && best - usual >= MORE;
    // Twice the distance is as good: the shortest is the block.
    shares.into_iter().find(|share| is_clear && share.0 > best - 0.05).map(|share| share.1)
}

/// The share of registers that are like those so many further on; a few are none.
fn agreement(traits: &BTreeMap<u16, Trait>, distance: u16) -> f64 {
    const FEW: usize = 6;
    let (Some(first), Some(last)) = (traits.keys().next(), traits.keys().next_back()) else { return 0.0 };
    let (mut same, mut other) = (0, 0.0);
    for (at, own) in traits.range(..=last.saturating_sub(distance)) {
        match traits.get(&(at + distance)) {
            Some(there) if there.0 == own.0 && there.1.abs_diff(own.1) <= 3 => same += 1,
            Some(_) => other += 0.7,
            None => other += 1.0,
        }
    }
    let later = traits.range(first.saturating_add(distance)..);
    other += later.filter(|(at, _)| !traits.contains_key(&(*at - distance))).count() as f64;
    if same < FEW { 0.0 } else { same as f64 / (same as f64 + other) }
}

/// How a register behaves (it stands still, it wobbles, it leaps), and how many bits it has.
type Trait = (u8, u32);

/// Those with something in them.
fn traits(stretches: &[Stretch]) -> BTreeMap<u16, Trait> {
    let mut found = BTreeMap::new();
    for stretch in stretches {
        for at in 0..stretch.length() {
            let words = || stretch.looks.iter().map(|look| look[at]);
            let (low, high) = (words().min().unwrap_or(0), words().max().unwrap_or(0));
            let behaviour = match high - low {
                0 => 0,
                wobble if wobble <= (high / 10).max(8) => 1,
                _ => 2,
            };
            if high > 0 {
                found.insert(stretch.first + at as u16, (behaviour, 16 - stretch.looks[0][at].leading_zeros()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::{DataType, Order};

    fn stretch(words: Vec<u16>) -> Stretch {
        Stretch { first: 100, begins: 100, looks: vec![words.clone(), words] }
    }

    #[test]
    fn a_row_that_comes_again_and_again_is_a_block() {
        let row = |n: u16| [2300 + n, 400 + 10 * n, 0, 9000 + 700 * n, 0, 0, 3, 50 + n, 0, 0, 0];
        assert_eq!(block(&[stretch((0..5).flat_map(row).collect())]), Some(11));
        // Where everything is alike, nothing repeats.
        assert_eq!(block(&[stretch((0..50).map(|n| 2300 + n).collect())]), None);
    }

    #[test]
    fn what_the_other_blocks_hold_speaks_for_the_same_here() {
        let order = Order::default();
        let piece = |offset| Piece { offset, data_type: DataType::U32, order, is_clock: false };
        let repeat = Repeat::of(&[piece(100), piece(116), piece(132)], 16);
        assert!(repeat.cost(148, Kind::Whole32) < 0.0 && repeat.cost(148, Kind::Whole16) > 0.0);
        // No value begins where the second half of one stands.
        assert!(repeat.cost(149, Kind::Whole16) > 0.0);
        assert_eq!(repeat.cost(150, Kind::Whole16), 0.0);
    }
}
