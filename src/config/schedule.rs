//! `[calendar]`, `[[shift]]`, `[[planned_stop]]`, `[[product]]`, `[[tariff]]` and `[energy_factors]`: what machines do not know
//! themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::glob::glob;
use super::read::Section;
use super::{Device, Medium};

/// When the workshop works, what it makes, what energy costs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The production day begins here.
    pub day_start: Time,
    /// Days without shifts.
    pub holidays: Vec<Date>,
    /// Days with all shifts, whatever weekday they are.
    pub extra_days: Vec<Date>,
    /// Shifts.
    pub shifts: Vec<Shift>,
    /// Stops on certain days.
    pub planned_stops: Vec<PlannedStop>,
    /// Products.
    pub products: Vec<Product>,
    /// 尖峰平谷.
    pub tariffs: Vec<Tariff>,
    /// kgce per kWh, m³ or t.
    pub factors: BTreeMap<Medium, f64>,
}

/// `[[shift]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Name.
    pub name: String,
    /// It begins.
    pub start: Time,
    /// It ends; not after `start`: on the next day.
    pub end: Time,
    /// Weekdays on which it begins.
    pub days: Vec<Weekday>,
    /// Breaks within it.
    pub breaks: Vec<Span>,
    /// Stops of every day within it: cleaning, the meeting.
    pub planned_stops: Vec<Span>,
    /// Devices, or patterns of them; empty: all.
    pub devices: Vec<String>,
}

/// From a time of day to another; not after the first: over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From.
    pub from: Time,
    /// To.
    pub to: Time,
}

/// `[[planned_stop]]`
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStop {
    /// From, local time.
    pub from: DateTime,
    /// To, local time.
    pub to: DateTime,
    /// Why.
    pub reason: String,
    /// Devices, or patterns of them; empty: all.
    pub devices: Vec<String>,
}

/// `[[product]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// What the machine calls it.
    pub code: String,
    /// For people.
    pub name: Option<String>,
    /// Standard time of a cycle.
    pub pri: Duration,
    /// Pieces of a cycle by design; `None`: as the device.
    pub cavities: Option<u32>,
    /// Devices, or patterns of them; empty: all.
    pub devices: Vec<String>,
}

/// `[[tariff]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Tariff {
    /// 尖, 峰, 平, 谷, or a word of the writer's.
    pub name: String,
    /// Times of day.
    pub times: Vec<Span>,
    /// Months; empty: all.
    pub months: Vec<i8>,
    /// Yuan per kWh.
    pub price: Option<f64>,
}

impl Default for Schedule {
    fn default() -> Schedule {
        let factors = BTreeMap::from([(Medium::Electricity, Schedule::KGCE_PER_KWH)]);
        let (holidays, extra_days, shifts, planned_stops, products, tariffs) = Default::default();
        let day_start = Time::constant(8, 0, 0, 0);
        Schedule { day_start, holidays, extra_days, shifts, planned_stops, products, tariffs, factors }
    }
}

impl Schedule {
    /// Electricity as coal, equivalent value (当量值), by the National Bureau of Statistics.
    pub const KGCE_PER_KWH: f64 = 0.1229;
}

/// Whether a device is meant by a list of patterns; an empty one means all.
pub fn is_meant(patterns: &[String], device: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, device))
}

pub(super) fn schedule(_top: &Section<'_>, _devices: &[std::sync::Arc<Device>]) -> Schedule {
    Schedule::default()
}
