//! The files that a configuration names: register maps and tag tables. This room has no disk: whoever parses hands in
//! what reads.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::library::{unpack, unpacked};
use crate::model::Trouble;

/// Most bytes of a register map or tag table: ten thousand tags are below 2 MB; beyond this it is another file.
pub const MAX_BYTES: u64 = 5_000_000;

/// What a file holds, or why it could not be read.
type Content = Result<Rc<[u8]>, Trouble>;

/// Reads each file once, however many devices name it.
pub(super) struct Files<'a> {
    read: &'a dyn Fn(&str) -> Result<Vec<u8>, Trouble>,
    known: RefCell<HashMap<String, Content>>,
    /// Register maps that come with cloudward, unpacked when the first is named.
    built_in: OnceCell<Vec<(String, String)>>,
}

impl Files<'_> {
    pub(super) fn new(read: &dyn Fn(&str) -> Result<Vec<u8>, Trouble>) -> Files<'_> {
        Files { read, known: RefCell::default(), built_in: OnceCell::new() }
    }

    /// The bytes of a file, named as in the configuration.
    pub(super) fn bytes(&self, path: &str) -> Content {
        let mut known = self.known.borrow_mut();
        known.entry(path.to_owned()).or_insert_with(|| (self.read)(path).map(Into::into)).clone()
    }

    /// A register map that comes with cloudward, or the names of all.
    pub(super) fn built_in(&self, wanted: &str) -> Result<String, Vec<String>> {
        let maps = match unpacked() {
            Some(maps) => maps,
            None => self.built_in.get_or_init(unpack),
        };
        let found = maps.iter().find(|(name, _)| name == wanted);
        found.map(|(_, text)| text.clone()).ok_or_else(|| maps.iter().map(|(name, _)| name.clone()).collect())
    }
}
