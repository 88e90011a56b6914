//! The register maps of config/profiles, which travel in the binary, so that a gateway needs no further files. They are packed by
//! build.rs and unpacked when one is asked for.

/// Name and text of each, in the order of their names.
pub fn built_in_profiles() -> Vec<(String, String)> {
    const BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/profiles.zst"));
    let text = zstd::decode_all(BLOB).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.unwrap_or_default(); // the blob is our own, and a test reads every map of it
    let mut parts = text.split('\0').map(str::to_owned);
    std::iter::from_fn(|| parts.next().zip(parts.next())).collect()
}
