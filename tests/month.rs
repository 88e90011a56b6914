//! A month of three workshops, made up from a seed, goes through the engines; a stranger, `tests/foreign/recompute.py`, gets the
//! raw samples and the configuration, and computes every figure again from the rules. All of them agree to the last printed digit.
//!
//! CI takes 31 days of one workshop and 5 of the two others. All of them:
//! `CLOUDWARD_MONTH=31 cargo test --test month`; another month: `CLOUDWARD_SEED=N`; `CLOUDWARD_KEEP=DIR` keeps what was exported.

#![allow(clippy::unwrap_used)] // a test that fails says where

#[path = "month/drive.rs"]
mod drive;
#[path = "month/figures.rs"]
mod figures;
#[path = "month/plant.rs"]
mod plant;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cloudward::config::{Config, Device};
use cloudward::indicator::{Cell, Plan, Sums};
use cloudward::model::ledger::hour_of;
use cloudward::model::{Reading, Route, State, Timestamp, Upload, Value};
use jiff::civil::Date;
use serde_json::json;

use crate::drive::Outcome;
use crate::plant::{Dice, Heard, Times};

/// The month that CI knows.
const SEED: u64 = 20_260_302;

/// Disagreements that are shown; the number of the others is said.
const SHOWN: usize = 60;

/// Without these, a month proves little.
const MUST_HAPPEN: [&str; 24] = [
    "clock steps",
    "starts",
    "wraps",
    "resets",
    "job resets",
    "implausible",
    "failures",
    "gap_parts",
    "gap_border",
    "break_worked",
    "unmapped_state",
    "unknown_product",
    "no_quality",
    "no_fault_source",
    "inferred_from_power",
    "integrated",
    "shared_meter",
    "cycles",
    "coarse cycles",
    "alarms cleared",
    "alarms unmeasured",
    "alarms acknowledged",
    "alarms unacknowledged",
    "unfinished faults",
];

struct Made {
    name: &'static str,
    days: i64,
    figures: serde_json::Value,
    /// Cells that another cut of the same batches has changed.
    troubles: Vec<String>,
    /// What happened how often: flags by the cells that have them.
    seen: BTreeMap<&'static str, u64>,
    stranger: Child,
}

#[test]
fn a_stranger_who_has_the_raw_samples_and_the_rules_gets_the_same_figures() {
    let seed = std::env::var("CLOUDWARD_SEED").map_or(SEED, |text| text.parse().expect("CLOUDWARD_SEED is a number"));
    let all =
        std::env::var("CLOUDWARD_MONTH").ok().map(|text| text.parse().expect("CLOUDWARD_MONTH is a number of days"));
    eprintln!("CLOUDWARD_SEED={seed}");
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let kept = std::env::var_os("CLOUDWARD_KEEP").map(PathBuf::from);
    let folder = kept.as_deref().unwrap_or(scratch.path());
    let workshops = [
        ("injection", include_str!("month/injection.toml"), 31),
        ("press", include_str!("month/press.toml"), 5),
        ("dyeing", include_str!("month/dyeing.toml"), 5),
    ];
    let only = std::env::var("CLOUDWARD_ONLY").ok();
    let workshops = workshops.into_iter().filter(|(name, ..)| only.as_deref().is_none_or(|only| only == *name));
    // The stranger computes while the next workshop is made up.
    let made: Vec<Made> =
        workshops.map(|(name, text, days)| make(name, text, all.unwrap_or(days), seed, folder)).collect();
    let mut troubles = Vec::new();
    let (mut compared, mut seen) = (0, BTreeMap::new());
    for made in made {
        let out = made.stranger.wait_with_output().expect("the stranger ends");
        assert!(out.status.success(), "{}: {}", made.name, String::from_utf8_lossy(&out.stderr));
        let theirs: serde_json::Value = serde_json::from_slice(&out.stdout).expect("the stranger prints JSON");
        let before = compared;
        troubles.extend(made.troubles);
        made.seen.into_iter().for_each(|(what, count)| *seen.entry(what).or_insert(0) += count);
        compare(made.name, &made.figures, &theirs, &mut compared, &mut troubles);
        eprintln!("{}: {} days, {} figures compared", made.name, made.days, compared - before);
        assert!(compared - before > 3_000 || only.is_some(), "too little was compared in {}", made.name);
    }
    // What is said to be survived must have happened.
    eprintln!("happened: {seen:?}");
    let rare = MUST_HAPPEN.into_iter().filter(|what| seen.get(*what).is_none_or(|count| *count == 0));
    let rare: Vec<&str> = rare.filter(|_| only.is_none()).collect();
    assert!(rare.is_empty(), "this month has no {rare:?}: nothing is proven of them");
    let more = troubles.len().saturating_sub(SHOWN);
    let total = troubles.len();
    troubles.truncate(SHOWN);
    assert!(troubles.is_empty(), "{total} of {compared} disagree:\n{}\n... and {more} more", troubles.join("\n"));
}

fn make(name: &'static str, text: &str, days: i64, seed: u64, folder: &Path) -> Made {
    let config = Config::parse(text).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
    let folder = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder for the export");
    fs::write(folder.join("workshop.toml"), text).expect("the configuration is exported");
    let mut dice = Dice(seed ^ (name.len() as u64) << 40);
    let times = Times::of(&mut dice, days);
    let is_meter = |device: &Device| {
        config.devices.iter().any(|it| it.equipment.yardstick.metered_by.as_deref() == Some(&*device.id))
    };
    let (mut of_devices, mut machines, mut good_days) = (serde_json::Map::new(), Vec::new(), BTreeMap::new());
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut troubles = Vec::new();
    let (mut uploads, mut cloud_days) = (serde_json::Map::new(), BTreeMap::new());
    for device in config.devices.iter().filter(|device| !is_meter(device)) {
        let Some(plan) = Plan::of(&config, device).map(Arc::new) else { continue };
        let heard = plant::hear(&config, device, &times, &mut dice, days);
        export(&folder.join(format!("{}.jsonl", device.id)), &heard);
        good_days.insert(device.id.to_string(), days_of(&heard));
        let rows = send(&folder.join(format!("{}.sent", device.id)), &device.id, &heard, &mut Dice(seed ^ 7));
        let is_acked = |(route, upload): (&Route, &Upload)| (upload.acked > 0).then_some(route.hour);
        cloud_days.insert(device.id.to_string(), rows.iter().filter_map(is_acked).map(date_of).collect());
        uploads.insert(device.id.to_string(), figures::uploads(&rows, days));
        let plain = drive::plainly(&plan, &heard);
        let torn = drive::torn(&plan, &heard, &mut dice);
        same(&plain.cells, &torn.cells, &device.id, &mut troubles);
        if (plain.late, torn.late) != (0, 0) {
            troubles.push(format!("{name} / {}: {} late, {} in other pieces", device.id, plain.late, torn.late));
        }
        assert!(torn.restarts > plain.restarts + 5, "{}: the second run has restarts of its own", device.id);
        look(&plain, days, &mut seen);
        of_devices.insert(device.id.to_string(), figures::device(&plain.cells, days));
        machines.push((plan, plain.cells));
    }
    let figures = json!({
        "devices": of_devices,
        "site": figures::site(&machines, days),
        "rates": figures::rates(&config, &good_days, &cloud_days, days),
        "uploads": uploads,
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/recompute.py");
    let mut stranger = Command::new("python3");
    stranger.arg(script).arg(&folder).arg("2026-03-01").arg(days.to_string());
    let stranger = stranger.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python3 starts");
    Made { name, days, figures, troubles, seen, stranger }
}

/// The same cells, byte by byte, however the batches were cut.
fn same(plain: &[Cell], torn: &[Cell], device: &str, troubles: &mut Vec<String>) {
    if plain.len() != torn.len() {
        troubles.push(format!("{device}: {} cells, and {} in other pieces", plain.len(), torn.len()));
    }
    for (plain, torn) in plain.iter().zip(torn) {
        let bytes = |cell: &Cell| serde_json::to_string(cell).expect("a cell has a JSON form");
        if bytes(plain) != bytes(torn) {
            let [plain, torn] = [plain, torn].map(|cell| serde_json::to_value(cell).expect("a cell has a JSON form"));
            let place = format!("{device} in other pieces, from {}", plain["start"]);
            compare(&place, &plain, &torn, &mut 0, troubles);
        }
    }
}

fn look(outcome: &Outcome, days: i64, seen: &mut BTreeMap<&'static str, u64>) {
    let mut add = |what, count: u64| *seen.entry(what).or_default() += count;
    add("clock steps", outcome.clock_steps as u64);
    add("starts", outcome.restarts as u64);
    let ends_broken =
        |cell: &&Cell| cell.end.0 == plant::MARCH + days * plant::DAY && cell.sums.time.lived(State::Fault) > 0;
    add("unfinished faults", outcome.cells.iter().filter(ends_broken).count() as u64);
    for Sums { counters, failures, flags, made, cycles, alarm_times, .. } in outcome.cells.iter().map(|cell| &cell.sums)
    {
        add("wraps", counters.wraps.into());
        add("resets", counters.resets.into());
        add("job resets", counters.job_resets.into());
        add("implausible", counters.implausible.into());
        add("failures", u64::from(*failures));
        add("unknown_product", made.iter().filter(|made| made.pri.is_none()).count() as u64);
        flags.words().into_iter().for_each(|word| add(word, 1));
        add("cycles", cycles.count() - cycles.coarse);
        add("coarse cycles", cycles.coarse);
        add("alarms cleared", alarm_times.cleared.into());
        add("alarms unmeasured", alarm_times.clear_unknown.into());
        add("alarms acknowledged", alarm_times.acked.into());
        add("alarms unacknowledged", alarm_times.unacked.into());
    }
}

/// The local date of a moment.
fn date_of(at: Timestamp) -> Date {
    let day = (at.0 - plant::MARCH).div_euclid(plant::DAY);
    jiff::civil::date(2026, 3, 1).saturating_add(jiff::Span::new().days(day))
}

/// What two sinks made of some of the scans: a line for each record and sink, with what became of it and after how many ms. One gets all, on some
/// days nothing; the other is not to get all of them.
fn send(path: &Path, device: &str, heard: &[Heard], dice: &mut Dice) -> BTreeMap<Route, Upload> {
    let mut rows: BTreeMap<Route, Upload> = BTreeMap::new();
    let mut file = BufWriter::new(fs::File::create(path).expect("a file for the export"));
    for Heard { batch, .. } in heard.iter().step_by(20) {
        for sink in ["cloud", "mes"] {
            let day = (batch.at.0 - plant::MARCH).div_euclid(plant::DAY);
            let (end, delay) = match dice.between(0, 100) {
                _ if sink == "cloud" && (device.len() as i64 + day) % 4 == 0 => ("waits", 0),
                0..=3 => ("waits", 0),
                4..=5 => ("given up", 0),
                6..=40 if sink == "mes" => ("passed", 0),
                roll => ("acked", dice.between(0, 1 << (roll % 34))),
            };
            // Some were made before anybody counted them.
            let is_seen = !dice.falls(10) || end == "waits";
            let taken = batch.at.0;
            writeln!(file, "{taken} {sink} {} {} {delay}", u8::from(is_seen), end.replace(' ', "-"))
                .expect("it can be written");
            let route = Route { hour: hour_of(batch.at), device: device.to_owned(), sink: sink.to_owned() };
            let upload = rows.entry(route).or_default();
            upload.made += u64::from(is_seen);
            match end {
                "acked" => {
                    upload.acked += 1;
                    upload.delays.note(u64::try_from(delay).expect("no delay is below zero"));
                }
                "passed" => upload.passed += 1,
                "given up" => upload.given_up += 1,
                _ => {}
            }
        }
    }
    file.flush().expect("the export can be written");
    rows
}

/// Local dates on which anything good was heard.
fn days_of(heard: &[Heard]) -> BTreeSet<Date> {
    let is_good = |one: &&Heard| one.batch.readings.iter().flatten().any(|it| matches!(it, Reading::Good(_)));
    let day = |one: &Heard| (one.batch.at.0 - plant::MARCH).div_euclid(plant::DAY);
    let days: BTreeSet<i64> = heard.iter().filter(is_good).map(day).collect();
    let first = jiff::civil::date(2026, 3, 1);
    days.into_iter().map(|day| first.saturating_add(jiff::Span::new().days(day))).collect()
}

/// One line per scan: device, start of the agent, monotonic time, wall clock, good values by tag, names of tags that were not read.
fn export(path: &Path, heard: &[Heard]) {
    let file = fs::File::create(path).expect("a file for the export");
    let mut file = BufWriter::new(file);
    for Heard { boot, batch } in heard {
        let names = batch.group.tags.iter().map(|tag| &*tag.name);
        let mut line = format!(
            r#"{{"device":"{}","boot":{},"mono":{},"wall":{},"good":{{"#,
            batch.group.device, boot.0, batch.mono_ms, batch.at.0
        );
        let mut bad = Vec::new();
        let mut comma = "";
        for (name, reading) in names.zip(&batch.readings) {
            match reading {
                Some(Reading::Good(value)) => {
                    line.push_str(&format!(r#"{comma}"{name}":{}"#, shown(value)));
                    comma = ",";
                }
                Some(_) => bad.push(name),
                None => {}
            }
        }
        line.push_str(&format!(r#"}},"bad":{bad:?}}}"#));
        writeln!(file, "{line}").expect("the export can be written");
    }
    file.flush().expect("the export can be written");
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bool(is) => is.to_string(),
        Value::U64(n) => n.to_string(),
        Value::F64(x) => x.to_string(),
        other => panic!("{other:?} is not made up"),
    }
}

fn compare(
    place: &str,
    ours: &serde_json::Value,
    theirs: &serde_json::Value,
    compared: &mut usize,
    troubles: &mut Vec<String>,
) {
    if let (Some(ours), Some(theirs)) = (ours.as_object(), theirs.as_object()) {
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let [ours, theirs] = [ours, theirs].map(|it| it.get(key).unwrap_or(&serde_json::Value::Null));
            compare(&format!("{place} / {key}"), ours, theirs, compared, troubles);
        }
        return;
    }
    *compared += 1;
    if ours != theirs {
        let short = |value: &serde_json::Value| value.to_string().chars().take(120).collect::<String>();
        troubles.push(format!("{place}: {} here, {} by the stranger", short(ours), short(theirs)));
    }
}
