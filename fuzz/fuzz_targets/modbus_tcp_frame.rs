//! What a device, or whatever sits behind its port, may send over TCP.

#![no_main]

#[path = "shared/frames.rs"]
mod frames;

use cloudward::source::modbus::frame::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| frames::check(bytes, &[Envelope::Tcp]));
