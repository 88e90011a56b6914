//! The report as one page without a network: printable on A4, Chinese or English, plots within it.

mod site; // what stands above the machines

use std::fmt::Write as _;

use jiff::civil::Time;

use super::build::Report;
use super::document::{DeviceReport, PeriodPart, SiteReport};
use super::number::Num;
use super::plot;
use crate::indicator::Interval;
use crate::model::{Lang, State, Timestamp};

const STYLE: &str = "\
@page{size:A4;margin:14mm 12mm}\
*{box-sizing:border-box}\
body{font:13px/1.5 'Noto Sans CJK SC','Microsoft YaHei','PingFang SC','WenQuanYi Micro Hei',Arial,sans-serif;color:#263238;max-width:190mm;margin:0 auto;padding:8px}\
h1{font-size:21px;margin:.2em 0}h2{font-size:17px;margin:1.3em 0 .3em;border-bottom:2px solid #455a64}h3{font-size:14px;margin:1.1em 0 .3em}\
p{margin:.3em 0}.note{color:#546e7a;font-size:11.5px}\
table{border-collapse:collapse;width:100%;font-size:12px;margin:.4em 0}th,td{border:1px solid #cfd8dc;padding:2px 6px;text-align:right;vertical-align:top}\
th{background:#eceff1;font-weight:600}td.t,th.t{text-align:left}th:last-child,td:last-child{white-space:nowrap}td.f,th.f{text-align:left;white-space:normal!important}td.f{font-size:10.5px;color:#546e7a;overflow-wrap:anywhere}thead{display:table-header-group}tr{break-inside:avoid}\
.tiles{display:grid;grid-template-columns:repeat(5,1fr);gap:8px;margin:.6em 0}.tile{border:1px solid #cfd8dc;border-radius:4px;padding:6px 9px}\
.tile b{display:block;font-size:20px;line-height:1.25}.tile span{font-size:11px;color:#546e7a}\
.key{font-size:11px}.key i{display:inline-block;width:11px;height:11px;border:1px solid #90a4ae;margin:0 4px 0 10px;vertical-align:-1px}\
.machine{break-before:page}.figures table{font-size:10.5px}.figures td,.figures th{padding:1px 5px}.low{color:#b71c1c}figure{margin:.3em 0;break-inside:avoid}svg{display:block;max-width:100%;height:auto}\
@media print{body{padding:0;max-width:none}}";

/// The whole page.
pub fn html(report: &Report, lang: Lang) -> String {
    html_of(report, &[], lang)
}

/// The page of an archive: the same, below what is to be said of the enterprise.
pub fn html_of(report: &Report, particulars: &[(&str, &str)], lang: Lang) -> String {
    let mut page = Page { out: String::new(), lang };
    let site = &report.site;
    let title = page.pick("Equipment report", "设备运行报告");
    let language = page.pick("en", "zh-CN");
    page.raw(&format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} {}</title><style>{STYLE}</style></head><body>\n",
        escaped(&shown_period(&site.period, lang))
    ));
    page.head(title, site);
    page.particulars(particulars);
    // A report of a single machine is about it alone.
    if report.is_of_one() {
        report.devices.iter().for_each(|device| page.machine(report, device, false));
    } else {
        page.site(site);
        report.devices.iter().for_each(|device| page.machine(report, device, true));
    }
    page.foot(site);
    page.raw("</body></html>\n");
    page.out
}

/// Text between tags or in an attribute; what steers a terminal becomes a space.
pub(super) fn escaped(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn shown_period(period: &PeriodPart, lang: Lang) -> String {
    match (period.kind, &period.name, lang) {
        ("month", ..) => period.date.get(..7).unwrap_or_default().to_owned(),
        ("production_day", _, Lang::En) => format!("production day {}", period.date),
        ("production_day", _, Lang::Zh) => format!("生产日 {}", period.date),
        (_, Some(name), _) => format!("{} {name}", period.date),
        _ => period.date.clone(),
    }
}

fn minute(text: &str) -> String {
    text.get(..16).unwrap_or(text).replace('T', " ")
}

struct Page {
    out: String,
    lang: Lang,
}

impl Page {
    fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        if self.lang == Lang::Zh { zh } else { en }
    }

    fn raw(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn element(&mut self, tag: &str, class: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        writeln!(self.out, "<{tag}{class}>{}</{tag}>", escaped(text)).ok(); // into a text
    }

    fn head(&mut self, title: &str, site: &SiteReport) {
        let period = &site.period;
        self.element("h1", "", &format!("{}  {title}  {}", site.name, shown_period(period, self.lang)));
        let (from, to) = (minute(&period.start), minute(&period.end));
        let (code, workshop, zone) = (&site.enterprise.code, &site.workshop, &period.timezone);
        let text = match self.lang {
            Lang::En => format!("{code} / {workshop} · {from} to {to} ({zone})"),
            Lang::Zh => format!("企业 {code}，车间 {workshop} · {from} 至 {to}（{zone}）"),
        };
        self.element("p", "", &text);
        let basis = match (self.lang, period.kind) {
            (Lang::En, _) => format!("Basis: {}.", site.basis),
            (_, "month") => {
                "统计口径：OEE 类指标和产量为班次日期落在本月的各班次之和；采集、能耗、开机率、综合能耗按日历月切分。"
                    .into()
            }
            (_, "shift") => "统计口径：单个班次，归属其开始的日期。".into(),
            (_, "production_day") => "统计口径：在该生产日内开始的各班次之和，不切分。".into(),
            _ => "统计口径：日历日，零点切分。".into(),
        };
        self.element("p", "note", &basis);
        if !period.is_over {
            let text =
                self.pick("The period is not over: figures will change.", "本周期尚未结束，数据还会变化。").to_owned();
            self.element("p", "low", &text);
        }
    }

    fn particulars(&mut self, rows: &[(&str, &str)]) {
        if rows.is_empty() {
            return;
        }
        self.raw("<table><tbody>\n");
        for (label, text) in rows {
            let html =
                format!("<tr><th class=\"t\">{}</th><td class=\"f\">{}</td></tr>\n", escaped(label), escaped(text));
            self.raw(&html);
        }
        self.raw("</tbody></table>\n");
    }

    fn foot(&mut self, site: &SiteReport) {
        let text = match self.lang {
            Lang::En => format!(
                "Percentages are computed from sums and never averaged. Unknown time counts as not producing. null or – means: cannot be known. Formulas {}; cloudward {}; configuration SHA-256 {}.",
                site.formula, site.agent, site.config_sha256
            ),
            Lang::Zh => format!(
                "百分比均由分子、分母之和计算，从不取平均；无数据的时间按未生产计；“–”表示无法得知。公式版本 {}；cloudward {}；配置文件 SHA-256 {}。",
                site.formula, site.agent, site.config_sha256
            ),
        };
        self.element("p", "note", &text);
    }

    fn machine(&mut self, report: &Report, device: &DeviceReport, on_own_page: bool) {
        self.raw(if on_own_page { "<section class=\"machine\">\n" } else { "<section>\n" });
        let name = device.name.as_deref().map_or(String::new(), |name| format!("  {name}"));
        self.element("h2", "", &format!("{}{name}", device.device));
        let mut about = Vec::new();
        if let Some(line) = &device.line {
            about.push(format!("{} {line}", self.pick("line", "产线")));
        }
        about.extend(device.identifier.iter().map(|id| format!("{} {id}", self.pick("identifier", "标识编码"))));
        about.push(format!("{} {}", self.pick("revision", "修订号"), device.revision));
        about.extend(
            device.partial_from.iter().map(|from| format!("{} {}", self.pick("first data", "首次数据"), minute(from))),
        );
        let late = [
            (device.late_uncounted, self.pick("late scans not counted", "迟到未计入的采集次数")),
            (device.late_after_freeze, self.pick("late scans after the month was frozen", "月份冻结后迟到的采集次数")),
        ];
        about.extend(late.iter().filter(|(scans, _)| *scans > 0).map(|(scans, words)| format!("{words} {scans}")));
        self.element("p", "note", &about.join(" · "));
        let tiles = [
            ("OEE", device.oee.oee),
            (self.pick("availability", "时间开动率"), device.oee.availability),
            (self.pick("effectiveness", "性能开动率"), device.oee.effectiveness),
            (self.pick("quality", "合格品率"), device.oee.quality),
            (self.pick("coverage of PBT", "数据覆盖率（负荷时间）"), device.coverage_pbt),
        ];
        let tiles = tiles.map(|(label, value)| (label.to_owned(), self.percent(value)));
        self.tiles(&tiles);
        if device.quality != Some("ok") {
            let text = match device.quality {
                Some(_) => self.pick(
                    "Low coverage: less than 90 % of the planned busy time is known.",
                    "覆盖率偏低：负荷时间中已知部分不足 90 %。",
                ),
                None => self.pick(
                    "No ratios: less than half of the planned busy time is known, or there is none.",
                    "不给出比率：负荷时间中已知部分不足一半，或没有负荷时间。",
                ),
            };
            let text = text.to_owned();
            self.element("p", "low", &text);
        }
        if !device.oee.flags.is_empty() {
            let text = format!(
                "{}{}",
                self.pick("To know beside the figures: ", "须一并说明："),
                self.flags(&device.oee.flags)
            );
            self.element("p", "", &text);
        }
        let title = self.pick("States", "状态时间线").to_owned();
        let days = days(report);
        let log = report.log.get(&device.device).map_or(&[][..], Vec::as_slice);
        self.figure(&title, &plot::timeline(log, &days, &hours(report, &days)));
        self.key(log);
        let span_ms = days.first().map_or(0, |(_, start, end)| end.0 - start.0);
        self.resolution(span_ms / i64::from(plot::pixels(days.len())).max(1));
        let title = self.pick("From the scheduled time to the OEE, minutes", "从计划时间到 OEE（分钟）").to_owned();
        self.figure(&title, &plot::waterfall(device, self.lang));
        let stops: Vec<_> = device
            .stops
            .iter()
            .take(MOST_STOPS)
            .map(|stop| {
                let state = State::parse(stop.state).unwrap_or(State::Idle);
                let said = match self.lang {
                    Lang::En => format!("{} min, {}×", tenth(stop.min), stop.count),
                    Lang::Zh => format!("{} 分钟，{} 次", tenth(stop.min), stop.count),
                };
                (self.cause(&stop.cause, stop.text.as_deref(), state), stop.min.get(), said, plot::colour(state))
            })
            .collect();
        let title = self.pick("Stops by cause", "停机原因").to_owned();
        self.figure(&title, &plot::bars(&stops, 0.0));
        let energy: Vec<_> = State::ALL
            .into_iter()
            .filter_map(|state| {
                let kwh = device.energy.kwh_by_state.get(state.as_str())?.get();
                let row = (plot::word(state, self.lang).to_owned(), kwh, format!("{kwh:.1} kWh"), plot::colour(state));
                (kwh > 0.0).then_some(row)
            })
            .collect();
        let title = self.pick("Electricity by state", "各状态电耗").to_owned();
        self.figure(&title, &plot::bars(&energy, 0.0));
        self.alarms(device);
        self.figures(device);
        self.raw("</section>\n");
    }

    fn alarms(&mut self, device: &DeviceReport) {
        let Some(alarms) = &device.alarms else { return };
        let mean = |sum: Option<Num>, count: Option<u32>| match (sum, count) {
            (Some(sum), Some(count)) if count > 0 => format!("{:.1} s", sum.get() / f64::from(count)),
            _ => "–".to_owned(),
        };
        let clear = mean(Some(alarms.clear_s), Some(alarms.cleared));
        let ack = mean(alarms.ack_s, alarms.acknowledged);
        let text = match self.lang {
            Lang::En => format!(
                "Alarms: {} began, {} min in all; on average acknowledged after {ack}, gone after {clear}; {} with unknown time.",
                alarms.count,
                tenth(alarms.min),
                alarms.clear_unknown
            ),
            Lang::Zh => format!(
                "报警 {} 次，共 {} 分钟；平均确认时间 {ack}，平均消除时间 {clear}；{} 次因有无数据时段而未计时。",
                alarms.count,
                tenth(alarms.min),
                alarms.clear_unknown
            ),
        };
        self.element("p", "", &text);
    }

    fn figures(&mut self, device: &DeviceReport) {
        let text = self.pick("All figures", "全部指标").to_owned();
        self.element("h3", "", &text);
        self.raw("<div class=\"figures\">");
        let head = [
            ("figure", "指标"),
            ("formula", "公式"),
            ("numerator", "分子"),
            ("denominator", "分母"),
            ("value", "数值"),
            ("cut by", "口径"),
        ];
        self.table_head(&head.map(|(en, zh)| self.pick(en, zh).to_owned()), 2);
        for figure in &device.figures {
            let name = self.pick(figure.name, figure.zh).replace('_', " ");
            let pieces = self.pick("pcs", "件");
            let part = |it: Option<Num>, unit: &str| {
                let unit = unit.replace("pcs", pieces);
                it.map_or("–".to_owned(), |it| format!("{it} {}", if unit == "1" { "" } else { &unit }))
            };
            let value = match (figure.value, &*figure.unit) {
                (Some(value), "1") if figure.denominator.is_some() => format!("{value}"),
                (value, unit) => part(value, unit),
            };
            let (above, below) =
                (part(figure.numerator, &figure.numerator_unit), part(figure.denominator, &figure.denominator_unit));
            let basis = match figure.basis {
                "calendar" => self.pick("calendar", "日历"),
                _ => self.pick("shifts", "班次"),
            };
            let cells =
                [format!("{} {name}", figure.id), figure.formula.to_owned(), above, below, value, basis.to_owned()];
            self.table_row(&cells, 2, false);
        }
        self.raw("</tbody></table></div>\n");
        let coverage = self.percent(device.coverage_pbt);
        let quality = device.quality.unwrap_or("–");
        let flags = if device.oee.flags.is_empty() { "–".to_owned() } else { self.flags(&device.oee.flags) };
        let text = match self.lang {
            Lang::En => format!("Beside each figure: coverage of PBT {coverage}, quality {quality}, flags {flags}."),
            Lang::Zh => format!("以上各指标：负荷时间数据覆盖率 {coverage}，数据质量 {quality}，标记 {flags}。"),
        };
        self.element("p", "note", &text);
    }

    fn cause(&self, cause: &str, text: Option<&str>, state: State) -> String {
        match cause {
            "" => format!("{} {}", plot::word(state, self.lang), self.pick("(no reason)", "（未说明）")),
            crate::indicator::MICROSTOP => self.pick("micro-stops", "短暂停机").to_owned(),
            cause => text.map_or_else(|| cause.to_owned(), |text| format!("{cause} {text}")),
        }
    }

    fn flags(&self, flags: &[&'static str]) -> String {
        let words = flags.iter().map(|flag| match self.lang {
            Lang::En => flag.replace('_', " "),
            Lang::Zh => super::catalogue::flag_zh(flag).to_owned(),
        });
        words.collect::<Vec<_>>().join(self.pick(", ", "、"))
    }

    fn percent(&self, value: Option<Num>) -> String {
        value.map_or("–".to_owned(), |it| it.percent(2))
    }

    fn tiles(&mut self, tiles: &[(String, String)]) {
        self.raw("<div class=\"tiles\">");
        for (label, value) in tiles {
            let html = format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>", escaped(value), escaped(label));
            self.raw(&html);
        }
        self.raw("</div>\n");
    }

    fn figure(&mut self, title: &str, svg: &str) {
        if !svg.is_empty() {
            let html = format!("<figure><h3>{}</h3>{svg}</figure>\n", escaped(title));
            self.raw(&html);
        }
    }

    fn key(&mut self, log: &[Interval]) {
        let states = State::ALL.into_iter().filter(|state| log.iter().any(|it| it.state == *state));
        let key = states
            .map(|state| format!("<i style=\"background:{}\"></i>{}", plot::css(state), plot::word(state, self.lang)));
        let html = format!("<p class=\"key\">{}</p>\n", key.collect::<String>());
        self.raw(&html);
    }

    /// How much time a pixel of the strips is.
    fn resolution(&mut self, pixel_ms: i64) {
        let seconds = (pixel_ms + 500) / 1_000;
        if seconds > 0 {
            let text = match self.lang {
                Lang::En => {
                    format!("A pixel is {seconds} s and shows what took most of it; the table of stops has all.")
                }
                Lang::Zh => format!("每像素为 {seconds} 秒，显示其中占时最长的状态；全部停机见停机表。"),
            };
            self.element("p", "note", &text);
        }
    }

    fn table_head(&mut self, words: &[String], texts: usize) {
        self.raw("<table><thead><tr>");
        for (at, word) in words.iter().enumerate() {
            let class = if at < texts { " class=\"t\"" } else { "" };
            let html = format!("<th{class}>{}</th>", escaped(word));
            self.raw(&html);
        }
        self.raw("</tr></thead><tbody>\n");
    }

    fn table_row(&mut self, cells: &[String], texts: usize, has_flags: bool) {
        self.raw("<tr>");
        for (at, cell) in cells.iter().enumerate() {
            let class = match at {
                at if at < texts => " class=\"t\"",
                at if has_flags && at + 1 == cells.len() => " class=\"f\"",
                _ => "",
            };
            let html = format!("<td{class}>{}</td>", escaped(cell));
            self.raw(&html);
        }
        self.raw("</tr>\n");
    }
}

/// Causes in a plot; the others stand in the tables.
const MOST_STOPS: usize = 12;

fn number(value: Option<Num>) -> String {
    value.map_or("–".to_owned(), |it| it.to_string())
}

fn tenth(value: Num) -> String {
    format!("{:.1}", value.get())
}

/// The strips of the timeline: the period, or each of its days.
fn days(report: &Report) -> Vec<(String, Timestamp, Timestamp)> {
    let period = &report.site.period;
    let (start, end) = (Timestamp(period.start_ms), Timestamp(period.end_ms));
    if period.kind != "month" {
        return vec![(String::new(), start, end)];
    }
    let mut days = Vec::new();
    let local =
        |at: Timestamp| jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(report.zone.clone());
    let mut date = local(start).date();
    while let Ok(next) = date.tomorrow() {
        let moment = |date: jiff::civil::Date| {
            let at = date.to_datetime(Time::midnight()).to_zoned(report.zone.clone());
            at.map_or(end, |at| Timestamp(at.timestamp().as_millisecond()))
        };
        let (from, to) = (moment(date), moment(next));
        if from >= end {
            break;
        }
        days.push((date.strftime("%m-%d").to_string(), from, to));
        date = next;
    }
    days
}

/// Marks of the clock below the strips, and where they stand.
fn hours(report: &Report, days: &[(String, Timestamp, Timestamp)]) -> Vec<(String, f64)> {
    let Some((_, start, end)) = days.first() else { return Vec::new() };
    let span = (end.0 - start.0).max(1);
    let marks = 12;
    let every = (span / 3_600_000 / marks).max(1) * 3_600_000;
    let label = |at: i64| {
        let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(report.zone.clone());
        at.strftime("%H:%M").to_string()
    };
    let mut marks = Vec::new();
    let mut at = start.0;
    while at <= end.0 {
        marks.push((label(at), (at - start.0) as f64 / span as f64));
        at += every;
    }
    marks
}
