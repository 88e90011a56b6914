//! What a process costs, and a subscriber that writes everything down: for benches.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::broker::Mosquitto;
use super::{program, wait_for};

/// What the kernel counts for a process, all threads together.
#[derive(Clone, Copy)]
pub struct Usage {
    pub cpu_s: f64,
    pub switches: u64,
    pub written: u64,
    pub rss_kb: u64,
}

impl Usage {
    pub fn of(pid: u32) -> Usage {
        let field = |text: &str, key: &str| -> u64 {
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        let read = |path: String| fs::read_to_string(path).unwrap_or_default();
        let (mut switches, mut running_ns) = (0, 0);
        for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let task = task.path();
            let status = read(format!("{}/status", task.display()));
            switches += field(&status, "voluntary_ctxt_switches:") + field(&status, "nonvoluntary_ctxt_switches:");
            let schedule = read(format!("{}/schedstat", task.display()));
            running_ns += schedule.split(' ').next().and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0);
        }
        // Fields 14 and 15, counted behind the name, which may hold anything: ticks of 10 ms, threads that ended included.
        let stat = read(format!("/proc/{pid}/stat"));
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 = [11, 12].iter().map(|i| fields[*i].parse::<u64>().unwrap()).sum();
        let (fine, coarse) = (running_ns as f64 / 1e9, ticks as f64 / 100.0);
        Usage {
            // schedstat counts nanoseconds, but forgets threads that ended (and may be switched off).
            cpu_s: if coarse > fine * 1.1 + 0.1 { coarse } else { fine },
            switches,
            written: field(&read(format!("/proc/{pid}/io")), "write_bytes:"),
            rss_kb: field(&read(format!("/proc/{pid}/status")), "VmRSS:"),
        }
    }

    pub fn since(&self, before: &Usage) -> Usage {
        Usage {
            cpu_s: self.cpu_s - before.cpu_s,
            switches: self.switches.saturating_sub(before.switches),
            written: self.written - before.written,
            rss_kb: self.rss_kb,
        }
    }
}

/// `mosquitto_sub` into a file, counted when all is over: the leanest witness.
pub struct Subscriber {
    child: Child,
    file: PathBuf,
}

impl Subscriber {
    pub fn start(broker: &Mosquitto, filter: &str, file: &Path) -> Subscriber {
        let child = Command::new(program("mosquitto_sub"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &broker.plain_port.to_string(),
                "-t",
                filter,
                "-t",
                "bench/probe",
                "-q",
                "0",
            ])
            .args(["-F", "%t %p"])
            .stdin(Stdio::null())
            .stdout(File::create(file).unwrap())
            .spawn()
            .unwrap();
        let subscriber = Subscriber { child, file: file.to_owned() };
        wait_for("the subscription", || {
            let port = broker.plain_port.to_string();
            let args = ["-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", "bench/probe", "-m", "x"];
            Command::new(program("mosquitto_pub")).args(args).status().unwrap();
            (fs::metadata(file).unwrap().len() > 0).then_some(())
        });
        subscriber
    }

    /// Ends when nothing has come for a second.
    pub fn stop(mut self) -> PathBuf {
        let mut before = u64::MAX;
        wait_for("the end of the messages", || {
            let now = fs::metadata(&self.file).unwrap().len();
            if now == before {
                return Some(());
            }
            before = now;
            sleep(Duration::from_secs(1));
            None
        });
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
        self.file.clone()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.child.kill().ok(); // it has ended already when all went well
        self.child.wait().ok();
    }
}
