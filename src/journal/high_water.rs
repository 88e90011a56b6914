//! The high-water mark: how far positions were given, in a small file beside the journal's own.
//!
//! SQLite drops the end of a shortened WAL without a word, and a journal may be set aside altogether; this file still knows from where
//! on positions are free, and how far the journal once reached.
//!
//! The rule: it is written in place, to one of two slots, each with its checksum and in a block of its own, and never to the one that
//! was synced last: whatever a power cut leaves of the one, the other stands. Damaged slots say nothing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::fault;
use super::store::RESERVED_AHEAD;
use crate::model::{Seq, Stream, Trouble};

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    /// Up to here positions may have been given, per stream.
    pub reserved: [Seq; 2],
    /// Up to here records were once seen written, per stream.
    pub written: [Seq; 2],
    /// Up to here every sink had come, per stream.
    pub passed: [Seq; 2],
    /// The journal was closed, and nothing was given since.
    pub is_closed: bool,
}

/// The file, opened for writing.
#[derive(Debug)]
pub(super) struct HighWater {
    file: File,
    path: PathBuf,
    /// Of the newest slot that stands.
    number: u64,
    marks: Marks,
    /// The slot that was synced last.
    safe: u64,
}

/// The file within the journal's directory.
pub(super) const FILE: &str = "journal.high";

/// A slot is a block of its own on any file system.
const SLOT: u64 = 4096;

/// In front of each slot, with the version of its layout.
const MAGIC: &[u8; 8] = b"CWHIGH\x00\x01";

/// Magic, number, three times two positions, one flag, checksum.
const BYTES: usize = 8 + 8 + 6 * 8 + 1 + 4;

impl Marks {
    /// No position of a stream is beyond this: what says so is damaged. Without a mark, beyond this nobody can count.
    pub fn bound(&self, stream: Stream) -> Seq {
        match self.reserved[stream as usize] {
            0 => Seq::MAX >> 2,
            // A disk that refuses the mark alone may have let some through.
            reserved => reserved.saturating_add(RESERVED_AHEAD).min(Seq::MAX >> 2),
        }
    }
}

impl HighWater {
    /// Opens the file, or makes it; without a slot that stands it says what `otherwise` says. Gives also whether there was one.
    pub fn open(dir: &Path, otherwise: Marks) -> Result<(HighWater, bool), Trouble> {
        let path = dir.join(FILE);
        let open = || {
            let file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
            let slots = [0, 1].into_iter().filter_map(|slot| Some((slot, read(&file, slot)?)));
            let newest = slots.max_by_key(|(_, (number, _))| *number);
            file.sync_data()?; // the newest may have been noted only
            Ok((file, newest))
        };
        let (file, newest) = open().map_err(|e: io::Error| fault::of_io(&path, &e))?;
        let stands = newest.is_some();
        let (safe, (number, marks)) = newest.unwrap_or((0, (0, otherwise)));
        Ok((HighWater { file, path, number, marks, safe }, stands))
    }

    /// Without a slot that stands: what is known from elsewhere.
    pub fn assume(&mut self, marks: Marks) {
        self.marks = marks;
    }

    /// What stands there.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// Writes other marks; they are on the disk when this returns.
    pub fn store(&mut self, marks: Marks) -> Result<(), Trouble> {
        let before = self.marks;
        if let Err(e) = self.put(marks).and_then(|()| self.file.sync_data()) {
            self.marks = before;
            return Err(fault::of_io(&self.path, &e));
        }
        self.safe = 1 - self.safe;
        Ok(())
    }

    /// Writes how far the journal reaches, without waiting for the disk: after a kill it stands, after a power cut it may not. The
    /// system writes the page some time, however often it was noted. A disk that refuses says so elsewhere.
    pub fn note(&mut self, written: [Seq; 2]) {
        self.put(Marks { written, ..self.marks }).ok();
    }

    /// Into the slot that is not the safe one.
    fn put(&mut self, marks: Marks) -> io::Result<()> {
        let number = self.number + 1;
        self.file.write_all_at(&encode(number, marks), (1 - self.safe) * SLOT)?;
        (self.number, self.marks) = (number, marks);
        Ok(())
    }
}

/// What the file in `dir` says, without making or locking anything; `None`: nothing that stands.
pub(super) fn look(dir: &Path) -> Option<Marks> {
    let file = File::open(dir.join(FILE)).ok()?;
    let newest = [0, 1].into_iter().filter_map(|slot| read(&file, slot)).max_by_key(|(number, _)| *number);
    newest.map(|(_, marks)| marks)
}

fn read(file: &File, slot: u64) -> Option<(u64, Marks)> {
    let mut bytes = [0; BYTES];
    file.read_exact_at(&mut bytes, slot * SLOT).ok()?; // too short, or unreadable: no slot
    let (content, checksum) = bytes.split_at(BYTES - 4);
    if crc32c::crc32c(content).to_le_bytes() != checksum || !content.starts_with(MAGIC) {
        return None;
    }
    let number = |place: usize| {
        let bytes = content[8 + 8 * place..][..8].try_into().expect("eight bytes of a slot");
        u64::from_le_bytes(bytes)
    };
    let marks = Marks {
        reserved: [number(1), number(2)],
        written: [number(3), number(4)],
        passed: [number(5), number(6)],
        is_closed: content[BYTES - 5] == 1,
    };
    Some((number(0), marks))
}

fn encode(number: u64, marks: Marks) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend_from_slice(MAGIC);
    for n in [[number].as_slice(), &marks.reserved, &marks.written, &marks.passed].concat() {
        bytes.extend_from_slice(&n.to_le_bytes());
    }
    bytes.push(u8::from(marks.is_closed));
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn marks(n: u64) -> Marks {
        Marks { reserved: [n, n + 1], written: [n + 2, n + 3], passed: [n + 4, n + 5], is_closed: n.is_multiple_of(2) }
    }

    fn found(dir: &Path) -> Option<Marks> {
        let (high, stands) = HighWater::open(dir, Marks::default()).unwrap();
        stands.then(|| high.marks())
    }

    #[test]
    fn the_marks_stored_last_are_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut high, stands) = HighWater::open(dir.path(), marks(7)).unwrap();
        assert_eq!((high.marks(), stands), (marks(7), false));
        for n in 1..=5 {
            high.store(marks(n)).unwrap();
            assert_eq!(found(dir.path()), Some(marks(n)));
        }
    }

    #[test]
    fn a_slot_that_a_power_cut_tore_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let (mut high, _) = HighWater::open(dir.path(), Marks::default()).unwrap();
        (1..=4).for_each(|n| high.store(marks(n)).unwrap());
        let path = dir.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for torn in 0..BYTES {
            let mut bytes = whole.clone();
            bytes[torn] ^= 0x40; // the fourth went to the first slot
            fs::write(&path, &bytes).unwrap();
            assert_eq!(found(dir.path()), Some(marks(3)), "byte {torn}");
        }
        fs::write(&path, &whole[..SLOT as usize]).unwrap();
        assert_eq!(found(dir.path()), Some(marks(4)), "the other one is gone");
    }

    #[test]
    fn what_was_only_noted_is_found_and_never_stands_in_the_place_of_what_was_synced() {
        let dir = tempfile::tempdir().unwrap();
        let (mut high, _) = HighWater::open(dir.path(), Marks::default()).unwrap();
        high.store(marks(1)).unwrap();
        (10..=15).for_each(|written| high.note([written, 0]));
        assert_eq!(found(dir.path()), Some(Marks { written: [15, 0], ..marks(1) }));
        let path = dir.path().join(FILE);
        let mut torn = fs::read(&path).unwrap();
        torn[..SLOT as usize].fill(0xa5);
        fs::write(&path, &torn).unwrap();
        assert_eq!(found(dir.path()), Some(marks(1)));
        // The next store goes there too, and only then is the other slot free.
        high.store(marks(2)).unwrap();
        let mut torn = fs::read(&path).unwrap();
        torn[SLOT as usize..].fill(0xa5);
        fs::write(&path, &torn).unwrap();
        assert_eq!(found(dir.path()), Some(marks(2)));
    }

    #[test]
    fn garbage_says_nothing() {
        for garbage in [&b""[..], b"CWHIGH", &[0; 9_000], &[0xff; 9_000]] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(FILE), garbage).unwrap();
            assert_eq!(found(dir.path()), None);
        }
    }
}
