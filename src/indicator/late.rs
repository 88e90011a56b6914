//! Late data (R11, A26): what becomes of a cell that was told already. Its figures are compared, and only those that changed get a higher
//! revision; what people or earlier late data left in it stays; and months are frozen some days after their end.

use jiff::civil::Date;

use super::calendar::Calendar;
use super::cell::{Cell, ShiftRef};
use super::flags::Flags;
use crate::model::Timestamp;

/// After the end of a month, its figures change no more.
pub const FROZEN_AFTER_MS: i64 = 72 * 3_600_000;

/// Whether a cell of this date and shift counts into a month that is frozen. The last shift of a month ends in the next one: its cells are
/// frozen with the month in which it began.
pub fn is_frozen(date: Date, shift: Option<&ShiftRef>, calendar: &Calendar, now: Timestamp) -> bool {
    let first = shift.map_or(date, |shift| shift.date.min(date));
    let Ok(next) = first.last_of_month().tomorrow() else { return false };
    now.0 >= calendar.midnight(next).0.saturating_add(FROZEN_AFTER_MS)
}

impl Cell {
    /// A stored cell, told again; `None`: nothing changed. `is_late`: because of late data.
    pub fn told_again(&self, mut newer: Cell, is_late: bool) -> Option<Cell> {
        newer.sums.late_uncounted = self.sums.late_uncounted;
        newer.sums.late_after_freeze = self.sums.late_after_freeze;
        if self.sums.flags.has(Flags::LATE) {
            newer.sums.flags.raise(Flags::LATE);
        }
        let mut revised = self.revised(newer)?;
        if is_late {
            revised.sums.flags.raise(Flags::LATE);
        }
        Some(revised)
    }

    /// So many late scans could not be counted in it.
    #[must_use]
    pub fn without_late(&self, scans: u32) -> Cell {
        let mut cell = self.clone();
        cell.sums.late_uncounted = cell.sums.late_uncounted.saturating_add(scans);
        cell.sums.flags.raise(Flags::LATE);
        cell.revision += 1;
        cell
    }

    /// So many came when its month was frozen: no figure changes, and no revision.
    #[must_use]
    pub fn frozen_before(&self, scans: u32) -> Cell {
        let mut cell = self.clone();
        cell.sums.late_after_freeze = cell.sums.late_after_freeze.saturating_add(scans);
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{EIGHT_PM, config};
    use super::*;
    use crate::indicator::Plan;
    use jiff::civil::date;

    fn night() -> Plan {
        let tags = r#"tags = [{ name = "run", address = "coil:0", type = "bool", role = "state.run" }]"#;
        let config = config(tags, "[[shift]]\nname = \"night\"\nstart = \"20:00\"\nend = \"08:00\"\n");
        Plan::of(&config, &config.devices[0]).expect("it has tags")
    }

    #[test]
    fn a_month_is_frozen_three_days_after_its_end_and_with_it_the_shift_that_ends_in_the_next() {
        let plan = night();
        let shift = |date| ShiftRef { name: "night".into(), date, production_day: date };
        let end = plan.calendar.midnight(date(2026, 4, 1)).0;
        let frozen = |day, shift: Option<ShiftRef>, after| {
            is_frozen(day, shift.as_ref(), &plan.calendar, Timestamp(end + after))
        };
        assert!(
            !frozen(date(2026, 3, 31), None, FROZEN_AFTER_MS - 1) && frozen(date(2026, 3, 31), None, FROZEN_AFTER_MS)
        );
        assert!(frozen(date(2026, 4, 1), Some(shift(date(2026, 3, 31))), FROZEN_AFTER_MS));
        assert!(!frozen(date(2026, 4, 1), Some(shift(date(2026, 4, 1))), FROZEN_AFTER_MS));
    }

    #[test]
    fn what_late_data_left_in_a_cell_stays_and_only_what_changed_is_told_again() {
        let plan = night();
        let slot = plan.calendar.slot(Timestamp(EIGHT_PM));
        let told = Cell::new("m", slot.start, slot.end, slot.date, slot.shift);
        assert_eq!(told.told_again(told.clone(), true), None);
        let mut other = told.clone();
        other.sums.failures = 1;
        let again = told.without_late(3).told_again(other.clone(), false).expect("a failure more");
        assert_eq!((again.revision, again.sums.late_uncounted, again.sums.failures), (2, 3, 1));
        assert!(again.sums.flags.has(Flags::LATE));
        let frozen = told.frozen_before(2);
        assert_eq!((frozen.revision, frozen.sums.late_after_freeze, frozen.sums.flags), (0, 2, Flags::NONE));
        assert!(told.told_again(other, true).expect("it changed").sums.flags.has(Flags::LATE));
    }
}
