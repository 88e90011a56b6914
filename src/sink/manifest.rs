//! The manifest: what leaves through each sink, in which form and how much of it at most, and what stays. Pure: it follows from
//! the configuration, by the same scope, topics and encoders that make the messages.
//!
//! The rule: its JSON is stable. Keys are added, never renamed; [`VERSION`] says so otherwise.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Mask, Scope, Topics, Verdict, payload};
use crate::config::{self, Config, Device, ENVELOPE_BYTES, SCAN_BYTES, Security, Sink, Tag};
use crate::model::ledger::{HourReport, Tally};
use crate::model::{
    BootId, ClockMark, ClockState, DataRecord, Deadband, Event, EventRecord, FigureReport, Group, IndicatorReport,
    LinkState, PeriodReport, Previous, Reading, Scan, Seq, Stamp, State, StateReport, StopReport, TagInfo, Timestamp,
    TrustedBy, Value, ValueKind,
};

/// Of the JSON.
pub const VERSION: u32 = 1;

/// Everything that leaves.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// [`VERSION`].
    pub manifest: u32,
    /// As in topics.
    pub enterprise: String,
    /// As in topics.
    pub workshop: String,
    /// One by one.
    pub sinks: Vec<SinkManifest>,
}

/// What leaves through one sink.
#[derive(Debug, Clone, Serialize)]
pub struct SinkManifest {
    /// The sink's name.
    pub sink: String,
    /// Whither.
    pub broker: Broker,
    /// Every tag that leaves, in the order of the configuration.
    pub tags: Vec<LeavingTag>,
    /// Whether link changes, drops and other events leave.
    pub events: bool,
    /// Whether indicators leave.
    pub indicators: bool,
    /// The forms of its messages.
    pub messages: Vec<Form>,
    /// How much, in a healthy hour.
    pub load: Load,
    /// What does not leave.
    pub stays: Stays,
}

/// A destination, and what its login tells.
#[derive(Debug, Clone, Serialize)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// MQTT client id, part of each login.
    pub client_id: String,
    /// MQTT user, part of each login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// A tag that leaves.
#[derive(Debug, Clone, Serialize)]
pub struct LeavingTag {
    /// `device.tag`.
    pub tag: String,
    /// The device's id.
    pub device: String,
    /// The tag's name, as in the payload.
    pub name: String,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Kind of its value.
    pub r#type: &'static str,
    /// Class of data.
    pub class: &'static str,
    /// Level of data.
    pub level: &'static str,
    /// It is read so often.
    pub every_ms: u64,
    /// When a reading is sent.
    pub report: Report,
    /// Under which topic.
    pub topic: String,
}

/// When a reading is sent.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Only when it changed; otherwise each reading is sent.
    pub on_change: bool,
    /// By more than this, in the tag's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadband: Option<f64>,
    /// By more than so much of the value sent last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadband_percent: Option<f64>,
    /// Unchanged, it is sent so often all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_silence_ms: Option<u64>,
}

/// The form of one kind of message.
#[derive(Debug, Clone, Serialize)]
pub struct Form {
    /// `data`, `birth`, `event`, `state` or `will`: the words of the egress log.
    pub kind: &'static str,
    /// The topic.
    pub topic: String,
    /// Whose data they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Whether the broker keeps the last one.
    pub retained: bool,
    /// Keys of the JSON; below `samples` those of each sample.
    pub fields: &'static [&'static str],
    /// A payload as it could be; of data no more than the first few tags.
    pub example: Box<RawValue>,
}

/// How much leaves in an hour without an outage: what an outage kept back comes on top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Load {
    /// Messages with samples, at most.
    pub messages_per_hour_at_most: f64,
    /// Bytes of their payloads, if every value were as long as can be.
    pub bytes_per_hour_at_most: f64,
    /// Bytes of their payloads, with values as long as usual and every reading reported.
    pub bytes_per_hour_about: f64,
}

/// What does not leave.
#[derive(Debug, Clone, Serialize)]
pub struct Stays {
    /// How many tags.
    pub count: usize,
    /// Those that `send` names, and that stay because they are important or core and `send_important` does not.
    pub named_once: Vec<String>,
    /// All of them, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<StayingTag>>,
}

/// A tag that stays.
#[derive(Debug, Clone, Serialize)]
pub struct StayingTag {
    /// `device.tag`.
    pub tag: String,
    /// Class of data.
    pub class: &'static str,
    /// Level of data.
    pub level: &'static str,
}

impl Manifest {
    /// Of all sinks, or of the one with this name; with all tags that stay if `all`.
    pub fn of(config: &Config, sink: Option<&str>, all: bool) -> Manifest {
        let sinks = config.sinks.iter().filter(|known| sink.is_none_or(|name| *known.name == *name));
        Manifest {
            manifest: VERSION,
            enterprise: config.workshop.enterprise.clone(),
            workshop: config.workshop.id.clone(),
            sinks: sinks.map(|sink| SinkManifest::of(config, sink, all)).collect(),
        }
    }
}

impl SinkManifest {
    fn of(config: &Config, sink: &Sink, all: bool) -> SinkManifest {
        let scope = Scope::of(sink, &config.devices);
        let topics = Topics::new(&sink.prefix, &config.workshop);
        let (mut tags, mut staying, mut named_once) = (Vec::new(), Vec::new(), Vec::new());
        for device in &config.devices {
            for tag in &device.tags {
                let name = format!("{}.{}", device.id, tag.name);
                match scope.verdict(&device.id, &tag.name, tag.grade) {
                    Verdict::Leaves => tags.push(LeavingTag::of(device, tag, &topics)),
                    verdict => {
                        if verdict == Verdict::NamedOnce {
                            named_once.push(name.clone());
                        }
                        let (class, level) = (tag.grade.class.as_str(), tag.grade.level.as_str());
                        staying.push(StayingTag { tag: name, class, level });
                    }
                }
            }
        }
        SinkManifest {
            sink: sink.name.to_string(),
            broker: Broker {
                host: sink.host.clone(),
                port: sink.port,
                tls: sink.security != Security::Plaintext,
                client_id: sink.client_id.clone(),
                user: sink.user.clone(),
            },
            tags,
            events: scope.events(),
            indicators: scope.indicators(),
            messages: forms(config, &scope, &topics),
            load: load(config, &scope),
            stays: Stays { count: staying.len(), named_once, tags: all.then_some(staying) },
        }
    }
}

impl LeavingTag {
    fn of(device: &Device, tag: &Tag, topics: &Topics) -> LeavingTag {
        LeavingTag {
            tag: format!("{}.{}", device.id, tag.name),
            device: device.id.to_string(),
            name: tag.name.to_string(),
            unit: tag.unit.as_deref().map(str::to_owned),
            r#type: tag.kind().as_str(),
            class: tag.grade.class.as_str(),
            level: tag.grade.level.as_str(),
            every_ms: milliseconds(tag.every),
            report: Report::of(tag),
            topic: topics.data(&device.id),
        }
    }
}

impl Report {
    fn of(tag: &Tag) -> Report {
        let is_told = tag.node().is_some_and(|node| node.is_subscribed); // an OPC UA server tells what has changed
        let on_change = is_told || tag.report.deadband != Deadband::None;
        let (deadband, deadband_percent) = match tag.report.deadband {
            Deadband::None => (None, None),
            Deadband::Absolute(limit) => (Some(limit), None),
            Deadband::Percent(limit) => (None, Some(limit)),
        };
        let max_silence_ms = on_change.then(|| milliseconds(tag.report.max_silence));
        Report { on_change, deadband, deadband_percent, max_silence_ms }
    }
}

const DATA: &[&str] =
    &["device", "id", "prev", "samples", "samples.ts", "samples.values", "samples.uncertain", "samples.bad"];
const DATA_OF_OPCUA: &[&str] = &[
    "device",
    "id",
    "prev",
    "samples",
    "samples.ts",
    "samples.values",
    "samples.uncertain",
    "samples.bad",
    "samples.source_ts",
    "samples.server_ts",
    "samples.status",
];
const BIRTH: &[&str] = &["device", "name", "boot", "ts", "tags", "tags.name", "tags.unit", "tags.type"];
const LINK_EVENT: &[&str] = &["id", "prev", "ts", "event", "link", "state", "why"];
const DROPPED_EVENT: &[&str] = &["id", "prev", "ts", "event", "samples", "cause"];
const STARTED_EVENT: &[&str] = &["id", "prev", "ts", "event", "previous", "missing"];
const CLOCK_EVENT: &[&str] = &["id", "prev", "ts", "event", "state", "by", "step_ms", "offset_ms"];
const LEDGER_EVENT: &[&str] = &["id", "prev", "ts", "event", "hour", "device", "expected", "good"];
const STATE_EVENT: &[&str] = &["id", "prev", "ts", "event", "device", "state", "cause", "text", "since"];
const INDICATOR_EVENT: &[&str] = &[
    "id",
    "prev",
    "ts",
    "event",
    "device",
    "period",
    "period.kind",
    "period.name",
    "period.date",
    "period.start",
    "period.end",
    "revision",
    "quality",
    "coverage",
    "flags",
    "time_ms",
    "figures",
    "stops",
    "stops.state",
    "stops.cause",
    "stops.text",
    "stops.count",
    "stops.ms",
    "formula",
];
const DEVICE_STATE: &[&str] = &["ts", "device", "state", "cause", "text", "since"];
const ONLINE: &[&str] = &["online", "boot", "ts"];
const OFFLINE: &[&str] = &["online", "boot"];

/// Tags of an example: enough to see the form.
const SHOWN: usize = 5;

/// Of the examples: 2026-01-01, a start and positions that could be.
const AT: Timestamp = Timestamp(1_767_225_600_000);
const BOOT: BootId = BootId(0x5f0c_21b7_a3e9);
const SEQ: Seq = 1_042;

fn forms(config: &Config, scope: &Scope, topics: &Topics) -> Vec<Form> {
    let form = |kind, topic, device: Option<&Device>, retained, fields, example: Vec<u8>| Form {
        kind,
        topic,
        device: device.map(|device| device.id.to_string()),
        retained,
        fields,
        example: raw(example),
    };
    let mut forms = Vec::new();
    for device in &config.devices {
        let Some(birth) = payload::birth(device, scope, BOOT, AT) else { continue };
        let leaving: Vec<&Tag> = device.tags.iter().filter(|tag| leaves(scope, device, tag)).collect();
        let first = leaving.first().map(|tag| tag.every);
        let shown: Vec<&Tag> = leaving.iter().copied().filter(|tag| Some(tag.every) == first).take(SHOWN).collect();
        let fields = if shown.iter().any(|tag| tag.has_stamps()) { DATA_OF_OPCUA } else { DATA };
        let example = example(device, &shown, scope, 1);
        forms.push(form("data", topics.data(&device.id), Some(device), false, fields, example));
        forms.push(form("birth", topics.birth(&device.id), Some(device), true, BIRTH, birth));
    }
    if scope.events() {
        let link = config.links.first().map_or("link", |link| &link.name).to_owned();
        let link = Event::Link { link, state: LinkState::Down, why: Some("timeout".into()) };
        let dropped = Event::Dropped { samples: 1_200, cause: "max_size".into() };
        let started = Event::Started { previous: Previous::Clean, missing: 0 };
        let (state, by) = (ClockState::Trusted, Some(TrustedBy::Ntp));
        let clock = Event::Clock { state, by, step_ms: Some(-1_500), offset_ms: Some(AT.0 - 60_000) };
        let device = config.devices.first().map_or("device", |device| &device.id).to_owned();
        let tally = Tally { expected: 3_600, good: 3_600, ..Tally::default() };
        let ledger = Event::Ledger(HourReport { hour: AT.0, device, tally });
        for (event, fields) in [
            (link, LINK_EVENT),
            (dropped, DROPPED_EVENT),
            (started, STARTED_EVENT),
            (clock, CLOCK_EVENT),
            (ledger, LEDGER_EVENT),
        ] {
            let record = EventRecord { seq: 7, boot: BOOT, at: AT, clock: ClockMark::Trusted, mono_ms: None, event };
            forms.push(form("event", topics.events(), None, false, fields, payload::event(&record, 6)));
        }
    }
    if let Some(device) = config.devices.first().filter(|_| scope.indicators()) {
        let (state, indicator) = indicators(device);
        let kept = payload::device_state(&state, AT);
        let all = [(Event::State(state), STATE_EVENT), (Event::Indicator(Box::new(indicator)), INDICATOR_EVENT)];
        for (event, fields) in all {
            let record = EventRecord { seq: 7, boot: BOOT, at: AT, clock: ClockMark::Trusted, mono_ms: None, event };
            forms.push(form("event", topics.events(), None, false, fields, payload::event(&record, 6)));
        }
        forms.push(form("state", topics.device_state("+"), None, true, DEVICE_STATE, kept));
    }
    forms.push(form("state", topics.state(), None, true, ONLINE, payload::online(BOOT, AT)));
    forms.push(form("will", topics.state(), None, true, OFFLINE, payload::offline(BOOT)));
    forms
}

/// What a machine does, and figures of an hour of it, with one of the figures for all.
fn indicators(device: &Device) -> (StateReport, IndicatorReport) {
    let id = device.id.to_string();
    let (cause, text) = ("E-102".to_owned(), "模具未合紧".to_owned());
    let state = StateReport {
        device: id.clone(),
        state: State::Fault,
        cause: cause.clone(),
        text: text.clone(),
        since: AT.0 - 40,
    };
    let period = PeriodReport {
        kind: "shift".into(),
        name: Some("day".into()),
        date: "2026-01-01".into(),
        start: AT.0 - 3_600_000,
        end: AT.0,
    };
    let units = ["ms".into(), "ms".into(), "1".into()];
    let availability =
        FigureReport { id: "O3".into(), value: Some(0.9), num: Some(3_240_000.0), den: Some(3_600_000.0), units };
    let indicator = IndicatorReport {
        device: id,
        period,
        revision: 0,
        quality: Some("ok".into()),
        coverage: Some(1.0),
        flags: vec!["no_count".into()],
        time_ms: [("run".into(), 3_240_000), ("fault".into(), 360_000)].into(),
        figures: [("availability".into(), availability)].into(),
        stops: vec![StopReport { state: State::Fault, cause, text, count: 1, ms: 360_000 }],
        formula: "iso22400-2:2014/1".into(),
    };
    (state, indicator)
}

fn leaves(scope: &Scope, device: &Device, tag: &Tag) -> bool {
    scope.verdict(&device.id, &tag.name, tag.grade) == Verdict::Leaves
}

/// The payload of these tags of one device with so many scans, by the encoder itself.
fn example(device: &Device, tags: &[&Tag], scope: &Scope, scans: usize) -> Vec<u8> {
    let infos: Vec<TagInfo> = tags.iter().map(|tag| tag.info()).collect();
    let mask: Mask = scope.mask(&device.id, &infos);
    let every = tags.first().map_or(Duration::from_secs(1), |tag| tag.every);
    let has_stamps = tags.iter().any(|tag| tag.has_stamps());
    let scan = |n: usize| {
        let at = Timestamp(AT.0 + n as i64 * every.as_millis() as i64);
        let stamp = Stamp { source: Some(Timestamp(at.0 - 40)), server: None, status: 0 };
        Scan {
            at,
            mono_ms: 0,
            readings: tags.iter().map(|tag| Some(Reading::Good(usual(tag)))).collect(),
            stamps: has_stamps.then(|| vec![stamp; tags.len()].into()),
        }
    };
    let group = Arc::new(Group::new(device.id.clone(), every, infos));
    let record =
        DataRecord { seq: SEQ, boot: BOOT, group, clock: ClockMark::Trusted, scans: (0..scans).map(scan).collect() };
    payload::data(&record, &mask, SEQ - 1).unwrap_or_default()
}

/// A value such as a tag usually has.
fn usual(tag: &Tag) -> Value {
    match tag.kind() {
        ValueKind::Bool => Value::Bool(true),
        ValueKind::Int => Value::I64(1_234),
        ValueKind::Float => Value::F64(231.5),
        ValueKind::Text => match &tag.values {
            Some(names) => Value::Text(names.iter().next().unwrap_or_default().into()),
            None => Value::Text("A-1042".into()),
        },
        ValueKind::Json => Value::Json("[1.5,2.5,3.5]".into()),
    }
}

fn load(config: &Config, scope: &Scope) -> Load {
    const HOUR: f64 = 3_600.0;
    /// While the broker answers, records are made twice in each commit interval, so that what is acknowledged in time is
    /// never written.
    const TURNS: f64 = 2.0;
    let turns = TURNS * HOUR / config.journal.commit_interval.as_secs_f64();
    let mut load = Load::default();
    for device in &config.devices {
        for (period, tags) in device.by_period() {
            let tags: Vec<&Tag> = tags.into_iter().filter(|tag| leaves(scope, device, tag)).collect();
            if tags.is_empty() {
                continue;
            }
            let periods = HOUR / period.as_secs_f64();
            let times = |tag: &Tag| f64::from(tag.values_per_period());
            let scans = periods * tags.iter().map(|tag| times(tag)).fold(1.0, f64::max);
            let messages = scans.min(turns);
            let longest: f64 = tags.iter().map(|tag| times(tag) * config::longest_reading(tag) as f64).sum();
            let one = example(device, &tags, scope, 1).len() as f64;
            let scan = example(device, &tags, scope, 2).len() as f64 - one;
            load.messages_per_hour_at_most += messages;
            load.bytes_per_hour_at_most +=
                messages * ENVELOPE_BYTES as f64 + scans * SCAN_BYTES as f64 + periods * longest;
            load.bytes_per_hour_about += messages * (one - scan) + scans * scan;
        }
    }
    load
}

fn raw(json: Vec<u8>) -> Box<RawValue> {
    let text = String::from_utf8(json).expect("the encoders write UTF-8");
    RawValue::from_string(text).expect("the encoders write JSON")
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
