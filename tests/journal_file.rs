//! `cloudward journal` on a real agent's journal: what it shows beside the running agent, and the way of a file from a site without a
//! line to a broker, where `cloudward verify` proves that it is whole.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use common::account::Account;
use common::agent::{Agent, BINARY, Ended, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::receiver::Receiver;
use common::{free_port, temp_dir, wait_for};

/// A workshop with one machine that is switched off: each scan gives a reading that says so. `send` of its one sink, whose broker
/// listens at `port` or does not.
fn gateway(dir: &Path, port: u16, send: &str) -> PathBuf {
    let text = format!(
        "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\nname = \"一车间\"\ntimezone = \"Asia/Shanghai\"\n\
         [journal]\ndir = \"state\"\ncommit_interval = \"200ms\"\n\
         [[link]]\nname = \"off\"\nmodbus_tcp = \"127.0.0.1:1\"\nretry = \"100ms\"\n\
         [[device]]\nid = \"m\"\nlink = \"off\"\nevery = \"100ms\"\ntags = [\n\
             {{ name = \"a\", address = \"40001\", type = \"u16\", unit = \"°C\" }}, {{ name = \"b\", address = \"40002\", type = \"u16\" }}]\n\
         [[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true\nsend = [{send}]\n"
    );
    fs::create_dir_all(dir).unwrap();
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

/// Another machine with a line, and a workshop of its own.
fn office(dir: &Path, port: u16) -> PathBuf {
    let text = format!(
        "[workshop]\nenterprise = \"huada\"\nid = \"office\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n\
         [[sink]]\nname = \"up\"\nmqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true\nsend = [\"events\"]\n"
    );
    fs::create_dir_all(dir).unwrap();
    let file = dir.join("office.toml");
    fs::write(&file, text).unwrap();
    file
}

fn journal(config: &Path, args: &[&str]) -> Ended {
    run_to_end(&[&["journal"], args, &["--config", config.to_str().unwrap()]].concat())
}

fn status(config: &Path) -> Json {
    let ended = journal(config, &["status", "--json"]);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
}

/// Samples of the data stream in the file.
fn samples(config: &Path) -> u64 {
    status(config)["streams"][0]["samples"].as_u64().unwrap()
}

#[track_caller]
fn check(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for word in words {
        assert!(said.contains(word), "{word} in\n{said}");
    }
}

fn fingerprint(config: &Path) -> String {
    let ended = journal(config, &["key"]);
    ended.stdout.lines().find_map(|line| line.strip_prefix("fingerprint  ")).unwrap().to_owned()
}

/// An agent that ran a while without a broker, and was stopped.
fn recorded(dir: &Path, send: &str, at_least: u64) -> PathBuf {
    let config = gateway(dir, free_port(), send);
    let mut agent = Agent::start(&config, dir);
    agent.wait_log(0, &["cloudward runs"]);
    wait_for("samples in the journal", || (samples(&config) >= at_least).then_some(()));
    agent.sigterm();
    assert!(agent.wait().success());
    config
}

#[test]
fn a_journal_is_looked_into_beside_the_agent_and_without_it() {
    let dir = temp_dir();
    let dir = dir.path();
    let config = gateway(dir, free_port(), "\"*\", \"events\"");
    check(&journal(&config, &["status"]), 73, &["[CW810]"]);
    let mut agent = Agent::start(&config, dir);
    agent.wait_log(0, &["cloudward runs"]);
    wait_for("samples in the journal", || (samples(&config) >= 20).then_some(()));
    let seen = status(&config);
    assert_eq!(seen["agent_pid"].as_u64(), Some(u64::from(agent.pid())), "{seen}");
    let sink = seen["sinks"].as_array().unwrap().iter().find(|sink| sink["stream"] == "data");
    assert!(sink.is_none_or(|sink| sink["records"].as_u64() > Some(0)), "{seen}");
    check(&journal(&config, &["status"]), 0, &["the agent works on it (process", "position", "high-water mark"]);
    check(&journal(&config, &["forget-sink", "nobody", "--yes"]), 64, &["[CW811]"]);
    agent.sigterm();
    agent.wait();
    let zh = run_to_end(&["journal", "status", "--lang", "zh", "--config", config.to_str().unwrap()]);
    check(&zh, 0, &["没有采集程序在使用", "去向 cloud，样本：已送到序号 0", "条记录"]);
    assert_eq!(status(&config)["high_water"]["is_closed"], true);
}

#[test]
fn a_sink_is_forgotten_only_when_it_is_not_configured_and_no_agent_runs() {
    let dir = temp_dir();
    let config = recorded(dir.path(), "\"*\"", 10);
    check(&journal(&config, &["forget-sink", "cloud", "--yes"]), 73, &["[CW812]"]);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("name = \"cloud\"", "name = \"other\"")).unwrap();
    check(&journal(&config, &["forget-sink", "cloud"]), 64, &["Sink cloud has not got", "[CW814]"]);
    let ended = journal(&config, &["forget-sink", "cloud", "--yes"]);
    check(&ended, 0, &["Sink cloud has not got", "No other sink has a place there", "Forgotten: sink cloud"]);
    assert_eq!(status(&config)["sinks"], serde_json::json!([]));
    check(&journal(&config, &["quarantine"]), 0, &["Nothing is in quarantine"]);
}

#[test]
fn a_file_goes_from_a_site_without_a_line_to_a_broker_and_is_whole_there() {
    let dir = temp_dir();
    let dir = dir.path();
    let site = recorded(&dir.join("site"), "\"m.a\", \"events\"", 40);
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let office = office(&dir.join("office"), broker.agent_port);
    let stick = dir.join("stick.courier");
    let stick = stick.to_str().unwrap();

    let ended = journal(&site, &["export", "--sink", "cloud", "-o", stick]);
    check(
        &ended,
        0,
        &["Written to", "only what sink cloud may send: m.a, events", "NOT encrypted", "signed; fingerprint"],
    );
    check(&journal(&site, &["export", "--sink", "cloud", "-o", stick]), 73, &["[CW643]"]);
    let log = fs::read_to_string(dir.join("site/state/exports.jsonl")).unwrap();
    let note: Json = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!((&note["sink"], &note["devices"]), (&Json::from("cloud"), &serde_json::json!(["m"])), "{note}");

    // Whom nobody trusts delivers nothing.
    check(&journal(&office, &["import", stick, "--sink", "up"]), 76, &["[CW823]", &fingerprint(&site)]);
    check(&journal(&office, &["import", stick]), 76, &["whole, and signed by who calls itself huada/ws1", "[CW823]"]);
    let other = "0000-0000-0000-0000-0000-0000-0000-0000";
    check(&journal(&office, &["import", stick, "--sink", "up", "--trust", other]), 76, &["[CW823]"]);
    assert!(receiver.messages().is_empty());

    check(&journal(&office, &["import", stick, "--sink", "up", "--trust", &fingerprint(&site)]), 0, &["Delivered:"]);
    let delivered = receiver.messages();
    let data: Vec<_> = delivered.iter().filter(|message| message.topic == "cloudward/huada/ws1/m/data").collect();
    assert!(data.len() >= 10, "{} data messages", data.len());
    assert!(data.iter().all(|message| !message.text().contains("\"b\"")), "a tag that may not leave was in the file");
    let birth = delivered.iter().find(|message| message.topic == "cloudward/huada/ws1/m/birth").unwrap();
    assert!(birth.text().contains("°C"));
    let account = Account::of(delivered.iter().map(|m| (m.topic.as_str(), m.payload.as_slice())));
    assert_eq!((account.broken.len(), account.duplicates), (0, 0), "{:?}", account.broken);

    // Once more by mistake: nothing is sent; on purpose: duplicates, each with its identity, and the proof still holds.
    check(&journal(&office, &["import", stick, "--sink", "up"]), 0, &["[CW807]"]);
    assert_eq!(receiver.messages().len(), delivered.len());
    check(&journal(&office, &["import", stick, "--sink", "up", "--again"]), 0, &["Delivered:"]);
    assert_eq!(receiver.messages().len(), 2 * delivered.len());
    let capture: String =
        receiver.messages().iter().map(|message| format!("{} {}\n", message.topic, message.text())).collect();
    let path = dir.join("capture.txt");
    fs::write(&path, capture).unwrap();
    let proven = run_to_end(&["verify", "--json", "--capture", path.to_str().unwrap()]);
    let report: Json = serde_json::from_str(&proven.stdout).unwrap();
    assert_eq!((proven.code, &report["streams"][0]["duplicates"]), (Some(0), &Json::from(data.len())), "{report}");

    // The line comes at last: the agent sends what it has, which the receiver has already, and goes on behind it without a gap.
    let text = fs::read_to_string(&site).unwrap();
    let line = text.lines().find(|line| line.starts_with("mqtt = ")).unwrap();
    fs::write(&site, text.replace(line, &format!("mqtt = \"mqtt://127.0.0.1:{}\"", broker.agent_port))).unwrap();
    let mut agent = Agent::start(&site, &dir.join("site"));
    let last = report["streams"][0]["last"].as_u64().unwrap();
    wait_for("data behind the file", || {
        let books = Account::of(receiver.messages().iter().map(|m| (m.topic.as_str(), m.payload.as_slice())));
        books.deliveries.last().is_some_and(|delivery| delivery.seq > last + 5).then_some(())
    });
    agent.sigterm();
    agent.wait();
    let messages = receiver.messages();
    let account = Account::of(messages.iter().map(|m| (m.topic.as_str(), m.payload.as_slice())));
    assert_eq!(account.broken, Vec::<String>::new());
    assert!(account.duplicates >= 2 * data.len(), "{} duplicates of {}", account.duplicates, data.len());
}

#[test]
fn an_import_that_is_broken_off_goes_on_where_it_stopped() {
    let dir = temp_dir();
    let dir = dir.path();
    let site = recorded(&dir.join("site"), "\"*\"", 40);
    let stick = dir.join("stick.courier");
    let stick = stick.to_str().unwrap();
    check(&journal(&site, &["export", "-o", stick]), 0, &["EVERYTHING that the journal holds"]);
    let mut broker = Mosquitto::start_in(dir, Setup::default());
    let office = office(&dir.join("office"), broker.agent_port);
    let trust = fingerprint(&site);
    check(&journal(&office, &["import", stick, "--sink", "up", "--trust", &trust]), 77, &["[CW827]"]);
    broker.kill();
    let import = ["import", stick, "--sink", "up", "--all", "--trust", &trust];
    check(&journal(&office, &import), 69, &["[CW422]", "0 of", "[CW805]"]);
    broker.start();
    let receiver = Receiver::start(broker.plain_port, dir);
    check(&journal(&office, &import), 0, &["Delivered:"]);
    let total = receiver.messages().len();
    // As if it had been broken off behind the fifth message.
    let notes: Vec<_> =
        fs::read_dir(dir.join("office/state/couriers")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(fs::read_to_string(&notes[0]).unwrap(), format!("{total} {total}\n"));
    fs::write(&notes[0], format!("5 {total}\n")).unwrap();
    check(&journal(&office, &import), 0, &["Delivered:"]);
    assert_eq!(receiver.messages().len(), 2 * total - 5);
}

#[test]
fn rows_for_people_and_programs_hold_what_the_journal_holds() {
    let dir = temp_dir();
    let dir = dir.path();
    let site = recorded(dir, "\"m.a\"", 20);
    let all = samples(&site) as usize;
    let lines = journal(&site, &["export", "--format", "jsonl", "-o", "-"]).stdout;
    let rows: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let readings: Vec<_> = rows.iter().filter(|row| row.get("tag").is_some()).collect();
    assert_eq!(readings.len(), all);
    assert!(
        readings.iter().all(|row| row["device"] == "m" && row["quality"] == "bad" && row["why"].is_string()),
        "{lines}"
    );
    assert!(rows.iter().any(|row| row["event"]["event"] == "started"));

    let csv = dir.join("rows.csv");
    let ended = journal(&site, &["export", "--format", "csv", "--sink", "cloud", "-o", csv.to_str().unwrap()]);
    check(&ended, 0, &["Written to"]);
    let text = fs::read_to_string(&csv).unwrap();
    assert!(text.starts_with("\u{feff}time 时间,device 设备,") && text.ends_with("\r\n"), "{text}");
    assert_eq!(text.lines().count() - 1, all / 2, "of two tags, one may leave");

    let none =
        journal(&site, &["export", "--format", "jsonl", "--from", "2020-01-01", "--to", "2020-01-02", "-o", "-"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    check(&journal(&site, &["export", "--from", "gestern", "-o", "x"]), 64, &["[CW826]"]);
    check(&journal(&site, &["export", "-o", "-"]), 64, &["[CW824]"]);
    let file = dir.join("all.courier");
    check(&journal(&site, &["export", "-o", file.to_str().unwrap()]), 0, &[]);
    let trust = fingerprint(&site);
    let printed = run_to_end(&["journal", "import", file.to_str().unwrap(), "--jsonl", "--trust", &trust]);
    assert_eq!(printed.stdout.lines().count(), all, "{printed:?}");
}

#[test]
fn an_encrypted_file_is_opened_by_its_recipient_alone() {
    let dir = temp_dir();
    let dir = dir.path();
    let site = recorded(dir, "\"*\"", 10);
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let made = run_to_end(&["journal", "identity", "-o", &path("office.key")]);
    let recipient = made.stdout.split_whitespace().find(|word| word.starts_with("age1")).unwrap().to_owned();
    run_to_end(&["journal", "identity", "-o", &path("other.key")]);
    check(&journal(&site, &["export", "-o", &path("x"), "--recipient", "age1x"]), 64, &["[CW825]"]);
    let ended = journal(&site, &["export", "-o", &path("sealed"), "--recipient", &recipient]);
    check(&ended, 0, &["encrypted for 1 recipients"]);
    let bytes = fs::read(path("sealed")).unwrap();
    assert!(!bytes.windows(5).any(|window| window == b"huada"), "something can be read");
    let trust = fingerprint(&site);
    let import = |more: &[&str]| {
        let sealed = path("sealed");
        run_to_end(&[&["journal", "import", &sealed, "--trust", &trust], more].concat())
    };
    check(&import(&[]), 65, &["[CW818]"]);
    check(&import(&["--identity", &path("other.key")]), 65, &["[CW819]"]);
    check(&import(&["--identity", &path("workshop.toml")]), 64, &["[CW829]"]);
    check(&import(&["--identity", &path("office.key")]), 0, &["whole, and signed by"]);

    // What happens to memory sticks.
    fs::write(path("sealed"), &bytes[..bytes.len() - 1]).unwrap();
    check(&import(&["--identity", &path("office.key")]), 65, &["[CW820]"]);
    fs::write(path("plain"), "a letter that is not a courier file").unwrap();
    check(&run_to_end(&["journal", "import", &path("plain")]), 65, &["[CW816]"]);
    check(&run_to_end(&["journal", "import", &path("missing")]), 73, &["[CW824]"]);
    let zh = run_to_end(&["journal", "import", &path("plain"), "--lang", "zh"]);
    check(&zh, 65, &["不是信使文件"]);
    assert!(Path::new(BINARY).exists());
}
