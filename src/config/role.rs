//! `role`: what a tag means. It is all that indicators need to know of a tag.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::read::Section;
use super::{Origin, Tag};
use crate::model::words::config as words;
use crate::model::words::indicator_config as own_words;
use crate::model::{State, Trouble, ValueKind};

/// What a tag means.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// `state.run`, `state.fault`, `state.setup`, `state.maint`, `state.off`: the machine is in this state while the tag is
    /// true, or not zero.
    Is(State),
    /// `state.word`: a number or name for the state.
    Word(StateMap),
    /// `power.active`: electric power.
    Power(Unit),
    /// `count.total`, `count.good`, `count.bad`, `count.rework`.
    Count(Counted, CountRule),
    /// `energy.active`, `energy.water`, `energy.gas`, `energy.steam`, `energy.air`: a counter, and the reading at which it
    /// begins at zero again.
    Energy(Medium, Unit, Option<f64>),
    /// `alarm.word`: not zero, or true, while there is an alarm.
    Alarm,
    /// `alarm.code`: which fault or alarm it is.
    AlarmCode,
    /// `stop.reason`: what the operator says.
    StopReason,
    /// `product.id`, `program.no`: what is being made; the code of a `[[product]]`.
    Product,
    /// `cycle.time`: how long the last cycle took.
    CycleTime(Unit),
    /// `cavities`: pieces of a cycle.
    Cavities,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// All pieces, or cycles.
    Total,
    /// Good ones.
    Good,
    /// Bad ones.
    Bad,
    /// Done again.
    Rework,
}

/// How a counter counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CountRule {
    /// `kind = "job"`: the operator, or the job, sets it to zero (A16).
    pub is_job: bool,
    /// It begins at zero again at this reading; `None`: never.
    pub wraps_at: Option<f64>,
    /// It moves by so many at once (A4).
    pub step: Option<f64>,
    /// So many a minute at most; `None`: by the standard cycle.
    pub max_per_minute: Option<f64>,
    /// Whether it counts cycles rather than pieces; `None`: as is usual (A22).
    pub is_cycles: Option<bool>,
}

/// What is metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// In Wh.
    Electricity,
    /// In m³.
    Water,
    /// In m³.
    Gas,
    /// In t.
    Steam,
    /// In m³.
    Air,
}

impl Medium {
    /// All of them.
    pub const ALL: [Medium; 5] = [Medium::Electricity, Medium::Water, Medium::Gas, Medium::Steam, Medium::Air];

    /// The word in the configuration and in payloads.
    pub fn as_str(self) -> &'static str {
        match self {
            Medium::Electricity => "electricity",
            Medium::Water => "water",
            Medium::Gas => "gas",
            Medium::Steam => "steam",
            Medium::Air => "air",
        }
    }

    /// The unit in reports.
    pub fn unit(self) -> &'static str {
        match self {
            Medium::Electricity => "kWh",
            Medium::Steam => "t",
            Medium::Water | Medium::Gas | Medium::Air => "m³",
        }
    }
}

/// A unit as a multiple of the base unit (Wh, W, m³, t, µs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unit {
    /// Base units: `num / den`.
    pub num: i64,
    /// See `num`.
    pub den: i64,
}

/// What the numbers, or names, of a word mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateMap {
    /// By number as text, or by the name that `values` gives it.
    pub by_word: BTreeMap<Arc<str>, State>,
}

pub(super) fn role(
    _section: &Section<'_>,
    _placed: Option<&Origin>,
    _values: Option<&super::Names>,
    _is_scaled: bool,
) -> Option<Role> {
    None
}
