//! The commands as a person uses them: demo, sim, check, explain, help.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::process::Command;

use common::agent::{BINARY, run_to_end};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/workshop.toml");

#[test]
fn check_shows_the_plan_in_both_languages() {
    for (lang, words) in [
        (
            "en",
            ["6.4 requests/s", "holding:0 = 40001", "u32 CDAB", "hours fits", "in the ledger, not connected: press-07"],
        ),
        ("zh", ["每秒请求 6.4 次", "holding:0 = 40001", "u32 CDAB", "断网可支撑约", "已列入台账、尚未联网：press-07"]),
    ] {
        let ended = run_to_end(&["check", "--config", EXAMPLE, "--lang", lang]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for word in words {
            assert!(ended.stdout.contains(word), "{word} is not in\n{}", ended.stdout);
        }
    }
}

#[test]
fn egress_shows_what_leaves_and_what_stays_in_both_languages() {
    for (lang, words) in [
        (
            "en",
            [
                "sink cloud: to broker.example.com:8883, encrypted (TLS)",
                "imm-01.temp  °C  float  production/state  general  read every 1s, sent when changed by more than 0.5, at least every 1m",
                "imm-01.holding  bar  int  production/parameter  important  sent every 1s",
                "LEAVES: events: starts, links",
                "messages an hour",
                "STAYS: ",
            ],
        ),
        (
            "zh",
            [
                "去向 cloud：送往 broker.example.com:8883，加密（TLS）",
                "imm-01.temp  °C  float  生产/工况状态  一般  每 1s 采一次，变化超过 0.5 才送，最长 1m 送一次",
                "imm-01.holding  bar  int  生产/工艺参数  重要  每 1s 送一次",
                "外送：事件，即程序启动、链路通断",
                "每小时最多",
                "不外送：",
            ],
        ),
    ] {
        let ended = run_to_end(&["egress", "--config", EXAMPLE, "--lang", lang]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for word in words {
            assert!(ended.stdout.contains(word), "{word} is not in\n{}", ended.stdout);
        }
        assert!(!ended.stdout.contains("imm-07"), "what stays is counted, not listed:\n{}", ended.stdout);
        let all = run_to_end(&["egress", "--config", EXAMPLE, "--lang", lang, "--all"]);
        assert!(all.stdout.contains("imm-07.cycle"), "{}", all.stdout);
    }
    let check = run_to_end(&["check", "--config", EXAMPLE]);
    assert!(check.stdout.contains("WARNING: important or core data leave: imm-01.holding"), "{}", check.stdout);
}

#[test]
fn egress_says_what_it_has_not() {
    let dir = common::temp_dir();
    let path = dir.path().join("w.toml");
    let text = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n";
    std::fs::write(&path, text).unwrap();
    let ask = |arguments: &[&str]| run_to_end(&[&["egress", "--config", path.to_str().unwrap()], arguments].concat());
    for (arguments, code, word) in [
        (&["--log"][..], 65, "CW764"),
        (&["--totals"], 65, "CW764"),
        (&["--hash", path.to_str().unwrap()], 65, "CW764"),
        (&["--hash", "/nowhere"], 69, "CW768"),
        (&["--log", "--day", "yesterday"], 64, "CW766"),
        (&["--sink", "cloud"], 64, "CW765"),
        (&["--log", "--totals"], 64, "cannot be used with"),
    ] {
        let ended = ask(arguments);
        assert!(ended.code == Some(code) && ended.stderr.contains(word), "{arguments:?}: {ended:?}");
    }
    assert!(ask(&[]).stdout.contains("nothing leaves"));
}

#[test]
fn what_stands_in_a_file_does_not_steer_the_terminal() {
    let dir = common::temp_dir();
    let path = dir.path().join("w.toml");
    let text = std::fs::read_to_string(EXAMPLE).unwrap().replacen("unit = \"°C\"", "unit = \"\\u001B[2J\"", 1);
    std::fs::write(&path, text).unwrap();
    std::fs::create_dir(dir.path().join("profiles")).unwrap();
    let ended = run_to_end(&["check", "--config", path.to_str().unwrap()]);
    assert!(ended.stdout.contains("?[2J") && !ended.stdout.contains('\u{1b}'), "{ended:?}");
}

#[test]
fn explain_knows_every_code_that_it_lists() {
    let all = run_to_end(&["explain", "--lang", "zh"]);
    let codes: Vec<&str> = all.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(codes.len() > 80, "{codes:?}");
    for code in [codes[0], codes[codes.len() / 2], codes[codes.len() - 1]] {
        let one = run_to_end(&["explain", code, "--lang", "zh"]);
        assert!(one.code == Some(0) && one.stdout.contains("处理："), "{one:?}");
    }
    let unknown = run_to_end(&["explain", "CW000"]);
    assert!(unknown.code == Some(64) && unknown.stderr.contains("CW513"), "{unknown:?}");
}

#[test]
fn the_language_follows_the_locale_unless_it_is_named() {
    let say = |locale: &str, arguments: &[&str]| {
        let output =
            Command::new(BINARY).args(["explain", "204"]).args(arguments).env("LC_ALL", locale).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(say("zh_CN.UTF-8", &[]).contains("原因"));
    assert!(say("en_US.UTF-8", &[]).contains("Cause"));
    assert!(say("zh_CN.UTF-8", &["--lang=en"]).contains("Cause"));
    assert!(say("C", &["--lang", "zh"]).contains("原因"));
}

#[test]
fn a_closed_pipe_is_no_trouble() {
    let script = format!("'{BINARY}' explain | head -n 1; exit ${{PIPESTATUS[0]}}");
    let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// What is not in the smallest gateway build.
#[cfg(feature = "demo")]
mod demo {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use cloudward::config::{Config, Transport};

    use super::*;

    /// The figure behind a label in the demo's account.
    #[track_caller]
    fn figure(account: &str, label: &str) -> f64 {
        let line =
            account.lines().find(|line| line.contains(label)).unwrap_or_else(|| panic!("no {label} in:\n{account}"));
        let number: String = line.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
        number.parse().unwrap()
    }

    #[test]
    fn the_demo_survives_an_outage_and_proves_it_sample_by_sample() {
        let ended = run_to_end(&["demo", "--seconds", "9", "--outage"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let account = &ended.stdout;
        assert!(figure(account, "samples in the journal at most") > 0.0, "the outage was exercised:\n{account}");
        assert!(figure(account, "the broker was away for") > 1.0, "{account}");
        let handed_out = figure(account, "scans the machines handed out");
        assert!(handed_out > 20.0, "{account}");
        assert_eq!(figure(account, "scans that arrived"), handed_out, "{account}");
        if cfg!(feature = "opcua") {
            let told = figure(account, "changes the OPC UA machine told");
            assert!(told > 10.0, "{account}");
            assert_eq!(figure(account, "changes that arrived"), told, "{account}");
        }
        assert_eq!(figure(account, "scans and changes lost"), 0.0, "{account}");
        assert_eq!(ended.stderr, "");
    }

    #[test]
    fn the_demo_speaks_chinese() {
        let ended = run_to_end(&["--lang", "zh", "demo", "--seconds", "5"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("数据没有丢失"), "{}", ended.stdout);
    }

    #[test]
    fn sim_serves_machines_and_prints_what_reads_them() {
        let mut sim = Command::new(BINARY).args(["sim", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(sim.stdout.take().unwrap()).lines();
        let mut text = String::from("[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n");
        while text.matches("]\n").count() < 8 {
            text.push_str(&lines.next().unwrap().unwrap());
            text.push('\n');
        }
        let config = Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{text}"));
        assert_eq!((config.links.len(), config.devices.len()), (1, 3), "one port, told apart by unit id");
        let Transport::ModbusTcp { port, .. } = config.links[0].transport else { panic!("{:?}", config.links[0]) };
        let second = run_to_end(&["sim", "--port", &port.to_string()]);
        common::signal(sim.id(), "TERM");
        assert!(sim.wait().unwrap().success());
        assert_eq!(second.code, Some(73), "{second:?}");
        assert!(second.stderr.contains("another program listens there"), "{}", second.stderr);
    }
}
