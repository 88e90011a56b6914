//! When each group of tags is due. Pure: milliseconds of a monotonic clock come in, indexes go out.

use std::time::Duration;

/// Periods on one link, all counted from the same start so that equal periods fall together in one wake-up.
#[derive(Debug)]
pub(super) struct Schedule {
    slots: Vec<Slot>,
    overruns: u64,
}

#[derive(Debug)]
struct Slot {
    period_ms: u64,
    due_ms: u64,
}

impl Schedule {
    /// Everything is due at `start_ms` for the first time.
    pub(super) fn new(periods: impl IntoIterator<Item = Duration>, start_ms: u64) -> Schedule {
        let slot = |period: Duration| {
            // The configuration allows nothing below 10 ms; a zero here would never leave `take_due`.
            Slot { period_ms: u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1), due_ms: start_ms }
        };
        Schedule { slots: periods.into_iter().map(slot).collect(), overruns: 0 }
    }

    /// When the next group is due; `None` if there is no group.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.slots.iter().map(|slot| slot.due_ms).min()
    }

    /// The groups that are due, the longest overdue first. Each moves to its next multiple after `now_ms`; the multiples
    /// that it missed on the way are overruns.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Vec<usize> {
        let mut due: Vec<(u64, usize)> = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if slot.due_ms > now_ms {
                continue;
            }
            due.push((slot.due_ms, index));
            let missed = (now_ms - slot.due_ms) / slot.period_ms;
            self.overruns += missed;
            slot.due_ms = slot.due_ms.saturating_add(slot.period_ms.saturating_mul(missed + 1));
        }
        due.sort_unstable();
        due.into_iter().map(|(_, index)| index).collect()
    }

    /// Scans that should have been and were not.
    pub(super) fn overruns(&self) -> u64 {
        self.overruns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(periods: &[u64]) -> Schedule {
        Schedule::new(periods.iter().map(|ms| Duration::from_millis(*ms)), 1_000)
    }

    #[test]
    fn equal_periods_fall_together_and_multiples_stay_on_the_grid() {
        let mut schedule = schedule(&[100, 200, 100]);
        assert_eq!(schedule.take_due(1_000), [0, 1, 2]);
        assert_eq!(schedule.next_due(), Some(1_100));
        assert_eq!(schedule.take_due(1_099), [0_usize; 0]);
        assert_eq!(schedule.take_due(1_103), [0, 2]);
        assert_eq!(schedule.next_due(), Some(1_200), "a late wake-up does not shift the grid");
        assert_eq!(schedule.take_due(1_200), [0, 1, 2]);
        assert_eq!(schedule.overruns(), 0);
    }

    #[test]
    fn missed_scans_are_counted_and_not_made_up_in_a_burst() {
        let mut schedule = schedule(&[100]);
        assert_eq!(schedule.take_due(1_000), [0]);
        assert_eq!(schedule.take_due(1_450), [0]);
        assert_eq!(schedule.overruns(), 3);
        assert_eq!(schedule.next_due(), Some(1_500));
    }

    #[test]
    fn the_longest_overdue_goes_first() {
        let mut schedule = schedule(&[1_000, 100]);
        schedule.take_due(1_000);
        schedule.take_due(1_900);
        assert_eq!(schedule.take_due(2_150), [0, 1], "due since 2000 both, then by index");
        let mut schedule = Schedule::new([Duration::from_millis(300), Duration::from_millis(100)], 0);
        schedule.take_due(0);
        assert_eq!(schedule.take_due(350), [1, 0], "due since 100 before due since 300");
    }

    #[test]
    fn without_groups_nothing_is_ever_due() {
        let mut schedule = schedule(&[]);
        assert_eq!(schedule.next_due(), None);
        assert_eq!(schedule.take_due(u64::MAX), [0_usize; 0]);
    }
}
