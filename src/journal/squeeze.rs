//! Squeeze: scans in memory as they stand in a row of the file, in columns and through zstd: about a byte a sample, where a scan of ten
//! tags takes 400.

use std::io;

use super::columns;
use super::record::{Packer, Unpacker};
use crate::model::{Scan, Timestamp};

/// Scans of one group.
#[derive(Debug, Clone)]
pub struct Bundle {
    at: Timestamp,
    tags: usize,
    body: Box<[u8]>,
}

/// Packs and unpacks.
pub struct Squeezer {
    packer: Packer,
    unpacker: Unpacker,
}

impl Squeezer {
    /// One; the error is zstd's own (out of memory).
    pub fn new() -> io::Result<Squeezer> {
        Ok(Squeezer { packer: Packer::new()?, unpacker: Unpacker::new()? })
    }

    /// Scans of a group of so many tags, in as few bundles as can be.
    pub fn pack(&mut self, scans: &[Scan], tags: usize) -> Vec<Bundle> {
        let bundle = |scans: &[Scan]| {
            let mut payload = Vec::new();
            columns::encode(scans, tags, &mut payload);
            let at = scans.first().map_or(Timestamp(0), |scan| scan.at);
            Bundle { at, tags, body: self.packer.pack(&[], &payload).into() }
        };
        scans.chunks(columns::max_scans(tags)).map(bundle).collect()
    }

    /// The scans of a bundle; `None`: the memory is damaged.
    pub fn unpack(&mut self, bundle: &Bundle) -> Option<Vec<Scan>> {
        let payload = self.unpacker.unpack(&[], &bundle.body).ok()?;
        columns::decode(&payload, bundle.tags, bundle.at).ok()
    }
}

impl Bundle {
    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Bundle>() + self.body.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reading, Value};

    #[test]
    fn an_hour_of_a_machine_takes_a_byte_or_two_a_sample_and_comes_back_as_it_was() {
        let scan = |second: i64| {
            let bit = |n| Some(Reading::Good(Value::Bool(second / 600 % n == 0)));
            let count = |n| Some(Reading::Good(Value::U64((second / n) as u64)));
            let readings = vec![bit(2), bit(3), bit(7), count(5), count(5), count(90)];
            Scan {
                at: Timestamp(1_772_452_800_000 + second * 1_000),
                mono_ms: second as u64 * 1_000,
                readings,
                stamps: None,
            }
        };
        let scans: Vec<Scan> = (0..3_600).map(scan).collect();
        let mut squeezer = Squeezer::new().unwrap();
        let bundles: Vec<Bundle> = scans.chunks(128).flat_map(|scans| squeezer.pack(scans, 6)).collect();
        let bytes: usize = bundles.iter().map(Bundle::bytes).sum();
        assert!(bytes < 3_600 * 6, "{bytes} bytes");
        let back: Vec<Scan> = bundles.iter().flat_map(|bundle| squeezer.unpack(bundle).unwrap()).collect();
        assert_eq!(back, scans);
    }
}
