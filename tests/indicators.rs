//! The figures of the real agent: a machine whose bits and counters are set here, seen through a kill in the middle of a state, a link
//! that is cut, a reload and the end of a shift. What is in the journal and at the receiver is compared with what the machine did.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use cloudward::config::Config;
use cloudward::indicator::{Amount, Cell, Engine, Interval, Plan};
use cloudward::journal::{Look, Place};
use cloudward::model::{State, Timestamp};
use common::agent::Agent;
use common::broker::{Mosquitto, Setup};
use common::receiver::Receiver;
use common::{now_ms, temp_dir, wait_for};
use serde_json::Value as Json;

/// What the machine says now.
#[derive(Debug, Clone, Copy, Default)]
struct Face {
    run: bool,
    fault: bool,
    total: u32,
    bad: u32,
    /// Connections are closed, new ones at once.
    is_dark: bool,
    /// Counters rise with each answer while it runs.
    is_counting: bool,
}

/// A machine with coils `run`, `fault` and the counters `total`, `bad` in holding registers 0 and 2.
#[derive(Clone)]
struct Machine {
    port: u16,
    face: Arc<Mutex<Face>>,
}

impl Machine {
    fn start() -> Machine {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let machine = Machine { port: listener.local_addr().unwrap().port(), face: Arc::default() };
        let face = machine.face.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let face = face.clone();
                thread::spawn(move || serve(stream.unwrap(), &face));
            }
        });
        machine
    }

    fn set(&self, change: impl FnOnce(&mut Face)) {
        change(&mut self.face.lock().unwrap());
    }

    fn face(&self) -> Face {
        *self.face.lock().unwrap()
    }
}

/// Functions 1 and 3 of Modbus TCP, until somebody closes the connection.
fn serve(mut stream: TcpStream, face: &Mutex<Face>) -> Option<()> {
    loop {
        let mut head = [0; 12];
        stream.read_exact(&mut head).ok()?;
        let face = {
            let mut face = face.lock().ok()?;
            if face.is_counting && face.run && !face.is_dark {
                face.total += 1;
                face.bad += u32::from(face.total.is_multiple_of(10));
            }
            *face
        };
        if face.is_dark {
            return None;
        }
        let (first, count) = (u16::from_be_bytes([head[8], head[9]]), u16::from_be_bytes([head[10], head[11]]));
        let data: Vec<u8> = match head[7] {
            1 => vec![(u8::from(face.run) | u8::from(face.fault) << 1) >> first],
            _ => {
                let all: Vec<u8> = [face.total.to_be_bytes(), face.bad.to_be_bytes()].concat();
                all[usize::from(first) * 2..usize::from(first + count) * 2].to_vec()
            }
        };
        let mut answer = head[..4].to_vec();
        answer.extend(u16::to_be_bytes(data.len() as u16 + 3));
        answer.extend([head[6], head[7], data.len() as u8]);
        answer.extend(data);
        stream.write_all(&answer).ok()?;
    }
}

/// A machine, a broker with a receiver, and the file of an agent between them.
struct Site {
    dir: tempfile::TempDir,
    machine: Machine,
    broker: Mosquitto,
    receiver: Receiver,
}

const TAGS: [&str; 4] = [
    r#"{ name = "run", address = "coil:0", type = "bool", role = "state.run", deadband = 0 }"#,
    r#"{ name = "fault", address = "coil:1", type = "bool", role = "state.fault", deadband = 0 }"#,
    r#"{ name = "total", address = "holding:0", type = "u32", role = "count.total" }"#,
    r#"{ name = "bad", address = "holding:2", type = "u32", role = "count.bad" }"#,
];

impl Site {
    fn new() -> Site {
        let dir = temp_dir();
        let broker = Mosquitto::start_in(dir.path(), Setup::default());
        let receiver = Receiver::start(broker.plain_port, dir.path());
        Site { dir, machine: Machine::start(), broker, receiver }
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("workshop.toml")
    }

    /// `border`: a time of day in Shanghai at which one shift ends and the other begins.
    fn write(&self, border: &str, more: &str) {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
             [clock]\ntrust = \"always\"\n\
             [journal]\ndir = \"state\"\ncommit_interval = \"200ms\"\n\
             [[shift]]\nname = \"a\"\nstart = \"{border}\"\nend = \"{border}\"\n\
             [[link]]\nname = \"plc\"\nmodbus_tcp = \"127.0.0.1:{}\"\ntimeout = \"1s\"\nretry = \"100ms\"\nretry_max = \"300ms\"\n\
             [[device]]\nid = \"m\"\nlink = \"plc\"\nevery = \"200ms\"\nstale_after = \"1s\"\nmicrostop = \"1s\"\n\
             min_failure = \"1s\"\n{more}\ntags = [\n{}\n]\n\
             [[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{}\"\nallow_plaintext = true\nsend = [\"indicators\"]\n",
            self.machine.port,
            TAGS.join(",\n"),
            self.broker.agent_port,
        );
        fs::write(self.config(), text).unwrap();
    }

    fn look(&self) -> Look {
        let dir = self.dir.path().join("state");
        Look::open(&dir, &Place::in_dir(&dir).unwrap()).unwrap()
    }

    fn log(&self) -> Vec<Interval> {
        let rows = self.look().intervals(Timestamp(0), Timestamp(i64::MAX), Some("m")).unwrap();
        let whole = |row: &cloudward::journal::IntervalRow| {
            let interval: Interval = serde_json::from_str(&row.body).unwrap();
            assert_eq!(
                (interval.start, interval.end, interval.state.as_str()),
                (row.start, row.end, row.state.as_str())
            );
            interval
        };
        rows.iter().map(whole).collect()
    }

    /// Cells that are settled, and those in the snapshot that are not.
    fn cells(&self) -> Vec<Cell> {
        let look = self.look();
        let rows = look.cells(Timestamp(0), Timestamp(i64::MAX), Some("m")).unwrap();
        let mut cells: Vec<Cell> = rows.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect();
        let config = Config::parse(&fs::read_to_string(self.config()).unwrap()).unwrap();
        let plan = Arc::new(Plan::all(&config).remove(0));
        let snapshot = look.snapshot("m").unwrap().expect("a snapshot");
        let engine = Engine::restore(plan, &snapshot.body).expect("one that reads back");
        cells.extend(engine.open_cells().cloned());
        cells
    }

    /// The events of this kind, in order.
    fn events(&self, kind: &str) -> Vec<Json> {
        let messages = self.receiver.messages();
        let events = messages.iter().filter(|message| message.topic == "cloudward/e/w/events");
        let events = events.map(|message| serde_json::from_slice::<Json>(&message.payload).unwrap());
        events.filter(|event| event["event"] == kind).collect()
    }

    fn states(&self) -> Vec<String> {
        self.events("state").iter().map(|event| event["state"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn wait_state(&self, state: &str) {
        wait_for(&format!("{state} behind {:?}", self.states()), || {
            self.states().last().is_some_and(|last| last == state).then_some(())
        });
    }
}

fn pieces(cells: &[Cell]) -> (Amount, Amount) {
    let zero = Amount::default();
    cells.iter().fold((zero, zero), |(all, bad), cell| (all + cell.sums.pieces(), bad + cell.sums.bad()))
}

/// The log has no hole and no overlap; nothing is counted twice, and nothing is forgotten.
#[track_caller]
fn agrees(site: &Site, first: Face) {
    let log = site.log();
    for pair in log.windows(2) {
        assert_eq!(pair[0].end, pair[1].start, "{log:#?}");
    }
    let (cells, face) = (site.cells(), site.machine.face());
    let counted = (i64::from(face.total - first.total), i64::from(face.bad - first.bad));
    assert_eq!(pieces(&cells), (Amount::whole(counted.0), Amount::whole(counted.1)), "{cells:#?}");
    for pair in cells.windows(2) {
        assert_eq!(pair[0].end, pair[1].start, "{cells:#?}");
    }
}

/// The next full minute that leaves time to begin before it: the time of day in Shanghai, and its moment.
fn next_border() -> (String, i64) {
    const MINUTE_MS: i64 = 60_000;
    let at = ((now_ms() + MINUTE_MS / 2) / MINUTE_MS + 1) * MINUTE_MS;
    let local = (at / MINUTE_MS + 8 * 60).rem_euclid(24 * 60);
    (format!("{:02}:{:02}", local / 60, local % 60), at)
}

#[test]
fn a_kill_a_cut_link_and_a_reload_leave_unknown_time_and_no_piece_is_lost_or_counted_twice() {
    let site = Site::new();
    site.write("00:00", "");
    site.machine.set(|face| (face.run, face.total, face.bad) = (true, 100, 10));
    let first = site.machine.face();
    let mut agent = Agent::start(&site.config(), site.dir.path());
    site.wait_state("run");
    site.machine.set(|face| face.is_counting = true);
    sleep(Duration::from_millis(1_500));
    site.machine.set(|face| face.fault = true);
    site.wait_state("fault");
    sleep(Duration::from_millis(1_500));
    site.machine.set(|face| face.fault = false);
    site.wait_state("run");

    // In the middle of a run, while pieces are made.
    sleep(Duration::from_secs(1));
    let killed = now_ms();
    agent.sigkill();
    site.machine.set(|face| face.total += 7);
    sleep(Duration::from_secs(3));
    let mut agent = Agent::start(&site.config(), site.dir.path());
    let restarted = now_ms();
    agent.wait_log(0, &["link `plc` is connected"]);
    sleep(Duration::from_secs(2));
    site.wait_state("run");

    // The link is cut for longer than `stale_after`.
    let before = site.states().len();
    site.machine.set(|face| face.is_dark = true);
    wait_for("unknown", || site.states()[before..].contains(&"unknown".into()).then_some(()));
    site.machine.set(|face| (face.total, face.is_dark) = (face.total + 5, false));
    site.wait_state("run");

    // A changed device goes on.
    site.write("00:00", "name = \"another\"");
    let written = agent.log().len();
    agent.sighup();
    agent.wait_log(written, &["CW", "reload", "in force"]);
    sleep(Duration::from_secs(1));
    site.machine.set(|face| (face.is_counting, face.run) = (false, false));
    site.wait_state("idle");
    sleep(Duration::from_secs(2)); // what was counted last has been read
    agent.sigterm();
    assert!(agent.wait().success(), "{}", agent.log());
    site.receiver.stands();

    agrees(&site, first);
    let log = site.log();
    let unknown: Vec<&Interval> = log.iter().filter(|it| it.state == State::Unknown).collect();
    let covers = |from: i64, to: i64| unknown.iter().any(|it| it.start.0 <= from && it.end.0 >= to);
    assert!(covers(killed, restarted), "the kill from {killed} to {restarted} in {log:#?}");
    assert!(unknown.len() >= 2, "the cut link in {log:#?}");
    assert!(unknown.iter().all(|it| it.ms() < 10_000), "no more than that: {log:#?}");
    let faults: Vec<u64> = log.iter().filter(|it| it.state == State::Fault).map(Interval::ms).collect();
    assert!(faults.len() == 1 && (1_000..4_000).contains(&faults[0]), "{log:#?}");
    let gap: Amount = site.cells().iter().fold(Amount::default(), |sum, cell| sum + cell.sums.gap_pieces());
    assert!(gap >= Amount::whole(12), "counters go on over both gaps, and say so: {gap:?}");

    // What a receiver that comes now learns.
    let late = Receiver::start(site.broker.plain_port, site.dir.path());
    let kept = late.wait_for("the kept state", |message| message.topic == "cloudward/e/w/m/state");
    assert!(kept.retained);
    let kept: Json = serde_json::from_slice(&kept.payload).unwrap();
    assert_eq!((&kept["device"], &kept["state"]), (&"m".into(), &"idle".into()));
    let tags = site.receiver.messages().iter().any(|message| message.topic.ends_with("/data"));
    assert!(!tags, "the word `indicators` opens no tag");
}

#[test]
fn a_shift_that_ends_is_reported_with_what_the_machine_counted_in_it() {
    let site = Site::new();
    let (border, end) = next_border();
    site.write(&border, "");
    site.machine.set(|face| (face.run, face.total) = (true, 100));
    let mut agent = Agent::start(&site.config(), site.dir.path());
    site.wait_state("run");
    site.machine.set(|face| face.is_counting = true);
    sleep(Duration::from_secs(2));
    // Stands a while before the border, so that the pieces are of one shift.
    site.machine.set(|face| (face.run, face.is_counting) = (false, false));
    let made = site.machine.face();
    site.wait_state("idle");
    assert!(now_ms() < end - 1_000, "half a minute was not enough to begin");
    let left = u64::try_from(end - now_ms()).unwrap();
    sleep(Duration::from_millis(left)); // up to a minute and a half, longer than anything is waited for
    let report = wait_for("the report of the shift", || {
        site.events("indicator").into_iter().find(|event| event["period"]["kind"] == "shift")
    });
    assert_eq!((&report["device"], &report["period"]["end"]), (&"m".into(), &end.into()), "{report:#}");
    assert_eq!(report["figures"]["output"]["value"], f64::from(made.total - 100), "{report:#}");
    assert_eq!(report["figures"]["output_bad"]["value"], f64::from(made.bad), "{report:#}");
    assert_eq!(report["revision"], 0);
    let lived = report["time_ms"].as_object().unwrap();
    assert!(lived["run"].as_u64().unwrap() >= 2_000 && lived["idle"].as_u64().unwrap() > 0, "{report:#}");
    agent.sigterm();
    assert!(agent.wait().success(), "{}", agent.log());
    site.receiver.stands();
    let reports = site.events("indicator").into_iter().filter(|event| event["period"] == report["period"]);
    assert_eq!(reports.count(), 1, "once");
    agrees(&site, Face { total: 100, ..Face::default() });
}
