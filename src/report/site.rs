//! The workshop: sums over machines, counts over the equipment ledger, what is collected automatically, before and after.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::build::{Given, basis, enterprise, kwh, period};
use super::document::{
    Change, DeviceReport, LedgerPart, MachinePart, RatePart, SiteEnergy, SiteOee, SiteQuality, SiteReport,
};
use super::number::Num;
use super::upload;
use crate::config::{Counted, Device, PIECES, Role, Scene, Tag};
use crate::indicator::formula::{self, Quality, VERSION};
use crate::indicator::ledger::{Listed, Rate, Rates, has_enough_days, is_listed};
use crate::indicator::{Amount, Calendar, Flags, Gathered, Plan, Ratio, Site, Sums};

const HOUR_MS: i128 = 3_600_000;

pub(super) fn site(
    given: &Given<'_>,
    gathered: &BTreeMap<String, Gathered>,
    devices: &[DeviceReport],
    zone: &TimeZone,
) -> SiteReport {
    let is_production = |device: &Device| device.equipment.is_production && device.equipment.is_in_use;
    let production: Vec<&Device> =
        given.config.devices.iter().map(AsRef::as_ref).filter(|it| is_production(it)).collect();
    let with_sums = production.iter().filter_map(|device| Some((&*device.id, &gathered.get(&*device.id)?.by_shift)));
    let site = Site::of(with_sums.clone());
    let mut excluded: Vec<String> = site.excluded.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let silent = production.iter().filter(|device| !gathered.contains_key(&*device.id));
    excluded.extend(
        silent.map(|device| {
            format!("{}: {}", device.id, if device.link.is_none() { "not connected" } else { "no data" })
        }),
    );
    let hours = |ratio: Ratio| ratio.over(Ratio::whole(HOUR_MS)).map(Num::of);
    let mut quality = quality(given, with_sums);
    if site.coverage.quality == Quality::None {
        quality.pass_rate_month = None; // too little of the time is known, as for the OEE (A12)
    }
    let energy = energy(given, gathered, &quality);
    let (ledger, rates) = ledger(given, zone);
    let baseline = given.baseline.map(|before| before.compared(&site, &quality, &energy));
    SiteReport {
        schema: "cloudward.site_report/1",
        enterprise: enterprise(given.config),
        workshop: given.config.workshop.id.clone(),
        name: given.config.workshop.name.clone(),
        period: period(given, zone),
        basis: basis(&given.asked.period),
        scheme: vec!["miit-sme-2024", "gbt-23020"],
        oee: SiteOee {
            value: site.oee.map(Num::from),
            pbt_h: Ratio::new(i128::from(site.pbt), HOUR_MS).map_or(Num::from(0), Num::of),
            good_prod_h: site.good_time.and_then(hours),
            excluded,
        },
        coverage: site.coverage.of_pbt.map(Num::of),
        coverage_quality: site.coverage.quality.as_str(),
        revision: gathered.values().map(|it| it.revision).sum(),
        late_uncounted: gathered.values().map(|it| it.late.0).sum(),
        late_after_freeze: gathered.values().map(|it| it.late.1).sum(),
        flags: site.sums.flags.words(),
        machines: machines(given, devices),
        auto_collection: auto_collection(given, gathered),
        quality,
        upload: upload::site(given.uploads),
        energy,
        shared_meters: Vec::new(),
        baseline,
        formula: VERSION,
        config_sha256: given.config_sha256.to_owned(),
        agent: env!("CARGO_PKG_VERSION"),
        ledger,
        rates,
    }
}

/// Counts of the equipment ledger, and the rates over it.
fn ledger(given: &Given<'_>, zone: &TimeZone) -> (LedgerPart, BTreeMap<&'static str, RatePart>) {
    let last = given
        .asked
        .last_day(zone)
        .min(Calendar::new(&given.config.schedule, &given.config.workshop.timezone, "").date_of(given.now));
    let in_ledger = || given.config.devices.iter().filter(|device| is_listed(&device.equipment, last));
    let listed: Vec<Listed> = in_ledger().map(|device| machine_of_ledger(given, device, last)).collect();
    let rates = Rates::of(&listed);
    let part = |rate: Rate, has_band: bool| RatePart {
        num: rate.num,
        den: rate.den,
        value: rate.value().map(Num::from),
        band: rate.band().filter(|_| has_band).map(|band| band.letter()),
    };
    let clouded = given.cloud_days.map(|_| ("clouded_rate", part(rates.clouded, false)));
    let parts = [
        ("digital_rate", part(rates.digital, true)),
        ("networked_rate", part(rates.networked, true)),
        ("networked_of_digital", part(rates.networked_of_digital, false)),
        ("nc_rate", part(rates.nc, false)),
    ];
    let ledger = LedgerPart {
        production_total: rates.total,
        digital: rates.digital.num,
        networked: rates.networked.num,
        clouded: given.cloud_days.map(|_| rates.clouded.num),
        key_processes: rates.nc.den,
        key_processes_nc: rates.nc.num,
        changes: changes(given, zone),
    };
    (ledger, parts.into_iter().chain(clouded).collect())
}

/// A machine as it stands in the ledger on a day.
pub(super) fn machine_of_ledger(given: &Given<'_>, device: &Device, last: Date) -> Listed {
    let equipment = &device.equipment;
    let calendar = Calendar::new(&given.config.schedule, &given.config.workshop.timezone, &device.id);
    let is_in = |days: Option<&BTreeMap<String, BTreeSet<Date>>>, day| {
        days.and_then(|days| days.get(&*device.id)).is_some_and(|days| days.contains(&day))
    };
    let has_enough = |days| has_enough_days(&calendar, equipment.valid_from, last, |day| is_in(days, day));
    Listed {
        is_digital: equipment.is_digital,
        is_networked: has_enough(Some(given.good_days)),
        is_clouded: has_enough(given.cloud_days),
        is_key_process: equipment.is_key_process,
        is_nc: equipment.is_nc,
    }
}

fn changes(given: &Given<'_>, zone: &TimeZone) -> Vec<Change> {
    let (first, last) = (given.asked.date(), given.asked.last_day(zone));
    let is_within = |date: &jiff::civil::Date| first <= *date && *date <= last;
    let of = |device: &Device| {
        let change = |date: Option<jiff::civil::Date>, change| {
            let date = date.filter(is_within)?.to_string();
            Some(Change { device: device.id.to_string(), change, date })
        };
        [change(device.equipment.valid_from, "added"), change(device.equipment.valid_to, "retired")]
    };
    given.config.devices.iter().filter(|it| it.equipment.is_production).flat_map(|it| of(it)).flatten().collect()
}

/// Pieces and kilograms are not added.
fn quality<'a>(given: &Given<'_>, machines: impl Iterator<Item = (&'a str, &'a Sums)> + Clone) -> SiteQuality {
    let unit_of = |name: &str| {
        let device = given.config.devices.iter().find(|device| *device.id == *name);
        device.map_or(PIECES, |device| device.equipment.yardstick.counted_in)
    };
    let counts = |sums: &Sums| !sums.flags.has(Flags::NO_QUALITY) && !sums.flags.has(Flags::NO_COUNT);
    let mut units = machines.clone().filter(|(_, sums)| counts(sums)).map(|(name, _)| unit_of(name));
    let unit = units.clone().find(|unit| *unit == PIECES).or(units.next()).unwrap_or(PIECES);
    let (mut pq, mut gq, mut excluded) = (Amount::default(), Amount::default(), Vec::new());
    for (name, sums) in machines {
        if unit_of(name) != unit || sums.flags.has(Flags::NO_QUALITY) || sums.flags.has(Flags::NO_COUNT) {
            excluded.push(name.to_owned());
        } else {
            pq += sums.pieces();
            gq += sums.good();
        }
    }
    let rate = gq.ratio().over(pq.ratio()).map(Num::of);
    SiteQuality { pass_rate_month: rate, pq: Num::from(pq), gq: Num::from(gq), unit, excluded }
}

fn energy(given: &Given<'_>, gathered: &BTreeMap<String, Gathered>, quality: &SiteQuality) -> SiteEnergy {
    let (mut sums, mut sources) = (Sums::default(), Vec::new());
    for device in &given.config.devices {
        let Some(of_device) = gathered.get(&*device.id).map(|it| &it.by_calendar) else { continue };
        let is_in = Plan::of(given.config, device).is_some_and(|plan| plan.is_in_energy_sum);
        if is_in && (of_device.energy.is_metered || !of_device.media.is_empty()) {
            sums.add(of_device);
            sources.push(device.id.to_string());
        }
    }
    let factors = &given.config.schedule.factors;
    let kgce = formula::coal_equivalent(&sums, factors).filter(|_| !sources.is_empty());
    let tce = kgce.and_then(|kgce| kgce.over(Ratio::whole(1_000)));
    let good = Amount::of(quality.gq.get()).map(Amount::ratio);
    let total = Some(sums.energy.total).filter(|_| sums.energy.is_metered);
    let per_unit = total.and_then(|wh| wh.ratio().over(Ratio::whole(1_000))?.over(good?));
    SiteEnergy {
        electricity_kwh: total.map(kwh),
        media: sums.media.iter().map(|(medium, amount)| (medium.as_str(), Num::from(*amount))).collect(),
        tce: tce.map(Num::of),
        factors: factors
            .iter()
            .map(|(medium, factor)| (format!("{}_kgce_per_{}", medium.as_str(), medium.unit()), *factor))
            .collect(),
        sources,
        kwh_per_unit: per_unit.map(Num::of),
        tce_per_revenue: tce.zip(given.revenue_wan).and_then(|(tce, wan)| tce.over(wan.ratio())).map(Num::of),
        revenue_wan: given.revenue_wan.map(Num::from),
    }
}

/// What of the five links has a tag by which data come by themselves (C6), by its role or by its `scene`. What people enter (R20) is none:
/// the operator's reason counts nowhere, whatever is written beside it.
fn auto_collection(given: &Given<'_>, gathered: &BTreeMap<String, Gathered>) -> BTreeMap<&'static str, bool> {
    let is_live = |device: &&std::sync::Arc<Device>| {
        gathered.get(&*device.id).is_some_and(|it| it.by_calendar.online.iter().any(|ms| *ms > 0))
    };
    let live: Vec<_> = given.config.devices.iter().filter(is_live).collect();
    let is_entered = |tag: &Tag| tag.role.as_deref() == Some(&Role::StopReason);
    let serves =
        |tag: &Tag, scene: Scene| tag.scene == Some(scene) || tag.role.as_deref().is_some_and(|it| is_of(it, scene));
    let has =
        |scene: Scene| live.iter().any(|device| device.tags.iter().any(|tag| !is_entered(tag) && serves(tag, scene)));
    Scene::ALL.map(|scene| (scene.zh(), has(scene))).into()
}

/// Whether a role says by itself that a tag serves a link. None says that it is of safety.
fn is_of(role: &Role, scene: Scene) -> bool {
    match scene {
        Scene::Production => matches!(role, Role::Count(..) | Role::Product | Role::CycleTime(_) | Role::Band(_)),
        Scene::Quality => matches!(role, Role::Count(Counted::Good | Counted::Bad, _)),
        Scene::Equipment => {
            matches!(role, Role::Is(_) | Role::Word(_) | Role::Band(_) | Role::Alarm | Role::AlarmCode)
        }
        Scene::Safety => false,
        Scene::Energy => matches!(role, Role::Energy(..) | Role::Power(_)),
    }
}

fn machines(given: &Given<'_>, devices: &[DeviceReport]) -> Vec<MachinePart> {
    let part = |device: &std::sync::Arc<Device>| {
        let report = devices.iter().find(|report| report.device == *device.id);
        let of = |pick: fn(&DeviceReport) -> Option<Num>| report.and_then(pick);
        MachinePart {
            device: device.id.to_string(),
            name: device.name.clone(),
            has_data: report.is_some(),
            availability: of(|it| it.oee.availability),
            effectiveness: of(|it| it.oee.effectiveness),
            quality: of(|it| it.oee.quality),
            oee: of(|it| it.oee.oee),
            pq: of(|it| it.counts.pq),
            gq: of(|it| it.counts.gq),
            kwh: of(|it| it.energy.kwh),
            coverage_pbt: of(|it| it.coverage_pbt),
            flags: report.map(|it| it.oee.flags.clone()).unwrap_or_default(),
        }
    };
    given.config.devices.iter().filter(|it| it.equipment.is_in_use).map(part).collect()
}
