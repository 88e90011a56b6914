//! Modbus TCP. Pure: [`plan`] (which blocks), [`decode`] (what they mean). Doors: [`connection`] (one socket),
//! [`poller`] (one task per link).

pub mod connection;
pub mod decode;
pub mod frame;
pub mod plan;
mod poller;

pub use poller::{LinkStatus, Poller};
