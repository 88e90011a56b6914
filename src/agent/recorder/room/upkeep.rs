//! What can wait for a quiet moment: cursors, retention, the ledger, wishes of the command line. What the journal gives up on the way is
//! counted, logged and published.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::{error, warn};

use super::super::super::space::free_bytes;
use super::super::Health;
use super::{Room, now};
use crate::journal::{Dropped, Evicted, Round};
use crate::model::words::{agent as words, sink as sink_words};
use crate::model::{Stream, Trouble};

/// Cursors and range deletes are written after so many commits or so much time: a crash sends at most that much again.
pub(super) const MAINTAIN_COMMITS: u32 = 60;
pub(super) const MAINTAIN_EVERY: Duration = Duration::from_secs(10);

/// A turn that wrote no more than this leaves time for what can wait.
const IDLE_SAMPLES: u64 = 2_000;

impl Room {
    pub(super) fn maintain_if_due(&mut self) {
        if self.commits_since_maintenance >= MAINTAIN_COMMITS || self.maintained.elapsed() >= MAINTAIN_EVERY {
            self.maintain();
        }
    }

    pub(super) fn maintain(&mut self) {
        self.commits_since_maintenance = 0;
        self.maintained = Instant::now();
        self.enter_uploads(); // before the cursors
        self.move_cursors();
        self.keep_offset();
        self.enter_in_ledger();
        match self.journal.maintain(self.round()) {
            Ok(dropped) => {
                self.unmaintained = None;
                dropped.into_iter().for_each(|dropped| self.on_dropped(dropped));
                self.report_hour();
                if let Err(trouble) = self.take_wishes() {
                    warn!(code = %trouble.code, "{trouble}");
                }
            }
            Err(trouble) => {
                if self.unmaintained.replace(trouble.code) != Some(trouble.code) {
                    warn!(code = %trouble.code, "{trouble}");
                }
            }
        }
        self.health.bytes.store(self.journal.status().bytes_on_disk, Ordering::Relaxed);
    }

    pub(super) fn move_cursors(&mut self) {
        for (sink, progress) in &self.sinks {
            let progress = progress.borrow().clone();
            self.journal.move_cursor(sink, Stream::Data, progress.data);
            self.journal.move_cursor(sink, Stream::Events, progress.events);
            self.journal.set_ahead(sink, progress.ahead);
            self.journal.set_usage(sink, progress.usage);
        }
    }

    pub(super) fn round(&self) -> Round {
        Round {
            now: now(),
            is_trusted: self.clock.is_trusted(),
            steady: self.clock.steady().unwrap_or_else(now),
            mono: self.started.elapsed(),
            free_bytes: free_bytes(&self.journal.reader().dir()),
            is_idle: self.written <= IDLE_SAMPLES && self.refused.is_none(),
        }
    }

    /// The journal gave samples up by policy: counted, logged, published.
    pub(super) fn on_dropped(&mut self, dropped: Dropped) {
        count_dropped(&self.health, &dropped);
        self.publish_dropped(dropped.samples, dropped.cause);
    }

    /// The quarantine gave records up to make room.
    pub(super) fn on_evicted(&mut self, Evicted { records, samples }: Evicted) {
        if records > 0 {
            self.health.dropped.fetch_add(samples, Ordering::Relaxed);
            let trouble = Trouble::new(sink_words::QUARANTINE_FULL).with("records", records).with("samples", samples);
            error!(code = %trouble.code, "{trouble}");
        }
    }
}

/// Samples that were given up by policy are counted and told.
pub(super) fn count_dropped(health: &Health, dropped: &Dropped) {
    health.dropped.fetch_add(dropped.samples, Ordering::Relaxed);
    let trouble = Trouble::new(words::JOURNAL_DROPPED)
        .with("samples", dropped.samples)
        .with("records", dropped.records)
        .with("cause", dropped.cause.as_str());
    error!(code = %trouble.code, "{trouble}");
}
