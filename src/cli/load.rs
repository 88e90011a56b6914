//! From a path to a valid configuration, or to words for every mistake.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use super::{EXIT_CONFIG, plain};
use crate::config::{Config, MAX_OTHER_FILE, Mistake};
use crate::model::time::show_bytes;
use crate::model::words::config as words;
use crate::model::{Lang, Trouble};
use crate::sink::egress::sha256;

/// A configuration of ten thousand tags is below 2 MB; beyond this it is another file.
const MAX_BYTES: u64 = 20_000_000;

/// Mistakes shown at once. Whoever has more has one cause, or another file.
const MAX_LINES: usize = 200;

/// Why there is no configuration.
pub(super) enum Refusal {
    /// The file could not be read as text.
    Unreadable(Trouble),
    /// It could, and has mistakes.
    Mistakes(Vec<Mistake>),
}

/// Reads and validates a file.
pub(super) fn load(path: &Path) -> Result<Config, Refusal> {
    let text = read(path).map_err(Refusal::Unreadable)?;
    let beside = path.parent().unwrap_or(Path::new("."));
    let other = |named: &str| bytes(&beside.join(named), MAX_OTHER_FILE);
    Config::parse_with(&text, &other).map(|config| config.anchored(path)).map_err(Refusal::Mistakes)
}

/// SHA-256 of a configuration, in hexadecimal digits; `None`: it can no longer be read.
pub(super) fn digest(path: &Path) -> Option<String> {
    let digest = sha256(&bytes(path, MAX_BYTES).ok()?);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read(path: &Path) -> Result<String, Trouble> {
    String::from_utf8(bytes(path, MAX_BYTES)?).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        Trouble::new(words::FILE_NOT_UTF8).with("path", path.display()).with("line", line)
    })
}

/// A file, unless it is too large.
pub(super) fn bytes(path: &Path, max: u64) -> Result<Vec<u8>, Trouble> {
    let unreadable =
        |error: std::io::Error| Trouble::new(words::FILE_UNREADABLE).with("path", path.display()).with("found", error);
    let mut bytes = Vec::new();
    // Not by the size that the file system tells: a device or a pipe has none.
    std::fs::File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > max {
        let max = show_bytes(max as f64);
        return Err(Trouble::new(words::FILE_TOO_LARGE).with("path", path.display()).with("max", max));
    }
    Ok(bytes)
}

/// Everything that is wrong, one line each.
pub(super) fn details(refusal: &Refusal) -> Vec<String> {
    let lang = Lang::current();
    match refusal {
        Refusal::Unreadable(trouble) => vec![trouble.line(lang)],
        Refusal::Mistakes(mistakes) => {
            let more = mistakes.len().saturating_sub(MAX_LINES);
            let more = (more > 0).then(|| format!("... ({more} more)"));
            mistakes.iter().take(MAX_LINES).map(|mistake| mistake.show(lang)).chain(more).collect()
        }
    }
}

/// What comes after them.
fn summary(path: &Path, refusal: &Refusal) -> Option<String> {
    let Refusal::Mistakes(mistakes) = refusal else { return None };
    let summary = Trouble::new(words::MISTAKES).with("path", path.display()).with("count", mistakes.len());
    Some(summary.line(Lang::current()))
}

/// The configuration, or the exit code after everything wrong was printed to standard error.
pub(super) fn load_or_explain(path: &Path) -> Result<Config, ExitCode> {
    load(path).map_err(|refusal| {
        for line in details(&refusal).into_iter().chain(summary(path, &refusal)) {
            writeln!(std::io::stderr(), "{}", plain(line)).ok(); // a closed pipe: nobody reads it
        }
        EXIT_CONFIG.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_too_large_and_does_not_fill_the_memory() {
        let code = read(Path::new("/dev/zero")).map_err(|trouble| trouble.code);
        assert_eq!(code, Err(words::FILE_TOO_LARGE));
    }
}
