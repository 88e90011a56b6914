//! What registers may mean, by plausibility. Pure.
//!
//! Every way to read the registers of a unit has a cost in bits: how long a message would have to be that tells what was seen at
//! each look, for someone who knows what devices are like. The shortest message wins. [`number`] and [`text`] price a value,
//! [`series`] how it moved between the looks, [`cut`] the row of values of a [`stretch`], knowing what [`kinds`] of values the device
//! has, which blocks [`repeat`], and what a [`known`] map says; [`reading`] chooses the byte orders that make all stretches together
//! cheapest, one for floats and one for whole numbers, which are mostly the same. [`halves`] adds what nobody can tell from the
//! registers, [`rivals`] what is nearly as likely.

mod cut;
mod halves;
mod kinds;
mod known;
mod number;
mod reading;
mod repeat;
mod rivals;
mod series;
mod stretch;
mod text;

use super::looks::{self, Looks};
use super::{Area, Cells};
use crate::config::modbus::{DataType, Order};
pub use known::Known;
pub use reading::{Reading, Registers};
use stretch::{Piece, Stretch};

/// One value that seems to stand somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// First register.
    pub offset: u16,
    /// How its bits are read.
    pub data_type: DataType,
    /// In which order.
    pub order: Order,
    /// As read, without a scale: for people.
    pub shown: String,
    /// The number, unless it is a text.
    pub number: Option<f64>,
    /// It was another number at another look.
    pub has_moved: bool,
    /// It only rose.
    pub is_total: bool,
    /// What it looks like.
    pub looks: Looks,
    /// As what it would read the same, so that only the display can tell.
    pub alternatives: Vec<Alternative>,
    /// What is less likely, but not by much, the likeliest first.
    pub rivals: Vec<Alternative>,
}

impl Guess {
    /// Last register.
    pub fn last(&self) -> u16 {
        self.offset + (self.data_type.width() - 1)
    }
}

/// Another way to read registers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alternative {
    /// First register.
    pub offset: u16,
    /// How its bits are read.
    pub data_type: DataType,
    /// In which order.
    pub order: Order,
}

/// The values of the tables of a unit by a reading of their registers, zeros left out.
pub fn guesses(areas: &[&Area], registers: &Registers, reading: &Reading, known: &[Known]) -> Vec<Vec<Guess>> {
    let read = areas.iter().zip(&reading.pieces).map(|(area, pieces)| {
        let mut guesses: Vec<Guess> = pieces.iter().filter_map(|piece| understood(area, *piece)).collect();
        looks::name(&mut guesses);
        guesses
    });
    let mut guesses: Vec<Vec<Guess>> = read.collect();
    let order = halves::order(areas, &guesses);
    areas.iter().zip(&mut guesses).for_each(|(area, guesses)| halves::name(area, guesses, order));
    let rivals = registers.rivals(reading, known);
    guesses.iter_mut().zip(&rivals).for_each(|(guesses, rivals)| rivals::name(guesses, rivals));
    guesses
}

/// A piece with its value; `None` for a float that is none.
fn understood(area: &Area, piece: Piece) -> Option<Guess> {
    let Piece { offset, data_type, order, .. } = piece;
    let last = offset + (data_type.width() - 1);
    let words_at = |look: &Cells| -> Vec<u16> {
        (offset..=last).map(|at| look.get(&at).or(area.cells.get(&at)).copied().unwrap_or(0)).collect()
    };
    let looks: Vec<Vec<u16>> = area.looks.iter().map(words_at).collect();
    let looks = if looks.is_empty() { vec![words_at(&area.cells)] } else { looks };
    let has_moved = looks.iter().any(|words| *words != looks[0]);
    let guess = |shown: String, number: Option<f64>, is_total: bool| {
        let (looks, alternatives, rivals) = (Looks::Unknown, Vec::new(), Vec::new());
        Guess { offset, data_type, order, shown, number, has_moved, is_total, looks, alternatives, rivals }
    };
    if let DataType::Text(form) = data_type {
        return Some(guess(form.encoding.decode_field(&form.bytes(&looks[0], order))?, None, false));
    }
    let stretch = Stretch { first: offset, begins: offset, looks };
    let bits = stretch.bits(0, usize::from(data_type.width()), order)?;
    let values: Vec<(String, f64)> = bits.iter().map(|bits| shown(*bits, data_type)).collect();
    let (shown, number) = values.last().cloned()?;
    let numbers: Vec<f64> = values.iter().map(|value| value.1).collect();
    number.is_finite().then(|| guess(shown, Some(number), series::is_total(&numbers)))
}

/// A number as people write it, and as a float.
fn shown(bits: u64, data_type: DataType) -> (String, f64) {
    match data_type {
        DataType::F32 => (f32::from_bits(bits as u32).to_string(), f32::from_bits(bits as u32).into()),
        DataType::F64 => (f64::from_bits(bits).to_string(), f64::from_bits(bits)),
        DataType::I16 => ((bits as u16 as i16).to_string(), f64::from(bits as u16 as i16)),
        DataType::I32 => ((bits as u32 as i32).to_string(), f64::from(bits as u32 as i32)),
        DataType::I64 => ((bits as i64).to_string(), bits as i64 as f64),
        DataType::Bcd16 | DataType::Bcd32 => {
            let text = format!("{bits:x}");
            let number = text.parse().unwrap_or(f64::NAN);
            (text, number)
        }
        _ => (bits.to_string(), bits as f64),
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::Table;
    use proptest::prelude::*;

    fn area(words: &[u16], later: &[u16]) -> Area {
        area_at(10, words, later)
    }

    fn area_at(first: u16, words: &[u16], later: &[u16]) -> Area {
        let cells = |words: &[u16]| -> Cells { (first..=u16::MAX).zip(words.iter().copied()).collect() };
        let looks = vec![cells(words), cells(later)];
        Area { table: Table::Holding, cells: cells(words), looks, longest: None, is_endless: false }
    }

    fn guess_one(words: &[u16], later: &[u16]) -> Vec<Guess> {
        let (area, known) = (area(words, later), [Known::default()]);
        let registers = Registers::of(&[&area]);
        guesses(&[&area], &registers, &registers.read(&known, None), &known).remove(0)
    }

    #[test]
    fn voltages_are_recognised_in_each_order() {
        for (name, swap_words, swap_bytes) in
            [("ABCD", false, false), ("CDAB", true, false), ("BADC", false, true), ("DCBA", true, true)]
        {
            let place = |x: f32| {
                let bits = x.to_bits();
                let mut words = [(bits >> 16) as u16, bits as u16];
                if swap_words {
                    words.reverse();
                }
                words.map(|word| if swap_bytes { word.swap_bytes() } else { word })
            };
            let words: Vec<u16> = [219.8_f32, 221.3, 220.4, 5.127, 4.981, 50.02].into_iter().flat_map(place).collect();
            let guesses = guess_one(&words, &words);
            assert_eq!(Some(guesses[0].order), Order::parse(name), "{guesses:?}");
            assert_eq!(guesses.len(), 6, "{name}: {guesses:?}");
            assert_eq!((guesses[0].data_type, guesses[0].shown.as_str()), (DataType::F32, "219.8"));
        }
    }

    #[test]
    fn a_total_that_carries_between_two_looks_is_one_number() {
        let guesses = guess_one(&[27, 65_100, 412, 0], &[28, 64, 413, 0]);
        assert_eq!((guesses[0].offset, guesses[0].data_type), (10, DataType::U32), "{guesses:?}");
        assert_eq!(guesses[1].data_type, DataType::U16);
    }

    #[test]
    fn a_total_of_low_word_first_is_one_number_beside_floats_of_that_order() {
        let words = [52429, 17243, 19661, 17245, 26214, 17244, 0, 0, 6403, 1, 0, 0, 0, 0, 0, 0];
        let mut later = words;
        later[8] = 6410;
        let guesses = guess_one(&words, &later);
        assert_eq!((guesses[3].offset, guesses[3].data_type), (18, DataType::U32), "{guesses:?}");
    }

    #[test]
    fn the_other_reading_of_a_number_beside_an_empty_register_is_named() {
        let words = [2198, 2207, 2201, 0, 4871, 0, 0, 0];
        let guesses = guess_one(&words, &words);
        let is_its = |guess: &&Guess| guess.number == Some(4871.0);
        let guess = guesses.iter().find(is_its).unwrap();
        let others = guess.alternatives.iter().map(|other| (other.offset, other.data_type.as_str()));
        let all: Vec<(u16, &str)> = others.chain([(guess.offset, guess.data_type.as_str())]).collect();
        assert!(all.contains(&(14, "u16")) && all.contains(&(13, "u32")), "{guess:?}");
        // Nothing shows the order of its long numbers, so both are possible.
        assert!(all.contains(&(14, "u32")), "{guess:?}");
        assert!(guesses[0].alternatives.is_empty(), "it has no empty neighbour: {guesses:?}");
        // Below zero it would be another number.
        let words = [2198, 2207, 2201, 0, 65_526, 0, 0, 0];
        let below = guess_one(&words, &words);
        assert!(below.iter().filter(|guess| guess.number < Some(0.0)).all(|guess| guess.alternatives.is_empty()));
    }

    #[test]
    fn the_order_of_long_numbers_leaves_one_alternative() {
        // 184233 and 131284, low word first.
        let words = [53_161, 2, 212, 2, 4871, 0, 912, 0];
        let later = [53_163, 2, 213, 2, 4871, 0, 912, 0];
        let guesses = guess_one(&words, &later);
        let order = halves::order(&[&area(&words, &later)], std::slice::from_ref(&guesses));
        assert_eq!(order, Order::parse("CDAB"), "{guesses:?}");
        assert!(guesses.iter().all(|guess| guess.alternatives.len() <= 1), "{guesses:?}");
    }

    #[test]
    fn a_memory_full_of_numbers_is_read_too() {
        let words: Vec<u16> = (0..3_000_u16).map(|n| n.wrapping_mul(40_503)).collect();
        assert!(!guess_one(&words, &words).is_empty());
    }

    #[test]
    fn the_last_register_of_all_is_read_too() {
        for words in [[1, 2198], [0, 7], [17_243, 52_429], [7, 0]] {
            let (area, known) = (area_at(65_534, &words, &words), [Known::default()]);
            let registers = Registers::of(&[&area]);
            let found = guesses(&[&area], &registers, &registers.read(&known, None), &known);
            assert!(found[0].iter().all(|guess| guess.last() >= guess.offset) && !found[0].is_empty(), "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn no_registers_make_it_panic_and_no_register_is_used_twice(
            words in proptest::collection::vec(any::<u16>(), 1..60),
            later in proptest::collection::vec(any::<u16>(), 60),
        ) {
            let guesses = guess_one(&words, &later[..words.len()]);
            let mut free = 10;
            for guess in guesses {
                prop_assert!(guess.offset >= free);
                free = guess.offset + guess.data_type.width();
                prop_assert!(usize::from(free) <= 10 + words.len());
            }
        }
    }
}
