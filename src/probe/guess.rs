//! What registers may mean, by plausibility. Pure.
//!
//! Every stretch is cut into values in the way that scores best as a whole; that is done for each byte order, and the order
//! that scores best is the device's. A score is roughly how many bits speak for a reading: a float with a sensible exponent,
//! a number with few decimals, text of letters alone, a total that rises a little between two looks. Changing the type from
//! one value to the next costs, since makers put equals beside each other.

use super::looks::{self, Looks};
use super::{Area, Cells};
use crate::config::modbus::{DataType, Order, TextForm};
use crate::model::encoding::Encoding;

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
    /// It was another number at the second look.
    pub has_moved: bool,
    /// What it looks like.
    pub looks: Looks,
}

/// The values of a table of registers, zeros left out, and the order of its longer values.
pub fn guess(area: &Area) -> (Vec<Guess>, Order) {
    let orders = ["ABCD", "CDAB", "BADC", "DCBA"].into_iter().filter_map(Order::parse);
    let read = orders.map(|order| {
        // Few makers swap the bytes within a register: it takes more than one number to believe it.
        let (mut score, mut pieces) = (if order.low_byte_first { -5.0 } else { 0.0 }, Vec::new());
        for (first, last) in area.spans() {
            let (more, found) = cut(&Stretch::new(area, first, last, order));
            score += more;
            pieces.extend(found);
        }
        (score, pieces, order)
    });
    // The first of equals: ABCD is what the standard would have.
    let best = read.reduce(|best, other| if other.0 > best.0 + 0.01 { other } else { best });
    let (_, pieces, order) = best.unwrap_or_default();
    let mut guesses: Vec<Guess> = pieces.iter().filter_map(|piece| understood(area, *piece, order)).collect();
    looks::name(&mut guesses);
    (guesses, order)
}

/// A stretch of registers at both looks, in one order.
struct Stretch {
    first: u16,
    now: Vec<u16>,
    later: Vec<u16>,
    order: Order,
}

impl Stretch {
    fn new(area: &Area, first: u16, last: u16, order: Order) -> Stretch {
        let of = |cells: &Cells| {
            (first..=last).map(|at| cells.get(&at).or(area.cells.get(&at)).copied().unwrap_or(0)).collect()
        };
        Stretch { first, now: of(&area.cells), later: of(&area.later), order }
    }

    /// The bits of so many registers at both looks; `None` beyond the end.
    fn bits(&self, at: usize, width: usize) -> Option<(u64, u64)> {
        let joined = |words: &[u16]| {
            let swap = |word: u16| if self.order.low_byte_first { word.swap_bytes() } else { word };
            let push = |bits: u64, word: &u16| (bits << 16) | u64::from(swap(*word));
            if self.order.low_word_first { words.iter().rev().fold(0, push) } else { words.iter().fold(0, push) }
        };
        Some((joined(self.now.get(at..at + width)?), joined(self.later.get(at..at + width)?)))
    }
}

/// A value at an offset of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    offset: u16,
    data_type: DataType,
}

/// What a reading of the next registers is worth.
struct Offer {
    data_type: DataType,
    /// So many values of this type, one behind the other.
    repeat: usize,
    score: f64,
    /// All its registers are zero: it neither begins nor breaks a row of equals.
    is_zero: bool,
}

/// The best way to cut a stretch, and its score.
fn cut(stretch: &Stretch) -> (f64, Vec<Piece>) {
    let length = stretch.now.len();
    // Per position and type of the value before it (as its place in KINDS), the best score and the way there.
    type Way = Option<(f64, usize, usize, DataType, usize)>;
    let mut best: Vec<[Way; KINDS]> = vec![[None; KINDS]; length + 1];
    best[0][NOTHING] = Some((0.0, 0, NOTHING, DataType::U16, 0));
    for at in 0..length {
        if best[at].iter().all(Option::is_none) {
            continue;
        }
        for offer in offers(stretch, at) {
            let to = at + usize::from(offer.data_type.width()) * offer.repeat;
            for from in 0..KINDS {
                let Some((score, ..)) = best[at][from] else { continue };
                let own = kind(offer.data_type);
                let (turn, next) = match offer.is_zero {
                    // A gap between whole numbers tells nothing of what follows it.
                    true => (0.0, if from == kind(DataType::U32) { NOTHING } else { from }),
                    false if from == own => (alike(offer.data_type), own),
                    false => (-entry(offer.data_type), own),
                };
                let score = score + turn + offer.score;
                if best[to][next].is_none_or(|(known, ..)| score > known) {
                    best[to][next] = Some((score, at, from, offer.data_type, offer.repeat));
                }
            }
        }
    }
    let (mut at, mut pieces) = (length, Vec::new());
    let end = (0..KINDS).filter(|kind| best[length][*kind].is_some());
    let score_at = |kind: usize| best[length][kind].map_or(f64::MIN, |way| way.0);
    let Some(mut kind) = end.max_by(|a, b| score_at(*a).total_cmp(&score_at(*b))) else { return (0.0, pieces) };
    let total = score_at(kind);
    while at > 0
        && let Some((_, before, came_from, data_type, repeat)) = best[at][kind]
    {
        for n in (0..repeat).rev() {
            let offset = stretch.first + (before + n * usize::from(data_type.width())) as u16;
            pieces.push(Piece { offset, data_type });
        }
        (at, kind) = (before, came_from);
    }
    pieces.reverse();
    (total, pieces)
}

const KINDS: usize = 9;
const NOTHING: usize = 0;

/// For a value of the same type as the one before it. The empty upper half of a long number says little unless it is
/// followed by another one.
fn alike(data_type: DataType) -> f64 {
    match data_type {
        DataType::U64 => 1.6,
        DataType::F64 => 3.0,
        DataType::U16 | DataType::I16 => 0.0, // what is nothing else
        _ => 0.6,
    }
}

fn kind(data_type: DataType) -> usize {
    match data_type {
        DataType::F32 => 2,
        DataType::U32 | DataType::I32 => 3,
        DataType::U64 | DataType::I64 => 4,
        DataType::F64 => 5,
        DataType::Bcd32 => 6,
        DataType::Bcd16 => 7,
        DataType::Text(_) => 8,
        _ => 1,
    }
}

/// What it costs to begin with another type.
fn entry(data_type: DataType) -> f64 {
    match data_type {
        DataType::F32 | DataType::U32 | DataType::I32 => 0.8,
        DataType::U64 | DataType::I64 => 0.9,
        DataType::F64 => 1.5,
        DataType::Bcd32 => 2.5,
        DataType::Bcd16 | DataType::Text(_) => 1.5,
        _ => 0.0,
    }
}

fn offers(stretch: &Stretch, at: usize) -> Vec<Offer> {
    let mut offers = vec![single(stretch, at)];
    let even = if at.is_multiple_of(2) { 0.3 } else { 0.0 };
    // With the bytes swapped small whole numbers become large ones, which proves nothing: only floats speak for it.
    let swapped = if stretch.order.low_byte_first { -2.0 } else { 0.0 };
    if let Some((bits, later)) = stretch.bits(at, 2) {
        let (bits, later, is_zero) = (bits as u32, later as u32, bits == 0);
        let offer = |data_type, score| Offer { data_type, repeat: 1, score, is_zero };
        if let Some(score) = float(f32::from_bits(bits), f32::from_bits(later)) {
            offers.push(offer(DataType::F32, score + even));
        }
        let (data_type, score) = whole(bits, later);
        offers.push(offer(data_type, score + even + if is_zero { 0.0 } else { swapped }));
        offers.extend(decimal(bits, later).map(|score| offer(DataType::Bcd32, score + even + swapped)));
    }
    if let Some((bits, later)) = stretch.bits(at, 4) {
        let is_zero = bits == 0;
        let starts = if at == 0 { 1.3 } else { 0.0 };
        if let Some(score) = double(stretch, at, f64::from_bits(bits), f64::from_bits(later)) {
            offers.push(Offer { data_type: DataType::F64, repeat: 1, score: score + even, is_zero });
        }
        // A long whole number shows by its upper half being nothing, where a stretch begins or others like it stand.
        let is_two = bits & 0xFFFF == 0 || is_upper_alone(bits as u32, later as u32);
        if bits > 0 && bits < 1 << 40 && !is_two {
            let data_type = DataType::U64;
            let rises = if (bits..bits + 100_000).contains(&later) && later > bits { 0.8 } else { 0.0 };
            let small = if bits < 0x1_0000 { -2.0 } else { 0.0 };
            let score = 0.2 + starts + even + rises + small + swapped;
            offers.push(Offer { data_type, repeat: 1, score, is_zero: false });
        }
    }
    offers.extend(clock(stretch, at));
    offers.extend(text(stretch, at));
    offers.extend(trio(stretch, at));
    offers
}

fn single(stretch: &Stretch, at: usize) -> Offer {
    let word = stretch.now[at];
    // Makers choose their scale so that one register is enough: few numbers in one are above 10000, whereas the lower
    // half of a long number may be anything.
    let score = match word {
        0 => 0.1,
        1..=9_999 => 0.5,
        0xFC00.. => 0.3,
        _ => -1.2,
    };
    let data_type = if word >= 0xF000 { DataType::I16 } else { DataType::U16 };
    Offer { data_type, repeat: 1, score, is_zero: word == 0 }
}

/// Single precision. About one pattern in eight has an exponent of the shop floor.
fn float(now: f32, later: f32) -> Option<f64> {
    let size = now.abs();
    let base = match size {
        0.0 if now.is_sign_positive() => return Some(0.15),
        _ if !now.is_finite() => return None,
        _ if (0.001..1e7).contains(&size) => 4.0,
        _ if (1e-6..1e9).contains(&size) => 0.5,
        _ => return None,
    };
    if is_upper_alone(now.to_bits(), later.to_bits()) {
        return Some(-2.0);
    }
    let score = match digits(&format!("{size}")) {
        _ if now.to_bits() & 0xFFFF == 0 => 1.2, // a round number, or another number and a zero
        0..=5 => base + 3.0,
        6 => base + 1.5,
        _ => base,
    };
    let sign = if now < 0.0 { -1.0 } else { 0.0 }; // most are not negative
    Some(score + sign + calm(now.into(), later.into()))
}

/// Whether the upper half moved and the lower did not: then they are two numbers.
fn is_upper_alone(now: u32, later: u32) -> bool {
    now >> 16 != later >> 16 && now & 0xFFFF == later & 0xFFFF
}

/// Double precision, unless its lower half is a sensible float of its own.
fn double(stretch: &Stretch, at: usize, now: f64, later: f64) -> Option<f64> {
    if now == 0.0 && now.is_sign_positive() {
        return Some(0.15);
    }
    if !now.is_finite() || !(0.01..1e11).contains(&now.abs()) {
        return None;
    }
    let halves = [stretch.bits(at, 2)?.0 as u32, stretch.bits(at + 2, 2)?.0 as u32].map(f32::from_bits);
    let are_floats = halves.iter().all(|half| (0.001..1e7).contains(&half.abs()));
    // With nothing in its lower half it may be a float and zeros.
    let is_half = stretch.bits(at, 4)?.0 as u32 == 0;
    let base = if is_half {
        1.0
    } else if are_floats {
        2.0
    } else {
        7.0
    };
    Some(base + calm(now, later))
}

/// A measurement moves a little or not at all; what leaps between two looks is probably read wrongly.
fn calm(now: f64, later: f64) -> f64 {
    let change = (later - now).abs() / now.abs().max(1e-9);
    match change {
        0.0 => 0.0,
        _ if change < 0.05 => 1.5,
        _ if change < 0.5 => 0.5,
        _ => -2.0,
    }
}

/// Two registers as a whole number.
fn whole(bits: u32, later: u32) -> (DataType, f64) {
    let (high, low) = (bits >> 16, bits & 0xFFFF);
    let rise: f64 = match later.wrapping_sub(bits) {
        0 => 0.0,
        _ if is_upper_alone(bits, later) => return (DataType::U32, -2.0),
        1..=0x7FFF if later >> 16 != high => 3.0, // a carry from one half into the other
        _ if later >> 16 != high && later & 0xFFFF != low && high < 0xFF00 => -3.0, // both moved, and no carry
        1..=100_000 => 0.8,
        0xFFFF_0000.. => 0.3,
        _ => -2.0,
    };
    // The lower half of a long number is seldom small, a number of its own mostly is.
    let full = match low {
        0 => -1.5,
        1..=999 => -1.0,
        1_000..=9_999 => 0.0,
        0xFC00.. => -1.0, // a small negative number
        _ => 1.0,
    };
    match high {
        0 if low == 0 => (DataType::U32, 0.15),
        0 => (DataType::U32, if (10_000..0xFC00).contains(&low) { 1.2 } else { 0.4 } + rise.min(0.4)),
        1..=0xFF => (DataType::U32, 1.0 + full + rise),
        0x100..=0x3FFF => (DataType::U32, -0.6 + full + rise),
        // Two small negative numbers are two; a negative long one has nothing but ones in its upper half.
        0xFFFF if low >= 0x8000 => (DataType::I32, 2.5 + rise.max(0.0)),
        0xFF00..=0xFFFE if (0x0100..0xF000).contains(&low) => (DataType::I32, 2.2 + rise.max(0.0)),
        _ => (DataType::U32, -1.0 + rise.min(0.8)),
    }
}

/// Eight decimal digits. Of six to eight of them all below ten by chance: one pattern in 16 to 40.
fn decimal(bits: u32, later: u32) -> Option<f64> {
    let digits = |bits: u32| (0..8).map(|place| bits >> (4 * place) & 0xF).all(|digit| digit <= 9);
    if !digits(bits) || !digits(later) || bits & 0xFFFF == 0 || is_upper_alone(bits, later) {
        return None;
    }
    match 8 - bits.leading_zeros() / 4 {
        0..=4 => None,
        count => Some(f64::from(count) * 0.4 + if later > bits { 1.0 } else { 0.0 }),
    }
}

/// Three registers that are a clock in decimal digits: year and month, day and hour, minute and second.
fn clock(stretch: &Stretch, at: usize) -> Option<Offer> {
    let words = stretch.now.get(at..at + 3)?;
    let pair = |byte: u8| (byte >> 4 <= 9 && byte & 0xF <= 9).then(|| (byte >> 4) * 10 + (byte & 0xF));
    let [year, month, day, hour, minute, second] = {
        let mut fields = [0; 6];
        for (field, byte) in fields.iter_mut().zip(words.iter().flat_map(|word| word.to_be_bytes())) {
            *field = pair(byte)?;
        }
        fields
    };
    let fits = (20..60).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    fits.then_some(Offer { data_type: DataType::Bcd16, repeat: 3, score: 6.0, is_zero: false })
}

/// Three voltages of a three-phase net in tenths or hundredths of a volt, one register each.
fn trio(stretch: &Stretch, at: usize) -> Option<Offer> {
    let words = stretch.now.get(at..at + 3)?;
    let (low, high) = (*words.iter().min()?, *words.iter().max()?);
    let in_range = (950..=4_900).contains(&low) || (9_500..=49_000).contains(&low);
    let are_alike = u32::from(high) * 100 <= u32::from(low) * 105 && low < high;
    (in_range && are_alike).then_some(Offer { data_type: DataType::U16, repeat: 3, score: 4.0, is_zero: false })
}

/// Letters and digits, in ASCII or GBK, from here to the first NUL or to what is none.
fn text(stretch: &Stretch, at: usize) -> Option<Offer> {
    const LONGEST: usize = 32;
    let words = &stretch.now[at..(at + LONGEST).min(stretch.now.len())];
    let mut used = 0;
    for word in words {
        match word.to_be_bytes() {
            [0, 0] => break,
            [a, b] if is_plain(a) && (is_plain(b) || b == 0) => used += 1,
            // The level 1 characters of GB 2312: what product names are made of.
            [0xB0..=0xD7, 0xA1..=0xFE] => used += 1,
            _ => break,
        }
    }
    let form = |encoding| TextForm { length: 2 * used as u16, encoding };
    let bytes = form(Encoding::Ascii).bytes(words, Order::default());
    let chinese = bytes.chunks(2).filter(|pair| pair[0] >= 0xB0).count();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let is_text = if chinese == 0 { used >= 3 && letters >= 2 } else { used >= 2 && 2 * chinese >= used };
    let encoding = if chinese == 0 { Encoding::Ascii } else { Encoding::Gbk };
    encoding.decode_field(&bytes).filter(|_| is_text)?;
    Some(Offer { data_type: DataType::Text(form(encoding)), repeat: 1, score: 3.2 * used as f64, is_zero: false })
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'.' | b'/' | b':')
}

/// Significant digits of a number as it is written.
fn digits(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').trim_end_matches('0').len()
}

/// A piece with its value; `None` for zeros, of which nothing can be said.
fn understood(area: &Area, piece: Piece, order: Order) -> Option<Guess> {
    let Piece { offset, data_type } = piece;
    let is_one = data_type.width() == 1 || matches!(data_type, DataType::Text(_));
    let order = if is_one { Order::default() } else { order };
    let last = offset + (data_type.width() - 1);
    let stretch = Stretch::new(area, offset, last, order);
    let has_moved = stretch.now != stretch.later;
    if stretch.now.iter().chain(&stretch.later).all(|word| *word == 0) {
        return None;
    }
    let bits = stretch.bits(0, if matches!(data_type, DataType::Text(_)) { 1 } else { stretch.now.len() })?.0;
    let (shown, number) = match data_type {
        DataType::Text(form) => (form.encoding.decode_field(&form.bytes(&stretch.now, order))?, None),
        DataType::F32 => (f32::from_bits(bits as u32).to_string(), Some(f32::from_bits(bits as u32).into())),
        DataType::F64 => (f64::from_bits(bits).to_string(), Some(f64::from_bits(bits))),
        DataType::I16 => (((bits as u16) as i16).to_string(), Some(f64::from(bits as u16 as i16))),
        DataType::I32 => (((bits as u32) as i32).to_string(), Some(f64::from(bits as u32 as i32))),
        DataType::Bcd16 | DataType::Bcd32 => {
            let text = format!("{bits:x}");
            let number = text.parse().ok();
            (text, number)
        }
        _ => (bits.to_string(), Some(bits as f64)),
    };
    let looks = Looks::Unknown;
    Some(Guess { offset, data_type, order, shown, number, has_moved, looks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::Table;
    use proptest::prelude::*;

    fn area(words: &[u16], later: &[u16]) -> Area {
        let cells = |words: &[u16]| (10..).zip(words.iter().copied()).collect();
        let (cells, later) = (cells(words), cells(later));
        Area { table: Table::Holding, cells, later, longest: None, is_endless: false }
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
            let (guesses, order) = guess(&area(&words, &words));
            assert_eq!(Some(order), Order::parse(name), "{guesses:?}");
            assert_eq!(guesses.len(), 6, "{name}: {guesses:?}");
            assert_eq!((guesses[0].data_type, guesses[0].shown.as_str()), (DataType::F32, "219.8"));
        }
    }

    #[test]
    fn a_total_that_carries_between_two_looks_is_one_number() {
        let (guesses, _) = guess(&area(&[27, 65_530, 412, 0], &[28, 4, 413, 0]));
        assert_eq!((guesses[0].offset, guesses[0].data_type), (10, DataType::U32), "{guesses:?}");
        assert_eq!(guesses[1].data_type, DataType::U16);
    }

    #[test]
    fn a_total_of_low_word_first_is_one_number_beside_floats_of_that_order() {
        let words = [52429, 17243, 19661, 17245, 26214, 17244, 0, 0, 6403, 1, 0, 0];
        let mut later = words;
        later[8] = 6410;
        let (guesses, _) = guess(&area(&words, &later));
        assert_eq!((guesses[3].offset, guesses[3].data_type), (18, DataType::U32), "{guesses:?}");
    }

    proptest! {
        #[test]
        fn no_registers_make_it_panic_and_no_register_is_used_twice(
            words in proptest::collection::vec(any::<u16>(), 1..60),
            later in proptest::collection::vec(any::<u16>(), 60),
        ) {
            let (guesses, _) = guess(&area(&words, &later[..words.len()]));
            let mut free = 10;
            for guess in guesses {
                prop_assert!(guess.offset >= free);
                free = guess.offset + guess.data_type.width();
                prop_assert!(usize::from(free) <= 10 + words.len());
            }
        }
    }
}
