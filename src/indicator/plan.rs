//! Plan: what the configuration says of one device, made ready for its engine.

mod build;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::calendar::Calendar;
use super::cell::Pri;
use super::counter::CounterRule;
use super::flags::Flags;
use crate::config::{Band, Counted, Medium, PowerRule, StateMap};
use crate::model::State;

/// Everything that an engine needs to know and that does not change with the samples.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The device's id.
    pub device: Arc<str>,
    /// Shifts, production days, hours, tariffs.
    pub calendar: Arc<Calendar>,
    /// What is listened to.
    pub inputs: Vec<Input>,
    /// Devices of which anything heard means that this one is online: itself, or the meter of one without a link.
    pub online_by: Vec<Arc<str>>,
    /// Heard less often than this, it is not online, ms.
    pub online_stale_ms: i64,
    /// Products by code.
    pub products: BTreeMap<String, Pri>,
    /// Of a device that does not say what it makes.
    pub pri: Option<Pri>,
    /// Pieces of a cycle by design.
    pub cavities: u32,
    /// Shorter idle stops between runs are micro-stops, ms.
    pub microstop_ms: i64,
    /// Shorter faults are no failures, ms.
    pub min_failure_ms: i64,
    /// The scans that are expected, of its fastest group (C2): whose, and every so many ms.
    pub scans: Option<(Arc<str>, i64)>,
    /// What is to be said beside all figures of the device.
    pub flags: Flags,
    /// Whether its energy is part of the workshop's sum.
    pub is_in_energy_sum: bool,
    /// What its counters count: `pcs`, or `kg`, `m²` and so on of what is made without pieces (R19).
    pub counted_in: &'static str,
    /// Cycles shorter than this cannot be told from how often its counters are looked at, ms; `None`: it has no cycles.
    pub coarse_ms: Option<i64>,
    /// Whether its quarters of an hour are published.
    pub tells_quarters: bool,
}

/// One tag that means something to the device; it may be of another device, the meter.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// In this state while true.
    Is(State),
    /// State by word.
    Word(StateMap),
    /// Power: readings times `num / den` are W.
    Power {
        /// States by it.
        rule: Option<PowerRule>,
        /// See above.
        num: i64,
        /// See above.
        den: i64,
        /// Whether energy is integrated from it, since there is no counter.
        is_energy: bool,
    },
    /// Counter of pieces or cycles.
    Count {
        /// What is counted.
        counted: Counted,
        /// How it behaves.
        rule: CounterRule,
        /// Whether it counts cycles.
        is_cycles: bool,
    },
    /// Counter of a medium: readings times `num / den` are of the base unit.
    Energy {
        /// What is metered.
        medium: Medium,
        /// See above.
        num: i64,
        /// See above.
        den: i64,
        /// How it behaves, in the base unit.
        rule: CounterRule,
    },
    /// In run while within, after it has been there so long, ms (R19).
    Band(Band, i64),
    /// Alarm while not zero.
    Alarm,
    /// Acknowledged while not zero.
    AlarmAck,
    /// Code of the alarm or fault.
    AlarmCode,
    /// Reason of the operator.
    StopReason,
    /// Code of the product.
    Product,
    /// Pieces of a cycle.
    Cavities,
}

impl Meaning {
    /// Whether the state depends on it.
    pub fn is_of_state(&self) -> bool {
        match self {
            Meaning::Is(_) | Meaning::Word(_) | Meaning::Band(..) | Meaning::Alarm => true,
            Meaning::Power { rule, .. } => rule.is_some(),
            _ => false,
        }
    }

    /// Whether what it says holds until it says something else.
    pub fn is_signal(&self) -> bool {
        self.is_of_state() || *self == Meaning::AlarmAck
    }

    /// Whether it is a counter of pieces.
    pub fn counts(&self, what: Counted) -> bool {
        matches!(self, Meaning::Count { counted, .. } if *counted == what)
    }
}

impl Plan {
    /// Whether anything counts this.
    pub fn counts(&self, what: Counted) -> bool {
        self.inputs.iter().any(|input| input.meaning.counts(what))
    }

    /// Whether a cycle ends with this count: with all pieces, or with good and bad ones where only those are counted.
    pub fn ends_cycle(&self, counted: Counted) -> bool {
        let is_total = self.counts(Counted::Total);
        counted == Counted::Total || !is_total && matches!(counted, Counted::Good | Counted::Bad)
    }

    /// Whether there is such an input.
    pub fn hears(&self, meaning: &Meaning) -> bool {
        self.inputs.iter().any(|input| input.meaning == *meaning)
    }

    /// What is known of causes, products and cavities by a tag of its own.
    pub fn says_product(&self) -> bool {
        self.inputs.iter().any(|input| input.meaning == Meaning::Product)
    }

    /// After the end of a cell, all that began in it can be judged so much later, ms.
    pub fn settle_ms(&self) -> i64 {
        let counts = |input: &&Input| matches!(input.meaning, Meaning::Power { .. }) || !input.meaning.is_signal();
        let counting = self.inputs.iter().filter(counts).map(|input| input.stale_ms);
        counting.chain([self.microstop_ms, self.min_failure_ms]).max().unwrap_or(0)
    }
}
