//! What was learned of the devices of one link, kept over restarts: one small JSON file per link in the state directory.
//! Deleting it is safe: everything in it is learned again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::modbus::learn::Learned;

/// What is kept of one link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    groups: Vec<Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    device: String,
    every_ms: u64,
    #[serde(flatten)]
    learned: Learned,
}

impl Memory {
    /// Where the memory of `link` is.
    pub fn path(state_dir: &Path, link: &str) -> PathBuf {
        state_dir.join("learned").join(format!("{link}.json"))
    }

    /// What was kept there; nothing where there is no such file.
    pub fn load(path: &Path) -> io::Result<Memory> {
        match std::fs::metadata(path) {
            // Seen before it is opened: a pipe would keep the agent from its signals for ever.
            Ok(found) if !found.is_file() || found.len() > MAX_BYTES => {
                Err(io::Error::other(format!("no file of at most {MAX_BYTES} B")))
            }
            Ok(_) => serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Memory::default()),
            Err(error) => Err(error),
        }
    }

    /// What is known of one group.
    pub fn of(&self, device: &str, period: Duration) -> Option<&Learned> {
        let every_ms = period.as_millis() as u64;
        self.groups.iter().find(|kept| kept.device == device && kept.every_ms == every_ms).map(|kept| &kept.learned)
    }

    /// Adds what one group has learned, if anything.
    pub fn keep(&mut self, device: &str, period: Duration, learned: Learned) {
        if !learned.is_empty() {
            let every_ms = period.as_millis() as u64;
            self.groups.push(Kept { device: device.into(), every_ms, learned });
        }
    }

    /// Writes it whole or not at all.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("new");
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let mut file = std::fs::File::create(&new)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?; // a power cut behind the renaming must not leave an empty file
        std::fs::rename(new, path)
    }
}

/// Ten thousand quarantined values are below 1 MB; beyond this it is another file.
const MAX_BYTES: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn learned() -> Learned {
        Learned { key: 7, splits: vec!["holding:62".into()], ..Learned::default() }
    }

    #[test]
    fn what_is_kept_comes_back_for_the_same_device_and_period_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = Memory::path(dir.path(), "rs485");
        assert_eq!(Memory::load(&path).unwrap(), Memory::default(), "nothing yet");
        let mut memory = Memory::default();
        memory.keep("press", Duration::from_secs(1), learned());
        memory.keep("meter", Duration::from_secs(1), Learned::default());
        memory.save(&path).unwrap();
        let back = Memory::load(&path).unwrap();
        assert_eq!(back.of("press", Duration::from_secs(1)), Some(&learned()));
        assert_eq!(back.of("press", Duration::from_secs(2)), None);
        assert_eq!(back.of("meter", Duration::from_secs(1)), None, "nothing learned is nothing kept");
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_an_error_and_not_a_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        for bytes in [&b"{"[..], b"[1]", b"\xff", b"{\"groups\":[{}]}"] {
            std::fs::write(&path, bytes).unwrap();
            assert!(Memory::load(&path).is_err(), "{bytes:?}");
        }
    }
    #[test]
    fn what_is_no_file_or_has_no_end_is_told_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        for place in [Path::new("/dev/zero"), Path::new("/proc/self/fd"), dir.path()] {
            assert!(Memory::load(place).is_err(), "{}", place.display());
        }
    }
}
