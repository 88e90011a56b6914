//! `cloudward browse` and `cloudward read` at OPC UA servers that were not written here.
#![cfg(feature = "opcua")]
#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::agent::{BINARY, Ended, run_to_end, run_within};
use common::opcua::{Kind, Server, Talker};
use common::{free_port, prepared, signal, temp_dir, wait_for};

const BOTH: [Kind; 2] = [Kind::Asyncua, Kind::NodeOpcua];
const SPEED: &str = "nsu=urn:cloudward:test:machine;s=Machine.Speed";

/// `browse` of a server without security.
#[track_caller]
fn browse(endpoint: &str, more: &[&str]) -> Ended {
    let ended = run_within(&[&["browse", endpoint, "--security", "none"], more].concat(), Duration::from_secs(120));
    assert!(!ended.stdout.contains(|c: char| c.is_control() && c != '\n'), "{ended:?}");
    ended
}

#[track_caller]
fn line<'a>(ended: &'a Ended, with: &str) -> &'a str {
    ended.stdout.lines().find(|line| line.contains(with)).unwrap_or_else(|| panic!("no {with} in {ended:#?}"))
}

/// Waits until nobody has a session, and asks how many requests of a service came.
#[track_caller]
fn requests(server: &mut Server, service: &str) -> u64 {
    wait_for("all sessions to be closed", || (server.stats()["sessions"] == 0).then_some(()));
    server.count("requests", service)
}

/// `tests/foreign/asyncua_moulding.py`.
struct Moulding {
    endpoint: String,
    _talker: Talker,
    dir: tempfile::TempDir,
}

impl Moulding {
    fn start() -> Moulding {
        let (dir, port) = (temp_dir(), free_port());
        let mut command = Command::new(prepared("venv/bin/python"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/asyncua_moulding.py");
        command.arg(script).arg(port.to_string());
        let talker = Talker::start(command, &dir.path().join("server.log"));
        Moulding { endpoint: format!("opc.tcp://127.0.0.1:{port}"), _talker: talker, dir }
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

const WORKSHOP: &str = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n";

fn written(dir: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = dir.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_tree_shows_names_types_values_units_and_addresses() {
    for kind in BOTH {
        let mut server = Server::start(kind, &["--paused", "--namespaces-before", "3"]);
        let ended = browse(&server.endpoint(), &[]);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        for (name, words) in [
            ("Machine  ", vec!["nsu=urn:cloudward:test:machine;s=Machine"]),
            ("Speed", vec!["Double", "0", SPEED]),
            ("Count", vec!["UInt32", "s=Machine.Count"]),
            ("State", vec!["ServerState", "Running", "s=Machine.State"]), // by the names of its data type
            ("Running  ", vec!["Boolean", "s=Machine.Running"]),
            ("Order", vec!["String"]),
            ("Temps", vec!["Double[4]", ",2"]),
            ("Limits", vec!["Range", "\"High\":150"]),
            ("Analog", vec!["Double", "°C (0..100)"]),
        ] {
            let line = line(&ended, name);
            words.iter().for_each(|word| assert!(line.contains(word), "{kind:?}: {word} is not in {line}"));
        }
        // What only says something of a value is no value, and the server itself is not the machine.
        assert!(!ended.stdout.contains("EURange") && !ended.stdout.contains("ServerStatus"), "{ended:#?}");
        assert!(requests(&mut server, "Browse") > 0);
        let with_server = browse(&server.endpoint(), &["--server", "currenttime"]);
        assert!(line(&with_server, "CurrentTime").contains("UtcTime"), "{with_server:#?}");
    }
}

#[test]
fn patterns_and_types_pick_in_either_language() {
    let server = Server::start(Kind::Asyncua, &["--paused"]);
    let flat = browse(&server.endpoint(), &["machine/*e*d", "--flat", "--lang", "zh"]);
    assert_eq!(
        flat.stdout.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["Machine/Speed", "Machine/Fixed"]
    );
    assert!(flat.stderr.contains("只读不写"), "{flat:#?}");
    let ints = browse(&server.endpoint(), &["--type", "int", "--flat"]);
    assert_eq!(ints.stdout.lines().count(), 2, "{ints:#?}");
    let nothing = browse(&server.endpoint(), &["nothing-like-that"]);
    assert!(nothing.code == Some(69) && nothing.stderr.contains("CW634") && nothing.stdout.is_empty(), "{nothing:#?}");
    let below = browse(&server.endpoint(), &["--from", SPEED]);
    assert_eq!(below.stdout.lines().count(), 1, "{below:#?}");
}

#[test]
fn a_server_that_hides_its_limits_is_asked_for_less() {
    for kind in BOTH {
        let mut server = Server::start(kind, &["--paused", "--load", "40", "--limit", "7", "--hide-limits"]);
        let ended = browse(&server.endpoint(), &["--flat"]);
        assert!(server.count("faults", "BadTooManyOperations") > 0, "{kind:?}: the limit was never met");
        assert_eq!((ended.code, ended.stdout.matches("Load/").count()), (Some(0), 40), "{kind:?} {ended:#?}");
        assert!(line(&ended, "Machine/Analog").contains("°C"), "{ended:#?}");
    }
}

#[test]
fn a_long_folder_is_turned_over_page_by_page() {
    let mut server = Server::start(Kind::NodeOpcua, &["--paused", "--load", "1600"]);
    let ended = browse(&server.endpoint(), &["load/*", "--flat"]);
    assert_eq!(ended.stdout.lines().count(), 1_600, "{}", ended.stderr);
    assert!(requests(&mut server, "BrowseNext") >= 3);
    // Enough is enough: the bookmark is given back, and the next walk finds a server that has them all.
    for _ in 0..5 {
        let few = browse(&server.endpoint(), &["--flat", "--max-nodes", "20"]);
        assert!(few.code == Some(0) && few.stderr.contains("CW635"), "{few:#?}");
        assert!(few.stdout.lines().count() <= 20, "{few:#?}");
    }
}

#[test]
fn each_node_is_met_once_and_deep_ones_are_told() {
    let moulding = Moulding::start();
    let ended = browse(&moulding.endpoint, &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    for name in ["Ring1", "Ring2"] {
        assert_eq!(ended.stdout.matches(&format!(" {name} ")).count(), 1, "{ended:#?}");
    }
    assert!(!ended.stdout.contains("Deep.End") && ended.stderr.contains("CW637"), "{ended:#?}");
    let deeper = browse(&moulding.endpoint, &["--depth", "20", "end"]);
    assert!(line(&deeper, "End").contains("Int32") && !deeper.stderr.contains("CW637"), "{deeper:#?}");
}

#[test]
fn what_a_server_says_does_not_steer_the_terminal() {
    let moulding = Moulding::start();
    let ended = browse(&moulding.endpoint, &["nasty"]);
    assert!(line(&ended, "Nasty?[2J").contains("s=Nasty"), "{ended:#?}");
    assert!(line(&ended, " Text ").contains("a?]0;b????c?"), "{ended:#?}");
    assert!(line(&ended, "Hidden").contains("not readable"), "{ended:#?}");
}

#[test]
fn an_array_too_large_to_be_taken_costs_nobody_else_his_value() {
    let moulding = Moulding::start();
    let ended = browse(&moulding.endpoint, &["nasty"]);
    assert!(line(&ended, " Big ").contains("Bad"), "{ended:#?}");
    assert!(line(&ended, " After ").contains("true"), "{ended:#?}");
    // A tag of it would break the connection of the agent again and again.
    let file = moulding.file("nasty.toml");
    browse(&moulding.endpoint, &["nasty", "--output", &file]);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("Nasty.After") && !text.contains("Nasty.Big"), "{text}");
}

#[test]
fn a_moulding_machine_is_written_with_its_roles_and_the_file_is_valid() {
    let moulding = Moulding::start();
    let file = moulding.file("machine.toml");
    let ended = browse(&moulding.endpoint, &["--output", &file, "--device", "imm-07"]);
    assert!(ended.code == Some(0) && ended.stderr.contains("CW638") && ended.stdout.is_empty(), "{ended:#?}");
    let text = fs::read_to_string(&file).unwrap();
    for (tag, words) in [
        ("MachineMode\"", vec!["type = \"int\"", "1 = \"AUTOMATIC\"", "# role: state.mode"]),
        ("JobCycleCounter", vec!["512", "# role: count.cycle"]),
        ("JobGoodPartsCounter", vec!["# role: count.good"]),
        ("\"ActiveJob_ExpectedCycleTime", vec!["unit = \"ms\"", "# 23500 ms", "# role: cycle.expected"]),
        (
            "\"BarrelTemperatureZone_2_ActualTemperature",
            vec!["unit = \"°C\"", "# 221.5 °C", "# role: temperature.actual"],
        ),
        ("PowerConsumption", vec!["# role: energy.active"]),
        ("MachineryItemState_CurrentState", vec!["type = \"text\"", "# role: state.run"]),
        ("MachineryOperationMode_CurrentState", vec!["# role: state.mode"]),
        ("PowerOnDuration", vec!["# role: time.on"]),
    ] {
        let line = text.lines().find(|line| line.contains(tag)).unwrap_or_else(|| panic!("no {tag} in\n{text}"));
        words.iter().for_each(|word| assert!(line.contains(word), "{word} is not in {line}"));
    }
    let prepared = text.lines().find(|line| line.contains("JobInPreparation_ExpectedCycleTime")).unwrap();
    assert!(!prepared.contains("role") && !text.contains("Hidden"), "{text}");
    let workshop = written(moulding.dir.path(), "w.toml", &format!("{WORKSHOP}{text}"));
    let check = run_to_end(&["check", "--config", &workshop]);
    assert_eq!(check.code, Some(0), "{check:#?}\n{text}");

    let again = browse(&moulding.endpoint, &["--output", &file]);
    assert!(again.code == Some(73) && again.stderr.contains("exists already"), "{again:#?}");
    let forced = browse(&moulding.endpoint, &["--output", &file, "--force", "activejobvalues"]);
    assert!(forced.code == Some(0) && fs::read_to_string(&file).unwrap().lines().count() < 20, "{forced:#?}");
}

#[test]
fn the_table_of_a_server_is_a_tags_file() {
    let moulding = Moulding::start();
    let table = moulding.file("tags.csv");
    let ended = browse(&moulding.endpoint, &["--output", &table]);
    assert!(ended.code == Some(0) && ended.stderr.contains("CW629"), "{ended:#?}");
    assert!(fs::read(&table).unwrap().starts_with(b"\xef\xbb\xbfname,address"));
    let device = "[[device]]\nid = \"imm\"\nlink = \"imm\"\ntags_file = \"tags.csv\"\n";
    let link = format!("[[link]]\nname = \"imm\"\nopcua = \"{}\"\nsecurity = \"none\"\n", moulding.endpoint);
    let workshop = written(moulding.dir.path(), "w.toml", &format!("{WORKSHOP}{link}{device}"));
    let check = run_to_end(&["check", "--config", &workshop]);
    assert_eq!(check.code, Some(0), "{check:#?}");
    // The link of a file is known by its name, and its device too.
    let of_link = run_to_end(&["browse", "imm", "jobgood", "--config", &workshop]);
    assert!(line(&of_link, "JobGoodPartsCounter").contains("count.good"), "{of_link:#?}");
}

#[test]
fn ctrl_c_gives_what_was_found_so_far() {
    let mut server = Server::start(Kind::Asyncua, &["--paused", "--load", "1500", "--limit", "5"]);
    let mut child = Command::new(BINARY)
        .args(["browse", &server.endpoint(), "--security", "none", "--flat", "--lang", "en"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("values to be read", || (server.count("requests", "Read") >= 10).then_some(()));
    assert!(child.try_wait().unwrap().is_none(), "it was through before it could be stopped");
    signal(child.id(), "INT");
    let ended = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert!(ended.status.success() && err.contains("CW628"), "{err}");
    assert!(out.lines().any(|line| line.contains("UInt32")), "{err}");
    requests(&mut server, "CloseSession");
}

#[test]
fn the_time_is_kept() {
    let server = Server::start(Kind::Asyncua, &["--paused", "--load", "3000", "--limit", "2"]);
    let ended = browse(&server.endpoint(), &["--flat", "--max-time", "1s"]);
    assert!(ended.code == Some(0) && ended.stderr.contains("CW636"), "{}", ended.stderr);
}

#[test]
fn a_secured_server_is_browsed_once_somebody_has_pinned_it() {
    let server = Server::start(Kind::Asyncua, &["--paused", "--accept-all"]);
    let dir = temp_dir();
    let link = format!("[[link]]\nname = \"imm\"\nopcua = \"{}\"\n", server.endpoint());
    let workshop = written(dir.path(), "w.toml", &format!("{WORKSHOP}{link}"));
    let refused = run_to_end(&["browse", "imm", "--config", &workshop]);
    assert!(refused.code == Some(69) && refused.stderr.contains("CW249"), "{refused:#?}");
    let (_, fingerprint) = refused.stderr.split_once("SHA-256 ").unwrap();
    let fingerprint = fingerprint.split(')').next().unwrap();
    let trusted = run_to_end(&["trust", "imm", "--config", &workshop, "--fingerprint", fingerprint]);
    assert_eq!(trusted.code, Some(0), "{trusted:#?}");
    let ended = run_to_end(&["browse", "imm", "speed", "--config", &workshop]);
    assert!(ended.code == Some(0), "{ended:#?}");
    assert!(line(&ended, "Speed").contains(SPEED), "{ended:#?}");
}

#[test]
fn read_shows_value_type_status_and_times() {
    // One node at a time: even what is asked when a session is made must be within that.
    let mut server = Server::start(Kind::Asyncua, &["--paused", "--limit", "1"]);
    let endpoint = server.endpoint();
    let read = |more: &[&str]| run_to_end(&[&["read", &endpoint], more, &["--security", "none"]].concat());
    server.tell("set Machine.Speed Double 12.5 Good @1767225600120");
    let ended = read(&[SPEED]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    for word in ["12.5", "Double", "Good", "source 2026-01-01T00:00:00.120Z", "server "] {
        assert!(ended.stdout.contains(word), "{word}: {ended:#?}");
    }
    server.tell("set Machine.Speed Double 12.5 UncertainLastUsableValue");
    let uncertain = read(&["ns=2;s=Machine.Speed", "float"]);
    assert!(uncertain.code == Some(0) && uncertain.stdout.contains("UncertainLastUsableValue"), "{uncertain:#?}");
    let array = read(&["ns=2;s=Machine.Temps"]);
    assert!(array.code == Some(0) && array.stdout.contains("Double[4]"), "{array:#?}");
    let other = read(&["ns=2;s=Machine.Order", "int", "--lang", "zh"]);
    assert!(
        other.code == Some(69) && other.stderr.contains("CW639") && other.stderr.contains("wrong_type"),
        "{other:#?}"
    );
    let nobody = read(&["ns=2;s=Machine.Spede"]);
    assert!(nobody.code == Some(69) && nobody.stderr.contains("BadNodeIdUnknown"), "{nobody:#?}");
    let twice = read(&[SPEED, "--every", "50ms", "--times", "2"]);
    assert_eq!(twice.stdout.lines().count(), 2, "{twice:#?}");
    assert!(requests(&mut server, "CreateSession") >= 6);
}

#[test]
fn mistakes_of_the_command_line_say_what_to_write() {
    for (arguments, code, word) in [
        (&["browse", "opc.tcp://127.0.0.1:1"][..], 64, "CW630"),
        (&["browse", "imm", "--security", "none"], 64, "CW631"),
        (&["browse", "opc.tcp://h", "--security", "none", "--from", "40001"], 64, "CW633"),
        (&["browse", "opc.tcp://h", "--security", "none", "--type", "word"], 64, "float, int, bool, text, json"),
        (&["browse", "opc.tcp://h", "--security", "none", "--output", "x.txt"], 64, "CSV"),
        (&["browse", "opc.tcp://127.0.0.1:1", "--security", "none"], 69, "CW241"),
        (&["read", "opc.tcp://127.0.0.1:1", "40001", "--security", "none"], 64, "CW633"),
    ] {
        let ended = run_to_end(arguments);
        assert!(ended.code == Some(code) && ended.stderr.contains(word), "{arguments:?}: {ended:#?}");
    }
}
