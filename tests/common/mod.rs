//! The proving ground that the outer tests share: foreign parts (broker, PLCs, subscriber), the agent as a process, and the
//! accounting between what PLCs handed out and what a receiver got. Nothing here looks inside the agent.
//!
//! Rule: whatever is started here ends with its owner, and what a helper promises is proven in `tests/harness.rs`.
#![allow(dead_code)] // each test binary compiles this module and uses its part of it
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

pub mod account;
pub mod agent;
pub mod broker;
pub mod bus;
pub mod capture;
pub mod dice;
pub mod disk;
pub mod gate;
pub mod gateway;
pub mod holes;
pub mod io_fault;
pub mod link;
pub mod night;
pub mod opcua;
pub mod plan;
pub mod plant;
pub mod plc;
pub mod receiver;
pub mod rows;
pub mod script;
pub mod usage;
pub mod wall;
pub mod wire;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest wait for anything that must happen. Generous, since it only decides how long a broken build takes to fail.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory that goes away with its owner. On the same disk as the build, since /tmp may be memory.
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("cw-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A TCP port that nobody listens on. Below the range from which the kernel takes ports for outgoing connections, so that a
/// server can leave it and come back to it; counted up within the process and spread between processes.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of `n` consecutive free ports.
pub fn free_ports(n: u16) -> u16 {
    const FIRST: u16 = 20_000;
    const SPAN: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = (std::process::id().wrapping_mul(211) % u32::from(SPAN)) as u16;
    for _ in 0..SPAN {
        let offset = spread.wrapping_add(NEXT.fetch_add(n, Ordering::Relaxed)) % (SPAN - n);
        let base = FIRST + offset;
        if (base..base + n).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return base;
        }
    }
    panic!("no {n} free ports between {FIRST} and {}", FIRST + SPAN);
}

/// Waits until `probe` gives something; panics with `what` after [`PATIENCE`].
#[track_caller]
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Milliseconds since 1970, by the clock that the PLCs' logs use too.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Sends a signal by name. Through the shell's own `kill`, which needs no package and no unsafe code.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().unwrap();
    assert!(status.success(), "signal {name} did not reach process {pid}");
}

/// A program of the Debian packages that `tests/run` installs; `/usr/sbin` is not on everybody's PATH.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed; tests/run sets up what the tests need"))
}

/// A file that `tests/run` prepares below the target directory.
pub fn prepared(relative: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let file = target.join(relative);
    assert!(file.exists(), "{} is missing; tests/run sets up what the tests need", file.display());
    file
}
