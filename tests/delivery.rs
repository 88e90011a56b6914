//! Delivery by the running agent to real brokers: several sinks of which one is dead, current data before a backlog, records that a
//! broker hangs up at, and a month's megabytes over a kill.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::account::{Account, compare};
use common::agent::{Agent, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::plc::{LADDER, Plc};
use common::receiver::{Message, Receiver};
use common::{free_port, temp_dir, wait_for};

/// A workshop with one small device; `more` are further devices and the sinks.
fn workshop(dir: &Path, plc: &Plc, more: &str) -> PathBuf {
    let text = format!(
        r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "Asia/Shanghai"
[journal]
dir = "state"
commit_interval = "100ms"
[[link]]
name = "l"
modbus_tcp = "127.0.0.1:{}"
[[device]]
id = "d"
link = "l"
tags = [{{ name = "count", address = "holding:0", type = "u32", every = "100ms" }}]
{more}
"#,
        plc.port
    );
    let file = dir.join("workshop.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn sink(name: &str, port: u16, more: &str) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\nmqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true\nsend = [\"*\"]\n{more}\n"
    )
}

fn data(messages: &[Message]) -> Vec<&Message> {
    messages.iter().filter(|message| message.topic.ends_with("/data")).collect()
}

fn account(receiver: &Receiver) -> Account {
    let messages = receiver.messages();
    Account::of(data(&messages).into_iter().map(|message| (message.topic.as_str(), message.payload.as_slice())))
}

/// The file that the agent made; never one of our own.
fn journal(dir: &Path) -> rusqlite::Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    wait_for("the journal", || rusqlite::Connection::open_with_flags(dir.join("state/journal.sqlite"), flags).ok())
}

fn number(dir: &Path, sql: &str) -> i64 {
    wait_for(sql, || journal(dir).query_row(sql, [], |row| row.get(0)).ok())
}

#[test]
fn a_dead_sink_only_holds_the_trim_back_and_gives_its_cursor_up_when_it_is_taken_out() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let good = sink("good", broker.agent_port, "");
    let file = workshop(dir, &plc, &format!("{good}{}", sink("dead", free_port(), "retry_max = \"1s\"")));
    let mut agent = Agent::start(&file, dir);
    wait_for("a hundred records at the good one", || (account(&receiver).deliveries.len() >= 100).then_some(()));
    let fresh = |message: &&Message| common::now_ms() - ts(message) < 2_000;
    wait_for("current data", || data(&receiver.messages()).last().filter(|message| fresh(message)).map(|_| ()));
    assert!(number(dir, "SELECT count(*) FROM data") >= 90, "all of it waits for the dead one");

    workshop(dir, &plc, &good);
    agent.sighup();
    // Within the next upkeep the rows go, and so does the cursor.
    wait_for("the trim", || (number(dir, "SELECT count(*) FROM data") < 30).then_some(()));
    assert_eq!(number(dir, "SELECT count(DISTINCT sink) FROM cursors"), 1);
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    let account = account(&receiver);
    assert_eq!(account.broken, Vec::<String>::new());
    let compared = compare(&plc.handed(&LADDER[0]), &account.values("d", "count"));
    assert!(compared.unexplained.is_empty() && compared.missing.len() <= 1, "{compared}");
}

/// The time of the last sample of a message.
fn ts(message: &Message) -> i64 {
    let json: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
    json["samples"].as_array().unwrap().last().unwrap()["ts"].as_i64().unwrap()
}

/// Position, `prev`, whether it is history, and the pair of `filled`.
type Said = (u64, Option<u64>, bool, Option<(u64, u64)>);

fn said(message: &Message) -> Said {
    let json: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
    let seq = json["id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
    let pair = json.get("filled").map(|pair| (pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap()));
    assert_eq!(json["prev"].is_null(), json["live"] == true);
    (seq, json["prev"].as_u64(), json["history"] == true, pair)
}

/// Positions between the first and the last message of which the receiver knows nothing.
fn missing(said: &[Said]) -> Vec<u64> {
    let mut covered = BTreeSet::new();
    for (seq, prev, _, pair) in said {
        covered.extend(prev.map_or(*seq, |prev| prev + 1)..=*seq);
        covered.extend(pair.map_or(0..0, |(before, after)| before + 1..after));
    }
    let (first, last) = (said[0].0, said.iter().map(|(seq, ..)| *seq).max().unwrap());
    (first..=last).filter(|seq| !covered.contains(seq)).collect()
}

#[test]
fn after_an_outage_current_data_comes_first_and_history_behind_it_until_nothing_is_missing() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut gate = Gate::before(broker.agent_port);
    gate.open();
    let more = "backlog = \"live_first\"\nwindow = 8\nretry_max = \"1s\"\nbudget = { messages_per_s = 60 }";
    let file = workshop(dir, &plc, &sink("cloud", gate.port(), more));
    let mut agent = Agent::start(&file, dir);
    wait_for("data", || (data(&receiver.messages()).len() >= 20).then_some(()));
    gate.close();
    std::thread::sleep(Duration::from_secs(15));
    let before = data(&receiver.messages()).len();
    // A kill in the middle of the outage changes nothing of it.
    agent.sigkill();
    let mut agent = Agent::start(&file, dir);
    std::thread::sleep(Duration::from_secs(3));
    gate.open();
    let opened = common::now_ms();
    wait_for("the end of history", || {
        let messages = receiver.messages();
        let said: Vec<Said> = data(&messages).into_iter().map(said).collect();
        (said.iter().any(|(_, _, is_history, _)| *is_history) && missing(&said).is_empty()).then_some(())
    });
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    let messages = receiver.messages();
    let data = data(&messages);
    let said: Vec<Said> = data.iter().map(|message| said(message)).collect();
    assert_eq!(missing(&said), Vec::<u64>::new());
    let after = &said[before..];
    let live = after.iter().position(|(_, prev, ..)| prev.is_none()).expect("a live part");
    assert!(live <= 5 && ts(data[before + live]) > opened - 3_000, "current data first, not the {live}th: {after:?}");
    let history = after.iter().filter(|(_, _, is_history, _)| *is_history).count();
    assert!(history > 100, "{history} records of history");
    let mut values: Vec<u64> = data
        .iter()
        .flat_map(|message| {
            let json: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
            let samples = json["samples"].as_array().unwrap().clone();
            samples.into_iter().filter_map(|sample| sample["values"]["count"].as_u64())
        })
        .collect();
    values.sort_unstable();
    values.dedup();
    let got: Vec<f64> = values.into_iter().map(|value| value as f64).collect();
    let compared = compare(&plc.handed(&LADDER[0]), &got);
    // What the kill took: at most what was heard and not committed.
    assert!(compared.unexplained.is_empty() && compared.missing.len() <= 3, "{compared}");
}

#[test]
fn a_message_at_which_mosquitto_hangs_up_goes_to_the_quarantine_and_the_others_arrive() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let broker = Mosquitto::start_in(dir, Setup { general: "max_packet_size 1000\n", ..Setup::default() });
    let receiver = Receiver::start(broker.plain_port, dir);
    let tag = |n: u32| {
        format!("{{ name = \"long_name_{n}\", address = \"holding:{}\", type = \"u16\", every = \"1h\" }},", n + 8)
    };
    let tags: String = (0..60).map(tag).collect();
    let big = format!("[[device]]\nid = \"big\"\nlink = \"l\"\ntags = [{tags}]\n");
    let sink = sink("cloud", broker.agent_port, "retry_max = \"1s\"");
    let file = workshop(dir, &plc, &format!("{big}{sink}"));
    let mut agent = Agent::start(&file, dir);
    let said = agent.wait_log(0, &["CW470"]);
    assert!(said.contains("/big/birth"), "{said}");
    let said = agent.wait_log(0, &["CW467"]);
    assert!(said.contains("/big/data") && said.contains("max_message"), "{said}");
    let now = common::now_ms();
    receiver.wait_for("data after it", |message| message.topic == "cloudward/e/w/d/data" && ts(message) > now);
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    assert_eq!(number(dir, "SELECT count(*) FROM quarantine WHERE sink = 'cloud' AND samples = 60"), 1);
    assert!(data(&receiver.messages()).iter().all(|message| !message.topic.contains("/big/")));
    let account = account(&receiver);
    let seq = number(dir, "SELECT seq FROM quarantine");
    let gap: Vec<&String> =
        account.broken.iter().filter(|broken| !broken.contains(&format!("position {seq} never"))).collect();
    assert_eq!(gap, Vec::<&String>::new(), "the receiver sees the gap, and no other");
    let compared = compare(&plc.handed(&LADDER[0]), &account.values("d", "count"));
    assert!(compared.unexplained.is_empty() && compared.missing.len() <= 1, "{compared}");
}

#[test]
fn the_megabytes_of_a_month_survive_a_kill_and_when_they_are_used_up_nothing_more_goes() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let file = workshop(dir, &plc, &sink("cloud", broker.agent_port, "budget = { mb_per_month = 1 }"));
    let mut agent = Agent::start(&file, dir);
    let used = || number(dir, "SELECT coalesce(sum(bytes), 0) FROM usage WHERE sink = 'cloud'");
    let sent = wait_for("the usage in the journal", || Some(used()).filter(|bytes| *bytes > 5_000));
    agent.sigkill();
    assert!(used() >= sent);
    journal(dir).execute("UPDATE usage SET bytes = 990000", []).unwrap();
    let mut agent = Agent::start(&file, dir);
    let said = agent.wait_log(0, &["CW463"]);
    assert!(said.contains("1.0 MB") && said.contains("mb_per_month"), "{said}");
    std::thread::sleep(Duration::from_millis(500));
    let before = data(&receiver.messages()).len();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(data(&receiver.messages()).len(), before);
    let started = Instant::now();
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(4), "a stop does not wait for the next month");
    assert!((1_000_000..1_002_000).contains(&used()), "{}", used());
    // What waits is all there.
    let waiting =
        number(dir, "SELECT count(*) FROM data WHERE seq > (SELECT max(position) FROM cursors WHERE stream = 'data')");
    assert!(waiting >= 10, "{waiting}");
}

#[test]
fn check_says_whether_the_budget_carries_the_load() {
    let dir = temp_dir();
    let dir = dir.path();
    let file = dir.join("workshop.toml");
    for (budget, expected) in [
        ("mb_per_month = 200", "WARNING: mb_per_month carries only"),
        ("kbit_per_s = 640", "kbit_per_s carries this load"),
        ("hours = [\"22:00-06:00\"]", "it sends 8.0 hours a day"),
    ] {
        let more = format!("backlog = \"live_first\"\nbudget = {{ {budget} }}");
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1\"\n[[device]]\n\
             id = \"d\"\nlink = \"l\"\ntags = [{{ name = \"t\", address = \"holding:0\", type = \"u32\", every = \"1s\" }}]\n{}",
            sink("cloud", 1883, &more)
        );
        std::fs::write(&file, text).unwrap();
        let ended = run_to_end(&["check", "--config", file.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains(expected) && ended.stdout.contains("current data at once"), "{}", ended.stdout);
        assert!(ended.stdout.contains("a month with TCP and TLS"), "{}", ended.stdout);
    }
}
