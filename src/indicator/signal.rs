//! Signal: what one tag says of the state over time. What a sample says holds until the next good one, unless they are further
//! apart than `stale_ms`: then nothing is known between them, from the first on (A1). So what a sample says is only final with the
//! next one, and a signal lags by that much; the log may wait, the live view need not.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::config::{Band, PowerRule};
use crate::model::State;

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Said {
    Yes,
    No,
    Is(State),
    /// A number without a meaning.
    Unmapped,
}

/// The final part of a signal that was not taken yet, and its last sample.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signal {
    last: Option<(i64, Said)>,
    /// From each of these moments on.
    changes: VecDeque<(i64, Option<Said>)>,
    /// Up to here, nothing changes any more.
    final_to: i64,
    /// Changes of the value that waits for its dwell time.
    dwell: Option<Dwell>,
}

/// A change of the power that has not lasted long enough yet (A18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Dwell {
    said: Said,
    since: i64,
    last: i64,
}

impl Signal {
    /// The device is first heard of here; nothing is known of this signal yet.
    pub(super) fn begin(at: i64) -> Signal {
        Signal { final_to: at, ..Signal::default() }
    }

    /// Up to where it is final.
    pub(super) fn final_to(&self) -> i64 {
        self.final_to
    }

    /// A good sample. `false`: it is older than what is known.
    pub(super) fn sample(&mut self, at: i64, said: Said, stale_ms: i64) -> bool {
        self.put(at, said, stale_ms, false)
    }

    fn put(&mut self, at: i64, said: Said, stale_ms: i64, is_continuous: bool) -> bool {
        let before = self.last;
        if before.is_some_and(|(last, _)| at <= last) {
            return before.is_some_and(|(last, _)| at == last); // the same scan in two pieces
        }
        let held = before.filter(|(last, _)| is_continuous || at - last <= stale_ms).map(|(_, said)| said);
        self.extend(at, held);
        self.last = Some((at, said));
        true
    }

    /// A good sample of the power; its class counts after the dwell time, dated back.
    pub(super) fn power(&mut self, at: i64, kw: f64, rule: &PowerRule, stale_ms: i64) -> bool {
        let dwell_ms = i64::try_from(rule.dwell.as_millis()).unwrap_or(i64::MAX);
        self.dwelling(at, |before| class(kw, rule, before), dwell_ms, stale_ms)
    }

    /// A good sample of what is to lie within a band; likewise.
    pub(super) fn banded(&mut self, at: i64, value: f64, (band, dwell_ms): (&Band, i64), stale_ms: i64) -> bool {
        let state = if band.holds(value) { State::Run } else { State::Idle };
        self.dwelling(at, |_| Said::Is(state), dwell_ms, stale_ms)
    }

    /// `class`: what the sample says, given what was said before.
    fn dwelling(&mut self, at: i64, class: impl Fn(Option<Said>) -> Said, dwell_ms: i64, stale_ms: i64) -> bool {
        let newest = self.dwell.map(|dwell| dwell.last).or(self.last.map(|last| last.0));
        if newest.is_some_and(|newest| at <= newest) {
            return newest == Some(at);
        }
        let is_gap = newest.is_none_or(|newest| at - newest > stale_ms);
        let settled = self.last.map(|last| last.1);
        if is_gap {
            self.give_up_dwell(settled);
            return self.put(at, class(None), stale_ms, false);
        }
        let said = class(settled);
        if settled == Some(said) {
            self.give_up_dwell(settled);
            return self.put(at, said, stale_ms, true);
        }
        let dwell = match self.dwell {
            Some(dwell) if dwell.said == said => Dwell { last: at, ..dwell },
            _ => {
                self.give_up_dwell(settled);
                Dwell { said, since: at, last: at }
            }
        };
        self.dwell = Some(dwell);
        if at - dwell.since >= dwell_ms {
            self.dwell = None;
            self.put(dwell.since, said, stale_ms, true);
            if at > dwell.since {
                self.put(at, said, stale_ms, true);
            }
        }
        true
    }

    /// It did not last: the time belongs to what was before.
    fn give_up_dwell(&mut self, settled: Option<Said>) {
        if let (Some(dwell), Some(settled)) = (self.dwell.take(), settled) {
            self.put(dwell.last, settled, 0, true);
        }
    }

    /// Nothing older than `at` comes any more. What is silent for longer than `stale_ms` by then says nothing since its last sample.
    pub(super) fn silent_to(&mut self, at: i64, stale_ms: i64) {
        let newest = self.dwell.map(|dwell| dwell.last).or(self.last.map(|last| last.0));
        if newest.is_some_and(|newest| at - newest <= stale_ms) {
            return;
        }
        self.give_up_dwell(self.last.map(|last| last.1));
        self.extend(at, None);
    }

    fn extend(&mut self, to: i64, said: Option<Said>) {
        if to <= self.final_to {
            return;
        }
        if self.changes.back().is_none_or(|(_, last)| *last != said) {
            self.changes.push_back((self.final_to, said));
        }
        self.final_to = to;
    }

    /// What it says at a final moment.
    pub(super) fn at(&self, at: i64) -> Option<Said> {
        self.changes.iter().take_while(|(since, _)| *since <= at).last().and_then(|(_, said)| *said)
    }

    /// The next moment behind `at` at which it says something else.
    pub(super) fn next_change(&self, at: i64) -> Option<i64> {
        self.changes.iter().map(|(since, _)| *since).find(|since| *since > at)
    }

    /// What lies before `at` is no longer asked for.
    pub(super) fn forget_before(&mut self, at: i64) {
        while self.changes.get(1).is_some_and(|(since, _)| *since <= at) {
            self.changes.pop_front();
        }
    }

    /// What it says now, final or not.
    pub(super) fn live(&self, now: i64, stale_ms: i64) -> Option<Said> {
        let newest = self.dwell.map(|dwell| dwell.last).or(self.last.map(|last| last.0));
        self.last.filter(|_| newest.is_some_and(|newest| now - newest <= stale_ms)).map(|last| last.1)
    }

    /// When it was last heard of.
    pub(super) fn heard(&self) -> Option<i64> {
        self.dwell.map(|dwell| dwell.last).or(self.last.map(|last| last.0))
    }
}

/// Run, idle or off by the power, given what it was.
fn class(kw: f64, rule: &PowerRule, before: Option<Said>) -> Said {
    let leaves_at = match before {
        Some(Said::Is(State::Run)) => rule.run_kw.map(|run| run - rule.hysteresis_kw),
        _ => rule.run_kw,
    };
    if leaves_at.is_some_and(|run| kw >= run) {
        Said::Is(State::Run)
    } else if rule.off_kw.is_some_and(|off| kw <= off) {
        Said::Is(State::Off)
    } else {
        Said::Is(State::Idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// What it says, second by second, of samples `(second, kW)`.
    #[track_caller]
    fn check(samples: &[(i64, f64)], expected: &str) {
        let rule =
            PowerRule { run_kw: Some(10.0), off_kw: Some(0.5), hysteresis_kw: 2.0, dwell: Duration::from_secs(3) };
        let mut signal = Signal::begin(0);
        for (second, kw) in samples {
            assert!(signal.power(second * 1_000, *kw, &rule, 2_000));
        }
        let end = samples.last().map_or(0, |last| last.0);
        signal.silent_to((end + 100) * 1_000, 2_000);
        let letter = |second: i64| match signal.at(second * 1_000) {
            Some(Said::Is(State::Run)) => 'r',
            Some(Said::Is(State::Idle)) => 'i',
            Some(Said::Is(State::Off)) => 'o',
            _ => '-',
        };
        assert_eq!((0..=end).map(letter).collect::<String>(), expected);
    }

    fn each_second(kw: &[f64]) -> Vec<(i64, f64)> {
        kw.iter().enumerate().map(|(at, kw)| (at as i64, *kw)).collect()
    }

    #[test]
    fn a_change_of_the_power_counts_after_its_dwell_time_and_is_dated_back() {
        check(&each_second(&[1.0, 1.0, 12.0, 12.0, 12.0, 12.0, 12.0]), "iirrrr-");
        check(&each_second(&[1.0, 1.0, 12.0, 12.0, 1.0, 1.0, 1.0]), "iiiiii-");
        check(&each_second(&[12.0, 9.0, 9.0, 9.0, 9.0, 9.0]), "rrrrr-");
        check(&each_second(&[12.0, 7.9, 7.9, 7.9, 7.9, 7.9]), "riiii-");
        check(&each_second(&[12.0, 0.5, 0.5, 0.5, 0.5, 0.6]), "roooo-");
    }

    #[test]
    fn a_gap_restarts_the_dwell_time_and_nothing_is_known_in_it() {
        check(&[(0, 1.0), (1, 1.0), (2, 12.0), (8, 12.0), (9, 12.0)], "ii------r-");
        check(&[(0, 1.0), (2, 1.0), (4, 1.0), (5, 1.0)], "iiiii-");
        check(&[(0, 1.0), (3, 1.0), (4, 1.0)], "---i-");
    }

    #[test]
    fn what_a_sample_says_holds_until_the_next_good_one_unless_that_is_too_far() {
        let mut signal = Signal::begin(0);
        for (at, said) in [(0, Said::Yes), (10, Said::No), (30, Said::Yes), (31, Said::Yes)] {
            assert!(signal.sample(at, said, 10));
        }
        assert!(!signal.sample(30, Said::No, 10) && signal.sample(31, Said::No, 10));
        let said: Vec<_> = [0, 9, 10, 29, 30].iter().map(|at| signal.at(*at)).collect();
        assert_eq!(said, [Some(Said::Yes), Some(Said::Yes), None, None, Some(Said::Yes)]);
        assert_eq!((signal.final_to(), signal.next_change(0)), (31, Some(10)));
        signal.silent_to(41, 10);
        assert_eq!(signal.final_to(), 31, "the next sample may come in time yet");
        signal.silent_to(42, 10);
        assert_eq!((signal.final_to(), signal.at(31)), (42, None));
    }
}
