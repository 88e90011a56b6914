//! `cloudward read` and `cloudward probe` against devices that were not written here. The heart are eleven times
//! twenty meters and PLCs of tests/cases/probe, served by pymodbus; README.md there says how many were right when first seen.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;
#[path = "probe/judge.rs"]
mod judge;
#[path = "probe/pretend.rs"]
mod pretend;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use cloudward::config::Config;
use common::agent::{run_to_end, run_within};
use common::{free_port, prepared, program, temp_dir, wait_for};
use judge::{Verdict, case, cases, judge};

/// How many of each twenty must be right by the first choice, and how many counting what is named as less likely: a guard against getting
/// worse. All of them were looked at to make the guesser better; README.md of the cases says how many were right when each was first seen.
const AT_LEAST: [(usize, usize); 11] =
    [(19, 19), (19, 19), (17, 19), (16, 19), (12, 16), (11, 13), (12, 16), (11, 18), (12, 18), (17, 18), (14, 18)];

/// Sets that are asked through a wire; the others only with CLOUDWARD_PROBE_ALL=1, since it takes ten minutes.
const WIRED: [usize; 4] = [0, 8, 9, 10];

/// 247 units that are silent cost 300 ms each before the last one answers.
const PROBE_PATIENCE: Duration = Duration::from_secs(240);

/// A device of tests/cases/probe, and how it is reached.
struct Device {
    child: Child,
    wire: Option<Child>,
    endpoint: String,
    log: PathBuf,
}

impl Device {
    fn start(dir: &Path, case: &Path, wire: &str) -> Device {
        let port = free_port();
        let (mut socat, mut place, mut endpoint) = (None, format!("{wire}:{port}"), format!("127.0.0.1:{port}"));
        match wire {
            "rtu-tcp" => endpoint = format!("rtu-over-tcp:127.0.0.1:{port}"),
            "serial" => {
                let (ours, theirs) = (dir.join("ours"), dir.join("theirs"));
                let end = |path: &Path| format!("pty,raw,echo=0,link={}", path.display());
                let mut command = Command::new(program("socat"));
                command.args([end(&ours), end(&theirs)]).stderr(Stdio::null());
                socat = Some(command.spawn().unwrap());
                wait_for("the two ports", || (ours.exists() && theirs.exists()).then_some(()));
                (place, endpoint) = (format!("serial:{}", theirs.display()), ours.display().to_string());
            }
            _ => {}
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/pymodbus_device.py");
        let log = dir.join("device.log");
        let mut child = Command::new(prepared("venv/bin/python"))
            .arg(script)
            .arg(place)
            .arg(case)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "{}", fs::read_to_string(&log).unwrap());
        Device { child, wire: socat, endpoint, log }
    }

    /// The requests that it saw, one line each.
    fn requests(&self) -> Vec<String> {
        fs::read_to_string(&self.log).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        for child in [Some(&mut self.child), self.wire.as_mut()].into_iter().flatten() {
            child.kill().ok(); // it may have ended by itself
            child.wait().ok();
        }
    }
}

/// One after the other: where everything waits for a processor, answers come too late.
static LOAD: Mutex<()> = Mutex::new(());

#[test]
fn devices_are_identified_without_a_manual() {
    let _load = LOAD.lock();
    let cases = cases();
    assert_eq!(cases.len(), 20 * AT_LEAST.len());
    let only = std::env::var("CLOUDWARD_PROBE_CASE").unwrap_or_default();
    let is_wired = |n: usize| WIRED.contains(&(n / 20)) || std::env::var_os("CLOUDWARD_PROBE_ALL").is_some();
    let wired = cases.into_iter().enumerate().filter(|(n, _)| !only.is_empty() || is_wired(*n));
    let queue: Mutex<Vec<(usize, PathBuf)>> = Mutex::new(wired.collect());
    let results: Mutex<Vec<(usize, String, Verdict)>> = Mutex::default();
    std::thread::scope(|scope| {
        // Most of the time is spent waiting: for units that are not there, and between the looks. The last ones wait longest.
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((n, path)) = { queue.lock().unwrap().pop() } {
                    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                    if !name.contains(&only) {
                        continue;
                    }
                    let verdict = one(&path);
                    eprintln!("{name}: {}", in_words(&verdict));
                    verdict.wrong.iter().for_each(|wrong| eprintln!("    {wrong}"));
                    verdict.undecidable.iter().for_each(|pair| eprintln!("    named beside it: {pair}"));
                    verdict.second.iter().for_each(|second| eprintln!("    named as less likely: {second}"));
                    results.lock().unwrap().push((n / 20, name, verdict));
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    for (set, at_least) in AT_LEAST.into_iter().enumerate() {
        let of_set: Vec<_> = results.iter().filter(|result| result.0 == set).collect();
        let strict = of_set.iter().filter(|(.., verdict)| verdict.is_strict()).count();
        let right = of_set.iter().filter(|(.., verdict)| verdict.is_identified()).count();
        let named = of_set.iter().filter(|(.., verdict)| verdict.is_named()).count();
        eprintln!(
            "set {set}: {strict} strict, {right} identified, {named} with what is named too, of {}",
            of_set.len()
        );
        let not_run = 20 - of_set.len();
        assert!(strict + not_run >= at_least.0 && named + not_run >= at_least.1, "{of_set:#?}");
    }
}

fn in_words(verdict: &Verdict) -> &'static str {
    match () {
        () if verdict.is_strict() => "identified",
        () if verdict.is_identified() => "identified, but for pairs whose other reading is named",
        () if verdict.is_named() => "what is right is named, some of it as less likely",
        () => "NOT identified",
    }
}

fn one(path: &Path) -> Verdict {
    let case = case(path);
    let dir = temp_dir();
    let device = Device::start(dir.path(), path, case["wire"].as_str().unwrap_or("tcp"));
    let output = dir.path().join("probed.toml");
    let ended = run_within(
        &[
            "probe",
            &device.endpoint,
            "--pause",
            "0ms",
            "--max-time",
            "10m",
            "--max-requests",
            "6000",
            "--output",
            output.to_str().unwrap(),
        ],
        PROBE_PATIENCE,
    );
    if ended.code != Some(0) {
        return Verdict { wrong: vec![format!("{ended:?}")], ..Verdict::default() };
    }
    let requests = device.requests();
    assert!(requests.iter().all(|line| !line.starts_with("WRITTEN")), "it only reads");
    assert!(requests.len() <= 6_000, "{}", requests.len());
    let text = fs::read_to_string(&output).unwrap();
    if std::env::var("CLOUDWARD_PROBE_CASE").is_ok() {
        eprintln!("{text}");
    }
    judge(&case, &text)
}

fn case_file(name: &str) -> PathBuf {
    cases().into_iter().find(|file| file.file_stem().unwrap().to_string_lossy().contains(name)).unwrap()
}

#[test]
fn read_shows_value_registers_and_the_other_orders() {
    let dir = temp_dir();
    let device = Device::start(dir.path(), &case_file("float-cdab"), "tcp");
    // Registers 18 and 19 hold 50.02, give or take 0.01, low word first.
    let read = |more: &[&str]| run_to_end(&[&["read", device.endpoint.as_str(), "--lang", "en"], more].concat());
    let right = read(&["holding:18", "f32", "--order", "CDAB"]);
    assert_eq!(right.code, Some(0), "{right:?}");
    assert!(right.stdout.contains("40019  holding:18  50.0") && right.stdout.contains("4248]  ABCD: "), "{right:?}");
    // In another order the right one is shown beside it.
    let wrong = read(&["40019", "f32"]);
    assert!(wrong.stdout.contains("CDAB: 50.0"), "{wrong:?}");
    assert!(read(&["40019.3"]).stdout.starts_with("40019.3  holding:18.3  "), "without a type a bit is a bool");
    let three = read(&["D0", "f32", "--addresses", "inovance-h5u", "--count", "3", "--scale", "10"]);
    let values: Vec<&str> = three.stdout.lines().filter_map(|line| line.split("  ").nth(2)).collect();
    assert_eq!(values.len(), 3, "{three:?}");
    assert!(values.iter().all(|value| value.starts_with("22") || value.starts_with("219")), "{values:?}");
    let again = read(&["40019", "--every", "50ms", "--times", "4"]);
    assert_eq!((again.code, again.stdout.lines().count()), (Some(0), 4), "{again:?}");
}

#[test]
fn read_takes_a_link_by_name_with_the_unit_of_its_device() {
    let dir = temp_dir();
    let device = Device::start(dir.path(), &case_file("adl400"), "tcp");
    let file = dir.path().join("workshop.toml");
    let (endpoint, tags) =
        (&device.endpoint, "tags = [{ name = \"u\", address = \"holding:0x0800\", type = \"f32\" }]");
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"cabinet\"\nmodbus_tcp = \"{endpoint}\"\n[[device]]\nid = \"m\"\nlink = \"cabinet\"\nunit = 3\n{tags}\n"
    );
    fs::write(&file, text).unwrap();
    let config = file.to_str().unwrap();
    let read = run_to_end(&["read", "cabinet", "0x0800", "f32", "--config", config]);
    assert!(read.code == Some(0) && read.stdout.contains("224."), "{read:?}");
    let unknown = run_to_end(&["read", "cabin", "0x0800", "f32", "--config", config]);
    assert!(unknown.code == Some(64) && unknown.stderr.contains("cabinet"), "{unknown:?}");
}

#[test]
fn a_read_that_fails_says_why_and_what_to_do() {
    let dir = temp_dir();
    let device = Device::start(dir.path(), &case_file("adl400"), "tcp");
    let at = device.endpoint.as_str();
    let nobody = format!("127.0.0.1:{}", free_port());
    for (arguments, code, words) in [
        (&["read", at, "holding:70", "--unit", "3"][..], 69, &["CW609", "illegal_address"][..]),
        (&["read", at, "30001", "--unit", "3"], 69, &["CW609", "illegal_function"]),
        (&["read", at, "40001", "--unit", "4", "--timeout", "200ms"], 69, &["CW606", "timeout"]),
        (&["read", &nobody, "40001"], 69, &["CW604"]),
        (&["read", "/dev/no-such-port", "40001"], 69, &["CW605"]),
        (&["read", at, "16"], 64, &["CW"]),
        (&["read", at, "40001", "f33"], 64, &["CW"]),
        (&["probe", at, "--units", "9-1"], 64, &["CW612"]),
        (&["probe", at, "--units", "4", "--timeout", "100ms"], 69, &["CW613"]),
        (&["probe", &nobody, "--units", "1"], 69, &["CW604"]),
    ] {
        let ended = run_to_end(&[arguments, &["--lang", "en"]].concat());
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        assert!(words.iter().all(|word| ended.stderr.contains(word)), "{arguments:?} {ended:?}");
    }
}

#[test]
fn probe_keeps_to_its_number_of_requests_and_gives_what_it_has() {
    let dir = temp_dir();
    let device = Device::start(dir.path(), &case_file("sdm630"), "tcp");
    let limited = ["--units", "1", "--tables", "input", "--max-requests", "30", "--pause", "0ms", "--lang", "zh"];
    let ended = run_to_end(&[&["probe", device.endpoint.as_str()], &limited[..]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!((20..=30).contains(&device.requests().len()), "{}", device.requests().len());
    assert!(ended.stderr.contains("只读不写") && ended.stdout.contains("探测未做完"), "{ended:?}");
    assert!(Config::parse(&ended.stdout).is_ok(), "{}", ended.stdout);
    assert!(device.requests().iter().all(|line| line.starts_with("4 1 ")), "{:?}", device.requests());
}

#[test]
fn the_search_for_units_keeps_to_the_number_of_requests_too() {
    let dir = temp_dir();
    let device = Device::start(dir.path(), &case_file("01-sdm630"), "tcp");
    let far = ["--units", "30-200", "--pause", "0ms", "--max-requests", "10"];
    let ended = run_to_end(&[&["probe", device.endpoint.as_str()], &far[..]].concat());
    assert_eq!((ended.code, device.requests().len()), (Some(69), 10), "{ended:?}");
}

#[test]
fn everything_that_was_found_is_looked_at_eight_times_as_far_as_the_requests_allow() {
    let looks = |requests: &str| {
        let dir = temp_dir();
        let device = Device::start(dir.path(), &case_file("19-weighing"), "tcp");
        let only =
            ["--units", "17", "--tables", "holding", "--pause", "0ms", "--lang", "en", "--max-requests", requests];
        let ended = run_to_end(&[&["probe", device.endpoint.as_str()], &only[..]].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let asked = device.requests();
        // The weights and the texts behind them stand from 0 on, the name of the product from 200 on.
        let last = asked.last().unwrap().clone();
        let looks = asked.iter().filter(|line| **line == last).count();
        (looks, asked.len(), ended.stdout.contains("ended before it was through"))
    };
    let (all, _, is_partial) = looks("6000");
    assert!((8..=9).contains(&all) && !is_partial, "{all} looks");
    let (some, asked, is_partial) = looks("40");
    assert!((1..8).contains(&some) && asked <= 40 && is_partial, "{some} looks, {asked} requests");
}

/// A device with 100 registers behind a line that loses every ninth request. Written here, since no foreign stack loses any.
fn lossy_device() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut asked = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 12];
            while stream.read_exact(&mut request).is_ok() {
                asked += 1;
                if asked % 9 == 0 {
                    continue;
                }
                let word = |at: usize| u16::from_be_bytes([request[at], request[at + 1]]);
                let (function, start, count) = (request[7], word(8), word(10));
                let pdu = match u32::from(start) + u32::from(count) {
                    _ if function != 3 => vec![function | 0x80, 1],
                    101.. => vec![function | 0x80, 2],
                    _ => {
                        let words = (start..start + count).flat_map(|at| (2_000 + at).to_be_bytes());
                        [3, 2 * count as u8].into_iter().chain(words).collect()
                    }
                };
                let length = (pdu.len() as u16 + 1).to_be_bytes();
                let head = [request[0], request[1], 0, 0, length[0], length[1], request[6]];
                stream.write_all(&[&head[..], &pdu].concat()).unwrap();
            }
        }
    });
    endpoint
}

#[test]
fn an_answer_that_is_lost_now_and_then_loses_no_register() {
    let only = ["--units", "1", "--tables", "holding", "--pause", "0ms", "--timeout", "200ms"];
    let limits = ["--max-requests", "500", "--lang", "en"];
    let ended = run_within(&[&["probe", lossy_device().as_str()], &only[..], &limits].concat(), PROBE_PATIENCE);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("# holding: 0-99\n"), "{}", ended.stdout);
}

#[test]
fn ctrl_c_gives_what_was_found_so_far() {
    let dir = temp_dir();
    let device = Device::start(dir.path(), &case_file("11-pac3200"), "tcp");
    let limits = ["--units", "1", "--tables", "holding", "--pause", "20ms", "--lang", "en"];
    let output = dir.path().join("probed.toml");
    let mut child = Command::new(common::agent::BINARY)
        .args(["probe", &device.endpoint, "--output", output.to_str().unwrap()])
        .args(limits)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The voltages stand from register 1 on: they were read by then.
    wait_for("some requests", || (device.requests().len() >= 60).then_some(()));
    common::signal(child.id(), "INT");
    let ended = child.wait().unwrap();
    let asked = device.requests().len();
    let text = fs::read_to_string(&output).unwrap();
    assert_eq!(ended.code(), Some(0), "{text}");
    assert!(asked < 200, "it went on for {asked} requests");
    assert!(text.contains("It was ended before it was through") && text.contains("holding: 1-72"), "{text}");
    assert!(Config::parse(&text).is_ok_and(|config| config.devices[0].tags.len() > 5), "{text}");
}

/// Without a network, so that all can be tried: each case as it is, and with other values, which no rule was made for.
#[test]
fn with_other_values_as_many_are_right() {
    let _load = LOAD.lock();
    let only = std::env::var("CLOUDWARD_PROBE_CASE").unwrap_or_default();
    let cases = cases();
    let queue: Mutex<Vec<(usize, u64)>> =
        Mutex::new((0..cases.len()).flat_map(|n| (0..3).map(move |seed| (n, seed))).collect());
    let results: Mutex<Vec<(usize, u64, Verdict)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((n, seed)) = { queue.lock().unwrap().pop() } {
                    if !cases[n].file_stem().unwrap().to_string_lossy().contains(&only) {
                        continue;
                    }
                    let case = pretend::varied(&case(&cases[n]), seed);
                    let findings = pretend::findings(&case, seed);
                    let text = cloudward::probe::report::toml(&findings, "h", cloudward::model::Lang::En);
                    results.lock().unwrap().push((n, seed, judge(&case, &text)));
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let (mut strict, mut named) = (0, 0);
    for (set, at_least) in AT_LEAST.into_iter().enumerate() {
        let count = |is_right: fn(&Verdict) -> bool, is_as_it_is: bool| {
            let of_set = results.iter().filter(|result| result.0 / 20 == set && (result.1 == 0) == is_as_it_is);
            of_set.filter(|result| is_right(&result.2)).count()
        };
        let three = |is_as_it_is: bool| {
            [Verdict::is_strict, Verdict::is_identified, Verdict::is_named].map(|is_right| count(is_right, is_as_it_is))
        };
        let (own, varied) = (three(true), three(false));
        eprintln!("set {set}: strict, identified, named: {own:?} of 20, with other values {varied:?} of 40");
        (strict, named) = (strict + own[0] + varied[0], named + own[2] + varied[2]);
        let is_part = !only.is_empty();
        assert!(is_part || own[0] >= at_least.0 && own[2] >= at_least.1, "set {set}: {own:?}, not {at_least:?}");
    }
    let all = results.len();
    let wrong: Vec<_> = results.iter().filter(|result| !result.2.is_named()).collect();
    assert!(100 * strict >= 72 * all && 100 * named >= 91 * all, "{strict} and {named} of {all}: {wrong:#?}");
}
