//! A figure taken apart: formula, what is above and below the line, the hours and the stretches of the state log that it comes from, so
//! that a person can compute it again with a pencil.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::build::{clock, kwh, minutes};
use super::catalogue;
use super::number::Num;
use super::period::Asked;
use super::upload::Uploaded;
use crate::config::Equipment;
use crate::indicator::formula::{self, FORMULAS, Figure, Formula, UPLOADS};
use crate::indicator::{Cell, Interval, Sums};
use crate::model::{Lang, Route, State, Upload};

/// What is to be explained.
pub struct Question<'a> {
    /// `O6`, or a name such as `availability_known`.
    pub indicator: &'a str,
    /// The machine.
    pub device: &'a str,
    /// Over which period.
    pub asked: &'a Asked,
    /// Its cells.
    pub cells: &'a [Cell],
    /// Its state log.
    pub intervals: &'a [Interval],
    /// Its uploads, of the hours that begin in the period.
    pub uploads: &'a [(Route, Upload)],
    /// The zone of the workshop.
    pub zone: &'a TimeZone,
    /// What its codes mean, what it counts in.
    pub equipment: &'a Equipment,
}

/// Whether there is such an indicator.
pub fn is_known(indicator: &str) -> bool {
    FORMULAS.iter().chain(&UPLOADS).any(|formula| is_meant(formula, indicator))
}

fn is_meant(formula: &Formula, indicator: &str) -> bool {
    formula.id.eq_ignore_ascii_case(indicator) || formula.name == indicator
}

/// The ids and names that there are.
pub fn known() -> String {
    let mut ids: Vec<&str> = FORMULAS.iter().chain(&UPLOADS).map(|formula| formula.id).collect();
    ids.dedup();
    ids.join(", ")
}

/// All of it, as lines of text; `None`: no such indicator, or no cells.
pub fn explain(question: &Question<'_>, lang: Lang) -> Option<String> {
    if UPLOADS.iter().any(|formula| is_meant(formula, question.indicator)) {
        return of_uploads(question, lang);
    }
    let gathered = question.asked.period.gather(question.cells);
    gathered.extent?;
    let figures = formula::device(&gathered);
    let is_it = |figure: &&Figure| is_meant(figure.formula, question.indicator);
    let asked: Vec<&Figure> = figures.iter().filter(is_it).collect();
    let first = asked.first()?;
    let is_of_calendar = first.formula.is_of_calendar;
    let sums = if is_of_calendar { &gathered.by_calendar } else { &gathered.by_shift };
    let mut text = Paper { out: String::new(), lang };
    text.line(&format!("{}  {}", question.device, question.asked.typed()));
    for figure in &asked {
        text.figure(figure, question.equipment.yardstick.counted_in);
    }
    text.inputs(sums);
    if first.formula.id == "O13" {
        text.cycles(sums);
    }
    text.cells(question, is_of_calendar);
    text.log(question);
    Some(text.out)
}

/// The same of an upload: its rows, hour by hour and sink by sink.
fn of_uploads(question: &Question<'_>, lang: Lang) -> Option<String> {
    question.uploads.first()?;
    let mut text = Paper { out: String::new(), lang };
    text.line(&format!("{}  {}", question.device, question.asked.typed()));
    let uploaded = Uploaded::of(question.uploads);
    for (formula, figure) in UPLOADS.iter().zip(uploaded.figures()).filter(|(it, _)| is_meant(it, question.indicator)) {
        let shown = |it: Option<Num>| it.map_or("null".to_owned(), |it| it.to_string());
        let unit = if formula.units[2] == "1" { "" } else { formula.units[2] };
        text.line("");
        let name = text.pick(formula.name, formula.zh).to_owned();
        text.line(&format!("{} {name}  {} = {} {unit}", formula.id, formula.name, shown(figure.value)));
        let mut rows = vec![(text.pick("formula", "公式"), formula.text.to_owned())];
        if formula.id == "C4" {
            rows.push((text.pick("numerator", "分子"), shown(figure.numerator)));
            rows.push((text.pick("denominator", "分母"), shown(figure.denominator)));
        }
        let rows: Vec<_> = rows.into_iter().map(|(label, value)| format!("  {label}: {value}")).collect();
        rows.iter().for_each(|row| text.line(row));
        text.entry(formula.id);
    }
    text.line("");
    let title = text.pick(
        "Hours that begin in the period, and sinks. due = max(made, acked + passed + given up) - passed; p50 and p95 in s",
        "周期内开始的各小时、各去向。应传 = max(产生, 已确认 + 略过 + 放弃) - 略过；p50、p95 单位为秒",
    );
    let title = title.to_owned();
    text.line(&title);
    text.line(&format!(
        "  {:<25}{:<20}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "hour", "sink", "made", "acked", "passed", "given up", "due", "p50", "p95"
    ));
    for (route, upload) in question.uploads {
        let Upload { made, acked, passed, given_up, delays } = upload;
        let seconds = |percent| delays.percentile(percent).map_or("-".to_owned(), |ms| (ms as f64 / 1e3).to_string());
        let (hour, sink, due) = (at(route.hour, question.zone), &route.sink, upload.due());
        let (p50, p95) = (seconds(50), seconds(95));
        text.line(&format!("  {hour}{sink:<20}{made:>9}{acked:>9}{passed:>9}{given_up:>9}{due:>9}{p50:>9}{p95:>9}"));
    }
    Some(text.out)
}

struct Paper {
    out: String,
    lang: Lang,
}

impl Paper {
    fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        if self.lang == Lang::Zh { zh } else { en }
    }

    fn line(&mut self, text: &str) {
        writeln!(self.out, "{}", text.trim_end()).ok(); // into a text
    }

    fn figure(&mut self, figure: &Figure, counted_in: &str) {
        let formula = figure.formula;
        let units = formula.units_in(counted_in);
        let [above, below, unit] = [&*units[0], &*units[1], &*units[2]];
        let number = |it: Option<crate::indicator::Ratio>, unit: &str| match it {
            Some(ratio) => format!("{} {}", Num::of(ratio), if unit == "1" { "" } else { unit }).trim_end().to_owned(),
            None => "null".to_owned(),
        };
        let value = figure.value.map_or("null".to_owned(), |it| it.to_string());
        let unit = if unit == "1" { "" } else { unit };
        self.line("");
        self.line(&format!(
            "{} {}  {} = {value} {unit}",
            formula.id,
            self.pick(formula.name, formula.zh),
            formula.name
        ));
        let rows = [
            (self.pick("formula", "公式"), formula.text.to_owned()),
            (self.pick("numerator", "分子"), number(figure.numerator, above)),
            (self.pick("denominator", "分母"), number(figure.denominator, below)),
            (
                self.pick("coverage of PBT", "负荷时间覆盖率"),
                figure.coverage.map_or("null".to_owned(), |it| it.to_string()),
            ),
            (self.pick("flags", "标记"), figure.flags.to_string()),
        ];
        let rows = rows.map(|(label, value)| format!("  {label}: {value}"));
        rows.iter().for_each(|row| self.line(row));
        self.entry(formula.id);
        if figure.value.is_none() && figure.numerator.is_some() && figure.denominator.is_some() {
            let why = self.pick(
                "no value: less than half of the planned busy time is known, or nothing is below the line",
                "不给出数值：负荷时间中已知部分不足一半，或分母为零",
            );
            let why = format!("  {why}");
            self.line(&why);
        }
    }

    fn entry(&mut self, id: &str) {
        let Some(entry) = catalogue::entry_of(id) else { return };
        let [source, not_proven] = entry.pick(self.lang);
        let rows = [
            format!("  {}: {source}", self.pick("source", "来源")),
            format!("  {}: {not_proven}", self.pick("does not prove", "不能证明")),
        ];
        rows.iter().for_each(|row| self.line(row));
    }

    fn inputs(&mut self, sums: &Sums) {
        let time = &sums.time;
        self.line("");
        let title = self.pick("Inputs (minutes, pieces, kWh)", "输入（分钟、件、kWh）").to_owned();
        self.line(&title);
        let mut rows = vec![
            ("scheduled", minutes(time.scheduled())),
            ("planned_stop", minutes(time.planned_stop())),
            ("PBT = scheduled - planned_stop", minutes(time.pbt())),
            ("APT = run", minutes(time.run())),
            ("idle", minutes(time.in_shift(State::Idle))),
            ("AUST = setup", minutes(time.in_shift(State::Setup))),
            ("ADET = fault", minutes(time.in_shift(State::Fault))),
            ("off", minutes(time.in_shift(State::Off))),
            ("unknown", minutes(time.in_shift(State::Unknown))),
            ("TTR", minutes(sums.ttr)),
            ("FE", Num::from(u64::from(sums.failures))),
            ("PQ", Num::from(sums.pieces())),
            ("GQ", Num::from(sums.good())),
            ("gap", Num::from(sums.gap_pieces())),
        ];
        if sums.energy.is_metered {
            rows.push(("ΔW", kwh(sums.energy.total)));
            rows.push(("ΔW idle+setup+fault", kwh(sums.energy.not_running())));
        }
        for (label, value) in rows {
            self.line(&format!("  {label:<32}{:>14}", value.to_string()));
        }
        for made in &sums.made {
            let product = made.product.as_deref().unwrap_or("-");
            let pri = made.pri.map_or("-".to_owned(), |pri| format!("{} ms", Num::of(pri.ms())));
            let (pieces, good, gap) = (Num::from(made.pieces), Num::from(made.good), Num::from(made.gap));
            let label = self.pick("product", "产品");
            let row = format!("  {label} {product}: PRI {pri}, PQ {pieces}, GQ {good}, gap {gap}");
            self.line(&row);
        }
    }

    /// The histogram that percentiles come from: count down to the rank.
    fn cycles(&mut self, sums: &Sums) {
        let cycles = &sums.cycles;
        self.line("");
        let title = self.pick(
            "Cycles by their length (rank = share of all, rounded up; the value is the middle of its row)",
            "各节拍长度的次数（名次 = 总数 × 百分比，向上取整；数值取所在行的中点）",
        );
        let title = format!("{title}: {}", cycles.count());
        self.line(&title);
        if cycles.coarse > 0 {
            let row = self.pick("shorter than five scans", "短于五个采样周期").to_owned();
            self.line(&format!("  {row}  {}", cycles.coarse));
        }
        for (from, to, count) in cycles.rows() {
            let second = |us: u64| us as f64 / 1e6;
            self.line(&format!("  [{:.6}, {:.6}) s  {count}", second(from), second(to)));
        }
    }

    fn cells(&mut self, question: &Question<'_>, is_of_calendar: bool) {
        self.line("");
        let title = self.pick(
            "Cells (clock hours, cut where shifts begin and end) that are added up",
            "参与合计的单元（整点小时，在班次起止处切开）",
        );
        let title = title.to_owned();
        self.line(&title);
        self.line(&format!(
            "  {:<25}{:<25}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}",
            "start", "end", "PBT min", "run min", "setup", "fault", "PQ", "GQ", "kWh"
        ));
        for cell in question.cells {
            let (by_shift, by_calendar) = question.asked.period.holds(cell);
            if !(if is_of_calendar { by_calendar } else { by_shift }) {
                continue;
            }
            let time = &cell.sums.time;
            let shown = [
                minutes(time.pbt()),
                minutes(time.run()),
                minutes(time.in_shift(State::Setup)),
                minutes(time.in_shift(State::Fault)),
            ];
            let pieces = [Num::from(cell.sums.pieces()), Num::from(cell.sums.good())];
            let numbers =
                shown.into_iter().chain(pieces).map(|it| format!("{:>10}", it.to_string())).collect::<String>();
            let wh = kwh(cell.sums.energy.total).to_string();
            self.line(&format!("  {}{}{numbers}{wh:>12}", at(cell.start, question.zone), at(cell.end, question.zone)));
        }
    }

    fn log(&mut self, question: &Question<'_>) {
        self.line("");
        let title = self.pick("State log, cut at the ends of the period", "状态记录（在周期边界处切开）").to_owned();
        self.line(&title);
        let asked = question.asked;
        for part in question.intervals.iter().filter_map(|it| it.within(asked.start, asked.end)) {
            let state = self.pick(part.state.as_str(), part.state.zh());
            let by = part.reclassified_by.as_ref().map_or(String::new(), |by| format!("  ({by})"));
            let (from, to) = (at(part.start, question.zone), at(part.end, question.zone));
            let text = question.equipment.causes.get(&part.cause).map_or(String::new(), |text| format!(" {text}"));
            let ms = minutes(part.ms()).to_string();
            let row = format!("  {from}{to}{ms:>12} min  {state}  {}{text}{by}", part.cause);
            self.line(&row);
        }
    }
}

fn at(moment: crate::model::Timestamp, zone: &TimeZone) -> String {
    format!("{:<25}", clock(moment, zone).get(..19).unwrap_or_default().replace('T', " "))
}
