//! Meters of DL/T 645-2007 on a serial line that they share with Modbus units. The meters are the PyPI package dlt645, the unit is
//! pymodbus; a script plays the meter where it must misbehave.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use cloudward::config::Config;
use cloudward::config::dlt645::{DataId, Format, Known};
use cloudward::model::{Batch, Reading, Value, Why};
use cloudward::source::dlt645::frame::frame;
use cloudward::source::poller::Place;
use cloudward::source::{Heard, Outlet};
use cloudward::source::{LinkStatus, Poller};
use common::agent::run_to_end;
use common::bus::{Bus, Wire};
use common::link::read;
use common::plc::Plc;
use common::{PATIENCE, prepared, temp_dir};

const METER: &str = "123456789012";
const NEIGHBOUR: &str = "000000000001";

/// What a link hears.
struct Link {
    heard: mpsc::Receiver<Heard>,
    _status: watch::Receiver<LinkStatus>,
    _stop: watch::Sender<bool>,
}

impl Link {
    fn start(port: &Path, devices: &str) -> Link {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\n\
             timeout = \"300ms\"\nretry = \"100ms\"\nretry_max = \"100ms\"\nmodbus_rtu = \"{}\"\nbaud = 19200\n{devices}",
            port.display()
        );
        let config = Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{text}"));
        let (sender, heard) = mpsc::channel(10_000);
        let outlet = Outlet::new(sender, Arc::default(), std::thread::current(), usize::MAX);
        let (status, seen) = watch::channel(LinkStatus::default());
        let (stop, stopped) = watch::channel(false);
        let state_dir = std::env::temp_dir().join("cloudward-keeps-nothing-here");
        let place = Place { outlet, started: Instant::now(), status, seat: None, state_dir };
        tokio::spawn(Poller::new(&config, config.links[0].clone(), place).run(stopped));
        Link { heard, _status: seen, _stop: stop }
    }

    async fn batch(&mut self, device: &str) -> Batch {
        loop {
            match tokio::time::timeout(Duration::from_secs(30), self.heard.recv()).await {
                Ok(Some(Heard::Batch(batch))) if &*batch.group.device == device => return batch,
                Ok(Some(_)) => {}
                _ => panic!("no batch of {device} came"),
            }
        }
    }

    /// Waits for readings that must come; a link that never brings them fails the test instead of hanging it.
    async fn until(&mut self, device: &str, expected: &[Reading]) {
        let began = Instant::now();
        let mut last = Vec::new();
        while began.elapsed() < PATIENCE {
            last = read(&self.batch(device).await);
            if last == expected {
                return;
            }
        }
        panic!("{expected:?} never came, only {last:?}");
    }
}

fn device(id: &str, whom: &str, tags: &[(&str, &str)]) -> String {
    let tags: Vec<String> = tags
        .iter()
        .enumerate()
        .map(|(n, (address, more))| format!("{{ name = \"t{n}\", address = \"{address}\"{more} }}"))
        .collect();
    format!("[[device]]\nid = \"{id}\"\nlink = \"l\"\n{whom}\nevery = \"100ms\"\ntags = [{}]\n", tags.join(", "))
}

fn meter(id: &str, address: &str, tags: &[&str]) -> String {
    let tags: Vec<(&str, &str)> = tags.iter().map(|tag| (*tag, "")).collect();
    device(id, &format!("meter = \"{address}\""), &tags)
}

fn good(value: f64) -> Reading {
    Reading::Good(Value::F64(value))
}

fn text(text: &str) -> Reading {
    Reading::Good(Value::Text(text.into()))
}

#[tokio::test]
async fn a_foreign_meter_is_read_by_its_identifiers_alone() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let _meters = Plc::meters(&wire.there, &[METER]);
    let tags = [
        "00-01-00-00",
        "00-00-00-00",
        "02-01-01-00",
        "02-01-02-00",
        "02-01-03-00",
        "02-02-01-00",
        "02-03-00-00",
        "02-06-00-00",
        "02-80-00-02",
        "04-00-01-02",
        "04-00-04-02",
    ];
    let expected = [
        good(123_456.78),
        good(-12.34),
        // This meter has no blocks, so the three voltages were first asked for in vain, then one by one.
        good(220.1),
        good(221.2),
        good(222.3),
        good(-1.25),
        good(-0.1234),
        good(0.987),
        good(49.98),
        text("18:07:59"),
        text(METER),
    ];
    let mut link = Link::start(&wire.here, &meter("m", METER, &tags));
    link.until("m", &expected).await;
    assert_eq!(read(&link.batch("m").await), expected, "and so it stays");
}

#[tokio::test]
async fn a_shortened_address_finds_the_only_meter_on_the_line() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let _meters = Plc::meters(&wire.there, &[METER]);
    let mut link = Link::start(&wire.here, &meter("m", "AAAAAAAAAAAA", &["04-00-04-02"]));
    link.until("m", &[text(METER)]).await;
}

#[tokio::test]
async fn meters_and_a_modbus_unit_share_a_line_and_none_of_them_takes_the_others_readings() {
    let dir = temp_dir();
    let bus = Bus::new(dir.path(), &["unit", "meter", "neighbour"]);
    let _unit = Plc::pymodbus_serial(dir.path(), &format!("rtu:{}", bus.party(0).display()));
    let _meter = Plc::meters(bus.party(1), &[METER]);
    let _neighbour = Plc::meters(bus.party(2), &[NEIGHBOUR]);
    let unit = device("plc", "unit = 1", &[("holding:0", ", type = \"u32\"")]);
    let devices = [
        meter("m", METER, &["02-01-01-00"]),
        unit,
        meter("n", NEIGHBOUR, &["04-00-04-02"]),
        meter("nobody", "77", &["02-01-01-00"]),
    ];
    // Gaps that a question to somebody silent fits into.
    let mut link = Link::start(bus.master(), &devices.concat().replace("100ms", "700ms"));
    let ladder_goes_on = async |link: &mut Link| {
        for _ in 0..5 {
            let readings = read(&link.batch("plc").await);
            assert!(matches!(readings[..], [Reading::Good(Value::I64(_))]), "{readings:?}");
        }
    };
    link.until("m", &[good(220.1)]).await;
    link.until("n", &[text(NEIGHBOUR)]).await;
    link.until("nobody", &[Reading::Bad(Why::Timeout)]).await;
    ladder_goes_on(&mut link).await;

    bus.switch(1, false);
    link.until("m", &[Reading::Bad(Why::Timeout)]).await;
    ladder_goes_on(&mut link).await;
    link.until("n", &[text(NEIGHBOUR)]).await;

    bus.switch(1, true);
    bus.switch(0, false);
    link.until("plc", &[Reading::Bad(Why::Timeout)]).await;
    link.until("m", &[good(220.1)]).await;
}

#[tokio::test]
async fn an_identifier_that_a_meter_refuses_costs_its_own_tag_alone() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let _meters = Plc::meters(&wire.there, &[METER]);
    let tags = [("02-01-01-00", ""), ("05-00-99-01", ", type = \"bcd4.2\""), ("00-01-00-00", ", scale = 80")];
    let mut link = Link::start(&wire.here, &device("m", &format!("meter = \"{METER}\""), &tags));
    let expected = |why| [good(220.1), Reading::Bad(why), good(9_876_542.4)];
    // The package refuses a class that it does not have with "other error".
    link.until("m", &expected(Why::DeviceFailure)).await;
    assert_eq!(read(&link.batch("m").await), expected(Why::DeviceFailure));
    drop(link);
    let tags = [("02-01-01-00", ""), ("02-01-99-00", ", type = \"bcd2.1\""), ("00-01-00-00", ", scale = 80")];
    let mut link = Link::start(&wire.here, &device("m", &format!("meter = \"{METER}\""), &tags));
    link.until("m", &expected(Why::IllegalAddress)).await;
}

/// A meter that answers with what the script makes of control code, identifier (DI3 first) and the rest of the data; and
/// every request, in order.
fn play(
    there: &Path,
    script: impl Fn(u8, &[u8]) -> Option<(u8, Vec<u8>)> + Send + 'static,
) -> Arc<std::sync::Mutex<Vec<String>>> {
    let port = serial2_tokio::SerialPort::open(there, 19_200).unwrap();
    let requests: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let log = requests.clone();
    tokio::spawn(async move {
        let mut received = Vec::new();
        let mut byte = [0];
        while port.read(&mut byte).await.is_ok() {
            received.push(byte[0]);
            let Some(start) = received.iter().position(|byte| *byte == 0x68) else { continue };
            let request = &received[start..];
            let Some(length) = request.get(9).map(|length| usize::from(*length)) else { continue };
            if request.len() < 12 + length {
                continue;
            }
            let data: Vec<u8> = request[10..10 + length].iter().map(|byte| byte.wrapping_sub(0x33)).collect();
            let id = DataId([data[3], data[2], data[1], data[0]]);
            log.lock().unwrap().push(format!("{:02x} {id}{:02x?}", request[8], &data[4..]));
            if let Some((control, answer)) = script(request[8], &data) {
                let address = request[1..7].try_into().unwrap();
                port.write_all(&[&request.to_vec()[..], &[0xFE; 2], &frame(address, control, &answer)].concat())
                    .await
                    .unwrap();
            }
            received.clear();
        }
    });
    requests
}

#[tokio::test]
async fn phases_are_read_in_one_block_behind_the_echo_of_the_request() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let requests = play(&wire.there, |_, id| Some((0x91, [id, &[0x01, 0x22, 0x02, 0x22, 0x03, 0x22]].concat())));
    let mut link = Link::start(&wire.here, &meter("m", METER, &["02-01-03-00", "02-01-01-00"]));
    link.until("m", &[good(220.3), good(220.1)]).await;
    assert!(requests.lock().unwrap().iter().all(|request| request == "11 02-01-FF-00[]"), "{requests:?}");
}

#[tokio::test]
async fn an_answer_in_several_frames_is_put_together() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let requests = play(&wire.there, |control, data| match (control, data) {
        (0x11, id) => Some((0xB1, [id, &[0x78, 0x56]].concat())),
        (0x12, [_, _, _, _, 1]) => Some((0x92, [&data[..4], &[0x34, 0x12, 1]].concat())),
        _ => None,
    });
    let mut link = Link::start(&wire.here, &meter("m", METER, &["00-01-00-00"]));
    link.until("m", &[good(123_456.78)]).await;
    assert_eq!(requests.lock().unwrap()[..2], ["11 00-01-00-00[]", "12 00-01-00-00[01]"]);
}

#[tokio::test]
async fn a_value_of_another_length_is_no_value_and_a_refused_one_is_not_asked_for_every_time() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let requests = play(&wire.there, |_, id| match id[3] {
        0 => Some((0x91, [id, &[0x78, 0x56, 0x34, 0x12, 0x00]].concat())),
        _ => Some((0xD1, vec![0x02])),
    });
    let mut link = Link::start(&wire.here, &meter("m", METER, &["00-01-00-00", "02-80-00-02"]));
    for _ in 0..5 {
        link.until("m", &[Reading::Bad(Why::Malformed), Reading::Bad(Why::IllegalAddress)]).await;
    }
    let count = |id: &str| requests.lock().unwrap().iter().filter(|request| request.contains(id)).count();
    assert_eq!(count("02-80-00-02"), 1);
    assert!(count("00-01-00-00") >= 5);
}

#[tokio::test]
async fn an_identifier_that_a_meter_passes_over_in_silence_costs_its_own_tag_alone() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let requests = play(&wire.there, |_, id| match id[3] {
        0 => Some((0x91, [id, &[0x78, 0x56, 0x34, 0x12]].concat())),
        _ => None,
    });
    let mut link = Link::start(&wire.here, &meter("m", METER, &["02-80-00-02", "00-01-00-00"]));
    for _ in 0..6 {
        link.until("m", &[Reading::Bad(Why::Timeout), good(123_456.78)]).await;
    }
    let count = requests.lock().unwrap().iter().filter(|request| request.contains("02-80-00-02")).count();
    assert!(count <= 4, "it is left alone in the end, but was asked for {count} times");
}

/// What the package dlt645 knows of each identifier, against what is known here.
#[test]
fn lengths_and_decimals_are_those_of_a_table_that_was_not_made_here() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/dlt645_meter.py");
    let output = Command::new(prepared("venv/bin/python")).args([script, "--table"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut compared = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (id, theirs) = line.split_once(' ').unwrap();
        let Some(known) = Known::of(DataId::parse(id).unwrap()) else { continue };
        let format = known.item(None).unwrap().format;
        let digits = theirs.chars().filter(|c| *c != '.').count();
        let decimals = theirs.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let ours = match format {
            Format::Number { decimals, .. } => usize::from(decimals),
            _ => 0,
        };
        assert_eq!((usize::from(format.bytes()), ours), (digits / 2, decimals), "{id} {theirs} {format}");
        compared += 1;
    }
    assert!(compared > 500, "only {compared} identifiers were compared");
}

#[tokio::test]
async fn a_meter_is_read_by_hand() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path(), "line");
    let _meters = Plc::meters(&wire.there, &[METER]);
    let port = wire.here.display().to_string();
    let file = dir.path().join("w.toml");
    let config = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"meters\"\nmodbus_rtu = \"{port}\"\n{}",
        meter("m", METER, &["02-01-01-00"]).replace("link = \"l\"", "link = \"meters\"")
    );
    std::fs::write(&file, config).unwrap();
    let read = async |args: Vec<String>| {
        tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run_to_end(&[&["read", "--timeout", "500ms"][..], &args].concat())
        })
        .await
        .unwrap()
    };
    let words = |text: &str| text.split_whitespace().map(|word| word.replace("PORT", &port)).collect::<Vec<String>>();
    let by_number = read(words(&format!("PORT 02-01-01-00 --meter {METER}"))).await;
    assert!(by_number.code == Some(0) && by_number.stdout == "02-01-01-00  220.1 V  [22 01]\n", "{by_number:?}");
    let by_link = read(words(&format!("meters 00-01-00-00 --config {}", file.display()))).await;
    assert!(by_link.code == Some(0) && by_link.stdout.starts_with("00-01-00-00  123456.78 kWh"), "{by_link:?}");
    let other = read(words("PORT 02-01-01-00 --meter 000000009999")).await;
    assert!(other.code == Some(69) && other.stderr.contains("[CW618]"), "{other:?}");
    let none = read(words(&format!("PORT 02-01-99-00 bcd2.1 --meter {METER}"))).await;
    assert!(none.code == Some(69) && none.stderr.contains("[CW617]"), "{none:?}");
    let on_tcp = read(words("127.0.0.1 02-01-01-00 --meter 1")).await;
    assert!(on_tcp.code == Some(64) && on_tcp.stderr.contains("[CW620]"), "{on_tcp:?}");
}
