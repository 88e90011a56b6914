//! Zero phone-home: in a network namespace where every packet is captured, with names that must be looked up, the agent and its commands
//! talk to the configured links and sinks, to the name server about their names, and to nobody else; and nothing of it listens.
//!
//! 30 seconds, of which the broker is away for a part; CLOUDWARD_CAPTURE_SECONDS=600 for the ten minutes before a release.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::agent::{Agent, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::capture::{Capture, STRANGER, Seen, in_a_namespace_with};
use common::plc::{LADDER, Plc};
use common::{free_port, temp_dir, wait_for};

/// Where the name server of this test listens, in the namespace alone.
const NAME_SERVER: &str = "127.0.0.53:53";

/// A machine that is configured and switched off; nobody's address (RFC 5737).
const OFF: &str = "198.51.100.7";

fn seconds() -> u64 {
    std::env::var("CLOUDWARD_CAPTURE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

#[track_caller]
fn in_a_namespace(test: &str) {
    let dir = temp_dir();
    let file = dir.path().join("resolv.conf");
    fs::write(&file, "nameserver 127.0.0.53\noptions timeout:1\n").unwrap();
    in_a_namespace_with(test, Some(&file));
}

#[test]
fn nobody_is_talked_to_who_is_not_configured() {
    in_a_namespace("inside::nobody_is_talked_to_who_is_not_configured");
}

#[test]
fn somebody_who_is_configured_beside_would_be_seen() {
    in_a_namespace("inside::somebody_who_is_configured_beside_would_be_seen");
}

/// Answers A questions for names below `factory.test`, and says of all others that they do not exist.
fn name_server() {
    let socket = UdpSocket::bind(NAME_SERVER).unwrap();
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            let query = &query[..length];
            let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
            let (name, kind) = (String::from_utf8_lossy(&query[12..end - 4]).into_owned(), query[end - 3]);
            let is_known = name.contains("factory\u{4}test");
            let address = if name.contains("off") { OFF } else { "127.0.0.1" };
            let octets: Vec<u8> = address.split('.').map(|part| part.parse().unwrap()).collect();
            let mut answer = query[..end].to_vec();
            let answers = u8::from(is_known && kind == 1);
            answer[2..12].copy_from_slice(&[0x81, if is_known { 0x80 } else { 0x83 }, 0, 1, 0, answers, 0, 0, 0, 0]);
            if answers == 1 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]); // the name above, A, IN, for a second
                answer.extend(octets);
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
}

fn workshop(dir: &Path, broker: u16, plc: u16, more: &str) -> PathBuf {
    let text = format!(
        "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n\
         [[link]]\nname = \"plc\"\nmodbus_tcp = \"plc.factory.test:{plc}\"\n\
         [[link]]\nname = \"off\"\nmodbus_tcp = \"off.factory.test:502\"\n\
         [[device]]\nid = \"imm-01\"\nlink = \"plc\"\nevery = \"100ms\"\ntags = [{{ name = \"count\", {} }}]\n\
         [[device]]\nid = \"imm-02\"\nlink = \"off\"\ntags = [{{ name = \"count\", {} }}]\n\
         [[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://broker.factory.test:{broker}\"\nallow_plaintext = true\nsend = [\"*\", \"events\", \"indicators\"]\n{more}",
        LADDER[0].toml, LADDER[0].toml
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

/// TCP ports on which somebody listens in this namespace.
fn listening() -> BTreeSet<u16> {
    let table =
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|file| fs::read_to_string(file).unwrap_or_default()).concat();
    let port = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_listening = words.get(3) == Some(&"0A"); // TCP_LISTEN
        is_listening.then(|| u16::from_str_radix(words[1].rsplit(':').next().unwrap(), 16).unwrap())
    };
    table.lines().filter_map(port).collect()
}

/// Runs the agent for so long, with the broker away for a part of it, and the commands that a person would type beside it.
/// Gives what the capture saw, and whom the configuration names.
fn observe(more: &str, lasting: Duration) -> (Seen, BTreeSet<String>) {
    name_server();
    let dir = temp_dir();
    let dir = dir.path();
    let mut broker = Mosquitto::start_in(dir, Setup::default());
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let before = listening();
    let config = workshop(dir, broker.agent_port, plc.port, more);
    let capture = Capture::start(dir);
    let began = Instant::now();
    let mut agent = Agent::start(&config, dir);
    agent.wait_log(0, &["is connected to broker.factory.test"]);
    wait_for("scans", || (plc.answered().len() > 20).then_some(()));
    assert_eq!(listening(), before, "the agent listens");
    let file = config.to_str().unwrap();
    for command in [
        &["check", "--config", file][..],
        &["egress", "--config", file],
        &["journal", "status", "--config", file],
        &["ledger", "--config", file],
        &["unit", "--config", file],
        &["explain", "CW204"],
        &["--version"],
    ] {
        let ended = run_to_end(command);
        // The ledger of the first minute is empty, which it says.
        assert!([Some(0), Some(69)].contains(&ended.code), "{command:?}: {ended:?}");
    }
    while began.elapsed() < lasting / 3 {
        std::thread::sleep(Duration::from_millis(100));
    }
    broker.stop();
    while began.elapsed() < lasting / 2 {
        std::thread::sleep(Duration::from_millis(100));
    }
    broker.start();
    agent.sighup();
    while began.elapsed() < lasting {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(listening(), before, "the agent listens");
    agent.sigterm();
    assert!(agent.wait().success(), "{}", agent.log());
    // The capture must be able to see somebody who calls a stranger.
    UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"x", STRANGER).unwrap();
    let seen = capture.end(broker.agent_port);
    let ports = [broker.agent_port, broker.plain_port, plc.port].map(|port| format!("127.0.0.1:{port}"));
    let home = ports.into_iter().chain([format!("{OFF}:502"), NAME_SERVER.to_owned()]).collect();
    (seen, home)
}

/// What needs the namespace. `in_a_namespace` runs it.
mod inside {
    use super::*;

    #[test]
    #[ignore = "the test of the same name runs it, in a network namespace"]
    fn nobody_is_talked_to_who_is_not_configured() {
        let (seen, home) = observe("", Duration::from_secs(seconds()));
        let flows = seen.flows();
        let strangers: Vec<&str> = flows.iter().copied().filter(|to| !home.contains(*to)).collect();
        assert_eq!(strangers, [STRANGER], "somebody called others, or the capture does not see it");
        for to in [NAME_SERVER.to_owned(), format!("{OFF}:502")] {
            assert!(flows.contains(to.as_str()), "{to} was to be called: {flows:?}");
        }
        assert_eq!(
            seen.lookups().into_iter().collect::<Vec<_>>(),
            ["broker.factory.test", "off.factory.test", "plc.factory.test"]
        );
        assert!(seen.messages().len() > 10);
    }

    #[test]
    #[ignore = "the test of the same name runs it, in a network namespace"]
    fn somebody_who_is_configured_beside_would_be_seen() {
        let more = "[[sink]]\nname = \"other\"\nmqtt = \"mqtt://other.factory.test:1\"\nallow_plaintext = true\nsend = [\"*\"]\n\
                    [[link]]\nname = \"third\"\nmodbus_tcp = \"203.0.113.9:502\"\n\
                    [[device]]\nid = \"imm-03\"\nlink = \"third\"\ntags = [{ name = \"a\", address = \"40001\", type = \"u16\" }]\n";
        let (seen, home) = observe(more, Duration::from_secs(3));
        let strangers: Vec<&str> = seen.flows().into_iter().filter(|to| !home.contains(*to)).collect();
        assert_eq!(strangers, ["127.0.0.1:1", STRANGER, "203.0.113.9:502"]);
        assert!(seen.lookups().contains("other.factory.test"));
    }
}
