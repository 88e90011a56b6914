//! What the main job costs: the agent beside a minimal loop of C (libmodbus + SQLite + libmosquitto) that does the same work
//! at the same time, so that a busy machine burdens both.
//!
//!     cargo bench --bench workloads                                  all workloads, 30 s each
//!     cargo bench --bench workloads -- --seconds 60 --only W1        one, longer
//!     cargo bench --bench workloads -- --watched yes                 somebody asks at the socket each second and fetches metrics each 5 s
//!     CLOUDWARD_BENCH_DIR=DIR                                        where plcsim.c and cloop.c are (default ../shared/bench)
//!
//! Without plcsim.c and cloop.c the PLCs are the libmodbus server of the tests, and there is nothing to compare with.
//! Every sample handed out is looked for among those delivered. Only a loss makes the exit code nonzero; figures that miss
//! what is expected are marked, not failed, since they depend on the machine. Needs what `tests/run` sets up.

#![allow(clippy::unwrap_used)] // a bench that fails says where

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::agent::Agent;
use common::broker::{Mosquitto, Setup};
use common::plc::{Plc, c_compiler, parse_log};
use common::usage::{Subscriber, Usage};
use common::{free_port, free_ports, now_ms, signal, temp_dir, wait_for};

/// Until connections stand and caches are warm.
const WARM_UP: Duration = Duration::from_secs(5);
/// A request that is on the wire when the agent is told to stop is nobody's.
const ON_THE_WIRE_MS: i64 = 100;

/// `u16s` registers from address 0, then `f32s` floats of two registers each.
#[derive(Clone, Copy)]
struct Workload {
    name: &'static str,
    devices: u16,
    u16s: u16,
    f32s: u16,
    every_ms: u16,
    /// What issue and README promise for it: RSS in MB, context switches per second.
    expected: Option<(f64, f64)>,
}

const WORKLOADS: [Workload; 3] = [
    Workload { name: "W1", devices: 10, u16s: 60, f32s: 20, every_ms: 1000, expected: Some((15.0, 100.0)) },
    Workload { name: "W3", devices: 100, u16s: 60, f32s: 20, every_ms: 1000, expected: None },
    Workload { name: "W2", devices: 10, u16s: 1000, f32s: 0, every_ms: 100, expected: None },
];
/// Most CPU per sample, as a multiple of the loop of C.
const EXPECTED_RATIO: f64 = 2.0;

fn main() -> ExitCode {
    let (seconds, only, is_watched) = arguments();
    let dir = temp_dir();
    let tools = Tools::build(dir.path());
    let mut lost = 0;
    for workload in WORKLOADS.iter().filter(|w| only.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(w.name))) {
        lost += run(workload, seconds, &dir.path().join(workload.name), tools.as_ref(), is_watched);
    }
    if lost > 0 {
        println!("\nLOST: {lost} samples");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn arguments() -> (u64, Option<String>, bool) {
    let (mut seconds, mut only, mut is_watched) = (30, None, false);
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench"); // which cargo adds
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--seconds", Some(n)) => seconds = n.parse().expect("--seconds takes a number"),
            ("--only", Some(name)) => only = Some(name),
            ("--watched", Some(answer)) => is_watched = answer == "yes",
            _ => panic!("unknown argument {arg}; known: --seconds N, --only W1, --watched yes"),
        }
    }
    (seconds, only, is_watched)
}

/// The programs of the bench directory.
struct Tools {
    plcsim: PathBuf,
    cloop: PathBuf,
}

impl Tools {
    fn build(dir: &Path) -> Option<Tools> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bench");
        let source = std::env::var_os("CLOUDWARD_BENCH_DIR").map_or(beside, PathBuf::from);
        let compile = |name: &str, libraries: &[&str]| -> Option<PathBuf> {
            let (file, program) = (source.join(name).with_extension("c"), dir.join(name));
            if !file.exists() {
                println!("{} is not there", file.display());
                return None;
            }
            let built =
                Command::new(c_compiler()).arg("-O2").arg(&file).arg("-o").arg(&program).args(libraries).status();
            built.unwrap().success().then_some(program)
        };
        let tools = compile("plcsim", &[])
            .zip(compile("cloop", &["-lmodbus", "-lmosquitto", "-lsqlite3"]))
            .map(|(plcsim, cloop)| Tools { plcsim, cloop });
        if tools.is_none() {
            println!("running without the loop of C, against the libmodbus server of the tests; no ratios");
        }
        tools
    }
}

/// Runs one workload and prints its figures; the number of samples lost.
fn run(workload: &Workload, seconds: u64, dir: &Path, tools: Option<&Tools>, is_watched: bool) -> usize {
    fs::create_dir(dir).unwrap();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let plcs = Plcs::start(workload, tools.map(|t| &t.plcsim), &dir.join("plcs"));
    let agent_says = Subscriber::start(&broker, "cloudward/#", &dir.join("agent.messages"));
    let metrics = is_watched.then(free_port);
    let mut agent = Agent::start(&agent_config(workload, plcs.port, broker.agent_port, metrics, dir), dir);
    let mut rival = tools.map(|tools| Rival::start(workload, tools, &broker, dir));

    sleep(WARM_UP);
    assert!(agent.is_running(), "the agent ended:\n{}", agent.log());
    let from = now_ms();
    let agent_before = Usage::of(agent.pid());
    let rival_before = rival.as_ref().map(|r| Usage::of(r.child.id()));
    match metrics {
        Some(port) => watch(seconds, &dir.join("state/status.sock"), port),
        None => sleep(Duration::from_secs(seconds)),
    }
    let until = now_ms();
    let agent_used = Usage::of(agent.pid()).since(&agent_before);
    let rival_used = rival.as_ref().zip(rival_before).map(|(r, before)| Usage::of(r.child.id()).since(&before));

    let told = now_ms();
    agent.sigterm();
    let rival_books = rival.as_mut().map(|rival| rival.stop(told));
    let ended = agent.wait();
    let books = Books::make(workload, plcs.stop(), agent_says.stop(), told);

    let mine = Figures::new(&agent_used, &books, from, until);
    let theirs = rival_used.zip(rival_books.as_ref()).map(|(used, books)| Figures::new(&used, books, from, until));
    print(workload, seconds, &mine, theirs.as_ref());
    let count = |what: &str, of: fn(&Books) -> usize| {
        let other = rival_books.as_ref().map_or("-".into(), |books| of(books).to_string());
        println!("{what:<28}{:>12}{other:>12}", of(&books));
    };
    count("handed out", |books| books.handed);
    count("delivered", |books| books.delivered.len());
    count("lost", |books| books.lost);
    assert!(ended.success(), "the agent ended with {ended}:\n{}", agent.log());
    assert!(!books.delivered.is_empty(), "nothing was delivered:\n{}", agent.log());
    books.lost
}

/// As somebody with `status --watch` open, and a Prometheus beside it.
fn watch(seconds: u64, socket: &Path, port: u16) {
    let ask = |mut stream: UnixStream| {
        stream.write_all(b"status\n").unwrap();
        stream.read_to_string(&mut String::new()).unwrap()
    };
    let fetch = |mut stream: TcpStream| {
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        stream.read_to_string(&mut String::new()).unwrap()
    };
    let (mut answered, mut fetched) = (0, 0);
    for second in 0..seconds {
        answered += ask(UnixStream::connect(socket).unwrap());
        if second % 5 == 0 {
            fetched += fetch(TcpStream::connect(("127.0.0.1", port)).unwrap());
        }
        sleep(Duration::from_secs(1));
    }
    println!("watched: {answered} bytes at the socket, {fetched} of metrics");
}

fn agent_config(workload: &Workload, plc_port: u16, broker_port: u16, metrics: Option<u16>, dir: &Path) -> PathBuf {
    let mut text = String::from(
        "[workshop]\nenterprise = \"bench\"\nid = \"w\"\nname = \"bench\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n",
    );
    if let Some(port) = metrics {
        text += &format!("[metrics]\nlisten = \"127.0.0.1:{port}\"\n");
    }
    // The libmodbus server has no floats there; as whole numbers the same registers can be checked exactly.
    let pair = if dir.join("plcs/f32").exists() { "f32" } else { "u32" };
    for i in 0..workload.devices {
        text += &format!("[[link]]\nname = \"l{i}\"\nmodbus_tcp = \"127.0.0.1:{}\"\n", plc_port + i);
        text += &format!("[[device]]\nid = \"d{i}\"\nlink = \"l{i}\"\nevery = \"{}ms\"\ntags = [\n", workload.every_ms);
        for (name, address) in workload.tags() {
            let kind = if name.starts_with('u') { "u16" } else { pair };
            text += &format!("{{ name = \"{name}\", address = \"holding:{address}\", type = \"{kind}\" }},\n");
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

impl Workload {
    /// Names as the loop of C gives them, and addresses.
    fn tags(&self) -> impl Iterator<Item = (String, u16)> {
        let u16s = self.u16s;
        let floats = (0..self.f32s).map(move |i| u16s + 2 * i);
        (0..u16s).map(|a| (format!("u{a}"), a)).chain(floats.map(|a| (format!("f{a}"), a)))
    }
}

/// The loop of C with PLCs and a subscriber of its own.
struct Rival {
    workload: Workload,
    child: Child,
    plcs: Option<Plcs>,
    says: Option<Subscriber>,
}

impl Rival {
    fn start(workload: &Workload, tools: &Tools, broker: &Mosquitto, dir: &Path) -> Rival {
        let plcs = Plcs::start(workload, Some(&tools.plcsim), &dir.join("rival-plcs"));
        let says = Subscriber::start(broker, "c/#", &dir.join("rival.messages"));
        let options = [
            ("-p", plcs.port),
            ("-n", workload.devices),
            ("-u", workload.u16s),
            ("-f", workload.f32s),
            ("-i", workload.every_ms),
            ("-b", broker.plain_port),
        ];
        let child = Command::new(&tools.cloop)
            .args(options.iter().flat_map(|(flag, value)| [flag.to_string(), value.to_string()]))
            .arg("-s")
            .arg(dir.join("rival.db"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Rival { workload: *workload, child, plcs: Some(plcs), says: Some(says) }
    }

    fn stop(&mut self, told: i64) -> Books {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap();
        let (plcs, says) = (self.plcs.take().unwrap(), self.says.take().unwrap());
        Books::make(&self.workload, plcs.stop(), says.stop(), told)
    }
}

/// What was read from the PLCs: (device, tag's address) to the values handed out, each with its time.
type Truth = HashMap<(u16, u16), Vec<(i64, u32)>>;

/// PLCs on consecutive ports.
struct Plcs {
    port: u16,
    workload: Workload,
    log: PathBuf,
    started: i64,
    server: Server,
}

enum Server {
    Plcsim(Plcsim),
    Libmodbus(Plc),
}

struct Plcsim(Child);

impl Drop for Plcsim {
    fn drop(&mut self) {
        self.0.kill().ok(); // it has ended already when all went well
        self.0.wait().ok();
    }
}

impl Plcs {
    fn start(workload: &Workload, plcsim: Option<&PathBuf>, dir: &Path) -> Plcs {
        fs::create_dir(dir).unwrap();
        let (port, started) = (free_ports(workload.devices), now_ms());
        let Some(plcsim) = plcsim else {
            let plc = Plc::libmodbus(dir, port, workload.devices);
            let log = dir.join(format!("libmodbus-{port}.log"));
            return Plcs { port, workload: *workload, log, started, server: Server::Libmodbus(plc) };
        };
        let log = dir.join("reads");
        let mut command = Command::new(plcsim);
        command.args(["-p", &port.to_string(), "-n", &workload.devices.to_string(), "-t", &started.to_string(), "-l"]);
        command.arg(&log);
        if workload.f32s > 0 {
            command.args(["-m", &workload.u16s.to_string()]);
            fs::write(dir.join("f32"), "").unwrap();
        }
        let plcsim = Plcsim(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let last = port + workload.devices - 1;
        wait_for("plcsim", || std::net::TcpStream::connect(("127.0.0.1", last)).ok());
        Plcs { port, workload: *workload, log, started, server: Server::Plcsim(plcsim) }
    }

    fn stop(self) -> Truth {
        match self.server {
            Server::Plcsim(mut plcsim) => {
                signal(plcsim.0.id(), "TERM"); // which makes it write its log to the end
                plcsim.0.wait().unwrap();
                truth_of_plcsim(&self.workload, self.started, &fs::read(&self.log).unwrap())
            }
            Server::Libmodbus(plc) => {
                drop(plc);
                truth_of_libmodbus(&self.workload, &fs::read_to_string(&self.log).unwrap())
            }
        }
    }
}

/// Records of 24 bytes: i64 ms; u16 port, unit, address, count, function, result; u32 0. See plcsim.c.
fn truth_of_plcsim(workload: &Workload, started: i64, log: &[u8]) -> Truth {
    let mut truth = Truth::new();
    for record in log.chunks_exact(24) {
        let ms = i64::from_le_bytes(record[..8].try_into().unwrap());
        let word = |i: usize| u16::from_le_bytes([record[8 + 2 * i], record[9 + 2 * i]]);
        let (port, address, count, function, result) = (word(0), word(2), word(3), word(4), word(5));
        if function != 3 || result != 0 {
            continue;
        }
        note(workload, &mut truth, (port, address, count, ms), |a, is_pair| {
            if is_pair { (ms - started) as f32 as u32 } else { (ms / 10 + 7 * i64::from(a)) as u32 & 0xffff }
        });
    }
    truth
}

fn truth_of_libmodbus(workload: &Workload, log: &str) -> Truth {
    let mut truth = Truth::new();
    for a in parse_log(log) {
        note(workload, &mut truth, (a.port, a.address, a.count, a.ms), |address, is_pair| {
            let register = |at: u16| u32::from(ladder_register(a.counter, at));
            if is_pair { register(address) << 16 | register(address + 1) } else { register(address) }
        });
    }
    truth
}

/// What libmodbus_server.c puts into a register.
fn ladder_register(n: u32, address: u16) -> u16 {
    let half = (n as f32 / 2.0).to_bits();
    let (high, low) = ((n >> 16) as u16, n as u16);
    match address {
        0 | 7 => high,
        1 | 2 | 6 => low,
        3 => ((n % 1000) as u16).wrapping_neg(),
        4 => (half >> 16) as u16,
        5 => half as u16,
        _ => low.wrapping_add(address),
    }
}

fn note(
    workload: &Workload,
    truth: &mut Truth,
    (port, first, count, ms): (u16, u16, u16, i64),
    value: impl Fn(u16, bool) -> u32,
) {
    let mut one = |a: u16, is_pair| truth.entry((port, a)).or_default().push((ms, value(a, is_pair)));
    let end = first + count;
    (first..end.min(workload.u16s)).for_each(|a| one(a, false));
    let pairs = (0..workload.f32s).map(|i| workload.u16s + 2 * i);
    pairs.filter(|a| *a >= first && a + 2 <= end).for_each(|a| one(a, true));
}

impl Drop for Rival {
    fn drop(&mut self) {
        self.child.kill().ok(); // it has ended already when all went well
        self.child.wait().ok();
    }
}

/// What was handed out against what was delivered.
struct Books {
    handed: usize,
    lost: usize,
    /// The time of each sample delivered, without duplicates.
    delivered: Vec<i64>,
}

impl Books {
    fn make(workload: &Workload, truth: Truth, messages: PathBuf, told: i64) -> Books {
        let addresses: HashMap<String, u16> = workload.tags().collect();
        let mut values: HashMap<(u16, u16), Vec<u32>> = HashMap::new();
        let mut delivered = Vec::new();
        let mut seen = HashSet::new();
        for line in BufReader::new(File::open(messages).unwrap()).split(b'\n') {
            let line = line.unwrap();
            let text = std::str::from_utf8(&line).unwrap();
            let Some((topic, payload)) = text.split_once(' ') else { continue };
            let Some(device) = device_of(topic) else { continue };
            let json: serde_json::Value = serde_json::from_str(payload).unwrap();
            if json["id"].as_str().is_some_and(|id| !seen.insert(id.to_owned())) {
                continue;
            }
            let samples = json["samples"].as_array().map_or(std::slice::from_ref(&json), Vec::as_slice);
            for sample in samples {
                let ts = sample["ts"].as_i64().unwrap();
                for (tag, value) in sample["values"].as_object().into_iter().flatten() {
                    delivered.push(ts);
                    values.entry((device, addresses[tag])).or_default().push(value.as_f64().unwrap() as u32);
                }
            }
        }
        let handed = truth.values().map(Vec::len).sum();
        let lost = truth
            .into_iter()
            .map(|(tag, handed)| {
                let due =
                    handed.into_iter().filter(|(ms, _)| *ms < told - ON_THE_WIRE_MS).map(|(_, value)| value).collect();
                missing(due, values.remove(&tag).unwrap_or_default())
            })
            .sum();
        Books { handed, lost, delivered }
    }
}

/// How many of `handed` are not in `got`; both may hold values more than once.
fn missing(mut handed: Vec<u32>, mut got: Vec<u32>) -> usize {
    handed.sort_unstable();
    got.sort_unstable();
    let mut got = got.into_iter().peekable();
    handed
        .into_iter()
        .filter(|value| {
            while got.next_if(|g| g < value).is_some() {}
            got.next_if_eq(value).is_none()
        })
        .count()
}

/// `c/d7` of the loop, `cloudward/bench/w/d7/data` of the agent.
fn device_of(topic: &str) -> Option<u16> {
    let name = topic.strip_prefix("c/").or_else(|| topic.strip_suffix("/data")?.rsplit('/').next())?;
    name.strip_prefix('d')?.parse().ok()
}

/// What is printed.
struct Figures {
    cpu_per_million: f64,
    rss_mb: f64,
    switches_per_s: f64,
    bytes_per_sample: f64,
}

impl Figures {
    fn new(used: &Usage, books: &Books, from: i64, until: i64) -> Figures {
        let samples = books.delivered.iter().filter(|ts| (from..until).contains(ts)).count().max(1) as f64;
        Figures {
            cpu_per_million: used.cpu_s / samples * 1e6,
            rss_mb: used.rss_kb as f64 / 1024.0,
            switches_per_s: used.switches as f64 / ((until - from) as f64 / 1000.0),
            bytes_per_sample: used.written as f64 / samples,
        }
    }
}

fn print(workload: &Workload, seconds: u64, mine: &Figures, theirs: Option<&Figures>) {
    let Workload { name, devices, u16s, f32s, every_ms, .. } = workload;
    println!("\n{name}: {devices} devices x ({u16s} u16 + {f32s} f32) every {every_ms} ms, measured for {seconds} s");
    println!("{:<28}{:>12}{:>12}", "", "cloudward", "loop of C");
    let row = |what: &str, figure: fn(&Figures) -> f64, limit: Option<(f64, f64)>| {
        let other = theirs.map_or("-".into(), |t| format!("{:.2}", figure(t)));
        let verdict = limit.map_or(String::new(), |(found, limit)| {
            format!("   {} (expected: at most {limit})", if found <= limit { "held" } else { "MISSED" })
        });
        println!("{what:<28}{:>12.2}{other:>12}{verdict}", figure(mine));
    };
    row("CPU s per million samples", |f| f.cpu_per_million, None);
    if let Some(theirs) = theirs {
        let ratio = mine.cpu_per_million / theirs.cpu_per_million;
        let verdict = if ratio <= EXPECTED_RATIO { "held" } else { "MISSED" };
        println!("{:<28}{ratio:>12.2}{:>12}   {verdict} (expected: at most {EXPECTED_RATIO})", "  ratio", "1.00");
    }
    row("resident MB", |f| f.rss_mb, workload.expected.map(|e| (mine.rss_mb, e.0)));
    row("context switches per s", |f| f.switches_per_s, workload.expected.map(|e| (mine.switches_per_s, e.1)));
    row("bytes to disk per sample", |f| f.bytes_per_sample, None);
}
