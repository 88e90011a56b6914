//! docs/INSTALL.md as a new user follows it: its commands run in order, as they stand, on a bare Debian with its own systemd
//! (`common/gateway.rs`). The laptop of the text is played by the gateway itself, which has its address, too; the PLC is libmodbus at the
//! address of the text. What is not run are blocks marked as text: they need a second machine, or somebody who types.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use common::gateway::{Gateway, package};
use common::temp_dir;

const GUIDE: &str = include_str!("../docs/INSTALL.md");
const GUIDE_ZH: &str = include_str!("../docs/INSTALL.zh-CN.md");

/// The blocks of commands, in order.
fn commands(guide: &str) -> Vec<&str> {
    guide.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn both_languages_give_the_same_commands() {
    assert_eq!(commands(GUIDE), commands(GUIDE_ZH));
    let text = |guide: &'static str| guide.split("```").count();
    assert_eq!(text(GUIDE), text(GUIDE_ZH), "as many blocks");
    let rows = |guide: &'static str| guide.lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(rows(GUIDE), rows(GUIDE_ZH), "as many rows of tables");
}

#[test]
fn the_commands_of_the_guide_lead_from_the_package_to_the_first_sample() {
    let dir = temp_dir();
    let (deb, _) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("the guide", &[&deb]) else { return };
    let plc = gateway.neighbours(dir.path());
    let mut said = Vec::new();
    for block in commands(GUIDE) {
        // As hardened systems have it for root: what the service reads must be made readable by the commands themselves.
        let ended = gateway.run(&format!("set -e\numask 077\n{block}"));
        assert_eq!(ended.code, Some(0), "{block}\n{}{}\n{}", ended.stdout, ended.stderr, gateway.log());
        said.push((block, ended.stdout));
    }
    let of = |word: &str| said.iter().find(|(block, _)| block.contains(word)).map(|(_, said)| said.as_str()).unwrap();
    assert!(of("cloudward check").starts_with("valid: workshop"), "{}", of("cloudward check"));
    assert!(of("systemctl status").contains("Active: active (running)"), "{}", of("systemctl status"));
    let sample = of("mosquitto_sub");
    assert!(
        sample.starts_with("cloudward/factory/ws1/machine-01/data ") && sample.contains("\"values\":{\"speed\":"),
        "{sample}"
    );
    assert!(!plc.answered().is_empty());
    // The last step restarted it with the drop-in.
    assert_eq!(gateway.show("ActiveState"), "active");
    assert!(gateway.ok("systemctl show -P IPAddressAllow cloudward").contains("192.168.1.5/32"));
}

/// What the text promises in figures and codes is what the units say.
#[test]
fn codes_and_figures_of_the_guide_are_those_of_the_units() {
    let unit = include_str!("../deploy/cloudward.service");
    let given_up = unit.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus=")).unwrap();
    for guide in [GUIDE, GUIDE_ZH] {
        for code in given_up.split(' ') {
            assert!(guide.contains(code), "{code}");
        }
        assert!(guide.contains("15 s") || guide.contains("15 秒"));
        for word in
            guide.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.starts_with("CW") && word.len() == 5)
        {
            let explained = common::agent::run_to_end(&["explain", word]);
            assert_eq!(explained.code, Some(0), "{word} is no code");
        }
    }
    assert!(unit.contains("RestartSec=15s"));
}
