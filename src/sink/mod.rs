//! The sink's room: it speaks to one MQTT 3.1.1 broker. Pure parts decide what may leave ([`scope`]), under which topic
//! ([`topic`]), in which bytes ([`payload`]), when ([`budget`], [`bucket`], [`calendar`]) and what is acknowledged ([`window`]), and tell
//! what leaves ([`manifest`]) and what left ([`egress`]); doors prepare TLS ([`tls`]), hold one connection ([`mqtt`]), say why it failed
//! ([`cause`]), and see what goes through it ([`witness`]).
//!
//! The rule of the room: the MQTT library is never trusted with data. A connection is made, used and thrown away; what
//! was not acknowledged on it is the journal's to send again.

pub mod scope;
pub mod topic;

pub mod egress;
pub mod manifest;

pub mod payload;
pub mod window;

pub mod bucket;
pub mod budget;
pub mod calendar;

pub mod tls;

pub mod cause;
pub mod mqtt;
pub mod witness;

pub mod listen; // the other direction: a subscriber, for `cloudward verify`

#[cfg(test)]
mod broker_tests;
#[cfg(test)]
mod testbed;

pub use budget::{Budget, Gate, Shut};
pub use egress::{Contents, Message};
pub use listen::{Letter, Listener};
pub use mqtt::{Note, Refused, Token, Uplink};
pub use payload::Sequel;
pub use scope::{Mask, Scope, Verdict};
pub use topic::Topics;
pub use window::Window;
pub use witness::Witness;
