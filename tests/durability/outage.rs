//! A day without a broker, in a minute: 86,400 scans of ten tags are put into the journal as the recorder would do it, then the
//! real agent starts on it, and the broker is there again. Everything arrives in order, and the memory stays flat.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use cloudward::journal::{Journal, Limits, NewData, Settings};
use cloudward::model::{
    BootId, Deadband, Grade, Group, Reading, ReportRule, Scan, TagInfo, Timestamp, Value, ValueKind,
};

use crate::common::broker::{Mosquitto, Setup};
use crate::common::plan::{DEVICE, TAG};
use crate::common::plant::Plant;
use crate::common::receiver::Receiver;
use crate::common::usage::Usage;
use crate::common::{temp_dir, wait_for};

const SCANS: i64 = 24 * 60 * 60;
const TAGS: usize = 10;
/// Scans in one transaction: the journal is filled faster than it would be in a day, with the same rows in it.
const SCANS_PER_COMMIT: i64 = 120;

#[test]
fn a_day_without_a_broker_arrives_whole_in_order_and_with_a_flat_memory() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut plant = Plant::new(dir, "day", &broker);
    plant.plan.every_ms = 1000;
    let begun = Instant::now();
    live_through_a_day(&plant.plan.state);
    let filled = begun.elapsed();
    let bytes = std::fs::metadata(plant.plan.state.join("journal.sqlite")).unwrap().len();

    // The broker is still away when the agent starts.
    plant.gate.close();
    let mut agent = plant.start();
    plant.works(&mut agent, 3);
    let before = Usage::of(agent.pid()).rss_kb;
    let is_over = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let (pid, is_over) = (agent.pid(), is_over.clone());
        move || {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(Usage::of(pid).rss_kb);
                sleep(Duration::from_millis(100));
            }
            most
        }
    });
    let begun = Instant::now();
    plant.gate.open();
    let topic = format!("{}/huada/ws1/{DEVICE}/data", plant.prefix);
    wait_for("the first reading of today", || {
        let newest = receiver.newest(100_000);
        newest.iter().any(|m| m.topic == topic && !m.text().contains(OLD_BOOT)).then_some(())
    });
    let drained = begun.elapsed();
    is_over.store(true, Ordering::Relaxed);
    let most = watch.join().unwrap();
    plant.finish(&mut agent, &receiver);

    let account = plant.books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    let values = account.values(DEVICE, TAG);
    let expected: Vec<f64> = (1..=SCANS).map(|n| n as f64).collect();
    assert_eq!(values.len() - expected.len(), plant.handed().len(), "the day, and what was read since");
    assert!(values[..expected.len()] == expected, "the day did not arrive in order");
    for tag in 1..TAGS {
        assert_eq!(account.values(DEVICE, &format!("t{tag}")).len(), SCANS as usize, "t{tag}");
    }
    println!(
        "{SCANS} records of {TAGS} samples in {bytes} bytes, put there in {filled:.1?}, drained in {drained:.1?}; resident \
         memory {before} kB before, {most} kB at most"
    );
    assert!(most < before + 12_000, "the memory grew from {before} to {most} kB while a day was delivered");
}

/// The boot of yesterday's agent, as it stands in ids.
const OLD_BOOT: &str = "0000000000da";

/// One scan a second, up to a minute ago.
fn live_through_a_day(state: &std::path::Path) {
    let settings = Settings { dir: state.to_owned(), limits: Limits { max_size: 1 << 30, ..Limits::default() } };
    let now = Timestamp::of(SystemTime::now()).0;
    let at = |second: i64| Timestamp(now - (SCANS + 60 - second) * 1000);
    let mut journal = Journal::open(settings, BootId(0xda), at(0)).unwrap();
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let name = |n: usize| if n == 0 { TAG.into() } else { format!("t{n}").into() };
    let tag = |n| TagInfo { name: name(n), unit: None, kind: ValueKind::Int, report, grade: Grade::default() };
    let group = Arc::new(Group::new(DEVICE.into(), Duration::from_secs(1), (0..TAGS).map(tag).collect()));
    for first in (1..=SCANS).step_by(SCANS_PER_COMMIT as usize) {
        let scan = |second: i64| {
            let readings = (0..TAGS as i64).map(|n| Some(Reading::Good(Value::I64(second + n * 1000)))).collect();
            Scan { at: at(second), mono_ms: second as u64 * 1000, readings, stamps: None }
        };
        let seconds = first..(first + SCANS_PER_COMMIT).min(SCANS + 1);
        let data = seconds.map(|second| NewData::new(group.clone(), vec![scan(second)])).collect();
        let numbered = journal.number(data, Vec::new());
        journal.commit(&numbered.data, &numbered.events).unwrap();
    }
    journal.close(at(SCANS)).unwrap();
}
