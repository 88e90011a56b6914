//! While the disk refuses, the recorder goes on collecting in memory and says so once; beyond a limit the oldest is given up, counted,
//! and told to whoever misses it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::super::super::unwritten::GivenUp;
use super::Room;
use crate::model::ledger::Lost;
use crate::model::words::agent as words;
use crate::model::{DataRecord, Loss, LossCause, Stream, Trouble};

/// Places for samples that wait in memory while the disk refuses them, about 32 bytes each; beyond it the oldest are given
/// up.
pub(super) const MEMORY_PLACES: usize = 200_000;

/// Events that wait in memory while the disk refuses them; beyond it the oldest are given up. Far more than a day of a
/// flapping link, in some 100 kB.
pub(super) const MEMORY_EVENTS: usize = 1_000;

/// While the disk refuses, what was given up is told so often: to know that it goes on, a line a minute is enough.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Samples given up since the disk began to refuse.
#[derive(Default)]
pub(super) struct Tally {
    unlogged: u64,
    unpublished: u64,
    logged: Option<Instant>,
}

impl Room {
    /// The disk refused: keep collecting in memory and say so once.
    pub(super) fn wait_out(&mut self, trouble: Trouble) {
        if self.refused.as_ref().map(|before| before.code) != Some(trouble.code) {
            error!(code = %trouble.code, "{trouble}");
        }
        self.refused = Some(trouble);
        let lose = |record: &DataRecord| self.journal.lose_taken(record, Lost::Memory);
        if let Some(given_up) = self.unwritten.drop_beyond(MEMORY_PLACES, lose) {
            self.give_up(Stream::Data, &given_up);
            self.health.dropped.fetch_add(given_up.samples, Ordering::Relaxed);
            self.given_up.unlogged += given_up.samples;
            self.given_up.unpublished += given_up.samples;
        }
        if let Some(given_up) = self.unwritten.drop_events_beyond(MEMORY_EVENTS) {
            self.give_up(Stream::Events, &given_up);
        }
        if self.given_up.logged.is_none_or(|logged| logged.elapsed() >= TELL_EVERY) {
            self.log_given_up();
        }
    }

    fn give_up(&mut self, stream: Stream, GivenUp { first, last, samples }: &GivenUp) {
        let loss =
            Loss { first: *first, last: *last, samples: *samples, cause: LossCause::Memory, at: self.clock.time().0 };
        self.journal.lose(stream, loss);
    }

    pub(super) fn log_given_up(&mut self) {
        let samples = std::mem::take(&mut self.given_up.unlogged);
        if samples > 0 {
            self.given_up.logged = Some(Instant::now());
            let total = self.health.dropped.load(Ordering::Relaxed);
            let trouble = Trouble::new(words::MEMORY_FULL).with("samples", samples).with("total", total);
            error!(code = %trouble.code, "{trouble}");
        }
    }

    pub(super) fn on_writable_again(&mut self) {
        self.log_given_up();
        info!("the journal can be written again");
        let Tally { unpublished, .. } = std::mem::take(&mut self.given_up);
        if unpublished > 0 {
            self.publish_dropped(unpublished, LossCause::Memory);
        }
    }
}
