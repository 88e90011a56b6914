//! What came late, as people see it: in reports, pages and archives; and what a server of OPC UA keeps while its line is cut, in the figures.

#![allow(clippy::unwrap_used)] // a test that fails says where

#[path = "opcua/bench.rs"]
#[allow(dead_code)] // this file uses its part of it
mod bench;
mod common;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, Way, tag};
use cloudward::config::Config;
use cloudward::indicator::{Cell, Engine, Plan};
use cloudward::journal::{Look, Place};
use cloudward::model::{State, Timestamp};
use common::agent::{Ended, run_to_end};
use common::night::{fill, workshop};
use common::opcua::Kind;
use common::{temp_dir, wait_for};
use serde_json::{Value as Json, json};

fn run(file: &Path, args: &[&str]) -> Ended {
    run_to_end(&[args, &["--config", file.to_str().unwrap()]].concat())
}

#[test]
fn a_month_says_how_much_came_too_late_for_its_figures() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m", "n"]);
    fill(&file, &["m", "n"], 0);
    let journal = rusqlite::Connection::open(dir.path().join("state/journal.sqlite")).unwrap();
    let first = "(SELECT min(start) FROM cells WHERE device = 'm')";
    let count = format!(
        "UPDATE cells SET body = json_set(body, '$.sums.late_after_freeze', 7, '$.sums.late_uncounted', 2)
         WHERE device = 'm' AND start = {first}"
    );
    assert_eq!(journal.execute(&count, []).unwrap(), 1);
    drop(journal);
    let json = |args: &[&str]| -> Json {
        let ended = run(&file, &[&["report", "--format", "json"], args].concat());
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
    };
    let late = |report: &Json| (report["late_after_freeze"].clone(), report["late_uncounted"].clone());
    assert_eq!(late(&json(&["--period", "2026-03"])), (json!(7), json!(2)));
    assert_eq!(late(&json(&["--period", "2026-03", "--device", "m"])), (json!(7), json!(2)));
    assert_eq!(late(&json(&["--period", "2026-03", "--device", "n"])), (json!(0), json!(0)));
    let page = |device: &str| run(&file, &["report", "--period", "2026-03", "--device", device, "--lang", "zh"]).stdout;
    assert!(page("m").contains("月份冻结后迟到的采集次数 7") && page("m").contains("迟到未计入的采集次数 2"));
    assert!(!page("n").contains("迟到"), "nothing is said where there is nothing");

    let archive = dir.path().join("march.zip");
    let ended = run(&file, &["archive", "--month", "2026-03", "-o", archive.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut zip = zip::ZipArchive::new(fs::File::open(&archive).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name("archive.json").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(late(&serde_json::from_str(&text).unwrap()), (json!(7), json!(2)));
}

/// Cells of the machine, settled or not.
fn cells(bench: &Bench) -> Vec<Cell> {
    let look = Look::open(&bench.state(), &Place::in_dir(&bench.state()).unwrap()).unwrap();
    let rows = look.cells(Timestamp(0), Timestamp(i64::MAX), Some("m")).unwrap();
    let mut cells: Vec<Cell> = rows.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect();
    let config = Config::parse(&fs::read_to_string(bench.config()).unwrap()).unwrap();
    let snapshot = look.snapshot("m").unwrap().expect("a snapshot");
    let engine = Engine::restore(Arc::new(Plan::all(&config).remove(0)), &snapshot.body).expect("it is ours");
    cells.extend(engine.open_cells().cloned());
    cells
}

#[test]
fn what_a_server_kept_while_the_line_was_cut_is_no_gap() {
    let count = "type = \"int\", every = \"500ms\", sampling = \"50ms\", queue = 600, max_silence = \"1s\", role = \"count.total\"";
    let alive = count.replace("count.total", "state.run");
    let tags = tag("count", "Machine.Count", count) + &tag("alive", "Machine.Count", &alive);
    let new = Bench::new(Kind::NodeOpcua, &[], Way::plain(), "stale_after = \"1s\"", &tags);
    let mut bench = new.with_gate().start();
    wait_for("a steady count", || (bench.numbers("count").len() > 20).then_some(()));
    bench.gate.as_mut().unwrap().close();
    let before = bench.numbers("count").last().copied().unwrap();
    std::thread::sleep(Duration::from_secs(8));
    bench.gate.as_mut().unwrap().open();
    wait_for("the count goes on", || (bench.numbers("count").last() > Some(&(before + 120.0))).then_some(()));
    let agent = bench.agent.as_mut().unwrap();
    agent.sigterm();
    assert!(agent.wait().success(), "{}", agent.log());
    let cells = cells(&bench);
    let whole = |amount: i64| amount / 1_000_000;
    let made: i64 = cells.iter().map(|cell| whole(cell.sums.pieces().0)).sum();
    let over_a_gap: i64 = cells.iter().map(|cell| whole(cell.sums.gap_pieces().0)).sum();
    assert!(made >= 100, "{made} pieces");
    let unknown: u64 = cells.iter().map(|cell| cell.sums.time.lived(State::Unknown)).sum();
    assert!(unknown < 4_000, "nothing known of {unknown} ms, where the line was cut for 8 s\n{}", bench.log());
    assert!(over_a_gap <= 30, "{over_a_gap} of {made} pieces over a gap, where 80 were made in 8 s\n{}", bench.log());
}
