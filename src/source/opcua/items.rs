//! What is known of each tag at the server: whether it is watched there, or why not, and what it last said. Pure.

use opcua::types::StatusCode;

use super::freshness::{Bounds, Finding, Freshness};
use crate::model::{Reading, Value, Why};

/// The state of every tag, by handle.
#[derive(Debug)]
pub(super) struct Items {
    all: Vec<Item>,
}

#[derive(Debug, Clone)]
struct Item {
    place: Place,
    last: Option<Reading>,
    /// Given to the server; not any more where it refused that.
    with_deadband: bool,
}

#[derive(Debug, Clone)]
enum Place {
    /// Read cyclically.
    Read,
    /// Not at the server; asked for at that time, and after growing pauses.
    Out { retry_ms: u64, pause_ms: u64, told: Option<StatusCode> },
    /// Watched by the server under this id.
    Watched { id: u32, freshness: Freshness, told: Option<StatusCode> },
}

/// The first pause before a node that was refused is asked for again. A machine that is switched on shows its nodes within that.
const FIRST_PAUSE_MS: u64 = 4_000;

/// The longest pause for a node that was there: it may come back at any time.
const LONGEST_PAUSE_MS: u64 = 8_000;

/// The longest pause for a node that never was there: probably a wrong address.
const HOPELESS_PAUSE_MS: u64 = 60_000;

impl Items {
    /// All of them wait to be asked for; those of `is_read` are read.
    pub(super) fn new(is_read: impl Iterator<Item = bool>) -> Items {
        let item = |is_read| {
            let place = if is_read { Place::Read } else { out(0) };
            Item { place, last: None, with_deadband: true }
        };
        Items { all: is_read.map(item).collect() }
    }

    /// Those that are to be asked for now, of `among`.
    pub(super) fn wanted(&self, among: impl Iterator<Item = usize>, now_ms: u64) -> Vec<usize> {
        let is_due =
            |handle: &usize| matches!(self.all[*handle].place, Place::Out { retry_ms, .. } if retry_ms <= now_ms);
        among.filter(is_due).collect()
    }

    /// Those of `among` whose silence is to be looked into now.
    pub(super) fn silent(&self, now_ms: u64, most: usize) -> Vec<usize> {
        let due = |item: &Item| match &item.place {
            Place::Watched { freshness, .. } => Some(freshness.due_ms()).filter(|due| *due <= now_ms),
            Place::Read | Place::Out { .. } => None,
        };
        let mut silent: Vec<(u64, usize)> =
            self.all.iter().enumerate().filter_map(|(handle, item)| Some((due(item)?, handle))).collect();
        silent.sort_unstable(); // who waits longest comes first, or the last ones would never be looked at
        silent.into_iter().take(most).map(|(_, handle)| handle).collect()
    }

    /// When the next one is to be asked for or looked at.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let due = |item: &Item| match &item.place {
            Place::Read => None,
            Place::Out { retry_ms, .. } => Some(*retry_ms),
            Place::Watched { freshness, .. } => Some(freshness.due_ms()),
        };
        self.all.iter().filter_map(due).min()
    }

    pub(super) fn is_read(&self, handle: usize) -> bool {
        matches!(self.all[handle].place, Place::Read)
    }

    /// It is read cyclically from now on.
    pub(super) fn becomes_read(&mut self, handle: usize) {
        self.all[handle].place = Place::Read;
    }

    pub(super) fn with_deadband(&self, handle: usize) -> bool {
        self.all[handle].with_deadband
    }

    /// The server does not take its deadband: it is asked for again without one.
    pub(super) fn without_deadband(&mut self, handle: usize) {
        self.all[handle].with_deadband = false;
    }

    /// The server watches it. Returns whether it is back after a refusal that was told.
    pub(super) fn on_watched(&mut self, handle: usize, id: u32, now_ms: u64, bounds: Bounds) -> bool {
        let item = &mut self.all[handle];
        let was_told = matches!(item.place, Place::Out { told: Some(_), .. });
        item.place = Place::Watched { id, freshness: Freshness::new(now_ms, bounds), told: None };
        was_told
    }

    /// The server refuses it. Returns whether that is news.
    pub(super) fn on_refused(&mut self, handle: usize, status: StatusCode, now_ms: u64) -> bool {
        let item = &mut self.all[handle];
        let (pause_ms, told) = match item.place {
            Place::Out { pause_ms, told, .. } => (pause_ms, told),
            Place::Watched { told, .. } => (0, told),
            Place::Read => return false,
        };
        let longest = if item.last.is_some() { LONGEST_PAUSE_MS } else { HOPELESS_PAUSE_MS };
        let pause_ms = (2 * pause_ms).clamp(FIRST_PAUSE_MS, longest);
        item.place = Place::Out { retry_ms: now_ms + pause_ms, pause_ms, told: Some(status) };
        told != Some(status)
    }

    /// It is asked for anew at once. Returns its id at the server, if it had one.
    pub(super) fn forget(&mut self, handle: usize, now_ms: u64) -> Option<u32> {
        match std::mem::replace(&mut self.all[handle].place, out(now_ms)) {
            Place::Watched { id, .. } => Some(id),
            place @ (Place::Out { .. } | Place::Read) => {
                self.all[handle].place = place;
                None
            }
        }
    }

    /// Nobody could be heard until now.
    pub(super) fn begin_anew(&mut self, now_ms: u64) {
        for item in &mut self.all {
            if let Place::Watched { freshness, .. } = &mut item.place {
                freshness.begin_anew(now_ms);
            }
        }
    }

    /// It is watched, but has lost messages: it is looked at now.
    pub(super) fn doubt(&mut self, handle: usize) {
        if let Place::Watched { freshness, .. } = &mut self.all[handle].place {
            freshness.doubt();
        }
    }

    /// The server told a value of it.
    pub(super) fn on_value(&mut self, handle: usize, reading: &Reading, now_ms: u64, bounds: Bounds) {
        let item = &mut self.all[handle];
        if let Place::Watched { freshness, .. } = &mut item.place {
            freshness.on_value(now_ms, bounds);
        }
        item.last = Some(reading.clone());
    }

    /// It was read because it was silent. `tolerance`: how far it may have moved untold; `None`: by any amount.
    pub(super) fn on_read(
        &mut self,
        handle: usize,
        reading: &Reading,
        tolerance: Option<f64>,
        now_ms: u64,
        bounds: Bounds,
    ) -> Finding {
        let item = &mut self.all[handle];
        let is_same = item.last.as_ref().is_some_and(|last| is_alike(last, reading, tolerance));
        match &mut item.place {
            Place::Watched { freshness, .. } => freshness.on_read(now_ms, is_same, bounds),
            Place::Read | Place::Out { .. } => Finding::Still,
        }
    }

    /// Whether its last word was a good value.
    pub(super) fn is_good(&self, handle: usize) -> bool {
        let item = &self.all[handle];
        matches!(item.place, Place::Watched { .. }) && matches!(item.last, Some(Reading::Good(_)))
    }
}

fn out(retry_ms: u64) -> Place {
    Place::Out { retry_ms, pause_ms: 0, told: None }
}

/// Whether the server had no reason to tell the difference.
fn is_alike(last: &Reading, now: &Reading, tolerance: Option<f64>) -> bool {
    let near = |a: &Value, b: &Value| match (tolerance, a.as_f64(), b.as_f64()) {
        _ if a == b => true,
        (None, Some(_), Some(_)) => true,
        (Some(tolerance), Some(a), Some(b)) => (a - b).abs() <= tolerance,
        _ => false,
    };
    match (last, now) {
        (Reading::Good(a), Reading::Good(b)) => near(a, b),
        (Reading::Uncertain(a, why), Reading::Uncertain(b, other)) => why == other && near(a, b),
        (Reading::Bad(a), Reading::Bad(b)) => a == b || *a == Why::NoData,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { period_ms: 1_000, max_silence_ms: 60_000 };

    fn good(x: f64) -> Reading {
        Reading::Good(Value::F64(x))
    }

    #[test]
    fn what_was_there_is_asked_for_every_few_seconds_and_what_never_was_once_a_minute() {
        let pauses = |was_there: bool| -> Vec<u64> {
            let mut items = Items::new([false].into_iter());
            if was_there {
                items.on_watched(0, 1, 0, BOUNDS);
                items.on_value(0, &good(1.0), 0, BOUNDS);
            }
            let mut now = 0;
            (0..6)
                .map(|_| {
                    items.on_refused(0, StatusCode::BadNodeIdUnknown, now);
                    let due = items.due_ms().unwrap();
                    let pause = due - now;
                    now = due;
                    pause
                })
                .collect()
        };
        assert_eq!(pauses(true), [4_000, 8_000, 8_000, 8_000, 8_000, 8_000]);
        assert_eq!(pauses(false), [4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    }

    #[test]
    fn a_refusal_is_news_once_and_so_is_its_end() {
        let mut items = Items::new([false].into_iter());
        assert!(items.on_refused(0, StatusCode::BadNodeIdUnknown, 0));
        assert!(!items.on_refused(0, StatusCode::BadNodeIdUnknown, 5_000));
        assert!(items.on_refused(0, StatusCode::BadUserAccessDenied, 9_000));
        assert!(items.on_watched(0, 3, 10_000, BOUNDS));
        assert!(!items.on_watched(0, 4, 10_000, BOUNDS), "it was watched already");
    }

    #[test]
    fn a_move_within_the_deadband_is_no_sign_of_death() {
        for (tolerance, alike) in [(Some(0.0), false), (Some(1.0), true), (None, true)] {
            assert_eq!(is_alike(&good(5.0), &good(5.5), tolerance), alike, "{tolerance:?}");
        }
        assert!(!is_alike(&good(5.0), &Reading::Bad(Why::NodeUnknown), None));
        assert!(!is_alike(&Reading::Good(Value::Text("a".into())), &Reading::Good(Value::Text("b".into())), None));
    }

    #[test]
    fn what_is_read_cyclically_is_neither_asked_for_nor_looked_into() {
        let items = Items::new([true, false].into_iter());
        assert_eq!(items.wanted(0..2, 0), [1]);
        assert!(items.is_read(0) && !items.is_read(1));
    }
}
