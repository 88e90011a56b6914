//! The register maps of config/profiles, which travel in the binary, so that a gateway needs no further files. build.rs packs them.

use std::sync::{Arc, OnceLock};

use super::{Config, Device};

static UNPACKED: OnceLock<Vec<(String, String)>> = OnceLock::new();

/// Name and text of each, in the order of their names. They stay in memory: for tools that look through them.
pub fn built_in_profiles() -> &'static [(String, String)] {
    UNPACKED.get_or_init(unpack)
}

/// The same, if a tool looked through them already: an agent that runs for years keeps none in memory.
pub(super) fn unpacked() -> Option<&'static Vec<(String, String)>> {
    UNPACKED.get()
}

/// A device that has nothing but this map.
pub fn built_in_device(name: &str) -> Option<Arc<Device>> {
    // Whom it asks is of no matter; a meter of DL/T 645 wants its own number.
    ["unit = 1", "meter = \"1\""].into_iter().find_map(|whom| {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"l\"\nmodbus_rtu_tcp = \"h\"\n[[device]]\nid = \"d\"\nlink = \"l\"\n{whom}\nprofile = \"{name}\"\n"
        );
        Config::parse(&text).ok()?.devices.into_iter().next()
    })
}

pub(super) fn unpack() -> Vec<(String, String)> {
    const BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/profiles.zst"));
    let text = zstd::decode_all(BLOB).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.unwrap_or_default(); // the blob is our own, and a test reads every map of it
    let mut parts = text.split('\0').map(str::to_owned);
    std::iter::from_fn(|| parts.next().zip(parts.next())).collect()
}
