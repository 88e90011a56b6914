//! Which reading of all registers of a unit is the cheapest: in which orders, beginning from which side, with or without a map. Pure.

use super::cut::{Rival, Row};
use super::kinds::Entries;
use super::known::Known;
use super::repeat;
use super::stretch::{Offers, Piece, Stretch, stretches};
use crate::config::modbus::Order;
use crate::probe::Area;

/// The registers of the tables of a unit, and what each may be in each order. A device has one order, so its tables are read together.
#[derive(Debug)]
pub struct Registers {
    areas: Vec<Vec<Stretch>>,
    blocks: Vec<Option<u16>>,
    orders: Vec<Order>,
    /// Of each stretch of all areas.
    plain: Vec<Offers>,
    /// Of each order, of each stretch.
    floats: Vec<Vec<Offers>>,
    wholes: Vec<Vec<Offers>>,
}

/// A way to read all of them.
#[derive(Debug, Clone)]
pub struct Reading {
    /// How long the message is that tells them so.
    pub bits: f64,
    /// Which order of floats, and which of whole numbers.
    pair: (usize, usize),
    entries: Vec<Entries>,
    /// Of each area.
    pub(super) pieces: Vec<Vec<Piece>>,
    /// Pairs of orders that are hardly dearer.
    close: Vec<(usize, usize)>,
}

/// For a device that has one order for floats and another one for whole numbers.
const TWO_ORDERS: f64 = 6.0;

/// A row that is hardly dearer is worth naming: it would be right once in a few times.
const RIVALS: f64 = 6.0;

/// Pairs of orders that cost so many bits more than the cheapest are not tried again from other beginnings.
const CLOSE: f64 = 25.0;

/// The bits of an order: few makers swap the bytes within a register.
fn unlikely(order: Order) -> f64 {
    match (order.low_word_first, order.low_byte_first) {
        (false, false) => 0.7,
        (true, false) => 1.5,
        (_, true) => 5.0,
    }
}

impl Registers {
    /// Those of these tables.
    pub fn of(areas: &[&Area]) -> Registers {
        let areas: Vec<Vec<Stretch>> = areas.iter().map(|area| stretches(area)).collect();
        let orders: Vec<Order> = ["ABCD", "CDAB", "BADC", "DCBA"].into_iter().filter_map(Order::parse).collect();
        let all: Vec<&Stretch> = areas.iter().flatten().collect();
        let plain = all.iter().map(|stretch| stretch.plain_offers()).collect();
        let of = |are_floats: bool| {
            let each = |order: &Order| all.iter().map(|stretch| stretch.offers(*order, are_floats)).collect();
            orders.iter().map(each).collect()
        };
        let (floats, wholes) = (of(true), of(false));
        let blocks = areas.iter().map(|stretches| repeat::block(stretches)).collect();
        Registers { areas, blocks, orders, plain, floats, wholes }
    }

    /// How many there are with something in them or beside them.
    pub fn count(&self) -> usize {
        self.areas.iter().flatten().map(Stretch::length).sum()
    }

    /// The cheapest reading, knowing what a map says of each table. Where it was read without a map before, only the orders that were
    /// close then are tried, and that of the map.
    pub fn read(&self, known: &[Known], without: Option<&Reading>) -> Reading {
        let every = || (0..self.orders.len()).flat_map(|f| (0..self.orders.len()).map(move |w| (f, w))).collect();
        let of_map = known.iter().flat_map(Known::orders).filter_map(|order| self.place_of(order)).map(|n| (n, n));
        let pairs = match without {
            None => every(),
            Some(plain) => {
                let mut pairs: Vec<_> = plain.close.iter().copied().chain(of_map).collect();
                pairs.sort_unstable();
                pairs.dedup();
                pairs
            }
        };
        let mut tried: Vec<Reading> = pairs.into_iter().map(|pair| self.from(&Entries::usual(), known, pair)).collect();
        let least = tried.iter().map(|tried| tried.bits).fold(f64::INFINITY, f64::min);
        let is_close = |tried: &&Reading| tried.bits < least + CLOSE;
        let close: Vec<(usize, usize)> = tried.iter().filter(is_close).map(|tried| tried.pair).collect();
        for pair in &close {
            tried.extend([true, false].map(|is_long| self.from(&Entries::leaning(is_long), known, *pair)));
        }
        let best = tried.into_iter().reduce(|best, next| if next.bits < best.bits - 0.01 { next } else { best });
        let Some(mut best) = best else {
            let pieces = self.areas.iter().map(|_| Vec::new()).collect();
            return Reading { bits: 0.0, pair: (0, 0), entries: Vec::new(), pieces, close };
        };
        best.entries = self.learned(&best.pieces);
        best.pieces = self.cut(&best.entries, known, best.pair).1;
        best.close = close;
        best
    }

    /// What could nearly as well stand somewhere, of each area.
    pub(super) fn rivals(&self, reading: &Reading, known: &[Known]) -> Vec<Vec<Rival>> {
        let (f, w) = reading.pair;
        // The other order of words too: that no long number shows it does not mean that none has it.
        let swapped = Order { low_word_first: !self.orders[w].low_word_first, ..self.orders[w] };
        let other = self.place_of(swapped).unwrap_or(w);
        let mut n = 0;
        let rivals = |((stretches, entries), known): ((&Vec<Stretch>, &Entries), &Known)| {
            let of = |stretch| {
                n += 1;
                let offers =
                    [&self.plain[n - 1], &self.floats[f][n - 1], &self.wholes[w][n - 1], &self.wholes[other][n - 1]];
                Row { stretch, offers: &offers, entries, known }.rivals(RIVALS)
            };
            stretches.iter().flat_map(of).collect()
        };
        self.areas.iter().zip(&reading.entries).zip(known).map(rivals).collect()
    }

    fn place_of(&self, order: Order) -> Option<usize> {
        self.orders.iter().position(|known| *known == order)
    }

    /// Read twice: the second time knowing what kinds of values the device has then.
    fn from(&self, start: &Entries, known: &[Known], pair: (usize, usize)) -> Reading {
        let entries = self.learned(&self.cut(&vec![start.clone(); self.areas.len()], known, pair).1);
        let (bits, pieces) = self.cut(&entries, known, pair);
        let bits = bits + Entries::price(&pieces.concat());
        Reading { bits, pair, entries, pieces, close: Vec::new() }
    }

    fn cut(&self, entries: &[Entries], known: &[Known], (f, w): (usize, usize)) -> (f64, Vec<Vec<Piece>>) {
        let two = if f == w { 0.0 } else { TWO_ORDERS + unlikely(self.orders[w]) };
        let (mut bits, mut n) = (unlikely(self.orders[f]) + two, 0);
        let of_area = |((stretches, entries), known): ((&Vec<Stretch>, &Entries), &Known)| {
            let mut pieces = Vec::new();
            for stretch in stretches {
                let offers = [&self.plain[n], &self.floats[f][n], &self.wholes[w][n]];
                let (more, found) = Row { stretch, offers: &offers, entries, known }.cut();
                (bits, n) = (bits + more, n + 1);
                pieces.extend(found);
            }
            pieces
        };
        let pieces = self.areas.iter().zip(entries).zip(known).map(of_area).collect();
        (bits, pieces)
    }

    /// What each area begins with, of the pieces of all.
    fn learned(&self, pieces: &[Vec<Piece>]) -> Vec<Entries> {
        let everything = pieces.concat();
        self.blocks.iter().zip(pieces).map(|(block, own)| Entries::knowing(own, &everything, *block)).collect()
    }
}

impl Reading {
    /// The first and the last register of each value of a table.
    pub fn places(&self, area: usize) -> impl Iterator<Item = (u16, u16)> {
        self.pieces[area].iter().map(|piece| (piece.offset, piece.offset + (piece.data_type.width() - 1)))
    }

    /// Whether the values that a map has at these addresses were read as it says.
    pub fn agrees(&self, area: usize, known: &Known, offset: u16) -> bool {
        self.pieces[area].iter().any(|piece| piece.offset == offset && known.agrees(piece))
    }
}
