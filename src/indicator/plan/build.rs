//! From a configuration to the plans of its devices.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Input, Meaning, Plan};
use crate::config::{
    Config, CountRule, Counted, Device, Medium, PIECES, Product, Role, Tag, Unit, Yardstick, is_meant,
};
use crate::indicator::calendar::Calendar;
use crate::indicator::cell::Pri;
use crate::indicator::counter::{CounterRule, Limit};
use crate::indicator::cycles::SCANS;
use crate::indicator::exact::Amount;
use crate::indicator::flags::Flags;
use crate::model::State;

/// Scans that may be missed.
const POLLS: u32 = 3;

impl Plan {
    /// The plans of all devices that say something.
    pub fn all(config: &Config) -> Vec<Plan> {
        let in_use = config.devices.iter().filter(|device| device.equipment.is_in_use);
        in_use.filter_map(|device| Plan::of(config, device)).collect()
    }

    /// The plan of one device; `None`: nothing of it is ever heard.
    pub fn of(config: &Config, device: &Device) -> Option<Plan> {
        let yardstick = &device.equipment.yardstick;
        let metered = |name: &str| {
            let by_it = |other: &&Arc<Device>| other.equipment.yardstick.metered_by.as_deref() == Some(name);
            config.devices.iter().filter(by_it).count()
        };
        let meter = yardstick.metered_by.as_deref().and_then(|name| config.devices.iter().find(|it| *it.id == *name));
        let is_shared = meter.is_some_and(|meter| metered(&meter.id) > 1);
        let pace = Pace::new(config, device);
        let mut inputs: Vec<Input> = device.tags.iter().filter_map(|tag| pace.input(device, tag)).collect();
        if let Some(meter) = meter.filter(|_| !is_shared) {
            inputs.retain(|input| !matches!(input.meaning, Meaning::Energy { .. } | Meaning::Power { .. }));
            let of_meter = meter.tags.iter().filter_map(|tag| pace.input(meter, tag));
            inputs.extend(of_meter.filter(|it| matches!(it.meaning, Meaning::Energy { .. } | Meaning::Power { .. })));
        }
        if inputs.is_empty() && device.tags.is_empty() {
            return None;
        }
        let has_counter =
            inputs.iter().any(|it| matches!(it.meaning, Meaning::Energy { medium: Medium::Electricity, .. }));
        for input in &mut inputs {
            if let Meaning::Power { is_energy, .. } = &mut input.meaning {
                *is_energy = !has_counter;
            }
        }
        inputs.retain(|it| !matches!(it.meaning, Meaning::Power { rule: None, is_energy: false, .. }));
        // What a server sends by itself has no plan of scans.
        let is_polled = |tag: &&Tag| tag.node().is_none_or(|node| !node.is_subscribed);
        let fastest = device.tags.iter().filter(is_polled).min_by_key(|tag| tag.every);
        let online_by: Vec<Arc<str>> = match (device.tags.is_empty(), meter) {
            (true, Some(meter)) => vec![meter.id.clone()],
            _ => vec![device.id.clone()],
        };
        let heard = if device.tags.is_empty() { meter.map_or(&[][..], |meter| &meter.tags) } else { &device.tags };
        let online_stale = heard.iter().map(|tag| stale_after(tag, yardstick)).min().unwrap_or(yardstick.stale_after);
        let mut plan = Plan {
            device: device.id.clone(),
            calendar: Arc::new(Calendar::new(&config.schedule, &config.workshop.timezone, &device.id)),
            online_by,
            online_stale_ms: ms(online_stale),
            products: pace.products,
            pri: pace.pri,
            cavities: yardstick.cavities,
            microstop_ms: ms(yardstick.microstop),
            min_failure_ms: ms(yardstick.min_failure),
            scans: fastest.map(|tag| (device.id.clone(), ms(tag.every).max(1))),
            flags: Flags::NONE,
            is_in_energy_sum: yardstick.is_in_energy_sum && metered(&device.id) != 1 && !is_shared,
            counted_in: yardstick.counted_in,
            coarse_ms: None,
            tells_quarters: config.indicators.quarters,
            inputs,
        };
        plan.coarse_ms = plan.coarse_ms(device);
        plan.flags = plan.standing_flags();
        if is_shared {
            plan.flags.raise(Flags::SHARED_METER);
        }
        Some(plan)
    }

    /// Five periods of the counters by which cycles end; none where no pieces are counted.
    fn coarse_ms(&self, device: &Device) -> Option<i64> {
        let ends = |tag: &&Tag| matches!(tag.role.as_deref(), Some(Role::Count(of, _)) if self.ends_cycle(*of));
        let slowest = device.tags.iter().filter(ends).map(|tag| tag.every).max()?;
        (self.counted_in == PIECES).then_some(ms(slowest).saturating_mul(SCANS))
    }

    fn standing_flags(&self) -> Flags {
        let mut flags = Flags::NONE;
        let any = |test: &dyn Fn(&Meaning) -> bool| self.inputs.iter().any(|input| test(&input.meaning));
        let by_power = any(&|it| matches!(it, Meaning::Power { rule: Some(rule), .. } if rule.run_kw.is_some()));
        let by_band = any(&|it| matches!(it, Meaning::Band(..)));
        let by_itself = by_band || any(&|it| matches!(it, Meaning::Is(State::Run) | Meaning::Word(_)));
        let tells_faults = any(&|it| match it {
            Meaning::Is(State::Fault) | Meaning::Alarm => true,
            Meaning::Word(map) => map.by_word.values().any(|state| *state == State::Fault),
            _ => false,
        });
        let [total, good, bad] = [Counted::Total, Counted::Good, Counted::Bad].map(|what| self.counts(what));
        let integrates = any(&|it| matches!(it, Meaning::Power { is_energy: true, .. }));
        for (holds, flag) in [
            (!by_power && !by_itself, Flags::NO_STATE),
            (by_power && !by_itself, Flags::INFERRED),
            (by_band, Flags::BY_TEMPERATURE),
            (!tells_faults, Flags::NO_FAULT_SOURCE),
            (!(total || good && bad), Flags::NO_COUNT),
            (!(good || total && bad), Flags::NO_QUALITY),
            (integrates, Flags::INTEGRATED),
        ] {
            if holds {
                flags.raise(flag);
            }
        }
        flags
    }
}

/// How fast a device can be.
struct Pace<'a> {
    yardstick: &'a Yardstick,
    products: BTreeMap<String, Pri>,
    pri: Option<Pri>,
    has_cavities: bool,
}

impl<'a> Pace<'a> {
    fn new(config: &Config, device: &'a Device) -> Pace<'a> {
        let yardstick = &device.equipment.yardstick;
        let pri = |cycle: Duration, cavities: u32| Pri { cycle_us: us(cycle), cavities };
        let of_product = |product: &Product| pri(product.pri, product.cavities.unwrap_or(yardstick.cavities));
        let meant = config.schedule.products.iter().filter(|product| is_meant(&product.devices, &device.id));
        let has_tag = device.tags.iter().any(|tag| tag.role.as_deref() == Some(&Role::Cavities));
        Pace {
            products: meant.map(|product| (product.code.clone(), of_product(product))).collect(),
            pri: yardstick.rated.map(by_rate).or(yardstick.pri.map(|cycle| pri(cycle, yardstick.cavities))),
            has_cavities: has_tag || yardstick.cavities > 1,
            yardstick,
        }
    }

    fn input(&self, owner: &Device, tag: &Tag) -> Option<Input> {
        let unit = |unit: &Unit| {
            let of = &owner.equipment.yardstick;
            let factor = of.ct_ratio.unwrap_or(1.0) * of.pt_ratio.unwrap_or(1.0);
            (unit.num.saturating_mul((factor * 1e3).round() as i64), unit.den.saturating_mul(1_000))
        };
        let meaning = match tag.role.as_deref()? {
            Role::Is(state) => Meaning::Is(*state),
            Role::Word(map) => Meaning::Word(map.clone()),
            Role::Power(of) => {
                let (num, den) = unit(of);
                Meaning::Power { rule: self.yardstick.power, num, den, is_energy: false }
            }
            Role::Count(counted, rule) => {
                let is_usual = *counted == Counted::Total && self.has_cavities;
                let is_cycles = rule.is_cycles.unwrap_or(is_usual);
                Meaning::Count { counted: *counted, rule: self.counter(*counted, rule, is_cycles), is_cycles }
            }
            Role::Energy(medium, of, wraps_at) => {
                let (num, den) = unit(of);
                let range = wraps_at.and_then(Amount::of).map(|range| range.times(num, den));
                let limit = self.power_limit().filter(|_| *medium == Medium::Electricity);
                Meaning::Energy { medium: *medium, num, den, rule: CounterRule { is_job: false, range, limit } }
            }
            Role::Band(band) => Meaning::Band(*band, ms(self.yardstick.dwell)),
            Role::Alarm => Meaning::Alarm,
            Role::AlarmAck => Meaning::AlarmAck,
            Role::AlarmCode => Meaning::AlarmCode,
            Role::StopReason => Meaning::StopReason,
            Role::Product => Meaning::Product,
            Role::Cavities => Meaning::Cavities,
            Role::CycleTime(_) => return None,
        };
        let stale_ms = ms(stale_after(tag, self.yardstick));
        Some(Input { device: owner.id.clone(), tag: tag.name.clone(), meaning, stale_ms })
    }

    /// A counter of pieces may move by what the fastest product takes, and by a cycle at once (A4).
    fn counter(&self, counted: Counted, rule: &CountRule, is_cycles: bool) -> CounterRule {
        let step = rule.step.and_then(Amount::of).unwrap_or_default();
        if counted == Counted::Batch {
            return CounterRule { is_job: rule.is_job, range: rule.wraps_at.and_then(Amount::of), limit: None };
        }
        let paces = self.products.values().copied().chain(self.pri);
        let per_piece = |pri: &Pri| u128::from(pri.cycle_us) * 1_000_000 / u128::from(pri.cavities.max(1));
        let limit = match rule.max_per_minute.and_then(Amount::of) {
            Some(per) => Some(Limit { per, us: 60_000_000, at_once: Amount::whole(1) + step }),
            None if self.yardstick.rated.is_some() => self.yardstick.rated.and_then(Amount::of).map(|per| {
                let at_once = Amount::whole(1) + step; // not what an hour makes
                Limit { per, us: HOUR_US, at_once }
            }),
            None if is_cycles => paces.map(|pri| pri.cycle_us).min().map(|us| {
                let per = Amount::whole(1);
                Limit { per, us, at_once: per + step }
            }),
            None => paces.min_by_key(per_piece).map(|pri| {
                let per = Amount::whole(i64::from(pri.cavities));
                Limit { per, us: pri.cycle_us, at_once: per + step }
            }),
        };
        CounterRule { is_job: rule.is_job, range: rule.wraps_at.and_then(Amount::of), limit }
    }

    fn power_limit(&self) -> Option<Limit> {
        let watts = self.yardstick.rated_kw.and_then(|kw| Amount::of(kw * 1e3))?;
        Some(Limit { per: watts, us: 3_600_000_000, at_once: Amount::whole(100) })
    }
}

const HOUR_US: u64 = 3_600_000_000;

/// So many an hour as the standard time of one of them (R19): exact to a thousandth of the rate.
fn by_rate(rated: f64) -> Pri {
    const PARTS: u64 = 1_000;
    let cavities = (rated * PARTS as f64).round().clamp(1.0, f64::from(u32::MAX)) as u32;
    Pri { cycle_us: HOUR_US * PARTS, cavities }
}

/// How far apart two good samples may be (R1). Engines hear every scan, also what report on change holds back; only a server that tells by
/// itself what has changed is silent meanwhile, up to `max_silence`.
fn stale_after(tag: &Tag, yardstick: &Yardstick) -> Duration {
    let polls = (tag.every * POLLS).max(yardstick.stale_after);
    let is_told = tag.node().is_some_and(|node| node.is_subscribed);
    polls + if is_told { tag.report.max_silence } else { Duration::ZERO }
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn us(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
