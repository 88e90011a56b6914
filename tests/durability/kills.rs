//! SIGKILL at any moment, hundreds of times: what is lost lies within one commit interval before a kill; no position is used
//! twice, the order is kept, and no gap is told where there is none.

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
use crate::common::{now_ms, temp_dir};

/// Until a thread of the agent runs that should run, on a machine with two cores and as many tests at work.
const SCHEDULING_MS: i64 = 250;

#[test]
fn a_kill_at_any_moment_costs_at_most_one_commit_interval() {
    let (dir, mut dice) = (temp_dir(), Dice::of("kills"));
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut plant = Plant::new(dir, "kills", &broker);
    let clock = SyncClock::start(dir);
    let (mut lives, mut kills, mut cut_off) = (Vec::new(), 0, 0);

    for _ in 0..sized(110, 1000) {
        // A third of the lives has no broker, and in a third of them it comes or goes in the middle.
        let starts_open = dice.falls(66);
        set(&mut plant.gate, starts_open);
        let started = now_ms();
        let mut agent = plant.start();
        // Also within the start, before anything is collected.
        let span = if dice.falls(15) { dice.between(0, 100) } else { dice.between(100, 900) };
        if dice.falls(33) {
            let before = dice.between(0, span + 1);
            sleep(Duration::from_millis(before));
            set(&mut plant.gate, !starts_open);
            sleep(Duration::from_millis(span - before));
        } else {
            sleep(Duration::from_millis(span));
        }
        cut_off += usize::from(!plant.gate.is_open());
        // Some end in order, which stores the cursors: else each life would send everything again that was ever sent.
        if dice.falls(5) && span > 100 {
            agent.sigterm();
            assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
            lives.push(Life { started, killed: None });
            continue;
        }
        let killed = now_ms();
        agent.sigkill();
        kills += 1;
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
        assert!(hole.age_ms <= within(hole), "{hole:?} may be {} ms old", within(hole));
    }
    // The faults were real: kills hit collections, connections and backlogs, and some of them cost something.
    let boots: std::collections::BTreeSet<_> = account.deliveries.iter().map(|d| d.id[..12].to_owned()).collect();
    let mut ages: Vec<i64> = found.iter().map(|hole| hole.age_ms).collect();
    ages.sort_unstable();
    println!(
        "{kills} kills, {cut_off} of them without a broker, {} connections; {} boots delivered, {} messages, {} duplicates \
         recognised; {} kills cost readings, {} in all; age of the oldest: median {:?} ms, worst {:?} ms",
        plant.gate.passed(),
        boots.len(),
        account.deliveries.len(),
        account.duplicates,
        found.len(),
        found.iter().map(|hole| hole.lost).sum::<usize>(),
        ages.get(ages.len() / 2),
        ages.last(),
    );
    assert!(boots.len() * 2 > lives.len(), "few of the killed agents had collected anything");
    assert!(found.len() * 5 > kills, "the kills cost next to nothing: they did not hit");
    assert!(account.duplicates > 0, "no kill interrupted a delivery");
    assert!(plant.gate.passed() * 3 > kills && cut_off * 6 > kills, "the broker was always there, or never");
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
