//! The agent as a process: started with a file, heard through its standard error, ended by signals.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{PATIENCE, signal, wait_for};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_cloudward");

/// `cloudward run --config FILE`.
pub struct Agent {
    child: Child,
    log: PathBuf,
}

impl Agent {
    /// Starts it. Its log goes to a new file in `dir`.
    pub fn start(config: &Path, dir: &Path) -> Agent {
        Agent::start_with(config, dir, &[])
    }

    /// Likewise, with environment variables.
    pub fn start_with(config: &Path, dir: &Path, env: &[(&str, &str)]) -> Agent {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let log = dir.join(format!("agent-{}.log", NUMBER.fetch_add(1, Ordering::Relaxed)));
        Agent::spawn(command(&["run", "--config"]).arg(config).envs(env.iter().copied()), log)
    }

    /// Starts another build of it: `program` with what must stand before the agent's own arguments, e.g. an emulator.
    pub fn start_other(program: &[&str], config: &Path, dir: &Path) -> Agent {
        let log = dir.join("agent-other.log");
        Agent::spawn(command_of(program, &["run", "--config"]).arg(config), log)
    }

    fn spawn(command: &mut Command, log: PathBuf) -> Agent {
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        Agent { child, log }
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for a line that contains one of `words`, whatever their case, behind the first `from` bytes of the log.
    #[track_caller]
    pub fn wait_log(&mut self, from: usize, words: &[&str]) -> String {
        wait_for(&format!("a log line with one of {words:?}; the log:\n{}", self.log()), || {
            let text = self.log();
            let found = find_line(text.get(from..).unwrap_or_default(), words);
            if found.is_none() {
                let ended = self.child.try_wait().unwrap();
                assert!(ended.is_none(), "the agent ended ({ended:?}) without a line with one of {words:?}:\n{text}");
            }
            found
        })
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end.
    pub fn sigterm(&self) {
        signal(self.child.id(), "TERM");
    }

    /// Asks it to read its file again.
    pub fn sighup(&self) {
        signal(self.child.id(), "HUP");
    }

    /// Kills it, and proves that it really died of that.
    pub fn sigkill(&mut self) {
        assert!(self.is_running(), "the agent ended before it could be killed:\n{}", self.log());
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9), "the agent did not die of SIGKILL");
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the agent", || self.child.try_wait().unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.log.display(), self.log());
        }
    }
}

/// How a short command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command of the agent that ends by itself.
#[track_caller]
pub fn run_to_end(args: &[&str]) -> Ended {
    run_within(args, PATIENCE)
}

/// The same for one that may take longer.
#[track_caller]
pub fn run_within(args: &[&str], patience: Duration) -> Ended {
    run_other(&[BINARY], args, patience)
}

/// The same of another build; see [`Agent::start_other`].
#[track_caller]
pub fn run_other(program: &[&str], args: &[&str], patience: Duration) -> Ended {
    let mut child =
        command_of(program, args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).unwrap();
        text
    });
    let killer = {
        let (pid, start) = (child.id(), Instant::now());
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            // A command that hangs is ended, so that the test fails instead of hanging with it.
            if is_done.recv_timeout(patience).is_err() && start.elapsed() >= patience {
                signal(pid, "KILL");
            }
        });
        done
    };
    let mut stdout = String::new();
    out.read_to_string(&mut stdout).unwrap();
    let status = child.wait().unwrap();
    killer.send(()).ok(); // the watcher may have fired already
    Ended { code: status.code(), stdout, stderr: reader.join().unwrap() }
}

/// The first line that contains one of `words`, whatever their case.
pub fn find_line(text: &str, words: &[&str]) -> Option<String> {
    let lower = |line: &str| line.to_lowercase();
    text.lines().find(|line| words.iter().any(|word| lower(line).contains(&word.to_lowercase()))).map(str::to_owned)
}

fn command(args: &[&str]) -> Command {
    command_of(&[BINARY], args)
}

fn command_of(program: &[&str], args: &[&str]) -> Command {
    let mut command = Command::new(program[0]);
    command
        .args(&program[1..])
        .args(args)
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .env_remove("STATE_DIRECTORY")
        .env_remove("NOTIFY_SOCKET");
    command.env_remove("CLOUDWARD_LOG");
    command
}
