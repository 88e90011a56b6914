//! State: what a machine is doing. Every moment belongs to exactly one of the seven; `unknown` is never guessed away.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the seven states (ISO 22400-2 time elements beside them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum State {
    /// Adding value: APT.
    Run = 0,
    /// Powered and ready, not producing: ADOT.
    Idle = 1,
    /// Change-over, first article: AUST.
    Setup = 2,
    /// Stopped by a malfunction: ADET, TTR.
    Fault = 3,
    /// Planned maintenance: outside the planned busy time.
    Maint = 4,
    /// Known to be without power.
    Off = 5,
    /// No trustworthy data.
    Unknown = 6,
}

impl State {
    /// All states.
    pub const ALL: [State; 7] =
        [State::Run, State::Idle, State::Setup, State::Fault, State::Maint, State::Off, State::Unknown];

    /// The word in the configuration and in payloads.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Run => "run",
            State::Idle => "idle",
            State::Setup => "setup",
            State::Fault => "fault",
            State::Maint => "maint",
            State::Off => "off",
            State::Unknown => "unknown",
        }
    }

    /// The word on a Chinese report.
    pub fn zh(self) -> &'static str {
        match self {
            State::Run => "运行",
            State::Idle => "待机",
            State::Setup => "换型",
            State::Fault => "故障",
            State::Maint => "计划保养",
            State::Off => "关机",
            State::Unknown => "无数据",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
