//! What the service manager hears: ready, status, watchdog, reloading, stopping. The socket is a real one; systemd's end of it
//! is played here, since no systemd runs on a test machine.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use common::agent::Agent;
use common::plc::Plc;
use common::{free_port, temp_dir};

/// Takes what the agent says until a message holds `word`; gives all of it.
#[track_caller]
fn hear(socket: &UnixDatagram, word: &str) -> String {
    socket.set_read_timeout(Some(common::PATIENCE)).unwrap();
    let (mut heard, started) = (String::new(), std::time::Instant::now());
    let mut buffer = [0; 4096];
    while !heard.contains(word) {
        assert!(started.elapsed() < common::PATIENCE, "{word} never came, only:\n{heard}"); // the watchdog goes on speaking
        let length = socket.recv(&mut buffer).unwrap_or_else(|_| panic!("{word} never came, only:\n{heard}"));
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        heard.push('\n');
    }
    heard
}

fn workshop(dir: &Path, plc: &Plc) -> std::path::PathBuf {
    let text = format!(
        r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "Asia/Shanghai"
[journal]
dir = "state"
[[link]]
name = "l"
modbus_tcp = "127.0.0.1:{}"
[[device]]
id = "d"
link = "l"
tags = [{{ name = "count", address = "holding:0", type = "u32" }}]
"#,
        plc.port
    );
    let file = dir.join("workshop.toml");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn systemd_hears_ready_status_watchdog_reload_and_stop() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let path = dir.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "1000000")];
    let file = workshop(dir, &plc);
    let mut agent = Agent::start_with(&file, dir, &environment);

    assert!(!hear(&socket, "READY=1").contains("STOPPING"));
    hear(&socket, "STATUS=1 of 1 link up, 1 of 1 device online, 0 of 0 sinks connected");
    hear(&socket, "WATCHDOG=1");
    agent.sighup();
    let reload = hear(&socket, "READY=1");
    assert!(reload.contains("RELOADING=1") && reload.contains("MONOTONIC_USEC="), "{reload}");
    agent.sigterm();
    hear(&socket, "STOPPING=1");
    assert_eq!(agent.wait().code(), Some(0));
}

/// A hung process must be noticed: the watchdog falls silent while the agent is stopped, and speaks again afterwards.
#[test]
fn a_hung_agent_is_silent_towards_the_watchdog() {
    let dir = temp_dir();
    let dir = dir.path();
    let plc = Plc::libmodbus(dir, free_port(), 1);
    let path = dir.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let agent = Agent::start_with(&workshop(dir, &plc), dir, &environment);
    hear(&socket, "WATCHDOG=1");
    common::signal(agent.pid(), "STOP");
    socket.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(200)); // the stop takes hold
    while socket.recv(&mut [0; 4096]).is_ok() {}
    std::thread::sleep(Duration::from_millis(1_000));
    assert!(socket.recv(&mut [0; 4096]).is_err(), "a stopped agent has spoken");
    socket.set_nonblocking(false).unwrap();
    common::signal(agent.pid(), "CONT");
    hear(&socket, "WATCHDOG=1");
}
