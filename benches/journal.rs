//! What the journal costs: the figures that docs/PERFORMANCE.md promises to hold, each printed beside its limit.
//!
//!     cargo bench --bench journal                          all but the long ones
//!     cargo bench --bench journal -- --long                with 1e8 buffered samples and a file of 1 GB, some minutes
//!
//! 1,000 tags (600 whole numbers, 200 floats with one decimal, 200 bools), as one device or as ten of 100 tags. Bytes are exact; times are
//! this machine's, and what is compared is compared within this run. The floor of any journal is the same payload bytes appended
//! to a file, with one fdatasync per commit.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloudward::journal::{Found, Journal, Limits, NewData, Reader, Settings};
use cloudward::model::{
    BootId, Cursor, Deadband, Group, Reading, ReportRule, Scan, Seq, Stream, TagInfo, Timestamp, Value, ValueKind,
};

const TAGS: usize = 1_000;
const TRIM_EVERY: usize = 60;

fn main() {
    let is_long = std::env::args().any(|arg| arg == "--long");
    println!("1,000 tags at 1 s, as one device and as ten; what is trimmed every {TRIM_EVERY} commits is included");
    println!("{:<34}{:>10}{:>10}{:>10}", "bytes per sample", "stored", "to disk", "floor");
    for (seconds, stored, disk) in [(1, Some(2.5), 14.0), (5, None, 4.5), (10, Some(0.9), 2.6)] {
        for devices in [1, 10] {
            bytes(devices, seconds, stored, disk);
        }
    }
    append();
    drain();
    if is_long {
        append_late();
        open_large();
    }
}

/// A journal in a directory of its own.
struct Bench {
    journal: Journal,
    dir: tempfile::TempDir,
    groups: Vec<Arc<Group>>,
    walk: Walk,
    second: usize,
}

impl Bench {
    /// With a sink, so that what it has is trimmed.
    fn new(devices: usize) -> Bench {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target directory can be written");
        let mut journal =
            Journal::open(settings(dir.path()), BootId(1), Timestamp(0)).expect("a fresh directory serves");
        for stream in Stream::ALL {
            journal.cursor("bench", stream);
        }
        let groups = (0..devices).map(|number| group(number, TAGS / devices)).collect();
        Bench { journal, dir, groups, walk: Walk { state: 42, is_noise: false }, second: 0 }
    }

    /// One commit with so many scans of everything; what it took, without making the samples.
    fn commit(&mut self, scans: usize) -> (Seq, Duration) {
        let data = self.groups.iter().map(|group| {
            let scans = (0..scans).map(|n| self.walk.scan(self.second + n, group.tags.len())).collect();
            NewData::new(group.clone(), scans)
        });
        let data = data.collect();
        self.second += scans;
        let began = Instant::now();
        let numbered = self.journal.number(data, Vec::new());
        self.journal.commit(&numbered.data, &numbered.events).expect("the disk takes it");
        (numbered.data.last().map_or(0, |record| record.seq), began.elapsed())
    }

    fn is_delivered(&mut self, through: Seq) {
        self.journal.move_cursor("bench", Stream::Data, Cursor { position: through, last_sent: through });
        self.journal.maintain(Timestamp(0)).expect("the disk takes it");
    }
}

fn settings(dir: &Path) -> Settings {
    let limits =
        Limits { max_size: 100_000_000_000, max_age: Duration::from_secs(86_400 * 36_500), ..Limits::default() };
    Settings { dir: dir.to_owned(), limits }
}

fn bytes(devices: usize, seconds: usize, stored_limit: Option<f64>, disk_limit: f64) {
    const COMMITS: usize = 600;
    let mut bench = Bench::new(devices);
    let samples = (COMMITS * TAGS * seconds) as f64;
    let before = written();
    let mut stored = 0.0;
    for commit in 0..COMMITS {
        let (last, _) = bench.commit(seconds);
        if commit % TRIM_EVERY == TRIM_EVERY - 1 {
            stored = stored_bytes(bench.dir.path()) / (TRIM_EVERY * TAGS * seconds) as f64;
            bench.is_delivered(last);
        }
    }
    let disk = (written() - before) / samples;
    let floor = floor(bench.dir.path(), COMMITS, (stored * samples / COMMITS as f64) as usize) / samples;
    let held = |found: f64, limit: f64| {
        if found <= limit { format!("held (at most {limit})") } else { format!("MISSED (at most {limit})") }
    };
    let what = format!("  {devices} device(s), commit every {seconds} s");
    print!("{what:<34}{stored:>10.2}{disk:>10.2}{floor:>10.2}   disk {}", held(disk, disk_limit));
    println!("{}", stored_limit.map_or(String::new(), |limit| format!(", stored {}", held(stored, limit))));
}

/// 60 scans a commit: many samples, each commit with its fsync.
fn append() {
    const SCANS: usize = 60;
    const COMMITS: usize = 40;
    let mut bench = Bench::new(1);
    let took: Duration = (0..COMMITS).map(|_| bench.commit(SCANS).1).sum();
    let rate = (COMMITS * SCANS * TAGS) as f64 / took.as_secs_f64();
    figure("sustained append with FULL, samples/s", rate, Some((1e6, rate >= 1e6)));
}

/// Reading back what is behind, decoded, as a sink does.
fn drain() {
    let mut bench = Bench::new(10);
    for _ in 0..600 {
        bench.commit(1);
    }
    let mut reader = Reader::open(&bench.journal.reader()).expect("it can be read");
    let (mut after, mut samples, began) = (0, 0, Instant::now());
    loop {
        let found = reader.data_between(after, Seq::MAX, 16, 20_000).expect("it can be read");
        let Some(last) =
            found.into_iter().filter_map(Found::record).inspect(|record| samples += record.samples()).last()
        else {
            break;
        };
        after = last.seq;
    }
    let rate = samples as f64 / began.elapsed().as_secs_f64();
    figure("drain with decoding, samples/s", rate, Some((300e3, rate >= 300e3)));
}

/// A commit must not become slower with what is buffered.
fn append_late() {
    let mut bench = Bench::new(1);
    while bench.second * TAGS < 100_000 {
        bench.commit(10);
    }
    let early = p99(&mut bench);
    while bench.second * TAGS < 100_000_000 {
        bench.commit(60);
    }
    let ratio = p99(&mut bench).as_secs_f64() / early.as_secs_f64();
    figure("append p99 at 1e8 buffered samples / at 1e5", ratio, Some((2.0, ratio <= 2.0)));
}

fn p99(bench: &mut Bench) -> Duration {
    let mut took: Vec<Duration> = (0..500).map(|_| bench.commit(1).1).collect();
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// Opening reads a few pages, however large the file.
fn open_large() {
    let mut bench = Bench::new(1);
    while stored_bytes(bench.dir.path()) < 1e9 {
        bench.walk.is_noise = true;
        bench.commit(60);
    }
    let Bench { journal, dir, .. } = bench;
    drop(journal);
    let began = Instant::now();
    let journal = Journal::open(settings(dir.path()), BootId(2), Timestamp(0)).expect("it can be opened again");
    let took = began.elapsed().as_secs_f64();
    figure("opening a file of 1 GB, s", took, Some((1.0, took <= 1.0)));
    drop(journal);
}

fn figure(what: &str, found: f64, limit: Option<(f64, bool)>) {
    let verdict = limit.map_or(String::new(), |(limit, holds)| {
        format!("   {} (to hold: {limit})", if holds { "held" } else { "MISSED" })
    });
    let found = if found >= 1_000.0 { format!("{found:.0}") } else { format!("{found:.3}") };
    println!("{what:<46}{found:>14}{verdict}");
}

/// What the file takes from its first to its last page, without the WAL beside it.
fn stored_bytes(dir: &Path) -> f64 {
    std::fs::metadata(dir.join("journal.sqlite")).map_or(0.0, |meta| meta.len() as f64)
}

fn floor(dir: &Path, commits: usize, bytes_per_commit: usize) -> f64 {
    let mut file = File::create(dir.join("floor")).expect("the directory can be written");
    let payload = vec![7_u8; bytes_per_commit];
    let before = written();
    for _ in 0..commits {
        file.write_all(&payload).and_then(|()| file.sync_data()).expect("the disk takes it");
    }
    written() - before
}

fn group(number: usize, tags: usize) -> Arc<Group> {
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let kind = |n| match n % 10 {
        0..6 => ValueKind::Int,
        6..8 => ValueKind::Float,
        _ => ValueKind::Bool,
    };
    let tag =
        |n| TagInfo { name: format!("tag_{n}").into(), unit: None, kind: kind(n), report, grade: Default::default() };
    Arc::new(Group::new(format!("device-{number}").into(), Duration::from_secs(1), (0..tags).map(tag).collect()))
}

/// Values that wander as those of machines do, the same in each run.
struct Walk {
    state: u64,
    /// Values that nothing compresses instead.
    is_noise: bool,
}

impl Walk {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.state >> 33
    }

    fn scan(&mut self, second: usize, tags: usize) -> Scan {
        let readings = (0..tags).map(|tag| {
            let wander = (self.next() % 21) as i64 - 10;
            Some(Reading::Good(match tag % 10 {
                0..6 if !self.is_noise => Value::I64(1_000 * tag as i64 + second as i64 / 10 + wander),
                _ if self.is_noise => Value::F64(f64::from_bits(self.next() << 32 | self.next())),
                6..8 => Value::F32((2_000 + tag as i64 + wander) as f32 / 10.0),
                _ => Value::Bool((second / 30 + tag).is_multiple_of(2)),
            }))
        });
        let at = second as i64 * 1_000;
        Scan { at: Timestamp(at), mono_ms: at as u64, readings: readings.collect(), stamps: None }
    }
}

/// Bytes that this process has sent towards the disk.
fn written() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").expect("Linux counts them");
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).expect("Linux counts them");
    line.parse().expect("it is a number")
}
