//! Audit: who wrote what into which machine, one JSON line each in `STATE_DIR/writes.jsonl`, before and after.
//!
//! The rule: a line is on the disk when [`Audit::append`] returns. Nothing is written into a machine whose line is not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::user;
use crate::model::Trouble;
use crate::model::words::write as words;

/// The file, open for appending.
pub(in crate::cli) struct Audit {
    path: PathBuf,
    file: File,
}

/// Who is at the keyboard, as far as the system knows.
#[derive(Debug, Clone, Serialize)]
pub(in crate::cli) struct Who {
    /// Effective user id.
    pub(in crate::cli) uid: u32,
    /// Its name in /etc/passwd; empty where it has none there.
    pub(in crate::cli) user: String,
    /// Who called sudo, as sudo says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) sudo_user: Option<String>,
}

impl Audit {
    /// Opens or makes the file.
    pub(in crate::cli) fn open(state_dir: &Path) -> Result<Audit, Trouble> {
        Audit::open_as(state_dir, "writes.jsonl")
    }

    /// The same under another name, for another kind of act.
    pub(in crate::cli) fn open_as(state_dir: &Path, name: &str) -> Result<Audit, Trouble> {
        let path = state_dir.join(name);
        let open = || {
            fs::create_dir_all(state_dir)?;
            let file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(&path)?;
            // So that the name of a new file is on the disk too.
            File::open(state_dir)?.sync_all()?;
            Ok(file)
        };
        let file = open().map_err(|error| unwritable(&path, &error))?;
        Ok(Audit { path, file })
    }

    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line; when this returns it is on the disk.
    pub(in crate::cli) fn append(&mut self, entry: &serde_json::Value) -> Result<(), Trouble> {
        let mut line = format!("{entry}\n");
        let write = |file: &mut File, line: &mut String| {
            if !ends_with_a_line(file)? {
                line.insert(0, '\n'); // a power cut left half of one; it stays as it is
            }
            file.write_all(line.as_bytes())?;
            file.sync_all()
        };
        write(&mut self.file, &mut line).map_err(|error| unwritable(&self.path, &error))
    }
}

fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn unwritable(path: &Path, error: &io::Error) -> Trouble {
    Trouble::new(words::AUDIT_UNWRITABLE).with("path", path.display()).with("error", error)
}

impl Who {
    /// Whoever runs this process.
    pub(in crate::cli) fn current() -> Who {
        let uid = user::current();
        let sudo_user = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
        Who { uid, user: user::name(uid).unwrap_or_default(), sudo_user }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_of_before_does_not_spoil_the_next_one() {
        let dir = tempfile::tempdir().expect("there is room");
        fs::write(dir.path().join("writes.jsonl"), "{\"event\":\"int").expect("it can be written");
        let mut audit = Audit::open(dir.path()).expect("it opens");
        audit.append(&serde_json::json!({"event": "intent"})).expect("it is written");
        audit.append(&serde_json::json!({"event": "result"})).expect("it is written");
        let text = fs::read_to_string(audit.path()).expect("it is there");
        assert_eq!(text, "{\"event\":\"int\n{\"event\":\"intent\"}\n{\"event\":\"result\"}\n");
    }
}
