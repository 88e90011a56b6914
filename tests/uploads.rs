//! What a broker acknowledged is counted by device, and a stranger who listens at that broker counts the same: after a stop to the last record,
//! after a kill within what the documents promise. And what nobody is to get is not counted as due.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::agent::{Agent, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::plc::Plc;
use common::receiver::Receiver;
use common::{free_port, temp_dir, wait_for};
use serde_json::Value as Json;

fn workshop(dir: &Path, plc: &Plc, sinks: &str) -> PathBuf {
    let port = plc.port;
    let text = format!(
        r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "Asia/Shanghai"
[clock]
trust = "always"
[journal]
dir = "state"
commit_interval = "100ms"
[[link]]
name = "l"
modbus_tcp = "127.0.0.1:{port}"
[[shift]]
name = "early"
start = "00:00"
end = "12:00"
[[shift]]
name = "late"
start = "12:00"
end = "00:00"
[[device]]
id = "d"
link = "l"
tags = [
    {{ name = "count", address = "holding:0", type = "u32", every = "200ms" }},
    {{ name = "run", address = "holding:9", type = "u16", every = "1s", role = "state.run" }},
]
[[device]]
id = "secret"
link = "l"
tags = [{{ name = "count", address = "holding:0", type = "u32", every = "500ms" }}]
{sinks}
"#
    );
    let file = dir.join("workshop.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn sink(name: &str, port: u16, send: &str) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\nmqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true\nsend = [{send}]\nretry_max = \"1s\"\n"
    )
}

/// Positions of data records that the receiver has, by device.
fn received(receiver: &Receiver) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in receiver.messages().iter().filter(|message| message.topic.ends_with("/data")) {
        let json: Json = serde_json::from_slice(&message.payload).unwrap();
        let device = message.topic.rsplit('/').nth(1).unwrap().to_owned();
        all.entry(device).or_default().insert(json["id"].as_str().unwrap().to_owned());
    }
    all
}

/// The report of the days in which the test ran: two, if midnight was in between.
fn report(file: &Path, days: &[&str], device: Option<&str>) -> Vec<Json> {
    let of_day = |day: &&str| {
        let mut args = vec!["report", "--period", day, "--format", "json", "--config", file.to_str().unwrap()];
        args.extend(device.iter().flat_map(|device| ["--device", device]));
        let ended = run_to_end(&args);
        if ended.code == Some(69) {
            return None;
        }
        assert_eq!(ended.code, Some(0), "{ended:?}");
        Some(serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}")))
    };
    days.iter().filter_map(of_day).collect()
}

fn sum(reports: &[Json], pointer: &str) -> u64 {
    reports.iter().filter_map(|report| report.pointer(pointer)?.as_u64()).sum()
}

#[test]
fn what_a_broker_acknowledged_is_counted_as_a_listener_counts_it_over_an_outage_and_a_stop() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut gate = Gate::before(broker.agent_port);
    gate.open();
    let dead = free_port();
    let file = workshop(dir, &plc, &(sink("cloud", gate.port(), "\"d\"") + &sink("dead", dead, "\"d.count\"")));
    let mut agent = Agent::start(&file, dir);
    let count = |receiver: &Receiver| received(receiver).get("d").map_or(0, BTreeSet::len);
    wait_for("thirty records", || (count(&receiver) >= 30).then_some(()));
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));

    // Another start, with the broker out of reach for a while: what waited is acknowledged later.
    gate.close();
    let mut agent = Agent::start(&file, dir);
    agent.wait_log(0, &["sink=cloud"]); // it was refused
    std::thread::sleep(std::time::Duration::from_secs(2));
    let before = count(&receiver);
    gate.open();
    wait_for("a second thirty", || (count(&receiver) >= before + 30).then_some(()));
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));

    let theirs = received(&receiver);
    assert_eq!(theirs.keys().collect::<Vec<_>>(), ["d"], "nothing else was to leave");
    let days = ["yesterday", "today"];
    let sites = report(&file, &days, None);
    let of = |sink: &str, key: &str| -> u64 {
        let sinks = sites.iter().flat_map(|site| site["upload"]["sinks"].as_array().unwrap());
        sinks.filter(|it| it["sink"] == sink).map(|it| it[key].as_u64().unwrap()).sum()
    };
    let heard = theirs["d"].len() as u64;
    assert_eq!(of("cloud", "records_acked"), heard, "{sites:#?}");
    assert_eq!(of("cloud", "records_due"), heard, "it was stopped with nothing on the way");
    assert_eq!(of("dead", "records_acked"), 0);
    // Of the two groups of the machine one is for the dead sink; which of its records are not, is found out when they are its turn.
    assert!(of("dead", "records_due") >= heard / 3, "{sites:#?}");
    let machine = report(&file, &days, Some("d"));
    assert_eq!(sum(&machine, "/link/records_acked"), heard);
    assert!(machine.iter().any(|it| it["link"]["ack_p95_s"].as_f64().is_some_and(|s| s > 0.0)), "{machine:#?}");
    let secret = report(&file, &days, Some("secret"));
    assert!(!secret.is_empty() && secret.iter().all(|it| it["link"]["records_due"].is_null()), "{secret:#?}");
    // One day of the last thirty is not enough; that it was counted is.
    let none = run_to_end(&["report", "--period", "2020-01", "--config", file.to_str().unwrap()]);
    let year = jiff::Zoned::now().strftime("%Y-").to_string();
    assert!(
        none.stderr.contains("CW943") && none.stderr.contains(&year),
        "hours that are not over count too: {none:?}"
    );
    let explained =
        run_to_end(&["explain", "C4", "--device", "d", "--period", "today", "--config", file.to_str().unwrap()]);
    assert!(explained.stdout.contains("cloud") && explained.stdout.contains("upload_completeness"), "{explained:?}");
    let last = sites.last().unwrap();
    assert_eq!(last["rates"]["clouded_rate"]["den"], 2);
    assert!(last["ledger"]["clouded"].is_number());
}

#[test]
fn a_kill_takes_no_more_than_the_last_minute_from_the_counts_and_makes_no_share_larger_than_one() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let file = workshop(dir, &plc, &sink("cloud", broker.agent_port, "\"d\""));
    let count = |receiver: &Receiver| received(receiver).get("d").map_or(0, BTreeSet::len);
    for _ in 0..3 {
        let mut agent = Agent::start(&file, dir);
        let before = count(&receiver);
        wait_for("twenty more", || (count(&receiver) >= before + 20).then_some(()));
        agent.sigkill();
    }
    let mut agent = Agent::start(&file, dir);
    let before = count(&receiver);
    wait_for("twenty more", || (count(&receiver) >= before + 20).then_some(()));
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0));
    let sites = report(&file, &["yesterday", "today"], None);
    let heard = count(&receiver) as u64;
    let (due, acked) = (sum(&sites, "/upload/records_due"), sum(&sites, "/upload/records_acked"));
    // Each of the three killed runs was shorter than a minute, so that all of them may be missing; the last one is there.
    assert!(acked <= due && acked <= heard, "{acked} of {due}, {heard} heard");
    assert!(acked >= heard - before as u64, "{acked} of {due}; the last run alone had {}", heard - before as u64);
}
