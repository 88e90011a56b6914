//! What the journal asks of the disk: 1,000 tags (600 whole numbers, 200 floats with one decimal, 200 bools), as 10 records
//! of 100 tags per commit, with one scan or ten in each record, trimmed every 60 commits.
//!
//!     cargo bench --bench journal
//!
//! The bytes are exact; the times are this machine's. The baseline is the floor of any journal: the same payload bytes
//! appended to a file, with one fdatasync per commit.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloudward::journal::{Journal, Limits, NewData, Settings};
use cloudward::model::{
    BootId, Cursor, Deadband, Group, Reading, ReportRule, Scan, Stream, TagInfo, Timestamp, Value, ValueKind,
};

const RECORDS: usize = 10;
const TAGS: usize = 100;
const COMMITS: usize = 600;
const TRIM_EVERY: usize = 60;

fn main() {
    for scans in [1, 10] {
        run(scans);
    }
}

fn run(scans: usize) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target directory can be written");
    let limits = Limits { max_size: 10_000_000_000, ..Limits::default() };
    let settings = Settings { dir: dir.path().to_owned(), limits };
    let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).expect("a fresh directory can be used");
    for stream in Stream::ALL {
        journal.cursor("bench", stream); // registers the sink, whose cursor lets the trim go on
    }
    let groups: Vec<Arc<Group>> = (0..RECORDS).map(group).collect();
    let mut walk = Walk(42);
    let samples = (COMMITS * RECORDS * TAGS * scans) as f64;

    let before = written();
    let began = Instant::now();
    let mut stored = 0.0;
    for commit in 0..COMMITS {
        let data: Vec<NewData> = groups
            .iter()
            .map(|group| NewData {
                group: group.clone(),
                scans: (0..scans).map(|n| walk.scan(commit * scans + n)).collect(),
            })
            .collect();
        let numbered = journal.number(data, Vec::new());
        journal.commit(&numbered.data, &numbered.events).expect("the disk takes it");
        let last = numbered.data.last().map_or(0, |record| record.seq);
        for stream in Stream::ALL {
            journal.move_cursor("bench", stream, Cursor { position: last, last_sent: last });
        }
        if commit % TRIM_EVERY == TRIM_EVERY - 1 {
            stored = stored_bytes(dir.path()) / (TRIM_EVERY * RECORDS * TAGS * scans) as f64;
            journal.maintain(Timestamp(0)).expect("the disk takes it");
        }
    }
    let (took, bytes) = (began.elapsed(), written() - before);
    let floor = floor(dir.path(), (stored * samples / COMMITS as f64) as usize);
    println!("\n1,000 tags, {scans} scan(s) per record, {COMMITS} commits");
    println!("  bytes in the file per sample     {stored:8.2}   (pages of the whole file, one trim's worth in it)");
    println!(
        "  bytes to the disk per sample     {:8.2}   (write_bytes of this process, trim included)",
        bytes / samples
    );
    println!("  bytes to the disk per commit     {:8.0}", bytes / COMMITS as f64);
    println!(
        "  append + fdatasync, per commit   {floor:8.0}   bytes: the floor;  ratio {:.2}",
        bytes / COMMITS as f64 / floor
    );
    println!("  us per commit                    {:8.0}", took.as_micros() as f64 / COMMITS as f64);
}

/// What the file takes from its first to its last page, without the WAL beside it.
fn stored_bytes(dir: &Path) -> f64 {
    std::fs::metadata(dir.join("journal.sqlite")).map_or(0.0, |meta| meta.len() as f64)
}

fn floor(dir: &Path, bytes_per_commit: usize) -> f64 {
    let mut file = File::create(dir.join("floor")).expect("the directory can be written");
    let payload = vec![7_u8; bytes_per_commit];
    let before = written();
    for _ in 0..COMMITS {
        file.write_all(&payload).and_then(|()| file.sync_data()).expect("the disk takes it");
    }
    (written() - before) / COMMITS as f64
}

fn group(number: usize) -> Arc<Group> {
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let kind = |n| match n % 10 {
        0..6 => ValueKind::Int,
        6..8 => ValueKind::Float,
        _ => ValueKind::Bool,
    };
    let tag = |n| TagInfo { name: format!("tag_{n}").into(), unit: None, kind: kind(n), report };
    Arc::new(Group::new(format!("device-{number}").into(), Duration::from_secs(1), (0..TAGS).map(tag).collect()))
}

/// Values that wander as those of machines do, the same in each run.
struct Walk(u64);

impl Walk {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn scan(&mut self, second: usize) -> Scan {
        let readings = (0..TAGS).map(|tag| {
            let wander = (self.next() % 21) as i64 - 10;
            Some(Reading::Good(match tag % 10 {
                0..6 => Value::I64(1_000 * tag as i64 + second as i64 / 10 + wander),
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
