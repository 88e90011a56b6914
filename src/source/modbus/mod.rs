//! Modbus over TCP, serial lines, and serial frames on a socket. Pure: [`plan`] (which blocks), [`frame`] (what goes over the
//! wire), [`decode`] (what it means), [`learn`] (what a device refuses), [`breaker`] (who is silent); for `cloudward write`
//! alone [`encode`] (what a typed value means) and [`write`] (the frames that change something). Doors: [`connection`] (one
//! socket or port), [`hold`] (who has a serial port), `line` (dials and gives up), `scan` (one group), `registers` (its blocks),
//! [`poller`] (one task per
//! link), [`memory`] (what was learned, on disk).

pub mod breaker;
pub mod connection;
pub mod decode;
pub mod encode;
pub mod frame;
pub mod hold;
pub mod learn;
mod line;
pub mod listener;
pub mod memory;
pub mod plan;
pub mod poller;
mod registers;
pub(super) mod scan;
pub mod write;

pub use poller::{LinkStatus, Poller};
