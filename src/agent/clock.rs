//! Whether the wall clock can be trusted, and what it did: looked at once a turn, compared with the monotonic clock. Pure.
//!
//! The clock is trusted when the system says that it is synchronized; where nobody synchronizes it, when it says a time that can be; or
//! because the configuration says so. docs/decisions/0013-clock-trust.md argues it.
//!
//! The rule: the difference between wall clock and monotonic clock is kept as it was when trust came (the *offset* of this
//! start of the agent), so that what was taken before can be given its true time, once, and the same one every time.

use std::time::Duration;

use crate::config::{Clock, TrustRule};
use crate::model::clock::{STEP_MS, difference, true_time};
use crate::model::{ClockMark, ClockState, Timestamp, TrustedBy};

/// No clock that is right says less: this version did not exist yet (2026-01-01).
const RELEASED: Timestamp = Timestamp(1_767_225_600_000);

/// A clock that says more than this beyond what is known has a broken date rather than a gateway that slept so long.
const HORIZON_MS: i64 = 10 * 366 * 86_400_000;

/// By so much the clock may be behind the last time known: a battery clock that runs slow for a weekend.
const BEHIND_MS: i64 = 60_000;

/// What the system knows of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ntp {
    /// It is synchronized.
    Synchronized,
    /// Somebody is there to synchronize it and has not yet.
    Waiting,
    /// Nobody is there who would, or nobody who knows.
    Absent,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockNews {
    /// What the clock is now.
    pub state: ClockState,
    /// Why, if it is trusted.
    pub by: Option<TrustedBy>,
    /// By how much it was set, if it was.
    pub step_ms: Option<i64>,
    /// Trust came with this look: what was taken before is given its true time.
    pub has_come: bool,
    /// It went with this look.
    pub has_gone: bool,
    /// What the clock says.
    pub wall: Timestamp,
}

/// The state of the clock. Stepped with what both clocks say.
#[derive(Debug)]
pub struct ClockWatch {
    rule: Clock,
    /// The last time that the journal knows of.
    known: Option<Timestamp>,
    by: Option<TrustedBy>,
    /// The first difference that was trusted.
    offset_ms: Option<i64>,
    /// The last one.
    good_ms: Option<i64>,
    /// The last look, and the one before it.
    looks: [Option<Look>; 2],
    ntp: Option<Ntp>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    /// Wall clock minus monotonic clock.
    difference: i64,
    mono_ms: u64,
    is_trusted: bool,
}

impl ClockWatch {
    /// A clock that nobody has looked at. `known`: no true time is before this one.
    pub fn new(rule: Clock, known: Option<Timestamp>) -> ClockWatch {
        ClockWatch { rule, known, by: None, offset_ms: None, good_ms: None, looks: [None; 2], ntp: None }
    }

    /// One look. `mono_ms` counts from the start of the agent; `ntp` is an answer that came since the last look.
    pub fn step(&mut self, wall: Timestamp, mono_ms: u64, ntp: Option<Ntp>) -> Option<ClockNews> {
        let difference = difference(wall, mono_ms);
        let before = self.looks[0];
        let step_ms = before.map(|before| difference.saturating_sub(before.difference));
        let step_ms = step_ms.filter(|step| step.saturating_abs() > STEP_MS);
        self.ntp = ntp.or(self.ntp);
        let was = self.by;
        self.by = match was {
            None => self.judge(wall, mono_ms),
            // Whoever set it to 1970 while it runs has not told the time.
            Some(TrustedBy::Ntp | TrustedBy::Plausible) if step_ms.is_some() && !is_after_release(wall) => None,
            Some(TrustedBy::Plausible) if self.ntp == Some(Ntp::Synchronized) => Some(TrustedBy::Ntp),
            kept => kept,
        };
        let has_gone = was.is_some() && self.by.is_none();
        if has_gone {
            self.ntp = None; // what was answered before is no longer true
        }
        let is_trusted = self.by.is_some();
        if is_trusted {
            self.offset_ms.get_or_insert(difference);
            self.good_ms = Some(difference);
        }
        self.looks = [Some(Look { difference, mono_ms, is_trusted }), before];
        let state = if is_trusted { ClockState::Trusted } else { ClockState::Untrusted };
        // A clock that was trusted from the first look on is nothing to talk about.
        let is_news = if before.is_none() { !is_trusted } else { was != self.by || step_ms.is_some() };
        let has_come = was.is_none() && is_trusted;
        is_news.then_some(ClockNews { state, by: self.by, step_ms, has_come, has_gone, wall })
    }

    /// The time of something that happened since the look before the last one, and what stands behind it. A time that fits a
    /// trusted clock at one of these looks is that clock's; any other is counted on from the monotonic clock, if the clock
    /// was ever trusted in this start.
    pub fn time_of(&self, at: Timestamp, mono_ms: u64) -> (Timestamp, ClockMark) {
        if self.rule.trust == TrustRule::Always {
            return (at, ClockMark::Trusted);
        }
        let trusted = self.looks.iter().flatten().filter(|look| look.is_trusted);
        if trusted.into_iter().any(|look| true_time(at, mono_ms, look.difference).is_none()) {
            return (at, ClockMark::Trusted);
        }
        let corrected = self.good_ms.map(|good| true_time(at, mono_ms, good).unwrap_or(at));
        corrected.map_or((at, ClockMark::Untrusted), |at| (at, ClockMark::Corrected))
    }

    /// The monotonic time of something that happened since the look before the last one, of which only the wall clock's time is
    /// known: by the clock as it is, or, where that leads out of the time between the looks, as it was before it was set.
    pub fn mono_of(&self, at: Timestamp) -> u64 {
        let [Some(last), before] = self.looks else { return 0 };
        let since = before.map_or(0, |before| before.mono_ms);
        let by = |look: Look| u64::try_from(at.0.saturating_sub(look.difference)).ok();
        let found = [Some(last), before].into_iter().flatten().filter_map(by);
        found.into_iter().find(|mono| (since..=last.mono_ms).contains(mono)).unwrap_or(last.mono_ms)
    }

    /// A configuration that was put in force later. Trust that was given is not taken back.
    pub fn set_rule(&mut self, rule: Clock) {
        self.rule = rule;
    }

    /// Whether it makes a difference what the system says of its clock.
    pub fn waits_for_ntp(&self) -> bool {
        self.rule.trust == TrustRule::Ntp
    }

    /// Why the clock is trusted; `None`: it is not.
    pub fn trusted_by(&self) -> Option<TrustedBy> {
        self.by
    }

    /// Trusted wall clock minus monotonic time, once there was trust in this start of the agent.
    pub fn offset_ms(&self) -> Option<i64> {
        self.offset_ms
    }

    /// What the wall clock would say if nobody had set it since it was first trusted.
    pub fn steady(&self, mono_ms: u64) -> Option<Timestamp> {
        let mono_ms = i64::try_from(mono_ms).unwrap_or(i64::MAX);
        Some(Timestamp(self.offset_ms?.saturating_add(mono_ms)))
    }

    /// When the system is to be asked again, after an answer or a question at `asked_ms`; `None`: it has nothing to say that would
    /// change anything.
    pub fn ask_at(&self, asked_ms: u64) -> Option<u64> {
        let pause = match (self.rule.trust, self.by) {
            (TrustRule::Always, _) | (_, Some(TrustedBy::Ntp | TrustedBy::Always)) => return None,
            (_, Some(TrustedBy::Plausible)) => ASK_SELDOM,
            (_, None) if asked_ms < millis(ASK_OFTEN_FOR) => ASK_OFTEN,
            (_, None) => ASK_LATER,
        };
        Some(asked_ms.saturating_add(millis(pause)))
    }

    /// Why a clock that is not trusted would be, now.
    fn judge(&self, wall: Timestamp, mono_ms: u64) -> Option<TrustedBy> {
        if self.rule.trust == TrustRule::Always {
            return Some(TrustedBy::Always);
        }
        // The system goes on saying so when somebody sets its clock to 1970 afterwards.
        if self.ntp == Some(Ntp::Synchronized) && is_after_release(wall) {
            return Some(TrustedBy::Ntp);
        }
        let has_waited = mono_ms >= millis(self.rule.wait);
        let is_awaited = self.rule.trust == TrustRule::Ntp && self.ntp != Some(Ntp::Absent);
        let may_be = match has_waited {
            // Behind the last record all the same: the records may have had a wrong date rather than the clock.
            true => is_after_release(wall) && self.is_before_horizon(wall),
            false => !is_awaited && self.is_plausible(wall),
        };
        may_be.then_some(TrustedBy::Plausible)
    }

    fn is_plausible(&self, wall: Timestamp) -> bool {
        let is_behind = self.known.is_some_and(|known| wall.0 < known.0.saturating_sub(BEHIND_MS));
        is_after_release(wall) && !is_behind && self.is_before_horizon(wall)
    }

    fn is_before_horizon(&self, wall: Timestamp) -> bool {
        let known = self.known.map_or(RELEASED, |known| known.max(RELEASED));
        wall.0 <= known.0.saturating_add(HORIZON_MS)
    }
}

/// While nothing is known the system is asked so often: data wait for the answer.
const ASK_OFTEN: Duration = Duration::from_secs(10);

/// Within so long after the start.
const ASK_OFTEN_FOR: Duration = Duration::from_secs(600);

/// Later, as long as the clock is not trusted.
const ASK_LATER: Duration = Duration::from_secs(60);

/// A clock that is trusted without being synchronized: an answer would only change the word for it.
const ASK_SELDOM: Duration = Duration::from_secs(1_800);

fn is_after_release(wall: Timestamp) -> bool {
    wall >= RELEASED
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
