//! What `check` finds at meters that were not written here: a transformer ratio that is wrong, and a meter that counts as a machine.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::path::{Path, PathBuf};

use common::agent::{Ended, run_to_end};
use common::plc::{Plc, read_with_pymodbus};
use common::{free_port, temp_dir};

/// A hand-written meter: three voltages, three currents, the power in W, the power factor in thousandths.
fn workshop(dir: &Path, port: u16, more: &str) -> PathBuf {
    let tag = |name: &str, address: u16, keys: &str| {
        format!("    {{ name = \"{name}\", address = \"holding:{address}\", type = \"u16\", {keys} }},\n")
    };
    let volts: String = ["u_a", "u_b", "u_c"].iter().zip(10..).map(|(it, at)| tag(it, at, "unit = \"V\"")).collect();
    let amperes: String =
        ["i_a", "i_b", "i_c"].iter().zip(13..).map(|(it, at)| tag(it, at, "unit = \"A\", scale = 0.01")).collect();
    let power = tag("p", 16, "unit = \"W\", role = \"power.active\"");
    let factor = tag("pf", 17, "scale = 0.001");
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1:{port}\"\ntimeout = \"5s\"\n\
         [[device]]\nid = \"meter\"\nlink = \"l\"\n{more}tags = [\n{volts}{amperes}{power}{factor}]\n"
    );
    let file = dir.join("workshop.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn check(file: &Path, more: &[&str]) -> Ended {
    run_to_end(&[&["check", "--config", file.to_str().unwrap()], more].concat())
}

#[test]
fn a_meter_whose_ratio_is_wrong_by_forty_is_told_with_the_factor_and_a_right_one_is_left_in_peace() {
    let dir = temp_dir();
    let port = free_port();
    let _meter = Plc::pymodbus_still(dir.path(), &port.to_string());
    let show = |amperes: u16, watts: u16| {
        let values = format!("[230, 230, 230, {amperes}, {amperes}, {amperes}, {watts}, 850]");
        read_with_pymodbus(port, &format!("assert not c.write_registers(10, {values}, device_id=1).isError()"));
    };
    let by_hand = "production = false\n";
    let file = workshop(dir.path(), port, by_hand);
    // 50 A at 230 V and 0.85 are 29.3 kW. The ratio of 200/5 is missing in the power, or it is in it.
    show(5_000, 733);
    let missing = check(&file, &["--live"]);
    assert!(missing.code == Some(0) && missing.stderr.contains("CW974"), "{missing:?}");
    assert!(missing.stderr.contains("1/40.0 times") && missing.stderr.contains("29.3 kW"), "{missing:?}");
    show(5_000, 29_325);
    let right = check(&file, &["--live"]);
    assert!(right.stderr.is_empty() && right.stdout.contains("29.3 kW fit 230.0 V"), "{right:?}");
    // Once more in the file, for a meter that has it already.
    let file = workshop(dir.path(), port, &format!("{by_hand}ct_ratio = 40\n"));
    let twice = check(&file, &["--live", "--lang", "zh"]);
    assert!(twice.stderr.contains("CW974") && twice.stderr.contains("40.0 倍"), "{twice:?}");
    // For a meter that shows secondary values it is right.
    show(125, 733);
    let secondary = check(&file, &["--live"]);
    assert!(secondary.stderr.is_empty() && secondary.stdout.contains("fit"), "{secondary:?}");
    show(0, 0);
    let idle = check(&file, &["--live"]);
    assert!(idle.stderr.is_empty() && idle.stdout.contains("not compared"), "{idle:?}");
    // Without --live nobody is asked.
    let offline = check(&file, &[]);
    assert!(!offline.stdout.contains("live:"), "{offline:?}");
}

#[test]
fn a_meter_that_does_not_answer_is_named_and_the_exit_code_says_so() {
    let dir = temp_dir();
    let file = workshop(dir.path(), free_port(), "production = false\n");
    let ended = check(&file, &["--live"]);
    assert!(ended.code == Some(69) && ended.stdout.contains("valid:"), "{ended:?}");
    assert!(ended.stderr.contains("127.0.0.1"), "{ended:?}");
}

#[test]
fn a_meter_written_by_hand_is_asked_about_until_the_file_says_what_it_is() {
    let dir = temp_dir();
    for (more, is_asked) in [
        ("", true),
        ("production = false\n", false),
        ("production = true\n", false),
        ("run_kw = 2.0\n", false), // a machine whose state is told by its power
        ("key_process = true\n", false),
        ("in_use = false\n", false),
    ] {
        let ended = check(&workshop(dir.path(), 1, more), &[]);
        assert_eq!((ended.code, ended.stderr.contains("CW975")), (Some(0), is_asked), "{more}: {ended:?}");
    }
}
