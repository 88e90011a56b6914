//! Modbus over TCP, serial lines, and serial frames on a socket. Pure: [`plan`] (which blocks), [`frame`] (what goes over the
//! wire), [`decode`] (what it means), [`learn`] (what a device refuses), [`breaker`] (who is silent; not yet in use);
//! for `cloudward write` alone [`encode`] (what a typed value means) and [`write`] (the frames that change something). Doors: [`connection`] (one socket or port), [`poller`] (one task per link).

pub mod breaker;
pub mod connection;
pub mod decode;
pub mod encode;
pub mod frame;
pub mod hold;
pub mod learn;
pub mod listener;
pub mod plan;
mod poller;
pub mod write;

pub use poller::{LinkStatus, Poller};
