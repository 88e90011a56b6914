//! Freshness: when each group of tags was last heard and last good, and which of its tags have no good value, and why. Pure.
//!
//! The rule: it is kept for whoever asks how things are, and decides nothing. Of tags that are good nothing is remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::{Batch, Group, Reading, Sign, Why};

/// All groups of the configuration, by their id.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    groups: HashMap<u64, State>,
}

#[derive(Debug)]
struct State {
    group: Arc<Group>,
    /// When a tag of it was last good, or a subscription was alive that had nothing new to tell.
    good_ms: Option<u64>,
    /// Tags that are not good, by their place.
    odd: BTreeMap<usize, Odd>,
}

/// A tag that is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Odd {
    why: Why,
    is_bad: bool,
    since_ms: u64,
}

/// What is told of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceGlance {
    /// Milliseconds since its last good value.
    pub good_ago_ms: Option<u64>,
    /// Tags that are not good.
    pub odd_tags: u64,
}

/// What is told of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagGlance {
    /// Its device.
    pub device: Arc<str>,
    /// Its name.
    pub tag: Arc<str>,
    /// Why it is not good.
    pub why: Why,
    /// Whether there is no value at all.
    pub is_bad: bool,
    /// Since when, in milliseconds.
    pub for_ms: u64,
}

impl Fresh {
    /// Only these groups are left, by their ids.
    pub(super) fn keep(&mut self, ids: impl IntoIterator<Item = u64>) {
        let ids: std::collections::HashSet<u64> = ids.into_iter().collect();
        self.groups.retain(|id, _| ids.contains(id));
    }

    /// What a source heard.
    pub(super) fn on_batch(&mut self, batch: &Batch) {
        let state = self.state(&batch.group);
        for (place, reading) in batch.readings.iter().enumerate() {
            let (why, is_bad) = match reading {
                None => continue,
                Some(Reading::Good(_)) => {
                    state.good_ms = Some(batch.mono_ms);
                    if !state.odd.is_empty() {
                        state.odd.remove(&place);
                    }
                    continue;
                }
                Some(Reading::Uncertain(_, why)) => (*why, false),
                Some(Reading::Bad(why)) => (*why, true),
            };
            let odd = state.odd.entry(place).or_insert(Odd { why, is_bad, since_ms: batch.mono_ms });
            if odd.is_bad != is_bad {
                odd.since_ms = batch.mono_ms;
            }
            (odd.why, odd.is_bad) = (why, is_bad);
        }
    }

    /// A subscription lives: what stood stands.
    pub(super) fn on_sign(&mut self, sign: &Sign) {
        let state = self.state(&sign.group);
        let is_all_odd = state.odd.len() >= state.group.tags.len();
        if sign.lapse.is_none() && state.good_ms.is_some() && !is_all_odd {
            state.good_ms = Some(sign.mono_ms);
        }
    }

    /// By device.
    pub(super) fn devices(&self, now_ms: u64) -> HashMap<Arc<str>, DeviceGlance> {
        let mut devices: HashMap<Arc<str>, DeviceGlance> = HashMap::new();
        for State { group, good_ms, odd } in self.groups.values() {
            let device = devices.entry(group.device.clone()).or_default();
            let ago = good_ms.map(|good| now_ms.saturating_sub(good));
            device.good_ago_ms = device.good_ago_ms.into_iter().chain(ago).min();
            device.odd_tags += odd.len() as u64;
        }
        devices
    }

    /// Tags that are not good, in no order. All of them, which are at most as many as the configuration has: which of them to leave out
    /// is for those to say who know which devices are online.
    pub(super) fn odd_tags(&self, now_ms: u64) -> Vec<TagGlance> {
        let of_group = |state: &State| {
            let tag = |(place, odd): (&usize, &Odd)| {
                Some(TagGlance {
                    device: state.group.device.clone(),
                    tag: state.group.tags.get(*place)?.name.clone(),
                    why: odd.why,
                    is_bad: odd.is_bad,
                    for_ms: now_ms.saturating_sub(odd.since_ms),
                })
            };
            state.odd.iter().filter_map(tag).collect::<Vec<_>>()
        };
        self.groups.values().flat_map(of_group).collect()
    }

    fn state(&mut self, group: &Arc<Group>) -> &mut State {
        let new = || State { group: group.clone(), good_ms: None, odd: BTreeMap::new() };
        self.groups.entry(group.id).or_insert_with(new)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Deadband, ReportRule, TagInfo, Timestamp, Value, ValueKind};

    fn group(device: &str) -> Arc<Group> {
        let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
        let tag = |name: &str| TagInfo {
            name: name.into(),
            unit: None,
            kind: ValueKind::Int,
            report,
            grade: Default::default(),
        };
        Arc::new(Group::new(device.into(), Duration::from_secs(1), vec![tag("a"), tag("b")]))
    }

    fn batch(group: &Arc<Group>, mono_ms: u64, readings: [Option<Reading>; 2]) -> Batch {
        let (group, at, due_ms) = (group.clone(), Timestamp(0), None);
        Batch { group, at, mono_ms, due_ms, readings: readings.into(), stamps: None }
    }

    const GOOD: Option<Reading> = Some(Reading::Good(Value::I64(1)));

    fn bad(why: Why) -> Option<Reading> {
        Some(Reading::Bad(why))
    }

    #[test]
    fn a_tag_is_odd_since_its_first_bad_reading_whatever_the_causes_that_follow() {
        let (mut fresh, m) = (Fresh::default(), group("m"));
        fresh.on_batch(&batch(&m, 1_000, [GOOD, bad(Why::Timeout)]));
        fresh.on_batch(&batch(&m, 2_000, [GOOD, bad(Why::IllegalAddress)]));
        let tags = fresh.odd_tags(5_000);
        assert_eq!((tags.len(), tags[0].why, tags[0].for_ms, &*tags[0].tag), (1, Why::IllegalAddress, 4_000, "b"));
        assert_eq!(fresh.devices(5_000)["m"], DeviceGlance { good_ago_ms: Some(3_000), odd_tags: 1 });
        fresh.on_batch(&batch(&m, 6_000, [None, Some(Reading::Uncertain(Value::I64(1), Why::LastKnown))]));
        assert_eq!(fresh.odd_tags(7_000)[0].for_ms, 1_000, "there is a value again, of a kind");
        fresh.on_batch(&batch(&m, 8_000, [None, GOOD]));
        assert_eq!(fresh.odd_tags(9_000), []);
    }

    #[test]
    fn a_subscription_that_lives_is_fresh_unless_nothing_of_it_was_ever_good() {
        let (mut fresh, m) = (Fresh::default(), group("m"));
        let sign = |mono_ms, lapse| Sign { group: m.clone(), mono_ms, lapse };
        fresh.on_sign(&sign(1_000, None));
        assert_eq!(fresh.devices(2_000)["m"].good_ago_ms, None);
        fresh.on_batch(&batch(&m, 2_000, [GOOD, GOOD]));
        fresh.on_sign(&sign(4_000, None));
        assert_eq!(fresh.devices(5_000)["m"].good_ago_ms, Some(1_000));
        fresh.on_sign(&sign(6_000, Some(Why::Timeout)));
        assert_eq!(fresh.devices(7_000)["m"].good_ago_ms, Some(3_000), "a lapse says nothing good");
        fresh.on_batch(&batch(&m, 7_000, [bad(Why::Timeout), bad(Why::Timeout)]));
        fresh.on_sign(&sign(9_000, None));
        assert_eq!(fresh.devices(9_000)["m"].good_ago_ms, Some(5_000));
    }

    #[test]
    fn groups_that_are_gone_are_forgotten() {
        let (mut fresh, m, n) = (Fresh::default(), group("m"), group("n"));
        fresh.on_batch(&batch(&m, 1_000, [bad(Why::Timeout), bad(Why::Timeout)]));
        fresh.on_batch(&batch(&n, 500, [bad(Why::Timeout), GOOD]));
        assert_eq!(fresh.odd_tags(2_000).len(), 3);
        fresh.keep([m.id]);
        assert_eq!(fresh.odd_tags(2_000).len(), 2);
    }
}
