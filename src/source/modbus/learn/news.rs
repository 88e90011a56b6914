//! What a learner has to tell, and the words for it.

use crate::config::Station;
use crate::config::modbus::{Address, Table};
use crate::model::Trouble;
use crate::model::words::source as words;

/// Something was learned. Tags are indexes of the group's tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The device has no such addresses.
    Quarantined {
        /// Left out from now on.
        tags: Vec<usize>,
    },
    /// They had no answer while others had.
    SetAside {
        /// Left out from now on.
        tags: Vec<usize>,
    },
    /// Exception 1.
    Unserved {
        /// The table.
        table: Table,
        /// All tags of it.
        tags: Vec<usize>,
    },
    /// They are read again.
    Freed {
        /// In the plan from now on.
        tags: Vec<usize>,
    },
    /// A refused block is read in parts.
    Split {
        /// Where the first of the new requests begins.
        at: Address,
        /// How many requests more.
        count: usize,
    },
    /// The device takes only shorter requests.
    Shortened {
        /// Registers per request from now on.
        max_registers: u16,
    },
}

/// A line of a log is read by people; the rest is counted.
const NAMED: usize = 8;

impl News {
    /// The words for it. `tags` are the names of those that the learner was made of.
    pub fn trouble(&self, device: &str, unit: Station, tags: &[&str]) -> Trouble {
        let of = |code| Trouble::new(code).with("device", device).with("unit", unit);
        let listed = |code, indexes: &[usize]| {
            let names: Vec<&str> = indexes.iter().filter_map(|index| tags.get(*index).copied()).collect();
            let rest = names.len().saturating_sub(NAMED);
            let mut list = names[..names.len() - rest].join(", ");
            if rest > 0 {
                list.push_str(&format!(", +{rest}"));
            }
            of(code).with("count", indexes.len()).with("tags", list)
        };
        match self {
            News::Quarantined { tags } => listed(words::TAGS_QUARANTINED, tags),
            News::SetAside { tags } => listed(words::BLOCK_SILENT, tags),
            News::Freed { tags } => listed(words::TAGS_FREED, tags),
            News::Unserved { table, tags } => {
                of(words::TABLE_UNSERVED).with("table", table.as_str()).with("count", tags.len())
            }
            News::Split { at, count } => of(words::BLOCK_SPLIT).with("at", at).with("count", count),
            News::Shortened { max_registers } => of(words::REQUESTS_SHORTENED).with("max", max_registers),
        }
    }
}
