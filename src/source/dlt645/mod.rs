//! DL/T 645-2007, the protocol of Chinese electricity meters, on the same serial lines as Modbus. Pure: [`plan`] (which
//! identifiers to ask for), [`frame`] (what goes over the wire), [`decode`] (what it means). Door: `reader` (one group of one
//! meter).

pub mod decode;
pub mod frame;
pub mod plan;
mod reader;

pub(super) use reader::Reader;
