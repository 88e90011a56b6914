//! Counter: from readings of a counter to what was counted. Counters are cumulative, so what was made without a link is not
//! lost (R3); that they wrap, begin anew or jump is told apart here (R4, R5, A4, A5, A9, A16).

use serde::{Deserialize, Serialize};

use super::exact::Amount;

/// How a counter behaves, ready for use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CounterRule {
    /// Zeroed with the job: never wraps.
    pub is_job: bool,
    /// It begins at zero again at this reading.
    pub range: Option<Amount>,
    /// What it can do at most; `None`: no check.
    pub limit: Option<Limit>,
}

/// The most that a counter can move: 1.5 × `per × Δt` and a little at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So much ...
    pub per: Amount,
    /// ... in so many microseconds.
    pub us: u64,
    /// At once: a cycle, a step of the PLC.
    pub at_once: Amount,
}

impl Limit {
    /// The most in so many milliseconds.
    pub fn after(&self, ms: i64) -> Amount {
        let moved = 3 * i128::from(self.per.0) * i128::from(ms) * 1_000 / (2 * i128::from(self.us.max(1)));
        Amount(i64::try_from(moved).unwrap_or(i64::MAX)) + self.at_once
    }
}

/// One counter of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The last reading that was believed.
    base: Option<Mark>,
    /// A reading that the machine cannot have reached; the next one decides.
    candidate: Option<Mark>,
}

/// A reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its place on the calendar, ms.
    pub at: i64,
    /// On the monotonic clock, ms, and of which start of the agent.
    pub mono: (u64, i64),
    /// The reading.
    pub reading: Amount,
}

/// What a reading brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The first reading.
    First,
    /// So much since a reading `from`.
    Counted {
        /// What was counted.
        amount: Amount,
        /// The reading before, on the calendar.
        from: i64,
        /// Milliseconds since it.
        ms: i64,
        /// What happened to the counter.
        turn: Turn,
    },
    /// Further than the machine can go: held.
    Implausible,
    /// Held before, and it stays there: from now on it is counted from here. So much since then.
    Rebased {
        /// What was counted since the jump.
        amount: Amount,
        /// The reading of the jump, on the calendar.
        from: i64,
        /// Milliseconds since it.
        ms: i64,
    },
}

/// What happened to a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It went on.
    On,
    /// It passed its end.
    Wrapped,
    /// It began anew by itself.
    Reset,
    /// It was zeroed with the job.
    JobReset,
}

impl Mark {
    /// Milliseconds to a later one: by the monotonic clock where both are of one start of the agent (R7).
    pub fn ms_to(&self, later: &Mark) -> i64 {
        let (boot, mono) = later.mono;
        if self.mono.0 == boot { mono - self.mono.1 } else { later.at - self.at }.max(0)
    }
}

impl Counter {
    /// The last reading that was believed, on the calendar.
    pub fn base_at(&self) -> Option<i64> {
        self.base.map(|base| base.at)
    }

    /// Takes a reading.
    pub fn take(&mut self, mark: Mark, rule: &CounterRule) -> Step {
        let Some(base) = self.base else {
            self.base = Some(mark);
            return Step::First;
        };
        if let Some((amount, turn)) = plausible(&base, &mark, rule) {
            (self.base, self.candidate) = (Some(mark), None);
            return Step::Counted { amount, from: base.at, ms: base.ms_to(&mark), turn };
        }
        if let Some(candidate) = self.candidate
            && let Some((amount, _)) = plausible(&candidate, &mark, rule)
        {
            (self.base, self.candidate) = (Some(mark), None);
            return Step::Rebased { amount, from: candidate.at, ms: candidate.ms_to(&mark) };
        }
        self.candidate = Some(mark);
        Step::Implausible
    }
}

/// What lies between two readings, if the machine can have done it.
fn plausible(from: &Mark, to: &Mark, rule: &CounterRule) -> Option<(Amount, Turn)> {
    let limit = rule.limit.map(|limit| limit.after(from.ms_to(to)));
    let is_within = |amount: &Amount| amount.0 >= 0 && limit.is_none_or(|limit| *amount <= limit);
    let moved = to.reading - from.reading;
    if to.reading.0 < 0 {
        return None;
    }
    if moved.0 >= 0 {
        return Some((moved, Turn::On)).filter(|(amount, _)| is_within(amount));
    }
    if rule.is_job {
        return Some((to.reading, Turn::JobReset)).filter(|(amount, _)| is_within(amount));
    }
    let wrapped = rule.range.and_then(|range| {
        let amount = moved + range;
        let is_near_end = i128::from(from.reading.0) * 4 > i128::from(range.0) * 3;
        let is_short = i128::from(amount.0) * 4 < i128::from(range.0);
        (is_near_end && is_short && is_within(&amount)).then_some((amount, Turn::Wrapped))
    });
    wrapped.or(Some((to.reading, Turn::Reset)).filter(|(amount, _)| is_within(amount)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(second: i64, reading: i64) -> Mark {
        Mark { at: second * 1_000, mono: (1, second * 1_000), reading: Amount::whole(reading) }
    }

    fn bits(bits: u32) -> CounterRule {
        CounterRule { range: Some(Amount::whole(1 << bits)), ..CounterRule::default() }
    }

    /// A piece a second.
    const LIMIT: Limit = Limit { per: Amount(Amount::ONE), us: 1_000_000, at_once: Amount(Amount::ONE) };

    #[track_caller]
    fn check(readings: &[(i64, i64)], rule: &CounterRule, expected: &str) {
        let mut counter = Counter::default();
        let show = |(second, reading): &(i64, i64)| match counter.take(mark(*second, *reading), rule) {
            Step::First => "-".to_owned(),
            Step::Implausible => "held".to_owned(),
            Step::Rebased { amount, .. } => format!("rebased {}", amount.0 / Amount::ONE),
            Step::Counted { amount, turn, .. } => {
                let word = match turn {
                    Turn::On => "",
                    Turn::Wrapped => " wrap",
                    Turn::Reset => " reset",
                    Turn::JobReset => " job",
                };
                format!("{}{word}", amount.0 / Amount::ONE)
            }
        };
        assert_eq!(readings.iter().map(show).collect::<Vec<_>>().join(", "), expected);
    }

    #[test]
    fn wraps_and_resets_are_told_apart_as_the_golden_vectors_say() {
        check(&[(0, 65_530), (1, 12)], &bits(16), "-, 18 wrap");
        check(&[(0, 5_321), (1, 3)], &bits(16), "-, 3 reset");
        check(&[(0, 4_294_967_290), (1, 10)], &bits(32), "-, 16 wrap");
        check(&[(0, 60_000), (1, 20_000)], &bits(16), "-, 20000 reset");
    }

    #[test]
    fn a_wrap_further_than_the_machine_can_go_is_a_reset_and_a_reset_too_far_is_held() {
        let rule = CounterRule { limit: Some(LIMIT), ..bits(16) };
        check(&[(0, 65_530), (20, 12)], &rule, "-, 18 wrap");
        check(&[(0, 65_530), (9, 12)], &rule, "-, 12 reset");
        check(&[(0, 65_530), (1, 12)], &rule, "-, held");
    }

    #[test]
    fn a_jump_is_held_a_spike_forgotten_and_a_new_level_never_added() {
        let rule = CounterRule { limit: Some(LIMIT), ..bits(32) };
        check(&[(0, 100), (1, 102), (2, 90_000), (3, 104)], &rule, "-, 2, held, 2");
        check(&[(0, 100), (1, 90_000), (2, 90_001), (3, 90_002)], &rule, "-, held, rebased 1, 1");
        check(&[(0, 100), (1, 90_000), (2, 70_000), (3, 70_001)], &rule, "-, held, held, rebased 1");
        check(&[(0, 100), (1, 0), (2, 101), (3, 102)], &rule, "-, 0 reset, held, rebased 1");
        check(&[(0, 100), (60, 190), (61, 193)], &rule, "-, 90, held");
        check(&[(0, 100), (1, -5), (2, 101)], &rule, "-, held, 1");
    }

    #[test]
    fn job_counters_never_wrap_and_counters_without_a_range_neither() {
        let job = CounterRule { is_job: true, ..bits(16) };
        check(&[(0, 65_530), (1, 12), (2, 13)], &job, "-, 12 job, 1");
        check(&[(0, 65_530), (1, 12)], &CounterRule::default(), "-, 12 reset");
    }

    #[test]
    fn a_wall_clock_that_steps_back_makes_no_jump_of_what_was_counted_meanwhile() {
        let rule = CounterRule { limit: Some(LIMIT), ..CounterRule::default() };
        let mut counter = Counter::default();
        counter.take(mark(3_600, 0), &rule);
        let later = Mark { at: 3_601_000, mono: (1, 7_200_000), reading: Amount::whole(3_600) };
        assert!(matches!(counter.take(later, &rule), Step::Counted { ms: 3_600_000, .. }));
        let of_other_boot = Mark { at: 3_602_000, mono: (2, 5), reading: Amount::whole(7_200) };
        assert_eq!(counter.take(of_other_boot, &rule), Step::Implausible);
    }
}
