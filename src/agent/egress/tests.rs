//! The log on a real disk: through stops, crashes, torn files, midnight, and a disk that refuses.

use super::*;
use crate::sink::Contents;
use crate::sink::egress::{Kind, Line};
use crate::sink::witness::{Post, Witness, channel};

const SETTINGS: Egress = Egress { log: true, keep: Duration::from_secs(180 * 86_400), max_size: 200_000_000 };

/// 2026-01-01 00:00 UTC, and an hour of the day after.
const NEW_YEAR: i64 = 1_767_225_600_000;
const DAY: i64 = 86_400_000;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { dir: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join(FOLDER)
    }

    fn open(&self, at: i64) -> (Book, Post) {
        self.open_with(SETTINGS, at)
    }

    fn open_with(&self, settings: Egress, at: i64) -> (Book, Post) {
        let (post, inbox) = channel(std::thread::current());
        let mut book = Book::open(self.dir.path(), settings, TimeZone::UTC, BootId(7), inbox, Timestamp(at));
        book.turn(Timestamp(at));
        (book, post)
    }

    /// What stands on the disk: payload-sized numbers of messages, and remarks by their word.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for file in files::all(&self.folder()).unwrap() {
            files::read_lines(&file.path, 0, |line| {
                lines.push(match Read::parse(line).expect("each line is one of ours") {
                    Read::Message(line) => format!("{}:{}", file.name().len(), line.bytes),
                    Read::Remark(remark) => match remark.note {
                        Note::Started { .. } => "started".into(),
                        Note::Stopped => "stopped".into(),
                        Note::SwitchedOff => "off".into(),
                        Note::NotClosed { .. } => "not closed".into(),
                        Note::NotLogged { messages } => format!("{messages} missing"),
                        Note::Deleted { .. } => "deleted".into(),
                    },
                });
            })
            .unwrap();
        }
        lines
    }

    fn files(&self) -> Vec<String> {
        files::all(&self.folder()).unwrap().iter().map(DayFile::name).collect()
    }

    /// Messages by day and sink.
    fn sums(&self) -> Vec<(String, u64)> {
        totals(self.dir.path()).unwrap().into_iter().map(|total| (total.day, total.messages)).collect()
    }
}

/// Hands a message of so many bytes to the log, as if it had left at this time.
fn leave(post: &Post, at: i64, bytes: usize) {
    let witness: Witness = post.witness(&"cloud".into());
    let mut entry = witness.look(Kind::Data, "t", &vec![b'x'; bytes], Contents::default()).expect("the log is on");
    entry.at = Timestamp(at);
    witness.tell(entry);
}

#[test]
fn what_left_is_written_once_a_minute_and_at_the_stop() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    leave(&post, NEW_YEAR, 5);
    book.turn(Timestamp(NEW_YEAR));
    assert_eq!(bench.lines(), ["started"], "nothing more is written before its time");
    book.waiting_since = Instant::now().checked_sub(FLUSH_EVERY);
    book.turn(Timestamp(NEW_YEAR));
    assert_eq!(bench.lines(), ["started", "27:5"]);
    leave(&post, NEW_YEAR + 1, 6);
    book.close(Timestamp(NEW_YEAR + 2));
    assert_eq!(bench.lines(), ["started", "27:5", "27:6", "stopped"]);
    let (mut book, _) = bench.open(NEW_YEAR + 3);
    book.close(Timestamp(NEW_YEAR + 4));
    assert_eq!(bench.lines(), ["started", "27:5", "27:6", "stopped", "started", "stopped"]);
    assert_eq!(bench.files(), ["egress-2026-01-01.jsonl.zst"]);
    assert_eq!(bench.sums(), [("2026-01-01".into(), 2)]);
}

#[test]
fn a_file_is_read_by_zstd_itself() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    for bytes in 1..=2 {
        leave(&post, NEW_YEAR, bytes);
        book.flush(Timestamp(NEW_YEAR), false);
        book.turn(Timestamp(NEW_YEAR));
        book.flush(Timestamp(NEW_YEAR), false);
    }
    let file = &files::all(&bench.folder()).unwrap()[0];
    // `zstdcat` would let what is not compressed through. Not on every machine; the format is that of RFC 8878 all the same.
    let Ok(output) = std::process::Command::new("zstd").arg("-dc").arg(&file.path).output() else { return };
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let bytes: Vec<u64> =
        lines.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()).map(|l| l.bytes).collect();
    assert_eq!(bytes, [1, 2], "{lines}");
}

#[test]
fn after_a_crash_the_log_says_that_a_minute_may_be_missing() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    leave(&post, NEW_YEAR, 5);
    book.turn(Timestamp(NEW_YEAR));
    book.flush(Timestamp(NEW_YEAR), false);
    leave(&post, NEW_YEAR, 6);
    book.turn(Timestamp(NEW_YEAR));
    drop(book); // what waits is gone
    let (mut book, _) = bench.open(NEW_YEAR + 60_000);
    book.close(Timestamp(NEW_YEAR + 60_001));
    assert_eq!(bench.lines(), ["started", "27:5", "not closed", "started", "stopped"]);
    assert_eq!(bench.sums(), [("2026-01-01".into(), 1)]);
}

#[test]
fn a_crash_in_the_very_first_minute_is_told_too() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    leave(&post, NEW_YEAR, 5);
    book.turn(Timestamp(NEW_YEAR));
    drop(book);
    let (mut book, _) = bench.open(NEW_YEAR + 1_000);
    book.close(Timestamp(NEW_YEAR + 2_000));
    drop(book);
    drop(bench.open(NEW_YEAR + 3_000)); // a clean stop before, and a crash again
    let (mut book, _) = bench.open(NEW_YEAR + 4_000);
    book.close(Timestamp(NEW_YEAR + 5_000));
    let expected = ["started", "not closed", "started", "stopped", "started", "not closed", "started", "stopped"];
    assert_eq!(bench.lines(), expected);
}

#[test]
fn a_torn_file_is_left_as_it_is_and_the_log_goes_on_in_another() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    for bytes in [5, 6] {
        leave(&post, NEW_YEAR, bytes);
        book.turn(Timestamp(NEW_YEAR));
        book.flush(Timestamp(NEW_YEAR), false);
    }
    drop(book);
    let path = files::all(&bench.folder()).unwrap()[0].path.clone();
    let length = fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 3).unwrap();
    let (mut book, _) = bench.open(NEW_YEAR + 1);
    book.close(Timestamp(NEW_YEAR + 2));
    assert_eq!(bench.files(), ["egress-2026-01-01.jsonl.zst", "egress-2026-01-01.1.jsonl.zst"]);
    assert_eq!(fs::metadata(&path).unwrap().len(), length - 3);
    assert_eq!(bench.lines(), ["started", "27:5", "not closed", "started", "stopped"]);
}

#[test]
fn a_frame_whose_sums_the_power_cut_took_is_counted_at_the_next_start() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    leave(&post, NEW_YEAR, 5);
    book.turn(Timestamp(NEW_YEAR));
    book.flush(Timestamp(NEW_YEAR), false);
    let today = fs::read(bench.folder().join(TODAY)).unwrap();
    leave(&post, NEW_YEAR, 6);
    book.turn(Timestamp(NEW_YEAR));
    book.flush(Timestamp(NEW_YEAR), false);
    drop(book);
    fs::write(bench.folder().join(TODAY), today).unwrap();
    assert_eq!(bench.sums(), [("2026-01-01".into(), 1)]);
    let (mut book, _) = bench.open(NEW_YEAR + 1);
    book.close(Timestamp(NEW_YEAR + 2));
    assert_eq!(bench.sums(), [("2026-01-01".into(), 2)]);
    assert_eq!(bench.files().len(), 1, "the frame was whole");
}

#[test]
fn each_day_has_its_file_and_its_sums_once_whatever_happens_at_midnight() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    leave(&post, NEW_YEAR, 5);
    leave(&post, NEW_YEAR + DAY - 1, 6);
    leave(&post, NEW_YEAR + DAY, 7);
    book.turn(Timestamp(NEW_YEAR + DAY));
    assert_eq!(bench.files(), ["egress-2026-01-01.jsonl.zst"]);
    let before = fs::read(bench.folder().join(TODAY)).unwrap();
    book.close(Timestamp(NEW_YEAR + DAY + 1));
    assert_eq!(bench.files(), ["egress-2026-01-01.jsonl.zst", "egress-2026-01-02.jsonl.zst"]);
    let sums = [("2026-01-01".to_owned(), 2), ("2026-01-02".to_owned(), 1)];
    assert_eq!(bench.sums(), sums);
    // A crash between the sums of the day that is over and the file that says so.
    fs::write(bench.folder().join(TODAY), before).unwrap();
    let closed = fs::read_to_string(bench.folder().join(TOTALS)).unwrap();
    assert_eq!(closed.lines().count(), 1);
    let (mut book, _) = bench.open(NEW_YEAR + DAY + 2);
    book.close(Timestamp(NEW_YEAR + DAY + 3));
    assert_eq!(fs::read_to_string(bench.folder().join(TOTALS)).unwrap(), closed);
}

#[test]
fn a_disk_that_refuses_costs_no_line_until_the_memory_is_full_and_then_they_are_counted() {
    let bench = Bench::new();
    fs::write(bench.folder(), "in the way").unwrap();
    let (mut book, post) = bench.open(NEW_YEAR);
    leave(&post, NEW_YEAR, 5);
    book.turn(Timestamp(NEW_YEAR));
    book.flush(Timestamp(NEW_YEAR), false);
    assert!(book.refused.is_some());
    let mut left = 1;
    while book.not_logged == 0 {
        (0..1_000).for_each(|_| leave(&post, NEW_YEAR, 5));
        left += 1_000;
        assert!(left < 100_000, "the memory has no end");
        book.turn(Timestamp(NEW_YEAR));
    }
    assert!(book.waiting.len() <= MAX_WAITING);
    let missing = book.not_logged;
    fs::remove_file(bench.folder()).unwrap();
    book.refused = Instant::now().checked_sub(RETRY);
    book.turn(Timestamp(NEW_YEAR));
    book.turn(Timestamp(NEW_YEAR));
    book.close(Timestamp(NEW_YEAR + 1));
    let lines = bench.lines();
    let messages = lines.iter().filter(|line| line.ends_with(":5")).count() as u64;
    assert_eq!(messages + missing, left);
    assert!(lines.contains(&format!("{missing} missing")), "{:?}", lines.last());
    let sums = totals(bench.dir.path()).unwrap();
    let not_logged: u64 = sums.iter().map(|total| total.not_logged).sum();
    let counted: u64 = sums.iter().map(|total| total.messages).sum();
    assert_eq!((not_logged, counted), (missing, left), "the sums hold what the log lacks");
}

/// A file in memory with nothing in it, which takes no byte more.
fn full() -> std::fs::File {
    use rustix::fs::{MemfdFlags, SealFlags};
    let file = rustix::fs::memfd_create("full", MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::fcntl_add_seals(&file, SealFlags::GROW).unwrap();
    file.into()
}

#[test]
fn a_disk_that_is_full_for_long_costs_no_file_at_each_attempt() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    book.close(Timestamp(NEW_YEAR));
    let there = book.file.take().unwrap().day_file;
    // Of the third file nothing can be taken back.
    let read_only = std::fs::File::open(&there.path).unwrap();
    for file in [full(), full(), read_only] {
        book.file = Some(Open { day_file: there.clone(), file, length: 0 });
        leave(&post, NEW_YEAR, 5);
        book.take_in(Timestamp(NEW_YEAR));
        for _ in 0..3 {
            book.flush(Timestamp(NEW_YEAR), false);
            assert!(book.refused.is_some() || book.file.as_ref().unwrap().day_file != there);
        }
    }
    assert_eq!(bench.files(), ["egress-2026-01-01.jsonl.zst", "egress-2026-01-01.1.jsonl.zst"]);
    assert_eq!(bench.lines(), ["started", "stopped", "29:5", "29:5", "29:5"]);
}

#[test]
fn a_file_in_which_nothing_stands_is_used_again() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    book.close(Timestamp(NEW_YEAR));
    book.file = None;
    let empty = DayFile::new(&bench.folder(), "2026-01-01", 1);
    fs::write(&empty.path, "").unwrap();
    leave(&post, NEW_YEAR, 5);
    book.take_in(Timestamp(NEW_YEAR));
    book.flush(Timestamp(NEW_YEAR), false);
    assert_eq!(bench.lines(), ["started", "stopped", "29:5"]);
    assert_eq!(bench.files().len(), 2);
}

#[test]
fn what_is_too_much_goes_and_the_log_says_so() {
    let bench = Bench::new();
    let keep_two = Egress { keep: Duration::from_secs(2 * 86_400), ..SETTINGS };
    for n in 0..3 {
        let (mut book, post) = bench.open_with(keep_two.clone(), NEW_YEAR + n * DAY);
        leave(&post, NEW_YEAR + n * DAY, 5);
        book.close(Timestamp(NEW_YEAR + n * DAY + 1));
    }
    assert_eq!(bench.files(), ["egress-2026-01-02.jsonl.zst", "egress-2026-01-03.jsonl.zst"]);
    assert!(bench.lines().contains(&"deleted".to_owned()), "{:?}", bench.lines());
    assert_eq!(bench.sums().len(), 3, "sums are kept for ever");
}

#[test]
fn switched_off_it_says_so_and_writes_nothing_more() {
    let bench = Bench::new();
    let (mut book, post) = bench.open(NEW_YEAR);
    leave(&post, NEW_YEAR, 5);
    book.set(Egress { log: false, ..SETTINGS }, TimeZone::UTC, Timestamp(NEW_YEAR));
    let witness = post.witness(&"cloud".into());
    assert!(witness.look(Kind::Data, "t", b"x", Contents::default()).is_none());
    book.close(Timestamp(NEW_YEAR + 1));
    assert_eq!(bench.lines(), ["started", "27:5", "off"]);
    let silent = Bench::new();
    let (mut book, _post) = silent.open_with(Egress { log: false, ..SETTINGS }, NEW_YEAR);
    book.turn(Timestamp(NEW_YEAR));
    book.close(Timestamp(NEW_YEAR + 1));
    assert!(!silent.folder().exists(), "who never switched it on has no folder of it");
}
