//! A stretch of registers as it was seen at each look, and what its registers may be at each place ([`Offer`]). Pure.

use super::kinds::Kind;
use super::number::{self, Cost, NEIGHBOURS, Place};
use super::text;
use crate::config::modbus::{DataType, Order};
use crate::probe::{Area, Cells, spans};

/// Registers at each look.
#[derive(Debug)]
pub(super) struct Stretch {
    /// Address of the first.
    pub first: u16,
    /// Where the readable addresses around it begin.
    pub begins: u16,
    /// At least one look; all as long.
    pub looks: Vec<Vec<u16>>,
}

/// The parts of an area with something in them, cut where nothing stands for long: the rest says nothing.
pub(super) fn stretches(area: &Area) -> Vec<Stretch> {
    const FAR: usize = 12;
    /// Registers with something in them that are thought about; of 400 values at most is told anyway.
    const MOST: usize = 8_000;
    let looks: Vec<&Cells> = if area.looks.is_empty() { vec![&area.cells] } else { area.looks.iter().collect() };
    let at_look = |look: &Cells, at: u16| look.get(&at).or(area.cells.get(&at)).copied().unwrap_or(0);
    let mut found = Vec::new();
    for (begins, ends) in spans(&area.cells) {
        let is_something = |at: &u16| looks.iter().any(|look| at_look(look, *at) != 0);
        let known: usize = found.iter().map(|stretch: &Stretch| stretch.looks[0].len()).sum();
        let filled: Vec<u16> = (begins..=ends).filter(is_something).take(MOST.saturating_sub(known)).collect();
        for group in filled.chunk_by(|a, b| usize::from(b - a) <= FAR) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            // The upper or lower half of a long number may be nothing.
            let (first, last) = (first.saturating_sub(4).max(begins), last.saturating_add(4).min(ends));
            let looks = looks.iter().map(|look| (first..=last).map(|at| at_look(look, at)).collect()).collect();
            found.push(Stretch { first, begins, looks });
        }
    }
    found
}

/// A value at an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub offset: u16,
    pub data_type: DataType,
    pub order: Order,
    /// A part of a clock.
    pub is_clock: bool,
}

impl Piece {
    pub fn kind(&self) -> Kind {
        if self.is_clock { Kind::Clock } else { Kind::of(self.data_type) }
    }
}

/// What the next registers may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub data_type: DataType,
    pub order: Order,
    /// So many values of this type, one behind the other.
    pub repeat: usize,
    /// What it costs, as [`Cost`] has it.
    pub behind: [f64; NEIGHBOURS + 1],
}

impl Offer {
    pub fn registers(&self) -> usize {
        usize::from(self.data_type.width()) * self.repeat
    }
}

/// Offers for each register of a stretch.
pub(super) type Offers = Vec<Vec<Offer>>;

impl Stretch {
    pub fn length(&self) -> usize {
        self.looks[0].len()
    }

    pub fn is_zero(&self, at: usize) -> bool {
        self.looks.iter().all(|look| look[at] == 0)
    }

    /// The bits of so many registers at each look; `None` beyond the ends.
    pub fn bits(&self, at: usize, registers: usize, order: Order) -> Option<Vec<u64>> {
        self.looks.iter().map(|look| Some(joined(look.get(at..at + registers)?, order))).collect()
    }

    /// Numbers of an order: floats, or all others. Those of one register belong to the others of the first order.
    pub fn offers(&self, order: Order, are_floats: bool) -> Offers {
        let mut offers: Offers = (0..self.length()).map(|_| Vec::new()).collect();
        for (at, offers) in offers.iter_mut().enumerate() {
            for registers in &[2, 4] {
                let Some(bits) = self.bits(at, *registers, order) else { continue };
                if bits.iter().all(|bits| *bits == 0) {
                    continue;
                }
                let place = Place { bits: &bits, before: self.before(at, *registers, order) };
                let mut add = |cost: Cost| offers.push(Offer::number(cost, order));
                if are_floats {
                    number::float(place, *registers).into_iter().for_each(&mut add);
                    continue;
                }
                add(number::whole(place, *registers));
                if *registers == 2 {
                    number::decimal_digits(place, 2).into_iter().for_each(&mut add);
                }
            }
        }
        offers
    }

    /// What the order of words does not touch: single registers, texts, clocks.
    pub fn plain_offers(&self) -> Offers {
        let mut offers: Offers = (0..self.length()).map(|_| Vec::new()).collect();
        let order = Order::default();
        for (at, offers) in offers.iter_mut().enumerate() {
            let Some(bits) = self.bits(at, 1, order).filter(|bits| bits.iter().any(|bits| *bits != 0)) else {
                continue;
            };
            let place = Place { bits: &bits, before: self.before(at, 1, order) };
            offers.push(Offer::number(number::whole(place, 1), order));
            offers.extend(number::decimal_digits(place, 1).map(|cost| Offer::number(cost, order)));
            let three: Option<Vec<Vec<u16>>> =
                self.looks.iter().map(|look| Some(look.get(at..at + 3)?.to_vec())).collect();
            if let Some(cost) = three.and_then(|looks| text::clock(&looks)) {
                offers.push(Offer { data_type: DataType::Bcd16, order, repeat: 3, behind: [cost; NEIGHBOURS + 1] });
            }
            for found in text::texts(&self.looks[0][at..]) {
                let text::Found { data_type, order, cost } = found;
                let to = at + usize::from(data_type.width());
                // A text stands still: letters that change at each look are a number.
                if self.looks.iter().any(|look| look.get(at..to) != self.looks[0].get(at..to)) {
                    continue;
                }
                offers.push(Offer { data_type, order, repeat: 1, behind: [cost; NEIGHBOURS + 1] });
            }
        }
        offers
    }

    /// The three values of this width before this one, at the first look.
    fn before(&self, at: usize, registers: usize, order: Order) -> [u64; NEIGHBOURS] {
        [1, 2, 3].map(|n| {
            let words = at.checked_sub(n * registers).and_then(|from| self.looks[0].get(from..from + registers));
            words.map_or(0, |words| joined(words, order))
        })
    }

    pub fn is_even(&self, at: usize) -> bool {
        (usize::from(self.first) + at).is_multiple_of(2)
    }

    /// Whether a value of four registers stands where such values mostly begin.
    pub fn is_on_four(&self, at: usize) -> bool {
        let offset = self.first + at as u16;
        offset.is_multiple_of(4) || (offset - self.begins).is_multiple_of(4)
    }

    /// What it costs to put a value of several registers here, whatever stands before it: makers like even places.
    pub fn askew(&self, at: usize) -> f64 {
        let offset = self.first + at as u16;
        match (offset.is_multiple_of(2), offset.wrapping_sub(self.begins).is_multiple_of(2)) {
            (_, true) => 0.0,
            (true, false) => 1.0,
            (false, false) => 3.0,
        }
    }
}

impl Offer {
    fn number(cost: Cost, order: Order) -> Offer {
        let Cost { data_type, behind } = cost;
        Offer { data_type, order, repeat: 1, behind }
    }
}

fn joined(words: &[u16], order: Order) -> u64 {
    let swap = |word: u16| if order.low_byte_first { word.swap_bytes() } else { word };
    let push = |bits: u64, word: &u16| (bits << 16) | u64::from(swap(*word));
    if order.low_word_first { words.iter().rev().fold(0, push) } else { words.iter().fold(0, push) }
}
