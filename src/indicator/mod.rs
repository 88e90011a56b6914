//! What readings mean: states, pieces, energy, and the figures that an assessor can recompute. Everything here is pure: time
//! is an argument, and the same batches give the same result whatever their chunking, whenever the agent was restarted.

mod engine;
mod plan;

mod alarms;
mod clock;
mod counter;
mod cycles;
mod energy;
mod machine;
mod resolve;
mod shelf;
mod signal;

mod calendar;
mod cell;
mod dates;
mod exact;
mod flags;
pub mod formula;
mod interval;
mod late;
pub mod ledger;
mod reclassify;
pub mod rollup;

pub use alarms::AlarmTimes;
pub use calendar::{Calendar, Slot, Turn};
pub use cell::{Cell, CounterEvents, Duty, Energy, Made, Pri, Quarter, ShiftRef, Stop, Sums, Times};
pub use clock::TOLD_STEP_MS;
pub use counter::{Counter, CounterRule, Limit, Mark, Step, Turn as CounterTurn};
pub use cycles::{Cycles, Percentile};
pub use engine::{Engine, LATENESS_MS, News, Now, Reached};
pub use exact::{Amount, Ratio, Rounded};
pub use flags::Flags;
pub use formula::Figure;
pub use interval::{Interval, MICROSTOP};
pub use late::{FROZEN_AFTER_MS, is_frozen};
pub use plan::{Input, Meaning, Plan};
pub use reclassify::{Reclassified, Refusal, reclassify, replan, replan_log};
pub use rollup::{Gathered, Period, Site};

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod found;
#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod kinds;
#[cfg(test)]
pub(crate) mod properties;
