//! What leaves is what the manifest says, to the byte: the agent runs between a PLC and a broker that were not written here, in a
//! network namespace of its own where every packet is captured; capture, manifest and egress log are then compared.
//!
//! Each test proves first that the capture would see what it is to rule out.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::agent::{Agent, Ended, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::capture::{Capture, STRANGER, Seen, in_a_namespace, text, unhex};
use common::plc::{LADDER, Plc};
use common::{free_port, temp_dir, wait_for};
use serde_json::Value as Json;

#[test]
fn what_leaves_is_the_manifest_and_the_log_says_so() {
    in_a_namespace("inside::what_leaves_is_the_manifest_and_the_log_says_so");
}

#[test]
fn indicators_alone_keep_every_value_inside() {
    in_a_namespace("inside::indicators_alone_keep_every_value_inside");
}

#[test]
fn after_a_kill_the_log_goes_on_and_says_what_may_be_missing() {
    let dir = temp_dir();
    let broker = Mosquitto::start_in(dir.path(), Setup::default());
    let plc = Plc::libmodbus(dir.path(), free_port(), 1);
    let config = workshop(dir.path(), broker.agent_port, plc.port, "\"imm-01\"", "");
    let mut agent = Agent::start(&config, dir.path());
    wait_for("scans", || (plc.last_counter(&LADDER[5]) >= 20).then_some(()));
    agent.sigkill();
    let mut agent = Agent::start(&config, dir.path());
    agent.wait_log(0, &["CW770"]);
    wait_for("scans", || (plc.last_counter(&LADDER[5]) >= 60).then_some(()));
    agent.sigterm();
    assert!(agent.wait().success());
    let log = json_lines(&config, &["--log", "--json"]);
    let about: Vec<&str> = log.iter().filter_map(|line| line["note"]["about"].as_str()).collect();
    assert_eq!(about, ["started", "not_closed", "started", "stopped"]);
    assert!(log.iter().filter(|line| line["kind"] == "data").count() > 3, "{log:?}");
    let sum: u64 = json_lines(&config, &["--totals", "--json"]).iter().map(|t| t["messages"].as_u64().unwrap()).sum();
    assert_eq!(sum, log.iter().filter(|line| line["sha256"].is_string()).count() as u64);
}

/// Tags that may leave have `open` in their names, the others `shut`.
fn workshop(dir: &Path, broker: u16, plc: u16, send: &str, send_important: &str) -> PathBuf {
    let tag =
        |rung: usize, name: &str, more: &str| format!("    {{ name = \"{name}\", {}{more} }},\n", LADDER[rung].toml);
    let tags = [
        tag(0, "open-count", ", unit = \"pcs\", label = \"shut-label\""),
        tag(3, "open-half", ", deadband = 0"),
        tag(1, "shut-low", ""),
        tag(5, "shut-input", ""),
        tag(2, "shut-once", ", class = \"工艺参数\", level = \"重要\""),
        tag(4, "open-twice", ", class = \"production/parameter\", level = \"core\""),
    ];
    let text = format!(
        "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\nname = \"shut-workshop\"\ntimezone = \"Asia/Shanghai\"\n\
         [journal]\ndir = \"state\"\ncommit_interval = \"200ms\"\n\
         [[link]]\nname = \"plc\"\nmodbus_tcp = \"127.0.0.1:{plc}\"\n\
         [[device]]\nid = \"imm-01\"\nlink = \"plc\"\nevery = \"100ms\"\ntags = [\n{}]\n\
         [[device]]\nid = \"shut-machine\"\nlink = \"plc\"\nevery = \"100ms\"\ntags = [\n{}]\n\
         [[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{broker}\"\nallow_plaintext = true\n\
         send = [{send}]\nsend_important = [{send_important}]\n",
        tags.concat(),
        tag(0, "shut-count", "")
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

fn egress(config: &Path, args: &[&str]) -> Ended {
    run_to_end(&[&["egress", "--config", config.to_str().unwrap()], args].concat())
}

fn json_lines(config: &Path, args: &[&str]) -> Vec<Json> {
    let ended = egress(config, args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs the agent until the PLC handed out so many scans, stops it, and tells what the capture saw.
fn run(dir: &Path, config: &Path, broker: &Mosquitto, plc: &Plc) -> (Seen, Duration) {
    let capture = Capture::start(dir);
    let mut agent = Agent::start(config, dir);
    let began = Instant::now();
    let before = plc.last_counter(&LADDER[5]);
    wait_for("a hundred scans", || (plc.last_counter(&LADDER[5]) >= before + 200).then_some(()));
    agent.sigterm();
    assert!(agent.wait().success(), "{}", agent.log());
    let lasted = began.elapsed();
    // The capture must be able to see somebody who calls a stranger.
    UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"x", STRANGER).unwrap();
    let seen = capture.end(broker.agent_port);
    let home: BTreeSet<String> =
        [broker.agent_port, broker.plain_port, plc.port].map(|p| format!("127.0.0.1:{p}")).into();
    let strangers: Vec<&str> = seen.flows().into_iter().filter(|to| !home.contains(*to)).collect();
    assert_eq!(strangers, [STRANGER], "somebody called others, or the capture does not see it");
    (seen, lasted)
}

/// What needs the namespace. `in_a_namespace` runs it.
mod inside {
    use super::*;

    #[test]
    #[ignore = "the test of the same name runs it, in a network namespace"]
    fn what_leaves_is_the_manifest_and_the_log_says_so() {
        let dir = temp_dir();
        let broker = Mosquitto::start_in(dir.path(), Setup::default());
        let plc = Plc::libmodbus(dir.path(), free_port(), 1);
        let send = "\"imm-01.open-*\", \"imm-01.shut-once\", \"events\"";
        let config = workshop(dir.path(), broker.agent_port, plc.port, send, "\"imm-01.open-twice\"");
        let manifest: Json = serde_json::from_str(&egress(&config, &["--json", "--all"]).stdout).unwrap();
        let sink = &manifest["sinks"][0];
        assert_eq!(sink["stays"]["named_once"], serde_json::json!(["imm-01.shut-once"]));

        let (seen, lasted) = run(dir.path(), &config, &broker, &plc);
        let messages = seen.messages();

        // Topics and tags of data and of births are those of the manifest.
        let promised: BTreeSet<(String, String)> =
            sink["tags"].as_array().unwrap().iter().map(|tag| (text(&tag["topic"]), text(&tag["name"]))).collect();
        assert_eq!(promised.len(), 3, "{promised:?}");
        let mut told: BTreeMap<&str, BTreeSet<(String, String)>> = BTreeMap::new();
        let mut samples = 0;
        for (topic, payload, _) in &messages {
            for sample in payload["samples"].as_array().into_iter().flatten() {
                for key in ["values", "bad"] {
                    let tags = sample[key].as_object().into_iter().flatten();
                    samples += tags
                        .map(|(tag, _)| told.entry("data").or_default().insert((topic.clone(), tag.clone())))
                        .count();
                }
            }
            for tag in payload["tags"].as_array().into_iter().flatten() {
                let topic = topic.replace("/birth", "/data");
                told.entry("birth").or_default().insert((topic, text(&tag["name"])));
            }
        }
        assert_eq!(told.get("data"), Some(&promised), "samples");
        assert_eq!(told.get("birth"), Some(&promised), "births");
        let topics: BTreeSet<String> = messages.iter().map(|(topic, ..)| topic.clone()).collect();
        let promised: BTreeSet<String> =
            sink["messages"].as_array().unwrap().iter().map(|form| text(&form["topic"])).collect();
        assert_eq!(topics, promised);

        // Not only is nothing else in a message: it is nowhere in the bytes.
        assert!(seen.holds("open-count") && seen.holds("open-twice"));
        assert!(!seen.holds("shut"), "a name that must stay has left");
        for login in seen.of("connect") {
            assert_eq!(login["client"], sink["broker"]["client_id"]);
            assert_eq!(login["user"], "");
        }
        let data = messages.iter().filter(|(topic, ..)| topic.ends_with("/data")).count();
        let most = sink["load"]["messages_per_hour_at_most"].as_f64().unwrap() * lasted.as_secs_f64() / 3_600.0;
        assert!(data as f64 <= most + 2.0, "{data} messages, {most} at most");

        // The log has every message, and nothing but them.
        let log = json_lines(&config, &["--log", "--json"]);
        let logged = |is_will: bool| {
            let lines = log.iter().filter(|line| line["sha256"].is_string() && (line["kind"] == "will") == is_will);
            let mut hashes: Vec<_> = lines.map(|line| (text(&line["topic"]), text(&line["sha256"]))).collect();
            hashes.sort();
            hashes
        };
        assert!(data > 20 && seen.hashes("will").len() == 1);
        assert_eq!(logged(false), seen.hashes("publish"));
        assert_eq!(logged(true), seen.hashes("will"));
        let about: Vec<&str> = log.iter().filter_map(|line| line["note"]["about"].as_str()).collect();
        assert_eq!(about, ["started", "stopped"]);

        // The sums are the sums.
        let totals = json_lines(&config, &["--totals", "--json"]);
        let sum = |key: &str| totals.iter().map(|total| total[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!((sum("samples"), sum("data")), (samples as u64, data as u64));
        let core = totals
            .iter()
            .flat_map(|total| total["graded"].as_array().unwrap())
            .filter(|graded| graded["level"] == "core");
        assert!(core.map(|graded| graded["samples"].as_u64().unwrap()).sum::<u64>() > 20, "{totals:?}");

        // And anybody who holds a payload can ask.
        let publish = seen.of("publish").last().unwrap();
        let payload = dir.path().join("payload");
        fs::write(&payload, unhex(publish["payload"].as_str().unwrap())).unwrap();
        let asked = egress(&config, &["--hash", payload.to_str().unwrap()]);
        assert!(asked.code == Some(0) && asked.stdout.contains(publish["sha256"].as_str().unwrap()), "{asked:?}");
        fs::write(&payload, b"never sent").unwrap();
        let asked = egress(&config, &["--hash", payload.to_str().unwrap()]);
        assert!(asked.code == Some(1) && asked.stderr.contains("CW769"), "{asked:?}");
    }

    #[test]
    #[ignore = "the test of the same name runs it, in a network namespace"]
    fn indicators_alone_keep_every_value_inside() {
        let dir = temp_dir();
        let broker = Mosquitto::start_in(dir.path(), Setup::default());
        let plc = Plc::libmodbus(dir.path(), free_port(), 1);
        let config = workshop(dir.path(), broker.agent_port, plc.port, "\"indicators\"", "");
        let (seen, _) = run(dir.path(), &config, &broker, &plc);
        let messages = seen.messages();
        let topics: BTreeSet<&str> = messages.iter().map(|(topic, ..)| topic.as_str()).collect();
        assert_eq!(topics.into_iter().collect::<Vec<_>>(), ["cloudward/huada/ws1/state"]);
        for name in ["open", "shut", "imm-01", "plc"] {
            assert!(!seen.holds(name), "{name} has left");
        }
    }
}
