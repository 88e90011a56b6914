//! Whether a node that says nothing is still or forgotten. Pure; the time is an argument, in milliseconds of the monotonic clock.
//!
//! A subscription is silent about what does not change, and so is a server that lost an item of it: its keep-alives go on, and
//! the value stays what it was for ever. So a value that was silent for longer than it used to be is read. Is it the same, more
//! patience is had with it, up to the tag's `max_silence`. Is it another one, and the server does not tell so itself within a
//! moment, then the item is dead and is made anew.

/// What is known of the silence of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Freshness {
    /// When it last said something, or was found to be still.
    heard_ms: u64,
    /// Between its last changes.
    gap_ms: u64,
    /// How long it may be silent.
    patience_ms: u64,
    /// It was found to have moved, and the server is given a moment to tell it.
    suspect: bool,
    /// It has not said anything yet, although every new item must (Part 4, 5.13.1.1).
    is_mute: bool,
}

/// What is to be done about an item that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is still.
    Still,
    /// It has moved; the server may be about to say so.
    Wait,
    /// It has moved, and the server does not say so.
    Dead,
    /// The server has never said anything of it, not even its first value: the whole subscription is deaf.
    Mute,
}

/// The bounds of an item: its period, and the longest silence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) period_ms: u64,
    pub(super) max_silence_ms: u64,
}

impl Freshness {
    /// An item that was just made.
    pub(super) fn new(now_ms: u64, bounds: Bounds) -> Freshness {
        let patience_ms = 2 * bounds.period_ms + FIRST_WORD_MS;
        Freshness { heard_ms: now_ms, gap_ms: bounds.max_silence_ms, patience_ms, suspect: false, is_mute: true }
    }

    /// It said something.
    pub(super) fn on_value(&mut self, now_ms: u64, bounds: Bounds) {
        /// Of this many parts of the known gap a new one counts one.
        const SMOOTHING: u64 = 4;
        let gap = now_ms.saturating_sub(self.heard_ms);
        self.gap_ms = (self.gap_ms * (SMOOTHING - 1) + gap).div_ceil(SMOOTHING);
        // What was found to change often is believed at once, or a node that vanishes soon after the start is missed for long.
        self.gap_ms = self.gap_ms.min(SMOOTHING * gap.max(bounds.period_ms));
        self.heard_ms = now_ms;
        self.suspect = false;
        if std::mem::take(&mut self.is_mute) {
            // The first word is no change.
            self.gap_ms = bounds.max_silence_ms;
            self.patience_ms = bounds.max_silence_ms.max(MOMENT_MS);
            return;
        }
        let patience = 3 * self.gap_ms + bounds.period_ms + MOMENT_MS;
        self.patience_ms = patience.min(bounds.max_silence_ms.max(MOMENT_MS));
    }

    /// Nobody could be heard until now: its silence begins anew.
    pub(super) fn begin_anew(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
    }

    /// Something of it may have been lost: it is read at once.
    pub(super) fn doubt(&mut self) {
        self.patience_ms = 0;
    }

    /// When it is to be read.
    pub(super) fn due_ms(&self) -> u64 {
        self.heard_ms.saturating_add(self.patience_ms)
    }

    /// It was read. `is_same`: as the server last told it.
    pub(super) fn on_read(&mut self, now_ms: u64, is_same: bool, bounds: Bounds) -> Finding {
        if self.is_mute {
            self.heard_ms = now_ms;
            return Finding::Mute;
        }
        if is_same {
            self.suspect = false;
            let longest = bounds.max_silence_ms.max(MOMENT_MS);
            self.patience_ms = (2 * self.patience_ms).max(bounds.period_ms + MOMENT_MS).min(longest);
            self.heard_ms = now_ms;
            return Finding::Still;
        }
        if self.suspect {
            return Finding::Dead;
        }
        self.suspect = true;
        self.heard_ms = now_ms;
        self.patience_ms = 2 * bounds.period_ms + MOMENT_MS;
        Finding::Wait
    }
}

/// What a busy server may take to say the first word of thousands of items.
const FIRST_WORD_MS: u64 = 8_000;

/// What a server and a network may take to tell a change.
const MOMENT_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { period_ms: 1_000, max_silence_ms: 60_000 };

    /// An item that changed once a second for a while.
    fn lively() -> Freshness {
        let mut freshness = Freshness::new(0, BOUNDS);
        freshness.on_value(500, BOUNDS);
        (1..=20).for_each(|second| freshness.on_value(second * 1_000, BOUNDS));
        freshness
    }

    #[test]
    fn what_changed_every_second_is_looked_at_after_a_few_and_what_never_did_after_a_minute() {
        let due = lively().due_ms() - 20_000;
        assert!((4_000..=6_000).contains(&due), "{due}");
        let mut still = Freshness::new(0, BOUNDS);
        still.on_value(500, BOUNDS);
        assert_eq!(still.due_ms(), 60_500);
    }

    #[test]
    fn an_item_that_never_says_a_word_is_mute() {
        let mut freshness = Freshness::new(0, BOUNDS);
        assert_eq!(freshness.due_ms(), 10_000);
        assert_eq!(freshness.on_read(10_000, false, BOUNDS), Finding::Mute);
        freshness.on_value(11_000, BOUNDS);
        assert_eq!(freshness.on_read(71_000, true, BOUNDS), Finding::Still);
    }

    #[test]
    fn patience_grows_with_what_is_found_to_be_still() {
        let mut freshness = lively();
        let mut silences = Vec::new();
        let mut now = 20_000;
        for _ in 0..6 {
            let due = freshness.due_ms();
            silences.push((due - now) / 1_000);
            now = due;
            assert_eq!(freshness.on_read(now, true, BOUNDS), Finding::Still);
        }
        assert_eq!(silences, [5, 10, 20, 40, 60, 60]);
        freshness.on_value(now + 1_000, BOUNDS);
        assert!(freshness.due_ms() < now + 15_000, "one change is believed");
    }

    #[test]
    fn a_change_that_the_server_keeps_to_itself_is_found_in_two_looks() {
        let mut freshness = lively();
        let first = freshness.due_ms();
        assert_eq!(freshness.on_read(first, false, BOUNDS), Finding::Wait);
        let second = freshness.due_ms();
        assert_eq!(freshness.on_read(second, false, BOUNDS), Finding::Dead);
        assert!(second - 20_000 <= 9_000, "within 10 s of the last word: {}", second - 20_000);
    }

    #[test]
    fn a_doubt_is_settled_by_one_look() {
        let mut freshness = lively();
        freshness.doubt();
        assert!(freshness.due_ms() <= 20_000, "it is looked at now");
        assert_eq!(freshness.on_read(20_000, true, BOUNDS), Finding::Still);
        assert!(freshness.due_ms() >= 22_000, "and not at once again");
    }

    #[test]
    fn a_server_that_was_about_to_say_so_is_not_suspected_longer() {
        let mut freshness = lively();
        let due = freshness.due_ms();
        freshness.on_read(due, false, BOUNDS);
        freshness.on_value(due + 500, BOUNDS);
        assert_eq!(freshness.on_read(freshness.due_ms(), false, BOUNDS), Finding::Wait, "from the beginning");
    }
}
