//! Files that are damaged, taken away or replaced, between two runs and under a running agent. It starts without a human, says
//! in numbers what is in doubt, goes on collecting, uses no position twice, and keeps what it could not read.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rusqlite::Connection;

use crate::common::account::{Account, compare};
use crate::common::broker::{Mosquitto, Setup};
use crate::common::dice::is_root;
use crate::common::plan::{DEVICE, TAG};
use crate::common::plant::{Plant, told};
use crate::common::receiver::Receiver;
use crate::common::rows::rows;
use crate::common::{program, temp_dir, wait_for};

/// Agents at a time: they wait more than they work.
const WORKERS: usize = 5;

/// Register values that a message may hold: five scans in a commit interval, one more for a late turn or two.
const SCANS_PER_RECORD: u64 = 8;

/// One kind of damage.
#[derive(Clone, Copy)]
struct Damage {
    name: &'static str,
    /// The state of the files in which it happens.
    when: When,
    /// Does it, in the journal's directory.
    act: fn(&Path),
    /// What may be missing afterwards.
    costs: Costs,
    /// What cannot be worked with is kept beside the new file.
    is_kept: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// The agent was killed, and all it wrote lies in the WAL.
    Killed,
    /// The agent was killed, and a reader has brought the WAL into the file.
    Settled,
    /// The agent runs.
    Running,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Costs {
    /// No reading at all.
    Nothing,
    /// Readings, each of them told; not all that were there.
    Part,
    /// Readings, each of them told.
    Told,
    /// Readings that nobody knows of any more: nothing is left that could tell. Positions begin again, under another boot.
    Memory,
}

const DB: &str = "journal.sqlite";
const WAL: &str = "journal.sqlite-wal";
const HIGH: &str = "journal.high";

const fn damage(name: &'static str, when: When, costs: Costs, act: fn(&Path)) -> Damage {
    Damage { name, when, act, costs, is_kept: false }
}

const fn kept(damage: Damage) -> Damage {
    Damage { is_kept: true, ..damage }
}

const DAMAGES: [Damage; 23] = [
    damage("the file is empty", When::Settled, Costs::Told, |dir| cut(&dir.join(DB), |_| 0)),
    kept(damage("half of the file is gone", When::Settled, Costs::Told, |dir| cut(&dir.join(DB), |len| len / 2))),
    damage("the file ends in the middle of a page", When::Settled, Costs::Part, |dir| {
        cut(&dir.join(DB), |len| len - 137)
    }),
    kept(damage("a page of zeros", When::Settled, Costs::Part, |dir| {
        put(&dir.join(DB), page_of_data(dir), &[0; 1024])
    })),
    kept(damage("all pages but the first are zeros", When::Settled, Costs::Told, |dir| {
        let len = fs::metadata(dir.join(DB)).unwrap().len();
        put(&dir.join(DB), 1024, &vec![0; len as usize - 1024]);
    })),
    kept(damage("the header is overwritten", When::Settled, Costs::Told, |dir| put(&dir.join(DB), 0, &[0xa5; 100]))),
    damage("bytes of the header are flipped", When::Settled, Costs::Told, |dir| flip(&dir.join(DB), 16, 8)),
    kept(damage("a page of the tree is flipped", When::Settled, Costs::Part, |dir| {
        flip(&dir.join(DB), page_of_data(dir), 16)
    })),
    damage("bytes of a record are flipped", When::Settled, Costs::Part, |dir| {
        flip(&dir.join(DB), page_of_data(dir) + 1000, 12)
    }),
    kept(damage("another program's database", When::Settled, Costs::Told, |dir| {
        remove(dir, &[DB, WAL]);
        let other = Connection::open(dir.join(DB)).unwrap();
        other.execute_batch("CREATE TABLE somebody (else_ TEXT); INSERT INTO somebody VALUES ('x')").unwrap();
    })),
    kept(damage("a text file", When::Settled, Costs::Told, |dir| {
        fs::write(dir.join(DB), "notes of the night shift\n".repeat(500)).unwrap();
    })),
    kept(damage("a directory", When::Settled, Costs::Told, |dir| {
        remove(dir, &[DB, WAL, "journal.sqlite-shm"]);
        fs::create_dir(dir.join(DB)).unwrap();
        fs::write(dir.join(DB).join("a file"), "").unwrap();
    })),
    damage("the file is gone", When::Settled, Costs::Told, |dir| remove(dir, &[DB, WAL, "journal.sqlite-shm"])),
    damage("everything is gone", When::Settled, Costs::Memory, |dir| {
        remove(dir, &[DB, WAL, "journal.sqlite-shm", HIGH])
    }),
    damage("the WAL's header is flipped", When::Killed, Costs::Told, |dir| flip(&dir.join(WAL), 0, 24)),
    damage("a frame of the WAL is flipped", When::Killed, Costs::Told, |dir| {
        let len = fs::metadata(dir.join(WAL)).unwrap().len();
        flip(&dir.join(WAL), len / 2, 64);
    }),
    damage("the WAL is cut", When::Killed, Costs::Told, |dir| cut(&dir.join(WAL), |len| len * 2 / 3)),
    damage("the WAL is gone", When::Killed, Costs::Told, |dir| remove(dir, &[WAL, "journal.sqlite-shm"])),
    damage("the mark is gone", When::Killed, Costs::Nothing, |dir| remove(dir, &[HIGH])),
    damage("the mark is garbage", When::Killed, Costs::Nothing, |dir| fs::write(dir.join(HIGH), [0x5a; 8192]).unwrap()),
    damage("the file is emptied under the agent", When::Running, Costs::Told, |dir| cut(&dir.join(DB), |_| 0)),
    damage("the file is overwritten under the agent", When::Running, Costs::Told, |dir| {
        let len = fs::metadata(dir.join(DB)).unwrap().len();
        put(&dir.join(DB), 0, &vec![0xa5; len as usize]);
        let len = fs::metadata(dir.join(WAL)).unwrap().len();
        put(&dir.join(WAL), 0, &vec![0xa5; len as usize]);
    }),
    damage("everything is taken away under the agent", When::Running, Costs::Memory, |dir| {
        remove(dir, &[DB, WAL, "journal.sqlite-shm", HIGH]);
    }),
];

#[test]
fn no_damage_to_the_files_keeps_the_agent_from_working_or_counting() {
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let only = std::env::var("CLOUDWARD_DAMAGE").unwrap_or_default(); // part of a name, to look at one alone
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let mine = DAMAGES.iter().enumerate().skip(worker).step_by(WORKERS);
            let mine = mine.filter(|(_, damage)| damage.name.contains(&only));
            let (broker, receiver, failures) = (&broker, &receiver, &failures);
            scope.spawn(move || {
                for (n, damage) in mine {
                    let plant = Plant::new(dir, &format!("d{n}"), broker);
                    let attempt = std::panic::AssertUnwindSafe(|| suffer(plant, receiver, damage));
                    if std::panic::catch_unwind(attempt).is_err() {
                        failures.lock().unwrap().push(damage.name);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} kinds of damage: {failures:#?}", failures.len(), DAMAGES.len());
}

fn suffer(mut plant: Plant, receiver: &Receiver, damage: &Damage) {
    plant.plan.ballast = 60; // so that the table has many pages
    let (name, state) = (damage.name, plant.plan.state.clone());
    let mut agent = plant.start();
    plant.collects(10);
    plant.all_arrives(receiver);
    let before = agent.log().len();
    plant.gate.close();
    agent.wait_log(before, &["CW42", "CW45"]);
    let delivered = plant.handed().len();
    plant.collects(90);
    wait_for("commits", || (rows(&state).len() > 15).then_some(()));
    if damage.when == When::Running {
        (damage.act)(&state);
        plant.works(&mut agent, 60);
        plant.gate.open();
        plant.works(&mut agent, 10);
        plant.finish(&mut agent, receiver);
    } else {
        sleep(Duration::from_millis(300)); // the last commit before the kill is whole
        agent.sigkill();
        if damage.when == When::Settled {
            let settle = Connection::open(state.join(DB)).unwrap();
            settle.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
        plant.gate.open();
    }
    let last_before = rows(&state).last().map_or(0, |(seq, _)| *seq);
    if damage.when != When::Running {
        (damage.act)(&state);
    }
    let first_of_second = plant.handed().len();
    let waiting = first_of_second - delivered;
    let mut agent = plant.start();
    plant.works(&mut agent, 20);
    plant.finish(&mut agent, receiver);
    // And once more: what was put in place of the damage is sound.
    let mut third = plant.start();
    plant.works(&mut third, 10);
    plant.finish(&mut third, receiver);

    let log = agent.log();
    if damage.costs == Costs::Memory {
        return begins_again(&plant, receiver, damage, first_of_second);
    }
    let account = plant.books(receiver);
    let broken: Vec<_> = account.broken.iter().filter(|broken| !broken.starts_with("gap before")).collect();
    assert!(broken.is_empty(), "{name}: {broken:?}\n{log}");
    let boot = |id: &str| id[..12].to_owned();
    let first_boot = boot(&account.deliveries[0].id);
    let reused = account.deliveries.iter().filter(|d| boot(&d.id) != first_boot && d.seq <= last_before).count();
    assert_eq!(reused, 0, "{name}: positions were given again");
    let missing = plant.missing(&account);
    let handed = plant.handed();
    let late = missing.iter().filter(|h| handed[first_of_second..].contains(h)).count();
    assert_eq!(late, 0, "{name}: readings after the damage are missing\n{log}");
    let told = told(receiver, &plant.prefix);
    println!("{name}: {} missing, {told:?}, {} gaps", missing.len(), account.broken.len());
    match damage.costs {
        // What had no position yet, or was not written, goes with any kill.
        Costs::Nothing => assert!(missing.len() < BY_THE_KILL, "{name}: {} missing\n{log}", missing.len()),
        Costs::Memory => unreachable!("judged above"),
        Costs::Part | Costs::Told => {
            let records = told.missing.max(said(&log));
            // On a busy machine turns come late, and records are longer.
            let longest = account.deliveries.iter().map(|delivery| delivery.samples.len() as u64).max().unwrap_or(0);
            let samples = told.dropped.values().sum::<u64>() + records * longest.max(SCANS_PER_RECORD);
            let enough = missing.len() as u64 <= samples + BY_THE_KILL as u64;
            assert!(enough, "{name}: {} missing, {told:?}, {records} records said\n{log}", missing.len());
            let is_whole = missing.len() * 3 > waiting * 2;
            assert!(damage.costs != Costs::Part || !is_whole, "{name}: nothing was saved of {waiting} readings\n{log}");
        }
    }
    if damage.is_kept {
        let names = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let kept = names.filter(|name| name.starts_with("journal.corrupt-")).count();
        assert!(kept > 0, "{name}: the damaged file was not kept\n{log}");
    }
}

/// Nothing is left of what was, so each boot is judged alone: the second one collects and delivers.
fn begins_again(plant: &Plant, receiver: &Receiver, damage: &Damage, first_of_second: usize) {
    let name = damage.name;
    let topic = format!("{}/", plant.prefix);
    let messages: Vec<_> = receiver.messages().into_iter().filter(|m| m.topic.starts_with(&topic)).collect();
    let all = Account::of(messages.iter().map(|m| (m.topic.as_str(), m.payload.as_slice())));
    let first_boot = all.deliveries[0].id[..12].to_owned();
    let of = |is_first: bool| {
        let of_boot = messages.iter().filter(|m| m.text().contains(&first_boot) == is_first);
        Account::of(of_boot.map(|m| (m.topic.as_str(), m.payload.as_slice())))
    };
    let handed = plant.handed();
    let (before, after) = handed.split_at(first_of_second);
    let after = compare(after, &of(false).values(DEVICE, TAG));
    assert_eq!(after.unexplained, [0.0; 0], "{name}");
    assert!(after.missing.len() <= 2, "{name}: {after}"); // on the wire at the two ends
    let before = compare(before, &of(true).values(DEVICE, TAG));
    println!("{name}: {} missing, and nothing left to tell of them", before.missing.len());
    assert_eq!(before.unexplained, [0.0; 0], "{name}");
    // Under a running agent nothing at all is lost: it delivers from its open files and its memory.
    assert!(damage.when != When::Running || before.missing.len() <= 1, "{name}: {before}");
}

/// Readings that were not yet committed when the agent was killed.
const BY_THE_KILL: usize = 15;

/// The records that the log says are damaged (CW311), missing (CW313) or in doubt (CW314).
fn said(log: &str) -> u64 {
    let number = |line: &str| {
        let (before, _) = line.split_once(" records in ").or_else(|| line.split_once(" records "))?;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let codes = ["[CW311]", "[CW313]", "[CW314]"];
    log.lines().filter(|line| codes.iter().any(|code| line.contains(code))).filter_map(number).sum()
}

#[test]
fn a_file_that_may_not_be_written_is_no_end() {
    if !is_root("a write-protected journal") {
        return;
    }
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup::default());
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut plant = Plant::new(dir, "p", &broker);
    plant.gate.close();
    let mut agent = plant.start();
    plant.collects(30);
    wait_for("commits", || (rows(&plant.plan.state).len() > 3).then_some(()));
    agent.sigkill();
    let db = plant.plan.state.join(DB);
    protect(&db, true);
    assert!(fs::File::options().write(true).open(&db).is_err(), "the file system cannot protect a file");
    plant.gate.open();
    let mut agent = plant.start();
    let ended = wait_for("a word about the file, or work", || {
        let says = agent.log().contains("CW30");
        (says || !agent.is_running()).then(|| !agent.is_running())
    });
    protect(&db, false);
    if ended {
        agent = plant.start(); // as systemd does
    }
    plant.works(&mut agent, 10);
    plant.finish(&mut agent, &receiver);
    let mut third = plant.start();
    plant.works(&mut third, 10);
    plant.finish(&mut third, &receiver);
    let account = plant.books(&receiver);
    assert_eq!(account.broken, [""; 0]);
    let missing = plant.missing(&account);
    assert!(missing.len() < 10, "{missing:?}");
}

/// Not even root may write to it then.
fn protect(file: &Path, is_on: bool) {
    let status = Command::new(program("chattr")).arg(if is_on { "+i" } else { "-i" }).arg(file).status().unwrap();
    assert!(status.success(), "chattr failed: the tests need ext4 or another file system with attributes");
}

fn cut(file: &Path, to: impl Fn(u64) -> u64) {
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_len(to(file.metadata().unwrap().len())).unwrap();
}

fn put(file: &Path, at: u64, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(file).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

fn flip(file: &Path, at: u64, bytes: usize) {
    let file = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut found = vec![0; bytes];
    file.read_exact_at(&mut found, at).unwrap();
    found.iter_mut().for_each(|byte| *byte ^= 0xff);
    file.write_all_at(&found, at).unwrap();
}

fn remove(dir: &Path, names: &[&str]) {
    for name in names {
        fs::remove_file(dir.join(name)).ok(); // the last connection may have taken it away
    }
}

/// Where a leaf page of the table `data` begins, in the middle of the table.
fn page_of_data(dir: &Path) -> u64 {
    let reader = Connection::open(dir.join(DB)).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = 'data' AND pagetype = 'leaf' ORDER BY path";
    let mut select = reader.prepare(sql).unwrap();
    let pages: Vec<i64> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    (pages[pages.len() / 2] as u64 - 1) * 1024
}
