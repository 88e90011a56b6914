//! What others are told of a sink: its status, and a line in the log at each transition.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::{Courier, PROVEN};
use crate::model::time::show_span;
use crate::model::words::sink as words;
use crate::model::{Code, Lang, Trouble};
use crate::sink::cause;

/// Once is a restart of the broker, and twice a restart that took a while.
const TWIN_AFTER: u32 = 3;

/// What others may know of a sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SinkStatus {
    /// Whether the broker has accepted us.
    pub is_connected: bool,
    /// Why not.
    pub trouble: Option<Trouble>,
    /// Since when it has been so.
    pub since: Option<Instant>,
    /// Why nothing is sent although it has: the budget.
    pub paused: Option<Trouble>,
    /// Messages acknowledged since the start of the agent.
    pub acked: u64,
    /// Connections since the start of the agent.
    pub connects: u64,
    /// Records that could not be sent since the start of the agent, because they are damaged on the disk.
    pub damaged: u64,
    /// Samples given up since the start of the agent, because the broker can never take their message.
    pub given_up: u64,
    /// Records put into quarantine since the start of the agent, because the broker hung up at each of them.
    pub quarantined: u64,
}

impl Courier {
    /// The trouble in the light of those before it: who is logged out again and again right after the login has a twin.
    pub(super) fn judged(&mut self, trouble: Trouble, lasted: Duration) -> Trouble {
        if lasted >= PROVEN {
            self.backoff.reset();
        }
        if trouble.code != words::LOST_CLOSED || lasted >= PROVEN {
            self.thrown_out = 0;
            return trouble;
        }
        self.thrown_out += 1;
        if self.suspect.is_careful() {
            return Trouble::new(words::ONE_AT_A_TIME).with("broker", self.broker());
        }
        if self.thrown_out >= TWIN_AFTER { cause::taken_over(&self.sink) } else { trouble }
    }

    pub(super) fn broker(&self) -> String {
        format!("{}:{}", self.sink.host, self.sink.port)
    }

    pub(super) fn on_up(&mut self) {
        self.unreachable_since = None;
        let mut was_connected = false;
        self.desk.status.send_modify(|status| {
            was_connected = std::mem::replace(&mut status.is_connected, true);
            status.trouble = None;
            status.connects += 1;
            if !was_connected {
                status.since = Some(Instant::now());
            }
        });
        if !was_connected {
            let trouble = Trouble::new(words::CONNECTED).with("sink", &self.sink.name);
            let trouble = trouble.with("broker", self.broker());
            info!(sink = %self.sink.name, "{}", trouble.what(Lang::current()));
        }
    }

    /// Logs a new cause once; the same cause again is the same transition.
    pub(super) fn on_down(&mut self, trouble: Trouble, retry_in: Duration) {
        let mut is_news = false;
        self.desk.status.send_modify(|status| {
            let before: Option<Code> = status.trouble.as_ref().map(|trouble| trouble.code);
            is_news = status.is_connected || before != Some(trouble.code);
            if std::mem::replace(&mut status.is_connected, false) || status.since.is_none() {
                status.since = Some(Instant::now());
            }
            status.trouble = Some(trouble.clone());
        });
        if is_news {
            warn!(code = %trouble.code, sink = %self.sink.name, retry_in = show_span(rounded(retry_in)), "{trouble}");
        }
    }
}

/// To a tenth of a second: nobody reads nanoseconds.
fn rounded(span: Duration) -> Duration {
    Duration::from_millis((span.as_millis() as u64).next_multiple_of(100))
}
