//! How a running agent is, asked as people and programs ask: `cloudward status`, the socket itself, `/metrics` and `/health`, with a real
//! PLC, a real broker, and the parsers of others.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cloudward::status::Status;
use common::agent::{Agent, BINARY, Ended, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::io_fault::{IoFault, Rig};
use common::plc::Plc;
use common::{free_port, temp_dir, wait_for};
use serde_json::Value as Json;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One machine in a shift that never ends, one broker.
fn workshop(dir: &Path, plc: &Plc, broker: &Mosquitto, more: &str) -> PathBuf {
    let (plc, broker) = (plc.port, broker.plain_port);
    let text = format!(
        r#"
[workshop]
enterprise = "e"
id = "w"
name = "注塑一车间"
timezone = "UTC"
[journal]
dir = "state"
{more}
[[shift]]
name = "first"
start = "00:00"
end = "12:00"
[[shift]]
name = "second"
start = "12:00"
end = "00:00"
[[link]]
name = "plc"
modbus_tcp = "127.0.0.1:{plc}"
[[device]]
id = "press"
link = "plc"
tags = [
    {{ name = "run", address = "coil:0", type = "bool", role = "state.run" }},
    {{ name = "count", address = "holding:0", type = "u32", role = "count.total" }},
    {{ name = "wrong", address = "holding:60000", type = "u16" }},
]
[[sink]]
name = "cloud"
mqtt = "mqtt://127.0.0.1:{broker}"
allow_plaintext = true
send = ["*", "events"]
"#
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

fn ask(file: &Path, more: &[&str]) -> Ended {
    run_to_end(&[&["status", "--config", file.to_str().unwrap()], more].concat())
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("state/status.sock")
}

/// What the socket answers to this line.
fn exchange(socket: &Path, line: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(line.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Waits until the document is as wanted.
#[track_caller]
fn wait_status(socket: &Path, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
    wait_for(what, || {
        let stream = UnixStream::connect(socket).ok();
        stream.as_ref()?;
        let status: Status = serde_json::from_str(&exchange(socket, "status\n")).unwrap();
        is_so(&status).then_some(status)
    })
}

/// An HTTP exchange: status line and head, body.
fn http(port: u16, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok(); // a server that has not read everything may reset
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head.to_owned(), body.to_owned())
}

fn get(port: u16, path: &str) -> (String, String) {
    http(port, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

fn python(script: &str, input: &str) -> Json {
    let mut child = Command::new(common::prepared("venv/bin/python"))
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python refused:\n{input}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// With CLOUDWARD_WRITE_SCHEMAS=1 the file is written anew.
#[test]
fn the_published_schema_is_that_of_the_document() {
    let file = Path::new(ROOT).join("docs/schema/status.json");
    let text = serde_json::to_string_pretty(&schemars::schema_for!(Status)).unwrap() + "\n";
    if std::env::var_os("CLOUDWARD_WRITE_SCHEMAS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    assert!(published == text, "docs/schema/status.json is old: run this test with CLOUDWARD_WRITE_SCHEMAS=1");
}

#[test]
fn a_running_agent_says_how_it_is_in_words_in_json_and_in_metrics() {
    let dir = temp_dir();
    let dir = dir.path();
    let (plc, broker) = (Plc::libmodbus(dir, free_port(), 1), Mosquitto::start_in(dir, Setup::default()));
    let port = free_port();
    let file = workshop(dir, &plc, &broker, &format!("[metrics]\nlisten = \"127.0.0.1:{port}\""));
    let mut agent = Agent::start(&file, dir);
    agent.wait_log(0, &["metrics are served"]);
    let socket = socket(dir);
    let is_settled = |status: &Status| {
        let link = &status.links[0];
        let has_state = status.machines.first().is_some_and(|machine| machine.state != "unknown");
        link.state == "up"
            && link.devices_online == 1
            && status.sinks[0].acked_messages > 3
            && has_state
            && status.bad_tags_total == Some(1)
            && status.samples.since_start.as_ref().is_some_and(|tally| tally.good > 0)
    };
    let status = wait_status(&socket, "a settled agent", is_settled);
    assert!(status.is_well && status.needs.is_empty(), "{:?}", status.needs);
    assert_eq!(status.agent.pid, agent.pid());
    assert_eq!(status.bad_tags[0].tag, "wrong");
    assert_eq!(status.machines[0].device, "press");
    assert!(status.machines[0].shift.is_some());
    let digest = Command::new("sha256sum").arg(&file).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap();
    assert_eq!(status.agent.config_sha256.as_deref(), digest.split_whitespace().next());
    let meta = fs::symlink_metadata(&socket).unwrap();
    assert!(
        meta.file_type().is_socket() && meta.permissions().mode() & 0o777 == 0o660,
        "{:o}",
        meta.permissions().mode()
    );

    // For people.
    let said = ask(&file, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in ["all is well", "plc", "1/1 devices", "press.wrong", "illegal", "cloud", "connected", "JOURNAL", "OEE"]
    {
        assert!(said.stdout.contains(words), "{words} is not in\n{}", said.stdout);
    }
    assert!(!said.stdout.contains('\x1b'), "no colours where nobody sees them");
    let said = ask(&file, &["--lang", "zh"]);
    assert!(said.stdout.contains("一切正常") && said.stdout.contains("在线 1/1"), "{}", said.stdout);
    let mut watching = Command::new(BINARY)
        .args(["status", "--watch", "--socket", socket.to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut page = BufReader::new(watching.stdout.take().unwrap());
    page.read_line(&mut String::new()).unwrap();
    drop(page); // as `head -1` does
    let ended = wait_for("the end of a page that nobody reads", || watching.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0), "the verdict's code");
    let by_socket = run_to_end(&["status", "--socket", socket.to_str().unwrap()]);
    assert_eq!(by_socket.code, Some(0), "{by_socket:?}");

    // For programs.
    let said = ask(&file, &["--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let schema = fs::read_to_string(Path::new(ROOT).join("docs/schema/status.json")).unwrap();
    let script = "import sys, json, jsonschema\nschema, document = json.load(sys.stdin)\n\
                  jsonschema.Draft202012Validator(schema).validate(document)\nprint('true')";
    assert_eq!(python(script, &format!("[{schema}, {}]", said.stdout)), true);

    // For Prometheus, by its own parser.
    let (head, text) = get(port, "/metrics");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    let script = "import sys, json\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as families\n\
                  print(json.dumps([[s.name, s.labels, s.value] for f in families(sys.stdin.read()) for s in f.samples]))";
    let samples = python(script, &text);
    let value = |name: &str, label: &str, of: &str| {
        let found =
            samples.as_array().unwrap().iter().find(|it| it[0] == name && (label.is_empty() || it[1][label] == of));
        found.unwrap_or_else(|| panic!("{name} {label} {of} is not in\n{text}"))[2].as_f64().unwrap()
    };
    assert_eq!(value("cloudward_build_info", "version", env!("CARGO_PKG_VERSION")), 1.0);
    assert_eq!(value("cloudward_link_up", "link", "plc"), 1.0);
    assert_eq!(value("cloudward_device_online", "device", "press"), 1.0);
    assert_eq!(value("cloudward_device_bad_tags", "device", "press"), 1.0);
    assert_eq!(value("cloudward_sink_connected", "sink", "cloud"), 1.0);
    assert!(value("cloudward_sink_acked_messages_total", "sink", "cloud") > 3.0);
    assert!(value("cloudward_samples_good_total", "", "") > 0.0);
    assert!(value("cloudward_journal_size_bytes", "", "") > 0.0);
    let (head, body) = get(port, "/health");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(serde_json::from_str::<Json>(&body).unwrap()["is_well"], true);
    for (request, answer) in [
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405"),
        ("HEAD /health HTTP/1.1\r\n\r\n", "HTTP/1.1 200"),
        ("\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400"),
    ] {
        assert!(http(port, request).0.starts_with(answer), "{request:?}");
    }
    let too_long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert!(http(port, &too_long).0.starts_with("HTTP/1.1 400"));

    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    assert!(!socket.exists(), "who ends properly takes the socket away");
}

#[test]
fn guests_who_say_nothing_or_nonsense_hold_nobody_up() {
    let dir = temp_dir();
    let dir = dir.path();
    let (plc, broker) = (Plc::libmodbus(dir, free_port(), 1), Mosquitto::start_in(dir, Setup::default()));
    let _agent = Agent::start(&workshop(dir, &plc, &broker, ""), dir);
    let socket = socket(dir);
    wait_status(&socket, "an answer", |_| true);
    let silent: Vec<UnixStream> = (0..7).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    assert!(exchange(&socket, "status\r\n").starts_with(r#"{"schema":"cloudward.status/1","at_ms""#));
    assert!(exchange(&socket, "what?\n").contains("\"error\""));
    assert!(
        exchange(&socket, &"x".repeat(64)).contains("\"error\""),
        "a line that never ends is answered at its limit"
    );
    drop(silent);
    let many: Vec<_> = (0..30)
        .map(|_| {
            let socket = socket.clone();
            std::thread::spawn(move || exchange(&socket, "status\n"))
        })
        .collect();
    for asked in many {
        let status: Status = serde_json::from_str(&asked.join().unwrap()).unwrap();
        assert_eq!(status.schema, "cloudward.status/1");
    }
}

#[test]
fn where_no_agent_answers_the_cause_is_told_and_what_the_last_run_left() {
    let dir = temp_dir();
    let dir = dir.path();
    let (plc, broker) = (Plc::libmodbus(dir, free_port(), 1), Mosquitto::start_in(dir, Setup::default()));
    let file = workshop(dir, &plc, &broker, "");
    let never = ask(&file, &[]);
    assert_eq!(never.code, Some(69), "{never:?}");
    assert!(never.stderr.contains("there is no socket") && never.stderr.contains("CW832"), "{never:?}");

    let mut agent = Agent::start(&file, dir);
    let socket = socket(dir);
    wait_status(&socket, "samples", |status| status.sinks[0].acked_messages > 0);
    agent.sigkill();
    let killed = ask(&file, &[]);
    assert_eq!(killed.code, Some(69));
    assert!(killed.stderr.contains("nobody listens") && killed.stdout.contains("not closed properly"), "{killed:?}");
    let json: Json = serde_json::from_str(&ask(&file, &["--json"]).stdout).unwrap();
    assert_eq!((&json["schema"], &json["error"]["code"]), (&"cloudward.status/1".into(), &"CW833".into()));
    assert_eq!(json["journal"]["high_water"]["is_closed"], false);

    // The socket that it left is in nobody's way.
    let mut agent = Agent::start(&file, dir);
    wait_status(&socket, "an answer of the next run", |status| status.agent.pid == agent.pid());
    if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0) {
        let stranger = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", BINARY, "status", "--socket"])
            .arg(&socket)
            .env("LANG", "C")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&stranger.stderr).into_owned();
        assert!(stranger.status.code() == Some(69) && said.contains("CW834"), "{said}");
    }
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    let ended = ask(&file, &["--lang", "zh"]);
    assert!(
        ended.stderr.contains("CW832") && ended.stderr.contains("没有在运行") && ended.stdout.contains("已正常关闭"),
        "{ended:?}"
    );
}

#[test]
fn a_disk_that_takes_nothing_needs_a_person_and_says_so_at_every_door() {
    let dir = temp_dir();
    let dir = dir.path();
    let (plc, broker) = (Plc::libmodbus(dir, free_port(), 1), Mosquitto::start_in(dir, Setup::default()));
    let port = free_port();
    let file = workshop(dir, &plc, &broker, &format!("persist = \"always\"\n[metrics]\nlisten = \"127.0.0.1:{port}\""));
    let fault = IoFault { calls: "write,sync", nth: 1, kind: "ENOSPC", once: false, from_start: false };
    let rig = Rig::new(&fault, &dir.join("state"), dir);
    let _agent = Agent::start_with(&file, dir, &rig.env());
    let socket = socket(dir);
    wait_status(&socket, "a healthy agent", |status| status.is_well && status.sinks[0].acked_messages > 0);
    rig.arm();
    let status = wait_status(&socket, "a need", |status| !status.is_well);
    assert_eq!(status.needs[0].code, "CW842", "{:?}", status.needs);
    let said = ask(&file, &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("NEEDS A PERSON") && said.stdout.contains("the disk takes nothing"),
        "{}",
        said.stdout
    );
    let (head, body) = get(port, "/health");
    assert!(head.starts_with("HTTP/1.1 503") && body.contains("CW842"), "{head}\n{body}");
    let (_, metrics) = get(port, "/metrics");
    assert!(metrics.contains("cloudward_journal_writable 0") && metrics.contains("cloudward_needs 1"), "{metrics}");
}

#[test]
fn a_reload_moves_the_metrics_and_shows_the_new_configuration_and_a_port_that_is_taken_costs_only_them() {
    let dir = temp_dir();
    let dir = dir.path();
    let (plc, broker) = (Plc::libmodbus(dir, free_port(), 1), Mosquitto::start_in(dir, Setup::default()));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (other, free) = (taken.local_addr().unwrap().port(), free_port());
    let with = |port: u16| workshop(dir, &plc, &broker, &format!("[metrics]\nlisten = \"127.0.0.1:{port}\""));
    let mut agent = Agent::start(&with(other), dir);
    agent.wait_log(0, &["CW831"]);
    let before = wait_status(&socket(dir), "an agent at work", |status| status.sinks[0].acked_messages > 0);
    with(free);
    agent.sighup();
    let after = wait_status(&socket(dir), "the new file", |now| now.agent.config_sha256 != before.agent.config_sha256);
    assert_eq!(after.agent.pid, before.agent.pid);
    agent.wait_log(0, &["metrics are served"]);
    assert!(get(free, "/metrics").0.starts_with("HTTP/1.1 200"));
    workshop(dir, &plc, &broker, "");
    agent.sighup();
    wait_for("the port to be left", || {
        TcpStream::connect_timeout(&([127, 0, 0, 1], free).into(), Duration::from_secs(1)).err()
    });
}

/// A build for small gateways says what to do instead. `script` lends it a terminal.
#[cfg(not(feature = "tui"))]
#[test]
fn a_build_without_the_live_view_says_what_to_do() {
    let watch = format!("{BINARY} status --watch --socket /nowhere");
    let output = Command::new("script").args(["-qec", &watch, "/dev/null"]).env("LANG", "C").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("watch -n 2 cloudward status") && said.contains("CW847"), "{said}");
}

/// The live view in a terminal that others made: tmux. It scrolls, ends with a key, gives the terminal back, and ends with the agent.
#[cfg(feature = "tui")]
#[test]
fn the_live_view_works_in_a_terminal_and_gives_it_back() {
    if !Path::new("/usr/bin/tmux").exists() {
        return eprintln!("tmux is not installed: the live view is not driven");
    }
    let dir = temp_dir();
    let dir = dir.path();
    let (plc, broker) = (Plc::libmodbus(dir, free_port(), 1), Mosquitto::start_in(dir, Setup::default()));
    let mut agent = Agent::start(&workshop(dir, &plc, &broker, ""), dir);
    let socket = socket(dir);
    wait_status(&socket, "an agent at work", |status| status.sinks[0].acked_messages > 0);
    let server = dir.join("tmux").display().to_string();
    let tmux = |args: &[&str]| {
        let output = Command::new("tmux").args(["-S", &server]).args(args).env("LANG", "C.UTF-8").output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let shell = ["new-session", "-d", "-x", "80", "-y", "24", "env", "PS1=ready ", "LANG=C.UTF-8", "sh"];
    tmux(&shell);
    let screen = |words: &str| {
        wait_for(&format!("{words} on the screen:\n{}", tmux(&["capture-pane", "-p"])), || {
            let text = tmux(&["capture-pane", "-p"]);
            text.contains(words).then_some(text)
        })
    };
    screen("ready");
    let watch = format!("{BINARY} status --watch --socket {}; echo ended $?", socket.display());
    tmux(&["send-keys", &watch, "Enter"]);
    let first = screen("q quit");
    assert!(first.contains("LINKS") && first.contains("all is well"), "{first}");
    tmux(&["send-keys", "End"]);
    screen("MACHINES");
    tmux(&["send-keys", "q"]);
    let after = screen("ended 0");
    assert!(after.contains("ready") && !after.contains("q quit"), "the terminal is as it was:\n{after}");
    tmux(&["send-keys", &watch, "Enter"]);
    screen("q quit");
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    let after = screen("ended 69");
    assert!(after.contains("CW832") && !after.contains("q quit"), "{after}");
    tmux(&["kill-server"]);
}
