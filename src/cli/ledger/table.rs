//! How the ledger is shown: a table for people, JSON and CSV for programs. Pure.

use std::collections::BTreeSet;

use crate::model::Lang;
use crate::model::ledger::Tally;

/// A line and its counts.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) tally: Tally,
}

/// Everything that is shown.
pub(super) struct Page {
    /// What a line is for: `hour`, `day`, `device`.
    pub(super) by: &'static str,
    pub(super) device: Option<String>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) zone: String,
    pub(super) rows: Vec<Row>,
}

impl Page {
    fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.rows.iter().for_each(|row| total.add(&row.tally));
        total
    }

    /// Every line closes, and so the total.
    fn closes(&self) -> bool {
        self.rows.iter().all(|row| row.tally.closes())
    }

    pub(super) fn table(&self) -> String {
        let lang = Lang::current();
        let total = self.total();
        let head = match lang {
            Lang::En => ["expected", "good", "good %", "uncertain", "late", "bad", "lost", "causes"],
            Lang::Zh => ["应采", "正常", "正常率", "存疑", "迟到", "异常", "缺失", "原因"],
        };
        let label = match (self.by, lang) {
            ("hour", Lang::Zh) => "小时",
            ("day", Lang::Zh) => "日期",
            (_, Lang::Zh) => "设备",
            (by, Lang::En) => by,
        };
        let sum = match lang {
            Lang::En => "total",
            Lang::Zh => "合计",
        };
        let mut lines = vec![[label].into_iter().chain(head).map(str::to_owned).collect::<Vec<_>>()];
        lines.extend(self.rows.iter().map(|row| cells(&row.label, &row.tally)));
        if self.rows.len() > 1 {
            lines.push(cells(sum, &total));
        }
        let mut out = self.title(lang);
        out.push_str(&aligned(&lines));
        out.push_str(&self.check(&total, lang));
        out
    }

    fn title(&self, lang: Lang) -> String {
        let Page { from, to, zone, .. } = self;
        let device = self.device.as_deref().unwrap_or(match lang {
            Lang::En => "all devices",
            Lang::Zh => "全部设备",
        });
        match lang {
            Lang::En => format!("samples of {device}, {from} to {to} ({zone})\n\n"),
            Lang::Zh => format!("样本台账：{device}，{from} 至 {to}（{zone}）\n\n"),
        }
    }

    /// The line that an assessor looks for.
    fn check(&self, total: &Tally, lang: Lang) -> String {
        let Tally { expected, good, uncertain, late, .. } = total;
        let (bad, lost, accounted) = (total.bad(), total.lost(), total.accounted());
        match (self.closes(), lang) {
            (true, Lang::En) => format!(
                "\ncheck: {good} good + {uncertain} uncertain + {late} late + {bad} bad + {lost} lost = {accounted} = {expected} expected; sums to 100 %"
            ),
            (true, Lang::Zh) => format!(
                "\n核对：正常 {good} + 存疑 {uncertain} + 迟到 {late} + 异常 {bad} + 缺失 {lost} = {accounted} = 应采 {expected}，合计 100 %"
            ),
            (false, Lang::En) => format!(
                "\ncheck FAILED: {good} good + {uncertain} uncertain + {late} late + {bad} bad + {lost} lost = {accounted}, expected {expected}"
            ),
            (false, Lang::Zh) => format!(
                "\n核对不平：正常 {good} + 存疑 {uncertain} + 迟到 {late} + 异常 {bad} + 缺失 {lost} = {accounted}，应采 {expected}"
            ),
        }
    }

    pub(super) fn json(&self) -> String {
        let value = |tally: &Tally| {
            let mut value = serde_json::to_value(tally).unwrap_or_default();
            value["uncertain"] = tally.uncertain.into();
            value["late"] = tally.late.into();
            value["good_percent"] = hundredths(tally).map(|share| share as f64 / 100.0).into();
            value["closes"] = tally.closes().into();
            value
        };
        let row = |row: &Row| {
            let mut value = value(&row.tally);
            value[self.by] = row.label.clone().into();
            value
        };
        let page = serde_json::json!({
            "from": self.from,
            "to": self.to,
            "timezone": self.zone,
            "device": self.device,
            "by": self.by,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "total": value(&self.total()),
            "closes": self.closes(),
        });
        serde_json::to_string_pretty(&page).unwrap_or_default()
    }

    pub(super) fn csv(&self) -> String {
        let causes = |of: fn(&Tally) -> Vec<&str>| -> BTreeSet<&str> {
            self.rows.iter().flat_map(|row| of(&row.tally)).collect()
        };
        let bad = causes(|tally| tally.bad.keys().map(|cause| cause.as_ref()).collect());
        let lost = causes(|tally| tally.lost.keys().map(|cause| cause.as_ref()).collect());
        let fixed = [self.by, "expected", "good", "uncertain", "late", "bad", "lost"].map(str::to_owned);
        let head = fixed.into_iter().chain(bad.iter().map(|cause| format!("bad_{cause}")));
        let mut lines = vec![head.chain(lost.iter().map(|cause| format!("lost_{cause}"))).collect::<Vec<_>>()];
        for Row { label, tally } in &self.rows {
            let counts = [tally.expected, tally.good, tally.uncertain, tally.late, tally.bad(), tally.lost()];
            let of_causes = bad.iter().map(|cause| tally.bad.get(*cause));
            let of_causes = of_causes.chain(lost.iter().map(|cause| tally.lost.get(*cause)));
            let counts = counts.into_iter().chain(of_causes.map(|count| count.copied().unwrap_or(0)));
            lines.push(std::iter::once(label.clone()).chain(counts.map(|count| count.to_string())).collect());
        }
        lines.iter().map(|cells| cells.join(",")).collect::<Vec<_>>().join("\n")
    }
}

/// Hundredths of a percent, rounded down: 100.00 % is said only where every sample is good.
fn hundredths(tally: &Tally) -> Option<u64> {
    let share = u128::from(tally.good) * 10_000 / u128::from(tally.expected).max(1);
    (tally.expected > 0).then_some(u64::try_from(share).unwrap_or(u64::MAX))
}

fn cells(label: &str, tally: &Tally) -> Vec<String> {
    let share = hundredths(tally).map_or_else(|| "-".into(), |share| format!("{}.{:02}", share / 100, share % 100));
    let mut cells = vec![label.to_owned(), tally.expected.to_string(), tally.good.to_string(), share];
    cells.extend([tally.uncertain, tally.late, tally.bad(), tally.lost()].map(|count| count.to_string()));
    let mut causes: Vec<(u64, &str)> =
        tally.bad.iter().chain(&tally.lost).map(|(cause, count)| (*count, cause.as_ref())).collect();
    causes.sort_unstable_by(|a, b| b.cmp(a));
    cells.push(causes.iter().map(|(count, cause)| format!("{cause} {count}")).collect::<Vec<_>>().join(", "));
    cells
}

/// Numbers to the right, the first and the last column to the left.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widest = |column: usize| lines.iter().map(|cells| wide(&cells[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let mut out = String::new();
    for cells in lines {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let blanks = " ".repeat(widths[column] - wide(cell));
            let gap = if column == 0 { "" } else { "  " };
            match column {
                0 => line.push_str(&format!("{cell}{blanks}")),
                last if last + 1 == columns => line.push_str(&format!("{gap}{cell}")),
                _ => line.push_str(&format!("{gap}{blanks}{cell}")),
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Columns of a terminal: Chinese characters take two.
fn wide(text: &str) -> usize {
    text.chars().map(|c| if ('\u{2e80}'..='\u{ffef}').contains(&c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Why;
    use crate::model::ledger::{Lost, Outcome};

    fn page() -> Page {
        let mut first = Tally { expected: 100_000, ..Tally::default() };
        first.enter(Outcome::Good, 99_999);
        first.enter(Outcome::Bad(Why::Timeout), 1);
        let mut second = Tally { expected: 10, ..Tally::default() };
        second.enter(Outcome::Lost(Lost::Overrun), 7);
        second.enter(Outcome::Bad(Why::Timeout), 2);
        second.enter(Outcome::Late, 1);
        let row = |label: &str, tally| Row { label: label.into(), tally };
        let rows = vec![row("imm-01", first), row("冲床", second)];
        let [from, to] = ["2026-11-26 00:00", "2026-11-27 00:00"].map(str::to_owned);
        Page { by: "device", device: None, from, to, zone: "Asia/Shanghai".into(), rows }
    }

    #[test]
    fn the_table_is_aligned_rounds_down_and_ends_with_the_check() {
        let expected = "\
samples of all devices, 2026-11-26 00:00 to 2026-11-27 00:00 (Asia/Shanghai)

device  expected   good  good %  uncertain  late  bad  lost  causes
imm-01    100000  99999   99.99          0     0    1     0  timeout 1
冲床          10      0    0.00          0     1    2     7  overrun 7, timeout 2
total     100010  99999   99.98          0     1    3     7  overrun 7, timeout 3

check: 99999 good + 0 uncertain + 1 late + 3 bad + 7 lost = 100010 = 100010 expected; sums to 100 %";
        assert_eq!(page().table(), expected);
    }

    #[test]
    fn csv_has_a_column_for_each_cause_and_json_the_same_counts() {
        assert_eq!(
            page().csv(),
            "device,expected,good,uncertain,late,bad,lost,bad_timeout,lost_overrun\n\
             imm-01,100000,99999,0,0,1,0,1,0\n冲床,10,0,0,1,2,7,2,7"
        );
        let json: serde_json::Value = serde_json::from_str(&page().json()).unwrap();
        assert_eq!(json["rows"][1]["device"], "冲床");
        assert_eq!(json["rows"][1]["lost"]["overrun"], 7);
        assert_eq!((&json["total"]["expected"], &json["closes"]), (&100_010.into(), &true.into()));
    }

    #[test]
    fn lines_that_do_not_add_up_are_not_said_to() {
        let mut page = page();
        page.rows[0].tally.good -= 1;
        assert!(page.table().contains("check FAILED: "), "{}", page.table());
    }
}
