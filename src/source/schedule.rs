//! When each group of tags is due, and who comes first. Pure: milliseconds of a monotonic clock come in, indexes go out.

use std::time::Duration;

/// Periods on one link, all counted from the same start so that equal periods fall together in one wake-up.
#[derive(Debug)]
pub(super) struct Schedule {
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    period_ms: u64,
    due_ms: u64,
    missed: u64,
}

impl Schedule {
    /// Everything is due at `start_ms` for the first time.
    pub(super) fn new(periods: impl IntoIterator<Item = Duration>, start_ms: u64) -> Schedule {
        let slot = |period: Duration| {
            // The configuration allows nothing below 10 ms; a zero here would be due for ever.
            let period_ms = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
            Slot { period_ms, due_ms: start_ms, missed: 0 }
        };
        Schedule { slots: periods.into_iter().map(slot).collect() }
    }

    /// When the next of the groups that `counts` is due; `None` if there is none.
    pub(super) fn next_due(&self, counts: impl Fn(usize) -> bool) -> Option<u64> {
        let slots = self.slots.iter().enumerate().filter(|(index, _)| counts(*index));
        slots.map(|(_, slot)| slot.due_ms).min()
    }

    /// Of the groups that are due, the one whose period ends first: a slow group does not make a fast one miss its scan.
    /// Those that `give_way` come behind the others, since they may cost everybody a timeout, but not for long.
    /// It moves to its next multiple after `now_ms`; the multiples that it missed on the way are overruns.
    pub(super) fn take_next(&mut self, now_ms: u64, gives_way: impl Fn(usize) -> bool) -> Option<usize> {
        let due = self.slots.iter().enumerate().filter(|(_, slot)| slot.due_ms <= now_ms);
        let is_patient = |slot: &Slot| now_ms - slot.due_ms < slot.period_ms.saturating_mul(GIVES_WAY_PERIODS);
        let (index, _) = due.min_by_key(|(index, slot)| {
            (gives_way(*index) && is_patient(slot), slot.due_ms.saturating_add(slot.period_ms))
        })?;
        let slot = &mut self.slots[index];
        let missed = (now_ms - slot.due_ms) / slot.period_ms;
        slot.missed += missed;
        slot.due_ms = slot.due_ms.saturating_add(slot.period_ms.saturating_mul(missed + 1));
        Some(index)
    }

    /// When the scan that was taken last of this group was due: the slot that it fills.
    pub(super) fn taken_due(&self, index: usize) -> u64 {
        let slot = &self.slots[index];
        slot.due_ms.saturating_sub(slot.period_ms)
    }

    /// Scans that should have been and were not, by group, since this was asked last.
    pub(super) fn take_missed(&mut self) -> Vec<(usize, u64)> {
        let missed = self.slots.iter_mut().map(|slot| std::mem::take(&mut slot.missed));
        missed.enumerate().filter(|(_, missed)| *missed > 0).collect()
    }
}

/// Who gives way is asked all the same when it is overdue for so many of its periods.
const GIVES_WAY_PERIODS: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(periods: &[u64]) -> Schedule {
        Schedule::new(periods.iter().map(|ms| Duration::from_millis(*ms)), 1_000)
    }

    fn take_all(schedule: &mut Schedule, now_ms: u64) -> Vec<usize> {
        std::iter::from_fn(|| schedule.take_next(now_ms, |_| false)).collect()
    }

    #[test]
    fn equal_periods_fall_together_and_multiples_stay_on_the_grid() {
        let mut schedule = schedule(&[100, 200, 100]);
        assert_eq!(take_all(&mut schedule, 1_000), [0, 2, 1]);
        assert_eq!(schedule.next_due(|_| true), Some(1_100));
        assert_eq!(take_all(&mut schedule, 1_099), [0_usize; 0]);
        assert_eq!(take_all(&mut schedule, 1_103), [0, 2]);
        assert_eq!(schedule.next_due(|_| true), Some(1_200), "a late wake-up does not shift the grid");
        assert_eq!(take_all(&mut schedule, 1_200), [0, 2, 1]);
        assert_eq!(schedule.take_missed(), []);
    }

    #[test]
    fn missed_scans_are_counted_by_group_and_not_made_up_in_a_burst() {
        let mut schedule = schedule(&[100, 1_000]);
        assert_eq!(take_all(&mut schedule, 1_000), [0, 1]);
        assert_eq!(take_all(&mut schedule, 1_450), [0]);
        assert_eq!(schedule.take_missed(), [(0, 3)]);
        assert_eq!(schedule.take_missed(), [], "told once");
        assert_eq!(schedule.next_due(|_| true), Some(1_500));
        assert_eq!(schedule.next_due(|index| index == 1), Some(2_000));
    }

    #[test]
    fn the_group_whose_period_ends_first_goes_first() {
        let mut schedule = schedule(&[1_000, 100]);
        take_all(&mut schedule, 1_000);
        take_all(&mut schedule, 1_900);
        assert_eq!(take_all(&mut schedule, 2_050), [1, 0], "both due since 2000; the fast one ends at 2100");
        take_all(&mut schedule, 2_950);
        assert_eq!(take_all(&mut schedule, 4_000), [1, 0], "the fast one is overdue for longer");
        let mut schedule = Schedule::new([1_000, 400].map(Duration::from_millis), 0);
        take_all(&mut schedule, 900);
        assert_eq!(schedule.take_next(2_300, |_| false), Some(1), "ends at 1600, before 2000");
        assert_eq!(
            schedule.take_next(2_420, |_| false),
            Some(0),
            "a slow one that is overdue is not passed over for ever"
        );
    }

    #[test]
    fn who_gives_way_comes_last_but_is_not_passed_over_for_ever() {
        let mut schedule = schedule(&[100, 1_000]);
        assert_eq!(schedule.take_next(1_000, |index| index == 0), Some(1));
        assert_eq!(schedule.take_next(1_000, |index| index == 0), Some(0));
        assert_eq!(schedule.take_next(2_000, |index| index == 0), Some(0), "overdue for nine of its periods");
    }

    #[test]
    fn without_groups_nothing_is_ever_due() {
        let mut schedule = schedule(&[]);
        assert_eq!(schedule.next_due(|_| true), None);
        assert_eq!(take_all(&mut schedule, u64::MAX), [0_usize; 0]);
    }
}
