//! What readings mean: states, pieces, energy, and the figures that an assessor can recompute. Everything here is pure: time
//! is an argument, and the same batches give the same result whatever their chunking, whenever the agent was restarted.

mod calendar;
mod cell;
mod dates;
mod exact;
mod flags;
pub mod formula;
mod interval;
mod plan;

pub use calendar::Calendar;
pub use cell::{Cell, CounterEvents, Duty, Energy, Made, Pri, Quarter, ShiftRef, Stop, Sums, Times};
pub use exact::{Amount, Ratio, Rounded};
pub use flags::Flags;
pub use interval::{Interval, MICROSTOP};
pub use plan::{Input, Meaning, Plan};
