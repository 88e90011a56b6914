//! Where to knock when the likely places are done: the address space, denser from class to class. Pure.
//!
//! Islands may be two registers long, so that a refusal says nothing of its surroundings: each place is asked by itself. What
//! is found anywhere makes its surroundings likely, and these come before the rest.

use std::collections::{BTreeSet, VecDeque};

use crate::config::modbus::Table;

/// Places of one table that are still to be asked, each of them once.
#[derive(Debug)]
pub(super) struct Sweep {
    /// Around what was found.
    near: VecDeque<u16>,
    /// Everywhere.
    far: VecDeque<u16>,
    given: BTreeSet<u16>,
    pages: BTreeSet<u16>,
    step: u16,
    total: usize,
}

/// At a pause of 20 ms this is 80 s, less what the seeds asked already. It covers the first four of the [`classes`] and part of the last.
const MOST: usize = 4_000;

/// Places around what was found: some thirty islands with surroundings of their own.
const MOST_NEAR: usize = 2_000;

/// A page of addresses; the surroundings of a place are its page and those beside it.
const PAGE: u16 = 0x100;

impl Sweep {
    /// Of a table of which these stretches are known. Not `thorough`: only the likeliest class, where each question is dear.
    pub fn new(table: Table, known: &[(u16, u16)], is_thorough: bool) -> Sweep {
        let wanted = classes(table).into_iter().take(if is_thorough { usize::MAX } else { 1 }).flatten();
        let mut seen = BTreeSet::new();
        let far: VecDeque<u16> = wanted.filter(|at| seen.insert(*at)).take(MOST).collect();
        let step = if table.is_bits() { 16 } else { 8 };
        let (near, given, pages, total) = (VecDeque::new(), BTreeSet::new(), BTreeSet::new(), far.len());
        let mut sweep = Sweep { near, far, given, pages, step, total };
        known.iter().for_each(|(first, last)| {
            sweep.found(*first);
            sweep.found(*last);
        });
        sweep
    }

    /// Of a table that answers everywhere: all of it, so many at once.
    pub fn of_all(count: u16) -> Sweep {
        let far: VecDeque<u16> = (0..=u16::MAX).step_by(usize::from(count.max(1))).collect();
        let total = far.len();
        let (near, given, pages) = (VecDeque::new(), BTreeSet::new(), BTreeSet::new());
        Sweep { near, far, given, pages, step: PAGE, total }
    }

    /// Something answers here.
    pub fn found(&mut self, at: u16) {
        let page = at / PAGE;
        for page in [Some(page), page.checked_add(1), page.checked_sub(1)].into_iter().flatten() {
            if page <= u16::MAX / PAGE && self.given.len() + self.near.len() < MOST_NEAR && self.pages.insert(page) {
                self.near.extend((0..PAGE).step_by(usize::from(self.step)).map(|n| page * PAGE + n));
            }
        }
    }

    /// The next place; `None`: all were given.
    pub fn next(&mut self) -> Option<u16> {
        loop {
            let at = self.near.pop_front().or_else(|| self.far.pop_front())?;
            if self.given.insert(at) {
                return Some(at);
            }
        }
    }

    /// How much of it is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        1.0 - self.far.len() as f64 / self.total.max(1) as f64
    }
}

/// Classes of addresses, the likeliest first.
fn classes(table: Table) -> Vec<Vec<u16>> {
    let grid = |from: u32, to: u32, step: usize, offsets: &[u32]| -> Vec<u16> {
        let all = (from..to).step_by(step).flat_map(|at| offsets.iter().map(move |offset| at + offset));
        all.filter_map(|at| u16::try_from(at).ok()).collect()
    };
    if table.is_bits() {
        let low = [grid(0, 0x200, 8, &[0]), grid(0, 0x1000, 16, &[0]), grid(0, 10_000, 100, &[0, 1])].concat();
        return vec![low, grid(0, 65_536, 64, &[0])];
    }
    let dense = [grid(0, 0x400, 8, &[0]), grid(0, 0x1000, 16, &[0])];
    // Chapters of a manual count in hundreds, and their first numbers are often left out.
    let low = [dense.concat(), grid(0, 10_000, 50, &[0]), grid(0, 10_000, 100, &[1, 2])].concat();
    vec![
        low,
        grid(10_000, 65_536, 50, &[0]),
        grid(0, 65_536, 0x80, &[0, 1]),
        grid(10_000, 65_536, 100, &[1, 2]),
        grid(0, 65_536, 16, &[0]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(mut sweep: Sweep) -> Vec<u16> {
        std::iter::from_fn(|| sweep.next()).collect()
    }

    #[test]
    fn each_class_but_the_last_is_tried_to_its_end_and_none_beyond_the_bound() {
        for table in Table::ALL {
            let places: BTreeSet<u16> = all(Sweep::new(table, &[], true)).into_iter().collect();
            assert!(places.len() <= MOST, "{}", places.len());
            let classes = classes(table);
            for (n, class) in classes.iter().take(4).enumerate() {
                assert!(class.iter().all(|at| places.contains(at)), "class {n} of {table:?}");
            }
            assert!(places.last() > Some(&64_000) && classes[0].len() < 1_200, "{}", classes[0].len());
            let likeliest = all(Sweep::new(table, &[], false));
            assert!(likeliest.iter().all(|at| classes[0].contains(at)), "{likeliest:?}");
        }
        let of_all = all(Sweep::of_all(125));
        assert_eq!((of_all.len(), of_all.first(), of_all.last()), (525, Some(&0), Some(&65_500)));
    }

    proptest! {
        #[test]
        fn no_place_is_given_twice_and_what_is_near_comes_first(
            known in proptest::collection::vec(any::<u16>(), 1..60),
            later in any::<u16>(),
            table in 0_usize..4,
        ) {
            let table = Table::ALL[table];
            let stretches: Vec<(u16, u16)> = known.iter().map(|at| (*at, *at)).collect();
            let mut sweep = Sweep::new(table, &stretches, true);
            let mut given: Vec<u16> = (0..10).filter_map(|_| sweep.next()).collect();
            prop_assert!(given.iter().all(|at| at.abs_diff(known[0]) < 2 * PAGE), "{:?}", given);
            sweep.found(later);
            given.extend(all(sweep));
            let unique: BTreeSet<u16> = given.iter().copied().collect();
            prop_assert_eq!(unique.len(), given.len());
            prop_assert!(given.len() <= MOST + MOST_NEAR + usize::from(PAGE));
        }
    }
}
