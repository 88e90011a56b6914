//! A plant: PLC, broker, a gate on the way to it, and a receiver that has everything that the broker acknowledged; and the
//! questions that the fault suite asks of them again and again. Many tests may share one broker: each has its own prefix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::account::{Account, Handed, compare, parse};
use super::agent::Agent;
use super::broker::Mosquitto;
use super::gate::Gate;
use super::plan::{DEVICE, Plan, TAG};
use super::plc::{LADDER, Plc};
use super::receiver::Receiver;
use super::{free_port, wait_for};

/// Some hundred messages, also where many tests share a receiver.
const NEWEST_BYTES: u64 = 1 << 20;

pub struct Plant {
    pub dir: PathBuf,
    pub plan: Plan,
    pub plc: Plc,
    pub gate: Gate,
    /// Topics of this plant's sink begin with it.
    pub prefix: String,
}

impl Plant {
    /// PLC and gate (open), in a directory of their own below `dir`.
    pub fn new(dir: &Path, name: &str, broker: &Mosquitto) -> Plant {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let plc = Plc::libmodbus(&dir, free_port(), 1);
        let mut gate = Gate::before(broker.agent_port);
        gate.open();
        let mut plan = Plan::new(&dir, plc.port, gate.port());
        plan.sinks[0].prefix = name.to_owned();
        Plant { dir, plan, plc, gate, prefix: name.to_owned() }
    }

    pub fn start(&self) -> Agent {
        self.start_with(&[])
    }

    pub fn start_with(&self, env: &[(&str, &str)]) -> Agent {
        Agent::start_with(&self.plan.write(&self.dir), &self.dir, env)
    }

    /// What arrived of this plant.
    pub fn books(&self, receiver: &Receiver) -> Account {
        books(receiver, &self.prefix)
    }

    /// Everything that was handed out so far.
    pub fn handed(&self) -> Vec<Handed> {
        self.plc.handed(&LADDER[0])
    }

    /// Waits until the PLC was asked so many times more.
    #[track_caller]
    pub fn collects(&self, scans: u32) {
        let before = self.plc.last_counter(&LADDER[0]);
        wait_for("more readings of the PLC", || (self.plc.last_counter(&LADDER[0]) >= before + scans).then_some(()));
    }

    /// The same, and the agent must be there all the time.
    #[track_caller]
    pub fn works(&self, agent: &mut Agent, scans: u32) {
        let before = self.plc.last_counter(&LADDER[0]);
        wait_for("more readings of the PLC", || {
            assert!(agent.is_running(), "the agent ended: {}", agent.log());
            (self.plc.last_counter(&LADDER[0]) >= before + scans).then_some(())
        });
    }

    /// Waits until everything that is handed out by now has arrived.
    #[track_caller]
    pub fn all_arrives(&self, receiver: &Receiver) {
        let counter = f64::from(self.plc.last_counter(&LADDER[0]));
        wait_for(&format!("{}: the value {counter} to arrive", self.prefix), || {
            self.newest_value(receiver).is_some_and(|last| last >= counter).then_some(())
        });
    }

    /// The value that arrived last.
    pub fn newest_value(&self, receiver: &Receiver) -> Option<f64> {
        let topic = format!("{}/huada/ws1/{DEVICE}/data", self.prefix);
        let newest = receiver.newest(NEWEST_BYTES);
        let mut deliveries =
            newest.iter().rev().filter(|m| m.topic == topic).map(|m| parse(&m.topic, &m.payload).unwrap());
        deliveries.find_map(|d| d.samples.iter().rev().find_map(|sample| sample.values.get(TAG)?.as_f64()))
    }

    /// Ends the agent in order, after everything has arrived.
    #[track_caller]
    pub fn finish(&self, agent: &mut Agent, receiver: &Receiver) {
        self.all_arrives(receiver);
        agent.sigterm();
        assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
        assert!(!agent.log().contains("panicked"), "{}", agent.log());
    }

    /// Handed out and not arrived. What arrived must have been handed out, in this order. The last request may have been on
    /// the wire when the agent ended.
    #[track_caller]
    pub fn missing(&self, account: &Account) -> Vec<Handed> {
        let handed = self.handed();
        let result = compare(&handed, &account.values(DEVICE, TAG));
        assert_eq!(result.unexplained, [0.0; 0], "{}: never handed out, or out of turn", self.prefix);
        let mut missing = result.missing;
        if missing.last().is_some_and(|last| handed.last() == Some(last)) {
            missing.pop();
        }
        missing
    }
}

/// What an agent said about itself, in events: each once.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    /// Samples given up, by cause.
    pub dropped: BTreeMap<String, u64>,
    /// Records that once were written and are not there any more.
    pub missing: u64,
}

/// What was told under a prefix.
pub fn told(receiver: &Receiver, prefix: &str) -> Told {
    let topic = format!("{prefix}/huada/ws1/events");
    let (mut told, mut seen) = (Told::default(), BTreeSet::new());
    for message in receiver.messages().iter().filter(|m| m.topic == topic) {
        let json: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
        if !seen.insert(json["id"].to_string()) {
            continue;
        }
        match json["event"].as_str() {
            Some("dropped") => {
                let cause = json["cause"].as_str().unwrap().to_owned();
                *told.dropped.entry(cause).or_default() += json["samples"].as_u64().unwrap();
            }
            Some("started") => told.missing += json["missing"].as_u64().unwrap(),
            _ => {}
        }
    }
    told
}

/// What arrived under a prefix.
pub fn books(receiver: &Receiver, prefix: &str) -> Account {
    let topic = format!("{prefix}/");
    let messages = receiver.messages();
    Account::of(
        messages.iter().filter(|m| m.topic.starts_with(&topic)).map(|m| (m.topic.as_str(), m.payload.as_slice())),
    )
}
