//! What a report costs: a month of a workshop of 50 machines, from the journal to the file, as a person waits for it.
//!
//!     cargo bench --bench report
//!
//! The cells, the state log and the uploads are generated: 24 cells, 120 intervals and 24 hours of uploads a day of each machine. A figure that misses what is expected is
//! marked, not failed, since it depends on the machine.

#![allow(clippy::unwrap_used)] // a bench that fails says where

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::process::Command;
use std::time::Instant;

use cloudward::config::Config;
use cloudward::indicator::{Amount, Calendar, Cell, Duty, Interval, Pri};
use cloudward::journal::{FigureRow, IntervalRow, Journal, Limits, Settings};
use cloudward::model::{BootId, Route, State, Stream, Timestamp, Upload};
use common::temp_dir;

const MACHINES: usize = 50;

/// 2026-03-01T00:00:00+08:00.
const MARCH: i64 = 1_772_294_400_000;

const HOUR: i64 = 3_600_000;

const HOURS: i64 = 31 * 24;

/// What issue and design ask for.
const EXPECTED_S: f64 = 2.0;

fn main() {
    let dir = temp_dir();
    let device = |n: usize| {
        format!(
            "[[device]]\nid = \"m{n:02}\"\nlink = \"l\"\npri = \"40s\"\ntags = [{{ name = \"run\", address = \"00001\", type = \"bool\", role = \"state.run\" }}]\n"
        )
    };
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n\
         [[shift]]\nname = \"day\"\nstart = \"08:00\"\nend = \"20:00\"\n[[shift]]\nname = \"night\"\nstart = \"20:00\"\nend = \"08:00\"\n{}",
        (0..MACHINES).map(device).collect::<String>()
    );
    let file = dir.path().join("workshop.toml");
    fs::write(&file, &text).unwrap();
    let config = Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let settings = Settings { dir: dir.path().join("state"), limits: Limits::default() };
    let mut journal = Journal::open(settings, BootId(1), Timestamp(MARCH)).unwrap();
    let (mut cells, mut intervals) = (0, 0);
    let mut upload = Upload { made: 3_600, acked: 3_600, ..Upload::default() };
    (0..3_600).for_each(|n| upload.delays.note(50 * (n % 40)));
    for n in 0..MACHINES {
        let id = format!("m{n:02}");
        let calendar = Calendar::new(&config.schedule, "Asia/Shanghai", &id);
        for hour in 0..HOURS {
            let slot = calendar.slot(Timestamp(MARCH + hour * HOUR));
            let cell = cell(&id, &slot);
            let body = serde_json::to_string(&cell).unwrap();
            journal.put_cell(FigureRow { device: id.clone(), start: cell.start, end: cell.end, revision: 0, body });
            cells += 1;
            let route = Route { hour: cell.start, device: id.clone(), sink: "cloud".into() };
            journal.count_upload(route, &upload);
            for part in 0..5 {
                let (start, end) = (cell.start.0 + part * HOUR / 5, cell.start.0 + (part + 1) * HOUR / 5);
                let state = if part % 2 == 0 { State::Run } else { State::Idle };
                let row = Interval {
                    device: id.clone(),
                    state,
                    cause: String::new(),
                    start: Timestamp(start),
                    end: Timestamp(end),
                    event_id: start,
                    is_inferred: false,
                    reclassified_by: None,
                    cause_before: None,
                };
                let body = serde_json::to_string(&row).unwrap();
                let (start, end) = (row.start, row.end);
                let state = state.as_str().into();
                journal.put_interval(IntervalRow {
                    device: id.clone(),
                    start,
                    end,
                    state,
                    cause: String::new(),
                    event_id: start.0,
                    body,
                });
                intervals += 1;
            }
            if hour % 24 == 23 {
                journal.commit(&[], &[]).unwrap();
            }
        }
        journal.commit(&[], &[]).unwrap();
        journal.cursor(&id, Stream::Data); // something that the upkeep stores
        (0..10).for_each(|_| drop(journal.maintain(Timestamp(MARCH)).unwrap()));
    }
    journal.close(Timestamp(MARCH + HOURS * HOUR)).unwrap();
    println!("{MACHINES} machines, a month: {cells} cells, {intervals} intervals");
    for format in ["json", "csv", "xlsx", "html"] {
        let output = dir.path().join(format!("r.{format}"));
        let began = Instant::now();
        let done = Command::new(env!("CARGO_BIN_EXE_cloudward"))
            .args(["report", "--period", "2026-03", "--format", format, "-o", output.to_str().unwrap()])
            .args(["--config", file.to_str().unwrap()])
            .status()
            .unwrap();
        let took = began.elapsed().as_secs_f64();
        assert!(done.success());
        let verdict = if took <= EXPECTED_S { "held" } else { "MISSED" };
        let size = fs::metadata(&output).unwrap().len() as f64 / 1e6;
        println!("  {format:<5} {took:5.2} s  {size:6.2} MB   {verdict} (expected: at most {EXPECTED_S} s)");
    }
}

fn cell(id: &str, slot: &cloudward::indicator::Slot) -> Cell {
    let mut cell = Cell::new(id, slot.start, slot.end, slot.date, slot.shift.clone());
    let ms = u64::try_from(slot.end.0 - slot.start.0).unwrap();
    cell.sums.time.put(State::Run, Duty::Work, ms * 9 / 10);
    cell.sums.time.put(State::Idle, Duty::Work, ms - ms * 9 / 10);
    let made = cell.sums.made_of(None, Some(Pri { cycle_us: 40_000_000, cavities: 1 }));
    (made.pieces, made.good) = (Amount::whole(80), Amount::whole(79));
    let stop = cell.sums.stop_of(State::Idle, "microstop");
    (stop.count, stop.ms) = (6, 360_000);
    cell.sums.energy.is_metered = true;
    cell.sums.energy.total = Amount::whole(36_000);
    cell.sums.energy.by_state[State::Run as usize] = Amount::whole(36_000);
    (cell.sums.scans_expected, cell.sums.scans_good) = (3_600, 3_590);
    cell.sums.online[Duty::Work as usize] = ms;
    cell
}
