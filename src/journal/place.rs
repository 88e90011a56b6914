//! Place: the way to the journal's file for those who read it, and what they have to know of it.
//!
//! The rule: a reader reads the file that is meant or says that it is another one. A file may be set aside at any time, and the one that
//! then stands in its place is empty: whoever took that for "nothing there" would pass over what is still to be brought over.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::fault;
use super::salvage::Stretch;
use super::schema;
use crate::model::words::journal as words;
use crate::model::{Losses, Seq, Stream, Trouble};

/// The way to the journal for readers.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub(super) file: PathBuf,
    /// Of the file that is meant.
    pub(super) inode: u64,
    /// The inode of a file that a reader found damaged: for the writer.
    damaged: Arc<AtomicU64>,
    /// What is lost, from the moment on at which it can no longer be found.
    losses: Arc<Mutex<Arc<[Losses; 2]>>>,
    /// There is a writer that sees to damage.
    is_watched: bool,
    /// Where readers are refused.
    refusals: Arc<Mutex<Vec<Refusal>>>,
}

/// A read that the disk refuses again and again.
#[derive(Debug)]
struct Refusal {
    inode: u64,
    stream: Stream,
    after: Seq,
    times: u32,
    since: Instant,
}

/// So often and for so long the disk has to refuse the same read before the file is taken for the cause: a cable or a bus heals in between.
const REFUSED_OFTEN: u32 = 3;
const REFUSED_LONG: Duration = Duration::from_secs(30);

/// Reads that are remembered: more than there are sinks.
const MOST_REFUSALS: usize = 64;

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
        Ok(Place { file, inode: meta.ino(), ..Place::default() })
    }

    /// The journal in this directory, for whoever has no [`super::Journal`] open.
    pub fn within(dir: &Path) -> Place {
        Place::of(dir.join(schema::FILE))
    }

    /// The same, if there is one yet.
    pub(super) fn of(file: PathBuf) -> Place {
        Place::at(file.clone()).unwrap_or(Place { file, ..Place::default() })
    }

    /// The same for those who read while this process writes.
    pub(super) fn watched(self) -> Place {
        Place { is_watched: true, ..self }
    }

    /// Whether there is a writer in this process, which sees to damage.
    pub(super) fn is_watched(&self) -> bool {
        self.is_watched
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

    /// What is lost, per stream. Asked after a read, it names all that the read did not find because it was given up.
    pub fn losses(&self) -> Arc<[Losses; 2]> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For readers, before what is lost is deleted.
    pub(super) fn tell(&self, losses: &Arc<[Losses; 2]>) {
        *self.losses.lock().unwrap_or_else(PoisonError::into_inner) = losses.clone();
    }

    /// A reader found the file damaged.
    pub(super) fn raise_alarm(&self) {
        self.damaged.store(self.inode, Ordering::Relaxed);
    }

    /// The disk refused what is behind a position. One bad place is damage as any other.
    pub(super) fn refused(&self, stream: Stream, after: Seq, now: Instant) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |refusal: &&mut Refusal| (refusal.inode, refusal.stream, refusal.after) == (self.inode, stream, after);
        let Some(refusal) = refusals.iter_mut().find(is_it) else {
            if refusals.len() >= MOST_REFUSALS {
                refusals.remove(0);
            }
            return refusals.push(Refusal { inode: self.inode, stream, after, times: 1, since: now });
        };
        refusal.times = refusal.times.saturating_add(1);
        if refusal.times >= REFUSED_OFTEN && now.duration_since(refusal.since) >= REFUSED_LONG {
            self.raise_alarm();
        }
    }

    /// What is behind a position can be read.
    pub(super) fn granted(&self, stream: Stream, after: Seq) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.retain(|refusal| (refusal.stream, refusal.after) != (stream, after));
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
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clear();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_is_refused_often_and_for_long_raises_the_alarm() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let place = Place::at(file.path().to_owned()).unwrap();
        let (reader, start) = (place.clone(), Instant::now());
        let refuse = |after, seconds| {
            reader.refused(Stream::Data, after, start + Duration::from_secs(seconds));
            place.alarm().is_some()
        };
        assert!(![(7, 0), (7, 1), (7, 2), (9, 40), (9, 80)].iter().any(|(after, seconds)| refuse(*after, *seconds)));
        reader.granted(Stream::Data, 7);
        assert!(!refuse(7, 90), "it was read meanwhile");
        assert!(!refuse(7, 91) && !refuse(7, 119) && refuse(7, 120));
    }
}
