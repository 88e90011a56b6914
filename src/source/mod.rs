//! What hears machines. Each link has one task, a [`Poller`](modbus::Poller); it hands what it heard to its [`Outlet`].

pub mod dlt645;
pub mod modbus;
mod outlet;
mod schedule;

pub use outlet::{Heard, Outlet};
