//! Reports, explanations, baselines and archives as a person gets them, from a journal with a night shift in it; read by foreign programs.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use cloudward::report::archive::{Archive, Chain};
use cloudward::report::document::{DeviceReport, SiteReport};
use common::agent::{Ended, run_to_end};
use common::night::{EIGHT_PM, fill, workshop};
use common::{now_ms, temp_dir};
use serde_json::{Value as Json, json};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The command on the workshop in `dir`.
fn run(file: &Path, args: &[&str]) -> Ended {
    run_to_end(&[args, &["--config", file.to_str().unwrap()]].concat())
}

#[track_caller]
fn json_of(ended: &Ended) -> Json {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
}

fn python(args: &[&str]) -> Json {
    let python = common::prepared("venv/bin/python");
    let output = Command::new(python).arg(format!("{ROOT}/tests/foreign/check_report.py")).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn schema_of(name: &str) -> PathBuf {
    Path::new(ROOT).join("docs/schema").join(name)
}

/// With CLOUDWARD_WRITE_SCHEMAS=1 the files are written anew.
#[test]
fn the_published_schemas_are_those_of_the_documents() {
    let schemas = [
        ("device_report.json", schemars::schema_for!(DeviceReport)),
        ("site_report.json", schemars::schema_for!(SiteReport)),
        ("archive.json", schemars::schema_for!(Archive)),
        ("archive_chain.json", schemars::schema_for!(Chain)),
    ];
    for (name, schema) in schemas {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("CLOUDWARD_WRITE_SCHEMAS").is_some() {
            fs::write(schema_of(name), &text).unwrap();
        }
        let published = fs::read_to_string(schema_of(name)).unwrap_or_default();
        assert!(published == text, "docs/schema/{name} is old: run this test with CLOUDWARD_WRITE_SCHEMAS=1");
    }
}

#[test]
fn reports_in_json_fit_their_schemas_and_say_what_the_golden_night_says() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m", "n"]);
    fill(&file, &["m", "n"], 0);
    for (args, schema) in [
        (&["--period", "2026-03-02/night", "--device", "m"][..], "device_report.json"),
        (&["--period", "2026-03"], "site_report.json"),
        (&["--period", "2026-03-02"], "site_report.json"),
    ] {
        let ended = run(&file, &[&["report", "--format", "json"], args].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let document = dir.path().join("document.json");
        fs::write(&document, &ended.stdout).unwrap();
        python(&["schema", schema_of(schema).to_str().unwrap(), document.to_str().unwrap()]);
    }
    let night = json_of(&run(&file, &["report", "--format", "json", "--period", "2026-03-02/night", "--device", "m"]));
    assert_eq!((&night["oee"]["oee"], &night["energy"]["kwh"]), (&json!(0.767677), &json!(431.6)));
    let site = json_of(&run(&file, &["report", "--format", "json", "--period", "2026-03"]));
    assert_eq!((&site["oee"]["value"], &site["oee"]["excluded"]), (&json!(0.767677), &json!(["press: not connected"])));
    assert_eq!(site["rates"]["digital_rate"], json!({"num": 2, "den": 3, "value": 0.666667, "band": "E"}));
}

#[test]
fn tables_are_read_by_foreign_programs() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    fill(&file, &["m"], 0);
    let out = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    for format in ["csv", "xlsx", "html"] {
        let to = out(&format!("r.{format}"));
        let ended =
            run(&file, &["report", "--period", "2026-03-02/night", "--format", format, "-o", &to, "--lang", "zh"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let csv = python(&["csv", &out("r.csv")]);
    assert_eq!(csv["bom"], true);
    let oee = csv["rows"].as_array().unwrap().iter().find(|row| row["字段"] == "oee").unwrap();
    assert_eq!(
        (&oee["数值"], &oee["分子"], &oee["分母"]),
        (&json!("0.767677"), &json!("30400000"), &json!("39600000"))
    );
    assert_eq!((&oee["设备名称"], &oee["标记"]), (&json!("注塑机"), &json!("gap_parts")));
    let xlsx = python(&["xlsx", &out("r.xlsx")]);
    let row = xlsx["指标"].as_array().unwrap().iter().find(|row| row[5] == "oee").unwrap();
    assert_eq!(row[12], json!(0.767677));
    assert_eq!(xlsx["停机"].as_array().unwrap().len(), 4, "a head and three causes");
    let quarters = xlsx["15分钟电量"].as_array().unwrap();
    let kwh: f64 = quarters[1..].iter().filter_map(|row| row[3].as_f64()).sum(); // nothing in the gap, but at its end
    assert!(quarters.len() == 49 && (kwh - 431.6).abs() < 1e-6, "{} rows, {kwh} kWh", quarters.len());
    let ended = run(&file, &["report", "--period", "2026-03-02/night", "--format", "csv-quarters", "--device", "m"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 49), "{ended:?}");
    assert!(
        fs::read_to_string(out("r.html")).unwrap().contains("锁")
            | fs::read_to_string(out("r.html")).unwrap().contains("缺料")
    );
}

#[test]
fn a_figure_is_explained_down_to_the_hours_and_the_log() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    fill(&file, &["m"], 0);
    let ended = run(&file, &["explain", "O6", "--device", "m", "--period", "2026-03-02/night"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in ["Σ(PRI·GQ) / PBT", "30400000 ms", "39600000 ms", "ISO 22400-2:2014", "E-102", "缺料"] {
        assert!(ended.stdout.contains(words), "{words} is not in\n{}", ended.stdout);
    }
    assert!(run(&file, &["explain", "CW940"]).stdout.starts_with("CW940"), "codes are explained as ever");
}

#[test]
fn what_cannot_be_reported_is_said_in_a_sentence() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    fill(&file, &["m"], 0);
    for (args, code, word) in [
        (&["report", "--period", "last week"][..], 64, "CW940"),
        (&["report", "--period", "2026-13"], 64, "CW940"),
        (&["report", "--period", "2026-03-02/early"], 64, "CW941"),
        (&["report", "--period", "2025-01"], 69, "CW943"),
        (&["report", "--period", "2026-03", "--device", "x"], 64, "CW944"),
        (&["report", "--period", "2026-03", "--device", "press"], 69, "CW973"),
        (&["explain", "C4", "--device", "m", "--period", "2026-03"], 69, "CW943"),
        (&["report", "--period", "2026-03", "--format", "xlsx"], 64, "CW948"),
        (&["report", "--period", "2026-03", "--baseline", "x"], 64, "CW950"),
        (&["report", "--period", "2026-03", "--revenue=-5"], 64, "CW953"),
        (&["report", "--period", "2026-03", "-o", "/nowhere/r.html"], 73, "CW947"),
        (&["explain", "O99", "--device", "m", "--period", "2026-03"], 64, "CW945"),
        (&["explain", "O6"], 64, "CW946"),
        (&["archive", "--month", "2026-03-02", "-o", "a.zip"], 64, "CW954"),
        (
            &[
                "reclassify",
                "--device",
                "m",
                "--from",
                "2026-03-02T20:00",
                "--to",
                "2026-03-02T20:10",
                "--as",
                "planned_stop",
                "--reason",
                "r",
                "--by",
                "w",
            ],
            64,
            "CW963",
        ),
        (
            &[
                "reclassify",
                "--device",
                "m",
                "--from",
                "x",
                "--to",
                "y",
                "--as",
                "planned_stop",
                "--reason",
                "r",
                "--by",
                "w",
            ],
            64,
            "CW962",
        ),
        (
            &[
                "reclassify",
                "--device",
                "m",
                "--from",
                "2026-03-03T05:00",
                "--to",
                "2026-03-03T06:30",
                "--as",
                "planned_stop",
                "--reason",
                "r",
                "--by",
                "w",
            ],
            64,
            "CW965",
        ),
    ] {
        let ended = run(&file, args);
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(word) && ended.stdout.is_empty(), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_period_without_figures_is_answered_with_those_that_there_are_or_with_why_there_are_none() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m", "n"]);
    fill(&file, &[], 0);
    let report = |more: &[&str]| run(&file, &[&["report", "--period", "2025-01"], more].concat());
    let none_yet = report(&[]);
    assert!(none_yet.code == Some(69) && none_yet.stderr.contains("CW972"), "{none_yet:?}");
    assert!(none_yet.stderr.contains("cloudward ledger"), "{none_yet:?}");
    fill(&file, &["m"], 0);
    for (more, expected) in [
        (&[][..], ["2026-03-02 20:00", "2026-03-03 08:00"]),
        (&["--device", "m"], ["2026-03-02 20:00", "2026-03-03 08:00"]),
    ] {
        let others = report(more);
        assert!(others.code == Some(69) && others.stderr.contains("CW943"), "{others:?}");
        assert!(expected.iter().all(|moment| others.stderr.contains(moment)), "{others:?}");
    }
    let of_n = run(&file, &["report", "--period", "2026-03", "--device", "n"]);
    assert!(of_n.code == Some(69) && of_n.stderr.contains("CW972"), "of this machine there are none: {of_n:?}");
}

#[test]
fn a_baseline_is_frozen_once_and_reports_compare_with_it() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    fill(&file, &["m"], 0);
    let freeze = ["baseline", "freeze", "--period", "2026-03", "--revenue", "100"];
    let ended = run(&file, &freeze);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let again = run(&file, &freeze);
    assert!(again.code == Some(73) && again.stderr.contains("CW951"), "{again:?}");
    let site = json_of(&run(&file, &["report", "--format", "json", "--period", "2026-03", "--revenue", "50"]));
    let before = &site["baseline"];
    assert_eq!(
        (&before["pass_rate_month"], &before["x1_pass_rate_pp"], &before["oee"]),
        (&json!(0.974359), &json!(0), &json!(0.767677))
    );
    assert_eq!(before["x2_tce_per_revenue"], json!(0.000531), "0.053044 / 50 less 0.053044 / 100");
}

#[test]
fn an_idle_stop_is_called_planned_within_a_day_and_the_audit_says_who() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    // The night that began some hours ago: moved by whole days, and the stop lies within the last day.
    const DAY: i64 = 86_400_000;
    let moved = (now_ms() - EIGHT_PM - 12 * 3_600_000).div_euclid(DAY) * DAY;
    fill(&file, &["m"], moved);
    let stop = EIGHT_PM + moved + 570 * 60_000; // idle for want of material
    let shown = |ms: i64| {
        let zone = cloudward::model::zone("Asia/Shanghai").unwrap();
        jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    let period = format!("{}/night", &shown(EIGHT_PM + moved)[..10]);
    let pbt = || json_of(&run(&file, &["report", "--format", "json", "--period", &period, "--device", "m"]));
    assert_eq!(pbt()["time_min"]["pbt"], json!(660));
    let (from, to, middle) = (shown(stop), shown(stop + 30 * 60_000), shown(stop + 10 * 60_000));
    let call = |from: &str, to: &str| {
        let what = ["--as", "planned_stop", "--reason", "换模", "--by", "王工"];
        run(&file, &[&["reclassify", "--device", "m", "--from", from, "--to", to], &what[..]].concat())
    };
    let part = call(&middle, &to);
    assert!(part.code == Some(64) && part.stderr.contains("CW964"), "{part:?}");
    let done = call(&from, &to);
    assert_eq!(done.code, Some(0), "{done:?}");
    let after = pbt();
    assert_eq!((&after["time_min"]["pbt"], &after["revision"]), (&json!(630), &json!(1)));
    assert_eq!(after["oee"]["flags"], json!(["gap_parts", "reclassified"]));
    let again = call(&from, &to);
    assert!(again.code == Some(64) && again.stderr.contains("CW965"), "{again:?}");
}

fn unpack(file: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(fs::File::open(file).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(entry.name().unwrap().into_owned(), bytes);
    }
    files
}

fn pack(files: &BTreeMap<String, Vec<u8>>, to: &Path) {
    let mut zip = zip::ZipWriter::new(fs::File::create(to).unwrap());
    for (name, bytes) in files {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn an_archive_proves_itself_and_tells_every_kind_of_tampering() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    fill(&file, &["m"], 0);
    let (first, second) = (dir.path().join("a.zip"), dir.path().join("b.zip"));
    for to in [&first, &second] {
        let ended = run(&file, &["archive", "--month", "2026-03", "-o", to.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let verify =
        |file: &Path, more: &[&str]| run_to_end(&[&["archive", "verify", file.to_str().unwrap()], more].concat());
    let fingerprint = run(&file, &["journal", "key"]).stdout;
    let fingerprint = fingerprint.lines().find_map(|line| line.strip_prefix("fingerprint  ")).unwrap().to_owned();
    let proven = verify(&second, &["--trust", &fingerprint, "--previous", first.to_str().unwrap()]);
    assert!(proven.code == Some(0) && proven.stderr.is_empty(), "{proven:?}");
    let untrusted = verify(&first, &["--trust", &"00".repeat(16)]);
    assert!(untrusted.code == Some(77) && untrusted.stderr.contains("CW961"), "{untrusted:?}");
    let other_chain = verify(&first, &["--previous", second.to_str().unwrap()]);
    assert!(other_chain.code == Some(65) && other_chain.stderr.contains("CW959"), "{other_chain:?}");

    // A stranger's tools agree.
    let files = unpack(&first);
    let folder = dir.path().join("unpacked");
    for (name, bytes) in &files {
        let to = folder.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    let summed =
        Command::new("sha256sum").args(["--check", "--strict", "--quiet", "hashes.txt"]).current_dir(&folder).status();
    assert!(summed.unwrap().success());
    python(&["schema", schema_of("archive.json").to_str().unwrap(), folder.join("archive.json").to_str().unwrap()]);
    python(&["schema", schema_of("archive_chain.json").to_str().unwrap(), folder.join("chain.json").to_str().unwrap()]);
    let csv = python(&["csv", folder.join("equipment.csv").to_str().unwrap()]);
    assert_eq!(
        (&csv["bom"], &csv["rows"][0]["设备编号"], &csv["rows"][0]["采集点数"]),
        (&json!(true), &json!("m"), &json!("6"))
    );
    assert_eq!(csv["rows"].as_array().unwrap().len(), 2, "machines without a link are listed too");
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    assert!(!page.contains("级以上") && !page.contains("达到"), "no level is claimed");

    type Files = BTreeMap<String, Vec<u8>>;
    let replace = |name: &'static str, from: &'static str, to: &'static str| {
        move |files: &mut Files| {
            let text = String::from_utf8(files[name].clone()).unwrap();
            assert!(text.contains(from), "{name} has no {from}");
            files.insert(name.into(), text.replacen(from, to, 1).into_bytes());
        }
    };
    // A list that was changed with the file, but cannot be signed anew.
    let resum = |files: &mut Files| {
        let list = cloudward::report::archive::hashes(files);
        let mut chain: Json = serde_json::from_slice(&files["chain.json"]).unwrap();
        chain["this"] = cloudward::sink::egress::hex(&cloudward::sink::egress::sha256(list.as_bytes())).into();
        files.insert("hashes.txt".into(), list.into_bytes());
        files.insert("chain.json".into(), chain.to_string().into_bytes());
    };
    type Tampering = (&'static str, Box<dyn Fn(&mut Files)>, &'static str);
    let tamper: Vec<Tampering> = vec![
        ("a figure", Box::new(replace("monthly/2026-03.json", "0.767677", "0.867677")), "CW956"),
        ("a file taken out", Box::new(|files| drop(files.remove("equipment.csv"))), "CW957"),
        ("a file put in", Box::new(|files| drop(files.insert("photo.jpg".into(), vec![1]))), "CW958"),
        ("the list alone", Box::new(replace("hashes.txt", "a", "b")), "CW959"),
        ("the signature", Box::new(replace("chain.json", "ed25519:", "ed25519:00")), "CW960"),
        (
            "a figure, its list and the chain",
            Box::new(move |files| {
                replace("monthly/2026-03.json", "0.767677", "0.867677")(files);
                resum(files);
            }),
            "CW960",
        ),
        ("the chain gone", Box::new(|files| drop(files.remove("chain.json"))), "CW955"),
    ];
    for (what, tamper, word) in tamper {
        let mut files = files.clone();
        tamper(&mut files);
        let changed = dir.path().join("changed.zip");
        pack(&files, &changed);
        let ended = verify(&changed, &[]);
        assert!(ended.code == Some(65) && ended.stderr.contains(word), "{what}: {ended:?}");
    }
    let cut = dir.path().join("cut.zip");
    let bytes = fs::read(&first).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let ended = verify(&cut, &[]);
    assert!(ended.code == Some(65) && ended.stderr.contains("CW955"), "{ended:?}");
}

/// The commands of a document behind this line, up to the end of their block.
fn commands_behind(document: &str, heading: &str) -> String {
    let text = fs::read_to_string(Path::new(ROOT).join("docs").join(document)).unwrap();
    let rest = text.split_once(heading).unwrap_or_else(|| panic!("{document} has no {heading}")).1;
    let block = rest.split_once("```sh\n").unwrap().1;
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_lines_that_the_documents_show_for_openssl_prove_an_archive_and_refuse_a_changed_one() {
    common::program("openssl");
    common::program("unzip");
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    fill(&file, &["m"], 0);
    let archive = dir.path().join("a.zip");
    let ended = run(&file, &["archive", "--month", "2026-03", "-o", archive.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let prove = |archive: &Path, document: &str, heading: &str| {
        let place = temp_dir();
        fs::copy(archive, place.path().join("march.zip")).unwrap();
        let script = format!("set -e\n{}", commands_behind(document, heading));
        Command::new("bash").arg("-c").arg(script).current_dir(place.path()).output().unwrap()
    };
    // A list, and with it every hash, that nobody signed.
    let mut files = unpack(&archive);
    let page = String::from_utf8(files["index.html"].clone()).unwrap().replacen("76.77", "86.77", 1);
    files.insert("index.html".into(), page.into_bytes());
    let list = cloudward::report::archive::hashes(&files);
    files.insert("hashes.txt".into(), list.into_bytes());
    let forged = dir.path().join("forged.zip");
    pack(&files, &forged);
    for (document, heading) in [("REPORTS.md", "Without this\nprogram"), ("REPORTS.zh-CN.md", "不用本程序也能核验")]
    {
        let proven = prove(&archive, document, heading);
        let said = String::from_utf8_lossy(&proven.stdout).into_owned();
        assert!(proven.status.success() && said.contains("Signature Verified Successfully"), "{document}: {proven:?}");
        let refused = prove(&forged, document, heading);
        assert!(!refused.status.success(), "{document}: {refused:?}");
    }
}

#[test]
fn the_archive_says_of_the_enterprise_what_is_named_and_holds_the_photos_that_are() {
    let dir = temp_dir();
    let file = workshop(dir.path(), &["m"]);
    fill(&file, &["m"], 0);
    let plain = fs::read_to_string(&file).unwrap();
    let archive = dir.path().join("a.zip");
    let make = || run(&file, &["archive", "--month", "2026-03", "-o", archive.to_str().unwrap()]);
    assert_eq!(make().code, Some(0));
    let files = unpack(&archive);
    let document: Json = serde_json::from_slice(&files["archive.json"]).unwrap();
    assert_eq!(document["enterprise"], json!({"code": "e", "uscc": null}), "nothing that is not named");

    let named = "[enterprise]\nname = \"示例塑胶\"\nuscc = \"91000000MA0000000N\"\ncontact = \"设备科\"\n";
    let with_photo = plain.replacen("name = \"注塑机\"\n", "name = \"注塑机\"\nphoto = \"铭牌 1.jpg\"\n", 1);
    fs::write(&file, format!("{with_photo}{named}")).unwrap();
    let missing = make();
    assert!(missing.code == Some(73) && missing.stderr.contains("CW977"), "{missing:?}");
    fs::write(dir.path().join("铭牌 1.jpg"), b"\xff\xd8\xff\xe0 a plate").unwrap();
    assert_eq!(make().code, Some(0));
    let files = unpack(&archive);
    let document: Json = serde_json::from_slice(&files["archive.json"]).unwrap();
    let expected = json!({"code": "e", "name": "示例塑胶", "uscc": "91000000MA0000000N", "contact": "设备科"});
    assert_eq!(document["enterprise"], expected);
    assert_eq!(document["equipment"][0]["photo"], "photos/m.jpg");
    assert_eq!(files["photos/m.jpg"], b"\xff\xd8\xff\xe0 a plate");
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    assert!(page.contains("91000000MA0000000N") && page.contains("设备科"), "the page of the archive has it too");
    let list = String::from_utf8(files["hashes.txt"].clone()).unwrap();
    assert!(list.contains("photos/m.jpg"), "{list}");
    assert_eq!(run_to_end(&["archive", "verify", archive.to_str().unwrap()]).code, Some(0));
    let report = run(&file, &["report", "--format", "html", "--period", "2026-03"]);
    assert!(report.code == Some(0) && !report.stdout.contains("设备科"), "the contact stands in archives alone");
}

#[test]
fn every_indicator_stands_in_the_documents_with_what_it_does_not_prove() {
    for document in ["INDICATORS.md", "INDICATORS.zh-CN.md"] {
        let text = fs::read_to_string(Path::new(ROOT).join("docs").join(document)).unwrap();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| **")).collect();
        assert_eq!(rows.len(), 38, "L1 to L5 and L3b, C1 to C6, O1 to O15, E1 to E7, X1, X2, A1, R15");
        assert!(
            rows.iter().all(|row| row.replace("\\|", "").split('|').filter(|it| !it.trim().is_empty()).count() == 8)
        );
        let formulas = &cloudward::indicator::formula::FORMULAS;
        for formula in formulas.iter().chain(&cloudward::indicator::formula::UPLOADS) {
            assert!(rows.iter().any(|row| row.starts_with(&format!("| **{}** |", formula.id))), "{}", formula.id);
            assert!(cloudward::report::catalogue::entry_of(formula.id).is_some(), "{}", formula.id);
        }
    }
}
