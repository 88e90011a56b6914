//! Signs for the sample ledger: a subscription is silent about what does not change, so it is said when it was heard of, and when
//! one was lost. Without a sign nobody knows whether the last value still stands.

use std::time::Duration;

use super::client::Client;
use crate::model::{Sign, Why};
use crate::source::Heard;

/// Signs of a group are told at most so often: a loss is dated back to the last one.
const APART_MS: u64 = 1_000;

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// When the last one was told, by group.
    told_ms: Vec<u64>,
    /// Periods of subscriptions that were heard of.
    heard: Vec<Duration>,
    /// Periods of subscriptions that are no more: what they did not say is not known.
    lost: Vec<Duration>,
}

impl Signs {
    /// Before the first subscription. What a client before this one was told is not known to last.
    pub(super) fn new(groups: usize, periods: Vec<Duration>) -> Signs {
        Signs { told_ms: vec![0; groups], heard: Vec::new(), lost: periods }
    }

    pub(super) fn on_heard(&mut self, period: Duration) {
        if !self.heard.contains(&period) {
            self.heard.push(period);
        }
    }

    pub(super) fn on_lost(&mut self, period: Duration) {
        if !self.lost.contains(&period) {
            self.lost.push(period);
        }
    }
}

impl Client {
    /// Before the values of a subscription that was made anew.
    pub(super) async fn tell_lost(&mut self) {
        for period in std::mem::take(&mut self.signs.lost) {
            self.tell_sign(period, Some(Why::Closed)).await;
        }
    }

    /// Behind the values that came with it.
    pub(super) async fn tell_heard(&mut self) {
        for period in std::mem::take(&mut self.signs.heard) {
            self.tell_sign(period, None).await;
        }
    }

    /// The session stands to the end.
    pub(super) async fn tell_last(&mut self) {
        self.signs.told_ms.fill(0);
        self.signs.heard = self.subscriptions.iter().map(|subscription| subscription.period).collect();
        self.tell_heard().await;
    }

    async fn tell_sign(&mut self, period: Duration, lapse: Option<Why>) {
        let mono_ms = self.now_ms();
        for at in 0..self.book.groups.len() {
            let (group, told_ms) = (&self.book.groups[at], self.signs.told_ms[at]);
            if group.period != period || (lapse.is_none() && told_ms != 0 && mono_ms - told_ms < APART_MS) {
                continue;
            }
            self.signs.told_ms[at] = mono_ms;
            let group = group.clone();
            self.put(Heard::Sign(Sign { group, mono_ms, lapse })).await;
        }
    }
}
