//! Others at the journal: a second agent, and somebody with an SQLite shell who keeps it locked.

use std::time::Duration;

use rusqlite::Connection;

use crate::common::broker::{Mosquitto, Setup};
use crate::common::plant::Plant;
use crate::common::receiver::Receiver;
use crate::common::temp_dir;

#[test]
fn a_second_agent_is_turned_away_by_name_and_the_first_one_does_not_notice() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let plant = Plant::new(dir, "p", &broker);
    let mut first = plant.start();
    plant.works(&mut first, 10);
    let mut second = plant.start();
    assert_ne!(second.wait().code(), Some(0));
    assert!(second.log().contains("[CW307]"), "{}", second.log());
    plant.works(&mut first, 10);
    plant.finish(&mut first, &receiver);
    let account = plant.books(&receiver);
    assert_eq!((&account.broken[..], plant.missing(&account).len()), (&[][..], 0));
}

#[test]
fn a_shell_that_keeps_the_journal_locked_delays_the_disk_and_loses_nothing() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut plant = Plant::new(dir, "p", &broker);
    let mut agent = plant.start();
    plant.works(&mut agent, 10);
    plant.all_arrives(&receiver);
    plant.gate.close();
    let shell = Connection::open(plant.plan.state.join("journal.sqlite")).unwrap();
    shell.busy_timeout(Duration::from_secs(10)).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let said = agent.wait_log(0, &["CW309"]); // longer than the agent waits for a lock
    plant.works(&mut agent, 20);
    shell.execute_batch("ROLLBACK").unwrap();
    drop(shell);
    agent.wait_log(0, &["can be written again"]);
    plant.gate.open();
    plant.works(&mut agent, 10);
    plant.finish(&mut agent, &receiver);
    let account = plant.books(&receiver);
    assert_eq!((&account.broken[..], plant.missing(&account).len()), (&[][..], 0), "{said}");
}
