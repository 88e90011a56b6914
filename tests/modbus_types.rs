//! Every type of docs/MODBUS.md on its whole way: from a line of the configuration over the wire into the journal, out of
//! it and into the payload. The device is scripted, so that its registers are those of the table below and no others. What
//! the registers mean is not our word alone: pymodbus encodes, and we read.

mod common;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use cloudward::config::Config;
use cloudward::journal::{Found, Journal, Limits, NewData, Reader, Settings};
use cloudward::model::{Batch, BootId, Reading, Scan, Timestamp};
use cloudward::sink::{Scope, payload};
use cloudward::source::modbus::decode::{Answer, decode};
use cloudward::source::poller::Place;
use cloudward::source::{Heard, Outlet};
use cloudward::source::{LinkStatus, Poller};

/// Registers from 0 on.
const REGISTERS: [u16; 20] = [
    0x8c05, // 0: bits 0, 2, 10, 11, 15
    0x3555, // 1: a third as a half float
    0x1234, // 2: BCD
    0x9876, 0x5432, // 3: BCD of eight digits
    0x12a4, // 5: no BCD
    0x5058, 0x2d31, 0x3720, // 6: "PX-17 "
    0xcfc1, 0xb2cd, 0x0000, // 9: GBK, the second byte first
    0x0007, // 12: a state without a name
    0x0001, // 13: a state with a name
    0x0000, 0x0001, 0x0000, 0x0000, // 14: 2^32 as u64 ABCD
    0xe241, 0x0022, // 18: no UTF-8; a control character's neighbour
];

const TAGS: &str = r#"
    { name = "bit", address = "40001.15", type = "bool" },
    { name = "hi", address = "holding:0.hi", type = "u8" },
    { name = "signed", address = "0x0000.hi", type = "i8" },
    { name = "lo", address = "400001.lo", type = "u8", scale = 0.5 },
    { name = "half", address = "40002", type = "f16" },
    { name = "bcd", address = "40003", type = "bcd16", scale = 0.01 },
    { name = "bcd8", address = "40004", type = "bcd32" },
    { name = "nobcd", address = "40006", type = "bcd16" },
    { name = "order", address = "40007", type = "text", length = 6 },
    { name = "part", address = "40010", type = "text", length = 6, encoding = "gbk", order = "BA" },
    { name = "odd", address = "40019", type = "text", length = 3, encoding = "utf8" },
    { name = "state", address = "40013", type = "u16", values = { 0 = "stopped", 1 = "running" } },
    { name = "mode", address = "40014", type = "u16", values = { 0 = "手动", 1 = "自动" } },
    { name = "door", address = "40001.0", type = "bool", values = { 0 = "open", 1 = "closed" } },
    { name = "energy", address = "40015", type = "u64" },"#;

/// Answers function code 3 from [`REGISTERS`].
async fn serve(mut stream: TcpStream) {
    let mut request = [0_u8; 12];
    while stream.read_exact(&mut request).await.is_ok() {
        let [start, count] = [8, 10].map(|at| usize::from(u16::from_be_bytes([request[at], request[at + 1]])));
        let words = &REGISTERS[start..start + count];
        let mut bytes = request[..4].to_vec();
        bytes.extend((3 + 2 * count as u16).to_be_bytes());
        bytes.extend([request[6], 3, 2 * count as u8]);
        words.iter().for_each(|word| bytes.extend(word.to_be_bytes()));
        if request[7] != 3 || stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// The first scan of the device.
async fn scanned(config: &Config) -> Batch {
    let (sender, mut heard) = mpsc::channel(100);
    let outlet = Outlet::new(sender, Arc::default(), std::thread::current(), usize::MAX);
    let (_stop, stopped) = watch::channel(false);
    let status = watch::Sender::new(LinkStatus::default());
    let nowhere = tempfile::tempdir().expect("a directory");
    let place = Place { outlet, started: Instant::now(), status, seat: None, state_dir: nowhere.path().to_owned() };
    tokio::spawn(Poller::new(config, config.links[0].clone(), place).run(stopped));
    loop {
        match tokio::time::timeout(Duration::from_secs(20), heard.recv()).await {
            Ok(Some(Heard::Batch(batch))) => return batch,
            Ok(Some(Heard::Event(..))) => {}
            _ => panic!("no scan came"),
        }
    }
}

#[tokio::test]
async fn every_type_travels_from_its_line_to_the_payload() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    let config = with_tags(port, TAGS);
    let batch = scanned(&config).await;

    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build has room");
    let max_age = Duration::from_secs(86_400 * 365_000);
    let settings = Settings { dir: dir.path().to_owned(), limits: Limits { max_age, ..Limits::default() } };
    let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).expect("a new journal opens");
    let scan = Scan { at: Timestamp(1_767_225_600_000), mono_ms: 5, readings: batch.readings, stamps: None };
    let numbered = journal.number(vec![NewData::new(batch.group, vec![scan])], Vec::new());
    journal.commit(&numbered.data, &numbered.events).expect("it commits");

    let mut reader = Reader::open(&journal.reader()).expect("it can be read");
    let records = reader
        .data_between(0, u64::MAX, 100, 1_000_000)
        .expect("it can be read")
        .into_iter()
        .filter_map(Found::record)
        .collect::<Vec<_>>();
    let scope = Scope::new(&["*".to_owned()]);
    let mask = scope.mask("d", &records[0].group.tags);
    let found = payload::data(&records[0], &mask, 0).expect("all is in scope");
    let expected = concat!(
        r#"{"device":"d","id":"000000000001-data-1","prev":0,"samples":[{"ts":1767225600000,"values":{"#,
        r#""bit":true,"hi":140,"signed":-116,"lo":2.5,"half":0.33325195,"bcd":12.34,"bcd8":98765432,"order":"PX-17","#,
        r#""part":"料筒","state":"7","mode":"自动","door":"closed","energy":4294967296},"#,
        r#""uncertain":{"state":"unmapped"},"bad":{"nobcd":"bad_encoding","odd":"bad_encoding"}}]}"#,
    );
    assert_eq!(String::from_utf8(found).expect("payloads are UTF-8"), expected);

    let birth = payload::birth(&config.devices[0], &scope, BootId(1), Timestamp(0)).expect("all is in scope");
    let birth: serde_json::Value = serde_json::from_slice(&birth).expect("payloads are JSON");
    let kinds: Vec<_> = birth["tags"].as_array().expect("a list").iter().map(|tag| tag["type"].as_str()).collect();
    let kinds: Vec<_> = kinds.into_iter().map(Option::unwrap_or_default).collect();
    assert_eq!(kinds.join(" "), "bool int int float float float int int text text text text text text int");
}

/// The configuration of one device with these tags.
fn with_tags(port: u16, tags: &str) -> Config {
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\n[[device]]\nid = \"d\"\nlink = \"l\"\ntags = [{tags}]\n"
    );
    Config::parse(&text).expect("the test writes a valid file")
}

#[test]
fn what_pymodbus_encodes_is_read_as_it_was_meant() {
    const SEED: &str = "20260101";
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/pymodbus_encoder.py");
    let output = Command::new(common::prepared("venv/bin/python"))
        .args([script, SEED])
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("it speaks UTF-8");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut configs: BTreeMap<&str, Config> = BTreeMap::new();
    for line in said.lines() {
        let [keys, expected, words] = line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
        let words: Vec<u16> =
            words.split(' ').map(|word| u16::from_str_radix(word, 16).expect("hexadecimal")).collect();
        let config = configs
            .entry(keys)
            .or_insert_with(|| with_tags(1, &format!("{{ name = \"a\", address = \"40001\", {keys} }}")));
        let tag = &config.devices[0].tags[0];
        let Reading::Good(value) = decode(tag, tag.register().unwrap(), &Answer::Registers(words), 0) else {
            panic!("{line}")
        };
        match tag.register().unwrap().data_type.as_str() {
            // Python writes more digits than a single-precision number needs.
            "f16" | "f32" | "f64" => assert_eq!(value.as_f64(), expected.parse().ok(), "{line}"),
            _ => assert_eq!(value.to_string(), expected, "{line}"),
        }
        *seen.entry(tag.register().unwrap().data_type.as_str()).or_default() += 1;
    }
    let types: Vec<_> = seen.keys().copied().collect();
    assert_eq!(types.join(" "), "bcd16 bcd32 f16 f32 f64 i16 i32 i64 text u16 u32 u64");
    assert_eq!(seen["f16"], 63_488);
}
