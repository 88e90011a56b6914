//! Every fault of `cloudward sim --fault` against the agent, both as real processes: the fault was exercised, the readings
//! that it spoils are bad and say why, good ones come back, and the neighbour behind the same port keeps coming.

#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use cloudward::journal::{Found, Journal, Limits, Reader, Settings};
use cloudward::model::{BootId, Reading, Timestamp, Value, Why};
use common::agent::{Agent, BINARY, run_to_end};
use common::{signal, temp_dir, wait_for};

/// A fault, and what the agent makes of it.
struct Case {
    fault: &'static str,
    /// Why readings of device `a` are bad; `None`: none is.
    why: Option<Why>,
    /// Whether good readings of `a` come as well.
    comes_back: bool,
}

const fn case(fault: &'static str, why: Option<Why>, comes_back: bool) -> Case {
    Case { fault, why, comes_back }
}

/// Device `a` is unit 1 and takes two requests per scan, so that each fourth is the second of its scan: a line that is
/// cut at the first is dialled again without a word. The neighbour `b` is unit 2.
const CASES: [Case; 20] = [
    case("refused:1500", Some(Why::Refused), true),
    case("hung@1%4", Some(Why::Timeout), true),
    case("dead-unit:1", Some(Why::Timeout), false),
    case("half-closed@1%4", Some(Why::Closed), true),
    case("slow:600@1%4", Some(Why::Timeout), true),
    case("slow:5", None, true),
    case("late@1%4", Some(Why::Timeout), true),
    case("exception:6@1@holding:30-31", Some(Why::DeviceBusy), true),
    case("exception:4@1%4", Some(Why::DeviceFailure), true),
    case("exception:2@1@holding:20-40", Some(Why::IllegalAddress), true),
    case("max:1@1", Some(Why::IllegalAddress), true),
    case("max:1:2@1", Some(Why::IllegalAddress), true),
    case("pause-needed:50@1%2", Some(Why::Timeout), true),
    case("wrong-transaction@1%4", Some(Why::Malformed), true),
    case("wrong-unit@1%4", Some(Why::Malformed), true),
    case("short-frame@1%4", Some(Why::Malformed), true),
    case("garbage@1%4", Some(Why::Malformed), true),
    case("drop@1%4", Some(Why::Closed), true),
    case("split", None, true),
    case("merged", None, true),
];

/// A running `cloudward sim`.
struct Sim {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it said until it listened.
    said: String,
    port: u16,
}

impl Sim {
    fn start(faults: &[&str]) -> Sim {
        let mut command = Command::new(BINARY);
        command.args(["sim", "--port", "0", "--lang", "en"]).stdout(Stdio::piped());
        faults.iter().for_each(|fault| {
            command.args(["--fault", fault]);
        });
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("; Ctrl-C ends") {
            assert!(out.read_line(&mut said).unwrap() > 0, "the simulator ended at once");
        }
        let port = said.split("127.0.0.1:").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
        Sim { child, out, said, port }
    }

    /// What it said, with its summary.
    fn stop(mut self) -> String {
        signal(self.child.id(), "TERM");
        self.out.read_to_string(&mut self.said).unwrap();
        assert!(self.child.wait().unwrap().success());
        std::mem::take(&mut self.said)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended
        self.child.wait().ok();
    }
}

/// How often a fault acted, by the summary.
#[track_caller]
fn acted(said: &str, fault: &str) -> u64 {
    let start = format!("# fault {fault}: acted ");
    let line =
        said.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("{start} not in\n{said}"));
    line.split(' ').next().unwrap().parse().unwrap()
}

/// One link to the simulator, and these devices: id, unit, address and type of each tag.
fn workshop(dir: &Path, port: u16, devices: &[(&str, u8, &[&str])]) -> std::path::PathBuf {
    let mut text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n\
         commit_interval = \"100ms\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\ntimeout = \"300ms\"\n\
         retry = \"100ms\"\nretry_max = \"100ms\"\n"
    );
    for (id, unit, tags) in devices {
        text += &format!("[[device]]\nid = \"{id}\"\nlink = \"l\"\nunit = {unit}\nevery = \"100ms\"\ntags = [\n");
        for (n, tag) in tags.iter().enumerate() {
            text += &format!("{{ name = \"t{n}\", {tag} }},\n");
        }
        text += "]\n";
    }
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

const A: (&str, u8, &[&str]) =
    ("a", 1, &["address = \"holding:30\", type = \"u32\"", "address = \"holding:0\", type = \"u16\""]);
const B: (&str, u8, &[&str]) = ("b", 2, &["address = \"input:0x5A\", type = \"u32\""]);

/// All readings of a device in the journal, scan by scan.
fn journal(dir: &Path, device: &str) -> Vec<Vec<Reading>> {
    let max_age = Duration::from_secs(86_400 * 365_000);
    // A process that another thread starts just now holds our lock file too, until its program runs.
    let journal = wait_for("the journal of an agent that has ended", || {
        let settings = Settings { dir: dir.join("state"), limits: Limits { max_age, ..Limits::default() } };
        Journal::open(settings, BootId(1), Timestamp(0)).ok()
    });
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let (mut scans, mut after) = (Vec::new(), 0);
    loop {
        let records = reader
            .data_between(after, u64::MAX, 1_000, 1_000_000)
            .unwrap()
            .into_iter()
            .filter_map(Found::record)
            .collect::<Vec<_>>();
        let Some(last) = records.last() else { return scans };
        after = last.seq;
        for record in records.iter().filter(|record| &*record.group.device == device) {
            scans.extend(record.scans.iter().map(|scan| scan.readings.iter().flatten().cloned().collect::<Vec<_>>()));
        }
    }
}

/// Lets the agent run until the journal shows `enough`, in short turns, since only a journal that nobody writes is read.
#[track_caller]
fn run_until(dir: &Path, config: &Path, what: &str, enough: impl Fn() -> bool) {
    const TURNS: usize = 20;
    for _ in 0..TURNS {
        let mut agent = Agent::start(config, dir);
        std::thread::sleep(Duration::from_secs(2));
        agent.sigterm();
        assert!(agent.wait().success());
        if enough() {
            return;
        }
    }
    panic!("never came: {what}");
}

fn good(scans: &[Vec<Reading>]) -> usize {
    scans.iter().flatten().filter(|reading| matches!(reading, Reading::Good(_))).count()
}

fn causes(scans: &[Vec<Reading>]) -> Vec<Why> {
    let why = |reading: &Reading| match reading {
        Reading::Bad(why) => Some(*why),
        _ => None,
    };
    let mut causes: Vec<Why> = scans.iter().flatten().filter_map(why).collect();
    causes.sort_unstable();
    causes.dedup();
    causes
}

fn prove(case: &Case) {
    let dir = temp_dir();
    let dir = dir.path();
    let sim = Sim::start(&[case.fault]);
    let config = workshop(dir, sim.port, &[A, B]);
    run_until(dir, &config, case.fault, || {
        let (a, b) = (journal(dir, "a"), journal(dir, "b"));
        let is_seen = case.why.is_none_or(|why| causes(&a).contains(&why));
        is_seen && (good(&a) >= 5 || !case.comes_back) && good(&b) >= 5
    });
    let said = sim.stop();
    let (a, b) = (journal(dir, "a"), journal(dir, "b"));
    assert!(acted(&said, case.fault) > 0, "{} was never exercised:\n{said}", case.fault);
    assert!(said.contains(&format!("# fault {} begins to act", case.fault)), "{said}");
    match case.why {
        None => assert_eq!(causes(&a), [], "{}", case.fault),
        Some(_) if !case.comes_back => assert_eq!(good(&a), 0, "{}", case.fault),
        Some(_) => {}
    }
    let counter = |scan: &Vec<Reading>| match scan.first() {
        Some(Reading::Good(Value::I64(n))) => Some(*n),
        _ => None,
    };
    for scans in [&a, &b] {
        let counters: Vec<i64> = scans.iter().filter_map(counter).collect();
        assert!(counters.is_sorted_by(|one, next| one < next), "{}: a value came twice: {counters:?}", case.fault);
    }
}

#[test]
fn every_fault_is_exercised_told_by_its_cause_and_costs_the_neighbour_nothing_lasting() {
    const AT_ONCE: usize = 7;
    let left = Mutex::new(CASES.iter());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(case) = next else { return };
                    prove(case);
                }
            });
        }
    });
}

#[test]
fn every_exception_code_becomes_the_cause_that_it_means() {
    const CODES: [(u8, Why); 11] = [
        (1, Why::IllegalFunction),
        (2, Why::IllegalAddress),
        (3, Why::IllegalAddress), // a device that finds one address too many refuses this address
        (4, Why::DeviceFailure),
        (5, Why::Acknowledge),
        (6, Why::DeviceBusy),
        (7, Why::UnknownException),
        (8, Why::MemoryParity),
        (9, Why::UnknownException),
        (10, Why::GatewayPath),
        (11, Why::GatewayTarget),
    ];
    // The last two concern the unit as a whole, which is then given up for all its devices.
    for codes in [&CODES[..9], &CODES[9..10], &CODES[10..]] {
        check_codes(codes);
    }
}

/// One device per code, so that none shares a block.
fn check_codes(codes: &[(u8, Why)]) {
    let dir = temp_dir();
    let dir = dir.path();
    let faults: Vec<String> = codes.iter().map(|(code, _)| format!("exception:{code}@1@holding:{code}")).collect();
    let sim = Sim::start(&faults.iter().map(String::as_str).collect::<Vec<_>>());
    let names: Vec<String> = codes.iter().map(|(code, _)| format!("e{code}")).collect();
    let tags: Vec<String> =
        codes.iter().map(|(code, _)| format!("address = \"holding:{code}\", type = \"u16\"")).collect();
    let tags: Vec<[&str; 1]> = tags.iter().map(|tag| [tag.as_str()]).collect();
    let mut devices = vec![B];
    devices.extend(names.iter().zip(&tags).map(|(name, tags)| (name.as_str(), 1, &tags[..])));
    let config = workshop(dir, sim.port, &devices);
    run_until(dir, &config, "readings of all", || {
        names.iter().all(|name| !journal(dir, name).is_empty()) && good(&journal(dir, "b")) >= 5
    });
    let said = sim.stop();
    for ((name, fault), (_, why)) in names.iter().zip(&faults).zip(codes) {
        assert!(acted(&said, fault) > 0, "{said}");
        let scans = journal(dir, name);
        assert_eq!((causes(&scans), good(&scans)), (vec![*why], 0), "{name}");
    }
}

#[test]
fn a_device_with_one_connection_hangs_up_on_the_second() {
    let dir = temp_dir();
    let dir = dir.path();
    let sim = Sim::start(&["one-connection"]);
    let first = std::net::TcpStream::connect(("127.0.0.1", sim.port)).unwrap();
    let config = workshop(dir, sim.port, &[A, B]);
    run_until(dir, &config, "hang-ups", || causes(&journal(dir, "a")).contains(&Why::Closed));
    assert_eq!(good(&journal(dir, "a")), 0);
    drop(first);
    run_until(dir, &config, "good readings", || good(&journal(dir, "a")) >= 5 && good(&journal(dir, "b")) >= 5);
    assert!(acted(&sim.stop(), "one-connection") > 0);
}

#[test]
fn a_fault_that_is_misspelt_is_told_with_the_remedy() {
    for (fault, code) in [("hangs", "CW555"), ("slow", "CW556"), ("hung@x", "CW557"), ("hung%0", "CW558")] {
        let ended = run_to_end(&["sim", "--port", "0", "--fault", fault]);
        assert!(ended.code == Some(64) && ended.stderr.contains(code), "{fault}: {ended:?}");
    }
    for (lang, word) in [("en", "noise in place of the answer"), ("zh", "以乱码代替应答")] {
        let listed = run_to_end(&["sim", "--list-faults", "--lang", lang]);
        assert!(listed.code == Some(0) && listed.stdout.contains(word), "{listed:?}");
    }
}
