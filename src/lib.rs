//! cloudward: an industrial edge agent. docs/ARCHITECTURE.md shows the house; each module below is one of its rooms, the
//! upper ones first.

pub mod cli;

pub mod agent;

pub mod probe;
pub mod report;

pub mod source;

pub mod indicator;

pub mod journal;

pub mod sink;

pub mod verify;

pub mod status;

#[cfg(feature = "demo")]
pub mod console;

#[cfg(feature = "demo")]
pub mod simulator;

pub mod import;

pub mod ledger;

pub mod secret;

pub mod config;

pub mod model;
