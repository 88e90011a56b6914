//! SIGKILL at any moment, hundreds of times: what is lost lies within one commit interval before a kill; no position is used
//! twice, the order is kept, and no gap is told where there is none.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use crate::common::account::{Account, compare};
use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::{Dice, sized};
use crate::common::disk::SyncClock;
use crate::common::gate::Gate;
use crate::common::holes::{Hole, Life, holes};
use crate::common::plan::{DEVICE, TAG};
use crate::common::plant::Plant;
use crate::common::receiver::Receiver;
use crate::common::rows::rows;
use crate::common::{now_ms, temp_dir};

/// Until a thread of the agent runs that should run, on a machine with two cores and as many tests at work.
const SCHEDULING_MS: i64 = 250;

#[test]
fn a_kill_at_any_moment_costs_at_most_one_commit_interval() {
    kills("kills", "", sized(70, 1000));
}

#[test]
fn the_same_holds_where_everything_is_kept() {
    kills("kills, persist always", "persist = \"always\"", sized(40, 500));
}

fn kills(name: &str, journal: &str, lives_wanted: usize) {
    let (dir, mut dice) = (temp_dir(), Dice::of(name));
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut plant = Plant::new(dir, "kills", &broker);
    plant.plan.journal = journal.to_owned();
    let clock = SyncClock::start(dir);
    let (mut lives, mut logs) = (Vec::new(), Vec::new());
    let (mut kills, mut cut_off, mut held) = (0, 0, 0);

    for _ in 0..lives_wanted {
        let started = now_ms();
        let weather = dice.between(0, 100);
        set(&mut plant.gate, weather < 66);
        let mut agent = plant.start();
        let pause = |ms: u64| sleep(Duration::from_millis(ms));
        match weather {
            // Within the start, before anything is collected.
            0..12 => pause(dice.between(0, 100)),
            // Long enough for the agent to trust the broker and to write nothing any more; then, half the time, the broker
            // falls silent, and what is on the way is nowhere else.
            12..40 => {
                let begun = now_ms();
                while journal.is_empty() && now_ms() < begun + 4000 && !holds(&plant, &receiver) {
                    pause(100);
                }
                held += usize::from(holds(&plant, &receiver));
                if dice.falls(50) {
                    plant.gate.freeze();
                    pause(dice.between(0, 300));
                }
            }
            // The broker comes or goes in the middle, or not.
            _ => {
                pause(dice.between(50, 450));
                if dice.falls(33) {
                    let is_open = plant.gate.is_open();
                    set(&mut plant.gate, !is_open);
                }
                pause(dice.between(50, 450));
            }
        }
        cut_off += usize::from(!plant.gate.is_open());
        // Some end in order, which stores the cursors: else each life would send everything again that was ever sent.
        if dice.falls(5) && weather >= 40 {
            agent.sigterm();
            assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
            lives.push(Life { started, killed: None });
            continue;
        }
        let killed = now_ms();
        agent.sigkill();
        plant.gate.thaw();
        kills += 1;
        logs.push((killed, agent.log()));
        lives.push(Life { started, killed: Some(killed) });
    }
    set(&mut plant.gate, true);
    let started = now_ms();
    let mut agent = plant.start();
    plant.collects(20);
    plant.finish(&mut agent, &receiver);
    lives.push(Life { started, killed: None });

    let account = plant.books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    let found = judge(&plant, &account, &lives);
    let within = |hole: &Hole| {
        let slowest = clock.slowest_between(hole.killed - hole.age_ms - 1000, hole.killed);
        plant.plan.commit_interval_ms as i64 + 3 * slowest + SCHEDULING_MS
    };
    for hole in &found {
        let log = logs.iter().find(|(killed, _)| *killed == hole.killed).map(|(_, log)| log.as_str());
        assert!(hole.age_ms <= within(hole), "{hole:?} may be {} ms old\n{}", within(hole), log.unwrap_or_default());
    }
    // The faults were real: kills hit collections, connections and backlogs, and some of them cost something.
    let boots: BTreeSet<_> = account.deliveries.iter().map(|d| d.id[..12].to_owned()).collect();
    let mut ages: Vec<i64> = found.iter().map(|hole| hole.age_ms).collect();
    ages.sort_unstable();
    println!(
        "{name}: {kills} kills, {cut_off} of them without a broker, {held} while nothing was written; {} connections, {} boots \
         delivered, {} messages, {} duplicates recognised; {} kills cost readings, {} in all; the oldest was {:?} ms old in \
         the middle, {:?} ms at worst",
        plant.gate.passed(),
        boots.len(),
        account.deliveries.len(),
        account.duplicates,
        found.len(),
        found.iter().map(|hole| hole.lost).sum::<usize>(),
        ages.get(ages.len() / 2),
        ages.last(),
    );
    // (How many of them depends on the machine, so little is asked: that it was not by chance.)
    assert!(boots.len() * 5 > lives.len(), "few of the killed agents had collected anything");
    assert!(found.len() * 20 > kills, "the kills cost next to nothing: they did not hit");
    assert!(account.duplicates > 0, "no kill interrupted a delivery");
    assert!(plant.gate.passed() * 10 > kills && cut_off * 20 > kills, "the broker was always there, or never");
    assert_eq!(held > 0, journal.is_empty(), "{held} lives held back what was being delivered");
}

/// Whether the broker has records that were never written.
fn holds(plant: &Plant, receiver: &Receiver) -> bool {
    let written = rows(&plant.plan.state).last().map_or(0, |(seq, _)| *seq);
    plant.books(receiver).deliveries.last().is_some_and(|delivery| delivery.seq > written + 3)
}

fn set(gate: &mut Gate, is_open: bool) {
    match is_open {
        _ if is_open == gate.is_open() => {}
        true => gate.open(),
        false => gate.close(),
    }
}

/// What the kills cost, if it is only that.
#[track_caller]
fn judge(plant: &Plant, account: &Account, lives: &[Life]) -> Vec<Hole> {
    let handed = plant.handed();
    let result = compare(&handed, &account.values(DEVICE, TAG));
    assert_eq!(result.unexplained, [0.0; 0]);
    holes(&handed, &result.missing, lives).unwrap()
}
