//! A gateway: a bare Debian (debootstrap made it, `tests/run` keeps it in `target/bare-root`) with its own systemd as process 1, in
//! namespaces of its own. Its network is a loopback and no more, so whatever is fetched fails. What a test writes goes into an
//! overlay that ends with the test.
//!
//! So units, users, credentials, restarts and systemd's firewall are the real ones. What is not: the kernel is the host's, there is no
//! D-Bus, no udev, no clock of its own, and a boot takes two seconds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::agent::{BINARY, Ended};
use super::dice::is_root;
use super::plc::Plc;
use super::{prepared, program, temp_dir, wait_for};
use serde_json::Value as Json;

/// A running gateway.
pub struct Gateway {
    outer: Child,
    /// Its systemd, as the host numbers it.
    init: u32,
    scratch: tempfile::TempDir,
}

impl Gateway {
    /// Boots one, with these packages below /root. `None`, said in words, where that takes more rights than there are.
    pub fn boot(test: &str, packages: &[&Path]) -> Option<Gateway> {
        if !is_root(test) {
            return None;
        }
        let scratch = temp_dir();
        let log = fs::File::create(scratch.path().join("console")).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/gateway.sh");
        let mut command = Command::new(script);
        command.arg(prepared("bare-root")).arg(scratch.path()).stdin(Stdio::null());
        let mut outer = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let console = || fs::read_to_string(scratch.path().join("console")).unwrap_or_default();
        let children = format!("/proc/{0}/task/{0}/children", outer.id());
        let init = wait_for("systemd in its namespaces", || {
            assert!(outer.try_wait().unwrap().is_none(), "no gateway can be booted here: {}", console());
            let child: u32 = fs::read_to_string(&children).ok()?.split_whitespace().next()?.parse().ok()?;
            let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
            (name.trim() == "systemd").then_some(child)
        });
        // systemd gives out what is left of its cgroup; a process that stays in it would be in the way.
        let own = fs::read_to_string(scratch.path().join("cgroup")).unwrap();
        let above = Path::new(own.trim()).parent().unwrap().join("cgroup.procs");
        fs::write(above, outer.id().to_string()).ok(); // where it may not, it is in the way of limits only
        let gateway = Gateway { outer, init, scratch };
        wait_for("the end of the boot", || {
            let state = gateway.run("systemctl is-system-running").stdout;
            ["running", "degraded"].contains(&state.trim()).then_some(())
        });
        gateway.put("/etc/dpkg/dpkg.cfg.d/quick", b"force-unsafe-io\n"); // no power cut is tried here
        for package in packages {
            gateway
                .put(&format!("/root/{}", package.file_name().unwrap().to_str().unwrap()), &fs::read(package).unwrap());
        }
        Some(gateway)
    }

    /// Runs a script in it as root, as if somebody had logged in.
    pub fn run(&self, script: &str) -> Ended {
        let mut command = Command::new(program("nsenter"));
        command.args(["-t", &self.init.to_string(), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"]);
        command.args([
            "env",
            "-i",
            "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/root",
            "LC_ALL=C.UTF-8",
        ]);
        command.args(["DEBIAN_FRONTEND=noninteractive", "bash", "-c"]).arg(format!("cd /root\n{script}"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The same for one that must succeed: all that it said.
    #[track_caller]
    pub fn ok(&self, script: &str) -> String {
        let ended = self.run(script);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(0), "{script}\n{said}\n{}", self.log());
        said
    }

    /// A program of the host, in the gateway's network.
    pub fn beside(&self, name: &str) -> Command {
        let mut command = Command::new(program("nsenter"));
        command.args(["-t", &self.init.to_string(), "-n", "--"]).arg(name);
        command
    }

    /// A file of the gateway, as the host sees it.
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.init))
    }

    /// Changes a file of the gateway with what wants a place of the host's own, such as SQLite.
    pub fn change<T>(&self, inside: &str, change: impl FnOnce(&Path) -> T) -> T {
        let copy = self.scratch.path().join("changed");
        fs::copy(self.path(inside), &copy).unwrap();
        let changed = change(&copy);
        fs::copy(&copy, self.path(inside)).unwrap(); // onto the old one, which keeps its owner
        fs::remove_file(copy).unwrap();
        changed
    }

    pub fn put(&self, inside: &str, bytes: &[u8]) {
        fs::write(self.path(inside), bytes).unwrap();
    }

    pub fn has(&self, inside: &str) -> bool {
        self.path(inside).symlink_metadata().is_ok()
    }

    /// The PLC of the example's addresses, and the broker's address, both in the gateway's own network.
    pub fn neighbours(&self, dir: &Path) -> Plc {
        for address in ["192.168.1.10/32", "192.168.1.5/32"] {
            let ip = program("ip");
            let status =
                self.beside(ip.to_str().unwrap()).args(["addr", "add", address, "dev", "lo"]).status().unwrap();
            assert!(status.success(), "{address} cannot be given");
        }
        Plc::libmodbus_beside(dir, |name| self.beside(name), "192.168.1.10")
    }

    /// mosquitto where the example expects it, and a subscriber that writes what arrives into /root/received.
    pub fn broker(&self) {
        self.ok("printf 'listener 1883 192.168.1.5\\nallow_anonymous true\\nmax_queued_messages 0\\n' > broker.conf
            (mosquitto -c broker.conf -d > broker.log 2>&1)
            for i in $(seq 200); do
                if mosquitto_pub -h 192.168.1.5 -t probe -m x 2> /dev/null; then
                    if grep -q probe received 2> /dev/null; then exit 0; fi
                    if [ -z \"$sub\" ]; then
                        mosquitto_sub -h 192.168.1.5 -t '#' -F '%t %p' > received 2> /dev/null < /dev/null &
                        sub=$!
                    fi
                fi
                sleep 0.1
            done
            exit 1");
    }

    /// A workshop that reads the PLC's counter, otherwise as in the example.
    pub fn configure(&self) {
        let tag = "{ name = \"count\", address = \"holding:0\", type = \"u32\" }";
        self.ok(&format!(
            "sed -e 's/^    {{ name = \"speed\".*/    {tag},/' -e 's/^every = .*/every = \"100ms\"/' \\
             /usr/share/cloudward/workshop.example.toml > /etc/cloudward/workshop.toml && cloudward check > /dev/null"
        ));
    }

    /// The counter's values that have arrived.
    pub fn received(&self) -> BTreeSet<u64> {
        let text = fs::read_to_string(self.path("/root/received")).unwrap_or_default();
        let data = text.lines().filter_map(|line| line.split_once(' ')).filter(|(topic, _)| topic.ends_with("/data"));
        let mut values = BTreeSet::new();
        for (_, payload) in data {
            let Ok(message) = serde_json::from_str::<Json>(payload) else { continue }; // the last line, in the making
            let samples = message["samples"].as_array().into_iter().flatten();
            values.extend(samples.filter_map(|sample| sample["values"]["count"].as_u64()));
        }
        values
    }

    /// What the service said, and systemd about it.
    pub fn log(&self) -> String {
        self.run("journalctl -b --no-pager -o cat -u cloudward.service").stdout
    }

    /// A property of the service.
    pub fn show(&self, property: &str) -> String {
        self.run(&format!("systemctl show -P {property} cloudward.service")).stdout.trim().to_owned()
    }

    /// Waits until the service's log holds `word`.
    #[track_caller]
    pub fn wait_log(&self, word: &str) {
        let mut log = String::new();
        wait_for(&format!("{word} in the log of the service"), || {
            log = self.log();
            log.contains(word).then_some(())
        });
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the service ---\n{}", self.log());
        }
        self.outer.kill().ok(); // systemd in it goes with it, and with that all of the namespace
        self.outer.wait().ok();
        let own = fs::read_to_string(self.scratch.path().join("cgroup")).unwrap_or_default();
        for _ in 0..250 {
            Command::new("find")
                .args([own.trim(), "-depth", "-type", "d", "-delete"])
                .stderr(Stdio::null())
                .status()
                .ok();
            if !Path::new(own.trim()).exists() {
                break; // the last process has left
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// The packages of the binary under test (without what debuggers read), as deploy/package makes them: the .deb and the tarball of this
/// version.
pub fn package(dir: &Path, version: &str) -> (PathBuf, PathBuf) {
    package_of(&stripped(), dir, version, "x86_64")
}

/// The same of another binary, for another architecture.
pub fn package_of(binary: &Path, dir: &Path, version: &str, arch: &str) -> (PathBuf, PathBuf) {
    let arch = if arch == "x86_64" { std::env::consts::ARCH } else { arch };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/package");
    let mut command = Command::new(script);
    command.arg("--binary").arg(binary).args(["--version", version, "--fast", "--out"]).arg(dir).arg(arch);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let mut files = said.lines().map(PathBuf::from);
    (files.next().unwrap(), files.next().unwrap())
}

/// The binary under test without symbols: a debug build has more of them than of the program.
fn stripped() -> PathBuf {
    use std::sync::OnceLock;
    static STRIPPED: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cloudward-stripped");
        let ours = file.with_extension(std::process::id().to_string()); // another test may be at it, too
        let status = Command::new(program("strip")).arg("-o").arg(&ours).arg(BINARY).status().unwrap();
        assert!(status.success(), "strip failed");
        fs::rename(&ours, &file).unwrap();
        file
    };
    STRIPPED.get_or_init(make).clone()
}
