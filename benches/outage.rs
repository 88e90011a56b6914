//! What an outage costs: how soon a backlog is delivered, how much memory a silent broker takes, how long a start takes with a
//! large journal.
//!
//!     cargo bench --bench outage                                     60 s of outage, 60 s of silence
//!     cargo bench --bench outage -- --silent 600 --large             ten minutes of silence, a journal of 1 GB
//!
//! PLCs are the libmodbus server of the tests, the broker is mosquitto. Figures that miss what is expected are marked, not failed, since
//! they depend on the machine. Needs what `tests/run` sets up.

#![allow(clippy::unwrap_used)] // a bench that fails says where

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use cloudward::journal::{Journal, Limits, NewData, Settings};
use cloudward::model::{
    BootId, Deadband, Grade, Group, Reading, ReportRule, Scan, TagInfo, Timestamp, Value, ValueKind,
};
use common::agent::Agent;
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::plc::{Plc, parse_log};
use common::usage::Usage;
use common::{free_ports, now_ms, program, temp_dir, wait_for};

const DEVICES: u16 = 10;
const REGISTERS: u16 = 100;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |flag: &str, default: u64| {
        let place = args.iter().position(|arg| arg == flag);
        place.map_or(default, |place| args[place + 1].parse().expect("a number follows"))
    };
    let dir = temp_dir();
    outage(&dir.path().join("outage"), number("--outage", 60));
    silence(&dir.path().join("silence"), number("--silent", 60));
    if args.iter().any(|arg| arg == "--large") {
        start(&dir.path().join("large"));
    }
}

/// 1,000 samples a second; the line to the broker is cut, and comes back.
fn outage(dir: &Path, seconds: u64) {
    fs::create_dir_all(dir).unwrap();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let mut gate = Gate::before(broker.agent_port);
    gate.open();
    let plcs = Plcs::start(dir);
    let witness = Witness::start(&broker, &dir.join("messages"));
    let agent = Agent::start(&config(dir, plcs.port, gate.port(), 1_000), dir);
    wait_for("the first message", || (!witness.messages().is_empty()).then_some(()));
    sleep(Duration::from_secs(15)); // the sinks have proven that they keep up
    gate.close();
    sleep(Duration::from_secs(seconds));
    let back = now_ms();
    gate.open();
    sleep(Duration::from_secs(20));
    drop(agent);
    let messages = witness.messages();
    let backlog = messages.iter().filter(|m| m.taken < back && m.arrived >= back);
    let (count, last) = backlog.fold((0, back), |(count, last), m| (count + m.samples, last.max(m.arrived)));
    let took = (last - back) as f64 / 1000.0;
    let verdict = if took <= 2.0 { "held" } else { "MISSED" };
    println!("{DEVICES} x {REGISTERS} registers a second, {seconds} s without a broker:");
    println!(
        "  {count} samples of the backlog delivered within {took:.2} s of its return   {verdict} (expected: within 2 s)"
    );
}

/// 10,000 samples a second; the broker takes bytes and says nothing.
fn silence(dir: &Path, seconds: u64) {
    fs::create_dir_all(dir).unwrap();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let plcs = Plcs::start(dir);
    let agent = Agent::start(&config(dir, plcs.port, broker.agent_port, 100), dir);
    sleep(Duration::from_secs(20));
    broker.freeze();
    println!("{DEVICES} x {REGISTERS} registers every 100 ms, the broker silent for {seconds} s; resident MB:");
    let rss = || Usage::of(agent.pid()).rss_kb as f64 / 1024.0;
    let (began, mut seen) = (Instant::now(), vec![rss()]);
    while began.elapsed() < Duration::from_secs(seconds) {
        sleep(Duration::from_secs(seconds / 10));
        seen.push(rss());
    }
    let most = seen.iter().copied().fold(0.0, f64::max);
    let line: Vec<String> = seen.iter().map(|mb| format!("{mb:.1}")).collect();
    println!("  {}", line.join(" "));
    println!(
        "  at most {most:.1} MB   {} (expected: at most 32 MB, flat)",
        if most <= 32.0 { "held" } else { "MISSED" }
    );
    println!("  journal: {:.1} MB", size(&dir.join("state")) / 1e6);
}

/// From the start of the process to the first request at the PLC.
fn start(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let plcs = Plcs::start(dir);
    let config = config(dir, plcs.port, 1, 1_000);
    let to_polling = || {
        let before = plcs.requests();
        let began = Instant::now();
        let agent = Agent::start(&config, dir);
        wait_for("a request", || (plcs.requests() > before).then_some(()));
        let took = began.elapsed().as_secs_f64();
        drop(agent);
        took
    };
    let fresh = to_polling();
    fill(&dir.join("state"), 1e9);
    let large = to_polling();
    println!("from start to polling: {fresh:.2} s with an empty journal,");
    let verdict = if large <= 1.0 { "held" } else { "MISSED" };
    println!("  {large:.2} s with one of {:.2} GB   {verdict} (expected: at most 1 s)", size(&dir.join("state")) / 1e9);
}

/// A journal that nothing compresses.
fn fill(dir: &Path, bytes: f64) {
    let settings = Settings { dir: dir.to_owned(), limits: Limits { max_size: 10 << 30, ..Limits::default() } };
    let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let tag = |n| TagInfo {
        name: format!("t{n}").into(),
        unit: None,
        kind: ValueKind::Float,
        report,
        grade: Grade::default(),
    };
    let group = Arc::new(Group::new("d".into(), Duration::from_secs(1), (0..1_000).map(tag).collect()));
    let mut state = 42_u64;
    while size(dir) < bytes {
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Some(Reading::Good(Value::U64(state)))
        };
        let at = now_ms();
        let scans = (0..60).map(|_| Scan {
            at: Timestamp(at),
            mono_ms: 0,
            readings: (0..1_000).map(|_| noise()).collect(),
            stamps: None,
        });
        let numbered = journal.number(vec![NewData::new(group.clone(), scans.collect())], Vec::new());
        journal.commit(&numbered.data, &numbered.events).unwrap();
    }
}

fn size(dir: &Path) -> f64 {
    fs::read_dir(dir).map_or(0.0, |files| files.flatten().map(|file| file.metadata().unwrap().len() as f64).sum())
}

fn config(dir: &Path, plc_port: u16, broker_port: u16, every_ms: u16) -> PathBuf {
    let mut text = String::from(
        "[workshop]\nenterprise = \"bench\"\nid = \"w\"\nname = \"bench\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n",
    );
    for i in 0..DEVICES {
        text += &format!("[[link]]\nname = \"l{i}\"\nmodbus_tcp = \"127.0.0.1:{}\"\n", plc_port + i);
        text += &format!("[[device]]\nid = \"d{i}\"\nlink = \"l{i}\"\nevery = \"{every_ms}ms\"\ntags = [\n");
        for address in 8..8 + REGISTERS {
            text += &format!("{{ name = \"u{address}\", address = \"holding:{address}\", type = \"u16\" }},\n");
        }
        text += "]\n";
    }
    text += &format!(
        "[[sink]]\nname = \"b\"\nmqtt = \"mqtt://127.0.0.1:{broker_port}\"\nallow_plaintext = true\nsend = [\"*\"]\n"
    );
    let file = dir.join("bench.toml");
    fs::write(&file, text).unwrap();
    file
}

/// One server of the tests with a port for each device.
struct Plcs {
    port: u16,
    log: PathBuf,
    _plc: Plc,
}

impl Plcs {
    fn start(dir: &Path) -> Plcs {
        let port = free_ports(DEVICES);
        Plcs { port, log: dir.join(format!("libmodbus-{port}.log")), _plc: Plc::libmodbus(dir, port, DEVICES) }
    }

    fn requests(&self) -> usize {
        fs::read_to_string(&self.log).map_or(0, |log| parse_log(&log).len())
    }
}

/// A subscriber that notes when each message arrived.
struct Witness {
    child: Child,
    file: PathBuf,
}

/// Milliseconds since 1970.
struct Message {
    arrived: i64,
    /// Of its newest sample.
    taken: i64,
    samples: usize,
}

impl Witness {
    fn start(broker: &Mosquitto, file: &Path) -> Witness {
        let child = Command::new(program("mosquitto_sub"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &broker.plain_port.to_string(),
                "-t",
                "cloudward/+/+/+/data",
                "-F",
                "%U %p",
            ])
            .stdin(Stdio::null())
            .stdout(File::create(file).unwrap())
            .spawn()
            .unwrap();
        Witness { child, file: file.to_owned() }
    }

    fn messages(&self) -> Vec<Message> {
        let text = fs::read_to_string(&self.file).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole); // the last line may be half there
        whole.lines().filter_map(message).collect()
    }
}

fn message(line: &str) -> Option<Message> {
    let (seconds, payload) = line.split_once(' ')?;
    let json: serde_json::Value = serde_json::from_str(payload).ok()?;
    let scans = json["samples"].as_array()?;
    let taken = scans.iter().filter_map(|scan| scan["ts"].as_i64()).max()?;
    let samples = scans.iter().map(|scan| scan["values"].as_object().map_or(0, serde_json::Map::len)).sum();
    Some(Message { arrived: (seconds.parse::<f64>().ok()? * 1000.0) as i64, taken, samples })
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }
}
