//! SIGKILL at any moment, hundreds of times: what is lost lies within one commit interval before a kill; no position is used
//! twice, the order is kept, and no gap is told where there is none.

use std::thread::sleep;
use std::time::Duration;

use crate::common::account::{Account, compare};
use crate::common::agent::Agent;
use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::{Dice, sized};
use crate::common::disk::SyncClock;
use crate::common::gate::Gate;
use crate::common::holes::{Hole, Life, holes};
use crate::common::plan::{DEVICE, Plan, TAG};
use crate::common::plc::{LADDER, Plc};
use crate::common::receiver::Receiver;
use crate::common::{free_port, now_ms, temp_dir, wait_for};

/// Until a thread of the agent runs that should run, on a machine with two cores and as many tests at work.
const SCHEDULING_MS: i64 = 250;

#[test]
fn a_kill_at_any_moment_costs_at_most_one_commit_interval() {
    let (dir, mut dice) = (temp_dir(), Dice::of("kills"));
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut gate = Gate::before(broker.agent_port);
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let plan = Plan::new(dir, plc.port, gate.port());
    let config = plan.write(dir);
    let clock = SyncClock::start(dir);
    let mut lives = Vec::new();
    let mut weather = Weather::default();

    for _ in 0..sized(100, 1000) {
        // A third of the lives has no broker, and in a third of them it comes or goes in the middle.
        let starts_open = dice.falls(66);
        set(&mut gate, starts_open);
        let started = now_ms();
        let mut agent = Agent::start(&config, dir);
        // Also within the start, before anything is collected.
        let span = if dice.falls(15) { dice.between(0, 100) } else { dice.between(100, 900) };
        if dice.falls(33) {
            let before = dice.between(0, span + 1);
            sleep(Duration::from_millis(before));
            set(&mut gate, !starts_open);
            sleep(Duration::from_millis(span - before));
        } else {
            sleep(Duration::from_millis(span));
        }
        let killed = now_ms();
        agent.sigkill();
        lives.push(Life { started, killed: Some(killed) });
        weather.see(&agent.log());
    }
    set(&mut gate, true);
    let started = now_ms();
    let mut agent = Agent::start(&config, dir);
    let until = plc.last_counter(&LADDER[0]) + 20;
    wait_for("what is left", || (books(&receiver).values(DEVICE, TAG).last() >= Some(&f64::from(until))).then_some(()));
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    lives.push(Life { started, killed: None });

    let account = books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    let found = judge(&plc, &account, &lives);
    let within = |hole: &Hole| {
        let slowest = clock.slowest_between(hole.killed - hole.age_ms - 1000, hole.killed);
        plan.commit_interval_ms as i64 + 3 * slowest + SCHEDULING_MS
    };
    for hole in &found {
        assert!(hole.age_ms <= within(hole), "{hole:?} may be {} ms old", within(hole));
    }
    // The faults were real: kills hit collections, connections and backlogs, and some of them cost something.
    let boots: std::collections::BTreeSet<_> = account.deliveries.iter().map(|d| d.id[..12].to_owned()).collect();
    let mut ages: Vec<i64> = found.iter().map(|hole| hole.age_ms).collect();
    ages.sort_unstable();
    println!(
        "{} kills; {} boots delivered, {} messages, {} duplicates recognised; {} kills cost readings, {} in all; \
         age of the oldest: median {:?} ms, worst {:?} ms; {weather:?}",
        lives.len() - 1,
        boots.len(),
        account.deliveries.len(),
        account.duplicates,
        found.len(),
        found.iter().map(|hole| hole.lost).sum::<usize>(),
        ages.get(ages.len() / 2),
        ages.last(),
    );
    assert!(boots.len() * 2 > lives.len(), "few of the killed agents had collected anything");
    assert!(found.len() * 4 > lives.len(), "the kills cost next to nothing: they did not hit");
    assert!(account.duplicates > 0, "no kill interrupted a delivery");
    assert!(weather.connected > 5 && weather.refused > 5, "{weather:?}");
}

/// What the killed agents had met.
#[derive(Debug, Default)]
struct Weather {
    connected: usize,
    refused: usize,
}

impl Weather {
    fn see(&mut self, log: &str) {
        self.connected += usize::from(log.contains("connected"));
        self.refused += usize::from(log.contains("CW422"));
    }
}

fn set(gate: &mut Gate, is_open: bool) {
    if is_open == gate.is_open() {
        return;
    }
    if is_open { gate.open() } else { gate.close() }
}

/// What the kills cost, if it is only that.
#[track_caller]
fn judge(plc: &Plc, account: &Account, lives: &[Life]) -> Vec<Hole> {
    let handed = plc.handed(&LADDER[0]);
    let result = compare(&handed, &account.values(DEVICE, TAG));
    assert_eq!(result.unexplained, [0.0; 0]);
    holes(&handed, &result.missing, lives).unwrap()
}

fn books(receiver: &Receiver) -> Account {
    let messages = receiver.messages();
    Account::of(messages.iter().map(|m| (m.topic.as_str(), m.payload.as_slice())))
}

