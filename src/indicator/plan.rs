//! Plan: what the configuration says of one device, made ready for its engine.

use std::sync::Arc;

use super::calendar::Calendar;
use super::cell::Pri;
use super::exact::Amount;
use crate::config::{CountRule, Counted, Medium, PowerRule, StateMap};
use crate::model::State;

/// Everything that an engine needs to know and that does not change with the samples.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The device's id.
    pub device: Arc<str>,
    /// Shifts, production days, hours, tariffs.
    pub calendar: Arc<Calendar>,
    /// What is listened to, in the order of its places.
    pub inputs: Vec<Input>,
    /// Products by code.
    pub products: Vec<(String, Pri)>,
    /// Of a device that does not say what it makes.
    pub pri: Option<Pri>,
    /// The fastest of all: what R5 checks by.
    pub fastest: Option<Pri>,
    /// Rated power in W.
    pub rated: Option<Amount>,
    /// States by power.
    pub power: Option<PowerRule>,
    /// Shorter idle stops between runs are micro-stops, ms.
    pub microstop_ms: i64,
    /// Shorter faults are no failures, ms.
    pub min_failure_ms: i64,
    /// Time between two scans, ms; of the fastest group (C2).
    pub scan_every_ms: i64,
    /// One meter for several machines: it has no energy of its own (R15).
    pub has_shared_meter: bool,
}

/// One tag that means something to the device; it may be of another device, the meter.
#[derive(Debug, Clone)]
pub struct Input {
    /// Whose tag it is.
    pub device: Arc<str>,
    /// Its name.
    pub tag: Arc<str>,
    /// What it says.
    pub meaning: Meaning,
    /// Good samples further apart leave a hole, ms.
    pub stale_ms: i64,
}

/// What an input says.
#[derive(Debug, Clone)]
pub enum Meaning {
    /// In this state while true.
    Is(State),
    /// State by word.
    Word(StateMap),
    /// Power; times `num / den` W.
    Power(i64, i64),
    /// Counter of pieces or cycles.
    Count(Counted, CountRule),
    /// Counter; times `num / den` of the base unit.
    Energy(Medium, i64, i64),
    /// Alarm while not zero.
    Alarm,
    /// Code of the alarm or fault.
    AlarmCode,
    /// Reason of the operator.
    StopReason,
    /// Code of the product.
    Product,
    /// Pieces of a cycle.
    Cavities,
}
