//! `cloudward import` as a person uses it. Each file in tests/cases/import is an export as users have it, with their odd
//! things; beside it stand the workshop that comes out and what is said about the rest, in English and Chinese.
//! `CLOUDWARD_BLESS=1 cargo test --test import` writes them anew: read the diff.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::path::{Path, PathBuf};

use cloudward::config::{Config, Device, Origin};
use cloudward::import::{Imported, Source, Wishes, import, table, workshop};
use cloudward::model::Lang;
use common::agent::run_to_end;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/import")
}

/// Exports only; what stands beside them is ours.
fn cases() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_export = |path: &PathBuf| matches!(path.extension().and_then(|e| e.to_str()), Some("csv" | "xlsx" | "conf"));
    let mut cases: Vec<_> = files.filter(is_export).collect();
    cases.sort();
    assert!(cases.len() >= 9, "{cases:?}");
    cases
}

fn read(case: &Path, lang: Lang) -> (Source, Imported) {
    let bytes = std::fs::read(case).unwrap();
    let source = Source::detect(&bytes).unwrap_or_else(|| panic!("{}", case.display()));
    let imported = import(source, &bytes, Wishes { lang, ..Wishes::default() });
    (source, imported.unwrap_or_else(|trouble| panic!("{}: {trouble}", case.display())))
}

fn case(name: &str) -> Imported {
    read(&folder().join(name), Lang::En).1
}

#[track_caller]
fn check_golden(path: &Path, said: &str) {
    if std::env::var_os("CLOUDWARD_BLESS").is_some() {
        std::fs::write(path, said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(path).unwrap_or_default(), "{}", path.display());
}

#[test]
fn each_export_becomes_the_workshop_that_stands_beside_it_and_the_rest_is_said() {
    for case in cases() {
        let stem = case.display().to_string().replace(['.'], "-");
        for (lang, ending) in [(Lang::En, "en"), (Lang::Zh, "zh")] {
            let (source, imported) = read(&case, lang);
            let said = imported.to_check.iter().chain(&imported.left_out);
            let said: String = said.map(|trouble| trouble.line(lang) + "\n").collect();
            check_golden(Path::new(&format!("{stem}.{ending}.txt")), &said);
            check_golden(Path::new(&format!("{stem}.toml")), &workshop(&imported, source).text);
        }
    }
}

#[test]
fn the_source_is_known_by_its_content() {
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let (source, _) = read(&case, Lang::En);
        assert!(name.starts_with(&source.name().to_lowercase()), "{name} is taken for {source:?}");
    }
}

#[test]
fn whatever_is_written_is_a_valid_workshop() {
    for case in cases() {
        let (source, imported) = read(&case, Lang::En);
        let text = workshop(&imported, source).text;
        let config = Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{text}"));
        let tags: usize = config.devices.iter().map(|device| device.tags.len()).sum();
        assert_eq!(tags, imported.tag_count(), "{}", case.display());
    }
}

#[test]
fn a_table_holds_the_same_tags_as_the_workshop() {
    let mut compared = 0;
    for case in cases() {
        let (source, imported) = read(&case, Lang::En);
        let config = Config::parse(&workshop(&imported, source).text).unwrap();
        for (device, ours) in imported.devices.iter().zip(&config.devices) {
            let text = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\n\
                modbus_tcp = \"h\"\n[[device]]\nid = \"d\"\nlink = \"l\"\ntags_file = \"t.csv\"\n";
            let with_table = Config::parse_with(text, &|_| Ok(table(device).into_bytes())).unwrap();
            let bare = |device: &Device| {
                let mut tags = device.tags.clone();
                // What one register holds has no order of registers.
                for tag in &mut tags {
                    let Origin::Modbus(register) = &mut tag.origin else { unreachable!("no meters here") };
                    register.order.low_word_first &= register.data_type.width() > 1;
                }
                tags
            };
            assert_eq!(bare(&with_table.devices[0]), bare(ours), "{} {}", case.display(), device.id);
            compared += ours.tags.len();
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn every_row_of_an_export_is_a_tag_or_has_a_line_that_says_why_not() {
    for name in ["kepware-press.csv", "kepware-chinese.csv", "neuron-line.xlsx"] {
        let imported = case(name);
        let rows = match name {
            "kepware-press.csv" => 2..=29,
            "kepware-chinese.csv" => 3..=7,
            _ => 2..=24,
        };
        for row in rows.filter(|row| name != "neuron-line.xlsx" || *row != 12) {
            let is_tag = imported.devices.iter().flat_map(|device| &device.tags).any(|tag| tag.line == row);
            let mark = format!("line {row} ");
            let mark_2 = format!("line {row}:");
            let is_said = imported.left_out.iter().map(|trouble| trouble.line(Lang::En));
            let is_said = is_said.into_iter().any(|line| line.contains(&mark) || line.contains(&mark_2));
            assert!(is_tag || is_said, "{name} row {row}");
        }
    }
}

#[test]
fn several_units_in_one_sheet_become_several_devices_on_one_link() {
    let imported = case("neuron-line.xlsx");
    let ids: Vec<_> = imported.devices.iter().map(|device| (device.id.as_str(), device.unit)).collect();
    assert_eq!(ids, [("unit-1", Some(1)), ("unit-2", Some(2))]);
    assert_eq!(imported.links.len(), 1);
}

/// The command with its output in a folder of its own.
fn run(arguments: &[&str]) -> common::agent::Ended {
    run_to_end(&[&["import"], arguments, &["--lang", "en"]].concat())
}

fn path(name: &str) -> String {
    folder().join(name).display().to_string()
}

#[test]
fn the_exit_code_says_whether_everything_was_carried_over() {
    let ended = run(&[&path("kepware-plain.csv"), "--device", "press-1", "--link", "hall"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let config = Config::parse(&ended.stdout).unwrap();
    assert_eq!((&*config.devices[0].id, &*config.links[0].name), ("press-1", "hall"));
    assert!(ended.stderr.contains("2 tags of 1 devices") && ended.stderr.contains("not carried over: 0"), "{ended:?}");
    let ended = run(&[&path("kepware-press.csv")]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("tag `Flow` is left out: its scaling has no counterpart: Square Root"), "{ended:?}");
    Config::parse(&ended.stdout).unwrap();
}

#[test]
fn a_name_that_no_topic_can_bear_is_refused_and_not_changed() {
    for name in ["冲床", "", "press 1"] {
        let ended = run(&[&path("kepware-plain.csv"), "--device", name]);
        assert!(ended.code == Some(64) && ended.stderr.contains("cannot be a name"), "{ended:?}");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn an_output_that_exists_is_overwritten_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.csv").display().to_string();
    let arguments = [&path("kepware-plain.csv"), "--output", &out];
    assert_eq!(run(&arguments).code, Some(0));
    let first = std::fs::read(&out).unwrap();
    assert!(String::from_utf8(first).unwrap().contains("speed,holding:0,u16"));
    std::fs::write(&out, "mine").unwrap();
    let refused = run(&arguments);
    assert!(refused.code == Some(73) && refused.stderr.contains("exists already"), "{refused:?}");
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    assert_eq!(run(&[&arguments[..], &["--force"]].concat()).code, Some(0));
    assert!(std::fs::read(&out).unwrap().len() > 4);
}

#[test]
fn what_is_no_export_ends_with_code_65_and_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv").display().to_string();
    for (content, arguments, said) in [
        (&b"hello"[..], &[][..], "is none of the files that can be imported"),
        (b"PK\x03\x04 broken", &[], "is none of the files that can be imported"),
        (b"PK\x03\x04 broken", &["--from", "neuron"], "this is no file of Neuron"),
        (b"\xff\xff", &["--from", "kepware"], "this is no file of Kepware: no text"),
        (b"[[inputs.modbus]]\nname = \n", &[], "this is no file of Telegraf: line 2"),
        (b"[agent]\n", &["--from", "telegraf"], "no [[inputs.modbus]]"),
        (b"Tag Name,Address,Data Type\nx,DB1.DBW0,Word\n", &[], "no tag of"),
    ] {
        std::fs::write(&file, content).unwrap();
        let ended = run(&[&[file.as_str()], arguments].concat());
        assert!(ended.code == Some(65) && ended.stderr.contains(said), "{said}: {ended:?}");
        assert_eq!(ended.stdout, "");
    }
    let ended = run(&["/nowhere/x.csv"]);
    assert!(ended.code == Some(65) && ended.stderr.contains("/nowhere/x.csv"), "{ended:?}");
}

#[test]
fn several_devices_do_not_fit_into_one_table_and_the_ending_must_say_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let ended = run(&[&path("neuron-line.xlsx"), "--output", &out("x.csv")]);
    assert!(ended.code == Some(64) && ended.stderr.contains("unit-1, unit-2"), "{ended:?}");
    let ended = run(&[&path("neuron-line.xlsx"), "--output", &out("x.json")]);
    assert!(ended.code == Some(64) && ended.stderr.contains("neither TOML nor CSV"), "{ended:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
