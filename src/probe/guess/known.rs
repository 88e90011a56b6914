//! What a known register map says of one table: where its values stand, of which kind and in which order. Pure.
//!
//! A map is one more thing that may be known of a device. Under it a value that stands where the map says costs hardly more than its
//! number, one that does not costs more than usual, and a number that suits its unit (230 of volts) costs less than any number.

use std::collections::BTreeMap;

use super::kinds::Kind;
use super::stretch::{Offer, Piece};
use crate::config::modbus::{DataType, Order};

/// What a map says of one table; of most devices nothing.
#[derive(Debug, Clone, Default)]
pub struct Known {
    values: BTreeMap<u16, Expected>,
}

/// A value of a map.
#[derive(Debug, Clone, Copy)]
struct Expected {
    data_type: DataType,
    order: Order,
    /// More bits where the number does not suit its unit, less where it does.
    suits: f64,
}

/// A value where the map has it.
const AS_SAID: f64 = 0.15;

/// A value across one of the map: its firmware is another one, or it is another device.
const OTHERWISE: f64 = 5.0;

impl Known {
    /// Adds a value of the map.
    pub fn add(&mut self, offset: u16, data_type: DataType, order: Order, suits: f64) {
        self.values.insert(offset, Expected { data_type, order, suits });
    }

    /// The bits of the structure of a value, which are `usual` without a map.
    pub(super) fn cost(&self, offset: u16, offer: &Offer, usual: f64) -> f64 {
        if self.values.is_empty() {
            return usual;
        }
        match self.values.get(&offset) {
            Some(expected) if expected.is(offer.data_type, offer.order) => AS_SAID + expected.suits,
            _ if self.covers(offset, offer.registers() as u16) => usual + OTHERWISE,
            _ => usual,
        }
    }

    /// The bits of a register of nothing.
    pub(super) fn gap(&self, offset: u16, usual: f64) -> f64 {
        if self.covers(offset, 1) { AS_SAID } else { usual }
    }

    /// Whether a value of the map has one of these registers.
    pub fn covers(&self, offset: u16, registers: u16) -> bool {
        let last = offset.saturating_add(registers.saturating_sub(1));
        // Two, since the values of a map may overlap: a word and one of its halves.
        let near = self.values.range(..=last).rev().take(2);
        near.into_iter().any(|(from, expected)| from.saturating_add(expected.data_type.width() - 1) >= offset)
    }

    /// Whether a value begins here.
    pub fn has(&self, offset: u16) -> bool {
        self.values.contains_key(&offset)
    }

    /// Whether this is the value that the map has at its place.
    pub(super) fn agrees(&self, piece: &Piece) -> bool {
        self.values.get(&piece.offset).is_some_and(|expected| expected.is(piece.data_type, piece.order))
    }

    /// The orders of its long numbers.
    pub(super) fn orders(&self) -> impl Iterator<Item = Order> {
        self.values.values().filter(|expected| expected.data_type.width() > 1).map(|expected| expected.order)
    }
}

impl Expected {
    fn is(&self, other: DataType, order: Order) -> bool {
        let own = self.data_type;
        let is_text = matches!((own, other), (DataType::Text(_), DataType::Text(_)));
        let is_order = own.width() == 1 || self.order == order;
        is_text || own.width() == other.width() && Kind::of(own) == Kind::of(other) && is_order
    }
}
