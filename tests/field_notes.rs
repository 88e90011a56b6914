//! What users of other agents met with Modbus in the field: one test per complaint, named after it. Where a complaint has a
//! test of its own elsewhere, it is named here.
//!
//! - A dead unit on a bus starves its neighbours: tests/bus.rs, 26 kinds of it.
//! - Several units and periods on one serial bus, with a plan before the start: `cargo bench --bench bus_plan`.
//! - A data-terminal unit that dials in, registers, sends heartbeats, splits and merges frames: tests/serial.rs.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use cloudward::model::{LinkState, Reading, Value, Why};
use common::link::{Link, read, readings, workshop};
use common::temp_dir;

/// What came to a device.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    longest: AtomicUsize,
}

/// A request on Modbus TCP.
#[derive(Clone, Copy)]
struct Request {
    bytes: [u8; 12],
    /// Counted over all connections.
    number: usize,
    /// Since the connection was made, or since the answer before.
    quiet: Duration,
}

impl Request {
    fn start(&self) -> u16 {
        u16::from_be_bytes([self.bytes[8], self.bytes[9]])
    }

    fn count(&self) -> u16 {
        u16::from_be_bytes([self.bytes[10], self.bytes[11]])
    }

    /// Registers whose values are their addresses.
    fn answer(&self) -> Vec<u8> {
        self.words((self.start()..self.start() + self.count()).collect())
    }

    fn words(&self, words: Vec<u16>) -> Vec<u8> {
        let bytes = 2 * words.len() as u8;
        let mut frame = vec![self.bytes[0], self.bytes[1], 0, 0, 0, 3 + bytes, self.bytes[6], self.bytes[7], bytes];
        words.iter().for_each(|word| frame.extend(word.to_be_bytes()));
        frame
    }

    fn exception(&self, code: u8) -> Vec<u8> {
        vec![self.bytes[0], self.bytes[1], 0, 0, 0, 3, self.bytes[6], self.bytes[7] | 0x80, code]
    }
}

/// Serves one connection after the other; an empty answer is none.
async fn device(script: impl Fn(Request) -> Vec<u8> + Send + Sync + 'static) -> (u16, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Seen::default());
    let counted = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.connections.fetch_add(1, Ordering::SeqCst);
            serve(&mut socket, &counted, &script).await.ok(); // one connection only: the next waits in the queue
        }
    });
    (port, seen)
}

async fn serve(socket: &mut TcpStream, seen: &Seen, script: &impl Fn(Request) -> Vec<u8>) -> std::io::Result<()> {
    let (mut bytes, mut quiet_since) = ([0; 12], Instant::now());
    loop {
        socket.read_exact(&mut bytes).await?;
        let number = seen.requests.fetch_add(1, Ordering::SeqCst);
        let request = Request { bytes, number, quiet: quiet_since.elapsed() };
        seen.longest.fetch_max(request.count().into(), Ordering::SeqCst);
        socket.write_all(&script(request)).await?;
        quiet_since = Instant::now();
    }
}

/// A link to it with one device that has these registers.
fn start(port: u16, keys: &str, addresses: impl IntoIterator<Item = u16>) -> Link {
    Link::of(&config(port, keys, addresses))
}

fn config(port: u16, keys: &str, addresses: impl IntoIterator<Item = u16>) -> cloudward::config::Config {
    let tag = |address| format!("{{ name = \"r{address}\", address = \"holding:{address}\", type = \"u16\" }}");
    let tags: Vec<String> = addresses.into_iter().map(tag).collect();
    workshop(&format!(
        "[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\ntimeout = \"200ms\"\nretry = \"100ms\"\nretry_max = \"100ms\"\n{keys}\n[[device]]\nid = \"d\"\nlink = \"l\"\nevery = \"50ms\"\ntags = [{}]\n",
        tags.join(", ")
    ))
}

fn good(addresses: impl IntoIterator<Item = u16>) -> Vec<Reading> {
    addresses.into_iter().map(|address| Reading::Good(Value::I64(address.into()))).collect()
}

#[tokio::test]
async fn one_illegal_address_costs_neither_the_cycle_nor_a_reconnect_nor_one_request_per_tag() {
    let (port, seen) = device(|request| {
        let covers = (request.start()..request.start() + request.count()).contains(&37);
        if covers { request.exception(2) } else { request.answer() }
    })
    .await;
    let mut link = start(port, "", 0..100);
    let mut expected = good(0..100);
    expected[37] = Reading::Bad(Why::IllegalAddress);
    link.until("d", expected.clone()).await;
    let before = seen.requests.load(Ordering::SeqCst);
    assert!(before < 40, "100 tags, one of them illegal: found with {before} requests");
    let scans = readings(&link.batches("d", 20).await);
    assert_eq!(scans, vec![expected; 20]);
    let requests = seen.requests.load(Ordering::SeqCst) - before;
    assert!(requests <= 3 * 21, "two requests per scan from then on, not {requests} in 20");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_learned_of_illegal_addresses_holds_over_a_restart() {
    let dir = temp_dir();
    let (port, seen) = device(|request| {
        let covers = (request.start()..request.start() + request.count()).contains(&37);
        if covers { request.exception(2) } else { request.answer() }
    })
    .await;
    let config = config(port, "", 0..100);
    let mut expected = good(0..100);
    expected[37] = Reading::Bad(Why::IllegalAddress);
    let mut link = Link::with(&config, None, dir.path().to_owned());
    link.until("d", expected.clone()).await;
    link.stop().await;
    let before = seen.requests.load(Ordering::SeqCst);
    let mut again = Link::with(&config, None, dir.path().to_owned());
    assert_eq!(readings(&again.batches("d", 1).await), [expected.clone()], "known from the first scan on");
    again.stop().await;
    assert!(seen.requests.load(Ordering::SeqCst) - before <= 4, "and nothing is tried again");

    // A file that was cut short costs the knowledge, nothing else.
    let file = dir.path().join("learned/l.json");
    std::fs::write(&file, &std::fs::read(&file).unwrap()[..20]).unwrap();
    Link::with(&config, None, dir.path().to_owned()).until("d", expected).await;
}

#[tokio::test]
async fn after_a_late_reply_transaction_ids_are_not_off_by_one_for_ever() {
    // The device keeps the answer to the third request and sends it in place of the fourth, and so on for ever, as long as
    // the connection lasts: the stack of a known gateway does that.
    let kept = std::sync::Mutex::new((0, Vec::new()));
    let (port, seen) = device(move |request| {
        let mut kept = kept.lock().unwrap();
        match request.number {
            0..2 => request.answer(),
            2 => {
                *kept = (request.number, request.answer());
                Vec::new()
            }
            // The late one is never sent on another connection: that one begins with its own first answer.
            _ if request.quiet > Duration::from_millis(150) => std::mem::replace(&mut kept.1, request.answer()),
            _ => request.answer(),
        }
    })
    .await;
    let mut link = start(port, "", [5]);
    let scans = readings(&link.batches("d", 12).await);
    assert!(scans.contains(&vec![Reading::Bad(Why::Timeout)]), "the answer was withheld: {scans:?}");
    assert_eq!(scans[8..], vec![good([5]); 4], "all is well again");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2, "on a new connection");
}

#[tokio::test]
async fn devices_that_take_one_connection_fail_on_long_reads_and_want_pauses_are_read_with_the_right_settings() {
    const PAUSE: Duration = Duration::from_millis(20);
    let start_device = || {
        device(|request| match request {
            _ if request.quiet < PAUSE => Vec::new(), // asked too early: it has not seen it
            _ if request.count() > 20 => request.exception(3),
            _ => request.answer(),
        })
    };
    // The faults are really there: without the settings there are bad readings.
    let (port, _) = start_device().await;
    let hasty = readings(&start(port, "max_registers = 20", 0..50).batches("d", 3).await);
    assert!(hasty.iter().flatten().any(|reading| *reading == Reading::Bad(Why::Timeout)), "{hasty:?}");

    let (port, seen) = start_device().await;
    let keys = "max_registers = 20\npause = \"25ms\"\npause_after_connect = \"25ms\"\nclose_after_cycle = true";
    let mut link = start(port, keys, 0..50);
    let scans = readings(&link.batches("d", 6).await);
    assert_eq!(scans, vec![good(0..50); 6]);
    assert_eq!(seen.longest.load(Ordering::SeqCst), 20);
    assert!(seen.connections.load(Ordering::SeqCst) >= 6, "one connection per cycle");
    assert_eq!(link.status.borrow().state, Some(LinkState::Up), "hanging up by ourselves is no loss");
}

#[tokio::test]
async fn a_device_that_hands_out_single_values_only_is_read_one_by_one() {
    let (port, seen) =
        device(|request| if request.count() > 1 { request.exception(4) } else { request.answer() }).await;
    let keys = "one_by_one = true";
    let scans = readings(&start(port, keys, [3, 4, 5, 9]).batches("d", 3).await);
    assert_eq!(scans, vec![good([3, 4, 5, 9]); 3]);
    assert_eq!(seen.longest.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn settings_of_a_device_hold_for_it_alone() {
    let (port, _) = device(|request| match request.bytes[6] {
        1 if request.count() > 2 => request.exception(3),
        _ => request.answer(),
    })
    .await;
    let device = |unit: u8, keys: &str| {
        format!(
            "[[device]]\nid = \"d{unit}\"\nlink = \"l\"\nunit = {unit}\nevery = \"50ms\"\n{keys}\ntags = [{{ name = \"a\", address = \"holding:0\", type = \"u16\" }}, {{ name = \"b\", address = \"holding:3\", type = \"u16\" }}]\n"
        )
    };
    let config = workshop(&format!(
        "[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\n{}{}",
        device(1, "max_gap = 0"),
        device(2, "")
    ));
    let mut link = Link::of(&config);
    assert_eq!(readings(&link.batches("d1", 2).await), vec![good([0, 3]); 2]);
    assert_eq!(readings(&link.batches("d2", 2).await), vec![good([0, 3]); 2]);
    let blocks = |device: usize| {
        let device = &config.devices[device];
        cloudward::source::modbus::plan::plan(
            device.tags.iter().filter_map(|tag| tag.register()),
            device.manners.limits,
        )
        .blocks
        .len()
    };
    assert_eq!((blocks(0), blocks(1)), (2, 1));
}

#[tokio::test]
async fn a_busy_device_is_asked_again_before_its_reading_is_bad() {
    for code in [5, 6] {
        let (port, seen) =
            device(move |request| if request.number % 3 == 0 { request.exception(code) } else { request.answer() })
                .await;
        let scans = readings(&start(port, "", [5]).batches("d", 4).await);
        assert_eq!(scans, vec![good([5]); 4], "exception {code}");
        assert!(seen.requests.load(Ordering::SeqCst) >= 5, "it was busy, and was asked again");
    }
}

#[tokio::test]
async fn addresses_off_by_one_cannot_happen_unseen_since_all_forms_are_understood_and_both_are_shown() {
    let (port, _) = device(|request| request.answer()).await;
    let forms = ["40011", "400011", "0x000A", "holding:10", "holding:0x0a", "10"];
    let tags: Vec<String> = forms[..5]
        .iter()
        .enumerate()
        .map(|(n, form)| format!("{{ name = \"t{n}\", address = \"{form}\", type = \"u16\" }}"))
        .collect();
    let text = |tags: &str| {
        format!(
            "[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\n[[device]]\nid = \"d\"\nlink = \"l\"\ntags = [{tags}]\n"
        )
    };
    let config = workshop(&text(&tags.join(", ")));
    assert_eq!(readings(&Link::of(&config).batches("d", 1).await), [good([10; 5])]);
    let shown: Vec<_> = config.devices[0].tags.iter().map(|tag| tag.register().unwrap().address.reference()).collect();
    assert_eq!(shown, ["40011"; 5], "check prints this form beside the one that counts from 0");
    let head = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n";
    let bare = format!("{head}{}", text("{ name = \"t\", address = \"10\", type = \"u16\" }"));
    assert!(cloudward::config::Config::parse(&bare).is_err(), "a bare number could mean either, and is refused");
}

#[tokio::test]
async fn integers_with_a_scale_are_not_truncated() {
    let (port, _) = device(|request| request.words(vec![2_198; request.count().into()])).await;
    let config = workshop(&format!(
        "[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\n[[device]]\nid = \"d\"\nlink = \"l\"\ntags = [{{ name = \"u\", address = \"40001\", type = \"u16\", scale = 0.1 }}, {{ name = \"i\", address = \"40001\", type = \"i32\", scale = 0.001, offset = 1 }}]\n"
    ));
    let both = 2_198 << 16 | 2_198_i64;
    let expected = [219.8, (both as f64 + 1_000.0) / 1_000.0].map(|value| Reading::Good(Value::F64(value)));
    assert_eq!(readings(&Link::of(&config).batches("d", 1).await), [expected.to_vec()]);
}

#[tokio::test]
async fn an_open_socket_is_not_online_and_a_fresh_good_value_is_for_three_periods() {
    // It accepts connections and says nothing until its fourth request, then answers, and falls silent again.
    let (port, seen) =
        device(|request| if (3..8).contains(&request.number) { request.answer() } else { Vec::new() }).await;
    let mut link = start(port, "", [5]);
    let scans = readings(&link.batches("d", 2).await);
    assert_eq!(scans, vec![vec![Reading::Bad(Why::Timeout)]; 2]);
    assert!(seen.connections.load(Ordering::SeqCst) > 0, "a socket opened");
    let status = link.status.borrow().clone();
    assert_ne!(status.state, Some(LinkState::Up));
    assert_eq!(status.devices_online(0), 0);
    link.until("d", good([5])).await;
    let mut last = link.batches("d", 1).await.remove(0);
    assert_eq!(link.status.borrow().state, Some(LinkState::Up));
    assert_eq!(link.status.borrow().devices_online(last.mono_ms), 1);
    while read(&last) == good([5]) {
        last = link.batches("d", 1).await.remove(0);
    }
    let status = link.status.borrow().clone();
    let until = status.online_until_ms["d"];
    assert_eq!((status.devices_online(until - 1), status.devices_online(until)), (1, 0), "three periods and no more");
    assert!(until <= last.mono_ms + 150, "bad readings do not prolong it");
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_long_scan_keeps_what_was_read_and_says_what_was_not() {
    // Values 0 and 1 are answered, the question for 2 never is, and 3 to 9 are not asked any more.
    let (port, seen) = device(|request| if request.start() < 2 { request.answer() } else { Vec::new() }).await;
    let text = format!(
        "timeout = \"60s\"\none_by_one = true\n[[device]]\nid = \"d\"\nlink = \"l\"\nevery = \"1s\"\ntags = [{}]\n",
        (0..10)
            .map(|n| format!("{{ name = \"r{n}\", address = \"holding:{n}\", type = \"u16\" }}"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let config = workshop(&format!("[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\n{text}"));
    let mut link = Link::of(&config);
    while seen.requests.load(Ordering::SeqCst) < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    link.stop.send_replace(true);
    let scan = read(&link.batches("d", 1).await[0]);
    assert_eq!(scan[..2], good([0, 1]));
    assert_eq!(scan[2..], vec![Reading::Bad(Why::NotAsked); 8]);
    link.stop().await;
    assert_eq!(seen.requests.load(Ordering::SeqCst), 3, "nothing was asked after the stop");
}
