//! From cells to the document of each machine.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::baseline::Baseline;
use super::document::{
    AlarmPart, Allocated, Counts, DeviceReport, EnergyPart, Enterprise, FigurePart, LinkPart, Oee, PeriodPart,
    Reliability, SharedMeter, SiteReport, StopPart, TimeMin,
};
use super::number::Num;
use super::period::Asked;
use super::upload::Uploaded;
use super::{quarters, shared, site};
use crate::config::{Causes, Config, Device};
use crate::indicator::formula::{self, Coverage, Figure, VERSION};
use crate::indicator::{Amount, Cell, Flags, Gathered, Interval, Period, Ratio, Sums};
use crate::model::{Route, State, Timestamp, Upload};

/// What a report is made of.
pub struct Given<'a> {
    /// The workshop.
    pub config: &'a Config,
    /// SHA-256 of its file.
    pub config_sha256: &'a str,
    /// Over which period.
    pub asked: &'a Asked,
    /// By device, in the order of their time; more than the period holds does no harm.
    pub cells: &'a BTreeMap<String, Vec<Cell>>,
    /// The state log likewise.
    pub intervals: &'a BTreeMap<String, Vec<Interval>>,
    /// Dates of shifts in which something good was heard, by device (L3).
    pub good_days: &'a BTreeMap<String, BTreeSet<Date>>,
    /// Dates of shifts of which a sink has acknowledged something, by device (L5); `None`: uploads were never counted.
    pub cloud_days: Option<&'a BTreeMap<String, BTreeSet<Date>>>,
    /// Uploads of the hours that begin in the period, by device.
    pub uploads: &'a BTreeMap<String, Vec<(Route, Upload)>>,
    /// The figures before the retrofit.
    pub baseline: Option<&'a Baseline>,
    /// Revenue of the period in 10 000 yuan, as a person typed it.
    pub revenue_wan: Option<Amount>,
    /// The present, for whether the period is over.
    pub now: Timestamp,
}

/// A period, machine by machine and all together.
#[derive(Debug, Clone)]
pub struct Report {
    /// The workshop.
    pub site: SiteReport,
    /// Each machine that was heard of.
    pub devices: Vec<DeviceReport>,
    /// The state log of each, cut at the ends of the period.
    pub log: BTreeMap<String, Vec<Interval>>,
    /// The zone of its times.
    pub zone: TimeZone,
}

/// Computes it.
pub fn build(given: &Given<'_>) -> Report {
    let zone = crate::model::zone(&given.config.workshop.timezone).unwrap_or(TimeZone::UTC);
    let shared = shared::shared(given);
    let mut gathered: BTreeMap<String, Gathered> = BTreeMap::new();
    let (mut devices, mut log) = (Vec::new(), BTreeMap::new());
    for device in &given.config.devices {
        let id = device.id.to_string();
        let Some(cells) = given.cells.get(&id) else { continue };
        let of_device = given.asked.period.gather(cells);
        if of_device.extent.is_none() {
            continue;
        }
        let intervals = given.intervals.get(&id).map_or(&[][..], Vec::as_slice);
        let within = intervals.iter().filter_map(|it| it.within(given.asked.start, given.asked.end)).collect();
        devices.push(machine(given, device, &of_device, (&zone, &shared)));
        log.insert(id.clone(), within);
        gathered.insert(id, of_device);
    }
    let mut site = site::site(given, &gathered, &devices, &zone);
    site.shared_meters = shared;
    Report { site, devices, log, zone }
}

/// The value of a figure.
pub(super) fn value(figures: &[Figure], name: &str) -> Option<Num> {
    figures.iter().find(|figure| figure.formula.name == name)?.value.map(Num::from)
}

/// Milliseconds as minutes.
pub(super) fn minutes(ms: u64) -> Num {
    Ratio::new(i128::from(ms), 60_000).map_or(Num::from(0), Num::of)
}

/// Wh as kWh.
pub(super) fn kwh(wh: Amount) -> Num {
    wh.ratio().over(Ratio::whole(1_000)).map_or(Num::from(0), Num::of)
}

/// A moment on the workshop's clock, with its offset.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

pub(super) fn enterprise(config: &Config) -> Enterprise {
    Enterprise { code: config.workshop.enterprise.clone(), uscc: config.enterprise.uscc.clone() }
}

pub(super) fn period(given: &Given<'_>, zone: &TimeZone) -> PeriodPart {
    let asked = given.asked;
    let name = match &asked.period {
        Period::Shift { name, .. } => Some(name.clone()),
        _ => None,
    };
    PeriodPart {
        kind: asked.kind(),
        name,
        date: asked.date().to_string(),
        start: clock(asked.start, zone),
        end: clock(asked.end, zone),
        start_ms: asked.start.0,
        end_ms: asked.end.0,
        timezone: given.config.workshop.timezone.clone(),
        is_over: given.now >= asked.end,
    }
}

/// How the period is cut, in words (A11).
pub(super) fn basis(period: &Period) -> String {
    match period {
        Period::Shift { .. } => "one shift, of the date on which it starts",
        Period::ProductionDay(_) => "shifts that start in the production day, not cut",
        Period::Day(_) => "calendar day, all figures cut at midnight",
        Period::Month(_) => {
            "O-figures and counts: sum of the shifts whose date lies in the month; C, E, O1 and coal equivalent: cut by the calendar"
        }
    }
    .to_owned()
}

fn machine(
    given: &Given<'_>,
    device: &Device,
    gathered: &Gathered,
    (zone, shared): (&TimeZone, &[SharedMeter]),
) -> DeviceReport {
    let (sums, calendar) = (&gathered.by_shift, &gathered.by_calendar);
    let figures = formula::device(gathered);
    let of = |name| value(&figures, name);
    let coverage = Coverage::of(sums);
    let flags = figures.iter().find(|figure| figure.formula.name == "oee").map_or(sums.flags, |oee| oee.flags);
    let allocated = shared::allocated(shared, &device.id);
    let unit = device.equipment.yardstick.counted_in;
    let is_month = matches!(given.asked.period, Period::Month(_));
    let uploaded = Uploaded::of(given.uploads.get(&*device.id).into_iter().flatten());
    let is_due = |count: u64| Some(count).filter(|_| uploaded.due > 0);
    let starts = gathered.extent.filter(|_| sums.flags.has(Flags::PARTIAL) || calendar.flags.has(Flags::PARTIAL));
    DeviceReport {
        schema: "cloudward.device_report/1",
        enterprise: enterprise(given.config),
        workshop: given.config.workshop.id.clone(),
        line: device.equipment.line.clone(),
        device: device.id.to_string(),
        name: device.name.clone(),
        identifier: device.equipment.identifier.clone(),
        period: period(given, zone),
        basis: basis(&given.asked.period),
        revision: gathered.revision,
        late_uncounted: gathered.late.0,
        late_after_freeze: gathered.late.1,
        quality: coverage.quality.as_str(),
        coverage: of("coverage"),
        coverage_pbt: coverage.of_pbt.map(Num::of),
        partial_from: starts.map(|(first, _)| clock(first, zone)),
        time_min: time_min(sums),
        counts: Counts {
            pq: of("output"),
            gq: of("output_good"),
            bad: of("output_bad"),
            rework: of("output_rework"),
            resets: sums.counters.resets,
            job_resets: sums.counters.job_resets,
            implausible: sums.counters.implausible,
            gap_parts: Num::from(sums.gap_pieces()),
            unit: device.equipment.yardstick.counted_in,
            batches: of("output_batches"),
        },
        oee: Oee {
            availability: of("availability"),
            availability_known: of("availability_known"),
            effectiveness: of("effectiveness"),
            effectiveness_known: of("effectiveness_known"),
            quality: of("quality"),
            oee: of("oee"),
            oee_known_product: of("oee_known_product"),
            ae_only: of("ae_only"),
            nee: of("nee"),
            technical_efficiency: of("technical_efficiency"),
            setup_rate: of("setup_rate"),
            flags: flags.words(),
        },
        reliability: Reliability {
            failures: of("failures"),
            ttr_min: minutes(sums.ttr),
            uptime_min: minutes(sums.time.run() + sums.time.in_shift(State::Setup)),
            mttr_min: of("mttr"),
            mtbf_min: of("mtbf"),
        },
        stops: stops(sums, &device.equipment.causes),
        alarms: alarms(calendar),
        quarters: if is_month { Vec::new() } else { quarters::of_device(given, device, zone) },
        energy: EnergyPart { allocated: allocated.clone(), ..energy(given, device, calendar, &figures) },
        link: LinkPart {
            online: of("online_ratio"),
            samples_expected: calendar.scans_expected,
            samples_good: calendar.scans_good,
            records_due: is_due(uploaded.due),
            records_acked: is_due(uploaded.acked),
            ack_p50_s: uploaded.delay_s(50),
            ack_p95_s: uploaded.delay_s(95),
        },
        figures: figures
            .iter()
            .map(|it| figure(it, unit))
            .chain(allocated.as_ref().map(split_figure))
            .chain(uploaded.figures())
            .collect(),
        formula: VERSION,
        config_sha256: given.config_sha256.to_owned(),
        agent: env!("CARGO_PKG_VERSION"),
    }
}

fn time_min(sums: &Sums) -> TimeMin {
    let time = &sums.time;
    let within = |state| minutes(time.in_shift(state));
    TimeMin {
        scheduled: minutes(time.scheduled()),
        pbt: minutes(time.pbt()),
        run: minutes(time.run()),
        idle: within(State::Idle),
        setup: within(State::Setup),
        fault: within(State::Fault),
        planned_stop: minutes(time.planned_stop()),
        off: within(State::Off),
        unknown: within(State::Unknown),
    }
}

fn stops(sums: &Sums, causes: &Causes) -> Vec<StopPart> {
    let mut stops: Vec<_> = sums.stops.iter().collect();
    stops.sort_by_key(|stop| std::cmp::Reverse(stop.ms));
    let part = |stop: &crate::indicator::Stop| StopPart {
        state: stop.state.as_str(),
        cause: stop.cause.clone(),
        text: causes.get(&stop.cause).cloned(),
        count: stop.count,
        min: minutes(stop.ms),
    };
    stops.into_iter().map(part).collect()
}

fn alarms(sums: &Sums) -> Option<AlarmPart> {
    let times = &sums.alarm_times;
    let with_ack = |number: u32| Some(number).filter(|_| times.has_ack);
    let seconds = |ms: u64| Ratio::new(i128::from(ms), 1_000).map_or(Num::from(0), Num::of);
    let part = AlarmPart {
        count: sums.alarms,
        min: minutes(sums.alarm_ms),
        cleared: times.cleared,
        clear_s: seconds(times.clear_ms),
        clear_unknown: times.clear_unknown,
        acknowledged: with_ack(times.acked),
        ack_s: Some(seconds(times.ack_ms)).filter(|_| times.has_ack),
        ack_unknown: with_ack(times.ack_unknown),
        unacknowledged: with_ack(times.unacked),
    };
    (times.is_told || sums.alarms > 0).then_some(part)
}

/// The part of a shared meter among the figures, so that it stands in tables too: under its own name, and flagged.
fn split_figure(of: &Allocated) -> FigurePart {
    let product = Amount::of(of.of_kwh.get() * of.run_min.get());
    FigurePart {
        id: "R15",
        name: "energy_allocated",
        zh: "分摊电量（按运行时间，非实测）",
        formula: "ΔW(shared meter) · t(run) / Σ t(run)",
        numerator: product.map(Num::from),
        numerator_unit: "kWh·min".into(),
        denominator: Some(of.of_run_min),
        denominator_unit: "min".into(),
        value: Some(of.kwh),
        unit: "kWh".into(),
        basis: "calendar",
        coverage: None,
        quality: None,
        flags: vec!["allocated"],
    }
}

fn energy(given: &Given<'_>, device: &Device, sums: &Sums, figures: &[Figure]) -> EnergyPart {
    let of = |name| value(figures, name);
    let by_state = State::ALL.into_iter().map(|state| (state.as_str(), sums.energy.by_state[state as usize]));
    let is_metered = sums.energy.is_metered;
    let source = match () {
        () if !is_metered => None,
        () if sums.flags.has(Flags::INTEGRATED) => Some("integrated"),
        () => Some("measured"),
    };
    let kgce = formula::coal_equivalent(sums, &given.config.schedule.factors).map(Num::of);
    EnergyPart {
        kwh: of("energy"),
        kwh_per_good: of("energy_per_good"),
        kwh_per_piece: of("energy_per_piece"),
        kwh_not_running: of("energy_not_running"),
        kwh_by_state: by_state.filter(|_| is_metered).map(|(state, wh)| (state, kwh(wh))).collect(),
        kwh_by_tariff: sums.energy.by_tariff.iter().map(|(name, wh)| (name.clone(), kwh(*wh))).collect(),
        demand_kw: of("max_demand"),
        media: sums.media.iter().map(|(medium, amount)| (medium.as_str(), Num::from(*amount))).collect(),
        kgce: kgce.filter(|_| is_metered || !sums.media.is_empty()),
        source,
        allocated: None,
        meter: source.map(|_| device.equipment.yardstick.metered_by.clone().unwrap_or_else(|| device.id.to_string())),
    }
}

fn figure(figure: &Figure, counted_in: &str) -> FigurePart {
    let [numerator_unit, denominator_unit, unit] = figure.formula.units_in(counted_in);
    FigurePart {
        id: figure.formula.id,
        name: figure.formula.name,
        zh: figure.formula.zh,
        formula: figure.formula.text,
        numerator: figure.numerator.map(Num::of),
        numerator_unit,
        denominator: figure.denominator.map(Num::of),
        denominator_unit,
        value: figure.value.map(Num::from),
        unit,
        basis: if figure.formula.is_of_calendar { "calendar" } else { "shift" },
        coverage: figure.coverage.map(Num::from),
        quality: figure.quality.as_str(),
        flags: figure.flags.words(),
    }
}

impl Report {
    /// Of one machine alone; `None`: nothing was heard of it.
    pub fn only(mut self, device: &str) -> Option<Report> {
        self.devices.retain(|report| report.device == device);
        self.site.machines.retain(|machine| machine.device == device);
        (!self.devices.is_empty()).then_some(self)
    }

    /// Whether it was cut down to one machine.
    pub fn is_of_one(&self) -> bool {
        self.devices.len() == 1 && self.site.machines.len() == 1
    }
}
