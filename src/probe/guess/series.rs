//! How well numbers of one place, looked at several times, agree with being one quantity. Pure.
//!
//! All costs are in bits: minus the logarithm of how probable it is that a real quantity would show these numbers. A set point
//! stands still, a total rises evenly, a measurement wobbles by a small part of itself. Half of a longer number does none of
//! these: it leaps over its whole range, or moves only when the other half overflows.

/// What a kind of number mostly does; bits for each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// It stands still.
    pub still: f64,
    /// It wobbles.
    pub wobbles: f64,
    /// It only rises.
    pub rises: f64,
    /// The numbers are steps of a float.
    pub is_float: bool,
}

/// For what leaps over its whole range between two looks.
const LEAPS: f64 = 8.0;

/// For a wobble twice as wide as usual, which is a fiftieth of the number itself.
const TOO_WIDE: f64 = 1.5;

/// The bits that the later looks cost, when the first is known. `level` is what a wobble is measured by.
pub(super) fn cost(numbers: &[i128], habits: Habits, level: f64, width_bits: u32) -> f64 {
    let Some((first, later)) = numbers.split_first() else { return 0.0 };
    if later.is_empty() {
        return 0.0;
    }
    if later.iter().all(|number| number == first) {
        return habits.still;
    }
    let looks = later.len() as f64;
    let leaps = LEAPS + looks * f64::from(width_bits);
    wobble(*first, later, habits, level).min(rise(numbers, habits, level)).min(leaps)
}

/// Around where it was at first.
fn wobble(first: i128, later: &[i128], habits: Habits, level: f64) -> f64 {
    let widest = later.iter().map(|number| number.abs_diff(first) as f64).fold(0.0, f64::max);
    let excess = (widest / (0.02 * level + 1.0)).log2().max(0.0);
    // No measurement has more than 24 bits: what is finer than that stands still or rises.
    let too_fine = ((first.abs() as f64 + 1.0).log2() - 24.0).max(0.0);
    // A float may be near zero, where every wobble is wide.
    let (too_fine, too_wide) = if habits.is_float { (0.0, 0.4 * TOO_WIDE) } else { (2.0 * too_fine, TOO_WIDE) };
    // By its very last place no float wobbles: that is a number of its own, beside the upper half of nothing.
    let last_place = if habits.is_float && widest < 8.0 && level < 2.0_f64.powi(30) { 4.0 } else { 0.0 };
    last_place + habits.wobbles + too_wide * excess + too_fine + later.len() as f64 * (2.0 * widest + 1.0).log2()
}

/// By about the same from look to look.
fn rise(numbers: &[i128], habits: Habits, level: f64) -> f64 {
    let steps: Vec<f64> = numbers.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    if steps.iter().any(|step| *step < 0.0) {
        return f64::INFINITY;
    }
    let mean = (steps.iter().sum::<f64>() / steps.len() as f64).round();
    let uneven = steps.iter().map(|step| (step - mean).abs()).fold(0.0, f64::max);
    let excess = (mean / (0.02 * level + 8.0)).log2().max(0.0);
    let size = 0.5 * (mean + 1.0).log2() + (uneven + 1.0).log2() + 1.0;
    habits.rises + size + TOO_WIDE * excess + steps.len() as f64 * (2.0 * uneven + 1.0).log2()
}

/// Whether the numbers only rise, and not by chance.
pub(super) fn is_total(numbers: &[f64]) -> bool {
    let steps: Vec<f64> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let risen = steps.iter().filter(|step| **step > 0.0).count();
    steps.iter().all(|step| *step >= 0.0) && risen > 0 && (steps.len() < 4 || 2 * risen >= steps.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABITS: Habits = Habits { still: 1.0, wobbles: 1.0, rises: 1.0, is_float: false };

    #[track_caller]
    fn is_cheaper(likely: &[i128], unlikely: &[i128]) {
        let of = |numbers: &[i128]| cost(numbers, HABITS, numbers[0].abs() as f64, 16);
        assert!(of(likely) + 3.0 < of(unlikely), "{} {}", of(likely), of(unlikely));
    }

    #[test]
    fn a_quantity_costs_less_than_half_of_a_longer_number() {
        is_cheaper(&[2198, 2199, 2197, 2198], &[2198, 40_000, 17, 55_000]);
        is_cheaper(&[2198, 2199, 2197, 2198], &[2198, 2600, 1800, 2300]);
        is_cheaper(&[7, 7, 7, 7], &[7, 8, 6, 7]);
        // A total that rises evenly, and its lower half that overflows.
        is_cheaper(&[65_000, 65_300, 65_600, 65_900], &[65_000, 65_300, 64, 364]);
    }

    #[test]
    fn a_total_only_rises() {
        assert!(is_total(&[1.0, 2.0, 3.0, 3.0]) && is_total(&[1.0, 2.0]));
        assert!(!is_total(&[1.0, 2.0, 1.0]) && !is_total(&[1.0, 1.0]) && !is_total(&[1.0]));
        assert!(!is_total(&[1.0, 1.0, 1.0, 1.0, 1.0, 2.0]), "a set point that was changed once");
    }
}
