//! Which kinds of values a device has, and what it costs to begin with each. Pure.
//!
//! At first a device is like others; [`Entries::knowing`] learns from a first reading what this one is like: which kinds it has,
//! how often a register of nothing stands between its values, whether its long values stand at even addresses, and what the other
//! blocks hold at the same place ([`Repeat`]).

use super::repeat::Repeat;
use super::stretch::Piece;
use crate::config::modbus::DataType;

/// Kinds of values between which it costs to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Whole16,
    Whole32,
    Whole64,
    F32,
    F64,
    Bcd16,
    Bcd32,
    Clock,
    Text,
}

pub(super) const KINDS: usize = 10;

impl Kind {
    pub fn of(data_type: DataType) -> Kind {
        match data_type {
            DataType::F32 => Kind::F32,
            DataType::U32 | DataType::I32 => Kind::Whole32,
            DataType::U64 | DataType::I64 => Kind::Whole64,
            DataType::F64 => Kind::F64,
            DataType::Bcd32 => Kind::Bcd32,
            DataType::Bcd16 => Kind::Bcd16,
            DataType::Text(_) => Kind::Text,
            _ => Kind::Whole16,
        }
    }

    /// At the beginning of a stretch, and behind a value of another kind.
    fn entry(self) -> (f64, f64) {
        match self {
            Kind::Nothing => (0.0, 0.0),
            Kind::Whole16 => (1.5, 3.0),
            Kind::F32 => (2.0, 4.5),
            Kind::Whole32 => (2.6, 4.0),
            Kind::Whole64 => (4.0, 5.0),
            Kind::F64 => (6.0, 7.0),
            Kind::Text | Kind::Clock => (5.0, 5.0),
            Kind::Bcd16 => (11.0, 12.0),
            Kind::Bcd32 => (7.0, 9.0),
        }
    }
}

/// What it costs to begin with each kind.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    /// At the beginning of a stretch.
    pub begin: [f64; KINDS],
    /// Behind a value of another kind.
    pub change: [f64; KINDS],
    /// A register of nothing behind a value.
    pub gap: f64,
    /// More for a long value at an even and at an odd address.
    pub parity: [f64; 2],
    /// More or less for a kind at a place.
    pub repeat: Repeat,
}

impl Entries {
    /// Of a device of which nothing is known.
    pub fn usual() -> Entries {
        let of = |pick: fn((f64, f64)) -> f64| KINDS_IN_ORDER.map(|kind| pick(kind.entry()));
        Entries {
            begin: of(|entry| entry.0),
            change: of(|entry| entry.1),
            gap: GAP,
            parity: [0.0; 2],
            repeat: Repeat::default(),
        }
    }

    /// Of a device whose whole numbers are long, or short: who begins with the wrong one may not find out of it again.
    pub fn leaning(is_long: bool) -> Entries {
        let mut entries = Entries::usual();
        let (long, short) = if is_long { (-2.5, 2.5) } else { (2.5, 0.0) };
        for (kind, more) in [(Kind::Whole32, long), (Kind::Whole16, short)] {
            entries.begin[kind as usize] += more;
            entries.change[kind as usize] += more;
        }
        if is_long {
            entries.gap += 1.0;
        }
        entries
    }

    /// The bits that say which kinds the device has: what was learned must not come for nothing.
    pub fn price(pieces: &[Piece]) -> f64 {
        let usual = Entries::usual();
        let has = |kind: &Kind| pieces.iter().any(|piece| piece.kind() == *kind);
        KINDS_IN_ORDER.iter().filter(|kind| has(kind)).map(|kind| 0.5 * usual.change[*kind as usize]).sum()
    }

    /// Of a device that holds these: what it has elsewhere too is likelier. `here` is what stands in one table, cut in blocks of
    /// so many registers, if it is.
    pub fn knowing(here: &[Piece], all: &[Piece], block: Option<u16>) -> Entries {
        let usual = Entries::usual();
        let count = |pieces: &[Piece], kind| pieces.iter().filter(|piece| piece.kind() == kind).count() as f64;
        let weighed = |here: f64, all: f64| here + ELSEWHERE * (all - here);
        let values = WEIGHT + weighed(here.len() as f64, all.len() as f64);
        let of = |entries: [f64; KINDS]| {
            KINDS_IN_ORDER.map(|kind| {
                let discount = if matches!(kind, Kind::Bcd16 | Kind::Bcd32) { DISCOUNT_BCD } else { DISCOUNT };
                let known = (weighed(count(here, kind), count(all, kind)) - discount).max(0.0);
                -((WEIGHT * (-entries[kind as usize]).exp2() + known) / values).log2()
            })
        };
        let change = of(usual.change).map(|cost| cost + 0.7);
        let repeat = block.map(|block| Repeat::of(here, block)).unwrap_or_default();
        Entries { begin: of(usual.begin), change, gap: gap(here), parity: parity(here), repeat }
    }
}

/// The bits of a register of nothing behind a value, where so many stand.
fn gap(pieces: &[Piece]) -> f64 {
    /// So many values weigh as much as what is known of devices at large.
    const WEIGHT: f64 = 30.0;
    /// Behind a wider hole another part of the map begins.
    const WIDEST: u16 = 8;
    let hole = |pair: &[Piece]| pair[1].offset.saturating_sub(pair[0].offset + pair[0].data_type.width());
    let gaps = pieces.windows(2).filter(|pair| (1..WIDEST).contains(&hole(pair))).count() as f64;
    let values = pieces.len().saturating_sub(1) as f64;
    -((gaps + WEIGHT * (-GAP).exp2()) / (values + WEIGHT)).log2()
}

/// More bits for a long value at an even and at an odd address, less where most of the others stand so too.
fn parity(pieces: &[Piece]) -> [f64; 2] {
    let is_long = |piece: &&Piece| matches!(piece.data_type.width(), 2 | 4) && piece.kind() != Kind::Text;
    let odd = pieces.iter().filter(is_long).filter(|piece| !piece.offset.is_multiple_of(2)).count() as f64;
    let all = pieces.iter().filter(is_long).count() as f64;
    [all - odd, odd].map(|own| 0.7 * (-((own + 2.0) / (all + 4.0)).log2() - 1.0))
}

/// So many values weigh as much as what is known of devices at large.
const WEIGHT: f64 = 8.0;

/// What another table holds tells less.
const ELSEWHERE: f64 = 0.3;

/// A kind that was read once only is hardly known for that.
const DISCOUNT: f64 = 0.7;

/// One number in seven has decimal digits only by chance.
const DISCOUNT_BCD: f64 = 2.5;

/// The bits of a register of nothing behind a value.
const GAP: f64 = 2.75;

pub(super) const KINDS_IN_ORDER: [Kind; KINDS] = [
    Kind::Nothing,
    Kind::Whole16,
    Kind::Whole32,
    Kind::Whole64,
    Kind::F32,
    Kind::F64,
    Kind::Bcd16,
    Kind::Bcd32,
    Kind::Clock,
    Kind::Text,
];
