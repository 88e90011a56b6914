//! What hears machines. Each link has one task, a [`Poller`]; it hands what it heard to its [`Outlet`].
//!
//! The way of a question: [`poller`] (what is due, who may be asked: `schedule`, [`breaker`]) · `scan` (one group of one device,
//! by [`modbus`] or [`dlt645`]) · `line` (the connection, dialled again after growing pauses) · [`connection`] (one socket or
//! serial port) with [`listener`] (units that dial in) and [`hold`] (who has a port). [`memory`] keeps what was learned.

pub mod breaker;
pub mod connection;
pub mod dlt645;
pub mod hold;
mod line;
pub mod listener;
pub mod memory;
pub mod modbus;
#[cfg(feature = "opcua")]
pub mod opcua;
mod outlet;
pub mod poller;
mod scan;
mod schedule;

pub use outlet::{Heard, Outlet};
pub use poller::{LinkStatus, Poller};
