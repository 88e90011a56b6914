//! The OPC UA source against servers that were not written here (asyncua, node-opcua): every way of connecting, and every fault of
//! which clients are known to die silently. Each test proves first that its fault really happened.
//!
//! What users of other clients met in the field, and the tests that hold it here:
//!
//! | they met | tests |
//! |---|---|
//! | session up, no data until restart | `session_up_no_data_until_restart`, `sessions_that_the_server_closes_are_made_anew`, `a_line_that_freezes_is_noticed` |
//! | recreate fails for good since one node vanished | `recreate_does_not_fail_since_one_node_vanished`, `a_node_that_vanishes_...` |
//! | large tag sets: message too large, or a server's limits | `large_tag_sets_and_limits_that_a_server_hides`, `..._that_a_server_tells` |
//! | sessions pile up until BadTooManySessions | `sessions_do_not_pile_up`, `a_stop_leaves_no_session_behind`, `a_wrong_password_...` |
//! | a new certificate at every start; a bare EOF instead of a reason | `our_certificate_is_made_once_...`, `a_bare_eof_is_told_with_its_reason` |
//! | trusting a server's certificate | `another_certificate_is_refused_until_a_person_has_confirmed_it`, tests/opcua_trust.rs |
//! | namespace indexes move after a reboot | `namespace_indexes_that_moved_are_found_again` |
//! | old source times repeated, or lost times | `values_of_every_kind_arrive_with_their_times`, `status_codes_are_kept_and_the_last_known_value_is_marked` |
//! | SHA-1 policies | `sha_1_policies_are_refused` |

#![allow(clippy::unwrap_used)] // a test that fails says where

#[path = "opcua/bench.rs"]
mod bench;
mod common;

use std::time::Duration;

use bench::{Bench, Way, gaps, tag};
use common::opcua::Kind;
use common::{signal, wait_for};

const BOTH: [Kind; 2] = [Kind::Asyncua, Kind::NodeOpcua];

/// What the issue asks for: data flow again within this time. Noise of a busy test machine comes on top.
const WITHIN: Duration = Duration::from_secs(10);
const NOISE: Duration = Duration::from_secs(20);

/// Tags of the machine: what changes ten times a second, with a queue that holds what a publishing interval brings, and more.
fn machine() -> String {
    let fast = "every = \"500ms\", sampling = \"50ms\", queue = 600";
    tag("count", "Machine.Count", &format!("type = \"int\", {fast}"))
        + &tag("speed", "Machine.Speed", &format!("unit = \"1/min\", {fast}"))
        + &tag("order", "Machine.Order", "type = \"text\"")
        + &tag("running", "Machine.Running", "type = \"bool\"")
        + &tag("temps", "Machine.Temps", "type = \"json\"")
        + &tag("limits", "Machine.Limits", "type = \"json\"")
        + &tag("fixed", "Machine.Fixed", "max_silence = \"5s\"")
}

fn secured(kind: Kind, options: &[&str]) -> Bench {
    let way = if std::env::var("PLAIN").is_ok() { Way::plain() } else { Way::secured() };
    Bench::new(kind, options, way, "", &machine())
}

#[track_caller]
fn is_soon(time: Duration, what: &str) {
    eprintln!("{what}: data again after {:.1} s", time.as_secs_f64());
    assert!(time < WITHIN + NOISE, "{what}: {time:?}");
}

#[test]
fn values_of_every_kind_arrive_with_their_times() {
    for kind in BOTH {
        let bench = secured(kind, &[]).start();
        wait_for("all tags", || {
            ["count", "speed", "order", "running", "temps", "limits", "fixed"]
                .iter()
                .all(|tag| !bench.values(tag).is_empty())
                .then_some(())
        });
        let samples = bench.samples();
        let of = |tag: &str| bench.values(tag)[0].clone();
        assert!(of("order").as_str().unwrap().chars().any(|c| c > '\u{4e00}'), "{kind:?} {}", of("order"));
        assert!(of("running").is_boolean() && of("count").is_u64(), "{kind:?}");
        assert_eq!(of("temps").as_array().map(Vec::len), Some(4), "{kind:?} {}", of("temps"));
        assert_eq!(of("fixed"), serde_json::json!(42.5), "{kind:?}");
        let limits = of("limits");
        assert!(limits["Low"] == 0.0 && limits["High"] == 150.0, "{kind:?} {limits}");
        let now = common::now_ms();
        let is_recent =
            |time: &serde_json::Value| time.as_i64().is_some_and(|ms| (now - 600_000..=now + 60_000).contains(&ms));
        let of_count = samples.iter().find(|sample| sample["values"].get("count").is_some()).unwrap();
        let source = &of_count["source_ts"];
        assert!(is_recent(source) || is_recent(&source["count"]), "{kind:?} {of_count}");
    }
}

#[test]
fn every_policy_mode_and_user_connects() {
    for kind in BOTH {
        let user = |name: &str| match name {
            "anonymous" => String::new(),
            "password" => Way::secured().user,
            _ => "user_cert_file = \"user.der\"\nuser_key_file = \"user.pem\"\n".to_owned(),
        };
        for policy in ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] {
            for (security, name) in
                [("sign_and_encrypt", "password"), ("sign", "anonymous"), ("sign_and_encrypt", "certificate")]
            {
                let way = Way { security, policy: Some(policy), user: user(name) };
                let bench = Bench::new(kind, &[], way, "", &tag("count", "Machine.Count", "type = \"int\""));
                make_user(&bench);
                eprintln!("{kind:?} {policy} {security} {name}");
                let bench = bench.start();
                assert!(!bench.numbers("count").is_empty());
            }
        }
    }
}

/// A certificate and key of a user, which the server lets in.
fn make_user(bench: &Bench) {
    let dir = bench.dir.path();
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=gateway",
            "-outform",
            "DER",
        ])
        .args(["-keyout", "user.pem", "-out", "user.der"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    bench.server.trust_user(&std::fs::read(dir.join("user.der")).unwrap());
}

#[test]
fn session_up_no_data_until_restart() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        let sessions = bench.server.stats()["sessions"].as_u64();
        bench.server.tell("delete_subscriptions");
        assert_eq!(bench.server.stats()["subscriptions"], 0, "{kind:?}: the fault is there");
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, subscription deleted in silence"));
        assert!(bench.steps("recreate") >= 1, "{}", bench.log());
        assert_eq!(bench.server.stats()["sessions"].as_u64(), sessions, "the session stayed");
    }
}

#[test]
fn a_subscription_whose_end_is_told_is_made_anew_at_once() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        bench.server.tell("delete_subscriptions tell");
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, subscription deleted and told"));
    }
}

#[test]
fn a_node_that_vanishes_reads_bad_harms_no_other_and_comes_back() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        wait_for("a steady count", || (bench.numbers("count").len() > 20).then_some(()));
        bench.server.tell("remove Machine.Count");
        let speeds = bench.values("speed").len();
        wait_for(&format!("{kind:?}: the node is told to be gone; {}", bench.log()), || {
            bench.bad("count").contains(&"node_unknown".to_owned()).then_some(())
        });
        wait_for("the others go on", || (bench.values("speed").len() > speeds + 10).then_some(()));
        wait_for("the node is named", || {
            bench.log().lines().any(|line| line.contains("CW264") && line.contains("m.count")).then_some(())
        });
        bench.server.tell("add Machine.Count");
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, node back"));
    }
}

#[test]
fn a_node_that_is_replaced_behind_the_servers_back_is_found_out() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        wait_for("a steady count", || (bench.numbers("count").len() > 50).then_some(()));
        bench.server.tell("remove Machine.Count");
        bench.server.tell("add Machine.Count");
        let known = bench.numbers("count").len();
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, node replaced"));
        wait_for("more of it", || (bench.numbers("count").len() > known + 20).then_some(()));
    }
}

#[test]
fn a_server_that_is_killed_and_started_again_is_found_again() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        bench.server.kill();
        wait_for("the loss is told", || bench.log().contains("CW241").then_some(()));
        bench.server.restart(&[]);
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, server killed and restarted"));
    }
}

#[test]
fn a_cut_line_costs_no_value_that_the_server_kept() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).with_gate().start();
        wait_for("a steady count", || (bench.numbers("count").len() > 20).then_some(()));
        bench.gate.as_mut().unwrap().close();
        let before = bench.numbers("count").last().copied().unwrap();
        std::thread::sleep(Duration::from_secs(8));
        bench.gate.as_mut().unwrap().open();
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, line cut for 8 s"));
        wait_for("the count goes on", || (bench.numbers("count").last() > Some(&(before + 120.0))).then_some(()));
        let of_the_cut: Vec<f64> = bench.numbers("count").into_iter().filter(|count| *count >= before).collect();
        let missing = gaps(&of_the_cut);
        eprintln!("{kind:?}: {} of {} values missing", missing.len(), of_the_cut.len());
        // asyncua may forget what it could not send when the socket goes. node-opcua keeps it, 80 values in 8 s, and they must
        // arrive; on a busy machine its sampling skips one now and then, cut or not.
        assert!(missing.len() <= 3 || kind == Kind::Asyncua, "{kind:?}: {missing:?} of {before}...\n{}", bench.log());
    }
}

#[test]
fn a_line_that_freezes_is_noticed() {
    for kind in BOTH {
        let bench = secured(kind, &[]).with_gate().start();
        wait_for("a steady count", || (bench.numbers("count").len() > 20).then_some(()));
        bench.gate.as_ref().unwrap().freeze();
        let frozen = bench.log().len();
        wait_for("the silence is noticed", || {
            bench.log()[frozen..].lines().any(|line| line.contains("CW266") || line.contains("CW24")).then_some(())
        });
        bench.gate.as_ref().unwrap().thaw();
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, line frozen"));
    }
}

#[test]
fn sessions_that_the_server_closes_are_made_anew() {
    for kind in BOTH {
        for how in ["close_sessions", "close_sessions keep"] {
            let mut bench = secured(kind, &[]).start();
            wait_for("a steady count", || (bench.numbers("count").len() > 20).then_some(()));
            bench.server.tell(how);
            is_soon(bench.time_to_data("count"), &format!("{kind:?}, {how}"));
            let known = bench.numbers("count").len();
            wait_for("it flows on", || (bench.numbers("count").len() > known + 50).then_some(()));
        }
    }
}

#[test]
fn namespace_indexes_that_moved_are_found_again() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        bench.server.restart(&["--namespaces-before", "3"]);
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, namespace moved"));
        assert!(bench.bad("count").iter().all(|why| why != "node_unknown"), "{:?}", bench.bad("count"));
    }
}

#[test]
fn another_certificate_is_refused_until_a_person_has_confirmed_it() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        bench.server.restart(&["--certificate", "other"]);
        wait_for("the refusal", || bench.log().contains("CW250").then_some(()));
        let known = bench.values("count").len();
        std::thread::sleep(Duration::from_secs(5));
        assert_eq!(bench.values("count").len(), known, "nothing is read from a stranger");
        assert!(bench.bad("count").contains(&"untrusted".to_owned()), "{:?}", bench.bad("count"));
        let rejected = std::fs::read_dir(bench.state().join("opcua/rejected")).unwrap().count();
        assert!(rejected >= 1, "it is put aside for the person");
    }
}

#[test]
fn a_server_that_does_not_trust_us_yet_is_told_with_our_name() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]);
        bench.write();
        bench.introduce();
        bench.server.distrust_client();
        bench.agent = Some(common::agent::Agent::start(&bench.config(), bench.dir.path()));
        wait_for(&format!("{kind:?}: the reason; {}", bench.log()), || {
            bench
                .log()
                .lines()
                .any(|line| line.contains("CW252") && line.contains("urn:cloudward:huada:ws1:"))
                .then_some(())
        });
        bench.introduce();
        is_soon(bench.time_to_data("count"), "trusted now");
    }
}

#[test]
fn a_wrong_password_is_told_and_no_session_is_left_behind() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]);
        bench.write();
        bench.introduce();
        std::fs::write(bench.dir.path().join("password"), "nimmermehr").unwrap();
        bench.agent = Some(common::agent::Agent::start(&bench.config(), bench.dir.path()));
        wait_for(&format!("{kind:?}: the reason"), || bench.log().contains("CW253").then_some(()));
        wait_for("no session", || (bench.server.stats()["sessions"] == 0).then_some(()));
        assert!(!bench.log().contains("nimmermehr"), "a password is in the log");
    }
}

#[test]
fn a_policy_that_is_not_offered_is_told_with_those_that_are() {
    for kind in BOTH {
        let mut bench = secured(kind, &["--policies", "None,Aes256_Sha256_RsaPss"]);
        bench.write();
        bench.agent = Some(common::agent::Agent::start(&bench.config(), bench.dir.path()));
        let told =
            wait_for("the reason", || bench.log().lines().find(|line| line.contains("CW246")).map(str::to_owned));
        assert!(told.contains("Basic256Sha256") && told.contains("SignAndEncrypt Aes256_Sha256_RsaPss"), "{told}");
    }
}

#[test]
fn large_tag_sets_and_limits_that_a_server_hides() {
    for kind in BOTH {
        let tags: String = (0..250).map(|n| tag(&format!("n{n}"), &format!("Load.{n:04}"), "type = \"int\"")).collect();
        let options = ["--load", "250", "--limit", "40", "--hide-limits"];
        let mut bench = Bench::new(kind, &options, Way::secured(), "", &tags).start();
        wait_for("every tag", || (0..250).all(|n| !bench.values(&format!("n{n}")).is_empty()).then_some(()));
        assert!(bench.server.count("faults", "BadTooManyOperations") >= 1, "the fault was there");
        assert!(bench.log().contains("CW272"), "{}", bench.log());
    }
}

#[test]
fn large_tag_sets_and_limits_that_a_server_tells() {
    for kind in BOTH {
        let tags: String = (0..250).map(|n| tag(&format!("n{n}"), &format!("Load.{n:04}"), "type = \"int\"")).collect();
        let mut bench = Bench::new(kind, &["--load", "250", "--limit", "40"], Way::secured(), "", &tags).start();
        wait_for("every tag", || (0..250).all(|n| !bench.values(&format!("n{n}")).is_empty()).then_some(()));
        assert_eq!(bench.server.count("faults", "BadTooManyOperations"), 0, "{kind:?}");
    }
}

#[test]
fn a_server_without_subscriptions_is_read() {
    for kind in BOTH {
        let mut bench = secured(kind, &["--no-subscriptions"]).start();
        wait_for("a steady count", || (bench.numbers("count").len() > 10).then_some(()));
        assert!(bench.log().contains("CW271"), "{}", bench.log());
        assert!(bench.server.count("requests", "Read") > 5);
    }
}

#[test]
fn what_is_to_be_read_and_what_is_to_be_watched_share_a_session() {
    for kind in BOTH {
        let tags =
            tag("count", "Machine.Count", "type = \"int\"") + &tag("speed", "Machine.Speed", "subscribe = false");
        let mut bench = Bench::new(kind, &[], Way::secured(), "every = \"500ms\"", &tags).start();
        wait_for("both", || (bench.values("count").len() > 5 && bench.values("speed").len() > 5).then_some(()));
        assert_eq!(bench.server.stats()["sessions"], 1);
        assert_eq!(bench.server.stats()["items"], 1);
    }
}

#[test]
fn a_stop_leaves_no_session_behind() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        assert_eq!(bench.server.stats()["sessions"], 1);
        let mut agent = bench.agent.take().unwrap();
        agent.sigterm();
        assert!(agent.wait().success());
        wait_for("no session", || (bench.server.stats()["sessions"] == 0).then_some(()));
        assert_eq!(bench.server.stats()["subscriptions"], 0);
    }
}

#[test]
fn our_certificate_is_made_once_and_keeps_its_name() {
    let mut bench = secured(Kind::Asyncua, &[]).start();
    let certificate = std::fs::read(bench.state().join("opcua/own/cert.der")).unwrap();
    let mut agent = bench.agent.take().unwrap();
    agent.sigterm();
    agent.wait();
    bench.agent = Some(common::agent::Agent::start(&bench.config(), bench.dir.path()));
    let messages = bench.messages().len();
    bench.wait_for_values(messages);
    assert_eq!(std::fs::read(bench.state().join("opcua/own/cert.der")).unwrap(), certificate);
    use std::os::unix::fs::PermissionsExt;
    let key = std::fs::metadata(bench.state().join("opcua/private/private.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o077, 0, "the key is ours alone");
}

#[test]
fn status_codes_are_kept_and_the_last_known_value_is_marked() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        bench.server.tell("status Machine.Speed UncertainLastUsableValue");
        wait_for(&format!("{kind:?}: last_known"), || {
            let samples = bench.samples();
            samples
                .iter()
                .any(|sample| {
                    sample["uncertain"]["speed"] == "last_known" && sample["status"]["speed"] == 0x4090_0000_u32
                })
                .then_some(())
        });
        bench.server.tell("status Machine.Speed BadSensorFailure");
        wait_for("device_failure", || bench.bad("speed").contains(&"device_failure".to_owned()).then_some(()));
    }
}

#[test]
fn a_queue_that_runs_over_is_counted_and_told() {
    // asyncua does not tell when a queue runs over.
    let tags = tag("count", "Machine.Count", "type = \"int\", every = \"2s\", sampling = \"100ms\", queue = 3");
    let bench = Bench::new(Kind::NodeOpcua, &[], Way::secured(), "", &tags).start();
    wait_for(&format!("the overflow is told; {}", bench.log()), || bench.log().contains("CW267").then_some(()));
}

#[test]
fn a_server_that_stands_still_for_a_while_is_heard_again() {
    for kind in BOTH {
        let bench = secured(kind, &[]).start();
        wait_for("a steady count", || (bench.numbers("count").len() > 20).then_some(()));
        signal(bench.server.pid(), "STOP");
        std::thread::sleep(Duration::from_secs(12));
        signal(bench.server.pid(), "CONT");
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, server stopped for 12 s"));
        let known = bench.numbers("count").len();
        wait_for("it flows on", || (bench.numbers("count").len() > known + 50).then_some(()));
    }
}

#[test]
fn recreate_does_not_fail_since_one_node_vanished() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).start();
        bench.server.tell("remove Machine.Count");
        bench.server.tell("delete_subscriptions");
        assert_eq!(bench.server.stats()["subscriptions"], 0, "{kind:?}: the fault is there");
        is_soon(bench.time_to_data("speed"), &format!("{kind:?}, recreated with a node gone"));
        bench.server.tell("add Machine.Count");
        is_soon(bench.time_to_data("count"), &format!("{kind:?}, node back"));
    }
}

#[test]
fn sessions_do_not_pile_up() {
    for kind in BOTH {
        let mut bench = secured(kind, &[]).with_gate().start();
        for _ in 0..5 {
            let known = bench.values("count").len();
            bench.gate.as_mut().unwrap().cut();
            wait_for("values again", || (bench.values("count").len() > known).then_some(()));
        }
        let sessions = bench.server.stats()["sessions"].as_u64().unwrap();
        assert!(sessions <= 2, "{kind:?}: {sessions} sessions after five cuts");
    }
}

#[test]
fn a_server_without_a_session_left_is_told_and_tried_again() {
    for kind in BOTH {
        let mut bench = Bench::new(kind, &["--max-sessions", "1"], Way::plain(), "", &machine()).start();
        let text = std::fs::read_to_string(bench.config()).unwrap().replace("\"state\"", "\"state2\"");
        let config = bench.dir.path().join("second.toml");
        std::fs::write(&config, text.replace("name = \"cloud\"", "name = \"cloud2\"")).unwrap();
        let mut second = common::agent::Agent::start(&config, bench.dir.path());
        second.wait_log(0, &["CW254"]);
        let mut first = bench.agent.take().unwrap();
        first.sigterm();
        first.wait();
        second.wait_log(0, &["is connected to opc.tcp"]);
    }
}

#[test]
fn a_bare_eof_is_told_with_its_reason() {
    let mut bench = Bench::new(Kind::Asyncua, &["--untrusted", "eof"], Way::secured(), "", &machine());
    bench.write();
    bench.introduce();
    bench.server.distrust_client();
    bench.agent = Some(common::agent::Agent::start(&bench.config(), bench.dir.path()));
    wait_for("the reason", || {
        bench.log().lines().any(|line| line.contains("CW252") && line.contains("cert export")).then_some(())
    });
}

#[test]
fn sha_1_policies_are_refused() {
    let mut bench = Bench::new(Kind::Asyncua, &["--policies", "None,Basic256"], Way::secured(), "", &machine());
    bench.write();
    bench.agent = Some(common::agent::Agent::start(&bench.config(), bench.dir.path()));
    let told = wait_for("the refusal", || bench.log().lines().find(|line| line.contains("CW246")).map(str::to_owned));
    assert!(told.contains("Basic256"), "{told}");
    let text = std::fs::read_to_string(bench.config()).unwrap().replace("Basic256Sha256", "Basic256");
    std::fs::write(bench.config(), text).unwrap();
    let checked = common::agent::run_to_end(&["check", "--config", bench.config().to_str().unwrap()]);
    assert!(checked.code == Some(78) && checked.stderr.contains("SHA-1"), "{checked:?}");
}
