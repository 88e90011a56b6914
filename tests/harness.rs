//! The proving ground proves itself: what the helpers of `tests/common` promise, without the agent. A test of the agent is
//! worth no more than its instruments.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use common::account::{Account, Comparison, Got, Handed, compare, parse};
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::holes::{Life, holes};
use common::io_fault::{IoFault, Rig};
use common::plc::{LADDER, Plc, handed, parse_log, read_with_pymodbus};
use common::receiver::Receiver;
use common::script::{Manner, Scripted, Then};
use common::{free_port, free_ports, program, temp_dir, wait_for};

fn data(seq: u64, prev: u64, samples: &str) -> (String, Vec<u8>) {
    let json = format!(r#"{{"device":"d","id":"0123456789ab-data-{seq}","prev":{prev},"samples":[{samples}]}}"#);
    ("p/e/w/d/data".into(), json.into_bytes())
}

fn value(ts: i64, v: i64) -> String {
    format!(r#"{{"ts":{ts},"values":{{"t":{v}}}}}"#)
}

fn account(messages: &[(String, Vec<u8>)]) -> Account {
    Account::of(messages.iter().map(|(topic, payload)| (topic.as_str(), payload.as_slice())))
}

#[track_caller]
fn check(messages: &[(String, Vec<u8>)], values: &[f64], duplicates: usize, broken: &[&str]) {
    let found = account(messages);
    assert_eq!(found.values("d", "t"), values);
    assert_eq!(found.duplicates, duplicates);
    assert_eq!(found.broken.len(), broken.len(), "{:?}", found.broken);
    for (found, expected) in found.broken.iter().zip(broken) {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn the_books_take_an_honest_stream_as_it_is() {
    let stream = [data(1, 0, &value(10, 1)), data(2, 1, &value(20, 2)), data(5, 2, &value(30, 3))];
    check(&stream, &[1.0, 2.0, 3.0], 0, &[]);
}

#[test]
fn the_books_count_what_comes_again_once() {
    let (one, two) = (data(1, 0, &value(10, 1)), data(2, 1, &value(20, 2)));
    check(&[one.clone(), two.clone(), one, two, data(3, 2, &value(30, 3))], &[1.0, 2.0, 3.0], 2, &[]);
}

#[test]
fn the_books_notice_every_broken_promise() {
    let one = data(1, 0, &value(10, 1));
    check(&[one.clone(), data(3, 2, &value(30, 3))], &[1.0, 3.0], 0, &["gap before 0123456789ab-data-3: position 2"]);
    check(&[one.clone(), data(1, 0, &value(10, 9))], &[1.0], 1, &["twice with different content"]);
    check(&[one.clone(), data(2, 1, &value(9, 2))], &[1.0, 2.0], 0, &["d.t: 9 came after 10"]);
    check(
        &[one.clone(), data(3, 1, &value(30, 3)), data(2, 1, &value(30, 2))],
        &[1.0, 3.0, 2.0],
        0,
        &["data-2 arrived for the first time after"],
    );
    check(&[one.clone(), data(2, 2, &value(20, 2))], &[1.0, 2.0], 0, &["position 2 never arrived", "names 2 as sent"]);
    let mut other_boot = data(1, 0, &value(10, 1));
    other_boot.1 = String::from_utf8(other_boot.1).unwrap().replace("0123456789ab", "ffffffffffff").into_bytes();
    check(&[one, other_boot], &[1.0], 1, &["position 1 has two ids"]);
}

#[test]
fn the_books_refuse_a_payload_of_another_shape() {
    let good = r#"{"device":"d","id":"0123456789ab-data-7","prev":6,"samples":[{"ts":5,"values":{"t":1.5,"on":true},"bad":{"x":"timeout"}}]}"#;
    let delivery = parse("p/e/w/d/data", good.as_bytes()).unwrap();
    assert_eq!((delivery.seq, delivery.prev, delivery.samples[0].ts), (7, 6, 5));
    assert_eq!(delivery.samples[0].bad["x"], "timeout");
    for (from, to, why) in [
        (r#""device":"d""#, r#""device":"e""#, "does not belong to the topic"),
        ("-data-7", "-7", "is not <boot>-data-<seq>"),
        ("0123456789ab", "0123456789AB", "hexadecimal"),
        (r#""prev":6,"#, "", "no prev"),
        (r#""ts":5,"#, "", "without ts"),
        ("1.5", r#""1.5""#, "t is"),
        ("1.5", "null", "t is"),
        (r#""timeout""#, r#""""#, "bad without a cause"),
        (r#""x":"timeout""#, r#""t":"timeout""#, "good and bad at once"),
        (r#"{"ts":5,"values":{"t":1.5,"on":true},"bad":{"x":"timeout"}}"#, "", "no samples"),
        ("}]}", "}]", "EOF"),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        let said = parse("p/e/w/d/data", text.as_bytes()).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
}

#[test]
fn bad_readings_are_kept_with_their_cause() {
    let stream = [data(1, 0, r#"{"ts":1,"bad":{"t":"timeout"}}"#), data(2, 1, &value(2, 2))];
    let found = account(&stream);
    assert_eq!(found.broken, [""; 0]);
    assert_eq!(found.of_tag("d", "t"), [(1, Got::Bad("timeout".into())), (2, Got::Value(2.0))]);
    assert_eq!(found.causes("d", "t"), ["timeout"]);
}

#[test]
fn a_comparison_names_what_is_missing_and_what_was_never_handed_out() {
    let handed: Vec<Handed> = (1..=5).map(|n| Handed { ms: n * 10, value: n as f64 }).collect();
    assert_eq!(compare(&handed, &[1.0, 2.0, 3.0, 4.0, 5.0]), Comparison::default());
    let with_gap = compare(&handed, &[1.0, 2.0, 5.0]);
    assert_eq!(with_gap, Comparison { missing: handed[2..4].to_vec(), unexplained: vec![] });
    let without_end = compare(&handed, &[1.0, 2.0, 3.0]);
    assert_eq!(without_end, Comparison { missing: handed[3..].to_vec(), unexplained: vec![] });
    assert_eq!(compare(&handed, &[1.0, 7.0, 2.0, 3.0, 4.0, 5.0]).unexplained, [7.0]);
    assert_eq!(compare(&handed, &[2.0, 1.0, 3.0, 4.0, 5.0]).unexplained, [1.0], "out of turn");
    assert_eq!(compare(&handed, &[1.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unexplained, [1.0], "once too often");
}

fn numbered(numbers: impl IntoIterator<Item = i64>) -> Vec<Handed> {
    numbers.into_iter().map(|n| Handed { ms: n * 100, value: n as f64 }).collect()
}

/// Two lives of ten readings each, the first killed at 1050.
#[track_caller]
fn check_holes(missing: impl IntoIterator<Item = i64>, expected: Result<&[(usize, i64)], &str>) {
    let lives = [Life { started: 50, killed: Some(1050) }, Life { started: 1060, killed: None }];
    let found = holes(&numbered(1..=20), &numbered(missing), &lives);
    match (found, expected) {
        (Ok(found), Ok(expected)) => {
            let found: Vec<(usize, i64)> = found.iter().map(|hole| (hole.lost, hole.age_ms)).collect();
            assert_eq!(found, expected);
        }
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
        (found, expected) => panic!("{found:?}, not {expected:?}"),
    }
}

#[test]
fn a_kill_explains_the_last_readings_before_it_and_nothing_else() {
    check_holes([], Ok(&[]));
    check_holes([10], Ok(&[(1, 50)]));
    check_holes([8, 9, 10], Ok(&[(3, 250)]));
    check_holes([8, 10], Err("are missing although"));
    check_holes([5], Err("are missing although"));
    check_holes([10, 11], Err("nobody killed"));
    check_holes([20], Err("nobody killed"));
}

#[test]
fn the_log_of_a_plc_tells_what_a_tag_was_given() {
    let text = "100 3 1 0 8 1\n200 4 1 0 2 2\n300 3 1 4 2 3\n400 3 1 0 8 4 2\n500 3 1 0 8 5";
    let answered = parse_log(text);
    assert_eq!(answered.len(), 4, "a line without its end is not a line yet");
    assert_eq!(answered[3].port, 2);
    let values = |name: &str| {
        let rung = LADDER.iter().find(|rung| rung.name == name).unwrap();
        handed(&answered, rung).iter().map(|h| h.value).collect::<Vec<_>>()
    };
    assert_eq!(values("count"), [1.0, 4.0]);
    assert_eq!(values("half"), [0.5, 1.5, 2.0]);
    assert_eq!(values("minus"), [-0.1, -0.4]);
    assert_eq!(values("input"), [2.0]);
}

/// Both servers, read by a client that is neither the agent nor of their own making.
#[test]
fn foreign_plcs_climb_the_ladder_and_log_every_rung() {
    let dir = temp_dir();
    let port = free_ports(3);
    for (plc, ports) in [(Plc::pymodbus(dir.path(), port), 1), (Plc::libmodbus(dir.path(), port + 1, 2), 2)] {
        for port in plc.port..plc.port + ports {
            let said = read_with_pymodbus(
                port,
                "for n in range(3):\n    print(*c.read_holding_registers(0, count=10, device_id=1).registers)\n\
                 print(*c.read_input_registers(6, count=2, device_id=1).registers)\n\
                 print(*c.read_coils(0, count=2, device_id=1).bits[:2])\n\
                 print(c.read_holding_registers(1999, count=2, device_id=1).exception_code)",
            );
            let half = |n: u16| ((f32::from(n) / 2.0).to_bits() >> 16).to_string();
            let line = |n: u16| format!("0 {n} {n} {} {} 0 {n} 0 {} {}", 65_536 - u32::from(n), half(n), n + 8, n + 9);
            let expected = [line(1), line(2), line(3), "4 0".into(), "True False".into(), "2".into()].join("\n");
            assert_eq!(said.trim(), expected, "port {port}");
        }
        let counts: Vec<f64> = plc.handed(&LADDER[0]).iter().map(|h| h.value).collect();
        assert_eq!(counts, [1.0, 2.0, 3.0].repeat(usize::from(ports)));
        assert_eq!(plc.last_counter(&LADDER[0]), 3);
    }
}

#[test]
fn the_gate_refuses_while_closed_and_cuts_when_it_closes() {
    let dir = temp_dir();
    let broker = Mosquitto::start_in(dir.path(), Setup::default());
    let mut gate = Gate::before(broker.agent_port);
    assert!(TcpStream::connect(("127.0.0.1", gate.port())).is_err());
    gate.open();
    let through = || {
        let args = ["-p", &gate.port().to_string(), "-q", "1", "-t", "t", "-m", "m"].map(str::to_owned);
        Command::new(program("mosquitto_pub")).args(args).stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(through());
    assert_eq!(gate.passed(), 1);
    let mut held = TcpStream::connect(("127.0.0.1", gate.port())).unwrap();
    wait_for("the held connection", || (gate.passed() == 2).then_some(()));
    gate.close();
    assert_eq!(BufReader::new(&mut held).read_line(&mut String::new()).unwrap_or(0), 0, "the connection still stands");
    assert!(TcpStream::connect(("127.0.0.1", gate.port())).is_err());
    gate.open();
    assert!(
        Command::new(program("mosquitto_pub"))
            .args(["-p", &gate.port().to_string(), "-q", "1", "-t", "t", "-m", "m"])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn the_gate_lets_nothing_pass_while_frozen_and_all_of_it_afterwards() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gate = Gate::before(server.local_addr().unwrap().port());
    gate.open();
    let enter = || TcpStream::connect(("127.0.0.1", gate.port())).unwrap();
    let read = |from: &mut TcpStream| {
        from.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut bytes = [0; 8];
        from.read(&mut bytes).ok().map(|n| bytes[..n].to_vec())
    };
    let mut inside = enter();
    let mut outside = server.accept().unwrap().0;
    inside.write_all(b"a").unwrap();
    assert_eq!(read(&mut outside), Some(b"a".to_vec()));

    gate.freeze();
    inside.write_all(b"b").unwrap();
    outside.write_all(b"c").unwrap();
    let mut late = enter();
    late.write_all(b"d").unwrap();
    assert_eq!((read(&mut outside), read(&mut inside)), (None, None), "something passed, or the connection was cut");

    gate.thaw();
    assert_eq!((read(&mut outside), read(&mut inside)), (Some(b"b".to_vec()), Some(b"c".to_vec())));
    assert_eq!(read(&mut server.accept().unwrap().0), Some(b"d".to_vec()));

    gate.cut();
    assert_eq!((read(&mut outside), read(&mut inside)), (Some(vec![]), Some(vec![])), "a connection still stands");
    let mut inside = TcpStream::connect(("127.0.0.1", gate.port())).unwrap();
    inside.write_all(b"e").unwrap();
    assert_eq!(read(&mut server.accept().unwrap().0), Some(b"e".to_vec()));

    gate.freeze();
    gate.close();
    assert_eq!(read(&mut inside), Some(vec![]), "a frozen gate does not close");
}

#[test]
fn the_broker_speaks_tls_with_a_name_and_wants_the_password() {
    let dir = temp_dir();
    let setup = Setup { tls: true, login: Some(("gateway", "s3cret")), ..Setup::default() };
    let broker = Mosquitto::start_in(dir.path(), setup);
    let publish = |host: &str, ca: &str, password: &str| {
        Command::new(program("mosquitto_pub"))
            .args(["-h", host, "-p", &broker.agent_port.to_string(), "--cafile", ca])
            .args(["-u", "gateway", "-P", password, "-q", "1", "-t", "t", "-m", "m"])
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    };
    let ca = broker.ca_file().display().to_string();
    assert!(publish("localhost", &ca, "s3cret"));
    assert!(publish("127.0.0.1", &ca, "s3cret"));
    assert!(!publish("localhost", &ca, "wrong"));
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    common::broker::write_certificates(&other);
    assert!(!publish("localhost", &other.join("ca.crt").display().to_string(), "s3cret"), "any CA is accepted");
}

#[test]
fn retained_messages_survive_a_stop_with_persistence_and_nothing_survives_a_kill_without() {
    for persistence in [true, false] {
        let dir = temp_dir();
        let mut broker = Mosquitto::start_in(dir.path(), Setup { persistence, ..Setup::default() });
        let kept = Command::new(program("mosquitto_pub"))
            .args(["-p", &broker.plain_port.to_string(), "-q", "1", "-r", "-t", "kept", "-m", "m"])
            .status()
            .unwrap();
        assert!(kept.success());
        if persistence {
            broker.stop()
        } else {
            broker.kill()
        };
        assert!(TcpStream::connect(("127.0.0.1", broker.agent_port)).is_err(), "the broker's port still answers");
        broker.start();
        let receiver = Receiver::start(broker.plain_port, dir.path());
        let found = receiver.messages().iter().any(|m| m.retained && m.topic == "kept" && m.text() == "m");
        assert_eq!(found, persistence);
    }
}

/// The promise on which every count of losses rests. The publisher is mosquitto_pub, whose debug output names each PUBACK.
#[test]
fn what_a_killed_broker_acknowledged_the_receiver_has() {
    let dir = temp_dir();
    let mut broker = Mosquitto::start_in(dir.path(), Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir.path());
    let mut acknowledged_in_all = 0;
    for round in 0..3 {
        receiver.stands();
        let topic = format!("load/{round}");
        let mut publisher = Command::new(program("mosquitto_pub"))
            .args(["-h", "127.0.0.1", "-p", &broker.agent_port.to_string(), "-q", "1", "-t", &topic, "-d", "-l"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = publisher.stdin.take().unwrap();
        let (file, ended) = (receiver.file().to_owned(), Arc::new(AtomicBool::new(false)));
        let feeder = std::thread::spawn({
            let (ended, before) = (ended.clone(), fs::metadata(&file).unwrap().len());
            let line = "0 load/0 ".len() + 2 * 2000 + 1;
            move || {
                // Full speed within the bound of the promise: 30 messages of 2 kB wait for the receiver at most.
                for n in 1_u64.. {
                    while n > (fs::metadata(&file).unwrap().len() - before) / line as u64 + 30 && !ended.load(SeqCst) {
                        std::thread::sleep(Duration::from_micros(50));
                    }
                    if writeln!(stdin, "{n:06}-{}", "x".repeat(1993)).is_err() {
                        return; // the publisher was killed
                    }
                }
            }
        });
        let mut stdout = BufReader::new(publisher.stdout.take().unwrap());
        let acknowledged = std::thread::spawn(move || {
            let mut numbers = Vec::new();
            let mut line = String::new();
            while stdout.read_line(&mut line).unwrap_or(0) > 0 {
                let number = line
                    .split_once("received PUBACK (Mid: ")
                    .and_then(|(_, rest)| rest.split(',').next()?.parse::<u32>().ok());
                numbers.extend(number);
                line.clear();
            }
            numbers
        });
        wait_for("load", || (receiver.messages().iter().filter(|m| m.topic == topic).count() > 500).then_some(()));
        broker.kill();
        // Time for the publisher to read what is in its socket. Less would only make the test milder.
        std::thread::sleep(Duration::from_millis(300));
        publisher.kill().unwrap();
        publisher.wait().unwrap();
        ended.store(true, SeqCst);
        feeder.join().unwrap();
        let acknowledged = acknowledged.join().unwrap();
        let received: std::collections::BTreeSet<u32> = receiver
            .messages()
            .iter()
            .filter(|m| m.topic == topic)
            .map(|m| m.text().split('-').next().unwrap().parse().unwrap())
            .collect();
        let lost: Vec<_> = acknowledged.iter().filter(|n| !received.contains(n)).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged, and not received: {lost:?}");
        acknowledged_in_all += acknowledged.len();
        broker.start();
    }
    assert!(acknowledged_in_all > 1000, "no load: {acknowledged_in_all}");
}

#[test]
fn ports_are_free_and_never_given_twice() {
    let given: std::collections::BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
    assert_eq!(given.len(), 50);
}

/// The faults of the disk, tried on a shell instead of the agent.
#[test]
fn the_nth_call_fails_once_or_until_it_is_healed_and_writes_down_that_it_did() {
    let echo = |fault: &IoFault, armed: bool, healed: bool| {
        let dir = temp_dir();
        let state = dir.path().join("state");
        fs::create_dir(&state).unwrap();
        let rig = Rig::new(fault, &state, dir.path());
        if armed {
            rig.arm();
        }
        if healed {
            rig.heal();
        }
        let script = "for n in 1 2 3 4; do echo $n > $0/$n; done; echo 5 > $0-beside";
        let ended = Command::new("sh").args(["-c", script]).arg(&state).envs(rig.env()).stderr(Stdio::null()).status();
        assert!(ended.unwrap().success(), "the last file is none of ours");
        let written = |n: u32| fs::read(state.join(n.to_string())).unwrap_or_default().len();
        ((1..=4).map(written).collect::<Vec<_>>(), rig.fired().len())
    };
    let fault = IoFault { calls: "write", nth: 2, kind: "EIO", once: true, from_start: true };
    assert_eq!(echo(&fault, false, false), (vec![2, 0, 2, 2], 1));
    let lasting = IoFault { once: false, ..fault.clone() };
    assert_eq!(echo(&lasting, false, false), (vec![2, 0, 0, 0], 3));
    assert_eq!(echo(&lasting, false, true), (vec![2; 4], 0));
    let later = IoFault { from_start: false, ..lasting.clone() };
    assert_eq!(echo(&later, false, false), (vec![2; 4], 0));
    assert_eq!(echo(&later, true, false), (vec![2, 0, 0, 0], 3));
    let (written, fired) = echo(&IoFault { kind: "TORN", ..lasting.clone() }, false, false);
    assert_eq!((written, fired > 2), (vec![2, 1, 0, 0], true), "half of the second one");
    assert_eq!(echo(&IoFault { calls: "open", ..lasting }, false, false), (vec![2, 0, 0, 0], 3));
}

#[test]
fn the_scripted_broker_does_what_it_is_told_and_remembers_what_it_acknowledged() {
    let broker = Scripted::start(vec![Manner { good: 1, then: Then::TakeAndHangUp(0) }]);
    let publish = |message: &str| {
        let port = broker.port.to_string();
        let args = ["-p", &port, "-q", "1", "-t", "x/data", "-m", message];
        Command::new(program("mosquitto_pub")).args(args).stderr(Stdio::null()).status().unwrap().success()
    };
    // One connection each: the first is good to one message, which is all that comes.
    assert!(publish("a"));
    assert!(publish("b"));
    assert!(broker.misdeeds().is_empty());
    let taken: Vec<_> = broker.taken().into_iter().map(|t| (t.connection, t.payload, t.is_acked)).collect();
    assert_eq!(taken, [(0, b"a".to_vec(), true), (1, b"b".to_vec(), true)]);

    let broker = Scripted::start(vec![Manner { good: 0, then: Then::TakeAndHangUp(0) }; 20]);
    let port = broker.port.to_string();
    let args = ["-p", &port, "-q", "1", "-t", "x/data", "-m", "c"];
    let mut refused = Command::new(program("mosquitto_pub")).args(args).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the misdeed", || (!broker.misdeeds().is_empty()).then_some(()));
    refused.kill().ok(); // it may have given up by itself
    refused.wait().unwrap();
    assert!(broker.taken().iter().all(|t| !t.is_acked && t.payload == b"c"));
}
