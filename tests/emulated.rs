//! The agent for ARM, really run: the cross-built binaries under qemu do the main job against a PLC, a meter and a broker of this
//! machine. `.ci/run` builds them and calls these tests; by hand:
//!
//!     deploy/build --profile emulated aarch64 armv7
//!     tests/run --test emulated -- --ignored                      # CLOUDWARD_DIST=target/dist: those that are given away
//!
//! Rule: what the emulated agent answers is compared with the books of the machines around it, or with this machine's own build.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::account::{Account, compare};
use common::agent::{Agent, Ended, run_other, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::gate::Gate;
use common::plc::{LADDER, Plc};
use common::receiver::Receiver;
use common::{free_port, now_ms, program, temp_dir, wait_for};

const PASSWORD: &str = "correct-horse-battery";
/// An emulated start reads and translates the whole way through the binary first.
const PATIENCE: Duration = Duration::from_secs(240);

/// A kind of gateway.
struct Machine {
    name: &'static str,
    triple: &'static str,
    emulator: &'static str,
    /// Where Debian keeps the C library of that architecture.
    libraries: &'static str,
    /// Machine and word size, as `readelf --file-header` names them.
    header: [&'static str; 2],
}

const AARCH64: Machine = Machine {
    name: "aarch64",
    triple: "aarch64-unknown-linux-gnu",
    emulator: "qemu-aarch64-static",
    libraries: "/usr/aarch64-linux-gnu",
    header: ["ELF64", "AArch64"],
};

const ARMV7: Machine = Machine {
    name: "armv7",
    triple: "armv7-unknown-linux-gnueabihf",
    emulator: "qemu-arm-static",
    libraries: "/usr/arm-linux-gnueabihf",
    header: ["ELF32", "ARM"],
};

impl Machine {
    fn binary(&self) -> String {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let file = match std::env::var_os("CLOUDWARD_DIST") {
            Some(dist) => Path::new(env!("CARGO_MANIFEST_DIR")).join(dist).join(self.name).join("cloudward"),
            None => target.join(self.triple).join("emulated/cloudward"),
        };
        assert!(file.exists(), "{} is missing: deploy/build --profile emulated aarch64 armv7", file.display());
        file.to_str().unwrap().to_owned()
    }

    /// How its agent is called here.
    fn call(&self) -> Vec<String> {
        assert!(
            Path::new(self.libraries).exists(),
            "{} is missing; tests/run sets up what the tests need",
            self.libraries
        );
        let emulator = program(self.emulator).to_str().unwrap().to_owned();
        vec![emulator, "-L".into(), self.libraries.into(), self.binary()]
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Ended {
        let call = self.call();
        run_other(&call.iter().map(String::as_str).collect::<Vec<_>>(), args, PATIENCE)
    }

    fn start(&self, config: &Path, dir: &Path) -> Agent {
        let call = self.call();
        Agent::start_other(&call.iter().map(String::as_str).collect::<Vec<_>>(), config, dir)
    }
}

/// It is a binary for that machine, and says of itself and of a configuration what this machine's build says.
#[track_caller]
fn says_the_same(machine: &Machine) {
    let header = std::process::Command::new(program("readelf")).args(["--file-header", &machine.binary()]).output();
    let header = String::from_utf8(header.unwrap().stdout).unwrap();
    assert!(machine.header.iter().all(|word| header.contains(word)), "{header}");

    let version = machine.run(&["--version"]);
    assert_eq!((version.code, version.stdout), (Some(0), run_to_end(&["--version"]).stdout), "{}", version.stderr);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config/workshop.toml");
    for lang in ["en", "zh"] {
        let check = ["--lang", lang, "check", "--config", example];
        let (theirs, ours) = (machine.run(&check), run_to_end(&check));
        assert_eq!((theirs.code, theirs.stdout, theirs.stderr), (ours.code, ours.stdout, ours.stderr));
    }
    let mistakes = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/config/types.toml");
    let (theirs, ours) = (machine.run(&["check", "--config", mistakes]), run_to_end(&["check", "--config", mistakes]));
    assert_eq!((theirs.code, theirs.stderr), (Some(78), ours.stderr));
}

#[test]
#[ignore = "needs the binaries of `deploy/build --profile emulated`"]
fn aarch64_says_what_this_machine_says() {
    says_the_same(&AARCH64);
}

#[test]
#[ignore = "needs the binaries of `deploy/build --profile emulated`"]
fn armv7_says_what_this_machine_says() {
    says_the_same(&ARMV7);
}

fn workshop(dir: &Path, plcs: [(&str, u16); 2], broker_port: u16, ca: &Path) -> PathBuf {
    let password = dir.join("mqtt-password");
    std::fs::write(&password, PASSWORD).unwrap();
    let mut text = String::from(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n",
    );
    for (name, port) in plcs {
        // An emulator on a busy machine is slow; a request that comes late would look like one that was lost.
        text += &format!("[[link]]\nname = \"{name}\"\nmodbus_tcp = \"127.0.0.1:{port}\"\ntimeout = \"20s\"\n");
        text += &format!("[[device]]\nid = \"{name}\"\nlink = \"{name}\"\nevery = \"250ms\"\ntags = [\n");
        for rung in &LADDER {
            text += &format!("{{ name = \"{}\", {} }},\n", rung.name, rung.toml);
        }
        text += "]\n";
    }
    text += &format!(
        "[[sink]]\nname = \"cloud\"\nmqtt = \"mqtts://localhost:{broker_port}\"\nca_file = \"{}\"\nuser = \"gateway\"\n\
         password_file = \"{}\"\nretry_max = \"2s\"\nsend = [\"*\", \"events\"]\n",
        ca.display(),
        password.display()
    );
    let file = dir.join("workshop.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn books(receiver: &Receiver) -> Account {
    let messages = receiver.messages();
    Account::of(messages.iter().map(|m| (m.topic.as_str(), m.payload.as_slice())))
}

/// Waits until `plc` handed out `n` more values.
#[track_caller]
fn collects(plc: &Plc, n: u32) {
    let before = plc.last_counter(&LADDER[5]);
    wait_for("more readings of a PLC", || (plc.last_counter(&LADDER[5]) >= before + n).then_some(()));
}

/// Reads two PLCs, delivers over TLS with a password, through a broker's stop in the middle, and ends when it is told to; every
/// value that the PLCs handed out arrived once and in order.
#[track_caller]
fn does_the_main_job(machine: &Machine) {
    let dir = temp_dir();
    let dir = dir.path();
    let setup = Setup { tls: true, login: Some(("gateway", PASSWORD)), ..Setup::default() };
    let mut broker = Mosquitto::start_in(dir, setup);
    let receiver = Receiver::start(broker.plain_port, dir);
    let mut gate = Gate::before(broker.agent_port);
    gate.open();
    let (py, c) = (Plc::pymodbus(dir, free_port()), Plc::libmodbus(dir, free_port(), 1));
    let file = workshop(dir, [("py", py.port), ("c", c.port)], gate.port(), &broker.ca_file());
    let mut agent = machine.start(&file, dir);
    let arrives = |device: &str, plc: &Plc| {
        let counter = f64::from(plc.last_counter(&LADDER[5]));
        wait_for(&format!("{device}.input = {counter}"), || {
            books(&receiver).values(device, "input").last().is_some_and(|last| *last >= counter).then_some(())
        });
    };
    for (device, plc) in [("py", &py), ("c", &c)] {
        collects(plc, 20);
        arrives(device, plc);
    }

    let (log_before, connections) = (agent.log().len(), gate.passed());
    broker.stop();
    gate.close();
    agent.wait_log(log_before, &["CW45"]); // a connection that stood was lost
    let arrived = books(&receiver).deliveries.len();
    for plc in [&py, &c] {
        collects(plc, 40);
    }
    assert_eq!(books(&receiver).deliveries.len(), arrived, "nothing can arrive while the broker is away");
    broker.start();
    receiver.stands();
    gate.open();
    for (device, plc) in [("py", &py), ("c", &c)] {
        collects(plc, 20);
        arrives(device, plc);
    }
    assert!(gate.passed() > connections, "the agent has not come back");

    let until = now_ms();
    agent.sigterm();
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    let account = books(&receiver);
    assert_eq!(account.broken, Vec::<String>::new());
    for (device, plc) in [("py", &py), ("c", &c)] {
        for rung in &LADDER {
            let handed = plc.handed(rung);
            let result = compare(&handed, &account.values(device, rung.name));
            assert_eq!(result.unexplained, [0.0; 0], "{device}.{}: {result}", rung.name);
            // What was on the wire when the agent was told to end may be missing, and nothing else.
            let lost = result.missing.iter().filter(|h| h.ms < until - 2_000).count();
            assert!(lost == 0 && result.missing.len() <= 1, "{device}.{}: {result}", rung.name);
            assert!(handed.len() > 80, "{device}.{} was asked for {} times only", rung.name, handed.len());
        }
        assert!(account.causes(device, "count").iter().all(|why| ["waiting", "refused"].contains(why)));
    }
    // The journal that a gateway leaves behind is read here: same bytes, whatever the word size.
    let ours = run_to_end(&["journal", "status", "--config", file.to_str().unwrap()]);
    assert_eq!(ours.code, Some(0), "{}", ours.stderr);
}

#[test]
#[ignore = "needs the binaries of `deploy/build --profile emulated`"]
fn aarch64_delivers_every_sample_over_tls_through_a_stop_of_the_broker() {
    does_the_main_job(&AARCH64);
}

#[test]
#[ignore = "needs the binaries of `deploy/build --profile emulated`"]
fn armv7_delivers_every_sample_over_tls_through_a_stop_of_the_broker() {
    does_the_main_job(&ARMV7);
}
