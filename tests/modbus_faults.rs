//! A link against devices that misbehave. The device is scripted byte by byte, since no proper Modbus stack can be made
//! to answer late, short or in gibberish; the foreign stacks of tests/interop.rs show that proper ones are understood.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use cloudward::config::Station;
use cloudward::model::{Reading, Value, Why};
use cloudward::source::Heard;
use common::link::{Link, read, readings, workshop};

/// What the device does with a request.
#[derive(Clone, Copy)]
enum Act {
    /// Registers that all hold this number.
    Answer(u16),
    /// Nothing at all.
    Silence,
    /// The right answer, but so late that the next question has been asked.
    Late(Duration),
    /// One register too few, under a correct header.
    Short,
    /// A header that announces bytes of another protocol.
    Gibberish,
    /// The header of another transaction.
    ForeignTransaction,
    /// Exception 2.
    IllegalAddress,
    /// Exception 2 where the request covers this address, else registers that all hold 7.
    IllegalAt(u16),
    /// Nothing where the request covers this address, else registers that all hold 7.
    SilentAt(u16),
    /// Exception 0x0B where the request covers this address, else registers that all hold 7.
    AbsentAt(u16),
    /// Hangs up.
    HangUp,
}

/// A device whose act depends on unit id and the number of the request, counted over all connections.
struct Device {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Device {
    async fn start(script: impl Fn(u8, usize) -> Act + Send + Sync + 'static) -> Device {
        const FOR_EVER: Duration = Duration::from_secs(3_600);
        Device::start_impatient(FOR_EVER, script).await
    }

    /// One that hangs up on a line that is quiet for so long.
    async fn start_impatient(patience: Duration, script: impl Fn(u8, usize) -> Act + Send + Sync + 'static) -> Device {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, script, requests) = (connections.clone(), Arc::new(script), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, patience, script.clone(), requests.clone()));
            }
        });
        Device { port, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    patience: Duration,
    script: Arc<impl Fn(u8, usize) -> Act>,
    requests: Arc<AtomicUsize>,
) {
    let mut request = [0_u8; 12];
    while let Ok(Ok(_)) = tokio::time::timeout(patience, stream.read_exact(&mut request)).await {
        let (unit, count) = (request[6], u16::from_be_bytes([request[10], request[11]]));
        let answer = |number: u16, count: u16, transaction: u16| {
            let mut bytes = transaction.to_be_bytes().to_vec();
            bytes.extend([0, 0]);
            bytes.extend((3 + 2 * count).to_be_bytes());
            bytes.extend([unit, request[7], (2 * count) as u8]);
            (0..count).for_each(|_| bytes.extend(number.to_be_bytes()));
            bytes
        };
        let transaction = u16::from_be_bytes([request[0], request[1]]);
        let start = u16::from_be_bytes([request[8], request[9]]);
        let covers = |address: u16| (start..start + count).contains(&address);
        let refusal = |code: u8| vec![request[0], request[1], 0, 0, 0, 3, unit, request[7] | 0x80, code];
        let bytes = match script(unit, requests.fetch_add(1, Ordering::SeqCst)) {
            Act::Answer(number) => answer(number, count, transaction),
            Act::Silence => continue,
            Act::Late(delay) => {
                tokio::time::sleep(delay).await;
                answer(0xdead, count, transaction)
            }
            Act::Short => answer(1, count - 1, transaction),
            Act::Gibberish => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            Act::ForeignTransaction => answer(0xdead, count, transaction.wrapping_sub(1)),
            Act::IllegalAt(address) if covers(address) => refusal(2),
            Act::AbsentAt(address) if covers(address) => refusal(0x0b),
            Act::SilentAt(address) if covers(address) => continue,
            Act::IllegalAt(_) | Act::AbsentAt(_) | Act::SilentAt(_) => answer(7, count, transaction),
            Act::IllegalAddress => refusal(2),
            Act::HangUp => return,
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// A link with one device per unit id, each with two registers every 50 ms.
fn start(port: u16, units: &[u8]) -> Link {
    let devices: String = units
        .iter()
        .map(|unit| {
            format!(
                "[[device]]\nid = \"d{unit}\"\nlink = \"l\"\nunit = {unit}\nevery = \"50ms\"\ntags = [{{ name = \"a\", address = \"40001\", type = \"u16\" }}, {{ name = \"b\", address = \"40002\", type = \"u16\" }}]\n"
            )
        })
        .collect();
    let keys = "timeout = \"100ms\"\nretry = \"100ms\"\nretry_max = \"100ms\"";
    Link::of(&workshop(&format!("[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\n{keys}\n{devices}")))
}

fn good(number: i64) -> Vec<Reading> {
    vec![Reading::Good(Value::I64(number)); 2]
}

fn bad(why: Why) -> Vec<Reading> {
    vec![Reading::Bad(why); 2]
}

#[tokio::test]
async fn a_silent_unit_does_not_take_its_neighbours_readings() {
    let device = Device::start(|unit, _| if unit == 1 { Act::Silence } else { Act::Answer(7) }).await;
    let mut link = start(device.port, &[1, 2]);
    let found = readings(&link.batches("d2", 10).await);
    assert_eq!(found, vec![good(7); 10], "the good unit comes second in each cycle");
    let silent = readings(&link.batches("d1", 3).await);
    assert_eq!(silent, vec![bad(Why::Timeout); 3]);
    assert!(device.connections() >= 2, "the timeout has closed the connection");
    assert_eq!(link.status.borrow().silent_units, [Station::Unit(1)]);
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_next_one() {
    let device =
        Device::start(|_, n| if n % 3 == 1 { Act::Late(Duration::from_millis(150)) } else { Act::Answer(7) }).await;
    let mut link = start(device.port, &[1]);
    let found = readings(&link.batches("d1", 20).await);
    assert!(found.contains(&bad(Why::Timeout)), "the device was late at least once: {found:?}");
    assert!(found.contains(&good(7)));
    assert!(!found.contains(&good(0xdead)), "{found:?}");
}

#[tokio::test]
async fn answers_that_break_the_protocol_become_bad_readings() {
    for act in [Act::Short, Act::Gibberish, Act::ForeignTransaction] {
        let device = Device::start(move |_, n| if n == 1 { act } else { Act::Answer(7) }).await;
        let mut link = start(device.port, &[1]);
        let found = readings(&link.batches("d1", 4).await);
        assert_eq!(found[0], good(7));
        assert_eq!(found[1], bad(Why::Malformed));
        assert_eq!(found[3], good(7), "it goes on with a new connection");
        assert_eq!(device.connections(), 2);
    }
}

#[tokio::test]
async fn a_device_that_hangs_up_on_a_quiet_line_is_asked_again_on_a_new_one() {
    let device = Device::start_impatient(Duration::from_millis(10), |_, _| Act::Answer(7)).await;
    let mut link = start(device.port, &[1, 2]);
    assert_eq!(readings(&link.batches("d1", 8).await), vec![good(7); 8]);
    assert!(device.connections() >= 7, "the line was quiet for longer than the device allows before each scan");
}

#[tokio::test]
async fn a_device_that_hangs_up_each_time_is_asked_again_each_time() {
    // Twice in a row, since one hang-up may only mean that the line was quiet for too long.
    let device = Device::start(|_, n| if n % 3 == 0 { Act::Answer(7) } else { Act::HangUp }).await;
    let mut link = start(device.port, &[1]);
    let found = readings(&link.batches("d1", 8).await);
    assert!(found.contains(&bad(Why::Closed)) && found.contains(&good(7)), "{found:?}");
    assert!(device.connections() >= 3);
}

#[tokio::test]
async fn an_exception_is_an_answer_and_costs_no_connection() {
    let device = Device::start(|unit, _| if unit == 1 { Act::IllegalAddress } else { Act::Answer(7) }).await;
    let mut link = start(device.port, &[1, 2]);
    assert_eq!(readings(&link.batches("d1", 5).await), vec![bad(Why::IllegalAddress); 5]);
    assert_eq!(readings(&link.batches("d2", 5).await), vec![good(7); 5]);
    assert_eq!(device.connections(), 1);
}

#[tokio::test]
async fn a_device_that_is_off_yields_bad_readings_until_it_is_on() {
    let port = Device::start(|_, _| Act::Silence).await.port;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("it is bound").port();
    let mut link = start(free, &[1]);
    assert_eq!(readings(&link.batches("d1", 3).await), vec![bad(Why::Refused); 3]);
    let silent = readings(&start(port, &[1]).batches("d1", 3).await);
    assert_eq!(silent, vec![bad(Why::Timeout); 3]);
}

#[tokio::test]
async fn a_scan_that_has_begun_is_handed_on_before_the_link_stops() {
    let device = Device::start(|_, _| Act::Answer(7)).await;
    let mut link = start(device.port, &[1]);
    link.batches("d1", 2).await;
    link.stop.send_replace(true);
    while let Some(heard) = link.heard.recv().await {
        if let Heard::Batch(batch) = heard {
            assert_eq!(read(&batch), good(7));
        }
    }
    let status = link.status.borrow().clone();
    assert!(status.scans >= 2 && status.bad_scans == 0, "{status:?}");
}

#[tokio::test]
async fn scans_that_do_not_fit_the_period_are_counted() {
    let device = Device::start(|_, _| Act::Late(Duration::from_millis(70))).await;
    let mut link = start(device.port, &[1, 2]);
    let found = readings(&link.batches("d1", 5).await);
    assert_eq!(found, vec![good(0xdead); 5], "late for the period, but within the timeout");
    assert!(
        link.status.borrow().overruns >= 5,
        "two answers of 70 ms in a period of 50 ms: {:?}",
        link.status.borrow()
    );
}

#[tokio::test]
async fn a_machine_is_not_read_when_nobody_takes_what_is_read() {
    let device = Device::start(|_, _| Act::Answer(7)).await;
    let mut link = start(device.port, &[1]);
    link.batches("d1", 2).await;
    let mut status = link.status.clone();
    drop(link.heard);
    let ended = tokio::time::timeout(Duration::from_secs(20), async { while status.changed().await.is_ok() {} });
    assert!(ended.await.is_ok(), "the poller goes on");
}

#[tokio::test]
async fn one_illegal_address_costs_its_own_tag_and_no_other() {
    let device = Device::start(|_, _| Act::IllegalAt(1)).await;
    let mut link = start(device.port, &[1]);
    let expected = vec![Reading::Good(Value::I64(7)), Reading::Bad(Why::IllegalAddress)];
    let found = readings(&link.batches("d1", 12).await);
    assert_eq!(found[2..], vec![expected; 10], "the guilty tag is found within two scans, and left out from then on");
    assert_eq!(device.connections(), 1, "an exception costs no connection");
}

/// A link with these keys and devices, each written as unit and keys of its tags: two values far apart.
fn start_apart(port: u16, keys: &str, devices: &[(u8, &str, &str)]) -> Link {
    let tag = |name: &str, address: u16, keys: &str| {
        format!("{{ name = \"{name}\", address = \"holding:{address}\", type = \"u16\"{keys} }}")
    };
    let device = |(unit, a, b): &(u8, &str, &str)| {
        let (a, b) = (tag("a", 0, a), tag("b", 200, b));
        format!("[[device]]\nid = \"d{unit}\"\nlink = \"l\"\nunit = {unit}\nevery = \"50ms\"\ntags = [{a}, {b}]\n")
    };
    let devices: String = devices.iter().map(device).collect();
    let keys = format!("timeout = \"100ms\"\nretry = \"100ms\"\nretry_max = \"100ms\"\n{keys}");
    Link::of(&workshop(&format!("[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\n{keys}\n{devices}")))
}

#[tokio::test]
async fn units_that_all_fell_silent_are_found_again_where_the_line_is_closed_after_each_cycle() {
    let began = std::time::Instant::now();
    let is_off = move || began.elapsed() < Duration::from_secs(1);
    let device = Device::start(move |_, _| if is_off() { Act::Silence } else { Act::Answer(7) }).await;
    let mut link = start_apart(device.port, "close_after_cycle = true", &[(1, "", ""), (2, "", "")]);
    link.until("d1", bad(Why::Timeout)).await;
    link.until("d2", good(7)).await;
    link.until("d1", good(7)).await;
}

#[tokio::test]
async fn a_value_without_an_answer_does_not_take_those_of_another_period_with_it() {
    let device = Device::start(|_, _| Act::SilentAt(0)).await;
    let mut link = start_apart(device.port, "", &[(1, "", ", every = \"100ms\"")]);
    for _ in 0..3 {
        link.until("d1", vec![Reading::Good(Value::I64(7))]).await;
    }
}

#[tokio::test]
async fn a_block_that_a_gateway_has_no_path_to_does_not_hide_those_behind_it() {
    let device = Device::start(|_, _| Act::AbsentAt(0)).await;
    let mut link = start_apart(device.port, "", &[(1, "", ""), (2, "", "")]);
    let first = read(&link.batches("d1", 1).await[0]);
    assert_eq!(first, bad(Why::GatewayTarget), "nothing was reached, and this is why");
    let half = vec![Reading::Bad(Why::GatewayTarget), Reading::Good(Value::I64(7))];
    link.until("d1", half.clone()).await;
    assert_eq!(readings(&link.batches("d1", 5).await), vec![half; 5]);
}

#[tokio::test]
async fn a_unit_whose_first_value_has_no_answer_is_found_by_its_others() {
    let device = Device::start(|unit, _| if unit == 1 { Act::SilentAt(0) } else { Act::Answer(7) }).await;
    let mut link = start_apart(device.port, "", &[(1, "", ""), (2, "", "")]);
    link.until("d1", vec![Reading::Bad(Why::Timeout), Reading::Good(Value::I64(7))]).await;
}

#[tokio::test]
async fn a_group_of_which_nothing_is_asked_any_more_does_not_pass_for_an_answer() {
    let began = std::time::Instant::now();
    let is_on = move || began.elapsed() < Duration::from_secs(2);
    let in_vain = Arc::new(AtomicUsize::new(0));
    let counted = in_vain.clone();
    let device = Device::start(move |unit, _| match unit {
        1 if is_on() => Act::IllegalAt(0),
        1 => {
            counted.fetch_add(1, Ordering::SeqCst);
            Act::Silence
        }
        _ => Act::Answer(7),
    });
    let mut link = start_apart(device.await.port, "", &[(1, "", ", every = \"200ms\""), (2, "", "")]);
    link.until("d1", vec![Reading::Good(Value::I64(7))]).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(link.status.borrow().silent_units, [Station::Unit(1)]);
    let in_vain = in_vain.load(Ordering::SeqCst);
    assert!((2..=6).contains(&in_vain), "its silence is seen, and it is asked rarely: {in_vain} times");
}

#[tokio::test]
async fn a_group_without_an_answer_does_not_silence_the_unit_that_answers_in_another() {
    let device = Device::start(|unit, _| if unit == 1 { Act::SilentAt(0) } else { Act::Answer(7) }).await;
    let mut link = start_apart(device.port, "", &[(1, "", ", every = \"100ms\""), (2, "", "")]);
    link.until("d1", vec![Reading::Good(Value::I64(7))]).await;
    let of_both = readings(&link.batches("d1", 60).await);
    let good = of_both.iter().filter(|readings| matches!(readings[..], [Reading::Good(_)])).count();
    assert!(good >= 10, "the group that answers has about every third scan, and {good} of 60 brought something");
    assert!(link.status.borrow().silent_units.is_empty());
}
