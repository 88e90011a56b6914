//! Power cuts: the journal lies on an ext4 of its own in a file; the agent is stopped in the middle of its work, and the file
//! is copied: what had reached the device, without what the kernel still held in memory. On the copy nothing may be missing
//! that was committed before the cut.
//!
//! What was committed a reader of the live file tells: with `synchronous=FULL` SQLite shows a commit to readers only after it
//! has synced it. So each row that is seen before the cut must be on the device, and with any other setting some are not: the
//! control group proves that this method sees such a loss.

use std::thread::sleep;
use std::time::Duration;

use rusqlite::Connection;

use crate::common::agent::Agent;
use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::{Dice, is_root, sized};
use crate::common::disk::{Mount, copy_image, make_image};
use crate::common::plan::Plan;
use crate::common::plant::{Plant, books};
use crate::common::receiver::Receiver;
use crate::common::rows::rows;
use crate::common::{free_port, signal, temp_dir, wait_for};

/// Room for the journal of a minute, and small enough to be copied in some 30 ms.
const IMAGE_MB: u64 = 24;

#[test]
fn no_power_cut_loses_a_committed_batch() {
    if !is_root("power cuts") {
        return;
    }
    let (dir, mut dice) = (temp_dir(), Dice::of("power cuts"));
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let (image, copy) = (dir.join("image"), dir.join("copy"));
    make_image(&image, IMAGE_MB);
    let disk = Mount::image(&image, dir.join("disk"));
    let mut plant = Plant::new(dir, "live", &broker);
    plant.gate.close(); // what is committed stays there until the end
    plant.plan.state = disk.path().join("state");
    let mut agent = plant.start();
    let (mut committed, mut unsynced) = (0, 0);

    for cut in 0..sized(20, 200) {
        // From the first moments of a file on, and at any point of a commit.
        sleep(Duration::from_millis(dice.between(20, 700)));
        let before = rows(&plant.plan.state);
        signal(agent.pid(), "STOP");
        copy_image(&image, &copy);
        let seen_after = rows(&plant.plan.state).len();
        signal(agent.pid(), "CONT");

        let prefix = format!("cut{cut}");
        let restored = Mount::image(&copy, dir.join("restored"));
        let mut plan = Plan::new(dir, free_port(), broker.agent_port); // no PLC there: its readings are bad, and come last
        plan.state = restored.path().join("state");
        plan.sinks[0].prefix = prefix.clone();
        let mut second = Agent::start(&plan.write(&dir.join(&prefix)), dir);
        let account = wait_for("the first reading after the cut", || {
            assert!(second.is_running(), "cut {cut}: {}", second.log());
            let account = books(&receiver, &prefix);
            let is_after = account.deliveries.last().is_some_and(|d| d.samples.iter().any(|s| !s.bad.is_empty()));
            is_after.then_some(account)
        });
        second.sigterm();
        assert_eq!(second.wait().code(), Some(0), "{}", second.log());
        drop(restored);

        assert_eq!(account.broken, [""; 0], "cut {cut}");
        for (seq, samples) in &before {
            let found = account.deliveries.iter().find(|d| d.seq == *seq);
            let found = found.map(|d| d.samples.len() as u64);
            assert_eq!(found, Some(*samples), "cut {cut}: record {seq} was committed before it");
        }
        committed += before.len();
        unsynced += seen_after.saturating_sub(before.len());
    }
    println!(
        "{committed} committed records looked for, none lost; {unsynced} more were committed while the cuts were prepared"
    );
    assert!(committed > 300, "hardly anything was at stake: {committed}");

    // The agent that was stopped so often has lost nothing either.
    plant.gate.open();
    plant.finish(&mut agent, &receiver);
    let account = plant.books(&receiver);
    assert_eq!((&account.broken[..], plant.missing(&account).len()), (&[][..], 0));
}

/// The control group: the same cuts against a small writer. If OFF and NORMAL lost nothing here, the test above would prove
/// nothing.
#[test]
fn the_method_of_the_power_cuts_sees_a_loss_where_there_is_one() {
    if !is_root("power cuts, control group") {
        return;
    }
    let dir = temp_dir();
    let dir = dir.path();
    for (synchronous, loses) in [("OFF", true), ("NORMAL", true), ("FULL", false)] {
        let (image, copy) = (dir.join("image"), dir.join("copy"));
        make_image(&image, IMAGE_MB);
        let disk = Mount::image(&image, dir.join("disk"));
        let file = disk.path().join("db");
        let writer = Connection::open(&file).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.pragma_update(None, "synchronous", "FULL").unwrap();
        writer.execute_batch("CREATE TABLE data (seq INTEGER PRIMARY KEY, body BLOB)").unwrap();
        writer.pragma_update(None, "synchronous", synchronous).unwrap();
        let mut lost = 0;
        for cut in 1..=5 {
            for _ in 0..20 {
                writer.execute("INSERT INTO data (body) VALUES (randomblob(500))", []).unwrap();
            }
            copy_image(&image, &copy);
            let restored = Mount::image(&copy, dir.join("restored"));
            let reader = Connection::open(restored.path().join("db")).unwrap();
            let kept: u32 = reader.query_row("SELECT count(*) FROM data", [], |row| row.get(0)).unwrap();
            drop(reader);
            lost += cut * 20 - kept;
        }
        println!("synchronous={synchronous}: {lost} of 300 commits lost in 5 cuts");
        assert_eq!(lost > 0, loses, "synchronous={synchronous}: {lost} lost");
    }
}
