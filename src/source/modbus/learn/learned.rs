//! What was learned of a device, in the form that survives a restart, and the plan that follows from it. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::config::ReadLimits;
use crate::config::modbus::{Address, Register, Table};
use crate::model::Why;
use crate::source::modbus::plan::{Block, extended};

/// What was learned of the tags of one group. It names addresses, not tags: a tag may be renamed and keeps its lesson.
/// It holds for exactly the addresses, widths and limits that it was learned with; otherwise it is dropped as a whole,
/// because the mistake that it works around may just have been mended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Of the addresses, widths and limits, see [`key`].
    pub key: u64,
    /// Values that the device does not hand out.
    #[serde(default)]
    pub quarantined: Vec<Quarantined>,
    /// Addresses (`holding:62`) at which a new request begins, whatever the limits would allow.
    #[serde(default)]
    pub splits: Vec<String>,
    /// The device takes no longer requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_registers: Option<u16>,
    /// Tables (`input`) that the device does not serve.
    #[serde(default)]
    pub unserved: Vec<String>,
}

impl Learned {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        let Learned { key: _, quarantined, splits, max_registers, unserved } = self;
        quarantined.is_empty() && splits.is_empty() && max_registers.is_none() && unserved.is_empty()
    }
}

/// One value that is left out of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// As in `holding:37`.
    pub address: String,
    /// Registers or bits.
    pub width: u16,
    /// `illegal_address`, or `timeout` where the device says nothing rather than no.
    pub why: String,
}

/// FNV-1a over addresses, widths and limits, in the order of the addresses: the same for the same tags in another order.
pub fn key(places: &[Place], limits: ReadLimits) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |text: &str| {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    eat(&format!("{limits:?}"));
    for place in places {
        eat(&format!("{}+{}", place.address, place.width));
    }
    hash
}

/// Where one tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First address.
    pub address: Address,
    /// Registers or bits.
    pub width: u16,
    /// Index of the tag in its group.
    pub tag: usize,
}

impl Place {
    /// All tags of a group by address, in the order in which [`plan`](crate::source::modbus::plan::plan) goes through
    /// them.
    pub fn sorted(values: &[Register]) -> Vec<Place> {
        let place = |(tag, t): (usize, &Register)| Place { address: t.address, width: t.data_type.width(), tag };
        let mut places: Vec<Place> = values.iter().enumerate().map(place).collect();
        places.sort_by_key(|place| (place.address, place.width));
        places
    }

    /// The address behind the last one.
    pub fn end(&self) -> u32 {
        u32::from(self.address.offset) + u32::from(self.width)
    }
}

/// A request and the places (indexes, by address) whose values it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The request.
    pub block: Block,
    /// Never empty.
    pub members: Vec<usize>,
}

impl Piece {
    /// The shortest request that brings all of `members`.
    pub fn covering(places: &[Place], members: Vec<usize>) -> Piece {
        let first = places[members[0]].address;
        let end = members.iter().map(|member| places[*member].end()).max().unwrap_or_default();
        let count =
            u16::try_from(end - u32::from(first.offset)).expect("parts of a block are no longer than the block");
        Piece { block: Block { table: first.table, start: first.offset, count }, members }
    }

    /// Whether its tags leave no hole between them.
    pub fn is_without_holes(&self, places: &[Place]) -> bool {
        let mut end = u32::from(self.block.start);
        self.members.iter().all(|member| {
            let is_joined = u32::from(places[*member].address.offset) <= end;
            end = end.max(places[*member].end());
            is_joined
        })
    }
}

/// The requests for the places that are `free`, as [`plan`](crate::source::modbus::plan::plan) makes them, but with a
/// new one at each split, and none over a value that is not free.
pub fn pieces(places: &[Place], limits: ReadLimits, splits: &BTreeSet<Address>, free: &[bool]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for member in (0..places.len()).filter(|member| free[*member]) {
        let Place { address, width, .. } = places[member];
        let last = pieces.last_mut().filter(|piece| {
            let Block { table, start, count } = piece.block;
            let began = Address { table, offset: start };
            let hole = u32::from(start) + u32::from(count)..u32::from(address.offset);
            let is_split = table == address.table
                && began < address
                && splits
                    .range((std::ops::Bound::Excluded(began), std::ops::Bound::Included(address)))
                    .next()
                    .is_some();
            !is_split && !touches_a_captive(places, free, table, hole)
        });
        let longer = last.and_then(|piece| {
            extended(&piece.block, address.table, address.offset, width, limits).map(|count| (piece, count))
        });
        match longer {
            Some((piece, count)) => {
                piece.block.count = count;
                piece.members.push(member);
            }
            None => pieces.push(Piece::covering(places, vec![member])),
        }
    }
    pieces
}

/// Whether a value that is not free has an address in `hole`.
fn touches_a_captive(places: &[Place], free: &[bool], table: Table, hole: std::ops::Range<u32>) -> bool {
    !hole.is_empty()
        && places.iter().zip(free).any(|(place, is_free)| {
            let is_inside = u32::from(place.address.offset) < hole.end && place.end() > hole.start;
            !is_free && place.address.table == table && is_inside
        })
}

/// The reason of a quarantine by its word.
pub fn reason(word: &str) -> Option<Why> {
    [Why::IllegalAddress, Why::Timeout].into_iter().find(|why| why.as_str() == word)
}
