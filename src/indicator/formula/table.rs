//! The formulas by name: what a report prints beside a figure, and `explain` shows.

use std::borrow::Cow;

/// What all of them follow; part of every report. Raised when a formula changes.
pub const VERSION: &str = "iso22400-2:2014/1";

/// One formula.
#[derive(Debug, PartialEq, Eq)]
pub struct Formula {
    /// Number in the list of indicators: `O3`.
    pub id: &'static str,
    /// Name in payloads.
    pub name: &'static str,
    /// Name on a Chinese report.
    pub zh: &'static str,
    /// The formula.
    pub text: &'static str,
    /// Units above and below the line, and of the value; `1` is no unit.
    pub units: [&'static str; 3],
    /// Cut by the calendar, rather than by shifts that begin in the period (A11).
    pub is_of_calendar: bool,
    /// No value where less than half of the planned busy time is known (A2).
    pub needs_coverage: bool,
}

const fn by_shift([id, name, zh, text]: [&'static str; 4], units: [&'static str; 3], needs_coverage: bool) -> Formula {
    Formula { id, name, zh, text, units, is_of_calendar: false, needs_coverage }
}

const fn by_calendar([id, name, zh, text]: [&'static str; 4], units: [&'static str; 3]) -> Formula {
    Formula { id, name, zh, text, units, is_of_calendar: true, needs_coverage: false }
}

const TIME: [&str; 3] = ["ms", "ms", "1"];
const PIECES: [&str; 3] = ["pcs", "pcs", "1"];
const WORTH: [&str; 3] = ["ms", "ms", "1"];

const SECONDS: [&str; 3] = ["s", "1", "s"];
const EACH: [&str; 3] = ["s", "1", "s"];

/// What stands for whatever a machine counts.
const PIECE: &str = "pcs";

impl Formula {
    /// The units of a machine that counts in this one: pieces, or kilograms and so on (R19).
    pub fn units_in(&self, counted_in: &str) -> [Cow<'static, str>; 3] {
        self.units.map(|unit| match counted_in {
            PIECE => Cow::Borrowed(unit),
            other => Cow::Owned(unit.replace(PIECE, other)),
        })
    }
}
/// Those of uploads, which no cell knows: reports alone have them.
pub static UPLOADS: [Formula; 3] = [
    by_calendar(["C4", "upload_completeness", "上传完整率", "records acknowledged / records due"], ["1", "1", "1"]),
    by_calendar(["C5", "upload_delay_p50", "数据时延 p50", "acknowledged - taken, 50 % of records"], ["s", "1", "s"]),
    by_calendar(["C5", "upload_delay_p95", "数据时延 p95", "acknowledged - taken, 95 % of records"], ["s", "1", "s"]),
];

/// All of them.
pub static FORMULAS: [Formula; 44] = [
    by_calendar(["O1", "power_on_calendar", "开机率（日历时间）", "t(on) / calendar"], TIME),
    by_shift(["O1", "power_on_pbt", "开机率（负荷时间）", "t(on) / PBT"], TIME, false),
    by_shift(["O2", "run_ratio", "运行率", "t(run) / t(on)"], TIME, false),
    by_shift(["O3", "availability", "时间开动率", "APT / PBT"], TIME, true),
    by_shift(["O3", "availability_known", "时间开动率（仅已知时间）", "APT / (PBT - unknown)"], TIME, true),
    by_shift(["O4", "effectiveness", "性能开动率", "Σ(PRI·PQ) / APT"], WORTH, true),
    by_shift(["O4", "effectiveness_known", "性能开动率（不含断线产量）", "Σ(PRI·(PQ - gap)) / APT"], WORTH, true),
    by_shift(["O5", "quality", "合格品率", "GQ / PQ"], PIECES, true),
    by_shift(["O6", "oee", "设备综合效率 OEE", "Σ(PRI·GQ) / PBT"], WORTH, true),
    by_shift(["O6", "oee_known_product", "OEE（仅已知产品）", "Σ(PRI·GQ) of known products / PBT"], WORTH, true),
    by_shift(["O6", "ae_only", "时间×性能开动率（无合格数）", "Σ(PRI·PQ) / PBT"], WORTH, true),
    by_shift(
        ["O7", "nee", "净设备效率 NEE", "(APT + AUST) / PBT · Σ(PRI·PQ) / APT · GQ / PQ"],
        ["ms²·pcs", "ms²·pcs", "1"],
        true,
    ),
    by_shift(["O8", "technical_efficiency", "技术效率", "APT / (APT + ADET)"], TIME, true),
    by_shift(["O9", "setup_rate", "换型率", "AUST / (APT + AUST)"], TIME, true),
    by_shift(["O10", "utilization", "利用率（需工单）", "APT / AUBT"], TIME, true),
    by_shift(["O11", "failures", "故障次数", "FE = count(fault ≥ t_min)"], ["1", "1", "1"], false),
    by_shift(["O11", "mttr", "平均修复时间", "ΣTTR / FE"], ["min", "1", "min"], false),
    by_shift(["O11", "mtbf", "平均故障间隔", "Σ(APT + AUST) / FE"], ["min", "1", "min"], false),
    by_shift(["O13", "actual_cycle", "实际节拍", "APT / PQ"], ["s", "pcs", "s/pcs"], false),
    by_shift(["O13", "cycle_p50", "节拍中位数 p50", "p50 of Δt / Δ between counts while in run"], SECONDS, false),
    by_shift(["O13", "cycle_p95", "节拍 p95", "p95 of Δt / Δ between counts while in run"], SECONDS, false),
    by_shift(["O14", "output", "产量", "PQ"], ["pcs", "1", "pcs"], false),
    by_shift(["O14", "output_good", "合格数", "GQ"], ["pcs", "1", "pcs"], false),
    by_shift(["O14", "output_bad", "不良数", "BQ"], ["pcs", "1", "pcs"], false),
    by_shift(["O14", "output_rework", "返工数", "RQ"], ["pcs", "1", "pcs"], false),
    by_shift(["O14", "output_batches", "批次数", "count(batch ends)"], ["1", "1", "1"], false),
    by_shift(["O15", "scrap_ratio", "不良率", "BQ / PQ"], PIECES, false),
    by_shift(["O15", "rework_ratio", "返工率", "RQ / PQ"], PIECES, false),
    by_calendar(["C1", "online_ratio", "在线率（计划时间）", "t(online in shifts) / scheduled"], TIME),
    by_calendar(["C1", "online_ratio_calendar", "在线率（日历时间）", "t(online) / calendar"], TIME),
    by_calendar(["C2", "collection_success", "采集成功率", "good scans / expected scans"], ["1", "1", "1"]),
    by_calendar(["C3", "coverage", "数据覆盖率（计划时间）", "1 - unknown / scheduled"], TIME),
    by_calendar(["C3", "coverage_calendar", "数据覆盖率（日历时间）", "1 - unknown / calendar"], TIME),
    by_calendar(["E1", "energy", "单机电耗", "ΔW"], ["kWh", "1", "kWh"]),
    by_calendar(["E2", "energy_per_good", "单位合格产品电耗", "ΔW / GQ"], ["kWh", "pcs", "kWh/pcs"]),
    by_calendar(["E2", "energy_per_piece", "单位产品电耗", "ΔW / PQ"], ["kWh", "pcs", "kWh/pcs"]),
    by_calendar(["E3", "energy_not_running", "空载电耗", "ΔW while idle, setup or fault"], ["kWh", "1", "kWh"]),
    by_calendar(
        ["E3", "energy_not_running_share", "空载电耗占比", "ΔW while idle, setup or fault / ΔW"],
        ["kWh", "kWh", "1"],
    ),
    by_calendar(["E4", "max_demand", "最大需量", "max of full 15 min"], ["kW", "1", "kW"]),
    by_calendar(["A1", "alarms", "报警次数", "count(alarm begins)"], ["1", "1", "1"]),
    by_calendar(["A1", "alarm_time_to_ack", "报警平均确认时间", "Σ(acknowledged - begun) / acknowledged alarms"], EACH),
    by_calendar(
        ["A1", "alarm_time_to_clear", "报警平均消除时间", "Σ(gone - begun) / alarms seen from begin to end"],
        EACH,
    ),
    by_calendar(
        ["A1", "alarms_unmeasured", "未能计时的报警次数", "count(alarms gone, with unknown time)"],
        ["1", "1", "1"],
    ),
    by_calendar(["O15", "first_pass_yield", "直通率（需序列号）", "GP / IP"], PIECES),
];
