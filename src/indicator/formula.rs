//! The figures of a device: quotients of sums, taken last and exactly. Each says its numerator and denominator, so that a person
//! can do it again by hand. Formulas O3 to O9 and O15 are those of ISO 22400-2.

mod table;

pub use table::{FORMULAS, Formula, UPLOADS, VERSION};

use std::collections::BTreeMap;

use super::cell::{Made, Sums};
use super::cycles::Percentile;
use super::exact::{Amount, Ratio, Rounded};
use super::flags::Flags;
use super::rollup::Gathered;
use crate::config::Medium;
use crate::model::State;

/// How far a figure can be relied upon (A2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// At least 90 % of the planned busy time is known.
    Ok,
    /// At least half of it.
    Low,
    /// Less, or there is no such time: figures O3 to O9 have no value.
    None,
}

impl Quality {
    /// The word in payloads; `None` is no word but a missing value.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Quality::Ok => Some("ok"),
            Quality::Low => Some("low"),
            Quality::None => None,
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub formula: &'static Formula,
    /// Above the line; `None`: it cannot be known.
    pub numerator: Option<Ratio>,
    /// Below the line; `None`: it cannot be known, or there is no line.
    pub denominator: Option<Ratio>,
    /// With six decimals, half to even; `None`: it cannot be known, or must not be said with so little coverage.
    pub value: Option<Rounded>,
    /// Known share of the planned busy time.
    pub coverage: Option<Rounded>,
    /// How far it can be relied upon.
    pub quality: Quality,
    /// What to know beside it.
    pub flags: Flags,
}

/// What is known of the planned busy time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// Its known share.
    pub of_pbt: Option<Ratio>,
    /// What that allows.
    pub quality: Quality,
}

/// Above this, the standard cycle is too slack: 1.05.
const SUSPECT: (i128, i128) = (105, 100);

impl Coverage {
    /// Of so many milliseconds, so many unknown.
    pub fn new(pbt: u64, unknown: u64) -> Coverage {
        let (pbt, known) = (i128::from(pbt), i128::from(pbt) - i128::from(unknown));
        let quality = match () {
            () if pbt == 0 || known * 2 < pbt => Quality::None,
            () if known * 10 < pbt * 9 => Quality::Low,
            () => Quality::Ok,
        };
        Coverage { of_pbt: Ratio::new(known, pbt), quality }
    }

    /// Of a device.
    pub fn of(sums: &Sums) -> Coverage {
        Coverage::new(sums.time.pbt(), sums.time.in_shift(State::Unknown))
    }
}

/// All figures of a device over a period, in the order of [`FORMULAS`].
pub fn device(gathered: &Gathered) -> Vec<Figure> {
    let of_shifts = Parts::of(&gathered.by_shift);
    let of_calendar = Parts::of(&gathered.by_calendar);
    let figure = |formula: &'static Formula| {
        let parts = if formula.is_of_calendar { &of_calendar } else { &of_shifts };
        parts.figure(formula)
    };
    FORMULAS.iter().map(figure).collect()
}

/// One of them, by its name.
pub fn one(name: &str, gathered: &Gathered) -> Option<Figure> {
    device(gathered).into_iter().find(|figure| figure.formula.name == name)
}

/// Electricity, water, gas and so on as kilograms of coal equivalent (E6), in kgce. `factors` are per kWh, m³ and t.
pub fn coal_equivalent(sums: &Sums, factors: &BTreeMap<Medium, f64>) -> Option<Ratio> {
    let factor = |medium| factors.get(&medium).copied().and_then(Amount::of).map(Amount::ratio);
    let mut sum = Ratio::ZERO;
    if let Some(factor) = factor(Medium::Electricity) {
        sum = sum.plus(kwh(sums.energy.total)?.times(factor)?)?;
    }
    for (medium, amount) in &sums.media {
        if let Some(factor) = factor(*medium) {
            sum = sum.plus(amount.ratio().times(factor)?)?;
        }
    }
    Some(sum)
}

fn kwh(wh: Amount) -> Option<Ratio> {
    wh.ratio().over(Ratio::whole(1_000))
}

fn ms(ms: u64) -> Option<Ratio> {
    Some(Ratio::whole(i128::from(ms)))
}

/// Milliseconds as minutes.
fn minutes(ms: u64) -> Option<Ratio> {
    Ratio::new(i128::from(ms), 60_000)
}

/// Milliseconds as seconds.
fn seconds(ms: u64) -> Option<Ratio> {
    Ratio::new(i128::from(ms), 1_000)
}

fn count(n: u64) -> Option<Ratio> {
    Some(Ratio::whole(i128::from(n)))
}

/// What the figures of one basis are made of.
struct Parts<'a> {
    sums: &'a Sums,
    coverage: Coverage,
    flags: Flags,
    has_unknown_product: bool,
}

/// Above the line, below it (`None`: there is no line), and whether there is to be a line.
type Line = (Option<Ratio>, Option<Ratio>, bool);

impl<'a> Parts<'a> {
    fn of(sums: &'a Sums) -> Parts<'a> {
        let coverage = Coverage::of(sums);
        let mut flags = sums.flags;
        let has_unknown_product = sums.made.iter().any(|made| made.pri.is_none() && made.pieces.0 > 0);
        if has_unknown_product {
            flags.raise(Flags::UNKNOWN_PRODUCT);
        }
        if sums.good() > sums.pieces() && !flags.has(Flags::NO_COUNT) {
            flags.raise(Flags::COUNT_MISMATCH);
        }
        if coverage.quality == Quality::Low {
            flags.raise(Flags::LOW_COVERAGE);
        }
        let mut parts = Parts { sums, coverage, flags, has_unknown_product };
        let effectiveness = parts.weighed(|made| made.pieces).and_then(|sum| sum.over(ms(sums.time.run())?));
        let suspect = effectiveness.is_some_and(|e| e.num() * SUSPECT.1 > SUSPECT.0 * e.den());
        if suspect && sums.gap_pieces().0 == 0 {
            parts.flags.raise(Flags::PRI_SUSPECT);
        }
        parts
    }

    fn figure(&self, formula: &'static Formula) -> Figure {
        let (numerator, denominator, has_line) = self.line(formula.name);
        let value = match (numerator, denominator) {
            (Some(num), Some(den)) => num.over(den),
            (Some(num), None) if !has_line => Some(num),
            _ => None,
        };
        let may_be_said = !formula.needs_coverage || self.coverage.quality != Quality::None;
        Figure {
            formula,
            numerator,
            denominator,
            value: value.filter(|_| may_be_said).and_then(Ratio::rounded),
            coverage: self.coverage.of_pbt.and_then(Ratio::rounded),
            quality: self.coverage.quality,
            flags: self.flags_of(formula.name),
        }
    }

    /// Those of the device, and what concerns this figure alone.
    fn flags_of(&self, name: &str) -> Flags {
        match self.cycle(name) {
            Percentile::Coarse => self.flags.and(Flags::COARSE_CYCLE),
            Percentile::None | Percentile::Seconds(_) => self.flags,
        }
    }

    /// Of a figure that is a percentile of cycles.
    fn cycle(&self, name: &str) -> Percentile {
        match name {
            "cycle_p50" => self.sums.cycles.percentile(50),
            "cycle_p95" => self.sums.cycles.percentile(95),
            _ => Percentile::None,
        }
    }

    fn line(&self, name: &str) -> Line {
        let Parts { sums, .. } = self;
        let time = &sums.time;
        let on = [State::Run, State::Idle, State::Setup, State::Fault, State::Maint].map(|state| time.lived(state));
        let on = on.iter().sum();
        let (apt, pbt) = (time.run(), time.pbt());
        let (aust, adet) = (time.in_shift(State::Setup), time.in_shift(State::Fault));
        let over = |num: Option<Ratio>, den: Option<Ratio>| (num, den, true);
        let plain = |num: Option<Ratio>| (num, None, false);
        let (pieces, good, bad) = (self.pieces(), self.good(), self.bad());
        let failures = Some(sums.failures).filter(|_| !self.flags.has(Flags::NO_FAULT_SOURCE));
        let energy = Some(&sums.energy).filter(|energy| energy.is_metered);
        let total = energy.and_then(|energy| kwh(energy.total));
        let alarms = Some(&sums.alarm_times).filter(|times| times.is_told || sums.alarms > 0);
        match name {
            "power_on_calendar" => over(ms(on), ms(time.calendar())),
            "power_on_pbt" => over(ms(on), ms(pbt)),
            "run_ratio" => over(ms(time.lived(State::Run)), ms(on)),
            "availability" => over(ms(apt), ms(pbt)),
            "availability_known" => over(ms(apt), ms(pbt - time.in_shift(State::Unknown))),
            "effectiveness" => over(self.weighed_all(|made| made.pieces), ms(apt)),
            "effectiveness_known" => over(self.weighed_all(|made| made.pieces - made.gap), ms(apt)),
            "quality" => over(good, pieces.filter(|n| n.num() != 0)),
            "oee" => over(good.and_then(|_| self.weighed_all(|made| made.good)), ms(pbt)),
            "oee_known_product" => over(good.and_then(|_| self.weighed(|made| made.good)), ms(pbt)),
            "ae_only" => over(pieces.and_then(|_| self.weighed_all(|made| made.pieces)), ms(pbt)),
            "nee" => over(self.nee_above(apt + aust), self.nee_below(pbt, apt)),
            "technical_efficiency" => over(ms(apt), ms(apt + adet)),
            "setup_rate" => over(ms(aust), ms(apt + aust)),
            "failures" => plain(failures.and_then(|n| count(n.into()))),
            "mttr" => over(failures.and_then(|_| minutes(sums.ttr)), failures.and_then(|n| count(n.into()))),
            "mtbf" => over(failures.and_then(|_| minutes(apt + aust)), failures.and_then(|n| count(n.into()))),
            "actual_cycle" => over(Ratio::new(i128::from(apt), 1_000), pieces.filter(|n| n.num() != 0)),
            "cycle_p50" | "cycle_p95" => match self.cycle(name) {
                Percentile::Seconds(seconds) => plain(Some(seconds)),
                Percentile::None | Percentile::Coarse => plain(None),
            },
            "output" => plain(pieces),
            "output_good" => plain(good),
            "output_bad" => plain(bad),
            "output_rework" => plain(sums.rework.map(Amount::ratio)),
            "output_batches" => plain(sums.batches.map(Amount::ratio)),
            "scrap_ratio" => over(bad, pieces),
            "rework_ratio" => over(sums.rework.map(Amount::ratio), pieces),
            "online_ratio" => over(ms(sums.online[1..].iter().sum()), ms(time.scheduled())),
            "online_ratio_calendar" => over(ms(sums.online.iter().sum()), ms(time.calendar())),
            "collection_success" => over(count(sums.scans_good), count(sums.scans_expected)),
            "coverage" => {
                let unknown = time.lived(State::Unknown) - time.0[State::Unknown as usize][0];
                over(ms(time.scheduled() - unknown), ms(time.scheduled()))
            }
            "coverage_calendar" => over(ms(time.calendar() - time.lived(State::Unknown)), ms(time.calendar())),
            "energy" => plain(total),
            "energy_per_good" => over(total, good),
            "energy_per_piece" => over(total, pieces),
            "energy_not_running" => plain(energy.and_then(|energy| kwh(energy.not_running()))),
            "energy_not_running_share" => over(energy.and_then(|energy| kwh(energy.not_running())), total),
            "max_demand" => plain(energy.and_then(|it| it.max_quarter).and_then(|wh| kwh(wh)?.times(Ratio::whole(4)))),
            "alarms" => plain(alarms.and(count(sums.alarms.into()))),
            "alarm_time_to_ack" => {
                let acked = alarms.filter(|times| times.has_ack);
                over(acked.and_then(|it| seconds(it.ack_ms)), acked.and_then(|it| count(it.acked.into())))
            }
            "alarm_time_to_clear" => {
                over(alarms.and_then(|it| seconds(it.clear_ms)), alarms.and_then(|it| count(it.cleared.into())))
            }
            "alarms_unmeasured" => plain(alarms.and_then(|it| count(it.clear_unknown.into()))),
            _ => (None, None, true), // needs orders or serial numbers, which nobody tells us
        }
    }

    fn pieces(&self) -> Option<Ratio> {
        Some(self.sums.pieces().ratio()).filter(|_| !self.flags.has(Flags::NO_COUNT))
    }

    /// None without a counter of good or bad pieces: 100 % is never assumed (R12).
    fn good(&self) -> Option<Ratio> {
        Some(self.sums.good().ratio()).filter(|_| !self.flags.has(Flags::NO_QUALITY))
    }

    fn bad(&self) -> Option<Ratio> {
        self.good().and(self.pieces()).map(|_| self.sums.bad().ratio())
    }

    /// Σ PRI × amount over products with a PRI.
    fn weighed(&self, amount: impl Fn(&Made) -> Amount) -> Option<Ratio> {
        self.sums.weighed(amount)
    }

    /// The same; none where pieces of an unknown product were made (R13, A21).
    fn weighed_all(&self, amount: impl Fn(&Made) -> Amount) -> Option<Ratio> {
        self.weighed(amount).filter(|_| !self.has_unknown_product && !self.flags.has(Flags::NO_COUNT))
    }

    /// (APT + AUST) · Σ(PRI·PQ) · GQ.
    fn nee_above(&self, up: u64) -> Option<Ratio> {
        ms(up)?.times(self.weighed_all(|made| made.pieces)?)?.times(self.good()?)
    }

    /// PBT · APT · PQ.
    fn nee_below(&self, pbt: u64, apt: u64) -> Option<Ratio> {
        ms(pbt)?.times(ms(apt)?)?.times(self.pieces()?)
    }
}
