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
    // By their numbers: 100 comes behind 99.
    let number = |file: &PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        name.split('-').next().unwrap().parse::<u32>().unwrap()
    };
    files.sort_by_key(number);
    files
}

/// What is wrong with the configuration that was written for a case.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What nothing excuses.
    pub wrong: Vec<String>,
    /// Numbers beside a register that is always empty, read right, and the line names what they are: a register could be taken
    /// for two or two for one, and nothing in the data tells.
    pub undecidable: Vec<String>,
    /// Other values that were not read right, but the line at their place names what they are as less likely.
    pub second: Vec<String>,
}

impl Verdict {
    /// The first choice is right for every value.
    pub fn is_strict(&self) -> bool {
        self.wrong.is_empty() && self.undecidable.is_empty() && self.second.is_empty()
    }

    /// The same, or only pairs that nothing in the data can tell apart are the other way round, and the file names the right one.
    pub fn is_identified(&self) -> bool {
        self.wrong.is_empty() && self.second.is_empty()
    }

    /// The file names what is right for every value, first or as less likely.
    pub fn is_named(&self) -> bool {
        self.wrong.is_empty()
    }

    fn only(wrong: Vec<String>) -> Verdict {
        Verdict { wrong, ..Verdict::default() }
    }
}

/// What is wrong with the configuration that was written for this case.
pub fn judge(case: &Value, text: &str) -> Verdict {
    let config = match Config::parse(text) {
        Ok(config) => config,
        Err(mistakes) => return Verdict::only(vec![format!("no valid configuration: {mistakes:?}")]),
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
        return Verdict::only(vec![format!("units {units:?}, not {}", case["unit"])]);
    }
    let mut wrong = ranges(case, text);
    let names = case["profile"].as_array().cloned().unwrap_or_default();
    let profile = config.devices[0].profile.as_deref();
    if let Some(profile) = profile.filter(|profile| !names.iter().any(|name| *name == *profile.id)) {
        wrong.push(format!("taken for {}", profile.id));
    }
    // With a profile its tags stand, and what was guessed stands as comments beside it.
    let guessed = Config::parse(&without_profile(text)).unwrap();
    let of_profile: &[Tag] = if profile.is_some() { &config.devices[0].tags } else { &[] };
    let device = &guessed.devices[0];
    // What is zero and stays so could be anything.
    let says_something = |value: &&Value| value[4] != 0 && value[4] != 0.0 && value[4] != false || value[5] != 0;
    let (mut undecidable, mut second) = (Vec::new(), Vec::new());
    for value in case["values"].as_array().unwrap().iter().filter(says_something) {
        if let Some(other) = of_profile.iter().find(|tag| contradicts(tag, value, case)) {
            wrong.push(format!("{} is not {:?}", value[0], other.register()));
            continue;
        }
        if check_value(value, of_profile, case).is_none() {
            continue;
        }
        let Some(mistake) = check_value(value, &device.tags, case) else { continue };
        match () {
            () if is_named(value, case, text) => undecidable.push(mistake),
            () if is_second(value, case, text) => second.push(mistake),
            () => wrong.push(mistake),
        }
    }
    Verdict { wrong, undecidable, second }
}

/// The file with what was guessed in place of the profile.
fn without_profile(text: &str) -> String {
    let is_guess = |line: &str| ["    {", "tags = [", "]"].iter().any(|start| line.starts_with(start));
    let lines = text.lines().filter(|line| !line.starts_with("profile = "));
    lines
        .map(|line| line.strip_prefix("# ").filter(|line| is_guess(line)).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a tag of the profile stands where the value does, and is another one.
fn contradicts(tag: &Tag, value: &Value, case: &Value) -> bool {
    let register = tag.register().unwrap();
    let place = Address::parse(value[1].as_str().unwrap()).unwrap();
    let (from, to) = (register.address.offset, register.address.offset + register.data_type.width());
    let is_there = place.table == register.address.table && (from..to).contains(&place.offset);
    // One bit of a word is read as a bit.
    let is_part = ["bool", "u8"].contains(&register.data_type.as_str()) && value[2] != "bool";
    let is_text = matches!(register.data_type, DataType::Text(_)) && value[2] == "text"; // it ends where the device's does
    is_there && !is_part && !is_text && check_value(value, std::slice::from_ref(tag), case).is_some()
}

/// Whether a line with the same number, read as one register in place of two or as two in place of one, names this value's
/// address, type and order.
fn is_named(value: &Value, case: &Value, text: &str) -> bool {
    let (place, kind, order) = (value[1].as_str().unwrap(), value[2].as_str().unwrap(), value[3].as_str().unwrap());
    let is_whole = |kind: &str| ["u16", "i16", "u32", "i32"].contains(&kind);
    let (Some(raw), Some(step)) = (value[4].as_f64().filter(|raw| *raw >= 0.0), value[5].as_f64()) else {
        return false;
    };
    let places = places(place, case);
    text.lines().filter_map(|line| line.trim().strip_prefix("{ name = ")?.split_once(" }, # ")).any(|(tag, comment)| {
        let shown: f64 = comment.split([' ', ':', ';']).next().and_then(|shown| shown.parse().ok()).unwrap_or(-1.0);
        // A total rises by its step with each of 6000 requests at most.
        let is_same = (raw - step..=raw + 6_000.0 * step).contains(&shown) && shown <= 65_535.0;
        let is_other = |other: &&str| places.iter().any(|place| names(other, *place, kind, order));
        let is_number = is_whole(kind) && quoted(tag, "type").is_some_and(|own| is_whole(&own));
        is_same && is_number && comment.split("; or, if ").skip(1).any(|other| is_other(&other))
    })
}

/// Where a value stands: where both tables are the same, in either.
fn places(place: &str, case: &Value) -> Vec<Address> {
    let mirrored = case["mirror"].is_array().then(|| place.replace("input", "holding"));
    [Some(place.to_owned()), mirrored].into_iter().flatten().map(|place| Address::parse(&place).unwrap()).collect()
}

/// Whether a line names this value's address, type and order as less likely.
fn is_second(value: &Value, case: &Value, text: &str) -> bool {
    let (place, kind, order) = (value[1].as_str().unwrap(), value[2].as_str().unwrap(), value[3].as_str().unwrap());
    let places = places(place, case);
    let is_it = |other: &str| places.iter().any(|place| names(other, *place, kind, order));
    text.lines().any(|line| line.split("; or, ").skip(1).any(is_it))
}

/// Whether `address = "holding:4", type = "u32", order = "CDAB"` is this place with this type and order.
fn names(other: &str, wanted: Address, kind: &str, order: &str) -> bool {
    let address = quoted(other, "address").and_then(|address| Address::parse(&address));
    let is_kind = quoted(other, "type").is_some_and(|other| other.replace('i', "u") == kind.replace('i', "u"));
    let is_order = kind.ends_with("16") || quoted(other, "order").unwrap_or("ABCD".into()) == order;
    address == Some(wanted) && is_kind && is_order
}

/// `x` of `key = "x"`.
fn quoted(text: &str, key: &str) -> Option<String> {
    let (_, behind) = text.split_once(&format!("{key} = \""))?;
    behind.split_once('"').map(|(inside, _)| inside.to_owned())
}

/// A value that is not zero must be there with its type and order.
fn check_value(value: &Value, tags: &[Tag], case: &Value) -> Option<String> {
    let (name, place, kind, order) = (value[0].as_str()?, value[1].as_str()?, value[2].as_str()?, value[3].as_str()?);
    let is_it = |tag: &Tag, at: Address| {
        tag.register().unwrap().address == at && same_type(kind, order, value[4].as_f64(), tag)
    };
    let is_there = places(place, case).into_iter().any(|at| tags.iter().any(|tag| is_it(tag, at)));
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
        // ASCII is the same in each of them.
        DataType::Text(form) => {
            form.encoding.as_str() == order || order == "utf-8" && form.encoding.as_str() == "ascii"
        }
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
        let served = joined(served);
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

/// Ranges that touch are one.
fn joined(mut ranges: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    ranges.sort_unstable();
    ranges.into_iter().fold(Vec::new(), |mut joined: Vec<(u64, u64)>, (first, last)| {
        match joined.last_mut() {
            Some(before) if before.1 + 1 == first => before.1 = last,
            _ => joined.push((first, last)),
        }
        joined
    })
}
