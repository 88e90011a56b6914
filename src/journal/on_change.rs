//! Report on change: of each scan, what is worth recording. Pure; the batch brings its own time.
//!
//! The rule: nothing is held back for longer than `max_silence`, no change of quality is ever held back, and a tag's first
//! reading is always reported.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Batch, Deadband, Reading, ReportRule, Scan, Stamp, Value};

/// What was last reported of each tag, by the group's id. Its size is that of the configuration.
#[derive(Debug, Default)]
pub struct OnChange {
    groups: HashMap<u64, Vec<Option<Last>>>,
}

/// A tag's last reported reading, and when.
#[derive(Debug, Clone)]
struct Last {
    mono_ms: u64,
    reading: Reading,
    /// OPC UA status code; 0 where the protocol has none.
    status: u32,
}

impl OnChange {
    /// Nothing reported yet.
    pub fn new() -> OnChange {
        OnChange::default()
    }

    /// The batch without what need not be reported; `None` if that is everything. A stamp stays beside its reading and goes
    /// with it. A tag without news changes nothing of what is remembered of it.
    pub fn filter(&mut self, batch: Batch) -> Option<Scan> {
        let Batch { group, at, mono_ms, readings, stamps, .. } = batch;
        let mut stamps = stamps.map(Vec::into_boxed_slice);
        let status_of = |place: usize| stamps.as_ref().and_then(|stamps| stamps.get(place)).map_or(0, |s| s.status);
        let lasts = self.groups.entry(group.id).or_default();
        lasts.resize(group.tags.len(), None);
        let places = readings.into_iter().zip(&group.tags).zip(lasts).enumerate();
        let readings: Vec<Option<Reading>> = places
            .map(|(place, ((reading, tag), last))| {
                let reading = reading?;
                if tag.report.deadband == Deadband::None {
                    return Some(reading); // always reported, so nothing to remember
                }
                let new = Last { mono_ms, reading, status: status_of(place) };
                if last.as_ref().is_some_and(|last| !is_due(&new, last, &tag.report)) {
                    return None;
                }
                Some(last.insert(new).reading.clone())
            })
            .collect();
        for (stamp, reading) in stamps.iter_mut().flatten().zip(&readings) {
            if reading.is_none() {
                *stamp = Stamp::NONE;
            }
        }
        let scan = Scan { at, mono_ms, readings, stamps };
        if scan.is_empty() { None } else { Some(scan) }
    }
}

fn is_due(new: &Last, last: &Last, rule: &ReportRule) -> bool {
    let silence = Duration::from_millis(new.mono_ms.saturating_sub(last.mono_ms));
    silence >= rule.max_silence
        || new.status != last.status
        || match (&last.reading, &new.reading) {
            (Reading::Good(old), Reading::Good(new)) => has_left(old, new, rule.deadband),
            (Reading::Uncertain(old, a), Reading::Uncertain(new, b)) => a != b || has_left(old, new, rule.deadband),
            (Reading::Bad(a), Reading::Bad(b)) => a != b,
            _ => true,
        }
}

/// Whether `new` is outside the band around `old`.
fn has_left(old: &Value, new: &Value, deadband: Deadband) -> bool {
    let (limit, base) = match deadband {
        Deadband::None => return true,
        Deadband::Absolute(limit) => (limit, 1.0),
        // In hundredths, so that a band of 1 % around 100 ends at 101 exactly.
        Deadband::Percent(percent) => (percent * old.as_f64().map_or(0.0, f64::abs), 100.0),
    };
    match distance(old, new) {
        Some(distance) => distance * base > limit,
        None => old != new,
    }
}

/// How far apart two numbers of one kind are: never 0 for two that differ. `None` for what has no distance: truth values, text, JSON, unlike
/// kinds.
fn distance(old: &Value, new: &Value) -> Option<f64> {
    match (old, new) {
        (Value::I64(a), Value::I64(b)) => Some(a.abs_diff(*b) as f64),
        (Value::U64(a), Value::U64(b)) => Some(a.abs_diff(*b) as f64),
        (Value::F32(a), Value::F32(b)) => Some((f64::from(*a) - f64::from(*b)).abs()),
        (Value::F64(a), Value::F64(b)) => Some((a - b).abs()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Group, TagInfo, Timestamp, ValueKind, Why};
    use std::sync::Arc;

    const MINUTE: Duration = Duration::from_secs(60);

    fn group(deadbands: &[Deadband]) -> Arc<Group> {
        let tag = |(i, deadband): (usize, &Deadband)| TagInfo {
            name: format!("t{i}").into(),
            unit: None,
            kind: ValueKind::Float,
            report: ReportRule { deadband: *deadband, max_silence: MINUTE },
            grade: crate::model::Grade::default(),
        };
        Arc::new(Group::new("m".into(), Duration::from_secs(1), deadbands.iter().enumerate().map(tag).collect()))
    }

    fn batch(group: &Arc<Group>, mono_ms: u64, readings: Vec<Reading>) -> Batch {
        let readings = readings.into_iter().map(Some).collect();
        Batch { group: group.clone(), at: Timestamp(mono_ms as i64), mono_ms, due_ms: None, readings, stamps: None }
    }

    /// Reports `first`, then tells whether `second`, a second later, is reported.
    #[track_caller]
    fn check(deadband: Deadband, first: Reading, second: Reading, reported: bool) {
        let (mut on_change, group) = (OnChange::new(), group(&[deadband]));
        assert!(
            on_change.filter(batch(&group, 0, vec![first.clone()])).is_some(),
            "the first reading is always reported"
        );
        let shown = format!("{deadband:?}: {first:?} then {second:?}");
        assert_eq!(on_change.filter(batch(&group, 1000, vec![second])).is_some(), reported, "{shown}");
    }

    fn good(x: f64) -> Reading {
        Reading::Good(Value::F64(x))
    }

    #[test]
    fn without_a_deadband_everything_is_reported() {
        check(Deadband::None, good(1.0), good(1.0), true);
        check(Deadband::None, Reading::Bad(Why::Timeout), Reading::Bad(Why::Timeout), true);
    }

    #[test]
    fn an_absolute_band_is_left_beyond_its_edge_not_at_it() {
        let half = Deadband::Absolute(0.5);
        check(half, good(10.0), good(10.5), false);
        check(half, good(10.0), good(9.5), false);
        check(half, good(10.0), good(10.500001), true);
        check(half, good(10.0), good(9.499999), true);
        check(Deadband::Absolute(1.0), Reading::Good(Value::I64(5)), Reading::Good(Value::I64(6)), false);
        check(Deadband::Absolute(1.0), Reading::Good(Value::U64(5)), Reading::Good(Value::U64(3)), true);
        check(Deadband::Absolute(1.0), Reading::Good(Value::F32(5.0)), Reading::Good(Value::F32(6.5)), true);
        check(Deadband::Absolute(1.0), Reading::Good(Value::I64(i64::MIN)), Reading::Good(Value::I64(i64::MAX)), true);
    }

    #[test]
    fn a_band_of_zero_reports_any_change_and_only_changes() {
        for zero in [Deadband::Absolute(0.0), Deadband::Percent(0.0)] {
            check(zero, good(10.0), good(10.0), false);
            check(zero, good(10.0), good(10.000000000000002), true);
            let big = 1 << 60;
            check(zero, Reading::Good(Value::I64(big)), Reading::Good(Value::I64(big + 1)), true);
        }
    }

    #[test]
    fn a_percentage_is_of_the_last_reported_value() {
        let one = Deadband::Percent(1.0);
        check(one, good(100.0), good(101.0), false);
        check(one, good(100.0), good(101.001), true);
        check(one, good(-100.0), good(-99.0), false);
        check(one, good(-100.0), good(-98.999), true);
        check(one, good(0.0), good(0.001), true);
        check(one, good(0.0), good(0.0), false);
    }

    #[test]
    fn truth_and_text_are_reported_on_change_whatever_the_band() {
        for band in [Deadband::Absolute(5.0), Deadband::Percent(50.0), Deadband::Absolute(0.0)] {
            for (a, b) in [
                (Value::Bool(false), Value::Bool(true)),
                (Value::Text("run".into()), Value::Text("stop".into())),
                (Value::Json("[1,2]".into()), Value::Json("[1,3]".into())),
            ] {
                check(band, Reading::Good(a.clone()), Reading::Good(a.clone()), false);
                check(band, Reading::Good(a), Reading::Good(b), true);
            }
        }
        check(Deadband::Absolute(5.0), Reading::Good(Value::I64(1)), good(1.0), true);
    }

    #[test]
    fn a_change_of_quality_is_always_reported() {
        let wide = Deadband::Absolute(1000.0);
        let uncertain = |x, why| Reading::Uncertain(Value::F64(x), why);
        check(wide, good(1.0), Reading::Bad(Why::Timeout), true);
        check(wide, Reading::Bad(Why::Timeout), good(1.0), true);
        check(wide, Reading::Bad(Why::Timeout), Reading::Bad(Why::Refused), true);
        check(wide, Reading::Bad(Why::Timeout), Reading::Bad(Why::Timeout), false);
        check(wide, good(1.0), uncertain(1.0, Why::DeviceBusy), true);
        check(wide, uncertain(1.0, Why::DeviceBusy), uncertain(1.0, Why::Acknowledge), true);
        check(wide, uncertain(1.0, Why::DeviceBusy), uncertain(2.0, Why::DeviceBusy), false);
        check(wide, uncertain(1.0, Why::DeviceBusy), uncertain(2000.0, Why::DeviceBusy), true);
    }

    #[test]
    fn silence_ends_at_its_limit_and_begins_anew_with_each_report() {
        let (mut on_change, group) = (OnChange::new(), group(&[Deadband::Absolute(1.0)]));
        let mut at = |mono_ms, x| on_change.filter(batch(&group, mono_ms, vec![good(x)])).is_some();
        assert!(at(0, 1.0));
        assert!(!at(59_999, 1.0));
        assert!(at(60_000, 1.0));
        assert!(!at(119_999, 1.0));
        assert!(at(119_999, 5.0), "a change does not wait for the silence to end");
        assert!(!at(120_000, 5.0), "and is a report like any other");
    }

    #[test]
    fn a_slow_drift_is_measured_from_the_last_report_not_from_the_last_reading() {
        let (mut on_change, group) = (OnChange::new(), group(&[Deadband::Absolute(1.0)]));
        let reported: Vec<u64> =
            (0..10).filter(|i| on_change.filter(batch(&group, *i, vec![good(*i as f64 * 0.4)])).is_some()).collect();
        assert_eq!(reported, [0, 3, 6, 9]);
    }

    #[test]
    fn what_is_held_back_leaves_its_place_empty_beside_what_is_reported() {
        let (mut on_change, group) = (OnChange::new(), group(&[Deadband::Absolute(1.0), Deadband::Absolute(1.0)]));
        on_change.filter(batch(&group, 0, vec![good(1.0), good(1.0)]));
        let scan = on_change.filter(batch(&group, 1, vec![good(1.0), good(9.0)])).unwrap();
        assert_eq!((scan.mono_ms, scan.readings), (1, vec![None, Some(good(9.0))]));
        assert!(on_change.filter(batch(&group, 2, vec![good(1.0), good(9.0)])).is_none());
    }

    #[test]
    fn a_tag_without_news_changes_nothing_of_what_is_remembered_of_it() {
        let (mut on_change, group) = (OnChange::new(), group(&[Deadband::Absolute(1.0), Deadband::None]));
        let mut at = |mono_ms, reading: Option<Reading>| {
            let batch = Batch { readings: vec![reading, None], ..batch(&group, mono_ms, Vec::new()) };
            on_change.filter(batch).map(|scan| scan.readings)
        };
        assert_eq!(at(0, None), None);
        assert_eq!(at(1, Some(good(1.0))), Some(vec![Some(good(1.0)), None]));
        assert_eq!(at(50_000, None), None);
        assert_eq!(at(60_000, Some(good(1.5))), None, "still within the band and the silence of the last report");
        assert_eq!(
            at(60_001, Some(good(1.5))),
            Some(vec![Some(good(1.5)), None]),
            "the silence counts from the report"
        );
    }

    #[test]
    fn a_stamp_stays_beside_its_reading_and_goes_with_it() {
        let (mut on_change, group) = (OnChange::new(), group(&[Deadband::Absolute(1.0), Deadband::None]));
        let stamp = |ms, status| Stamp { source: Some(Timestamp(ms)), server: Some(Timestamp(ms + 1)), status };
        let mut at = |ms: i64, stamps: [Stamp; 2]| {
            let batch = Batch { stamps: Some(stamps.into()), ..batch(&group, ms as u64, vec![good(1.0), good(1.0)]) };
            let scan = on_change.filter(batch).expect("one tag is always reported");
            (scan.readings[0].is_some(), scan.stamps.expect("they went in"))
        };
        assert_eq!(at(0, [stamp(0, 0), stamp(0, 0)]), (true, [stamp(0, 0), stamp(0, 0)].into()));
        assert_eq!(at(1, [stamp(1, 0), stamp(1, 0)]), (false, [Stamp::NONE, stamp(1, 0)].into()));
        let changed = [stamp(2, 0x0040_0000), stamp(2, 0)];
        assert_eq!(at(2, changed), (true, changed.into()), "a change of the status is one of quality");
        assert_eq!(at(3, changed), (false, [Stamp::NONE, changed[1]].into()));
    }
}
