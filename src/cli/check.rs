//! `cloudward check`: validates a file and prints what it means.

mod budget;
mod live;
mod server;

use std::process::ExitCode;
use std::sync::Arc;

use super::egress;
use super::learned;
use super::load::load_or_explain;
use super::outlook::{self, BusLoad, LinkLoad, METER_TURNAROUND, Request, TURNAROUND};
use super::run::state_dir;
use super::{ConfigArgs, fail, say};
use crate::agent::{max_size, reserve};
use crate::config::dlt645::{Item, Known};
use crate::config::modbus::{DataType, Register, Table};
use crate::config::{Config, Device, Link, Origin, Persist, Security, Sink, Station, Transport};
use crate::model::time::{show_bytes, show_span};
use crate::model::words::evidence;
use crate::model::{Lang, Trouble, ValueKind};

#[derive(clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Also ask the meters once, and compare power with voltage and current: finds a wrong transformer ratio. It only reads.
    #[arg(long)]
    live: bool,
}

pub(super) fn check(args: &CheckArgs) -> ExitCode {
    let path = &args.config.config;
    let config = match load_or_explain(path) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let state_dir = state_dir(&config, path);
    let max_size = max_size(&config, &state_dir);
    let report = Report { config: &config, lang: Lang::current() };
    report.head();
    for link in &config.links {
        report.link(link);
        learned::lines(&config, link, &state_dir, report.lang).iter().for_each(say);
    }
    report.unconnected();
    report.meters_that_count();
    report.writing();
    config.sinks.iter().for_each(|sink| report.sink(sink));
    report.journal(max_size, reserve(&config, &state_dir), &state_dir.display().to_string());
    if args.live { report.live() } else { ExitCode::SUCCESS }
}

/// `1 link`, `2 links`.
fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

struct Report<'a> {
    config: &'a Config,
    lang: Lang,
}

impl Report<'_> {
    /// Picks the sentence in the language of the process.
    fn say(&self, en: String, zh: String) {
        say(match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        });
    }

    fn head(&self) {
        let workshop = &self.config.workshop;
        let (links, devices, sinks) = (self.config.links.len(), self.config.devices.len(), self.config.sinks.len());
        let tags: usize = self.config.devices.iter().map(|device| device.tags.len()).sum();
        let (enterprise, id, name, timezone) = (&workshop.enterprise, &workshop.id, &workshop.name, &workshop.timezone);
        self.say(
            format!("valid: workshop {name} ({enterprise}/{id}, {timezone}): {}, {}, {}, {}", count(links, "link"), count(devices, "device"), count(tags, "tag"), count(sinks, "sink")),
            format!("配置有效：车间 {name}（{enterprise}/{id}，{timezone}）：链路 {links} 条，设备 {devices} 台，点 {tags} 个，去向 {sinks} 个"),
        );
    }

    fn link(&self, link: &Link) {
        if let Transport::OpcUa(server) = &link.transport {
            return self.server(link, server);
        }
        let load = outlook::link_load(self.config, link);
        let LinkLoad { requests_per_s, registers_per_s, bits_per_s, bytes_per_s, groups } = &load;
        let (name, transport, bytes) = (&link.name, &link.transport, show_bytes(*bytes_per_s));
        say("");
        self.say(
            format!("link {name} ({transport}): {requests_per_s:.1} requests/s, {registers_per_s:.0} registers/s, {bits_per_s:.0} bits/s, {bytes}/s"),
            format!("链路 {name}（{transport}）：每秒请求 {requests_per_s:.1} 次，寄存器 {registers_per_s:.0} 个，位 {bits_per_s:.0} 个，流量 {bytes}/s"),
        );
        if let Some(load) = outlook::bus_load(self.config, link) {
            let has_meters =
                self.config.devices_of(&link.name).any(|device| matches!(device.station, Station::Meter(_)));
            self.bus(&load, has_meters);
        }
        for group in groups {
            let (device, every, tags) = (&group.device, show_span(group.period), group.tags);
            let blocks = group.requests.iter().map(Request::shown);
            let blocks = blocks.collect::<Vec<_>>().join(", ");
            self.say(
                format!(
                    "  {device}: {} every {every} in {}: {blocks}",
                    count(tags, "tag"),
                    count(group.requests.len(), "request")
                ),
                format!("  {device}：{tags} 个点，每 {every} 采一次，请求 {} 次：{blocks}", group.requests.len()),
            );
        }
        for device in self.config.devices_of(&link.name) {
            self.profile(device);
            self.tags(device);
        }
    }

    /// Whose register map it is, and how far it can be trusted.
    fn profile(&self, device: &Device) {
        let Some(profile) = &device.profile else { return };
        let (device, id, source) = (&device.id, &profile.id, &profile.source);
        let (name, name_zh, maker) = (&profile.name, &profile.name_zh, &profile.maker);
        let (trust, trust_zh) = match profile.checked {
            true => ("checked on a real machine", "已在真机上核对"),
            false => (
                "NOT checked on a real machine: compare the first readings with its display",
                "未在真机上核对：请把首批读数与机器显示对比",
            ),
        };
        self.say(
            format!("    {device} follows the profile {id}: {name}, by {maker}; {trust}"),
            format!("    {device} 采用模板 {id}：{name_zh}，厂家 {maker}；{trust_zh}"),
        );
        self.say(format!("      source: {source}"), format!("      出处：{source}"));
        if !profile.note.is_empty() {
            self.say(format!("      note: {}", profile.note), format!("      说明：{}", profile.note_zh));
        }
    }

    fn bus(&self, load: &BusLoad, has_meters: bool) {
        let BusLoad { busy, cycle, requests, bytes } = load;
        let (percent, cycle_ms, turnaround) = (busy * 100.0, cycle.as_secs_f64() * 1_000.0, show_span(TURNAROUND));
        let meter = show_span(METER_TURNAROUND);
        let (meters, meters_zh) = match has_meters {
            true => (format!(" and DL/T 645 meters within {meter}"), format!("、DL/T 645 电表 {meter} 内")),
            false => (String::new(), String::new()),
        };
        self.say(
            format!("  everything once: {requests} requests, {bytes} bytes, {cycle_ms:.0} ms; the line is busy {percent:.0} % of the time, if devices answer within {turnaround}{meters}"),
            format!("  全部采一遍：请求 {requests} 次，{bytes} 字节，{cycle_ms:.0} ms；按设备 {turnaround} 内{meters_zh}应答估算，总线占用 {percent:.0} %"),
        );
        if *busy > 1.0 {
            self.say(
                "  WARNING: the periods cannot be kept: lengthen `every`, raise `baud`, or split the line".into(),
                "  警告：跟不上采集周期；请加长 every、提高 baud，或把总线拆成几条".into(),
            );
        }
    }

    /// Every address in both forms, since off by one is the most common mistake of all.
    fn tags(&self, device: &Device) {
        for tag in &device.tags {
            let unit = tag.unit.as_deref().unwrap_or("");
            let Register { address, data_type, order } = match &tag.origin {
                Origin::Modbus(register) => register,
                Origin::Dlt645(item) => {
                    let (address, name) = (item.address(), self.name_of(item));
                    say(format_args!("    {}.{}  {address}  {}  {unit}  {name}", device.id, tag.name, item.format));
                    continue;
                }
                Origin::OpcUa(node) => {
                    say(format_args!("    {}.{}  {node}  {}  {unit}", device.id, tag.name, node.kind.as_str()));
                    continue;
                }
            };
            let reference = address.reference();
            let part = data_type.part().map(|part| part.to_string()).unwrap_or_default();
            let function = Table::function_code(address.table);
            // The thing to compare first where a value makes no sense; a text and a single register have no such order.
            let has_order = data_type.width() > 1 && !matches!(data_type, DataType::Text(_));
            let order = if has_order { format!(" {order}") } else { String::new() };
            say(format_args!(
                "    {}.{}  {address}{part} = {reference}{part}  FC{function:02} {data_type}{order}  {unit}",
                device.id, tag.name
            ));
        }
    }

    /// What the standard calls a value of a meter.
    fn name_of(&self, item: &Item) -> String {
        Known::of(item.id).map(|known| known.name(self.lang)).unwrap_or_default()
    }

    fn unconnected(&self) {
        let idle = self.config.devices.iter().filter(|device| device.link.is_none()).map(|device| device.id.as_ref());
        let idle: Vec<_> = idle.collect();
        if !idle.is_empty() {
            say("");
            self.say(
                format!("in the ledger, not connected: {}", idle.join(", ")),
                format!("已列入台账、尚未联网：{}", idle.join("、")),
            );
        }
    }

    /// A meter that was written by hand counts as a machine until somebody says otherwise.
    fn meters_that_count(&self) {
        let is_doubtful = |device: &&Arc<Device>| {
            let of = &device.equipment;
            of.is_production && !of.is_production_said && of.is_in_use && of.looks_like_a_meter(&device.tags)
        };
        for device in self.config.devices.iter().filter(is_doubtful) {
            fail(&Trouble::new(evidence::METER_IS_PRODUCTION).with("device", &device.id), 0);
        }
    }

    /// Whether machines can be changed, and where: nobody is to find that out from the machine.
    fn writing(&self) {
        let tags: Vec<_> = self.config.writable().collect();
        if !self.config.workshop.writes && tags.is_empty() {
            return;
        }
        say("");
        let (number, named) = (tags.len(), count(tags.len(), "tag"));
        if !self.config.workshop.writes {
            let first =
                tags.iter().map(|(device, tag)| format!("{}.{}", device.id, tag.name)).next().unwrap_or_default();
            return self.say(
                format!("WARNING: writing is switched off, but {named} would allow it ({first}{}): take `write` away, or add `writes = true` under [workshop]", if number > 1 { ", ..." } else { "" }),
                format!("警告：写入功能未启用，但有 {number} 个点标为可写（{first}{}）：请删去 write，或在 [workshop] 下加 `writes = true`", if number > 1 { " 等" } else { "" }),
            );
        }
        self.say(
            format!(
                "WARNING: writing is switched on: `cloudward write` may change {named}; the agent itself never writes"
            ),
            format!("警告：写入功能已启用：`cloudward write` 可以改动 {number} 个点；采集程序本身从不写"),
        );
        for (device, tag) in tags {
            let rule = tag.write.unwrap_or_default();
            let limit = |end: Option<f64>| end.map_or("...".to_owned(), |end| end.to_string());
            let limits = match (rule.min, rule.max) {
                (None, None) if tag.kind() == ValueKind::Text || tag.kind() == ValueKind::Bool => String::new(),
                (None, None) => self.pick("no limits of its own", "未设上下限").to_owned(),
                (min, max) => format!("{} .. {}", limit(min), limit(max)),
            };
            let unit = tag.unit.as_deref().unwrap_or("");
            let address = tag.register().map(|register| register.address.to_string()).unwrap_or_default();
            say(format_args!("  {}.{}  {address}  {limits} {unit}", device.id, tag.name));
        }
    }

    fn pick(&self, en: &'static str, zh: &'static str) -> &'static str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    fn sink(&self, sink: &Sink) {
        let load = outlook::sink_load(self.config, sink);
        let (name, host, port, tags) = (&sink.name, &sink.host, sink.port, load.tags);
        let (messages, bytes) = (load.messages_per_day, show_bytes(load.bytes_per_day));
        say("");
        self.say(
            format!(
                "sink {name} ({host}:{port}): {}, {messages:.0} messages and about {bytes} a day before TLS{}",
                count(tags, "tag"),
                self.at_most(" at most; less with report on change")
            ),
            format!(
                "去向 {name}（{host}:{port}）：{tags} 个点，每天 {messages:.0} 条消息，约 {bytes}（未计 TLS 开销）{}",
                self.at_most("，此为上限，按变化上报会更少")
            ),
        );
        self.budget(sink, &load);
        self.say(format!("  leaves: {}", sink.send.join(", ")), format!("  允许外送：{}", sink.send.join("，")));
        egress::remarks(self.config, sink, self.lang).iter().for_each(say);
        if sink.security == Security::Plaintext {
            self.say(
                "  WARNING: this connection is not encrypted: everyone on the way can read data and password".into(),
                "  警告：此连接不加密，途中任何人都能看到数据和密码".into(),
            );
        }
    }

    fn at_most(&self, words: &'static str) -> &'static str {
        if outlook::is_on_change(self.config) { words } else { "" }
    }

    fn journal(&self, max_size: u64, reserve: u64, dir: &str) {
        let load = outlook::journal_load(self.config, max_size);
        let (size, age) = (show_bytes(max_size as f64), show_span(self.config.journal.max_age));
        let by_size = load.hours_of_outage;
        let hours = by_size.min(self.config.journal.max_age.as_secs_f64() / 3_600.0);
        let window = show_span(self.config.journal.commit_interval);
        let (rate, stored) = (load.samples_per_s, show_bytes(load.stored_bytes_per_s));
        let written = show_bytes(load.written_bytes_per_year);
        say("");
        self.say(
            format!(
                "journal {dir}: {rate:.0} samples/s, about {stored}/s stored{}",
                self.at_most(" at most; less with report on change")
            ),
            format!(
                "日志库 {dir}：每秒 {rate:.0} 个样本，约占 {stored}/s{}",
                self.at_most("，此为上限，按变化上报会更少")
            ),
        );
        self.say(
            format!("  an outage of about {hours:.0} hours fits ({size}, {age}); beyond it the oldest samples are dropped and counted"),
            format!("  断网可支撑约 {hours:.0} 小时（{size}，{age}）；超出后丢弃最旧样本并计数"),
        );
        self.say(
            format!("  lost at a power cut: at most the last {window}; at a crash of the agent: the same"),
            format!("  断电最多丢失最后 {window}；程序崩溃亦同"),
        );
        self.say(format!("  written to the disk: about {written} a year"), format!("  写盘量：每年约 {written}"));
        let reserve = show_bytes(reserve as f64);
        self.say(
            format!("  left free for others: {reserve}; with less free space samples are dropped and counted"),
            format!("  为其他程序预留：{reserve}；剩余空间不足时丢弃样本并计数"),
        );
        if self.config.journal.persist == Persist::Always {
            let history = show_span(self.config.journal.history);
            self.say(
                format!("  local history: delivered samples stay for {history}, as long as there is room"),
                format!("  本地历史：空间允许时，已送达的样本保留 {history}"),
            );
        }
    }
}
