//! `cloudward journal status`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Ended, look, pick, when, workshop};
use crate::agent::max_size;
use crate::cli::{ConfigArgs, say};
use crate::journal::{Overview, SinkView, StreamView};
use crate::model::Timestamp;
use crate::model::time::{show_bytes, show_span};

#[derive(clap::Args)]
pub(super) struct StatusArgs {
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn status(args: &StatusArgs) -> Result<(), Ended> {
    let (config, state_dir) = workshop(&args.config.config)?;
    let (look, _) = look(&state_dir)?;
    let now = Timestamp::of(SystemTime::now());
    let overview = look.overview(now, max_size(&config, &state_dir)).map_err(Ended::cannot)?;
    if args.json {
        say(serde_json::to_string_pretty(&overview).expect("it has only strings and numbers"));
        return Ok(());
    }
    let names: Vec<&str> = config.sinks.iter().map(|sink| &*sink.name).collect();
    Page { overview: &overview, now, zone: &config.workshop.timezone, configured: &names }.print(&state_dir);
    Ok(())
}

struct Page<'a> {
    overview: &'a Overview,
    now: Timestamp,
    zone: &'a str,
    configured: &'a [&'a str],
}

impl Page<'_> {
    fn print(&self, state_dir: &Path) {
        let seen = self.overview;
        let agent = match seen.agent_pid {
            Some(pid) => {
                pick(format!("the agent works on it (process {pid})"), format!("采集程序正在使用（进程 {pid}）"))
            }
            None => pick("no agent works on it", "没有采集程序在使用"),
        };
        say(pick(format!("Journal {}: {agent}", seen.path), format!("日志库 {}：{agent}", seen.path)));
        seen.streams.iter().for_each(|stream| self.stream(stream));
        self.bytes();
        self.sinks();
        self.losses();
        for of_sink in &seen.quarantine {
            let (sink, records, samples) = (&of_sink.sink, of_sink.records, of_sink.samples);
            say(pick(
                format!(
                    "quarantine of sink {sink}: {records} records with {samples} samples that its broker cannot take"
                ),
                format!("去向 {sink} 的隔离区：{records} 条记录（{samples} 个样本），其服务器无法接收"),
            ));
        }
        for aside in &seen.set_aside {
            let (name, bytes, at) =
                (&aside.name, show_bytes(aside.bytes as f64), when::shown(aside.written_ms, self.zone));
            say(pick(
                format!("put aside: {name}, {bytes}, last written {at}"),
                format!("已搁置：{name}，{bytes}，最后写入于 {at}"),
            ));
        }
        let high = match seen.high_water {
            Some(high) => {
                let ([data, events], closed) = (high.reserved, high.is_closed);
                let closed = if closed { pick("; closed properly", "；已正常关闭") } else { String::new() };
                pick(
                    format!("high-water mark: data {data}, events {events}{closed}"),
                    format!("序号水位：样本 {data}，事件 {events}{closed}"),
                )
            }
            None => pick(
                format!("high-water mark: none in {}", state_dir.display()),
                format!("序号水位：{} 中没有", state_dir.display()),
            ),
        };
        say(high);
    }

    fn stream(&self, stream: &StreamView) {
        let StreamView { records, samples, dropped_records, dropped_samples, .. } = stream;
        let (name, content) = match stream.stream {
            "data" => (
                pick("samples", "样本"),
                pick(
                    format!("{records} records with {samples} samples"),
                    format!("{records} 条记录，{samples} 个样本"),
                ),
            ),
            _ => (pick("events", "事件"), pick(format!("{records} records"), format!("{records} 条记录"))),
        };
        let span = match (stream.oldest, stream.newest) {
            (Some(oldest), Some(newest)) => {
                let [from, to] = [oldest.at_ms, newest.at_ms].map(|at| when::shown(at, self.zone));
                let (first, last, age) = (oldest.seq, newest.seq, self.ago(oldest.at_ms));
                pick(
                    format!(", {from} to {to}, the oldest {age}; positions {first} to {last}"),
                    format!("，{from} 至 {to}，最旧的为{age}；序号 {first} 至 {last}"),
                )
            }
            _ => String::new(),
        };
        say(pick(format!("{name}: {content}{span}"), format!("{name}：{content}{span}")));
        if *dropped_records > 0 {
            say(pick(
                format!("  given up by limits, ever: {dropped_records} records with {dropped_samples} samples"),
                format!("  历来因限制而放弃：{dropped_records} 条记录，{dropped_samples} 个样本"),
            ));
        }
    }

    fn bytes(&self) {
        let seen = self.overview.bytes;
        let show = |bytes: u64| show_bytes(bytes as f64);
        let [file, wal, data, events] = [seen.file, seen.wal, seen.data, seen.events].map(show);
        let [quarantine, other, free] = [seen.quarantine, seen.other, seen.free].map(show);
        let max = show(self.overview.max_size);
        say(pick(
            format!("bytes: {file} and {wal} of WAL; of {max} allowed"),
            format!("占用：{file}，另有 WAL {wal}；上限 {max}"),
        ));
        say(pick(
            format!(
                "  about: samples {data}, events {events}, quarantine {quarantine}, ledger and other {other}, free {free}"
            ),
            format!("  约：样本 {data}，事件 {events}，隔离区 {quarantine}，台账及其他 {other}，空闲 {free}"),
        ));
        match self.overview.hours_left {
            Some(hours) => say(pick(
                format!("  full in about {} at the rate of the last hour", in_hours(hours)),
                format!("  按最近一小时的速度，约 {} 后写满", in_hours(hours)),
            )),
            None => say(pick("  it does not grow", "  没有增长")),
        }
    }

    fn sinks(&self) {
        if self.overview.sinks.is_empty() {
            say(pick("sinks: none has a place in it", "去向：没有去向在此登记"));
        }
        for sink in &self.overview.sinks {
            self.sink(sink);
        }
    }

    fn sink(&self, view: &SinkView) {
        let SinkView { sink, position, records, samples, .. } = view;
        let about = if view.is_estimate { pick("about ", "约 ") } else { String::new() };
        let stream = if view.stream == "data" { pick("samples", "样本") } else { pick("events", "事件") };
        let content = match (view.stream, records) {
            (_, 0) => pick("nothing waits in the file", "文件中没有待送数据"),
            ("data", _) => pick(
                format!("{about}{records} records with {samples} samples wait"),
                format!("{about}{records} 条记录（{samples} 个样本）待送"),
            ),
            _ => pick(format!("{about}{records} records wait"), format!("{about}{records} 条记录待送")),
        };
        let since = view.waiting_since_ms.map_or(String::new(), |at| {
            let (since, ago) = (when::shown(at, self.zone), self.ago(at));
            pick(format!(", since {since} ({ago})"), format!("，最早的采集于 {since}（{ago}）"))
        });
        let stray = if self.configured.contains(&sink.as_str()) {
            String::new()
        } else {
            pick(
                "; not in the configuration (cloudward journal forget-sink)",
                "；配置中已无此去向（cloudward journal forget-sink）",
            )
        };
        say(pick(
            format!("sink {sink}, {stream}: done up to {position}; {content}{since}{stray}"),
            format!("去向 {sink}，{stream}：已送到序号 {position}；{content}{since}{stray}"),
        ));
    }

    fn losses(&self) {
        const LISTED: usize = 20;
        let losses = &self.overview.losses;
        if losses.is_empty() {
            say(pick("losses: none", "丢失：无"));
        }
        for loss in losses.iter().rev().take(LISTED) {
            let (first, last, samples, at) = (loss.first, loss.last, loss.samples, when::shown(loss.at_ms, self.zone));
            let (stream, cause) = (loss.stream, loss.cause);
            let samples = if samples > 0 {
                pick(format!(", {samples} samples"), format!("，{samples} 个样本"))
            } else {
                String::new()
            };
            say(pick(
                format!("lost: {stream} positions {first} to {last}{samples}, cause {cause}, found out {at}"),
                format!("丢失：{stream} 序号 {first} 至 {last}{samples}，原因 {cause}，发现于 {at}"),
            ));
        }
        if losses.len() > LISTED {
            let rest = losses.len() - LISTED;
            say(pick(
                format!("  ... and {rest} older ones; --json lists all"),
                format!("  ……另有 {rest} 处更早的；--json 列出全部"),
            ));
        }
    }

    fn ago(&self, at_ms: i64) -> String {
        let ms = self.now.0.saturating_sub(at_ms);
        match u64::try_from(ms) {
            Ok(ms) => {
                let span = show_span(Duration::from_secs(ms / 1_000));
                pick(format!("{span} ago"), format!(" {span} 前"))
            }
            Err(_) => pick("in the future: look at the clock", "未来时间，请检查时钟"),
        }
    }
}

/// Hours as days where that says more.
fn in_hours(hours: f64) -> String {
    match hours {
        h if h < 72.0 => pick(format!("{h:.0} hours"), format!("{h:.0} 小时")),
        h => pick(format!("{:.0} days", h / 24.0), format!("{:.0} 天", h / 24.0)),
    }
}
