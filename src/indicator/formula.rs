//! The figures: quotients of sums, taken last and exactly. Each says its numerator and denominator, so that a person can do
//! it again by hand.

use super::cell::Sums;
use super::exact::{Ratio, Rounded};
use super::flags::Flags;

/// What all figures of this file follow; part of every report. Raised when a formula changes.
pub const VERSION: &str = "iso22400-2:2014/1";

/// How far a figure can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// At least 90 % of the planned busy time is known.
    Ok,
    /// At least half of it.
    Low,
    /// Less: there is no value.
    None,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// `O3`.
    pub id: &'static str,
    /// `availability`: its name in payloads.
    pub name: &'static str,
    /// Above the line; `None`: it cannot be known.
    pub numerator: Option<Ratio>,
    /// Below the line; `None`: it cannot be known, or there is no line.
    pub denominator: Option<Ratio>,
    /// Units of the two, and of the value.
    pub units: [&'static str; 3],
    /// With six decimals, half to even.
    pub value: Option<Rounded>,
    /// Known share of the planned busy time.
    pub coverage: Option<Rounded>,
    /// How far it can be relied upon.
    pub quality: Quality,
    /// What to know beside it.
    pub flags: Flags,
    /// The formula in words of the standard: `APT / PBT`.
    pub formula: &'static str,
}

/// The figures O1 to O15 of one device from its sums, over whatever period and basis they are of.
pub fn device(sums: &Sums) -> Vec<Figure> {
    let _ = sums;
    Vec::new()
}
