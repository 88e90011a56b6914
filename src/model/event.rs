//! What happened, apart from samples. The JSON shape is the payload's shape.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ledger::HourReport;
use super::{ClockState, State, TrustedBy};

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
    /// A machine does something else from now on; the log of intervals has the last word.
    State(StateReport),
    /// Figures of a machine over a period that is over, or that changed since.
    Indicator(Box<IndicatorReport>),
}

/// What a machine does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReport {
    /// The device's id.
    pub device: String,
    /// What it does.
    pub state: State,
    /// Of a stop, what the machine or its operator says of the cause.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub cause: String,
    /// What that code means, in the words of the workshop.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub text: String,
    /// Since, in milliseconds since 1970.
    pub since: i64,
}

/// Figures of a machine over a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndicatorReport {
    /// The device's id.
    pub device: String,
    /// Of when.
    pub period: PeriodReport,
    /// How often figures that are in it were changed after they were first told.
    pub revision: u32,
    /// `ok`, `low`, or none: less than half of the planned busy time is known.
    pub quality: Option<Cow<'static, str>>,
    /// Known share of the planned busy time.
    pub coverage: Option<f64>,
    /// What to know beside the figures.
    pub flags: Vec<Cow<'static, str>>,
    /// Milliseconds by state, as lived.
    pub time_ms: BTreeMap<Cow<'static, str>, u64>,
    /// Figures by name.
    pub figures: BTreeMap<Cow<'static, str>, FigureReport>,
    /// The stops that took longest, by cause.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub stops: Vec<StopReport>,
    /// Version of the formulas.
    pub formula: Cow<'static, str>,
}

/// A period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodReport {
    /// `quarter` (15 minutes by the clock), `shift`, `day` (of the calendar) or `month`.
    pub kind: Cow<'static, str>,
    /// Of a shift: its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The local date on which it starts.
    pub date: String,
    /// The first moment, milliseconds since 1970.
    pub start: i64,
    /// The first moment behind it.
    pub end: i64,
}

/// A figure: six decimals, as the exact quotient is rounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureReport {
    /// Number in the list of indicators.
    pub id: Cow<'static, str>,
    /// None where it cannot be known, or must not be said with so little coverage.
    pub value: Option<f64>,
    /// Above the line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub num: Option<f64>,
    /// Below the line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub den: Option<f64>,
    /// Units above and below the line, and of the value.
    pub units: [Cow<'static, str>; 3],
}

/// Stops of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopReport {
    /// Idle or fault.
    pub state: State,
    /// The machine's code, the operator's reason, or `microstop`; empty: nobody said.
    pub cause: String,
    /// What that code means, in the words of the workshop.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub text: String,
    /// Stops that began in the period.
    pub count: u32,
    /// Milliseconds of working time.
    pub ms: u64,
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
