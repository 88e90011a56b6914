//! What needs a person: judged from the document alone. It decides the exit code of `cloudward status` and the answer of `/health`.
//!
//! The rule: what mends itself within minutes is no need; what is told names what it is about, and what to do.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use super::document::{BadTag, LinkPart, Saying, SinkPart, Status};
use super::show::{show_why, span};
use crate::model::words::status as words;
use crate::model::{Lang, Trouble};

/// A machine that is switched off and on, a broker that is restarted, a clock that waits for NTP: that mends itself.
const PATIENCE_S: u64 = 300;

/// A sink that is so far behind does not keep up.
const BEHIND_S: f64 = 3_600.0;

/// Time enough to do something about a journal that fills: a shift.
const HOURS_LEFT: f64 = 8.0;

/// What was given up is told for so long: then everybody knows who wants to.
const DAY_MS: i64 = 86_400_000;

/// Needs that are told; who has more has one cause.
const MOST_NEEDS: usize = 30;

/// The recorder is asked and waited for so long.
pub const RECORDER_ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// What needs a person, the most urgent first.
pub fn needs(status: &Status) -> Vec<Saying> {
    let mut needs = Vec::new();
    let mut need = |told: &dyn Fn(Lang) -> Trouble| needs.push(in_both(told));
    let journal = &status.journal;
    if let Some(hours) = journal.hours_left.filter(|hours| *hours < HOURS_LEFT) {
        let left = (hours * 3_600.0) as u64;
        need(&|lang| Trouble::new(words::JOURNAL_FILLS).with("span", span(left, lang)));
    }
    let aged = |loss: &&super::LossPart| status.at_ms.is_none_or(|at| at.saturating_sub(loss.at_ms) < DAY_MS);
    let given_up: u64 = journal.losses.iter().filter(aged).map(|loss| loss.samples).sum();
    if given_up > 0 {
        need(&|_| Trouble::new(words::GIVEN_UP).with("samples", given_up));
    }
    if let Some(records) = journal.quarantine_records.filter(|records| *records > 0) {
        need(&|_| Trouble::new(words::QUARANTINED).with("records", records));
    }
    for sink in status.sinks.iter().filter(|sink| sink.is_connected && sink.paused.is_none()) {
        if let Some(lag) = sink.lag_s.filter(|lag| *lag >= BEHIND_S) {
            need(&|lang| {
                let trouble = Trouble::new(words::SINK_BEHIND).with("sink", &sink.name);
                trouble.with("records", sink.waiting_records).with("span", span(lag as u64, lang))
            });
        }
    }
    for device in silent_devices(status) {
        let silent = device.good_ago_s.map_or(status.agent.uptime_s, |ago| ago as u64);
        need(&|lang| {
            let trouble = Trouble::new(words::DEVICE_SILENT).with("device", &device.id).with("link", &device.link);
            trouble.with("span", span(silent, lang))
        });
    }
    for tags in bad_tags(status) {
        let BadTag { device, tag, why, .. } = tags[0];
        let shortest = tags.iter().map(|tag| tag.for_s).fold(f64::MAX, f64::min) as u64;
        need(&|lang| {
            let trouble = Trouble::new(words::TAGS_BAD).with("count", tags.len()).with("device", device);
            trouble.with("span", span(shortest, lang)).with("tag", tag).with("why", show_why(why, lang))
        });
    }
    if status.clock.as_ref().is_some_and(|clock| !clock.is_trusted) && status.agent.uptime_s >= PATIENCE_S {
        need(&|_| Trouble::new(words::CLOCK_UNTRUSTED));
    }
    let urgent = disk(status).into_iter().chain(status.sinks.iter().filter_map(|sink| away(sink, status)));
    let links = status.links.iter().filter_map(link_away);
    let mut all: Vec<Saying> = urgent.chain(links).collect();
    all.append(&mut needs);
    all.truncate(MOST_NEEDS);
    all
}

/// Whether nothing needs a person, as JSON for whoever watches.
pub fn health(status: &Status) -> (bool, String) {
    #[derive(Serialize)]
    struct Health<'a> {
        is_well: bool,
        needs: &'a [Saying],
    }
    let health = Health { is_well: status.is_well, needs: &status.needs };
    (status.is_well, serde_json::to_string(&health).unwrap_or_else(|_| "{}".into())) // texts and flags always are JSON
}

/// The disk that takes nothing, and the recorder that waits for it.
fn disk(status: &Status) -> Option<Saying> {
    if status.clock.is_none() {
        let within = RECORDER_ANSWERS_WITHIN.as_secs();
        return Some(in_both(&|lang| Trouble::new(words::RECORDER_SILENT).with("span", span(within, lang))));
    }
    let why = status.journal.refused.as_ref()?;
    Some(in_both(&|lang| Trouble::new(words::DISK_REFUSES).with("why", why.what(lang))))
}

fn away(sink: &SinkPart, status: &Status) -> Option<Saying> {
    let lasts = sink.for_s.unwrap_or(status.agent.uptime_s);
    let why = sink.trouble.as_ref().filter(|_| !sink.is_connected && lasts >= PATIENCE_S)?;
    Some(in_both(&|lang| {
        let trouble = Trouble::new(words::SINK_AWAY).with("sink", &sink.name).with("broker", &sink.broker);
        trouble.with("span", span(lasts, lang)).with("why", why.what(lang)).with("code", &why.code)
    }))
}

fn link_away(link: &LinkPart) -> Option<Saying> {
    let lasts = link.for_s.filter(|lasts| link.state == "down" && *lasts >= PATIENCE_S)?;
    let word = |lang| link.why.as_deref().map(|why| show_why(why, lang)).unwrap_or_default();
    Some(in_both(&|lang| {
        let trouble = Trouble::new(words::LINK_AWAY).with("link", &link.name).with("endpoint", &link.endpoint);
        let why = link.trouble.as_ref().map_or_else(|| word(lang), |why| why.what(lang).to_owned());
        trouble.with("span", span(lasts, lang)).with("why", why)
    }))
}

/// What is told in each language with the words and spans of that language.
fn in_both(told: &dyn Fn(Lang) -> Trouble) -> Saying {
    let zh = Saying::of(&told(Lang::Zh));
    Saying { zh: zh.zh, remedy_zh: zh.remedy_zh, ..Saying::of(&told(Lang::En)) }
}

/// Of a link that is down the link is told; of a device that has just been started nothing yet. Where the recorder does not answer,
/// nobody knows when a device was last heard.
fn silent_devices(status: &Status) -> impl Iterator<Item = &super::DevicePart> {
    let is_up =
        |device: &&super::DevicePart| status.links.iter().any(|link| link.name == device.link && link.state == "up");
    let is_silent = |device: &&super::DevicePart| {
        let never = status.clock.as_ref().map(|_| status.agent.uptime_s as f64);
        let Some(silent) = device.good_ago_s.or(never) else { return false };
        !device.is_online && device.tags > 0 && silent >= (PATIENCE_S as f64).max(3.0 * device.every_s)
    };
    status.devices.iter().filter(is_up).filter(is_silent)
}

/// Tags that are bad for long in a device that is heard, by device.
fn bad_tags(status: &Status) -> Vec<Vec<&BadTag>> {
    let online = status.devices.iter().filter(|device| device.is_online).map(|device| device.id.as_str());
    let online: HashSet<&str> = online.collect();
    let mut by_device: BTreeMap<&str, Vec<&BadTag>> = BTreeMap::new();
    for tag in status.bad_tags.iter().filter(|tag| tag.quality == "bad" && tag.for_s >= PATIENCE_S as f64) {
        if online.contains(tag.device.as_str()) {
            by_device.entry(&tag.device).or_default().push(tag);
        }
    }
    by_device.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::model::Code;

    #[track_caller]
    fn check(change: impl Fn(&mut Status), expected: &[Code]) {
        let mut status = sample::well();
        change(&mut status);
        let told: Vec<String> = needs(&status).into_iter().map(|need| need.code).collect();
        let expected: Vec<&str> = expected.iter().map(|code| code.0).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_workshop_that_is_well_needs_nobody() {
        check(|_| {}, &[]);
    }

    #[test]
    fn what_mends_itself_within_minutes_is_no_need_and_what_lasts_is_one() {
        let down = |status: &mut Status, for_s| {
            let link = &mut status.links[0];
            (link.state, link.for_s, link.why) = ("down".into(), Some(for_s), Some("timeout".into()));
            for device in &mut status.devices {
                (device.is_online, device.good_ago_s) = (false, Some(for_s as f64));
            }
        };
        check(|status| down(status, PATIENCE_S - 1), &[]);
        // The devices behind it are not told beside it.
        check(|status| down(status, PATIENCE_S), &[words::LINK_AWAY]);
        let silent = |status: &mut Status, ago| {
            (status.devices[0].is_online, status.devices[0].good_ago_s) = (false, ago);
        };
        check(|status| silent(status, Some(299.0)), &[]);
        check(|status| silent(status, Some(300.0)), &[words::DEVICE_SILENT]);
        check(|status| silent(status, None), &[words::DEVICE_SILENT]);
        let away = |status: &mut Status, for_s| {
            let sink = &mut status.sinks[0];
            (sink.is_connected, sink.for_s) = (false, for_s);
            sink.trouble =
                Some(Saying { code: "CW401".into(), en: "why".into(), zh: "因".into(), ..Saying::default() });
        };
        check(|status| away(status, Some(299)), &[]);
        check(|status| away(status, Some(300)), &[words::SINK_AWAY]);
        check(|status| away(status, None), &[words::SINK_AWAY]);
    }

    #[test]
    fn the_journal_the_clock_and_the_recorder_are_told() {
        check(|status| status.journal.hours_left = Some(9.0), &[]);
        check(|status| status.journal.hours_left = Some(7.0), &[words::JOURNAL_FILLS]);
        check(|status| status.journal.quarantine_records = Some(1), &[words::QUARANTINED]);
        check(|status| status.clock = None, &[words::RECORDER_SILENT]);
        let nobody_knows = |status: &mut Status| {
            status.clock = None;
            (status.devices[0].is_online, status.devices[0].good_ago_s) = (false, None);
        };
        check(nobody_knows, &[words::RECORDER_SILENT]);
        check(|status| status.clock.iter_mut().for_each(|clock| clock.is_trusted = false), &[words::CLOCK_UNTRUSTED]);
        check(|status| status.journal.refused = Some(Saying::default()), &[words::DISK_REFUSES]);
        check(|status| status.sinks[0].lag_s = Some(3_600.0), &[words::SINK_BEHIND]);
        let lost = |status: &mut Status, ago| {
            let (stream, cause, at_ms) = ("data".into(), "max_size".into(), status.at_ms.unwrap() - ago);
            status.journal.losses =
                vec![super::super::LossPart { stream, first: 1, last: 2, samples: 9, cause, at_ms }];
        };
        check(|status| lost(status, 1_000), &[words::GIVEN_UP]);
        check(|status| lost(status, DAY_MS), &[]);
    }

    #[test]
    fn bad_tags_are_told_by_device_if_the_device_is_heard() {
        let bad = |status: &mut Status, quality: &str, for_s| {
            let tag = |name: &str| BadTag {
                device: "press-01".into(),
                tag: name.into(),
                quality: quality.into(),
                why: "illegal_address".into(),
                for_s,
            };
            status.bad_tags = vec![tag("a"), tag("b")];
        };
        check(|status| bad(status, "bad", 300.0), &[words::TAGS_BAD]);
        check(|status| bad(status, "bad", 299.0), &[]);
        check(|status| bad(status, "uncertain", 999.0), &[]);
        check(|status| (bad(status, "bad", 300.0), status.devices[0].is_online = false).1, &[]);
    }

    #[test]
    fn a_need_says_in_both_languages_what_stands_behind_it() {
        let mut status = sample::well();
        status.journal.refused = Some(Saying { en: "full".into(), zh: "满".into(), ..Saying::default() });
        let need = &needs(&status)[0];
        assert!(need.en.contains("full") && need.zh.contains("满") && !need.zh.contains("full"), "{need:?}");
        assert!(!need.remedy_en.is_empty() && !need.remedy_zh.is_empty());
        status.needs = needs(&status);
        status.is_well = false;
        let (is_well, json) = health(&status);
        assert!(!is_well && json.starts_with(r#"{"is_well":false,"needs":[{"code":"CW842""#), "{json}");
    }
}
