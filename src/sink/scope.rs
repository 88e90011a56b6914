//! Scope: what may leave for one sink. Pure. The rule: what no entry of `send` names stays here.

use crate::config::glob;
use crate::model::TagInfo;

/// The entries of one sink's `send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    events: bool,
    tags: Vec<Pattern>,
}

/// `device.tag`, each half with `*` for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    device: String,
    tag: String,
}

/// Which tags of one group may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask(Box<[bool]>);

impl Scope {
    /// The scope that these entries open: `device`, `device.tag`, either half with `*`; and the word `events`.
    /// An entry without a dot means all tags of the devices it matches.
    pub fn new(send: &[String]) -> Scope {
        let mut scope = Scope { events: false, tags: Vec::new() };
        for entry in send {
            if entry == EVENTS {
                scope.events = true;
                continue;
            }
            let (device, tag) = entry.split_once('.').unwrap_or((entry, "*"));
            scope.tags.push(Pattern { device: device.into(), tag: tag.into() });
        }
        scope
    }

    /// Whether the events stream may leave. Only the word itself opens it: `*` is all tags, and no event.
    pub fn events(&self) -> bool {
        self.events
    }

    /// Which of these tags of `device` may leave.
    pub fn mask(&self, device: &str, tags: &[TagInfo]) -> Mask {
        let of_device: Vec<_> = self.tags.iter().filter(|pattern| glob(&pattern.device, device)).collect();
        Mask(tags.iter().map(|tag| of_device.iter().any(|pattern| glob(&pattern.tag, &tag.name))).collect())
    }
}

impl Mask {
    /// Whether no tag may leave.
    pub fn is_empty(&self) -> bool {
        !self.0.contains(&true)
    }

    /// Whether the tag at this place of its group may leave; nothing beyond the group may.
    pub fn allows(&self, place: usize) -> bool {
        self.0.get(place).copied().unwrap_or(false)
    }
}

/// The entry that opens the events stream.
const EVENTS: &str = "events";

#[cfg(test)]
mod tests {
    use super::*;
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
