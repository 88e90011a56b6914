//! Aside: names of files beside the journal's own. A damaged journal is renamed with its date and kept for whoever wants to look into
//! it; a journal that a newer version wrote is left alone, and this version works in a file of its own until then.
//!
//! The rule: a file that is set aside is never written to; at most two are kept.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{fault, schema};
use crate::model::{Timestamp, Trouble};

/// Damaged files that are kept: the last one, and the one before it, should both have the same cause.
const KEPT: usize = 2;

const BEGINNING: &str = "journal.corrupt-";
const ENDING: &str = ".sqlite";

/// What SQLite has beside a file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Files that were set aside, oldest first.
pub(super) fn list(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with(BEGINNING) && name.ends_with(ENDING))
        .collect();
    names.sort();
    names.into_iter().map(|name| dir.join(name)).collect()
}

/// A name for a file that is to be set aside now. It comes after those that were there before, be the clock set back.
pub(super) fn name(dir: &Path, now: Timestamp) -> PathBuf {
    let newest = list(dir).pop().and_then(|path| {
        let name = path.file_name()?.to_str()?.strip_prefix(BEGINNING)?.strip_suffix(ENDING)?.to_owned();
        let time = jiff::civil::DateTime::strptime(FORMAT, name).ok()?;
        Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    let now = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    let time = match newest.and_then(|newest| newest.checked_add(jiff::SignedDuration::from_secs(1)).ok()) {
        Some(next) => now.max(next),
        None => now,
    };
    dir.join(format!("{BEGINNING}{}{ENDING}", time.to_zoned(jiff::tz::TimeZone::UTC).strftime(FORMAT)))
}

/// To the second, in UTC.
const FORMAT: &str = "%Y%m%dT%H%M%S";

/// Renames `file` and what belongs to it, and puts `new` in its place.
pub(super) fn exchange(file: &Path, aside: &Path, new: &Path) -> Result<(), Trouble> {
    let rename = || {
        if fs::symlink_metadata(file).is_ok() {
            fs::rename(file, aside)?;
        }
        for companion in COMPANIONS {
            let (from, to) = (with(file, companion), with(aside, companion));
            if from.exists() {
                fs::rename(from, to)?;
            }
        }
        put(new, file)
    };
    rename().map_err(|error| fault::of_io(file, &error))
}

/// Puts a new file into its place, for good.
pub(super) fn put(new: &Path, file: &Path) -> io::Result<()> {
    fs::rename(new, file)?;
    match file.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// A power cut between two renames leaves a WAL without its file; it belongs to the file that was set aside last. SQLite would delete it.
pub(super) fn rejoin(file: &Path) {
    let Some(last) = file.parent().and_then(|dir| list(dir).pop()) else { return };
    let (wal, place) = (with(file, "-wal"), with(&last, "-wal"));
    if !file.exists() && wal.exists() && !place.exists() {
        fs::rename(wal, place).ok(); // what cannot be saved is in doubt, and told so
    }
}

/// Removes the oldest files beyond those that are kept; first those of which nobody wants anything.
pub(super) fn prune(dir: &Path, wanted: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = list(dir);
    let surplus = files.len().saturating_sub(KEPT);
    files.sort_by_key(|file| wanted.contains(file)); // keeps the order of age
    files.truncate(surplus);
    for file in &files {
        remove(file);
    }
    files
}

/// Removes the oldest file that nobody reads any more; gives its size.
pub(super) fn remove_oldest(dir: &Path, in_use: &[PathBuf]) -> Option<(PathBuf, u64)> {
    let oldest = list(dir).into_iter().find(|file| !in_use.contains(file))?;
    let bytes = remove(&oldest);
    (!oldest.exists()).then_some((oldest, bytes))
}

/// Removes a file and what belongs to it; gives the bytes that were in it.
pub(super) fn remove(file: &Path) -> u64 {
    let mut bytes = 0;
    for path in [file.to_owned()].into_iter().chain(COMPANIONS.map(|companion| with(file, companion))) {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        let removed = if meta.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if removed.is_ok() {
            bytes += meta.len();
        }
    }
    bytes
}

/// Makes room for a new file; what is no file is in the way and stays.
pub(super) fn clear(file: &Path) {
    for path in [file.to_owned()].into_iter().chain(COMPANIONS.map(|companion| with(file, companion))) {
        fs::remove_file(path).ok(); // there is none, as a rule; otherwise the opening says why
    }
}

/// Where this version works beside a file that a newer one wrote.
pub(super) fn beside_newer(dir: &Path) -> PathBuf {
    of_version(dir, schema::VERSION)
}

/// Files in which this version or older ones worked while the journal was too new for them, oldest version first.
pub(super) fn left_by_older(dir: &Path) -> Vec<PathBuf> {
    (1..=schema::VERSION).map(|version| of_version(dir, version)).filter(|path| path.exists()).collect()
}

fn of_version(dir: &Path, version: i64) -> PathBuf {
    dir.join(format!("journal.v{version}.sqlite"))
}

fn with(file: &Path, companion: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(companion);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn set_aside(dir: &Path, at: Timestamp) -> PathBuf {
        let file = dir.join("journal.sqlite");
        for path in [file.clone(), with(&file, "-wal"), dir.join("new")] {
            fs::write(path, "x").unwrap();
        }
        let aside = name(dir, at);
        exchange(&file, &aside, &dir.join("new")).unwrap();
        aside
    }

    #[test]
    fn a_file_is_renamed_with_its_wal_and_the_new_one_stands_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        set_aside(dir.path(), NOON);
        let expected =
            ["journal.corrupt-20270115T080000.sqlite", "journal.corrupt-20270115T080000.sqlite-wal", "journal.sqlite"];
        assert_eq!(names(dir.path()), expected);
    }

    #[test]
    fn the_two_last_are_kept_be_the_clock_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let files = [NOON, NOON, Timestamp(0), Timestamp(-5)].map(|at| set_aside(dir.path(), at));
        assert_eq!(list(dir.path()), files);
        assert_eq!(prune(dir.path(), &[]), files[..2]);
        assert_eq!(list(dir.path()), files[2..]);
        assert_eq!(remove_oldest(dir.path(), &files[2..3]), Some((files[3].clone(), 2)));
        assert_eq!(remove_oldest(dir.path(), &files[2..3]), None, "it is still read");
        assert_eq!(names(dir.path()).len(), 3);
    }

    #[test]
    fn of_too_many_files_the_empty_ones_go_before_one_that_is_still_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let files = [NOON; 4].map(|at| set_aside(dir.path(), at));
        assert_eq!(prune(dir.path(), &files[..1]), files[1..3]);
        assert_eq!(list(dir.path()), [files[0].clone(), files[3].clone()]);
    }

    #[test]
    fn a_wal_that_a_power_cut_left_behind_goes_after_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let aside = set_aside(dir.path(), NOON);
        let file = dir.path().join("journal.sqlite");
        rejoin(&file);
        fs::remove_file(&file).unwrap();
        fs::rename(with(&aside, "-wal"), with(&file, "-wal")).unwrap();
        rejoin(&file);
        assert!(with(&aside, "-wal").exists());
    }
}
