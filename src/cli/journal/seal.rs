//! The file that an export goes to: under another name until it is whole and on the medium, hashed as it is written, encrypted where
//! that is wanted.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Ended;
use crate::journal::parcel::{AgeWriter, Hashed, Recipient};
use crate::model::Trouble;
use crate::model::words::import;

/// A file being written.
pub(super) struct Sealed {
    path: PathBuf,
    draft: PathBuf,
    is_forced: bool,
    out: Out,
}

enum Out {
    Plain(Box<BufWriter<Hashed<File>>>),
    Encrypted(Box<AgeWriter<BufWriter<Hashed<File>>>>),
}

impl Sealed {
    /// Begins it. Never over a file that is there, unless that is asked for.
    pub(super) fn create(path: &Path, is_forced: bool, recipients: &[Recipient]) -> Result<Sealed, Ended> {
        if !is_forced && path.exists() {
            return Err(exists(path));
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        let create = || {
            let out = BufWriter::new(Hashed::new(File::create(&draft)?));
            Ok(match recipients {
                [] => Out::Plain(Box::new(out)),
                _ => Out::Encrypted(Box::new(AgeWriter::new(out, recipients)?)),
            })
        };
        let out = create().map_err(|error: io::Error| Ended::file(&draft, error))?;
        Ok(Sealed { path: path.to_owned(), draft, is_forced, out })
    }

    /// Puts it in its place; the SHA-256 of the file as it lies there. A memory stick may be pulled out then.
    pub(super) fn finish(self) -> Result<String, Ended> {
        let Sealed { path, draft, is_forced, out } = self;
        let finish = || -> io::Result<Option<String>> {
            let out = match out {
                Out::Plain(out) => *out,
                Out::Encrypted(out) => out.finish()?,
            };
            let (file, sha256) = out.into_inner().map_err(|error| error.into_error())?.finish();
            file.sync_all()?;
            if !is_forced && path.exists() {
                return Ok(None); // made by another meanwhile
            }
            fs::rename(&draft, &path)?;
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(dir)?.sync_all()?;
            Ok(Some(sha256))
        };
        match finish() {
            Ok(Some(sha256)) => Ok(sha256),
            Ok(None) => Err(exists(&path)),
            Err(error) => Err(Ended::file(&path, error)),
        }
    }
}

impl Write for Sealed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::Plain(out) => out.write(bytes),
            Out::Encrypted(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Plain(out) => out.flush(),
            Out::Encrypted(out) => out.flush(),
        }
    }
}

fn exists(path: &Path) -> Ended {
    Ended::cannot(Trouble::new(import::OUTPUT_EXISTS).with("path", path.display()))
}
