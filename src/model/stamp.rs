//! Stamp: what a protocol with clocks of its own says of a reading beside the reading itself.

use super::Timestamp;

/// When a value was taken, by the clocks of those who took it, and how sure they are. A protocol without such clocks
/// (Modbus, DL/T 645) has none. Beside a reading that is not there stands [`Stamp::NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// By the clock of the device that the value comes from (OPC UA Part 4 7.11.3).
    pub source: Option<Timestamp>,
    /// By the clock of the server that handed it out (OPC UA Part 4 7.11.4).
    pub server: Option<Timestamp>,
    /// OPC UA status code (Part 4 7.39); 0 is `Good`.
    pub status: u32,
}

impl Stamp {
    /// Nothing was said.
    pub const NONE: Stamp = Stamp { source: None, server: None, status: 0 };
}
