//! The fault suite: the real agent against a PLC that logs what it handed out and a broker that forgets nothing, while
//! processes are killed, power fails, disks fill, refuse and lie, files are damaged and brokers misbehave. What arrives is
//! judged by an independent account. Each test proves first that its fault really happened. docs/DURABILITY.md names the
//! promise that each of them keeps.
//!
//! `CLOUDWARD_SEED=N` throws the same dice again, `CLOUDWARD_LONG=1` makes the long runs.

#![allow(clippy::unwrap_used)] // a test that fails says where

#[path = "../common/mod.rs"]
mod common;

mod kills; // SIGKILL at any moment

mod power; // power cuts, by the image of a disk

mod outage; // a day of it

mod sinks; // two, one of them dead

mod neighbours; // others at the journal

mod damage; // files cut, flipped, replaced, taken away

mod full; // a disk without a byte left

mod refusals; // disks whose Nth call fails

mod brokers; // that hang up, fall silent, lie
