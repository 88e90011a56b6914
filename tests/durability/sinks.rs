//! Two sinks, one of them dead for the whole run, and an agent that is killed in it: the living one gets everything at once
//! and in order, the dead one holds back nothing but the trim, and gets its own when it comes to life at the end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::account::compare;
use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::{Dice, sized};
use crate::common::gate::Gate;
use crate::common::holes::{Life, holes};
use crate::common::plan::{DEVICE, SinkPlan, TAG};
use crate::common::plant::{Plant, books};
use crate::common::receiver::Receiver;
use crate::common::rows::rows;
use crate::common::{now_ms, temp_dir, wait_for};

/// How far a living sink may be behind the PLC: a commit interval, and a busy machine.
const BEHIND: Duration = Duration::from_secs(5);

#[test]
fn a_sink_that_is_dead_for_the_whole_run_holds_back_nothing_but_the_trim() {
    let (dir, mut dice) = (temp_dir(), Dice::of("two sinks"));
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut plant = Plant::new(dir, "alive", &broker);
    let mut grave = Gate::before(broker.agent_port);
    plant.plan.sinks.push(SinkPlan::new("dead", grave.port()));
    let (mut lives, mut slowest) = (Vec::new(), Duration::ZERO);
    for life in 0..sized(12, 200) {
        let started = now_ms();
        let mut agent = plant.start();
        // Cursors are stored and rows deleted every 60 commits: some lives must be longer than that.
        plant.works(&mut agent, if life % 6 == 4 { 400 } else { dice.between(5, 40) as u32 });
        let begun = Instant::now();
        plant.all_arrives(&receiver);
        slowest = slowest.max(begun.elapsed());
        sleep(Duration::from_millis(dice.between(0, 200)));
        let killed = now_ms();
        agent.sigkill();
        lives.push(Life { started, killed: Some(killed) });
    }
    assert!(slowest < BEHIND, "the living sink was {slowest:?} behind");
    assert_eq!(books(&receiver, "dead").deliveries.len(), 0, "the dead sink is alive");
    let kept = rows(&plant.plan.state);

    grave.open();
    let started = now_ms();
    let mut agent = plant.start();
    plant.works(&mut agent, 10);
    let newest = || books(&receiver, "dead").values(DEVICE, TAG).last().copied();
    let until = plant.newest_value(&receiver);
    wait_for("the dead sink's share", || (newest() >= until).then_some(()));
    plant.finish(&mut agent, &receiver);
    lives.push(Life { started, killed: None });

    let handed = plant.handed();
    let (alive, dead) = (plant.books(&receiver), books(&receiver, "dead"));
    for (name, account) in [("alive", &alive), ("dead", &dead)] {
        assert_eq!(account.broken, [""; 0], "{name}");
        let result = compare(&handed, &account.values(DEVICE, TAG));
        assert_eq!(result.unexplained, [0.0; 0], "{name}");
        let found = holes(&handed, &result.missing, &lives).unwrap();
        let lost: usize = found.iter().map(|hole| hole.lost).sum();
        let worst = found.iter().map(|hole| hole.age_ms).max();
        println!(
            "{name}: {} kills of {} cost {lost} readings, the oldest {worst:?} ms old",
            found.len(),
            lives.len() - 1
        );
        assert!(worst <= Some(1500), "{name}: {worst:?} ms"); // an order of magnitude; tests of kills are sharper
    }
    // Nothing that only the dead one wanted was trimmed.
    for (seq, samples) in &kept {
        let found = dead.deliveries.iter().find(|d| d.seq == *seq).map(|d| d.samples.len() as u64);
        assert_eq!(found, Some(*samples), "record {seq} was kept for it and did not arrive");
    }
    assert!(kept.len() > 50, "hardly anything was kept for the dead sink: {}", kept.len());
}
