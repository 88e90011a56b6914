//! Where to knock first: addresses at which makers like to begin. Pure.

use super::profiles::beginnings;
use crate::config::Areas;
use crate::config::modbus::{Address, Table};

/// Addresses of a table, the likeliest first, without repetition.
pub(super) fn seeds(table: Table) -> Vec<u16> {
    let mut seeds: Vec<u32> = vec![0, 1];
    seeds.extend(of_known_maps(table).map(u32::from));
    let hundreds = (1..10).map(|n| n * 100);
    let thousands = (1..66).map(|n| n * 1_000);
    let pages = (1..16).map(|n| n * 0x100);
    let blocks = (1..16).map(|n| n * 0x1000);
    // Maps that count from 1 are often taken over as they are: 101, 0x1001.
    let round: Vec<u32> = hundreds.chain(thousands).chain(pages).chain(blocks).collect();
    seeds.extend(round.iter().flat_map(|seed| [*seed, seed + 1]));
    if !table.is_bits() {
        seeds.extend((1..100).map(|n| n * 10));
        seeds.extend((1..64).map(|n| n * 0x10));
        seeds.extend((1..100).map(|n| n * 100));
    }
    seeds.extend((1..0x100).map(|n| n * 0x100));
    let mut seen = std::collections::BTreeSet::new();
    seeds.into_iter().filter_map(|seed| u16::try_from(seed).ok()).filter(|seed| seen.insert(*seed)).collect()
}

/// Where the memory areas of PLCs begin, from their makers' tables of Modbus addresses, beside those of [`Areas`]: registers.
const PLC_REGISTERS: [u16; 34] = [
    0x1000, 0x9000, 0x0600, 0x0E00, 0x0EC8, // Delta DVP: D0, D4096, T, C, C200
    0xC000, 0xE000, 0xF000, 0xFC00, // Delta AS: SR, T, C, HC
    0x1F40, 0x2140, 0xA140, 0xA340, 0xA408, // Mitsubishi FX3U: D8000, R0, T, C, C200
    0x5000, 0x7800, 0xA000, 0xD000, 0xE000, // Mitsubishi FX5U: SD, W, SW, T, ST
    0x2400, 0x3000, 0xF400, 0xF700, // Inovance H3U: SD, R, C, C200
    0x0064, 0x0400, // Kinco: VW0; S7 libraries
    0x3000, 0x4000, 0x8000, 0x0800, // CODESYS and couplers
    0xA080, 0xB880, 0xC080, 0xC4C0, 0x5000, // Xinje XD: HD, HSD, HCD, FD; XC: ED
];

/// The same of bits.
const PLC_BITS: [u16; 31] = [
    0x0400, 0x0500, 0x0800, 0xB000, 0x0600, 0x0E00, // Delta DVP: X, Y, M, M1536, T, C
    0x6000, 0xA000, 0x4000, 0x5000, // Delta AS: X, Y, SM, S
    0x1E00, 0x2000, 0x3000, 0x3200, 0x3300, 0x3400, // Mitsubishi FX3U: M8000, S, T, C, Y, X
    0x7800, 0x9800, 0xB000, // Mitsubishi FX5U: L, B, S
    0xF800, 0xFC00, 0xE000, 0xF000, 0xF400, // Inovance: X, Y, S, T, C
    0x0140, 0x0200, 0x07D0, // Kinco: M; couplers; Panasonic: R
    0x7000, 0x9000, 0xC100, 0xD900, // Xinje XD: S, SM, HM, HS
];

/// Where the maps that come with cloudward begin, and the areas of the PLCs that it knows. What one device has as holding registers
/// another one of the kind has as input registers, so both tables are asked at the addresses of both.
fn of_known_maps(table: Table) -> impl Iterator<Item = u16> {
    let is_of_kind = |address: &Address| address.table.is_bits() == table.is_bits();
    let in_maps = beginnings().filter(move |(of, _)| of.is_bits() == table.is_bits()).map(|(_, offset)| offset);
    let plcs = ["inovance-h5u", "xinje-xd", "xinje-xc"].into_iter().filter_map(Areas::find);
    let words = ["D0", "R0", "HD0", "SD0", "TD0", "CD0", "FD0", "M0", "S0", "X0", "Y0", "B0", "SM0", "HM0", "T0", "C0"];
    let in_plcs = plcs.flat_map(move |areas| words.into_iter().filter_map(|word| areas.translate(word)?.ok()));
    let in_plcs = in_plcs.filter_map(|text| Address::parse(&text)).filter(is_of_kind).map(|address| address.offset);
    let areas = if table.is_bits() { &PLC_BITS[..] } else { &PLC_REGISTERS[..] };
    let all: std::collections::BTreeSet<u16> = in_maps.chain(in_plcs).chain(areas.iter().copied()).collect();
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_asked_once_and_known_maps_come_early() {
        for table in Table::ALL {
            let seeds = seeds(table);
            let mut unique = seeds.clone();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), seeds.len());
            assert!(seeds.len() < 1_200, "{}", seeds.len());
        }
        let place = |offset| seeds(Table::Holding).iter().position(|seed| *seed == offset);
        assert!(place(0x2000) < Some(450) && place(0x0BB7) < Some(450), "before the round numbers");
    }
}
