//! What a case of tests/cases/probe is, and whether a configuration that `cloudward probe` wrote identifies it.

use std::fs;
use std::path::{Path, PathBuf};

use cloudward::config::modbus::{Address, DataType, Order};
use cloudward::config::{Config, Tag};
use serde_json::Value;

/// A case as it stands in its file.
pub fn case(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::to_value(toml::from_str::<toml::Table>(&text).unwrap()).unwrap()
}

pub fn cases() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/probe");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    files
}

/// What is wrong with the configuration that was written for this case; empty: identified.
pub fn judge(case: &Value, text: &str) -> Vec<String> {
    let config = match Config::parse(text) {
        Ok(config) => config,
        Err(mistakes) => return vec![format!("no valid configuration: {mistakes:?}")],
    };
    let units: Vec<u64> = config
        .devices
        .iter()
        .map(|device| {
            let cloudward::config::Station::Unit(unit) = device.station else { panic!("a meter of DL/T 645") };
            unit.into()
        })
        .collect();
    // Where the id is ignored, any one of them reads the device.
    let is_ignored = case["others"] == "same" && units.len() == 1;
    if units != [case["unit"].as_u64().unwrap()] && !is_ignored {
        return vec![format!("units {units:?}, not {}", case["unit"])];
    }
    let mut wrong = ranges(case, text);
    let device = &config.devices[0];
    let names = case["profile"].as_array().cloned().unwrap_or_default();
    match &device.profile {
        Some(profile) if names.iter().any(|name| *name == *profile.id) => return wrong,
        Some(profile) => wrong.push(format!("taken for {}", profile.id)),
        None => {}
    }
    // What is zero and stays so could be anything.
    let says_something = |value: &&Value| value[4] != 0 && value[4] != 0.0 && value[4] != false || value[5] != 0;
    for value in case["values"].as_array().unwrap().iter().filter(says_something) {
        wrong.extend(check_value(value, &device.tags, case));
    }
    wrong
}

/// A value that is not zero must be there with its type and order.
fn check_value(value: &Value, tags: &[Tag], case: &Value) -> Option<String> {
    let (name, place, kind, order) = (value[0].as_str()?, value[1].as_str()?, value[2].as_str()?, value[3].as_str()?);
    let mut places = vec![place.to_owned()];
    if case["mirror"].is_array() {
        places.push(place.replace("input", "holding"));
    }
    let is_there = places.iter().any(|place| {
        let address = Address::parse(place).unwrap();
        tags.iter()
            .any(|tag| tag.register().unwrap().address == address && same_type(kind, order, value[4].as_f64(), tag))
    });
    let near = || {
        let address = Address::parse(place).unwrap();
        let seen: Vec<String> = tags
            .iter()
            .filter(|tag| {
                tag.register().unwrap().address.table == address.table
                    && tag.register().unwrap().address.offset.abs_diff(address.offset) < 2
            })
            .map(|tag| {
                format!(
                    "{} {} {:?}",
                    tag.register().unwrap().address,
                    tag.register().unwrap().data_type,
                    tag.register().unwrap().order
                )
            })
            .collect();
        seen.join(", ")
    };
    (!is_there).then(|| format!("{name} ({place} {kind} {order}) is not there, but [{}]", near()))
}

fn same_type(kind: &str, order: &str, raw: Option<f64>, tag: &Tag) -> bool {
    let found = tag.register().unwrap().data_type.as_str();
    // Without a sign to see, signed and unsigned are the same.
    let is_same =
        found == kind || raw.is_some_and(|raw| raw >= 0.0) && found.replace('u', "i") == kind.replace('u', "i");
    let is_same_order = match tag.register().unwrap().data_type {
        DataType::Text(form) => form.encoding.as_str() == order,
        _ => {
            tag.register().unwrap().data_type.width() == 1 || Order::parse(order) == Some(tag.register().unwrap().order)
        }
    };
    is_same && is_same_order
}

/// The stretches that are told must be those that are served, in each table with values; of an endless table at least the
/// values must be within.
fn ranges(case: &Value, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for table in ["coil", "discrete", "holding", "input"] {
        let served: Vec<(u64, u64)> = case["ranges"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|range| range[0] == table)
            .map(|range| (range[1].as_u64().unwrap(), range[2].as_u64().unwrap()))
            .collect();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("# {table}: "))).unwrap_or_default();
        let told = line.split(';').next().unwrap_or_default();
        let told: Vec<(u64, u64)> = told
            .split(", ")
            .filter_map(|span| {
                let (first, last) = span.split_once('-').unwrap_or((span, span));
                Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
            })
            .collect();
        let is_endless = line.contains("zeros elsewhere");
        if !is_endless && told != served {
            wrong.push(format!("{table}: told {told:?}, served {served:?}"));
        }
        for value in case["values"].as_array().unwrap() {
            let place = value[1].as_str().unwrap();
            let address = Address::parse(place).unwrap();
            let at = u64::from(address.offset);
            if address.table.as_str() == table && !told.iter().any(|(first, last)| (*first..=*last).contains(&at)) {
                wrong.push(format!("{place} is in none of {told:?}"));
            }
        }
    }
    wrong
}
