//! One good unit beside 26 kinds of faulty ones, on a serial line and behind a gateway: it keeps its period. The units are
//! scripts, since no proper stack can be made to misbehave like this; each proves that it was asked and did its worst.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use cloudward::model::{Batch, Reading, Value, Why};
use cloudward::source::Heard;
use cloudward::source::modbus::frame::crc;
use common::link::{Link, read, workshop};
use common::temp_dir;
use common::wire::{Played, Wire, play};

/// What a faulty unit says.
enum Said {
    /// A body with a correct envelope around it.
    Body(Vec<u8>),
    /// A body whose envelope is wrong: the checksum on a serial line, the transaction on a socket.
    Spoilt(Vec<u8>),
    Raw(Vec<u8>),
    /// The first bytes of a frame.
    Part(Vec<u8>, usize),
    Slowly(Vec<u8>),
    Pause(Duration),
}

const TIMEOUT: Duration = Duration::from_millis(100);
const PERIOD: Duration = Duration::from_millis(300);

/// Scans of the good unit that are judged.
const SCANS: usize = 120;

/// What a unit does with its `nth` request for `count` registers, and what its readings say in the end.
type Kind = (&'static str, fn(u8, u16, usize) -> Vec<Said>, &'static [Why]);

const KINDS: [Kind; 26] = [
    ("silent", |_, _, _| Vec::new(), &[Why::Timeout]),
    ("late", |u, n, _| vec![Said::Pause(TIMEOUT * 3 / 2), Said::Body(good(u, n))], &[Why::Timeout]),
    ("slow", |u, n, _| vec![Said::Pause(TIMEOUT / 2), Said::Body(good(u, n))], &[]),
    ("exception 1", |u, _, _| vec![Said::Body(vec![u, 0x83, 1])], &[Why::IllegalFunction]),
    ("exception 2", |u, _, _| vec![Said::Body(vec![u, 0x83, 2])], &[Why::IllegalAddress]),
    ("exception 3", |u, _, _| vec![Said::Body(vec![u, 0x83, 3])], &[Why::IllegalAddress]),
    ("exception 4", |u, _, _| vec![Said::Body(vec![u, 0x83, 4])], &[Why::DeviceFailure]),
    ("exception 5", |u, _, _| vec![Said::Body(vec![u, 0x83, 5])], &[Why::Acknowledge]),
    ("exception 6", |u, _, _| vec![Said::Body(vec![u, 0x83, 6])], &[Why::DeviceBusy]),
    ("exception 7", |u, _, _| vec![Said::Body(vec![u, 0x83, 7])], &[Why::UnknownException]),
    ("exception 8", |u, _, _| vec![Said::Body(vec![u, 0x83, 8])], &[Why::MemoryParity]),
    ("exception 10", |u, _, _| vec![Said::Body(vec![u, 0x83, 10])], &[Why::GatewayPath]),
    ("exception 11", |u, _, _| vec![Said::Body(vec![u, 0x83, 11])], &[Why::GatewayTarget]),
    ("exception 85", |u, _, _| vec![Said::Body(vec![u, 0x83, 85])], &[Why::UnknownException]),
    ("wrong checksum", |u, n, _| vec![Said::Spoilt(good(u, n))], &[Why::Malformed, Why::Timeout]),
    ("one register too few", |u, n, _| vec![Said::Body(good(u, n - 1))], &[Why::Malformed, Why::Timeout]),
    ("one register too many", |u, n, _| vec![Said::Body(good(u, n + 1))], &[Why::Malformed, Why::Timeout]),
    ("another's answer", |u, n, _| vec![Said::Body(good(u + 100, n))], &[Why::Malformed, Why::Timeout]),
    ("another function", |u, _, _| vec![Said::Body(vec![u, 4, 2, 0, 7])], &[Why::Malformed, Why::Timeout]),
    ("garbage", |_, _, _| vec![Said::Raw(b"HTTP/1.1 400 Bad Request\r\n".to_vec())], &[Why::Malformed, Why::Timeout]),
    ("noise", |_, _, _| vec![Said::Raw(vec![0xff, 0, 0x55, 0xaa, 3, 1])], &[Why::Malformed, Why::Timeout]),
    ("half a frame", |u, n, _| vec![Said::Part(good(u, n), 6)], &[Why::Malformed, Why::Timeout]),
    ("byte by byte", |u, n, _| vec![Said::Slowly(good(u, n))], &[]),
    ("a flood", |_, _, _| vec![Said::Raw(vec![0; 400])], &[Why::Malformed, Why::Timeout]),
    (
        "every other time",
        |u, n, nth| if nth % 2 == 0 { vec![Said::Body(good(u, n))] } else { Vec::new() },
        &[Why::Timeout],
    ),
    ("twice", |u, n, _| vec![Said::Body(good(u, n)), Said::Body(good(u, n))], &[]),
];

const GOOD: u8 = 14; // in the middle, so that some are before it and some behind

/// Registers that all hold 7, without an envelope.
fn good(unit: u8, count: u16) -> Vec<u8> {
    let mut body = vec![unit, 3, (2 * count) as u8];
    (0..count).for_each(|_| body.extend([0, 7]));
    body
}

/// The faulty units around the good one, and how often each was asked.
#[derive(Clone, Default)]
struct Units {
    asked: Arc<Mutex<BTreeMap<u8, usize>>>,
}

impl Units {
    fn all() -> impl Iterator<Item = u8> {
        (1..=27).filter(|unit| *unit != GOOD)
    }

    fn kind(unit: u8) -> &'static Kind {
        &KINDS[usize::from(if unit < GOOD { unit - 1 } else { unit - 2 })]
    }

    fn says(&self, unit: u8, count: u16) -> Vec<Said> {
        if unit == GOOD {
            return vec![Said::Body(good(unit, count))];
        }
        let mut asked = self.asked.lock().unwrap();
        let nth = asked.entry(unit).or_default();
        *nth += 1;
        Units::kind(unit).1(unit, count, *nth - 1)
    }
}

/// A link with all of them, each with two registers.
fn link(keys: &str) -> Link {
    let period = PERIOD.as_millis();
    let device = |unit: u8| {
        format!(
            "[[device]]\nid = \"d{unit}\"\nlink = \"l\"\nunit = {unit}\nevery = \"{period}ms\"\ntags = [{{ name = \"a\", address = \"holding:0\", type = \"u16\" }}, {{ name = \"b\", address = \"holding:1\", type = \"u16\" }}]\n"
        )
    };
    let devices: String = (1..=27).map(device).collect();
    let timeout = TIMEOUT.as_millis();
    Link::of(&workshop(&format!("[[link]]\nname = \"l\"\ntimeout = \"{timeout}ms\"\n{keys}\n{devices}")))
}

/// Reads until the good unit has had its scans, then judges everybody.
async fn judge(mut link: Link, units: &Units) {
    let mut of_good: Vec<Batch> = Vec::new();
    let mut causes: BTreeMap<String, Vec<Why>> = BTreeMap::new();
    while of_good.len() < SCANS {
        let Ok(Some(heard)) = tokio::time::timeout(common::PATIENCE, link.heard.recv()).await else {
            panic!("only {} scans of the good unit", of_good.len())
        };
        let Heard::Batch(batch) = heard else { continue };
        if *batch.group.device == *format!("d{GOOD}") {
            of_good.push(batch);
            continue;
        }
        let causes = causes.entry(batch.group.device.to_string()).or_default();
        causes.extend(batch.readings.iter().flatten().filter_map(|reading| match reading {
            Reading::Bad(why) => Some(*why),
            _ => None,
        }));
    }
    for unit in Units::all() {
        let (name, _, expected) = Units::kind(unit);
        let asked = units.asked.lock().unwrap().get(&unit).copied().unwrap_or_default();
        assert!(asked > 0, "{name} was never exercised");
        let found = &causes[&format!("d{unit}")];
        let is_as_expected = expected.is_empty() || expected.iter().any(|why| found.contains(why));
        assert!(is_as_expected, "{name}: {expected:?} expected among {found:?}");
    }
    // A scan is on time when it lies in the period in which it was due. The first question to each unit is outside: a
    // start would otherwise take as long as 5 % of bus time allow.
    let period = PERIOD.as_millis() as u64;
    let is_good = |batch: &&Batch| read(batch).iter().all(|r| *r == Reading::Good(Value::I64(7)));
    let slot = |batch: &Batch| batch.mono_ms / period;
    let first = of_good.iter().position(|batch| is_good(&batch)).expect("the good unit was read");
    let mut slots: Vec<u64> = of_good[first..].iter().filter(is_good).map(slot).collect();
    slots.dedup();
    let due = slot(of_good.last().unwrap()) - slot(&of_good[first]) + 1;
    let on_time = slots.len() as f64 / due as f64;
    println!("{} of {due} scans on time; the first after {} ms", slots.len(), of_good[first].mono_ms);
    assert!(on_time >= 0.99, "{} of {due} scans of the good unit were on time", slots.len());
}

#[tokio::test]
async fn a_good_unit_beside_26_kinds_of_faulty_ones_on_a_serial_line_keeps_its_period() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path());
    let units = Units::default();
    let played = units.clone();
    play(&wire.theirs, move |unit, _, request| {
        let mut out = Vec::new();
        for said in played.says(unit, u16::from_be_bytes([request[4], request[5]])) {
            let sealed = |body: &[u8]| [body, &crc(body)].concat();
            match said {
                Said::Body(body) => out.push(Played::Bytes(sealed(&body))),
                Said::Spoilt(body) => out.push(Played::Bytes([&body[..], &[0xde, 0xad]].concat())),
                Said::Raw(bytes) => out.push(Played::Bytes(bytes)),
                Said::Part(body, length) => out.push(Played::Bytes(sealed(&body)[..length].to_vec())),
                Said::Slowly(body) => out.extend(sealed(&body).chunks(1).map(|byte| Played::Bytes(byte.to_vec()))),
                Said::Pause(pause) => out.push(Played::Pause(pause)),
            }
        }
        out
    });
    judge(link(&wire.rtu()), &units).await;
}

#[tokio::test]
async fn a_good_unit_beside_26_kinds_of_faulty_ones_behind_a_gateway_keeps_its_period() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let units = Units::default();
    let served = units.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, served.clone()));
        }
    });
    judge(link(&format!("modbus_tcp = \"127.0.0.1:{port}\"")), &units).await;
}

async fn serve(mut socket: TcpStream, units: Units) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut request = [0; 12];
    loop {
        socket.read_exact(&mut request).await?;
        let transaction = u16::from_be_bytes([request[0], request[1]]);
        let sealed = |transaction: u16, body: &[u8]| {
            let header = [transaction, 0, body.len() as u16].map(u16::to_be_bytes).concat();
            [&header, body].concat()
        };
        for said in units.says(request[6], u16::from_be_bytes([request[10], request[11]])) {
            match said {
                Said::Body(body) => socket.write_all(&sealed(transaction, &body)).await?,
                Said::Spoilt(body) => socket.write_all(&sealed(transaction ^ 1, &body)).await?,
                Said::Raw(bytes) => socket.write_all(&bytes).await?,
                Said::Part(body, length) => socket.write_all(&sealed(transaction, &body)[..length]).await?,
                Said::Slowly(body) => {
                    for byte in sealed(transaction, &body) {
                        socket.write_all(&[byte]).await?;
                    }
                }
                Said::Pause(pause) => tokio::time::sleep(pause).await,
            }
        }
    }
}
