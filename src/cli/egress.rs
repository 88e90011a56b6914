//! `cloudward egress`: what leaves (the manifest), and what left (the log, its sums, and whether a payload is among it).

mod past;

use std::process::ExitCode;
use std::time::Duration;

use super::load::load_or_explain;
use super::run::state_dir_by_hand;
use super::{ConfigArgs, EXIT_USAGE, fail, say};
use crate::config::{Config, Sink};
use crate::model::time::{show_bytes, show_span};
use crate::model::words::egress as words;
use crate::model::{Class, Lang, Level, Trouble};
use crate::sink::manifest::{Form, LeavingTag, Manifest, SinkManifest};
use crate::sink::{Scope, Verdict};

#[derive(clap::Args)]
pub(super) struct EgressArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// This sink alone.
    #[arg(long, value_name = "SINK")]
    sink: Option<String>,
    /// For programs: JSON, whose form is stable.
    #[arg(long, conflicts_with = "hash")]
    json: bool,
    /// Every tag that stays, too.
    #[arg(long, conflicts_with_all = ["log", "totals", "hash"])]
    all: bool,
    /// The egress log: time, sink, topic, class and level, bytes and SHA-256 of each message that left.
    #[arg(long, conflicts_with_all = ["totals", "hash"])]
    log: bool,
    /// This day alone, e.g. 2026-01-31; of the log, or of the sums with --totals.
    #[arg(long, value_name = "DAY", conflicts_with = "hash")]
    day: Option<String>,
    /// Sums per day and sink, by class and level; kept for ever.
    #[arg(long, conflicts_with = "hash")]
    totals: bool,
    /// Whether the content of this file left, and when; - for standard input.
    #[arg(long, value_name = "FILE")]
    hash: Option<String>,
}

pub(super) fn egress(args: &EgressArgs) -> ExitCode {
    let config = match load_or_explain(&args.config.config) {
        Ok(config) => config,
        Err(code) => return code,
    };
    if let Some(found) = args.sink.as_ref().filter(|found| config.sinks.iter().all(|sink| *sink.name != ***found)) {
        // The log may tell of sinks that were taken out since.
        if !(args.log || args.totals || args.hash.is_some()) {
            let known = config.sinks.iter().map(|sink| sink.name.as_ref()).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "-".to_owned() } else { known };
            return fail(&Trouble::new(words::NO_SUCH_SINK).with("found", found).with("known", known), EXIT_USAGE);
        }
    }
    let state_dir = state_dir_by_hand(&config, &args.config.config);
    let past =
        past::Past { state_dir: &state_dir, sink: args.sink.as_deref(), day: args.day.as_deref(), json: args.json };
    let asks_for_log = args.log || (args.day.is_some() && !args.totals);
    match (&args.hash, asks_for_log, args.totals) {
        (Some(file), ..) => past.hash(file),
        (None, true, _) => past.log(),
        (None, false, true) => past.totals(),
        (None, false, false) => {
            manifest(&config, args);
            ExitCode::SUCCESS
        }
    }
}

fn manifest(config: &Config, args: &EgressArgs) {
    let manifest = Manifest::of(config, args.sink.as_deref(), args.all);
    if args.json {
        return say(serde_json::to_string_pretty(&manifest).expect("a manifest has only strings and numbers"));
    }
    let page = Page { lang: Lang::current() };
    let (name, enterprise, id) = (&config.workshop.name, &manifest.enterprise, &manifest.workshop);
    page.say(
        format!("What leaves workshop {name} ({enterprise}/{id}). Whatever does not stand here stays."),
        format!("车间 {name}（{enterprise}/{id}）的外送清单。未列出的一律不外送。"),
    );
    if manifest.sinks.is_empty() {
        page.say("There is no sink: nothing leaves.".into(), "没有配置去向：什么都不外送。".into());
    }
    manifest.sinks.iter().for_each(|sink| page.sink(sink));
}

/// For `check`: what is important or core, and leaves or stays for it.
pub(super) fn remarks(config: &Config, sink: &Sink, lang: Lang) -> Vec<String> {
    let scope = Scope::of(sink, &config.devices);
    let named = |wanted: Verdict| -> Vec<String> {
        let scope = &scope;
        let tags = config.devices.iter().flat_map(|device| device.tags.iter().map(move |tag| (device, tag)));
        let tags = tags.filter(|(_, tag)| tag.grade.level.is_guarded());
        let tags = tags.filter(move |(device, tag)| scope.verdict(&device.id, &tag.name, tag.grade) == wanted);
        tags.map(|(device, tag)| format!("{}.{}", device.id, tag.name)).collect::<Vec<_>>()
    };
    let (leaving, staying) = (named(Verdict::Leaves), named(Verdict::NamedOnce));
    let mut remarks = Vec::new();
    if !leaving.is_empty() {
        remarks.push(match lang {
            Lang::En => format!("  WARNING: important or core data leave: {}", listed(&leaving)),
            Lang::Zh => format!("  警告：重要或核心数据将外送：{}", listed(&leaving)),
        });
    }
    if !staying.is_empty() {
        remarks.push(match lang {
            Lang::En => format!("  stays, since it is important or core and named once only: {}", listed(&staying)),
            Lang::Zh => format!("  不外送（重要或核心数据，只写了一次）：{}", listed(&staying)),
        });
    }
    remarks
}

/// Names, as many as a line can bear.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let more = if names.len() > SHOWN { format!(", ... ({})", names.len()) } else { String::new() };
    names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ") + &more
}

/// Class and level as a reader says them; words that are not known (of a newer version) as they are.
fn grade(class: &str, level: &str, lang: Lang) -> (String, String) {
    let class = Class::parse(class).map_or(class.to_owned(), |class| class.name(lang).to_owned());
    let level = Level::parse(level).map_or(level.to_owned(), |level| level.name(lang).to_owned());
    (class, level)
}

struct Page {
    lang: Lang,
}

impl Page {
    fn say(&self, en: String, zh: String) {
        say(self.pick(en, zh));
    }

    fn pick<T>(&self, en: T, zh: T) -> T {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    fn sink(&self, sink: &SinkManifest) {
        let (name, host, port) = (&sink.sink, &sink.broker.host, sink.broker.port);
        say("");
        let (tls, tls_zh) = match sink.broker.tls {
            true => ("encrypted (TLS)", "加密（TLS）"),
            false => ("NOT encrypted: anyone on the way can read it", "不加密：途中任何人都能看到"),
        };
        self.say(format!("sink {name}: to {host}:{port}, {tls}"), format!("去向 {name}：送往 {host}:{port}，{tls_zh}"));
        let client = &sink.broker.client_id;
        let (user, user_zh) = match &sink.broker.user {
            Some(user) => (format!(", user {user} and its password"), format!("、用户 {user} 及其密码")),
            None => (String::new(), String::new()),
        };
        self.say(
            format!("  each login tells the broker: client id {client}{user}; a host name is looked up in DNS"),
            format!("  每次登录告知服务器：客户端标识 {client}{user_zh}；主机名需查询 DNS"),
        );
        self.tags(sink);
        self.streams(sink);
        self.forms(&sink.messages);
        self.stays(sink);
    }

    fn tags(&self, sink: &SinkManifest) {
        let count = sink.tags.len();
        if count == 0 {
            return self.say("  LEAVES: no measured value".into(), "  外送：没有任何测量值".into());
        }
        self.say(
            format!("  LEAVES: {count} {}", if count == 1 { "tag" } else { "tags" }),
            format!("  外送：{count} 个点"),
        );
        for tag in &sink.tags {
            let LeavingTag { tag: name, unit, r#type, .. } = tag;
            let (class, level) = grade(tag.class, tag.level, self.lang);
            let unit = unit.as_deref().unwrap_or("-");
            say(format_args!("    {name}  {unit}  {}  {class}  {level}  {}", r#type, self.when(tag)));
        }
        let load = sink.load;
        let (messages, most) = (load.messages_per_hour_at_most, show_bytes(load.bytes_per_hour_at_most));
        let usual = show_bytes(load.bytes_per_hour_about);
        self.say(
            format!("  at most {messages:.0} messages an hour; about {usual}, and {most} if every value were as long as can be (payloads; after an outage what was kept comes on top)"),
            format!("  每小时最多 {messages:.0} 条消息，约 {usual}；即使每个值都取最长也只有 {most}（仅计报文内容；断网恢复后另加补送的部分）"),
        );
    }

    /// When a reading of this tag is sent.
    fn when(&self, tag: &LeavingTag) -> String {
        let every = show_span(Duration::from_millis(tag.every_ms));
        let report = &tag.report;
        let by = match (report.deadband, report.deadband_percent) {
            (Some(limit), _) if limit > 0.0 => self.pick(format!(" by more than {limit}"), format!("超过 {limit} ")),
            (_, Some(percent)) => self.pick(format!(" by more than {percent} %"), format!("超过 {percent}% ")),
            _ => String::new(),
        };
        match report.max_silence_ms.filter(|_| report.on_change) {
            Some(silence) => {
                let silence = show_span(Duration::from_millis(silence));
                self.pick(
                    format!("read every {every}, sent when changed{by}, at least every {silence}"),
                    format!("每 {every} 采一次，变化{by}才送，最长 {silence} 送一次"),
                )
            }
            None => self.pick(format!("sent every {every}"), format!("每 {every} 送一次")),
        }
    }

    fn streams(&self, sink: &SinkManifest) {
        if sink.events {
            self.say(
                "  LEAVES: events: starts, links going up and down, samples given up; names of links, no values".into(),
                "  外送：事件，即程序启动、链路通断、样本丢弃；含链路名称，不含测量值".into(),
            );
        }
        if sink.indicators {
            self.say(
                "  LEAVES: indicators, once the agent computes them; no measured values".into(),
                "  外送：指标（程序计算指标后才有）；不含测量值".into(),
            );
        }
        self.say(
            "  LEAVES: whether the agent is online; of each device above its id, name, and the names, units and types of these tags".into(),
            "  外送：程序是否在线；上述设备的编号、名称，以及上述点的名称、单位、类型".into(),
        );
    }

    fn forms(&self, forms: &[Form]) {
        self.say("  in these messages:".into(), "  消息形式：".into());
        let mut shown: Vec<&str> = Vec::new();
        let mut before = None;
        for form in forms {
            let what = match form.kind {
                "data" => self.pick("samples", "样本"),
                "birth" => self.pick("what the device has; kept by the broker", "设备有哪些点；由服务器保留"),
                "event" => self.pick("events", "事件"),
                "state" => self.pick("online; kept by the broker", "在线状态；由服务器保留"),
                _ => self.pick("what the broker says when the agent is gone", "程序断开后由服务器代发"),
            };
            if before.replace((form.kind, &form.topic)) != Some((form.kind, &form.topic)) {
                say(self.pick(format!("    {}  ({what})", form.topic), format!("    {}（{what}）", form.topic)));
            }
            if !shown.contains(&form.kind) || form.kind == "event" {
                shown.push(form.kind);
                let cut = form.example.get().char_indices().nth(MAX_EXAMPLE).map(|(at, _)| at);
                let example = cut.map_or(form.example.get(), |at| &form.example.get()[..at]);
                say(format_args!("      {example}{}", if cut.is_some() { "..." } else { "" }));
            }
        }
    }

    fn stays(&self, sink: &SinkManifest) {
        let count = sink.stays.count;
        let hint = sink.stays.tags.is_none() && count > 0;
        self.say(
            format!(
                "  STAYS: {count} {}{}",
                if count == 1 { "tag" } else { "tags" },
                if hint { " (--all lists them)" } else { "" }
            ),
            format!("  不外送：{count} 个点{}", if hint { "（加 --all 列出）" } else { "" }),
        );
        for name in &sink.stays.named_once {
            self.say(
                format!("    {name}: `send` names it, but it is important or core and `send_important` does not"),
                format!("    {name}：send 中有，但它是重要或核心数据，而 send_important 中没有"),
            );
        }
        for tag in sink.stays.tags.iter().flatten() {
            let (class, level) = grade(tag.class, tag.level, self.lang);
            say(format_args!("    {}  {class}  {level}", tag.tag));
        }
    }
}

/// Characters of an example on a page for people; the JSON has all of it.
const MAX_EXAMPLE: usize = 600;
