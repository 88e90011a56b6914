//! Placer: where a sample lies on the calendar. Durations are those of the monotonic clock; the wall clock only says where
//! they are (R7). Batches are to come with times that are trusted or corrected: whoever has others keeps them back until
//! they are (R6).

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// A step of the wall clock that is told, rather than followed silently (R7).
pub const TOLD_STEP_MS: i64 = 2_000;

/// How far the wall clock is ahead of the monotonic one, for one start of the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placer {
    boot: u64,
    offset_ms: Option<i64>,
    /// The newest moment that was placed, on the monotonic clock.
    #[serde(default)]
    newest_ms: u64,
}

impl Placer {
    /// The monotonic clock begins anew with each start of the agent.
    pub(super) fn boot(&mut self, boot: u64) {
        if self.boot != boot {
            *self = Placer { boot, offset_ms: None, newest_ms: 0 };
        }
    }

    /// The number of the start, for comparing.
    pub(super) fn of_boot(&self) -> u64 {
        self.boot
    }

    /// Whether nothing of this start of the agent was placed yet, and how long this was taken before the newest that was.
    pub(super) fn looks_at(&self, mono_ms: u64) -> (bool, i64) {
        let behind_ms = i64::try_from(self.newest_ms.saturating_sub(mono_ms)).unwrap_or(i64::MAX);
        (self.offset_ms.is_none(), behind_ms)
    }

    /// The newest moment of this start of the agent that was placed.
    pub(super) fn newest_ms(&self) -> u64 {
        self.newest_ms
    }

    /// The place of a moment, and by how much the wall clock has stepped if it has. What was taken before something that was placed
    /// already tells nothing of steps: the clock may have been set between the two.
    pub(super) fn place(&mut self, at: Timestamp, mono_ms: u64) -> (i64, Option<i64>) {
        let mono = i64::try_from(mono_ms).unwrap_or(i64::MAX);
        if mono_ms < self.newest_ms {
            let placed = self.offset_ms.map(|offset| mono.saturating_add(offset));
            return (placed.filter(|placed| (placed - at.0).abs() <= TOLD_STEP_MS).unwrap_or(at.0), None);
        }
        self.newest_ms = mono_ms;
        let seen = at.0.saturating_sub(mono);
        let Some(offset) = self.offset_ms else {
            self.offset_ms = Some(seen);
            return (at.0, None);
        };
        let step = seen - offset;
        if step.abs() <= TOLD_STEP_MS {
            return (mono.saturating_add(offset), None);
        }
        self.offset_ms = Some(seen);
        (at.0, Some(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_the_monotonic_clock_until_the_wall_clock_steps() {
        let mut placer = Placer::default();
        let mut place = |at, mono| placer.place(Timestamp(at), mono);
        assert_eq!(place(1_000_000, 500), (1_000_000, None));
        assert_eq!(place(1_001_300, 1_500), (1_001_000, None), "300 ms are not followed");
        assert_eq!(place(1_005_000, 2_500), (1_005_000, Some(3_000)));
        assert_eq!(place(1_006_000, 3_500), (1_006_000, None));
        assert_eq!(place(1_002_000, 4_500), (1_002_000, Some(-5_000)));
        assert_eq!(place(1_004_800, 2_000), (1_004_800, None), "taken before the clock was set back, heard after it");
        assert_eq!(place(1_003_100, 5_500), (1_003_000, None));
        placer.boot(7);
        assert_eq!(placer.place(Timestamp(9_000_000), 3), (9_000_000, None), "another start has another clock");
    }
}
