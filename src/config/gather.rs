//! The tags of one device, gathered from its profile, its table and its own list. `only` and `except` pick from the
//! first two; a name stands once in all three.

use std::cell::RefCell;
use std::time::Duration;

use super::check::Unique;
use super::device::{Defaults, tag};
use super::glob::glob;
use super::read::Section;
use super::{Profile, Tag};
use crate::model::words::config as words;

/// What is gathered.
pub(super) struct Gathering {
    /// What the tags inherit: of the device, else of its profile, else of the house.
    pub(super) defaults: Defaults,
    /// The period that the device names.
    pub(super) every: Option<Duration>,
    pub(super) profile: Option<Profile>,
    pub(super) tags: Vec<Tag>,
    names: Unique,
    only: Option<Vec<Pick>>,
    except: Vec<Pick>,
    /// Names that `only` and `except` may pick from.
    offered: Vec<String>,
}

/// An entry of `only` or `except`.
struct Pick {
    pattern: String,
    at: usize,
    hit: RefCell<bool>,
}

impl Gathering {
    pub(super) fn new(device: &Section<'_>, defaults: Defaults, every: Option<Duration>) -> Gathering {
        let picks = |key, example: &str| {
            let texts = device.texts(key, example)?;
            Some(texts.into_iter().map(|(pattern, at)| Pick { pattern, at, hit: RefCell::new(false) }).collect())
        };
        Gathering {
            defaults,
            every,
            profile: None,
            tags: Vec::new(),
            names: Unique::default(),
            only: picks("only", "only = [\"p_kw\", \"u_*\"]"),
            except: picks("except", "except = [\"thd_*\"]").unwrap_or_default(),
            offered: Vec::new(),
        }
    }

    /// A tag of the profile or table, if `only` and `except` let it through. What is left out is not looked at: it may
    /// not suit the link.
    pub(super) fn offer(&mut self, section: &Section<'_>) {
        let name = section.peek_text("name").unwrap_or_default();
        self.offered.push(name.to_owned());
        let is_picked = |picks: &[Pick]| {
            let mut picked = false;
            for pick in picks.iter().filter(|pick| glob(&pick.pattern, name)) {
                pick.hit.replace(true);
                picked = true;
            }
            picked
        };
        let wanted = self.only.as_deref().is_none_or(is_picked);
        let unwanted = is_picked(&self.except);
        if wanted && !unwanted {
            self.take(section);
        }
    }

    /// A tag, no question asked.
    pub(super) fn take(&mut self, section: &Section<'_>) {
        self.tags.extend(tag(section, &self.defaults, &mut self.names));
        section.finish();
    }

    /// Files what `only` and `except` name in vain.
    pub(super) fn close(&self, device: &Section<'_>, has_origin: bool) {
        for (key, picks) in [("only", self.only.as_deref().unwrap_or_default()), ("except", &self.except)] {
            if !has_origin && device.has(key) {
                device.wrong(key, words::PICK_FROM_NOTHING, |t| t);
                continue;
            }
            // Where nothing was offered, the file is wrong, and that is said already.
            let in_vain = picks.iter().filter(|pick| !*pick.hit.borrow() && !self.offered.is_empty());
            for pick in in_vain {
                let trouble = crate::model::Trouble::new(words::PICK_MATCHES_NOTHING).with("key", device.path_of(key));
                let trouble = trouble.with("found", &pick.pattern).with("known", self.known());
                device.doc.mistake(pick.at, trouble);
            }
        }
    }

    /// The names on offer, as many as one line can bear.
    fn known(&self) -> String {
        const SHOWN: usize = 40;
        let more = if self.offered.len() > SHOWN { ", ..." } else { "" };
        format!("{}{more}", self.offered.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}
