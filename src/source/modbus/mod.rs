//! Modbus TCP. Pure: [`plan`] (which blocks), [`decode`] (what they mean), [`learn`] (what a device refuses), [`breaker`]
//! (who is silent). Doors: [`connection`] (one socket),
//! [`poller`] (one task per link).

pub mod breaker;
pub mod connection;
pub mod decode;
pub mod learn;
pub mod plan;
mod poller;

pub use poller::{LinkStatus, Poller};
