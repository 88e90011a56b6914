//! Scope: what may leave for one sink. Pure. Two rules: what no entry of `send` names stays here; and what is important or
//! core stays here unless `send_important` names it too, tag by tag.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::{Device, EVENTS, INDICATORS, Sink, glob};
use crate::model::{Event, Grade, TagInfo};

/// The entries of one sink's `send` and `send_important`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    events: bool,
    indicators: bool,
    tags: Vec<Pattern>,
    /// `device.tag` of those that are named twice.
    guarded: HashSet<String>,
    /// The configuration in force, for the level of tags that were recorded under another one.
    devices: Vec<Arc<Device>>,
}

/// `device.tag`, each half with `*` for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    device: String,
    tag: String,
}

/// Which tags of one group may leave, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask(Box<[Option<Grade>]>);

/// What a scope says of one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It leaves.
    Leaves,
    /// No entry of `send` opens it.
    NotNamed,
    /// `send` opens it, but it is important or core, and `send_important` does not name it.
    NamedOnce,
}

impl Scope {
    /// The scope that these entries open: `device`, `device.tag`, either half with `*`; and the words `events` and
    /// `indicators`. An entry without a dot means all tags of the devices it matches. Nothing is named twice.
    pub fn new(send: &[String]) -> Scope {
        let mut scope =
            Scope { events: false, indicators: false, tags: Vec::new(), guarded: HashSet::new(), devices: Vec::new() };
        for entry in send {
            match entry.as_str() {
                EVENTS => scope.events = true,
                INDICATORS => scope.indicators = true,
                entry => {
                    let (device, tag) = entry.split_once('.').unwrap_or((entry, "*"));
                    scope.tags.push(Pattern { device: device.into(), tag: tag.into() });
                }
            }
        }
        scope
    }

    /// The scope of a sink. Where `devices` have a tag, their level counts, else the one under which it was recorded: a
    /// level that is raised holds for what waits in the journal too.
    pub fn of(sink: &Sink, devices: &[Arc<Device>]) -> Scope {
        let guarded = sink.send_important.iter().cloned().collect();
        Scope { guarded, devices: devices.to_vec(), ..Scope::new(&sink.send) }
    }

    /// Whether the events stream may leave. Only the word itself opens it: `*` is all tags, and no event.
    pub fn events(&self) -> bool {
        self.events
    }

    /// Whether indicators may leave. Only the word itself opens them, and it opens no tag.
    pub fn indicators(&self) -> bool {
        self.indicators
    }

    /// Whether anything of the events stream may leave.
    pub fn any_event(&self) -> bool {
        self.events || self.indicators
    }

    /// Whether this event may leave. Every kind is named here, so that a new one compiles only once somebody has decided
    /// which word opens it. The word `events` opens none that tells a value of a tag.
    pub fn allows(&self, event: &Event) -> bool {
        match event {
            Event::Link { .. }
            | Event::Dropped { .. }
            | Event::Started { .. }
            | Event::Ledger(_)
            | Event::Clock { .. } => self.events,
            Event::State(_) | Event::Indicator(_) => self.indicators,
        }
    }

    /// Which of these tags of `device` may leave.
    pub fn mask(&self, device: &str, tags: &[TagInfo]) -> Mask {
        let of_device: Vec<_> = self.tags.iter().filter(|pattern| glob(&pattern.device, device)).collect();
        if of_device.is_empty() {
            return Mask(vec![None; tags.len()].into());
        }
        let configured = self.devices.iter().find(|known| *known.id == *device);
        let mask = tags.iter().map(|tag| {
            let known = configured.and_then(|device| device.tags.iter().find(|known| known.name == tag.name));
            let grade = known.map_or(tag.grade, |known| known.grade);
            (self.judge(&of_device, device, &tag.name, grade) == Verdict::Leaves).then_some(grade)
        });
        Mask(mask.collect())
    }

    /// What becomes of a tag of this grade.
    pub fn verdict(&self, device: &str, tag: &str, grade: Grade) -> Verdict {
        let of_device: Vec<_> = self.tags.iter().filter(|pattern| glob(&pattern.device, device)).collect();
        self.judge(&of_device, device, tag, grade)
    }

    fn judge(&self, of_device: &[&Pattern], device: &str, tag: &str, grade: Grade) -> Verdict {
        if !of_device.iter().any(|pattern| glob(&pattern.tag, tag)) {
            Verdict::NotNamed
        } else if grade.level.is_guarded() && !self.guarded.contains(&format!("{device}.{tag}")) {
            Verdict::NamedOnce
        } else {
            Verdict::Leaves
        }
    }
}

impl Mask {
    /// Whether no tag may leave.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether the tag at this place of its group may leave; nothing beyond the group may.
    pub fn allows(&self, place: usize) -> bool {
        self.grade(place).is_some()
    }

    /// As what the tag at this place leaves; `None`: it stays.
    pub fn grade(&self, place: usize) -> Option<Grade> {
        self.0.get(place).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::{Class, Level, LinkState, Previous, State, StateReport};
    use crate::sink::payload::tests::tag;
    use proptest::prelude::*;

    fn scope(send: &[&str]) -> Scope {
        Scope::new(&send.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(send: &[&str], device: &str, allowed: &[&str]) {
        let tags = [tag("temp"), tag("temp_2"), tag("p_kw"), tag("running")];
        let mask = scope(send).mask(device, &tags);
        let got: Vec<_> = (0..tags.len()).filter(|&i| mask.allows(i)).map(|i| &*tags[i].name).collect();
        assert_eq!(got, allowed, "{send:?} for {device}");
        assert_eq!(mask.is_empty(), allowed.is_empty());
        assert!(!mask.allows(tags.len()), "beyond the group");
    }

    #[test]
    fn entries_open_what_they_name_and_nothing_else() {
        const ALL: &[&str] = &["temp", "temp_2", "p_kw", "running"];
        check(&[], "imm-01", &[]);
        check(&["*"], "imm-01", ALL);
        check(&["*.*"], "imm-01", ALL);
        check(&["imm-01"], "imm-01", ALL);
        check(&["imm-01"], "imm-011", &[]);
        check(&["imm-01"], "imm-0", &[]);
        check(&["imm-*"], "imm-01", ALL);
        check(&["imm-*"], "press-01", &[]);
        check(&["*-01"], "imm-01", ALL);
        check(&["imm-01.temp"], "imm-01", &["temp"]);
        check(&["imm-01.temp"], "imm-02", &[]);
        check(&["*.p_kw"], "imm-02", &["p_kw"]);
        check(&["imm-*.temp*"], "imm-01", &["temp", "temp_2"]);
        check(&["imm-01.*_*"], "imm-01", &["temp_2", "p_kw"]);
        check(&["imm-01.temp", "*.running"], "imm-01", &["temp", "running"]);
        check(&["imm-01.TEMP"], "imm-01", &[]);
        check(&[""], "imm-01", &[]);
        check(&["imm-01."], "imm-01", &[]);
        check(&["events"], "imm-01", &[]);
    }

    #[test]
    fn only_the_word_events_opens_the_events_stream() {
        assert!(scope(&["imm-01", "events"]).events());
        for closed in [&["*"][..], &["*.*"], &["event*"], &["events.*"], &["Events"], &[]] {
            assert!(!scope(closed).events(), "{closed:?}");
        }
    }

    #[test]
    fn only_the_word_indicators_opens_indicators_and_it_opens_nothing_else() {
        let only = scope(&["indicators"]);
        assert!(only.indicators() && !only.events() && only.any_event());
        check(&["indicators"], "imm-01", &[]);
        check(&["indicators"], "indicators", &[]);
        for closed in [&["*"][..], &["*.*"], &["indicators.*"], &["events"], &[]] {
            assert!(!scope(closed).indicators(), "{closed:?}");
        }
    }

    /// A sink on a device with tags of these levels.
    fn guarded(send: &str, send_important: &str) -> (Scope, Vec<Arc<Device>>) {
        let text = format!(
            r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "UTC"
[[link]]
name = "l"
modbus_tcp = "127.0.0.1"
[[device]]
id = "m"
link = "l"
tags = [
    {{ name = "plain", address = "40001", type = "u16" }},
    {{ name = "recipe", address = "40002", type = "u16", class = "工艺参数", level = "重要" }},
    {{ name = "key", address = "40003", type = "u16", level = "core" }},
]
[[sink]]
name = "s"
mqtt = "mqtts://b"
send = [{send}]
send_important = [{send_important}]
"#
        );
        let config = Config::parse(&text).expect("the test writes valid files");
        (Scope::of(&config.sinks[0], &config.devices), config.devices)
    }

    #[track_caller]
    fn leaves(send: &str, send_important: &str, expected: &[&str]) {
        let (scope, devices) = guarded(send, send_important);
        let infos: Vec<TagInfo> = devices[0].tags.iter().map(|tag| tag.info()).collect();
        let mask = scope.mask("m", &infos);
        let got: Vec<&str> = (0..3).filter(|&place| mask.allows(place)).map(|place| &*infos[place].name).collect();
        assert_eq!(got, expected, "send = [{send}], send_important = [{send_important}]");
        for (place, tag) in devices[0].tags.iter().enumerate() {
            let is_verdict = scope.verdict("m", &tag.name, tag.grade) == Verdict::Leaves;
            assert_eq!(is_verdict, mask.allows(place), "{}", tag.name);
            assert_eq!(mask.grade(place), is_verdict.then_some(tag.grade));
        }
    }

    #[test]
    fn what_is_important_leaves_only_if_it_is_named_twice() {
        leaves("\"*\"", "", &["plain"]);
        leaves("\"m\"", "", &["plain"]);
        leaves("\"m.recipe\"", "", &[]);
        leaves("\"m.recipe\"", "\"m.recipe\"", &["recipe"]);
        leaves("\"*\"", "\"m.recipe\"", &["plain", "recipe"]);
        leaves("\"*\", \"events\", \"indicators\"", "\"m.key\"", &["plain", "key"]);
        assert_eq!(
            guarded("\"*\"", "").0.verdict("m", "key", Grade { level: Level::Core, ..Grade::default() }),
            Verdict::NamedOnce
        );
        assert_eq!(guarded("\"m.key\"", "").0.verdict("m", "plain", Grade::default()), Verdict::NotNamed);
    }

    #[test]
    fn the_level_in_force_holds_for_what_was_recorded_before_and_the_recorded_one_for_what_is_configured_no_more() {
        let important = Grade { class: Class::ProcessParameter, level: Level::Important };
        let (scope, _) = guarded("\"*\"", "");
        let recorded = |name: &str, grade| TagInfo { grade, ..tag(name) };
        let before = [
            recorded("recipe", Grade::default()),
            recorded("plain", important),
            recorded("gone", important),
            recorded("gone_too", Grade::default()),
        ];
        let mask = scope.mask("m", &before);
        let allowed = [0, 1, 2, 3].map(|place| mask.allows(place));
        assert_eq!(allowed, [false, true, false, true]);
        let other = scope.mask("renamed", &before);
        assert_eq!([0, 1, 2, 3].map(|place| other.allows(place)), [true, false, false, true]);
    }

    #[test]
    fn no_event_tells_a_value_of_a_tag() {
        // Names of links and of causes, counts and states: whatever is added is to be looked at here.
        const TOLD: [&str; 8] = ["event", "link", "state", "why", "samples", "cause", "previous", "missing"];
        let events = [
            Event::Link { link: "l".into(), state: LinkState::Down, why: Some("timeout".into()) },
            Event::Dropped { samples: 7, cause: "max_age".into() },
            Event::Started { previous: Previous::Crash, missing: 3 },
        ];
        for event in events {
            assert!(scope(&["events"]).allows(&event) && !scope(&["*", "indicators"]).allows(&event));
            let json = serde_json::to_value(&event).expect("an event is JSON");
            for key in json.as_object().expect("an event is a map").keys() {
                assert!(TOLD.contains(&key.as_str()), "{key} of {event:?}");
            }
        }
    }

    #[test]
    fn states_and_figures_of_machines_leave_by_the_word_indicators_alone() {
        let report =
            StateReport { device: "m".into(), state: State::Run, cause: String::new(), text: String::new(), since: 0 };
        let state = Event::State(report);
        assert!(scope(&["indicators"]).allows(&state) && !scope(&["*", "m", "events"]).allows(&state));
    }

    proptest! {
        #[test]
        fn a_glob_matches_what_the_plain_definition_says(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            fn plain(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|skip| plain(rest, &text[skip..])),
                    Some((byte, rest)) => text.first() == Some(byte) && plain(rest, &text[1..]),
                }
            }
            prop_assert_eq!(glob(&pattern, &text), plain(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
