//! `values = { 0 = "stopped", 1 = "running" }`: words for the numbers of a device.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::read::Section;
use crate::model::Trouble;
use crate::model::words::config as words;

/// Entries of one tag. Machines have some dozens of states and alarms; a table of thousands belongs elsewhere.
const MAX_ENTRIES: usize = 256;

/// Bytes of one name. It travels with every reading.
const MAX_NAME: usize = 64;

const EXAMPLE: &str = "values = { 0 = \"stopped\", 1 = \"running\" }";

/// What the numbers of a tag mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    by_number: BTreeMap<i128, Arc<str>>,
}

impl Names {
    /// Names from pairs; the later one counts where a number stands twice.
    pub fn new(pairs: impl IntoIterator<Item = (i128, Arc<str>)>) -> Names {
        Names { by_number: pairs.into_iter().collect() }
    }

    /// The name of a number, if it has one.
    pub fn get(&self, number: i128) -> Option<&str> {
        self.by_number.get(&number).map(|name| &**name)
    }

    /// The number with this name; `None` where there is none, or more than one.
    pub fn number_of(&self, name: &str) -> Option<i128> {
        let mut numbers = self.by_number.iter().filter(|(_, known)| ***known == *name).map(|(number, _)| *number);
        numbers.next().filter(|_| numbers.next().is_none())
    }

    /// All names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.by_number.values().map(|name| &**name)
    }
}

/// The numbers that a tag can be.
pub(super) struct Numbers {
    /// Its type, for people.
    pub(super) word: String,
    /// `None`: no whole numbers.
    pub(super) range: Option<RangeInclusive<i128>>,
}

/// The key `values` of a tag of this type, if that is known.
pub(super) fn names(section: &Section<'_>, numbers: Option<&Numbers>, is_scaled: bool) -> Option<Names> {
    let entries = section.named_texts("values", EXAMPLE)?;
    let Numbers { word, range } = numbers?;
    let Some(range) = range else {
        section.wrong("values", words::VALUES_OF_NO_INTEGER, |t| t.with("found", word));
        return None;
    };
    if is_scaled {
        let found = format!("{word}, scale/offset");
        section.wrong("values", words::VALUES_OF_NO_INTEGER, |t| t.with("found", found));
    }
    if !(1..=MAX_ENTRIES).contains(&entries.len()) {
        let found = if entries.is_empty() { "{}".to_owned() } else { format!("{{... × {}}}", entries.len()) };
        section.wrong("values", words::NOT_NAMED_NUMBERS, |t| t.with("found", found).with("example", EXAMPLE));
    }
    let mut by_number = BTreeMap::new();
    for (key, at, name) in entries {
        let path = section.path_of(&format!("values.{key}"));
        let trouble = |code| Trouble::new(code).with("key", &path);
        match number(&key).filter(|number| range.contains(number)) {
            None => {
                let trouble = trouble(words::BAD_VALUE).with("found", &key).with("type", word);
                section.doc.mistake(at, trouble.with("min", range.start()).with("max", range.end()));
            }
            Some(number) if by_number.contains_key(&number) => {
                let first = section.doc.line(section.at_of("values"));
                section.doc.mistake(at, trouble(words::DUPLICATE).with("found", number).with("first", first));
            }
            Some(number) => {
                by_number.insert(number, name.as_str().into());
            }
        }
        if name.trim().is_empty() || name.len() > MAX_NAME {
            let found = format!("{} B", name.trim().len());
            let trouble = trouble(words::OUT_OF_RANGE).with("found", found).with("min", "1 B");
            section.doc.mistake(at, trouble.with("max", format_args!("{MAX_NAME} B")));
        }
    }
    Some(Names { by_number })
}

/// `7`, `-1`, `0x1F`.
fn number(key: &str) -> Option<i128> {
    let digits = key.strip_prefix('-').unwrap_or(key);
    if digits.starts_with(['+', '-']) {
        return None;
    }
    match key.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => key.parse().ok().filter(|_| !key.starts_with('+')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_understood_as_people_write_keys() {
        for (key, expected) in [
            ("7", Some(7)),
            ("-1", Some(-1)),
            ("0x1F", Some(31)),
            ("18446744073709551615", Some(i128::from(u64::MAX))),
            ("--1", None),
            ("+1", None),
            ("0x-1", None),
            ("1.5", None),
            ("run", None),
            ("", None),
        ] {
            assert_eq!(number(key), expected, "{key}");
        }
    }
}
