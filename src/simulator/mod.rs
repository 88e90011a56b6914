//! The simulator pretends: machines that answer over real Modbus TCP and OPC UA, a broker that can be taken away and brought back,
//! the configuration that joins them, and the account of what arrived. For `cloudward demo`, `cloudward sim` and tests.
//!
//! The machines, their [`faults`] and the account are pure: time is an argument, the same seed gives the same workshop.
//! [`spoiler`] does what the faults say. [`server`], [`broker`] and `opcua::server` are the doors: the only places that name
//! tokio-modbus's server half, rumqttd and the OPC UA library's server half.

pub mod machine;

pub mod injection;
pub mod meter;
pub mod press;

pub mod server;

#[cfg(feature = "opcua")]
pub mod opcua;

pub mod faults;
pub mod spoiler;

pub mod broker;
pub mod gate;

pub mod arrivals;
pub mod workshop;

pub use arrivals::Arrivals;
pub use broker::{Broker, Delivery};
pub use faults::{Fault, Faults};
pub use gate::Gate;
pub use machine::{Glance, Machine, Phase};
pub use server::{Endpoint, HandedOut, Server};
pub use spoiler::Spoiler;
