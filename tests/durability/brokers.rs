//! Brokers that misbehave: hang up before they acknowledge, fall silent, are slow, acknowledge the wrong message, send
//! garbage. Whatever they do, nothing is lost and no cursor jumps: each record that was not acknowledged comes again.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::common::account::{Account, compare};
use crate::common::agent::Agent;
use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::{Dice, sized};
use crate::common::plan::{Plan, TAG};
use crate::common::plant::Plant;
use crate::common::plc::{LADDER, Plc};
use crate::common::receiver::Receiver;
use crate::common::script::{Manner, Scripted, Taken, Then};
use crate::common::{free_port, temp_dir, wait_for};

const SINK: &str = "ack_timeout = \"1s\"\nkeep_alive = \"5s\"";

#[test]
fn whatever_a_broker_does_what_it_has_not_acknowledged_comes_again() {
    let puback = |id: u16| [&[0x40, 2][..], &id.to_be_bytes()].concat();
    let cases: Vec<(&str, Vec<Manner>)> = vec![
        ("hangs up at once", vec![Manner { good: 0, then: Then::TakeAndHangUp(0) }]),
        ("takes some and hangs up", vec![Manner { good: 3, then: Then::TakeAndHangUp(5) }]),
        ("hangs up twice", vec![Manner { good: 1, then: Then::TakeAndHangUp(2) }; 2]),
        ("falls silent", vec![Manner { good: 3, then: Then::Silence }]),
        ("goes deaf", vec![Manner { good: 3, then: Then::Deaf }]),
        ("is slow", vec![Manner { good: 2, then: Then::Slow(Duration::from_secs(2)) }]),
        ("acknowledges another message", vec![Manner { good: 3, then: Then::WrongId }]),
        ("acknowledges twice", vec![Manner { good: 3, then: Then::Twice }]),
        ("leaves one out", vec![Manner { good: 3, then: Then::LeaveOut(4) }]),
        ("acknowledges backwards", vec![Manner { good: 3, then: Then::Backwards(5) }]),
        ("sends garbage", vec![Manner { good: 3, then: Then::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()) }]),
        ("sends half a packet", vec![Manner { good: 3, then: Then::Bytes(vec![0x40, 2, 0]) }]),
        ("sends a packet of 256 MB", vec![Manner { good: 3, then: Then::Bytes(vec![0x40, 0xff, 0xff, 0xff, 0x7f]) }]),
        (
            "sends a length without end",
            vec![Manner { good: 3, then: Then::Bytes(vec![0x40, 0xff, 0xff, 0xff, 0xff, 0xff]) }],
        ),
        ("acknowledges message 0", vec![Manner { good: 3, then: Then::Bytes(puback(0)) }]),
        ("acknowledges message 65535", vec![Manner { good: 3, then: Then::Bytes(puback(65_535)) }]),
        ("sends a PUBACK without id", vec![Manner { good: 3, then: Then::Bytes(vec![0x40, 0]) }]),
        ("answers as if it were QoS 2", vec![Manner { good: 3, then: Then::Bytes(vec![0x50, 2, 0, 1]) }]),
        ("sends a CONNACK in the middle", vec![Manner { good: 3, then: Then::Bytes(vec![0x20, 2, 0, 0]) }]),
        ("does not welcome", vec![Manner { good: 0, then: Then::NoWelcome(b"\x00\x00\x00\x00".to_vec()) }]),
        ("has no room", vec![Manner { good: 0, then: Then::NoWelcome(vec![0x20, 2, 0, 3]) }]),
    ];
    let dir = temp_dir();
    let dir = dir.path();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let mine = cases.iter().enumerate().skip(worker).step_by(WORKERS);
                scope.spawn(move || {
                    mine.for_each(|(n, (name, manners))| misbehave(&dir.join(n.to_string()), name, manners))
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// Cases at a time: they wait more than they work.
const WORKERS: usize = 7;

fn misbehave(dir: &Path, name: &str, manners: &[Manner]) {
    std::fs::create_dir_all(dir).unwrap();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let broker = Scripted::start(manners.to_vec());
    let mut plan = Plan::new(dir, plc.port, broker.port);
    plan.sinks[0].more = SINK.to_owned();
    let mut agent = Agent::start(&plan.write(dir), dir);
    wait_for(&format!("{name}: the misdeed"), || {
        assert!(agent.is_running(), "{name}: {}", agent.log());
        (!broker.misdeeds().is_empty()).then_some(())
    });
    // On with it, through the silence and the pause before the next connection.
    let is_slow = matches!(manners[0].then, Then::Slow(_) | Then::Twice);
    wait_for(&format!("{name}: a good connection"), || {
        (broker.connections() > manners.len() || is_slow)
            .then_some(())
            .filter(|()| broker.misdeeds().len() >= manners.len())
    });
    let until = f64::from(plc.last_counter(&LADDER[0]) + 10);
    wait_for(&format!("{name}: value {until} acknowledged"), || {
        assert!(agent.is_running(), "{name}: {}", agent.log());
        acknowledged(&broker.taken()).last().is_some_and(|last| *last >= until).then_some(())
    });
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{name}: {}", agent.log());
    assert!(!agent.log().contains("panicked"), "{name}: {}", agent.log());

    let taken = broker.taken();
    let all = Account::of(taken.iter().map(|t| (t.topic.as_str(), t.payload.as_slice())));
    assert_eq!(all.broken, [""; 0], "{name}");
    let handed = plc.handed(&LADDER[0]);
    let mut result = compare(&handed, &acknowledged(&taken));
    result.missing.retain(|h| handed.last() != Some(h)); // on the wire at the end
    assert_eq!((result.missing.len(), result.unexplained.len()), (0, 0), "{name}: {result}\n{}", agent.log());
    // No cursor jumped: a later connection begins at or before the first message that was not acknowledged.
    for connection in 1..broker.connections() {
        let earlier = || taken.iter().filter(|t| t.connection < connection);
        let acked: BTreeSet<u64> = earlier().filter(|t| t.is_acked).filter_map(seq).collect();
        let sent: BTreeSet<u64> = earlier().filter_map(seq).collect();
        let first = taken.iter().filter(|t| t.connection == connection).find_map(seq);
        if let (Some(first), Some(unacked)) = (first, sent.difference(&acked).next()) {
            assert!(first <= *unacked, "{name}: {first} was sent before {unacked}");
        }
    }
}

/// The values in the records that were acknowledged at least once, in the order in which they first came.
fn acknowledged(taken: &[Taken]) -> Vec<f64> {
    let acked: BTreeSet<u64> = taken.iter().filter(|t| t.is_acked).filter_map(seq).collect();
    let mut account = Account::of(taken.iter().map(|t| (t.topic.as_str(), t.payload.as_slice())));
    account.deliveries.retain(|d| acked.contains(&d.seq));
    let samples = account.deliveries.iter().flat_map(|d| &d.samples);
    samples.filter_map(|sample| sample.values.get(TAG)?.as_f64()).collect()
}

fn seq(taken: &Taken) -> Option<u64> {
    Some(crate::common::account::parse(&taken.topic, &taken.payload).ok()?.seq)
}

/// A real broker through all weathers, with and without a memory of its own.
#[test]
fn outages_of_all_kinds_lose_nothing_with_and_without_sessions() {
    std::thread::scope(|scope| {
        let both = [true, false].map(|persistence| scope.spawn(move || outages(persistence)));
        for one in both {
            one.join().unwrap();
        }
    });
}

fn outages(persistence: bool) {
    let (dir, mut dice) =
        (temp_dir(), Dice::of(if persistence { "outages, sessions" } else { "outages, no sessions" }));
    let dir = dir.path();
    let mut broker = Mosquitto::start_in(dir, Setup { persistence, ..Setup::default() });
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut plant = Plant::new(dir, "p", &broker);
    plant.plan.sinks[0].more = SINK.to_owned();
    let mut agent = plant.start();
    plant.all_arrives(&receiver);
    let mut seen = [0; 5];
    for round in 0..sized(5, 40) {
        let kind = if round < 5 { round } else { dice.between(0, 5) as usize };
        let (before, passed) = (agent.log().len(), plant.gate.passed());
        match kind {
            0 => broker.stop(),
            // Frozen first, so that messages are on the way that nobody ever acknowledges.
            1 => {
                broker.freeze();
                sleep(Duration::from_millis(dice.between(50, 500)));
                broker.kill();
            }
            2 => broker.kill(),
            3 => plant.gate.freeze(),
            _ => plant.gate.cut(),
        }
        if kind <= 2 {
            plant.gate.close(); // the receiver must be back before the agent
        }
        agent.wait_log(before, &["CW42", "CW45"]);
        seen[kind] += 1;
        sleep(Duration::from_millis(dice.between(0, 800)));
        match kind {
            0..=2 => {
                broker.start();
                receiver.stands();
                plant.gate.open();
            }
            3 => plant.gate.thaw(),
            _ => {}
        }
        plant.all_arrives(&receiver);
        assert!(plant.gate.passed() > passed, "no new connection after outage {kind}");
    }
    plant.collects(10);
    plant.finish(&mut agent, &receiver);
    let account = plant.books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    assert_eq!(plant.missing(&account), []);
    println!(
        "persistence {persistence}: outages by kind {seen:?}, {} messages, {} duplicates",
        account.deliveries.len(),
        account.duplicates
    );
}
