//! Disks that refuse: the Nth call fails, once or until somebody heals it. The agent never ends, goes on collecting and
//! delivering, loses nothing uncounted, and heals by itself.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::{Dice, is_long, sized};
use crate::common::io_fault::{IoFault, Rig};
use crate::common::plant::Plant;
use crate::common::receiver::Receiver;
use crate::common::{now_ms, temp_dir, wait_for};

/// Agents at a time: they wait more than they work.
const WORKERS: usize = 5;

/// A disk that works again is noticed within a few seconds.
const HEALS_WITHIN_MS: i64 = 6_000;

/// Kinds of calls, and how many of them a second of work makes at least: further on a fault would not come soon. (Files are
/// cut shorter only at starts and ends, so that this is left to the second test.)
const CALLS: [(&str, u64); 5] =
    [("write", 40), ("sync", 12), ("read", 8), ("open", 1), ("write,sync,read,open,truncate,rename,map", 60)];

#[test]
fn a_running_agent_outlives_a_disk_that_refuses_the_nth_call() {
    let mut dice = Dice::of("refusals");
    let mut faults = Vec::new();
    for (calls, most) in CALLS {
        for (kind, once) in [("EIO", true), ("EIO", false), ("ENOSPC", false), ("TORN", false)] {
            if matches!(calls, "read" | "open") && kind != "EIO" {
                continue; // they do not fail like that
            }
            if is_long() {
                faults.extend((1..=most).map(|nth| IoFault { calls, nth, kind, once, from_start: false }));
            } else {
                let nth = dice.between(1, most + 1);
                faults.push(IoFault { calls, nth, kind, once, from_start: false });
            }
        }
    }
    let fired = sweep(faults, while_running);
    println!("{fired:?} (without and with a fault that came)");
    assert!(fired[1] > 2 * fired[0], "most faults never came: {fired:?}");
}

#[test]
fn an_agent_that_starts_on_a_disk_that_refuses_runs_once_it_is_healed() {
    let mut dice = Dice::of("refusals at the start");
    let mut faults = Vec::new();
    for n in 0..sized(10, 120) as u64 {
        let nth = if is_long() { n % 60 + 1 } else { dice.between(1, 60) };
        let kind = if dice.falls(50) { "EIO" } else { "ENOSPC" };
        let calls = "write,sync,read,open,truncate,rename,map";
        faults.push(IoFault { calls, nth, kind, once: dice.falls(30), from_start: true });
    }
    let fired = sweep(faults, at_the_start);
    println!("{fired:?} (without and with a fault that came)");
    assert!(fired[1] > fired[0], "most faults never came: {fired:?}");
}

/// Tries all of them, some at a time. Gives how many did not come and how many did.
fn sweep(faults: Vec<IoFault>, attempt: impl Fn(Plant, &Receiver, &IoFault, &Path) -> bool + Sync) -> [usize; 2] {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let counts = std::sync::Mutex::new([0, 0]);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let mine = faults.iter().enumerate().skip(worker).step_by(WORKERS);
                let (broker, receiver, attempt, counts) = (&broker, &receiver, &attempt, &counts);
                scope.spawn(move || {
                    for (n, fault) in mine {
                        let plant = Plant::new(dir, &format!("f{n}"), broker);
                        let dir = plant.dir.clone();
                        let came = attempt(plant, receiver, fault, &dir);
                        counts.lock().unwrap()[usize::from(came)] += 1;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
    counts.into_inner().unwrap()
}

/// The fault comes to an agent at work, whose broker is away for a while, so that it writes and reads back.
fn while_running(mut plant: Plant, receiver: &Receiver, fault: &IoFault, dir: &Path) -> bool {
    // Reads come when the broker is back; of the other faults, every second one ends in a kill.
    let is_killed = !matches!(fault.calls, "read" | "open") && fault.nth.is_multiple_of(2);
    let rig = Rig::new(fault, &plant.plan.state, dir);
    if matches!(fault.calls, "read" | "open") {
        // More than the agent keeps in memory for its sinks, so that it reads what it wrote.
        (plant.plan.every_ms, plant.plan.ballast) = (10, 117);
    }
    let mut agent = plant.start_with(&rig.env());
    plant.collects(5);
    plant.all_arrives(receiver);
    rig.arm();
    plant.gate.close();
    sleep(Duration::from_millis(1200));
    let begun = Instant::now();
    while is_killed && rig.fired().is_empty() && begun.elapsed() < Duration::from_secs(3) {
        sleep(Duration::from_millis(50));
    }
    if is_killed {
        // What waited in memory must be on the disk soon after it is healed: the broker is still away when the agent dies.
        let has_come = !rig.fired().is_empty();
        let was_told = agent.log().contains("[CW3");
        rig.heal();
        let healed = now_ms();
        if was_told {
            agent.wait_log(0, &["can be written again"]);
            assert!(now_ms() < healed + HEALS_WITHIN_MS, "{fault:?}: healed late: {}", agent.log());
        }
        plant.works(&mut agent, 30);
        agent.sigkill();
        no_false_alarm(fault, &agent.log());
        plant.gate.open();
        let mut agent = plant.start();
        plant.works(&mut agent, 5);
        plant.finish(&mut agent, receiver);
        let account = plant.books(receiver);
        assert_eq!(account.broken, [""; 0], "{fault:?}");
        let missing: Vec<_> = plant.missing(&account).into_iter().filter(|h| h.ms < healed).collect();
        assert_eq!(missing, [], "{fault:?}: missing although the disk was healed");
        return has_come;
    }
    let connections = plant.gate.passed();
    plant.gate.open();
    // The broker is there again while the disk still refuses.
    wait_for("a connection", || (plant.gate.passed() > connections).then_some(()));
    sleep(Duration::from_millis(600));
    let has_come = !rig.fired().is_empty();
    rig.heal();
    plant.works(&mut agent, 10);
    plant.finish(&mut agent, receiver);
    no_false_alarm(fault, &agent.log());
    // A second life finds a journal that it can work with.
    let mut agent = plant.start();
    plant.works(&mut agent, 5);
    plant.finish(&mut agent, receiver);
    closes(&plant, receiver, fault, &agent.log());
    has_come
}

/// The fault meets an agent that starts on a journal with a backlog. It may end with a word about the disk: then it is
/// started again, as systemd does, and needs nothing else.
fn at_the_start(mut plant: Plant, receiver: &Receiver, fault: &IoFault, dir: &Path) -> bool {
    plant.gate.close();
    let mut agent = plant.start();
    plant.collects(15);
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    plant.gate.open();
    let rig = Rig::new(fault, &plant.plan.state, dir);
    let mut agent = plant.start_with(&rig.env());
    sleep(Duration::from_millis(600));
    let has_come = !rig.fired().is_empty();
    rig.heal();
    if !agent.is_running() {
        assert!(has_come, "the agent ended without a fault: {}", agent.log());
        assert!(agent.log().contains("[CW3"), "{fault:?}: it ended without a word about the disk: {}", agent.log());
        assert!(!agent.log().contains("panicked"), "{fault:?}: {}", agent.log());
        agent = plant.start();
    }
    plant.collects(10);
    plant.finish(&mut agent, receiver);
    closes(&plant, receiver, fault, &agent.log());
    has_come
}

/// A disk that does not take something is no damaged file (CW314): that would be set aside for nothing.
fn no_false_alarm(fault: &IoFault, log: &str) {
    let is_refusal = fault.calls == "write" || fault.calls == "sync";
    assert!(!is_refusal || !log.contains("[CW314]"), "{fault:?}: {log}");
}

/// Nothing is missing: faults that are healed within seconds are bridged by the memory.
fn closes(plant: &Plant, receiver: &Receiver, fault: &IoFault, log: &str) {
    let account = wait_for("the books", || Some(plant.books(receiver)));
    assert_eq!(account.broken, [""; 0], "{fault:?}: {log}");
    let missing = plant.missing(&account);
    assert_eq!(missing, [], "{fault:?}: {log}");
}
