//! OPC UA as a client: sessions, subscriptions and trust of our own on the secure channel of the async-opcua crate.
//!
//! The way of a value: [`client`] (the task of one link) · `session` with `endpoint`, `login`, [`pki`] and [`certificate`] (with whom and
//! as whom) on a `channel` · `monitor` (subscriptions and items) · `serve` (what comes) · `convert` (to a reading) · `gather`
//! (to scans). What goes wrong: [`fault`] (why), [`ladder`] (how far back), `recover` (what is brought over), `freshness` (who is
//! silent for too long) with `look` (reading it). For a person who decides whom to trust: [`contact`].

mod book;
pub mod certificate;
mod channel;
pub mod client;
pub mod contact;
mod convert;
mod endpoint;
pub mod fault;
mod freshness;
mod gather;
mod items;
pub mod ladder;
mod login;
mod look;
mod monitor;
pub mod pki;
mod recover;
mod serve;
mod session;
mod subscription;

pub use client::Client;
