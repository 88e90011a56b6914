//! Modbus, whatever carries it. All of it is pure but the last: [`plan`] (which blocks), [`frame`] (what goes over the wire),
//! [`decode`] (what it means), [`learn`] (what a device refuses); for `cloudward write` alone [`encode`] (what a typed value
//! means) and [`write`] (the frames that change something). `reader` reads one group with them.

pub mod decode;
pub mod encode;
pub mod frame;
pub mod learn;
pub mod plan;
mod reader;
pub mod write;

pub(super) use reader::Reader;
