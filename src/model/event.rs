//! What happened, apart from samples. The JSON shape is the payload's shape.

use serde::{Deserialize, Serialize};

use super::ledger::HourReport;
use super::{ClockState, TrustedBy};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A link came up or went down.
    Link {
        /// The link's name.
        link: String,
        /// What it is now.
        state: LinkState,
        /// Why it went down: a word of [`super::Why`].
        #[serde(skip_serializing_if = "Option::is_none", default)]
        why: Option<String>,
    },
    /// Samples were given up, with the cause.
    Dropped {
        /// How many samples.
        samples: u64,
        /// The cause: a word of [`super::LossCause`].
        cause: String,
    },
    /// What became of the samples of one device in the hour that is over.
    Ledger(HourReport),
    /// The agent started. Positions of both streams go on behind all that was ever given.
    Started {
        /// How the run before ended.
        previous: Previous,
        /// Records, at most, that were once written and are no longer in the file.
        missing: u64,
    },
    /// The wall clock came to be trusted, is no longer, or was set.
    Clock {
        /// What it is now.
        state: ClockState,
        /// Why it is trusted.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<TrustedBy>,
        /// By how much it was set, if it was: positive is forward.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        step_ms: Option<i64>,
        /// Trusted wall clock minus `mono`, for this start of the agent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        offset_ms: Option<i64>,
    },
}

/// How the run of the agent before this one ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Previous {
    /// There was none: the journal is new.
    None,
    /// It was stopped, and everything it had heard was stored or delivered.
    Clean,
    /// By a crash or a power cut: what it had heard in the last commit interval may be gone.
    Crash,
}

/// Whether a link answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Connected, and something answered.
    Up,
    /// Not connected.
    Down,
}
