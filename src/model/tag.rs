//! Tag and Group: what a value is called, and which tags are read together.

use std::sync::Arc;
use std::time::Duration;

use super::Grade;

/// The kind of value that a tag reports, after scaling. The word is part of the birth message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A float.
    Float,
    /// Text.
    Text,
    /// An array or a structure, as JSON.
    Json,
}

impl ValueKind {
    /// All kinds.
    pub const ALL: [ValueKind; 5] =
        [ValueKind::Bool, ValueKind::Int, ValueKind::Float, ValueKind::Text, ValueKind::Json];

    /// The word in birth messages and in the journal's dictionary.
    pub fn as_str(self) -> &'static str {
        match self {
            ValueKind::Bool => "bool",
            ValueKind::Int => "int",
            ValueKind::Float => "float",
            ValueKind::Text => "text",
            ValueKind::Json => "json",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<ValueKind> {
        ValueKind::ALL.into_iter().find(|k| k.as_str() == word)
    }
}

/// When a reading is worth recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deadband {
    /// Every reading.
    None,
    /// When the value left the last reported one by more than this (0: on any change).
    Absolute(f64),
    /// When the value left the last reported one by more than this share of it, in percent.
    Percent(f64),
}

/// Report on change, per tag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReportRule {
    /// How far a value may move unreported.
    pub deadband: Deadband,
    /// After this long without a report the next reading is reported whatever it is.
    pub max_silence: Duration,
}

/// What the journal, the sinks and the birth message need to know of a tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagInfo {
    /// Name, unique within its device: letters, digits, `_` and `-`.
    pub name: Arc<str>,
    /// Unit as the workshop writes it (`°C`, `kWh`), if any.
    pub unit: Option<Arc<str>>,
    /// Kind of the reported value.
    pub kind: ValueKind,
    /// Report on change.
    pub report: ReportRule,
    /// What kind of data it is, and what may happen to it.
    pub grade: Grade,
}

/// The tags of one device that are read together because they share a period. A batch is one scan of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The device's id.
    pub device: Arc<str>,
    /// Stable across restarts as long as the device id and the names, units, kinds and grades of its tags stay the same:
    /// [`Group::fingerprint`].
    pub id: u64,
    /// Time between two scans.
    pub period: Duration,
    /// The tags, in the order of a batch's readings.
    pub tags: Vec<TagInfo>,
}

impl Group {
    /// A group with its id computed.
    pub fn new(device: Arc<str>, period: Duration, tags: Vec<TagInfo>) -> Group {
        let id = Group::fingerprint(&device, &tags);
        Group { device, id, period, tags }
    }

    /// The period in milliseconds; at least one.
    pub fn period_ms(&self) -> u64 {
        u64::try_from(self.period.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// FNV-1a over what a dictionary entry of the journal holds. Equal ids are compared in full before they are trusted.
    pub fn fingerprint(device: &str, tags: &[TagInfo]) -> u64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut eat = |text: &str| {
            for byte in text.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        eat(device);
        for tag in tags {
            eat(&tag.name);
            eat(tag.unit.as_deref().unwrap_or(""));
            eat(tag.kind.as_str());
            if tag.grade != Grade::default() {
                eat(tag.grade.class.as_str());
                eat(tag.grade.level.as_str());
            }
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str, unit: Option<&str>) -> TagInfo {
        TagInfo {
            name: name.into(),
            unit: unit.map(Into::into),
            kind: ValueKind::Float,
            report: ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) },
            grade: Grade::default(),
        }
    }

    #[test]
    fn a_fingerprint_changes_with_device_names_and_units_but_not_with_the_period() {
        let second = Duration::from_secs(1);
        let base = Group::new("m".into(), second, vec![tag("a", None), tag("b", Some("kW"))]);
        let same = Group::new("m".into(), 2 * second, vec![tag("a", None), tag("b", Some("kW"))]);
        assert_eq!(base.id, same.id);
        for other in [
            Group::new("n".into(), second, base.tags.clone()),
            Group::new("m".into(), second, vec![tag("ab", None), tag("", Some("kW"))]),
            Group::new("m".into(), second, vec![tag("a", None), tag("b", Some("W"))]),
        ] {
            assert_ne!(base.id, other.id);
        }
    }
}
