//! What it costs to take registers for a number of a certain type: bits, less for what is likelier. Pure.
//!
//! Numbers of the shop floor are mostly small, mostly have few decimals, and stand beside others of their size. A type that
//! makes such numbers of the registers explains them with fewer bits than one that does not. [`series`] adds what the later
//! looks tell.

use super::series::{self, Habits};
use crate::config::modbus::DataType;

/// The bits of one place at each look, and of the places of the same width before it at the first look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// At each look, in the order that is being tried.
    pub bits: &'a [u64],
    /// What stands before, in the same order, the nearest first; 0: nothing to compare with.
    pub before: [u64; NEIGHBOURS],
}

/// How many neighbours a number is compared with.
pub(super) const NEIGHBOURS: usize = 3;

/// A type, and its cost right behind so many numbers of the same kind: none, one, two, three or more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub data_type: DataType,
    pub behind: [f64; NEIGHBOURS + 1],
}

/// `alone`, or what it costs by its likeness to a neighbour.
fn behind(alone: f64, like: [Option<f64>; NEIGHBOURS]) -> [f64; NEIGHBOURS + 1] {
    let mut behind = [alone; NEIGHBOURS + 1];
    for (n, like) in like.into_iter().enumerate() {
        behind[n + 1] = like.map_or(behind[n], |like| behind[n].min(like));
    }
    behind
}

/// Whole numbers of one, two or four registers.
pub(super) fn whole(place: Place, registers: usize) -> Cost {
    let (unsigned, signed, habits, spread) = match registers {
        // Makers choose their scale so that one register is enough, and let totals have two or four.
        1 => (DataType::U16, DataType::I16, Habits { still: 1.0, wobbles: 1.2, rises: 6.5, is_float: false }, 3.5),
        2 => (DataType::U32, DataType::I32, Habits { still: 1.5, wobbles: 2.5, rises: 1.3, is_float: false }, 4.5),
        _ => (DataType::U64, DataType::I64, Habits { still: 2.5, wobbles: 5.0, rises: 1.0, is_float: false }, 5.5),
    };
    let width = 16 * registers as u32;
    let cost = |data_type, number: fn(u64, u32) -> i128, extra: f64| {
        let number = |bits| number(bits, width);
        let numbers: Vec<i128> = place.bits.iter().map(|bits| number(*bits)).collect();
        let first = numbers[0];
        let is_total = numbers.windows(2).all(|pair| pair[0] <= pair[1]) && numbers[0] < numbers[numbers.len() - 1];
        let digits = (first.abs() as f64 + 1.0).log2();
        // A total below zero is rare, and so is a number of many digits that is none.
        let doubt = match () {
            () if is_total && first < 0 => 2.0,
            () if is_total || registers == 1 || registers == 2 && is_of_these_years(first) => 0.0,
            () => 0.4 * (digits - 24.0).max(0.0),
        };
        let time = series::cost(&numbers, habits, first.abs() as f64, width) + doubt;
        // Few numbers in one register are above 10000; the lower half of a long one may be anything.
        let large = match first.abs() {
            32_768.. if registers == 1 => 4.0,
            10_001.. if registers == 1 => 2.0,
            _ => 0.0,
        };
        // Far below zero in one register: mostly the lower half of more.
        let far_below = if registers == 1 && first < 0 { (0.5 * (digits - 10.0)).max(0.0) } else { 0.0 };
        // Who takes two registers expects large numbers, and who takes four still larger ones.
        let small = match registers {
            2 => (0.4 * (7.0 - digits)).max(0.0),
            4 if !is_total => (0.4 * (12.0 - digits)).max(0.0),
            _ => 0.0,
        };
        // A little below zero in one register, and another one that is empty.
        let small = if registers == 2 && (0xF000..=0xFFFF).contains(&first) && !is_total { 2.5 } else { small };
        let sized = size(first, spread) + large + far_below + small + huge(first, registers) + extra;
        let sized = if registers == 2 && is_of_these_years(first) { sized.min(IN_SECONDS) } else { sized };
        let stands = numbers.iter().all(|number| *number == first);
        let bits = if registers == 1 || registers == 2 && stands { bit_word(first, registers) } else { f64::INFINITY };
        let alone = sized.min(bits) + time;
        let mut like = like(first, place.before.map(number), time + extra);
        // All ones again, by which devices say that a channel has nothing to say.
        if registers == 1 && place.bits[0] == 0xFFFF {
            let again = |n: usize| place.before[n] == 0xFFFF;
            (0..NEIGHBOURS).filter(|n| again(*n)).for_each(|n| like[n] = like[n].map(|bits| bits - 2.5));
        }
        Cost { data_type, behind: behind(alone, like) }
    };
    let plain = cost(unsigned, |bits, _| i128::from(bits), 0.0);
    let below_zero = place.bits.iter().any(|bits| bits >> (width - 1) & 1 == 1);
    if !below_zero {
        return plain;
    }
    let signed = cost(signed, |bits, width| i128::from(((bits << (64 - width)) as i64) >> (64 - width)), 2.5);
    if signed.behind[0] < plain.behind[0] { signed } else { plain }
}

/// Single or double precision; `None` where no measurement has such an exponent.
pub(super) fn float(place: Place, registers: usize) -> Option<Cost> {
    let is_double = registers == 4;
    let data_type = if is_double { DataType::F64 } else { DataType::F32 };
    let value = |bits: u64| if is_double { f64::from_bits(bits) } else { f32::from_bits(bits as u32).into() };
    let values: Vec<f64> = place.bits.iter().map(|bits| value(*bits)).collect();
    if values.iter().all(|value| value.is_nan()) && place.bits.iter().all(|bits| *bits == place.bits[0]) {
        // The usual one, by which meters say that a measurement is not there.
        let is_usual = matches!(place.bits[0], 0x7FC0_0000 | 0xFFC0_0000 | 0x7FF8_0000_0000_0000 | 0xFFFF_FFFF);
        return is_usual.then(|| Cost { data_type, behind: behind(16.0, [Some(6.0); NEIGHBOURS]) });
    }
    if !values.iter().all(|value| *value == 0.0 || value.is_finite() && (1e-6..1e12).contains(&value.abs())) {
        return None;
    }
    let before = place.before.map(value).map(|before| if before.is_finite() { before } else { 0.0 });
    // Doubles with few digits leave their lower half empty.
    let empty = place.bits.iter().fold(0, |all, bits| all | bits).trailing_zeros();
    let empty = if is_double { empty.min(51) } else { 0 };
    let mut cost = fine(place, &values, before, is_double, empty);
    if let Some(decimal) = decimal(&values, before, is_double) {
        cost.iter_mut().zip(decimal).for_each(|(fine, decimal)| *fine = fine.min(decimal));
    }
    Some(Cost { data_type, behind: cost })
}

/// A float like any other: exponent and mantissa.
fn fine(place: Place, values: &[f64], before: [f64; NEIGHBOURS], is_double: bool, empty: u32) -> [f64; NEIGHBOURS + 1] {
    let mantissa = if is_double { 52 - empty as i32 } else { 23 };
    // Set points have few digits, and what has many moves; only large totals stand still for a while.
    let still = if values[0].abs() < 4_096.0 { 7.5 } else { 4.5 };
    let habits = Habits { still, wobbles: 1.0, rises: 2.0, is_float: true };
    // In steps of the last place, so that neighbours differ by one.
    let sign = if is_double { 63 } else { 31 };
    let step = |bits: &u64| {
        let size = i128::from((bits & !(1 << sign)) >> empty);
        if bits >> sign & 1 == 1 { -size } else { size }
    };
    let steps: Vec<i128> = place.bits.iter().map(step).collect();
    let time = series::cost(&steps, habits, 2.0_f64.powi(mantissa), sign + 1);
    let first = values[0];
    let sized = first.abs().max(1e-6).log2();
    let unusual = (-7.0 - sized).max(sized - 17.0).max(0.0) * 0.6;
    let negative = if first < 0.0 { 2.5 } else { 0.3 };
    let alone = 5.0 + f64::from(mantissa) + if empty > 0 { 4.0 } else { 0.0 } + unusual + negative + time;
    let shorter = 2.0 + f64::from(mantissa) + time;
    let like = [0, 1, 2].map(|n| is_near(first, before[n]).then_some(shorter + if n > 0 { 1.0 } else { 0.0 }));
    behind(alone, like)
}

/// A float that is a whole number of tenths, hundredths... at each look: what a device makes of its own whole numbers.
fn decimal(values: &[f64], before: [f64; NEIGHBOURS], is_double: bool) -> Option<[f64; NEIGHBOURS + 1]> {
    const MOST_DECIMALS: i32 = 4;
    let exact = |value: f64, power: f64| {
        let number = (value * power).round();
        let is_same = if is_double { number / power == value } else { (number / power) as f32 == value as f32 };
        (is_same && number.abs() < 1e15).then_some(number as i128)
    };
    (0..=MOST_DECIMALS).find_map(|decimals| {
        let power = 10_f64.powi(decimals);
        let numbers = values.iter().map(|value| exact(*value, power)).collect::<Option<Vec<i128>>>()?;
        let habits = Habits { still: 1.0, wobbles: 1.0, rises: 2.0, is_float: false };
        let first = numbers[0];
        let time = series::cost(&numbers, habits, first.abs() as f64, if is_double { 64 } else { 32 });
        let extra = 2.0 + 0.6 * f64::from(decimals) + if first < 0 { 2.5 } else { 0.0 };
        let alone = size(first, 4.0) + extra + time;
        let like = like(first, before.map(|before| (before * power).round() as i128), extra + time);
        Some(behind(alone, like))
    })
}

/// Four or eight decimal digits, at each look.
pub(super) fn decimal_digits(place: Place, registers: usize) -> Option<Cost> {
    let number = |bits: u64| {
        let digits = (0..4 * registers).rev().map(|place| bits >> (4 * place) & 0xF);
        digits.into_iter().try_fold(0_i128, |sum, digit| (digit <= 9).then_some(sum * 10 + i128::from(digit)))
    };
    let numbers = place.bits.iter().map(|bits| number(*bits)).collect::<Option<Vec<i128>>>()?;
    let (data_type, habits, spread) = if registers == 2 {
        (DataType::Bcd32, Habits { still: 1.0, wobbles: 4.0, rises: 1.0, is_float: false }, 3.8)
    } else {
        (DataType::Bcd16, Habits { still: 1.0, wobbles: 2.0, rises: 5.0, is_float: false }, 3.3)
    };
    let first = numbers[0];
    // Nothing, or one register of digits and another of nothing.
    if first == 0 || registers == 2 && first % 10_000 == 0 {
        return None;
    }
    let time = series::cost(&numbers, habits, first as f64, 16 * registers as u32);
    // One digit alone is mostly the upper part of more.
    let short = if first < 10 { 1.5 } else { 0.0 };
    let alone = size(first, spread) + short + time;
    let like = like(first, place.before.map(|bits| number(bits).unwrap_or(0)), time);
    Some(Cost { data_type, behind: behind(alone, like) })
}

/// The bits of a whole number of unknown size: each size is as likely as each other, and round numbers are liked.
fn size(number: i128, spread: f64) -> f64 {
    let bits = |number: f64| number.log2() + spread;
    let size = number.abs();
    if size == 0 {
        return 3.0; // at the first look only
    }
    let mut round = (size, 0.0);
    while round.0 % 10 == 0 {
        round = (round.0 / 10, round.1 + 1.0);
    }
    let plain = bits(size as f64);
    let round = if round.1 > 0.0 { bits(round.0 as f64) + 2.5 + 0.5 * round.1 } else { plain };
    plain.min(round)
}

/// The bits of a number of about the size of one of those before it: three phases, four zones, limits by turns.
fn like(number: i128, before: [i128; NEIGHBOURS], others: f64) -> [Option<f64>; NEIGHBOURS] {
    [0, 1, 2].map(|n| {
        let (before, far) = (before[n], others + if n > 0 { 1.0 } else { 0.0 });
        if number == before && number != 0 {
            return Some(4.0 + far);
        }
        is_near(number as f64, before as f64).then(|| 2.5 + far + (0.2 * number.abs() as f64 + 1.0).log2())
    })
}

/// The bits of one register that holds a few flags, or of two.
fn bit_word(number: i128, registers: usize) -> f64 {
    let flags = number.count_ones();
    match registers {
        1 if (0x100..0x1_0000).contains(&number) && flags <= 3 => 5.5 + 4.0 * f64::from(flags),
        2 if (0x1_0000..0x1_0000_0000).contains(&number) && flags <= 4 => 7.0 + 4.5 * f64::from(flags),
        _ => f64::INFINITY,
    }
}

/// The bits of a time of these years in seconds since 1970.
const IN_SECONDS: f64 = 31.0;

/// From 2015 to 2040, in seconds since 1970.
fn is_of_these_years(number: i128) -> bool {
    (1_420_070_400..2_208_988_800).contains(&number)
}

/// The upper half of a number of four registers is nothing: else it is two numbers.
fn huge(number: i128, registers: usize) -> f64 {
    if registers == 4 { ((number.abs() as f64 + 1.0).log2() - 40.0).max(0.0) } else { 0.0 }
}

fn is_near(number: f64, before: f64) -> bool {
    before != 0.0 && (number - before).abs() <= 0.1 * before.abs()
}
