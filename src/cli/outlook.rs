//! What a configuration means before it runs: requests, messages, hours of outage, loss window, flash wear. Pure; all
//! figures follow from the configuration, the estimates are named as such.

mod budget;
mod server;

pub(super) use budget::{BudgetOutlook, budget_outlook};
pub(super) use server::{PeriodLoad, server_load};

use std::time::Duration;

use crate::config::dlt645::{Item, MeterAddress};
use crate::config::modbus::DataType;
use crate::config::{Config, Device, Link, Origin, Sink, Station, Tag, Transport};
use crate::model::{Deadband, ValueKind};
use crate::sink::Scope;
use crate::source::connection::silence;
use crate::source::dlt645;
use crate::source::modbus::frame::{Envelope, Query};
use crate::source::modbus::plan::{Block, plan};

/// Bytes of a commit beside its payload: WAL frames, checkpoint, file-system journal. Measured at one commit a second
/// (docs/PERFORMANCE.md).
const COMMIT_OVERHEAD: f64 = 10_000.0;

/// The payload reaches the disk twice, through the WAL and at the checkpoint.
const WRITES_OF_PAYLOAD: f64 = 2.0;

/// Bytes of a stored record beside its samples.
const RECORD_OVERHEAD: f64 = 60.0;

/// Estimated bytes of a stored sample, columnar and compressed: the first scan of a record, and each further one. A text
/// costs its bytes on top, once per record: zstd finds it again in the further scans.
const FIRST_SCAN: f64 = 2.5;
const FURTHER_SCAN: f64 = 0.9;

/// Estimated bytes of what an OPC UA server says of a sample: when it was taken and sent, and its status.
const STAMPS: f64 = 3.0;

/// A year.
const YEAR: f64 = 365.25 * 86_400.0;

/// One group of tags that is read together.
pub(super) struct GroupLoad {
    pub(super) device: String,
    pub(super) period: Duration,
    pub(super) tags: usize,
    pub(super) requests: Vec<Request>,
    /// Between an answer and the next question.
    pause: Duration,
}

/// One question to a device.
pub(super) enum Request {
    /// Registers or bits of a unit.
    Block(Block),
    /// An identifier of a meter.
    Identifier(MeterAddress, dlt645::plan::Request),
}

impl Request {
    /// `holding:0+3`, `02-01-FF-00`.
    pub(super) fn shown(&self) -> String {
        match self {
            Request::Block(block) => format!("{}:{}+{}", block.table.as_str(), block.start, block.count),
            Request::Identifier(_, request) => request.id.to_string(),
        }
    }

    /// Bytes of question and answer on this link.
    fn bytes(&self, envelope: Envelope) -> usize {
        match self {
            Request::Block(block) => {
                let query = Query { transaction: 0, unit: 1, block: *block };
                query.encode(envelope).len() + query.answer_bytes(envelope)
            }
            Request::Identifier(address, request) => {
                let query = dlt645::frame::Query { address: *address, id: request.id, follow: None };
                query.encode().len() + query.answer_bytes(request.usual_bytes())
            }
        }
    }

    /// What the device takes to answer.
    fn turnaround(&self) -> Duration {
        match self {
            Request::Block(_) => TURNAROUND,
            Request::Identifier(..) => METER_TURNAROUND,
        }
    }

    fn all_of(device: &Device, tags: &[&Tag]) -> Vec<Request> {
        let limits = device.manners.limits;
        match device.station {
            Station::Unit(_) => {
                let plan = plan(tags.iter().filter_map(|tag| tag.register()), limits);
                plan.blocks.into_iter().map(Request::Block).collect()
            }
            Station::Meter(address) => {
                let items: Vec<Item> = tags.iter().filter_map(|tag| tag.item().copied()).collect();
                let requests = dlt645::plan::plan(&items, limits.one_by_one).into_iter();
                requests.map(|request| Request::Identifier(address, request)).collect()
            }
            Station::Server => Vec::new(), // it sends by itself
        }
    }
}

/// What one link has to carry.
pub(super) struct LinkLoad {
    pub(super) groups: Vec<GroupLoad>,
    pub(super) requests_per_s: f64,
    pub(super) registers_per_s: f64,
    pub(super) bits_per_s: f64,
    pub(super) bytes_per_s: f64,
}

/// What a serial line has to carry.
pub(super) struct BusLoad {
    /// Share of its time that it is busy.
    pub(super) busy: f64,
    /// Everything read once.
    pub(super) cycle: Duration,
    /// Requests of such a cycle.
    pub(super) requests: usize,
    /// Bytes of such a cycle, both ways.
    pub(super) bytes: usize,
}

/// What a serial line has to carry; `None` on a socket. Request, answer and the silences between them take their time at
/// this speed; the device itself is taken to answer within [`TURNAROUND`].
pub(super) fn bus_load(config: &Config, link: &Link) -> Option<BusLoad> {
    let Transport::Serial(line) = &link.transport else { return None };
    let mut load = BusLoad { busy: 0.0, cycle: Duration::ZERO, requests: 0, bytes: 0 };
    let frame_gap = silence(line.character());
    for GroupLoad { period, requests, pause, .. } in link_load(config, link).groups {
        for request in &requests {
            let bytes = request.bytes(link.transport.envelope());
            // The device knows by a silence that the request is complete; we wait for one, or longer, before the next.
            let time = line.character() * bytes as u32 + frame_gap + request.turnaround() + frame_gap.max(pause);
            load.busy += time.as_secs_f64() / period.as_secs_f64();
            load.cycle += time;
            load.requests += 1;
            load.bytes += bytes;
        }
    }
    Some(load)
}

/// What meters and PLCs take to answer, typically 5 to 20 ms.
pub(super) const TURNAROUND: Duration = Duration::from_millis(10);

/// What meters of DL/T 645 take: 20 to 500 ms are allowed (5.3.4); most need less than 100 ms.
pub(super) const METER_TURNAROUND: Duration = Duration::from_millis(100);

/// What one sink has to carry, at most: report on change makes it less.
pub(super) struct SinkLoad {
    pub(super) tags: usize,
    pub(super) messages_per_day: f64,
    pub(super) bytes_per_day: f64,
}

/// What the journal has to carry.
pub(super) struct JournalLoad {
    pub(super) samples_per_s: f64,
    pub(super) stored_bytes_per_s: f64,
    pub(super) hours_of_outage: f64,
    pub(super) written_bytes_per_year: f64,
}

/// The load of one link.
pub(super) fn link_load(config: &Config, link: &Link) -> LinkLoad {
    let mut load =
        LinkLoad { groups: Vec::new(), requests_per_s: 0.0, registers_per_s: 0.0, bits_per_s: 0.0, bytes_per_s: 0.0 };
    for device in config.devices_of(&link.name) {
        for (period, tags) in device.by_period() {
            let requests = Request::all_of(device, &tags);
            let per_s = 1.0 / period.as_secs_f64();
            for request in &requests {
                load.requests_per_s += per_s;
                load.bytes_per_s += request.bytes(link.transport.envelope()) as f64 * per_s;
                let Request::Block(block) = request else { continue };
                let items = if block.table.is_bits() { &mut load.bits_per_s } else { &mut load.registers_per_s };
                *items += f64::from(block.count) * per_s;
            }
            let pause = device.manners.pause;
            load.groups.push(GroupLoad { device: device.id.to_string(), period, tags: tags.len(), requests, pause });
        }
    }
    load
}

/// The load of one sink.
pub(super) fn sink_load(config: &Config, sink: &Sink) -> SinkLoad {
    let scope = Scope::of(sink, &config.devices);
    let mut load = SinkLoad { tags: 0, messages_per_day: 0.0, bytes_per_day: 0.0 };
    for device in &config.devices {
        for (period, tags) in device.by_period() {
            let named: Vec<&Tag> =
                tags.into_iter().filter(|tag| !scope.mask(&device.id, &[tag.info()]).is_empty()).collect();
            if named.is_empty() {
                continue;
            }
            load.tags += named.len();
            let scans_per_day = 86_400.0 / period.as_secs_f64();
            let records_per_day = 86_400.0 / period.max(config.journal.commit_interval).as_secs_f64();
            let times = |tag: &Tag| tag.values_per_period() as usize;
            let scans = named.iter().map(|tag| times(tag)).max().unwrap_or_default();
            let scan_bytes: usize = 32 * scans
                + named.iter().map(|tag| times(tag) * (tag.name.len() + 4 + value_bytes(tag))).sum::<usize>();
            let envelope = 110 + device.id.len() + topic_bytes(config, sink, device);
            load.messages_per_day += records_per_day;
            load.bytes_per_day += scans_per_day * scan_bytes as f64 + records_per_day * envelope as f64;
        }
    }
    load
}

/// The load of the journal with room for `max_size` bytes.
pub(super) fn journal_load(config: &Config, max_size: u64) -> JournalLoad {
    let (mut samples_per_s, mut stored, mut shortest) = (0.0, 0.0, Duration::MAX);
    for device in &config.devices {
        for (period, tags) in device.by_period() {
            let per_record = period.max(config.journal.commit_interval).as_secs_f64();
            let scans = (per_record / period.as_secs_f64()).max(1.0);
            let texts = tags.iter().filter(|tag| matches!(tag.kind(), ValueKind::Text | ValueKind::Json));
            let mut record = RECORD_OVERHEAD + texts.map(|tag| value_bytes(tag)).sum::<usize>() as f64;
            for tag in tags {
                let samples = scans * f64::from(tag.values_per_period());
                let stamps = if tag.node().is_some() { STAMPS } else { 0.0 };
                samples_per_s += f64::from(tag.values_per_period()) / period.as_secs_f64();
                record += FIRST_SCAN + (samples - 1.0) * FURTHER_SCAN + samples * stamps;
            }
            stored += record / per_record;
            shortest = shortest.min(period);
        }
    }
    let commits_per_s =
        if samples_per_s == 0.0 { 0.0 } else { 1.0 / shortest.max(config.journal.commit_interval).as_secs_f64() };
    JournalLoad {
        samples_per_s,
        stored_bytes_per_s: stored,
        hours_of_outage: if stored == 0.0 { f64::INFINITY } else { max_size as f64 / stored / 3_600.0 },
        written_bytes_per_year: (commits_per_s * COMMIT_OVERHEAD + stored * WRITES_OF_PAYLOAD) * YEAR,
    }
}

/// Whether some readings are held back because they did not change, by report on change or by an OPC UA server.
pub(super) fn is_on_change(config: &Config) -> bool {
    let is_held_back =
        |tag: &Tag| tag.report.deadband != Deadband::None || tag.node().is_some_and(|node| node.is_subscribed);
    config.devices.iter().flat_map(|device| &device.tags).any(is_held_back)
}

/// Typical characters of a value in JSON.
fn value_bytes(tag: &Tag) -> usize {
    if let Some(names) = &tag.values {
        let (count, bytes) = names.iter().fold((0, 0), |(count, bytes), name| (count + 1, bytes + name.len()));
        return 2 + bytes / count.max(1);
    }
    let register = match &tag.origin {
        Origin::Modbus(register) => register,
        Origin::Dlt645(item) => {
            return item.format.text_length().map_or(2 * usize::from(item.format.bytes()), |length| length + 2);
        }
        Origin::OpcUa(node) => {
            return match node.kind {
                ValueKind::Bool => 5,
                ValueKind::Int | ValueKind::Float => 8,
                ValueKind::Text => 24, // names of orders and programs; nobody knows before
                ValueKind::Json => 120,
            };
        }
    };
    match register.data_type {
        DataType::U8(_) | DataType::I8(_) => 3,
        DataType::Bool | DataType::Bit(_) | DataType::U16 | DataType::I16 | DataType::Bcd16 => 5,
        DataType::U32 | DataType::I32 | DataType::F16 | DataType::F32 | DataType::Bcd32 => 7,
        DataType::U64 | DataType::I64 | DataType::F64 => 10,
        DataType::Text(form) => 2 + usize::from(form.length),
    }
}

fn topic_bytes(config: &Config, sink: &Sink, device: &Device) -> usize {
    sink.prefix.len() + config.workshop.enterprise.len() + config.workshop.id.len() + device.id.len() + 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workshop(journal: &str, tags: &str, send: &str) -> Config {
        let text = format!(
            r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "Asia/Shanghai"
[journal]
{journal}
[[link]]
name = "plc"
modbus_tcp = "127.0.0.1"
[[device]]
id = "m"
link = "plc"
tags = [{tags}]
[[sink]]
name = "s"
mqtt = "mqtts://b"
send = [{send}]
"#
        );
        Config::parse(&text).expect("the test writes valid files")
    }

    const TWO_PERIODS: &str = r#"
        { name = "a", address = "40001", type = "u16", every = "1s" },
        { name = "b", address = "40003", type = "f32", every = "1s" },
        { name = "c", address = "coil:0", type = "bool", every = "500ms" },"#;

    #[test]
    fn requests_registers_and_bytes_follow_from_plan_and_period() {
        let config = workshop("", TWO_PERIODS, "\"m\"");
        let load = link_load(&config, &config.links[0]);
        assert_eq!(load.requests_per_s, 1.0 + 2.0);
        assert_eq!(load.registers_per_s, 4.0, "the hole at 40002 is read over");
        assert_eq!(load.bits_per_s, 2.0);
        assert_eq!(load.bytes_per_s, (12.0 + 9.0 + 8.0) + 2.0 * (12.0 + 9.0 + 1.0));
    }

    #[test]
    fn a_serial_line_that_cannot_keep_its_periods_shows() {
        let load = |baud: u32| {
            let text = workshop("", TWO_PERIODS, "\"m\"");
            let link = Link {
                transport: Transport::Serial(crate::config::SerialLine {
                    path: "/dev/ttyS1".into(),
                    is_ascii: false,
                    baud,
                    data_bits: 8,
                    parity: crate::config::Parity::None,
                    stop_bits: 1,
                    rs485: false,
                }),
                ..(*text.links[0]).clone()
            };
            bus_load(&text, &link).unwrap().busy
        };
        // At 9600 8N1 a character takes 1.0417 ms. Once a second 8 + 13 of them, twice 8 + 6; three times two silences
        // of 3.5 characters and the device's 10 ms.
        let expected = (21.0 + 2.0 * 14.0 + 3.0 * 7.0) * 10.0 / 9_600.0 + 3.0 * 0.010;
        assert!((load(9_600) - expected).abs() < 0.001, "{} instead of {expected}", load(9_600));
        assert!(load(600) > 1.0);
    }

    #[test]
    fn messages_follow_from_commit_interval_and_scope() {
        let per_day = |journal, send| {
            sink_load(&workshop(journal, TWO_PERIODS, send), &workshop(journal, TWO_PERIODS, send).sinks[0])
                .messages_per_day
        };
        assert_eq!(per_day("", "\"m\""), 2.0 * 86_400.0);
        assert_eq!(per_day("commit_interval = \"10s\"", "\"m\""), 2.0 * 8_640.0);
        assert_eq!(per_day("", "\"m.c\""), 86_400.0, "two scans travel in one message a second");
    }

    #[test]
    fn ten_times_fewer_commits_wear_the_flash_far_less() {
        let at = |journal| journal_load(&workshop(journal, TWO_PERIODS, "\"m\""), 1_000_000_000);
        let (fast, slow) = (at("commit_interval = \"1s\""), at("commit_interval = \"10s\""));
        assert_eq!(fast.samples_per_s, 4.0);
        assert!(slow.written_bytes_per_year < fast.written_bytes_per_year / 3.0);
        assert!(slow.hours_of_outage > fast.hours_of_outage);
    }
}
