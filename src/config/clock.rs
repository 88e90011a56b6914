//! `[clock]`: when the gateway's wall clock is trusted.

use std::time::Duration;

use super::read::Section;
use super::server::one_of;
use crate::model::words::delivery_config as words;

/// `[clock]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What it takes.
    pub trust: TrustRule,
    /// A clock that nobody vouches for is believed after so long, if it says a time that can be.
    pub wait: Duration,
}

/// What it takes for the wall clock to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustRule {
    /// The system says that it is synchronized; a plausible time will do where nobody synchronizes it.
    Ntp,
    /// A plausible time.
    Plausible,
    /// Nothing.
    Always,
}

impl Clock {
    /// Without a `[clock]`.
    pub const DEFAULT: Clock = Clock { trust: TrustRule::Ntp, wait: Duration::from_secs(600) };
}

impl TrustRule {
    const WORDS: [&'static str; 3] = ["ntp", "plausible", "always"];

    fn parse(word: &str) -> Option<TrustRule> {
        let rules = [TrustRule::Ntp, TrustRule::Plausible, TrustRule::Always];
        TrustRule::WORDS.iter().zip(rules).find(|(known, _)| **known == word).map(|(_, rule)| rule)
    }
}

/// An NTP service that does not answer within a month is none.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 86_400);

pub(super) fn clock(top: &Section<'_>) -> Clock {
    let mut clock = Clock::DEFAULT;
    let Some(section) = top.section("clock") else { return clock };
    clock.trust = one_of(&section, "trust", &TrustRule::WORDS, TrustRule::parse).unwrap_or(clock.trust);
    clock.wait = section.time("wait", Duration::ZERO..=LONGEST_WAIT).unwrap_or(clock.wait);
    if clock.trust == TrustRule::Always && section.has("wait") {
        section.wrong("wait", words::WAITS_FOR_NOTHING, |t| t);
    }
    section.finish();
    clock
}
