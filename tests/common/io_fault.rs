//! A disk that fails at the Nth call: tests/foreign/io_fault.c, built here and loaded before the agent.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::plc::c_compiler;

/// What fails, and when.
#[derive(Debug, Clone)]
pub struct IoFault {
    /// Kinds of calls, joined by commas: open, read, write, sync, truncate, rename, map.
    pub calls: &'static str,
    /// The Nth of them.
    pub nth: u64,
    /// EIO, ENOSPC or TORN.
    pub kind: &'static str,
    /// That one call only, or everything from there on until it is healed.
    pub once: bool,
    /// Counted from [`Rig::arm`] on, or from the start of the agent.
    pub from_start: bool,
}

/// A fault as it is set up for one agent.
pub struct Rig {
    env: Vec<(&'static str, String)>,
    dir: PathBuf,
}

impl Rig {
    /// Prepares the fault for files below `state`; its own files are in `dir`.
    pub fn new(fault: &IoFault, state: &Path, dir: &Path) -> Rig {
        let file = |name: &str| dir.join(name).display().to_string();
        let mut env = vec![
            ("LD_PRELOAD", library().display().to_string()),
            ("IO_FAULT_PATH", format!("{}/", state.display())),
            ("IO_FAULT_CALLS", fault.calls.to_owned()),
            ("IO_FAULT_NTH", fault.nth.to_string()),
            ("IO_FAULT_KIND", fault.kind.to_owned()),
            ("IO_FAULT_LOG", file("io-fault.log")),
        ];
        if !fault.once {
            env.push(("IO_FAULT_UNTIL", file("io-fault.healed")));
        }
        if !fault.from_start {
            env.push(("IO_FAULT_ARM", file("io-fault.armed")));
        }
        Rig { env, dir: dir.to_owned() }
    }

    /// For the agent.
    pub fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Calls count from now on.
    pub fn arm(&self) {
        fs::write(self.dir.join("io-fault.armed"), "").unwrap();
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        fs::write(self.dir.join("io-fault.healed"), "").unwrap();
    }

    /// The calls that failed.
    pub fn fired(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join("io-fault.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/io_fault.c");
        // Other tests may build it at the same time: the name belongs to this process.
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("io_fault-{}.so", std::process::id()));
        let output = Command::new(c_compiler())
            .args(["-O2", "-Wall", "-fPIC", "-shared", source, "-o"])
            .arg(&built)
            .arg("-ldl")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        built
    })
}
