//! The page of `cloudward status`: lines of text with their tones, for a terminal and for the live view. What needs a person stands
//! first; what is in order is counted, and listed only where a person would look for it.

use std::collections::HashMap;

use super::document::{DevicePart, LinkPart, MachinePart, Saying, SinkPart, Status, TallyPart};
use super::show::{show_why, span, width};
use crate::model::time::show_bytes;
use crate::model::{Lang, State};

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Head,
    /// As it should be.
    Plain,
    /// Worth a look.
    Warn,
    /// Needs a person.
    Bad,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it is meant.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// Entries of a list on the page for a terminal, so that all of it is about one screen.
pub const ONE_SCREEN: usize = 8;

/// The page. Lists show `most` entries, and say how many more there are.
pub fn page(status: &Status, lang: Lang, most: usize) -> Vec<Line> {
    let mut page = Page { lang, most, lines: Vec::new() };
    page.head(status);
    page.needs(&status.needs);
    page.links(&status.links);
    page.devices(status);
    page.bad_tags(status);
    page.sinks(&status.sinks);
    page.journal(status);
    page.samples(status);
    page.machines(&status.machines);
    page.lines
}

struct Page {
    lang: Lang,
    most: usize,
    lines: Vec<Line>,
}

type Row = (Tone, Vec<String>);

impl Page {
    fn pick(&self, en: impl Into<String>, zh: impl Into<String>) -> String {
        match self.lang {
            Lang::En => en.into(),
            Lang::Zh => zh.into(),
        }
    }

    fn line(&mut self, tone: Tone, text: impl Into<String>) {
        self.lines.push(Line { tone, text: text.into() });
    }

    fn title(&mut self, en: &str, zh: &str, more: &str) {
        let title = self.pick(en, zh);
        self.line(Tone::Plain, "");
        let gap = if more.is_empty() { "" } else { "  " };
        self.line(Tone::Head, format!("{title}{gap}{more}"));
    }

    /// A table: cells of a column begin below each other.
    fn table(&mut self, rows: Vec<Row>) {
        let all = rows.len();
        self.table_of(rows, all);
    }

    /// A table of `all` rows, of which the last may be missing already.
    fn table_of(&mut self, rows: Vec<Row>, all: usize) {
        let columns = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        let shown = rows.len().min(self.most);
        let widest = |column: usize| {
            rows[..shown].iter().filter_map(|(_, cells)| cells.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        for (tone, cells) in &rows[..shown] {
            let padded = cells.iter().enumerate().map(|(column, cell)| {
                let gap = if column + 1 == cells.len() { 0 } else { widths[column] - width(cell) + 2 };
                format!("{cell}{}", " ".repeat(gap))
            });
            let text = format!("  {}", padded.collect::<String>().trim_end());
            self.line(*tone, text);
        }
        let (left, listed) = (all - shown, rows.len());
        let more = match left {
            0 => return,
            _ if listed < all => self.pick(
                format!("  ... and {left} more (--json has the first {listed})"),
                format!("  ……另有 {left} 项（--json 列出前 {listed} 项）"),
            ),
            _ => self.pick(
                format!("  ... and {left} more (--json has all)"),
                format!("  ……另有 {left} 项（--json 列出全部）"),
            ),
        };
        self.line(Tone::Plain, more);
    }

    fn head(&mut self, status: &Status) {
        let (agent, workshop) = (&status.agent, &status.workshop);
        let is_all_up =
            status.links.iter().all(|link| link.state == "up") && status.sinks.iter().all(|sink| sink.is_connected);
        let verdict = match status.needs.len() {
            0 if is_all_up => self.pick("all is well", "一切正常"),
            0 => self.pick("nothing needs a person yet", "暂无需要处理的事项"),
            1 => self.pick("1 thing needs a person", "有 1 项需要处理"),
            n => self.pick(format!("{n} things need a person"), format!("有 {n} 项需要处理")),
        };
        let (version, name, up) = (&agent.version, &workshop.name, self.span(agent.uptime_s));
        let place = format!("{}/{}", workshop.enterprise, workshop.id);
        let first = self.pick(
            format!("cloudward {version}: {verdict}; workshop {name} ({place}), up {up}"),
            format!("cloudward {version}：{verdict}；车间 {name}（{place}），已运行 {up}"),
        );
        self.line(if status.is_well { Tone::Head } else { Tone::Bad }, first);
        let config = agent.config_file.as_deref().unwrap_or("-");
        let digest = agent.config_sha256.as_deref().map_or("-", |digest| digest.get(..12).unwrap_or(digest));
        let force = self.span(agent.config_for_s);
        let config = self.pick(
            format!("  configuration {config} (sha256 {digest}), in force for {force}"),
            format!("  配置 {config}（sha256 {digest}），已生效 {force}"),
        );
        self.line(Tone::Plain, config);
        let (tone, clock) = match &status.clock {
            Some(clock) if clock.is_trusted => {
                let by = clock.by.as_deref().unwrap_or("-");
                (Tone::Plain, self.pick(format!("  clock trusted ({by})"), format!("  时钟可信（{by}）")))
            }
            Some(_) => {
                (Tone::Warn, self.pick("  clock not trusted yet: samples are marked", "  时钟尚不可信：样本带标记"))
            }
            None => (Tone::Bad, self.pick("  the recorder does not answer", "  写日志库的部分没有回应")),
        };
        self.line(tone, clock);
    }

    fn needs(&mut self, needs: &[Saying]) {
        if needs.is_empty() {
            return;
        }
        self.title("NEEDS A PERSON", "需要处理", "");
        for need in needs.iter().take(self.most) {
            let remedy = format!("    -> {} [{}]", need.remedy(self.lang), need.code);
            self.line(Tone::Bad, format!("  ! {}", need.what(self.lang)));
            self.line(Tone::Plain, remedy);
        }
    }

    fn links(&mut self, links: &[LinkPart]) {
        let up = links.iter().filter(|link| link.state == "up").count();
        let count = self.pick(format!("{up} of {} up", links.len()), format!("在线 {up}/{}", links.len()));
        self.title("LINKS", "链路", &count);
        let mut rows: Vec<Row> = links.iter().map(|link| self.link(link)).collect();
        troubled_first(&mut rows);
        self.table(rows);
    }

    fn link(&self, link: &LinkPart) -> Row {
        let (tone, state) = match link.state.as_str() {
            "up" => (Tone::Plain, self.pick("up", "在线")),
            "down" => (Tone::Bad, self.pick("down", "中断")),
            _ => (Tone::Warn, self.pick("starting", "连接中")),
        };
        let why = link.why.as_deref().map(|why| self.why(why)).unwrap_or_default();
        let (online, devices, missed) = (link.devices_online, link.devices, link.missed_scans);
        let mut notes = Vec::new();
        if missed > 0 {
            notes.push(self.pick(format!("{missed} scans missed"), format!("漏采 {missed} 次")));
        }
        if !link.silent_units.is_empty() {
            let units = link.silent_units.join(", ");
            notes.push(self.pick(format!("units silent: {units}"), format!("无应答站号：{units}")));
        }
        let tone = if tone == Tone::Plain && !notes.is_empty() { Tone::Warn } else { tone };
        notes.insert(0, link.endpoint.clone());
        let online = self.pick(format!("{online}/{devices} devices"), format!("设备 {online}/{devices}"));
        let for_s = link.for_s.map(|s| self.span(s)).unwrap_or_default();
        (tone, vec![link.name.clone(), state, for_s, why, online, self.join(&notes)])
    }

    fn devices(&mut self, status: &Status) {
        let online = status.devices.iter().filter(|device| device.is_online).count();
        let all = status.devices.len();
        let count = self.pick(format!("{online} of {all} online"), format!("在线 {online}/{all}"));
        self.title("DEVICES", "设备", &count);
        let is_odd = |device: &&DevicePart| !device.is_online || device.bad_tags.is_some_and(|bad| bad > 0);
        let rows = status.devices.iter().filter(is_odd).map(|device| self.device(device)).collect();
        self.table(rows);
    }

    fn device(&self, device: &DevicePart) -> Row {
        let ago = match device.good_ago_s {
            Some(ago) => {
                let ago = self.span(ago as u64);
                self.pick(format!("last good value {ago} ago"), format!("上次正常数据在 {ago}前"))
            }
            None if device.bad_tags.is_none() => self.pick("no fresh value", "无新数据"),
            None => self.pick("no good value yet", "尚无正常数据"),
        };
        let ago = if device.is_online { self.pick("online", "在线") } else { ago };
        let tags = device.tags;
        let bad = match device.bad_tags {
            None | Some(0) => String::new(),
            Some(bad) => self.pick(format!("{bad} of {tags} tags bad"), format!("异常点 {bad}/{tags}")),
        };
        let tone = if device.is_online { Tone::Warn } else { Tone::Bad };
        (tone, vec![device.id.clone(), device.link.clone(), ago, bad])
    }

    fn bad_tags(&mut self, status: &Status) {
        // Those of devices that are silent altogether stand there already.
        let online: HashMap<&str, u64> = status
            .devices
            .iter()
            .filter(|device| device.is_online)
            .map(|device| (device.id.as_str(), device.bad_tags.unwrap_or(0)))
            .collect();
        let tags: Vec<_> = status.bad_tags.iter().filter(|tag| online.contains_key(tag.device.as_str())).collect();
        if tags.is_empty() {
            return;
        }
        self.title("BAD TAGS", "异常点", "");
        let rows = tags.iter().map(|tag| {
            let tone = if tag.quality == "bad" { Tone::Bad } else { Tone::Warn };
            (tone, vec![format!("{}.{}", tag.device, tag.tag), self.why(&tag.why), self.span(tag.for_s as u64)])
        });
        let rows: Vec<Row> = rows.collect();
        let all = usize::try_from(online.values().sum::<u64>()).unwrap_or(usize::MAX).max(rows.len());
        self.table_of(rows, all);
    }

    fn sinks(&mut self, sinks: &[SinkPart]) {
        let connected = sinks.iter().filter(|sink| sink.is_connected).count();
        let count = self
            .pick(format!("{connected} of {} connected", sinks.len()), format!("已连接 {connected}/{}", sinks.len()));
        self.title("SINKS", "去向", &count);
        let mut rows: Vec<Row> = sinks.iter().map(|sink| self.sink(sink)).collect();
        troubled_first(&mut rows);
        self.table(rows);
    }

    fn sink(&self, sink: &SinkPart) -> Row {
        let (tone, state) = match (sink.is_connected, &sink.trouble, &sink.paused) {
            (true, _, None) => (Tone::Plain, self.pick("connected", "已连接")),
            (true, _, Some(_)) => (Tone::Warn, self.pick("paused", "已暂停")),
            (false, Some(_), _) => (Tone::Bad, self.pick("away", "未连接")),
            (false, None, _) => (Tone::Warn, self.pick("starting", "连接中")),
        };
        let waiting = match (sink.waiting_records, sink.lag_s) {
            (0, _) => self.pick("nothing waits", "无待送数据"),
            (n, Some(lag)) if lag >= 1.0 => {
                let lag = self.span(lag as u64);
                self.pick(format!("{n} records wait, the oldest {lag}"), format!("待送 {n} 条，最早的已等 {lag}"))
            }
            (1, _) => self.pick("1 record waits", "待送 1 条"),
            (n, _) => self.pick(format!("{n} records wait"), format!("待送 {n} 条")),
        };
        let mut notes = vec![sink.broker.clone()];
        if let (Some(month), true) = (&sink.month, sink.month_bytes > 0) {
            let bytes = show_bytes(sink.month_bytes as f64);
            let limit = sink.month_limit.map(|limit| show_bytes(limit as f64));
            let used = limit.map_or(bytes.clone(), |limit| format!("{bytes} / {limit}"));
            notes.push(self.pick(format!("{used} in {month}"), format!("{month} 流量 {used}")));
        }
        if let Some(n) = sink.in_quarantine.filter(|n| *n > 0) {
            notes.push(self.pick(format!("{n} in quarantine"), format!("隔离 {n} 条")));
        }
        if sink.given_up_samples > 0 {
            let n = sink.given_up_samples;
            notes.push(self.pick(format!("{n} samples given up"), format!("放弃样本 {n} 个")));
        }
        let why = sink.trouble.as_ref().filter(|_| !sink.is_connected).or(sink.paused.as_ref());
        notes.extend(why.map(|why| why.what(self.lang).to_owned()));
        (
            tone,
            vec![
                sink.name.clone(),
                state,
                sink.for_s.map(|s| self.span(s)).unwrap_or_default(),
                waiting,
                self.join(&notes),
            ],
        )
    }

    fn journal(&mut self, status: &Status) {
        let journal = &status.journal;
        let max = show_bytes(journal.max_bytes as f64);
        let bytes = journal.bytes.map_or("-".to_owned(), |bytes| show_bytes(bytes as f64));
        let size = self.pick(format!("{bytes} of {max}"), format!("{bytes}，上限 {max}"));
        self.title("JOURNAL", "日志库", &size);
        match journal.records.zip(journal.samples) {
            Some((records, samples)) => self.on_the_disk(status, records, samples),
            None => {
                let text = self.pick(
                    "  what it holds is not known: the recorder does not answer",
                    "  内容未知：写日志库的部分没有回应",
                );
                self.line(Tone::Bad, text);
            }
        }
        let dropped = journal.dropped_samples;
        if dropped > 0 || journal.losses_total.is_some_and(|gaps| gaps > 0) {
            let gaps = journal.losses_total.map_or("-".to_owned(), |gaps| gaps.to_string());
            let text = self.pick(
                format!("  given up since the start: {dropped} samples; gaps on record: {gaps}"),
                format!("  启动以来丢弃样本 {dropped} 个；有记载的缺口 {gaps} 处"),
            );
            self.line(Tone::Warn, text);
        }
        for aside in journal.set_aside.iter().flatten().take(3) {
            let (name, bytes) = (&aside.name, show_bytes(aside.bytes as f64));
            let text = self.pick(format!("  put aside: {name}, {bytes}"), format!("  已搁置：{name}，{bytes}"));
            self.line(Tone::Warn, text);
        }
    }

    fn on_the_disk(&mut self, status: &Status, records: u64, samples: u64) {
        let journal = &status.journal;
        let oldest = journal.oldest_at_ms.zip(status.at_ms).map(|(oldest, at)| at.saturating_sub(oldest) / 1_000);
        let since = oldest.map(|age| self.span(u64::try_from(age).unwrap_or(0)));
        let since = since
            .filter(|_| records > 0)
            .map_or(String::new(), |age| self.pick(format!(", the oldest {age}"), format!("，最早的在 {age}前")));
        let full = match journal.hours_left {
            Some(hours) => {
                let left = self.span((hours * 3_600.0) as u64);
                self.pick(format!("; full in about {left}"), format!("；约 {left}后写满"))
            }
            None => String::new(),
        };
        let written = self.pick(
            format!("  {records} records with {samples} samples on the disk{since}{full}"),
            format!("  磁盘上有 {records} 条记录（{samples} 个样本）{since}{full}"),
        );
        self.line(if journal.hours_left.is_some_and(|hours| hours < 24.0) { Tone::Warn } else { Tone::Plain }, written);
        let (n, refused) = (journal.memory_samples.unwrap_or_default(), journal.refused.clone());
        let (tone, mode) = match (&refused, journal.persist.as_str(), journal.is_held) {
            (Some(why), ..) => (Tone::Bad, format!("  {}", why.what(self.lang))),
            (None, "always", _) => {
                (Tone::Plain, self.pick("  everything is written (persist = always)", "  全部写入（persist = always）"))
            }
            (None, _, Some(true)) => (
                Tone::Plain,
                self.pick(
                    format!("  held in memory, since the sinks keep up: {n} samples; the disk is spared"),
                    format!("  去向跟得上，样本暂存内存（{n} 个），不写磁盘"),
                ),
            ),
            (None, ..) => (
                Tone::Plain,
                match status.sinks.len() {
                    0 => self.pick("  samples are written: there is no sink", "  样本写入磁盘：没有配置去向"),
                    _ => {
                        self.pick("  samples are written: some sink does not keep up", "  样本正写入磁盘：有去向跟不上")
                    }
                },
            ),
        };
        self.line(tone, mode);
    }

    fn samples(&mut self, status: &Status) {
        self.title("SAMPLES", "样本", "");
        let samples = &status.samples;
        let spans = [
            (self.pick("this hour", "本小时"), samples.hour.as_ref()),
            (self.pick("today", "今天"), samples.day.as_ref()),
            (self.pick("since the start", "启动以来"), samples.since_start.as_ref()),
        ];
        let tallied = spans.into_iter().filter_map(|(name, tally)| Some((name, tally?)));
        let mut rows: Vec<Row> = tallied.map(|(name, tally)| self.tally(name, tally)).collect();
        if rows.is_empty() {
            rows.push((Tone::Plain, vec!["-".to_owned()])); // neither recorder nor file can be asked
        }
        self.table(rows);
    }

    fn tally(&self, name: String, tally: &TallyPart) -> Row {
        let TallyPart { expected, good, uncertain, late, bad, lost } = tally;
        let share = if *expected > 0 { 100.0 * (*good + *uncertain) as f64 / *expected as f64 } else { 0.0 };
        // What is missing is not rounded away.
        let share = if share < 100.0 { (share * 100.0).floor().min(9_999.0) / 100.0 } else { share };
        let causes = |causes: &std::collections::BTreeMap<String, u64>| {
            let mut causes: Vec<_> = causes.iter().filter(|(_, n)| **n > 0).collect();
            causes.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
            causes
                .iter()
                .take(3)
                .map(|(why, n)| format!("{} {n}", self.why(why)))
                .collect::<Vec<_>>()
                .join(if self.lang == Lang::Zh { "、" } else { ", " })
        };
        let count = |causes: &std::collections::BTreeMap<String, u64>| causes.values().sum::<u64>();
        let mut cells = vec![
            name,
            self.pick(format!("{expected} expected"), format!("应采 {expected}")),
            match *expected {
                0 => "-".to_owned(), // nothing was due: a share of nothing is neither good nor bad
                _ => self.pick(format!("{share:.2} % good"), format!("正常 {share:.2}%")),
            },
        ];
        let mut notes = Vec::new();
        if *late > 0 {
            notes.push(self.pick(format!("{late} late"), format!("迟到 {late}")));
        }
        if count(bad) > 0 {
            notes.push(self.pick(
                format!("{} bad ({})", count(bad), causes(bad)),
                format!("异常 {}（{}）", count(bad), causes(bad)),
            ));
        }
        if count(lost) > 0 {
            notes.push(self.pick(
                format!("{} lost ({})", count(lost), causes(lost)),
                format!("缺失 {}（{}）", count(lost), causes(lost)),
            ));
        }
        cells.push(self.join(&notes));
        (if count(bad) + count(lost) > 0 { Tone::Warn } else { Tone::Plain }, cells)
    }

    fn machines(&mut self, machines: &[MachinePart]) {
        if machines.is_empty() {
            return;
        }
        self.title("MACHINES", "机器", &self.pick("figures of the running shift so far", "当前班次截至目前的指标"));
        let rows = machines.iter().map(|machine| self.machine(machine)).collect();
        self.table(rows);
    }

    fn machine(&self, machine: &MachinePart) -> Row {
        let state = State::parse(&machine.state);
        let word = state.map_or(machine.state.clone(), |state| self.pick(state.as_str(), state.zh()));
        let word = if machine.cause.is_empty() {
            word
        } else {
            self.pick(format!("{word} ({})", machine.cause), format!("{word}（{}）", machine.cause))
        };
        let percent = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.1} %", value * 100.0));
        let mut cells = vec![machine.device.clone(), word, machine.for_s.map(|s| self.span(s)).unwrap_or_default()];
        match &machine.shift {
            Some(shift) => {
                let (availability, oee) = (percent(machine.availability), percent(machine.oee));
                cells.push(shift.clone());
                cells.push(self.pick(format!("O3 {availability}"), format!("时间开动率 {availability}")));
                cells.push(format!("OEE {oee}"));
                cells.push(
                    machine.pieces.map(|n| self.pick(format!("{n:.0} pcs"), format!("{n:.0} 件"))).unwrap_or_default(),
                );
                cells.push(machine.energy_kwh.map(|kwh| format!("{kwh:.1} kWh")).unwrap_or_default());
            }
            None => cells.push(self.pick("no shift", "非班次时间")),
        }
        (if state == Some(State::Fault) { Tone::Warn } else { Tone::Plain }, cells)
    }

    fn why(&self, word: &str) -> String {
        show_why(word, self.lang)
    }

    fn span(&self, seconds: u64) -> String {
        span(seconds, self.lang)
    }

    fn join(&self, parts: &[String]) -> String {
        parts.join(if self.lang == Lang::Zh { "；" } else { "; " })
    }
}

/// In each half the order of the configuration stays.
fn troubled_first(rows: &mut [Row]) {
    rows.sort_by_key(|(tone, _)| std::cmp::Reverse(*tone as u8));
}

#[cfg(test)]
mod tests {
    use super::super::{BadTag, sample};
    use super::*;

    fn text(status: &Status, lang: Lang) -> String {
        page(status, lang, ONE_SCREEN).into_iter().map(|line| line.text + "\n").collect()
    }

    #[track_caller]
    fn check(status: &Status, lang: Lang, golden: &str, said: &str) {
        let text = text(status, lang);
        if std::env::var_os("CLOUDWARD_BLESS").is_some() {
            std::fs::write(golden_file(golden), &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(golden_file(golden)).unwrap_or_default(), "{golden}");
        assert!(text.contains(said), "{text}");
    }

    fn golden_file(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/status").join(name)
    }

    #[test]
    fn the_page_is_as_it_was_read() {
        let (well, trouble) = (sample::well(), sample::in_trouble());
        check(&well, Lang::En, "well.en.txt", "all is well");
        check(&well, Lang::Zh, "well.zh.txt", "一切正常");
        check(&trouble, Lang::En, "trouble.en.txt", "NEEDS A PERSON");
        check(&trouble, Lang::Zh, "trouble.zh.txt", "需要处理");
    }

    #[test]
    fn a_workshop_of_many_machines_is_still_one_screen() {
        let mut status = sample::in_trouble();
        let device = status.devices[2].clone();
        status.devices.extend((0..300).map(|n| DevicePart { id: format!("m{n}"), ..device.clone() }));
        let machine = status.machines[0].clone();
        status.machines.extend((0..300).map(|n| MachinePart { device: format!("m{n}"), ..machine.clone() }));
        let lines = page(&status, Lang::En, ONE_SCREEN);
        assert!(lines.len() < 70, "{}", lines.len());
        assert!(lines.iter().any(|line| line.text.contains("more (--json has all)")));
    }

    #[test]
    fn a_share_that_is_not_whole_is_never_shown_as_whole() {
        let mut status = sample::well();
        status.samples.day = Some(TallyPart { expected: 1_000_000, good: 999_999, late: 1, ..TallyPart::default() });
        assert!(text(&status, Lang::En).contains("99.99 % good"));
    }

    #[test]
    fn a_share_of_nothing_is_no_share() {
        let mut status = sample::well();
        status.samples.hour = Some(TallyPart::default());
        assert!(text(&status, Lang::En).contains("0 expected     -\n"), "{}", text(&status, Lang::En));
        assert!(!text(&status, Lang::Zh).contains("100.00%"));
    }

    #[test]
    fn what_nobody_knows_is_told_as_unknown_and_never_as_nothing() {
        check(&sample::recorder_silent(), Lang::En, "silent.en.txt", "the recorder does not answer");
        check(&sample::recorder_silent(), Lang::Zh, "silent.zh.txt", "内容未知");
    }

    #[test]
    fn bad_tags_beyond_the_list_are_counted() {
        let mut status = sample::in_trouble();
        let tag = status.bad_tags[0].clone();
        status.bad_tags = (0..100).map(|n| BadTag { tag: format!("t{n}"), ..tag.clone() }).collect();
        status.devices[1].bad_tags = Some(150);
        let text = text(&status, Lang::En);
        assert!(text.contains("... and 142 more (--json has the first 100)"), "{text}");
    }
}
