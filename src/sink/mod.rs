//! The sink's room: it speaks to one MQTT 3.1.1 broker. Pure parts decide what may leave ([`scope`]), under which topic
//! ([`topic`]), in which bytes ([`payload`]) and what is acknowledged ([`window`]); doors prepare TLS ([`tls`]), hold one connection ([`mqtt`]) and say why it failed ([`cause`]).
//!
//! The rule of the room: the MQTT library is never trusted with data. A connection is made, used and thrown away; what
//! was not acknowledged on it is the journal's to send again.

pub mod scope;
pub mod topic;

pub mod payload;
pub mod window;

pub mod tls;

pub mod cause;
pub mod mqtt;

pub mod listen; // the other direction: a subscriber, for `cloudward verify`

#[cfg(test)]
mod broker_tests;
#[cfg(test)]
mod testbed;

pub use listen::{Letter, Listener};
pub use mqtt::{Note, Refused, Token, Uplink};
pub use scope::{Mask, Scope};
pub use topic::Topics;
pub use window::Window;
