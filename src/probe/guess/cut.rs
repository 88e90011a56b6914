//! The cheapest way to cut a stretch of registers into values. Pure.
//!
//! Each value costs the bits of [`super::number`] and [`super::text`]; beginning with another type costs more than going on
//! with the same one, since makers put equals beside each other; and a value of two registers that stands askew to the others
//! costs too. Registers that are zero at each look are a gap: they cost little, and a row goes on behind them.

use super::kinds::{Entries, KINDS, KINDS_IN_ORDER, Kind};
use super::known::Known;
use super::number::NEIGHBOURS;
use super::stretch::{Offer, Offers, Piece, Stretch};

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

/// A stretch, what its registers may be, and what is known of the device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub stretch: &'a Stretch,
    /// Those of one register, floats, whole numbers.
    pub offers: &'a [&'a Offers],
    pub entries: &'a Entries,
    pub known: &'a Known,
}

/// The least cost of each state before each register.
type Costs = Vec<[f64; STATES]>;

/// Another way to read some registers, and how many bits dearer the cheapest row is that has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rival {
    pub piece: Piece,
    pub more: f64,
}

impl<'a> Row<'a> {
    /// The cheapest way, and its cost.
    pub fn cut(&self) -> (f64, Vec<Piece>) {
        let (costs, came) = self.costs_behind();
        let length = self.stretch.length();
        let end = (0..STATES).min_by(|a, b| costs[length][*a].total_cmp(&costs[length][*b])).unwrap_or(0);
        let (mut pieces, mut at, mut index) = (Vec::new(), length, end);
        while at > 0 {
            let Came { from, state, offer } = came[at][index];
            if let Some(Offer { data_type, order, repeat, .. }) = offer.copied() {
                for n in (0..repeat).rev() {
                    let offset = self.stretch.first + from as u16 + n as u16 * data_type.width();
                    pieces.push(Piece { offset, data_type, order, is_clock: repeat > 1 });
                }
            }
            (at, index) = (from, state);
        }
        pieces.reverse();
        (costs[length][end], pieces)
    }

    /// All numbers that stand in a row hardly dearer than the cheapest, those of the cheapest too.
    pub fn rivals(&self, at_most: f64) -> Vec<Rival> {
        let left = self.costs_behind().0; // what led there is not kept
        let right = self.costs_ahead();
        let best = right[0][START.index()];
        let mut rivals = Vec::new();
        for (at, so_far) in left.iter().enumerate().take(self.stretch.length()) {
            let mut found: Vec<(Rival, &Offer)> = Vec::new();
            for index in (0..STATES).filter(|index| so_far[*index].is_finite()) {
                self.steps(at, State::of(index), |to, state, cost, offer| {
                    let more = so_far[index] + cost + right[to][state.index()] - best;
                    let Some(offer) = offer.filter(|offer| more <= at_most && offer.repeat == 1) else { return };
                    let (data_type, order) = (offer.data_type, offer.order);
                    let offset = self.stretch.first + at as u16;
                    let rival = Rival { piece: Piece { offset, data_type, order, is_clock: false }, more };
                    match found.iter_mut().find(|other| std::ptr::eq(other.1, offer)) {
                        Some(other) => other.0.more = other.0.more.min(more),
                        None => found.push((rival, offer)),
                    }
                });
            }
            rivals.extend(found.into_iter().map(|found| found.0));
        }
        rivals
    }

    /// The least cost of each state from the beginning, and the step that led there.
    fn costs_behind(&self) -> (Costs, Vec<[Came<'a>; STATES]>) {
        let length = self.stretch.length();
        let mut costs = vec![[f64::INFINITY; STATES]; length + 1];
        let mut came = vec![[Came { from: 0, state: 0, offer: None }; STATES]; length + 1];
        costs[0][START.index()] = 0.0;
        for at in 0..length {
            for index in 0..STATES {
                let so_far = costs[at][index];
                if so_far.is_infinite() {
                    continue;
                }
                self.steps(at, State::of(index), |to, state, cost, offer| {
                    let (cost, to_index) = (so_far + cost, state.index());
                    if cost < costs[to][to_index] - 1e-9 {
                        costs[to][to_index] = cost;
                        came[to][to_index] = Came { from: at, state: index, offer };
                    }
                });
            }
        }
        (costs, came)
    }

    /// The least cost from each state to the end.
    fn costs_ahead(&self) -> Costs {
        let length = self.stretch.length();
        let mut costs = vec![[f64::INFINITY; STATES]; length + 1];
        costs[length] = [0.0; STATES];
        for at in (0..length).rev() {
            for index in 0..STATES {
                let mut least = f64::INFINITY;
                self.steps(at, State::of(index), |to, state, cost, _| {
                    least = least.min(cost + costs[to][state.index()]);
                });
                costs[at][index] = least;
            }
        }
        costs
    }

    /// Each step that leads on from a state: before which register, in which state, at what cost, with which value if any.
    fn steps(&self, at: usize, state: State, mut go: impl FnMut(usize, State, f64, Option<&'a Offer>)) {
        let Row { stretch, offers, entries, known } = *self;
        if stretch.is_zero(at) {
            let bits = known.gap(stretch.first + at as u16, gap(stretch, entries, at, state));
            go(at + 1, State { run: 0, ..state }, bits, None);
        }
        for offer in offers.iter().flat_map(|offers| &offers[at]) {
            let (state, cost) = step(stretch, entries, known, at, state, offer);
            go(at + offer.registers(), state, cost, Some(offer));
        }
    }
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
fn step(stretch: &Stretch, entries: &Entries, known: &Known, at: usize, state: State, offer: &Offer) -> (State, f64) {
    let kind = if offer.repeat > 1 { Kind::Clock } else { Kind::of(offer.data_type) };
    let (from_start, from_other) = (entries.begin[kind as usize], entries.change[kind as usize]);
    let are_decimal = |kind| matches!(kind, Kind::Bcd16 | Kind::Bcd32 | Kind::Clock);
    // Who writes decimal digits writes them everywhere.
    let from_other = if are_decimal(state.kind) && are_decimal(kind) { from_other.min(3.5) } else { from_other };
    let (mut cost, number) = match state.kind {
        Kind::Nothing => (from_start, offer.behind[0]),
        same if same == kind && state.run == 0 => (0.35, offer.behind[0]),
        same if same == kind => (0.55, offer.behind[state.run]),
        _ if state.run == 0 => (0.85 * from_other, offer.behind[0]),
        _ => (from_other, offer.behind[0]),
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
    let offset = stretch.first + at as u16;
    cost += entries.repeat.cost(offset, kind);
    let cost = known.cost(offset, offer, cost) + number;
    let run = if state.kind == kind { (state.run + offer.repeat).min(NEIGHBOURS) } else { 1 };
    (State { kind, parity, run }, cost)
}
