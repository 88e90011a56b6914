//! The sample ledger of the real agent: `cloudward ledger` against counts that are made from the messages that a receiver got, through
//! a link that is cut, a device that is slow, a kill, a reload, a standing value, and an hour that ends.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::account::{Account, Got};
use common::agent::{Agent, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::plc::{LADDER, Plc};
use common::receiver::Receiver;
use common::{free_port, temp_dir, wait_for};
use serde_json::Value as Json;

/// Of every device here.
const PERIOD: Duration = Duration::from_millis(200);
const TAGS: u64 = LADDER.len() as u64;

/// A PLC behind a gate, a broker with a receiver, and the file of an agent between them.
struct Site {
    dir: tempfile::TempDir,
    plc: Plc,
    gate: Gate,
    broker: Mosquitto,
    receiver: Receiver,
}

impl Site {
    fn new() -> Site {
        let dir = temp_dir();
        let plc = Plc::pymodbus(dir.path(), free_port());
        let mut gate = Gate::before(plc.port);
        gate.open();
        let broker = Mosquitto::start_in(dir.path(), Setup::default());
        let receiver = Receiver::start(broker.plain_port, dir.path());
        let site = Site { dir, plc, gate, broker, receiver };
        site.write(&[&site.ladder()]);
        site
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("workshop.toml")
    }

    fn write(&self, devices: &[&str]) {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
             [journal]\ndir = \"state\"\ncommit_interval = \"200ms\"\n\
             [[link]]\nname = \"plc\"\nmodbus_tcp = \"127.0.0.1:{}\"\ntimeout = \"10s\"\nretry = \"100ms\"\nretry_max = \"300ms\"\n\
             {}\n[[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{}\"\nallow_plaintext = true\nsend = [\"*\", \"events\"]\n",
            self.gate.port(),
            devices.join("\n"),
            self.broker.agent_port,
        );
        fs::write(self.config(), text).unwrap();
    }

    fn ladder(&self) -> String {
        let tag = |rung: &common::plc::Rung| format!("{{ name = \"{}\", {} }}", rung.name, rung.toml);
        let tags = LADDER.iter().map(tag).collect::<Vec<_>>().join(", ");
        format!("[[device]]\nid = \"a\"\nlink = \"plc\"\nevery = \"200ms\"\ntags = [{tags}]")
    }

    fn start(&self) -> Agent {
        let agent = Agent::start(&self.config(), self.dir.path());
        let before = self.values("a");
        wait_for("values", || (self.values("a") > before).then_some(()));
        agent
    }

    fn stop(&self, agent: &mut Agent) {
        agent.sigterm();
        assert!(agent.wait().success(), "{}", agent.log());
        self.receiver.stands(); // what came before has arrived
    }

    fn account(&self) -> Account {
        let messages = self.receiver.messages();
        Account::of(messages.iter().map(|m| (m.topic.as_str(), m.payload.as_slice())))
    }

    /// Values of a device that arrived.
    fn values(&self, device: &str) -> u64 {
        self.counted(device).remove("values").unwrap_or(0)
    }

    /// What arrived of a device: values, and readings without one by their causes.
    fn counted(&self, device: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for ((of, _), readings) in &self.account().readings {
            for (_, got) in readings.iter().filter(|_| of == device) {
                let what = match got {
                    Got::Value(_) => "values",
                    Got::Bad(why) => why.as_str(),
                };
                *counts.entry(what.to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// The line of a device, which must close.
    #[track_caller]
    fn line(&self, device: &str) -> Json {
        let line = self.ledger(&[])["rows"].as_array().unwrap().iter().find(|row| row["device"] == device).cloned();
        let line = line.unwrap_or_else(|| panic!("no line of {device}"));
        closes(&line);
        line
    }

    #[track_caller]
    fn ledger(&self, args: &[&str]) -> Json {
        let config = self.config();
        let args: Vec<&str> = ["ledger", "--json", "--from", "yesterday", "--config", config.to_str().unwrap()]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let ended = run_to_end(&args);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let page: Json = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(page["closes"], true, "{page:#}");
        page
    }
}

/// Independently of the program: the counts of a line add up.
#[track_caller]
fn closes(line: &Json) {
    let sum = |causes: &Json| causes.as_object().map_or(0, |all| all.values().map(|n| n.as_u64().unwrap()).sum());
    let counts = ["good", "uncertain", "late"].iter().map(|what| count(line, what)).sum::<u64>();
    assert_eq!(count(line, "expected"), counts + sum(&line["bad"]) + sum(&line["lost"]), "{line:#}");
}

fn count(line: &Json, what: &str) -> u64 {
    let value = what.split('.').fold(line, |value, part| &value[part]);
    value.as_u64().unwrap_or(0)
}

/// As many as fit into that time, but for a start or two and for what a busy test machine delays.
#[track_caller]
fn about(samples: u64, time: Duration, tags: u64) {
    let slots = time.as_millis() as u64 / PERIOD.as_millis() as u64;
    let range = (slots.saturating_sub(10) * tags)..=((slots + 3) * tags);
    assert!(range.contains(&samples), "{samples} samples are not {range:?}");
}

/// The ledger's values and causes are those that arrived.
#[track_caller]
fn agrees(line: &Json, mut arrived: BTreeMap<String, u64>) {
    let values = ["good", "uncertain", "late"].iter().map(|what| count(line, what)).sum::<u64>();
    assert_eq!(values, arrived.remove("values").unwrap_or(0), "{line:#}");
    let bad: BTreeMap<String, u64> = serde_json::from_value(line["bad"].clone()).unwrap_or_default();
    assert_eq!(bad, arrived, "{line:#}");
}

#[test]
fn a_link_that_was_cut_has_bad_readings_by_cause_and_the_ledger_agrees_with_the_messages() {
    let mut site = Site::new();
    let began = Instant::now();
    let mut agent = site.start();
    sleep(Duration::from_secs(2));
    site.gate.close();
    sleep(Duration::from_secs(2));
    site.gate.open();
    sleep(Duration::from_secs(2));
    site.stop(&mut agent);
    let lived = began.elapsed();
    let line = site.line("a");
    agrees(&line, site.counted("a"));
    about(count(&line, "expected"), lived, TAGS);
    let bad: u64 = site.counted("a").iter().filter(|(what, _)| *what != "values").map(|(_, n)| n).sum();
    assert!(bad >= 5 * TAGS, "the cut is seen: {line:#}");
    assert!(count(&line, "good") > 10 * TAGS);
    let shown =
        run_to_end(&["ledger", "--config", site.config().to_str().unwrap(), "--from", "yesterday", "--by", "hour"]);
    assert!(shown.stdout.contains("sums to 100 %"), "{shown:?}");
}

#[test]
fn a_device_that_is_slow_costs_overruns_and_what_comes_then_is_late() {
    let site = Site::new();
    let began = Instant::now();
    let mut agent = site.start();
    for _ in 0..3 {
        sleep(Duration::from_millis(700));
        site.gate.freeze();
        sleep(Duration::from_millis(1_300));
        site.gate.thaw();
    }
    sleep(Duration::from_secs(1));
    site.stop(&mut agent);
    let lived = began.elapsed();
    let line = site.line("a");
    agrees(&line, site.counted("a"));
    about(count(&line, "expected"), lived, TAGS);
    assert!(count(&line, "late") >= 3 * TAGS, "{line:#}");
    assert!(count(&line, "lost.overrun") >= 3 * 4 * TAGS, "{line:#}");
}

#[test]
fn the_time_without_the_agent_is_agent_down_also_after_a_kill() {
    let site = Site::new();
    let began = Instant::now();
    let mut agent = site.start();
    sleep(Duration::from_secs(2));
    agent.sigkill();
    let killed = began.elapsed();
    sleep(Duration::from_secs(3));
    let before = site.values("a");
    let pause_ended = began.elapsed();
    let mut agent = site.start();
    sleep(Duration::from_secs(2));
    site.stop(&mut agent);
    let line = site.line("a");
    about(count(&line, "expected"), began.elapsed(), TAGS);
    // Nothing was stored in the seconds before the kill but where the ledger begins.
    assert!(before > 5 * TAGS, "there were values before the kill");
    assert_eq!(count(&line, "good") + count(&line, "late"), site.values("a") - before, "{line:#}");
    about(count(&line, "lost.agent_down"), pause_ended, TAGS);
    assert!(pause_ended - killed >= Duration::from_secs(3));
    assert!(agent.log().contains("CW790"), "{}", agent.log());
}

#[test]
fn a_device_that_a_reload_brings_is_counted_from_then_on_and_no_longer_when_it_goes() {
    let site = Site::new();
    let began = Instant::now();
    let mut agent = site.start();
    // Reported on change, with a band that nothing leaves: hardly a message, and every sample taken.
    let still = "[[device]]\nid = \"b\"\nlink = \"plc\"\nunit = 1\nevery = \"200ms\"\n\
                 tags = [{ name = \"still\", address = \"holding:4\", type = \"f32\", deadband = 1e9 }]";
    site.write(&[&site.ladder(), still]);
    agent.sighup();
    let came = Instant::now();
    wait_for("a value of b", || (site.values("b") > 0).then_some(()));
    sleep(Duration::from_secs(3));
    site.write(&[&site.ladder()]);
    agent.sighup();
    let lived = came.elapsed();
    sleep(Duration::from_secs(2));
    site.stop(&mut agent);
    let (a, b) = (site.line("a"), site.line("b"));
    about(count(&a, "expected"), began.elapsed(), TAGS);
    about(count(&b, "expected"), lived, 1);
    agrees(&a, site.counted("a"));
    assert!(site.values("b") <= 3, "{:?}", site.counted("b"));
    assert!(count(&b, "good") + count(&b, "late") + 3 >= count(&b, "expected"), "{b:#}");
}

#[test]
fn an_hour_that_is_over_is_told_device_by_device() {
    let site = Site::new();
    let mut agent = site.start();
    sleep(Duration::from_secs(1));
    site.stop(&mut agent);
    let counted = site.line("a");
    // As if that had been an hour ago.
    let journal = rusqlite::Connection::open(site.dir.path().join("state/journal.sqlite")).unwrap();
    let moved = "UPDATE ledger SET hour = hour - 3600000,
                 counts = json_set(counts, '$.until', json_extract(counts, '$.until') - 3600000)";
    assert_eq!(journal.execute(moved, []).unwrap(), 1);
    drop(journal);
    let mut agent = site.start();
    let is_report = |m: &common::receiver::Message| m.topic.ends_with("/events") && m.text().contains("\"ledger\"");
    let report = site.receiver.wait_for("the report of the hour", is_report);
    assert!(count(&site.line("a"), "expected") > 0, "it is read beside the running agent");
    site.stop(&mut agent);
    let report: Json = serde_json::from_slice(&report.payload).unwrap();
    closes(&report);
    assert_eq!((&report["event"], &report["device"]), (&"ledger".into(), &"a".into()));
    assert_eq!(report["hour"].as_i64().unwrap() % 3_600_000, 0);
    assert_eq!(count(&report, "good") + count(&report, "late"), count(&counted, "good") + count(&counted, "late"));
    assert!(count(&report, "lost.agent_down") > 0, "{report:#}");
    let reports = site.receiver.messages().iter().filter(|m| is_report(m)).count();
    assert_eq!(reports, 1, "once");
    closes(&site.line("a"));
}

#[test]
fn a_ledger_without_counts_says_what_there_is() {
    let site = Site::new();
    let mut agent = site.start();
    site.stop(&mut agent);
    let config = site.config();
    let config = config.to_str().unwrap();
    for (args, code, word) in [
        (&["--day", "2020-01-01"][..], 69, "CW793"),
        (&["--day", "1.1.2020"], 64, "CW791"),
        (&["--from", "yesterday", "--device", "z"], 69, "CW794"),
    ] {
        let ended = run_to_end(&[&["ledger", "--config", config], args].concat());
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(word), "{ended:?}");
    }
    let zh = run_to_end(&["ledger", "--config", config, "--from", "yesterday", "--lang", "zh"]);
    assert!(zh.stdout.contains("合计 100 %"), "{zh:?}");
    assert!(site.plc.pid() > 0);
}
