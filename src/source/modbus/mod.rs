//! Modbus over TCP, serial lines, and serial frames on a socket. Pure: [`plan`] (which blocks), [`frame`] (what goes over the
//! wire), [`decode`] (what it means), [`learn`] (what a device refuses), [`breaker`] (who is silent; not yet in use). Doors: [`connection`] (one socket or port), [`poller`] (one task per link).

pub mod breaker;
pub mod connection;
pub mod decode;
pub mod frame;
pub mod learn;
pub mod listener;
pub mod plan;
mod poller;

pub use poller::{LinkStatus, Poller};
