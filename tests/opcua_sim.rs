//! `cloudward sim --opcua` as others meet it: asyncua's client, which was not written here, and the agent, each as a process of
//! its own.

#![cfg(all(feature = "demo", feature = "opcua"))]
#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use cloudward::journal::{Found, Journal, Limits, Reader, Settings};
use cloudward::model::{BootId, Reading, Timestamp, Value};
use common::agent::{Agent, BINARY, run_to_end};
use common::opcua::Talker;
use common::{prepared, signal, temp_dir, wait_for};
use serde_json::json;

const NAMESPACE: &str = "urn:cloudward:sim:imm";
const POLICIES: [&str; 3] = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"];

/// A running `cloudward sim --opcua`.
struct Sim {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it said until it listened: the sections that read it.
    said: String,
}

impl Sim {
    fn start(arguments: &[&str]) -> Sim {
        let mut command = Command::new(BINARY);
        command.args(["sim", "--opcua", "--port", "0", "--lang", "en"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("\n]\n") {
            assert!(out.read_line(&mut said).unwrap() > 0, "the simulator ended at once");
        }
        Sim { child, out, said }
    }

    /// What stands between two words of what it said.
    #[track_caller]
    fn word(&self, before: &str, after: &str) -> &str {
        let (_, rest) = self.said.split_once(before).unwrap_or_else(|| panic!("no {before} in\n{}", self.said));
        rest.split(after).next().unwrap()
    }

    fn url(&self) -> &str {
        self.word("opcua = \"", "\"")
    }

    fn password(&self) -> &str {
        self.word("password ", "\n")
    }

    /// The command that it names for whoever wants to trust the client that it has just turned away.
    #[track_caller]
    fn way_to_trust(&mut self) -> String {
        let mut line = String::new();
        while !line.starts_with("# turned away: ") {
            line.clear();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "the simulator ended");
        }
        line.split_once("To trust it:").unwrap().1.trim().to_owned()
    }

    fn stop(mut self) {
        signal(self.child.id(), "TERM");
        self.out.read_to_string(&mut self.said).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended
        self.child.wait().ok();
    }
}

fn visitor(dir: &Path) -> Talker {
    let mut command = Command::new(prepared("venv/bin/python"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/asyncua_client.py");
    command.arg(script).arg(dir).arg(NAMESPACE);
    Talker::start(command, &dir.join("client.log"))
}

#[track_caller]
fn ask(client: &mut Talker, line: &str) -> serde_json::Value {
    let answer = client.ask(line);
    assert!(!answer.starts_with("error"), "{line}: {answer}");
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn a_foreign_client_gets_in_with_the_password_alone_and_hears_every_change() {
    let dir = temp_dir();
    let sim = Sim::start(&["--trust-all"]);
    assert!(sim.said.contains("# WARNING: every client's certificate is trusted"), "{}", sim.said);
    let (mut client, url) = (visitor(dir.path()), sim.url());

    let offered = ask(&mut client, &format!("endpoints {url}"));
    let mut expected = BTreeSet::new();
    for policy in POLICIES {
        expected.extend(["Sign", "SignAndEncrypt"].map(|mode| json!([policy, mode, ["UserName"]]).to_string()));
    }
    let found: BTreeSet<String> = offered.as_array().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);

    for policy in POLICIES {
        for mode in ["Sign", "SignAndEncrypt"] {
            let way = format!("connect {url} {policy} {mode}");
            assert_eq!(ask(&mut client, &format!("{way} operator {}", sim.password())), "connected");
            assert_eq!(ask(&mut client, "read Jobs.ActiveJob.JobName")[0][0], "瓶盖28mm-白-2601");
            ask(&mut client, "disconnect");
            let wrong = client.ask(&format!("{way} operator wrong"));
            assert!(wrong.starts_with("error BadIdentityTokenRejected"), "{wrong}");
        }
    }
    let nobody = client.ask(&format!("connect {url} Basic256Sha256 SignAndEncrypt anonymous"));
    assert!(nobody.starts_with("error "), "{nobody}");

    ask(&mut client, &format!("connect {url} Aes256_Sha256_RsaPss SignAndEncrypt operator {}", sim.password()));
    let zone = "InjectionUnits.InjectionUnit_1.TemperatureZone_2.ActualTemperature";
    assert_eq!(ask(&mut client, &format!("read {zone}.EURange"))[0][0], json!({"Low": 0.0, "High": 400.0}));
    let temps = ask(&mut client, "read InjectionUnits.InjectionUnit_1.BarrelTemperatures");
    assert_eq!(temps[0][0].as_array().unwrap().len(), 4, "{temps}");
    assert_eq!(ask(&mut client, "read Nothing")[0][1], "BadNodeIdUnknown");
    assert_eq!(ask(&mut client, "read Scan")[0][0], 0, "nobody watches it");

    assert_eq!(
        ask(&mut client, &format!("subscribe 200 Scan {zone} Nothing")),
        json!(["Good", "Good", "BadNodeIdUnknown"])
    );
    let mut heard: Vec<u64> = Vec::new();
    wait_for("eight changes", || {
        let seen = ask(&mut client, "seen")["Scan"].clone();
        heard.extend(seen.as_array().into_iter().flatten().map(|value| value[0].as_u64().unwrap()));
        (heard.len() >= 9).then_some(())
    });
    assert_eq!(heard, (0..heard.len() as u64).collect::<Vec<_>>());
    ask(&mut client, "disconnect");
    sim.stop();
}

#[test]
fn a_client_is_turned_away_until_somebody_trusts_it() {
    let dir = temp_dir();
    let folder = dir.path().join("server");
    let mut sim = Sim::start(&["--pki", folder.to_str().unwrap()]);
    assert!(!sim.said.contains("WARNING"), "{}", sim.said);
    let mut client = visitor(dir.path());
    let way = format!("connect {} Basic256Sha256 SignAndEncrypt operator {}", sim.url(), sim.password());
    for _ in 0..2 {
        let refused = client.ask(&way);
        assert!(refused.starts_with("error "), "{refused}");
    }
    let trust = sim.way_to_trust();
    assert!(Command::new("sh").args(["-c", &trust]).status().unwrap().success(), "{trust}");
    assert_eq!(ask(&mut client, &way), "connected");
    ask(&mut client, "disconnect");
    sim.stop();
}

#[test]
fn nobody_in_particular_and_no_security_come_only_when_asked_for() {
    let dir = temp_dir();
    let sim = Sim::start(&["--anonymous", "--no-security"]);
    assert!(sim.said.contains("# WARNING: an endpoint without security"), "{}", sim.said);
    let mut client = visitor(dir.path());
    let offered = ask(&mut client, &format!("endpoints {}", sim.url()));
    let plain = json!(["None", "None", ["Anonymous"]]);
    let offered = offered.as_array().unwrap();
    assert!(offered.len() == 7 && offered.contains(&plain), "{offered:?}");
    assert_eq!(ask(&mut client, &format!("connect {} None None anonymous", sim.url())), "connected");
    assert_eq!(ask(&mut client, "read MachineStatus.MachineMode")[0][1], "Good");
    ask(&mut client, "disconnect");
    sim.stop();

    for wrong in [&["--opcua", "--no-security"][..], &["--anonymous"], &["--opcua", "--fault", "hung"]] {
        let ended = run_to_end(&[&["sim"], wrong].concat());
        assert_eq!(ended.code, Some(64), "{wrong:?}: {ended:?}");
    }
}

#[test]
fn the_agent_reads_it_with_what_it_prints_once_both_trust_each_other() {
    let dir = temp_dir();
    let (state, folder) = (dir.path().join("state"), dir.path().join("server"));
    fs::write(dir.path().join("password"), "Übung 密码\n").unwrap();
    let password_file = dir.path().join("password");
    let arguments = ["--pki", folder.to_str().unwrap(), "--password-file", password_file.to_str().unwrap()];
    let mut sim = Sim::start(&arguments);
    assert!(!sim.said.contains("密码"), "a password that is not new is not shown:\n{}", sim.said);
    let head = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n\
                commit_interval = \"100ms\"\n";
    let config = dir.path().join("workshop.toml");
    fs::write(
        &config,
        format!(
            "{head}{}",
            sim.said.replace("imm-02-link\"\nopcua", "imm-02-link\"\nretry = \"100ms\"\nretry_max = \"200ms\"\nopcua")
        ),
    )
    .unwrap();

    let mut agent = Agent::start(&config, dir.path());
    agent.wait_log(0, &["CW249"]); // nobody has pinned the server's certificate
    let told = sim.word("cloudward trust ", " FILE").split(' ');
    let trusted = run_to_end(&[&["trust"], &told.collect::<Vec<_>>()[..], &[config.to_str().unwrap()]].concat());
    assert_eq!(trusted.code, Some(0), "{trusted:?}");
    agent.wait_log(0, &["CW252"]); // the server does not trust us yet
    let trust = sim.way_to_trust();
    assert!(Command::new("sh").args(["-c", &trust]).status().unwrap().success(), "{trust}");
    let from = agent.log().len();
    agent.wait_log(from, &["link `imm-02-link` is connected"]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    agent.sigterm();
    assert!(agent.wait().success());
    sim.stop();

    let max_age = std::time::Duration::from_secs(86_400 * 365);
    let journal = wait_for("the journal of an agent that has ended", || {
        let settings = Settings { dir: state.clone(), limits: Limits { max_age, ..Limits::default() } };
        Journal::open(settings, BootId(1), Timestamp(0)).ok()
    });
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let mut heard = std::collections::BTreeMap::<String, Vec<Value>>::new();
    for record in reader.data_between(0, u64::MAX, 1_000, 1_000_000).unwrap().into_iter().filter_map(Found::record) {
        for scan in &record.scans {
            for (tag, reading) in record.group.tags.iter().zip(&scan.readings) {
                if let Some(Reading::Good(value)) = reading {
                    heard.entry(tag.name.to_string()).or_default().push(value.clone());
                }
            }
        }
    }
    assert_eq!(heard["job"], [Value::Text("瓶盖28mm-白-2601".into())]);
    let scans: Vec<f64> = heard["scan"].iter().filter_map(Value::as_f64).collect();
    assert!(scans.len() >= 3 && scans.windows(2).all(|pair| pair[1] == pair[0] + 1.0), "{scans:?}");
    assert!(heard.len() > 15, "{:?}", heard.keys());
}
