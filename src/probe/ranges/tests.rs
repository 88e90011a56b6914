//! Surveys of devices that serve certain addresses, and no others.

use super::*;
use proptest::prelude::*;

/// A device that serves these stretches, and requests of at most so many.
fn survey(stretches: &[(u16, u16)], longest: u16) -> (Cells, Option<u16>, usize) {
    let mut survey = Survey::new(Table::Holding);
    let mut requests = 0;
    while let Some(block) = survey.next_block() {
        requests += 1;
        assert!(block.count >= 1 && u32::from(block.start) + u32::from(block.count) <= 65_536, "{block:?}");
        assert!(requests < 4_000, "it does not end");
        let last = block.start + (block.count - 1);
        let is_served = stretches.iter().any(|(first, end)| *first <= block.start && last <= *end);
        survey.heard(match () {
            () if block.count > longest => Heard::Refused(Why::IllegalValue),
            () if !is_served => Heard::Refused(Why::IllegalAddress),
            () => Heard::Values((block.start..=last).map(|at| at.wrapping_mul(7)).collect()),
        });
    }
    let (cells, longest, _) = survey.result();
    (cells, longest, requests)
}

#[test]
fn edges_are_found_to_the_register() {
    for stretches in [&[(0, 9)][..], &[(1, 72), (801, 840)], &[(100, 163)], &[(3000, 3000), (19_000, 19_121)]] {
        let (cells, longest, _) = survey(stretches, 125);
        assert_eq!(super::super::spans(&cells), stretches);
        assert_eq!(longest, None);
    }
}

#[test]
fn a_limit_on_the_length_is_told_from_a_hole() {
    for limit in [11, 12, 16, 31, 32, 60, 64, 100] {
        let (cells, longest, requests) = survey(&[(0, 299)], limit);
        assert_eq!(super::super::spans(&cells), [(0, 299)], "{limit}");
        assert_eq!(longest, Some(limit));
        assert!(requests < 1_000, "{requests}");
    }
}

#[test]
fn a_device_that_answers_zeros_everywhere_is_not_walked_for_ever() {
    let mut survey = Survey::new(Table::Holding);
    let mut requests = 0;
    while let Some(block) = survey.next_block() {
        requests += 1;
        survey.heard(Heard::Values(vec![0; usize::from(block.count)]));
    }
    assert!(requests < 700, "{requests}");
    assert!(survey.result().2);
}

#[test]
fn beside_a_large_memory_of_zeros_the_small_areas_are_read_whole() {
    // The relays, inputs and outputs of a PLC; and its words.
    for (table, areas, most) in [
        (Table::Coil, [(0, 8_191), (20_480, 20_543), (24_576, 24_639)], 2_000),
        (Table::Holding, [(0, 20_479), (28_672, 40_999), (41_088, 42_111)], 2_000),
    ] {
        let mut survey = Survey::new(table);
        let mut requests = 0;
        for is_sweep in [false, true] {
            if is_sweep {
                survey.sweep(true);
            }
            while let Some(block) = survey.next_block() {
                requests += 1;
                let last = block.start + (block.count - 1);
                let is_served = areas.iter().any(|(first, end)| *first <= block.start && last <= *end);
                survey.heard(match is_served {
                    true => Heard::Values(vec![0; usize::from(block.count)]),
                    false => Heard::Refused(Why::IllegalAddress),
                });
            }
        }
        assert!(survey.is_endless() && requests < most, "{requests}");
        assert_eq!(super::super::spans(&survey.result().0), areas, "{table:?}");
    }
}

#[test]
fn a_table_that_is_not_served_costs_one_request_and_a_silent_one_few() {
    let mut absent = Survey::new(Table::Input);
    assert!(absent.next_block().is_some());
    absent.heard(Heard::Refused(Why::IllegalFunction));
    assert_eq!(absent.next_block(), None);
    let mut silent = Survey::new(Table::Input);
    let mut requests = 0;
    while silent.next_block().is_some() {
        silent.heard(Heard::Silent);
        requests += 1;
    }
    assert!((20..=35).contains(&requests), "{requests}");
}

/// The same with the sweep behind it.
fn swept(stretches: &[(u16, u16)]) -> (Vec<(u16, u16)>, usize) {
    let mut survey = Survey::new(Table::Holding);
    let (mut requests, mut singles) = (0, BTreeSet::new());
    loop {
        let Some(block) = survey.next_block() else {
            if survey.is_sweeping() || !survey.sweep(true) {
                break;
            }
            continue;
        };
        requests += 1;
        assert!(block.count > 1 || singles.insert(block.start), "{block:?} twice");
        let last = block.start + (block.count - 1);
        let is_served = stretches.iter().any(|(first, end)| *first <= block.start && last <= *end);
        survey.heard(match is_served {
            true => Heard::Values((block.start..=last).map(|at| at.wrapping_mul(7)).collect()),
            false => Heard::Refused(Why::IllegalAddress),
        });
    }
    (spans(&survey.result().0), requests)
}

#[test]
fn islands_where_few_makers_begin_are_found_by_the_sweep() {
    let islands =
        [&[(50_512, 50_571), (50_780, 50_799)][..], &[(3_201, 3_211), (8_501, 8_504), (8_602, 8_603)], &[(260, 295)]];
    for stretches in islands {
        let (found, requests) = swept(stretches);
        assert_eq!(found, stretches);
        assert!(requests < 6_000, "{requests}");
    }
}

#[test]
fn a_sweep_ends_with_the_third_silence_and_does_not_begin_where_the_table_is_absent() {
    let mut survey = Survey::new(Table::Holding);
    while survey.next_block().is_some() {
        survey.heard(Heard::Refused(Why::IllegalAddress));
    }
    assert!(survey.sweep(true));
    let mut silences = 0;
    while survey.next_block().is_some() {
        silences += 1;
        survey.heard(Heard::Silent);
    }
    assert_eq!((silences, survey.sweep(true)), (3, false));
    let mut absent = Survey::new(Table::Holding);
    absent.next_block();
    absent.heard(Heard::Refused(Why::IllegalFunction));
    assert!(!absent.sweep(true));
}

proptest! {
    #[test]
    fn whatever_is_said_it_ends_and_claims_nothing_that_was_not_said(
        firsts in proptest::collection::vec((0_u16..30_000, 1_u16..300), 0..5),
        longest in 1_u16..=125,
    ) {
        let stretches: Vec<_> = firsts.iter().map(|(first, count)| (*first, first + count - 1)).collect();
        let (cells, found, _) = survey(&stretches, longest);
        for at in cells.keys() {
            prop_assert!(stretches.iter().any(|(first, last)| (*first..=*last).contains(at)));
        }
        prop_assert!(found.is_none_or(|found| found <= longest));
    }
}
