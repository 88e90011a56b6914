//! Whose files are taken here: fingerprints that a person confirmed, one a line, in `STATE_DIR/keys/trusted`.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::journal::parcel::{Manifest, fingerprint, key_of_text};

pub(super) struct Trusted {
    path: PathBuf,
    /// Fingerprints and keys, digits in capitals.
    known: Vec<String>,
}

impl Trusted {
    /// Those of this machine, and the one that was named now.
    pub(super) fn load(state_dir: Option<&Path>, named: Option<String>) -> Result<Trusted, (PathBuf, io::Error)> {
        let path = state_dir.unwrap_or(Path::new(".")).join("keys").join("trusted");
        let text = match state_dir.map(|_| fs::read_to_string(&path)) {
            Some(Ok(text)) => text,
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => return Err((path, error)),
            _ => String::new(),
        };
        let of_line = |line: &str| key_of_text(line.split_whitespace().next()?);
        let known = text.lines().filter_map(of_line).chain(named).collect();
        Ok(Trusted { path, known })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn knows(&self, key: &str) -> bool {
        let names = [Some(key.to_uppercase()), key_of_text(&fingerprint(key))];
        names.iter().flatten().any(|name| self.known.contains(name))
    }

    /// From now on files of this gateway are taken without a word.
    pub(super) fn remember(&self, manifest: &Manifest) -> io::Result<()> {
        let known = fs::read_to_string(&self.path).unwrap_or_default();
        let fingerprint = fingerprint(&manifest.key);
        if known.lines().any(|line| line.starts_with(&fingerprint)) {
            return Ok(());
        }
        if let Some(dir) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        let before = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
        writeln!(file, "{before}{fingerprint} {}/{}", manifest.enterprise, manifest.workshop)?;
        file.sync_all()
    }
}
