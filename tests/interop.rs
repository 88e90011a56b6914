//! The main job against parts that were not written here: PLCs of pymodbus and libmodbus, a mosquitto with TLS that stops,
//! dies and forgets, and an agent that is killed in between. What arrives is checked against what the PLCs logged.
//!
//! Each test proves first that its fault really happened.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::account::{Account, Got, Handed, compare};
use common::agent::Agent;
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::plc::{LADDER, Plc, Rung};
use common::receiver::{Message, Receiver};
use common::{free_port, now_ms, temp_dir, wait_for};

const PASSWORD: &str = "correct-horse-battery";
/// Causes while nobody listens: the refusal, and the pauses between two attempts.
const BEFORE_UP: [&str; 2] = ["refused", "waiting"];
/// CW45x: a connection that stood was lost.
const LOST: &[&str] = &["CW45"];
const COMMIT_INTERVAL_MS: i64 = 200;
/// What may pass between the end of a commit interval and the moment when the disk has it. Not a demand on the agent, only the
/// bound beyond which a busy test machine's disk is no excuse any more.
const DISK_PATIENCE_MS: i64 = 3000;

/// A workshop file, put together.
struct Workshop {
    links: Vec<(String, u16)>,
    sink: String,
    journal_dir: String,
}

impl Workshop {
    fn new(sink: String) -> Workshop {
        Workshop { links: Vec::new(), sink, journal_dir: "state".into() }
    }

    /// A device with the ladder behind a link of its own; both have one name.
    fn ladder(mut self, name: &str, port: u16) -> Workshop {
        self.links.push((name.into(), port));
        self
    }

    fn text(&self) -> String {
        let mut text = format!(
            "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\nname = \"一车间\"\ntimezone = \"Asia/Shanghai\"\n\n\
             [journal]\ndir = \"{}\"\ncommit_interval = \"{COMMIT_INTERVAL_MS}ms\"\n",
            self.journal_dir
        );
        for (name, port) in &self.links {
            // A request that a busy test machine answers late would be no loss of the agent's, but look like one.
            text += &format!("\n[[link]]\nname = \"{name}\"\nmodbus_tcp = \"127.0.0.1:{port}\"\ntimeout = \"10s\"\n");
            text += "retry = \"100ms\"\nretry_max = \"500ms\"\n";
            text += &format!("\n[[device]]\nid = \"{name}\"\nlink = \"{name}\"\nevery = \"100ms\"\ntags = [\n");
            for rung in LADDER {
                text += &format!("    {{ name = \"{}\", {} }},\n", rung.name, rung.toml);
            }
            text += "]\n";
        }
        text + "\n" + &self.sink
    }

    fn write(&self, dir: &Path) -> PathBuf {
        let file = dir.join("workshop.toml");
        fs::write(&file, self.text()).unwrap();
        file
    }
}

fn plain_sink(port: u16) -> String {
    format!(
        "[[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true\nsend = [\"*\", \"events\"]\n"
    )
}

fn tls_sink(dir: &Path, port: u16, ca: &Path) -> String {
    let password = dir.join("mqtt-password");
    fs::write(&password, PASSWORD).unwrap();
    format!(
        "[[sink]]\nname = \"cloud\"\nmqtt = \"mqtts://localhost:{port}\"\nca_file = \"{}\"\nuser = \"gateway\"\n\
         password_file = \"{}\"\nsend = [\"*\", \"events\"]\n",
        ca.display(),
        password.display()
    )
}

fn books(receiver: &Receiver) -> Account {
    let messages = receiver.messages();
    Account::of(messages.iter().map(|m| (m.topic.as_str(), m.payload.as_slice())))
}

fn is_state(online: bool) -> impl Fn(&Message) -> bool {
    move |m| {
        let json: serde_json::Value = serde_json::from_slice(&m.payload).unwrap_or_default();
        m.topic == "cloudward/huada/ws1/state" && json["online"] == online
    }
}

/// Waits until everything that `plc` handed out up to now has arrived.
#[track_caller]
fn all_arrives(receiver: &Receiver, device: &str, plc: &Plc) {
    for rung in [&LADDER[0], &LADDER[5]] {
        let counter = f64::from(plc.last_counter(rung));
        wait_for(&format!("{device}.{} = {counter}", rung.name), || {
            books(receiver).values(device, rung.name).last().is_some_and(|last| *last >= counter).then_some(())
        });
    }
}

/// Waits until `plc` handed out `n` more values.
#[track_caller]
fn collects(plc: &Plc, n: u32) {
    let before = plc.last_counter(&LADDER[5]);
    wait_for("more readings of a PLC", || (plc.last_counter(&LADDER[5]) >= before + n).then_some(()));
}

/// Every value handed out arrived, in order, with nothing unexplained; what is missing satisfies `excused`.
#[track_caller]
fn check_complete(account: &Account, device: &str, plc: &Plc, until: i64, excused: impl Fn(&Handed) -> bool) -> usize {
    let mut missing = 0;
    for rung in &LADDER {
        // A value handed out after `until` may still be on its way; it must fit nevertheless.
        let handed = plc.handed(rung);
        let result = compare(&handed, &account.values(device, rung.name));
        assert_eq!(result.unexplained, [0.0; 0], "{device}.{}", rung.name);
        let lost: Vec<&Handed> = result.missing.iter().filter(|h| h.ms < until && !excused(h)).collect();
        assert!(lost.is_empty(), "{device}.{}: lost {lost:?}; {result}", rung.name);
        missing += result.missing.iter().filter(|h| h.ms < until).count();
        assert!(handed.len() > 50, "{device}.{} was asked for {} times only", rung.name, handed.len());
    }
    missing
}

/// What a kill cost a tag must be its last readings before the kill and nothing in between: commits keep the order.
#[track_caller]
fn check_one_hole(account: &Account, device: &str, plc: &Plc, rung: &Rung, killed_at: i64, until: i64) {
    let handed = plc.handed(rung);
    let result = compare(&handed, &account.values(device, rung.name));
    let missing: Vec<&Handed> = result.missing.iter().filter(|h| h.ms < until).collect();
    let Some(first) = missing.first() else { return };
    let start = handed.iter().position(|h| h == *first).unwrap();
    let hole: Vec<&Handed> = handed[start..].iter().take(missing.len()).collect();
    assert_eq!(missing, hole, "{device}.{}: more than one hole", rung.name);
    let next = handed[start + hole.len()..].iter().find(|h| h.ms < killed_at);
    assert_eq!(next, None, "{device}.{}: the hole ends before the kill", rung.name);
    // The request that was on the wire may have been answered to a dead process.
    let after = hole.iter().filter(|h| h.ms > killed_at).count();
    assert!(after <= 1, "{device}.{}: {after} values missing after the kill", rung.name);
}

#[test]
fn nothing_is_lost_while_the_broker_stops_and_forgets_and_the_agent_is_killed() {
    let dir = temp_dir();
    let dir = dir.path();
    // Persistence keeps what a graceful stop leaves; a kill loses it all the same, since mosquitto writes when it stops.
    let setup = Setup { tls: true, persistence: true, login: Some(("gateway", PASSWORD)), ..Setup::default() };
    let mut broker = Mosquitto::start_in(dir, setup);
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut gate = Gate::before(broker.agent_port);
    gate.open();
    let (py, c) = (Plc::pymodbus(dir, free_port()), Plc::libmodbus(dir, free_port(), 1));
    let workshop =
        Workshop::new(tls_sink(dir, gate.port(), &broker.ca_file())).ladder("py", py.port).ladder("c", c.port);
    let config = workshop.write(dir);
    let mut agent = Agent::start(&config, dir);
    for (device, plc) in [("py", &py), ("c", &c)] {
        collects(plc, 10);
        all_arrives(&receiver, device, plc);
    }
    let all = |receiver: &Receiver| {
        all_arrives(receiver, "py", &py);
        all_arrives(receiver, "c", &c);
    };
    let outage = || {
        collects(&py, 15);
        collects(&c, 15);
    };

    // First outage: the broker dies and forgets everything. Before that it freezes, so that messages are on the way that
    // nobody ever acknowledges: an agent that counts what it handed to its socket as delivered loses them here.
    let (log_before, connections) = (agent.log().len(), gate.passed());
    broker.freeze();
    outage();
    broker.kill();
    gate.close();
    agent.wait_log(log_before, LOST);
    outage();
    assert!(agent.is_running());
    broker.start();
    receiver.stands();
    assert!(
        !Receiver::start(broker.plain_port, dir).messages().iter().any(|m| m.retained),
        "the broker forgot nothing"
    );
    gate.open();
    all(&receiver);
    assert!(gate.passed() > connections, "the agent did not connect again");

    // Second outage: the broker stops gracefully, and the agent is killed in it.
    let (log_before, connections) = (agent.log().len(), gate.passed());
    broker.stop();
    gate.close();
    agent.wait_log(log_before, LOST);
    outage();
    collects(&c, 10); // beyond the commit interval, whatever the machine's load
    let arrived = books(&receiver);
    let waiting = py.last_counter(&LADDER[0]) as usize - arrived.values("py", "count").len();
    assert!(waiting >= 10, "only {waiting} records waited when the agent was killed");
    let killed_at = now_ms();
    agent.sigkill();
    let mut agent = Agent::start(&config, dir);
    outage();
    broker.start();
    receiver.stands();
    assert!(Receiver::start(broker.plain_port, dir).messages().iter().any(|m| m.retained), "a graceful stop forgets");
    gate.open();
    all(&receiver);
    assert!(gate.passed() > connections, "the second agent did not connect");

    // The books.
    let until = now_ms();
    all(&receiver);
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    let account = books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    let mut cost = 0;
    for (device, plc) in [("py", &py), ("c", &c)] {
        // How far the hole may reach behind the kill, check_one_hole says.
        let earliest = killed_at - COMMIT_INTERVAL_MS - DISK_PATIENCE_MS;
        cost += check_complete(&account, device, plc, until - 1000, |h| h.ms >= earliest);
        for rung in &LADDER {
            check_one_hole(&account, device, plc, rung, killed_at, until - 1000);
        }
    }
    let boots: std::collections::BTreeSet<_> =
        account.deliveries.iter().filter_map(|d| d.id.split('-').next()).collect();
    assert_eq!(boots.len(), 2, "two starts of the agent: {boots:?}");
    let seqs: Vec<u64> = account.deliveries.iter().map(|d| d.seq).collect();
    assert!(seqs.is_sorted(), "positions are used again or out of order");
    println!(
        "{} messages, {} duplicates recognised, {waiting} records waiting at the kill, which cost {cost} readings",
        account.deliveries.len(),
        account.duplicates
    );
}

#[test]
fn a_dead_port_gives_bad_readings_with_a_cause_until_the_plc_comes_up() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let port = free_port();
    let config = Workshop::new(plain_sink(broker.agent_port)).ladder("press", port).write(dir);
    let mut agent = Agent::start(&config, dir);
    let cause = wait_for("a bad reading of every tag", || {
        let account = books(&receiver);
        let causes: Vec<_> = LADDER.iter().map(|rung| account.causes("press", rung.name)).collect();
        causes.iter().all(|c| c.len() >= 3).then(|| causes[0][0].to_owned())
    });
    assert!(BEFORE_UP.contains(&cause.as_str()), "{cause}");
    let said = agent.wait_log(0, &["CW203"]);
    assert!(said.contains("press"), "{said}");

    let plc = Plc::libmodbus(dir, port, 1);
    collects(&plc, 5);
    all_arrives(&receiver, "press", &plc);
    let account = books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    assert!(account.causes("press", "count").contains(&"refused"));
    let readings = account.of_tag("press", "count");
    let first_good = readings.iter().position(|(_, got)| matches!(got, Got::Value(_))).unwrap();
    assert!(
        readings[..first_good].iter().all(|(_, got)| matches!(got, Got::Bad(why) if BEFORE_UP.contains(&why.as_str()))),
        "{readings:?}"
    );
    assert!(readings[first_good..].iter().all(|(_, got)| matches!(got, Got::Value(_))), "{readings:?}");
    agent.wait_log(0, &["CW201", "up", "answers"]);
    for state in ["down", "up"] {
        receiver.wait_for(&format!("the event that the link is {state}"), |m| {
            let json: serde_json::Value = serde_json::from_slice(&m.payload).unwrap_or_default();
            m.topic == "cloudward/huada/ws1/events" && json["link"] == "press" && json["state"] == state
        });
    }

    // And down again: the cause is not the old one kept.
    drop(plc);
    let good = readings.len();
    wait_for("bad readings again", || {
        let account = books(&receiver);
        let again = account.of_tag("press", "count").get(good..)?.iter().any(|(_, got)| matches!(got, Got::Bad(_)));
        again.then_some(())
    });
}

#[test]
fn birth_and_state_are_retained_and_the_last_will_tells_of_a_kill() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let receiver = Receiver::start(broker.plain_port, dir);
    let config = Workshop::new(plain_sink(broker.agent_port)).ladder("press", plc.port).write(dir);
    let mut agent = Agent::start(&config, dir);
    receiver.wait_for("the state online", is_state(true));
    receiver.wait_for("the birth", |m| m.topic == "cloudward/huada/ws1/press/birth");

    let late = Receiver::start(broker.plain_port, dir);
    let state = late.wait_for("the retained state", is_state(true));
    assert!(state.retained);
    let birth = late.wait_for("the retained birth", |m| m.topic == "cloudward/huada/ws1/press/birth");
    assert!(birth.retained);
    let json: serde_json::Value = serde_json::from_slice(&birth.payload).unwrap();
    assert_eq!(json["device"], "press");
    let tags: Vec<(&str, &str)> = json["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| (tag["name"].as_str().unwrap(), tag["type"].as_str().unwrap()))
        .collect();
    let expected: Vec<(&str, &str)> = LADDER
        .iter()
        .map(|rung| (rung.name, if matches!(rung.name, "minus" | "half") { "float" } else { "int" }))
        .collect();
    assert_eq!(tags, expected);

    let before = receiver.messages().len();
    agent.sigkill();
    wait_for("the last will", || receiver.messages()[before..].iter().any(is_state(false)).then_some(()));
    let after = Receiver::start(broker.plain_port, dir);
    assert!(after.wait_for("the retained last will", is_state(false)).retained);

    // An agent that ends in order says so itself.
    let mut agent = Agent::start(&config, dir);
    let before = receiver.messages().len();
    wait_for("the state online again", || receiver.messages()[before..].iter().any(is_state(true)).then_some(()));
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    wait_for("the state offline", || receiver.messages()[before..].iter().any(is_state(false)).then_some(()));
}

#[test]
fn nothing_leaves_that_send_does_not_name() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let other = Plc::libmodbus(dir, free_port(), 1);
    let receiver = Receiver::start(broker.plain_port, dir);
    let sink = plain_sink(broker.agent_port).replace(r#"["*", "events"]"#, r#"["press.count"]"#);
    let config = Workshop::new(sink).ladder("press", plc.port).ladder("secret", other.port).write(dir);
    let mut agent = Agent::start(&config, dir);
    collects(&plc, 20);
    collects(&other, 20);
    wait_for("ten values", || (books(&receiver).values("press", "count").len() >= 10).then_some(()));
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    let account = books(&receiver);
    assert_eq!(account.broken, [""; 0], "what is kept back is no gap");
    let left: Vec<_> = account.readings.keys().collect();
    assert_eq!(left, [&("press".to_owned(), "count".to_owned())]);
    let topics: std::collections::BTreeSet<String> = receiver.messages().into_iter().map(|m| m.topic).collect();
    assert!(topics.iter().all(|t| !t.contains("secret") && !t.ends_with("/events")), "{topics:?}");
    let birth = receiver.wait_for("the birth", |m| m.topic.ends_with("/press/birth"));
    assert!(!birth.text().contains("half"), "the birth names what may not leave: {}", birth.text());
}

#[test]
fn sigterm_drains_what_waits_and_ends_with_zero() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let receiver = Receiver::start(broker.plain_port, dir);
    // A commit interval that would keep everything back: only the drain can deliver it.
    let text = Workshop::new(plain_sink(broker.agent_port)).ladder("press", plc.port).text();
    let config = dir.join("workshop.toml");
    fs::write(&config, text.replace(&format!("\"{COMMIT_INTERVAL_MS}ms\""), "\"60s\"")).unwrap();
    let mut agent = Agent::start(&config, dir);
    collects(&plc, 20);
    let until = now_ms() - 100; // a request that is on the wire when the signal comes is nobody's yet
    assert!(books(&receiver).deliveries.is_empty(), "nothing waited");
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    let account = books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    for rung in &LADDER {
        let result = compare(&plc.handed(rung), &account.values("press", rung.name));
        assert_eq!(result.unexplained, [0.0; 0]);
        assert!(result.missing.iter().all(|h| h.ms >= until), "{}: {result}", rung.name);
    }
}

#[test]
fn sighup_keeps_the_old_file_when_the_new_one_has_a_mistake_and_takes_a_good_one_without_a_loss() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let (old, new) = (Plc::libmodbus(dir, free_port(), 1), Plc::libmodbus(dir, free_port(), 1));
    let receiver = Receiver::start(broker.plain_port, dir);
    let workshop = Workshop::new(plain_sink(broker.agent_port)).ladder("old", old.port);
    let config = workshop.write(dir);
    let mut agent = Agent::start(&config, dir);
    collects(&old, 10);
    all_arrives(&receiver, "old", &old);

    let good = fs::read_to_string(&config).unwrap();
    fs::write(&config, good.replace("every = \"100ms\"", "every = \"often\"")).unwrap();
    let line = good.lines().position(|l| l.starts_with("every")).unwrap() + 1;
    let before = agent.log().len();
    agent.sighup();
    let said = agent.wait_log(before, &["CW111", "CW154"]);
    wait_for("the line of the mistake", || agent.log()[before..].contains(&format!("line {line}")).then_some(()));
    assert!(agent.is_running(), "{said}");
    collects(&old, 10);
    all_arrives(&receiver, "old", &old);

    workshop.ladder("new", new.port).write(dir);
    agent.sighup();
    collects(&new, 10);
    all_arrives(&receiver, "new", &new);
    receiver.wait_for("the birth of the new device", |m| m.topic.ends_with("/new/birth"));
    collects(&old, 20);
    all_arrives(&receiver, "old", &old);
    let until = now_ms() - 1000;
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    let account = books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    assert_eq!(check_complete_short(&account, "old", &old, until), 0);
    assert_eq!(check_complete_short(&account, "new", &new, until), 0);
    assert_eq!(account.causes("old", "count"), [""; 0], "the old link was disturbed");
}

/// As [`check_complete`], for runs too short for its minimum.
#[track_caller]
fn check_complete_short(account: &Account, device: &str, plc: &Plc, until: i64) -> usize {
    LADDER
        .iter()
        .map(|rung| {
            let result = compare(&plc.handed(rung), &account.values(device, rung.name));
            assert_eq!(result.unexplained, [0.0; 0], "{device}.{}", rung.name);
            result.missing.iter().filter(|h| h.ms < until).count()
        })
        .sum()
}
