//! A wall clock of the agent's own, and what the system says about it: `tests/foreign/clock_shim.c` between the agent and the real
//! clock, and a `timedatectl` on its path that says what the test wants.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::now_ms;
use super::plc::c_compiler;

/// The clock of one agent, which may be restarted under it.
pub struct WallClock {
    dir: PathBuf,
    shift: File,
}

impl WallClock {
    /// The real time, and an NTP service that has not set the clock yet.
    pub fn new(dir: &Path) -> WallClock {
        let dir = dir.join("clock");
        fs::create_dir_all(&dir).unwrap();
        let shift = File::options().create(true).truncate(false).write(true).open(dir.join("shift")).unwrap();
        let clock = WallClock { dir, shift };
        clock.shift_by(0);
        clock.says("NTP=yes\nNTPSynchronized=no\n");
        // Written by another process, so that no thread of this one holds it open while it is run.
        let script = "printf '#!/bin/sh\\ncat \"$NTP_SAYS\"\\n' > \"$0\" && chmod 755 \"$0\"";
        let made = Command::new("sh").args(["-c", script]).arg(clock.dir.join("timedatectl")).status().unwrap();
        assert!(made.success());
        clock
    }

    /// From now on it is so many milliseconds ahead of the real clock.
    pub fn shift_by(&self, ms: i64) {
        self.shift.write_all_at(&ms.to_ne_bytes(), 0).unwrap();
    }

    /// It says this time now, and goes on from there.
    pub fn set(&self, ms: i64) {
        self.shift_by(ms - now_ms());
    }

    /// What `timedatectl` says from now on.
    pub fn says(&self, text: &str) {
        fs::write(self.dir.join("says.new"), text).unwrap();
        fs::rename(self.dir.join("says.new"), self.dir.join("says")).unwrap();
    }

    /// The real time, and NTP says so.
    pub fn synchronize(&self) {
        self.shift_by(0);
        self.says("NTP=yes\nNTPSynchronized=yes\n");
    }

    /// What the agent is to be started with.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let path = std::env::var("PATH").unwrap();
        vec![
            ("LD_PRELOAD", shim().display().to_string()),
            ("CLOCK_SHIM", self.dir.join("shift").display().to_string()),
            ("NTP_SAYS", self.dir.join("says").display().to_string()),
            ("PATH", format!("{}:{path}", self.dir.display())),
        ]
    }
}

/// The shim, built once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/clock_shim.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clock_shim-{}.so", std::process::id()));
        let built = Command::new(c_compiler())
            .args(["-O2", "-Wall", "-shared", "-fPIC", source, "-o"])
            .arg(&library)
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(built.success(), "the shim does not build");
        library
    })
}
