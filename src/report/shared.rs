//! One meter for several machines (R15): its energy belongs to the group. What each machine may be charged with is split by time in run,
//! is called allocated, and stands in no figure of the machine: nobody has measured it.
//!
//! The rule: sums first, the split last. Each period is split anew, from its own energy and its own run times; the parts add up to
//! what the meter shows, to the last published digit.

use std::collections::BTreeMap;

use super::build::{Given, minutes};
use super::document::{Allocated, AllocatedPart, SharedMeter};
use super::html::escaped;
use super::number::Num;
use crate::config::Device;
use crate::indicator::{Cell, Flags, Ratio, Rounded, Sums};
use crate::model::{Lang, State};

/// The meters that several machines share, as far as they were heard.
pub(super) fn shared(given: &Given<'_>) -> Vec<SharedMeter> {
    let mut groups: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
    for device in given.config.devices.iter().filter(|device| device.equipment.is_in_use) {
        if let Some(meter) = device.equipment.yardstick.metered_by.as_deref() {
            groups.entry(meter).or_default().push(device);
        }
    }
    let shared = groups.into_iter().filter(|(_, machines)| machines.len() > 1);
    shared.filter_map(|(meter, machines)| group(given, meter, &machines)).collect()
}

fn group(given: &Given<'_>, meter: &str, machines: &[&Device]) -> Option<SharedMeter> {
    let of_meter = whole(given, meter)?;
    if !of_meter.energy.is_metered {
        return None;
    }
    let total = of_meter.energy.total.ratio().over(Ratio::whole(1_000))?.rounded()?;
    let mut part =
        SharedMeter { meter: meter.to_owned(), kwh: Num::from(total), machines: Vec::new(), not_allocated: None };
    let mut runs = Vec::new();
    for device in machines {
        match whole(given, &device.id) {
            Some(sums) if !sums.flags.has(Flags::NO_STATE) => runs.push(sums.time.lived(State::Run)),
            _ => {
                part.not_allocated = Some(format!("{}: no state", device.id));
                return Some(part);
            }
        }
    }
    let Some(shares) = split(total, &runs) else {
        part.not_allocated = Some("no run time".to_owned());
        return Some(part);
    };
    part.machines = machines
        .iter()
        .zip(runs.iter().zip(shares))
        .map(|(device, (run, kwh))| AllocatedPart {
            device: device.id.to_string(),
            run_min: minutes(*run),
            kwh: Num::from(kwh),
        })
        .collect();
    Some(part)
}

/// What the cells of a device within the period come to; `None`: there are none, or one reaches over an end and cannot be cut.
fn whole(given: &Given<'_>, device: &str) -> Option<Sums> {
    let asked = given.asked;
    let touches = |cell: &&Cell| cell.start < asked.end && cell.end > asked.start;
    let cells: Vec<&Cell> = given.cells.get(device)?.iter().filter(touches).collect();
    let is_within = |cell: &&Cell| cell.start >= asked.start && cell.end <= asked.end;
    (!cells.is_empty() && cells.iter().all(is_within)).then(|| Sums::of(cells.iter().map(|cell| &cell.sums)))
}

/// Splits by weights so that the parts add up to the whole: each gets its part rounded down, and those that lost most by that get a
/// millionth more; of equals the first. `None`: nothing to split by.
fn split(total: Rounded, weights: &[u64]) -> Option<Vec<Rounded>> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum == 0 {
        return None;
    }
    let exact = |weight: &u64| i128::from(total.0) * i128::from(*weight);
    let mut parts: Vec<i128> = weights.iter().map(|weight| exact(weight).div_euclid(sum)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(exact(&weights[*at]).rem_euclid(sum)));
    let left = usize::try_from(i128::from(total.0) - parts.iter().sum::<i128>()).unwrap_or(0);
    for at in order.into_iter().take(left) {
        parts[at] += 1;
    }
    parts.into_iter().map(|part| i64::try_from(part).ok().map(Rounded)).collect()
}

/// The part of one machine, with all that a person needs to split it again.
pub(super) fn allocated(groups: &[SharedMeter], device: &str) -> Option<Allocated> {
    let (group, part) = groups.iter().find_map(|group| {
        let part = group.machines.iter().find(|part| part.device == device)?;
        Some((group, part))
    })?;
    let run = group.machines.iter().map(|part| part.run_min.get()).sum::<f64>();
    Some(Allocated {
        meter: group.meter.clone(),
        kwh: part.kwh,
        run_min: part.run_min,
        of_kwh: group.kwh,
        of_run_min: crate::indicator::Amount::of(run).map_or(Num::from(0), Num::from),
        by: "run_time",
    })
}

/// The groups as a table of the page.
pub(super) fn table(groups: &[SharedMeter], lang: Lang) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let pick = |en, zh| if lang == Lang::Zh { zh } else { en };
    let title = pick("Shared meters: allocated by run time, not measured", "共用电表：按运行时间分摊，非实测");
    let head = [
        pick("meter", "电表"),
        pick("meter, kWh", "电表电量 kWh"),
        pick("machine", "设备"),
        pick("run, min", "运行 分钟"),
        pick("allocated, kWh", "分摊 kWh"),
    ];
    let mut html = format!("<h3>{title}</h3><table><thead><tr>");
    html.extend(head.map(|word| format!("<th>{word}</th>")));
    html.push_str("</tr></thead><tbody>\n");
    let mut row = |cells: [String; 5]| {
        let cells = cells.map(|cell| format!("<td>{}</td>", escaped(&cell)));
        html.push_str(&format!("<tr>{}</tr>\n", cells.concat()));
    };
    for group in groups {
        for part in &group.machines {
            let numbers = [part.run_min.to_string(), part.kwh.to_string()];
            let [run, kwh] = numbers;
            row([group.meter.clone(), group.kwh.to_string(), part.device.clone(), run, kwh]);
        }
        if let Some(why) = &group.not_allocated {
            let why = match (lang, why.rsplit_once(": ")) {
                (Lang::En, _) => why.clone(),
                (Lang::Zh, Some((device, _))) => format!("{device} 没有状态来源，不分摊"),
                (Lang::Zh, None) => "期间都没有运行，不分摊".to_owned(),
            };
            row([group.meter.clone(), group.kwh.to_string(), why, String::new(), String::new()]);
        }
    }
    html.push_str("</tbody></table>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole_to_the_last_digit() {
        let parts = |total: i64, weights: &[u64]| -> Vec<i64> {
            split(Rounded(total), weights).unwrap().into_iter().map(|part| part.0).collect()
        };
        assert_eq!(parts(100, &[1, 1, 1]), [34, 33, 33]);
        // 10 kWh by 7, 7 and 3 of 17 minutes: 4.117647|06, 4.117647|06, 1.764705|88: the last gets the millionth.
        assert_eq!(parts(10_000_000, &[7, 7, 3]), [4_117_647, 4_117_647, 1_764_706]);
        assert_eq!(parts(5, &[0, 4]), [0, 5]);
        assert_eq!(split(Rounded(5), &[0, 0]), None);
        for total in 0..200 {
            assert_eq!(parts(total, &[3, 11, 0, 29, 1]).iter().sum::<i64>(), total);
        }
    }
}
