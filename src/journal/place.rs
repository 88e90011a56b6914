//! Place: the way to the journal's file for those who read it, and what they have to know of it.
//!
//! The rule: a reader reads the file that is meant or says that it is another one. A file may be set aside at any time, and the one that
//! then stands in its place is empty: whoever took that for "nothing there" would pass over what is still to be brought over.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault;
use super::salvage::Stretch;
use super::schema;
use crate::model::words::journal as words;
use crate::model::{Losses, Trouble};

/// The way to the journal for readers.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub(super) file: PathBuf,
    /// Of the file that is meant.
    pub(super) inode: u64,
    /// The inode of a file that a reader found damaged: for the writer.
    damaged: Arc<AtomicU64>,
}

impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        (&self.file, self.inode) == (&other.file, other.inode)
    }
}

impl Eq for Place {}

impl Place {
    /// The file that stands there now.
    pub fn at(file: PathBuf) -> Result<Place, Trouble> {
        let meta = fs::metadata(&file).map_err(|error| fault::of_io(&file, &error))?;
        Ok(Place { file, inode: meta.ino(), damaged: Arc::default() })
    }

    /// The journal in this directory, for whoever has no [`super::Journal`] open.
    pub fn within(dir: &Path) -> Place {
        Place::of(dir.join(schema::FILE))
    }

    /// The same, if there is one yet.
    pub(super) fn of(file: PathBuf) -> Place {
        Place::at(file.clone()).unwrap_or(Place { file, ..Place::default() })
    }

    /// The journal's file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The journal's directory.
    pub fn dir(&self) -> PathBuf {
        self.file.parent().unwrap_or(Path::new(".")).to_owned()
    }

    /// Trouble if the file that is meant is not the one that stands there.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        match fs::metadata(&self.file) {
            Ok(meta) if meta.ino() == self.inode => Ok(()),
            _ => Err(Trouble::new(words::REPLACED).with("path", self.file.display())),
        }
    }

    /// A reader found the file damaged.
    pub(super) fn raise_alarm(&self) {
        self.damaged.store(self.inode, Ordering::Relaxed);
    }

    /// What a reader found.
    pub(super) fn alarm(&self) -> Option<Trouble> {
        let is_ours = self.damaged.load(Ordering::Relaxed) == self.inode && self.inode != 0;
        is_ours.then(|| {
            let error = "database disk image is malformed";
            Trouble::new(words::CORRUPT).with("path", self.file.display()).with("error", error)
        })
    }

    /// Another file was put there: what was said of the one before says nothing of it. Where it cannot be looked at, no file is meant
    /// until it can.
    pub(super) fn replaced(&mut self) {
        self.damaged.store(0, Ordering::Relaxed);
        self.inode = fs::metadata(&self.file).map_or(0, |meta| meta.ino());
    }

    /// The same way to the file that stands there now.
    pub(super) fn renewed(&self) -> Result<Place, Trouble> {
        let Place { inode, .. } = Place::at(self.file.clone())?;
        Ok(Place { inode, ..self.clone() })
    }
}

/// What a reader has to know to go on behind a position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The file.
    pub place: Place,
    /// Positions that nobody will read any more, per stream.
    pub losses: Arc<[Losses; 2]>,
    /// Positions of which it is not known yet whether there is anything to read: nobody may pass them.
    pub salvage: [Option<Stretch>; 2],
}
