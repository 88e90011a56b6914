//! How good the bus plan of `check` is: the time that it foresees for reading everything once over a serial line, beside
//! what the agent then takes over a pair of pseudo-terminals.
//!
//!     cargo bench --bench bus_plan                      20 s at each speed
//!     cargo bench --bench bus_plan -- --seconds 5
//!
//! Pseudo-terminals know no speed. The device at the far end therefore waits as long as a real line would: for the
//! characters of request and answer at that speed, for the silence that ends a frame, and 10 ms for itself. All periods
//! are too short on purpose, so that the line is never idle. Expected: within 10 %.

#![allow(clippy::unwrap_used)] // a bench that fails says where

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use cloudward::source::connection::silence;
use common::link::{Link, workshop};
use common::temp_dir;
use common::wire::{Wire, answer};

/// A meter of 40 registers in two blocks and a controller of 100 in one, five units in all.
const UNITS: [(u8, &[u16]); 5] = [(1, &[0, 60]), (2, &[0, 60]), (3, &[0, 60]), (4, &[0]), (5, &[0])];
const TURNAROUND: Duration = Duration::from_millis(10);

fn main() {
    let mut seconds = 20;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            seconds = arguments.next().and_then(|n| n.parse().ok()).expect("--seconds takes a number");
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("| baud | planned ms | measured ms | measured ÷ planned |");
    println!("|---|---|---|---|");
    for baud in [2_400, 9_600, 19_200, 38_400, 115_200] {
        let (planned, measured) = runtime.block_on(measure(baud, Duration::from_secs(seconds)));
        let ratio = measured / planned;
        let mark = if (0.9..=1.1).contains(&ratio) { "" } else { " (more than 10 % off)" };
        println!("| {baud} | {planned:.0} | {measured:.1} | {ratio:.3}{mark} |");
    }
}

/// Milliseconds of a cycle: as `check` foresees it, and as it is.
async fn measure(baud: u32, span: Duration) -> (f64, f64) {
    let dir = temp_dir();
    let wire = Wire::new(dir.path());
    let character = Duration::from_secs(10) / baud;
    let device = std::fs::File::options().read(true).write(true).open(&wire.theirs).unwrap();
    std::thread::spawn(move || serve(device, character)); // of its own: its pauses are to be exact
    let mut text = format!("[[link]]\nname = \"l\"\nmodbus_rtu = \"{}\"\nbaud = {baud}\n", wire.ours.display());
    for (unit, starts) in UNITS {
        let count = if starts.len() == 1 { 100 } else { 20 };
        let tag = |start: u16, n: u16| {
            format!("{{ name = \"t{}\", address = \"holding:{}\", type = \"u16\" }}", start + n, start + n)
        };
        let tags: Vec<String> =
            starts.iter().flat_map(|start| (0..count).map(|n| tag(*start, n)).collect::<Vec<_>>()).collect();
        text += &format!(
            "[[device]]\nid = \"d{unit}\"\nlink = \"l\"\nunit = {unit}\nevery = \"10ms\"\ntags = [{}]\n",
            tags.join(", ")
        );
    }
    let planned = planned(dir.path(), &text);
    let mut link = Link::of(&workshop(&text));
    let first = link.batches("d5", 2).await[1].mono_ms; // the first finds the line empty
    let (started, mut last, mut cycles) = (Instant::now(), first, 0.0);
    while started.elapsed() < span || cycles < 3.0 {
        last = link.batches("d5", 1).await[0].mono_ms;
        cycles += 1.0;
    }
    let measured = (last - first) as f64 / cycles;
    link.stop().await;
    (planned, measured)
}

/// Answers requests as late as a device on a line of this speed would, until the line is gone.
fn serve(mut port: std::fs::File, character: Duration) {
    let mut request = [0; 8];
    while port.read_exact(&mut request).is_ok() {
        let bytes = answer(&request, 7);
        // What stands here already arrived at once; on a line it would still be under way.
        let on_the_wire = character * (request.len() + bytes.len()) as u32;
        std::thread::sleep(on_the_wire + silence(character) + TURNAROUND);
        if port.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// What `check` says.
fn planned(dir: &std::path::Path, text: &str) -> f64 {
    let file = dir.join("workshop.toml");
    let head = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n";
    std::fs::write(&file, format!("{head}{text}")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cloudward"))
        .args(["--lang", "en", "check", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.contains("everything once:")).expect("check prints the bus plan");
    let (before, _) = line.split_once(" ms;").unwrap();
    before.rsplit_once(' ').unwrap().1.parse().unwrap()
}
