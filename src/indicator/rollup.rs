//! Roll-ups: cells added over a period, devices added over a workshop. Percentages are never averaged.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::cell::{Cell, Sums};
use super::exact::{Ratio, Rounded};
use super::flags::Flags;
use super::formula::{Coverage, Quality};
use crate::model::{State, Timestamp};

/// A period of a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// One shift.
    Shift {
        /// Its name.
        name: String,
        /// The date on which it starts.
        date: Date,
    },
    /// The shifts that start in a production day; not cut (A13).
    ProductionDay(Date),
    /// A calendar day, cut at midnight (R9).
    Day(Date),
    /// A month: its first day. Shifts of which the date lies in it, and hours that lie in it (A11).
    Month(Date),
}

/// The cells of one device over one period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// What the figures of shifts are made of.
    pub by_shift: Sums,
    /// What the figures of the calendar are made of.
    pub by_calendar: Sums,
    /// First moment and first moment behind, of all cells.
    pub extent: Option<(Timestamp, Timestamp)>,
    /// How often settled cells were changed.
    pub revision: u32,
    /// Late scans that are in none of its figures: those of which nothing could be computed again, and those that came when the month was
    /// frozen.
    pub late: (u32, u32),
}

impl Period {
    /// Whether a cell is of it by its shift, and by the calendar.
    pub fn holds(&self, cell: &Cell) -> (bool, bool) {
        let of_shift = |test: &dyn Fn(&super::cell::ShiftRef) -> bool| cell.shift.as_ref().is_some_and(test);
        let both = |is_of: bool| (is_of, is_of);
        match self {
            Period::Shift { name, date } => both(of_shift(&|shift| shift.name == *name && shift.date == *date)),
            Period::ProductionDay(day) => both(of_shift(&|shift| shift.production_day == *day)),
            Period::Day(day) => both(cell.date == *day),
            Period::Month(first) => {
                let is_in = |date: Date| date.first_of_month() == first.first_of_month();
                (of_shift(&|shift| is_in(shift.date)), is_in(cell.date))
            }
        }
    }

    /// The cells of one device that are of it, added.
    pub fn gather<'a>(&self, cells: impl IntoIterator<Item = &'a Cell>) -> Gathered {
        let mut gathered = Gathered::default();
        for cell in cells {
            let (by_shift, by_calendar) = self.holds(cell);
            if by_shift {
                gathered.by_shift.add(&cell.sums);
            }
            if by_calendar {
                gathered.by_calendar.add(&cell.sums);
            }
            if by_shift || by_calendar {
                let (start, end) = gathered.extent.unwrap_or((cell.start, cell.end));
                gathered.extent = Some((start.min(cell.start), end.max(cell.end)));
                gathered.revision += cell.revision;
                let (uncounted, after_freeze) = gathered.late;
                let sums = &cell.sums;
                gathered.late = (
                    uncounted.saturating_add(sums.late_uncounted),
                    after_freeze.saturating_add(sums.late_after_freeze),
                );
            }
        }
        gathered
    }
}

/// A workshop over one period (A12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Σ(PRI·GQ) in ms over the machines that can have an OEE.
    pub good_time: Option<Ratio>,
    /// ΣPBT of the same in ms.
    pub pbt: u64,
    /// The quotient.
    pub oee: Option<Rounded>,
    /// Known share of the PBT of all machines.
    pub coverage: Coverage,
    /// Machines that are left out, and why.
    pub excluded: BTreeMap<String, &'static str>,
    /// All machines together, for counts and energy.
    pub sums: Sums,
}

impl Site {
    /// Adds machines, by name. Machines of low coverage stay in.
    pub fn of<'a>(machines: impl IntoIterator<Item = (&'a str, &'a Sums)>) -> Site {
        let (mut included, mut sums) = (Sums::default(), Sums::default());
        let mut excluded = BTreeMap::new();
        for (name, of) in machines {
            sums.add(of);
            match obstacle(of) {
                Some(why) => {
                    excluded.insert(name.to_owned(), why);
                }
                None => included.add(of),
            }
        }
        let coverage = Coverage::new(sums.time.pbt(), sums.time.in_shift(State::Unknown));
        let (good_time, pbt) = (included.weighed(|made| made.good), included.time.pbt());
        let oee = good_time.and_then(|time| time.over(Ratio::whole(i128::from(pbt))));
        let oee = oee.filter(|_| coverage.quality != Quality::None).and_then(Ratio::rounded);
        Site { good_time, pbt, oee, coverage, excluded, sums }
    }
}

/// Why a machine can have no OEE.
fn obstacle(sums: &Sums) -> Option<&'static str> {
    let has_unknown = sums.made.iter().any(|made| made.pri.is_none() && made.pieces.0 > 0);
    match () {
        () if sums.time.pbt() == 0 => Some("no planned time"),
        () if sums.flags.has(Flags::NO_STATE) => Some("no state"),
        () if sums.flags.has(Flags::NO_COUNT) => Some("no count"),
        () if sums.flags.has(Flags::NO_QUALITY) => Some("no good count"),
        () if has_unknown => Some("no standard cycle"),
        () => None,
    }
}
