//! The units, and the drop-in that `cloudward unit` prints: how much they leave open, that systemd takes them, what is in them, and which
//! ends of the agent are tried again. What they do on a gateway is in `tests/gateway.rs`.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::agent::{Agent, BINARY, Ended, run_to_end};
use common::{free_port, program, temp_dir, wait_for};

const UNIT: &str = include_str!("../deploy/cloudward.service");
const TEMPLATE: &str = include_str!("../deploy/cloudward@.service");

fn unit(args: &[&str]) -> Ended {
    run_to_end(&[&["unit"], args].concat())
}

/// A workshop without names; `more` comes behind it.
fn workshop(dir: &Path, more: &str) -> PathBuf {
    let file = dir.join("workshop.toml");
    let text = include_str!("../deploy/workshop.example.toml");
    fs::write(&file, format!("{text}{more}")).unwrap();
    file
}

const SERIAL: &str = "[[link]]\nname = \"meters\"\nmodbus_rtu = \"/dev/ttyUSB0\"\n[[device]]\nid = \"meter\"\nlink = \"meters\"\n\
                      tags = [{ name = \"p\", address = \"40001\", type = \"u16\" }]\n";

#[test]
fn the_template_is_the_unit_with_an_instance_for_the_workshop() {
    let body = |text: &'static str| text[text.find("[Unit]").unwrap()..].to_owned();
    let with_instance = body(UNIT)
        .replace("edge agent\n", "edge agent, workshop %i\n")
        .replace("/etc/cloudward/workshop.toml", "/etc/cloudward/%i.toml")
        .replace("credentials/mqtt", "credentials/%i/mqtt")
        .replace("Directory=cloudward\n", "Directory=cloudward-%i\n")
        .replace("ConfigurationDirectory=cloudward-%i", "ConfigurationDirectory=cloudward")
        .replace("cloudward trust LINK", "cloudward trust --config /etc/cloudward/%i.toml LINK");
    assert_eq!(body(TEMPLATE), with_instance);
}

/// What `systemd-analyze security` makes of a unit with a drop-in, in tenths: 10 is 1.0.
fn exposure(unit: &str, name: &str, drop_in: &str) -> u32 {
    let dir = temp_dir();
    let file = dir.path().join(name);
    fs::write(&file, unit).unwrap();
    let beside = dir.path().join(format!("{name}.d"));
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("workshop.conf"), drop_in).unwrap();
    let mut command = Command::new(program("systemd-analyze"));
    let output = command
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&file)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let level = said.split(&format!("exposure level for {name}: ")).nth(1);
    let level = level.unwrap_or_else(|| panic!("no level in {said}")).split_whitespace().next().unwrap();
    level.replace('.', "").parse().unwrap()
}

#[test]
fn units_leave_little_open_and_the_drop_in_less() {
    let dir = temp_dir();
    let network = unit(&["--config", workshop(dir.path(), "").to_str().unwrap()]).stdout;
    let serial = unit(&["--config", workshop(dir.path(), SERIAL).to_str().unwrap()]).stdout;
    assert!(
        network.contains("IPAddressDeny=any") && serial.contains("DeviceAllow=char-ttyUSB rw"),
        "{network}{serial}"
    );
    let ports_alone =
        serial.split("IPAddressDeny").next().unwrap().to_owned() + &serial[serial.find("PrivateDevices").unwrap()..];
    for (text, name) in [(UNIT, "cloudward.service"), (TEMPLATE, "cloudward@press.service")] {
        for (what, drop_in, most) in [
            ("alone", "", 11),
            ("network", &network[..], 10),
            ("serial", &serial, 12),
            ("serial, no list", &ports_alone, 13),
        ] {
            let level = exposure(text, name, drop_in);
            assert!(level <= most, "{name}, {what}: {level} tenths, at most {most}");
        }
        // The measure sees what is taken away.
        assert!(exposure(&text.replace("NoNewPrivileges=yes\n", ""), name, &network) > 10);
    }
}

#[test]
fn systemd_takes_units_and_drop_ins_without_a_word() {
    let dir = temp_dir();
    let more = "user = \"g\"\npassword_credential = \"mqtt\"\n";
    let drop_in = unit(&["--config", workshop(dir.path(), &format!("{more}{SERIAL}")).to_str().unwrap()]).stdout;
    assert!(drop_in.contains("LoadCredential=mqtt:/etc/cloudward/credentials/mqtt"), "{drop_in}");
    for (text, name) in [(UNIT, "cloudward.service"), (TEMPLATE, "cloudward@press.service")] {
        let file = dir.path().join(name);
        fs::write(&file, text.replace("/usr/bin/cloudward", BINARY)).unwrap();
        let beside = dir.path().join(format!("{name}.d"));
        fs::create_dir(&beside).unwrap();
        let verify = |drop_in: &str| {
            fs::write(beside.join("workshop.conf"), drop_in).unwrap();
            let mut command = Command::new(program("systemd-analyze"));
            let output = command.args(["verify", "--man=no"]).arg(&file).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Units of the machine that tests may have faults of their own.
            said.lines()
                .filter(|line| line.contains(dir.path().to_str().unwrap()) || line.contains("cloudward"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(verify(&drop_in), "");
        assert_ne!(verify("[Service]\nIPAddressAllow=nobody\n"), "", "it would say so");
    }
}

#[test]
fn the_drop_in_names_everything_that_the_configuration_names_and_says_what_it_cannot_know() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config/workshop.toml");
    let printed = unit(&["--config", example, "--leave-names-out", "--allow", "203.0.113.0/24", "--instance", "press"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    for line in [
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "IPAddressAllow=192.168.1.10",
        "IPAddressAllow=192.168.1.20",
        "IPAddressAllow=203.0.113.0/24",
        "DeviceAllow=char-ttyS rw",
        "SupplementaryGroups=dialout",
        "LoadCredential=mqtt:/etc/cloudward/credentials/press/mqtt",
        "SetCredential=mqtt:\\n",
        "LoadCredential=imm-opc:/etc/cloudward/credentials/press/imm-opc",
    ] {
        assert!(printed.stdout.lines().any(|found| found == line), "{line} is not in\n{}", printed.stdout);
    }
    assert!(printed.stdout.contains("cloudward@press.service.d/workshop.conf"));
    assert!(printed.stdout.contains("除以下地址外一律不通"), "reasons in both languages");
    assert!(printed.stderr.contains("CW982") && printed.stderr.contains("broker.example.com"), "{}", printed.stderr);

    // A name that nobody knows: nothing is printed that would cut the sink off.
    let dir = temp_dir();
    let file = workshop(dir.path(), "");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("mqtt://192.168.1.5:1883", "mqtt://broker.invalid:1883")).unwrap();
    let printed = unit(&["--config", file.to_str().unwrap()]);
    assert!(printed.code == Some(69) && printed.stdout.is_empty() && printed.stderr.contains("CW980"), "{printed:?}");
    // One that is known: its address, and a word that it may move.
    fs::write(&file, text.replace("mqtt://192.168.1.5:1883", "mqtt://localhost:1883")).unwrap();
    let printed = unit(&["--config", file.to_str().unwrap()]);
    assert!(printed.stdout.contains("IPAddressAllow=127.0.0.1") && printed.stderr.contains("CW981"), "{printed:?}");

    // Units that dial in, a journal elsewhere, a secret that the service would not see.
    let dial_in =
        "[[link]]\nname = \"dtu\"\nmodbus_rtu_listen = \"0.0.0.0:5021\"\n[journal]\ndir = \"/data/cloud ward/../j\"\n";
    let secret = "user = \"g\"\npassword_file = \"/home/li/secret\"\n";
    let printed = unit(&["--config", workshop(dir.path(), &format!("{secret}{dial_in}")).to_str().unwrap()]);
    assert!(!printed.stdout.contains("IPAddressDeny") && printed.stderr.contains("CW983"), "{printed:?}");
    assert!(
        printed.stdout.contains("\nReadWritePaths=-/data/j\n")
            && printed.stdout.contains("\nRequiresMountsFor=/data/j\n")
    );
    assert!(printed.stderr.contains("CW986") && printed.stderr.contains("/home/li/secret"), "{}", printed.stderr);

    // Metrics for other machines, of which the configuration does not say which.
    let metrics = "[metrics]\nlisten = \"0.0.0.0:9464\"\nallow_remote = true\n";
    let file = workshop(dir.path(), metrics).display().to_string();
    assert!(unit(&["--config", &file]).stderr.contains("CW988"));
    assert_eq!(unit(&["--config", &file, "--allow", "192.168.1.9"]).stderr, "");

    for (args, code) in [(["--allow", "broker.example.com"], "CW984"), (["--instance", "a/b"], "CW985")] {
        let printed = unit(&[&["--config", example, "--lang", "zh"], &args[..]].concat());
        assert!(
            printed.code == Some(64) && printed.stderr.contains(code) && printed.stderr.contains("请"),
            "{printed:?}"
        );
    }
}

/// Whether systemd starts the agent again after this exit code, by the unit.
fn is_tried_again(code: i32) -> bool {
    assert!(UNIT.contains("\nRestart=on-failure\n"));
    let line = UNIT.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus=")).unwrap();
    code != 0 && !line.split(' ').any(|given_up| given_up == code.to_string())
}

/// Bad surroundings: the sentence, the exit code, and whether trying again can mend it.
#[test]
fn only_what_can_pass_by_itself_is_tried_again() {
    let dir = temp_dir();
    let dir = dir.path();
    let file = workshop(dir, "");
    let good = fs::read_to_string(&file).unwrap();
    let run = |text: &str, lang: &str, more: &[&str]| {
        fs::write(&file, text).unwrap();
        run_to_end(&[&["run", "--lang", lang, "--config", file.to_str().unwrap()], more].concat())
    };
    fs::write(dir.join("occupied"), "").unwrap();
    let state = |place: &str| format!("{good}[journal]\ndir = \"{place}\"\n");
    let mut first = {
        fs::write(dir.join("first.toml"), state("held")).unwrap();
        Agent::start(&dir.join("first.toml"), dir)
    };
    first.wait_log(0, &["cloudward runs"]);
    let broken = good.replace("every = \"1s\"", "every = \"often\"");
    /// What, the file, more options, a word of the sentence, the exit code, whether it is tried again.
    type Case<'a> = (&'a str, String, &'a [&'a str], &'a str, i32, bool);
    let cases: [Case<'_>; 5] = [
        ("a mistake", broken, &[], "CW1", 78, false),
        ("nothing in the file", String::new(), &[], "CW1", 78, false),
        ("a wrong option", good.clone(), &["--log", "loud=="], "CW512", 64, false),
        ("no directory for the journal", state("occupied/state"), &[], "CW302", 73, true),
        ("a second agent", state("held"), &[], "CW307", 73, true),
    ];
    for (what, text, more, word, code, again) in cases {
        for (lang, stop) in [("en", "; "), ("zh", "；")] {
            let ended = run(&text, lang, more);
            assert_eq!(ended.code, Some(code), "{what}: {ended:?}");
            assert!(ended.stderr.contains(word) && ended.stderr.contains(stop), "{what}, {lang}: {}", ended.stderr);
            assert_eq!(is_tried_again(code), again, "{what}");
        }
    }
    fs::remove_file(&file).unwrap();
    let ended = run_to_end(&["run", "--config", file.to_str().unwrap()]);
    assert!(ended.code == Some(78) && !is_tried_again(78), "{ended:?}");
    // What the agent does not say itself: systemd's own codes (systemd.exec(5)), a crash, a kill.
    for (code, again) in [
        (203, false),
        (217, false),
        (216, false),
        (243, false),
        (238, true),
        (226, true),
        (70, true),
        (101, true),
        (0, false),
    ] {
        assert_eq!(is_tried_again(code), again, "{code}");
    }
    first.sigterm();
    assert!(first.wait().success());
}

/// A missing secret and a wall clock in 1970 are no end: the agent collects, and says what is wrong.
#[test]
fn a_clock_in_1970_is_named_where_it_makes_a_certificate_look_wrong() {
    use common::broker::{Mosquitto, Setup};
    let dir = temp_dir();
    let dir = dir.path();
    let broker = Mosquitto::start_in(dir, Setup { tls: true, ..Setup::default() });
    let plc = common::plc::Plc::libmodbus(dir, free_port(), 1);
    let text = include_str!("../deploy/workshop.example.toml")
        .replace("192.168.1.10:502", &format!("127.0.0.1:{}", plc.port))
        .replace("mqtt://192.168.1.5:1883", &format!("mqtts://localhost:{}", broker.agent_port))
        .replace("allow_plaintext = true", &format!("ca_file = \"{}\"", broker.ca_file().display()));
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    let clock = common::wall::WallClock::new(dir);
    clock.set(60_000);
    let environment = clock.environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut agent = Agent::start_with(&file, dir, &environment);
    // rcgen's certificates are valid from 1975 on.
    agent.wait_log(0, &["is not valid yet"]);
    wait_for("collection to go on", || (plc.answered().len() > 3).then_some(()));
    clock.synchronize();
    agent.wait_log(0, &["is connected to localhost"]);
    agent.sigterm();
    assert!(agent.wait().success(), "{}", agent.log());
}
