//! Exact numbers: amounts in millionths, quotients of whole numbers. Nothing here is a float, so that sums do not depend
//! on their order and a stranger who adds by hand gets the same last digit.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use crate::model::Value;

/// Pieces, metres, watt-hours, cubic metres: a decimal with six places. It ends at nine million millions, which no
/// counter of a machine reaches; what would is no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Amount(pub i64);

impl Amount {
    /// Millionths in one.
    pub const ONE: i64 = 1_000_000;

    /// A whole number of them.
    pub fn whole(n: i64) -> Amount {
        Amount(n.saturating_mul(Amount::ONE))
    }

    /// The nearest amount; `None` for what is no number, and beyond the range.
    pub fn of(number: f64) -> Option<Amount> {
        const MOST: f64 = 9e18;
        let millionths = (number * 1e6).round();
        (millionths.abs() <= MOST).then_some(Amount(millionths as i64))
    }

    /// The amount that a reading says. A single-precision float is taken as it is printed: 12345.67, not
    /// 12345.669921875.
    pub fn of_value(value: &Value) -> Option<Amount> {
        match value {
            Value::I64(n) => n.checked_mul(Amount::ONE).map(Amount),
            Value::U64(n) => i64::try_from(*n).ok()?.checked_mul(Amount::ONE).map(Amount),
            Value::F32(x) => x.to_string().parse().ok().and_then(Amount::of),
            Value::F64(x) => Amount::of(*x),
            Value::Bool(b) => Some(Amount::whole(i64::from(*b))),
            Value::Text(text) => text.trim().parse().ok().and_then(Amount::of),
            Value::Json(_) => None,
        }
    }

    /// This amount times `num / den`, rounded down; beyond the range the end of the range.
    pub fn times(self, num: i64, den: i64) -> Amount {
        let product = i128::from(self.0) * i128::from(num);
        let quotient = product.div_euclid(i128::from(den.max(1)));
        Amount(i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX }))
    }

    /// As a quotient.
    pub fn ratio(self) -> Ratio {
        Ratio::new(i128::from(self.0), i128::from(Amount::ONE)).expect("a million is not zero")
    }
}

impl Add for Amount {
    type Output = Amount;
    fn add(self, other: Amount) -> Amount {
        Amount(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Amount;
    fn sub(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Amount) {
        *self = *self - other;
    }
}

impl Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        Amount(self.0.saturating_neg())
    }
}

/// A quotient of whole numbers in lowest terms; the denominator is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: i128,
    den: i128,
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };

    /// `num / den`; `None` where `den` is zero.
    pub fn new(num: i128, den: i128) -> Option<Ratio> {
        if den == 0 {
            return None;
        }
        let by = gcd(num, den).max(1) * den.signum();
        Some(Ratio { num: num / by, den: den / by })
    }

    /// A whole number.
    pub fn whole(n: i128) -> Ratio {
        Ratio { num: n, den: 1 }
    }

    /// The number above the line.
    pub fn num(self) -> i128 {
        self.num
    }

    /// The number below the line.
    pub fn den(self) -> i128 {
        self.den
    }

    /// `self + other`; `None` beyond what 128 bits hold.
    pub fn plus(self, other: Ratio) -> Option<Ratio> {
        let by = gcd(self.den, other.den).max(1);
        let (a, b) = (self.num.checked_mul(other.den / by)?, other.num.checked_mul(self.den / by)?);
        Ratio::new(a.checked_add(b)?, self.den.checked_mul(other.den / by)?)
    }

    /// `self × other`; `None` beyond what 128 bits hold.
    pub fn times(self, other: Ratio) -> Option<Ratio> {
        let a = Ratio::new(self.num, other.den)?;
        let b = Ratio::new(other.num, self.den)?;
        Ratio::new(a.num.checked_mul(b.num)?, a.den.checked_mul(b.den)?)
    }

    /// `self ÷ other`; `None` where `other` is zero, and beyond what 128 bits hold.
    pub fn over(self, other: Ratio) -> Option<Ratio> {
        self.times(Ratio::new(other.den, other.num)?)
    }

    /// With six decimals, half to even on the exact quotient (rule A28); `None` beyond the range.
    pub fn rounded(self) -> Option<Rounded> {
        let scaled = Ratio::new(self.num.checked_mul(1_000_000)?, self.den)?;
        let (whole, rest) = (scaled.num.div_euclid(scaled.den), scaled.num.rem_euclid(scaled.den));
        let up = match (rest.checked_mul(2)?).cmp(&scaled.den) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => whole.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        i64::try_from(whole + up).ok().map(Rounded)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).unwrap_or(1)
}

/// A figure as it is published: millionths. Shown as `0.767677`, without zeros at its end but one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rounded(pub i64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, n) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let text = format!("{sign}{}.{:06}", n / 1_000_000, n % 1_000_000);
        let text = text.trim_end_matches('0');
        f.write_str(text)?;
        if text.ends_with('.') { f.write_str("0") } else { Ok(()) }
    }
}
