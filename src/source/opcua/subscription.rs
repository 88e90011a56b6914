//! One subscription as the server keeps it: what was heard of it, in which order, and when it must be heard of again. Pure.

use std::time::{Duration, Instant};

/// What is asked for a subscription of this period (Part 4, 5.14.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wanted {
    pub(super) interval_ms: f64,
    pub(super) keep_alive_count: u32,
    pub(super) lifetime_count: u32,
}

impl Wanted {
    /// A sign of life about every [`KEEP_ALIVE`]; and the server keeps the subscription, with what it could not send, for
    /// [`LIFETIME`] without us.
    pub(super) fn of(period: Duration) -> Wanted {
        let interval = period.as_secs_f64();
        let count = |time: Duration| (time.as_secs_f64() / interval).ceil().clamp(1.0, 1e9) as u32;
        let keep_alive_count = count(KEEP_ALIVE);
        // At least three times the keep-alives, as the standard wants.
        let lifetime_count = count(LIFETIME).max(keep_alive_count.saturating_mul(3));
        Wanted { interval_ms: interval * 1_000.0, keep_alive_count, lifetime_count }
    }
}

/// A subscription that falls silent is noticed within about twice this.
const KEEP_ALIVE: Duration = Duration::from_secs(3);

/// A switch that starts again or a cable that is plugged in elsewhere takes minutes. Longer, and subscriptions of a gateway that lost its
/// power would pile up at the server.
const LIFETIME: Duration = Duration::from_secs(600);

/// A subscription that stands.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) id: u32,
    pub(super) period: Duration,
    /// As the server grants it.
    interval: Duration,
    keep_alive_count: u32,
    /// The last message that was taken; 0: none yet.
    last: u32,
    /// It has sent a value.
    has_spoken: bool,
    heard: Instant,
}

impl Subscription {
    /// Just made.
    pub(super) fn new(
        id: u32,
        period: Duration,
        interval_ms: f64,
        keep_alive_count: u32,
        now: Instant,
    ) -> Subscription {
        let granted = Duration::try_from_secs_f64(interval_ms / 1_000.0).unwrap_or(period);
        let interval = granted.clamp(Duration::from_millis(1), DAY);
        Subscription {
            id,
            period,
            interval,
            keep_alive_count: keep_alive_count.max(1),
            last: 0,
            has_spoken: false,
            heard: now,
        }
    }

    /// Between two publishings.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// Between two signs of life at most.
    pub(super) fn keep_alive(&self) -> Duration {
        self.interval.saturating_mul(self.keep_alive_count).min(DAY)
    }

    /// When it is silent for too long: a keep-alive is overdue by one interval, and by what a slow server may take.
    pub(super) fn deadline(&self) -> Instant {
        const SLACK: Duration = Duration::from_secs(2);
        let silence = self.keep_alive() + self.interval + SLACK;
        self.heard + silence.min(DAY)
    }

    /// Something was heard of it.
    pub(super) fn on_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Which messages are missing before the one of this number; the number of a keep-alive is that of the message to come.
    /// A message that was there already is none: `None`.
    pub(super) fn missing(&self, number: u32) -> Option<Vec<u32>> {
        if self.last == 0 {
            // A new subscription begins with 1 (Part 4, 7.19); one that was taken over does not.
            const FIRST_ONES: u32 = 100;
            return Some(if number <= FIRST_ONES { (1..number).collect() } else { Vec::new() });
        }
        let mut missing = Vec::new();
        let mut expected = next(self.last);
        while expected != number {
            if missing.len() >= MOST_MISSING {
                // Too far apart to be a gap: an old message again, or a server that counts anew.
                return if number <= self.last { None } else { Some(missing) };
            }
            missing.push(expected);
            expected = next(expected);
        }
        Some(missing)
    }

    /// The message of this number was taken.
    pub(super) fn on_taken(&mut self, number: u32) {
        self.last = number;
    }

    /// It has sent a value.
    pub(super) fn on_value(&mut self) {
        self.has_spoken = true;
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    /// The number of the message to come; `None` before the first one.
    pub(super) fn next_number(&self) -> Option<u32> {
        (self.last != 0).then(|| next(self.last))
    }
}

/// Whatever a server grants: nothing is waited for longer.
const DAY: Duration = Duration::from_secs(86_400);

/// A server keeps no more for retransmission.
const MOST_MISSING: usize = 1_000;

/// Numbers begin again with 1 (Part 4, 7.19).
fn next(number: u32) -> u32 {
    number.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> Subscription {
        Subscription::new(7, Duration::from_secs(1), 1_000.0, 3, Instant::now())
    }

    #[test]
    fn what_is_missing_is_named_and_what_came_twice_is_known() {
        let mut subscription = subscription();
        assert_eq!(subscription.missing(1), Some(vec![]), "the first one");
        assert_eq!(subscription.missing(3), Some(vec![1, 2]), "the first ones went to somebody else");
        assert_eq!(subscription.missing(4_100), Some(vec![]), "taken over");
        subscription.on_taken(41);
        assert_eq!(subscription.missing(42), Some(vec![]));
        assert_eq!(subscription.missing(45), Some(vec![42, 43, 44]));
        assert_eq!(subscription.missing(41), None, "again");
        assert_eq!(subscription.missing(30), None, "an old one");
    }

    #[test]
    fn numbers_begin_again_with_one() {
        let mut subscription = subscription();
        subscription.on_taken(u32::MAX - 1);
        assert_eq!(subscription.missing(2), Some(vec![u32::MAX, 1]));
        subscription.on_taken(u32::MAX);
        assert_eq!(subscription.next_number(), Some(1));
        assert_eq!(subscription.missing(1), Some(vec![]));
    }

    #[test]
    fn a_fast_subscription_and_a_slow_one_are_both_heard_of_in_time() {
        for (period, counts) in [
            (Duration::from_millis(100), (30, 6_000)),
            (Duration::from_secs(1), (3, 600)),
            (Duration::from_secs(60), (1, 10)),
            (Duration::from_secs(86_400), (1, 3)),
        ] {
            let wanted = Wanted::of(period);
            assert_eq!((wanted.keep_alive_count, wanted.lifetime_count), counts, "{period:?}");
        }
        let subscription = subscription();
        assert_eq!(subscription.deadline() - subscription.heard, Duration::from_secs(6));
    }
}
