//! `[causes]` and `[device.causes]`: what the codes of faults, alarms and stops mean, in the words of the workshop. A device's own come
//! before those of the workshop. They stand beside the code, never in its place.

use std::collections::BTreeMap;

use super::read::{Section, shortened};
use super::role::plain_number;
use crate::model::Trouble;
use crate::model::words::indicator_config as own;

/// Codes and their texts.
pub type Causes = BTreeMap<String, String>;

/// A controller with more codes than that has a manual of its own.
const MOST: usize = 2_000;

/// Characters of a text: a line of a report.
const LONGEST: usize = 80;

/// The table of a section; a device's comes with what it does not say of its own.
pub(super) fn causes(section: &Section<'_>, usual: &Causes) -> Causes {
    let mut causes = usual.clone();
    const EXAMPLE: &str = "causes = { 17 = \"缺料\" }";
    let texts = section.named_texts_or("causes", EXAMPLE, own::NOT_CAUSES).unwrap_or_default();
    if texts.len() > MOST {
        section.wrong("causes", own::TOO_MANY_CAUSES, |t| t.with("found", texts.len()).with("max", MOST));
        return causes;
    }
    for (code, at, text) in texts {
        let text = text.trim();
        let is_plain = !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
        if !is_plain {
            let trouble = Trouble::new(own::BAD_CAUSE).with("key", section.path_of(&format!("causes.{code}")));
            let trouble = trouble.with("found", shortened(format!("{text:?}"))).with("max", LONGEST);
            section.doc.mistake(at, trouble);
            continue;
        }
        // As readings are shown: 0x11 is 17.
        let code = plain_number(code.trim()).unwrap_or_else(|| code.trim().to_owned());
        causes.insert(code, text.to_owned());
    }
    causes
}
