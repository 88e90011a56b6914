//! The console shows: a live view of a running demo, and the account at its end. It is given plain structs and draws
//! them; it knows nothing of machines, journals or brokers, and reads no clock.

pub mod view;

pub mod live;

pub mod summary;

pub use live::Live;
pub use summary::{Summary, Verdict};
pub use view::{MachineLine, MachineState, View};
