//! The strip of a state timeline: which pixels of it show which state. Pure numbers; [`super::plot`] draws them.
//!
//! The rule: a pixel shows what took most of its time, and pixels that follow each other and show the same are one. So a strip has no more
//! parts than pixels, however often a machine stops.

use crate::indicator::Interval;
use crate::model::{State, Timestamp};

/// Pixels that show the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// The first pixel.
    pub from: i32,
    /// The first behind them.
    pub to: i32,
    /// What they show.
    pub state: State,
}

/// The strip of `[start, end)`, so many pixels wide. The log is in the order of time and does not overlap itself; where it has a hole, so has the
/// strip.
pub(super) fn parts(log: &[Interval], (start, end): (Timestamp, Timestamp), pixels: i32) -> Vec<Part> {
    let span = end.0.saturating_sub(start.0);
    if span <= 0 || pixels <= 0 {
        return Vec::new();
    }
    let scale = Scale { span, pixels };
    let mut strip = Strip { parts: Vec::new(), pixel: 0, shares: [0; State::ALL.len()] };
    let first = log.partition_point(|it| it.end <= start);
    for it in log.get(first..).unwrap_or_default().iter().take_while(|it| it.start < end) {
        let (from, to) = (it.start.0.saturating_sub(start.0).max(0), it.end.0.saturating_sub(start.0).min(span));
        if from >= to {
            continue;
        }
        let (begins, ends) = (scale.pixel(from), scale.pixel(to));
        // Pixels of which it has all of the time.
        let first_whole = if scale.border(begins) == from { begins } else { begins + 1 };
        if begins < first_whole {
            strip.share(begins, it.state, scale.border(first_whole).min(to) - from);
        }
        if first_whole < ends {
            strip.whole(first_whole, ends, it.state);
        }
        if first_whole <= ends && scale.border(ends) < to {
            strip.share(ends, it.state, to - scale.border(ends));
        }
    }
    strip.go_to(pixels);
    strip.parts
}

/// So many milliseconds on so many pixels.
#[derive(Clone, Copy)]
struct Scale {
    span: i64,
    pixels: i32,
}

impl Scale {
    /// Where a pixel begins, in ms.
    fn border(self, pixel: i32) -> i64 {
        let at = i128::from(self.span) * i128::from(pixel) / i128::from(self.pixels);
        i64::try_from(at).unwrap_or(self.span)
    }

    /// The last pixel that begins at this moment or before.
    fn pixel(self, at: i64) -> i32 {
        let pixel = i128::from(at) * i128::from(self.pixels) / i128::from(self.span);
        let pixel = i32::try_from(pixel).unwrap_or(self.pixels).min(self.pixels);
        if pixel < self.pixels && self.border(pixel + 1) <= at { pixel + 1 } else { pixel }
    }
}

struct Strip {
    parts: Vec<Part>,
    pixel: i32,
    /// Milliseconds of each state in it.
    shares: [i64; State::ALL.len()],
}

impl Strip {
    /// A part of a pixel.
    fn share(&mut self, pixel: i32, state: State, ms: i64) {
        self.go_to(pixel);
        self.shares[state as usize] += ms;
    }

    /// Pixels that show nothing else.
    fn whole(&mut self, from: i32, to: i32, state: State) {
        self.go_to(from);
        self.push(from, to, state);
        self.pixel = to;
    }

    /// The pixel before it has all its shares.
    fn go_to(&mut self, pixel: i32) {
        if pixel <= self.pixel {
            return;
        }
        let mut most = (0, None);
        for (state, share) in State::ALL.into_iter().zip(self.shares) {
            if share > most.0 {
                most = (share, Some(state));
            }
        }
        self.shares = Default::default();
        let (from, to) = (self.pixel, self.pixel + 1);
        self.pixel = pixel;
        most.1.into_iter().for_each(|state| self.push(from, to, state));
    }

    fn push(&mut self, from: i32, to: i32, state: State) {
        match self.parts.last_mut() {
            Some(last) if last.to == from && last.state == state => last.to = to,
            _ => self.parts.push(Part { from, to, state }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(pieces: &[(i64, i64, State)]) -> Vec<Interval> {
        let interval = |(start, end, state): &(i64, i64, State)| Interval {
            device: "m".into(),
            state: *state,
            cause: String::new(),
            start: Timestamp(*start),
            end: Timestamp(*end),
            event_id: *start,
            is_inferred: false,
            reclassified_by: None,
            cause_before: None,
        };
        pieces.iter().map(interval).collect()
    }

    #[track_caller]
    fn check(pieces: &[(i64, i64, State)], pixels: i32, expected: &[(i32, i32, State)]) {
        let found = parts(&log(pieces), (Timestamp(1_000), Timestamp(2_000)), pixels);
        let found: Vec<_> = found.into_iter().map(|part| (part.from, part.to, part.state)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_pixel_shows_what_took_most_of_it_and_equal_neighbours_are_one() {
        use State::{Fault, Idle, Run};
        check(&[(1_000, 2_000, Run)], 10, &[(0, 10, Run)]);
        check(&[(0, 1_500, Run), (1_500, 9_000, Idle)], 10, &[(0, 5, Run), (5, 10, Idle)]);
        check(
            &[(1_000, 1_340, Run), (1_340, 1_400, Fault), (1_400, 2_000, Run)],
            10,
            &[(0, 3, Run), (3, 4, Fault), (4, 10, Run)],
        );
        check(&[(1_000, 1_360, Run), (1_360, 1_400, Fault), (1_400, 2_000, Run)], 10, &[(0, 10, Run)]);
        check(&[(1_000, 1_200, Run), (1_700, 1_800, Run)], 10, &[(0, 2, Run), (7, 8, Run)]);
        check(&[(0, 1_000, Run), (2_000, 3_000, Idle)], 10, &[]);
        check(&[], 10, &[]);
    }

    #[test]
    fn stops_of_seconds_make_no_more_parts_than_there_are_pixels() {
        let pieces: Vec<_> =
            (0..1_000).map(|n| (1_000 + n, 1_001 + n, if n % 2 == 0 { State::Run } else { State::Idle })).collect();
        let parts = parts(&log(&pieces), (Timestamp(1_000), Timestamp(2_000)), 30);
        assert!(parts.len() <= 30, "{parts:?}");
    }

    proptest! {
        #[test]
        fn every_pixel_of_a_log_without_holes_is_shown_once(
            lengths in prop::collection::vec((1i64..500, 0usize..7), 1..60), pixels in 1i32..50, cut in 0i64..200,
        ) {
            let mut at = 0;
            let pieces: Vec<_> = lengths.iter().map(|(length, state)| {
                let from = at;
                at += length;
                (from, at, State::ALL[*state])
            }).collect();
            let (start, end) = (cut.min(at - 1), at);
            let parts = parts(&log(&pieces), (Timestamp(start), Timestamp(end)), pixels);
            // With more pixels than milliseconds some pixels have no time at all.
            if end - start >= i64::from(pixels) {
                prop_assert_eq!((parts.first().map(|it| it.from), parts.last().map(|it| it.to)), (Some(0), Some(pixels)));
                prop_assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].state != pair[1].state));
            }
            prop_assert!(parts.iter().all(|it| 0 <= it.from && it.from < it.to && it.to <= pixels));
        }
    }
}
