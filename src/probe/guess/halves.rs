//! A number in one register beside one that is always empty. Pure. It reads the same as one register and as two, so the registers
//! cannot tell which it is; what else it may be is kept with the guess, for the one who has the display before him.

use super::{Alternative, Guess};
use crate::config::modbus::{DataType, Order};
use crate::probe::Area;

/// What else each of these guesses may be. `known` is the order of the device's long numbers, where they show it.
pub(super) fn name(area: &Area, guesses: &mut [Guess], known: Option<Order>) {
    for n in 0..guesses.len() {
        let Some(at) = only_register(area, &guesses[n]) else { continue };
        let other_than = |guess: &Guess| guess.offset != guesses[n].offset;
        let is_free = |half: u16| {
            let is_used = |guess: &Guess| (guess.offset..=guess.last()).contains(&half);
            is_empty(area, half) && !guesses.iter().any(|guess| other_than(guess) && is_used(guess))
        };
        let long = |low_word_first: bool| {
            let order = Order { low_word_first, low_byte_first: false };
            let (first, empty) = if low_word_first { (at, at.checked_add(1)?) } else { (at.checked_sub(1)?, at - 1) };
            let is_possible = known.is_none_or(|known| known == order) && is_free(empty);
            is_possible.then_some(Alternative { offset: first, data_type: DataType::U32, order })
        };
        let short = Alternative { offset: at, data_type: DataType::U16, order: Order::default() };
        let own = |other: &Alternative| {
            (other.offset, other.data_type.width()) == (guesses[n].offset, guesses[n].data_type.width())
        };
        let others = [Some(short), long(false), long(true)];
        guesses[n].alternatives = others.into_iter().flatten().filter(|other| !own(other)).collect();
    }
}

/// The order that the long numbers of a device show: those with something in each half.
pub(super) fn order(areas: &[&Area], guesses: &[Vec<Guess>]) -> Option<Order> {
    let is_long = |area: &Area, guess: &Guess| {
        let registers = guess.offset..=guess.last();
        let is_number = !matches!(guess.data_type, DataType::Text(_)) && guess.data_type.width() > 1;
        is_number && registers.filter(|at| !is_empty(area, *at)).count() > 1
    };
    let all = areas.iter().zip(guesses).flat_map(|(area, guesses)| guesses.iter().map(move |guess| (area, guess)));
    all.filter(|(area, guess)| is_long(area, guess)).map(|(_, guess)| guess.order).next()
}

/// Where a whole number stands whose other half, if it has one, is always empty.
fn only_register(area: &Area, guess: &Guess) -> Option<u16> {
    let at = match (guess.data_type, guess.order.low_word_first) {
        // Below zero, or above half of what one register holds, it would not be the same number.
        (DataType::U16 | DataType::I16, _) => guess.offset,
        (DataType::U32 | DataType::I32, false) => guess.offset + 1,
        (DataType::U32 | DataType::I32, true) => guess.offset,
        _ => return None,
    };
    let is_short = guess.data_type.width() == 1;
    let other = if at == guess.offset { guess.last() } else { guess.offset };
    let is_alone = is_short || !guess.order.low_byte_first && is_empty(area, other);
    let is_same = guess.data_type != DataType::I16 || at_each_look(area, at).all(|word| word < 0x8000);
    (is_alone && is_same).then_some(at)
}

/// It can be read, and nothing was ever in it.
fn is_empty(area: &Area, at: u16) -> bool {
    area.cells.contains_key(&at) && at_each_look(area, at).all(|word| word == 0)
}

fn at_each_look(area: &Area, at: u16) -> impl Iterator<Item = u16> {
    area.looks.iter().chain([&area.cells]).filter_map(move |look| look.get(&at).copied())
}
