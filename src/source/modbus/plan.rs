//! Which blocks to read for a set of tags: the fewest requests within the limits. Pure; made once per configuration.

use crate::config::ReadLimits;
use crate::config::modbus::{Register, Table};

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The table, and with it the function code.
    pub table: Table,
    /// First address, counted from 0.
    pub start: u16,
    /// How many registers or bits.
    pub count: u16,
}

/// Where a tag's value stands in the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Index of the block.
    pub block: usize,
    /// Registers or bits from the block's start.
    pub offset: u16,
}

/// The requests for one group, and where each of its tags is found in the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Requests, by table and address.
    pub blocks: Vec<Block>,
    /// One spot per tag, in the order of the tags.
    pub spots: Vec<Spot>,
}

/// Goes through the tags by address and extends a block as long as the hole and the whole stay within the limits. A
/// value is never split over two requests: its halves would be of different moments.
pub fn plan<'a>(values: impl IntoIterator<Item = &'a Register>, limits: ReadLimits) -> Plan {
    let values: Vec<&Register> = values.into_iter().collect();
    let mut by_address: Vec<usize> = (0..values.len()).collect();
    by_address.sort_by_key(|index| (values[*index].address, values[*index].data_type.width()));

    let mut blocks: Vec<Block> = Vec::new();
    let mut spots = vec![Spot { block: 0, offset: 0 }; values.len()];
    for index in by_address {
        let Register { address, data_type, .. } = values[index];
        let (table, start, width) = (address.table, address.offset, data_type.width());
        match blocks
            .last_mut()
            .and_then(|block| extended(block, table, start, width, limits).map(|count| (block, count)))
        {
            Some((block, count)) => block.count = count,
            None => blocks.push(Block { table, start, count: width }),
        }
        let block = blocks.len() - 1;
        spots[index] = Spot { block, offset: start - blocks[block].start };
    }
    Plan { blocks, spots }
}

/// The count of `block` when it also covers `width` addresses from `start`; `None` where that breaks a limit.
pub(super) fn extended(block: &Block, table: Table, start: u16, width: u16, limits: ReadLimits) -> Option<u16> {
    if block.table != table {
        return None;
    }
    let block_end = u32::from(block.start) + u32::from(block.count);
    let hole = u32::from(start).saturating_sub(block_end);
    let end = (u32::from(start) + u32::from(width)).max(block_end);
    let count = end - u32::from(block.start);
    let max = if table.is_bits() { limits.max_bits } else { limits.max_registers };
    let is_within = count == u32::from(block.count);
    let fits = hole <= u32::from(limits.max_gap) && count <= u32::from(max) && (is_within || !limits.one_by_one);
    fits.then(|| u16::try_from(count).expect("at most max_bits, which is 2000"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::{Address, DataType, Order};
    use proptest::prelude::*;

    const LIMITS: ReadLimits = ReadLimits { max_registers: 125, max_bits: 2000, max_gap: 16, one_by_one: false };

    fn value(address: &str, data_type: DataType) -> Register {
        let address = Address::parse(address).expect("the test writes addresses");
        Register { address, data_type, order: Order::default() }
    }

    /// Blocks as `holding 0+3`.
    #[track_caller]
    fn check(tags: &[(&str, DataType)], limits: ReadLimits, expected: &[&str]) {
        let tags: Vec<_> = tags.iter().map(|(address, data_type)| value(address, *data_type)).collect();
        let plan = plan(&tags, limits);
        let shown: Vec<_> =
            plan.blocks.iter().map(|b| format!("{} {}+{}", b.table.as_str(), b.start, b.count)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn neighbours_share_a_request_whatever_order_they_are_written_in() {
        check(
            &[("40005", DataType::F32), ("40001", DataType::U16), ("40002", DataType::U32)],
            LIMITS,
            &["holding 0+6"],
        );
    }

    #[test]
    fn a_hole_up_to_the_gap_limit_is_read_over() {
        check(&[("holding:0", DataType::U16), ("holding:17", DataType::U16)], LIMITS, &["holding 0+18"]);
        check(&[("holding:0", DataType::U16), ("holding:18", DataType::U16)], LIMITS, &["holding 0+1", "holding 18+1"]);
        let close = ReadLimits { max_gap: 0, ..LIMITS };
        check(
            &[("holding:0", DataType::U16), ("holding:1", DataType::U16), ("holding:3", DataType::U16)],
            close,
            &["holding 0+2", "holding 3+1"],
        );
    }

    #[test]
    fn tables_never_mix() {
        check(
            &[
                ("input:0", DataType::U16),
                ("holding:1", DataType::U16),
                ("coil:0", DataType::Bool),
                ("discrete:1", DataType::Bool),
            ],
            LIMITS,
            &["coil 0+1", "discrete 1+1", "holding 1+1", "input 0+1"],
        );
    }

    #[test]
    fn a_request_stays_within_the_limits_and_a_value_within_a_request() {
        check(
            &[("holding:0", DataType::U16), ("holding:16", DataType::F32)],
            ReadLimits { max_registers: 17, ..LIMITS },
            &["holding 0+1", "holding 16+2"],
        );
        let many: Vec<_> = (0..250).map(|n| (format!("holding:{n}"), DataType::U16)).collect();
        let many: Vec<_> = many.iter().map(|(address, data_type)| (address.as_str(), *data_type)).collect();
        check(&many, LIMITS, &["holding 0+125", "holding 125+125"]);
    }

    #[test]
    fn overlapping_values_are_read_once() {
        check(
            &[("holding:0", DataType::F64), ("holding:1", DataType::U16), ("holding:0", DataType::U16)],
            LIMITS,
            &["holding 0+4"],
        );
    }

    #[test]
    fn the_last_address_is_reachable() {
        check(
            &[("holding:65535", DataType::U16), ("coil:65535", DataType::Bool)],
            LIMITS,
            &["coil 65535+1", "holding 65535+1"],
        );
    }

    proptest! {
        #[test]
        fn every_tag_lies_in_its_block_and_every_block_within_the_limits(
            places in proptest::collection::vec((0_u16..400, 0..DataType::ALL.len()), 1..120),
            max_registers in 4_u16..=125,
            max_gap in 0_u16..40,
        ) {
            let limits = ReadLimits { max_registers, max_bits: 100, max_gap, one_by_one: false };
            let values: Vec<_> = places.iter().map(|(offset, kind)| {
                let data_type = DataType::ALL[*kind];
                let table = if data_type == DataType::Bool { "coil" } else { "holding" };
                value(&format!("{table}:{offset}"), data_type)
            }).collect();
            let plan = plan(&values, limits);
            for (tag, spot) in values.iter().zip(&plan.spots) {
                let block = plan.blocks[spot.block];
                prop_assert_eq!(block.table, tag.address.table);
                prop_assert_eq!(block.start + spot.offset, tag.address.offset);
                prop_assert!(spot.offset + tag.data_type.width() <= block.count);
            }
            for (index, block) in plan.blocks.iter().enumerate() {
                let max = if block.table.is_bits() { 100 } else { max_registers };
                prop_assert!(block.count <= max);
                // Nothing is read but what is wanted and the holes that may be read over.
                let mut wanted = vec![false; block.count.into()];
                for (value, spot) in values.iter().zip(&plan.spots).filter(|(_, spot)| spot.block == index) {
                    let from = usize::from(spot.offset);
                    wanted[from..from + usize::from(value.data_type.width())].fill(true);
                }
                prop_assert!(wanted[0] && wanted[wanted.len() - 1], "a block begins and ends with a value");
                let holes = wanted.split(|is_wanted| *is_wanted).map(<[bool]>::len);
                prop_assert!(holes.max() <= Some(usize::from(max_gap)));
            }
        }

        #[test]
        fn one_by_one_asks_for_each_value_alone(places in proptest::collection::vec((0_u16..100, 0..DataType::ALL.len()), 1..60)) {
            let values: Vec<_> = places.iter().map(|(offset, kind)| {
                let table = if DataType::ALL[*kind] == DataType::Bool { "coil" } else { "holding" };
                value(&format!("{table}:{offset}"), DataType::ALL[*kind])
            }).collect();
            let plan = plan(&values, ReadLimits { one_by_one: true, ..LIMITS });
            for block in &plan.blocks {
                let is_a_value = |value: &Register| {
                    (value.address.table, value.address.offset, value.data_type.width()) == (block.table, block.start, block.count)
                };
                prop_assert!(values.iter().any(is_a_value), "{block:?}");
            }
        }
    }
}
