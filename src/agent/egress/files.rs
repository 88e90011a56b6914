//! The files of the egress log: their names, what is in them, and which are to go. A file is a row of zstd frames that
//! hold lines, so that `zstdcat` reads it; the last frame may be torn by a power cut.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::model::Trouble;
use crate::model::words::egress as words;

/// Below the state directory.
pub const FOLDER: &str = "egress";
/// Sums of days that are over.
pub const TOTALS: &str = "totals.jsonl";
/// Sums of the running day, and how the log was left.
pub const TODAY: &str = "today.json";

/// No line is longer: topics have at most 64 kB, and an honest one a few hundred bytes.
const MAX_LINE: u64 = 200_000;

/// One file: a day has more than one after a power cut, or when it grew too large.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayFile {
    /// `2026-01-31`.
    pub day: String,
    /// 0, 1, 2, ... within the day.
    pub number: u32,
    /// Where it is.
    pub path: PathBuf,
}

impl DayFile {
    /// The file of this day and number in the folder.
    pub fn new(folder: &Path, day: &str, number: u32) -> DayFile {
        let name = match number {
            0 => format!("egress-{day}.jsonl.zst"),
            number => format!("egress-{day}.{number}.jsonl.zst"),
        };
        DayFile { day: day.to_owned(), number, path: folder.join(name) }
    }

    /// The file of this path, if its name is one of ours.
    pub fn of(path: &Path) -> Option<DayFile> {
        let name = path.file_name()?.to_str()?;
        let middle = name.strip_prefix("egress-")?.strip_suffix(".jsonl.zst")?;
        let (day, number) = match middle.split_once('.') {
            Some((day, number)) => (day, number.parse().ok()?),
            None => (middle, 0),
        };
        is_day(day).then(|| DayFile { day: day.to_owned(), number, path: path.to_owned() })
    }

    /// Its name alone.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Whether this is a date as the log writes it.
pub fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// The files of a folder, the oldest first. No folder, no files.
pub fn all(folder: &Path) -> Result<Vec<DayFile>, Trouble> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, error)),
    };
    let mut files: Vec<DayFile> = entries.flatten().filter_map(|entry| DayFile::of(&entry.path())).collect();
    files.sort();
    Ok(files)
}

/// Files that are to go, so that the log keeps to so many days and bytes. Days are counted as they stand in names, not as
/// the clock goes: a clock that jumps a year ahead empties nothing. The newest file always stays.
pub fn too_many(files: &[(DayFile, u64)], keep_days: usize, max_size: u64) -> Vec<DayFile> {
    let mut days: BTreeSet<&str> = BTreeSet::new();
    let mut bytes = 0;
    let mut gone = Vec::new();
    for (nth, (file, size)) in files.iter().rev().enumerate() {
        days.insert(&file.day);
        bytes += size;
        if nth > 0 && (days.len() > keep_days || bytes > max_size) {
            gone.push(file.clone());
        }
    }
    gone.reverse();
    gone
}

/// Hands each line behind the first `from` bytes of a file to `take`. `false`: it ends in the middle of a frame.
pub fn read_lines(path: &Path, from: u64, mut take: impl FnMut(&str)) -> Result<bool, Trouble> {
    let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
    file.seek(SeekFrom::Start(from)).map_err(|error| unreadable(path, error))?;
    let decoder = zstd::stream::read::Decoder::new(file).map_err(|error| unreadable(path, error))?;
    let mut lines = BufReader::new(decoder);
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(true),
            Ok(_) => match line.strip_suffix(b"\n").map(std::str::from_utf8) {
                Some(Ok(text)) => take(text),
                _ => return Ok(false),
            },
            Err(_) => return Ok(false),
        }
    }
}

pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Trouble {
    Trouble::new(words::LOG_UNREADABLE).with("path", path.display()).with("error", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn names_are_read_back_and_foreign_files_are_left_alone() {
        let folder = Path::new("/f");
        for (day, number) in [("2026-01-31", 0), ("2026-01-31", 3)] {
            let file = DayFile::new(folder, day, number);
            assert_eq!(DayFile::of(&file.path), Some(file));
        }
        for foreign in
            ["today.json", "totals.jsonl", "egress-2026-13-01.jsonl.zst", "egress-x.jsonl.zst", "egress-2026-01-01.zst"]
        {
            assert_eq!(DayFile::of(&folder.join(foreign)), None, "{foreign}");
        }
    }

    #[track_caller]
    fn check(sizes: &[(&str, u64)], keep_days: usize, max_size: u64, gone: &[&str]) {
        let file = |(day, size): &(&str, u64)| (DayFile::new(Path::new("/f"), day, 0), *size);
        let files: Vec<_> = sizes.iter().map(file).collect();
        let found: Vec<_> = too_many(&files, keep_days, max_size).into_iter().map(|file| file.day).collect();
        assert_eq!(found, gone);
    }

    #[test]
    fn the_oldest_go_first_and_a_jump_of_the_clock_empties_nothing() {
        let days = [("2026-01-01", 10), ("2026-01-02", 10), ("2026-01-03", 10)];
        check(&days, 3, 30, &[]);
        check(&days, 2, 30, &["2026-01-01"]);
        check(&days, 3, 29, &["2026-01-01"]);
        check(&days, 3, 5, &["2026-01-01", "2026-01-02"]);
        check(&[("2026-01-01", 10), ("2026-01-02", 10), ("2099-01-01", 10)], 3, 30, &[]);
    }

    #[test]
    fn a_torn_end_is_told_and_what_stands_before_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let frame = |text: &str| zstd::bulk::compress(text.as_bytes(), 3).unwrap();
        let mut file = File::create(&path).unwrap();
        let first = frame("a\nb\n");
        file.write_all(&first).unwrap();
        let second = frame("c\n");
        file.write_all(&second).unwrap();
        let read = |from| {
            let mut lines = Vec::new();
            let is_whole = read_lines(&path, from, |line| lines.push(line.to_owned())).unwrap();
            (lines.join(""), is_whole)
        };
        assert_eq!(read(0), ("abc".into(), true));
        assert_eq!(read(first.len() as u64), ("c".into(), true));
        file.set_len((first.len() + second.len() - 3) as u64).unwrap();
        assert!(matches!(read(0), (text, false) if text.starts_with("ab")));
        file.set_len(first.len() as u64 + 2).unwrap();
        assert_eq!(read(0), ("ab".into(), false));
    }
}
