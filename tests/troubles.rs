//! Bad input and bad surroundings: each gives a clear sentence with its code, and never a panic. Also: secrets stay secret.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::agent::{Agent, run_to_end};
use common::broker::{Mosquitto, Setup, write_certificates};
use common::plc::Plc;
use common::receiver::Receiver;
use common::{free_port, temp_dir, wait_for};

const PASSWORD: &str = "correct-horse-battery";
/// sysexits.h: something is wrong with the configuration.
const EX_CONFIG: i32 = 78;

/// A small workshop whose sink section is `sink`.
fn workshop(dir: &Path, plc_port: u16, sink: &str) -> PathBuf {
    let text = format!(
        r#"[workshop]
enterprise = "huada"
id = "ws1"
name = "ws1"
timezone = "Asia/Shanghai"

[journal]
dir = "state"
commit_interval = "200ms"

[[link]]
name = "press"
modbus_tcp = "127.0.0.1:{plc_port}"

[[device]]
id = "press"
link = "press"
every = "100ms"
tags = [{{ name = "count", address = "holding:0", type = "u32" }}]

[[sink]]
name = "cloud"
send = ["*"]
{sink}
"#
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

fn plain(port: u16) -> String {
    format!("mqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true")
}

fn tls(dir: &Path, port: u16, ca: &Path, password: &str) -> String {
    let file = dir.join("password");
    fs::write(&file, password).unwrap();
    format!(
        "mqtt = \"mqtts://localhost:{port}\"\nca_file = \"{}\"\nuser = \"gateway\"\npassword_file = \"{}\"",
        ca.display(),
        file.display()
    )
}

#[track_caller]
fn no_panic(text: &str) {
    assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
}

/// Both `check` and `run` refuse the file, with each of `words`.
#[track_caller]
fn refused(file: &Path, words: &[&str]) {
    for command in ["check", "run"] {
        let ended = run_to_end(&[command, "--config", &file.display().to_string()]);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(EX_CONFIG), "{command}: {said}");
        for word in words {
            assert!(said.contains(word), "{command} does not say `{word}`:\n{said}");
        }
        no_panic(&said);
    }
}

#[test]
fn a_broken_file_ends_with_78_and_names_its_lines() {
    let dir = temp_dir();
    let file = workshop(dir.path(), 502, &plain(1883));
    let good = fs::read_to_string(&file).unwrap();
    let path = file.display().to_string();
    let line =
        |text: &str, start: &str| format!("line {}", text.lines().position(|l| l.starts_with(start)).unwrap() + 1);

    fs::write(&file, good.replace("[[link]]", "[[link")).unwrap();
    refused(&file, &["CW101", "line ", &path]);

    let text =
        good.replace("every = \"100ms\"", "every = \"often\"").replace("dir = \"state\"", "directory = \"state\"");
    fs::write(&file, &text).unwrap();
    refused(&file, &["CW102", "CW111", &line(&text, "every"), &line(&text, "directory"), &path]);

    fs::write(&file, good.replace("allow_plaintext = true", "")).unwrap();
    refused(&file, &["CW131"]);

    fs::write(&file, format!("{good}user = \"gateway\"\npassword = \"{PASSWORD}\"\n")).unwrap();
    refused(&file, &["CW133"]);
    let said = run_to_end(&["check", "--config", &path]);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains(PASSWORD), "the password is repeated");

    fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    refused(&file, &["CW152"]);
    fs::write(&file, "").unwrap();
    refused(&file, &["CW1"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = temp_dir();
    refused(&dir.path().join("nowhere.toml"), &["CW151", "nowhere.toml"]);
    refused(dir.path(), &["CW15"]);
}

#[test]
fn a_good_file_passes_the_check() {
    let dir = temp_dir();
    let file = workshop(dir.path(), 502, &plain(1883));
    let ended = run_to_end(&["check", "--config", &file.display().to_string()]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("press") && ended.stdout.contains("cloud"), "{}", ended.stdout);
    assert!(!dir.path().join("state").exists(), "a check leaves no traces");
}

#[test]
fn a_directory_that_cannot_be_written_is_named_with_its_remedy() {
    let dir = temp_dir();
    // A file where the directory should be refuses root too; permission bits would not.
    fs::write(dir.path().join("occupied"), "").unwrap();
    let file = workshop(dir.path(), free_port(), &plain(free_port()));
    let text = fs::read_to_string(&file).unwrap().replace("\"state\"", "\"occupied/state\"");
    fs::write(&file, text).unwrap();
    let ended = run_to_end(&["run", "--config", &file.display().to_string()]);
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    assert!(ended.stderr.contains("occupied") && ended.stderr.contains("CW3"), "{}", ended.stderr);
    no_panic(&ended.stderr);
}

#[test]
fn a_broker_that_does_not_answer_is_named_while_collection_goes_on() {
    let dir = temp_dir();
    let plc = Plc::libmodbus(dir.path(), free_port(), 1);
    let port = free_port();
    let mut agent = Agent::start(&workshop(dir.path(), plc.port, &plain(port)), dir.path());
    let said = agent.wait_log(0, &["CW422"]);
    assert!(said.contains(&port.to_string()), "{said}");
    wait_for("collection to go on", || (plc.answered().len() > 20).then_some(()));
    assert!(agent.is_running());
    let repeated = agent.log().lines().filter(|line| line.contains("CW422")).count();
    assert_eq!(repeated, 1, "a repetition is no transition:\n{}", agent.log());
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    no_panic(&agent.log());
}

/// Starts an agent against `sink`, expects `code` in its log and nothing at the receiver.
#[track_caller]
fn turned_away(dir: &Path, broker: &Mosquitto, sink: &str, code: &str) {
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut agent = Agent::start(&workshop(dir, free_port(), sink), dir);
    agent.wait_log(0, &[code]);
    assert!(agent.is_running());
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    no_panic(&agent.log());
    assert!(receiver.messages().is_empty(), "something left: {:?}", receiver.messages());
    fs::remove_dir_all(dir.join("state")).ok(); // the next agent starts afresh
}

#[test]
fn a_broker_that_cannot_be_trusted_or_does_not_trust_us_gets_nothing() {
    let dir = temp_dir();
    let dir = dir.path();
    let setup = Setup { tls: true, login: Some(("gateway", PASSWORD)), ..Setup::default() };
    let broker = Mosquitto::start_in(dir, setup);
    let other = dir.join("other");
    fs::create_dir(&other).unwrap();
    write_certificates(&other);
    let port = broker.agent_port;
    turned_away(dir, &broker, &tls(dir, port, &other.join("ca.crt"), PASSWORD), "CW432");
    turned_away(dir, &broker, &tls(dir, port, &broker.ca_file(), "wrong"), "CW44");
    turned_away(dir, &broker, &tls(dir, broker.plain_port, &broker.ca_file(), PASSWORD), "CW4");
}

#[test]
fn the_password_is_seen_nowhere() {
    let dir = temp_dir();
    let dir = dir.path();
    let setup = Setup { tls: true, login: Some(("gateway", PASSWORD)), ..Setup::default() };
    let mut broker = Mosquitto::start_in(dir, setup);
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let receiver = Receiver::start(broker.plain_port, dir);
    let file = workshop(dir, plc.port, &tls(dir, broker.agent_port, &broker.ca_file(), PASSWORD));

    let checked = run_to_end(&["check", "--config", &file.display().to_string()]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(!format!("{}{}", checked.stdout, checked.stderr).contains(PASSWORD));

    // At the most talkative level, through a login that works, one that fails and a loss in between.
    let mut agent = Agent::start_with(&file, dir, &[("CLOUDWARD_LOG", "trace")]);
    receiver.wait_for("data", |m| m.topic.ends_with("/data"));
    let before = agent.log().len();
    broker.kill();
    agent.wait_log(before, &["CW4"]);
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    assert!(!agent.log().contains(PASSWORD), "the password is in the log");
    assert!(!agent.log().contains("correct-horse"), "part of the password is in the log");
    let found = Command::new("grep").args(["-rl", PASSWORD]).arg(dir.join("state")).output().unwrap();
    assert!(found.stdout.is_empty(), "the journal holds the password: {}", String::from_utf8_lossy(&found.stdout));
}

#[test]
fn a_secret_that_is_missing_is_named_without_its_content() {
    let dir = temp_dir();
    let sink = format!("{}\nuser = \"gateway\"\npassword_file = \"nowhere/password\"", plain(free_port()));
    let file = workshop(dir.path(), free_port(), &sink);
    let mut agent = Agent::start(&file, dir.path());
    let said = wait_for("a word about the secret", || {
        let log = agent.log();
        (log.contains("CW401") || !agent.is_running()).then_some(log)
    });
    assert!(said.contains("CW401") && said.contains("nowhere/password"), "{said}");
    no_panic(&said);
}
