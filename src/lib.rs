//! cloudward: an industrial edge agent. docs/ARCHITECTURE.md shows the house; each module below is one of its rooms.

pub mod model;

pub mod config;

#[cfg(feature = "demo")]
pub mod console;
#[cfg(feature = "demo")]
pub mod simulator;
