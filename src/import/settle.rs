//! Settling: what was found passes through the very rules that any file of ours passes through. What they refuse is taken
//! away and said, so that whatever is written is valid.

use super::write::{About, workshop};
use super::{Imported, Source};
use crate::config::{Config, MAX_TAGS, Mistake};
use crate::model::words::import as words;
use crate::model::{Lang, Trouble};

/// Takes away what the rules refuse, until they refuse nothing.
pub(super) fn settle(mut imported: Imported, lang: Lang) -> Imported {
    for device in &mut imported.devices {
        for tag in device.tags.drain(MAX_TAGS.min(device.tags.len())..) {
            let trouble = Trouble::new(words::REFUSED).with("line", tag.line).with("tag", tag.name);
            imported.left_out.push(trouble.with("why", format_args!("> {MAX_TAGS}")));
        }
    }
    loop {
        // Links that carry nothing say nothing, and devices without tags are not what was asked for.
        imported.devices.retain(|device| !device.tags.is_empty());
        let page = workshop(&imported, Source::Telegraf);
        let Err(mistakes) = Config::parse(&page.text) else { return imported };
        let mut refused: Vec<(About, Mistake)> = mistakes
            .into_iter()
            .filter_map(|mistake| Some((*page.lines.get(mistake.line.checked_sub(1)?)?, mistake)))
            .filter(|(about, _)| *about != About::Frame)
            .collect();
        if refused.is_empty() {
            // A mistake of ours in the frame: nothing is better than something that does not work.
            debug_assert!(false, "{}", page.text);
            imported.devices.clear();
            imported.links.clear();
            return imported;
        }
        refused.dedup_by_key(|(about, _)| *about);
        // From the end, so that the places before stay what they are.
        for (about, mistake) in refused.into_iter().rev() {
            let why = mistake.trouble.what(lang);
            match about {
                About::Frame => {}
                About::Tag(device, tag) => {
                    let tag = imported.devices[device].tags.remove(tag);
                    let trouble = Trouble::new(words::REFUSED).with("line", tag.line).with("tag", tag.name);
                    imported.left_out.push(trouble.with("why", why));
                }
                About::Setting(link, setting) => {
                    let link = &mut imported.links[link];
                    let (key, found) = link.settings.remove(setting);
                    let trouble = Trouble::new(words::LINK_SETTING_REFUSED).with("link", &link.name);
                    imported.left_out.push(trouble.with("key", key).with("found", found).with("why", why));
                }
                About::Transport(link) => {
                    let link = &mut imported.links[link];
                    let Some((key, found)) = link.transport.take() else { continue };
                    // What belongs to a serial port has no place beside a placeholder.
                    link.settings.retain(|(key, _)| *key == "timeout");
                    let trouble = Trouble::new(words::LINK_SETTING_REFUSED).with("link", &link.name);
                    imported.left_out.push(trouble.with("key", key).with("found", found).with("why", why));
                }
            }
        }
    }
}
