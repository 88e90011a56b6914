//! Where to knock first: addresses at which makers like to begin. Pure.

use crate::config::modbus::{Address, Table};
use crate::config::{Areas, built_in_profiles};

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

/// Where the maps that come with cloudward begin, and the areas of the PLCs that it knows.
fn of_known_maps(table: Table) -> impl Iterator<Item = u16> {
    let profiles = built_in_profiles();
    let maps = profiles.iter().flat_map(|(_, text)| text.split("address = \"").skip(1));
    let in_maps: Vec<Address> = maps.filter_map(|rest| Address::parse(rest.split('"').next()?)).collect();
    let plcs = ["inovance-h5u", "xinje-xd", "xinje-xc"].into_iter().filter_map(Areas::find);
    let words = ["D0", "R0", "HD0", "SD0", "TD0", "CD0", "FD0", "M0", "S0", "X0", "Y0", "B0", "SM0", "HM0", "T0", "C0"];
    let in_plcs = plcs.flat_map(move |areas| words.into_iter().filter_map(|word| areas.translate(word)?.ok()));
    let all = in_maps.into_iter().chain(in_plcs.filter_map(|text| Address::parse(&text)));
    let mut offsets: Vec<u16> = all.filter(|address| address.table == table).map(|address| address.offset).collect();
    offsets.sort_unstable();
    // Only where a stretch begins: the rest is found by growing.
    let mut last = None;
    offsets.retain(|offset| last.replace(*offset).is_none_or(|before: u16| *offset > before.saturating_add(16)));
    offsets.into_iter()
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
            assert!(seeds.len() < 900, "{}", seeds.len());
        }
        let place = |offset| seeds(Table::Holding).iter().position(|seed| *seed == offset);
        assert!(place(0x2000) < Some(30) && place(0x0BB7) < Some(30), "{:?}", &seeds(Table::Holding)[..30]);
    }
}
