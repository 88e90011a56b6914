//! `cloudward write` against PLC stacks that were not written here, and against devices that misbehave: what is typed is
//! what stands in the device, nothing else is ever written, and the record comes before the request.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use common::agent::{Agent, BINARY, Ended, run_to_end};
use common::plc::{Plc, read_with_pymodbus};
use common::{free_port, program, temp_dir, wait_for};

/// A workshop with one link and one device `d`, whose tags are these lines.
fn workshop(dir: &Path, link: &str, writes: bool, tags: &[String]) -> PathBuf {
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\nwrites = {writes}\n\
         [journal]\ndir = \"state\"\n[[link]]\nname = \"l\"\n{link}\ntimeout = \"500ms\"\n\
         [[device]]\nid = \"d\"\nlink = \"l\"\nevery = \"100ms\"\ntags = [\n{}\n]\n",
        tags.join(",\n")
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

fn tcp(port: u16) -> String {
    format!("modbus_tcp = \"127.0.0.1:{port}\"")
}

fn write(config: &Path, target: &str, value: &str) -> Ended {
    run_to_end(&["write", target, value, "--yes", "--config", config.to_str().unwrap()])
}

#[track_caller]
fn written(config: &Path, target: &str, value: &str) {
    let ended = write(config, target, value);
    assert!(ended.code == Some(0) && ended.stdout.contains("written and read back"), "{target} {value}: {ended:?}");
}

#[track_caller]
fn refused(config: &Path, target: &str, value: &str, exit: i32, code: &str, word: &str) {
    let ended = write(config, target, value);
    assert_eq!(ended.code, Some(exit), "{target} {value}: {ended:?}");
    assert!(ended.stderr.contains(code) && ended.stderr.contains(word), "{target} {value}: {ended:?}");
}

fn audit(dir: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(dir.join("state/writes.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The function codes that a PLC was asked with.
fn functions(plc: &Plc) -> Vec<u8> {
    plc.answered().iter().map(|request| request.function).collect()
}

/// Type, what is typed, and what pymodbus says it is: its data type and the value.
const TYPES: [(&str, &str, &str, &str); 8] = [
    ("u16", "54321", "UINT16", "54321"),
    ("i16", "-12345", "INT16", "-12345"),
    ("u32", "305419896", "UINT32", "305419896"),
    ("i32", "-305419896", "INT32", "-305419896"),
    ("u64", "18446744073709551557", "UINT64", "18446744073709551557"),
    ("i64", "-1234567890123456789", "INT64", "-1234567890123456789"),
    ("f32", "219.75", "FLOAT32", "219.75"),
    ("f64", "-0.1", "FLOAT64", "-0.1"),
];
const ORDERS: [&str; 4] = ["ABCD", "CDAB", "BADC", "DCBA"];

/// Writes every type in every order and lets pymodbus read what stands in the PLC.
#[track_caller]
fn every_type_and_order(dir: &Path, port: u16, plc: &Plc) {
    let (mut tags, mut jobs, mut reads) = (Vec::new(), Vec::new(), String::new());
    let mut at = 8;
    for (kind, typed, foreign, value) in TYPES {
        let width: u16 = foreign.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse::<u16>().unwrap() / 16;
        for order in ORDERS {
            tags.push(format!(
                "{{ name = \"{kind}-{order}\", address = \"holding:{at}\", type = \"{kind}\", order = \"{order}\", write = true }}"
            ));
            jobs.push((format!("d.{kind}-{order}"), typed));
            let (swapped, words) =
                (order == "BADC" || order == "DCBA", if order.starts_with(['C', 'D']) { "little" } else { "big" });
            reads += &format!(
                "r = c.read_holding_registers({at}, count={width}).registers\n\
                 r = [(w >> 8 | w << 8) & 0xffff for w in r] if {} else r\n\
                 v = c.convert_from_registers(r, c.DATATYPE.{foreign}, word_order='{words}')\n\
                 print('{kind}-{order}', v == {value}, v)\n",
                if swapped { "True" } else { "False" },
            );
            at += width;
        }
    }
    // What is not a plain number.
    tags.push("{ name = \"coil\", address = \"coil:3\", type = \"bool\", write = true }".into());
    tags.push("{ name = \"scaled\", address = \"holding:1\", type = \"i16\", scale = 0.1, unit = \"°C\", write = true, write_min = -20, write_max = 250 }".into());
    tags.push("{ name = \"mode\", address = \"holding:2\", type = \"u16\", values = { 0 = \"手动\", 2 = \"自动\" }, write = true }".into());
    tags.push("{ name = \"order-no\", address = \"holding:3\", type = \"text\", length = 6, encoding = \"gbk\", write = true }".into());
    tags.push("{ name = \"bcd\", address = \"holding:6\", type = \"bcd32\", write = true }".into());
    for (target, typed) in
        [("coil", "on"), ("scaled", "-12.5"), ("mode", "自动"), ("order-no", "料1"), ("bcd", "12345678")]
    {
        jobs.push((format!("d.{target}"), typed));
    }
    reads += "print('rest', c.read_coils(3, count=1).bits[0], c.read_holding_registers(1, count=7).registers)\n";

    let config = workshop(dir, &tcp(port), true, &tags);
    for (target, typed) in &jobs {
        written(&config, target, typed);
    }
    let seen = read_with_pymodbus(port, &reads);
    let wrong: Vec<&str> = seen.lines().filter(|line| line.contains("False")).collect();
    assert!(wrong.is_empty() && seen.lines().count() == 33, "{seen}");
    // -125, 2, C1CF 3100 0000, 1234 5678.
    assert!(seen.contains("rest True [65411, 2, 49615, 12544, 0, 4660, 22136]"), "{seen}");
    // Before, the request, after; each written once, by the function code that the standard has for it.
    let writes = functions(plc).into_iter().filter(|function| *function > 4).collect::<Vec<_>>();
    assert_eq!(writes.len(), jobs.len());
    assert_eq!([5, 6, 16].map(|code| writes.iter().filter(|f| **f == code).count()), [1, 10, 26], "{writes:?}");
    let lines = audit(dir);
    assert_eq!(lines.len(), 2 * jobs.len());
    for pair in lines.chunks(2) {
        assert_eq!((pair[0]["event"].as_str(), pair[1]["event"].as_str()), (Some("intent"), Some("result")));
        assert!(pair[0]["id"] == pair[1]["id"] && pair[1]["outcome"] == "accepted", "{pair:?}");
        assert!(pair[0]["who"]["uid"].is_u64() && pair[1]["is_new_value"] == true, "{pair:?}");
    }
    let scaled = lines.iter().find(|line| line["tag"] == "scaled").unwrap();
    assert_eq!((scaled["old"].as_str(), scaled["new"].as_str()), (Some("0 °C"), Some("-12.5 °C")), "{scaled}");
}

#[test]
fn every_type_and_order_really_changes_in_pymodbus() {
    let dir = temp_dir();
    let port = free_port();
    let plc = Plc::pymodbus_still(dir.path(), &port.to_string());
    every_type_and_order(dir.path(), port, &plc);
}

#[test]
fn every_type_and_order_really_changes_in_libmodbus() {
    let dir = temp_dir();
    let port = free_port();
    let plc = Plc::libmodbus_still(dir.path(), port);
    every_type_and_order(dir.path(), port, &plc);
}

#[test]
fn serial_lines_are_written_too_unless_the_agent_holds_the_port() {
    for (kind, key) in [("rtu", "modbus_rtu"), ("ascii", "modbus_ascii")] {
        let dir = temp_dir();
        let dir = dir.path();
        let (ours, theirs) = (dir.join("ours"), dir.join("theirs"));
        let end = |path: &Path| format!("pty,raw,echo=0,link={}", path.display());
        let _wire = Wire(
            Command::new(program("socat")).args([end(&ours), end(&theirs)]).stderr(Stdio::null()).spawn().unwrap(),
        );
        wait_for("the two ports", || (ours.exists() && theirs.exists()).then_some(()));
        let plc = Plc::pymodbus_still(dir, &format!("{kind}:{}", theirs.display()));
        let tags = ["u16", "u32"]
            .map(|kind| format!("{{ name = \"{kind}\", address = \"holding:20\", type = \"{kind}\", write = true }}"));
        let coil = "{ name = \"coil\", address = \"coil:1\", type = \"bool\", write = true }".to_owned();
        let config = workshop(
            dir,
            &format!("{key} = \"{}\"\nbaud = 19200\ndata_bits = 8", ours.display()),
            true,
            &[tags[0].clone(), tags[1].clone(), coil],
        );
        written(&config, "d.u16", "77");
        written(&config, "d.u32", "305419896");
        written(&config, "d.coil", "on");
        let before = functions(&plc).len();
        let mut agent = Agent::start(&config, dir);
        wait_for("the agent on the line", || (functions(&plc).len() > before + 5).then_some(()));
        refused(&config, "d.u16", "78", 69, "CW684", "another cloudward holds the port");
        agent.sigterm();
        agent.wait();
        written(&config, "d.u16", "79");
        let writes: Vec<u8> = functions(&plc).into_iter().filter(|function| *function > 4).collect();
        assert_eq!(writes, [6, 16, 5, 6], "{kind}");
    }
}

/// socat between two ports; ends with its owner, also when a test fails.
struct Wire(std::process::Child);

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.kill().ok(); // it may have ended with a port
        self.0.wait().ok();
    }
}

#[test]
fn the_agent_never_writes_and_the_command_only_what_the_file_allows() {
    let dir = temp_dir();
    let dir = dir.path();
    let port = free_port();
    let plc = Plc::libmodbus_still(dir, port);
    let tags = [
        "{ name = \"temp\", address = \"holding:1\", type = \"i16\", scale = 0.1, write = true, write_min = 0, write_max = 250 }",
        "{ name = \"read-only\", address = \"holding:2\", type = \"u16\" }",
        "{ name = \"coil\", address = \"coil:3\", type = \"bool\", write = true }",
        "{ name = \"mode\", address = \"holding:4\", type = \"u16\", values = { 0 = \"off\", 1 = \"on\" }, write = true }",
        "{ name = \"text\", address = \"holding:5\", type = \"text\", length = 4, write = true }",
        "{ name = \"single\", address = \"holding:8\", type = \"f32\", write = true }",
    ]
    .map(str::to_owned);
    let config = workshop(dir, &tcp(port), false, &tags);
    refused(&config, "d.temp", "100", 77, "CW671", "switched off");
    let checked = run_to_end(&["check", "--config", config.to_str().unwrap()]);
    assert!(
        checked.stdout.contains("WARNING: writing is switched off, but 5 tags would allow it"),
        "{}",
        checked.stdout
    );

    let config = workshop(dir, &tcp(port), true, &tags);
    let checked = run_to_end(&["check", "--config", config.to_str().unwrap()]);
    let said = &checked.stdout;
    assert!(said.contains("writing is switched on") && said.contains("d.temp  holding:1  0 .. 250"), "{said}");
    for (target, value, exit, code, word) in [
        ("d.read-only", "1", 77, "CW673", "d.temp, d.coil"),
        ("d.nothing", "1", 64, "CW672", "d.temp, d.coil"),
        ("nothing", "1", 64, "CW672", "d.temp"),
        ("d.temp", "abc", 64, "CW677", "abc"),
        ("d.temp", "100.05", 64, "CW678", "100, 100.1"),
        ("d.temp", "250.1", 64, "CW679", "0 to 250"),
        ("d.temp", "-0.1", 64, "CW679", "0 to 250"),
        ("d.coil", "2", 64, "CW677", "true, false"),
        ("d.mode", "1", 64, "CW680", "off, on"),
        ("d.text", "ABCDE", 64, "CW681", "text(4, ascii)"),
        ("d.single", "16777217", 64, "CW678", "16777216"),
    ] {
        refused(&config, target, value, exit, code, word);
    }
    let unasked = run_to_end(&["write", "d.temp", "100", "--config", config.to_str().unwrap()]);
    assert!(unasked.code == Some(64) && unasked.stderr.contains("CW682"), "{unasked:?}");
    assert_eq!(functions(&plc), [0_u8; 0], "whoever is refused has not even read");

    let mut agent = Agent::start(&config, dir);
    wait_for("readings", || (functions(&plc).len() > 30).then_some(()));
    agent.sigterm();
    agent.wait();
    let read: Vec<u8> = functions(&plc);
    assert!(read.iter().all(|function| (1..=4).contains(function)), "{read:?}");
    assert!(audit(dir).is_empty());
}

#[test]
fn a_person_at_a_terminal_is_asked_and_only_a_yes_is_one() {
    let dir = temp_dir();
    let dir = dir.path();
    let port = free_port();
    let plc = Plc::libmodbus_still(dir, port);
    let tag = "{ name = \"sp\", address = \"holding:1\", type = \"u16\", unit = \"kN\", write = true }".to_owned();
    let config = workshop(dir, &tcp(port), true, &[tag]);
    let ask = |answer: &str| {
        let line = format!("'{BINARY}' write d.sp 7 --lang en --config '{}'", config.display());
        let mut script = Command::new(program("script"))
            .args(["-qec", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        script.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = script.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = ask("n\n");
    assert!(
        code == Some(1) && said.contains("0 kN -> 7 kN") && said.contains("nothing was written"),
        "{code:?} {said}"
    );
    assert!(functions(&plc).iter().all(|function| *function < 5) && audit(dir).is_empty());
    let (code, said) = ask("y\n");
    assert!(code == Some(0) && said.contains("written and read back: 7 kN"), "{code:?} {said}");
    assert!(functions(&plc).contains(&6));
}

/// What a scripted device does with a write.
#[derive(Clone, Copy)]
enum Act {
    /// Takes it and never answers.
    Swallow,
    /// Exception 4.
    Fail,
    /// Says yes and does nothing.
    Ignore,
}

/// A device with 5 in every register. Each write that arrives is kept, with what stood in the record at that moment.
fn device(act: Act, record: PathBuf) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let writes: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = writes.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (record, seen) = (record.clone(), seen.clone());
            std::thread::spawn(move || serve(stream.unwrap(), act, &record, &seen));
        }
    });
    (port, writes)
}

fn serve(mut stream: TcpStream, act: Act, record: &Path, writes: &Mutex<Vec<String>>) {
    let mut request = [0; 12];
    while stream.read_exact(&mut request).is_ok() {
        let head = [&request[..4], &[0]].concat();
        let answer = match (request[7], act) {
            (3, _) => [&head[..], &[5, 1, 3, 2, 0, 5]].concat(),
            (_, act) => {
                writes.lock().unwrap().push(fs::read_to_string(record).unwrap_or_default());
                match act {
                    Act::Swallow => continue,
                    Act::Fail => [&head[..], &[3, 1, 0x86, 4]].concat(),
                    Act::Ignore => request.to_vec(),
                }
            }
        };
        stream.write_all(&answer).unwrap();
    }
}

#[test]
fn the_intent_is_on_the_disk_before_the_request_and_nothing_is_written_twice() {
    for (act, code, outcome, word) in [
        (Act::Swallow, "CW688", "unknown", "unknown whether d.sp was written"),
        (Act::Fail, "CW687", "refused", "device_failure"),
        (Act::Ignore, "CW689", "accepted", "accepted as 7, but reads 5"),
    ] {
        let dir = temp_dir();
        let dir = dir.path();
        let (port, writes) = device(act, dir.join("state/writes.jsonl"));
        let tag = "{ name = \"sp\", address = \"holding:1\", type = \"u16\", write = true }".to_owned();
        let config = workshop(dir, &tcp(port), true, &[tag]);
        refused(&config, "d.sp", "7", 76, code, word);
        let arrived = writes.lock().unwrap();
        let [record] = &arrived[..] else { panic!("{} writes arrived", arrived.len()) };
        let intent: serde_json::Value = serde_json::from_str(record).expect("one line stood there when it arrived");
        let field = |name: &str| intent[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            ["event", "device", "tag", "address", "old", "new"].map(field),
            ["intent", "d", "sp", "holding:1", "5", "7"]
        );
        assert_eq!(field("request")[4..], *"00000006010600010007", "behind the transaction");
        let lines = audit(dir);
        assert_eq!((lines.len(), lines[1]["outcome"].as_str()), (2, Some(outcome)));
        assert_eq!((lines[1]["read_back"].as_str(), &lines[1]["is_new_value"]), (Some("5"), &false.into()));
    }
}

#[test]
fn without_its_record_nothing_is_written() {
    for is_full in [false, true] {
        let dir = temp_dir();
        let dir = dir.path();
        let (port, writes) = device(Act::Ignore, dir.join("state/writes.jsonl"));
        let tag = "{ name = \"sp\", address = \"holding:1\", type = \"u16\", write = true }".to_owned();
        let config = workshop(dir, &tcp(port), true, &[tag]);
        if is_full {
            fs::create_dir(dir.join("state")).unwrap();
            std::os::unix::fs::symlink("/dev/full", dir.join("state/writes.jsonl")).unwrap();
        } else {
            fs::write(dir.join("state"), "in the way").unwrap();
        }
        refused(&config, "d.sp", "7", 73, "CW683", "nothing was written to the machine");
        assert!(writes.lock().unwrap().is_empty());
    }
}
