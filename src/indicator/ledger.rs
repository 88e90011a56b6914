//! The rates over the equipment ledger, L1 to L5: counts of machines, never only the percentage. The bands of the 2024
//! questionnaire are closed on the right: exactly 60 % is still D.

use jiff::civil::Date;

use super::calendar::Calendar;
use super::exact::{Ratio, Rounded};
use crate::config::Equipment;

/// One machine of the ledger, as it stands on the last day of the period (R17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Listed {
    /// 数字化.
    pub is_digital: bool,
    /// 联网: see [`has_enough_days`].
    pub is_networked: bool,
    /// 上云: the same of acknowledged records.
    pub is_clouded: bool,
    /// Of a key process.
    pub is_key_process: bool,
    /// 数控.
    pub is_nc: bool,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub num: u32,
    /// Of so many.
    pub den: u32,
}

/// Band of the 2024 questionnaire, and ten times its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// Up to 10 %: 0 points.
    A = 0,
    /// Up to 20 %: 1.5.
    B = 15,
    /// Up to 40 %: 3.
    C = 30,
    /// Up to 60 %: 4.5.
    D = 45,
    /// Above: 6.
    E = 60,
}

/// The rates of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// L1.
    pub total: u32,
    /// L2 设备数字化率.
    pub digital: Rate,
    /// L3 设备联网率: over all machines (MIIT 2024).
    pub networked: Rate,
    /// L3b 数字化设备联网率: over digital ones (GB/T 23020).
    pub networked_of_digital: Rate,
    /// L4 关键工序数控化率.
    pub nc: Rate,
    /// L5 设备上云率.
    pub clouded: Rate,
}

impl Rate {
    /// With six decimals; `None` of nothing.
    pub fn value(self) -> Option<Rounded> {
        Ratio::new(self.num.into(), self.den.into())?.rounded()
    }

    /// Its band, compared in whole numbers (A28).
    pub fn band(self) -> Option<Band> {
        if self.den == 0 {
            return None;
        }
        let is_up_to = |top: u64| u64::from(self.num) * 100 <= top * u64::from(self.den);
        let bands = [(10, Band::A), (20, Band::B), (40, Band::C), (60, Band::D)];
        Some(bands.into_iter().find(|(top, _)| is_up_to(*top)).map_or(Band::E, |(_, band)| band))
    }
}

impl Band {
    /// The letter on the form.
    pub fn letter(self) -> char {
        match self {
            Band::A => 'A',
            Band::B => 'B',
            Band::C => 'C',
            Band::D => 'D',
            Band::E => 'E',
        }
    }

    /// Ten times its points.
    pub fn tenths(self) -> u8 {
        self as u8
    }
}

impl Rates {
    /// Counts the machines of a ledger.
    pub fn of(machines: &[Listed]) -> Rates {
        let count = |test: &dyn Fn(&Listed) -> bool| {
            u32::try_from(machines.iter().filter(|machine| test(machine)).count()).unwrap_or(u32::MAX)
        };
        let (total, digital) = (count(&|_| true), count(&|it| it.is_digital));
        let networked = count(&|it| it.is_networked);
        Rates {
            total,
            digital: Rate { num: digital, den: total },
            networked: Rate { num: networked, den: total },
            networked_of_digital: Rate { num: count(&|it| it.is_networked && it.is_digital), den: digital },
            nc: Rate { num: count(&|it| it.is_key_process && it.is_nc), den: count(&|it| it.is_key_process) },
            clouded: Rate { num: count(&|it| it.is_clouded), den: total },
        }
    }
}

/// Whether a machine stands in the ledger on a day: both ends of its time belong to it (A14).
pub fn is_listed(equipment: &Equipment, day: Date) -> bool {
    let is_then = equipment.valid_from.is_none_or(|from| from <= day) && equipment.valid_to.is_none_or(|to| day <= to);
    is_then && equipment.is_in_use && equipment.is_production
}

/// Scheduled days that are looked at, and those that must be good (A10).
const DAYS: usize = 30;
const GOOD_DAYS: usize = 20;

/// Whether enough of the last scheduled days up to `last` were good: 20 of 30; of a machine that is newer, two thirds, at least
/// one. A day is the local date on which a shift starts.
pub fn has_enough_days(
    calendar: &Calendar,
    valid_from: Option<Date>,
    last: Date,
    is_good: impl Fn(Date) -> bool,
) -> bool {
    let behind = last.tomorrow().unwrap_or(last);
    let mut days = calendar.working_days_before(behind, DAYS);
    days.retain(|day| valid_from.is_none_or(|from| from <= *day));
    let needed = if days.len() == DAYS { GOOD_DAYS } else { (days.len() * 2).div_ceil(3).max(1) };
    days.into_iter().filter(|day| is_good(*day)).count() >= needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(num: u32, den: u32, letter: char, tenths: u8) {
        let band = Rate { num, den }.band().expect("there are machines");
        assert_eq!((band.letter(), band.tenths()), (letter, tenths), "{num}/{den}");
    }

    #[test]
    fn bands_are_closed_on_the_right() {
        check(18, 25, 'E', 60);
        check(15, 25, 'D', 45);
        check(16, 25, 'E', 60);
        check(1, 10, 'A', 0);
        check(2, 10, 'B', 15);
        check(5, 12, 'D', 45);
        check(4, 10, 'C', 30);
        check(0, 3, 'A', 0);
        assert_eq!((Rate { num: 0, den: 0 }.band(), Rate { num: 0, den: 0 }.value()), (None, None));
    }

    #[test]
    fn rates_are_counts_of_machines() {
        let machine = |is_digital, is_networked| Listed { is_digital, is_networked, ..Listed::default() };
        let mut machines = vec![machine(true, true), machine(true, false), machine(false, true), machine(false, false)];
        machines[0].is_key_process = true;
        machines[1].is_nc = true;
        let rates = Rates::of(&machines);
        assert_eq!(
            (rates.total, rates.digital, rates.networked),
            (4, Rate { num: 2, den: 4 }, Rate { num: 2, den: 4 })
        );
        assert_eq!(rates.networked_of_digital, Rate { num: 1, den: 2 });
        assert_eq!(rates.nc, Rate { num: 0, den: 1 });
    }
}
