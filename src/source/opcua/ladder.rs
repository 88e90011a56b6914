//! How far back one goes when a server falls silent: one step further each time that the last one brought no data. Pure.

use std::time::{Duration, Instant};

use super::fault::Reach;

/// The steps, the smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Asking for single messages again.
    Republish,
    /// Taking the subscriptions over into a new session.
    Transfer,
    /// Making the subscriptions anew.
    Recreate,
    /// A new session on the same channel.
    NewSession,
    /// A new channel on a new socket.
    NewChannel,
}

impl Step {
    /// All steps.
    pub const ALL: [Step; 5] = [Step::Republish, Step::Transfer, Step::Recreate, Step::NewSession, Step::NewChannel];

    /// The word in logs and status.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Republish => "republish",
            Step::Transfer => "transfer",
            Step::Recreate => "recreate",
            Step::NewSession => "new_session",
            Step::NewChannel => "new_channel",
        }
    }
}

/// Where one stands.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    /// The last step, until data came.
    last: Option<Step>,
    /// When each step was told.
    told: [Option<Instant>; 5],
}

impl Ladder {
    /// Which step answers a failure of this reach.
    pub(super) fn climb(&mut self, reach: Reach) -> Step {
        let least = match reach {
            Reach::Request | Reach::Subscription => Step::Recreate,
            Reach::Session => Step::NewSession,
            Reach::Channel => Step::NewChannel,
        };
        let next = match self.last {
            Some(Step::Recreate) => Step::NewSession,
            Some(Step::NewSession | Step::NewChannel) => Step::NewChannel,
            _ => Step::Recreate,
        };
        let step = least.max(next);
        self.last = Some(step);
        step
    }

    /// Data came: the next failure begins at the bottom.
    pub(super) fn on_data(&mut self) {
        self.last = None;
    }

    /// Whether this step is to be told: the first time, and again when it had not been needed for long.
    pub(super) fn is_news(&mut self, step: Step, now: Instant) -> bool {
        const QUIET: Duration = Duration::from_secs(600);
        let told = &mut self.told[step as usize];
        let is_news = told.is_none_or(|told| now.saturating_duration_since(told) >= QUIET);
        *told = Some(now);
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fruitless_step_is_followed_by_a_higher_one() {
        let mut ladder = Ladder::default();
        let steps: Vec<Step> = (0..4).map(|_| ladder.climb(Reach::Subscription)).collect();
        assert_eq!(steps, [Step::Recreate, Step::NewSession, Step::NewChannel, Step::NewChannel]);
        ladder.on_data();
        assert_eq!(ladder.climb(Reach::Subscription), Step::Recreate);
    }

    #[test]
    fn what_is_gone_is_not_repaired_below_it() {
        assert_eq!(Ladder::default().climb(Reach::Session), Step::NewSession);
        assert_eq!(Ladder::default().climb(Reach::Channel), Step::NewChannel);
    }

    #[test]
    fn a_step_that_repeats_is_told_once() {
        let (mut ladder, now) = (Ladder::default(), Instant::now());
        assert!(ladder.is_news(Step::Recreate, now));
        assert!(!ladder.is_news(Step::Recreate, now + Duration::from_secs(60)));
        assert!(ladder.is_news(Step::NewSession, now + Duration::from_secs(60)), "another step");
        assert!(ladder.is_news(Step::Recreate, now + Duration::from_secs(700)));
    }
}
