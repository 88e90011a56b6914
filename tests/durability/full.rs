//! A full disk: a small memory file system as the journal's home, filled to the last byte by somebody else's file. The agent
//! goes on collecting and delivering, heals by itself when there is room, and counts what it had to give up.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::is_root;
use crate::common::disk::Mount;
use crate::common::plan::{DEVICE, TAG};
use crate::common::plant::{Plant, told};
use crate::common::receiver::Receiver;
use crate::common::temp_dir;
use crate::common::usage::Usage;

const DISK_BYTES: u64 = 4 << 20;

/// CW301: no space left.
const FULL: &[&str] = &["CW301"];

#[test]
fn a_full_disk_stops_neither_collection_nor_delivery_and_heals_by_itself() {
    if !is_root("full disk") {
        return;
    }
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let disk = Mount::memory(dir.join("disk"), DISK_BYTES);
    let mut plant = Plant::new(dir, "full", &broker);
    plant.plan.state = disk.path().join("state");
    plant.plan.journal = "persist = \"always\"".to_owned(); // writes also while the broker is there
    let mut agent = plant.start();
    plant.collects(20);
    plant.all_arrives(&receiver);
    for round in 0..3 {
        let before = agent.log().len();
        let filler = fill(disk.path());
        agent.wait_log(before, FULL);
        // Delivered from memory, while not one byte can be written.
        for _ in 0..3 {
            plant.collects(10);
            plant.all_arrives(&receiver);
        }
        assert!(is_full(disk.path()), "round {round}: somebody made room");
        // And an outage of the broker meanwhile, which only the memory bridges.
        plant.gate.close();
        plant.collects(50);
        plant.gate.open();
        plant.all_arrives(&receiver);
        assert!(is_full(disk.path()), "round {round}: somebody made room");
        let before = agent.log().len();
        fs::remove_file(filler).unwrap();
        agent.wait_log(before, &["can be written again"]);
        plant.collects(10);
        plant.all_arrives(&receiver);
    }
    let said = agent.log().matches("CW301").count();
    assert!(said <= 6, "a full disk is said {said} times:\n{}", agent.log());
    plant.finish(&mut agent, &receiver);
    let account = plant.books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    assert_eq!(plant.missing(&account), []);
}

#[test]
fn what_the_memory_cannot_bridge_is_given_up_oldest_first_and_counted_to_the_last_sample() {
    if !is_root("full disk for long") {
        return;
    }
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let disk = Mount::memory(dir.join("disk"), DISK_BYTES);
    let mut plant = Plant::new(dir, "ring", &broker);
    plant.plan.state = disk.path().join("state");
    (plant.plan.every_ms, plant.plan.ballast) = (10, 117);
    let samples_per_scan = 118;
    let mut agent = plant.start();
    plant.collects(20);
    plant.all_arrives(&receiver);
    plant.gate.close();
    let filler = fill(disk.path());
    agent.wait_log(0, FULL);
    let memory = Usage::of(agent.pid()).rss_kb;
    // CW503: samples were given up. 200,000 places are some 17 seconds of this.
    agent.wait_log(0, &["CW503"]);
    plant.collects(200);
    assert!(is_full(disk.path()));
    let grown = Usage::of(agent.pid()).rss_kb.saturating_sub(memory);
    fs::remove_file(filler).unwrap();
    agent.wait_log(0, &["can be written again"]);
    plant.gate.open();
    plant.collects(10);
    plant.finish(&mut agent, &receiver);

    let account = plant.books(&receiver);
    let gaps = account.broken.iter().filter(|broken| broken.starts_with("gap before")).count();
    assert_eq!(account.broken.len(), gaps, "{:?}", account.broken);
    assert!(gaps >= 1, "the receiver was not told of the gap");
    let missing = plant.missing(&account);
    let told = told(&receiver, &plant.prefix);
    println!("{} scans given up, told {told:?}; memory grew by {grown} kB", missing.len());
    assert!(missing.len() > 100, "the memory was never full: {} missing", missing.len());
    assert_eq!(missing.len() as u64 * samples_per_scan, told.dropped.values().sum::<u64>(), "{told:?}");
    // The oldest first: what is missing is one run.
    let handed = plant.handed();
    let first = handed.iter().position(|h| h == &missing[0]).unwrap();
    assert_eq!(handed[first..first + missing.len()], missing, "more than one hole");
    assert_eq!(account.causes(DEVICE, TAG), [""; 0]);
    assert!(grown < 40_000, "the memory grew by {grown} kB");
}

/// Takes every byte that is left.
fn fill(dir: &Path) -> PathBuf {
    let path = dir.join("filler");
    let mut file = fs::File::create(&path).unwrap();
    for size in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    assert!(is_full(dir));
    path
}

/// Whether another page is refused.
fn is_full(dir: &Path) -> bool {
    let path = dir.join("probe");
    let is_full = fs::write(&path, [7; 4096]).is_err();
    fs::remove_file(&path).ok(); // it was not made
    is_full
}
