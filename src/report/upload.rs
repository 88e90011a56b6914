//! C4 and C5: how much of what a sink was to get it acknowledged, and how long that took. Sums over hours, sinks and machines.
//!
//! The rule: a record counts once for each sink that is to get it; a machine of which no sink is to get anything has no figure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::document::{FigurePart, SinkUpload, SiteUpload};
use super::number::Num;
use crate::indicator::Ratio;
use crate::indicator::formula::{Formula, UPLOADS};
use crate::model::{Delays, Route, Upload};

/// Sums of uploads.
#[derive(Debug, Clone, Default)]
pub(super) struct Uploaded {
    pub due: u64,
    pub acked: u64,
    pub given_up: u64,
    pub delays: Delays,
}

impl Uploaded {
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a (Route, Upload)>) -> Uploaded {
        let mut sum = Uploaded::default();
        rows.into_iter().for_each(|(_, upload)| sum.add(upload));
        sum
    }

    fn add(&mut self, upload: &Upload) {
        self.due = self.due.saturating_add(upload.due());
        self.acked = self.acked.saturating_add(upload.acked);
        self.given_up = self.given_up.saturating_add(upload.given_up);
        self.delays.add(&upload.delays);
    }

    /// C4.
    pub fn completeness(&self) -> Option<Num> {
        Ratio::new(i128::from(self.acked), i128::from(self.due)).map(Num::of)
    }

    /// C5, in seconds.
    pub fn delay_s(&self, percent: u64) -> Option<Num> {
        Ratio::new(i128::from(self.delays.percentile(percent)?), 1_000).map(Num::of)
    }

    /// As they stand beside the other figures of a machine.
    pub fn figures(&self) -> Vec<FigurePart> {
        let figure = |formula: &'static Formula| {
            let [numerator_unit, denominator_unit, unit] = formula.units.map(Cow::Borrowed);
            let is_share = formula.id == "C4";
            let is_due = self.due > 0;
            FigurePart {
                id: formula.id,
                name: formula.name,
                zh: formula.zh,
                formula: formula.text,
                numerator: Some(Num::from(self.acked)).filter(|_| is_share && is_due),
                numerator_unit,
                denominator: Some(Num::from(self.due)).filter(|_| is_share && is_due),
                denominator_unit,
                value: match formula.name {
                    "upload_completeness" => self.completeness(),
                    "upload_delay_p50" => self.delay_s(50),
                    _ => self.delay_s(95),
                },
                unit,
                basis: "calendar",
                coverage: None,
                quality: None,
                flags: Vec::new(),
            }
        };
        UPLOADS.iter().map(figure).collect()
    }
}

/// Of all machines of a workshop, sink by sink.
pub(super) fn site(uploads: &BTreeMap<String, Vec<(Route, Upload)>>) -> SiteUpload {
    let mut by_sink: BTreeMap<&str, Uploaded> = BTreeMap::new();
    for (route, upload) in uploads.values().flatten() {
        by_sink.entry(&route.sink).or_default().add(upload);
    }
    let all = Uploaded::of(uploads.values().flatten());
    let part = |(sink, of): (&str, Uploaded)| SinkUpload {
        sink: sink.to_owned(),
        records_due: of.due,
        records_acked: of.acked,
        records_given_up: of.given_up,
        completeness: of.completeness(),
        delay_p50_s: of.delay_s(50),
        delay_p95_s: of.delay_s(95),
    };
    SiteUpload {
        records_due: all.due,
        records_acked: all.acked,
        completeness: all.completeness(),
        delay_p50_s: all.delay_s(50),
        delay_p95_s: all.delay_s(95),
        sinks: by_sink.into_iter().filter(|(_, of)| of.due > 0).map(part).collect(),
    }
}
