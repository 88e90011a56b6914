//! The cheapest way to cut a stretch of registers into values. Pure.
//!
//! Each value costs the bits of [`super::number`] and [`super::text`]; beginning with another type costs more than going on
//! with the same one, since makers put equals beside each other; and a value of two registers that stands askew to the others
//! costs too. Registers that are zero at each look are a gap: they cost little, and a row goes on behind them.

use super::kinds::{Entries, KINDS, KINDS_IN_ORDER, Kind};
use super::number::{self, Cost, NEIGHBOURS, Place};
use super::text;
use crate::config::modbus::{DataType, Order};

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
    data_type: DataType,
    order: Order,
    /// So many values of this type, one behind the other.
    repeat: usize,
    behind: [f64; NEIGHBOURS + 1],
}

impl Offer {
    fn registers(&self) -> usize {
        usize::from(self.data_type.width()) * self.repeat
    }
}

/// Offers for each register of a stretch.
pub(super) type Offers = Vec<Vec<Offer>>;

impl Stretch {
    pub fn length(&self) -> usize {
        self.looks[0].len()
    }

    fn is_zero(&self, at: usize) -> bool {
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

    fn is_even(&self, at: usize) -> bool {
        (usize::from(self.first) + at).is_multiple_of(2)
    }

    /// Whether a value of four registers stands where such values mostly begin.
    fn is_on_four(&self, at: usize) -> bool {
        let offset = self.first + at as u16;
        offset.is_multiple_of(4) || (offset - self.begins).is_multiple_of(4)
    }

    /// What it costs to put a value of several registers here, whatever stands before it: makers like even places.
    fn askew(&self, at: usize) -> f64 {
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

/// What is known of what was cut so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    kind: Kind,
    /// Whether the last value of several registers stood at an even address.
    parity: Option<bool>,
    /// Values of this kind right before, as far as they are compared; 0 in a gap.
    run: usize,
}

const STATES: usize = KINDS * 3 * (NEIGHBOURS + 1);
const START: State = State { kind: Kind::Nothing, parity: None, run: 1 };

impl State {
    fn of(index: usize) -> State {
        let (rest, run) = (index / (NEIGHBOURS + 1), index % (NEIGHBOURS + 1));
        let parity = [Some(false), Some(true), None][rest % 3];
        State { kind: KINDS_IN_ORDER[rest / 3], parity, run }
    }

    fn index(self) -> usize {
        let parity = self.parity.map_or(2, usize::from);
        (self.kind as usize * 3 + parity) * (NEIGHBOURS + 1) + self.run
    }
}

/// The step that led to a state on the cheapest way: from where, from which state, with which offer.
#[derive(Debug, Clone, Copy)]
struct Came<'a> {
    from: usize,
    state: usize,
    offer: Option<&'a Offer>,
}

/// The cheapest way, and its cost.
pub(super) fn cut(stretch: &Stretch, offers: &[&Offers], entries: &Entries) -> (f64, Vec<Piece>) {
    let length = stretch.length();
    let mut costs = vec![[f64::INFINITY; STATES]; length + 1];
    let mut came = vec![[Came { from: 0, state: 0, offer: None }; STATES]; length + 1];
    costs[0][START.index()] = 0.0;
    for at in 0..length {
        for index in 0..STATES {
            let known = costs[at][index];
            if known.is_infinite() {
                continue;
            }
            let state = State::of(index);
            let mut go = |to: usize, state: State, cost: f64, offer| {
                let (cost, to_index) = (known + cost, state.index());
                if cost < costs[to][to_index] - 1e-9 {
                    costs[to][to_index] = cost;
                    came[to][to_index] = Came { from: at, state: index, offer };
                }
            };
            if stretch.is_zero(at) {
                go(at + 1, State { run: 0, ..state }, gap(stretch, entries, at, state), None);
            }
            for offer in offers.iter().flat_map(|offers| &offers[at]) {
                let (state, cost) = step(stretch, entries, at, state, offer);
                go(at + offer.registers(), state, cost, Some(offer));
            }
        }
    }
    let end = (0..STATES).min_by(|a, b| costs[length][*a].total_cmp(&costs[length][*b])).unwrap_or(0);
    let (mut pieces, mut at, mut index) = (Vec::new(), length, end);
    while at > 0 {
        let Came { from, state, offer } = came[at][index];
        if let Some(Offer { data_type, order, repeat, .. }) = offer.copied() {
            for n in (0..repeat).rev() {
                let offset = stretch.first + from as u16 + n as u16 * data_type.width();
                pieces.push(Piece { offset, data_type, order, is_clock: repeat > 1 });
            }
        }
        (at, index) = (from, state);
    }
    pieces.reverse();
    (costs[length][end], pieces)
}

/// One register that is nothing.
fn gap(stretch: &Stretch, entries: &Entries, at: usize, state: State) -> f64 {
    match () {
        () if state.run == 0 => 0.4,
        // One register and an empty one where others stand in two: that is one number.
        () if state.kind == Kind::Whole16 && state.run == 1 && state.parity == Some(!stretch.is_even(at)) => {
            entries.gap + 1.0
        }
        // Few maps begin with nothing.
        () if at == 0 && stretch.first == stretch.begins => 5.0,
        () if at == 0 => 0.0,
        () => entries.gap,
    }
}

/// A value: what is known behind it, and what it costs.
fn step(stretch: &Stretch, entries: &Entries, at: usize, state: State, offer: &Offer) -> (State, f64) {
    let kind = if offer.repeat > 1 { Kind::Clock } else { Kind::of(offer.data_type) };
    let (from_start, from_other) = (entries.begin[kind as usize], entries.change[kind as usize]);
    let are_decimal = |kind| matches!(kind, Kind::Bcd16 | Kind::Bcd32 | Kind::Clock);
    // Who writes decimal digits writes them everywhere.
    let from_other = if are_decimal(state.kind) && are_decimal(kind) { from_other.min(3.5) } else { from_other };
    let mut cost = match state.kind {
        Kind::Nothing => from_start + offer.behind[0],
        same if same == kind && state.run == 0 => 0.35 + offer.behind[0],
        same if same == kind => 0.55 + offer.behind[state.run],
        _ if state.run == 0 => 0.85 * from_other + offer.behind[0],
        _ => from_other + offer.behind[0],
    };
    let mut parity = state.parity;
    // An empty register and one with a number, the same.
    if offer.data_type.width() == 1 && offer.repeat == 1 && state.run == 0 && parity == Some(!stretch.is_even(at)) {
        cost += 1.0;
    }
    if offer.data_type.width() > 1 && kind != Kind::Text {
        let own = stretch.is_even(at);
        cost += entries.parity[usize::from(!own)];
        let is_packed = state.kind == Kind::Whole16 && state.run > 0;
        cost += match state.parity {
            Some(parity) if parity == own => 0.0,
            // Behind a single register maps are often packed.
            _ if is_packed => 1.5,
            Some(_) => 3.0,
            None => stretch.askew(at),
        };
        parity = Some(own);
    }
    if offer.data_type.width() == 4 && kind != Kind::Text && !stretch.is_on_four(at) {
        cost += 2.0;
    }
    cost += entries.repeat.cost(stretch.first + at as u16, kind);
    let run = if state.kind == kind { (state.run + offer.repeat).min(NEIGHBOURS) } else { 1 };
    (State { kind, parity, run }, cost)
}
