//! `cloudward verify` and its twin for the receiving side, examples/verify.py: on the same captures they find the same, and both
//! prove a real run of the agent, through a kill and a restart, against a real broker.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value as Json;

use common::agent::{Agent, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::{program, temp_dir, wait_for};

/// What each capture in tests/cases/verify shows: exit code, and of each stream messages, gaps, open holes, duplicates, messages out
/// of order, contradictions.
type Stream = (&'static str, [usize; 6]);
const CASES: [(&str, i32, &[Stream]); 23] = [
    ("whole.jsonl", 0, &[("data", [8, 0, 0, 0, 0, 0]), ("events", [2, 0, 0, 0, 0, 0])]),
    ("whole-with-topics.txt", 0, &[("data", [8, 0, 0, 0, 0, 0]), ("events", [2, 0, 0, 0, 0, 0])]),
    ("whole-payloads.txt", 0, &[("data", [8, 0, 0, 0, 0, 0]), ("events", [2, 0, 0, 0, 0, 0])]),
    ("skipped-by-scope.jsonl", 0, &[("data", [4, 0, 0, 0, 0, 0])]),
    ("gap.jsonl", 1, &[("data", [6, 1, 0, 0, 0, 0])]),
    ("gap-told.jsonl", 1, &[("data", [5, 1, 0, 0, 0, 0]), ("events", [1, 0, 0, 0, 0, 0])]),
    ("duplicates.jsonl", 0, &[("data", [8, 0, 0, 3, 0, 0])]),
    ("resend-from-before-the-first.jsonl", 0, &[("data", [4, 0, 0, 1, 0, 0])]),
    ("disorder.jsonl", 1, &[("data", [8, 0, 0, 0, 1, 0])]),
    ("other-content.jsonl", 1, &[("data", [8, 0, 0, 0, 0, 1])]),
    ("two-gateways.jsonl", 1, &[("data", [4, 0, 0, 0, 0, 1])]),
    ("restart.jsonl", 0, &[("data", [7, 0, 0, 2, 0, 0]), ("events", [2, 0, 0, 0, 0, 0])]),
    ("live-first-open.jsonl", 2, &[("data", [7, 0, 1, 0, 0, 0])]),
    ("live-first.jsonl", 0, &[("data", [9, 0, 0, 0, 0, 0])]),
    ("live-first-gap.jsonl", 1, &[("data", [6, 1, 0, 0, 0, 0])]),
    ("live-first-again-as-history.jsonl", 0, &[("data", [6, 0, 0, 1, 0, 0])]),
    ("live-first-twice.jsonl", 0, &[("data", [8, 0, 0, 0, 0, 0])]),
    ("corrected-clock.jsonl", 0, &[("data", [5, 0, 0, 1, 0, 0])]),
    ("begins-anew.jsonl", 1, &[("data", [4, 1, 0, 0, 0, 0])]),
    ("passed-over.jsonl", 1, &[("data", [2, 0, 0, 0, 0, 1])]),
    ("names-itself.jsonl", 1, &[("data", [2, 0, 0, 0, 0, 1])]),
    ("nothing.jsonl", 2, &[]),
    ("cut-off.jsonl", 0, &[("data", [7, 0, 0, 0, 0, 0])]),
];

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/verify").join(name)
}

/// Exit code and findings of the command.
fn ours(capture: &Path) -> (Option<i32>, Json) {
    let ended = run_to_end(&["verify", "--json", "--capture", capture.to_str().unwrap()]);
    (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}")))
}

/// The same of the twin.
fn twin(capture: &Path) -> (Option<i32>, Json) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/verify.py");
    let ended = Command::new("python3").arg(script).arg(capture).output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    (ended.status.code(), serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text} {errors}")))
}

/// Verdict, positions missing, positions open, counts.
type Found = (String, Vec<(u64, u64)>, Vec<(u64, u64)>, [u64; 5]);

/// Of each stream: verdict, positions missing and open, and the counts that both tell.
fn gist(report: &Json) -> BTreeMap<(String, String), Found> {
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    // `{"first":1,"last":2}` of the one, `[1,2]` of the other.
    let span = |span: &Json| {
        let end = |key: &str, place: usize| span.get(key).or_else(|| span.get(place)).and_then(Json::as_u64).unwrap();
        (end("first", 0), end("last", 1))
    };
    let spans = |json: &Json| json.as_array().unwrap().iter().map(span).collect::<Vec<_>>();
    let streams = report["streams"].as_array().unwrap().iter();
    streams
        .map(|stream| {
            let counts = ["messages", "samples", "duplicates", "disorder_count", "conflict_count"];
            let counts = counts.map(|key| stream[key].as_u64().unwrap());
            let found = (text(&stream["verdict"]), spans(&stream["gaps"]), spans(&stream["open"]), counts);
            ((text(&stream["workshop"]), text(&stream["stream"])), found)
        })
        .collect()
}

#[test]
fn the_command_and_its_twin_find_the_same_in_every_capture() {
    let files = fs::read_dir(case("")).unwrap().count();
    assert_eq!(files, CASES.len(), "a capture that no case speaks of");
    for (name, code, streams) in CASES {
        let (ours, twin) = (ours(&case(name)), twin(&case(name)));
        assert_eq!((ours.0, twin.0), (Some(code), Some(code)), "{name}: {} {}", ours.1, twin.1);
        assert_eq!(ours.1["verdict"], twin.1["verdict"], "{name}");
        assert_eq!(gist(&ours.1), gist(&twin.1), "{name}");
        let found: Vec<_> = gist(&ours.1)
            .into_iter()
            .map(|((_, stream), (_, gaps, open, [messages, _, duplicates, disorder, conflicts]))| {
                let counts = [messages, gaps.len() as u64, open.len() as u64, duplicates, disorder, conflicts];
                (stream, counts.map(|count| count as usize))
            })
            .collect();
        let expected: Vec<_> = streams.iter().map(|(stream, counts)| ((*stream).to_owned(), *counts)).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_twin_has_no_more_than_a_hundred_lines() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/verify.py");
    assert!(fs::read_to_string(script).unwrap().lines().count() <= 100);
}

#[test]
fn findings_are_told_in_both_languages() {
    for (lang, words) in [
        ("en", &["GAPS: 1; at most 2 messages are missing", "positions 4 to 5", "NOT WHOLE"][..]),
        ("zh", &["有缺口：1 处，最多缺 2 条消息", "序号 4 至 5", "结论：不完整"]),
    ] {
        let ended = run_to_end(&["verify", "--lang", lang, "--capture", case("gap.jsonl").to_str().unwrap()]);
        for word in words {
            assert!(ended.stdout.contains(word), "{word} in {}", ended.stdout);
        }
    }
    let zh = run_to_end(&["verify", "--lang", "zh", "--capture", case("live-first-open.jsonl").to_str().unwrap()]);
    assert!(zh.stdout.contains("还在补传") && zh.code == Some(2), "{zh:?}");
}

#[test]
fn what_cannot_be_listened_to_is_said() {
    let missing = run_to_end(&["verify", "--capture", "/nowhere/capture"]);
    assert!(missing.code == Some(65) && missing.stderr.contains("[CW801]"), "{missing:?}");
    let nobody = run_to_end(&["verify", "--mqtt", "mqtt://127.0.0.1:1", "--for", "1s"]);
    assert!(nobody.code == Some(69) && nobody.stderr.contains("[CW422]"), "{nobody:?}");
    let topic = run_to_end(&["verify", "--mqtt", "mqtt://127.0.0.1:1", "--topic", "a#b"]);
    assert!(topic.code == Some(64) && topic.stderr.contains("[CW804]"), "{topic:?}");
}

/// A workshop whose machine is switched off: each scan gives a reading, of the kind that says so.
fn workshop(dir: &Path, port: u16) -> PathBuf {
    let text = format!(
        "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\ntimezone = \"Asia/Shanghai\"\n\
         [journal]\ndir = \"state\"\ncommit_interval = \"200ms\"\n\
         [[link]]\nname = \"off\"\nmodbus_tcp = \"127.0.0.1:1\"\nretry = \"100ms\"\n\
         [[device]]\nid = \"m\"\nlink = \"off\"\nevery = \"100ms\"\ntags = [{{ name = \"a\", address = \"40001\", type = \"u16\" }}]\n\
         [[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true\nsend = [\"*\", \"events\"]\n"
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_real_run_with_a_kill_in_it_is_proven_at_the_broker_and_from_a_capture() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let config = workshop(dir, broker.agent_port);
    let capture = dir.join("capture.jsonl");
    let mut subscriber = Command::new(program("mosquitto_sub"))
        .args(["-h", "127.0.0.1", "-p", &broker.plain_port.to_string(), "-t", "#", "-q", "1", "-F", "%j"])
        .stdout(fs::File::create(&capture).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let listening = {
        let config = config.to_str().unwrap().to_owned();
        let args = move || run_to_end(&["verify", "--sink", "cloud", "--config", &config, "--for", "20s", "--json"]);
        thread::spawn(args)
    };
    let is_there = |text: &str| fs::read_to_string(&capture).unwrap().matches(text).count();
    // Both subscriptions stand before the first message; should one not, the two would not see the same, and the test says so.
    thread::sleep(Duration::from_secs(2));

    let mut agent = Agent::start(&config, dir);
    wait_for("messages of the first run", || (is_there("-data-") > 20).then_some(()));
    agent.sigkill();
    let before = is_there("-data-");
    let mut agent = Agent::start(&config, dir);
    wait_for("messages of the second run", || (is_there("-data-") > before + 20).then_some(()));
    agent.sigterm();
    assert!(agent.wait().success());

    let ended = listening.join().unwrap();
    let report: Json = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let data = &report["streams"].as_array().unwrap()[0];
    assert!(data["boots"].as_array().unwrap().len() == 2, "the kill is seen as a restart: {data}");
    assert_eq!(report["streams"][1]["starts"]["crash"], 1, "the agent tells that it was one: {report}");

    subscriber.kill().unwrap();
    subscriber.wait().unwrap();
    let (from_capture, twin) = (ours(&capture), twin(&capture));
    assert_eq!((from_capture.0, twin.0), (Some(0), Some(0)), "{} {}", from_capture.1, twin.1);
    assert_eq!(gist(&from_capture.1), gist(&twin.1));
    assert_eq!(gist(&from_capture.1), gist(&report), "a capture and a listener saw the same");

    // The same with one message taken out: it would be missed.
    let text = fs::read_to_string(&capture).unwrap();
    let taken = text.lines().filter(|line| line.contains("-data-")).rev().nth(10).unwrap();
    fs::write(&capture, text.replace(&format!("{taken}\n"), "")).unwrap();
    assert_eq!(ours(&capture).0, Some(1));
}
