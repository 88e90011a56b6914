//! Growing pauses with jitter, for whoever tries again.

use std::time::Duration;

/// A minute of trouble is looked at again after a second and a half, ten minutes after a quarter of a minute.
const PROPORTION: u32 = 40;

/// Pauses that double from `min` to `max`. The jitter keeps a hundred gateways from coming back in the same second.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Starts with `min`.
    pub fn new(min: Duration, max: Duration) -> Backoff {
        Backoff { min, max: max.max(min), failures: 0 }
    }

    /// The next pause: between half of the grown pause and all of it, by `random` from 0 to 1.
    pub fn next(&mut self, random: f64) -> Duration {
        let grown = self.min.saturating_mul(1 << self.failures.min(20)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        grown.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
    }

    /// For trouble that costs next to nothing to look at again, such as a port where nobody listens: a pause in proportion to how long it
    /// has lasted, so that its end is noticed within a fortieth of that. Jitter as above.
    pub fn in_proportion(&self, lasted: Duration, random: f64) -> Duration {
        let pause = (lasted / PROPORTION).clamp(self.min, self.max);
        pause.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
    }

    /// It worked: the next failure starts small again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
        let pauses: Vec<_> = (0..6).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 10, 10]);
        backoff.reset();
        assert_eq!(backoff.next(0.0), Duration::from_millis(500));
    }

    #[test]
    fn the_end_of_a_short_trouble_is_noticed_soon_and_a_long_one_is_not_looked_at_all_the_time() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15));
        for (lasted, pause_ms) in [(0, 1_000), (30, 1_000), (60, 1_500), (200, 5_000), (86_400, 15_000)] {
            assert_eq!(backoff.in_proportion(Duration::from_secs(lasted), 1.0).as_millis(), pause_ms, "{lasted} s");
        }
        assert_eq!(backoff.in_proportion(Duration::from_secs(60), 0.0).as_millis(), 750);
    }

    #[test]
    fn a_thousand_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::MAX);
        assert!((0..1_000).map(|_| backoff.next(1.0)).all(|pause| pause >= Duration::from_secs(1)));
    }
}
