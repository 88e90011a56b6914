//! Chance that can be had again: a seed is printed, and `CLOUDWARD_SEED=N` throws the same dice again. `CLOUDWARD_LONG=1`
//! makes the long runs of the fault suite: hundreds of kills instead of what fits into CI.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64: small, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    /// Dice for a test; says which seed they have.
    pub fn of(test: &str) -> Dice {
        let given = std::env::var("CLOUDWARD_SEED").ok();
        let seed = match given {
            Some(text) => text.parse().expect("CLOUDWARD_SEED is a whole number"),
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 & 0xffff_ffff,
        };
        eprintln!("{test}: CLOUDWARD_SEED={seed}");
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` up to and without `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    /// True so many times in a hundred.
    pub fn falls(&mut self, percent: u64) -> bool {
        self.between(0, 100) < percent
    }
}

/// Whether long runs were asked for.
pub fn is_long() -> bool {
    std::env::var("CLOUDWARD_LONG").is_ok_and(|value| value == "1")
}

/// A size for CI, or for a long run.
pub fn sized(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Whether faults that take root (mounts) can be made here. Where not, says which test did not run: a silence would look
/// like a pass.
pub fn is_root(test: &str) -> bool {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
    if !is_root {
        eprintln!("{test}: NOT RUN, since it mounts file systems, which takes root");
    }
    is_root
}
