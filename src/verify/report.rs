//! All streams, and the verdict: what somebody reads, and what a script takes as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::chain::{Chain, Conflict, Disorder};
use super::message::{Beside, Kind};
use super::ranges::Span;
use crate::model::Stream;

/// Streams told apart. A broker has some hundred workshops; what comes beyond is of other making, and counted.
const MAX_STREAMS: usize = 10_000;

/// Gaps listed in a report; more are only counted.
const LISTED_GAPS: usize = 1_000;

/// What all messages together prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No gap, order kept, no contradiction.
    Proven,
    /// A gap, disorder or a contradiction.
    Broken,
    /// No gap so far, but history is still to come.
    Open,
    /// No message came.
    Nothing,
}

/// All streams that messages were seen of.
#[derive(Debug, Clone, Default)]
pub struct Checker {
    chains: BTreeMap<(String, Stream), Chain>,
    beside: BesideCounts,
}

/// Messages that are no part of the proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BesideCounts {
    /// Births and states.
    pub births_and_states: u64,
    /// Data and events that a broker had kept.
    pub retained: u64,
    /// Of other programs.
    pub other: u64,
    /// Lines that hold no message that could be read.
    pub unreadable_lines: u64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The sum of it.
    pub verdict: Verdict,
    /// By workshop and stream.
    pub streams: Vec<StreamReport>,
    /// What was no part of it.
    pub beside: BesideCounts,
}

/// What was found of one stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamReport {
    /// `prefix/enterprise/workshop`; empty where topics are not known.
    pub workshop: String,
    /// `data` or `events`.
    pub stream: &'static str,
    /// The verdict on this stream alone.
    pub verdict: Verdict,
    /// Messages, each counted once.
    pub messages: u64,
    /// Readings in them.
    pub samples: u64,
    /// From here on every position is accounted for.
    pub begin: u64,
    /// The lowest position that came.
    pub first: u64,
    /// The highest position that came.
    pub last: u64,
    /// The earliest time in them, milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// The latest.
    pub to_ms: Option<i64>,
    /// Positions that are missing, the first of them one by one.
    pub gaps: Vec<Span>,
    /// How many gaps there are.
    pub gap_count: u64,
    /// Positions in all of them: at most so many messages are missing.
    pub missing_positions: u64,
    /// Holes that history may still fill.
    pub open: Vec<Span>,
    /// Messages that came again.
    pub duplicates: u64,
    /// Of them: with times put right.
    pub corrected: u64,
    /// Of them: too old to be compared.
    pub uncompared: u64,
    /// Messages out of order.
    pub disorder_count: u64,
    /// The first of them.
    pub disorder: Vec<Disorder>,
    /// Contradictions.
    pub conflict_count: u64,
    /// The first of them.
    pub conflicts: Vec<Conflict>,
    /// Starts of the agent, with the first position of each.
    pub boots: Vec<Boot>,
    /// How the runs before those starts ended, as the agent told.
    pub starts: BTreeMap<String, u64>,
    /// Records that the agent said to have lost at a start.
    pub missing_told: u64,
    /// Samples that the agent said to have given up.
    pub dropped_told: u64,
}

/// One start of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Boot {
    /// Its identity.
    pub boot: String,
    /// The first position that came of it.
    pub from: u64,
}

impl Checker {
    /// One message more.
    pub fn take(&mut self, kind: Kind) {
        match kind {
            Kind::Message(mut heard) => {
                let key = (std::mem::take(&mut heard.workshop), heard.stream);
                if self.chains.len() >= MAX_STREAMS && !self.chains.contains_key(&key) {
                    self.beside.other += 1;
                    return;
                }
                self.chains.entry(key).or_default().take(&heard);
            }
            Kind::Beside(Beside::BirthOrState) => self.beside.births_and_states += 1,
            Kind::Beside(Beside::Retained) => self.beside.retained += 1,
            Kind::Beside(Beside::Other) => self.beside.other += 1,
        }
    }

    /// A line that could not be read.
    pub fn unreadable(&mut self) {
        self.beside.unreadable_lines += 1;
    }

    /// Messages so far, those that came again included.
    pub fn messages(&self) -> u64 {
        self.chains.values().map(|chain| chain.messages + chain.duplicates + chain.conflict_count).sum()
    }

    /// What is found so far.
    pub fn report(&self) -> Report {
        let streams: Vec<_> =
            self.chains.iter().map(|((workshop, stream), chain)| StreamReport::of(workshop, *stream, chain)).collect();
        let any = |verdict| streams.iter().any(|stream| stream.verdict == verdict);
        let verdict = [Verdict::Broken, Verdict::Open, Verdict::Proven].into_iter().find(|verdict| any(*verdict));
        Report { verdict: verdict.unwrap_or(Verdict::Nothing), streams, beside: self.beside }
    }
}

impl StreamReport {
    fn of(workshop: &str, stream: Stream, chain: &Chain) -> StreamReport {
        let (mut gaps, open) = (chain.gaps(), chain.open());
        let (final_gaps, final_positions) = chain.final_gaps();
        let gap_count = gaps.len() as u64 + final_gaps;
        let positions = gaps.iter().map(|gap| gap.last - gap.first + 1);
        let missing_positions = positions.fold(final_positions, u64::saturating_add);
        gaps.truncate(LISTED_GAPS);
        let verdict = match (gap_count + chain.disorder_count + chain.conflict_count, open.is_empty()) {
            (0, true) if chain.messages > 0 => Verdict::Proven,
            (0, false) => Verdict::Open,
            _ => Verdict::Broken,
        };
        let span = chain.span.unwrap_or(Span { first: 0, last: 0 });
        StreamReport {
            workshop: workshop.to_owned(),
            stream: stream.as_str(),
            verdict,
            messages: chain.messages,
            samples: chain.samples,
            begin: chain.begin().unwrap_or(0),
            first: span.first,
            last: span.last,
            from_ms: chain.times.map(|(from, _)| from),
            to_ms: chain.times.map(|(_, to)| to),
            gaps,
            gap_count,
            missing_positions,
            open,
            duplicates: chain.duplicates,
            corrected: chain.corrected,
            uncompared: chain.uncompared,
            disorder_count: chain.disorder_count,
            disorder: chain.disorder.clone(),
            conflict_count: chain.conflict_count,
            conflicts: chain.conflicts.clone(),
            boots: chain.boots.iter().map(|(boot, from)| Boot { boot: boot.to_string(), from: *from }).collect(),
            starts: chain.starts.clone(),
            missing_told: chain.missing_told,
            dropped_told: chain.dropped_told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::capture::{Line, line};
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Verdict) -> Report {
        let mut checker = Checker::default();
        for text in lines {
            match line(text) {
                Line::Message(kind) => checker.take(kind),
                Line::Unreadable => checker.unreadable(),
                Line::Empty => {}
            }
        }
        let report = checker.report();
        assert_eq!(report.verdict, expected, "{report:?}");
        report
    }

    fn event(workshop: &str, seq: u64, prev: u64) -> String {
        format!(r#"c/e/{workshop}/events {{"id":"0123456789ab-events-{seq}","prev":{prev},"ts":{seq},"event":"link"}}"#)
    }

    #[test]
    fn the_worst_stream_decides() {
        let (good, broken) = ([event("a", 1, 0), event("a", 2, 1)], [event("b", 1, 0), event("b", 3, 2)]);
        let lines = |events: &[&[String]]| events.concat();
        let text = |lines: &[String]| lines.iter().map(String::clone).collect::<Vec<_>>();
        let run = |events: &[&[String]], expected| {
            let lines = text(&lines(events));
            check(&lines.iter().map(String::as_str).collect::<Vec<_>>(), expected)
        };
        run(&[&good], Verdict::Proven);
        let report = run(&[&good, &broken], Verdict::Broken);
        assert_eq!(
            report.streams.iter().map(|stream| stream.verdict).collect::<Vec<_>>(),
            [Verdict::Proven, Verdict::Broken]
        );
        assert_eq!((report.streams[1].gap_count, report.streams[1].missing_positions), (1, 1));
    }

    #[test]
    fn who_heard_nothing_proves_nothing() {
        let report = check(&["garbage", "c/e/a/state {}", "x/y 1"], Verdict::Nothing);
        let beside = BesideCounts { births_and_states: 1, retained: 0, other: 1, unreadable_lines: 1 };
        assert_eq!(report.beside, beside);
    }
}
