//! A workshop with one OPC UA link: a foreign server, maybe a gate before it, a broker, a receiver, and the agent.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::agent::{Agent, run_to_end};
use super::common::broker::{Mosquitto, Setup};
use super::common::gate::Gate;
use super::common::opcua::{Kind, MACHINE_URI, Server};
use super::common::receiver::Receiver;
use super::common::{temp_dir, wait_for};

/// How the link is protected, and who logs in.
#[derive(Clone, Debug)]
pub struct Way {
    pub security: &'static str,
    pub policy: Option<&'static str>,
    /// Lines of the link.
    pub user: String,
}

impl Way {
    pub fn secured() -> Way {
        let user = "user = \"gateway\"\npassword_file = \"password\"\n".to_owned();
        Way { security: "sign_and_encrypt", policy: Some("Basic256Sha256"), user }
    }

    pub fn plain() -> Way {
        Way { security: "none", policy: None, user: String::new() }
    }
}

/// A tag of the machine, as it stands in the file.
pub fn tag(name: &str, node: &str, more: &str) -> String {
    format!("    {{ name = \"{name}\", address = \"nsu={MACHINE_URI};s={node}\", {more} }},\n")
}

pub struct Bench {
    pub server: Server,
    pub gate: Option<Gate>,
    pub agent: Option<Agent>,
    pub receiver: Receiver,
    pub dir: tempfile::TempDir,
    _broker: Mosquitto,
    way: Way,
    device: String,
}

impl Bench {
    /// Everything but the agent. `tags` are those of the device `m`, `device` more of its keys.
    pub fn new(kind: Kind, options: &[&str], way: Way, device: &str, tags: &str) -> Bench {
        let dir = temp_dir();
        let server = Server::start(kind, options);
        let broker = Mosquitto::start_in(dir.path(), Setup::default());
        let receiver = Receiver::start(broker.plain_port, dir.path());
        fs::write(dir.path().join("password"), "s3cret").unwrap();
        let device = format!("{device}\ntags = [\n{tags}]\n");
        Bench { server, gate: None, agent: None, receiver, dir, _broker: broker, way, device }
    }

    /// Puts a gate before the server; it is open.
    pub fn with_gate(mut self) -> Bench {
        let mut gate = Gate::before(self.server.port);
        gate.open();
        self.gate = Some(gate);
        self
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("workshop.toml")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Writes the file, and has both sides trust each other, unless nothing is protected.
    pub fn write(&self) {
        let port = self.gate.as_ref().map_or(self.server.port, Gate::port);
        let Way { security, policy, user } = &self.way;
        let policy = policy.map(|policy| format!("policy = \"{policy}\"\n")).unwrap_or_default();
        let text = format!(
            "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\ntimezone = \"Asia/Shanghai\"\n\
             [journal]\ndir = \"state\"\ncommit_interval = \"200ms\"\n\
             [[link]]\nname = \"machine\"\nopcua = \"opc.tcp://127.0.0.1:{port}\"\nsecurity = \"{security}\"\n{policy}{user}\
             retry = \"500ms\"\nretry_max = \"2s\"\n\
             [[device]]\nid = \"m\"\nlink = \"machine\"\n{}\n\
             [[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{}\"\nallow_plaintext = true\nsend = [\"*\", \"events\"]\n",
            self.device, self._broker.agent_port
        );
        fs::write(self.config(), text).unwrap();
    }

    /// What a person does: our certificate to the server, the server's to us.
    pub fn introduce(&self) {
        let config = self.config();
        let config = config.to_str().unwrap();
        let ours = self.dir.path().join("ours.der");
        let exported =
            run_to_end(&["cert", "export", "--config", config, "--force", "--output", ours.to_str().unwrap()]);
        assert_eq!(exported.code, Some(0), "{exported:?}");
        self.server.trust_client(&fs::read(ours).unwrap());
        self.pin();
    }

    /// The server's certificate to us.
    pub fn pin(&self) {
        let config = self.config();
        let fingerprint = sha256(&self.server.certificate());
        let trusted =
            run_to_end(&["trust", "machine", "--config", config.to_str().unwrap(), "--fingerprint", &fingerprint]);
        assert_eq!(trusted.code, Some(0), "{trusted:?}");
    }

    /// Everything, with the agent running and its first value at the receiver.
    pub fn start(mut self) -> Bench {
        self.write();
        if self.way.security != "none" {
            self.introduce();
        }
        self.agent = Some(Agent::start(&self.config(), self.dir.path()));
        self.wait_for_values(0);
        self
    }

    pub fn log(&self) -> String {
        self.agent.as_ref().unwrap().log()
    }

    /// Data messages so far, parsed.
    pub fn messages(&self) -> Vec<Value> {
        let data = self.receiver.messages().into_iter().filter(|message| message.topic.ends_with("/data"));
        data.map(|message| serde_json::from_slice(&message.payload).unwrap()).collect()
    }

    /// Every scan so far, in the order of arrival.
    pub fn samples(&self) -> Vec<Value> {
        self.messages().iter().flat_map(|message| message["samples"].as_array().unwrap().clone()).collect()
    }

    /// Every value of a tag so far.
    pub fn values(&self, tag: &str) -> Vec<Value> {
        let samples = self.samples();
        samples.iter().filter_map(|sample| sample["values"].get(tag).cloned()).collect()
    }

    pub fn numbers(&self, tag: &str) -> Vec<f64> {
        self.values(tag).iter().filter_map(Value::as_f64).collect()
    }

    /// Bad words of a tag so far.
    pub fn bad(&self, tag: &str) -> Vec<String> {
        let samples = self.samples();
        samples.iter().filter_map(|sample| Some(sample["bad"].get(tag)?.as_str()?.to_owned())).collect()
    }

    /// Waits until a tag of the machine that changes all the time has been heard of after the first `from` messages.
    #[track_caller]
    pub fn wait_for_values(&self, from: usize) {
        wait_for("values from the server", || {
            let messages = self.messages();
            let has_values = |message: &Value| {
                message["samples"].as_array().unwrap().iter().any(|sample| sample.get("values").is_some())
            };
            messages.get(from..).unwrap_or_default().iter().any(has_values).then_some(())
        });
    }

    /// How long it takes from now until a value of `tag` arrives that was not there before.
    #[track_caller]
    pub fn time_to_data(&self, tag: &str) -> Duration {
        let (start, known) = (Instant::now(), self.values(tag).len());
        wait_for(&format!("{tag} again; the log:\n{}", self.log()), || (self.values(tag).len() > known).then_some(()));
        start.elapsed()
    }

    /// How often a step of the ladder was told, by its word.
    pub fn steps(&self, step: &str) -> usize {
        self.log()
            .lines()
            .filter(|line| line.contains("CW266") && line.contains(&format!("step taken: {step}")))
            .count()
    }
}

/// In the hexadecimal digits of a fingerprint.
pub fn sha256(der: &[u8]) -> String {
    use std::io::Write;
    let mut child = Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(der).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap().to_owned()
}

/// Numbers between the first and the last of a rising count that are missing.
pub fn gaps(counts: &[f64]) -> Vec<i64> {
    let seen: std::collections::BTreeSet<i64> = counts.iter().map(|count| *count as i64).collect();
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return Vec::new() };
    (*first..=*last).filter(|count| !seen.contains(count)).collect()
}
