//! Press: a stamping press behind an Inovance (汇川) H5U. D registers are holding registers from 0, M are coils from 0,
//! and 32-bit values come with the low word first.
//!
//! | Address | Content | | Address | Content |
//! |---|---|---|---|---|
//! | D100 | strokes, u32 CDAB | | D110 | fault code, 0: none |
//! | D102 | good, u32 CDAB | | D111 | lubrication pressure, u16 x 0.1 bar |
//! | D104 | bad, u32 CDAB | | D112 | die temperature, i16 x 0.1 °C |
//! | D106 | die number | | D114 | scan, u32 CDAB |
//! | D107 | strokes per minute | | M10 | running |
//! | D108 | force of the last stroke, i16 x 0.1 kN | | M11, M12 | emergency stop, light curtain free |

use std::time::Duration;

use super::machine::{Beat, Glance, Image, Phase, Rhythm, good_and_bad, noise, scramble, tenths};
use crate::config::modbus::{Address, Order, Table};

/// The press.
#[derive(Debug, Clone)]
pub struct Press {
    seed: u64,
}

impl Press {
    /// Where its `scan` stands.
    pub const SCAN: (Address, Order) = (Address { table: Table::Holding, offset: 114 }, LOW_FIRST);

    /// A press; the seed settles its noise and which parts are bad.
    pub fn new(seed: u64) -> Press {
        Press { seed }
    }

    /// All registers and bits.
    pub fn at(&self, elapsed: Duration) -> Image {
        let seconds = elapsed.as_secs_f64();
        let beat = RHYTHM.at(elapsed);
        let strokes = strokes(&beat);
        let (good, bad) = good_and_bad(self.seed, strokes, PARTS_PER_LOT);
        let running = beat.phase == Phase::Run;
        let force_kn = if strokes == 0 { 0.0 } else { 612.0 + (scramble(self.seed ^ strokes) % 240) as f64 / 10.0 };

        let mut image = Image::with_spans(&[(Table::Holding, 0, 200), (Table::Coil, 0, 64)]);
        let holding = |offset| Address { table: Table::Holding, offset };
        for (offset, counter) in [(100, strokes), (102, good), (104, bad)] {
            image.put_u32(holding(offset), counter as u32, LOW_FIRST); // wraps as the PLC's own counter does
        }
        image.put(holding(106), &[DIE]);
        image.put(holding(107), &[if running { STROKES_PER_MINUTE as u16 } else { 0 }]);
        image.put(holding(108), &[tenths(force_kn)]);
        image.put(holding(110), &[if beat.phase == Phase::Fault { FAULT_LIGHT_CURTAIN } else { 0 }]);
        image.put(holding(111), &[tenths(18.0 + 0.6 * noise(self.seed, 1, seconds))]);
        image.put(holding(112), &[tenths(self.die_temp(seconds))]);
        let coil = |offset| Address { table: Table::Coil, offset };
        image.put_bit(coil(10), running);
        image.put_bit(coil(11), false);
        image.put_bit(coil(12), beat.phase != Phase::Fault);
        image
    }

    /// The same for people.
    pub fn glance(&self, elapsed: Duration) -> Glance {
        let beat = RHYTHM.at(elapsed);
        let temp = self.die_temp(elapsed.as_secs_f64());
        Glance { phase: beat.phase, cycles: Some(strokes(&beat)), figure: (temp, "°C") }
    }

    fn die_temp(&self, seconds: f64) -> f64 {
        41.0 + 1.5 * noise(self.seed, 2, seconds / 15.0)
    }
}

fn strokes(beat: &Beat) -> u64 {
    (beat.run_s() * STROKES_PER_MINUTE / 60.0) as u64
}

const LOW_FIRST: Order = Order { low_word_first: true, low_byte_first: false };
/// Out of step with the injection machine, so that the two do not stop together.
const RHYTHM: Rhythm =
    Rhythm(&[(Phase::Run, 6.0), (Phase::Idle, 3.0), (Phase::Run, 11.0), (Phase::Fault, 2.0), (Phase::Run, 7.0)]);
const STROKES_PER_MINUTE: f64 = 75.0;
const PARTS_PER_LOT: u64 = 20;
const DIE: u16 = 37;
const FAULT_LIGHT_CURTAIN: u16 = 17;

#[cfg(test)]
mod tests {
    use super::super::machine::reading::{two_minutes, u16_at, u32_at};
    use super::*;

    #[test]
    fn counters_stand_low_word_first_never_fall_and_add_up() {
        let press = Press::new(5);
        let mut last = 0;
        for elapsed in two_minutes() {
            let image = press.at(elapsed);
            let [strokes, good, bad] = [100, 102, 104].map(|at| u32_at(&image, Table::Holding, at, LOW_FIRST));
            assert!(strokes >= last && strokes == good + bad, "{strokes} after {last}");
            assert_eq!(u16_at(&image, Table::Holding, 100), strokes as u16, "the low word comes first");
            last = strokes;
        }
        assert!(last > 100, "{last} strokes in two minutes");
    }

    #[test]
    fn a_fault_shows_in_its_code_and_the_light_curtain() {
        let press = Press::new(5);
        let mut phases = [false; 3];
        for elapsed in two_minutes() {
            let image = press.at(elapsed);
            let phase = RHYTHM.at(elapsed).phase;
            let bits = image.bits(Address { table: Table::Coil, offset: 10 }, 3).expect("in the map");
            assert_eq!(bits, [phase == Phase::Run, false, phase != Phase::Fault]);
            assert_eq!(u16_at(&image, Table::Holding, 110) != 0, phase == Phase::Fault);
            phases[phase as usize] = true;
        }
        assert_eq!(phases, [true; 3]);
    }

    #[test]
    fn figures_stay_where_a_press_has_them() {
        let press = Press::new(5);
        for elapsed in two_minutes().skip(40) {
            let image = press.at(elapsed);
            let word = |at| u16_at(&image, Table::Holding, at);
            assert!((6_120..6_360).contains(&word(108)), "{}", word(108));
            assert!((170..190).contains(&word(111)) && (390..430).contains(&word(112)));
        }
    }
}
