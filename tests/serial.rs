//! Serial frames: RTU and ASCII on a serial port, RTU on a socket. The ports are pseudo-terminal pairs made by socat; the
//! device is pymodbus where it behaves, and a script where it must not.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use cloudward::agent::Agent;
use cloudward::config::Config;
use cloudward::model::{Batch, LinkState, Reading, Value, Why};
use cloudward::source::listener::{Listener, Seat};
use cloudward::source::modbus::frame::crc;
use common::link::{Link, read, readings, workshop};
use common::plc::Plc;
use common::wire::{Played, Wire, play};
use common::{free_port, temp_dir};

/// A link with these keys and one device per unit, each with a u32 at 0 and a u16 at 2.
fn start(link: &str, units: &[u8]) -> Link {
    start_with(link, units, None)
}

/// The same where the unit dials in.
fn start_with(link: &str, units: &[u8], seat: Option<Seat>) -> Link {
    let devices: String = units
        .iter()
        .map(|unit| {
            format!(
                "[[device]]\nid = \"d{unit}\"\nlink = \"l\"\nunit = {unit}\nevery = \"50ms\"\ntags = [{{ name = \"count\", address = \"holding:0\", type = \"u32\" }}, {{ name = \"low\", address = \"holding:2\", type = \"u16\" }}]\n"
            )
        })
        .collect();
    let keys = "timeout = \"150ms\"\nretry = \"100ms\"\nretry_max = \"100ms\"";
    let config = workshop(&format!("[[link]]\nname = \"l\"\n{keys}\n{link}\n{devices}"));
    Link::with_seat(&config, seat)
}

/// Every scan that was answered, in order: the ladder's counter steps with each.
#[track_caller]
fn check_ladder(batches: &[Batch]) {
    let mut counters = Vec::new();
    for batch in batches {
        match read(batch)[..] {
            [Reading::Good(Value::I64(count)), Reading::Good(Value::I64(low))] => {
                assert_eq!(low, count % 65_536);
                counters.push(count);
            }
            ref other => panic!("{other:?}"),
        }
    }
    assert!(counters.windows(2).all(|pair| pair[1] == pair[0] + 1), "{counters:?}");
}

#[tokio::test]
async fn pymodbus_is_read_over_rtu_and_over_ascii_on_a_serial_port() {
    for kind in ["rtu", "ascii"] {
        let dir = temp_dir();
        let wire = Wire::new(dir.path());
        let _plc = Plc::pymodbus_serial(dir.path(), &format!("{kind}:{}", wire.theirs.display()));
        // A pseudo-terminal knows 8 data bits and no parity.
        let link = format!("modbus_{kind} = \"{}\"\nbaud = 19200\ndata_bits = 8", wire.ours.display());
        check_ladder(&start(&link, &[1]).batches("d1", 20).await);
    }
}

#[tokio::test]
async fn pymodbus_is_read_with_serial_frames_on_a_socket() {
    let dir = temp_dir();
    let port = free_port();
    let _plc = Plc::pymodbus_serial(dir.path(), &format!("rtu-tcp:{port}"));
    let link = format!("modbus_rtu_tcp = \"127.0.0.1:{port}\"");
    check_ladder(&start(&link, &[1]).batches("d1", 20).await);
}

/// Three registers that all hold this number.
fn answer(unit: u8, number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    let body = [unit, 3, 6, high, low, high, low, high, low];
    [&body[..], &crc(&body)].concat()
}

fn good(number: u16) -> Vec<Reading> {
    let number = i64::from(number);
    vec![Reading::Good(Value::I64(number << 16 | number)), Reading::Good(Value::I64(number))]
}

#[tokio::test]
async fn echoes_noise_and_pieces_do_not_hide_the_answer() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path());
    play(&wire.theirs, |unit, number, request| {
        let (head, tail) = (answer(unit, 7)[..4].to_vec(), answer(unit, 7)[4..].to_vec());
        let before = match number % 3 {
            0 => request.to_vec(),             // the transceiver hears itself
            1 => vec![0x00, 0xff, unit, 0x03], // noise that begins like an answer
            _ => b"heartbeat".to_vec(),
        };
        let pause = Played::Pause(Duration::from_millis(10));
        vec![Played::Bytes(before), Played::Bytes(head), pause, Played::Bytes(tail)]
    });
    let found = readings(&start(&wire.rtu(), &[1]).batches("d1", 12).await);
    assert_eq!(found, vec![good(7); 12]);
}

#[tokio::test]
async fn on_a_serial_line_a_late_answer_is_never_taken_for_the_next_one() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path());
    play(&wire.theirs, |unit, number, _| {
        // Every third answer comes 30 ms after the deadline, with a value that nobody may see.
        match number % 3 {
            1 => vec![Played::Pause(Duration::from_millis(190)), Played::Bytes(answer(unit, 0xdead))],
            _ => vec![Played::Bytes(answer(unit, 7))],
        }
    });
    let found = readings(&start(&wire.rtu(), &[1]).batches("d1", 20).await);
    assert!(found.contains(&vec![Reading::Bad(Why::Timeout); 2]), "the device was late at least once: {found:?}");
    assert!(found.contains(&good(7)));
    assert!(!found.contains(&good(0xdead)), "{found:?}");
}

#[tokio::test]
async fn an_answer_that_comes_after_a_neighbours_is_not_taken_for_the_next_one_either() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path());
    let mut asked = 0;
    play(&wire.theirs, move |unit, _, _| {
        asked += usize::from(unit == 1);
        let late = vec![Played::Pause(Duration::from_millis(70)), Played::Bytes(answer(1, 0xdead))];
        // A unit is trusted after ten answers: only then is it asked again right after it was silent.
        match (unit, asked % 16) {
            (1, 15) => Vec::new(),
            (1, _) => vec![Played::Bytes(answer(1, 7))],
            // The next unit has answered before the late one speaks up.
            (_, 15) => std::iter::once(Played::Bytes(answer(unit, 7))).chain(late).collect(),
            _ => vec![Played::Bytes(answer(unit, 7))],
        }
    });
    let mut link = start(&wire.rtu(), &[1, 2]);
    let found = readings(&link.batches("d1", 40).await);
    assert!(found.contains(&vec![Reading::Bad(Why::Timeout); 2]), "the unit was late at least once: {found:?}");
    assert!(found.contains(&good(7)));
    assert!(!found.contains(&good(0xdead)), "{found:?}");
}

#[tokio::test]
async fn a_silent_unit_on_a_bus_does_not_take_its_neighbours_readings() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path());
    play(&wire.theirs, |unit, _, _| if unit == 1 { Vec::new() } else { vec![Played::Bytes(answer(unit, 7))] });
    let mut link = start(&wire.rtu(), &[1, 2]);
    assert_eq!(readings(&link.batches("d2", 8).await), vec![good(7); 8]);
    assert_eq!(readings(&link.batches("d1", 3).await), vec![vec![Reading::Bad(Why::Timeout); 2]; 3]);
    assert_eq!(link.status.borrow().state, Some(LinkState::Up), "one unit is silent, the line is not");
}

#[tokio::test]
async fn damaged_frames_become_bad_readings_and_the_line_is_called_noisy() {
    let dir = temp_dir();
    let wire = Wire::new(dir.path());
    play(&wire.theirs, |unit, _, _| {
        let mut bytes = answer(unit, 7);
        bytes[4] ^= 0x10;
        vec![Played::Bytes(bytes)]
    });
    let mut link = start(&wire.rtu(), &[1]);
    assert_eq!(readings(&link.batches("d1", 3).await), vec![vec![Reading::Bad(Why::Malformed); 2]; 3]);
    let status = link.status.borrow().clone();
    assert_eq!((status.state, status.why), (Some(LinkState::Down), Some(Why::Malformed)));
}

#[tokio::test]
async fn a_port_that_is_not_there_yields_bad_readings_until_it_is() {
    let dir = temp_dir();
    let missing = dir.path().join("ours");
    let mut link = start(&format!("modbus_rtu = \"{}\"", missing.display()), &[1]);
    assert_eq!(readings(&link.batches("d1", 3).await), vec![vec![Reading::Bad(Why::Unreachable); 2]; 3]);
    let wire = Wire::new(dir.path());
    play(&wire.theirs, |unit, _, _| vec![Played::Bytes(answer(unit, 7))]);
    link.until("d1", good(7)).await;
}

/// A data-terminal unit: dials in and says what it is told to say, in pieces.
async fn dial_in(port: u16, says: &[&[u8]]) -> TcpStream {
    let mut socket = loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(socket) => break socket,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await, // the port is being opened
        }
    };
    socket.set_nodelay(true).unwrap();
    for piece in says {
        socket.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    socket
}

/// It answers every request with `number`, with a heartbeat in the middle of each third answer.
fn answer_requests(mut socket: TcpStream, number: u16) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut request = [0; 8];
        let mut count = 0;
        while socket.read_exact(&mut request).await.is_ok() {
            let bytes = answer(request[0], number);
            let (head, tail) = bytes.split_at(5);
            let heartbeat: &[u8] = if count % 3 == 0 { b"PING" } else { b"" };
            if socket.write_all(&[head, heartbeat, tail].concat()).await.is_err() {
                return;
            }
            count += 1;
        }
    })
}

fn listening(port: u16, registration: &str) -> String {
    format!("modbus_rtu_listen = \"127.0.0.1:{port}\"\nregistration = \"{registration}\"\nheartbeat = \"PING\"")
}

#[tokio::test]
async fn units_that_dial_in_on_one_port_are_told_apart_by_their_registration() {
    let port = free_port();
    let (seat_1, guest_1) = Seat::new(Some(b"DTU-1".to_vec()));
    let (seat_17, guest_17) = Seat::new(Some(vec![0x7e, 1, 0x17]));
    let _listener = Listener::start(format!("127.0.0.1:{port}"), vec![guest_1, guest_17]);
    let mut link_1 = start_with(&listening(port, "DTU-1"), &[1], Some(seat_1));
    let mut link_17 = start_with(&listening(port, "hex:7E 01 17"), &[1], Some(seat_17));
    assert_eq!(read(&link_1.batches("d1", 1).await[0]), vec![Reading::Bad(Why::Unreachable); 2], "nobody there yet");

    // Registrations come split, behind a heartbeat, and in any order; a stranger is nobody's unit.
    let stranger = dial_in(port, &[b"hello"]).await;
    let _second = answer_requests(dial_in(port, &[b"PING", &[0x7e], &[1, 0x17]]).await, 17);
    let _first = answer_requests(dial_in(port, &[b"DT", b"U-1"]).await, 1);
    for (link, number) in [(&mut link_1, 1), (&mut link_17, 17)] {
        link.until("d1", good(number)).await;
        assert_eq!(readings(&link.batches("d1", 10).await), vec![good(number); 10]);
    }
    drop(stranger);
}

#[tokio::test]
async fn an_answer_that_has_the_bytes_of_a_heartbeat_in_it_is_still_an_answer() {
    let port = free_port();
    let (seat, guest) = Seat::new(None);
    let _listener = Listener::start(format!("127.0.0.1:{port}"), vec![guest]);
    let keys = format!("modbus_rtu_listen = \"127.0.0.1:{port}\"\nheartbeat = \"hex:00\"");
    let mut link = start_with(&keys, &[1], Some(seat));
    let _unit = answer_requests(dial_in(port, &[&[0]]).await, 1);
    link.until("d1", good(1)).await;
}

#[tokio::test]
async fn a_unit_that_dials_in_again_is_read_on_its_new_connection() {
    let port = free_port();
    let (seat, guest) = Seat::new(Some(b"DTU-1".to_vec()));
    let _listener = Listener::start(format!("127.0.0.1:{port}"), vec![guest]);
    let mut link = start_with(&listening(port, "DTU-1"), &[1], Some(seat));
    // The first connection goes dead without a word, as mobile networks do it: open, and nothing comes any more.
    let dead = dial_in(port, &[b"DTU-1"]).await;
    link.until("d1", vec![Reading::Bad(Why::Timeout); 2]).await;
    let _alive = answer_requests(dial_in(port, &[b"DTU-1"]).await, 2);
    link.until("d1", good(2)).await;
    drop(dead);
}

#[tokio::test]
async fn a_peer_that_never_stops_talking_yields_bad_readings_at_their_period_and_not_none() {
    let port = free_port();
    let (seat, guest) = Seat::new(Some(b"DTU-1".to_vec()));
    let _listener = Listener::start(format!("127.0.0.1:{port}"), vec![guest]);
    let mut link = start_with(&listening(port, "DTU-1"), &[1], Some(seat));
    let socket = dial_in(port, &[b"DTU-1"]).await;
    // From its own thread: the runtime of the test must not be what holds it back.
    let mut socket = socket.into_std().unwrap();
    socket.set_nonblocking(false).unwrap();
    std::thread::spawn(move || while std::io::Write::write_all(&mut socket, &b"PING".repeat(16_000)).is_ok() {});
    link.until("d1", vec![Reading::Bad(Why::Timeout); 2]).await;
    let found = tokio::time::timeout(Duration::from_secs(5), link.batches("d1", 10)).await;
    assert!(found.is_ok(), "the link waits for the end of the flood");
    tokio::time::timeout(Duration::from_secs(2), link.stop()).await.expect("it stops");
}

#[tokio::test]
async fn somebody_who_holds_very_many_sockets_open_does_not_keep_the_unit_out() {
    let port = free_port();
    let (seat, guest) = Seat::new(Some(b"DTU-1".to_vec()));
    let _listener = Listener::start(format!("127.0.0.1:{port}"), vec![guest]);
    let mut link = start_with(&listening(port, "DTU-1"), &[1], Some(seat));
    let from = |last: u8| async move {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((std::net::Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
        socket.connect((std::net::Ipv4Addr::LOCALHOST, port).into()).await.unwrap()
    };
    drop(dial_in(port, &[]).await); // the port is open
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(from(2).await);
    }
    let mut unit = from(3).await;
    for _ in 0..200 {
        held.push(from(2).await);
    }
    unit.write_all(b"DTU-1").await.unwrap();
    let _unit = answer_requests(unit, 7);
    tokio::time::timeout(Duration::from_secs(5), link.until("d1", good(7))).await.expect("the unit was let in");
    drop(held);
}

#[tokio::test]
async fn values_that_look_like_a_heartbeat_stay_values() {
    let port = free_port();
    let (seat, guest) = Seat::new(Some(b"DTU-1".to_vec()));
    let _listener = Listener::start(format!("127.0.0.1:{port}"), vec![guest]);
    let keys = format!("modbus_rtu_listen = \"127.0.0.1:{port}\"\nregistration = \"DTU-1\"\nheartbeat = \"hex:00 05\"");
    let mut link = start_with(&keys, &[1], Some(seat));
    let _unit = answer_requests(dial_in(port, &[b"DTU-1"]).await, 5);
    link.until("d1", good(5)).await;
}

#[tokio::test]
async fn the_agent_opens_the_port_and_a_reload_moves_it() {
    let dir = temp_dir();
    let (old, new) = (free_port(), free_port());
    let workshop = |port| {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\n{}\n[[device]]\nid = \"d\"\nlink = \"l\"\nevery = \"50ms\"\ntags = [{{ name = \"a\", address = \"holding:0\", type = \"u32\" }}, {{ name = \"b\", address = \"holding:2\", type = \"u16\" }}]\n",
            listening(port, "DTU-1")
        );
        Config::parse(&text).unwrap()
    };
    let mut agent = Agent::start(workshop(old), dir.path().to_owned()).await.unwrap();
    for port in [old, new] {
        let unit = answer_requests(dial_in(port, &[b"DTU-1"]).await, 7);
        let up = async {
            while agent.overview().links_up == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(common::PATIENCE, up).await.expect("the unit that dialled in is read");
        if port == old {
            agent.reload(workshop(new), dir.path()).await;
            assert!(TcpStream::connect(("127.0.0.1", old)).await.is_err(), "the old port is closed");
            assert_eq!(agent.overview().links_up, 0, "its unit has not dialled the new one yet");
        }
        unit.abort();
    }
    agent.stop().await;
}
