//! What may come in on a serial line, or on a socket that carries serial frames: RTU and ASCII.

#![no_main]

#[path = "shared/frames.rs"]
mod frames;

use cloudward::source::modbus::frame::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| frames::check(bytes, &[Envelope::Rtu, Envelope::Ascii]));
