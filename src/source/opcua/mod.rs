//! OPC UA as a client: sessions, subscriptions and trust of our own on the secure channel of the async-opcua crate.
//!
//! The way of a value: [`client`] (the task of one link) · `session` with `endpoint`, `login`, [`pki`] and [`certificate`] (with whom and
//! as whom) on a `channel` · `monitor` (subscriptions and items) · `serve` (what comes) · `convert` with `structure` (to a reading)
//! · `gather` (to scans). What goes wrong: [`fault`] (why), [`ladder`] (how far back), `recover` (what is brought over), `freshness` (who is
//! silent for too long) with `look` (reading it), `signs` (that it lives, for the ledger). For a person who decides whom to trust: [`contact`].
//!
//! For one command by hand: [`visit`] (a session that reads and goes) · [`walk`] with `facts` (through the address space) · [`found`]
//! (what it has found).

mod book;
pub mod certificate;
mod channel;
pub mod client;
pub mod contact;
pub mod convert;
mod endpoint;
mod facts;
pub mod fault;
pub mod found;
mod freshness;
mod gather;
mod items;
pub mod ladder;
mod login;
mod look;
mod monitor;
mod node_id;
pub mod pki;
mod recover;
mod serve;
mod session;
mod signs;
mod structure;
mod subscription;
mod taken;
pub mod visit;
pub mod walk;

pub use client::Client;
