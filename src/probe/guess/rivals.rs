//! Numbers that could nearly as well be read otherwise. Pure. Two small registers that stand still may be one long number, and a long
//! number two: where the other reading makes the message hardly longer, it is kept with the guess, for the one who has the display
//! before him.

use super::cut::Rival;
use super::kinds::Kind;
use super::{Alternative, Guess};
use crate::config::modbus::DataType;

/// Gives each guess its rivals, at most a few, the likeliest first. One that begins in a register of nothing belongs to the first guess
/// that it would replace.
pub(super) fn name(guesses: &mut [Guess], rivals: &[Rival]) {
    const MOST: usize = 3;
    let mut sorted: Vec<&Rival> = rivals.iter().collect();
    sorted.sort_by(|a, b| a.more.total_cmp(&b.more));
    for piece in
        sorted.into_iter().map(|rival| rival.piece).filter(|piece| !matches!(piece.data_type, DataType::Text(_)))
    {
        let last = piece.offset + (piece.data_type.width() - 1);
        // They are in the order of their addresses, and do not overlap.
        let place = guesses.partition_point(|guess| guess.last() < piece.offset);
        let Some(guess) = guesses.get_mut(place).filter(|guess| guess.offset <= last) else { continue };
        let other = Alternative { offset: piece.offset, data_type: piece.data_type, order: piece.order };
        let named = guess.alternatives.iter().chain(&guess.rivals).copied();
        let own = Alternative { offset: guess.offset, data_type: guess.data_type, order: guess.order };
        let is_new = named.chain([own]).all(|named| !is_same(named, other));
        if is_new && guess.rivals.len() < MOST {
            guess.rivals.push(other);
        }
    }
}

/// They read the same number: a sign makes no difference, nor does the order of one register.
fn is_same(a: Alternative, b: Alternative) -> bool {
    let of = |one: Alternative| (one.offset, Kind::of(one.data_type), one.data_type.width());
    of(a) == of(b) && (a.data_type.width() == 1 || a.order == b.order)
}
