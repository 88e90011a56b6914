//! The agent as it is, with a wall clock that starts in 1970, is set later, and is set again while it runs. What it says of its
//! times is held against the log of the PLC, whose clock was right all the time.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

use common::account::{Account, compare};
use common::agent::Agent;
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::plc::{LADDER, Plc};
use common::receiver::{Message, Receiver};
use common::wall::WallClock;
use common::{free_port, now_ms, temp_dir, wait_for};

const HOUR: i64 = 3_600_000;

/// A time that the agent gives may differ so much from the PLC's: it is that of the answer's arrival, on a busy machine.
const NEAR_MS: i64 = 1_500;

/// PLC, broker, receiver, and the agent's clock; the agent is not there yet.
struct Ground {
    dir: tempfile::TempDir,
    plc: Plc,
    _broker: Mosquitto,
    receiver: Receiver,
    gate: Gate,
    clock: WallClock,
    config: PathBuf,
}

impl Ground {
    /// The gate before the broker is closed.
    fn new(clock: &str) -> Ground {
        let dir = temp_dir();
        let plc = Plc::libmodbus(dir.path(), free_port(), 1);
        let broker = Mosquitto::start_in(dir.path(), Setup::default());
        let receiver = Receiver::start(broker.plain_port, dir.path());
        let gate = Gate::before(broker.agent_port);
        let config = workshop(dir.path(), plc.port, gate.port(), clock);
        let clock = WallClock::new(dir.path());
        Ground { dir, plc, _broker: broker, receiver, gate, clock, config }
    }

    fn start(&self) -> Agent {
        let environment = self.clock.environment();
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Agent::start_with(&self.config, self.dir.path(), &environment)
    }

    /// Ends the agent as an operator does, and waits until what it sent has arrived.
    fn stop(&self, agent: &mut Agent) {
        agent.sigterm();
        assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
        self.receiver.stands();
    }

    /// Events of a kind, oldest first.
    fn events(&self, kind: &str) -> Vec<Json> {
        let all = self.receiver.messages().into_iter().filter(|message| message.topic.ends_with("/events"));
        all.map(|message| json(&message)).filter(|event| event["event"] == kind).collect()
    }

    #[track_caller]
    fn wait_event(&self, what: &str, is_it: impl Fn(&Json) -> bool) -> Json {
        wait_for(what, || self.events("clock").into_iter().find(|event| is_it(event)))
    }

    /// Waits until so many samples more have arrived with this mark.
    #[track_caller]
    fn wait_samples(&self, mark: Option<&str>, more: usize) {
        let count = || self.samples().values().filter(|sample| sample.clock.as_deref() == mark).count();
        let before = count();
        wait_for(&format!("{more} samples marked {mark:?}"), || (count() >= before + more).then_some(()));
    }

    /// Every sample that arrived, by the counter that the PLC answered with; the first time it came.
    fn samples(&self) -> BTreeMap<u32, Sample> {
        let mut samples = BTreeMap::new();
        for message in self.receiver.messages().iter().filter(|message| message.topic.ends_with("/data")) {
            let json = json(message);
            let (boot, _) = json["id"].as_str().unwrap().split_once('-').unwrap();
            for sample in json["samples"].as_array().unwrap() {
                let Some(count) = sample["values"]["count"].as_u64() else { continue };
                let clock = json["clock"].as_str().map(str::to_owned);
                let (ts, mono) = (sample["ts"].as_i64().unwrap(), sample["mono"].as_i64());
                samples.entry(count as u32).or_insert(Sample { boot: boot.to_owned(), clock, ts, mono });
            }
        }
        samples
    }

    /// When the PLC answered with each counter.
    fn answered(&self) -> BTreeMap<u32, i64> {
        self.plc.answered().iter().map(|answer| (answer.counter, answer.ms)).collect()
    }

    /// Nothing that the PLC handed out is missing, and each message follows the one before.
    #[track_caller]
    fn nothing_is_lost(&self) {
        let messages = self.receiver.messages();
        let account = Account::of(messages.iter().map(|message| (message.topic.as_str(), message.payload.as_slice())));
        // A clock that is set back makes times go back; nothing else may be out of order.
        let broken: Vec<&String> = account.broken.iter().filter(|line| !line.contains(" came after ")).collect();
        assert!(broken.is_empty(), "{broken:#?}");
        let comparison = compare(&self.plc.handed(&LADDER[0]), &account.values("press", "count"));
        assert!(comparison.missing.is_empty() && comparison.unexplained.is_empty(), "{comparison}");
    }

    /// The longest pause between two answers of the PLC, and the most answers within a second.
    fn rhythm(&self) -> (i64, usize) {
        let times: Vec<i64> = self.plc.answered().iter().map(|answer| answer.ms).collect();
        let pause = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let within_a_second = |from: &i64| times.iter().filter(|ms| (*from..from + 1_000).contains(ms)).count();
        (pause, times.iter().map(within_a_second).max().unwrap_or(0))
    }

    /// Numbers from the journal, which nobody has open.
    fn journal(&self, sql: &str) -> Vec<Option<i64>> {
        let file = self.dir.path().join("state/journal.sqlite");
        let connection = rusqlite::Connection::open(file).unwrap();
        let mut select = connection.prepare(sql).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

#[derive(Debug)]
struct Sample {
    boot: String,
    clock: Option<String>,
    ts: i64,
    mono: Option<i64>,
}

fn json(message: &Message) -> Json {
    serde_json::from_slice(&message.payload).unwrap()
}

fn workshop(dir: &Path, plc: u16, broker: u16, clock: &str) -> PathBuf {
    let text = format!(
        r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "UTC"
[journal]
dir = "state"
commit_interval = "200ms"
{clock}
[[link]]
name = "press"
modbus_tcp = "127.0.0.1:{plc}"
timeout = "10s"
[[device]]
id = "press"
link = "press"
every = "100ms"
tags = [{{ name = "count", address = "holding:0", type = "u32" }}]
[[sink]]
name = "cloud"
mqtt = "mqtt://127.0.0.1:{broker}"
allow_plaintext = true
send = ["*", "events"]
"#
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

/// Each sample's time, made true as its mark says, is the PLC's.
#[track_caller]
fn times_are_true(samples: &BTreeMap<u32, Sample>, answered: &BTreeMap<u32, i64>, offsets: &BTreeMap<String, i64>) {
    for (count, sample) in samples {
        let ts = match sample.clock.as_deref() {
            Some("untrusted") => sample.mono.unwrap() + offsets[&sample.boot],
            _ => sample.ts,
        };
        let truth = answered[count];
        assert!((ts - truth).abs() < NEAR_MS, "counter {count}: {ts}, but the PLC answered at {truth}: {sample:?}");
    }
}

/// The offsets that events told, by start of the agent.
fn offsets(events: &[Json]) -> BTreeMap<String, i64> {
    let of = |event: &Json| {
        let (boot, _) = event["id"].as_str()?.split_once('-')?;
        Some((boot.to_owned(), event["offset_ms"].as_i64()?))
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_gateway_that_starts_in_1970_marks_its_samples_and_corrects_those_that_wait_when_ntp_comes() {
    let mut ground = Ground::new("");
    ground.gate.open();
    ground.clock.set(HOUR);
    let mut agent = ground.start();
    agent.wait_log(0, &["CW780"]);
    ground.wait_samples(Some("untrusted"), 10);
    assert!(ground.samples().values().all(|sample| sample.ts < 24 * HOUR && sample.mono.is_some()));
    ground.wait_event("the event of an untrusted clock", |event| event["state"] == "untrusted");

    // An outage in which NTP comes; longer than retention takes to look at the age of what waits.
    ground.gate.close();
    let handed = ground.plc.last_counter(&LADDER[0]);
    wait_for("an outage", || (ground.plc.last_counter(&LADDER[0]) > handed + 30).then_some(()));
    ground.clock.synchronize();
    agent.wait_log(0, &["is trusted now"]);
    std::thread::sleep(Duration::from_secs(12));
    ground.gate.open();
    let came = ground.wait_event("the event of a trusted clock", |event| event["state"] == "trusted");
    assert_eq!(came["by"], "ntp");
    assert!(came["clock"].is_null(), "it happened on a clock that is trusted: {came}");
    ground.wait_samples(None, 10);
    ground.stop(&mut agent);

    ground.nothing_is_lost();
    assert_eq!(ground.events("dropped"), Vec::<Json>::new(), "1970 is no age");
    let (samples, events) = (ground.samples(), ground.events("clock"));
    let of = |mark: Option<&str>| samples.values().filter(|sample| sample.clock.as_deref() == mark).count();
    assert!(of(Some("corrected")) >= 30 && of(Some("untrusted")) >= 10, "{samples:?}");
    times_are_true(&samples, &ground.answered(), &offsets(&events));
    let step = events.iter().filter_map(|event| event["step_ms"].as_i64()).sum::<i64>();
    assert!((step - (now_ms() - HOUR)).abs() < 600_000, "{events:?}");
    // The link came up in 1970 too.
    let up = &ground.events("link")[0];
    let up = up["mono"].as_i64().unwrap() + offsets(&events).into_values().next().unwrap();
    assert!((up - ground.plc.answered()[0].ms).abs() < NEAR_MS);
}

#[test]
fn what_waits_on_the_disk_is_corrected_too_and_only_a_start_that_never_was_trusted_stays_marked() {
    let mut ground = Ground::new("");
    ground.clock.set(HOUR);
    let mut never = ground.start();
    never.wait_log(0, &["CW780"]);
    let poll = |ground: &Ground, count: u32| {
        let handed = ground.plc.last_counter(&LADDER[0]);
        wait_for("polling", || (ground.plc.last_counter(&LADDER[0]) >= handed + count).then_some(()));
    };
    poll(&ground, 20);
    never.sigterm();
    never.wait();

    ground.clock.set(2 * HOUR);
    let mut later = ground.start();
    later.wait_log(0, &["CW780"]);
    poll(&ground, 20);
    ground.clock.synchronize();
    later.wait_log(0, &["is trusted now"]);
    poll(&ground, 10);
    later.sigterm();
    later.wait();
    assert_eq!(ground.journal("SELECT count(*) FROM boots WHERE offset IS NOT NULL AND trust = 'ntp'"), [Some(1)]);
    let marks = ground.journal("SELECT DISTINCT clock FROM data ORDER BY clock");
    assert!(marks.starts_with(&[Some(0), Some(1)]), "{marks:?}");
    let as_they_were = ground.journal("SELECT count(*) FROM data WHERE clock = 1 AND at < 86400000");
    assert!(as_they_were[0] >= Some(10), "rows stay as they were written: {as_they_were:?}");

    ground.gate.open();
    let mut last = ground.start();
    ground.wait_samples(None, 10);
    ground.stop(&mut last);
    ground.nothing_is_lost();
    let samples = ground.samples();
    let first = &samples.values().next().unwrap().boot;
    let (of_never, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = samples.iter().partition(|(_, s)| s.boot == *first);
    assert!(of_never.len() >= 20 && of_never.values().all(|sample| sample.clock.as_deref() == Some("untrusted")));
    assert!(rest.values().filter(|sample| sample.clock.as_deref() == Some("corrected")).count() >= 20);
    assert!(rest.values().all(|sample| sample.clock.as_deref() != Some("untrusted")));
    let answered = ground.answered();
    for (count, sample) in rest {
        assert!((sample.ts - answered[count]).abs() < NEAR_MS, "{count}: {sample:?}");
    }
}

#[test]
fn a_clock_that_is_set_forward_and_back_while_it_runs_costs_no_sample_and_disturbs_no_rhythm() {
    let mut ground = Ground::new("");
    ground.gate.open();
    ground.clock.synchronize();
    let mut agent = ground.start();
    ground.wait_samples(None, 10);
    let mut was = 0;
    for shift in [HOUR, 0, -HOUR, 48 * HOUR, 0] {
        ground.clock.shift_by(shift);
        let step = shift - was;
        let is_it = |event: &Json| event["step_ms"].as_i64().is_some_and(|told| (told - step).abs() < NEAR_MS);
        let event = ground.wait_event("the event of a step", is_it);
        assert_eq!((&event["state"], &event["by"]), (&"trusted".into(), &"ntp".into()));
        ground.wait_samples(None, 10);
        was = shift;
    }
    agent.wait_log(0, &["CW782"]);
    ground.stop(&mut agent);
    ground.nothing_is_lost();
    assert!(ground.samples().values().all(|sample| sample.clock.is_none()), "a step takes no trust back");
    assert_eq!(ground.events("clock").len(), 5);
    assert_eq!(ground.events("dropped"), Vec::<Json>::new(), "age is no matter of the wall clock");
    let (pause, within_a_second) = ground.rhythm();
    assert!(pause < 1_500, "the schedule stood still for {pause} ms");
    assert!(within_a_second <= 15, "{within_a_second} scans in a second");
}

#[test]
fn a_clock_that_is_set_to_1970_while_it_runs_is_not_followed() {
    let mut ground = Ground::new("[clock]\ntrust = \"plausible\"");
    ground.gate.open();
    let mut agent = ground.start();
    ground.wait_samples(None, 10);
    ground.clock.set(HOUR);
    agent.wait_log(0, &["CW783"]);
    ground.wait_samples(Some("corrected"), 10);
    ground.clock.shift_by(0);
    agent.wait_log(0, &["is trusted now"]);
    ground.wait_samples(None, 10);
    ground.stop(&mut agent);
    ground.nothing_is_lost();
    times_are_true(&ground.samples(), &ground.answered(), &BTreeMap::new());
}

#[test]
fn years_that_frighten_computers_are_years() {
    const START_OF_2000: i64 = 946_684_800_000;
    const END_OF_I32: i64 = 2_147_483_648_000;
    for second in [START_OF_2000, END_OF_I32] {
        let mut ground = Ground::new("[clock]\ntrust = \"always\"");
        ground.gate.open();
        ground.clock.set(second - 3_000);
        let mut agent = ground.start();
        ground.wait_samples(None, 60);
        ground.stop(&mut agent);
        ground.nothing_is_lost();
        let (samples, answered) = (ground.samples(), ground.answered());
        let (first, last) = (samples.values().next().unwrap(), samples.values().last().unwrap());
        assert!(first.ts < second && second < last.ts, "{first:?} to {last:?}");
        let ahead = |(count, sample): (&u32, &Sample)| sample.ts - answered[count];
        let ahead: Vec<i64> = samples.iter().map(ahead).collect();
        assert!(ahead.iter().all(|ms| (ms - ahead[0]).abs() < NEAR_MS), "{ahead:?}");
    }
}
