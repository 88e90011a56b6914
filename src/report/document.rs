//! The documents as they are published; the JSON Schema under docs/schema is made from these types. Readers must ignore fields that
//! they do not know. A value that cannot be known is null, never zero.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::baseline::Compared;
use super::number::Num;

/// One machine over one period.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeviceReport {
    /// `cloudward.device_report/1`.
    pub schema: &'static str,
    /// Whose.
    pub enterprise: Enterprise,
    /// Workshop.
    pub workshop: String,
    /// Line.
    pub line: Option<String>,
    /// The machine's id.
    pub device: String,
    /// For people.
    pub name: Option<String>,
    /// 标识编码.
    pub identifier: Option<String>,
    /// Over which period.
    pub period: PeriodPart,
    /// How the period is cut: which figures are sums of shifts, which are cut by the calendar.
    pub basis: String,
    /// How often settled figures in it were changed by late data or by people.
    pub revision: u32,
    /// Late scans that are in no figure, since what was heard around them was kept no more; their hours are flagged `late`.
    pub late_uncounted: u32,
    /// Late scans that came when the month was frozen, 72 hours after its end; no figure of it changes any more.
    pub late_after_freeze: u32,
    /// `ok`, `low` (less than 90 % of the planned busy time is known); null: less than half, ratios have no value.
    pub quality: Option<&'static str>,
    /// Known share of the scheduled time.
    pub coverage: Option<Num>,
    /// Known share of the planned busy time: what `quality` goes by.
    pub coverage_pbt: Option<Num>,
    /// The first data of the machine lie within the period: the time before does not count.
    pub partial_from: Option<String>,
    /// Minutes.
    pub time_min: TimeMin,
    /// Pieces.
    pub counts: Counts,
    /// Ratios of ISO 22400-2.
    pub oee: Oee,
    /// Failures.
    pub reliability: Reliability,
    /// Stops by cause, the longest first.
    pub stops: Vec<StopPart>,
    /// Alarms; null: no tag tells of them.
    pub alarms: Option<AlarmPart>,
    /// Energy.
    pub energy: EnergyPart,
    /// Electricity by quarters of an hour; empty for a month, and where nothing is metered.
    pub quarters: Vec<QuarterPart>,
    /// How well the machine was heard.
    pub link: LinkPart,
    /// Every figure with its formula, what is above and below the line, coverage and flags.
    pub figures: Vec<FigurePart>,
    /// Formulas.
    pub formula: &'static str,
    /// SHA-256 of the configuration by which it was computed.
    pub config_sha256: String,
    /// Version of the program.
    pub agent: &'static str,
}

/// Whose data they are.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Enterprise {
    /// Code in topics.
    pub code: String,
    /// 统一社会信用代码, if it was told.
    pub uscc: Option<String>,
}

/// A period.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PeriodPart {
    /// `shift`, `production_day`, `day` or `month`.
    pub kind: &'static str,
    /// The shift's name.
    pub name: Option<String>,
    /// The date on which it starts.
    pub date: String,
    /// First moment, RFC 3339.
    pub start: String,
    /// First moment behind it.
    pub end: String,
    /// The same in milliseconds since 1970.
    pub start_ms: i64,
    /// The same in milliseconds since 1970.
    pub end_ms: i64,
    /// IANA name.
    pub timezone: String,
    /// Whether it is over.
    pub is_over: bool,
}

/// Minutes in each state within the shifts; breaks and planned stops outrank everything but work.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TimeMin {
    /// Shift time.
    pub scheduled: Num,
    /// Planned busy time.
    pub pbt: Num,
    /// APT.
    pub run: Num,
    /// Ready, not producing.
    pub idle: Num,
    /// Change-over.
    pub setup: Num,
    /// Stopped by a malfunction.
    pub fault: Num,
    /// Breaks, planned stops, planned maintenance.
    pub planned_stop: Num,
    /// Without power.
    pub off: Num,
    /// Without trustworthy data.
    pub unknown: Num,
}

/// Pieces.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Counts {
    /// Made; null: not counted.
    pub pq: Option<Num>,
    /// Good; null: neither good nor bad pieces are counted.
    pub gq: Option<Num>,
    /// Bad.
    pub bad: Option<Num>,
    /// Done again.
    pub rework: Option<Num>,
    /// Counters that began anew by themselves.
    pub resets: u32,
    /// Counters that were zeroed with the job.
    pub job_resets: u32,
    /// Jumps that were not added.
    pub implausible: u32,
    /// Of `pq`: made while there was no link.
    pub gap_parts: Num,
    /// What is counted: `pcs`, or `kg`, `m²` and so on of what is made without pieces.
    pub unit: &'static str,
    /// Batches that ended; null: not counted.
    pub batches: Option<Num>,
}

/// Ratios.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Oee {
    /// O3: APT / PBT.
    pub availability: Option<Num>,
    /// APT / (PBT - unknown).
    pub availability_known: Option<Num>,
    /// O4: Σ(PRI·PQ) / APT.
    pub effectiveness: Option<Num>,
    /// The same without pieces made while there was no link.
    pub effectiveness_known: Option<Num>,
    /// O5: GQ / PQ.
    pub quality: Option<Num>,
    /// O6: Σ(PRI·GQ) / PBT.
    pub oee: Option<Num>,
    /// The same of products with a known standard cycle.
    pub oee_known_product: Option<Num>,
    /// Without a count of good pieces: Σ(PRI·PQ) / PBT.
    pub ae_only: Option<Num>,
    /// O7.
    pub nee: Option<Num>,
    /// O8: APT / (APT + ADET).
    pub technical_efficiency: Option<Num>,
    /// O9: AUST / (APT + AUST).
    pub setup_rate: Option<Num>,
    /// What to know beside them.
    pub flags: Vec<&'static str>,
}

/// Failures.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Reliability {
    /// FE; null: no tag tells of faults.
    pub failures: Option<Num>,
    /// ΣTTR.
    pub ttr_min: Num,
    /// Σ(APT + AUST).
    pub uptime_min: Num,
    /// ΣTTR / FE.
    pub mttr_min: Option<Num>,
    /// Σ(APT + AUST) / FE.
    pub mtbf_min: Option<Num>,
}

/// Stops of one cause.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StopPart {
    /// `idle` or `fault`.
    pub state: &'static str,
    /// The machine's code, the operator's reason, `microstop`; empty: nobody said.
    pub cause: String,
    /// What the code means, in the words of the workshop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many began.
    pub count: u32,
    /// Minutes of working time.
    pub min: Num,
}

/// Alarms (A1). A time is measured only where both of its ends were seen; it counts in the period in which it ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlarmPart {
    /// How many began.
    pub count: u32,
    /// Minutes with an alarm.
    pub min: Num,
    /// Alarms that were seen from their beginning to their end.
    pub cleared: u32,
    /// Seconds that these took, added.
    pub clear_s: Num,
    /// Alarms that went and of which something was not seen.
    pub clear_unknown: u32,
    /// Alarms that were seen until somebody acknowledged them; null: no tag tells of that.
    pub acknowledged: Option<u32>,
    /// Seconds until then, added.
    pub ack_s: Option<Num>,
    /// Alarms of which that was not seen for want of data.
    pub ack_unknown: Option<u32>,
    /// Alarms that nobody acknowledged until the next one began.
    pub unacknowledged: Option<u32>,
}

/// Electricity of a quarter of an hour.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct QuarterPart {
    /// First moment, RFC 3339.
    pub start: String,
    /// The same in milliseconds since 1970.
    pub start_ms: i64,
    /// E1: ΔW whose later sample lies in it; what a gap hides stands where it ended. Null: nothing was metered in it.
    pub kwh: Option<Num>,
    /// Mean power; null: not metered without a gap from its first to its last moment.
    pub demand_kw: Option<Num>,
}

/// What a machine may be charged with of a meter that it shares (R15): not measured, and part of no figure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Allocated {
    /// The meter.
    pub meter: String,
    /// Its part.
    pub kwh: Num,
    /// Minutes that it ran.
    pub run_min: Num,
    /// What the meter shows.
    pub of_kwh: Num,
    /// Minutes that all its machines ran, added.
    pub of_run_min: Num,
    /// `run_time`.
    pub by: &'static str,
}

/// A meter of several machines.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SharedMeter {
    /// The meter.
    pub meter: String,
    /// What it shows.
    pub kwh: Num,
    /// The parts of its machines, which add up to it; empty: it cannot be split.
    pub machines: Vec<AllocatedPart>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_allocated: Option<String>,
}

/// The part of one machine.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AllocatedPart {
    /// The machine.
    pub device: String,
    /// Minutes that it ran.
    pub run_min: Num,
    /// Its part.
    pub kwh: Num,
}

/// Energy.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EnergyPart {
    /// ΔW.
    pub kwh: Option<Num>,
    /// ΔW / GQ.
    pub kwh_per_good: Option<Num>,
    /// ΔW / PQ.
    pub kwh_per_piece: Option<Num>,
    /// While idle, in set-up or faulty.
    pub kwh_not_running: Option<Num>,
    /// By state; what a gap hides under `unknown`.
    pub kwh_by_state: BTreeMap<&'static str, Num>,
    /// By tariff; what a gap hides under an empty name.
    pub kwh_by_tariff: BTreeMap<String, Num>,
    /// The largest mean of a full quarter of an hour.
    pub demand_kw: Option<Num>,
    /// Water, gas and so on.
    pub media: BTreeMap<&'static str, Num>,
    /// kgce.
    pub kgce: Option<Num>,
    /// `measured`, `integrated` from the power; null: not metered by itself.
    pub source: Option<&'static str>,
    /// The meter.
    pub meter: Option<String>,
    /// Of a meter that it shares with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated: Option<Allocated>,
}

/// How well the machine was heard.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LinkPart {
    /// C1 over the scheduled time.
    pub online: Option<Num>,
    /// Scans by the poll plan.
    pub samples_expected: u64,
    /// Scans with a good reading.
    pub samples_good: u64,
    /// Records that sinks were to get, one for each sink; null: no sink was to get any of the machine.
    pub records_due: Option<u64>,
    /// Of them acknowledged (C4).
    pub records_acked: Option<u64>,
    /// C5: half of them were acknowledged within this time from their oldest sample on, at most a quarter above the true value.
    pub ack_p50_s: Option<Num>,
    /// The same of 95 %.
    pub ack_p95_s: Option<Num>,
}

/// One figure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FigurePart {
    /// `O6`.
    pub id: &'static str,
    /// Name in payloads.
    pub name: &'static str,
    /// Name in Chinese.
    pub zh: &'static str,
    /// The formula.
    pub formula: &'static str,
    /// Above the line.
    pub numerator: Option<Num>,
    /// Its unit.
    pub numerator_unit: Cow<'static, str>,
    /// Below the line.
    pub denominator: Option<Num>,
    /// Its unit.
    pub denominator_unit: Cow<'static, str>,
    /// The quotient.
    pub value: Option<Num>,
    /// Its unit; `1`: none.
    pub unit: Cow<'static, str>,
    /// `shift`: sum of shifts; `calendar`: cut by the calendar.
    pub basis: &'static str,
    /// Known share of the planned busy time.
    pub coverage: Option<Num>,
    /// As of the report.
    pub quality: Option<&'static str>,
    /// What to know beside it.
    pub flags: Vec<&'static str>,
}

/// A workshop over one period.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SiteReport {
    /// `cloudward.site_report/1`.
    pub schema: &'static str,
    /// Whose.
    pub enterprise: Enterprise,
    /// Workshop.
    pub workshop: String,
    /// For people.
    pub name: String,
    /// Over which period.
    pub period: PeriodPart,
    /// How the period is cut.
    pub basis: String,
    /// What the rates follow.
    pub scheme: Vec<&'static str>,
    /// Counts of the equipment ledger, as it stands on the last day.
    pub ledger: LedgerPart,
    /// Rates over it.
    pub rates: BTreeMap<&'static str, RatePart>,
    /// Links of 数据自动采集 with at least one live automatic tag (C6).
    pub auto_collection: BTreeMap<&'static str, bool>,
    /// OEE of all machines that can have one, by sums.
    pub oee: SiteOee,
    /// Energy of all machines and meters that are in the sum.
    pub energy: SiteEnergy,
    /// Meters of several machines, and how their energy may be split.
    pub shared_meters: Vec<SharedMeter>,
    /// Quality.
    pub quality: SiteQuality,
    /// What sinks acknowledged (C4, C5).
    pub upload: SiteUpload,
    /// Before the retrofit, and the difference.
    pub baseline: Option<Compared>,
    /// Known share of the planned busy time of all machines.
    pub coverage: Option<Num>,
    /// `ok`, `low` or null, by `coverage`.
    pub coverage_quality: Option<&'static str>,
    /// How often settled figures in it were changed.
    pub revision: u32,
    /// Late scans that are in no figure, since what was heard around them was kept no more; their hours are flagged `late`.
    pub late_uncounted: u32,
    /// Late scans that came when the month was frozen, 72 hours after its end; no figure of it changes any more.
    pub late_after_freeze: u32,
    /// What to know beside the figures: flags of all machines together.
    pub flags: Vec<&'static str>,
    /// Machine by machine.
    pub machines: Vec<MachinePart>,
    /// Formulas.
    pub formula: &'static str,
    /// SHA-256 of the configuration by which it was computed.
    pub config_sha256: String,
    /// Version of the program.
    pub agent: &'static str,
}

/// Counts of the equipment ledger.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LedgerPart {
    /// L1.
    pub production_total: u32,
    /// 数字化.
    pub digital: u32,
    /// 联网.
    pub networked: u32,
    /// 上云 (L5); null: no upload was ever counted.
    pub clouded: Option<u32>,
    /// Machines of key processes.
    pub key_processes: u32,
    /// Of them under numerical control.
    pub key_processes_nc: u32,
    /// Machines that came or went within the period.
    pub changes: Vec<Change>,
}

/// A machine that came or went.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Change {
    /// The machine.
    pub device: String,
    /// `added` or `retired`.
    pub change: &'static str,
    /// The first, or the last day in the ledger.
    pub date: String,
}

/// A rate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RatePart {
    /// So many.
    pub num: u32,
    /// Of so many.
    pub den: u32,
    /// The quotient; null of nothing.
    pub value: Option<Num>,
    /// Band of the 2024 questionnaire, closed on the right; only for rates that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band: Option<char>,
}

/// OEE of a workshop.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SiteOee {
    /// ΣΣ(PRI·GQ) / ΣPBT; null where less than half of the planned busy time is known.
    pub value: Option<Num>,
    /// ΣPBT in hours, of machines that are in.
    pub pbt_h: Num,
    /// ΣΣ(PRI·GQ) in hours.
    pub good_prod_h: Option<Num>,
    /// Machines that are left out, and why.
    pub excluded: Vec<String>,
}

/// Energy of a workshop.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SiteEnergy {
    /// kWh; null: nothing is metered.
    pub electricity_kwh: Option<Num>,
    /// Other media in their units.
    pub media: BTreeMap<&'static str, Num>,
    /// Tonnes of coal equivalent.
    pub tce: Option<Num>,
    /// kgce per unit.
    pub factors: BTreeMap<String, f64>,
    /// Machines and meters that are in the sum.
    pub sources: Vec<String>,
    /// ΔW / ΣGQ of the workshop.
    pub kwh_per_unit: Option<Num>,
    /// tce per 10 000 yuan of revenue, as it was typed in (X2).
    pub tce_per_revenue: Option<Num>,
    /// Revenue in 10 000 yuan, typed in by a person (R20).
    pub revenue_wan: Option<Num>,
}

/// Quality of a workshop.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SiteQuality {
    /// ΣGQ / ΣPQ over machines that count good or bad pieces.
    pub pass_rate_month: Option<Num>,
    /// ΣPQ.
    pub pq: Num,
    /// ΣGQ.
    pub gq: Num,
    /// What is counted: pieces where any machine counts them, else the unit of the first.
    pub unit: &'static str,
    /// Machines that are left out, since they count neither good nor bad pieces, or in another unit.
    pub excluded: Vec<String>,
}

/// What sinks acknowledged.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SiteUpload {
    /// Records that sinks were to get, one for each sink.
    pub records_due: u64,
    /// Of them acknowledged.
    pub records_acked: u64,
    /// C4; null: nothing was due.
    pub completeness: Option<Num>,
    /// C5: half of the records were acknowledged within this time from their oldest sample on.
    pub delay_p50_s: Option<Num>,
    /// The same of 95 %.
    pub delay_p95_s: Option<Num>,
    /// By sink.
    pub sinks: Vec<SinkUpload>,
}

/// What one sink acknowledged.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SinkUpload {
    /// Its name.
    pub sink: String,
    /// Records that it was to get.
    pub records_due: u64,
    /// Of them acknowledged.
    pub records_acked: u64,
    /// Of them given up: too large, or in quarantine.
    pub records_given_up: u64,
    /// C4.
    pub completeness: Option<Num>,
    /// C5, 50 %.
    pub delay_p50_s: Option<Num>,
    /// C5, 95 %.
    pub delay_p95_s: Option<Num>,
}

/// One machine in the report of its workshop.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MachinePart {
    /// Its id.
    pub device: String,
    /// For people.
    pub name: Option<String>,
    /// Whether anything was heard of it in the period.
    pub has_data: bool,
    /// O3.
    pub availability: Option<Num>,
    /// O4.
    pub effectiveness: Option<Num>,
    /// O5.
    pub quality: Option<Num>,
    /// O6.
    pub oee: Option<Num>,
    /// Pieces.
    pub pq: Option<Num>,
    /// Good ones.
    pub gq: Option<Num>,
    /// kWh.
    pub kwh: Option<Num>,
    /// Known share of the planned busy time.
    pub coverage_pbt: Option<Num>,
    /// What to know beside them.
    pub flags: Vec<&'static str>,
}
