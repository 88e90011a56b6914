//! Budget: whether a sink may send now, by its rates, its hours and its megabytes of the month; and what it has used up. Pure; both
//! clocks are arguments: rates are kept by the monotonic one, hours and months by the workshop's.
//!
//! The rule: what is not allowed waits in the journal. A month that has been used up is not given back by a clock that is set back.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::bucket::Bucket;
use super::calendar::Calendar;
use crate::config;
use crate::model::{Month, Timestamp, Usage};

/// While a rate is exhausted, it is looked at again no sooner than this: a few messages at a time cost fewer wake-ups than one.
const PACE: Duration = Duration::from_millis(100);

/// While hours or month are shut, the workshop's clock is looked at so often: it may be set.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Months that the clock left and that it may come back to.
const MONTHS: usize = 12;

/// No clock that is right says less: this program did not exist yet.
const RELEASED: Month = Month { year: 2026, month: 1 };

/// What one sink may send, and what it has sent this month.
#[derive(Debug, Clone)]
pub struct Budget {
    calendar: Calendar,
    messages: Option<Bucket>,
    bits: Option<Bucket>,
    bytes_per_month: Option<u64>,
    usage: Usage,
    /// Months that the clock left, for as long as the agent runs.
    left: Vec<Left>,
    /// Ever.
    spent: Spent,
}

/// Bytes and messages.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    bytes: u64,
    messages: u64,
}

/// A month that the clock left.
#[derive(Debug, Clone, Copy)]
struct Left {
    usage: Usage,
    /// What had been spent then.
    spent: Spent,
}

/// Whether a message may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// Its rate is exhausted for so long.
    Wait(Duration),
    /// Not for long.
    Shut(Shut),
}

/// Why nothing may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// It is not the time of day. It will be at this minute since midnight.
    Hours {
        /// Minutes since midnight.
        opens: u16,
    },
    /// The month's bytes are used up.
    Month {
        /// Which month.
        month: Month,
    },
}

impl Shut {
    /// When to look again.
    pub const LOOK_AGAIN: Duration = LOOK_AGAIN;
}

impl Budget {
    /// A budget of which `usage` has been used up already.
    pub fn new(limits: &config::Budget, zone: TimeZone, usage: Usage) -> Budget {
        Budget {
            calendar: Calendar::new(zone, limits.hours.clone()),
            messages: limits.messages_per_1000_s.map(Bucket::new),
            bits: limits.bits_per_s.map(Bucket::new),
            bytes_per_month: limits.bytes_per_month,
            usage,
            left: Vec::new(),
            spent: Spent::default(),
        }
    }

    /// Whether a message may go. `can_wait`: it is history, which leaves the tokens to current data while they are scarce.
    pub fn gate(&mut self, can_wait: bool, now: Instant, wall: Timestamp) -> Gate {
        if let Some(shut) = self.shut(wall) {
            return Gate::Shut(shut);
        }
        let mut longest = Duration::ZERO;
        for bucket in [&mut self.messages, &mut self.bits].into_iter().flatten() {
            let is_open = if can_wait { bucket.is_plentiful(now) } else { bucket.is_open(now) };
            if !is_open {
                longest = longest.max(bucket.wait(can_wait, now).max(PACE));
            }
        }
        if longest.is_zero() { Gate::Open } else { Gate::Wait(longest) }
    }

    /// Why nothing may go for long, if so.
    pub fn shut(&mut self, wall: Timestamp) -> Option<Shut> {
        if let Some(limit) = self.bytes_per_month {
            self.turn_month(wall);
            if self.usage.bytes >= limit {
                return Some(Shut::Month { month: self.usage.month });
            }
        }
        self.calendar.opens(wall).map(|opens| Shut::Hours { opens })
    }

    /// A message of so many bytes went.
    pub fn spend(&mut self, bytes: u64, now: Instant, wall: Timestamp) {
        if let Some(messages) = &mut self.messages {
            messages.take(1_000, now);
        }
        if let Some(bits) = &mut self.bits {
            bits.take(bytes.saturating_mul(8), now);
        }
        self.carry(bytes, wall);
        self.usage.messages += 1;
        self.spent.messages += 1;
    }

    /// So many bytes went that are no message of ours: connections, pings. They count for the month alone.
    pub fn carry(&mut self, bytes: u64, wall: Timestamp) {
        self.turn_month(wall);
        self.usage.bytes = self.usage.bytes.saturating_add(bytes);
        self.spent.bytes = self.spent.bytes.saturating_add(bytes);
    }

    /// What has been used up this month.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    fn turn_month(&mut self, wall: Timestamp) {
        let month = self.calendar.month(wall);
        // A clock that was far in the future when the usage was noted is no reason to count for that month for ever. One that is in 1970
        // knows nothing.
        let is_stray = self.usage.month.before(1) > month && month >= RELEASED;
        if month == self.usage.month {
            return;
        }
        let known = self.left.iter().position(|left| left.usage.month == month);
        let next = match known.map(|place| self.left.remove(place)) {
            Some(left) => self.taken_up(left),
            None if month > self.usage.month || is_stray => Usage { month, ..Usage::default() },
            None => return,
        };
        self.left.push(Left { usage: self.usage, spent: self.spent });
        self.usage = next;
        if self.left.len() > MONTHS {
            self.left.remove(0);
        }
    }

    /// A month that the clock comes back to. What was spent while it said another one counts for this one too: one of them was wrong.
    fn taken_up(&self, Left { usage, spent }: Left) -> Usage {
        let bytes = usage.bytes.saturating_add(self.spent.bytes - spent.bytes);
        Usage { bytes, messages: usage.messages + (self.spent.messages - spent.messages), ..usage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Hours;
    use proptest::prelude::*;

    /// 2026-10-31T12:00:00Z
    const NOON: i64 = 1_793_448_000_000;
    const DAY: i64 = 86_400_000;

    fn budget(limits: config::Budget) -> Budget {
        Budget::new(&limits, TimeZone::UTC, Usage::default())
    }

    #[test]
    fn without_limits_everything_may_go_at_once_and_is_counted() {
        let mut budget = budget(config::Budget::default());
        let now = Instant::now();
        for _ in 0..1_000 {
            assert_eq!(budget.gate(true, now, Timestamp(NOON)), Gate::Open);
            budget.spend(1_000_000, now, Timestamp(NOON));
        }
        assert_eq!((budget.usage().bytes, budget.usage().messages), (1_000_000_000, 1_000));
        assert_eq!(budget.usage().month.to_string(), "2026-10");
    }

    #[test]
    fn history_leaves_scarce_tokens_to_current_data() {
        let mut budget = budget(config::Budget { bits_per_s: Some(64_000), ..Default::default() });
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        budget.spend(5_000, at(0), Timestamp(NOON));
        assert_eq!(budget.gate(false, at(0), Timestamp(NOON)), Gate::Open);
        assert_eq!(budget.gate(true, at(0), Timestamp(NOON)), Gate::Wait(Duration::from_millis(125)));
        assert_eq!(budget.gate(true, at(125), Timestamp(NOON)), Gate::Open);
        budget.spend(12_000, at(125), Timestamp(NOON));
        assert_eq!(budget.gate(false, at(125), Timestamp(NOON)), Gate::Wait(Duration::from_micros(1_000_001)));
    }

    #[test]
    fn the_slower_of_two_rates_decides() {
        let limits =
            config::Budget { bits_per_s: Some(1_000_000), messages_per_1000_s: Some(200), ..Default::default() };
        let mut budget = budget(limits);
        let start = Instant::now();
        budget.spend(100, start, Timestamp(NOON));
        let Gate::Wait(wait) = budget.gate(false, start, Timestamp(NOON)) else {
            panic!("one message in five seconds")
        };
        assert!((3_999..=4_001).contains(&wait.as_millis()), "{wait:?}: the bucket held a fifth of a message");
    }

    #[test]
    fn a_month_that_is_used_up_is_shut_until_the_next_and_a_clock_that_is_set_back_opens_nothing() {
        let mut budget = budget(config::Budget { bytes_per_month: Some(1_000_000), ..Default::default() });
        let now = Instant::now();
        budget.carry(999_999, Timestamp(NOON));
        assert_eq!(budget.gate(false, now, Timestamp(NOON)), Gate::Open);
        budget.spend(1, now, Timestamp(NOON));
        let october = Month { year: 2026, month: 10 };
        assert_eq!(budget.gate(false, now, Timestamp(NOON)), Gate::Shut(Shut::Month { month: october }));
        for back in [0, NOON - 40 * DAY] {
            assert_eq!(budget.gate(false, now, Timestamp(back)), Gate::Shut(Shut::Month { month: october }), "{back}");
        }
        assert_eq!(budget.gate(false, now, Timestamp(NOON + DAY)), Gate::Open);
        assert_eq!(budget.usage(), Usage { month: Month { year: 2026, month: 11 }, ..Usage::default() });
    }

    #[test]
    fn a_clock_that_is_some_months_ahead_for_a_minute_gives_nothing_back() {
        for ahead in [DAY, 31 * DAY, 100 * DAY] {
            let mut budget = budget(config::Budget { bytes_per_month: Some(1_000), ..Default::default() });
            let now = Instant::now();
            budget.spend(600, now, Timestamp(NOON));
            budget.spend(300, now, Timestamp(NOON + ahead));
            budget.spend(50, now, Timestamp(NOON));
            assert_eq!((budget.usage().bytes, budget.usage().messages), (950, 3), "{ahead}");
            assert_eq!(budget.usage().month.to_string(), "2026-10");
            budget.spend(50, now, Timestamp(NOON + ahead));
            assert_eq!(budget.usage().bytes, 400, "and that one has what was spent since");
            assert!(budget.shut(Timestamp(NOON)).is_some());
        }
    }

    #[test]
    fn what_was_used_up_before_a_restart_counts_and_a_month_of_the_far_future_does_not_stay() {
        let limits = config::Budget { bytes_per_month: Some(100), ..Default::default() };
        let used = |year, month| Usage { month: Month { year, month }, bytes: 100, messages: 1 };
        let shut = |usage| Budget::new(&limits, TimeZone::UTC, usage).shut(Timestamp(NOON));
        assert!(shut(used(2026, 10)).is_some());
        assert!(shut(used(2026, 11)).is_some(), "the clock went back over the end of a month");
        assert_eq!(shut(used(2026, 9)), None);
        assert_eq!(shut(used(2099, 1)), None);
    }

    #[test]
    fn outside_its_hours_nothing_goes() {
        let night = Hours { from: 1_320, to: 360 };
        let mut budget = budget(config::Budget { hours: vec![night], ..Default::default() });
        let now = Instant::now();
        assert_eq!(budget.gate(false, now, Timestamp(NOON)), Gate::Shut(Shut::Hours { opens: 1_320 }));
        assert_eq!(budget.gate(false, now, Timestamp(NOON + 10 * 3_600_000)), Gate::Open);
    }

    proptest! {
        /// As a courier does: it sends when the gate is open, and sleeps as long as it says.
        #[test]
        fn the_rates_are_kept_whatever_there_is_to_send(
            bits in 1_000u64..1_000_000, thousandths in 100u64..100_000,
            load in prop::collection::vec((0u64..500, 1u64..5_000, any::<bool>()), 1..300),
        ) {
            let limits = config::Budget {
                bits_per_s: Some(bits), messages_per_1000_s: Some(thousandths), ..Default::default()
            };
            let (mut budget, start) = (budget(limits), Instant::now());
            let (mut at, mut sent) = (Duration::ZERO, Vec::new());
            for (pause, bytes, can_wait) in load {
                at += Duration::from_millis(pause);
                while let Gate::Wait(wait) = budget.gate(can_wait, start + at, Timestamp(NOON)) {
                    prop_assert!(wait >= PACE);
                    at += wait;
                }
                budget.spend(bytes, start + at, Timestamp(NOON));
                sent.push((at, bytes));
            }
            let largest = sent.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
            for from in 0..sent.len() {
                for to in from..sent.len() {
                    let span = (sent[to].0 - sent[from].0).as_micros() as u64;
                    let sum: u64 = sent[from..=to].iter().map(|(_, bytes)| 8 * bytes).sum();
                    prop_assert!(sum <= bits + bits * span / 1_000_000 + 8 * largest);
                    let messages = 1_000 * (to + 1 - from) as u64;
                    prop_assert!(messages <= thousandths + thousandths * span / 1_000_000 + 1_000);
                }
            }
            prop_assert_eq!(budget.usage().messages, sent.len() as u64);
        }
    }
}
