//! Register maps that devices of one kind share: the head says whose they are and where they come from, the tags have
//! the shape of a device's tags. Ours are in [`super::library`].

use std::time::Duration;

use super::device::{PERIODS, Protocol, areas};
use super::files::Files;
use super::gather::Gathering;
use super::read::{Doc, Section};
use super::tag_type::order;
use super::{OtherFile, Profile};
use crate::model::Trouble;
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;

/// Adds what the profile of a device brings, if it has one.
pub(super) fn gather(device: &Section<'_>, files: &Files<'_>, into: &mut Gathering) {
    let Some(named) = device.text("profile", "profile = \"sdm630\"") else { return };
    let Some(text) = text(device, &named, files) else { return };
    let doc = Doc::of(Some(OtherFile { name: named.as_str().into(), is_table: false }), &text);
    if let Some(table) = doc.tables(&text) {
        let top = Section::new(&doc, String::new(), 0, table.get_ref());
        match top.section("profile") {
            Some(profile) => read(&profile, device, into),
            None if top.has("profile") => {}
            None => top.wrong("profile", words::MISSING_KEY, |t| t.with("example", "[profile]")),
        }
        top.finish();
    }
    device.doc.adopt(device.at_of("profile"), doc);
}

fn text(device: &Section<'_>, named: &str, files: &Files<'_>) -> Option<String> {
    let is_path = named.contains('/') || named.ends_with(".toml");
    if !is_path {
        let text = files.built_in(named);
        let told = |known: Vec<String>| {
            device.wrong("profile", words::NO_SUCH_PROFILE, |t| {
                t.with("found", named).with("known", near(named, known).join(", "))
            })
        };
        return text.map_err(told).ok();
    }
    let at = device.at_of("profile");
    let bytes = files.bytes(named).map_err(|trouble| device.doc.mistake(at, trouble)).ok()?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            device.doc.mistake(at, Trouble::new(words::FILE_NOT_UTF8).with("path", named).with("line", line));
            None
        }
    }
}

/// Names that begin as the wanted one does, the longer the better; there are too many to tell all.
fn near(wanted: &str, mut names: Vec<String>) -> Vec<String> {
    const MOST: usize = 12;
    let common =
        |name: &String| wanted.chars().zip(name.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    names.sort_by_key(|name| std::cmp::Reverse(common(name)));
    names.truncate(MOST);
    names
}

fn read(profile: &Section<'_>, device: &Section<'_>, into: &mut Gathering) {
    let protocol = protocol(profile);
    if protocol != into.defaults.protocol {
        // Each of its tags would only repeat it.
        return device.wrong("profile", words::PROFILE_OF_OTHERS, |t| t.with("protocol", protocol.as_str()));
    }

    let needed = |key, example| profile.needed_text(key, example).unwrap_or_default();
    let id = needed("id", "id = \"press\"");
    let name = needed("name", "name = \"Eastron SDM630\"");
    let maker = needed("maker", "maker = \"Eastron\"");
    let source = needed("source", "source = \"SDM630 Modbus protocol, V1.8, table 1\"");
    let optional = |key, example| profile.text(key, example);
    let name_zh = optional("name_zh", "name_zh = \"三相电能表\"").unwrap_or_else(|| name.clone());
    let note = optional("note", "note = \"9600 8N1 as delivered\"").unwrap_or_default();
    let note_zh = optional("note_zh", "note_zh = \"出厂 9600 8N1\"").unwrap_or_else(|| note.clone());
    let checked = profile.flag("checked");
    if checked.is_none() && !profile.has("checked") {
        profile.wrong("checked", words::MISSING_KEY, |t| t.with("example", "checked = false"));
    }
    into.profile = Some(Profile { id, name, name_zh, maker, source, checked: checked == Some(true), note, note_zh });

    if protocol == Protocol::OpcUa {
        profile.refuse(&["order", "addresses"], opcua_words::KEY_OF_OTHERS, |t| t);
    }
    // What the device says itself comes first.
    let defaults = &mut into.defaults;
    let (own_every, own_areas, own_order) = (profile.time("every", PERIODS), areas(profile), order(profile));
    defaults.every = defaults.every.or(own_every);
    defaults.areas = defaults.areas.or(own_areas);
    defaults.order = defaults.order.or(own_order);

    let sections = profile.sections("tags", "name");
    if sections.is_empty() && own_areas.is_none() && !profile.has("addresses") && !profile.has("tags") {
        profile.wrong("tags", words::PROFILE_WITHOUT_TAGS, |t| t);
    }
    // Slow values keep their own long periods, but on a device that is asked rarely nothing is asked more often.
    into.defaults.at_least = into.every.unwrap_or(Duration::ZERO);
    sections.iter().for_each(|section| into.offer(section));
    into.defaults.at_least = Duration::ZERO;
    profile.finish();
}

/// `protocol = "dlt645"`: for meters; `"opcua"`: for machines with a server; otherwise for Modbus devices.
fn protocol(profile: &Section<'_>) -> Protocol {
    let Some(word) = profile.text("protocol", "protocol = \"dlt645\"") else { return Protocol::Modbus };
    let protocol = Protocol::ALL.into_iter().find(|protocol| protocol.as_str() == word);
    if protocol.is_none() {
        let known = Protocol::ALL.map(Protocol::as_str).join(", ");
        profile.wrong("protocol", words::NOT_ONE_OF, |t| t.with("found", &word).with("known", known));
    }
    protocol.unwrap_or(Protocol::Modbus)
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, built_in_profiles};

    fn workshop(device: &str) -> String {
        let head = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n";
        format!(
            "{head}[[link]]\nname = \"l\"\nmodbus_rtu_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\n{device}\n"
        )
    }

    #[test]
    fn every_built_in_profile_is_valid_and_names_its_source() {
        for (name, _) in built_in_profiles() {
            let name = name.as_str();
            let whom = if name == "dlt645" { "meter = \"1\"" } else { "unit = 1" };
            let config = Config::parse(&workshop(&format!("{whom}\nprofile = \"{name}\""))).unwrap();
            let profile = config.devices[0].profile.as_deref().unwrap();
            assert_eq!(profile.id, name);
            assert!(profile.source.len() > 20 && profile.name_zh != profile.name, "{profile:?}");
            assert!(!profile.checked, "nobody has held {name} against a real machine yet");
        }
    }

    #[test]
    fn every_file_in_the_folder_is_built_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles");
        let count = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(count, built_in_profiles().len());
    }
}
