//! What a workshop is. A [`Config`] that exists is valid; otherwise there is a list of all [`Mistake`]s.
//! `config/workshop.toml` shows every key.

mod areas;
mod budget;
mod causes;
mod check;
mod clock;
mod device;
pub mod dlt645;
mod egress;
mod electric;
mod enterprise;
mod equipment;
mod files;
mod gather;
mod glob;
mod grade;
mod indicators;
mod library;
mod link;
mod meter;
mod metrics;
pub mod modbus;
mod names;
mod node;
pub mod opcua;
mod process;
mod profile;
mod quote;
mod read;
mod role;
mod scene;
mod schedule;
mod server;
mod sink;
mod spreadsheet;
mod table;
mod tag_type;
mod transport;
mod units;
mod write_rule;

pub use areas::Areas;
pub use budget::{Backlog, Budget, Hours, connection_bytes, ping_bytes, wire_bytes};
pub use causes::Causes;
pub use clock::{Clock, TrustRule};
pub use device::{MAX_TAGS, PERIODS};
pub use egress::Egress;
pub use electric::{Compared, Electric, Judged};
pub use enterprise::{Enterprise, is_uscc};
pub use equipment::{Equipment, PowerRule, Yardstick, power_factor_off};
pub use files::MAX_BYTES as MAX_OTHER_FILE;
pub use glob::glob;
pub use indicators::Indicators;
pub use library::{built_in_device, built_in_profiles};
pub use metrics::Metrics;
pub use names::Names;
pub use process::{Band, PIECES};
pub use quote::quoted;
pub use role::{CountRule, Counted, Medium, Role, StateMap, Unit};
pub use scene::Scene;
pub use schedule::{PlannedStop, Product, Schedule, Shift, Span, Tariff, is_meant};
pub use sink::{
    ENVELOPE_BYTES, EVENTS, INDICATORS, LONGEST_STATUS, LONGEST_TIME, LONGEST_VALUE, SCAN_BYTES, TEXT_FRAME,
    escaped_len, longest_reading,
};
pub use spreadsheet::{Row, rows_of_text, rows_of_xlsx};
pub use transport::{Parity, SerialLine, Transport};
pub use units::parse_time;
pub use write_rule::{MAX_WRITTEN_REGISTERS, WriteRule};

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::opcua::{Node, User};
use crate::model::words::config as words;
use crate::model::{Grade, Lang, Priority, ReportRule, TagInfo, Trouble, ValueKind};
use dlt645::{Item, MeterAddress};
use modbus::{DataType, Register, Scaling};

/// One workshop: everything in its file, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Who and where.
    pub workshop: Workshop,
    /// What archives say of the enterprise.
    pub enterprise: Enterprise,
    /// Limits of the journal.
    pub journal: Journal,
    /// The log of what left.
    pub egress: Egress,
    /// When the wall clock is trusted.
    pub clock: Clock,
    /// Where the metrics are served.
    pub metrics: Metrics,
    /// Physical connections.
    pub links: Vec<Arc<Link>>,
    /// The equipment ledger.
    pub devices: Vec<Arc<Device>>,
    /// Shifts, products, tariffs.
    pub schedule: Schedule,
    /// What of the figures is published.
    pub indicators: Indicators,
    /// Destinations.
    pub sinks: Vec<Arc<Sink>>,
}

/// `[workshop]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workshop {
    /// Enterprise in topics.
    pub enterprise: String,
    /// Workshop in topics.
    pub id: String,
    /// For people.
    pub name: String,
    /// IANA time zone.
    pub timezone: String,
    /// Whether `cloudward write` may write the tags that allow it. The agent itself never writes.
    pub writes: bool,
}

/// `[journal]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Directory of the journal; `None`: [`Config::state_dir`] decides.
    pub dir: Option<PathBuf>,
    /// Drop the oldest samples beyond so many bytes; `None`: the smaller of 2 GB and a quarter of the file system.
    pub max_size: Option<u64>,
    /// Drop samples older than this.
    pub max_age: Duration,
    /// Time between two commits: what a power cut can cost at most.
    pub commit_interval: Duration,
    /// What is written at all.
    pub persist: Persist,
    /// With [`Persist::Always`]: how long samples stay that every sink has.
    pub history: Duration,
    /// Free space that is left to others; `None`: the smaller of 200 MB and a twentieth of the file system.
    pub reserve: Option<u64>,
}

/// What of the data goes to the disk. Events always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persist {
    /// What some sink has not acknowledged within the commit interval.
    #[default]
    Undelivered,
    /// Everything.
    Always,
}

impl Persist {
    /// All of them.
    pub const ALL: [Persist; 2] = [Persist::Undelivered, Persist::Always];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Persist::Undelivered => "undelivered",
            Persist::Always => "always",
        }
    }

    /// The one with this word.
    pub fn parse(word: &str) -> Option<Persist> {
        Persist::ALL.into_iter().find(|persist| persist.as_str() == word)
    }
}

/// `[[link]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Unique name.
    pub name: Arc<str>,
    /// What carries it.
    pub transport: Transport,
    /// Deadline for one answer.
    pub timeout: Duration,
    /// Deadline for a connection.
    pub connect_timeout: Duration,
    /// First pause after a failed connect.
    pub retry: Duration,
    /// Longest pause.
    pub retry_max: Duration,
    /// How its devices are asked, unless they say otherwise.
    pub manners: Manners,
    /// Left alone for so long after a connection was made.
    pub pause_after_connect: Duration,
    /// Hang up when nothing is due any more.
    pub close_after_cycle: bool,
}

/// How a device wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// What one request may ask for.
    pub limits: ReadLimits,
    /// Between an answer and the next question on the link.
    pub pause: Duration,
}

/// What one request may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Registers, 1 to 125 (Modbus Application Protocol V1.1b3, 6.3).
    pub max_registers: u16,
    /// Bits, 1 to 2000 (6.1).
    pub max_bits: u16,
    /// A hole of at most so many addresses is read over rather than asked around.
    pub max_gap: u16,
    /// Each value in a request of its own.
    pub one_by_one: bool,
}

/// `[[device]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// In topics and payloads.
    pub id: Arc<str>,
    /// For people.
    pub name: Option<String>,
    /// Name of its link; `None` for a machine that is not connected.
    pub link: Option<Arc<str>>,
    /// Whom to ask on the link.
    pub station: Station,
    /// How it wants to be asked.
    pub manners: Manners,
    /// The register map that it follows, if any.
    pub profile: Option<Arc<Profile>>,
    /// Whose samples are given up first where the journal has no room for all.
    pub priority: Priority,
    /// What is read.
    pub tags: Vec<Tag>,
    /// What the ledger says of it.
    pub equipment: Arc<Equipment>,
}

impl Device {
    /// Its tags by period: each set is read together.
    pub fn by_period(&self) -> BTreeMap<Duration, Vec<&Tag>> {
        let mut groups: BTreeMap<Duration, Vec<&Tag>> = BTreeMap::new();
        for tag in &self.tags {
            groups.entry(tag.every).or_default().push(tag);
        }
        groups
    }
}

/// One of those that share a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Station {
    /// Modbus unit id.
    Unit(u8),
    /// Address of a DL/T 645 meter.
    Meter(MeterAddress),
    /// The OPC UA server of the link: a session has no address behind it.
    Server,
}

impl fmt::Display for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Station::Unit(unit) => unit.fmt(f),
            Station::Meter(address) => address.fmt(f),
            Station::Server => f.write_str("-"),
        }
    }
}

/// What a register map says of itself: the head of a file in config/profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Short name.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people who read Chinese.
    pub name_zh: String,
    /// Who makes the machine.
    pub maker: String,
    /// The document that the addresses come from.
    pub source: String,
    /// Whether readings of a real machine were compared with its display.
    pub checked: bool,
    /// What the next person should know; may be empty.
    pub note: String,
    /// The same in Chinese; may be empty.
    pub note_zh: String,
}

/// One entry of a device's `tags`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// Unique within its device.
    pub name: Arc<str>,
    /// For people.
    pub label: Option<String>,
    /// Unit of the scaled value.
    pub unit: Option<Arc<str>>,
    /// Where its value comes from.
    pub origin: Origin,
    /// `None`: as read.
    pub scaling: Option<Scaling>,
    /// Words for its numbers: the value is then a text.
    pub values: Option<Arc<Names>>,
    /// Period.
    pub every: Duration,
    /// Report on change.
    pub report: ReportRule,
    /// What kind of data it is, and what may happen to it.
    pub grade: Grade,
    /// `None`: it is only read.
    pub write: Option<WriteRule>,
    /// What it means to indicators.
    pub role: Option<Arc<Role>>,
    /// Which link of 数据自动采集 it serves, whatever its role.
    pub scene: Option<Scene>,
}

/// Where a value comes from, in the words of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A register or bit, or several in a row.
    Modbus(Register),
    /// A value of a DL/T 645 meter.
    Dlt645(Item),
    /// A value of an OPC UA server.
    OpcUa(Arc<Node>),
}

impl Tag {
    /// The kind of the reported value.
    pub fn kind(&self) -> ValueKind {
        let of_device = match &self.origin {
            Origin::Modbus(register) => match register.data_type {
                DataType::Text(_) => ValueKind::Text,
                DataType::Bool | DataType::Bit(_) => ValueKind::Bool,
                DataType::F16 | DataType::F32 | DataType::F64 => ValueKind::Float,
                _ => ValueKind::Int,
            },
            Origin::Dlt645(item) => item.format.kind(),
            Origin::OpcUa(node) => node.kind,
        };
        match (of_device, self.scaling) {
            _ if self.values.is_some() => ValueKind::Text,
            (ValueKind::Int, Some(_)) => ValueKind::Float,
            (kind, _) => kind,
        }
    }

    /// Its place in a Modbus device, if it is of one.
    pub fn register(&self) -> Option<&Register> {
        match &self.origin {
            Origin::Modbus(register) => Some(register),
            Origin::Dlt645(_) | Origin::OpcUa(_) => None,
        }
    }

    /// Its place in a meter, if it is of one.
    pub fn item(&self) -> Option<&Item> {
        match &self.origin {
            Origin::Dlt645(item) => Some(item),
            Origin::Modbus(_) | Origin::OpcUa(_) => None,
        }
    }

    /// Its place in an OPC UA server, if it is of one.
    pub fn node(&self) -> Option<&Node> {
        match &self.origin {
            Origin::OpcUa(node) => Some(node),
            Origin::Modbus(_) | Origin::Dlt645(_) => None,
        }
    }

    /// Bytes of the text that its device sends, at most, if it is one.
    pub fn text_length(&self) -> Option<usize> {
        match &self.origin {
            Origin::Modbus(Register { data_type: DataType::Text(form), .. }) => Some(usize::from(form.length)),
            Origin::Modbus(_) => None,
            Origin::Dlt645(item) => item.format.text_length(),
            Origin::OpcUa(node) => (node.kind == ValueKind::Text).then_some(Node::MAX_TEXT),
        }
    }

    /// Whether its protocol says source time, server time and status code with each value.
    pub fn has_stamps(&self) -> bool {
        self.node().is_some()
    }

    /// Values that come in one period, at most: a server that looks more often than it sends keeps several.
    pub fn values_per_period(&self) -> u32 {
        match self.node() {
            Some(node) if node.is_subscribed => node.queue.min(Node::usual_queue(self.every, node.sampling)),
            _ => 1,
        }
    }

    /// What journal and sinks need of it.
    pub fn info(&self) -> TagInfo {
        TagInfo {
            name: self.name.clone(),
            unit: self.unit.clone(),
            kind: self.kind(),
            report: self.report,
            grade: self.grade,
        }
    }
}

/// `[[sink]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Unique name; cursors are kept under it.
    pub name: Arc<str>,
    /// Broker host.
    pub host: String,
    /// Broker port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// MQTT user name.
    pub user: Option<String>,
    /// Where the password is.
    pub password: Option<SecretSource>,
    /// MQTT client id.
    pub client_id: String,
    /// First part of every topic.
    pub prefix: String,
    /// MQTT keep-alive.
    pub keep_alive: Duration,
    /// Reconnect when a message stays unacknowledged so long.
    pub ack_timeout: Duration,
    /// Messages in flight.
    pub window: usize,
    /// Largest message in bytes.
    pub max_message: usize,
    /// Longest pause between attempts to reach the broker.
    pub retry_max: Duration,
    /// What goes first when it has fallen behind.
    pub backlog: Backlog,
    /// What it may use of its line.
    pub budget: Budget,
    /// What may leave: the entries of `send`, each valid.
    pub send: Vec<String>,
    /// Tags of a guarded level that may leave all the same, `device.tag` in full; each is opened by `send` too.
    pub send_important: Vec<String>,
}

/// How a broker connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// Not at all: only with `allow_plaintext = true`.
    Plaintext,
    /// TLS with a verified name.
    Tls {
        /// CA in PEM; `None`: the system's roots.
        ca_file: Option<PathBuf>,
        /// Client certificate in PEM, and where its key is.
        client: Option<(PathBuf, SecretSource)>,
    },
}

/// Where a secret is. The secret itself never stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file.
    File(PathBuf),
    /// A systemd credential: a file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// An environment variable.
    Env(String),
}

/// One mistake in a configuration file, or in a file that it takes tags from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mistake {
    /// `None`: the configuration itself.
    pub file: Option<OtherFile>,
    /// Line, or row of a table, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub trouble: Trouble,
}

/// A file that a configuration takes tags from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OtherFile {
    /// As the configuration names it.
    pub name: Arc<str>,
    /// Whether people count its rows rather than its lines.
    pub is_table: bool,
}

impl Mistake {
    /// `line 5: ...`, as `check` prints it; `press.csv, row 5: ...` for another file.
    pub fn show(&self, lang: Lang) -> String {
        let (line, said) = (self.line, self.trouble.line(lang));
        let text = match (lang, &self.file) {
            (Lang::En, None) => format!("line {line}: {said}"),
            (Lang::Zh, None) => format!("第 {line} 行：{said}"),
            (Lang::En, Some(OtherFile { name, is_table: false })) => format!("{name}, line {line}: {said}"),
            (Lang::En, Some(OtherFile { name, is_table: true })) => format!("{name}, row {line}: {said}"),
            (Lang::Zh, Some(OtherFile { name, .. })) => format!("{name} 第 {line} 行：{said}"),
        };
        text.replace(char::is_control, "?") // a file must not steer the terminal that shows its mistakes
    }
}

impl Config {
    /// The workshop that `text` describes, or all mistakes in it, in the order of their lines.
    /// Profiles and tables that are files of their own are not read: see [`Config::parse_with`].
    pub fn parse(text: &str) -> Result<Config, Vec<Mistake>> {
        Config::parse_with(text, &|path| {
            let trouble = Trouble::new(words::FILE_UNREADABLE).with("path", path);
            Err(trouble.with("found", "no files are read here"))
        })
    }

    /// The same, with `read` to get the files that the text names. It is given the path as it stands there, and keeps
    /// to [`MAX_OTHER_FILE`] bytes.
    pub fn parse_with(text: &str, read: &dyn Fn(&str) -> Result<Vec<u8>, Trouble>) -> Result<Config, Vec<Mistake>> {
        check::parse(text, &files::Files::new(read))
    }

    /// Where the journal lives when the file names no directory: systemd's state directory, else `state` beside the file.
    pub fn state_dir(&self, config_file: &Path, systemd: Option<&Path>) -> PathBuf {
        let beside = config_file.parent().unwrap_or(Path::new("."));
        match (&self.journal.dir, systemd) {
            (Some(dir), _) => beside.join(dir),
            (None, Some(dir)) => dir.to_owned(),
            (None, None) => beside.join("state"),
        }
    }

    /// The same with every file that is named relative to the configuration's own folder, wherever the agent is started.
    pub fn anchored(mut self, config_file: &Path) -> Config {
        let folder = config_file.parent().unwrap_or(Path::new("."));
        for device in self.devices.iter_mut().filter(|device| device.equipment.photo.is_some()) {
            let equipment = Arc::make_mut(&mut Arc::make_mut(device).equipment);
            equipment.photo.iter_mut().for_each(|path| *path = folder.join(&path));
        }
        let secret = |source: &mut SecretSource| {
            if let SecretSource::File(path) = source {
                *path = folder.join(&path);
            }
        };
        for link in &mut self.links {
            if link.transport.is_opcua()
                && let Transport::OpcUa(server) = &mut Arc::make_mut(link).transport
            {
                match &mut server.user {
                    User::Anonymous => {}
                    User::Password { password, .. } => secret(password),
                    User::Certificate { file, key } => {
                        *file = folder.join(&file);
                        secret(key);
                    }
                }
            }
        }
        for sink in &mut self.sinks {
            let sink = Arc::make_mut(sink);
            sink.password.iter_mut().for_each(secret);
            if let Security::Tls { ca_file, client } = &mut sink.security {
                ca_file.iter_mut().for_each(|path| *path = folder.join(&path));
                client.iter_mut().for_each(|(certificate, key)| {
                    *certificate = folder.join(&certificate);
                    secret(key);
                });
            }
        }
        self
    }

    /// The tags that may be written, each with its device, whether or not the workshop's switch is on.
    pub fn writable(&self) -> impl Iterator<Item = (&Arc<Device>, &Tag)> {
        let tags = self.devices.iter().flat_map(|device| device.tags.iter().map(move |tag| (device, tag)));
        tags.filter(|(_, tag)| tag.write.is_some())
    }

    /// The devices behind a link.
    pub fn devices_of<'a>(&'a self, link: &'a str) -> impl Iterator<Item = &'a Arc<Device>> {
        self.devices.iter().filter(move |device| device.link.as_deref() == Some(link))
    }
}
