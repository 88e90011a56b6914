//! PLCs that were not written here, both serving "the ladder": a counter that steps with each read request answered, and
//! registers that are functions of it. So each value tells which request it came from, and the log of the requests is the
//! ground truth for order and completeness.
//!
//! | address (holding and input) | type | value for counter n |
//! |---|---|---|
//! | 0 | u32 ABCD | n |
//! | 2 | u16 | n mod 65536 |
//! | 3 | i16 | -(n mod 1000) |
//! | 4 | f32 ABCD | n / 2 |
//! | 6 | u32 CDAB | n |
//! | from 8 | u16 | n + address |
//!
//! Coil and discrete input 0 are n mod 2.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::account::Handed;
use super::{prepared, program};

/// One line of the ground truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answered {
    pub ms: i64,
    pub function: u8,
    pub unit: u8,
    pub address: u16,
    pub count: u16,
    pub counter: u32,
    /// Number of the port, counted from 0.
    pub port: u16,
}

/// A tag of the ladder: how the configuration asks for it, and what it must be for a counter.
#[derive(Clone, Copy)]
pub struct Rung {
    pub name: &'static str,
    pub toml: &'static str,
    pub function: u8,
    pub address: u16,
    pub width: u16,
    pub value: fn(u32) -> f64,
}

/// Tags in two tables, so two requests per scan.
pub const LADDER: [Rung; 6] = [
    Rung {
        name: "count",
        toml: r#"address = "holding:0", type = "u32""#,
        function: 3,
        address: 0,
        width: 2,
        value: f64::from,
    },
    Rung {
        name: "low",
        toml: r#"address = "40003", type = "u16""#,
        function: 3,
        address: 2,
        width: 1,
        value: |n| f64::from(n % 65_536),
    },
    Rung {
        name: "minus",
        toml: r#"address = "0x0003", type = "i16", scale = 0.1"#,
        function: 3,
        address: 3,
        width: 1,
        value: |n| if n % 1000 == 0 { 0.0 } else { -f64::from(n % 1000) / 10.0 },
    },
    Rung {
        name: "half",
        toml: r#"address = "holding:4", type = "f32""#,
        function: 3,
        address: 4,
        width: 2,
        value: |n| f64::from(n) / 2.0,
    },
    Rung {
        name: "swapped",
        toml: r#"address = "holding:6", type = "u32", order = "CDAB""#,
        function: 3,
        address: 6,
        width: 2,
        value: f64::from,
    },
    Rung {
        name: "input",
        toml: r#"address = "30001", type = "u32""#,
        function: 4,
        address: 0,
        width: 2,
        value: f64::from,
    },
];

/// A running PLC.
pub struct Plc {
    /// Where it listens; several ports follow each other.
    pub port: u16,
    log: PathBuf,
    child: Child,
}

impl Plc {
    /// pymodbus in its virtual environment, on Modbus TCP.
    pub fn pymodbus(dir: &Path, port: u16) -> Plc {
        Plc::pymodbus_at(dir, &port.to_string(), port)
    }

    /// The same with serial frames: `rtu:DEVICE`, `ascii:DEVICE` or `rtu-tcp:PORT`.
    pub fn pymodbus_serial(dir: &Path, place: &str) -> Plc {
        Plc::pymodbus_at(dir, place, 0)
    }

    fn pymodbus_at(dir: &Path, place: &str, port: u16) -> Plc {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/pymodbus_server.py");
        let log = dir.join(format!("pymodbus-{}.log", place.replace(['/', ':'], "-")));
        let mut command = Command::new(prepared("venv/bin/python"));
        command.arg(script).arg(place).arg(&log);
        Plc::start(command, port, log)
    }

    /// pymodbus at `place` with registers that keep what is written to them.
    pub fn pymodbus_still(dir: &Path, place: &str) -> Plc {
        let log = dir.join(format!("still-{}.log", place.replace(['/', ':'], "-")));
        let mut command = Command::new(prepared("venv/bin/python"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/pymodbus_server.py");
        command.arg(script).arg(place).arg(&log).arg("still");
        Plc::start(command, place.parse().unwrap_or_default(), log)
    }

    /// The same of libmodbus.
    pub fn libmodbus_still(dir: &Path, port: u16) -> Plc {
        let log = dir.join(format!("still-c-{port}.log"));
        let mut command = Command::new(prepared("foreign/libmodbus_server"));
        command.arg(port.to_string()).arg("1").arg(&log).arg("still");
        Plc::start(command, port, log)
    }

    /// Meters of DL/T 645 by the package dlt645, on a serial port.
    pub fn meters(device: &Path, addresses: &[&str]) -> Plc {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/dlt645_meter.py");
        let mut command = Command::new(prepared("venv/bin/python"));
        command.arg(script).arg(device).args(addresses).stderr(Stdio::null()); // it logs every frame
        Plc::start(command, 0, device.with_extension("log"))
    }

    /// libmodbus in a small server of C, on `ports` ports from `port` on.
    pub fn libmodbus(dir: &Path, port: u16, ports: u16) -> Plc {
        let log = dir.join(format!("libmodbus-{port}.log"));
        let mut command = Command::new(prepared("foreign/libmodbus_server"));
        command.arg(port.to_string()).arg(ports.to_string()).arg(&log);
        Plc::start(command, port, log)
    }

    /// The same elsewhere: `command` runs a program in another network, where the PLC is at `address`, port 502.
    pub fn libmodbus_beside(dir: &Path, beside: impl Fn(&str) -> Command, address: &str) -> Plc {
        let log = dir.join(format!("libmodbus-{address}.log"));
        let mut command = beside(prepared("foreign/libmodbus_server").to_str().unwrap());
        command.args(["502", "1"]).arg(&log).env("LISTEN", address);
        Plc::start(command, 502, log)
    }

    fn start(mut command: Command, port: u16, log: PathBuf) -> Plc {
        fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "{command:?} did not start");
        Plc { port, log, child }
    }

    /// Every request answered so far, in order.
    pub fn answered(&self) -> Vec<Answered> {
        parse_log(&fs::read_to_string(&self.log).unwrap())
    }

    /// The last counter that a request covering `rung` was answered with.
    pub fn last_counter(&self, rung: &Rung) -> u32 {
        self.answered().iter().rev().find(|a| covers(a, rung)).map_or(0, |a| a.counter)
    }

    /// What was handed out for a tag.
    pub fn handed(&self, rung: &Rung) -> Vec<Handed> {
        handed(&self.answered(), rung)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Plc {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }
}

/// What requests handed out for a tag.
pub fn handed(answered: &[Answered], rung: &Rung) -> Vec<Handed> {
    let hits = answered.iter().filter(|a| covers(a, rung));
    hits.map(|a| Handed { ms: a.ms, value: (rung.value)(a.counter) }).collect()
}

fn covers(a: &Answered, rung: &Rung) -> bool {
    a.function == rung.function && a.address <= rung.address && a.address + a.count >= rung.address + rung.width
}

/// Whole lines only: the last one may still be in the making.
pub fn parse_log(text: &str) -> Vec<Answered> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(|line| {
            let n: Vec<i64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
            Answered {
                ms: n[0],
                function: n[1] as u8,
                unit: n[2] as u8,
                address: n[3] as u16,
                count: n[4] as u16,
                counter: n[5] as u32,
                port: n.get(6).map_or(0, |port| *port as u16),
            }
        })
        .collect()
}

/// Reads the ladder with a foreign client (pymodbus), to prove a server without the agent.
pub fn read_with_pymodbus(port: u16, code: &str) -> String {
    let script = format!(
        "from pymodbus.client import ModbusTcpClient\nc = ModbusTcpClient('127.0.0.1', port={port})\nassert c.connect()\n{code}"
    );
    let output = Command::new(prepared("venv/bin/python")).arg("-c").arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The C compiler, for parts that are built on the way.
pub fn c_compiler() -> PathBuf {
    program("cc")
}
