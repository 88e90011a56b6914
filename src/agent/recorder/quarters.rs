//! Electricity of a quarter of an hour as an event (E1), for those who have asked for it: from the cells of a clock hour. Pure.
//!
//! A quarter is told once the cell in which it ends is settled, and again when that cell changes. A shift that begins within a
//! quarter cuts it into two cells; what is told is the whole.

use std::borrow::Cow;

use crate::indicator::formula::VERSION;
use crate::indicator::{Amount, Cell, Flags, Plan, Ratio};
use crate::model::{FigureReport, IndicatorReport, PeriodReport, Timestamp};

const QUARTER_MS: i64 = 900_000;

/// A cell of which the quarters are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// Start of its clock hour.
    pub(super) hour: Timestamp,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

impl Told {
    /// Of a settled cell; `None`: nobody has asked, or nothing is metered.
    pub(super) fn of(cell: &Cell, plan: &Plan) -> Option<Told> {
        let hour = plan.calendar.slot(cell.start).hour;
        (plan.tells_quarters && cell.sums.energy.is_metered).then_some(Told { hour, start: cell.start, end: cell.end })
    }
}

/// The events of the quarters that end in it; `cells` are those of its clock hour up to its end, in the order of their time.
pub(super) fn reports(device: &str, told: Told, cells: &[Cell]) -> Vec<IndicatorReport> {
    let own = cells.iter().filter(|cell| cell.start >= told.hour && cell.end <= told.end);
    let report = |nth: usize| {
        let start = told.hour.0 + QUARTER_MS * i64::try_from(nth).ok()?;
        let end = start + QUARTER_MS;
        if end <= told.start.0 || end > told.end.0 {
            return None;
        }
        let (mut wh, mut full, mut flags, mut revision) = (Amount::default(), None, Flags::NONE, 0);
        for cell in own.clone().filter(|cell| cell.end.0 > start && cell.start.0 < end) {
            wh += cell.quarters[nth].wh;
            full = full.or(cell.quarters[nth].full);
            flags.raise(cell.sums.flags);
            revision += cell.revision;
        }
        if wh.0 == 0 && full.is_none() {
            return None; // nothing was metered in it, which is not 0 kWh
        }
        let date = own.clone().find(|cell| cell.end.0 > start)?.date;
        Some(IndicatorReport {
            device: device.to_owned(),
            period: PeriodReport { kind: "quarter".into(), name: None, date: date.to_string(), start, end },
            revision,
            quality: None,
            coverage: None,
            flags: flags.words().into_iter().map(Cow::Borrowed).collect(),
            time_ms: [].into(),
            figures: figures(wh, full),
            stops: Vec::new(),
            formula: VERSION.into(),
        })
    };
    (0..4).filter_map(report).collect()
}

/// ΔW, and the mean power of a quarter that was metered from its first to its last moment (A30).
fn figures(wh: Amount, full: Option<Amount>) -> std::collections::BTreeMap<Cow<'static, str>, FigureReport> {
    let shown = |amount: Amount, per: i128| {
        let rounded = amount.ratio().over(Ratio::whole(per)).and_then(Ratio::rounded);
        rounded.map(|value| value.0 as f64 / 1e6)
    };
    let figure = |id: &'static str, value: Option<f64>, unit: &'static str| FigureReport {
        id: id.into(),
        value,
        num: value,
        den: None,
        units: [unit.into(), "1".into(), unit.into()],
    };
    let energy = ("energy".into(), figure("E1", shown(wh, 1_000), "kWh"));
    let power = full.map(|wh| ("mean_power".into(), figure("E4", shown(wh, 250), "kW")));
    [energy].into_iter().chain(power).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::Quarter;

    #[test]
    fn a_quarter_that_a_shift_cuts_is_told_whole_and_once() {
        let hour = 1_774_969_200_000;
        let cell = |from: i64, to: i64, wh: [i64; 4]| {
            let at = |minute: i64| Timestamp(hour + minute * 60_000);
            let mut cell = Cell::new("m", at(from), at(to), jiff::civil::date(2026, 3, 31), None);
            cell.quarters = wh.map(|wh| Quarter { wh: Amount::whole(wh), full: None });
            cell
        };
        let mut cells = [cell(0, 20, [100, 30, 0, 0]), cell(20, 60, [0, 70, 200, 0])];
        cells[1].quarters[1].full = Some(Amount::whole(99));
        let told = |cell: &Cell| Told { hour: Timestamp(hour), start: cell.start, end: cell.end };
        let shown = |reports: Vec<IndicatorReport>| -> Vec<(i64, Option<f64>, Option<f64>)> {
            let minute = |report: &IndicatorReport| (report.period.start - hour) / 60_000;
            let power = |it: &IndicatorReport| it.figures.get("mean_power").and_then(|power| power.value);
            reports.iter().map(|it| (minute(it), it.figures["energy"].value, power(it))).collect()
        };
        assert_eq!(shown(reports("m", told(&cells[0]), &cells)), [(0, Some(0.1), None)]);
        let second = shown(reports("m", told(&cells[1]), &cells));
        assert_eq!(second, [(15, Some(0.1), Some(0.396)), (30, Some(0.2), None)], "of the last one nothing is known");
        cells[1].quarters[3].full = Some(Amount::whole(0));
        let last = shown(reports("m", told(&cells[1]), &cells)).pop();
        assert_eq!(last, Some((45, Some(0.0), Some(0.0))), "it was metered, and used nothing");
    }
}
