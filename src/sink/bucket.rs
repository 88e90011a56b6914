//! Bucket: a rate, kept by tokens. Pure; time is an argument, the arithmetic is whole numbers.
//!
//! The rule: in any span of time no more is taken than the rate times the span, plus what the bucket holds, plus one taking: a message is
//! never cut in two, so the last one may leave a debt, which is paid before the next.

use std::time::{Duration, Instant};

/// Tokens that fill at a rate. Levels are counted in millionths, since a microsecond of a small rate is less than one token.
#[derive(Debug, Clone)]
pub struct Bucket {
    per_second: u64,
    /// At most one second's worth, and at least one token.
    full: i64,
    level: i64,
    at: Option<Instant>,
}

/// Millionths of a token in one.
const ONE: i64 = 1_000_000;

/// Beyond this no rate is one that needs keeping: 1 Tbit/s.
const MAX_RATE: u64 = 1_000_000_000_000;

impl Bucket {
    /// A full bucket.
    pub fn new(per_second: u64) -> Bucket {
        let per_second = per_second.clamp(1, MAX_RATE);
        let full = per_second as i64 * ONE;
        Bucket { per_second, full, level: full, at: None }
    }

    /// Whether something may be taken now.
    pub fn is_open(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.level > 0
    }

    /// Whether it is at least half full: then there is enough for what can wait.
    pub fn is_plentiful(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.level >= self.full / 2
    }

    /// Takes tokens, whether they are there or not.
    pub fn take(&mut self, tokens: u64, now: Instant) {
        self.fill(now);
        let taken = i64::try_from(tokens).unwrap_or(i64::MAX).saturating_mul(ONE);
        self.level = self.level.saturating_sub(taken);
    }

    /// How long until something may be taken; or, for what can wait, until it is half full.
    pub fn wait(&mut self, for_plenty: bool, now: Instant) -> Duration {
        self.fill(now);
        let wanted = if for_plenty { self.full / 2 } else { 1 };
        let missing = u64::try_from(wanted.saturating_sub(self.level)).unwrap_or(0);
        Duration::from_micros(missing.div_ceil(self.per_second))
    }

    fn fill(&mut self, now: Instant) {
        let before = self.at.replace(now).unwrap_or(now);
        if now <= before {
            self.at = Some(before); // time that comes again fills nothing
            return;
        }
        let micros = u64::try_from((now - before).as_micros()).unwrap_or(u64::MAX);
        // What is less than a microsecond counts the next time.
        self.at = Some(before + Duration::from_micros(micros));
        let gained = i64::try_from(u128::from(micros) * u128::from(self.per_second)).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(gained).min(self.full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_debt_is_paid_before_the_next_taking() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut bucket = Bucket::new(1_000);
        assert!(bucket.is_open(at(0)));
        bucket.take(3_000, at(0));
        assert!(!bucket.is_open(at(0)));
        assert_eq!(bucket.wait(false, at(0)), Duration::from_micros(2_000_001));
        assert_eq!(bucket.wait(true, at(0)), Duration::from_millis(2_500));
        assert!(!bucket.is_open(at(2_000)));
        assert!(bucket.is_open(at(2_001)) && !bucket.is_plentiful(at(2_001)));
        assert!(bucket.is_plentiful(at(2_500)));
        bucket.take(1_000, at(3_600_000));
        assert!(!bucket.is_open(at(3_600_000)), "an hour of silence saves no more than a second's worth");
    }

    #[test]
    fn a_slow_rate_fills_although_it_is_looked_at_all_the_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1);
        bucket.take(1, start);
        for nanos in (0..1_000_001_000_u64).step_by(999) {
            bucket.is_open(start + Duration::from_nanos(nanos));
        }
        assert!(bucket.is_open(start + Duration::from_nanos(1_000_001_000)));
    }

    proptest! {
        #[test]
        fn no_more_is_taken_than_rate_times_time_and_the_burst(
            rate in 1u64..100_000, steps in prop::collection::vec((0u64..3_000_000, 1u64..200_000), 1..200),
        ) {
            let start = Instant::now();
            let (mut bucket, mut micros, mut taken) = (Bucket::new(rate), 0, Vec::new());
            for (pause, tokens) in steps {
                micros += pause;
                let now = start + Duration::from_micros(micros);
                if bucket.is_open(now) {
                    bucket.take(tokens, now);
                    taken.push((micros, tokens));
                } else {
                    let opens = now + bucket.wait(false, now);
                    prop_assert!(bucket.clone().is_open(opens));
                    prop_assert!(!bucket.clone().is_open(opens - Duration::from_micros(1)));
                }
            }
            for from in 0..taken.len() {
                let mut sum = 0;
                for (at, tokens) in &taken[from..] {
                    let span = u128::from(at - taken[from].0);
                    let allowed = u128::from(rate) + u128::from(rate) * span / 1_000_000;
                    prop_assert!(sum <= allowed, "{sum} before the last, {allowed} allowed");
                    sum += u128::from(*tokens);
                }
            }
        }
    }
}
