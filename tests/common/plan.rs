//! The workshop of the fault suite, put together: one device `d` that reads the ladder's counter, so that each scan is one
//! request and each value names the request that it came from; and the sinks, dead or alive.

use std::fs;
use std::path::{Path, PathBuf};

/// What the file says.
#[derive(Debug, Clone)]
pub struct Plan {
    pub plc_port: u16,
    pub every_ms: u64,
    pub commit_interval_ms: u64,
    /// Where the journal is.
    pub state: PathBuf,
    /// More lines of `[journal]`.
    pub journal: String,
    /// Registers read beside the counter, in the same request.
    pub ballast: usize,
    pub sinks: Vec<SinkPlan>,
}

/// One sink of it.
#[derive(Debug, Clone)]
pub struct SinkPlan {
    pub name: String,
    /// Its topics begin with this.
    pub prefix: String,
    pub port: u16,
    /// More lines of it.
    pub more: String,
}

/// The device.
pub const DEVICE: &str = "d";
/// Its tag that names the request.
pub const TAG: &str = "count";

impl Plan {
    /// Every 20 ms, a commit each 100 ms, the journal in `dir`, one sink `cloud`.
    pub fn new(dir: &Path, plc_port: u16, broker_port: u16) -> Plan {
        Plan {
            plc_port,
            every_ms: 20,
            commit_interval_ms: 100,
            state: dir.join("state"),
            journal: String::new(),
            ballast: 0,
            sinks: vec![SinkPlan::new("cloud", broker_port)],
        }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let Plan { plc_port, every_ms, commit_interval_ms, journal, .. } = self;
        // A request that a busy test machine answers late would be no loss of the agent's, but look like one.
        let mut text = format!(
            r#"[workshop]
enterprise = "huada"
id = "ws1"
name = "一车间"
timezone = "Asia/Shanghai"

[journal]
dir = "{}"
commit_interval = "{commit_interval_ms}ms"
{journal}

[[link]]
name = "plc"
modbus_tcp = "127.0.0.1:{plc_port}"
timeout = "10s"
retry = "100ms"
retry_max = "500ms"

[[device]]
id = "{DEVICE}"
link = "plc"
every = "{every_ms}ms"
tags = [
    {{ name = "{TAG}", address = "holding:0", type = "u32" }},
"#,
            self.state.display()
        );
        for n in 0..self.ballast {
            text += &format!("    {{ name = \"b{n}\", address = \"holding:{}\", type = \"u16\" }},\n", 8 + n);
        }
        text += "]\n";
        for SinkPlan { name, prefix, port, more } in &self.sinks {
            text += &format!(
                "\n[[sink]]\nname = \"{name}\"\nmqtt = \"mqtt://127.0.0.1:{port}\"\nallow_plaintext = true\n\
                 send = [\"*\", \"events\"]\nprefix = \"{prefix}\"\nclient_id = \"{prefix}-{name}\"\n{more}\n"
            );
        }
        text
    }

    /// Writes it into `dir`.
    pub fn write(&self, dir: &Path) -> PathBuf {
        fs::create_dir_all(dir).unwrap();
        let file = dir.join("workshop.toml");
        fs::write(&file, self.text()).unwrap();
        file
    }
}

impl SinkPlan {
    /// Its topics begin with its name.
    pub fn new(name: &str, port: u16) -> SinkPlan {
        SinkPlan { name: name.to_owned(), prefix: name.to_owned(), port, more: String::new() }
    }
}
