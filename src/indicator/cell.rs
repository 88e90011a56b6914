//! Cell: one device in one clock hour of the workshop, cut where a shift begins or ends. It holds what can be added up
//! exactly, and nothing else; shifts, days, months and workshops only ever add cells, and quotients come last
//! ([`super::formula`]).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::alarms::AlarmTimes;
use super::cycles::Cycles;
use super::exact::{Amount, Ratio};
use super::flags::Flags;
use crate::config::Medium;
use crate::model::{State, Timestamp};

/// What the shift plan says of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Duty {
    /// No shift.
    Free = 0,
    /// A shift, and no break of it.
    Work = 1,
    /// A break.
    Break = 2,
    /// A stop that was planned.
    PlannedStop = 3,
}

impl Duty {
    /// All of them.
    pub const ALL: [Duty; 4] = [Duty::Free, Duty::Work, Duty::Break, Duty::PlannedStop];
}

/// One cell. Cells of a device tile the calendar from its first data on, without overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The device's id.
    pub device: String,
    /// First moment.
    pub start: Timestamp,
    /// First moment behind it. States are of `[start, end)`, samples of `(start, end]` (A28).
    pub end: Timestamp,
    /// Local date of `start`.
    #[serde(with = "super::dates")]
    pub date: Date,
    /// The shift, if there is one.
    pub shift: Option<ShiftRef>,
    /// How often a settled cell was changed (R11).
    pub revision: u32,
    /// Electricity by quarters of the clock hour.
    pub quarters: [Quarter; 4],
    /// What can be added.
    pub sums: Sums,
}

/// Which shift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShiftRef {
    /// Its name in the configuration.
    pub name: String,
    /// Local date on which it starts (R9).
    #[serde(with = "super::dates")]
    pub date: Date,
    /// The production day in which it starts (A13).
    #[serde(with = "super::dates")]
    pub production_day: Date,
}

/// Electricity in 15 minutes that begin with the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quarter {
    /// Wh whose later sample lies in it.
    pub wh: Amount,
    /// Wh of the whole quarter, cut at its ends; `None`: there was a gap (A30). It stands in the cell in which the
    /// quarter ends.
    pub full: Option<Amount>,
}

/// What can be added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sums {
    /// How long in each state.
    pub time: Times,
    /// Milliseconds in which something good was heard of the device, by [`Duty`].
    pub online: [u64; 4],
    /// Pieces, by product.
    pub made: Vec<Made>,
    /// Pieces done again; `None`: not counted.
    pub rework: Option<Amount>,
    /// Batches that ended; `None`: not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<Amount>,
    /// How long single cycles took.
    #[serde(default, skip_serializing_if = "Cycles::is_empty")]
    pub cycles: Cycles,
    /// What happened to the counters.
    pub counters: CounterEvents,
    /// Electricity.
    pub energy: Energy,
    /// Water, gas and so on, in the base unit of each.
    pub media: BTreeMap<Medium, Amount>,
    /// Stops by state and cause, in their order.
    pub stops: Vec<Stop>,
    /// Faults that began here and lasted long enough in all.
    pub failures: u32,
    /// Milliseconds of such faults within the planned busy time.
    pub ttr: u64,
    /// Alarms that began here.
    pub alarms: u32,
    /// Milliseconds with an alarm.
    pub alarm_ms: u64,
    /// What became of alarms.
    #[serde(default, skip_serializing_if = "AlarmTimes::is_nothing")]
    pub alarm_times: AlarmTimes,
    /// Scans by the poll plan.
    pub scans_expected: u64,
    /// Scans with at least one good reading.
    pub scans_good: u64,
    /// Flags.
    pub flags: Flags,
    /// Scans that came too late, and of which nothing could be computed again (R11).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late_uncounted: u32,
    /// Scans that came when the month was frozen: counted here, and in no figure (A26).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late_after_freeze: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Milliseconds by state and duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Times(pub [[u64; 4]; 7]);

/// Pieces of one product at one standard cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// What the machine called it; `None`: the device makes one thing, or does not say.
    pub product: Option<String>,
    /// Standard time of a piece; `None`: not known.
    pub pri: Option<Pri>,
    /// PQ.
    pub pieces: Amount,
    /// GQ.
    pub good: Amount,
    /// BQ.
    pub bad: Amount,
    /// Of PQ: made over a gap.
    pub gap: Amount,
}

/// Planned run time per item: a cycle over its pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pri {
    /// Microseconds of a cycle.
    pub cycle_us: u64,
    /// Pieces of a cycle by design, at least 1 (A22).
    pub cavities: u32,
}

impl Pri {
    /// Milliseconds per piece.
    pub fn ms(self) -> Ratio {
        Ratio::new(i128::from(self.cycle_us), 1_000 * i128::from(self.cavities.max(1))).unwrap_or(Ratio::ZERO)
    }
}

/// What happened to the counters of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CounterEvents {
    /// Passed their end and began at zero.
    pub wraps: u32,
    /// Began anew by themselves.
    pub resets: u32,
    /// Zeroed with the job, as they should (A16).
    pub job_resets: u32,
    /// Jumped further than the machine can go.
    pub implausible: u32,
}

/// Electricity in Wh.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Energy {
    /// Whether there is a source at all.
    pub is_metered: bool,
    /// All of it (E1).
    pub total: Amount,
    /// By state; that of a gap is under [`State::Unknown`] (A23).
    pub by_state: [Amount; 7],
    /// By the tariff's words; under "" what a gap hides (E5).
    pub by_tariff: BTreeMap<String, Amount>,
    /// The largest of the full quarters, Wh in 15 minutes (E4).
    pub max_quarter: Option<Amount>,
}

/// Stops of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Idle or fault.
    pub state: State,
    /// The machine's code, the operator's reason, `microstop`; empty: nobody said.
    pub cause: String,
    /// Stops that began here.
    pub count: u32,
    /// Milliseconds in working time.
    pub ms: u64,
}

impl Cell {
    /// An empty cell.
    pub fn new(device: &str, start: Timestamp, end: Timestamp, date: Date, shift: Option<ShiftRef>) -> Cell {
        let (quarters, sums) = Default::default();
        Cell { device: device.to_owned(), start, end, date, shift, revision: 0, quarters, sums }
    }

    /// The old cell as it is after late data: the new figures with a higher revision; `None`: nothing changed (A26). A cell holds whole
    /// milliseconds and millionths, which are what is printed: what differs here differs on paper.
    pub fn revised(&self, newer: Cell) -> Option<Cell> {
        let revision = self.revision;
        let same = Cell { revision, ..newer };
        (*self != same).then(|| Cell { revision: revision + 1, ..same })
    }
}

impl Sums {
    /// Adds another; sums do not depend on the order of adding.
    pub fn add(&mut self, other: &Sums) {
        self.time.add(&other.time);
        self.online.iter_mut().zip(other.online).for_each(|(mine, more)| *mine += more);
        for made in &other.made {
            let mine = self.made_of(made.product.as_deref(), made.pri);
            mine.pieces += made.pieces;
            mine.good += made.good;
            mine.bad += made.bad;
            mine.gap += made.gap;
        }
        if let Some(rework) = other.rework {
            self.rework = Some(self.rework.unwrap_or_default() + rework);
        }
        if let Some(batches) = other.batches {
            self.batches = Some(self.batches.unwrap_or_default() + batches);
        }
        self.cycles.add(&other.cycles);
        self.counters.wraps += other.counters.wraps;
        self.counters.resets += other.counters.resets;
        self.counters.job_resets += other.counters.job_resets;
        self.counters.implausible += other.counters.implausible;
        self.energy.add(&other.energy);
        for (medium, amount) in &other.media {
            *self.media.entry(*medium).or_default() += *amount;
        }
        for stop in &other.stops {
            let mine = self.stop_of(stop.state, &stop.cause);
            mine.count += stop.count;
            mine.ms += stop.ms;
        }
        self.failures += other.failures;
        self.ttr += other.ttr;
        self.alarms += other.alarms;
        self.alarm_ms += other.alarm_ms;
        self.alarm_times.add(&other.alarm_times);
        self.scans_expected += other.scans_expected;
        self.scans_good += other.scans_good;
        self.flags.raise(other.flags);
        self.late_uncounted = self.late_uncounted.saturating_add(other.late_uncounted);
        self.late_after_freeze = self.late_after_freeze.saturating_add(other.late_after_freeze);
    }

    /// The sum of all.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a Sums>) -> Sums {
        let mut sums = Sums::default();
        parts.into_iter().for_each(|part| sums.add(part));
        sums
    }

    /// The entry of this product, made where there is none.
    pub fn made_of(&mut self, product: Option<&str>, pri: Option<Pri>) -> &mut Made {
        let at = self.made.partition_point(|made| (made.product.as_deref(), made.pri) < (product, pri));
        if self.made.get(at).is_none_or(|made| (made.product.as_deref(), made.pri) != (product, pri)) {
            let product = product.map(str::to_owned);
            let (pieces, good, bad, gap) = Default::default();
            self.made.insert(at, Made { product, pri, pieces, good, bad, gap });
        }
        &mut self.made[at]
    }

    /// The entry of this cause, made where there is none.
    pub fn stop_of(&mut self, state: State, cause: &str) -> &mut Stop {
        let at = self.stops.partition_point(|stop| (stop.state, stop.cause.as_str()) < (state, cause));
        if self.stops.get(at).is_none_or(|stop| (stop.state, stop.cause.as_str()) != (state, cause)) {
            self.stops.insert(at, Stop { state, cause: cause.to_owned(), count: 0, ms: 0 });
        }
        &mut self.stops[at]
    }

    /// PQ.
    pub fn pieces(&self) -> Amount {
        self.made.iter().fold(Amount::default(), |sum, made| sum + made.pieces)
    }

    /// GQ.
    pub fn good(&self) -> Amount {
        self.made.iter().fold(Amount::default(), |sum, made| sum + made.good)
    }

    /// BQ.
    pub fn bad(&self) -> Amount {
        self.made.iter().fold(Amount::default(), |sum, made| sum + made.bad)
    }

    /// Of PQ: made over a gap.
    pub fn gap_pieces(&self) -> Amount {
        self.made.iter().fold(Amount::default(), |sum, made| sum + made.gap)
    }

    /// Σ PRI × amount in milliseconds, over what has a PRI; `None` beyond the range.
    pub fn weighed(&self, amount: impl Fn(&Made) -> Amount) -> Option<Ratio> {
        let known = self.made.iter().filter_map(|made| Some((made.pri?, amount(made))));
        known.into_iter().try_fold(Ratio::ZERO, |sum, (pri, amount)| sum.plus(pri.ms().times(amount.ratio())?))
    }
}

impl Times {
    /// Adds milliseconds.
    pub fn put(&mut self, state: State, duty: Duty, ms: u64) {
        self.0[state as usize][duty as usize] += ms;
    }

    /// Milliseconds of one state under one duty.
    pub fn of(&self, state: State, duty: Duty) -> u64 {
        self.0[state as usize][duty as usize]
    }

    /// As lived: milliseconds of one state, whatever the plan said.
    pub fn lived(&self, state: State) -> u64 {
        self.0[state as usize].iter().sum()
    }

    /// All of the calendar.
    pub fn calendar(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Of it under one duty.
    pub fn on_duty(&self, duty: Duty) -> u64 {
        self.0.iter().map(|row| row[duty as usize]).sum()
    }

    /// Shift time.
    pub fn scheduled(&self) -> u64 {
        self.calendar() - self.on_duty(Duty::Free)
    }

    /// APT: run in the shift, worked breaks with it (A3).
    pub fn run(&self) -> u64 {
        self.0[State::Run as usize][1..].iter().sum()
    }

    /// A state of the shift's table: breaks and planned stops outrank everything but work (A3).
    pub fn in_shift(&self, state: State) -> u64 {
        match state {
            State::Run => self.run(),
            other => self.of(other, Duty::Work),
        }
    }

    /// Breaks, as far as they were not worked, and planned stops and planned maintenance.
    pub fn planned_stop(&self) -> u64 {
        self.scheduled() - self.pbt()
    }

    /// PBT: shift time less breaks and planned stops, as far as they were not worked, less planned maintenance.
    pub fn pbt(&self) -> u64 {
        let work = self.on_duty(Duty::Work) - self.of(State::Maint, Duty::Work);
        work + self.of(State::Run, Duty::Break) + self.of(State::Run, Duty::PlannedStop)
    }

    fn add(&mut self, other: &Times) {
        for (mine, more) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *mine += more;
        }
    }
}

impl Energy {
    fn add(&mut self, other: &Energy) {
        self.is_metered |= other.is_metered;
        self.total += other.total;
        self.by_state.iter_mut().zip(other.by_state).for_each(|(mine, more)| *mine += more);
        for (tariff, amount) in &other.by_tariff {
            *self.by_tariff.entry(tariff.clone()).or_default() += *amount;
        }
        self.max_quarter = self.max_quarter.max(other.max_quarter);
    }

    /// While the machine stood: idle, setup and fault (E3).
    pub fn not_running(&self) -> Amount {
        [State::Idle, State::Setup, State::Fault]
            .into_iter()
            .fold(Amount::default(), |sum, s| sum + self.by_state[s as usize])
    }
}
