//! News: what the journal has to tell people between two calls; the recorder fetches and logs it. Pure.

use std::path::Path;

use crate::model::Trouble;
use crate::model::words::journal as words;

/// Not yet told.
#[derive(Debug, Default)]
pub(super) struct News {
    troubles: Vec<Trouble>,
    /// Delivered records that had to go before their time.
    shed: u64,
}

impl News {
    pub fn push(&mut self, trouble: Trouble) {
        self.troubles.push(trouble);
    }

    /// A file that was set aside is no longer there.
    pub fn removed(&mut self, path: &Path) {
        self.push(Trouble::new(words::ASIDE_REMOVED).with("path", path.display()));
    }

    /// So many delivered records went before their time.
    pub fn shed(&mut self, records: u64) {
        self.shed += records;
    }

    /// All of it, once.
    pub fn take(&mut self) -> Vec<Trouble> {
        let shed = std::mem::take(&mut self.shed);
        if shed > 0 {
            self.push(Trouble::new(words::HISTORY_SHED).with("records", shed));
        }
        std::mem::take(&mut self.troubles)
    }
}
