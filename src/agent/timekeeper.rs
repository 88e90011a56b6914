//! The recorder's clock: reads both clocks once a turn, asks the system now and then, and says what a time is worth. What it decides is
//! in [`super::clock`].
//!
//! The rule: it costs no wake-up. It looks when the recorder turns anyway.

use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use super::clock::{ClockNews, ClockWatch};
use super::ntp::NtpProbe;
use crate::config::Clock;
use crate::model::time::show_span;
use crate::model::words::clock as words;
use crate::model::{ClockMark, ClockState, Event, Lang, Timestamp, Trouble, TrustedBy};

/// At the start the answer of the system is worth so much waiting: without it the first samples would be marked for nothing.
const FIRST_ANSWER: Duration = Duration::from_millis(500);

/// Both clocks are read within so long, or the one does not belong to the other: the thread was put aside in between.
const AT_ONCE: Duration = Duration::from_millis(50);

/// Attempts at that; a machine too busy for all of them is looked at in the next turn.
const ATTEMPTS: u32 = 5;

/// Wall clock and monotonic clock of one run of the agent.
pub(super) struct Timekeeper {
    watch: ClockWatch,
    probe: NtpProbe,
    /// The zero of the monotonic clock.
    started: Instant,
    asked_ms: u64,
    /// What the journal was told.
    kept: Option<TrustedBy>,
    /// That it refused was said.
    is_refused: bool,
}

impl Timekeeper {
    /// `known`: no true time is before this one.
    pub(super) fn new(rule: Clock, known: Option<Timestamp>, started: Instant) -> Timekeeper {
        let watch = ClockWatch::new(rule, known);
        Timekeeper { watch, probe: NtpProbe::new(), started, asked_ms: 0, kept: None, is_refused: false }
    }

    /// The first look, with the answer of the system if it comes soon.
    pub(super) fn first_look(&mut self) -> Option<ClockNews> {
        if self.watch.ask_at(0).is_some() {
            self.probe.ask();
        }
        let patience = if self.watch.waits_for_ntp() { FIRST_ANSWER } else { Duration::ZERO };
        let answer = self.probe.answer_within(patience);
        let (wall, mono_ms) = self.read()?;
        self.watch.step(wall, mono_ms, answer)
    }

    /// A look.
    pub(super) fn look(&mut self) -> Option<ClockNews> {
        let (wall, mono_ms) = self.read()?;
        if self.watch.ask_at(self.asked_ms).is_some_and(|at| at <= mono_ms) && self.probe.ask() {
            self.asked_ms = mono_ms;
        }
        let answer = self.probe.answer();
        self.watch.step(wall, mono_ms, answer)
    }

    /// A new configuration.
    pub(super) fn set_rule(&mut self, rule: Clock) {
        self.watch.set_rule(rule);
    }

    /// The time of a scan that was heard with the last look, and what stands behind it.
    pub(super) fn time_of(&self, at: Timestamp, mono_ms: u64) -> (Timestamp, ClockMark) {
        self.watch.time_of(at, mono_ms)
    }

    /// The same of an event, whose monotonic time nobody noted; it comes with the mark if it is needed.
    pub(super) fn time_of_event(&self, at: Timestamp) -> (Timestamp, ClockMark, Option<u64>) {
        let mono_ms = self.watch.mono_of(at);
        let (at, clock) = self.watch.time_of(at, mono_ms);
        (at, clock, (clock == ClockMark::Untrusted).then_some(mono_ms))
    }

    /// The time of something that happens now.
    pub(super) fn time(&self) -> (Timestamp, ClockMark, Option<u64>) {
        let (wall, mono_ms) = (Timestamp::of(SystemTime::now()), self.mono_ms());
        let (at, clock) = self.watch.time_of(wall, mono_ms);
        (at, clock, (clock == ClockMark::Untrusted).then_some(mono_ms))
    }

    /// Why the wall clock is trusted, if it is.
    pub(super) fn trusted_by(&self) -> Option<TrustedBy> {
        self.watch.trusted_by()
    }

    /// Whether the wall clock is trusted.
    pub(super) fn is_trusted(&self) -> bool {
        self.watch.trusted_by().is_some()
    }

    /// Trusted wall clock minus monotonic time.
    pub(super) fn offset_ms(&self) -> Option<i64> {
        self.watch.offset_ms()
    }

    /// What the wall clock would say if nobody had set it since it was first trusted.
    pub(super) fn steady(&self) -> Option<Timestamp> {
        self.watch.steady(self.mono_ms())
    }

    /// What the journal was not told yet.
    pub(super) fn to_keep(&self) -> Option<(i64, TrustedBy)> {
        let by = self.watch.trusted_by().filter(|by| self.kept != Some(*by))?;
        Some((self.watch.offset_ms()?, by))
    }

    /// The journal was told, or refused.
    pub(super) fn on_told(&mut self, by: TrustedBy, told: Result<(), Trouble>) {
        match told {
            Ok(()) => (self.kept, self.is_refused) = (Some(by), false),
            Err(error) if !std::mem::replace(&mut self.is_refused, true) => {
                let trouble = Trouble::new(words::OFFSET_NOT_KEPT).with("error", error.what(Lang::current()));
                warn!(code = %trouble.code, "{trouble}");
            }
            Err(_) => {}
        }
    }

    /// What is published of a look.
    pub(super) fn event(&self, news: &ClockNews) -> Event {
        let offset_ms = self.watch.offset_ms().filter(|_| news.state == ClockState::Trusted);
        Event::Clock { state: news.state, by: news.by, step_ms: news.step_ms, offset_ms }
    }

    /// Both clocks at one moment.
    fn read(&self) -> Option<(Timestamp, u64)> {
        (0..ATTEMPTS).find_map(|_| {
            let before = Instant::now();
            let wall = SystemTime::now();
            let is_at_once = before.elapsed() < AT_ONCE;
            let mono_ms = before.saturating_duration_since(self.started).as_millis();
            is_at_once.then(|| (Timestamp::of(wall), u64::try_from(mono_ms).unwrap_or(u64::MAX)))
        })
    }

    /// Milliseconds of the monotonic clock since the start of the agent.
    pub(super) fn mono_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What a person is told of a look. Steps of a clock that nobody trusts are not worth a line.
pub(super) fn tell(news: &ClockNews) {
    let ClockNews { state, by, step_ms, has_come, has_gone, wall } = *news;
    let code = match (state, step_ms) {
        (ClockState::Trusted, _) if has_come => words::TRUSTED,
        (ClockState::Trusted, Some(_)) => words::WAS_SET,
        (ClockState::Untrusted, _) if has_gone => words::NO_LONGER_TRUSTED,
        (ClockState::Untrusted, None) => words::NOT_TRUSTED,
        (ClockState::Trusted, None) | (ClockState::Untrusted, Some(_)) => return,
    };
    let clock = jiff::Timestamp::from_millisecond(wall.0).map_or_else(|_| wall.0.to_string(), |time| time.to_string());
    let step = step_ms.map(show_step).unwrap_or_default();
    let trouble =
        Trouble::new(code).with("clock", clock).with("step", step).with("by", by.map_or("", TrustedBy::as_str));
    match has_come {
        true => info!(%code, "{}", trouble.what(Lang::current())),
        false => warn!(%code, "{trouble}"),
    }
}

/// `+1h`, `-500ms`.
fn show_step(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    format!("{sign}{}", show_span(Duration::from_millis(ms.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrustRule;

    fn keeper(trust: TrustRule, known: Option<Timestamp>) -> Timekeeper {
        Timekeeper::new(Clock { trust, wait: Duration::from_secs(3_600) }, known, Instant::now())
    }

    #[test]
    fn the_first_look_settles_a_clock_that_can_be_right_and_the_journal_is_told_once() {
        let mut keeper = keeper(TrustRule::Plausible, None);
        assert_eq!(keeper.first_look(), None, "nothing to talk about");
        let (offset_ms, by) = keeper.to_keep().unwrap();
        let (now, clock, mono_ms) = keeper.time();
        assert_eq!((by, clock, mono_ms), (TrustedBy::Plausible, ClockMark::Trusted, None));
        assert!((now.0 - offset_ms).abs() < 60_000, "the monotonic clock began just now");
        keeper.on_told(by, Err(Trouble::new(crate::model::words::journal::DISK_FULL)));
        assert!(keeper.to_keep().is_some(), "it is tried again");
        keeper.on_told(by, Ok(()));
        assert_eq!(keeper.to_keep(), None);
    }

    #[test]
    fn an_untrusted_clock_judges_nothing_to_be_old_and_its_times_carry_the_monotonic_one() {
        let in_a_year = Timestamp(Timestamp::of(SystemTime::now()).0 + 365 * 86_400_000);
        let mut keeper = keeper(TrustRule::Plausible, Some(in_a_year));
        let news = keeper.first_look().unwrap();
        assert_eq!((news.state, news.has_come, news.has_gone), (ClockState::Untrusted, false, false));
        let (at, clock, mono_ms) = keeper.time();
        assert!(clock == ClockMark::Untrusted && mono_ms.is_some() && at.0 > 0);
        assert!(!keeper.is_trusted());
        assert_eq!((keeper.to_keep(), keeper.offset_ms()), (None, None));
        let (_, clock, mono_ms) = keeper.time_of_event(at);
        assert!(clock == ClockMark::Untrusted && mono_ms.is_some());
    }

    #[test]
    fn steps_are_shown_with_their_direction() {
        assert_eq!([show_step(3_600_000), show_step(-1_500)], ["+1h", "-1s500ms"]);
    }
}
