//! Every packet of a network namespace, and what stood in them: for tests that say what leaves, and whither.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use super::program;

/// Nobody's address (RFC 5737).
pub const STRANGER: &str = "192.0.2.1:9";

/// Runs the test of this name in a network namespace of its own, where a default route leads into the loopback: whatever
/// anybody sends anywhere is a packet that the capture sees.
#[track_caller]
pub fn in_a_namespace(test: &str) {
    in_a_namespace_with(test, None);
}

/// The same, with this file as /etc/resolv.conf.
#[track_caller]
pub fn in_a_namespace_with(test: &str, resolv_conf: Option<&Path>) {
    let mount =
        resolv_conf.map(|file| format!("mount --bind {} /etc/resolv.conf && ", file.display())).unwrap_or_default();
    let script = format!(
        "{mount}ip link set lo up && ip route add default dev lo && exec \"$0\" --exact \"$1\" --ignored --nocapture"
    );
    let this = std::env::current_exe().unwrap();
    let output =
        Command::new(program("unshare")).args(["-rnm", "sh", "-c", &script]).arg(this).arg(test).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let hint = "(it takes `unshare -rnm`: user namespaces, or root)";
    assert!(output.status.success() && said.contains("1 passed"), "{test} {hint}:\n{said}");
}

/// Every packet of the namespace, from now on.
pub struct Capture {
    child: Child,
    file: PathBuf,
}

impl Capture {
    pub fn start(dir: &Path) -> Capture {
        let file = dir.join("capture.pcap");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/packet_capture.py");
        let mut command = Command::new(program("python3"));
        command.arg(script).arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        assert_eq!(&ready, b"ready\n");
        Capture { child, file }
    }

    /// Ends it; what clients sent to the broker on this port.
    pub fn end(mut self, port: u16) -> Seen {
        drop(self.child.stdin.take());
        let mut said = String::new();
        std::io::Read::read_to_string(self.child.stdout.as_mut().unwrap(), &mut said).unwrap();
        self.child.wait().unwrap();
        let counts: Vec<u64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
        assert!(counts[0] > 0 && counts[1] == 0, "packets captured and dropped: {said}");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/mqtt_in_capture.py");
        let output =
            Command::new(program("python3")).arg(script).arg(&self.file).arg(port.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        Seen { lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() }
    }
}

/// What stood in a capture.
pub struct Seen {
    lines: Vec<Json>,
}

impl Seen {
    pub fn of<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a Json> {
        self.lines.iter().filter(move |line| line["what"] == what)
    }

    /// Whom anybody called.
    pub fn flows(&self) -> BTreeSet<&str> {
        self.of("flow").map(|line| line["to"].as_str().unwrap()).collect()
    }

    /// Names that anybody looked up.
    pub fn lookups(&self) -> BTreeSet<&str> {
        self.of("lookup").map(|line| line["name"].as_str().unwrap()).collect()
    }

    /// Topic, payload, SHA-256 of each message.
    pub fn messages(&self) -> Vec<(String, Json, String)> {
        let message = |line: &Json| {
            let payload = unhex(line["payload"].as_str().unwrap());
            (text(&line["topic"]), serde_json::from_slice(&payload).unwrap(), text(&line["sha256"]))
        };
        self.of("publish").map(message).collect()
    }

    /// Topic and SHA-256, with wills or without.
    pub fn hashes(&self, what: &str) -> Vec<(String, String)> {
        let mut hashes: Vec<_> = self.of(what).map(|line| (text(&line["topic"]), text(&line["sha256"]))).collect();
        hashes.sort();
        hashes
    }

    /// Whether these letters were anywhere in what went to the broker.
    pub fn holds(&self, letters: &str) -> bool {
        self.of("bytes").any(|line| {
            let bytes = unhex(line["hex"].as_str().unwrap());
            bytes.windows(letters.len()).any(|window| window == letters.as_bytes())
        })
    }
}

pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text")).to_owned()
}

pub fn unhex(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}
