//! Gathering: what a reader has found so far, and what it had to leave out. The names are still those of the file.

use super::{Imported, Tag};
use crate::config::PERIODS;
use crate::model::words::import as words;
use crate::model::{Code, Trouble};

/// Codes that say that one tag is not there at all.
#[cfg(test)]
pub(super) const TAG_LOST: [Code; 8] = [
    words::NO_TAG,
    words::ADDRESS_LEFT_OUT,
    words::TYPE_LEFT_OUT,
    words::ARRAY_LEFT_OUT,
    words::WRITE_ONLY,
    words::SCALING_LEFT_OUT,
    words::ONE_BYTE_TEXT,
    words::REFUSED,
];

/// What is gathered.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) imported: Imported,
    /// Tags that could be written to.
    writable: Vec<String>,
}

/// A tag as its file has it: what must be known to talk of it.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) line: usize,
    pub(super) name: &'a str,
}

impl Entry<'_> {
    /// Trouble with this tag.
    pub(super) fn trouble(self, code: Code) -> Trouble {
        Trouble::new(code).with("line", self.line).with("tag", shown(self.name))
    }
}

impl Gathered {
    /// Something about a tag is lost.
    pub(super) fn lose(&mut self, trouble: Trouble) {
        self.imported.left_out.push(trouble);
    }

    /// Something must be compared by a person.
    pub(super) fn ask(&mut self, trouble: Trouble) {
        self.imported.to_check.push(trouble);
    }

    /// A tag could be written to.
    pub(super) fn was_writable(&mut self, entry: Entry<'_>) {
        self.writable.push(shown(entry.name));
    }

    /// A setting that has no counterpart.
    pub(super) fn lose_setting(&mut self, line: usize, key: &str, found: &str) {
        self.lose(
            Trouble::new(words::SETTING_LEFT_OUT)
                .with("line", line)
                .with("key", shown(key))
                .with("found", shown(found)),
        );
    }

    /// A period in milliseconds, brought into what is possible; that is said.
    pub(super) fn period(&mut self, entry: Entry<'_>, ms: u64) -> u64 {
        let (min, max) = (PERIODS.start().as_millis() as u64, PERIODS.end().as_millis() as u64);
        let taken = ms.clamp(min, max);
        if taken != ms {
            self.lose(
                entry
                    .trouble(words::PERIOD_CHANGED)
                    .with("found", format_args!("{ms} ms"))
                    .with("taken", format_args!("{taken} ms")),
            );
        }
        taken
    }

    /// What all readers say at the end.
    pub(super) fn close(mut self) -> Gathered {
        if !self.writable.is_empty() {
            let trouble = Trouble::new(words::WRITE_ACCESS).with("count", self.writable.len());
            let names = self.writable.join(", ");
            self.lose(trouble.with("names", names));
        }
        self
    }
}

/// Factor and offset on a tag, if its type can bear them.
pub(super) fn put_scaling(tag: &mut Tag, scale: f64, offset: f64) -> bool {
    if scale == 1.0 && offset == 0.0 {
        return true;
    }
    if matches!(tag.data_type, "bool" | "text") || !scale.is_finite() || !offset.is_finite() || scale == 0.0 {
        return false;
    }
    tag.scale = Some(scale).filter(|scale| *scale != 1.0);
    tag.offset = Some(offset).filter(|offset| *offset != 0.0);
    true
}

/// What a line can bear of a text from a file; a file must not steer the terminal.
pub(super) fn shown(text: &str) -> String {
    let clean = text.replace(char::is_control, " ");
    match clean.char_indices().nth(60) {
        Some((cut, _)) => format!("{}...", &clean[..cut]),
        None => clean,
    }
}
