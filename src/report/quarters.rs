//! Electricity by quarters of an hour (E1): what an energy manager lays beside the supplier's load profile. A day has 96 of them for each
//! meter; added up they are the energy of the period, since what a gap hides stands in the quarter in which it ended.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::build::{Given, clock, kwh};
use super::document::QuarterPart;
use super::number::Num;
use super::sheet::{BOM, csv_line};
use crate::config::Device;
use crate::indicator::{Amount, Calendar, Cell, Period, Ratio};
use crate::model::{Lang, Timestamp};

const QUARTER_MS: i64 = 900_000;

/// Of a device; none where nothing meters it, or where it has no part in the period.
pub(super) fn of_device(given: &Given<'_>, device: &Device, zone: &TimeZone) -> Vec<QuarterPart> {
    let calendar = Calendar::new(&given.config.schedule, &given.config.workshop.timezone, &device.id);
    let cells = given.cells.get(&*device.id).map_or(&[][..], Vec::as_slice);
    let part = |(start, (wh, full)): (i64, (Amount, Option<Amount>))| QuarterPart {
        start: clock(Timestamp(start), zone),
        start_ms: start,
        kwh: Some(kwh(wh)).filter(|_| wh.0 != 0 || full.is_some()),
        demand_kw: full.and_then(|wh| wh.ratio().over(Ratio::whole(250))).map(Num::of),
    };
    by_quarter(cells, &given.asked.period, &calendar).into_iter().map(part).collect()
}

/// Wh of each quarter by its start, and the same of one that was metered from its first to its last moment.
fn by_quarter(cells: &[Cell], period: &Period, calendar: &Calendar) -> BTreeMap<i64, (Amount, Option<Amount>)> {
    let mut quarters: BTreeMap<i64, (Amount, Option<Amount>)> = BTreeMap::new();
    let metered = cells.iter().filter(|cell| cell.sums.energy.is_metered && period.holds(cell).1);
    for cell in metered {
        let hour = calendar.slot(cell.start).hour.0;
        for (start, quarter) in (hour..).step_by(QUARTER_MS as usize).zip(cell.quarters) {
            // A cell that a shift has cut off has a part of its quarters.
            if start < cell.end.0 && start + QUARTER_MS > cell.start.0 {
                let (wh, full) = quarters.entry(start).or_default();
                *wh += quarter.wh;
                *full = full.or(quarter.full);
            }
        }
    }
    quarters
}

/// All quarters of all meters of a period as a table; `only`: of this device.
pub fn csv_quarters(given: &Given<'_>, only: Option<&str>, lang: Lang) -> String {
    let zone = crate::model::zone(&given.config.workshop.timezone).unwrap_or(TimeZone::UTC);
    let mut out = BOM.to_owned();
    out.push_str(&csv_line(head(lang)));
    for device in given.config.devices.iter().filter(|device| only.is_none_or(|id| *device.id == *id)) {
        for quarter in of_device(given, device, &zone) {
            let [kwh, demand] =
                [quarter.kwh, quarter.demand_kw].map(|it| it.map_or_else(String::new, |it| it.to_string()));
            let name = device.name.as_deref().unwrap_or_default();
            out.push_str(&csv_line([&*device.id, name, &quarter.start, &kwh, &demand]));
        }
    }
    out
}

/// The words of the first row.
pub(super) fn head(lang: Lang) -> [&'static str; 5] {
    match lang {
        Lang::En => ["device", "name", "start", "kwh", "mean_kw"],
        Lang::Zh => ["设备编号", "设备名称", "起始时间", "电量 kWh", "平均功率 kW"],
    }
}
